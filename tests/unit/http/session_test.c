/* Connections: kept between calls, and given up when their circuit stays open. */
#include "http_fixture.h"

static struct swg_http_session *begin(struct fixture *f) {
    struct swg_http_session *session;

    assert_int_equal(swg_http_session_begin(f->client, &session), 0);
    return session;
}

/* With a handle of its own each time. */
static int call_once(struct fixture *f, struct swg_http_session *session,
                     struct swg_circuit *circuit) {
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    CURL *easy = new_easy();
    int rc;

    call.url = f->url;
    call.session = session;
    call.circuit = circuit;
    rc = swg_http_perform(f->client, easy, &call, NULL);
    curl_easy_cleanup(easy);
    return rc;
}

static void a_session_keeps_connections(void **state) {
    struct fixture *f = *state;
    struct swg_http_session *session = begin(f);

    for (int i = 0; i < 5; i++)
        assert_int_equal(call_once(f, session, NULL), SWG_GO);
    assert_int_equal(fault_server_requests(f->server), 5);
    assert_int_equal(fault_server_connections(f->server), 1);
    swg_http_session_end(session);
    assert_int_equal(fault_server_wait_open(f->server, 0), 0);
}

static void without_one_each_handle_has_its_own(void **state) {
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++)
        assert_int_equal(call_once(f, NULL, NULL), SWG_GO);
    assert_int_equal(fault_server_connections(f->server), 3);
}

/* A 500 that keeps the connection open, and opens the circuit for 30 s. */
static void open_circuit(struct fixture *f, struct swg_http_session *session) {
    fault_server_answer(f->server, "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", FAULT_KEEP);
    assert_int_equal(call_once(f, session, NULL), SWG_FAILED);
    assert_int_equal(call_once(f, session, NULL), SWG_OPEN);
    assert_int_equal(fault_server_wait_open(f->server, 1), 0);
}

static void an_open_circuit_loses_its_connections_at_a_rejection(void **state) {
    struct fixture *f = *state;
    struct swg_http_session *session = begin(f);

    open_circuit(f, session);
    swg_panel_advance(f->panel, 9 * SECOND);
    assert_int_equal(call_once(f, session, NULL), SWG_OPEN);
    assert_int_equal(fault_server_wait_open(f->server, 1), 0);
    swg_panel_advance(f->panel, SECOND);
    assert_int_equal(call_once(f, session, NULL), SWG_OPEN);
    assert_int_equal(fault_server_wait_open(f->server, 0), 0);
    swg_http_session_end(session);
}

static void an_open_circuit_loses_its_connections_at_a_poll(void **state) {
    struct fixture *f = *state;
    struct swg_http_session *session = begin(f);

    open_circuit(f, session);
    assert_int_equal(swg_http_session_poll(session), 0);
    swg_panel_advance(f->panel, 10 * SECOND);
    assert_int_equal(swg_http_session_poll(session), 1);
    assert_int_equal(fault_server_wait_open(f->server, 0), 0);
    assert_int_equal(swg_http_session_poll(session), 0);
    swg_http_session_end(session);
}

static void other_circuits_keep_theirs(void **state) {
    struct fixture *f = *state;
    struct swg_http_session *session = begin(f);
    struct swg_circuit *other;

    assert_int_equal(swg_circuit_get(f->panel, "other", NULL, &other, NULL), 0);
    assert_int_equal(call_once(f, session, other), SWG_GO);
    fault_server_answer(f->server, "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", FAULT_KEEP);
    assert_int_equal(call_once(f, session, NULL), SWG_FAILED);
    assert_int_equal(fault_server_wait_open(f->server, 2), 0);
    swg_panel_advance(f->panel, 10 * SECOND);
    assert_int_equal(swg_http_session_poll(session), 1);
    assert_int_equal(fault_server_wait_open(f->server, 1), 0);
    swg_http_session_end(session);
}

static void a_closed_pool_opens_again(void **state) {
    struct fixture *f = *state;
    struct swg_http_session *session = begin(f);

    open_circuit(f, session);
    swg_panel_advance(f->panel, 10 * SECOND);
    assert_int_equal(swg_http_session_poll(session), 1);
    swg_panel_advance(f->panel, 21 * SECOND);
    fault_server_answer(f->server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", FAULT_KEEP);
    assert_int_equal(call_once(f, session, NULL), SWG_GO);
    assert_int_equal(call_once(f, session, NULL), SWG_GO);
    assert_int_equal(fault_server_connections(f->server), 2);
    assert_int_equal(status_of(f).state, SWG_STATE_CLOSED);
    swg_http_session_end(session);
}

static void pools_are_bounded(void **state) {
    struct fixture *f = *state;
    struct swg_http_session *session = begin(f);
    struct swg_circuit *circuit;
    char name[32];

    for (int i = 0; i < 70; i++) {
        snprintf(name, sizeof(name), "circuit-%d", i);
        assert_int_equal(swg_circuit_get(f->panel, name, NULL, &circuit, NULL), 0);
        assert_int_equal(call_once(f, session, circuit), SWG_GO);
    }
    assert_int_equal(fault_server_wait_open(f->server, 64), 0);
    swg_http_session_end(session);
    assert_int_equal(fault_server_wait_open(f->server, 0), 0);
}

static void ending_nothing_is_fine(void **state) {
    (void)state;
    assert_null(swg_http_session_end(NULL));
    assert_null(swg_http_client_unref(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(a_session_keeps_connections),
        STORY(without_one_each_handle_has_its_own),
        STORY(an_open_circuit_loses_its_connections_at_a_rejection),
        STORY(an_open_circuit_loses_its_connections_at_a_poll),
        STORY(other_circuits_keep_theirs),
        STORY(a_closed_pool_opens_again),
        STORY(pools_are_bounded),
        STORY(ending_nothing_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
