/*
 * Probes: the few calls of HALF_OPEN, each a slot that names its holder.
 *
 * A slot is a lease. A dead holder's is taken over at once, which is: by the first caller in need
 * whose pass asks about that holder, a pass each 10 ms asking about one; a silent one's after
 * half_open_max without any grant or outcome. Order is everything: load the slot, re-load ctl and push its
 * deadline, take the slot by compare-and-swap, re-load ctl. Without the first re-load a caller who
 * stalled overwrites a newer generation's slot; pushed only after the take, a lease could be freed
 * as expired in between; without the second re-load a call is let through after the trip.
 */
#include "engine/engine.h"

#include <errno.h>

/*
 * Whether a holder lives is a system call, so a pass asks about one holder, and a circuit has one
 * pass in 10 ms. Which slot's holder is next stands in the low bits of the stamp: passes of all
 * processes go round together.
 */
#define PASS_EVERY_NS UINT64_C(10000000)
#define NEXT_BITS     4u
static_assert(SWGI_PROBES_MAX == 1u << NEXT_BITS, "the stamp's low bits name a slot");

/* Free, with its successes kept. */
static uint64_t freed_as(uint64_t probe, unsigned sequence) {
    return swgi_probe(swgi_probe_generation(probe), SWGI_PROBE_FREE, 0, 0, sequence,
                      swgi_probe_successes(probe));
}
static uint64_t freed(uint64_t probe) {
    return freed_as(probe, swgi_probe_sequence(probe));
}

void swgi_probe_free(struct swgi_turn *turn, const struct swgi_ticket *ticket) {
    swgi_cas(&turn->cell->probes[ticket->slot % SWGI_PROBES_MAX], ticket->probe,
             freed(ticket->probe));
}

/* The slot's word if I took it now. */
static uint64_t taken(const struct swgi_turn *turn, uint64_t probe, uint64_t generation) {
    struct swgi_identity me = swgi_map_identity(turn->map);
    bool of_now = swgi_probe_generation(probe) == generation;
    unsigned successes = of_now ? swgi_probe_successes(probe) : 0;
    unsigned sequence = swgi_probe_sequence(probe) + 1;
#ifdef SWGI_MUTANT_ABA
    sequence = 0;
#endif
    return swgi_probe(generation, SWGI_PROBE_HELD, me.owner, me.incarnation, sequence, successes);
}

/* Every grant and outcome shows that the phase is alive. false: the phase is over. */
static bool push_deadline(struct swgi_turn *turn, uint64_t generation) {
    uint64_t deadline =
        swgi_deadline_from(swgi_after(swgi_turn_now(turn), turn->settings.half_open_max_ns));
    for (;;) {
        uint64_t ctl = swgi_load(&turn->cell->ctl);
        if (swgi_ctl_generation(ctl) != generation || swgi_ctl_state(ctl) != SWGI_HALF ||
            swgi_ctl_forced(ctl))
            return false;
        if (swgi_ctl_deadline(ctl) >= deadline)
            return true;
        uint64_t pushed =
            (ctl & SWGI_MASK(24)) | swgi_payload_deadline(deadline, swgi_ctl_rule(ctl)) << 24;
        if (swgi_cas(&turn->cell->ctl, ctl, pushed))
            return true;
    }
}

/* Nobody was heard of for half_open_max: all held slots are free again, what succeeded stays. */
static void expire_leases(struct swgi_turn *turn, uint64_t ctl) {
    uint64_t generation = swgi_ctl_generation(ctl);
    if (swgi_turn_now(turn) < swgi_deadline_time(swgi_ctl_deadline(ctl)))
        return;
    for (unsigned i = 0; i < SWGI_PROBES_MAX; i++) {
        uint64_t probe = swgi_load(&turn->cell->probes[i]);
        bool held = swgi_probe_generation(probe) == generation &&
                    swgi_probe_state(probe) == SWGI_PROBE_HELD;
        if (swgi_load(&turn->cell->ctl) != ctl)
            return;
        /* Under another number, so that the silent holder is told late from a copy of an ended
         * permit. */
        if (held)
            swgi_cas(&turn->cell->probes[i], probe,
                     freed_as(probe, swgi_probe_sequence(probe) + 1));
    }
    push_deadline(turn, generation);
}

/* present was loaded before, and is free, of another phase, or held by the dead. */
static enum swgi_probe_answer take_slot(struct swgi_turn *turn, uint64_t generation, unsigned slot,
                                        uint64_t present, struct swgi_ticket *ticket) {
    swgi_word *word = &turn->cell->probes[slot];
    uint64_t mine = taken(turn, present, generation);
#ifndef SWGI_MUTANT_NO_CTL_RELOAD_BEFORE
    if (!push_deadline(turn, generation))
        return SWGI_PROBE_MOVED;
#endif
    if (!swgi_cas(word, present, mine))
        return SWGI_PROBE_NONE_FREE;
#ifndef SWGI_MUTANT_NO_CTL_RELOAD_AFTER
    if (swgi_ctl_generation(swgi_load(&turn->cell->ctl)) != generation) {
        swgi_cas(word, mine, freed(mine));
        return SWGI_PROBE_MOVED;
    }
#endif
    *ticket = (struct swgi_ticket){
        .generation = generation, .probe = mine, .slot = slot, .has_probe = true, .judged = true
    };
    return SWGI_PROBE_GRANTED;
}

static enum swgi_probe_answer take_free(struct swgi_turn *turn, uint64_t generation,
                                        struct swgi_ticket *ticket) {
    for (unsigned slot = 0; slot < turn->settings.probes; slot++) {
        uint64_t present = swgi_load(&turn->cell->probes[slot]);
        if (swgi_probe_generation(present) == generation &&
            swgi_probe_state(present) != SWGI_PROBE_FREE)
            continue;
        enum swgi_probe_answer answer = take_slot(turn, generation, slot, present, ticket);
        if (answer != SWGI_PROBE_NONE_FREE)
            return answer;
    }
    return SWGI_PROBE_NONE_FREE;
}

/* ---- holders that are gone */

static bool same_holder(uint64_t a, uint64_t b) {
    return swgi_probe_owner(a) == swgi_probe_owner(b) &&
           swgi_probe_incarnation(a) == swgi_probe_incarnation(b);
}

/* Held now, by somebody else. */
static bool is_theirs(const struct swgi_turn *turn, uint64_t probe, uint64_t generation) {
    struct swgi_identity me = swgi_map_identity(turn->map);
    uint64_t mine = swgi_probe(0, 0, me.owner, me.incarnation, 0, 0);
    return swgi_probe_generation(probe) == generation &&
           swgi_probe_state(probe) == SWGI_PROBE_HELD && !same_holder(probe, mine);
}

/* The first slot from there on, going round, that somebody else holds; SWGI_PROBES_MAX: none. */
static unsigned next_of_theirs(const struct swgi_turn *turn, uint64_t generation, unsigned from) {
    for (unsigned i = 0; i < SWGI_PROBES_MAX; i++) {
        unsigned slot = (from + i) % SWGI_PROBES_MAX;
        if (slot < turn->settings.probes &&
            is_theirs(turn, swgi_load(&turn->cell->probes[slot]), generation))
            return slot;
    }
    return SWGI_PROBES_MAX;
}

/* The slot whose holder this caller may ask about now; SWGI_PROBES_MAX: none. */
static unsigned begin_pass(struct swgi_turn *turn, uint64_t generation) {
    swgi_word *stamp = &turn->cell->liveness_stamp;
    uint64_t last = swgi_load_relaxed(stamp, STAMP);
    int64_t now = swgi_turn_now(turn), at = (int64_t)(last & ~SWGI_MASK(NEXT_BITS));
    if (last != 0 && swgi_passed(now, at) < PASS_EVERY_NS)
        return SWGI_PROBES_MAX;
    unsigned slot = next_of_theirs(turn, generation, (unsigned)(last & SWGI_MASK(NEXT_BITS)));
    if (slot == SWGI_PROBES_MAX)
        return slot;
    /* Rounded up: the next pass is never early. */
    uint64_t next = (slot + 1) % SWGI_PROBES_MAX;
    uint64_t then = ((uint64_t)now + SWGI_MASK(NEXT_BITS)) & ~SWGI_MASK(NEXT_BITS);
    return swgi_cas(stamp, last, then | next) ? slot : SWGI_PROBES_MAX;
}

/* All that it held is free: nobody has to ask for each of its slots. */
static void free_all_of(struct swgi_turn *turn, uint64_t generation, uint64_t dead) {
    for (unsigned i = 0; i < turn->settings.probes; i++) {
        uint64_t probe = swgi_load(&turn->cell->probes[i]);
        if (swgi_probe_generation(probe) == generation &&
            swgi_probe_state(probe) == SWGI_PROBE_HELD && same_holder(probe, dead))
            swgi_cas(&turn->cell->probes[i], probe, freed(probe));
    }
}

static enum swgi_probe_answer take_from_dead(struct swgi_turn *turn, uint64_t generation,
                                             struct swgi_ticket *ticket) {
#ifdef SWGI_MUTANT_NO_RELEASE_ON_DEATH
    (void)begin_pass, (void)free_all_of, (void)turn, (void)generation, (void)ticket;
    return SWGI_PROBE_NONE_FREE;
#else
    unsigned slot = begin_pass(turn, generation);
    if (slot == SWGI_PROBES_MAX)
        return SWGI_PROBE_NONE_FREE;
    uint64_t probe = swgi_load(&turn->cell->probes[slot]);
    if (!is_theirs(turn, probe, generation) ||
        swgi_owner_passes(turn->map, swgi_probe_owner(probe), swgi_probe_incarnation(probe),
                          SWGI_INCARNATION_BITS))
        return SWGI_PROBE_NONE_FREE;
    enum swgi_probe_answer answer = take_slot(turn, generation, slot, probe, ticket);
    if (answer != SWGI_PROBE_MOVED)
        free_all_of(turn, generation, probe);
    return answer;
#endif
}

enum swgi_probe_answer swgi_probe_take(struct swgi_turn *turn, uint64_t ctl,
                                       struct swgi_ticket *ticket) {
    uint64_t generation = swgi_ctl_generation(ctl);
    expire_leases(turn, ctl);
    enum swgi_probe_answer answer = take_free(turn, generation, ticket);
    if (answer == SWGI_PROBE_NONE_FREE)
        answer = take_from_dead(turn, generation, ticket);
    if (answer != SWGI_PROBE_NONE_FREE)
        return answer;
    /* All taken: perhaps because whoever should have decided was killed before. */
    return swgi_probe_decide(turn, swgi_load(&turn->cell->ctl)) ? SWGI_PROBE_MOVED
                                                                : SWGI_PROBE_NONE_FREE;
}

uint32_t swgi_rate_threshold(const struct swgi_settings *settings, bool slow) {
    uint32_t count = slow ? settings->count.slow_ppm : settings->count.failure_ppm;
    if (settings->count.calls != 0 && count != UINT32_MAX)
        return count;
    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX; i++)
        if (settings->time[i].kind == (slow ? SWGI_TIME_SLOW_RATE : SWGI_TIME_FAILURE_RATE) &&
            settings->time[i].threshold != SWGI_THRESHOLD_OFF)
            return settings->time[i].threshold;
    return SWGI_THRESHOLD_OFF;
}

static bool has_slow_rule(const struct swgi_settings *settings) {
    return swgi_rate_threshold(settings, true) != SWGI_THRESHOLD_OFF;
}

static unsigned ended_state(enum swgi_class class, unsigned weight, bool slow) {
    if (weight == 0)
        return slow ? SWGI_PROBE_PASSED_SLOW : SWGI_PROBE_PASSED;
    if (class == SWGI_CLASS_TIMEOUT)
        return slow ? SWGI_PROBE_TIMEOUT_SLOW : SWGI_PROBE_TIMEOUT;
    return slow ? SWGI_PROBE_FAILED_SLOW : SWGI_PROBE_FAILED;
}

static uint64_t ended(struct swgi_turn *turn, uint64_t mine, const struct swgi_outcome *outcome) {
    const struct swgi_settings *settings = &turn->settings;
    unsigned weight = swgi_outcome_weight(settings, outcome->class);
    bool ignored =
        outcome->class == SWGI_CLASS_IGNORED && settings->ignored == SWGI_IGNORED_NEUTRAL;
    bool neutral_timeout = outcome->class == SWGI_CLASS_TIMEOUT && weight == 0;
    if (ignored || neutral_timeout)
        return freed(mine);
    unsigned state = ended_state(outcome->class, weight, outcome->slow);
    unsigned successes = swgi_probe_successes(mine), at = swgi_probe_sequence(mine);
    bool total = settings->half_permits == SWGI_PERMITS_TOTAL;
    bool passed =
        state == SWGI_PROBE_PASSED || (state == SWGI_PROBE_PASSED_SLOW && !has_slow_rule(settings));
    if (passed && !total) {
        unsigned more = successes < SWGI_SUCCESSES_MAX ? successes + 1 : successes;
        return swgi_probe(swgi_probe_generation(mine), SWGI_PROBE_FREE, 0, 0, at, more);
    }
    return swgi_probe(swgi_probe_generation(mine), state, swgi_probe_owner(mine),
                      swgi_probe_incarnation(mine), at, successes);
}

int swgi_probe_end(struct swgi_turn *turn, const struct swgi_ticket *ticket,
                   const struct swgi_outcome *outcome) {
    swgi_word *word = &turn->cell->probes[ticket->slot % SWGI_PROBES_MAX];
    uint64_t after = outcome != NULL ? ended(turn, ticket->probe, outcome) : freed(ticket->probe);
    if (!swgi_cas(word, ticket->probe, after)) {
        uint64_t found = swgi_load(word);
        bool same_turn = swgi_probe_generation(found) == ticket->generation &&
                         swgi_probe_sequence(found) == swgi_probe_sequence(ticket->probe);
        return same_turn ? -EINVAL : -ESTALE;
    }
    push_deadline(turn, ticket->generation);
    swgi_probe_decide(turn, swgi_load(&turn->cell->ctl));
    return 0;
}

void swgi_probe_tally(const struct swgi_cell *cell, uint64_t generation, unsigned probes,
                      struct swgi_probe_tally *out) {
    *out = (struct swgi_probe_tally){ 0 };
    for (unsigned i = 0; i < probes && i < SWGI_PROBES_MAX; i++) {
        uint64_t probe = swgi_load(&cell->probes[i]);
        unsigned state = swgi_probe_state(probe);
        if (swgi_probe_generation(probe) != generation)
            continue;
        out->passed += swgi_probe_successes(probe);
        out->held += state == SWGI_PROBE_HELD;
        out->ended += state > SWGI_PROBE_HELD;
        out->passed += state == SWGI_PROBE_PASSED || state == SWGI_PROBE_PASSED_SLOW;
        bool timeout = state == SWGI_PROBE_TIMEOUT || state == SWGI_PROBE_TIMEOUT_SLOW;
        bool failure = state == SWGI_PROBE_FAILED || state == SWGI_PROBE_FAILED_SLOW;
        out->failed += timeout || failure;
        out->half_units += failure ? 2 : timeout;
        out->slow += state == SWGI_PROBE_PASSED_SLOW || state == SWGI_PROBE_FAILED_SLOW ||
                     state == SWGI_PROBE_TIMEOUT_SLOW;
    }
}

static bool over(const struct swgi_settings *settings, uint64_t part, uint64_t whole,
                 uint32_t ppm) {
    if (ppm == UINT32_MAX || part == 0)
        return false;
    return settings->compare == SWGI_ABOVE ? part * SWGI_PPM > whole * ppm
                                           : part * SWGI_PPM >= whole * ppm;
}

enum verdict { UNDECIDED, RECOVERED, FAILED };

static uint64_t failed_half_units(const struct swgi_settings *settings,
                                  const struct swgi_probe_tally *tally) {
    return settings->timeout_half_units == 2 ? 2 * (uint64_t)tally->failed : tally->half_units;
}

static bool is_over_rate(const struct swgi_settings *settings, const struct swgi_probe_tally *tally,
                         bool slow) {
    uint64_t half_units = slow ? 2 * (uint64_t)tally->slow : failed_half_units(settings, tally);
    return over(settings, half_units, 2 * (uint64_t)tally->ended,
                swgi_rate_threshold(settings, slow));
}

static enum verdict verdict_of(const struct swgi_settings *settings,
                               const struct swgi_probe_tally *tally) {
    if (settings->half_verdict == SWGI_VERDICT_RATE) {
        if (tally->ended < settings->probes)
            return UNDECIDED;
        bool failed = is_over_rate(settings, tally, false) || is_over_rate(settings, tally, true);
        return failed ? FAILED : RECOVERED;
    }
    bool too_slow = has_slow_rule(settings) && tally->slow != 0;
    if (tally->failed != 0 || too_slow)
        return FAILED;
    return tally->passed >= settings->success_threshold ? RECOVERED : UNDECIDED;
}

/* What was compared with what: one failure is enough, so many successes are, or a share is not too large. */
static struct swgi_finding finding_of(const struct swgi_settings *settings,
                                      const struct swgi_probe_tally *tally, enum verdict verdict) {
    struct swgi_finding finding = { .rule = SWG_RULE_PROBE,
                                    .calls = (uint64_t)tally->passed + tally->failed };
    if (settings->half_verdict == SWGI_VERDICT_RATE) {
        bool slow = verdict == FAILED && !is_over_rate(settings, tally, false);
        uint32_t ppm = swgi_rate_threshold(settings, slow);
        double half_units = slow ? 2.0 * tally->slow : (double)failed_half_units(settings, tally);
        finding.value = half_units / 2 / tally->ended;
        finding.threshold = ppm != SWGI_THRESHOLD_OFF ? (double)ppm / SWGI_PPM : 0;
    } else if (verdict == FAILED) {
        finding.value = tally->failed != 0 ? tally->failed : tally->slow;
        finding.threshold = 1;
    } else {
        finding.value = tally->passed;
        finding.threshold = settings->success_threshold;
    }
    return finding;
}

bool swgi_probe_decide(struct swgi_turn *turn, uint64_t ctl) {
    uint64_t generation = swgi_ctl_generation(ctl);
    struct swgi_probe_tally tally;
    for (;;) {
        if (swgi_ctl_state(ctl) != SWGI_HALF || swgi_ctl_forced(ctl) ||
            swgi_ctl_generation(ctl) != generation)
            return true;
        swgi_probe_tally(turn->cell, generation, turn->settings.probes, &tally);
        enum verdict verdict = verdict_of(&turn->settings, &tally);
        if (verdict == UNDECIDED)
            return false;
        struct swgi_finding finding = finding_of(&turn->settings, &tally, verdict);
        unsigned recovered = turn->settings.ramp_steps != 0 ? SWGI_RAMP : SWGI_CLOSED;
        if (swgi_transition(turn, ctl, verdict == FAILED ? SWGI_OPEN : recovered, &finding))
            return true;
        ctl = swgi_load(&turn->cell->ctl);
    }
}
