/*
 * Environments: sections laid over the file's own. Those that are not in force are read, too, so
 * that what is wrong in them shows before the day they are needed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "circuit/trip_rules.h"
#include "config/parse.h"

const char swgi_environments_shipped[] = "development|testing|production";

/* ---- those of the file */

/* Where sections of an environment that is not in force go. */
struct scratch {
    struct swgi_body body;
    struct swgi_file_panel panel;
    struct swgi_file_agent agent;
    struct swgi_file_limits limits;
    struct swgi_file_metrics metrics;
};

static void read_section(struct swgi_reader *reader, void *arg, const struct swgi_word *word,
                         const yaml_node_t *key_node, const yaml_node_t *value) {
    (void)key_node;
    swgi_body_read(reader, arg, word->name, value);
}

static void read_unused(struct swgi_reader *reader, const yaml_node_t *node) {
    struct scratch *scratch = calloc(1, sizeof(*scratch));
    unsigned hidden = reader->hidden; /* nothing in it is asked for by the rest of the file */

    if (scratch == NULL ||
        swgi_body_init(&scratch->body, SWGI_LAYER_ENVIRONMENT, SWGI_LAYER_ENVIRONMENT) != 0) {
        reader->no_memory = true;
    } else {
        scratch->body.panel = &scratch->panel;
        scratch->body.agent = &scratch->agent;
        scratch->body.limits = &scratch->limits;
        scratch->body.metrics = &scratch->metrics;
        swgi_walk(reader, SWGI_SCOPE_ENVIRONMENT, node, read_section, &scratch->body);
    }
    reader->hidden = hidden;
    if (scratch != NULL) {
        swgi_words_free(&scratch->agent.origins);
        swgi_words_free(&scratch->agent.hosts);
        swgi_words_free(&scratch->metrics.select);
        swgi_body_deinit(&scratch->body);
    }
    free(scratch);
}

static void read_environment(struct swgi_reader *reader, void *arg, const yaml_node_t *key_node,
                             const char *key, const yaml_node_t *value) {
    struct swgi_parse *parse = arg;

    if (!swgi_name_valid(key) || strlen(key) >= sizeof(parse->file->environment)) {
        swgi_complain(
            reader, key_node, NULL,
            "no environment can be called so; allowed: 1 to 31 of A-Z a-z 0-9 . _ : @ / -");
        return;
    }
    if (strcmp(key, parse->file->environment) != 0) {
        read_unused(reader, value);
        return;
    }
    parse->environment_found = true;
    swgi_walk(reader, SWGI_SCOPE_ENVIRONMENT, value, read_section, &parse->environment);
}

void swgi_environments_read(struct swgi_parse *parse, const yaml_node_t *node) {
    swgi_each_pair(&parse->reader, node, read_environment, parse);
}

/* ---- those that are shipped */

#define MS(n) (UINT64_C(1000000) * (n))
#define D(n)  (UINT64_C(86400000000000) * (n))

static void note(struct swgi_file_circuit *circuit, const void *field_of_values) {
    uint32_t offset =
        (uint32_t)((const char *)field_of_values - (const char *)&circuit->config->values);

    for (unsigned i = 0; i < swgi_keys_count; i++)
        if (swgi_keys[i].offset == offset) {
            circuit->config->set[i] = true;
            circuit->origins->keys[i] = (struct swgi_place){ .layer = SWGI_LAYER_SHIPPED };
            return;
        }
}

static void set_duration(struct swgi_file_circuit *circuit, uint64_t *field, uint64_t value) {
    *field = value < D(30) ? value : D(30);
    note(circuit, field);
}

static uint32_t twice(uint32_t value, uint32_t most) {
    return value < most / 2 ? 2 * value : most;
}

/* A share of all calls cannot be exceeded, so where `above` judges, it stays a little below. */
static uint32_t twice_share(const struct swgi_settings *settings, uint32_t ppm) {
    if (ppm == SWGI_THRESHOLD_OFF)
        return ppm;
    return twice(ppm, settings->compare == SWGI_ABOVE ? SWGI_PPM / 100 * 99 : SWGI_PPM);
}

static void forgive(const struct swgi_settings *settings, struct swgi_trip_rule *rule) {
    switch (rule->kind) {
    case SWGI_KIND_CONSECUTIVE:
        rule->consecutive = twice(rule->consecutive, SWGI_CONSECUTIVE_MAX);
        break;
    case SWGI_KIND_FAILURES:
        rule->threshold = twice(rule->threshold, 2 * SWGI_CONSECUTIVE_MAX);
        break;
    case SWGI_KIND_FAILURE_RATE:
    case SWGI_KIND_SLOW_RATE:
        rule->threshold = twice_share(settings, rule->threshold);
        break;
    default:
        break;
    }
}

/* Two failures, whichever way they are counted. */
static void hasten(const struct swgi_settings *settings, struct swgi_trip_rule *rule) {
    (void)settings;
    if (rule->kind == SWGI_KIND_CONSECUTIVE)
        rule->consecutive = 2;
    else if (rule->kind == SWGI_KIND_FAILURES)
        rule->threshold = 4; /* half-units */
    if (rule->calls_min > 2)
        rule->calls_min = 2;
}

static void each_rule(struct swgi_file_circuit *circuit, const struct swgi_settings *settings,
                      void (*fn)(const struct swgi_settings *, struct swgi_trip_rule *)) {
    struct swg_config *config = circuit->config;
    struct swgi_trip_rule rules[SWGI_TRIP_RULES_MAX] = { 0 };
    unsigned count = swgi_trip_rules_list(settings, rules);

    for (unsigned i = 0; i < count; i++)
        fn(settings, &rules[i]);
    memcpy(config->trip, rules, sizeof(rules));
    config->trip_set = true;
    swgi_origins_trip(circuit->origins, (struct swgi_place){ .layer = SWGI_LAYER_SHIPPED });
}

static void make_forgiving(struct swgi_file_circuit *circuit,
                           const struct swgi_settings *settings) {
    struct swgi_settings *values = &circuit->config->values;

    each_rule(circuit, settings, forgive);
    set_duration(circuit, &values->open_for_ns, 2 * settings->open_for_ns);
    if (!settings->open_max_follows)
        set_duration(circuit, &values->open_max_ns, 2 * settings->open_max_ns);
}

static void make_hasty(struct swgi_file_circuit *circuit, const struct swgi_settings *settings) {
    struct swgi_settings *values = &circuit->config->values;

    each_rule(circuit, settings, hasten);
    set_duration(circuit, &values->open_for_ns, MS(200));
    set_duration(circuit, &values->open_max_ns, MS(200));
    set_duration(circuit, &values->min_interval_ns, 0);
}

void swgi_environment_ship(const char *name, struct swgi_file_circuit *circuit) {
    struct swgi_settings settings;
    bool development = strcmp(name, "development") == 0;

    if (!development && strcmp(name, "testing") != 0)
        return;
    /* What does not fit together is told later, of the circuit as it is written. */
    if (swgi_config_apply(circuit->config, NULL, &settings, NULL) != 0)
        return;
    if (development)
        make_forgiving(circuit, &settings);
    else
        make_hasty(circuit, &settings);
}
