/* What a breaker does with a call in each state and mode, and what it counts. */
#include "inside.h"

static struct swg_permit held[8];

static void take(unsigned i) {
    assert_int_equal(acquire(), SWG_GO);
    held[i] = latest;
}

static void test_closed_admits_and_counts(void **state) {
    struct swg_status seen;

    (void)state;
    make();
    calls(7, SWG_SUCCESS);
    calls(2, SWG_FAILURE);
    calls(1, SWG_TIMEOUT);
    calls(3, SWG_IGNORED);
    take(0);
    take(1);
    swg_cancel(&held[1]);
    seen = status();
    assert_int_equal(seen.calls, 15);
    assert_int_equal(seen.successes, 7);
    assert_int_equal(seen.failures, 2);
    assert_int_equal(seen.timeouts, 1);
    assert_int_equal(seen.ignored, 3);
    assert_int_equal(seen.cancelled, 1);
    assert_int_equal(seen.in_flight, 1);
    assert_int_equal(seen.rejected_open, 0);
}

static void test_open_admits_nothing_until_its_deadline(void **state) {
    (void)state;
    make();
    calls(5, SWG_FAILURE);
    for (int i = 0; i < 30; i++) {
        assert_rejected();
        advance(S(1) - 1);
    }
    assert_int_equal(status().rejected_open, 30);
    advance(ROUNDING);
    assert_int_equal(acquire(), SWG_GO);
}

/* Needs no timer: whoever looks sees it, and nothing is written by looking. */
static void test_a_breaker_without_traffic_is_never_shown_stuck(void **state) {
    uint64_t word;

    (void)state;
    make();
    calls(5, SWG_FAILURE);
    word = ctl();
    advance(S(31));
    assert_state(HALF_OPEN);
    assert_int_equal(status().open_until, 0);
    assert_int_equal(ctl(), word);
}

static void test_a_permit_of_an_older_generation_changes_nothing(void **state) {
    (void)state;
    make();
    for (unsigned i = 0; i < 8; i++)
        take(i);
    calls(5, SWG_FAILURE);
    advance(S(31));
    calls(2, SWG_SUCCESS);
    assert_state(CLOSED);
    for (unsigned i = 0; i < 8; i++)
        record_permit(&held[i], SWG_FAILURE, 0);
    assert_state(CLOSED);
    assert_true(status().score == 0);
    assert_int_equal(status().late, 8);
    assert_int_equal(status().failures, 5);
}

static void test_a_permit_ends_once(void **state) {
    (void)state;
    make();
    take(0);
    record_permit(&held[0], SWG_FAILURE, 0);
    record_permit(&held[0], SWG_FAILURE, 0);
    swg_cancel(&held[0]);
    assert_int_equal(status().failures, 1);
    assert_int_equal(status().cancelled, 0);
    memset(&held[0], 0, sizeof(held[0]));
    record_permit(&held[0], SWG_FAILURE, 0);
    assert_int_equal(status().failures, 1);
}

static void test_an_outcome_that_is_none_cancels(void **state) {
    (void)state;
    make();
    take(0);
    assert_int_equal(swg_record_at(&held[0], SWG_OPEN, NULL, now(), 0), -EINVAL);
    assert_int_equal(status().cancelled, 1);
    assert_int_equal(status().in_flight, 0);
}

static void test_a_deadline_that_has_passed_is_not_called(void **state) {
    struct swg_request request = SWG_REQUEST_INIT;

    (void)state;
    make();
    request.deadline = now() + 1;
    assert_int_equal(swg_acquire_at(circuit, &request, now(), &latest), SWG_GO);
    swg_cancel(&latest);
    advance(1);
    assert_int_equal(swg_acquire_at(circuit, &request, now(), &latest), SWG_EXPIRED);
    assert_int_equal(status().rejected_expired, 1);
    calls(5, SWG_FAILURE);
    assert_int_equal(swg_acquire_at(circuit, &request, now(), &latest), SWG_OPEN); /* comes first */
}

/* ---- modes */

static void test_isolated_admits_nothing(void **state) {
    (void)state;
    make();
    mode(SWG_MODE_FORCED_OPEN, 0);
    assert_rejected();
    assert_int_equal(swg_retry_in(&latest), SWG_NS_MAX);
    advance(S(86400));
    assert_rejected();
    mode(SWG_MODE_NORMAL, 0);
    call(SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_isolated_for_a_while(void **state) {
    (void)state;
    make();
    mode(SWG_MODE_FORCED_OPEN, S(60));
    assert_rejected();
    assert_in_range(swg_retry_in(&latest), S(60), S(60) + ROUNDING);
    advance(S(60) + ROUNDING);
    assert_int_equal(status().mode, SWG_MODE_NORMAL);
    call(SWG_SUCCESS);
    assert_int_equal(swgi_ctl_mode(ctl()), SWG_MODE_NORMAL);
}

static void test_disabled_admits_counts_and_never_trips(void **state) {
    (void)state;
    set("breaker.trip.0.consecutive", "3");
    set("breaker.trip.1.failure_rate.percent", "10");
    set("breaker.trip.1.failure_rate.window", "30s");
    make();
    mode(SWG_MODE_FORCED_CLOSED, 0);
    calls(100, SWG_FAILURE);
    assert_state(CLOSED);
    assert_int_equal(status().failures, 100);
    assert_true(status().failure_rate == 1); /* what people see goes on */
    mode(SWG_MODE_NORMAL, 0);
    assert_state(CLOSED);
    calls(2, SWG_FAILURE);
    assert_state(CLOSED); /* what was counted then is not judged now */
    call(SWG_FAILURE);
    assert_state(OPEN);
}

static void test_leaving_a_forced_mode_gives_closed_or_open_due_now(void **state) {
    static const int forced[] = { SWG_MODE_FORCED_OPEN, SWG_MODE_FORCED_CLOSED };

    (void)state;
    make();
    for (unsigned i = 0; i < 2; i++) {
        mode(forced[i], 0);
        mode(SWG_MODE_NORMAL, 0);
        assert_state(CLOSED);
        calls(5, SWG_FAILURE);
        mode(forced[i], 0);
        mode(SWG_MODE_NORMAL, 0);
        assert_state(HALF_OPEN); /* as shown: it is OPEN and due */
        assert_int_equal(swgi_ctl_state(ctl()), SWGI_OPEN);
        assert_string_equal(swg_rule_name(status().rule), "consecutive");
        calls(2, SWG_SUCCESS);
        assert_state(CLOSED);
    }
}

static void test_a_forced_mode_that_ends_by_itself_does_the_same(void **state) {
    (void)state;
    make();
    calls(5, SWG_FAILURE);
    mode(SWG_MODE_FORCED_CLOSED, S(10));
    calls(3, SWG_FAILURE);
    advance(S(11));
    assert_state(HALF_OPEN);
    assert_string_equal(swg_rule_name(status().rule), "consecutive");
    call(SWG_FAILURE);
    assert_open_by("probe");
}

static void test_the_shadow_admits_all_and_tells_what_it_would_have_done(void **state) {
    (void)state;
    make();
    mode(SWG_MODE_SHADOW, 0);
    calls(5, SWG_FAILURE);
    assert_open_by("consecutive");
    calls(7, SWG_FAILURE);
    assert_int_equal(status().would_reject, 7);
    assert_int_equal(status().rejected_open, 0);
    assert_int_equal(status().calls, 12);
    assert_int_equal(status().failures, 12);
    advance(S(31));
    take(0); /* the probe */
    take(1); /* would be turned away, and is not judged */
    assert_int_equal(status().would_reject, 8);
    record_permit(&held[1], SWG_FAILURE, 0);
    assert_state(HALF_OPEN);
    record_permit(&held[0], SWG_SUCCESS, 0);
    call(SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_the_shadow_s_bound_outlives_transitions(void **state) {
    (void)state;
    make();
    mode(SWG_MODE_SHADOW, S(100));
    calls(5, SWG_FAILURE);
    advance(S(31));
    calls(2, SWG_SUCCESS);
    assert_state(CLOSED);
    calls(5, SWG_FAILURE);
    assert_int_equal(status().mode, SWG_MODE_SHADOW);
    assert_in_range(status().mode_until, now() + S(69), now() + S(69) + ROUNDING);
    calls(1, SWG_SUCCESS);
    advance(S(71));
    assert_int_equal(status().mode, SWG_MODE_NORMAL);
    assert_state(HALF_OPEN);
    take(0);
    assert_rejected();
}

static void test_an_unbounded_mode_after_a_bounded_one_is_unbounded(void **state) {
    (void)state;
    make();
    mode(SWG_MODE_SHADOW, S(10));
    mode(SWG_MODE_SHADOW, 0);
    advance(S(86400));
    assert_int_equal(status().mode, SWG_MODE_SHADOW);
    assert_int_equal(status().mode_until, SWG_NS_MAX);
}

/* ---- load shedding */

static void load_is(double load) {
    uint64_t bits;

    memcpy(&bits, &load, sizeof(bits));
    swgi_store(&cell()->shed_load, bits);
    swgi_store(&cell()->shed_stamp, (uint64_t)now());
}

static int ask_with_load(uint32_t load) {
    struct swg_request request = SWG_REQUEST_INIT;
    int rc;

    request.load = load;
    rc = swg_acquire_at(circuit, &request, now(), &latest);
    swg_cancel(&latest);
    return rc;
}

static void test_heavy_calls_are_shed_while_the_system_is_loaded(void **state) {
    (void)state;
    set("shed.system_load_above", "0.85");
    set("shed.call_load_above", "100");
    make();
    load_is(0.85);
    assert_int_equal(ask_with_load(1000), SWG_GO);
    load_is(0.86);
    assert_int_equal(ask_with_load(100), SWG_GO);
    assert_int_equal(ask_with_load(101), SWG_SHED);
    assert_int_equal(status().rejected_shed, 1);
    assert_true(swg_retry_in(&latest) > 0);
    assert_int_equal(status().rejected_open, 0);
    mode(SWG_MODE_FORCED_CLOSED, 0);
    assert_int_equal(ask_with_load(101), SWG_GO);
    mode(SWG_MODE_SHADOW, 0);
    assert_int_equal(ask_with_load(101), SWG_GO);
    assert_int_equal(status().would_reject, 1);
}

static void test_open_is_told_before_load(void **state) {
    (void)state;
    set("shed.call_load_above", "100");
    make();
    calls(5, SWG_FAILURE);
    load_is(5);
    assert_int_equal(ask_with_load(101), SWG_OPEN);
    advance(S(31));
    load_is(5);
    assert_int_equal(ask_with_load(101), SWG_SHED); /* and no probe is spent */
    assert_int_equal(status().probes_held, 0);
}

static void test_a_stale_figure_is_sampled_anew(void **state) {
    (void)state;
    set("shed.call_load_above", "100");
    set("shed.system_load_above", "100");
    make();
    load_is(1000);
    assert_int_equal(ask_with_load(101), SWG_SHED);
    advance(S(1) + 1);
    assert_int_equal(ask_with_load(101), SWG_GO); /* no machine is loaded a hundredfold */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_closed_admits_and_counts),
        STORY(test_open_admits_nothing_until_its_deadline),
        STORY(test_a_breaker_without_traffic_is_never_shown_stuck),
        STORY(test_a_permit_of_an_older_generation_changes_nothing),
        STORY(test_a_permit_ends_once),
        STORY(test_an_outcome_that_is_none_cancels),
        STORY(test_a_deadline_that_has_passed_is_not_called),
        STORY(test_isolated_admits_nothing),
        STORY(test_isolated_for_a_while),
        STORY(test_disabled_admits_counts_and_never_trips),
        STORY(test_leaving_a_forced_mode_gives_closed_or_open_due_now),
        STORY(test_a_forced_mode_that_ends_by_itself_does_the_same),
        STORY(test_the_shadow_admits_all_and_tells_what_it_would_have_done),
        STORY(test_the_shadow_s_bound_outlives_transitions),
        STORY(test_an_unbounded_mode_after_a_bounded_one_is_unbounded),
        STORY(test_heavy_calls_are_shed_while_the_system_is_loaded),
        STORY(test_open_is_told_before_load),
        STORY(test_a_stale_figure_is_sampled_anew),
    };

    return cmocka_run_group_tests_name("engine: breaker", tests, NULL, NULL);
}
