/* Callers that took more than others stand back, and are forgiven with time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/random.h"
#include "engine/cost.h"

#define MS(n) (INT64_C(1000000) * (n))
#define S(n)  MS(INT64_C(1000) * (n))

#define CALLERS 6u

static swgi_word costs[SWGI_COSTS];
static uint64_t keys[CALLERS]; /* each with a word of its own */
static int64_t now;

static unsigned words_used(void) {
    unsigned used = 0;

    for (unsigned i = 1; i < SWGI_COSTS; i++)
        used += swgi_load(&costs[i]) != 0;
    return used;
}

static void clear(void) {
    memset((void *)costs, 0, sizeof(costs));
}

static int begin(void **state) {
    (void)state;
    now = S(1000);
    clear();
    for (uint64_t key = 1, found = 0; found < CALLERS; key++) {
        swgi_cost_add(costs, key, 1, now);
        if (words_used() == found + 1)
            keys[found++] = key;
    }
    clear();
    return 0;
}

#define STORY(story) cmocka_unit_test_setup(story, begin)

static void spend(unsigned caller, int64_t ns) {
    swgi_cost_add(costs, keys[caller], ns, now);
}

/* By a mean that is worked out now: the first word keeps the last one. */
static int priority(unsigned caller) {
    swgi_store(&costs[0], 0);
    return swgi_cost_priority(costs, keys[caller], now);
}

static void test_nobody_stands_back_alone(void **state) {
    (void)state;
    assert_int_equal(priority(0), 0);
    spend(0, S(100));
    assert_int_equal(priority(0), 0);
}

static void test_equals_are_equal(void **state) {
    (void)state;
    for (unsigned i = 0; i < CALLERS; i++)
        spend(i, S(3) + MS(100) * (int64_t)i);
    for (unsigned i = 0; i < CALLERS; i++)
        assert_int_equal(priority(i), 0);
}

static void test_more_than_the_mean_is_less_urgent(void **state) {
    (void)state;
    spend(0, S(9));
    for (unsigned i = 1; i < 5; i++)
        spend(i, S(3));
    assert_int_equal(priority(0), 4);  /* 2.14 times the mean */
    assert_int_equal(priority(1), -1); /* 0.71 of it */
}

static void test_the_mean_is_worked_out_once_a_tick(void **state) {
    (void)state;
    now = S(1000);
    spend(0, S(1));
    spend(1, S(1));
    assert_int_equal(priority(0), 0);
    spend(0, S(1)); /* twice the mean that was, 4/3 of the one that is */
    assert_int_equal(swgi_cost_priority(costs, keys[0], now), 4);
    assert_int_equal(swgi_cost_priority(costs, keys[0], now - MS(900)), 4); /* another clock */
    now += MS(79);
    assert_int_equal(swgi_cost_priority(costs, keys[0], now), 1);
}

static void test_it_ends_at_eight_steps(void **state) {
    (void)state;
    spend(0, S(1000));
    for (unsigned i = 1; i < CALLERS; i++)
        spend(i, MS(1));
    assert_int_equal(priority(0), 8);
    assert_int_equal(priority(1), -8);
}

static void test_who_took_nothing_comes_first(void **state) {
    (void)state;
    spend(0, S(1));
    assert_int_equal(priority(1), -8);
}

static void test_no_key_is_nobody(void **state) {
    (void)state;
    swgi_cost_add(costs, 0, S(1000), now);
    assert_int_equal(words_used(), 0);
    spend(0, S(1));
    assert_int_equal(swgi_cost_priority(costs, 0, now), 0);
}

static void test_half_is_forgiven_in_ten_seconds(void **state) {
    (void)state;
    for (int64_t halvings = 1; halvings < 8; halvings++) {
        clear();
        spend(0, S(64));
        now += SWGI_COST_HALF_LIFE_NS * halvings;
        spend(1, S(64) >> halvings);
        assert_int_equal(priority(0), 0);
        assert_int_equal(priority(1), 0);
    }
}

/* Many additions, each decaying what stands there, come to what one formula says. */
static void test_it_decays_as_the_formula_says(void **state) {
    double exact[CALLERS] = { 0 };
    struct swgi_random random;
    unsigned compared = 0;

    (void)state;
    swgi_random_init(&random, 1);
    for (unsigned i = 0; i < 20000; i++) {
        int64_t step = SWGI_COST_HALF_LIFE_NS / 128 * (int64_t)swgi_random_below(&random, 20);
        unsigned who = (unsigned)swgi_random_below(&random, CALLERS);
        int64_t took = MS(100) << swgi_random_below(&random, 8);
        double sum = 0, used = 0;

        now += step;
        spend(who, took);
        for (unsigned j = 0; j < CALLERS; j++) {
            exact[j] = exact[j] * exp2(-(double)step / (double)SWGI_COST_HALF_LIFE_NS) +
                       (j == who ? (double)took : 0);
            sum += exact[j];
            used += exact[j] > 1024;
        }
        for (unsigned j = 0; j < CALLERS; j++) {
            double wanted = fmax(-8, fmin(8, 4 * log2(exact[j] * used / sum)));
            if (fabs(wanted - round(wanted)) < 0.02 && fabs(wanted) < 8)
                continue; /* on the edge between two steps */
            assert_int_equal(priority(j), (int)wanted);
            compared++;
        }
    }
    assert_true(compared > 50000);
}

static void test_after_long_all_is_forgotten_for_good(void **state) {
    (void)state;
    spend(0, INT64_MAX);
    spend(1, MS(1));
    now += S(420);
    assert_int_equal(priority(0), 0);
    assert_int_equal(words_used(), 0); /* so it cannot come back when ticks have gone round */
}

static void test_ticks_go_round(void **state) {
    int64_t round = (INT64_C(1) << 24) * (SWGI_COST_HALF_LIFE_NS / 128);

    (void)state;
    now = round - MS(10);
    spend(0, S(8));
    now += S(10);
    spend(1, S(4));
    assert_int_equal(priority(0), 0);
    assert_int_equal(priority(1), 0);
}

static void test_clocks_differ_a_little(void **state) {
    (void)state;
    spend(0, S(8));
    spend(1, S(4));
    now -= S(1);
    spend(1, S(4));
    assert_int_equal(priority(0), 0);
    assert_int_equal(priority(1), 0);
    now += S(11);
    spend(2, S(4));
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(priority(i), 0);
}

static void test_two_clocks_in_turn_forgive_nothing_twice(void **state) {
    (void)state;
    spend(0, S(64));
    spend(1, S(64));
    for (unsigned i = 0; i < 100; i++) {
        now += i % 2 == 0 ? -S(1) : S(1);
        spend(0, 1);
    }
    assert_int_equal(priority(0), 0);
    assert_int_equal(priority(1), 0);
}

static void test_a_clock_far_ahead_leaves_nothing(void **state) {
    (void)state;
    now += S(3600);
    spend(0, S(1000));
    now -= S(3600);
    spend(1, S(1));
    spend(2, S(1));
    assert_int_equal(priority(0), -8);
    spend(0, S(1));
    assert_int_equal(priority(0), 0);
}

static void test_any_words_stay_within_bounds_and_are_got_over(void **state) {
    struct swgi_random random;

    (void)state;
    swgi_random_init(&random, 2);
    for (unsigned i = 0; i < 20000; i++) {
        for (unsigned j = 0; j < SWGI_COSTS; j++)
            swgi_store(&costs[j], swgi_random_next(&random) >> swgi_random_below(&random, 64));
        int found = swgi_cost_priority(costs, keys[i % CALLERS], now);
        assert_true(found >= -8 && found <= 8);
        now += S(500);
        for (unsigned j = 0; j < CALLERS; j++)
            spend(j, S(1));
        for (unsigned j = 0; j < CALLERS; j++)
            assert_int_equal(swgi_cost_priority(costs, keys[j], now), 0);
    }
}

static void test_nothing_overflows(void **state) {
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        spend(0, INT64_MAX);
    spend(1, INT64_MIN);
    spend(2, 0);
    assert_int_equal(priority(0), 6); /* three times the mean */
    assert_int_equal(priority(1), -8);
    now = INT64_MIN;
    assert_in_range(priority(0) + 8, 0, 16);
    now = INT64_MAX;
    spend(0, 1);
    assert_in_range(priority(0) + 8, 0, 16);
}

static void *spend_often(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < 200000; i++)
        spend(0, 1024);
    return NULL;
}

/* Two units each. What loses sixteen races in a row is lost: on a busy machine seldom, but not never. */
static void test_threads_add_up(void **state) {
    pthread_t threads[4];
    uint64_t units = 0;

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, spend_often, NULL), 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (unsigned i = 1; i < SWGI_COSTS; i++)
        units += swgi_load(&costs[i]) & UINT64_C(0xffffffffff);
    assert_true(units <= 4 * 200000 * 2);
    assert_true(units > 4 * 200000 * 2 / 10 * 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_nobody_stands_back_alone),
        STORY(test_equals_are_equal),
        STORY(test_more_than_the_mean_is_less_urgent),
        STORY(test_the_mean_is_worked_out_once_a_tick),
        STORY(test_it_ends_at_eight_steps),
        STORY(test_who_took_nothing_comes_first),
        STORY(test_no_key_is_nobody),
        STORY(test_half_is_forgiven_in_ten_seconds),
        STORY(test_it_decays_as_the_formula_says),
        STORY(test_after_long_all_is_forgotten_for_good),
        STORY(test_ticks_go_round),
        STORY(test_clocks_differ_a_little),
        STORY(test_two_clocks_in_turn_forgive_nothing_twice),
        STORY(test_a_clock_far_ahead_leaves_nothing),
        STORY(test_any_words_stay_within_bounds_and_are_got_over),
        STORY(test_nothing_overflows),
        STORY(test_threads_add_up),
    };

    return cmocka_run_group_tests_name("engine: cost", tests, NULL, NULL);
}
