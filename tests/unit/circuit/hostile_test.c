/* What the fuzzers found, as stories: words in the panel that no honest process writes. */
#include "bad_input.h"

#include "engine/engine.h"

static struct swg_panel *panel;
static struct swg_circuit *circuit;
static struct swgi_cell *cell;

static int begin(void **state) {
    struct swg_panel_options options = small_options(NULL);
    (void)state;
    options.virtual_clock = 1;
    panel = open_with(&options);
    circuit = get(panel, "dependency");
    cell = atomic_load(&circuit->binding)->cell;
    return 0;
}

static int end(void **state) {
    (void)state;
    panel = swg_panel_unref(panel);
    return 0;
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)

/* The settings in force, as somebody else may write them. */
static void write_settings(const struct swgi_settings *settings) {
    uint64_t words[SWGI_SETTINGS_WORDS] = { 0 };
    memcpy(words, settings, sizeof(*settings));
    for (unsigned i = 0; i < SWGI_SETTINGS_WORDS; i++)
        swgi_store(&cell->settings[swgi_load(&cell->settings_sequence) & 1][i], words[i]);
}

static void test_a_ramp_admits_at_most_all(void **state) {
    struct swgi_settings settings;
    (void)state;
    swgi_settings_load(cell, &settings);
    settings.ramp_steps = 2;
    settings.ramp_percent[0] = settings.ramp_percent[1] = 255;
    settings.success_threshold = 1;
    write_settings(&settings);
    assert_int_equal(swg_circuit_trip(circuit, NULL, NULL), 0);
    assert_int_equal(swg_circuit_probe(circuit, NULL, NULL), 0);
    struct swg_permit probe = admitted(circuit);
    assert_int_equal(swg_record(&probe, SWG_SUCCESS), 0);
    assert_int_equal(status_of(circuit).ramp_percent, 100);
}

/* A virtual clock that nobody advanced to there. */
static void test_a_clock_beyond_all_times(void **state) {
    static const uint64_t times[] = { INT64_MAX, UINT64_C(1) << 63, UINT64_MAX, UINT64_MAX - 1, 0 };
    struct swgi_header *header = atomic_load(&panel->map)->header;
    struct swg_permit permit;
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        swgi_store(&header->virtual_clock, times[i]);
        assert_true(swg_panel_now(panel) >= 0);
        assert_int_equal(swg_circuit_trip(circuit, NULL, NULL), 0);
        assert_int_equal(swg_circuit_probe(circuit, NULL, NULL), 0);
        swgi_store(&cell->liveness_stamp, ~times[i]);
        assert_int_equal(swg_acquire(circuit, NULL, &permit), SWG_GO);
        struct swg_permit second;
        assert_int_equal(swg_acquire(circuit, NULL, &second), SWG_OPEN);
        assert_int_equal(swg_record(&permit, SWG_FAILURE), 0);
        assert_true(status_of(circuit).in_flight == 0);
    }
}

/* Times as far from each other as 64 bits allow, and a boot in between. */
static void test_a_reboot_with_impossible_times(void **state) {
    struct swg_panel_options options = small_options(path);
    static const int64_t times[] = { 1, INT64_MAX, INT64_MIN, INT64_MIN + 1, -1 };
    static const char *const boots[] = { "first", "second", "third", "fourth", "fifth", "sixth" };
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        options.boot_id = boots[i];
        struct swg_panel *before = open_with(&options);
        struct swg_circuit *trips = get(before, "trips");
        assert_int_equal(swg_circuit_trip(trips, NULL, NULL), 0);
        struct swgi_map *map = atomic_load(&before->map);
        struct swgi_cell *of = atomic_load(&trips->binding)->cell;
        swgi_store(&of->last_trip, (uint64_t)times[i]);
        swgi_store(&of->since, ~UINT64_C(0) << 20 | swgi_since_generation(swgi_load(&of->since)));
        swgi_store(&of->shadow_until, (uint64_t)times[i]);
        swgi_store(&map->header->stamp_monotonic, (uint64_t)times[4 - i]);
        options.boot_id = boots[i + 1];
        struct swg_panel *after = open_with(&options);
        assert_int_equal(status_of(get(after, "trips")).state, SWG_STATE_OPEN);
        assert_true(status_of(get(after, "trips")).last_trip >= 0);
        swg_panel_unref(after);
        swg_panel_unref(before);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_a_ramp_admits_at_most_all),
        STORY(test_a_clock_beyond_all_times),
        IN_FOLDER(test_a_reboot_with_impossible_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
