/* Stories on words that need no panel: scripts run on words of their own, and the world only keeps the history. */
#ifndef TESTS_INTERLEAVE_WORDS_H
#define TESTS_INTERLEAVE_WORDS_H

#include <stddef.h>

#include "stories.h"

struct own_words {
    const void *begin; /* what each run begins with */
    void *here;        /* what it runs on; accesses to anything else are dull */
    size_t size;
    void (*perform)(struct world *world, unsigned operation);
    unsigned accesses; /* of one operation, about */
};

/* Ends a story's script: what was added runs in own_words_check(), and the world itself runs nothing. */
void own_words_script(struct world *world, struct swgi_random *random);
/* Runs the script, and looks for an order of the operations that comes to the same. */
bool own_words_check(struct world *world, const struct own_words *words,
                     const struct specification *specification, const struct model *first);

#endif
