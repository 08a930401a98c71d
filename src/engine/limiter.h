/*
 * Rate limiters: how many calls may go in a time.
 *
 * Five algorithms, each moving one word of the panel by one compare-and-swap a call, so that a
 * limit holds for all processes of a host and a killed caller has either gone or not. What each
 * promises, with n calls let through at the instants they said (or were told to begin at):
 *
 * - token bucket: the generic cell rate algorithm, ITU-T I.371 Annex A, as virtual scheduling:
 *   TAT is when the next call is due; a call at t conforms if t >= TAT - tolerance, and moves TAT
 *   to max(t, TAT) + interval (for limiters of requests: B. Leach, "Rate Limiting, Cells, and
 *   GCRA", brandur.org/rate-limiting). With interval = ceil(per / rate) and tolerance =
 *   (burst - 1) x interval: in any time of length d, n <= burst + floor(d / interval).
 * - leaky bucket: the same with burst 1, as a queue: two calls begin at least an interval apart.
 * - fixed window: time is cut into windows [k x per, (k + 1) x per); in each, n <= rate. Around the
 *   edge of two windows twice the rate may go in a moment.
 * - sliding window: of the same windows, the one before counts with the share of it that the last
 *   `per` still covers: before x (per - elapsed) / per + running <= rate, worked out exactly (the
 *   weighted counter of J. Desgats, "How we built rate limiting capable of scaling to millions of
 *   domains", blog.cloudflare.com, 2017). In each window n <= rate. Of a sliding one it is an
 *   estimate, right if the calls of the window before were spread evenly; if they came at its end,
 *   more than the rate may go in the last `per`, but always less than twice it.
 * - sliding log: in any time [t, t + per), n <= rate, exactly; instants are kept rounded up to
 *   SWGI_LOG_UNIT_NS, so a place comes back at most that much later.
 *
 * Instants are the callers' own and may differ by SWGI_LIMITER_SKEW_NS. What lies farther ahead
 * than an honest caller could have put it (a reboot, a bad clock, another program) is brought back
 * to now: as an empty bucket, a window with the calls counted in it, a log without the entry.
 */
#ifndef SWGI_ENGINE_LIMITER_H
#define SWGI_ENGINE_LIMITER_H

#include "engine/policy_settings.h"

#define SWGI_LIMITER_SKEW_NS         INT64_C(2000000000) /* between two callers' clocks */
#define SWGI_LIMITER_PER_MIN_NS      UINT64_C(1000000)
#define SWGI_LIMITER_PER_MAX_NS      UINT64_C(86400000000000)
#define SWGI_LIMITER_WAIT_MAX_NS     UINT64_C(86400000000000)
#define SWGI_LIMITER_INTERVAL_MIN_NS 100u /* of buckets, so that rounding costs less than 1 % */
#define SWGI_LOG_UNIT_NS             256u
/* A period of adapting is as long as the limiter's own, within these. */
#define SWGI_LIMITER_PERIOD_MIN_NS UINT64_C(100000000)
#define SWGI_LIMITER_PERIOD_MAX_NS UINT64_C(10000000000)
/* A period is bad when more than this share of its outcomes was. */
#define SWGI_LIMITER_BAD_PPM 50000u
#define SWGI_LIMITER_WHOLE   (UINT64_C(1) << 32) /* a factor of 1 */

/* Bits of the rule. */
#define SWGI_LIMITER_ALGORITHM UINT64_C(7) /* enum swgi_limiter_algorithm + 1; 0: off */
#define SWGI_LIMITER_BUCKET    UINT64_C(8) /* one of the first two */
#define SWGI_LIMITER_ADAPTIVE  UINT64_C(16)
#define SWGI_LIMITER_RESOURCE  UINT64_C(32)
#define SWGI_LIMITER_VERSION   8 /* above: raised by each installation */

struct swgi_limiter_answer {
    /*
     * 0: go now. > 0: a place is reserved; go in so many ns. < 0: rejected; the same question in -wait_ns is answered otherwise
     * if nobody comes between, and one ns earlier is not. INT64_MIN + 1 and more.
     */
    int64_t wait_ns;
    uint64_t place; /* for swgi_limiter_give_back(); nothing when rejected */
};

/*
 * Asks for one call at now >= 0, to begin at most may_wait_ns later. Buckets reserve; windows and
 * log never do: who wants to wait for them asks again. slots: the panel's whole pool of slots_count
 * words, looked at by the sliding log alone. Lock-free: who must try again lost to a call that went.
 */
struct swgi_limiter_answer swgi_limiter_take_any(struct swgi_limiter_words *words, swgi_word *slots,
                                                 uint32_t slots_count, int64_t now,
                                                 int64_t may_wait_ns);

/* What an uncontended bucket with a token left needs, one compare-and-swap. false: nothing was
 * taken. */
static inline __attribute__((always_inline)) bool swgi_limiter_try(struct swgi_limiter_words *words,
                                                                   int64_t now, uint64_t *place) {
    uint64_t tat = swgi_load(&words->tat), at = (uint64_t)now;
    if (swgi_unlikely((swgi_load_relaxed(&words->rule, FAST_SETTING) & SWGI_LIMITER_BUCKET) == 0 ||
                      tat > at + swgi_load_relaxed(&words->tolerance_ns, FAST_SETTING)))
        return false;
    uint64_t next = (tat > at ? tat : at) + swgi_load_relaxed(&words->interval_ns, FAST_SETTING);
    *place = next;
    return swgi_likely(swgi_cas(&words->tat, tat, next));
}

static inline struct swgi_limiter_answer swgi_limiter_take(struct swgi_limiter_words *words,
                                                           swgi_word *slots, uint32_t slots_count,
                                                           int64_t now, int64_t may_wait_ns) {
    uint64_t place;
    if (swgi_likely(swgi_limiter_try(words, now, &place)))
        return (struct swgi_limiter_answer){ 0, place };
    return swgi_limiter_take_any(words, slots, slots_count, now, may_wait_ns);
}

/*
 * The call at that place is not made after all. A bucket takes it back if nobody came after, a
 * window while it runs, a log never: what cannot be given back counts as made. At most once for
 * each answer.
 */
void swgi_limiter_give_back(struct swgi_limiter_words *words, uint64_t place);

static inline bool swgi_limiter_is_on(const struct swgi_limiter_words *words) {
    return (swgi_load_relaxed(&words->rule, FAST_SETTING) & SWGI_LIMITER_ALGORITHM) != 0;
}

/* For people. */
struct swgi_limiter_view {
    bool on;
    uint8_t algorithm;
    uint32_t rate; /* calls per per_ns let through now, rounded down */
    uint32_t left; /* calls that could go at now at once */
    uint64_t per_ns;
    int64_t retry_in; /* until one can; 0: now */
    double share;     /* of the configured rate that adapting leaves */
};
/* Changes nothing. */
void swgi_limiter_look(const struct swgi_limiter_words *words, swgi_word *slots,
                       uint32_t slots_count, int64_t now, struct swgi_limiter_view *out);
/* Calls that could go at once; UINT32_MAX where there is no limiter. */
uint32_t swgi_limiter_left(const struct swgi_limiter_words *words, swgi_word *slots,
                           uint32_t slots_count, int64_t now);

/* ---- what they are told (limiter_settings.c) */

/* How long a run of slots to claim before such settings are installed; 0: none is needed, or the
 * one there is will do: a log that gets shorter keeps it, and with it what it would forget. */
uint32_t swgi_limiter_slots(const struct swgi_limiter_words *words, uint32_t slots_count,
                            const struct swgi_limiter_settings *settings);
/* -EINVAL names the key, its value and what is allowed. Fills what follows other settings. */
int swgi_limiter_compile(struct swgi_limiter_settings *settings, struct swg_error *error);
/* For settings read from memory that others can write. */
bool swgi_limiter_settings_check(const struct swgi_limiter_settings *settings);
/*
 * Under the registry's lock: settings that passed the check become words. log: the run that
 * swgi_limiter_slots() asked for, else 0; what the present one holds is moved, and once words->log
 * names it no longer the caller frees that. Calls in progress go on, and what was counted is kept:
 * in a smaller bucket as far as it could have lent it, in another window, by another algorithm.
 */
void swgi_limiter_install(struct swgi_limiter_words *words,
                          const struct swgi_limiter_settings *settings, swgi_word *slots,
                          uint32_t slots_count, uint64_t log, int64_t now);

/* ---- what adapts (limiter_adapt.c) */

static inline uint64_t swgi_limiter_period_ns(uint64_t per_ns) {
    if (per_ns < SWGI_LIMITER_PERIOD_MIN_NS)
        return SWGI_LIMITER_PERIOD_MIN_NS;
    return per_ns < SWGI_LIMITER_PERIOD_MAX_NS ? per_ns : SWGI_LIMITER_PERIOD_MAX_NS;
}
/* Is it time to look at the outcomes? */
bool swgi_limiter_adapt_due(const struct swgi_limiter_words *words, int64_t now);
/*
 * With the circuit's sums of outcomes, monotone: a period more than SWGI_LIMITER_BAD_PPM of whose
 * outcomes were bad multiplies the rate by `decrease`; any other with outcomes adds `increase` x
 * the configured rate (additive increase, multiplicative decrease: Chiu and Jain, "Analysis of the
 * Increase and Decrease Algorithms for Congestion Avoidance", Computer Networks 17, 1989); between
 * rate_min and rate. false: not due, or somebody else does it.
 */
bool swgi_limiter_adapt(struct swgi_limiter_words *words,
                        const struct swgi_limiter_settings *settings, uint64_t calls_sum,
                        uint64_t bad_sum, int64_t now);
/* The system's load as a share of all cores: above system_load_above the rate shrinks to
 * system_load_above / load. Both factors are multiplied. */
void swgi_limiter_load(struct swgi_limiter_words *words,
                       const struct swgi_limiter_settings *settings, double load);
/* The share of the configured rate that both leave, of SWGI_LIMITER_WHOLE, within its bounds. */
uint64_t swgi_limiter_share(const struct swgi_limiter_words *words);
/* Scales the configured rate by it, into the words that calls read. */
void swgi_limiter_apply(struct swgi_limiter_words *words);

#endif
