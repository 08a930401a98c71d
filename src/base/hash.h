/*
 * One hash for names and for checksums of records: XXH3, compiled in, so that no library is
 * needed at run time.
 */
#ifndef SWGI_BASE_HASH_H
#define SWGI_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static inline uint64_t swgi_hash(const void *bytes, size_t size, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes, size, seed);
}

#endif
