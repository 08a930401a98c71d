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

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_a_ramp_admits_at_most_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
