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

/* One cell's part of a re-base. */
struct move {
    struct swgi_map *map;
    struct swgi_turn turn;
    int64_t shift;
    uint64_t number; /* of the next word */
};
/* ctl, since, shadow's bound, last trip; a column's last success and failure. */
#define NUMBERS_OF_CELL   4u
#define NUMBERS_OF_COLUMN 2u

static void move_to(struct move *move, swgi_word *word, uint64_t value) {
    swgi_rebase_move(move->map, move->number++, word, value);
}

static void move_word(struct move *move, swgi_word *word) {
    int64_t at = (int64_t)swgi_load(word), there = moved(at, move->shift);
    if (at != 0)
        move_to(move, word, there > 0 ? (uint64_t)there : 1);
    else
        move->number++;
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

static void move_side_line(struct move *move) {
    struct swgi_cell *cell = move->turn.cell;
    uint64_t since = swgi_load(&cell->since), shadow = swgi_load(&cell->shadow_until);
    int64_t at = swgi_since_time(since);
    if (at != 0)
        at = moved(at, move->shift) > 0 ? moved(at, move->shift) : 0;
    move_to(move, &cell->since,
            swgi_since(swgi_since_generation(since), swgi_since_step(since), at));
    move_to(move, &cell->shadow_until,
            shadow != 0 ? moved_deadline(shadow, move->shift, INT64_MAX) : 0);
    move_word(move, &cell->last_trip);
    swgi_store(&cell->liveness_stamp, 0);
    swgi_store(&cell->shed_stamp, 0);
}

/* Nobody else is here: who attaches waits for the re-base. */
static void rebase_cell(struct move *move, uint32_t index, int64_t now) {
    struct swgi_map *map = move->map;
    uint32_t columns = map->geometry.columns;
    swgi_turn_begin(&move->turn, map, index, now);
    struct swgi_cell *cell = move->turn.cell;
    move->number = 1 + index * (uint64_t)(NUMBERS_OF_CELL + NUMBERS_OF_COLUMN * columns);
    move_to(move, &cell->ctl, moved_ctl(&move->turn, swgi_load(&cell->ctl), move->shift));
    move_side_line(move);
    swgi_time_restart(cell, move->turn.settings.slice_ns, now);
    for (uint32_t i = 0; i < columns; i++) {
        struct swgi_column *column = &map->columns[(uint64_t)i * map->geometry.circuits + index];
        move_word(move, &column->last_success);
        move_word(move, &column->last_failure);
    }
}

static void rebase(struct swgi_map *map, int64_t shift, int64_t now) {
    struct move move = { .map = map, .shift = shift };
    uint64_t high = swgi_load(&map->header->circuits_high);
    for (uint32_t i = 0; i < high && i < map->geometry.circuits; i++)
        if (swgi_load(&map->cells[i].life) != 0)
            rebase_cell(&move, i, now);
}

const struct swgi_panel_hooks swgi_circuit_hooks = { .first = first, .rebase = rebase };
