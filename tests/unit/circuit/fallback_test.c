/* What stands in for an answer that could not be had: the chain, its order, and how it is told. */
#include "call_story.h"

#include "circuit/config.h"
#include "circuit/keys.h"

static struct swg_permit one;

static void trip(void) {
    assert_int_equal(hand(swg_circuit_trip, S(9), 0), 0);
}

/* ---- each link */

static void test_a_static_answer(void **state) {
    (void)state;
    set("fallback.chain", "static");
    set("fallback.static", "closed for today");
    make();
    server.outcome = SWG_FAILURE;
    assert_int_equal(call_server(), SWG_GO);
    assert_stood_in(SWG_SOURCE_STATIC, SWG_FAILED);
    assert_value("closed for today");
    assert_int_equal(result.outcome, SWG_FAILURE);
    assert_int_equal(result.attempts, 1);
    assert_string_equal(result.error.key, "refused");
    assert_int_equal(status().failures, 1);
    trip();
    assert_int_equal(call_server(), SWG_GO);
    assert_stood_in(SWG_SOURCE_STATIC, SWG_OPEN);
    assert_int_equal(result.attempts, 0);
    assert_int_equal(result.outcome, 0);
    assert_true(result.retry_in > S(8));
}

static void test_for_each_verdict(void **state) {
    (void)state;
    set("fallback.chain", "static");
    set("fallback.static", "-");
    set("bulkhead.max_concurrent", "1");
    set("limiter.rate", "2");
    make();
    one = taken();
    call_server();
    assert_stood_in(SWG_SOURCE_STATIC, SWG_FULL);
    record_permit(&one, SWG_SUCCESS, 0);
    while (ask(&one) == SWG_GO)
        record_permit(&one, SWG_SUCCESS, 0);
    call_server();
    assert_stood_in(SWG_SOURCE_STATIC, SWG_LIMITED);
    request.deadline = now();
    call_server();
    assert_stood_in(SWG_SOURCE_STATIC, SWG_EXPIRED);
    trip();
    call_server();
    assert_stood_in(SWG_SOURCE_STATIC, SWG_OPEN);
    assert_int_equal(server.calls, 0);
    assert_int_equal(status().rejected_expired, 1);
}

static void test_nothing_stands_in_for_an_answer(void **state) {
    (void)state;
    set("fallback.chain", "static");
    set("fallback.static", "-");
    make();
    assert_int_equal(call_server(), SWG_GO);
    assert_int_equal(result.source, SWG_SOURCE_CALL);
    assert_int_equal(result.degraded, 0);
    assert_value("hello");
    server.outcome = SWG_IGNORED;
    assert_int_equal(call_server(), SWG_GO);
    assert_int_equal(result.source, SWG_SOURCE_CALL);
    server.outcome = 5; /* none */
    assert_int_equal(call_server(), -EINVAL);
    assert_nothing_stood_in(-EINVAL);
    assert_int_equal(status().cancelled, 1);
}

static void test_saturation_has_no_fallback(void **state) {
    (void)state;
    set("fallback.chain", "static");
    set("fallback.static", "-");
    set("bulkhead.max_concurrent", "1");
    set("bulkhead.when_busy", "wait");
    set("bulkhead.max_queue", "1");
    set("bulkhead.when_queue_full", "error");
    make();
    one = taken();
    struct swg_permit waits = queued(0);
    assert_int_equal(call_server(), SWG_QUEUE_SATURATED);
    assert_nothing_stood_in(SWG_QUEUE_SATURATED);
    assert_int_equal(status().rejected_saturated, 1);
    swg_cancel(&waits);
    record_permit(&one, SWG_SUCCESS, 0);
    assert_out(0);
}

/* ---- another circuit */

static struct swg_circuit *first, *second;

static void make_two(void) {
    set("breaker.trip.0.consecutive", "1");
    make_named("elsewhere");
    second = circuit;
    set("fallback.chain", "alternative, static");
    set("fallback.alternative", "elsewhere");
    set("fallback.static", "-");
    make_named("here");
    first = circuit;
}

static int serve_elsewhere(struct swg_attempt *attempt, void *arg) {
    int outcome = serve(attempt, arg);
    return swg_attempt_circuit(attempt) == second ? SWG_SUCCESS : outcome;
}

static struct swg_status status_of(const struct swg_circuit *of) {
    struct swg_status out = SWG_STATUS_INIT;
    assert_int_equal(swg_circuit_status(of, &out), 0);
    return out;
}

static void test_an_alternative(void **state) {
    (void)state;
    make_two();
    server.outcome = SWG_FAILURE;
    assert_int_equal(swg_call(first, &request, serve_elsewhere, NULL, &result), SWG_GO);
    assert_stood_in(SWG_SOURCE_ALTERNATIVE, SWG_FAILED);
    assert_value("hello");
    assert_int_equal(result.attempts, 2);
    assert_int_equal(result.outcome, SWG_SUCCESS);
    assert_int_equal(server.number, 1); /* the first attempt of that call */
    assert_ptr_equal(server.circuit, second);
    assert_string_equal(result.error.key, "refused"); /* why it was needed */
    assert_int_equal(status_of(first).failures, 1);
    assert_int_equal(status_of(second).successes, 1);
    assert_int_equal(status_of(second).calls, 1);
    swg_buffer_release(&result.value);
    assert_int_equal(swg_call(first, &request, serve_elsewhere, NULL, &result), SWG_GO);
    assert_stood_in(SWG_SOURCE_ALTERNATIVE, SWG_OPEN);
    assert_int_equal(result.attempts, 1);
}

static void test_an_alternative_that_fails_too(void **state) {
    (void)state;
    make_two();
    circuit = first;
    server.outcome = SWG_FAILURE;
    call_server();
    assert_stood_in(SWG_SOURCE_STATIC, SWG_FAILED);
    assert_int_equal(result.attempts, 2);
    assert_int_equal(result.outcome, SWG_FAILURE);
    assert_int_equal(status_of(second).failures, 1);
    advance(S(1));
    call_server(); /* both are open now */
    assert_stood_in(SWG_SOURCE_STATIC, SWG_OPEN);
    assert_int_equal(result.attempts, 0);
    assert_int_equal(status_of(second).rejected_open, 1);
}

/* What is told is about the circuit that was asked for. */
static void test_when_to_come_back_is_the_first_ones(void **state) {
    (void)state;
    make_two();
    change("fallback.chain", "alternative");
    trip();
    circuit = second;
    assert_int_equal(hand(swg_circuit_trip, S(100), 0), 0);
    circuit = first;
    assert_int_equal(call_server(), SWG_OPEN);
    assert_nothing_stood_in(SWG_OPEN);
    assert_true(result.retry_in > S(8) && result.retry_in < S(10));
}

/* A file may say it of many circuits at once, of that one, too. */
static void change_by_file(const char *key, const char *value) {
    struct swgi_key_place place;
    struct swg_config *by_file = NULL;

    assert_int_equal(swg_config_new(&by_file), 0);
    assert_int_equal(swg_config_set(by_file, key, value, NULL), 0);
    assert_int_equal(swgi_key_find(key, &place, NULL), 0);
    by_file->general[place.key - swgi_keys] = true;
    assert_int_equal(swg_circuit_configure(circuit, by_file, NULL), 0);
    swg_config_unref(by_file);
}

static void test_an_alternative_that_is_none(void **state) {
    static const char *const names[] = { "nowhere", "here" };
    (void)state;
    make_two();
    circuit = first;
    for (unsigned i = 0; i < 2; i++) {
        server.outcome = SWG_FAILURE;
        change_by_file("fallback.alternative", names[i]);
        call_server();
        assert_string_equal(swg_source_name(result.source), swg_source_name(SWG_SOURCE_STATIC));
    }
}

static void assert_refused_itself(int rc, const struct swg_error *error) {
    assert_int_equal(rc, -EINVAL);
    assert_string_equal(error->key, "fallback.alternative");
    assert_non_null(strstr(error->text, "\"here\" is the circuit itself"));
}

static void test_no_circuit_is_its_own_alternative(void **state) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_circuit *made = NULL;
    (void)state;
    set("fallback.chain", "alternative");
    set("fallback.alternative", "here");
    assert_refused_itself(swg_circuit_get(panel, "here", config, &made, &error), &error);
    assert_null(made);
    assert_int_equal(swg_circuit_find(panel, "here", &made), -ENOENT);
    assert_int_equal(swg_circuit_get(panel, "there", config, &made, &error), 0);
    set("fallback.alternative", "there");
    error.text[0] = '\0';
    assert_int_equal(swg_circuit_get(panel, "here", config, &circuit, &error), 0);
    set("fallback.alternative", "here");
    assert_refused_itself(swg_circuit_configure(circuit, config, &error), &error);
}

static void test_chains_do_not_chain(void **state) {
    (void)state;
    set("breaker.trip.0.consecutive", "1");
    set("fallback.chain", "static");
    set("fallback.static", "theirs");
    make_named("elsewhere");
    set("fallback.chain", "alternative");
    set("fallback.alternative", "elsewhere");
    make_named("here");
    server.outcome = SWG_FAILURE;
    assert_int_equal(call_server(), SWG_FAILED);
    assert_nothing_stood_in(SWG_FAILED);
    assert_int_equal(result.attempts, 2);
}

/* ---- for later */

static struct {
    uint64_t key;
    char bytes[32];
    size_t length;
    unsigned count;
    int answer;
} queue;

static int enqueue(void *arg, uint64_t key, const void *bytes, size_t length) {
    assert_ptr_equal(arg, &queue);
    assert_true(length < sizeof(queue.bytes));
    queue.key = key;
    queue.length = length;
    queue.count++;
    if (bytes != NULL)
        memcpy(queue.bytes, bytes, length);
    return queue.answer;
}

static void make_queueing(void) {
    memset(&queue, 0, sizeof(queue));
    set("fallback.chain", "queue, static");
    set("fallback.static", "-");
    make();
    trip();
    request.payload = "pay 12";
    request.payload_length = 6;
    request.payload_key = 12;
}

/* Told apart by a number of the call's own: the key names a user, or an answer. */
static void test_queued_for_later(void **state) {
    (void)state;
    make_queueing();
    assert_int_equal(swg_circuit_queue(circuit, enqueue, &queue), 0);
    call_server();
    assert_stood_in(SWG_SOURCE_QUEUE, SWG_OPEN);
    assert_null(result.value.bytes);
    assert_int_equal(queue.count, 1);
    assert_int_equal(queue.key, 12);
    assert_int_equal(queue.length, 6);
    assert_memory_equal(queue.bytes, "pay 12", 6);
    request.payload_key = 0;
    call_server();
    assert_int_equal(queue.key, 0);
}

static void test_a_queue_that_takes_it_not(void **state) {
    (void)state;
    make_queueing();
    call_server(); /* none is there */
    assert_stood_in(SWG_SOURCE_STATIC, SWG_OPEN);
    queue.answer = -ENOSPC;
    assert_int_equal(swg_circuit_queue(circuit, enqueue, &queue), 0);
    call_server();
    assert_stood_in(SWG_SOURCE_STATIC, SWG_OPEN);
    assert_int_equal(queue.count, 1);
    assert_int_equal(swg_circuit_queue(circuit, NULL, NULL), 0);
    call_server();
    assert_int_equal(queue.count, 1);
    assert_int_equal(swg_circuit_queue(NULL, enqueue, &queue), -EINVAL);
}

/* ---- the caller's own */

static struct {
    int verdict, answer;
    uint64_t key;
    unsigned count;
} own;

static int own_fallback(void *arg, const struct swg_request *asked, int verdict,
                        struct swg_buffer *value) {
    assert_ptr_equal(arg, &own);
    own.verdict = verdict;
    own.key = asked->key;
    own.count++;
    value->bytes = "mine";
    value->length = 4;
    return own.answer;
}

static void test_a_function(void **state) {
    (void)state;
    memset(&own, 0, sizeof(own));
    set("fallback.chain", "function");
    make();
    server.outcome = SWG_TIMEOUT;
    assert_int_equal(call_server(), SWG_FAILED); /* none is there */
    assert_int_equal(swg_circuit_fallback(circuit, own_fallback, &own), 0);
    call_server();
    assert_stood_in(SWG_SOURCE_FUNCTION, SWG_FAILED);
    assert_value("mine");
    assert_int_equal(own.verdict, SWG_FAILED);
    assert_int_equal(own.key, 7);
    own.answer = SWG_FAILED;
    call_server();
    assert_nothing_stood_in(SWG_FAILED); /* what it left half done is not told */
    assert_int_equal(swg_circuit_fallback(circuit, NULL, NULL), 0);
    call_server();
    assert_int_equal(own.count, 2);
    assert_int_equal(swg_circuit_fallback(NULL, own_fallback, &own), -EINVAL);
}

/* ---- one after the other */

static void test_the_first_that_works(void **state) {
    (void)state;
    memset(&own, 0, sizeof(own));
    make_two();
    memset(&queue, 0, sizeof(queue));
    change("cache.bytes", "65536");
    change("fallback.chain", "cache, alternative, queue, function, static");
    assert_int_equal(swg_circuit_queue(circuit, enqueue, &queue), 0);
    assert_int_equal(swg_circuit_fallback(circuit, own_fallback, &own), 0);
    circuit = second;
    trip();
    circuit = first;
    server.outcome = SWG_FAILURE;
    queue.answer = -ENOSPC;
    own.answer = SWG_FULL;
    call_server();
    assert_stood_in(SWG_SOURCE_STATIC, SWG_FAILED);
    assert_int_equal(queue.count + own.count, 2);
    assert_int_equal(status_of(second).rejected_open, 1);
    own.answer = SWG_GO;
    call_server();
    assert_stood_in(SWG_SOURCE_FUNCTION, SWG_OPEN);
    queue.answer = 0;
    call_server();
    assert_stood_in(SWG_SOURCE_QUEUE, SWG_OPEN);
    assert_int_equal(own.count, 2);
    change("fallback.chain", "static, queue");
    call_server();
    assert_stood_in(SWG_SOURCE_STATIC, SWG_OPEN);
    assert_int_equal(queue.count, 3);
    change("fallback.chain", "none");
    assert_int_equal(call_server(), SWG_OPEN);
    assert_nothing_stood_in(SWG_OPEN);
}

static void test_nothing_works(void **state) {
    (void)state;
    set("cache.bytes", "65536");
    set("fallback.chain", "cache, alternative, queue, function");
    set("fallback.alternative", "nowhere");
    make();
    server.outcome = SWG_FAILURE;
    assert_int_equal(call_server(), SWG_FAILED);
    assert_nothing_stood_in(SWG_FAILED);
    assert_int_equal(result.outcome, SWG_FAILURE);
    assert_string_equal(result.error.key, "refused");
}

/* ---- where time stands still */

/* A turn that can never come: it is not waited for, and nothing is left behind. */
static void test_no_waiting_on_a_clock_that_stands(void **state) {
    (void)state;
    set("bulkhead.max_concurrent", "1");
    set("bulkhead.when_busy", "wait");
    set("limiter.rate", "2");
    set("limiter.when_limited", "wait");
    make();
    one = taken();
    assert_int_equal(call_server(), SWG_FULL);
    assert_int_equal(status().rejected_full, 1);
    assert_int_equal(status().queue_length, 0);
    record_permit(&one, SWG_SUCCESS, 0);
    while (call_server() == SWG_GO)
        continue;
    assert_int_equal(result.rc, SWG_LIMITED);
    assert_int_equal(status().rejected_limited, 1);
    assert_out(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CALLS(test_a_static_answer),
        CALLS(test_for_each_verdict),
        CALLS(test_nothing_stands_in_for_an_answer),
        CALLS(test_saturation_has_no_fallback),
        CALLS(test_an_alternative),
        CALLS(test_an_alternative_that_fails_too),
        CALLS(test_when_to_come_back_is_the_first_ones),
        CALLS(test_an_alternative_that_is_none),
        CALLS(test_no_circuit_is_its_own_alternative),
        CALLS(test_chains_do_not_chain),
        CALLS(test_queued_for_later),
        CALLS(test_a_queue_that_takes_it_not),
        CALLS(test_a_function),
        CALLS(test_the_first_that_works),
        CALLS(test_nothing_works),
        CALLS(test_no_waiting_on_a_clock_that_stands),
    };
    return cmocka_run_group_tests_name("fallbacks", tests, NULL, NULL);
}
