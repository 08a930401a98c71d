/* The breaker: what each state does with a call that asks, and with the outcome of one that was let
 * through. */
#include "engine/engine.h"

#include <errno.h>

unsigned swgi_outcome_weight(const struct swgi_settings *settings, enum swgi_class class) {
    if (class == SWGI_CLASS_FAILURE)
        return 2;
    return class == SWGI_CLASS_TIMEOUT ? settings->timeout_half_units : 0;
}

int64_t swgi_mode_until(const struct swgi_cell *cell, uint64_t ctl) {
    if (swgi_ctl_mode(ctl) == SWGI_NORMAL)
        return 0;
    if (swgi_ctl_forced(ctl))
        return swgi_deadline_time(swgi_ctl_deadline(ctl));
    uint64_t deadline = swgi_load(&cell->shadow_until) & SWGI_MASK(SWGI_DEADLINE_BITS);
    return deadline == 0 ? INT64_MAX : swgi_deadline_time(deadline);
}

uint64_t swgi_effective_ctl(const struct swgi_cell *cell, uint64_t ctl, int64_t now) {
    if (swgi_ctl_mode(ctl) != SWGI_NORMAL && now >= swgi_mode_until(cell, ctl)) {
        bool forced = swgi_ctl_forced(ctl);
        uint64_t generation = swgi_ctl_generation(ctl);
        if (!forced)
            ctl &= ~UINT64_C(12);
        else if (swgi_ctl_state(ctl) == SWGI_CLOSED)
            ctl = swgi_ctl(SWGI_CLOSED, SWGI_NORMAL, generation, 0);
        else
            ctl = swgi_ctl(SWGI_OPEN, SWGI_NORMAL, generation,
                           swgi_payload_deadline(0, swgi_ctl_rule(ctl)));
    }
    bool due = swgi_ctl_state(ctl) == SWGI_OPEN && !swgi_ctl_forced(ctl) &&
               now >= swgi_deadline_time(swgi_ctl_deadline(ctl));
    return due ? (ctl & ~UINT64_C(3)) | SWGI_HALF : ctl;
}

bool swgi_breaker_is_open(const struct swgi_cell *cell, int64_t now) {
    uint64_t ctl = swgi_effective_ctl(cell, swgi_load(&cell->ctl), now);
    unsigned mode = swgi_ctl_mode(ctl);
    return mode == SWGI_FORCED_OPEN || (mode == SWGI_NORMAL && swgi_ctl_state(ctl) == SWGI_OPEN);
}

static int admit(uint64_t ctl, bool judged, struct swgi_ticket *ticket) {
    *ticket = (struct swgi_ticket){ .generation = swgi_ctl_generation(ctl), .judged = judged };
    return SWG_GO;
}

static int reject(struct swgi_turn *turn, uint64_t ctl, int64_t until, struct swgi_ticket *ticket,
                  int64_t *retry_in) {
    struct swgi_column *column = swgi_column(turn->index);
    if (swgi_ctl_mode(ctl) == SWGI_SHADOW) {
        swgi_column_add(&column->would_reject, 1);
        return admit(ctl, false, ticket);
    }
    swgi_column_add(&column->rejected[0], 1);
    *retry_in = until == INT64_MAX            ? INT64_MAX
                : until > swgi_turn_now(turn) ? until - swgi_turn_now(turn)
                                              : 0;
    return SWG_OPEN;
}

static bool open_to_half(struct swgi_turn *turn, uint64_t ctl) {
    /* Its time is over: no rule found that. Which one opened it stays in the word. */
    static const struct swgi_finding nothing = { .rule = SWG_RULE_NONE };
    return swgi_transition(turn, ctl, SWGI_HALF, &nothing);
}

/* How soon asking a rejecting HALF_OPEN again may help: nobody knows; a probe usually ends within
 * the slow threshold. */
#define HALF_RETRY_NS INT64_C(100000000)

static int admit_half(struct swgi_turn *turn, uint64_t ctl, struct swgi_ticket *ticket,
                      int64_t *retry_in) {
    switch (swgi_probe_take(turn, ctl, ticket)) {
    case SWGI_PROBE_GRANTED:
        return SWG_GO;
    case SWGI_PROBE_MOVED:
        return -EAGAIN;
    default:
        return reject(turn, ctl, swgi_turn_now(turn) + HALF_RETRY_NS, ticket, retry_in);
    }
}

static int admit_ramp(struct swgi_turn *turn, uint64_t ctl, uint64_t key,
                      struct swgi_ticket *ticket, int64_t *retry_in) {
    if (swgi_ramp_advance(turn, ctl))
        return -EAGAIN;
    if (swgi_ramp_admits(turn, ctl, key))
        return admit(ctl, true, ticket);
    return reject(turn, ctl, swgi_turn_now(turn) + HALF_RETRY_NS, ticket, retry_in);
}

static int admit_once(struct swgi_turn *turn, uint64_t key, struct swgi_ticket *ticket,
                      int64_t *retry_in) {
    uint64_t ctl = swgi_load(&turn->cell->ctl);
    unsigned mode = swgi_ctl_mode(ctl);
    if (mode != SWGI_NORMAL && swgi_turn_now(turn) >= swgi_mode_until(turn->cell, ctl)) {
        swgi_mode_expire(turn, ctl);
        return -EAGAIN;
    }
    if (mode == SWGI_FORCED_OPEN)
        return reject(turn, ctl, swgi_mode_until(turn->cell, ctl), ticket, retry_in);
    if (mode == SWGI_FORCED_CLOSED)
        return admit(ctl, false, ticket);
    switch (swgi_ctl_state(ctl)) {
    case SWGI_CLOSED:
        return admit(ctl, true, ticket);
    case SWGI_OPEN: {
        int64_t until = swgi_deadline_time(swgi_ctl_deadline(ctl));
        if (swgi_turn_now(turn) < until)
            return reject(turn, ctl, until, ticket, retry_in);
        open_to_half(turn, ctl);
        return -EAGAIN;
    }
    case SWGI_HALF:
        return admit_half(turn, ctl, ticket, retry_in);
    default:
        return admit_ramp(turn, ctl, key, ticket, retry_in);
    }
}

int swgi_breaker_admit(struct swgi_turn *turn, uint64_t key, struct swgi_ticket *ticket,
                       int64_t *retry_in) {
    for (unsigned attempt = 0; attempt < 1000; attempt++) {
        int rc = admit_once(turn, key, ticket, retry_in);
        if (rc != -EAGAIN)
            return rc;
    }
    /* Only a word that others change without end gets here; to be turned away is the safe answer.
     */
    return reject(turn, 0, swgi_turn_now(turn), ticket, retry_in);
}

/* ---- outcomes */

static void count_outcome(struct swgi_turn *turn, const struct swgi_outcome *outcome) {
    struct swgi_column *column = swgi_column(turn->index);
    struct swgi_cell *cell = turn->cell;
    swgi_word *bad = outcome->class == SWGI_CLASS_FAILURE ? &cell->failures : &cell->timeouts;
    switch (outcome->class) {
    case SWGI_CLASS_SUCCESS:
        swgi_column_add(&column->successes, 1);
        swgi_store_relaxed(&column->last_success, (uint64_t)turn->now, COLUMN);
        break;
    case SWGI_CLASS_IGNORED:
        swgi_column_add(&column->ignored, 1);
        return;
    default:
#ifdef SWGI_MUTANT_PLAIN_STORE
        swgi_store(bad, swgi_load(bad) + 1);
#else
        swgi_add(bad, 1);
#endif
        swgi_store_relaxed(&column->last_failure, (uint64_t)turn->now, COLUMN);
        break;
    }
    if (outcome->slow)
        swgi_add(&cell->slow, 1);
}

/* The one thing an old permit may move: with open.from last_failure, a late failure pushes the
 * deadline of a rule's OPEN. */
static void push_open(struct swgi_turn *turn) {
    for (;;) {
        uint64_t ctl = swgi_load(&turn->cell->ctl);
        bool by_hand = swgi_ctl_rule(ctl) == SWG_RULE_HAND || swgi_ctl_deadline(ctl) == SWGI_NEVER;
        if (swgi_ctl_state(ctl) != SWGI_OPEN || swgi_ctl_forced(ctl) || by_hand)
            return;
        /* One that is due is HALF_OPEN already, for everybody who looks. */
        if (swgi_turn_now(turn) >= swgi_deadline_time(swgi_ctl_deadline(ctl)))
            return;
        uint32_t streak = (uint32_t)swgi_tagged_value(swgi_load(&turn->cell->streak));
        double lot = swgi_random_share(&swgi_thread.lot);
        int64_t until =
            swgi_turn_now(turn) + swgi_open_time(&turn->settings, streak, turn->retry_after, lot);
        uint64_t deadline = swgi_deadline_from(until);
        if (deadline <= swgi_ctl_deadline(ctl))
            return;
        uint64_t pushed =
            (ctl & SWGI_MASK(24)) | swgi_payload_deadline(deadline, swgi_ctl_rule(ctl)) << 24;
        if (swgi_cas(&turn->cell->ctl, ctl, pushed))
            return;
    }
}

static int record_late(struct swgi_turn *turn, const struct swgi_ticket *ticket,
                       const struct swgi_outcome *outcome) {
    swgi_column_add(&swgi_column(turn->index)->late, 1);
    if (ticket->has_probe)
        swgi_probe_free(turn, ticket);
    if (outcome != NULL && turn->settings.open_from == SWGI_OPEN_FROM_LAST_FAILURE &&
        swgi_outcome_weight(&turn->settings, outcome->class) != 0)
        push_open(turn);
    return 0;
}

static void judge(struct swgi_turn *turn, const struct swgi_ticket *ticket,
                  const struct swgi_outcome *outcome, bool rotated) {
    const struct swgi_settings *settings = &turn->settings;
    unsigned weight = swgi_outcome_weight(settings, outcome->class);
    bool bad = weight != 0 || outcome->slow;
    bool may_trip = bad || settings->judge_on_success;
    bool neutral = weight == 0 && outcome->class == SWGI_CLASS_TIMEOUT;
    if (settings->score.kind != SWGI_SCORE_NONE && !neutral &&
        !swgi_score_record(turn, ticket->generation, weight))
        return;
    if (settings->count.calls != 0) {
        unsigned calls = settings->count.calls;
        uint64_t word =
            swgi_count_add(turn->map, turn->cell, calls, ticket->generation, weight, outcome->slow);
        if (word == 0)
            return;
        struct swgi_count count = swgi_count_of(word, calls);
        swgi_count_judge(turn, ticket->generation, &count, may_trip);
    }
    bool armed = swgi_ctl_armed(swgi_load(&turn->cell->ctl));
    if (settings->slice_ns != 0 && (bad || ((armed || rotated) && settings->judge_on_success)))
        swgi_time_judge(turn, ticket->generation, may_trip);
}

static bool is_neutral(const struct swgi_turn *turn, const struct swgi_outcome *outcome) {
    return outcome->class == SWGI_CLASS_IGNORED && turn->settings.ignored == SWGI_IGNORED_NEUTRAL;
}

/* Before an outcome is counted, so that it falls into the slice of its time. true: the slice is
 * new, which asks for judging. */
static bool enter_slice(struct swgi_turn *turn, const struct swgi_ticket *ticket,
                        const struct swgi_outcome *outcome) {
    return turn->settings.slice_ns != 0 && !is_neutral(turn, outcome) &&
           swgi_time_enter(turn, ticket->generation);
}

static int record_judged(struct swgi_turn *turn, const struct swgi_ticket *ticket,
                         const struct swgi_outcome *outcome) {
    uint64_t ctl = swgi_load(&turn->cell->ctl);
    swgi_settings_mend(turn);
    bool rotated = enter_slice(turn, ticket, outcome);
    count_outcome(turn, outcome);
    if (is_neutral(turn, outcome))
        return 0;
    judge(turn, ticket, outcome, rotated);
    bool good = outcome->class == SWGI_CLASS_SUCCESS || outcome->class == SWGI_CLASS_IGNORED;
    if (swgi_ctl_state(ctl) == SWGI_RAMP && good)
        swgi_ramp_success(turn, ticket->generation);
    return 0;
}

/* Of a call that a forced mode or the shadow let through: counted, seen in windows, itself no
 * reason to judge. */
static int record_unjudged(struct swgi_turn *turn, const struct swgi_ticket *ticket,
                           const struct swgi_outcome *outcome, uint64_t ctl) {
    bool rotated = enter_slice(turn, ticket, outcome);
    count_outcome(turn, outcome);
    if (rotated && !swgi_ctl_forced(ctl) && turn->settings.judge_on_success)
        swgi_time_judge(turn, ticket->generation, true);
    return 0;
}

static int record_probe(struct swgi_turn *turn, const struct swgi_ticket *ticket,
                        const struct swgi_outcome *outcome) {
    enter_slice(turn, ticket, outcome);
    int rc = swgi_probe_end(turn, ticket, outcome);
    if (rc == -ESTALE)
        return record_late(turn, ticket, NULL);
    if (rc == 0)
        count_outcome(turn, outcome);
    return rc;
}

int swgi_breaker_record(struct swgi_turn *turn, const struct swgi_ticket *ticket,
                        const struct swgi_outcome *outcome) {
    uint64_t ctl = swgi_load(&turn->cell->ctl);
#ifdef SWGI_MUTANT_LATE_MOVES
    struct swgi_ticket renewed = *ticket;
    renewed.generation = swgi_ctl_generation(ctl);
    ticket = &renewed;
#endif
    if (swgi_ctl_generation(ctl) != ticket->generation)
        return record_late(turn, ticket, outcome);
    if (ticket->has_probe)
        return record_probe(turn, ticket, outcome);
    unsigned state = swgi_ctl_state(ctl);
    if (ticket->judged && !swgi_ctl_forced(ctl) && swgi_state_judges(state))
        return record_judged(turn, ticket, outcome);
    return record_unjudged(turn, ticket, outcome, ctl);
}

void swgi_breaker_watch(struct swgi_turn *turn) {
    uint64_t ctl = swgi_load(&turn->cell->ctl), generation = swgi_ctl_generation(ctl);
    struct swgi_count count = { 0 };
    if (swgi_ctl_forced(ctl) || !swgi_state_judges(swgi_ctl_state(ctl)))
        return;
    if (swgi_count_read(turn->cell, &turn->settings, &count))
        swgi_count_judge(turn, generation, &count, true);
    if (turn->settings.slice_ns == 0)
        return;
    swgi_time_enter(turn, generation);
    swgi_time_judge(turn, generation, true);
}

int swgi_breaker_cancel(struct swgi_turn *turn, const struct swgi_ticket *ticket) {
    int rc = 0;
    if (ticket->has_probe)
        rc = swgi_probe_end(turn, ticket, NULL);
    if (rc != -EINVAL)
        swgi_column_add(&swgi_column(turn->index)->cancelled, 1);
    return rc == -EINVAL ? rc : 0;
}
