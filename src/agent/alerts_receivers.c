/* Who is told: the receivers of a file, their circuits, and how all of it begins and ends. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/alerts_send_inside.h"
#include "base/error.h"
#include "base/text.h"

#define RECEIVERS_MAX 64u

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

        name[i] = byte;
        if (!swgi_name_valid(word))
            name[i] = '_';
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
    swgi_send_arm(send);
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
    return rc;
}

/* libcurl and its TLS come to three MiB: they are not for agents that deliver nothing. */
int swgi_send_open(struct swgi_send *send) {
    int rc = 0;

    if (send->client == NULL)
        rc = swg_http_client_new(&send->client, send->panel, NULL, NULL);
    if (rc == 0 && send->wires.multi == NULL)
        rc = swgi_wires_open(&send->wires);
    return rc;
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
    if (rc != 0) {
        swgi_send_free(send);
        return rc;
    }
    swgi_wires_init(&send->wires, loop, swgi_send_on_wires, send);
    uv_timer_init(loop, &send->pace);
    send->pace.data = send;
    send->wires.handles++;
    *out = send;
    return 0;
}

bool swgi_send_is_idle(const struct swgi_send *send) {
    for (const struct swgi_receiver *receiver = send->receivers; receiver != NULL;
         receiver = receiver->next)
        if (receiver->setbacks == 0 &&
            (receiver->busy || receiver->waiting_count + receiver->batch_count > 0))
            return false;
    return true;
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
