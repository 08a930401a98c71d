/* What the stories about the HTTP adapter start from: a server to break, a panel whose time stands still, a client. */
#ifndef HTTP_FIXTURE_H
#define HTTP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <switchgear/http.h>

#include "fault_server.h"

#define SECOND INT64_C(1000000000)

struct fixture {
    struct fault_server *server;
    struct swg_panel *panel;
    struct swg_config *config; /* opens at the first failure, for 30 s */
    struct swg_http_client *client;
    char url[128];
};

static inline int fixture_start(void **state) {
    struct swg_panel_options place = SWG_PANEL_OPTIONS_INIT;
    struct swg_http_options options = SWG_HTTP_OPTIONS_INIT;
    struct fixture *f = calloc(1, sizeof(*f));

    place.virtual_clock = 1;
    f->server = fault_server_start();
    assert_non_null(f->server);
    assert_int_equal(swg_panel_open(&f->panel, &place, NULL), 0);
    assert_int_equal(swg_config_new(&f->config), 0);
    assert_int_equal(swg_config_preset(f->config, "default", NULL), 0);
    assert_int_equal(swg_config_set(f->config, "breaker.trip.0.consecutive", "1", NULL), 0);
    options.config = f->config;
    options.circuit = "shop";
    assert_int_equal(swg_http_client_new(&f->client, f->panel, &options, NULL), 0);
    snprintf(f->url, sizeof(f->url), "http://user:password@127.0.0.1:%d/secret?token=1",
             fault_server_port(f->server));
    *state = f;
    return 0;
}

static inline int fixture_stop(void **state) {
    struct fixture *f = *state;

    swg_http_client_unref(f->client);
    swg_config_unref(f->config);
    swg_panel_unref(f->panel);
    fault_server_stop(f->server);
    free(f);
    return 0;
}

static inline size_t discard(const void *bytes, size_t size, size_t count, void *unused) {
    (void)bytes, (void)unused;
    return size * count;
}

static inline CURL *new_easy(void) {
    CURL *easy = curl_easy_init();

    assert_non_null(easy);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    return easy;
}

static inline struct swg_status status_of(const struct fixture *f) {
    struct swg_status status = SWG_STATUS_INIT;
    struct swg_circuit *circuit;

    assert_int_equal(swg_circuit_find(f->panel, "shop", &circuit), 0);
    assert_int_equal(swg_circuit_status(circuit, &status), 0);
    return status;
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, fixture_start, fixture_stop)

#endif
