/* The time window: what happened in the last W seconds, whatever clocks say. */
#include "inside.h"

static void set_rate(const char *percent, const char *window, const char *calls_min) {
    set("breaker.trip.0.failure_rate.percent", percent);
    set("breaker.trip.0.failure_rate.window", window);
    set("breaker.trip.0.failure_rate.calls_min", calls_min);
}

static void test_a_rate_trips_from_calls_min_on(void **state) {
    (void)state;
    set_rate("50", "30s", "10");
    make();
    calls(9, SWG_FAILURE);
    assert_state(CLOSED);
    call(SWG_FAILURE);
    assert_open_by("time_1");
    assert_int_equal(why().trip.calls, 10);
    assert_true(why().trip.value == 1 && why().trip.threshold == 0.5);
}

static void test_at_the_share_or_above_it(void **state) {
    (void)state;
    set_rate("50", "30s", "10");
    make();
    calls(5, SWG_SUCCESS);
    calls(5, SWG_FAILURE);
    assert_open_by("time_1");

    set("breaker.compare", "above");
    make_named("above");
    calls(5, SWG_SUCCESS);
    calls(5, SWG_FAILURE);
    assert_state(CLOSED);
    call(SWG_FAILURE);
    assert_open_by("time_1");
}

static void test_a_success_that_completes_calls_min_trips(void **state) {
    (void)state;
    set_rate("50", "30s", "10");
    make();
    calls(6, SWG_FAILURE);
    assert_true(swgi_ctl_armed(ctl()));
    calls(3, SWG_SUCCESS);
    assert_state(CLOSED);
    call(SWG_SUCCESS);
    assert_open_by("time_1");
}

static void test_unless_successes_are_not_judged(void **state) {
    (void)state;
    set_rate("50", "30s", "10");
    set("breaker.judge_on_success", "no");
    make();
    calls(6, SWG_FAILURE);
    calls(5, SWG_SUCCESS);
    assert_state(CLOSED);
    call(SWG_FAILURE);
    assert_open_by("time_1");
}

static void test_it_is_disarmed_when_the_rate_is_no_longer_met(void **state) {
    (void)state;
    set_rate("50", "30s", "20");
    make();
    calls(3, SWG_FAILURE);
    assert_true(swgi_ctl_armed(ctl()));
    calls(4, SWG_SUCCESS);
    assert_false(swgi_ctl_armed(ctl()));
    calls(40, SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_what_is_older_than_the_window_is_forgotten(void **state) {
    (void)state;
    set_rate("50", "30s", "10");
    make();
    calls(9, SWG_FAILURE);
    advance(S(30));
    call(SWG_FAILURE);
    assert_state(CLOSED);
    assert_int_equal(status().window_calls, 1);
}

/* 30 s in slices of 2 s: between 28 and 30 s are covered. */
static void test_it_covers_the_running_slice_and_those_before_it(void **state) {
    int64_t start;

    (void)state;
    set_rate("100", "30s", "1000");
    make();
    call(SWG_FAILURE);
    start = now();
    while (status().window_calls == 1)
        advance(MS(1));
    assert_true(now() - start > S(28) && now() - start <= S(30));
}

static void test_a_gap_of_years_is_a_gap(void **state) {
    static const swg_ns gaps[] = { S(31), S(3600), S(86400), S(86400) * 365, S(86400) * 365 * 5 };

    (void)state;
    set_rate("50", "30s", "10");
    make();
    for (unsigned i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++) {
        calls(9, SWG_FAILURE);
        advance(gaps[i]);
        assert_int_equal(status().window_calls, 0);
        call(SWG_FAILURE);
        assert_int_equal(status().window_calls, 1);
        assert_state(CLOSED);
        advance(S(31));
    }
}

/* Its slices are short: in 30 hours more than half of all ticks there are go by. */
static void test_half_the_circle_of_ticks_is_a_gap_too(void **state) {
    (void)state;
    set_rate("50", "10ms", "10");
    make();
    for (int hours = 10; hours < 200; hours += 7) {
        calls(9, SWG_FAILURE);
        advance(S(3600) * hours);
        assert_int_equal(status().window_calls, 0);
        call(SWG_FAILURE);
        assert_int_equal(status().window_calls, 1);
        assert_state(CLOSED);
        advance(S(1));
    }
}

static void test_ticks_wrap(void **state) {
    (void)state;
    set_rate("50", "15s", "12");
    make();
    age_ticks((uint32_t)SWGI_MASK(SWGI_TICK_BITS) - 5);
    for (int i = 0; i < 30; i++) {
        call(i % 3 == 0 ? SWG_FAILURE : SWG_SUCCESS);
        advance(S(1));
        assert_int_equal(status().window_calls, i < 14 ? i + 1 : 14);
    }
    assert_state(CLOSED);
}

static void test_a_count_is_weighted(void **state) {
    (void)state;
    set("breaker.trip.0.failures.weight", "10");
    set("breaker.trip.0.failures.window", "60s");
    set("breaker.weights.timeout", "0.5");
    make();
    calls(1000, SWG_SUCCESS);
    calls(9, SWG_FAILURE);
    call(SWG_TIMEOUT);
    assert_state(CLOSED);
    call(SWG_TIMEOUT);
    assert_open_by("time_1");
    assert_true(why().trip.value == 10);
}

static void test_slow_calls_have_a_rate_whatever_their_outcome(void **state) {
    (void)state;
    set("breaker.trip.0.slow_rate.percent", "50");
    set("breaker.trip.0.slow_rate.window", "10s");
    set("breaker.trip.0.slow_rate.calls_min", "4");
    set("breaker.slow_call_duration", "1s");
    make();
    call_taking(SWG_SUCCESS, S(2));
    call_taking(SWG_SUCCESS, S(1));
    call_taking(SWG_FAILURE, MS(1));
    assert_state(CLOSED);
    call_taking(SWG_TIMEOUT, S(30));
    assert_open_by("time_1");
}

static void test_four_rules_share_the_slices_and_the_first_to_fire_trips(void **state) {
    (void)state;
    set("breaker.trip.0.failure_rate.percent", "90");
    set("breaker.trip.0.failure_rate.window", "10s");
    set("breaker.trip.1.failures.weight", "6");
    set("breaker.trip.1.failures.window", "30s");
    set("breaker.trip.2.slow_rate.percent", "90");
    set("breaker.trip.2.slow_rate.window", "20s");
    set("breaker.trip.3.failure_rate.percent", "30");
    set("breaker.trip.3.failure_rate.window", "60s");
    set("breaker.trip.3.failure_rate.calls_min", "16");
    set("breaker.slow_call_duration", "1s");
    make();
    for (int i = 0; i < 5; i++) {
        call(SWG_FAILURE);
        call(SWG_SUCCESS);
        advance(S(8));
    }
    assert_state(
        CLOSED); /* 30 s ago two of the five had happened that the second rule does not see */
    calls(5, SWG_SUCCESS);
    call(SWG_FAILURE);
    assert_open_by("time_4");
    assert_int_equal(why().rules_count, 4);
}

static void test_whoever_enters_a_new_slice_judges(void **state) {
    (void)state;
    set_rate("50", "15s", "10");
    make();
    calls(20, SWG_SUCCESS);
    advance(S(5));
    calls(15, SWG_FAILURE);
    assert_state(CLOSED); /* 15 of 35 */
    advance(S(11));       /* the successes are gone */
    call(SWG_SUCCESS);
    assert_open_by("time_1");
}

static void test_an_ignored_outcome_does_not_keep_a_slice_from_being_judged(void **state) {
    (void)state;
    set_rate("50", "15s", "10");
    make();
    calls(20, SWG_SUCCESS);
    advance(S(5));
    calls(15, SWG_FAILURE);
    advance(S(11));
    call(SWG_IGNORED);
    call(SWG_SUCCESS);
    assert_open_by("time_1");
}

static void test_a_verdict_withheld_is_spoken_when_the_interval_has_passed(void **state) {
    (void)state;
    set_rate("50", "30s", "10");
    set("breaker.min_state_transition_interval", "2s");
    make();
    assert_int_equal(hand(swg_circuit_reset, 0, 0), 0);
    calls(12, SWG_FAILURE);
    assert_state(CLOSED);
    assert_true(swgi_ctl_armed(ctl()));
    advance(S(2) + ROUNDING);
    call(SWG_SUCCESS);
    assert_open_by("time_1");
}

/* ---- transitions */

static void recover(void) {
    advance(S(31));
    calls(2, SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_it_starts_empty_after_a_transition_and_metrics_do_not(void **state) {
    (void)state;
    set_rate("50", "10m", "10");
    make();
    calls(10, SWG_FAILURE);
    recover();
    calls(9, SWG_FAILURE);
    assert_state(CLOSED);
    assert_int_equal(status().window_calls, 9);
    assert_int_equal(status().failures, 19);
    call(SWG_FAILURE);
    assert_state(OPEN);
}

static void test_it_may_be_kept(void **state) {
    (void)state;
    set_rate("50", "10m", "10");
    set("breaker.window_on_close", "kept");
    make();
    calls(10, SWG_FAILURE);
    advance(S(31));
    call(SWG_SUCCESS);
    assert_int_equal(status().window_calls, 11);
    call(SWG_SUCCESS);
    assert_int_equal(status().window_calls, 12);
    assert_state(CLOSED);
    call(SWG_FAILURE);
    assert_open_by("time_1");
}

static void test_kept_probes_count_when_they_happened(void **state) {
    (void)state;
    set_rate("50", "20s", "10");
    set("breaker.window_on_close", "kept");
    set("breaker.open.for", "15s");
    make();
    calls(10, SWG_FAILURE);
    advance(S(16));
    calls(2, SWG_SUCCESS); /* probes */
    advance(S(10));
    assert_int_equal(status().window_calls, 2);
}

static void test_a_kept_window_survives_no_change_of_weights(void **state) {
    (void)state;
    set_rate("50", "30s", "4");
    set("breaker.window_on_close", "kept");
    make();
    calls(3, SWG_TIMEOUT);
    change("breaker.weights.timeout", "0.5");
    assert_int_equal(status().window_calls, 0);
    calls(4, SWG_TIMEOUT);
    assert_true(status().failure_rate == 0.5);
    assert_open_by("time_1");
}

static void test_windows_restart_when_generations_wrap(void **state) {
    (void)state;
    set_rate("100", "30s", "100");
    make();
    age_generation(SWGI_MASK(SWGI_GENERATION_BITS) - 2);
    for (int i = 0; i < 6; i++) {
        calls(7, SWG_FAILURE);
        assert_int_equal(status().window_calls, 7);
        assert_int_equal(hand(swg_circuit_reset, 0, 0), 0);
        assert_int_equal(status().window_calls, 0);
    }
    assert_true(generation() < 5);
}

static void test_another_window_starts_anew_and_other_thresholds_do_not(void **state) {
    (void)state;
    set_rate("100", "30s", "100");
    make();
    calls(20, SWG_FAILURE);
    change("breaker.open.for", "10s");
    assert_int_equal(status().window_calls, 20);
    change("breaker.trip.0.failure_rate.percent", "50"); /* a list is replaced: 30 s, 10 calls */
    assert_int_equal(status().window_calls, 20);
    call(SWG_FAILURE);
    assert_open_by("time_1");
    assert_int_equal(hand(swg_circuit_reset, 0, 1), 0);
    calls(5, SWG_FAILURE);
    set_rate("50", "10s", "10");
    assert_int_equal(swg_circuit_configure(circuit, config, NULL), 0);
    assert_int_equal(status().window_calls, 0);
    assert_state(CLOSED);
}

/* ---- clocks */

static void call_at(swg_ns at, int outcome) {
    assert_int_equal(swg_acquire_at(circuit, NULL, at, &latest), SWG_GO);
    assert_int_equal(swg_record_at(&latest, outcome, NULL, at, 0), 0);
}

static void test_time_that_runs_backward_is_the_same_slice(void **state) {
    (void)state;
    set_rate("50", "1500ms", "10");
    make();
    calls(5, SWG_FAILURE);
    advance(MS(900));
    call(SWG_FAILURE);
    call_at(now() - MS(900), SWG_FAILURE);
    call_at(now() - MS(500), SWG_FAILURE);
    assert_int_equal(status().window_calls, 8);
    assert_int_equal(settings().slice_ns, MS(100));
    advance(MS(700));
    assert_int_equal(status().window_calls, 3);
}

static void test_an_instant_before_the_circuit_was_made_is_its_first(void **state) {
    (void)state;
    set_rate("50", "10ms", "10");
    make();
    call_at(now() - 1, SWG_FAILURE);
    calls(8, SWG_FAILURE);
    assert_int_equal(status().window_calls, 9);
    call(SWG_FAILURE);
    assert_open_by("time_1");
}

static void test_one_bad_clock_poisons_nobody(void **state) {
    static const swg_ns bad[] = { 0,         1,         -1,
                                  INT64_MIN, INT64_MAX, INT64_C(1790000000000000000),
                                  S(86400) };

    (void)state;
    set_rate("50", "30s", "1000");
    make();
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t before = status().window_calls;

        call_at(bad[i], SWG_FAILURE);
        call_at(bad[i], SWG_SUCCESS);
        calls(3, SWG_SUCCESS);
        assert_int_equal(status().window_calls, before + 5);
        assert_true(status().last_success <= now() && status().last_failure <= now());
    }
    advance(S(31));
    assert_int_equal(status().window_calls, 0);
    calls(2, SWG_FAILURE);
    advance(S(20));
    calls(2, SWG_FAILURE);
    assert_int_equal(status().window_calls, 4);
    advance(S(10));
    assert_int_equal(status().window_calls, 2);
}

static void test_an_epoch_ahead_of_the_clock_is_cured(void **state) {
    (void)state;
    set_rate("50", "30s", "10");
    make();
    calls(3, SWG_FAILURE);
    for (uint32_t ahead = 100; ahead < UINT32_C(1) << 27; ahead *= 3) {
        uint64_t epoch = swgi_load(&cell()->epoch);

        swgi_store(&cell()->epoch,
                   swgi_epoch(swgi_epoch_generation(epoch), swgi_epoch_tick(epoch) + ahead));
        calls(9, SWG_FAILURE);
        assert_int_equal(status().window_calls, 9);
        advance(S(31));
        call(SWG_FAILURE);
        assert_int_equal(status().window_calls, 1);
        assert_state(CLOSED);
    }
}

static void test_many_calls_are_not_too_many_for_the_words(void **state) {
    (void)state;
    set_rate("50", "30s", "10");
    make();
    /* As if it had lived through 2^36 calls but for a few: differences are modulo a snapshot's width. */
    call(SWG_SUCCESS);
    swgi_store(&cell()->failures, (UINT64_C(1) << 35) - 5);
    advance(S(31));
    call(SWG_SUCCESS);
    advance(S(31));
    calls(9, SWG_FAILURE);
    assert_int_equal(status().window_calls, 9);
    call(SWG_FAILURE);
    assert_open_by("time_1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_a_rate_trips_from_calls_min_on),
        STORY(test_at_the_share_or_above_it),
        STORY(test_a_success_that_completes_calls_min_trips),
        STORY(test_unless_successes_are_not_judged),
        STORY(test_it_is_disarmed_when_the_rate_is_no_longer_met),
        STORY(test_what_is_older_than_the_window_is_forgotten),
        STORY(test_it_covers_the_running_slice_and_those_before_it),
        STORY(test_a_gap_of_years_is_a_gap),
        STORY(test_half_the_circle_of_ticks_is_a_gap_too),
        STORY(test_ticks_wrap),
        STORY(test_a_count_is_weighted),
        STORY(test_slow_calls_have_a_rate_whatever_their_outcome),
        STORY(test_four_rules_share_the_slices_and_the_first_to_fire_trips),
        STORY(test_whoever_enters_a_new_slice_judges),
        STORY(test_an_ignored_outcome_does_not_keep_a_slice_from_being_judged),
        STORY(test_a_verdict_withheld_is_spoken_when_the_interval_has_passed),
        STORY(test_it_starts_empty_after_a_transition_and_metrics_do_not),
        STORY(test_it_may_be_kept),
        STORY(test_kept_probes_count_when_they_happened),
        STORY(test_a_kept_window_survives_no_change_of_weights),
        STORY(test_windows_restart_when_generations_wrap),
        STORY(test_another_window_starts_anew_and_other_thresholds_do_not),
        STORY(test_time_that_runs_backward_is_the_same_slice),
        STORY(test_an_instant_before_the_circuit_was_made_is_its_first),
        STORY(test_one_bad_clock_poisons_nobody),
        STORY(test_an_epoch_ahead_of_the_clock_is_cured),
        STORY(test_many_calls_are_not_too_many_for_the_words),
    };

    return cmocka_run_group_tests_name("engine: time window", tests, NULL, NULL);
}
