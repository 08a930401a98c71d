/* The time window beside a list of outcomes and their slices: gaps, idle years, wraps of ticks, clocks that run backward or lie. */
#include "drive.h"

static const char *const circuits[][2] = {
    { "breaker.trip.0.failure_rate.percent", "50" },
    { "breaker.trip.0.failure_rate.window", "30s" },
    { "breaker.trip.0.failure_rate.calls_min", "10" },
    { NULL, NULL },

    { "breaker.trip.0.failure_rate.percent", "45" },
    { "breaker.trip.0.failure_rate.window", "10ms" },
    { "breaker.trip.0.failure_rate.calls_min", "8" },
    { "breaker.open.for", "5ms" },
    { NULL, NULL },

    { "breaker.trip.0.failure_rate.percent", "60" },
    { "breaker.trip.0.failure_rate.window", "5s" },
    { "breaker.trip.0.failure_rate.calls_min", "8" },
    { "breaker.trip.1.failures.weight", "12" },
    { "breaker.trip.1.failures.window", "30s" },
    { "breaker.trip.2.slow_rate.percent", "65" },
    { "breaker.trip.2.slow_rate.window", "10s" },
    { "breaker.trip.3.failure_rate.percent", "40" },
    { "breaker.trip.3.failure_rate.window", "60s" },
    { "breaker.trip.3.failure_rate.calls_min", "40" },
    { "breaker.slow_call_duration", "500ms" },
    { "breaker.weights.timeout", "0.5" },
    { NULL, NULL },

    { "breaker.trip.0.failures.weight", "6" },
    { "breaker.trip.0.failures.window", "1s" },
    { "breaker.trip.0.failures.calls_min", "9" },
    { "breaker.compare", "above" },
    { "breaker.window_on_close", "kept" },
    { "breaker.min_state_transition_interval", "500ms" },
    { "breaker.open.for", "300ms" },
    { NULL, NULL },

    { "breaker.trip.0.slow_rate.percent", "70" },
    { "breaker.trip.0.slow_rate.window", "700ms" },
    { "breaker.trip.0.slow_rate.calls_min", "5" },
    { "breaker.trip.1.failure_rate.percent", "off" },
    { "breaker.trip.1.failure_rate.window", "1s" },
    { "breaker.slow_call_duration", "400ms" },
    { "breaker.judge_on_success", "no" },
    { "breaker.ignored", "success" },
    { NULL, NULL },

    { "breaker.trip.0.failure_rate.percent", "30" },
    { "breaker.trip.0.failure_rate.window", "24h" },
    { "breaker.trip.0.failure_rate.calls_min", "60" },
    { "breaker.weights.timeout", "0" },
    { "breaker.min_state_transition_interval", "20s" },
    { NULL, NULL },
    { NULL, NULL },
};

static const struct plan steady = {
    .settings = circuits,
    .weights = { [STEP_CALL] = 300,
                 [STEP_ACQUIRE] = 12,
                 [STEP_RECORD] = 12,
                 [STEP_CANCEL] = 1,
                 [STEP_ADVANCE] = 50,
                 [STEP_RESET] = 10 },
    .failures_of_100 = 35,
    .duration_most = MS(800),
};

static const struct plan unsteady = {
    .settings = circuits,
    .weights = { [STEP_CALL] = 300,
                 [STEP_ACQUIRE] = 12,
                 [STEP_RECORD] = 12,
                 [STEP_CANCEL] = 1,
                 [STEP_ADVANCE] = 40,
                 [STEP_RESET] = 10,
                 [STEP_CONFIGURE] = 1 },
    .failures_of_100 = 35,
    .duration_most = MS(800),
    .bad_clocks = true,
    .long_gaps = true,
};

static void test_a_window_holds_what_happened_in_it(void **state) {
    (void)state;
    live(&steady, 400, 2500);
    assert_true(lived[SWGI_CLOSED_TO_OPEN] > bounded(1000));
}

static void test_gaps_wraps_reloads_and_lying_clocks_change_nothing(void **state) {
    (void)state;
    live(&unsteady, 400, 2500);
    assert_true(lived[SWGI_CLOSED_TO_OPEN] > bounded(1000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_window_holds_what_happened_in_it),
        cmocka_unit_test(test_gaps_wraps_reloads_and_lying_clocks_change_nothing),
    };

    return cmocka_run_group_tests_name("model: time window", tests, NULL, NULL);
}
