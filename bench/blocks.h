/*
 * What is timed: blocks of calls, the same loop around each contestant.
 *
 * A block begins at an instant just read and moves it on by a few nanoseconds a call, so windows rotate as they would in life; the
 * durations told fall into several bins of a histogram. Everything called lies behind a shared library's boundary, so nothing
 * can be optimised away.
 */
#ifndef BENCH_BLOCKS_H
#define BENCH_BLOCKS_H

#include <stdatomic.h>
#include <stdint.h>

#include "switchgear/switchgear.h"

#define BENCH_BLOCK 4096u /* calls: enough to make the reading of the clock between blocks vanish */
#define BENCH_PATTERN \
    16384u /* outcomes, or circuits, in an order no branch predictor learns from one block */

/* Returns how many answers were not those the block expects. dice: any number, another one each time. */
typedef unsigned bench_block(void *subject, swg_ns now, uint32_t dice);

/* The cheapest pair (src/circuit/baseline.c); in no public header. */
SWG_API int swg_bench_acquire(struct swg_circuit *circuit, const struct swg_request *request,
                              swg_ns now, struct swg_permit *out);
SWG_API int swg_bench_record(struct swg_permit *permit, int outcome, const struct swg_failure *why,
                             swg_ns now, swg_ns duration);

/* Subject: a circuit, a mutex breaker, anything. Every call succeeds. */
bench_block bench_block_ours, bench_block_mutex, bench_block_empty;

/* Subject: a circuit that is OPEN, a mutex breaker that is, anything. Acquire alone. */
bench_block bench_block_ours_rejects, bench_block_mutex_rejects, bench_block_empty_acquire;

/* Outcomes drawn from a pattern. */
struct bench_mix {
    void *subject;
    uint8_t outcomes[BENCH_PATTERN];
};
void bench_mix_init(struct bench_mix *mix, void *subject, double failures);
bench_block bench_block_ours_mixed, bench_block_mutex_mixed;

/* Many circuits, each call to another. */
struct bench_crowd {
    void **members;
    uint16_t order[BENCH_PATTERN];
};
void bench_crowd_init(struct bench_crowd *crowd, void **members, unsigned count);
bench_block bench_block_ours_crowd, bench_block_mutex_crowd;

/* Subject: a circuit that lets everybody through, whose permits need no end; one whose bulkhead is full. */
bench_block bench_block_ours_acquires, bench_block_ours_full;

/* Circuits of a kind, each block through another: what one could not stand for long (a limiter's rate) many can. */
#define BENCH_RING 16u
struct bench_ring {
    void *members[BENCH_RING];
};
bench_block bench_block_ours_ring;

/* Subject: a circuit whose cache has the answer of BENCH_CACHED_KEY. */
#define BENCH_CACHED_KEY 7u
bench_block bench_block_ours_cached;

/* Subject: a circuit. The library reads the clock; we read it by swg_now() and give it. */
bench_block bench_block_ours_own_clock, bench_block_ours_two_clocks;

/* Subject: unused. */
bench_block bench_block_swg_now, bench_block_clock_gettime;

/* Subject: a word. One successful compare-and-swap per call. */
bench_block bench_block_cas;

/* A word that two threads write in turn. A call is a turn: there and back. */
struct bench_ball {
    _Atomic uint64_t *word;
    uint64_t side; /* 0 or 1 */
};
bench_block bench_block_ping;

#endif
