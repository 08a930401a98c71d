/*
 * Transitions: one compare-and-swap of ctl, and what goes with it.
 *
 * The word alone decides; everything installed after it is tagged with the new generation. A winner
 * killed in between leaves a stale tag, and whoever finds one installs in its place.
 */
#include "engine/engine.h"

#include <string.h>
#include "panel/waiters.h"

#include "base/text.h"
#include "base/trace.h"
#include "panel/wall.h"

bool swgi_transition_legal(unsigned from, unsigned to, bool by_hand) {
    if (by_hand)
        return to == SWGI_OPEN || to == SWGI_CLOSED || (from == SWGI_OPEN && to == SWGI_HALF);
    switch (from) {
    case SWGI_CLOSED:
        return to == SWGI_OPEN;
    case SWGI_OPEN:
        return to == SWGI_HALF;
    case SWGI_HALF:
        return to == SWGI_RAMP || to == SWGI_CLOSED || to == SWGI_OPEN;
    default:
        return to == SWGI_CLOSED || to == SWGI_OPEN;
    }
}

static enum swgi_transition kind_of(unsigned from, unsigned to, bool by_hand) {
    if (by_hand)
        return SWGI_BY_HAND;
    if (to == SWGI_OPEN)
        return from == SWGI_CLOSED ? SWGI_CLOSED_TO_OPEN
               : from == SWGI_HALF ? SWGI_HALF_TO_OPEN
                                   : SWGI_RAMP_TO_OPEN;
    if (to == SWGI_CLOSED)
        return from == SWGI_HALF ? SWGI_HALF_TO_CLOSED : SWGI_RAMP_TO_CLOSED;
    return to == SWGI_HALF ? SWGI_OPEN_TO_HALF : SWGI_HALF_TO_RAMP;
}

static bool generation_before(uint64_t a, uint64_t b) {
    uint64_t distance = (b - a) & SWGI_MASK(SWGI_GENERATION_BITS);
    return distance != 0 && distance < UINT64_C(1) << (SWGI_GENERATION_BITS - 1);
}

/* Bring a tagged word up to a generation, unless it is there or beyond: a winner who stalled must
 * not turn it back. */
static void install(swgi_word *word, uint64_t generation, uint64_t value) {
    uint64_t present = swgi_load(word);
#ifdef SWGI_MUTANT_STALE_INSTALL
    swgi_store(word, value);
#endif
    while (generation_before(swgi_tagged_generation(present), generation) &&
           !swgi_cas(word, present, value))
        present = swgi_load(word);
}

int64_t swgi_since_of(struct swgi_turn *turn, uint64_t ctl) {
    uint64_t generation = swgi_ctl_generation(ctl);
    uint64_t since = swgi_load(&turn->cell->since);
    if (swgi_since_generation(since) == generation)
        return swgi_since_time(since);
    unsigned step = swgi_ctl_state(ctl) == SWGI_RAMP ? swgi_ctl_step(ctl) >> 1 : 0;
    uint64_t mended = swgi_since(generation, step, swgi_turn_now(turn));
    if (swgi_load(&turn->cell->ctl) == ctl)
        swgi_cas(&turn->cell->since, since, mended);
    return swgi_turn_now(turn);
}

bool swgi_trip_allowed(struct swgi_turn *turn, uint64_t ctl) {
    if (swgi_ctl_state(ctl) != SWGI_CLOSED || turn->settings.min_interval_ns == 0)
        return true;
    return swgi_passed(swgi_turn_now(turn), swgi_since_of(turn, ctl)) >=
           turn->settings.min_interval_ns;
}

/* What is put back, rather than happening now; NULL: nothing is. */
static const struct swgi_past *past_of(const struct swgi_turn *turn) {
    return turn->hand != NULL ? turn->hand->past : NULL;
}

/*
 * A hand trips what is open: from now on it is the hand that holds it open, for as long as it says. But it has been open all the
 * time, so it is no other trip, and its age goes on. What is due is shown as HALF_OPEN, and is tripped like that.
 */
static bool is_open_still(struct swgi_turn *turn, uint64_t ctl) {
    return swgi_ctl_state(ctl) == SWGI_OPEN &&
           swgi_turn_now(turn) < swgi_deadline_time(swgi_ctl_deadline(ctl));
}

static uint32_t streak_after(struct swgi_turn *turn, uint64_t ctl) {
    if (past_of(turn) != NULL)
        return past_of(turn)->trips_in_a_row;
    uint64_t n = swgi_tagged_value(swgi_load(&turn->cell->streak));
    if (is_open_still(turn, ctl))
        return n != 0 ? (uint32_t)n : 1;
    if (swgi_ctl_state(ctl) == SWGI_CLOSED) {
        if (swgi_passed(swgi_turn_now(turn), swgi_since_of(turn, ctl)) >=
            turn->settings.backoff_reset_ns)
            n = 0;
    }
    return n < UINT32_MAX ? (uint32_t)n + 1 : UINT32_MAX;
}

/* The payload of OPEN: how long, and why. */
static uint64_t open_payload(struct swgi_turn *turn, uint32_t streak,
                             const struct swgi_finding *finding) {
    if (past_of(turn) != NULL) {
        int64_t open_for = past_of(turn)->open_for_ns;
        return swgi_payload_deadline(
            swgi_deadline_from(swgi_after(swgi_turn_now(turn), (uint64_t)open_for)), finding->rule);
    }
    if (turn->hand != NULL) {
        uint64_t deadline =
            turn->hand->for_ns > 0
                ? swgi_deadline_from(swgi_after(swgi_turn_now(turn), (uint64_t)turn->hand->for_ns))
                : SWGI_NEVER;
        return swgi_payload_deadline(deadline, SWG_RULE_HAND);
    }
    if (turn->settings.recovery == SWGI_RECOVERY_MANUAL)
        return swgi_payload_deadline(SWGI_NEVER, finding->rule);
    double lot = swgi_random_share(&swgi_thread.lot);
    int64_t open_for = swgi_open_time(&turn->settings, streak, turn->retry_after, lot);
    return swgi_payload_deadline(swgi_deadline_from(swgi_turn_now(turn) + open_for), finding->rule);
}

static uint64_t payload_of(struct swgi_turn *turn, uint64_t ctl, unsigned to, uint32_t streak,
                           const struct swgi_finding *finding) {
    switch (to) {
    case SWGI_OPEN:
        return open_payload(turn, streak, finding);
    case SWGI_HALF: {
        int64_t lease_end = swgi_after(swgi_turn_now(turn), turn->settings.half_open_max_ns);
        return swgi_payload_deadline(swgi_deadline_from(lease_end), swgi_ctl_rule(ctl));
    }
    default:
        return swgi_payload_score(0, false, 0);
    }
}

static unsigned public_state(unsigned state) {
    return state == SWGI_RAMP ? (unsigned)SWG_STATE_HALF_OPEN : state;
}

/* What is due is shown as HALF_OPEN, and a hand's trip or reset ends that. A probe does what the next call would have done. */
static unsigned state_found(struct swgi_turn *turn, uint64_t ctl, unsigned to) {
    unsigned from = swgi_ctl_state(ctl);
    bool is_due = from == SWGI_OPEN && to != SWGI_HALF && !is_open_still(turn, ctl);
    return is_due ? SWGI_HALF : from;
}

/* No instant lies before the clock's beginning, and 0 is none. */
int64_t swgi_before(struct swgi_turn *turn, int64_t ago_ns) {
    int64_t now = swgi_turn_now(turn);
    return ago_ns < now ? now - (ago_ns > 0 ? ago_ns : 0) : 1;
}

bool swgi_evidence_is_of(const struct swgi_cell *cell, uint64_t ctl,
                         const struct swgi_evidence *evidence) {
    uint64_t since = swgi_load(&cell->since);
    unsigned state = swgi_ctl_state(ctl), rule = swgi_ctl_rule(ctl);
    if (swgi_ctl_forced(ctl) || swgi_state_judges(state))
        return true;
    if (evidence->rule != rule && rule != SWG_RULE_HAND)
        return false;
    bool is_of_this_open = swgi_since_generation(since) == swgi_ctl_generation(ctl) &&
                           swgi_since_time(since) <= evidence->at;
    return state == SWGI_HALF || evidence->generation == swgi_ctl_generation(ctl) ||
           is_of_this_open;
}

/* A hand that trips what is open takes nothing from what is known of the trip: its own act is in the events. */
static bool keeps_evidence(struct swgi_turn *turn, uint64_t ctl) {
    struct swgi_evidence evidence;
    return is_open_still(turn, ctl) &&
           SWGI_RECORD_READ(&turn->cell->evidence, &evidence, SWGI_EVIDENCE_WORDS) &&
           swgi_evidence_is_of(turn->cell, ctl, &evidence);
}

static void write_evidence(struct swgi_turn *turn, uint64_t ctl, const struct swgi_finding *finding,
                           int64_t until) {
    struct swgi_cell *cell = turn->cell;
    const struct swgi_past *past = past_of(turn);
    int64_t at = past != NULL ? swgi_before(turn, past->trip_ago_ns) : swgi_turn_now(turn);
    bool stays = is_open_still(turn, ctl);
    struct swgi_evidence evidence = {
        .at = at,
        .wall_ms = past != NULL ? past->trip_wall_ms : swgi_map_wall_ms(turn->map),
        .value = finding->value,
        .threshold = finding->threshold,
        .calls = finding->calls,
        .failures = swgi_load(&cell->failures),
        .timeouts = swgi_load(&cell->timeouts),
        .slow = swgi_load(&cell->slow),
        .until = until,
        .rule = (uint8_t)finding->rule,
        .from = (uint8_t)state_found(turn, ctl, SWGI_OPEN),
        .generation = (uint32_t)swgi_generation_next(swgi_ctl_generation(ctl)),
        .trips = stays ? swgi_load(&cell->trips) : swgi_add(&cell->trips, 1) + 1,
    };
    if (!stays)
        swgi_store(&cell->last_trip, (uint64_t)at);
    SWGI_RECORD_WRITE(&cell->evidence, &evidence, SWGI_EVIDENCE_WORDS);
}

static unsigned event_kind(const struct swgi_turn *turn, unsigned to) {
    if (turn->hand == NULL || past_of(turn) != NULL)
        return SWG_EVENT_TRANSITION;
    return to == SWGI_OPEN ? SWG_EVENT_TRIP : to == SWGI_HALF ? SWG_EVENT_PROBE : SWG_EVENT_RESET;
}

void swgi_event_name(const struct swgi_turn *turn, struct swgi_event_data *event) {
    swgi_cell_name(turn->cell, event->name);
    event->at = turn->now;
    event->wall_ms = swgi_map_wall_ms(turn->map);
    event->life = swgi_load(&turn->cell->life);
    const struct swgi_hand *hand = turn->hand;
    swgi_copy_text(event->user, sizeof(event->user),
                   hand != NULL && hand->user != NULL ? hand->user : "system");
    if (hand != NULL && hand->reason != NULL)
        swgi_copy_text(event->text, sizeof(event->text), hand->reason);
    const char *source = hand != NULL && hand->source != NULL ? hand->source : "program";
    swgi_copy_text(event->source, sizeof(event->source), hand != NULL ? source : "rule");
}

void swgi_act_tell(struct swgi_turn *turn, unsigned kind) {
    struct swgi_event_data event = { .kind = (uint8_t)kind, .circuit = turn->index };
    swgi_event_name(turn, &event);
    swgi_event_publish(turn->map, SWGI_RING_ACTS, &event);
}

static void tell(struct swgi_turn *turn, uint64_t ctl, uint64_t next,
                 const struct swgi_finding *finding) {
    unsigned to = swgi_ctl_state(next);
    struct swgi_event_data event = {
        .kind = (uint8_t)event_kind(turn, to),
        .from = (uint8_t)public_state(state_found(turn, ctl, to)),
        .to = (uint8_t)public_state(to),
        .rule = (uint8_t)finding->rule,
        .value = finding->value,
        .threshold = finding->threshold,
        .calls = finding->calls,
        .until = to == SWGI_OPEN ? swgi_deadline_time(swgi_ctl_deadline(next)) : 0,
        .code = to == SWGI_RAMP,
        .circuit = turn->index,
    };
    swgi_event_name(turn, &event);
    swgi_event_publish(turn->map, SWGI_RING_ACTS, &event);
}

/*
 * Before ctl moves to a state that judges: else an old window of a wrapped generation could be
 * found by its first recorder. Loaded before ctl is re-read, so that a caller who stalled cannot
 * empty a window others already fill. A window that is in use needs no emptying, its generation is
 * not the next one; and it must stay what it is in case we are killed before ctl moves.
 */
static bool prepare_window(struct swgi_turn *turn, uint64_t ctl, unsigned to, uint64_t generation) {
#ifdef SWGI_MUTANT_WINDOW_NOT_CLEARED
    (void)turn, (void)ctl, (void)to, (void)generation;
    return true;
#else
    if (!swgi_state_judges(to) || turn->settings.count.calls == 0)
        return true;
    uint64_t window = swgi_load(&turn->cell->window);
    if (swgi_load(&turn->cell->ctl) != ctl)
        return false;
    uint64_t empty = swgi_count_empty(generation);
    bool in_use = swgi_count_generation(window) == swgi_ctl_generation(ctl);
#ifdef SWGI_MUTANT_WINDOW_CLEARED_EARLY
    in_use = false;
#endif
    return in_use || window == empty || swgi_cas(&turn->cell->window, window, empty);
#endif
}

/*
 * Before ctl moves to a phase of probes: a slot nobody used for 2^20 transitions bears the number of the phase to come. In the
 * order of prepare_window(), so that a caller who stalled cannot take a slot from who holds it by then.
 */
static void prepare_probes(struct swgi_turn *turn, uint64_t ctl, uint64_t generation) {
    for (unsigned i = 0; i < SWGI_PROBES_MAX; i++) {
        swgi_word *slot = &turn->cell->probes[i];
        uint64_t probe = swgi_load(slot);
        if (swgi_probe_generation(probe) != generation)
            continue;
        if (swgi_load(&turn->cell->ctl) != ctl)
            return;
        uint64_t before = (generation - 1) & SWGI_MASK(SWGI_GENERATION_BITS);
        swgi_cas(slot, probe,
                 swgi_probe(before, SWGI_PROBE_FREE, 0, 0, swgi_probe_sequence(probe), 0));
    }
}

/* Loaded before ctl is re-read: a winner who stalled must not turn the streak back. */
static void note_streak(struct swgi_cell *cell, uint64_t generation, uint32_t trips_in_a_row) {
    uint64_t present = swgi_load(&cell->streak);
    if (swgi_ctl_generation(swgi_load(&cell->ctl)) == generation)
        swgi_cas(&cell->streak, present, swgi_tagged(generation, trips_in_a_row));
}

/* Who waits for a permit is rejected by a trip, and need not find that out by itself. */
static void wake_waiters(struct swgi_turn *turn) {
    struct swgi_policies *policies = swgi_policies_of(turn->map, turn->cell);
    if (policies != NULL && swgi_load(&policies->bulkhead.waiting) != 0)
        swgi_waiters_wake_all(turn->map, &policies->bulkhead);
}

bool swgi_transition(struct swgi_turn *turn, uint64_t ctl, unsigned to,
                     const struct swgi_finding *finding) {
    struct swgi_cell *cell = turn->cell;
    unsigned from = swgi_ctl_state(ctl);
    assert(swgi_transition_legal(from, to, turn->hand != NULL));
    uint64_t generation = swgi_generation_next(swgi_ctl_generation(ctl));
    uint32_t streak = to == SWGI_OPEN ? streak_after(turn, ctl) : 0;
    bool stays = to == SWGI_OPEN && is_open_still(turn, ctl);
    bool keeps = to == SWGI_OPEN && keeps_evidence(turn, ctl);
    int64_t since = stays ? swgi_since_of(turn, ctl) : swgi_turn_now(turn);
    uint64_t next =
        swgi_ctl(to, swgi_ctl_mode(ctl), generation, payload_of(turn, ctl, to, streak, finding));
    if (!prepare_window(turn, ctl, to, generation))
        return false;
    if (to == SWGI_HALF)
        prepare_probes(turn, ctl, generation);
    if (!swgi_cas(&cell->ctl, ctl, next))
        return false;
    install(&cell->since, generation, swgi_since(generation, 0, since));
    if (to == SWGI_OPEN)
        note_streak(cell, generation, streak);
    else if (to == SWGI_CLOSED && turn->hand != NULL)
        note_streak(cell, generation, 0);
    swgi_add(&cell->transitions[kind_of(from, to, turn->hand != NULL)], 1);
    if (to == SWGI_OPEN && !keeps)
        write_evidence(turn, ctl, finding, swgi_deadline_time(swgi_ctl_deadline(next)));
    tell(turn, ctl, next, finding);
    if (to == SWGI_OPEN)
        wake_waiters(turn);
    return true;
}

bool swgi_renew(struct swgi_turn *turn, uint64_t ctl, uint64_t renewed) {
    struct swgi_cell *cell = turn->cell;
    uint64_t generation = swgi_ctl_generation(renewed);
    int64_t since = swgi_since_of(turn, ctl);
    unsigned step = swgi_ctl_state(renewed) == SWGI_RAMP ? swgi_ctl_step(renewed) >> 1 : 0;
    if (swgi_ctl_state(renewed) == SWGI_HALF)
        prepare_probes(turn, ctl, generation);
    if (!swgi_cas(&cell->ctl, ctl, renewed))
        return false;
    install(&cell->since, generation, swgi_since(generation, step, since));
    if (swgi_ctl_mode(renewed) != swgi_ctl_mode(ctl))
        wake_waiters(turn);
    return true;
}

bool swgi_trip(struct swgi_turn *turn, uint64_t ctl, const struct swgi_finding *finding) {
    return swgi_transition(turn, ctl, SWGI_OPEN, finding);
}

bool swgi_arm(struct swgi_turn *turn, uint64_t ctl, bool armed) {
    uint64_t bit = UINT64_C(1) << 56;
    uint64_t next = armed ? ctl | bit : ctl & ~bit;
    return next == ctl || swgi_cas(&turn->cell->ctl, ctl, next);
}

static void notice(struct swgi_turn *turn, struct swgi_event_data *event) {
    event->circuit = turn->index;
    char text[sizeof(event->text)];
    memcpy(text, event->text, sizeof(text));
    swgi_event_name(turn, event);
    memcpy(event->text, text, sizeof(text));
    memset(event->source, 0, sizeof(event->source));
    swgi_event_publish(turn->map, SWGI_RING_NOTICES, event);
}

/* At most one of a kind per circuit and second: whoever moves the stamp writes. */
static bool first_this_second(swgi_word *stamp, int64_t now) {
    uint64_t second = (uint64_t)now / 1000000000u + 1;
    uint64_t present = swgi_load_relaxed(stamp, STAMP);
    return present != second && swgi_cas(stamp, present, second);
}

void swgi_note_sample(struct swgi_turn *turn, const struct swgi_call_error *error) {
    if (!first_this_second(&turn->cell->sample_stamp, swgi_turn_now(turn)))
        return;
    struct swgi_event_data event = { .kind = SWG_EVENT_SAMPLE,
                                     .code = error->code,
                                     .value = (double)error->duration_ns / 1e9 };
    swgi_copy_text(event.error_kind, sizeof(event.error_kind), error->kind);
    swgi_copy_text(event.text, sizeof(event.text), error->text);
    (void)swgi_trace_id(error->traceparent, event.trace_id);
    notice(turn, &event);
}

/* Each verdict by itself: one that is frequent must not hide the others. */
static bool first_of_verdict(swgi_word *stamp, int verdict, int64_t now) {
    uint64_t second = swgi_verdicts_second(now), bit = UINT64_C(1) << verdict;
    uint64_t present = swgi_load_relaxed(stamp, STAMP), verdicts = 0;
    if (present >> SWGI_VERDICTS_BITS == second)
        verdicts = present & SWGI_MASK(SWGI_VERDICTS_BITS);
    return (verdicts & bit) == 0 &&
           swgi_cas(stamp, present, second << SWGI_VERDICTS_BITS | verdicts | bit);
}

void swgi_note_rejections(struct swgi_turn *turn, int verdict, unsigned counter) {
    if (!first_of_verdict(&turn->cell->reject_stamp, verdict, swgi_turn_now(turn)))
        return;
    struct swgi_event_data event = { .kind = SWG_EVENT_REJECTED, .code = verdict };
    event.calls = swgi_column_sum(turn->map, turn->index, counter);
    notice(turn, &event);
}

void swgi_note_clock(struct swgi_turn *turn, double off_by) {
    if (!first_this_second(&turn->cell->clock_stamp, turn->now))
        return;
    struct swgi_event_data event = { .kind = SWG_EVENT_CLOCK, .value = off_by, .threshold = 1 };
    notice(turn, &event);
}
