/* Numbers from text and back. */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/text.h"

#define UNTOUCHED UINT64_C(0x5a5a5a5a5a5a5a5a)

static const struct duration {
    const char *text;
    uint64_t ns;
} durations[] = {
    { "0", 0 },
    { "0s", 0 },
    { "00", 0 },
    { "0.0", 0 },
    { "50ns", 50 },
    { "100us", 100000 },
    { "250ms", 250000000 },
    { "1.5s", 1500000000 },
    { "30s", UINT64_C(30000000000) },
    { "5m", UINT64_C(300000000000) },
    { "1h", UINT64_C(3600000000000) },
    { "2d", UINT64_C(172800000000000) },
    { "0.000000001s", 1 },
    { "1.500000000000s", 1500000000 },
    { "0.25us", 250 },
    { "9223372036854775807ns", INT64_MAX },
    { "9223372036.854775807s", INT64_MAX },
    { "106751.5d", UINT64_C(9223329600000000000) },
};

static void test_durations_are_read(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        uint64_t ns = UNTOUCHED;

        assert_int_equal(swgi_duration_parse(durations[i].text, &ns), 0);
        assert_int_equal(ns, durations[i].ns);
    }
}

static void test_what_is_no_duration(void **state) {
    static const char *const junk[] = {
        "",     "s",     "30",  "1",    "-1s",  "+1s",  " 1s",  "1s ", "1 s",    "1.s",
        ".5s",  "1..5s", "1.5", "1e3s", "0x1s", "infs", "nans", "1S",  "1sec",   "1m30s",
        "1,5s", "1s\n",  "0x",  "0.",   "½s",   "1µs",  "off",  "1w",  "1.5.5s", "٣s",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
        uint64_t ns = UNTOUCHED;

        assert_int_equal(swgi_duration_parse(junk[i], &ns), -EINVAL);
        assert_int_equal(ns, UNTOUCHED);
    }
}

static void test_durations_that_do_not_fit(void **state) {
    static const char *const unfit[] = {
        "9223372036854775808ns", "18446744073709551616ns",
        "9223372036.854775808s", "106752d",
        "99999999999999999999s", "1.5ns",
        "0.0000000001s",         "0.0001us",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(unfit) / sizeof(unfit[0]); i++) {
        uint64_t ns = UNTOUCHED;

        assert_int_equal(swgi_duration_parse(unfit[i], &ns), -ERANGE);
        assert_int_equal(ns, UNTOUCHED);
    }
}

static void test_durations_are_printed_shortest(void **state) {
    static const struct duration printed[] = {
        { "0", 0 },
        { "1ns", 1 },
        { "1us", 1000 },
        { "250ms", 250000000 },
        { "1.5s", 1500000000 },
        { "30s", UINT64_C(30000000000) },
        { "1m", UINT64_C(60000000000) },
        { "90s", UINT64_C(90000000000) },
        { "250s", UINT64_C(250000000000) },
        { "1h", UINT64_C(3600000000000) },
        { "36h", UINT64_C(129600000000000) },
        { "1d", UINT64_C(86400000000000) },
        { "1.000001s", 1000001000 },
        { "9223372036.854775807s", INT64_MAX },
    };
    char text[SWGI_NUMBER_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof(printed) / sizeof(printed[0]); i++) {
        assert_int_equal(swgi_duration_print(printed[i].ns, text, sizeof(text)), 0);
        assert_string_equal(text, printed[i].text);
    }
    assert_int_equal(swgi_duration_print(30000000000, text, 4), 0);
    assert_int_equal(swgi_duration_print(30000000000, text, 3), -ERANGE);
    assert_int_equal(swgi_duration_print(0, text, 0), -ERANGE);
}

/* Any duration survives being printed; every size of number is tried. */
static void test_durations_survive_the_round_trip(void **state) {
    struct swgi_random random;

    (void)state;
    swgi_random_init(&random, 1);
    for (unsigned i = 0; i < 200000; i++) {
        static const uint64_t roundings[] = { 1, 1000, 1000000, 1000000000, 60000000000 };
        uint64_t ns = swgi_random_next(&random) >> (1 + swgi_random_below(&random, 63)), back;
        char text[SWGI_NUMBER_TEXT];

        ns -= ns % roundings[swgi_random_below(&random, 5)];
        assert_int_equal(swgi_duration_print(ns, text, sizeof(text)), 0);
        assert_int_equal(swgi_duration_parse(text, &back), 0);
        assert_int_equal(back, ns);
    }
}

static void test_integers(void **state) {
    uint64_t value = UNTOUCHED;
    char text[SWGI_NUMBER_TEXT];

    (void)state;
    assert_int_equal(swgi_integer_parse("18446744073709551615", &value), 0);
    assert_true(value == UINT64_MAX);
    assert_int_equal(swgi_integer_print(value, text, sizeof(text)), 0);
    assert_string_equal(text, "18446744073709551615");
    assert_int_equal(swgi_integer_print(0, text, 2), 0);
    assert_string_equal(text, "0");
    assert_int_equal(swgi_integer_print(10, text, 2), -ERANGE);
    value = UNTOUCHED;
    assert_int_equal(swgi_integer_parse("18446744073709551616", &value), -ERANGE);
    assert_int_equal(swgi_integer_parse("99999999999999999999999", &value), -ERANGE);
    static const char *const junk[] = { "",    "-1",   "+1",  " 1",    "1 ",
                                        "1.0", "0x10", "1e3", "1,000", "one" };
    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++)
        assert_int_equal(swgi_integer_parse(junk[i], &value), -EINVAL);
    assert_int_equal(value, UNTOUCHED);
}

static bool same(double a, double b) {
    uint64_t bits_a, bits_b;

    memcpy(&bits_a, &a, sizeof(a));
    memcpy(&bits_b, &b, sizeof(b));
    return bits_a == bits_b;
}

static void test_decimals(void **state) {
    static const struct {
        const char *text;
        double value;
    } read[] = {
        { "0", 0 },
        { "1", 1 },
        { "0.85", 0.85 },
        { "0.1", 0.1 },
        { "1.50", 1.5 },
        { "1000000", 1e6 },
        { "0.000001", 1e-6 },
        { "1000000000000", 1e12 },
        { "0.3", 0.3 },
        { "2.675", 2.675 },
        { "0.123456789012345", 0.123456789012345 },
        { "999999999999999", 999999999999999. },
    };
    char text[SWGI_NUMBER_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof(read) / sizeof(read[0]); i++) {
        double value = -1, back = -1;

        assert_int_equal(swgi_decimal_parse(read[i].text, &value), 0);
        assert_true(same(value, read[i].value));
        assert_int_equal(swgi_decimal_print(value, text, sizeof(text)), 0);
        assert_int_equal(swgi_decimal_parse(text, &back), 0);
        assert_true(same(value, back));
    }
    assert_int_equal(swgi_decimal_print(0.1, text, sizeof(text)), 0);
    assert_string_equal(text, "0.1");
    assert_int_equal(swgi_decimal_print(1e12, text, sizeof(text)), 0);
    assert_string_equal(text, "1000000000000");
}

static void test_what_is_no_decimal(void **state) {
    static const char *const junk[] = {
        "",    "-0.1", "+1", ".5", "5.",    "1e3",   "0x1p3",    "inf",  "nan",
        "NaN", "1,5",  " 1", "1 ", "1.2.3", "1_000", "infinity", "0.5%", "1d",
    };
    double value = 42;

    (void)state;
    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++)
        assert_int_equal(swgi_decimal_parse(junk[i], &value), -EINVAL);
    assert_int_equal(swgi_decimal_parse("1000000000000000", &value), -ERANGE);
    assert_int_equal(swgi_decimal_parse("0.1234567890123456", &value), -ERANGE);
    assert_true(same(value, 42));
    assert_int_equal(swgi_decimal_print(NAN, (char[8]){ 0 }, 8), -EINVAL);
    assert_int_equal(swgi_decimal_print(INFINITY, (char[8]){ 0 }, 8), -EINVAL);
    assert_int_equal(swgi_decimal_print(-1, (char[8]){ 0 }, 8), -EINVAL);
    assert_int_equal(swgi_decimal_print(1e15, (char[40]){ 0 }, 40), -EINVAL);
    assert_int_equal(swgi_decimal_print(0.25, (char[4]){ 0 }, 4), -ERANGE);
}

/* Reading agrees with the C library's correctly rounded reading, for all that we read at all. */
static void test_decimals_are_rounded_correctly(void **state) {
    struct swgi_random random;

    (void)state;
    swgi_random_init(&random, 2);
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t digits = swgi_random_below(&random, 1000000000000000);
        unsigned places = (unsigned)swgi_random_below(&random, 10);
        char text[SWGI_NUMBER_TEXT], again[SWGI_NUMBER_TEXT];
        double value, back;

        assert_int_equal(swgi_fixed_print(digits, places, text, sizeof(text)), 0);
        assert_int_equal(swgi_decimal_parse(text, &value), 0);
        assert_true(same(value, strtod(text, NULL)));
        assert_int_equal(swgi_decimal_print(value, again, sizeof(again)), 0);
        assert_int_equal(swgi_decimal_parse(again, &back), 0);
        assert_true(same(value, back));
    }
}

/* A program may have set a locale whose decimal point is a comma. */
static void test_no_locale_changes_a_number(void **state) {
    double value;

    (void)state;
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL)
        (void)setlocale(LC_ALL, "C.UTF-8");
    assert_int_equal(swgi_decimal_parse("0.5", &value), 0);
    assert_int_equal(swgi_decimal_parse("0,5", &value), -EINVAL);
    (void)setlocale(LC_ALL, "C");
}

static void test_percentages(void **state) {
    uint32_t ppm = 5;
    char text[SWGI_NUMBER_TEXT];

    (void)state;
    assert_int_equal(swgi_percent_parse("50", &ppm), 0);
    assert_int_equal(ppm, 500000);
    assert_int_equal(swgi_percent_parse("12.5%", &ppm), 0);
    assert_int_equal(ppm, 125000);
    assert_int_equal(swgi_percent_parse("0.0001", &ppm), 0);
    assert_int_equal(ppm, 1);
    assert_int_equal(swgi_percent_parse("100", &ppm), 0);
    assert_int_equal(ppm, 1000000);
    assert_int_equal(swgi_percent_parse("100.0001", &ppm), -ERANGE);
    assert_int_equal(swgi_percent_parse("0.00001", &ppm), -ERANGE);
    assert_int_equal(swgi_percent_parse("18446744073709551615", &ppm), -ERANGE);
    assert_int_equal(swgi_percent_parse("%", &ppm), -EINVAL);
    assert_int_equal(swgi_percent_parse("5%%", &ppm), -EINVAL);
    assert_int_equal(swgi_percent_parse("5 %", &ppm), -EINVAL);
    assert_int_equal(swgi_percent_parse("-5", &ppm), -EINVAL);
    assert_int_equal(ppm, 1000000);
    assert_int_equal(swgi_percent_print(125000, text, sizeof(text)), 0);
    assert_string_equal(text, "12.5");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_what_is_no_decimal),
        cmocka_unit_test(test_decimals_are_rounded_correctly),
        cmocka_unit_test(test_no_locale_changes_a_number),
        cmocka_unit_test(test_percentages),
        cmocka_unit_test(test_durations_are_read),
        cmocka_unit_test(test_what_is_no_duration),
        cmocka_unit_test(test_durations_that_do_not_fit),
        cmocka_unit_test(test_durations_are_printed_shortest),
        cmocka_unit_test(test_durations_survive_the_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
