/*
 * The words of limiters, bit by bit: between the files that take from them and the one that
 * installs them.
 */
#ifndef SWGI_ENGINE_LIMITER_INSIDE_H
#define SWGI_ENGINE_LIMITER_INSIDE_H

#include <stddef.h>

#include "base/wide.h"
#include "engine/limiter.h"
#include "panel/words.h"

/*
 * How far two numbers lie apart on a circle of 2^bits, -half..half - 1.
 */
static inline int64_t swgi_limiter_apart(uint64_t a, uint64_t b, unsigned bits) {
    return (int64_t)((a - b) << (64 - bits)) >> (64 - bits);
}

static inline uint64_t swgi_limiter_ahead(uint64_t instant, uint64_t now) {
    return instant > now ? instant - now : 0;
}

static inline bool swgi_limiter_is_bucket(unsigned algorithm) {
    return algorithm <= SWGI_LEAKY_BUCKET;
}

/* ---- buckets */

/* Rounded up, so that no more than rate goes in per. */
static inline uint64_t swgi_limiter_interval_of(uint64_t per_ns, uint64_t rate) {
    return rate == 0 ? 0 : per_ns / rate + (per_ns % rate != 0);
}

/* An interval longer than any honest state is ahead is none of ours. */
static inline uint64_t swgi_limiter_interval(const struct swgi_limiter_words *words) {
    uint64_t interval = swgi_load_relaxed(&words->interval_ns, FAST_SETTING);
    uint64_t horizon = swgi_load_relaxed(&words->horizon_ns, FAST_SETTING);
    return interval < horizon ? interval : horizon;
}

/* ---- window: index:24 | before:20 | running:20 */
#define SWGI_WINDOW_INDEX_BITS  24u
#define SWGI_WINDOW_INDEX_SHIFT 40u
#define SWGI_WINDOW_COUNT_BITS  20u
static_assert(SWGI_RATE_MAX < 1u << SWGI_WINDOW_COUNT_BITS, "a window counts to any rate");

/* The running window as it is at an instant. */
struct swgi_limiter_window {
    uint64_t index, elapsed_ns;
    uint64_t before, running; /* calls */
    bool strayed; /* the word is of a time that is not believed, and wants to be rewritten */
};

struct swgi_limiter_window swgi_limiter_window_at(uint64_t word, uint64_t now, uint64_t per_ns);

static inline uint64_t swgi_limiter_window_word(uint64_t index, uint64_t before, uint64_t running) {
    return index << SWGI_WINDOW_INDEX_SHIFT | before << SWGI_WINDOW_COUNT_BITS | running;
}

/* ---- log: head and slots are position:16 | time:48, in units, rounded up; a slot that was never written, or whose time is 0,
 * is none. The slot of a position is its low bits, so that a ring, a power of two long, can be exchanged for another. */
#define SWGI_LOG_TIME_BITS     48u
#define SWGI_LOG_POSITION_BITS 16u
#define SWGI_LOG_NONE          UINT64_MAX
static_assert(SWGI_LOG_MAX < 1u << (SWGI_LOG_POSITION_BITS - 1), "a ring has several laps");

struct swgi_limiter_ring {
    swgi_word *slots;
    uint64_t length;
};

/* How long the ring is that a run names in a pool of so many slots; 0: nothing that lies in it. */
static inline uint64_t swgi_limiter_ring_length(uint64_t run, uint32_t slots_count) {
    uint64_t first = swgi_run_first(run), length = swgi_run_count(run);
    bool lies_in = first != 0 && first - 1 + length <= slots_count;
    return lies_in && (length & (length - 1)) == 0 ? length : 0;
}

static inline bool swgi_limiter_ring_find(uint64_t run, swgi_word *slots, uint32_t slots_count,
                                          struct swgi_limiter_ring *out) {
    out->length = swgi_limiter_ring_length(run, slots_count);
    out->slots = out->length != 0 ? slots + (swgi_run_first(run) - 1) : NULL;
    return out->length != 0;
}

static inline uint64_t swgi_log_position(uint64_t word) {
    return word >> SWGI_LOG_TIME_BITS;
}
static inline uint64_t swgi_log_before(uint64_t position, uint64_t by) {
    return (position - by) & SWGI_MASK(SWGI_LOG_POSITION_BITS);
}
static inline swgi_word *swgi_log_slot(const struct swgi_limiter_ring *ring, uint64_t position) {
    return &ring->slots[position & (ring->length - 1)];
}
static inline bool swgi_log_is(uint64_t slot, uint64_t position) {
    return swgi_log_position(slot) == position && slot != SWGI_LOG_NONE &&
           (slot & SWGI_MASK(SWGI_LOG_TIME_BITS)) != 0;
}

#endif
