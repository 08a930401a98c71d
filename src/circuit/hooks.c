/* What the panel asks of circuits: its own first one, and new times after a reboot. */
#include <string.h>

#include "circuit/circuit.h"
#include "circuit/config.h"

/* Number 0, for calls of circuits that found no place. No histogram: it may be all a small panel
 * has room for. */
static void first(struct swgi_map *map) {
    struct swgi_cell *cell = &map->cells[0];
    struct swgi_turn turn = { .map = map, .index = 0, .cell = cell, .now = swgi_map_clock(map) };
    struct swgi_settings settings;
    uint64_t name[16] = { 0 };
    memcpy(name, SWGI_BEYOND_NAME, sizeof(SWGI_BEYOND_NAME));
    for (unsigned i = 0; i < 16; i++)
        swgi_store(&cell->name[i], name[i]);
    swgi_store(&cell->name_hash, swgi_name_hash(SWGI_BEYOND_NAME));
    swgi_store(&cell->life, 1);
    swgi_store(&cell->ctl, swgi_ctl(SWGI_CLOSED, SWGI_NORMAL, 1, 0));
    swgi_store(&cell->since, swgi_since(1, 0, 0));
    swgi_config_apply(NULL, NULL, &settings, NULL);
    settings.histogram = 0;
    swgi_settings_install(&turn, &settings, true);
    swgi_registry_publish(map, 0);
}

/* Instants and stamps lie in memory that others can write: what is too far to tell is as far as
 * can be told. */
static int64_t moved(int64_t at, int64_t by) {
    int64_t there;
    if (__builtin_add_overflow(at, by, &there))
        return by < 0 ? INT64_MIN : INT64_MAX;
    return there;
}

static uint64_t moved_deadline(uint64_t deadline, int64_t shift, int64_t most) {
    if (deadline == SWGI_NEVER)
        return deadline;
    int64_t at = moved(swgi_deadline_time(deadline), shift);
    return swgi_deadline_from(at < most ? at : most);
}

static void move_word(swgi_word *word, int64_t shift) {
    int64_t at = (int64_t)swgi_load(word), there = moved(at, shift);
    if (at != 0)
        swgi_store(word, there > 0 ? (uint64_t)there : 1);
}

/* A deadline may come earlier than its open time, by the wall clock; never later: the wall clock
 * may have been set back. */
static uint64_t moved_ctl(const struct swgi_turn *turn, uint64_t ctl, int64_t shift) {
    const struct swgi_settings *settings = &turn->settings;
    unsigned state = swgi_ctl_state(ctl);
    int64_t most = INT64_MAX;
    if (state == SWGI_HALF && !swgi_ctl_forced(ctl))
        most = moved(turn->now, (int64_t)settings->half_open_max_ns);
    else if (state == SWGI_OPEN && !swgi_ctl_forced(ctl) && swgi_ctl_rule(ctl) != SWG_RULE_HAND)
        most = moved(turn->now, swgi_open_time(settings, UINT32_MAX, 0, 1));
    else if (!swgi_ctl_forced(ctl) && state != SWGI_OPEN)
        return ctl;
    uint64_t deadline = moved_deadline(swgi_ctl_deadline(ctl), shift, most);
    return (ctl & SWGI_MASK(24)) | swgi_payload_deadline(deadline, swgi_ctl_rule(ctl)) << 24;
}

static void move_side_line(struct swgi_cell *cell, int64_t shift) {
    uint64_t since = swgi_load(&cell->since);
    int64_t at = swgi_since_time(since);
    if (at != 0) {
        at = moved(at, shift) > 0 ? moved(at, shift) : 0;
        swgi_store(&cell->since,
                   swgi_since(swgi_since_generation(since), swgi_since_step(since), at));
    }
    uint64_t shadow = swgi_load(&cell->shadow_until);
    if (shadow != 0)
        swgi_store(&cell->shadow_until, moved_deadline(shadow, shift, INT64_MAX));
    move_word(&cell->last_trip, shift);
    swgi_store(&cell->liveness_stamp, 0);
    swgi_store(&cell->shed_stamp, 0);
}

static void rebase_cell(struct swgi_map *map, uint32_t index, int64_t shift, int64_t now) {
    struct swgi_turn turn;
    swgi_turn_begin(&turn, map, index, now);
    for (;;) {
        uint64_t ctl = swgi_load(&turn.cell->ctl);
        if (swgi_cas(&turn.cell->ctl, ctl, moved_ctl(&turn, ctl, shift)))
            break;
    }
    move_side_line(turn.cell, shift);
    swgi_time_restart(turn.cell, turn.settings.slice_ns, now);
    for (uint32_t i = 0; i < map->geometry.columns; i++) {
        struct swgi_column *column = &map->columns[(uint64_t)i * map->geometry.circuits + index];
        move_word(&column->last_success, shift);
        move_word(&column->last_failure, shift);
    }
}

static void rebase(struct swgi_map *map, int64_t shift, int64_t now) {
    uint64_t high = swgi_load(&map->header->circuits_high);
    for (uint32_t i = 0; i < high && i < map->geometry.circuits; i++)
        if (swgi_load(&map->cells[i].life) != 0)
            rebase_cell(map, i, shift, now);
}

const struct swgi_panel_hooks swgi_circuit_hooks = { .first = first, .rebase = rebase };
