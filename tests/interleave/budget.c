/* The retry budget, features and costs against sequential ones, whoever comes between whom and is killed where. */
#include "words.h"

#include <string.h>

#include "engine/budget.h"
#include "engine/cost.h"
#include "engine/features.h"

#define NOW   (100 * SECOND)
#define RETRY INT64_C(1000000) /* what one costs, in the model's units */

/* ---- the budget: an operation asks with a number of calls, and with one of two sets of rates */

static const struct swgi_retry_settings rates[] = {
    { .budget_ppm = 500000, .budget_max = 2 },
    { .budget_ppm = 250000, .budget_max = 1 },
};

struct bucket {
    int64_t used, of, mark; /* of: which rates it was filled by */
};

union bucket_state {
    struct model model;
    struct bucket bucket;
};

static struct swgi_budget_words full, budget;

static int64_t earned(uint64_t of, int64_t calls) {
    return calls * (int64_t)rates[of].budget_ppm;
}

static int64_t left_in(const struct bucket *bucket, uint64_t of, int64_t calls) {
    int64_t most = (int64_t)rates[of].budget_max * RETRY, left = earned(of, calls) - bucket->mark;
    if (!bucket->used)
        return most;
    if (bucket->of != (int64_t)of || left < 0)
        return 0;
    return left < most ? left : most;
}

static bool take(struct bucket *bucket, uint64_t of, int64_t calls) {
    int64_t left = left_in(bucket, of, calls);
    bool foreign = bucket->used && bucket->of != (int64_t)of;
    if (left < RETRY && !foreign)
        return false;
    *bucket = (struct bucket){ 1, (int64_t)of, earned(of, calls) - (foreign ? 0 : left - RETRY) };
    return !foreign;
}

static bool apply_take(const struct world *world, struct model *model, unsigned operation,
                       unsigned variant) {
    const struct operation *o = &world->operations[operation];
    bool taken = take(&((union bucket_state *)model)->bucket, o->permit, o->argument);
    (void)variant;
    return !o->ended || o->rc == taken;
}

static bool as_much_is_left(const struct world *world, const struct model *model) {
    const struct bucket *bucket = &((const union bucket_state *)model)->bucket;
    (void)world;
    for (unsigned i = 0; i < 2 * 40; i++) {
        double left = swgi_budget_left(&budget, &rates[i % 2], i / 2, NOW);
        if (left != (double)left_in(bucket, i % 2, i / 2) / (double)RETRY)
            return false;
    }
    return true;
}

static void perform_take(struct world *world, unsigned operation) {
    struct operation *o = &world->operations[operation];
    o->rc = swgi_budget_take(&budget, &rates[o->permit], (uint64_t)o->argument, NOW);
}

static bool check_budget(struct world *world) {
    static const struct own_words words = { &full, &budget, sizeof(budget), perform_take, 4 };
    static const struct specification specification = { .apply = apply_take,
                                                        .variants = 1,
                                                        .is_final = as_much_is_left };
    const union bucket_state first = { .model = { { 0 } } };
    return own_words_check(world, &words, &specification, &first.model);
}

/* Sums of different age; now and then somebody with other settings. */
static void script_budget(struct world *world, struct swgi_random *random) {
    world->callers = 2 + (unsigned)swgi_random_below(random, 2);
    bool other_rates = chance(random, 3);
    for (unsigned i = 0; i < world->callers; i++)
        for (unsigned n = 0; n < 9 / world->callers; n++)
            world_add(world, i, ACQUIRE, other_rates && chance(random, 3),
                      (int64_t)(n * 4 + swgi_random_below(random, 12)));
    own_words_script(world, random);
}

/* ---- features and costs: the same function, one after the other, is the model */

static const struct swgi_feature_settings features = {
    .count = 3, .list = { { "critical", 100 }, { "search", 50 }, { "adverts", 1 } }
};
static struct swgi_feature_words never, state;

static int ask(struct swgi_feature_words *words, const struct operation *o) {
    const struct swgi_feature_look look = { .closed = o->argument % 4 != 0,
                                            .healthy = o->argument % 3 != 0,
                                            .trips = o->permit,
                                            .now = NOW };
    return swgi_feature_enabled(words, &features, o->argument % 2 ? "search" : "adverts", &look);
}

static bool apply_ask(const struct world *world, struct model *model, unsigned operation,
                      unsigned variant) {
    struct swgi_feature_words words = { .state = model->words[0] };
    const struct operation *o = &world->operations[operation];
    int on = ask(&words, o);
    (void)variant;
    model->words[0] = words.state;
    return !o->ended || o->rc == on;
}

static bool state_is(const struct world *world, const struct model *model) {
    (void)world;
    return state.state == model->words[0];
}

static void perform_ask(struct world *world, unsigned operation) {
    world->operations[operation].rc = ask(&state, &world->operations[operation]);
}

static bool check_features(struct world *world) {
    static const struct own_words words = { &never, &state, sizeof(state), perform_ask, 2 };
    static const struct specification specification = { .apply = apply_ask,
                                                        .variants = 1,
                                                        .is_final = state_is };
    const struct model first = { { 0 } };
    return own_words_check(world, &words, &specification, &first);
}

static void script_features(struct world *world, struct swgi_random *random) {
    world->callers = 2 + (unsigned)swgi_random_below(random, 2);
    for (unsigned i = 0; i < world->callers; i++)
        for (unsigned n = 0; n < 9 / world->callers; n++)
            world_add(world, i, ACQUIRE, n / 2, (int64_t)swgi_random_below(random, 12));
    own_words_script(world, random);
}

static swgi_word nothing[SWGI_COSTS], costs[SWGI_COSTS];

static void perform_spend(struct world *world, unsigned operation) {
    const struct operation *o = &world->operations[operation];
    swgi_cost_add(costs, 1, o->argument, NOW);
}

static bool apply_spend(const struct world *world, struct model *model, unsigned operation,
                        unsigned variant) {
    (void)variant;
    model->words[0] += ((uint64_t)world->operations[operation].argument >> 10) + 1;
    return true;
}

static bool all_was_added(const struct world *world, const struct model *model) {
    uint64_t units = 0;
    (void)world;
    for (unsigned i = 0; i < SWGI_COSTS; i++)
        units += costs[i] & UINT64_C(0xffffffffff);
    return units == model->words[0];
}

static bool check_costs(struct world *world) {
    static const struct own_words words = { nothing, costs, sizeof(costs), perform_spend, 2 };
    static const struct specification specification = { .apply = apply_spend,
                                                        .variants = 1,
                                                        .is_final = all_was_added };
    const struct model first = { { 0 } };
    return own_words_check(world, &words, &specification, &first);
}

static void script_costs(struct world *world, struct swgi_random *random) {
    world->callers = 3;
    for (unsigned i = 0; i < 9; i++)
        world_add(world, i % 3, RECORD, 0, (int64_t)swgi_random_below(random, 100) << 10);
    own_words_script(world, random);
}

static void prepare(struct world *world) {
    (void)world;
}

static const char *const no_settings[] = { NULL };

static const struct story shared_budget = { "budget", no_settings, prepare, script_budget,
                                            check_budget };
static const struct story returning = { "features", no_settings, prepare, script_features,
                                        check_features };
static const struct story spending = { "costs", no_settings, prepare, script_costs, check_costs };

const struct story *const stories_budget[] = { &shared_budget, &returning, &spending, NULL };
