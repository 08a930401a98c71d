/* Why a circuit is as it is: each rule against its threshold, the last trip, who holds what, what
 * happened last. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/trace.h"
#include "circuit/look.h"
#include "circuit/sized.h"
#include "circuit/source.h"

static void duration(uint64_t ns, char out[32]) {
    if (swgi_duration_print(ns, out, 32) < 0)
        snprintf(out, 32, "%.3f s", (double)ns / 1e9);
}

static const char *sign(const struct swgi_turn *turn) {
    return turn->settings.compare == SWGI_ABOVE ? ">" : ">=";
}

static void finish(const struct swgi_turn *turn, struct swg_rule *rule) {
    bool over = turn->settings.compare == SWGI_ABOVE ? rule->value > rule->threshold
                                                     : rule->value >= rule->threshold;
    rule->met = over && rule->value > 0;
}

/* Where they go; zeroed by who asks. */
struct rules {
    const struct swg_status *status;
    uint32_t count;
    struct swg_rule *at;
};

static struct swg_rule *next(struct rules *rules) {
    return &rules->at[rules->count++];
}

static void add_score(const struct swgi_turn *turn, struct rules *rules) {
    const struct swgi_score_settings *score = &turn->settings.score;
    if (score->kind == SWGI_SCORE_NONE)
        return;
    struct swg_rule *rule = next(rules);
    rule->value = rules->status->score;
    rule->threshold = rules->status->score_limit;
    if (score->kind == SWGI_SCORE_CONSECUTIVE) {
        rule->rule = SWG_RULE_CONSECUTIVE;
        snprintf(rule->text, sizeof(rule->text), "failures in a row %s %u", sign(turn),
                 score->consecutive);
    } else {
        rule->rule = SWG_RULE_CHANGE;
        snprintf(rule->text, sizeof(rule->text),
                 "change from %g to %g, false trip once in %g calls", score->healthy,
                 score->unhealthy, score->false_trip_once_in);
    }
    /* At its limit it trips, whichever way rates are compared: the limit carries that already. */
    rule->met = rule->value >= rule->threshold;
}

static void add_rate(const struct swgi_turn *turn, struct rules *rules, int number,
                     const char *what, const char *over, uint64_t part, double unit, uint64_t calls,
                     uint32_t ppm, uint64_t calls_min) {
    struct swg_rule *rule = next(rules);
    rule->rule = number;
    rule->value = calls != 0 ? (double)part * unit / (double)calls : 0;
    rule->threshold = (double)ppm / SWGI_PPM;
    rule->calls = calls;
    rule->calls_min = calls_min;
    rule->is_share = 1;
    snprintf(rule->text, sizeof(rule->text), "%s %s %g %% of %s", what, sign(turn),
             rule->threshold * 100, over);
    finish(turn, rule);
}

static void add_count(const struct swgi_turn *turn, struct rules *rules) {
    const struct swgi_count_settings *settings = &turn->settings.count;
    struct swgi_count count;
    char over[32];
    if (!swgi_count_read(turn->cell, &turn->settings, &count))
        return;
    snprintf(over, sizeof(over), "the last %u calls", settings->calls);
    if (settings->failure_ppm != UINT32_MAX)
        add_rate(turn, rules, SWG_RULE_COUNT_FAILURE, "failure rate", over, count.half_units, 0.5,
                 count.calls, settings->failure_ppm, settings->calls_min);
    if (settings->slow_ppm != UINT32_MAX)
        add_rate(turn, rules, SWG_RULE_COUNT_SLOW, "slow rate", over, count.slow, 1, count.calls,
                 settings->slow_ppm, settings->calls_min);
}

static void add_failures(const struct swgi_turn *turn, struct rules *rules, int number,
                         const struct swgi_time_rule *settings, const struct swgi_window *window,
                         const char *over) {
    struct swg_rule *rule = next(rules);
    rule->rule = number;
    rule->value = (double)window->half_units / 2;
    rule->threshold = settings->threshold / 2.0;
    rule->calls = window->calls;
    rule->calls_min = settings->calls_min;
    snprintf(rule->text, sizeof(rule->text), "failures %s %g in %s", sign(turn), rule->threshold,
             over);
    finish(turn, rule);
}

static void add_time(const struct swgi_turn *turn, struct rules *rules, unsigned i) {
    const struct swgi_time_rule *rule = &turn->settings.time[i];
    struct swgi_window window;
    char over[32];
    int number = SWG_RULE_TIME_1 + (int)i;
    if (rule->kind == SWGI_TIME_NONE || rule->threshold == SWGI_THRESHOLD_OFF)
        return;
    swgi_time_read(turn, rule->slices, &window);
    duration(rule->window_ns, over);
    if (rule->kind == SWGI_TIME_FAILURES)
        add_failures(turn, rules, number, rule, &window, over);
    else if (rule->kind == SWGI_TIME_FAILURE_RATE)
        add_rate(turn, rules, number, "failure rate", over, window.half_units, 0.5, window.calls,
                 rule->threshold, rule->calls_min);
    else
        add_rate(turn, rules, number, "slow rate", over, window.slow, 1, window.calls,
                 rule->threshold, rule->calls_min);
}

uint32_t swgi_why_rules(const struct swgi_turn *turn, const struct swg_status *status,
                        struct swg_rule out[SWGI_RULES_MAX]) {
    struct rules rules = { .status = status, .at = out };
    memset(out, 0, SWGI_RULES_MAX * sizeof(*out));
    add_score(turn, &rules);
    add_count(turn, &rules);
    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX; i++)
        add_time(turn, &rules, i);
    return rules.count;
}

bool swgi_longest_window(const struct swgi_turn *turn, struct swgi_window *out) {
    unsigned slices = 0;
    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX; i++)
        if (turn->settings.time[i].kind != SWGI_TIME_NONE && turn->settings.time[i].slices > slices)
            slices = turn->settings.time[i].slices;
    if (slices != 0) {
        swgi_time_read(turn, slices, out);
        return true;
    }
    struct swgi_count count;
    if (!swgi_count_read(turn->cell, &turn->settings, &count))
        return false;
    *out = (struct swgi_window){ count.calls, count.half_units, count.slow };
    return true;
}

static void add_trip(const struct swgi_turn *turn, struct swg_why *why) {
    struct swgi_evidence evidence;
    bool tripped =
        why->status.trips != 0 || why->status.last_trip != 0 || why->status.rule != SWG_RULE_NONE;
    if (!tripped)
        return;
    why->evidence = 2;
    if (!SWGI_RECORD_READ(&turn->cell->evidence, &evidence, SWGI_EVIDENCE_WORDS) ||
        !swgi_evidence_is_of(turn->cell, swgi_load(&turn->cell->ctl), &evidence))
        return;
    why->evidence = 1;
    why->trip.kind = evidence.rule == SWG_RULE_HAND ? SWG_EVENT_TRIP : SWG_EVENT_TRANSITION;
    why->trip.at = evidence.at;
    why->trip.wall_ms = evidence.wall_ms;
    why->trip.from = evidence.from == SWGI_RAMP ? SWG_STATE_HALF_OPEN : evidence.from;
    why->trip.to = SWG_STATE_OPEN;
    why->trip.rule = evidence.rule;
    why->trip.value = evidence.value;
    why->trip.threshold = evidence.threshold;
    why->trip.calls = evidence.calls;
    why->trip.until = evidence.until;
    why->trip_failures = evidence.failures;
    why->trip_timeouts = evidence.timeouts;
    why->trip_slow = evidence.slow;
    memcpy(why->trip.circuit, why->status.name, sizeof(why->trip.circuit));
}

void swgi_event_public(const struct swgi_event_data *data, uint64_t id, struct swg_event *out) {
    *out = (struct swg_event)SWG_EVENT_INIT;
    out->id = id;
    out->kind = data->kind;
    out->at = data->at;
    out->wall_ms = data->wall_ms;
    out->from = data->from;
    out->to = data->to;
    out->rule = data->rule;
    out->code = data->code;
    out->value = data->value;
    out->threshold = data->threshold;
    out->calls = data->calls;
    out->until = data->until;
    swgi_copy_bytes(out->circuit, sizeof(out->circuit), data->name,
                    strnlen(data->name, sizeof(data->name)));
    swgi_copy_bytes(out->user, sizeof(out->user), data->user,
                    strnlen(data->user, sizeof(data->user)));
    swgi_copy_bytes(out->text, sizeof(out->text), data->text,
                    strnlen(data->text, sizeof(data->text)));
    swgi_copy_bytes(out->error_kind, sizeof(out->error_kind), data->error_kind,
                    strnlen(data->error_kind, sizeof(data->error_kind)));
    swgi_copy_bytes(out->source, sizeof(out->source), data->source,
                    strnlen(data->source, sizeof(data->source)));
    swgi_copy_bytes(out->trace_id, sizeof(out->trace_id), data->trace_id,
                    strnlen(data->trace_id, sizeof(data->trace_id)));
    if (!swgi_trace_id_is_valid(out->trace_id))
        out->trace_id[0] = '\0';
}

static bool is_of(const struct swgi_event_data *event, const struct swg_why *why) {
    return strncmp(event->name, why->status.name, sizeof(event->name)) == 0;
}

static bool is_transition(unsigned kind) {
    return kind >= SWG_EVENT_TRANSITION && kind <= SWG_EVENT_PROBE;
}

/* Newest first, at most five. */
static uint32_t collect(const struct swgi_turn *turn, unsigned ring, const struct swg_why *why,
                        struct swg_event out[5]) {
    struct swgi_event_data event;
    uint32_t count = 0;
    uint64_t oldest = swgi_event_oldest(turn->map, ring);
    for (uint64_t id = swgi_event_next(turn->map, ring); id-- > oldest && count < 5;) {
        if (swgi_event_read(turn->map, ring, id, &event) != 1 || !is_of(&event, why))
            continue;
        bool wanted =
            ring == SWGI_RING_ACTS ? is_transition(event.kind) : event.kind == SWG_EVENT_SAMPLE;
        if (wanted)
            swgi_event_public(&event, id << 1 | ring, &out[count++]);
    }
    return count;
}

/* Evidence has no room for who and why: the ring has, as long as it keeps that act of a hand. */
static void sign_trip(struct swg_why *why) {
    if (why->trip.kind != SWG_EVENT_TRIP)
        return;
    for (uint32_t i = 0; i < why->transitions_count; i++) {
        const struct swg_event *act = &why->transitions[i];
        if (act->kind != SWG_EVENT_TRIP || act->at != why->trip.at)
            continue;
        memcpy(why->trip.user, act->user, sizeof(why->trip.user));
        memcpy(why->trip.text, act->text, sizeof(why->trip.text));
        memcpy(why->trip.source, act->source, sizeof(why->trip.source));
        return;
    }
}

static void add_holders(const struct swgi_turn *turn, struct swg_why *why) {
    uint64_t ctl = swgi_load(&turn->cell->ctl);
    for (unsigned i = 0; i < turn->settings.probes && swgi_ctl_state(ctl) == SWGI_HALF; i++) {
        uint64_t probe = swgi_load(&turn->cell->probes[i]);
        unsigned owner = swgi_probe_owner(probe);
        bool held = swgi_probe_state(probe) == SWGI_PROBE_HELD &&
                    swgi_probe_generation(probe) == swgi_ctl_generation(ctl);
        if (!held || owner == 0)
            continue;
        struct swg_holder *holder = &why->holders[why->holders_count++];
        swgi_process_tell(turn->map, owner, &holder->pid, holder->process);
        holder->alive = swgi_owner_alive(turn->map, owner, swgi_probe_incarnation(probe),
                                         SWGI_INCARNATION_BITS);
        holder->probe = i;
    }
}

static void add_mode(const struct swgi_turn *turn, struct swg_why *why) {
    struct swgi_mode_act act;
    if (why->status.mode == SWG_MODE_NORMAL ||
        !SWGI_RECORD_READ(&turn->cell->mode_act, &act, SWGI_MODE_ACT_WORDS))
        return;
    why->mode_wall_ms = act.wall_ms;
    swgi_copy_bytes(why->mode_user, sizeof(why->mode_user), act.user,
                    strnlen(act.user, sizeof(act.user)));
    swgi_copy_bytes(why->mode_reason, sizeof(why->mode_reason), act.reason,
                    strnlen(act.reason, sizeof(act.reason)));
}

int swg_circuit_why(const struct swg_circuit *circuit, struct swg_why *out) {
    struct swgi_turn turn;
    struct swg_why why = SWG_WHY_INIT;
    if (out == NULL)
        return -EINVAL;
    int rc = swgi_look(circuit, &turn);
    if (rc != 0)
        return rc;
    why.status = (struct swg_status)SWG_STATUS_INIT;
    why.trip = (struct swg_event)SWG_EVENT_INIT;
    swgi_status_read(&turn, &why.status);
    why.rules_count = swgi_why_rules(&turn, &why.status, why.rules);
    add_trip(&turn, &why);
    why.transitions_count = collect(&turn, SWGI_RING_ACTS, &why, why.transitions);
    sign_trip(&why);
    why.samples_count = collect(&turn, SWGI_RING_NOTICES, &why, why.samples);
    add_holders(&turn, &why);
    swgi_why_permits(&turn, &why);
    add_mode(&turn, &why);
    swgi_source_tell(turn.map, turn.cell, why.status.preset, why.origin, sizeof(why.origin));
    return swgi_sized_out(out, &why);
}
