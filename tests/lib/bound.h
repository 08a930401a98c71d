/* How far a test goes that has no end in itself: BOUND=small is a tenth, for builds that take ten times as long. */
#ifndef TESTS_LIB_BOUND_H
#define TESTS_LIB_BOUND_H

#include <stdlib.h>
#include <string.h>

static inline unsigned bounded(unsigned usual) {
    const char *bound = getenv("BOUND");

    if (bound == NULL || strcmp(bound, "small") != 0)
        return usual;
    return usual >= 10 ? usual / 10 : 1;
}

#endif
