/* What is served instead of a call: kept answers, and what stands in for one that could not be had. */
#include "policy_story.h"

static struct swg_http_call a_read(struct fixture *f) {
    struct swg_http_call call = a_call(f);

    call.repeat = SWG_HTTP_READ;
    call.body_max = 1000;
    return call;
}
#define CACHES "breaker.trip.0.consecutive", "1", "cache.bytes", "1000000", "cache.fresh_for", "10s"

static void a_read_is_served_from_the_cache(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = a_read(f);

    SHOP(f, CACHES);
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
    assert_int_equal(result.source, SWG_SOURCE_CALL);
    assert_string_equal(result.body, "ok\n");
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
    assert_int_equal(result.source, SWG_SOURCE_CACHE);
    assert_int_equal(result.called, 0);
    assert_int_equal(result.degraded, 0);
    assert_int_equal(result.status, 200);
    assert_string_equal(result.body, "ok\n");
    assert_int_equal(result.body_length, 3);
    assert_int_equal(fault_server_requests(f->server), 1);
    swg_panel_advance(f->panel, 11 * SECOND);
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
    assert_int_equal(fault_server_requests(f->server), 2);
}

static void answers_are_told_apart_by_all_they_depend_on(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = a_read(f), other = a_read(f);
    struct swg_request ann = SWG_REQUEST_INIT;
    char url[160];

    SHOP(f, CACHES);
    snprintf(url, sizeof(url), "%s&page=2", f->url);
    perform(f, &call, new_easy());
    other.url = url;
    perform(f, &other, new_easy());
    other = call;
    other.headers = curl_slist_append(NULL, "Authorization: Bearer ann");
    perform(f, &other, new_easy());
    curl_slist_free_all(other.headers);
    other = call;
    ann.key = 7;
    other.request = &ann;
    perform(f, &other, new_easy());
    ann.key = 0;
    ann.operation = 3;
    perform(f, &other, new_easy());
    assert_int_equal(fault_server_requests(f->server), 5);
}

static int keep_something(struct swg_attempt *attempt, void *arg) {
    (void)arg;
    assert_int_equal(swg_attempt_keep(attempt, "ann's", 5), 0);
    return SWG_SUCCESS;
}

/* Its key is a user's: it must not get another answer of that user. */
static void what_is_no_read_is_never_served(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = a_read(f);
    struct swg_request ann = SWG_REQUEST_INIT;

    struct swg_circuit *shop = SHOP(f, CACHES);
    ann.key = 7;
    call.request = &ann;
    assert_int_equal(swg_call(shop, &ann, keep_something, NULL, NULL), SWG_GO);
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
    call.repeat = SWG_HTTP_BY_METHOD;
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
    assert_int_equal(result.source, SWG_SOURCE_CALL);
    assert_int_equal(fault_server_requests(f->server), 3);
}

static void is_kept(struct fixture *f, const char *answer, int kept) {
    struct swg_http_call call = a_read(f);
    int before = fault_server_requests(f->server);

    fault_server_answer(f->server, answer, FAULT_KEEP);
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
    assert_int_equal(fault_server_requests(f->server) - before, kept ? 1 : 2);
}

static void what_must_not_be_kept_is_not(void **state) {
    struct fixture *f = *state;

    SHOP(f, CACHES);
    is_kept(f, "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 1\r\n\r\nx", 0);
    is_kept(f, "HTTP/1.1 200 OK\r\nCache-Control: max-age=5, Private\r\nContent-Length: 1\r\n\r\nx",
            0);
    is_kept(f, "HTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx", 0);
    is_kept(f, "HTTP/1.1 204 None\r\n\r\n", 0);
    is_kept(f,
            "HTTP/1.1 200 OK\r\nCache-Control: no-stores, max-age=5\r\nContent-Length: 0\r\n\r\n",
            1);
}

static void a_stale_answer_stands_in(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = a_read(f);

    SHOP(f, CACHES, "cache.stale_for", "1m", "fallback.chain", "cache");
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
    swg_panel_advance(f->panel, 11 * SECOND);
    fault_server_answer(f->server, FAILED_PAGE, FAULT_KEEP);
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
    assert_int_equal(result.source, SWG_SOURCE_STALE);
    assert_int_equal(result.degraded, 1);
    assert_int_equal(result.verdict, SWG_FAILED);
    assert_int_equal(result.status, 500);
    assert_string_equal(result.body, "ok\n");
}

static void a_static_answer_stands_in(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = a_call(f);

    SHOP(f, "fallback.chain", "cache, alternative, static", "fallback.static", "come back later",
         "fallback.alternative", "spare", "cache.bytes", "65536");
    fault_server_answer(f->server, FAILED_PAGE, FAULT_KEEP);
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
    assert_int_equal(result.verdict, SWG_FAILED);
    assert_int_equal(result.outcome, SWG_FAILURE);
    assert_int_equal(result.called, 1);
    assert_string_equal(result.body, "come back later");
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
    assert_int_equal(result.verdict, SWG_OPEN);
    assert_int_equal(result.source, SWG_SOURCE_STATIC);
    assert_int_equal(result.degraded, 1);
    assert_int_equal(result.called, 0);
    assert_string_equal(result.kind, "open");
    assert_int_equal(fault_server_requests(f->server), 1);
}

static void another_region_stands_in(void **state) {
    struct fixture *f = *state;
    struct fault_server *spare = fault_server_start();
    struct swg_http_call call = a_call(f);
    struct swg_circuit *other;
    char url[64];

    assert_int_equal(swg_circuit_get(f->panel, "spare", NULL, &other, NULL), 0);
    SHOP(f, "fallback.chain", "alternative", "fallback.alternative", "spare");
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", fault_server_port(spare));
    call.alternative_url = url;
    call.body_max = 100;
    fault_server_answer(f->server, FAILED_PAGE, FAULT_KEEP);
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
    assert_int_equal(result.source, SWG_SOURCE_ALTERNATIVE);
    assert_int_equal(result.degraded, 1);
    assert_int_equal(result.status, 200);
    assert_string_equal(result.circuit, "spare");
    assert_string_equal(result.body, "ok\n");
    assert_int_equal(fault_server_requests(f->server), 1);
    assert_int_equal(fault_server_requests(spare), 1);
    /* Neither works: the first one's failure is told. */
    fault_server_answer(spare, "", FAULT_DEAF);
    call.restart = NULL;
    fault_server_answer(f->server, FAILED_PAGE, FAULT_KEEP);
    swg_panel_advance(f->panel, 31 * SECOND);
    assert_int_equal(perform(f, &call, new_easy()), SWG_FAILED);
    assert_int_equal(result.status, 500);
    assert_string_equal(result.circuit, "shop");
    fault_server_stop(spare);
}

static void a_body_that_is_too_long_ends_the_call(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = a_read(f);

    SHOP(f, CACHES);
    call.body_max = 2;
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
    assert_int_equal(result.outcome, SWG_IGNORED);
    assert_int_equal(result.curl_code, CURLE_WRITE_ERROR);
    assert_int_equal(perform(f, &call, new_easy()), SWG_GO);
    assert_int_equal(result.source, SWG_SOURCE_CALL);
}

/* An older caller's result has no room for a body: it is not leaked, and nothing is written behind its end. */
static void an_older_result_gets_what_it_has_room_for(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = a_read(f);
    struct swg_http_result old = SWG_HTTP_RESULT_INIT;
    char mark;
    CURL *easy = new_easy();

    old.size = offsetof(struct swg_http_result, body);
    old.body = &mark;
    assert_int_equal(swg_http_perform(f->client, easy, &call, &old), SWG_GO);
    assert_int_equal(old.status, 200);
    assert_ptr_equal(old.body, &mark);
    assert_int_equal(swg_http_perform(f->client, easy, &call, NULL), SWG_GO);
    curl_easy_cleanup(easy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        POLICIES(a_read_is_served_from_the_cache),
        POLICIES(answers_are_told_apart_by_all_they_depend_on),
        POLICIES(what_is_no_read_is_never_served),
        POLICIES(what_must_not_be_kept_is_not),
        POLICIES(a_stale_answer_stands_in),
        POLICIES(a_static_answer_stands_in),
        POLICIES(another_region_stands_in),
        POLICIES(a_body_that_is_too_long_ends_the_call),
        POLICIES(an_older_result_gets_what_it_has_room_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
