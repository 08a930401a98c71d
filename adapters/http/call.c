/* A call under a circuit: ask, make the handle ready, and afterwards judge, record and give the handle back. */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The names of the verdicts as words, for results; their sentences are swg_strerror()'s. */
static const char *const verdicts[] = {
    [SWG_OPEN] = "open", [SWG_FULL] = "full",       [SWG_LIMITED] = "limited",
    [SWG_SHED] = "shed", [SWG_EXPIRED] = "expired",
};

static int fault(struct swg_http_result *result, int rc, const char *text) {
    result->rc = rc;
    snprintf(result->text, sizeof(result->text), "%s", text);
    return rc;
}

static int rejected(struct swg_circuit *circuit, const struct swg_permit *permit, int rc,
                    struct swg_http_result *result) {
    struct swg_status status = SWG_STATUS_INIT;

    result->retry_in = swg_retry_in(permit);
    result->state = swg_circuit_status(circuit, &status) == 0 ? status.state : -1;
    snprintf(result->kind, sizeof(result->kind), "%s", verdicts[rc]);
    return fault(result, rc, swg_strerror(rc));
}

static int circuit_by_name(struct swg_http_client *client, const struct swg_http_call *call,
                           struct swg_circuit **out, struct swg_http_result *result) {
    uint32_t operation = call->request == NULL ? 0 : call->request->operation;
    struct swg_error error = SWG_ERROR_INIT;
    CURLcode code;
    int rc = swgi_http_name(client->name_template, call->url, operation, result->circuit, &code);

    if (rc != 0) {
        result->curl_code = (int)code;
        return fault(result, rc,
                     call->url == NULL ? "no URL to name a circuit after"
                                       : curl_easy_strerror(code));
    }
    rc = swg_circuit_get(client->panel, result->circuit, client->config, out, &error);
    return rc == 0 ? 0 : fault(result, rc, error.text);
}

static int find_circuit(struct swg_http_client *client, const struct swg_http_call *call,
                        struct swg_circuit **out, struct swg_http_result *result) {
    int rc = 0;

    *out = call->circuit != NULL ? call->circuit : client->fixed;
    if (*out == NULL)
        rc = circuit_by_name(client, call, out, result);
    if (rc == 0)
        snprintf(result->circuit, sizeof(result->circuit), "%s", swg_circuit_name(*out));
    return rc;
}

static struct curl_slist *headers(const struct swg_http_call *call,
                                  struct swgi_http_transfer *transfer) {
    const char *trace = call->request == NULL ? NULL : call->request->traceparent;

    transfer->headers = call->headers;
    if (trace == NULL || !swgi_http_trace_is_valid(trace))
        return call->headers;
    snprintf(transfer->trace_line, sizeof(transfer->trace_line), "traceparent: %s", trace);
    transfer->trace = (struct curl_slist){ .data = transfer->trace_line, .next = call->headers };
    return &transfer->trace;
}

/* Rounded up, since 0 would be no bound at all. */
static long to_ms(swg_ns ns) {
    return ns <= SWGI_NS_PER_MS ? 1 : (long)((ns - 1) / SWGI_NS_PER_MS + 1);
}

static swg_ns time_left(const struct swg_http_client *client, const struct swg_http_call *call) {
    swg_ns timeout = call->timeout > 0 ? call->timeout : client->timeout;
    swg_ns left;

    if (call->request == NULL || call->request->deadline == 0)
        return timeout;
    left = call->request->deadline - swg_panel_now(client->panel);
    return left < timeout ? left : timeout;
}

static CURLcode set_time(CURL *easy, swg_ns timeout, swg_ns connect_timeout) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);

    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, to_ms(timeout));
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                                to_ms(connect_timeout < timeout ? connect_timeout : timeout));
    return code;
}

static CURLcode set_up(const struct swg_http_call *call, struct swgi_http_transfer *transfer) {
    const struct swg_http_client *client = transfer->client;
    struct curl_slist *list = headers(call, transfer);
    CURLcode code =
        set_time(transfer->easy, time_left(client, call),
                 call->connect_timeout > 0 ? call->connect_timeout : client->connect_timeout);

    if (code == CURLE_OK && call->url != NULL)
        code = curl_easy_setopt(transfer->easy, CURLOPT_URL, call->url);
    if (code == CURLE_OK && list != NULL)
        code = curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, list);
    if (code == CURLE_OK && transfer->pool != NULL)
        code = curl_easy_setopt(transfer->easy, CURLOPT_SHARE, transfer->pool->share);
    return code;
}

static int take_call(struct swg_http_call *mine, const struct swg_http_call *call,
                     struct swg_http_result *result) {
    int rc = call == NULL ? 0 : swgi_http_take(mine, sizeof(*mine), call);

    return rc == 0 ? 0
                   : fault(result, rc,
                           "the struct is another version's: set it with SWG_HTTP_CALL_INIT");
}

static int ask(const struct swg_http_call *call, struct swgi_http_transfer *transfer,
               struct swg_http_result *result) {
    int rc = find_circuit(transfer->client, call, &transfer->circuit, result);

    if (rc != 0)
        return rc;
    rc = swg_acquire(transfer->circuit, call->request, &transfer->permit);
    if (!swg_is_rejection(rc))
        return rc == SWG_GO ? SWG_GO : fault(result, rc, swg_strerror(rc));
    swgi_http_pool_rejected(call->session, transfer->circuit);
    return rejected(transfer->circuit, &transfer->permit, rc, result);
}

int swgi_http_begin(struct swg_http_client *client, CURL *easy, const struct swg_http_call *call,
                    struct swgi_http_transfer *transfer, struct swg_http_result *result) {
    struct swg_http_call mine = SWG_HTTP_CALL_INIT;
    int rc = take_call(&mine, call, result);

    *transfer = (struct swgi_http_transfer){ .client = client, .easy = easy };
    if (rc == 0 && swgi_http_is_running(client, easy))
        rc = fault(result, -EBUSY, "the handle has a transfer running");
    if (rc == 0)
        rc = ask(&mine, transfer, result);
    if (rc != SWG_GO)
        return rc;
    transfer->pool = swgi_http_pool_take(mine.session, transfer->circuit);
    if (set_up(&mine, transfer) == CURLE_OK)
        return SWG_GO;
    swgi_http_drop(transfer);
    return fault(result, -ENOMEM, "no memory for the call");
}

static void give_back(struct swgi_http_transfer *transfer) {
    if (transfer->trace.data != NULL)
        curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
    if (transfer->pool != NULL)
        curl_easy_setopt(transfer->easy, CURLOPT_SHARE, NULL);
    swgi_http_pool_release(transfer->pool);
    transfer->pool = NULL;
}

int swgi_http_finish(struct swgi_http_transfer *transfer, CURLcode code,
                     struct swg_http_result *result) {
    struct swg_failure why = SWG_FAILURE_INIT;

    swg_http_classify(transfer->easy, code, transfer->client->retry_after_max, result);
    snprintf(result->circuit, sizeof(result->circuit), "%s", swg_circuit_name(transfer->circuit));
    why.kind = result->kind;
    why.text = result->text;
    why.code = code == CURLE_OK || code == CURLE_HTTP_RETURNED_ERROR ? result->status : (int)code;
    why.retry_after = result->retry_after;
    swg_record_error(&transfer->permit, result->outcome, result->rc == SWG_FAILED ? &why : NULL);
    give_back(transfer);
    return result->rc;
}

void swgi_http_drop(struct swgi_http_transfer *transfer) {
    swg_cancel(&transfer->permit);
    give_back(transfer);
}

int swg_http_perform(struct swg_http_client *client, CURL *easy, const struct swg_http_call *call,
                     struct swg_http_result *result) {
    struct swg_http_result mine = SWG_HTTP_RESULT_INIT;
    struct swgi_http_transfer transfer;
    int rc;

    mine.state = -1;
    rc = swgi_http_begin(client, easy, call, &transfer, &mine);
    if (rc == SWG_GO)
        rc = swgi_http_finish(&transfer, curl_easy_perform(easy), &mine);
    swgi_http_give(result, &mine);
    return rc;
}
