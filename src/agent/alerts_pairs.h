/*
 * The engine of alerts: which rule holds for which circuit, since when, and what silences it. No clock and no I/O: time is an
 * argument, and what happens is told to one function.
 *
 * A pair of a rule and a circuit is unknown, then pending for the rule's for_ns, then firing, then told as ended and forgotten.
 * A pair whose circuit depends, over any number of steps, on one for which a rule about causes (open, failure rate, rejections) of
 * at least the same severity fires, is inhibited: shown, but not for receivers. One that still fires SWGI_ALERT_GRACE_NS after its
 * cause is gone is released to them. Circuits that depend on each other silence none of each other.
 */
#ifndef SWGI_AGENT_ALERTS_PAIRS_H
#define SWGI_AGENT_ALERTS_PAIRS_H

#include "agent/alerts_memo.h"
#include "agent/alerts_rules.h"

#define SWGI_PAIRS_MAX      4096u /* pending and firing together; more are counted as dropped */
#define SWGI_PAIRS_BUCKETS  1024u
#define SWGI_MOMENTS_MAX    128u /* changes of state between two ticks; more are counted as dropped */
#define SWGI_UPSTREAM_MAX   64u /* circuits looked at when a cause is searched */
#define SWGI_ALERT_GRACE_NS (INT64_C(30) * 1000000000)
/* A circuit that depends on others waits so long for their alerts before its own is told: effects come before their causes, too. */
#define SWGI_ALERT_SETTLE_NS (INT64_C(2) * 1000000000)
/* What an earlier agent told of rates stands until this one has rates of its own. */
#define SWGI_ALERT_RESTORED_NS (INT64_C(120) * 1000000000)
/* What it noted so short before its end may have reached nobody, and is told again. */
#define SWGI_ALERT_UNSURE_MS INT64_C(60000)

struct swgi_alert_clock {
    swg_ns now; /* any clock that only grows, the same for all calls */
    int64_t wall_ms;
};

struct swgi_pair {
    char circuit[SWGI_FILE_WORD_MAX]; /* "": of no single one */
    unsigned rule;                    /* of file->alerts */
    bool firing;                      /* else pending */
    bool fresh;                       /* firing, and not told to anybody yet */
    bool told;                        /* receivers know of it */
    bool unsure;                      /* told, but perhaps in vain */
    bool recall;                      /* told, but receivers that must be reminded may not know */
    swg_ns since;                     /* begin of what it is now, pending or firing */
    swg_ns held_until;                /* so long it goes on even if it is not measured; 0 */
    swg_ns inhibited_at;              /* when it last was; 0: never */
    int64_t since_wall_ms;
    double value;
    char inhibited_by[SWGI_FILE_WORD_MAX];
    char summary[SWGI_SUMMARY_MAX];
    uint64_t seen; /* the tick in which it last held */
    struct swgi_pair *next;
};

enum swgi_pair_news {
    SWGI_PAIR_FIRED,    /* for receivers, too, unless inhibited_by says not */
    SWGI_PAIR_RELEASED, /* now for receivers, too */
    SWGI_PAIR_RECALLED, /* for receivers that must be reminded */
    SWGI_PAIR_ENDED,    /* for receivers if they were told of it */
    SWGI_PAIR_MOMENT    /* fired, and will never end */
};
/* measure is NULL where there is none: of no single circuit, or of one that is gone. */
typedef void swgi_pairs_fn(void *arg, const struct swgi_file_alert *rule,
                           const struct swgi_pair *pair, const struct swgi_measure *measure,
                           enum swgi_pair_news news);

struct swgi_pairs {
    struct swgi_file *file; /* the caller's, who keeps it as long as it is here */
    swgi_pairs_fn *fn;
    void *arg;
    uint64_t tick, dropped;
    size_t count, room, firing;
    struct swgi_pair **at;
    struct swgi_pair *buckets[SWGI_PAIRS_BUCKETS];
    struct swgi_memo memos[SWGI_MEMOS];
    unsigned moments_count;
    struct swg_event moments[SWGI_MOMENTS_MAX];
    /* Of the tick that is going on, by name. */
    const struct swgi_measure *const *measures;
    size_t measures_count;
    struct swgi_alert_clock clock;
};

/* A new engine on the heap, for swgi_pairs_free(); NULL: out of memory. */
struct swgi_pairs *swgi_pairs_new(struct swgi_file *file, swgi_pairs_fn *fn, void *arg);
struct swgi_pairs *swgi_pairs_free(struct swgi_pairs *pairs);
/* Another file: pairs of rules that it has too, by name and kind, go on; the others end. */
void swgi_pairs_reload(struct swgi_pairs *pairs, struct swgi_file *file,
                       struct swgi_alert_clock clock);
/* Whatever happened; acted upon at the next tick. */
void swgi_pairs_event(struct swgi_pairs *pairs, const struct swg_event *event);
/* Fires the rules about that kind (SWGI_ALERT_EVENTS_LOST, ...) for SWGI_ALERT_HOLD_NS. */
void swgi_pairs_agent(struct swgi_pairs *pairs, int when, double value, const char *text,
                      struct swgi_alert_clock clock);
/* All measures of now, ascending by name. */
void swgi_pairs_tick(struct swgi_pairs *pairs, const struct swgi_measure *const *measures,
                     size_t count, struct swgi_alert_clock clock);
/*
 * As if it had fired before, and receivers knew unless that was just now: what an earlier agent told. It goes on at the next tick,
 * or ends there. false: no such rule, or no room.
 */
bool swgi_pairs_restore(struct swgi_pairs *pairs, const char *rule, const char *circuit,
                        int64_t since_wall_ms, struct swgi_alert_clock clock);

/* alerts_causes.c: the circuit that silences an alert of that severity; NULL: none. */
const char *swgi_pairs_cause(const struct swgi_pairs *pairs, const char *circuit, int severity);
bool swgi_pairs_depends(const struct swgi_pairs *pairs, const char *circuit);
/* alerts_table.c. NULL: no room, which is counted. */
struct swgi_pair *swgi_pairs_add(struct swgi_pairs *pairs, unsigned rule, const char *circuit);
void swgi_pairs_remove(struct swgi_pairs *pairs, size_t index);
/* After rules got other numbers. */
void swgi_pairs_sort(struct swgi_pairs *pairs);
const struct swgi_measure *swgi_pairs_measure(const struct swgi_pairs *pairs, const char *circuit);
struct swgi_pair *swgi_pairs_find(const struct swgi_pairs *pairs, unsigned rule,
                                  const char *circuit);

#endif
