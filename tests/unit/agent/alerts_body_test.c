/* What each receiver is sent, byte for byte. */
#include "alerts_story.h"

#include <errno.h>

#include "agent/alerts_body.h"

static struct swgi_notice *notice;

/* The circuit of the examples that operators know. */
static int begin_body(void **state) {
    struct swgi_pair pair = {
        .circuit = "read", .firing = true, .since_wall_ms = INT64_C(1763690000000), .value = 1
    };
    struct swgi_memo memo = { .circuit = "read",
                              .reason = "5 consecutive failures",
                              .sample = "http_5xx: <b>status 503</b>" };
    int rc = begin_story(state);
    struct swgi_measure *read = circuit("read");
    struct swgi_file_alert *open =
        rule("circuit open", SWGI_ALERT_OPEN, 0, 0, SWGI_SEVERITY_CRITICAL);

    read->status.state = SWG_STATE_OPEN;
    read->failure_rate_1m = 0.1234;
    snprintf(entries[0].group, sizeof(entries[0].group), "database");
    snprintf(entries[0].owner, sizeof(entries[0].owner), "data & platform");
    snprintf(entries[0].runbook, sizeof(entries[0].runbook), "https://wiki.example/db?a=1&b=2");
    snprintf(open->runbook, sizeof(open->runbook), "https://runbook.example/#circuit-open");
    swgi_rule_summary(open, "read", 1, read, memo.reason, pair.summary);
    notice = swgi_notice_new(open, &pair, read, read->entry, &memo, SWGI_PAIR_FIRED, now.wall_ms);
    return rc != 0 || notice == NULL;
}

static int end_body(void **state) {
    notice = swgi_notice_unref(notice);
    return end_story(state);
}

static void end_it(void) {
    notice->firing = false;
    notice->ended_wall_ms = INT64_C(1763690060500);
    snprintf(notice->state, sizeof(notice->state), "CLOSED");
}

static void assert_body(char *(*make)(const struct swgi_body *), size_t count,
                        const struct swgi_template *form, const char *expected) {
    const struct swgi_notice *notices[] = { notice, notice, notice };
    struct swgi_body body = {
        .notices = notices,
        .count = count,
        .source = "host-1",
        .secret = "R0UT1NG",
        .console = "http://127.0.0.1:9190/",
        .form = form,
        .wall_ms = INT64_C(1763690010000),
    };
    char *text = make(&body);

    assert_string_equal(text, expected);
    free(text);
}

#define SIREN "\xf0\x9f\x9a\xa8"
#define CHECK "\xe2\x9c\x85"
#define DOT   " \xc2\xb7 "
#define SECTION(state)                                                                      \
    "{\"type\":\"section\",\"fields\":[{\"type\":\"mrkdwn\",\"text\":\"*Circuit:* read\"}," \
    "{\"type\":\"mrkdwn\",\"text\":\"*State:* " state "\"},"                                \
    "{\"type\":\"mrkdwn\",\"text\":\"*Failure Rate:* 12.34%\"}]},"
#define CONTEXT(begin)                                                                         \
    "{\"type\":\"context\",\"elements\":[{\"type\":\"mrkdwn\",\"text\":\"" begin               \
    "critical: read circuit is OPEN: 5 consecutive failures" DOT                               \
    "last error: http_5xx: &lt;b&gt;status 503&lt;/b&gt;" DOT "owner: data &amp; platform" DOT \
    "<https://runbook.example/#circuit-open|runbook>" DOT                                      \
    "<https://wiki.example/db?a=1&amp;b=2|circuit's runbook>\"}]}"

static void slack(void **state) {
    (void)state;
    assert_body(swgi_slack_body, 1, NULL,
                "{\"text\":\"" SIREN
                " Circuit Breaker Alert: read circuit is OPEN\",\"blocks\":[" SECTION("OPEN")
                    CONTEXT("") "]}");
    assert_body(swgi_slack_body, 2, NULL,
                "{\"text\":\"" SIREN
                " Circuit Breaker Alert: read circuit is OPEN (and 1 more)\",\"blocks\":[" SECTION(
                    "OPEN") CONTEXT("") "," SECTION("OPEN") CONTEXT("") "]}");
    end_it();
    assert_body(swgi_slack_body, 1, NULL,
                "{\"text\":\"" CHECK
                " Circuit Breaker Alert: read circuit is CLOSED\",\"blocks\":[" SECTION("CLOSED")
                    CONTEXT("ended, was ") "]}");
}

static void slack_of_no_single_circuit(void **state) {
    (void)state;
    notice->when = SWGI_ALERT_OPEN_COUNT;
    notice->circuit[0] = notice->state[0] = notice->sample[0] = notice->owner[0] = '\0';
    snprintf(notice->runbook, sizeof(notice->runbook), "docs/runbook.md#several-circuits-open");
    snprintf(notice->circuit_runbook, sizeof(notice->circuit_runbook), "javascript:alert(1)");
    snprintf(notice->summary, sizeof(notice->summary), "2 circuits are OPEN");
    assert_body(
        swgi_slack_body, 1, NULL,
        "{\"text\":\"" SIREN
        " Circuit Breaker Alert: 2 circuits are OPEN\",\"blocks\":[{\"type\":\"section\","
        "\"fields\":[{\"type\":\"mrkdwn\",\"text\":\"*Alert:* circuit open\"},{\"type\":\"mrkdwn\","
        "\"text\":\"*Severity:* "
        "critical\"}]},{\"type\":\"context\",\"elements\":[{\"type\":\"mrkdwn\","
        "\"text\":\"critical: 2 circuits are OPEN" DOT
        "runbook: docs/runbook.md#several-circuits-open" DOT
        "circuit's runbook: javascript:alert(1)\"}]}]}");
}

#define DETAILS(status, state, ended)                                              \
    "{\"alert\":\"circuit open\",\"kind\":\"open\",\"status\":\"" status           \
    "\",\"severity\":\"critical\","                                                \
    "\"circuit\":\"read\",\"state\":\"" state                                      \
    "\",\"summary\":\"read circuit is OPEN: 5 consecutive failures\","             \
    "\"reason\":\"5 consecutive failures\",\"value\":1.0,\"failure_rate\":0.1234," \
    "\"since\":\"2025-11-21T01:53:20.000Z\",\"ended\":" ended                      \
    ",\"sample\":\"http_5xx: <b>status 503</b>\","                                 \
    "\"group\":\"database\",\"owner\":\"data & "                                   \
    "platform\",\"runbook\":\"https://runbook.example/#circuit-open\","            \
    "\"source\":\"host-1\",\"key\":\"switchgear/host-1/circuit open/read\"}"
#define EVENT(action, details)                                                                  \
    "{\"routing_key\":\"R0UT1NG\",\"event_action\":\"" action                                   \
    "\",\"dedup_key\":\"switchgear/host-1/circuit open/read\","                                 \
    "\"payload\":{\"summary\":\"Database circuit breaker opened: "                              \
    "read\",\"source\":\"host-1\",\"severity\":\"critical\","                                   \
    "\"timestamp\":\"2025-11-21T01:53:20.000Z\",\"component\":\"read\",\"group\":\"database\"," \
    "\"class\":\"open\","                                                                       \
    "\"custom_details\":" details                                                               \
    "},\"client\":\"Switchgear\",\"client_url\":\"http://127.0.0.1:9190/\",\"links\":["         \
    "{\"href\":\"https://runbook.example/#circuit-open\",\"text\":\"Runbook\"},"                \
    "{\"href\":\"https://wiki.example/db?a=1&b=2\",\"text\":\"Runbook of the circuit\"}]}"

static void pagerduty(void **state) {
    (void)state;
    assert_body(swgi_pagerduty_body, 1, NULL, EVENT("trigger", DETAILS("firing", "OPEN", "null")));
    end_it();
    assert_body(swgi_pagerduty_body, 1, NULL,
                EVENT("resolve", DETAILS("resolved", "CLOSED", "\"2025-11-21T01:54:20.500Z\"")));
}

#define ALERT(end)                                                                                 \
    "[{\"labels\":{\"alertname\":\"circuit open\",\"severity\":\"critical\",\"circuit\":\"read\"," \
    "\"group\":\"database\",\"owner\":\"data & platform\",\"instance\":\"host-1\"},"               \
    "\"annotations\":{\"summary\":\"read circuit is OPEN: 5 consecutive "                          \
    "failures\",\"value\":\"1\","                                                                  \
    "\"description\":\"5 consecutive failures\",\"sample\":\"http_5xx: <b>status 503</b>\","       \
    "\"runbook_url\":\"https://runbook.example/#circuit-open\"},"                                  \
    "\"startsAt\":\"2025-11-21T01:53:20.000Z\",\"endsAt\":\"" end "\","                            \
    "\"generatorURL\":\"http://127.0.0.1:9190/\"}]"

static void alertmanager(void **state) {
    (void)state;
    assert_body(swgi_alertmanager_body, 1, NULL, ALERT("2025-11-21T01:57:30.000Z"));
    notice->is_moment = true;
    assert_body(swgi_alertmanager_body, 1, NULL, ALERT("2025-11-21T01:54:20.000Z"));
    end_it();
    assert_body(swgi_alertmanager_body, 1, NULL, ALERT("2025-11-21T01:54:20.500Z"));
}

static void webhooks(void **state) {
    struct swgi_template *form = NULL;

    (void)state;
    assert_body(swgi_webhook_body, 1, NULL, DETAILS("firing", "OPEN", "null"));
    snprintf(notice->summary, sizeof(notice->summary), "a \"quoted\" \\ {{state}}");
    assert_int_equal(
        swgi_template_new(
            &form, "{ \"say\": \"{{ circuit }} is {{state}}: {{summary}}\", \"v\": {{value}} }",
            NULL),
        0);
    assert_body(swgi_webhook_body, 1, form,
                "{ \"say\": \"read is OPEN: a \\\"quoted\\\" \\\\ {{state}}\", \"v\": 1.0 }");
    swgi_template_free(form);
}

static void assert_template(const char *text, int line, int column, const char *part) {
    struct swgi_template *form = NULL;
    struct swg_error error = SWG_ERROR_INIT;

    assert_int_equal(swgi_template_new(&form, text, &error), -EINVAL);
    assert_null(form);
    assert_int_equal(error.line, line);
    assert_int_equal(error.column, column);
    assert_non_null(strstr(error.text, part));
}

static void wrong_templates_are_told_where(void **state) {
    (void)state;
    assert_template("{\n \"a\": \"{{circut}}\"}", 2, 8, "a name in {{}} is one of alert, kind");
    assert_template("{\"a\": \"{{circuit", 1, 8, "a name in {{}}");
    assert_template("{\"a\": {{circuit}}x }", 0, 0, "it is no JSON");
    assert_template("", 0, 0, "it is no JSON");
}

static void keys_are_stable_and_short(void **state) {
    char key[SWGI_NOTICE_KEY_MAX], again[SWGI_NOTICE_KEY_MAX], name[128];

    (void)state;
    swgi_notice_key("circuit open", "db", key);
    assert_string_equal(key, "switchgear/circuit open/db");
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    swgi_notice_key(name, name, key);
    assert_true(strlen(key) <= 255);
    name[0] = 'y';
    swgi_notice_key(name, name, again);
    assert_string_not_equal(key, again);
}

/* A circuit of the same name on another host is another incident. */
static void keys_tell_hosts_apart(void **state) {
    char key[SWGI_NOTICE_KEY_MAX], again[SWGI_NOTICE_KEY_MAX], name[128];

    (void)state;
    swgi_notice_key_of(notice, "host-1", key);
    assert_string_equal(key, "switchgear/host-1/circuit open/read");
    swgi_notice_key_of(notice, "host-2", again);
    assert_string_not_equal(key, again);
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    strcpy(notice->name, name);
    strcpy(notice->circuit, name);
    swgi_notice_key_of(notice, name, key);
    assert_true(strlen(key) <= 255);
    name[126] = 'y';
    swgi_notice_key_of(notice, name, again);
    assert_string_not_equal(key, again);
}

int main(void) {
#define BODY(name) cmocka_unit_test_setup_teardown(name, begin_body, end_body)
    const struct CMUnitTest tests[] = {
        BODY(slack),
        BODY(slack_of_no_single_circuit),
        BODY(pagerduty),
        BODY(alertmanager),
        BODY(webhooks),
        BODY(wrong_templates_are_told_where),
        BODY(keys_are_stable_and_short),
        BODY(keys_tell_hosts_apart),
    };

    return cmocka_run_group_tests_name("agent/alerts_body", tests, NULL, NULL);
}
