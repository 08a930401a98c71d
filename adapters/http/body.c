/* A body in memory: for callers that want one, and the only kind that can be kept and served again. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define FIRST_ROOM 4096

static bool grow(struct swgi_http_body *body, size_t length) {
    size_t room = body->room != 0 ? body->room : FIRST_ROOM;
    char *bytes;

    while (room < length)
        room *= 2;
    if (room == body->room)
        return true;
    bytes = realloc(body->bytes, room + 1);
    if (bytes == NULL)
        return false;
    body->bytes = bytes;
    body->room = room;
    return true;
}

size_t swgi_http_collect(char *bytes, size_t size, size_t count, void *arg) {
    struct swgi_http_body *body = arg;
    size_t length = size * count;

    if (length > body->most - body->length || !grow(body, body->length + length))
        return 0;
    memcpy(body->bytes + body->length, bytes, length);
    body->length += length;
    return length;
}

static void put(struct swg_http_result *result, char *bytes, size_t length) {
    free(result->body);
    result->body = bytes;
    result->body_length = bytes != NULL ? length : 0;
    if (bytes != NULL)
        bytes[length] = '\0';
}

void swgi_http_body_give(struct swgi_http_body *body, struct swg_http_result *result) {
    put(result, body->bytes, body->length);
    body->bytes = NULL;
    body->length = body->room = 0;
}

void swgi_http_body_set(struct swg_http_result *result, const void *bytes, size_t length) {
    char *copy = bytes != NULL ? malloc(length + 1) : NULL;

    if (copy != NULL)
        memcpy(copy, bytes, length);
    put(result, copy, length);
}
