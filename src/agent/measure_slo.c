/*
 * What is left of an objective's error budget, and how fast it burns.
 *
 *     budget left = 1 - failures / (calls * (1 - objective))        over the objective's window
 *     burn rate   = (failures / calls) / (1 - objective)            over the last hour
 *
 * as in Google's Site Reliability Workbook, chapter 5 (Alerting on SLOs): at rate 1 the budget lasts
 * exactly as long as the window. Calls are those with an outcome that says something of the
 * dependency: successes, failures and timeouts. What we rejected ourselves was no call.
 */
#include <stdlib.h>

#include "agent/measure_inside.h"

#define WINDOW_DEFAULT (30 * INT64_C(86400) * SWGI_NS)

static swg_ns slot_ns_of(const struct swgi_file_circuit *entry) {
    swg_ns window = entry->slo_window > 0 ? entry->slo_window : WINDOW_DEFAULT;
    return window / SWGI_SLO_SLOTS > 0 ? window / SWGI_SLO_SLOTS : 1;
}

static bool wanted(const struct swgi_measured *measured) {
    const struct swgi_file_circuit *entry = measured->seen.entry;
    return entry != NULL && entry->has_slo && entry->slo_availability > 0;
}

static void advance(struct swgi_slo *slo, swg_ns now) {
    int64_t number = now / slo->slot_ns, passed = number - slo->slot;
    if (passed > (int64_t)SWGI_SLO_SLOTS)
        passed = SWGI_SLO_SLOTS;
    for (; passed > 0; passed--) {
        uint64_t i = (uint64_t)(number - passed + 1) % SWGI_SLO_SLOTS;
        slo->judged[i] = slo->failures[i] = 0;
    }
    slo->slot = number;
}

/* An objective that came, went, or has another window now, begins anew. */
void swgi_slo_follow(struct swgi_measured *measured, swg_ns now) {
    swg_ns slot_ns = wanted(measured) ? slot_ns_of(measured->seen.entry) : 0;
    if (measured->slo != NULL && measured->slo->slot_ns == slot_ns)
        return;
    free(measured->slo);
    measured->slo = slot_ns != 0 ? calloc(1, sizeof(*measured->slo)) : NULL;
    measured->seen.slo_budget_left = measured->seen.slo_burn_rate = -1;
    if (measured->slo == NULL)
        return;
    measured->slo->slot_ns = slot_ns;
    measured->slo->slot = now / slot_ns;
}

void swgi_slo_add(struct swgi_measured *measured, uint32_t judged, uint32_t failures, swg_ns now) {
    struct swgi_slo *slo = measured->slo;
    if (slo == NULL)
        return;
    advance(slo, now);
    slo->judged[(uint64_t)slo->slot % SWGI_SLO_SLOTS] += judged;
    slo->failures[(uint64_t)slo->slot % SWGI_SLO_SLOTS] += failures;
}

void swgi_slo_derive(struct swgi_measured *measured, swg_ns now) {
    struct swgi_slo *slo = measured->slo;
    uint64_t judged = 0, failures = 0;
    if (slo == NULL)
        return;
    advance(slo, now);
    for (unsigned i = 0; i < SWGI_SLO_SLOTS; i++) {
        judged += slo->judged[i];
        failures += slo->failures[i];
    }
    double allowed = 1 - measured->seen.entry->slo_availability / 100;
    if (allowed <= 0)
        allowed = 1e-9; /* 100 %: one failure is all of it */
    double left = judged != 0 ? 1 - (double)failures / ((double)judged * allowed) : 1;
    measured->seen.slo_budget_left = left > 0 ? left : 0;
    struct swgi_share hour = { 0 };
    if (measured->history != NULL)
        hour = swgi_history_hour(measured->history);
    measured->seen.slo_burn_rate =
        hour.judged != 0 ? hour.failures / (double)hour.judged / allowed : 0;
}
