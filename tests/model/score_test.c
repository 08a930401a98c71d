/* The score rule beside the naive one: in a row, weighted, as change detector. */
#include "drive.h"

static const char *const circuits[][2] = {
    { "breaker.trip.0.consecutive", "1" },
    { NULL, NULL },

    { "breaker.trip.0.consecutive", "5" },
    { "breaker.weights.timeout", "0.5" },
    { NULL, NULL },

    { "breaker.trip.0.consecutive", "3" },
    { "breaker.compare", "above" },
    { "breaker.ignored", "success" },
    { "breaker.min_state_transition_interval", "1s" },
    { NULL, NULL },

    { "breaker.trip.0.consecutive", "4" },
    { "breaker.judge_on_success", "no" },
    { "breaker.weights.timeout", "0" },
    { "breaker.min_state_transition_interval", "5s" },
    { NULL, NULL },

    { "breaker.trip.0.change.healthy", "0.05" },
    { "breaker.trip.0.change.unhealthy", "0.5" },
    { "breaker.trip.0.change.false_trip_once_in", "10000" },
    { "breaker.weights.timeout", "0.5" },
    { NULL, NULL },

    { "breaker.trip.0.change.healthy", "0.000001" },
    { "breaker.trip.0.change.unhealthy", "0.99" },
    { "breaker.trip.0.change.false_trip_once_in", "1000000000000" },
    { "breaker.min_state_transition_interval", "3s" },
    { NULL, NULL },
    { NULL, NULL },
};

static const struct plan some_failures = {
    .settings = circuits,
    .weights = { [STEP_CALL] = 300,
                 [STEP_ACQUIRE] = 12,
                 [STEP_RECORD] = 12,
                 [STEP_CANCEL] = 1,
                 [STEP_ADVANCE] = 40,
                 [STEP_RESET] = 20,
                 [STEP_CONFIGURE] = 1 },
    .failures_of_100 = 40,
    .duration_most = S(1),
    .bad_clocks = true,
};

static void test_the_score_is_the_model_s(void **state) {
    (void)state;
    live(&some_failures, 400, 2500);
    assert_true(lived[SWGI_CLOSED_TO_OPEN] > bounded(1000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_score_is_the_model_s),
    };

    return cmocka_run_group_tests_name("model: score", tests, NULL, NULL);
}
