/* A story: a circuit's settings, scripts drawn from a seed, and what must hold after each run. */
#ifndef TESTS_INTERLEAVE_STORIES_H
#define TESTS_INTERLEAVE_STORIES_H

#include "linear.h"

#include "base/random.h"

struct story {
    const char *name;
    const char *const *settings;
    void (*prepare)(struct world *world);                            /* once */
    void (*script)(struct world *world, struct swgi_random *random); /* each run */
    bool (*check)(struct world *world);
};

extern const struct story *const stories_machine[], *const stories_count[], *const stories_time[];
extern const struct story *const stories_registry[], *const stories_modes[];
extern const struct story *const stories_limiter[], *const stories_budget[];
extern const struct story *const stories_bulkhead[];

static inline bool chance(struct swgi_random *random, unsigned one_in) {
    return swgi_random_below(random, one_in) == 0;
}

/* Whatever happened, whoever is left brings the circuit back to CLOSED. */
bool story_recovers(struct world *world);

#endif
