/* Why: each rule against its threshold, the last trip and its evidence, who holds what, what happened last. */
#include "../engine/inside.h"

#include <unistd.h>

static void set_every_rule(void) {
    set("breaker.trip.0.consecutive", "50");
    set("breaker.trip.1.failure_rate.percent", "60");
    set("breaker.trip.1.failure_rate.calls", "20");
    set("breaker.trip.2.slow_rate.percent", "70");
    set("breaker.trip.2.slow_rate.calls", "20");
    set("breaker.trip.3.failures.weight", "30");
    set("breaker.trip.3.failures.window", "60s");
    set("breaker.trip.4.failure_rate.percent", "55");
    set("breaker.trip.4.failure_rate.window", "30s");
    set("breaker.trip.5.slow_rate.percent", "80");
    set("breaker.trip.5.slow_rate.window", "30s");
    set("breaker.slow_call_duration", "1s");
}

static const struct swg_rule *rule(const struct swg_why *told, const char *name) {
    for (unsigned i = 0; i < told->rules_count; i++)
        if (strcmp(swg_rule_name(told->rules[i].rule), name) == 0)
            return &told->rules[i];
    fail_msg("no rule %s", name);
    return NULL;
}

static void test_each_rule_against_its_threshold(void **state) {
    struct swg_why told;

    (void)state;
    set_every_rule();
    make();
    calls(6, SWG_SUCCESS);
    call_taking(SWG_SUCCESS, S(2));
    calls(3, SWG_FAILURE);
    told = why();
    assert_int_equal(told.rules_count, 6);
    assert_true(rule(&told, "consecutive")->value == 3 &&
                rule(&told, "consecutive")->threshold == 50);
    assert_true(rule(&told, "count_failure_rate")->value == 0.3);
    assert_true(rule(&told, "count_failure_rate")->threshold == 0.6);
    assert_int_equal(rule(&told, "count_failure_rate")->calls, 10);
    assert_true(rule(&told, "count_slow_rate")->value == 0.1);
    assert_true(rule(&told, "time_1")->value == 3 && rule(&told, "time_1")->threshold == 30);
    assert_true(rule(&told, "time_2")->value == 0.3 && rule(&told, "time_2")->threshold == 0.55);
    assert_true(rule(&told, "time_3")->value == 0.1);
    assert_string_equal(rule(&told, "time_2")->text, "failure rate >= 55 % of 30s");
    for (unsigned i = 0; i < told.rules_count; i++)
        assert_false(told.rules[i].met);
    assert_int_equal(told.evidence, 0);
}

static void test_a_rule_that_is_met_and_waits_says_so(void **state) {
    struct swg_why told;

    (void)state;
    set("breaker.trip.0.failure_rate.percent", "50");
    set("breaker.trip.0.failure_rate.window", "30s");
    set("breaker.trip.0.failure_rate.calls_min", "10");
    make();
    calls(3, SWG_FAILURE);
    told = why();
    assert_true(told.rules[0].met);
    assert_int_equal(told.rules[0].calls, 3);
    assert_int_equal(told.rules[0].calls_min, 10);
}

static void test_a_window_that_judges_nothing_is_no_rule(void **state) {
    (void)state;
    preset("read");
    make();
    call(SWG_FAILURE);
    assert_int_equal(why().rules_count, 1);
    assert_true(status().failure_rate == 1);
}

static void test_the_last_trip(void **state) {
    struct swg_why told;

    (void)state;
    make();
    calls(5, SWG_FAILURE);
    swg_ns at = now();

    advance(S(100));
    calls(2, SWG_SUCCESS);
    told = why();
    assert_int_equal(told.evidence, 1);
    assert_int_equal(told.trip.at, at);
    assert_int_equal(told.trip.from, SWG_STATE_CLOSED);
    assert_int_equal(told.trip.to, SWG_STATE_OPEN);
    assert_in_range(told.trip.until, at + S(30), at + S(30) + ROUNDING);
    assert_int_equal(told.transitions_count, 3);
    assert_int_equal(told.transitions[0].to, SWG_STATE_CLOSED);
    assert_int_equal(told.transitions[1].to, SWG_STATE_HALF_OPEN);
    assert_int_equal(told.transitions[2].to, SWG_STATE_OPEN);
    assert_true(told.transitions[2].value == 5);
}

/* Of all its life, what came before the trip, and nothing of what came after. */
static void test_what_was_counted_by_the_trip(void **state) {
    struct swg_why told;

    (void)state;
    set("breaker.slow_call_duration", "1s");
    set("breaker.trip.0.consecutive", "5");
    make();
    calls(2, SWG_FAILURE);
    call_taking(SWG_SUCCESS, S(2));
    calls(4, SWG_FAILURE);
    call(SWG_TIMEOUT);
    told = why();
    assert_int_equal(told.evidence, 1);
    assert_int_equal(told.trip_failures, 6);
    assert_int_equal(told.trip_timeouts, 1);
    assert_int_equal(told.trip_slow, 1);
}

static void test_lost_evidence_is_told_as_lost(void **state) {
    (void)state;
    make();
    calls(5, SWG_FAILURE);
    swgi_store(&cell()->evidence.words[0], 1);
    assert_int_equal(why().evidence, 2);
    assert_string_equal(swg_rule_name(why().status.rule), "consecutive");
}

static void test_at_most_five_transitions_newest_first_and_of_this_circuit(void **state) {
    struct swg_why told;

    (void)state;
    make_named("other");
    calls(5, SWG_FAILURE);
    make();
    for (int i = 0; i < 4; i++) {
        hand(swg_circuit_trip, 0, 1);
        advance(S(1));
        hand(swg_circuit_reset, 0, 1);
    }
    told = why();
    assert_int_equal(told.transitions_count, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_string_equal(told.transitions[i].circuit, "dependency");
        assert_int_equal(told.transitions[i].kind, i % 2 == 0 ? SWG_EVENT_RESET : SWG_EVENT_TRIP);
        assert_string_equal(told.transitions[i].user, "ann");
    }
}

static void fail_saying(const char *text) {
    struct swg_failure failure = SWG_FAILURE_INIT;

    failure.kind = "refused";
    failure.code = 111;
    failure.text = text;
    assert_int_equal(acquire(), SWG_GO);
    assert_int_equal(swg_record_at(&latest, SWG_FAILURE, &failure, now(), 0), 0);
}

static void test_samples_of_errors_one_a_second(void **state) {
    struct swg_why told;

    (void)state;
    set("breaker.trip", "none");
    make();
    fail_saying("first");
    fail_saying("in the same second");
    advance(S(1));
    fail_saying("second");
    told = why();
    assert_int_equal(told.samples_count, 2);
    assert_string_equal(told.samples[0].text, "second");
    assert_string_equal(told.samples[1].text, "first");
    assert_string_equal(told.samples[0].error_kind, "refused");
    assert_int_equal(told.samples[0].code, 111);
}

static void fail_traced(const char *traceparent) {
    struct swg_failure failure = SWG_FAILURE_INIT;
    failure.kind = "refused";
    failure.traceparent = traceparent;
    assert_int_equal(acquire(), SWG_GO);
    assert_int_equal(swg_record_at(&latest, SWG_FAILURE, &failure, now(), S(3) / 2), 0);
    advance(S(1));
}

static void test_a_sample_tells_the_trace_and_how_long_it_took(void **state) {
    struct swg_why told;

    (void)state;
    set("breaker.trip", "none");
    make();
    fail_traced("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    fail_traced("00-not-a-trace");
    fail_traced(NULL);
    told = why();
    assert_int_equal(told.samples_count, 3);
    assert_string_equal(told.samples[0].trace_id, "");
    assert_string_equal(told.samples[1].trace_id, "");
    assert_string_equal(told.samples[2].trace_id, "0af7651916cd43dd8448eb211c80319c");
    assert_true(told.samples[2].value == 1.5);
}

static void test_who_holds_a_probe(void **state) {
    struct swg_why told;

    (void)state;
    set("breaker.half_open.probes", "3");
    make();
    calls(5, SWG_FAILURE);
    advance(S(31));
    acquire();
    acquire();
    told = why();
    assert_int_equal(told.holders_count, 2);
    assert_int_equal(told.holders[0].pid, getpid());
    assert_true(told.holders[0].alive);
    assert_int_equal(told.holders[1].probe, 1);
    assert_true(strlen(told.holders[0].process) > 0);
}

static void test_who_set_the_mode(void **state) {
    (void)state;
    make();
    assert_string_equal(why().mode_user, "");
    mode(SWG_MODE_FORCED_OPEN, 0);
    assert_string_equal(why().mode_user, "ann");
    assert_string_equal(why().mode_reason, "a story");
    mode(SWG_MODE_NORMAL, 0);
    assert_string_equal(why().mode_user, "");
}

static void test_where_its_settings_came_from(void **state) {
    (void)state;
    preset("queue");
    make();
    assert_string_equal(why().origin, "code, preset queue");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_each_rule_against_its_threshold),
        STORY(test_a_rule_that_is_met_and_waits_says_so),
        STORY(test_a_window_that_judges_nothing_is_no_rule),
        STORY(test_the_last_trip),
        STORY(test_what_was_counted_by_the_trip),
        STORY(test_lost_evidence_is_told_as_lost),
        STORY(test_at_most_five_transitions_newest_first_and_of_this_circuit),
        STORY(test_samples_of_errors_one_a_second),
        STORY(test_a_sample_tells_the_trace_and_how_long_it_took),
        STORY(test_who_holds_a_probe),
        STORY(test_who_set_the_mode),
        STORY(test_where_its_settings_came_from),
    };

    return cmocka_run_group_tests_name("circuit: why", tests, NULL, NULL);
}
