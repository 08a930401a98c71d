/*
 * How the settings of policies lie in the panel: in the circuit's extent, two buffers and a
 * sequence like the breaker's own, and compiled into single words that calls read.
 */
#include "engine/policies.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "engine/backoff.h"
#include "engine/budget.h"
#include "engine/features.h"

#define WORDS (sizeof(struct swgi_policy_settings) / sizeof(uint64_t))

/* What memory we do not trust could send out of bounds. */
static void clamp(struct swgi_policy_settings *settings) {
    if (settings->bulkhead.partitions_count > SWGI_PARTITIONS_MAX)
        settings->bulkhead.partitions_count = SWGI_PARTITIONS_MAX;
    if (settings->retry.attempts > SWGI_ATTEMPTS_MAX)
        settings->retry.attempts = SWGI_ATTEMPTS_MAX;
    if (settings->features.count > SWGI_FEATURES_MAX)
        settings->features.count = SWGI_FEATURES_MAX;
    for (unsigned i = 0; i < SWGI_FEATURES_MAX; i++)
        settings->features.list[i].name[SWGI_FEATURE_NAME_MAX] = '\0';
    settings->fallback.alternative[SWGI_NAME_MAX] = '\0';
    settings->fallback.answer[SWGI_ANSWER_MAX] = '\0';
    for (unsigned i = 0; i < SWGI_FALLBACKS_MAX; i++)
        if (settings->fallback.chain[i] > SWGI_FALLBACK_FUNCTION)
            settings->fallback.chain[i] = SWGI_FALLBACK_NONE;
}

uint32_t swgi_policies_load(const struct swgi_policies *policies,
                            struct swgi_policy_settings *out) {
    uint64_t copy[WORDS];
    uint32_t sequence = 0;
    /* Bounded, like the breaker's. */
    for (unsigned attempt = 0; attempt < 8; attempt++) {
        sequence = swgi_load_acquire(&policies->settings_sequence);
        for (unsigned i = 0; i < WORDS; i++)
            copy[i] = swgi_load_acquire(&policies->settings[sequence & 1][i]);
        if (swgi_load_relaxed(&policies->settings_sequence, SETTING) == sequence)
            break;
    }
    memcpy(out, copy, sizeof(copy));
    clamp(out);
    return sequence;
}

void swgi_policies_default(struct swgi_policy_settings *out) {
    struct swgi_settings settings;
    swgi_settings_default(&settings);
    *out = settings.policies;
}

bool swgi_policies_wanted(const struct swgi_policy_settings *settings) {
    struct swgi_policy_settings none;
    swgi_policies_default(&none);
    return memcmp(&none, settings, sizeof(none)) != 0;
}

static void load_or_default(const struct swgi_map *map, const struct swgi_cell *cell,
                            struct swgi_policy_settings *out) {
    const struct swgi_policies *policies = swgi_policies_of(map, cell);
    if (policies != NULL)
        swgi_policies_load(policies, out);
    else
        swgi_policies_default(out);
}

void swgi_turn_policies(struct swgi_turn *turn) {
    load_or_default(turn->map, turn->cell, &turn->settings.policies);
}

uint32_t swgi_settings_load_all(const struct swgi_map *map, const struct swgi_cell *cell,
                                struct swgi_settings *out) {
    uint32_t sequence = swgi_settings_load(cell, out);
    load_or_default(map, cell, &out->policies);
    return sequence;
}

/* ---- what fits together */

uint32_t swgi_policies_queue(const struct swgi_policy_settings *settings) {
    uint32_t places = 10 * swgi_policies_permits(settings);
    if (places > SWGI_PLACES_MAX)
        return SWGI_PLACES_MAX;
    return places > 0 ? places : 1;
}

static int compile_bulkhead(struct swgi_policy_settings *settings, struct swg_error *error) {
    struct swgi_bulkhead_settings *bulkhead = &settings->bulkhead;
    uint32_t limit = swgi_policies_permits(settings);
    if (bulkhead->max_queue_follows)
        bulkhead->max_queue = swgi_policies_queue(settings);
    if (bulkhead->max_queue == 0)
        bulkhead->max_queue = 1;
    if (bulkhead->reserve_permits != 0 && bulkhead->reserve_permits >= limit)
        return swgi_fail(error, -EINVAL, "bulkhead.reserve.permits",
                         "%u of %u permits leaves none for other calls; allowed: 0..%u",
                         bulkhead->reserve_permits, limit, limit > 0 ? limit - 1 : 0);
    if (bulkhead->when_busy == SWGI_BUSY_WAIT && limit == 0)
        return swgi_fail(error, -EINVAL, "bulkhead.when_busy",
                         "wait, but there is nothing to wait for; set bulkhead.max_concurrent or "
                         "adaptive.algorithm");
    return 0;
}

static int compile_fallback(const struct swgi_fallback_settings *settings,
                            struct swg_error *error) {
    bool asks = memchr(settings->chain, SWGI_FALLBACK_ALTERNATIVE, SWGI_FALLBACKS_MAX) != NULL;
    bool answers = memchr(settings->chain, SWGI_FALLBACK_STATIC, SWGI_FALLBACKS_MAX) != NULL;
    if (asks && settings->alternative[0] == '\0')
        return swgi_fail(error, -EINVAL, "fallback.alternative",
                         "not set; fallback.chain alternative needs the name of a circuit");
    if (answers && settings->answer[0] == '\0')
        return swgi_fail(error, -EINVAL, "fallback.static",
                         "not set; fallback.chain static needs an answer; allowed: 1..%u bytes",
                         (unsigned)SWGI_ANSWER_MAX);
    return 0;
}

int swgi_policies_compile(struct swgi_policy_settings *settings, struct swg_error *error) {
    int rc = swgi_adaptive_compile(&settings->adaptive, settings->bulkhead.max_concurrent, error);
    if (rc == 0)
        rc = compile_bulkhead(settings, error);
    if (rc == 0)
        rc = swgi_limiter_compile(&settings->limiter, error);
    if (rc == 0)
        rc = swgi_retry_compile(&settings->retry, error);
    if (rc == 0)
        rc = swgi_timeout_compile(&settings->timeout, error);
    if (rc == 0)
        rc = compile_fallback(&settings->fallback, error);
    if (rc == 0)
        rc = swgi_features_compile(&settings->features, error);
    return rc;
}

/* What is compiled must be what compiling comes to. */
static bool bulkhead_fits(const struct swgi_policy_settings *settings) {
    struct swgi_policy_settings copy = *settings;
    return settings->bulkhead.max_queue_follows <= 1 &&
           settings->adaptive.ceiling == settings->bulkhead.max_concurrent &&
           compile_bulkhead(&copy, NULL) == 0 &&
           copy.bulkhead.max_queue == settings->bulkhead.max_queue;
}

bool swgi_policies_check(const struct swgi_policy_settings *settings) {
    return bulkhead_fits(settings) && compile_fallback(&settings->fallback, NULL) == 0 &&
           swgi_adaptive_settings_check(&settings->adaptive) &&
           swgi_limiter_settings_check(&settings->limiter) &&
           swgi_retry_settings_check(&settings->retry) &&
           swgi_timeout_settings_check(&settings->timeout) &&
           swgi_features_settings_check(&settings->features);
}

uint32_t swgi_policies_permits(const struct swgi_policy_settings *settings) {
    if (settings->adaptive.algorithm == SWGI_ADAPTIVE_OFF)
        return settings->bulkhead.max_concurrent;
    struct swgi_adaptive_settings resolved = swgi_adaptive_resolved(&settings->adaptive);
    return resolved.most;
}

/* ---- what calls read */

static uint32_t traits_of(const struct swgi_policy_settings *settings) {
    uint32_t traits = 0;
    bool adapts = settings->adaptive.algorithm != SWGI_ADAPTIVE_OFF;
    if (swgi_policies_permits(settings) != 0 || settings->bulkhead.track)
        traits |= SWGI_TRAIT_BULKHEAD;
    if (settings->limiter.rate != 0)
        traits |= SWGI_TRAIT_LIMITER;
    if (settings->retry.attempts > 1)
        traits |= SWGI_TRAIT_RETRY;
    if (settings->timeout.attempt_ns != SWGI_OFF || settings->timeout.total_ns != SWGI_OFF ||
        settings->timeout.auto_ppm != UINT32_MAX)
        traits |= SWGI_TRAIT_TIMEOUT;
    if (adapts || settings->bulkhead.dynamic || settings->limiter.adaptive ||
        settings->limiter.resource_aware || settings->timeout.auto_ppm != UINT32_MAX)
        traits |= SWGI_TRAIT_SAMPLED;
    return traits;
}

static uint32_t habits_of(const struct swgi_settings *settings) {
    const struct swgi_bulkhead_settings *bulkhead = &settings->policies.bulkhead;
    uint32_t habits = 0;
    if (bulkhead->when_busy == SWGI_BUSY_WAIT)
        habits |= SWGI_HABIT_WAITS;
    if (bulkhead->when_queue_full == SWGI_QUEUE_FULL_WAIT)
        habits |= SWGI_HABIT_QUEUE_WAITS;
    if (bulkhead->when_queue_full == SWGI_QUEUE_FULL_ERROR)
        habits |= SWGI_HABIT_QUEUE_ERROR;
    if (bulkhead->full_is_failure)
        habits |= SWGI_HABIT_FULL_FAILS;
    if (bulkhead->dynamic)
        habits |= SWGI_HABIT_DYNAMIC;
    if (settings->policies.limiter.when_limited == SWGI_BUSY_WAIT)
        habits |= SWGI_HABIT_LIMITER_WAITS;
    if (settings->slow_ns != SWGI_OFF)
        habits |= SWGI_HABIT_WATCHES;
    if (settings->policies.cache.bytes_max != 0)
        habits |= SWGI_HABIT_CACHE;
    if (settings->policies.fallback.cache_bypass)
        habits |= SWGI_HABIT_CACHE_BYPASS;
    if (settings->policies.fallback.chain[0] != SWGI_FALLBACK_NONE)
        habits |= SWGI_HABIT_FALLBACK;
    return habits;
}

uint32_t swgi_policies_traits_now(const struct swgi_map *map, const struct swgi_cell *cell) {
    const struct swgi_policies *policies = swgi_policies_of(map, cell);
    return policies != NULL ? swgi_load(&policies->traits) & SWGI_TRAITS_POLICIES : 0;
}

static uint32_t limit_now(const struct swgi_policies *policies,
                          const struct swgi_policy_settings *settings) {
    if (settings->adaptive.algorithm != SWGI_ADAPTIVE_OFF)
        return swgi_adaptive_limit(&policies->adaptive, &settings->adaptive);
    return settings->bulkhead.max_concurrent;
}

/* Each thing that adapts knows itself whether it is due; this is how often to ask them. */
static uint64_t sample_ns_of(const struct swgi_policy_settings *settings) {
    uint64_t least = SWGI_TIMEOUT_EVERY_NS;
    if (settings->adaptive.algorithm != SWGI_ADAPTIVE_OFF && settings->adaptive.window_ns < least)
        least = settings->adaptive.window_ns;
    if (settings->limiter.adaptive && swgi_limiter_period_ns(settings->limiter.per_ns) < least)
        least = swgi_limiter_period_ns(settings->limiter.per_ns);
    return least;
}

static void install_words(struct swgi_turn *turn, struct swgi_policies *policies,
                          const struct swgi_settings *settings, uint64_t log) {
    const struct swgi_policy_settings *given = &settings->policies;
    int64_t now = swgi_turn_now(turn);
    swgi_store(&policies->max_wait_ns, given->bulkhead.max_wait_ns);
    swgi_store(&policies->limiter_wait_ns, given->limiter.max_wait_ns);
    swgi_store(&policies->ageing_ns, given->bulkhead.ageing_ns);
    swgi_store(&policies->total_ns, given->timeout.total_ns);
    swgi_store(&policies->habits, habits_of(settings));
    swgi_store(&policies->sample_ns, sample_ns_of(given));
    swgi_bulkhead_install(turn->map, &policies->bulkhead, &given->bulkhead,
                          limit_now(policies, given));
    swgi_limiter_install(&policies->limiter, &given->limiter, turn->map->slots,
                         turn->map->geometry.slots, log, now);
    swgi_timeout_install(&policies->timeout, &given->timeout);
    swgi_store(&policies->traits, traits_of(given));
}

static uint64_t first_calls(const struct swgi_turn *turn) {
    uint64_t calls = swgi_column_sum(turn->map, turn->index, SWGI_COUNTER(calls));
    uint64_t retries = swgi_column_sum(turn->map, turn->index, SWGI_COUNTER(retries));
    return calls > retries ? calls - retries : 0;
}

void swgi_policies_install(struct swgi_turn *turn, struct swgi_policies *policies,
                           const struct swgi_settings *settings, uint64_t log) {
    uint64_t copy[WORDS];
    struct swgi_policy_settings former;
    swgi_policies_load(policies, &former);
    memcpy(copy, &settings->policies, sizeof(copy));
    uint32_t next = swgi_load(&policies->settings_sequence) + 1;
    for (unsigned i = 0; i < WORDS; i++)
        swgi_store(&policies->settings[next & 1][i], copy[i]);
    swgi_store(&policies->settings_sequence, next);
    install_words(turn, policies, settings, log);
    if (memcmp(&former.retry, &settings->policies.retry, sizeof(former.retry)) != 0)
        swgi_budget_settle(&policies->budget, &former.retry, &settings->policies.retry,
                           first_calls(turn), swgi_turn_now(turn));
    swgi_store(&policies->installed, next);
}
