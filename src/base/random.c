/*
 * xoshiro256** 1.0 and splitmix64, by David Blackman and Sebastiano Vigna ("Scrambled linear pseudorandom number
 * generators", ACM TOMS 47(4), 2021; https://prng.di.unimi.it, public domain): ours rather than the C library's, so that a run
 * can be replayed from its seed anywhere.
 */
#include "base/random.h"

#include <stdlib.h>

#define GOLDEN_GAMMA UINT64_C(0x9e3779b97f4a7c15)

uint64_t swgi_random_mix(uint64_t value) {
    value += GOLDEN_GAMMA;
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

/* splitmix64 never gives four zeros in a row, the one state from which xoshiro does not move. */
void swgi_random_init(struct swgi_random *random, uint64_t seed) {
    for (unsigned i = 0; i < 4; i++)
        random->state[i] = swgi_random_mix(seed + i * GOLDEN_GAMMA);
}

static uint64_t rotate_left(uint64_t value, unsigned by) {
    return (value << by) | (value >> (64 - by));
}

uint64_t swgi_random_next(struct swgi_random *random) {
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double swgi_random_share(struct swgi_random *random) {
    return (double)(swgi_random_next(random) >> 11) * 0x1.0p-53;
}

/* Numbers past the last whole multiple of bound would favour the small results: they are drawn again. */
uint64_t swgi_random_below(struct swgi_random *random, uint64_t bound) {
    uint64_t drawn, uneven;

    if (bound == 0)
        return 0;
    uneven = -bound % bound;
    do
        drawn = swgi_random_next(random);
    while (drawn < uneven);
    return drawn % bound;
}

uint64_t swgi_random_seed(void) {
    uint64_t seed;

    arc4random_buf(&seed, sizeof(seed));
    return seed;
}
