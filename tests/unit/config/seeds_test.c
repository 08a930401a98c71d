/* Configurations written for other breakers: each loads unchanged, and this is what it becomes. */
#include "file_story.h"

/* As the document about task queues has it, word for word. */
static const char seed_002[] =
    "circuit_breakers:\n"
    "  enabled: true\n"
    "  global_settings:\n"
    "    max_circuit_breakers: 50          # Total circuit breaker limit\n"
    "    metrics_collection_interval_seconds: 30  # Monitoring frequency\n"
    "    auto_create_enabled: true         # Create breakers automatically\n"
    "    min_state_transition_interval_seconds: 1  # Prevent oscillation\n"
    "  \n"
    "  default_config:\n"
    "    failure_threshold: 5              # Failures before opening\n"
    "    timeout_seconds: 30               # Open state duration\n"
    "    success_threshold: 2              # Successes to close\n"
    "\n"
    "  component_configs:\n"
    "    pgmq:\n"
    "      failure_threshold: 3\n"
    "      timeout_seconds: 15\n"
    "      success_threshold: 2\n";

static void test_002(void **state) {
    (void)state;
    read_text(seed_002);
    assert_int_equal(file->limits.circuits_max, 50);
    assert_true(file->limits.auto_create);
    assert_int_equal(file->metrics.collection_interval, INT64_C(30000000000));
    assert_int_equal(file->circuits_count, 2);
    assert_setting("pgmq", "breaker.trip.0.consecutive", "3");
    assert_setting("pgmq", "breaker.open.for", "15s");
    assert_setting("pgmq", "breaker.half_open.success_threshold", "2");
    assert_setting("pgmq", "breaker.min_state_transition_interval", "1s");
    assert_setting("pgmq", "breaker.open.jitter", "0");
    assert_string_equal(entry("anything")->name, "*");
    assert_setting("anything", "breaker.trip.0.consecutive", "5");
    assert_setting("anything", "breaker.open.for", "30s");
    assert_setting("anything", "breaker.half_open.success_threshold", "2");
}

static void test_002_inherits_its_defaults(void **state) {
    (void)state;
    read_text("circuit_breakers:\n"
              "  global_settings: { auto_create_enabled: false, "
              "min_state_transition_interval_seconds: 0.5 }\n"
              "  default_config: { failure_threshold: 7, timeout_seconds: 20 }\n"
              "  component_configs: { a: { failure_threshold: 3 }, b: { timeout_seconds: 1.5 }, c: "
              "{} }\n");
    assert_false(file->limits.auto_create);
    assert_null(swgi_file_circuit(file, "anything"));
    assert_setting("a", "breaker.trip.0.consecutive", "3");
    assert_setting("a", "breaker.open.for", "20s");
    assert_setting("b", "breaker.trip.0.consecutive", "7");
    assert_setting("b", "breaker.open.for", "1.5s");
    assert_setting("c", "breaker.open.for", "20s");
    assert_setting("c", "breaker.min_state_transition_interval", "500ms");
    assert_setting("c", "preset", "default");
}

static void test_002_switched_off(void **state) {
    (void)state;
    read_text("circuit_breakers:\n"
              "  enabled: false\n"
              "  component_configs: { pgmq: { failure_threshold: 3 } }\n");
    assert_setting("pgmq", "breaker.trip", "none");
}

static void test_002_beside_our_own_keys(void **state) {
    (void)state;
    read_text("circuit_breakers: { component_configs: { pgmq: { failure_threshold: 3, owner: "
              "queues, bulkhead: { max_concurrent: 4 } } } }\n"
              "circuits: { mail: { preset: queue } }\n");
    assert_string_equal(entry("pgmq")->owner, "queues");
    assert_setting("pgmq", "bulkhead.max_concurrent", "4");
    assert_setting("mail", "preset", "queue");
}

/* The three objects of the document about a protected database, its TypeScript as JSON. */
static const char seed_001[] =
    "{ \"READ_CIRCUIT_CONFIG\": { \"failureThreshold\": 3, \"timeout\": 3000, \"maxTimeout\": "
    "15000,\n"
    "    \"successThreshold\": 2, \"monitoringWindow\": 30000, \"name\": \"read-database\" },\n"
    "  \"DEFAULT_DB_CIRCUIT_CONFIG\": { \"failureThreshold\": 5, \"timeout\": 10000, "
    "\"maxTimeout\": 60000,\n"
    "    \"successThreshold\": 3, \"monitoringWindow\": 60000, \"name\": \"database\" },\n"
    "  \"AUTH_CIRCUIT_CONFIG\": { \"failureThreshold\": 10, \"timeout\": 5000, \"maxTimeout\": "
    "30000,\n"
    "    \"successThreshold\": 2, \"monitoringWindow\": 30000, \"name\": \"auth-database\" } }\n";

/* All settings alike, but for the preset's name. */
static void assert_same_as_preset(const char *name, const char *preset) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_config *config = NULL;
    struct swgi_settings settings;

    assert_int_equal(swg_config_new(&config), 0);
    assert_int_equal(swg_config_preset(config, preset, NULL), 0);
    assert_int_equal(swgi_config_apply(entry(name)->config, NULL, &settings, NULL), 0);
    if (swgi_config_differs(config, &settings, &error) != 0)
        fail_msg("%s is not %s: %s: %s", name, preset, error.key, error.text);
    swg_config_unref(config);
}

static void test_001(void **state) {
    (void)state;
    read_text(seed_001);
    assert_int_equal(file->circuits_count, 3);
    assert_same_as_preset("read-database", "read");
    assert_same_as_preset("database", "write");
    assert_same_as_preset("auth-database", "auth");
    assert_ptr_equal(swgi_file_alias(file, "read"), entry("read-database"));
    assert_ptr_equal(swgi_file_alias(file, "write"), entry("database"));
    assert_ptr_equal(swgi_file_alias(file, "auth"), entry("auth-database"));
}

static void test_001_alone_and_in_an_entry(void **state) {
    (void)state;
    read_text("failureThreshold: 5\n"
              "timeout: 10000\n"
              "maxTimeout: 60000\n"
              "successThreshold: 3\n"
              "monitoringWindow: 60000\n"
              "name: custom-circuit\n");
    assert_same_as_preset("custom-circuit", "write");
    read_text("circuits:\n"
              "  read: { failureThreshold: 3, timeout: 3000, maxTimeout: 15000, successThreshold: "
              "2, monitoringWindow: 30000, name: read-database }\n");
    assert_same_as_preset("read-database", "read");
}

static void test_a_timeout_of_ours_stays_ours(void **state) {
    (void)state;
    read_text(
        "circuits:\n"
        "  read: { failureThreshold: 3, timeout: 3000, name: read-database, group: database }\n"
        "  nested: { failureThreshold: 4, timeout: { attempt: 2s } }\n"
        "  plain: { timeout: 3s }\n");
    assert_setting("read-database", "breaker.open.for", "3s");
    assert_setting("read-database", "timeout.attempt", "off");
    assert_string_equal(entry("read-database")->group, "database");
    assert_ptr_equal(swgi_file_alias(file, "read"), entry("read-database"));
    assert_setting("nested", "timeout.attempt", "2s");
    assert_setting("nested", "breaker.trip.0.consecutive", "4");
    assert_setting("nested", "breaker.open.for", "30s");
    assert_setting("plain", "timeout.attempt", "3s");
}

static const char seed_000[] =
    "circuitBreaker: { enabled: true, errorThresholdPercentage: 50, volumeThreshold: 10, "
    "resetTimeout: 30000, timeout: 10000 }\n"
    "concurrency: { maxConcurrent: 20, maxQueue: 100, queueBehavior: wait }\n"
    "cacheBypass: { enabledForGetItemCacheHits: true }\n"
    "breakerMode: global\n"
    "queuePolicy: { onSaturated: 'reject' }\n";

static void test_000(void **state) {
    (void)state;
    read_text(seed_000);
    assert_int_equal(file->circuits_count, 1);
    assert_setting("alternator", "preset", "alternator");
    assert_setting("alternator", "breaker.trip.0.failure_rate.percent", "50");
    assert_setting("alternator", "breaker.trip.0.failure_rate.calls_min", "10");
    assert_setting("alternator", "breaker.trip.0.failure_rate.window", "10s");
    assert_setting("alternator", "breaker.compare", "above");
    assert_setting("alternator", "breaker.open.for", "30s");
    assert_setting("alternator", "timeout.attempt", "10s");
    assert_setting("alternator", "bulkhead.max_concurrent", "20");
    assert_setting("alternator", "bulkhead.max_queue", "100");
    assert_setting("alternator", "bulkhead.when_busy", "wait");
    assert_setting("alternator", "bulkhead.when_queue_full", "reject");
    assert_setting("alternator", "cache.bypass", "yes");
    assert_setting("alternator", "retry.inside", "yes");
}

static void test_000_per_operation(void **state) {
    (void)state;
    read_text("circuits:\n"
              "  scylla:\n"
              "    circuitBreaker: { errorThresholdPercentage: 25.5, resetTimeout: 1500 }\n"
              "    cacheBypass: { enabledForGetItemCacheHits: false }\n"
              "    breakerMode: perOperation\n"
              "    owner: storage\n");
    assert_int_equal(file->circuits_count, 3);
    static const char *const names[] = { "scylla-read", "scylla-write", "scylla-batch" };
    for (unsigned i = 0; i < 3; i++) {
        assert_setting(names[i], "breaker.trip.0.failure_rate.percent", "25.5");
        assert_setting(names[i], "breaker.open.for", "1.5s");
        assert_setting(names[i], "cache.bypass", "no");
        assert_string_equal(entry(names[i])->owner, "storage");
    }
    assert_null(swgi_file_circuit(file, "scylla"));
}

static void test_000_switched_off(void **state) {
    (void)state;
    read_text("circuitBreaker: { volumeThreshold: 20, enabled: false }\n");
    assert_setting("alternator", "breaker.trip", "none");
    assert_setting("alternator", "bulkhead.max_concurrent", "20");
}

static void test_004(void **state) {
    (void)state;
    read_text("service_id: my_service\n"
              "strategy_type: adaptive\n"
              "failure_threshold: 5\n"
              "success_threshold: 3\n"
              "feature_priorities: { critical_feature: 100, optional_feature: 50 }\n");
    assert_setting("my_service", "breaker.trip.0.consecutive", "5");
    assert_setting("my_service", "breaker.half_open.success_threshold", "3");
    assert_setting("my_service", "adaptive.algorithm", "switchgear");
    assert_setting("my_service", "features.list", "critical_feature:100, optional_feature:50");
    assert_setting("my_service", "breaker.open.jitter", "0");
}

static void test_json_is_yaml(void **state) {
    (void)state;
    read_text("{\"circuits\": {\"a\": {\"preset\": \"read\", \"retry\": {\"attempts\": 3}}}}");
    assert_setting("a", "retry.attempts", "3");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_002),
        STORY(test_002_inherits_its_defaults),
        STORY(test_002_switched_off),
        STORY(test_002_beside_our_own_keys),
        STORY(test_001),
        STORY(test_001_alone_and_in_an_entry),
        STORY(test_a_timeout_of_ours_stays_ours),
        STORY(test_000),
        STORY(test_000_per_operation),
        STORY(test_000_switched_off),
        STORY(test_004),
        STORY(test_json_is_yaml),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
