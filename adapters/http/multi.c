/*
 * The multi interface. A transfer runs on while its caller does other things, so its permit must be found again by its handle:
 * CURLOPT_PRIVATE is the caller's, hence a tree of our own.
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

static int running_add(struct swg_http_client *client, struct swgi_http_transfer *transfer) {
    struct swgi_http_transfer **found;

    pthread_mutex_lock(&client->lock);
    found = tsearch(transfer, &client->running, compare);
    pthread_mutex_unlock(&client->lock);
    if (found == NULL)
        return -ENOMEM;
    return *found == transfer ? 0 : -EBUSY;
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

static void transfer_free(struct swgi_http_transfer *transfer) {
    swg_http_client_unref(transfer->client);
    free(transfer);
}

static int start(struct swgi_http_transfer *transfer, CURLM *multi,
                 struct swg_http_result *result) {
    struct swg_http_client *client = transfer->client;
    int rc = running_add(client, transfer);
    CURLMcode code;

    if (rc != 0)
        return rc;
    transfer->multi = multi;
    code = curl_multi_add_handle(multi, transfer->easy);
    if (code == CURLM_OK)
        return SWG_GO;
    running_find(client, transfer->easy, true);
    snprintf(result->text, sizeof(result->text), "%s", curl_multi_strerror(code));
    return code == CURLM_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
}

static int begin_and_start(struct swgi_http_transfer *transfer, struct swg_http_client *client,
                           CURLM *multi, CURL *easy, const struct swg_http_call *call,
                           struct swg_http_result *result) {
    int rc = swgi_http_begin(client, easy, call, transfer, result);

    if (rc != SWG_GO)
        return rc;
    rc = start(transfer, multi, result);
    if (rc != SWG_GO)
        swgi_http_drop(transfer);
    return rc;
}

int swg_http_start(struct swg_http_client *client, CURLM *multi, CURL *easy,
                   const struct swg_http_call *call, struct swg_http_result *result) {
    struct swg_http_result mine = SWG_HTTP_RESULT_INIT;
    struct swgi_http_transfer *transfer = calloc(1, sizeof(*transfer));

    mine.state = -1;
    mine.rc =
        transfer == NULL ? -ENOMEM : begin_and_start(transfer, client, multi, easy, call, &mine);
    if (mine.rc == SWG_GO)
        swg_http_client_ref(client);
    else
        free(transfer);
    swgi_http_give(result, &mine);
    return mine.rc;
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
    transfer = running_find(client, message->easy_handle, true);
    if (transfer == NULL)
        return -ENOENT;
    mine.state = -1;
    curl_multi_remove_handle(transfer->multi, transfer->easy);
    rc = swgi_http_finish(transfer, code, &mine);
    transfer_free(transfer);
    swgi_http_give(result, &mine);
    return rc;
}

int swg_http_cancel(struct swg_http_client *client, CURL *easy) {
    struct swgi_http_transfer *transfer = running_find(client, easy, true);

    if (transfer == NULL)
        return -ENOENT;
    curl_multi_remove_handle(transfer->multi, transfer->easy);
    swgi_http_drop(transfer);
    transfer_free(transfer);
    return 0;
}
