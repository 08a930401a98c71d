/*
 * PagerDuty's Events API v2, https://developer.pagerduty.com/docs/send-alert-event: one event a notice; the dedup_key ties the end
 * to the beginning, and a second trigger to the incident that is open already. It names the source, or the first of several hosts
 * whose circuit closes would end the incident of all.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "agent/alerts_body.h"
#include "agent/alerts_text.h"

/* "Database circuit breaker opened: read", where the circuit is of a group called database. */
static void summary_of(const struct swgi_notice *notice, char out[SWGI_SUMMARY_MAX]) {
    bool has_group = notice->group[0] != '\0';

    if (notice->when != SWGI_ALERT_OPEN) {
        snprintf(out, SWGI_SUMMARY_MAX, "%s", notice->summary);
        return;
    }
    snprintf(out, SWGI_SUMMARY_MAX, "%.127s%s breaker opened: %.127s", notice->group,
             has_group ? " circuit" : "Circuit", notice->circuit);
    out[0] = (char)toupper((unsigned char)out[0]);
}

static void add(json_t *object, const char *key, const char *value) {
    if (value[0] != '\0')
        json_object_set_new(object, key, json_string(value));
}

static json_t *payload(const struct swgi_body *body) {
    const struct swgi_notice *notice = body->notices[0];
    char summary[SWGI_SUMMARY_MAX], since[SWGI_UTC_TEXT];
    json_t *payload;

    summary_of(notice, summary);
    payload = json_pack("{ss ss ss ss}", "summary", summary, "source", body->source, "severity",
                        swgi_severity_word(notice->severity), "timestamp",
                        swgi_utc_text(notice->since_wall_ms, since));
    add(payload, "component", notice->circuit);
    add(payload, "group", notice->group);
    add(payload, "class", swgi_alert_word(notice->when));
    json_object_set_new(payload, "custom_details", swgi_notice_json(notice, body->source));
    return payload;
}

static void add_link(json_t *links, const char *url, const char *text) {
    if (swgi_is_link(url))
        json_array_append_new(links, json_pack("{ss ss}", "href", url, "text", text));
}

char *swgi_pagerduty_body(const struct swgi_body *body) {
    const struct swgi_notice *notice = body->notices[0];
    char key[SWGI_NOTICE_KEY_MAX];
    json_t *event, *links = json_array();

    swgi_notice_key_of(notice, body->source, key);
    event = json_pack("{ss ss ss}", "routing_key", body->secret, "event_action",
                      notice->firing ? "trigger" : "resolve", "dedup_key", key);
    json_object_set_new(event, "payload", payload(body));
    json_object_set_new(event, "client", json_string("Switchgear"));
    if (swgi_is_link(body->console))
        json_object_set_new(event, "client_url", json_string(body->console));
    add_link(links, notice->runbook, "Runbook");
    add_link(links, notice->circuit_runbook, "Runbook of the circuit");
    json_object_set_new(event, "links", links);
    return swgi_body_text(event);
}
