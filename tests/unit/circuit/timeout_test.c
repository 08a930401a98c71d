/* When an attempt should be given up: what was asked, what is configured, and what a circuit finds out by itself. */
#include "policy_story.h"

static struct swg_permit one;

static void test_none_unless_asked(void **state) {
    struct swg_permit zero = { { 0 } };
    (void)state;
    make();
    one = taken();
    assert_int_equal(swg_deadline(&one), SWG_NS_MAX);
    record_permit(&one, SWG_SUCCESS, 0);
    assert_int_equal(swg_deadline(&one), SWG_NS_MAX);
    assert_int_equal(swg_deadline(&zero), SWG_NS_MAX);
    assert_int_equal(swg_deadline(NULL), SWG_NS_MAX);
}

/* Also of a circuit without any policy. */
static void test_the_deadline_of_a_request(void **state) {
    (void)state;
    make();
    assert_int_equal(ask_until(now() + MS(70), &one), SWG_GO);
    assert_int_equal(swg_deadline(&one), now() + MS(70));
    record_permit(&one, SWG_SUCCESS, 0);
    one = taken();
    assert_int_equal(swg_deadline(&one), SWG_NS_MAX);
    record_permit(&one, SWG_SUCCESS, 0);
    assert_int_equal(ask_until(now(), &one), SWG_EXPIRED);
    assert_int_equal(status().rejected_expired, 1);
}

static void test_whichever_is_first(void **state) {
    (void)state;
    set("timeout.attempt", "100ms");
    set("timeout.total", "300ms");
    make();
    one = taken();
    assert_int_equal(swg_deadline(&one), now() + MS(100));
    record_permit(&one, SWG_SUCCESS, 0);
    assert_int_equal(ask_until(now() + MS(70), &one), SWG_GO);
    assert_int_equal(swg_deadline(&one), now() + MS(70));
    record_permit(&one, SWG_SUCCESS, 0);
    change("timeout.attempt", "off");
    one = taken();
    assert_int_equal(swg_deadline(&one), now() + MS(300));
    record_permit(&one, SWG_SUCCESS, 0);
    assert_int_equal(ask_until(now() + S(5), &one), SWG_GO);
    assert_int_equal(swg_deadline(&one), now() + MS(300));
    record_permit(&one, SWG_SUCCESS, 0);
    change("timeout.total", "off");
    one = taken();
    assert_int_equal(swg_deadline(&one), SWG_NS_MAX);
    record_permit(&one, SWG_SUCCESS, 0);
}

static void test_each_attempt_has_its_own(void **state) {
    swg_ns began;
    (void)state;
    set("timeout.attempt", "100ms");
    set("timeout.total", "350ms");
    set("retry.attempts", "5");
    set("retry.delay", "50ms");
    set("retry.backoff", "constant");
    set("retry.jitter", "none");
    make();
    began = now();
    one = taken();
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(swg_deadline(&one), now() + MS(100));
        advance(MS(100));
        assert_int_equal(swg_record(&one, SWG_TIMEOUT), SWG_RETRY);
        advance(MS(50));
        assert_int_equal(swg_acquire_again(&one), SWG_GO);
    }
    assert_int_equal(swg_deadline(&one), began + MS(350)); /* in all, retries included */
    advance(MS(50));
    assert_int_equal(swg_record(&one, SWG_TIMEOUT), 0);
}

static void test_waiting_is_part_of_the_total(void **state) {
    struct swg_permit other;
    swg_ns began;
    (void)state;
    set("timeout.attempt", "100ms");
    set("timeout.total", "350ms");
    set("bulkhead.max_concurrent", "1");
    set("bulkhead.when_busy", "wait");
    make();
    other = taken();
    began = now();
    one = queued(0);
    assert_int_equal(swg_deadline(&one), began + MS(350)); /* the attempt has not begun */
    advance(MS(200));
    assert_int_equal(swg_deadline(&one), began + MS(350));
    record_permit(&other, SWG_SUCCESS, 0);
    assert_int_equal(swg_poll(&one), SWG_GO);
    assert_int_equal(swg_deadline(&one), now() + MS(100));
    record_permit(&one, SWG_SUCCESS, 0);
    other = taken();
    one = queued(0);
    advance(MS(350));
    assert_int_equal(swg_poll(&one), SWG_EXPIRED);
    assert_int_equal(status().rejected_expired, 1);
    record_permit(&other, SWG_SUCCESS, 0);
    assert_out(0);
}

static int look_at_the_clock(struct swg_attempt *attempt, void *arg) {
    *(swg_ns *)arg = swg_attempt_deadline(attempt) - now();
    return SWG_SUCCESS;
}

static void test_told_to_calls_in_one_piece(void **state) {
    struct swg_request request = SWG_REQUEST_INIT;
    swg_ns left = 0;
    (void)state;
    set("timeout.attempt", "100ms");
    make();
    assert_int_equal(swg_call(circuit, NULL, look_at_the_clock, &left, NULL), SWG_GO);
    assert_int_equal(left, MS(100));
    request.deadline = now() + MS(30);
    assert_int_equal(swg_call(circuit, &request, look_at_the_clock, &left, NULL), SWG_GO);
    assert_int_equal(left, MS(30));
}

/* A thread that went to another panel meanwhile. */
static void test_with_calls_of_two_panels(void **state) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swg_panel *other = NULL;
    struct swg_circuit *theirs = NULL;
    struct swg_permit waits, here, there;
    (void)state;
    set("timeout.attempt", "100ms");
    set("limiter.rate", "1");
    set("limiter.when_limited", "wait");
    make();
    options.circuits_max = 1;
    assert_int_equal(swg_panel_open(&other, &options, NULL), 0);
    assert_int_equal(swg_circuit_get(other, "theirs", NULL, &theirs, NULL), 0);
    here = taken();
    assert_int_equal(ask(&waits), SWG_QUEUED);
    assert_int_equal(swg_acquire(theirs, NULL, &there), SWG_GO);
    assert_int_equal(swg_deadline(&here), now() + MS(100));
    assert_int_equal(swg_deadline(&there), SWG_NS_MAX);
    assert_int_equal(swg_retry_in(&waits), S(1));
    swg_cancel(&waits);
    assert_int_equal(swg_record(&there, SWG_SUCCESS), 0);
    record_permit(&here, SWG_SUCCESS, 0);
    swg_panel_unref(other);
}

/* ---- by itself */

/* Durations of 5 to 15 ms, one in two hundred 150 ms; what the timeout cuts off is a timeout. */
static void live(unsigned count, unsigned times) {
    for (unsigned i = 0; i < count; i++) {
        swg_ns takes = (i % 200 == 199 ? MS(150) : MS(5) + MS(10) * (i % 97) / 97) * times;
        swg_ns limit = status().attempt_timeout;

        one = taken();
        advance(MS(4));
        record_permit(&one, takes < limit ? SWG_SUCCESS : SWG_TIMEOUT,
                      takes < limit ? takes : limit);
    }
}

static void make_auto(void) {
    set("breaker.trip", "none");
    set("timeout.auto", "1%");
    set("timeout.auto_min", "1ms");
    set("timeout.auto_max", "10s");
    make();
}

static void test_found_out_by_itself(void **state) {
    (void)state;
    make_auto();
    assert_int_equal(status().attempt_timeout, S(10)); /* nothing is known yet */
    one = taken();
    assert_int_equal(swg_deadline(&one), now() + S(10));
    record_permit(&one, SWG_SUCCESS, MS(10));
    live(4000, 1);
    /* One in a hundred may be cut off: 99 in a hundred took less than 15 ms. */
    assert_in_range(status().attempt_timeout, MS(14), MS(19));
    one = taken();
    assert_int_equal(swg_deadline(&one), now() + status().attempt_timeout);
    record_permit(&one, SWG_SUCCESS, MS(10));
}

/* Three times as slow: cut off first, then the timeout grows until it lets them through. */
static void test_it_grows_when_all_gets_slower(void **state) {
    swg_ns before;
    (void)state;
    make_auto();
    live(4000, 1);
    before = status().attempt_timeout;
    live(40000, 3);
    assert_in_range(status().attempt_timeout, MS(40), MS(90));
    assert_true(status().attempt_timeout > 2 * before);
    uint64_t cut = status().timeouts;
    live(4000, 3);
    assert_true(status().timeouts - cut <= 4000 / 50);
}

static void test_switched_off_by_hand(void **state) {
    (void)state;
    make_auto();
    live(4000, 1);
    change("timeout.auto", "off");
    assert_int_equal(status().attempt_timeout, 0);
    one = taken();
    assert_int_equal(swg_deadline(&one), SWG_NS_MAX);
    record_permit(&one, SWG_SUCCESS, 0);
}

static void test_within_its_bounds(void **state) {
    (void)state;
    make_auto();
    change("timeout.auto_min", "50ms");
    live(4000, 1);
    assert_int_equal(status().attempt_timeout, MS(50));
    change("timeout.auto_max", "60ms");
    live(40000, 30);
    assert_int_equal(status().attempt_timeout, MS(60));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_none_unless_asked),
        STORY(test_the_deadline_of_a_request),
        STORY(test_whichever_is_first),
        STORY(test_each_attempt_has_its_own),
        STORY(test_waiting_is_part_of_the_total),
        STORY(test_told_to_calls_in_one_piece),
        STORY(test_with_calls_of_two_panels),
        STORY(test_found_out_by_itself),
        STORY(test_it_grows_when_all_gets_slower),
        STORY(test_switched_off_by_hand),
        STORY(test_within_its_bounds),
    };
    return cmocka_run_group_tests_name("timeouts", tests, NULL, NULL);
}
