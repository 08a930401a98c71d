/*
 * Delays grow without bound by their formulas, and settings come from shared memory: each formula
 * therefore ends in a comparison that also sorts out what is no number, and whole numbers are
 * multiplied in 128 bits.
 */
#include "engine/backoff.h"

#include <errno.h>
#include <math.h>

#include "base/error.h"
#include "base/wide.h"
#include "engine/budget.h"
#include "engine/refuse.h"
#include "engine/settings.h"

#define MULTIPLIER_MAX 100.0

/* 146 years, and a power of two, so that a share of it is never more than the whole. */
#define DELAY_MOST (UINT64_C(1) << 62)

static int64_t longest(const struct swgi_retry_settings *settings) {
    return (int64_t)(settings->max_delay_ns < DELAY_MOST ? settings->max_delay_ns : DELAY_MOST);
}

/* Written so that NaN, which compares with nothing, is 0. */
static double share(double value) {
    if (!(value > 0))
        return 0;
    return value < 1 ? value : 1;
}

static int64_t whole_times(const struct swgi_retry_settings *settings, uint64_t factor) {
    swgi_wide delay = (swgi_wide)settings->delay_ns * factor;
    int64_t most = longest(settings);

    return delay < (swgi_wide)most ? (int64_t)delay : most;
}

static int64_t real_times(const struct swgi_retry_settings *settings, double factor) {
    double delay = (double)settings->delay_ns * factor;
    int64_t most = longest(settings);

    if (!(delay < (double)most))
        return most;
    return delay > 0 ? (int64_t)llround(delay) : 0;
}

/* F(93) is the last that fits; the delay has long reached any bound by then. */
static uint64_t fibonacci(unsigned n) {
    uint64_t previous = 0, present = 1;

    for (unsigned i = 1; i < n && i < 93; i++) {
        uint64_t next = previous + present;

        previous = present;
        present = next;
    }
    return present;
}

static double power(const struct swgi_retry_settings *settings, unsigned attempt) {
    return pow(settings->multiplier, (double)(attempt - 1));
}

static int64_t decorrelated(const struct swgi_retry_settings *settings, int64_t previous_ns,
                            double lot) {
    double least = (double)settings->delay_ns;
    double before = previous_ns > 0 ? (double)previous_ns : least;
    double delay = least + lot * (3 * before - least);
    int64_t most = longest(settings);

    if (!(delay < (double)most))
        return most;
    /* A delay that was cut or set anew may have been shorter than a third of delay_ns. */
    return whole_times(settings, 1) > (int64_t)delay ? whole_times(settings, 1) : (int64_t)delay;
}

static int64_t jittered(unsigned jitter, int64_t delay, double lot) {
    int64_t kept = jitter == SWGI_JITTER_FULL ? 0 : delay / 2;

    if (jitter != SWGI_JITTER_FULL && jitter != SWGI_JITTER_EQUAL)
        return delay;
    return kept + (int64_t)(lot * (double)(delay - kept));
}

static int64_t plain(const struct swgi_retry_settings *settings, unsigned attempt,
                     double failure_rate, double system_load) {
    switch (settings->backoff) {
    case SWGI_BACKOFF_LINEAR:
        return whole_times(settings, attempt);
    case SWGI_BACKOFF_EXPONENTIAL:
        return real_times(settings, power(settings, attempt));
    case SWGI_BACKOFF_FIBONACCI:
        return whole_times(settings, fibonacci(attempt));
    case SWGI_BACKOFF_ADAPTIVE:
        return real_times(settings, power(settings, attempt) * (0.5 + 1.5 * share(failure_rate)) *
                                        (1 + share(system_load)));
    default:
        return whole_times(settings, 1);
    }
}

int64_t swgi_backoff_delay(const struct swgi_retry_settings *settings, unsigned attempt,
                           int64_t previous_ns, double lot, double failure_rate,
                           double system_load) {
    double drawn = share(lot);

    if (settings->backoff == SWGI_BACKOFF_DECORRELATED)
        return decorrelated(settings, previous_ns, drawn);
    return jittered(settings->jitter,
                    plain(settings, attempt > 0 ? attempt : 1, failure_rate, system_load), drawn);
}

int64_t swgi_backoff_heed(const struct swgi_retry_settings *settings, int64_t delay_ns,
                          int64_t retry_after_ns) {
    if (delay_ns < 0)
        return SWGI_NO_RETRY;
    if (retry_after_ns > 0 && (uint64_t)retry_after_ns > settings->retry_after_max_ns)
        return SWGI_NO_RETRY;
    return retry_after_ns > delay_ns ? retry_after_ns : delay_ns;
}

static bool budget_is_empty(const struct swgi_retry_settings *settings) {
    return settings->budget_ppm == 0 && settings->budget_per_second == 0;
}

int swgi_retry_compile(struct swgi_retry_settings *settings, struct swg_error *error) {
    if (settings->max_delay_ns < settings->delay_ns)
        return swgi_refuse_shorter(error, "retry.max_delay", settings->max_delay_ns, "retry.delay",
                                   settings->delay_ns);
    if (settings->attempts > 1 && budget_is_empty(settings))
        return swgi_fail(error, -EINVAL, "retry.budget.percent",
                         "0 with retry.budget.per_second 0 allows no retry ever; allowed: more than"
                         " 0 of either, off, or retry.attempts 1");
    if (settings->attempts > 1 && settings->budget_ppm != UINT32_MAX && settings->budget_max == 0)
        return swgi_fail(error, -EINVAL, "retry.budget.max",
                         "0 allows no retry ever; allowed: 1..%u", SWGI_BUDGET_MAX);
    if (!swgi_retry_settings_check(settings))
        return swgi_fail(error, -EINVAL, "retry", "a setting is out of its range");
    return 0;
}

static bool budget_fits(const struct swgi_retry_settings *settings) {
    return (settings->budget_ppm <= SWGI_PPM || settings->budget_ppm == UINT32_MAX) &&
           settings->budget_per_second <= SWGI_BUDGET_MAX &&
           settings->budget_max <= SWGI_BUDGET_MAX;
}

bool swgi_retry_settings_check(const struct swgi_retry_settings *settings) {
    return settings->attempts >= 1 && settings->attempts <= SWGI_ATTEMPTS_MAX &&
           settings->backoff <= SWGI_BACKOFF_ADAPTIVE && settings->jitter <= SWGI_JITTER_EQUAL &&
           settings->on <= SWGI_RETRY_ON_TIMEOUT && settings->inside <= 1 &&
           settings->delay_ns <= settings->max_delay_ns &&
           settings->max_delay_ns <= (uint64_t)INT64_MAX &&
           settings->retry_after_max_ns <= (uint64_t)INT64_MAX && settings->multiplier >= 1 &&
           settings->multiplier <= MULTIPLIER_MAX && budget_fits(settings);
}
