/* What the circuit may answer, all of it: this program's swg_acquire() and swg_record_error() stand in front of the library's. */
#include "outbox_fixture.h"

static int answer;   /* of the next acquire */
static int recorded; /* what a record answers */
static swg_ns wait_ns;
static unsigned asked, ended, cancelled;
static struct swg_request last_request;

int swg_acquire(struct swg_circuit *circuit, const struct swg_request *request,
                struct swg_permit *out) {
    (void)circuit, (void)out;
    asked++;
    last_request = *request;
    return answer;
}

int swg_record_error(struct swg_permit *permit, int outcome, const struct swg_failure *why) {
    (void)permit, (void)outcome, (void)why;
    ended++;
    return recorded;
}

void swg_cancel(struct swg_permit *permit) {
    (void)permit;
    cancelled++;
}

swg_ns swg_retry_in(const struct swg_permit *permit) {
    (void)permit;
    return wait_ns;
}

static int begin(void **state) {
    answer = SWG_GO;
    recorded = 0;
    wait_ns = 0;
    asked = ended = cancelled = 0;
    fixture_start(state);
    assert_int_equal(put(*state, "a", "1"), 0);
    return 0;
}

static void each_rejection_stops_the_run_and_costs_nothing(void **state) {
    struct fixture *f = *state;

    for (answer = SWG_OPEN; answer <= SWG_EXPIRED; answer++) {
        wait_ns = answer * SECOND;
        assert_int_equal(run(f, 0), answer);
        assert_string_equal(f->got, "");
        assert_int_equal(f->result.retry_in, wait_ns);
        assert_string_equal(f->result.text, swg_strerror(answer));
    }
    assert_int_equal(cancelled, 0);
    assert_int_equal(look(f).attempts, 0);
}

static void a_place_in_the_queue_is_given_back(void **state) {
    struct fixture *f = *state;

    answer = SWG_QUEUED;
    wait_ns = SECOND;
    assert_int_equal(run(f, 0), SWG_FULL);
    assert_int_equal(f->result.retry_in, SECOND);
    assert_int_equal(cancelled, 1);
    assert_string_equal(f->got, "");
    assert_int_equal(look(f).attempts, 0);
}

static void a_fault_of_the_circuit_is_forwarded(void **state) {
    struct fixture *f = *state;

    answer = -EROFS;
    assert_int_equal(run(f, 0), -EROFS);
    assert_string_equal(f->error.key, "circuit");
    assert_int_equal(look(f).attempts, 0);
}

/* The ticket is given back: the next attempt is another run's, in so much time. */
static void a_retry_is_another_runs(void **state) {
    struct fixture *f = *state;

    f->outcome = SWG_FAILURE;
    recorded = SWG_RETRY;
    wait_ns = 42 * SECOND;
    assert_int_equal(run(f, 0), SWG_FAILED);
    assert_int_equal(f->result.retry_in, 42 * SECOND);
    assert_int_equal(cancelled, 1);
    assert_int_equal(ended, 1);
    assert_int_equal(look(f).attempts, 1);
}

static void the_priority_is_the_options(void **state) {
    struct fixture *f = *state;

    f->options.priority = 31;
    reopen(f);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_int_equal(last_request.priority, 31);
    assert_int_equal(asked, 1);
    assert_int_equal(ended, 1);
}

/* Between the question and the call the database failed: what the permit holds is given back. */
static void a_permit_that_cannot_be_used_is_given_back(void **state) {
    struct fixture *f = *state;

    sql(f, "CREATE TRIGGER no_mark BEFORE UPDATE OF trying ON outbox_queue"
           " BEGIN SELECT raise(ABORT, 'no'); END");
    assert_int_equal(run(f, 0), -EIO);
    assert_string_equal(f->got, "");
    assert_int_equal(cancelled, 1);
    sql(f, "DROP TRIGGER no_mark");
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "a=1#1 ");
}

#undef STORY
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, fixture_stop)

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(each_rejection_stops_the_run_and_costs_nothing),
        STORY(a_place_in_the_queue_is_given_back),
        STORY(a_fault_of_the_circuit_is_forwarded),
        STORY(a_retry_is_another_runs),
        STORY(the_priority_is_the_options),
        STORY(a_permit_that_cannot_be_used_is_given_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
