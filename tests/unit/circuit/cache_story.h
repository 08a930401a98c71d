/* For stories about answer caches: one cache per story, answers that tell their key. */
#ifndef TESTS_UNIT_CIRCUIT_CACHE_STORY_H
#define TESTS_UNIT_CIRCUIT_CACHE_STORY_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "circuit/cache_table.h"

#define FRESH  INT64_C(1000)
#define STALE  INT64_C(5000)
#define BYTES  (UINT64_C(1) << 20)
#define MINUTE INT64_C(60000000000)

static struct swgi_cache *cache;

static inline struct swgi_cache_settings settings_of(uint64_t bytes_max) {
    return (struct swgi_cache_settings){
        .bytes_max = bytes_max,
        .fresh_for_ns = (uint64_t)FRESH,
        .stale_for_ns = (uint64_t)STALE,
    };
}

static inline int begin_cache(void **state) {
    struct swgi_cache_settings settings = settings_of(BYTES);
    (void)state;
    return swgi_cache_new(&cache, &settings);
}

static inline int end_cache(void **state) {
    (void)state;
    cache = swgi_cache_free(cache);
    return 0;
}

#define WITH_CACHE(name) cmocka_unit_test_setup_teardown(name, begin_cache, end_cache)

static inline struct swgi_cache_ask ask_for(uint64_t key) {
    return (struct swgi_cache_ask){ .key = key };
}

static inline enum swgi_cached begin_at(uint64_t key, int64_t now, struct swg_buffer *buffer) {
    struct swgi_cache_ask ask = ask_for(key);
    return swgi_cache_begin(cache, &ask, now, buffer);
}

/* An answer nobody asked for: it starts with its key. */
static inline void put_at(uint64_t key, int64_t now, size_t length) {
    static unsigned char bytes[BYTES];
    struct swgi_cache_ask ask = ask_for(key);
    assert_true(length >= sizeof(key) && length <= sizeof(bytes));
    memcpy(bytes, &key, sizeof(key));
    swgi_cache_put(cache, &ask, now, bytes, length);
}

static inline uint64_t told_by(const struct swg_buffer *buffer) {
    uint64_t key;
    assert_true(buffer->length >= sizeof(key));
    memcpy(&key, buffer->bytes, sizeof(key));
    return key;
}

/* Is it there, of that age? Nobody leads because we looked. */
static inline bool is_kept(uint64_t key, int64_t now) {
    struct swgi_cache_ask ask = ask_for(key);
    struct swg_buffer buffer = SWG_BUFFER_INIT;
    if (!swgi_cache_stale(cache, &ask, now, &buffer))
        return false;
    assert_int_equal(told_by(&buffer), key);
    swg_buffer_release(&buffer);
    return true;
}

static inline struct swgi_cache_statistics counted(void) {
    struct swgi_cache_statistics statistics;
    swgi_cache_read_statistics(cache, &statistics);
    return statistics;
}

#endif
