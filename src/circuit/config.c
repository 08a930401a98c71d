/* Configurations: gathering keys, laying them over what is there, and telling what came of it. */
#include "circuit/config.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "circuit/trip_rules.h"

/* base/ cannot see the panel's limits. */
static_assert(SWGI_TEXT_NAME_MAX == SWGI_NAME_MAX, "one bound for names");

int swg_config_new(struct swg_config **out) {
    struct swg_config *config;

    if (out == NULL)
        return -EINVAL;
    config = calloc(1, sizeof(*config));
    if (config == NULL)
        return -ENOMEM;
    *out = config;
    return 0;
}

struct swg_config *swg_config_unref(struct swg_config *config) {
    free(config);
    return NULL;
}

int swg_config_preset(struct swg_config *config, const char *preset, struct swg_error *error) {
    const struct swgi_preset *found;
    int rc;

    if (config == NULL || preset == NULL)
        return swgi_fail(error, -EINVAL, "preset", "no configuration or no name was given");
    rc = swgi_preset_find(preset, &found, error);
    if (rc < 0)
        return rc;
    *config = (struct swg_config){ .preset = found };
    return 0;
}

/* "none" empties the list, so that entries of an inherited one do not come back. */
static int set_trip(struct swg_config *config, const char *value, struct swg_error *error) {
    if (strcmp(value, "none") != 0)
        return swgi_fail(error, -EINVAL, "breaker.trip",
                         "\"%.40s\" is no list of rules; allowed: none, or entries such as"
                         " breaker.trip.0.consecutive",
                         value);
    memset(config->trip, 0, sizeof(config->trip));
    config->trip_set = true;
    return 0;
}

static int set_rule(struct swg_config *config, const struct swgi_key_place *place,
                    const char *value, struct swg_error *error) {
    int rc = swgi_trip_rule_set(&config->trip[place->entry], place, value, error);

    if (rc == 0)
        config->trip_set = true;
    return rc;
}

static int set_field(struct swg_config *config, const struct swgi_key_place *place,
                     const char *value, struct swg_error *error) {
    int rc = swgi_key_parse(place, value, &config->values, error);

    if (rc == 0)
        config->set[place->key - swgi_keys] = true;
    return rc;
}

int swg_config_set(struct swg_config *config, const char *name, const char *value,
                   struct swg_error *error) {
    struct swgi_key_place place;
    int rc;

    if (config == NULL || name == NULL || value == NULL)
        return swgi_fail(error, -EINVAL, name, "no configuration, key or value was given");
    rc = swgi_key_find(name, &place, error);
    if (rc < 0)
        return rc;
    if (place.key->kind != SWGI_KIND_NONE)
        return set_rule(config, &place, value, error);
    if (place.key->type == SWGI_TYPE_TRIP)
        return set_trip(config, value, error);
    /* As a key the preset does not undo the others: keys have no order. */
    if (place.key->type == SWGI_TYPE_PRESET)
        return swgi_preset_find(value, &config->preset, error);
    return set_field(config, &place, value, error);
}

static unsigned entries(const struct swg_config *config) {
    unsigned count = SWGI_TRIP_RULES_MAX;

    while (count > 0 && config->trip[count - 1].kind == SWGI_KIND_NONE)
        count--;
    return count;
}

/* Lays what is set over *settings. A duration that followed another one until now stops to once it
 * is set. */
static int overlay(const struct swg_config *config, struct swgi_settings *settings,
                   struct swg_error *error) {
    for (unsigned i = 0; i < swgi_keys_count; i++) {
        const struct swgi_key *key = &swgi_keys[i];

        if (!config->set[i])
            continue;
        swgi_key_copy(key, settings, &config->values);
        if (key->offset == offsetof(struct swgi_settings, open_max_ns))
            settings->open_max_follows = 0;
        if (key->offset == offsetof(struct swgi_settings, backoff_reset_ns))
            settings->backoff_reset_follows = 0;
        if (key->offset == offsetof(struct swgi_settings, policies.bulkhead.max_queue))
            settings->policies.bulkhead.max_queue_follows = 0;
        if (key->offset == offsetof(struct swgi_settings, policies.limiter.burst))
            settings->policies.limiter.burst_follows = 0;
    }
    return config->trip_set
               ? swgi_trip_rules_install(settings, config->trip, entries(config), error)
               : 0;
}

/* Rows are ours: one that does not fit is a fault of the table, and every preset is tested. */
static void set_row(struct swg_config *config, const char *row) {
    char name[SWGI_KEY_NAME_MAX];
    const char *equals = strchr(row, '=');
    int rc;

    assert(equals != NULL && (size_t)(equals - row) < sizeof(name));
    memcpy(name, row, (size_t)(equals - row));
    name[equals - row] = '\0';
    rc = swg_config_set(config, name, equals + 1, NULL);
    assert(rc == 0);
    (void)rc;
}

static void read_preset(const struct swgi_preset *preset, struct swgi_settings *settings) {
    struct swg_config rows = { 0 };
    int rc;

    swgi_settings_default(settings);
    for (const char *const *row = preset->rows; *row != NULL; row++)
        set_row(&rows, *row);
    rc = overlay(&rows, settings, NULL);
    assert(rc == 0);
    (void)rc;
    snprintf(settings->preset, sizeof(settings->preset), "%s", preset->name);
}

/* A file of a thousand circuits starts from them a thousand times. */
static struct swgi_settings *known_presets;

static void read_presets(void) {
    static struct swgi_settings settings[SWGI_PRESETS_MAX];

    for (unsigned i = 0; i < swgi_presets_count; i++)
        read_preset(&swgi_presets[i], &settings[i]);
    known_presets = settings;
}

static void start_from(const struct swgi_preset *preset, struct swgi_settings *settings) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, read_presets);
    *settings = known_presets[preset - swgi_presets];
}

static void start(const struct swgi_preset *preset, const struct swgi_settings *base,
                  struct swgi_settings *settings) {
    if (preset != NULL)
        start_from(preset, settings);
    else if (base != NULL)
        *settings = *base;
    else
        swgi_settings_default(settings);
}

int swgi_config_apply(const struct swg_config *config, const struct swgi_settings *base,
                      struct swgi_settings *out, struct swg_error *error) {
    struct swg_config implied = { 0 };
    struct swgi_settings settings;
    int rc = 0;

    if (config == NULL && base == NULL)
        rc = swgi_preset_find("default", &implied.preset, error);
    assert(rc == 0); /* tables/presets.h has it */
    if (config == NULL)
        config = &implied;
    start(config->preset, base, &settings);
    rc = overlay(config, &settings, error);
    if (rc == 0)
        rc = swgi_settings_compile(&settings, error);
    if (rc == 0)
        rc = swgi_config_contradicts(config, &settings, error);
    if (rc == 0)
        *out = settings;
    return rc;
}

static int print_rule(const struct swgi_settings *settings, const struct swgi_key_place *place,
                      char *out, size_t size) {
    struct swgi_trip_rule rules[SWGI_TRIP_RULES_MAX] = { 0 };
    unsigned count = swgi_trip_rules_list(settings, rules);

    if (place->entry >= count || !swgi_trip_rule_has(&rules[place->entry], place->key))
        return -ENOENT;
    return swgi_key_print(place->key, &rules[place->entry], out, size);
}

static int print_text(const char *text, char *out, size_t size) {
    return snprintf(out, size, "%s", text) < (int)size ? 0 : -ERANGE;
}

static int print_place(const struct swgi_settings *settings, const struct swgi_key_place *place,
                       char *out, size_t size) {
    struct swgi_trip_rule rules[SWGI_TRIP_RULES_MAX];

    if (place->key->kind != SWGI_KIND_NONE)
        return print_rule(settings, place, out, size);
    if (place->key->type == SWGI_TYPE_TRIP)
        return swgi_trip_rules_list(settings, rules) == 0 ? print_text("none", out, size) : -ENOENT;
    if (place->key->type != SWGI_TYPE_PRESET)
        return swgi_key_print(place->key, settings, out, size);
    return settings->preset[0] != '\0' ? print_text(settings->preset, out, size) : -ENOENT;
}

int swgi_setting_print(const struct swgi_settings *settings, const char *name, char *out,
                       size_t size) {
    struct swgi_key_place place;

    if (name == NULL || out == NULL || size == 0)
        return -EINVAL;
    if (swgi_key_find(name, &place, NULL) < 0)
        return -ENOENT;
    return print_place(settings, &place, out, size);
}

/* 1 and an error if the two print differently. */
static int differs_at(const struct swgi_key_place *place, const struct swgi_settings *present,
                      const struct swgi_settings *wanted, struct swg_error *error) {
    char now[SWGI_KEY_VALUE_MAX], then[SWGI_KEY_VALUE_MAX], name[SWGI_KEY_NAME_MAX];

    if (print_place(present, place, now, sizeof(now)) != 0)
        (void)print_text("not set", now, sizeof(now));
    if (print_place(wanted, place, then, sizeof(then)) != 0)
        (void)print_text("not set", then, sizeof(then));
    if (strcmp(now, then) == 0)
        return 0;
    swgi_key_name(place, name);
    return swgi_fail(error, 1, name, "is %s, would be %s", now, then);
}

static int rules_differ(const struct swgi_settings *present, const struct swgi_settings *wanted,
                        struct swg_error *error) {
    struct swgi_key_place place;

    for (place.entry = 0; place.entry < SWGI_TRIP_RULES_MAX; place.entry++) {
        for (unsigned i = 0; i < swgi_rule_keys_count; i++) {
            place.key = &swgi_rule_keys[i];
            if (differs_at(&place, present, wanted, error) != 0)
                return 1;
        }
    }
    return 0;
}

int swgi_config_differs(const struct swg_config *config, const struct swgi_settings *present,
                        struct swg_error *error) {
    struct swgi_settings wanted;
    int rc = swgi_config_apply(config, present, &wanted, error);

    if (rc != 0)
        return rc;
    for (unsigned i = 0; i < swgi_keys_count; i++) {
        struct swgi_key_place place = { .key = &swgi_keys[i] };

        if (place.key->type == SWGI_TYPE_PRESET || place.key->type == SWGI_TYPE_TRIP)
            continue;
        if (differs_at(&place, present, &wanted, error) != 0)
            return 1;
    }
    return rules_differ(present, &wanted, error);
}

/* Ranges are made from numbers once, because callers keep the text. */
static char (*ranges)[SWGI_KEY_RANGE_MAX];

static void make_ranges(void) {
    static char texts[SWGI_KEYS_MAX + SWGI_RULE_KEYS_MAX][SWGI_KEY_RANGE_MAX];

    for (unsigned i = 0; i < swgi_keys_count; i++)
        swgi_key_range(&swgi_keys[i], texts[i]);
    for (unsigned i = 0; i < swgi_rule_keys_count; i++)
        swgi_key_range(&swgi_rule_keys[i], texts[swgi_keys_count + i]);
    ranges = texts;
}

int swg_config_next_key(uint32_t *cursor, const char **key, const char **range, const char **what) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const struct swgi_key *found;

    if (cursor == NULL)
        return -EINVAL;
    if (*cursor >= swgi_keys_count + swgi_rule_keys_count)
        return -ENOENT;
    pthread_once(&once, make_ranges);
    found = *cursor < swgi_keys_count ? &swgi_keys[*cursor]
                                      : &swgi_rule_keys[*cursor - swgi_keys_count];
    if (key != NULL)
        *key = found->name;
    if (range != NULL)
        *range = ranges[*cursor];
    if (what != NULL)
        *what = found->what;
    (*cursor)++;
    return 0;
}

bool swgi_config_sets(const struct swg_config *config, const char *name) {
    struct swgi_key_place place;

    if (swgi_key_find(name, &place, NULL) != 0 || place.key->kind != SWGI_KIND_NONE)
        return false;
    return config->set[place.key - swgi_keys];
}
