/* The size that every public struct begins with, and what it is for: callers built against another version of the header. */
#include "internal.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int swgi_http_take(void *to, size_t to_size, const void *from) {
    const unsigned char *bytes = from;
    uint32_t from_size;

    memcpy(&from_size, from, sizeof(from_size));
    if (from_size < sizeof(from_size))
        return -EINVAL;
    for (size_t i = to_size; i < from_size; i++)
        if (bytes[i] != 0)
            return -E2BIG;
    memcpy(to, from, from_size < to_size ? from_size : to_size);
    return 0;
}

void swgi_http_give(struct swg_http_result *to, struct swg_http_result *result) {
    const size_t with_body = offsetof(struct swg_http_result, body_length) + sizeof(size_t);
    uint32_t size;

    if (to == NULL || to->size < with_body) {
        free(result->body);
        result->body = NULL;
    }
    if (to == NULL)
        return;
    size = to->size < sizeof(*result) ? to->size : (uint32_t)sizeof(*result);
    if (size <= sizeof(size))
        return;
    memcpy((unsigned char *)to + sizeof(size), (const unsigned char *)result + sizeof(size),
           size - sizeof(size));
}

int swgi_http_fault(struct swg_error *error, int code, const char *key, const char *text) {
    struct swg_error mine = SWG_ERROR_INIT;

    if (error == NULL || error->size < sizeof(error->size))
        return code;
    mine.size = error->size;
    mine.code = code;
    snprintf(mine.key, sizeof(mine.key), "%s", key);
    snprintf(mine.text, sizeof(mine.text), "%s", text);
    memcpy(error, &mine, error->size < sizeof(mine) ? error->size : sizeof(mine));
    return code;
}
