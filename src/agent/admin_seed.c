/*
 * The shapes of an older interface that dashboards and scripts rely on, kept field for field: camelCase, uptime in ms here and in s
 * there, an average that is a string. What the panel cannot tell is null.
 */
#include "agent/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/agent.h"
#include "base/clock.h"
#include "report/json.h"

#define UNGROUPED "default"

static void put(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

static json_t *timestamp(void) {
    int64_t wall_ms = swgi_clock_wall_ms();
    time_t seconds = (time_t)(wall_ms / 1000);
    char text[32], whole[48];
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(whole, sizeof(whole), "%s.%03dZ", text, (int)(wall_ms % 1000));
    return json_string(whole);
}

/* An instant of the panel as ms since 1970; null for never. */
static json_t *wall_or_null(const struct swgi_agent *agent, swg_ns at) {
    swg_ns age = swg_panel_now(agent->panel) - at;

    return at == 0 ? json_null() : json_integer(swgi_clock_wall_ms() - age / 1000000);
}

static uint64_t failures_of(const struct swg_status *status) {
    return status->failures + status->timeouts;
}

static uint64_t requests_of(const struct swg_status *status) {
    return status->successes + failures_of(status);
}

/* Over its window; 0 without a call in it. */
static double rate_of(const struct swg_status *status) {
    return status->failure_rate > 0 ? status->failure_rate : 0;
}

/* A whole number as one: 0 and not 0.0, as JavaScript writes it. */
static json_t *number(double value) {
    return value > 0 && value < 1 ? json_real(value) : json_integer((json_int_t)value);
}

/* Counters count from when the panel was made. */
static int64_t uptime_ms(const struct swgi_agent *agent) {
    int64_t age = swgi_clock_wall_ms() - agent->panel_created_ms;

    return age > 0 ? age : 0;
}

/* How many failed in a row: what the rule counts while it judges, what it tripped at while it is open. */
static json_t *failures_in_a_row(struct swg_circuit *circuit, const struct swg_status *status) {
    struct swg_why why = SWG_WHY_INIT;

    if (status->state != SWG_STATE_CLOSED && status->rule == SWG_RULE_CONSECUTIVE &&
        swg_circuit_why(circuit, &why) == 0 && why.evidence == 1)
        return json_integer((json_int_t)why.trip.value);
    if (status->state == SWG_STATE_CLOSED && status->last_success > status->last_failure)
        return json_integer(0);
    if (status->state == SWG_STATE_CLOSED && status->last_failure == 0)
        return json_integer(0);
    for (uint32_t i = 0; swg_circuit_why(circuit, &why) == 0 && i < why.rules_count; i++) {
        if (why.rules[i].rule == SWG_RULE_CONSECUTIVE)
            return json_integer((json_int_t)why.rules[i].value);
    }
    return json_null();
}

/* Probes that went well; before the first failure, all of them; otherwise nobody counted. */
static json_t *successes_in_a_row(const struct swg_status *status) {
    if (status->state == SWG_STATE_HALF_OPEN && status->ramp_percent == 0)
        return json_integer(status->probe_successes);
    if (status->last_failure == 0)
        return json_integer((json_int_t)status->successes);
    return status->last_failure >= status->last_success ? json_integer(0) : json_null();
}

json_t *swgi_json_seed_circuit(struct swgi_agent *agent, struct swg_circuit *circuit,
                               const struct swg_status *status) {
    json_t *object = json_object();
    bool is_open = status->state != SWG_STATE_CLOSED;

    put(object, "state", json_string(swg_state_name(status->state)));
    put(object, "failures", json_integer((json_int_t)failures_of(status)));
    put(object, "successes", json_integer((json_int_t)status->successes));
    put(object, "consecutiveFailures", failures_in_a_row(circuit, status));
    put(object, "consecutiveSuccesses", successes_in_a_row(status));
    put(object, "lastFailureTime", wall_or_null(agent, status->last_failure));
    put(object, "lastSuccessTime", wall_or_null(agent, status->last_success));
    put(object, "openedAt", is_open ? wall_or_null(agent, status->last_trip) : json_null());
    put(object, "totalRequests", json_integer((json_int_t)requests_of(status)));
    put(object, "circuitOpens", json_integer((json_int_t)status->trips));
    put(object, "failureRate", number(rate_of(status)));
    put(object, "uptime", json_integer(uptime_ms(agent) / 1000));
    return object;
}

/* What the older interface did not have, beside its fields. */
static json_t *percentiles(const struct swg_status *status) {
    const struct swg_latency *latency = &status->latency;
    json_t *object;

    if (!status->has_latency || latency->count == 0)
        return json_null();
    object = json_object();
    put(object, "p50", json_real((double)latency->p50 / 1e6));
    put(object, "p90", json_real((double)latency->p90 / 1e6));
    put(object, "p99", json_real((double)latency->p99 / 1e6));
    return object;
}

static const char *alias_of(const struct swgi_agent *agent, const char *name) {
    const struct swgi_file_circuit *entry = swgi_file_circuit(agent->file, name);

    return entry && !entry->is_pattern && entry->alias[0] ? entry->alias : name;
}

static const char *group_of(const struct swgi_agent *agent, const char *name) {
    const struct swgi_file_circuit *entry = swgi_file_circuit(agent->file, name);

    return entry && entry->group[0] ? entry->group : UNGROUPED;
}

struct totals {
    uint64_t failures, successes, requests;
};

static json_t *summary(const struct totals *totals, json_t *open) {
    json_t *object = json_object();
    char rate[32];

    snprintf(rate, sizeof(rate), "%.4f",
             totals->requests ? (double)totals->failures / (double)totals->requests : 0.0);
    put(object, "totalFailures", json_integer((json_int_t)totals->failures));
    put(object, "totalSuccesses", json_integer((json_int_t)totals->successes));
    put(object, "totalRequests", json_integer((json_int_t)totals->requests));
    put(object, "openCircuits", open);
    put(object, "averageFailureRate", json_string(rate));
    return object;
}

void swgi_admin_seed_metrics(struct swgi_agent *agent, struct swgi_request *request,
                             struct swgi_answer *answer) {
    size_t count;
    struct swg_circuit **list = swgi_admin_circuits(agent, &count);
    json_t *object = json_object(), *circuits = json_object(), *open = json_array();
    struct totals totals = { 0 };

    (void)request;
    for (size_t i = 0; i < count; i++) {
        struct swg_status status = SWG_STATUS_INIT;
        const char *alias = alias_of(agent, swg_circuit_name(list[i]));
        json_t *one;

        if (swg_circuit_status(list[i], &status) != 0)
            continue;
        one = swgi_json_seed_circuit(agent, list[i], &status);
        put(one, "latencyMs", percentiles(&status));
        put(circuits, alias, one);
        totals.failures += failures_of(&status);
        totals.successes += status.successes;
        totals.requests += requests_of(&status);
        if (status.state == SWG_STATE_OPEN)
            json_array_append_new(open, json_string(alias));
    }
    free(list);
    put(object, "timestamp", timestamp());
    put(object, "circuits", circuits);
    put(object, "summary", summary(&totals, open));
    swgi_answer_json(answer, 200, object);
}

static json_t *health_of(const struct swgi_agent *agent, const struct swg_status *status) {
    json_t *object = json_object();

    put(object, "state", json_string(swg_state_name(status->state)));
    put(object, "failures", json_integer((json_int_t)failures_of(status)));
    put(object, "failureRate", number(rate_of(status)));
    put(object, "uptime", json_integer(uptime_ms(agent)));
    return object;
}

/* A group is well as long as nothing of it is open. */
static void put_health(struct swgi_agent *agent, json_t *groups, const struct swg_status *status) {
    const char *name = group_of(agent, status->name), *alias = alias_of(agent, status->name);
    json_t *group = json_object_get(groups, name);

    if (!group) {
        group = json_object();
        put(group, "status", json_string("healthy"));
        put(group, "circuits", json_object());
        put(groups, name, group);
    }
    put(json_object_get(group, "circuits"), alias, health_of(agent, status));
    if (status->state != SWG_STATE_CLOSED || status->mode == SWG_MODE_FORCED_OPEN)
        put(group, "status", json_string("degraded"));
}

/* What a group is called must not hide what the answer itself says. */
static const char *key_of(const char *group) {
    static const char *const taken[] = { "status", "timestamp", "services" };

    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        if (strcmp(group, taken[i]) == 0)
            return NULL;
    }
    return group;
}

static bool put_groups(json_t *object, json_t *groups) {
    const char *name;
    bool healthy = true;
    json_t *group;

    json_object_foreach(groups, name, group) {
        const char *key = key_of(name);
        char other[160];

        snprintf(other, sizeof(other), "group:%s", name);
        healthy &= strcmp(json_string_value(json_object_get(group, "status")), "healthy") == 0;
        json_object_set(object, key ? key : other, group);
    }
    return healthy;
}

/* `cache` is the group of that name where there is one; `api` is what answers here. */
static json_t *services(const json_t *groups, json_t *states) {
    json_t *object = json_object(), *cache = json_object_get(groups, "cache");

    put(object, "api", json_string("healthy"));
    put(object, "cache",
        cache ? json_incref(json_object_get(cache, "status")) : json_string("healthy"));
    put(object, "circuitBreakers", states);
    return object;
}

void swgi_admin_health(struct swgi_agent *agent, struct swgi_request *request,
                       struct swgi_answer *answer) {
    size_t count;
    struct swg_circuit **list = swgi_admin_circuits(agent, &count);
    json_t *object = json_object(), *groups = json_object(), *states = json_object();
    bool healthy;

    (void)request;
    put(object, "status", json_string("healthy"));
    put(object, "timestamp", timestamp());
    for (size_t i = 0; i < count; i++) {
        struct swg_status status = SWG_STATUS_INIT;

        if (swg_circuit_status(list[i], &status) != 0)
            continue;
        put_health(agent, groups, &status);
        put(states, alias_of(agent, status.name), json_string(swg_state_name(status.state)));
    }
    free(list);
    healthy = put_groups(object, groups);
    if (!healthy)
        put(object, "status", json_string("degraded"));
    put(object, "services", services(groups, states));
    json_decref(groups);
    swgi_answer_json(answer, 200, object);
}
