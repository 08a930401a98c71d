/*
 * Adaptive limits step by step: each figure was worked out by hand from the published source, or
 * from the comment of our own.
 */
#include "engine/adaptive.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "switchgear/switchgear.h"

#define S(n)  ((n)*INT64_C(1000000000))
#define US(n) ((n)*UINT64_C(1000))
#define MS(n) ((n)*UINT64_C(1000000))

static struct swgi_adaptive_words words;
static struct swgi_adaptive_settings settings;
static struct swgi_adaptive_sample sample;
static int64_t now;

static uint32_t limit(void) {
    return swgi_adaptive_limit(&words, &settings);
}

static double real(const swgi_word *word) {
    uint64_t bits = swgi_load(word);
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* cmocka compares floats, which are too coarse for nanoseconds. */
static void assert_real(const swgi_word *word, double wanted) {
    double value = real(word);

    if (!(fabs(value - wanted) <= 1e-9 * fabs(wanted)))
        fail_msg("%.9f is not %.9f", value, wanted);
}

static void put_real(swgi_word *word, double value) {
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    swgi_store(word, bits);
}

static uint32_t update(void) {
    assert_true(swgi_adaptive_begin(&words, S(1), now));
    return swgi_adaptive_update(&words, &settings, &sample, now);
}

/* The circuit is new, and its first window has begun. */
static void begin(uint8_t algorithm, uint32_t initial) {
    memset(&words, 0, sizeof(words));
    memset(&settings, 0, sizeof(settings));
    memset(&sample, 0, sizeof(sample));
    settings.algorithm = algorithm;
    settings.initial = initial;
    now = S(100);
    assert_int_equal(update(), initial);
}

static uint32_t window(uint64_t calls, uint64_t rtt_us, uint64_t failed, uint32_t in_flight) {
    sample.calls += calls;
    sample.time_ns += calls * US(rtt_us);
    sample.failed += failed;
    sample.in_flight = in_flight;
    now += S(1);
    return update();
}

static void test_aimd_adds_one_and_keeps_nine_tenths(void **state) {
    (void)state;
    begin(SWGI_ADAPTIVE_AIMD, 20);
    assert_int_equal(window(10, 10000, 0, 20), 21);
    assert_int_equal(window(10, 10000, 1, 20), 18); /* 21 x 0.9 = 18.9 */
    assert_real(&words.limit, 18);
    assert_int_equal(window(10, 10000, 0, 9), 19); /* 9 x 2 >= 18: used */
    assert_int_equal(window(10, 10000, 0, 9), 19); /* 18 < 19: not used */
    /* The mean is what is longer than the timeout, by one nanosecond. */
    settings.timeout_ns = MS(10);
    assert_int_equal(window(10, 10000, 0, 19), 20);
    sample.time_ns += 10;
    assert_int_equal(window(10, 10000, 0, 20), 18);
    settings.backoff = 0.5;
    assert_int_equal(window(10, 10000, 1, 20), 9);
}

static void test_aimd_as_published_takes_five_seconds_for_overload(void **state) {
    (void)state;
    begin(SWGI_ADAPTIVE_AIMD, 20);
    assert_int_equal(window(10, 5000000, 0, 20), 21);
    assert_int_equal(window(10, 5000001, 0, 20), 18);
}

static void test_vegas_by_the_queue(void **state) {
    (void)state;
    begin(SWGI_ADAPTIVE_VEGAS, 10);
    assert_int_equal(window(10, 10000, 0, 10), 10); /* the least so far, and no more */
    assert_int_equal(window(10, 10000, 0, 10), 16); /* queue 0 <= 1: + beta = 6 log10 */
    assert_int_equal(window(10, 11000, 0, 16), 17); /* ceil(16 (1 - 10/11)) = 2 < 3: + 1 */
    assert_int_equal(window(10, 14000, 0, 17), 17); /* ceil(4.86) = 5, within 3..6 */
    assert_int_equal(window(10, 17000, 0, 17), 16); /* ceil(7) = 7 > 6: - 1 */
    assert_int_equal(window(10, 10000, 3, 16), 15); /* a timeout: - 1 */
    assert_int_equal(window(10, 10000, 0, 7), 15);  /* 14 < 15: not used */
    assert_int_equal(window(10, 9000, 0, 15), 15);  /* a new least, and no more */
    assert_int_equal(window(10, 10000, 0, 15), 16); /* ceil(15 (1 - 9/10)) = 2 < 3 */
    assert_int_equal(window(10, 14000, 0, 16), 16); /* ceil(5.71) = 6, within 3..6 */
    assert_int_equal(window(10, 11000, 0, 16), 16); /* ceil(2.91) = 3, too */
    assert_int_equal(window(10, 9500, 0, 16), 22);  /* ceil(0.84) = 1 <= 1 */
}

static void test_vegas_steps_grow_with_the_limit(void **state) {
    (void)state;
    begin(SWGI_ADAPTIVE_VEGAS, 200);
    assert_int_equal(window(10, 10000, 0, 200), 200);
    assert_int_equal(window(10, 10000, 0, 200), 212); /* log10 is 2: + 12 */
    assert_int_equal(window(10, 10200, 0, 212), 214); /* ceil(4.16) = 5 < 6: + 2 */
    assert_int_equal(window(10, 10700, 0, 214), 212); /* ceil(14) = 14 > 12: - 2 */
    settings.smoothing = 0.5;
    assert_int_equal(window(10, 10700, 0, 212), 211);
    settings.most = 213;
    settings.smoothing = 1;
    assert_int_equal(window(10, 10000, 0, 212), 213);
}

/* A window in 15..30 per permit of the limit makes its own mean the time without load. */
static void test_vegas_measures_again(void **state) {
    unsigned windows = 0;

    (void)state;
    begin(SWGI_ADAPTIVE_VEGAS, 10);
    window(10, 10000, 0, 10);
    while (window(10, 14000, 0, 10) == 10)
        assert_true(++windows < 400);
    assert_int_equal(limit(), 16);
    assert_in_range(windows, 148, 300);
}

static void test_gradient2_by_the_averages(void **state) {
    (void)state;
    begin(SWGI_ADAPTIVE_GRADIENT2, 20);
    window(10, 10000, 0, 20); /* 0.8 x 20 + 0.2 x (20 + 4) */
    assert_real(&words.limit, 20.8);
    assert_int_equal(limit(), 20);
    assert_int_equal(window(10, 10000, 0, 20), 21);
    window(10, 30000, 0, 21); /* long 50/3 ms, gradient 1.5 x 50/90; 0.8 x 21.6 + 0.2 x 22 */
    assert_real(&words.long_rtt, 50e6 / 3);
    assert_real(&words.limit, 21.68);
    window(10, 100000, 0, 21); /* 0.5625; 0.8 x 21.68 + 0.2 x (21.68 x 0.5625 + 4) */
    assert_real(&words.limit, 20.583);
    window(10, 1000000, 0, 21); /* long 230 ms: 0.345, held at 0.5 */
    assert_real(&words.limit, 20.583 * 0.9 + 0.8);
    /* Not used: the averages go on, the limit stays. */
    window(10, 230000, 0, 9);
    assert_real(&words.limit, 20.583 * 0.9 + 0.8);
    assert_real(&words.long_rtt, 230e6);
    /* A timeout is nothing to it. */
    settings.smoothing = 1;
    settings.queue = 1;
    window(10, 230000, 10, 21);
    assert_real(&words.limit, 20.583 * 0.9 + 1.8);
}

static void test_gradient2_warms_up_and_forgets(void **state) {
    (void)state;
    begin(SWGI_ADAPTIVE_GRADIENT2, 20);
    for (int i = 0; i < 10; i++)
        window(10, 100000, 0, 1);
    /* 599/601 of the past; then 5 % less, because it is more than twice the present. */
    window(10, 40000, 0, 1);
    assert_real(&words.long_rtt, (100e6 * 599 + 40e6 * 2) / 601 * 0.95);
    window(10, 90000, 0, 1);
    assert_real(&words.long_rtt, ((100e6 * 599 + 40e6 * 2) / 601 * 0.95 * 599 + 90e6 * 2) / 601);
}

/* Warming up, the sum is what the next mean is made of: the 5 % are forgotten, as published. */
static void test_gradient2_forgets_nothing_while_it_warms_up(void **state) {
    (void)state;
    begin(SWGI_ADAPTIVE_GRADIENT2, 20);
    window(10, 90000, 0, 1);
    window(10, 10000, 0, 1);
    assert_real(&words.long_rtt, 47.5e6);
    window(10, 50000, 0, 1);
    assert_real(&words.long_rtt, 50e6);
}

static uint32_t full_window(uint64_t rtt_us, uint64_t failed) {
    sample.limited = true;
    return window(1000, rtt_us, failed, 0);
}

static void begin_ours(void) {
    begin(SWGI_ADAPTIVE_SWITCHGEAR, 100);
    assert_int_equal(full_window(20000, 0), 50); /* first use: measures */
    assert_int_equal(full_window(19000, 0), 50); /* the queue drains */
    assert_int_equal(full_window(10000, 0), 25); /* fell by half: the half stays, and again */
    assert_int_equal(full_window(10000, 0), 25);
    assert_int_equal(full_window(10000, 0), 50); /* did not fall: 10 ms it is */
}

static void test_ours_measures_then_follows_the_queue(void **state) {
    (void)state;
    begin_ours();
    assert_int_equal(full_window(10000, 0), 62); /* no queue: a quarter more, 62.5 */
    assert_int_equal(full_window(12500, 0), 56); /* 12.5 queue: 50 are served, and 6.25 may queue */
    full_window(11250, 0);                       /* 50 are served, and 5.625 may queue */
    assert_real(&words.limit, 55.625);
    full_window(100000, 0); /* never by more than half at once */
    assert_real(&words.limit, 55.625 / 2 + 5.5625);
}

static void test_ours_grows_only_for_somebody(void **state) {
    (void)state;
    begin_ours();
    sample.limited = false;
    assert_int_equal(window(1000, 10000, 0, 50), 50); /* used up, and nobody was refused */
    assert_int_equal(window(1000, 20000, 0, 50), 30); /* down it goes all the same */
    assert_int_equal(window(100, 40000, 0, 10), 30);  /* not used: durations are no fault of ours */
}

static void test_ours_cuts_by_the_share_of_timeouts(void **state) {
    (void)state;
    begin_ours();
    assert_int_equal(full_window(11111, 9), 50); /* 0.9 %: nothing; as large a queue as allowed */
    put_real(&words.limit, 100);
    assert_int_equal(full_window(10000, 20), 90);  /* 2 %: a fifth of the half */
    assert_int_equal(full_window(10000, 100), 45); /* 10 % */
    assert_int_equal(full_window(10000, 999), 22);
    settings.backoff = 0.8;
    assert_int_equal(full_window(10000, 999), 18);
}

static void test_ours_does_not_measure_among_timeouts(void **state) {
    (void)state;
    begin(SWGI_ADAPTIVE_SWITCHGEAR, 100);
    assert_int_equal(full_window(20000, 0), 50);
    assert_int_equal(full_window(20000, 500), 50); /* half of 100, which is not halved again */
    assert_real(&words.limit, 50);
    assert_real(&words.least_rtt, 20e6); /* overload is answered fast */
    full_window(1000, 500);
    assert_real(&words.least_rtt, 20e6);
}

static void test_ours_waits_for_enough_calls(void **state) {
    (void)state;
    begin(SWGI_ADAPTIVE_SWITCHGEAR, 100);
    sample.limited = true;
    assert_int_equal(window(199, 20000, 0, 100), 100); /* twice the limit */
    assert_int_equal(window(1, 20000, 0, 100), 50);
    assert_int_equal(window(97, 20000, 2, 100), 50); /* two timeouts are no hurry */
    assert_int_equal(window(1, 20000, 1, 100), 84);  /* three are: 3 of 98 */
}

static void test_ours_measures_every_minute_under_load(void **state) {
    unsigned windows = 0;

    (void)state;
    begin_ours();
    while (full_window(11111, 0) > 40)
        assert_true(++windows < 100);
    assert_int_equal(windows, 59);
    assert_int_equal(full_window(11111, 0), 25);
    assert_int_equal(full_window(10000, 0), 50);
}

static void test_ours_measures_when_in_doubt(void **state) {
    (void)state;
    begin_ours(); /* the server gets twice as slow: to a half, and before it starves, measured */
    assert_int_equal(full_window(20000, 0), 30);
    assert_int_equal(full_window(20000, 0), 9); /* 18 by the queue; half of it */
    full_window(20000, 0);
    assert_int_equal(full_window(20000, 0), 18);
    assert_int_equal(full_window(20000, 0), 22);
    begin_ours(); /* and faster */
    assert_int_equal(full_window(8000, 0), 31);
}

/* ---- windows */

static void test_one_takes_the_update(void **state) {
    (void)state;
    begin(SWGI_ADAPTIVE_AIMD, 20);
    assert_false(swgi_adaptive_due(&words, S(1), now + S(1) - 1));
    assert_false(swgi_adaptive_begin(&words, S(1), now + S(1) - 1));
    assert_true(swgi_adaptive_due(&words, S(1), now + S(1)));
    assert_true(swgi_adaptive_begin(&words, S(1), now + S(1)));
    assert_false(swgi_adaptive_begin(&words, S(1), now + S(1)));
    assert_false(swgi_adaptive_due(&words, S(1), now + S(2) - 1));
}

static void test_a_stamp_from_nowhere_is_no_stop(void **state) {
    (void)state;
    begin(SWGI_ADAPTIVE_AIMD, 20);
    swgi_store(&words.stamp, (uint64_t)INT64_MAX);
    assert_true(swgi_adaptive_due(&words, S(1), now));
    assert_true(swgi_adaptive_begin(&words, S(1), now));
    swgi_store(&words.stamp, (uint64_t)INT64_MIN);
    assert_true(swgi_adaptive_begin(&words, S(1), now));
}

static void test_few_calls_prolong_the_window(void **state) {
    (void)state;
    begin(SWGI_ADAPTIVE_AIMD, 20);
    assert_int_equal(window(9, 10000, 9, 20), 20);
    assert_int_equal(swgi_adaptive_began(&words), S(100));
    assert_int_equal(window(1, 10000, 0, 20), 18); /* the nine are not forgotten */
    assert_int_equal(swgi_adaptive_began(&words), now);
}

static void test_the_mean_in_flight_counts_as_use(void **state) {
    (void)state;
    begin(SWGI_ADAPTIVE_AIMD, 20);
    assert_int_equal(window(999, 10000, 0, 0), 20);  /* 9.99 in flight */
    assert_int_equal(window(1000, 10000, 0, 0), 21); /* 10 */
    sample.limited = true;
    assert_int_equal(window(10, 10000, 0, 0), 22);
}

/* Killed between two stores, or two at once: one window is lost and nothing else. */
static void test_torn_sums_begin_anew(void **state) {
    swgi_word *torn[] = { &words.began, &words.calls, &words.time_ns, &words.failed, &words.seal };

    (void)state;
    for (unsigned i = 0; i < sizeof(torn) / sizeof(torn[0]); i++) {
        begin(SWGI_ADAPTIVE_AIMD, 20);
        assert_int_equal(window(10, 10000, 0, 20), 21);
        swgi_store(torn[i], swgi_load(torn[i]) ^ 1);
        assert_int_equal(window(1000, 10000, 1000, 20), 21);
        assert_int_equal(window(10, 10000, 0, 20), 22);
    }
}

static void test_who_was_overtaken_moves_nothing(void **state) {
    struct swgi_adaptive_sample old;

    (void)state;
    begin(SWGI_ADAPTIVE_AIMD, 20);
    sample.calls += 10;
    sample.failed += 10;
    now += S(1);
    assert_true(swgi_adaptive_begin(&words, S(1), now));
    old = sample;
    assert_int_equal(window(10, 10000, 0, 20), 18);
    assert_int_equal(swgi_adaptive_update(&words, &settings, &old, now - S(1)), 18);
    /* Nor when it summed up after the other did. */
    old = sample;
    old.calls += 20;
    old.failed += 20;
    assert_int_equal(swgi_adaptive_update(&words, &settings, &old, now - S(1)), 18);
    assert_int_equal(swgi_adaptive_began(&words), now);
    assert_int_equal(window(10, 10000, 0, 20), 19);
}

static void test_sums_that_went_back_are_no_calls(void **state) {
    (void)state;
    begin(SWGI_ADAPTIVE_AIMD, 20);
    window(100, 10000, 0, 20);
    sample.calls -= 50;
    sample.time_ns = 0;
    assert_int_equal(window(10, 10000, 0, 20), 21);
    assert_int_equal(window(1000, 10000, 2000, 20), 18); /* no more failed than ended */
}

static void test_another_algorithm_keeps_the_limit_alone(void **state) {
    (void)state;
    begin_ours();
    settings.algorithm = SWGI_ADAPTIVE_VEGAS;
    assert_int_equal(limit(), 50);
    assert_int_equal(full_window(30000, 0), 50);
    assert_real(&words.least_rtt, 30e6);
    assert_int_equal(full_window(30000, 0), 56);
}

/* ---- words and settings nobody wrote */

static void test_a_limit_that_is_none_heals(void **state) {
    static const double none[] = { 0, -0.0, -1, -INFINITY, INFINITY, NAN, -NAN, 1e300 };

    (void)state;
    for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        begin(SWGI_ADAPTIVE_GRADIENT2, 33);
        put_real(&words.limit, none[i]);
        assert_int_equal(limit(), 33);
        put_real(&words.long_rtt, none[i]);
        put_real(&words.least_rtt, none[i]);
        put_real(&words.reference, none[i]);
        assert_int_equal(window(10, 10000, 0, 33), 33);
        assert_real(&words.limit, 33.8);
    }
    put_real(&words.limit, 1e9);
    assert_int_equal(limit(), 200);
    put_real(&words.limit, 0.001);
    assert_int_equal(limit(), 1);
}

static void test_whatever_stands_there_a_limit_comes_out(void **state) {
    struct swgi_random random;
    uint64_t image[sizeof(words) / 8], wild[sizeof(settings) / 8];

    (void)state;
    swgi_random_init(&random, 5);
    for (int i = 0; i < 300000; i++) {
        struct swgi_adaptive_settings resolved;
        uint32_t got;

        for (unsigned j = 0; j < sizeof(image) / 8; j++)
            image[j] = swgi_random_next(&random) >> swgi_random_below(&random, 64);
        for (unsigned j = 0; j < sizeof(wild) / 8; j++)
            wild[j] = swgi_random_next(&random) >> swgi_random_below(&random, 64);
        memcpy(&words, image, sizeof(words));
        memcpy(&settings, wild, sizeof(settings));
        settings.algorithm %= 6;
        resolved = swgi_adaptive_resolved(&settings);
        sample = (struct swgi_adaptive_sample){ .limited = i & 1 };
        now = (int64_t)swgi_random_next(&random);
        /* The second window is judged: the first has sealed its sums. */
        for (int step = 0; step < 4; step++) {
            swgi_store(&words.stamp, (uint64_t)now);
            got = swgi_adaptive_update(&words, &settings, &sample, now);
            assert_in_range(got, resolved.least, resolved.most);
            assert_in_range(got, 1, SWGI_PERMITS_MAX);
            sample.calls += swgi_random_next(&random) >> swgi_random_below(&random, 64);
            sample.time_ns += swgi_random_next(&random) >> swgi_random_below(&random, 64);
            sample.failed += swgi_random_next(&random) >> swgi_random_below(&random, 64);
        }
        assert_true(isfinite(real(&words.limit)) || resolved.algorithm == SWGI_ADAPTIVE_OFF);
    }
}

static void test_what_is_not_set_is_the_algorithms_own(void **state) {
    struct swgi_adaptive_settings own;

    (void)state;
    memset(&settings, 0, sizeof(settings));
    settings.algorithm = SWGI_ADAPTIVE_AIMD;
    own = swgi_adaptive_resolved(&settings);
    assert_int_equal(own.least, 1);
    assert_int_equal(own.most, 200);
    assert_int_equal(own.initial, 20);
    assert_int_equal(own.window_ns, S(1));
    assert_int_equal(own.timeout_ns, S(5));
    assert_true(own.backoff == 0.9);
    settings.algorithm = SWGI_ADAPTIVE_VEGAS;
    own = swgi_adaptive_resolved(&settings);
    assert_int_equal(own.most, 1000);
    assert_true(own.smoothing == 1);
    settings.algorithm = SWGI_ADAPTIVE_GRADIENT2;
    own = swgi_adaptive_resolved(&settings);
    assert_int_equal(own.most, 200);
    assert_int_equal(own.queue, 4);
    assert_true(own.smoothing == 0.2 && own.tolerance == 1.5);
    assert_int_equal(swgi_adaptive_compile(&settings, 12, NULL), 0);
    own = swgi_adaptive_resolved(&settings);
    assert_int_equal(own.most, 12);
    assert_int_equal(own.initial, 12);
    assert_int_equal(swgi_adaptive_compile(&settings, 500, NULL), 0);
    assert_int_equal(swgi_adaptive_resolved(&settings).most, 500);
}

struct refusal {
    struct swgi_adaptive_settings given;
    const char *key, *text;
};

static const struct refusal refusals[] = {
    { { .algorithm = 5 },
      "adaptive.algorithm",
      "5; allowed: off, aimd, vegas, gradient2, switchgear" },
    { { .most = 101 },
      "adaptive.max",
      "101 is more than bulkhead.max_concurrent; allowed: 1..100, or 0 for that" },
    { { .least = 101 }, "adaptive.min", "101 is more than the limit may become; allowed: 1..100" },
    { { .least = 30, .most = 20 },
      "adaptive.min",
      "30 is more than the limit may become; allowed: 1..20" },
    { { .least = 30, .most = 40, .initial = 41 },
      "adaptive.initial",
      "41 lies outside adaptive.min and adaptive.max; allowed: 30..40, or 0 for the algorithm's "
      "own" },
    { { .window_ns = 1 },
      "adaptive.window",
      "1ns; allowed: 10ms..10m, or 0 for the algorithm's own" },
    { { .timeout_ns = 7200 * UINT64_C(1000000000) },
      "adaptive.timeout",
      "2h; allowed: 1ms..1h, or 0 for the algorithm's own" },
    { { .backoff = 0.25 },
      "adaptive.backoff",
      "0.25; allowed: 0.5..0.99, or 0 for the algorithm's own" },
    { { .backoff = NAN },
      "adaptive.backoff",
      "?; allowed: 0.5..0.99, or 0 for the algorithm's own" },
    { { .smoothing = 1.5 },
      "adaptive.smoothing",
      "1.5; allowed: 0.01..1, or 0 for the algorithm's own" },
    { { .tolerance = 0.9 },
      "adaptive.tolerance",
      "0.9; allowed: 1..10, or 0 for the algorithm's own" },
    { { .queue = 1001 }, "adaptive.queue", "1001; allowed: 1..1000, or 0 for the algorithm's own" },
};

static void test_what_contradicts_is_refused(void **state) {
    (void)state;
    for (unsigned i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct swgi_adaptive_settings given = refusals[i].given;
        struct swg_error error = SWG_ERROR_INIT;

        if (given.algorithm == SWGI_ADAPTIVE_OFF)
            given.algorithm = SWGI_ADAPTIVE_SWITCHGEAR;
        assert_int_equal(swgi_adaptive_compile(&given, 100, &error), -EINVAL);
        assert_string_equal(error.key, refusals[i].key);
        assert_string_equal(error.text, refusals[i].text);
        assert_false(swgi_adaptive_settings_check(&given));
        if (given.algorithm < 5) {
            given.algorithm = SWGI_ADAPTIVE_OFF; /* what is off cannot contradict anything */
            assert_int_equal(swgi_adaptive_compile(&given, 100, NULL), 0);
        }
    }
}

static void test_the_edges_are_allowed(void **state) {
    struct swgi_adaptive_settings given = { .algorithm = SWGI_ADAPTIVE_SWITCHGEAR,
                                            .least = 1,
                                            .most = SWGI_PERMITS_MAX,
                                            .initial = SWGI_PERMITS_MAX,
                                            .queue = 1000,
                                            .window_ns = MS(10),
                                            .timeout_ns = MS(1),
                                            .backoff = 0.5,
                                            .smoothing = 0.01,
                                            .tolerance = 10 };

    (void)state;
    assert_int_equal(swgi_adaptive_compile(&given, 0, NULL), 0);
    assert_true(swgi_adaptive_settings_check(&given));
    given.most++;
    assert_int_equal(swgi_adaptive_compile(&given, 0, NULL), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aimd_adds_one_and_keeps_nine_tenths),
        cmocka_unit_test(test_aimd_as_published_takes_five_seconds_for_overload),
        cmocka_unit_test(test_vegas_by_the_queue),
        cmocka_unit_test(test_vegas_steps_grow_with_the_limit),
        cmocka_unit_test(test_vegas_measures_again),
        cmocka_unit_test(test_gradient2_by_the_averages),
        cmocka_unit_test(test_gradient2_warms_up_and_forgets),
        cmocka_unit_test(test_gradient2_forgets_nothing_while_it_warms_up),
        cmocka_unit_test(test_ours_measures_then_follows_the_queue),
        cmocka_unit_test(test_ours_grows_only_for_somebody),
        cmocka_unit_test(test_ours_cuts_by_the_share_of_timeouts),
        cmocka_unit_test(test_ours_does_not_measure_among_timeouts),
        cmocka_unit_test(test_ours_waits_for_enough_calls),
        cmocka_unit_test(test_ours_measures_every_minute_under_load),
        cmocka_unit_test(test_ours_measures_when_in_doubt),
        cmocka_unit_test(test_one_takes_the_update),
        cmocka_unit_test(test_a_stamp_from_nowhere_is_no_stop),
        cmocka_unit_test(test_few_calls_prolong_the_window),
        cmocka_unit_test(test_the_mean_in_flight_counts_as_use),
        cmocka_unit_test(test_torn_sums_begin_anew),
        cmocka_unit_test(test_who_was_overtaken_moves_nothing),
        cmocka_unit_test(test_sums_that_went_back_are_no_calls),
        cmocka_unit_test(test_another_algorithm_keeps_the_limit_alone),
        cmocka_unit_test(test_a_limit_that_is_none_heals),
        cmocka_unit_test(test_whatever_stands_there_a_limit_comes_out),
        cmocka_unit_test(test_what_is_not_set_is_the_algorithms_own),
        cmocka_unit_test(test_what_contradicts_is_refused),
        cmocka_unit_test(test_the_edges_are_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
