/*
 * The ramp: the second phase of recovery, in which a growing share of calls goes through.
 *
 * ctl's step field is 7 bits: the number of the step, and below it whether anything succeeded in it
 * yet.
 */
#include "engine/engine.h"

#include "panel/wall.h"

#define SEEN 1u

static unsigned step_of(uint64_t ctl) {
    return swgi_ctl_step(ctl) >> 1;
}

unsigned swgi_ramp_percent(const struct swgi_settings *settings, uint64_t ctl) {
    unsigned step = step_of(ctl);
    unsigned last = settings->ramp_steps == 0 ? 0 : settings->ramp_steps - 1u;
    unsigned percent =
        settings->ramp_steps == 0 ? 100 : settings->ramp_percent[step < last ? step : last];
    /* Settings lie in memory that others can write, and people are shown this. */
    return percent < 100 ? percent : 100;
}

bool swgi_ramp_admits(struct swgi_turn *turn, uint64_t ctl, uint64_t key) {
    unsigned percent = swgi_ramp_percent(&turn->settings, ctl);
    /* The same key is in every larger share too: who was let back in stays in. */
    uint64_t lot = key != 0 ? swgi_random_mix(key) : swgi_random_next(&swgi_thread.lot);
    return (lot >> 32) * 100 >> 32 < percent;
}

/* When the step of ctl began; since was loaded before, so a newer generation's is not overwritten. */
static void note_step(struct swgi_turn *turn, uint64_t ctl, uint64_t since) {
    if (swgi_load(&turn->cell->ctl) == ctl)
        swgi_cas(&turn->cell->since, since,
                 swgi_since(swgi_ctl_generation(ctl), step_of(ctl), swgi_turn_now(turn)));
}

static bool step_is_over(struct swgi_turn *turn, uint64_t ctl) {
    if (!(swgi_ctl_step(ctl) & SEEN))
        return false;
    uint64_t since = swgi_load(&turn->cell->since);
    bool installed = swgi_since_generation(since) == swgi_ctl_generation(ctl) &&
                     swgi_since_step(since) == step_of(ctl);
    if (!installed) {
        /* The winner of this step was killed before noting when it began: it begins now. */
        note_step(turn, ctl, since);
        return false;
    }
    return swgi_passed(swgi_turn_now(turn), swgi_since_time(since)) >= turn->settings.ramp_step_ns;
}

/* It went well: what the rules saw of it that would have ended it. A window knows of how many calls, a score does not. */
static struct swgi_finding finding_of(const struct swgi_turn *turn, uint64_t ctl) {
    struct swgi_finding finding = { 0 };
    if (swgi_count_finding(turn, &finding) || swgi_time_finding(turn, &finding))
        return finding;
    return turn->settings.score.kind != SWGI_SCORE_NONE
               ? swgi_score_finding(turn, swgi_ctl_score(ctl))
               : (struct swgi_finding){ 0 };
}

bool swgi_ramp_advance(struct swgi_turn *turn, uint64_t ctl) {
    if (!step_is_over(turn, ctl))
        return false;
    unsigned next = step_of(ctl) + 1;
    if (next >= turn->settings.ramp_steps) {
        struct swgi_finding finding = finding_of(turn, ctl);
        swgi_transition(turn, ctl, SWGI_CLOSED, &finding);
        return true;
    }
    uint64_t word = (ctl & SWGI_MASK(57)) | (uint64_t)(next << 1) << 57;
    uint64_t since = swgi_load(&turn->cell->since);
    if (swgi_cas(&turn->cell->ctl, ctl, word))
        note_step(turn, word, since);
    return true;
}

void swgi_ramp_success(struct swgi_turn *turn, uint64_t generation) {
    for (;;) {
        uint64_t ctl = swgi_load(&turn->cell->ctl);
        if (swgi_ctl_generation(ctl) != generation || swgi_ctl_state(ctl) != SWGI_RAMP)
            return;
        if (!(swgi_ctl_step(ctl) & SEEN) &&
            !swgi_cas(&turn->cell->ctl, ctl, ctl | (uint64_t)SEEN << 57))
            continue;
        /* The step after this one waits for a success of its own. */
        swgi_ramp_advance(turn, ctl | (uint64_t)SEEN << 57);
        return;
    }
}
