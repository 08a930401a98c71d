/*
 * A fair opponent. It lies in a shared library of its own, so that both sides are called the same way, and in memory that
 * processes share, because that is what the panel offers.
 */
#include "mutexbreaker.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define MILLION UINT64_C(1000000)

enum { CALL_FAILED = 1, CALL_SLOW = 2 };

void mutex_breaker_init(struct mutex_breaker *breaker, const struct mutex_breaker_rules *rules,
                        swg_ns now) {
    pthread_mutexattr_t attributes;
    assert(rules->count_calls <= MUTEX_BREAKER_CALLS && rules->slices <= MUTEX_BREAKER_SLICES);
    memset(breaker, 0, sizeof *breaker);
    breaker->rules = *rules;
    breaker->slice_ends = now + rules->slice_ns;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&breaker->mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

void mutex_breaker_deinit(struct mutex_breaker *breaker) {
    pthread_mutex_destroy(&breaker->mutex);
}

static void empty_window(struct mutex_breaker *breaker, swg_ns now) {
    memset(&breaker->window, 0, sizeof breaker->window);
    memset(breaker->slice, 0, sizeof breaker->slice);
    memset(breaker->call, 0, sizeof breaker->call);
    breaker->call_index = 0;
    breaker->slice_ends = now + breaker->rules.slice_ns;
}

static void move_to(struct mutex_breaker *breaker, int state, swg_ns now) {
    breaker->state = state;
    breaker->generation++;
    breaker->failures_in_a_row = 0;
    breaker->open_until = now + breaker->rules.open_ns;
    empty_window(breaker, now);
}

static void forget_oldest_slice(struct mutex_breaker *breaker) {
    breaker->slice_index = (breaker->slice_index + 1) % breaker->rules.slices;
    struct mutex_breaker_sums *oldest = &breaker->slice[breaker->slice_index];
    breaker->window.calls -= oldest->calls;
    breaker->window.failures -= oldest->failures;
    breaker->window.slow -= oldest->slow;
    memset(oldest, 0, sizeof *oldest);
    breaker->slice_ends += breaker->rules.slice_ns;
}

static void rotate(struct mutex_breaker *breaker, swg_ns now) {
    if (now - breaker->slice_ends >= breaker->rules.slices * breaker->rules.slice_ns)
        empty_window(breaker, now);
    while (now >= breaker->slice_ends)
        forget_oldest_slice(breaker);
}

static void count_in_slice(struct mutex_breaker *breaker, unsigned what) {
    struct mutex_breaker_sums *slice = &breaker->slice[breaker->slice_index];
    slice->calls++;
    slice->failures += what & CALL_FAILED;
    slice->slow += what / CALL_SLOW;
}

static void replace_oldest_call(struct mutex_breaker *breaker, unsigned what) {
    unsigned oldest = breaker->call[breaker->call_index];
    if (breaker->window.calls == breaker->rules.count_calls) {
        breaker->window.calls--;
        breaker->window.failures -= oldest & CALL_FAILED;
        breaker->window.slow -= oldest / CALL_SLOW;
    }
    breaker->call[breaker->call_index] = (uint8_t)what;
    if (++breaker->call_index == breaker->rules.count_calls)
        breaker->call_index = 0;
}

static void count_in_window(struct mutex_breaker *breaker, unsigned what, swg_ns now) {
    if (breaker->rules.slice_ns != 0) {
        if (now >= breaker->slice_ends)
            rotate(breaker, now);
        count_in_slice(breaker, what);
    } else if (breaker->rules.count_calls != 0) {
        replace_oldest_call(breaker, what);
    } else {
        return;
    }
    breaker->window.calls++;
    breaker->window.failures += what & CALL_FAILED;
    breaker->window.slow += what / CALL_SLOW;
}

static bool window_trips(const struct mutex_breaker *breaker) {
    const struct mutex_breaker_rules *rules = &breaker->rules;
    const struct mutex_breaker_sums *window = &breaker->window;
    if (window->calls < rules->calls_min || window->calls == 0)
        return false;
    return (rules->failure_ppm &&
            window->failures * MILLION >= window->calls * rules->failure_ppm) ||
           (rules->slow_ppm && window->slow * MILLION >= window->calls * rules->slow_ppm);
}

static bool trips(const struct mutex_breaker *breaker) {
    if (breaker->rules.consecutive != 0 && breaker->failures_in_a_row >= breaker->rules.consecutive)
        return true;
    return window_trips(breaker);
}

/* As fine as the panel's: eight bins for each doubling, from about a microsecond on. */
static unsigned bin_of(swg_ns duration) {
    uint64_t units = (uint64_t)duration >> 10;
    if (units < 8)
        return (unsigned)units;
    unsigned doubling = 63u - (unsigned)__builtin_clzll(units);
    unsigned bin = (doubling - 2) * 8 + (unsigned)(units >> (doubling - 3) & 7);
    return bin < MUTEX_BREAKER_BINS ? bin : MUTEX_BREAKER_BINS - 1;
}

static void count_outcome(struct mutex_breaker *breaker, int outcome, swg_ns now) {
    if (outcome == SWG_SUCCESS) {
        breaker->successes++;
        breaker->failures_in_a_row = 0;
        breaker->last_success = now;
    } else {
        breaker->failures += outcome == SWG_FAILURE;
        breaker->timeouts += outcome == SWG_TIMEOUT;
        breaker->failures_in_a_row++;
        breaker->last_failure = now;
    }
}

static void tally(struct mutex_breaker *breaker, int outcome, swg_ns now, swg_ns duration) {
    bool slow = breaker->rules.slow_ns != 0 && duration > breaker->rules.slow_ns;
    count_outcome(breaker, outcome, now);
    breaker->slow += slow;
    if (breaker->rules.histogram)
        breaker->bins[bin_of(duration)]++;
    count_in_window(breaker, (outcome != SWG_SUCCESS) | (slow ? CALL_SLOW : 0u), now);
}

static bool admits(struct mutex_breaker *breaker, swg_ns now) {
    if (breaker->state == SWG_STATE_OPEN && now >= breaker->open_until)
        move_to(breaker, SWG_STATE_HALF_OPEN, now);
    return breaker->state != SWG_STATE_OPEN;
}

int mutex_breaker_acquire(struct mutex_breaker *breaker, const struct swg_request *request,
                          swg_ns now, struct swg_permit *out) {
    (void)request;
    pthread_mutex_lock(&breaker->mutex);
    bool go = admits(breaker, now);
    if (go) {
        breaker->admitted++;
        out->opaque[0] = (uint64_t)(uintptr_t)breaker;
        out->opaque[1] = breaker->generation;
    } else {
        breaker->rejected++;
        out->opaque[0] = 0;
    }
    pthread_mutex_unlock(&breaker->mutex);
    return go ? SWG_GO : SWG_OPEN;
}

int mutex_breaker_record(struct swg_permit *permit, int outcome, const struct swg_failure *why,
                         swg_ns now, swg_ns duration) {
    struct mutex_breaker *breaker = (struct mutex_breaker *)(uintptr_t)permit->opaque[0];
    (void)why;
    if (breaker == NULL)
        return 0;
    permit->opaque[0] = 0;
    pthread_mutex_lock(&breaker->mutex);
    if (breaker->generation != permit->opaque[1]) {
        breaker->late++;
    } else if (outcome == SWG_IGNORED) {
        breaker->ignored++;
    } else {
        tally(breaker, outcome, now, duration);
        if (breaker->state == SWG_STATE_HALF_OPEN)
            move_to(breaker, outcome == SWG_SUCCESS ? SWG_STATE_CLOSED : SWG_STATE_OPEN, now);
        else if (trips(breaker))
            move_to(breaker, SWG_STATE_OPEN, now);
    }
    pthread_mutex_unlock(&breaker->mutex);
    return 0;
}
