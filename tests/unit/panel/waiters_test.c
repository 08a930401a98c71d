/* Places in the queue of a bulkhead: who is next, who is silent, who is displaced, who is dead. */
#include "inside.h"

#include <poll.h>
#include <pthread.h>
#include <sys/timerfd.h>

#include "panel/waiters.h"

#define NOW    INT64_C(3600000000000)
#define MS     INT64_C(1000000)
#define PLACES 4u

static struct swg_panel *panel;
static struct swgi_map *map;
static struct swgi_bulkhead_words *words;

static void begin(void) {
    panel = open_small();
    map = map_of(panel);
    words = &map->policies[0].bulkhead;
    swgi_store(&map->policy_owners[0], 1);
    assert_int_equal(swgi_permits_move(map, words, swgi_run(1, 8)), 0);
    swgi_permits_limit(words, 4);
    swgi_waiters_move(map, words, swgi_run(33, PLACES * SWGI_PLACE_WORDS));
}
static void end(void) {
    swg_panel_unref(panel);
}

static struct swgi_waiter with(int64_t key, int priority) {
    return (struct swgi_waiter){ .key = key, .priority = (int8_t)priority };
}
static bool enter(struct swgi_waiter *waiter) {
    return swgi_waiters_enter(map, words, NOW, INT64_MAX, waiter);
}
static bool look(struct swgi_waiter *waiter, int64_t now) {
    return swgi_waiters_look(map, words, now, waiter);
}
static bool wake(int64_t now) {
    return swgi_waiters_wake(map, words, 0, now);
}
static struct swgi_waiters_ahead ahead(int64_t key, int64_t now) {
    return swgi_waiters_ahead(map, words, key, 0, now);
}
static uint32_t high(void) {
    return swgi_waiting_high(swgi_load(&words->waiting));
}
static uint32_t waiting(void) {
    return swgi_waiters_count(map, words);
}
/* Was it told? A futex answers at once when it was. */
static bool is_told(const struct swgi_waiter *waiter) {
    return (swgi_load(&map->slots[waiter->queue - 1 + waiter->place * SWGI_PLACE_WORDS + 2]) & 3) ==
           2;
}

static void test_places_are_taken_and_left(void **state) {
    struct swgi_waiter all[PLACES], more = with(10, 0);
    (void)state;
    begin();
    assert_int_equal(high(), 0);
    for (unsigned i = 0; i < PLACES; i++) {
        all[i] = with(i, 0);
        assert_true(enter(&all[i]));
        assert_int_equal(high(), i + 1);
    }
    assert_int_equal(waiting(), PLACES);
    assert_false(enter(&more));
    assert_int_equal(more.word, 0);
    swgi_waiters_leave(map, words, &all[1]);
    assert_int_equal(high(), PLACES);
    assert_true(enter(&more));
    assert_int_equal(more.place, 1);
    swgi_waiters_leave(map, words, &more);
    swgi_waiters_leave(map, words, &all[2]);
    swgi_waiters_leave(map, words, &all[3]); /* the last: the bound goes down to who is left */
    assert_int_equal(high(), 1);
    swgi_waiters_leave(map, words, &all[0]);
    assert_int_equal(high(), 0);
    assert_int_equal(waiting(), 0);
    swgi_waiters_leave(map, words, &all[0]); /* again: nothing */
    end();
}

static void test_the_least_key_is_told_first(void **state) {
    struct swgi_waiter late = with(30, 0), early = with(10, 0), middle = with(20, 0);
    (void)state;
    begin();
    assert_false(wake(NOW));
    assert_true(enter(&late) && enter(&early) && enter(&middle));
    assert_true(wake(NOW));
    assert_true(is_told(&early) && !is_told(&middle) && !is_told(&late));
    assert_true(wake(NOW));
    assert_true(is_told(&middle) && !is_told(&late));
    assert_true(look(&early, NOW)); /* looked, and wants to be told anew */
    assert_true(wake(NOW));
    assert_true(is_told(&early) && !is_told(&late));
    assert_true(wake(NOW));
    assert_true(is_told(&late));
    assert_false(wake(NOW)); /* all were told */
    end();
}

static void test_those_who_may_not_use_it_are_not_told(void **state) {
    struct swgi_waiter urgent = with(30, -1), plain = with(10, 0);
    (void)state;
    begin();
    swgi_store(&words->rule, swgi_rule(1, SWGI_PRIORITY_ZERO - 1, 0));
    assert_true(enter(&plain) && enter(&urgent));
    assert_int_equal(swgi_waiters_ahead(map, words, 50, 3, NOW).before, 1);
    assert_int_equal(swgi_waiters_ahead(map, words, 50, 2, NOW).before, 2);
    assert_true(swgi_waiters_wake(map, words, 3, NOW)); /* the reserve's */
    assert_true(is_told(&urgent) && !is_told(&plain));
    assert_false(swgi_waiters_wake(map, words, 3, NOW));
    assert_true(swgi_waiters_wake(map, words, 2, NOW));
    assert_true(is_told(&plain));
    end();
}

static void test_the_silent_hold_nobody_up(void **state) {
    struct swgi_waiter stopped = with(10, 0), awake = with(20, 0);
    (void)state;
    begin();
    assert_true(enter(&stopped) && enter(&awake));
    assert_int_equal(ahead(20, NOW).before, 1);
    assert_true(wake(NOW));
    assert_true(is_told(&stopped));
    assert_int_equal(ahead(20, NOW + 9 * MS).before, 1);
    assert_int_equal(ahead(20, NOW + 9 * MS).told, 1);
    assert_int_equal(ahead(20, NOW + 13 * MS).before, 0); /* told, and did not look */
    assert_int_equal(ahead(20, NOW + 13 * MS).told, 0);
    assert_true(look(&stopped, NOW + 14 * MS)); /* it goes on: with its key */
    assert_int_equal(ahead(20, NOW + 14 * MS).before, 1);
    assert_int_equal(ahead(20, NOW + 33 * MS).before, 1);
    assert_int_equal(ahead(20, NOW + 40 * MS).before, 0); /* has not looked for 20 ms */
    assert_true(look(&awake, NOW + 40 * MS));
    assert_true(wake(NOW + 40 * MS));
    assert_true(is_told(&awake) && !is_told(&stopped)); /* told first is who answers */
    assert_true(wake(NOW + 40 * MS));
    assert_true(is_told(&stopped));
    end();
}

static void test_the_urgent_displace_the_last(void **state) {
    struct swgi_waiter all[PLACES], urgent = with(5, -3), plain = with(100, 0);
    (void)state;
    begin();
    for (unsigned i = 0; i < PLACES; i++) {
        all[i] = with(10 + i, i == 3 ? -5 : 2);
        assert_true(enter(&all[i]));
    }
    assert_false(enter(&plain)); /* more urgent than some, but behind them all */
    assert_true(enter(&urgent));
    assert_int_equal(urgent.place, 2); /* not the one of key 13: it is more urgent */
    assert_true(look(&all[0], NOW) && look(&all[1], NOW) && look(&all[3], NOW));
    assert_true(look(&urgent, NOW));
    uint16_t place = all[2].place;
    assert_false(look(&all[2], NOW));
    assert_int_equal(all[2].word, 0);
    assert_int_equal(swgi_load(&map->slots[32 + place * SWGI_PLACE_WORDS]), urgent.word);
    assert_int_equal(waiting(), PLACES);
    end();
}

static void test_another_queue(void **state) {
    struct swgi_waiter all[2];
    (void)state;
    begin();
    for (unsigned i = 0; i < 2; i++) {
        all[i] = with(10 + i, 0);
        assert_true(enter(&all[i]));
    }
    swgi_waiters_move(map, words, swgi_run(65, 8 * SWGI_PLACE_WORDS));
    assert_true(is_told(&all[0]) && is_told(&all[1]));
    assert_true(look(&all[1], NOW) && look(&all[0], NOW));
    assert_int_equal(all[0].queue, 65);
    assert_int_equal(waiting(), 2);
    assert_int_equal(ahead(11, NOW).before, 1); /* with the keys they had */
    swgi_waiters_move(map, words, 0);
    assert_false(look(&all[0], NOW));
    assert_false(look(&all[1], NOW));
    struct swgi_waiter more = with(1, 0);
    assert_false(enter(&more));
    end();
}

static void test_places_of_the_dead(void **state) {
    struct swgi_waiter mine = with(1, 0);
    uint32_t incarnation = 3;
    (void)state;
    begin();
    struct swgi_identity other = { .owner = 99, .incarnation = 3 };
    assert_true(enter(&mine));
    swgi_store(&map->slots[32 + SWGI_PLACE_WORDS], swgi_permit_word(other, 1));
    swgi_store(&map->slots[32 + 2 * SWGI_PLACE_WORDS],
               swgi_permit_word(other, 2) | SWGI_PERMIT_FROZEN); /* killed before it was whole */
    assert_int_equal(waiting(), 1);
    uint32_t cursor = 0;
    unsigned owners = 0;
    while (swgi_waiters_owner(map, words, &cursor) != 0)
        owners++;
    assert_int_equal(owners, 3);
    assert_int_equal(swgi_waiters_reap(map, words, 98, NULL), 0);
    assert_int_equal(swgi_waiters_reap(map, words, 99, &incarnation), 2);
    assert_int_equal(waiting(), 1);
    assert_true(look(&mine, NOW));
    end();
}

static void test_a_liveness_pass_frees_what_the_dead_hold(void **state) {
    struct swgi_permit_run run;
    struct swgi_held alive;
    (void)state;
    begin();
    struct swgi_identity other = { .owner = 99, .incarnation = 3 };
    run = swgi_permit_run(map, swgi_load(&words->run));
    assert_true(swgi_permits_take(map, words, 0, NOW, &alive));
    swgi_store(&run.permits[alive.slot == 1 ? 0 : 1], swgi_permit_word(other, 1));
    swgi_store(&map->slots[32], swgi_permit_word(other, 2));
    assert_true(swgi_bulkhead_liveness(map, words, NOW));
    assert_int_equal(swgi_permits_held(map, words), 1);
    assert_int_equal(swgi_load(&map->slots[32]), 0);
    swgi_store(&map->slots[32], swgi_permit_word(other, 2));
    assert_false(swgi_bulkhead_liveness(map, words, NOW + 9 * MS)); /* once per 10 ms */
    assert_true(swgi_bulkhead_liveness(map, words, NOW + 11 * MS));
    assert_false(swgi_bulkhead_liveness(map, words, NOW + 30 * MS)); /* nobody dead */
    assert_int_equal(swgi_permits_held(map, words), 1);
    end();
}

/* ---- sleeping */

static void *wakes(void *arg) {
    (void)arg;
    WAIT_FOR(waiting() == 1);
    swgi_waiters_wake_all(map, words);
    return NULL;
}

static void test_a_sleeper_is_woken(void **state) {
    struct swgi_waiter mine = with(1, 0);
    pthread_t thread;
    (void)state;
    begin();
    assert_int_equal(pthread_create(&thread, NULL, wakes, NULL), 0);
    assert_true(enter(&mine));
    for (unsigned i = 0; i < 12000 && !is_told(&mine); i++) /* a minute */
        swgi_waiters_sleep(map, &mine, INT64_MAX);
    assert_true(is_told(&mine));
    assert_int_equal(pthread_join(thread, NULL), 0);
    end();
}

/* ---- event loops */

static bool readable(int fd, int timeout_ms) {
    struct pollfd wanted = { .fd = fd, .events = POLLIN };
    return poll(&wanted, 1, timeout_ms) == 1;
}

static void test_a_descriptor_turns_readable(void **state) {
    struct swgi_waiter one = with(1, 0), two = with(2, 0);
    (void)state;
    begin();
    assert_true(enter(&one) && enter(&two));
    int fd = swgi_wait_descriptor(map, &one);
    assert_true(fd >= 0);
    assert_int_equal(swgi_wait_descriptor(map, &two), fd);
    assert_int_equal(swgi_wait_descriptor(map, &two), fd);
    assert_int_equal(swgi_load(&map->wait_timer.askers), 2);
    assert_true(readable(fd, 60000)); /* by the timer */
    assert_true(look(&one, NOW));
    assert_true(readable(fd, 60000));
    swgi_waiters_leave(map, words, &one);
    assert_true(readable(fd, 60000)); /* another still waits */
    swgi_waiters_leave(map, words, &two);
    assert_int_equal(swgi_load(&map->wait_timer.askers), 0);
    swgi_wait_descriptor_close(map);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    end();
}

static void test_a_descriptor_that_was_closed_is_made_anew(void **state) {
    struct swgi_waiter one = with(1, 0);
    uint64_t byte = 0;
    int pipes[2];
    (void)state;
    begin();
    assert_true(enter(&one));
    int fd = swgi_wait_descriptor(map, &one);
    close(fd);
    assert_int_equal(pipe(pipes), 0); /* the number is another's now */
    assert_int_equal(write(pipes[1], &byte, 8), 8);
    assert_true(look(&one, NOW)); /* reads nothing of it */
    assert_true(readable(pipes[0], 0));
    int other = swgi_wait_descriptor(map, &one);
    assert_true(other >= 0 && other != pipes[0] && other != pipes[1]);
    assert_true(readable(other, 60000));
    swgi_wait_descriptor_close(map);
    assert_true(readable(pipes[0], 0));
    close(pipes[0]);
    close(pipes[1]);
    end();
}

static void in_forked_child(void *arg) {
    struct swgi_waiter mine = with(1, 0);
    struct itimerspec times;
    (void)arg;
    CHILD_ASSERT(swgi_thread_enter(map) == 0);
    CHILD_ASSERT(enter(&mine));
    int fd = swgi_wait_descriptor(map, &mine);
    CHILD_ASSERT(fd >= 0 && swgi_load(&map->wait_timer.askers) == 1);
    CHILD_ASSERT(readable(fd, 60000));
    CHILD_ASSERT(look(&mine, NOW));
    swgi_waiters_leave(map, words, &mine);
    /* Stopped: it is not the parent's, which runs on. */
    CHILD_ASSERT(timerfd_gettime(fd, &times) == 0 && times.it_interval.tv_nsec == 0);
}

static void test_a_forked_child_has_its_own(void **state) {
    struct swgi_waiter one = with(1, 0);
    (void)state;
    begin();
    assert_true(enter(&one));
    int fd = swgi_wait_descriptor(map, &one);
    in_child(in_forked_child, NULL);
    assert_true(look(&one, NOW));
    assert_true(readable(fd, 60000));
    swgi_wait_descriptor_close(map);
    end();
}

/* ---- what others may have written there */

static void test_nothing_in_memory_is_trusted(void **state) {
    static const uint64_t runs[] = { 0,
                                     1,
                                     UINT64_MAX,
                                     UINT64_C(0xffffffff00000001),
                                     UINT64_C(0x00000100ffffffff),
                                     UINT64_C(0x0000ffff000000ff) };
    (void)state;
    begin();
    for (unsigned i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        struct swgi_waiter mine = with(1, 0), wild = with(1, 0);
        swgi_store(&words->queue, runs[i]);
        swgi_store(&words->waiting, UINT64_MAX - i);
        (void)wake(NOW);
        swgi_waiters_wake_all(map, words);
        (void)enter(&mine);
        (void)look(&mine, NOW);
        swgi_waiters_leave(map, words, &mine);
        wild.word = 1;
        wild.queue = UINT32_MAX - i;
        wild.place = UINT16_MAX;
        assert_false(look(&wild, NOW));
        assert_int_equal(swgi_waiters_reap(map, words, 99, NULL), 0);
    }
    swgi_waiters_move(map, words, swgi_run(33, PLACES * SWGI_PLACE_WORDS));
    for (uint32_t i = 0; i < PLACES * SWGI_PLACE_WORDS; i++)
        swgi_store(&map->slots[32 + i], UINT64_C(0x7fffffffffffffff) - i);
    swgi_store(&words->waiting, UINT64_MAX);
    (void)wake(NOW);
    swgi_waiters_wake_all(map, words);
    (void)ahead(0, NOW);
    struct swgi_waiter mine = with(1, -32);
    (void)enter(&mine);
    (void)look(&mine, NOW);
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_places_are_taken_and_left),
        IN_FOLDER(test_the_least_key_is_told_first),
        IN_FOLDER(test_those_who_may_not_use_it_are_not_told),
        IN_FOLDER(test_the_silent_hold_nobody_up),
        IN_FOLDER(test_the_urgent_displace_the_last),
        IN_FOLDER(test_another_queue),
        IN_FOLDER(test_places_of_the_dead),
        IN_FOLDER(test_a_liveness_pass_frees_what_the_dead_hold),
        IN_FOLDER(test_a_sleeper_is_woken),
        IN_FOLDER(test_a_descriptor_turns_readable),
        IN_FOLDER(test_a_descriptor_that_was_closed_is_made_anew),
        IN_FOLDER(test_a_forked_child_has_its_own),
        IN_FOLDER(test_nothing_in_memory_is_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
