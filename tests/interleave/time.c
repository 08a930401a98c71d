/*
 * The time window against the list of calls: what it tells lies between the calls that surely are in it and those that may be,
 * give or take one for each caller; and when all have gone home, every rule that is met was noticed.
 */
#include "stories.h"

#include <string.h>

static struct swgi_settings settings;

static void prepare(struct world *world) {
    struct swgi_turn turn;
    world_turn(world, &turn);
    settings = turn.settings;
}

static int64_t latest(const struct world *world, const struct operation *o) {
    return o->ended ? o->clock_to : world_clock(world);
}

static bool counts(const struct world *world, const struct operation *o, uint64_t generation) {
    (void)world;
    return o->kind == RECORD && o->begun && o->granted_by >= 0 && o->argument != SWG_IGNORED &&
           o->ticket.generation == generation;
}

static unsigned weight_of(const struct operation *o) {
    return o->argument == SWG_FAILURE || o->argument == SWG_TIMEOUT ? 2 : 0;
}

/* sure: only what was recorded well inside of the window. */
static void expect(const struct world *world, unsigned slices, bool sure, struct swgi_window *out) {
    uint64_t generation = swgi_ctl_generation(world->cell->ctl);
    int64_t now = world_clock(world), slice = (int64_t)settings.slice_ns;
    int64_t begin = now - ((int64_t)slices - 1) * slice;
    *out = (struct swgi_window){ 0 };
    for (unsigned i = 0; i < world->count; i++) {
        const struct operation *o = &world->operations[i];
        bool inside = sure ? o->ended && o->clock_from >= begin : latest(world, o) >= begin - slice;
        if (!counts(world, o, generation) || !inside)
            continue;
        out->calls++;
        out->half_units += weight_of(o);
        out->slow += o->duration > SECOND;
    }
}

static bool between(struct world *world, const char *what, uint64_t each, uint64_t least,
                    uint64_t found, uint64_t most) {
    uint64_t slack = (world->callers + world->kills) * each;
    if (found + slack >= least && found <= most + slack)
        return true;
    return world_wrong(world, "%s in the window: %lu, expected %lu to %lu", what, found, least,
                       most);
}

static bool check_windows(struct world *world, struct swgi_turn *turn) {
    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX; i++) {
        struct swgi_window least, most, found;
        unsigned slices = settings.time[i].slices;
        if (settings.time[i].kind == SWGI_TIME_NONE)
            continue;
        expect(world, slices, true, &least);
        expect(world, slices, false, &most);
        swgi_time_read(turn, slices, &found);
        if (!between(world, "calls", 1, least.calls, found.calls, most.calls) ||
            !between(world, "half-units", 2, least.half_units, found.half_units, most.half_units) ||
            !between(world, "slow", 1, least.slow, found.slow, most.slow))
            return false;
    }
    return true;
}

static bool meets(const struct swgi_time_rule *rule, const struct swgi_window *window) {
    if (rule->kind == SWGI_TIME_FAILURES)
        return window->half_units >= rule->threshold;
    uint64_t part = rule->kind == SWGI_TIME_SLOW_RATE ? 2 * window->slow : window->half_units;
    return part != 0 && part * SWGI_PPM >= 2 * window->calls * rule->threshold;
}

/* Failures are counted exactly: when so many of them surely were in the window, the last one to be recorded saw it. */
static bool failures_were_noticed(struct world *world) {
    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX; i++) {
        const struct swgi_time_rule *rule = &settings.time[i];
        struct swgi_window least;
        if (rule->kind != SWGI_TIME_FAILURES)
            continue;
        expect(world, rule->slices, true, &least);
        if (meets(rule, &least) && least.calls >= rule->calls_min)
            return world_wrong(world, "%lu half-units of failure did not trip", least.half_units);
    }
    return true;
}

/* A rate that is met below the least number of calls must have armed the breaker, or the successes to come would not judge. */
static bool is_armed_if_due(struct world *world, struct swgi_turn *turn) {
    uint64_t ctl = world->cell->ctl;
    struct swgi_turn again = *turn;
    /* What an older generation's call adds late is that call in the window, but nobody's to judge. */
    if (world->transitions != 0 || swgi_time_enter(&again, swgi_ctl_generation(ctl)))
        return true;
    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX; i++) {
        const struct swgi_time_rule *rule = &settings.time[i];
        struct swgi_window found;
        if (rule->kind == SWGI_TIME_NONE || rule->kind == SWGI_TIME_FAILURES)
            continue;
        swgi_time_read(turn, rule->slices, &found);
        if (meets(rule, &found) && found.calls < rule->calls_min && !swgi_ctl_armed(ctl))
            return world_wrong(world, "a rate met in %lu calls did not arm", found.calls);
    }
    return true;
}

/* Nobody else is there: one more failure must trip exactly when the window says so. */
static bool one_more_failure(struct world *world) {
    struct swg_permit permit;
    struct swgi_turn turn;
    struct caller_state *caller = &world->of[0];
    bool due = false;
    swgi_thread = caller->thread;
    if (swg_acquire(caller->circuit, NULL, &permit) != SWG_GO)
        return world_wrong(world, "a closed breaker rejects");
    world_turn(world, &turn);
    swgi_time_enter(&turn, swgi_ctl_generation(world->cell->ctl));
    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX; i++) {
        const struct swgi_time_rule *rule = &settings.time[i];
        struct swgi_window window;
        if (rule->kind == SWGI_TIME_NONE)
            continue;
        swgi_time_read(&turn, rule->slices, &window);
        window.calls++;
        window.half_units += 2;
        due |= meets(rule, &window) && window.calls >= rule->calls_min;
    }
    swg_record_at(&permit, SWG_FAILURE, NULL, world_clock(world), 1);
    bool tripped = swgi_ctl_state(world->cell->ctl) == SWGI_OPEN;
    return tripped == due ||
           world_wrong(world, "one more failure %s", due ? "did not trip" : "tripped");
}

static bool check(struct world *world) {
    struct swgi_turn turn;
    world_turn(world, &turn);
    if (!world_counts_add_up(world))
        return false;
    if (swgi_ctl_state(world->cell->ctl) != SWGI_CLOSED)
        return true;
    if (!check_windows(world, &turn))
        return false;
    return world->kills != 0 || (failures_were_noticed(world) && is_armed_if_due(world, &turn) &&
                                 one_more_failure(world));
}

static void script(struct world *world, struct swgi_random *random) {
    static const int64_t outcomes[] = { SWG_SUCCESS, SWG_SUCCESS, SWG_SUCCESS,
                                        SWG_FAILURE, SWG_TIMEOUT, SWG_IGNORED };
    static const int64_t steps[] = { 1, 2, 5, 9, 31 };
    bool passes = chance(random, 2);
    world->callers = 2 + (unsigned)swgi_random_below(random, 3);
    world->hands_act = chance(random, 3);
    for (unsigned i = 0; i < world->callers; i++)
        for (unsigned n = 13 / world->callers; n > 0 && world->count + 4 < OPERATIONS_MAX; n--) {
            if (world->hands_act && chance(random, 6))
                world_add(world, i, RESET, 0, 0);
            if (passes && chance(random, 3))
                world_add(world, i, ADVANCE, 0, steps[swgi_random_below(random, 5)] * SECOND);
            world_add(world, i, ACQUIRE, 0, 0);
            world_add(world, i, RECORD, 0, outcomes[swgi_random_below(random, 6)])->duration =
                chance(random, 4) ? 2 * SECOND : 1;
        }
}

#define COMMON                                                                         \
    "breaker.slow_call_duration", "1s", "breaker.min_state_transition_interval", "0s", \
        "breaker.open.for", "10s"

static const char *const failures[] = {
    "breaker.trip.0.failures.weight", "4", "breaker.trip.0.failures.window", "10s", COMMON, NULL
};
static const char *const rates[] = { "breaker.trip.0.failure_rate.percent",
                                     "50",
                                     "breaker.trip.0.failure_rate.window",
                                     "10s",
                                     "breaker.trip.0.failure_rate.calls_min",
                                     "6",
                                     "breaker.trip.1.slow_rate.percent",
                                     "60",
                                     "breaker.trip.1.slow_rate.window",
                                     "30s",
                                     "breaker.trip.1.slow_rate.calls_min",
                                     "5",
                                     COMMON,
                                     NULL };

static const struct story failure = { "time-window-failures", failures, prepare, script, check };
static const struct story rate = { "time-window-rates", rates, prepare, script, check };

const struct story *const stories_time[] = { &failure, &rate, NULL };
