/* Bins of the latency histogram, and the percentiles people see. */
#include "inside.h"

static void test_every_duration_lies_below_its_bin_s_bound(void **state) {
    (void)state;
    for (int64_t at = 1; at < INT64_C(1) << 41; at += 1 + at / 1000) {
        unsigned bin = swgi_histogram_bin(at);

        assert_true(at < swgi_histogram_bound(bin));
        assert_true(bin == 0 || at >= swgi_histogram_bound(bin - 1));
    }
}

static void test_bounds_are_within_a_quarter(void **state) {
    (void)state;
    for (unsigned bin = 1; bin + 1 < SWGI_HISTOGRAM_BINS; bin++)
        assert_true(swgi_histogram_bound(bin) * 4 <= swgi_histogram_bound(bin - 1) * 5);
}

static void test_no_duration_is_out_of_range(void **state) {
    (void)state;
    assert_int_equal(swgi_histogram_bin(0), 0);
    assert_int_equal(swgi_histogram_bin(-5), 0);
    assert_int_equal(swgi_histogram_bin(INT64_MAX), SWGI_HISTOGRAM_BINS - 1);
}

static void test_percentiles_are_of_all_calls(void **state) {
    struct swg_status seen;

    (void)state;
    set("breaker.trip", "none");
    make();
    for (int i = 1; i <= 1000; i++)
        call_taking(i % 10 == 0 ? SWG_FAILURE : SWG_SUCCESS, MS(i));
    seen = status();
    assert_true(seen.has_latency);
    assert_int_equal(seen.latency.count, 1000);
    assert_in_range(seen.latency.p50, MS(500), MS(625));
    assert_in_range(seen.latency.p90, MS(900), MS(1125));
    assert_in_range(seen.latency.p99, MS(990), MS(1240));
    assert_in_range(seen.latency.max, MS(1000), MS(1250));
}

static void test_ignored_and_late_calls_say_nothing_of_latency(void **state) {
    struct swg_permit late;

    (void)state;
    make();
    acquire();
    late = latest;
    call_taking(SWG_IGNORED, S(5));
    hand(swg_circuit_reset, 0, 0);
    record_permit(&late, SWG_SUCCESS, S(5));
    assert_int_equal(status().latency.count, 0);
    assert_int_equal(status().latency.p50, 0);
}

static void test_it_can_be_left_out(void **state) {
    (void)state;
    set("breaker.histogram", "no");
    make();
    call_taking(SWG_SUCCESS, MS(5));
    assert_false(status().has_latency);
    assert_int_equal(status().latency.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_duration_lies_below_its_bin_s_bound),
        cmocka_unit_test(test_bounds_are_within_a_quarter),
        cmocka_unit_test(test_no_duration_is_out_of_range),
        STORY(test_percentiles_are_of_all_calls),
        STORY(test_ignored_and_late_calls_say_nothing_of_latency),
        STORY(test_it_can_be_left_out),
    };

    return cmocka_run_group_tests_name("engine: histogram", tests, NULL, NULL);
}
