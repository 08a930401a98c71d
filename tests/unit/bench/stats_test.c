/* The bench's verdicts are only as good as its intervals: checked against published ranks and against counting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* In no library: the bench is a program of its own. */
#include "../../../bench/statistics.c" /* NOLINT(bugprone-suspicious-include) */

/* Le Boudec, table A.1: ranks of the 95 % interval of a median. */
static void ranks_are_those_of_the_published_table(void **state) {
    (void)state;
    static const struct {
        unsigned count, rank;
    } rows[] = { { 6, 1 },   { 7, 1 },   { 8, 1 },   { 9, 2 },  { 10, 2 }, { 11, 2 },
                 { 12, 3 },  { 15, 4 },  { 20, 6 },  { 21, 6 }, { 25, 8 }, { 30, 10 },
                 { 41, 14 }, { 50, 18 }, { 60, 22 }, { 70, 27 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(bench_rank(rows[i].count, NULL), rows[i].rank);
}

static void coverage_is_what_counting_all_signs_gives(void **state) {
    (void)state;
    for (unsigned count = 2; count <= 16; count++) {
        double coverage;
        unsigned rank = bench_rank(count, &coverage), inside = 0;
        for (uint32_t signs = 0; signs < 1u << count; signs++) {
            unsigned below = (unsigned)__builtin_popcount(signs);
            inside += below >= rank && below <= count - rank;
        }
        assert_true(fabs(coverage - (double)inside / (double)(1u << count)) < 1e-12);
    }
}

static void too_few_values_give_their_whole_range(void **state) {
    (void)state;
    double coverage, values[] = { 3, 1, 2 };
    assert_int_equal(bench_rank(5, &coverage), 1);
    assert_true(coverage < 0.95);
    struct bench_interval interval;
    bench_interval(&interval, values, 3);
    assert_true(interval.low == 1 && interval.median == 2 && interval.high == 3);
    double one = 7;
    bench_interval(&interval, &one, 1);
    assert_true(interval.low == 7 && interval.high == 7 && interval.coverage == 0);
}

static void one_wild_value_moves_nothing(void **state) {
    (void)state;
    double values[] = { 1.2, 1.0, 1.1, 1.3, 1.4, 900, 1.5, 1.6, 0.001 };
    struct bench_interval interval;
    bench_interval(&interval, values, 9);
    assert_true(interval.median == 1.3 && interval.low == 1.0 && interval.high == 1.6);
    assert_true(interval.coverage > 0.96 && interval.coverage < 0.962);
}

static void an_even_number_has_its_median_in_between(void **state) {
    (void)state;
    double values[] = { 4, 1, 3, 2 };
    assert_true(bench_median(values, 4) == 2.5);
}

static void a_target_is_missed_only_by_the_whole_interval(void **state) {
    (void)state;
    struct bench_interval interval = { .low = 0.9, .median = 1.1, .high = 1.3 };
    assert_int_equal(bench_judge(&interval, 1.3), BENCH_MET);
    assert_int_equal(bench_judge(&interval, 1.0), BENCH_WITHIN_NOISE);
    assert_int_equal(bench_judge(&interval, 0.9), BENCH_WITHIN_NOISE);
    assert_int_equal(bench_judge(&interval, 0.8), BENCH_MISSED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_even_number_has_its_median_in_between),
        cmocka_unit_test(ranks_are_those_of_the_published_table),
        cmocka_unit_test(coverage_is_what_counting_all_signs_gives),
        cmocka_unit_test(too_few_values_give_their_whole_range),
        cmocka_unit_test(one_wild_value_moves_nothing),
        cmocka_unit_test(a_target_is_missed_only_by_the_whole_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
