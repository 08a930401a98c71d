/*
 * The multi interface. A transfer runs on, or waits, while its caller does other things, so its permit must be found again by its
 * handle: CURLOPT_PRIVATE is the caller's, hence a tree of our own.
 */
#include "internal.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>

static int compare(const void *left, const void *right) {
    const struct swgi_http_transfer *a = left, *b = right;

    return a->easy < b->easy ? -1 : a->easy > b->easy;
}

/* What tsearch() returns is a node of the tree: another thread's tdelete() frees nodes, so it is looked at under the lock. */
static int running_add(struct swg_http_client *client, struct swgi_http_transfer *transfer) {
    struct swgi_http_transfer **found;
    int rc = -ENOMEM;

    pthread_mutex_lock(&client->lock);
    found = tsearch(transfer, &client->running, compare);
    if (found != NULL)
        rc = *found == transfer ? 0 : -EBUSY;
    pthread_mutex_unlock(&client->lock);
    return rc;
}

static struct swgi_http_transfer *running_find(struct swg_http_client *client, CURL *easy,
                                               bool remove) {
    struct swgi_http_transfer wanted = { .easy = easy }, **found, *transfer;

    pthread_mutex_lock(&client->lock);
    found = tfind(&wanted, &client->running, compare);
    transfer = found == NULL ? NULL : *found;
    if (transfer != NULL && remove)
        tdelete(transfer, &client->running, compare);
    pthread_mutex_unlock(&client->lock);
    return transfer;
}

bool swgi_http_is_running(struct swg_http_client *client, CURL *easy) {
    return running_find(client, easy, false) != NULL;
}

/* The call is over, one way or another. */
static int end(struct swgi_http_transfer *transfer, int rc, struct swg_http_result *result) {
    result->rc = rc;
    swgi_http_close(transfer, result);
    swg_http_client_unref(transfer->client);
    free(transfer);
    return rc;
}

/* It may be called: makes the handle ready for an attempt, and hands it to libcurl. Else the permit is given back. */
static int launch(struct swgi_http_transfer *transfer, struct swg_http_result *result) {
    swg_ns until = swg_deadline(&transfer->permit);
    CURLMcode code = CURLM_OUT_OF_MEMORY;

    if (transfer->deadline < until)
        until = transfer->deadline;
    if (swgi_http_begin(transfer, until) == CURLE_OK)
        code = curl_multi_add_handle(transfer->multi, transfer->easy);
    if (code == CURLM_OK)
        return SWG_GO;
    swg_cancel(&transfer->permit);
    return swgi_http_refuse(result, code == CURLM_OUT_OF_MEMORY ? -ENOMEM : -EINVAL,
                            curl_multi_strerror(code));
}

static int wait_turn(struct swgi_http_transfer *transfer) {
    swgi_http_wait_turn(transfer);
    swgi_http_wait_add(transfer);
    return SWG_QUEUED;
}

static int ask(struct swgi_http_transfer *transfer, const struct swg_http_call *call,
               struct swg_http_result *result) {
    struct swg_request request = SWG_REQUEST_INIT;
    int rc = 0;

    if (call->request != NULL)
        rc = swgi_http_take(&request, sizeof(request), call->request);
    request.size = sizeof(request);
    if (rc != 0)
        return rc;
    request.key = call->request == NULL ? 0 : call->request->key;
    rc = swg_acquire(transfer->circuit, &request, &transfer->permit);
    if (swg_is_rejection(rc))
        return swgi_http_rejected(transfer, rc, swg_retry_in(&transfer->permit), result);
    if (rc == SWG_QUEUED)
        result->retry_in = swg_retry_in(&transfer->permit);
    return rc;
}

/* Admitted, or in the queue: found by its handle from here on. */
static int start(struct swgi_http_transfer *transfer, const struct swg_http_call *call, int asked,
                 struct swg_http_result *result) {
    int rc = running_add(transfer->client, transfer);

    if (rc == 0 && swgi_http_equip(transfer, call) != CURLE_OK)
        rc = -ENOMEM;
    if (rc == 0)
        rc = asked == SWG_QUEUED ? wait_turn(transfer) : launch(transfer, result);
    if (rc < 0) {
        running_find(transfer->client, transfer->easy, true);
        swg_cancel(&transfer->permit);
    }
    return rc;
}

static int open_and_start(struct swgi_http_transfer *transfer, struct swg_http_client *client,
                          CURLM *multi, CURL *easy, const struct swg_http_call *call,
                          struct swg_http_result *result) {
    struct swg_http_call known = SWG_HTTP_CALL_INIT;
    int rc = swgi_http_open(client, easy, call, &known, transfer, result);

    transfer->multi = multi;
    if (rc == 0)
        rc = ask(transfer, &known, result);
    if (rc == SWG_GO || rc == SWG_QUEUED)
        rc = start(transfer, &known, rc, result);
    if (rc < 0 && result->text[0] == '\0')
        swgi_http_refuse(result, rc, swg_strerror(rc));
    return rc;
}

int swg_http_start(struct swg_http_client *client, CURLM *multi, CURL *easy,
                   const struct swg_http_call *call, struct swg_http_result *result) {
    struct swg_http_result mine = SWG_HTTP_RESULT_INIT;
    struct swgi_http_transfer *transfer = calloc(1, sizeof(*transfer));
    int rc = -ENOMEM;

    mine.state = -1;
    if (transfer != NULL) {
        swg_http_client_ref(client);
        rc = open_and_start(transfer, client, multi, easy, call, &mine);
        mine.rc = rc;
        if (rc != SWG_GO && rc != SWG_QUEUED)
            end(transfer, rc, &mine);
    }
    mine.rc = rc;
    swgi_http_give(result, &mine);
    return rc;
}

static int record(struct swgi_http_transfer *transfer, CURLcode code,
                  struct swg_http_result *result) {
    struct swg_failure why;
    int rc;

    swgi_http_judge(transfer, code, result, &why);
    rc = swg_record_error(&transfer->permit, result->outcome,
                          result->rc == SWG_FAILED ? &why : NULL);
    if (rc != SWG_RETRY) {
        running_find(transfer->client, transfer->easy, true);
        return end(transfer, result->rc, result);
    }
    transfer->last = *result;
    swgi_http_wait_pause(transfer);
    swgi_http_wait_add(transfer);
    result->retry_in = swg_retry_in(&transfer->permit);
    return SWG_RETRY;
}

int swg_http_done(struct swg_http_client *client, const CURLMsg *message,
                  struct swg_http_result *result) {
    struct swg_http_result mine = SWG_HTTP_RESULT_INIT;
    struct swgi_http_transfer *transfer;
    CURLcode code;
    int rc;

    if (message->msg != CURLMSG_DONE)
        return -ENOENT;
    code = message->data.result; /* gone with the handle */
    transfer = running_find(client, message->easy_handle, false);
    if (transfer == NULL)
        return -ENOENT;
    mine.state = -1;
    curl_multi_remove_handle(transfer->multi, transfer->easy);
    rc = mine.rc = record(transfer, code, &mine);
    swgi_http_give(result, &mine);
    return rc;
}

/* ---- going on */

/* What was not let through again is still the failure of the attempt before. */
static int turned_away(struct swgi_http_transfer *transfer, int verdict,
                       struct swg_http_result *result) {
    swg_ns retry_in = swg_retry_in(&transfer->permit);

    if (transfer->attempts == 0)
        return swgi_http_rejected(transfer, verdict, retry_in, result);
    *result = transfer->last;
    result->retry_in = retry_in;
    return SWG_FAILED;
}

/* SWG_GO: running again. SWG_QUEUED: not yet. Else it is over. */
static int go_on(struct swgi_http_transfer *transfer, struct swg_http_result *result) {
    int rc;

    if (transfer->queued)
        rc = swg_poll(&transfer->permit);
    else if (transfer->due > swgi_http_now(transfer->client))
        return SWG_QUEUED;
    else
        rc = swg_acquire_again(&transfer->permit);
    if (rc == SWG_QUEUED) {
        swgi_http_wait_turn(transfer);
        return rc;
    }
    swgi_http_wait_remove(transfer);
    if (rc == SWG_GO)
        return launch(transfer, result);
    return swg_is_rejection(rc) ? turned_away(transfer, rc, result)
                                : swgi_http_refuse(result, rc, swg_strerror(rc));
}

int swg_http_poll(struct swg_http_client *client, CURLM *multi, CURL **easy,
                  struct swg_http_result *result) {
    struct swgi_http_transfer *transfer = swgi_http_wait_next(client, multi, NULL), *next;
    struct swg_http_result mine = SWG_HTTP_RESULT_INIT;

    for (; transfer != NULL; transfer = next) {
        int rc;

        next = swgi_http_wait_next(client, multi, transfer);
        mine.state = -1;
        rc = go_on(transfer, &mine);
        if (rc == SWG_GO || rc == SWG_QUEUED)
            continue;
        *easy = transfer->easy;
        running_find(client, transfer->easy, true);
        rc = end(transfer, rc, &mine);
        swgi_http_give(result, &mine);
        return rc;
    }
    return 0;
}

int swg_http_cancel(struct swg_http_client *client, CURL *easy) {
    struct swgi_http_transfer *transfer = running_find(client, easy, true);
    struct swg_http_result result = SWG_HTTP_RESULT_INIT;

    if (transfer == NULL)
        return -ENOENT;
    swgi_http_wait_remove(transfer);
    curl_multi_remove_handle(transfer->multi, transfer->easy);
    swg_cancel(&transfer->permit);
    end(transfer, 0, &result);
    return 0;
}
