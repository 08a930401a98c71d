/*
 * What a program or a file wants a circuit to be: the keys it set, and no others. Unset is not
 * zero: what is not set stays as the circuit has it, or as the defaults have it when the circuit is
 * made.
 */
#ifndef SWGI_CIRCUIT_CONFIG_H
#define SWGI_CIRCUIT_CONFIG_H

#include "circuit/keys.h"
#include "circuit/presets.h"

struct swg_config {
    const struct swgi_preset *preset; /* NULL: not named */
    bool set[SWGI_KEYS_MAX];          /* swgi_keys[i] was given */
    bool general[SWGI_KEYS_MAX];      /* ... for many circuits: some may have no use for it */
    struct swgi_settings values;      /* only fields of given keys mean anything */
    bool trip_set; /* the list below replaces the one there was, even when it is empty */
    struct swgi_trip_rule trip[SWGI_TRIP_RULES_MAX];
    const char *source; /* what events of it say: static storage; NULL: "program" */
};

/*
 * *out = base (NULL: the defaults) with what config sets, compiled and checked as a whole. A preset
 * in it starts from the defaults whatever base is. config NULL sets preset "default" if there is no
 * base, and nothing if there is. -EINVAL names key, value and what is allowed; *out is untouched
 * then, and may be base.
 */
int swgi_config_apply(const struct swg_config *config, const struct swgi_settings *base,
                      struct swgi_settings *out, struct swg_error *error);

/*
 * One key's value as text, in a form that swg_config_set() takes back. -ENOENT: no such key, or one
 * of an entry that the list of trip rules has not; -ERANGE: too small. Entries are counted as
 * swgi_trip_rules_list() does; "breaker.trip" is "none" if it is.
 */
int swgi_setting_print(const struct swgi_settings *settings, const char *name, char *out,
                       size_t size);

/*
 * Would applying config to these settings change what they do? 0 no; 1 yes, and *error names the
 * first key that differs and both values; -EINVAL as swgi_config_apply(). The name of the preset
 * alone is no difference.
 */
int swgi_config_differs(const struct swg_config *config, const struct swgi_settings *present,
                        struct swg_error *error);

/* Was this key given? */
bool swgi_config_sets(const struct swg_config *config, const char *name);

/* Does this key, which is not at its default, do nothing, because what it needs is off? */
bool swgi_setting_is_idle(const struct swg_config *config, const struct swgi_key *key,
                          const struct swgi_settings *settings);
/* What such a key needs: "cache.bytes", "bulkhead.when_busy wait"; "" where nothing is needed. */
const char *swgi_setting_needs(const struct swgi_key *key);
/* -EINVAL names the first key that was given and does nothing in what came of it. */
int swgi_config_contradicts(const struct swg_config *config, const struct swgi_settings *settings,
                            struct swg_error *error);
/* As swgi_config_apply(), for the circuit of that name: -EINVAL, too, if it was given itself as its own
 * alternative. */
int swgi_config_apply_to(const char *name, const struct swg_config *config,
                         const struct swgi_settings *base, struct swgi_settings *out,
                         struct swg_error *error);

#endif
