/*
 * Settings that were given for something that is off, so that they would do nothing: a mistake in
 * one of two keys, told instead of taken in silence.
 *
 * Only keys of this very configuration are asked about: switching a policy off while a program
 * runs takes its one key and leaves the others where they are. For the same reason a policy that
 * this configuration itself switches off may keep its other keys, and what a file says for many
 * circuits at once may be of no use to some of them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "circuit/config.h"
#include "engine/policies.h"

/* What a key needs to have an effect. */
enum need {
    A_LIMIT,
    A_BULKHEAD, /* or to be counted at least */
    A_QUEUE,
    A_LIMITER,
    AN_ALGORITHM,
    RETRIES,
    A_HISTOGRAM,
    AN_AUTO_TIMEOUT,
    A_CACHE,
    THE_CHAIN_HAS_CACHE,
    THE_CHAIN_HAS_ALTERNATIVE,
    THE_CHAIN_HAS_STATIC,
    FEATURES
};

static bool chain_has(const struct swgi_policy_settings *policies, int what) {
    return memchr(policies->fallback.chain, what, SWGI_FALLBACKS_MAX) != NULL;
}

static bool is_met(enum need need, const struct swgi_settings *settings) {
    const struct swgi_policy_settings *policies = &settings->policies;
    switch (need) {
    case A_LIMIT:
        return swgi_policies_permits(policies) != 0;
    case A_BULKHEAD:
        return swgi_policies_permits(policies) != 0 || policies->bulkhead.track;
    case A_QUEUE:
        return policies->bulkhead.when_busy == SWGI_BUSY_WAIT;
    case A_LIMITER:
        return policies->limiter.rate != 0;
    case AN_ALGORITHM:
        return policies->adaptive.algorithm != SWGI_ADAPTIVE_OFF;
    case RETRIES:
        return policies->retry.attempts > 1;
    case A_HISTOGRAM:
        return settings->histogram || policies->timeout.auto_ppm == UINT32_MAX;
    case AN_AUTO_TIMEOUT:
        return policies->timeout.auto_ppm != UINT32_MAX;
    case A_CACHE:
        return policies->cache.bytes_max != 0;
    case THE_CHAIN_HAS_CACHE:
        return !chain_has(policies, SWGI_FALLBACK_CACHE) || policies->cache.bytes_max != 0;
    case THE_CHAIN_HAS_ALTERNATIVE:
        return chain_has(policies, SWGI_FALLBACK_ALTERNATIVE);
    case THE_CHAIN_HAS_STATIC:
        return chain_has(policies, SWGI_FALLBACK_STATIC);
    default:
        return policies->features.count != 0;
    }
}

#define LIMIT "bulkhead.max_concurrent or adaptive.algorithm"

/*
 * keys: one, or with a point at its end all below it; the first row that has a key is its own. off:
 * a configuration that sets this one says itself what is on.
 */
static const struct row {
    const char *keys, *off;
    enum need need;
    const char *missing;
} rows[] = {
    { "bulkhead.counts_as_failure", "bulkhead.max_concurrent", A_LIMIT, LIMIT },
    { "bulkhead.partitions", "bulkhead.max_concurrent", A_LIMIT, LIMIT },
    { "bulkhead.dynamic_priority", "bulkhead.max_concurrent", A_LIMIT, LIMIT },
    { "bulkhead.max_queue", NULL, A_QUEUE, "bulkhead.when_busy wait" },
    { "bulkhead.", "bulkhead.max_concurrent", A_BULKHEAD, LIMIT },
    { "limiter.", "limiter.rate", A_LIMITER, "limiter.rate" },
    { "adaptive.", "adaptive.algorithm", AN_ALGORITHM, "adaptive.algorithm" },
    { "retry.", "retry.attempts", RETRIES, "retry.attempts 2 or more" },
    { "timeout.auto", NULL, A_HISTOGRAM, "breaker.histogram yes" },
    { "timeout.auto_min", "timeout.auto", AN_AUTO_TIMEOUT, "timeout.auto" },
    { "timeout.auto_max", "timeout.auto", AN_AUTO_TIMEOUT, "timeout.auto" },
    { "cache.", "cache.bytes", A_CACHE, "cache.bytes" },
    { "fallback.chain", NULL, THE_CHAIN_HAS_CACHE, "cache.bytes, which its cache is kept in" },
    { "fallback.alternative", "fallback.chain", THE_CHAIN_HAS_ALTERNATIVE,
      "fallback.chain with alternative" },
    { "fallback.static", "fallback.chain", THE_CHAIN_HAS_STATIC, "fallback.chain with static" },
    { "features.hold", "features.list", FEATURES, "features.list" },
};

static const struct row *row_of(const char *name) {
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        size_t length = strlen(rows[i].keys);
        bool all = rows[i].keys[length - 1] == '.';
        if (all ? strncmp(name, rows[i].keys, length) == 0 : strcmp(name, rows[i].keys) == 0)
            return &rows[i];
    }
    return NULL;
}

/* What would stand there anyway contradicts nothing: a default, or what follows a limit. */
static bool is_default(const struct swgi_key *key, const struct swgi_settings *settings) {
    char value[SWGI_KEY_VALUE_MAX], initial[SWGI_KEY_VALUE_MAX];
    struct swgi_settings defaults;
    swgi_settings_default(&defaults);
    defaults.policies.bulkhead.max_queue = swgi_policies_queue(&settings->policies);
    return swgi_key_print(key, settings, value, sizeof(value)) == 0 &&
           swgi_key_print(key, &defaults, initial, sizeof(initial)) == 0 &&
           strcmp(value, initial) == 0;
}

bool swgi_setting_is_idle(const struct swg_config *config, const struct swgi_key *key,
                          const struct swgi_settings *settings) {
    const struct row *row = row_of(key->name);
    return row != NULL && !is_met(row->need, settings) && !is_default(key, settings) &&
           (row->off == NULL || !swgi_config_sets(config, row->off));
}

const char *swgi_setting_needs(const struct swgi_key *key) {
    const struct row *row = row_of(key->name);
    return row != NULL ? row->missing : "";
}

int swgi_config_contradicts(const struct swg_config *config, const struct swgi_settings *settings,
                            struct swg_error *error) {
    for (unsigned i = 0; i < swgi_keys_count; i++) {
        const struct swgi_key *key = &swgi_keys[i];
        char value[SWGI_KEY_VALUE_MAX];
        if (!config->set[i] || config->general[i] || !swgi_setting_is_idle(config, key, settings))
            continue;
        if (swgi_key_print(key, settings, value, sizeof(value)) != 0)
            value[0] = '\0';
        return swgi_fail(error, -EINVAL, key->name, "\"%.40s\" would do nothing; it needs %s",
                         value, swgi_setting_needs(key));
    }
    return 0;
}

/* config NULL: nothing was given. */
static int names_itself(const struct swg_config *config, const char *name,
                        const struct swgi_settings *settings, struct swg_error *error) {
    const char *key = "fallback.alternative";
    struct swgi_key_place place;

    if (config == NULL || strcmp(settings->policies.fallback.alternative, name) != 0 ||
        swgi_key_find(key, &place, NULL) != 0)
        return 0;
    size_t i = (size_t)(place.key - swgi_keys);
    if (!config->set[i] || config->general[i])
        return 0;
    return swgi_fail(error, -EINVAL, key,
                     "\"%.60s\" is the circuit itself, so it would do nothing; it needs the name "
                     "of another circuit",
                     name);
}

int swgi_config_apply_to(const char *name, const struct swg_config *config,
                         const struct swgi_settings *base, struct swgi_settings *out,
                         struct swg_error *error) {
    int rc = swgi_config_apply(config, base, out, error);
    return rc != 0 ? rc : names_itself(config, name, out, error);
}
