/*
 * The answer cache beside S3-FIFO as its paper tells it: lists that are walked, ghosts by name, a
 * sum for the bytes. One thread; answers, ages, evictions and bytes agree after every step.
 *
 * Taken over from cache_table.c, being choices of ours: what an answer costs in bytes, what the
 * books cost, and how many ghosts there are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "circuit/cache_table.h"

#define SLOTS  16384
#define GHOSTS 8192

struct answer {
    uint64_t key, cost, value;
    uint32_t operation;
    unsigned uses;
    int64_t put_at;
};

/* Oldest first. */
struct list {
    struct answer answers[SLOTS];
    unsigned count;
};

static struct naive {
    struct swgi_cache_settings settings;
    struct list small, main;
    struct {
        uint64_t key;
        uint32_t operation;
    } ghosts[GHOSTS]; /* oldest first; key 0: came back */
    unsigned ghosts_count, ghosts_max;
    uint64_t books, evicted;
} naive;

static struct swgi_cache *cache;
/* Times that a test came to the rarer turns. */
static uint64_t proven, returned, refused;

static uint64_t sum_of(const struct list *list) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < list->count; i++)
        sum += list->answers[i].cost;
    return sum;
}

static uint64_t naive_bytes(void) {
    return naive.books + sum_of(&naive.small) + sum_of(&naive.main);
}

static struct answer *find_in(struct list *list, uint64_t key, uint32_t operation) {
    for (unsigned i = 0; i < list->count; i++)
        if (list->answers[i].key == key && list->answers[i].operation == operation)
            return &list->answers[i];
    return NULL;
}

static struct answer *naive_find(uint64_t key, uint32_t operation) {
    struct answer *found = find_in(&naive.small, key, operation);
    return found != NULL ? found : find_in(&naive.main, key, operation);
}

static struct answer take_oldest(struct list *list) {
    struct answer oldest = list->answers[0];
    memmove(list->answers, list->answers + 1, --list->count * sizeof(oldest));
    return oldest;
}

static void push(struct list *list, struct answer answer) {
    assert_true(list->count < SLOTS);
    list->answers[list->count++] = answer;
}

static void remember(uint64_t key, uint32_t operation) {
    if (naive.ghosts_count == naive.ghosts_max)
        memmove(naive.ghosts, naive.ghosts + 1, --naive.ghosts_count * sizeof(naive.ghosts[0]));
    naive.ghosts[naive.ghosts_count].key = key;
    naive.ghosts[naive.ghosts_count++].operation = operation;
}

static bool was_ghost(uint64_t key, uint32_t operation) {
    for (unsigned i = naive.ghosts_count; i > 0; i--)
        if (naive.ghosts[i - 1].key == key && naive.ghosts[i - 1].operation == operation) {
            naive.ghosts[i - 1].key = 0;
            returned++;
            return true;
        }
    return false;
}

static bool younger(const struct answer *answer, int64_t now, uint64_t age) {
    return (uint64_t)(now - answer->put_at) < age;
}

static bool is_dead(const struct answer *answer, int64_t now) {
    return !younger(answer, now, naive.settings.fresh_for_ns) &&
           !younger(answer, now, naive.settings.stale_for_ns);
}

/* "evictS" and "evictM" of the paper's Algorithm 1. */
static void evict_small(int64_t now) {
    struct answer oldest = take_oldest(&naive.small);
    if (!is_dead(&oldest, now) && oldest.uses > 1) {
        oldest.uses = 0;
        proven++;
        push(&naive.main, oldest);
        return;
    }
    naive.evicted++;
    if (!is_dead(&oldest, now))
        remember(oldest.key, oldest.operation);
}

static void evict_main(int64_t now) {
    struct answer oldest = take_oldest(&naive.main);
    if (!is_dead(&oldest, now) && oldest.uses > 0) {
        oldest.uses--;
        push(&naive.main, oldest);
        return;
    }
    naive.evicted++;
}

/* A newcomer to the small queue that is bigger than its share gets what is there and no more. */
static bool naive_room(uint64_t cost, bool to_main, int64_t now) {
    uint64_t share = naive.settings.bytes_max / 10;
    bool is_big = !to_main && cost > share;
    if (is_big && naive.books + sum_of(&naive.main) + cost > naive.settings.bytes_max)
        return false;
    while (naive_bytes() + cost > naive.settings.bytes_max) {
        bool over = sum_of(&naive.small) + (to_main ? 0 : cost) > share;
        if (naive.small.count > 0 && (over || naive.main.count == 0))
            evict_small(now);
        else if (naive.main.count > 0 && !is_big)
            evict_main(now);
        else
            return false;
    }
    return true;
}

static void forget(struct list *list, struct answer *answer) {
    unsigned at = (unsigned)(answer - list->answers);
    memmove(answer, answer + 1, (--list->count - at) * sizeof(*answer));
}

static void naive_refuse(uint64_t key, uint32_t operation) {
    struct answer *former = find_in(&naive.small, key, operation);
    if (former != NULL)
        forget(&naive.small, former);
    former = find_in(&naive.main, key, operation);
    if (former != NULL)
        forget(&naive.main, former);
}

static void naive_put(struct answer answer) {
    uint64_t capacity = naive.settings.bytes_max - naive.books;
    if (answer.cost > capacity) {
        naive_refuse(answer.key, answer.operation);
        return;
    }
    bool to_main = find_in(&naive.main, answer.key, answer.operation) != NULL ||
                   was_ghost(answer.key, answer.operation);
    if (!naive_room(answer.cost, to_main, answer.put_at)) {
        remember(answer.key, answer.operation);
        naive_refuse(answer.key, answer.operation);
        return;
    }
    struct answer *former = naive_find(answer.key, answer.operation);
    if (former == NULL) {
        push(to_main ? &naive.main : &naive.small, answer);
        return;
    }
    answer.uses = former->uses < 3 ? former->uses + 1 : 3;
    *former = answer;
}

static struct answer *naive_get(uint64_t key, uint32_t operation, int64_t now, bool stale_too) {
    struct answer *found = naive_find(key, operation);
    if (found == NULL || (!younger(found, now, naive.settings.fresh_for_ns) &&
                          !(stale_too && younger(found, now, naive.settings.stale_for_ns))))
        return NULL;
    if (found->uses < 3)
        found->uses++;
    return found;
}

/* ---- both at once */

struct plan {
    uint64_t bytes_max, keys;
    size_t length_most;
    uint64_t fresh, stale, tick; /* time passes by up to tick a step */
    bool resizes;
};

static struct swgi_random randoms;
static uint64_t values, hits, stales, misses;

static void configure(const struct plan *plan, uint64_t bytes_max) {
    naive.settings = (struct swgi_cache_settings){
        .bytes_max = bytes_max,
        .fresh_for_ns = plan->fresh,
        .stale_for_ns = plan->stale,
    };
}

static void open_both(const struct plan *plan, uint64_t seed) {
    swgi_random_init(&randoms, seed);
    memset(&naive, 0, sizeof(naive));
    configure(plan, plan->bytes_max);
    assert_int_equal(swgi_cache_new(&cache, &naive.settings), 0);
    cache->seed = seed; /* so that ghosts that look alike look alike each time */
    naive.books = sizeof(*cache) + cache->table->bytes;
    naive.ghosts_max = (unsigned)cache->table->mask + 1;
    assert_true(naive.ghosts_max <= GHOSTS);
}

static void put_both(const struct plan *plan, struct swgi_cache_ask *ask, int64_t now) {
    static uint64_t bytes[1 << 15];
    size_t length = swgi_random_below(&randoms, plan->length_most - 7) + 8;
    if (swgi_random_below(&randoms, 50) == 0)
        length = swgi_random_below(&randoms, sizeof(bytes) - 7) + 8;
    bytes[0] = ++values;
    swgi_cache_put(cache, ask, now, bytes, length);
    naive_put((struct answer){ .key = ask->key,
                               .operation = ask->operation,
                               .cost = swgi_cache_entry_bytes(length),
                               .value = values,
                               .put_at = now });
    refused += naive_find(ask->key, ask->operation) == NULL;
}

static void assert_same(bool got, struct swg_buffer *buffer, const struct answer *expected) {
    assert_int_equal(got, expected != NULL);
    if (!got)
        return;
    assert_int_equal(*(const uint64_t *)buffer->bytes, expected->value);
    assert_int_equal(swgi_cache_entry_bytes(buffer->length), expected->cost);
    swg_buffer_release(buffer);
}

/* One of a few in two of three times: some are hot. */
static uint64_t some_key(const struct plan *plan) {
    uint64_t few = plan->keys / 20;
    return 1 + swgi_random_below(&randoms, swgi_random_below(&randoms, 3) > 0 ? few : plan->keys);
}

static void call_both(const struct plan *plan, int64_t now) {
    struct swg_buffer buffer = SWG_BUFFER_INIT;
    struct swgi_cache_ask ask = { .key = some_key(plan),
                                  .operation = (uint32_t)swgi_random_below(&randoms, 2) };
    bool got = swgi_cache_begin(cache, &ask, now, &buffer) == SWGI_CACHE_HIT;
    hits += got;
    misses += !got;
    assert_same(got, &buffer, naive_get(ask.key, ask.operation, now, false));
    if (!got && swgi_random_below(&randoms, 8) > 0) {
        put_both(plan, &ask, now);
    } else if (!got) {
        swgi_cache_fail(cache, &ask);
        got = swgi_cache_stale(cache, &ask, now, &buffer);
        stales += got;
        assert_same(got, &buffer, naive_get(ask.key, ask.operation, now, true));
    }
}

/* Within one size of the table, so that the ghosts stay. */
static void resize_both(const struct plan *plan, int64_t now) {
    configure(plan, plan->bytes_max + swgi_random_below(&randoms, plan->bytes_max - 1));
    assert_int_equal(swgi_cache_resize(cache, &naive.settings, now), 0);
    assert_true(naive_room(0, true, now));
}

static void assert_books(void) {
    struct swgi_cache_statistics statistics;
    swgi_cache_read_statistics(cache, &statistics);
    assert_int_equal(statistics.bytes, naive_bytes());
    assert_true(statistics.bytes <= naive.settings.bytes_max);
    assert_int_equal(statistics.entries, naive.small.count + naive.main.count);
    assert_int_equal(statistics.evicted, naive.evicted);
    assert_int_equal(statistics.hits, hits);
    assert_int_equal(statistics.stale, stales);
    assert_int_equal(statistics.misses, misses);
}

static void live(const struct plan *plan, uint64_t seed, unsigned steps) {
    int64_t now = 0;
    open_both(plan, seed);
    hits = stales = misses = 0;
    for (unsigned i = 0; i < steps; i++) {
        now += (int64_t)swgi_random_below(&randoms, plan->tick + 1);
        if (plan->resizes && swgi_random_below(&randoms, 500) == 0)
            resize_both(plan, now);
        call_both(plan, now);
        if (i % 16 == 0)
            assert_books();
    }
    assert_true(hits > 0 && stales > 0 && naive.evicted > 0);
    cache = swgi_cache_free(cache);
}

static void live_often(const struct plan *plan) {
    proven = returned = refused = 0;
    for (uint64_t seed = 1; seed <= 8; seed++)
        live(plan, seed, 30000);
    assert_true(proven > 100 && returned > 100 && refused > 100);
}

static void test_answers_of_one_size(void **state) {
    (void)state;
    live_often(&(struct plan){ 1 << 17, 1000, 8, 100000, 300000, 100, false });
}

static void test_answers_of_all_sizes(void **state) {
    (void)state;
    live_often(&(struct plan){ 1 << 18, 400, 4000, 100000, 300000, 100, false });
}

static void test_answers_that_die_young(void **state) {
    (void)state;
    live_often(&(struct plan){ 1 << 17, 1000, 500, 1000, 3000, 20, false });
}

static void test_a_bound_that_moves(void **state) {
    (void)state;
    live_often(&(struct plan){ 1 << 17, 1000, 800, 100000, 300000, 100, true });
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_of_one_size),
        cmocka_unit_test(test_answers_of_all_sizes),
        cmocka_unit_test(test_answers_that_die_young),
        cmocka_unit_test(test_a_bound_that_moves),
    };

    return cmocka_run_group_tests_name("model: cache", tests, NULL, NULL);
}
