/*
 * What each kind of alert looks at, and what it says: functions of a rule and of what was measured.
 */
#ifndef SWGI_AGENT_ALERTS_RULES_H
#define SWGI_AGENT_ALERTS_RULES_H

#include "agent/measure.h"

/* A slow recovery, and what the agent noticed of itself, are shown for so long. */
#define SWGI_ALERT_HOLD_NS (INT64_C(300) * 1000000000)
#define SWGI_SUMMARY_MAX   400

enum swgi_holds {
    SWGI_HOLDS_NOT,
    SWGI_HOLDS,
    SWGI_HOLDS_ON /* no reason to begin, but none to end: a circuit that probes is not well yet */
};

/* Who a kind of alert is about. */
enum swgi_about { SWGI_ABOUT_CIRCUIT, SWGI_ABOUT_ALL, SWGI_ABOUT_AGENT, SWGI_ABOUT_MOMENT };
enum swgi_about swgi_rule_about(int when);
/* Does the circuit come under the rule's names and globs? */
bool swgi_rule_covers(const struct swgi_file_alert *rule, const char *circuit);
/* Of one circuit, for rules about circuits. *value is what the rule looks at. */
enum swgi_holds swgi_rule_holds(const struct swgi_file_alert *rule,
                                const struct swgi_measure *measure, double *value);
/* Does the circuit turn calls away, by its own rules? */
enum swgi_holds swgi_is_open(const struct swg_status *status);
/* May a firing alert of this kind be the cause of what fires downstream? */
bool swgi_rule_is_cause(int when);

/* "open", "failure_rate", ... as the file names the kinds. */
const char *swgi_alert_word(int when);
const char *swgi_severity_word(int severity);
/* The section of the runbook on this kind: "circuit-open". */
const char *swgi_alert_anchor(int when);
/*
 * One line for people, at most SWGI_SUMMARY_MAX bytes, about a rule that holds. circuit is cleaned, reason (may be empty) was
 * redacted, measure may be NULL.
 */
void swgi_rule_summary(const struct swgi_file_alert *rule, const char *circuit, double value,
                       const struct swgi_measure *measure, const char *reason, char *out);

#endif
