/* What a person who knows a preset, or the library it is named after, expects to happen. */
#include "story.h"

static void begin_with(const char *name) {
    preset(name);
    make();
}

static void open_within(swg_ns least, const char *rule) {
    swg_ns left = status().open_until - now();

    assert_open_by(rule);
    assert_in_range(left, least, least + ROUNDING);
}

static void wait_and_call(swg_ns wait, int outcome) {
    assert_rejected();
    advance(wait + ROUNDING);
    call(outcome);
}

/* So many failures in a row, open times that double up to the longest, so many successes. */
static void in_a_row(unsigned failures, const int *open_seconds, unsigned successes) {
    calls(failures - 1, SWG_FAILURE);
    call(SWG_SUCCESS);
    calls(failures - 1, SWG_TIMEOUT);
    assert_state(CLOSED);
    call(SWG_FAILURE);
    open_within(S(open_seconds[0]), "consecutive");
    for (unsigned i = 1; open_seconds[i] != 0; i++) {
        wait_and_call(S(open_seconds[i - 1]), SWG_FAILURE);
        open_within(S(open_seconds[i]), "probe");
    }
    hand(swg_circuit_probe, 0, 1);
    calls(successes - 1, SWG_SUCCESS);
    assert_state(HALF_OPEN);
    call(SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_default(void **state) {
    (void)state;
    begin_with("default");
    in_a_row(5, (const int[]){ 30, 30, 0 }, 2);
}

static void test_read(void **state) {
    (void)state;
    begin_with("read");
    in_a_row(3, (const int[]){ 3, 6, 12, 15, 15, 0 }, 2);
}

static void test_write(void **state) {
    (void)state;
    begin_with("write");
    in_a_row(5, (const int[]){ 10, 20, 40, 60, 60, 0 }, 3);
}

static void test_auth(void **state) {
    (void)state;
    begin_with("auth");
    in_a_row(10, (const int[]){ 5, 10, 20, 30, 30, 0 }, 2);
}

static void test_queue(void **state) {
    (void)state;
    begin_with("queue");
    in_a_row(3, (const int[]){ 15, 15, 0 }, 2);
}

static void test_read_shows_a_rate_that_judges_nothing(void **state) {
    (void)state;
    begin_with("read");
    for (int i = 0; i < 50; i++) {
        calls(2, SWG_FAILURE);
        call(SWG_SUCCESS);
    }
    assert_state(CLOSED);
    assert_true(status().failure_rate > 0.66 && status().failure_rate < 0.67);
}

static void trip_api(void) {
    calls(9, SWG_FAILURE);
    call(SWG_TIMEOUT);
    assert_state(CLOSED);
    calls(500, SWG_SUCCESS);
    call(SWG_TIMEOUT);
    assert_open_by("time_1");
}

static void test_api_is_reset_by_hand(void **state) {
    (void)state;
    begin_with("api");
    trip_api();
    assert_int_equal(status().open_until, SWG_NS_MAX);
    assert_int_equal(hand(swg_circuit_probe, 0, 0), -EAGAIN);
    assert_int_equal(hand(swg_circuit_reset, 0, 0), -EAGAIN);
    advance(S(60));
    assert_rejected();
    assert_int_equal(hand(swg_circuit_probe, 0, 0), 0);
    call(SWG_FAILURE);
    advance(S(60));
    assert_int_equal(hand(swg_circuit_reset, 0, 0), 0);
    call(SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_api_retry_recovers_by_itself(void **state) {
    (void)state;
    begin_with("api-retry");
    trip_api();
    open_within(S(60), "time_1");
    wait_and_call(S(60), SWG_SUCCESS);
    call(SWG_SUCCESS);
    assert_state(CLOSED);
}

/* All attempts of a call are one call and one outcome: only the last is recorded. */
static void fail_after(unsigned attempts) {
    uint64_t before = status().calls;
    int rc = acquire();

    assert_int_equal(rc, SWG_GO);
    for (unsigned i = 1; i < attempts; i++) {
        assert_int_equal(swg_record_at(&latest, SWG_FAILURE, NULL, now(), 0), SWG_RETRY);
        assert_true(swg_retry_in(&latest) >= 0 && swg_retry_in(&latest) <= MS(100) << i);
        assert_int_equal(swg_acquire_again(&latest), SWG_GO);
    }
    record_permit(&latest, SWG_FAILURE, 0);
    assert_int_equal(latest.opaque[0], 0);
    assert_int_equal(status().calls, before + 1);
}

static void test_alternator(void **state) {
    (void)state;
    begin_with("alternator");
    calls(5, SWG_SUCCESS);
    for (unsigned i = 0; i < 5; i++)
        fail_after(3);
    assert_state(CLOSED);
    assert_int_equal(status().failures, 5);
    fail_after(3);
    open_within(S(30), "time_1");
    wait_and_call(S(30), SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_alternator_s_twenty_at_once(void **state) {
    struct swg_permit permits[20];

    (void)state;
    begin_with("alternator");
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(acquire(), SWG_GO);
        assert_int_equal(swg_deadline(&latest), now() + S(10));
        permits[i] = latest;
    }
    assert_int_equal(acquire(), SWG_FULL);
    /* Between two attempts it keeps its permit. */
    assert_int_equal(swg_record_at(&permits[0], SWG_FAILURE, NULL, now(), 0), SWG_RETRY);
    assert_int_equal(acquire(), SWG_FULL);
    record_permit(&permits[1], SWG_SUCCESS, 0);
    assert_int_equal(acquire(), SWG_GO);
    record_permit(&latest, SWG_SUCCESS, 0);
    swg_cancel(&permits[0]);
    for (unsigned i = 2; i < 20; i++)
        record_permit(&permits[i], SWG_SUCCESS, 0);
    assert_int_equal(status().permits_held, 0);
    assert_int_equal(status().failures, 0);
}

static void test_resilience4j(void **state) {
    struct swg_permit probes[10];

    (void)state;
    begin_with("resilience4j");
    calls(50, SWG_FAILURE);
    calls(49, SWG_SUCCESS);
    assert_state(CLOSED);
    call(SWG_SUCCESS);
    open_within(S(60), "count_failure_rate");
    advance(S(60) + ROUNDING);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(acquire(), SWG_GO);
        probes[i] = latest;
    }
    assert_rejected();
    for (int i = 0; i < 10; i++) {
        assert_state(HALF_OPEN);
        record_permit(&probes[i], i < 4 ? SWG_FAILURE : SWG_SUCCESS, 0);
    }
    assert_state(CLOSED);
}

static void test_resilience4j_s_slow_calls(void **state) {
    (void)state;
    begin_with("resilience4j");
    for (int i = 0; i < 100; i++) {
        assert_state(CLOSED);
        call_taking(SWG_SUCCESS, S(60) + 1);
    }
    open_within(S(60), "count_slow_rate");
}

static void test_polly(void **state) {
    (void)state;
    begin_with("polly");
    calls(10, SWG_FAILURE);
    calls(90, SWG_IGNORED); /* handled by nobody: a success, and a success does not trip */
    assert_state(CLOSED);
    calls(5, SWG_SUCCESS);
    call(SWG_FAILURE);
    open_within(S(5), "time_1");
    wait_and_call(S(5), SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_opossum(void **state) {
    (void)state;
    begin_with("opossum");
    call(SWG_SUCCESS);
    call(SWG_FAILURE);
    assert_state(CLOSED);
    call(SWG_FAILURE);
    open_within(S(30), "time_1");
    wait_and_call(S(30), SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_opossum_s_statistics_run_on(void **state) {
    (void)state;
    preset("opossum");
    set("breaker.open.for", "1s");
    make();
    calls(3, SWG_SUCCESS);
    calls(4, SWG_FAILURE);
    wait_and_call(S(1), SWG_SUCCESS);
    assert_state(CLOSED);
    assert_int_equal(status().window_calls, 8);
    call(SWG_FAILURE);
    assert_open_by("time_1");
}

static void test_gobreaker(void **state) {
    (void)state;
    begin_with("gobreaker");
    calls(5, SWG_FAILURE);
    assert_state(CLOSED);
    call(SWG_FAILURE);
    open_within(S(60), "consecutive");
    wait_and_call(S(60), SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_hystrix(void **state) {
    (void)state;
    begin_with("hystrix");
    calls(10, SWG_FAILURE);
    calls(9, SWG_SUCCESS);
    calls(20, SWG_IGNORED);
    assert_state(CLOSED);
    call(SWG_SUCCESS);
    open_within(S(5), "time_1");
    wait_and_call(S(5), SWG_FAILURE);
    open_within(S(5), "probe");
    wait_and_call(S(5), SWG_SUCCESS);
    assert_state(CLOSED);
}

/* One call too many is an error of the circuit, until it is open: nine good ones and eleven too many are twenty calls. */
static void test_hystrix_s_semaphore(void **state) {
    struct swg_permit permits[10];

    (void)state;
    begin_with("hystrix");
    calls(9, SWG_SUCCESS);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(acquire(), SWG_GO);
        assert_int_equal(swg_deadline(&latest), now() + S(1));
        permits[i] = latest;
    }
    for (unsigned i = 0; i < 11; i++) {
        assert_state(CLOSED);
        assert_int_equal(acquire(), SWG_FULL);
    }
    open_within(S(5), "time_1");
    for (unsigned i = 0; i < 5; i++)
        assert_rejected();
    assert_int_equal(status().rejected_full, 11);
    assert_int_equal(status().failures, 11);
    for (unsigned i = 0; i < 10; i++)
        swg_cancel(&permits[i]);
    assert_int_equal(status().permits_held, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_default),
        STORY(test_read),
        STORY(test_write),
        STORY(test_auth),
        STORY(test_queue),
        STORY(test_read_shows_a_rate_that_judges_nothing),
        STORY(test_api_is_reset_by_hand),
        STORY(test_api_retry_recovers_by_itself),
        STORY(test_alternator),
        STORY(test_alternator_s_twenty_at_once),
        STORY(test_resilience4j),
        STORY(test_resilience4j_s_slow_calls),
        STORY(test_polly),
        STORY(test_opossum),
        STORY(test_opossum_s_statistics_run_on),
        STORY(test_gobreaker),
        STORY(test_hystrix),
        STORY(test_hystrix_s_semaphore),
    };

    return cmocka_run_group_tests_name("scenarios: presets", tests, NULL, NULL);
}
