/* Status tells the truth at every stage of a circuit's life, and changes nothing by telling. */
#include "../engine/inside.h"

static void test_a_new_circuit(void **state) {
    struct swg_status seen;

    (void)state;
    preset("read");
    make();
    seen = status();
    assert_string_equal(seen.name, "dependency");
    assert_string_equal(seen.preset, "read");
    assert_state(CLOSED);
    assert_int_equal(seen.mode, SWG_MODE_NORMAL);
    assert_int_equal(seen.since, 0);
    assert_int_equal(seen.last_trip, 0);
    assert_int_equal(seen.last_success, 0);
    assert_int_equal(seen.last_failure, 0);
    assert_int_equal(seen.calls, 0);
    assert_true(seen.failure_rate == -1 && seen.slow_rate == -1);
    assert_true(seen.score == 0 && seen.score_limit == 3);
    assert_int_equal(seen.probes_max, 1);
    assert_int_equal(seen.success_threshold, 2);
    assert_int_equal(seen.mode_until, 0);
}

static void test_while_it_works(void **state) {
    struct swg_status seen;

    (void)state;
    preset("read");
    make();
    calls(6, SWG_SUCCESS);
    advance(S(1));
    calls(2, SWG_FAILURE);
    seen = status();
    assert_true(seen.failure_rate == 0.25);
    assert_true(seen.slow_rate == 0);
    assert_int_equal(seen.window_calls, 8);
    assert_true(seen.score == 2);
    assert_int_equal(seen.last_failure, now());
    assert_int_equal(seen.last_success, now() - S(1));
    assert_int_equal(seen.open_until, 0);
    assert_string_equal(swg_rule_name(seen.rule), "none");
}

static void test_through_an_outage(void **state) {
    struct swg_status seen;
    swg_ns tripped;

    (void)state;
    set("breaker.half_open.ramp", "50");
    make();
    calls(5, SWG_FAILURE);
    tripped = now();
    seen = status();
    assert_int_equal(seen.last_trip, tripped);
    assert_int_equal(seen.trips, 1);
    assert_int_equal(seen.transitions, 1);
    assert_in_range(seen.since, tripped - ROUNDING, tripped);
    assert_in_range(seen.open_until, tripped + S(30), tripped + S(30) + ROUNDING);
    swg_ns due = seen.open_until;
    advance(S(31));
    assert_state(HALF_OPEN);
    assert_int_equal(status().since, due); /* whenever the first call comes */
    advance(S(100));
    assert_int_equal(status().since, due);
    acquire();
    seen = status();
    assert_in_range(seen.since, now() - ROUNDING, now());
    assert_int_equal(seen.probes_held, 1);
    assert_string_equal(swg_rule_name(seen.rule), "consecutive");
    record_permit(&latest, SWG_SUCCESS, 0);
    assert_int_equal(status().probe_successes, 1);
    call(SWG_SUCCESS);
    seen = status();
    assert_int_equal(seen.state, SWG_STATE_HALF_OPEN);
    assert_int_equal(seen.ramp_percent, 50);
    assert_int_equal(seen.probes_held, 0);
    assert_string_equal(swg_rule_name(seen.rule), "none");
}

static void test_looking_changes_nothing(void **state) {
    struct swgi_cell before;

    (void)state;
    preset("resilience4j");
    make();
    calls(100, SWG_FAILURE);
    advance(S(61));
    memcpy(&before, (const void *)cell(), sizeof(before));
    for (int i = 0; i < 10; i++) {
        status();
        why();
        advance(S(1));
    }
    assert_memory_equal((const void *)cell(), &before, sizeof(before));
}

static void test_a_lying_clock_does_not_reach_what_is_shown(void **state) {
    static const swg_ns bad[] = { INT64_C(1790000000000000000), INT64_MAX, -1, INT64_MIN };

    (void)state;
    make();
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(swg_acquire_at(circuit, NULL, bad[i], &latest), SWG_GO);
        assert_int_equal(swg_record_at(&latest, SWG_SUCCESS, NULL, bad[i], 0), 0);
        assert_in_range(status().last_success, 0, now());
        assert_int_equal(swg_acquire_at(circuit, NULL, bad[i], &latest), SWG_GO);
        assert_int_equal(swg_record_at(&latest, SWG_FAILURE, NULL, bad[i], 0), 0);
        assert_in_range(status().last_failure, 0, now());
    }
}

static void test_callers_of_other_versions(void **state) {
    struct {
        struct swg_status status;
        unsigned char tail[64];
    } newer;

    (void)state;
    make();
    calls(3, SWG_SUCCESS);
    memset(&newer, 0x5a, sizeof(newer));
    newer.status.size = sizeof(newer);
    assert_int_equal(swg_circuit_status(circuit, &newer.status), 0);
    assert_int_equal(newer.status.calls, 3);
    assert_int_equal(newer.status.size, sizeof(newer));
    for (unsigned i = 0; i < sizeof(newer.tail); i++)
        assert_int_equal(newer.tail[i], 0);
    memset(&newer, 0x5a, sizeof(newer));
    newer.status.size = offsetof(struct swg_status, calls);
    assert_int_equal(swg_circuit_status(circuit, &newer.status), 0);
    assert_string_equal(newer.status.name, "dependency");
    assert_int_equal(newer.status.calls, UINT64_C(0x5a5a5a5a5a5a5a5a));
    newer.status.size = 3;
    assert_int_equal(swg_circuit_status(circuit, &newer.status), -EINVAL);
    assert_int_equal(swg_circuit_status(circuit, NULL), -EINVAL);
    assert_int_equal(swg_circuit_status(NULL, &newer.status), -EINVAL);
}

/* It has waited for a call since then, and not since it tripped. */
static void test_what_a_forced_mode_leaves_is_as_old_as_that(void **state) {
    swg_ns left;

    (void)state;
    make();
    calls(5, SWG_FAILURE);
    mode(SWG_MODE_FORCED_OPEN, 0);
    advance(S(1000));
    mode(SWG_MODE_NORMAL, 0);
    left = now();
    assert_state(HALF_OPEN);
    assert_in_range(status().since, left - ROUNDING, left);
    advance(S(10));
    assert_in_range(status().since, left - ROUNDING, left);

    mode(SWG_MODE_FORCED_CLOSED, S(50));
    left = status().mode_until;
    advance(S(1000));
    assert_state(HALF_OPEN);
    assert_int_equal(status().since, left);
    mode(SWG_MODE_SHADOW, 0); /* finds the other over, and writes it down */
    assert_state(HALF_OPEN);
    assert_int_equal(status().since, left);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_a_new_circuit),
        STORY(test_while_it_works),
        STORY(test_through_an_outage),
        STORY(test_what_a_forced_mode_leaves_is_as_old_as_that),
        STORY(test_looking_changes_nothing),
        STORY(test_a_lying_clock_does_not_reach_what_is_shown),
        STORY(test_callers_of_other_versions),
    };

    return cmocka_run_group_tests_name("circuit: status", tests, NULL, NULL);
}
