/*
 * The word calls read is the only one that matters; all others are one updater's notes for the
 * next. A period's beginning is many words, written by whoever may be killed or stopped between
 * any two of them: each bears the period's mark, and a set whose marks differ is no beginning.
 */
#include "engine/auto_timeout.h"

#include <errno.h>
#include <math.h>

#include "base/error.h"
#include "engine/refuse.h"

#define MARK_BITS     16
#define SUM_BITS      48
#define ENOUGH        10u /* observations beyond the quantile that is wanted */
#define NOTICED_LEAST 8u
#define NOTICED_SIGMA 4.0

enum { TIMEOUTS_THEN, FAILURES_THEN }; /* of words->spare */

static bool is_auto(const struct swgi_timeout_settings *settings) {
    return settings->auto_ppm != UINT32_MAX;
}

static uint64_t bounded(const struct swgi_timeout_settings *settings, uint64_t ns) {
    if (ns > settings->auto_most_ns)
        ns = settings->auto_most_ns;
    return ns > settings->auto_least_ns ? ns : settings->auto_least_ns;
}

static uint64_t first_value(const struct swgi_timeout_settings *settings) {
    return is_auto(settings) ? bounded(settings, settings->attempt_ns) : settings->attempt_ns;
}

void swgi_timeout_install(struct swgi_timeout_words *words,
                          const struct swgi_timeout_settings *settings) {
    uint64_t present = swgi_load(&words->attempt_ns);
    bool was_worked_out = swgi_load(&words->rotated) != 0 && present != 0 && present != UINT64_MAX;
    bool stays = is_auto(settings) && was_worked_out;

    swgi_store(&words->attempt_ns, stays ? bounded(settings, present) : first_value(settings));
    if (!is_auto(settings))
        swgi_store(&words->rotated, 0);
}

bool swgi_timeout_begin(struct swgi_timeout_words *words,
                        const struct swgi_timeout_settings *settings, int64_t now) {
    uint64_t stamp = swgi_load(&words->stamp);

    return is_auto(settings) && swgi_passed(now, (int64_t)stamp) >= SWGI_TIMEOUT_EVERY_NS &&
           swgi_cas(&words->stamp, stamp, (uint64_t)now);
}

/* ---- periods */

/* When a period began, in units of a deadline, plus one: 0 is none. */
static uint64_t rotation(int64_t now) {
    return ((uint64_t)now >> SWGI_DEADLINE_SHIFT) + 1;
}

static int64_t begun_at(uint64_t rotated) {
    return (int64_t)((rotated - 1) << SWGI_DEADLINE_SHIFT);
}

/* Another one for four minutes, and never that of words nobody wrote. */
static uint64_t mark_of(uint64_t rotated) {
    return (rotated % SWGI_MASK(MARK_BITS) + 1) << SUM_BITS;
}

static void begin_period(struct swgi_timeout_words *words, const struct swgi_durations *durations,
                         int64_t now) {
    uint64_t rotated = rotation(now), mark = mark_of(rotated);

    swgi_store(&words->rotated, rotated);
    swgi_store(&words->spare[TIMEOUTS_THEN], mark | (durations->timeouts & SWGI_MASK(SUM_BITS)));
    swgi_store(&words->spare[FAILURES_THEN], mark | (durations->failures & SWGI_MASK(SUM_BITS)));
    for (unsigned i = 0; i < SWGI_HISTOGRAM_BINS; i++)
        swgi_store(&words->bins[i], mark | (durations->bins[i] & SWGI_MASK(SUM_BITS)));
}

/* false: that word is of another period. */
static bool since_then(const swgi_word *then, uint64_t mark, uint64_t sum, uint64_t *out) {
    uint64_t word = swgi_load(then);

    *out = swgi_sum_since(sum, word, SUM_BITS);
    return (word & ~SWGI_MASK(SUM_BITS)) == mark;
}

struct sample {
    uint64_t calls, failures, timeouts;
    uint64_t bins[SWGI_HISTOGRAM_BINS];
};

static bool read_sample(const struct swgi_timeout_words *words, uint64_t rotated,
                        const struct swgi_durations *durations, struct sample *out) {
    uint64_t mark = mark_of(rotated);
    bool whole =
        rotated != 0 &&
        since_then(&words->spare[TIMEOUTS_THEN], mark, durations->timeouts, &out->timeouts) &&
        since_then(&words->spare[FAILURES_THEN], mark, durations->failures, &out->failures);

    out->calls = 0;
    for (unsigned i = 0; whole && i < SWGI_HISTOGRAM_BINS; i++) {
        whole = since_then(&words->bins[i], mark, durations->bins[i], &out->bins[i]);
        out->calls += out->bins[i];
    }
    return whole;
}

static uint64_t as_long_as(const struct sample *sample, uint64_t ns) {
    uint64_t calls = 0;

    for (unsigned i = swgi_histogram_bin((int64_t)ns); i < SWGI_HISTOGRAM_BINS; i++)
        calls += sample->bins[i];
    return calls;
}

static bool read_period(const struct swgi_timeout_words *words,
                        const struct swgi_timeout_settings *settings,
                        const struct swgi_durations *durations, struct sample *sample,
                        struct swgi_timeout_period *out) {
    uint64_t ppm = settings->auto_ppm > 0 ? settings->auto_ppm : 1;
    uint64_t rotated = swgi_load(&words->rotated);

    *out = (struct swgi_timeout_period){ .needed = (ENOUGH * SWGI_PPM + ppm - 1) / ppm,
                                         .since = begun_at(rotated) };
    if (!read_sample(words, rotated, durations, sample))
        return false;
    uint64_t present = bounded(settings, swgi_load(&words->attempt_ns));
    uint64_t longest = as_long_as(sample, present - present / 5);
    out->good = sample->calls > sample->failures ? sample->calls - sample->failures : 0;
    out->cut_off = sample->timeouts < longest ? sample->timeouts : longest;
    return true;
}

bool swgi_timeout_look(const struct swgi_timeout_words *words,
                       const struct swgi_timeout_settings *settings,
                       const struct swgi_durations *durations, struct swgi_timeout_period *out) {
    struct sample sample;

    return read_period(words, settings, durations, &sample, out);
}

/* ---- judging one */

/* They come about as a Poisson process: so many more than expected are no chance. */
static bool too_many_cut_off(const struct swgi_timeout_settings *settings,
                             const struct swgi_timeout_period *period) {
    double expected = (double)settings->auto_ppm / SWGI_PPM * (double)period->good;

    return period->cut_off >= NOTICED_LEAST &&
           (double)period->cut_off > expected + NOTICED_SIGMA * sqrt(expected);
}

/* The upper edge of the bin of the call of that rank. */
static uint64_t quantile(const struct sample *sample, uint64_t rank) {
    uint64_t passed = sample->bins[0];
    unsigned bin = 0;

    while (passed < rank && bin + 1 < SWGI_HISTOGRAM_BINS)
        passed += sample->bins[++bin];
    return (uint64_t)swgi_histogram_bound(bin);
}

static void grow(struct swgi_timeout_words *words, const struct swgi_timeout_settings *settings) {
    uint64_t present = bounded(settings, swgi_load(&words->attempt_ns));
    uint64_t grown = present + present / 2;

    swgi_store(&words->attempt_ns, bounded(settings, grown > present ? grown : UINT64_MAX));
}

static void follow(struct swgi_timeout_words *words, const struct swgi_timeout_settings *settings,
                   const struct sample *sample, const struct swgi_timeout_period *period) {
    uint64_t allowed = (uint64_t)((swgi_wide)period->good * settings->auto_ppm / SWGI_PPM);

    if (period->cut_off <= allowed)
        swgi_store(&words->attempt_ns,
                   bounded(settings, quantile(sample, sample->calls - allowed)));
}

void swgi_timeout_update(struct swgi_timeout_words *words,
                         const struct swgi_timeout_settings *settings,
                         const struct swgi_durations *durations, int64_t now) {
    struct swgi_timeout_period period;
    struct sample sample;

    if (!read_period(words, settings, durations, &sample, &period)) {
        begin_period(words, durations, now);
        return;
    }
    bool is_enough = period.good >= period.needed;
    bool is_short = too_many_cut_off(settings, &period);
    if (is_short)
        grow(words, settings);
    else if (is_enough)
        follow(words, settings, &sample, &period);
    bool is_over = swgi_passed(now, period.since) >= SWGI_TIMEOUT_PERIOD_NS;
    if (is_short || (is_enough && is_over))
        begin_period(words, durations, now);
}

/* ---- settings */

static int compile_auto(const struct swgi_timeout_settings *settings, struct swg_error *error) {
    if (settings->auto_least_ns > settings->auto_most_ns)
        return swgi_refuse_longer(error, "timeout.auto_min", settings->auto_least_ns,
                                  "timeout.auto_max", settings->auto_most_ns);
    if (is_auto(settings) && settings->auto_least_ns > settings->total_ns)
        return swgi_refuse_longer(error, "timeout.auto_min", settings->auto_least_ns,
                                  "timeout.total", settings->total_ns);
    return 0;
}

int swgi_timeout_compile(struct swgi_timeout_settings *settings, struct swg_error *error) {
    int rc;

    if (settings->attempt_ns != UINT64_MAX && settings->attempt_ns > settings->total_ns)
        return swgi_refuse_longer(error, "timeout.attempt", settings->attempt_ns, "timeout.total",
                                  settings->total_ns);
    rc = compile_auto(settings, error);
    if (rc == 0 && !swgi_timeout_settings_check(settings))
        rc = swgi_fail(error, -EINVAL, "timeout", "a setting is out of its range");
    return rc;
}

static bool duration_fits(uint64_t ns) {
    return (ns >= 1 && ns <= (uint64_t)INT64_MAX) || ns == UINT64_MAX;
}

bool swgi_timeout_settings_check(const struct swgi_timeout_settings *settings) {
    return duration_fits(settings->attempt_ns) && duration_fits(settings->total_ns) &&
           (settings->attempt_ns == UINT64_MAX || settings->attempt_ns <= settings->total_ns) &&
           ((settings->auto_ppm >= 1 && settings->auto_ppm < SWGI_PPM) || !is_auto(settings)) &&
           settings->auto_least_ns >= 1 && settings->auto_least_ns <= settings->auto_most_ns &&
           settings->auto_most_ns <= (uint64_t)INT64_MAX;
}
