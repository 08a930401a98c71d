/*
 * The published algorithms, step by step after Netflix concurrency-limits: the files named below of
 * github.com/Netflix/concurrency-limits, com/netflix/concurrency/limits/limit, commit 78a74b9.
 *
 * They are fed as its WindowedLimit.java with AverageSampleWindow feeds them: the window's mean
 * duration, the most in flight, and whether anything timed out. Three things differ. A window of
 * too few calls is prolonged instead of thrown away. Calls under 100 us count like others. The
 * least limit is 1 where two of them have 20: it is a bound for the operator to set, and 20 is the
 * whole of many a circuit.
 */
#include "engine/adaptive_steps.h"

#include "base/random.h"

/* ---- aimd: AIMDLimit.java, after Chiu and Jain, "Analysis of the increase and decrease algorithms
 * for congestion avoidance in computer networks", Computer Networks and ISDN Systems 17 (1989). */

void swgi_aimd_step(struct swgi_estimate *own, const struct swgi_adaptive_settings *settings,
                    const struct swgi_adaptive_window *window) {
    if (window->failed != 0 || window->rtt > (double)settings->timeout_ns)
        own->limit = floor(floor(own->limit) * settings->backoff);
    else if (window->in_flight * 2 >= floor(own->limit))
        own->limit = floor(own->limit) + 1;
}

/* ---- vegas: VegasLimit.java, after Brakmo and Peterson, "TCP Vegas: end to end congestion
 * avoidance on a global Internet", IEEE JSAC 13(8) (1995). least_rtt is rtt_noload, rounds is
 * probeCount, lot is probeJitter. */

#define VEGAS_PROBE_MULTIPLIER 30.0

/* Log10RootIntFunction.java: the whole part of the logarithm, and at least 1. */
static double log10_root(double limit) {
    return fmax(1, floor(log10(floor(limit))));
}

/* ThreadLocalRandom.nextDouble(0.5, 1), drawn from the instant. */
static void draw_jitter(struct swgi_estimate *own, const struct swgi_adaptive_window *window) {
    own->lot = (uint32_t)(swgi_random_mix((uint64_t)window->now) >> 32);
}

static double vegas_jitter(const struct swgi_estimate *own) {
    return 0.5 + (double)own->lot / 0x1p33;
}

static bool vegas_measures(struct swgi_estimate *own, const struct swgi_adaptive_window *window) {
    bool probe;

    if (!(own->least_rtt > 0))
        draw_jitter(own, window);
    own->rounds++;
    probe = vegas_jitter(own) * VEGAS_PROBE_MULTIPLIER * own->limit <= own->rounds;
    if (probe) {
        draw_jitter(own, window);
        own->rounds = 0;
    }
    if (!probe && own->least_rtt > 0 && window->rtt >= own->least_rtt)
        return false;
    own->least_rtt = window->rtt;
    return true;
}

static double vegas_next(const struct swgi_estimate *own,
                         const struct swgi_adaptive_window *window) {
    double queue = ceil(own->limit * (1 - own->least_rtt / window->rtt));
    double step = log10_root(own->limit), alpha = 3 * step, beta = 6 * step;

    if (window->failed != 0)
        return own->limit - step;
    if (window->in_flight * 2 < own->limit)
        return own->limit;
    if (queue <= step)
        return own->limit + beta;
    if (queue < alpha)
        return own->limit + step;
    return queue > beta ? own->limit - step : own->limit;
}

void swgi_vegas_step(struct swgi_estimate *own, const struct swgi_adaptive_settings *settings,
                     const struct swgi_adaptive_window *window) {
    double next;

    if (vegas_measures(own, window))
        return;
    next = swgi_within(vegas_next(own, window), 1, settings->most);
    own->limit = (1 - settings->smoothing) * own->limit + settings->smoothing * next;
}

/* ---- gradient2: Gradient2Limit.java with ExpAvgMeasurement.java. long_rtt is the average,
 * reference the sum while it warms up, rounds how many it has seen. */

#define GRADIENT2_LONG_WINDOW 600.0
#define GRADIENT2_WARM_UP     10u

static void gradient2_average(struct swgi_estimate *own, double rtt) {
    double factor = 2 / (GRADIENT2_LONG_WINDOW + 1);

    if (!(own->long_rtt > 0))
        own->rounds = 0;
    if (own->rounds == 0)
        own->reference = 0;
    if (own->rounds < GRADIENT2_WARM_UP) {
        own->reference += rtt;
        own->long_rtt = own->reference / ++own->rounds;
    } else {
        own->long_rtt = own->long_rtt * (1 - factor) + rtt * factor;
    }
}

void swgi_gradient2_step(struct swgi_estimate *own, const struct swgi_adaptive_settings *settings,
                         const struct swgi_adaptive_window *window) {
    double long_rtt, gradient, next;

    gradient2_average(own, window->rtt);
    long_rtt = own->long_rtt;
    /* Back from a long overload faster than the average forgets. */
    if (long_rtt / window->rtt > 2)
        own->long_rtt *= 0.95;
    if (window->in_flight < own->limit / 2)
        return;
    gradient = swgi_within(settings->tolerance * long_rtt / window->rtt, 0.5, 1);
    next = own->limit * gradient + settings->queue;
    own->limit = own->limit * (1 - settings->smoothing) + next * settings->smoothing;
}
