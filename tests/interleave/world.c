/* The panel, its restoring before each run, and what a caller's operations are in the public interface. */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUIRE(what)                                                  \
    do {                                                               \
        if (!(what)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
            abort();                                                   \
        }                                                              \
    } while (0)

static const char *const names[] = { "a", "b", "c", "d", "e", "f" };

static char path[64];

static struct swg_panel *open_panel(void) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_panel *panel = NULL;
    options.path = path;
    options.circuits_max = 3;
    options.columns_max = 8;
    options.histograms_max = SWG_GEOMETRY_NONE;
    options.slots_max = 192;
    options.events_max = 64;
    options.virtual_clock = 1;
    options.beyond = SWG_BEYOND_ERROR;
    if (swg_panel_open(&panel, &options, &error) != 0)
        fprintf(stderr, "%s\n", error.text);
    REQUIRE(panel != NULL);
    return panel;
}

static struct swg_config *config_of(const char *const *settings) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_config *config;
    REQUIRE(swg_config_new(&config) == 0);
    REQUIRE(swg_config_set(config, "breaker.histogram", "no", &error) == 0);
    for (; settings[0] != NULL; settings += 2)
        if (swg_config_set(config, settings[0], settings[1], &error) != 0)
            fprintf(stderr, "%s\n", error.text), abort();
    return config;
}

static void open_callers(struct world *world, const struct swg_config *config) {
    for (unsigned i = 0; i < CALLERS_MAX; i++) {
        struct caller_state *caller = &world->of[i];
        caller->panel = open_panel();
        REQUIRE(swg_circuit_get(caller->panel, names[0], config, &caller->circuit, NULL) == 0);
        REQUIRE(swgi_thread_enter(caller->panel->map) == 0);
        caller->thread = swgi_thread;
    }
}

void world_begin(struct world *world, const char *const *settings) {
    *world = (struct world){ .callers = CALLERS_MAX };
    snprintf(path, sizeof(path), "/dev/shm/switchgear-interleave-%ld", (long)getpid());
    struct swg_config *config = config_of(settings);
    world->configs[0] = config;
    open_callers(world, config);
    world->map = world->of[0].panel->map;
    world->cell = world->of[0].circuit->binding->cell;
    world->image_size = world->map->geometry.size;
    world->image = malloc(world->image_size);
    REQUIRE(world->image != NULL);
    REQUIRE(swg_panel_advance(world->of[0].panel, 1000 * SECOND) == 0);
}

void world_end(struct world *world) {
    char file[96];
    for (unsigned i = 0; i < CALLERS_MAX; i++)
        swg_panel_unref(world->of[i].panel);
    for (unsigned i = 0; i < 4; i++)
        swg_config_unref(world->configs[i]);
    free(world->image);
    snprintf(file, sizeof(file), "%s.v1.panel", path);
    unlink(file);
    snprintf(file, sizeof(file), "%s.v1.lock", path);
    unlink(file);
}

static unsigned char *bytes_of(const struct world *world) {
    return (unsigned char *)world->map->header;
}

void world_keep(struct world *world) {
    memcpy(world->image, bytes_of(world), world->image_size);
}

static int lock(const struct caller_state *caller, short type, off_t from, off_t length) {
    struct flock bytes = { .l_type = type, .l_whence = SEEK_SET, .l_start = from, .l_len = length };
    return fcntl(caller->panel->lock_fd, F_OFD_SETLK, &bytes);
}

/* Bindings of the run before would be taken for good: the cells' lives go back in time. */
static void forget_bindings(struct swg_panel *panel) {
    for (unsigned i = 0; i < SWGI_HANDLE_BUCKETS; i++)
        for (struct swg_circuit *c = panel->handles[i]; c != NULL; c = c->next) {
            struct swgi_binding *binding = c->binding;
            while (binding != NULL) {
                struct swgi_binding *older = binding->older;
                free(binding);
                binding = older;
            }
            c->binding = NULL;
        }
}

static void revive(struct caller_state *caller) {
    if (caller->dead)
        REQUIRE(lock(caller, F_WRLCK, 4096 + caller->panel->slot, 1) == 0);
    caller->dead = false;
    caller->panel->map->claim_hint = 0;
    caller->panel->map->look_stamp = 0;
    memset(caller->permits, 0, sizeof(caller->permits));
    memset(caller->panel->map->registry_mutex, 0, sizeof(pthread_mutex_t));
    caller->doing = -1;
}

void world_restore(struct world *world) {
    memcpy(bytes_of(world), world->image, world->image_size);
    for (unsigned i = 0; i < CALLERS_MAX; i++)
        revive(&world->of[i]);
    for (unsigned i = 0; i < CALLERS_MAX && world->registry_moves; i++) {
        struct caller_state *caller = &world->of[i];
        forget_bindings(caller->panel);
        REQUIRE(swg_circuit_find(caller->panel, names[0], &caller->circuit) == 0);
    }
    memset(world->probe_seen, 0, sizeof(world->probe_seen));
    world->count = 0;
    world->kills = world->transitions = 0;
    world->wrong[0] = '\0';
    world->ctl = world->cell->ctl;
}

struct operation *world_add(struct world *world, unsigned caller, enum operation_kind kind,
                            unsigned permit, int64_t argument) {
    REQUIRE(world->count < OPERATIONS_MAX && permit < PERMITS_MAX);
    struct operation *operation = &world->operations[world->count++];
    *operation = (struct operation){ .caller = caller,
                                     .kind = kind,
                                     .permit = permit,
                                     .argument = argument,
                                     .granted_by = -1,
                                     .to = UINT64_MAX };
    return operation;
}

int64_t world_clock(const struct world *world) {
    return (int64_t)atomic_load_explicit(&world->map->header->virtual_clock, memory_order_relaxed);
}

const struct swgi_cell *world_image_cell(const struct world *world) {
    return (const void *)(world->image + ((unsigned char *)world->cell - bytes_of(world)));
}

void world_turn(struct world *world, struct swgi_turn *turn) {
    swgi_turn_begin(turn, world->map, (uint32_t)(world->cell - world->map->cells),
                    world_clock(world));
}

bool world_wrong(struct world *world, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (world->wrong[0] == '\0')
        vsnprintf(world->wrong, sizeof(world->wrong), format, arguments);
    va_end(arguments);
    return false;
}

/* ---- a caller at work */

static struct swgi_ticket ticket_of(const struct swg_permit *permit) {
    uint64_t word = permit->opaque[1];
    return (struct swgi_ticket){ .generation = word & SWGI_MASK(SWGI_GENERATION_BITS),
                                 .probe = permit->opaque[3],
                                 .slot = (unsigned)(word >> 22 & 15),
                                 .has_probe = word >> 21 & 1,
                                 .judged = !(word >> 20 & 1) };
}

/* A probe that was granted must have stood in its slot while the breaker was in that generation's HALF_OPEN. */
static void check_grant(struct world *world, const struct operation *operation) {
    const struct swgi_ticket *ticket = &operation->ticket;
    if (!world->unwatched && ticket->has_probe &&
        world->probe_seen[ticket->slot][operation->caller] != ticket->probe)
        world_wrong(world, "caller %u was granted probe %u when its HALF_OPEN was over",
                    operation->caller, ticket->slot);
}

static void acquire(struct world *world, struct operation *operation) {
    struct caller_state *caller = &world->of[operation->caller];
    struct swg_permit *permit = &caller->permits[operation->permit];
    operation->rc = swg_acquire(caller->circuit, NULL, permit);
    if (operation->rc != SWG_GO)
        return;
    operation->ticket = ticket_of(permit);
    caller->granted_by[operation->permit] = (int)(operation - world->operations);
    check_grant(world, operation);
}

static void end_permit(struct world *world, struct operation *operation) {
    struct caller_state *caller = &world->of[operation->caller];
    struct swg_permit *permit = &caller->permits[operation->permit];
    if (permit->opaque[0] == 0)
        return;
    operation->granted_by = caller->granted_by[operation->permit];
    operation->ticket = ticket_of(permit);
    if (operation->kind == CANCEL)
        swg_cancel(permit);
    else
        operation->rc = swg_record_at(permit, (int)operation->argument, NULL, world_clock(world),
                                      operation->duration);
}

static void find(struct world *world, struct operation *operation) {
    struct caller_state *caller = &world->of[operation->caller];
    const char *name = names[operation->argument];
    struct swg_circuit *circuit = NULL;
    operation->rc = operation->kind == FIND
                        ? swg_circuit_find(caller->panel, name, &circuit)
                        : swg_circuit_get(caller->panel, name, world->configs[0], &circuit, NULL);
    if (operation->rc != 0)
        return;
    const struct swgi_binding *binding = atomic_load(&circuit->binding);
    operation->index = binding->index;
    operation->life = binding->life;
}

static void perform(struct world *world, struct operation *operation) {
    struct caller_state *caller = &world->of[operation->caller];
    struct swg_act act = SWG_ACT_INIT;
    act.user = "hand";
    act.force = 1;
    switch (operation->kind) {
    case ACQUIRE:
        acquire(world, operation);
        break;
    case RECORD:
    case CANCEL:
        end_permit(world, operation);
        break;
    case ADVANCE:
        operation->rc = swg_panel_advance(caller->panel, operation->argument);
        break;
    case TRIP:
        act.for_ns = operation->argument;
        operation->rc = swg_circuit_trip(caller->circuit, &act, NULL);
        break;
    case RESET:
        operation->rc = swg_circuit_reset(caller->circuit, &act, NULL);
        break;
    case MODE:
        operation->rc = swg_circuit_mode(caller->circuit, (int)operation->argument, &act, NULL);
        break;
    case CONFIGURE:
        operation->rc =
            swg_circuit_configure(caller->circuit, world->configs[operation->argument], NULL);
        break;
    default:
        find(world, operation);
    }
}

static void run_caller(void *context, unsigned caller) {
    struct world *world = context;
    for (unsigned i = 0; i < world->count; i++) {
        struct operation *operation = &world->operations[i];
        if (operation->caller != caller)
            continue;
        world->of[caller].doing = (int)i;
        operation->begun = true;
        operation->from = scheduler_now();
        operation->clock_from = world_clock(world);
        perform(world, operation);
        operation->clock_to = world_clock(world);
        operation->to = scheduler_now();
        operation->ended = true;
    }
    world->of[caller].doing = -1;
}

static void enter(void *context, unsigned caller) {
    struct world *world = context;
    swgi_thread = world->of[caller].thread;
}

static void leave(void *context, unsigned caller) {
    struct world *world = context;
    world->of[caller].thread = swgi_thread;
}

/* What the kernel does for the killed: every lock of theirs is free. */
static void killed(void *context, unsigned caller) {
    struct world *world = context;
    world->kills++;
    world->of[caller].dead = true;
    REQUIRE(lock(&world->of[caller], F_UNLCK, 0, 0) == 0);
}

static bool lies_in(const volatile void *word, const void *start, size_t bytes) {
    return (uintptr_t)word - (uintptr_t)start < bytes;
}

/* Settings and texts are many words whose order is proved elsewhere; coming between them would crowd out everything else. */
static bool dull(void *context, const volatile void *word) {
    const struct world *world = context;
    for (unsigned i = 0; i < world->callers; i++) {
        struct swgi_map *map = world->of[i].panel->map;
        if (!lies_in(word, map->header, world->image_size))
            continue;
        const struct swgi_cell *cell = &map->cells[world->cell - world->map->cells];
        return lies_in(word, map->rings[0], (size_t)map->geometry.events * 1024) ||
               (lies_in(word, cell->settings, sizeof(cell->settings)) && !world->modes_change) ||
               lies_in(word, cell->name, sizeof(cell->name)) ||
               lies_in(word, &cell->evidence, sizeof(cell->evidence)) ||
               lies_in(word, &cell->mode_act, sizeof(cell->mode_act));
    }
    return true;
}

/* ---- the watch: after every access, is what changed allowed to? */

static bool same_generation_legal(uint64_t before, uint64_t after) {
    unsigned state = swgi_ctl_state(before);
    if (swgi_ctl_state(after) != state || swgi_ctl_mode(after) != swgi_ctl_mode(before))
        return false;
    if (swgi_ctl_forced(before))
        return false;
    if (state == SWGI_OPEN || state == SWGI_HALF)
        return swgi_ctl_rule(before) == swgi_ctl_rule(after) &&
               swgi_ctl_deadline(after) > swgi_ctl_deadline(before);
    return state != SWGI_RAMP || swgi_ctl_step(after) >= swgi_ctl_step(before);
}

static bool change_legal(const struct world *world, uint64_t before, uint64_t after) {
    uint64_t generation = swgi_ctl_generation(before);
    if (swgi_ctl_generation(after) == generation)
        return same_generation_legal(before, after);
    if (swgi_ctl_generation(after) != swgi_generation_next(generation))
        return false;
    if (swgi_ctl_mode(after) != swgi_ctl_mode(before) ||
        swgi_ctl_state(after) == swgi_ctl_state(before))
        return world->modes_change || (world->hands_act && swgi_ctl_state(after) != SWGI_HALF);
    unsigned from = swgi_ctl_state(before), to = swgi_ctl_state(after);
    return swgi_transition_legal(from, to, false) ||
           (world->hands_act && swgi_transition_legal(from, to, true));
}

static void watch_probes(struct world *world, uint64_t ctl) {
    if (swgi_ctl_state(ctl) != SWGI_HALF || swgi_ctl_forced(ctl))
        return;
    for (unsigned slot = 0; slot < 4; slot++) {
        uint64_t probe = atomic_load_explicit(&world->cell->probes[slot], memory_order_relaxed);
        if (swgi_probe_state(probe) != SWGI_PROBE_HELD ||
            swgi_probe_generation(probe) != swgi_ctl_generation(ctl))
            continue;
        for (unsigned i = 0; i < world->callers; i++)
            if (world->of[i].panel->slot + 1 == (int)swgi_probe_owner(probe))
                world->probe_seen[slot][i] = probe;
    }
}

static void trace(struct world *world) {
    static uint64_t ctl, window;
    if (ctl == world->cell->ctl && window == world->cell->window)
        return;
    ctl = world->cell->ctl;
    window = world->cell->window;
    printf("  at %lu: ctl %016lx window %016lx\n", scheduler_now(), ctl, window);
}

static void look(void *context) {
    struct world *world = context;
    if (world->show)
        trace(world);
    uint64_t ctl = atomic_load_explicit(&world->cell->ctl, memory_order_relaxed);
    if (ctl != world->ctl && !world->registry_moves) {
        if (!world->unwatched && !change_legal(world, world->ctl, ctl))
            world_wrong(world, "ctl went from %016lx to %016lx", world->ctl, ctl);
        world->transitions += swgi_ctl_generation(ctl) != swgi_ctl_generation(world->ctl);
    }
    world->ctl = ctl;
    watch_probes(world, ctl);
}

static uint64_t accesses;

uint64_t world_accesses(void) {
    return accesses;
}

void world_run(struct world *world, uint64_t seed, unsigned kills) {
    const struct scheduler_hooks hooks = { .run = run_caller,
                                           .enter = enter,
                                           .leave = leave,
                                           .killed = killed,
                                           .dull = dull,
                                           .look = look,
                                           .accesses = world->count * 25 };
    for (unsigned i = 0; i < world->callers; i++)
        swgi_random_init(&world->of[i].thread.lot, seed + i);
    scheduler_run(&hooks, world, world->callers, seed, kills);
    look(world);
    accesses += scheduler_now();
}

/* ---- afterwards */

bool world_counts_add_up(struct world *world) {
    uint32_t index = (uint32_t)(world->cell - world->map->cells);
    uint64_t calls = swgi_column_sum(world->map, index, SWGI_COUNTER(calls));
    uint64_t ended = world->cell->failures + world->cell->timeouts;
    for (unsigned i = SWGI_COUNTER(successes); i <= SWGI_COUNTER(late); i++)
        ended += swgi_column_sum(world->map, index, i);
    uint64_t open = 0;
    for (unsigned i = 0; i < world->callers; i++)
        for (unsigned j = 0; j < PERMITS_MAX; j++)
            open += !world->of[i].dead && world->of[i].permits[j].opaque[0] != 0;
    /* A killed caller leaves permits in flight, and what it was about to count. */
    bool right = world->kills == 0 ? calls == ended + open
                                   : ended <= calls + world->kills && calls + world->kills >= open;
    return right || world_wrong(world, "%lu calls, %lu ended, %lu in flight", calls, ended, open);
}

bool world_since_is_of_now(struct world *world) {
    uint64_t generation = swgi_ctl_generation(world->cell->ctl);
    return world->kills != 0 || world->transitions == 0 ||
           swgi_since_generation(world->cell->since) == generation ||
           world_wrong(world, "nobody noted the time of generation %lu", generation);
}

static const char *const kinds[] = { "acquire", "record", "cancel",    "advance", "trip",
                                     "reset",   "mode",   "configure", "get",     "find" };

void world_print(const struct world *world) {
    for (unsigned i = 0; i < world->count; i++) {
        const struct operation *o = &world->operations[i];
        printf("  %2u caller %u %-9s permit %u, %ld: %6ld..%-6ld rc %d generation %lu", i,
               o->caller, kinds[o->kind], o->permit, (long)o->argument,
               o->begun ? (long)o->from : -1, (long)o->to, o->rc, o->ticket.generation);
        if (o->ticket.has_probe)
            printf(" probe %u of %lx", o->ticket.slot, o->ticket.probe);
        if (o->duration != 0)
            printf(" took %ld", (long)o->duration);
        puts(o->ended ? "" : o->begun ? " killed" : " never");
    }
    printf("  ctl %016lx window %016lx kills %lu\n", (uint64_t)world->cell->ctl,
           (uint64_t)world->cell->window, world->kills);
}
