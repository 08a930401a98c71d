/* Many transfers of one thread at a time: libcurl's multi interface on epoll. */
#ifndef TRANSFERS_H
#define TRANSFERS_H

#include <curl/curl.h>
#include <switchgear/switchgear.h>

struct outage;
struct transfer;

/* A transfer ended: what it came to, as swg_http_classify() says. The handle is not to be used any more. */
typedef void transfers_done_fn(void *arg, void *what_for, int outcome,
                               const struct swg_failure *why);

struct transfers {
    const struct outage *outage;
    int side;
    CURLM *multi;
    int epoll;
    swg_ns due;            /* when libcurl wants to be called, whatever happens */
    struct transfer *idle; /* handles to use again */
    transfers_done_fn *done;
    void *arg;
};

void transfers_open(struct transfers *transfers, const struct outage *outage, int side,
                    transfers_done_fn *done, void *arg);
void transfers_start(struct transfers *transfers, void *what_for, long timeout_ms);
/* Waits for something to happen, at most until then; done is called from in here only. */
void transfers_run(struct transfers *transfers, swg_ns until);

#endif
