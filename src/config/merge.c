/* Layers of a circuit laid over each other. */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "config/layer.h"

/* ---- what presets set, worked out once */

struct preset_rows {
    bool sets[SWGI_KEYS_MAX], trips;
};

static struct preset_rows known[SWGI_PRESETS_MAX];

static void note_row(struct preset_rows *rows, const char *row) {
    struct swgi_key_place place;
    char name[SWGI_KEY_NAME_MAX];
    size_t length = strcspn(row, "=");
    int rc;

    assert(length < sizeof(name));
    memcpy(name, row, length);
    name[length] = '\0';
    rc = swgi_key_find(name, &place, NULL);
    assert(rc == 0); /* every preset is tested */
    (void)rc;
    if (place.key->kind != SWGI_KIND_NONE)
        rows->trips = true;
    else
        rows->sets[place.key - swgi_keys] = true;
}

static void note_presets(void) {
    for (unsigned i = 0; i < swgi_presets_count; i++)
        for (const char *const *row = swgi_presets[i].rows; *row != NULL; row++)
            note_row(&known[i], *row);
}

static const struct preset_rows *rows_of(const struct swgi_preset *preset) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, note_presets);
    return &known[preset - swgi_presets];
}

bool swgi_preset_sets(const struct swgi_preset *preset, unsigned key) {
    return rows_of(preset)->sets[key];
}

bool swgi_preset_trips(const struct swgi_preset *preset) {
    return rows_of(preset)->trips;
}

/* ---- merging */

static void drop(struct swgi_file_circuit *circuit, unsigned key) {
    circuit->config->set[key] = false;
    circuit->origins->keys[key] = (struct swgi_place){ 0 };
}

/* The preset of a stronger layer goes before keys of a weaker one. */
static void start_from(struct swgi_file_circuit *base, const struct swgi_file_circuit *over) {
    const struct preset_rows *rows = rows_of(over->config->preset);

    for (unsigned i = 0; i < swgi_keys_count; i++)
        if (rows->sets[i])
            drop(base, i);
    if (rows->trips) {
        base->config->trip_set = false;
        memset(base->config->trip, 0, sizeof(base->config->trip));
        swgi_origins_trip(base->origins, (struct swgi_place){ 0 });
    }
    base->config->preset = over->config->preset;
    base->origins->preset = over->origins->preset;
    base->origins->preset_implied = over->origins->preset_implied;
}

static bool brings_preset(const struct swgi_file_circuit *base,
                          const struct swgi_file_circuit *over) {
    return over->config->preset != NULL &&
           (base->config->preset == NULL || !over->origins->preset_implied);
}

static void lay_settings(struct swgi_file_circuit *base, const struct swgi_file_circuit *over) {
    for (unsigned i = 0; i < swgi_keys_count; i++) {
        if (!over->config->set[i])
            continue;
        swgi_key_copy(&swgi_keys[i], &base->config->values, &over->config->values);
        base->config->set[i] = true;
        base->config->general[i] = over->config->general[i];
        base->origins->keys[i] = over->origins->keys[i];
    }
    if (!over->config->trip_set)
        return;
    base->config->trip_set = true;
    memcpy(base->config->trip, over->config->trip, sizeof(base->config->trip));
    base->origins->trip = over->origins->trip;
    memcpy(base->origins->rules, over->origins->rules, sizeof(base->origins->rules));
    memcpy(base->origins->rule_keys, over->origins->rule_keys, sizeof(base->origins->rule_keys));
}

static bool is_words(const struct swgi_file_key *key) {
    return key->type == SWGI_FILE_NAMES || key->type == SWGI_FILE_GLOBS ||
           key->type == SWGI_FILE_URLS;
}

static int lay_field(struct swgi_file_circuit *base, const struct swgi_file_circuit *over,
                     const struct swgi_file_key *key) {
    char *to = (char *)base + key->offset;
    const char *from = (const char *)over + key->offset;

    if (is_words(key)) {
        swgi_words_free((void *)to);
        return swgi_words_copy((void *)to, (const void *)from);
    }
    memcpy(to, from, key->width);
    return 0;
}

static int lay_fields(struct swgi_file_circuit *base, const struct swgi_file_circuit *over) {
    int rc = 0;

    for (unsigned i = 0; i < swgi_file_keys_count && rc == 0; i++) {
        if (swgi_file_keys[i].section != SWGI_SECTION_CIRCUIT_KEYS)
            continue;
        unsigned number = swgi_circuit_field(&swgi_file_keys[i]);
        if ((over->origins->given & 1u << number) == 0)
            continue;
        rc = lay_field(base, over, &swgi_file_keys[i]);
        base->origins->fields[number] = over->origins->fields[number];
    }
    base->origins->given |= over->origins->given;
    base->has_slo = base->has_slo || over->has_slo;
    return rc;
}

int swgi_layer_merge(struct swgi_file_circuit *base, const struct swgi_file_circuit *over) {
    base->origins->is_broken = base->origins->is_broken || over->origins->is_broken;
    if (brings_preset(base, over))
        start_from(base, over);
    lay_settings(base, over);
    return lay_fields(base, over);
}
