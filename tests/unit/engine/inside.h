/* For stories that write words of the panel themselves: where the circuit of lib/story.h lies. */
#ifndef TESTS_ENGINE_INSIDE_H
#define TESTS_ENGINE_INSIDE_H

#include "circuit/circuit.h"
#include "story.h"

static inline const struct swgi_binding *binding(void) {
    const struct swgi_binding *found = swgi_circuit_bind(circuit);

    assert_non_null(found);
    return found;
}

static inline struct swgi_cell *cell(void) {
    return binding()->cell;
}

static inline uint64_t ctl(void) {
    return swgi_load(&cell()->ctl);
}

static inline uint64_t generation(void) {
    return swgi_ctl_generation(ctl());
}

static inline struct swgi_settings settings(void) {
    struct swgi_settings out;

    swgi_settings_load(cell(), &out);
    return out;
}

/*
 * As if the circuit had lived through so many transitions: its word and what is tagged with it move on together. For a circuit
 * that has just been made.
 */
static inline void age_generation(uint64_t to) {
    uint64_t word = ctl();

    swgi_store(&cell()->ctl,
               swgi_ctl(swgi_ctl_state(word), swgi_ctl_mode(word), to, swgi_ctl_payload(word)));
    swgi_store(&cell()->since, swgi_since(to & SWGI_MASK(SWGI_GENERATION_BITS), 0,
                                          swgi_since_time(swgi_load(&cell()->since))));
    swgi_store(&cell()->window, swgi_count_empty(to & SWGI_MASK(SWGI_GENERATION_BITS)));
}

/* The slices of time are about to be counted from that tick on. */
static inline void age_ticks(uint32_t to) {
    swgi_store(&cell()->epoch, swgi_epoch(0, to - SWGI_SNAPSHOTS - 1));
    swgi_store(&cell()->tick_base, to & (uint32_t)SWGI_MASK(SWGI_TICK_BITS));
    for (unsigned i = 0; i < SWGI_SNAPSHOTS; i++)
        for (unsigned j = 0; j < 3; j++)
            swgi_store(
                &cell()->snapshots[i][j],
                swgi_snapshot((to - SWGI_SNAPSHOTS - 1) & (uint32_t)SWGI_MASK(SWGI_TICK_BITS), 0));
}

#endif
