/* A circuit's status: read, never written, from whatever instant the panel's words belong to. */
#include <errno.h>
#include <string.h>

#include "circuit/look.h"
#include "circuit/sized.h"

static uint64_t sum(const struct swgi_turn *turn, unsigned counter) {
    return swgi_column_sum(turn->map, turn->index, counter);
}

#define CALLERS_AHEAD_NS INT64_C(1000000000)

/* Calls do not ask whether their clock is right (it would cost them as much again), so what no clock can have said is left out. */
static swg_ns last(const struct swgi_turn *turn, unsigned counter) {
    const struct swgi_map *map = turn->map;
    uint64_t now = (uint64_t)turn->now, greatest = 0;
    for (uint32_t i = 0, high = swgi_columns_high(map); i < high; i++) {
        const struct swgi_column *column =
            &map->columns[(uint64_t)i * map->geometry.circuits + turn->index];
        uint64_t at = swgi_load_relaxed((const swgi_word *)column + counter, COLUMN);
        if (at > greatest && at <= now + CALLERS_AHEAD_NS)
            greatest = at;
    }
    return (swg_ns)(greatest < now ? greatest : now);
}

static void read_counters(const struct swgi_turn *turn, struct swg_status *out) {
    const struct swgi_cell *cell = turn->cell;
    out->successes = sum(turn, SWGI_COUNTER(successes));
    out->ignored = sum(turn, SWGI_COUNTER(ignored));
    out->cancelled = sum(turn, SWGI_COUNTER(cancelled));
    out->late = sum(turn, SWGI_COUNTER(late));
    out->failures = swgi_load(&cell->failures);
    out->timeouts = swgi_load(&cell->timeouts);
    out->slow = swgi_load(&cell->slow);
    out->calls = sum(turn, SWGI_COUNTER(calls));
    uint64_t ended =
        out->successes + out->ignored + out->cancelled + out->late + out->failures + out->timeouts;
    out->in_flight = (int64_t)(out->calls - ended);
    if (out->in_flight < 0)
        out->in_flight = 0;
    uint64_t *rejected[SWGI_VERDICTS] = { &out->rejected_open,    &out->rejected_full,
                                          &out->rejected_limited, &out->rejected_shed,
                                          &out->rejected_expired, &out->rejected_saturated };
    for (unsigned i = 0; i < SWGI_VERDICTS; i++)
        *rejected[i] = sum(turn, SWGI_COUNTER(rejected) + i);
    out->would_reject = sum(turn, SWGI_COUNTER(would_reject));
    out->retries = sum(turn, SWGI_COUNTER(retries));
    out->last_success = last(turn, SWGI_COUNTER(last_success));
    out->last_failure = last(turn, SWGI_COUNTER(last_failure));
}

/*
 * What is HALF_OPEN by time alone is so since its time was over, though nothing was written then; what a forced mode has left due,
 * since that ended.
 */
static swg_ns began(const struct swgi_cell *cell, uint64_t ctl, uint64_t effective) {
    uint64_t since = swgi_load(&cell->since);
    swg_ns written =
        swgi_since_generation(since) == swgi_ctl_generation(ctl) ? swgi_since_time(since) : 0;
    bool forced = swgi_ctl_forced(ctl);
    bool by_time = swgi_ctl_state(effective) == SWGI_HALF && !swgi_ctl_forced(effective) &&
                   (forced || swgi_ctl_state(ctl) == SWGI_OPEN);
    if (!by_time)
        return written;
    swg_ns due = forced ? swgi_mode_until(cell, ctl) : swgi_deadline_time(swgi_ctl_deadline(ctl));
    return due > written ? due : written;
}

static void read_state(const struct swgi_turn *turn, uint64_t ctl, struct swg_status *out) {
    const struct swgi_cell *cell = turn->cell;
    unsigned state = swgi_ctl_state(ctl);
    out->mode = (int)swgi_ctl_mode(ctl);
    out->state = state == SWGI_RAMP ? SWG_STATE_HALF_OPEN : (int)state;
    out->mode_until = swgi_mode_until(cell, ctl);
    if (state == SWGI_OPEN || state == SWGI_HALF)
        out->rule = (int)swgi_ctl_rule(ctl);
    if (state == SWGI_OPEN && !swgi_ctl_forced(ctl))
        out->open_until = swgi_deadline_time(swgi_ctl_deadline(ctl));
    if (state == SWGI_RAMP && !swgi_ctl_forced(ctl))
        out->ramp_percent = (int)swgi_ramp_percent(&turn->settings, ctl);
    out->last_trip = (swg_ns)swgi_load(&cell->last_trip);
    out->trips = swgi_load(&cell->trips);
    out->trips_in_a_row = (uint32_t)swgi_tagged_value(swgi_load(&cell->streak));
    for (unsigned i = 0; i < SWGI_TRANSITIONS; i++)
        out->transitions += swgi_load(&cell->transitions[i]);
}

static void read_rates(const struct swgi_turn *turn, struct swg_status *out) {
    struct swgi_window window = { 0 };
    out->failure_rate = out->slow_rate = -1;
    if (!swgi_longest_window(turn, &window))
        return;
    out->window_calls = window.calls;
    if (window.calls == 0)
        return;
    out->failure_rate = (double)window.half_units / 2 / (double)window.calls;
    out->slow_rate = (double)window.slow / (double)window.calls;
}

static void read_recovery(const struct swgi_turn *turn, uint64_t ctl, struct swg_status *out) {
    struct swgi_probe_tally tally = { 0 };
    const struct swgi_settings *settings = &turn->settings;
    if (swgi_ctl_state(ctl) == SWGI_HALF && !swgi_ctl_forced(ctl))
        swgi_probe_tally(turn->cell, swgi_ctl_generation(ctl), settings->probes, &tally);
    out->probes_held = tally.held;
    out->probe_successes = tally.passed;
    out->probes_max = settings->probes;
    out->success_threshold = settings->success_threshold;
}

static void read_latency(const struct swgi_turn *turn, struct swg_latency *out) {
    uint64_t bins[SWGI_HISTOGRAM_BINS] = { 0 };
    (void)swgi_histogram_sum(turn->map, swgi_load(&turn->cell->histogram), bins);
    const double shares[4] = { 0.5, 0.9, 0.99, 0.999 };
    swg_ns *results[4] = { &out->p50, &out->p90, &out->p99, &out->p999 };
    for (unsigned i = 0; i < SWGI_HISTOGRAM_BINS; i++)
        out->count += bins[i];
    uint64_t below = 0;
    for (unsigned i = 0; i < SWGI_HISTOGRAM_BINS; i++) {
        if (bins[i] == 0)
            continue;
        below += bins[i];
        out->max = swgi_histogram_bound(i);
        for (unsigned j = 0; j < 4; j++)
            if (*results[j] == 0 && (double)below >= shares[j] * (double)out->count)
                *results[j] = out->max;
    }
}

static void read_score(const struct swgi_turn *turn, uint64_t ctl, struct swg_status *out) {
    const struct swgi_score_settings *score = &turn->settings.score;
    unsigned state = swgi_ctl_state(ctl);
    if (score->kind == SWGI_SCORE_NONE)
        return;
    double unit = score->kind == SWGI_SCORE_CONSECUTIVE ? 0.5 : 1;
    out->score_limit = swgi_score_threshold(&turn->settings);
    if (!swgi_ctl_forced(ctl) && swgi_state_judges(state))
        out->score = swgi_ctl_score(ctl) * unit;
}

void swgi_status_read(struct swgi_turn *turn, struct swg_status *out) {
    uint64_t present = swgi_load(&turn->cell->ctl);
    uint64_t ctl = swgi_effective_ctl(turn->cell, present, turn->now);
    swgi_cell_name(turn->cell, out->name);
    memcpy(out->preset, turn->settings.preset, sizeof(out->preset));
    read_state(turn, ctl, out);
    out->since = began(turn->cell, present, ctl);
    read_counters(turn, out);
    read_rates(turn, out);
    read_score(turn, ctl, out);
    read_recovery(turn, ctl, out);
    out->has_latency = swgi_load(&turn->cell->histogram) != 0;
    if (out->has_latency)
        read_latency(turn, &out->latency);
    swgi_status_policies(turn, out);
}

int swgi_look(const struct swg_circuit *circuit, struct swgi_turn *turn) {
    if (circuit == NULL)
        return -EINVAL;
    const struct swgi_binding *binding = swgi_circuit_look(circuit);
    if (binding == NULL)
        return -ENOENT;
    swgi_turn_begin(turn, binding->map, binding->index, swgi_map_clock(binding->map));
    return 0;
}

int swg_circuit_state(const struct swg_circuit *circuit) {
    const struct swgi_binding *binding = circuit != NULL ? swgi_circuit_look(circuit) : NULL;
    if (binding == NULL)
        return circuit != NULL ? -ENOENT : -EINVAL;
    struct swgi_cell *cell = binding->cell;
    uint64_t ctl = swgi_effective_ctl(cell, swgi_load(&cell->ctl), swgi_map_clock(binding->map));
    unsigned state = swgi_ctl_state(ctl);
    return state == SWGI_RAMP ? SWG_STATE_HALF_OPEN : (int)state;
}

int swg_circuit_status(const struct swg_circuit *circuit, struct swg_status *out) {
    struct swgi_turn turn;
    struct swg_status status = SWG_STATUS_INIT;
    if (out == NULL)
        return -EINVAL;
    int rc = swgi_look(circuit, &turn);
    if (rc != 0)
        return rc;
    swgi_status_read(&turn, &status);
    return swgi_sized_out(out, &status);
}
