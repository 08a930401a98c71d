/*
 * The inside of an answer cache, between its files.
 *
 * Two kinds of locks. A stripe's guards the buckets that fall to it and who asks for what in them,
 * and is all that a hit takes. The order lock guards everything that decides what stays: queues,
 * ghosts, bytes. It is taken first where both are. The table is exchanged under all of them.
 */
#ifndef SWGI_CIRCUIT_CACHE_TABLE_H
#define SWGI_CIRCUIT_CACHE_TABLE_H

#include <pthread.h>
#include <stdalign.h>

#include "base/atomic.h"
#include "base/hash.h"
#include "circuit/cache.h"
#include "circuit/cache_ghosts.h"
#include "engine/engine.h"
#include "panel/process.h"

#define SWGI_CACHE_STRIPES 16u
/* Keys that may be asked for at once in each stripe; beyond them calls do not coalesce. */
#define SWGI_CACHE_FLIGHTS 32u
/* One bucket, and one ghost, for so many bytes of the bound. */
#define SWGI_CACHE_BYTES_PER_BUCKET 512u
#define SWGI_CACHE_BUCKETS_MAX      (UINT64_C(1) << 24)
/* What S3-FIFO calls freq: two bits. */
#define SWGI_CACHE_USES_MAX 3u

/* An answer. The cache has one reference while it is kept, each buffer another. */
struct swgi_cache_entry {
    struct swgi_cache_entry *next;          /* in its bucket */
    struct swgi_cache_entry *newer, *older; /* in its queue; the order lock's */
    uint64_t hash, key, ticket;
    int64_t put_at;
    size_t length;
    uint32_t operation;
    _Atomic uint32_t references;
    _Atomic uint32_t uses; /* since it was put or last reprieved */
    uint32_t queue;        /* the order lock's */
    alignas(max_align_t) unsigned char bytes[];
};

struct swgi_cache_queue {
    struct swgi_cache_entry *newest, *oldest;
    uint64_t bytes, entries;
};
enum { SWGI_CACHE_SMALL, SWGI_CACHE_MAIN, SWGI_CACHE_QUEUES };

enum swgi_flight_state { SWGI_FLIGHT_OVER, SWGI_FLIGHT_ON, SWGI_FLIGHT_FAILED };

/* A call somebody makes for all who want its answer. Where it is reused, nobody waits for it. */
struct swgi_flight {
    uint64_t key, ticket;
    int64_t lease_until;
    struct swgi_cache_entry *answer; /* while somebody waits; a reference */
    uint32_t operation, waiting;
    enum swgi_flight_state state;
    int reason; /* why it failed, in the leader's words */
};

struct swgi_cache_stripe {
    alignas(64) pthread_mutex_t mutex;
    pthread_cond_t ended; /* a flight; by CLOCK_MONOTONIC */
    uint64_t hits, misses, stale, coalesced;
    uint32_t hand; /* where a free flight is looked for */
    struct swgi_flight flights[SWGI_CACHE_FLIGHTS];
};

/* One block of memory whose measures never change: a reader of the pointer has them all. */
struct swgi_cache_table {
    struct swgi_cache_table *abandoned; /* the next of those that a forked child may not touch */
    uint64_t bytes;                     /* of memory, ghosts and all */
    uint64_t mask;                      /* of buckets */
    struct swgi_cache_ghosts ghosts;
    struct swgi_cache_entry *buckets[];
};

struct swgi_cache {
    swgi_word token; /* the process whose cache this is */
    _Atomic uint32_t is_on;
    swgi_word tickets; /* given so far: a later question has a higher one */
    uint64_t seed;     /* so that nobody can choose keys that fall into one bucket */
    struct swgi_cache_settings settings;
    struct swgi_cache_table *table; /* NULL: off */
    pthread_mutex_t order;
    struct swgi_cache_queue queues[SWGI_CACHE_QUEUES];
    uint64_t bytes; /* of everything, with what is reserved for answers being copied */
    uint64_t evicted;
    struct swgi_cache_stripe stripes[SWGI_CACHE_STRIPES];
};

/* cache_life.c: on a page that is zero in a forked child. */
extern struct swgi_wiped *swgi_cache_page;
/* This process is not the one that filled the cache: start empty. */
void swgi_cache_disown(struct swgi_cache *cache);

static inline bool swgi_cache_is_on(struct swgi_cache *cache) {
    if (cache == NULL)
        return false;
    if (swgi_unlikely(swgi_load(&swgi_cache_page->tag) != swgi_load(&cache->token)))
        swgi_cache_disown(cache);
    return swgi_load_relaxed(&cache->is_on, FAST_SETTING) != 0;
}

/* cache_table.c. NULL without memory. */
struct swgi_cache_table *swgi_cache_table_new(uint64_t bytes_max);
void swgi_cache_entry_release(struct swgi_cache_entry *entry); /* NULL: nothing */
uint64_t swgi_cache_entry_bytes(size_t length);                /* of memory */
struct swgi_cache_entry *swgi_cache_find(const struct swgi_cache *cache, uint64_t hash,
                                         const struct swgi_cache_ask *ask);
/* Under the order lock. Evict until so many bytes are free for an answer to go into that queue. */
bool swgi_cache_make_room(struct swgi_cache *cache, uint64_t bytes, uint32_t queue, int64_t now);
/* Under the order lock and that of its stripe: instead of the former one, NULL without one. */
void swgi_cache_insert(struct swgi_cache *cache, struct swgi_cache_entry *entry,
                       struct swgi_cache_entry *former, uint32_t queue);
/* Likewise, of an answer that another has overtaken. */
void swgi_cache_drop(struct swgi_cache *cache, struct swgi_cache_entry *entry);
/* Under all locks: the same answers in another table. */
void swgi_cache_move(struct swgi_cache *cache, struct swgi_cache_table *table);

/* cache_flights.c, under the stripe's lock. NULL: nobody asks. */
struct swgi_flight *swgi_flight_find(struct swgi_cache_stripe *stripe,
                                     const struct swgi_cache_ask *ask);
/* All who wait for it get the answer, or lead their own calls where there is none. */
void swgi_flight_end(struct swgi_cache_stripe *stripe, struct swgi_flight *flight,
                     enum swgi_flight_state state, struct swgi_cache_entry *answer);

static inline uint64_t swgi_cache_hash(const struct swgi_cache *cache,
                                       const struct swgi_cache_ask *ask) {
    const uint64_t words[2] = { ask->key, ask->operation };
    return swgi_hash(words, sizeof(words), cache->seed);
}

static inline struct swgi_cache_stripe *swgi_cache_lock(struct swgi_cache *cache, uint64_t hash) {
    struct swgi_cache_stripe *stripe = &cache->stripes[hash % SWGI_CACHE_STRIPES];
    pthread_mutex_lock(&stripe->mutex);
    return stripe;
}

static inline uint64_t swgi_cache_ticket(struct swgi_cache *cache) {
    return swgi_add(&cache->tickets, 1) + 1;
}

/* Under the stripe's lock. */
static inline void swgi_cache_lend(struct swgi_cache_entry *entry, struct swg_buffer *buffer) {
    uint32_t uses = swgi_load_relaxed(&entry->uses, COUNTER);
    if (uses < SWGI_CACHE_USES_MAX)
        swgi_store_relaxed(&entry->uses, uses + 1, COUNTER);
    swgi_add(&entry->references, 1);
    buffer->bytes = entry->bytes;
    buffer->length = entry->length;
    buffer->owner = entry;
}

static inline bool swgi_cache_is_fresh(const struct swgi_cache *cache,
                                       const struct swgi_cache_entry *entry, int64_t now) {
    return swgi_passed(now, entry->put_at) < cache->settings.fresh_for_ns;
}

static inline bool swgi_cache_is_served(const struct swgi_cache *cache,
                                        const struct swgi_cache_entry *entry, int64_t now) {
    return swgi_cache_is_fresh(cache, entry, now) ||
           swgi_passed(now, entry->put_at) < cache->settings.stale_for_ns;
}

#endif
