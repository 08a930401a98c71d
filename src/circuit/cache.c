/*
 * Answers in and out of the cache: what a leader brings, what is served for want of another, and
 * what was counted. How long answers stay is cache_table.c's; who asks for them, cache_flights.c's.
 */
#include "circuit/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "circuit/cache_table.h"

void swg_buffer_release(struct swg_buffer *buffer) {
    if (buffer == NULL || buffer->owner == NULL)
        return;
    struct swgi_cache_entry *entry = buffer->owner;
    buffer->owner = NULL;
    buffer->bytes = NULL;
    buffer->length = 0;
    swgi_cache_entry_release(entry);
}

/* Under the order lock. Which queue it will go into, as far as one can know before it is there. */
static uint32_t queue_for(struct swgi_cache *cache, uint64_t hash,
                          const struct swgi_cache_ask *ask) {
    struct swgi_cache_stripe *stripe = swgi_cache_lock(cache, hash);
    const struct swgi_cache_entry *former = swgi_cache_find(cache, hash, ask);
    bool is_proven = former != NULL && former->queue == SWGI_CACHE_MAIN;
    pthread_mutex_unlock(&stripe->mutex);
    return is_proven || swgi_ghosts_take(&cache->table->ghosts, hash) ? SWGI_CACHE_MAIN
                                                                      : SWGI_CACHE_SMALL;
}

static bool could_hold(const struct swgi_cache *cache, size_t length) {
    uint64_t bytes_max = cache->settings.bytes_max;
    return cache->table != NULL && length < bytes_max &&
           sizeof(*cache) + cache->table->bytes + swgi_cache_entry_bytes(length) <= bytes_max;
}

/*
 * Room first, then the copy, so that the bound holds at every instant and nobody waits for a copy.
 * An answer that only lacks room is remembered: asked for again, it is worth what it displaces.
 */
static bool reserve(struct swgi_cache *cache, uint64_t hash, const struct swgi_cache_ask *ask,
                    int64_t now, size_t length, uint32_t *queue) {
    bool has_room = false;
    pthread_mutex_lock(&cache->order);
    if (could_hold(cache, length)) {
        uint64_t bytes = swgi_cache_entry_bytes(length);
        *queue = queue_for(cache, hash, ask);
        has_room = swgi_cache_make_room(cache, bytes, *queue, now);
        if (has_room)
            cache->bytes += bytes;
        else
            swgi_ghosts_add(&cache->table->ghosts, hash);
    }
    pthread_mutex_unlock(&cache->order);
    return has_room;
}

static void give_back(struct swgi_cache *cache, size_t length) {
    pthread_mutex_lock(&cache->order);
    cache->bytes -= swgi_cache_entry_bytes(length);
    pthread_mutex_unlock(&cache->order);
}

/* Under the order lock. It never got in. */
static void discard(struct swgi_cache *cache, struct swgi_cache_entry *entry) {
    if (entry == NULL)
        return;
    cache->bytes -= swgi_cache_entry_bytes(entry->length);
    swgi_cache_entry_release(entry);
}

static struct swgi_cache_entry *entry_new(uint64_t hash, const struct swgi_cache_ask *ask,
                                          const void *bytes, size_t length) {
    struct swgi_cache_entry *entry = malloc(sizeof(*entry) + length);
    if (entry == NULL)
        return NULL;
    *entry = (struct swgi_cache_entry){
        .hash = hash,
        .key = ask->key,
        .operation = ask->operation,
        .ticket = ask->ticket,
        .length = length,
        .references = 1,
    };
    if (length > 0)
        memcpy(entry->bytes, bytes, length);
    return entry;
}

/* NULL: it cannot be kept. */
int swgi_buffer_new(struct swg_buffer *out, const void *bytes, size_t length) {
    struct swgi_cache_ask nobody = { 0 };
    struct swgi_cache_entry *entry = entry_new(0, &nobody, bytes, length);
    if (entry == NULL)
        return -ENOMEM;
    out->bytes = entry->bytes;
    out->length = length;
    out->owner = entry;
    return 0;
}

static struct swgi_cache_entry *prepare(struct swgi_cache *cache, uint64_t hash,
                                        const struct swgi_cache_ask *ask, int64_t now,
                                        const void *bytes, size_t length, uint32_t *queue) {
    if (!reserve(cache, hash, ask, now, length, queue))
        return NULL;
    struct swgi_cache_entry *entry = entry_new(hash, ask, bytes, length);
    if (entry == NULL)
        give_back(cache, length);
    else
        entry->put_at = now;
    return entry;
}

/* Under both locks. Was it kept? The bound may have shrunk while it was copied. */
static bool keep(struct swgi_cache *cache, struct swgi_cache_entry *entry,
                 struct swgi_cache_entry *former, uint32_t queue) {
    if (entry == NULL)
        return false;
    if (cache->table == NULL || cache->bytes > cache->settings.bytes_max) {
        discard(cache, entry);
        return false;
    }
    swgi_cache_insert(cache, entry, former, queue);
    return true;
}

/* Under both locks. Whichever question it answers, whoever waits for one has waited long enough. */
static void settle(struct swgi_cache *cache, struct swgi_cache_stripe *stripe, uint64_t hash,
                   const struct swgi_cache_ask *ask, struct swgi_cache_entry *entry,
                   uint32_t queue) {
    struct swgi_cache_entry *former = swgi_cache_find(cache, hash, ask);
    if (former != NULL && former->ticket > ask->ticket) {
        discard(cache, entry);
        return;
    }
    bool is_kept = keep(cache, entry, former, queue);
    if (!is_kept && former != NULL)
        swgi_cache_drop(cache, former);
    struct swgi_flight *flight = swgi_flight_find(stripe, ask);
    if (flight != NULL && (is_kept || flight->ticket == ask->ticket))
        swgi_flight_end(stripe, flight, SWGI_FLIGHT_OVER, is_kept ? entry : NULL);
}

void swgi_cache_put(struct swgi_cache *cache, struct swgi_cache_ask *ask, int64_t now,
                    const void *bytes, size_t length) {
    uint32_t queue = SWGI_CACHE_SMALL;
    if (ask->key == 0 || !swgi_cache_is_on(cache))
        return;
    if (ask->ticket == 0)
        ask->ticket = swgi_cache_ticket(cache);
    uint64_t hash = swgi_cache_hash(cache, ask);
    struct swgi_cache_entry *entry = prepare(cache, hash, ask, now, bytes, length, &queue);
    pthread_mutex_lock(&cache->order);
    struct swgi_cache_stripe *stripe = swgi_cache_lock(cache, hash);
    settle(cache, stripe, hash, ask, entry, queue);
    pthread_mutex_unlock(&stripe->mutex);
    pthread_mutex_unlock(&cache->order);
    ask->ticket = 0;
}

bool swgi_cache_stale(struct swgi_cache *cache, const struct swgi_cache_ask *ask, int64_t now,
                      struct swg_buffer *buffer) {
    if (ask->key == 0 || !swgi_cache_is_on(cache))
        return false;
    uint64_t hash = swgi_cache_hash(cache, ask);
    struct swgi_cache_stripe *stripe = swgi_cache_lock(cache, hash);
    struct swgi_cache_entry *entry = swgi_cache_find(cache, hash, ask);
    bool is_served = entry != NULL && swgi_cache_is_served(cache, entry, now);
    if (is_served) {
        ++*(swgi_cache_is_fresh(cache, entry, now) ? &stripe->hits : &stripe->stale);
        swgi_cache_lend(entry, buffer);
    }
    pthread_mutex_unlock(&stripe->mutex);
    return is_served;
}

static void add_stripe(struct swgi_cache_stripe *stripe, struct swgi_cache_statistics *out) {
    pthread_mutex_lock(&stripe->mutex);
    out->hits += stripe->hits;
    out->misses += stripe->misses;
    out->stale += stripe->stale;
    out->coalesced += stripe->coalesced;
    pthread_mutex_unlock(&stripe->mutex);
}

void swgi_cache_read_statistics(struct swgi_cache *cache, struct swgi_cache_statistics *out) {
    *out = (struct swgi_cache_statistics){ 0 };
    if (cache == NULL)
        return;
    (void)swgi_cache_is_on(cache); /* a forked child counts its own */
    pthread_mutex_lock(&cache->order);
    for (uint32_t i = 0; i < SWGI_CACHE_STRIPES; i++)
        add_stripe(&cache->stripes[i], out);
    out->evicted = cache->evicted;
    out->bytes = cache->bytes;
    out->entries = cache->queues[SWGI_CACHE_SMALL].entries + cache->queues[SWGI_CACHE_MAIN].entries;
    pthread_mutex_unlock(&cache->order);
}
