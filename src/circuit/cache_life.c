/*
 * A cache's beginning and end, its change of size, and what a fork does to it.
 *
 * In a forked child no lock can be trusted, nor any list: another thread of the parent may have
 * been in the middle of it. So the child leaves everything where it is, unread, and starts empty;
 * it notices by a page that is zero in it, as the panel does (panel/process.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "circuit/cache_table.h"

struct swgi_wiped *swgi_cache_page;
static pthread_once_t once = PTHREAD_ONCE_INIT;
/* What forked children may not free stays reachable, so that no leak is reported of it. */
static struct swgi_cache_table *abandoned;

/* Where the kernel knows no pages that children get zeroed. */
static void forked(void) {
    memset(swgi_cache_page, 0, sizeof(*swgi_cache_page));
}

static void begin(void) {
    swgi_cache_page = swgi_wiped_new();
    if (swgi_cache_page != NULL && pthread_atfork(NULL, NULL, forked) != 0) {
        swgi_wiped_free(swgi_cache_page);
        swgi_cache_page = NULL;
    }
}

/* Under the page's lock: a number no parent and no child of ours has. */
static uint64_t own_token(void) {
    if (swgi_load(&swgi_cache_page->tag) == 0)
        swgi_store(&swgi_cache_page->tag, swgi_random_seed() | 1);
    return swgi_load(&swgi_cache_page->tag);
}

static void init_stripe(struct swgi_cache_stripe *stripe) {
    pthread_condattr_t monotonic;
    memset(stripe, 0, sizeof(*stripe));
    pthread_mutex_init(&stripe->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&stripe->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* Empty, with its settings, tickets and seed as they are, and off without a table. */
static void init_cache(struct swgi_cache *cache, struct swgi_cache_table *table) {
    cache->table = table;
    cache->bytes = sizeof(*cache) + (table != NULL ? table->bytes : 0);
    cache->evicted = 0;
    memset(cache->queues, 0, sizeof(cache->queues));
    pthread_mutex_init(&cache->order, NULL);
    for (uint32_t i = 0; i < SWGI_CACHE_STRIPES; i++)
        init_stripe(&cache->stripes[i]);
    swgi_store(&cache->is_on, table != NULL);
}

static void abandon(struct swgi_cache_table *table) {
    if (table == NULL)
        return;
    table->abandoned = abandoned;
    abandoned = table;
}

void swgi_cache_disown(struct swgi_cache *cache) {
    pthread_mutex_lock(&swgi_cache_page->mutex);
    uint64_t token = own_token();
    if (swgi_load(&cache->token) != token) {
        uint64_t bytes_max = cache->settings.bytes_max;
        abandon(cache->table);
        init_cache(cache, bytes_max != 0 ? swgi_cache_table_new(bytes_max) : NULL);
        swgi_store(&cache->token, token);
    }
    pthread_mutex_unlock(&swgi_cache_page->mutex);
}

/* *out is NULL for a cache that is off. */
static int table_for(const struct swgi_cache_settings *settings, struct swgi_cache_table **out) {
    *out = NULL;
    if (settings->bytes_max == 0)
        return 0;
    if (settings->bytes_max < SWGI_CACHE_BYTES_MIN)
        return -EINVAL;
    *out = swgi_cache_table_new(settings->bytes_max);
    return *out != NULL ? 0 : -ENOMEM;
}

static struct swgi_cache *cache_new(const struct swgi_cache_settings *settings,
                                    struct swgi_cache_table *table) {
    struct swgi_cache *cache = aligned_alloc(alignof(struct swgi_cache), sizeof(*cache));
    if (cache == NULL)
        return NULL;
    memset(cache, 0, sizeof(*cache));
    cache->settings = *settings;
    cache->seed = swgi_random_seed();
    init_cache(cache, table);
    pthread_mutex_lock(&swgi_cache_page->mutex);
    swgi_store(&cache->token, own_token());
    pthread_mutex_unlock(&swgi_cache_page->mutex);
    return cache;
}

int swgi_cache_new(struct swgi_cache **out, const struct swgi_cache_settings *settings) {
    struct swgi_cache_table *table;
    int rc = table_for(settings, &table);
    if (rc != 0)
        return rc;
    pthread_once(&once, begin);
    struct swgi_cache *cache = swgi_cache_page != NULL ? cache_new(settings, table) : NULL;
    if (cache == NULL) {
        free(table);
        return -ENOMEM;
    }
    *out = cache;
    return 0;
}

/* Under all locks, or as the last. */
static void drop_all(struct swgi_cache *cache) {
    for (uint32_t i = 0; i < SWGI_CACHE_QUEUES; i++)
        while (cache->queues[i].oldest != NULL)
            swgi_cache_drop(cache, cache->queues[i].oldest);
}

struct swgi_cache *swgi_cache_free(struct swgi_cache *cache) {
    if (cache == NULL)
        return NULL;
    (void)swgi_cache_is_on(cache); /* what is not ours stays */
    drop_all(cache);
    /* Locks hold nothing; of a child's a checker would say that the parent's threads hold them. */
    free(cache->table);
    free(cache);
    return NULL;
}

/* ---- another size */

static void lock_all(struct swgi_cache *cache) {
    pthread_mutex_lock(&cache->order);
    for (uint32_t i = 0; i < SWGI_CACHE_STRIPES; i++)
        pthread_mutex_lock(&cache->stripes[i].mutex);
}

static void unlock_stripes(struct swgi_cache *cache) {
    for (uint32_t i = 0; i < SWGI_CACHE_STRIPES; i++)
        pthread_mutex_unlock(&cache->stripes[i].mutex);
}

/* Switched off: nothing will come for those who wait. */
static void end_flights(struct swgi_cache_stripe *stripe) {
    for (uint32_t i = 0; i < SWGI_CACHE_FLIGHTS; i++)
        if (stripe->flights[i].state == SWGI_FLIGHT_ON)
            swgi_flight_end(stripe, &stripe->flights[i], SWGI_FLIGHT_OVER, NULL);
}

/* Under all locks. Returns the table that is no longer used. */
static struct swgi_cache_table *exchange(struct swgi_cache *cache, struct swgi_cache_table *table) {
    struct swgi_cache_table *former = cache->table;
    if (former != NULL && table != NULL && former->mask == table->mask)
        return table;
    cache->bytes += table != NULL ? table->bytes : 0;
    cache->bytes -= former != NULL ? former->bytes : 0;
    if (table == NULL)
        drop_all(cache);
    swgi_cache_move(cache, table);
    for (uint32_t i = 0; table == NULL && i < SWGI_CACHE_STRIPES; i++)
        end_flights(&cache->stripes[i]);
    return former;
}

int swgi_cache_resize(struct swgi_cache *cache, const struct swgi_cache_settings *settings,
                      int64_t now) {
    struct swgi_cache_table *table;
    int rc = table_for(settings, &table);
    if (rc != 0)
        return rc;
    (void)swgi_cache_is_on(cache); /* in a forked child it must be its own first */
    lock_all(cache);
    cache->settings = *settings;
    table = exchange(cache, table);
    swgi_store(&cache->is_on, cache->table != NULL);
    unlock_stripes(cache);
    if (cache->table != NULL)
        (void)swgi_cache_make_room(cache, 0, SWGI_CACHE_MAIN, now);
    pthread_mutex_unlock(&cache->order);
    free(table);
    return 0;
}
