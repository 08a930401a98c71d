/* Environments: what is laid over the rest, and the three that need not be written. */
#include "file_story.h"

static const char circuits[] = "circuits:\n"
                               "  db: { preset: read }\n"
                               "  api: { preset: api }\n"
                               "  rate: { preset: alternator }\n"
                               "  own: { breaker: { open: { for: 5s } } }\n";

static const char *with(const char *more) {
    static char text[4096];

    snprintf(text, sizeof(text), "%s%s", circuits, more);
    return text;
}

static void test_none(void **state) {
    (void)state;
    read_text(circuits);
    assert_string_equal(file->environment, "");
    assert_setting("db", "breaker.open.for", "3s");
}

static void test_production_changes_nothing(void **state) {
    (void)state;
    read_text(with("environment: production\n"));
    assert_string_equal(file->environment, "production");
    assert_setting("db", "breaker.trip.0.consecutive", "3");
    assert_setting("db", "breaker.open.for", "3s");
    assert_string_equal(file->agent.log_level, "info");
}

static void test_development_forgives(void **state) {
    (void)state;
    read_text(with("environment: development\n"));
    assert_setting("db", "breaker.trip.0.consecutive", "6");
    assert_setting("db", "breaker.open.for", "6s");
    assert_setting("db", "breaker.open.max", "30s");
    assert_setting("db", "breaker.trip.1.failure_rate.percent", "off");
    assert_setting("api", "breaker.trip.0.failures.weight", "20");
    assert_setting("rate", "breaker.trip.0.failure_rate.percent", "99");
    assert_setting("own", "breaker.open.for", "10s");
    assert_setting("own", "breaker.open.max", "10s");
    assert_string_equal(file->agent.log_level, "debug");
    read_text(with("environment: development\nagent: { log_level: error }\n"));
    assert_string_equal(file->agent.log_level, "error");
}

static void test_testing_hastens(void **state) {
    (void)state;
    read_text(with("environment: testing\n"));
    assert_setting("db", "breaker.trip.0.consecutive", "2");
    assert_setting("db", "breaker.open.for", "200ms");
    assert_setting("db", "breaker.open.max", "200ms");
    assert_setting("db", "breaker.min_state_transition_interval", "0");
    assert_setting("api", "breaker.trip.0.failures.weight", "2");
    assert_setting("rate", "breaker.trip.0.failure_rate.calls_min", "2");
    assert_setting("rate", "breaker.trip.0.failure_rate.percent", "50");
}

static void test_the_file_s_own_takes_its_place(void **state) {
    (void)state;
    read_text(
        with("environments: { testing: { defaults: { breaker: { open: { for: 300ms } } } } }\n"
             "environment: testing\n"));
    assert_setting("db", "breaker.trip.0.consecutive", "3");
    assert_setting("db", "breaker.open.for", "300ms");
    assert_setting("own", "breaker.open.for", "300ms");
}

static void test_sections_and_circuits_of_an_environment(void **state) {
    (void)state;
    read_text(
        with("agent: { listen: 127.0.0.1:1, log: text }\n"
             "defaults: { owner: us }\n"
             "receivers: { mail: { kind: log } }\n"
             "alerts: [ { name: one, when: open } ]\n"
             "environments:\n"
             "  staging:\n"
             "    agent: { listen: 127.0.0.1:2 }\n"
             "    limits: { beyond: error }\n"
             "    defaults: { owner: them }\n"
             "    circuits: { db: { breaker: { open: { for: 4s } } }, new: { preset: queue } }\n"
             "    alerts: []\n"
             "environment: staging\n"));
    assert_string_equal(file->agent.listen, "127.0.0.1:2");
    assert_string_equal(file->agent.log, "text");
    assert_int_equal(file->limits.beyond, SWG_BEYOND_ERROR);
    assert_setting("db", "breaker.open.for", "4s");
    assert_setting("db", "breaker.trip.0.consecutive", "3");
    assert_string_equal(entry("db")->owner, "them");
    assert_setting("new", "preset", "queue");
    assert_string_equal(entry("new")->owner, "them");
    assert_int_equal(file->alerts_count, 0);
    assert_int_equal(file->receivers_count, 1);
}

static void test_who_chooses(void **state) {
    (void)state;
    setenv("SWITCHGEAR_ENVIRONMENT", "testing", 1);
    read_text(with("environment: production\n"));
    assert_string_equal(file->environment, "testing");
    read_in(with("environment: production\n"), "development");
    assert_string_equal(file->environment, "development");
    read_in(with("environment: production\n"), "");
    assert_string_equal(file->environment, "production");
    setenv("SWITCHGEAR_ENVIRONMENT", "", 1);
    read_text(with("environment: production\n"));
    assert_string_equal(file->environment, "production");
}

/* Each value knows where it was written. */
static void test_origins(void **state) {
    struct swgi_key_place place;

    (void)state;
    read_text("environment: testing\n"
              "defaults: { cache: { bypass: no } }\n"
              "circuits:\n"
              "  db:\n"
              "    retry: { attempts: 3 }\n");
    assert_int_equal(swgi_key_find("retry.attempts", &place, NULL), 0);
    const struct swgi_origins *origins = entry("db")->origins;
    assert_int_equal(origins->keys[place.key - swgi_keys].line, 5);
    assert_int_equal(origins->keys[place.key - swgi_keys].column, 24);
    assert_int_equal(origins->keys[place.key - swgi_keys].layer, SWGI_LAYER_CIRCUIT);
    assert_int_equal(swgi_key_find("cache.bypass", &place, NULL), 0);
    assert_int_equal(origins->keys[place.key - swgi_keys].layer, SWGI_LAYER_DEFAULTS);
    assert_int_equal(swgi_key_find("breaker.open.for", &place, NULL), 0);
    assert_int_equal(origins->keys[place.key - swgi_keys].layer, SWGI_LAYER_SHIPPED);
    assert_int_equal(origins->trip.layer, SWGI_LAYER_SHIPPED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_none),
        STORY(test_production_changes_nothing),
        STORY(test_development_forgives),
        STORY(test_testing_hastens),
        STORY(test_the_file_s_own_takes_its_place),
        STORY(test_sections_and_circuits_of_an_environment),
        STORY(test_who_chooses),
        STORY(test_origins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
