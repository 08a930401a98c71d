/*
 * One step of each adaptive algorithm, as plain arithmetic: an estimate, a window of calls, and
 * what follows. adaptive.c brings both from the panel's words and back.
 */
#ifndef SWGI_ENGINE_ADAPTIVE_STEPS_H
#define SWGI_ENGINE_ADAPTIVE_STEPS_H

#include <math.h>

#include "engine/adaptive.h"

/* What an algorithm remembers; each uses what it needs. Every real is finite and not negative. */
struct swgi_estimate {
    uint8_t algorithm, phase;
    uint32_t rounds; /* 24 bits are kept */
    uint32_t lot;
    double limit, least_rtt, long_rtt, reference;
};

#define SWGI_ROUNDS_MAX 0xffffffu

struct swgi_adaptive_window {
    uint64_t calls, failed;
    double rtt;       /* mean, ns; at least 1 */
    double in_flight; /* the most that is known of */
    bool limited;
    int64_t now;
};

static inline double swgi_within(double value, double least, double most) {
    return fmax(least, fmin(most, value));
}

/* settings are resolved ones; the limit that comes out may lie beyond their bounds. */
void swgi_aimd_step(struct swgi_estimate *own, const struct swgi_adaptive_settings *settings,
                    const struct swgi_adaptive_window *window);
void swgi_vegas_step(struct swgi_estimate *own, const struct swgi_adaptive_settings *settings,
                     const struct swgi_adaptive_window *window);
void swgi_gradient2_step(struct swgi_estimate *own, const struct swgi_adaptive_settings *settings,
                         const struct swgi_adaptive_window *window);
void swgi_own_step(struct swgi_estimate *own, const struct swgi_adaptive_settings *settings,
                   const struct swgi_adaptive_window *window);

/* switchgear: does the window hold enough to be judged, and what is held to while it measures? */
bool swgi_own_ready(const struct swgi_estimate *own, const struct swgi_adaptive_window *window);
double swgi_own_held(const struct swgi_estimate *own);

#endif
