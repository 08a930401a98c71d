/* Retry-After (RFC 9110 10.2.3): how long a server asks to be left alone. */
#ifndef SWITCHGEAR_HTTP_RETRY_AFTER_H
#define SWITCHGEAR_HTTP_RETRY_AFTER_H

#include <time.h>

#include <switchgear/switchgear.h>

/*
 * value is delta-seconds or an HTTP-date, which is measured from date, the answer's own Date (NULL or junk: from wall, seconds
 * since 1970), so that it does not matter whose clock is wrong. -1: nothing that can be read. Else at most `most`.
 */
swg_ns swgi_http_retry_after(const char *value, const char *date, time_t wall, swg_ns most);

#endif
