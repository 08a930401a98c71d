/* libcurl's multi interface on a libuv loop: curl_multi_socket_action(), one uv_poll a socket, one uv_timer. */
#ifndef SWGI_AGENT_ALERTS_WIRES_H
#define SWGI_AGENT_ALERTS_WIRES_H

#include <curl/curl.h>
#include <stdbool.h>
#include <uv.h>

/* Transfers may have ended: curl_multi_info_read() tells. Not from inside libcurl. */
typedef void swgi_wires_fn(void *arg);

struct swgi_wires {
    uv_loop_t *loop;
    CURLM *multi; /* NULL until it is opened */
    uv_timer_t timer;
    swgi_wires_fn *fn;
    void *arg;
    unsigned handles; /* of libuv, that are not closed yet */
};

void swgi_wires_init(struct swgi_wires *wires, uv_loop_t *loop, swgi_wires_fn *fn, void *arg);
/* Before the first transfer, and after libcurl was started. 0 or -errno. */
int swgi_wires_open(struct swgi_wires *wires);
/* All easy handles are out. The loop must run until handles is 0 before *wires may go. */
void swgi_wires_stop(struct swgi_wires *wires);

#endif
