/* `circuit_breakers` of seed 002: global settings, defaults and components, in seconds. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/parse.h"
#include "config/seeds.h"

struct breakers {
    struct swgi_body *body;
    struct swgi_layer defaults;
    bool enabled, auto_create;
    const yaml_node_t *enabled_node, *auto_node;
    char interval[SWGI_NUMBER_TEXT];
    const yaml_node_t *interval_node;
};

static bool read_bool(struct swgi_reader *reader, const yaml_node_t *node, bool *out) {
    const char *text = swgi_node_text(reader, node, "true|false");
    int at = text != NULL ? swgi_word_find("false|true|no|yes", text) : -1;

    if (text != NULL && at < 0)
        swgi_complain(reader, node, NULL, "\"%.40s\" is not allowed; allowed: true|false", text);
    if (at >= 0)
        *out = at % 2 == 1;
    return at >= 0;
}

static bool read_number(struct swgi_reader *reader, const yaml_node_t *node, double least,
                        double most, double *out, const char **text) {
    char range[64];

    snprintf(range, sizeof(range), "a number, %g..%g", least, most);
    *text = swgi_node_text(reader, node, range);
    if (*text == NULL || !swgi_is_bare(reader, node, range))
        return false;
    if (swgi_decimal_parse(*text, out) == 0 && *out >= least && *out <= most)
        return true;
    swgi_complain(reader, node, NULL, "\"%.40s\" is not allowed; allowed: %s", *text, range);
    return false;
}

static void read_max(struct swgi_reader *reader, struct breakers *breakers,
                     const yaml_node_t *node) {
    double number = 0;
    const char *text;

    if (!read_number(reader, node, 1, 65535, &number, &text))
        return;
    breakers->body->limits->circuits_max = (uint32_t)number;
    if ((double)(uint32_t)number < number)
        swgi_complain(reader, node, NULL, "\"%.40s\" is not allowed; allowed: a whole number",
                      text);
}

static void read_collection(struct swgi_reader *reader, struct breakers *breakers,
                            const yaml_node_t *node) {
    double number = 0;
    const char *text;

    if (read_number(reader, node, 1, 3600, &number, &text))
        breakers->body->metrics->collection_interval = (swg_ns)(number * 1e9);
}

static void read_interval(struct swgi_reader *reader, struct breakers *breakers,
                          const yaml_node_t *node) {
    double number = 0;
    const char *text;

    if (!read_number(reader, node, 0, 86400, &number, &text))
        return;
    breakers->interval_node = node;
    snprintf(breakers->interval, sizeof(breakers->interval), "%ss", text);
}

static void read_component(struct swgi_reader *reader, void *arg, const yaml_node_t *key_node,
                           const char *key, const yaml_node_t *value) {
    struct breakers *breakers = arg;

    swgi_circuit_entry(reader, breakers->body, key, key_node, value);
}

static void read_leaf(struct swgi_reader *reader, void *arg, const struct swgi_word *word,
                      const yaml_node_t *key_node, const yaml_node_t *value) {
    struct breakers *breakers = arg;
    const char *name = strrchr(word->name, '.');

    (void)key_node;
    name = name != NULL ? name + 1 : word->name;
    if (strcmp(name, "enabled") == 0 && read_bool(reader, value, &breakers->enabled))
        breakers->enabled_node = value;
    else if (strcmp(name, "auto_create_enabled") == 0 &&
             read_bool(reader, value, &breakers->auto_create))
        breakers->auto_node = value;
    else if (strcmp(name, "max_circuit_breakers") == 0)
        read_max(reader, breakers, value);
    else if (strcmp(name, "metrics_collection_interval_seconds") == 0)
        read_collection(reader, breakers, value);
    else if (strcmp(name, "min_state_transition_interval_seconds") == 0)
        read_interval(reader, breakers, value);
    else if (strcmp(name, "default_config") == 0)
        swgi_layer_read(reader, &breakers->defaults, SWGI_SCOPE_DEFAULTS, value);
    else if (strcmp(name, "component_configs") == 0)
        swgi_each_pair(reader, value, read_component, breakers);
}

/* Breakers that are made on demand are a pattern for all names. */
static void add_pattern(struct swgi_reader *reader, struct breakers *breakers) {
    struct swgi_file_circuit *circuit = swgi_circuits_add(reader, &breakers->body->circuits);

    if (circuit == NULL)
        return;
    snprintf(circuit->name, sizeof(circuit->name), "*");
    circuit->is_pattern = true;
    circuit->line = (int)swgi_place_of(breakers->auto_node).line;
    circuit->column = swgi_place_of(breakers->auto_node).column;
}

/* Switched off, they count and never trip. */
static void switch_off(struct swgi_reader *reader, struct breakers *breakers) {
    struct swgi_circuits *circuits = &breakers->body->circuits;

    (void)reader;
    for (unsigned i = 0; i <= circuits->count; i++) {
        struct swgi_file_circuit *circuit =
            i < circuits->count ? &circuits->at[i] : &breakers->body->defaults;

        memset(circuit->config->trip, 0, sizeof(circuit->config->trip));
        circuit->config->trip_set = true;
        circuit->origins->trip = swgi_place_of(breakers->enabled_node);
        circuit->origins->trip.layer = (uint16_t)breakers->body->circuits_layer;
    }
}

void swgi_breakers_read(struct swgi_reader *reader, struct swgi_body *body,
                        const yaml_node_t *node) {
    struct breakers breakers = { .body = body,
                                 .defaults = { .circuit = &body->defaults,
                                               .id = body->defaults_layer },
                                 .enabled = true };

    if (!swgi_walk(reader, SWGI_SCOPE_BREAKERS, node, read_leaf, &breakers))
        return;
    if (breakers.interval_node != NULL)
        swgi_layer_set(reader, &breakers.defaults, "breaker.min_state_transition_interval",
                       breakers.interval, breakers.interval_node);
    if (body->defaults.config->preset == NULL)
        (void)swgi_preset_find("default", &body->defaults.config->preset, NULL);
    if (breakers.auto_node != NULL) {
        body->limits->auto_create = breakers.auto_create;
        if (breakers.auto_create)
            add_pattern(reader, &breakers);
    }
    if (!breakers.enabled)
        switch_off(reader, &breakers);
}
