/* Default settings, and the checks between settings that lie in memory others can write and the
 * code that acts on them. */
#include "engine/policies.h"
#include "engine/settings.h"

#include <assert.h>
#include <string.h>

/* How each type of tables/keys.h takes its default. */
#define DEFAULT_CHOICE(field, initial)   settings->field = (initial)
#define DEFAULT_INTEGER(field, initial)  settings->field = (initial)
#define DEFAULT_DURATION(field, initial) settings->field = (initial)
#define DEFAULT_DECIMAL(field, initial)  settings->field = (initial)
#define DEFAULT_RAMP(field, initial)     settings->ramp_steps = (initial)
#define DEFAULT_PRESET(field, initial)   settings->field[0] = '\0'
#define DEFAULT_TRIP(field, initial)     settings->field = (initial)
#define DEFAULT_PERCENT                  DEFAULT_INTEGER
#define DEFAULT_COUNT                    DEFAULT_INTEGER
#define DEFAULT_PRIORITY                 DEFAULT_INTEGER
#define DEFAULT_PARTITIONS               DEFAULT_INTEGER
#define DEFAULT_FEATURES                 DEFAULT_INTEGER
#define DEFAULT_CHAIN(field, initial)    settings->field[0] = (initial)
#define DEFAULT_TEXT(field, initial)     settings->field[0] = (initial)

void swgi_settings_default(struct swgi_settings *settings) {
    int rc;

    memset(settings, 0, sizeof(*settings));
#define SWGI_KEY(type, field, name, alias, least, most, off, initial, unit, what) \
    DEFAULT_##type(field, initial);
#include "tables/keys.h"
    settings->score.kind = SWGI_SCORE_CONSECUTIVE;
    settings->count.failure_ppm = SWGI_THRESHOLD_OFF;
    settings->count.slow_ppm = SWGI_THRESHOLD_OFF;
    settings->open_max_follows = 1;
    settings->backoff_reset_follows = 1;
    settings->policies.bulkhead.max_queue_follows = 1;
    settings->policies.limiter.burst_follows = 1;
    rc = swgi_settings_compile(settings, NULL);
    assert(rc == 0); /* the defaults of tables/keys.h fit together */
    (void)rc;
}

static bool whole_fits(uint64_t value, uint64_t least, uint64_t most, uint64_t off) {
    return (value >= least && value <= most) || (off != 0 && value == off);
}

/* Written so that NaN, which compares with nothing, does not fit. */
static bool real_fits(double value, double least, double most) {
    return value >= least && value <= most;
}

/* Every value alone, by the ranges of tables/keys.h. */
#define FITS_CHOICE(field, least, most, off)   whole_fits(settings->field, (least), (most), (off))
#define FITS_INTEGER(field, least, most, off)  whole_fits(settings->field, (least), (most), (off))
#define FITS_DURATION(field, least, most, off) whole_fits(settings->field, (least), (most), (off))
#define FITS_DECIMAL(field, least, most, off)  real_fits(settings->field, (least), (most))
#define FITS_RAMP(field, least, most, off)     ramp_fits(settings, (least), (most))
#define FITS_PRESET(field, least, most, off)   preset_fits(settings)
#define FITS_TRIP(field, least, most, off)     true
#define FITS_PERCENT                           FITS_INTEGER
#define FITS_COUNT(field, least, most, off) \
    (settings->field == 0 || whole_fits(settings->field, (least), (most), 0))
#define FITS_PRIORITY FITS_INTEGER
#define FITS_PARTITIONS(field, least, most, off) \
    partitions_fit(&settings->policies.bulkhead, (least), (most))
#define FITS_CHAIN(field, least, most, off)    chain_fits(&settings->policies.fallback)
#define FITS_TEXT(field, least, most, off)     (strnlen(settings->field, (most) + 1) <= (most))
#define FITS_FEATURES(field, least, most, off) (settings->field <= (most))

static bool ramp_fits(const struct swgi_settings *settings, unsigned least, unsigned most) {
    unsigned before = least - 1;

    if (settings->ramp_steps > SWGI_RAMP_STEPS_MAX)
        return false;
    for (unsigned i = 0; i < settings->ramp_steps; i++) {
        if (settings->ramp_percent[i] <= before || settings->ramp_percent[i] > most)
            return false;
        before = settings->ramp_percent[i];
    }
    return true;
}

static bool preset_fits(const struct swgi_settings *settings) {
    size_t length = strnlen(settings->preset, sizeof(settings->preset));

    return length < sizeof(settings->preset) &&
           strspn(settings->preset, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length;
}

/* From urgent to less urgent, and never more for the less urgent. */
static bool partitions_fit(const struct swgi_bulkhead_settings *bulkhead, unsigned least,
                           unsigned most) {
    if (bulkhead->partitions_count > SWGI_PARTITIONS_MAX)
        return false;
    for (unsigned i = 0; i < bulkhead->partitions_count; i++) {
        const struct swgi_partition *it = &bulkhead->partitions[i];

        if (it->priority > 63 || it->percent < least || it->percent > most)
            return false;
        if (i > 0 && (it->priority <= it[-1].priority || it->percent > it[-1].percent))
            return false;
    }
    return true;
}

static bool chain_fits(const struct swgi_fallback_settings *fallback) {
    for (unsigned i = 0; i < SWGI_FALLBACKS_MAX; i++) {
        if (fallback->chain[i] > SWGI_FALLBACK_FUNCTION)
            return false;
    }
    return true;
}

static bool each_fits(const struct swgi_settings *settings) {
    bool fits = true;

#define SWGI_KEY(type, field, name, alias, least, most, off, initial, unit, what) \
    fits = fits && FITS_##type(field, least, most, off);
#include "tables/keys.h"
    return fits;
}

static bool open_fits(const struct swgi_settings *settings) {
    return settings->open_max_follows <= 1 && settings->backoff_reset_follows <= 1 &&
           settings->open_max_ns >= settings->open_for_ns &&
           settings->weights_set == (settings->timeout_half_units != 2);
}

static bool rate_is_judged(const struct swgi_settings *settings) {
    bool judged =
        settings->count.calls != 0 && (settings->count.failure_ppm != SWGI_THRESHOLD_OFF ||
                                       settings->count.slow_ppm != SWGI_THRESHOLD_OFF);

    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX; i++) {
        const struct swgi_time_rule *rule = &settings->time[i];

        judged |= (rule->kind == SWGI_TIME_FAILURE_RATE || rule->kind == SWGI_TIME_SLOW_RATE) &&
                  rule->threshold != SWGI_THRESHOLD_OFF;
    }
    return judged;
}

static bool half_open_fits(const struct swgi_settings *settings) {
    bool total = settings->half_permits == SWGI_PERMITS_TOTAL;

    if (total && settings->success_threshold > settings->probes)
        return false;
    return settings->half_verdict != SWGI_VERDICT_RATE || (total && rate_is_judged(settings));
}

static bool consecutive_fits(const struct swgi_settings *settings) {
    const struct swgi_score_settings *score = &settings->score;

    return whole_fits(score->consecutive, 1, SWGI_CONSECUTIVE_MAX, 0) && score->up_half == 1 &&
           score->up_full == 2 && score->down == UINT32_MAX &&
           score->limit == 2 * score->consecutive + (settings->compare == SWGI_ABOVE);
}

/* The integers are not worked out again: another process's logarithm may differ in its last bit. */
static bool change_fits(const struct swgi_score_settings *score) {
    return real_fits(score->healthy, 0, 1) && real_fits(score->unhealthy, 0, 1) &&
           score->healthy < score->unhealthy && real_fits(score->false_trip_once_in, 1, 1e15) &&
           score->up_half <= score->up_full && score->up_full >= 1 && score->down >= 1 &&
           score->limit >= 1 && score->up_full <= UINT32_MAX - score->limit;
}

static bool score_fits(const struct swgi_settings *settings) {
    switch (settings->score.kind) {
    case SWGI_SCORE_NONE:
        return settings->score.limit == 0;
    case SWGI_SCORE_CONSECUTIVE:
        return consecutive_fits(settings);
    case SWGI_SCORE_CHANGE:
        return change_fits(&settings->score);
    default:
        return false;
    }
}

static bool slow_rate_fits(const struct swgi_settings *settings, uint32_t threshold) {
    return whole_fits(threshold, 1, SWGI_PPM, SWGI_THRESHOLD_OFF) &&
           (threshold == SWGI_THRESHOLD_OFF || settings->slow_ns != SWGI_OFF);
}

static bool count_fits(const struct swgi_settings *settings) {
    const struct swgi_count_settings *count = &settings->count;

    return count->calls == 0 || (count->calls <= SWGI_COUNT_CALLS_MAX && count->calls_min >= 1 &&
                                 count->calls_min <= count->calls &&
                                 whole_fits(count->failure_ppm, 1, SWGI_PPM, SWGI_THRESHOLD_OFF) &&
                                 slow_rate_fits(settings, count->slow_ppm));
}

static bool time_threshold_fits(const struct swgi_settings *settings,
                                const struct swgi_time_rule *rule) {
    switch (rule->kind) {
    case SWGI_TIME_FAILURE_RATE:
        return whole_fits(rule->threshold, 1, SWGI_PPM, SWGI_THRESHOLD_OFF);
    case SWGI_TIME_SLOW_RATE:
        return slow_rate_fits(settings, rule->threshold);
    case SWGI_TIME_FAILURES:
        return whole_fits(rule->threshold, 1, 2 * SWGI_CONSECUTIVE_MAX, 0);
    default:
        return false;
    }
}

static bool time_rule_fits(const struct swgi_settings *settings,
                           const struct swgi_time_rule *rule) {
    return time_threshold_fits(settings, rule) &&
           whole_fits(rule->window_ns, SWGI_WINDOW_MIN_NS, SWGI_WINDOW_MAX_NS, 0) &&
           whole_fits(rule->calls_min, 1, SWGI_CALLS_MIN_MAX, 0) &&
           whole_fits(rule->slices, 1, SWGI_SLICES_MAX, 0) &&
           settings->slice_ns <= SWGI_WINDOW_MAX_NS &&
           rule->window_ns == settings->slice_ns * rule->slices;
}

/* Rules stand at the front, without gaps, and there is a slice if there is a rule. */
static bool time_fits(const struct swgi_settings *settings) {
    unsigned used = 0;

    while (used < SWGI_TIME_RULES_MAX && settings->time[used].kind != SWGI_TIME_NONE) {
        if (!time_rule_fits(settings, &settings->time[used]))
            return false;
        used++;
    }
    for (unsigned i = used; i < SWGI_TIME_RULES_MAX; i++) {
        if (settings->time[i].kind != SWGI_TIME_NONE)
            return false;
    }
    return (used > 0) == (settings->slice_ns > 0);
}

bool swgi_settings_check(const struct swgi_settings *settings) {
    return each_fits(settings) && open_fits(settings) && half_open_fits(settings) &&
           score_fits(settings) && count_fits(settings) && time_fits(settings) &&
           swgi_policies_check(&settings->policies);
}

static bool same_score(const struct swgi_score_settings *a, const struct swgi_score_settings *b) {
    return a->kind == b->kind && a->up_half == b->up_half && a->up_full == b->up_full &&
           a->down == b->down && a->limit == b->limit;
}

static bool same_time_windows(const struct swgi_settings *a, const struct swgi_settings *b) {
    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX; i++) {
        if (a->time[i].kind != b->time[i].kind)
            return false;
        if (a->time[i].kind != SWGI_TIME_NONE && a->time[i].slices != b->time[i].slices)
            return false;
    }
    return a->slice_ns == b->slice_ns;
}

bool swgi_settings_same_windows(const struct swgi_settings *a, const struct swgi_settings *b) {
    return a->timeout_half_units == b->timeout_half_units && a->ignored == b->ignored &&
           a->slow_ns == b->slow_ns && same_score(&a->score, &b->score) &&
           a->count.calls == b->count.calls && same_time_windows(a, b);
}
