/* After https://curl.se/libcurl/c/libcurl-multi.html: libcurl says what to watch and when to wake it. */
#include "agent/alerts_wires.h"

#include <errno.h>
#include <stdlib.h>

struct wire {
    uv_poll_t poll;
    curl_socket_t socket;
    struct swgi_wires *wires;
};

static void act(struct swgi_wires *wires, curl_socket_t socket, int flags) {
    int running;

    curl_multi_socket_action(wires->multi, socket, flags, &running);
    wires->fn(wires->arg);
}

static void on_timer(uv_timer_t *timer) {
    struct swgi_wires *wires = timer->data;

    act(wires, CURL_SOCKET_TIMEOUT, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    struct wire *wire = poll->data;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;

    if ((events & UV_READABLE) != 0)
        flags |= CURL_CSELECT_IN;
    if ((events & UV_WRITABLE) != 0)
        flags |= CURL_CSELECT_OUT;
    act(wire->wires, wire->socket, flags);
}

static void on_timer_closed(uv_handle_t *handle) {
    struct swgi_wires *wires = handle->data;

    wires->handles--;
}

static void on_poll_closed(uv_handle_t *handle) {
    struct wire *wire = handle->data;

    wire->wires->handles--;
    free(wire);
}

/* ---- what libcurl asks for */

static struct wire *wire_new(struct swgi_wires *wires, curl_socket_t socket) {
    struct wire *wire = calloc(1, sizeof(*wire));

    if (wire == NULL || uv_poll_init_socket(wires->loop, &wire->poll, socket) != 0) {
        free(wire);
        return NULL;
    }
    wire->poll.data = wire;
    wire->socket = socket;
    wire->wires = wires;
    wires->handles++;
    curl_multi_assign(wires->multi, socket, wire);
    return wire;
}

static void wire_close(struct swgi_wires *wires, struct wire *wire) {
    curl_multi_assign(wires->multi, wire->socket, NULL);
    uv_poll_stop(&wire->poll);
    uv_close((uv_handle_t *)&wire->poll, on_poll_closed);
}

/* -1 makes libcurl end every transfer with CURLM_ABORTED_BY_CALLBACK, which a lack of memory deserves. */
static int watch(CURL *easy, curl_socket_t socket, int what, void *arg, void *assigned) {
    struct swgi_wires *wires = arg;
    struct wire *wire = assigned;
    int events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (wire != NULL)
            wire_close(wires, wire);
        return 0;
    }
    if (wire == NULL)
        wire = wire_new(wires, socket);
    if (wire == NULL)
        return -1;
    events |= what != CURL_POLL_OUT ? UV_READABLE : 0;
    events |= what != CURL_POLL_IN ? UV_WRITABLE : 0;
    return uv_poll_start(&wire->poll, events, on_poll) == 0 ? 0 : -1;
}

static int wake(CURLM *multi, long timeout_ms, void *arg) {
    struct swgi_wires *wires = arg;

    (void)multi;
    if (uv_is_closing((uv_handle_t *)&wires->timer))
        return 0;
    if (timeout_ms < 0)
        uv_timer_stop(&wires->timer);
    else
        uv_timer_start(&wires->timer, on_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

void swgi_wires_init(struct swgi_wires *wires, uv_loop_t *loop, swgi_wires_fn *fn, void *arg) {
    *wires = (struct swgi_wires){ .loop = loop, .fn = fn, .arg = arg, .handles = 1 };
    uv_timer_init(loop, &wires->timer);
    wires->timer.data = wires;
}

int swgi_wires_open(struct swgi_wires *wires) {
    wires->multi = curl_multi_init();
    if (wires->multi == NULL)
        return -ENOMEM;
    curl_multi_setopt(wires->multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(wires->multi, CURLMOPT_SOCKETDATA, wires);
    curl_multi_setopt(wires->multi, CURLMOPT_TIMERFUNCTION, wake);
    curl_multi_setopt(wires->multi, CURLMOPT_TIMERDATA, wires);
    return 0;
}

void swgi_wires_stop(struct swgi_wires *wires) {
    if (wires->multi != NULL)
        curl_multi_cleanup(wires->multi);
    wires->multi = NULL;
    uv_close((uv_handle_t *)&wires->timer, on_timer_closed);
}
