/*
 * The machine under the consecutive rule, against a sequential one: score, OPEN, probes, acts by hand.
 *
 * In HALF_OPEN an outcome and the verdict that follows from it are two steps, so the model takes verdicts, the end of the open
 * time and of leases as steps that anybody under way may do.
 */
#include "stories.h"

#define SLOTS     3u
#define OPEN_FOR  (10 * SECOND)
#define LEASE_FOR (60 * SECOND)
#define ROUNDING  (INT64_C(1) << SWGI_DEADLINE_SHIFT)

enum { SLOT_FREE, SLOT_HELD, SLOT_FAILED };

struct machine {
    uint32_t generation;
    uint8_t state, score, spare[2];
    int64_t due_from,
        due_to; /* OPEN: its end lies between these; HALF: its leases end no earlier */
    struct {
        int16_t holder; /* the operation that got it */
        uint8_t state, successes;
    } slots[SLOTS];
    uint32_t spare2;
};

union state {
    struct model model;
    struct machine machine;
};
static_assert(sizeof(struct machine) <= sizeof(struct model), "a machine is a model's state");

static struct swgi_settings settings;

static void enter_state(struct machine *machine, unsigned state) {
    machine->generation = (uint32_t)swgi_generation_next(machine->generation);
    machine->state = (uint8_t)state;
    machine->score = 0;
    machine->due_from = machine->due_to = 0;
    for (unsigned i = 0; i < SLOTS; i++) {
        machine->slots[i].holder = -1;
        machine->slots[i].state = SLOT_FREE;
        machine->slots[i].successes = 0;
    }
}

static int64_t latest(const struct world *world, const struct operation *operation) {
    return operation->ended ? operation->clock_to : world_clock(world);
}

static void open(const struct world *world, struct machine *machine,
                 const struct operation *operation) {
    enter_state(machine, SWGI_OPEN);
    machine->due_from = operation->clock_from + OPEN_FOR;
    machine->due_to = latest(world, operation) + OPEN_FOR + ROUNDING;
}

static bool holder_died(const struct world *world, const struct machine *machine, unsigned slot) {
    int holder = machine->slots[slot].holder;
    return machine->slots[slot].state == SLOT_HELD && holder >= 0 &&
           world->of[world->operations[holder].caller].dead;
}

static bool takeable(const struct world *world, const struct machine *machine, unsigned slot) {
    return slot < settings.probes &&
           (machine->slots[slot].state == SLOT_FREE || holder_died(world, machine, slot));
}

/* Slots are looked at one after the other, so beside others a caller may miss one that was free at no time it looked. */
static bool alone(const struct world *world, unsigned operation) {
    const struct operation *mine = &world->operations[operation];
    for (unsigned i = 0; i < world->count; i++) {
        const struct operation *other = &world->operations[i];
        if (i != operation && other->begun && other->from < mine->to && other->to > mine->from)
            return false;
    }
    return true;
}

static bool none_takeable(const struct world *world, const struct machine *machine) {
    for (unsigned i = 0; i < SLOTS; i++)
        if (takeable(world, machine, i) && machine->slots[i].state == SLOT_FREE)
            return false;
    return true;
}

static bool acquire_half(const struct world *world, struct machine *machine, unsigned operation,
                         unsigned variant) {
    const struct operation *o = &world->operations[operation];
    unsigned slot = o->ended ? o->ticket.slot : variant;
    if (o->ended && o->rc == SWG_OPEN)
        return !alone(world, operation) || none_takeable(world, machine);
    if (o->ended && (!o->ticket.has_probe || o->ticket.generation != machine->generation))
        return false;
    if (slot >= SLOTS || !takeable(world, machine, slot))
        return false;
    machine->slots[slot].state = SLOT_HELD;
    machine->slots[slot].holder = (int16_t)operation;
    return true;
}

static bool acquire(const struct world *world, struct machine *machine, unsigned operation,
                    unsigned variant) {
    const struct operation *o = &world->operations[operation];
    if (machine->state == SWGI_HALF)
        return acquire_half(world, machine, operation, variant);
    if (variant != 0 || !o->ended)
        return variant == 0;
    if (machine->state == SWGI_OPEN)
        return o->rc == SWG_OPEN && o->clock_from < machine->due_to;
    return o->rc == SWG_GO && !o->ticket.has_probe && o->ticket.generation == machine->generation;
}

static bool is_failure(const struct operation *operation) {
    return operation->argument == SWG_FAILURE || operation->argument == SWG_TIMEOUT;
}

static void end_probe(struct machine *machine, const struct operation *o) {
    unsigned slot = o->ticket.slot;
    if (slot >= SLOTS || machine->slots[slot].holder != o->granted_by ||
        machine->slots[slot].state != SLOT_HELD)
        return;
    bool failed = o->kind == RECORD && is_failure(o);
    machine->slots[slot].state = failed ? SLOT_FAILED : SLOT_FREE;
    machine->slots[slot].holder = -1;
    if (o->kind == RECORD && o->argument == SWG_SUCCESS)
        machine->slots[slot].successes++;
}

static void end(const struct world *world, struct machine *machine, const struct operation *o) {
    if (o->granted_by < 0 || o->ticket.generation != machine->generation)
        return;
    if (machine->state == SWGI_HALF) {
        end_probe(machine, o);
        return;
    }
    if (machine->state != SWGI_CLOSED || o->kind != RECORD || o->argument == SWG_IGNORED)
        return;
    machine->score = is_failure(o) ? (uint8_t)(machine->score + 2) : 0;
    if (machine->score >= settings.score.limit)
        open(world, machine, o);
}

static bool apply(const struct world *world, struct model *state, unsigned operation,
                  unsigned variant) {
    struct machine *machine = &((union state *)state)->machine;
    const struct operation *o = &world->operations[operation];
    if (o->kind == ACQUIRE)
        return acquire(world, machine, operation, variant);
    if (variant != 0)
        return false;
    if (o->kind == RECORD || o->kind == CANCEL) {
        end(world, machine, o);
    } else if (o->kind == RESET) {
        enter_state(machine, SWGI_CLOSED);
    } else if (o->kind == TRIP) {
        open(world, machine, o);
        if (o->argument == 0)
            machine->due_from = machine->due_to = INT64_MAX;
    }
    return o->rc == 0;
}

static bool somebody_asks_at(const struct world *world, uint32_t pending, int64_t at) {
    for (unsigned i = 0; i < world->count; i++)
        if ((pending >> i & 1) && world->operations[i].kind == ACQUIRE &&
            latest(world, &world->operations[i]) >= at)
            return true;
    return false;
}

static bool end_of_open(const struct world *world, struct machine *machine, uint32_t pending) {
    int64_t from = machine->due_from;
    if (machine->state != SWGI_OPEN || from == INT64_MAX || !somebody_asks_at(world, pending, from))
        return false;
    enter_state(machine, SWGI_HALF);
    machine->due_from = from + LEASE_FOR;
    return true;
}

static bool has_failed(const struct machine *machine) {
    for (unsigned i = 0; i < SLOTS; i++)
        if (machine->slots[i].state == SLOT_FAILED)
            return true;
    return false;
}

static bool has_recovered(const struct machine *machine) {
    unsigned successes = 0;
    for (unsigned i = 0; i < SLOTS; i++)
        successes += machine->slots[i].successes;
    return successes >= settings.success_threshold;
}

static bool decide(const struct world *world, struct machine *machine) {
    int64_t from = machine->due_from - LEASE_FOR;
    if (machine->state != SWGI_HALF)
        return false;
    if (has_failed(machine)) {
        enter_state(machine, SWGI_OPEN);
        machine->due_from = from;
        machine->due_to = world_clock(world) + OPEN_FOR + ROUNDING;
        return true;
    }
    if (!has_recovered(machine))
        return false;
    enter_state(machine, SWGI_CLOSED);
    return true;
}

static bool step(const struct world *world, struct model *state, unsigned which, uint32_t pending) {
    struct machine *machine = &((union state *)state)->machine;
    if (which == 0)
        return decide(world, machine);
    if (which == 1)
        return end_of_open(world, machine, pending);
    unsigned slot = which - 2;
    if (machine->state != SWGI_HALF || machine->slots[slot].state != SLOT_HELD)
        return false;
    if (!holder_died(world, machine, slot) && !somebody_asks_at(world, pending, machine->due_from))
        return false;
    machine->slots[slot].state = SLOT_FREE;
    machine->slots[slot].holder = -1;
    return true;
}

static bool slot_matches(uint64_t probe, uint32_t generation, unsigned state, unsigned successes) {
    if (swgi_probe_generation(probe) != generation)
        return state == SLOT_FREE && successes == 0;
    unsigned found = swgi_probe_state(probe);
    unsigned means = found == SWGI_PROBE_FREE   ? SLOT_FREE
                     : found == SWGI_PROBE_HELD ? SLOT_HELD
                                                : SLOT_FAILED;
    return means == state && swgi_probe_successes(probe) == successes;
}

static bool slots_match(const struct world *world, const struct machine *machine) {
    for (unsigned i = 0; i < settings.probes; i++)
        if (!slot_matches(world->cell->probes[i], machine->generation, machine->slots[i].state,
                          machine->slots[i].successes))
            return false;
    return true;
}

static bool is_final(const struct world *world, const struct model *state) {
    const struct machine *machine = &((const union state *)state)->machine;
    uint64_t ctl = world->cell->ctl;
    if (swgi_ctl_state(ctl) != machine->state || swgi_ctl_generation(ctl) != machine->generation)
        return false;
    if (machine->state == SWGI_CLOSED)
        return swgi_ctl_score(ctl) == machine->score;
    if (machine->state == SWGI_OPEN)
        return true;
    bool undecided = !has_failed(machine) && !has_recovered(machine);
    return (undecided || world->kills != 0) && slots_match(world, machine);
}

static const struct specification specification = {
    .apply = apply, .step = step, .variants = SLOTS, .steps = 2 + SLOTS, .is_final = is_final
};

/*
 * What a dead holder left is another's at once: when every holder was asked about, one in 10 ms and one time more for where
 * the passes stood, and not at the end of the lease.
 */
static bool dead_are_replaced(struct world *world) {
    uint64_t ctl = world->cell->ctl;
    struct swgi_probe_tally tally;
    unsigned of_dead = 0, alive = 0;
    swgi_probe_tally(world->cell, swgi_ctl_generation(ctl), settings.probes, &tally);
    for (unsigned i = 0; i < settings.probes; i++)
        for (unsigned j = 0; j < world->callers; j++)
            of_dead +=
                world->of[j].dead &&
                slot_matches(world->cell->probes[i], (uint32_t)swgi_ctl_generation(ctl), SLOT_HELD,
                             swgi_probe_successes(world->cell->probes[i])) &&
                (int)swgi_probe_owner(world->cell->probes[i]) == world->of[j].panel->slot + 1;
    while (alive < world->callers && world->of[alive].dead)
        alive++;
    bool decided = tally.failed != 0 || tally.passed >= settings.success_threshold;
    if (swgi_ctl_state(ctl) != SWGI_HALF || decided || of_dead == 0 || alive == world->callers)
        return true;
    struct swg_permit permit;
    swgi_thread = world->of[alive].thread;
    for (unsigned asked = 0; asked <= settings.probes; asked++) {
        swg_panel_advance(world->of[alive].panel, SECOND / 50);
        if (swg_acquire(world->of[alive].circuit, NULL, &permit) == SWG_GO)
            break;
        if (asked == settings.probes)
            return world_wrong(world, "a dead holder's probe is not taken over");
    }
    swg_record(&permit, SWG_SUCCESS);
    return true;
}

static bool check(struct world *world) {
    union state begin = { .model = { { 0 } } };
    uint64_t ctl = world_image_cell(world)->ctl;
    begin.machine.generation = (uint32_t)swgi_ctl_generation(ctl) - 1;
    enter_state(&begin.machine, swgi_ctl_state(ctl));
    begin.machine.due_from = begin.machine.due_to = (int64_t)(swgi_ctl_deadline(ctl))
                                                    << SWGI_DEADLINE_SHIFT;
    if (swgi_ctl_state(ctl) == SWGI_CLOSED)
        begin.machine.due_from = begin.machine.due_to = 0;
    return linear_check(world, &specification, &begin.model) && world_counts_add_up(world) &&
           world_since_is_of_now(world) && dead_are_replaced(world) && story_recovers(world);
}

static void read_settings(struct world *world) {
    struct swgi_turn turn;
    world_turn(world, &turn);
    settings = turn.settings;
}

/* Begins OPEN and due, so that every run begins with the race to HALF_OPEN. */
static void prepare_due(struct world *world) {
    struct swg_act act = SWG_ACT_INIT;
    act.user = "hand";
    act.for_ns = SECOND;
    read_settings(world);
    swgi_thread = world->of[0].thread;
    swg_circuit_trip(world->of[0].circuit, &act, NULL);
    swg_panel_advance(world->of[0].panel, 2 * SECOND);
}

static const int64_t outcomes[] = { SWG_SUCCESS, SWG_FAILURE, SWG_SUCCESS,
                                    SWG_TIMEOUT, SWG_IGNORED, SWG_SUCCESS };

static void calls(struct world *world, struct swgi_random *random, unsigned caller, unsigned n) {
    for (unsigned i = 0; i < n && world->count + 6 <= OPERATIONS_MAX; i++) {
        bool twice = chance(random, 4);
        world_add(world, caller, ACQUIRE, 0, 0);
        if (twice)
            world_add(world, caller, ACQUIRE, 1, 0);
        world_add(world, caller, chance(random, 8) ? CANCEL : RECORD, 0,
                  outcomes[swgi_random_below(random, 6)]);
        if (twice)
            world_add(world, caller, RECORD, 1, outcomes[swgi_random_below(random, 6)]);
    }
}

static void script(struct world *world, struct swgi_random *random) {
    world->callers = 2 + (unsigned)swgi_random_below(random, 3);
    unsigned each = world->callers == 4 ? 1 : 2;
    world->hands_act = chance(random, 3);
    for (unsigned i = 0; i < world->callers; i++) {
        calls(world, random, i, each);
        if (chance(random, 4))
            world_add(world, i, ADVANCE, 0, (chance(random, 2) ? 11 : 61) * SECOND);
        if (world->hands_act && chance(random, 3))
            world_add(world, i, chance(random, 2) ? RESET : TRIP, 0,
                      chance(random, 2) ? SECOND : 0);
        if (chance(random, 2))
            calls(world, random, i, 1);
    }
}

#define COMMON                                                                             \
    "breaker.open.for", "10s", "breaker.open.jitter", "0", "breaker.half_open.max", "60s", \
        "breaker.min_state_transition_interval", "0s"

static const char *const one_probe[] = { "breaker.trip.0.consecutive",
                                         "2",
                                         "breaker.half_open.probes",
                                         "1",
                                         "breaker.half_open.success_threshold",
                                         "1",
                                         COMMON,
                                         NULL };
static const char *const two_probes[] = { "breaker.trip.0.consecutive",
                                          "3",
                                          "breaker.half_open.probes",
                                          "2",
                                          "breaker.half_open.success_threshold",
                                          "2",
                                          COMMON,
                                          NULL };
static const char *const three_probes[] = { "breaker.trip.0.consecutive",
                                            "1",
                                            "breaker.half_open.probes",
                                            "3",
                                            "breaker.half_open.success_threshold",
                                            "2",
                                            COMMON,
                                            NULL };

static const struct story score = { "score", two_probes, read_settings, script, check };
static const struct story probe = { "one-probe", one_probe, prepare_due, script, check };
static const struct story probes = { "probes", two_probes, prepare_due, script, check };
static const struct story many = { "many-probes", three_probes, prepare_due, script, check };

const struct story *const stories_machine[] = { &score, &probe, &probes, &many, NULL };
