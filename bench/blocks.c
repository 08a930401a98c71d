/* The loops are written out by macros because each must call its contestant directly, as a program would: not by a pointer. */
#include "blocks.h"

#include <time.h>

#include "mutexbreaker/mutexbreaker.h"

#define STEP_NS 4 /* from call to call: about what a call takes */

static const int32_t durations_ns[16] = { 180000,  210000,  240000, 200000, 950000,  260000,
                                          1100000, 220000,  310000, 190000, 4200000, 230000,
                                          280000,  2100000, 205000, 8400000 };

static uint32_t next_random(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Exactly that share, so that no luck trips a rule. */
void bench_mix_init(struct bench_mix *mix, void *subject, double failures) {
    uint32_t state = 2463534242;
    mix->subject = subject;
    for (unsigned i = 0; i < BENCH_PATTERN; i++)
        mix->outcomes[i] = i < failures * BENCH_PATTERN ? SWG_FAILURE : SWG_SUCCESS;
    for (unsigned i = BENCH_PATTERN - 1; i > 0; i--) {
        unsigned other = next_random(&state) % (i + 1);
        uint8_t outcome = mix->outcomes[i];
        mix->outcomes[i] = mix->outcomes[other];
        mix->outcomes[other] = outcome;
    }
}

void bench_crowd_init(struct bench_crowd *crowd, void **members, unsigned count) {
    uint32_t state = 2463534242;
    crowd->members = members;
    for (unsigned i = 0; i < BENCH_PATTERN; i++)
        crowd->order[i] = (uint16_t)(next_random(&state) % count);
}

#define CALLS(subject, outcome, acquire, record)                                      \
    unsigned unexpected = 0;                                                          \
    for (unsigned i = 0; i < BENCH_BLOCK; i++) {                                      \
        struct swg_permit permit;                                                     \
        now += STEP_NS;                                                               \
        unexpected += acquire(subject, NULL, now, &permit) != SWG_GO;                 \
        unexpected += record(&permit, outcome, NULL, now, durations_ns[i % 16]) != 0; \
    }                                                                                 \
    return unexpected;

#define SUCCESSES(name, acquire, record)                      \
    unsigned name(void *subject, swg_ns now, uint32_t dice) { \
        (void)dice;                                           \
        CALLS(subject, SWG_SUCCESS, acquire, record)          \
    }
SUCCESSES(bench_block_ours, swg_acquire_at, swg_record_at)
SUCCESSES(bench_block_mutex, mutex_breaker_acquire, mutex_breaker_record)
SUCCESSES(bench_block_empty, swg_bench_acquire, swg_bench_record)

#define MIXED(name, acquire, record)                                                    \
    unsigned name(void *subject, swg_ns now, uint32_t dice) {                           \
        const struct bench_mix *mix = subject;                                          \
        CALLS(mix->subject, mix->outcomes[(dice + i) % BENCH_PATTERN], acquire, record) \
    }
MIXED(bench_block_ours_mixed, swg_acquire_at, swg_record_at)
MIXED(bench_block_mutex_mixed, mutex_breaker_acquire, mutex_breaker_record)

#define CROWD(name, acquire, record)                                                          \
    unsigned name(void *subject, swg_ns now, uint32_t dice) {                                 \
        const struct bench_crowd *crowd = subject;                                            \
        CALLS(crowd->members[crowd->order[(dice + i) % BENCH_PATTERN]], SWG_SUCCESS, acquire, \
              record)                                                                         \
    }
CROWD(bench_block_ours_crowd, swg_acquire_at, swg_record_at)
CROWD(bench_block_mutex_crowd, mutex_breaker_acquire, mutex_breaker_record)

#define ACQUIRES(name, acquire, expected)                                     \
    unsigned name(void *subject, swg_ns now, uint32_t dice) {                 \
        unsigned unexpected = 0;                                              \
        (void)dice;                                                           \
        for (unsigned i = 0; i < BENCH_BLOCK; i++) {                          \
            struct swg_permit permit;                                         \
            now += STEP_NS;                                                   \
            unexpected += acquire(subject, NULL, now, &permit) != (expected); \
        }                                                                     \
        return unexpected;                                                    \
    }
ACQUIRES(bench_block_ours_rejects, swg_acquire_at, SWG_OPEN)
ACQUIRES(bench_block_mutex_rejects, mutex_breaker_acquire, SWG_OPEN)
ACQUIRES(bench_block_empty_acquire, swg_bench_acquire, SWG_GO)

ACQUIRES(bench_block_ours_acquires, swg_acquire_at, SWG_GO)
ACQUIRES(bench_block_ours_full, swg_acquire_at, SWG_FULL)

unsigned bench_block_ours_ring(void *subject, swg_ns now, uint32_t dice) {
    const struct bench_ring *ring = subject;
    return bench_block_ours(ring->members[(dice >> 16) % BENCH_RING], now, dice);
}

static int never(struct swg_attempt *attempt, void *arg) {
    (void)attempt;
    (void)arg;
    return SWG_FAILURE;
}

unsigned bench_block_ours_cached(void *subject, swg_ns now, uint32_t dice) {
    struct swg_request request = SWG_REQUEST_INIT;
    unsigned unexpected = 0;
    (void)now;
    (void)dice;
    request.key = BENCH_CACHED_KEY;
    for (unsigned i = 0; i < BENCH_BLOCK; i++) {
        struct swg_result result = SWG_RESULT_INIT;
        unexpected += swg_call(subject, &request, never, NULL, &result) != SWG_GO;
        unexpected += result.source != SWG_SOURCE_CACHE;
        swg_buffer_release(&result.value);
    }
    return unexpected;
}

unsigned bench_block_ours_own_clock(void *subject, swg_ns now, uint32_t dice) {
    unsigned unexpected = 0;
    (void)now;
    (void)dice;
    for (unsigned i = 0; i < BENCH_BLOCK; i++) {
        struct swg_permit permit;
        unexpected += swg_acquire(subject, NULL, &permit) != SWG_GO;
        unexpected += swg_record(&permit, SWG_SUCCESS) != 0;
    }
    return unexpected;
}

unsigned bench_block_ours_two_clocks(void *subject, swg_ns now, uint32_t dice) {
    unsigned unexpected = 0;
    (void)dice;
    for (unsigned i = 0; i < BENCH_BLOCK; i++) {
        struct swg_permit permit;
        now = swg_now();
        unexpected += swg_acquire_at(subject, NULL, now, &permit) != SWG_GO;
        swg_ns ended = swg_now();
        unexpected += swg_record_at(&permit, SWG_SUCCESS, NULL, ended, ended - now) != 0;
    }
    return unexpected;
}

unsigned bench_block_swg_now(void *subject, swg_ns now, uint32_t dice) {
    unsigned unexpected = 0;
    (void)subject;
    (void)dice;
    for (unsigned i = 0; i < BENCH_BLOCK; i++)
        unexpected += swg_now() < now - 1000000;
    return unexpected;
}

unsigned bench_block_clock_gettime(void *subject, swg_ns now, uint32_t dice) {
    unsigned unexpected = 0;
    (void)subject;
    (void)dice;
    for (unsigned i = 0; i < BENCH_BLOCK; i++) {
        struct timespec time;
        clock_gettime(CLOCK_MONOTONIC, &time);
        unexpected += time.tv_sec * INT64_C(1000000000) + time.tv_nsec < now;
    }
    return unexpected;
}

unsigned bench_block_cas(void *subject, swg_ns now, uint32_t dice) {
    _Atomic uint64_t *word = subject;
    (void)now;
    (void)dice;
    for (unsigned i = 0; i < BENCH_BLOCK; i++) {
        uint64_t seen = atomic_load(word);
        while (!atomic_compare_exchange_strong(word, &seen, seen + 1))
            ;
    }
    return 0;
}

/* Gives up when the other does not answer for long: at the end of a run nobody is there any more. */
unsigned bench_block_ping(void *subject, swg_ns now, uint32_t dice) {
    const struct bench_ball *ball = subject;
    (void)now;
    (void)dice;
    for (unsigned i = 0; i < BENCH_BLOCK; i++) {
        for (unsigned turns = 0; atomic_load(ball->word) % 2 != ball->side; turns++)
            if (turns > 100000)
                return 0;
        atomic_fetch_add(ball->word, 1);
    }
    return 0;
}
