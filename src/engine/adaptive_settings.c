/*
 * Settings of adaptive limits: what stands for "the algorithm's own", and what goes together.
 *
 * 0 is not replaced when settings are compiled but whenever they are used: so whoever changes the
 * algorithm at run time gets the constants of the new one, not those of the old as if set by hand.
 */
#include "engine/adaptive.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"

#define MS(n) (UINT64_C(1000000) * (n))

#define WINDOW_LEAST_NS  MS(10)
#define WINDOW_MOST_NS   MS(600000)
#define TIMEOUT_LEAST_NS MS(1)
#define TIMEOUT_MOST_NS  MS(3600000)
#define BACKOFF_LEAST    0.5
#define BACKOFF_MOST     0.99
#define SMOOTHING_LEAST  0.01
#define TOLERANCE_MOST   10.0
#define QUEUE_MOST       1000u

#define WINDOW_NS \
    MS(1000)        /* WindowedLimit.java: DEFAULT_MIN_WINDOW_TIME, DEFAULT_MAX_WINDOW_TIME */
#define INITIAL 20u /* initialLimit of all three */

/* As in the Builder of each algorithm's source; what an algorithm does not use is harmless. For
 * switchgear a queue of 0 is a tenth of the limit. */
static const struct swgi_adaptive_settings own[] = {
    [SWGI_ADAPTIVE_OFF] = { .most = 200, .backoff = 0.9, .smoothing = 1, .tolerance = 1 },
    [SWGI_ADAPTIVE_AIMD] = { .most = 200, .backoff = 0.9, .smoothing = 1, .tolerance = 1 },
    [SWGI_ADAPTIVE_VEGAS] = { .most = 1000, .backoff = 0.9, .smoothing = 1, .tolerance = 1 },
    [SWGI_ADAPTIVE_GRADIENT2] = { .most = 200,
                                  .backoff = 0.9,
                                  .smoothing = 0.2,
                                  .tolerance = 1.5,
                                  .queue = 4 },
    [SWGI_ADAPTIVE_SWITCHGEAR] = { .most = 1000, .backoff = 0.5, .smoothing = 1, .tolerance = 1 },
};
#define ALGORITHMS (sizeof(own) / sizeof(own[0]))
#define TIMEOUT_NS MS(5000) /* AIMDLimit.java: DEFAULT_TIMEOUT */

/* Written so that NaN, which compares with nothing, does not fit. */
static double real_or(double value, double least, double most, double otherwise) {
    return value >= least && value <= most ? value : otherwise;
}

static uint64_t whole_or(uint64_t value, uint64_t least, uint64_t most, uint64_t otherwise) {
    return value >= least && value <= most ? value : otherwise;
}

static uint32_t bound(uint32_t value, uint32_t least, uint32_t most) {
    if (value < least)
        return least;
    return value < most ? value : most;
}

static uint32_t most_of(const struct swgi_adaptive_settings *settings, uint32_t otherwise) {
    uint32_t ceiling = bound(settings->ceiling, 0, SWGI_PERMITS_MAX);
    uint32_t most = settings->most;

    if (most == 0)
        most = ceiling != 0 ? ceiling : otherwise;
    return bound(most, 1, ceiling != 0 ? ceiling : SWGI_PERMITS_MAX);
}

struct swgi_adaptive_settings swgi_adaptive_resolved(
    const struct swgi_adaptive_settings *settings) {
    struct swgi_adaptive_settings out = *settings;
    const struct swgi_adaptive_settings *named;

    out.algorithm = settings->algorithm < ALGORITHMS ? settings->algorithm : SWGI_ADAPTIVE_OFF;
    named = &own[out.algorithm];
    out.most = most_of(settings, named->most);
    out.least = bound(settings->least, 1, out.most);
    out.initial = bound(settings->initial != 0 ? settings->initial : INITIAL, out.least, out.most);
    out.queue = (uint32_t)whole_or(settings->queue, 1, QUEUE_MOST, named->queue);
    out.window_ns = whole_or(settings->window_ns, WINDOW_LEAST_NS, WINDOW_MOST_NS, WINDOW_NS);
    out.timeout_ns = whole_or(settings->timeout_ns, TIMEOUT_LEAST_NS, TIMEOUT_MOST_NS, TIMEOUT_NS);
    out.backoff = real_or(settings->backoff, BACKOFF_LEAST, BACKOFF_MOST, named->backoff);
    out.smoothing = real_or(settings->smoothing, SMOOTHING_LEAST, 1, named->smoothing);
    out.tolerance = real_or(settings->tolerance, 1, TOLERANCE_MOST, named->tolerance);
    return out;
}

static int refuse_real(struct swg_error *error, const char *key, double value, double least,
                       double most) {
    char given[SWGI_NUMBER_TEXT] = "", from[SWGI_NUMBER_TEXT] = "", to[SWGI_NUMBER_TEXT] = "";

    if (swgi_decimal_print(value, given, sizeof(given)) != 0)
        given[0] = '?';
    (void)swgi_decimal_print(least, from, sizeof(from));
    (void)swgi_decimal_print(most, to, sizeof(to));
    return swgi_fail(error, -EINVAL, key, "%s; allowed: %s..%s, or 0 for the algorithm's own",
                     given, from, to);
}

static int check_real(struct swg_error *error, const char *key, double value, double least,
                      double most) {
    if (value == 0 || (value >= least && value <= most))
        return 0;
    return refuse_real(error, key, value, least, most);
}

static int check_bounds(const struct swgi_adaptive_settings *settings, struct swg_error *error) {
    struct swgi_adaptive_settings resolved = swgi_adaptive_resolved(settings);

    if (settings->most > resolved.most)
        return swgi_fail(error, -EINVAL, "adaptive.max",
                         "%u is more than %s; allowed: 1..%u, or 0 for that", settings->most,
                         settings->ceiling != 0 ? "bulkhead.max_concurrent" : "there are permits",
                         resolved.most);
    if (settings->least > resolved.most)
        return swgi_fail(error, -EINVAL, "adaptive.min",
                         "%u is more than the limit may become; allowed: 1..%u", settings->least,
                         resolved.most);
    if (settings->initial != 0 && settings->initial != resolved.initial)
        return swgi_fail(error, -EINVAL, "adaptive.initial",
                         "%u lies outside adaptive.min and adaptive.max; allowed: %u..%u, or 0 for"
                         " the algorithm's own",
                         settings->initial, resolved.least, resolved.most);
    return 0;
}

static int check_duration(struct swg_error *error, const char *key, uint64_t value, uint64_t least,
                          uint64_t most) {
    char given[SWGI_NUMBER_TEXT] = "", from[SWGI_NUMBER_TEXT] = "", to[SWGI_NUMBER_TEXT] = "";

    if (value == 0 || (value >= least && value <= most))
        return 0;
    (void)swgi_duration_print(value, given, sizeof(given));
    (void)swgi_duration_print(least, from, sizeof(from));
    (void)swgi_duration_print(most, to, sizeof(to));
    return swgi_fail(error, -EINVAL, key, "%s; allowed: %s..%s, or 0 for the algorithm's own",
                     given, from, to);
}

static int check_constants(const struct swgi_adaptive_settings *settings, struct swg_error *error) {
    int rc = check_duration(error, "adaptive.window", settings->window_ns, WINDOW_LEAST_NS,
                            WINDOW_MOST_NS);

    if (rc == 0)
        rc = check_duration(error, "adaptive.timeout", settings->timeout_ns, TIMEOUT_LEAST_NS,
                            TIMEOUT_MOST_NS);
    if (rc == 0)
        rc = check_real(error, "adaptive.backoff", settings->backoff, BACKOFF_LEAST, BACKOFF_MOST);
    if (rc == 0)
        rc = check_real(error, "adaptive.smoothing", settings->smoothing, SMOOTHING_LEAST, 1);
    if (rc == 0)
        rc = check_real(error, "adaptive.tolerance", settings->tolerance, 1, TOLERANCE_MOST);
    if (rc == 0 && settings->queue > QUEUE_MOST)
        rc = swgi_fail(error, -EINVAL, "adaptive.queue",
                       "%u; allowed: 1..%u, or 0 for the algorithm's own", settings->queue,
                       QUEUE_MOST);
    return rc;
}

int swgi_adaptive_compile(struct swgi_adaptive_settings *settings, uint32_t max_concurrent,
                          struct swg_error *error) {
    int rc;

    settings->ceiling = max_concurrent;
    if (settings->algorithm >= ALGORITHMS)
        return swgi_fail(error, -EINVAL, "adaptive.algorithm",
                         "%u; allowed: off, aimd, vegas, gradient2, switchgear",
                         settings->algorithm);
    if (settings->algorithm == SWGI_ADAPTIVE_OFF)
        return 0;
    rc = check_bounds(settings, error);
    return rc == 0 ? check_constants(settings, error) : rc;
}

bool swgi_adaptive_settings_check(const struct swgi_adaptive_settings *settings) {
    struct swgi_adaptive_settings copy = *settings;

    return swgi_adaptive_compile(&copy, settings->ceiling, NULL) == 0;
}
