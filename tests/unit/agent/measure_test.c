/* What the agent measures of circuits over time: a story on a clock that stands still. */
#include <math.h>

#include "measure_story.h"

#define assert_near(value, wanted, within) assert_true(fabs((value) - (wanted)) <= (within))

#define MEASURED(name) cmocka_unit_test_setup_teardown(name, begin_measured, end_measured)

static const struct swgi_measure *measure(void) {
    const struct swgi_measure *found = swgi_measures_find(measures, "dependency");

    assert_non_null(found);
    return found;
}

/* ---- who is there */

static void test_circuits_are_found_by_name_and_in_its_order(void **state) {
    static const char *const names[] = { "m", "a", "z" };

    (void)state;
    tick();
    assert_int_equal(swgi_measures_count(measures), 1); /* the panel's own */
    for (unsigned i = 0; i < 3; i++)
        make_named(names[i]);
    tick();
    assert_int_equal(swgi_measures_count(measures), 4);
    assert_string_equal(swgi_measures_at(measures, 0)->status.name, "_beyond");
    assert_string_equal(swgi_measures_at(measures, 1)->status.name, "a");
    assert_string_equal(swgi_measures_at(measures, 2)->status.name, "m");
    assert_string_equal(swgi_measures_at(measures, 3)->status.name, "z");
    assert_null(swgi_measures_at(measures, 4));
    assert_string_equal(swgi_measures_find(measures, "m")->status.name, "m");
    assert_null(swgi_measures_find(measures, "n"));
}

/* Idle for a whole sweep, its place is given to another; then it is called again. */
static void test_an_evicted_circuit_leaves(void **state) {
    char name[32];

    (void)state;
    make_named("early");
    struct swg_circuit *early = circuit;
    tick();
    assert_non_null(swgi_measures_find(measures, "early"));
    for (unsigned i = 0; i < 32; i++) {
        snprintf(name, sizeof(name), "late-%u", i);
        advance(S(i % 8 == 0 ? 11 : 0));
        (void)swg_circuit_get(panel, name, config, &circuit, NULL);
    }
    assert_int_equal(swg_circuit_state(early), -ENOENT);
    tick();
    assert_null(swgi_measures_find(measures, "early"));
    assert_non_null(swgi_measures_find(measures, "_beyond"));
    assert_in_range(swgi_measures_count(measures), 2, 9);
}

static void test_entries_of_the_file(void **state) {
    (void)state;
    configure("circuits: { dependency: { owner: ann }, '*': { owner: bob, max: 3 } }");
    make();
    tick();
    assert_string_equal(measure()->entry->owner, "ann");
    configure("circuits: { 'dep*': { owner: cleo, max: 3 } }");
    tick();
    assert_string_equal(measure()->entry->owner, "cleo");
    assert_null(swgi_measures_find(measures, "_beyond")->entry);
}

/* ---- counters over time */

static void test_a_quiet_circuit(void **state) {
    (void)state;
    make();
    tick();
    ticks(3);
    assert_true(measure()->calls_per_s == 0);
    assert_true(measure()->failure_rate_1m == -1);
    assert_true(measure()->latency_mean_1m == -1);
    assert_true(measure()->slo_budget_left == -1 && measure()->slo_burn_rate == -1);
    assert_int_equal(measure()->last_recovery, -1);
    assert_int_equal(measure()->in_state[SWG_STATE_CLOSED], S(3));
    assert_int_equal(measure()->at, now());
}

static void test_calls_of_before_are_no_news(void **state) {
    (void)state;
    set("breaker.trip", "none");
    make();
    calls(100, SWG_FAILURE);
    tick();
    ticks(1);
    assert_int_equal(measure()->calls_1m, 0);
    assert_int_equal(measure()->status.failures, 100);
}

static void test_calls_of_a_circuit_made_meanwhile_are(void **state) {
    (void)state;
    tick();
    advance(S(1));
    make();
    calls(7, SWG_SUCCESS);
    tick();
    assert_int_equal(measure()->calls_1m, 7);
    assert_true(measure()->calls_per_s == 7);
}

static void test_rates_are_of_ten_seconds(void **state) {
    (void)state;
    set("breaker.trip", "none");
    make();
    tick();
    for (unsigned i = 0; i < 20; i++) {
        calls(3, SWG_SUCCESS);
        calls(1, SWG_FAILURE);
        calls(1, SWG_TIMEOUT);
        ticks(1);
        assert_near(measure()->calls_per_s, 5, 1e-9);
        assert_near(measure()->failures_per_s, 2, 1e-9);
    }
    ticks(5);
    assert_near(measure()->calls_per_s, 2.5, 1e-9);
    ticks(5);
    assert_true(measure()->calls_per_s == 0);
}

static void test_ticks_between_seconds_change_no_rate(void **state) {
    (void)state;
    make();
    tick();
    for (unsigned i = 0; i < 400; i++) {
        calls(1, SWG_SUCCESS);
        advance(MS(50));
        tick();
    }
    assert_near(measure()->calls_per_s, 20, 0.01);
}

static void test_a_minute_and_no_longer(void **state) {
    (void)state;
    set("breaker.trip", "none");
    set("breaker.weights.timeout", "0.5");
    make();
    tick();
    calls(6, SWG_SUCCESS);
    calls(1, SWG_FAILURE);
    calls(3, SWG_TIMEOUT);
    calls(5, SWG_IGNORED);
    ticks(1);
    assert_int_equal(measure()->calls_1m, 15);
    assert_int_equal(measure()->failures_1m, 4);
    assert_true(measure()->failures_weighted_1m == 2.5);
    assert_true(measure()->failure_rate_1m == 0.4);
    ticks(59);
    assert_int_equal(measure()->calls_1m, 15);
    ticks(1);
    assert_int_equal(measure()->calls_1m, 0);
    assert_true(measure()->failure_rate_1m == -1);
}

static void test_a_long_gap_between_ticks(void **state) {
    (void)state;
    make();
    tick();
    calls(10, SWG_SUCCESS);
    ticks(1);
    advance(S(3600 * 24));
    tick();
    assert_int_equal(measure()->calls_1m, 0);
    calls(100, SWG_SUCCESS);
    advance(S(50));
    tick();
    assert_near(measure()->calls_per_s, 2, 1e-9);
    assert_int_equal(measure()->calls_1m, 100);
}

static void test_a_call_that_ends_much_later(void **state) {
    (void)state;
    make();
    tick();
    acquire();
    ticks(100);
    record_permit(&latest, SWG_FAILURE, S(100));
    ticks(1);
    assert_int_equal(measure()->calls_1m, 0);
    assert_int_equal(measure()->failures_1m, 1);
}

static void test_mean_latency(void **state) {
    (void)state;
    make();
    tick();
    for (unsigned i = 0; i < 10; i++)
        call_taking(SWG_SUCCESS, MS(100));
    for (unsigned i = 0; i < 10; i++)
        call_taking(SWG_SUCCESS, MS(300));
    ticks(1);
    assert_near(measure()->latency_mean_1m, 0.2, 0.2 / 8);
}

static void test_windows_empty_though_nothing_happens(void **state) {
    (void)state;
    preset("read");
    make();
    tick();
    calls(9, SWG_SUCCESS);
    calls(1, SWG_FAILURE);
    ticks(1);
    assert_near(measure()->status.failure_rate, 0.1, 1e-9);
    ticks(40);
    assert_true(measure()->status.failure_rate == -1);
}

/* ---- nearness */

static void test_nearness(void **state) {
    (void)state;
    make(); /* five in a row */
    tick();
    assert_true(measure()->near == 0);
    calls(4, SWG_FAILURE);
    ticks(1);
    assert_near(measure()->near, 0.8, 1e-9);
    calls(1, SWG_SUCCESS);
    ticks(1);
    assert_true(measure()->near == 0);
}

static void test_few_calls_are_not_near(void **state) {
    (void)state;
    set("breaker.trip.0.failure_rate.percent", "50");
    set("breaker.trip.0.failure_rate.window", "60s");
    set("breaker.trip.0.failure_rate.calls_min", "10");
    make();
    tick();
    calls(2, SWG_FAILURE);
    ticks(1);
    assert_near(measure()->near, 0.2, 1e-9);
    calls(3, SWG_SUCCESS);
    ticks(1);
    assert_near(measure()->near, 0.5, 1e-9);
    calls(15, SWG_SUCCESS);
    ticks(1);
    assert_near(measure()->near, 0.2, 1e-9); /* 2 of 20 against 50 % */
}

/* ---- an outage */

static void test_an_outage(void **state) {
    (void)state;
    make();
    tick();
    ticks(10);
    calls(5, SWG_FAILURE);
    swg_ns tripped = now();
    ticks(1);
    assert_int_equal(measure()->open_since, tripped);
    for (unsigned i = 0; i < 7; i++)
        assert_rejected();
    ticks(1);
    assert_int_equal(measure()->open_rejected, 7);
    assert_near(measure()->rejected_per_s, 0.7, 1e-9);
    ticks(29);
    assert_int_equal(measure()->status.state, SWG_STATE_HALF_OPEN);
    call(SWG_FAILURE); /* still broken */
    ticks(31);
    assert_int_equal(measure()->open_since, tripped);
    assert_int_equal(measure()->last_recovery, -1);
    calls(2, SWG_SUCCESS);
    swg_ns recovered = now();
    ticks(1);
    assert_int_equal(measure()->status.state, SWG_STATE_CLOSED);
    assert_int_equal(measure()->open_since, 0);
    assert_int_equal(measure()->last_recovery, recovered - tripped);
    assert_int_equal(measure()->open_rejected, 7);
    assert_int_equal(measure()->transitions_10m, 5);
    assert_near((double)measure()->in_state[SWG_STATE_OPEN], 60e9, 0.02e9);
    assert_near((double)measure()->in_state[SWG_STATE_HALF_OPEN], 2e9, 0.02e9);
    ticks(600);
    assert_int_equal(measure()->transitions_10m, 0);
}

static void test_an_outage_between_two_ticks(void **state) {
    (void)state;
    make();
    tick();
    calls(5, SWG_FAILURE);
    assert_rejected();
    assert_rejected();
    assert_int_equal(hand(swg_circuit_reset, 0, 1), 0);
    ticks(1);
    assert_int_equal(measure()->last_recovery, 0);
    assert_int_equal(measure()->open_rejected, 2);
    assert_int_equal(measure()->transitions_10m, 2);
    ticks(1);
    assert_int_equal(measure()->open_rejected, 2);
}

static void test_a_second_outage(void **state) {
    (void)state;
    make();
    tick();
    for (unsigned rejections = 3; rejections > 0; rejections--) {
        calls(5, SWG_FAILURE);
        ticks(1);
        for (unsigned i = 0; i < rejections; i++)
            assert_rejected();
        ticks(2);
        assert_int_equal(hand(swg_circuit_reset, 0, 1), 0);
        ticks(1);
        assert_int_equal(measure()->open_rejected, rejections);
        assert_int_equal(measure()->last_recovery, S(3));
    }
}

static void test_an_outage_whose_events_were_lost(void **state) {
    (void)state;
    make();
    tick();
    calls(5, SWG_FAILURE);
    swg_ns tripped = now();
    advance(S(1));
    swgi_measures_tick(measures, file);
    assert_int_equal(measure()->open_since, tripped);
    advance(S(30));
    calls(2, SWG_SUCCESS);
    advance(S(1));
    swgi_measures_tick(measures, file);
    assert_near((double)measure()->last_recovery, 30e9 + 1e9, (double)ROUNDING);
    assert_int_equal(measure()->open_since, 0);
}

static void test_open_when_the_agent_came(void **state) {
    (void)state;
    make();
    calls(5, SWG_FAILURE);
    assert_rejected();
    swg_ns tripped = now();
    advance(S(10));
    tick();
    assert_int_equal(measure()->open_since, tripped);
    assert_int_equal(measure()->open_rejected, 1);
}

/* ---- trend and anomaly */

static void seconds_of(unsigned seconds, unsigned good, unsigned bad) {
    while (seconds-- > 0) {
        calls(good, SWG_SUCCESS);
        calls(bad, SWG_FAILURE);
        ticks(1);
    }
}

static void test_trend(void **state) {
    (void)state;
    set("breaker.trip", "none");
    make();
    tick();
    seconds_of(60, 10, 0);
    assert_true(measure()->failure_trend == 0);
    for (unsigned i = 0; i < 9; i++)
        seconds_of(60, 10 - i, i); /* a tenth more every minute */
    assert_near(measure()->failure_trend, 0.095, 0.01);
    seconds_of(600, 5, 5);
    assert_near(measure()->failure_trend, 0, 0.001);
}

static void test_a_trend_wants_calls(void **state) {
    (void)state;
    set("breaker.trip", "none");
    make();
    tick();
    seconds_of(5, 1, 0);
    ticks(20);
    seconds_of(4, 0, 1);
    assert_true(measure()->failure_trend == 0); /* nine calls */
    seconds_of(1, 0, 1);
    assert_true(measure()->failure_trend > 1);
}

static void test_anomaly(void **state) {
    (void)state;
    set("breaker.trip", "none");
    make();
    tick();
    seconds_of(8 * 60, 9, 1);
    assert_true(measure()->anomaly == 0); /* not enough to compare with */
    for (unsigned i = 0; i < 20; i++)
        seconds_of(60, 9, i % 2);
    assert_near(measure()->anomaly, 0, 2.5);
    seconds_of(60, 5, 5);
    assert_true(measure()->anomaly > 3.5);
    ticks(70);
    assert_true(measure()->anomaly == 0); /* nobody calls */
}

static void test_few_calls_are_no_anomaly(void **state) {
    (void)state;
    set("breaker.trip", "none");
    make();
    tick();
    for (unsigned i = 0; i < 20; i++)
        seconds_of(60, 9, 0);
    ticks(60);
    seconds_of(1, 0, 9);
    assert_int_equal(measure()->calls_1m, 9);
    assert_true(measure()->anomaly == 0);
    seconds_of(1, 0, 1);
    assert_true(measure()->anomaly > 3.5);
}

/* Five failures opened it and two successes closed it: that is no failing circuit. */
static void test_what_failed_before_it_closed_is_over(void **state) {
    (void)state;
    set("breaker.open.for", "3s");
    make();
    tick();
    seconds_of(1, 20, 5);
    assert_int_equal(measure()->judged_lately, 25);
    assert_near(measure()->failure_rate_lately, 0.2, 1e-9);
    ticks(4);
    seconds_of(1, 2, 0);
    assert_int_equal(measure()->status.state, SWG_STATE_CLOSED);
    ticks(2);
    assert_near(measure()->failure_rate_1m, 5.0 / 27, 1e-9);
    assert_int_equal(measure()->judged_lately, 0);
    assert_true(measure()->failure_rate_lately == -1);
    seconds_of(2, 6, 2);
    assert_int_equal(measure()->judged_lately, 16);
    assert_near(measure()->failure_rate_lately, 0.25, 1e-9);
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0); /* it opens again, and that is still over */
    tick();
    assert_int_equal(measure()->status.state, SWG_STATE_OPEN);
    assert_int_equal(measure()->judged_lately, 16);
    assert_near(measure()->failure_rate_lately, 0.25, 1e-9);
}

static void test_one_failure_is_no_anomaly(void **state) {
    (void)state;
    set("breaker.trip", "none");
    make();
    tick();
    for (unsigned i = 0; i < 20 * 60; i++)
        seconds_of(1, i % 5 == 0, 0);
    seconds_of(1, 0, 1);
    assert_true(measure()->failure_rate_1m >= 0.07);
    assert_true(measure()->anomaly < 3.5);
}

/* ---- objectives */

static void test_budget(void **state) {
    (void)state;
    configure("circuits: { dependency: { slo: { availability: 99, window: 1h } } }");
    set("breaker.trip", "none");
    make();
    tick();
    assert_true(measure()->slo_budget_left == 1 && measure()->slo_burn_rate == 0);
    seconds_of(10, 199, 1);
    assert_near(measure()->slo_burn_rate, 0.5, 1e-9);
    assert_near(measure()->slo_budget_left, 0.5, 1e-9);
    seconds_of(10, 100, 100);
    assert_true(measure()->slo_budget_left == 0);
    assert_near(measure()->slo_burn_rate, 25.25, 1e-9);
    advance(S(3700));
    tick();
    assert_true(measure()->slo_budget_left == 1 && measure()->slo_burn_rate == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        MEASURED(test_circuits_are_found_by_name_and_in_its_order),
        MEASURED(test_an_evicted_circuit_leaves),
        MEASURED(test_entries_of_the_file),
        MEASURED(test_a_quiet_circuit),
        MEASURED(test_calls_of_before_are_no_news),
        MEASURED(test_calls_of_a_circuit_made_meanwhile_are),
        MEASURED(test_rates_are_of_ten_seconds),
        MEASURED(test_ticks_between_seconds_change_no_rate),
        MEASURED(test_a_minute_and_no_longer),
        MEASURED(test_a_long_gap_between_ticks),
        MEASURED(test_a_call_that_ends_much_later),
        MEASURED(test_mean_latency),
        MEASURED(test_windows_empty_though_nothing_happens),
        MEASURED(test_nearness),
        MEASURED(test_few_calls_are_not_near),
        MEASURED(test_an_outage),
        MEASURED(test_an_outage_between_two_ticks),
        MEASURED(test_a_second_outage),
        MEASURED(test_an_outage_whose_events_were_lost),
        MEASURED(test_open_when_the_agent_came),
        MEASURED(test_trend),
        MEASURED(test_a_trend_wants_calls),
        MEASURED(test_anomaly),
        MEASURED(test_one_failure_is_no_anomaly),
        MEASURED(test_few_calls_are_no_anomaly),
        MEASURED(test_what_failed_before_it_closed_is_over),
        MEASURED(test_budget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
