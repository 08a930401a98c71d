/* The scheduler at work on words that are nobody's panel. */
#include "words.h"

#include <string.h>

static const struct own_words *words;
static struct operation script[OPERATIONS_MAX];
static unsigned scripted;
static uint64_t seed;

static void run(void *context, unsigned caller) {
    struct world *world = context;
    for (unsigned i = 0; i < world->count; i++) {
        struct operation *operation = &world->operations[i];
        if (operation->caller != caller)
            continue;
        operation->begun = true;
        operation->from = scheduler_now();
        words->perform(world, i);
        operation->to = scheduler_now();
        operation->ended = true;
    }
}

static void pass_on(void *context, unsigned caller) {
    (void)context, (void)caller;
}

static void killed(void *context, unsigned caller) {
    struct world *world = context;
    (void)caller;
    world->kills++;
}

static bool dull(void *context, const volatile void *word) {
    (void)context;
    return (uintptr_t)word - (uintptr_t)words->here >= words->size;
}

static void look(void *context) {
    (void)context;
}

void own_words_script(struct world *world, struct swgi_random *random) {
    memcpy(script, world->operations, sizeof(script));
    scripted = world->count;
    seed = swgi_random_next(random);
    world->count = 0;
}

bool own_words_check(struct world *world, const struct own_words *of,
                     const struct specification *specification, const struct model *first) {
    const struct scheduler_hooks hooks = { .run = run,
                                           .enter = pass_on,
                                           .leave = pass_on,
                                           .killed = killed,
                                           .dull = dull,
                                           .look = look,
                                           .accesses = (uint64_t)scripted * of->accesses };
    words = of;
    memcpy(of->here, of->begin, of->size);
    memcpy(world->operations, script, sizeof(script));
    world->count = scripted;
    scheduler_run(&hooks, world, world->callers, seed, (unsigned)(seed >> 8) % 4 % 3);
    return linear_check(world, specification, first);
}
