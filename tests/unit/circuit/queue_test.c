/* Queued permits: waiting for a turn, by blocking, polling or in an event loop's own time, and giving it up. */
#include "policy_story.h"

static struct swg_permit held[64], line[64];

/* One at a time, so that whoever is next is told apart. */
static void make_queue(void) {
    set("bulkhead.max_concurrent", "1");
    set("bulkhead.when_busy", "wait");
    set("bulkhead.max_queue", "4");
    make();
}

static void end(struct swg_permit *permit) {
    record_permit(permit, SWG_SUCCESS, 0);
}

static void test_queued_until_its_turn(void **state) {
    (void)state;
    make_queue();
    held[0] = taken();
    line[0] = queued(0);
    assert_int_equal(swg_poll(&line[0]), SWG_QUEUED);
    assert_int_equal(status().queue_length, 1);
    assert_int_equal(status().queue_max, 4);
    assert_out(1);
    end(&held[0]);
    assert_int_equal(swg_poll(&line[0]), SWG_GO);
    assert_int_equal(swg_poll(&line[0]), SWG_GO); /* admitted already */
    assert_int_equal(swg_wait(&line[0], now()), SWG_GO);
    assert_int_equal(status().queue_length, 0);
    assert_out(1);
    end(&line[0]);
    assert_out(0);
    assert_int_equal(status().calls, 2);
}

/* Queued is no verdict: nothing was rejected, and nothing was called. */
static void test_queued_is_no_rejection(void **state) {
    (void)state;
    make_queue();
    held[0] = taken();
    line[0] = queued(0);
    assert_false(swg_is_rejection(SWG_QUEUED));
    struct swg_status seen = status();
    assert_int_equal(rejected_of(&seen), 0);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(swg_deadline(&line[0]), SWG_NS_MAX);
    swg_cancel(&line[0]);
    end(&held[0]);
}

static void test_a_place_given_up(void **state) {
    (void)state;
    make_queue();
    held[0] = taken();
    line[0] = queued(0);
    line[1] = queued(0);
    swg_cancel(&line[0]);
    swg_cancel(&line[0]);
    assert_int_equal(swg_poll(&line[0]), -EINVAL);
    assert_int_equal(status().queue_length, 1);
    end(&held[0]);
    assert_int_equal(swg_poll(&line[1]), SWG_GO);
    end(&line[1]);
    assert_out(0);
    assert_int_equal(status().cancelled, 0); /* it was never a call */
}

static void test_a_place_has_no_outcome(void **state) {
    static const int outcomes[] = { SWG_SUCCESS, SWG_FAILURE, SWG_TIMEOUT, SWG_IGNORED, -1 };
    (void)state;
    make_queue();
    held[0] = taken();
    for (unsigned i = 0; i < 5; i++) {
        line[0] = queued(0);
        assert_int_equal(swg_record(&line[0], outcomes[i]), -EINVAL);
        assert_int_equal(status().queue_length, 0);
        assert_int_equal(swg_poll(&line[0]), -EINVAL);
    }
    end(&held[0]);
    assert_out(0);
    assert_int_equal(status().calls, 1);
}

static void test_what_is_no_place(void **state) {
    struct swg_permit zero = { { 0 } }, random;
    (void)state;
    make_queue();
    memset(&random, 0x5a, sizeof(random));
    assert_int_equal(swg_poll(NULL), -EINVAL);
    assert_int_equal(swg_wait(NULL, 0), -EINVAL);
    assert_int_equal(swg_wait_fd(NULL), -EINVAL);
    assert_int_equal(swg_poll(&zero), -EINVAL);
    assert_int_equal(swg_wait(&zero, SWG_NS_MAX), -EINVAL);
    assert_int_equal(swg_wait_fd(&zero), -EINVAL);
    assert_int_equal(swg_poll(&random), -EINVAL);
    assert_int_equal(swg_wait(&random, SWG_NS_MAX), -EINVAL);
    held[0] = taken();
    assert_int_equal(swg_wait_fd(&held[0]), -EALREADY);
    end(&held[0]);
    assert_int_equal(swg_poll(&held[0]), -EINVAL);
}

/* ---- how long */

static void test_no_longer_than_max_wait(void **state) {
    (void)state;
    set("bulkhead.max_wait", "2s");
    make_queue();
    held[0] = taken();
    line[0] = queued(0);
    advance(S(2) - MS(10));
    assert_int_equal(swg_poll(&line[0]), SWG_QUEUED);
    advance(MS(20));
    assert_int_equal(swg_poll(&line[0]), SWG_FULL);
    assert_int_equal(line[0].opaque[0], 0);
    assert_int_equal(status().rejected_full, 1);
    assert_int_equal(status().queue_length, 0);
    end(&held[0]);
    assert_out(0);
}

static void test_whatever_its_priority(void **state) {
    static const int priorities[] = { -32, -1, 0, 31 };
    (void)state;
    set("bulkhead.max_wait", "2s");
    make_queue();
    held[0] = taken();
    for (unsigned i = 0; i < 4; i++)
        line[i] = queued(priorities[i]);
    advance(S(2) - MS(10));
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(swg_poll(&line[i]), SWG_QUEUED);
    advance(MS(20));
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(swg_poll(&line[i]), SWG_FULL);
    end(&held[0]);
}

static void test_no_longer_than_its_deadline(void **state) {
    (void)state;
    make_queue();
    held[0] = taken();
    assert_int_equal(ask_until(now() + S(1), &line[0]), SWG_QUEUED);
    assert_int_equal(swg_deadline(&line[0]), now() + S(1));
    advance(S(1));
    assert_int_equal(swg_poll(&line[0]), SWG_EXPIRED);
    assert_int_equal(status().rejected_expired, 1);
    assert_int_equal(status().rejected_full, 0);
    assert_int_equal(told(SWG_EXPIRED), 1);
    end(&held[0]);
    assert_out(0);
}

/* A permit that comes too late is of no use: it goes to whoever is next. */
static void test_a_turn_after_its_deadline(void **state) {
    (void)state;
    make_queue();
    held[0] = taken();
    assert_int_equal(ask_until(now() + S(1), &line[0]), SWG_QUEUED);
    line[1] = queued(1);
    advance(S(1));
    end(&held[0]);
    assert_int_equal(swg_poll(&line[0]), SWG_EXPIRED);
    assert_int_equal(swg_poll(&line[1]), SWG_GO);
    end(&line[1]);
    assert_out(0);
}

/* ---- the breaker */

static void test_a_trip_rejects_who_waits(void **state) {
    (void)state;
    make_queue();
    held[0] = taken();
    line[0] = queued(0);
    line[1] = queued(-5);
    assert_int_equal(hand(swg_circuit_trip, S(30), 0), 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(swg_poll(&line[i]), SWG_OPEN);
        assert_int_equal(line[i].opaque[0], 0);
        assert_true(swg_retry_in(&line[i]) > S(29));
    }
    assert_int_equal(status().rejected_open, 2);
    assert_int_equal(status().queue_length, 0);
    end(&held[0]);
    assert_out(0);
}

/* Its turn comes while the breaker has one probe out: the permit goes back, and to the next. */
static void test_open_after_waiting_gives_it_back(void **state) {
    (void)state;
    set("bulkhead.max_concurrent", "2");
    set("bulkhead.when_busy", "wait");
    make();
    held[0] = taken();
    held[1] = taken();
    line[0] = queued(0);
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    assert_int_equal(hand(swg_circuit_probe, 0, 0), 0);
    end(&held[0]);
    assert_int_equal(swg_poll(&line[0]), SWG_GO); /* the probe */
    line[1] = queued(0);
    end(&held[1]);
    assert_int_equal(swg_poll(&line[1]), SWG_OPEN);
    assert_out(1);
    end(&line[0]);
    assert_out(0);
}

static void test_isolating_rejects_who_waits(void **state) {
    (void)state;
    make_queue();
    held[0] = taken();
    line[0] = queued(0);
    mode(SWG_MODE_FORCED_OPEN, 0);
    assert_int_equal(swg_poll(&line[0]), SWG_OPEN);
    mode(SWG_MODE_NORMAL, 0);
    end(&held[0]);
    assert_out(0);
}

static void test_disabling_lets_in_who_waits(void **state) {
    static const int modes[] = { SWG_MODE_FORCED_CLOSED, SWG_MODE_SHADOW };
    (void)state;
    make_queue();
    for (unsigned i = 0; i < 2; i++) {
        held[0] = taken();
        line[0] = queued(0);
        mode(modes[i], 0);
        assert_int_equal(swg_poll(&line[0]), SWG_GO);
        assert_int_equal(status().queue_length, 0);
        mode(SWG_MODE_NORMAL, 0);
        end(&line[0]);
        end(&held[0]);
        assert_out(0);
    }
    assert_int_equal(status().would_reject, 1);
}

/* ---- a full queue */

static void fill(void) {
    held[0] = taken();
    for (unsigned i = 0; i < 4; i++)
        line[i] = queued(0);
}

static void drain(void) {
    end(&held[0]);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(swg_poll(&line[i]), SWG_GO);
        end(&line[i]);
    }
    assert_out(0);
}

static void test_a_full_queue_rejects(void **state) {
    struct swg_permit one;
    (void)state;
    make_queue();
    fill();
    assert_int_equal(ask(&one), SWG_FULL);
    assert_int_equal(status().rejected_full, 1);
    assert_int_equal(status().rejected_saturated, 0);
    drain();
}

static void test_a_full_queue_may_be_an_error(void **state) {
    struct swg_permit one;
    (void)state;
    set("bulkhead.when_queue_full", "error");
    make_queue();
    fill();
    assert_int_equal(ask(&one), SWG_QUEUE_SATURATED);
    assert_true(swg_is_rejection(SWG_QUEUE_SATURATED));
    assert_string_not_equal(swg_strerror(SWG_QUEUE_SATURATED), swg_strerror(SWG_FULL));
    assert_int_equal(status().rejected_saturated, 1);
    assert_int_equal(status().rejected_full, 0);
    assert_int_equal(told(SWG_QUEUE_SATURATED), 1);
    drain();
}

static void test_a_full_queue_may_be_waited_for(void **state) {
    struct swg_permit outside[2];
    (void)state;
    set("bulkhead.when_queue_full", "wait");
    set("bulkhead.max_wait", "2s");
    make_queue();
    fill();
    advance(1);
    outside[0] = queued(0);
    outside[1] = queued(0);
    assert_int_equal(status().queue_length, 4);
    end(&held[0]);
    assert_int_equal(swg_poll(&outside[0]), SWG_QUEUED); /* those inside are before it */
    assert_int_equal(swg_poll(&line[0]), SWG_GO);
    assert_int_equal(swg_poll(&outside[0]), SWG_QUEUED); /* now it has a place */
    assert_int_equal(status().queue_length, 4);
    advance(S(2) + MS(1));
    assert_int_equal(swg_poll(&outside[1]), SWG_FULL);
    assert_int_equal(swg_poll(&outside[0]), SWG_FULL);
    assert_int_equal(status().rejected_full, 2);
    held[0] = line[0];
    end(&held[0]);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(swg_poll(&line[i]), SWG_GO);
        end(&line[i]);
    }
    assert_out(0);
}

static void test_outside_until_everybody_left(void **state) {
    struct swg_permit outside;
    (void)state;
    set("bulkhead.when_queue_full", "wait");
    make_queue();
    fill();
    outside = queued(0);
    end(&held[0]);
    for (unsigned i = 0; i < 4; i++)
        swg_cancel(&line[i]);
    assert_int_equal(swg_poll(&outside), SWG_GO);
    end(&outside);
    outside = taken();
    line[0] = queued(0);
    swg_cancel(&line[0]);
    end(&outside);
    assert_out(0);
}

/* ---- changed under those who wait */

static void test_a_raised_limit_serves_who_waits(void **state) {
    (void)state;
    make_queue();
    fill();
    change("bulkhead.max_concurrent", "3");
    assert_int_equal(swg_poll(&line[0]), SWG_GO);
    assert_int_equal(swg_poll(&line[1]), SWG_GO);
    assert_int_equal(swg_poll(&line[2]), SWG_QUEUED);
    end(&line[0]);
    end(&line[1]);
    end(&held[0]);
    for (unsigned i = 2; i < 4; i++) {
        assert_int_equal(swg_poll(&line[i]), SWG_GO);
        end(&line[i]);
    }
    assert_out(0);
}

static void test_a_longer_queue_keeps_who_waits(void **state) {
    (void)state;
    make_queue();
    fill();
    change("bulkhead.max_queue", "40");
    struct swg_permit late = queued(0);
    drain();
    assert_int_equal(swg_poll(&late), SWG_GO);
    end(&late);
    assert_out(0);
}

static void test_switched_off_under_who_waits(void **state) {
    (void)state;
    make_queue();
    fill();
    change("bulkhead.when_busy", "reject");
    struct swg_permit one;
    assert_int_equal(ask(&one), SWG_FULL);
    change("bulkhead.max_concurrent", "off");
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(swg_poll(&line[i]), SWG_GO);
        end(&line[i]);
    }
    end(&held[0]);
    assert_out(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_queued_until_its_turn),
        STORY(test_queued_is_no_rejection),
        STORY(test_a_place_given_up),
        STORY(test_a_place_has_no_outcome),
        STORY(test_what_is_no_place),
        STORY(test_no_longer_than_max_wait),
        STORY(test_whatever_its_priority),
        STORY(test_no_longer_than_its_deadline),
        STORY(test_a_turn_after_its_deadline),
        STORY(test_a_trip_rejects_who_waits),
        STORY(test_open_after_waiting_gives_it_back),
        STORY(test_isolating_rejects_who_waits),
        STORY(test_disabling_lets_in_who_waits),
        STORY(test_a_full_queue_rejects),
        STORY(test_a_full_queue_may_be_an_error),
        STORY(test_a_full_queue_may_be_waited_for),
        STORY(test_outside_until_everybody_left),
        STORY(test_a_raised_limit_serves_who_waits),
        STORY(test_a_longer_queue_keeps_who_waits),
        STORY(test_switched_off_under_who_waits),
    };
    return cmocka_run_group_tests_name("queued permits", tests, NULL, NULL);
}
