/* What limits retries all together, all attempts under one permit, and retries of a call in one piece. */
#include "policy_story.h"

static struct swg_permit one;

static void make_retry(void) {
    set("retry.attempts", "3");
    set("retry.jitter", "none");
    set("breaker.trip", "none");
    make();
}

static int fail_one(struct swg_permit *permit) {
    return swg_record_at(permit, SWG_FAILURE, NULL, now(), 0);
}

/* A call with all its attempts; how many there were. */
static unsigned fail_all_attempts(void) {
    unsigned attempts = 1;

    one = taken();
    while (fail_one(&one) == SWG_RETRY) {
        assert_int_equal(swg_acquire_again(&one), SWG_GO);
        attempts++;
    }
    return attempts;
}

/* ---- the budget */

static void test_total_failure_is_not_multiplied(void **state) {
    unsigned attempts = 0;
    (void)state;
    set("retry.budget.percent", "20");
    set("retry.budget.per_second", "0");
    set("retry.budget.max", "5");
    make_retry();
    for (unsigned i = 0; i < 2000; i++) {
        attempts += fail_all_attempts();
        advance(MS(1));
    }
    assert_in_range(attempts, 2000 + 395, 2000 + 400 + 5);
    assert_int_equal(status().retries, attempts - 2000);
    assert_true(status().retries_refused > 1000);
    assert_true(status().retry_budget_left < 1);
}

static void test_so_many_a_second_besides(void **state) {
    unsigned attempts = 0;
    (void)state;
    set("retry.budget.percent", "0");
    set("retry.budget.per_second", "2");
    set("retry.budget.max", "10");
    make_retry();
    while (fail_all_attempts() == 3)
        continue;
    for (unsigned i = 0; i < 1000; i++) {
        attempts += fail_all_attempts() - 1;
        advance(MS(10));
    }
    assert_in_range(attempts, 19, 21);
    advance(S(100));
    assert_true(status().retry_budget_left > 9.9 && status().retry_budget_left < 10.1);
}

static void test_without_a_budget(void **state) {
    (void)state;
    set("retry.budget.percent", "off");
    make_retry();
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(fail_all_attempts(), 3);
    assert_true(status().retry_budget_left < 0);
}

static void test_successes_earn_it_back(void **state) {
    (void)state;
    set("retry.budget.percent", "10");
    set("retry.budget.per_second", "0");
    set("retry.budget.max", "2");
    make_retry();
    while (fail_all_attempts() > 1)
        continue;
    calls(20, SWG_SUCCESS);
    assert_int_equal(fail_all_attempts(), 3);
    assert_int_equal(fail_all_attempts(), 1);
}

/* ---- all attempts under one permit */

static void make_inside(void) {
    set("retry.inside", "yes");
    set("bulkhead.max_concurrent", "1");
    set("breaker.trip.0.consecutive", "2");
    set("retry.attempts", "3");
    set("retry.jitter", "none");
    make();
}

static void test_inside_is_one_outcome(void **state) {
    struct swg_permit other;
    (void)state;
    make_inside();
    one = taken();
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(fail_one(&one), SWG_RETRY);
        assert_in_range(swg_retry_in(&one), MS(100) << i, MS(101) << i);
        assert_out(1); /* the permit is kept meanwhile */
        assert_int_equal(ask(&other), SWG_FULL);
        advance(swg_retry_in(&one));
        assert_int_equal(swg_acquire_again(&one), SWG_GO);
    }
    assert_int_equal(status().failures, 0);
    assert_int_equal(fail_one(&one), 0);
    assert_out(0);
    assert_int_equal(status().failures, 1);
    assert_int_equal(status().calls, 1);
    assert_state(CLOSED);
}

static void test_inside_each_attempt_has_its_own_time(void **state) {
    (void)state;
    set("timeout.attempt", "300ms");
    make_inside();
    one = taken();
    advance(MS(250));
    assert_int_equal(fail_one(&one), SWG_RETRY);
    advance(MS(110));
    assert_int_equal(swg_acquire_again(&one), SWG_GO);
    assert_int_equal(swg_deadline(&one), now() + MS(300));
    record_permit(&one, SWG_SUCCESS, 0);
    assert_out(0);
}

static void test_inside_ends_with_a_success(void **state) {
    (void)state;
    make_inside();
    one = taken();
    assert_int_equal(fail_one(&one), SWG_RETRY);
    assert_int_equal(swg_acquire_again(&one), SWG_GO);
    record_permit(&one, SWG_SUCCESS, 0);
    assert_out(0);
    assert_int_equal(status().failures, 0);
    assert_int_equal(status().successes, 1);
}

static void test_inside_may_be_cancelled_in_between(void **state) {
    (void)state;
    make_inside();
    one = taken();
    assert_int_equal(fail_one(&one), SWG_RETRY);
    swg_cancel(&one);
    assert_out(0);
    assert_int_equal(status().cancelled, 1);
    assert_int_equal(swg_acquire_again(&one), -EINVAL);
}

static void test_inside_stops_when_it_trips(void **state) {
    (void)state;
    make_inside();
    one = taken();
    assert_int_equal(fail_one(&one), SWG_RETRY);
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    assert_int_equal(swg_acquire_again(&one), SWG_OPEN);
    assert_int_equal(one.opaque[0], 0);
    assert_out(0);
    assert_int_equal(status().cancelled, 0);
    assert_int_equal(status().late, 1); /* it failed, but not in this state */
}

static void test_inside_a_copy_pays_nothing(void **state) {
    (void)state;
    make_inside();
    one = taken();
    struct swg_permit copy = one;
    record_permit(&one, SWG_SUCCESS, 0);
    double left = status().retry_budget_left;
    assert_int_equal(fail_one(&copy), -EINVAL);
    assert_true(status().retry_budget_left >= left);
    assert_int_equal(status().failures, 0);
    assert_out(0);
}

/* It goes on with nothing, and pays for nothing. */
static void test_inside_a_copy_does_not_go_on(void **state) {
    (void)state;
    make_inside();
    one = taken();
    assert_int_equal(fail_one(&one), SWG_RETRY);
    struct swg_permit copy = one;
    assert_int_equal(swg_acquire_again(&one), SWG_GO);
    record_permit(&one, SWG_SUCCESS, 0);
    double left = status().retry_budget_left;
    assert_int_equal(swg_acquire_again(&copy), -EINVAL);
    assert_int_equal(copy.opaque[0], 0);
    assert_true(status().retry_budget_left >= left);
    assert_int_equal(status().failures, 0);
    assert_int_equal(status().late, 0);
    assert_int_equal(status().calls, 1);
    assert_out(0);
}

/* Without a bulkhead a probe is all there is to tell it by. */
static void test_inside_a_copy_of_a_probe_s_permit_pays_nothing(void **state) {
    (void)state;
    set("retry.inside", "yes");
    set("retry.attempts", "3");
    set("retry.jitter", "none");
    set("breaker.half_open.success_threshold", "3");
    make();
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    assert_int_equal(hand(swg_circuit_probe, 0, 0), 0);
    one = taken();
    struct swg_permit early = one;
    assert_int_equal(fail_one(&one), SWG_RETRY);
    struct swg_permit copy = one;
    assert_int_equal(swg_acquire_again(&one), SWG_GO);
    record_permit(&one, SWG_SUCCESS, 0);
    double left = status().retry_budget_left;
    assert_int_equal(fail_one(&early), -EINVAL);
    assert_int_equal(swg_acquire_again(&copy), -EINVAL);
    assert_true(status().retry_budget_left >= left);
    assert_int_equal(status().failures, 0);
    assert_int_equal(status().probe_successes, 1);
    assert_state(HALF_OPEN);
}

/* Nobody heard of it for half_open_max, and another has its probe: it is late, and asks anew. */
static void test_inside_a_probe_that_was_taken_over_is_over(void **state) {
    struct swg_permit other;
    (void)state;
    set("retry.inside", "yes");
    set("retry.attempts", "3");
    set("retry.jitter", "none");
    set("breaker.half_open_max", "10s");
    make();
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    assert_int_equal(hand(swg_circuit_probe, 0, 0), 0);
    one = taken();
    assert_int_equal(fail_one(&one), SWG_RETRY);
    advance(S(11));
    other = taken();
    assert_int_equal(swg_acquire_again(&one), SWG_OPEN); /* one probe at a time */
    assert_int_equal(status().late, 1);
    assert_int_equal(status().probes_held, 1);
    record_permit(&other, SWG_SUCCESS, 0);
    assert_int_equal(status().probe_successes, 1);
}

static void test_inside_ends_with_the_deadline(void **state) {
    (void)state;
    make_inside();
    assert_int_equal(ask_until(now() + MS(150), &one), SWG_GO);
    assert_int_equal(fail_one(&one), SWG_RETRY);
    advance(MS(100));
    assert_int_equal(swg_acquire_again(&one), SWG_GO);
    assert_int_equal(fail_one(&one), 0);
    assert_int_equal(status().failures, 1);
    assert_out(0);
}

static void test_inside_a_probe_is_one_probe(void **state) {
    (void)state;
    make_inside();
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    assert_int_equal(hand(swg_circuit_probe, 0, 0), 0);
    one = taken();
    assert_int_equal(fail_one(&one), SWG_RETRY);
    assert_state(HALF_OPEN);
    assert_int_equal(status().probes_held, 1);
    assert_int_equal(swg_acquire_again(&one), SWG_GO);
    record_permit(&one, SWG_SUCCESS, 0);
    assert_int_equal(status().probe_successes, 1);
    assert_out(0);
}

/* ---- in one piece */

struct server {
    unsigned calls, fails; /* how many of them */
    uint32_t numbers[8];
    swg_ns deadlines[8];
};

static int serve(struct swg_attempt *attempt, void *arg) {
    struct server *server = arg;
    unsigned i = server->calls++ % 8;

    server->numbers[i] = swg_attempt_number(attempt);
    server->deadlines[i] = swg_attempt_deadline(attempt);
    assert_ptr_equal(swg_attempt_circuit(attempt), circuit);
    return server->calls <= server->fails ? SWG_FAILURE : SWG_SUCCESS;
}

static void test_a_call_is_tried_again(void **state) {
    struct server server = { .fails = 2 };
    struct swg_result result = SWG_RESULT_INIT;
    (void)state;
    make_retry();
    assert_int_equal(swg_call(circuit, NULL, serve, &server, &result), SWG_GO);
    assert_int_equal(result.attempts, 3);
    assert_int_equal(result.source, SWG_SOURCE_CALL);
    assert_false(result.degraded);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(server.numbers[i], i + 1);
    server = (struct server){ .fails = 9 };
    assert_int_equal(swg_call(circuit, NULL, serve, &server, &result), SWG_FAILED);
    assert_int_equal(server.calls, 3);
    assert_int_equal(result.outcome, SWG_FAILURE);
    assert_int_equal(status().retries, 4);
}

static void test_verdicts_are_never_tried_again(void **state) {
    struct server server = { 0 };
    struct swg_result result = SWG_RESULT_INIT;
    (void)state;
    set("limiter.rate", "1");
    set("bulkhead.max_concurrent", "1");
    make_retry();
    one = taken();
    assert_int_equal(swg_call(circuit, NULL, serve, &server, &result), SWG_LIMITED);
    advance(S(1));
    assert_int_equal(swg_call(circuit, NULL, serve, &server, &result), SWG_FULL);
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    assert_int_equal(swg_call(circuit, NULL, serve, &server, &result), SWG_OPEN);
    assert_int_equal(result.attempts, 0);
    assert_int_equal(server.calls, 0);
    struct swg_status seen = status();
    assert_int_equal(rejected_of(&seen), 3);
    swg_cancel(&one);
}

/* The attempt before it failed, and that is what the call came to. */
static void test_an_attempt_that_is_not_let_in(void **state) {
    struct server server = { .fails = 9 };
    struct swg_result result = SWG_RESULT_INIT;
    (void)state;
    set("limiter.rate", "2");
    make_retry();
    assert_int_equal(swg_call(circuit, NULL, serve, &server, &result), SWG_FAILED);
    assert_int_equal(result.attempts, 2);
    assert_int_equal(status().rejected_limited, 1);
    assert_true(result.retry_in > 0);
}

static void test_inside_a_call_in_one_piece(void **state) {
    struct server server = { .fails = 2 };
    struct swg_result result = SWG_RESULT_INIT;
    (void)state;
    make_inside();
    change("timeout.attempt", "1s");
    assert_int_equal(swg_call(circuit, NULL, serve, &server, &result), SWG_GO);
    assert_int_equal(result.attempts, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(server.numbers[i], i + 1);
        assert_int_equal(server.deadlines[i], now() + S(1));
    }
    assert_int_equal(status().calls, 1);
    assert_int_equal(status().successes, 1);
    assert_int_equal(status().failures, 0);
    assert_out(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_total_failure_is_not_multiplied),
        STORY(test_so_many_a_second_besides),
        STORY(test_without_a_budget),
        STORY(test_successes_earn_it_back),
        STORY(test_inside_is_one_outcome),
        STORY(test_inside_each_attempt_has_its_own_time),
        STORY(test_inside_ends_with_a_success),
        STORY(test_inside_may_be_cancelled_in_between),
        STORY(test_inside_stops_when_it_trips),
        STORY(test_inside_a_copy_pays_nothing),
        STORY(test_inside_a_copy_does_not_go_on),
        STORY(test_inside_a_copy_of_a_probe_s_permit_pays_nothing),
        STORY(test_inside_a_probe_that_was_taken_over_is_over),
        STORY(test_inside_ends_with_the_deadline),
        STORY(test_inside_a_probe_is_one_probe),
        STORY(test_a_call_is_tried_again),
        STORY(test_verdicts_are_never_tried_again),
        STORY(test_an_attempt_that_is_not_let_in),
        STORY(test_inside_a_call_in_one_piece),
    };
    return cmocka_run_group_tests_name("retries all together", tests, NULL, NULL);
}
