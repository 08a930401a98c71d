/*
 * What the agent knows of each circuit beside its status: rates over time, flapping, trend, anomaly,
 * recovery, what open periods cost, what is left of its SLO. Taken on every tick from the panel's
 * counters; nothing here is written back.
 */
#ifndef SWGI_AGENT_MEASURE_H
#define SWGI_AGENT_MEASURE_H

#include "config/file.h"
#include "switchgear/switchgear.h"

/* Calls with an outcome that make a rate, as the rules' calls_min: one failed call of one is none. */
#define SWGI_JUDGED_LEAST 10u

struct swgi_measure {
    struct swg_circuit *circuit;
    struct swg_status status;              /* at the last tick */
    const struct swgi_file_circuit *entry; /* NULL: none; valid until the file changes */
    swg_ns at;                             /* panel time of the last tick */
    double calls_per_s, failures_per_s, rejected_per_s; /* over the last 10 s */
    uint64_t calls_1m, failures_1m, slow_1m, rejected_1m;
    double failures_weighted_1m; /* timeouts by the circuit's weight */
    double failure_rate_1m;      /* 0..1; -1: no call */
    /* The calls of the last minute with an outcome, without those of before the circuit closed; of those, 0..1, -1: no call. */
    uint64_t judged_lately;
    double failure_rate_lately;
    double latency_mean_1m;   /* seconds; -1: no histogram or no call */
    uint32_t transitions_10m; /* flapping */
    double failure_trend;     /* share per minute, over 10 min; 0: of too few calls */
    double anomaly; /* robust z-score against the circuit's last hour; 0: normal, or of too few */
    double near;    /* the rule nearest to its threshold: value / threshold, 0..1.. */
    swg_ns in_state[3];     /* time spent in CLOSED, OPEN, HALF_OPEN since the agent knows it */
    swg_ns last_recovery;   /* from trip to CLOSED, last time; -1: never seen */
    swg_ns open_since;      /* panel time of the trip it has not recovered from; 0: none */
    uint64_t open_rejected; /* calls rejected in the present, else the last open period */
    double slo_budget_left,
        slo_burn_rate; /* share of the error budget; 1: sustainable. -1: no SLO */
};

struct swgi_measures;

int swgi_measures_new(struct swgi_measures **out, struct swg_panel *panel);
struct swgi_measures *swgi_measures_unref(struct swgi_measures *measures);
/* Once a second, and whenever an answer must be of now. file: whose entries belong to the circuits. */
int swgi_measures_tick(struct swgi_measures *measures, const struct swgi_file *file);
/* Every event of the panel, in order. */
void swgi_measures_event(struct swgi_measures *measures, const struct swg_event *event);
/* All circuits of the last tick, by name. Valid until the next tick. */
size_t swgi_measures_count(const struct swgi_measures *measures);
const struct swgi_measure *swgi_measures_at(const struct swgi_measures *measures, size_t index);
const struct swgi_measure *swgi_measures_find(const struct swgi_measures *measures,
                                              const char *name);
/* How often it ticked: what was made from these measures stays right until the number moves. */
uint64_t swgi_measures_ticks(const struct swgi_measures *measures);

#endif
