/* Euclid's algorithm, for durations that must be cut without a rest. */
#ifndef SWGI_BASE_DIVISOR_H
#define SWGI_BASE_DIVISOR_H

#include <stdint.h>

/* Of (0, b) it is b. */
static inline uint64_t swgi_greatest_common_divisor(uint64_t a, uint64_t b) {
    while (b != 0) {
        uint64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

#endif
