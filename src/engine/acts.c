/* What hands do: trip, reset, probe, mode. The same words and the same compare-and-swap as a rule's
 * acts. */
#include "engine/engine.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "panel/wall.h"

/* A mode whose bound has passed must not refuse an act. */
static uint64_t settle(struct swgi_turn *turn) {
    uint64_t ctl = swgi_load(&turn->cell->ctl);
    if (swgi_ctl_mode(ctl) == SWGI_NORMAL || swgi_turn_now(turn) < swgi_mode_until(turn->cell, ctl))
        return ctl;
    swgi_mode_expire(turn, ctl);
    return swgi_load(&turn->cell->ctl);
}

static const struct swgi_finding hand_finding = { .rule = SWG_RULE_HAND };

int swgi_act_trip(struct swgi_turn *turn) {
    for (;;) {
        uint64_t ctl = settle(turn);
        if (swgi_ctl_forced(ctl))
            return -EBUSY;
        if (swgi_transition(turn, ctl, SWGI_OPEN, &hand_finding))
            return 0;
    }
}

static bool cooling_down(struct swgi_turn *turn) {
    uint64_t last = swgi_load(&turn->cell->last_trip);
    return last != 0 &&
           swgi_passed(swgi_turn_now(turn), (int64_t)last) < turn->settings.cooldown_ns;
}

int swgi_act_reset(struct swgi_turn *turn) {
    for (;;) {
        uint64_t ctl = settle(turn);
        if (swgi_ctl_forced(ctl))
            return -EBUSY;
        if (!turn->hand->force && cooling_down(turn))
            return -EAGAIN;
        if (swgi_transition(turn, ctl, SWGI_CLOSED, &hand_finding))
            return 0;
    }
}

/* Where recovery is manual, a hand waits as long as a rule would have. */
static bool too_early(struct swgi_turn *turn, uint64_t ctl) {
    bool by_rule = swgi_ctl_rule(ctl) != SWG_RULE_HAND;
    if (turn->settings.recovery != SWGI_RECOVERY_MANUAL || !by_rule || turn->hand->force)
        return false;
    return swgi_passed(swgi_turn_now(turn), swgi_since_of(turn, ctl)) < turn->settings.open_for_ns;
}

int swgi_act_probe(struct swgi_turn *turn) {
    for (;;) {
        uint64_t ctl = settle(turn);
        if (swgi_ctl_forced(ctl))
            return -EBUSY;
        if (swgi_ctl_state(ctl) != SWGI_OPEN)
            return -EALREADY;
        if (too_early(turn, ctl))
            return -EAGAIN;
        if (swgi_transition(turn, ctl, SWGI_HALF, &hand_finding))
            return 0;
    }
}

static void tell_mode(struct swgi_turn *turn, unsigned from, unsigned to, int64_t until) {
    struct swgi_event_data event = { .kind = SWG_EVENT_MODE,
                                     .from = (uint8_t)from,
                                     .to = (uint8_t)to,
                                     .until = until,
                                     .circuit = turn->index };
    swgi_event_name(turn, &event);
    swgi_event_publish(turn->map, SWGI_RING_ACTS, &event);
}

/* Who, why and when: what a refused reset will say. */
static void sign_mode(struct swgi_turn *turn) {
    struct swgi_mode_act act = { .wall_ms = swgi_map_wall_ms(turn->map) };
    const struct swgi_hand *hand = turn->hand;
    if (hand != NULL && hand->past != NULL)
        act.wall_ms = hand->past->mode_wall_ms;
    swgi_copy_text(act.user, sizeof(act.user),
                   hand != NULL && hand->user != NULL ? hand->user : "system");
    swgi_copy_text(act.reason, sizeof(act.reason),
                   hand != NULL && hand->reason != NULL ? hand->reason : "");
    SWGI_RECORD_WRITE(&turn->cell->mode_act, &act, SWGI_MODE_ACT_WORDS);
}

/* When a mode that is left was over: now, or when its time was. Rounded down: it is due at once. */
static uint64_t left_at(struct swgi_turn *turn, uint64_t ctl) {
    int64_t now = swgi_turn_now(turn), until = swgi_mode_until(turn->cell, ctl);
    uint64_t units = (uint64_t)(until < now ? until : now) >> SWGI_DEADLINE_SHIFT;
    return units < SWGI_NEVER ? units : SWGI_NEVER - 1;
}

/* The word after a change of mode. Leaving a forced one gives CLOSED, or OPEN due now if it was not
 * CLOSED. */
static uint64_t renewed(struct swgi_turn *turn, uint64_t ctl, unsigned mode, uint64_t deadline) {
    unsigned state = swgi_ctl_state(ctl);
    uint64_t generation = swgi_generation_next(swgi_ctl_generation(ctl));
    uint64_t payload = swgi_ctl_payload(ctl);
    unsigned rule = state == SWGI_OPEN || state == SWGI_HALF ? swgi_ctl_rule(ctl) : 0;
    if (mode == SWGI_FORCED_OPEN || mode == SWGI_FORCED_CLOSED) {
        payload = swgi_payload_deadline(deadline, rule);
    } else if (swgi_ctl_forced(ctl)) {
        payload = state == SWGI_CLOSED ? 0 : swgi_payload_deadline(left_at(turn, ctl), rule);
        state = state == SWGI_CLOSED ? SWGI_CLOSED : SWGI_OPEN;
    } else if (swgi_state_judges(state)) {
        payload = swgi_payload_score(0, false, state == SWGI_RAMP ? swgi_ctl_step(ctl) & ~1u : 0);
    }
    return swgi_ctl(state, mode, generation, payload);
}

static bool change_mode(struct swgi_turn *turn, uint64_t ctl, unsigned mode, uint64_t deadline) {
    uint64_t next = renewed(turn, ctl, mode, deadline);
    /* Before ctl: a shadow mode must not be seen without its bound, which has no room there. */
    if (mode == SWGI_SHADOW)
        swgi_store(&turn->cell->shadow_until, deadline == SWGI_NEVER ? 0 : deadline);
    if (!swgi_renew(turn, ctl, next))
        return false;
    sign_mode(turn);
    tell_mode(turn, swgi_ctl_mode(ctl), mode,
              mode == SWGI_NORMAL ? 0 : swgi_deadline_time(deadline));
    return true;
}

bool swgi_mode_expire(struct swgi_turn *turn, uint64_t ctl) {
    const struct swgi_hand *hand = turn->hand;
    turn->hand = NULL;
    bool changed = change_mode(turn, ctl, SWGI_NORMAL, SWGI_NEVER);
    turn->hand = hand;
    return changed;
}

int swgi_act_mode(struct swgi_turn *turn, unsigned mode) {
    int64_t bound = turn->hand->for_ns;
    uint64_t deadline = bound > 0
                            ? swgi_deadline_from(swgi_after(swgi_turn_now(turn), (uint64_t)bound))
                            : SWGI_NEVER;
    for (;;) {
        uint64_t ctl = settle(turn);
        if (swgi_ctl_mode(ctl) == mode && mode == SWGI_NORMAL)
            return 0;
        if (change_mode(turn, ctl, mode, deadline))
            return 0;
    }
}

/* ---- what it was like in another panel */

static bool is_untouched(const struct swgi_cell *cell, uint64_t ctl) {
    uint64_t sum = swgi_load(&cell->trips) + swgi_load(&cell->last_trip);
    for (unsigned i = 0; i < SWGI_TRANSITIONS; i++)
        sum += swgi_load(&cell->transitions[i]);
    return (ctl & 15) == 0 && sum == 0;
}

/* The trip is of earlier, and so is the time it is open since: what was HALF_OPEN begins anew. */
static int restore_open(struct swgi_turn *turn, uint64_t ctl) {
    const struct swgi_past *past = turn->hand->past;
    uint64_t generation = swgi_generation_next(swgi_ctl_generation(ctl));
    const struct swgi_finding finding = {
        .rule = past->rule, .value = past->value, .threshold = past->threshold, .calls = past->calls
    };
    if (!swgi_transition(turn, ctl, SWGI_OPEN, &finding))
        return -EALREADY;
    if (past->trips > 1)
        swgi_add(&turn->cell->trips, past->trips - 1);
    uint64_t now = swgi_since(generation, 0, swgi_turn_now(turn));
    int64_t ago = past->trip_ago_ns > past->since_ago_ns ? past->trip_ago_ns : past->since_ago_ns;
    swgi_cas(&turn->cell->since, now, swgi_since(generation, 0, swgi_before(turn, ago)));
    return 0;
}

/* Only what the next trip will ask for. Of several who restore, one counts. */
static int restore_closed(struct swgi_turn *turn, uint64_t ctl) {
    const struct swgi_past *past = turn->hand->past;
    uint64_t streak = swgi_load(&turn->cell->streak);
    if (past->trips == 0)
        return 0;
    if (!swgi_cas(&turn->cell->trips, 0, past->trips))
        return -EALREADY;
    if (past->trip_ago_ns >= 0)
        swgi_cas(&turn->cell->last_trip, 0, (uint64_t)swgi_before(turn, past->trip_ago_ns));
    if (swgi_load(&turn->cell->ctl) == ctl)
        swgi_cas(&turn->cell->streak, streak,
                 swgi_tagged(swgi_ctl_generation(ctl), past->trips_in_a_row));
    return 0;
}

/* In the name of who had set it. */
static void restore_mode(struct swgi_turn *turn) {
    const struct swgi_hand *restorer = turn->hand;
    const struct swgi_past *past = restorer->past;
    struct swgi_hand hand = *restorer;
    hand.user = past->mode_user;
    hand.reason = past->mode_reason;
    hand.for_ns = past->mode_for_ns == INT64_MAX ? 0 : past->mode_for_ns;
    turn->hand = &hand;
    swgi_act_mode(turn, past->mode);
    turn->hand = restorer;
}

/* A life's trips, where it tripped here already; as many as that are only found where they were added before. */
static void add_trips(struct swgi_cell *cell, uint64_t before) {
    uint64_t here = swgi_load(&cell->trips);
    if (here < before)
        swgi_cas(&cell->trips, here, here + before);
}

int swgi_act_restore(struct swgi_turn *turn) {
    uint64_t ctl = swgi_load(&turn->cell->ctl);
    const struct swgi_past *past = turn->hand->past;
    if (!is_untouched(turn->cell, ctl)) {
        add_trips(turn->cell, past->trips);
        return -EALREADY;
    }
    int rc = past->is_open ? restore_open(turn, ctl) : restore_closed(turn, ctl);
    if (rc == 0 && past->mode != SWGI_NORMAL && past->mode_for_ns > 0)
        restore_mode(turn);
    return rc;
}
