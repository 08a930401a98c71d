/* What the panel says of a circuit: whether anything moved, and then all of it. */
#include <errno.h>

#include "agent/measure_inside.h"
#include "circuit/look.h"
#include "panel/waiters.h"

/* Counters grow, so that their sum moves with each of them; what may go back is mixed in. */
static uint64_t columns_sum(const struct swgi_map *map, uint32_t index) {
    uint64_t sum = 0;
    for (uint32_t c = 0, high = swgi_columns_high(map); c < high; c++) {
        const swgi_word *words =
            (const swgi_word *)&map->columns[(uint64_t)c * map->geometry.circuits + index];
        for (unsigned i = 0; i < sizeof(struct swgi_column) / sizeof(*words); i++)
            sum += swgi_load_relaxed(&words[i], COLUMN);
    }
    return sum;
}

static uint64_t mix(uint64_t hash, uint64_t word) {
    return (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15) + (hash >> 29);
}

/* Line 0 and 1 of the cell, and the columns: whatever happens to a circuit shows in one of them. */
uint64_t swgi_measure_stamp(const struct swgi_binding *binding) {
    const struct swgi_cell *cell = binding->cell;
    uint64_t bad = swgi_load_relaxed(&cell->failures, COUNTER) +
                   swgi_load_relaxed(&cell->timeouts, COUNTER) +
                   swgi_load_relaxed(&cell->slow, COUNTER);
    uint64_t hash = mix(binding->life, swgi_load_relaxed(&cell->ctl, COUNTER));
    hash = mix(hash, swgi_load_relaxed(&cell->settings_sequence, COUNTER));
    hash = mix(hash, bad);
    return mix(hash, columns_sum(binding->map, binding->index));
}

uint64_t swgi_measure_registry(const struct swgi_map *map) {
    const struct swgi_header *header = map->header;
    uint64_t hash = mix(0, swgi_load(&header->index_version));
    hash = mix(hash, swgi_load(&header->circuits_high));
    hash = mix(hash, swgi_load(&header->circuits_live));
    return mix(hash, swgi_load(&header->evicted));
}

/* ---- the histogram */

/*
 * Where the exported buckets end: bins of the panel's histogram that lie near the usual decimal
 * steps, so that every call is in the right one. As (5..8) * 2^exponent ns.
 */
static const struct {
    uint8_t quarters, exponent;
} ends[SWGI_BUCKETS] = {
    { 8, 15 }, /* 0.26 ms */
    { 8, 17 }, /* 1.05 ms */
    { 5, 20 }, /* 5.2 ms */
    { 5, 21 }, /* 10.5 ms */
    { 6, 22 }, /* 25.2 ms */
    { 6, 23 }, /* 50.3 ms */
    { 6, 24 }, /* 100.7 ms */
    { 8, 25 }, /* 268 ms */
    { 8, 26 }, /* 537 ms */
    { 8, 27 }, /* 1.07 s */
    { 5, 29 }, /* 2.7 s */
    { 5, 31 }, /* 10.7 s */
};

int64_t swgi_measure_bucket(unsigned i) {
    return (int64_t)ends[i].quarters << ends[i].exponent;
}

/* A call took what the middle of its bin says, give or take an eighth. */
static double middle_s(unsigned bin) {
    int64_t from = bin == 0 ? 0 : swgi_histogram_bound(bin - 1);
    return (double)(from + swgi_histogram_bound(bin)) / 2e9;
}

static void read_histogram(const struct swgi_turn *turn, struct swgi_totals *out) {
    uint64_t bins[SWGI_HISTOGRAM_BINS] = { 0 };
    unsigned bucket = 0;
    (void)swgi_histogram_sum(turn->map, swgi_load(&turn->cell->histogram), bins);
    out->timed = 0;
    out->timed_s = 0;
    for (unsigned i = 0; i < SWGI_BUCKETS; i++)
        out->buckets[i] = 0;
    for (unsigned i = 0; i < SWGI_HISTOGRAM_BINS; i++) {
        while (bucket < SWGI_BUCKETS && swgi_histogram_bound(i) > swgi_measure_bucket(bucket))
            bucket++;
        if (bucket < SWGI_BUCKETS)
            out->buckets[bucket] += bins[i];
        out->timed += bins[i];
        if (bins[i] != 0)
            out->timed_s += (double)bins[i] * middle_s(i);
    }
}

/* ---- how near a rule is */

/* A rule that waits for so many calls is no nearer than they are. */
static double nearness(const struct swg_rule *rule) {
    double near = rule->threshold > 0 ? rule->value / rule->threshold : 0;
    if (rule->calls_min != 0 && (double)rule->calls < near * (double)rule->calls_min)
        near = (double)rule->calls / (double)rule->calls_min;
    return near;
}

static double nearest(const struct swgi_turn *turn, const struct swg_status *status) {
    struct swg_rule rules[SWGI_RULES_MAX];
    double near = 0;
    if (status->failure_rate <= 0 && status->slow_rate <= 0 && status->score <= 0)
        return 0;
    for (uint32_t i = 0, count = swgi_why_rules(turn, status, rules); i < count; i++)
        near = nearness(&rules[i]) > near ? nearness(&rules[i]) : near;
    return near;
}

/* ---- all of it */

static swg_ns waited(const struct swgi_turn *turn, const struct swg_status *status) {
    const struct swgi_policies *policies = swgi_policies_of(turn->map, turn->cell);
    if (policies == NULL || status->queue_length == 0)
        return 0;
    swg_ns since =
        swgi_waiters_oldest(turn->map, &policies->bulkhead, swgi_load(&policies->ageing_ns));
    return since < turn->now && since > 0 ? turn->now - since : 0;
}

int swgi_measure_look(struct swgi_measured *measured) {
    struct swgi_turn turn;
    struct swg_status status = SWG_STATUS_INIT;
    int rc = swgi_look(measured->seen.circuit, &turn);
    if (rc != 0)
        return rc;
    swgi_status_read(&turn, &status);
    measured->seen.status = status;
    measured->seen.near = nearest(&turn, &status);
    measured->waited = waited(&turn, &status);
    measured->timeout_weight = turn.settings.timeout_half_units / 2.0;
    for (unsigned i = 0; i < SWGI_TRANSITIONS; i++)
        measured->totals.transitions[i] = swgi_load(&turn.cell->transitions[i]);
    if (status.has_latency)
        read_histogram(&turn, &measured->totals);
    return 0;
}

/*
 * Windows empty, permits get older, limiters fill up. How far a window has emptied needs no more than an
 * eighth of precision, so the longer nothing happened, the seldomer it is looked at.
 */
bool swgi_measure_restless(const struct swgi_measured *measured, swg_ns now) {
    const struct swg_status *status = &measured->seen.status;
    swg_ns since_look = now - measured->looked_at, since_change = now - measured->changed_at;
    bool due = (status->open_until != 0 && status->open_until <= now) ||
               (status->mode_until != 0 && status->mode_until <= now);
    if (due || status->permits_held != 0 || status->queue_length != 0)
        return true;
    bool moves = status->window_calls != 0 || status->features_all != 0 ||
                 (status->has_limiter && since_change / 2 < status->limiter_per);
    return since_look >= (moves ? since_change / 8 : 60 * SWGI_NS);
}
