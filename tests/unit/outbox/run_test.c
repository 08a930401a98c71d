/* A run: in order, as far as the circuit and the receiver let it go, and each attempt counted. */
#include "outbox_fixture.h"

static void put_abc(struct fixture *f) {
    assert_int_equal(put(f, "a", "1"), 0);
    assert_int_equal(put(f, "b", "2"), 0);
    assert_int_equal(put(f, "c", "3"), 0);
}

static void entries_come_in_order_and_once(void **state) {
    struct fixture *f = *state;

    put_abc(f);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "a=1#1 b=2#1 c=3#1 ");
    assert_int_equal(f->result.delivered, 3);
    assert_int_equal(f->result.outcome, SWG_SUCCESS);
    assert_string_equal(f->result.key, "c");
    assert_string_equal(f->result.text, "");
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "");
    assert_int_equal(f->result.delivered, 0);
    check_counters(f);
}

static void a_limit_holds(void **state) {
    struct fixture *f = *state;

    put_abc(f);
    assert_int_equal(run(f, 2), SWG_GO);
    assert_string_equal(f->got, "a=1#1 b=2#1 ");
    assert_int_equal(run(f, 2), SWG_GO);
    assert_string_equal(f->got, "c=3#1 ");
}

static void a_failure_stops_the_run_and_stays_first(void **state) {
    struct fixture *f = *state;

    put_abc(f);
    f->outcome = SWG_FAILURE;
    f->bad_key = "b";
    f->why.kind = "http_5xx";
    f->why.text = "no room";
    assert_int_equal(run(f, 0), SWG_FAILED);
    assert_string_equal(f->got, "a=1#1 b=2#1 ");
    assert_int_equal(f->result.delivered, 1);
    assert_int_equal(f->result.outcome, SWG_FAILURE);
    assert_int_equal(f->result.retry_in, SECOND / 10);
    assert_string_equal(f->result.text, "http_5xx: no room");
    assert_string_equal(look(f).key, "b");
    assert_string_equal(look(f).text, "no room");
    assert_int_equal(look(f).attempts, 1);
    assert_int_equal(run(f, 0), SWG_FAILED);
    assert_int_equal(f->result.retry_in, SECOND / 5);
    f->outcome = SWG_SUCCESS;
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "b=2#3 c=3#1 ");
    check_counters(f);
}

static void the_wait_that_was_named_is_told(void **state) {
    struct fixture *f = *state;

    put_abc(f);
    f->outcome = SWG_TIMEOUT;
    f->why.retry_after = 77 * SECOND;
    assert_int_equal(run(f, 0), SWG_FAILED);
    assert_int_equal(f->result.retry_in, 77 * SECOND);
    assert_string_equal(f->result.text, "timeout");
}

static void an_open_circuit_costs_no_attempt(void **state) {
    struct fixture *f = *state;

    put_abc(f);
    f->outcome = SWG_FAILURE;
    for (int i = 0; i < 3; i++)
        assert_int_equal(run(f, 0), SWG_FAILED);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(run(f, 0), SWG_OPEN);
        assert_string_equal(f->got, "");
        assert_true(f->result.retry_in > 29 * SECOND && f->result.retry_in <= 31 * SECOND);
        assert_int_equal(f->result.outcome, 0);
        assert_string_not_equal(f->result.text, "");
    }
    assert_int_equal(look(f).attempts, 3);
    f->outcome = SWG_SUCCESS;
    swg_panel_advance(f->panel, f->result.retry_in);
    assert_int_equal(run(f, 1), SWG_GO);
    assert_string_equal(f->got, "a=1#4 ");
}

static void the_circuit_learns_of_every_outcome(void **state) {
    struct fixture *f = *state;
    struct swg_status status = SWG_STATUS_INIT;

    put_abc(f);
    assert_int_equal(run(f, 1), SWG_GO);
    f->outcome = SWG_IGNORED;
    assert_int_equal(run(f, 1), SWG_GO);
    f->outcome = SWG_TIMEOUT;
    assert_int_equal(run(f, 1), SWG_FAILED);
    assert_int_equal(swg_circuit_status(f->circuit, &status), 0);
    assert_int_equal(status.successes, 1);
    assert_int_equal(status.ignored, 1);
    assert_int_equal(status.timeouts, 1);
    assert_int_equal(status.in_flight, 0);
}

static int returns_a_verdict(struct swg_outbox_item *item, void *arg) {
    (void)item, (void)arg;
    return SWG_OPEN;
}

static void what_is_no_outcome_is_a_broken_off_attempt(void **state) {
    struct fixture *f = *state;
    struct swg_status status = SWG_STATUS_INIT;

    put_abc(f);
    assert_int_equal(
        swg_outbox_run(f->outbox, f->circuit, returns_a_verdict, NULL, 0, &f->result, &f->error),
        -EINVAL);
    assert_string_equal(f->error.key, "outcome");
    assert_int_equal(swg_circuit_status(f->circuit, &status), 0);
    assert_int_equal(status.in_flight, 0);
    assert_int_equal(look(f).attempts, 1);
    assert_int_equal(run(f, 1), SWG_GO);
    assert_string_equal(f->got, "a=1#2 ");
}

static void nothing_to_run_with_is_refused(void **state) {
    struct fixture *f = *state;

    assert_int_equal(swg_outbox_run(f->outbox, NULL, receive, f, 0, NULL, &f->error), -EINVAL);
    assert_string_equal(f->error.key, "circuit");
    assert_int_equal(swg_outbox_run(f->outbox, f->circuit, NULL, f, 0, NULL, &f->error), -EINVAL);
    assert_string_equal(f->error.key, "fn");
}

/* ---- the end of patience */

static void so_many_failures_make_a_dead_letter(void **state) {
    struct fixture *f = *state;

    f->options.attempts_max = 2;
    reopen(f);
    put_abc(f);
    f->outcome = SWG_FAILURE;
    f->bad_key = "a";
    assert_int_equal(run(f, 0), SWG_FAILED);
    assert_int_equal(look(f).dead, 0);
    assert_int_equal(run(f, 0), SWG_FAILED);
    assert_string_equal(f->got, "a=1#2 ");
    assert_int_equal(f->result.dead, 1);
    assert_int_equal(look(f).dead, 1);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "b=2#1 c=3#1 ");
    check_counters(f);
}

static void the_callers_own_error_does_not_stop_the_run(void **state) {
    struct fixture *f = *state;

    put_abc(f);
    f->outcome = SWG_IGNORED;
    f->bad_key = "b";
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "a=1#1 b=2#1 c=3#1 ");
    assert_int_equal(f->result.delivered, 2);
    assert_int_equal(f->result.dead, 1);
    check_counters(f);
}

static void what_is_too_old_is_not_tried(void **state) {
    struct fixture *f = *state;
    struct swg_outbox_dead dead = SWG_OUTBOX_DEAD_INIT;
    uint64_t cursor = 0;

    f->options.age_max = 3600 * SECOND;
    reopen(f);
    put_abc(f);
    sql(f, "UPDATE outbox SET put_ms = put_ms - 3601000 WHERE key = 'a'");
    sql(f, "UPDATE outbox SET put_ms = put_ms - 3590000 WHERE key = 'b'");
    assert_true(look(f).oldest >= 3601 * SECOND && look(f).oldest < 3700 * SECOND);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "b=2#1 c=3#1 ");
    assert_int_equal(f->result.dead, 1);
    assert_int_equal(swg_outbox_dead_next(f->outbox, &cursor, &dead), 0);
    assert_string_equal(dead.key, "a");
    assert_string_equal(dead.kind, "expired");
    assert_int_equal(dead.attempts, 0);
    check_counters(f);
}

static void an_open_circuit_does_not_keep_what_is_too_old(void **state) {
    struct fixture *f = *state;

    f->options.age_max = 3600 * SECOND;
    reopen(f);
    put_abc(f);
    sql(f, "UPDATE outbox SET put_ms = put_ms - 3601000 WHERE key < 'c'");
    assert_int_equal(swg_circuit_trip(f->circuit, NULL, NULL), 0);
    assert_int_equal(run(f, 0), SWG_OPEN);
    assert_int_equal(f->result.dead, 2);
    assert_int_equal(look(f).pending, 1);
}

static void a_clock_that_was_set_back_makes_nothing_old(void **state) {
    struct fixture *f = *state;

    f->options.age_max = SECOND;
    reopen(f);
    put_abc(f);
    sql(f, "UPDATE outbox SET put_ms = put_ms + 86400000");
    assert_true(look(f).oldest < SECOND);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_int_equal(f->result.delivered, 3);
}

/* ---- what the callback may do */

static int puts_more(struct swg_outbox_item *item, void *arg) {
    struct fixture *f = arg;

    assert_true(look(f).running);
    assert_int_equal(swg_outbox_run(f->outbox, f->circuit, receive, f, 0, NULL, NULL), -EBUSY);
    if (item->key[0] != 'x')
        assert_int_equal(put(f, "x", "from inside"), 0);
    return receive(item, arg);
}

static void the_callback_may_put_but_not_run(void **state) {
    struct fixture *f = *state;

    assert_int_equal(put(f, "a", "1"), 0);
    assert_int_equal(swg_outbox_run(f->outbox, f->circuit, puts_more, f, 0, NULL, NULL), SWG_GO);
    assert_string_equal(f->got, "a=1#1 x=from inside#1 ");
    assert_false(look(f).running);
}

static int reason_on_the_stack(struct swg_outbox_item *item, void *arg) {
    struct swg_failure why = SWG_FAILURE_INIT;
    char text[8] = "gone";

    (void)arg;
    why.text = text;
    swg_outbox_failure(item, &why);
    memset(text, 'X', sizeof(text) - 1);
    return SWG_FAILURE;
}

static void reasons_are_copied(void **state) {
    struct fixture *f = *state;
    struct swg_why *why = calloc(1, sizeof(*why));

    assert_non_null(why);
    why->size = sizeof(*why);

    put_abc(f);
    assert_int_equal(
        swg_outbox_run(f->outbox, f->circuit, reason_on_the_stack, NULL, 0, &f->result, NULL),
        SWG_FAILED);
    assert_string_equal(look(f).text, "gone");
    assert_int_equal(swg_circuit_why(f->circuit, why), 0);
    assert_int_equal(why->samples_count, 1);
    assert_string_equal(why->samples[0].text, "gone");
    free(why);
}

static void results_of_an_older_caller_are_not_overrun(void **state) {
    struct fixture *f = *state;

    put_abc(f);
    f->result.size = offsetof(struct swg_outbox_result, outcome);
    f->result.outcome = 1234;
    assert_int_equal(run(f, 0), SWG_GO);
    assert_int_equal(f->result.delivered, 3);
    assert_int_equal(f->result.outcome, 1234);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(entries_come_in_order_and_once),
        STORY(a_limit_holds),
        STORY(a_failure_stops_the_run_and_stays_first),
        STORY(the_wait_that_was_named_is_told),
        STORY(an_open_circuit_costs_no_attempt),
        STORY(the_circuit_learns_of_every_outcome),
        STORY(what_is_no_outcome_is_a_broken_off_attempt),
        STORY(nothing_to_run_with_is_refused),
        STORY(so_many_failures_make_a_dead_letter),
        STORY(the_callers_own_error_does_not_stop_the_run),
        STORY(what_is_too_old_is_not_tried),
        STORY(an_open_circuit_does_not_keep_what_is_too_old),
        STORY(a_clock_that_was_set_back_makes_nothing_old),
        STORY(the_callback_may_put_but_not_run),
        STORY(reasons_are_copied),
        STORY(results_of_an_older_caller_are_not_overrun),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
