/* Event rings: nothing is waited for, what is lost is told, and nobody reads half an event. */
#include "inside.h"

#include <pthread.h>

#define EVENTS 64u

static void publish(struct swgi_map *map, unsigned ring, int code, int64_t at) {
    struct swgi_event_data event = { .kind = SWG_EVENT_SAMPLE, .code = code, .at = at };
    event.wall_ms = swgi_clock_wall_ms();
    memset(event.text, 'a' + code % 26, sizeof(event.text) - 1);
    swgi_event_publish(map, ring, &event);
}

static bool is_whole(const struct swgi_event_data *event) {
    for (size_t i = 0; i < sizeof(event->text) - 1; i++)
        if (event->text[i] != 'a' + event->code % 26)
            return false;
    return true;
}

static void test_in_order(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    struct swgi_event_data event;
    (void)state;
    assert_int_equal(swgi_event_read(map, SWGI_RING_ACTS, 0, &event), 0);
    for (int i = 0; i < 10; i++)
        publish(map, SWGI_RING_ACTS, i, i);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(swgi_event_read(map, SWGI_RING_ACTS, (uint64_t)i, &event), 1);
        assert_int_equal(event.code, i);
        assert_true(is_whole(&event));
    }
    assert_int_equal(swgi_event_read(map, SWGI_RING_ACTS, 10, &event), 0);
    assert_int_equal(swgi_event_read(map, SWGI_RING_NOTICES, 0, &event), 0);
    swg_panel_unref(panel);
}

static void test_the_oldest_give_way(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    struct swgi_event_data event;
    (void)state;
    for (int i = 0; i < 100; i++)
        publish(map, SWGI_RING_NOTICES, i, i);
    assert_int_equal(swgi_event_oldest(map, SWGI_RING_NOTICES), 100 - EVENTS);
    assert_int_equal(swgi_event_read(map, SWGI_RING_NOTICES, 35, &event), -EOVERFLOW);
    assert_int_equal(swgi_event_read(map, SWGI_RING_NOTICES, 36, &event), 1);
    assert_int_equal(event.code, 36);
    swg_panel_unref(panel);
}

static int following(struct swg_panel *panel, uint64_t *cursor, struct swg_event *event) {
    *event = (struct swg_event)SWG_EVENT_INIT;
    return swg_panel_next_event(panel, cursor, event);
}

static void test_one_cursor_reads_both_rings_by_time(void **state) {
    struct swg_panel *panel = open_private();
    struct swg_event event;
    uint64_t cursor = 0, first = 0;
    (void)state;
    for (int i = 0; i < 20; i++)
        publish(map_of(panel), (unsigned)i % 2, i, i);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(following(panel, &cursor, &event), 1);
        assert_int_equal(event.code, i);
        assert_int_equal(event.id, (uint64_t)(i / 2) << 1 | (unsigned)i % 2);
        assert_int_equal(event.id == first && i > 0, 0);
    }
    assert_int_equal(following(panel, &cursor, &event), 0);
    publish(map_of(panel), SWGI_RING_NOTICES, 20, 20);
    assert_int_equal(following(panel, &cursor, &event), 1);
    assert_int_equal(event.code, 20);
    swg_panel_unref(panel);
}

static void test_only_what_comes(void **state) {
    struct swg_panel *panel = open_private();
    struct swg_event event;
    uint64_t cursor = SWG_CURSOR_END;
    (void)state;
    publish(map_of(panel), SWGI_RING_ACTS, 1, 1);
    assert_int_equal(following(panel, &cursor, &event), 0);
    publish(map_of(panel), SWGI_RING_ACTS, 2, 2);
    assert_int_equal(following(panel, &cursor, &event), 1);
    assert_int_equal(event.code, 2);
    swg_panel_unref(panel);
}

static void test_an_overrun_reader_is_told_once(void **state) {
    struct swg_panel *panel = open_private();
    struct swg_event event;
    uint64_t cursor = 0;
    (void)state;
    publish(map_of(panel), SWGI_RING_ACTS, 0, 0);
    assert_int_equal(following(panel, &cursor, &event), 1);
    for (int i = 1; i <= 200; i++)
        publish(map_of(panel), SWGI_RING_ACTS, i, i);
    assert_int_equal(following(panel, &cursor, &event), -EOVERFLOW);
    assert_int_equal(following(panel, &cursor, &event), 1);
    assert_int_equal(event.code, 200 - EVENTS + 1);
    swg_panel_unref(panel);
}

/* Positions in a cursor are cut to 31 bits: around their turn nothing is lost or read twice. */
static void test_a_long_run(void **state) {
    static const uint64_t turns[] = { UINT64_C(1) << 31, UINT64_C(1) << 32, UINT64_C(5) << 31 };
    (void)state;
    for (unsigned t = 0; t < 3; t++) {
        struct swg_panel *panel = open_private();
        struct swg_event event;
        uint64_t cursor = 0;
        swgi_store(&map_of(panel)->header->notices_next, turns[t] - 10);
        swgi_store(&map_of(panel)->header->acts_next, turns[t] + 5);
        cursor = SWG_CURSOR_END;
        assert_int_equal(following(panel, &cursor, &event), 0);
        for (int i = 0; i < 30; i++) {
            publish(map_of(panel), SWGI_RING_NOTICES, i, i);
            assert_int_equal(following(panel, &cursor, &event), 1);
            assert_int_equal(event.code, i);
            assert_int_equal(event.id, (turns[t] - 10 + (uint64_t)i) << 1 | 1);
            assert_int_equal(following(panel, &cursor, &event), 0);
        }
        swg_panel_unref(panel);
    }
}

/* Of another panel, or nonsense: the reader goes on with what there is. */
static void test_a_foreign_cursor(void **state) {
    struct swg_panel *panel = open_private();
    struct swg_event event;
    uint64_t cursor = UINT64_C(0x8000123400005678);
    (void)state;
    publish(map_of(panel), SWGI_RING_ACTS, 7, 7);
    assert_int_equal(following(panel, &cursor, &event), -EOVERFLOW);
    assert_int_equal(following(panel, &cursor, &event), 1);
    assert_int_equal(event.code, 7);
    assert_int_equal(following(panel, &cursor, &event), 0);
    swg_panel_unref(panel);
}

/*
 * A writer killed between its number and its event: waited for while it may yet come, then
 * passed.
 */
static void test_a_killed_writer(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    struct swg_event event;
    struct swgi_event_data late = { .kind = SWG_EVENT_SAMPLE, .code = 3 };
    uint64_t cursor = 0;
    (void)state;
    publish(map, SWGI_RING_ACTS, 1, 1);
    swgi_add(&map->header->acts_next, 1);
    assert_int_equal(following(panel, &cursor, &event), 1);
    assert_int_equal(following(panel, &cursor, &event), 0);
    publish(map, SWGI_RING_ACTS, 2, 2);
    assert_int_equal(following(panel, &cursor, &event), 0); /* it may be about to be written */
    late.wall_ms = swgi_clock_wall_ms() - 1000;             /* as seen a second later */
    swgi_store(&map->rings[SWGI_RING_ACTS][2].sequence, 0);
    swgi_store(&map->header->acts_next, 2);
    swgi_event_publish(map, SWGI_RING_ACTS, &late);
    assert_int_equal(following(panel, &cursor, &event), 1);
    assert_int_equal(event.code, 3);
    assert_int_equal(following(panel, &cursor, &event), 0);
    swg_panel_unref(panel);
}

static void test_a_torn_slot_is_passed(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    struct swgi_event_data event;
    (void)state;
    publish(map, SWGI_RING_ACTS, 1, 1);
    swgi_add(&map->rings[SWGI_RING_ACTS][0].words[20], 1);
    assert_int_equal(swgi_event_read(map, SWGI_RING_ACTS, 0, &event), -EAGAIN);
    swgi_store(&map->rings[SWGI_RING_ACTS][0].sequence,
               1); /* killed while it wrote; the next lap takes the slot */
    for (int i = 1; i <= (int)EVENTS; i++)
        publish(map, SWGI_RING_ACTS, i, i);
    assert_int_equal(swgi_event_read(map, SWGI_RING_ACTS, EVENTS, &event), 1);
    assert_int_equal(event.code, EVENTS);
    swg_panel_unref(panel);
}

/* A writer that slept for a whole lap finds that it came too late. */
static void test_a_lapped_writer_gives_up(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    struct swgi_event_data event;
    (void)state;
    publish(map, SWGI_RING_ACTS, 0, 0);
    swgi_store(&map->rings[SWGI_RING_ACTS][1].sequence, 2 * (EVENTS + 1) + 2);
    publish(map, SWGI_RING_ACTS, 1, 1);
    assert_int_equal(swgi_load(&map->header->events_lost), 1);
    assert_int_equal(swgi_event_read(map, SWGI_RING_ACTS, 1, &event), -EOVERFLOW);
    swg_panel_unref(panel);
}

#define WRITERS 3
#define EACH    20000

static void *writes(void *map) {
    for (int i = 0; i < EACH; i++)
        publish(map, SWGI_RING_NOTICES, i, i);
    return NULL;
}

static void test_many_writers_and_a_reader(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    pthread_t writers[WRITERS];
    uint64_t read = 0;
    (void)state;
    for (unsigned i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, writes, map), 0);
    for (uint64_t id = 0; id < WRITERS * EACH;) {
        struct swgi_event_data event;
        int rc = swgi_event_read(map, SWGI_RING_NOTICES, id, &event);
        if (rc == 1) {
            assert_true(is_whole(&event));
            read++;
        }
        id = rc == -EOVERFLOW ? swgi_event_oldest(map, SWGI_RING_NOTICES) : id + (rc == 1);
        if (rc == -EAGAIN && swgi_event_next(map, SWGI_RING_NOTICES) == WRITERS * EACH)
            id++; /* mixed by a lapped writer: lost, and counted */
    }
    for (unsigned i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    assert_int_equal(swgi_event_next(map, SWGI_RING_NOTICES), WRITERS * EACH);
    assert_true(read > 0);
    swg_panel_unref(panel);
}

static void count_one(void *count, const struct swg_event *event) {
    ++*(int *)count;
    assert_int_equal(event->size, sizeof(*event));
}

static void test_poll_hands_over_what_is_new(void **state) {
    struct swg_panel *panel = open_private();
    int told = 0;
    (void)state;
    publish(map_of(panel), SWGI_RING_ACTS, 1, 1);
    assert_int_equal(swg_panel_log(panel, count_one, &told), 0);
    publish(map_of(panel), SWGI_RING_ACTS, 2, 2);
    publish(map_of(panel), SWGI_RING_NOTICES, 3, 3);
    assert_int_equal(swg_panel_poll(panel), 2);
    assert_int_equal(told, 2);
    assert_int_equal(swg_panel_poll(panel), 0);
    for (int i = 0; i < 500; i++)
        publish(map_of(panel), SWGI_RING_ACTS, i, i);
    assert_int_equal(swg_panel_poll(panel), EVENTS);
    swg_panel_log(panel, NULL, NULL);
    publish(map_of(panel), SWGI_RING_ACTS, 2, 2);
    assert_int_equal(swg_panel_poll(panel), 0);
    swg_panel_unref(panel);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_the_oldest_give_way),
        cmocka_unit_test(test_one_cursor_reads_both_rings_by_time),
        cmocka_unit_test(test_only_what_comes),
        cmocka_unit_test(test_an_overrun_reader_is_told_once),
        cmocka_unit_test(test_a_long_run),
        cmocka_unit_test(test_a_foreign_cursor),
        cmocka_unit_test(test_a_killed_writer),
        cmocka_unit_test(test_a_torn_slot_is_passed),
        cmocka_unit_test(test_a_lapped_writer_gives_up),
        cmocka_unit_test(test_many_writers_and_a_reader),
        cmocka_unit_test(test_poll_hands_over_what_is_new),
    };
    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
