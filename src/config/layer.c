/* A circuit's mapping, read key by key into what one layer says of it. */
#include "config/layer.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "circuit/trip_rules.h"
#include "config/seeds.h"

/* ---- memory */

int swgi_circuit_alloc(struct swgi_file_circuit *circuit) {
    circuit->config = calloc(1, sizeof(*circuit->config));
    circuit->origins = calloc(1, sizeof(*circuit->origins));
    return circuit->config != NULL && circuit->origins != NULL ? 0 : -ENOMEM;
}

void swgi_circuit_free(struct swgi_file_circuit *circuit) {
    free(circuit->config);
    free(circuit->origins);
    swgi_words_free(&circuit->depends_on);
    circuit->config = NULL;
    circuit->origins = NULL;
}

int swgi_circuit_copy(struct swgi_file_circuit *to, const struct swgi_file_circuit *from) {
    *to = *from;
    to->depends_on = (struct swgi_file_words){ 0 };
    if (swgi_circuit_alloc(to) != 0 || swgi_words_copy(&to->depends_on, &from->depends_on) != 0)
        return -ENOMEM;
    *to->config = *from->config;
    *to->origins = *from->origins;
    return 0;
}

/* ---- one value */

static bool is_yes_no(const struct swgi_key *key) {
    return key->type == SWGI_TYPE_CHOICE && strcmp(key->unit, "no|yes") == 0;
}

static bool is_number(const struct swgi_key *key) {
    switch (key->type) {
    case SWGI_TYPE_INTEGER:
    case SWGI_TYPE_COUNT:
    case SWGI_TYPE_DECIMAL:
    case SWGI_TYPE_PERCENT:
    case SWGI_TYPE_WEIGHT:
    case SWGI_TYPE_PRIORITY:
        return true;
    default:
        return false;
    }
}

/* Of the keys whose text is a list, those that may be written as one. */
static bool takes_list(const struct swgi_key *key) {
    return key->type == SWGI_TYPE_RAMP || key->type == SWGI_TYPE_PARTITIONS ||
           key->type == SWGI_TYPE_CHAIN || key->type == SWGI_TYPE_FEATURES;
}

/* A list or mapping of single values as the text a key takes: "5, 25, 50", "checkout:100". */
struct joined {
    char text[SWGI_KEY_VALUE_MAX];
    size_t used;
    bool good;
};

static void join(struct swgi_reader *reader, struct joined *joined, const char *before,
                 const yaml_node_t *node) {
    const char *text = swgi_node_text(reader, node, "single values");
    size_t room = sizeof(joined->text) - joined->used;
    int added = -1;

    if (text != NULL && strchr(text, ',') == NULL)
        added = snprintf(joined->text + joined->used, room, "%s%s%s%s",
                         joined->used > 0 ? ", " : "", before, before[0] != '\0' ? ":" : "", text);
    else if (text != NULL)
        swgi_complain(reader, node, NULL, "a comma stands in a value of a list");
    if (text != NULL && added >= (int)room)
        swgi_complain(reader, node, NULL, "the list is too long");
    joined->good = joined->good && added >= 0 && added < (int)room;
    if (joined->good)
        joined->used += (size_t)added;
}

static void join_item(struct swgi_reader *reader, void *arg, unsigned number,
                      const yaml_node_t *item) {
    (void)number;
    join(reader, arg, "", item);
}

static void join_pair(struct swgi_reader *reader, void *arg, const yaml_node_t *key_node,
                      const char *key, const yaml_node_t *value) {
    (void)key_node;
    join(reader, arg, key, value);
}

/* What is allowed is worked out only for who has it wrong. */
static const char *single_text(struct swgi_reader *reader, const struct swgi_key *key,
                               const yaml_node_t *node) {
    char range[SWGI_KEY_RANGE_MAX];
    bool good = swgi_node_is_text(node) && (!is_number(key) || swgi_node_is_bare(node));

    if (good)
        return (const char *)node->data.scalar.value;
    swgi_key_range(key, range);
    if (swgi_node_text(reader, node, range) != NULL)
        swgi_is_bare(reader, node, range);
    return NULL;
}

/* What the key's parser is to see; NULL: told. */
static const char *text_of(struct swgi_reader *reader, const struct swgi_key *key,
                           const yaml_node_t *node, struct joined *joined) {
    bool pairs = key->type == SWGI_TYPE_PARTITIONS || key->type == SWGI_TYPE_FEATURES;

    joined->text[0] = '\0';
    joined->used = 0;
    joined->good = true;
    if (node->type == YAML_SEQUENCE_NODE && takes_list(key)) {
        swgi_each_item(reader, node, join_item, joined);
        if (joined->good && joined->used == 0)
            snprintf(joined->text, sizeof(joined->text), "%s",
                     key->type == SWGI_TYPE_RAMP ? "off" : "none");
        return joined->good ? joined->text : NULL;
    }
    if (node->type == YAML_MAPPING_NODE && pairs) {
        swgi_each_pair(reader, node, join_pair, joined);
        return joined->good ? joined->text : NULL;
    }
    const char *text = single_text(reader, key, node);
    if (text != NULL && is_yes_no(key) && strcmp(text, "true") == 0)
        return "yes";
    if (text != NULL && is_yes_no(key) && strcmp(text, "false") == 0)
        return "no";
    return text;
}

/* ---- settings */

/* The same key by another word, or theirs and ours: whose is it? */
static bool is_taken(struct swgi_reader *reader, const struct swgi_place *place,
                     const yaml_node_t *node) {
    if (place->line == 0)
        return false;
    swgi_complain(reader, node, NULL, "this is said already, in line %u", place->line);
    return true;
}

static struct swgi_place placed(const struct swgi_layer *layer, const yaml_node_t *node) {
    struct swgi_place place = swgi_place_of(node);

    place.layer = (uint16_t)layer->id;
    return place;
}

static void refuse_value(struct swgi_reader *reader, const yaml_node_t *node,
                         const struct swg_error *error) {
    swgi_complain(reader, node, NULL, "%s", error->text);
}

static void set_field(struct swgi_reader *reader, struct swgi_layer *layer,
                      const struct swgi_key *key, const char *text, const yaml_node_t *node) {
    struct swgi_key_place place = { .key = key };
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_config *config = layer->circuit->config;
    size_t number = (size_t)(key - swgi_keys);

    if (is_taken(reader, &layer->circuit->origins->keys[number], node))
        return;
    layer->circuit->origins->keys[number] = placed(layer, node);
    config->general[number] = layer->id != SWGI_LAYER_CIRCUIT;
    if (swgi_key_parse(&place, text, &config->values, &error) != 0)
        refuse_value(reader, node, &error);
    else
        config->set[number] = true;
}

static void set_preset(struct swgi_reader *reader, struct swgi_layer *layer, const char *text,
                       const yaml_node_t *node) {
    struct swg_error error = SWG_ERROR_INIT;

    if (is_taken(reader, &layer->circuit->origins->preset, node))
        return;
    layer->circuit->origins->preset = placed(layer, node);
    if (swgi_preset_find(text, &layer->circuit->config->preset, &error) != 0)
        refuse_value(reader, node, &error);
}

/* ---- trip rules */

void swgi_origins_trip(struct swgi_origins *origins, struct swgi_place place) {
    origins->trip = place;
    memset(origins->rules, 0, sizeof(origins->rules));
    memset(origins->rule_keys, 0, sizeof(origins->rule_keys));
}

void swgi_circuit_never_trips(struct swgi_file_circuit *circuit, struct swgi_place place) {
    memset(circuit->config->trip, 0, sizeof(circuit->config->trip));
    circuit->config->trip_set = true;
    swgi_origins_trip(circuit->origins, place);
}

struct swgi_place *swgi_origins_rule_key(struct swgi_origins *origins,
                                         const struct swgi_key_place *key) {
    unsigned number = 0;

    for (const struct swgi_key *at = swgi_rule_keys; at < key->key; at++)
        number += at->kind == key->key->kind;
    assert(number < SWGI_RULE_FIELDS_MAX && key->entry < SWGI_TRIP_RULES_MAX);
    return &origins->rule_keys[key->entry][number];
}

struct rule {
    struct swgi_layer *layer;
    unsigned entry;
};

static void read_rule_key(struct swgi_reader *reader, void *arg, const struct swgi_word *word,
                          const yaml_node_t *key_node, const yaml_node_t *value) {
    const struct rule *rule = arg;
    struct swgi_key_place place = { .key = word->what, .entry = rule->entry };
    struct swg_error error = SWG_ERROR_INIT;
    struct joined joined;
    const char *text = text_of(reader, place.key, value, &joined);

    (void)key_node;
    if (text == NULL)
        return;
    if (swgi_trip_rule_set(&rule->layer->circuit->config->trip[rule->entry], &place, text,
                           &error) != 0)
        refuse_value(reader, value, &error);
    else
        *swgi_origins_rule_key(rule->layer->circuit->origins, &place) = placed(rule->layer, value);
}

static void read_rule(struct swgi_reader *reader, void *arg, unsigned number,
                      const yaml_node_t *item) {
    struct rule rule = { .layer = arg, .entry = number };
    unsigned before = reader->errors->count;

    if (number >= SWGI_TRIP_RULES_MAX) {
        swgi_complain(reader, item, NULL, "one rule too many; allowed: %u", SWGI_TRIP_RULES_MAX);
        return;
    }
    rule.layer->circuit->origins->rules[number] = placed(rule.layer, item);
    swgi_walk(reader, SWGI_SCOPE_RULE, item, read_rule_key, &rule);
    if (reader->errors->count == before &&
        rule.layer->circuit->config->trip[number].kind == SWGI_KIND_NONE)
        swgi_complain(reader, item, NULL,
                      "the rule is empty; allowed: consecutive, change, failures, failure_rate or"
                      " slow_rate");
}

/* Replaces what was there, even by nothing. */
static void read_trip(struct swgi_reader *reader, struct swgi_layer *layer,
                      const yaml_node_t *node) {
    struct swg_config *config = layer->circuit->config;

    if (is_taken(reader, &layer->circuit->origins->trip, node))
        return;
    swgi_origins_trip(layer->circuit->origins, placed(layer, node));
    config->trip_set = true;
    if (node->type == YAML_SEQUENCE_NODE)
        swgi_each_item(reader, node, read_rule, layer);
    else if (node->type != YAML_SCALAR_NODE ||
             strcmp((const char *)node->data.scalar.value, "none") != 0)
        swgi_complain(
            reader, node, NULL,
            "%s stands here; allowed: none, or a list of rules such as [{consecutive: 5}]",
            swgi_node_words(node));
}

/* ---- all of them */

static void read_setting(struct swgi_reader *reader, struct swgi_layer *layer,
                         const struct swgi_key *key, const yaml_node_t *value) {
    struct joined joined;
    const char *text;

    if (key->type == SWGI_TYPE_TRIP) {
        read_trip(reader, layer, value);
        return;
    }
    text = text_of(reader, key, value, &joined);
    if (text == NULL)
        return;
    if (key->type == SWGI_TYPE_PRESET)
        set_preset(reader, layer, text, value);
    else
        set_field(reader, layer, key, text, value);
}

unsigned swgi_circuit_field(const struct swgi_file_key *key) {
    unsigned first = 0, number;

    while (swgi_file_keys[first].section != SWGI_SECTION_CIRCUIT_KEYS)
        first++;
    number = (unsigned)(key - &swgi_file_keys[first]);
    assert(number < SWGI_CIRCUIT_FIELDS_MAX);
    return number;
}

struct swgi_place swgi_circuit_field_place(const struct swgi_file_circuit *circuit,
                                           const char *name) {
    for (unsigned i = 0; i < swgi_file_keys_count; i++) {
        const struct swgi_file_key *key = &swgi_file_keys[i];

        if (key->section != SWGI_SECTION_CIRCUIT_KEYS || strcmp(key->name, name) != 0)
            continue;
        if (circuit->origins->fields[swgi_circuit_field(key)].line != 0)
            return circuit->origins->fields[swgi_circuit_field(key)];
    }
    return (struct swgi_place){ .line = (uint32_t)circuit->line,
                                .column = (uint16_t)circuit->column };
}

static void read_field(struct swgi_reader *reader, struct swgi_layer *layer,
                       const struct swgi_file_key *key, const yaml_node_t *value) {
    bool is_words = key->type == SWGI_FILE_NAMES;

    /* The good words of a list are there beside those that are wrong. */
    if (!swgi_file_key_read(reader, key, value, layer->circuit) && !is_words)
        return;
    layer->circuit->origins->given |= 1u << swgi_circuit_field(key);
    layer->circuit->origins->fields[swgi_circuit_field(key)] = placed(layer, value);
    if (strncmp(key->name, "slo.", 4) == 0)
        layer->circuit->has_slo = true;
}

static void read_leaf(struct swgi_reader *reader, void *arg, const struct swgi_word *word,
                      const yaml_node_t *key_node, const yaml_node_t *value) {
    (void)key_node;
    switch (word->kind) {
    case SWGI_WORD_SETTING:
        read_setting(reader, arg, word->what, value);
        break;
    case SWGI_WORD_FILE:
        read_field(reader, arg, word->what, value);
        break;
    default:
        swgi_seed_read(reader, arg, word->what, value);
    }
}

/* In a mapping of seed 001's, `timeout` is theirs. */
static void read_leaf_001(struct swgi_reader *reader, void *arg, const struct swgi_word *word,
                          const yaml_node_t *key_node, const yaml_node_t *value) {
    static const struct swgi_seed_key *theirs;

    for (unsigned i = 0; theirs == NULL && i < swgi_seed_keys_count; i++)
        if (strcmp(swgi_seed_keys[i].name, "timeout") == 0)
            theirs = &swgi_seed_keys[i];
    if (strcmp(word->name, "timeout") == 0 && value->type == YAML_SCALAR_NODE)
        swgi_seed_read(reader, arg, theirs, value);
    else
        read_leaf(reader, arg, word, key_node, value);
}

void swgi_layer_read(struct swgi_reader *reader, struct swgi_layer *layer, enum swgi_scope_id scope,
                     const yaml_node_t *mapping) {
    bool theirs = swgi_seed_001(reader, mapping);
    unsigned before = reader->errors->count;

    swgi_walk(reader, scope, mapping, theirs ? read_leaf_001 : read_leaf, layer);
    swgi_seed_finish(reader, layer, mapping);
    if (reader->errors->count != before)
        layer->circuit->origins->is_broken = true;
}

void swgi_layer_set(struct swgi_reader *reader, struct swgi_layer *layer, const char *key,
                    const char *value, const yaml_node_t *node) {
    struct swgi_key_place place;
    struct swg_error error = SWG_ERROR_INIT;

    if (swgi_key_find(key, &place, &error) != 0) {
        refuse_value(reader, node, &error);
        return;
    }
    if (place.key->kind == SWGI_KIND_NONE) {
        set_field(reader, layer, place.key, value, node);
        /* Another form's words come together, whether all of them are of use or not. */
        layer->circuit->config->general[place.key - swgi_keys] = true;
        return;
    }
    layer->circuit->config->trip_set = true;
    if (layer->circuit->origins->trip.line == 0)
        layer->circuit->origins->trip = placed(layer, node);
    if (layer->circuit->origins->rules[place.entry].line == 0)
        layer->circuit->origins->rules[place.entry] = placed(layer, node);
    *swgi_origins_rule_key(layer->circuit->origins, &place) = placed(layer, node);
    if (swgi_trip_rule_set(&layer->circuit->config->trip[place.entry], &place, value, &error) != 0)
        refuse_value(reader, node, &error);
}
