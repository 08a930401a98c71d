/* Bulkhead: who is let through, who waits, who is served next, across threads and processes. */
#include "../panel/inside.h"

#include <pthread.h>

#include "engine/bulkhead.h"

#define MS     INT64_C(1000000)
#define PLACES 16u

static struct swg_panel *panel;
static struct swgi_map *map;
static struct swgi_bulkhead_words *words;
static struct swgi_bulkhead_settings settings;

static struct swgi_bulkhead_settings plain_settings(uint32_t limit) {
    return (struct swgi_bulkhead_settings){ .max_concurrent = limit,
                                            .max_queue = PLACES,
                                            .when_busy = SWGI_BUSY_WAIT,
                                            .ageing_ns = 100 * (uint64_t)MS };
}

static void attach_with(int virtual_clock) {
    struct swg_panel_options options = small_options();
    options.virtual_clock = virtual_clock;
    panel = open_with(&options);
    map = map_of(panel);
    words = &map->policies[0].bulkhead;
    settings = plain_settings(0);
}
static void attach(void) {
    attach_with(0);
}
static void fill(uint32_t limit) {
    settings = plain_settings(limit);
    swgi_store(&map->policy_owners[0], 1);
    assert_int_equal(swgi_permits_move(map, words, swgi_run(1, 32)), 0);
    swgi_waiters_move(map, words, swgi_run(65, PLACES * SWGI_PLACE_WORDS));
    swgi_bulkhead_install(map, words, &settings, limit);
}
/* Nobody turns silent while the clock stands. */
static void begin(uint32_t limit) {
    attach_with(1);
    fill(limit);
}
static void begin_in_real_time(uint32_t limit) {
    attach();
    fill(limit);
}
static void end(void) {
    swg_panel_unref(panel);
}

static int64_t now(void) {
    return swgi_map_clock(map);
}
static int take(int priority, struct swgi_held *held) {
    return swgi_bulkhead_take(map, words, priority, now(), held);
}
static struct swgi_held taken(void) {
    struct swgi_held held;
    assert_int_equal(take(0, &held), SWG_GO);
    assert_int_not_equal(held.word, 0);
    return held;
}
static int release(struct swgi_held held) {
    return swgi_bulkhead_release(map, words, held);
}
static int enqueue(int priority, struct swgi_waiter *waiter, struct swgi_held *held) {
    int rc = swgi_bulkhead_enqueue(map, words, priority, INT64_MAX, waiter, held);
    if (map->virtual_on) /* who comes next comes later */
        assert_int_equal(swg_panel_advance(panel, 1), 0);
    return rc;
}
static int ask(struct swgi_waiter *waiter, struct swgi_held *held) {
    return swgi_bulkhead_poll(map, words, waiter, held);
}
static uint32_t waiting(void) {
    return swgi_waiters_count(map, words);
}

static void test_rejects_beyond_the_limit(void **state) {
    struct swgi_held all[3], more;
    (void)state;
    begin(3);
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < 3; i++)
            all[i] = taken();
        assert_int_equal(take(0, &more), SWG_FULL);
        assert_int_equal(more.word, 0);
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(release(all[(i + round) % 3]), 0);
        assert_int_equal(release(all[0]), -EINVAL);
    }
    assert_int_equal(release((struct swgi_held){ 0 }), 0);
    end();
}

static bool known_full_at(int64_t instant) {
    return swgi_permits_full(words, swgi_load(&words->limit), instant);
}

static void test_full_is_known_until_one_is_free(void **state) {
    struct swgi_held all[2], more;
    (void)state;
    begin(2);
    all[0] = taken();
    assert_false(known_full_at(now()));
    all[1] = taken();
    assert_false(known_full_at(now())); /* nobody has looked */
    assert_int_equal(take(0, &more), SWG_FULL);
    assert_true(known_full_at(now()));
    assert_int_equal(take(-32, &more), SWG_FULL);
    assert_int_equal(release(all[1]), 0);
    assert_false(known_full_at(now()));
    all[1] = taken();
    assert_int_equal(take(0, &more), SWG_FULL);
    assert_true(known_full_at(now()));
    swgi_bulkhead_limit(map, words, 3);
    assert_false(known_full_at(now()));
    more = taken();
    assert_int_equal(take(0, &all[0]), SWG_FULL);
    assert_true(known_full_at(now()));
    settings.max_concurrent = 0, settings.track = 1; /* the same words, another rule */
    swgi_bulkhead_install(map, words, &settings, 0);
    assert_int_equal(take(0, &all[0]), SWG_GO);
    end();
}

/* Killed after giving back, before saying so. */
/* Two are held and known to be all, and one is free without a word about it. */
static void begin_with_one_freed_unsaid(struct swgi_held *more) {
    begin(2);
    taken();
    struct swgi_held freed = taken();
    assert_int_equal(take(0, more), SWG_FULL);
    swgi_store(&map->slots[swgi_run_first(swgi_load(&words->run)) - 1 + freed.slot], 0);
}

/* Who gave one back died before he said so; he holds none. */
static void test_full_is_forgotten_with_the_dead(void **state) {
    struct swgi_held more;
    uint32_t incarnation = 5;
    (void)state;
    begin_with_one_freed_unsaid(&more);
    assert_true(known_full_at(now()));
    assert_int_equal(swgi_permits_reap(map, words, 77, &incarnation), 0);
    assert_false(known_full_at(now()));
    assert_int_equal(take(0, &more), SWG_GO);
    end();
}

static void test_full_is_believed_for_a_moment(void **state) {
    struct swgi_held more;
    (void)state;
    begin_with_one_freed_unsaid(&more);
    assert_int_equal(take(0, &more), SWG_FULL);
    assert_false(known_full_at(now() - 2 * MS)); /* by a clock that is behind */
    assert_int_equal(swg_panel_advance(panel, 2 * MS), 0);
    assert_false(known_full_at(now()));
    assert_int_equal(take(0, &more), SWG_GO);
    end();
}

/* Killed while it looked. */
static void test_who_looked_and_died_is_replaced(void **state) {
    struct swgi_held all[2], more;
    (void)state;
    begin(2);
    assert_int_not_equal(swgi_permits_full_look(words, now()), 0);
    for (unsigned i = 0; i < 2; i++)
        all[i] = taken();
    assert_int_equal(take(0, &more), SWG_FULL);
    assert_false(known_full_at(now()));
    assert_int_equal(swgi_permits_full_look(words, now()), 0);
    assert_int_equal(swg_panel_advance(panel, 2 * MS), 0);
    assert_int_equal(take(0, &more), SWG_FULL);
    assert_true(known_full_at(now()));
    assert_int_equal(release(all[0]), 0);
    assert_int_equal(take(0, &more), SWG_GO);
    end();
}

static void test_off_lets_all_through(void **state) {
    struct swgi_held held;
    (void)state;
    begin(0);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(take(0, &held), SWG_GO);
    assert_int_equal(held.word, 0);
    assert_int_equal(release(held), 0);
    end();
}

static void test_tracks_without_a_limit(void **state) {
    struct swgi_held all[20];
    (void)state;
    begin(1);
    settings.max_concurrent = 0;
    settings.track = 1;
    settings.reserve_permits = 3; /* means nothing without a limit */
    swgi_bulkhead_install(map, words, &settings, 0);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(take(0, &all[i]), SWG_GO);
    assert_int_equal(swgi_permits_held(map, words), 16); /* what the run has */
    assert_int_equal(swgi_load(&words->untracked), 4);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(release(all[i]), 0);
    assert_int_equal(swgi_permits_held(map, words), 0);
    end();
}

static void test_what_settings_need(void **state) {
    struct swgi_bulkhead_settings s = plain_settings(20);
    (void)state;
    assert_int_equal(swgi_bulkhead_permit_slots(&s, 0), 40);
    assert_int_equal(swgi_bulkhead_permit_slots(&s, 50), 100);
    assert_int_equal(swgi_bulkhead_place_slots(&s, 0), PLACES * SWGI_PLACE_WORDS);
    s.max_queue_follows = 1;
    assert_int_equal(swgi_bulkhead_place_slots(&s, 0), 200 * SWGI_PLACE_WORDS);
    s.when_busy = SWGI_BUSY_REJECT;
    assert_int_equal(swgi_bulkhead_place_slots(&s, 0), 0);
    s.max_concurrent = 0;
    assert_int_equal(swgi_bulkhead_permit_slots(&s, 0), 0);
    s.track = 1;
    assert_int_equal(swgi_bulkhead_permit_slots(&s, 0), 512);
    s.max_concurrent = UINT32_MAX;
    assert_int_equal(swgi_bulkhead_permit_slots(&s, 0), 2 * SWGI_PERMITS_MAX);
}

static void test_the_urgent_have_a_reserve(void **state) {
    struct swgi_held held;
    (void)state;
    begin(4);
    settings.reserve_permits = 1;
    settings.reserve_priority = SWGI_PRIORITY_ZERO - 1;
    settings.partitions_count = 1;
    settings.partitions[0] = (struct swgi_partition){ .priority = 63, .percent = 50 };
    swgi_bulkhead_install(map, words, &settings, 4);
    taken();
    taken();
    assert_int_equal(take(0, &held), SWG_FULL); /* half of four */
    assert_int_equal(take(-1, &held), SWG_FULL);
    settings.partitions_count = 0;
    swgi_bulkhead_install(map, words, &settings, 4);
    taken();
    assert_int_equal(take(0, &held), SWG_FULL);
    assert_int_equal(take(-1, &held), SWG_GO);
    assert_int_equal(take(-32, &held), SWG_FULL);
    end();
}

/* ---- waiting */

static void test_served_in_order(void **state) {
    struct swgi_held held, got;
    struct swgi_waiter first, second, urgent;
    (void)state;
    begin(1);
    held = taken();
    assert_int_equal(enqueue(0, &first, &got), SWG_QUEUED);
    assert_int_equal(enqueue(0, &second, &got), SWG_QUEUED);
    assert_int_equal(enqueue(-1, &urgent, &got), SWG_QUEUED);
    assert_int_equal(release(held), 0);
    assert_int_equal(take(-1, &got), SWG_FULL); /* a newcomer does not pass them */
    assert_int_equal(ask(&first, &got), SWG_QUEUED);
    assert_int_equal(ask(&urgent, &held), SWG_GO);
    assert_int_equal(urgent.word, 0);
    assert_int_equal(release(held), 0);
    assert_int_equal(ask(&second, &got), SWG_QUEUED);
    assert_int_equal(take(-32, &held), SWG_GO); /* this urgent: before them all */
    assert_int_equal(release(held), 0);
    assert_int_equal(ask(&first, &held), SWG_GO);
    assert_int_equal(ask(&second, &got), SWG_QUEUED);
    assert_int_equal(release(held), 0);
    assert_int_equal(ask(&second, &held), SWG_GO);
    assert_int_equal(waiting(), 0);
    end();
}

static void test_enough_free_for_all(void **state) {
    struct swgi_held all[3], got;
    struct swgi_waiter first, second;
    (void)state;
    begin(3);
    for (unsigned i = 0; i < 3; i++)
        all[i] = taken();
    assert_int_equal(enqueue(0, &first, &got), SWG_QUEUED);
    assert_int_equal(enqueue(0, &second, &got), SWG_QUEUED);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(release(all[i]), 0);
    assert_int_equal(ask(&second, &got), SWG_GO); /* two are left for the one before it */
    assert_int_equal(take(0, &got), SWG_GO);
    assert_int_equal(take(0, &got), SWG_FULL); /* the last is the first's */
    assert_int_equal(ask(&first, &got), SWG_GO);
    end();
}

static void test_waiting_long_enough_beats_priority(void **state) {
    struct swgi_held held, got;
    struct swgi_waiter patient, urgent;
    (void)state;
    begin(1);
    settings.ageing_ns = 1;
    swgi_bulkhead_install(map, words, &settings, 1);
    held = taken();
    assert_int_equal(enqueue(31, &patient, &got), SWG_QUEUED);
    assert_int_equal(swg_panel_advance(panel, 64), 0); /* more than all steps are worth */
    assert_int_equal(enqueue(-32, &urgent, &got), SWG_QUEUED);
    assert_int_equal(release(held), 0);
    assert_int_equal(ask(&urgent, &got), SWG_QUEUED);
    assert_int_equal(ask(&patient, &got), SWG_GO);
    end();
}

static void test_who_leaves_tells_the_next(void **state) {
    struct swgi_held held, got;
    struct swgi_waiter first, second;
    (void)state;
    begin(1);
    held = taken();
    assert_int_equal(enqueue(0, &first, &got), SWG_QUEUED);
    assert_int_equal(enqueue(0, &second, &got), SWG_QUEUED);
    assert_int_equal(release(held), 0); /* the first is told, and gives up */
    swgi_bulkhead_leave(map, words, &first);
    swgi_bulkhead_leave(map, words, &first);
    assert_int_equal(swgi_waiters_ahead(map, words, 0, 0, swgi_waiters_clock(map)).told, 1);
    assert_int_equal(ask(&second, &got), SWG_GO);
    end();
}

static void test_a_full_queue(void **state) {
    struct swgi_held got;
    struct swgi_waiter all[PLACES], more;
    (void)state;
    begin(1);
    taken();
    for (unsigned i = 0; i < PLACES; i++)
        assert_int_equal(enqueue(0, &all[i], &got), SWG_QUEUED);
    assert_int_equal(enqueue(0, &more, &got), SWG_FULL);
    assert_int_equal(more.word, 0);
    assert_int_equal(enqueue(1, &more, &got), SWG_FULL);
    assert_int_equal(enqueue(-1, &more, &got), SWG_QUEUED);
    unsigned displaced = 0;
    for (unsigned i = 0; i < PLACES; i++)
        displaced += ask(&all[i], &got) == SWG_FULL;
    assert_int_equal(displaced, 1);
    assert_int_equal(all[PLACES - 1].word, 0); /* who came last */
    end();
}

static void test_a_larger_limit_wakes(void **state) {
    struct swgi_held got;
    struct swgi_waiter first, second;
    (void)state;
    begin(1);
    taken();
    assert_int_equal(enqueue(0, &first, &got), SWG_QUEUED);
    assert_int_equal(enqueue(0, &second, &got), SWG_QUEUED);
    swgi_bulkhead_limit(map, words, 3);
    assert_int_equal(swgi_waiters_ahead(map, words, 0, 0, swgi_waiters_clock(map)).told, 2);
    assert_int_equal(ask(&first, &got), SWG_GO);
    assert_int_equal(ask(&second, &got), SWG_GO);
    end();
}

/* ---- threads and processes */

struct waits {
    pthread_t thread;
    struct swgi_held held;
    int rc;
};

static void *waits(void *arg) {
    struct waits *mine = arg;
    struct swgi_waiter waiter;
    mine->rc = enqueue(0, &waiter, &mine->held);
    while (mine->rc == SWG_QUEUED)
        mine->rc = swgi_bulkhead_wait(map, words, &waiter, INT64_MAX, &mine->held);
    return NULL;
}

static void test_a_release_wakes_a_thread(void **state) {
    struct waits two[2] = { { 0 } };
    (void)state;
    begin_in_real_time(1);
    struct swgi_held held = taken();
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&two[i].thread, NULL, waits, &two[i]), 0);
    WAIT_FOR(waiting() == 2);
    assert_int_equal(release(held), 0);
    WAIT_FOR(waiting() == 1);
    struct swgi_permit_seen seen;
    WAIT_FOR(swgi_permits_oldest(map, words, &seen));
    assert_int_equal(release((struct swgi_held){ .word = seen.word, .slot = 0 }), 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(two[i].thread, NULL), 0);
        assert_int_equal(two[i].rc, SWG_GO);
    }
    end();
}

static _Atomic uint32_t *marks;

static void holds_for_ever(void *unused) {
    struct swgi_held held;
    (void)unused;
    attach();
    CHILD_ASSERT(take(0, &held) == SWG_GO);
    atomic_store(&marks[0], 1);
    for (;;)
        pause();
}

static void test_the_killed_give_back(void **state) {
    struct swgi_held got;
    struct waits one = { 0 };
    (void)state;
    marks = shared_words(4);
    begin_in_real_time(1);
    pid_t child = start_child(holds_for_ever, NULL);
    WAIT_FOR(atomic_load(&marks[0]) == 1);
    assert_int_equal(take(0, &got), SWG_FULL);
    assert_int_equal(pthread_create(&one.thread, NULL, waits, &one), 0);
    WAIT_FOR(waiting() == 1);
    kill_child(child);
    assert_int_equal(pthread_join(one.thread, NULL), 0); /* found by who waits */
    assert_int_equal(one.rc, SWG_GO);
    assert_int_equal(release(one.held), 0);
    child = start_child(holds_for_ever, NULL);
    WAIT_FOR(swgi_permits_held(map, words) == 1);
    kill_child(child);
    WAIT_FOR(take(0, &got) == SWG_GO); /* and by who is rejected */
    end();
}

static void waits_for_ever(void *unused) {
    struct swgi_waiter waiter;
    struct swgi_held held;
    (void)unused;
    attach();
    int rc = enqueue(0, &waiter, &held);
    while (rc == SWG_QUEUED)
        rc = swgi_bulkhead_wait(map, words, &waiter, INT64_MAX, &held);
    CHILD_ASSERT(rc == SWG_GO);
    atomic_store(&marks[1], 1);
    CHILD_ASSERT(release(held) == 0);
}

static void test_the_stopped_are_passed_over(void **state) {
    struct waits one = { 0 };
    (void)state;
    marks = shared_words(4);
    begin_in_real_time(1);
    struct swgi_held held = taken();
    pid_t child = start_child(waits_for_ever, NULL);
    WAIT_FOR(waiting() == 1);
    assert_int_equal(kill(child, SIGSTOP), 0);
    assert_int_equal(waitpid(child, NULL, WUNTRACED), child);
    assert_int_equal(pthread_create(&one.thread, NULL, waits, &one), 0);
    WAIT_FOR(waiting() == 2);
    assert_int_equal(release(held), 0);
    assert_int_equal(pthread_join(one.thread, NULL), 0);
    assert_int_equal(one.rc, SWG_GO);
    assert_int_equal(waiting(), 1); /* which keeps its place */
    assert_int_equal(kill(child, SIGCONT), 0);
    assert_int_equal(atomic_load(&marks[1]), 0);
    assert_int_equal(release(one.held), 0);
    child_ended_well(child);
    assert_int_equal(atomic_load(&marks[1]), 1);
    end();
}

static void test_places_of_the_killed_are_free(void **state) {
    struct swgi_waiter waiter;
    struct swgi_held held, got;
    (void)state;
    marks = shared_words(4);
    begin_in_real_time(1);
    held = taken();
    pid_t child = start_child(waits_for_ever, NULL);
    WAIT_FOR(waiting() == 1);
    kill_child(child);
    assert_int_equal(enqueue(0, &waiter, &got), SWG_QUEUED);
    WAIT_FOR(ask(&waiter, &got) == SWG_QUEUED && waiting() == 1);
    assert_int_equal(release(held), 0);
    assert_int_equal(ask(&waiter, &got), SWG_GO);
    end();
}

/* ---- never more than the limit, whatever is changed meanwhile */

#define THREADS 4
static _Atomic int inside, most;
static _Atomic bool over;

static void *churns(void *unused) {
    struct swgi_waiter waiter;
    struct swgi_held held;
    (void)unused;
    while (!atomic_load(&over)) {
        int rc = take(0, &held);
        if (rc == SWG_FULL)
            rc = enqueue(0, &waiter, &held);
        while (rc == SWG_QUEUED)
            rc = swgi_bulkhead_wait(map, words, &waiter, INT64_MAX, &held);
        if (rc != SWG_GO)
            abort();
        int count = atomic_fetch_add(&inside, 1) + 1;
        for (int seen = atomic_load(&most);
             count > seen && !atomic_compare_exchange_weak(&most, &seen, count);)
            ;
        atomic_fetch_sub(&inside, 1);
        if (release(held) != 0)
            abort();
    }
    return NULL;
}

static void test_threads_that_wait(void **state) {
    pthread_t threads[THREADS];
    (void)state;
    begin_in_real_time(2);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churns, NULL), 0);
    for (unsigned i = 0; i < 2000; i++)
        swgi_bulkhead_limit(map, words, 1 + i % 2);
    WAIT_FOR(atomic_load(&most) > 0);
    atomic_store(&over, true);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_in_range(atomic_load(&most), 1, 2);
    assert_int_equal(swgi_permits_held(map, words), 0);
    assert_int_equal(waiting(), 0);
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_rejects_beyond_the_limit),
        IN_FOLDER(test_full_is_known_until_one_is_free),
        IN_FOLDER(test_full_is_believed_for_a_moment),
        IN_FOLDER(test_full_is_forgotten_with_the_dead),
        IN_FOLDER(test_who_looked_and_died_is_replaced),
        IN_FOLDER(test_off_lets_all_through),
        IN_FOLDER(test_tracks_without_a_limit),
        cmocka_unit_test(test_what_settings_need),
        IN_FOLDER(test_the_urgent_have_a_reserve),
        IN_FOLDER(test_served_in_order),
        IN_FOLDER(test_enough_free_for_all),
        IN_FOLDER(test_waiting_long_enough_beats_priority),
        IN_FOLDER(test_who_leaves_tells_the_next),
        IN_FOLDER(test_a_full_queue),
        IN_FOLDER(test_a_larger_limit_wakes),
        IN_FOLDER(test_a_release_wakes_a_thread),
        IN_FOLDER(test_the_killed_give_back),
        IN_FOLDER(test_the_stopped_are_passed_over),
        IN_FOLDER(test_places_of_the_killed_are_free),
        IN_FOLDER(test_threads_that_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
