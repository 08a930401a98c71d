/*
 * The panel's words of a circuit's policies: one extent of a pool, claimed by circuits that have
 * any, so that a circuit without pays nothing but one word.
 *
 * What a call reads stands in words that are valid alone: none of them needs another to be right.
 * Long lists (permits, places in a queue, a limiter's log) are runs of the slots' pool; the word
 * that names a run holds where it begins and how long it is.
 */
#ifndef SWGI_PANEL_POLICIES_H
#define SWGI_PANEL_POLICIES_H

#include <stdint.h>

#include "base/atomic.h"
#include "panel/limits.h"

typedef _Atomic uint64_t swgi_word;

#define SWGI_POLICY_SETTINGS_WORDS 144u
#define SWGI_COSTS                 32u /* callers told apart by recent cost */

/* A run of slots as one word: first + 1 in the lower half (0: none), how many slots in the upper. */
static inline uint64_t swgi_run(uint32_t first_plus_1, uint32_t count) {
    return (uint64_t)count << 32 | first_plus_1;
}
static inline uint32_t swgi_run_first(uint64_t run) {
    return (uint32_t)run;
}
static inline uint32_t swgi_run_count(uint64_t run) {
    return (uint32_t)(run >> 32);
}

/* Calls in flight. A permit is a word of the run that names its owner, 0 when free; behind all of
 * them follows for each the instant it was taken at (panel/permits.h). */
struct swgi_bulkhead_words {
    swgi_word run;        /* twice as many slots as permits */
    swgi_word former;     /* the run that permits are, or were, moved from; 0: none */
    swgi_word limit;      /* how many may be held now: the setting, or what adapts; 0: no bulkhead.
                             In parts: panel/permits.h */
    swgi_word rule;       /* who may not have all of them, compiled: panel/permits.h */
    swgi_word partitions; /* four of priority and percent */
    swgi_word ageing_ns;  /* what one step of priority is worth in time waited */
    swgi_word spare[2];
    _Alignas(64) swgi_word waiting; /* not 0 in its lower part: somebody may wait, and whoever
                                       frees a permit looks (panel/waiters.h) */
    swgi_word liveness_stamp;
    swgi_word queue; /* run of places, SWGI_PLACE_WORDS slots each */
    swgi_word full; /* all permits are held, for a moment: panel/permits.h */
    swgi_word untracked; /* calls let through without a permit, because a run was full */
    swgi_word former_queue; /* callers that stalled may still write there; kept until the next move */
    swgi_word spare2[2];
};

/* A place in the queue: owner, key (lower is served first), state and its futex, deadline. */
#define SWGI_PLACE_WORDS 4u

/* A limiter's first line is what it was told, words that are valid alone; its second what it moves. */
struct swgi_limiter_words {
    swgi_word rule;         /* algorithm and what adapts (engine/limiter.h); 0: no limiter */
    swgi_word interval_ns;  /* buckets: between two calls at the rate let through now */
    swgi_word tolerance_ns; /* buckets: how far ahead of its time a burst may be */
    swgi_word limit;        /* windows and log: calls per per_ns let through now */
    swgi_word per_ns;
    swgi_word horizon_ns; /* no honest state lies farther ahead than this */
    swgi_word log;        /* run of the sliding log */
    swgi_word rates;      /* configured rate:32 | least that adapting leaves:32 */
    /* Each algorithm has its own word, so that none can take another's for its own. */
    _Alignas(64) swgi_word tat; /* buckets: theoretical arrival time of the next call */
    swgi_word window;           /* index:24 | calls before:20 | calls in it:20 */
    swgi_word head;             /* log: position:16 | time:48 of the last call */
    swgi_word judged;           /* when outcomes were last looked at */
    swgi_word outcomes[2];      /* calls and bad ones, summed, at that time */
    swgi_word factor;           /* share of the rate outcomes leave, of 2^32 */
    swgi_word load_factor;      /* share of the rate the system's load leaves, of 2^32 */
};

struct swgi_budget_words {
    swgi_word credit; /* rates' tag:8, spent up to:56 (engine/budget.h) */
    swgi_word spent, refused;
    swgi_word spare[5];
};

struct swgi_adaptive_words {
    swgi_word stamp;               /* when an update was last taken */
    swgi_word memory;              /* algorithm, phase, rounds, lot: one word (engine/adaptive.c) */
    swgi_word limit;               /* the estimate; this and the next three are a double's bits */
    swgi_word least_rtt, long_rtt; /* ns */
    swgi_word reference;           /* what the algorithm needs besides */
    swgi_word began;               /* when the sums below were taken */
    swgi_word calls, time_ns, failed; /* sums at the window's beginning */
    swgi_word seal;                   /* fits these sums and no others */
    swgi_word spare[5];
};

struct swgi_timeout_words {
    swgi_word attempt_ns; /* per attempt now: set, or worked out; UINT64_MAX: none */
    swgi_word stamp;      /* when it was last worked out */
    swgi_word rotated;
    swgi_word spare[5];
    swgi_word bins[SWGI_HISTOGRAM_BINS]; /* the histogram when the running period began */
};

struct swgi_feature_words {
    swgi_word state; /* which are on, and since when: one word */
    swgi_word spare[7];
};

/* One page a circuit. */
struct swgi_policies {
    _Atomic uint32_t settings_sequence; /* settings[sequence & 1] is valid */
    _Atomic uint32_t installed;         /* for which sequence the words calls read were written */
    _Atomic uint32_t traits;            /* which of them calls must look at */
    _Atomic uint32_t habits;            /* engine/policies.h: what to do when there is no room */
    swgi_word max_wait_ns, limiter_wait_ns, ageing_ns;
    swgi_word total_ns;               /* UINT64_MAX: none */
    swgi_word watch_stamp;            /* when calls in flight were last judged */
    swgi_word refused_seen;           /* rejections by the bulkhead when the limit last adapted */
    _Alignas(64) swgi_word sample_ns; /* how often what adapts is looked at */
    swgi_word sample_stamp;
    swgi_word spare[6];
    _Alignas(64) struct swgi_bulkhead_words bulkhead;
    _Alignas(64) struct swgi_limiter_words limiter;
    _Alignas(64) struct swgi_budget_words budget;
    _Alignas(64) struct swgi_adaptive_words adaptive;
    _Alignas(64) struct swgi_feature_words features;
    _Alignas(64) swgi_word costs[SWGI_COSTS];
    _Alignas(64) struct swgi_timeout_words timeout;
    _Alignas(64) swgi_word settings[2][SWGI_POLICY_SETTINGS_WORDS]; /* engine/policy_settings.h */
};

static_assert(sizeof(struct swgi_bulkhead_words) == 128, "part of the file format");
static_assert(sizeof(struct swgi_limiter_words) == 128, "part of the file format");
static_assert(sizeof(struct swgi_budget_words) == 64, "part of the file format");
static_assert(sizeof(struct swgi_adaptive_words) == 128, "part of the file format");
static_assert(sizeof(struct swgi_timeout_words) == 1088, "part of the file format");
static_assert(sizeof(struct swgi_policies) <= 4352, "about a page a circuit");

#endif
