/* Adaptive concurrency limits: from the panel's words to an algorithm's step and back. */
#include "engine/adaptive.h"

#include <string.h>

#include "base/random.h"
#include "engine/adaptive_steps.h"

#define CALLS_MIN 10u /* WindowedLimit.java: DEFAULT_WINDOW_SIZE */
#define REAL_MOST 1e18

struct sums {
    uint64_t began, calls, time_ns, failed;
};

/* Words can hold anything: what is no positive number counts as never written. NaN compares with
 * nothing. */
static double real(uint64_t bits, double otherwise) {
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value > 0 && value <= REAL_MOST ? value : otherwise;
}

static uint64_t bits_of(double value) {
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

/* algorithm:4 | phase:4 | rounds:24 | lot:32 */
static uint64_t memory_of(const struct swgi_estimate *own) {
    uint32_t rounds = own->rounds < SWGI_ROUNDS_MAX ? own->rounds : SWGI_ROUNDS_MAX;

    return (uint64_t)own->lot << 32 | (uint64_t)rounds << 8 | (uint64_t)(own->phase & 0xf) << 4 |
           (own->algorithm & 0xf);
}

static void estimate_load(struct swgi_estimate *own, const struct swgi_adaptive_words *words,
                          const struct swgi_adaptive_settings *settings) {
    uint64_t memory = swgi_load(&words->memory);

    *own = (struct swgi_estimate){ .algorithm = settings->algorithm };
    own->limit = swgi_within(real(swgi_load(&words->limit), settings->initial), settings->least,
                             settings->most);
    /* Another algorithm's limit is worth keeping; what it remembers is not. */
    if ((memory & 0xf) != settings->algorithm)
        return;
    own->phase = (uint8_t)(memory >> 4 & 0xf);
    own->rounds = (uint32_t)(memory >> 8 & SWGI_ROUNDS_MAX);
    own->lot = (uint32_t)(memory >> 32);
    own->least_rtt = real(swgi_load(&words->least_rtt), 0);
    own->long_rtt = real(swgi_load(&words->long_rtt), 0);
    own->reference = real(swgi_load(&words->reference), 0);
}

static void estimate_store(struct swgi_adaptive_words *words, const struct swgi_estimate *own) {
    swgi_store(&words->limit, bits_of(own->limit));
    swgi_store(&words->least_rtt, bits_of(own->least_rtt));
    swgi_store(&words->long_rtt, bits_of(own->long_rtt));
    swgi_store(&words->reference, bits_of(own->reference));
    swgi_store(&words->memory, memory_of(own));
}

static uint32_t held(const struct swgi_estimate *own,
                     const struct swgi_adaptive_settings *settings) {
    double limit = own->algorithm == SWGI_ADAPTIVE_SWITCHGEAR ? swgi_own_held(own) : own->limit;

    return (uint32_t)swgi_within(limit, settings->least, settings->most);
}

static uint64_t seal_of(const struct sums *sums) {
    uint64_t seal = swgi_random_mix(sums->began);

    seal = swgi_random_mix(seal ^ sums->calls);
    seal = swgi_random_mix(seal ^ sums->time_ns);
    return swgi_random_mix(seal ^ sums->failed);
}

/* false: there are none, somebody was killed over them, or two wrote at once. */
static bool sums_load(const struct swgi_adaptive_words *words, struct sums *out) {
    *out = (struct sums){ .began = swgi_load(&words->began),
                          .calls = swgi_load(&words->calls),
                          .time_ns = swgi_load(&words->time_ns),
                          .failed = swgi_load(&words->failed) };
    return swgi_load(&words->seal) == seal_of(out);
}

static void sums_store(struct swgi_adaptive_words *words, const struct sums *sums) {
    swgi_store(&words->began, sums->began);
    swgi_store(&words->calls, sums->calls);
    swgi_store(&words->time_ns, sums->time_ns);
    swgi_store(&words->failed, sums->failed);
    swgi_store(&words->seal, seal_of(sums));
}

static uint64_t since(uint64_t now, uint64_t then) {
    return now > then ? now - then : 0;
}

/* How many were in flight is known in three ways, each of which may miss a peak: now; on average,
 * by Little's law; and that somebody found none free. */
static double most_in_flight(const struct swgi_adaptive_sample *sample, const struct sums *sums,
                             uint64_t time_ns, int64_t now, uint32_t limit) {
    uint64_t passed = swgi_passed(now, (int64_t)sums->began);
    double mean = passed != 0 ? (double)time_ns / (double)passed : 0;
    double most = fmax(sample->in_flight, mean);

    return sample->limited ? fmax(most, limit) : most;
}

static struct swgi_adaptive_window window_of(const struct swgi_adaptive_sample *sample,
                                             const struct sums *sums, int64_t now, uint32_t limit) {
    uint64_t time_ns = since(sample->time_ns, sums->time_ns);
    uint64_t calls = since(sample->calls, sums->calls), mean_ns = calls != 0 ? time_ns / calls : 0;

    return (struct swgi_adaptive_window){
        .calls = calls,
        .failed = since(sample->failed, sums->failed),
        .rtt = mean_ns != 0 ? (double)mean_ns : 1,
        .in_flight = most_in_flight(sample, sums, time_ns, now, limit),
        .limited = sample->limited,
        .now = now,
    };
}

static bool ready(const struct swgi_estimate *own, const struct swgi_adaptive_window *window) {
    if (window->calls < CALLS_MIN)
        return false;
    return own->algorithm != SWGI_ADAPTIVE_SWITCHGEAR || swgi_own_ready(own, window);
}

static void judge(struct swgi_estimate *own, const struct swgi_adaptive_settings *settings,
                  const struct swgi_adaptive_window *window) {
    switch (own->algorithm) {
    case SWGI_ADAPTIVE_AIMD:
        swgi_aimd_step(own, settings, window);
        break;
    case SWGI_ADAPTIVE_VEGAS:
        swgi_vegas_step(own, settings, window);
        break;
    case SWGI_ADAPTIVE_GRADIENT2:
        swgi_gradient2_step(own, settings, window);
        break;
    case SWGI_ADAPTIVE_SWITCHGEAR:
        swgi_own_step(own, settings, window);
        break;
    default:
        break;
    }
}

bool swgi_adaptive_begin(struct swgi_adaptive_words *words, uint64_t window_ns, int64_t now) {
    uint64_t stamp = swgi_load(&words->stamp);

    return swgi_passed(now, (int64_t)stamp) >= window_ns &&
           swgi_cas(&words->stamp, stamp, (uint64_t)now);
}

uint32_t swgi_adaptive_update(struct swgi_adaptive_words *words,
                              const struct swgi_adaptive_settings *settings,
                              const struct swgi_adaptive_sample *sample, int64_t now) {
    struct swgi_adaptive_settings resolved = swgi_adaptive_resolved(settings);
    struct sums began, sums = { (uint64_t)now, sample->calls, sample->time_ns, sample->failed };
    struct swgi_estimate own;
    struct swgi_adaptive_window window;

    estimate_load(&own, words, &resolved);
    if (!sums_load(words, &began)) {
        sums_store(words, &sums);
        return held(&own, &resolved);
    }
    window = window_of(sample, &began, now, held(&own, &resolved));
    /* Who was stopped since it took the update leaves it to whoever has taken the next. */
    if (!ready(&own, &window) || swgi_load(&words->stamp) != (uint64_t)now)
        return held(&own, &resolved);
    judge(&own, &resolved, &window);
    estimate_store(words, &own);
    sums_store(words, &sums);
    return held(&own, &resolved);
}

uint32_t swgi_adaptive_limit(const struct swgi_adaptive_words *words,
                             const struct swgi_adaptive_settings *settings) {
    struct swgi_adaptive_settings resolved = swgi_adaptive_resolved(settings);
    struct swgi_estimate own;

    estimate_load(&own, words, &resolved);
    return held(&own, &resolved);
}
