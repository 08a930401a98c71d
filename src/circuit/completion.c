/* The end of a call, as limiter, bulkhead, adaptive limits, timeouts and retries see it. */
#include "circuit/completion.h"

#include <errno.h>

#include "circuit/look.h"
#include "engine/backoff.h"
#include "engine/budget.h"
#include "engine/cost.h"

uint32_t swgi_completion_overdue(const struct swgi_turn *turn) {
    const struct swgi_policies *policies = swgi_policies_of(turn->map, turn->cell);
    if (policies == NULL || turn->settings.slow_ns == SWGI_OFF ||
        !(swgi_load(&turn->cell->traits) & SWGI_TRAIT_BULKHEAD))
        return 0;
    return swgi_permits_older(turn->map, &policies->bulkhead, turn->now, turn->settings.slow_ns);
}

/* ---- what adapts */

static uint64_t sum(const struct swgi_turn *turn, unsigned counter) {
    return swgi_column_sum(turn->map, turn->index, counter);
}

/* Somebody was refused since the last look, or waits now: the limit was what held calls up. */
static bool was_limited(const struct swgi_turn *turn, struct swgi_policies *policies) {
    uint64_t refused = sum(turn, SWGI_COUNTER(rejected) + SWGI_REJECTED_FULL) +
                       sum(turn, SWGI_COUNTER(rejected) + SWGI_REJECTED_SATURATED);
    return swgi_exchange(&policies->refused_seen, refused) != refused ||
           swgi_waiters_count(turn->map, &policies->bulkhead) != 0;
}

static void adapt_limit(struct swgi_turn *turn, struct swgi_policies *policies) {
    const struct swgi_adaptive_settings *settings = &turn->settings.policies.adaptive;
    struct swgi_adaptive_words *words = &policies->adaptive;
    if (settings->algorithm == SWGI_ADAPTIVE_OFF ||
        !swgi_adaptive_due(words, settings->window_ns, turn->now) ||
        !swgi_adaptive_begin(words, settings->window_ns, turn->now))
        return;
    uint64_t timeouts = swgi_load(&turn->cell->timeouts);
    struct swgi_adaptive_sample sample = {
        .calls = sum(turn, SWGI_COUNTER(successes)) + timeouts,
        .time_ns = sum(turn, SWGI_COUNTER(time_ns)),
        .failed = timeouts,
        .in_flight = swgi_permits_held(turn->map, &policies->bulkhead),
        .limited = was_limited(turn, policies),
    };
    swgi_bulkhead_limit(turn->map, &policies->bulkhead,
                        swgi_adaptive_update(words, settings, &sample, turn->now));
}

static void adapt_rate(struct swgi_turn *turn, struct swgi_policies *policies) {
    const struct swgi_limiter_settings *settings = &turn->settings.policies.limiter;
    if (settings->resource_aware)
        swgi_limiter_load(&policies->limiter, settings, swgi_system_load(turn));
    if (!settings->adaptive || !swgi_limiter_adapt_due(&policies->limiter, turn->now))
        return;
    uint64_t bad = swgi_load(&turn->cell->failures) + swgi_load(&turn->cell->timeouts);
    swgi_limiter_adapt(&policies->limiter, settings, sum(turn, SWGI_COUNTER(successes)) + bad, bad,
                       turn->now);
}

static void adapt_timeout(struct swgi_turn *turn, struct swgi_policies *policies) {
    const struct swgi_timeout_settings *settings = &turn->settings.policies.timeout;
    struct swgi_durations durations = { 0 };
    if (!swgi_timeout_due(&policies->timeout, settings, turn->now) ||
        !swgi_timeout_begin(&policies->timeout, settings, turn->now))
        return;
    (void)swgi_histogram_sum(turn->map, swgi_load(&turn->cell->histogram), durations.bins);
    durations.failures = swgi_load(&turn->cell->failures);
    durations.timeouts = swgi_load(&turn->cell->timeouts);
    swgi_timeout_update(&policies->timeout, settings, &durations, turn->now);
}

static __attribute__((noinline)) void adapt(const struct swgi_binding *binding,
                                            struct swgi_policies *policies, int64_t now) {
    struct swgi_turn turn;
    swgi_turn_begin(&turn, binding->map, binding->index, now);
    swgi_turn_now(&turn);
    uint64_t last = swgi_load(&policies->sample_stamp);
    if (swgi_passed(turn.now, (int64_t)last) < swgi_load(&policies->sample_ns) ||
        !swgi_cas(&policies->sample_stamp, last, (uint64_t)turn.now))
        return;
    swgi_turn_policies(&turn);
    adapt_limit(&turn, policies);
    adapt_rate(&turn, policies);
    adapt_timeout(&turn, policies);
}

/* A hard failure takes no time, and an ignored one is not the dependency's. */
void swgi_completion_sampled(const struct swg_permit *permit, const struct swgi_binding *binding,
                             int64_t now, int64_t duration, enum swgi_class class) {
    struct swgi_policies *policies = swgi_policies_of(binding->map, binding->cell);
    if (policies == NULL || duration < 0)
        return;
    if (class == SWGI_CLASS_SUCCESS || class == SWGI_CLASS_TIMEOUT)
        swgi_column_add(&swgi_column(binding->index)->time_ns, (uint64_t)duration);
    uint32_t key = swgi_permit_asked(permit).key;
    if (key != 0 && swgi_load_relaxed(&policies->habits, FAST_SETTING) & SWGI_HABIT_DYNAMIC)
        swgi_cost_add(policies->costs, key, duration, now);
    uint64_t last = swgi_load_relaxed(&policies->sample_stamp, STAMP);
    if (swgi_passed(now, (int64_t)last) >= swgi_load_relaxed(&policies->sample_ns, FAST_SETTING))
        adapt(binding, policies, now);
}

/* ---- another attempt */

uint16_t swgi_delay_pack(int64_t delay_ns) {
    uint64_t value = delay_ns > 0 ? (uint64_t)delay_ns : 0;
    unsigned shift = 0;
    while (value >> shift >= 1023)
        shift++;
    return (uint16_t)(shift << 10 | (value + (UINT64_C(1) << shift) - 1) >> shift);
}

int64_t swgi_delay_unpack(uint16_t packed) {
    unsigned shift = packed >> 10;
    uint64_t value = (uint64_t)(packed & 1023) << shift;
    return value <= INT64_MAX ? (int64_t)value : INT64_MAX;
}

static bool is_retried(const struct swgi_retry_settings *settings, enum swgi_class class) {
    if (class == SWGI_CLASS_FAILURE)
        return settings->on != SWGI_RETRY_ON_TIMEOUT;
    return class == SWGI_CLASS_TIMEOUT && settings->on != SWGI_RETRY_ON_FAILURE;
}

static double failure_rate(const struct swgi_turn *turn) {
    struct swgi_window window = { 0 };
    if (!swgi_longest_window(turn, &window) || window.calls == 0)
        return 0;
    return (double)window.half_units / 2 / (double)window.calls;
}

static int64_t delay_of(struct swgi_turn *turn, const struct swgi_asked *asked) {
    const struct swgi_retry_settings *settings = &turn->settings.policies.retry;
    bool adaptive = settings->backoff == SWGI_BACKOFF_ADAPTIVE;
    int64_t delay =
        swgi_backoff_delay(settings, asked->attempt, swgi_delay_unpack(asked->previous),
                           swgi_random_share(&swgi_thread.lot), adaptive ? failure_rate(turn) : 0,
                           adaptive ? swgi_system_load(turn) : 0);
    return swgi_backoff_heed(settings, delay, turn->retry_after);
}

int64_t swgi_completion_retry(struct swgi_turn *turn, const struct swgi_asked *asked,
                              enum swgi_class class) {
    const struct swgi_retry_settings *settings = &turn->settings.policies.retry;
    struct swgi_policies *policies = swgi_policies_of(turn->map, turn->cell);
    if (policies == NULL || asked->attempt == 0 || asked->attempt >= settings->attempts ||
        !is_retried(settings, class))
        return -1;
    int64_t delay = delay_of(turn, asked);
    if (delay < 0)
        return -1;
    int64_t then = swgi_after(swgi_turn_now(turn), (uint64_t)delay);
    /* A breaker that will still be open then would only reject it. */
    if ((asked->deadline != 0 && then >= asked->deadline) || swgi_breaker_is_open(turn->cell, then))
        return -1;
    uint64_t calls = sum(turn, SWGI_COUNTER(calls)), retries = sum(turn, SWGI_COUNTER(retries));
    bool paid = swgi_budget_take(&policies->budget, settings, calls > retries ? calls - retries : 0,
                                 turn->now);
    return paid ? delay : -1;
}
