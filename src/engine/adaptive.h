/*
 * Adaptive concurrency: how many calls may be in flight, learned from how long they take.
 *
 * Nothing is sampled per call: threads count calls, durations and timeouts in counters of their own
 * anyway, and a window is a difference of two sums. Whoever ends a call and finds the window over
 * takes the update by one compare-and-swap:
 *
 *     if (swgi_adaptive_due(words, window_ns, now) && swgi_adaptive_begin(words, window_ns, now)) {
 *         sum the columns into sample;
 *         swgi_store(&bulkhead->limit, swgi_adaptive_update(words, settings, &sample, now));
 *     }
 *
 * now is panel time that was compared with our own clock; a window is prolonged while it holds too
 * few calls to say anything. An updater that is killed loses at most one window: the sums are
 * sealed, and a seal that does not fit them only makes the window begin anew. Words that hold what
 * no limit can be count as never written.
 */
#ifndef SWGI_ENGINE_ADAPTIVE_H
#define SWGI_ENGINE_ADAPTIVE_H

#include "engine/engine.h"
#include "engine/policy_settings.h"

/* Sums since the circuit was made, over all threads, of calls that tell how long the server takes:
 * successes and timeouts. Ignored outcomes and hard failures stay out: a refused connection takes
 * no time and says nothing about service time. */
struct swgi_adaptive_sample {
    uint64_t calls;     /* ended */
    uint64_t time_ns;   /* their durations */
    uint64_t failed;    /* those of them that were timeouts or overload */
    uint32_t in_flight; /* now */
    bool limited;       /* somebody found no permit free since the window began */
};

/* Is the window over? The one load and compare that every call pays. */
static inline bool swgi_adaptive_due(const struct swgi_adaptive_words *words, uint64_t window_ns,
                                     int64_t now) {
    return swgi_passed(now, (int64_t)swgi_load_relaxed(&words->stamp, STAMP)) >= window_ns;
}

/* Takes the update; false: another has it, or it is not due any more. */
bool swgi_adaptive_begin(struct swgi_adaptive_words *words, uint64_t window_ns, int64_t now);

/* When the running window began: what sample.limited is about. */
static inline int64_t swgi_adaptive_began(const struct swgi_adaptive_words *words) {
    return (int64_t)swgi_load(&words->began);
}

/* Judges the window and begins the next; returns the new limit. For whom swgi_adaptive_begin()
 * answered true, with the same now. */
uint32_t swgi_adaptive_update(struct swgi_adaptive_words *words,
                              const struct swgi_adaptive_settings *settings,
                              const struct swgi_adaptive_sample *sample, int64_t now);

/* The limit that holds, as an integer in [adaptive.min, adaptive.max], whatever stands in the
 * words. */
uint32_t swgi_adaptive_limit(const struct swgi_adaptive_words *words,
                             const struct swgi_adaptive_settings *settings);

/* Every 0 that means "the algorithm's own" replaced by what it stands for, and everything brought
 * into its range. */
struct swgi_adaptive_settings swgi_adaptive_resolved(const struct swgi_adaptive_settings *settings);

/*
 * Notes bulkhead.max_concurrent (0: not set) as the ceiling of adaptive.max and refuses settings
 * that contradict each other: -EINVAL names the key, its value and what is allowed.
 */
int swgi_adaptive_compile(struct swgi_adaptive_settings *settings, uint32_t max_concurrent,
                          struct swg_error *error);
/* May these settings be acted upon? For what was read from memory that others can write. */
bool swgi_adaptive_settings_check(const struct swgi_adaptive_settings *settings);

#endif
