/* From queues to receivers. The HTTP adapter asks the circuit, judges the answer and repeats; here is decided what is worth it. */
#include "agent/alerts_send.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/alerts_text.h"
#include "agent/alerts_wires.h"
#include "agent/log.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "base/text.h"
#include "switchgear/http.h"

#define SECOND        INT64_C(1000000000)
#define SETBACK_FIRST (15 * SECOND)
#define SETBACK_MAX   (300 * SECOND)
#define PAUSE_MAX     (3600 * SECOND)
#define RECEIVERS_MAX 64u
#define RECEIVED_MAX  65536u /* of an answer, and again of its headers */

struct swgi_send {
    struct swgi_wires wires;
    uv_timer_t pace; /* when the next receiver is due */
    struct swg_panel *panel;
    struct swg_http_client *client;
    struct swg_config *config; /* of their circuits */
    struct swgi_receiver *receivers;
    struct swgi_alerts_counts counts;
    struct swgi_random random;
    bool stopping;
};

/* Two or three attempts are part of one delivery; after five failures in a row the receiver is left alone for longer and longer. */
static const char *const settings[][2] = {
    { "breaker.trip", "none" },
    { "breaker.trip.0.consecutive", "5" },
    { "breaker.min_state_transition_interval", "0" },
    { "breaker.open.for", "10s" },
    { "breaker.open.multiplier", "2" },
    { "breaker.open.max", "5m" },
    { "breaker.open.retry_after_max", "1h" },
    { "breaker.half_open.success_threshold", "1" },
    { "breaker.histogram", "no" },
    { "retry.attempts", "3" },
    { "retry.backoff", "exponential" },
    { "retry.jitter", "equal" }, /* never less than half of it: Slack wants a second */
    { "retry.delay", "2s" },
    { "retry.max_delay", "30s" },
    { "retry.retry_after_max", "1m" },
    { "retry.budget.percent", "off" },
};

static void tell(const struct swgi_receiver *receiver, int level, const char *what,
                 const char *detail) {
    struct swgi_log_fields fields = { .context = "alerts" };

    swgi_log(level, &fields, "[ALERTS] receiver %s: %s%s%s", receiver->says.name, what,
             detail[0] != '\0' ? ": " : "", detail);
}

/* ---- bytes from receivers, who may be anybody */

/* More than that of an answer is not listened to: the transfer ends, and its status counts. */
static bool is_too_much(struct swgi_receiver *receiver, size_t length) {
    receiver->received += length;
    return receiver->received > RECEIVED_MAX;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg) {
    struct swgi_receiver *receiver = arg;
    size_t length = size * count, room = SWGI_SAID_MAX - 1 - receiver->answer_length;

    if (is_too_much(receiver, length))
        return 0;
    if (room > length)
        room = length;
    memcpy(receiver->answer + receiver->answer_length, bytes, room);
    receiver->answer_length += room;
    return length;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *arg) {
    (void)bytes;
    return is_too_much(arg, size * count) ? 0 : size * count;
}

static void forget_answer(void *arg) {
    struct swgi_receiver *receiver = arg;

    receiver->answer_length = receiver->received = 0;
    memset(receiver->answer, 0, sizeof(receiver->answer));
}

/* What it answered, fit for a log. */
static const char *answer_of(const struct swgi_receiver *receiver, char *out, size_t size) {
    return swgi_redact(receiver->answer, out, size);
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
             answer_of(receiver, answer, sizeof(answer)));
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
    char detail[64];

    snprintf(detail, sizeof(detail), "%s, status %d", result->kind, result->status);
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

static void equip(struct swgi_receiver *receiver) {
    const char *proxy = getenv("SWITCHGEAR_PROXY");
    CURL *easy = receiver->easy;

    curl_easy_setopt(easy, CURLOPT_URL, receiver->url);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, receiver->body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(receiver->body));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, receiver);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, receiver);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, receiver);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "switchgear/" SWGI_VERSION);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_PROXY,
                     proxy != NULL ? proxy : "");   /* not the environment's own */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* never wait for a resolver's thread */
}

static bool add_header(struct swgi_receiver *receiver, const char *header) {
    struct curl_slist *list = curl_slist_append(receiver->headers, header);

    if (list != NULL)
        receiver->headers = list;
    return list != NULL;
}

/* The routing key goes into PagerDuty's body; everybody else's secret is a bearer token. */
static bool make_headers(struct swgi_receiver *receiver) {
    char bearer[SWGI_SECRET_MAX + 32];

    if (receiver->headers != NULL)
        return true;
    snprintf(bearer, sizeof(bearer), "Authorization: Bearer %s", receiver->secret);
    return add_header(receiver, "Content-Type: application/json") &&
           add_header(receiver, "Expect:") &&
           (receiver->secret[0] == '\0' || receiver->says.kind == SWGI_RECEIVER_PAGERDUTY ||
            add_header(receiver, bearer));
}

static bool prepare(struct swgi_receiver *receiver) {
    if (receiver->easy == NULL)
        receiver->easy = curl_easy_init();
    receiver->body = swgi_receiver_body(receiver, swgi_clock_wall_ms());
    if (receiver->easy == NULL || receiver->body == NULL || !make_headers(receiver))
        return false;
    forget_answer(receiver);
    equip(receiver);
    return true;
}

static void launch(struct swgi_send *send, struct swgi_receiver *receiver) {
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    struct swg_http_result result = SWG_HTTP_RESULT_INIT;
    int rc = -ENOMEM;

    call.circuit = receiver->circuit;
    call.headers = receiver->headers;
    call.timeout = receiver->says.timeout > 0 ? receiver->says.timeout : 10 * SECOND;
    call.repeat = SWG_HTTP_REPEATABLE; /* told twice is better than not at all */
    call.restart = forget_answer;
    call.restart_arg = receiver;
    if (prepare(receiver)) {
        call.headers = receiver->headers;
        rc = swg_http_start(send->client, send->wires.multi, receiver->easy, &call, &result);
    }
    receiver->busy = rc == SWG_GO;
    if (rc != SWG_GO)
        finish(send, receiver, rc, &result);
}

/* ---- whose turn it is */

static void arm(struct swgi_send *send);

static void on_pace(uv_timer_t *timer) {
    struct swgi_send *send = timer->data;
    struct swg_http_result result = SWG_HTTP_RESULT_INIT;
    struct swgi_receiver *receiver;
    CURL *easy = NULL;
    int rc;

    while ((rc = swg_http_poll(send->client, send->wires.multi, &easy, &result)) != 0) {
        if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &receiver) == CURLE_OK)
            finish(send, receiver, rc, &result);
    }
    arm(send);
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

static void arm(struct swgi_send *send) {
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

static void on_wires(void *arg) {
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
    arm(send);
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

void swgi_send_counts(const struct swgi_send *send, struct swgi_alerts_counts *out) {
    *out = send->counts;
    out->queued = 0;
    for (const struct swgi_receiver *receiver = send->receivers; receiver != NULL;
         receiver = receiver->next)
        out->queued += receiver->waiting_count + (receiver->is_repost ? 0 : receiver->batch_count);
}

/* ---- receivers of a file */

static struct swgi_receiver *free_all(struct swgi_receiver *receiver) {
    while (receiver != NULL) {
        struct swgi_receiver *next = receiver->next;

        swgi_receiver_free(receiver);
        receiver = next;
    }
    return NULL;
}

static int find_circuit(struct swgi_send *send, struct swgi_receiver *receiver,
                        struct swg_error *error) {
    char name[SWGI_FILE_WORD_MAX] = "receiver/";

    for (size_t i = strlen(name), at = 0; i + 1 < sizeof(name) && receiver->says.name[at] != '\0';
         i++, at++) {
        char byte = receiver->says.name[at], word[2] = { byte, '\0' };

        name[i] = swgi_name_valid(word) ? byte : '_';
        name[i + 1] = '\0';
    }
    return swg_circuit_get(send->panel, name, send->config, &receiver->circuit, error);
}

static int read_all(struct swgi_send *send, const struct swgi_file *file,
                    struct swgi_receiver **out, struct swg_error *error) {
    struct swgi_receiver *first = NULL, **last = &first;
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < file->receivers_count; i++) {
        rc = swgi_receiver_new(last, &file->receivers[i], file->agent.listen, error);
        if (rc == 0)
            rc = find_circuit(send, *last, error);
        if (*last != NULL)
            last = &(*last)->next;
    }
    if (rc != 0)
        free_all(first);
    else
        *out = first;
    return rc;
}

static void cancel(struct swgi_send *send, struct swgi_receiver *receiver) {
    if (receiver->busy)
        swg_http_cancel(send->client, receiver->easy);
    receiver->busy = false;
}

static void inherit(struct swgi_send *send, struct swgi_receiver *receiver) {
    for (struct swgi_receiver *old = send->receivers; old != NULL; old = old->next) {
        if (old->says.kind != receiver->says.kind ||
            strcmp(old->says.name, receiver->says.name) != 0)
            continue;
        swgi_receiver_inherit(receiver, old);
        return;
    }
}

int swgi_send_reload(struct swgi_send *send, const struct swgi_file *file,
                     struct swg_error *error) {
    struct swgi_receiver *receivers = NULL;
    int rc = read_all(send, file, &receivers, error);

    if (rc != 0)
        return rc;
    for (struct swgi_receiver *old = send->receivers; old != NULL; old = old->next)
        cancel(send, old);
    for (struct swgi_receiver *receiver = receivers; receiver != NULL; receiver = receiver->next)
        inherit(send, receiver);
    for (struct swgi_receiver *old = send->receivers; old != NULL; old = old->next)
        send->counts.dropped += old->waiting_count + (old->is_repost ? 0 : old->batch_count);
    free_all(send->receivers);
    send->receivers = receivers;
    arm(send);
    return 0;
}

/* ---- life */

static int open_panel(struct swgi_send *send, struct swg_error *error) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    int rc;

    options.circuits_max = options.policies_max = RECEIVERS_MAX;
    options.columns_max = 1;
    options.histograms_max = SWG_GEOMETRY_NONE;
    options.events_max = 64;
    options.beyond = SWG_BEYOND_ERROR;
    rc = swg_panel_open(&send->panel, &options, error);
    if (rc == 0)
        rc = swg_config_new(&send->config);
    for (size_t i = 0; rc == 0 && i < sizeof(settings) / sizeof(*settings); i++)
        rc = swg_config_set(send->config, settings[i][0], settings[i][1], error);
    return rc != 0 ? rc : swg_http_client_new(&send->client, send->panel, NULL, error);
}

int swgi_send_new(struct swgi_send **out, uv_loop_t *loop, const struct swgi_file *file,
                  struct swg_error *error) {
    struct swgi_send *send = calloc(1, sizeof(*send));
    int rc;

    if (send == NULL)
        return swgi_fail(error, -ENOMEM, "alerts", "out of memory");
    swgi_random_init(&send->random, swgi_random_seed());
    rc = open_panel(send, error);
    if (rc == 0)
        rc = read_all(send, file, &send->receivers, error);
    if (rc == 0 && swgi_wires_init(&send->wires, loop, on_wires, send) != 0)
        rc = swgi_fail(error, -ENOMEM, "alerts", "libcurl would not start");
    if (rc != 0) {
        swgi_send_free(send);
        return rc;
    }
    uv_timer_init(loop, &send->pace);
    send->pace.data = send;
    send->wires.handles++;
    *out = send;
    return 0;
}

static void on_pace_closed(uv_handle_t *handle) {
    struct swgi_send *send = handle->data;

    send->wires.handles--;
}

void swgi_send_stop(struct swgi_send *send) {
    if (send->stopping)
        return;
    send->stopping = true;
    for (struct swgi_receiver *receiver = send->receivers; receiver != NULL;
         receiver = receiver->next)
        cancel(send, receiver);
    swgi_wires_stop(&send->wires);
    uv_close((uv_handle_t *)&send->pace, on_pace_closed);
}

struct swgi_send *swgi_send_free(struct swgi_send *send) {
    if (send == NULL)
        return NULL;
    assert(send->wires.handles == 0);
    free_all(send->receivers);
    swg_http_client_unref(send->client);
    swg_config_unref(send->config);
    swg_panel_unref(send->panel);
    free(send);
    return NULL;
}
