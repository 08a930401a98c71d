/* One call in one piece: what is asked, what is sent, what is told; the easy interface. */
#include "http_fixture.h"

#define TRACE     "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define WALL_DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

/* One call of the fixture's URL; the answer stands in *result. */
static int call_once(struct fixture *f, const struct swg_request *request,
                     struct swg_http_result *result) {
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    CURL *easy = new_easy();
    int rc;

    *result = (struct swg_http_result)SWG_HTTP_RESULT_INIT;
    call.url = f->url;
    call.request = request;
    rc = swg_http_perform(f->client, easy, &call, result);
    curl_easy_cleanup(easy);
    assert_int_equal(rc, result->rc);
    return rc;
}

/* A breaker rounds its deadline up, to no more than 10 ms. */
static void assert_about(swg_ns actual, swg_ns expected) {
    assert_in_range(actual, expected, expected + SECOND / 100);
}

static void a_call_is_made_and_answered(void **state) {
    struct fixture *f = *state;
    struct swg_http_result result;

    assert_int_equal(call_once(f, NULL, &result), SWG_GO);
    assert_int_equal(result.status, 200);
    assert_int_equal(fault_server_requests(f->server), 1);
    assert_int_equal(status_of(f).successes, 1);
}

static void a_failure_opens_and_then_nothing_is_called(void **state) {
    struct fixture *f = *state;
    struct swg_http_result result;

    fault_server_answer(f->server, "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", FAULT_CLOSE);
    assert_int_equal(call_once(f, NULL, &result), SWG_FAILED);
    assert_int_equal(result.called, 1);
    assert_int_equal(call_once(f, NULL, &result), SWG_OPEN);
    assert_int_equal(result.called, 0);
    assert_int_equal(result.outcome, 0);
    assert_int_equal(result.state, SWG_STATE_OPEN);
    assert_about(result.retry_in, 30 * SECOND);
    assert_string_equal(result.kind, "open");
    assert_string_equal(result.circuit, "shop");
    assert_int_equal(fault_server_connections(f->server), 1);
}

static void a_failure_is_kept_with_its_trace(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    struct swg_request request = SWG_REQUEST_INIT;
    struct swg_why why = SWG_WHY_INIT;
    struct swg_circuit *circuit = NULL;
    CURL *easy = new_easy();

    fault_server_answer(f->server, "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", FAULT_CLOSE);
    call.url = f->url;
    call.request = &request;
    request.traceparent = TRACE;
    assert_int_equal(swg_http_perform(f->client, easy, &call, NULL), SWG_FAILED);
    assert_int_equal(swg_circuit_find(f->panel, "shop", &circuit), 0);
    assert_int_equal(swg_circuit_why(circuit, &why), 0);
    assert_int_equal(why.samples_count, 1);
    assert_string_equal(why.samples[0].error_kind, "http_5xx");
    assert_memory_equal(why.samples[0].trace_id, &TRACE[3], 32);
    curl_easy_cleanup(easy);
}

static void open_for(void **state, const char *answer, swg_ns wait) {
    struct fixture *f = *state;
    struct swg_http_result result;
    struct swg_status status;

    fault_server_answer(f->server, answer, FAULT_CLOSE);
    assert_int_equal(call_once(f, NULL, &result), SWG_FAILED);
    assert_int_equal(result.outcome, SWG_TIMEOUT);
    assert_int_equal(result.retry_after, wait);
    status = status_of(f);
    assert_int_equal(status.state, SWG_STATE_OPEN);
    assert_about(status.open_until - swg_panel_now(f->panel), wait == 0 ? 30 * SECOND : wait);
}

static void a_named_wait_becomes_the_open_time(void **state) {
    open_for(state, "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", 7 * SECOND);
}

static void a_429_names_its_wait_too(void **state) {
    open_for(state, "HTTP/1.1 429 Busy\r\nretry-after: 90\r\nContent-Length: 0\r\n\r\n",
             90 * SECOND);
}

static void a_date_is_as_good_as_seconds(void **state) {
    open_for(state,
             "HTTP/1.1 503 Busy\r\n" WALL_DATE
             "Retry-After: Sun, 06 Nov 1994 08:49:50 GMT\r\nContent-Length: 0\r\n\r\n",
             13 * SECOND);
}

static void a_date_gone_by_names_no_wait(void **state) {
    open_for(state,
             "HTTP/1.1 503 Busy\r\n" WALL_DATE
             "Retry-After: Sun, 06 Nov 1994 08:00:00 GMT\r\nContent-Length: 0\r\n\r\n",
             0);
}

static void a_429_need_not_name_one(void **state) {
    open_for(state, "HTTP/1.1 429 Busy\r\nRetry-After: -1\r\nContent-Length: 0\r\n\r\n", 0);
}

static void a_wait_is_bounded(void **state) {
    struct fixture *f = *state;
    struct swg_http_options options = SWG_HTTP_OPTIONS_INIT;

    swg_http_client_unref(f->client);
    options.config = f->config;
    options.circuit = "shop";
    options.retry_after_max = 20 * SECOND;
    assert_int_equal(swg_http_client_new(&f->client, f->panel, &options, NULL), 0);
    open_for(state, "HTTP/1.1 503 Busy\r\nRetry-After: 86400\r\nContent-Length: 0\r\n\r\n",
             20 * SECOND);
}

static void a_deadline_bounds_the_call(void **state) {
    struct fixture *f = *state;
    struct swg_request request = SWG_REQUEST_INIT;
    struct swg_http_result result;

    fault_server_answer(f->server, "", FAULT_HANG);
    request.deadline = swg_panel_now(f->panel) + SECOND / 20;
    assert_int_equal(call_once(f, &request, &result), SWG_FAILED);
    assert_int_equal(result.curl_code, CURLE_OPERATION_TIMEDOUT);
    assert_int_equal(result.outcome, SWG_TIMEOUT);
}

static void a_deadline_gone_by_is_no_call(void **state) {
    struct fixture *f = *state;
    struct swg_request request = SWG_REQUEST_INIT;
    struct swg_http_result result;

    request.deadline = swg_panel_now(f->panel) - 1;
    assert_int_equal(call_once(f, &request, &result), SWG_EXPIRED);
    assert_int_equal(result.called, 0);
    assert_string_equal(result.kind, "expired");
    assert_int_equal(fault_server_connections(f->server), 0);
}

static void assert_sent(struct fixture *f, const char *text, int sent) {
    char *request = fault_server_request(f->server);

    if (sent)
        assert_non_null(strstr(request, text));
    else
        assert_null(strstr(request, text));
    free(request);
}

static void a_trace_context_travels(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    struct swg_request request = SWG_REQUEST_INIT;
    CURL *easy = new_easy();

    call.url = f->url;
    call.headers = curl_slist_append(NULL, "X-Mine: yes");
    call.request = &request;
    request.traceparent = TRACE;
    assert_int_equal(swg_http_perform(f->client, easy, &call, NULL), SWG_GO);
    assert_sent(f, "\r\ntraceparent: " TRACE "\r\n", 1);
    assert_sent(f, "\r\nX-Mine: yes\r\n", 1);
    request.traceparent = NULL;
    assert_int_equal(swg_http_perform(f->client, easy, &call, NULL), SWG_GO);
    assert_sent(f, "traceparent", 0);
    assert_sent(f, "\r\nX-Mine: yes\r\n", 1);
    curl_easy_cleanup(easy);
    curl_slist_free_all(call.headers);
}

static void a_trace_context_that_is_none_does_not(void **state) {
    static const char *const junk[] = {
        "",
        "junk",
        TRACE "\r\nX-Injected: yes",
        TRACE "-more",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-a\r\nX-Injected: yes",
    };
    struct fixture *f = *state;
    struct swg_request request = SWG_REQUEST_INIT;
    struct swg_http_result result;

    for (size_t i = 0; i < sizeof(junk) / sizeof(*junk); i++) {
        request.traceparent = junk[i];
        assert_int_equal(call_once(f, &request, &result), SWG_GO);
        assert_sent(f, "traceparent", 0);
        assert_sent(f, "X-Injected", 0);
    }
    request.traceparent = "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later";
    assert_int_equal(call_once(f, &request, &result), SWG_GO);
    assert_sent(f, "-01-later\r\n", 1);
}

static void a_circuit_per_host_is_the_default(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    struct swg_http_result result = SWG_HTTP_RESULT_INIT;
    struct swg_http_client *client;
    CURL *easy = new_easy();
    char name[64];

    assert_int_equal(swg_http_client_new(&client, f->panel, NULL, NULL), 0);
    call.url = f->url;
    snprintf(name, sizeof(name), "http-http://127.0.0.1:%d", fault_server_port(f->server));
    assert_int_equal(swg_http_perform(client, easy, &call, &result), SWG_GO);
    assert_string_equal(result.circuit, name);
    call.url = "http://a b/";
    assert_int_equal(swg_http_perform(client, easy, &call, &result), -EINVAL);
    assert_int_equal(result.curl_code, CURLE_URL_MALFORMAT);
    assert_int_equal(result.called, 0);
    assert_int_equal(swg_http_perform(client, easy, NULL, &result), -EINVAL);
    swg_http_client_unref(client);
    curl_easy_cleanup(easy);
}

static void a_call_may_name_its_circuit(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    struct swg_http_result result = SWG_HTTP_RESULT_INIT;
    CURL *easy = new_easy();

    assert_int_equal(swg_circuit_get(f->panel, "other", NULL, &call.circuit, NULL), 0);
    curl_easy_setopt(easy, CURLOPT_URL, f->url);
    assert_int_equal(swg_http_perform(f->client, easy, &call, &result), SWG_GO);
    assert_string_equal(result.circuit, "other");
    assert_int_equal(status_of(f).calls, 0);
    curl_easy_cleanup(easy);
}

static void options_out_of_range_are_named(void **state) {
    struct fixture *f = *state;
    struct swg_http_options options = SWG_HTTP_OPTIONS_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_http_client *client = NULL;

    options.timeout = 3601 * SECOND;
    assert_int_equal(swg_http_client_new(&client, f->panel, &options, &error), -EINVAL);
    assert_string_equal(error.key, "timeout");
    options.timeout = 0;
    options.connect_timeout = -1;
    assert_int_equal(swg_http_client_new(&client, f->panel, &options, &error), -EINVAL);
    assert_string_equal(error.key, "connect_timeout");
    options.connect_timeout = 0;
    options.circuit = "{nothing}";
    assert_int_equal(swg_http_client_new(&client, f->panel, &options, &error), -EINVAL);
    assert_string_equal(error.key, "circuit");
    assert_int_equal(swg_http_client_new(&client, NULL, NULL, &error), -EINVAL);
    assert_null(client);
}

static void structs_of_other_versions_are_told_apart(void **state) {
    struct fixture *f = *state;
    struct {
        struct swg_http_call call;
        char tail[8];
    } longer = { .call.size = sizeof(longer) };
    CURL *easy = new_easy();

    longer.call.url = f->url;
    assert_int_equal(swg_http_perform(f->client, easy, &longer.call, NULL), SWG_GO);
    longer.tail[3] = 1;
    assert_int_equal(swg_http_perform(f->client, easy, &longer.call, NULL), -E2BIG);
    longer.call.size = 0;
    assert_int_equal(swg_http_perform(f->client, easy, &longer.call, NULL), -EINVAL);
    curl_easy_cleanup(easy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(a_call_is_made_and_answered),
        STORY(a_failure_opens_and_then_nothing_is_called),
        STORY(a_failure_is_kept_with_its_trace),
        STORY(a_named_wait_becomes_the_open_time),
        STORY(a_429_names_its_wait_too),
        STORY(a_date_is_as_good_as_seconds),
        STORY(a_date_gone_by_names_no_wait),
        STORY(a_429_need_not_name_one),
        STORY(a_wait_is_bounded),
        STORY(a_deadline_bounds_the_call),
        STORY(a_deadline_gone_by_is_no_call),
        STORY(a_trace_context_travels),
        STORY(a_trace_context_that_is_none_does_not),
        STORY(a_circuit_per_host_is_the_default),
        STORY(a_call_may_name_its_circuit),
        STORY(options_out_of_range_are_named),
        STORY(structs_of_other_versions_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
