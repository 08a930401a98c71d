/* The whole machine beside the naive one: generations, probes, ramp, modes, hands, reloads, every kind of rule. */
#include "drive.h"

static const char *const circuits[][2] = {
    { "breaker.trip.0.consecutive", "3" },
    { "breaker.open.multiplier", "2" },
    { "breaker.open.max", "100s" },
    { "breaker.open.for", "10s" },
    { NULL, NULL },

    { "breaker.trip.0.consecutive", "4" },
    { "breaker.weights.timeout", "0.5" },
    { "breaker.compare", "above" },
    { "breaker.half_open.probes", "4" },
    { "breaker.half_open.success_threshold", "6" },
    { "breaker.half_open.ramp", "5,25,50" },
    { "breaker.open.from", "last_failure" },
    { "breaker.min_state_transition_interval", "1s" },
    { NULL, NULL },

    { "breaker.trip.0.failure_rate.percent", "50" },
    { "breaker.trip.0.failure_rate.calls", "10" },
    { "breaker.trip.0.failure_rate.calls_min", "5" },
    { "breaker.trip.1.slow_rate.percent", "80" },
    { "breaker.trip.1.slow_rate.calls", "10" },
    { "breaker.slow_call_duration", "500ms" },
    { "breaker.half_open.permits", "total" },
    { "breaker.half_open.verdict", "rate" },
    { "breaker.half_open.probes", "5" },
    { "breaker.half_open.success_threshold", "2" },
    { "breaker.min_state_transition_interval", "2s" },
    { NULL, NULL },

    { "breaker.trip.0.failures.weight", "8" },
    { "breaker.trip.0.failures.window", "30s" },
    { "breaker.trip.1.failure_rate.percent", "60" },
    { "breaker.trip.1.failure_rate.window", "10s" },
    { "breaker.trip.1.failure_rate.calls_min", "6" },
    { "breaker.trip.2.slow_rate.percent", "90" },
    { "breaker.trip.2.slow_rate.window", "10s" },
    { "breaker.weights.timeout", "0.5" },
    { "breaker.slow_call_duration", "600ms" },
    { "breaker.open.for", "2s" },
    { "breaker.half_open.probes", "3" },
    { "breaker.half_open.ramp", "20,60" },
    { "breaker.half_open.ramp_step", "3s" },
    { "breaker.window_on_close", "kept" },
    { NULL, NULL },

    { "breaker.trip.0.change.healthy", "0.01" },
    { "breaker.trip.0.change.unhealthy", "0.3" },
    { "breaker.trip.0.change.false_trip_once_in", "1000" },
    { "breaker.trip.1.failure_rate.percent", "40" },
    { "breaker.trip.1.failure_rate.window", "60s" },
    { "breaker.trip.1.failure_rate.calls_min", "30" },
    { "breaker.ignored", "success" },
    { "breaker.open.recovery", "manual" },
    { "breaker.open.cooldown", "5s" },
    { NULL, NULL },

    { "breaker.trip.0.failure_rate.percent", "30" },
    { "breaker.trip.0.failure_rate.calls", "20" },
    { "breaker.trip.1.failure_rate.percent", "25" },
    { "breaker.trip.1.failure_rate.window", "5s" },
    { "breaker.judge_on_success", "no" },
    { "breaker.weights.timeout", "0" },
    { "breaker.half_open.permits", "total" },
    { "breaker.half_open.probes", "4" },
    { "breaker.half_open.success_threshold", "3" },
    { "breaker.half_open.max", "5s" },
    { NULL, NULL },
    { NULL, NULL },
};

static const struct plan all = {
    .settings = circuits,
    .weights = { [STEP_CALL] = 300,
                 [STEP_ACQUIRE] = 40,
                 [STEP_RECORD] = 38,
                 [STEP_CANCEL] = 4,
                 [STEP_ADVANCE] = 80,
                 [STEP_TRIP] = 1,
                 [STEP_RESET] = 2,
                 [STEP_PROBE] = 2,
                 [STEP_MODE] = 2,
                 [STEP_CONFIGURE] = 1 },
    .failures_of_100 = 35,
    .duration_most = S(1),
    .bad_clocks = true,
    .long_gaps = true,
};

static const struct plan calm = {
    .settings = circuits,
    .weights = { [STEP_CALL] = 300,
                 [STEP_ACQUIRE] = 10,
                 [STEP_RECORD] = 10,
                 [STEP_CANCEL] = 1,
                 [STEP_ADVANCE] = 60 },
    .failures_of_100 = 12,
    .duration_most = MS(700),
};

static void test_a_calm_life_is_the_model_s(void **state) {
    (void)state;
    live(&calm, 500, 2500);
    assert_lived(200, SWGI_CLOSED_TO_OPEN, SWGI_RAMP_TO_CLOSED);
    assert_lived(100, SWGI_HALF_TO_OPEN, SWGI_RAMP_TO_OPEN);
}

static void test_any_life_is_the_model_s(void **state) {
    (void)state;
    live(&all, 500, 4000);
    assert_lived(80, 0, SWGI_TRANSITIONS - 1);
    assert_true(wraps > bounded(10));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_calm_life_is_the_model_s),
        cmocka_unit_test(test_any_life_is_the_model_s),
    };

    return cmocka_run_group_tests_name("model: machine", tests, NULL, NULL);
}
