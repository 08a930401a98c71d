/*
 * Ghosts: the last keys that were evicted before they had proven themselves, without their answers.
 *
 * A ring of the newest, found through chains. Kept as 32 bits of a hash: two keys taken for one
 * cost a place in the wrong queue and nothing else. Whoever calls holds the cache's order lock.
 */
#ifndef SWGI_CIRCUIT_CACHE_GHOSTS_H
#define SWGI_CIRCUIT_CACHE_GHOSTS_H

#include <stdbool.h>
#include <stdint.h>

struct swgi_cache_ghosts {
    uint32_t mask;   /* of places and of chains */
    uint32_t newest; /* the place to be taken next */
    uint32_t *heads; /* of chains: place + 1; 0: none */
    uint32_t *tags;  /* by place; 0: nobody */
    uint32_t *nexts; /* by place, as heads */
};
/* Memory for that many places, a power of two. */
#define SWGI_CACHE_GHOST_BYTES (3 * sizeof(uint32_t))

/* memory is zeroed, and aligned for uint32_t. */
void swgi_ghosts_init(struct swgi_cache_ghosts *ghosts, void *memory, uint32_t places);
void swgi_ghosts_add(struct swgi_cache_ghosts *ghosts, uint64_t hash);
/* Was it there? It is no more. */
bool swgi_ghosts_take(struct swgi_cache_ghosts *ghosts, uint64_t hash);

#endif
