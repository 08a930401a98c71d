/* Other settings for a limiter that runs: what was counted is kept. */
#include "limiting.h"

static void test_no_limiter_lets_everything_go(void **state) {
    (void)state;
    begin(SWGI_TOKEN_BUCKET, 1, S(60));
    assert_int_equal(take_all(), 1);
    settings.rate = 0;
    install();
    assert_false(swgi_limiter_is_on(&words));
    assert_int_equal(left(), UINT32_MAX);
    assert_int_equal(take_all(), 5000);
    settings.rate = 1;
    install();
    assert_true(swgi_limiter_is_on(&words));
    assert_int_equal(take_all(), 0);
}

static void test_a_smaller_bucket_forgets_what_it_could_not_have_lent(void **state) {
    (void)state;
    begin_bucket(1, S(1), 1000);
    assert_int_equal(take_all(), 1000);
    settings.rate = 10;
    settings.burst = 5;
    install();
    assert_retry(MS(100));
    settings.burst = 50;
    install();
    assert_int_equal(take_all(), 45);
}

static void test_the_same_settings_again_change_nothing(void **state) {
    (void)state;
    for (unsigned algorithm = 0; algorithm <= SWGI_SLIDING_LOG; algorithm++) {
        begin(algorithm, 8, S(1));
        for (int i = 0; i < 3; i++)
            take();
        now += MS(1);
        uint32_t before = left();
        install();
        assert_int_equal(left(), before);
        assert_int_equal(take_all(), before);
    }
}

static void test_another_rate_keeps_what_was_counted(void **state) {
    (void)state;
    for (unsigned algorithm = SWGI_FIXED_WINDOW; algorithm <= SWGI_SLIDING_LOG; algorithm++) {
        begin(algorithm, 8, S(1));
        for (int i = 0; i < 3; i++)
            assert_int_equal(take(), 0);
        settings.rate = 200;
        install();
        assert_int_equal(take_all(), 197);
        settings.rate = 5;
        install();
        assert_int_equal(take_all(), 0);
        now += S(3);
        assert_int_equal(take_all(), 5);
    }
}

static void test_a_log_that_was_shorter_for_a_moment_forgets_nothing(void **state) {
    (void)state;
    begin(SWGI_SLIDING_LOG, 100, S(1));
    assert_int_equal(take_all(), 100);
    settings.rate = 2;
    install();
    assert_int_equal(take_all(), 0);
    settings.rate = 100;
    install();
    assert_int_equal(take_all(), 0);
    settings.rate = 300;
    install();
    assert_int_equal(take_all(), 200);
}

static void test_a_window_long_past_is_past_in_another_unit_too(void **state) {
    (void)state;
    for (unsigned algorithm = SWGI_FIXED_WINDOW; algorithm <= SWGI_SLIDING_WINDOW; algorithm++) {
        begin(algorithm, 8, S(1));
        assert_int_equal(take_all(), 8);
        now += S(10);
        settings.per_ns = (uint64_t)S(60);
        install();
        assert_int_equal(take_all(), 8);
    }
}

static void test_another_window_keeps_what_was_counted(void **state) {
    (void)state;
    for (unsigned algorithm = SWGI_FIXED_WINDOW; algorithm <= SWGI_SLIDING_LOG; algorithm++) {
        begin(algorithm, 8, S(1));
        for (int i = 0; i < 3; i++)
            assert_int_equal(take(), 0);
        settings.per_ns = (uint64_t)S(60);
        install();
        assert_int_equal(take_all(), 5);
        settings.per_ns = (uint64_t)MS(10);
        install();
        assert_int_equal(take_all(), 0);
        now += MS(20) + SWGI_LOG_UNIT_NS;
        assert_int_equal(take_all(), 8);
    }
}

static void test_another_algorithm_goes_on_from_what_was_counted(void **state) {
    (void)state;
    for (unsigned from = 0; from <= SWGI_SLIDING_LOG; from++)
        for (unsigned to = 0; to <= SWGI_SLIDING_LOG; to++) {
            begin(from, 10, S(1));
            for (int i = 0; i < 4; i++)
                take();
            uint32_t used = from == SWGI_LEAKY_BUCKET ? 1 : 4;
            uint32_t wanted = to == SWGI_LEAKY_BUCKET ? 0 : 10 - used;
            if (from == SWGI_LEAKY_BUCKET && to == SWGI_TOKEN_BUCKET)
                wanted = 9;
            settings.algorithm = (uint8_t)to;
            settings.burst_follows = 1;
            install();
            assert_int_equal(take_all(), wanted);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_limiter_lets_everything_go),
        cmocka_unit_test(test_a_smaller_bucket_forgets_what_it_could_not_have_lent),
        cmocka_unit_test(test_the_same_settings_again_change_nothing),
        cmocka_unit_test(test_another_rate_keeps_what_was_counted),
        cmocka_unit_test(test_a_log_that_was_shorter_for_a_moment_forgets_nothing),
        cmocka_unit_test(test_a_window_long_past_is_past_in_another_unit_too),
        cmocka_unit_test(test_another_window_keeps_what_was_counted),
        cmocka_unit_test(test_another_algorithm_goes_on_from_what_was_counted),
    };

    return cmocka_run_group_tests_name("engine: limiter_install", tests, NULL, NULL);
}
