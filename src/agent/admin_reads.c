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

static void write_measures(struct swgi_writer *to, const struct swgi_measure *measure) {
    swgi_put_object(to, "measures");
    swgi_put_real(to, "calls_per_s", measure->calls_per_s);
    swgi_put_real(to, "failures_per_s", measure->failures_per_s);
    swgi_put_real(to, "rejected_per_s", measure->rejected_per_s);
    swgi_put_known(to, "failure_rate_1m", measure->failure_rate_1m);
    swgi_put_known(to, "latency_mean_1m_s", measure->latency_mean_1m);
    swgi_put_integer(to, "transitions_10m", measure->transitions_10m);
    swgi_put_real(to, "failure_trend", measure->failure_trend);
    swgi_put_real(to, "anomaly", measure->anomaly);
    swgi_put_real(to, "near", measure->near);
    swgi_put_seconds(to, "last_recovery_s", measure->last_recovery);
    if (measure->slo_burn_rate >= 0)
        swgi_put_real(to, "slo_budget_left", measure->slo_budget_left);
    else
        swgi_put_null(to, "slo_budget_left");
    swgi_put_known(to, "slo_burn_rate", measure->slo_burn_rate);
    swgi_put_object_end(to);
}

void swgi_put_circuit(struct swgi_writer *to, struct swgi_agent *agent,
                      const struct swg_status *status, swg_ns now) {
    const struct swgi_measure *measure = swgi_measures_find(agent->measures, status->name);

    swgi_put_object(to, NULL);
    swgi_put_status(to, status, now);
    swgi_put_entry(to, swgi_file_circuit(agent->file, status->name));
    if (measure)
        write_measures(to, measure);
    else
        swgi_put_null(to, "measures");
    swgi_put_object_end(to);
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

static void write_circuits(struct swgi_writer *to, struct swgi_agent *agent,
                           const struct swg_status *statuses, size_t count) {
    swg_ns now = swg_panel_now(agent->panel);

    swgi_put_object(to, NULL);
    swgi_put_integer(to, "now_unix_ms", swgi_clock_wall_ms());
    swgi_put_array(to, "circuits");
    for (size_t i = 0; i < count; i++)
        swgi_put_circuit(to, agent, &statuses[i], now);
    swgi_put_array_end(to);
    swgi_put_object_end(to);
}

void swgi_admin_circuits_get(struct swgi_agent *agent, struct swgi_request *request,
                             struct swgi_answer *answer) {
    size_t count;
    struct swg_circuit **circuits = swgi_admin_circuits(agent, &count);
    struct swg_status *statuses = calloc(count + 1, sizeof(*statuses));
    struct swgi_writer writer = { 0 };
    char etag[40];

    if (!statuses) {
        swgi_answer_problem(answer, request, SWGI_PROBLEM_INTERNAL, "no memory");
    } else {
        count = read_statuses(circuits, count, statuses);
        tag_statuses(agent, statuses, count, etag);
        if (!swgi_answer_unchanged(answer, request, etag)) {
            write_circuits(&writer, agent, statuses, count);
            swgi_answer_writer(answer, 200, &writer);
        }
    }
    free(statuses);
    free(circuits);
}

void swgi_admin_circuit_get(struct swgi_agent *agent, struct swgi_request *request,
                            struct swgi_answer *answer) {
    struct swg_circuit *circuit = swgi_admin_circuit(agent, request, answer);
    struct swgi_writer writer = { 0 };
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
    if (swgi_answer_unchanged(answer, request, etag))
        return;
    swgi_put_circuit(&writer, agent, &status, swg_panel_now(agent->panel));
    swgi_answer_writer(answer, 200, &writer);
}

void swgi_admin_why(struct swgi_agent *agent, struct swgi_request *request,
                    struct swgi_answer *answer) {
    struct swg_circuit *circuit = swgi_admin_circuit(agent, request, answer);
    struct swg_why why = SWG_WHY_INIT;
    struct swgi_writer writer = { 0 };

    if (!circuit)
        return;
    if (swg_circuit_why(circuit, &why) != 0) {
        swgi_answer_problem(answer, request, SWGI_PROBLEM_UNKNOWN_CIRCUIT,
                            "the circuit was evicted just now");
        return;
    }
    swgi_put_object(&writer, NULL);
    swgi_put_why(&writer, &why, swg_panel_now(agent->panel));
    swgi_put_entry(&writer, swgi_file_circuit(agent->file, request->name));
    swgi_put_object_end(&writer);
    swgi_answer_writer(answer, 200, &writer);
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
