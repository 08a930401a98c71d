/*
 * Threads and their columns: one writer each, a shared row for the rest, and nothing lost when
 * threads end.
 */
#include "inside.h"

#include <pthread.h>

static uint32_t enter_in_thread(struct swgi_map *map);

static void *enters(void *map) {
    assert_int_equal(swgi_thread_enter(map), 0);
    swgi_column_add(&swgi_column(0)->calls, 1);
    return (void *)(uintptr_t)swgi_thread.column;
}

static uint32_t enter_in_thread(struct swgi_map *map) {
    pthread_t thread;
    void *column;
    assert_int_equal(pthread_create(&thread, NULL, enters, map), 0);
    pthread_join(thread, &column);
    return (uint32_t)(uintptr_t)column;
}

static uint64_t calls_of(const struct swgi_map *map) {
    return swgi_column_sum(map, 0, SWGI_COUNTER(calls));
}

static void test_a_thread_gets_a_column(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    (void)state;
    assert_false(swgi_thread_ready(map->tag));
    assert_int_equal(swgi_thread_enter(map), 0);
    assert_true(swgi_thread_ready(map->tag));
    assert_int_equal(swgi_thread.column, 1);
    assert_false(swgi_thread.shared);
    assert_int_equal(swgi_lease_owner(swgi_load(&map->leases[1])), swgi_map_identity(map).owner);
    swgi_column_add(&swgi_column(3)->successes, 2);
    assert_int_equal(swgi_column_sum(map, 3, SWGI_COUNTER(successes)), 2);
    swg_panel_unref(panel);
}

static void test_a_column_outlives_its_thread(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    (void)state;
    assert_int_equal(enter_in_thread(map), 1);
    assert_int_equal(swgi_load(&map->leases[1]), 0);
    assert_int_equal(enter_in_thread(map), 1); /* given back, taken again, and counted on */
    assert_int_equal(calls_of(map), 2);
    swg_panel_unref(panel);
}

struct crowd {
    struct swgi_map *map;
    pthread_barrier_t all_in, all_out;
    _Atomic uint32_t sharing;
};

static void *joins(void *arg) {
    struct crowd *crowd = arg;
    assert_int_equal(swgi_thread_enter(crowd->map), 0);
    pthread_barrier_wait(&crowd->all_in);
    for (unsigned i = 0; i < 10000; i++)
        swgi_column_add(&swgi_column(2)->calls, 1);
    swgi_add(&crowd->sharing, swgi_thread.shared);
    pthread_barrier_wait(&crowd->all_out);
    return NULL;
}

#define CROWD 7u

static void test_more_threads_than_columns(void **state) {
    struct swg_panel *panel = open_private(); /* 4 columns */
    struct crowd crowd = { .map = map_of(panel) };
    pthread_t threads[CROWD];
    (void)state;
    pthread_barrier_init(&crowd.all_in, NULL, CROWD);
    pthread_barrier_init(&crowd.all_out, NULL, CROWD);
    for (unsigned i = 0; i < CROWD; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, joins, &crowd), 0);
    for (unsigned i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(swgi_load(&crowd.sharing), CROWD - 4);
    assert_int_equal(swgi_column_sum(crowd.map, 2, SWGI_COUNTER(calls)), CROWD * 10000);
    assert_int_equal(swgi_columns_leased(crowd.map), 0);
    swg_panel_unref(panel);
}

static void test_a_sharing_thread_gets_a_column_later(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    uint64_t me = swgi_lease(swgi_map_identity(map).owner, swgi_map_identity(map).incarnation, 1);
    (void)state;
    for (unsigned c = 1; c < map->geometry.columns; c++)
        swgi_store(&map->leases[c], me);
    assert_int_equal(swgi_thread_enter(map), 0);
    assert_true(swgi_thread.shared);
    assert_int_equal(swgi_thread.column, 0);
    swgi_store(&map->leases[2], 0);
    assert_int_equal(swg_panel_poll(panel), 0); /* housekeeping asks again */
    assert_false(swgi_thread.shared);
    assert_int_equal(swgi_thread.column, 2);
    swg_panel_unref(panel);
}

static void test_dead_holders_give_way(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    (void)state;
    for (unsigned c = 1; c < map->geometry.columns; c++)
        swgi_store(&map->leases[c],
                   swgi_lease(c == 3 ? 77 : 1, swgi_map_identity(map).incarnation, 1));
    assert_int_equal(swgi_thread_enter(map), 0);
    assert_int_equal(swgi_thread.column, 3);
    swg_panel_unref(panel);
}

/* A thread that goes through many panels keeps its places in some, and counts in all. */
static void test_many_panels_in_turn(void **state) {
    enum { PANELS = 9, ROUNDS = 50 };
    struct swg_panel *panels[PANELS];
    (void)state;
    for (unsigned i = 0; i < PANELS; i++)
        panels[i] = open_private();
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < PANELS; i++) {
            assert_int_equal(swgi_thread_enter(map_of(panels[i])), 0);
            swgi_column_add(&swgi_column(1)->calls, 1);
        }
    }
    for (unsigned i = 0; i < PANELS; i++) {
        assert_int_equal(swgi_column_sum(map_of(panels[i]), 1, SWGI_COUNTER(calls)), ROUNDS);
        assert_true(swgi_columns_leased(map_of(panels[i])) <= 1);
        swg_panel_unref(panels[i]);
    }
}

/* Panels come and go under a thread; addresses are used again. */
static void test_panels_come_and_go(void **state) {
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        struct swg_panel *panel = open_private();
        assert_int_equal(swgi_thread_enter(map_of(panel)), 0);
        assert_int_equal(swgi_thread.column, 1);
        swgi_column_add(&swgi_column(1)->calls, 1);
        assert_int_equal(swgi_column_sum(map_of(panel), 1, SWGI_COUNTER(calls)), 1);
        swg_panel_unref(panel);
    }
}

static void *stays_while_panel_goes(void *arg) {
    struct crowd *crowd = arg;
    assert_int_equal(swgi_thread_enter(crowd->map), 0);
    pthread_barrier_wait(&crowd->all_in);
    pthread_barrier_wait(&crowd->all_out);
    return NULL; /* its seat is of a panel that is gone */
}

static void test_a_thread_outlives_the_panel(void **state) {
    struct swg_panel *panel = open_private();
    struct crowd crowd = { .map = map_of(panel) };
    pthread_t thread;
    (void)state;
    pthread_barrier_init(&crowd.all_in, NULL, 2);
    pthread_barrier_init(&crowd.all_out, NULL, 2);
    assert_int_equal(pthread_create(&thread, NULL, stays_while_panel_goes, &crowd), 0);
    pthread_barrier_wait(&crowd.all_in);
    swg_panel_unref(panel);
    pthread_barrier_wait(&crowd.all_out);
    pthread_join(thread, NULL);
}

static void test_the_greatest_and_the_sum(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    (void)state;
    for (uint32_t c = 0; c < 3; c++)
        swgi_store(&map->columns[c * map->geometry.circuits + 1].last_failure, 10 * c);
    swgi_store(&map->header->columns_high, 3);
    assert_int_equal(swgi_column_max(map, 1, SWGI_COUNTER(last_failure)), 20);
    assert_int_equal(swgi_column_sum(map, 1, SWGI_COUNTER(last_failure)), 30);
    swgi_store(&map->header->columns_high, UINT64_MAX); /* hostile */
    assert_int_equal(swgi_column_max(map, 1, SWGI_COUNTER(last_failure)), 20);
    swg_panel_unref(panel);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thread_gets_a_column),
        cmocka_unit_test(test_a_column_outlives_its_thread),
        cmocka_unit_test(test_more_threads_than_columns),
        cmocka_unit_test(test_a_sharing_thread_gets_a_column_later),
        cmocka_unit_test(test_dead_holders_give_way),
        cmocka_unit_test(test_many_panels_in_turn),
        cmocka_unit_test(test_panels_come_and_go),
        cmocka_unit_test(test_a_thread_outlives_the_panel),
        cmocka_unit_test(test_the_greatest_and_the_sum),
    };
    return cmocka_run_group_tests_name("column", tests, NULL, NULL);
}
