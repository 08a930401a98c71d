/*
 * Circuits made, found and evicted by several processes: a name has one cell, whoever asks; nothing is lost for good.
 */
#include "stories.h"

#include <errno.h>
#include <string.h>

#define NAMES 6u /* twice as many as there are places */

static const char *const names[NAMES] = { "a", "b", "c", "d", "e", "f" };

static void prepare(struct world *world) {
    world->registry_moves = true;
}

static void script(struct world *world, struct swgi_random *random) {
    world->callers = 2 + (unsigned)swgi_random_below(random, 3);
    unsigned of = chance(random, 2) ? 3 : NAMES;
    for (unsigned i = 0; i < world->callers; i++)
        for (unsigned n = 8 / world->callers + 1; n > 0; n--) {
            int64_t name = (int64_t)swgi_random_below(random, of);
            if (chance(random, 5))
                world_add(world, i, ADVANCE, 0, 11 * SECOND);
            if (name == 0) {
                world_add(world, i, ACQUIRE, 0, 0);
                world_add(world, i, RECORD, 0, SWG_SUCCESS);
            } else {
                world_add(world, i, chance(random, 3) ? FIND : GET, 0, name);
            }
        }
}

/* Two that found the same name in the same life of a cell; or, while nothing is evicted, in any. */
static bool same_cell(struct world *world) {
    uint64_t evicted = world->map->header->evicted;
    for (unsigned i = 0; i < world->count; i++)
        for (unsigned j = 0; j < i; j++) {
            const struct operation *a = &world->operations[i], *b = &world->operations[j];
            bool both = (a->kind == GET || a->kind == FIND) &&
                        (b->kind == GET || b->kind == FIND) && a->ended && b->ended && a->rc == 0 &&
                        b->rc == 0;
            if (!both)
                continue;
            bool same_place = a->index == b->index && a->life == b->life;
            if (a->argument != b->argument && same_place)
                return world_wrong(world, "two names in cell %u, life %u", a->index, a->life);
            if (a->argument == b->argument && !same_place && evicted == 0)
                return world_wrong(world, "one name in cells %u and %u", a->index, b->index);
        }
    return true;
}

/* What was made and not evicted is found by whoever looks afterwards; what nobody asked for is not. */
static bool found_after(struct world *world) {
    bool asked[NAMES] = { true };
    for (unsigned i = 0; i < world->count; i++) {
        const struct operation *get = &world->operations[i];
        asked[get->argument % NAMES] |= get->kind == GET;
        for (unsigned j = 0; get->kind == GET && j < world->count; j++) {
            const struct operation *find = &world->operations[j];
            if (find->kind == FIND && find->ended && find->argument == get->argument &&
                get->ended && get->rc == 0 && get->to < find->from && find->rc != 0 &&
                world->map->header->evicted == 0)
                return world_wrong(world, "%s was made and is not found", names[get->argument]);
        }
    }
    for (unsigned i = 0; i < world->count; i++)
        if (world->operations[i].kind == FIND && world->operations[i].ended &&
            world->operations[i].rc == 0 && !asked[world->operations[i].argument])
            return world_wrong(world, "%s was found and never made",
                               names[world->operations[i].argument]);
    return true;
}

/* Every live cell under its name, and only once. */
static bool index_is_whole(struct world *world) {
    for (uint32_t i = 0; i < world->map->geometry.circuits; i++) {
        struct swgi_cell *cell = &world->map->cells[i];
        uint32_t life = cell->life, index, found_life; /* names here are short */
        if (life == 0 || (life & 1) != 0)
            continue;
        char name[SWGI_NAME_MAX + 1] = "";
        uint64_t first = cell->name[0];
        memcpy(name, &first, sizeof(first));
        if (!swgi_registry_find(world->map, name, swgi_name_hash(name), &index, &found_life) ||
            index != i || found_life != life)
            return world_wrong(world, "cell %u is not found under its name %s", i, name);
    }
    return true;
}

/* Nothing is lost for good: as many new circuits as the panel has places, once the old ones are idle for two sweeps. */
static bool all_places_come_back(struct world *world, unsigned alive) {
    struct swg_circuit *circuit;
    char name[] = "new-0";
    unsigned made = 0;
    swgi_thread = world->of[alive].thread;
    for (unsigned tries = 0; tries < 40 && made < 3; tries++) {
        swg_panel_advance(world->of[alive].panel, 11 * SECOND);
        name[4] = (char)('0' + made);
        int rc = swg_circuit_get(world->of[alive].panel, name, world->configs[0], &circuit, NULL);
        made += rc == 0;
        if (rc != 0 && rc != -ENOSPC)
            return world_wrong(world, "making a circuit afterwards: %d", rc);
    }
    return made == 3 || world_wrong(world, "only %u places came back", made);
}

static bool check(struct world *world) {
    for (unsigned i = 0; i < world->count; i++)
        if (world->operations[i].ended && world->operations[i].kind == GET &&
            world->operations[i].rc != 0 && world->operations[i].rc != -ENOSPC &&
            world->operations[i].rc != -EAGAIN)
            return world_wrong(world, "operation %u: %d", i, world->operations[i].rc);
    unsigned alive = 0;
    while (alive < world->callers && world->of[alive].dead)
        alive++;
    /* What a killed maker left is repaired by the next one, so there must be one. */
    return same_cell(world) && found_after(world) &&
           (alive == world->callers ||
            (all_places_come_back(world, alive) && index_is_whole(world)));
}

static const char *const with_window[] = { "breaker.trip.0.failure_rate.percent",
                                           "50",
                                           "breaker.trip.0.failure_rate.calls",
                                           "40",
                                           "breaker.trip.0.failure_rate.calls_min",
                                           "4",
                                           NULL };

static const struct story registry = { "registry", with_window, prepare, script, check };

const struct story *const stories_registry[] = { &registry, NULL };
