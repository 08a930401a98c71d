/* From queues to receivers. The HTTP adapter asks the circuit, judges the answer and repeats; here is decided what is worth it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/alerts_send_inside.h"
#include "agent/alerts_text.h"
#include "agent/log.h"
#include "base/clock.h"

#define SECOND        INT64_C(1000000000)
#define SETBACK_FIRST (15 * SECOND)
#define SETBACK_MAX   (300 * SECOND)
#define PAUSE_MAX     (3600 * SECOND)

static void tell(const struct swgi_receiver *receiver, int level, const char *what,
                 const char *detail) {
    struct swgi_log_fields fields = { .context = "alerts" };

    swgi_log(level, &fields, "[ALERTS] receiver %s: %s%s%s", receiver->says.name, what,
             detail[0] != '\0' ? ": " : "", detail);
}

/* ---- one delivery */

static bool was_accepted(int rc, const struct swg_http_result *result) {
    return rc == SWG_GO && result->status >= 200 && result->status < 300;
}

/* Redirected, or the request's own fault. 429 and 5xx may be otherwise later; cut short by us, these come here as well. */
static bool was_refused(int rc, const struct swg_http_result *result) {
    return rc == SWG_GO && result->status >= 300 && result->status < 500 && result->status != 429;
}

static void accepted(struct swgi_send *send, struct swgi_receiver *receiver) {
    swg_ns space = receiver->says.kind == SWGI_RECEIVER_SLACK ? SWGI_SLACK_SPACE_NS : 0;

    if (receiver->setbacks > 0)
        tell(receiver, SWGI_LOG_INFO, "takes notices again", "");
    send->counts.sent += receiver->is_repost ? 0 : receiver->batch_count;
    receiver->setbacks = 0;
    receiver->due = swg_now() + space;
    swgi_receiver_clear(receiver);
}

static void give_up(struct swgi_send *send, struct swgi_receiver *receiver, const char *why,
                    const char *detail) {
    if (!receiver->is_repost)
        send->counts.dropped += receiver->batch_count;
    tell(receiver, SWGI_LOG_ERROR, why, detail);
    swgi_receiver_clear(receiver);
}

/* It will not like them better later. */
static void refused(struct swgi_send *send, struct swgi_receiver *receiver,
                    const struct swg_http_result *result) {
    char answer[SWGI_SAID_MAX], detail[SWGI_SAID_MAX + 96];
    const char *what = result->status / 100 == 3 ? "redirects, which is not followed" : "refuses";

    snprintf(detail, sizeof(detail), "status %d %s", result->status,
             swgi_redact(receiver->answer, answer, sizeof(answer)));
    send->counts.failed++;
    receiver->due = swg_now() + SECOND;
    give_up(send, receiver, what, detail);
}

static swg_ns between(swg_ns value, swg_ns least, swg_ns most) {
    return value < least ? least : value > most ? most : value;
}

/* Longer and longer, half of it by chance, so that many agents do not come back at once; as long as it asks for in any case. */
static swg_ns pause_for(struct swgi_send *send, const struct swgi_receiver *receiver,
                        const struct swg_http_result *result) {
    unsigned doublings = receiver->setbacks < 6 ? receiver->setbacks : 6;
    swg_ns most = between(SETBACK_FIRST << doublings, SETBACK_FIRST, SETBACK_MAX);
    swg_ns pause = most / 2 + (swg_ns)swgi_random_below(&send->random, (uint64_t)most / 2);
    swg_ns asked = result->retry_after > result->retry_in ? result->retry_after : result->retry_in;

    return between(asked > pause ? asked : pause, SECOND, PAUSE_MAX);
}

static void set_back(struct swgi_send *send, struct swgi_receiver *receiver,
                     const struct swg_http_result *result) {
    swg_ns now = swg_now();
    char detail[64 + CURL_ERROR_SIZE], fault[CURL_ERROR_SIZE];
    bool is_tls = strcmp(result->kind, "tls") == 0 || strcmp(result->kind, "local") == 0;

    /* Of certificates it is worth while to know more; other faults would only tell the address, which may be a secret. */
    snprintf(detail, sizeof(detail), "%s, status %d%s%s", result->kind, result->status,
             is_tls && receiver->fault[0] != '\0' ? ": " : "",
             is_tls ? swgi_redact(receiver->fault, fault, sizeof(fault)) : "");
    send->counts.failed++;
    tell(receiver, SWGI_LOG_WARNING, "does not take notices", detail);
    receiver->due = now + pause_for(send, receiver, result);
    receiver->setbacks++;
    if (receiver->is_repost)
        swgi_receiver_clear(receiver);
    else if (now - receiver->batch_since > SWGI_NOTICE_LASTS_NS)
        give_up(send, receiver, "gets no notice that is so old", "");
}

static void turned_away(struct swgi_receiver *receiver, const struct swg_http_result *result) {
    receiver->due = swg_now() + between(result->retry_in, SECOND / 10, SETBACK_MAX);
}

static void finish(struct swgi_send *send, struct swgi_receiver *receiver, int rc,
                   const struct swg_http_result *result) {
    receiver->busy = false;
    free(receiver->body);
    receiver->body = NULL;
    if (was_accepted(rc, result))
        accepted(send, receiver);
    else if (was_refused(rc, result))
        refused(send, receiver, result);
    else if (swg_is_rejection(rc) && !result->called)
        turned_away(receiver, result);
    else
        set_back(send, receiver, result);
}

/* ---- starting one */

static void launch(struct swgi_send *send, struct swgi_receiver *receiver) {
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    struct swg_http_result result = SWG_HTTP_RESULT_INIT;
    int rc = swgi_send_open(send);

    call.circuit = receiver->circuit;
    call.headers = receiver->headers;
    call.timeout = receiver->says.timeout > 0 ? receiver->says.timeout : 10 * SECOND;
    call.repeat = SWG_HTTP_REPEATABLE; /* told twice is better than not at all */
    call.restart = swgi_request_restart;
    call.restart_arg = receiver;
    if (rc == 0 && !swgi_request_prepare(receiver))
        rc = -ENOMEM;
    if (rc == 0) {
        call.headers = receiver->headers;
        rc = swg_http_start(send->client, send->wires.multi, receiver->easy, &call, &result);
    }
    receiver->busy = rc == SWG_GO;
    if (rc != SWG_GO)
        finish(send, receiver, rc, &result);
}

/* ---- whose turn it is */

static void on_pace(uv_timer_t *timer) {
    struct swgi_send *send = timer->data;
    struct swg_http_result result = SWG_HTTP_RESULT_INIT;
    struct swgi_receiver *receiver;
    CURL *easy = NULL;
    int rc;

    while (send->client != NULL &&
           (rc = swg_http_poll(send->client, send->wires.multi, &easy, &result)) != 0) {
        if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &receiver) == CURLE_OK)
            finish(send, receiver, rc, &result);
    }
    swgi_send_arm(send);
}

static swg_ns next_due(struct swgi_send *send) {
    swg_ns next = SWG_NS_MAX, now = swg_now();

    for (struct swgi_receiver *receiver = send->receivers; receiver != NULL;
         receiver = receiver->next) {
        swg_ns due = swgi_receiver_due(receiver);

        if (receiver->busy)
            due = now + swg_http_wait_ms(send->client, send->wires.multi) * (SECOND / 1000);
        next = due < next ? due : next;
    }
    return next;
}

void swgi_send_arm(struct swgi_send *send) {
    swg_ns now = swg_now(), next;

    if (send->stopping)
        return;
    for (struct swgi_receiver *receiver = send->receivers; receiver != NULL;
         receiver = receiver->next)
        if (!receiver->busy && receiver->due <= now && swgi_receiver_take(receiver, now))
            launch(send, receiver);
    next = next_due(send);
    if (next == SWG_NS_MAX)
        uv_timer_stop(&send->pace);
    else
        uv_timer_start(&send->pace, on_pace,
                       next <= now ? 1 : (uint64_t)((next - now) / (SECOND / 1000)) + 1, 0);
}

void swgi_send_on_wires(void *arg) {
    struct swgi_send *send = arg;
    struct swg_http_result result = SWG_HTTP_RESULT_INIT;
    struct swgi_receiver *receiver;
    CURLMsg *message;
    int left;

    while (!send->stopping && (message = curl_multi_info_read(send->wires.multi, &left)) != NULL) {
        int rc;

        if (curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &receiver) != CURLE_OK)
            continue;
        rc = swg_http_done(send->client, message, &result);
        if (rc == SWG_RETRY)
            send->counts.failed++;
        else if (rc != -ENOENT)
            finish(send, receiver, rc, &result);
    }
    swgi_send_arm(send);
}

static void write_down(const struct swgi_receiver *receiver, const struct swgi_notice *notice) {
    static const int levels[] = { SWGI_LOG_INFO, SWGI_LOG_WARNING, SWGI_LOG_ERROR };
    struct swgi_log_fields fields = { .context = "alerts",
                                      .circuit = notice->circuit,
                                      .state = notice->state };
    int level = notice->firing ? levels[notice->severity] : SWGI_LOG_INFO;

    (void)receiver;
    swgi_log(level, &fields, "[ALERT][%s] %s: %s", swgi_severity_word(notice->severity),
             notice->firing ? notice->name : "ended", notice->summary);
}

void swgi_send_notice(struct swgi_send *send, const struct swgi_file_alert *rule,
                      struct swgi_notice *notice) {
    swg_ns now = swg_now();

    for (struct swgi_receiver *receiver = send->receivers; receiver != NULL;
         receiver = receiver->next) {
        bool is_wanted = swgi_receiver_wants(receiver, rule, notice);

        if (is_wanted || !notice->firing)
            swgi_receiver_follow(receiver, notice, now);
        if (is_wanted && receiver->says.kind == SWGI_RECEIVER_LOG)
            write_down(receiver, notice);
        else if (is_wanted)
            send->counts.dropped += swgi_receiver_put(receiver, notice, now);
    }
    /* Not now: what happens in one turn of the loop goes together. */
    if (!send->stopping)
        uv_timer_start(&send->pace, on_pace, 0, 0);
}

void swgi_send_recall(struct swgi_send *send, const struct swgi_file_alert *rule,
                      struct swgi_notice *notice) {
    swg_ns now = swg_now();

    for (struct swgi_receiver *receiver = send->receivers; receiver != NULL;
         receiver = receiver->next)
        if (swgi_receiver_wants(receiver, rule, notice))
            swgi_receiver_recall(receiver, notice, now);
    if (!send->stopping)
        uv_timer_start(&send->pace, on_pace, 0, 0);
}

void swgi_send_counts(const struct swgi_send *send, struct swgi_alerts_counts *out) {
    *out = send->counts;
    out->queued = 0;
    for (const struct swgi_receiver *receiver = send->receivers; receiver != NULL;
         receiver = receiver->next)
        out->queued += receiver->waiting_count + (receiver->is_repost ? 0 : receiver->batch_count);
}
