/* What a circuit was in another panel comes back into one that knows nothing of it, and into no other. */
#include "circuit/past.h"
#include "story.h"

static struct swgi_past open_past(void) {
    struct swgi_past past = { .is_open = true,
                              .rule = SWG_RULE_CONSECUTIVE,
                              .open_for_ns = S(7),
                              .since_ago_ns = S(23),
                              .trip_ago_ns = S(23),
                              .trips = 57,
                              .trips_in_a_row = 3,
                              .value = 5,
                              .threshold = 5,
                              .calls = 5,
                              .trip_wall_ms = 1234 };
    return past;
}

/* The clock has run for a while, as after a boot. */
static void make_later(void) {
    advance(S(100));
    make();
}

static void test_open_comes_back_for_what_is_left_of_its_time(void **state) {
    struct swgi_past past = open_past();
    (void)state;
    make_later();
    assert_int_equal(swgi_circuit_restore(circuit, &past), 0);
    assert_open_by("consecutive");
    assert_in_range(status().open_until, now() + S(7), now() + S(7) + ROUNDING);
    assert_in_range(status().since, now() - S(23) - ROUNDING, now() - S(23));
    assert_int_equal(status().last_trip, now() - S(23));
    assert_int_equal(status().trips, 57);
    assert_int_equal(status().trips_in_a_row, 3);
    assert_rejected();
    advance(S(7) + ROUNDING);
    calls(2, SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_its_evidence_comes_back_too(void **state) {
    struct swgi_past past = open_past();
    (void)state;
    make_later();
    assert_int_equal(swgi_circuit_restore(circuit, &past), 0);
    assert_int_equal(why().evidence, 1);
    assert_int_equal(why().trip.wall_ms, 1234);
    assert_int_equal((int)why().trip.value, 5);
    assert_int_equal(why().trip.calls, 5);
    assert_int_equal(why().transitions_count, 1);
    assert_string_equal(why().transitions[0].source, "restore");
    assert_string_equal(why().transitions[0].user, "system");
    assert_int_equal(why().transitions[0].kind, SWG_EVENT_TRANSITION);
}

static void test_backoff_goes_on_where_it_was(void **state) {
    struct swgi_past past = open_past();
    (void)state;
    set("breaker.open.multiplier", "2");
    set("breaker.open.max", "10m");
    make_later();
    past.open_for_ns = 0;
    assert_int_equal(swgi_circuit_restore(circuit, &past), 0);
    advance(ROUNDING);
    assert_state(HALF_OPEN);
    call(SWG_FAILURE);
    assert_int_equal(status().trips_in_a_row, 4);
    assert_in_range(status().open_until, now() + S(240), now() + S(240) + ROUNDING);
}

static void test_what_only_a_hand_ends_still_is(void **state) {
    struct swgi_past past = open_past();
    (void)state;
    set("breaker.open.recovery", "manual");
    make_later();
    past.open_for_ns = INT64_MAX;
    assert_int_equal(swgi_circuit_restore(circuit, &past), 0);
    advance(S(86400));
    assert_rejected();
    assert_int_equal(status().open_until, SWG_NS_MAX);
    assert_int_equal(hand(swg_circuit_probe, 0, 0), 0);
}

static void test_closed_remembers_how_often_it_tripped(void **state) {
    struct swgi_past past = open_past();
    (void)state;
    make_later();
    past.is_open = false;
    assert_int_equal(swgi_circuit_restore(circuit, &past), 0);
    assert_state(CLOSED);
    assert_int_equal(status().trips, 57);
    assert_int_equal(status().trips_in_a_row, 3);
    assert_int_equal(status().last_trip, now() - S(23));
    assert_int_equal(swgi_circuit_restore(circuit, &past), -EALREADY);
    calls(5, SWG_FAILURE);
    assert_int_equal(status().trips, 58);
}

static void test_a_mode_comes_back_with_its_bound_and_its_name(void **state) {
    struct swgi_past past = open_past();
    (void)state;
    make_later();
    past.mode = SWGI_FORCED_OPEN;
    past.mode_for_ns = S(60);
    past.mode_wall_ms = 1000;
    strcpy(past.mode_user, "ann");
    strcpy(past.mode_reason, "migration");
    assert_int_equal(swgi_circuit_restore(circuit, &past), 0);
    assert_int_equal(status().mode, SWG_MODE_FORCED_OPEN);
    assert_in_range(status().mode_until, now() + S(60), now() + S(60) + ROUNDING);
    assert_string_equal(why().mode_user, "ann");
    assert_string_equal(why().mode_reason, "migration");
    assert_int_equal(why().mode_wall_ms, 1000);
    assert_int_equal(status().trips, 57);
    mode(SWG_MODE_NORMAL, 0);
    assert_state(HALF_OPEN); /* OPEN, due */
}

static void test_shadow_without_a_bound(void **state) {
    struct swgi_past past = { .mode = SWGI_SHADOW, .mode_for_ns = INT64_MAX, .trip_ago_ns = -1 };
    (void)state;
    make_later();
    assert_int_equal(swgi_circuit_restore(circuit, &past), 0);
    assert_int_equal(status().mode, SWG_MODE_SHADOW);
    assert_int_equal(status().mode_until, SWG_NS_MAX);
    assert_int_equal(status().last_trip, 0);
    assert_int_equal(swgi_circuit_restore(circuit, &past), -EALREADY);
}

static void test_whoever_has_a_past_keeps_it(void **state) {
    struct swgi_past past = open_past();
    (void)state;
    make_later();
    calls(5, SWG_FAILURE);
    hand(swg_circuit_reset, 0, 1);
    assert_int_equal(swgi_circuit_restore(circuit, &past), -EALREADY);
    assert_state(CLOSED);
    assert_int_equal(status().trips, 58); /* those of its life, once */
    assert_int_equal(swgi_circuit_restore(circuit, &past), -EALREADY);
    assert_int_equal(status().trips, 58);
    make_named("isolated");
    mode(SWG_MODE_FORCED_OPEN, 0);
    assert_int_equal(swgi_circuit_restore(circuit, &past), -EALREADY);
}

static void test_calls_admitted_before_end_without_effect(void **state) {
    struct swgi_past past = open_past();
    struct swg_permit before;
    (void)state;
    make_later();
    assert_int_equal(acquire(), SWG_GO);
    before = latest;
    assert_int_equal(swgi_circuit_restore(circuit, &past), 0);
    record_permit(&before, SWG_SUCCESS, 0);
    assert_state(OPEN);
    assert_int_equal(status().late, 1);
}

static void test_time_that_began_after_the_trip(void **state) {
    struct swgi_past past = open_past();
    (void)state;
    make();
    past.trip_ago_ns = past.since_ago_ns = S(86400);
    assert_int_equal(swgi_circuit_restore(circuit, &past), 0);
    assert_int_equal(status().last_trip, 1);
    assert_state(OPEN);
}

static void test_what_an_agent_reads_beside_the_status(void **state) {
    uint64_t bins[SWGI_HISTOGRAM_BINS], sum = 0;
    uint32_t before;
    (void)state;
    make();
    before = swgi_circuit_generation(circuit);
    hand(swg_circuit_trip, 0, 0);
    assert_int_equal(swgi_circuit_generation(circuit), before + 1);
    hand(swg_circuit_reset, 0, 1);
    call_taking(SWG_SUCCESS, MS(3));
    assert_true(swgi_circuit_bins(circuit, bins));
    for (unsigned i = 0; i < SWGI_HISTOGRAM_BINS; i++)
        sum += bins[i];
    assert_int_equal(sum, 1);
    assert_true(swgi_panel_birth_ms(panel) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_open_comes_back_for_what_is_left_of_its_time),
        STORY(test_its_evidence_comes_back_too),
        STORY(test_backoff_goes_on_where_it_was),
        STORY(test_what_only_a_hand_ends_still_is),
        STORY(test_closed_remembers_how_often_it_tripped),
        STORY(test_a_mode_comes_back_with_its_bound_and_its_name),
        STORY(test_shadow_without_a_bound),
        STORY(test_whoever_has_a_past_keeps_it),
        STORY(test_calls_admitted_before_end_without_effect),
        STORY(test_time_that_began_after_the_trip),
        STORY(test_what_an_agent_reads_beside_the_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
