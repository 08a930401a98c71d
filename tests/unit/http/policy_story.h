/* What stories about policies around HTTP calls share: settings by name, and a server that recovers before another attempt. */
#ifndef POLICY_STORY_H
#define POLICY_STORY_H

#include "http_fixture.h"

#define OK_ANSWER     "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
#define FAILED_ANSWER "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
#define FAILED_PAGE   "HTTP/1.1 500 Oops\r\nContent-Length: 5\r\n\r\noops\n"
#define BUSY_ANSWER   "HTTP/1.1 429 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"

/* The circuit "shop" with these settings beside the fixture's: "key", "value", ..., NULL. */
static inline struct swg_circuit *make_shop(const struct fixture *f, const char *const *settings) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_circuit *circuit = NULL;
    struct swg_config *config;

    assert_int_equal(swg_config_new(&config), 0);
    for (; *settings != NULL; settings += 2)
        if (swg_config_set(config, settings[0], settings[1], &error) != 0)
            fail_msg("%s: %s", settings[0], error.text);
    assert_int_equal(swg_circuit_get(f->panel, "shop", NULL, &circuit, NULL), 0);
    if (swg_circuit_configure(circuit, config, &error) != 0)
        fail_msg("%s: %s", error.key, error.text);
    swg_config_unref(config);
    return circuit;
}
#define SHOP(f, ...) make_shop((f), (const char *const[]){ __VA_ARGS__, NULL })
/* Tolerant of failures, and tried three times. */
#define RETRIES "breaker.trip.0.consecutive", "100", "retry.attempts", "3", "retry.delay", "100ms"

/* A call's restart: the server is well from here on. */
static inline void recover(void *arg) {
    struct fixture *f = arg;

    fault_server_answer(f->server, OK_ANSWER, FAULT_KEEP);
}

static inline struct swg_http_call a_call(struct fixture *f) {
    struct swg_http_call call = SWG_HTTP_CALL_INIT;

    call.url = f->url;
    call.restart = recover;
    call.restart_arg = f;
    return call;
}

static struct swg_http_result result; /* of the last call */

static inline void forget_result(void) {
    free(result.body);
    result = (struct swg_http_result)SWG_HTTP_RESULT_INIT;
}

static inline int perform(struct fixture *f, const struct swg_http_call *call, CURL *easy) {
    int rc;

    forget_result();
    rc = swg_http_perform(f->client, easy, call, &result);
    assert_int_equal(rc, result.rc);
    curl_easy_cleanup(easy);
    return rc;
}

static inline int end_policies(void **state) {
    forget_result();
    return fixture_stop(state);
}

#define POLICIES(name) cmocka_unit_test_setup_teardown(name, fixture_start, end_policies)

#endif
