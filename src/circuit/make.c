/*
 * Making circuits, and eviction.
 *
 * All of it under the registry's lock, none of it on a call's path. A circuit is filled in while
 * its life is odd, so nobody finds half of one. Who is evicted was idle for a whole sweep, is
 * CLOSED and normal; the generation is raised first, so that what comes in between is late.
 */
#include "circuit/make.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"
#include "circuit/circuit.h"
#include "circuit/source.h"
#include "engine/policies.h"
#include "panel/wall.h"

#define SWEEP_EVERY_NS UINT64_C(10000000000)

uint32_t swgi_circuit_read_name(const struct swgi_map *map, uint32_t index,
                                char name[SWGI_NAME_MAX + 1]) {
    const struct swgi_cell *cell = &map->cells[index];
    uint32_t life = swgi_load(&cell->life);
    swgi_cell_name(cell, name);
    bool whole = life != 0 && (life & 1) == 0 && swgi_load(&cell->life) == life;
    return whole && swgi_name_valid(name) ? life : 0;
}

/* New extents are taken before the settings change and old ones given back after, so a refusal
 * leaves all as it was. */
int swgi_circuit_settle(struct swgi_turn *turn, const struct swgi_settings *settings, bool fresh,
                        struct swg_error *error) {
    struct swgi_cell *cell = turn->cell;
    uint32_t histogram = swgi_load(&cell->histogram), ring = swgi_load(&cell->ring);
    /* A run that is long enough stays: somebody may still count in it by the old settings. */
    bool wants_ring = settings->count.calls > swgi_pool_slots_held(turn->map, turn->index, ring);
    if (settings->histogram && histogram == 0 &&
        swgi_pool_histogram(turn->map, turn->index, &histogram) != 0)
        return swgi_fail(error, -ENOSPC, "breaker.histogram",
                         "all %u latency histograms of the panel are taken; set breaker.histogram "
                         "to no, or make the "
                         "panel with a larger histograms_max",
                         turn->map->geometry.histograms);
    if (wants_ring && swgi_pool_slots(turn->map, turn->index, settings->count.calls, &ring) != 0) {
        swgi_pool_release(turn->map, turn->index);
        return swgi_fail(error, -ENOSPC, "breaker.trip",
                         "no room for a window of %u calls: the panel's %u slots are taken; make "
                         "the panel with a "
                         "larger slots_max",
                         settings->count.calls, turn->map->geometry.slot_chunks * SWGI_SLOT_CHUNK);
    }
    int rc = swgi_policies_settle(turn, settings, error);
    if (rc != 0) {
        swgi_pool_release(turn->map, turn->index);
        return rc;
    }
    swgi_store(&cell->ring, settings->count.calls != 0 ? ring : 0);
    swgi_store(&cell->histogram, settings->histogram ? histogram : 0);
    swgi_settings_install(turn, settings, fresh);
    if (!fresh)
        swgi_pool_release(turn->map, turn->index);
    return 0;
}

static void begin(struct swgi_turn *turn, struct swgi_map *map, uint32_t index) {
    *turn = (struct swgi_turn){
        .map = map, .index = index, .cell = &map->cells[index], .now = swgi_map_clock(map)
    };
}

/* The generation goes on from the cell's former circuit; never 0 at first: words of zero are of
 * another generation. */
static int fill(struct swgi_turn *turn, const struct swgi_settings *settings,
                struct swg_error *error) {
    struct swgi_cell *cell = turn->cell;
    uint64_t generation = swgi_ctl_generation(swgi_load(&cell->ctl));
    generation = generation != 0 ? generation : 1;
    swgi_store(&cell->ctl, swgi_ctl(SWGI_CLOSED, SWGI_NORMAL, generation, 0));
    swgi_store(&cell->since, swgi_since(generation, 0, 0));
    swgi_store(&cell->window, swgi_count_empty(generation));
    return swgi_circuit_settle(turn, settings, true, error);
}

/* A histogram nobody asked for by name is had if there is one left. */
static int fill_as_asked(struct swgi_turn *turn, const struct swgi_settings *settings,
                         bool histogram_asked, struct swg_error *error) {
    int rc = fill(turn, settings, error);
    if (rc != -ENOSPC || !settings->histogram || histogram_asked)
        return rc;
    struct swgi_settings without = *settings;
    without.histogram = 0;
    return fill(turn, &without, error);
}

static uint64_t activity(const struct swgi_map *map, uint32_t index) {
    uint64_t sum = 1;
    for (unsigned i = 0; i < SWGI_COUNTER(last_success); i++)
        sum += swgi_column_sum(map, index, i);
    for (unsigned i = SWGI_COUNTER(would_reject); i < SWGI_COUNTER(rejected) + SWGI_VERDICTS; i++)
        sum += swgi_column_sum(map, index, i);
    return sum + swgi_load(&map->cells[index].failures) + swgi_load(&map->cells[index].timeouts);
}

static bool give_up(struct swgi_map *map, uint32_t index, uint64_t seen) {
    struct swgi_turn turn;
    swgi_turn_begin(&turn, map, index, swgi_map_clock(map));
    uint64_t ctl = swgi_load(&turn.cell->ctl);
    const struct swgi_policies *policies = swgi_policies_of(map, turn.cell);
    bool held = policies != NULL && (swgi_permits_held(map, &policies->bulkhead) != 0 ||
                                     swgi_waiters_count(map, &policies->bulkhead) != 0);
    if ((ctl & 15) != 0 || held)
        return false;
    uint64_t next =
        swgi_ctl(SWGI_CLOSED, SWGI_NORMAL, swgi_generation_next(swgi_ctl_generation(ctl)), 0);
    if (!swgi_renew(&turn, ctl, next) || activity(map, index) != seen)
        return false;
    swgi_act_tell(&turn, SWG_EVENT_EVICTED);
    swgi_registry_remove(map, index);
    swgi_add_relaxed(&map->header->evicted, 1, COUNTER);
    return true;
}

/* One cell's part of a sweep: evicted if it did nothing since the last one, noted for the next
 * otherwise. */
static bool sweep_cell(struct swgi_map *map, uint32_t index) {
    struct swgi_cell *cell = &map->cells[index];
    uint32_t life = swgi_load(&cell->life);
    if (life == 0 || (life & 1) != 0)
        return false;
    uint64_t sum = activity(map, index);
    if (swgi_load(&cell->swept) == sum && give_up(map, index, sum))
        return true;
    swgi_store(&cell->swept, sum);
    return false;
}

/* Of a pattern's circuits only, if there is one. */
static bool is_swept(const struct swgi_map *map, uint32_t index,
                     const struct swgi_making *pattern) {
    char name[SWGI_NAME_MAX + 1];
    return pattern == NULL ||
           (swgi_circuit_read_name(map, index, name) != 0 &&
            pattern->declared->under(pattern->declared, pattern->declaration->pattern, name));
}

/* A sixteenth at a time, so that what may come back soon is not all lost at once. true: there is a
 * place now. */
static bool sweep(struct swgi_map *map, const struct swgi_making *pattern) {
    uint64_t now = (uint64_t)swgi_map_clock(map), last = swgi_load(&map->header->swept_at);
    if (last != 0 && now - last < SWEEP_EVERY_NS)
        return false;
    swgi_store(&map->header->swept_at, now);
    uint32_t wanted = map->geometry.circuits / 16 + 1, evicted = 0;
    for (uint32_t i = 1; i < map->geometry.circuits && evicted < wanted; i++)
        evicted += is_swept(map, i, pattern) && sweep_cell(map, i);
    return evicted != 0;
}

static int claim(struct swgi_map *map, const char *name, uint64_t hash, uint32_t *index,
                 struct swg_error *error) {
    int rc = swgi_registry_claim(map, name, hash, index);
    if (rc == -ENOSPC && sweep(map, NULL))
        rc = swgi_registry_claim(map, name, hash, index);
    if (rc == 0)
        return 0;
    return swgi_fail(
        error, rc, name,
        "the panel's %u circuits are all taken and in use; make it with a larger circuits_max",
        map->geometry.circuits - 1);
}

static uint32_t count_under(const struct swgi_map *map, const struct swgi_making *making) {
    char name[SWGI_NAME_MAX + 1];
    uint64_t high = swgi_load(&map->header->circuits_high);
    uint32_t count = 0;
    for (uint32_t i = 1; i < high && i < map->geometry.circuits; i++)
        count += swgi_circuit_read_name(map, i, name) != 0 &&
                 making->declared->under(making->declared, making->declaration->pattern, name);
    return count;
}

static bool is_over(const struct swgi_map *map, const struct swgi_making *making) {
    uint32_t most = making->declaration->pattern_max;
    return most != 0 && count_under(map, making) >= most;
}

static bool is_over_all(const struct swgi_map *map, const struct swgi_making *making) {
    uint32_t most = making->declaration->circuits_max;
    return most != 0 && swgi_load(&map->header->circuits_live) > most; /* one is the panel's own */
}

/* What the file allows, after idle ones were given up. */
static int keep_bounds(struct swgi_map *map, const char *name, const struct swgi_making *making,
                       struct swg_error *error) {
    const struct swgi_declaration *bounds = making->declaration;
    if (bounds == NULL)
        return 0;
    if (is_over(map, making) && !(sweep(map, making) && !is_over(map, making)))
        return swgi_fail(error, -ENOSPC, name,
                         "there are %u circuits under %.60s, as many as its max in %.80s allows",
                         bounds->pattern_max, bounds->pattern, making->declared->path);
    if (is_over_all(map, making) && !(sweep(map, NULL) && !is_over_all(map, making)))
        return swgi_fail(error, -ENOSPC, name,
                         "there are %u circuits, as many as limits.circuits_max in %.80s allows",
                         bounds->circuits_max, making->declared->path);
    return 0;
}

static int make_locked(struct swgi_map *map, const char *name, uint64_t hash,
                       const struct swgi_making *making, uint32_t *index, uint32_t *life,
                       struct swg_error *error) {
    if (swgi_registry_find(map, name, hash, index, life))
        return 0;
    int rc = keep_bounds(map, name, making, error);
    if (rc == 0)
        rc = claim(map, name, hash, index, error);
    if (rc != 0)
        return rc;
    struct swgi_turn turn;
    begin(&turn, map, *index);
    rc = fill_as_asked(&turn, making->settings, making->histogram_asked, error);
    if (rc != 0) {
        swgi_registry_remove(map, *index);
        return rc == -ENOSPC ? -ENOBUFS : rc;
    }
    swgi_source_note(map, *index, making->declared);
    swgi_registry_publish(map, *index);
    *life = swgi_load(&turn.cell->life);
    turn.hand = &(struct swgi_hand){ .source = "program" };
    swgi_act_tell(&turn, SWG_EVENT_CREATED);
    return 0;
}

int swgi_circuit_make(struct swgi_map *map, const char *name, uint64_t hash,
                      const struct swgi_making *making, uint32_t *index, uint32_t *life,
                      struct swg_error *error) {
    int rc = swgi_registry_lock(map);
    if (rc != 0)
        return swgi_fail(error, rc, name,
                         "the panel's registry is held by another process; try again");
    rc = make_locked(map, name, hash, making, index, life, error);
    swgi_registry_unlock(map);
    return rc;
}

void swgi_circuit_unmake(struct swgi_map *map, uint32_t index, uint32_t life) {
    if (swgi_registry_lock(map) != 0)
        return;
    if (swgi_load(&map->cells[index].life) == life)
        (void)give_up(map, index, activity(map, index));
    swgi_registry_unlock(map);
}
