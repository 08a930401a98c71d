/* Calls in one piece and requests: the three cases, what a result tells, and outcomes that are none. */
#include "story.h"

#include <stdbool.h>

struct server {
    int outcome;
    unsigned calls;
    const char *kind, *text, *traceparent;
    int code;
    swg_ns retry_after, deadline;
    uint32_t number;
};

static int serve(struct swg_attempt *attempt, void *arg) {
    struct server *server = arg;
    server->calls++;
    server->deadline = swg_attempt_deadline(attempt);
    server->number = swg_attempt_number(attempt);
    if (server->kind != NULL) {
        struct swg_failure why = SWG_FAILURE_INIT;
        why.kind = server->kind;
        why.text = server->text;
        why.code = server->code;
        why.retry_after = server->retry_after;
        why.traceparent = server->traceparent;
        swg_attempt_failure(attempt, &why);
    }
    return server->outcome;
}

static struct swg_result latest_result;

static int call_server(struct server *server) {
    latest_result = (struct swg_result)SWG_RESULT_INIT;
    int rc = swg_call(circuit, NULL, serve, server, &latest_result);
    assert_int_equal(latest_result.rc, rc);
    return rc;
}

/* ---- the three cases */

static void test_answered(void **state) {
    struct server server = { .outcome = SWG_SUCCESS };
    (void)state;
    make();
    assert_int_equal(call_server(&server), SWG_GO);
    assert_int_equal(server.calls, 1);
    assert_int_equal(server.number, 1);
    assert_int_equal(server.deadline, SWG_NS_MAX);
    assert_int_equal(latest_result.outcome, SWG_SUCCESS);
    assert_int_equal(latest_result.attempts, 1);
    assert_int_equal(latest_result.error.code, 0);
    server.outcome = SWG_IGNORED;
    assert_int_equal(call_server(&server), SWG_GO);
    assert_int_equal(latest_result.outcome, SWG_IGNORED);
    assert_int_equal(status().successes, 1);
    assert_int_equal(status().ignored, 1);
}

#define TRACE_ID "0af7651916cd43dd8448eb211c80319c"

static struct swg_event sample_traced(const char *request_trace, const char *failure_trace) {
    struct server server = { .outcome = SWG_FAILURE,
                             .kind = "refused",
                             .traceparent = failure_trace };
    struct swg_request request = SWG_REQUEST_INIT;
    request.traceparent = request_trace;
    assert_int_equal(swg_call(circuit, &request, serve, &server, NULL), SWG_FAILED);
    advance(S(1));
    return why().samples[0];
}

static void test_a_sample_has_the_trace_of_its_call(void **state) {
    static const char asked[] = "00-" TRACE_ID "-b7ad6b7169203331-01";
    static const char told[] = "00-11111111111111111111111111111111-b7ad6b7169203331-01";
    (void)state;
    set("breaker.trip", "none");
    make();
    assert_string_equal(sample_traced(asked, NULL).trace_id, TRACE_ID);
    assert_string_equal(sample_traced(asked, told).trace_id, "11111111111111111111111111111111");
    assert_string_equal(sample_traced(NULL, NULL).trace_id, "");
    /* What is too long to be kept whole is judged as the whole. */
    assert_string_equal(
        sample_traced(NULL, "01-" TRACE_ID "-b7ad6b7169203331-01-of-another-version").trace_id,
        TRACE_ID);
    assert_string_equal(sample_traced(NULL, "00-" TRACE_ID "-b7ad6b7169203331-01-x").trace_id, "");
}

static void test_called_and_failed(void **state) {
    struct server server = {
        .outcome = SWG_FAILURE, .kind = "refused", .text = "connection refused", .code = 111
    };
    (void)state;
    make();
    assert_int_equal(call_server(&server), SWG_FAILED);
    assert_false(swg_is_rejection(latest_result.rc));
    assert_int_equal(latest_result.outcome, SWG_FAILURE);
    assert_int_equal(latest_result.error.code, 111);
    assert_string_equal(latest_result.error.key, "refused");
    assert_string_equal(latest_result.error.text, "connection refused");
    server = (struct server){ .outcome = SWG_TIMEOUT };
    assert_int_equal(call_server(&server), SWG_FAILED);
    assert_string_equal(latest_result.error.text, "");
    assert_int_equal(status().failures, 1);
    assert_int_equal(status().timeouts, 1);
    struct swg_why told = why();
    assert_true(told.samples_count >= 1);
    assert_string_equal(told.samples[0].error_kind, "refused");
    assert_string_equal(told.samples[0].text, "connection refused");
    assert_int_equal(told.samples[0].code, 111);
}

static void test_not_called(void **state) {
    struct server server = { .outcome = SWG_FAILURE };
    (void)state;
    set("breaker.trip.0.consecutive", "3");
    set("breaker.open.for", "20s");
    make();
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(call_server(&server), SWG_FAILED);
    assert_int_equal(call_server(&server), SWG_OPEN);
    assert_true(swg_is_rejection(latest_result.rc));
    assert_int_equal(server.calls, 3);
    assert_int_equal(latest_result.attempts, 0);
    assert_int_equal(latest_result.outcome, 0);
    assert_in_range(latest_result.retry_in, S(20), S(20) + ROUNDING);
    assert_int_equal(swg_circuit_trip(circuit, NULL, NULL), 0);
    assert_int_equal(call_server(&server), SWG_OPEN);
    assert_int_equal(latest_result.retry_in, SWG_NS_MAX);
}

static void test_recovers_by_itself(void **state) {
    struct server server = { .outcome = SWG_FAILURE };
    (void)state;
    set("breaker.trip.0.consecutive", "1");
    set("breaker.open.for", "1s");
    set("breaker.half_open.success_threshold", "1");
    make();
    assert_int_equal(call_server(&server), SWG_FAILED);
    advance(S(2));
    server.outcome = SWG_SUCCESS;
    assert_int_equal(call_server(&server), SWG_GO);
    assert_state(CLOSED);
}

/* ---- what is no outcome */

static void test_a_verdict_is_no_outcome(void **state) {
    (void)state;
    make();
    for (int verdict = SWG_GO; verdict <= SWG_RETRY; verdict++) {
        struct server server = { .outcome = verdict };
        assert_int_equal(call_server(&server), -EINVAL);
        assert_int_equal(server.calls, 1);
        assert_int_equal(status().cancelled, verdict + 1);
        assert_int_equal(status().in_flight, 0);
    }
    assert_int_equal(status().successes + status().failures + status().timeouts, 0);
}

static int nested(struct swg_attempt *attempt, void *arg) {
    (void)attempt;
    return swg_call(circuit, NULL, serve, arg, NULL);
}

/* A call inside a call whose answer is passed on by mistake: told, and counted as neither. */
static void test_a_nested_answer_passed_on(void **state) {
    struct server server = { .outcome = SWG_FAILURE };
    (void)state;
    make();
    assert_int_equal(swg_call(circuit, NULL, nested, &server, NULL), -EINVAL);
    assert_int_equal(status().failures, 1);
    assert_int_equal(status().cancelled, 1);
}

static void test_nothing_to_call(void **state) {
    struct server server = { .outcome = SWG_SUCCESS };
    struct swg_result result = SWG_RESULT_INIT;
    (void)state;
    make();
    assert_int_equal(swg_call(circuit, NULL, NULL, NULL, NULL), -EINVAL);
    assert_int_equal(swg_call(NULL, NULL, serve, &server, &result), -EINVAL);
    assert_int_equal(result.rc, -EINVAL);
    assert_int_equal(result.retry_in, 0);
    assert_int_equal(server.calls, 0);
    assert_int_equal(status().calls, 0);
    assert_int_equal(swg_call(circuit, NULL, serve, &server, NULL), SWG_GO);
}

/* ---- what a failure tells */

static void test_long_words_are_cut(void **state) {
    char kind[200], text[1000];
    struct server server = { .outcome = SWG_FAILURE, .kind = kind, .text = text };
    (void)state;
    memset(kind, 'k', sizeof(kind) - 1);
    memset(text, 't', sizeof(text) - 1);
    kind[sizeof(kind) - 1] = text[sizeof(text) - 1] = '\0';
    make();
    assert_int_equal(call_server(&server), SWG_FAILED);
    assert_int_equal(strlen(latest_result.error.key), 23);
    assert_int_equal(strlen(latest_result.error.text), 127);
    assert_int_equal(strlen(why().samples[0].text), 127);
}

static void test_hostile_words_are_shown_harmless(void **state) {
    struct server server = { .outcome = SWG_FAILURE, .kind = "\x1b[2J", .text = "a\nb\x80" };
    (void)state;
    make();
    assert_int_equal(call_server(&server), SWG_FAILED);
    assert_string_equal(latest_result.error.key, "?[2J");
    assert_string_equal(latest_result.error.text, "a?b?");
    assert_string_equal(why().samples[0].text, "a?b?");
}

static void test_no_words_at_all(void **state) {
    struct swg_failure empty = SWG_FAILURE_INIT;
    (void)state;
    make();
    assert_int_equal(acquire(), SWG_GO);
    assert_int_equal(swg_record_error(&latest, SWG_FAILURE, &empty), 0);
    assert_int_equal(acquire(), SWG_GO);
    assert_int_equal(swg_record_error(&latest, SWG_FAILURE, NULL), 0);
    assert_int_equal(status().failures, 2);
}

static void test_the_dependency_names_the_time(void **state) {
    struct server server = { .outcome = SWG_TIMEOUT, .kind = "http_429", .retry_after = S(90) };
    (void)state;
    set("breaker.trip.0.consecutive", "1");
    set("breaker.open.for", "5s");
    make();
    assert_int_equal(call_server(&server), SWG_FAILED);
    assert_int_equal(call_server(&server), SWG_OPEN);
    assert_in_range(latest_result.retry_in, S(90), S(90) + ROUNDING);
}

/* ---- requests */

static void test_a_deadline_that_passed(void **state) {
    struct swg_request request = SWG_REQUEST_INIT;
    struct server server = { .outcome = SWG_SUCCESS };
    (void)state;
    make();
    request.deadline = now() + S(1);
    assert_int_equal(swg_call(circuit, &request, serve, &server, NULL), SWG_GO);
    assert_int_equal(server.deadline, now() + S(1));
    advance(S(1));
    assert_int_equal(swg_call(circuit, &request, serve, &server, NULL), SWG_EXPIRED);
    assert_int_equal(server.calls, 1);
    assert_int_equal(status().rejected_expired, 1);
    assert_int_equal(status().in_flight, 0);
}

/* Whether it is open is asked first: an open circuit's retry_in is worth more than "too late". */
static void test_open_comes_before_expired(void **state) {
    struct swg_request request = SWG_REQUEST_INIT;
    (void)state;
    make();
    request.deadline = 1;
    assert_int_equal(swg_circuit_trip(circuit, NULL, NULL), 0);
    assert_int_equal(swg_acquire(circuit, &request, &latest), SWG_OPEN);
    assert_int_equal(status().rejected_open, 1);
    assert_int_equal(status().rejected_expired, 0);
}

static void test_a_heavy_call_is_shed(void **state) {
    struct swg_request request = SWG_REQUEST_INIT;
    double load = 0;
    (void)state;
    if (getloadavg(&load, 1) != 1 || load < 0.5) {
        print_message("this machine has too little to do\n");
        skip();
    }
    set("shed.system_load_above", "0.01");
    set("shed.call_load_above", "100");
    make();
    request.load = 100;
    assert_int_equal(swg_acquire(circuit, &request, &latest), SWG_GO);
    swg_cancel(&latest);
    request.load = 101;
    int rc = swg_acquire(circuit, &request, &latest);
    if (rc == SWG_GO) {
        swg_cancel(&latest);
        print_message("this machine has too many processors for its load\n");
        skip();
    }
    assert_int_equal(rc, SWG_SHED);
    assert_true(swg_retry_in(&latest) > 0);
    assert_int_equal(status().rejected_shed, 1);
    assert_int_equal(status().rejected_open, 0);
}

static void test_nothing_is_shed_unless_asked(void **state) {
    struct swg_request request = SWG_REQUEST_INIT;
    (void)state;
    set("shed.system_load_above", "0.01");
    make();
    request.load = UINT32_MAX;
    assert_int_equal(swg_acquire(circuit, &request, &latest), SWG_GO);
    swg_cancel(&latest);
}

/* One key is always in or always out during a step, and the share is about what was asked. */
static void test_equal_keys_are_treated_alike(void **state) {
    struct swg_request request = SWG_REQUEST_INIT;
    unsigned admitted = 0;
    (void)state;
    set("breaker.trip.0.consecutive", "1");
    set("breaker.open.for", "1s");
    set("breaker.half_open.success_threshold", "1");
    set("breaker.half_open.ramp", "30, 60");
    make();
    call(SWG_FAILURE);
    advance(S(2));
    call(SWG_SUCCESS);
    assert_int_equal(status().ramp_percent, 30);
    for (request.key = 1; request.key <= 1000; request.key++) {
        int first = swg_acquire(circuit, &request, &latest);
        swg_cancel(&latest);
        for (unsigned again = 0; again < 3; again++) {
            assert_int_equal(swg_acquire(circuit, &request, &latest), first);
            swg_cancel(&latest);
        }
        admitted += first == SWG_GO;
    }
    assert_in_range(admitted, 200, 400);
}

static void test_fields_for_later_are_taken(void **state) {
    struct swg_request request = SWG_REQUEST_INIT;
    (void)state;
    make();
    request.priority = -32;
    request.operation = 7;
    request.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert_int_equal(swg_acquire(circuit, &request, &latest), SWG_GO);
    assert_int_equal(swg_record(&latest, SWG_SUCCESS), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_answered),
        STORY(test_called_and_failed),
        STORY(test_a_sample_has_the_trace_of_its_call),
        STORY(test_not_called),
        STORY(test_recovers_by_itself),
        STORY(test_a_verdict_is_no_outcome),
        STORY(test_a_nested_answer_passed_on),
        STORY(test_nothing_to_call),
        STORY(test_long_words_are_cut),
        STORY(test_hostile_words_are_shown_harmless),
        STORY(test_no_words_at_all),
        STORY(test_the_dependency_names_the_time),
        STORY(test_a_deadline_that_passed),
        STORY(test_open_comes_before_expired),
        STORY(test_a_heavy_call_is_shed),
        STORY(test_nothing_is_shed_unless_asked),
        STORY(test_equal_keys_are_treated_alike),
        STORY(test_fields_for_later_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
