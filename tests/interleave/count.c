/* The count window against a list of the last N outcomes: exact, whoever comes between whom. */
#include "stories.h"

#define CALLS_MAX 8u

struct counted {
    uint32_t generation;
    uint8_t state, due, length, spare;
    uint8_t half_units[CALLS_MAX], slow[CALLS_MAX]; /* oldest first */
};

union state {
    struct model model;
    struct counted counted;
};

static struct swgi_settings settings;

static void enter_state(struct counted *counted, unsigned state) {
    uint32_t generation = (uint32_t)swgi_generation_next(counted->generation);
    *counted = (struct counted){ .generation = generation, .state = (uint8_t)state };
}

static void sum(const struct counted *counted, struct swgi_count *out) {
    *out = (struct swgi_count){ .calls = counted->length };
    for (unsigned i = 0; i < counted->length; i++) {
        out->half_units += counted->half_units[i];
        out->slow += counted->slow[i];
    }
}

static bool meets(const struct counted *counted) {
    struct swgi_count count;
    sum(counted, &count);
    uint64_t calls = count.calls;
    if (calls < settings.count.calls_min)
        return false;
    return (count.half_units != 0 &&
            count.half_units * (uint64_t)SWGI_PPM >= 2 * calls * settings.count.failure_ppm) ||
           (count.slow != 0 && count.slow * (uint64_t)SWGI_PPM >= calls * settings.count.slow_ppm);
}

static void add(struct counted *counted, uint8_t half_units, uint8_t slow) {
    if (counted->length == settings.count.calls) {
        for (unsigned i = 1; i < counted->length; i++) {
            counted->half_units[i - 1] = counted->half_units[i];
            counted->slow[i - 1] = counted->slow[i];
        }
        counted->length--;
    }
    counted->half_units[counted->length] = half_units;
    counted->slow[counted->length++] = slow;
    counted->due |= meets(counted);
}

static void record(struct counted *counted, const struct operation *o) {
    bool slow = o->duration > SECOND;
    if (o->granted_by < 0 || o->ticket.generation != counted->generation ||
        counted->state != SWGI_CLOSED || o->argument == SWG_IGNORED)
        return;
    add(counted, o->argument == SWG_FAILURE ? 2 : o->argument == SWG_TIMEOUT, slow);
}

static bool apply(const struct world *world, struct model *state, unsigned operation,
                  unsigned variant) {
    struct counted *counted = &((union state *)state)->counted;
    const struct operation *o = &world->operations[operation];
    (void)variant;
    if (o->kind == ACQUIRE)
        return !o->ended || (counted->state == SWGI_OPEN
                                 ? o->rc == SWG_OPEN
                                 : o->rc == SWG_GO && o->ticket.generation == counted->generation);
    if (o->kind == RECORD)
        record(counted, o);
    else if (o->kind == RESET)
        enter_state(counted, SWGI_CLOSED);
    return o->rc == 0;
}

static bool step(const struct world *world, struct model *state, unsigned which, uint32_t pending) {
    struct counted *counted = &((union state *)state)->counted;
    (void)world, (void)which, (void)pending;
    if (!counted->due)
        return false;
    enter_state(counted, SWGI_OPEN);
    return true;
}

static bool is_final(const struct world *world, const struct model *state) {
    const struct counted *counted = &((const union state *)state)->counted;
    struct swgi_count wanted, found;
    uint64_t ctl = world->cell->ctl;
    if (swgi_ctl_state(ctl) != counted->state || swgi_ctl_generation(ctl) != counted->generation)
        return false;
    if (counted->state == SWGI_OPEN)
        return true;
    sum(counted, &wanted);
    uint64_t word = world->cell->window;
    if (word >> 44 != counted->generation)
        return wanted.calls == 0;
    swgi_count_read(world->cell, &settings, &found);
    return (!counted->due || world->kills != 0) && wanted.calls == found.calls &&
           wanted.half_units == found.half_units && wanted.slow == found.slow;
}

static const struct specification specification = {
    .apply = apply, .step = step, .variants = 1, .steps = 1, .is_final = is_final
};

static bool check(struct world *world) {
    union state begin = { .model = { { 0 } } };
    uint64_t ctl = world_image_cell(world)->ctl;
    begin.counted.generation = (uint32_t)swgi_ctl_generation(ctl) - 1;
    enter_state(&begin.counted, swgi_ctl_state(ctl));
    return linear_check(world, &specification, &begin.model) && world_counts_add_up(world);
}

static void prepare(struct world *world) {
    struct swgi_turn turn;
    world_turn(world, &turn);
    settings = turn.settings;
}

/* OPEN; and the word of a window full of failures, from 2^20 transitions ago, already has the next generation's tag. */
static void prepare_old_window(struct world *world) {
    struct swg_act act = SWG_ACT_INIT;
    act.user = "hand";
    prepare(world);
    swgi_thread = world->of[0].thread;
    swg_circuit_trip(world->of[0].circuit, &act, NULL);
    uint64_t ctl = world->cell->ctl, next = swgi_generation_next(swgi_ctl_generation(ctl));
    world->cell->ctl = swgi_ctl(SWGI_CLOSED, 0, next, 0);
    for (unsigned i = 0; i < 5; i++)
        swgi_count_add(world->map, world->cell, settings.count.calls, next, 2, true);
    world->cell->ctl = ctl;
}

static void script(struct world *world, struct swgi_random *random) {
    static const int64_t outcomes[] = { SWG_SUCCESS, SWG_SUCCESS, SWG_SUCCESS,
                                        SWG_FAILURE, SWG_TIMEOUT, SWG_IGNORED };
    bool resets = chance(random, 2);
    world->callers = 2 + (unsigned)swgi_random_below(random, 3);
    world->hands_act = true;
    for (unsigned i = 0; i < world->callers; i++)
        for (unsigned n = 12 / world->callers; n > 0; n--) {
            if (resets && chance(random, 6) && world->count < OPERATIONS_MAX - 2)
                world_add(world, i, RESET, 0, 0);
            if (world->count + 2 > OPERATIONS_MAX)
                break;
            world_add(world, i, ACQUIRE, 0, 0);
            world_add(world, i, RECORD, 0, outcomes[swgi_random_below(random, 6)])->duration =
                chance(random, 4) ? 2 * SECOND : 1;
        }
}

static void script_old_window(struct world *world, struct swgi_random *random) {
    world->callers = 2;
    world->hands_act = true;
    world_add(world, 0, RESET, 0, 0);
    for (unsigned i = 0; i < 2; i++)
        for (unsigned n = 0; n < 2; n++) {
            world_add(world, i, ACQUIRE, 0, 0);
            world_add(world, i, RECORD, 0, chance(random, 2) ? SWG_SUCCESS : SWG_FAILURE)
                ->duration = 1;
        }
}

#define RULES(calls, least)                                                                       \
    "breaker.trip.0.failure_rate.percent", "70", "breaker.trip.0.failure_rate.calls", calls,      \
        "breaker.trip.0.failure_rate.calls_min", least, "breaker.trip.1.slow_rate.percent", "80", \
        "breaker.trip.1.slow_rate.calls", calls, "breaker.trip.1.slow_rate.calls_min", least,     \
        "breaker.slow_call_duration", "1s", "breaker.weights.timeout", "0.5",                     \
        "breaker.min_state_transition_interval", "0s"

static const char *const small[] = { RULES("3", "2"), NULL };
static const char *const larger[] = { RULES("5", "5"), NULL };

static const struct story count = { "count-window", small, prepare, script, check };
static const struct story count_larger = { "count-window-5", larger, prepare, script, check };
static const struct story old_window = { "count-window-old", larger, prepare_old_window,
                                         script_old_window, check };

const struct story *const stories_count[] = { &count, &count_larger, &old_window, NULL };
