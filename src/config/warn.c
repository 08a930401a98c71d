/* What is allowed and yet seldom meant. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "config/seeds.h"
#include "config/tell.h"

#define SECOND UINT64_C(1000000000)

static void add(struct swgi_file_errors *warnings, struct swgi_place place, const char *path,
                const char *text) {
    if (warnings->count++ >= SWGI_FILE_ERRORS_MAX)
        return;
    struct swg_error *warning = &warnings->errors[warnings->count - 1];
    *warning = (struct swg_error)SWG_ERROR_INIT;
    swgi_fail(warning, 0, path, "%s", text);
    warning->line = (int)place.line;
    warning->column = place.column;
}

static void warn(struct swgi_file_errors *warnings, struct swgi_place place, const char *circuit,
                 const char *key, const char *text) {
    char path[sizeof(warnings->errors[0].key) * 2];

    snprintf(path, sizeof(path), "circuits.%s.%s", circuit, key);
    add(warnings, place, path, text);
}

static struct swgi_place place_of(const struct swgi_file_circuit *circuit,
                                  struct swgi_place written) {
    if (written.line != 0)
        return written;
    return (struct swgi_place){ .line = (uint32_t)circuit->line,
                                .column = (uint16_t)circuit->column };
}

static const struct swgi_place *written(const struct swgi_file_circuit *circuit, const char *key) {
    struct swgi_key_place found;
    static const struct swgi_place nowhere;

    if (swgi_key_find(key, &found, NULL) != 0)
        return &nowhere;
    return &circuit->origins->keys[found.key - swgi_keys];
}

static void warn_fallback(const struct swgi_file_circuit *circuit,
                          const struct swgi_settings *settings, struct swgi_file_errors *out) {
    if (settings->policies.fallback.chain[0] == SWGI_FALLBACK_NONE)
        warn(out, place_of(circuit, (struct swgi_place){ 0 }), circuit->name, "fallback",
             "nothing stands in for an answer while it is open");
}

static bool is_hasty(const struct swgi_settings *settings) {
    if (settings->score.kind == SWGI_SCORE_CONSECUTIVE && settings->score.consecutive < 2)
        return true;
    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX; i++) {
        const struct swgi_time_rule *rule = &settings->time[i];

        if (rule->kind == SWGI_TIME_FAILURES && rule->threshold < 4) /* half-units */
            return true;
        if (rule->kind != SWGI_TIME_NONE && rule->kind != SWGI_TIME_FAILURES &&
            rule->threshold != SWGI_THRESHOLD_OFF && rule->calls_min < 2)
            return true;
    }
    return false;
}

static void warn_threshold(const struct swgi_file_circuit *circuit,
                           const struct swgi_settings *settings, struct swgi_file_errors *out) {
    if (is_hasty(settings) && circuit->origins->trip.layer != SWGI_LAYER_SHIPPED)
        warn(out, place_of(circuit, circuit->origins->trip), circuit->name, "breaker.trip",
             "a single failure opens it");
}

static void warn_open_time(const struct swgi_file_circuit *circuit,
                           const struct swgi_settings *settings, struct swgi_file_errors *out) {
    const struct swgi_place *place = written(circuit, "breaker.open.for");

    if (settings->open_for_ns < SECOND && place->layer != SWGI_LAYER_SHIPPED)
        warn(out, place_of(circuit, *place), circuit->name, "breaker.open.for",
             "open for less than a second, it spares the dependency little");
}

static void warn_waiting(const struct swgi_file_circuit *circuit,
                         const struct swgi_settings *settings, struct swgi_file_errors *out) {
    if (settings->policies.bulkhead.when_busy == SWGI_BUSY_WAIT &&
        !swgi_config_sets(circuit->config, "bulkhead.max_wait"))
        warn(out, place_of(circuit, *written(circuit, "bulkhead.when_busy")), circuit->name,
             "bulkhead.max_wait", "calls wait for a permit, and nobody said how long: 5s");
    if (settings->policies.limiter.when_limited == SWGI_BUSY_WAIT &&
        !swgi_config_sets(circuit->config, "limiter.max_wait"))
        warn(out, place_of(circuit, *written(circuit, "limiter.when_limited")), circuit->name,
             "limiter.max_wait", "calls wait for their time, and nobody said how long: 1s");
}

/* What another form of file calls a setting of ours; NULL: nothing. */
static const char *theirs(const char *key, size_t length) {
    for (unsigned i = 0; i < swgi_seed_keys_count; i++)
        if (swgi_seed_keys[i].becomes == SWGI_BECOMES_KEY &&
            strlen(swgi_seed_keys[i].target) == length &&
            memcmp(swgi_seed_keys[i].target, key, length) == 0)
            return swgi_seed_keys[i].name;
    return NULL;
}

static void tell_idle(const struct swgi_file_circuit *circuit, const struct swgi_key *key,
                      const struct swgi_settings *settings, struct swgi_file_errors *out) {
    const char *needs = swgi_setting_needs(key), *name = theirs(key->name, strlen(key->name));
    const char *other = theirs(needs, strcspn(needs, " "));
    char value[SWGI_KEY_VALUE_MAX], text[SWGI_KEY_VALUE_MAX];

    if (swgi_key_print(key, settings, value, sizeof(value)) != 0)
        value[0] = '\0';
    snprintf(text, sizeof(text), "%s \"%.40s\" does nothing; it needs %s%s%s%s",
             name != NULL ? name : key->name, value, needs, other != NULL ? " (" : "",
             other != NULL ? other : "", other != NULL ? ")" : "");
    warn(out, place_of(circuit, *written(circuit, key->name)), circuit->name, key->name, text);
}

/* In our own words it would be refused; theirs come together, of use or not. */
static void warn_idle(const struct swgi_file_circuit *circuit, const struct swgi_settings *settings,
                      struct swgi_file_errors *out) {
    const struct swg_config *config = circuit->config;

    for (unsigned i = 0; i < swgi_keys_count; i++)
        if (config->set[i] && config->general[i] &&
            circuit->origins->keys[i].layer == SWGI_LAYER_CIRCUIT &&
            swgi_setting_is_idle(config, &swgi_keys[i], settings))
            tell_idle(circuit, &swgi_keys[i], settings, out);
}

static void warn_circuit(const struct swgi_file *file, const struct swgi_file_circuit *circuit,
                         struct swgi_file_errors *out) {
    struct swgi_settings settings;

    if (swgi_config_apply(circuit->config, NULL, &settings, NULL) != 0)
        return;
    if (circuit->is_pattern && circuit->max == 0 && file->limits.circuits_max == 0)
        warn(out, place_of(circuit, (struct swgi_place){ 0 }), circuit->name, "max",
             "use may fill the panel with circuits under this pattern");
    warn_fallback(circuit, &settings, out);
    warn_threshold(circuit, &settings, out);
    warn_open_time(circuit, &settings, out);
    warn_waiting(circuit, &settings, out);
    warn_idle(circuit, &settings, out);
}

/* Slack's URL is all it takes to write there. */
static void warn_receiver(const struct swgi_file_receiver *receiver, struct swgi_file_errors *out) {
    struct swgi_place place = { .line = (uint32_t)receiver->line,
                                .column = (uint16_t)receiver->column };
    char path[sizeof(receiver->name) + 32];

    snprintf(path, sizeof(path), "receivers.%s.url", receiver->name);
    if (receiver->kind == SWGI_RECEIVER_SLACK && receiver->url[0] != '\0')
        add(out, place, path, "this is a secret, and whoever reads the file has it; use url_file");
}

void swgi_file_warn(const struct swgi_file *file, struct swgi_file_errors *warnings) {
    warnings->count = 0;
    for (unsigned i = 0; i < file->circuits_count; i++)
        warn_circuit(file, &file->circuits[i], warnings);
    for (unsigned i = 0; i < file->receivers_count; i++)
        warn_receiver(&file->receivers[i], warnings);
    swgi_errors_sort(warnings);
}
