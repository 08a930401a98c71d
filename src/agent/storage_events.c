/* What of the panel's events belongs into the audit, and how it is told there. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/storage_inside.h"
#include "agent/storage_sentence.h"

static bool is_restored(const struct swg_event *event) {
    return strcmp(event->source, "restore") == 0;
}

static enum swgi_audit_action transition_action(const struct swg_event *event) {
    if (event->to == SWG_STATE_OPEN)
        return is_restored(event) ? SWGI_ACTION_RESTORE : SWGI_ACTION_TRIP;
    if (event->to == SWG_STATE_CLOSED)
        return SWGI_ACTION_RECOVER;
    return event->from == SWG_STATE_HALF_OPEN ? SWGI_ACTION_RAMP : SWGI_ACTION_PROBE;
}

/* SWGI_ACTIONS: samples, rejections, and what else is no act and no transition. */
static enum swgi_audit_action action_of(const struct swg_event *event) {
    switch (event->kind) {
    case SWG_EVENT_TRANSITION:
        return transition_action(event);
    case SWG_EVENT_TRIP:
        return SWGI_ACTION_TRIP;
    case SWG_EVENT_RESET:
        return SWGI_ACTION_RESET;
    case SWG_EVENT_PROBE:
        return SWGI_ACTION_PROBE;
    case SWG_EVENT_MODE:
        return SWGI_ACTION_MODE;
    case SWG_EVENT_CONFIG:
        return SWGI_ACTION_CONFIG;
    default:
        return SWGI_ACTIONS;
    }
}

static void put(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

static void put_real(json_t *object, const char *key, double value) {
    put(object, key, isfinite(value) ? json_real(value) : json_null());
}

static void put_ends(json_t *object, const struct swg_event *event) {
    const char *(*name)(int) = event->kind == SWG_EVENT_MODE ? swg_mode_name : swg_state_name;
    if (event->kind == SWG_EVENT_CONFIG)
        return;
    put(object, "from", json_string(name(event->from)));
    put(object, "to", json_string(name(event->to)));
    if (event->until == SWG_NS_MAX)
        put(object, "by_hand_only", json_true());
    else if (event->until > event->at)
        put_real(object, "duration_seconds", (double)(event->until - event->at) / 1e9);
}

static void put_finding(json_t *object, const struct swg_event *event) {
    if (event->rule == SWG_RULE_NONE || event->kind == SWG_EVENT_MODE)
        return;
    put(object, "rule", json_string(swg_rule_name(event->rule)));
    if (event->rule == SWG_RULE_HAND)
        return;
    put_real(object, "value", event->value);
    put_real(object, "threshold", event->threshold);
    put(object, "calls", json_integer((json_int_t)event->calls));
}

/* free() it; NULL: no memory. */
static char *evidence_of(const struct swg_event *event) {
    json_t *object = json_object();
    put_ends(object, event);
    put_finding(object, event);
    put(object, "event", json_integer((json_int_t)event->id));
    char *text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
    json_decref(object);
    return text;
}

static const char *reason_of(const struct swg_event *event, char *out, size_t out_size) {
    bool by_rule = event->kind == SWG_EVENT_TRANSITION && !is_restored(event);
    return by_rule ? swgi_storage_sentence(event, out, out_size) : event->text;
}

int swgi_row_of_event(const struct swg_event *event, struct swgi_row **row) {
    enum swgi_audit_action action = action_of(event);
    char sentence[SWGI_STORAGE_REASON_MAX];
    *row = NULL;
    if (action == SWGI_ACTIONS)
        return 0;
    char *evidence = evidence_of(event);
    if (evidence != NULL)
        *row = swgi_row_new(event->wall_ms, event->circuit, action,
                            reason_of(event, sentence, sizeof(sentence)), evidence, event->user,
                            event->source);
    free(evidence);
    return *row != NULL ? 0 : -ENOMEM;
}
