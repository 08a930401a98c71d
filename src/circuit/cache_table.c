/*
 * Which answers stay: S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi: "FIFO queues are all you need for
 * cache eviction", SOSP 2023, https://doi.org/10.1145/3600006.3613147).
 *
 * What is new enters a small queue, a tenth of the bytes. At its end, what was used twice moves to
 * the main queue, the rest leaves and is remembered as a ghost; a ghost that is asked for again
 * enters the main queue. There, what was used since its last turn gets another one. So a scan
 * passes through the small queue, and what is used stays. A hit moves nothing: it counts to three.
 *
 * Ours beyond the paper: queues are measured in bytes; what is too old to be served leaves at its
 * turn however used; an answer bigger than the small queue pushes nothing proven out the first
 * time it is seen; and what one newcomer may cost the others in time is bounded.
 */
#include "circuit/cache_table.h"

#include <stdlib.h>

/* Entries that may be given another turn for one newcomer; from then on the next in turn leaves. */
#define REPRIEVES_MAX 1024u

/* Uses that move an entry on from the small queue, and keep one in the main queue. */
static const uint32_t uses_needed[SWGI_CACHE_QUEUES] = { 2, 1 };

uint64_t swgi_cache_entry_bytes(size_t length) {
    /* malloc() of 64-bit systems: eight bytes of its own, in steps of sixteen. */
    return (sizeof(struct swgi_cache_entry) + length + 8 + 15) & ~UINT64_C(15);
}

void swgi_cache_entry_release(struct swgi_cache_entry *entry) {
    if (entry != NULL && swgi_add(&entry->references, UINT32_MAX) == 1)
        free(entry);
}

static uint64_t bucket_count(uint64_t bytes_max) {
    uint64_t wanted = bytes_max / SWGI_CACHE_BYTES_PER_BUCKET, count = SWGI_CACHE_STRIPES;
    while (count * 2 <= wanted && count < SWGI_CACHE_BUCKETS_MAX)
        count *= 2;
    return count;
}

struct swgi_cache_table *swgi_cache_table_new(uint64_t bytes_max) {
    uint64_t count = bucket_count(bytes_max);
    uint64_t bytes = sizeof(struct swgi_cache_table) +
                     count * (sizeof(struct swgi_cache_entry *) + SWGI_CACHE_GHOST_BYTES);
    struct swgi_cache_table *table = calloc(1, bytes);
    if (table == NULL)
        return NULL;
    table->bytes = bytes;
    table->mask = count - 1;
    swgi_ghosts_init(&table->ghosts, &table->buckets[count], (uint32_t)count);
    return table;
}

/* ---- buckets, under the stripe's lock */

struct swgi_cache_entry *swgi_cache_find(const struct swgi_cache *cache, uint64_t hash,
                                         const struct swgi_cache_ask *ask) {
    if (cache->table == NULL)
        return NULL;
    struct swgi_cache_entry *entry = cache->table->buckets[hash & cache->table->mask];
    while (entry != NULL && (entry->key != ask->key || entry->operation != ask->operation))
        entry = entry->next;
    return entry;
}

static void link_entry(struct swgi_cache_table *table, struct swgi_cache_entry *entry) {
    struct swgi_cache_entry **bucket = &table->buckets[entry->hash & table->mask];
    entry->next = *bucket;
    *bucket = entry;
}

static void unlink_entry(struct swgi_cache_table *table, struct swgi_cache_entry *entry) {
    struct swgi_cache_entry **link = &table->buckets[entry->hash & table->mask];
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
}

/* ---- queues, under the order lock */

static void enqueue(struct swgi_cache *cache, struct swgi_cache_entry *entry, uint32_t number) {
    struct swgi_cache_queue *queue = &cache->queues[number];
    entry->queue = number;
    entry->newer = NULL;
    entry->older = queue->newest;
    *(queue->newest != NULL ? &queue->newest->newer : &queue->oldest) = entry;
    queue->newest = entry;
    queue->bytes += swgi_cache_entry_bytes(entry->length);
    queue->entries++;
}

static void dequeue(struct swgi_cache *cache, struct swgi_cache_entry *entry) {
    struct swgi_cache_queue *queue = &cache->queues[entry->queue];
    *(entry->newer != NULL ? &entry->newer->older : &queue->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &queue->oldest) = entry->newer;
    queue->bytes -= swgi_cache_entry_bytes(entry->length);
    queue->entries--;
}

/* In the place of another, which is nowhere then. */
static void take_place(struct swgi_cache *cache, struct swgi_cache_entry *entry,
                       struct swgi_cache_entry *former) {
    struct swgi_cache_queue *queue = &cache->queues[former->queue];
    entry->queue = former->queue;
    entry->newer = former->newer;
    entry->older = former->older;
    *(entry->newer != NULL ? &entry->newer->older : &queue->newest) = entry;
    *(entry->older != NULL ? &entry->older->newer : &queue->oldest) = entry;
    queue->bytes += swgi_cache_entry_bytes(entry->length);
    queue->bytes -= swgi_cache_entry_bytes(former->length);
}

static void reprieve(struct swgi_cache *cache, struct swgi_cache_entry *entry) {
    uint32_t uses = swgi_load_relaxed(&entry->uses, COUNTER);
    uint32_t left = entry->queue == SWGI_CACHE_MAIN ? uses - 1 : 0;
    swgi_store_relaxed(&entry->uses, left, COUNTER);
    dequeue(cache, entry);
    enqueue(cache, entry, SWGI_CACHE_MAIN);
}

void swgi_cache_drop(struct swgi_cache *cache, struct swgi_cache_entry *entry) {
    unlink_entry(cache->table, entry);
    dequeue(cache, entry);
    cache->bytes -= swgi_cache_entry_bytes(entry->length);
    swgi_cache_entry_release(entry);
}

static void evict(struct swgi_cache *cache, struct swgi_cache_entry *entry, bool remember) {
    if (remember)
        swgi_ghosts_add(&cache->table->ghosts, entry->hash);
    cache->evicted++;
    struct swgi_cache_stripe *stripe = swgi_cache_lock(cache, entry->hash);
    swgi_cache_drop(cache, entry);
    pthread_mutex_unlock(&stripe->mutex);
}

/* Whose oldest entry has its turn, for so many bytes to enter the small queue. NULL: nobody's. */
static struct swgi_cache_queue *next_to_give(struct swgi_cache *cache, uint64_t newcomer) {
    struct swgi_cache_queue *small = &cache->queues[SWGI_CACHE_SMALL];
    struct swgi_cache_queue *main = &cache->queues[SWGI_CACHE_MAIN];
    bool over = small->bytes + newcomer > cache->settings.bytes_max / 10;
    if (small->oldest != NULL && (over || main->oldest == NULL))
        return small;
    return main->oldest != NULL && !(over && newcomer > 0) ? main : NULL;
}

/* Can it be had from the small queue's share, or its place? */
static bool may_enter(const struct swgi_cache *cache, uint64_t bytes) {
    uint64_t others = cache->bytes - cache->queues[SWGI_CACHE_SMALL].bytes;
    return bytes <= cache->settings.bytes_max / 10 || others + bytes <= cache->settings.bytes_max;
}

static void give_turn(struct swgi_cache *cache, struct swgi_cache_entry *entry, int64_t now,
                      uint32_t *reprieves) {
    bool is_dead = !swgi_cache_is_served(cache, entry, now);
    uint32_t uses = swgi_load_relaxed(&entry->uses, COUNTER);
    if (!is_dead && *reprieves < REPRIEVES_MAX && uses >= uses_needed[entry->queue]) {
        ++*reprieves;
        reprieve(cache, entry);
    } else {
        evict(cache, entry, !is_dead && entry->queue == SWGI_CACHE_SMALL);
    }
}

bool swgi_cache_make_room(struct swgi_cache *cache, uint64_t bytes, uint32_t queue, int64_t now) {
    uint64_t newcomer = queue == SWGI_CACHE_SMALL ? bytes : 0;
    uint32_t reprieves = 0;
    if (newcomer > 0 && !may_enter(cache, newcomer))
        return false;
    while (cache->bytes + bytes > cache->settings.bytes_max) {
        struct swgi_cache_queue *giver = next_to_give(cache, newcomer);
        if (giver == NULL)
            return false;
        give_turn(cache, giver->oldest, now, &reprieves);
    }
    return true;
}

/* ---- under both */

void swgi_cache_insert(struct swgi_cache *cache, struct swgi_cache_entry *entry,
                       struct swgi_cache_entry *former, uint32_t queue) {
    link_entry(cache->table, entry);
    if (former == NULL) {
        enqueue(cache, entry, queue);
        return;
    }
    /* That it was asked for anew is a use; its turn comes when it would have come. */
    uint32_t uses = swgi_load_relaxed(&former->uses, COUNTER);
    swgi_store_relaxed(&entry->uses, uses < SWGI_CACHE_USES_MAX ? uses + 1 : uses, COUNTER);
    take_place(cache, entry, former);
    unlink_entry(cache->table, former);
    cache->bytes -= swgi_cache_entry_bytes(former->length);
    swgi_cache_entry_release(former);
}

void swgi_cache_move(struct swgi_cache *cache, struct swgi_cache_table *table) {
    for (uint32_t i = 0; i < SWGI_CACHE_QUEUES; i++)
        for (struct swgi_cache_entry *e = cache->queues[i].oldest; e != NULL; e = e->newer)
            link_entry(table, e);
    cache->table = table;
}
