/*
 * Our own adaptive limit: how many calls the server really works on, plus a small queue.
 *
 * By Little's law (Operations Research 9(3), 1961) a window of throughput X and mean duration R had
 * X R calls in flight; with R0 the duration without load, X R0 of them were being served and the
 * rest queued. So limit x R0 / R is what the server works on when the limit is used up, and a step
 * or two lead from any overload to it. A queue of a tenth is left standing, as the sign that there
 * is enough to do; while not even half of that is seen, the limit grows by a quarter. It grows only
 * when somebody found no permit free.
 *
 * All hangs on R0. The least ever seen would be too low for ever once the server got slower, and
 * too high if it was never seen without load. So it is measured: the limit is halved for one
 * window, in which the queue drains, and one more, which counts; as BBR does (Cardwell et al., ACM
 * Queue 14(5), 2016). If durations fell by a tenth, there had been a queue: the half stays, and
 * again. It is measured
 * - at first use,
 * - after every 60 windows under load, which costs at most 1/60 of the calls,
 * - when the limit has come down to half of what it was when last measured: that is right, or led
 *   by an R0 that is too low,
 * - when R0 has come down by a tenth: seen under load, it is still too high.
 *
 * Timeouts cut in proportion to their share, as DCTCP does with marks (Alizadeh et al., SIGCOMM
 * 2010): at a tenth of the calls by all of adaptive.backoff, below a hundredth not at all.
 */
#include "engine/adaptive_steps.h"

enum phase { SETTLED, DRAINING, MEASURING };

#define PROBE_SHARE   0.5
#define STILL_FALLING 0.9
#define REMEASURE     60u
#define GROWTH        1.25
#define FAILING       0.01
#define FAILING_BADLY 0.1
#define SAMPLES       50u /* half of what the mean is believed */
#define FAILED_MIN    3u

double swgi_own_held(const struct swgi_estimate *own) {
    bool measures = own->phase == DRAINING || own->phase == MEASURING;

    return measures ? own->limit * PROBE_SHARE : own->limit;
}

/* Twice what is in flight: calls that began in the last window count for less than half. */
bool swgi_own_ready(const struct swgi_estimate *own, const struct swgi_adaptive_window *window) {
    return window->failed >= FAILED_MIN ||
           (window->calls >= SAMPLES && (double)window->calls >= 2 * swgi_own_held(own));
}

static void measure(struct swgi_estimate *own) {
    own->phase = DRAINING;
    own->rounds = 0;
}

static void settle(struct swgi_estimate *own) {
    own->phase = SETTLED;
    own->rounds = 0;
    own->reference = own->limit;
    own->long_rtt = own->least_rtt;
}

static void measured(struct swgi_estimate *own, const struct swgi_adaptive_window *window) {
    bool falling = window->rtt < STILL_FALLING * own->least_rtt;

    own->least_rtt = window->rtt;
    if (!falling || own->limit <= 1) {
        settle(own);
        return;
    }
    own->limit = fmax(1, own->limit * PROBE_SHARE);
    measure(own);
}

/* Down with every window that was faster, the more the more calls it had. */
static void lower(struct swgi_estimate *own, const struct swgi_adaptive_window *window) {
    double weight = (double)window->calls / ((double)window->calls + SAMPLES);

    if (window->rtt < own->least_rtt)
        own->least_rtt += (window->rtt - own->least_rtt) * weight;
}

/* So much has changed since R0 was last measured that it may be wrong. */
static bool doubtful(const struct swgi_estimate *own) {
    return own->limit * 2 < own->reference || own->least_rtt < STILL_FALLING * own->long_rtt;
}

static double next_limit(const struct swgi_estimate *own,
                         const struct swgi_adaptive_settings *settings,
                         const struct swgi_adaptive_window *window) {
    double allowed = settings->queue != 0 ? settings->queue : fmax(1, own->limit / 10);
    double gradient = swgi_within(settings->tolerance * own->least_rtt / window->rtt, 0.5, 1);
    double queue = own->limit * (1 - gradient), next = own->limit - queue + allowed;

    if (queue < allowed / 2)
        next = fmax(next, own->limit * GROWTH);
    if (next > own->limit && !window->limited)
        return own->limit;
    return own->limit + settings->smoothing * (next - own->limit);
}

static void settled_step(struct swgi_estimate *own, const struct swgi_adaptive_settings *settings,
                         const struct swgi_adaptive_window *window) {
    bool known = own->least_rtt > 0, used = window->in_flight * 2 >= own->limit;

    if (!known)
        own->least_rtt = window->rtt;
    lower(own, window);
    if (!used) {
        settle(own);
    } else if (!known) {
        measure(own);
    } else {
        own->limit = next_limit(own, settings, window);
        if (++own->rounds >= REMEASURE || doubtful(own))
            measure(own);
    }
}

void swgi_own_step(struct swgi_estimate *own, const struct swgi_adaptive_settings *settings,
                   const struct swgi_adaptive_window *window) {
    double failed = (double)window->failed / (double)window->calls;

    if (failed >= FAILING) {
        own->phase = SETTLED;
        own->limit *= 1 - (1 - settings->backoff) * fmin(1, failed / FAILING_BADLY);
    } else if (own->phase == DRAINING) {
        own->phase = MEASURING;
    } else if (own->phase == MEASURING) {
        measured(own, window);
    } else {
        settled_step(own, settings, window);
    }
}
