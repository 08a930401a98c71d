/*
 * What alerts can watch, and the rules that are shipped.
 *
 * SWGI_ALERT_KIND(KIND, word, unit, above, for, severity, what)
 *   unit   what `above` counts in: NOTHING (there is none), PERCENT (kept as a share), COUNT, DURATION (kept in seconds), NUMBER
 *   above, for, severity   what a rule has that does not say otherwise
 * SWGI_ALERT(name, KIND, above, for, severity, section)   a shipped rule: in force where the file has no `alerts`.
 *   section is the runbook's.
 *
 * A reader defines one or both macros before it includes this file, which undefines them. In the order of enum swgi_alert_kind.
 */
/* clang-format off */
#ifdef SWGI_ALERT_KIND
SWGI_ALERT_KIND(OPEN, "open", NOTHING, "", "0", CRITICAL,
                "a circuit is OPEN")
SWGI_ALERT_KIND(FAILURE_RATE, "failure_rate", PERCENT, "10", "0", WARNING,
                "more than so many percent of the last minute's calls failed")
SWGI_ALERT_KIND(OPEN_COUNT, "open_count", COUNT, "1", "0", CRITICAL,
                "more than so many circuits are open at a time")
SWGI_ALERT_KIND(NEAR_THRESHOLD, "near_threshold", PERCENT, "80", "0", WARNING,
                "a trip rule has come to so many percent of its threshold")
SWGI_ALERT_KIND(FLAPPING, "flapping", COUNT, "6", "0", WARNING,
                "more than so many transitions in ten minutes")
SWGI_ALERT_KIND(TRANSITION, "transition", NOTHING, "", "0", INFO,
                "a circuit changed its state; told once, never resolved")
SWGI_ALERT_KIND(MODE, "mode", NOTHING, "", "1h", WARNING,
                "a circuit is isolated, disabled or in shadow")
SWGI_ALERT_KIND(SLOW_RECOVERY, "slow_recovery", DURATION, "5m", "0", WARNING,
                "the last recovery, from trip to CLOSED, took longer than this")
SWGI_ALERT_KIND(REJECTED, "rejected", NUMBER, "1", "0", WARNING,
                "more than so many calls a second are rejected")
SWGI_ALERT_KIND(ANOMALY, "anomaly", NUMBER, "4", "1m", WARNING,
                "the anomaly score is above this")
SWGI_ALERT_KIND(BUDGET, "budget", NUMBER, "10", "5m", WARNING,
                "the SLO's error budget burns at so many times the sustainable rate")
SWGI_ALERT_KIND(EVENTS_LOST, "events_lost", NOTHING, "", "0", WARNING,
                "the agent missed events, or dropped rows of the audit or notifications")
SWGI_ALERT_KIND(AGENT_DOWN, "agent_down", NOTHING, "", "0", WARNING,
                "the last agent ended without saying so; the next one tells")
#undef SWGI_ALERT_KIND
#endif

#ifdef SWGI_ALERT
SWGI_ALERT("circuit open", OPEN, "", "0", CRITICAL, "circuit-open")
SWGI_ALERT("failure rate", FAILURE_RATE, "10", "0", WARNING, "failure-rate")
SWGI_ALERT("several circuits open", OPEN_COUNT, "1", "0", CRITICAL, "several-circuits-open")
SWGI_ALERT("near the threshold", NEAR_THRESHOLD, "80", "0", WARNING, "near-the-threshold")
SWGI_ALERT("flapping", FLAPPING, "6", "0", WARNING, "flapping")
SWGI_ALERT("state changed", TRANSITION, "", "0", INFO, "state-changed")
SWGI_ALERT("open for long", OPEN, "", "5m", CRITICAL, "open-for-long")
SWGI_ALERT("mode left on", MODE, "", "1h", WARNING, "mode-left-on")
SWGI_ALERT("agent was down", AGENT_DOWN, "", "0", WARNING, "agent-down")
SWGI_ALERT("slow recovery", SLOW_RECOVERY, "5m", "0", WARNING, "slow-recovery")
SWGI_ALERT("calls rejected", REJECTED, "1", "1m", WARNING, "calls-rejected")
SWGI_ALERT("events lost", EVENTS_LOST, "", "0", WARNING, "events-lost")
#undef SWGI_ALERT
#endif
/* clang-format on */
