/*
 * What the agent keeps of a circuit, for those who measure and those who export.
 *
 * A circuit nobody calls costs a tick one look at its counters: what is expensive (its status, its
 * histogram, its past) is looked at when those moved, and for as long as time alone still moves it.
 */
#ifndef SWGI_AGENT_MEASURE_INSIDE_H
#define SWGI_AGENT_MEASURE_INSIDE_H

#include "agent/measure.h"
#include "engine/engine.h"

#define SWGI_NS             INT64_C(1000000000)
#define SWGI_SECONDS        60u /* slots of one second, of ten seconds, of one minute */
#define SWGI_TENS           60u
#define SWGI_MINUTES        60u
#define SWGI_TICKS_KEPT     16u
#define SWGI_RATE_SLOTS     10   /* seconds that rates are taken over */
#define SWGI_KINDS_MAX      8u   /* kinds of errors told apart; the rest is "other" */
#define SWGI_BUCKETS        12u  /* of the exported histogram, without +Inf */
#define SWGI_LABEL_SIZE     288u /* {breaker="..., every byte of the name escaped */
#define SWGI_SLO_SLOTS      60u
#define SWGI_BASELINE_LEAST 10u /* minutes with calls before anything can be an anomaly */

/* What happened in a slot of time. */
struct swgi_second {
    uint32_t calls, judged, failures, timeouts, slow, rejected;
    float timed, timed_s; /* calls in the histogram, and the time they took */
};

struct swgi_share {
    uint32_t judged, failures;
};

/*
 * The past of one circuit that was called: a slot is found by its number (instant / its length),
 * modulo how many there are; what lies between the last one written and now is zeroed on the way.
 */
struct swgi_history {
    int64_t second, ten, minute; /* numbers of the slots written last */
    struct swgi_second seconds[SWGI_SECONDS];
    struct swgi_share tens[SWGI_TENS], minutes[SWGI_MINUTES];
    uint16_t transitions[SWGI_TENS];
    double median, deviation; /* of the failure rates of the minutes that are over */
    uint32_t baseline;        /* how many there were */
};

struct swgi_slo {
    swg_ns slot_ns; /* the window / SWGI_SLO_SLOTS */
    int64_t slot;
    uint64_t judged[SWGI_SLO_SLOTS], failures[SWGI_SLO_SLOTS];
};

struct swgi_kinds {
    uint32_t count;
    char names[SWGI_KINDS_MAX][24];
    uint64_t samples[SWGI_KINDS_MAX + 1]; /* the last is "other" */
    /* The newest whose trace is known; wall_ms 0: none. */
    struct {
        uint32_t kind;
        int64_t wall_ms;
        double seconds; /* that the call took */
        char trace_id[33];
    } traced;
};

/* Counters that are exported but stand in no struct swg_status. */
struct swgi_totals {
    uint64_t transitions[SWGI_TRANSITIONS]; /* by rule and time, as the panel counts them */
    uint64_t by_hand[3][3];                 /* from, to: as events told */
    uint64_t timed, buckets[SWGI_BUCKETS];  /* calls in the histogram; in each bucket alone */
    double timed_s;                         /* from the middles of the bins */
};

struct swgi_measured {
    struct swgi_measure seen; /* first: what others know of it */
    struct swgi_totals totals;
    const struct swgi_map *map; /* where it lay at the last tick */
    uint32_t life;
    bool own;      /* has series of its own; else it is part of "_other" */
    bool settled;  /* it is decided whether it has */
    bool looked;   /* its status was read */
    bool fresh;    /* made while we watched: its counters began at 0 */
    swg_ns waited; /* so far, by who waits longest in the queue */
    double timeout_weight;
    uint64_t stamp;               /* of its counters and its state */
    swg_ns first_at;              /* when we saw it first */
    swg_ns changed_at, looked_at; /* when the stamp changed, when its status was read */
    swg_ns derived_at;            /* when rates and the like were worked out */
    uint64_t open_base;           /* rejected_open when the last open period began */
    swg_ns closed_at; /* when it closed last, even if it opened since; 0: nobody saw it */
    bool open_counts; /* it goes on, or ended after the last tick */
    struct swgi_history *history; /* NULL: never called since we watch */
    struct swgi_slo *slo;         /* NULL: none */
    struct swgi_kinds *kinds;     /* NULL: no sample yet */
    uint32_t states[3], modes[4]; /* "_other": how many are in each */
    bool is_sum;                  /* it is "_other" */
    uint16_t label_length;
    char label[SWGI_LABEL_SIZE]; /* {breaker="name" */
};

struct swgi_measures {
    struct swg_panel *panel;
    struct swgi_file *file;
    struct swgi_measured **order; /* by name */
    size_t count, capacity;
    uint64_t registry; /* of the words that move when circuits come and go */
    const struct swgi_map *map;
    uint64_t ticks;
    swg_ns began, at; /* the first tick, the last */
    struct {
        int64_t second;
        swg_ns at;
    } ends[SWGI_TICKS_KEPT]; /* the last tick of each second, newest first */
    uint32_t own;            /* how many have series of their own */
    uint32_t folded;         /* how many have not */
    bool ever_folded;
    struct swgi_measured gone; /* totals of those that were folded and left */
};

/* ---- measure_look.c: what the panel says */
/* Moves with every counter and every change of state of the circuit. */
uint64_t swgi_measure_stamp(const struct swgi_binding *binding);
uint64_t swgi_measure_registry(const struct swgi_map *map);
/* Status, totals, nearness. -ENOENT when it is gone. */
int swgi_measure_look(struct swgi_measured *measured);
/* Does time alone still change what the status says? */
bool swgi_measure_restless(const struct swgi_measured *measured, swg_ns now);
/* Where bucket i ends, in ns. */
int64_t swgi_measure_bucket(unsigned i);

/* ---- measure_history.c: what happened when */
/* NULL without memory, which only costs the figures that come from the past. */
struct swgi_history *swgi_history_new(swg_ns now);
/* Does what is summed over the last minute, or learned of the last hour, change by it? */
bool swgi_history_advance(struct swgi_history *history, swg_ns now);
void swgi_history_add(struct swgi_history *history, const struct swgi_second *delta);
void swgi_history_transition(struct swgi_history *history, swg_ns at);
/* The last `count` slots of a second, the running one among them. */
void swgi_history_sum(const struct swgi_history *history, unsigned count, struct swgi_second *out);
uint32_t swgi_history_transitions(const struct swgi_history *history);
/* Share per minute: the slope of a line through the failure rates of ten seconds each, weighted by
 * their calls (least squares). 0 with fewer than two of them. */
double swgi_history_trend(const struct swgi_history *history);
/* Robust z-score of a failure rate against the minutes of the last hour. */
double swgi_history_anomaly(const struct swgi_history *history, double rate, uint64_t calls);
/* Failures and calls of the last hour. */
struct swgi_share swgi_history_hour(const struct swgi_history *history);

/* ---- measure_slo.c */
void swgi_slo_follow(struct swgi_measured *measured, swg_ns now);
void swgi_slo_add(struct swgi_measured *measured, uint32_t judged, uint32_t failures, swg_ns now);
void swgi_slo_derive(struct swgi_measured *measured, swg_ns now);

/* ---- measure_follow.c: from one look to the next */
/* At each tick. -ENOENT: it is gone, or another circuit of that name lies elsewhere. */
int swgi_measure_follow(struct swgi_measures *measures, struct swgi_measured *measured, swg_ns now);
void swgi_measure_event(struct swgi_measured *measured, const struct swg_event *event, swg_ns now);

/* ---- measure_sum.c: circuits without series of their own */
/* Adds what is a sum; the rest is left alone. */
void swgi_measured_add(struct swgi_measured *sum, const struct swgi_measured *one);
/* All of them as one circuit, "_other". */
void swgi_measures_other(const struct swgi_measures *measures, struct swgi_measured *out);
/* breaker="name", escaped, into measured->label. */
void swgi_measured_label(struct swgi_measured *measured);

#endif
