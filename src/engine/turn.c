/*
 * A turn, and how settings lie in the panel: two buffers and a sequence, so that whoever configures
 * never makes a caller wait, and whoever is killed while configuring leaves the old settings in
 * force.
 */
#include "engine/engine.h"

#include <string.h>

#define WORDS (SWGI_BREAKER_SETTINGS_SIZE / sizeof(uint64_t))

static_assert(SWGI_BREAKER_SETTINGS_SIZE % sizeof(uint64_t) == 0, "settings are copied by words");
static_assert(WORDS <= SWGI_SETTINGS_WORDS, "settings fit their place in the panel");

/* What memory we do not trust could send out of bounds. Wrong numbers may make bad decisions; they
 * must not crash. */
static void clamp(struct swgi_settings *settings) {
    if (settings->probes < 1 || settings->probes > SWGI_PROBES_MAX)
        settings->probes = 1;
    if (settings->ramp_steps > SWGI_RAMP_STEPS_MAX)
        settings->ramp_steps = SWGI_RAMP_STEPS_MAX;
    if (settings->timeout_half_units > 2)
        settings->timeout_half_units = 2;
    if (settings->count.calls > SWGI_COUNT_CALLS_MAX)
        settings->count.calls = SWGI_COUNT_CALLS_MAX;
    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX; i++)
        if (settings->time[i].slices > SWGI_SLICES_MAX)
            settings->time[i].slices = SWGI_SLICES_MAX;
    settings->preset[sizeof(settings->preset) - 1] = '\0';
}

uint32_t swgi_settings_load(const struct swgi_cell *cell, struct swgi_settings *out) {
    uint64_t copy[WORDS];
    uint32_t sequence = 0;
    /* Bounded: a panel that changes its settings for ever must not hold a call. */
    for (unsigned attempt = 0; attempt < 8; attempt++) {
        sequence = swgi_load_acquire(&cell->settings_sequence);
        for (unsigned i = 0; i < WORDS; i++)
            copy[i] = swgi_load_acquire(&cell->settings[sequence & 1][i]);
        if (swgi_load_relaxed(&cell->settings_sequence, SETTING) == sequence)
            break;
    }
    memcpy(out, copy, sizeof(copy));
    clamp(out);
    return sequence;
}

void swgi_turn_look(struct swgi_turn *turn, struct swgi_map *map, uint32_t index, int64_t now) {
    turn->map = map;
    turn->index = index;
    turn->cell = &map->cells[index];
    turn->now = now;
    turn->believed = true;
    turn->overdue = 0;
    turn->retry_after = 0;
    turn->hand = NULL;
}

void swgi_turn_begin(struct swgi_turn *turn, struct swgi_map *map, uint32_t index, int64_t now) {
    swgi_turn_look(turn, map, index, now);
    turn->believed = false;
    turn->settings_sequence = swgi_settings_load(turn->cell, &turn->settings);
}

void swgi_cell_name(const struct swgi_cell *cell, char name[SWGI_NAME_MAX + 1]) {
    uint64_t words[(SWGI_NAME_MAX + 1) / sizeof(uint64_t)];
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        words[i] = swgi_load(&cell->name[i]);
    memcpy(name, words, sizeof(words));
    name[SWGI_NAME_MAX] = '\0';
}

void swgi_turn_believe(struct swgi_turn *turn) {
    int64_t told = turn->now;
    turn->now = swgi_map_believe(turn->map, told);
    turn->believed = true;
    if (turn->now != told)
        swgi_note_clock(turn, ((double)told - (double)turn->now) / 1e9);
}

/* What the cell's own settings ask for, and what its policies do. */
static uint32_t traits_of(const struct swgi_settings *settings, uint32_t policies) {
    uint32_t traits = policies;
    if (settings->slice_ns != 0)
        traits |= SWGI_TRAIT_TIME;
    if (settings->count.calls != 0)
        traits |= SWGI_TRAIT_COUNT;
    if (settings->histogram)
        traits |= SWGI_TRAIT_HISTOGRAM;
    return traits | (uint32_t)settings->count.calls << SWGI_TRAITS_CALLS_SHIFT;
}

static void publish(struct swgi_cell *cell, const struct swgi_settings *settings) {
    uint64_t copy[WORDS];
    memcpy(copy, settings, sizeof(copy));
    uint32_t next = swgi_load(&cell->settings_sequence) + 1;
    for (unsigned i = 0; i < WORDS; i++)
        swgi_store(&cell->settings[next & 1][i], copy[i]);
    swgi_store(&cell->settings_sequence, next);
}

/* The same state under a new generation, so that nothing measured before is judged by new rules. */
static void renew_windows(struct swgi_turn *turn) {
    for (;;) {
        uint64_t ctl = swgi_load(&turn->cell->ctl);
        unsigned state = swgi_ctl_state(ctl);
        uint64_t payload = swgi_ctl_payload(ctl);
        if (!swgi_ctl_forced(ctl) && state == SWGI_CLOSED)
            payload = 0;
        else if (!swgi_ctl_forced(ctl) && state == SWGI_RAMP)
            payload = swgi_payload_score(0, false, swgi_ctl_step(ctl) & ~1u);
        uint64_t generation = swgi_generation_next(swgi_ctl_generation(ctl));
        if (swgi_renew(turn, ctl, swgi_ctl(state, swgi_ctl_mode(ctl), generation, payload)))
            return;
    }
}

/*
 * The words the fast path reads follow from the settings, and so does a new generation where
 * windows changed. Whoever configures may be killed after publishing settings and before these,
 * so whoever judges looks first; `settled` says which settings all was done for.
 */
void swgi_settings_mend(struct swgi_turn *turn) {
    struct swgi_cell *cell = turn->cell;
    uint32_t traits = traits_of(&turn->settings, swgi_policies_traits_now(turn->map, cell));
    if (swgi_load(&cell->settings_sequence) != turn->settings_sequence)
        return;
    if (swgi_load(&cell->traits) != traits)
        swgi_store(&cell->traits, traits);
    if (swgi_load(&cell->slow_ns) != turn->settings.slow_ns)
        swgi_store(&cell->slow_ns, turn->settings.slow_ns);
    uint64_t settled = swgi_load(&cell->settled);
    if (settled == turn->settings_sequence)
        return;
    renew_windows(turn);
    swgi_cas(&cell->settled, settled, turn->settings_sequence);
}

void swgi_settings_install(struct swgi_turn *turn, const struct swgi_settings *settings,
                           bool fresh) {
    struct swgi_cell *cell = turn->cell;
    bool other_windows = fresh || !swgi_settings_same_windows(&turn->settings, settings);
    publish(cell, settings);
    swgi_store(&cell->slow_ns, settings->slow_ns);
    swgi_store(&cell->traits, traits_of(settings, swgi_policies_traits_now(turn->map, cell)));
    turn->settings = *settings;
    if (!other_windows) {
        swgi_store(&cell->settled, swgi_load(&cell->settings_sequence));
        return;
    }
    swgi_time_restart(cell, settings->slice_ns, swgi_turn_now(turn));
    if (!fresh)
        renew_windows(turn);
    swgi_store(&cell->settled, swgi_load(&cell->settings_sequence));
}
