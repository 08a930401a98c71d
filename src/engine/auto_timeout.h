/*
 * Timeouts, and the one that a circuit finds out by itself.
 *
 * What is accepted is a share of good calls that the timeout may cut off (auto_ppm, say one in a
 * thousand); what follows is the quantile of the circuit's own durations at 1 - auto_ppm. It is
 * worked out at most once a second by whoever takes the stamp:
 *
 *     if (swgi_timeout_due(words, settings, now) && swgi_timeout_begin(words, settings, now)) {
 *         sum the columns into durations;
 *         swgi_timeout_update(words, settings, &durations, now);
 *     }
 *
 * A call that our own timeout cut off has no duration: all we know is that it took longer. In the
 * statistics such an observation is censored (Kaplan and Meier, "Nonparametric Estimation from
 * Incomplete Observations", JASA 53, 1958), and leaving it out would let a timeout shorten itself
 * until nothing passes. What lasted as long as the timeout stands at the upper end of all durations
 * anyway. So of the calls of a period, of which good are all but the hard failures,
 *
 *     allowed = floor(good auto_ppm / 10^6)
 *
 * may last longer, and the timeout is the upper edge of the bin of the longest other one: at most a
 * quarter longer than the quantile, never shorter. There is no interpolation: it would need to know
 * how the tail runs inside a bin, and its mistakes would cut off good calls. It takes 10 allowed
 * ones, and no more than that cut off: else the quantile lies beyond what can be seen.
 *
 * If those cut off are noticeably more (k >= 8 and k > e + 4 sqrt(e), with e what is allowed), the
 * timeout is made half as long again and a new period begins, so that it grows again only by what
 * the longer one cuts off. It ends at auto_most_ns, also while the dependency answers nothing at
 * all. In between it stays.
 *
 * Cut off are outcomes of timeout, and no more of them than calls that lasted at least 4/5 of the
 * timeout: overload that the dependency told of is a timeout too, but a quick one. The fifth is for
 * those who measure in milliseconds or start the clock later; with it, much overload may lengthen
 * the timeout to about twice the quantile.
 *
 * A period lasts five minutes, or longer until there are enough calls; the last value holds until
 * then. A circuit that never had enough starts from attempt_ns, or auto_most_ns where that is none.
 * Killed anywhere, an updater leaves the last value, and at worst a period that begins anew.
 */
#ifndef SWGI_ENGINE_AUTO_TIMEOUT_H
#define SWGI_ENGINE_AUTO_TIMEOUT_H

#include "engine/engine.h"
#include "engine/policy_settings.h"
#include "panel/policies.h"

#define SWGI_TIMEOUT_EVERY_NS  UINT64_C(1000000000)
#define SWGI_TIMEOUT_PERIOD_NS UINT64_C(300000000000)

/* Sums since the circuit was made, over all columns. */
struct swgi_durations {
    uint64_t bins[SWGI_HISTOGRAM_BINS]; /* of all calls that ended, whatever they came to */
    uint64_t failures;                  /* hard ones; taken for short */
    uint64_t timeouts;
};

/* The timeout of one attempt now, in nanoseconds; UINT64_MAX: none. One load, for every call. */
static inline uint64_t swgi_timeout_attempt(const struct swgi_timeout_words *words) {
    uint64_t attempt_ns = swgi_load_relaxed(&words->attempt_ns, FAST_SETTING);
    return attempt_ns != 0 ? attempt_ns : UINT64_MAX;
}

/* Under the registry lock, when settings are installed: sets that word. A value that was worked out
 * stays if the new bounds allow it. */
void swgi_timeout_install(struct swgi_timeout_words *words,
                          const struct swgi_timeout_settings *settings);

/* Is it time to work the timeout out? Never true without auto_ppm. */
static inline bool swgi_timeout_due(const struct swgi_timeout_words *words,
                                    const struct swgi_timeout_settings *settings, int64_t now) {
    return settings->auto_ppm != UINT32_MAX &&
           swgi_passed(now, (int64_t)swgi_load_relaxed(&words->stamp, STAMP)) >=
               SWGI_TIMEOUT_EVERY_NS;
}
/* Takes the update; false: another has it, or it is not due any more. now: panel time that was
 * compared with our own clock. */
bool swgi_timeout_begin(struct swgi_timeout_words *words,
                        const struct swgi_timeout_settings *settings, int64_t now);
/* For whom swgi_timeout_begin() answered true, with the same now. */
void swgi_timeout_update(struct swgi_timeout_words *words,
                         const struct swgi_timeout_settings *settings,
                         const struct swgi_durations *durations, int64_t now);

/* What the running period holds, for people. Pure; false: no period has begun, or one is just being
 * written. */
struct swgi_timeout_period {
    uint64_t good;    /* calls that were no hard failures */
    uint64_t cut_off; /* of them */
    uint64_t needed;  /* good ones, until the timeout is worked out */
    int64_t since;
};
bool swgi_timeout_look(const struct swgi_timeout_words *words,
                       const struct swgi_timeout_settings *settings,
                       const struct swgi_durations *durations, struct swgi_timeout_period *out);

/* Refuses settings that contradict each other: -EINVAL names the key, its value and what is
 * allowed. Changes nothing. */
int swgi_timeout_compile(struct swgi_timeout_settings *settings, struct swg_error *error);
/* May these settings be acted upon? For what was read from memory that others can write. */
bool swgi_timeout_settings_check(const struct swgi_timeout_settings *settings);

#endif
