/*
 * The count window's word and slots, bit by bit (count_window.c tells how they work), and the one
 * step that nearly all calls take, for the path that must not spend a call on it.
 *
 * - word: position:19 (lap and index) | full:1 | half-units:11 | slow:10 | pending:3 | generation:20
 * - slot: code:3 | version:41 | generation:20
 */
#ifndef SWGI_ENGINE_COUNT_INSIDE_H
#define SWGI_ENGINE_COUNT_INSIDE_H

#include "engine/engine.h"

#define SWGI_COUNT_POSITION         SWGI_MASK(19)
#define SWGI_COUNT_FULL             (UINT64_C(1) << 19)
#define SWGI_COUNT_HALF_UNITS_SHIFT 20
#define SWGI_COUNT_SLOW_SHIFT       31
#define SWGI_COUNT_COUNTS           (SWGI_MASK(41) & ~SWGI_MASK(20))
#define SWGI_COUNT_PENDING_SHIFT    41
#define SWGI_COUNT_GENERATION       (~SWGI_MASK(SWGI_COUNT_GENERATION_SHIFT))

/* Codes of outcomes, 1 to 6; 0 is none. Of a good one: */
#define SWGI_COUNT_GOOD UINT64_C(1)

static inline uint64_t swgi_count_code_in(uint64_t slot) {
    return slot & 7;
}

/* A ring of n slots; a position's low bits are the index, the rest the lap. lap: what a position
 * grows by from one lap to the next. */
struct swgi_count_ring {
    swgi_word *slots;
    uint32_t n, lap;
};

static inline uint32_t swgi_count_lap(unsigned n) {
    return n <= 2 ? 2 : UINT32_C(1) << (32 - __builtin_clz(n - 1));
}

static inline bool swgi_count_find_ring(const struct swgi_map *map, const struct swgi_cell *cell,
                                        unsigned n, struct swgi_count_ring *out) {
    uint32_t first = swgi_load_relaxed(&cell->ring, FAST_SETTING);
    uint64_t slots = (uint64_t)map->geometry.slot_chunks * SWGI_SLOT_CHUNK;
    if (n == 0 || first == 0 || (uint64_t)first - 1 + n > slots)
        return false;
    *out = (struct swgi_count_ring){ map->slots + (first - 1), n, swgi_count_lap(n) };
    return true;
}

static inline uint32_t swgi_count_index(const struct swgi_count_ring *ring, uint64_t word) {
    return (uint32_t)(word & SWGI_COUNT_POSITION) & (ring->lap - 1);
}

/* Does the ring say what is pending, a good outcome, for the slot before index? */
static inline bool swgi_count_says_good(const struct swgi_count_ring *ring, uint64_t seen,
                                        uint32_t index) {
#ifdef SWGI_MUTANT_PASS_UNSEEN
    return true;
#endif
    uint64_t slot = swgi_load(&ring->slots[index - 1]);
    return swgi_count_code_in(slot) == SWGI_COUNT_GOOD &&
           ((slot ^ seen) & SWGI_COUNT_GENERATION) == 0;
}

/*
 * May a good outcome just pass? In a full window of good ones what falls out is good, too, so the
 * counts stay and only the position moves on. What is pending must stand in the ring first, as
 * always; the lap's ends are turned elsewhere.
 */
static inline bool swgi_count_passes(const struct swgi_count_ring *ring, uint64_t seen) {
    uint64_t calm = (seen & SWGI_COUNT_GENERATION) | SWGI_COUNT_GOOD << SWGI_COUNT_PENDING_SHIFT |
                    SWGI_COUNT_FULL;
    uint32_t index = swgi_count_index(ring, seen);
    return swgi_likely((seen & ~SWGI_COUNT_POSITION) == calm) && index != 0 &&
           index < ring->n - 1 && swgi_likely(swgi_count_says_good(ring, seen, index));
}

/* One attempt at that, for the short way. false: not that, or the word moved meanwhile; nothing was
 * counted. */
static inline bool swgi_count_pass(const struct swgi_map *map, struct swgi_cell *cell, unsigned n,
                                   uint64_t generation) {
    struct swgi_count_ring ring;
    uint64_t seen = swgi_load(&cell->window);
    return swgi_likely(swgi_count_generation(seen) == generation) &&
           swgi_likely(swgi_count_find_ring(map, cell, n, &ring)) &&
           swgi_count_passes(&ring, seen) && swgi_cas(&cell->window, seen, seen + 1);
}

#endif
