/* W3C trace contexts: https://www.w3.org/TR/trace-context/#traceparent-header */
#ifndef SWGI_BASE_TRACE_H
#define SWGI_BASE_TRACE_H

#include <stdbool.h>

#define SWGI_TRACE_ID_LENGTH 32u

/* The trace id of a traceparent (NULL: none), without a NUL. false, and out left alone: it is not valid. */
bool swgi_trace_id(const char *traceparent, char out[SWGI_TRACE_ID_LENGTH]);
/* Is that text such an id: 32 lower-case hex digits, not all of them 0? */
bool swgi_trace_id_is_valid(const char *text);

#endif
