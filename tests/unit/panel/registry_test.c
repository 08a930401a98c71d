/*
 * Names to cells: all are found, nothing that is gone is, and a killed holder of the lock leaves
 * nothing broken.
 */
#include "inside.h"

#include <pthread.h>

#include "bound.h"
#include "panel/liveness.h"

static struct swg_panel *open_large(uint32_t circuits) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    options.circuits_max = circuits;
    options.columns_max = 1;
    options.histograms_max = options.slots_max = SWG_GEOMETRY_NONE;
    return open_with(&options);
}

static const char *name_of(uint32_t number) {
    static __thread char name[32];
    snprintf(name, sizeof(name), "circuit-%u", number);
    return name;
}

static bool find(const struct swgi_map *map, uint32_t number, uint32_t *index) {
    uint32_t life;
    const char *name = name_of(number);
    return swgi_registry_find(map, name, swgi_name_hash(name), index, &life);
}

static uint32_t make_locked(struct swgi_map *map, uint32_t number) {
    uint32_t index = 0;
    const char *name = name_of(number);
    if (swgi_registry_claim(map, name, swgi_name_hash(name), &index) != 0)
        return 0;
    swgi_registry_publish(map, index);
    return index;
}

static uint32_t make(struct swgi_map *map, uint32_t number) {
    while (swgi_registry_lock(map) != 0)
        continue;
    uint32_t index = make_locked(map, number);
    swgi_registry_unlock(map);
    return index;
}

static void drop(struct swgi_map *map, uint32_t index) {
    while (swgi_registry_lock(map) != 0)
        continue;
    swgi_registry_remove(map, index);
    swgi_registry_unlock(map);
}

static void test_the_panels_own_circuit(void **state) {
    struct swg_panel *panel = open_private();
    uint32_t index, life;
    (void)state;
    assert_true(
        swgi_registry_find(map_of(panel), "_beyond", swgi_name_hash("_beyond"), &index, &life));
    assert_int_equal(index, 0);
    assert_int_equal(life, 2);
    swg_panel_unref(panel);
}

static void test_every_one_of_65535_is_found(void **state) {
    const uint32_t many = bounded(65535);
    struct swg_panel *panel = open_large(many);
    struct swgi_map *map = map_of(panel);
    uint32_t index, life;
    (void)state;
    assert_int_equal(swgi_registry_lock(map), 0);
    for (uint32_t n = 1; n <= many; n++)
        assert_int_equal(make_locked(map, n), n);
    assert_int_equal(make_locked(map, many + 1), 0);
    assert_int_equal(swgi_registry_claim(map, "more", swgi_name_hash("more"), &index), -ENOSPC);
    swgi_registry_unlock(map);
    for (uint32_t n = 1; n <= many; n++) {
        assert_true(find(map, n, &index));
        assert_int_equal(index, n);
    }
    assert_false(find(map, many + 1, &index));
    assert_false(swgi_registry_find(map, "", swgi_name_hash(""), &index, &life));
    swg_panel_unref(panel);
}

static void test_a_life_ends_and_another_begins(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    uint32_t index = make(map, 1), found, first = swgi_load(&map->cells[index].life);
    (void)state;
    swgi_store(&map->cells[index].ctl, swgi_ctl(SWGI_OPEN, SWGI_NORMAL, 41, 7));
    swgi_store(&map->cells[index].failures, 9);
    drop(map, index);
    assert_false(find(map, 1, &found));
    assert_int_equal(make(map, 2), index); /* the place is used again before a fresh one */
    assert_true(swgi_load(&map->cells[index].life) > first);
    assert_int_equal(swgi_load(&map->cells[index].ctl), swgi_ctl(SWGI_CLOSED, SWGI_NORMAL, 42, 0));
    assert_int_equal(swgi_load(&map->cells[index].failures), 0);
    assert_true(find(map, 2, &found));
    assert_false(find(map, 1, &found));
    swg_panel_unref(panel);
}

static void test_lives_wrap_past_never_used(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    uint32_t index = make(map, 1), found;
    (void)state;
    swgi_store(&map->cells[index].life, UINT32_MAX - 3);
    for (uint32_t n = 2; n < 8; n++) {
        drop(map, index);
        assert_int_equal(swgi_load(&map->cells[index].life) & 1, 1);
        assert_int_equal(make(map, n), index);
        assert_int_equal(swgi_load(&map->cells[index].life) & 1, 0);
        assert_int_not_equal(swgi_load(&map->cells[index].life), 0);
        assert_true(find(map, n, &found));
    }
    swg_panel_unref(panel);
}

static void test_counters_begin_at_zero(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    uint32_t index = make(map, 1);
    (void)state;
    assert_int_equal(swgi_thread_enter(map), 0);
    swgi_column_add(&swgi_column(index)->calls, 5);
    assert_int_equal(swgi_column_sum(map, index, SWGI_COUNTER(calls)), 5);
    drop(map, index);
    assert_int_equal(make(map, 2), index);
    assert_int_equal(swgi_column_sum(map, index, SWGI_COUNTER(calls)), 0);
    swg_panel_unref(panel);
}

/* Names come and go for long: tombstones are cleared away, and who stays is found all the time. */
static void test_names_that_come_and_go(void **state) {
    struct swg_panel *panel = open_large(64);
    struct swgi_map *map = map_of(panel);
    uint32_t index, stays = make(map, 1000000);
    (void)state;
    for (uint32_t n = 1; n < 5000; n++) {
        uint32_t made = make(map, n);
        assert_true(find(map, n, &index));
        assert_int_equal(index, made);
        drop(map, made);
        assert_false(find(map, n, &index));
        assert_true(find(map, 1000000, &index));
        assert_int_equal(index, stays);
    }
    assert_true(swgi_load(&map->header->index_version) > 10);
    assert_int_equal(swgi_load(&map->header->circuits_live), 2);
    swg_panel_unref(panel);
}

static void test_names_of_every_length(void **state) {
    struct swg_panel *panel = open_large(200);
    struct swgi_map *map = map_of(panel);
    char name[SWGI_NAME_MAX + 1] = "";
    uint32_t index, life;
    (void)state;
    for (unsigned length = 1; length <= SWGI_NAME_MAX; length++) {
        memset(name, 'x', length);
        assert_int_equal(swgi_registry_lock(map), 0);
        assert_int_equal(swgi_registry_claim(map, name, swgi_name_hash(name), &index), 0);
        swgi_registry_publish(map, index);
        swgi_registry_unlock(map);
        assert_true(swgi_registry_find(map, name, swgi_name_hash(name), &index, &life));
        assert_int_equal(index, length);
    }
    char longer[200];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_false(swgi_registry_find(map, longer, swgi_name_hash(longer), &index, &life));
    swg_panel_unref(panel);
}

/* Two names of one hash, which a hostile user could find. */
static void test_equal_hashes(void **state) {
    struct swg_panel *panel = open_large(8);
    struct swgi_map *map = map_of(panel);
    uint32_t one, two, index, life;
    (void)state;
    assert_int_equal(swgi_registry_lock(map), 0);
    assert_int_equal(swgi_registry_claim(map, "one", 4711, &one), 0);
    swgi_registry_publish(map, one);
    assert_int_equal(swgi_registry_claim(map, "two", 4711, &two), 0);
    swgi_registry_publish(map, two);
    assert_true(swgi_registry_find(map, "two", 4711, &index, &life));
    assert_int_equal(index, two);
    swgi_registry_remove(map, one);
    swgi_registry_unlock(map);
    assert_false(swgi_registry_find(map, "one", 4711, &index, &life));
    assert_true(swgi_registry_find(map, "two", 4711, &index, &life));
    swg_panel_unref(panel);
}

/*
 * Killed at any point of making or evicting: what is live is found, the rest is free, and counts
 * are right.
 */
static void leave_dirty(struct swgi_map *map) {
    swgi_store(&map->header->registry_dirty, 1);
}

static void test_killed_after_claiming(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    uint32_t index, extent, slots, made = make(map, 1);
    (void)state;
    assert_int_equal(swgi_registry_lock(map), 0);
    assert_int_equal(swgi_registry_claim(map, "half", swgi_name_hash("half"), &index), 0);
    assert_int_equal(swgi_pool_histogram(map, index, &extent), 0);
    assert_int_equal(swgi_pool_slots(map, index, 100, &slots), 0);
    swgi_store(&map->cells[index].histogram, extent);
    swgi_registry_unlock(map);
    leave_dirty(map);
    assert_int_equal(swgi_registry_lock(map), 0);
    assert_int_equal(swgi_load(&map->header->circuits_live), 2);
    assert_int_equal(swgi_pool_histograms_used(map), 0);
    assert_int_equal(swgi_pool_slot_chunks_used(map), 0);
    assert_int_equal(make_locked(map, 3), index);
    swgi_registry_unlock(map);
    assert_true(find(map, 1, &index));
    assert_int_equal(index, made);
    swg_panel_unref(panel);
}

static void test_killed_between_life_and_index(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    uint32_t index, found;
    (void)state;
    assert_int_equal(swgi_registry_lock(map), 0);
    assert_int_equal(swgi_registry_claim(map, name_of(7), swgi_name_hash(name_of(7)), &index), 0);
    swgi_add(&map->cells[index].life, 1);
    swgi_registry_unlock(map);
    assert_false(find(map, 7, &found));
    leave_dirty(map);
    make(map, 8);
    assert_true(find(map, 7, &found));
    assert_int_equal(found, index);
    swg_panel_unref(panel);
}

static void test_killed_while_evicting(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    uint32_t index = make(map, 1), found;
    (void)state;
    swgi_add(&map->cells[index].life, 1); /* given up, still in the index, still counted */
    leave_dirty(map);
    assert_false(find(map, 1, &found));
    assert_int_equal(make(map, 2), index);
    assert_true(find(map, 2, &found));
    assert_false(find(map, 1, &found));
    assert_int_equal(swgi_load(&map->header->circuits_live), 2);
    swg_panel_unref(panel);
}

static void test_killed_while_rebuilding(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    uint32_t found;
    (void)state;
    for (uint32_t n = 1; n <= 8; n++)
        make(map, n);
    _Atomic uint32_t *other = map->index[(swgi_load(&map->header->index_version) + 1) & 1];
    for (uint32_t i = 0; i < map->geometry.index_buckets; i++)
        swgi_store(&other[i], 0x12345678);
    leave_dirty(map);
    drop(map, 8);
    for (uint32_t n = 1; n <= 7; n++)
        assert_true(find(map, n, &found));
    assert_false(find(map, 8, &found));
    swg_panel_unref(panel);
}

/* Whatever stands in the index, looking ends and finds only what is true. */
static void test_a_hostile_index(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    struct swgi_random random;
    uint32_t made = make(map, 1), index = 0;
    (void)state;
    swgi_random_init(&random, 1);
    for (unsigned round = 0; round < 200; round++) {
        for (uint32_t i = 0; i < 2 * map->geometry.index_buckets; i++)
            swgi_store(&map->index[0][i], (uint32_t)swgi_random_next(&random) | 1);
        swgi_store(&map->header->index_version, swgi_random_next(&random));
        swgi_store(&map->header->circuits_high, swgi_random_next(&random));
        swgi_store(&map->header->circuits_live, swgi_random_next(&random));
        if (find(map, 1, &index))
            assert_int_equal(index, made);
        assert_false(find(map, 2, &index));
        leave_dirty(map);
        assert_int_equal(swgi_registry_lock(map), 0);
        swgi_registry_unlock(map);
        swgi_store(&map->header->circuits_high, 2);
        leave_dirty(map);
        assert_int_equal(swgi_registry_lock(map), 0);
        swgi_registry_unlock(map);
        assert_true(find(map, 1, &index));
    }
    swg_panel_unref(panel);
}

/* ---- threads */

#define THREADS 3u
#define STAYING 16u

static struct swgi_map *shared;
static _Atomic uint32_t stop, failures;

/* Who stays must be found at every instant, whatever is made, evicted and rebuilt meanwhile. */
static void *looks(void *unused) {
    uint32_t index;
    (void)unused;
    for (unsigned i = 0; swgi_load(&stop) == 0; i++)
        if (!find(shared, 1000000 + i % STAYING, &index))
            swgi_add(&failures, 1);
    return NULL;
}

static void test_lookups_while_names_come_and_go(void **state) {
    struct swg_panel *panel = open_large(64);
    pthread_t threads[THREADS];
    (void)state;
    shared = map_of(panel);
    swgi_store(&stop, 0);
    for (uint32_t n = 0; n < STAYING; n++)
        make(shared, 1000000 + n);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, looks, NULL), 0);
    for (uint32_t n = 1; n < 20000; n++)
        drop(shared, make(shared, n));
    swgi_store(&stop, 1);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(swgi_load(&failures), 0);
    swg_panel_unref(panel);
}

static void *makes(void *first) {
    for (uint32_t n = (uint32_t)(uintptr_t)first; n < 600; n += THREADS)
        if (make(shared, n) == 0)
            swgi_add(&failures, 1);
    return NULL;
}

static void test_threads_that_make_at_once(void **state) {
    struct swg_panel *panel = open_large(600);
    pthread_t threads[THREADS];
    uint32_t index;
    (void)state;
    shared = map_of(panel);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, makes, (void *)i), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(swgi_load(&failures), 0);
    for (uint32_t n = 0; n < 600; n++)
        assert_true(find(shared, n, &index));
    assert_int_equal(swgi_load(&shared->header->circuits_live), 601);
    swg_panel_unref(panel);
}

static void *hold(void *map) {
    return (void *)(intptr_t)swgi_registry_lock(map);
}

static void test_a_held_lock_is_given_up(void **state) {
    struct swg_panel *panel = open_private();
    pthread_t thread;
    void *result;
    (void)state;
    assert_int_equal(swgi_registry_lock(map_of(panel)), 0);
    assert_int_equal(pthread_create(&thread, NULL, hold, map_of(panel)), 0);
    pthread_join(thread, &result);
    assert_int_equal((int)(intptr_t)result, -EAGAIN);
    swgi_registry_unlock(map_of(panel));
    assert_int_equal(swgi_registry_lock(map_of(panel)), 0);
    swgi_registry_unlock(map_of(panel));
    swg_panel_unref(panel);
}

/* ---- processes */

static _Atomic uint32_t *words;

static void holds_the_lock(void *unused) {
    (void)unused;
    struct swgi_map *map = map_of(open_small());
    uint32_t index;
    CHILD_ASSERT(swgi_registry_lock(map) == 0);
    CHILD_ASSERT(swgi_registry_claim(map, "half", swgi_name_hash("half"), &index) == 0);
    swgi_store(words, 1);
    for (;;)
        pause();
}

static void test_a_stopped_holder_then_killed(void **state) {
    struct swg_panel *panel = open_small();
    struct swgi_map *map = map_of(panel);
    uint32_t index = 0;
    (void)state;
    words = shared_words(1);
    pid_t child = start_child(holds_the_lock, NULL);
    WAIT_FOR(swgi_load(words) == 1);
    assert_int_equal(kill(child, SIGSTOP), 0);
    assert_int_equal(swgi_registry_lock(map), -EAGAIN); /* and not: forever */
    struct swg_circuit *circuit = NULL;
    assert_int_equal(swg_circuit_get(panel, "other", NULL, &circuit, NULL), 0);
    assert_string_equal(swg_circuit_name(circuit), "_beyond");
    kill_child(child);
    assert_int_equal(swgi_registry_lock(map), 0);
    assert_int_equal(swgi_load(&map->header->circuits_live), 1); /* repaired */
    assert_int_not_equal(make_locked(map, 1), 0);
    swgi_registry_unlock(map);
    assert_true(find(map, 1, &index));
    swg_panel_unref(panel);
}

static void makes_many(void *arg) {
    struct swgi_map *map = map_of(open_small());
    for (uint32_t n = 0;; n++) {
        if (swgi_registry_lock(map) != 0)
            continue;
        uint32_t index = make_locked(map, (uint32_t)(uintptr_t)arg + n % 3);
        if (index != 0)
            swgi_registry_remove(map, index);
        swgi_registry_unlock(map);
        swgi_add(words, 1);
    }
}

static void test_makers_killed_at_any_moment(void **state) {
    struct swg_panel *panel = open_small();
    struct swgi_map *map = map_of(panel);
    uint32_t index, mine = make(map, 999);
    (void)state;
    words = shared_words(1);
    for (unsigned round = 0; round < bounded(40); round++) {
        uint32_t before = swgi_load(words);
        pid_t children[2] = { start_child(makes_many, (void *)100),
                              start_child(makes_many, (void *)200) };
        WAIT_FOR(swgi_load(words) > before + 5 + round);
        kill_child(children[round % 2]);
        assert_true(find(map, 999, &index));
        kill_child(children[1 - round % 2]);
    }
    while (swgi_registry_lock(map) != 0)
        continue;
    for (uint32_t c = 1; c < map->geometry.circuits; c++)
        if (c != mine && (swgi_load(&map->cells[c].life) & 1) == 0 &&
            swgi_load(&map->cells[c].life) != 0)
            swgi_registry_remove(map, c);
    assert_int_equal(swgi_load(&map->header->circuits_live), 2);
    swgi_registry_unlock(map);
    assert_true(find(map, 999, &index));
    assert_int_equal(index, mine);
    swg_panel_unref(panel);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_panels_own_circuit),
        cmocka_unit_test(test_every_one_of_65535_is_found),
        cmocka_unit_test(test_a_life_ends_and_another_begins),
        cmocka_unit_test(test_lives_wrap_past_never_used),
        cmocka_unit_test(test_counters_begin_at_zero),
        cmocka_unit_test(test_names_that_come_and_go),
        cmocka_unit_test(test_names_of_every_length),
        cmocka_unit_test(test_equal_hashes),
        cmocka_unit_test(test_killed_after_claiming),
        cmocka_unit_test(test_killed_between_life_and_index),
        cmocka_unit_test(test_killed_while_evicting),
        cmocka_unit_test(test_killed_while_rebuilding),
        cmocka_unit_test(test_a_hostile_index),
        cmocka_unit_test(test_threads_that_make_at_once),
        cmocka_unit_test(test_lookups_while_names_come_and_go),
        cmocka_unit_test(test_a_held_lock_is_given_up),
        IN_FOLDER(test_a_stopped_holder_then_killed),
        IN_FOLDER(test_makers_killed_at_any_moment),
    };
    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
