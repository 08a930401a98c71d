/* Looks at counters become rates, rows, an order. Time is an integer that is added to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/top_rows.h"

#define SECOND INT64_C(1000000000)

static struct swgi_top_rows rows;
static struct swg_status statuses[40];
static size_t count;
static swg_ns now;

static int begin(void **state) {
    (void)state;
    swgi_top_rows_deinit(&rows);
    count = 0;
    now = 100 * SECOND;
    return 0;
}

static struct swg_status *circuit(const char *name) {
    struct swg_status *status = &statuses[count++];

    *status = (struct swg_status)SWG_STATUS_INIT;
    snprintf(status->name, sizeof(status->name), "%s", name);
    status->failure_rate = status->slow_rate = -1;
    return status;
}

static void look(swg_ns after) {
    now += after;
    assert_int_equal(swgi_top_take(&rows, statuses, count, now), 0);
}

static const struct swgi_top_row *row(const char *name) {
    for (size_t i = 0; i < rows.count; i++)
        if (strcmp(rows.at[i]->status.name, name) == 0)
            return rows.at[i];
    fail_msg("no row %s", name);
    return NULL;
}

/* The names in order, a blank after each. */
static const char *order(const char *filter, int sort) {
    static char out[2048];
    const struct swgi_top_row *shown[40];
    size_t found = swgi_top_arrange(&rows, filter, sort, shown);
    int used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < found; i++)
        used += snprintf(out + used, sizeof(out) - (size_t)used, "%s ", shown[i]->status.name);
    return out;
}

static void test_rates_need_two_looks(void **state) {
    struct swg_status *a = circuit("a");

    (void)state;
    a->calls = 1000;
    look(0);
    assert_true(row("a")->calls_per_s == -1 && row("a")->failing == -1);
    a->calls += 30;
    a->failures += 5;
    a->timeouts += 1;
    a->rejected_open += 4;
    a->rejected_full += 2;
    look(2 * SECOND);
    assert_true(row("a")->calls_per_s == 15 && row("a")->rejected_per_s == 3);
    assert_true(row("a")->failing == 0.2);
    assert_true(rows.sums.calls_per_s == 15 && rows.sums.failing == 0.2);
}

/* A number that jumps cannot be read: five seconds are looked at, one look at least. */
static void test_rates_are_of_the_last_five_seconds(void **state) {
    struct swg_status *a = circuit("a");

    (void)state;
    look(0);
    a->calls += 1000;
    for (int i = 0; i < 5; i++) {
        look(SECOND);
        a->calls += 10;
    }
    assert_true(row("a")->calls_per_s == 208);
    look(SECOND);
    assert_true(row("a")->calls_per_s == 10);
    a->calls += 60;
    look(60 * SECOND);
    assert_true(row("a")->calls_per_s == 1);
}

static void test_the_longest_window_is_believed_first(void **state) {
    struct swg_status *a = circuit("a");

    (void)state;
    look(0);
    a->calls = 10;
    a->failures = 10;
    a->failure_rate = 0.25;
    look(SECOND);
    assert_true(row("a")->failing == 0.25);
}

static void test_counters_that_begin_anew(void **state) {
    struct swg_status *a = circuit("a");

    (void)state;
    a->calls = 100;
    look(0);
    a->calls = 200;
    look(SECOND);
    a->calls = 3;
    look(SECOND);
    assert_true(row("a")->calls_per_s == -1);
    assert_null(swgi_top_step(row("a"), 0));
    a->calls = 5;
    look(SECOND);
    assert_true(row("a")->calls_per_s == 2);
}

/* The newest first; sixty-four are kept. */
static void test_steps(void **state) {
    struct swg_status *a = circuit("a");

    (void)state;
    look(0);
    for (unsigned i = 1; i <= 100; i++) {
        a->calls += i;
        look(SECOND);
    }
    assert_int_equal(swgi_top_step(row("a"), 0)->calls, 100);
    assert_int_equal(swgi_top_step(row("a"), 63)->calls, 37);
    assert_null(swgi_top_step(row("a"), 64));
    look(0);
    assert_int_equal(swgi_top_step(row("a"), 0)->calls, 100);
}

static void test_circuits_come_and_go(void **state) {
    (void)state;
    circuit("b");
    circuit("a")->has_bulkhead = 1;
    look(0);
    assert_int_equal(rows.count, 2);
    assert_true(rows.has_permits);
    count = 0;
    circuit("c");
    circuit("b")->calls = 7;
    look(SECOND);
    assert_string_equal(order("", SWGI_SORT_NAME), "b c ");
    assert_true(row("b")->calls_per_s == 7 && row("c")->calls_per_s == -1);
    assert_false(rows.has_permits);
    count = 0;
    look(SECOND);
    assert_int_equal(rows.count, 0);
    assert_int_equal(rows.sums.circuits, 0);
    assert_string_equal(order("", SWGI_SORT_WORST), "");
}

static void test_the_worst_first(void **state) {
    struct swg_status *status;

    (void)state;
    circuit("closed");
    circuit("failing-little")->failure_rate = 0.01;
    circuit("failing")->failure_rate = 0.41;
    circuit("failing-alike")->failure_rate = 0.49;
    circuit("probing")->state = SWG_STATE_HALF_OPEN;
    circuit("open")->state = SWG_STATE_OPEN;
    circuit("isolated")->mode = SWG_MODE_FORCED_OPEN;
    status = circuit("shadow");
    status->mode = SWG_MODE_SHADOW;
    status->state = SWG_STATE_OPEN;
    look(0);
    assert_string_equal(order("", SWGI_SORT_WORST), "isolated open probing shadow failing "
                                                    "failing-alike failing-little closed ");
    assert_int_equal(rows.sums.by_rank[0], 2);
    assert_int_equal(rows.sums.by_rank[1], 1);
    assert_int_equal(rows.sums.by_rank[2], 1);
    assert_int_equal(rows.sums.by_rank[3], 4);
}

static void test_other_orders(void **state) {
    struct swg_status *a = circuit("a"), *b = circuit("b"), *c = circuit("c");

    (void)state;
    look(0);
    a->calls = 10;
    b->calls = 30;
    c->rejected_open = 5;
    a->failure_rate = 0.1;
    c->failure_rate = 0.2;
    b->has_latency = 1;
    b->latency.count = 1;
    b->latency.p99 = 7;
    a->latency.p99 = 99; /* without calls it means nothing */
    look(SECOND);
    assert_string_equal(order("", SWGI_SORT_NAME), "a b c ");
    assert_string_equal(order("", SWGI_SORT_CALLS), "b a c ");
    assert_string_equal(order("", SWGI_SORT_FAILING), "c a b ");
    assert_string_equal(order("", SWGI_SORT_REJECTED), "c a b ");
    assert_string_equal(order("", SWGI_SORT_SLOW), "b a c ");
    for (int i = 0; i < SWGI_SORTS; i++)
        assert_string_not_equal(swgi_top_sort_word(i), "?");
    assert_string_equal(swgi_top_sort_word(SWGI_SORTS), "?");
}

static void test_filters(void **state) {
    (void)state;
    circuit("db-read");
    circuit("db-write");
    circuit("payments");
    look(0);
    assert_string_equal(order("", SWGI_SORT_NAME), "db-read db-write payments ");
    assert_string_equal(order("-", SWGI_SORT_NAME), "db-read db-write ");
    assert_string_equal(order("PAY", SWGI_SORT_NAME), "payments ");
    assert_string_equal(order("DB-*", SWGI_SORT_NAME), "db-read db-write ");
    assert_string_equal(order("*e", SWGI_SORT_NAME), "db-write ");
    assert_string_equal(order("[dp]*s", SWGI_SORT_NAME), "payments ");
    assert_string_equal(order("[", SWGI_SORT_NAME), "");
    assert_string_equal(order("x", SWGI_SORT_NAME), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rates_need_two_looks, begin, begin),
        cmocka_unit_test_setup_teardown(test_rates_are_of_the_last_five_seconds, begin, begin),
        cmocka_unit_test_setup_teardown(test_the_longest_window_is_believed_first, begin, begin),
        cmocka_unit_test_setup_teardown(test_counters_that_begin_anew, begin, begin),
        cmocka_unit_test_setup_teardown(test_steps, begin, begin),
        cmocka_unit_test_setup_teardown(test_circuits_come_and_go, begin, begin),
        cmocka_unit_test_setup_teardown(test_the_worst_first, begin, begin),
        cmocka_unit_test_setup_teardown(test_other_orders, begin, begin),
        cmocka_unit_test_setup_teardown(test_filters, begin, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
