/*
 * Partial recovery: named features of a circuit that go off when it trips and come back one by one.
 *
 * Features of importance 100 and more are critical: they are always on. While the breaker is not
 * CLOSED all others are off. Once it is, the most important of them comes back at once, and each
 * further one when `hold` has passed in health since the last change. When health falls, the last
 * to come back goes off at once, and one more for each `hold` that it stays bad; when health
 * returns, `hold` begins anew. When all are back and were held, the recovery is over: health is not
 * asked again before the next trip. A circuit that never tripped has all on.
 *
 * All of it is one word: phase, how many are back, since when, and the number of the last trip that
 * was seen, so that a trip nobody looked at is noticed afterwards. It moves when somebody asks, by
 * at most one feature a time: a circuit whose features nobody uses has not shown that it bears
 * them. A caller killed anywhere has moved it or has not; one that was stopped while the breaker
 * was open, and goes on after it closed, may make the return begin anew. Times are kept in units of
 * 2^22 ns, so `hold` lasts up to 4.2 ms longer.
 */
#ifndef SWGI_ENGINE_FEATURES_H
#define SWGI_ENGINE_FEATURES_H

#include <stddef.h>

#include "engine/policy_settings.h"
#include "panel/policies.h"

#define SWGI_FEATURE_CRITICAL       100u
#define SWGI_FEATURE_IMPORTANCE_MAX 1000000u
#define SWGI_FEATURES_TEXT          600u /* room for any list as text */

/* What a caller saw of the circuit. */
struct swgi_feature_look {
    bool closed;    /* the effective state is CLOSED; false for a circuit isolated by hand */
    bool healthy;   /* asked only while features come back */
    uint64_t trips; /* the cell's counter */
    int64_t now;    /* panel time that was compared with our own clock */
};

enum swgi_feature_phase {
    SWGI_FEATURES_ALL,      /* on */
    SWGI_FEATURES_OFF,      /* all but the critical */
    SWGI_FEATURES_RETURNING /* one by one */
};

struct swgi_feature_view {
    enum swgi_feature_phase phase;
    unsigned back, all; /* how many that are not critical are on; how many there are */
    uint32_t on;        /* bit i: settings->list[i] is on */
    bool unwell;        /* going back */
    int64_t since;      /* of the last change; 0 in SWGI_FEATURES_ALL */
    int64_t next_at;    /* when the next one may change; INT64_MAX: not by time */
};

/* 1: on, 0: off, -ENOENT: no feature of that name (NULL too). Moves the word if it is time. */
int swgi_feature_enabled(struct swgi_feature_words *words,
                         const struct swgi_feature_settings *settings, const char *name,
                         const struct swgi_feature_look *look);

/* What is on by that look, without moving anything. Pure: for status and why. */
void swgi_features_view(const struct swgi_feature_words *words,
                        const struct swgi_feature_settings *settings,
                        const struct swgi_feature_look *look, struct swgi_feature_view *out);

/*
 * "checkout:100, search:50": names [a-z0-9_.-]{1,23}, importance 0..1,000,000, at most 16, each
 * name once, blanks around entries; "none": no features. Sets list and count, sorted: most
 * important first, then by name; hold_ns stays. -EINVAL says what was wrong and leaves *out alone.
 */
int swgi_features_parse(const char *text, struct swgi_feature_settings *out,
                        struct swg_error *error);
/* 0, or -ERANGE when it does not fit in size bytes. What is printed is parsed to the same. */
int swgi_features_print(const struct swgi_feature_settings *settings, char *out, size_t size);

/* Refuses what parsing could not: -EINVAL names the key and what is allowed. Sorts the list. */
int swgi_features_compile(struct swgi_feature_settings *settings, struct swg_error *error);
/* May these settings be acted upon? For what was read from memory that others can write. */
bool swgi_features_settings_check(const struct swgi_feature_settings *settings);

#endif
