/* The easy interface: an attempt is a function for swg_call(), which does all the rest. */
#include "internal.h"

#include <errno.h>
#include <stdio.h>

struct easy_call {
    struct swgi_http_transfer transfer;
    struct swg_circuit
        *circuit; /* that was asked; an alternative is the transfer's while it is tried */
    const struct swg_http_call *call;
    struct swg_http_result *result;
    int fault; /* what kept an attempt from being made; 0: nothing */
};

/* Only what cannot be said otherwise: -EINVAL is no outcome, so nothing is recorded. */
static int refuse(struct easy_call *easy, int fault) {
    easy->fault = fault;
    return -EINVAL;
}

static int judge(struct easy_call *easy, struct swg_attempt *attempt, CURLcode code,
                 struct swg_http_result *result) {
    struct swgi_http_transfer *transfer = &easy->transfer;
    struct swg_failure why;

    swgi_http_judge(transfer, code, result, &why);
    if (result->rc == SWG_FAILED)
        swg_attempt_failure(attempt, &why);
    else if (swgi_http_may_keep(transfer, result))
        (void)swg_attempt_keep(attempt, transfer->body.bytes != NULL ? transfer->body.bytes : "",
                               transfer->body.length);
    return result->outcome;
}

/* Another service or region, at another URL. What is told afterwards is its answer, or the first one's failure. */
static int try_alternative(struct easy_call *easy, struct swg_attempt *attempt) {
    struct swgi_http_transfer *transfer = &easy->transfer;
    struct swg_http_result result = SWG_HTTP_RESULT_INIT;
    int outcome;

    if (easy->call->alternative_url == NULL || easy->call->url == NULL)
        return -EINVAL;
    transfer->circuit = swg_attempt_circuit(attempt);
    if (!transfer->equipped && swgi_http_equip(transfer, easy->call) != CURLE_OK)
        return refuse(easy, -ENOMEM);
    if (curl_easy_setopt(transfer->easy, CURLOPT_URL, easy->call->alternative_url) != CURLE_OK ||
        swgi_http_begin(transfer, swg_attempt_deadline(attempt)) != CURLE_OK)
        return refuse(easy, -ENOMEM);
    outcome = judge(easy, attempt, curl_easy_perform(transfer->easy), &result);
    curl_easy_setopt(transfer->easy, CURLOPT_URL, easy->call->url);
    if (result.rc == SWG_GO)
        *easy->result = result;
    else
        transfer->body.length = 0;
    transfer->circuit = easy->circuit;
    return outcome;
}

static int try_once(struct swg_attempt *attempt, void *arg) {
    struct easy_call *easy = arg;
    struct swgi_http_transfer *transfer = &easy->transfer;

    if (swg_attempt_circuit(attempt) != easy->circuit)
        return try_alternative(easy, attempt);
    if ((!transfer->equipped && swgi_http_equip(transfer, easy->call) != CURLE_OK) ||
        swgi_http_begin(transfer, swg_attempt_deadline(attempt)) != CURLE_OK)
        return refuse(easy, -ENOMEM);
    return judge(easy, attempt, curl_easy_perform(transfer->easy), easy->result);
}

/* Where an answer came from, if it is nobody's we called just now. */
static void tell_source(struct swg_http_result *result, const struct swg_result *answer) {
    result->source = answer->source;
    result->degraded = answer->degraded;
    result->verdict = answer->verdict;
    if (answer->source == SWG_SOURCE_CALL || answer->source == SWG_SOURCE_ALTERNATIVE)
        return;
    if (answer->source == SWG_SOURCE_CACHE) {
        result->status = 200; /* no other is kept */
        result->outcome = SWG_SUCCESS;
    }
    swgi_http_body_set(result, answer->value.bytes, answer->value.length);
}

static int tell(struct easy_call *easy, const struct swg_result *answer) {
    struct swg_http_result *result = easy->result;
    int rc = answer->rc;

    if (easy->fault != 0 && rc < 0)
        return swgi_http_refuse(result, easy->fault, "no memory for the call");
    if (rc < 0)
        return swgi_http_refuse(result, rc, swg_strerror(rc));
    if (swg_is_rejection(rc))
        return swgi_http_rejected(&easy->transfer, rc, answer->retry_in, result);
    if (answer->degraded && swg_is_rejection(answer->verdict))
        swgi_http_rejected(&easy->transfer, answer->verdict, answer->retry_in, result);
    result->rc = rc;
    result->retry_in = answer->retry_in;
    result->attempts = easy->transfer.attempts;
    if (rc == SWG_GO)
        tell_source(result, answer);
    else if (answer->attempts == 0) /* who asked the same at the same time failed */
        swgi_http_refuse(result, rc, "another call for the same failed just now");
    return rc;
}

static int perform(struct easy_call *easy) {
    struct swg_request request = SWG_REQUEST_INIT;
    struct swg_result answer = SWG_RESULT_INIT;
    int rc = 0;

    easy->circuit = easy->transfer.circuit;
    if (easy->call->request != NULL)
        rc = swgi_http_take(&request, sizeof(request), easy->call->request);
    request.size = sizeof(request);
    if (rc != 0)
        return swgi_http_refuse(easy->result, rc,
                                "the request is another version's: set it with SWG_REQUEST_INIT");
    request.key = swgi_http_key(easy->circuit, easy->call);
    swg_call(easy->circuit, &request, try_once, easy, &answer);
    rc = tell(easy, &answer);
    swgi_http_close(&easy->transfer, easy->result);
    swg_buffer_release(&answer.value);
    return rc;
}

int swg_http_perform(struct swg_http_client *client, CURL *easy, const struct swg_http_call *call,
                     struct swg_http_result *result) {
    struct swg_http_result mine = SWG_HTTP_RESULT_INIT;
    struct swg_http_call known = SWG_HTTP_CALL_INIT;
    struct easy_call made = { .call = &known, .result = &mine };
    int rc;

    mine.state = -1;
    rc = swgi_http_open(client, easy, call, &known, &made.transfer, &mine);
    if (rc == 0)
        rc = perform(&made);
    swgi_http_give(result, &mine);
    return rc;
}
