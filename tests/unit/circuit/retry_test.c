/* Attempts after the first: which calls get one, when, what a ticket keeps, and what limits them all together. */
#include "policy_story.h"

#include <pthread.h>

/* Delays of 100, 200, 400, ... ms, and nothing trips. */
static void set_retry(const char *attempts) {
    set("retry.attempts", attempts);
    set("retry.jitter", "none");
    set("breaker.trip", "none");
}

static void make_retry(void) {
    set_retry("3");
    make();
}

static struct swg_permit one;

static int fail_one(struct swg_permit *permit) {
    return swg_record_at(permit, SWG_FAILURE, NULL, now(), 0);
}

/* ---- which calls */

static void test_nothing_is_tried_again_unless_asked(void **state) {
    (void)state;
    make();
    one = taken();
    assert_int_equal(fail_one(&one), 0);
    assert_int_equal(one.opaque[0], 0);
    assert_int_equal(swg_acquire_again(&one), -EINVAL);
    assert_false(status().has_retry);
}

static void test_so_many_attempts(void **state) {
    static const swg_ns delays[] = { MS(100), MS(200) };
    (void)state;
    make_retry();
    one = taken();
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(fail_one(&one), SWG_RETRY);
        assert_int_equal(swg_retry_in(&one), delays[i]);
        assert_int_equal(status().in_flight, 0);
        advance(delays[i]);
        assert_int_equal(swg_acquire_again(&one), SWG_GO);
    }
    assert_int_equal(fail_one(&one), 0);
    assert_int_equal(swg_acquire_again(&one), -EINVAL);
    assert_int_equal(status().calls, 3);
    assert_int_equal(status().failures, 3);
    assert_int_equal(status().retries, 2);
    assert_int_equal(status().in_flight, 0);
}

static void test_what_ends_well_is_not_tried_again(void **state) {
    (void)state;
    make_retry();
    one = taken();
    assert_int_equal(swg_record(&one, SWG_SUCCESS), 0);
    one = taken();
    assert_int_equal(swg_record(&one, SWG_IGNORED), 0);
    one = taken();
    swg_cancel(&one);
    assert_int_equal(swg_acquire_again(&one), -EINVAL);
    one = taken();
    assert_int_equal(swg_record(&one, SWG_TIMEOUT), SWG_RETRY);
}

static void test_which_outcomes(void **state) {
    static const char *const on[] = { "failure_or_timeout", "failure", "timeout" };
    static const int wanted[3][2] = { { SWG_RETRY, SWG_RETRY },
                                      { SWG_RETRY, 0 },
                                      { 0, SWG_RETRY } };
    (void)state;
    make_retry();
    for (unsigned i = 0; i < 3; i++) {
        change("retry.on", on[i]);
        one = taken();
        assert_int_equal(swg_record(&one, SWG_FAILURE), wanted[i][0]);
        one = taken();
        assert_int_equal(swg_record(&one, SWG_TIMEOUT), wanted[i][1]);
    }
}

/* What trips the breaker is not tried again while it is open. */
static void test_not_against_an_open_breaker(void **state) {
    (void)state;
    set_retry("3");
    set("breaker.trip.0.consecutive", "1");
    make();
    one = taken();
    assert_int_equal(fail_one(&one), 0);
    assert_state(OPEN);
    advance(S(31));
    one = taken(); /* the probe */
    assert_int_equal(fail_one(&one), 0);
    assert_state(OPEN);
    change("breaker.open.for", "50ms");
    assert_int_equal(hand(swg_circuit_reset, 0, 1), 0);
    one = taken();
    assert_int_equal(fail_one(&one), SWG_RETRY); /* it will let probes through by then */
    advance(MS(110));
    assert_int_equal(swg_acquire_again(&one), SWG_GO);
    assert_int_equal(status().probes_held, 1);
    swg_cancel(&one);
}

/* ---- how long it waits */

static void assert_delays(const char *backoff, const swg_ns *wanted) {
    change("retry.backoff", backoff);
    one = taken();
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(fail_one(&one), SWG_RETRY);
        if (swg_retry_in(&one) > wanted[i] + wanted[i] / 500 || swg_retry_in(&one) < wanted[i])
            fail_msg("%s: delay %u is %lld", backoff, i, (long long)swg_retry_in(&one));
        assert_int_equal(swg_acquire_again(&one), SWG_GO);
    }
    swg_cancel(&one);
}

static void test_backoffs(void **state) {
    static const swg_ns constant[] = { MS(10), MS(10), MS(10), MS(10), MS(10), MS(10) };
    static const swg_ns linear[] = { MS(10), MS(20), MS(30), MS(40), MS(50), MS(50) };
    static const swg_ns doubled[] = { MS(10), MS(20), MS(40), MS(50), MS(50), MS(50) };
    static const swg_ns fibonacci[] = { MS(10), MS(10), MS(20), MS(30), MS(50), MS(50) };
    (void)state;
    set_retry("9");
    set("retry.delay", "10ms");
    set("retry.max_delay", "50ms");
    set("retry.budget.percent", "off");
    make();
    assert_delays("constant", constant);
    assert_delays("linear", linear);
    assert_delays("exponential", doubled);
    assert_delays("fibonacci", fibonacci);
}

static void test_decorrelated_follows_the_delay_before(void **state) {
    swg_ns before = MS(10), longest = 0;
    (void)state;
    set_retry("60");
    set("retry.backoff", "decorrelated_jitter");
    set("retry.delay", "10ms");
    set("retry.budget.percent", "off");
    make();
    one = taken();
    for (unsigned i = 0; i < 59; i++) {
        assert_int_equal(fail_one(&one), SWG_RETRY);
        assert_true(swg_retry_in(&one) >= MS(10) && swg_retry_in(&one) <= 3 * before + MS(1));
        before = swg_retry_in(&one);
        longest = before > longest ? before : longest;
        assert_int_equal(swg_acquire_again(&one), SWG_GO);
    }
    assert_true(longest > MS(60)); /* it does grow */
    swg_cancel(&one);
}

static void test_jitter_spreads(void **state) {
    static const struct {
        const char *jitter;
        swg_ns least;
    } cases[] = { { "full", 0 }, { "equal", MS(50) } };
    (void)state;
    make_retry();
    change("retry.budget.percent", "off");
    for (unsigned k = 0; k < 2; k++) {
        swg_ns lowest = S(1), highest = 0;
        change("retry.jitter", cases[k].jitter);
        for (unsigned i = 0; i < 500; i++) {
            one = taken();
            assert_int_equal(fail_one(&one), SWG_RETRY);
            swg_ns delay = swg_retry_in(&one);
            lowest = delay < lowest ? delay : lowest;
            highest = delay > highest ? delay : highest;
        }
        assert_true(lowest >= cases[k].least && lowest < cases[k].least + MS(5));
        assert_true(highest <= MS(100) && highest > MS(95));
    }
}

static void test_adaptive_waits_longer_when_more_fails(void **state) {
    swg_ns well, ill;
    (void)state;
    set_retry("3");
    set("breaker.trip.0.failure_rate.percent", "off");
    set("retry.backoff", "adaptive");
    set("retry.budget.percent", "off");
    make();
    calls(1000, SWG_SUCCESS);
    one = taken();
    assert_int_equal(fail_one(&one), SWG_RETRY);
    well = swg_retry_in(&one);
    for (unsigned i = 0; i < 20000; i++) {
        one = taken();
        assert_int_equal(fail_one(&one), SWG_RETRY);
    }
    ill = swg_retry_in(&one);
    assert_true(well >= MS(50) &&
                well < MS(102)); /* half as long, and twice with a loaded machine */
    assert_true(ill > 3 * well && ill <= MS(400));
}

static void test_heeds_retry_after(void **state) {
    struct swg_failure why = SWG_FAILURE_INIT;
    (void)state;
    set("retry.max_delay", "1s");
    set("retry.retry_after_max", "10s");
    make_retry();
    why.retry_after = S(3);
    one = taken();
    assert_int_equal(swg_record_error(&one, SWG_TIMEOUT, &why), SWG_RETRY);
    assert_int_equal(swg_retry_in(&one), S(3));
    why.retry_after = MS(1);
    one = taken();
    assert_int_equal(swg_record_error(&one, SWG_TIMEOUT, &why), SWG_RETRY);
    assert_int_equal(swg_retry_in(&one), MS(100)); /* never sooner than by itself */
    why.retry_after = S(11);
    one = taken();
    assert_int_equal(swg_record_error(&one, SWG_TIMEOUT, &why), 0);
}

static void test_the_deadline_stops_it(void **state) {
    (void)state;
    make_retry();
    assert_int_equal(ask_until(now() + MS(250), &one), SWG_GO);
    assert_int_equal(fail_one(&one), SWG_RETRY);
    advance(MS(100));
    assert_int_equal(swg_acquire_again(&one), SWG_GO);
    assert_int_equal(swg_deadline(&one), now() + MS(150));
    assert_int_equal(fail_one(&one), 0); /* 200 ms would be too late */
    assert_int_equal(ask_until(now() + MS(100), &one), SWG_GO);
    assert_int_equal(fail_one(&one), 0);
    change("timeout.total", "150ms");
    one = taken();
    assert_int_equal(fail_one(&one), SWG_RETRY);
    advance(MS(100));
    assert_int_equal(swg_acquire_again(&one), SWG_GO);
    assert_int_equal(fail_one(&one), 0);
}

static void test_a_ticket_used_too_late(void **state) {
    (void)state;
    make_retry();
    assert_int_equal(ask_until(now() + MS(250), &one), SWG_GO);
    assert_int_equal(fail_one(&one), SWG_RETRY);
    advance(MS(250));
    assert_int_equal(swg_acquire_again(&one), SWG_EXPIRED);
    assert_int_equal(swg_acquire_again(&one), -EINVAL);
    assert_int_equal(status().retries, 0);
}

/* ---- tickets */

static void test_a_ticket_holds_nothing(void **state) {
    struct swg_permit other;
    (void)state;
    set("bulkhead.max_concurrent", "1");
    set("retry.budget.percent", "off");
    make_retry();
    for (unsigned i = 0; i < 10000; i++) { /* all of them dropped */
        one = taken();
        assert_int_equal(fail_one(&one), SWG_RETRY);
        assert_int_equal(one.opaque[0], 0);
    }
    assert_out(0);
    other = taken();
    assert_int_equal(swg_record(&one, SWG_SUCCESS), 0); /* a ticket has no outcome */
    assert_int_equal(swg_poll(&one), -EINVAL);
    assert_int_equal(swg_wait(&one, SWG_NS_MAX), -EINVAL);
    assert_int_equal(swg_acquire_again(&one), SWG_FULL); /* a verdict ends it */
    assert_int_equal(swg_acquire_again(&one), -EINVAL);
    record_permit(&other, SWG_SUCCESS, 0);
    assert_out(0);
    assert_int_equal(status().successes, 1);
}

static void test_a_cancelled_ticket_is_none(void **state) {
    (void)state;
    make_retry();
    one = taken();
    assert_int_equal(fail_one(&one), SWG_RETRY);
    swg_cancel(&one);
    assert_int_equal(swg_acquire_again(&one), -EINVAL);
    assert_int_equal(status().cancelled, 0);
}

static void test_what_is_no_ticket(void **state) {
    struct swg_permit zero = { { 0 } };
    (void)state;
    make_retry();
    assert_int_equal(swg_acquire_again(NULL), -EINVAL);
    assert_int_equal(swg_acquire_again(&zero), -EINVAL);
    one = taken();
    assert_int_equal(swg_acquire_again(&one), -EINVAL); /* not recorded yet */
    assert_int_equal(fail_one(&one), SWG_RETRY);
    for (unsigned word = 0; word < 8; word++) {
        struct swg_permit spoilt = one;
        spoilt.opaque[word] ^= UINT64_C(1) << 40;
        if (word != 2 && word != 4 && word != 5 && word != 6)
            assert_int_equal(swg_acquire_again(&spoilt), -EINVAL);
    }
    assert_int_equal(swg_acquire_again(&one), SWG_GO);
    swg_cancel(&one);
}

static void test_a_ticket_keeps_its_priority(void **state) {
    struct swg_permit other;
    (void)state;
    set("bulkhead.max_concurrent", "2");
    set("bulkhead.reserve.permits", "1");
    make_retry();
    assert_int_equal(ask_as(-5, 0, &one), SWG_GO);
    assert_int_equal(fail_one(&one), SWG_RETRY);
    other = taken();
    assert_int_equal(swg_acquire_again(&one), SWG_GO); /* the reserve */
    record_permit(&other, SWG_SUCCESS, 0);
    record_permit(&one, SWG_SUCCESS, 0);
}

/* The ramp treats equal keys alike: an attempt is let in where its call would be. */
static void test_a_ticket_keeps_its_key(void **state) {
    static struct swg_permit tickets[100];
    unsigned in = 0;
    (void)state;
    set("breaker.half_open.ramp", "50");
    set("breaker.half_open.success_threshold", "1");
    set("retry.budget.percent", "off");
    make_retry();
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(ask_as(0, i + 1, &tickets[i]), SWG_GO);
        assert_int_equal(fail_one(&tickets[i]), SWG_RETRY);
    }
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    assert_int_equal(hand(swg_circuit_probe, 0, 0), 0);
    call(SWG_SUCCESS);
    assert_int_equal(status().ramp_percent, 50);
    for (unsigned i = 0; i < 100; i++) {
        int rc = ask_as(0, i + 1, &one);
        swg_cancel(&one);
        assert_int_equal(swg_acquire_again(&tickets[i]), rc);
        swg_cancel(&tickets[i]);
        in += rc == SWG_GO;
    }
    assert_in_range(in, 20, 80);
}

static void test_an_attempt_may_have_to_wait(void **state) {
    struct swg_permit other;
    (void)state;
    set("bulkhead.max_concurrent", "1");
    set("bulkhead.when_busy", "wait");
    make_retry();
    one = taken();
    assert_int_equal(fail_one(&one), SWG_RETRY);
    other = taken();
    assert_int_equal(swg_acquire_again(&one), SWG_QUEUED);
    record_permit(&other, SWG_SUCCESS, 0);
    assert_int_equal(swg_poll(&one), SWG_GO);
    assert_int_equal(fail_one(&one), SWG_RETRY);
    assert_int_equal(swg_retry_in(&one), MS(200)); /* it is the second, still */
    assert_int_equal(status().retries, 1);
}

static void test_a_ticket_meets_an_open_breaker(void **state) {
    (void)state;
    make_retry();
    one = taken();
    assert_int_equal(fail_one(&one), SWG_RETRY);
    assert_int_equal(hand(swg_circuit_trip, S(9), 0), 0);
    assert_int_equal(swg_acquire_again(&one), SWG_OPEN);
    assert_true(swg_retry_in(&one) > S(8));
    assert_int_equal(status().retries, 0);
    assert_int_equal(status().rejected_open, 1);
}

static void *again_elsewhere(void *arg) {
    return (void *)(intptr_t)swg_acquire_again(arg);
}

static void test_any_thread_may_use_it(void **state) {
    pthread_t thread;
    void *rc;
    (void)state;
    make_retry();
    one = taken();
    assert_int_equal(fail_one(&one), SWG_RETRY);
    assert_int_equal(pthread_create(&thread, NULL, again_elsewhere, &one), 0);
    assert_int_equal(pthread_join(thread, &rc), 0);
    assert_int_equal((intptr_t)rc, SWG_GO);
    record_permit(&one, SWG_SUCCESS, 0);
    assert_int_equal(status().in_flight, 0);
}

static void test_switched_off_in_between(void **state) {
    (void)state;
    make_retry();
    one = taken();
    assert_int_equal(fail_one(&one), SWG_RETRY);
    change("retry.attempts", "1");
    assert_int_equal(swg_acquire_again(&one), SWG_GO); /* it was promised */
    assert_int_equal(fail_one(&one), 0);
    change("retry.attempts", "3");
    one = taken();
    assert_int_equal(fail_one(&one), SWG_RETRY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_nothing_is_tried_again_unless_asked),
        STORY(test_so_many_attempts),
        STORY(test_what_ends_well_is_not_tried_again),
        STORY(test_which_outcomes),
        STORY(test_not_against_an_open_breaker),
        STORY(test_backoffs),
        STORY(test_decorrelated_follows_the_delay_before),
        STORY(test_jitter_spreads),
        STORY(test_adaptive_waits_longer_when_more_fails),
        STORY(test_heeds_retry_after),
        STORY(test_the_deadline_stops_it),
        STORY(test_a_ticket_used_too_late),
        STORY(test_a_ticket_holds_nothing),
        STORY(test_a_cancelled_ticket_is_none),
        STORY(test_what_is_no_ticket),
        STORY(test_a_ticket_keeps_its_priority),
        STORY(test_a_ticket_keeps_its_key),
        STORY(test_an_attempt_may_have_to_wait),
        STORY(test_a_ticket_meets_an_open_breaker),
        STORY(test_any_thread_may_use_it),
        STORY(test_switched_off_in_between),
    };
    return cmocka_run_group_tests_name("retries", tests, NULL, NULL);
}
