/* The count window beside a list of the last N outcomes: each N, each lap, generations near their wrap. */
#include "drive.h"

#define WINDOW(calls, calls_min, failures, slow)                                                   \
    { "breaker.trip.0.failure_rate.percent", failures },                                           \
        { "breaker.trip.0.failure_rate.calls", calls },                                            \
        { "breaker.trip.0.failure_rate.calls_min", calls_min },                                    \
        { "breaker.trip.1.slow_rate.percent", slow }, { "breaker.trip.1.slow_rate.calls", calls }, \
        { "breaker.trip.1.slow_rate.calls_min", calls_min }, {                                     \
        "breaker.slow_call_duration", "700ms"                                                      \
    }

static const char *const circuits[][2] = {
    WINDOW("1", "1", "100", "100"),
    { NULL, NULL },
    WINDOW("2", "2", "100", "99"),
    { NULL, NULL },
    WINDOW("3", "1", "80", "90"),
    { "breaker.weights.timeout", "0.5" },
    { NULL, NULL },
    WINDOW("10", "10", "60", "70"),
    { "breaker.compare", "above" },
    { "breaker.ignored", "success" },
    { NULL, NULL },
    WINDOW("100", "100", "45", "45"),
    { "breaker.weights.timeout", "0" },
    { "breaker.min_state_transition_interval", "1s" },
    { NULL, NULL },
    WINDOW("64", "20", "52", "50"),
    { "breaker.judge_on_success", "no" },
    { NULL, NULL },
    WINDOW("1023", "500", "41", "43"),
    { NULL, NULL },
    { NULL, NULL },
};

static const struct plan some_failures = {
    .settings = circuits,
    .weights = { [STEP_CALL] = 400,
                 [STEP_ACQUIRE] = 12,
                 [STEP_RECORD] = 12,
                 [STEP_CANCEL] = 1,
                 [STEP_ADVANCE] = 20,
                 [STEP_RESET] = 40,
                 [STEP_TRIP] = 1 },
    .failures_of_100 = 38,
    .duration_most = S(1),
};

static void test_every_window_is_the_last_calls(void **state) {
    (void)state;
    live(&some_failures, 300, 3000);
    assert_true(lived[SWGI_CLOSED_TO_OPEN] > bounded(1000));
    assert_true(wraps > bounded(10));
}

/* Long enough for each lap number to come round: 19 bits of position. A tenth of it is too short for that. */
static const struct plan never_tripping = {
    .settings = (const char *const[][2]){ { "breaker.trip.0.failure_rate.percent", "100" },
                                          { "breaker.trip.0.failure_rate.calls", "1000" },
                                          { "breaker.trip.0.failure_rate.calls_min", "1000" },
                                          { NULL, NULL },
                                          { NULL, NULL } },
    .weights = { [STEP_CALL] = 1 },
    .failures_of_100 = 50,
    .duration_most = 1,
};

static void test_laps_wrap(void **state) {
    (void)state;
    live(&never_tripping, 1, bounded(1200000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_window_is_the_last_calls),
        cmocka_unit_test(test_laps_wrap),
    };

    return cmocka_run_group_tests_name("model: count window", tests, NULL, NULL);
}
