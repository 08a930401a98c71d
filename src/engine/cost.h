/*
 * Dynamic priority: callers that recently took much more of a circuit than others stand back.
 *
 * A caller is told by the key of its request, by hash one of 31 words, each a time and the caller's
 * durations decayed by half every ten seconds. Callers whose keys fall into one word share it: with
 * few heavy callers that is rare, and costs no more than a wrong place in a queue.
 *
 *     adjustment = trunc(4 log2(cost / mean)), at most 8 either way
 *
 * where the mean is over the words that hold any cost: twice the mean is 4 steps less urgent, four
 * times and more is 8; half of it is 4 steps more urgent. Within a fifth of the mean it is 0, and
 * so it is for a caller that is alone or has no key. The mean is worked out anew every 78 ms.
 */
#ifndef SWGI_ENGINE_COST_H
#define SWGI_ENGINE_COST_H

#include <stdint.h>

#include "panel/policies.h"

#define SWGI_COST_STEPS_MAX    8
#define SWGI_COST_HALF_LIFE_NS INT64_C(10000000000)

/* Adds a call's duration. key 0: nobody's, not counted. now: panel time that was compared with our
 * own clock. Lock-free; of an addition that loses many races nothing is kept. */
void swgi_cost_add(swgi_word costs[SWGI_COSTS], uint64_t key, int64_t duration_ns, int64_t now);

/* Steps to add to the caller's priority: positive is less urgent. Clears words that were long not
 * added to. */
int swgi_cost_priority(swgi_word costs[SWGI_COSTS], uint64_t key, int64_t now);

#endif
