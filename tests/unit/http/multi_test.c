/* Many transfers at once: each ends in exactly one way, and what it held is given back. */
#include <pthread.h>

#include "http_fixture.h"

#define MANY 20

static int start(struct fixture *f, CURLM *multi, CURL *easy, struct swg_http_session *session) {
    struct swg_http_call call = SWG_HTTP_CALL_INIT;

    call.url = f->url;
    call.session = session;
    return swg_http_start(f->client, multi, easy, &call, NULL);
}

/* Until nothing runs; returns how many were recorded. */
static int finish(struct fixture *f, CURLM *multi, int expected_rc) {
    struct swg_http_result result = SWG_HTTP_RESULT_INIT;
    int running = 1, done = 0, left;
    CURLMsg *message;

    while (running > 0) {
        curl_multi_perform(multi, &running);
        while ((message = curl_multi_info_read(multi, &left)) != NULL) {
            assert_int_equal(swg_http_done(f->client, message, &result), expected_rc);
            done++;
        }
        curl_multi_poll(multi, NULL, 0, running > 0 ? 1000 : 0, NULL);
    }
    return done;
}

static void many_transfers_are_recorded_once_each(void **state) {
    struct fixture *f = *state;
    CURLM *multi = curl_multi_init();
    CURL *easy[MANY];

    for (int i = 0; i < MANY; i++) {
        easy[i] = new_easy();
        assert_int_equal(start(f, multi, easy[i], NULL), SWG_GO);
    }
    assert_int_equal(status_of(f).in_flight, MANY);
    assert_int_equal(finish(f, multi, SWG_GO), MANY);
    assert_int_equal(status_of(f).successes, MANY);
    assert_int_equal(status_of(f).in_flight, 0);
    for (int i = 0; i < MANY; i++)
        curl_easy_cleanup(easy[i]);
    curl_multi_cleanup(multi);
}

static void a_transfer_that_is_cancelled_counts_neither_way(void **state) {
    struct fixture *f = *state;
    CURLM *multi = curl_multi_init();
    CURL *easy = new_easy();
    int running;

    fault_server_answer(f->server, "", FAULT_HANG);
    assert_int_equal(start(f, multi, easy, NULL), SWG_GO);
    curl_multi_perform(multi, &running);
    assert_int_equal(swg_http_cancel(f->client, easy), 0);
    assert_int_equal(swg_http_cancel(f->client, easy), -ENOENT);
    assert_int_equal(status_of(f).cancelled, 1);
    assert_int_equal(status_of(f).in_flight, 0);
    curl_multi_perform(multi, &running);
    assert_int_equal(running, 0);
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
}

static void a_rejected_transfer_is_not_added(void **state) {
    struct fixture *f = *state;
    CURLM *multi = curl_multi_init();
    CURL *easy = new_easy();

    fault_server_answer(f->server, "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", FAULT_KEEP);
    assert_int_equal(start(f, multi, easy, NULL), SWG_GO);
    assert_int_equal(finish(f, multi, SWG_FAILED), 1);
    assert_int_equal(start(f, multi, easy, NULL), SWG_OPEN);
    assert_int_equal(curl_multi_add_handle(multi, easy), CURLM_OK);
    curl_multi_remove_handle(multi, easy);
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
}

static void a_handle_runs_once_at_a_time(void **state) {
    struct fixture *f = *state;
    CURLM *multi = curl_multi_init();
    CURL *easy = new_easy();

    assert_int_equal(start(f, multi, easy, NULL), SWG_GO);
    assert_int_equal(start(f, multi, easy, NULL), -EBUSY);
    assert_int_equal(swg_http_perform(f->client, easy, NULL, NULL), -EBUSY);
    assert_int_equal(finish(f, multi, SWG_GO), 1);
    assert_int_equal(status_of(f).calls, 1);
    assert_int_equal(start(f, multi, easy, NULL), SWG_GO);
    assert_int_equal(finish(f, multi, SWG_GO), 1);
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
}

static void a_handle_that_cannot_be_added_is_cancelled(void **state) {
    struct fixture *f = *state;
    CURLM *multi = curl_multi_init();
    CURL *easy = new_easy();

    curl_multi_add_handle(multi, easy);
    assert_int_equal(start(f, multi, easy, NULL), -EINVAL);
    assert_int_equal(status_of(f).in_flight, 0);
    assert_int_equal(swg_http_cancel(f->client, easy), -ENOENT);
    curl_multi_remove_handle(multi, easy);
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
}

static void other_peoples_transfers_are_left_alone(void **state) {
    struct fixture *f = *state;
    CURLM *multi = curl_multi_init();
    CURL *easy = new_easy();
    CURLMsg *message = NULL;
    int running, left;

    curl_easy_setopt(easy, CURLOPT_URL, f->url);
    curl_multi_add_handle(multi, easy);
    while (message == NULL) {
        curl_multi_perform(multi, &running);
        curl_multi_poll(multi, NULL, 0, running > 0 ? 1000 : 0, NULL);
        message = curl_multi_info_read(multi, &left);
    }
    assert_int_equal(swg_http_done(f->client, message, NULL), -ENOENT);
    assert_int_equal(status_of(f).calls, 0);
    curl_multi_remove_handle(multi, easy);
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
}

static void a_session_serves_a_multi_handle(void **state) {
    struct fixture *f = *state;
    struct swg_http_session *session;
    CURLM *multi = curl_multi_init();
    CURL *easy = new_easy(), *hung = new_easy();
    int running;

    assert_int_equal(swg_http_session_begin(f->client, &session), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(start(f, multi, easy, session), SWG_GO);
        assert_int_equal(finish(f, multi, SWG_GO), 1);
    }
    assert_int_equal(fault_server_connections(f->server), 1);

    fault_server_answer(f->server, "", FAULT_HANG);
    assert_int_equal(start(f, multi, hung, session), SWG_GO);
    curl_multi_perform(multi, &running);
    assert_int_equal(swg_http_cancel(f->client, hung), 0);
    swg_http_session_end(session);
    assert_int_equal(fault_server_wait_open(f->server, 0), 0);
    curl_easy_cleanup(easy);
    curl_easy_cleanup(hung);
    curl_multi_cleanup(multi);
}

/* What is in use is not closed under a transfer's feet. */
static void a_pool_in_use_stays(void **state) {
    struct fixture *f = *state;
    struct swg_http_session *session;
    CURLM *multi = curl_multi_init();
    CURL *failing = new_easy(), *hung = new_easy();
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    int running = 1;

    assert_int_equal(swg_http_session_begin(f->client, &session), 0);
    fault_server_answer(f->server, "", FAULT_HANG);
    assert_int_equal(start(f, multi, hung, session), SWG_GO);
    while (fault_server_requests(f->server) == 0) {
        curl_multi_perform(multi, &running);
        curl_multi_poll(multi, NULL, 0, 10, NULL);
    }
    fault_server_answer(f->server, "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", FAULT_CLOSE);
    call.url = f->url;
    assert_int_equal(swg_http_perform(f->client, failing, &call, NULL), SWG_FAILED);
    swg_panel_advance(f->panel, 10 * SECOND);
    assert_int_equal(swg_http_session_poll(session), 0);
    assert_int_equal(swg_http_cancel(f->client, hung), 0);
    assert_int_equal(swg_http_session_poll(session), 1);
    swg_http_session_end(session);
    curl_easy_cleanup(failing);
    curl_easy_cleanup(hung);
    curl_multi_cleanup(multi);
}

static void *run_thread(void *arg) {
    struct fixture *f = arg;
    CURLM *multi = curl_multi_init();
    CURL *easy = new_easy();

    for (int i = 0; i < MANY; i++) {
        start(f, multi, easy, NULL);
        finish(f, multi, SWG_GO);
    }
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
    return NULL;
}

static void a_client_serves_several_threads(void **state) {
    struct fixture *f = *state;
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_thread, f), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(status_of(f).successes, 4 * MANY);
    assert_int_equal(status_of(f).in_flight, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(many_transfers_are_recorded_once_each),
        STORY(a_transfer_that_is_cancelled_counts_neither_way),
        STORY(a_rejected_transfer_is_not_added),
        STORY(a_handle_runs_once_at_a_time),
        STORY(a_handle_that_cannot_be_added_is_cancelled),
        STORY(other_peoples_transfers_are_left_alone),
        STORY(a_session_serves_a_multi_handle),
        STORY(a_pool_in_use_stays),
        STORY(a_client_serves_several_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
