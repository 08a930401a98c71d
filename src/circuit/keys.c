/* The table of keys, and finding one by its name. */
#include "circuit/keys.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

#define WHOLE(lo, hi, no, start) .least = (lo), .most = (hi), .off = (no), .initial = (start)
#define REAL(lo, hi, no, start)  .real_least = (lo), .real_most = (hi), .real_initial = (start)
#define BOUNDS_CHOICE            WHOLE
#define BOUNDS_INTEGER           WHOLE
#define BOUNDS_DURATION          WHOLE
#define BOUNDS_PERCENT           WHOLE
#define BOUNDS_WEIGHT            WHOLE
#define BOUNDS_RAMP              WHOLE
#define BOUNDS_PRESET            WHOLE
#define BOUNDS_TRIP              WHOLE
#define BOUNDS_COUNT             WHOLE
#define BOUNDS_PRIORITY          WHOLE
#define BOUNDS_PARTITIONS        WHOLE
#define BOUNDS_CHAIN             WHOLE
#define BOUNDS_TEXT              WHOLE
#define BOUNDS_FEATURES          WHOLE
#define BOUNDS_DECIMAL           REAL

const struct swgi_key swgi_keys[] = {
#define SWGI_KEY(kind_of, field, full, other, lo, hi, no, start, unit_of, prose) \
    { .name = (full),                                                            \
      .alias = (other),                                                          \
      .unit = (unit_of),                                                         \
      .what = (prose),                                                           \
      .type = SWGI_TYPE_##kind_of,                                               \
      .width = sizeof(((struct swgi_settings *)NULL)->field),                    \
      .offset = offsetof(struct swgi_settings, field),                           \
      BOUNDS_##kind_of(lo, hi, no, start) },
#include "tables/keys.h"
};
const unsigned swgi_keys_count = sizeof(swgi_keys) / sizeof(swgi_keys[0]);

const struct swgi_key swgi_rule_keys[] = {
#define SWGI_RULE_KEY(rule, kind_of, field, rest, lo, hi, no, start, unit_of, prose) \
    { .name = SWGI_TRIP_PREFIX "N." rest,                                            \
      .alias = "",                                                                   \
      .unit = (unit_of),                                                             \
      .what = (prose),                                                               \
      .type = SWGI_TYPE_##kind_of,                                                   \
      .kind = SWGI_KIND_##rule,                                                      \
      .width = sizeof(((struct swgi_trip_rule *)NULL)->field),                       \
      .offset = offsetof(struct swgi_trip_rule, field),                              \
      BOUNDS_##kind_of(lo, hi, no, start) },
#include "tables/keys.h"
};
const unsigned swgi_rule_keys_count = sizeof(swgi_rule_keys) / sizeof(swgi_rule_keys[0]);

static_assert(sizeof(swgi_keys) / sizeof(swgi_keys[0]) <= SWGI_KEYS_MAX, "what is set is a bit");
static_assert(sizeof(swgi_rule_keys) / sizeof(swgi_rule_keys[0]) <= SWGI_RULE_KEYS_MAX,
              "and so here");

/* The rest of a rule's name behind "breaker.trip.N.". */
static const char *rule_rest(const struct swgi_key *key) {
    return key->name + strlen(SWGI_TRIP_PREFIX "N.");
}

void swgi_key_name(const struct swgi_key_place *place, char out[SWGI_KEY_NAME_MAX]) {
    if (place->key->kind == SWGI_KIND_NONE)
        snprintf(out, SWGI_KEY_NAME_MAX, "%s", place->key->name);
    else
        snprintf(out, SWGI_KEY_NAME_MAX, SWGI_TRIP_PREFIX "%u.%s", place->entry,
                 rule_rest(place->key));
}

/* Splits "breaker.trip.3.consecutive" into 3 and "consecutive"; NULL when it is not of that form.
 */
static const char *split_entry(const char *name, char number[SWGI_NUMBER_TEXT]) {
    size_t prefix = strlen(SWGI_TRIP_PREFIX), digits;

    if (strncmp(name, SWGI_TRIP_PREFIX, prefix) != 0)
        return NULL;
    digits = strcspn(name + prefix, ".");
    if (digits >= SWGI_NUMBER_TEXT || name[prefix + digits] == '\0')
        return NULL;
    memcpy(number, name + prefix, digits);
    number[digits] = '\0';
    return name + prefix + digits + 1;
}

/* The full name that an unknown one comes nearest to, or "". */
static void suggest(const char *name, char out[SWGI_KEY_NAME_MAX]) {
    char number[SWGI_NUMBER_TEXT];
    const char *rest = split_entry(name, number);
    struct swgi_nearest nearest = SWGI_NEAREST(name);
    struct swgi_nearest nearest_rest = SWGI_NEAREST(rest != NULL ? rest : "");

    for (unsigned i = 0; i < swgi_keys_count; i++) {
        swgi_nearest_offer(&nearest, swgi_keys[i].name);
        swgi_nearest_offer(&nearest, swgi_keys[i].alias);
    }
    for (unsigned i = 0; i < swgi_rule_keys_count; i++)
        swgi_nearest_offer(&nearest_rest, rule_rest(&swgi_rule_keys[i]));
    if (nearest_rest.name != NULL)
        snprintf(out, SWGI_KEY_NAME_MAX, SWGI_TRIP_PREFIX "%s.%s", number, nearest_rest.name);
    else
        swgi_copy_text(out, SWGI_KEY_NAME_MAX, nearest.name);
}

static int refuse_unknown(const char *name, struct swg_error *error) {
    char known[SWGI_KEY_NAME_MAX];

    suggest(name, known);
    return swgi_fail(error, -EINVAL, name,
                     "unknown key%s%s%s; allowed: preset, and the keys that"
                     " 'switchgear help settings' lists",
                     known[0] != '\0' ? ", did you mean " : "", known, known[0] != '\0' ? "?" : "");
}

static int find_rule_key(const char *name, const char *rest, const char *number,
                         struct swgi_key_place *out, struct swg_error *error) {
    for (unsigned i = 0; i < swgi_rule_keys_count; i++) {
        uint64_t entry;

        if (strcmp(rest, rule_rest(&swgi_rule_keys[i])) != 0)
            continue;
        if (swgi_integer_parse(number, &entry) != 0 || entry >= SWGI_TRIP_RULES_MAX)
            return swgi_fail(error, -EINVAL, name, "%s is no entry; allowed: 0..%u", number,
                             SWGI_TRIP_RULES_MAX - 1);
        *out = (struct swgi_key_place){ .key = &swgi_rule_keys[i], .entry = (unsigned)entry };
        return 0;
    }
    return refuse_unknown(name, error);
}

int swgi_key_find(const char *name, struct swgi_key_place *out, struct swg_error *error) {
    char number[SWGI_NUMBER_TEXT];
    const char *rest = split_entry(name, number);

    if (rest != NULL)
        return find_rule_key(name, rest, number, out, error);
    for (unsigned i = 0; i < swgi_keys_count; i++) {
        const struct swgi_key *key = &swgi_keys[i];

        if (strcmp(name, key->name) != 0 &&
            (key->alias[0] == '\0' || strcmp(name, key->alias) != 0))
            continue;
        *out = (struct swgi_key_place){ .key = key };
        return 0;
    }
    return refuse_unknown(name, error);
}
