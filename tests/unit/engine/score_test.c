/* The score rule: failures in a row, weighted or not, and the change detector with the promise it makes. */
#include "inside.h"

#include <math.h>

#include "base/random.h"

static void test_the_nth_failure_in_a_row_trips(void **state) {
    (void)state;
    set("breaker.trip.0.consecutive", "5");
    make();
    calls(4, SWG_FAILURE);
    assert_state(CLOSED);
    assert_true(status().score == 4);
    call(SWG_FAILURE);
    assert_open_by("consecutive");
}

static void test_one_is_enough_where_one_is_asked(void **state) {
    (void)state;
    set("breaker.trip.0.consecutive", "1");
    make();
    calls(10, SWG_SUCCESS);
    call(SWG_FAILURE);
    assert_open_by("consecutive");
}

static void test_a_success_starts_the_count_anew(void **state) {
    (void)state;
    make();
    for (int i = 0; i < 20; i++) {
        calls(4, SWG_FAILURE);
        call(SWG_SUCCESS);
        assert_true(status().score == 0);
    }
    assert_state(CLOSED);
}

static void test_above_asks_for_one_more(void **state) {
    (void)state;
    set("breaker.compare", "above");
    make();
    calls(5, SWG_FAILURE);
    assert_state(CLOSED);
    call(SWG_FAILURE);
    assert_open_by("consecutive");
}

static void test_a_timeout_may_weigh_half(void **state) {
    (void)state;
    set("breaker.trip.0.consecutive", "2");
    set("breaker.weights.timeout", "0.5");
    make();
    calls(3, SWG_TIMEOUT);
    assert_true(status().score == 1.5);
    assert_state(CLOSED);
    call(SWG_TIMEOUT);
    assert_open_by("consecutive");
}

static void test_above_is_above_by_half_a_failure_too(void **state) {
    (void)state;
    set("breaker.trip.0.consecutive", "2");
    set("breaker.compare", "above");
    set("breaker.weights.timeout", "0.5");
    make();
    calls(2, SWG_FAILURE);
    assert_state(CLOSED);
    call(SWG_TIMEOUT);
    assert_open_by("consecutive");
}

static void test_a_timeout_of_no_weight_says_nothing(void **state) {
    (void)state;
    set("breaker.weights.timeout", "0");
    make();
    calls(4, SWG_FAILURE);
    calls(50, SWG_TIMEOUT);
    assert_true(status().score == 4);
    call(SWG_FAILURE);
    assert_open_by("consecutive");
}

static void test_an_ignored_outcome_says_nothing(void **state) {
    (void)state;
    make();
    calls(4, SWG_FAILURE);
    calls(50, SWG_IGNORED);
    assert_true(status().score == 4);
    call(SWG_FAILURE);
    assert_state(OPEN);
}

static void test_an_ignored_outcome_may_count_as_success(void **state) {
    (void)state;
    set("breaker.ignored", "success");
    make();
    calls(4, SWG_FAILURE);
    call(SWG_IGNORED);
    calls(4, SWG_FAILURE);
    assert_state(CLOSED);
}

static void close_by_hand_and_wait(swg_ns wait) {
    assert_int_equal(hand(swg_circuit_reset, 0, 1), 0);
    advance(wait);
}

static void test_a_withheld_verdict_falls_due_before_a_success_forgets_it(void **state) {
    (void)state;
    set("breaker.trip.0.consecutive", "3");
    set("breaker.min_state_transition_interval", "1s");
    make();
    close_by_hand_and_wait(0);
    calls(30, SWG_FAILURE);
    assert_state(CLOSED);
    assert_true(status().score == 3);
    advance(S(1) + ROUNDING);
    call(SWG_SUCCESS);
    assert_open_by("consecutive");
}

static void test_within_the_interval_a_success_forgets(void **state) {
    (void)state;
    set("breaker.trip.0.consecutive", "3");
    set("breaker.min_state_transition_interval", "1s");
    make();
    close_by_hand_and_wait(0);
    calls(30, SWG_FAILURE);
    call(SWG_SUCCESS);
    advance(S(2));
    call(SWG_FAILURE);
    assert_state(CLOSED);
}

static void test_making_a_circuit_is_no_transition(void **state) {
    (void)state;
    set("breaker.trip.0.consecutive", "3");
    set("breaker.min_state_transition_interval", "1h");
    make();
    calls(3, SWG_FAILURE);
    assert_state(OPEN);
}

static void test_where_successes_are_not_judged_they_forget(void **state) {
    (void)state;
    set("breaker.trip.0.consecutive", "3");
    set("breaker.min_state_transition_interval", "1s");
    set("breaker.judge_on_success", "no");
    make();
    close_by_hand_and_wait(0);
    calls(5, SWG_FAILURE);
    advance(S(2));
    call(SWG_SUCCESS);
    assert_state(CLOSED);
    assert_true(status().score == 0);
}

static void test_the_trip_tells_its_evidence(void **state) {
    struct swg_why told;

    (void)state;
    make();
    calls(5, SWG_FAILURE);
    told = why();
    assert_int_equal(told.evidence, 1);
    assert_string_equal(swg_rule_name(told.trip.rule), "consecutive");
    assert_true(told.trip.value == 5 && told.trip.threshold == 5);
    assert_int_equal(told.trip.calls, 5);
}

static void test_above_five_is_told_as_six_of_five(void **state) {
    (void)state;
    set("breaker.compare", "above");
    make();
    calls(5, SWG_FAILURE);
    assert_state(CLOSED);
    assert_true(status().score == 5 && status().score_limit == 5);
    call(SWG_FAILURE);
    assert_open_by("consecutive");
    assert_true(why().trip.value == 6 && why().trip.threshold == 5);
    assert_int_equal(why().trip.calls, 6);
}

/* Half failures in a row may be any number of calls. */
static void test_nobody_makes_up_how_many_calls_there_were(void **state) {
    (void)state;
    set("breaker.weights.timeout", "0.5");
    make();
    calls(10, SWG_TIMEOUT);
    assert_open_by("consecutive");
    assert_true(why().trip.value == 5);
    assert_int_equal(why().trip.calls, 0);
}

/* ---- change detector */

static void set_detector(const char *healthy, const char *unhealthy, const char *once_in) {
    set("breaker.trip.0.change.healthy", healthy);
    set("breaker.trip.0.change.unhealthy", unhealthy);
    set("breaker.trip.0.change.false_trip_once_in", once_in);
}

static void test_integers_are_the_formula_s_on_the_careful_side(void **state) {
    struct swgi_score_settings score;
    double up = log(0.2 / 0.01), down = -log(0.8 / 0.99), limit = log(1e6);
    double unit, sum = 0;
    uint32_t kept = 0;
    struct swgi_random chance;

    (void)state;
    set_detector("0.01", "0.2", "1000000");
    make();
    score = settings().score;
    unit = (limit + up) / (double)UINT32_MAX;
    swgi_random_init(&chance, 1);
    for (int i = 0; i < 1000000; i++) {
        bool failed = swgi_random_below(&chance, 100) < 4;

        sum = failed ? sum + up : sum - down > 0 ? sum - down : 0;
        sum = sum < limit ? sum : limit;
        kept = swgi_score_next(&score, kept, failed ? 2 : 0);
        assert_true(kept * unit <= sum + 1e-6);
        assert_true(kept * unit >= sum - 1e-3);
    }
}

/* Calls to a false trip, on average over so many healthy calls. */
static double mean_interval(const struct swgi_score_settings *score, double healthy, uint64_t seed,
                            unsigned of) {
    struct swgi_random chance;
    uint32_t kept = 0;
    unsigned trips = 0;

    swgi_random_init(&chance, seed);
    for (unsigned i = 0; i < of; i++) {
        kept = swgi_score_next(score, kept, swgi_random_share(&chance) < healthy ? 2 : 0);
        if (kept >= score->limit) {
            trips++;
            kept = 0;
        }
    }
    return trips == 0 ? INFINITY : of / (double)trips;
}

static void test_false_trips_are_as_rare_as_promised(void **state) {
    static const struct {
        const char *healthy, *unhealthy, *once_in;
        double p0, promise;
    } promises[] = { { "0.01", "0.2", "1000", 0.01, 1000 },
                     { "0.05", "0.2", "1000", 0.05, 1000 },
                     { "0.1", "0.5", "10000", 0.1, 10000 },
                     { "0.01", "0.02", "1000", 0.01, 1000 },
                     { "0.3", "0.6", "100", 0.3, 100 } };

    (void)state;
    for (unsigned i = 0; i < sizeof(promises) / sizeof(promises[0]); i++) {
        char name[16];
        struct swgi_score_settings score;

        snprintf(name, sizeof(name), "c%u", i);
        set_detector(promises[i].healthy, promises[i].unhealthy, promises[i].once_in);
        make_named(name);
        score = settings().score;
        assert_true(mean_interval(&score, promises[i].p0, 7 + i, 5000000) >= promises[i].promise);
    }
}

static void test_a_million_healthy_calls_do_not_trip_a_circuit(void **state) {
    struct swgi_random chance;

    (void)state;
    set_detector("0.01", "0.2", "1000000000");
    make();
    swgi_random_init(&chance, 3);
    for (int i = 0; i < 1000000; i++)
        call(swgi_random_below(&chance, 100) == 0 ? SWG_FAILURE : SWG_SUCCESS);
    assert_state(CLOSED);
    assert_int_equal(status().trips, 0);
}

static void test_an_unhealthy_rate_is_noticed(void **state) {
    struct swgi_random chance;
    int until = 0;

    (void)state;
    set_detector("0.01", "0.2", "1000000");
    make();
    swgi_random_init(&chance, 5);
    calls(100000, SWG_SUCCESS);
    for (; status().trips == 0 && until < 1000; until++)
        call(swgi_random_below(&chance, 100) < 20 ? SWG_FAILURE : SWG_SUCCESS);
    /* The limit over the drift at p1 is 32 calls. */
    assert_true(until < 150);
    assert_open_by("change");
    assert_true(why().trip.value >= why().trip.threshold);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_the_nth_failure_in_a_row_trips),
        STORY(test_one_is_enough_where_one_is_asked),
        STORY(test_a_success_starts_the_count_anew),
        STORY(test_above_asks_for_one_more),
        STORY(test_a_timeout_may_weigh_half),
        STORY(test_above_is_above_by_half_a_failure_too),
        STORY(test_a_timeout_of_no_weight_says_nothing),
        STORY(test_an_ignored_outcome_says_nothing),
        STORY(test_an_ignored_outcome_may_count_as_success),
        STORY(test_a_withheld_verdict_falls_due_before_a_success_forgets_it),
        STORY(test_within_the_interval_a_success_forgets),
        STORY(test_making_a_circuit_is_no_transition),
        STORY(test_where_successes_are_not_judged_they_forget),
        STORY(test_the_trip_tells_its_evidence),
        STORY(test_above_five_is_told_as_six_of_five),
        STORY(test_nobody_makes_up_how_many_calls_there_were),
        STORY(test_integers_are_the_formula_s_on_the_careful_side),
        STORY(test_false_trips_are_as_rare_as_promised),
        STORY(test_a_million_healthy_calls_do_not_trip_a_circuit),
        STORY(test_an_unhealthy_rate_is_noticed),
    };

    return cmocka_run_group_tests_name("engine: score", tests, NULL, NULL);
}
