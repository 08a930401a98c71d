/* For stories about calls in one piece: a dependency that answers with bytes, and what a call came to. */
#ifndef TESTS_CIRCUIT_CALL_STORY_H
#define TESTS_CIRCUIT_CALL_STORY_H

#include "policy_story.h"

/* What answers, and what it was asked. */
static struct {
    int outcome;
    const char *answer; /* NULL: none is kept */
    unsigned calls;
    uint32_t number;
    struct swg_circuit *circuit; /* that the last call was for */
} server;

static struct swg_request request;
static struct swg_result result;

static inline int serve(struct swg_attempt *attempt, void *arg) {
    (void)arg;
    server.calls++;
    server.number = swg_attempt_number(attempt);
    server.circuit = swg_attempt_circuit(attempt);
    if (server.answer != NULL)
        assert_int_equal(swg_attempt_keep(attempt, server.answer, strlen(server.answer)), 0);
    if (server.outcome == SWG_FAILURE) {
        struct swg_failure why = SWG_FAILURE_INIT;
        why.kind = "refused";
        why.text = "connection refused";
        why.code = 111;
        swg_attempt_failure(attempt, &why);
    }
    return server.outcome;
}

/* With the request as it is; what was answered before is given back. */
static inline int call_server(void) {
    swg_buffer_release(&result.value);
    result = (struct swg_result)SWG_RESULT_INIT;
    int rc = swg_call(circuit, &request, serve, NULL, &result);
    assert_int_equal(result.rc, rc);
    return rc;
}

static inline void assert_value(const char *wanted) {
    assert_int_equal(result.value.length, strlen(wanted));
    assert_memory_equal(result.value.bytes, wanted, strlen(wanted));
}

/* Something stood in for that verdict. */
static inline void assert_stood_in(int source, int verdict) {
    assert_string_equal(swg_source_name(result.source), swg_source_name(source));
    assert_int_equal(result.rc, SWG_GO);
    assert_int_equal(result.degraded, 1);
    assert_int_equal(result.verdict, verdict);
}

static inline void assert_nothing_stood_in(int verdict) {
    assert_int_equal(result.rc, verdict);
    assert_string_equal(swg_source_name(result.source), swg_source_name(SWG_SOURCE_NONE));
    assert_int_equal(result.degraded, 0);
    assert_int_equal(result.verdict, 0);
    assert_null(result.value.bytes);
}

static inline int begin_calls(void **state) {
    server.outcome = SWG_SUCCESS;
    server.answer = "hello";
    server.calls = 0;
    request = (struct swg_request)SWG_REQUEST_INIT;
    request.key = 7;
    result = (struct swg_result)SWG_RESULT_INIT;
    return begin_story(state);
}

static inline int end_calls(void **state) {
    swg_buffer_release(&result.value);
    return end_story(state);
}

#define CALLS(name) cmocka_unit_test_setup_teardown(name, begin_calls, end_calls)

#endif
