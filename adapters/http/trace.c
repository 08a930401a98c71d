/*
 * What looks like a W3C trace context may be sent on as a header; anything else stays here, and so injects nothing.
 * https://www.w3.org/TR/trace-context/#traceparent-header, and #versioning-of-traceparent for versions yet to come.
 */
#include "internal.h"

#include <string.h>

static const char shape[] = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
enum {
    LENGTH = sizeof(shape) - 1,
    TRACE_ID = 3,
    TRACE_ID_LENGTH = 32,
    PARENT_ID = 36,
    PARENT_ID_LENGTH = 16
};

static bool has_shape(const char *text) {
    for (size_t i = 0; i < LENGTH; i++)
        if (shape[i] == '-' ? text[i] != '-' : strchr("0123456789abcdef", text[i]) == NULL)
            return false;
    return true;
}

/* Later versions may say more, behind another dash. */
static bool tail_is_valid(const char *text, size_t length) {
    const char *tail = text + LENGTH;

    if (length == LENGTH)
        return true;
    return strncmp(text, "00", 2) != 0 && *tail == '-' &&
           strspn(tail, "0123456789abcdefghijklmnopqrstuvwxyz-_=,.") == length - LENGTH;
}

bool swgi_http_trace_is_valid(const char *text) {
    size_t length = strnlen(text, SWGI_HTTP_TRACE_MAX + 1);

    if (length < LENGTH || length > SWGI_HTTP_TRACE_MAX || !has_shape(text) ||
        strncmp(text, "ff", 2) == 0)
        return false;
    return strspn(text + TRACE_ID, "0") < TRACE_ID_LENGTH &&
           strspn(text + PARENT_ID, "0") < PARENT_ID_LENGTH && tail_is_valid(text, length);
}
