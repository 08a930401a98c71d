/*
 * From what people configure to the integers the engine counts with. Here and nowhere else is
 * floating point turned into words of the panel, with every rounding on the careful side.
 */
#include "engine/settings.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/divisor.h"
#include "base/error.h"
#include "base/text.h"
#include "engine/policies.h"

#define BACKOFF_RESET_FACTOR 10u
/* Below this share of the exact drift, rounding would delay detection by more than anyone asked
 * for. */
#define DRIFT_KEPT 0.9

/* CUSUM in real numbers: Page, "Continuous inspection schemes", Biometrika 41 (1954). */
struct detector {
    double up, down, limit;
};

/*
 * The log-likelihood ratio of one call, unhealthy against healthy; and Lorden's bound (Ann. Math.
 * Statist. 42, 1971): a limit of ln(n) makes false trips at least n calls apart on average.
 */
static struct detector detector_exact(const struct swgi_score_settings *score) {
    return (struct detector){
        .up = log(score->unhealthy / score->healthy),
        .down = log1p(-score->healthy) - log1p(-score->unhealthy),
        .limit = log(score->false_trip_once_in),
    };
}

/* A step down as large as the whole scale is a step to zero, which is what UINT32_MAX means. */
static uint32_t clamp32(double value) {
    return value >= (double)UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

/* The scale is spent on limit + up, the highest a score can reach: up is cut, down and limit are
   not, so that false trips get rarer, never more frequent. */
static void detector_to_integers(struct swgi_score_settings *score, const struct detector *exact,
                                 double unit) {
    score->up_full = clamp32(floor(exact->up / unit));
    score->up_half = clamp32(floor(exact->up / 2 / unit));
    score->down = clamp32(ceil(exact->down / unit));
    score->limit = clamp32(ceil(exact->limit / unit));
    if (score->up_full > UINT32_MAX - score->limit)
        score->up_full = UINT32_MAX - score->limit;
}

static int refuse_detector(const struct swgi_score_settings *score, struct swg_error *error) {
    char healthy[SWGI_NUMBER_TEXT] = "", unhealthy[SWGI_NUMBER_TEXT] = "";

    (void)swgi_decimal_print(score->healthy, healthy, sizeof(healthy));
    (void)swgi_decimal_print(score->unhealthy, unhealthy, sizeof(unhealthy));
    return swgi_fail(
        error, -EINVAL, "breaker.trip.change.unhealthy",
        "%s cannot be told from healthy %s; allowed: above healthy, and farther from it", unhealthy,
        healthy);
}

static int compile_change(struct swgi_score_settings *score, struct swg_error *error) {
    double p1 = score->unhealthy;
    struct detector exact;
    double unit, drift_exact, drift_kept;

    if (!(score->healthy > 0 && score->healthy < p1 && p1 < 1 && score->false_trip_once_in > 1))
        return refuse_detector(score, error);
    exact = detector_exact(score);
    unit = (exact.limit + exact.up) / (double)UINT32_MAX;
    detector_to_integers(score, &exact, unit);
    drift_exact = p1 * exact.up - (1 - p1) * exact.down;
    drift_kept = (p1 * (double)score->up_full - (1 - p1) * (double)score->down) * unit;
    if (!(drift_exact > 0 && drift_kept >= DRIFT_KEPT * drift_exact))
        return refuse_detector(score, error);
    return 0;
}

/* Exact: half-units of failure, and down to zero at the first success. */
static void compile_consecutive(struct swgi_settings *settings) {
    struct swgi_score_settings *score = &settings->score;

    score->up_half = 1;
    score->up_full = 2;
    score->down = UINT32_MAX;
    score->limit = 2 * score->consecutive + (settings->compare == SWGI_ABOVE);
}

int swgi_score_compile(struct swgi_settings *settings, struct swg_error *error) {
    struct swgi_score_settings *score = &settings->score;

    score->up_half = score->up_full = score->down = score->limit = 0;
    if (score->kind == SWGI_SCORE_CHANGE)
        return compile_change(score, error);
    if (score->kind == SWGI_SCORE_CONSECUTIVE)
        compile_consecutive(settings);
    return 0;
}

static unsigned time_rules(const struct swgi_settings *settings) {
    unsigned used = 0;

    while (used < SWGI_TIME_RULES_MAX && settings->time[used].kind != SWGI_TIME_NONE)
        used++;
    return used;
}

static uint64_t longest_window(const struct swgi_settings *settings, unsigned rules) {
    uint64_t longest = 0;

    for (unsigned i = 0; i < rules; i++) {
        if (settings->time[i].window_ns > longest)
            longest = settings->time[i].window_ns;
    }
    return longest;
}

/* The finest slice there is: the windows' common divisor, cut as small as whole nanoseconds and the
 * ring allow. */
static uint64_t finest_slice(const struct swgi_settings *settings, unsigned rules) {
    uint64_t longest = longest_window(settings, rules), common = 0;

    for (unsigned i = 0; i < rules; i++)
        common = swgi_greatest_common_divisor(common, settings->time[i].window_ns);
    if (common == 0 || longest / common > SWGI_SLICES_MAX)
        return 0;
    for (uint64_t cuts = SWGI_SLICES_MAX / (longest / common);; cuts--) {
        if (common % cuts == 0)
            return common / cuts;
    }
}

static uint64_t nearest_multiple(uint64_t window, uint64_t slice) {
    uint64_t count = (window + slice / 2) / slice;

    return slice * (count == 0 ? 1 : count);
}

/* How much all windows together would have to give way to a slice. */
static double misfit(const struct swgi_settings *settings, unsigned rules, uint64_t slice) {
    double sum = 0;

    for (unsigned i = 0; i < rules; i++) {
        uint64_t window = settings->time[i].window_ns;
        uint64_t fit = nearest_multiple(window, slice);

        sum += (double)(fit > window ? fit - window : window - fit) / (double)window;
    }
    return sum;
}

/* Of all slices of the longest window, the one that the others come nearest to. */
static uint64_t nearest_slice(const struct swgi_settings *settings, unsigned rules) {
    uint64_t longest = longest_window(settings, rules), best = longest;

    for (uint64_t cuts = 2; cuts <= SWGI_SLICES_MAX; cuts++) {
        if (longest % cuts == 0 &&
            misfit(settings, rules, longest / cuts) <= misfit(settings, rules, best))
            best = longest / cuts;
    }
    return best;
}

static int refuse_windows(const struct swgi_settings *settings, unsigned rules,
                          struct swg_error *error) {
    uint64_t slice = nearest_slice(settings, rules);
    char window[SWGI_NUMBER_TEXT] = "", fit[SWGI_NUMBER_TEXT] = "", longest[SWGI_NUMBER_TEXT] = "";
    unsigned odd = 0;

    while (odd + 1 < rules && settings->time[odd].window_ns % slice == 0)
        odd++;
    (void)swgi_duration_print(settings->time[odd].window_ns, window, sizeof(window));
    (void)swgi_duration_print(nearest_multiple(settings->time[odd].window_ns, slice), fit,
                              sizeof(fit));
    (void)swgi_duration_print(longest_window(settings, rules), longest, sizeof(longest));
    return swgi_fail(error, -EINVAL, "breaker.trip",
                     "window %s does not go with window %s: all time windows are cut into the same"
                     " slices, the longest into at most %u; the nearest that fits is %s",
                     window, longest, SWGI_SLICES_MAX, fit);
}

int swgi_time_compile(struct swgi_settings *settings, struct swg_error *error) {
    unsigned rules = time_rules(settings);

    settings->slice_ns = 0;
    if (rules == 0)
        return 0;
    settings->slice_ns = finest_slice(settings, rules);
    if (settings->slice_ns == 0)
        return refuse_windows(settings, rules, error);
    for (unsigned i = 0; i < rules; i++)
        settings->time[i].slices = (uint8_t)(settings->time[i].window_ns / settings->slice_ns);
    return 0;
}

static int refuse_open_max(const struct swgi_settings *settings, struct swg_error *error) {
    char longest[SWGI_NUMBER_TEXT] = "", open_for[SWGI_NUMBER_TEXT] = "";

    (void)swgi_duration_print(settings->open_max_ns, longest, sizeof(longest));
    (void)swgi_duration_print(settings->open_for_ns, open_for, sizeof(open_for));
    return swgi_fail(error, -EINVAL, "breaker.open.max",
                     "%s is shorter than breaker.open.for; allowed: %s or longer", longest,
                     open_for);
}

static int compile_open(struct swgi_settings *settings, struct swg_error *error) {
    if (settings->open_max_follows && settings->open_multiplier > 1)
        return swgi_fail(error, -EINVAL, "breaker.open.max",
                         "not set; breaker.open.multiplier above 1 needs to know where to end");
    if (settings->open_max_follows)
        settings->open_max_ns = settings->open_for_ns;
    if (settings->backoff_reset_follows)
        settings->backoff_reset_ns = BACKOFF_RESET_FACTOR * settings->open_for_ns;
    if (settings->open_max_ns < settings->open_for_ns)
        return refuse_open_max(settings, error);
    settings->weights_set = settings->timeout_half_units != 2;
    return 0;
}

/* What the rate rules of both kinds of window have in common: is there one, and does any ask for a
 * share that cannot be? */
struct rates {
    bool failure, slow, whole;
};

static struct rates rates_judged(const struct swgi_settings *settings) {
    const struct swgi_count_settings *count = &settings->count;
    struct rates rates = { 0 };

    if (count->calls != 0) {
        rates.failure = count->failure_ppm != SWGI_THRESHOLD_OFF;
        rates.slow = count->slow_ppm != SWGI_THRESHOLD_OFF;
        rates.whole = count->failure_ppm == SWGI_PPM || count->slow_ppm == SWGI_PPM;
    }
    for (unsigned i = 0; i < time_rules(settings); i++) {
        const struct swgi_time_rule *rule = &settings->time[i];
        bool judged = rule->threshold != SWGI_THRESHOLD_OFF;

        rates.failure |= judged && rule->kind == SWGI_TIME_FAILURE_RATE;
        rates.slow |= judged && rule->kind == SWGI_TIME_SLOW_RATE;
        rates.whole |= rule->kind != SWGI_TIME_FAILURES && rule->threshold == SWGI_PPM;
    }
    return rates;
}

static int check_rates(const struct swgi_settings *settings, struct swg_error *error) {
    struct rates rates = rates_judged(settings);

    if (rates.slow && settings->slow_ns == SWGI_OFF)
        return swgi_fail(error, -EINVAL, "breaker.slow_call_duration",
                         "off; a slow_rate rule needs to know what is slow");
    if (rates.whole && settings->compare == SWGI_ABOVE)
        return swgi_fail(error, -EINVAL, "breaker.compare",
                         "above: no share of calls is above 100 percent; allowed: at_or_above");
    if (settings->half_verdict == SWGI_VERDICT_RATE && !rates.failure && !rates.slow)
        return swgi_fail(error, -EINVAL, "breaker.half_open.verdict",
                         "rate needs a failure_rate or slow_rate rule; allowed: any_failure");
    return 0;
}

static int check_half_open(const struct swgi_settings *settings, struct swg_error *error) {
    bool total = settings->half_permits == SWGI_PERMITS_TOTAL;

    if (total && settings->success_threshold > settings->probes)
        return swgi_fail(error, -EINVAL, "breaker.half_open.success_threshold",
                         "%u is more than all probes of permits total; allowed: 1..%u",
                         settings->success_threshold, settings->probes);
    if (!total && settings->half_verdict == SWGI_VERDICT_RATE)
        return swgi_fail(error, -EINVAL, "breaker.half_open.verdict",
                         "rate needs breaker.half_open.permits total; allowed: any_failure");
    return check_rates(settings, error);
}

int swgi_settings_compile(struct swgi_settings *settings, struct swg_error *error) {
    int rc = compile_open(settings, error);

    if (rc == 0)
        rc = check_half_open(settings, error);
    if (rc == 0)
        rc = swgi_score_compile(settings, error);
    if (rc == 0)
        rc = swgi_time_compile(settings, error);
    if (rc == 0)
        rc = swgi_policies_compile(&settings->policies, error);
    if (rc == 0 && !swgi_settings_check(settings))
        rc = swgi_fail(error, -EINVAL, NULL, "a setting is out of its range");
    return rc;
}
