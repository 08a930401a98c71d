/*
 * Random numbers that can be seeded and so replayed: xoshiro256** with its state filled by splitmix64.
 * Not for secrets. A generator belongs to one thread at a time.
 */
#ifndef SWGI_BASE_RANDOM_H
#define SWGI_BASE_RANDOM_H

#include <stdint.h>

#include "base/shared.h"

struct swgi_random {
    uint64_t state[4];
};

/* The same seed gives the same numbers, on every machine. */
SWGI_SHARED void swgi_random_init(struct swgi_random *random, uint64_t seed);
uint64_t swgi_random_next(struct swgi_random *random);
/* Uniform in [0, 1), a multiple of 2^-53. */
double swgi_random_share(struct swgi_random *random);
/* Uniform in 0..bound-1, without bias; 0 for bound 0. */
SWGI_SHARED uint64_t swgi_random_below(struct swgi_random *random, uint64_t bound);
/* One step of splitmix64: mixes a counter or an address into a number. */
uint64_t swgi_random_mix(uint64_t value);
/* A seed nobody can guess, from the kernel. */
SWGI_SHARED uint64_t swgi_random_seed(void);

#endif
