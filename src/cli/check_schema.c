/* The tables as JSON Schema, so that an editor completes keys, shows what they are for, and underlines what is wrong. */
#include "cli/check_config.h"

#include <string.h>

#include <jansson.h>

#include "config/alert_kinds.h"
#include "config/seeds.h"

#define DURATION "^(0|[0-9]+(\\.[0-9]{1,9})?(ns|us|ms|s|m|h|d))$"
#define NAME     "^[A-Za-z0-9._:@/-]{1,127}$"
#define GLOB     "^[A-Za-z0-9._:@/*?-]{1,127}$"

/* ---- small ones */

static json_t *of_type(const char *type) {
    return json_pack("{s:s}", "type", type);
}

static json_t *of_pattern(const char *pattern) {
    return json_pack("{s:s, s:s}", "type", "string", "pattern", pattern);
}

static json_t *of_words(const char *words) {
    json_t *list = json_array();
    char word[64];

    for (int at = 0;; at++) {
        swgi_word_at(words, at, word, sizeof(word));
        if (word[0] == '\0')
            break;
        json_array_append_new(list, json_string(word));
    }
    return json_pack("{s:o}", "enum", list);
}

/* 0 alone needs no unit, and is a number to YAML. */
static json_t *of_duration(void) {
    return json_pack("{s:[{s:s, s:s}, {s:i}]}", "anyOf", "type", "string", "pattern", DURATION,
                     "const", 0);
}

/* YAML's own words for it, as editors read them, and ours. */
static json_t *of_yes_no(void) {
    return json_pack("{s:[b, b, s, s]}", "enum", 1, 0, "yes", "no");
}

static json_t *of_range(const char *type, double least, double most) {
    return json_pack("{s:s, s:f, s:f}", "type", type, "minimum", least, "maximum", most);
}

static json_t *either(json_t *one, json_t *other) {
    return json_pack("{s:[o, o]}", "anyOf", one, other);
}

static json_t *list_of(json_t *items, unsigned most) {
    return json_pack("{s:s, s:o, s:i}", "type", "array", "items", items, "maxItems", (int)most);
}

/* ---- settings */

static json_t *of_number(const struct swgi_key *key) {
    switch (key->type) {
    case SWGI_TYPE_DECIMAL:
        return of_range("number", key->real_least, key->real_most);
    case SWGI_TYPE_PERCENT:
        return either(of_range("number", (double)key->least / 1e4, (double)key->most / 1e4),
                      of_pattern("^[0-9]+(\\.[0-9]{1,4})?%$"));
    case SWGI_TYPE_WEIGHT:
        return of_range("number", (double)key->least / 2, (double)key->most / 2);
    case SWGI_TYPE_PRIORITY:
        return of_range("integer", -32, 31);
    default:
        return of_range("integer", (double)key->least, (double)key->most);
    }
}

static json_t *numbers_or_words(void) {
    return json_pack("{s:[s, s]}", "type", "string", "integer");
}

static json_t *of_list(const struct swgi_key *key) {
    json_t *written = of_type("string");

    if (key->type == SWGI_TYPE_RAMP)
        return either(list_of(of_range("integer", 1, 99), SWGI_RAMP_STEPS_MAX), written);
    if (key->type == SWGI_TYPE_CHAIN)
        return either(list_of(of_words(key->unit), SWGI_FALLBACKS_MAX), written);
    if (key->type == SWGI_TYPE_TEXT)
        return json_pack("{s:s, s:i}", "type", "string", "maxLength", (int)key->most);
    return json_pack("{s:[o, o, {s:s, s:o}]}", "anyOf", list_of(of_type("string"), 16), written,
                     "type", "object", "additionalProperties", numbers_or_words());
}

static json_t *of_choice(const struct swgi_key *key) {
    json_t *schema = of_words(key->unit);

    if (strcmp(key->unit, "no|yes") == 0) {
        json_decref(schema);
        return of_yes_no();
    }
    /* 0|0.5|1: written as numbers. */
    if (key->unit[0] >= '0' && key->unit[0] <= '9')
        return either(schema, of_range("number", 0, 1));
    return schema;
}

static json_t *rules(void);

static json_t *of_setting_alone(const struct swgi_key *key) {
    switch (key->type) {
    case SWGI_TYPE_CHOICE:
        return of_choice(key);
    case SWGI_TYPE_DURATION:
        return of_duration();
    case SWGI_TYPE_PRESET: {
        return of_words(swgi_preset_names);
    }
    case SWGI_TYPE_TRIP:
        return either(of_words("none"), rules());
    default:
        return swgi_key_is_list(key) || key->type == SWGI_TYPE_RAMP ? of_list(key) : of_number(key);
    }
}

static json_t *of_setting(const struct swgi_key *key) {
    json_t *schema = of_setting_alone(key);

    if (key->off != 0 || key->type == SWGI_TYPE_COUNT)
        schema = either(schema, of_words("off"));
    json_object_set_new(schema, "description", json_string(key->what));
    return schema;
}

/* ---- the file's own keys */

static json_t *of_file_type(const struct swgi_file_key *key) {
    switch (key->type) {
    case SWGI_FILE_URL:
        return of_pattern("^https?://.+");
    case SWGI_FILE_NAME:
        return of_pattern(NAME);
    case SWGI_FILE_NAMES:
        return list_of(of_pattern(NAME), (unsigned)key->most);
    case SWGI_FILE_GLOBS:
        return list_of(of_pattern(GLOB), (unsigned)key->most);
    case SWGI_FILE_URLS:
        return list_of(of_pattern("^https?://.+"), (unsigned)key->most);
    case SWGI_FILE_WORD:
    case SWGI_FILE_CHOICE:
        return key->unit[0] != '\0' ? of_words(key->unit) : of_type("string");
    case SWGI_FILE_YES_NO:
        return of_yes_no();
    case SWGI_FILE_INTEGER:
        return of_range("integer", (double)key->least, (double)key->most);
    case SWGI_FILE_BYTES:
        return either(of_type("integer"), of_pattern("^[0-9]+(KiB|MiB|GiB)?$"));
    case SWGI_FILE_DURATION:
        return of_duration();
    case SWGI_FILE_AVAILABILITY:
        return json_pack("{s:s, s:i, s:i}", "type", "number", "exclusiveMinimum", 0,
                         "exclusiveMaximum", 100);
    case SWGI_FILE_ABOVE:
        return json_pack("{s:[s, s]}", "type", "number", "string");
    default:
        return of_type("string");
    }
}

static json_t *of_file_key(const struct swgi_file_key *key) {
    json_t *schema = of_file_type(key);

    json_object_set_new(schema, "description", json_string(key->what));
    if (key->initial[0] != '\0')
        json_object_set_new(schema, "default", json_string(key->initial));
    return schema;
}

/* ---- other breakers' keys */

static json_t *of_seed_type(const struct swgi_seed_key *key) {
    switch (key->type) {
    case SWGI_SEED_YES_NO:
        return of_yes_no();
    case SWGI_SEED_ONE_OF:
        return of_words(key->words);
    case SWGI_SEED_FEATURES:
        return json_pack("{s:s, s:o}", "type", "object", "additionalProperties",
                         numbers_or_words());
    case SWGI_SEED_NAME:
        return of_pattern(NAME);
    default:
        return of_range("number", (double)key->least, (double)key->most);
    }
}

static json_t *of_seed(const struct swgi_seed_key *key) {
    json_t *schema = of_seed_type(key);
    char text[256];

    snprintf(text, sizeof(text), "of another breaker's configuration; becomes %s", key->target);
    json_object_set_new(schema, "description", json_string(text));
    return schema;
}

/* ---- scopes: dotted words to nested objects */

static json_t *leaf(const struct swgi_word *word) {
    switch (word->kind) {
    case SWGI_WORD_SETTING:
    case SWGI_WORD_RULE:
        return of_setting(word->what);
    case SWGI_WORD_FILE:
        return of_file_key(word->what);
    case SWGI_WORD_SEED:
        return of_seed(word->what);
    default:
        return json_object();
    }
}

static json_t *group(void) {
    return json_pack("{s:[s, s], s:{}, s:b}", "type", "object", "null", "properties",
                     "additionalProperties", 0);
}

/* The object a word's group is, made if need be; a word that is a value as well may be either. */
static json_t *properties_of(json_t *properties, const char *name) {
    json_t *present = json_object_get(properties, name), *made;

    if (present == NULL) {
        made = group();
        json_object_set_new(properties, name, made);
        return json_object_get(made, "properties");
    }
    if (json_object_get(present, "properties") != NULL)
        return json_object_get(present, "properties");
    json_t *both = json_object_get(present, "anyOf");
    if (both != NULL && json_object_get(present, "x") != NULL)
        return json_object_get(json_array_get(both, 1), "properties");
    made = group();
    json_t *choice = json_pack("{s:[O, O]}", "anyOf", present, made);
    json_object_set_new(choice, "x", json_true());
    json_object_set_new(properties, name, choice);
    json_decref(made);
    return json_object_get(made, "properties");
}

static void add_word(json_t *properties, const struct swgi_word *word) {
    const char *rest = word->name;
    char name[SWGI_KEY_NAME_MAX];

    for (size_t length; rest[length = strcspn(rest, ".")] == '.'; rest += length + 1) {
        snprintf(name, sizeof(name), "%.*s", (int)length, rest);
        properties = properties_of(properties, name);
    }
    json_object_set_new(properties, rest, leaf(word));
}

/* Our mark, that a value was turned into a choice, is no word of JSON Schema. */
static void clean(json_t *schema) {
    const char *key;
    json_t *value;
    void *next;
    size_t index;

    if (json_is_object(schema)) {
        if (json_is_true(json_object_get(schema, "x")))
            json_object_del(schema, "x");
        json_object_foreach_safe(schema, next, key, value) clean(value);
    }
    json_array_foreach(schema, index, value) clean(value);
}

static json_t *of_scope(enum swgi_scope_id id) {
    const struct swgi_scope *scope = swgi_scope(id);
    json_t *schema = group(), *properties = json_object_get(schema, "properties");

    for (unsigned i = 0; i < scope->count; i++)
        if (scope->words[i].name[0] != '*')
            add_word(properties, &scope->words[i]);
    clean(schema);
    return schema;
}

static json_t *rules(void) {
    return list_of(of_scope(SWGI_SCOPE_RULE), SWGI_TRIP_RULES_MAX);
}

static json_t *reference(const char *name) {
    char path[64];

    snprintf(path, sizeof(path), "#/$defs/%s", name);
    return json_pack("{s:s}", "$ref", path);
}

static json_t *map_of(const char *pattern, const char *name) {
    return json_pack("{s:[s, s], s:{s:o}, s:b}", "type", "object", "null", "patternProperties",
                     pattern, reference(name), "additionalProperties", 0);
}

/* ---- the file */

static const struct {
    const char *name;
    enum swgi_scope_id scope;
} parts[] = {
    { "panel", SWGI_SCOPE_PANEL },       { "agent", SWGI_SCOPE_AGENT },
    { "limits", SWGI_SCOPE_LIMITS },     { "metrics", SWGI_SCOPE_METRICS },
    { "defaults", SWGI_SCOPE_DEFAULTS }, { "circuit", SWGI_SCOPE_CIRCUIT },
    { "alert", SWGI_SCOPE_ALERT },       { "receiver", SWGI_SCOPE_RECEIVER },
};

static void add_sections(json_t *properties) {
    for (unsigned i = 0; i < 5; i++)
        json_object_set_new(properties, parts[i].name, reference(parts[i].name));
    json_object_set_new(properties, "circuits", map_of(GLOB, "circuit"));
    json_object_set_new(properties, "receivers", map_of(NAME, "receiver"));
    json_object_set_new(properties, "alerts", list_of(reference("alert"), SWGI_YAML_ITEMS_MAX));
}

static json_t *environment_schema(void) {
    json_t *schema = group();

    add_sections(json_object_get(schema, "properties"));
    return schema;
}

static json_t *breakers_schema(void) {
    json_t *schema = of_scope(SWGI_SCOPE_BREAKERS);
    json_t *properties = json_object_get(schema, "properties");

    json_object_set_new(properties, "default_config", reference("defaults"));
    json_object_set_new(properties, "component_configs", map_of(NAME, "circuit"));
    return schema;
}

/* Of seed 001's keys one is called as one of ours, and a number. */
static void allow_milliseconds(json_t *circuit) {
    json_t *timeout = json_object_get(json_object_get(circuit, "properties"), "timeout");

    json_array_append_new(json_object_get(timeout, "anyOf"),
                          json_pack("{s:s, s:i, s:s}", "type", "integer", "minimum", 1,
                                    "description", "beside failureThreshold: milliseconds"));
}

static json_t *definitions(void) {
    json_t *all = json_object();

    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        json_object_set_new(all, parts[i].name, of_scope(parts[i].scope));
    allow_milliseconds(json_object_get(all, "circuit"));
    allow_milliseconds(json_object_get(all, "defaults"));
    json_object_set_new(json_object_get(all, "alert"), "required",
                        json_pack("[s, s]", "name", "when"));
    json_object_set_new(json_object_get(all, "receiver"), "required", json_pack("[s]", "kind"));
    json_object_set_new(all, "environment", environment_schema());
    json_object_set_new(all, "circuit_breakers", breakers_schema());
    return all;
}

void swgi_check_schema(FILE *out) {
    json_t *schema = of_scope(SWGI_SCOPE_TOP);
    json_t *properties = json_object_get(schema, "properties");

    json_object_set_new(schema, "$schema",
                        json_string("https://json-schema.org/draft/2020-12/schema"));
    json_object_set_new(schema, "title", json_string("switchgear.yaml"));
    add_sections(properties);
    json_object_set_new(properties, "environment", of_type("string"));
    json_object_set_new(properties, "environments", map_of(NAME, "environment"));
    json_object_set_new(properties, "circuit_breakers", reference("circuit_breakers"));
    json_object_set_new(schema, "patternProperties",
                        json_pack("{s:o}", "_CIRCUIT_CONFIG$", reference("circuit")));
    json_object_set_new(schema, "$defs", definitions());
    json_dumpf(schema, out, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    fputc('\n', out);
    json_decref(schema);
}
