/* The columns of `top`: any width, and what stands in each cell. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/top_layout.h"

#define SECOND INT64_C(1000000000)

static struct swgi_screen screen;
static struct swgi_top_row row;
static struct swgi_top_look seen = { .screen = &screen, .now = 1000 * SECOND };

static int begin(void **state) {
    (void)state;
    screen = (struct swgi_screen){ .width = 80 };
    row = (struct swgi_top_row){ .status = SWG_STATUS_INIT, .calls_per_s = -1, .failing = -1 };
    strcpy(row.status.name, "payments");
    seen.trend = SWGI_TREND_CALLS;
    return 0;
}

/* false: this machine knows no UTF-8. */
static bool with_utf8(void) {
    screen.utf8 = setlocale(LC_CTYPE, "C.UTF-8") != NULL;
    return screen.utf8;
}

static const char *cell(int column, int width) {
    static char out[SWGI_TOP_CELL_MAX];

    swgi_top_cell(&seen, &row, column, width, out);
    assert_true(swgi_screen_columns(&screen, out) <= width);
    return out;
}

/* The headings of a width. */
static const char *headings(int width, bool has_permits, int longest) {
    static char out[512];
    struct swgi_top_layout layout;
    int used = 0;

    swgi_top_layout(width, has_permits, longest, &layout);
    out[0] = '\0';
    for (unsigned i = 0; i < layout.count; i++)
        used += snprintf(out + used, sizeof(out) - (size_t)used, "%s:%d ",
                         swgi_top_heading(layout.column[i], SWGI_TREND_CALLS), layout.width[i]);
    return out;
}

static void test_what_there_is_room_for(void **state) {
    (void)state;
    assert_string_equal(headings(0, true, 8), "CIRCUIT:12 ");
    assert_string_equal(headings(24, true, 8), "CIRCUIT:12 STATE:9 ");
    assert_string_equal(headings(40, true, 30), "CIRCUIT:12 STATE:9 CALLS/S:7 FAILING:7 ");
    assert_string_equal(headings(80, true, 20), "CIRCUIT:18 STATE:9 CALLS/S:7 FAILING:7 REJ/S:6 "
                                                "P99:6 IN USE:7 NEXT:11 ");
    assert_string_equal(headings(80, false, 8), "CIRCUIT:12 STATE:9 CALLS/S:7 FAILING:7 REJ/S:6 "
                                                "P99:6 CALLS:13 NEXT:11 ");
    assert_string_equal(headings(120, true, 20), "CIRCUIT:20 STATE:9 CALLS/S:7 FAILING:7 REJ/S:6 "
                                                 "P50:6 P99:6 IN USE:7 CALLS:16 NEXT:16 ");
}

/* Never beyond the right edge, never over each other; a wider terminal shows no less. */
static void test_every_width(void **state) {
    struct swgi_top_layout layout;
    unsigned before = 0;

    (void)state;
    for (int width = 14; width < 400; width++) {
        int end = 2;

        swgi_top_layout(width, width % 2, width % 60, &layout);
        for (unsigned i = 0; i < layout.count; i++) {
            assert_true(layout.x[i] >= end && layout.width[i] > 0);
            end = layout.x[i] + layout.width[i] + 1;
        }
        assert_true(end - 1 <= width);
        swgi_top_layout(width, true, 20, &layout);
        if (width != 110) /* from there on the gaps are wider */
            assert_true(layout.count >= before);
        before = layout.count;
    }
}

static void test_rates(void **state) {
    char out[64];

    (void)state;
    assert_string_equal(swgi_top_rate_text(-1, out), "-");
    assert_string_equal(swgi_top_rate_text(0, out), "0");
    assert_string_equal(swgi_top_rate_text(0.01, out), "<0.1");
    assert_string_equal(swgi_top_rate_text(0.44, out), "0.4");
    assert_string_equal(swgi_top_rate_text(9.96, out), "10");
    assert_string_equal(swgi_top_rate_text(1234.4, out), "1,234");
    assert_string_equal(swgi_top_rate_text(12345, out), "12.3k");
    assert_true(strlen(swgi_top_rate_text(1e300, out)) < 8);
    assert_string_equal(swgi_top_rate_text(0.0 / 0.0, out), "-");
}

static void test_text_is_cut_with_a_sign(void **state) {
    char out[SWGI_TOP_CELL_MAX];

    (void)state;
    assert_string_equal(swgi_top_fit(&screen, "payments", 8, out), "payments");
    assert_string_equal(swgi_top_fit(&screen, "payments", 7, out), "paymen~");
    assert_string_equal(swgi_top_fit(&screen, "payments", 1, out), "~");
    assert_string_equal(swgi_top_fit(&screen, "payments", 0, out), "");
    assert_string_equal(swgi_top_fit(&screen, "payments", -3, out), "");
    if (!with_utf8())
        return;
    assert_string_equal(swgi_top_fit(&screen,
                                     "gr\xc3\xbc\xc3\x9f"
                                     "e",
                                     5, out),
                        "gr\xc3\xbc\xc3\x9f"
                        "e");
    assert_string_equal(swgi_top_fit(&screen,
                                     "gr\xc3\xbc\xc3\x9f"
                                     "e",
                                     4, out),
                        "gr\xc3\xbc…");
    assert_string_equal(swgi_top_fit(&screen, "\xe6\xbc\xa2\xe5\xad\x97", 3, out), "\xe6\xbc\xa2…");
}

static void test_a_name_is_cut_in_its_middle(void **state) {
    (void)state;
    assert_string_equal(cell(SWGI_TOP_NAME, 12), "payments");
    strcpy(row.status.name, "https://api.partner.example:8443/v2/quotes");
    assert_string_equal(cell(SWGI_TOP_NAME, 12), "https~quotes");
    strcpy(row.status.name, "a\033[31mb"); /* a panel may hold anything */
    assert_string_equal(cell(SWGI_TOP_NAME, 12), "a?[31mb");
}

static void test_what_happens_next(void **state) {
    (void)state;
    assert_string_equal(cell(SWGI_TOP_NEXT, 11), "");
    row.status.state = SWG_STATE_OPEN;
    row.status.open_until = seen.now + 299 * SECOND;
    assert_string_equal(cell(SWGI_TOP_NEXT, 25), "probes in 4 min 59 s");
    assert_string_equal(cell(SWGI_TOP_NEXT, 11), "in 4 min");
    row.status.open_until = SWG_NS_MAX;
    assert_string_equal(cell(SWGI_TOP_NEXT, 12), "by hand only");
    assert_string_equal(cell(SWGI_TOP_NEXT, 11), "by hand");
    row.status.state = SWG_STATE_HALF_OPEN;
    row.status.success_threshold = 3;
    row.status.probe_successes = 1;
    assert_string_equal(cell(SWGI_TOP_NEXT, 11), "1/3 good");
    row.status.ramp_percent = 25;
    assert_string_equal(cell(SWGI_TOP_NEXT, 11), "ramp 25 %");
    row.status.mode = SWG_MODE_FORCED_OPEN;
    row.status.mode_until = SWG_NS_MAX;
    assert_string_equal(cell(SWGI_TOP_NEXT, 11), "till undone");
    row.status.mode_until = seen.now + 3600 * SECOND;
    assert_string_equal(cell(SWGI_TOP_NEXT, 9), "1 h left");
    row.status.mode = SWG_MODE_SHADOW;
    assert_string_equal(cell(SWGI_TOP_NEXT, 12), "as HALF_OPEN");
    assert_string_equal(cell(SWGI_TOP_STATE, 9), "SHADOW");
}

static void test_permits_and_latencies(void **state) {
    (void)state;
    assert_string_equal(cell(SWGI_TOP_IN_USE, 7), "-");
    assert_string_equal(cell(SWGI_TOP_P99, 6), "-");
    row.status.has_bulkhead = 1;
    row.status.permits_held = 18;
    assert_string_equal(cell(SWGI_TOP_IN_USE, 7), "18");
    row.status.permits_limit = 20;
    assert_string_equal(cell(SWGI_TOP_IN_USE, 7), "18/20");
    row.status.queue_length = 4;
    assert_string_equal(cell(SWGI_TOP_IN_USE, 7), "18/20+4");
    row.status.queue_length = 4711;
    assert_string_equal(cell(SWGI_TOP_IN_USE, 7), "18/20+~");
    row.status.has_latency = 1;
    row.status.latency.count = 1;
    row.status.latency.p50 = 340000;
    row.status.latency.p99 = 1500000000;
    assert_string_equal(cell(SWGI_TOP_P50, 6), "340 us");
    assert_string_equal(cell(SWGI_TOP_P99, 6), "1.5 s");
}

static void step(uint64_t calls, uint64_t failed) {
    row.steps[row.steps_next++] =
        (struct swgi_top_step){ .calls = calls, .failed = failed, .took = SECOND };
    row.steps_count++;
}

/* The highest is as high as can be; what is not nothing is seen. */
static void test_the_trend(void **state) {
    (void)state;
    assert_string_equal(cell(SWGI_TOP_TREND, 4), "    ");
    step(0, 0);
    step(1, 1);
    step(500, 0);
    step(1000, 0);
    assert_string_equal(cell(SWGI_TOP_TREND, 6), "   .:#");
    assert_string_equal(cell(SWGI_TOP_TREND, 2), ":#");
    seen.trend = SWGI_TREND_FAILURES;
    assert_string_equal(cell(SWGI_TOP_TREND, 6), "   #  ");
    assert_string_equal(swgi_top_heading(SWGI_TOP_TREND, SWGI_TREND_FAILURES), "FAILURES");
    seen.trend = SWGI_TREND_CALLS;
    if (with_utf8())
        assert_string_equal(cell(SWGI_TOP_TREND, 4), " ▁▄█");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_what_there_is_room_for, begin),
        cmocka_unit_test_setup(test_every_width, begin),
        cmocka_unit_test_setup(test_rates, begin),
        cmocka_unit_test_setup(test_text_is_cut_with_a_sign, begin),
        cmocka_unit_test_setup(test_a_name_is_cut_in_its_middle, begin),
        cmocka_unit_test_setup(test_what_happens_next, begin),
        cmocka_unit_test_setup(test_permits_and_latencies, begin),
        cmocka_unit_test_setup(test_the_trend, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
