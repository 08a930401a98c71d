/*
 * Transfers that are in no multi handle: some wait for their turn, some for the time of another attempt.
 *
 * The list is the client's, but each transfer belongs to the thread of its multi handle, so the lock is held only for the list.
 */
#include "internal.h"

#define WAIT_MAX_MS  60000
#define ASK_EVERY_NS (5 * SWGI_NS_PER_MS) /* where no descriptor could be had */

void swgi_http_wait_add(struct swgi_http_transfer *transfer) {
    struct swg_http_client *client = transfer->client;
    struct swgi_http_transfer **link = &client->waiting;

    pthread_mutex_lock(&client->lock);
    while (*link != NULL)
        link = &(*link)->next;
    transfer->next = NULL;
    *link = transfer;
    pthread_mutex_unlock(&client->lock);
}

void swgi_http_wait_remove(struct swgi_http_transfer *transfer) {
    struct swg_http_client *client = transfer->client;
    struct swgi_http_transfer **link = &client->waiting;

    pthread_mutex_lock(&client->lock);
    while (*link != NULL && *link != transfer)
        link = &(*link)->next;
    if (*link == transfer)
        *link = transfer->next;
    pthread_mutex_unlock(&client->lock);
}

struct swgi_http_transfer *swgi_http_wait_next(struct swg_http_client *client, const CURLM *multi,
                                               const struct swgi_http_transfer *after) {
    struct swgi_http_transfer *transfer;

    pthread_mutex_lock(&client->lock);
    transfer = after != NULL ? after->next : client->waiting;
    while (transfer != NULL && transfer->multi != multi)
        transfer = transfer->next;
    pthread_mutex_unlock(&client->lock);
    return transfer;
}

void swgi_http_wait_turn(struct swgi_http_transfer *transfer) {
    swg_ns wait = swg_retry_in(&transfer->permit);

    transfer->queued = true;
    transfer->wait_fd = -1;
    if (wait == 0)
        transfer->wait_fd = swg_wait_fd(&transfer->permit);
    if (wait == 0 && transfer->wait_fd < 0)
        wait = ASK_EVERY_NS;
    transfer->due = wait > 0 ? swgi_http_now(transfer->client) + wait : 0;
}

void swgi_http_wait_pause(struct swgi_http_transfer *transfer) {
    transfer->queued = false;
    transfer->wait_fd = -1;
    transfer->due = swgi_http_now(transfer->client) + swg_retry_in(&transfer->permit);
}

int swg_http_wait_fd(struct swg_http_client *client, CURLM *multi) {
    struct swgi_http_transfer *transfer = swgi_http_wait_next(client, multi, NULL);

    while (transfer != NULL && transfer->wait_fd < 0)
        transfer = swgi_http_wait_next(client, multi, transfer);
    return transfer != NULL ? transfer->wait_fd : -1;
}

int swg_http_wait_ms(struct swg_http_client *client, CURLM *multi) {
    swg_ns now = swgi_http_now(client), least = WAIT_MAX_MS * SWGI_NS_PER_MS;
    struct swgi_http_transfer *transfer = swgi_http_wait_next(client, multi, NULL);

    for (; transfer != NULL; transfer = swgi_http_wait_next(client, multi, transfer))
        if (transfer->due != 0 && transfer->due - now < least)
            least = transfer->due - now;
    return least > 0 ? (int)((least - 1) / SWGI_NS_PER_MS + 1) : 0;
}
