/* The engine, and where its news go: to the agent, which writes them down, and to receivers. */
#include "agent/alerts.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/alerts_send.h"
#include "base/clock.h"
#include "base/error.h"

struct swgi_alerts {
    struct swgi_file *file;
    struct swgi_pairs *pairs;
    struct swgi_send *send;
    swgi_alert_fn *fn;
    void *arg;
    const struct swgi_measure **measures;
    size_t room;
};

static struct swgi_alert_clock clock_now(void) {
    return (struct swgi_alert_clock){ .now = swg_now(), .wall_ms = swgi_clock_wall_ms() };
}

static const struct swgi_file_circuit *entry_of(const struct swgi_alerts *alerts,
                                                const struct swgi_pair *pair,
                                                const struct swgi_measure *measure) {
    if (measure != NULL)
        return measure->entry;
    return pair->circuit[0] != '\0' ? swgi_file_circuit(alerts->file, pair->circuit) : NULL;
}

static void describe(const struct swgi_alerts *alerts, const struct swgi_file_alert *rule,
                     const struct swgi_pair *pair, const struct swgi_measure *measure,
                     struct swgi_alert_state *out) {
    const struct swgi_file_circuit *entry = entry_of(alerts, pair, measure);

    *out = (struct swgi_alert_state){
        .name = rule->name,
        .circuit = pair->circuit,
        .severity = rule->severity,
        .firing = pair->firing,
        .since_wall_ms = pair->since_wall_ms,
        .value = pair->value,
        .inhibited_by = pair->inhibited_by,
        .runbook = rule->runbook[0] == '\0' && entry != NULL ? entry->runbook : rule->runbook,
        .summary = pair->summary,
    };
}

static void pass_on(struct swgi_alerts *alerts, const struct swgi_file_alert *rule,
                    const struct swgi_pair *pair, const struct swgi_measure *measure,
                    enum swgi_pair_news news) {
    const struct swgi_memo *memo = swgi_memo_of(alerts->pairs->memos, pair->circuit);
    struct swgi_notice *notice = swgi_notice_new(
        rule, pair, measure, entry_of(alerts, pair, measure), memo, news, swgi_clock_wall_ms());

    if (notice == NULL)
        alerts->pairs->dropped++;
    else if (news == SWGI_PAIR_RECALLED)
        swgi_send_recall(alerts->send, rule, notice);
    else
        swgi_send_notice(alerts->send, rule, notice);
    swgi_notice_unref(notice);
}

static void on_news(void *arg, const struct swgi_file_alert *rule, const struct swgi_pair *pair,
                    const struct swgi_measure *measure, enum swgi_pair_news news) {
    struct swgi_alerts *alerts = arg;
    struct swgi_alert_state state;

    describe(alerts, rule, pair, measure, &state);
    if (news != SWGI_PAIR_RELEASED && news != SWGI_PAIR_RECALLED && alerts->fn != NULL)
        alerts->fn(alerts->arg, &state, news != SWGI_PAIR_ENDED);
    if (pair->told)
        pass_on(alerts, rule, pair, measure, news);
}

/* ---- life */

int swgi_alerts_new(struct swgi_alerts **out, uv_loop_t *loop, struct swgi_file *file,
                    swgi_alert_fn *fn, void *arg, struct swg_error *error) {
    struct swgi_alerts *alerts = calloc(1, sizeof(*alerts));
    int rc = -ENOMEM;

    if (alerts != NULL)
        alerts->pairs = swgi_pairs_new(file, on_news, alerts);
    if (alerts != NULL && alerts->pairs != NULL)
        rc = swgi_send_new(&alerts->send, loop, file, error);
    else
        swgi_fail(error, rc, "alerts", "out of memory");
    if (rc != 0) {
        swgi_alerts_unref(alerts);
        return rc;
    }
    alerts->file = swgi_file_ref(file);
    alerts->fn = fn;
    alerts->arg = arg;
    *out = alerts;
    return 0;
}

int swgi_alerts_check(const struct swgi_file *file, struct swg_error *error) {
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < file->receivers_count; i++) {
        struct swgi_receiver *receiver = NULL;

        rc = swgi_receiver_new(&receiver, &file->receivers[i], file->agent.listen, error);
        swgi_receiver_free(receiver);
    }
    return rc;
}

int swgi_alerts_reload(struct swgi_alerts *alerts, struct swgi_file *file,
                       struct swg_error *error) {
    int rc = swgi_send_reload(alerts->send, file, error);

    if (rc != 0)
        return rc;
    swgi_pairs_reload(alerts->pairs, file, clock_now());
    swgi_file_ref(file);
    swgi_file_unref(alerts->file);
    alerts->file = file;
    return 0;
}

bool swgi_alerts_is_idle(const struct swgi_alerts *alerts) {
    return swgi_send_is_idle(alerts->send);
}

void swgi_alerts_stop(struct swgi_alerts *alerts) {
    swgi_send_stop(alerts->send);
}

struct swgi_alerts *swgi_alerts_unref(struct swgi_alerts *alerts) {
    if (alerts == NULL)
        return NULL;
    swgi_send_free(alerts->send);
    swgi_pairs_free(alerts->pairs);
    if (alerts->file != NULL)
        swgi_file_unref(alerts->file);
    free(alerts->measures);
    free(alerts);
    return NULL;
}

/* ---- what happens */

void swgi_alerts_event(struct swgi_alerts *alerts, const struct swg_event *event) {
    swgi_pairs_event(alerts->pairs, event);
}

static bool gather(struct swgi_alerts *alerts, const struct swgi_measures *measures, size_t count) {
    const struct swgi_measure **more;

    if (count > alerts->room) {
        more = realloc(alerts->measures, count * sizeof(*more));
        if (more == NULL)
            return false;
        alerts->measures = more;
        alerts->room = count;
    }
    for (size_t i = 0; i < count; i++)
        alerts->measures[i] = swgi_measures_at(measures, i);
    return true;
}

void swgi_alerts_tick(struct swgi_alerts *alerts, const struct swgi_measures *measures) {
    size_t count = swgi_measures_count(measures);

    if (gather(alerts, measures, count))
        swgi_pairs_tick(alerts->pairs, alerts->measures, count, clock_now());
}

void swgi_alerts_agent(struct swgi_alerts *alerts, int when, double value, const char *text) {
    swgi_pairs_agent(alerts->pairs, when, value, text, clock_now());
}

bool swgi_alerts_restore(struct swgi_alerts *alerts, const char *name, const char *circuit,
                         int64_t since_wall_ms) {
    return swgi_pairs_restore(alerts->pairs, name, circuit, since_wall_ms, clock_now());
}

/* ---- what is known */

size_t swgi_alerts_count(const struct swgi_alerts *alerts) {
    return alerts->pairs->count;
}

void swgi_alerts_at(const struct swgi_alerts *alerts, size_t index, struct swgi_alert_state *out) {
    const struct swgi_pair *pair = alerts->pairs->at[index];

    describe(alerts, &alerts->file->alerts[pair->rule], pair, NULL, out);
}

void swgi_alerts_counts(const struct swgi_alerts *alerts, struct swgi_alerts_counts *out) {
    swgi_send_counts(alerts->send, out);
    out->firing = alerts->pairs->firing;
    out->dropped += alerts->pairs->dropped;
}
