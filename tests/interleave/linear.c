/* Depth first over {operations done, state}; what was visited is not visited again. */
#include "linear.h"

#include <string.h>

#include "base/random.h"

#define SEEN 65536u

struct node {
    uint32_t done, search;
    struct model state;
};

static struct node seen[SEEN];
static uint32_t search, visited;
static uint64_t given_up;

static bool is_new(uint32_t done, const struct model *state) {
    uint64_t hash = done;
    for (unsigned i = 0; i < MODEL_WORDS; i++)
        hash = swgi_random_mix(hash ^ state->words[i]);
    for (unsigned i = 0; i < SEEN; i++) {
        struct node *node = &seen[(hash + i) % SEEN];
        if (node->search != search) {
            *node = (struct node){ .done = done, .search = search, .state = *state };
            visited++;
            return true;
        }
        if (node->done == done && memcmp(&node->state, state, sizeof(*state)) == 0)
            return false;
    }
    return false;
}

/* Operations that can be next: begun before anything still missing had ended. */
static uint32_t candidates(const struct world *world, uint32_t done) {
    uint64_t first_end = UINT64_MAX;
    uint32_t able = 0;
    for (unsigned i = 0; i < world->count; i++)
        if (!(done >> i & 1) && world->operations[i].ended && world->operations[i].to < first_end)
            first_end = world->operations[i].to;
    for (unsigned i = 0; i < world->count; i++)
        if (!(done >> i & 1) && world->operations[i].begun &&
            world->operations[i].from <= first_end)
            able |= 1u << i;
    return able;
}

static uint32_t must_be_done(const struct world *world) {
    uint32_t all = 0;
    for (unsigned i = 0; i < world->count; i++)
        all |= (uint32_t)world->operations[i].ended << i;
    return all;
}

static bool explore(const struct world *world, const struct specification *spec, uint32_t done,
                    const struct model *state) {
    uint32_t wanted = must_be_done(world), able = candidates(world, done);
    if (visited > SEEN / 2)
        return true; /* too many to try; a smaller run will tell */
    if (!is_new(done, state))
        return false;
    if ((done & wanted) == wanted && spec->is_final(world, state))
        return true;
    for (unsigned i = 0; i < world->count; i++)
        for (unsigned variant = 0; (able >> i & 1) && variant < spec->variants; variant++) {
            struct model next = *state;
            if (spec->apply(world, &next, i, variant) &&
                explore(world, spec, done | 1u << i, &next))
                return true;
        }
    for (unsigned i = 0; i < spec->steps; i++) {
        struct model next = *state;
        if (spec->step(world, &next, i, able) && explore(world, spec, done, &next))
            return true;
    }
    return false;
}

bool linear_check(struct world *world, const struct specification *spec,
                  const struct model *begin) {
    search++;
    visited = 0;
    bool found = explore(world, spec, 0, begin);
    given_up += visited > SEEN / 2;
    return found || world_wrong(world, "no order of the operations explains how it ended");
}

uint64_t linear_given_up(void) {
    return given_up;
}
