/* A good file: what its sections, circuits, patterns, alerts and receivers come to. */
#include "file_story.h"

static const char whole[] =
    "panel:      { path: /run/switchgear/main, circuits_max: 1024 }\n"
    "agent:      { listen: 127.0.0.1:9190, socket: /run/switchgear/agent.sock, tokens_file: "
    "/etc/switchgear/tokens, database: /var/lib/switchgear/switchgear.db }\n"
    "limits:     { circuits_max: 50, auto_create: true, beyond: shared }\n"
    "metrics:    { collection_interval: 30s, select: [\"switchgear_*\"], seed_names: true, "
    "breakers_max: 1000 }\n"
    "defaults:\n"
    "  breaker:  { preset: default, min_state_transition_interval: 1s }\n"
    "circuits:\n"
    "  pg-main:\n"
    "  read-database:\n"
    "    preset: read\n"
    "    group: database\n"
    "    alias: read\n"
    "    owner: data-platform\n"
    "    runbook: https://wiki.example/db\n"
    "    depends_on: [ pg-main ]\n"
    "    slo: { availability: 99.9, p99: 300ms, window: 30d }\n"
    "  bookmaker-*:\n"
    "    max: 50\n"
    "    breaker:\n"
    "      trip:\n"
    "        - failures: { weight: 10, window: 60s }\n"
    "        - failure_rate: { percent: 50, window: 30s, calls_min: 10 }\n"
    "        - change: { healthy: 0.01, unhealthy: 0.20, false_trip_once_in: 1000000 }\n"
    "      open: { for: 60s, recovery: manual, cooldown: 60s }\n"
    "    shed: { system_load_above: 0.85, call_load_above: 100 }\n";

static void test_the_page_s_example(void **state) {
    (void)state;
    read_text(whole);
    assert_string_equal(file->panel.path, "/run/switchgear/main");
    assert_int_equal(file->panel.circuits_max, 1024);
    assert_string_equal(file->agent.listen, "127.0.0.1:9190");
    assert_string_equal(file->agent.tokens_file, "/etc/switchgear/tokens");
    assert_int_equal(file->limits.circuits_max, 50);
    assert_true(file->limits.auto_create);
    assert_int_equal(file->limits.beyond, SWG_BEYOND_SHARED);
    assert_int_equal(file->metrics.collection_interval, INT64_C(30000000000));
    assert_int_equal(file->metrics.select.count, 1);
    assert_string_equal(file->metrics.select.at[0], "switchgear_*");
    assert_int_equal(file->circuits_count, 3);
    const struct swgi_file_circuit *read = entry("read-database");
    assert_int_equal(read->line, 9);
    assert_string_equal(read->group, "database");
    assert_string_equal(read->owner, "data-platform");
    assert_string_equal(read->depends_on.at[0], "pg-main");
    assert_true(read->has_slo);
    assert_true(read->slo_availability > 99.89 && read->slo_availability < 99.91);
    assert_int_equal(read->slo_p99, INT64_C(300000000));
    assert_ptr_equal(swgi_file_alias(file, "read"), read);
    assert_ptr_equal(swgi_file_alias(file, "read-database"), read);
    assert_null(swgi_file_alias(file, "nobody"));
    assert_setting("read-database", "breaker.open.for", "3s");
    assert_setting("read-database", "breaker.trip.0.consecutive", "3");
    assert_setting("pg-main", "preset", "default");
    const struct swgi_file_circuit *pattern = entry("bookmaker-7");
    assert_true(pattern->is_pattern);
    assert_int_equal(pattern->max, 50);
    assert_setting("bookmaker-7", "breaker.open.recovery", "manual");
    assert_setting("bookmaker-7", "shed.call_load_above", "100");
    assert_setting("bookmaker-7", "preset", "default");
    assert_null(swgi_file_circuit(file, "book"));
}

static void test_an_empty_file_is_all_defaults(void **state) {
    (void)state;
    read_text("");
    assert_int_equal(file->circuits_count, 0);
    assert_string_equal(file->agent.listen, "127.0.0.1:9190");
    assert_int_equal(file->agent.history_bytes_max, 268435456);
    assert_int_equal(file->agent.audit_keep, INT64_C(400) * 86400000000000);
    assert_true(file->metrics.seed_names);
    assert_int_equal(file->alerts_count, 12);
    assert_string_equal(file->alerts[1].name, "failure rate");
    assert_true(file->alerts[1].above > 0.099 && file->alerts[1].above < 0.101);
    file = swgi_file_unref(file);
    assert_int_equal(swgi_file_empty(&file), 0);
    assert_int_equal(file->alerts_count, 12);
}

static void test_alerts_and_receivers(void **state) {
    (void)state;
    read_text(
        "receivers:\n"
        "  oncall: { kind: pagerduty, token_file: /etc/switchgear/pagerduty }\n"
        "  chat: { kind: slack, url_file: /etc/switchgear/slack, severity_min: warning, resolved: "
        "no, timeout: 3s }\n"
        "alerts:\n"
        "  - { name: slow payments, when: slow_recovery, above: 2m, circuits: [\"pay-*\"], to: "
        "[oncall], for: 10s, severity: critical }\n"
        "  - { name: failing, when: failure_rate }\n"
        "  - { name: many, above: 3, when: open_count, runbook: \"https://wiki.example/many\" }\n");
    assert_int_equal(file->receivers_count, 2);
    assert_int_equal(file->receivers[0].kind, SWGI_RECEIVER_PAGERDUTY);
    assert_true(file->receivers[0].resolved);
    assert_int_equal(file->receivers[0].timeout, INT64_C(10000000000));
    assert_string_equal(file->receivers[1].name, "chat");
    assert_int_equal(file->receivers[1].severity_min, SWGI_SEVERITY_WARNING);
    assert_false(file->receivers[1].resolved);
    assert_int_equal(file->alerts_count, 3);
    assert_int_equal(file->alerts[0].when, SWGI_ALERT_SLOW_RECOVERY);
    assert_true(file->alerts[0].above > 119.9 && file->alerts[0].above < 120.1);
    assert_int_equal(file->alerts[0].for_ns, INT64_C(10000000000));
    assert_string_equal(file->alerts[0].to.at[0], "oncall");
    assert_true(file->alerts[1].above > 0.099 && file->alerts[1].above < 0.101);
    assert_int_equal(file->alerts[1].severity, SWGI_SEVERITY_WARNING);
    assert_int_equal(file->alerts[2].severity, SWGI_SEVERITY_CRITICAL);
}

static void test_lists_may_be_written_as_lists(void **state) {
    (void)state;
    read_text(
        "circuits:\n"
        "  a:\n"
        "    breaker: { half_open: { ramp: [5, 25, 50] } }\n"
        "    bulkhead: { max_concurrent: 20, partitions: { -1: 100, 31: 50 } }\n"
        "    fallback: { chain: [cache, static], static: nothing }\n"
        "    cache: { bytes: 65536 }\n"
        "    features: { list: { checkout: 100, search: 50 } }\n"
        "  b:\n"
        "    bulkhead: { max_concurrent: 20, partitions: [\"-1:100\", \"31:50\"], track: true }\n"
        "    fallback: [cache]\n"
        "    cache: { bytes: 65536 }\n"
        "    timeout: 3s\n"
        "    breaker: { trip: none }\n");
    assert_setting("a", "breaker.half_open.ramp", "5, 25, 50");
    assert_setting("a", "bulkhead.partitions", "-1:100, 31:50");
    assert_setting("a", "fallback.chain", "cache, static");
    assert_setting("a", "features.list", "checkout:100, search:50");
    assert_setting("b", "bulkhead.partitions", "-1:100, 31:50");
    assert_setting("a", "fallback.static", "nothing");
    assert_setting("b", "fallback.chain", "cache");
    assert_setting("b", "bulkhead.track", "yes");
    assert_setting("b", "timeout.attempt", "3s");
    assert_setting("b", "breaker.trip", "none");
}

static void test_a_stronger_preset_goes_before_weaker_keys(void **state) {
    (void)state;
    read_text("defaults: { preset: write, breaker: { open: { for: 20s }, cooldown: 5s }, owner: "
              "us, slo: { availability: 99.5 } }\n"
              "circuits:\n"
              "  plain: {}\n"
              "  quick: { preset: read, owner: them }\n"
              "  own: { preset: read, breaker: { open: { for: 1s } } }\n");
    assert_setting("plain", "preset", "write");
    assert_setting("plain", "breaker.open.for", "20s");
    assert_setting("plain", "breaker.open.max", "1m");
    assert_setting("quick", "breaker.open.for", "3s");
    assert_setting("quick", "breaker.open.max", "15s");
    assert_setting("quick", "breaker.open.cooldown", "5s");
    assert_setting("own", "breaker.open.for", "1s");
    assert_string_equal(entry("plain")->owner, "us");
    assert_string_equal(entry("quick")->owner, "them");
    assert_true(entry("own")->has_slo);
}

static void test_the_longest_pattern_wins_and_names_before_it(void **state) {
    (void)state;
    read_text("circuits: { '*': {}, 'db-*': {}, 'db-?': {}, 'db-read-*': {}, db-x: {} }\n");
    assert_string_equal(entry("anything")->name, "*");
    assert_string_equal(entry("db-read-1")->name, "db-read-*");
    assert_string_equal(entry("db-22")->name, "db-*");
    assert_string_equal(entry("db-x")->name, "db-x");
}

static void test_globs(void **state) {
    (void)state;
    assert_true(swgi_file_glob("*", "x"));
    assert_true(swgi_file_glob("a*b*c", "a-b-b-c"));
    assert_false(swgi_file_glob("a*b*c", "a-b-b"));
    assert_true(swgi_file_glob("a?c", "abc"));
    assert_false(swgi_file_glob("a?c", "ac"));
    assert_false(swgi_file_glob("a[b]", "ab"));
    assert_true(swgi_file_glob("*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaab"));
}

static void test_references(void **state) {
    (void)state;
    read_text(whole);
    assert_ptr_equal(swgi_file_ref(file), file);
    assert_null(swgi_file_unref(file));
    assert_string_equal(entry("read-database")->alias, "read");
    assert_null(swgi_file_unref(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_the_page_s_example),
        STORY(test_an_empty_file_is_all_defaults),
        STORY(test_alerts_and_receivers),
        STORY(test_lists_may_be_written_as_lists),
        STORY(test_a_stronger_preset_goes_before_weaker_keys),
        STORY(test_the_longest_pattern_wins_and_names_before_it),
        STORY(test_globs),
        STORY(test_references),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
