/* What is not exactly of the form is no trace: it may come from a stranger's header. */
#include "base/trace.h"

#include <string.h>

#define TRACE_ID  3u /* where it begins */
#define PARENT_ID 36u

static const char shape[] = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Later versions may go on behind another dash. */
static bool has_shape(const char *text) {
    size_t i = 0;
    for (; i < sizeof(shape) - 1; i++)
        if (shape[i] == '-' ? text[i] != '-' : !is_hex(text[i]))
            return false;
    return text[i] == '\0' || (text[i] == '-' && strncmp(text, "00", 2) != 0);
}

static bool is_zero(const char *digits, size_t count) {
    return strspn(digits, "0") >= count;
}

bool swgi_trace_id(const char *traceparent, char out[SWGI_TRACE_ID_LENGTH]) {
    if (traceparent == NULL || !has_shape(traceparent) || strncmp(traceparent, "ff", 2) == 0 ||
        is_zero(traceparent + TRACE_ID, SWGI_TRACE_ID_LENGTH) ||
        is_zero(traceparent + PARENT_ID, 16))
        return false;
    memcpy(out, traceparent + TRACE_ID, SWGI_TRACE_ID_LENGTH);
    return true;
}

bool swgi_trace_id_is_valid(const char *text) {
    size_t length = 0;
    while (length <= SWGI_TRACE_ID_LENGTH && is_hex(text[length]))
        length++;
    return length == SWGI_TRACE_ID_LENGTH && text[length] == '\0' && !is_zero(text, length);
}
