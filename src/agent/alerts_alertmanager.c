/*
 * Alertmanager's API v2, https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml: alerts are known by their labels,
 * stand until endsAt, and are posted again while they fire.
 */
#include <stdio.h>

#include "agent/alerts_body.h"
#include "agent/alerts_text.h"

static void add(json_t *object, const char *key, const char *value) {
    if (value[0] != '\0')
        json_object_set_new(object, key, json_string(value));
}

/* What tells alerts apart, and nothing that changes while one fires. */
static json_t *labels(const struct swgi_notice *notice, const char *source) {
    json_t *labels = json_pack("{ss ss}", "alertname", notice->name, "severity",
                               swgi_severity_word(notice->severity));

    add(labels, "circuit", notice->circuit);
    add(labels, "group", notice->group);
    add(labels, "owner", notice->owner);
    add(labels, "instance", source);
    return labels;
}

static json_t *annotations(const struct swgi_notice *notice) {
    json_t *annotations = json_pack("{ss}", "summary", notice->summary);
    char value[32];

    snprintf(value, sizeof(value), "%.15g", notice->value);
    add(annotations, "value", value);
    add(annotations, "description", notice->reason);
    add(annotations, "sample", notice->sample);
    add(annotations, "runbook_url",
        notice->runbook[0] != '\0' ? notice->runbook : notice->circuit_runbook);
    return annotations;
}

static int64_t end_of(const struct swgi_notice *notice, int64_t wall_ms) {
    if (!notice->firing)
        return notice->ended_wall_ms;
    return notice->is_moment ? notice->since_wall_ms + SWGI_MOMENT_LASTS
                             : wall_ms + SWGI_ALERTMANAGER_LASTS;
}

static json_t *alert(const struct swgi_notice *notice, const struct swgi_body *body) {
    char begin[SWGI_UTC_TEXT], end[SWGI_UTC_TEXT];
    json_t *alert =
        json_pack("{so so ss ss}", "labels", labels(notice, body->source), "annotations",
                  annotations(notice), "startsAt", swgi_utc_text(notice->since_wall_ms, begin),
                  "endsAt", swgi_utc_text(end_of(notice, body->wall_ms), end));

    if (swgi_is_link(body->console))
        add(alert, "generatorURL", body->console);
    return alert;
}

char *swgi_alertmanager_body(const struct swgi_body *body) {
    json_t *alerts = json_array();

    for (size_t i = 0; i < body->count; i++)
        json_array_append_new(alerts, alert(body->notices[i], body));
    return swgi_body_text(alerts);
}
