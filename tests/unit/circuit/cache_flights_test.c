/* Misses of one key at once: who leads, who follows, and what followers are told in the end. */
#include "cache_story.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/random.h"

#define KEY       UINT64_C(5)
#define FOLLOWERS 8
#define LONG      (10 * MINUTE)

static struct swgi_cache_ask leader;
static struct swg_buffer unused = SWG_BUFFER_INIT;

/* Each follows KEY and waits. */
static struct {
    pthread_t thread;
    enum swgi_cached answer;
    struct swgi_cache_ask ask;
    struct swg_buffer buffer;
    int64_t until;
} followers[FOLLOWERS];

static int begin_flight(void **state) {
    leader = (struct swgi_cache_ask){ .key = KEY, .lease_ns = (uint64_t)LONG };
    return begin_cache(state) != 0 ||
                   swgi_cache_begin(cache, &leader, 0, &unused) != SWGI_CACHE_LEAD
               ? -1
               : 0;
}

static int end_flight(void **state) {
    for (int i = 0; i < FOLLOWERS; i++)
        swg_buffer_release(&followers[i].buffer);
    return end_cache(state);
}

#define IN_FLIGHT(name) cmocka_unit_test_setup_teardown(name, begin_flight, end_flight)

static void *follow(void *arg) {
    size_t i = (size_t)arg;
    followers[i].answer =
        swgi_cache_wait(cache, &followers[i].ask, 0, followers[i].until, &followers[i].buffer);
    return NULL;
}

static uint32_t waiting(uint64_t key) {
    struct swgi_cache_ask ask = ask_for(key);
    struct swgi_cache_stripe *stripe = swgi_cache_lock(cache, swgi_cache_hash(cache, &ask));
    uint32_t count = 0;
    for (uint32_t i = 0; i < SWGI_CACHE_FLIGHTS; i++)
        count += stripe->flights[i].key == key ? stripe->flights[i].waiting : 0;
    pthread_mutex_unlock(&stripe->mutex);
    return count;
}

static void start(size_t i, int64_t until) {
    followers[i].ask = (struct swgi_cache_ask){ .key = KEY, .lease_ns = (uint64_t)LONG };
    followers[i].buffer = (struct swg_buffer)SWG_BUFFER_INIT;
    followers[i].until = until;
    assert_int_equal(swgi_cache_begin(cache, &followers[i].ask, 0, &followers[i].buffer),
                     SWGI_CACHE_FOLLOW);
    assert_int_equal(pthread_create(&followers[i].thread, NULL, follow, (void *)i), 0);
}

static void await_waiting(uint32_t count) {
    int64_t end = swgi_clock_of(CLOCK_MONOTONIC) + MINUTE;
    while (waiting(KEY) != count && swgi_clock_of(CLOCK_MONOTONIC) < end)
        sched_yield();
    assert_int_equal(waiting(KEY), count);
}

static void await_leads(uint64_t count) {
    int64_t end = swgi_clock_of(CLOCK_MONOTONIC) + MINUTE;
    while (counted().misses != count && swgi_clock_of(CLOCK_MONOTONIC) < end)
        sched_yield();
    assert_int_equal(counted().misses, count);
}

static void all_follow(void) {
    for (size_t i = 0; i < FOLLOWERS; i++)
        start(i, LONG);
    await_waiting(FOLLOWERS);
}

static int join_all(enum swgi_cached answer) {
    int count = 0;
    for (size_t i = 0; i < FOLLOWERS; i++) {
        assert_int_equal(pthread_join(followers[i].thread, NULL), 0);
        count += followers[i].answer == answer;
    }
    return count;
}

static void assert_all_told(uint64_t key) {
    for (size_t i = 0; i < FOLLOWERS; i++) {
        assert_ptr_equal(followers[i].buffer.bytes, followers[0].buffer.bytes);
        assert_int_equal(told_by(&followers[i].buffer), key);
    }
}

static void answer(struct swgi_cache_ask *ask) {
    const uint64_t key = ask->key;
    swgi_cache_put(cache, ask, 0, &key, sizeof(key));
}

static void test_one_call_for_all(void **state) {
    (void)state;
    all_follow();
    answer(&leader);
    assert_int_equal(join_all(SWGI_CACHE_HIT), FOLLOWERS);
    assert_all_told(KEY);
    assert_int_equal(counted().misses, 1);
    assert_int_equal(counted().coalesced, FOLLOWERS);
    assert_int_equal(waiting(KEY), 0);
}

static void test_other_keys_are_not_held_up(void **state) {
    struct swgi_cache_ask other = { .key = KEY, .operation = 1 };
    (void)state;
    assert_int_equal(begin_at(KEY + 1, 0, &unused), SWGI_CACHE_LEAD);
    assert_int_equal(swgi_cache_begin(cache, &other, 0, &unused), SWGI_CACHE_LEAD);
    assert_int_equal(begin_at(KEY, 0, &unused), SWGI_CACHE_FOLLOW);
}

static void test_an_answer_never_fresh_reaches_followers(void **state) {
    struct swgi_cache_settings settings = settings_of(BYTES);
    (void)state;
    settings.fresh_for_ns = settings.stale_for_ns = 0;
    assert_int_equal(swgi_cache_resize(cache, &settings, 0), 0);
    all_follow();
    answer(&leader);
    assert_int_equal(join_all(SWGI_CACHE_HIT), FOLLOWERS);
    assert_all_told(KEY);
}

/* Nobody rushes to a dependency that just failed: all are told, and of who asks again one leads. */
static void test_failure_is_told_to_all(void **state) {
    (void)state;
    all_follow();
    swgi_cache_fail(cache, &leader);
    assert_int_equal(join_all(SWGI_CACHE_FAILED), FOLLOWERS);
    assert_int_equal(begin_at(KEY, 0, &unused), SWGI_CACHE_LEAD);
    for (int i = 0; i < FOLLOWERS; i++)
        assert_int_equal(begin_at(KEY, 0, &unused), SWGI_CACHE_FOLLOW);
}

static void test_failure_is_told_to_who_comes_late(void **state) {
    struct swgi_cache_ask late = ask_for(KEY);
    (void)state;
    assert_int_equal(swgi_cache_begin(cache, &late, 0, &unused), SWGI_CACHE_FOLLOW);
    swgi_cache_fail(cache, &leader);
    assert_int_equal(swgi_cache_begin(cache, &leader, 0, &unused), SWGI_CACHE_LEAD);
    assert_int_equal(swgi_cache_wait(cache, &late, 0, LONG, &unused), SWGI_CACHE_FAILED);
    assert_int_equal(swgi_cache_wait(cache, &late, 0, 0, &unused), SWGI_CACHE_LATE);
}

static void test_an_answer_is_told_to_who_comes_late(void **state) {
    struct swgi_cache_ask late = ask_for(KEY);
    struct swg_buffer buffer = SWG_BUFFER_INIT;
    (void)state;
    assert_int_equal(swgi_cache_begin(cache, &late, 0, &unused), SWGI_CACHE_FOLLOW);
    answer(&leader);
    assert_int_equal(swgi_cache_wait(cache, &late, 0, 0, &buffer), SWGI_CACHE_HIT);
    assert_int_equal(told_by(&buffer), KEY);
    swg_buffer_release(&buffer);
}

/* A leader that leaves hands over to one. */
static void test_one_takes_over(void **state) {
    size_t taker = 0;
    (void)state;
    all_follow();
    swgi_cache_leave(cache, &leader);
    await_waiting(FOLLOWERS - 1);
    assert_int_equal(begin_at(KEY, 0, &unused), SWGI_CACHE_FOLLOW);
    while (taker < FOLLOWERS && followers[taker].ask.ticket == 0)
        taker++;
    assert_int_equal(pthread_join(followers[taker].thread, NULL), 0);
    assert_int_equal(followers[taker].answer, SWGI_CACHE_LEAD);
    answer(&followers[taker].ask);
    for (size_t i = 0; i < FOLLOWERS; i++)
        if (i != taker) {
            assert_int_equal(pthread_join(followers[i].thread, NULL), 0);
            assert_int_equal(followers[i].answer, SWGI_CACHE_HIT);
        }
    assert_int_equal(counted().misses, 2);
}

static void test_who_asks_after_one_left_leads(void **state) {
    (void)state;
    swgi_cache_leave(cache, &leader);
    assert_int_equal(leader.ticket, 0);
    assert_int_equal(begin_at(KEY, 0, &unused), SWGI_CACHE_LEAD);
    assert_int_equal(begin_at(KEY, 0, &unused), SWGI_CACHE_FOLLOW);
}

/* The thread of the leader ended without a word. */
static void *lead_and_die(void *arg) {
    struct swgi_cache_ask ask = { .key = KEY, .lease_ns = 1000000 };
    (void)arg;
    swgi_cache_leave(cache, &leader);
    return (void *)(uintptr_t)swgi_cache_begin(cache, &ask, 0, &unused);
}

static void test_the_dead_lead_for_their_lease(void **state) {
    pthread_t thread;
    void *began = NULL;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, lead_and_die, NULL), 0);
    assert_int_equal(pthread_join(thread, &began), 0);
    assert_int_equal((uintptr_t)began, SWGI_CACHE_LEAD);
    assert_int_equal(begin_at(KEY, 999999, &unused), SWGI_CACHE_FOLLOW);
    for (size_t i = 0; i < FOLLOWERS; i++)
        start(i, LONG);
    await_leads(3); /* one has taken over */
    await_waiting(FOLLOWERS - 1);
    assert_int_equal(begin_at(KEY, 2000000, &unused), SWGI_CACHE_FOLLOW);
    struct swgi_cache_ask latest = ask_for(KEY);
    answer(&latest);
    assert_int_equal(join_all(SWGI_CACHE_HIT), FOLLOWERS - 1);
}

static void test_who_asks_after_the_lease_leads(void **state) {
    (void)state;
    assert_int_equal(begin_at(KEY, LONG - 1, &unused), SWGI_CACHE_FOLLOW);
    assert_int_equal(begin_at(KEY, LONG, &unused), SWGI_CACHE_LEAD);
    assert_int_equal(begin_at(KEY, LONG + 1, &unused), SWGI_CACHE_FOLLOW);
    swgi_cache_fail(cache, &leader); /* who was replaced ends nothing */
    assert_int_equal(begin_at(KEY, LONG + 2, &unused), SWGI_CACHE_FOLLOW);
    swgi_cache_leave(cache, &leader);
    assert_int_equal(begin_at(KEY, LONG + 2, &unused), SWGI_CACHE_FOLLOW);
    assert_int_equal(begin_at(KEY, LONG + (int64_t)SWGI_CACHE_LEASE_NS, &unused), SWGI_CACHE_LEAD);
}

static void test_only_leaders_end(void **state) {
    struct swgi_cache_ask follower = leader;
    (void)state;
    assert_int_equal(swgi_cache_begin(cache, &follower, 0, &unused), SWGI_CACHE_FOLLOW);
    assert_int_equal(follower.ticket, 0);
    swgi_cache_fail(cache, &follower);
    swgi_cache_leave(cache, &follower);
    assert_int_equal(begin_at(KEY, 0, &unused), SWGI_CACHE_FOLLOW);
    struct swgi_cache_ask ended = leader;
    answer(&leader);
    assert_int_equal(leader.ticket, 0);
    swgi_cache_fail(cache, &leader);
    swgi_cache_fail(cache, &ended);
    assert_true(is_kept(KEY, 0));
}

/* Sleeping, not asking again and again. */
static void *wait_in_vain(void *arg) {
    struct swgi_cache_ask ask = ask_for(KEY);
    struct rusage before, after;
    bool good = getrusage(RUSAGE_THREAD, &before) == 0 &&
                swgi_cache_wait(cache, &ask, 0, 20000000, &unused) == SWGI_CACHE_LATE &&
                getrusage(RUSAGE_THREAD, &after) == 0 && after.ru_nvcsw > before.ru_nvcsw;
    return good ? arg : NULL;
}

static void test_waiting_is_sleeping(void **state) {
    pthread_t thread;
    void *good = NULL;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, wait_in_vain, cache), 0);
    assert_int_equal(pthread_join(thread, &good), 0);
    assert_non_null(good);
}

static void test_patience_ends(void **state) {
    (void)state;
    start(0, 1000000);
    assert_int_equal(pthread_join(followers[0].thread, NULL), 0);
    assert_int_equal(followers[0].answer, SWGI_CACHE_LATE);
    assert_int_equal(waiting(KEY), 0);
    assert_int_equal(swgi_cache_wait(cache, &followers[0].ask, 50, 50, &unused), SWGI_CACHE_LATE);
    assert_int_equal(begin_at(KEY, 0, &unused), SWGI_CACHE_FOLLOW);
}

/* What cannot be kept cannot be handed on: each calls for itself, and none waits for another. */
static void test_what_is_too_big_is_asked_for_by_each(void **state) {
    static const unsigned char bytes[BYTES];
    (void)state;
    all_follow();
    swgi_cache_put(cache, &leader, 0, bytes, sizeof(bytes));
    assert_int_equal(join_all(SWGI_CACHE_LEAD), FOLLOWERS);
    assert_int_equal(counted().misses, 1 + FOLLOWERS);
}

static void test_switched_off_nobody_waits_on(void **state) {
    struct swgi_cache_settings off = settings_of(0);
    (void)state;
    all_follow();
    assert_int_equal(swgi_cache_resize(cache, &off, 0), 0);
    assert_int_equal(join_all(SWGI_CACHE_LEAD), FOLLOWERS);
}

static void test_another_size_disturbs_no_flight(void **state) {
    struct swgi_cache_settings larger = settings_of(4 * BYTES);
    (void)state;
    all_follow();
    assert_int_equal(swgi_cache_resize(cache, &larger, 0), 0);
    await_waiting(FOLLOWERS);
    answer(&leader);
    assert_int_equal(join_all(SWGI_CACHE_HIT), FOLLOWERS);
}

static void test_a_cancelled_follower_leaves_nothing_locked(void **state) {
    void *result = NULL;
    (void)state;
    start(0, LONG);
    await_waiting(1);
    assert_int_equal(pthread_cancel(followers[0].thread), 0);
    assert_int_equal(pthread_join(followers[0].thread, &result), 0);
    assert_ptr_equal(result, PTHREAD_CANCELED);
    assert_int_equal(waiting(KEY), 0);
    answer(&leader);
    assert_true(is_kept(KEY, 0));
}

/* So many keys at once coalesce, all others are led by each for itself; the dead free their place. */
static void test_flights_are_bounded(void **state) {
    const uint64_t many = 100 * SWGI_CACHE_STRIPES * SWGI_CACHE_FLIGHTS;
    uint64_t coalesce = 0;
    (void)state;
    for (uint64_t key = 100; key < 100 + many; key++)
        assert_int_equal(begin_at(key, 0, &unused), SWGI_CACHE_LEAD);
    for (uint64_t key = 100; key < 100 + many; key++)
        coalesce += begin_at(key, 0, &unused) == SWGI_CACHE_FOLLOW;
    assert_int_equal(coalesce, SWGI_CACHE_STRIPES * SWGI_CACHE_FLIGHTS - 1);
    put_at(100 + many - 1, 0, 100);
    assert_true(is_kept(100 + many - 1, 0));
    int64_t later = (int64_t)SWGI_CACHE_LEASE_NS;
    assert_int_equal(begin_at(99, later, &unused), SWGI_CACHE_LEAD);
    assert_int_equal(begin_at(99, later, &unused), SWGI_CACHE_FOLLOW);
    assert_int_equal(begin_at(KEY, later, &unused), SWGI_CACHE_FOLLOW);
}

/* Followers that have not come to look keep what they were told. */
static void test_a_flight_is_not_taken_from_who_waits(void **state) {
    struct swgi_cache_ask ask = ask_for(KEY + 1);
    struct swgi_cache_stripe *stripe =
        &cache->stripes[swgi_cache_hash(cache, &ask) % SWGI_CACHE_STRIPES];
    (void)state;
    for (uint32_t i = 0; i < SWGI_CACHE_FLIGHTS; i++)
        stripe->flights[i].waiting++;
    assert_int_equal(swgi_cache_begin(cache, &ask, 0, &unused), SWGI_CACHE_LEAD);
    assert_int_equal(swgi_cache_begin(cache, &ask, 0, &unused), SWGI_CACHE_LEAD);
    for (uint32_t i = 0; i < SWGI_CACHE_FLIGHTS; i++)
        stripe->flights[i].waiting--;
    assert_int_equal(swgi_cache_begin(cache, &ask, 0, &unused), SWGI_CACHE_LEAD);
    assert_int_equal(swgi_cache_begin(cache, &ask, 0, &unused), SWGI_CACHE_FOLLOW);
}

/* ---- many threads, all at once */

#define STORM_STEPS 100000
#define STORM_KEYS  300

static size_t length_of(uint64_t key) {
    return 16 + (size_t)(key * 37 % 4000);
}

/* Answers tell their key in each word, so a wrong, torn or freed one shows. */
static void put_words(struct swgi_cache_ask *ask, int64_t now) {
    uint64_t words[512];
    size_t length = length_of(ask->key) / 8 * 8;
    for (size_t i = 0; i < length / 8; i++)
        words[i] = ask->key * 1000 + ask->operation;
    swgi_cache_put(cache, ask, now, words, length);
}

static bool is_whole(const struct swgi_cache_ask *ask, struct swg_buffer *buffer) {
    bool good = buffer->length == length_of(ask->key) / 8 * 8;
    for (size_t i = 0; good && i < buffer->length / 8; i++)
        good = ((const uint64_t *)buffer->bytes)[i] == ask->key * 1000 + ask->operation;
    swg_buffer_release(buffer);
    return good;
}

static void end_lead(struct swgi_cache_ask *ask, int64_t now, uint64_t chance) {
    if (chance < 80)
        put_words(ask, now);
    else if (chance < 90)
        swgi_cache_fail(cache, ask);
    else if (chance < 98)
        swgi_cache_leave(cache, ask);
}

static bool storm_step(struct swgi_random *random, int64_t now) {
    struct swg_buffer buffer = SWG_BUFFER_INIT;
    struct swgi_cache_ask ask = { .key = 1 + swgi_random_below(random, STORM_KEYS),
                                  .operation = (uint32_t)swgi_random_below(random, 2),
                                  .lease_ns = 50000 };
    enum swgi_cached got = swgi_cache_begin(cache, &ask, now, &buffer);
    if (got == SWGI_CACHE_FOLLOW)
        got = swgi_cache_wait(cache, &ask, now, now + 1000000, &buffer);
    if (got == SWGI_CACHE_HIT)
        return is_whole(&ask, &buffer);
    if (got == SWGI_CACHE_LEAD)
        end_lead(&ask, now, swgi_random_below(random, 100));
    else if (swgi_cache_stale(cache, &ask, now, &buffer))
        return is_whole(&ask, &buffer);
    return true;
}

static void *storm(void *arg) {
    struct swgi_random random;
    uintptr_t wrong = 0;
    swgi_random_init(&random, (uintptr_t)arg);
    for (int i = 0; i < STORM_STEPS; i++)
        wrong += !storm_step(&random, i);
    return (void *)wrong;
}

static void *resize_storm(void *arg) {
    static const uint64_t sizes[] = { BYTES / 4, BYTES, SWGI_CACHE_BYTES_MIN, 0, 2 * BYTES };
    uintptr_t wrong = 0;
    (void)arg;
    for (unsigned i = 0; i < 500; i++) {
        struct swgi_cache_settings settings = settings_of(sizes[i % 5]);
        wrong += swgi_cache_resize(cache, &settings, i) != 0;
        wrong += settings.bytes_max != 0 && counted().bytes > settings.bytes_max;
        sched_yield();
    }
    return (void *)wrong;
}

static void blow(void) {
    pthread_t threads[5];
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, i == 4 ? resize_storm : storm, (void *)(i + 1)), 0);
    for (size_t i = 0; i < 5; i++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
}

static bool saw_all(void) {
    struct swgi_cache_statistics end = counted();
    return end.hits > 0 && end.misses > 0 && end.coalesced > 0 && end.evicted > 0;
}

/* Again, until two asked the same at once, which few do. */
static void test_a_storm(void **state) {
    (void)state;
    for (unsigned round = 0; round == 0 || (round < 50 && !saw_all()); round++)
        blow();
    assert_true(saw_all());
    for (uint64_t key = 1; key <= STORM_KEYS; key++)
        assert_int_equal(waiting(key), 0);
}

/* ---- the bound at every instant */

static _Atomic uint64_t copies;
static _Atomic bool enough;

static void *copy_on_and_on(void *arg) {
    while (!swgi_load(&enough)) {
        put_at(1 + swgi_load(&copies) % 2, 0, BYTES / 2);
        swgi_add(&copies, 1);
    }
    return arg;
}

/* What was being copied then does not get in. */
static bool shrinks_well(void) {
    struct swgi_cache_settings small = settings_of(SWGI_CACHE_BYTES_MIN),
                               large = settings_of(BYTES);
    int64_t end = swgi_clock_of(CLOCK_MONOTONIC) + MINUTE;
    bool good = swgi_cache_resize(cache, &small, 0) == 0;
    for (uint64_t now = swgi_load(&copies); swgi_load(&copies) < now + 2;)
        if (swgi_clock_of(CLOCK_MONOTONIC) > end)
            return false;
    good = good && counted().bytes <= SWGI_CACHE_BYTES_MIN;
    return swgi_cache_resize(cache, &large, 0) == 0 && good;
}

static void test_a_bound_that_shrinks_under_a_copy(void **state) {
    pthread_t thread;
    int bad = 0;
    (void)state;
    swgi_store(&enough, false);
    assert_int_equal(pthread_create(&thread, NULL, copy_on_and_on, NULL), 0);
    for (int i = 0; i < 300; i++)
        bad += !shrinks_well();
    swgi_store(&enough, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(bad, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FLIGHT(test_one_call_for_all),
        IN_FLIGHT(test_other_keys_are_not_held_up),
        IN_FLIGHT(test_an_answer_never_fresh_reaches_followers),
        IN_FLIGHT(test_failure_is_told_to_all),
        IN_FLIGHT(test_failure_is_told_to_who_comes_late),
        IN_FLIGHT(test_an_answer_is_told_to_who_comes_late),
        IN_FLIGHT(test_one_takes_over),
        IN_FLIGHT(test_who_asks_after_one_left_leads),
        IN_FLIGHT(test_the_dead_lead_for_their_lease),
        IN_FLIGHT(test_who_asks_after_the_lease_leads),
        IN_FLIGHT(test_only_leaders_end),
        IN_FLIGHT(test_waiting_is_sleeping),
        IN_FLIGHT(test_patience_ends),
        IN_FLIGHT(test_what_is_too_big_is_asked_for_by_each),
        IN_FLIGHT(test_switched_off_nobody_waits_on),
        IN_FLIGHT(test_another_size_disturbs_no_flight),
        IN_FLIGHT(test_a_cancelled_follower_leaves_nothing_locked),
        IN_FLIGHT(test_flights_are_bounded),
        IN_FLIGHT(test_a_flight_is_not_taken_from_who_waits),
        WITH_CACHE(test_a_bound_that_shrinks_under_a_copy),
        WITH_CACHE(test_a_storm),
    };

    return cmocka_run_group_tests_name("circuit: cache, flights", tests, NULL, NULL);
}
