/* The count window: the last N calls and not one more, over every edge its words have. */
#include "inside.h"

static void set_window(const char *calls_of, const char *calls_min, const char *percent) {
    set("breaker.trip.0.failure_rate.percent", percent);
    set("breaker.trip.0.failure_rate.calls", calls_of);
    set("breaker.trip.0.failure_rate.calls_min", calls_min);
}

static struct swgi_count counted(void) {
    struct swgi_settings present = settings();
    struct swgi_count count;

    assert_true(swgi_count_read(cell(), &present, &count));
    return count;
}

static void assert_counted(unsigned calls_in, unsigned half_units) {
    struct swgi_count count = counted();

    assert_int_equal(count.calls, calls_in);
    assert_int_equal(count.half_units, half_units);
}

static void test_it_is_not_judged_below_calls_min(void **state) {
    (void)state;
    set_window("10", "5", "50");
    make();
    calls(4, SWG_FAILURE);
    assert_state(CLOSED);
    call(SWG_FAILURE);
    assert_open_by("count_failure_rate");
}

static void test_a_success_may_complete_the_calls_it_waits_for(void **state) {
    (void)state;
    set_window("10", "5", "50");
    make();
    calls(3, SWG_FAILURE);
    call(SWG_SUCCESS);
    assert_state(CLOSED);
    call(SWG_SUCCESS);
    assert_open_by("count_failure_rate");
}

static void test_unless_successes_are_not_judged(void **state) {
    (void)state;
    set_window("10", "5", "50");
    set("breaker.judge_on_success", "no");
    make();
    calls(4, SWG_FAILURE);
    calls(2, SWG_SUCCESS);
    assert_state(CLOSED);
    call(SWG_FAILURE);
    assert_open_by("count_failure_rate");
}

static void test_what_fell_out_is_forgotten(void **state) {
    (void)state;
    set_window("4", "4", "75");
    make();
    calls(2, SWG_FAILURE);
    calls(2, SWG_SUCCESS);
    assert_counted(4, 4);
    call(SWG_SUCCESS);
    assert_counted(4, 2);
    call(SWG_SUCCESS);
    assert_counted(4, 0);
    calls(2, SWG_FAILURE);
    assert_counted(4, 4);
    assert_state(CLOSED);
    call(SWG_FAILURE);
    assert_open_by("count_failure_rate");
}

static void test_at_the_share_or_above_it(void **state) {
    (void)state;
    set_window("10", "10", "50");
    make();
    calls(5, SWG_SUCCESS);
    calls(4, SWG_FAILURE);
    call(SWG_FAILURE);
    assert_open_by("count_failure_rate");

    set("breaker.compare", "above");
    make_named("above");
    calls(5, SWG_SUCCESS);
    calls(5, SWG_FAILURE);
    assert_state(CLOSED);
    call(SWG_FAILURE); /* pushes out a success: 6 of 10 */
    assert_open_by("count_failure_rate");
}

static void test_a_timeout_may_weigh_half(void **state) {
    (void)state;
    set_window("4", "4", "50");
    set("breaker.weights.timeout", "0.5");
    make();
    calls(3, SWG_TIMEOUT);
    call(SWG_SUCCESS);
    assert_counted(4, 3);
    assert_state(CLOSED);
    calls(4, SWG_TIMEOUT);
    assert_open_by("count_failure_rate");
}

static void test_slow_calls_have_a_rule_of_their_own(void **state) {
    (void)state;
    set_window("10", "10", "100");
    set("breaker.trip.1.slow_rate.percent", "30");
    set("breaker.trip.1.slow_rate.calls", "10");
    set("breaker.slow_call_duration", "100ms");
    make();
    for (int i = 0; i < 7; i++)
        call_taking(SWG_SUCCESS, MS(100)); /* not longer than the limit */
    for (int i = 0; i < 2; i++)
        call_taking(SWG_SUCCESS, MS(100) + 1);
    assert_state(CLOSED);
    assert_int_equal(counted().slow, 2);
    call_taking(SWG_FAILURE, S(1));
    assert_open_by("count_slow_rate");
    assert_int_equal(status().slow, 3);
}

static void test_an_ignored_outcome_enters_no_window(void **state) {
    (void)state;
    set_window("10", "2", "50");
    make();
    calls(20, SWG_IGNORED);
    assert_counted(0, 0);
    set("breaker.ignored", "success");
    make_named("as-success");
    calls(3, SWG_IGNORED);
    assert_counted(3, 0);
}

static void test_every_size_holds_the_last_calls(void **state) {
    static const unsigned sizes[] = { 1, 2, 3, 10, 100, 128, 1023 };

    (void)state;
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char name[16], text[16];
        unsigned n = sizes[i];

        snprintf(name, sizeof(name), "n%u", n);
        snprintf(text, sizeof(text), "%u", n);
        set_window(text, text, "100");
        make_named(name);
        if (n > 1)
            calls(n - 1, SWG_FAILURE);
        call(SWG_SUCCESS);
        assert_counted(n, 2 * (n - 1));
        for (unsigned j = 0; j < 3 * n; j++) {
            unsigned left = j < n - 1 ? n - 2 - j : 0;

            call(SWG_SUCCESS);
            assert_counted(n, 2 * (j < n - 1 ? left : 0));
        }
        calls(n, SWG_FAILURE);
        assert_open_by("count_failure_rate");
        assert_true(why().trip.value == 1);
    }
}

static void test_it_starts_empty_at_every_transition(void **state) {
    (void)state;
    set_window("10", "10", "100");
    make();
    calls(9, SWG_FAILURE);
    assert_int_equal(hand(swg_circuit_reset, 0, 0), 0);
    assert_counted(0, 0);
    calls(9, SWG_FAILURE);
    assert_counted(9, 18);
    assert_state(CLOSED);
    assert_int_equal(status().failures, 18);
}

static void test_an_outcome_of_an_older_generation_stays_out(void **state) {
    struct swg_permit old;

    (void)state;
    set_window("10", "1", "100");
    make();
    acquire();
    old = latest;
    assert_int_equal(hand(swg_circuit_reset, 0, 0), 0);
    record_permit(&old, SWG_FAILURE, 0);
    assert_counted(0, 0);
    assert_state(CLOSED);
    assert_int_equal(status().late, 1);
}

static void test_laps_and_generations_wrap(void **state) {
    (void)state;
    set_window("10", "10", "100");
    make();
    age_generation(SWGI_MASK(SWGI_GENERATION_BITS) - 1);
    for (int i = 0; i < 6; i++) {
        calls(9, SWG_FAILURE);
        assert_counted(9, 18);
        assert_int_equal(hand(swg_circuit_reset, 0, 0), 0);
        assert_counted(0, 0);
    }
    assert_true(generation() < 10);
    /* 19 bits of position, 4 of them index: 2^15 laps. */
    calls(10 * 32768 + 5, SWG_SUCCESS);
    calls(9, SWG_FAILURE);
    assert_counted(10, 18);
    assert_state(CLOSED);
}

/* 2^20 transitions ago the word stood exactly so. */
static void test_a_full_window_of_a_wrapped_generation_is_not_found(void **state) {
    uint64_t old;

    (void)state;
    set_window("10", "10", "100");
    make();
    calls(9, SWG_FAILURE);
    call(SWG_SUCCESS);
    old = swgi_load(&cell()->window);
    age_generation(generation() - 1);
    swgi_store(&cell()->window, old);
    assert_int_equal(hand(swg_circuit_reset, 0, 0), 0);
    assert_counted(0, 0);
    call(SWG_FAILURE);
    assert_counted(1, 2);
}

static void test_evidence_is_kept_while_a_verdict_is_withheld(void **state) {
    (void)state;
    set_window("10", "10", "50");
    set("breaker.min_state_transition_interval", "1s");
    make();
    assert_int_equal(hand(swg_circuit_reset, 0, 0), 0);
    calls(10, SWG_FAILURE);
    assert_state(CLOSED);
    advance(S(1) + ROUNDING);
    call(SWG_SUCCESS);
    assert_open_by("count_failure_rate");
    assert_true(why().trip.value == 0.9);
}

static void test_another_size_starts_anew(void **state) {
    (void)state;
    set_window("10", "10", "50");
    make();
    calls(9, SWG_FAILURE);
    set_window("1023", "1023", "50");
    assert_int_equal(swg_circuit_configure(circuit, config, NULL), 0);
    assert_counted(0, 0);
    assert_state(CLOSED);
    calls(9, SWG_FAILURE);
    assert_counted(9, 18);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_it_is_not_judged_below_calls_min),
        STORY(test_a_success_may_complete_the_calls_it_waits_for),
        STORY(test_unless_successes_are_not_judged),
        STORY(test_what_fell_out_is_forgotten),
        STORY(test_at_the_share_or_above_it),
        STORY(test_a_timeout_may_weigh_half),
        STORY(test_slow_calls_have_a_rule_of_their_own),
        STORY(test_an_ignored_outcome_enters_no_window),
        STORY(test_every_size_holds_the_last_calls),
        STORY(test_it_starts_empty_at_every_transition),
        STORY(test_an_outcome_of_an_older_generation_stays_out),
        STORY(test_laps_and_generations_wrap),
        STORY(test_a_full_window_of_a_wrapped_generation_is_not_found),
        STORY(test_evidence_is_kept_while_a_verdict_is_withheld),
        STORY(test_another_size_starts_anew),
    };

    return cmocka_run_group_tests_name("engine: count window", tests, NULL, NULL);
}
