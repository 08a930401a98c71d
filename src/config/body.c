/* The sections of a file, and of each of its environments. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/parse.h"
#include "config/seeds.h"

int swgi_body_init(struct swgi_body *body, enum swgi_layer_id defaults,
                   enum swgi_layer_id circuits) {
    memset(body, 0, sizeof(*body));
    body->defaults_layer = defaults;
    body->circuits_layer = circuits;
    return swgi_circuit_alloc(&body->defaults);
}

void swgi_body_deinit(struct swgi_body *body) {
    for (unsigned i = 0; i < body->circuits.count; i++)
        swgi_circuit_free(&body->circuits.at[i]);
    free(body->circuits.at);
    swgi_circuit_free(&body->defaults);
    swgi_alerts_free(&body->alerts);
    free(body->receivers.at);
    memset(body, 0, sizeof(*body));
}

/* ---- sections that fill one struct */

static void read_key(struct swgi_reader *reader, void *arg, const struct swgi_word *word,
                     const yaml_node_t *key_node, const yaml_node_t *value) {
    (void)key_node;
    swgi_file_key_read(reader, word->what, value, arg);
}

static void read_limit(struct swgi_reader *reader, void *arg, const struct swgi_word *word,
                       const yaml_node_t *key_node, const yaml_node_t *value) {
    struct swgi_file_limits *limits = arg;

    (void)key_node;
    if (swgi_file_key_read(reader, word->what, value, arg) && strcmp(word->name, "beyond") == 0)
        limits->has_beyond = true;
}

/* ---- entries of circuits */

struct swgi_file_circuit *swgi_circuits_add(struct swgi_reader *reader,
                                            struct swgi_circuits *circuits) {
    if (circuits->count == circuits->room) {
        unsigned room = circuits->room != 0 ? 2 * circuits->room : 16;
        struct swgi_file_circuit *larger = realloc(circuits->at, room * sizeof(*larger));

        if (larger == NULL) {
            reader->no_memory = true;
            return NULL;
        }
        circuits->at = larger;
        circuits->room = room;
    }
    struct swgi_file_circuit *circuit = &circuits->at[circuits->count];
    memset(circuit, 0, sizeof(*circuit));
    if (swgi_circuit_alloc(circuit) != 0) {
        swgi_circuit_free(circuit);
        reader->no_memory = true;
        return NULL;
    }
    circuits->count++;
    return circuit;
}

static bool is_pattern(const char *name) {
    return strpbrk(name, "*?") != NULL;
}

/* A name, or a glob whose rest is one. */
static bool is_name(const char *text) {
    char name[SWGI_FILE_WORD_MAX];

    if (snprintf(name, sizeof(name), "%s", text) >= (int)sizeof(name))
        return false;
    for (char *at = name; (at = strpbrk(at, "*?")) != NULL;)
        *at = '-';
    return swgi_name_valid(name);
}

static bool check_name(struct swgi_reader *reader, const char *name, const yaml_node_t *node) {
    if (is_name(name) && strcmp(name, "_beyond") != 0)
        return true;
    swgi_complain(
        reader, node, NULL,
        "\"%.40s\" is no circuit's name; allowed: 1 to 127 of A-Z a-z 0-9 . _ : @ / -, and"
        " * and ? for a pattern%s",
        name, is_name(name) ? "; _beyond is the panel's own" : "");
    return false;
}

static void check_entry(struct swgi_reader *reader, const struct swgi_file_circuit *circuit,
                        const yaml_node_t *node) {
    unsigned before = swgi_hides_only(reader, SWGI_HIDES_NOTHING);

    if (circuit->is_pattern && circuit->alias[0] != '\0')
        swgi_complain(reader, node, "alias", "a pattern has no alias: it stands for many circuits");
    if (!circuit->is_pattern && circuit->max != 0)
        swgi_complain(reader, node, "max", "only a pattern, with * or ?, has a max");
    reader->hiding = before;
}

static void name_entry(struct swgi_file_circuit *circuit, const char *name) {
    snprintf(circuit->name, sizeof(circuit->name), "%s", name);
    circuit->is_pattern = is_pattern(name);
}

/* One breaker for each kind of operation: the entry becomes three. */
static void multiply(struct swgi_reader *reader, struct swgi_circuits *circuits,
                     const yaml_node_t *node) {
    static const char *const operations[] = { "read", "write", "batch" };
    unsigned first = circuits->count - 1;
    char name[SWGI_FILE_WORD_MAX];

    snprintf(name, sizeof(name), "%s", circuits->at[first].name);
    for (unsigned i = 0; i < 3; i++) {
        char full[SWGI_FILE_WORD_MAX + 8];
        struct swgi_file_circuit *circuit =
            i == 0 ? &circuits->at[first] : swgi_circuits_add(reader, circuits);

        if (circuit == NULL)
            return;
        if (i > 0) {
            swgi_circuit_free(circuit);
            if (swgi_circuit_copy(circuit, &circuits->at[first]) != 0)
                reader->no_memory = true;
        }
        snprintf(full, sizeof(full), "%s-%s", name, operations[i]);
        circuit->origins->is_misnamed = strlen(full) >= SWGI_FILE_WORD_MAX;
        if (circuit->origins->is_misnamed)
            swgi_complain(reader, node, NULL, "the name is too long for -%s behind it",
                          operations[i]);
        snprintf(circuit->name, sizeof(circuit->name), "%.127s", full);
    }
}

void swgi_circuit_settle_name(struct swgi_reader *reader, struct swgi_body *body,
                              const struct swgi_layer *layer, const char *key,
                              const yaml_node_t *node) {
    struct swgi_file_circuit *circuit = layer->circuit;

    name_entry(circuit, layer->named[0] != '\0' ? layer->named : key);
    circuit->origins->is_misnamed = !check_name(reader, circuit->name, node);
    if (circuit->origins->is_misnamed)
        return;
    if (layer->named[0] != '\0' && strcmp(layer->named, key) != 0 && circuit->alias[0] == '\0' &&
        swgi_name_valid(key))
        snprintf(circuit->alias, sizeof(circuit->alias), "%s", key);
    check_entry(reader, circuit, node);
    if (layer->per_operation)
        multiply(reader, &body->circuits, node);
}

void swgi_circuit_entry(struct swgi_reader *reader, struct swgi_body *body, const char *key,
                        const yaml_node_t *key_node, const yaml_node_t *value) {
    struct swgi_file_circuit *circuit = swgi_circuits_add(reader, &body->circuits);
    struct swgi_layer layer = { .circuit = circuit, .id = body->circuits_layer };

    if (circuit == NULL)
        return;
    circuit->line = (int)swgi_place_of(key_node).line;
    circuit->column = swgi_place_of(key_node).column;
    unsigned before = swgi_hides_only(reader, SWGI_HIDES_NOTHING);
    swgi_layer_read(reader, &layer, SWGI_SCOPE_CIRCUIT, value);
    reader->hiding = before & SWGI_HIDES_CIRCUITS;
    swgi_circuit_settle_name(reader, body, &layer, key, key_node);
    reader->hiding = before;
}

static void read_entry(struct swgi_reader *reader, void *arg, const yaml_node_t *key_node,
                       const char *key, const yaml_node_t *value) {
    swgi_circuit_entry(reader, arg, key, key_node, value);
}

static void read_defaults(struct swgi_reader *reader, struct swgi_body *body,
                          const yaml_node_t *node) {
    struct swgi_layer layer = { .circuit = &body->defaults, .id = body->defaults_layer };

    swgi_layer_read(reader, &layer, SWGI_SCOPE_DEFAULTS, node);
    if (layer.named[0] != '\0' || layer.per_operation)
        swgi_complain(
            reader, node, NULL,
            "name, service_id and breakerMode are a circuit's own; allowed: under circuits");
}

static void read_section(struct swgi_reader *reader, struct swgi_body *body, const char *section,
                         const yaml_node_t *node) {
    if (strcmp(section, "panel") == 0)
        swgi_walk(reader, SWGI_SCOPE_PANEL, node, read_key, body->panel);
    else if (strcmp(section, "agent") == 0)
        swgi_walk(reader, SWGI_SCOPE_AGENT, node, read_key, body->agent);
    else if (strcmp(section, "limits") == 0)
        swgi_walk(reader, SWGI_SCOPE_LIMITS, node, read_limit, body->limits);
    else if (strcmp(section, "metrics") == 0)
        swgi_walk(reader, SWGI_SCOPE_METRICS, node, read_key, body->metrics);
    else if (strcmp(section, "defaults") == 0)
        read_defaults(reader, body, node);
    else if (strcmp(section, "circuits") == 0)
        swgi_each_pair(reader, node, read_entry, body);
    else if (strcmp(section, "alerts") == 0)
        swgi_alerts_read(reader, &body->alerts, node);
    else if (strcmp(section, "receivers") == 0)
        swgi_receivers_read(reader, &body->receivers, node);
}

void swgi_body_read(struct swgi_reader *reader, struct swgi_body *body, const char *section,
                    const yaml_node_t *node) {
    unsigned before = swgi_hides_only(reader, swgi_section_hides(section));

    read_section(reader, body, section, node);
    reader->hiding = before;
}
