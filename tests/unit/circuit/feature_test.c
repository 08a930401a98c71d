/* Partial recovery: on a trip all but the critical features go off, and come back one by one. */
#include "policy_story.h"

#define HOLD (S(10) + ROUNDING)

static void make_features(void) {
    set("features.list", "checkout:100, search:50, reviews:10, ads:1");
    set("features.hold", "10s");
    set("breaker.open.for", "5s");
    make();
}

static bool on(const char *name) {
    int rc = swg_feature_enabled(circuit, name);

    assert_true(rc == 0 || rc == 1);
    return rc == 1;
}

/* Critical first: "1000" is checkout alone. */
static void assert_on(const char *wanted) {
    static const char *const names[] = { "checkout", "search", "reviews", "ads" };
    char found[5] = "";

    for (unsigned i = 0; i < 4; i++)
        found[i] = on(names[i]) ? '1' : '0';
    assert_string_equal(found, wanted);
    unsigned others = 0;
    for (unsigned i = 1; i < 4; i++)
        others += wanted[i] == '1';
    assert_int_equal(status().features_all, 3);
    assert_int_equal(status().features_on, others);
}

static void recover(void) {
    advance(S(5) + ROUNDING);
    assert_state(HALF_OPEN);
    assert_on("1000");
    calls(2, SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_all_are_on(void **state) {
    (void)state;
    make_features();
    assert_on("1111");
    calls(100, SWG_SUCCESS);
    advance(S(100));
    assert_on("1111");
    assert_int_equal(swg_feature_enabled(circuit, "unheard-of"), 1);
    assert_int_equal(swg_feature_enabled(circuit, NULL), -EINVAL);
    assert_int_equal(swg_feature_enabled(NULL, "search"), -EINVAL);
}

static void test_without_features(void **state) {
    (void)state;
    make();
    assert_int_equal(swg_feature_enabled(circuit, "search"), 1);
    calls(5, SWG_FAILURE);
    assert_state(OPEN);
    assert_int_equal(swg_feature_enabled(circuit, "search"), 1);
}

static void test_one_by_one(void **state) {
    (void)state;
    make_features();
    assert_on("1111");
    calls(5, SWG_FAILURE);
    assert_state(OPEN);
    assert_on("1000");
    recover();
    assert_on("1100"); /* the most important comes back at once */
    advance(S(9));
    assert_on("1100");
    advance(S(1) + ROUNDING);
    assert_on("1110");
    advance(HOLD);
    assert_on("1111");
    advance(S(1000));
    assert_on("1111");
}

static void test_a_trip_that_nobody_saw(void **state) {
    (void)state;
    make_features();
    assert_on("1111");
    calls(5, SWG_FAILURE);
    advance(S(5) + ROUNDING);
    calls(2, SWG_SUCCESS);
    assert_state(CLOSED);
    assert_on("1100");
}

static void test_rolled_back_when_health_falls(void **state) {
    (void)state;
    make_features();
    assert_on("1111");
    calls(5, SWG_FAILURE);
    recover();
    assert_on("1100");
    advance(HOLD);
    assert_on("1110");
    calls(3, SWG_FAILURE); /* more than half of what would trip */
    assert_on("1100");
    assert_state(CLOSED);
    call(SWG_SUCCESS);
    assert_on("1100"); /* the hold begins anew */
    advance(S(9));
    assert_on("1100");
    advance(S(1) + ROUNDING);
    assert_on("1110");
}

/* The same by a rate: half of what would trip it. */
static void test_health_by_a_rate(void **state) {
    (void)state;
    set("breaker.trip.0.failure_rate.percent", "60");
    set("breaker.trip.0.failure_rate.window", "1000s");
    set("breaker.trip.0.failure_rate.calls_min", "10");
    make_features();
    assert_on("1111");
    calls(10, SWG_FAILURE);
    recover();
    assert_on("1100");
    calls(80, SWG_SUCCESS);
    calls(20, SWG_FAILURE); /* 20 %: a third of what trips */
    advance(HOLD);
    assert_on("1110");
    calls(40, SWG_FAILURE); /* 43 % */
    assert_state(CLOSED);
    assert_on("1100");
}

static void test_health_by_slowness(void **state) {
    (void)state;
    set("breaker.slow_call_duration", "1s");
    set("breaker.trip.0.slow_rate.percent", "60");
    set("breaker.trip.0.slow_rate.window", "1000s");
    set("breaker.trip.0.slow_rate.calls_min", "10");
    make_features();
    assert_on("1111");
    for (unsigned i = 0; i < 10; i++)
        call_taking(SWG_SUCCESS, S(2));
    recover();
    calls(80, SWG_SUCCESS);
    assert_on("1100");
    for (unsigned i = 0; i < 20; i++)
        call_taking(SWG_SUCCESS, S(2));
    advance(HOLD);
    assert_on("1110");
    for (unsigned i = 0; i < 40; i++)
        call_taking(SWG_SUCCESS, S(2));
    assert_state(CLOSED);
    assert_on("1100");
}

static void test_an_isolated_circuit(void **state) {
    (void)state;
    make_features();
    assert_on("1111");
    mode(SWG_MODE_FORCED_OPEN, 0);
    assert_on("1000");
    mode(SWG_MODE_NORMAL, 0);
    assert_on("1100");
}

static void test_another_trip_on_the_way(void **state) {
    (void)state;
    make_features();
    assert_on("1111");
    calls(5, SWG_FAILURE);
    recover();
    advance(HOLD);
    assert_on("1100");
    advance(HOLD);
    assert_on("1110");
    calls(5, SWG_FAILURE);
    assert_on("1000");
    recover();
    assert_on("1100");
}

static void test_the_list_changes(void **state) {
    (void)state;
    make_features();
    calls(5, SWG_FAILURE);
    assert_false(on("search"));
    change("features.list", "search:200, reviews:10");
    assert_true(on("search"));
    assert_false(on("reviews"));
    assert_true(on("ads"));
    change("features.list", "none");
    assert_true(on("reviews"));
    assert_int_equal(status().features_all, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_all_are_on),
        STORY(test_without_features),
        STORY(test_one_by_one),
        STORY(test_a_trip_that_nobody_saw),
        STORY(test_rolled_back_when_health_falls),
        STORY(test_health_by_a_rate),
        STORY(test_health_by_slowness),
        STORY(test_an_isolated_circuit),
        STORY(test_another_trip_on_the_way),
        STORY(test_the_list_changes),
    };
    return cmocka_run_group_tests_name("features", tests, NULL, NULL);
}
