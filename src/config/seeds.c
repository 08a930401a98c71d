/*
 * Other breakers' keys in ours. Each says what it becomes in the table; a few say something only
 * together, so they are noted while the mapping is read and worked out after.
 */
#include "config/seeds.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

const struct swgi_seed_key swgi_seed_keys[] = {
#define SWGI_SEED_KEY(of, full, kind, lo, hi, of_words, to, at) \
    { .name = (full),                                           \
      .words = (of_words),                                      \
      .target = (at),                                           \
      .form = SWGI_SEED_##of,                                   \
      .type = SWGI_SEED_##kind,                                 \
      .becomes = SWGI_BECOMES_##to,                             \
      .least = (lo),                                            \
      .most = (hi) },
#include "tables/seed_keys.h"
};
const unsigned swgi_seed_keys_count = sizeof(swgi_seed_keys) / sizeof(swgi_seed_keys[0]);

const struct swgi_seed_key swgi_breakers_keys[] = {
#define SWGI_BREAKERS_KEY(full, kind, lo, hi, at) \
    { .name = (full),                             \
      .words = "",                                \
      .target = (at),                             \
      .form = SWGI_SEED_002,                      \
      .type = SWGI_SEED_##kind,                   \
      .least = (lo),                              \
      .most = (hi) },
#include "tables/seed_keys.h"
};
const unsigned swgi_breakers_keys_count =
    sizeof(swgi_breakers_keys) / sizeof(swgi_breakers_keys[0]);

static const char *const starts[SWGI_SEED_FORMS] = {
#define SWGI_SEED_START(form, preset) preset,
#include "tables/seed_keys.h"
};

/* ---- what is allowed */

const char *swgi_seed_range(const struct swgi_seed_key *key, char out[SWGI_KEY_RANGE_MAX]) {
    const char *unit = key->type == SWGI_SEED_MS        ? " milliseconds"
                       : key->type == SWGI_SEED_SECONDS ? " seconds"
                       : key->type == SWGI_SEED_PERCENT ? " percent"
                                                        : "";

    if (key->type == SWGI_SEED_YES_NO)
        snprintf(out, SWGI_KEY_RANGE_MAX, "true|false");
    else if (key->type == SWGI_SEED_ONE_OF)
        snprintf(out, SWGI_KEY_RANGE_MAX, "%s", key->words);
    else if (key->type == SWGI_SEED_NAME)
        snprintf(out, SWGI_KEY_RANGE_MAX, "a name of A-Z a-z 0-9 . _ : @ / -");
    else if (key->type == SWGI_SEED_FEATURES)
        snprintf(out, SWGI_KEY_RANGE_MAX, "a mapping such as {checkout: 100, search: 50}");
    else
        snprintf(out, SWGI_KEY_RANGE_MAX, "a number, %llu..%llu%s", (unsigned long long)key->least,
                 (unsigned long long)key->most, unit);
    return out;
}

/* ---- a value in our text */

/* Numbers of a unit as a duration: 1.5 seconds is 1500ms. */
static bool to_duration(const char *text, const char *unit, char *out, size_t size) {
    uint64_t ns;
    char written[SWGI_NUMBER_TEXT + 4];

    if (snprintf(written, sizeof(written), "%s%s", text, unit) >= (int)sizeof(written) ||
        swgi_duration_parse(written, &ns) != 0)
        return false;
    return swgi_duration_print(ns, out, size) == 0;
}

static bool to_text(const struct swgi_seed_key *key, const char *text, char *out, size_t size) {
    double number = -1;
    bool is_whole = strspn(text, "0123456789") == strlen(text);

    switch (key->type) {
    case SWGI_SEED_YES_NO:
        snprintf(out, size, "%s",
                 strcmp(text, "true") == 0 || strcmp(text, "yes") == 0 ? "yes" : "no");
        return swgi_word_find("true|false|yes|no", text) >= 0;
    case SWGI_SEED_ONE_OF:
        snprintf(out, size, "%s", text);
        return swgi_word_find(key->words, text) >= 0;
    case SWGI_SEED_NAME:
        snprintf(out, size, "%s", text);
        return swgi_name_valid(text);
    default:
        break;
    }
    if (swgi_decimal_parse(text, &number) != 0 || (key->type == SWGI_SEED_COUNT && !is_whole) ||
        !(number >= (double)key->least && number <= (double)key->most))
        return false;
    if (key->type == SWGI_SEED_MS || key->type == SWGI_SEED_SECONDS)
        return to_duration(text, key->type == SWGI_SEED_MS ? "ms" : "s", out, size);
    return snprintf(out, size, "%s", text) < (int)size;
}

static bool is_number(const struct swgi_seed_key *key) {
    return key->type <= SWGI_SEED_SECONDS;
}

bool swgi_seed_value(struct swgi_reader *reader, const struct swgi_seed_key *key,
                     const yaml_node_t *node, char *out, size_t size) {
    char range[SWGI_KEY_RANGE_MAX];
    const char *text = swgi_node_text(reader, node, swgi_seed_range(key, range));

    if (text == NULL || (is_number(key) && !swgi_is_bare(reader, node, range)))
        return false;
    if (to_text(key, text, out, size))
        return true;
    swgi_complain(reader, node, NULL, "\"%.40s\" is not allowed; allowed: %s", text, range);
    return false;
}

/* ---- features: a mapping of names to importance */

struct features {
    char text[SWGI_KEY_VALUE_MAX];
    size_t used;
};

static void read_feature(struct swgi_reader *reader, void *arg, const yaml_node_t *key_node,
                         const char *key, const yaml_node_t *value) {
    struct features *features = arg;
    size_t room = sizeof(features->text) - features->used;
    const char *text = swgi_node_text(reader, value, "a whole number");

    (void)key_node;
    if (text == NULL)
        return;
    int added = snprintf(features->text + features->used, room, "%s%s:%s",
                         features->used > 0 ? ", " : "", key, text);
    if (added < 0 || (size_t)added >= room)
        swgi_complain(reader, value, NULL, "the list is too long");
    else
        features->used += (size_t)added;
}

static void read_features(struct swgi_reader *reader, struct swgi_layer *layer,
                          const struct swgi_seed_key *key, const yaml_node_t *node) {
    struct features features = { .used = 0 };
    unsigned before = reader->errors->count;

    if (swgi_each_pair(reader, node, read_feature, &features) && reader->errors->count == before &&
        features.used > 0)
        swgi_layer_set(reader, layer, key->target, features.text, node);
}

/* ---- one key */

bool swgi_seed_001(const struct swgi_reader *reader, const yaml_node_t *mapping) {
    static const char words[] = "failureThreshold|maxTimeout|successThreshold|monitoringWindow";

    if (mapping->type != YAML_MAPPING_NODE)
        return false;
    for (const yaml_node_pair_t *at = mapping->data.mapping.pairs.start;
         at < mapping->data.mapping.pairs.top; at++) {
        const yaml_node_t *key = swgi_node(reader, at->key);

        if (key->type == YAML_SCALAR_NODE &&
            swgi_word_find(words, (const char *)key->data.scalar.value) >= 0)
            return true;
    }
    return false;
}

/* The rule that the rate's two keys share begins as the preset has it. */
static void set_rate(struct swgi_reader *reader, struct swgi_layer *layer,
                     const struct swgi_seed_key *key, const char *value, const yaml_node_t *node) {
    if (layer->circuit->config->trip_set && layer->seed_trip == NULL) {
        swgi_complain(reader, node, NULL, "when it trips is said already, in line %u",
                      layer->circuit->origins->trip.line);
        return;
    }
    layer->seed_trip = node;
    if (!layer->circuit->config->trip_set) {
        swgi_layer_set(reader, layer, "breaker.trip.0.failure_rate.percent", "50", node);
        swgi_layer_set(reader, layer, "breaker.trip.0.failure_rate.window", "10s", node);
        swgi_layer_set(reader, layer, "breaker.trip.0.failure_rate.calls_min", "10", node);
    }
    swgi_layer_set(reader, layer, key->target, value, node);
}

static void note(struct swgi_layer *layer, const struct swgi_seed_key *key, const char *value,
                 const yaml_node_t *node) {
    switch (key->becomes) {
    case SWGI_BECOMES_ENABLED:
        layer->disabled = strcmp(value, "no") == 0;
        layer->seed_trip = node;
        break;
    case SWGI_BECOMES_MODE:
        layer->per_operation = strcmp(value, "perOperation") == 0;
        break;
    case SWGI_BECOMES_CONSECUTIVE:
        (void)swgi_integer_parse(value, &layer->seed_consecutive);
        layer->seed_trip = node;
        break;
    case SWGI_BECOMES_WINDOW:
        snprintf(layer->seed_window, sizeof(layer->seed_window), "%.39s", value);
        layer->seed_trip = node;
        break;
    case SWGI_BECOMES_STRATEGY:
        layer->adaptive = strcmp(value, "adaptive") == 0;
        layer->seed_trip = layer->seed_trip != NULL ? layer->seed_trip : node;
        break;
    default:
        snprintf(layer->named, sizeof(layer->named), "%.127s", value);
    }
}

/* What a circuit is called is told by its value, and that is wrong. */
static void note_hidden(struct swgi_reader *reader, const struct swgi_seed_key *key) {
    if (key->becomes == SWGI_BECOMES_NAMED || key->becomes == SWGI_BECOMES_MODE)
        reader->hidden |= SWGI_HIDES_CIRCUITS | SWGI_HIDES_A_NAME;
}

void swgi_seed_read(struct swgi_reader *reader, struct swgi_layer *layer,
                    const struct swgi_seed_key *key, const yaml_node_t *value) {
    char text[SWGI_KEY_VALUE_MAX];

    layer->seeds |= 1u << key->form;
    if (key->type == SWGI_SEED_FEATURES)
        read_features(reader, layer, key, value);
    else if (!swgi_seed_value(reader, key, value, text, sizeof(text)))
        note_hidden(reader, key);
    else if (key->becomes == SWGI_BECOMES_KEY)
        swgi_layer_set(reader, layer, key->target, text, value);
    else if (key->becomes == SWGI_BECOMES_RATE)
        set_rate(reader, layer, key, text, value);
    else
        note(layer, key, text, value);
}

/* ---- all of them */

static bool is_set(const struct swgi_layer *layer, const char *key) {
    return swgi_config_sets(layer->circuit->config, key);
}

/* The list of rules as theirs would have it: so many in a row, and a window for people to see. */
static void finish_trip(struct swgi_reader *reader, struct swgi_layer *layer) {
    char number[SWGI_NUMBER_TEXT];
    struct swg_config *config = layer->circuit->config;

    if (layer->disabled) {
        struct swgi_place place = swgi_place_of(layer->seed_trip);

        place.layer = (uint16_t)layer->id;
        swgi_circuit_never_trips(layer->circuit, place);
        return;
    }
    if (layer->seed_consecutive == 0 && layer->seed_window[0] == '\0')
        return;
    if (config->trip_set) {
        swgi_complain(reader, layer->seed_trip, NULL, "when it trips is said already, in line %u",
                      layer->circuit->origins->trip.line);
        return;
    }
    (void)swgi_integer_print(layer->seed_consecutive != 0 ? layer->seed_consecutive : 5, number,
                             sizeof(number));
    swgi_layer_set(reader, layer, "breaker.trip.0.consecutive", number, layer->seed_trip);
    if (layer->seed_window[0] == '\0')
        return;
    swgi_layer_set(reader, layer, "breaker.trip.1.failure_rate.percent", "off", layer->seed_trip);
    swgi_layer_set(reader, layer, "breaker.trip.1.failure_rate.window", layer->seed_window,
                   layer->seed_trip);
}

/* An open time that has a longest one grows, twofold each time. */
static void finish_open(struct swgi_reader *reader, struct swgi_layer *layer,
                        const yaml_node_t *mapping_node) {
    if ((layer->seeds & 1u << SWGI_SEED_001) != 0 && is_set(layer, "breaker.open.max") &&
        !is_set(layer, "breaker.open.multiplier"))
        swgi_layer_set(reader, layer, "breaker.open.multiplier", "2", mapping_node);
}

void swgi_seed_finish(struct swgi_reader *reader, struct swgi_layer *layer,
                      const yaml_node_t *mapping) {
    struct swg_config *config = layer->circuit->config;

    if (layer->seeds == 0)
        return;
    finish_trip(reader, layer);
    finish_open(reader, layer, mapping);
    if (layer->adaptive && !is_set(layer, "adaptive.algorithm"))
        swgi_layer_set(reader, layer, "adaptive.algorithm", "switchgear", layer->seed_trip);
    for (unsigned form = 0; form < SWGI_SEED_FORMS; form++)
        if ((layer->seeds & 1u << form) != 0 && config->preset == NULL) {
            (void)swgi_preset_find(starts[form], &config->preset, NULL);
            layer->circuit->origins->preset_implied = true;
            layer->circuit->origins->preset = swgi_place_of(mapping);
            layer->circuit->origins->preset.layer = (uint16_t)layer->id;
        }
}
