/*
 * The breaker most programs have: everything under one process-shared mutex.
 *
 * It is what Switchgear is measured against, so it does the same work for a call, as well as a mutex allows: sums are kept
 * running, a slice's end is a comparison, a verdict costs two multiplications. It takes the lock to ask and again to
 * tell, as the breakers in wide use do (sony/gobreaker's beforeRequest and afterRequest).
 */
#ifndef BENCH_MUTEXBREAKER_H
#define BENCH_MUTEXBREAKER_H

#include <pthread.h>
#include <stdint.h>

#include "switchgear/switchgear.h"

#define MUTEX_BREAKER_SLICES 16u
#define MUTEX_BREAKER_CALLS  128u
#define MUTEX_BREAKER_BINS   128u

/* What is not wanted is 0. */
struct mutex_breaker_rules {
    uint32_t consecutive; /* failures in a row */
    uint32_t count_calls; /* window of the last calls, at most MUTEX_BREAKER_CALLS */
    swg_ns slice_ns;      /* time window of `slices` slices, the running one included */
    uint32_t slices;
    uint32_t failure_ppm, slow_ppm; /* shares at which a window trips */
    uint32_t calls_min;
    swg_ns slow_ns; /* longer calls are slow */
    int histogram;
    swg_ns open_ns;
};

struct mutex_breaker_sums {
    uint64_t calls, failures, slow;
};

struct mutex_breaker {
    pthread_mutex_t mutex;
    int state;
    uint64_t generation;
    swg_ns open_until;
    uint32_t failures_in_a_row;
    uint64_t admitted, successes, failures, timeouts, ignored, slow, late, rejected;
    swg_ns last_success, last_failure;
    struct mutex_breaker_sums window; /* of all slices, or of all calls remembered */
    struct mutex_breaker_sums slice[MUTEX_BREAKER_SLICES];
    uint32_t slice_index;
    swg_ns slice_ends;
    uint32_t call_index;
    uint8_t call[MUTEX_BREAKER_CALLS];
    uint64_t bins[MUTEX_BREAKER_BINS];
    struct mutex_breaker_rules rules;
};

SWG_API void mutex_breaker_init(struct mutex_breaker *breaker,
                                const struct mutex_breaker_rules *rules, swg_ns now);
SWG_API void mutex_breaker_deinit(struct mutex_breaker *breaker);
/* As swg_acquire_at() and swg_record_at(). */
SWG_API int mutex_breaker_acquire(struct mutex_breaker *breaker, const struct swg_request *request,
                                  swg_ns now, struct swg_permit *out);
SWG_API int mutex_breaker_record(struct swg_permit *permit, int outcome,
                                 const struct swg_failure *why, swg_ns now, swg_ns duration);

#endif
