/*
 * Circuits that have no series of their own are exported as one, "_other". Its counters must not go
 * back while the agent lives, so what a folded circuit had counted stays when it leaves, and no
 * circuit changes between own and folded.
 */
#include <string.h>

#include "agent/measure_inside.h"

static void add_status(struct swg_status *sum, const struct swg_status *one) {
    sum->calls += one->calls;
    sum->successes += one->successes;
    sum->failures += one->failures;
    sum->timeouts += one->timeouts;
    sum->ignored += one->ignored;
    sum->cancelled += one->cancelled;
    sum->late += one->late;
    sum->slow += one->slow;
    sum->rejected_open += one->rejected_open;
    sum->rejected_full += one->rejected_full;
    sum->rejected_limited += one->rejected_limited;
    sum->rejected_shed += one->rejected_shed;
    sum->rejected_expired += one->rejected_expired;
    sum->rejected_saturated += one->rejected_saturated;
    sum->would_reject += one->would_reject;
    sum->retries += one->retries;
    sum->retries_refused += one->retries_refused;
    sum->trips += one->trips;
    sum->transitions += one->transitions;
    sum->has_latency |= one->has_latency;
}

static void add_totals(struct swgi_totals *sum, const struct swgi_totals *one) {
    for (unsigned i = 0; i < SWGI_TRANSITIONS; i++)
        sum->transitions[i] += one->transitions[i];
    for (unsigned i = 0; i < 9; i++)
        sum->by_hand[i / 3][i % 3] += one->by_hand[i / 3][i % 3];
    for (unsigned i = 0; i < SWGI_BUCKETS; i++)
        sum->buckets[i] += one->buckets[i];
    sum->timed += one->timed;
    sum->timed_s += one->timed_s;
}

void swgi_measured_add(struct swgi_measured *sum, const struct swgi_measured *one) {
    add_status(&sum->seen.status, &one->seen.status);
    add_totals(&sum->totals, &one->totals);
    for (unsigned i = 0; i < 3; i++)
        sum->seen.in_state[i] += one->seen.in_state[i];
}

/* What is of now, and so of those who are there. */
static void add_present(struct swgi_measured *sum, const struct swgi_measured *one) {
    sum->states[one->seen.status.state]++;
    sum->modes[one->seen.status.mode]++;
    sum->seen.status.in_flight += one->seen.status.in_flight;
    sum->seen.calls_1m += one->seen.calls_1m;
    sum->seen.failures_1m += one->seen.failures_1m;
    sum->seen.failures_weighted_1m += one->seen.failures_weighted_1m;
    sum->seen.transitions_10m += one->seen.transitions_10m;
}

void swgi_measures_other(const struct swgi_measures *measures, struct swgi_measured *out) {
    memset(out, 0, sizeof(*out));
    out->seen.status = (struct swg_status)SWG_STATUS_INIT;
    memcpy(out->seen.status.name, "_other", sizeof("_other"));
    swgi_measured_label(out);
    out->is_sum = true;
    swgi_measured_add(out, &measures->gone);
    for (size_t i = 0; i < measures->count; i++) {
        const struct swgi_measured *one = measures->order[i];
        if (one->own || !one->settled)
            continue;
        swgi_measured_add(out, one);
        add_present(out, one);
    }
}

void swgi_measured_label(struct swgi_measured *measured) {
    static const char begin[] = "{breaker=\"";
    char *to = measured->label;
    memcpy(to, begin, sizeof(begin) - 1);
    to += sizeof(begin) - 1;
    for (const char *from = measured->seen.status.name; *from != '\0'; from++) {
        if (*from == '\\' || *from == '"' || *from == '\n')
            *to++ = '\\';
        *to++ = (char)(*from == '\n' ? 'n' : *from);
    }
    *to++ = '"';
    measured->label_length = (uint16_t)(to - measured->label);
}
static_assert(SWGI_LABEL_SIZE >= 2 * SWGI_NAME_MAX + 12, "any name fits, escaped");
