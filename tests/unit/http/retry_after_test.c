/* Retry-After in all its forms, and much that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What it tests is hidden in the library. */
#include "../../../adapters/http/retry_after.c" /* NOLINT(bugprone-suspicious-include) */

#define WALL ((time_t)784111777) /* Sun, 06 Nov 1994 08:49:37 GMT, the day of RFC 9110 5.6.7 */
#define MOST (600 * NS_PER_S)

static int64_t seconds(const char *value, const char *date) {
    swg_ns ns = swgi_http_retry_after(value, date, WALL, MOST);

    return ns < 0 ? -1 : ns / NS_PER_S;
}

static void seconds_are_read(void **state) {
    (void)state;
    assert_int_equal(seconds("0", NULL), 0);
    assert_int_equal(seconds("7", NULL), 7);
    assert_int_equal(seconds("  120 \t", NULL), 120);
    assert_int_equal(seconds("007", NULL), 7);
}

static void seconds_are_bounded(void **state) {
    (void)state;
    assert_int_equal(seconds("600", NULL), 600);
    assert_int_equal(seconds("601", NULL), 600);
    assert_int_equal(seconds("20300101", NULL), 600);
    assert_int_equal(seconds("99999999999999999999999999999999999999999", NULL), 600);
}

static void dates_are_read_in_all_three_forms(void **state) {
    (void)state;
    assert_int_equal(seconds("Sun, 06 Nov 1994 08:49:47 GMT", NULL), 10);
    assert_int_equal(seconds("Sunday, 06-Nov-94 08:49:47 GMT", NULL), 10);
    assert_int_equal(seconds("Sun Nov  6 08:49:47 1994", NULL), 10);
}

static void dates_are_measured_from_the_answers_own(void **state) {
    (void)state;
    assert_int_equal(seconds("Mon, 05 Jan 2015 10:00:30 GMT", "Mon, 05 Jan 2015 10:00:00 GMT"), 30);
    assert_int_equal(seconds("Sun, 06 Nov 1994 08:49:47 GMT", "yesterday"), 10);
}

static void dates_are_bounded(void **state) {
    (void)state;
    assert_int_equal(seconds("Sun, 06 Nov 1994 08:49:37 GMT", NULL), 0);
    assert_int_equal(seconds("Sun, 06 Nov 1988 08:49:37 GMT", NULL), 0);
    assert_int_equal(seconds("Fri, 31 Dec 9999 23:59:59 GMT", NULL), 600);
}

static void junk_is_no_wait(void **state) {
    static const char *const junk[] = {
        "",
        " ",
        "-5",
        "+5",
        "5.5",
        "5s",
        "2 hours",
        "0x10",
        "soon",
        "tomorrow 10:00",
        "Sun",
        "Sun,",
        "Sunny",
        "GMT",
        "n M",
        "10:30",
        "1e3",
        "5, 6",
        "Sun, 99 Nov 1994 99:99:99 GMT",
        "Sun, 06 Nov",
        "\xff\xfe",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(junk) / sizeof(*junk); i++)
        if (seconds(junk[i], NULL) != -1)
            fail_msg("\"%s\" was read as %d s", junk[i], (int)seconds(junk[i], NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seconds_are_read),
        cmocka_unit_test(seconds_are_bounded),
        cmocka_unit_test(dates_are_read_in_all_three_forms),
        cmocka_unit_test(dates_are_measured_from_the_answers_own),
        cmocka_unit_test(dates_are_bounded),
        cmocka_unit_test(junk_is_no_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
