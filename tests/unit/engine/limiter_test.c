/* Rate limiters: how many go and when, when to ask again, and words that nobody honest wrote. */
#include "limiting.h"

/* ---- token bucket */

static void test_a_burst_goes_at_once_and_then_one_an_interval(void **state) {
    (void)state;
    begin_bucket(10, S(1), 5);
    assert_int_equal(left(), 5);
    assert_int_equal(take_all(), 5);
    assert_int_equal(left(), 0);
    for (int i = 0; i < 20; i++)
        assert_retry(MS(100));
    now += MS(250);
    assert_int_equal(left(), 2);
    assert_int_equal(take_all(), 2);
    assert_retry(MS(50));
}

static void test_idle_fills_the_bucket_no_higher_than_its_burst(void **state) {
    (void)state;
    begin_bucket(10, S(1), 3);
    now += S(3600);
    assert_int_equal(take_all(), 3);
    now += MS(100) * 2 - 1;
    assert_int_equal(take_all(), 1);
}

static void test_a_burst_of_one_paces_and_one_not_set_is_the_rate(void **state) {
    (void)state;
    begin_bucket(4, S(1), 1);
    assert_int_equal(take_all(), 1);
    assert_retry(MS(250));
    begin(SWGI_TOKEN_BUCKET, 40, S(1));
    assert_int_equal(settings.burst, 40);
    assert_int_equal(take_all(), 40);
}

static void test_rounding_lets_no_more_through_than_the_rate(void **state) {
    (void)state;
    begin_bucket(3, S(1), 1);
    int64_t from = now;
    unsigned taken = 0;
    for (int64_t wait; now < from + S(1); now += -wait)
        while ((wait = take()) == 0)
            taken++;
    assert_int_equal(taken, 3);
    assert_true(now > from + S(1));
}

static void test_a_clock_that_is_behind_gets_no_more(void **state) {
    (void)state;
    begin_bucket(10, S(1), 5);
    assert_int_equal(take_all(), 5);
    now -= S(1);
    assert_int_equal(take(), -(S(1) + MS(100)));
    now += S(1);
    assert_retry(MS(100));
}

static void test_who_may_wait_gets_a_place(void **state) {
    (void)state;
    begin_bucket(10, S(1), 2);
    assert_int_equal(take_all(), 2);
    assert_int_equal(ask(S(1)).wait_ns, MS(100));
    assert_int_equal(ask(S(1)).wait_ns, MS(200));
    assert_int_equal(ask(MS(250)).wait_ns, -MS(50));
    assert_int_equal(ask(MS(300)).wait_ns, MS(300));
    assert_int_equal(take(), -MS(400));
    assert_int_equal(ask(-5).wait_ns, -MS(400));
}

/* ---- leaky bucket */

static void test_the_leaky_bucket_gives_places_one_interval_apart(void **state) {
    (void)state;
    begin(SWGI_LEAKY_BUCKET, 20, S(1));
    for (int i = 0; i < 21; i++)
        assert_int_equal(ask(S(1)).wait_ns, MS(50) * i);
    assert_int_equal(ask(S(1)).wait_ns, -MS(50));
    now += MS(50) - 1;
    assert_int_equal(ask(S(1)).wait_ns, -1);
    now += 1;
    assert_int_equal(ask(S(1)).wait_ns, S(1));
    now += S(5);
    assert_int_equal(take_all(), 1);
}

static void test_a_place_is_given_back_if_nobody_came_after(void **state) {
    (void)state;
    begin(SWGI_LEAKY_BUCKET, 20, S(1));
    struct swgi_limiter_answer first = ask(S(1)), second = ask(S(1)), third = ask(S(1));
    swgi_limiter_give_back(&words, second.place);
    swgi_limiter_give_back(&words, first.place);
    assert_int_equal(ask(S(1)).wait_ns, MS(150));
    swgi_limiter_give_back(&words, third.place);
    assert_int_equal(ask(S(1)).wait_ns, MS(200));
    begin(SWGI_LEAKY_BUCKET, 20, S(1));
    first = ask(0);
    swgi_limiter_give_back(&words, first.place);
    assert_int_equal(take_all(), 1);
}

/* ---- windows */

static void test_a_fixed_window_lets_its_rate_through(void **state) {
    (void)state;
    begin(SWGI_FIXED_WINDOW, 7, S(10));
    now += S(4);
    assert_int_equal(take_all(), 7);
    assert_int_equal(left(), 0);
    assert_retry(S(6));
    assert_int_equal(left(), 6);
    now += S(10) - 1;
    assert_int_equal(take_all(), 6);
    now += 1;
    assert_int_equal(take_all(), 7);
    now += S(1000);
    assert_int_equal(take_all(), 7);
}

/* 50 a minute; 42 in the minute before and 18 in this, 15 s of which have passed: 42 x 45 / 60 + 18 = 49.5. */
static void test_a_sliding_window_counts_what_still_is_covered(void **state) {
    (void)state;
    begin(SWGI_SLIDING_WINDOW, 50, S(60));
    now = S(60) * 1000;
    for (int i = 0; i < 42; i++)
        assert_int_equal(take(), 0);
    now += S(60) + S(15);
    assert_int_equal(left(), 18);
    assert_int_equal(take_all(), 18);
    assert_int_equal(left(), 0);
    /* The next fits when 42 x (60 - t) / 60 is 31. */
    assert_retry(S(60) - S(31) * 60 / 42 - S(15));
}

/* Eight within 15 s at a rate of 7 a minute: those of the window before are taken as spread evenly. */
static void test_a_sliding_window_estimates(void **state) {
    (void)state;
    begin(SWGI_SLIDING_WINDOW, 7, S(60));
    now = S(60) * 1000 + S(54);
    assert_int_equal(take_all(), 7);
    now += S(6) + S(9);
    assert_int_equal(take_all(), 1);
    now = S(60) * 2000 + S(54);
    begin(SWGI_SLIDING_LOG, 7, S(60));
    assert_int_equal(take_all(), 7);
    now += S(6) + S(9);
    assert_int_equal(take_all(), 0);
}

static void test_a_full_sliding_window_makes_room_in_the_next(void **state) {
    (void)state;
    begin(SWGI_SLIDING_WINDOW, 10, S(1));
    assert_int_equal(take_all(), 10);
    assert_retry(S(1) + MS(100));
    for (int i = 0; i < 9; i++)
        assert_retry(MS(100));
    begin(SWGI_SLIDING_WINDOW, 1, S(1));
    assert_int_equal(take(), 0);
    assert_retry(S(2));
}

static void test_a_window_counts_a_clock_that_is_behind_into_its_own(void **state) {
    (void)state;
    for (unsigned algorithm = SWGI_FIXED_WINDOW; algorithm <= SWGI_SLIDING_WINDOW; algorithm++) {
        begin(algorithm, 5, S(1));
        assert_int_equal(take(), 0);
        now -= 1;
        assert_int_equal(take_all(), 4);
        now += 1;
        assert_int_equal(take_all(), 0);
    }
}

static void test_a_window_takes_back_what_was_not_called_while_it_runs(void **state) {
    (void)state;
    begin(SWGI_FIXED_WINDOW, 5, S(1));
    struct swgi_limiter_answer answer = ask(0);
    assert_int_equal(take_all(), 4);
    swgi_limiter_give_back(&words, answer.place);
    assert_int_equal(take_all(), 1);
    now += S(1);
    assert_int_equal(take(), 0);
    swgi_limiter_give_back(&words, answer.place);
    assert_int_equal(take_all(), 4);
}

/* ---- log */

static void test_a_log_lets_its_rate_through_in_any_window(void **state) {
    (void)state;
    begin(SWGI_SLIDING_LOG, 3, S(1));
    assert_int_equal(take(), 0);
    now += MS(512);
    assert_int_equal(take(), 0);
    now += MS(256);
    assert_int_equal(take(), 0);
    assert_int_equal(left(), 0);
    assert_retry(MS(232));
    assert_retry(MS(512));
    assert_int_equal(left(), 0);
    assert_retry(MS(256));
    now += S(10);
    assert_int_equal(left(), 3);
    assert_int_equal(take_all(), 3);
}

static void test_a_log_rounds_so_that_a_place_comes_back_later(void **state) {
    (void)state;
    begin(SWGI_SLIDING_LOG, 1, S(1));
    now += 1;
    assert_int_equal(take(), 0);
    assert_retry(S(1) + SWGI_LOG_UNIT_NS - 1);
}

static void test_the_largest_log_goes_round_many_times(void **state) {
    (void)state;
    begin(SWGI_SLIDING_LOG, SWGI_LOG_MAX, S(1));
    for (int i = 0; i < 40; i++) {
        assert_int_equal(take_all(), SWGI_LOG_MAX);
        assert_int_equal(left(), 0);
        now += S(1);
    }
    assert_int_equal(left(), SWGI_LOG_MAX);
}

static void test_a_log_is_not_taken_back_by_a_clock_that_is_behind(void **state) {
    (void)state;
    begin(SWGI_SLIDING_LOG, 2, S(1));
    assert_int_equal(take(), 0);
    now -= MS(640);
    assert_int_equal(take(), 0);
    assert_retry(S(1) + MS(640));
}

/* ---- what nobody honest wrote */

static void test_what_lies_far_ahead_heals_and_lets_no_more_through(void **state) {
    (void)state;
    for (unsigned algorithm = 0; algorithm <= SWGI_SLIDING_LOG; algorithm++) {
        begin(algorithm, 5, S(1));
        now += S(86400) * 30;
        take_all();
        now -= S(86400) * 30;
        int64_t wait = -take();
        assert_true(wait >= 0 && wait <= S(2) + SWGI_LOG_UNIT_NS);
        unsigned burst = wait == 0 ? 1 + take_all() : 0;
        assert_true(burst <= 5);
        now += S(2) + SWGI_LOG_UNIT_NS;
        assert_int_equal(take_all(), algorithm == SWGI_LEAKY_BUCKET ? 1 : 5);
    }
}

/* Still plausible: another caller's clock is ahead. */
static void test_what_lies_a_second_ahead_is_kept(void **state) {
    (void)state;
    for (unsigned algorithm = 0; algorithm <= SWGI_SLIDING_LOG; algorithm++) {
        begin(algorithm, 5, S(1));
        now += S(2);
        take_all();
        now -= S(2);
        assert_int_equal(left(), 0);
        assert_true(take() <= -S(2));
    }
}

static void test_an_index_that_came_round_only_delays(void **state) {
    (void)state;
    begin(SWGI_FIXED_WINDOW, 5, MS(1));
    assert_int_equal(take_all(), 5);
    now += MS(1) << 24;
    assert_int_equal(take_all(), 0);
    now += MS(1);
    assert_int_equal(take_all(), 5);
    now += MS(1) * 3 << 22;
    assert_int_equal(take_all(), 0);
    now += MS(1);
    assert_int_equal(take_all(), 5);
}

static void scribble(struct swgi_random *random, swgi_word *first, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (swgi_random_below(random, 3) == 0)
            first[i] = swgi_random_below(random, 4) == 0
                           ? UINT64_MAX - swgi_random_below(random, 3)
                           : swgi_random_next(random) >> swgi_random_below(random, 64);
}

/* Any words at all: it answers, and what was let through once is again. */
static void test_any_words_are_survived_and_install_mends_them(void **state) {
    struct swgi_random random;
    (void)state;
    swgi_random_init(&random, 7);
    for (int i = 0; i < 60000; i++) {
        unsigned algorithm = (unsigned)i % 5;
        begin(algorithm, 5, S(1));
        take();
        scribble(&random, (swgi_word *)&words, sizeof(words) / sizeof(swgi_word));
        scribble(&random, slots, 16);
        for (int n = 0; n < 6; n++, now += (int64_t)swgi_random_below(&random, (uint64_t)S(2))) {
            struct swgi_limiter_answer answer = ask(n == 3 ? S(1) : 0);
            look();
            if (n % 2 == 0)
                swgi_limiter_give_back(&words, answer.place);
            swgi_limiter_adapt(&words, &settings, 5, 1, now);
        }
        swgi_limiter_apply(&words);
        install();
        now += S(10);
        take();
        now += S(10);
        assert_int_equal(take_all(), algorithm == SWGI_LEAKY_BUCKET ? 1 : 5);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_burst_goes_at_once_and_then_one_an_interval),
        cmocka_unit_test(test_idle_fills_the_bucket_no_higher_than_its_burst),
        cmocka_unit_test(test_a_burst_of_one_paces_and_one_not_set_is_the_rate),
        cmocka_unit_test(test_rounding_lets_no_more_through_than_the_rate),
        cmocka_unit_test(test_a_clock_that_is_behind_gets_no_more),
        cmocka_unit_test(test_who_may_wait_gets_a_place),
        cmocka_unit_test(test_the_leaky_bucket_gives_places_one_interval_apart),
        cmocka_unit_test(test_a_place_is_given_back_if_nobody_came_after),
        cmocka_unit_test(test_a_fixed_window_lets_its_rate_through),
        cmocka_unit_test(test_a_sliding_window_counts_what_still_is_covered),
        cmocka_unit_test(test_a_sliding_window_estimates),
        cmocka_unit_test(test_a_full_sliding_window_makes_room_in_the_next),
        cmocka_unit_test(test_a_window_counts_a_clock_that_is_behind_into_its_own),
        cmocka_unit_test(test_a_window_takes_back_what_was_not_called_while_it_runs),
        cmocka_unit_test(test_a_log_lets_its_rate_through_in_any_window),
        cmocka_unit_test(test_a_log_rounds_so_that_a_place_comes_back_later),
        cmocka_unit_test(test_the_largest_log_goes_round_many_times),
        cmocka_unit_test(test_a_log_is_not_taken_back_by_a_clock_that_is_behind),
        cmocka_unit_test(test_what_lies_far_ahead_heals_and_lets_no_more_through),
        cmocka_unit_test(test_what_lies_a_second_ahead_is_kept),
        cmocka_unit_test(test_an_index_that_came_round_only_delays),
        cmocka_unit_test(test_any_words_are_survived_and_install_mends_them),
    };

    return cmocka_run_group_tests_name("engine: limiter", tests, NULL, NULL);
}
