/*
 * A call under a circuit, in the steps that swg_http_perform() and swg_http_start() are made of: find the circuit, equip the
 * handle, begin and judge each attempt, give the handle back.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The names of the verdicts as words, for results; their sentences are swg_strerror()'s. */
static const char *const verdicts[] = {
    [SWG_OPEN] = "open", [SWG_FULL] = "full",       [SWG_LIMITED] = "limited",
    [SWG_SHED] = "shed", [SWG_EXPIRED] = "expired", [SWG_QUEUE_SATURATED] = "queue_saturated",
};

swg_ns swgi_http_now(const struct swg_http_client *client) {
    return client->is_virtual ? swg_panel_now(client->panel) : swg_now();
}

int swgi_http_refuse(struct swg_http_result *result, int rc, const char *text) {
    result->rc = rc;
    snprintf(result->text, sizeof(result->text), "%s", text);
    return rc;
}

int swgi_http_rejected(struct swgi_http_transfer *transfer, int verdict, swg_ns retry_in,
                       struct swg_http_result *result) {
    struct swg_status status = SWG_STATUS_INIT;

    result->retry_in = retry_in;
    if (swg_circuit_status(transfer->circuit, &status) == 0)
        result->state = status.state;
    snprintf(result->kind, sizeof(result->kind), "%s", verdicts[verdict]);
    swgi_http_pool_rejected(transfer->session, transfer->circuit);
    return swgi_http_refuse(result, verdict, swg_strerror(verdict));
}

static int circuit_by_name(struct swg_http_client *client, const struct swg_http_call *call,
                           struct swg_circuit **out, struct swg_http_result *result) {
    uint32_t operation = call->request == NULL ? 0 : call->request->operation;
    struct swg_error error = SWG_ERROR_INIT;
    CURLcode code;
    int rc = swgi_http_name(client->name_template, call->url, operation, result->circuit, &code);

    if (rc != 0) {
        result->curl_code = (int)code;
        return swgi_http_refuse(result, rc,
                                call->url == NULL ? "no URL to name a circuit after"
                                                  : curl_easy_strerror(code));
    }
    rc = swg_circuit_get(client->panel, result->circuit, client->config, out, &error);
    return rc == 0 ? 0 : swgi_http_refuse(result, rc, error.text);
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

static int take_call(struct swg_http_call *mine, const struct swg_http_call *call,
                     struct swg_http_result *result) {
    int rc = call == NULL ? 0 : swgi_http_take(mine, sizeof(*mine), call);

    if (rc != 0)
        return swgi_http_refuse(result, rc,
                                "the struct is another version's: set it with SWG_HTTP_CALL_INIT");
    if (mine->repeat < SWG_HTTP_BY_METHOD || mine->repeat > SWG_HTTP_READ)
        return swgi_http_refuse(result, -EINVAL, "repeat must be one of SWG_HTTP_BY_METHOD ...");
    return 0;
}

static void fill_in(struct swgi_http_transfer *transfer, const struct swg_http_call *call) {
    transfer->session = call->session;
    transfer->repeat = call->repeat;
    transfer->restart = call->restart;
    transfer->restart_arg = call->restart_arg;
    transfer->timeout = call->timeout;
    transfer->connect_timeout = call->connect_timeout;
    transfer->body.most = call->body_max;
    transfer->deadline = SWG_NS_MAX;
    if (call->request != NULL && call->request->deadline != 0)
        transfer->deadline = call->request->deadline;
}

int swgi_http_open(struct swg_http_client *client, CURL *easy, const struct swg_http_call *call,
                   struct swg_http_call *mine, struct swgi_http_transfer *transfer,
                   struct swg_http_result *result) {
    int rc = take_call(mine, call, result);

    *transfer = (struct swgi_http_transfer){ .client = client, .easy = easy, .wait_fd = -1 };
    if (rc == 0 && swgi_http_is_running(client, easy))
        rc = swgi_http_refuse(result, -EBUSY, "the handle has a transfer running");
    if (rc == 0)
        rc = find_circuit(client, mine, &transfer->circuit, result);
    if (rc == 0)
        fill_in(transfer, mine);
    return rc;
}

#define TRACE_NAME_LENGTH (sizeof("traceparent: ") - 1)

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

static CURLcode equip_read(CURL *easy) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);

    return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL) : code;
}

static CURLcode equip_body(struct swgi_http_transfer *transfer) {
    CURLcode code = curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, swgi_http_collect);

    return code == CURLE_OK ? curl_easy_setopt(transfer->easy, CURLOPT_WRITEDATA, &transfer->body)
                            : code;
}

CURLcode swgi_http_equip(struct swgi_http_transfer *transfer, const struct swg_http_call *call) {
    struct curl_slist *list = headers(call, transfer);
    CURLcode code = curl_easy_setopt(transfer->easy, CURLOPT_NOSIGNAL, 1L);

    transfer->equipped = true;
    if (code == CURLE_OK && call->url != NULL)
        code = curl_easy_setopt(transfer->easy, CURLOPT_URL, call->url);
    if (code == CURLE_OK && list != NULL)
        code = curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, list);
    if (code == CURLE_OK && transfer->repeat == SWG_HTTP_READ)
        code = equip_read(transfer->easy);
    if (code == CURLE_OK && transfer->body.most > 0)
        code = equip_body(transfer);
    return code;
}

/* Rounded up, since 0 would be no bound at all. */
static long to_ms(swg_ns ns) {
    return ns <= SWGI_NS_PER_MS ? 1 : (long)((ns - 1) / SWGI_NS_PER_MS + 1);
}

/* until: by the circuit and the request. Our own bound is for calls that nobody else bounds, a deadline apart. */
static swg_ns time_left(const struct swgi_http_transfer *transfer, swg_ns until) {
    const struct swg_http_client *client = transfer->client;
    swg_ns asked = transfer->timeout > 0 ? transfer->timeout : client->timeout;
    swg_ns left = until == SWG_NS_MAX ? SWG_NS_MAX : until - swgi_http_now(client);

    if (asked == 0 && until >= transfer->deadline)
        asked = SWGI_HTTP_TIMEOUT_NS;
    return asked != 0 && asked < left ? asked : left;
}

static CURLcode set_time(const struct swgi_http_transfer *transfer, swg_ns timeout) {
    swg_ns connect = transfer->connect_timeout > 0 ? transfer->connect_timeout
                                                   : transfer->client->connect_timeout;
    CURLcode code = curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, to_ms(timeout));

    if (code == CURLE_OK)
        code = curl_easy_setopt(transfer->easy, CURLOPT_CONNECTTIMEOUT_MS,
                                to_ms(connect < timeout ? connect : timeout));
    return code;
}

CURLcode swgi_http_begin(struct swgi_http_transfer *transfer, swg_ns until) {
    CURLcode code;

    if (transfer->attempts++ > 0 && transfer->restart != NULL)
        transfer->restart(transfer->restart_arg);
    transfer->body.length = 0;
    transfer->pool = swgi_http_pool_take(transfer->session, transfer->circuit);
    code = set_time(transfer, time_left(transfer, until));
    if (code == CURLE_OK && transfer->pool != NULL)
        code = curl_easy_setopt(transfer->easy, CURLOPT_SHARE, transfer->pool->share);
    return code;
}

static void leave_pool(struct swgi_http_transfer *transfer) {
    if (transfer->pool != NULL)
        curl_easy_setopt(transfer->easy, CURLOPT_SHARE, NULL);
    swgi_http_pool_release(transfer->pool);
    transfer->pool = NULL;
}

void swgi_http_judge(struct swgi_http_transfer *transfer, CURLcode code,
                     struct swg_http_result *result, struct swg_failure *why) {
    swg_http_classify(transfer->easy, code, transfer->client->retry_after_max, result);
    snprintf(result->circuit, sizeof(result->circuit), "%s", swg_circuit_name(transfer->circuit));
    result->attempts = transfer->attempts;
    result->source = result->rc == SWG_GO ? SWG_SOURCE_CALL : SWG_SOURCE_NONE;
    *why = (struct swg_failure)SWG_FAILURE_INIT;
    why->kind = result->kind;
    why->text = result->text;
    why->code = code == CURLE_OK || code == CURLE_HTTP_RETURNED_ERROR ? result->status : (int)code;
    why->retry_after = result->retry_after;
    why->traceparent =
        transfer->trace.data != NULL ? transfer->trace_line + TRACE_NAME_LENGTH : NULL;
    why->no_retry = result->rc == SWG_FAILED && swgi_http_is_last(transfer);
    leave_pool(transfer);
}

void swgi_http_close(struct swgi_http_transfer *transfer, struct swg_http_result *result) {
    bool is_answer = result != NULL && result->called &&
                     (!result->degraded || result->source == SWG_SOURCE_ALTERNATIVE);

    leave_pool(transfer);
    if (transfer->trace.data != NULL)
        curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
    if (transfer->equipped && transfer->body.most > 0) {
        curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, NULL);
        curl_easy_setopt(transfer->easy, CURLOPT_WRITEDATA, stdout);
    }
    if (is_answer)
        swgi_http_body_give(&transfer->body, result);
    free(transfer->body.bytes);
    transfer->body.bytes = NULL;
}
