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
    swgi_copy_text(act.user, sizeof(act.user),
                   hand != NULL && hand->user != NULL ? hand->user : "system");
    swgi_copy_text(act.reason, sizeof(act.reason),
                   hand != NULL && hand->reason != NULL ? hand->reason : "");
    SWGI_RECORD_WRITE(&turn->cell->mode_act, &act, SWGI_MODE_ACT_WORDS);
}

/* The word after a change of mode. Leaving a forced one gives CLOSED, or OPEN due now if it was not
 * CLOSED. */
static uint64_t renewed(uint64_t ctl, unsigned mode, uint64_t deadline) {
    unsigned state = swgi_ctl_state(ctl);
    uint64_t generation = swgi_generation_next(swgi_ctl_generation(ctl));
    uint64_t payload = swgi_ctl_payload(ctl);
    unsigned rule = state == SWGI_OPEN || state == SWGI_HALF ? swgi_ctl_rule(ctl) : 0;
    if (mode == SWGI_FORCED_OPEN || mode == SWGI_FORCED_CLOSED) {
        payload = swgi_payload_deadline(deadline, rule);
    } else if (swgi_ctl_forced(ctl)) {
        payload = state == SWGI_CLOSED ? 0 : swgi_payload_deadline(0, rule);
        state = state == SWGI_CLOSED ? SWGI_CLOSED : SWGI_OPEN;
    } else if (swgi_state_judges(state)) {
        payload = swgi_payload_score(0, false, state == SWGI_RAMP ? swgi_ctl_step(ctl) & ~1u : 0);
    }
    return swgi_ctl(state, mode, generation, payload);
}

static bool change_mode(struct swgi_turn *turn, uint64_t ctl, unsigned mode, uint64_t deadline) {
    uint64_t next = renewed(ctl, mode, deadline);
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
