/*
 * Every byte of the panel may be anything: nothing outside it is touched, nothing loops for ever,
 * and repair makes it usable again.
 */
#include "inside.h"

#include "panel/pool.h"

static struct swgi_random chance;

static uint64_t any_word(void) {
    uint64_t word = swgi_random_next(&chance);
    switch (swgi_random_below(&chance, 4)) {
    case 0:
        return word >> swgi_random_below(&chance, 64);
    case 1:
        return UINT64_MAX << swgi_random_below(&chance, 64);
    case 2:
        return word & 0xff;
    default:
        return word;
    }
}

/* From the end of what was checked at attach to the end of the panel. */
static void scribble(struct swgi_map *map, uint64_t one_in) {
    swgi_word *words = (swgi_word *)(void *)map->bytes;
    for (uint64_t i = offsetof(struct swgi_header, virtual_clock) / 8; i < map->geometry.size / 8;
         i++)
        if (swgi_random_below(&chance, one_in) == 0)
            swgi_store(&words[i], any_word());
}

static void use_registry(struct swgi_map *map) {
    uint32_t index = 0, life, extra;
    swgi_store(&map->header->registry_dirty,
               1); /* or the damage would be for the next one to find */
    if (swgi_registry_lock(map) != 0)
        return;
    if (swgi_registry_claim(map, "new", swgi_name_hash("new"), &index) == 0) {
        assert_true(index < map->geometry.circuits);
        swgi_pool_histogram(map, index, &extra);
        swgi_pool_slots(map, index, 40, &extra);
        swgi_registry_publish(map, index);
        assert_true(swgi_registry_find(map, "new", swgi_name_hash("new"), &index, &life));
        swgi_registry_remove(map, index);
    }
    for (uint32_t c = 0; c < map->geometry.circuits; c++)
        swgi_pool_release(map, c);
    swgi_registry_unlock(map);
}

static void use_events(struct swg_panel *panel) {
    struct swgi_event_data event = { .kind = 1 };
    struct swg_event out = SWG_EVENT_INIT;
    uint64_t cursor = 0;
    for (unsigned i = 0; i < 5; i++)
        swg_panel_next_event(panel, &cursor, &out);
    swgi_event_publish(map_of(panel), SWGI_RING_ACTS, &event);
    swgi_event_publish(map_of(panel), SWGI_RING_NOTICES, &event);
    cursor = any_word();
    for (unsigned i = 0; i < 5; i++)
        swg_panel_next_event(panel, &cursor, &out);
}

static void use_columns(struct swgi_map *map) {
    assert_int_equal(swgi_thread_enter(map), 0);
    for (uint32_t c = 0; c < map->geometry.circuits; c++) {
        swgi_column_add(&swgi_column(c)->calls, 1);
        swgi_column_sum(map, c, SWGI_COUNTER(calls));
        swgi_column_max(map, c, SWGI_COUNTER(last_failure));
    }
}

static void use_records(struct swgi_map *map) {
    uint64_t words[SWGI_EVIDENCE_WORDS] = { 0 };
    for (uint32_t c = 0; c < map->geometry.circuits; c++) {
        SWGI_RECORD_READ(&map->cells[c].evidence, words, SWGI_EVIDENCE_WORDS);
        SWGI_RECORD_WRITE(&map->cells[c].evidence, words, SWGI_EVIDENCE_WORDS);
    }
}

static void use_everything(struct swg_panel *panel) {
    struct swg_panel_info status = SWG_PANEL_INFO_INIT;
    struct swgi_map *map = map_of(panel);
    swgi_map_believe(map, (int64_t)any_word());
    assert_int_equal(swg_panel_status(panel, &status), 0);
    assert_true(status.circuits <= status.circuits_max);
    use_columns(map);
    use_events(panel);
    use_records(map);
    use_registry(map);
    swgi_panel_reap(panel);
    swg_panel_poll(panel);
}

static void test_private_memory(void **state) {
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        struct swg_panel *panel = open_private();
        for (unsigned i = 0; i < 3; i++) {
            scribble(map_of(panel), 1 + round % 20);
            use_everything(panel);
        }
        swg_panel_unref(panel);
    }
}

static void test_a_file(void **state) {
    struct swg_panel_options options = small_options();
    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        struct swg_panel *panel = open_small();
        scribble(map_of(panel), 1 + round % 20);
        use_everything(panel);
        struct swg_panel *late =
            open_small(); /* also one that comes after, and has to re-base it */
        use_everything(late);
        options.access = SWG_PANEL_INSPECT;
        struct swg_panel *inspector = open_with(&options);
        use_events(inspector);
        assert_int_equal(swg_panel_poll(inspector), 0);
        swg_panel_unref(inspector);
        swg_panel_unref(late);
        swg_panel_unref(panel);
        unlink(panel_file());
    }
}

/* Whatever the index says, after a repair every live cell is found under its name. */
static void test_repair(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    uint32_t index, life;
    (void)state;
    for (unsigned round = 0; round < 500; round++) {
        swgi_word *words = (swgi_word *)(void *)map->index[0];
        for (uint32_t i = 0; i < map->geometry.index_buckets; i++)
            swgi_store(&words[i], any_word());
        swgi_store(&map->header->index_version, any_word());
        swgi_store(&map->header->index_tombstones, any_word());
        swgi_store(&map->header->circuits_live, any_word());
        swgi_store(&map->header->registry_dirty, 1);
        assert_int_equal(swgi_registry_lock(map), 0);
        swgi_registry_unlock(map);
        assert_true(swgi_registry_find(map, "_beyond", swgi_name_hash("_beyond"), &index, &life));
        assert_int_equal(swgi_load(&map->header->circuits_live), 1);
        use_registry(map);
    }
    swg_panel_unref(panel);
}

int main(void) {
    swgi_random_init(&chance, 19);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_private_memory),
        IN_FOLDER(test_a_file),
        cmocka_unit_test(test_repair),
    };
    return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
