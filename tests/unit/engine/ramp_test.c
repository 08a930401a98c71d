/* The ramp: a growing share of calls on the way back. */
#include "inside.h"

#include <math.h>

static void ramp_up(void) {
    set("breaker.half_open.ramp", "5,25,50");
    set("breaker.half_open.ramp_step", "10s");
    make();
    calls(5, SWG_FAILURE);
    advance(S(31));
    calls(2, SWG_SUCCESS);
    assert_state(HALF_OPEN);
    assert_int_equal(status().ramp_percent, 5);
}

static int ask(uint64_t key) {
    struct swg_request request = SWG_REQUEST_INIT;

    request.key = key;
    return swg_acquire_at(circuit, &request, now(), &latest);
}

/* How many of so many calls are let in; each is cancelled, so that nothing is learned. */
static unsigned admitted(unsigned of, uint64_t first_key) {
    unsigned count = 0;

    for (unsigned i = 0; i < of; i++) {
        if (ask(first_key == 0 ? 0 : first_key + i) == SWG_GO) {
            count++;
            swg_cancel(&latest);
        }
    }
    return count;
}

static void succeed_once(void) {
    while (ask(0) != SWG_GO)
        ;
    record_permit(&latest, SWG_SUCCESS, 0);
}

static void test_it_follows_the_probes(void **state) {
    (void)state;
    ramp_up();
    assert_int_equal(swgi_ctl_state(ctl()), SWGI_RAMP);
    assert_int_equal(status().transitions, 3);
}

static void test_the_share_is_as_configured(void **state) {
    static const unsigned shares[] = { 5, 25, 50 };

    (void)state;
    ramp_up();
    for (unsigned i = 0; i < 3; i++) {
        unsigned wanted = shares[i] * 400, by_lot = admitted(40000, 0), by_key = admitted(40000, 1);
        /* Six standard deviations of 40,000 lots. */
        unsigned off = (unsigned)(6 * sqrt(wanted * (1 - shares[i] / 100.0)));

        assert_int_equal(status().ramp_percent, shares[i]);
        assert_in_range(by_lot, wanted - off, wanted + off);
        assert_in_range(by_key, wanted - off, wanted + off);
        advance(S(10) + ROUNDING);
        succeed_once();
    }
    assert_state(CLOSED);
}

/* The newest transition. */
static struct swg_event newest(void) {
    return why().transitions[0];
}

static void go_through(void) {
    for (int step = 0; step < 3; step++) {
        advance(S(10) + ROUNDING);
        succeed_once();
    }
    assert_state(CLOSED);
    assert_int_equal(newest().from, SWG_STATE_HALF_OPEN);
    assert_int_equal(newest().to, SWG_STATE_CLOSED);
}

/* Of the ramp's own calls: three good ones, one a step, and here a bad one. */
static void go_through_with_a_failure(const char *window, const char *length, int rule) {
    set("breaker.trip.0.failure_rate.percent", "50");
    set("breaker.trip.0.failure_rate.calls_min", "5");
    set(window, length);
    ramp_up();
    while (ask(0) != SWG_GO)
        ;
    record_permit(&latest, SWG_FAILURE, 0);
    go_through();
    assert_int_equal(newest().rule, rule);
    assert_int_equal(newest().calls, 4);
    assert_true(fabs(newest().value - 0.25) < 1e-9);
    assert_true(fabs(newest().threshold - 0.5) < 1e-9);
}

static void test_its_end_tells_what_the_count_window_saw(void **state) {
    (void)state;
    go_through_with_a_failure("breaker.trip.0.failure_rate.calls", "100", SWG_RULE_COUNT_FAILURE);
}

static void test_its_end_tells_what_the_time_window_saw(void **state) {
    (void)state;
    go_through_with_a_failure("breaker.trip.0.failure_rate.window", "60s", SWG_RULE_TIME_1);
}

static void test_its_end_tells_the_score_where_there_is_no_window(void **state) {
    (void)state;
    ramp_up();
    go_through();
    assert_int_equal(newest().rule, SWG_RULE_CONSECUTIVE);
    assert_true(newest().value == 0);
    assert_true(newest().threshold == 5);
}

/* It is the time that is over. The rule that tripped it is told of the circuit, as before. */
static void test_an_open_time_that_is_over_names_no_rule(void **state) {
    (void)state;
    make();
    calls(5, SWG_FAILURE);
    advance(S(31));
    call(SWG_SUCCESS);
    assert_int_equal(newest().from, SWG_STATE_OPEN);
    assert_int_equal(newest().to, SWG_STATE_HALF_OPEN);
    assert_int_equal(newest().rule, SWG_RULE_NONE);
    assert_string_equal(swg_rule_name(status().rule), "consecutive");
}

static void test_who_was_let_in_stays_in(void **state) {
    bool was_in[1000] = { false };

    (void)state;
    ramp_up();
    for (int step = 0; step < 3; step++) {
        for (unsigned key = 1; key <= 1000; key++) {
            bool in = ask(key) == SWG_GO;

            swg_cancel(&latest);
            assert_int_equal(in, ask(key) == SWG_GO);
            swg_cancel(&latest);
            assert_true(in || !was_in[key - 1]);
            was_in[key - 1] = in;
        }
        advance(S(10) + ROUNDING);
        succeed_once();
    }
}

static void test_a_step_lasts_and_needs_a_success(void **state) {
    (void)state;
    ramp_up();
    advance(S(3600));
    admitted(100, 0);
    assert_int_equal(status().ramp_percent, 5);
    succeed_once();
    assert_int_equal(status().ramp_percent, 25);
    succeed_once();
    assert_int_equal(status().ramp_percent, 25);
    advance(S(10) + ROUNDING);
    admitted(1, 0);
    assert_int_equal(status().ramp_percent, 50);
}

static void test_each_step_needs_a_success_of_its_own(void **state) {
    (void)state;
    ramp_up();
    advance(S(11));
    succeed_once();
    assert_int_equal(status().ramp_percent, 25);
    advance(S(11));
    admitted(100, 0);
    assert_int_equal(status().ramp_percent, 25);
}

static void test_a_timeout_of_no_weight_is_no_success(void **state) {
    (void)state;
    set("breaker.weights.timeout", "0");
    ramp_up();
    while (ask(0) != SWG_GO)
        ;
    record_permit(&latest, SWG_TIMEOUT, 0);
    advance(S(11));
    admitted(100, 0);
    assert_int_equal(status().ramp_percent, 5);
}

static void test_failing_goes_back_to_open(void **state) {
    (void)state;
    ramp_up();
    for (int i = 0; i < 5; i++) {
        while (ask(0) != SWG_GO)
            ;
        record_permit(&latest, SWG_FAILURE, 0);
    }
    assert_open_by("consecutive");
    assert_int_equal(status().trips_in_a_row, 2);
}

static void test_what_it_turns_away_is_counted_and_told_to_wait(void **state) {
    (void)state;
    ramp_up();
    while (ask(0) == SWG_GO)
        swg_cancel(&latest);
    assert_true(status().rejected_open > 0);
    assert_true(swg_retry_in(&latest) > 0 && swg_retry_in(&latest) < S(10));
}

static void test_the_end_is_closed_with_empty_windows(void **state) {
    (void)state;
    ramp_up();
    for (int i = 0; i < 3; i++) {
        succeed_once();
        advance(S(10) + ROUNDING);
        admitted(1, 0);
    }
    assert_state(CLOSED);
    assert_int_equal(status().ramp_percent, 0);
    assert_true(status().score == 0);
    assert_int_equal(status().transitions, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_it_follows_the_probes),
        STORY(test_the_share_is_as_configured),
        STORY(test_its_end_tells_what_the_count_window_saw),
        STORY(test_its_end_tells_what_the_time_window_saw),
        STORY(test_its_end_tells_the_score_where_there_is_no_window),
        STORY(test_an_open_time_that_is_over_names_no_rule),
        STORY(test_who_was_let_in_stays_in),
        STORY(test_a_step_lasts_and_needs_a_success),
        STORY(test_each_step_needs_a_success_of_its_own),
        STORY(test_a_timeout_of_no_weight_is_no_success),
        STORY(test_failing_goes_back_to_open),
        STORY(test_what_it_turns_away_is_counted_and_told_to_wait),
        STORY(test_the_end_is_closed_with_empty_windows),
    };

    return cmocka_run_group_tests_name("engine: ramp", tests, NULL, NULL);
}
