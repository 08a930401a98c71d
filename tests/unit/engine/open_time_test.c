/* How long it stays open: backoff, its bounds, chance, and what the dependency asks for. */
#include "inside.h"

#include <math.h>

static struct swgi_settings plain(void) {
    struct swgi_settings settings;

    swgi_settings_default(&settings);
    settings.open_for_ns = (uint64_t)S(10);
    settings.open_max_ns = (uint64_t)S(60);
    settings.open_multiplier = 2;
    settings.open_jitter = 0;
    settings.retry_after_max_ns = (uint64_t)S(100);
    return settings;
}

static void test_each_trip_in_a_row_is_longer_up_to_the_longest(void **state) {
    static const int64_t seconds[] = { 10, 20, 40, 60, 60, 60 };
    struct swgi_settings settings = plain();

    (void)state;
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(swgi_open_time(&settings, i + 1, 0, 0), S(seconds[i]));
    assert_int_equal(swgi_open_time(&settings, UINT32_MAX, 0, 0), S(60));
    settings.open_multiplier = 1;
    assert_int_equal(swgi_open_time(&settings, 50, 0, 0), S(10));
}

static void test_chance_only_lengthens_and_by_its_share_at_most(void **state) {
    struct swgi_settings settings = plain();

    (void)state;
    settings.open_jitter = 0.1;
    assert_int_equal(swgi_open_time(&settings, 1, 0, 0), S(10));
    assert_int_equal(swgi_open_time(&settings, 1, 0, 0.5), MS(10500));
    assert_int_equal(swgi_open_time(&settings, 9, 0, 0.999999), MS(66000) - 6000);
}

static void test_the_dependency_may_name_the_time(void **state) {
    struct swgi_settings settings = plain();

    (void)state;
    assert_int_equal(swgi_open_time(&settings, 1, S(3), 0), S(3));
    assert_int_equal(swgi_open_time(&settings, 5, S(90), 0), S(90));
    assert_int_equal(swgi_open_time(&settings, 1, S(1000), 0), S(100));
    assert_int_equal(swgi_open_time(&settings, 1, INT64_MAX, 0), S(100));
}

static void test_nonsense_in_memory_gives_a_duration(void **state) {
    struct swgi_settings settings = plain();

    (void)state;
    settings.open_multiplier = 1e300;
    settings.open_max_ns = UINT64_MAX;
    settings.open_jitter = 1e300;
    assert_in_range(swgi_open_time(&settings, 1000, 0, 0.9), 0, INT64_C(1) << 57);
    settings.open_jitter = (double)NAN;
    assert_in_range(swgi_open_time(&settings, 1, 0, 0.9), 0, INT64_C(1) << 57);
}

/* ---- in a circuit */

static void assert_open_for(swg_ns wanted) {
    swg_ns left = status().open_until - now();

    assert_state(OPEN);
    assert_true(left >= wanted && left < wanted + ROUNDING);
}

static void fail_probe(swg_ns after) {
    advance(after + ROUNDING);
    call(SWG_FAILURE);
}

static void test_a_circuit_backs_off_and_forgets(void **state) {
    (void)state;
    set("breaker.open.for", "10s");
    set("breaker.open.multiplier", "2");
    set("breaker.open.max", "60s");
    make();
    calls(5, SWG_FAILURE);
    assert_open_for(S(10));
    fail_probe(S(10));
    assert_open_for(S(20));
    fail_probe(S(20));
    assert_open_for(S(40));
    fail_probe(S(40));
    assert_open_for(S(60));
    advance(S(61));
    calls(2, SWG_SUCCESS);
    calls(5, SWG_FAILURE);
    assert_open_for(S(60)); /* it was closed for too short a time */
    assert_int_equal(status().trips_in_a_row, 5);
    advance(S(61));
    calls(2, SWG_SUCCESS);
    advance(S(100));
    calls(5, SWG_FAILURE);
    assert_open_for(S(10));
    assert_int_equal(status().trips_in_a_row, 1);
}

static void test_jitter_spreads_deadlines_within_its_bounds(void **state) {
    swg_ns least = INT64_MAX, most = 0;

    (void)state;
    set("breaker.open.jitter", "0.5");
    make();
    for (int i = 0; i < 200; i++) {
        calls(5, SWG_FAILURE);
        swg_ns left = status().open_until - now();

        assert_true(left >= S(30) && left <= S(45) + ROUNDING);
        least = left < least ? left : least;
        most = left > most ? left : most;
        assert_int_equal(hand(swg_circuit_reset, 0, 1), 0);
    }
    assert_true(least < S(33) && most > S(42));
}

static void fail_asking(swg_ns retry_after) {
    struct swg_failure failure = SWG_FAILURE_INIT;

    failure.retry_after = retry_after;
    assert_int_equal(acquire(), SWG_GO);
    assert_int_equal(swg_record_at(&latest, SWG_FAILURE, &failure, now(), 0), 0);
}

static void test_retry_after_of_the_call_that_trips(void **state) {
    (void)state;
    set("breaker.open.retry_after_max", "5m");
    make();
    fail_asking(S(7));
    calls(4, SWG_FAILURE);
    assert_open_for(S(30)); /* said by another call */
    assert_int_equal(hand(swg_circuit_reset, 0, 1), 0);
    calls(4, SWG_FAILURE);
    fail_asking(S(7));
    assert_open_for(S(7));
    advance(S(8));
    fail_asking(S(3600));
    assert_open_for(S(300));
}

static void test_callers_are_told_how_long(void **state) {
    (void)state;
    make();
    calls(5, SWG_FAILURE);
    advance(S(10));
    assert_rejected();
    assert_int_equal(swg_retry_in(&latest), status().open_until - now());
}

static struct swg_permit late[3];

static void trip_with_calls_on_their_way(void) {
    make();
    for (unsigned i = 0; i < 3; i++) {
        acquire();
        late[i] = latest;
    }
    calls(5, SWG_FAILURE);
}

static void test_late_failures_push_the_deadline_where_that_is_wanted(void **state) {
    (void)state;
    set("breaker.open.from", "last_failure");
    trip_with_calls_on_their_way();
    advance(S(20));
    record_permit(&late[0], SWG_SUCCESS, 0);
    assert_open_for(S(10));
    record_permit(&late[1], SWG_TIMEOUT, 0);
    assert_open_for(S(30));
    assert_int_equal(status().trips, 1);
    assert_int_equal(status().late, 2);
}

static void test_and_nowhere_else(void **state) {
    (void)state;
    trip_with_calls_on_their_way();
    swg_ns until = status().open_until;

    advance(S(20));
    record_permit(&late[0], SWG_FAILURE, 0);
    assert_int_equal(status().open_until, until);
}

static void test_late_failures_never_push_a_hand_s_trip(void **state) {
    (void)state;
    set("breaker.open.from", "last_failure");
    trip_with_calls_on_their_way();
    assert_int_equal(hand(swg_circuit_trip, S(5), 0), 0);
    swg_ns until = status().open_until;

    advance(S(4));
    record_permit(&late[0], SWG_FAILURE, 0);
    assert_int_equal(status().open_until, until);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_trip_in_a_row_is_longer_up_to_the_longest),
        cmocka_unit_test(test_chance_only_lengthens_and_by_its_share_at_most),
        cmocka_unit_test(test_the_dependency_may_name_the_time),
        cmocka_unit_test(test_nonsense_in_memory_gives_a_duration),
        STORY(test_a_circuit_backs_off_and_forgets),
        STORY(test_jitter_spreads_deadlines_within_its_bounds),
        STORY(test_retry_after_of_the_call_that_trips),
        STORY(test_callers_are_told_how_long),
        STORY(test_late_failures_push_the_deadline_where_that_is_wanted),
        STORY(test_and_nowhere_else),
        STORY(test_late_failures_never_push_a_hand_s_trip),
    };

    return cmocka_run_group_tests_name("engine: open time", tests, NULL, NULL);
}
