/* What is refused, what follows other settings, and the check of bytes that anybody wrote. */
#include "limiting.h"

static void assert_refused(const char *key, const char *text) {
    struct swg_error error = SWG_ERROR_INIT;
    assert_int_equal(swgi_limiter_compile(&settings, &error), -EINVAL);
    assert_string_equal(error.key, key);
    assert_string_equal(error.text, text);
    assert_false(swgi_limiter_settings_check(&settings));
    settings = plain(SWGI_TOKEN_BUCKET, 10, S(1));
}

static void test_contradictions_are_refused_by_name_and_range(void **state) {
    (void)state;
    settings = plain(SWGI_TOKEN_BUCKET, 10, S(1));
    settings.algorithm = 9;
    assert_refused("limiter.algorithm", "9 is none; allowed: token_bucket, leaky_bucket,"
                                        " fixed_window, sliding_window, sliding_log");
    settings.per_ns = 999999;
    assert_refused("limiter.per", "999999ns; allowed: 1ms..1d");
    settings.per_ns = (uint64_t)S(86400) + 1;
    assert_refused("limiter.per", "86400.000000001s; allowed: 1ms..1d");
    settings.rate = 1000001;
    assert_refused("limiter.rate",
                   "1000001 in 1s is more than a token_bucket can count; allowed: 1..1000000");
    settings.rate = 10001;
    settings.per_ns = 1000000;
    assert_refused("limiter.rate",
                   "10001 in 1ms is more than a token_bucket can count; allowed: 1..10000");
    settings.algorithm = SWGI_SLIDING_LOG;
    settings.rate = 4097;
    assert_refused("limiter.rate",
                   "4097 in 1s is more than a sliding_log can count; allowed: 1..4096");
    settings.burst_follows = 0;
    assert_refused("limiter.burst", "0; allowed at that rate: 1..1000000");
    settings.burst_follows = 0;
    settings.burst = 31;
    settings.rate = 1;
    settings.per_ns = (uint64_t)S(86400);
    assert_refused("limiter.burst", "31; allowed at that rate: 1..30");
    settings.burst_follows = 0;
    settings.burst = 5;
    settings.algorithm = SWGI_FIXED_WINDOW;
    assert_refused("limiter.burst",
                   "5 goes with limiter.algorithm token_bucket alone, not with fixed_window");
    settings.rate_min = 11;
    assert_refused("limiter.rate_min", "11 is more than limiter.rate; allowed: 1..10");
    settings.when_limited = SWGI_BUSY_WAIT;
    assert_refused("limiter.max_wait",
                   "0; limiter.when_limited wait needs to know how long; allowed: 1ns..1d");
    settings.when_limited = 2;
    assert_refused("limiter.when_limited", "2 is none; allowed: reject, wait");
    settings.max_wait_ns = (uint64_t)S(86401);
    assert_refused("limiter.max_wait", "86401s; allowed: 0..1d");
    settings.adaptive = 1;
    settings.increase = 0;
    assert_refused("limiter.increase", "0; allowed: 0.0001..1");
    settings.adaptive = 1;
    settings.decrease = NAN;
    assert_refused("limiter.decrease", "no number; allowed: 0.01..0.99");
    settings.resource_aware = 1;
    settings.system_load_above = 0;
    assert_refused("limiter.system_load_above", "0; allowed: 0.01..1000");
    assert_int_equal(swgi_limiter_compile(&settings, NULL), 0);
}

static void test_what_follows_is_taken_anew_by_each_compilation(void **state) {
    (void)state;
    settings = plain(SWGI_TOKEN_BUCKET, 10, S(1));
    compile();
    assert_int_equal(settings.burst, 10);
    settings.rate = 20;
    compile();
    assert_int_equal(settings.burst, 20);
    settings.algorithm = SWGI_SLIDING_LOG;
    compile();
    assert_int_equal(settings.burst, 1);
    words.log = 0;
    assert_int_equal(swgi_limiter_slots(&words, SLOTS, &settings), 32);
    settings.rate = 4096;
    assert_int_equal(swgi_limiter_slots(&words, SLOTS, &settings), 4096);
    words.log = swgi_run(1, 4096);
    assert_int_equal(swgi_limiter_slots(&words, SLOTS, &settings), 0);
    words.log = 0;
    settings.rate = 0;
    compile();
    assert_int_equal(swgi_limiter_slots(&words, SLOTS, &settings), 0);
}

/* What the check lets pass can be acted upon, whatever else it holds. */
static void test_the_check_stands_between_any_bytes_and_the_limiter(void **state) {
    struct swgi_random random;
    unsigned passed = 0;
    (void)state;
    swgi_random_init(&random, 3);
    begin(SWGI_TOKEN_BUCKET, 10, S(1));
    for (int i = 0; i < 300000; i++) {
        settings = plain((unsigned)swgi_random_below(&random, 5), 10, S(1));
        settings.burst = (uint32_t)swgi_random_below(&random, 3);
        settings.rate_min = 1;
        unsigned char *bytes = (unsigned char *)&settings;
        for (unsigned n = 1 + (unsigned)swgi_random_below(&random, 4); n > 0; n--)
            bytes[swgi_random_below(&random, sizeof(settings))] =
                (unsigned char)swgi_random_next(&random);
        if (!swgi_limiter_settings_check(&settings))
            continue;
        passed++;
        install_unchecked();
        ask(S(1));
        swgi_limiter_adapt(&words, &settings, 1, 1, now += S(20));
        swgi_limiter_load(&words, &settings, 2);
        look();
    }
    assert_true(passed > 10000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contradictions_are_refused_by_name_and_range),
        cmocka_unit_test(test_what_follows_is_taken_anew_by_each_compilation),
        cmocka_unit_test(test_the_check_stands_between_any_bytes_and_the_limiter),
    };

    return cmocka_run_group_tests_name("engine: limiter_settings", tests, NULL, NULL);
}
