/*
 * The clocks the library reads by itself.
 *
 * Reading one costs more than a protected call, so decisions take time as an argument and only
 * the outermost functions come here. On x86-64 with an invariant TSC that the kernel itself keeps
 * time by, swgi_clock_fast() extrapolates from the thread's last reading of CLOCK_MONOTONIC, at
 * most 10 ms back; elsewhere it is clock_gettime(). Within a thread it never goes backward. Safe
 * in signal handlers.
 */
#ifndef SWGI_BASE_CLOCK_H
#define SWGI_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "base/shared.h"

static inline int64_t swgi_clock_of(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* CLOCK_MONOTONIC as of the kernel's last tick: up to 10 ms behind, and the cheapest there is. */
static inline int64_t swgi_clock_coarse(void) {
    return swgi_clock_of(CLOCK_MONOTONIC_COARSE);
}

/* CLOCK_REALTIME in milliseconds since 1970. */
SWGI_SHARED int64_t swgi_clock_wall_ms(void);
/* Forget what this thread measured: in a forked child, whose time namespace may be another. */
void swgi_clock_forget(void);

#ifdef __x86_64__
#include <x86intrin.h>

/* This thread's last reading of both clocks. */
struct swgi_clock_anchor {
    uint64_t tsc;
    uint64_t limit;      /* ticks for which the anchor holds; 0: it holds not at all */
    uint64_t multiplier; /* nanoseconds per tick, times 2^32 */
    int64_t ns;
    int64_t floor;      /* nothing earlier is told, because something as late was told before */
    uint64_t start_tsc; /* where the measuring of the multiplier began; 0: it has not */
    int64_t start_ns;
};
extern __thread struct swgi_clock_anchor swgi_clock_anchor
    __attribute__((tls_model("initial-exec")));
int64_t swgi_clock_slow(void);

static inline int64_t swgi_clock_fast(void) {
    const struct swgi_clock_anchor *anchor = &swgi_clock_anchor;
    uint64_t passed = __rdtsc() - anchor->tsc;
    if (__builtin_expect(passed >= anchor->limit, 0))
        return swgi_clock_slow();
    int64_t now = anchor->ns + (int64_t)(passed * anchor->multiplier >> 32);
    return now > anchor->floor ? now : anchor->floor;
}
#else
static inline int64_t swgi_clock_fast(void) {
    return swgi_clock_of(CLOCK_MONOTONIC);
}
#endif

#endif
