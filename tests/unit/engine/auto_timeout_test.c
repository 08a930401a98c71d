/* The timeout a circuit finds out: simulated dependencies that get slower, faster, or stop; and updaters that are killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "engine/auto_timeout.h"
#include "switchgear/switchgear.h"

#define MS(n) (INT64_C(1000000) * (n))
#define S(n)  MS(INT64_C(1000) * (n))

static struct swgi_timeout_words words;
static struct swgi_timeout_settings settings;
static struct swgi_durations sums;
static struct swgi_random chance;
static int64_t now;
static uint64_t cut_off;
static double failing, overloaded; /* shares of calls that are answered in a millisecond */

/* One good call in a thousand may be cut off. */
static int begin(void **state) {
    (void)state;
    memset((void *)&words, 0, sizeof(words));
    memset(&sums, 0, sizeof(sums));
    swgi_random_init(&chance, 42);
    settings = (struct swgi_timeout_settings){
        .attempt_ns = UINT64_MAX,
        .total_ns = UINT64_MAX,
        .auto_least_ns = (uint64_t)MS(1),
        .auto_most_ns = (uint64_t)S(10),
        .auto_ppm = 1000,
    };
    now = S(500);
    failing = overloaded = 0;
    swgi_timeout_install(&words, &settings);
    return 0;
}

#define STORY(story) cmocka_unit_test_setup(story, begin)

/* ---- a dependency whose durations are lognormal */

#define SIGMA   0.5
#define Z_999   3.0902 /* where a thousandth of the normal distribution lies beyond */
#define A_CYCLE 6.283185307179586

static double normal(void) {
    double radius = sqrt(-2 * log(1 - swgi_random_share(&chance)));

    return radius * cos(A_CYCLE * swgi_random_share(&chance));
}

static double quantile(double median_ms) {
    return median_ms * exp(SIGMA * Z_999);
}

static double timeout_ms(void) {
    return (double)swgi_timeout_attempt(&words) / 1e6;
}

static void count(double took_ms) {
    sums.bins[swgi_histogram_bin((int64_t)(took_ms * 1e6))]++;
}

/* Who is cut off notices it a little early, or a little late. */
static void call(double median_ms) {
    double took_ms = median_ms * exp(SIGMA * normal()), lot = swgi_random_share(&chance);
    bool in_time = took_ms < timeout_ms();

    if (lot < failing + overloaded) {
        sums.failures += lot < failing;
        sums.timeouts += lot >= failing;
        count(1);
        return;
    }
    sums.timeouts += !in_time;
    cut_off += !in_time;
    count(in_time ? took_ms : timeout_ms() * (0.98 + 0.04 * swgi_random_share(&chance)));
}

/* So many seconds of so many calls; how many were cut off. */
static uint64_t live(unsigned seconds, unsigned calls, double median_ms) {
    uint64_t before = cut_off;

    for (unsigned i = 0; i < seconds; i++) {
        for (unsigned n = 0; n < calls; n++)
            call(median_ms);
        now += S(1);
        if (swgi_timeout_due(&words, &settings, now) && swgi_timeout_begin(&words, &settings, now))
            swgi_timeout_update(&words, &settings, &sums, now);
    }
    return cut_off - before;
}

/* At most a bin above what is wanted; a tenth either way is the sample's. */
static void assert_follows(double median_ms) {
    double wanted = quantile(median_ms);

    if (timeout_ms() < wanted * 0.9 || timeout_ms() > wanted * 1.25 * 1.1)
        fail_msg("%f ms, where %f is wanted", timeout_ms(), wanted);
}

static void test_it_finds_the_quantile(void **state) {
    (void)state;
    for (unsigned median_ms = 3; median_ms < 300; median_ms += median_ms + median_ms / 3) {
        begin(state);
        live(20, 2000, median_ms);
        assert_follows(median_ms);
    }
}

static void test_until_there_is_enough_it_is_the_longest(void **state) {
    (void)state;
    assert_true(timeout_ms() == 10000);
    live(5, 1999, 10); /* the first second only begins the period */
    assert_true(timeout_ms() == 10000);
    live(2, 2000, 10);
    assert_follows(10);
}

static void test_or_what_was_set(void **state) {
    (void)state;
    settings.attempt_ns = (uint64_t)MS(700);
    swgi_timeout_install(&words, &settings);
    assert_true(timeout_ms() == 700);
    settings.attempt_ns = (uint64_t)S(700);
    swgi_timeout_install(&words, &settings);
    assert_true(timeout_ms() == 10000);
}

static void test_good_calls_are_cut_off_no_more_often_than_accepted(void **state) {
    (void)state;
    live(60, 2000, 10);
    uint64_t bad = live(1800, 2000, 10);
    assert_true((double)bad < 1800 * 2000 * 0.001 * 1.1);
}

/* If calls that were cut off were left out, each period would begin from a shorter tail. */
static void test_it_does_not_shorten_itself(void **state) {
    (void)state;
    for (unsigned period = 0; period < 24; period++) {
        live(310, 400, 10);
        assert_follows(10);
    }
}

static void test_it_follows_a_dependency_that_gets_slower(void **state) {
    (void)state;
    live(60, 2000, 10);
    live(30, 2000, 30);
    assert_follows(30);
    assert_true((double)live(60, 2000, 30) < 60 * 2000 * 0.001 * 1.5);
}

static void test_even_if_every_call_is_cut_off(void **state) {
    (void)state;
    live(60, 2000, 2);
    live(40, 2000, 200);
    assert_follows(200);
}

static void test_a_little_slower_is_noticed_too(void **state) {
    (void)state;
    live(60, 2000, 10);
    live(400, 2000, 14);
    assert_follows(14);
}

static void test_it_follows_a_dependency_that_gets_faster(void **state) {
    (void)state;
    live(60, 2000, 30);
    assert_follows(30);
    live(610, 2000, 10);
    assert_follows(10);
}

static void test_it_follows_with_few_calls(void **state) {
    (void)state;
    settings.auto_ppm = 100000; /* one in ten: a hundred calls are enough */
    live(400, 1, 50);
    double wanted = 50 * exp(SIGMA * 1.2816);
    assert_true(timeout_ms() > wanted * 0.8 && timeout_ms() < wanted * 1.25 * 1.25);
    live(1500, 1, 150);
    assert_true(timeout_ms() > 3 * wanted * 0.8 && timeout_ms() < 3 * wanted * 1.25 * 1.25);
}

static void test_it_ends_at_its_bounds(void **state) {
    (void)state;
    settings.auto_least_ns = (uint64_t)MS(200);
    settings.auto_most_ns = (uint64_t)MS(900);
    swgi_timeout_install(&words, &settings);
    live(60, 2000, 1);
    assert_true(timeout_ms() == 200);
    live(60, 2000, 100000); /* it answers nothing */
    assert_true(timeout_ms() == 900);
    live(20, 2000, 100);
    assert_follows(100);
    live(400, 2000, 1);
    live(400, 2000, 1);
    assert_true(timeout_ms() == 200);
}

static void test_failures_are_left_out(void **state) {
    (void)state;
    failing = 0.9;
    live(30, 2000, 10);
    live(60, 2000, 30);
    assert_follows(30);
    live(20, 200, 30);
    assert_follows(30);
}

/* Overload is a timeout by its outcome, and cuts nothing off: it does not lengthen without end. */
static void test_quick_refusals_lengthen_little(void **state) {
    (void)state;
    overloaded = 0.3;
    live(30, 2000, 10);
    for (unsigned i = 0; i < 600; i++) {
        live(1, 2000, 10);
        assert_true(timeout_ms() > quantile(10) * 0.75 && timeout_ms() < quantile(10) * 2.1);
    }
}

static void test_a_few_timeouts_are_chance(void **state) {
    (void)state;
    settings.attempt_ns = (uint64_t)MS(700);
    swgi_timeout_install(&words, &settings);
    live(1, 0, 10);
    sums.timeouts += 8;
    for (unsigned i = 0; i < 7; i++)
        count(700);
    live(5, 0, 10);
    assert_true(timeout_ms() == 700);
    count(700);
    live(5, 0, 10); /* once: what was cut off by the shorter one says nothing of the longer */
    assert_true(timeout_ms() == 1050);
}

static void test_a_few_too_many_change_nothing(void **state) {
    (void)state;
    settings.attempt_ns = (uint64_t)MS(700);
    swgi_timeout_install(&words, &settings);
    live(1, 0, 10);
    sums.bins[swgi_histogram_bin(MS(10))] += 99900;
    sums.bins[swgi_histogram_bin(MS(700))] += 110;
    sums.timeouts += 110;
    live(1, 0, 10);
    assert_true(timeout_ms() == 700);
    sums.timeouts -= 15; /* they were only slow: no more than allowed */
    live(1, 0, 10);
    assert_true(timeout_ms() > 700 && timeout_ms() < 700 * 1.25);
}

static void test_a_period_waits_for_enough_calls(void **state) {
    (void)state;
    live(9990, 1, 10);
    assert_true(timeout_ms() == 10000);
    live(20, 1, 10);
    assert_true(timeout_ms() > quantile(10) * 0.8 && timeout_ms() < quantile(10) * 1.25 * 1.25);
}

/* ---- the stamp, settings */

static void test_one_updater_a_second(void **state) {
    (void)state;
    assert_true(swgi_timeout_due(&words, &settings, now));
    assert_true(swgi_timeout_begin(&words, &settings, now));
    assert_false(swgi_timeout_begin(&words, &settings, now));
    assert_false(swgi_timeout_due(&words, &settings, now + S(1) - 1));
    assert_false(swgi_timeout_begin(&words, &settings, now + S(1) - 1));
    assert_true(swgi_timeout_due(&words, &settings, now + S(1)));
    assert_true(swgi_timeout_begin(&words, &settings, now + S(1)));
    /* An instant of nobody's clock: taken for long ago. */
    swgi_store(&words.stamp, (uint64_t)(now + S(9999)));
    assert_true(swgi_timeout_begin(&words, &settings, now));
}

static void test_without_auto_it_is_what_is_set(void **state) {
    (void)state;
    settings.auto_ppm = UINT32_MAX;
    swgi_timeout_install(&words, &settings);
    assert_true(swgi_timeout_attempt(&words) == UINT64_MAX);
    settings.attempt_ns = (uint64_t)S(700);
    swgi_timeout_install(&words, &settings);
    assert_true(swgi_timeout_attempt(&words) == (uint64_t)S(700));
    assert_false(swgi_timeout_due(&words, &settings, now));
    assert_false(swgi_timeout_begin(&words, &settings, now));
    memset((void *)&words, 0, sizeof(words));
    assert_true(swgi_timeout_attempt(&words) == UINT64_MAX);
}

static void test_new_settings_keep_what_was_found(void **state) {
    (void)state;
    live(20, 2000, 10);
    uint64_t found = swgi_timeout_attempt(&words);
    swgi_timeout_install(&words, &settings);
    assert_int_equal(swgi_timeout_attempt(&words), found);
    settings.auto_least_ns = (uint64_t)MS(500);
    swgi_timeout_install(&words, &settings);
    assert_true(timeout_ms() == 500);
    settings.auto_ppm = UINT32_MAX;
    settings.attempt_ns = (uint64_t)S(2);
    swgi_timeout_install(&words, &settings);
    settings.auto_ppm = 1000;
    settings.attempt_ns = UINT64_MAX;
    swgi_timeout_install(&words, &settings);
    assert_true(timeout_ms() == 10000);
}

static void test_people_see_what_the_period_holds(void **state) {
    struct swgi_timeout_period period;

    (void)state;
    assert_false(swgi_timeout_look(&words, &settings, &sums, &period));
    live(1, 100, 10);
    assert_true(swgi_timeout_look(&words, &settings, &sums, &period));
    assert_int_equal(period.good, 0);
    assert_int_equal(period.needed, 10000);
    assert_in_range(period.since, now - (1 << 22), now);
    live(3, 100, 10);
    assert_true(swgi_timeout_look(&words, &settings, &sums, &period));
    assert_int_equal(period.good, 300);
}

/* ---- killed and stopped updaters */

static swgi_word *written(struct swgi_timeout_words *of, unsigned i) {
    return i == 0 ? &of->rotated : i < 3 ? &of->spare[i - 1] : &of->bins[i - 3];
}
#define WRITTEN (3 + SWGI_HISTOGRAM_BINS)

static void copy_words(struct swgi_timeout_words *to, struct swgi_timeout_words *from) {
    memcpy((void *)to, (void *)from, sizeof(*to));
}

/* The words before and after a period began, more than four minutes apart. */
static void two_periods(struct swgi_timeout_words *before, struct swgi_timeout_words *after) {
    live(20, 2000, 10);
    uint64_t rotated = swgi_load(&words.rotated);
    while (swgi_load(&words.rotated) == rotated) {
        copy_words(before, &words);
        live(1, 2000, 10);
    }
    copy_words(after, &words);
}

static void mix(struct swgi_timeout_words *first, struct swgi_timeout_words *rest, unsigned count) {
    for (unsigned i = 0; i < WRITTEN; i++)
        swgi_store(written(&words, i), swgi_load(written(i < count ? first : rest, i)));
}

static void assert_begins_anew(void) {
    struct swgi_timeout_period period;
    uint64_t timeout = swgi_timeout_attempt(&words);

    assert_false(swgi_timeout_look(&words, &settings, &sums, &period));
    live(1, 0, 10);
    assert_true(swgi_timeout_look(&words, &settings, &sums, &period));
    assert_int_equal(period.good, 0);
    assert_int_equal(swgi_timeout_attempt(&words), timeout);
}

static void test_an_updater_may_be_killed_anywhere(void **state) {
    struct swgi_timeout_words before, after;

    (void)state;
    two_periods(&before, &after);
    for (unsigned count = 1; count < WRITTEN; count++) {
        mix(&after, &before, count);
        assert_begins_anew();
    }
    live(10, 2000, 10);
    assert_follows(10);
}

static void test_one_that_was_stopped_spoils_a_period_and_no_more(void **state) {
    struct swgi_timeout_words before, after;

    (void)state;
    two_periods(&before, &after);
    for (unsigned count = 2; count < WRITTEN; count++) {
        mix(&before, &after, count);
        swgi_store(&words.rotated, swgi_load(&after.rotated));
        assert_begins_anew();
    }
}

static void test_any_words_give_a_timeout_within_its_bounds(void **state) {
    swgi_word *all = (swgi_word *)(void *)&words;

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        for (unsigned j = 1; j < sizeof(words) / sizeof(*all); j++)
            swgi_store(&all[j], swgi_random_next(&chance) >> swgi_random_below(&chance, 64));
        uint64_t mark = (swgi_load(&words.rotated) % 65535 + 1) << 48;
        for (unsigned j = 1; i % 2 == 0 && j < WRITTEN; j++)
            swgi_store(written(&words, j), mark | swgi_load(written(&words, j)) >> 16);
        live(3, 1, 10);
        assert_in_range(swgi_timeout_attempt(&words), MS(1), S(10));
    }
    live(700, 2000, 10);
    assert_follows(10);
}

/* ---- contradictions */

static void assert_refused(const char *key, const char *told) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swgi_timeout_settings copy = settings;

    assert_int_equal(swgi_timeout_compile(&copy, &error), -EINVAL);
    assert_string_equal(error.key, key);
    if (strstr(error.text, told) == NULL)
        fail_msg("\"%s\" does not tell \"%s\"", error.text, told);
}

static void test_contradictions_are_refused_by_name(void **state) {
    (void)state;
    assert_int_equal(swgi_timeout_compile(&settings, NULL), 0);
    settings.attempt_ns = (uint64_t)S(5);
    settings.total_ns = (uint64_t)S(2);
    assert_refused("timeout.attempt", "5s is longer than timeout.total; allowed: 2s or shorter");
    settings.attempt_ns = UINT64_MAX;
    assert_int_equal(swgi_timeout_compile(&settings, NULL), 0);
    settings.auto_least_ns = (uint64_t)S(3);
    assert_refused("timeout.auto_min", "3s is longer than timeout.total; allowed: 2s or shorter");
    settings.auto_most_ns = (uint64_t)S(1);
    assert_refused("timeout.auto_min", "3s is longer than timeout.auto_max");
}

#define ODD(field, value)                                                 \
    do {                                                                  \
        begin(state);                                                     \
        assert_true(swgi_timeout_settings_check(&settings));              \
        settings.field = (value);                                         \
        assert_false(swgi_timeout_settings_check(&settings));             \
        assert_int_equal(swgi_timeout_compile(&settings, NULL), -EINVAL); \
    } while (0)

static void test_nonsense_in_memory_is_noticed(void **state) {
    ODD(attempt_ns, 0);
    ODD(attempt_ns, (uint64_t)INT64_MAX + 1);
    ODD(total_ns, 0);
    ODD(auto_ppm, 0);
    ODD(auto_ppm, 1000000);
    ODD(auto_least_ns, 0);
    ODD(auto_least_ns, (uint64_t)S(11));
    ODD(auto_most_ns, UINT64_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_it_finds_the_quantile),
        STORY(test_until_there_is_enough_it_is_the_longest),
        STORY(test_or_what_was_set),
        STORY(test_good_calls_are_cut_off_no_more_often_than_accepted),
        STORY(test_it_does_not_shorten_itself),
        STORY(test_it_follows_a_dependency_that_gets_slower),
        STORY(test_even_if_every_call_is_cut_off),
        STORY(test_a_little_slower_is_noticed_too),
        STORY(test_it_follows_a_dependency_that_gets_faster),
        STORY(test_it_follows_with_few_calls),
        STORY(test_it_ends_at_its_bounds),
        STORY(test_failures_are_left_out),
        STORY(test_quick_refusals_lengthen_little),
        STORY(test_a_few_timeouts_are_chance),
        STORY(test_a_few_too_many_change_nothing),
        STORY(test_a_period_waits_for_enough_calls),
        STORY(test_one_updater_a_second),
        STORY(test_without_auto_it_is_what_is_set),
        STORY(test_new_settings_keep_what_was_found),
        STORY(test_people_see_what_the_period_holds),
        STORY(test_an_updater_may_be_killed_anywhere),
        STORY(test_one_that_was_stopped_spoils_a_period_and_no_more),
        STORY(test_any_words_give_a_timeout_within_its_bounds),
        STORY(test_contradictions_are_refused_by_name),
        STORY(test_nonsense_in_memory_is_noticed),
    };

    return cmocka_run_group_tests_name("engine: timeouts", tests, NULL, NULL);
}
