/*
 * Is there an order of the operations, in keeping with who had ended before whom began, in which one after the other does to a
 * sequential model what all together did to the panel? The search of Wing and Gong ("Testing and Verifying Concurrent
 * Objects", JPDC 17, 1993), remembering what was tried (Lowe, "Testing for linearizability", CCPE 29, 2017).
 */
#ifndef TESTS_INTERLEAVE_LINEAR_H
#define TESTS_INTERLEAVE_LINEAR_H

#include "world.h"

#define MODEL_WORDS 10u

/* A model's state: its unused bytes are zero, because states are compared as words. */
struct model {
    uint64_t words[MODEL_WORDS];
};

struct specification {
    /*
     * The operation's effect on *state: false when it cannot have come to what it found. Variants 0, 1, ... are tried where
     * more than one effect is possible.
     */
    bool (*apply)(const struct world *world, struct model *state, unsigned operation,
                  unsigned variant);
    /* What anybody under way may do at any time: steps 0, 1, ... below that many. pending: operations that may be at it. */
    bool (*step)(const struct world *world, struct model *state, unsigned which, uint32_t pending);
    unsigned variants, steps;
    /* Is that how the panel was left? */
    bool (*is_final)(const struct world *world, const struct model *state);
};

/* false: no such order. Killed operations may have happened or not. */
bool linear_check(struct world *world, const struct specification *specification,
                  const struct model *begin);

/* How often the search had too much to try and proved nothing. */
uint64_t linear_given_up(void);

#endif
