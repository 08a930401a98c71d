/*
 * Everything at once: modes, acts by hand, reloads, a ramp and all kinds of rules. No model here: the watch over every change of
 * ctl, the counts, and that it comes back.
 */
#include "stories.h"

#include <stdlib.h>

static struct swg_config *config_of(const char *key, const char *value, const char *key2,
                                    const char *value2) {
    struct swg_config *config;
    if (swg_config_new(&config) != 0 || swg_config_set(config, key, value, NULL) != 0 ||
        swg_config_set(config, key2, value2, NULL) != 0)
        abort();
    return config;
}

static void prepare(struct world *world) {
    world->configs[1] = config_of("breaker.trip.0.consecutive", "3", "breaker.open.for", "5s");
    world->configs[2] = config_of("breaker.trip.0.failure_rate.percent", "50",
                                  "breaker.trip.0.failure_rate.calls", "3");
    world->configs[3] =
        config_of("breaker.trip.0.failures.weight", "3", "breaker.trip.0.failures.window", "20s");
}

static void act(struct world *world, struct swgi_random *random, unsigned caller) {
    switch (swgi_random_below(random, 5)) {
    case 0:
        world_add(world, caller, MODE, 0, (int64_t)swgi_random_below(random, 4));
        break;
    case 1:
        world_add(world, caller, CONFIGURE, 0, (int64_t)swgi_random_below(random, 4));
        break;
    case 2:
        world_add(world, caller, RESET, 0, 0);
        break;
    case 3:
        world_add(world, caller, TRIP, 0, chance(random, 2) ? SECOND : 0);
        break;
    default:
        world_add(world, caller, ADVANCE, 0, 11 * SECOND);
    }
}

static void script(struct world *world, struct swgi_random *random) {
    static const int64_t outcomes[] = { SWG_SUCCESS, SWG_SUCCESS, SWG_FAILURE, SWG_TIMEOUT,
                                        SWG_IGNORED };
    world->callers = 2 + (unsigned)swgi_random_below(random, 3);
    world->hands_act = world->modes_change = true;
    for (unsigned i = 0; i < world->callers; i++)
        for (unsigned n = 12 / world->callers; n > 0 && world->count + 4 < OPERATIONS_MAX; n--) {
            if (chance(random, 3))
                act(world, random, i);
            world_add(world, i, ACQUIRE, 0, 0);
            world_add(world, i, chance(random, 9) ? CANCEL : RECORD, 0,
                      outcomes[swgi_random_below(random, 5)])
                ->duration = chance(random, 4) ? 2 * SECOND : 1;
        }
}

static bool extents_are_ours(struct world *world) {
    struct swgi_settings settings;
    uint32_t ring = world->cell->ring, chunks = 0;
    swgi_settings_load(world->cell, &settings);
    for (uint32_t i = 0; i < world->map->geometry.slot_chunks; i++)
        chunks += world->map->slot_owners[i] != 0;
    if (world->kills == 0 && ((ring != 0) != (settings.count.calls != 0) || chunks != (ring != 0)))
        return world_wrong(world, "%u chunks in use, ring %u, %u calls", chunks, ring,
                           settings.count.calls);
    return true;
}

/* A hand sets it right, whatever it was; then calls alone must bring it back. */
static bool check(struct world *world) {
    struct swg_act hand = SWG_ACT_INIT;
    unsigned alive = 0;
    while (alive < world->callers && world->of[alive].dead)
        alive++;
    if (!world_counts_add_up(world) || !world_since_is_of_now(world) || !extents_are_ours(world))
        return false;
    if (alive == world->callers)
        return true;
    struct swg_circuit *circuit = world->of[alive].circuit;
    swgi_thread = world->of[alive].thread;
    hand.user = "hand";
    hand.for_ns = SECOND;
    hand.force = 1;
    int rc = swg_circuit_mode(circuit, SWG_MODE_NORMAL, &hand, NULL);
    if (rc == 0)
        rc = swg_circuit_configure(circuit, world->configs[2], NULL);
    if (rc == 0)
        rc = swg_circuit_trip(circuit, &hand, NULL);
    return (rc == 0 || world_wrong(world, "an act afterwards: %d", rc)) && story_recovers(world) &&
           extents_are_ours(world);
}

static const char *const settings[] = { "breaker.trip.0.consecutive",
                                        "2",
                                        "breaker.trip.1.failure_rate.percent",
                                        "50",
                                        "breaker.trip.1.failure_rate.calls",
                                        "4",
                                        "breaker.trip.1.failure_rate.calls_min",
                                        "3",
                                        "breaker.trip.2.slow_rate.percent",
                                        "60",
                                        "breaker.trip.2.slow_rate.window",
                                        "30s",
                                        "breaker.slow_call_duration",
                                        "1s",
                                        "breaker.half_open.ramp",
                                        "20, 60",
                                        "breaker.half_open.ramp_step",
                                        "5s",
                                        "breaker.min_state_transition_interval",
                                        "0s",
                                        "breaker.open.for",
                                        "10s",
                                        NULL };

static const struct story modes = { "modes", settings, prepare, script, check };

const struct story *const stories_modes[] = { &modes, NULL };
