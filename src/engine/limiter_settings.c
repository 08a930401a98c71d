/* What a limiter is asked to do: refused where it contradicts itself, by key, value and what is
 * allowed; and checked anew when it comes out of memory that others can write. */
#include "engine/limiter_inside.h"

#include <errno.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"

/* A bucket that takes longer to fill than this is a mistake in one of three numbers. */
#define FILL_MAX_NS UINT64_C(2592000000000000)

static const char *const algorithms[] = { "token_bucket", "leaky_bucket", "fixed_window",
                                          "sliding_window", "sliding_log" };

/* Written so that NaN, which compares with nothing, does not fit. */
static bool fits(double value, double least, double most) {
    return value >= least && value <= most;
}

static uint32_t most_calls(const struct swgi_limiter_settings *settings) {
    uint64_t most = SWGI_RATE_MAX;

    if (settings->algorithm == SWGI_SLIDING_LOG)
        most = SWGI_LOG_MAX;
    else if (swgi_limiter_is_bucket(settings->algorithm))
        most = settings->per_ns / SWGI_LIMITER_INTERVAL_MIN_NS;
    return most < SWGI_RATE_MAX ? (uint32_t)most : SWGI_RATE_MAX;
}

static uint32_t most_burst(const struct swgi_limiter_settings *settings) {
    uint64_t most = FILL_MAX_NS / swgi_limiter_interval_of(settings->per_ns, settings->rate);

    return most < SWGI_RATE_MAX ? (uint32_t)most : SWGI_RATE_MAX;
}

static int refuse_duration(struct swg_error *error, const char *key, uint64_t value, uint64_t least,
                           uint64_t most) {
    char is[SWGI_NUMBER_TEXT] = "", from[SWGI_NUMBER_TEXT] = "", to[SWGI_NUMBER_TEXT] = "";

    (void)swgi_duration_print(value, is, sizeof(is));
    (void)swgi_duration_print(least, from, sizeof(from));
    (void)swgi_duration_print(most, to, sizeof(to));
    return swgi_fail(error, -EINVAL, key, "%s; allowed: %s..%s", is, from, to);
}

static int refuse_decimal(struct swg_error *error, const char *key, double value,
                          const char *allowed) {
    char is[SWGI_NUMBER_TEXT] = "no number";

    (void)swgi_decimal_print(value, is, sizeof(is));
    return swgi_fail(error, -EINVAL, key, "%s; allowed: %s", is, allowed);
}

static int refuse_rate(const struct swgi_limiter_settings *settings, struct swg_error *error) {
    char per[SWGI_NUMBER_TEXT] = "";

    (void)swgi_duration_print(settings->per_ns, per, sizeof(per));
    return swgi_fail(error, -EINVAL, "limiter.rate",
                     "%u in %s is more than a %s can count; allowed: 1..%u", settings->rate, per,
                     algorithms[settings->algorithm], most_calls(settings));
}

static int check_rate(const struct swgi_limiter_settings *settings, struct swg_error *error) {
    uint64_t per = settings->per_ns;

    if (settings->algorithm > SWGI_SLIDING_LOG)
        return swgi_fail(error, -EINVAL, "limiter.algorithm",
                         "%u is none; allowed: token_bucket, leaky_bucket, fixed_window,"
                         " sliding_window, sliding_log",
                         settings->algorithm);
    if (per < SWGI_LIMITER_PER_MIN_NS || per > SWGI_LIMITER_PER_MAX_NS)
        return refuse_duration(error, "limiter.per", per, SWGI_LIMITER_PER_MIN_NS,
                               SWGI_LIMITER_PER_MAX_NS);
    return settings->rate > most_calls(settings) ? refuse_rate(settings, error) : 0;
}

static int compile_burst(struct swgi_limiter_settings *settings, struct swg_error *error) {
    bool has_burst = settings->algorithm == SWGI_TOKEN_BUCKET;

    if (settings->burst_follows)
        settings->burst = has_burst ? settings->rate : 1;
    else if (!has_burst && settings->burst != 1) /* as it prints where there is none */
        return swgi_fail(error, -EINVAL, "limiter.burst",
                         "%u goes with limiter.algorithm token_bucket alone, not with %s",
                         settings->burst, algorithms[settings->algorithm]);
    if (settings->burst == 0 || settings->burst > most_burst(settings))
        return swgi_fail(error, -EINVAL, "limiter.burst", "%u; allowed at that rate: 1..%u",
                         settings->burst, most_burst(settings));
    return 0;
}

static int check_wait(const struct swgi_limiter_settings *settings, struct swg_error *error) {
    bool waits = settings->when_limited == SWGI_BUSY_WAIT;

    if (settings->when_limited > SWGI_BUSY_WAIT)
        return swgi_fail(error, -EINVAL, "limiter.when_limited",
                         "%u is none; allowed: reject, wait", settings->when_limited);
    if (settings->max_wait_ns > SWGI_LIMITER_WAIT_MAX_NS)
        return refuse_duration(error, "limiter.max_wait", settings->max_wait_ns, 0,
                               SWGI_LIMITER_WAIT_MAX_NS);
    if (waits && settings->max_wait_ns == 0)
        return swgi_fail(error, -EINVAL, "limiter.max_wait",
                         "0; limiter.when_limited wait needs to know how long; allowed: 1ns..1d");
    return 0;
}

static int check_steps(const struct swgi_limiter_settings *settings, struct swg_error *error) {
    if (settings->adaptive && !fits(settings->increase, 0.0001, 1))
        return refuse_decimal(error, "limiter.increase", settings->increase, "0.0001..1");
    if (settings->adaptive && !fits(settings->decrease, 0.01, 0.99))
        return refuse_decimal(error, "limiter.decrease", settings->decrease, "0.01..0.99");
    if (settings->resource_aware && !fits(settings->system_load_above, 0.01, 1000))
        return refuse_decimal(error, "limiter.system_load_above", settings->system_load_above,
                              "0.01..1000");
    return 0;
}

static int compile_adapting(struct swgi_limiter_settings *settings, struct swg_error *error) {
    if (settings->rate_min == 0)
        settings->rate_min = 1;
    if (settings->rate_min > settings->rate)
        return swgi_fail(error, -EINVAL, "limiter.rate_min",
                         "%u is more than limiter.rate; allowed: 1..%u", settings->rate_min,
                         settings->rate);
    return check_steps(settings, error);
}

int swgi_limiter_compile(struct swgi_limiter_settings *settings, struct swg_error *error) {
    int rc;

    if (settings->rate == 0)
        return 0;
    rc = check_rate(settings, error);
    if (rc == 0)
        rc = compile_burst(settings, error);
    if (rc == 0)
        rc = check_wait(settings, error);
    if (rc == 0)
        rc = compile_adapting(settings, error);
    if (rc == 0 && !swgi_limiter_settings_check(settings))
        rc = swgi_fail(error, -EINVAL, "limiter", "a setting is out of its range");
    return rc;
}

static bool flags_fit(const struct swgi_limiter_settings *settings) {
    return settings->burst_follows <= 1 && settings->adaptive <= 1 && settings->resource_aware <= 1;
}

bool swgi_limiter_settings_check(const struct swgi_limiter_settings *settings) {
    if (settings->rate == 0)
        return true;
    if (!flags_fit(settings) || check_rate(settings, NULL) != 0 ||
        check_wait(settings, NULL) != 0 || check_steps(settings, NULL) != 0)
        return false;
    if (settings->algorithm != SWGI_TOKEN_BUCKET && settings->burst != 1)
        return false;
    return settings->burst >= 1 && settings->burst <= most_burst(settings) &&
           settings->rate_min >= 1 && settings->rate_min <= settings->rate;
}

uint32_t swgi_limiter_slots(const struct swgi_limiter_words *words, uint32_t slots_count,
                            const struct swgi_limiter_settings *settings) {
    uint64_t present = swgi_limiter_ring_length(swgi_load(&words->log), slots_count);
    uint32_t slots = 1;

    if (settings->rate == 0 || settings->algorithm != SWGI_SLIDING_LOG)
        return 0;
    while (slots < settings->rate && slots < SWGI_LOG_MAX)
        slots *= 2;
    return slots <= present ? 0 : slots;
}
