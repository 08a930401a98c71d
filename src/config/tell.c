/* Each value of a circuit, and where it came from. */
#include "config/tell.h"

#include <stdio.h>
#include <string.h>

#include "circuit/trip_rules.h"

int swgi_telling_begin(struct swgi_telling *telling, const struct swgi_file *file,
                       const struct swgi_file_circuit *circuit) {
    *telling = (struct swgi_telling){ .file = file, .circuit = circuit };
    return swgi_config_apply(circuit->config, NULL, &telling->settings, NULL);
}

/* What a rule that is written leaves out has its default, which is written nowhere. */
static struct swgi_place of_rule(const struct swgi_telling *telling,
                                 const struct swgi_key_place *key) {
    const struct swgi_file_circuit *circuit = telling->circuit;
    struct swgi_key_place written = *key;
    int entry = swgi_trip_rules_source(&telling->settings, circuit->config->trip,
                                       SWGI_TRIP_RULES_MAX, key->entry);

    if (entry < 0 || circuit->origins->rules[entry].line == 0)
        return circuit->origins->trip;
    written.entry = (unsigned)entry;
    struct swgi_place place = *swgi_origins_rule_key(circuit->origins, &written);
    if (place.line == 0)
        place.layer = circuit->origins->rules[entry].layer;
    return place;
}

/* What no layer wrote is the preset's, or the table's default. */
static struct swgi_place where(const struct swgi_telling *telling,
                               const struct swgi_key_place *at) {
    const struct swgi_key *key = at->key;
    const struct swgi_file_circuit *circuit = telling->circuit;
    const struct swgi_preset *preset = circuit->config->preset;
    struct swgi_place place;
    bool by_preset;

    if (key->type == SWGI_TYPE_PRESET)
        return circuit->origins->preset;
    if (key->type == SWGI_TYPE_TRIP || key->kind != SWGI_KIND_NONE) {
        place = key->kind != SWGI_KIND_NONE ? of_rule(telling, at) : circuit->origins->trip;
        by_preset = preset != NULL && swgi_preset_trips(preset);
    } else {
        place = circuit->origins->keys[key - swgi_keys];
        by_preset = preset != NULL && swgi_preset_sets(preset, (unsigned)(key - swgi_keys));
    }
    if (place.layer == SWGI_LAYER_NONE && by_preset)
        place.layer = SWGI_LAYER_PRESET;
    return place;
}

static void from(const struct swgi_telling *telling, struct swgi_place place, char *out,
                 size_t size) {
    bool is_written =
        place.line != 0 || place.layer == SWGI_LAYER_SHIPPED || place.layer == SWGI_LAYER_PRESET;

    switch (is_written ? place.layer : SWGI_LAYER_NONE) {
    case SWGI_LAYER_NONE:
        snprintf(out, size, "default");
        break;
    case SWGI_LAYER_PRESET:
        snprintf(out, size, "preset %s", telling->circuit->config->preset->name);
        break;
    case SWGI_LAYER_DEFAULTS:
        snprintf(out, size, "defaults, line %u", place.line);
        break;
    case SWGI_LAYER_CIRCUIT:
        snprintf(out, size, "line %u", place.line);
        break;
    case SWGI_LAYER_SHIPPED:
        snprintf(out, size, "environment %s", telling->file->environment);
        break;
    default:
        snprintf(out, size, "environment %s, line %u", telling->file->environment, place.line);
    }
}

static bool tell(const struct swgi_telling *telling, const struct swgi_key_place *at,
                 const char *name, struct swgi_told *out) {
    const struct swgi_key *key = at->key;

    out->key = key;
    snprintf(out->name, sizeof(out->name), "%s", name);
    if (swgi_setting_print(&telling->settings, name, out->value, sizeof(out->value)) != 0)
        return false;
    out->place = where(telling, at);
    out->layer = out->place.layer;
    out->idle = key->kind == SWGI_KIND_NONE && key->type != SWGI_TYPE_PRESET &&
                key->type != SWGI_TYPE_TRIP &&
                swgi_setting_is_idle(telling->circuit->config, key, &telling->settings);
    from(telling, out->place, out->from, sizeof(out->from));
    return true;
}

static bool next_rule_key(struct swgi_telling *telling, struct swgi_told *out) {
    while (telling->rule < SWGI_TRIP_RULES_MAX) {
        struct swgi_key_place place = { &swgi_rule_keys[telling->rule_key], telling->rule };
        char name[SWGI_KEY_NAME_MAX];

        swgi_key_name(&place, name);
        if (++telling->rule_key == swgi_rule_keys_count) {
            telling->rule_key = 0;
            telling->rule++;
        }
        if (tell(telling, &place, name, out))
            return true;
    }
    return false;
}

bool swgi_telling_next(struct swgi_telling *telling, struct swgi_told *out) {
    for (; telling->key < swgi_keys_count; telling->key++) {
        struct swgi_key_place at = { .key = &swgi_keys[telling->key] };

        if (at.key->type == SWGI_TYPE_TRIP && next_rule_key(telling, out))
            return true;
        if (tell(telling, &at, at.key->name, out)) {
            telling->key++;
            return true;
        }
    }
    return false;
}
