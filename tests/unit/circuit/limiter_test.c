/* Rate limits as callers meet them: exact times, waiting for one's turn, and what stands before and behind. */
#include "policy_story.h"

static struct swg_permit held[64], one;

static void set_rate(const char *rate, const char *per) {
    set("limiter.rate", rate);
    set("limiter.per", per);
}

static void go(void) {
    one = taken();
    record_permit(&one, SWG_SUCCESS, 0);
}

static unsigned left(void) {
    return status().limiter_left;
}

static const char *const algorithms[] = { "token_bucket", "leaky_bucket", "fixed_window",
                                          "sliding_window", "sliding_log" };

/* Not a nanosecond too early, and not one too late; the log keeps instants in units of 256 ns. */
static void come_back_at(const char *algorithm, unsigned round) {
    swg_ns wait, unit = strcmp(algorithm, "sliding_log") == 0 ? 256 : 1;

    while (ask(&one) == SWG_GO)
        record_permit(&one, SWG_SUCCESS, 0);
    wait = swg_retry_in(&one);
    if (wait <= 0 || wait > S(2))
        fail_msg("%s, round %u: comes back in %lld ns", algorithm, round, (long long)wait);
    advance(wait - unit);
    assert_int_equal(ask(&one), SWG_LIMITED);
    assert_in_range(swg_retry_in(&one), 1, unit);
    advance(unit);
    if (ask(&one) != SWG_GO)
        fail_msg("%s, round %u: too late", algorithm, round);
    record_permit(&one, SWG_SUCCESS, 0);
    advance((swg_ns)round * 12345678);
}

static void test_told_exactly_when(void **state) {
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(end_story(NULL), 0);
        assert_int_equal(begin_story(NULL), 0);
        set("limiter.algorithm", algorithms[i]);
        set_rate("7", "1s");
        make();
        for (unsigned round = 0; round < 40; round++)
            come_back_at(algorithms[i], round);
    }
}

static void test_limited_is_told_as_such(void **state) {
    (void)state;
    set_rate("3", "1s");
    make();
    for (unsigned i = 0; i < 3; i++)
        go();
    assert_int_equal(ask(&one), SWG_LIMITED);
    assert_int_equal(one.opaque[0], 0);
    assert_true(swg_is_rejection(SWG_LIMITED));
    assert_string_not_equal(swg_strerror(SWG_LIMITED), swg_strerror(SWG_FULL));
    struct swg_status seen = status();
    assert_int_equal(seen.rejected_limited, 1);
    assert_int_equal(rejected_of(&seen), 1);
    assert_int_equal(told(SWG_LIMITED), 1);
    assert_true(seen.has_limiter);
    assert_int_equal(seen.limiter_rate, 3);
    assert_int_equal(seen.limiter_per, S(1));
    assert_int_equal(seen.limiter_left, 0);
    assert_state(CLOSED);
    assert_int_equal(seen.calls, 3);
}

/* Two verdicts within one second: each has its notice. */
static void test_each_verdict_has_its_notice(void **state) {
    (void)state;
    set_rate("2", "1s");
    set("bulkhead.max_concurrent", "1");
    make();
    held[0] = taken();
    assert_int_equal(ask(&one), SWG_FULL);
    record_permit(&held[0], SWG_SUCCESS, 0);
    held[0] = taken();
    assert_int_equal(ask(&one), SWG_LIMITED);
    assert_int_equal(ask_until(now(), &one), SWG_EXPIRED);
    assert_int_equal(told(SWG_FULL), 1);
    assert_int_equal(told(SWG_LIMITED), 1);
    assert_int_equal(told(SWG_EXPIRED), 1);
    advance(S(1));
    assert_int_equal(ask_until(now(), &one), SWG_EXPIRED);
    assert_int_equal(told(SWG_EXPIRED), 2);
    record_permit(&held[0], SWG_SUCCESS, 0);
}

/* ---- the order of a call */

static void test_open_takes_no_token(void **state) {
    (void)state;
    set_rate("10", "1s");
    make();
    go();
    assert_int_equal(left(), 9);
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(ask(&one), SWG_OPEN);
    assert_int_equal(ask_as(-3, 5, &one), SWG_OPEN);
    assert_int_equal(left(), 9);
    assert_int_equal(hand(swg_circuit_reset, 0, 1), 0);
    mode(SWG_MODE_FORCED_OPEN, 0);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(ask(&one), SWG_OPEN);
    assert_int_equal(left(), 9);
}

static void test_expired_takes_no_token(void **state) {
    (void)state;
    set_rate("10", "1s");
    make();
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(ask_until(now(), &one), SWG_EXPIRED);
    assert_int_equal(left(), 10);
}

static void test_the_limiter_comes_before_the_bulkhead(void **state) {
    (void)state;
    set_rate("2", "1s");
    set("bulkhead.max_concurrent", "2");
    make();
    take_all(held, 2);
    assert_int_equal(left(), 0);
    assert_int_equal(ask(&one), SWG_LIMITED); /* though the bulkhead is full, too */
    record_permit(&held[0], SWG_SUCCESS, 0);
    assert_int_equal(ask(&one), SWG_LIMITED);
    assert_out(1);
    assert_int_equal(status().rejected_full, 0);
    assert_int_equal(status().rejected_limited, 2);
    record_permit(&held[1], SWG_SUCCESS, 0);
}

static void test_a_full_bulkhead_spends_no_token(void **state) {
    (void)state;
    set_rate("10", "1h");
    set("bulkhead.max_concurrent", "1");
    make();
    held[0] = taken();
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(ask(&one), SWG_FULL);
    assert_int_equal(left(), 9);
    record_permit(&held[0], SWG_SUCCESS, 0);
}

static void test_modes(void **state) {
    (void)state;
    set_rate("2", "1s");
    make();
    go();
    go();
    mode(SWG_MODE_SHADOW, 0);
    go();
    assert_int_equal(status().would_reject, 1);
    mode(SWG_MODE_FORCED_CLOSED, 0);
    go();
    assert_int_equal(status().would_reject, 1);
    mode(SWG_MODE_NORMAL, 0);
    assert_int_equal(ask(&one), SWG_LIMITED);
}

/* ---- waiting for one's time */

static void make_paced(void) {
    set("limiter.algorithm", "leaky_bucket");
    set("limiter.when_limited", "wait");
    set_rate("5", "1s");
    make();
}

static struct swg_permit paced(swg_ns wait) {
    struct swg_permit permit;

    assert_int_equal(ask(&permit), SWG_QUEUED);
    assert_int_equal(swg_retry_in(&permit), wait);
    return permit;
}

static void test_paced(void **state) {
    (void)state;
    make_paced();
    go();
    for (unsigned i = 0; i < 4; i++)
        held[i] = paced(MS(200) * (i + 1));
    for (unsigned i = 0; i < 4; i++) {
        advance(MS(200) - 1);
        assert_int_equal(swg_poll(&held[i]), SWG_QUEUED);
        assert_int_equal(swg_retry_in(&held[i]), 1);
        advance(1);
        assert_int_equal(swg_poll(&held[i]), SWG_GO);
        record_permit(&held[i], SWG_SUCCESS, 0);
    }
    assert_int_equal(status().calls, 5);
    assert_int_equal(status().in_flight, 0);
}

static void test_no_longer_than_max_wait(void **state) {
    (void)state;
    set("limiter.max_wait", "500ms");
    make_paced();
    go();
    held[0] = paced(MS(200));
    held[1] = paced(MS(400));
    assert_int_equal(ask(&one), SWG_LIMITED);
    assert_in_range(swg_retry_in(&one), 1, MS(600));
    assert_int_equal(status().rejected_limited, 1);
    swg_cancel(&held[1]);
    swg_cancel(&held[0]);
}

static void test_not_beyond_its_deadline(void **state) {
    (void)state;
    make_paced();
    go();
    assert_int_equal(ask_until(now() + MS(100), &one), SWG_LIMITED);
    assert_int_equal(ask_until(now() + MS(300), &one), SWG_QUEUED);
    advance(MS(300));
    assert_int_equal(swg_poll(&one), SWG_EXPIRED);
    assert_int_equal(status().rejected_expired, 1);
}

/* The reservation goes back, whichever way its call came to nothing. */
static void test_a_cancelled_turn_is_given_back(void **state) {
    (void)state;
    make_paced();
    go();
    for (unsigned i = 0; i < 10; i++) {
        held[0] = paced(MS(200));
        swg_cancel(&held[0]);
        swg_cancel(&held[0]);
    }
    held[0] = paced(MS(200));
    assert_int_equal(swg_record(&held[0], SWG_SUCCESS), -EINVAL);
    held[0] = paced(MS(200));
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    assert_int_equal(swg_poll(&held[0]), SWG_OPEN);
    assert_int_equal(hand(swg_circuit_reset, 0, 1), 0);
    held[0] = paced(MS(200));
    mode(SWG_MODE_FORCED_CLOSED, 0);
    assert_int_equal(swg_poll(&held[0]), SWG_GO);
    swg_cancel(&held[0]);
    mode(SWG_MODE_NORMAL, 0);
    held[0] = paced(MS(200));
    swg_cancel(&held[0]);
    assert_int_equal(status().calls - 1, status().cancelled);
}

static void test_paced_then_queued(void **state) {
    (void)state;
    set("bulkhead.max_concurrent", "1");
    set("bulkhead.when_busy", "wait");
    make_paced();
    held[0] = taken();
    held[1] = paced(MS(200));
    advance(MS(200));
    assert_int_equal(swg_poll(&held[1]), SWG_QUEUED); /* its time has come, its permit has not */
    assert_int_equal(status().queue_length, 1);
    record_permit(&held[0], SWG_SUCCESS, 0);
    assert_int_equal(swg_poll(&held[1]), SWG_GO);
    record_permit(&held[1], SWG_SUCCESS, 0);
    assert_out(0);
}

static void test_paced_then_full(void **state) {
    (void)state;
    set("bulkhead.max_concurrent", "1");
    make_paced();
    held[0] = taken();
    held[1] = paced(MS(200));
    advance(MS(200));
    assert_int_equal(swg_poll(&held[1]), SWG_FULL);
    assert_int_equal(status().rejected_full, 1);
    record_permit(&held[0], SWG_SUCCESS, 0);
    assert_out(0);
}

/* Windows and the log reserve nothing: whose time has come asks again, and may find others there. */
static void test_windows_are_asked_again(void **state) {
    (void)state;
    for (unsigned i = 2; i < 5; i++) {
        assert_int_equal(end_story(NULL), 0);
        assert_int_equal(begin_story(NULL), 0);
        set("limiter.algorithm", algorithms[i]);
        set("limiter.when_limited", "wait");
        set("limiter.max_wait", "10s");
        set_rate("2", "1s");
        make();
        go();
        go();
        for (unsigned k = 0; k < 4; k++)
            assert_int_equal(ask(&held[k]), SWG_QUEUED);
        assert_true(swg_retry_in(&held[0]) > 0 && swg_retry_in(&held[0]) <= S(2));
        unsigned went = 0;
        for (unsigned step = 0; step < 900 && went < 4; step++) {
            advance(MS(10));
            for (unsigned k = 0; k < 4; k++)
                if (held[k].opaque[0] != 0 && swg_poll(&held[k]) == SWG_GO) {
                    record_permit(&held[k], SWG_SUCCESS, 0);
                    went++;
                }
        }
        assert_int_equal(went, 4);
        assert_int_equal(status().rejected_limited, 0);
    }
}

static void test_windows_give_up_after_max_wait(void **state) {
    (void)state;
    set("limiter.algorithm", "fixed_window");
    set("limiter.when_limited", "wait");
    set("limiter.max_wait", "1500ms");
    set_rate("1", "1s");
    make();
    go();
    assert_int_equal(ask(&held[0]), SWG_QUEUED);
    assert_int_equal(ask(&held[1]), SWG_QUEUED);
    advance(S(1));
    assert_int_equal(swg_poll(&held[0]), SWG_GO);
    assert_int_equal(swg_poll(&held[1]), SWG_LIMITED); /* the window after is too far away */
    assert_int_equal(status().rejected_limited, 1);
    record_permit(&held[0], SWG_SUCCESS, 0);
}

/* ---- changed at run time */

static void test_switched_off_and_on(void **state) {
    (void)state;
    set_rate("2", "10s");
    make();
    go();
    go();
    assert_int_equal(ask(&one), SWG_LIMITED);
    change("limiter.rate", "off");
    for (unsigned i = 0; i < 20; i++)
        go();
    assert_false(status().has_limiter);
    change("limiter.rate", "4");
    assert_int_equal(status().limiter_rate, 4);
    uint64_t before = status().calls;
    while (ask(&one) == SWG_GO)
        record_permit(&one, SWG_SUCCESS, 0);
    assert_in_range(status().calls - before, 0, 4);
    assert_int_equal(status().rejected_limited, 2);
}

static void test_switched_off_under_who_waits(void **state) {
    (void)state;
    make_paced();
    go();
    held[0] = paced(MS(200));
    change("limiter.rate", "off");
    assert_int_equal(swg_poll(&held[0]), SWG_GO);
    record_permit(&held[0], SWG_SUCCESS, 0);
}

/* ---- what adapts */

static void live(unsigned seconds, int outcome) {
    for (unsigned i = 0; i < seconds * 20; i++) {
        if (ask(&one) == SWG_GO)
            record_permit(&one, outcome, MS(1));
        advance(MS(50));
    }
}

static void test_the_rate_follows_outcomes(void **state) {
    (void)state;
    set("breaker.trip", "none");
    set("limiter.adaptive", "yes");
    set("limiter.rate_min", "2");
    set_rate("10", "1s");
    make();
    live(5, SWG_SUCCESS);
    assert_int_equal(status().limiter_rate, 10);
    live(30, SWG_FAILURE);
    assert_int_equal(status().limiter_rate, 2);
    assert_true(status().limiter_share < 0.21);
    uint64_t before = status().calls;
    live(10, SWG_FAILURE);
    assert_in_range(status().calls - before, 18, 24);
    live(30, SWG_SUCCESS);
    assert_int_equal(status().limiter_rate, 10);
    assert_true(status().limiter_share > 0.99);
}

static void test_an_idle_machine_slows_nobody_down(void **state) {
    (void)state;
    set("limiter.resource_aware", "yes");
    set("limiter.system_load_above", "100");
    set_rate("10", "1s");
    make();
    live(3, SWG_SUCCESS);
    assert_int_equal(status().limiter_rate, 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_told_exactly_when),
        STORY(test_limited_is_told_as_such),
        STORY(test_each_verdict_has_its_notice),
        STORY(test_open_takes_no_token),
        STORY(test_expired_takes_no_token),
        STORY(test_the_limiter_comes_before_the_bulkhead),
        STORY(test_a_full_bulkhead_spends_no_token),
        STORY(test_modes),
        STORY(test_paced),
        STORY(test_no_longer_than_max_wait),
        STORY(test_not_beyond_its_deadline),
        STORY(test_a_cancelled_turn_is_given_back),
        STORY(test_paced_then_queued),
        STORY(test_paced_then_full),
        STORY(test_windows_are_asked_again),
        STORY(test_windows_give_up_after_max_wait),
        STORY(test_switched_off_and_on),
        STORY(test_switched_off_under_who_waits),
        STORY(test_the_rate_follows_outcomes),
        STORY(test_an_idle_machine_slows_nobody_down),
    };
    return cmocka_run_group_tests_name("limiters", tests, NULL, NULL);
}
