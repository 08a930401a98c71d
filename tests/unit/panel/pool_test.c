/*
 * Extents: given out once, given back by who owns them, and reconciled with what the cells point
 * to.
 */
#include "inside.h"

#include "panel/pool.h"

static struct swg_panel *panel;
static struct swgi_map *map;

static uint32_t make(const char *name) {
    uint32_t index = 0;
    assert_int_equal(swgi_registry_claim(map, name, swgi_name_hash(name), &index), 0);
    swgi_registry_publish(map, index);
    return index;
}

static int begin(void **state) {
    (void)state;
    panel = open_private(); /* 2 histograms, 8 chunks of 32 slots */
    map = map_of(panel);
    return swgi_registry_lock(map);
}

static int end(void **state) {
    (void)state;
    swgi_registry_unlock(map);
    panel = swg_panel_unref(panel);
    return 0;
}

static void test_histograms_run_out(void **state) {
    uint32_t a = make("a"), extent[3];
    (void)state;
    assert_int_equal(swgi_pool_histogram(map, a, &extent[0]), 0);
    assert_int_equal(swgi_pool_histogram(map, a, &extent[1]), 0);
    assert_int_equal(swgi_pool_histogram(map, a, &extent[2]), -ENOSPC);
    assert_int_not_equal(extent[0], extent[1]);
    swgi_store(&map->cells[a].histogram, extent[1]);
    swgi_pool_release(map, a); /* what it does not point to */
    assert_int_equal(swgi_pool_histograms_used(map), 1);
    assert_int_equal(swgi_pool_histogram(map, make("b"), &extent[2]), 0);
    assert_int_equal(extent[2], extent[0]);
}

static void test_a_new_owner_finds_zeroes(void **state) {
    uint32_t a = make("a"), extent, first;
    (void)state;
    swgi_store(&map->header->columns_high, 4);
    assert_int_equal(swgi_pool_histogram(map, a, &extent), 0);
    assert_int_equal(swgi_pool_slots(map, a, 64, &first), 0);
    swgi_store(&swgi_histogram_bins(map, extent, 3)[127], 5);
    swgi_store(&map->slots[first - 1 + 63], 6);
    swgi_registry_remove(map, a);
    uint32_t b = make("b");
    assert_int_equal(swgi_pool_histogram(map, b, &extent), 0);
    assert_int_equal(swgi_pool_slots(map, b, 64, &first), 0);
    assert_int_equal(swgi_load(&swgi_histogram_bins(map, extent, 3)[127]), 0);
    assert_int_equal(swgi_load(&map->slots[first - 1 + 63]), 0);
}

static void test_count_windows_lie_apart(void **state) {
    uint32_t a = make("a"), b = make("b"), first[4];
    (void)state;
    assert_int_equal(swgi_pool_slots(map, a, 33, &first[0]), 0); /* two chunks */
    assert_int_equal(swgi_pool_slots(map, b, 1, &first[1]), 0);
    assert_int_equal(swgi_pool_slots(map, a, 160, &first[2]), 0); /* five, and that was all */
    assert_int_equal(first[0], 1);
    assert_int_equal(first[1], 65);
    assert_int_equal(first[2], 97);
    assert_int_equal(swgi_pool_slots(map, b, 1, &first[3]), -ENOSPC);
    assert_int_equal(swgi_pool_slot_chunks_used(map), 8);
}

static void test_a_reload_takes_the_new_before_it_drops_the_old(void **state) {
    uint32_t a = make("a"), first, second;
    (void)state;
    assert_int_equal(swgi_pool_slots(map, a, 64, &first), 0);
    swgi_store(&map->cells[a].ring, first);
    assert_int_equal(swgi_pool_slots(map, a, 96, &second),
                     0); /* right behind the first: still two runs */
    assert_int_equal(second, first + 64);
    swgi_store(&map->cells[a].ring, second);
    swgi_pool_release(map, a);
    assert_int_equal(swgi_pool_slot_chunks_used(map), 3);
    assert_int_equal(swgi_pool_slots(map, make("b"), 64, &first), 0);
    assert_int_equal(first, 1);
}

static void test_nobody_elses_are_released(void **state) {
    uint32_t a = make("a"), b = make("b"), extent, first;
    (void)state;
    assert_int_equal(swgi_pool_histogram(map, b, &extent), 0);
    assert_int_equal(swgi_pool_slots(map, b, 10, &first), 0);
    swgi_pool_release(map, a);
    assert_int_equal(swgi_pool_histograms_used(map), 1);
    assert_int_equal(swgi_pool_slot_chunks_used(map), 1);
}

static void test_a_dead_circuit_owns_nothing(void **state) {
    uint32_t a = make("a"), extent, first;
    (void)state;
    assert_int_equal(swgi_pool_histogram(map, a, &extent), 0);
    assert_int_equal(swgi_pool_slots(map, a, 100, &first), 0);
    swgi_store(&map->cells[a].histogram, extent);
    swgi_store(&map->cells[a].ring, first);
    swgi_registry_remove(map, a);
    assert_int_equal(swgi_pool_histograms_used(map), 0);
    assert_int_equal(swgi_pool_slot_chunks_used(map), 0);
}

/* A damaged table, or two circuits that claim one extent: what is left is consistent. */
static void test_repair(void **state) {
    uint32_t a = make("a"), b = make("b"), extent, first;
    (void)state;
    assert_int_equal(swgi_pool_histogram(map, a, &extent), 0);
    assert_int_equal(swgi_pool_slots(map, a, 64, &first), 0);
    swgi_store(&map->cells[a].histogram, extent);
    swgi_store(&map->cells[a].ring, first);
    swgi_store(&map->cells[b].histogram, extent);
    swgi_store(&map->cells[b].ring, first + 1);
    swgi_store(&map->histogram_owners[1], 4711);
    swgi_store(&map->slot_owners[7], 4711);
    swgi_registry_repair(map);
    assert_int_equal(swgi_load(&map->cells[a].histogram), extent);
    assert_int_equal(swgi_load(&map->cells[a].ring), first);
    assert_int_equal(swgi_load(&map->cells[b].histogram), 0);
    assert_int_equal(swgi_load(&map->cells[b].ring), 0);
    assert_int_equal(swgi_pool_histograms_used(map), 1);
    assert_int_equal(swgi_pool_slot_chunks_used(map), 2);
}

static void test_hostile_words(void **state) {
    uint32_t a = make("a");
    (void)state;
    for (uint32_t shift = 0; shift < 32; shift++) {
        swgi_store(&map->cells[a].histogram, UINT32_MAX >> shift);
        swgi_store(&map->cells[a].ring, UINT32_MAX >> shift);
        swgi_store(&map->slot_owners[0], UINT32_MAX >> shift);
        swgi_store(&map->histogram_owners[0], UINT32_MAX >> shift);
        assert_null(shift < 24 ? swgi_histogram_bins(map, UINT32_MAX >> shift, 0) : NULL);
        swgi_registry_repair(map);
        assert_int_equal(swgi_load(&map->cells[a].ring), 0);
    }
}

#define POOL(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        POOL(test_histograms_run_out),
        POOL(test_a_new_owner_finds_zeroes),
        POOL(test_count_windows_lie_apart),
        POOL(test_a_reload_takes_the_new_before_it_drops_the_old),
        POOL(test_nobody_elses_are_released),
        POOL(test_a_dead_circuit_owns_nothing),
        POOL(test_repair),
        POOL(test_hostile_words),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
