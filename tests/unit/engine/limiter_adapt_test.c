/* Rates that follow outcomes and the load of the system. */
#include "limiting.h"

static void begin_adaptive(unsigned algorithm) {
    begin(algorithm, 100, S(1));
    settings.adaptive = 1;
    settings.rate_min = 10;
    install();
    assert_true(swgi_limiter_adapt_due(&words, now));
    assert_true(swgi_limiter_adapt(&words, &settings, 1000, 900, now));
    assert_int_equal(look().rate, 100);
}

static uint64_t calls_sum, bad_sum;

static void period(unsigned calls, unsigned bad) {
    now += S(1);
    calls_sum += calls;
    bad_sum += bad;
    assert_true(swgi_limiter_adapt(&words, &settings, calls_sum, bad_sum, now));
}

static void test_the_rate_falls_by_its_factor_and_rises_step_by_step(void **state) {
    static const unsigned falling[] = { 50, 25, 12, 10, 10 };
    (void)state;
    for (unsigned algorithm = 0; algorithm <= SWGI_SLIDING_LOG; algorithm++) {
        begin_adaptive(algorithm);
        calls_sum = 1000;
        bad_sum = 900;
        for (unsigned i = 0; i < 5; i++) {
            period(100, 6);
            assert_int_equal(look().rate, falling[i]);
        }
        for (unsigned rate = 20; rate <= 120; rate += 10) {
            period(100, 5);
            assert_true(look().rate <= (rate < 100 ? rate : 100));
            assert_true(look().rate + 1 >= (rate < 100 ? rate : 100));
        }
        assert_true(look().share == 1);
    }
}

static void test_a_period_without_outcomes_says_nothing(void **state) {
    (void)state;
    begin_adaptive(SWGI_TOKEN_BUCKET);
    calls_sum = 1000;
    bad_sum = 900;
    period(10, 10);
    assert_int_equal(look().rate, 50);
    period(0, 0);
    assert_int_equal(look().rate, 50);
}

static void test_a_period_is_judged_once(void **state) {
    (void)state;
    begin_adaptive(SWGI_TOKEN_BUCKET);
    now += S(1) - 1;
    assert_false(swgi_limiter_adapt_due(&words, now));
    assert_false(swgi_limiter_adapt(&words, &settings, 2000, 2000, now));
    now += 1;
    assert_true(swgi_limiter_adapt_due(&words, now));
    assert_true(swgi_limiter_adapt(&words, &settings, 2000, 2000, now));
    assert_false(swgi_limiter_adapt(&words, &settings, 3000, 3000, now));
    assert_int_equal(look().rate, 50);
    words.judged = (uint64_t)(now + S(1000));
    assert_true(swgi_limiter_adapt_due(&words, now));
}

static void test_what_goes_follows_the_rate(void **state) {
    (void)state;
    for (unsigned algorithm = 0; algorithm <= SWGI_SLIDING_LOG; algorithm++) {
        begin_adaptive(algorithm);
        calls_sum = bad_sum = 1000;
        period(1000, 1000);
        assert_int_equal(look().rate, 50);
        now += S(100);
        take_all();
        uint64_t gone = 0;
        for (int i = 0; i < 10000; i++, now += MS(1))
            gone += take() == 0;
        assert_in_range(gone, 440, 501);
    }
}

/* A bucket keeps the time its burst is worth, so that fewer calls make it up. */
static void test_a_burst_shrinks_with_the_rate(void **state) {
    (void)state;
    begin_adaptive(SWGI_TOKEN_BUCKET);
    calls_sum = bad_sum = 1000;
    period(10, 10);
    now += S(10);
    assert_int_equal(take_all(), 50);
    assert_retry(MS(10));
}

static void test_the_load_of_the_system_shrinks_the_rate(void **state) {
    (void)state;
    begin(SWGI_FIXED_WINDOW, 100, S(1));
    swgi_limiter_load(&words, &settings, 8);
    assert_int_equal(look().rate, 100);
    settings.resource_aware = settings.adaptive = 1;
    settings.rate_min = 10;
    install();
    swgi_limiter_load(&words, &settings, 0.8);
    assert_int_equal(look().rate, 100);
    swgi_limiter_load(&words, &settings, 1.6);
    assert_int_equal(look().rate, 50);
    assert_true(swgi_limiter_adapt(&words, &settings, 0, 0, now));
    calls_sum = bad_sum = 0;
    period(10, 10);
    assert_int_equal(look().rate, 25);
    swgi_limiter_load(&words, &settings, 1e9);
    assert_int_equal(look().rate, 10);
    swgi_limiter_load(&words, &settings, NAN);
    assert_int_equal(look().rate, 50);
}

static void test_adapting_goes_on_under_other_settings_and_ends_when_switched_off(void **state) {
    (void)state;
    begin_adaptive(SWGI_SLIDING_WINDOW);
    calls_sum = bad_sum = 1000;
    period(10, 10);
    settings.rate = 1000;
    install();
    assert_int_equal(look().rate, 500);
    settings.adaptive = 0;
    install();
    assert_int_equal(look().rate, 1000);
    assert_false(swgi_limiter_adapt(&words, &settings, 9999, 9999, now + S(9)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rate_falls_by_its_factor_and_rises_step_by_step),
        cmocka_unit_test(test_a_period_without_outcomes_says_nothing),
        cmocka_unit_test(test_a_period_is_judged_once),
        cmocka_unit_test(test_what_goes_follows_the_rate),
        cmocka_unit_test(test_a_burst_shrinks_with_the_rate),
        cmocka_unit_test(test_the_load_of_the_system_shrinks_the_rate),
        cmocka_unit_test(test_adapting_goes_on_under_other_settings_and_ends_when_switched_off),
    };

    return cmocka_run_group_tests_name("engine: limiter_adapt", tests, NULL, NULL);
}
