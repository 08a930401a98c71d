/* Rate limiters: how many go and when, when to ask again, what changes at run time, and words that nobody honest wrote. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "engine/limiter.h"
#include "switchgear/switchgear.h"

#define MS(n) (INT64_C(1000000) * (n))
#define S(n)  (INT64_C(1000000000) * (n))

#define SLOTS 16384u

static struct swgi_limiter_words words;
static swgi_word slots[SLOTS];
static struct swgi_limiter_settings settings;
static int64_t now;

static struct swgi_limiter_settings plain(unsigned algorithm, uint32_t rate, int64_t per) {
    return (struct swgi_limiter_settings){ .rate = rate,
                                           .burst_follows = 1,
                                           .algorithm = (uint8_t)algorithm,
                                           .per_ns = (uint64_t)per,
                                           .increase = 0.1,
                                           .decrease = 0.5,
                                           .system_load_above = 0.8 };
}

static void compile(void) {
    struct swg_error error = SWG_ERROR_INIT;
    if (swgi_limiter_compile(&settings, &error) != 0)
        fail_msg("%s: %s", error.key, error.text);
    assert_true(swgi_limiter_settings_check(&settings));
}

/* Runs of the log alternate between the halves of the pool. */
static void install_unchecked(void) {
    uint32_t needed = swgi_limiter_slots(&words, SLOTS, &settings);
    uint32_t first = swgi_run_first(words.log) == 1 ? 1 + SLOTS / 2 : 1;
    swgi_limiter_install(&words, &settings, slots, SLOTS, needed != 0 ? swgi_run(first, needed) : 0,
                         now);
}

static void install(void) {
    compile();
    install_unchecked();
}

static void begin(unsigned algorithm, uint32_t rate, int64_t per) {
    memset(&words, 0, sizeof(words));
    memset(slots, 0, sizeof(slots));
    now = S(1000000);
    settings = plain(algorithm, rate, per);
    install();
}

static void begin_bucket(uint32_t rate, int64_t per, uint32_t burst) {
    begin(SWGI_TOKEN_BUCKET, rate, per);
    settings.burst = burst;
    settings.burst_follows = 0;
    install();
}

static struct swgi_limiter_answer ask(int64_t may_wait) {
    return swgi_limiter_take(&words, slots, SLOTS, now, may_wait);
}

static int64_t take(void) {
    return ask(0).wait_ns;
}

static unsigned take_all(void) {
    unsigned taken = 0;
    while (taken < 5000 && take() == 0)
        taken++;
    return taken;
}

static uint32_t left(void) {
    return swgi_limiter_left(&words, slots, SLOTS, now);
}

static struct swgi_limiter_view look(void) {
    struct swgi_limiter_view view;
    swgi_limiter_look(&words, slots, SLOTS, now, &view);
    return view;
}

/* Rejected; one ns before the time it was told still is; then goes. */
static void assert_retry(int64_t wait) {
    assert_int_equal(take(), -wait);
    assert_int_equal(look().retry_in, wait);
    now += wait - 1;
    assert_int_equal(take(), -1);
    now += 1;
    assert_int_equal(look().retry_in, 0);
    assert_int_equal(take(), 0);
}

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

/* ---- other settings while it runs */

static void test_no_limiter_lets_everything_go(void **state) {
    (void)state;
    begin(SWGI_TOKEN_BUCKET, 1, S(60));
    assert_int_equal(take_all(), 1);
    settings.rate = 0;
    install();
    assert_false(swgi_limiter_is_on(&words));
    assert_int_equal(left(), UINT32_MAX);
    assert_int_equal(take_all(), 5000);
    settings.rate = 1;
    install();
    assert_true(swgi_limiter_is_on(&words));
    assert_int_equal(take_all(), 0);
}

static void test_a_smaller_bucket_forgets_what_it_could_not_have_lent(void **state) {
    (void)state;
    begin_bucket(1, S(1), 1000);
    assert_int_equal(take_all(), 1000);
    settings.rate = 10;
    settings.burst = 5;
    install();
    assert_retry(MS(100));
    settings.burst = 50;
    install();
    assert_int_equal(take_all(), 45);
}

static void test_the_same_settings_again_change_nothing(void **state) {
    (void)state;
    for (unsigned algorithm = 0; algorithm <= SWGI_SLIDING_LOG; algorithm++) {
        begin(algorithm, 8, S(1));
        for (int i = 0; i < 3; i++)
            take();
        now += MS(1);
        uint32_t before = left();
        install();
        assert_int_equal(left(), before);
        assert_int_equal(take_all(), before);
    }
}

static void test_another_rate_keeps_what_was_counted(void **state) {
    (void)state;
    for (unsigned algorithm = SWGI_FIXED_WINDOW; algorithm <= SWGI_SLIDING_LOG; algorithm++) {
        begin(algorithm, 8, S(1));
        for (int i = 0; i < 3; i++)
            assert_int_equal(take(), 0);
        settings.rate = 200;
        install();
        assert_int_equal(take_all(), 197);
        settings.rate = 5;
        install();
        assert_int_equal(take_all(), 0);
        now += S(3);
        assert_int_equal(take_all(), 5);
    }
}

static void test_a_log_that_was_shorter_for_a_moment_forgets_nothing(void **state) {
    (void)state;
    begin(SWGI_SLIDING_LOG, 100, S(1));
    assert_int_equal(take_all(), 100);
    settings.rate = 2;
    install();
    assert_int_equal(take_all(), 0);
    settings.rate = 100;
    install();
    assert_int_equal(take_all(), 0);
    settings.rate = 300;
    install();
    assert_int_equal(take_all(), 200);
}

static void test_a_window_long_past_is_past_in_another_unit_too(void **state) {
    (void)state;
    for (unsigned algorithm = SWGI_FIXED_WINDOW; algorithm <= SWGI_SLIDING_WINDOW; algorithm++) {
        begin(algorithm, 8, S(1));
        assert_int_equal(take_all(), 8);
        now += S(10);
        settings.per_ns = (uint64_t)S(60);
        install();
        assert_int_equal(take_all(), 8);
    }
}

static void test_another_window_keeps_what_was_counted(void **state) {
    (void)state;
    for (unsigned algorithm = SWGI_FIXED_WINDOW; algorithm <= SWGI_SLIDING_LOG; algorithm++) {
        begin(algorithm, 8, S(1));
        for (int i = 0; i < 3; i++)
            assert_int_equal(take(), 0);
        settings.per_ns = (uint64_t)S(60);
        install();
        assert_int_equal(take_all(), 5);
        settings.per_ns = (uint64_t)MS(10);
        install();
        assert_int_equal(take_all(), 0);
        now += MS(20) + SWGI_LOG_UNIT_NS;
        assert_int_equal(take_all(), 8);
    }
}

static void test_another_algorithm_goes_on_from_what_was_counted(void **state) {
    (void)state;
    for (unsigned from = 0; from <= SWGI_SLIDING_LOG; from++)
        for (unsigned to = 0; to <= SWGI_SLIDING_LOG; to++) {
            begin(from, 10, S(1));
            for (int i = 0; i < 4; i++)
                take();
            uint32_t used = from == SWGI_LEAKY_BUCKET ? 1 : 4;
            uint32_t wanted = to == SWGI_LEAKY_BUCKET ? 0 : 10 - used;
            if (from == SWGI_LEAKY_BUCKET && to == SWGI_TOKEN_BUCKET)
                wanted = 9;
            settings.algorithm = (uint8_t)to;
            settings.burst_follows = 1;
            install();
            assert_int_equal(take_all(), wanted);
        }
}

/* ---- what adapts */

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

/* ---- settings */

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
        cmocka_unit_test(test_no_limiter_lets_everything_go),
        cmocka_unit_test(test_a_smaller_bucket_forgets_what_it_could_not_have_lent),
        cmocka_unit_test(test_the_same_settings_again_change_nothing),
        cmocka_unit_test(test_another_rate_keeps_what_was_counted),
        cmocka_unit_test(test_a_log_that_was_shorter_for_a_moment_forgets_nothing),
        cmocka_unit_test(test_a_window_long_past_is_past_in_another_unit_too),
        cmocka_unit_test(test_another_window_keeps_what_was_counted),
        cmocka_unit_test(test_another_algorithm_goes_on_from_what_was_counted),
        cmocka_unit_test(test_the_rate_falls_by_its_factor_and_rises_step_by_step),
        cmocka_unit_test(test_a_period_without_outcomes_says_nothing),
        cmocka_unit_test(test_a_period_is_judged_once),
        cmocka_unit_test(test_what_goes_follows_the_rate),
        cmocka_unit_test(test_a_burst_shrinks_with_the_rate),
        cmocka_unit_test(test_the_load_of_the_system_shrinks_the_rate),
        cmocka_unit_test(test_adapting_goes_on_under_other_settings_and_ends_when_switched_off),
        cmocka_unit_test(test_contradictions_are_refused_by_name_and_range),
        cmocka_unit_test(test_what_follows_is_taken_anew_by_each_compilation),
        cmocka_unit_test(test_the_check_stands_between_any_bytes_and_the_limiter),
    };

    return cmocka_run_group_tests_name("engine: limiter", tests, NULL, NULL);
}
