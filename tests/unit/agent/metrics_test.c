/*
 * The exposition: what is told of a circuit that had an outage, and the rules both formats have.
 *
 * With METRICS_OUT=FOLDER the last of the stories leaves its panel's expositions there, for promtool and Prometheus
 * (tests/integration/metrics_*).
 */
#include "agent/metrics.h"
#include "measure_story.h"

static struct swgi_agent_health health;
static char *text;
static swg_ns tripped_at;

static int begin(void **state) {
    memset(&health, 0, sizeof(health));
    text = NULL;
    return begin_measured(state);
}

static int end(void **state) {
    free(text);
    return end_measured(state);
}

#define EXPOSED(name) cmocka_unit_test_setup_teardown(name, begin, end)

static void expose(int format) {
    size_t size = 0;

    free(text);
    text = NULL;
    assert_int_equal(swgi_metrics_write(panel, measures, file, &health, format, &text, &size), 0);
    assert_int_equal(strlen(text), size);
}

/* ---- lines */

static const char *line_end(const char *line) {
    const char *found = strchr(line, '\n');

    assert_non_null(found);
    return found + 1;
}

static bool has_line(const char *wanted) {
    size_t length = strlen(wanted);

    for (const char *line = text; *line != '\0'; line = line_end(line))
        if (strncmp(line, wanted, length) == 0 && line[length] == '\n')
            return true;
    return false;
}

static unsigned lines_with(const char *wanted) {
    unsigned count = 0;

    for (const char *at = text; (at = strstr(at, wanted)) != NULL; at++)
        count++;
    return count;
}

#define assert_line(wanted)                                      \
    do {                                                         \
        if (!has_line(wanted))                                   \
            fail_msg("no line: %s\namong:\n%s", (wanted), text); \
    } while (0)
#define assert_no(wanted) assert_null(strstr(text, (wanted)))

/* Every line that tells of that circuit, in order, against what is wanted. */
static void assert_lines_of(const char *label, const char *const *wanted) {
    for (const char *line = text; *line != '\0'; line = line_end(line)) {
        size_t length = (size_t)(line_end(line) - line) - 1;
        const char *found = strstr(line, label);

        if (found == NULL || found > line + length)
            continue;
        if (*wanted == NULL)
            fail_msg("more than wanted: %.*s", (int)length, line);
        if (strlen(*wanted) != length || strncmp(*wanted, line, length) != 0)
            fail_msg("wanted: %s\n   got: %.*s", *wanted, (int)length, line);
        wanted++;
    }
    if (*wanted != NULL)
        fail_msg("missing: %s", *wanted);
}

/* ---- stories */

static void test_a_new_circuit(void **state) {
    /* clang-format off */
    static const char *const wanted[] = {
        "switchgear_calls_total{breaker=\"dependency\",outcome=\"success\"} 0",
        "switchgear_calls_total{breaker=\"dependency\",outcome=\"failure\"} 0",
        "switchgear_calls_total{breaker=\"dependency\",outcome=\"timeout\"} 0",
        "switchgear_calls_total{breaker=\"dependency\",outcome=\"ignored\"} 0",
        "switchgear_calls_slow_total{breaker=\"dependency\"} 0",
        "switchgear_calls_rejected_total{breaker=\"dependency\",reason=\"open\"} 0",
        "switchgear_calls_in_flight{breaker=\"dependency\"} 0",
        "switchgear_breaker_state{breaker=\"dependency\",state=\"closed\"} 1",
        "switchgear_breaker_state{breaker=\"dependency\",state=\"open\"} 0",
        "switchgear_breaker_state{breaker=\"dependency\",state=\"half_open\"} 0",
        "switchgear_breaker_mode{breaker=\"dependency\",mode=\"normal\"} 1",
        "switchgear_breaker_trips_total{breaker=\"dependency\"} 0",
        "switchgear_breaker_transitions_total{breaker=\"dependency\",from=\"closed\",to=\"open\"} 0",
        "switchgear_breaker_transitions_total{breaker=\"dependency\",from=\"open\",to=\"half_open\"} 0",
        "switchgear_breaker_transitions_total{breaker=\"dependency\",from=\"half_open\",to=\"closed\"} 0",
        "switchgear_breaker_transitions_total{breaker=\"dependency\",from=\"half_open\",to=\"open\"} 0",
        "switchgear_breaker_state_seconds_total{breaker=\"dependency\",state=\"closed\"} 2",
        "switchgear_breaker_state_seconds_total{breaker=\"dependency\",state=\"open\"} 0",
        "switchgear_breaker_state_seconds_total{breaker=\"dependency\",state=\"half_open\"} 0",
        "switchgear_breaker_score{breaker=\"dependency\"} 0",
        "switchgear_breaker_score_limit{breaker=\"dependency\"} 5",
        "switchgear_breaker_threshold_ratio{breaker=\"dependency\"} 0",
        "switchgear_breaker_recent_transitions{breaker=\"dependency\"} 0",
        "switchgear_breaker_failure_trend{breaker=\"dependency\"} 0",
        "switchgear_breaker_anomaly_score{breaker=\"dependency\"} 0",
        NULL,
    };
    /* clang-format on */

    (void)state;
    set("breaker.histogram", "no");
    make();
    tick();
    ticks(2);
    expose(SWGI_METRICS_TEXT);
    assert_lines_of("{breaker=\"dependency\"", wanted);
}

#define TRACE_ID "0af7651916cd43dd8448eb211c80319c"

static void fail_with(const char *kind) {
    struct swg_failure why = { .size = sizeof(why),
                               .kind = kind,
                               .traceparent = "00-" TRACE_ID "-b7ad6b7169203331-01" };

    assert_int_equal(acquire(), SWG_GO);
    assert_int_equal(swg_record_at(&latest, SWG_FAILURE, &why, now(), MS(2)), 0);
    ticks(1);
}

/* Two in time, three that fail, an OPEN with two rejections, closed by hand. */
static void outage(void) {
    set("breaker.trip.0.consecutive", "3");
    make();
    tick();
    call_taking(SWG_SUCCESS, MS(1));
    call_taking(SWG_SUCCESS, S(1));
    fail_with("refused");
    fail_with("re\"set\\\n");
    fail_with("refused");
    assert_rejected();
    assert_rejected();
    tripped_at = status().last_trip;
    ticks(10);
    assert_int_equal(hand(swg_circuit_reset, 0, 1), 0);
    ticks(1);
}

static void test_an_outage(void **state) {
    char line[128];

    (void)state;
    outage();
    expose(SWGI_METRICS_TEXT);
    assert_line("switchgear_calls_total{breaker=\"dependency\",outcome=\"success\"} 2");
    assert_line("switchgear_calls_total{breaker=\"dependency\",outcome=\"failure\"} 3");
    assert_line("switchgear_calls_rejected_total{breaker=\"dependency\",reason=\"open\"} 2");
    assert_line("switchgear_error_samples_total{breaker=\"dependency\",kind=\"refused\"} 2");
    assert_line("switchgear_breaker_trips_total{breaker=\"dependency\"} 1");
    assert_line("switchgear_breaker_transitions_total{breaker=\"dependency\",from=\"closed\",to="
                "\"open\"} 1");
    assert_line("switchgear_breaker_transitions_total{breaker=\"dependency\",from=\"open\",to="
                "\"closed\"} 1");
    assert_line("switchgear_breaker_last_recovery_seconds{breaker=\"dependency\"} 11");
    assert_line("switchgear_breaker_open_period_seconds{breaker=\"dependency\"} 11");
    assert_line("switchgear_breaker_open_period_rejected{breaker=\"dependency\"} 2");
    snprintf(line, sizeof(line),
             "switchgear_breaker_last_trip_timestamp_seconds{breaker=\"dependency\"} %lld",
             (long long)(tripped_at / S(1)));
    assert_line(line);
    assert_line("switchgear_breaker_failure_ratio{breaker=\"dependency\"} 0.6");
    assert_line("switchgear_breaker_recent_transitions{breaker=\"dependency\"} 2");
    assert_line("circuit_breaker_tripped{bookmaker=\"dependency\"} 0");
    assert_line("circuit_breaker_failures_1m{bookmaker=\"dependency\"} 3");
    assert_line("circuit_breaker_trip_count{bookmaker=\"dependency\"} 1");
    assert_line("circuit_breaker_rejected{bookmaker=\"dependency\",reason=\"tripped\"} 2");
    assert_line("circuit_breaker_rejected{bookmaker=\"dependency\",reason=\"load_shed\"} 0");
}

static void test_a_histogram(void **state) {
    (void)state;
    outage();
    expose(SWGI_METRICS_TEXT);
    assert_line(
        "switchgear_call_duration_seconds_bucket{breaker=\"dependency\",le=\"0.000262144\"} 0");
    assert_line(
        "switchgear_call_duration_seconds_bucket{breaker=\"dependency\",le=\"0.001048576\"} 1");
    assert_line(
        "switchgear_call_duration_seconds_bucket{breaker=\"dependency\",le=\"0.00524288\"} 4");
    assert_line(
        "switchgear_call_duration_seconds_bucket{breaker=\"dependency\",le=\"0.536870912\"} 4");
    assert_line(
        "switchgear_call_duration_seconds_bucket{breaker=\"dependency\",le=\"1.073741824\"} 5");
    assert_line("switchgear_call_duration_seconds_bucket{breaker=\"dependency\",le=\"+Inf\"} 5");
    assert_line("switchgear_call_duration_seconds_count{breaker=\"dependency\"} 5");
    const char *sum = strstr(text, "_sum{breaker=\"dependency\"} ");
    assert_non_null(sum);
    double told = strtod(strchr(sum, ' '), NULL);
    assert_true(told > 1.007 * 7 / 8 && told < 1.007 * 9 / 8);
}

/* A bound is one of the panel's own: a call just below it is counted there, one at it is not. */
static void test_bounds_are_exact(void **state) {
    (void)state;
    make();
    call_taking(SWG_SUCCESS, 268435455);
    call_taking(SWG_SUCCESS, 268435456);
    tick();
    expose(SWGI_METRICS_TEXT);
    assert_line(
        "switchgear_call_duration_seconds_bucket{breaker=\"dependency\",le=\"0.268435456\"} 1");
    assert_line(
        "switchgear_call_duration_seconds_bucket{breaker=\"dependency\",le=\"0.536870912\"} 2");
}

static void test_modes(void **state) {
    (void)state;
    make();
    mode(SWG_MODE_FORCED_OPEN, 0);
    tick();
    expose(SWGI_METRICS_TEXT);
    assert_line("switchgear_breaker_mode{breaker=\"dependency\",mode=\"forced_open\"} 1");
    assert_line("circuit_breaker_tripped{bookmaker=\"dependency\"} 1");
    assert_no("breaker=\"dependency\",mode=\"normal\"");
}

static void test_policies(void **state) {
    (void)state;
    set("bulkhead.max_concurrent", "4");
    set("bulkhead.when_busy", "wait");
    set("bulkhead.max_queue", "3");
    set("bulkhead.max_wait", "10s");
    set("limiter.rate", "30");
    set("limiter.per", "60s");
    make();
    acquire();
    struct swg_permit kept = latest;
    advance(S(2));
    tick();
    expose(SWGI_METRICS_TEXT);
    assert_line("switchgear_bulkhead_permits_held{breaker=\"dependency\"} 1");
    assert_line("switchgear_bulkhead_permits_limit{breaker=\"dependency\"} 4");
    assert_line("switchgear_bulkhead_oldest_call_seconds{breaker=\"dependency\"} 2");
    assert_line("switchgear_queue_length{breaker=\"dependency\"} 0");
    assert_line("switchgear_queue_limit{breaker=\"dependency\"} 3");
    assert_line("switchgear_queue_oldest_wait_seconds{breaker=\"dependency\"} 0");
    assert_line("switchgear_limiter_rate{breaker=\"dependency\"} 0.5");
    assert_line("switchgear_calls_rejected_total{breaker=\"dependency\",reason=\"full\"} 0");
    assert_line("switchgear_calls_rejected_total{breaker=\"dependency\",reason=\"limited\"} 0");
    assert_line("switchgear_calls_in_flight{breaker=\"dependency\"} 1");
    swg_cancel(&kept);
}

static void test_a_queue(void **state) {
    struct swg_permit queued;

    (void)state;
    set("bulkhead.max_concurrent", "1");
    set("bulkhead.when_busy", "wait");
    set("bulkhead.max_queue", "3");
    set("bulkhead.max_wait", "60s");
    make();
    assert_int_equal(acquire(), SWG_GO);
    struct swg_permit kept = latest;
    assert_int_equal(swg_acquire_at(circuit, NULL, now(), &queued), SWG_QUEUED);
    advance(S(3));
    tick();
    expose(SWGI_METRICS_TEXT);
    assert_line("switchgear_queue_length{breaker=\"dependency\"} 1");
    assert_line("switchgear_queue_oldest_wait_seconds{breaker=\"dependency\"} 3");
    swg_cancel(&queued);
    swg_cancel(&kept);
}

static void test_an_objective(void **state) {
    (void)state;
    configure("circuits: { dependency: { slo: { availability: 99.9, p99: 300ms, window: 1d } } }");
    make();
    tick();
    expose(SWGI_METRICS_TEXT);
    assert_line("switchgear_slo_objective_ratio{breaker=\"dependency\"} 0.999");
    assert_line("switchgear_slo_budget_left_ratio{breaker=\"dependency\"} 1");
    assert_line("switchgear_slo_burn_rate{breaker=\"dependency\"} 0");
    assert_line("switchgear_slo_latency_objective_seconds{breaker=\"dependency\"} 0.3");
}

/* ---- kinds of errors */

static void test_kinds_are_bounded(void **state) {
    char kind[24];

    (void)state;
    set("breaker.trip", "none");
    make();
    tick();
    for (unsigned i = 0; i < 20; i++) {
        snprintf(kind, sizeof(kind), "kind-%u", i);
        fail_with(kind);
    }
    expose(SWGI_METRICS_TEXT);
    assert_int_equal(lines_with("switchgear_error_samples_total{breaker=\"dependency\""), 9);
    assert_line("switchgear_error_samples_total{breaker=\"dependency\",kind=\"kind-7\"} 1");
    assert_line("switchgear_error_samples_total{breaker=\"dependency\",kind=\"other\"} 12");
}

static void test_hostile_kinds_are_escaped(void **state) {
    struct swg_event event = SWG_EVENT_INIT;

    (void)state;
    make();
    tick();
    event.kind = SWG_EVENT_SAMPLE;
    strcpy(event.circuit, "dependency");
    strcpy(event.error_kind, "a\"} 1\nb\\");
    swgi_measures_event(measures, &event);
    tick();
    expose(SWGI_METRICS_TEXT);
    assert_line(
        "switchgear_error_samples_total{breaker=\"dependency\",kind=\"a\\\"} 1\\nb\\\\\"} 1");
}

/* ---- how many series */

static void test_the_rest_is_folded(void **state) {
    static const char *const names[] = { "a", "b", "c", "d" };

    (void)state;
    configure("metrics: { breakers_max: 3 }"); /* the panel's own is one */
    set("breaker.trip.0.consecutive", "1");
    for (unsigned i = 0; i < 4; i++) {
        make_named(names[i]);
        calls(i, SWG_SUCCESS);
    }
    calls(1, SWG_FAILURE); /* d is open */
    tick();
    expose(SWGI_METRICS_TEXT);
    assert_line("switchgear_calls_total{breaker=\"a\",outcome=\"success\"} 0");
    assert_line("switchgear_calls_total{breaker=\"b\",outcome=\"success\"} 1");
    assert_no("breaker=\"c\"");
    assert_no("breaker=\"d\"");
    assert_line("switchgear_calls_total{breaker=\"_other\",outcome=\"success\"} 5");
    assert_line("switchgear_calls_total{breaker=\"_other\",outcome=\"failure\"} 1");
    assert_line("switchgear_breaker_state{breaker=\"_other\",state=\"closed\"} 1");
    assert_line("switchgear_breaker_state{breaker=\"_other\",state=\"open\"} 1");
    assert_line("switchgear_breaker_mode{breaker=\"_other\",mode=\"normal\"} 2");
    assert_line("switchgear_call_duration_seconds_count{breaker=\"_other\"} 6");
    assert_line("switchgear_agent_circuits_folded 2");
    assert_no("switchgear_breaker_score{breaker=\"_other\"");
}

/* The same circuit has its own series, or has not, for as long as it lives. */
static void test_newcomers_do_not_push_others_out(void **state) {
    (void)state;
    configure("metrics: { breakers_max: 2 }");
    make_named("m");
    tick();
    make_named("a");
    tick();
    expose(SWGI_METRICS_TEXT);
    assert_line("switchgear_calls_slow_total{breaker=\"m\"} 0");
    assert_no("breaker=\"a\"");
}

static void test_what_leaves_stays_in_the_sum(void **state) {
    char name[32];

    (void)state;
    configure("metrics: { breakers_max: 1 }");
    make_named("early");
    calls(7, SWG_SUCCESS);
    tick();
    expose(SWGI_METRICS_TEXT);
    assert_line("switchgear_calls_total{breaker=\"_other\",outcome=\"success\"} 7");
    struct swg_circuit *early = circuit;
    for (unsigned i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "late-%u", i);
        advance(S(i % 8 == 0 ? 11 : 0));
        (void)swg_circuit_get(panel, name, config, &circuit, NULL);
        tick();
    }
    assert_int_equal(swg_circuit_state(early), -ENOENT);
    expose(SWGI_METRICS_TEXT);
    assert_line("switchgear_calls_total{breaker=\"_other\",outcome=\"success\"} 7");
}

static void test_a_circuit_named_as_the_sum(void **state) {
    (void)state;
    make_named("_other");
    calls(2, SWG_SUCCESS);
    tick();
    expose(SWGI_METRICS_TEXT);
    assert_int_equal(
        lines_with("switchgear_calls_total{breaker=\"_other\",outcome=\"success\"} 2\n"), 1);
}

static void test_select(void **state) {
    (void)state;
    configure("metrics: { select: [ 'switchgear_calls*', circuit_breaker_tripped ] }");
    make();
    tick();
    expose(SWGI_METRICS_TEXT);
    assert_line("switchgear_calls_slow_total{breaker=\"dependency\"} 0");
    assert_line("circuit_breaker_tripped{bookmaker=\"dependency\"} 0");
    assert_no("switchgear_breaker_");
    assert_no("switchgear_panel_");
    assert_no("circuit_breaker_trip_count");
}

/* ---- formats */

static void test_no_seed_names(void **state) {
    (void)state;
    configure("metrics: { seed_names: false }");
    make();
    tick();
    expose(SWGI_METRICS_TEXT);
    assert_no("bookmaker");
    assert_no("circuit_breaker_");
}

static void test_headers(void **state) {
    (void)state;
    outage();
    expose(SWGI_METRICS_TEXT);
    assert_line("# TYPE switchgear_calls_total counter");
    assert_line("# TYPE switchgear_breaker_state gauge");
    assert_line("# TYPE switchgear_call_duration_seconds histogram");
    assert_line("# TYPE switchgear_build_info gauge");
    assert_line("# TYPE circuit_breaker_rejected counter");
    assert_no("# UNIT");
    assert_no("# EOF");
    assert_no("switchgear_slo_"); /* no sample, so no header either */
    assert_int_equal(lines_with("# HELP "), lines_with("# TYPE "));
    assert_string_equal(swgi_metrics_type(SWGI_METRICS_TEXT),
                        "text/plain; version=0.0.4; charset=utf-8");
}

static void test_openmetrics(void **state) {
    (void)state;
    outage();
    expose(SWGI_METRICS_OPENMETRICS);
    assert_line("# TYPE switchgear_calls counter");
    assert_line("switchgear_calls_total{breaker=\"dependency\",outcome=\"success\"} 2");
    assert_line("# TYPE switchgear_breaker_state_seconds counter");
    assert_line("# UNIT switchgear_breaker_state_seconds seconds");
    assert_line("# TYPE switchgear_build info");
    assert_no("circuit_breaker_");
    assert_string_equal(text + strlen(text) - 6, "# EOF\n");
    assert_int_equal(lines_with("# EOF"), 1);
    assert_string_equal(swgi_metrics_type(SWGI_METRICS_OPENMETRICS),
                        "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

static void test_exemplars(void **state) {
    static const char of_kind[] =
        "switchgear_error_samples_total{breaker=\"dependency\",kind=\"refused\"} 1 "
        "# {trace_id=\"" TRACE_ID "\"} 1 ";
    static const char of_bucket[] = "# {trace_id=\"" TRACE_ID "\"} 0.002 ";

    (void)state;
    make();
    tick();
    fail_with("refused");
    expose(SWGI_METRICS_OPENMETRICS);
    assert_int_equal(lines_with(of_kind), 1);
    assert_int_equal(lines_with("trace_id"), 2);
    /* In the bucket that the call is in, and in no other. */
    const char *at = strstr(text, of_bucket), *line = at;
    assert_non_null(at);
    while (line > text && line[-1] != '\n')
        line--;
    assert_memory_equal(line, "switchgear_call_duration_seconds_bucket{", 40);
    assert_non_null(strstr(line, "} 1 #"));
    expose(SWGI_METRICS_TEXT);
    assert_no("trace_id");
}

static void test_the_agents_own(void **state) {
    (void)state;
    health.started_unix_s = 1700000000.5;
    health.requests[2] = 12345678901;
    health.reload_last_ok = 1;
    health.notifications_failed = 3;
    tick();
    expose(SWGI_METRICS_TEXT);
    assert_line("switchgear_build_info{version=\"0.1.0\"} 1");
    assert_line("switchgear_agent_start_time_seconds 1700000000.5");
    assert_line("switchgear_agent_http_requests_total{code=\"2xx\"} 12345678901");
    assert_line("switchgear_agent_config_last_reload_successful 1");
    assert_line("switchgear_agent_notifications_total{result=\"failed\"} 3");
    assert_line("switchgear_panel_circuits_limit 8");
}

/* ---- for others to look at */

static void leave(const char *folder, const char *name, int format) {
    char path[512];

    expose(format);
    if (folder == NULL)
        return;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void test_left_for_promtool(void **state) {
    const char *folder = getenv("METRICS_OUT");

    (void)state;
    set("bulkhead.max_concurrent", "4");
    set("limiter.rate", "300");
    configure("circuits: { dependency: { slo: { availability: 99.9, p99: 300ms } } }");
    health.started_unix_s = health.reload_last_unix_s = 1700000000;
    outage();
    set("breaker.trip.0.consecutive", "1");
    make_named("draftkings");
    calls(1, SWG_FAILURE);
    ticks(1);
    set("retry.attempts", "3");
    make_named("retried");
    call_taking(SWG_SUCCESS, MS(10));
    ticks(1);
    file->metrics.breakers_max = 4;
    make_named("folded");
    call_taking(SWG_SUCCESS, MS(10));
    ticks(1);
    leave(folder, "with_seeds.txt", SWGI_METRICS_TEXT);
    leave(folder, "openmetrics.txt", SWGI_METRICS_OPENMETRICS);
    file->metrics.seed_names = false;
    leave(folder, "ours.txt", SWGI_METRICS_TEXT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        EXPOSED(test_a_new_circuit),
        EXPOSED(test_an_outage),
        EXPOSED(test_a_histogram),
        EXPOSED(test_bounds_are_exact),
        EXPOSED(test_modes),
        EXPOSED(test_policies),
        EXPOSED(test_a_queue),
        EXPOSED(test_an_objective),
        EXPOSED(test_kinds_are_bounded),
        EXPOSED(test_hostile_kinds_are_escaped),
        EXPOSED(test_the_rest_is_folded),
        EXPOSED(test_newcomers_do_not_push_others_out),
        EXPOSED(test_what_leaves_stays_in_the_sum),
        EXPOSED(test_a_circuit_named_as_the_sum),
        EXPOSED(test_select),
        EXPOSED(test_no_seed_names),
        EXPOSED(test_headers),
        EXPOSED(test_openmetrics),
        EXPOSED(test_exemplars),
        EXPOSED(test_the_agents_own),
        EXPOSED(test_left_for_promtool),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
