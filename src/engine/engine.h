/*
 * The engine: what a breaker does. Every decision is a function of the panel's words, the circuit's
 * settings and now.
 *
 * A turn is one caller's look at one circuit away from the fast path: it carries the instant the
 * caller may be believed about and a private copy of the settings. Nothing here blocks, allocates
 * or reads a clock; whether a process is alive is asked of the panel.
 */
#ifndef SWGI_ENGINE_ENGINE_H
#define SWGI_ENGINE_ENGINE_H

#include "base/shared.h"
#include "base/wide.h"
#include "engine/settings.h"
#include "panel/panel.h"
#include "panel/words.h"

struct swgi_turn {
    struct swgi_map *map;
    struct swgi_cell *cell;
    uint32_t index;                /* of the cell */
    int64_t now;                   /* panel time; what moves shared words asks swgi_turn_now() */
    bool believed;                 /* now was compared with our own clock */
    struct swgi_settings settings; /* without policies, until swgi_turn_policies() */
    uint32_t settings_sequence;    /* which of the panel's it is a copy of */
    uint32_t overdue; /* calls in flight for longer than the slow threshold: slow before they end */
    int64_t retry_after;          /* what the dependency asked for in this call; 0: nothing */
    const struct swgi_hand *hand; /* who acts; NULL: a rule, or time */
};

/* What a circuit was like in another panel: of a machine since booted, or whose file is gone. */
struct swgi_past {
    bool is_open;         /* or was to be probed: that begins anew */
    unsigned mode;        /* SWGI_NORMAL ... */
    unsigned rule;        /* that opened it */
    int64_t open_for_ns;  /* how much longer; 0: due now; INT64_MAX: until a hand acts */
    int64_t mode_for_ns;  /* how much longer; INT64_MAX: until a hand acts */
    int64_t since_ago_ns; /* since when it is open */
    int64_t trip_ago_ns;  /* its last trip; -1: none */
    uint64_t trips;       /* in its life */
    uint32_t trips_in_a_row;
    double value, threshold; /* evidence of the last trip */
    uint64_t calls;
    int64_t trip_wall_ms, mode_wall_ms;
    char mode_user[32], mode_reason[128];
};

/* A person's act, as it will stand in the audit. */
struct swgi_hand {
    const char *user, *reason, *source; /* NULL: "system", none, "program" */
    int64_t for_ns;                     /* 0: unbounded */
    bool force;
    const struct swgi_past *past; /* NULL: it is of now */
};

/* now is believed until something would be moved by it; then it is compared with our own clock,
 * once. */
void swgi_turn_begin(struct swgi_turn *turn, struct swgi_map *map, uint32_t index, int64_t now);
void swgi_turn_believe(struct swgi_turn *turn);
/* A turn without settings, of an instant that was compared already: for counting and telling. */
void swgi_turn_look(struct swgi_turn *turn, struct swgi_map *map, uint32_t index, int64_t now);
/*
 * How long since an instant in the panel: two clocks may differ by up to a second, so a little in the future is now; further
 * off it is no instant of ours, and for ever ago.
 */
static inline uint64_t swgi_passed(int64_t now, int64_t since) {
    if (now >= since)
        return (uint64_t)now - (uint64_t)since;
    return (uint64_t)since - (uint64_t)now <= UINT64_C(1000000000) ? 0 : UINT64_MAX;
}
/* An instant that far ahead; what no instant can say is never. */
static inline int64_t swgi_after(int64_t now, uint64_t ns) {
    return ns < (uint64_t)INT64_MAX - (uint64_t)(now > 0 ? now : 0) ? now + (int64_t)ns : INT64_MAX;
}
static inline int64_t swgi_turn_now(struct swgi_turn *turn) {
    if (!turn->believed)
        swgi_turn_believe(turn);
    return turn->now;
}

/* The cell's name, ended whatever stands there. */
SWGI_SHARED void swgi_cell_name(const struct swgi_cell *cell, char name[SWGI_NAME_MAX + 1]);

/* ---- settings in the panel (turn.c) */
/* Returns the sequence they were read at. */
uint32_t swgi_settings_load(const struct swgi_cell *cell, struct swgi_settings *out);
/* All of them; a circuit without policies has their defaults. */
uint32_t swgi_settings_load_all(const struct swgi_map *map, const struct swgi_cell *cell,
                                struct swgi_settings *out);
/* Which policies calls must look at: SWGI_TRAIT_... (policies.c) */
uint32_t swgi_policies_traits_now(const struct swgi_map *map, const struct swgi_cell *cell);
/* The policies alone, into a turn's settings. */
void swgi_turn_policies(struct swgi_turn *turn);
/* Finish what a killed configurer left. */
void swgi_settings_mend(struct swgi_turn *turn);
/* Under the registry lock. Publishes settings and the words derived from them; fresh: nobody uses
 * the cell yet. */
void swgi_settings_install(struct swgi_turn *turn, const struct swgi_settings *settings,
                           bool fresh);

/* ---- outcomes */
enum swgi_class { SWGI_CLASS_SUCCESS, SWGI_CLASS_FAILURE, SWGI_CLASS_TIMEOUT, SWGI_CLASS_IGNORED };

struct swgi_outcome {
    enum swgi_class class;
    bool slow;
};

/* Half-units of failure an outcome weighs: 0, 1, 2. */
unsigned swgi_outcome_weight(const struct swgi_settings *settings, enum swgi_class class);

/* ---- breaker.c: what calls do */
struct swgi_ticket {
    uint64_t generation;
    uint64_t probe; /* the slot's word as we made it */
    unsigned slot;
    bool has_probe;
    bool judged; /* false: admitted whatever the machine says */
};

/* Admit or reject: 0 with a ticket, or SWG_OPEN with *retry_in (INT64_MAX: by hand only). Counts
 * what it rejects. */
int swgi_breaker_admit(struct swgi_turn *turn, uint64_t key, struct swgi_ticket *ticket,
                       int64_t *retry_in);
/* Count an outcome and judge. 0, or -EINVAL for a copy of a probe's permit that was ended before.
 */
int swgi_breaker_record(struct swgi_turn *turn, const struct swgi_ticket *ticket,
                        const struct swgi_outcome *outcome);
/* Judge without an outcome: turn->overdue may be what trips. */
void swgi_breaker_watch(struct swgi_turn *turn);
/* The call was not made: free what it holds. */
int swgi_breaker_cancel(struct swgi_turn *turn, const struct swgi_ticket *ticket);
/* What ctl means at that instant: OPEN past its deadline is HALF, a mode past its bound is normal.
 * Pure. */
uint64_t swgi_effective_ctl(const struct swgi_cell *cell, uint64_t ctl, int64_t now);
/* Would a call at that instant be rejected, whatever else? Pure. */
bool swgi_breaker_is_open(const struct swgi_cell *cell, int64_t now);
/* The failure or slow share, in parts per million, of the circuit's own rate rules, which a verdict
 * by rate compares with, too; SWGI_THRESHOLD_OFF: none. */
uint32_t swgi_rate_threshold(const struct swgi_settings *settings, bool slow);

/* ---- acts.c: what hands do. 0 or -errno. */
int swgi_act_trip(struct swgi_turn *turn);
int swgi_act_reset(struct swgi_turn *turn);
int swgi_act_probe(struct swgi_turn *turn);
int swgi_act_mode(struct swgi_turn *turn, unsigned mode);
/* Puts the hand's past into a circuit that has none: -EALREADY when it has, and only the trips of its
 * life are added. */
int swgi_act_restore(struct swgi_turn *turn);
/* The mode's own bound has passed: back to normal. false: somebody else changed the word. */
bool swgi_mode_expire(struct swgi_turn *turn, uint64_t ctl);
/* When a bounded mode ends (INT64_MAX: never, 0: mode is normal). */
int64_t swgi_mode_until(const struct swgi_cell *cell, uint64_t ctl);

/* ---- transition.c */
struct swgi_finding {
    unsigned rule; /* SWG_RULE_... */
    double value, threshold;
    uint64_t calls;
};
/* CAS ctl from that word to a new state, generation + 1, and install all that goes with it. false:
 * the word had changed. */
bool swgi_transition(struct swgi_turn *turn, uint64_t ctl, unsigned to,
                     const struct swgi_finding *finding);
/*
 * Is that the evidence of this OPEN? A change of mode or windows raises the generation and keeps the time, and so does a hand that
 * trips what is open, which leaves the evidence as it is. Of a HALF_OPEN only the rule is known.
 */
bool swgi_evidence_is_of(const struct swgi_cell *cell, uint64_t ctl,
                         const struct swgi_evidence *evidence);
/* The instant that long ago. */
int64_t swgi_before(struct swgi_turn *turn, int64_t ago_ns);
/* CAS ctl to the same state under a new generation: mode or windows changed. */
bool swgi_renew(struct swgi_turn *turn, uint64_t ctl, uint64_t renewed);
bool swgi_transition_legal(unsigned from, unsigned to, bool by_hand);
/* Since when the present state (and ramp step) lasts; installs it when a killed winner left it
 * stale. */
int64_t swgi_since_of(struct swgi_turn *turn, uint64_t ctl);
/* May a rule trip now, or does the minimum interval withhold it? */
bool swgi_trip_allowed(struct swgi_turn *turn, uint64_t ctl);
/* The trip by rule: false when the word had changed. */
bool swgi_trip(struct swgi_turn *turn, uint64_t ctl, const struct swgi_finding *finding);
/* Set or clear the armed bit at the same generation; false: the word had changed. */
bool swgi_arm(struct swgi_turn *turn, uint64_t ctl, bool armed);

/* ---- open_time.c */
/* How long to stay open after that many trips in a row; share in [0, 1) is the jitter's lot.
 * Formula: engine.md, Open time. */
int64_t swgi_open_time(const struct swgi_settings *settings, uint32_t trips_in_a_row,
                       int64_t retry_after, double share);

/* ---- score.c */
/* Move the score by an outcome's weight and judge. false: the generation had moved on. */
bool swgi_score_record(struct swgi_turn *turn, uint64_t generation, unsigned weight);
/* What a score comes to as evidence. */
struct swgi_finding swgi_score_finding(const struct swgi_turn *turn, uint32_t score);
/* What is told of the limit: as it is configured, where the score itself stops at a half more under compare: above. */
double swgi_score_threshold(const struct swgi_settings *settings);
/* The next score, as plain arithmetic. */
uint32_t swgi_score_next(const struct swgi_score_settings *score, uint32_t present,
                         unsigned weight);

/* ---- count_window.c */
struct swgi_count {
    uint32_t calls, half_units, slow;
};
/* Add an outcome to a window of n calls: its word right after, or 0 when the generation had moved
 * on. */
uint64_t swgi_count_add(const struct swgi_map *map, struct swgi_cell *cell, unsigned n,
                        uint64_t generation, unsigned weight, bool slow);
struct swgi_count swgi_count_of(uint64_t word, unsigned n);
/* Without a turn: can no rule be met by that word? */
bool swgi_count_is_calm(const struct swgi_cell *cell, uint64_t word, unsigned n);
bool swgi_count_read(const struct swgi_cell *cell, const struct swgi_settings *settings,
                     struct swgi_count *out);
void swgi_count_judge(struct swgi_turn *turn, uint64_t generation, const struct swgi_count *count,
                      bool may_trip);
/* What the window holds now as evidence, met or not. false: no rule judges it. */
bool swgi_count_finding(const struct swgi_turn *turn, struct swgi_finding *out);
uint64_t swgi_count_empty(uint64_t generation);
/* The word: position:19 (lap and index) | full:1 | half-units:11 | slow:10 | pending:3 |
 * generation:20. */
#define SWGI_COUNT_POSITION         SWGI_MASK(19)
#define SWGI_COUNT_FULL             (UINT64_C(1) << 19)
#define SWGI_COUNT_PENDING_SHIFT    41
#define SWGI_COUNT_GENERATION_SHIFT 44
#define SWGI_COUNT_STANDS           UINT64_C(7) /* pending: a good outcome, which stands in its slot */
static inline uint64_t swgi_count_generation(uint64_t word) {
    return word >> SWGI_COUNT_GENERATION_SHIFT;
}
/* What a position grows by from one lap of n slots to the next; below it is the index. */
static inline uint32_t swgi_count_lap(unsigned n) {
    return n <= 2 ? 2 : UINT32_C(2) << (31 ^ __builtin_clz(n - 1));
}
/*
 * The short way of a good outcome into a full window of good ones: what falls out is good, too, so
 * the counts stay, its slot says what it must, and only the position moves on. The word right after,
 * or 0: not that, at the end of a lap, or the word moved meanwhile; nothing was counted.
 */
static inline uint64_t swgi_count_pass(struct swgi_cell *cell, unsigned n, uint64_t generation) {
    uint64_t seen = swgi_load(&cell->window);
    uint64_t calm = generation << SWGI_COUNT_GENERATION_SHIFT |
                    SWGI_COUNT_STANDS << SWGI_COUNT_PENDING_SHIFT | SWGI_COUNT_FULL;
    uint32_t index = (uint32_t)(seen & SWGI_COUNT_POSITION) & (swgi_count_lap(n) - 1);
    bool passes = swgi_likely((seen & ~SWGI_COUNT_POSITION) == calm) && swgi_likely(index + 1 < n);
    return passes && swgi_likely(swgi_cas(&cell->window, seen, seen + 1)) ? seen + 1 : 0;
}

/* ---- time_window.c */
struct swgi_window {
    uint64_t calls, half_units, slow;
};
/* Bring the running slice up to now. true: this caller rotated, and should judge. */
bool swgi_time_enter(struct swgi_turn *turn, uint64_t generation);
/* What lies in a window of that many slices. Sums the columns. */
void swgi_time_read(const struct swgi_turn *turn, unsigned slices, struct swgi_window *out);
void swgi_time_judge(struct swgi_turn *turn, uint64_t generation, bool may_trip);
/* What the first rule's window holds now as evidence, met or not. false: there is no such rule. */
bool swgi_time_finding(const struct swgi_turn *turn, struct swgi_finding *out);
/* Start the clock of slices: at creation, or with other slices. */
void swgi_time_restart(struct swgi_cell *cell, uint64_t slice_ns, int64_t now);
static inline uint32_t swgi_tick(uint32_t tick_base, uint64_t time_base, uint64_t reciprocal,
                                 int64_t now) {
    uint64_t passed = (uint64_t)((swgi_wide)((uint64_t)now - time_base) * reciprocal >> 64);
    return (tick_base + (uint32_t)passed) & (uint32_t)SWGI_MASK(SWGI_TICK_BITS);
}

/* ---- probes.c */
enum swgi_probe_answer { SWGI_PROBE_GRANTED, SWGI_PROBE_NONE_FREE, SWGI_PROBE_MOVED };
enum swgi_probe_answer swgi_probe_take(struct swgi_turn *turn, uint64_t ctl,
                                       struct swgi_ticket *ticket);
/* 0; -EINVAL: this permit was ended before (a copy); -ESTALE: the slot was taken over meanwhile. */
int swgi_probe_end(struct swgi_turn *turn, const struct swgi_ticket *ticket,
                   const struct swgi_outcome *outcome);
/* Of an older generation: nobody counts on it, but it need not look held. */
void swgi_probe_free(struct swgi_turn *turn, const struct swgi_ticket *ticket);
/* Does what the probes found decide? Then do it. true: the word moved. */
bool swgi_probe_decide(struct swgi_turn *turn, uint64_t ctl);
struct swgi_probe_tally {
    unsigned held, passed, failed, ended, half_units, slow;
};
void swgi_probe_tally(const struct swgi_cell *cell, uint64_t generation, unsigned probes,
                      struct swgi_probe_tally *out);

/* ---- ramp.c */
/* Is this call among the share? By key if there is one, else by lot. */
bool swgi_ramp_admits(struct swgi_turn *turn, uint64_t ctl, uint64_t key);
/* Go to the next step, or to CLOSED, when this one has lasted and something succeeded in it. true:
 * the word moved. */
bool swgi_ramp_advance(struct swgi_turn *turn, uint64_t ctl);
void swgi_ramp_success(struct swgi_turn *turn, uint64_t generation);
unsigned swgi_ramp_percent(const struct swgi_settings *settings, uint64_t ctl);

/* ---- histogram: bin 0 below 2^10 ns, then four bins an octave up to 2^41 ns */
static inline unsigned swgi_histogram_bin(int64_t duration) {
    if (duration < 1024)
        return 0;
    unsigned exponent = 63u ^ (unsigned)__builtin_clzll((unsigned long long)duration);
    unsigned quarters = (unsigned)((uint64_t)duration >> (exponent - 2)); /* 4 to 7 */
    unsigned bin = 1 + (exponent - 10) * 4 + (quarters - 4);
    return bin < SWGI_HISTOGRAM_BINS ? bin : SWGI_HISTOGRAM_BINS - 1;
}
/* The instant a bin ends, exclusive. */
SWGI_SHARED int64_t swgi_histogram_bound(unsigned bin);

/* ---- notices (transition.c) */
/* Circuit, time, user, reason and source of an event that tells of this turn. */
void swgi_event_name(const struct swgi_turn *turn, struct swgi_event_data *event);
/* An act that is told by its kind alone. */
void swgi_act_tell(struct swgi_turn *turn, unsigned kind);
/* An error of a call, as its caller told it. */
struct swgi_call_error {
    const char *kind, *text, *traceparent; /* NULL: not told */
    int code;
    int64_t duration_ns;
};
void swgi_note_sample(struct swgi_turn *turn, const struct swgi_call_error *error);
void swgi_note_rejections(struct swgi_turn *turn, int verdict, unsigned counter);
/* The stamp of rejections: second | verdicts told in it. Was this verdict? */
#define SWGI_VERDICTS_BITS 16
static inline uint64_t swgi_verdicts_second(int64_t now) {
    return (uint64_t)now / 1000000000u + 1;
}
static inline bool swgi_rejections_noted(const struct swgi_cell *cell, int verdict, int64_t now) {
    uint64_t stamp = swgi_load_relaxed(&cell->reject_stamp, STAMP);
    return stamp >> SWGI_VERDICTS_BITS == swgi_verdicts_second(now) && stamp >> verdict & 1;
}
/* A caller's clock was that many seconds off. */
void swgi_note_clock(struct swgi_turn *turn, double off_by);

#endif
