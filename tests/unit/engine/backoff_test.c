/* Delays between attempts: each sequence beside its formula, jitter, what the dependency asks for, and settings that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "engine/backoff.h"
#include "engine/budget.h"
#include "switchgear/switchgear.h"

#define MS(n) (INT64_C(1000000) * (n))
#define S(n)  MS(INT64_C(1000) * (n))

static struct swgi_retry_settings plain(unsigned backoff) {
    return (struct swgi_retry_settings){
        .attempts = 10,
        .backoff = (uint8_t)backoff,
        .jitter = SWGI_JITTER_NONE,
        .budget_ppm = 200000,
        .budget_per_second = 1,
        .budget_max = 10,
        .delay_ns = (uint64_t)MS(100),
        .max_delay_ns = (uint64_t)S(5),
        .retry_after_max_ns = (uint64_t)S(60),
        .multiplier = 2,
    };
}

static int64_t delay(const struct swgi_retry_settings *settings, unsigned attempt) {
    return swgi_backoff_delay(settings, attempt, 0, 0, 0, 0);
}

static void assert_sequence(const struct swgi_retry_settings *settings, const int64_t *wanted_ms,
                            unsigned count) {
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(delay(settings, i + 1), MS(wanted_ms[i]));
}

#define SEQUENCE(backoff, ...)                                                      \
    do {                                                                            \
        static const int64_t wanted_ms[] = { __VA_ARGS__ };                         \
        struct swgi_retry_settings settings = plain(backoff);                       \
        assert_sequence(&settings, wanted_ms, sizeof(wanted_ms) / sizeof(int64_t)); \
    } while (0)

static void test_each_sequence_is_its_formula(void **state) {
    (void)state;
    SEQUENCE(SWGI_BACKOFF_CONSTANT, 100, 100, 100, 100, 100, 100);
    SEQUENCE(SWGI_BACKOFF_LINEAR, 100, 200, 300, 400, 500, 600, 700);
    SEQUENCE(SWGI_BACKOFF_EXPONENTIAL, 100, 200, 400, 800, 1600, 3200, 5000, 5000);
    SEQUENCE(SWGI_BACKOFF_FIBONACCI, 100, 100, 200, 300, 500, 800, 1300, 2100, 3400, 5000, 5000);
    SEQUENCE(SWGI_BACKOFF_ADAPTIVE, 50, 100, 200, 400, 800, 1600, 3200, 5000);
}

static void test_a_multiplier_that_is_not_whole(void **state) {
    struct swgi_retry_settings settings = plain(SWGI_BACKOFF_EXPONENTIAL);
    double wanted = 100e6;

    (void)state;
    settings.multiplier = 1.5;
    for (unsigned n = 1; n <= 10; n++) {
        assert_in_range(delay(&settings, n), (uint64_t)wanted - 1, (uint64_t)wanted + 1);
        wanted *= 1.5;
    }
    settings.multiplier = 1;
    assert_int_equal(delay(&settings, 63), MS(100));
}

static void test_no_attempt_is_the_first(void **state) {
    (void)state;
    for (unsigned backoff = SWGI_BACKOFF_CONSTANT; backoff <= SWGI_BACKOFF_ADAPTIVE; backoff++) {
        struct swgi_retry_settings settings = plain(backoff);

        assert_int_equal(delay(&settings, 0), delay(&settings, 1));
    }
}

/* ---- chance */

static void test_jitter_spreads_over_all_of_it_or_half(void **state) {
    struct swgi_retry_settings settings = plain(SWGI_BACKOFF_EXPONENTIAL);

    (void)state;
    settings.jitter = SWGI_JITTER_FULL;
    assert_int_equal(swgi_backoff_delay(&settings, 3, 0, 0, 0, 0), 0);
    assert_int_equal(swgi_backoff_delay(&settings, 3, 0, 0.25, 0, 0), MS(100));
    assert_int_equal(swgi_backoff_delay(&settings, 3, 0, 0.75, 0, 0), MS(300));
    settings.jitter = SWGI_JITTER_EQUAL;
    assert_int_equal(swgi_backoff_delay(&settings, 3, 0, 0, 0, 0), MS(200));
    assert_int_equal(swgi_backoff_delay(&settings, 3, 0, 0.5, 0, 0), MS(300));
    settings.jitter = SWGI_JITTER_FULL;
    /* What is cut at the longest is spread as well: else all would come back together in the end. */
    assert_int_equal(swgi_backoff_delay(&settings, 40, 0, 0.5, 0, 0), MS(2500));
}

/* Brooker: sleep = min(cap, random_between(base, sleep * 3)). */
static void test_decorrelated_is_between_the_least_and_three_times_the_last(void **state) {
    struct swgi_retry_settings settings = plain(SWGI_BACKOFF_DECORRELATED);
    struct swgi_random random;
    unsigned low = 0, high = 0;

    (void)state;
    swgi_random_init(&random, 1);
    for (unsigned life = 0; life < 2000; life++) {
        int64_t previous = 0;

        for (unsigned n = 1; n < 20; n++) {
            double lot = swgi_random_share(&random);
            double before = previous > 0 ? (double)previous : 100e6;
            double wanted = fmin(5e9, 100e6 + lot * (3 * before - 100e6));

            previous = swgi_backoff_delay(&settings, n, previous, lot, 1, 1);
            assert_true(fabs((double)previous - wanted) <= 1);
            low += previous < MS(110);
            high += previous == S(5);
        }
    }
    assert_true(low > 100 && high > 100);
}

static void test_decorrelated_takes_no_other_jitter(void **state) {
    struct swgi_retry_settings settings = plain(SWGI_BACKOFF_DECORRELATED);

    (void)state;
    settings.jitter = SWGI_JITTER_FULL;
    assert_int_equal(swgi_backoff_delay(&settings, 1, 0, 0, 0, 0), MS(100));
    assert_int_equal(swgi_backoff_delay(&settings, 1, 0, 0.5, 0, 0), MS(200));
    assert_int_equal(swgi_backoff_delay(&settings, 2, S(4), 0.999, 0, 0), S(5));
    assert_int_equal(swgi_backoff_delay(&settings, 2, 1, 0.999, 0, 0), MS(100));
}

/* ---- adaptive */

static void test_adaptive_lengthens_with_failures_and_load(void **state) {
    struct swgi_retry_settings settings = plain(SWGI_BACKOFF_ADAPTIVE);

    (void)state;
    for (unsigned n = 1; n <= 4; n++) {
        int64_t base = MS(100) << (n - 1);

        assert_int_equal(swgi_backoff_delay(&settings, n, 0, 0, 0, 0), base / 2);
        assert_int_equal(swgi_backoff_delay(&settings, n, 0, 0, 0.5, 0), base * 5 / 4);
        assert_int_equal(swgi_backoff_delay(&settings, n, 0, 0, 0.5, 0.5), base * 15 / 8);
        assert_int_equal(swgi_backoff_delay(&settings, n, 0, 0, 1, 1), base * 4);
    }
}

static void test_adaptive_shortens_as_calls_succeed(void **state) {
    struct swgi_retry_settings settings = plain(SWGI_BACKOFF_ADAPTIVE);
    int64_t before = INT64_MAX;

    (void)state;
    for (int failed = 100; failed >= 0; failed--) {
        int64_t now = swgi_backoff_delay(&settings, 3, 0, 0, failed / 100.0, 0.2);

        assert_true(now < before);
        before = now;
    }
}

static void test_adaptive_stays_within_its_bounds(void **state) {
    static const double odd[] = { -1, -INFINITY, 0, 0.3, 1, 7, 1e300, INFINITY, NAN };
    struct swgi_retry_settings settings = plain(SWGI_BACKOFF_ADAPTIVE);

    (void)state;
    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        for (unsigned j = 0; j < sizeof(odd) / sizeof(odd[0]); j++)
            assert_in_range(swgi_backoff_delay(&settings, 2, 0, 0, odd[i], odd[j]), MS(100),
                            MS(800));
}

/* ---- extremes */

static void assert_sensible(const struct swgi_retry_settings *settings, unsigned attempt,
                            double lot) {
    static const int64_t befores[] = { INT64_MIN, -1, 0, 1, MS(1), INT64_MAX };

    for (unsigned i = 0; i < sizeof(befores) / sizeof(befores[0]); i++) {
        int64_t found = swgi_backoff_delay(settings, attempt, befores[i], lot, 1, 1);

        assert_true(found >= 0);
        assert_true((uint64_t)found <= settings->max_delay_ns);
    }
}

static void test_nothing_overflows(void **state) {
    static const uint64_t delays[] = { 0, 1, UINT64_C(1) << 40, INT64_MAX, UINT64_MAX };
    static const double multipliers[] = { 0, 1, 2, 100, 1e300, INFINITY, -5, NAN };
    static const unsigned attempts[] = { 0, 1, 2, 62, 63, 64, 1000, UINT32_MAX };
    static const double lots[] = { 0, 0.5, 0.9999999999999999, 1, 5, NAN };

    (void)state;
    for (unsigned i = 0; i < 8 * 5 * 5 * 8 * 8 * 6 * 3; i++) {
        struct swgi_retry_settings settings = plain(i % 8);
        unsigned rest = i / 8;

        settings.delay_ns = delays[rest % 5], rest /= 5;
        settings.max_delay_ns = delays[rest % 5], rest /= 5;
        settings.multiplier = multipliers[rest % 8], rest /= 8;
        unsigned attempt = attempts[rest % 8];
        rest /= 8;
        double lot = lots[rest % 6];
        settings.jitter = (uint8_t)(rest / 6);
        assert_sensible(&settings, attempt, lot);
    }
}

static void test_what_is_no_number_waits_longest(void **state) {
    struct swgi_retry_settings settings = plain(SWGI_BACKOFF_EXPONENTIAL);

    (void)state;
    settings.multiplier = (double)NAN;
    assert_int_equal(delay(&settings, 2), S(5));
}

static void test_the_last_attempt_of_all_is_cut(void **state) {
    struct swgi_retry_settings settings = plain(SWGI_BACKOFF_FIBONACCI);

    (void)state;
    settings.max_delay_ns = INT64_MAX;
    settings.delay_ns = 1;
    assert_true(delay(&settings, 63) == INT64_C(6557470319842));
    settings.delay_ns = (uint64_t)S(3600);
    assert_true(delay(&settings, 63) == INT64_C(1) << 62);
    settings.backoff = SWGI_BACKOFF_EXPONENTIAL;
    assert_true(delay(&settings, 63) == INT64_C(1) << 62);
}

/* ---- Retry-After */

static void test_what_the_dependency_asks_for_only_prolongs(void **state) {
    struct swgi_retry_settings settings = plain(SWGI_BACKOFF_CONSTANT);

    (void)state;
    assert_int_equal(swgi_backoff_heed(&settings, MS(100), 0), MS(100));
    assert_int_equal(swgi_backoff_heed(&settings, MS(100), -S(1)), MS(100));
    assert_int_equal(swgi_backoff_heed(&settings, MS(100), MS(50)), MS(100));
    assert_int_equal(swgi_backoff_heed(&settings, MS(100), MS(101)), MS(101));
    assert_int_equal(swgi_backoff_heed(&settings, MS(100), S(60)), S(60)); /* beyond max_delay */
}

static void test_who_asks_for_too_much_is_not_asked_again(void **state) {
    struct swgi_retry_settings settings = plain(SWGI_BACKOFF_CONSTANT);

    (void)state;
    assert_int_equal(swgi_backoff_heed(&settings, MS(100), S(60) + 1), SWGI_NO_RETRY);
    assert_int_equal(swgi_backoff_heed(&settings, S(90), S(60) + 1), SWGI_NO_RETRY);
    assert_int_equal(swgi_backoff_heed(&settings, SWGI_NO_RETRY, MS(1)), SWGI_NO_RETRY);
    settings.retry_after_max_ns = 0;
    assert_int_equal(swgi_backoff_heed(&settings, MS(100), 1), SWGI_NO_RETRY);
}

/* ---- settings */

static struct swg_error error;

static void assert_refused(const struct swgi_retry_settings *settings, const char *key,
                           const char *told) {
    struct swgi_retry_settings copy = *settings;

    error = (struct swg_error)SWG_ERROR_INIT;
    assert_int_equal(swgi_retry_compile(&copy, &error), -EINVAL);
    assert_string_equal(error.key, key);
    if (strstr(error.text, told) == NULL)
        fail_msg("\"%s\" does not tell \"%s\"", error.text, told);
}

static void test_contradictions_are_refused_by_name(void **state) {
    struct swgi_retry_settings settings = plain(SWGI_BACKOFF_LINEAR);

    (void)state;
    assert_int_equal(swgi_retry_compile(&settings, NULL), 0);
    settings.max_delay_ns = (uint64_t)MS(50);
    assert_refused(&settings, "retry.max_delay",
                   "50ms is shorter than retry.delay; allowed: 100ms or longer");
    settings = plain(SWGI_BACKOFF_LINEAR);
    settings.budget_ppm = settings.budget_per_second = 0;
    assert_refused(&settings, "retry.budget.percent", "allows no retry");
    settings.attempts = 1;
    assert_int_equal(swgi_retry_compile(&settings, NULL), 0);
    settings = plain(SWGI_BACKOFF_LINEAR);
    settings.budget_max = 0;
    assert_refused(&settings, "retry.budget.max", "allowed: 1..1000000");
    settings.budget_ppm = UINT32_MAX;
    assert_int_equal(swgi_retry_compile(&settings, NULL), 0);
}

#define ODD(field, value)                                                 \
    do {                                                                  \
        struct swgi_retry_settings settings = plain(SWGI_BACKOFF_LINEAR); \
        assert_true(swgi_retry_settings_check(&settings));                \
        settings.field = (value);                                         \
        assert_false(swgi_retry_settings_check(&settings));               \
        assert_int_equal(swgi_retry_compile(&settings, NULL), -EINVAL);   \
    } while (0)

static void test_nonsense_in_memory_is_noticed(void **state) {
    (void)state;
    ODD(attempts, 0);
    ODD(attempts, 64);
    ODD(backoff, 6);
    ODD(jitter, 3);
    ODD(on, 3);
    ODD(inside, 2);
    ODD(budget_ppm, 1000001);
    ODD(budget_per_second, 1000001);
    ODD(budget_max, 1000001);
    ODD(delay_ns, UINT64_MAX);
    ODD(max_delay_ns, UINT64_MAX);
    ODD(retry_after_max_ns, UINT64_MAX);
    ODD(multiplier, 0.5);
    ODD(multiplier, 1e9);
    ODD(multiplier, (double)NAN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_sequence_is_its_formula),
        cmocka_unit_test(test_a_multiplier_that_is_not_whole),
        cmocka_unit_test(test_no_attempt_is_the_first),
        cmocka_unit_test(test_jitter_spreads_over_all_of_it_or_half),
        cmocka_unit_test(test_decorrelated_is_between_the_least_and_three_times_the_last),
        cmocka_unit_test(test_decorrelated_takes_no_other_jitter),
        cmocka_unit_test(test_adaptive_lengthens_with_failures_and_load),
        cmocka_unit_test(test_adaptive_shortens_as_calls_succeed),
        cmocka_unit_test(test_adaptive_stays_within_its_bounds),
        cmocka_unit_test(test_nothing_overflows),
        cmocka_unit_test(test_what_is_no_number_waits_longest),
        cmocka_unit_test(test_the_last_attempt_of_all_is_cut),
        cmocka_unit_test(test_what_the_dependency_asks_for_only_prolongs),
        cmocka_unit_test(test_who_asks_for_too_much_is_not_asked_again),
        cmocka_unit_test(test_contradictions_are_refused_by_name),
        cmocka_unit_test(test_nonsense_in_memory_is_noticed),
    };

    return cmocka_run_group_tests_name("engine: backoff", tests, NULL, NULL);
}
