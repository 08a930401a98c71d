/* Answers kept: what comes back, how long, how many, and which ones make room. */
#include "cache_story.h"

#include "base/random.h"

static void test_what_was_put_comes_back(void **state) {
    struct swg_buffer buffer = SWG_BUFFER_INIT;
    struct swgi_cache_ask ask = ask_for(7);
    (void)state;
    assert_int_equal(swgi_cache_begin(cache, &ask, 100, &buffer), SWGI_CACHE_LEAD);
    assert_null(buffer.owner);
    swgi_cache_put(cache, &ask, 110, "answer", 7);
    assert_int_equal(swgi_cache_begin(cache, &ask, 120, &buffer), SWGI_CACHE_HIT);
    assert_int_equal(buffer.length, 7);
    assert_string_equal(buffer.bytes, "answer");
    assert_int_equal((uintptr_t)buffer.bytes % alignof(max_align_t), 0);
    swg_buffer_release(&buffer);
}

static void test_a_hit_copies_nothing(void **state) {
    struct swg_buffer first = SWG_BUFFER_INIT, second = SWG_BUFFER_INIT;
    (void)state;
    put_at(1, 0, 100);
    assert_int_equal(begin_at(1, 0, &first), SWGI_CACHE_HIT);
    assert_int_equal(begin_at(1, 0, &second), SWGI_CACHE_HIT);
    assert_ptr_equal(first.bytes, second.bytes);
    swg_buffer_release(&first);
    assert_int_equal(told_by(&second), 1);
    swg_buffer_release(&second);
}

static void test_keys_and_operations_are_apart(void **state) {
    struct swg_buffer buffer = SWG_BUFFER_INIT;
    struct swgi_cache_ask other = { .key = 1, .operation = 2 };
    (void)state;
    put_at(1, 0, 100);
    assert_int_equal(swgi_cache_begin(cache, &other, 0, &buffer), SWGI_CACHE_LEAD);
    swgi_cache_put(cache, &other, 0, "two", 3);
    assert_int_equal(begin_at(2, 0, &buffer), SWGI_CACHE_LEAD);
    assert_true(is_kept(1, 0));
    assert_int_equal(swgi_cache_begin(cache, &other, 0, &buffer), SWGI_CACHE_HIT);
    assert_memory_equal(buffer.bytes, "two", 3);
    swg_buffer_release(&buffer);
}

static void test_a_new_answer_replaces_the_old(void **state) {
    struct swg_buffer held = SWG_BUFFER_INIT, buffer = SWG_BUFFER_INIT;
    struct swgi_cache_ask ask = ask_for(1);
    (void)state;
    put_at(1, 0, 5000);
    uint64_t bytes = counted().bytes;
    assert_int_equal(begin_at(1, 0, &held), SWGI_CACHE_HIT);
    swgi_cache_put(cache, &ask, 10, NULL, 0);
    assert_int_equal(begin_at(1, 10, &buffer), SWGI_CACHE_HIT);
    assert_int_equal(buffer.length, 0);
    assert_non_null(buffer.bytes);
    swg_buffer_release(&buffer);
    assert_int_equal(counted().bytes,
                     bytes - swgi_cache_entry_bytes(5000) + swgi_cache_entry_bytes(0));
    assert_int_equal(counted().entries, 1);
    assert_int_equal(counted().evicted, 0);
    assert_int_equal(told_by(&held), 1);
    swg_buffer_release(&held);
}

static void test_an_earlier_question_has_an_older_answer(void **state) {
    struct swg_buffer buffer = SWG_BUFFER_INIT;
    struct swgi_cache_ask slow = ask_for(1), quick = { .key = 1, .lease_ns = 1 };
    (void)state;
    slow.lease_ns = 1;
    assert_int_equal(swgi_cache_begin(cache, &slow, 0, &buffer), SWGI_CACHE_LEAD);
    assert_int_equal(swgi_cache_begin(cache, &quick, 5, &buffer), SWGI_CACHE_LEAD);
    struct swgi_cache_ask third = quick, fourth = slow;
    swgi_cache_put(cache, &slow, 6, "slow", 4); /* better than nothing */
    assert_int_equal(begin_at(1, 6, &buffer), SWGI_CACHE_HIT);
    assert_memory_equal(buffer.bytes, "slow", 4);
    swg_buffer_release(&buffer);
    swgi_cache_put(cache, &third, 7, "quick", 5);
    swgi_cache_put(cache, &fourth, 8, "slow", 4);
    assert_int_equal(begin_at(1, 8, &buffer), SWGI_CACHE_HIT);
    assert_memory_equal(buffer.bytes, "quick", 5);
    swg_buffer_release(&buffer);
}

static void test_off_nothing_is_kept(void **state) {
    struct swgi_cache *none = NULL, *caches[2] = { NULL, NULL };
    struct swg_buffer buffer = SWG_BUFFER_INIT;
    struct swgi_cache_settings off = settings_of(0);
    (void)state;
    assert_int_equal(swgi_cache_new(&none, &off), 0);
    caches[1] = none;
    for (int i = 0; i < 2; i++) {
        struct swgi_cache_ask ask = ask_for(1);
        assert_int_equal(swgi_cache_begin(caches[i], &ask, 0, &buffer), SWGI_CACHE_LEAD);
        assert_int_equal(swgi_cache_begin(caches[i], &ask, 0, &buffer), SWGI_CACHE_LEAD);
        swgi_cache_put(caches[i], &ask, 0, "answer", 6);
        assert_false(swgi_cache_stale(caches[i], &ask, 0, &buffer));
        assert_int_equal(swgi_cache_wait(caches[i], &ask, 0, 1, &buffer), SWGI_CACHE_LEAD);
        swgi_cache_fail(caches[i], &ask);
        swgi_cache_leave(caches[i], &ask);
    }
    struct swgi_cache_statistics statistics;
    swgi_cache_read_statistics(NULL, &statistics);
    assert_int_equal(statistics.bytes, 0);
    swgi_cache_free(none);
    swgi_cache_free(NULL);
}

static void test_key_0_is_none(void **state) {
    struct swg_buffer buffer = SWG_BUFFER_INIT;
    struct swgi_cache_ask ask = ask_for(0);
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(swgi_cache_begin(cache, &ask, 0, &buffer), SWGI_CACHE_LEAD);
        swgi_cache_put(cache, &ask, 0, "answer", 6);
        assert_false(swgi_cache_stale(cache, &ask, 0, &buffer));
        assert_int_equal(swgi_cache_wait(cache, &ask, 0, 1, &buffer), SWGI_CACHE_LEAD);
    }
    assert_int_equal(counted().entries + counted().misses, 0);
}

static void test_an_answer_ages(void **state) {
    struct swg_buffer buffer = SWG_BUFFER_INIT;
    struct swgi_cache_ask ask = ask_for(1);
    (void)state;
    put_at(1, 100, 50);
    assert_int_equal(swgi_cache_begin(cache, &ask, 100 + FRESH - 1, &buffer), SWGI_CACHE_HIT);
    swg_buffer_release(&buffer);
    assert_int_equal(swgi_cache_begin(cache, &ask, 100 + FRESH, &buffer), SWGI_CACHE_LEAD);
    assert_true(is_kept(1, 100 + FRESH));
    assert_true(is_kept(1, 100 + STALE - 1));
    assert_int_equal(counted().stale, 2);
    assert_false(is_kept(1, 100 + STALE));
    swgi_cache_fail(cache, &ask);
    assert_true(is_kept(1, 100 + FRESH));
}

static void test_stale_shorter_than_fresh(void **state) {
    struct swgi_cache_settings settings = settings_of(BYTES);
    (void)state;
    settings.stale_for_ns = 0;
    assert_int_equal(swgi_cache_resize(cache, &settings, 0), 0);
    put_at(1, 0, 50);
    assert_true(is_kept(1, FRESH - 1));
    assert_false(is_kept(1, FRESH));
    assert_int_equal(counted().hits, 1);
    assert_int_equal(counted().stale, 0);
}

static void test_never_fresh_still_serves_in_need(void **state) {
    struct swgi_cache_settings settings = settings_of(BYTES);
    struct swg_buffer buffer = SWG_BUFFER_INIT;
    (void)state;
    settings.fresh_for_ns = 0;
    assert_int_equal(swgi_cache_resize(cache, &settings, 0), 0);
    put_at(1, 0, 50);
    assert_int_equal(begin_at(1, 0, &buffer), SWGI_CACHE_LEAD);
    assert_true(is_kept(1, 0));
}

static void test_time_that_runs_backward(void **state) {
    struct swg_buffer buffer = SWG_BUFFER_INIT;
    (void)state;
    put_at(1, MINUTE, 50);
    assert_int_equal(begin_at(1, MINUTE - 1000, &buffer), SWGI_CACHE_HIT);
    swg_buffer_release(&buffer);
    assert_false(is_kept(1, 0)); /* another clock altogether */
    assert_false(is_kept(1, INT64_MIN));
    assert_false(is_kept(1, INT64_MAX));
}

static void test_a_buffer_outlives_everything(void **state) {
    struct swg_buffer buffer = SWG_BUFFER_INIT, empty = SWG_BUFFER_INIT;
    (void)state;
    put_at(42, 0, 5000);
    assert_int_equal(begin_at(42, 0, &buffer), SWGI_CACHE_HIT);
    for (uint64_t key = 100; key < 1000; key++)
        put_at(key, 0, 5000);
    assert_false(is_kept(42, 0));
    cache = swgi_cache_free(cache);
    assert_int_equal(told_by(&buffer), 42);
    assert_int_equal(buffer.length, 5000);
    swg_buffer_release(&buffer);
    assert_null(buffer.bytes);
    assert_int_equal(buffer.length, 0);
    swg_buffer_release(&buffer);
    swg_buffer_release(&empty);
    swg_buffer_release(NULL);
}

/* What the cache says it takes is what its parts take. */
static void assert_books_balance(uint64_t bytes_max) {
    uint64_t bytes = sizeof(*cache) + cache->table->bytes, entries = 0;
    for (uint32_t i = 0; i < SWGI_CACHE_QUEUES; i++)
        for (struct swgi_cache_entry *e = cache->queues[i].oldest; e != NULL; e = e->newer) {
            bytes += swgi_cache_entry_bytes(e->length);
            entries++;
        }
    assert_int_equal(counted().bytes, bytes);
    assert_int_equal(counted().entries, entries);
    assert_true(bytes <= bytes_max);
}

static void test_bytes_are_bounded(void **state) {
    struct swgi_random random;
    (void)state;
    swgi_random_init(&random, 1);
    for (int i = 0; i < 20000; i++) {
        put_at(1 + swgi_random_below(&random, 500), 0, 8 + swgi_random_below(&random, 20000));
        assert_true(counted().bytes <= BYTES);
        if (i % 64 == 0)
            assert_books_balance(BYTES);
    }
    assert_true(counted().evicted > 1000);
    assert_true(counted().bytes > BYTES * 9 / 10);
}

static void test_the_smallest_cache_holds_something(void **state) {
    struct swgi_cache_settings settings = settings_of(SWGI_CACHE_BYTES_MIN);
    (void)state;
    assert_int_equal(swgi_cache_resize(cache, &settings, 0), 0);
    for (uint64_t key = 1; key <= 1000; key++)
        put_at(key, 0, 300);
    assert_books_balance(SWGI_CACHE_BYTES_MIN);
    assert_true(counted().entries > 50);
}

static void test_too_big_is_not_kept(void **state) {
    (void)state;
    put_at(1, 0, 100);
    put_at(2, 0, 100);
    put_at(1, 0, BYTES);
    assert_false(is_kept(1, 0)); /* the old answer is not the answer any more */
    assert_true(is_kept(2, 0));
    assert_int_equal(counted().entries, 1);
    assert_books_balance(BYTES);
}

/* ---- which ones make room */

#define LENGTH 1000
#define HOT    400 /* of about 1000 that fit */

static void use(uint64_t key) {
    struct swg_buffer buffer = SWG_BUFFER_INIT;
    struct swgi_cache_ask ask = ask_for(key);
    if (swgi_cache_begin(cache, &ask, 0, &buffer) == SWGI_CACHE_HIT) {
        swg_buffer_release(&buffer);
        return;
    }
    swgi_cache_leave(cache, &ask);
    put_at(key, 0, LENGTH);
}

static unsigned hot_left(void) {
    unsigned left = 0;
    for (uint64_t key = 1; key <= HOT; key++)
        left += is_kept(key, 0);
    return left;
}

/* The least recently used of as many entries as the real one holds leaves. */
static struct {
    uint64_t keys[2000];
    unsigned count, capacity;
} lru;

static bool lru_use(uint64_t key) {
    unsigned i = 0;
    while (i < lru.count && lru.keys[i] != key)
        i++;
    bool hit = i < lru.count;
    if (!hit && lru.count < lru.capacity)
        lru.count++;
    if (i >= lru.count)
        i = lru.count - 1;
    memmove(lru.keys + 1, lru.keys, i * sizeof(lru.keys[0]));
    lru.keys[0] = key;
    return hit;
}

static unsigned lru_hot_left(void) {
    unsigned left = 0;
    for (unsigned i = 0; i < lru.count; i++)
        left += lru.keys[i] <= HOT;
    return left;
}

static void use_both(uint64_t key) {
    use(key);
    lru_use(key);
}

static unsigned entries_that_fit(void) {
    uint64_t room = BYTES - sizeof(*cache) - cache->table->bytes;
    return (unsigned)(room / swgi_cache_entry_bytes(LENGTH));
}

/* Once through ten times what fits; nothing of the hot set is used meanwhile. */
static void test_a_scan_leaves_what_is_used(void **state) {
    (void)state;
    lru.count = 0;
    lru.capacity = entries_that_fit();
    for (int round = 0; round < 4; round++)
        for (uint64_t key = 1; key <= HOT; key++)
            use_both(key);
    for (uint64_t key = 0; key < 10 * lru.capacity; key++)
        use_both(100000 + key);
    assert_int_equal(hot_left(), HOT);
    assert_int_equal(lru_hot_left(), 0);
}

/* Hits of a hot set whose every use is followed by so many of a scan. */
static void test_hit_rates_under_a_scan(void **state) {
    struct swgi_random random;
    uint64_t scanned = 100000, lru_hits = 0, uses = 0;
    (void)state;
    swgi_random_init(&random, 3);
    lru.count = 0;
    lru.capacity = entries_that_fit();
    uint64_t former = counted().hits;
    for (int i = 0; i < 60000; i++) {
        if (i % 5 == 0) {
            uint64_t key = 1 + swgi_random_below(&random, HOT);
            use(key);
            lru_hits += lru_use(key);
            uses++;
        } else {
            use_both(scanned++);
        }
    }
    uint64_t hits = counted().hits - former;
    print_message("hits of %lu uses under a scan: %lu, with LRU %lu\n", (unsigned long)uses,
                  (unsigned long)hits, (unsigned long)lru_hits);
    assert_true(hits * 100 > uses * 85);
    assert_true(lru_hits * 100 < uses * 60);
}

/* Answers larger than the small queue pass by as well. */
static void test_a_scan_of_big_answers(void **state) {
    (void)state;
    for (int round = 0; round < 4; round++)
        for (uint64_t key = 1; key <= HOT; key++)
            use(key);
    for (uint64_t key = 0; key < 2000; key++) /* the used ones move to the main queue */
        use(100000 + key);
    for (uint64_t key = 0; key < 50; key++)
        put_at(200000 + key, 0, BYTES * 7 / 10);
    assert_int_equal(hot_left(), HOT);
    put_at(200049, 0, BYTES * 7 / 10);
    assert_true(is_kept(200049, 0)); /* asked for again */
    assert_books_balance(BYTES);
}

/* A key that is asked for again soon after it left is no scan's. */
static void test_a_ghost_comes_back_to_stay(void **state) {
    (void)state;
    for (uint64_t key = 1; key <= 1500; key++)
        use(key);
    assert_false(is_kept(1, 0));
    use(1);
    for (uint64_t key = 2000; key <= 5000; key++)
        use(key);
    assert_true(is_kept(1, 0));
    assert_false(is_kept(2000, 0));
}

static void test_the_dead_leave_however_used(void **state) {
    (void)state;
    for (int round = 0; round < 4; round++)
        for (uint64_t key = 1; key <= HOT; key++)
            use(key);
    for (uint64_t key = 0; key < 2000; key++)
        put_at(100000 + key, STALE, LENGTH);
    assert_int_equal(hot_left(), 0);
}

/* ---- other sizes */

static void test_growing_keeps_all(void **state) {
    struct swgi_cache_settings settings = settings_of(16 * BYTES);
    (void)state;
    for (uint64_t key = 1; key <= 900; key++)
        put_at(key, 0, LENGTH);
    assert_int_equal(swgi_cache_resize(cache, &settings, 0), 0);
    for (uint64_t key = 1; key <= 900; key++)
        assert_true(is_kept(key, 0));
    assert_books_balance(16 * BYTES);
    for (uint64_t key = 1; key <= 10000; key++)
        put_at(key, 0, LENGTH);
    assert_int_equal(counted().entries, 10000);
}

static void test_shrinking_keeps_what_fits(void **state) {
    struct swgi_cache_settings settings = settings_of(BYTES / 4);
    (void)state;
    for (int round = 0; round < 3; round++)
        for (uint64_t key = 1; key <= 100; key++)
            use(key);
    for (uint64_t key = 1000; key < 1700; key++)
        use(key);
    assert_int_equal(swgi_cache_resize(cache, &settings, 0), 0);
    assert_books_balance(BYTES / 4);
    assert_true(counted().bytes > BYTES / 4 - 2 * LENGTH);
    for (uint64_t key = 1; key <= 100; key++)
        assert_true(is_kept(key, 0));
    assert_int_equal(swgi_cache_resize(cache, &settings, 0), 0);
    assert_true(is_kept(1, 0));
}

static void test_off_and_on_again(void **state) {
    struct swgi_cache_settings off = settings_of(0), on = settings_of(BYTES);
    (void)state;
    put_at(1, 0, LENGTH);
    assert_int_equal(swgi_cache_resize(cache, &off, 0), 0);
    assert_int_equal(counted().entries, 0);
    assert_int_equal(counted().bytes, sizeof(*cache));
    put_at(1, 0, LENGTH);
    assert_int_equal(swgi_cache_resize(cache, &off, 0), 0);
    assert_int_equal(swgi_cache_resize(cache, &on, 0), 0);
    assert_false(is_kept(1, 0));
    put_at(1, 0, LENGTH);
    assert_true(is_kept(1, 0));
    assert_books_balance(BYTES);
}

static void test_settings_that_cannot_be(void **state) {
    struct swgi_cache_settings small = settings_of(SWGI_CACHE_BYTES_MIN - 1);
    struct swgi_cache *none = NULL;
    (void)state;
    put_at(1, 0, LENGTH);
    assert_int_equal(swgi_cache_new(&none, &small), -EINVAL);
    assert_null(none);
    assert_int_equal(swgi_cache_resize(cache, &small, 0), -EINVAL);
    assert_true(is_kept(1, 0));
    assert_books_balance(BYTES);
}

/* ---- no memory */

/* Sanitizers end the program otherwise. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
    return "allocator_may_return_null=1";
}

#define MORE_THAN_THERE_IS (SIZE_MAX >> 18)

static void test_without_memory_nothing_is_kept(void **state) {
    struct swgi_cache_settings settings = settings_of(2 * MORE_THAN_THERE_IS);
    struct swgi_cache_ask ask = ask_for(1);
    (void)state;
    assert_int_equal(swgi_cache_resize(cache, &settings, 0), 0);
    put_at(1, 0, 100);
    put_at(2, 0, 100);
    swgi_cache_put(cache, &ask, 0, &ask, MORE_THAN_THERE_IS);
    assert_false(is_kept(1, 0));
    assert_true(is_kept(2, 0));
    assert_books_balance(settings.bytes_max);
    put_at(1, 0, 100);
    assert_true(is_kept(1, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_CACHE(test_what_was_put_comes_back),
        WITH_CACHE(test_a_hit_copies_nothing),
        WITH_CACHE(test_keys_and_operations_are_apart),
        WITH_CACHE(test_a_new_answer_replaces_the_old),
        WITH_CACHE(test_an_earlier_question_has_an_older_answer),
        WITH_CACHE(test_off_nothing_is_kept),
        WITH_CACHE(test_key_0_is_none),
        WITH_CACHE(test_an_answer_ages),
        WITH_CACHE(test_stale_shorter_than_fresh),
        WITH_CACHE(test_never_fresh_still_serves_in_need),
        WITH_CACHE(test_time_that_runs_backward),
        WITH_CACHE(test_a_buffer_outlives_everything),
        WITH_CACHE(test_bytes_are_bounded),
        WITH_CACHE(test_the_smallest_cache_holds_something),
        WITH_CACHE(test_too_big_is_not_kept),
        WITH_CACHE(test_a_scan_leaves_what_is_used),
        WITH_CACHE(test_hit_rates_under_a_scan),
        WITH_CACHE(test_a_scan_of_big_answers),
        WITH_CACHE(test_a_ghost_comes_back_to_stay),
        WITH_CACHE(test_the_dead_leave_however_used),
        WITH_CACHE(test_growing_keeps_all),
        WITH_CACHE(test_shrinking_keeps_what_fits),
        WITH_CACHE(test_off_and_on_again),
        WITH_CACHE(test_settings_that_cannot_be),
        WITH_CACHE(test_without_memory_nothing_is_kept),
    };

    return cmocka_run_group_tests_name("circuit: cache", tests, NULL, NULL);
}
