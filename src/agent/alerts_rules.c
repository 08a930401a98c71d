/* The kinds of alerts, one row or one case each. */
#include "agent/alerts_rules.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "report/text.h"

struct kind {
    const char *word, *anchor;
    enum swgi_about about;
    bool is_cause;
};

static const struct kind kinds[] = {
    [SWGI_ALERT_OPEN] = { "open", "circuit-open", SWGI_ABOUT_CIRCUIT, true },
    [SWGI_ALERT_FAILURE_RATE] = { "failure_rate", "failure-rate", SWGI_ABOUT_CIRCUIT, true },
    [SWGI_ALERT_OPEN_COUNT] = { "open_count", "several-circuits-open", SWGI_ABOUT_ALL, false },
    [SWGI_ALERT_NEAR_THRESHOLD] = { "near_threshold", "near-threshold", SWGI_ABOUT_CIRCUIT, false },
    [SWGI_ALERT_FLAPPING] = { "flapping", "flapping", SWGI_ABOUT_CIRCUIT, false },
    [SWGI_ALERT_TRANSITION] = { "transition", "state-change", SWGI_ABOUT_MOMENT, false },
    [SWGI_ALERT_MODE] = { "mode", "mode-not-normal", SWGI_ABOUT_CIRCUIT, false },
    [SWGI_ALERT_SLOW_RECOVERY] = { "slow_recovery", "slow-recovery", SWGI_ABOUT_CIRCUIT, false },
    [SWGI_ALERT_REJECTED] = { "rejected", "rejections", SWGI_ABOUT_CIRCUIT, true },
    [SWGI_ALERT_ANOMALY] = { "anomaly", "anomaly", SWGI_ABOUT_CIRCUIT, false },
    [SWGI_ALERT_BUDGET] = { "budget", "slo-burn", SWGI_ABOUT_CIRCUIT, false },
    [SWGI_ALERT_EVENTS_LOST] = { "events_lost", "events-lost", SWGI_ABOUT_AGENT, false },
    [SWGI_ALERT_AGENT_DOWN] = { "agent_down", "agent-down", SWGI_ABOUT_AGENT, false },
};

static const struct kind *kind_of(int when) {
    static const struct kind unknown = { "?", "", SWGI_ABOUT_MOMENT, false };

    return when >= 0 && (size_t)when < sizeof(kinds) / sizeof(*kinds) ? &kinds[when] : &unknown;
}

const char *swgi_alert_word(int when) {
    return kind_of(when)->word;
}

const char *swgi_alert_anchor(int when) {
    return kind_of(when)->anchor;
}

enum swgi_about swgi_rule_about(int when) {
    return kind_of(when)->about;
}

bool swgi_rule_is_cause(int when) {
    return kind_of(when)->is_cause;
}

const char *swgi_severity_word(int severity) {
    static const char *const words[] = { "info", "warning", "critical" };

    return severity >= 0 && severity <= SWGI_SEVERITY_CRITICAL ? words[severity] : "?";
}

bool swgi_rule_covers(const struct swgi_file_alert *rule, const char *circuit) {
    for (unsigned i = 0; i < rule->circuits.count; i++)
        if (swgi_file_glob(rule->circuits.at[i], circuit))
            return true;
    return rule->circuits.count == 0;
}

/* ---- does it hold? */

/* In shadow it turns nobody away, and a mode that somebody set has a rule of its own. */
enum swgi_holds swgi_is_open(const struct swg_status *status) {
    if (status->mode != SWG_MODE_NORMAL)
        return SWGI_HOLDS_NOT;
    if (status->state == SWG_STATE_OPEN)
        return SWGI_HOLDS;
    return status->state == SWG_STATE_HALF_OPEN ? SWGI_HOLDS_ON : SWGI_HOLDS_NOT;
}

static enum swgi_holds above(double value, double limit) {
    return value > limit ? SWGI_HOLDS : SWGI_HOLDS_NOT;
}

static enum swgi_holds at_least(double value, double limit) {
    return value >= limit ? SWGI_HOLDS : SWGI_HOLDS_NOT;
}

static enum swgi_holds recovered_slowly(const struct swgi_measure *measure, double limit) {
    bool lately = measure->at - measure->status.since < SWGI_ALERT_HOLD_NS;

    if (measure->status.state != SWG_STATE_CLOSED || measure->last_recovery < 0 || !lately)
        return SWGI_HOLDS_NOT;
    return above((double)measure->last_recovery / 1e9, limit);
}

/* What the kind looks at. */
static double value_of(int when, const struct swgi_measure *measure) {
    switch (when) {
    case SWGI_ALERT_OPEN:
        return swgi_is_open(&measure->status) == SWGI_HOLDS_NOT ? 0 : 1;
    case SWGI_ALERT_FAILURE_RATE:
        return measure->judged_lately < SWGI_JUDGED_LEAST ? -1 : measure->failure_rate_lately;
    case SWGI_ALERT_NEAR_THRESHOLD:
        return measure->status.state == SWG_STATE_CLOSED ? measure->near : 0;
    case SWGI_ALERT_FLAPPING:
        return measure->transitions_10m;
    case SWGI_ALERT_MODE:
        return measure->status.mode;
    case SWGI_ALERT_SLOW_RECOVERY:
        return (double)measure->last_recovery / 1e9;
    case SWGI_ALERT_REJECTED:
        return measure->rejected_per_s;
    case SWGI_ALERT_ANOMALY:
        return measure->anomaly;
    default:
        return measure->slo_burn_rate;
    }
}

enum swgi_holds swgi_rule_holds(const struct swgi_file_alert *rule,
                                const struct swgi_measure *measure, double *value) {
    *value = value_of(rule->when, measure);
    switch (rule->when) {
    case SWGI_ALERT_OPEN:
        return swgi_is_open(&measure->status);
    case SWGI_ALERT_MODE:
        return measure->status.mode != SWG_MODE_NORMAL ? SWGI_HOLDS : SWGI_HOLDS_NOT;
    case SWGI_ALERT_SLOW_RECOVERY:
        return recovered_slowly(measure, rule->above);
    case SWGI_ALERT_NEAR_THRESHOLD:
    case SWGI_ALERT_BUDGET:
        return *value > 0 ? at_least(*value, rule->above) : SWGI_HOLDS_NOT;
    default:
        return above(*value, rule->above);
    }
}

/* ---- what is said */

#define BECAUSE_MAX 196

/* Cleaned at the end: cutting may have split a character. */
static void because(char *out, const char *what, const char *reason) {
    char text[SWGI_SUMMARY_MAX];

    snprintf(text, sizeof(text), "%.*s%s%.*s", BECAUSE_MAX, what, reason[0] != '\0' ? ": " : "",
             BECAUSE_MAX, reason);
    swgi_copy_text(out, SWGI_SUMMARY_MAX, text);
}

static const char *mode_of(const struct swgi_measure *measure) {
    return measure == NULL ? "other than normal" : swg_mode_name(measure->status.mode);
}

/* Measured, and no event tells more of it. */
static bool is_plain(int when) {
    return swgi_rule_about(when) == SWGI_ABOUT_CIRCUIT && when != SWGI_ALERT_OPEN &&
           when != SWGI_ALERT_MODE;
}

static void tell_measure(int when, const char *circuit, double value, char *out) {
    char text[SWGI_TEXT_MAX];

    if (when == SWGI_ALERT_FAILURE_RATE)
        snprintf(out, SWGI_SUMMARY_MAX, "%s: %s of the last minute's calls failed", circuit,
                 swgi_share_text(value, text));
    else if (when == SWGI_ALERT_NEAR_THRESHOLD)
        snprintf(out, SWGI_SUMMARY_MAX, "%s is at %s of the threshold that trips it", circuit,
                 swgi_share_text(value, text));
    else if (when == SWGI_ALERT_FLAPPING)
        snprintf(out, SWGI_SUMMARY_MAX, "%s changed its state %s times in 10 minutes", circuit,
                 swgi_value_text(value, text));
    else if (when == SWGI_ALERT_SLOW_RECOVERY)
        snprintf(out, SWGI_SUMMARY_MAX, "%s took %s to recover", circuit,
                 swgi_duration_text((swg_ns)(value * 1e9), text));
    else if (when == SWGI_ALERT_REJECTED)
        snprintf(out, SWGI_SUMMARY_MAX, "%s rejects %s calls a second", circuit,
                 swgi_value_text(value, text));
    else if (when == SWGI_ALERT_ANOMALY)
        snprintf(out, SWGI_SUMMARY_MAX, "%s is unlike its last hour: score %s", circuit,
                 swgi_value_text(value, text));
    else
        snprintf(out, SWGI_SUMMARY_MAX, "%s burns its error budget %s times as fast as it may",
                 circuit, swgi_value_text(value, text));
}

void swgi_rule_summary(const struct swgi_file_alert *rule, const char *circuit, double value,
                       const struct swgi_measure *measure, const char *reason, char *out) {
    char what[SWGI_SUMMARY_MAX];

    if (rule->when == SWGI_ALERT_OPEN)
        snprintf(what, sizeof(what), "%s circuit is OPEN", circuit);
    else if (rule->when == SWGI_ALERT_OPEN_COUNT)
        snprintf(what, sizeof(what), "%.0f circuits are OPEN", value);
    else if (rule->when == SWGI_ALERT_MODE)
        snprintf(what, sizeof(what), "%s is in mode %s", circuit, mode_of(measure));
    else if (rule->when == SWGI_ALERT_TRANSITION)
        snprintf(what, sizeof(what), "%s", circuit);
    else if (rule->when == SWGI_ALERT_EVENTS_LOST)
        snprintf(what, sizeof(what), "the agent lost %.0f events", value);
    else if (rule->when == SWGI_ALERT_AGENT_DOWN)
        snprintf(what, sizeof(what), "the agent before this one did not end by itself");
    else
        tell_measure(rule->when, circuit, value, what);
    because(out, what, is_plain(rule->when) ? "" : reason);
}
