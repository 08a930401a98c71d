/*
 * What others leave half done, or take away: killed configurers and winners, evicted circuits, dry
 * pools. Each story was a defect once.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "circuit/circuit.h"

#define SECOND INT64_C(1000000000)

static struct swg_panel *panel;

static int open_panel(uint32_t circuits, uint32_t histograms) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    options.virtual_clock = 1;
    options.circuits_max = circuits;
    options.histograms_max = histograms;
    return swg_panel_open(&panel, &options, NULL);
}

static int set_up(void **state) {
    (void)state;
    return open_panel(64, 0);
}

static int tear_down(void **state) {
    (void)state;
    panel = swg_panel_unref(panel);
    return 0;
}

static struct swg_config *config(const char *const *pairs) {
    struct swg_config *made;
    assert_int_equal(swg_config_new(&made), 0);
    for (; *pairs != NULL; pairs += 2)
        assert_int_equal(swg_config_set(made, pairs[0], pairs[1], NULL), 0);
    return made;
}

static struct swg_circuit *get(const char *name, const char *const *pairs) {
    struct swg_circuit *circuit;
    struct swg_config *wanted = config(pairs);
    assert_int_equal(swg_circuit_get(panel, name, wanted, &circuit, NULL), 0);
    swg_config_unref(wanted);
    return circuit;
}

static struct swgi_cell *cell_of(struct swg_circuit *circuit) {
    return swgi_circuit_bind(circuit)->cell;
}

/* So many failing calls, that far apart: how many were let through? */
static unsigned failures(struct swg_circuit *circuit, unsigned count, int64_t apart) {
    unsigned admitted = 0;
    for (unsigned i = 0; i < count; i++) {
        struct swg_permit permit;
        assert_int_equal(swg_panel_advance(panel, apart), 0);
        if (swg_acquire(circuit, NULL, &permit) != SWG_GO)
            continue;
        admitted++;
        assert_int_equal(swg_record(&permit, SWG_FAILURE), 0);
    }
    return admitted;
}

static const char *const ten_a_minute[] = { "breaker.trip.0.failures.weight",
                                            "10",
                                            "breaker.trip.0.failures.window",
                                            "60s",
                                            "breaker.open.jitter",
                                            "0",
                                            NULL };

static void test_a_configurer_killed_while_cutting_time(void **state) {
    struct swg_circuit *circuit = get("db", ten_a_minute);
    (void)state;
    assert_int_equal(failures(circuit, 30, 20 * SECOND), 30);
    swgi_store(&cell_of(circuit)->reciprocal, 0);
    assert_int_equal(failures(circuit, 30, 20 * SECOND), 30);
    swg_panel_advance(panel, 100 * SECOND);
    assert_int_equal(failures(circuit, 100, 0), 10);
}

static const char *const half_of_100[] = { "breaker.trip.0.failure_rate.percent",
                                           "50",
                                           "breaker.trip.0.failure_rate.calls",
                                           "100",
                                           "breaker.trip.0.failure_rate.calls_min",
                                           "4",
                                           NULL };
static const char *const half_of_10[] = { "breaker.trip.0.failure_rate.percent",
                                          "50",
                                          "breaker.trip.0.failure_rate.calls",
                                          "10",
                                          "breaker.trip.0.failure_rate.calls_min",
                                          "4",
                                          NULL };

/* Settings published, nothing else done: what was counted by the old ones must not be judged. */
static void test_a_configurer_killed_after_publishing(void **state) {
    struct swg_circuit *circuit = get("db", half_of_100);
    struct swgi_cell *cell = cell_of(circuit);
    struct swgi_settings settings;
    (void)state;
    for (unsigned i = 0; i < 36; i++) {
        struct swg_permit permit;
        assert_int_equal(swg_acquire(circuit, NULL, &permit), SWG_GO);
        assert_int_equal(swg_record(&permit, i % 3 == 2 ? SWG_FAILURE : SWG_SUCCESS), 0);
    }
    uint32_t sequence = swgi_settings_load(cell, &settings);
    settings.count.calls = 10;
    uint64_t words[SWGI_BREAKER_SETTINGS_SIZE / 8];
    memcpy(words, &settings, sizeof(words));
    for (unsigned i = 0; i < SWGI_BREAKER_SETTINGS_SIZE / 8; i++)
        swgi_store(&cell->settings[(sequence + 1) & 1][i], words[i]);
    swgi_store(&cell->settings_sequence, sequence + 1);
    assert_int_equal(failures(circuit, 1, 0), 1);
    assert_int_equal(swg_circuit_state(circuit), SWG_STATE_CLOSED);
    assert_int_equal(swgi_load(&cell->settled), sequence + 1);
    assert_in_range(failures(circuit, 20, 0), 3, 5);
}

static void test_a_shorter_window_keeps_its_slots(void **state) {
    struct swg_circuit *circuit = get("db", half_of_100);
    struct swg_config *shorter = config(half_of_10), *longer = config(half_of_100);
    uint32_t ring = swgi_load(&cell_of(circuit)->ring);
    (void)state;
    get("neighbour", half_of_10);
    assert_int_equal(swg_circuit_configure(circuit, shorter, NULL), 0);
    assert_int_equal(swgi_load(&cell_of(circuit)->ring), ring);
    assert_int_equal(swg_circuit_configure(circuit, longer, NULL), 0);
    assert_int_equal(swgi_load(&cell_of(circuit)->ring), ring);
    swg_config_unref(shorter);
    swg_config_unref(longer);
}

static const char *const defaults[] = { NULL };

/* ctl alone was moved: the evidence is told as lost, and the rule survives. */
static void kill_winner(struct swg_circuit *circuit, unsigned rule) {
    struct swgi_cell *cell = cell_of(circuit);
    uint64_t generation = swgi_generation_next(swgi_ctl_generation(swgi_load(&cell->ctl)));
    uint64_t deadline = swgi_deadline_from(swg_panel_now(panel) + 30 * SECOND);
    swgi_store(&cell->ctl,
               swgi_ctl(SWGI_OPEN, SWGI_NORMAL, generation, swgi_payload_deadline(deadline, rule)));
}

static void test_evidence_of_a_killed_winner_is_lost(void **state) {
    struct swg_circuit *circuit = get("db", defaults);
    struct swg_why why = SWG_WHY_INIT;
    (void)state;
    kill_winner(circuit, SWG_RULE_CONSECUTIVE);
    assert_int_equal(swg_circuit_why(circuit, &why), 0);
    assert_int_equal(why.evidence, 2);
    assert_int_equal(why.status.rule, SWG_RULE_CONSECUTIVE);
    assert_int_equal(swg_circuit_trip(circuit, NULL, NULL), 0);
    assert_int_equal(swg_circuit_why(circuit, &why), 0);
    assert_int_equal(why.evidence, 1);
    assert_int_equal(why.trip.rule, SWG_RULE_HAND);
    assert_int_equal(swg_circuit_reset(circuit, NULL, NULL), 0);
    kill_winner(circuit, SWG_RULE_CONSECUTIVE);
    assert_int_equal(swg_circuit_why(circuit, &why), 0);
    assert_int_equal(why.evidence, 2);
}

static void test_evidence_survives_a_change_of_mode(void **state) {
    struct swg_circuit *circuit = get("db", defaults);
    struct swg_why why = SWG_WHY_INIT;
    (void)state;
    assert_int_equal(failures(circuit, 5, 0), 5);
    assert_int_equal(swg_circuit_mode(circuit, SWG_MODE_SHADOW, NULL, NULL), 0);
    assert_int_equal(swg_circuit_why(circuit, &why), 0);
    assert_int_equal(why.evidence, 1);
    assert_int_equal(why.trip.rule, SWG_RULE_CONSECUTIVE);
}

static void test_a_bound_without_end(void **state) {
    struct swg_circuit *circuit = get("db", defaults);
    struct swg_act act = SWG_ACT_INIT;
    struct swg_status status = SWG_STATUS_INIT;
    (void)state;
    act.for_ns = SWG_NS_MAX;
    assert_int_equal(swg_circuit_trip(circuit, &act, NULL), 0);
    assert_int_equal(swg_circuit_state(circuit), SWG_STATE_OPEN);
    assert_int_equal(swg_circuit_mode(circuit, SWG_MODE_FORCED_OPEN, &act, NULL), 0);
    assert_int_equal(swg_circuit_status(circuit, &status), 0);
    assert_int_equal(status.mode, SWG_MODE_FORCED_OPEN);
}

/* ---- eviction */

static int set_up_small(void **state) {
    (void)state;
    return open_panel(2, 0);
}

/* Two sweeps that find it idle, and a newcomer that wants its place. */
static void evict(struct swg_circuit *circuit) {
    struct swg_circuit *newcomer;
    char name[16];
    for (unsigned i = 0; i < 8 && swgi_circuit_look(circuit) != NULL; i++) {
        snprintf(name, sizeof(name), "newcomer-%u", i);
        assert_int_equal(swg_panel_advance(panel, 20 * SECOND), 0);
        assert_int_equal(swg_circuit_get(panel, name, NULL, &newcomer, NULL), 0);
    }
    assert_null(swgi_circuit_look(circuit));
}

static void test_an_evicted_circuit_comes_back_as_it_was_configured(void **state) {
    struct swg_circuit *circuit = get("db", defaults);
    const char *const two[] = { "breaker.trip.0.consecutive", "2", NULL };
    struct swg_config *changed = config(two);
    (void)state;
    assert_int_equal(swg_circuit_configure(circuit, changed, NULL), 0);
    swg_config_unref(changed);
    evict(circuit);
    assert_int_equal(swg_panel_advance(panel, 40 * SECOND), 0);
    assert_int_equal(failures(circuit, 1, 20 * SECOND), 1);
    assert_int_equal(failures(circuit, 10, SECOND), 1);
}

static void test_a_handle_without_a_place_configures_nobody(void **state) {
    struct swg_circuit *circuit = get("db", defaults), *beyond;
    const char *const longer[] = { "breaker.open.for", "777s", NULL };
    struct swg_config *changed = config(longer);
    char value[32];
    (void)state;
    evict(circuit);
    assert_int_equal(swg_circuit_find(panel, "_beyond", &beyond), 0);
    int rc = swg_circuit_configure(circuit, changed, NULL);
    assert_true(rc == -ENOENT || rc == 0);
    assert_int_equal(swg_circuit_setting(beyond, "breaker.open.for", value, sizeof(value)), 0);
    assert_string_equal(value, "30s");
    swg_config_unref(changed);
}

/* ---- pools */

static int set_up_dry(void **state) {
    (void)state;
    return open_panel(8, 1);
}

static void test_a_histogram_only_if_asked_for_is_a_reason_to_refuse(void **state) {
    const char *const with[] = { "breaker.histogram", "yes", NULL };
    struct swg_circuit *first = get("first", defaults), *second = get("second", defaults), *third;
    struct swg_config *asks = config(with);
    struct swg_error error = SWG_ERROR_INIT;
    (void)state;
    assert_int_not_equal(swgi_load(&cell_of(first)->histogram), 0);
    assert_string_equal(swg_circuit_name(second), "second");
    assert_int_equal(swgi_load(&cell_of(second)->histogram), 0);
    assert_int_equal(swg_circuit_get(panel, "third", asks, &third, &error), -ENOSPC);
    assert_string_equal(error.key, "breaker.histogram");
    assert_int_equal(error.code, -ENOSPC);
    swg_config_unref(asks);
}

#define STORY(name)        cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define STORY_IN(name, in) cmocka_unit_test_setup_teardown(name, in, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_a_bound_without_end),
        STORY(test_a_configurer_killed_while_cutting_time),
        STORY(test_a_configurer_killed_after_publishing),
        STORY(test_a_shorter_window_keeps_its_slots),
        STORY(test_evidence_of_a_killed_winner_is_lost),
        STORY(test_evidence_survives_a_change_of_mode),
        STORY_IN(test_an_evicted_circuit_comes_back_as_it_was_configured, set_up_small),
        STORY_IN(test_a_handle_without_a_place_configures_nobody, set_up_small),
        STORY_IN(test_a_histogram_only_if_asked_for_is_a_reason_to_refuse, set_up_dry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
