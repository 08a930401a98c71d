/* HALF_OPEN's probes: so many at a time or in all, what decides, and leases that cannot wedge it. */
#include "inside.h"

static struct swg_permit held[32];

/* Trips, and lets the open time pass. */
static void open_and_wait(void) {
    make();
    calls(5, SWG_FAILURE);
    assert_state(OPEN);
    advance(S(30) + ROUNDING);
    assert_state(HALF_OPEN);
}

static void take(unsigned first, unsigned count) {
    for (unsigned i = first; i < first + count; i++) {
        assert_int_equal(acquire(), SWG_GO);
        held[i] = latest;
    }
}

static void end(unsigned i, int outcome) {
    record_permit(&held[i], outcome, 0);
}

static void set_probes(const char *probes, const char *threshold) {
    set("breaker.half_open.probes", probes);
    set("breaker.half_open.success_threshold", threshold);
}

/* Of the last transition: what was compared with what. */
static void assert_told(double value, double threshold, uint64_t calls) {
    struct swg_event last = why().transitions[0];

    assert_int_equal(last.kind, SWG_EVENT_TRANSITION);
    assert_string_equal(swg_rule_name(last.rule), "probe");
    assert_float_equal(last.value, value, 1e-9);
    assert_float_equal(last.threshold, threshold, 1e-9);
    assert_int_equal(last.calls, calls);
}

static void test_so_many_at_a_time_until_enough_succeeded(void **state) {
    (void)state;
    set_probes("2", "3");
    open_and_wait();
    take(0, 2);
    assert_rejected();
    assert_int_equal(status().probes_held, 2);
    end(0, SWG_SUCCESS);
    take(0, 1);
    assert_rejected();
    end(0, SWG_SUCCESS);
    assert_int_equal(status().probe_successes, 2);
    assert_state(HALF_OPEN);
    end(1, SWG_SUCCESS);
    assert_state(CLOSED);
    assert_told(3, 3, 3);
}

static void test_one_failure_opens_again(void **state) {
    (void)state;
    set_probes("3", "3");
    open_and_wait();
    take(0, 3);
    end(0, SWG_SUCCESS);
    end(1, SWG_TIMEOUT);
    assert_open_by("probe");
    assert_told(1, 1, 2);
    end(2, SWG_SUCCESS);
    assert_int_equal(status().late, 1);
    assert_state(OPEN);
    assert_int_equal(status().trips_in_a_row, 2);
}

static void test_more_successes_than_slots_are_counted(void **state) {
    (void)state;
    set_probes("1", "255");
    open_and_wait();
    calls(254, SWG_SUCCESS);
    assert_state(HALF_OPEN);
    call(SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_sixteen_at_a_time_is_the_most(void **state) {
    (void)state;
    set_probes("16", "16");
    open_and_wait();
    take(0, 16);
    assert_rejected();
    for (unsigned i = 0; i < 16; i++)
        end(i, SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_in_total_so_many_calls_decide(void **state) {
    (void)state;
    set("breaker.half_open.permits", "total");
    set_probes("3", "3");
    open_and_wait();
    take(0, 3);
    end(0, SWG_SUCCESS);
    assert_rejected();
    end(1, SWG_SUCCESS);
    assert_rejected();
    assert_state(HALF_OPEN);
    end(2, SWG_SUCCESS);
    assert_state(CLOSED);
}

static void set_rate_verdict(const char *percent) {
    set("breaker.trip.0.consecutive", "5");
    set("breaker.trip.1.failure_rate.percent", percent);
    set("breaker.trip.1.failure_rate.window", "30s");
    set("breaker.trip.1.failure_rate.calls_min", "1000");
    set("breaker.half_open.permits", "total");
    set("breaker.half_open.verdict", "rate");
    set_probes("4", "1");
}

static void test_a_rate_judges_all_of_them_together(void **state) {
    (void)state;
    set_rate_verdict("50");
    open_and_wait();
    take(0, 4);
    end(0, SWG_FAILURE);
    end(1, SWG_SUCCESS);
    end(2, SWG_SUCCESS);
    assert_state(HALF_OPEN);
    end(3, SWG_SUCCESS);
    assert_state(CLOSED);
    assert_told(0.25, 0.5, 4);
}

static void test_a_rate_that_is_reached_opens_again(void **state) {
    (void)state;
    set_rate_verdict("50");
    open_and_wait();
    take(0, 4);
    end(0, SWG_FAILURE);
    end(1, SWG_SUCCESS);
    end(2, SWG_FAILURE);
    end(3, SWG_SUCCESS);
    assert_open_by("probe");
    assert_told(0.5, 0.5, 4);
}

static void test_a_rate_weighs_timeouts(void **state) {
    (void)state;
    set_rate_verdict("50");
    set("breaker.weights.timeout", "0.5");
    open_and_wait();
    take(0, 4);
    end(0, SWG_FAILURE);
    end(1, SWG_TIMEOUT);
    end(2, SWG_SUCCESS);
    end(3, SWG_SUCCESS);
    assert_state(CLOSED); /* 1.5 of 4 */
    assert_told(1.5 / 4, 0.5, 4);
}

static void test_slow_probes_fail_where_slowness_is_judged(void **state) {
    (void)state;
    set("breaker.slow_call_duration", "1s");
    open_and_wait();
    take(0, 1);
    record_permit(&held[0], SWG_SUCCESS, S(2));
    assert_int_equal(status().probe_successes, 1); /* no rule about it: counted, no more */
    call(SWG_SUCCESS);
    assert_state(CLOSED);

    set("breaker.trip.0.consecutive", "5");
    set("breaker.trip.1.slow_rate.percent", "50");
    set("breaker.trip.1.slow_rate.window", "30s");
    make_named("slow-rule");
    calls(5, SWG_FAILURE);
    advance(S(31));
    take(0, 1);
    record_permit(&held[0], SWG_SUCCESS, S(2));
    assert_open_by("probe");
    assert_told(1, 1, 1);
}

static void test_an_ignored_outcome_frees_its_probe(void **state) {
    (void)state;
    open_and_wait();
    take(0, 1);
    end(0, SWG_IGNORED);
    assert_int_equal(status().probes_held, 0);
    assert_int_equal(status().probe_successes, 0);
    calls(2, SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_a_cancelled_call_frees_its_probe(void **state) {
    (void)state;
    open_and_wait();
    take(0, 1);
    swg_cancel(&held[0]);
    assert_int_equal(status().probes_held, 0);
    take(0, 1);
    assert_int_equal(status().cancelled, 1);
}

static void test_a_silent_lease_is_taken_over_and_successes_stay(void **state) {
    (void)state;
    set_probes("2", "3");
    open_and_wait();
    call(SWG_SUCCESS);
    take(0, 2);
    assert_rejected();
    advance(S(60) - ROUNDING);
    assert_rejected();
    advance(3 * ROUNDING);
    take(2, 2);
    assert_rejected();
    assert_int_equal(status().probe_successes, 1);
    end(0, SWG_FAILURE); /* of a lease that was lost */
    assert_state(HALF_OPEN);
    assert_int_equal(status().late, 1);
    end(2, SWG_SUCCESS);
    end(3, SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_every_sign_of_life_lengthens_the_leases(void **state) {
    (void)state;
    set_probes("2", "5");
    open_and_wait();
    take(0, 1);
    for (int i = 0; i < 4; i++) {
        advance(S(40));
        call(SWG_SUCCESS);
    }
    assert_int_equal(status().probes_held, 1);
    end(0, SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_sparse_traffic_closes_too(void **state) {
    (void)state;
    set_probes("1", "3");
    open_and_wait();
    for (int i = 0; i < 3; i++) {
        assert_state(HALF_OPEN);
        call(SWG_SUCCESS);
        advance(S(3600));
    }
    assert_state(CLOSED);
}

static void test_a_dead_holder_s_probe_is_taken_over_at_once(void **state) {
    uint64_t dead;

    (void)state;
    open_and_wait();
    take(0, 1);
    assert_rejected();
    dead = swgi_load(&cell()->probes[0]);
    /* As if a process in slot 900, which never was, had taken it. */
    swgi_store(&cell()->probes[0], swgi_probe(swgi_probe_generation(dead), SWGI_PROBE_HELD, 900, 1,
                                              swgi_probe_sequence(dead), 1));
    assert_int_equal(acquire(), SWG_GO);
    assert_int_equal(status().probe_successes, 1);
    record_permit(&latest, SWG_SUCCESS, 0);
    assert_state(CLOSED);
}

static void test_liveness_is_asked_once_in_ten_milliseconds(void **state) {
    uint64_t stamp;

    (void)state;
    open_and_wait();
    take(0, 1);
    swgi_store(&cell()->probes[0], swgi_probe(generation(), SWGI_PROBE_HELD, 900, 1, 0, 0));
    stamp = (uint64_t)now() - 9000000;
    swgi_store(&cell()->liveness_stamp, stamp);
    assert_rejected();
    assert_int_equal(swgi_load(&cell()->liveness_stamp), stamp);
    advance(MS(1));
    assert_int_equal(acquire(), SWG_GO);
}

static void test_a_copied_permit_is_caught(void **state) {
    struct swg_permit copy;

    (void)state;
    set_probes("2", "4");
    open_and_wait();
    take(0, 1);
    copy = held[0];
    end(0, SWG_SUCCESS);
    assert_int_equal(swg_record_at(&copy, SWG_SUCCESS, NULL, now(), 0), -EINVAL);
    assert_int_equal(status().probe_successes, 1);
    assert_int_equal(status().successes, 6 - 5);
    copy = held[0];
    assert_int_equal(swg_record(&copy, SWG_FAILURE), 0); /* an ended permit is a no-op */
}

static void test_a_copy_kept_past_a_new_holder_moves_nothing(void **state) {
    struct swg_permit copy;

    (void)state;
    set_probes("1", "3");
    open_and_wait();
    take(0, 1);
    copy = held[0];
    end(0, SWG_SUCCESS);
    take(1, 1);
    swg_record_at(&copy, SWG_FAILURE, NULL, now(), 0);
    assert_state(HALF_OPEN);
    assert_int_equal(status().probes_held, 1);
}

static void test_probes_of_an_older_phase_count_for_nothing(void **state) {
    (void)state;
    set_probes("2", "2");
    open_and_wait();
    take(0, 2);
    end(0, SWG_FAILURE);
    advance(S(31));
    take(2, 2);
    end(1, SWG_FAILURE);
    assert_state(HALF_OPEN);
    end(2, SWG_SUCCESS);
    end(3, SWG_SUCCESS);
    assert_state(CLOSED);
}

/* A slot that nobody used for 2^20 transitions looks like one of now. */
static void test_slots_of_a_wrapped_generation_are_not_this_phase_s(void **state) {
    (void)state;
    set_probes("4", "4");
    make();
    calls(5, SWG_FAILURE);
    for (unsigned i = 1; i < 4; i++)
        swgi_store(&cell()->probes[i], swgi_probe(generation() + 1, i, 1, 1, 9, 200));
    advance(S(31));
    take(0, 4);
    assert_rejected();
    assert_int_equal(status().probe_successes, 0);
    for (unsigned i = 0; i < 3; i++)
        end(i, SWG_SUCCESS);
    assert_state(HALF_OPEN);
    end(3, SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_a_lower_threshold_lets_those_who_wait_in(void **state) {
    (void)state;
    set_probes("1", "200");
    open_and_wait();
    calls(100, SWG_SUCCESS);
    change("breaker.half_open.success_threshold", "50");
    take(0, 1);
    end(0, SWG_SUCCESS);
    assert_state(CLOSED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_so_many_at_a_time_until_enough_succeeded),
        STORY(test_one_failure_opens_again),
        STORY(test_more_successes_than_slots_are_counted),
        STORY(test_sixteen_at_a_time_is_the_most),
        STORY(test_in_total_so_many_calls_decide),
        STORY(test_a_rate_judges_all_of_them_together),
        STORY(test_a_rate_that_is_reached_opens_again),
        STORY(test_a_rate_weighs_timeouts),
        STORY(test_slow_probes_fail_where_slowness_is_judged),
        STORY(test_an_ignored_outcome_frees_its_probe),
        STORY(test_a_cancelled_call_frees_its_probe),
        STORY(test_a_silent_lease_is_taken_over_and_successes_stay),
        STORY(test_every_sign_of_life_lengthens_the_leases),
        STORY(test_sparse_traffic_closes_too),
        STORY(test_a_dead_holder_s_probe_is_taken_over_at_once),
        STORY(test_liveness_is_asked_once_in_ten_milliseconds),
        STORY(test_a_copied_permit_is_caught),
        STORY(test_a_copy_kept_past_a_new_holder_moves_nothing),
        STORY(test_probes_of_an_older_phase_count_for_nothing),
        STORY(test_slots_of_a_wrapped_generation_are_not_this_phase_s),
        STORY(test_a_lower_threshold_lets_those_who_wait_in),
    };

    return cmocka_run_group_tests_name("engine: probes", tests, NULL, NULL);
}
