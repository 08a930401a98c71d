/*
 * Configuration files, as anybody might write them: the first byte picks what is done with the text, the rest is the file.
 *
 * Whatever is refused is told with places inside the text, and nothing comes of it. Whatever is taken is settings that the engine
 * would believe, names that can be found, and can be told; a panel is brought to it, twice, and once more to the empty file.
 */
#include "fuzz.h"

#include <errno.h>

#include "../unit/config/wrong_files.h"
#include "config/tell.h"

static struct swg_panel *panel; /* one for all inputs */

static void require_told(const struct swgi_file_errors *errors, size_t size) {
    REQUIRE(errors->count > 0);
    for (unsigned i = 0; i < errors->count && i < SWGI_FILE_ERRORS_MAX; i++) {
        const struct swg_error *error = &errors->errors[i];
        REQUIRE_TEXT(error->key);
        REQUIRE_TEXT(error->text);
        REQUIRE(error->text[0] != '\0' && error->code == -EINVAL);
        /* Many a character ends a line to YAML; there are no more of them than bytes. */
        REQUIRE(error->line >= 0 && (size_t)error->line <= size + 1);
        REQUIRE(i == 0 || errors->errors[i - 1].line <= error->line);
    }
}

static void require_circuit(const struct swgi_file *file, const struct swgi_file_circuit *circuit) {
    struct swgi_telling telling;
    struct swgi_told told;
    unsigned count = 0;
    REQUIRE_TEXT(circuit->name);
    REQUIRE_TEXT(circuit->owner);
    REQUIRE_TEXT(circuit->runbook);
    REQUIRE(swgi_telling_begin(&telling, file, circuit) == 0);
    REQUIRE(swgi_settings_check(&telling.settings));
    while (swgi_telling_next(&telling, &told))
        count += told.from[0] != '\0';
    REQUIRE(count > 50);
    if (!circuit->is_pattern)
        REQUIRE(swgi_file_circuit(file, circuit->name) == circuit);
    if (circuit->alias[0] != '\0')
        REQUIRE(swgi_file_alias(file, circuit->alias) == circuit);
    for (unsigned i = 0; i < circuit->depends_on.count; i++)
        REQUIRE(swgi_file_circuit(file, circuit->depends_on.at[i]) != NULL);
}

static void require_file(const struct swgi_file *file) {
    struct swgi_file_errors warnings;
    for (unsigned i = 0; i < file->circuits_count; i++)
        require_circuit(file, &file->circuits[i]);
    for (unsigned i = 0; i < file->alerts_count; i++)
        REQUIRE_TEXT(file->alerts[i].name);
    for (unsigned i = 0; i < file->receivers_count; i++)
        REQUIRE_TEXT(file->receivers[i].name);
    (void)swgi_file_circuit(file, "anything");
    (void)swgi_file_alias(file, "anything");
    swgi_file_warn(file, &warnings);
}

/* What does not fit into a small panel leaves it as it was. */
static void bring(struct swgi_file *file) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_circuit *circuit;
    int rc = swgi_file_apply(file, panel, &error);
    REQUIRE(rc == 0 || rc == -ENOSPC);
    if (rc != 0)
        return;
    REQUIRE(swgi_file_apply(file, panel, &error) == 0);
    (void)swg_circuit_get(panel, "anything", NULL, &circuit, NULL);
    for (unsigned i = 0; i < file->circuits_count; i++)
        if (!file->circuits[i].is_pattern)
            REQUIRE(swg_circuit_find(panel, file->circuits[i].name, &circuit) == 0);
}

static void read_file(const char *text, size_t size, const char *environment, bool apply) {
    struct swgi_file_errors errors;
    struct swgi_file *file = NULL;
    int rc = swgi_file_parse(&file, text, size, "fuzz.yaml", environment, &errors);
    REQUIRE((rc == 0) == (file != NULL));
    if (rc != 0) {
        REQUIRE(rc == -EINVAL);
        require_told(&errors, size);
        return;
    }
    require_file(file);
    if (apply)
        bring(file);
    swgi_file_unref(file);
}

/* The keys of one circuit. */
static void read_keys(const char *text) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_config *config = NULL;
    struct swgi_settings settings;
    REQUIRE(swg_config_new(&config) == 0);
    struct swg_config before = *config;
    int rc = swg_config_yaml(config, text, &error);
    REQUIRE(rc == 0 || (rc == -EINVAL && error.code == rc && error.text[0] != '\0'));
    if (rc != 0)
        REQUIRE(memcmp(&before, config, sizeof(before)) == 0);
    else if (swgi_config_apply(config, NULL, &settings, NULL) == 0)
        REQUIRE(swgi_settings_check(&settings));
    swg_config_unref(config);
}

static void begin_panel(void) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    options.virtual_clock = 1;
    options.circuits_max = 64;
    options.columns_max = 2;
    options.slots_max = 65536;
    options.policies_max = 16;
    REQUIRE(swg_panel_open(&panel, &options, NULL) == 0);
}

static void end_panel(void) {
    panel = swg_panel_unref(panel);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const char *const environments[] = { NULL, "testing", "development", "staging" };
    if (size < 1)
        return 0;
    struct input input = { bytes + 1, bytes + size };
    size_t length = left(&input);
    char *text = malloc(length + 1); /* of its own, so that a sanitizer sees reads past it */
    REQUIRE(text != NULL);
    memcpy(text, bytes + 1, length);
    text[length] = '\0';
    bool apply = (bytes[0] & 4) != 0;
    if ((bytes[0] & 8) != 0) {
        read_keys(text);
    } else {
        if (apply)
            begin_panel();
        read_file(text, length, environments[bytes[0] & 3], apply);
        if (apply)
            end_panel();
    }
    free(text);
    return 0;
}

/* ---- seeds */

static const char *const good[] = {
    "circuits: { db: { preset: read, group: g, alias: a, owner: o, runbook: http://x, depends_on: "
    "[c], slo: { availability: 99.9, p99: 1s } }, c: {} }\n",
    "defaults: { breaker: { preset: api, cooldown: 5s } }\ncircuits:\n  'b-*':\n    max: 5\n    "
    "breaker: { trip: [ { failures: { weight: 10, window: 60s } }, { failure_rate: { percent: 50, "
    "calls: 100 } }, { change: { healthy: 0.01, unhealthy: 0.2 } } ] }\n",
    "environment: staging\nenvironments: { staging: { defaults: { breaker: { open: { for: 5s } } "
    "}, circuits: { new: {} } } }\ncircuits: { a: { bulkhead: { max_concurrent: 5, partitions: { "
    "-1: 100, 31: 50 } } } }\n",
    "receivers: { chat: { kind: slack, url_file: /x } }\nalerts: [ { name: a, when: failure_rate, "
    "above: 10, to: [chat], circuits: ['*'] } ]\n",
    "panel: { circuits_max: 5 }\nagent: { listen: off, log: text, origins: ['http://x'] }\nlimits: "
    "{ circuits_max: 5, auto_create: no, beyond: error }\nmetrics: { select: [a], breakers_max: 5 "
    "}\n",
    "circuit_breakers: { enabled: false, global_settings: { max_circuit_breakers: 50, "
    "auto_create_enabled: true }, default_config: { failure_threshold: 5 }, component_configs: { "
    "pgmq: { timeout_seconds: 15 } } }\n",
    "READ_CIRCUIT_CONFIG: { failureThreshold: 3, timeout: 3000, maxTimeout: 15000, "
    "successThreshold: 2, monitoringWindow: 30000, name: read-database }\n",
    "circuitBreaker: { enabled: true, errorThresholdPercentage: 50, volumeThreshold: 10 "
    "}\nconcurrency: { maxConcurrent: 20 }\nbreakerMode: perOperation\n",
    "service_id: x\nstrategy_type: adaptive\nfeature_priorities: { a: 100, b: 50 }\n",
};
#define GOOD  (sizeof(good) / sizeof(good[0]))
#define WRONG (sizeof(wrong_files) / sizeof(wrong_files[0]))

static void seed(const char *folder, unsigned number, uint8_t first, const char *text) {
    size_t length = strlen(text);
    uint8_t *bytes = malloc(length + 1);
    REQUIRE(bytes != NULL);
    bytes[0] = first;
    memcpy(bytes + 1, text, length);
    write_seed(folder, number, bytes, length + 1);
    free(bytes);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    const char *folder = seeds_folder(*argc, *argv);
    if (folder == NULL)
        return 0;
    for (unsigned i = 0; i < GOOD; i++)
        seed(folder, i, (uint8_t)(4 + i % 4), good[i]);
    for (unsigned i = 0; i < WRONG; i++)
        seed(folder, (unsigned)GOOD + i, (uint8_t)(i % 4), wrong_files[i].text);
    seed(folder, (unsigned)(GOOD + WRONG), 8, "{preset: read, retry: {attempts: 3}}");
    exit(0);
}
