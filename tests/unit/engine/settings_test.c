/* Settings as numbers: what is compiled from what, and what must not be acted upon. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "engine/settings.h"
#include "switchgear/switchgear.h"

#define MS(n) ((n)*UINT64_C(1000000))
#define S(n)  ((n)*UINT64_C(1000000000))

static struct swgi_settings defaults(void) {
    struct swgi_settings settings;

    swgi_settings_default(&settings);
    return settings;
}

static struct swgi_settings with_change(double healthy, double unhealthy, double false_trip) {
    struct swgi_settings settings = defaults();

    settings.score = (struct swgi_score_settings){ .kind = SWGI_SCORE_CHANGE,
                                                   .healthy = healthy,
                                                   .unhealthy = unhealthy,
                                                   .false_trip_once_in = false_trip };
    return settings;
}

static struct swgi_settings with_windows(const uint64_t *windows, unsigned count) {
    struct swgi_settings settings = defaults();

    for (unsigned i = 0; i < count; i++)
        settings.time[i] = (struct swgi_time_rule){ .kind = SWGI_TIME_FAILURE_RATE,
                                                    .calls_min = 10,
                                                    .threshold = 500000,
                                                    .window_ns = windows[i] };
    return settings;
}

static void assert_refused(struct swgi_settings settings, const char *key, const char *part) {
    struct swg_error error = SWG_ERROR_INIT;

    assert_int_equal(swgi_settings_compile(&settings, &error), -EINVAL);
    assert_string_equal(error.key, key);
    assert_non_null(strstr(error.text, part));
}

static void assert_compiles(struct swgi_settings *settings) {
    struct swg_error error = SWG_ERROR_INIT;

    if (swgi_settings_compile(settings, &error) != 0)
        fail_msg("%s: %s", error.key, error.text);
    assert_true(swgi_settings_check(settings));
}

static void test_the_defaults_are_those_of_the_design(void **state) {
    struct swgi_settings settings = defaults();

    (void)state;
    assert_true(swgi_settings_check(&settings));
    assert_int_equal(settings.score.kind, SWGI_SCORE_CONSECUTIVE);
    assert_int_equal(settings.score.consecutive, 5);
    assert_int_equal(settings.score.limit, 10);
    assert_int_equal(settings.count.calls, 0);
    assert_int_equal(settings.time[0].kind, SWGI_TIME_NONE);
    assert_int_equal(settings.slice_ns, 0);
    assert_int_equal(settings.open_for_ns, S(30));
    assert_int_equal(settings.open_max_ns, S(30));
    assert_int_equal(settings.backoff_reset_ns, S(300));
    assert_int_equal(settings.retry_after_max_ns, S(600));
    assert_true(settings.open_multiplier == 1.0);
    assert_true(settings.open_jitter == 0.1);
    assert_int_equal(settings.probes, 1);
    assert_int_equal(settings.success_threshold, 2);
    assert_int_equal(settings.half_open_max_ns, S(60));
    assert_int_equal(settings.ramp_steps, 0);
    assert_int_equal(settings.ramp_step_ns, S(10));
    assert_int_equal(settings.min_interval_ns, S(1));
    assert_int_equal(settings.cooldown_ns, 0);
    assert_true(settings.slow_ns == SWGI_OFF);
    assert_int_equal(settings.call_load_above, UINT32_MAX);
    assert_true(settings.system_load_above == 0.85);
    assert_int_equal(settings.timeout_half_units, 2);
    assert_int_equal(settings.weights_set, 0);
    assert_int_equal(settings.histogram, 1);
    assert_int_equal(settings.judge_on_success, 1);
    assert_string_equal(settings.preset, "");
}

/* The panel stores settings as bytes under a checksum. */
static void test_settings_have_no_padding(void **state) {
    struct swgi_settings one, two;

    (void)state;
    memset(&one, 0, sizeof(one));
    memset(&two, 0xff, sizeof(two));
    swgi_settings_default(&one);
    swgi_settings_default(&two);
    assert_memory_equal(&one, &two, sizeof(one));
    assert_int_equal(sizeof(one.time[0]), 24);
    assert_int_equal(sizeof(one.score), 48);
}

static void test_consecutive_failures_are_exact(void **state) {
    static const uint32_t counts[] = { 1, 2, 3, 5, 10, 999999, 1000000 };

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct swgi_settings settings = defaults();

        settings.score.consecutive = counts[i];
        assert_compiles(&settings);
        assert_int_equal(settings.score.up_half, 1);
        assert_int_equal(settings.score.up_full, 2);
        assert_int_equal(settings.score.down, UINT32_MAX);
        assert_int_equal(settings.score.limit, 2 * counts[i]);
        settings.compare = SWGI_ABOVE;
        assert_compiles(&settings);
        assert_int_equal(settings.score.limit, 2 * counts[i] + 1);
    }
}

static void test_consecutive_is_bounded(void **state) {
    struct swgi_settings settings = defaults();

    (void)state;
    settings.score.consecutive = 0;
    assert_refused(settings, "", "range");
    settings.score.consecutive = SWGI_CONSECUTIVE_MAX + 1;
    assert_refused(settings, "", "range");
}

/* The design's example, worked out apart: up = ln 20, down = ln(0.99/0.80), limit = ln 10^6. */
static void test_a_change_detector_in_numbers(void **state) {
    struct swgi_settings settings = with_change(0.01, 0.20, 1000000);
    double unit = (13.815510557964274 + 2.995732273553991) / 4294967295.0;

    (void)state;
    assert_compiles(&settings);
    assert_true(fabs(settings.score.up_full * unit - 2.995732273553991) < 1e-8);
    assert_true(fabs(settings.score.up_half * unit - 2.995732273553991 / 2) < 1e-8);
    assert_true(fabs(settings.score.down * unit - 0.213093215460955) < 1e-8);
    assert_true(fabs(settings.score.limit * unit - 13.815510557964274) < 1e-8);
    assert_true((uint64_t)settings.score.limit + settings.score.up_full <= UINT32_MAX);
}

/* `above` means nothing to a sum of logarithms. */
static void test_a_change_detector_knows_no_above(void **state) {
    struct swgi_settings settings = with_change(0.01, 0.20, 1000000), above = settings;

    (void)state;
    above.compare = SWGI_ABOVE;
    assert_compiles(&settings);
    assert_compiles(&above);
    assert_int_equal(settings.score.limit, above.score.limit);
}

/* Rounding may make a detector slower by a tenth at most, and never trip-happier. */
static void test_a_change_detector_is_rounded_with_care(void **state) {
    struct swgi_random random;
    unsigned accepted = 0, refused = 0;

    (void)state;
    swgi_random_init(&random, 7);
    for (unsigned i = 0; i < 20000; i++) {
        double p0 = pow(10, -6 * swgi_random_share(&random)) * 0.9;
        double p1 = p0 + (0.99 - p0) * pow(10, -7 * swgi_random_share(&random));
        double once_in = pow(10, 2 + 10 * swgi_random_share(&random));
        struct swgi_settings settings = with_change(p0, p1, once_in);
        const struct swgi_score_settings *score = &settings.score;
        double up = log(p1 / p0), down = log1p(-p0) - log1p(-p1), limit = log(once_in);
        double unit = (limit + up) / 4294967295.0, careful = 1 + 1e-9;

        if (swgi_settings_compile(&settings, NULL) != 0) {
            refused++;
            continue;
        }
        accepted++;
        assert_true(swgi_settings_check(&settings));
        assert_true(score->up_full * unit <= up * careful);
        assert_true(score->up_half * unit <= up / 2 * careful);
        assert_true(score->down == UINT32_MAX || score->down * unit * careful >= down);
        assert_true(score->limit * unit * careful >= limit);
        assert_true((p1 * score->up_full - (1 - p1) * score->down) * unit * careful >=
                    0.9 * (p1 * up - (1 - p1) * down));
    }
    assert_true(accepted > 10000);
    assert_true(refused > 10);
}

static void test_change_detectors_that_are_none(void **state) {
    static const double pairs[][2] = { { 0.2, 0.2 },
                                       { 0.2, 0.1 },
                                       { 0, 0.1 },
                                       { 0.1, 1 },
                                       { NAN, 0.1 },
                                       { 0.1, NAN },
                                       { 0.000001, 0.00000101 },
                                       { -0.1, 0.1 },
                                       { 0.1, INFINITY } };

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        assert_refused(with_change(pairs[i][0], pairs[i][1], 1e6), "breaker.trip.change.unhealthy",
                       "cannot be told from healthy");
    assert_refused(with_change(0.1, 0.2, 1), "breaker.trip.change.unhealthy", "allowed");
    assert_refused(with_change(0.1, 0.2, NAN), "breaker.trip.change.unhealthy", "allowed");
}

static void test_the_finest_slice_of_a_window(void **state) {
    static const struct {
        uint64_t windows[4];
        unsigned count;
        uint64_t slice;
    } cases[] = {
        { { S(30) }, 1, S(2) },
        { { S(60) }, 1, S(4) },
        { { S(10) }, 1, S(1) },
        { { MS(10) }, 1, 1000000 },
        { { S(86400) }, 1, S(5760) },
        { { S(10), S(30) }, 2, S(2) },
        { { S(30), S(10) }, 2, S(2) },
        { { S(30), S(30), S(30), S(30) }, 4, S(2) },
        { { S(60), S(10), S(20), S(30) }, 4, S(5) },
        { { S(15), S(1) }, 2, S(1) },
        { { 10000019 }, 1, 10000019 },
        { { 2 * UINT64_C(10000019), 10000019 }, 2, 10000019 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct swgi_settings settings = with_windows(cases[i].windows, cases[i].count);

        assert_compiles(&settings);
        assert_int_equal(settings.slice_ns, cases[i].slice);
        for (unsigned k = 0; k < cases[i].count; k++)
            assert_int_equal(settings.time[k].slices, cases[i].windows[k] / cases[i].slice);
    }
}

/* The same by trying every number of slices of the longest window. */
static uint64_t finest_by_trial(const uint64_t *windows, unsigned count) {
    uint64_t longest = 1;

    for (unsigned i = 0; i < count; i++)
        longest = windows[i] > longest ? windows[i] : longest;
    for (uint64_t cuts = 15; cuts > 0; cuts--) {
        bool divides = longest % cuts == 0;

        for (unsigned i = 0; i < count; i++)
            divides = divides && windows[i] % (longest / cuts) == 0;
        if (divides)
            return longest / cuts;
    }
    return 0;
}

static void test_the_finest_slice_of_many_windows(void **state) {
    struct swgi_random random;
    unsigned accepted = 0;

    (void)state;
    swgi_random_init(&random, 8);
    for (unsigned i = 0; i < 50000; i++) {
        uint64_t windows[4];
        unsigned count = 1 + (unsigned)swgi_random_below(&random, 4);
        struct swgi_settings settings;
        int rc;

        for (unsigned k = 0; k < count; k++)
            windows[k] = MS(10) * (1 + swgi_random_below(&random, 40));
        settings = with_windows(windows, count);
        rc = swgi_settings_compile(&settings, NULL);
        assert_int_equal(rc, finest_by_trial(windows, count) != 0 ? 0 : -EINVAL);
        if (rc != 0)
            continue;
        accepted++;
        assert_int_equal(settings.slice_ns, finest_by_trial(windows, count));
    }
    assert_true(accepted > 1000);
}

static void test_windows_that_do_not_go_together(void **state) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swgi_settings settings = with_windows((uint64_t[]){ S(60), S(7) }, 2);

    (void)state;
    assert_int_equal(swgi_settings_compile(&settings, &error), -EINVAL);
    assert_string_equal(error.key, "breaker.trip");
    assert_non_null(strstr(error.text, "window 7s does not go with window 1m"));
    assert_non_null(strstr(error.text, "the nearest that fits is 7.5s"));
    settings = with_windows((uint64_t[]){ S(60), MS(7500) }, 2);
    assert_compiles(&settings);
    assert_refused(with_windows((uint64_t[]){ MS(100), S(3600) }, 2), "breaker.trip",
                   "nearest that fits is 4m");
}

static void test_the_open_time_has_an_end(void **state) {
    struct swgi_settings settings = defaults();

    (void)state;
    settings.open_for_ns = S(60);
    assert_compiles(&settings);
    assert_int_equal(settings.open_max_ns, S(60));
    assert_int_equal(settings.backoff_reset_ns, S(600));
    settings.open_multiplier = 2;
    assert_refused(settings, "breaker.open.max", "not set");
    settings.open_max_follows = 0;
    settings.open_max_ns = S(59);
    assert_refused(settings, "breaker.open.max", "59s is shorter than breaker.open.for");
    settings.open_max_ns = S(60);
    assert_compiles(&settings);
    settings.backoff_reset_follows = 0;
    settings.backoff_reset_ns = 0;
    assert_compiles(&settings);
    assert_int_equal(settings.backoff_reset_ns, 0);
}

static void test_half_open_that_cannot_end(void **state) {
    struct swgi_settings settings = defaults();

    (void)state;
    settings.half_permits = SWGI_PERMITS_TOTAL;
    assert_refused(settings, "breaker.half_open.success_threshold", "allowed: 1..1");
    settings.probes = 2;
    assert_compiles(&settings);
    settings.half_verdict = SWGI_VERDICT_RATE;
    assert_refused(settings, "breaker.half_open.verdict", "needs a failure_rate or slow_rate rule");
    settings.count = (struct swgi_count_settings){
        .calls = 10, .calls_min = 10, .failure_ppm = 500000, .slow_ppm = SWGI_THRESHOLD_OFF
    };
    assert_compiles(&settings);
    settings.half_permits = SWGI_PERMITS_CONCURRENT;
    assert_refused(settings, "breaker.half_open.verdict", "permits total");
}

static void test_rates_that_cannot_be_met(void **state) {
    struct swgi_settings settings = with_windows((uint64_t[]){ S(30) }, 1);

    (void)state;
    settings.time[0].kind = SWGI_TIME_SLOW_RATE;
    assert_refused(settings, "breaker.slow_call_duration", "what is slow");
    settings.slow_ns = MS(100);
    assert_compiles(&settings);
    settings.time[0].threshold = SWGI_PPM;
    assert_compiles(&settings);
    settings.compare = SWGI_ABOVE;
    assert_refused(settings, "breaker.compare", "100 percent");
    settings.time[0].threshold = SWGI_THRESHOLD_OFF;
    assert_compiles(&settings);
}

static void test_weights_are_told_apart(void **state) {
    struct swgi_settings settings = defaults();

    (void)state;
    settings.timeout_half_units = 1;
    assert_compiles(&settings);
    assert_int_equal(settings.weights_set, 1);
    settings.timeout_half_units = 2;
    assert_compiles(&settings);
    assert_int_equal(settings.weights_set, 0);
}

/* A setting that uses everything, so that every field matters. */
static struct swgi_settings everything(void) {
    struct swgi_settings settings = with_windows((uint64_t[]){ S(30), S(10), S(20), S(60) }, 4);

    settings.time[1].kind = SWGI_TIME_SLOW_RATE;
    settings.time[2].kind = SWGI_TIME_FAILURES;
    settings.time[2].threshold = 20;
    settings.slow_ns = MS(500);
    settings.count = (struct swgi_count_settings){
        .calls = 100, .calls_min = 10, .failure_ppm = 500000, .slow_ppm = 1000000
    };
    settings.ramp_steps = 3;
    memcpy(settings.ramp_percent, (uint8_t[]){ 5, 25, 50 }, 3);
    settings.open_multiplier = 2;
    settings.open_max_follows = 0;
    settings.open_max_ns = S(300);
    settings.half_permits = SWGI_PERMITS_TOTAL;
    settings.half_verdict = SWGI_VERDICT_RATE;
    settings.probes = 10;
    settings.timeout_half_units = 1;
    settings.call_load_above = 100;
    memcpy(settings.preset, "api-retry", 10);
    assert_compiles(&settings);
    return settings;
}

#define ASSERT_BAD(change)                     \
    do {                                       \
        struct swgi_settings s = everything(); \
        assert_true(swgi_settings_check(&s));  \
        change;                                \
        assert_false(swgi_settings_check(&s)); \
    } while (0)

static void test_numbers_out_of_range_are_not_acted_upon(void **state) {
    (void)state;
    ASSERT_BAD(s.compare = 2);
    ASSERT_BAD(s.ignored = 2);
    ASSERT_BAD(s.judge_on_success = 2);
    ASSERT_BAD(s.open_from = 2);
    ASSERT_BAD(s.half_permits = 2);
    ASSERT_BAD(s.half_verdict = 2);
    ASSERT_BAD(s.on_close = 2);
    ASSERT_BAD(s.recovery = 2);
    ASSERT_BAD(s.timeout_half_units = 3);
    ASSERT_BAD(s.histogram = 2);
    ASSERT_BAD(s.probes = 0);
    ASSERT_BAD(s.probes = SWGI_PROBES_MAX + 1);
    ASSERT_BAD(s.success_threshold = 0);
    ASSERT_BAD(s.open_for_ns = 0);
    ASSERT_BAD(s.open_max_ns = UINT64_MAX);
    ASSERT_BAD(s.backoff_reset_ns = UINT64_MAX);
    ASSERT_BAD(s.retry_after_max_ns = UINT64_MAX);
    ASSERT_BAD(s.half_open_max_ns = 0);
    ASSERT_BAD(s.half_open_max_ns = UINT64_MAX);
    ASSERT_BAD(s.ramp_step_ns = 0);
    ASSERT_BAD(s.min_interval_ns = UINT64_MAX);
    ASSERT_BAD(s.cooldown_ns = UINT64_MAX);
    ASSERT_BAD(s.slow_ns = 0);
    ASSERT_BAD(s.slow_ns = UINT64_MAX - 1);
    ASSERT_BAD(s.open_max_follows = 2);
    ASSERT_BAD(s.backoff_reset_follows = 2);
    ASSERT_BAD(memset(s.preset, 'x', sizeof(s.preset)));
    ASSERT_BAD(s.preset[0] = '\033');
}

static void test_numbers_that_are_none_are_not_acted_upon(void **state) {
    static const double none[] = { NAN, -NAN, INFINITY, -INFINITY, -1, 0, 1e300 };

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        ASSERT_BAD(s.open_multiplier = none[i]);
        ASSERT_BAD(s.system_load_above = none[i]);
        if (!(none[i] >= 0 && none[i] <= 1))
            ASSERT_BAD(s.open_jitter = none[i]);
    }
}

static void test_fields_that_contradict_are_not_acted_upon(void **state) {
    (void)state;
    ASSERT_BAD(s.open_max_ns = s.open_for_ns - 1);
    ASSERT_BAD(s.weights_set = 0);
    ASSERT_BAD(s.success_threshold = 11);
    ASSERT_BAD(s.half_permits = SWGI_PERMITS_CONCURRENT);
    ASSERT_BAD(s.ramp_steps = SWGI_RAMP_STEPS_MAX + 1);
    ASSERT_BAD(s.ramp_percent[0] = 0);
    ASSERT_BAD(s.ramp_percent[1] = 5);
    ASSERT_BAD(s.ramp_percent[2] = 100);
    ASSERT_BAD(s.score.kind = 3);
    ASSERT_BAD(s.score.kind = SWGI_SCORE_NONE);
    ASSERT_BAD(s.score.kind = SWGI_SCORE_CHANGE);
    ASSERT_BAD(s.score.limit--);
    ASSERT_BAD(s.score.down = 1);
    ASSERT_BAD(s.score.up_full = 3);
    ASSERT_BAD(s.score.up_half = 0);
    ASSERT_BAD(s.score.consecutive = 0);
    ASSERT_BAD(s.compare = SWGI_ABOVE);
    ASSERT_BAD(s.count.calls = SWGI_COUNT_CALLS_MAX + 1);
    ASSERT_BAD(s.count.calls_min = 0);
    ASSERT_BAD(s.count.calls_min = 101);
    ASSERT_BAD(s.count.failure_ppm = 0);
    ASSERT_BAD(s.count.slow_ppm = SWGI_PPM + 1);
    ASSERT_BAD(s.slow_ns = SWGI_OFF);
    ASSERT_BAD(s.slice_ns = 0);
    ASSERT_BAD(s.slice_ns = S(1));
    ASSERT_BAD(s.slice_ns = UINT64_MAX);
    ASSERT_BAD(s.time[0].kind = SWGI_TIME_NONE);
    ASSERT_BAD(s.time[0].kind = 4);
    ASSERT_BAD(s.time[3].slices = 0);
    ASSERT_BAD(s.time[3].slices = SWGI_SLICES_MAX + 1);
    ASSERT_BAD(s.time[0].window_ns += 1);
    ASSERT_BAD(s.time[0].calls_min = 0);
    ASSERT_BAD(s.time[0].threshold = 0);
    ASSERT_BAD(s.time[0].threshold = SWGI_PPM + 1);
    ASSERT_BAD(s.time[2].threshold = SWGI_THRESHOLD_OFF);
}

static void test_a_forged_detector_is_not_acted_upon(void **state) {
    struct swgi_settings good = with_change(0.01, 0.2, 1e6), s;

    (void)state;
    assert_compiles(&good);
    s = good, s.score.up_full = UINT32_MAX;
    assert_false(swgi_settings_check(&s));
    s = good, s.score.limit = 0;
    assert_false(swgi_settings_check(&s));
    s = good, s.score.down = 0;
    assert_false(swgi_settings_check(&s));
    s = good, s.score.up_half = s.score.up_full + 1;
    assert_false(swgi_settings_check(&s));
    s = good, s.score.healthy = NAN;
    assert_false(swgi_settings_check(&s));
    s = good, s.score.unhealthy = s.score.healthy;
    assert_false(swgi_settings_check(&s));
    s = good, s.score.false_trip_once_in = INFINITY;
    assert_false(swgi_settings_check(&s));
}

/* What the engine divides by, indexes with and shifts by. */
static void assert_safe(const struct swgi_settings *settings) {
    assert_in_range(settings->probes, 1, SWGI_PROBES_MAX);
    assert_in_range(settings->ramp_steps, 0, SWGI_RAMP_STEPS_MAX);
    assert_true((uint64_t)settings->score.limit + settings->score.up_full <= UINT32_MAX);
    assert_true(settings->count.calls <= SWGI_COUNT_CALLS_MAX);
    assert_true(settings->open_for_ns <= S(86400) * 30 && settings->open_max_ns <= S(86400) * 30);
    assert_true(settings->open_multiplier >= 1 && settings->open_multiplier <= 100);
    assert_true(settings->open_jitter >= 0 && settings->open_jitter <= 1);
    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX; i++) {
        const struct swgi_time_rule *rule = &settings->time[i];

        if (rule->kind != SWGI_TIME_NONE)
            assert_true(settings->slice_ns > 0 && rule->slices >= 1 &&
                        rule->slices <= SWGI_SLICES_MAX &&
                        rule->window_ns == rule->slices * settings->slice_ns);
    }
}

/* Up to three bytes of size from that offset. */
static void damage(struct swgi_settings *settings, size_t from, size_t size,
                   struct swgi_random *random) {
    unsigned damages = 1 + (unsigned)swgi_random_below(random, 3);

    for (unsigned k = 0; k < damages; k++)
        ((unsigned char *)settings)[from + swgi_random_below(random, size)] =
            (unsigned char)swgi_random_next(random);
}

static void test_damaged_bytes_are_found_or_harmless(void **state) {
    struct swgi_random random;
    unsigned accepted = 0, refused = 0;

    (void)state;
    swgi_random_init(&random, 9);
    for (unsigned i = 0; i < 300000; i++) {
        struct swgi_settings settings = i % 3 == 0 ? everything() : defaults();

        damage(&settings, 0, SWGI_BREAKER_SETTINGS_SIZE, &random);
        if (!swgi_settings_check(&settings)) {
            refused++;
            continue;
        }
        accepted++;
        assert_safe(&settings);
    }
    assert_true(accepted > 1000 && refused > 100000);
}

#define ASSERT_WINDOWS(kept, change)                                     \
    do {                                                                 \
        struct swgi_settings before = everything(), s = before;          \
        change;                                                          \
        assert_compiles(&s);                                             \
        assert_int_equal(swgi_settings_same_windows(&before, &s), kept); \
        assert_int_equal(swgi_settings_same_windows(&s, &before), kept); \
    } while (0)

static void test_windows_survive_what_does_not_touch_them(void **state) {
    (void)state;
    ASSERT_WINDOWS(true, (void)0);
    ASSERT_WINDOWS(true, s.open_for_ns = S(60));
    ASSERT_WINDOWS(true, s.probes = 11);
    ASSERT_WINDOWS(true, s.time[0].threshold = 100000);
    ASSERT_WINDOWS(true, s.time[0].calls_min = 20);
    ASSERT_WINDOWS(true, s.count.failure_ppm = 100000);
    ASSERT_WINDOWS(true, s.recovery = SWGI_RECOVERY_MANUAL);
    ASSERT_WINDOWS(true, s.histogram = 0);
}

static void test_windows_end_with_what_they_count(void **state) {
    (void)state;
    ASSERT_WINDOWS(false, s.timeout_half_units = 2);
    ASSERT_WINDOWS(false, s.ignored = SWGI_IGNORED_SUCCESS);
    ASSERT_WINDOWS(false, s.slow_ns = MS(400));
    ASSERT_WINDOWS(false, s.score.consecutive = 6);
    ASSERT_WINDOWS(false, s.score.kind = SWGI_SCORE_NONE);
    ASSERT_WINDOWS(false, s.count.calls = 101);
    ASSERT_WINDOWS(false, s.count.calls = 0);
    ASSERT_WINDOWS(false, s.time[0].window_ns = S(40));
    ASSERT_WINDOWS(false, s.time[3].kind = SWGI_TIME_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_defaults_are_those_of_the_design),
        cmocka_unit_test(test_settings_have_no_padding),
        cmocka_unit_test(test_consecutive_failures_are_exact),
        cmocka_unit_test(test_consecutive_is_bounded),
        cmocka_unit_test(test_a_change_detector_in_numbers),
        cmocka_unit_test(test_a_change_detector_knows_no_above),
        cmocka_unit_test(test_a_change_detector_is_rounded_with_care),
        cmocka_unit_test(test_change_detectors_that_are_none),
        cmocka_unit_test(test_the_finest_slice_of_a_window),
        cmocka_unit_test(test_the_finest_slice_of_many_windows),
        cmocka_unit_test(test_windows_that_do_not_go_together),
        cmocka_unit_test(test_the_open_time_has_an_end),
        cmocka_unit_test(test_half_open_that_cannot_end),
        cmocka_unit_test(test_rates_that_cannot_be_met),
        cmocka_unit_test(test_weights_are_told_apart),
        cmocka_unit_test(test_numbers_out_of_range_are_not_acted_upon),
        cmocka_unit_test(test_numbers_that_are_none_are_not_acted_upon),
        cmocka_unit_test(test_fields_that_contradict_are_not_acted_upon),
        cmocka_unit_test(test_a_forged_detector_is_not_acted_upon),
        cmocka_unit_test(test_damaged_bytes_are_found_or_harmless),
        cmocka_unit_test(test_windows_survive_what_does_not_touch_them),
        cmocka_unit_test(test_windows_end_with_what_they_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
