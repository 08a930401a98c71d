/* What hands do: trip, reset, probe, mode; what holds, what is refused, and what the audit keeps of it. */
#include "inside.h"

#include "circuit/config.h"

static void test_a_trip_by_hand_holds(void **state) {
    (void)state;
    make();
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    assert_open_by("hand");
    assert_int_equal(status().open_until, SWG_NS_MAX);
    advance(S(86400) * 30);
    assert_rejected();
    assert_int_equal(swg_retry_in(&latest), SWG_NS_MAX);
    assert_int_equal(hand(swg_circuit_reset, 0, 0), 0);
    call(SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_a_trip_for_a_while_ends_in_half_open_whatever_recovery_says(void **state) {
    (void)state;
    set("breaker.open.recovery", "manual");
    make();
    assert_int_equal(hand(swg_circuit_trip, S(90), 0), 0);
    advance(S(89));
    assert_rejected();
    advance(S(1) + ROUNDING);
    assert_state(HALF_OPEN);
    calls(2, SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_where_recovery_is_manual_a_rule_s_trip_holds(void **state) {
    (void)state;
    set("breaker.open.recovery", "manual");
    make();
    calls(5, SWG_FAILURE);
    assert_int_equal(status().open_until, SWG_NS_MAX);
    advance(S(86400));
    assert_rejected();
    assert_int_equal(hand(swg_circuit_reset, 0, 0), 0);
    assert_state(CLOSED);
}

static void test_a_hand_s_probe_waits_as_long_as_a_rule_would(void **state) {
    (void)state;
    set("breaker.open.recovery", "manual");
    make();
    calls(5, SWG_FAILURE);
    advance(S(30) - 2 * ROUNDING);
    assert_int_equal(hand(swg_circuit_probe, 0, 0), -EAGAIN);
    advance(2 * ROUNDING);
    assert_int_equal(hand(swg_circuit_probe, 0, 0), 0);
    assert_state(HALF_OPEN);
    call(SWG_FAILURE);
    assert_int_equal(hand(swg_circuit_probe, 0, 1), 0); /* forced */
    calls(2, SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_a_probe_needs_something_open(void **state) {
    (void)state;
    make();
    assert_int_equal(hand(swg_circuit_probe, 0, 0), -EALREADY);
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    assert_int_equal(hand(swg_circuit_probe, 0, 0), 0);
    assert_int_equal(hand(swg_circuit_probe, 0, 0), -EALREADY);
}

static void test_a_reset_is_refused_while_it_cools_down(void **state) {
    struct swg_error error = SWG_ERROR_INIT;

    (void)state;
    set("breaker.open.cooldown", "60s");
    make();
    assert_int_equal(hand(swg_circuit_reset, 0, 0), 0); /* it never tripped */
    calls(5, SWG_FAILURE);
    advance(S(59));
    assert_int_equal(swg_circuit_reset(circuit, NULL, &error), -EAGAIN);
    assert_non_null(strstr(error.text, "1.0 s more"));
    assert_state(HALF_OPEN);
    assert_int_equal(hand(swg_circuit_reset, 0, 1), 0);
    assert_state(CLOSED);
    calls(5, SWG_FAILURE);
    advance(S(60));
    assert_int_equal(hand(swg_circuit_reset, 0, 0), 0);
    assert_state(CLOSED);
}

static void test_a_reset_forgets_trips_in_a_row(void **state) {
    (void)state;
    make();
    for (int i = 0; i < 3; i++) {
        calls(5, SWG_FAILURE);
        assert_int_equal(status().trips_in_a_row, 1);
        assert_int_equal(hand(swg_circuit_reset, 0, 0), 0);
        assert_int_equal(status().trips_in_a_row, 0);
    }
    assert_int_equal(status().trips, 3);
}

static void test_an_isolated_circuit_answers_who_did_it_and_how_to_undo_it(void **state) {
    struct swg_error error = SWG_ERROR_INIT;

    (void)state;
    make();
    mode(SWG_MODE_FORCED_OPEN, 0);
    assert_int_equal(swg_circuit_reset(circuit, NULL, &error), -EBUSY);
    assert_non_null(strstr(error.text, "isolated by ann"));
    assert_non_null(strstr(error.text, "a story"));
    assert_non_null(strstr(error.text, "switchgear normal dependency"));
    assert_int_equal(hand(swg_circuit_trip, 0, 1), -EBUSY);
    assert_int_equal(hand(swg_circuit_probe, 0, 1), -EBUSY);
    mode(SWG_MODE_FORCED_CLOSED, 0);
    assert_int_equal(swg_circuit_reset(circuit, NULL, &error), -EBUSY);
    assert_non_null(strstr(error.text, "disabled by ann"));
}

static void test_a_mode_whose_time_is_up_refuses_nothing(void **state) {
    (void)state;
    make();
    mode(SWG_MODE_FORCED_OPEN, S(10));
    assert_int_equal(hand(swg_circuit_trip, 0, 0), -EBUSY);
    advance(S(10) + ROUNDING);
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    assert_open_by("hand");
}

static void test_normal_is_normal_already(void **state) {
    uint64_t word;

    (void)state;
    make();
    word = ctl();
    mode(SWG_MODE_NORMAL, 0);
    assert_int_equal(ctl(), word);
}

static void test_acts_are_checked(void **state) {
    struct swg_act by = SWG_ACT_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    char longer[200];

    (void)state;
    make();
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    by.user = longer;
    assert_int_equal(swg_circuit_trip(circuit, &by, &error), -EINVAL);
    by.user = "ann";
    by.reason = longer;
    assert_int_equal(swg_circuit_trip(circuit, &by, &error), -EINVAL);
    by.reason = NULL;
    by.for_ns = -1;
    assert_int_equal(swg_circuit_trip(circuit, &by, &error), -EINVAL);
    by.for_ns = SWG_NS_MAX - now();
    assert_int_equal(swg_circuit_trip(circuit, &by, &error), 0);
    assert_int_equal(status().open_until, SWG_NS_MAX);
    assert_int_equal(swg_circuit_mode(circuit, 4, NULL, &error), -EINVAL);
    assert_int_equal(swg_circuit_mode(circuit, -1, NULL, &error), -EINVAL);
}

static void test_every_act_stands_in_the_audit(void **state) {
    static const int kinds[] = { SWG_EVENT_CREATED, SWG_EVENT_TRIP, SWG_EVENT_PROBE,
                                 SWG_EVENT_RESET, SWG_EVENT_MODE };
    struct swg_event event = SWG_EVENT_INIT;
    uint64_t cursor = 0;
    unsigned seen = 0;

    (void)state;
    make();
    hand(swg_circuit_trip, S(5), 0);
    hand(swg_circuit_probe, 0, 0);
    hand(swg_circuit_reset, 0, 0);
    mode(SWG_MODE_SHADOW, S(60));
    while (swg_panel_next_event(panel, &cursor, &event) == 1) {
        if (strcmp(event.circuit, "dependency") != 0)
            continue;
        assert_int_equal(event.kind, kinds[seen]);
        assert_string_equal(event.user, seen == 0 ? "system" : "ann");
        assert_string_equal(event.text, seen == 0 ? "" : "a story");
        assert_string_equal(event.source, "program");
        seen++;
    }
    assert_int_equal(seen, 5);
    assert_int_equal(event.to, SWG_MODE_SHADOW);
    assert_in_range(event.until, now() + S(60), now() + S(60) + ROUNDING);
}

/* The last event of a kind that the circuit's ring has. */
static struct swg_event last_event(int kind) {
    struct swg_event event = SWG_EVENT_INIT, found = SWG_EVENT_INIT;
    uint64_t cursor = 0;

    while (swg_panel_next_event(panel, &cursor, &event) == 1)
        if (event.kind == kind)
            found = event;
    return found;
}

static void test_an_act_tells_by_what_means(void **state) {
    struct swg_act by = SWG_ACT_INIT;
    struct swg_config *loaded;

    (void)state;
    make();
    by.user = "ann";
    by.source = "console";
    assert_int_equal(swg_circuit_trip(circuit, &by, NULL), 0);
    by.source = "exactly-15-long";
    assert_int_equal(swg_circuit_mode(circuit, SWG_MODE_SHADOW, &by, NULL), 0);
    assert_string_equal(last_event(SWG_EVENT_TRIP).source, "console");
    assert_string_equal(last_event(SWG_EVENT_MODE).source, "exactly-15-long");
    assert_int_equal(swg_config_new(&loaded), 0);
    loaded->source = "file";
    assert_int_equal(swg_circuit_configure(circuit, loaded, NULL), 0);
    assert_string_equal(last_event(SWG_EVENT_CONFIG).source, "file");
    assert_string_equal(last_event(SWG_EVENT_CONFIG).user, "system");
    swg_config_unref(loaded);
}

static void test_what_nobody_did_is_a_rule_s(void **state) {
    struct swg_act by = SWG_ACT_INIT;

    (void)state;
    make();
    calls(5, SWG_FAILURE);
    assert_string_equal(last_event(SWG_EVENT_TRANSITION).source, "rule");
    by.source = "admin";
    by.for_ns = S(1);
    assert_int_equal(swg_circuit_mode(circuit, SWG_MODE_FORCED_OPEN, &by, NULL), 0);
    advance(S(2));
    calls(1, SWG_SUCCESS);
    assert_int_equal(last_event(SWG_EVENT_MODE).to, SWG_MODE_NORMAL);
    assert_string_equal(last_event(SWG_EVENT_MODE).source, "rule");
}

static void assert_trips(uint64_t trips, uint32_t in_a_row) {
    assert_int_equal(status().trips, trips);
    assert_int_equal(status().trips_in_a_row, in_a_row);
}

static void assert_tripped_by_five_failures(void) {
    struct swg_why told = why();

    assert_int_equal(told.evidence, 1);
    assert_int_equal(told.trip.kind, SWG_EVENT_TRANSITION);
    assert_int_equal(told.trip.rule, SWG_RULE_CONSECUTIVE);
    assert_int_equal(told.trip.from, SWG_STATE_CLOSED);
    assert_true(told.trip.value == 5);
    assert_int_equal(told.trip_failures, 5);
    assert_string_equal(told.trip.user, "");
}

/* It is the hand that holds it open from then on; but it has been open all the time. */
static void test_what_is_open_is_tripped_without_another_trip(void **state) {
    (void)state;
    set("breaker.open.for", "10s");
    set("breaker.open.multiplier", "2");
    set("breaker.open.max", "10m");
    make();
    calls(5, SWG_FAILURE);
    swg_ns since = status().since, last_trip = status().last_trip;
    advance(S(5));
    for (int i = 0; i < 4; i++)
        assert_int_equal(hand(swg_circuit_trip, i == 3 ? S(60) : 0, 0), 0);
    assert_open_by("hand");
    assert_trips(1, 1);
    assert_int_equal(status().since, since);
    assert_int_equal(status().last_trip, last_trip); /* nor does the cooldown begin anew */
    mode(SWG_MODE_SHADOW, 0);
    mode(SWG_MODE_NORMAL, 0);
    assert_tripped_by_five_failures();
    assert_int_equal(last_event(SWG_EVENT_TRIP).from, SWG_STATE_OPEN);
    advance(S(59));
    assert_rejected();
    advance(S(1) + ROUNDING);
    call(SWG_FAILURE);
    assert_trips(2, 2);
    assert_true(status().open_until - now() <= S(20) + ROUNDING);
    assert_true(status().open_until - now() >= S(20) - ROUNDING);
}

/* And the evidence tells of the trip, not of who holds it since. */
static void test_a_hand_s_second_trip_leaves_the_evidence_of_the_first(void **state) {
    struct swg_act other = { .size = sizeof(other), .user = "bob", .reason = "stay" };

    (void)state;
    make();
    assert_int_equal(hand(swg_circuit_trip, S(10), 0), 0);
    advance(S(2));
    assert_int_equal(swg_circuit_trip(circuit, &other, NULL), 0);
    assert_int_equal(why().trip.kind, SWG_EVENT_TRIP);
    assert_string_equal(why().trip.user, "ann");
    assert_string_equal(why().trip.text, "a story");
    assert_string_equal(last_event(SWG_EVENT_TRIP).user, "bob");
    assert_int_equal(hand(swg_circuit_probe, 0, 0), 0);
    assert_string_equal(why().trip.user, "ann");
    assert_int_equal(hand(swg_circuit_reset, 0, 0), 0);
    advance(S(1));
    assert_int_equal(swg_circuit_trip(circuit, &other, NULL), 0);
    assert_string_equal(why().trip.user, "bob");
}

/* What is shown as HALF_OPEN is none that is open, whether a call came or not. */
static void test_what_is_due_is_tripped_again(void **state) {
    (void)state;
    make();
    calls(5, SWG_FAILURE);
    advance(S(31));
    assert_state(HALF_OPEN);
    assert_int_equal(hand(swg_circuit_trip, S(1), 0), 0);
    assert_trips(2, 2);
    assert_int_equal(last_event(SWG_EVENT_TRIP).from, SWG_STATE_HALF_OPEN);
    assert_int_equal(why().trip.from, SWG_STATE_HALF_OPEN);
    assert_int_equal(hand(swg_circuit_trip, S(1), 0), 0);
    assert_trips(2, 2);
    assert_int_equal(last_event(SWG_EVENT_TRIP).from, SWG_STATE_OPEN);
    advance(S(2));
    assert_state(HALF_OPEN);
    assert_int_equal(hand(swg_circuit_reset, 0, 0), 0);
    assert_int_equal(last_event(SWG_EVENT_RESET).from, SWG_STATE_HALF_OPEN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_a_trip_by_hand_holds),
        STORY(test_a_trip_for_a_while_ends_in_half_open_whatever_recovery_says),
        STORY(test_where_recovery_is_manual_a_rule_s_trip_holds),
        STORY(test_a_hand_s_probe_waits_as_long_as_a_rule_would),
        STORY(test_a_probe_needs_something_open),
        STORY(test_a_reset_is_refused_while_it_cools_down),
        STORY(test_a_reset_forgets_trips_in_a_row),
        STORY(test_an_isolated_circuit_answers_who_did_it_and_how_to_undo_it),
        STORY(test_a_mode_whose_time_is_up_refuses_nothing),
        STORY(test_normal_is_normal_already),
        STORY(test_acts_are_checked),
        STORY(test_every_act_stands_in_the_audit),
        STORY(test_an_act_tells_by_what_means),
        STORY(test_what_nobody_did_is_a_rule_s),
        STORY(test_what_is_open_is_tripped_without_another_trip),
        STORY(test_a_hand_s_second_trip_leaves_the_evidence_of_the_first),
        STORY(test_what_is_due_is_tripped_again),
    };

    return cmocka_run_group_tests_name("engine: acts", tests, NULL, NULL);
}
