/* A failure may forbid another attempt: what must not be done twice is not, and costs no budget. */
#include "story.h"

struct once {
    int calls, no_retry;
};

static int fail_once(struct swg_attempt *attempt, void *arg) {
    struct swg_failure told = SWG_FAILURE_INIT;
    struct once *once = arg;

    once->calls++;
    told.kind = "refused";
    told.no_retry = once->no_retry;
    swg_attempt_failure(attempt, &told);
    return SWG_FAILURE;
}

static void make_retrying(const char *inside) {
    set("breaker.trip.0.consecutive", "100");
    set("retry.attempts", "3");
    set("retry.delay", "1us");
    set("retry.inside", inside);
    make();
}

static void forbidden(const char *inside) {
    struct once once = { .no_retry = 1 };

    make_retrying(inside);
    double budget = status().retry_budget_left;

    assert_int_equal(swg_call(circuit, NULL, fail_once, &once, NULL), SWG_FAILED);
    assert_int_equal(once.calls, 1);
    assert_int_equal(status().failures, 1);
    assert_int_equal(status().retries_refused, 0);
    assert_true(status().retry_budget_left >= budget);
}

static void test_forbidden(void **state) {
    (void)state;
    forbidden("no");
}

static void test_forbidden_inside(void **state) {
    (void)state;
    forbidden("yes");
}

static void test_allowed(void **state) {
    struct once once = { 0 };

    (void)state;
    make_retrying("no");
    assert_int_equal(swg_call(circuit, NULL, fail_once, &once, NULL), SWG_FAILED);
    assert_int_equal(once.calls, 3);
    assert_int_equal(status().failures, 3);
    assert_int_equal(status().retries, 2);
}

static void test_in_two_halves(void **state) {
    struct swg_failure told = SWG_FAILURE_INIT;

    (void)state;
    make_retrying("no");
    told.no_retry = 1;
    assert_int_equal(acquire(), SWG_GO);
    assert_int_equal(swg_record_error(&latest, SWG_TIMEOUT, &told), 0);
    assert_int_equal(swg_acquire_again(&latest), -EINVAL);
    told.no_retry = 0;
    assert_int_equal(acquire(), SWG_GO);
    assert_int_equal(swg_record_error(&latest, SWG_TIMEOUT, &told), SWG_RETRY);
    assert_int_equal(swg_acquire_again(&latest), SWG_GO);
    swg_cancel(&latest);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_allowed),
        STORY(test_forbidden),
        STORY(test_forbidden_inside),
        STORY(test_in_two_halves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
