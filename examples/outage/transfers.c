/* Hundreds of calls wait at the same time in a burst: one thread, one epoll, and a handle for each call. */
#include "transfers.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <switchgear/http.h>

#include "outage.h"

#define EVENTS 64

struct transfer {
    CURL *easy;
    void *what_for;
    struct transfer *next;
};

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known) {
    struct transfers *transfers = arg;
    struct epoll_event event = { .data.fd = fd };

    (void)easy;
    if (what == CURL_POLL_REMOVE)
        return epoll_ctl(transfers->epoll, EPOLL_CTL_DEL, fd, &event), 0;
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    epoll_ctl(transfers->epoll, known != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
    curl_multi_assign(transfers->multi, fd, transfers);
    return 0;
}

static int on_timer(CURLM *multi, long ms, void *arg) {
    struct transfers *transfers = arg;

    (void)multi;
    transfers->due = ms < 0 ? SWG_NS_MAX : now_ns() + ms * NS_PER_MS;
    return 0;
}

void transfers_open(struct transfers *transfers, const struct outage *outage, int side,
                    transfers_done_fn *done, void *arg) {
    *transfers = (struct transfers){
        .outage = outage, .side = side, .due = SWG_NS_MAX, .done = done, .arg = arg
    };
    transfers->epoll = epoll_create1(EPOLL_CLOEXEC);
    transfers->multi = curl_multi_init();
    if (transfers->epoll < 0 || transfers->multi == NULL)
        give_up("start libcurl", "no memory");
    curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETDATA, transfers);
    curl_multi_setopt(transfers->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(transfers->multi, CURLMOPT_TIMERDATA, transfers);
}

static struct transfer *take_idle(struct transfers *transfers) {
    struct transfer *transfer = transfers->idle;

    if (transfer != NULL) {
        transfers->idle = transfer->next;
        return transfer;
    }
    transfer = calloc(1, sizeof(*transfer));
    if (transfer == NULL)
        give_up("call", "no memory");
    transfer->easy = new_transfer(transfers->outage, transfers->side);
    curl_easy_setopt(transfer->easy, CURLOPT_BUFFERSIZE, 1024L);
    curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
    return transfer;
}

void transfers_start(struct transfers *transfers, void *what_for, long timeout_ms) {
    struct transfer *transfer = take_idle(transfers);

    transfer->what_for = what_for;
    curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    if (curl_multi_add_handle(transfers->multi, transfer->easy) != CURLM_OK)
        give_up("call", "libcurl takes no more");
}

static void end(struct transfers *transfers, struct transfer *transfer, CURLcode code) {
    struct swg_http_result result = SWG_HTTP_RESULT_INIT;
    struct swg_failure why = SWG_FAILURE_INIT;
    int outcome = swg_http_classify(transfer->easy, code, SECOND_NS, &result);

    why.code = result.status != 0 ? result.status : result.curl_code;
    why.kind = result.kind;
    why.text = result.text;
    curl_multi_remove_handle(transfers->multi, transfer->easy);
    transfer->next = transfers->idle;
    transfers->idle = transfer;
    transfers->done(transfers->arg, transfer->what_for, outcome, &why);
}

static void tell_ended(struct transfers *transfers) {
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(transfers->multi, &left)) != NULL) {
        struct transfer *transfer = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        end(transfers, transfer, message->data.result);
    }
}

static int wait_ms(const struct transfers *transfers, swg_ns until) {
    swg_ns least = transfers->due < until ? transfers->due : until, left = least - now_ns();

    return left > 0 ? (int)((left + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

void transfers_run(struct transfers *transfers, swg_ns until) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(transfers->epoll, events, EVENTS, wait_ms(transfers, until)), running;

    for (int i = 0; i < count; i++) {
        int ready = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                    (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                    (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

        curl_multi_socket_action(transfers->multi, events[i].data.fd, ready, &running);
    }
    if (transfers->due <= now_ns()) {
        transfers->due = SWG_NS_MAX;
        curl_multi_socket_action(transfers->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    tell_ended(transfers);
}
