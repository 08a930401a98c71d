/* What every public call needs: structs of another version's callers, errors, and the clock that outlives a boot. */
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static bool is_zero(const unsigned char *bytes, size_t from, size_t to) {
    while (from < to && bytes[from] == 0)
        from++;
    return from >= to;
}

int swgi_outbox_take(void *to, size_t to_size, const void *from) {
    uint32_t size;

    memcpy(&size, from, sizeof(size));
    if (size < sizeof(size))
        return -EINVAL;
    if (!is_zero(from, to_size, size))
        return -E2BIG;
    memcpy(to, from, size < to_size ? size : to_size);
    return 0;
}

void swgi_outbox_give(void *to, const void *from, size_t from_size) {
    uint32_t size;
    size_t start = sizeof(size);

    if (to == NULL)
        return;
    memcpy(&size, to, sizeof(size));
    if (size > from_size)
        size = (uint32_t)from_size;
    if (size > start)
        memcpy((char *)to + start, (const char *)from + start, size - start);
}

int swgi_outbox_fault(struct swg_error *error, int code, const char *key, const char *format, ...) {
    struct swg_error mine = SWG_ERROR_INIT;
    va_list arguments;

    mine.code = code;
    snprintf(mine.key, sizeof(mine.key), "%s", key);
    va_start(arguments, format);
    vsnprintf(mine.text, sizeof(mine.text), format, arguments);
    va_end(arguments);
    swgi_outbox_give(error, &mine, sizeof(mine));
    return code;
}

/* Ages must hold across boots, so they are told by CLOCK_REALTIME. */
int64_t swgi_outbox_wall_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / SWGI_NS_PER_MS;
}

/* Never negative: that clock may be set back. */
swg_ns swgi_outbox_age(int64_t put_ms) {
    int64_t age_ms = swgi_outbox_wall_ms() - put_ms;

    if (age_ms < 0)
        return 0;
    return age_ms > SWG_NS_MAX / SWGI_NS_PER_MS ? SWG_NS_MAX : age_ms * SWGI_NS_PER_MS;
}
