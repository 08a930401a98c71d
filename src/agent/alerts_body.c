/* What the bodies of all receivers share. */
#include "agent/alerts_body.h"

#include <math.h>
#include <string.h>

#include "agent/alerts_text.h"

char *swgi_body_text(json_t *object) {
    char *text = object != NULL ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;

    json_decref(object);
    return text;
}

bool swgi_is_link(const char *url) {
    bool is_web = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;

    return is_web && strpbrk(url, "<>|\"' \t") == NULL;
}

static json_t *instant(int64_t wall_ms) {
    char text[SWGI_UTC_TEXT];

    return wall_ms == 0 ? json_null() : json_string(swgi_utc_text(wall_ms, text));
}

static json_t *share(double value) {
    return value >= 0 ? json_real(value) : json_null();
}

static json_t *number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *swgi_notice_json(const struct swgi_notice *notice, const char *source) {
    char key[SWGI_NOTICE_KEY_MAX];

    swgi_notice_key_of(notice, source, key);
    return json_pack(
        "{ss ss ss ss ss ss ss ss so so so so ss ss ss ss ss ss}", "alert", notice->name, "kind",
        swgi_alert_word(notice->when), "status", notice->firing ? "firing" : "resolved", "severity",
        swgi_severity_word(notice->severity), "circuit", notice->circuit, "state", notice->state,
        "summary", notice->summary, "reason", notice->reason, "value", number(notice->value),
        "failure_rate", share(notice->failure_rate), "since", instant(notice->since_wall_ms),
        "ended", instant(notice->ended_wall_ms), "sample", notice->sample, "group", notice->group,
        "owner", notice->owner, "runbook",
        notice->runbook[0] != '\0' ? notice->runbook : notice->circuit_runbook, "source", source,
        "key", key);
}
