/*
 * What callers of the bulkhead note of each call, in memory that outlives them.
 *
 * An instant is noted before what makes it true ends, or after what makes it true began, so that from `granted` to `ending` the
 * permit is certainly held, and before `granted` or after `ended` this call's is certainly not in the way of anybody who could
 * know. A call without `ended` is one whose process died in it.
 */
#ifndef TESTS_TORTURE_BULKHEAD_NOTES_H
#define TESTS_TORTURE_BULKHEAD_NOTES_H

#include "bulkhead_crowd.h"

#define SEATS     3u /* callers of a process: its threads, or permits of its event loop */
#define LOOPS     5u /* places from this on are event loops */
#define CALLS_MAX 65536u

struct call {
    _Atomic int64_t asked;
    _Atomic int64_t queued;  /* SWG_QUEUED was had; 0: not */
    _Atomic int64_t tried;   /* before the last question, which was answered or not */
    _Atomic int64_t granted; /* 0: not */
    _Atomic int64_t ending;  /* before it was given back */
    _Atomic int64_t ended;   /* after that, or another verdict was had; 0: neither */
    _Atomic int32_t verdict; /* GAVE_UP; or the last answer */
    uint32_t life;
    int64_t deadline; /* the caller's own; 0: none */
};
#define GAVE_UP 1000

struct seat {
    _Alignas(64) _Atomic uint32_t count; /* calls begun */
    _Atomic int32_t thread;              /* the kernel's number of it; 0: not yet */
    _Atomic uint64_t operations;
};

struct notes {
    struct board board;
    _Atomic uint32_t slow; /* calls take so long that all permits are always in use */
    struct seat seats[CROWD][SEATS];
    struct call calls[CROWD][SEATS][CALLS_MAX];
};
static struct notes *notes;

/* A seat's priority, for good: urgent ones alone could use all permits. */
static const int32_t priorities[SEATS] = { -8, 0, 8 };
static const char *const priority_names[SEATS] = { "urgent", "default", "least" };

#define QUEUE     "64"
#define AGEING_NS (2 * MS)
#define WAIT_NS   (2 * SECOND)
static const char *const settings[][2] = {
    { "bulkhead.max_concurrent", "2" },
    { "bulkhead.when_busy", "wait" },
    { "bulkhead.max_queue", QUEUE },
    { "bulkhead.max_wait", "2s" },
    { "bulkhead.ageing", "2ms" },
    { "breaker.min_state_transition_interval", "0s" },
    { NULL, NULL },
};

static inline void note(_Atomic int64_t *where) {
    atomic_store_explicit(where, clock_now(), memory_order_release);
}

static inline int64_t noted(const _Atomic int64_t *where) {
    return atomic_load_explicit(where, memory_order_acquire);
}

#endif
