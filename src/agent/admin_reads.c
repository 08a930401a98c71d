/* What can be looked at: circuits with all that is known of them, why they are so, alerts, and who asks. */
#include "agent/admin.h"

#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "base/clock.h"
#include "base/hash.h"
#include "report/json.h"

static void put(json_t *object, const char *key, json_t *value) {
    json_object_set_new_nocheck(object, key, value);
}

static json_t *text_or_null(const char *text) {
    return text && text[0] ? swgi_json_text(text) : json_null();
}

/* A share or a time that is not known is -1. */
static json_t *real_or_null(double value) {
    return value >= 0 ? json_real(value) : json_null();
}

static json_t *measures_of(const struct swgi_measure *measure) {
    json_t *object = json_object();

    put(object, "calls_per_s", json_real(measure->calls_per_s));
    put(object, "failures_per_s", json_real(measure->failures_per_s));
    put(object, "rejected_per_s", json_real(measure->rejected_per_s));
    put(object, "failure_rate_1m", real_or_null(measure->failure_rate_1m));
    put(object, "latency_mean_1m_s", real_or_null(measure->latency_mean_1m));
    put(object, "transitions_10m", json_integer(measure->transitions_10m));
    put(object, "failure_trend", json_real(measure->failure_trend));
    put(object, "anomaly", json_real(measure->anomaly));
    put(object, "near", json_real(measure->near));
    put(object, "last_recovery_s", swgi_json_seconds(measure->last_recovery));
    put(object, "slo_budget_left",
        measure->slo_burn_rate >= 0 ? json_real(measure->slo_budget_left) : json_null());
    put(object, "slo_burn_rate", real_or_null(measure->slo_burn_rate));
    return object;
}

json_t *swgi_json_circuit(struct swgi_agent *agent, const struct swg_status *status, swg_ns now) {
    const struct swgi_file_circuit *entry = swgi_file_circuit(agent->file, status->name);
    const struct swgi_measure *measure = swgi_measures_find(agent->measures, status->name);
    json_t *object = swgi_json_status(status, now);

    swgi_json_put_entry(object, entry);
    put(object, "measures", measure ? measures_of(measure) : json_null());
    return object;
}

static int by_name(const void *a, const void *b) {
    struct swg_circuit *const *left = a, *const *right = b;

    return strcmp(swg_circuit_name(*left), swg_circuit_name(*right));
}

/* The panel's own circuit, for those that find no place, is news only when somebody found none. */
static bool is_idle_beyond(const struct swg_circuit *circuit) {
    struct swg_status status = SWG_STATUS_INIT;

    return strcmp(swg_circuit_name(circuit), "_beyond") == 0 &&
           swg_circuit_status(circuit, &status) == 0 && status.calls == 0 &&
           status.state == SWG_STATE_CLOSED && status.mode == SWG_MODE_NORMAL;
}

struct swg_circuit **swgi_admin_circuits(struct swgi_agent *agent, size_t *count) {
    struct swg_circuit **list = NULL, *circuit;
    size_t room = 0;

    *count = 0;
    for (uint32_t cursor = 0; swg_panel_next_circuit(agent->panel, &cursor, &circuit) == 0;) {
        if (*count == room) {
            struct swg_circuit **more = reallocarray(list, room ? 2 * room : 64, sizeof(list[0]));

            if (!more)
                break;
            list = more;
            room = room ? 2 * room : 64;
        }
        if (!is_idle_beyond(circuit))
            list[(*count)++] = circuit;
    }
    if (*count > 1)
        qsort(list, *count, sizeof(list[0]), by_name);
    return list;
}

/*
 * Two answers of the same tag differ in ages alone, which a client can count on by itself: hence a weak one. It covers the
 * statuses, the second's measures and the file.
 */
static void tag_statuses(struct swgi_agent *agent, const struct swg_status *statuses, size_t count,
                         char etag[40]) {
    uint64_t seed = agent->reloads ^ (uint64_t)agent->started_wall_ms;
    uint64_t hash = swgi_hash(statuses, count * sizeof(statuses[0]), seed);

    for (size_t i = 0; i < count; i++) {
        const struct swgi_measure *measure = swgi_measures_find(agent->measures, statuses[i].name);

        if (measure)
            hash = swgi_hash(&measure->calls_per_s,
                             offsetof(struct swgi_measure, in_state) -
                                 offsetof(struct swgi_measure, calls_per_s),
                             hash);
    }
    snprintf(etag, 40, "W/\"%016llx\"", (unsigned long long)hash);
}

/* Those that went meanwhile are left out. */
static size_t read_statuses(struct swg_circuit *const *circuits, size_t count,
                            struct swg_status *out) {
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        memset(&out[used], 0, sizeof(out[used]));
        out[used].size = sizeof(out[used]);
        used += swg_circuit_status(circuits[i], &out[used]) == 0;
    }
    return used;
}

/* One circuit after the other: a thousand of them at once would be a hundred thousand values. */
static char *circuits_text(struct swgi_agent *agent, const struct swg_status *statuses,
                           size_t count, size_t *size) {
    struct swgi_bytes bytes = { 0 };
    swg_ns now = swg_panel_now(agent->panel);
    char head[64];
    int length = snprintf(head, sizeof(head), "{\"now_unix_ms\":%lld,\"circuits\":[",
                          (long long)swgi_clock_wall_ms());

    swgi_bytes_add(&bytes, head, (size_t)length);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            swgi_bytes_add(&bytes, ",", 1);
        swgi_bytes_add_json(&bytes, swgi_json_circuit(agent, &statuses[i], now));
    }
    swgi_bytes_add(&bytes, "]}", 2);
    return swgi_bytes_end(&bytes, size);
}

void swgi_admin_circuits_get(struct swgi_agent *agent, struct swgi_request *request,
                             struct swgi_answer *answer) {
    size_t count;
    struct swg_circuit **circuits = swgi_admin_circuits(agent, &count);
    struct swg_status *statuses = calloc(count + 1, sizeof(*statuses));
    char etag[40], *text;
    size_t size;

    if (!statuses) {
        swgi_answer_problem(answer, request, SWGI_PROBLEM_INTERNAL, "no memory");
    } else {
        count = read_statuses(circuits, count, statuses);
        tag_statuses(agent, statuses, count, etag);
        if (!swgi_answer_unchanged(answer, request, etag)) {
            text = circuits_text(agent, statuses, count, &size);
            swgi_answer_bytes(answer, 200, "application/json", text, size);
        }
    }
    free(statuses);
    free(circuits);
}

void swgi_admin_circuit_get(struct swgi_agent *agent, struct swgi_request *request,
                            struct swgi_answer *answer) {
    struct swg_circuit *circuit = swgi_admin_circuit(agent, request, answer);
    struct swg_status status;
    char etag[40];

    if (!circuit)
        return;
    if (read_statuses(&circuit, 1, &status) == 0) {
        swgi_answer_problem(answer, request, SWGI_PROBLEM_UNKNOWN_CIRCUIT,
                            "the circuit was evicted just now");
        return;
    }
    tag_statuses(agent, &status, 1, etag);
    if (!swgi_answer_unchanged(answer, request, etag))
        swgi_answer_json(answer, 200,
                         swgi_json_circuit(agent, &status, swg_panel_now(agent->panel)));
}

void swgi_admin_why(struct swgi_agent *agent, struct swgi_request *request,
                    struct swgi_answer *answer) {
    struct swg_circuit *circuit = swgi_admin_circuit(agent, request, answer);
    const struct swgi_file_circuit *entry;
    struct swg_why why = SWG_WHY_INIT;
    json_t *object;

    if (!circuit)
        return;
    if (swg_circuit_why(circuit, &why) != 0) {
        swgi_answer_problem(answer, request, SWGI_PROBLEM_UNKNOWN_CIRCUIT,
                            "the circuit was evicted just now");
        return;
    }
    entry = swgi_file_circuit(agent->file, request->name);
    object = swgi_json_why(&why, swg_panel_now(agent->panel));
    swgi_json_put_entry(object, entry);
    swgi_answer_json(answer, 200, object);
}

void swgi_admin_whoami(struct swgi_agent *agent, struct swgi_request *request,
                       struct swgi_answer *answer) {
    json_t *object = json_object();

    (void)agent;
    put(object, "user", text_or_null(request->user));
    put(object, "role", json_string(swgi_role_name(request->role)));
    put(object, "source", json_string(request->source));
    swgi_answer_json(answer, 200, object);
}

static const char *severity_name(int severity) {
    return severity == SWGI_SEVERITY_CRITICAL  ? "critical"
           : severity == SWGI_SEVERITY_WARNING ? "warning"
                                               : "info";
}

static json_t *alert_json(const struct swgi_alert_state *alert) {
    json_t *object = json_object();

    put(object, "name", swgi_json_text(alert->name));
    put(object, "circuit", text_or_null(alert->circuit));
    put(object, "severity", json_string(severity_name(alert->severity)));
    put(object, "firing", json_boolean(alert->firing));
    put(object, "since_unix_ms", json_integer(alert->since_wall_ms));
    put(object, "value", json_real(alert->value));
    put(object, "inhibited_by", text_or_null(alert->inhibited_by));
    put(object, "runbook", text_or_null(alert->runbook));
    put(object, "summary", text_or_null(alert->summary));
    return object;
}

void swgi_admin_alerts(struct swgi_agent *agent, struct swgi_request *request,
                       struct swgi_answer *answer) {
    json_t *object = json_object(), *array = json_array();
    struct swgi_alert_state alert;

    (void)request;
    for (size_t i = 0; i < swgi_alerts_count(agent->alerts); i++) {
        swgi_alerts_at(agent->alerts, i, &alert);
        json_array_append_new(array, alert_json(&alert));
    }
    put(object, "alerts", array);
    swgi_answer_json(answer, 200, object);
}
