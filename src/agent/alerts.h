/*
 * Alerts: rules on events and measures become alerts that fire and end; receivers are told, by HTTP,
 * in the background and under breakers of our own.
 */
#ifndef SWGI_AGENT_ALERTS_H
#define SWGI_AGENT_ALERTS_H

#include <uv.h>

#include "agent/measure.h"

struct swgi_alerts;

struct swgi_alert_state {
    const char *name, *circuit; /* circuit "": of no single one */
    int severity, firing;       /* 0: pending */
    int64_t since_wall_ms;
    double value;
    const char *inhibited_by; /* "" or the circuit whose alert silences this one */
    const char *runbook, *summary;
};

struct swgi_alerts_counts {
    uint64_t firing; /* now, inhibited ones too */
    uint64_t sent;   /* notices that a receiver took */
    uint64_t failed; /* attempts of deliveries that failed; they are made again */
    uint64_t
        dropped; /* notices given up: queue full, refused, too old; pairs for which there was no room */
    uint64_t queued; /* notices that wait, now */
};

/*
 * Called for everything that fires or ends, on the loop: for the audit, streams and the log. Changes of state (SWGI_ALERT_TRANSITION)
 * fire and never end.
 */
typedef void swgi_alert_fn(void *arg, const struct swgi_alert_state *alert, int fired);

int swgi_alerts_new(struct swgi_alerts **out, uv_loop_t *loop, struct swgi_file *file,
                    swgi_alert_fn *fn, void *arg, struct swg_error *error);
/* Could the file's receivers be reached for: are their secrets and templates there? As the two functions around it answer. */
int swgi_alerts_check(const struct swgi_file *file, struct swg_error *error);
/* Takes over what another file says; alerts that it still has stay as they are. */
int swgi_alerts_reload(struct swgi_alerts *alerts, struct swgi_file *file, struct swg_error *error);
/*
 * What happened is acted upon at the next tick, with the measures of then; call both at once after a transition, and nobody waits a
 * second for it.
 */
void swgi_alerts_event(struct swgi_alerts *alerts, const struct swg_event *event);
void swgi_alerts_tick(struct swgi_alerts *alerts, const struct swgi_measures *measures);
/* What the agent noticed of itself: events lost, its predecessor killed. */
void swgi_alerts_agent(struct swgi_alerts *alerts, int when, double value, const char *text);
/*
 * Before the first tick: what an earlier agent told receivers and did not end (the audit knows). It goes on if it still holds, and
 * ends, with all who were told knowing, if not. It is told again only if it is so young that they may not know. false: no such rule.
 */
bool swgi_alerts_restore(struct swgi_alerts *alerts, const char *name, const char *circuit,
                         int64_t since_wall_ms);
/* Pending and firing ones, in no order. Valid until the next call that changes any. */
size_t swgi_alerts_count(const struct swgi_alerts *alerts);
void swgi_alerts_at(const struct swgi_alerts *alerts, size_t index, struct swgi_alert_state *out);
void swgi_alerts_counts(const struct swgi_alerts *alerts, struct swgi_alerts_counts *out);
/* Is everything delivered that can be now? What a receiver does not take at present does not count. */
bool swgi_alerts_is_idle(const struct swgi_alerts *alerts);
/* Stops deliveries and lets go of the loop; call it, run the loop until it is idle, then unref. */
void swgi_alerts_stop(struct swgi_alerts *alerts);
struct swgi_alerts *swgi_alerts_unref(struct swgi_alerts *alerts);

#endif
