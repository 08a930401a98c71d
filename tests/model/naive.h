/*
 * The engine as a person would write it who has read engine.md and never heard of a second thread: plain fields, lists that are
 * walked, no packing. The real one is held against it step by step.
 *
 * Two things are taken over from panel.md because they are part of the promise: deadlines are rounded up to 2^22 ns (instants
 * down), and time is cut into slices of which a window holds the running one and those before it.
 */
#ifndef TESTS_MODEL_NAIVE_H
#define TESTS_MODEL_NAIVE_H

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/wide.h"
#include "engine/settings.h"
#include "switchgear/switchgear.h"

enum { NAIVE_CLOSED, NAIVE_OPEN, NAIVE_HALF, NAIVE_RAMP };
#define NAIVE_LIST 8192

struct naive_outcome {
    int64_t slice;
    unsigned half_units;
    bool slow;
};

struct naive_list {
    unsigned count;
    struct naive_outcome outcomes[NAIVE_LIST];
};

enum naive_slot_state { SLOT_FREE, SLOT_HELD, SLOT_PASSED, SLOT_FAILED, SLOT_TIMEOUT };
struct naive_slot {
    enum naive_slot_state state;
    bool slow;
    uint64_t holder; /* number of the permit */
    unsigned successes;
};

struct naive_permit {
    uint64_t number, generation;
    bool judged, probe;
    unsigned slot;
};

struct naive {
    struct swgi_settings settings;
    int state, mode;
    uint64_t generation;
    int64_t open_until, half_until, mode_until, since; /* INT64_MAX: by hand only */
    int rule;
    uint32_t score, streak;
    unsigned step;
    bool step_succeeded;
    int64_t last_trip;
    uint64_t trips, transitions;
    struct naive_slot slots[SWGI_PROBES_MAX];
    struct naive_list last;   /* the count window */
    struct naive_list recent; /* the time window */
    uint64_t recent_of;       /* the generation it belongs to */
    int64_t slice;            /* the running one, -1: none yet */
    uint64_t time_base;
    bool unjudged_in_window; /* shadow: what was not judged when it came may be, later */
    uint64_t permits;
    uint64_t calls, successes, failures, timeouts, ignored, cancelled, late, slow, rejected,
        would_reject;
};

static inline int64_t naive_round_up(int64_t at) {
    int64_t unit = INT64_C(1) << 22;

    return at <= 0 ? 0 : (at + unit - 1) / unit * unit;
}

static inline int64_t naive_round_down(int64_t at) {
    return at / (INT64_C(1) << 22) * (INT64_C(1) << 22);
}

/* Clocks of two callers may be a second off: a little in the future is now, and what is farther off was never. */
static inline uint64_t naive_passed(int64_t now, int64_t since) {
    if (now < since)
        return since - now <= INT64_C(1000000000) ? 0 : UINT64_MAX;
    return (uint64_t)(now - since);
}

/* ---- windows */

static inline void naive_push(struct naive_list *list, unsigned most,
                              struct naive_outcome outcome) {
    if (list->count == most) {
        memmove(&list->outcomes[0], &list->outcomes[1], (most - 1) * sizeof(outcome));
        list->count--;
    }
    list->outcomes[list->count++] = outcome;
}

struct naive_sums {
    uint64_t calls, half_units, slow;
};

static inline struct naive_sums naive_sum(const struct naive_list *list, int64_t after_slice) {
    struct naive_sums sums = { 0 };

    for (unsigned i = list->count; i-- > 0 && list->outcomes[i].slice > after_slice;) {
        sums.calls++;
        sums.half_units += list->outcomes[i].half_units;
        sums.slow += list->outcomes[i].slow;
    }
    return sums;
}

static inline int64_t naive_slice_at(const struct naive *n, int64_t now) {
    swgi_wide reciprocal = ((swgi_wide)1 << 64) / n->settings.slice_ns;

    return (int64_t)((swgi_wide)((uint64_t)now - n->time_base) * reciprocal >> 64);
}

/* What lies in a window of so many slices, seen from now. Time that runs backward is the same slice. */
static inline struct naive_sums naive_window(const struct naive *n, unsigned slices, int64_t now) {
    int64_t running = naive_slice_at(n, now);
    bool judges = n->state == NAIVE_CLOSED || n->state == NAIVE_RAMP;

    /* Where nothing is judged, what led there stays to be seen. */
    if (judges && n->recent_of != n->generation && n->settings.on_close == SWGI_WINDOW_CLEARED)
        return (struct naive_sums){ 0 };
    if (running < n->slice)
        running = n->slice;
    return naive_sum(&n->recent, running - (int64_t)slices);
}

static inline void naive_forget(struct naive_list *list, int64_t up_to_slice) {
    unsigned old = 0;

    while (old < list->count && list->outcomes[old].slice <= up_to_slice)
        old++;
    memmove(&list->outcomes[0], &list->outcomes[old],
            (list->count - old) * sizeof(list->outcomes[0]));
    list->count -= old;
}

static inline void naive_enter_slice(struct naive *n, int64_t now) {
    int64_t slice = n->settings.slice_ns != 0 ? naive_slice_at(n, now) : 0;

    if (n->settings.slice_ns == 0 || slice <= n->slice)
        return;
    n->slice = slice;
    naive_forget(&n->recent, slice - SWGI_SLICES_MAX);
}

/* ---- transitions */

static inline void naive_restart(struct naive *n) {
    n->score = 0;
    n->last.count = 0;
    memset(n->slots, 0, sizeof(n->slots));
    n->unjudged_in_window = false;
}

static inline void naive_new_generation(struct naive *n) {
    n->generation = (n->generation + 1) & 0xfffff;
    naive_restart(n);
}

static inline int64_t naive_open_time(const struct naive *n, int64_t retry_after) {
    long double open_for = (long double)n->settings.open_for_ns;
    const long double most = (long double)n->settings.open_max_ns;

    if (retry_after > 0)
        return retry_after < (int64_t)n->settings.retry_after_max_ns
                   ? retry_after
                   : (int64_t)n->settings.retry_after_max_ns;
    for (uint32_t i = 1; i < n->streak && open_for < most; i++)
        open_for *= n->settings.open_multiplier;
    return (int64_t)llroundl(open_for < most ? open_for : most);
}

struct naive_hand {
    int64_t bound;
    bool force;
};

static inline void naive_go(struct naive *n, int to, int rule, int64_t now, int64_t retry_after,
                            const struct naive_hand *hand) {
    bool forgotten =
        n->state == NAIVE_CLOSED && naive_passed(now, n->since) >= n->settings.backoff_reset_ns;

    bool stays = n->state == NAIVE_OPEN && to == NAIVE_OPEN && now < n->open_until;

    if (to == NAIVE_OPEN) {
        if (!stays) {
            n->streak = forgotten ? 1 : n->streak + 1;
            n->trips++;
            n->last_trip = now;
        }
        n->rule = rule;
        if (hand != NULL)
            n->open_until = hand->bound > 0 ? naive_round_up(now + hand->bound) : INT64_MAX;
        else if (n->settings.recovery == SWGI_RECOVERY_MANUAL)
            n->open_until = INT64_MAX;
        else
            n->open_until = naive_round_up(now + naive_open_time(n, retry_after));
    }
    if (to == NAIVE_CLOSED && hand != NULL)
        n->streak = 0;
    if (to == NAIVE_HALF)
        n->half_until = naive_round_up(now + (int64_t)n->settings.half_open_max_ns);
    n->state = to;
    if (!stays)
        n->since = naive_round_down(now);
    n->step = 0;
    n->step_succeeded = false;
    n->transitions++;
    naive_new_generation(n);
}

static inline bool naive_forced(const struct naive *n) {
    return n->mode == SWG_MODE_FORCED_OPEN || n->mode == SWG_MODE_FORCED_CLOSED;
}

/* Leaving a forced mode gives CLOSED, or OPEN due now if it was not CLOSED. */
static inline void naive_set_mode(struct naive *n, int mode, int64_t until, int64_t now) {
    bool was_forced = naive_forced(n);
    int64_t left = n->mode_until;

    if (n->state == NAIVE_RAMP && !was_forced)
        n->rule = 0;
    n->mode = mode;
    n->mode_until = until;
    if (was_forced && !naive_forced(n) && n->state != NAIVE_CLOSED) {
        n->state = NAIVE_OPEN;
        n->open_until = naive_round_down(now < left ? now : left);
    }
    n->step_succeeded = false;
    naive_new_generation(n);
}

static inline void naive_settle(struct naive *n, int64_t now) {
    if (n->mode != SWG_MODE_NORMAL && now >= n->mode_until)
        naive_set_mode(n, SWG_MODE_NORMAL, 0, now);
}

/* ---- calls */

static inline int naive_admit(struct naive *n, bool judged, struct naive_permit *out) {
    *out = (struct naive_permit){ .number = ++n->permits,
                                  .generation = n->generation,
                                  .judged = judged };
    n->calls++;
    return SWG_GO;
}

static inline int naive_reject(struct naive *n, struct naive_permit *out) {
    if (n->mode == SWG_MODE_SHADOW) {
        n->would_reject++;
        return naive_admit(n, false, out);
    }
    n->rejected++;
    return SWG_OPEN;
}

static inline bool naive_reaches(const struct naive *n, double part, double whole, double share) {
    return part > 0 &&
           (n->settings.compare == SWGI_ABOVE ? part > whole * share : part >= whole * share);
}

static inline uint32_t naive_share(const struct naive *n, bool slow) {
    uint32_t of_count = slow ? n->settings.count.slow_ppm : n->settings.count.failure_ppm;

    if (n->settings.count.calls != 0 && of_count != SWGI_THRESHOLD_OFF)
        return of_count;
    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX; i++)
        if (n->settings.time[i].kind == (slow ? SWGI_TIME_SLOW_RATE : SWGI_TIME_FAILURE_RATE) &&
            n->settings.time[i].threshold != SWGI_THRESHOLD_OFF)
            return n->settings.time[i].threshold;
    return 0;
}

struct naive_tally {
    unsigned held, passed, failed, ended, half_units, slow;
};

static inline struct naive_tally naive_tally(const struct naive *n) {
    struct naive_tally tally = { 0 };

    for (unsigned i = 0; i < n->settings.probes; i++) {
        const struct naive_slot *slot = &n->slots[i];

        tally.passed += slot->successes + (slot->state == SLOT_PASSED);
        tally.held += slot->state == SLOT_HELD;
        tally.failed += slot->state == SLOT_FAILED || slot->state == SLOT_TIMEOUT;
        tally.ended += slot->state > SLOT_HELD;
        tally.slow += slot->state > SLOT_HELD && slot->slow;
        if (slot->state == SLOT_FAILED)
            tally.half_units += 2;
        if (slot->state == SLOT_TIMEOUT)
            tally.half_units += n->settings.timeout_half_units;
    }
    return tally;
}

static inline bool naive_decide(struct naive *n, int64_t now, int64_t retry_after) {
    struct naive_tally tally = naive_tally(n);
    uint32_t slow_share = naive_share(n, true), failure_share = naive_share(n, false);
    bool failed, recovered;

    if (n->settings.half_verdict == SWGI_VERDICT_RATE) {
        bool all = tally.ended >= n->settings.probes;

        failed = all &&
                 ((failure_share != 0 &&
                   naive_reaches(n, tally.half_units, 2.0 * tally.ended, failure_share / 1e6)) ||
                  (slow_share != 0 && naive_reaches(n, tally.slow, tally.ended, slow_share / 1e6)));
        recovered = all && !failed;
    } else {
        failed = tally.failed != 0 || (slow_share != 0 && tally.slow != 0);
        recovered = !failed && tally.passed >= n->settings.success_threshold;
    }
    if (failed)
        naive_go(n, NAIVE_OPEN, SWG_RULE_PROBE, now, retry_after, NULL);
    else if (recovered)
        naive_go(n, n->settings.ramp_steps != 0 ? NAIVE_RAMP : NAIVE_CLOSED, 0, now, 0, NULL);
    return failed || recovered;
}

static inline void naive_alive(struct naive *n, int64_t now) {
    int64_t until = naive_round_up(now + (int64_t)n->settings.half_open_max_ns);

    if (until > n->half_until)
        n->half_until = until;
}

/* true: *rc is the answer; false: the state changed, ask again. */
static inline bool naive_probe(struct naive *n, int64_t now, struct naive_permit *out, int *rc) {
    if (now >= n->half_until) {
        for (unsigned i = 0; i < SWGI_PROBES_MAX; i++)
            if (n->slots[i].state == SLOT_HELD)
                n->slots[i].state = SLOT_FREE;
        naive_alive(n, now);
    }
    for (unsigned i = 0; i < n->settings.probes; i++) {
        if (n->slots[i].state != SLOT_FREE)
            continue;
        *rc = naive_admit(n, true, out);
        out->probe = true;
        out->slot = i;
        n->slots[i].state = SLOT_HELD;
        n->slots[i].holder = out->number;
        naive_alive(n, now);
        return true;
    }
    if (naive_decide(n, now, 0))
        return false;
    *rc = naive_reject(n, out);
    return true;
}

static inline unsigned naive_percent(const struct naive *n) {
    unsigned last = n->settings.ramp_steps - 1u;

    if (n->settings.ramp_steps == 0)
        return 100;
    return n->settings.ramp_percent[n->step < last ? n->step : last];
}

static inline bool naive_ramp_on(struct naive *n, int64_t now) {
    if (!n->step_succeeded || naive_passed(now, n->since) < n->settings.ramp_step_ns)
        return false;
    if (n->step + 1 >= n->settings.ramp_steps) {
        naive_go(n, NAIVE_CLOSED, 0, now, 0, NULL);
        return true;
    }
    n->step++;
    n->step_succeeded = false;
    n->since = naive_round_down(now);
    return true;
}

/* in_share: whether the lot of a ramp fell on this call; only that is chance. */
static inline int naive_acquire(struct naive *n, int64_t now,
                                bool (*in_share)(struct naive *, void *), void *arg,
                                struct naive_permit *out) {
    int rc = SWG_OPEN;

    for (;;) {
        naive_settle(n, now);
        if (n->mode == SWG_MODE_FORCED_OPEN)
            return naive_reject(n, out);
        if (n->mode == SWG_MODE_FORCED_CLOSED)
            return naive_admit(n, false, out);
        if (n->state == NAIVE_CLOSED)
            return naive_admit(n, true, out);
        if (n->state == NAIVE_OPEN && now < n->open_until)
            return naive_reject(n, out);
        if (n->state == NAIVE_OPEN)
            naive_go(n, NAIVE_HALF, 0, now, 0, NULL);
        if (n->state == NAIVE_HALF) {
            if (naive_probe(n, now, out, &rc))
                return rc;
            continue;
        }
        if (n->state == NAIVE_RAMP && !naive_ramp_on(n, now))
            return in_share(n, arg) ? naive_admit(n, true, out) : naive_reject(n, out);
    }
}

/* ---- outcomes */

static inline unsigned naive_weight(const struct naive *n, int outcome) {
    return outcome == SWG_FAILURE ? 2 : outcome == SWG_TIMEOUT ? n->settings.timeout_half_units : 0;
}

static inline void naive_count(struct naive *n, int outcome, bool slow) {
    n->successes += outcome == SWG_SUCCESS;
    n->failures += outcome == SWG_FAILURE;
    n->timeouts += outcome == SWG_TIMEOUT;
    n->ignored += outcome == SWG_IGNORED;
    n->slow += slow;
}

static inline bool naive_may_trip(const struct naive *n, int64_t now) {
    return n->state != NAIVE_CLOSED || naive_passed(now, n->since) >= n->settings.min_interval_ns;
}

static inline bool naive_judge_score(struct naive *n, unsigned weight, int64_t now,
                                     int64_t retry_after) {
    const struct swgi_score_settings *score = &n->settings.score;
    uint64_t up = weight == 2 ? score->up_full : score->up_half, next = n->score;

    if (weight != 0)
        next = next + up < score->limit ? next + up : score->limit;
    if (next >= score->limit && (weight != 0 || n->settings.judge_on_success) &&
        naive_may_trip(n, now)) {
        naive_go(n, NAIVE_OPEN,
                 score->kind == SWGI_SCORE_CHANGE ? SWG_RULE_CHANGE : SWG_RULE_CONSECUTIVE, now,
                 retry_after, NULL);
        return true;
    }
    if (weight == 0)
        next = score->down == UINT32_MAX || next < score->down ? 0 : next - score->down;
    n->score = (uint32_t)next;
    return false;
}

static inline bool naive_judge_count(struct naive *n, bool may_judge, int64_t now,
                                     int64_t retry_after) {
    const struct swgi_count_settings *count = &n->settings.count;
    struct naive_sums sums = naive_sum(&n->last, -1);
    int rule = 0;

    if (!may_judge || sums.calls < count->calls_min || !naive_may_trip(n, now))
        return false;
    if (count->slow_ppm != SWGI_THRESHOLD_OFF &&
        naive_reaches(n, (double)sums.slow, (double)sums.calls, count->slow_ppm / 1e6))
        rule = SWG_RULE_COUNT_SLOW;
    if (count->failure_ppm != SWGI_THRESHOLD_OFF &&
        naive_reaches(n, (double)sums.half_units, 2.0 * (double)sums.calls,
                      count->failure_ppm / 1e6))
        rule = SWG_RULE_COUNT_FAILURE;
    if (rule != 0)
        naive_go(n, NAIVE_OPEN, rule, now, retry_after, NULL);
    return rule != 0;
}

static inline bool naive_met(const struct naive *n, const struct swgi_time_rule *rule) {
    struct naive_sums sums = naive_sum(&n->recent, n->slice - rule->slices);

    if (rule->threshold == SWGI_THRESHOLD_OFF || sums.calls < rule->calls_min)
        return false;
    if (rule->kind == SWGI_TIME_FAILURES)
        return naive_reaches(n, (double)sums.half_units, 1, rule->threshold);
    if (rule->kind == SWGI_TIME_SLOW_RATE)
        return naive_reaches(n, (double)sums.slow, (double)sums.calls, rule->threshold / 1e6);
    return naive_reaches(n, (double)sums.half_units, 2.0 * (double)sums.calls,
                         rule->threshold / 1e6);
}

/* 0, or the rule the time window meets. */
static inline int naive_time_finding(const struct naive *n) {
    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX && n->settings.time[i].kind != SWGI_TIME_NONE; i++)
        if (naive_met(n, &n->settings.time[i]))
            return SWG_RULE_TIME_1 + (int)i;
    return 0;
}

/* Late failures push the deadline, where the axis says so; never that of a hand. */
static inline void naive_push_open(struct naive *n, int64_t now, int64_t retry_after) {
    if (n->state != NAIVE_OPEN || naive_forced(n) || n->rule == SWG_RULE_HAND ||
        n->open_until == INT64_MAX || now >= n->open_until)
        return;
    int64_t until = naive_round_up(now + naive_open_time(n, retry_after));

    if (until > n->open_until)
        n->open_until = until;
}

static inline void naive_late(struct naive *n, int outcome, int64_t now, int64_t retry_after) {
    n->late++;
    if (n->settings.open_from == SWGI_OPEN_FROM_LAST_FAILURE && naive_weight(n, outcome) != 0)
        naive_push_open(n, now, retry_after);
}

static inline void naive_end_probe(struct naive *n, struct naive_slot *slot, int outcome,
                                   bool slow) {
    unsigned weight = naive_weight(n, outcome);
    bool neutral = (outcome == SWG_IGNORED && n->settings.ignored == SWGI_IGNORED_NEUTRAL) ||
                   (outcome == SWG_TIMEOUT && weight == 0);

    slot->state = SLOT_FREE;
    if (neutral)
        return;
    slot->slow = slow;
    if (weight != 0)
        slot->state = outcome == SWG_TIMEOUT ? SLOT_TIMEOUT : SLOT_FAILED;
    else if (n->settings.half_permits == SWGI_PERMITS_TOTAL || (slow && naive_share(n, true) != 0))
        slot->state = SLOT_PASSED;
    else
        slot->successes++;
}

static inline void naive_enter_windows(struct naive *n, int outcome, bool slow, bool judged,
                                       int64_t now) {
    struct naive_outcome what = { .half_units = naive_weight(n, outcome), .slow = slow };

    if (outcome == SWG_IGNORED && n->settings.ignored == SWGI_IGNORED_NEUTRAL)
        return;
    if (n->settings.count.calls != 0 && judged)
        naive_push(&n->last, n->settings.count.calls, what);
    if (n->settings.slice_ns == 0)
        return;
    if (n->recent_of != n->generation && n->settings.on_close == SWGI_WINDOW_CLEARED)
        n->recent.count = 0;
    n->recent_of = n->generation;
    naive_enter_slice(n, now);
    what.slice = n->slice;
    naive_push(&n->recent, NAIVE_LIST, what);
}

/* tripped: did the real one trip, asked only where both answers are right. */
static inline void naive_judge(struct naive *n, int outcome, bool slow, int64_t now,
                               int64_t retry_after, bool tripped) {
    unsigned weight = naive_weight(n, outcome);
    bool bad = weight != 0 || slow, may_judge = bad || n->settings.judge_on_success;
    int rule;

    if (n->settings.score.kind != SWGI_SCORE_NONE && !(outcome == SWG_TIMEOUT && weight == 0) &&
        naive_judge_score(n, weight, now, retry_after))
        return;
    if (n->settings.count.calls != 0 && naive_judge_count(n, may_judge, now, retry_after))
        return;
    if (n->settings.slice_ns == 0 || !may_judge || !naive_may_trip(n, now))
        return;
    rule = naive_time_finding(n);
    if (rule != 0 && (bad || !n->unjudged_in_window || tripped))
        naive_go(n, NAIVE_OPEN, rule, now, retry_after, NULL);
}

static inline void naive_record(struct naive *n, const struct naive_permit *permit, int outcome,
                                bool slow, int64_t now, int64_t retry_after, bool tripped) {
    bool judges = !naive_forced(n) && (n->state == NAIVE_CLOSED || n->state == NAIVE_RAMP);

    if (permit->generation != n->generation) {
        naive_late(n, outcome, now, retry_after);
        return;
    }
    if (permit->probe && (n->slots[permit->slot].state != SLOT_HELD ||
                          n->slots[permit->slot].holder != permit->number)) {
        n->late++;
        return;
    }
    naive_count(n, outcome, slow);
    naive_enter_windows(n, outcome, slow, judges && permit->judged, now);
    if (permit->probe) {
        naive_end_probe(n, &n->slots[permit->slot], outcome, slow);
        naive_alive(n, now);
        naive_decide(n, now, retry_after);
        return;
    }
    if (!judges || (outcome == SWG_IGNORED && n->settings.ignored == SWGI_IGNORED_NEUTRAL))
        return;
    if (!permit->judged) {
        n->unjudged_in_window = true;
        if (tripped && naive_time_finding(n) != 0)
            naive_go(n, NAIVE_OPEN, naive_time_finding(n), now, retry_after, NULL);
        return;
    }
    naive_judge(n, outcome, slow, now, retry_after, tripped);
    if (n->state == NAIVE_RAMP && outcome != SWG_FAILURE && outcome != SWG_TIMEOUT) {
        n->step_succeeded = true;
        naive_ramp_on(n, now);
    }
}

static inline void naive_cancel(struct naive *n, const struct naive_permit *permit, int64_t now) {
    struct naive_slot *slot = &n->slots[permit->slot];

    n->cancelled++;
    if (!permit->probe || permit->generation != n->generation || slot->state != SLOT_HELD ||
        slot->holder != permit->number)
        return;
    slot->state = SLOT_FREE;
    naive_alive(n, now);
    naive_decide(n, now, 0);
}

/* ---- hands */

static inline int naive_trip(struct naive *n, const struct naive_hand *hand, int64_t now) {
    naive_settle(n, now);
    if (naive_forced(n))
        return -EBUSY;
    naive_go(n, NAIVE_OPEN, SWG_RULE_HAND, now, 0, hand);
    return 0;
}

static inline int naive_reset(struct naive *n, const struct naive_hand *hand, int64_t now) {
    naive_settle(n, now);
    if (naive_forced(n))
        return -EBUSY;
    if (!hand->force && n->last_trip != 0 &&
        naive_passed(now, n->last_trip) < n->settings.cooldown_ns)
        return -EAGAIN;
    naive_go(n, NAIVE_CLOSED, SWG_RULE_HAND, now, 0, hand);
    return 0;
}

static inline int naive_probe_now(struct naive *n, const struct naive_hand *hand, int64_t now) {
    naive_settle(n, now);
    if (naive_forced(n))
        return -EBUSY;
    if (n->state != NAIVE_OPEN)
        return -EALREADY;
    if (n->settings.recovery == SWGI_RECOVERY_MANUAL && n->rule != SWG_RULE_HAND && !hand->force &&
        naive_passed(now, n->since) < n->settings.open_for_ns)
        return -EAGAIN;
    naive_go(n, NAIVE_HALF, SWG_RULE_HAND, now, 0, hand);
    return 0;
}

static inline void naive_mode(struct naive *n, int mode, const struct naive_hand *hand,
                              int64_t now) {
    naive_settle(n, now);
    if (mode == SWG_MODE_NORMAL && n->mode == SWG_MODE_NORMAL)
        return;
    naive_set_mode(n, mode, hand->bound > 0 ? naive_round_up(now + hand->bound) : INT64_MAX, now);
}

/* Other windows: the same state, everything measured forgotten. */
static inline void naive_configure(struct naive *n, const struct swgi_settings *settings,
                                   uint64_t time_base) {
    bool same = swgi_settings_same_windows(&n->settings, settings);

    n->settings = *settings;
    n->time_base = time_base;
    if (same)
        return;
    naive_new_generation(n);
    n->recent.count = 0;
    n->recent_of = n->generation;
    n->slice = -1;
    n->step_succeeded = false;
}

static inline void naive_begin(struct naive *n, const struct swgi_settings *settings,
                               uint64_t generation, uint64_t time_base) {
    memset(n, 0, sizeof(*n));
    n->settings = *settings;
    n->generation = generation;
    n->time_base = time_base;
    n->recent_of = generation;
    n->slice = -1;
}

#endif
