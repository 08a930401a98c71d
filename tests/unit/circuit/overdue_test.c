/* Calls that hang: slow before they end, so that a black hole trips while it still holds its callers. */
#include "policy_story.h"

#define MANY 40

static struct swg_permit held[MANY], one;

static void set_slow(const char *rule) {
    set("breaker.slow_call_duration", "1s");
    if (strcmp(rule, "time") == 0) {
        set("breaker.trip.0.slow_rate.percent", "50");
        set("breaker.trip.0.slow_rate.window", "10s");
        set("breaker.trip.0.slow_rate.calls_min", "8");
    } else {
        set("breaker.trip.0.slow_rate.percent", "50");
        set("breaker.trip.0.slow_rate.calls", "20");
        set("breaker.trip.0.slow_rate.calls_min", "8");
    }
}

static const char *const rules[] = { "time", "count" };

#define FOR_BOTH_WINDOWS(rule)                                                                    \
    for (unsigned r_ = 0; r_ < 2 && (r_ == 0 || (end_story(NULL), begin_story(NULL) == 0)); r_++) \
        for (const char *rule = rules[r_]; rule != NULL; rule = NULL)

static void assert_tripped_by_slowness(const char *rule) {
    assert_open_by(strcmp(rule, "time") == 0 ? "time_1" : "count_slow_rate");
    assert_true(why().trip.value >= 0.5);
}

static void test_a_black_hole_trips_while_calls_hang(void **state) {
    (void)state;
    FOR_BOTH_WINDOWS(rule) {
        set_slow(rule);
        set("bulkhead.track", "yes");
        make();
        take_all(held, 10);
        advance(MS(900));
        take_all(held + 10, 5);
        assert_state(CLOSED);
        advance(MS(200));
        assert_int_equal(ask(&one), SWG_OPEN); /* the call that finds out is not made either */
        assert_tripped_by_slowness(rule);
        assert_int_equal(status().slow, 0);
        assert_int_equal(status().in_flight, 15);
        for (unsigned i = 0; i < 15; i++)
            record_permit(&held[i], SWG_TIMEOUT, S(30));
        assert_int_equal(status().late, 15);
        assert_out(0);
    }
}

static void test_and_behind_a_bulkhead(void **state) {
    (void)state;
    FOR_BOTH_WINDOWS(rule) {
        set_slow(rule);
        set("bulkhead.max_concurrent", "8");
        make();
        take_all(held, 8);
        advance(MS(990));
        assert_int_equal(ask(&one), SWG_FULL);
        advance(MS(120));
        assert_int_equal(ask(&one), SWG_OPEN);
        assert_tripped_by_slowness(rule);
        end_all(held, 8);
        assert_out(0);
    }
}

static void test_who_waits_is_told(void **state) {
    (void)state;
    set_slow("time");
    set("bulkhead.max_concurrent", "8");
    set("bulkhead.when_busy", "wait");
    set("bulkhead.max_wait", "30s");
    make();
    take_all(held, 8);
    struct swg_permit waits = queued(0);
    advance(MS(1100));
    assert_int_equal(swg_poll(&waits), SWG_OPEN); /* also when nobody new comes */
    assert_state(OPEN);
    end_all(held, 8);
    assert_out(0);
}

static void test_calls_that_are_not_followed_tell_nothing(void **state) {
    (void)state;
    set_slow("time");
    make();
    take_all(held, 20);
    advance(S(5));
    take_all(held + 20, 20);
    assert_state(CLOSED);
    for (unsigned i = 0; i < 20; i++)
        record_permit(&held[i], SWG_SUCCESS, S(5));
    assert_state(OPEN);
    for (unsigned i = 20; i < MANY; i++)
        record_permit(&held[i], SWG_SUCCESS, 0);
}

static void test_a_few_that_hang_are_no_black_hole(void **state) {
    (void)state;
    FOR_BOTH_WINDOWS(rule) {
        set_slow(rule);
        set("bulkhead.track", "yes");
        make();
        calls(14, SWG_SUCCESS);
        take_all(held, 7);
        for (unsigned i = 0; i < 5; i++) {
            advance(S(1) + MS(100));
            call(SWG_SUCCESS); /* seven in more than twenty */
            assert_state(CLOSED);
        }
        end_all(held, 7);
        assert_out(0);
    }
}

static void test_too_few_are_not_judged(void **state) {
    (void)state;
    FOR_BOTH_WINDOWS(rule) {
        set_slow(rule);
        set("bulkhead.track", "yes");
        make();
        take_all(held, 7);
        advance(S(2));
        one = taken();
        assert_state(CLOSED);
        swg_cancel(&one);
        advance(MS(200));
        held[7] = taken();
        advance(S(2));
        assert_int_equal(ask(&one), SWG_OPEN);
        end_all(held, 8);
    }
}

/* An outcome is judged together with the calls that hang. */
static void test_judged_with_each_bad_outcome(void **state) {
    static const int outcomes[] = { SWG_SUCCESS, SWG_FAILURE, SWG_TIMEOUT };
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        FOR_BOTH_WINDOWS(rule) {
            set_slow(rule);
            set("bulkhead.track", "yes");
            make();
            take_all(held, 10);
            advance(S(2));
            record_permit(&held[0], outcomes[i], S(2));
            assert_tripped_by_slowness(rule);
            end_all(held + 1, 9);
            assert_out(0);
        }
        assert_int_equal(end_story(NULL), 0);
        assert_int_equal(begin_story(NULL), 0);
    }
}

static void test_modes(void **state) {
    (void)state;
    set_slow("time");
    set("bulkhead.track", "yes");
    make();
    mode(SWG_MODE_FORCED_CLOSED, 0);
    take_all(held, 10);
    advance(S(2));
    call(SWG_SUCCESS);
    assert_state(CLOSED);
    mode(SWG_MODE_SHADOW, 0);
    advance(MS(200));
    call(SWG_SUCCESS);
    assert_state(OPEN); /* what it would have done */
    assert_int_equal(status().would_reject, 1);
    end_all(held, 10);
    assert_out(0);
}

static void test_a_black_hole_behind_the_ramp(void **state) {
    (void)state;
    set_slow("time");
    set("bulkhead.track", "yes");
    set("breaker.half_open.ramp", "90");
    set("breaker.half_open.ramp_step", "1h");
    set("breaker.half_open.success_threshold", "1");
    make();
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    assert_int_equal(hand(swg_circuit_probe, 0, 0), 0);
    call(SWG_SUCCESS);
    assert_int_equal(status().ramp_percent, 90);
    unsigned in = 0;
    while (in < 12)
        in += ask(&held[in]) == SWG_GO;
    advance(MS(1100));
    assert_int_equal(ask(&one), SWG_OPEN);
    assert_open_by("time_1");
    end_all(held, 12);
    assert_out(0);
}

/* The threshold may be changed under them. */
static void test_the_threshold_is_looked_up(void **state) {
    (void)state;
    set_slow("time");
    set("bulkhead.track", "yes");
    make();
    take_all(held, 10);
    advance(S(2));
    change("breaker.slow_call_duration", "10s");
    call(SWG_SUCCESS);
    assert_state(CLOSED);
    change("breaker.slow_call_duration", "1s");
    advance(MS(200));
    assert_int_equal(ask(&one), SWG_OPEN);
    end_all(held, 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_a_black_hole_trips_while_calls_hang),
        STORY(test_and_behind_a_bulkhead),
        STORY(test_who_waits_is_told),
        STORY(test_calls_that_are_not_followed_tell_nothing),
        STORY(test_a_few_that_hang_are_no_black_hole),
        STORY(test_too_few_are_not_judged),
        STORY(test_judged_with_each_bad_outcome),
        STORY(test_modes),
        STORY(test_a_black_hole_behind_the_ramp),
        STORY(test_the_threshold_is_looked_up),
    };
    return cmocka_run_group_tests_name("calls that hang", tests, NULL, NULL);
}
