/* The options: defaults, and what is wrong with them, by name and range. */
#include "internal.h"

#include <errno.h>
#include <string.h>

#define DAY (86400 * SWGI_NS_PER_S)

struct number {
    const char *name;
    uint64_t *value;
    uint64_t unset, most;
    const char *allowed;
};

static int check_numbers(struct swg_outbox_options *mine, struct swg_error *error) {
    const struct number numbers[] = {
        { "rows_max", &mine->rows_max, 100000, 1000000000, "1 to 10^9, or 0 for 100,000" },
        { "bytes_max", &mine->bytes_max, UINT64_C(256) << 20, UINT64_C(1) << 40,
          "1 to 2^40 bytes, or 0 for 256 MiB" },
        { "remember_max", &mine->remember_max, 100000, 1000000000, "1 to 10^9, or 0 for 100,000" },
    };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        if (*numbers[i].value == 0)
            *numbers[i].value = numbers[i].unset;
        if (*numbers[i].value > numbers[i].most)
            return swgi_outbox_fault(error, -EINVAL, numbers[i].name, "%llu is not allowed: %s",
                                     (unsigned long long)*numbers[i].value, numbers[i].allowed);
    }
    if (mine->attempts_max == 0)
        mine->attempts_max = 10;
    if (mine->attempts_max > 1000000)
        return swgi_outbox_fault(error, -EINVAL, "attempts_max",
                                 "%u is not allowed: 1 to 10^6, or 0 for 10", mine->attempts_max);
    if (mine->priority < -32 || mine->priority > 31)
        return swgi_outbox_fault(error, -EINVAL, "priority",
                                 "%d is not allowed: -32, urgent, to 31, least", mine->priority);
    return 0;
}

struct span {
    const char *name;
    swg_ns *value;
    swg_ns unset, least, most;
    const char *allowed;
};

static int check_spans(struct swg_outbox_options *mine, struct swg_error *error) {
    const swg_ns ms = SWGI_NS_PER_MS, s = SWGI_NS_PER_S;
    const struct span spans[] = {
        { "age_max", &mine->age_max, SWG_NS_MAX, ms, SWG_NS_MAX,
          "at least 1 ms, or 0 for any age" },
        { "remember", &mine->remember, 7 * DAY, s, SWG_NS_MAX, "at least 1 s, or 0 for 7 days" },
        { "busy_max", &mine->busy_max, 5 * s, ms, 60 * s, "1 ms to 1 min, or 0 for 5 s" },
    };

    for (size_t i = 0; i < sizeof(spans) / sizeof(*spans); i++) {
        if (*spans[i].value == 0)
            *spans[i].value = spans[i].unset;
        if (*spans[i].value < spans[i].least || *spans[i].value > spans[i].most)
            return swgi_outbox_fault(error, -EINVAL, spans[i].name, "%lld ns is not allowed: %s",
                                     (long long)*spans[i].value, spans[i].allowed);
    }
    return 0;
}

static int check_texts(struct swg_outbox_options *mine, struct swg_error *error) {
    static const char legal[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@/-";

    if (mine->path == NULL || *mine->path == '\0')
        return swgi_outbox_fault(error, -EINVAL, "path", "there must be one: the database's file");
    if (mine->queue == NULL)
        mine->queue = "default";
    size_t length = strlen(mine->queue);
    if (length == 0 || length > SWGI_OUTBOX_NAME_MAX || strspn(mine->queue, legal) != length)
        return swgi_outbox_fault(error, -EINVAL, "queue",
                                 "a queue's name is 1 to %d of A-Z a-z 0-9 . _ : @ / -",
                                 SWGI_OUTBOX_NAME_MAX);
    return 0;
}

int swgi_outbox_options(struct swg_outbox_options *mine, const struct swg_outbox_options *options,
                        struct swg_error *error) {
    int rc;

    *mine = (struct swg_outbox_options)SWG_OUTBOX_OPTIONS_INIT;
    rc = options == NULL ? 0 : swgi_outbox_take(mine, sizeof(*mine), options);
    if (rc != 0)
        return swgi_outbox_fault(
            error, rc, "size",
            "the struct is another version's: set it with SWG_OUTBOX_OPTIONS_INIT");
    rc = check_texts(mine, error);
    if (rc == 0)
        rc = check_numbers(mine, error);
    return rc == 0 ? check_spans(mine, error) : rc;
}
