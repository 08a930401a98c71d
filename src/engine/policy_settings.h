/*
 * What a circuit's policies are configured to do, as plain numbers: the form in which they lie in
 * the panel. All zero but the defaults of tables/keys.h; a policy that is off is 0 in the field
 * said to switch it.
 */
#ifndef SWGI_ENGINE_POLICY_SETTINGS_H
#define SWGI_ENGINE_POLICY_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "panel/limits.h"
#include "panel/policies.h"

struct swg_error;

enum swgi_when_busy { SWGI_BUSY_REJECT, SWGI_BUSY_WAIT };
enum swgi_when_queue_full { SWGI_QUEUE_FULL_REJECT, SWGI_QUEUE_FULL_WAIT, SWGI_QUEUE_FULL_ERROR };

/* Calls of priority <= priority may use so many percent of the limit. */
struct swgi_partition {
    uint8_t priority; /* + 32 */
    uint8_t percent;  /* 1..100 */
};

struct swgi_bulkhead_settings {
    uint32_t max_concurrent;   /* 0: off */
    uint32_t max_queue;        /* places; meant with when_busy wait */
    uint8_t max_queue_follows; /* 1: not set; ten times max_concurrent */
    uint8_t when_busy, when_queue_full;
    uint8_t track;            /* 1: count calls in flight even without a limit */
    uint8_t full_is_failure;  /* axis: a full bulkhead's rejection counts as a failure */
    uint8_t reserve_priority; /* + 32; calls of that priority or more urgent have the reserve */
    uint8_t dynamic;          /* priority follows the caller's recent cost */
    uint8_t partitions_count;
    struct swgi_partition partitions[SWGI_PARTITIONS_MAX];
    uint32_t reserve_permits;
    uint32_t spare;
    uint64_t max_wait_ns;
    uint64_t ageing_ns; /* what one step of priority is worth in time waited */
};

enum swgi_limiter_algorithm {
    SWGI_TOKEN_BUCKET,
    SWGI_LEAKY_BUCKET,
    SWGI_FIXED_WINDOW,
    SWGI_SLIDING_WINDOW,
    SWGI_SLIDING_LOG
};

struct swgi_limiter_settings {
    uint32_t rate;         /* calls per per_ns; 0: off */
    uint32_t burst;        /* token bucket: calls at once, at most */
    uint8_t burst_follows; /* 1: not set; as rate */
    uint8_t algorithm;
    uint8_t when_limited; /* enum swgi_when_busy */
    uint8_t adaptive, resource_aware;
    uint8_t spare[3];
    uint32_t rate_min; /* what adapting never goes below */
    uint32_t spare2;
    uint64_t per_ns, max_wait_ns;
    double increase, decrease; /* adaptive: shares of the rate added per good period, kept after a
                                  bad one */
    double system_load_above;  /* resource_aware: from here on the rate shrinks */
};

enum swgi_adaptive_algorithm {
    SWGI_ADAPTIVE_OFF,
    SWGI_ADAPTIVE_AIMD,
    SWGI_ADAPTIVE_VEGAS,
    SWGI_ADAPTIVE_GRADIENT2,
    SWGI_ADAPTIVE_SWITCHGEAR
};

/* 0 in a field: the algorithm's own (engine/adaptive.c); swgi_adaptive_resolved() tells it. */
struct swgi_adaptive_settings {
    uint8_t algorithm;
    uint8_t spare[3];
    uint32_t least, most, initial; /* bounds of the limit */
    uint32_t queue;                /* gradient2, switchgear: how many may queue at the server */
    uint32_t ceiling;              /* compiled: max_concurrent; 0: not set */
    uint64_t window_ns;            /* of a sample */
    uint64_t timeout_ns;           /* aimd: a mean longer than this counts as overload */
    double backoff, smoothing, tolerance;
};

enum swgi_backoff {
    SWGI_BACKOFF_CONSTANT,
    SWGI_BACKOFF_LINEAR,
    SWGI_BACKOFF_EXPONENTIAL,
    SWGI_BACKOFF_FIBONACCI,
    SWGI_BACKOFF_DECORRELATED,
    SWGI_BACKOFF_ADAPTIVE
};
enum swgi_jitter { SWGI_JITTER_NONE, SWGI_JITTER_FULL, SWGI_JITTER_EQUAL };
enum swgi_retry_on { SWGI_RETRY_ON_BOTH, SWGI_RETRY_ON_FAILURE, SWGI_RETRY_ON_TIMEOUT };

struct swgi_retry_settings {
    uint8_t attempts; /* in all, 1: no retries */
    uint8_t backoff, jitter, on, inside;
    uint8_t spare[3];
    uint32_t budget_ppm; /* retries as a share of calls; UINT32_MAX: no budget */
    uint32_t budget_per_second, budget_max;
    uint32_t spare2;
    uint64_t delay_ns, max_delay_ns, retry_after_max_ns;
    double multiplier;
};

struct swgi_timeout_settings {
    uint64_t attempt_ns, total_ns; /* UINT64_MAX: none */
    uint64_t auto_least_ns, auto_most_ns;
    uint32_t auto_ppm; /* share of good calls that may be cut off; UINT32_MAX: no auto */
    uint32_t spare;
};

struct swgi_cache_settings {
    uint64_t bytes_max; /* 0: off */
    uint64_t fresh_for_ns, stale_for_ns;
};

enum swgi_fallback {
    SWGI_FALLBACK_NONE,
    SWGI_FALLBACK_CACHE,
    SWGI_FALLBACK_ALTERNATIVE,
    SWGI_FALLBACK_STATIC,
    SWGI_FALLBACK_QUEUE,
    SWGI_FALLBACK_FUNCTION
};

struct swgi_fallback_settings {
    uint8_t chain[SWGI_FALLBACKS_MAX]; /* enum swgi_fallback, the first that works */
    uint8_t cache_bypass;
    uint8_t spare[2];
    char alternative[SWGI_NAME_MAX + 1];
    char answer[SWGI_ANSWER_MAX + 1]; /* the static one */
};

struct swgi_feature {
    char name[SWGI_FEATURE_NAME_MAX + 1];
    uint32_t importance;
};

struct swgi_feature_settings {
    uint32_t count; /* 0: off */
    uint32_t spare;
    uint64_t hold_ns;
    struct swgi_feature list[SWGI_FEATURES_MAX]; /* most important first; compiled */
};

struct swgi_policy_settings {
    struct swgi_bulkhead_settings bulkhead;
    struct swgi_limiter_settings limiter;
    struct swgi_adaptive_settings adaptive;
    struct swgi_retry_settings retry;
    struct swgi_timeout_settings timeout;
    struct swgi_cache_settings cache;
    struct swgi_fallback_settings fallback;
    struct swgi_feature_settings features;
};

static_assert(sizeof(struct swgi_policy_settings) % sizeof(uint64_t) == 0, "copied by words");
static_assert(sizeof(struct swgi_policy_settings) / sizeof(uint64_t) <= SWGI_POLICY_SETTINGS_WORDS,
              "settings fit their place in the panel");

#endif
