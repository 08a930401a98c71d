/* One circuit from tick to tick: what moved since the last one, and what follows from it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/measure_inside.h"
#include "circuit/circuit.h"
#include "report/meaning.h"

static uint32_t moved(uint64_t now, uint64_t before) {
    uint64_t by = now > before ? now - before : 0;
    return by < UINT32_MAX ? (uint32_t)by : UINT32_MAX;
}

static void difference(const struct swgi_measured *now, const struct swg_status *before,
                       const struct swgi_totals *totals_before, struct swgi_second *out) {
    const struct swg_status *status = &now->seen.status;
    out->calls = moved(status->calls, before->calls);
    out->timeouts = moved(status->timeouts, before->timeouts);
    out->failures = moved(status->failures, before->failures) + out->timeouts;
    out->judged = moved(status->successes, before->successes) + out->failures;
    out->slow = moved(status->slow, before->slow);
    out->rejected = moved(swgi_rejected(status), swgi_rejected(before));
    out->timed = (float)moved(now->totals.timed, totals_before->timed);
    double timed_s = now->totals.timed_s - totals_before->timed_s;
    out->timed_s = timed_s > 0 ? (float)timed_s : 0;
}

static bool is_nothing(const struct swgi_second *delta) {
    return delta->calls == 0 && delta->judged == 0 && delta->slow == 0 && delta->rejected == 0;
}

static void remember(struct swgi_measured *measured, const struct swgi_second *delta, swg_ns now) {
    if (is_nothing(delta))
        return;
    if (measured->history == NULL)
        measured->history = swgi_history_new(now);
    if (measured->history == NULL)
        return;
    swgi_history_advance(measured->history, now);
    swgi_history_add(measured->history, delta);
    swgi_slo_add(measured, delta->judged, delta->failures, now);
}

/* ---- states and recovery */

static swg_ns within(swg_ns instant, swg_ns from, swg_ns to) {
    return instant < from ? from : instant > to ? to : instant;
}

/* When it came to be what it is: an OPEN that is due moves by time alone, and `since` stays. */
static swg_ns changed_at(const struct swg_status *status, const struct swg_status *before) {
    if (status->since != before->since || before->open_until == 0)
        return status->since;
    return before->open_until;
}

static void follow_time(struct swgi_measure *seen, const struct swg_status *before, swg_ns now) {
    swg_ns at = seen->at;
    if (before->state != seen->status.state)
        at = within(changed_at(&seen->status, before), seen->at, now);
    seen->in_state[before->state] += at - seen->at;
    seen->in_state[seen->status.state] += now - at;
    seen->at = now;
}

static void opened(struct swgi_measured *measured, swg_ns at, uint64_t rejected_open) {
    if (measured->seen.open_since != 0)
        return;
    measured->seen.open_since = at > 0 ? at : 1;
    measured->seen.open_rejected = 0;
    measured->open_base = rejected_open;
    measured->open_counts = true;
}

static void closed(struct swgi_measured *measured, swg_ns at) {
    if (measured->seen.open_since == 0)
        return;
    if (at >= measured->seen.open_since)
        measured->seen.last_recovery = at - measured->seen.open_since;
    measured->seen.open_since = 0;
}

/* Events tell exactly when; where they were lost, or come later, the status does. */
static void follow_open(struct swgi_measured *measured, const struct swg_status *before,
                        swg_ns now) {
    const struct swg_status *status = &measured->seen.status;
    swg_ns tripped = status->last_trip != 0 ? status->last_trip : status->since;
    if (status->state != SWG_STATE_CLOSED)
        opened(measured, within(tripped, 0, now), before->rejected_open);
    else
        closed(measured, within(status->since, 0, now));
    if (!measured->open_counts)
        return;
    measured->seen.open_rejected = moved(status->rejected_open, measured->open_base);
    measured->open_counts = measured->seen.open_since != 0;
}

/* ---- what follows from the past */

/* Since when the slots that rates are made of have been filled. */
static double covered_s(const struct swgi_measures *measures, const struct swgi_measured *measured,
                        swg_ns now) {
    swg_ns from = measures->began;
    for (unsigned i = 0; i < SWGI_TICKS_KEPT; i++)
        if (measures->ends[i].at != 0 &&
            measures->ends[i].second <= now / SWGI_NS - SWGI_RATE_SLOTS) {
            from = measures->ends[i].at;
            break;
        }
    if (from < measured->first_at)
        from = measured->first_at;
    return now - from > SWGI_NS ? (double)(now - from) / 1e9 : 1;
}

static void derive_rates(const struct swgi_measures *measures, struct swgi_measured *measured,
                         swg_ns now) {
    struct swgi_second sum;
    double covered = covered_s(measures, measured, now);
    swgi_history_sum(measured->history, SWGI_RATE_SLOTS, &sum);
    measured->seen.calls_per_s = sum.calls / covered;
    measured->seen.failures_per_s = sum.failures / covered;
    measured->seen.rejected_per_s = sum.rejected / covered;
}

/*
 * What failed before a circuit closed is no news after it. The second in which it closed may hold some of that, and so may the next,
 * for a tick counts what was since the one before it.
 */
static unsigned seconds_of_now(swg_ns closed_at, swg_ns now) {
    /* It is told rounded down, to what deadlines are counted in. */
    swg_ns since = closed_at + (INT64_C(1) << SWGI_DEADLINE_SHIFT);
    int64_t passed = now / SWGI_NS - since / SWGI_NS - 1;
    if (closed_at == 0 || passed > (int64_t)SWGI_SECONDS)
        return SWGI_SECONDS;
    return passed > 0 ? (unsigned)passed : 0;
}

static void derive_lately(struct swgi_measured *measured, swg_ns now) {
    struct swgi_measure *seen = &measured->seen;
    struct swgi_second sum;
    swgi_history_sum(measured->history, seconds_of_now(measured->closed_at, now), &sum);
    seen->judged_lately = sum.judged;
    seen->failure_rate_lately = sum.judged != 0 ? sum.failures / (double)sum.judged : -1;
}

static void derive_minute(struct swgi_measured *measured) {
    struct swgi_measure *seen = &measured->seen;
    struct swgi_second sum;
    swgi_history_sum(measured->history, SWGI_SECONDS, &sum);
    seen->calls_1m = sum.calls;
    seen->failures_1m = sum.failures;
    seen->slow_1m = sum.slow;
    seen->rejected_1m = sum.rejected;
    seen->failures_weighted_1m =
        sum.failures - sum.timeouts + sum.timeouts * measured->timeout_weight;
    seen->failure_rate_1m = sum.judged != 0 ? sum.failures / (double)sum.judged : -1;
    seen->latency_mean_1m = sum.timed > 0 ? (double)(sum.timed_s / sum.timed) : -1;
    seen->anomaly = swgi_history_anomaly(measured->history, seen->failure_rate_1m, sum.judged);
}

/* How often, after the last change: rates move every second, the minute's figures with each second that leaves it, the rest slowly. */
static bool derive_due(const struct swgi_measured *measured, swg_ns now) {
    swg_ns quiet = now - measured->changed_at, passed = now - measured->derived_at;
    if (quiet < (SWGI_RATE_SLOTS + 2) * SWGI_NS)
        return true;
    if (quiet < 70 * SWGI_NS && measured->history != NULL &&
        swgi_history_advance(measured->history, now))
        return true;
    return passed >= (quiet < 660 * SWGI_NS ? 10 * SWGI_NS : 60 * SWGI_NS);
}

static void derive(const struct swgi_measures *measures, struct swgi_measured *measured,
                   swg_ns now) {
    if (!derive_due(measured, now))
        return;
    measured->derived_at = now;
    if (measured->history != NULL) {
        swgi_history_advance(measured->history, now);
        derive_rates(measures, measured, now);
        derive_minute(measured);
        derive_lately(measured, now);
        measured->seen.transitions_10m = swgi_history_transitions(measured->history);
        measured->seen.failure_trend = swgi_history_trend(measured->history);
    }
    swgi_slo_derive(measured, now);
}

/* ---- the tick */

static int look(struct swgi_measured *measured, swg_ns now) {
    struct swg_status before = measured->seen.status;
    struct swgi_totals totals = measured->totals;
    struct swgi_second delta;
    bool first = !measured->looked;
    int rc = swgi_measure_look(measured);
    if (rc != 0)
        return rc;
    measured->looked = true;
    measured->looked_at = now;
    if (first && !measured->fresh) {
        before = measured->seen.status;
        totals = measured->totals;
    } else if (first) {
        before.state = measured->seen.status.state;
    }
    if (measured->seen.status.state == SWG_STATE_CLOSED && measured->seen.status.transitions != 0)
        measured->closed_at = measured->seen.status.since;
    difference(measured, &before, &totals, &delta);
    remember(measured, &delta, now);
    follow_time(&measured->seen, &before, now);
    follow_open(measured, &before, now);
    return 0;
}

int swgi_measure_follow(struct swgi_measures *measures, struct swgi_measured *measured,
                        swg_ns now) {
    const struct swgi_binding *binding = swgi_circuit_look(measured->seen.circuit);
    if (binding == NULL || binding->map != measured->map || binding->life != measured->life)
        return -ENOENT;
    uint64_t stamp = swgi_measure_stamp(binding);
    bool changed = stamp != measured->stamp || !measured->looked;
    measured->stamp = stamp;
    if (changed)
        measured->changed_at = now;
    if (changed || swgi_measure_restless(measured, now)) {
        int rc = look(measured, now);
        if (rc != 0)
            return rc;
    } else {
        measured->seen.in_state[measured->seen.status.state] += now - measured->seen.at;
        measured->seen.at = now;
    }
    derive(measures, measured, now);
    return 0;
}

/* ---- events */

static void sample(struct swgi_measured *measured, const struct swg_event *event) {
    const char *kind = event->error_kind[0] != '\0' ? event->error_kind : "none";
    if (measured->kinds == NULL)
        measured->kinds = calloc(1, sizeof(*measured->kinds));
    struct swgi_kinds *kinds = measured->kinds;
    if (kinds == NULL)
        return;
    uint32_t i = 0;
    while (i < kinds->count && strncmp(kinds->names[i], kind, sizeof(kinds->names[i])) != 0)
        i++;
    if (i == kinds->count && i < SWGI_KINDS_MAX)
        memcpy(kinds->names[kinds->count++], kind,
               strnlen(kind, sizeof(kinds->names[0]) - 1)); /* the rest is zero */
    kinds->samples[i]++;
    if (event->trace_id[0] == '\0' || event->wall_ms <= 0 || event->wall_ms > INT64_MAX / 1000000)
        return;
    kinds->traced.kind = i;
    kinds->traced.wall_ms = event->wall_ms;
    kinds->traced.seconds = event->value;
    memcpy(kinds->traced.trace_id, event->trace_id, sizeof(kinds->traced.trace_id));
}

static bool is_state(int state) {
    return state >= SWG_STATE_CLOSED && state <= SWG_STATE_HALF_OPEN;
}

static void transition(struct swgi_measured *measured, const struct swg_event *event, swg_ns now) {
    if (!is_state(event->from) || !is_state(event->to))
        return;
    if (event->kind != SWG_EVENT_TRANSITION)
        measured->totals.by_hand[event->from][event->to]++;
    if (event->from == event->to)
        return; /* a step of the ramp, or a trip of what was open */
    if (measured->history == NULL)
        measured->history = swgi_history_new(now);
    if (measured->history != NULL) {
        swgi_history_advance(measured->history, now);
        swgi_history_transition(measured->history, event->at);
    }
    measured->changed_at = now;
    if (event->to == SWG_STATE_OPEN) {
        opened(measured, event->at, measured->seen.status.rejected_open);
    } else if (event->to == SWG_STATE_CLOSED) {
        closed(measured, event->at);
        if (event->at > measured->closed_at)
            measured->closed_at = event->at;
    }
}

void swgi_measure_event(struct swgi_measured *measured, const struct swg_event *event, swg_ns now) {
    if (event->kind == SWG_EVENT_SAMPLE)
        sample(measured, event);
    else if (event->kind >= SWG_EVENT_TRANSITION && event->kind <= SWG_EVENT_PROBE)
        transition(measured, event, now);
}
