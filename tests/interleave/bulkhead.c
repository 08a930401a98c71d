/*
 * Permits and places in the queue, whoever comes between whom and is killed where. They lie in the panel, but no circuit has
 * them: the scripts run on the words themselves, and the world keeps panel and history.
 *
 * Permits are held against a sequential set. Who waits must be told: a sleeper's time is up only when nobody else can go on,
 * and then, if nobody was killed, no permit may be free.
 */
#include "stories.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine/bulkhead.h"

#define PERMITS    4u
#define LONGER     6u
#define PLACES     2u
#define FIRST_RUN  1u
#define SECOND_RUN 17u
#define QUEUE_RUN  33u
#define SLICE      INT64_C(5000000)
#define POLLS_MAX  40u
#define PATIENCE   60u
#define SLOTS_USED 64u

/* What the world's kinds of operation are here. */
#define TAKE        ACQUIRE
#define GIVE        RECORD
#define COPY        CANCEL
#define LIMIT       CONFIGURE
#define CHANGE_OVER GET
#define REAP        FIND

static struct world *here;
static struct operation script_of[OPERATIONS_MAX];
static unsigned scripted;
static uint64_t seed;
static bool queues, moves;
static uint32_t most; /* permits there may be */

static struct caller {
    struct swgi_permit_thread thread;
    const _Atomic uint32_t *asleep; /* on that word, while it is: */
    uint32_t asleep_on;
    bool done;
} callers[CALLERS_MAX];
static unsigned running;
static struct swgi_held got[OPERATIONS_MAX]; /* by an operation */
static bool out[OPERATIONS_MAX];             /* and not being given back yet */

static struct swgi_map *map_of(unsigned caller) {
    return here->of[caller].panel->map;
}
static struct swgi_bulkhead_words *words_of(unsigned caller) {
    return &map_of(caller)->policies[0].bulkhead;
}

/* ---- one after the other */

struct set {
    uint64_t limit;
    uint32_t held, spare; /* the operations whose permits are held */
};
union state {
    struct model model;
    struct set set;
};

static bool alone(const struct world *world, unsigned operation) {
    const struct operation *mine = &world->operations[operation];
    for (unsigned i = 0; i < world->count; i++) {
        const struct operation *other = &world->operations[i];
        if (i != operation && other->begun && other->from < mine->to && other->to > mine->from)
            return false;
    }
    return true;
}

static bool apply_take(const struct world *world, struct set *set, unsigned operation) {
    const struct operation *o = &world->operations[operation];
    bool free = (uint64_t)__builtin_popcount(set->held) < set->limit;
    /* Permits are looked at one after the other, so beside others one may be missed that was free at no time it looked. */
    if (o->ended && o->rc != SWG_GO)
        return !free || !alone(world, operation);
    if (!free)
        return false;
    set->held |= 1u << operation;
    return true;
}

static bool apply(const struct world *world, struct model *model, unsigned operation,
                  unsigned variant) {
    const struct operation *o = &world->operations[operation];
    struct set *set = &((union state *)model)->set;
    (void)variant;
    if (o->kind == TAKE)
        return apply_take(world, set, operation);
    if (o->kind == LIMIT) {
        set->limit = (uint64_t)o->argument;
        return true;
    }
    if (o->kind != GIVE && o->kind != COPY)
        return true;
    bool held = o->granted_by >= 0 && (set->held >> o->granted_by & 1) != 0;
    if (o->ended && o->granted_by >= 0 && held != (o->rc == 0))
        return false;
    if (held)
        set->held &= ~(1u << o->granted_by);
    return true;
}

/* What the dead hold may be given back. */
static bool step(const struct world *world, struct model *model, unsigned which, uint32_t pending) {
    struct set *set = &((union state *)model)->set;
    uint32_t before = set->held;
    (void)pending;
    for (unsigned i = 0; i < world->count && world->of[which].dead; i++)
        if (world->operations[i].caller == which)
            set->held &= ~(1u << i);
    return set->held != before;
}

static bool is_final(const struct world *world, const struct model *model) {
    struct swgi_held held = { 0 };
    const struct set *set = &((const union state *)model)->set;
    uint32_t words_held = 0;
    for (unsigned i = 0; i < world->count; i++) {
        if ((set->held >> i & 1) == 0)
            continue;
        const struct operation *o = &world->operations[i];
        if (world->of[o->caller].dead)
            return false; /* all of theirs was given back */
        held = got[i];
        struct swgi_permit_seen seen;
        bool found = false;
        for (uint32_t cursor = 0; swgi_permits_next(map_of(0), words_of(0), &cursor, &seen);)
            found |= seen.word == held.word && seen.slot == held.slot;
        if (!found)
            return false;
        words_held++;
    }
    return words_held == swgi_permits_held(map_of(0), words_of(0)) &&
           set->limit == swgi_permits_limit_now(words_of(0));
}

static const struct specification specification = {
    .apply = apply, .step = step, .variants = 1, .steps = CALLERS_MAX, .is_final = is_final
};

/* ---- told FULL though one was to be had
 *
 * A permit that is free all through a call, by an operation that had ended before, was to be had. Not
 * looked for where runs change over, for a permit may be free in one and not copied to the other yet. */

static uint32_t free_before, free_all_along[OPERATIONS_MAX]; /* bits */
static int freed_by[PERMITS];                                /* operation; -1: from the beginning */
static int present[CALLERS_MAX];                             /* operation of a caller */

static uint32_t free_now(void) {
    const struct swgi_bulkhead_words *words = words_of(0);
    uint64_t limit = atomic_load_explicit(&words->limit, memory_order_relaxed);
    uint64_t run = atomic_load_explicit(&words->run, memory_order_relaxed);
    const swgi_word *permits = swgi_permit_run(map_of(0), run).permits;
    uint32_t free = 0;
    for (uint32_t i = 0; i < PERMITS && i < swgi_limit_of(limit); i++)
        if (atomic_load_explicit(&permits[i], memory_order_relaxed) == 0)
            free |= UINT32_C(1) << i;
    return swgi_limit_high(limit) == 0 ? free : 0;
}

static void follow_free(struct world *world) {
    uint32_t free = free_now();
    for (unsigned i = 0; i < PERMITS; i++)
        if ((free & ~free_before) >> i & 1)
            freed_by[i] = present[running];
    for (unsigned i = 0; i < world->count; i++)
        free_all_along[i] &= free;
    free_before = free;
}

static void begin_operation(struct world *world, unsigned index) {
    follow_free(world);
    present[world->operations[index].caller] = (int)index;
    free_all_along[index] = free_before;
    for (unsigned i = 0; i < PERMITS; i++)
        if (freed_by[i] >= 0 && !world->operations[freed_by[i]].ended)
            free_all_along[index] &= ~(UINT32_C(1) << i);
}

static void end_operation(struct world *world, unsigned index) {
    const struct operation *o = &world->operations[index];
    follow_free(world);
    if (!queues && !moves && o->kind == TAKE && o->rc == SWG_FULL && free_all_along[index] != 0)
        world_wrong(world, "operation %u was told FULL, and permits %x were free", index,
                    free_all_along[index]);
}

/* ---- all at once */

/* By turns the way calls take, and the way they take when that is barred. */
static int take(unsigned caller, bool fast, int priority, struct swgi_held *held) {
    struct swgi_map *map = map_of(caller);
    int64_t now = world_clock(here);
    return fast ? swgi_bulkhead_take(map, words_of(caller), priority, now, held)
                : swgi_bulkhead_take_slowly(map, words_of(caller), priority, now, held);
}

static int give(unsigned caller, bool fast, struct swgi_held held) {
    return fast ? swgi_bulkhead_release(map_of(caller), words_of(caller), held)
                : swgi_bulkhead_release_slowly(map_of(caller), words_of(caller), held);
}

static int take_or_wait(unsigned caller, bool fast, int priority, struct swgi_held *held) {
    struct swgi_waiter waiter;
    int rc = take(caller, fast, priority, held);
    if (rc != SWG_FULL)
        return rc;
    rc =
        swgi_bulkhead_enqueue(map_of(caller), words_of(caller), priority, INT64_MAX, &waiter, held);
    for (unsigned i = 0; rc == SWG_QUEUED && i < POLLS_MAX; i++)
        rc = swgi_bulkhead_wait(map_of(caller), words_of(caller), &waiter, SLICE, held);
    if (rc == SWG_QUEUED) {
        world_wrong(here, "caller %u waited in vain", caller);
        swgi_bulkhead_leave(map_of(caller), words_of(caller), &waiter);
    }
    return rc;
}

static void perform_take(struct operation *o, unsigned index) {
    struct swgi_held held;
    int priority = (int)o->argument;
    o->rc = queues ? take_or_wait(o->caller, o->duration, priority, &held)
                   : take(o->caller, o->duration, priority, &held);
    if (o->rc != SWG_GO)
        return;
    got[index] = held;
    out[index] = true;
    here->of[o->caller].granted_by[o->permit] = (int)index;
}

static void perform_give(struct operation *o) {
    if (here->of[o->caller].granted_by[o->permit] < 0)
        return;
    o->granted_by = here->of[o->caller].granted_by[o->permit];
    out[o->granted_by] = false;
    o->rc = give(o->caller, o->duration, got[o->granted_by]);
}

static void perform(struct operation *o, unsigned index) {
    struct swgi_map *map = map_of(o->caller);
    struct swgi_bulkhead_words *words = words_of(o->caller);
    if (o->kind == TAKE)
        perform_take(o, index);
    else if (o->kind == GIVE || o->kind == COPY)
        perform_give(o);
    else if (o->kind == LIMIT)
        swgi_bulkhead_limit(map, words, (uint32_t)o->argument);
    else if (o->kind == CHANGE_OVER)
        o->rc = swgi_permits_move(map, words, swgi_run(SECOND_RUN, 2 * LONGER));
    else
        swgi_bulkhead_liveness(map, words, world_clock(here));
}

static void run(void *context, unsigned caller) {
    struct world *world = context;
    for (unsigned i = 0; i < world->count; i++) {
        struct operation *operation = &world->operations[i];
        if (operation->caller != caller)
            continue;
        operation->begun = true;
        operation->from = scheduler_now();
        begin_operation(world, i);
        perform(operation, i);
        end_operation(world, i);
        operation->to = scheduler_now();
        operation->ended = true;
    }
    callers[caller].done = true;
}

static void enter(void *context, unsigned caller) {
    (void)context;
    running = caller;
    swgi_permit_thread = callers[caller].thread;
}

static void leave(void *context, unsigned caller) {
    (void)context;
    callers[caller].thread = swgi_permit_thread;
}

static void killed(void *context, unsigned caller) {
    struct world *world = context;
    struct flock all = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
    follow_free(world);
    world->kills++;
    world->of[caller].dead = true;
    if (fcntl(world->of[caller].panel->lock_fd, F_OFD_SETLK, &all) != 0)
        world_wrong(world, "a lock could not be given up");
}

static bool lies_in(const volatile void *word, const void *start, size_t bytes) {
    return (uintptr_t)word - (uintptr_t)start < bytes;
}

static bool dull(void *context, const volatile void *word) {
    (void)context;
    for (unsigned i = 0; i < CALLERS_MAX; i++)
        if (lies_in(word, words_of(i), sizeof(*words_of(i))) ||
            lies_in(word, map_of(i)->slots, SLOTS_USED * sizeof(swgi_word)))
            return false;
    return true;
}

/* While the limit stands, never more than it are out. Time goes on, but for those who sleep. */
static void look(void *context) {
    struct world *world = context;
    swgi_word *clock = &world->map->header->virtual_clock;
    uint32_t held = 0;
    follow_free(world);
    if (!queues && scheduler_draw(12) == 0)
        atomic_fetch_add_explicit(clock, 200000 + scheduler_draw(1200000), memory_order_relaxed);
    for (unsigned i = 0; i < world->count; i++)
        held += out[i] && !world->of[world->operations[i].caller].dead;
    if (held > most)
        world_wrong(world, "%u permits are out", held);
}

/* ---- sleep: until the word changes, or nobody else can go on */

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

static bool can_go_on(unsigned caller) {
    const struct caller *other = &callers[caller];
    if (here->of[caller].dead || other->done)
        return false;
    return other->asleep == NULL ||
           atomic_load_explicit(other->asleep, memory_order_relaxed) != other->asleep_on;
}

static bool others_can_go_on(unsigned caller) {
    bool others = false;
    for (unsigned i = 0; i < here->callers; i++)
        others |= i != caller && can_go_on(i);
    return others;
}

/* Not told in time. Those who could go on and were not let are as good as stopped. */
static void time_is_up(bool all_sleep) {
    uint32_t lowest;
    swgi_word *clock = &here->map->header->virtual_clock;
    if (all_sleep && here->kills == 0 && swgi_permits_open(here->map, words_of(0), 0, &lowest) != 0)
        world_wrong(here, "all who wait sleep, and permit %u is free", lowest);
    atomic_fetch_add_explicit(clock, (uint64_t)SLICE, memory_order_relaxed);
}

static void sleep_on(const _Atomic uint32_t *word, uint32_t value) {
    unsigned self = running;
    callers[self].asleep_on = value;
    callers[self].asleep = word;
    for (unsigned i = 0; i < PATIENCE && others_can_go_on(self) && !can_go_on(self); i++)
        nanosleep(&(struct timespec){ 0 }, NULL);
    if (!can_go_on(self))
        time_is_up(!others_can_go_on(self));
    callers[self].asleep = NULL;
}

long __wrap_syscall(long number, ...) {
    va_list list;
    long arguments[6];
    va_start(list, number);
    for (unsigned i = 0; i < 6; i++)
        arguments[i] = va_arg(list, long);
    va_end(list);
    if (number != SYS_futex || here == NULL)
        return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
                              arguments[4], arguments[5]);
    if ((int)arguments[1] == FUTEX_WAIT)
        sleep_on((const _Atomic uint32_t *)arguments[0], (uint32_t)arguments[2]);
    return 0;
}

/* ---- a run, and what is left of it */

static void give_back_of_the_dead(const struct world *world) {
    for (unsigned i = 0; i < world->callers; i++) {
        unsigned owner = swgi_map_identity(map_of(i)).owner;
        if (world->of[i].dead)
            swgi_bulkheads_reap(map_of(0), owner, NULL);
    }
}

static bool check(struct world *world) {
    const struct scheduler_hooks hooks = { .run = run,
                                           .enter = enter,
                                           .leave = leave,
                                           .killed = killed,
                                           .dull = dull,
                                           .look = look,
                                           .accesses = scripted * 14 };
    here = world;
    struct swgi_bulkhead_words *words = words_of(0);
    union state first = { .set = { .limit = swgi_permits_limit_now(words) } };
    memset(callers, 0, sizeof(callers));
    memset(out, 0, sizeof(out));
    memset(freed_by, 0xff, sizeof(freed_by));
    free_before = free_now();
    for (unsigned i = 0; i < CALLERS_MAX; i++)
        memset(world->of[i].granted_by, 0xff, sizeof(world->of[i].granted_by));
    memcpy(world->operations, script_of, sizeof(script_of));
    world->count = scripted;
    scheduler_run(&hooks, world, world->callers, seed, (unsigned)(seed >> 8) % 4 % 3);
    here = NULL;
    if (world->wrong[0] != '\0')
        return false;
    here = world;
    give_back_of_the_dead(world);
    bool empty = swgi_waiters_count(map_of(0), words) == 0;
    bool right = empty || world_wrong(world, "somebody is left in the queue");
    right = right && (queues || linear_check(world, &specification, &first.model));
    here = NULL;
    return right && (!queues || swgi_permits_held(world->map, words) == 0 ||
                     world_wrong(world, "a permit is left"));
}

static void keep(struct world *world, struct swgi_random *random) {
    memcpy(script_of, world->operations, sizeof(script_of));
    scripted = world->count;
    seed = swgi_random_next(random);
    world->count = 0;
}

static bool sinks; /* the limit changes before nearly each permit */

static void script_permits(struct world *world, struct swgi_random *random) {
    queues = false;
    world->callers = 2 + (unsigned)swgi_random_below(random, 2);
    for (unsigned i = 0; i < world->callers; i++)
        for (unsigned n = 0; n < 9 / world->callers && world->count + 4 < OPERATIONS_MAX; n++) {
            unsigned permit = (unsigned)swgi_random_below(random, 3);
            int64_t fast = chance(random, 2);
            if (i == 0 && chance(random, 4))
                world_add(world, i, CHANGE_OVER, 0, 0);
            else if (!moves && chance(random, sinks ? 1 : 5))
                world_add(world, i, LIMIT, 0, 1 + (int64_t)swgi_random_below(random, PERMITS));
            else if (chance(random, 8))
                world_add(world, i, REAP, 0, 0);
            world_add(world, i, TAKE, permit, 0)->duration = fast;
            if (chance(random, 4))
                continue;
            world_add(world, i, GIVE, permit, 0)->duration = chance(random, 2);
            if (chance(random, 4))
                world_add(world, i, COPY, permit, 0)->duration = fast;
        }
    keep(world, random);
}

static void script_waiters(struct world *world, struct swgi_random *random) {
    queues = true;
    world->callers = 2 + (unsigned)swgi_random_below(random, 2);
    for (unsigned i = 0; i < world->callers; i++)
        for (unsigned n = 0; n < 3; n++) {
            if (chance(random, 6))
                world_add(world, i, LIMIT, 0, 1 + (int64_t)swgi_random_below(random, 2));
            int64_t priority = (int64_t)swgi_random_below(random, 3) - 1;
            world_add(world, i, TAKE, n, priority)->duration = chance(random, 2);
            world_add(world, i, GIVE, n, 0)->duration = chance(random, 2);
        }
    keep(world, random);
}

static void prepare_with(struct world *world, uint32_t limit, uint32_t places) {
    static const struct swgi_bulkhead_settings settings = { .when_busy = SWGI_BUSY_WAIT,
                                                            .ageing_ns = 1000 };
    struct swgi_bulkhead_words *words = &world->map->policies[0].bulkhead;
    swgi_store(&world->map->policy_owners[0], 1);
    swgi_permits_move(world->map, words, swgi_run(FIRST_RUN, 2 * PERMITS));
    swgi_waiters_move(world->map, words, swgi_run(QUEUE_RUN, places * SWGI_PLACE_WORDS));
    swgi_bulkhead_install(world->map, words, &settings, limit);
    most = PERMITS;
}

static void prepare_limits(struct world *world) {
    moves = sinks = false;
    prepare_with(world, 2, PLACES);
}

static void prepare_sinking(struct world *world) {
    moves = false;
    sinks = true;
    prepare_with(world, PERMITS, PLACES);
}

static void prepare_moves(struct world *world) {
    moves = true;
    prepare_with(world, PERMITS, PLACES);
}

static void prepare_waiters(struct world *world) {
    moves = false;
    prepare_with(world, 1, PLACES);
    most = 2;
}

/* One place for two: the more urgent takes it over. */
static void prepare_narrow(struct world *world) {
    moves = false;
    prepare_with(world, 1, 1);
    most = 2;
}

static const char *const no_settings[] = { NULL };

static const struct story limits = { "permits", no_settings, prepare_limits, script_permits,
                                     check };
static const struct story sinking = { "permits-sinking", no_settings, prepare_sinking,
                                      script_permits, check };
static const struct story moved = { "permits-moved", no_settings, prepare_moves, script_permits,
                                    check };
static const struct story waiters = { "waiters", no_settings, prepare_waiters, script_waiters,
                                      check };
static const struct story narrow = { "waiters-displaced", no_settings, prepare_narrow,
                                     script_waiters, check };

const struct story *const stories_bulkhead[] = {
    &limits, &sinking, &moved, &waiters, &narrow, NULL
};
