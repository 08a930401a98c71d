/*
 * CLOCK_MONOTONIC at the price of a TSC read.
 *
 * The kernel steers its clock, so a multiplier is never right for long: each thread anchors
 * itself to clock_gettime() every 10 ms of TSC time, in which the largest steering there is (500
 * ppm) makes 5 us. The rate is measured over the thread's own history; a thread that has less
 * than 5 ms of it pays for clock_gettime(). A suspend, a migration to another machine or a new
 * time namespace show as a reading that the rate did not foretell, and the history starts anew.
 */
#include "base/clock.h"

#include "switchgear/switchgear.h"

int64_t swgi_clock_wall_ms(void) {
    return swgi_clock_of(CLOCK_REALTIME) / 1000000;
}

swg_ns swg_now(void) {
    return swgi_clock_fast();
}

#ifndef __x86_64__

void swgi_clock_forget(void) {
}

#else

#include <cpuid.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/wide.h"

#define HISTORY_MIN_NS  5000000
#define ANCHOR_HOLDS_NS 10000000
#define PAIR_TICKS_MAX \
    20000u /* longer between the two readings: we were interrupted, and they are no pair */
#define SURPRISES_MAX 64u /* a TSC that is wrong that often is not used any more */

__thread struct swgi_clock_anchor swgi_clock_anchor;

enum { UNKNOWN, USABLE, UNUSABLE };
static _Atomic uint32_t tsc_state;
static _Atomic uint32_t surprises;

static bool tsc_invariant(void) {
    unsigned a, b, c, d;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) && d >> 8 & 1;
}

/* prctl(PR_SET_TSC) can make the instruction a fault. */
static bool tsc_permitted(void) {
    int mode = 0;
    return prctl(PR_GET_TSC, &mode) != 0 || mode == PR_TSC_ENABLE;
}

/*
 * The kernel watches its clock source; one it has given up (unsynchronised processors, say) is
 * none for us.
 */
static bool tsc_trusted_by_kernel(void) {
    char name[8] = "";
    int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
                  O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t length = read(fd, name, sizeof(name) - 1);
    close(fd);
    return length == 4 && memcmp(name, "tsc\n", 4) == 0;
}

static bool tsc_usable(void) {
    uint32_t state = swgi_load_relaxed(&tsc_state, COUNTER);
    if (state == UNKNOWN) {
        state = tsc_invariant() && tsc_permitted() && tsc_trusted_by_kernel() ? USABLE : UNUSABLE;
        swgi_store_relaxed(&tsc_state, state, COUNTER);
    }
    return state == USABLE;
}

/* Both clocks at one instant; false if something came between. */
static bool read_pair(uint64_t *tsc, int64_t *ns) {
    for (unsigned tries = 0; tries < 3; tries++) {
        uint64_t before = __rdtsc();
        *ns = swgi_clock_of(CLOCK_MONOTONIC);
        uint64_t after = __rdtsc();
        *tsc = before + (after - before) / 2;
        if (after - before < PAIR_TICKS_MAX)
            return true;
    }
    return false;
}

static int64_t extrapolate(const struct swgi_clock_anchor *anchor, uint64_t ticks) {
    return anchor->ns + (int64_t)((swgi_wide)ticks * anchor->multiplier >> 32);
}

/*
 * The latest instant that may have been told: at this reading, or where the anchor ceased to
 * hold.
 */
static int64_t latest_told(const struct swgi_clock_anchor *anchor, uint64_t tsc) {
    uint64_t ticks = tsc < anchor->tsc ? 0 : tsc - anchor->tsc;
    if (anchor->limit == 0)
        return anchor->floor;
    int64_t told = extrapolate(anchor, ticks < anchor->limit ? ticks : anchor->limit);
    return told > anchor->floor ? told : anchor->floor;
}

/* Is the reading what the rate foretold, give or take steering and the readings' own error? */
static bool foretold(const struct swgi_clock_anchor *anchor, uint64_t tsc, int64_t ns) {
    if (anchor->multiplier == 0)
        return true;
    if (tsc < anchor->tsc || ns < anchor->ns)
        return false;
    int64_t error = extrapolate(anchor, tsc - anchor->tsc) - ns;
    return (error < 0 ? -error : error) < 20000 + (ns - anchor->ns) / 1000;
}

/*
 * Told instants stay told, unless the clock itself went back, which only another time namespace
 * does.
 */
static void begin_history(struct swgi_clock_anchor *next, uint64_t tsc, int64_t ns) {
    int64_t told = ns < next->ns ? 0 : latest_told(next, tsc);
    *next = (struct swgi_clock_anchor){ .floor = told, .start_tsc = tsc, .start_ns = ns };
    if (swgi_add_relaxed(&surprises, 1, COUNTER) >= SURPRISES_MAX)
        swgi_store_relaxed(&tsc_state, UNUSABLE, COUNTER);
}

static void measure(struct swgi_clock_anchor *next, uint64_t tsc, int64_t ns) {
    uint64_t ticks = tsc - next->start_tsc;
    next->multiplier = (uint64_t)(((swgi_wide)(ns - next->start_ns) << 32) / ticks);
    next->limit = next->multiplier == 0 ? 0 : ((uint64_t)ANCHOR_HOLDS_NS << 32) / next->multiplier;
    next->tsc = tsc;
    next->ns = ns;
}

/*
 * A signal handler may read the clock while we write: what it must not see is half an anchor that
 * claims to hold.
 */
static void install(const struct swgi_clock_anchor *next) {
    struct swgi_clock_anchor *anchor = &swgi_clock_anchor;
    *(volatile uint64_t *)&anchor->limit = 0;
    atomic_signal_fence(memory_order_seq_cst);
    struct swgi_clock_anchor quiet = *next;
    quiet.limit = 0;
    *anchor = quiet;
    atomic_signal_fence(memory_order_seq_cst);
    *(volatile uint64_t *)&anchor->limit = next->limit;
}

static void anchor_anew(uint64_t tsc, int64_t ns) {
    struct swgi_clock_anchor next = swgi_clock_anchor;
    if (tsc <= next.tsc && ns <= next.ns)
        return; /* a signal handler anchored after this reading */
    if (next.start_tsc == 0) {
        next.start_tsc = tsc;
        next.start_ns = ns;
    } else if (tsc <= next.start_tsc || ns < next.start_ns || !foretold(&next, tsc, ns)) {
        begin_history(&next, tsc, ns);
    } else if (ns - next.start_ns >= HISTORY_MIN_NS) {
        next.floor = latest_told(&next, tsc);
        measure(&next, tsc, ns);
    }
    install(&next);
}

int64_t swgi_clock_slow(void) {
    uint64_t tsc;
    int64_t ns;
    if (!tsc_usable())
        return swgi_clock_of(CLOCK_MONOTONIC);
    bool pair = read_pair(&tsc, &ns);
    int64_t told = latest_told(&swgi_clock_anchor, tsc);
    if (pair)
        anchor_anew(tsc, ns);
    return ns > told ? ns : told;
}

void swgi_clock_forget(void) {
    install(&(struct swgi_clock_anchor){ .limit = 0 });
}

#endif
