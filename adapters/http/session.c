/*
 * Connections that outlive a call, and that are given up when there is nobody worth staying connected to.
 *
 * A pool is a libcurl share that holds the connections of one circuit. Its calls are attached to it only while they run, so that
 * it can be destroyed, which is the one way libcurl offers to close idle connections. libcurl-share(3): a share of connections
 * must not be used by several threads at a time, hence one session per thread.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>

struct swg_http_session {
    struct swg_http_client *client;
    struct swgi_http_pool *pools; /* used last comes first */
    uint32_t count;
};

int swg_http_session_begin(struct swg_http_client *client, struct swg_http_session **out) {
    struct swg_http_session *session = calloc(1, sizeof(*session));

    if (session == NULL)
        return -ENOMEM;
    session->client = swg_http_client_ref(client);
    *out = session;
    return 0;
}

/* *link leads to the pool. */
static void pool_close(struct swg_http_session *session, struct swgi_http_pool **link) {
    struct swgi_http_pool *pool = *link;

    *link = pool->next;
    session->count--;
    curl_share_cleanup(pool->share);
    free(pool);
}

static struct swgi_http_pool *pool_open(struct swg_circuit *circuit) {
    struct swgi_http_pool *pool = calloc(1, sizeof(*pool));

    if (pool == NULL)
        return NULL;
    pool->circuit = circuit;
    pool->share = curl_share_init();
    if (pool->share != NULL &&
        curl_share_setopt(pool->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) == CURLSHE_OK &&
        curl_share_setopt(pool->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK &&
        curl_share_setopt(pool->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) == CURLSHE_OK)
        return pool;
    curl_share_cleanup(pool->share);
    free(pool);
    return NULL;
}

static void close_least_used(struct swg_http_session *session) {
    struct swgi_http_pool **idle = NULL;

    for (struct swgi_http_pool **link = &session->pools; *link != NULL; link = &(*link)->next)
        if ((*link)->in_use == 0)
            idle = link;
    if (idle != NULL)
        pool_close(session, idle);
}

static struct swgi_http_pool *find_or_open(struct swg_http_session *session,
                                           struct swg_circuit *circuit) {
    struct swgi_http_pool *pool;

    for (struct swgi_http_pool **link = &session->pools; *link != NULL; link = &(*link)->next) {
        if ((*link)->circuit != circuit)
            continue;
        pool = *link;
        *link = pool->next;
        return pool;
    }
    if (session->count >= SWGI_HTTP_POOLS_MAX)
        close_least_used(session);
    pool = session->count < SWGI_HTTP_POOLS_MAX ? pool_open(circuit) : NULL;
    session->count += pool != NULL;
    return pool;
}

struct swgi_http_pool *swgi_http_pool_take(struct swg_http_session *session,
                                           struct swg_circuit *circuit) {
    struct swgi_http_pool *pool = session == NULL ? NULL : find_or_open(session, circuit);

    if (pool == NULL)
        return NULL;
    pool->next = session->pools;
    session->pools = pool;
    pool->in_use++;
    pool->look_at = 0;
    return pool;
}

void swgi_http_pool_release(struct swgi_http_pool *pool) {
    if (pool != NULL)
        pool->in_use--;
}

/* Asks the circuit at most once per opening: while it stays open, look_at is when it will have been for long. */
static bool is_open_for_long(struct swg_http_session *session, struct swgi_http_pool *pool) {
    struct swg_status status = SWG_STATUS_INIT;
    swg_ns now = swg_panel_now(session->client->panel), after = session->client->idle_close_after;

    if (pool->in_use > 0 || now < pool->look_at || swg_circuit_status(pool->circuit, &status) != 0)
        return false;
    if (status.state != SWG_STATE_OPEN)
        return false;
    pool->look_at = status.since > SWG_NS_MAX - after ? SWG_NS_MAX : status.since + after;
    return now >= pool->look_at;
}

void swgi_http_pool_rejected(struct swg_http_session *session, const struct swg_circuit *circuit) {
    if (session == NULL)
        return;
    for (struct swgi_http_pool **link = &session->pools; *link != NULL; link = &(*link)->next) {
        if ((*link)->circuit != circuit)
            continue;
        if (is_open_for_long(session, *link))
            pool_close(session, link);
        return;
    }
}

int swg_http_session_poll(struct swg_http_session *session) {
    int closed = 0;

    for (struct swgi_http_pool **link = &session->pools; *link != NULL;) {
        if (is_open_for_long(session, *link)) {
            pool_close(session, link);
            closed++;
        } else {
            link = &(*link)->next;
        }
    }
    return closed;
}

struct swg_http_session *swg_http_session_end(struct swg_http_session *session) {
    if (session == NULL)
        return NULL;
    while (session->pools != NULL)
        pool_close(session, &session->pools);
    swg_http_client_unref(session->client);
    free(session);
    return NULL;
}
