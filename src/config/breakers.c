/* `circuit_breakers` of seed 002: global settings, defaults and components, in seconds. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/parse.h"
#include "config/seeds.h"

struct breakers {
    struct swgi_body *body;
    struct swgi_layer defaults;
    const yaml_node_t *enabled, *auto_create, *interval; /* NULL: not said */
    bool is_enabled, makes;
    char interval_text[SWGI_NUMBER_TEXT];
};

static void read_collection(struct breakers *breakers, const char *text) {
    uint64_t ns = 0;

    if (swgi_duration_parse(text, &ns) == 0)
        breakers->body->metrics->collection_interval = (swg_ns)ns;
}

static void read_max(struct breakers *breakers, const char *text) {
    uint64_t most = 0;

    if (swgi_integer_parse(text, &most) == 0)
        breakers->body->limits->circuits_max = (uint32_t)most;
}

static void read_setting(struct breakers *breakers, const char *name, const char *text,
                         const yaml_node_t *value) {
    if (strcmp(name, "enabled") == 0) {
        breakers->is_enabled = strcmp(text, "yes") == 0;
        breakers->enabled = value;
    } else if (strcmp(name, "auto_create_enabled") == 0) {
        breakers->makes = strcmp(text, "yes") == 0;
        breakers->auto_create = value;
    } else if (strcmp(name, "min_state_transition_interval_seconds") == 0) {
        snprintf(breakers->interval_text, sizeof(breakers->interval_text), "%s", text);
        breakers->interval = value;
    } else if (strcmp(name, "max_circuit_breakers") == 0) {
        read_max(breakers, text);
    } else if (strcmp(name, "metrics_collection_interval_seconds") == 0) {
        read_collection(breakers, text);
    }
}

static void read_component(struct swgi_reader *reader, void *arg, const yaml_node_t *key_node,
                           const char *key, const yaml_node_t *value) {
    struct breakers *breakers = arg;

    swgi_circuit_entry(reader, breakers->body, key, key_node, value);
}

/* An error in it hides this from the others. */
static unsigned hides(const char *name) {
    static const struct swgi_hiding rows[] = { { "default_config", SWGI_HIDES_SETTINGS },
                                               { "component_configs", SWGI_HIDES_CIRCUITS },
                                               { "auto_create_enabled", SWGI_HIDES_CIRCUITS },
                                               { "max_circuit_breakers", SWGI_HIDES_LIMITS },
                                               { "metrics_collection_interval_seconds",
                                                 SWGI_HIDES_NOTHING } };

    return swgi_hiding_of(rows, sizeof(rows) / sizeof(rows[0]), name, SWGI_HIDES_SETTINGS);
}

static void read_leaf(struct swgi_reader *reader, void *arg, const struct swgi_word *word,
                      const yaml_node_t *key_node, const yaml_node_t *value) {
    struct breakers *breakers = arg;
    const char *name = strrchr(word->name, '.');
    char text[SWGI_NUMBER_TEXT];

    (void)key_node;
    name = name != NULL ? name + 1 : word->name;
    unsigned before = swgi_hides_only(reader, hides(name));
    if (strcmp(name, "default_config") == 0)
        swgi_layer_read(reader, &breakers->defaults, SWGI_SCOPE_DEFAULTS, value);
    else if (strcmp(name, "component_configs") == 0)
        swgi_each_pair(reader, value, read_component, breakers);
    else if (swgi_seed_value(reader, word->what, value, text, sizeof(text)))
        read_setting(breakers, name, text, value);
    reader->hiding = before;
}

/* Breakers that are made on demand are a pattern for all names. */
static void add_pattern(struct swgi_reader *reader, struct breakers *breakers) {
    struct swgi_file_circuit *circuit = swgi_circuits_add(reader, &breakers->body->circuits);

    if (circuit == NULL)
        return;
    snprintf(circuit->name, sizeof(circuit->name), "*");
    circuit->is_pattern = true;
    circuit->line = (int)swgi_place_of(breakers->auto_create).line;
    circuit->column = swgi_place_of(breakers->auto_create).column;
}

/* Switched off, they count and never trip. */
static void switch_off(struct breakers *breakers) {
    struct swgi_circuits *circuits = &breakers->body->circuits;
    struct swgi_place place = swgi_place_of(breakers->enabled);

    place.layer = (uint16_t)breakers->body->circuits_layer;
    for (unsigned i = 0; i < circuits->count; i++)
        swgi_circuit_never_trips(&circuits->at[i], place);
    swgi_circuit_never_trips(&breakers->body->defaults, place);
}

void swgi_breakers_read(struct swgi_reader *reader, struct swgi_body *body,
                        const yaml_node_t *node) {
    struct breakers breakers = { .body = body,
                                 .defaults = { .circuit = &body->defaults,
                                               .id = body->defaults_layer },
                                 .is_enabled = true };

    if (!swgi_walk(reader, SWGI_SCOPE_BREAKERS, node, read_leaf, &breakers))
        return;
    if (breakers.interval != NULL)
        swgi_layer_set(reader, &breakers.defaults, "breaker.min_state_transition_interval",
                       breakers.interval_text, breakers.interval);
    if (body->defaults.config->preset == NULL)
        (void)swgi_preset_find("default", &body->defaults.config->preset, NULL);
    if (breakers.auto_create != NULL) {
        body->limits->auto_create = breakers.makes;
        if (breakers.makes)
            add_pattern(reader, &breakers);
    }
    if (!breakers.is_enabled)
        switch_off(&breakers);
}
