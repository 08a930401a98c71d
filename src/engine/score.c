/*
 * The score rule: a failure adds, a success takes down, never below zero; at the limit it trips.
 *
 * It lives in ctl's payload, so that the failure that reaches the limit is the compare-and-swap
 * that opens. Consecutive failures take a success down to zero; the change detector is a CUSUM
 * (Page 1954), its steps the log-likelihood ratios of one call under the unhealthy and the healthy
 * rate.
 */
#include "engine/engine.h"

uint32_t swgi_score_next(const struct swgi_score_settings *score, uint32_t present,
                         unsigned weight) {
    if (weight == 0)
        return score->down == UINT32_MAX || present < score->down ? 0 : present - score->down;
    uint32_t up = weight == 1 ? score->up_half : score->up_full;
    uint64_t next = (uint64_t)present + up;
    return next < score->limit ? (uint32_t)next : score->limit;
}

/* In a row each call added a whole failure; where a timeout adds half of one, nobody counted them. */
static uint64_t calls_in_a_row(const struct swgi_turn *turn, uint32_t score) {
    bool counted = turn->settings.score.kind == SWGI_SCORE_CONSECUTIVE &&
                   turn->settings.timeout_half_units != 1;
    return counted ? ((uint64_t)score + 1) / 2 : 0;
}

double swgi_score_threshold(const struct swgi_settings *settings) {
    const struct swgi_score_settings *score = &settings->score;
    if (score->kind != SWGI_SCORE_CONSECUTIVE)
        return score->limit;
    /* More than N failures are N and the least there is on top. */
    return (score->limit - (settings->compare == SWGI_ABOVE)) * 0.5;
}

struct swgi_finding swgi_score_finding(const struct swgi_turn *turn, uint32_t score) {
    bool consecutive = turn->settings.score.kind == SWGI_SCORE_CONSECUTIVE;
    uint64_t calls = calls_in_a_row(turn, score);
    return (struct swgi_finding){
        .rule = consecutive ? SWG_RULE_CONSECUTIVE : SWG_RULE_CHANGE,
        .value = calls != 0 ? (double)calls : score * (consecutive ? 0.5 : 1),
        .threshold = swgi_score_threshold(&turn->settings),
        .calls = calls,
    };
}

static uint64_t with_score(uint64_t ctl, uint32_t score) {
    return (ctl & ~(UINT64_C(0xffffffff) << 24)) | (uint64_t)score << 24;
}

bool swgi_score_record(struct swgi_turn *turn, uint64_t generation, unsigned weight) {
    const struct swgi_settings *settings = &turn->settings;
    bool may_trip = weight != 0 || settings->judge_on_success;
    for (;;) {
        uint64_t ctl = swgi_load(&turn->cell->ctl);
        unsigned state = swgi_ctl_state(ctl);
        if (swgi_ctl_generation(ctl) != generation || !swgi_state_judges(state))
            return false;
        uint32_t present = swgi_ctl_score(ctl);
        /* A success is judged on what stood before it: a withheld verdict falls due before it is
         * forgotten. */
        uint32_t judged =
            weight == 0 ? present : swgi_score_next(&settings->score, present, weight);
        bool reached = judged >= settings->score.limit;
        if (reached && may_trip && swgi_trip_allowed(turn, ctl)) {
            struct swgi_finding finding = swgi_score_finding(turn, judged);
            if (swgi_trip(turn, ctl, &finding))
                return true;
            continue;
        }
        uint32_t next = swgi_score_next(&settings->score, present, weight);
        uint64_t word = with_score(ctl, next);
        if (word == ctl || swgi_cas(&turn->cell->ctl, ctl, word))
            return true;
    }
}
