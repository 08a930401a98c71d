/* Which transitions there are, and that each state, mode and act leads where engine.md says and nowhere else. */
#include "inside.h"

static void test_the_legal_transitions_are_these(void **state) {
    static const bool by_rule[4][4] = {
        [SWGI_CLOSED] = { [SWGI_OPEN] = true },
        [SWGI_OPEN] = { [SWGI_HALF] = true },
        [SWGI_HALF] = { [SWGI_RAMP] = true, [SWGI_CLOSED] = true, [SWGI_OPEN] = true },
        [SWGI_RAMP] = { [SWGI_CLOSED] = true, [SWGI_OPEN] = true },
    };

    (void)state;
    for (unsigned from = 0; from < 4; from++)
        for (unsigned to = 0; to < 4; to++) {
            bool by_hand =
                to == SWGI_CLOSED || to == SWGI_OPEN || (from == SWGI_OPEN && to == SWGI_HALF);

            assert_int_equal(swgi_transition_legal(from, to, false), by_rule[from][to]);
            assert_int_equal(swgi_transition_legal(from, to, true), by_hand);
        }
}

/* A fresh circuit, brought to a state by calls and then to a mode. */
static void bring(unsigned to, int to_mode) {
    static unsigned number;
    char name[32];

    snprintf(name, sizeof(name), "c%u", number++ % 7);
    set("breaker.half_open.ramp", "50");
    make_named(name);
    mode(SWG_MODE_NORMAL, 0);
    assert_int_equal(hand(swg_circuit_reset, 0, 1), 0);
    if (to != SWGI_CLOSED)
        calls(5, SWG_FAILURE);
    if (to == SWGI_HALF || to == SWGI_RAMP) {
        advance(S(31));
        call(SWG_SUCCESS);
    }
    if (to == SWGI_RAMP)
        call(SWG_SUCCESS);
    assert_int_equal(swgi_ctl_state(ctl()), to);
    mode(to_mode, 0);
    assert_int_equal(swgi_ctl_state(ctl()), to);
    assert_int_equal(swgi_ctl_mode(ctl()), to_mode);
}

enum act { TRIP, RESET, PROBE, NORMAL, ISOLATE, DISABLE, SHADOW, ACTS };

static int do_act(enum act act) {
    switch (act) {
    case TRIP:
        return hand(swg_circuit_trip, 0, 1);
    case RESET:
        return hand(swg_circuit_reset, 0, 1);
    case PROBE:
        return hand(swg_circuit_probe, 0, 1);
    default:
        mode((int)(act - NORMAL), 0);
        return 0;
    }
}

static bool is_forced(unsigned of) {
    return of == SWG_MODE_FORCED_OPEN || of == SWG_MODE_FORCED_CLOSED;
}

struct wanted {
    int rc;
    unsigned state, mode;
    bool new_generation;
};

static struct wanted wanted_of(unsigned from, unsigned in, enum act act) {
    struct wanted wanted = { 0, from, in, true };

    if (act >= NORMAL) {
        wanted.mode = (unsigned)act - NORMAL;
        wanted.new_generation = !(in == SWG_MODE_NORMAL && act == NORMAL);
        if (is_forced(in) && !is_forced(wanted.mode) && from != SWGI_CLOSED)
            wanted.state = SWGI_OPEN;
    } else if (is_forced(in) || (act == PROBE && from != SWGI_OPEN)) {
        wanted.rc = is_forced(in) ? -EBUSY : -EALREADY;
        wanted.new_generation = false;
    } else {
        wanted.state = act == TRIP ? SWGI_OPEN : act == RESET ? SWGI_CLOSED : SWGI_HALF;
    }
    return wanted;
}

static void test_every_act_in_every_state_and_mode(void **state) {
    (void)state;
    for (unsigned from = 0; from < 4; from++)
        for (unsigned in = 0; in < 4; in++)
            for (enum act act = 0; act < ACTS; act++) {
                struct wanted wanted = wanted_of(from, in, act);

                bring(from, (int)in);
                uint64_t before = generation(), transitions = status().transitions;

                assert_int_equal(do_act(act), wanted.rc);
                assert_int_equal(swgi_ctl_state(ctl()), wanted.state);
                assert_int_equal(swgi_ctl_mode(ctl()), wanted.mode);
                assert_int_equal(generation(), before + wanted.new_generation);
                assert_int_equal(status().transitions,
                                 transitions + (act < NORMAL && wanted.rc == 0));
            }
}

static unsigned was;
static uint64_t generation_was;

/* One half of a call makes at most one transition, a legal one, and none in a forced mode. */
static void assert_one_legal_step(unsigned in) {
    unsigned is = swgi_ctl_state(ctl());

    assert_int_equal(generation() - generation_was, was != is);
    assert_true(was == is || (swgi_transition_legal(was, is, false) && !is_forced(in)));
    assert_int_equal(swgi_ctl_mode(ctl()), in);
    was = is;
    generation_was = generation();
}

static void call_for_a_while(unsigned in, int outcome) {
    was = swgi_ctl_state(ctl());
    generation_was = generation();
    for (int i = 0; i < 40; i++) {
        int rc = acquire();

        assert_one_legal_step(in);
        if (rc == SWG_GO)
            record_permit(&latest, outcome, 0);
        assert_one_legal_step(in);
        advance(S(1));
    }
}

static void test_every_outcome_in_every_state_and_mode(void **state) {
    (void)state;
    for (unsigned from = 0; from < 4; from++)
        for (unsigned in = 0; in < 4; in++)
            for (int outcome = SWG_SUCCESS; outcome <= SWG_IGNORED; outcome++) {
                bring(from, (int)in);
                call_for_a_while(in, outcome);
            }
}

static void test_generations_go_round(void **state) {
    (void)state;
    make();
    age_generation(SWGI_MASK(SWGI_GENERATION_BITS) - 3);
    for (int i = 0; i < 4; i++) {
        calls(5, SWG_FAILURE);
        assert_state(OPEN);
        assert_int_equal(status().since, now() / ROUNDING * ROUNDING);
        advance(S(31));
        calls(2, SWG_SUCCESS);
        assert_state(CLOSED);
        advance(S(1));
    }
    assert_int_equal(generation(), 8);
    assert_int_equal(status().transitions, 12);
    assert_int_equal(status().trips_in_a_row, 4);
}

/* A winner killed right after its compare-and-swap leaves the rest undone. */
static void test_what_a_killed_winner_left_is_mended(void **state) {
    (void)state;
    set("breaker.half_open.ramp", "50");
    set("breaker.min_state_transition_interval", "1s");
    make();
    uint64_t word = ctl();

    swgi_store(&cell()->ctl, swgi_ctl(SWGI_CLOSED, SWGI_NORMAL, swgi_ctl_generation(word) + 5, 0));
    calls(7, SWG_FAILURE);
    assert_state(CLOSED); /* it closed just now, as far as anyone can tell */
    advance(S(1) + ROUNDING);
    call(SWG_FAILURE);
    assert_state(OPEN);
    swgi_store(&cell()->ctl, swgi_ctl(SWGI_RAMP, SWGI_NORMAL, generation() + 7, 0));
    advance(S(3600));
    struct swg_request request = SWG_REQUEST_INIT;

    for (uint64_t key = 1; key < 20; key++) {
        request.key = key;
        if (swg_acquire_at(circuit, &request, now(), &latest) == SWG_GO)
            record_permit(&latest, SWG_SUCCESS, 0);
    }
    assert_state(HALF_OPEN); /* the step began when somebody noted it */
    advance(S(10) + ROUNDING);
    acquire();
    assert_state(CLOSED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_legal_transitions_are_these),
        STORY(test_every_act_in_every_state_and_mode),
        STORY(test_every_outcome_in_every_state_and_mode),
        STORY(test_generations_go_round),
        STORY(test_what_a_killed_winner_left_is_mended),
    };

    return cmocka_run_group_tests_name("engine: transition", tests, NULL, NULL);
}
