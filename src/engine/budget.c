/*
 * One word: which rates it was made under, and up to where the line of credit is spent, in
 * millionths of a retry modulo 2^56.
 *
 * The word names the rates because the line is another one under others: what is left between a
 * line and a mark on some other line is any number at all. Zero is the word that nobody moved yet.
 */
#include "engine/budget.h"

#include <math.h>

#include "base/random.h"
#include "base/wide.h"
#include "engine/engine.h"
#include "panel/words.h"

#define MARK_BITS   56
#define RETRY       UINT64_C(1000000) /* what one costs */
#define RACES       64u
#define DISBELIEVED UINT64_C(10000000000) /* ns */

enum { BEHIND_SINCE }; /* of words->spare */

static uint64_t tag_of(const struct swgi_retry_settings *settings) {
    uint64_t rates = (uint64_t)settings->budget_per_second << 32 | settings->budget_ppm;

    return (swgi_random_mix(rates) % 255 + 1) << MARK_BITS;
}

static uint64_t marked(const struct swgi_retry_settings *settings, uint64_t mark) {
    return tag_of(settings) | (mark & SWGI_MASK(MARK_BITS));
}

/* All that was earned since the beginning of time and calls. */
static uint64_t line(const struct swgi_retry_settings *settings, uint64_t first_calls,
                     int64_t now) {
    swgi_wide by_time = (swgi_wide)(now > 0 ? now : 0) * settings->budget_per_second / 1000;

    return (first_calls * settings->budget_ppm + (uint64_t)by_time) & SWGI_MASK(MARK_BITS);
}

static uint64_t most(const struct swgi_retry_settings *settings) {
    uint32_t retries =
        settings->budget_max < SWGI_BUDGET_MAX ? settings->budget_max : SWGI_BUDGET_MAX;

    return retries * RETRY;
}

static bool is_foreign(const struct swgi_retry_settings *settings, uint64_t word) {
    return word != 0 && (word & ~SWGI_MASK(MARK_BITS)) != tag_of(settings);
}

/* How far the mark is ahead of what this caller knows to be earned, 0 if it is not. */
static uint64_t ahead(uint64_t word, uint64_t earned) {
    uint64_t distance = (word - earned) & SWGI_MASK(MARK_BITS);

    return word == 0 || distance >> (MARK_BITS - 1) ? 0 : distance;
}

static uint64_t left_of(const struct swgi_retry_settings *settings, uint64_t word,
                        uint64_t earned) {
    uint64_t left = (earned - word) & SWGI_MASK(MARK_BITS);

    if (word == 0)
        return most(settings);
#ifdef SWGI_MUTANT_BUDGET_AHEAD_IS_LEFT
    return left < most(settings) ? left : most(settings);
#endif
    if (is_foreign(settings, word) || ahead(word, earned) != 0)
        return 0;
#ifdef SWGI_MUTANT_BUDGET_NO_MAX
    return left;
#endif
    return left < most(settings) ? left : most(settings);
}

static bool move(struct swgi_budget_words *words, uint64_t word, uint64_t next) {
#ifdef SWGI_MUTANT_BUDGET_PLAIN_STORE
    (void)word;
    swgi_store(&words->credit, next);
    return true;
#else
    return swgi_cas(&words->credit, word, next);
#endif
}

/*
 * A mark that lies further ahead than anybody could have spent is a caller's who was stopped after
 * summing the calls, or nonsense. The first must not turn it back; the second must not refuse for
 * ever. So it is believed for ten seconds in which nobody finds it right. One who was stopped for
 * that long, and another stopped at the same moment, may turn it back together: once, by what may be
 * saved up.
 */
static bool is_disbelieved(struct swgi_budget_words *words,
                           const struct swgi_retry_settings *settings, uint64_t word,
                           uint64_t earned, int64_t now) {
    swgi_word *behind_since = &words->spare[BEHIND_SINCE];
    uint64_t since = swgi_load(behind_since);

    if (ahead(word, earned) <= most(settings)) {
        if (since != 0)
            swgi_store(behind_since, 0);
        return false;
    }
    if (since == 0 || (int64_t)since > now) {
        swgi_cas(behind_since, since, (uint64_t)now | 1);
        return false;
    }
    return (uint64_t)now - since >= DISBELIEVED;
}

static bool take(struct swgi_budget_words *words, const struct swgi_retry_settings *settings,
                 uint64_t earned, int64_t now) {
    for (unsigned race = 0; race < RACES; race++) {
        uint64_t word = swgi_load(&words->credit);
        uint64_t left = left_of(settings, word, earned);
        bool begin_anew =
            is_foreign(settings, word) || is_disbelieved(words, settings, word, earned, now);

        if (!begin_anew && left < RETRY)
            return false;
        uint64_t next = begin_anew ? earned : earned - left + RETRY;
        if (move(words, word, marked(settings, next)))
            return !begin_anew;
    }
    return false;
}

bool swgi_budget_take(struct swgi_budget_words *words, const struct swgi_retry_settings *settings,
                      uint64_t first_calls, int64_t now) {
    bool taken = settings->budget_ppm == UINT32_MAX ||
                 take(words, settings, line(settings, first_calls, now), now);

    swgi_add_relaxed(taken ? &words->spent : &words->refused, 1, COUNTER);
    return taken;
}

double swgi_budget_left(const struct swgi_budget_words *words,
                        const struct swgi_retry_settings *settings, uint64_t first_calls,
                        int64_t now) {
    uint64_t earned = line(settings, first_calls, now);

    if (settings->budget_ppm == UINT32_MAX)
        return (double)INFINITY;
    return (double)left_of(settings, swgi_load(&words->credit), earned) / (double)RETRY;
}

static uint64_t carried(const struct swgi_retry_settings *former,
                        const struct swgi_retry_settings *settings, uint64_t word,
                        uint64_t first_calls, int64_t now) {
    if (former->budget_ppm == UINT32_MAX)
        return most(settings);
    uint64_t left = left_of(former, word, line(former, first_calls, now));
    return left < most(settings) ? left : most(settings);
}

void swgi_budget_settle(struct swgi_budget_words *words, const struct swgi_retry_settings *former,
                        const struct swgi_retry_settings *settings, uint64_t first_calls,
                        int64_t now) {
    if (settings->budget_ppm == UINT32_MAX || tag_of(former) == tag_of(settings))
        return;
    for (unsigned race = 0; race < RACES; race++) {
        uint64_t word = swgi_load(&words->credit);
        uint64_t left = carried(former, settings, word, first_calls, now);
        uint64_t mark = line(settings, first_calls, now) - left;

        if (word == 0 || swgi_cas(&words->credit, word, marked(settings, mark)))
            return;
    }
}
