/* Policies around one call in one piece: what is tried again and what never is, what bounds it, what turns it away. */
#include <pthread.h>
#include <sched.h>

#include "policy_story.h"

/* ---- tried again */

static void a_failure_is_tried_again(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = a_call(f);

    SHOP(f, RETRIES);
    fault_server_answer(f->server, FAILED_ANSWER, FAULT_KEEP);
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
    assert_int_equal(result.attempts, 2);
    assert_int_equal(result.status, 200);
    assert_int_equal(result.source, SWG_SOURCE_CALL);
    assert_int_equal(result.degraded, 0);
    assert_int_equal(fault_server_requests(f->server), 2);
    assert_int_equal(status_of(f).failures, 1);
    assert_int_equal(status_of(f).retries, 1);
}

static void attempts_come_to_an_end(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = a_call(f);

    SHOP(f, RETRIES);
    call.restart = NULL;
    fault_server_answer(f->server, FAILED_ANSWER, FAULT_CLOSE);
    assert_int_equal(perform(f, &call, new_easy()), SWG_FAILED);
    assert_int_equal(result.attempts, 3);
    assert_int_equal(result.status, 500);
    assert_int_equal(fault_server_requests(f->server), 3);
}

static void attempts_inside_are_one_outcome(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = a_call(f);

    SHOP(f, RETRIES, "retry.inside", "yes");
    fault_server_answer(f->server, FAILED_ANSWER, FAULT_KEEP);
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
    assert_int_equal(result.attempts, 2);
    assert_int_equal(status_of(f).calls, 1);
    assert_int_equal(status_of(f).failures, 0);
}

static int attempts_of(struct fixture *f, CURL *easy, int repeat) {
    struct swg_http_call call = a_call(f);

    call.repeat = repeat;
    fault_server_answer(f->server, FAILED_ANSWER, FAULT_KEEP);
    perform(f, &call, easy);
    return (int)result.attempts;
}

static CURL *custom(const char *method, const char *body) {
    CURL *easy = new_easy();

    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    return easy;
}

static CURL *post(void) {
    return custom(NULL, "amount=1");
}

static void a_post_is_made_once(void **state) {
    struct fixture *f = *state;

    SHOP(f, RETRIES);
    assert_int_equal(attempts_of(f, post(), SWG_HTTP_BY_METHOD), 1);
    assert_int_equal(result.rc, SWG_FAILED);
    assert_int_equal(attempts_of(f, custom("PATCH", "x"), SWG_HTTP_BY_METHOD), 1);
    assert_int_equal(attempts_of(f, custom("LOCK", "x"), SWG_HTTP_BY_METHOD), 1);
    assert_int_equal(fault_server_requests(f->server), 3);
    assert_int_equal(status_of(f).retries_refused, 0);
}

static void a_post_that_says_so_is_made_again(void **state) {
    struct fixture *f = *state;

    SHOP(f, RETRIES);
    assert_int_equal(attempts_of(f, post(), SWG_HTTP_REPEATABLE), 2);
    assert_int_equal(result.rc, SWG_GO);
}

static void idempotent_methods_are_made_again(void **state) {
    static const char *const methods[] = { "PUT", "DELETE", "OPTIONS", "GET" };
    struct fixture *f = *state;
    CURL *head = new_easy();

    SHOP(f, RETRIES);
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
        assert_int_equal(attempts_of(f, custom(methods[i], "x"), SWG_HTTP_BY_METHOD), 2);
    curl_easy_setopt(head, CURLOPT_NOBODY, 1L);
    assert_int_equal(attempts_of(f, head, SWG_HTTP_BY_METHOD), 2);
    assert_int_equal(attempts_of(f, new_easy(), SWG_HTTP_ONCE), 1);
}

/* A refused connection says nothing of the method either. */
static void a_post_to_a_dead_server_is_made_once(void **state) {
    struct fixture *f = *state;

    SHOP(f, RETRIES);
    fault_server_answer(f->server, "", FAULT_DEAF);
    struct swg_http_call call = a_call(f);
    assert_int_equal(perform(f, &call, post()), SWG_FAILED);
    assert_int_equal(result.attempts, 1);
}

static void what_was_sent_once_needs_a_restart(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = a_call(f);

    SHOP(f, RETRIES);
    call.restart = NULL;
    fault_server_answer(f->server, FAILED_ANSWER, FAULT_KEEP);
    assert_int_equal(perform(f, &call, custom("PUT", "x")), SWG_FAILED);
    assert_int_equal(result.attempts, 1);
}

static void what_was_delivered_once_needs_a_restart(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = a_call(f);

    SHOP(f, RETRIES);
    call.restart = NULL;
    fault_server_answer(f->server, FAILED_PAGE, FAULT_KEEP);
    assert_int_equal(perform(f, &call, new_easy()), SWG_FAILED);
    assert_int_equal(result.attempts, 1);
    call.body_max = 100; /* collected: nobody has seen it yet */
    assert_int_equal(perform(f, &call, new_easy()), SWG_FAILED);
    assert_int_equal(result.attempts, 3);
    assert_string_equal(result.body, "oops\n");
}

static void what_was_redirected_is_made_once(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = a_call(f);
    char answer[256];
    CURL *easy = post();

    SHOP(f, RETRIES);
    snprintf(answer, sizeof(answer),
             "HTTP/1.1 303 There\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    fault_server_answer(f->server, answer, FAULT_KEEP);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    assert_int_equal(perform(f, &call, easy), SWG_FAILED);
    assert_int_equal(result.attempts, 1);
}

static void a_budget_runs_dry(void **state) {
    struct fixture *f = *state;

    SHOP(f, RETRIES, "retry.budget.percent", "0.0001", "retry.budget.per_second", "0",
         "retry.budget.max", "1");
    assert_int_equal(attempts_of(f, new_easy(), SWG_HTTP_BY_METHOD), 2);
    assert_int_equal(attempts_of(f, new_easy(), SWG_HTTP_BY_METHOD), 1);
    assert_int_equal(result.rc, SWG_FAILED);
    assert_int_equal(status_of(f).retries_refused, 1);
}

static void a_wait_that_is_too_long_is_no_other_attempt(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = a_call(f);

    SHOP(f, RETRIES, "retry.retry_after_max", "6s");
    fault_server_answer(f->server, BUSY_ANSWER, FAULT_KEEP);
    assert_int_equal(perform(f, &call, new_easy()), SWG_FAILED);
    assert_int_equal(result.attempts, 1);
    assert_int_equal(result.retry_after, 7 * SECOND);
}

/* ---- bounded in time. Without a bound these would hang for an hour. */

static void the_circuit_bounds_an_attempt(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = a_call(f);

    SHOP(f, RETRIES, "timeout.attempt", "50ms");
    call.timeout = 3600 * SECOND;
    fault_server_answer(f->server, "", FAULT_HANG);
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
    assert_int_equal(result.attempts, 2);
    assert_int_equal(status_of(f).timeouts, 1);
}

static void the_circuit_bounds_the_whole(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = a_call(f);

    SHOP(f, "breaker.trip.0.consecutive", "100", "timeout.total", "50ms");
    call.timeout = 3600 * SECOND;
    fault_server_answer(f->server, "", FAULT_HANG);
    assert_int_equal(perform(f, &call, new_easy()), SWG_FAILED);
    assert_int_equal(result.outcome, SWG_TIMEOUT);
    assert_int_equal(result.curl_code, CURLE_OPERATION_TIMEDOUT);
}

static void the_shorter_bound_is_the_callers(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = a_call(f);

    SHOP(f, "breaker.trip.0.consecutive", "100", "timeout.attempt", "1h");
    call.timeout = SECOND / 20;
    fault_server_answer(f->server, "", FAULT_HANG);
    assert_int_equal(perform(f, &call, new_easy()), SWG_FAILED);
    assert_int_equal(result.outcome, SWG_TIMEOUT);
}

/* ---- limits */

static void a_full_queue_is_told_by_name(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = a_call(f);
    struct swg_permit held, queued;
    struct swg_circuit *shop = SHOP(f, "bulkhead.max_concurrent", "1", "bulkhead.when_busy", "wait",
                                    "bulkhead.max_queue", "1", "bulkhead.when_queue_full", "error",
                                    "fallback.chain", "static", "fallback.static", "nothing");

    assert_int_equal(swg_acquire(shop, NULL, &held), SWG_GO);
    assert_int_equal(swg_acquire(shop, NULL, &queued), SWG_QUEUED);
    assert_int_equal(perform(f, &call, new_easy()), SWG_QUEUE_SATURATED);
    assert_string_equal(result.kind, "queue_saturated");
    assert_int_equal(result.degraded, 0);
    assert_null(result.body);
    assert_int_equal(fault_server_connections(f->server), 0);
    swg_cancel(&queued);
    swg_record(&held, SWG_SUCCESS);
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
}

static void over_the_rate_is_not_called(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = a_call(f);

    SHOP(f, "limiter.rate", "1", "limiter.per", "10s");
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
    assert_int_equal(perform(f, &call, new_easy()), SWG_LIMITED);
    assert_string_equal(result.kind, "limited");
    assert_in_range(result.retry_in, 9 * SECOND, 10 * SECOND);
}

struct waiting {
    struct swg_http_client *client;
    const char *url;
    int rc;
};

static void *call_and_wait(void *arg) {
    struct waiting *waiting = arg;
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    CURL *easy = new_easy();

    call.url = waiting->url;
    waiting->rc = swg_http_perform(waiting->client, easy, &call, NULL);
    curl_easy_cleanup(easy);
    return NULL;
}

static void wait_for_a_queue(const struct swg_circuit *circuit) {
    struct swg_status status = SWG_STATUS_INIT;

    do {
        sched_yield();
        assert_int_equal(swg_circuit_status(circuit, &status), 0);
    } while (status.queue_length == 0);
}

/* In a panel whose clock runs, since this one sleeps in the queue. */
static void a_call_waits_for_its_turn(void **state) {
    struct fixture *f = *state;
    struct fixture real = { .server = f->server };
    struct swg_http_options options = SWG_HTTP_OPTIONS_INIT;
    struct waiting waiting = { .url = f->url };
    struct swg_permit held;
    pthread_t thread;

    options.circuit = "shop";
    assert_int_equal(swg_panel_open(&real.panel, NULL, NULL), 0);
    struct swg_circuit *shop = SHOP(&real, "bulkhead.max_concurrent", "1", "bulkhead.when_busy",
                                    "wait", "bulkhead.max_wait", "1h");
    assert_int_equal(swg_http_client_new(&waiting.client, real.panel, &options, NULL), 0);
    assert_int_equal(swg_acquire(shop, NULL, &held), SWG_GO);
    assert_int_equal(pthread_create(&thread, NULL, call_and_wait, &waiting), 0);
    wait_for_a_queue(shop);
    assert_int_equal(fault_server_connections(f->server), 0);
    swg_record(&held, SWG_SUCCESS);
    pthread_join(thread, NULL);
    assert_int_equal(waiting.rc, SWG_GO);
    assert_int_equal(fault_server_requests(f->server), 1);
    swg_http_client_unref(waiting.client);
    swg_panel_unref(real.panel);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        POLICIES(a_failure_is_tried_again),
        POLICIES(attempts_come_to_an_end),
        POLICIES(attempts_inside_are_one_outcome),
        POLICIES(a_post_is_made_once),
        POLICIES(a_post_that_says_so_is_made_again),
        POLICIES(idempotent_methods_are_made_again),
        POLICIES(a_post_to_a_dead_server_is_made_once),
        POLICIES(what_was_sent_once_needs_a_restart),
        POLICIES(what_was_delivered_once_needs_a_restart),
        POLICIES(what_was_redirected_is_made_once),
        POLICIES(a_budget_runs_dry),
        POLICIES(a_wait_that_is_too_long_is_no_other_attempt),
        POLICIES(the_circuit_bounds_an_attempt),
        POLICIES(the_circuit_bounds_the_whole),
        POLICIES(the_shorter_bound_is_the_callers),
        POLICIES(a_full_queue_is_told_by_name),
        POLICIES(over_the_rate_is_not_called),
        POLICIES(a_call_waits_for_its_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
