/* Bulkheads as callers meet them: how many at once, what gives a permit back, and what its rejection means. */
#include "policy_story.h"

#define LIMIT 3

static struct swg_permit held[64];

static void make_bulkhead(void) {
    set("bulkhead.max_concurrent", "3");
    make();
}

static void test_so_many_at_once(void **state) {
    struct swg_permit one;
    (void)state;
    make_bulkhead();
    take_all(held, LIMIT);
    assert_int_equal(ask(&one), SWG_FULL);
    assert_int_equal(one.opaque[0], 0);
    assert_out(LIMIT);
    assert_true(status().has_bulkhead);
    assert_int_equal(status().permits_limit, LIMIT);
    record_permit(&held[1], SWG_SUCCESS, 0);
    one = taken();
    assert_int_equal(ask(&held[1]), SWG_FULL);
    record_permit(&one, SWG_SUCCESS, 0);
    record_permit(&held[0], SWG_SUCCESS, 0);
    record_permit(&held[2], SWG_SUCCESS, 0);
    assert_out(0);
}

/* Its own verdict, sentence, counter and notice; the others' stay. */
static void test_full_is_told_as_such(void **state) {
    struct swg_permit one;
    (void)state;
    make_bulkhead();
    take_all(held, LIMIT);
    assert_int_equal(ask(&one), SWG_FULL);
    assert_true(swg_is_rejection(SWG_FULL));
    assert_string_not_equal(swg_strerror(SWG_FULL), swg_strerror(SWG_OPEN));
    assert_true(swg_retry_in(&one) > 0 && swg_retry_in(&one) < S(1));
    assert_int_equal(status().rejected_full, 1);
    struct swg_status seen = status();
    assert_int_equal(rejected_of(&seen), 1);
    assert_int_equal(told(SWG_FULL), 1);
    assert_state(CLOSED);
    assert_int_equal(status().window_calls, 0);
}

static void test_each_end_gives_it_back(void **state) {
    static const int outcomes[] = { SWG_SUCCESS, SWG_FAILURE, SWG_TIMEOUT, SWG_IGNORED };
    (void)state;
    set("breaker.trip.0.consecutive", "100");
    make_bulkhead();
    for (unsigned i = 0; i < 4 * LIMIT; i++) {
        struct swg_permit one = taken();
        assert_out(1);
        record_permit(&one, outcomes[i % 4], i % 3 == 0 ? S(5) : 0);
        assert_out(0);
    }
    struct swg_permit one = taken();
    swg_cancel(&one);
    assert_out(0);
    one = taken();
    assert_int_equal(swg_record(&one, SWG_GO), -EINVAL); /* no outcome: cancelled */
    assert_out(0);
    assert_int_equal(status().cancelled, 2);
}

/* After so many failures in a row: each count of them is a word of its own to be taken for none. */
static void test_a_success_gives_it_back_whatever_came_before(void **state) {
    (void)state;
    set("breaker.trip.0.consecutive", "100");
    make_bulkhead();
    for (unsigned failures = 0; failures < 100; failures++) {
        for (unsigned i = 0; i < failures; i++) {
            held[0] = taken();
            record_permit(&held[0], SWG_FAILURE, 0);
        }
        held[0] = taken();
        record_permit(&held[0], SWG_SUCCESS, 0);
        assert_out(0);
        assert_true(status().score == 0);
    }
    assert_state(CLOSED);
}

static void test_ended_twice_frees_once(void **state) {
    struct swg_permit one;
    (void)state;
    make_bulkhead();
    take_all(held, LIMIT);
    record_permit(&held[0], SWG_SUCCESS, 0);
    one = taken();
    record_permit(&held[0], SWG_SUCCESS, 0);
    swg_cancel(&held[0]);
    assert_out(LIMIT);
    assert_int_equal(ask(&held[0]), SWG_FULL);
    record_permit(&one, SWG_SUCCESS, 0);
}

/* A slot is held, so a copy is told: whatever it says, whoever has the slot by then. */
static void test_a_copy_is_caught(void **state) {
    static const int outcomes[] = { SWG_SUCCESS, SWG_FAILURE, SWG_TIMEOUT, SWG_IGNORED };
    (void)state;
    make_bulkhead();
    for (unsigned i = 0; i < 4; i++) {
        struct swg_permit one = taken(), copy = one, next;
        record_permit(&one, SWG_SUCCESS, 0);
        next = taken();
        assert_int_equal(swg_record(&copy, outcomes[i]), -EINVAL);
        assert_int_equal(swg_record(&copy, outcomes[i]), 0);
        assert_out(1);
        record_permit(&next, SWG_SUCCESS, 0);
    }
    assert_int_equal(status().successes, 8);
    assert_int_equal(status().failures + status().timeouts + status().ignored, 0);
}

static void test_a_cancelled_copy_frees_nothing(void **state) {
    (void)state;
    make_bulkhead();
    struct swg_permit one = taken(), copy = one, next;
    swg_cancel(&one);
    next = taken();
    swg_cancel(&copy);
    assert_out(1);
    record_permit(&next, SWG_SUCCESS, 0);
}

/* ---- with the breaker */

static void test_open_comes_first(void **state) {
    struct swg_permit one;
    (void)state;
    make_bulkhead();
    take_all(held, LIMIT);
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    assert_int_equal(ask(&one), SWG_OPEN);
    assert_int_equal(ask_as(-32, 7, &one), SWG_OPEN);
    assert_int_equal(status().rejected_full, 0);
    assert_int_equal(status().rejected_open, 2);
    assert_int_equal(status().permits_held, LIMIT);
}

/* A record of an older state moves nothing, and frees what it holds all the same. */
static void test_a_late_end_gives_it_back(void **state) {
    (void)state;
    make_bulkhead();
    take_all(held, LIMIT);
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    record_permit(&held[0], SWG_SUCCESS, 0);
    record_permit(&held[1], SWG_FAILURE, 0);
    swg_cancel(&held[2]);
    assert_out(0);
    assert_int_equal(status().late, 2);
    assert_int_equal(status().cancelled, 1);
    assert_state(OPEN);
}

static void test_without_a_probe_the_permit_goes_back(void **state) {
    struct swg_permit probe, one;
    (void)state;
    make_bulkhead();
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    assert_int_equal(hand(swg_circuit_probe, 0, 0), 0);
    probe = taken();
    assert_out(1);
    for (unsigned i = 0; i < 2 * LIMIT; i++)
        assert_int_equal(ask(&one), SWG_OPEN);
    assert_out(1);
    record_permit(&probe, SWG_FAILURE, 0);
    assert_out(0);
    assert_state(OPEN);
}

static void test_no_probe_where_there_is_no_permit(void **state) {
    struct swg_permit one;
    (void)state;
    set("breaker.half_open.probes", "4");
    make_bulkhead();
    take_all(held, LIMIT);
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    assert_int_equal(hand(swg_circuit_probe, 0, 0), 0);
    assert_int_equal(ask(&one), SWG_FULL);
    assert_int_equal(status().probes_held, 0);
    end_all(held, LIMIT);
    one = taken();
    assert_int_equal(status().probes_held, 1);
    record_permit(&one, SWG_SUCCESS, 0);
}

/* A rejection takes no token of the limiter, whether each permit was looked at or all were known to be held. */
static void test_full_costs_no_token(void **state) {
    struct swg_permit one;
    (void)state;
    set("limiter.rate", "5");
    set("limiter.per", "1h");
    set("limiter.burst", "5");
    make_bulkhead();
    take_all(held, LIMIT);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(ask(&one), SWG_FULL);
    assert_int_equal(status().rejected_full, 50);
    assert_int_equal(told(SWG_FULL), 1);
    end_all(held, LIMIT);
    take_all(held, 2);
    assert_int_equal(ask(&one), SWG_LIMITED);
    end_all(held, 2);
    assert_out(0);
}

static void test_modes(void **state) {
    struct swg_permit one;
    (void)state;
    make_bulkhead();
    take_all(held, LIMIT);
    mode(SWG_MODE_SHADOW, 0);
    assert_int_equal(ask(&one), SWG_GO);
    assert_int_equal(status().would_reject, 1);
    record_permit(&one, SWG_SUCCESS, 0);
    mode(SWG_MODE_FORCED_CLOSED, 0);
    assert_int_equal(ask(&one), SWG_GO);
    assert_int_equal(status().would_reject, 1);
    record_permit(&one, SWG_SUCCESS, 0);
    mode(SWG_MODE_FORCED_OPEN, 0);
    assert_int_equal(ask(&one), SWG_OPEN);
    mode(SWG_MODE_NORMAL, 0);
    assert_int_equal(ask(&one), SWG_FULL);
    assert_int_equal(status().rejected_full, 1);
    end_all(held, LIMIT);
    assert_out(0);
}

static void test_what_a_mode_let_in_holds_too(void **state) {
    struct swg_permit one;
    (void)state;
    make_bulkhead();
    mode(SWG_MODE_SHADOW, 0);
    take_all(held, LIMIT);
    assert_out(LIMIT);
    mode(SWG_MODE_NORMAL, 0);
    assert_int_equal(ask(&one), SWG_FULL);
    end_all(held, LIMIT);
    assert_out(0);
}

/* ---- a full bulkhead as a failure */

static void test_full_may_count_as_failure(void **state) {
    struct swg_permit one;
    (void)state;
    set("bulkhead.counts_as_failure", "yes");
    set("breaker.trip.0.consecutive", "3");
    make_bulkhead();
    take_all(held, LIMIT);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(ask(&one), SWG_FULL);
    assert_open_by("consecutive");
    assert_int_equal(status().failures, 3);
    assert_int_equal(status().rejected_full, 3);
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(ask(&one), SWG_OPEN);
    assert_int_equal(status().failures, 3); /* its own rejections never do */
    assert_out(LIMIT);
    end_all(held, LIMIT);
    assert_out(0);
}

static void test_full_does_not_unless_asked_to(void **state) {
    struct swg_permit one;
    (void)state;
    set("breaker.trip.0.consecutive", "3");
    make_bulkhead();
    take_all(held, LIMIT);
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(ask(&one), SWG_FULL);
    assert_state(CLOSED);
    assert_int_equal(status().failures, 0);
}

static void test_other_verdicts_never_do(void **state) {
    struct swg_permit one;
    (void)state;
    set("bulkhead.counts_as_failure", "yes");
    set("bulkhead.when_busy", "wait");
    set("breaker.trip.0.consecutive", "1");
    set("limiter.rate", "4");
    make_bulkhead();
    take_all(held, LIMIT);
    assert_int_equal(ask_until(now() + MS(10), &one), SWG_QUEUED);
    advance(MS(20));
    assert_int_equal(swg_poll(&one), SWG_EXPIRED);
    assert_int_equal(ask(&one), SWG_LIMITED);
    assert_state(CLOSED);
    assert_int_equal(status().failures, 0);
    mode(SWG_MODE_SHADOW, 0);
    assert_int_equal(ask(&one), SWG_GO);
    assert_int_equal(status().failures, 0);
}

/* Ten at once; half of twenty calls in ten seconds, and what found no room is among them. */
static void test_hystrix_counts_what_found_no_room(void **state) {
    struct swg_permit one;
    (void)state;
    config = swg_config_unref(config);
    assert_int_equal(swg_config_new(&config), 0);
    preset("hystrix");
    make();
    calls(10, SWG_SUCCESS);
    take_all(held, 10);
    for (unsigned i = 0; i < 10; i++) {
        assert_state(CLOSED);
        assert_int_equal(ask(&one), SWG_FULL);
    }
    assert_open_by("time_1");
    assert_int_equal(status().failures, 10);
    end_all(held, 10);
    assert_out(0);
}

/* ---- who may have which */

static void test_a_reserve_for_urgent_calls(void **state) {
    struct swg_permit one;
    (void)state;
    set("bulkhead.reserve.permits", "1");
    make_bulkhead();
    take_all(held, 2);
    assert_int_equal(ask(&one), SWG_FULL);
    assert_int_equal(ask_as(-1, 0, &held[2]), SWG_GO);
    assert_int_equal(ask_as(-32, 0, &one), SWG_FULL);
    record_permit(&held[0], SWG_SUCCESS, 0);
    assert_int_equal(ask(&one), SWG_GO);
    record_permit(&one, SWG_SUCCESS, 0);
    record_permit(&held[1], SWG_SUCCESS, 0);
    record_permit(&held[2], SWG_SUCCESS, 0);
    assert_out(0);
}

static void test_shares_by_priority(void **state) {
    struct swg_permit one;
    (void)state;
    set("bulkhead.max_concurrent", "10");
    set("bulkhead.partitions", "-1:100, 10:80, 31:50");
    make();
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(ask_as(31, 0, &held[i]), SWG_GO);
    assert_int_equal(ask_as(11, 0, &one), SWG_FULL);
    for (unsigned i = 5; i < 8; i++)
        assert_int_equal(ask_as(10, 0, &held[i]), SWG_GO);
    assert_int_equal(ask_as(0, 0, &one), SWG_FULL);
    for (unsigned i = 8; i < 10; i++)
        assert_int_equal(ask_as(-1, 0, &held[i]), SWG_GO);
    assert_int_equal(ask_as(-32, 0, &one), SWG_FULL);
    end_all(held, 10);
    assert_out(0);
}

/* ---- changed while calls are under way */

static void test_the_limit_changes_under_calls(void **state) {
    struct swg_permit one;
    (void)state;
    make_bulkhead();
    take_all(held, LIMIT);
    change("bulkhead.max_concurrent", "8");
    take_all(held + LIMIT, 5);
    assert_int_equal(ask(&one), SWG_FULL);
    change("bulkhead.max_concurrent", "2");
    assert_out(8);
    for (unsigned i = 0; i < 6; i++) {
        record_permit(&held[i], SWG_SUCCESS, 0);
        assert_int_equal(ask(&one), SWG_FULL);
    }
    record_permit(&held[6], SWG_SUCCESS, 0);
    one = taken();
    assert_int_equal(ask(&held[6]), SWG_FULL);
    record_permit(&held[7], SWG_SUCCESS, 0);
    record_permit(&one, SWG_SUCCESS, 0);
    assert_out(0);
    assert_int_equal(status().calls, 9);
}

static void test_switched_off_and_on(void **state) {
    struct swg_permit one;
    (void)state;
    make_bulkhead();
    take_all(held, LIMIT);
    change("bulkhead.max_concurrent", "off");
    assert_false(status().has_bulkhead);
    take_all(held + LIMIT, 7);
    change("bulkhead.max_concurrent", "3");
    assert_int_equal(ask(&one), SWG_FULL);
    end_all(held, LIMIT + 7);
    assert_out(0);
    take_all(held, LIMIT);
    assert_int_equal(ask(&one), SWG_FULL);
    end_all(held, LIMIT);
}

static void test_switched_on_under_calls(void **state) {
    struct swg_permit one;
    (void)state;
    make();
    take_all(held, 5);
    change("bulkhead.max_concurrent", "3");
    take_all(held + 5, LIMIT);
    assert_int_equal(ask(&one), SWG_FULL);
    end_all(held, 5);
    assert_int_equal(ask(&one), SWG_FULL);
    end_all(held + 5, LIMIT);
    assert_out(0);
}

/* ---- counting without a limit */

static void test_track_counts_and_limits_nothing(void **state) {
    static struct swg_permit many[300];
    (void)state;
    set("bulkhead.track", "yes");
    make();
    take_all(many, 300);
    assert_true(status().has_bulkhead);
    assert_int_equal(status().permits_limit, 0);
    assert_int_equal(status().permits_held, 256); /* more are not told apart */
    assert_int_equal(status().in_flight, 300);
    advance(S(3));
    assert_true(status().held_longest >= S(3) - MS(1));
    end_all(many, 300);
    assert_out(0);
    assert_int_equal(status().rejected_full, 0);
}

static void test_why_names_who_holds(void **state) {
    (void)state;
    make_bulkhead();
    take_all(held, 2);
    advance(S(2));
    struct swg_why told_why = why();
    assert_int_equal(told_why.permits_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(told_why.permits[i].alive);
        assert_true(now() - told_why.permits[i].since >= S(2) - MS(1));
    }
    end_all(held, 2);
    assert_int_equal(why().permits_count, 0);
}

/* ---- refused by name */

static void test_bad_settings_are_refused(void **state) {
    static const char *const bad[][2] = {
        { "bulkhead.max_concurrent", "0" },
        { "bulkhead.max_concurrent", "-1" },
        { "bulkhead.max_concurrent", "5000" },
        { "bulkhead.max_queue", "0" },
        { "bulkhead.max_queue", "off" },
        { "bulkhead.max_queue", "unlimited" },
        { "bulkhead.max_queue", "1000000" },
        { "bulkhead.when_busy", "drop" },
        { "bulkhead.max_wait", "0s" },
        { "bulkhead.when_queue_full", "block" },
        { "bulkhead.partitions", "10:0" },
        { "bulkhead.partitions", "10:50, 0:80" },
        { "bulkhead.reserve.priority_at_most", "40" },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct swg_error error = SWG_ERROR_INIT;
        int rc = swg_config_set(config, bad[i][0], bad[i][1], &error);
        if (rc != -EINVAL || strcmp(error.key, bad[i][0]) != 0 ||
            strstr(error.text, "allowed") == NULL)
            fail_msg("%s=%s: %d, %s: %s", bad[i][0], bad[i][1], rc, error.key, error.text);
    }
}

static void test_contradictions_are_refused(void **state) {
    static const char *const pairs[][4] = {
        { "bulkhead.max_concurrent", "3", "bulkhead.reserve.permits", "3" },
        { "bulkhead.when_busy", "wait", "bulkhead.track", "yes" },
    };
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct swg_error error = SWG_ERROR_INIT;
        assert_int_equal(end_story(NULL), 0);
        assert_int_equal(begin_story(NULL), 0);
        set(pairs[i][0], pairs[i][1]);
        set(pairs[i][2], pairs[i][3]);
        assert_int_equal(swg_circuit_get(panel, "dependency", config, &circuit, &error), -EINVAL);
        assert_true(strncmp(error.key, "bulkhead.", 9) == 0);
        assert_true(strlen(error.text) > 10);
    }
}

/* Who says the same time for ever is compared with our own clock now and then, however little passes on his. */
static void test_a_clock_that_stands_is_found_out(void **state) {
    struct swg_panel_info info = SWG_PANEL_INFO_INIT;
    struct swg_permit permit;
    (void)state;
    set("bulkhead.max_concurrent", "4");
    make();
    swg_ns stands = now();
    for (unsigned i = 0; i < 10000; i++) {
        assert_int_equal(swg_acquire_at(circuit, NULL, stands, &permit), SWG_GO);
        assert_int_equal(swg_record_at(&permit, SWG_SUCCESS, NULL, stands, 0), 0);
        if (i == 100)
            advance(S(5));
    }
    assert_int_equal(swg_panel_status(panel, &info), 0);
    assert_true(info.clocks_replaced > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_so_many_at_once),
        STORY(test_full_is_told_as_such),
        STORY(test_full_costs_no_token),
        STORY(test_each_end_gives_it_back),
        STORY(test_a_success_gives_it_back_whatever_came_before),
        STORY(test_ended_twice_frees_once),
        STORY(test_a_copy_is_caught),
        STORY(test_a_cancelled_copy_frees_nothing),
        STORY(test_open_comes_first),
        STORY(test_a_late_end_gives_it_back),
        STORY(test_without_a_probe_the_permit_goes_back),
        STORY(test_no_probe_where_there_is_no_permit),
        STORY(test_modes),
        STORY(test_what_a_mode_let_in_holds_too),
        STORY(test_full_may_count_as_failure),
        STORY(test_full_does_not_unless_asked_to),
        STORY(test_other_verdicts_never_do),
        STORY(test_hystrix_counts_what_found_no_room),
        STORY(test_a_reserve_for_urgent_calls),
        STORY(test_shares_by_priority),
        STORY(test_the_limit_changes_under_calls),
        STORY(test_switched_off_and_on),
        STORY(test_switched_on_under_calls),
        STORY(test_track_counts_and_limits_nothing),
        STORY(test_why_names_who_holds),
        STORY(test_bad_settings_are_refused),
        STORY(test_contradictions_are_refused),
        STORY(test_a_clock_that_stands_is_found_out),
    };
    return cmocka_run_group_tests_name("bulkheads", tests, NULL, NULL);
}
