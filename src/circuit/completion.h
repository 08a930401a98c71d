/* What the end of a call means for the policies: permits given back, what adapts told, another
 * attempt allowed. */
#ifndef SWGI_CIRCUIT_COMPLETION_H
#define SWGI_CIRCUIT_COMPLETION_H

#include <errno.h>

#include "circuit/circuit.h"
#include "circuit/permit.h"
#include "engine/policies.h"

/* What it holds of the bulkhead. 0; -EINVAL: a copy of a permit that was ended before. */
static inline int swgi_completion_release(const struct swg_permit *permit,
                                          const struct swgi_binding *binding) {
    struct swgi_held held = swgi_permit_held(permit);
    struct swgi_policies *policies = swgi_policies_of(binding->map, binding->cell);
    if (held.word == 0 || policies == NULL)
        return 0;
    int rc = swgi_bulkhead_release(binding->map, &policies->bulkhead, held);
    return rc == -EINVAL ? rc : 0;
}
static inline bool swgi_completion_probes(const struct swg_permit *permit,
                                          const struct swgi_binding *binding) {
    struct swgi_ticket ticket = swgi_permit_ticket(permit);
    return !ticket.has_probe || swgi_load(&binding->cell->probes[ticket.slot]) == ticket.probe;
}
/* false: a copy of a permit that was ended before, or whose lease of a probe another took over. One that holds nothing of the
 * bulkhead, and no probe, cannot tell. */
static inline bool swgi_completion_holds(const struct swg_permit *permit,
                                         const struct swgi_binding *binding) {
    struct swgi_held held = swgi_permit_held(permit);
    struct swgi_policies *policies = swgi_policies_of(binding->map, binding->cell);
    bool there = held.word == 0 || policies == NULL ||
                 swgi_permits_is_held(binding->map, &policies->bulkhead, held);
    return there && swgi_completion_probes(permit, binding);
}
/* Calls in flight beyond the slow threshold; 0 where they are not followed. */
uint32_t swgi_completion_overdue(const struct swgi_turn *turn);
/* A call that ended is a sample, where something adapts. */
void swgi_completion_sampled(const struct swg_permit *permit, const struct swgi_binding *binding,
                             int64_t now, int64_t duration, enum swgi_class class);
static inline void swgi_completion_sample(const struct swg_permit *permit,
                                          const struct swgi_binding *binding, int64_t now,
                                          int64_t duration, enum swgi_class class) {
    if (swgi_load_relaxed(&binding->cell->traits, FAST_SETTING) & SWGI_TRAIT_SAMPLED)
        swgi_completion_sampled(permit, binding, now, duration, class);
}
/* A success where nothing is due: true; nothing was done otherwise. */
static inline bool swgi_completion_sample_calmly(const struct swg_permit *permit,
                                                 const struct swgi_binding *binding, int64_t now,
                                                 int64_t duration) {
    const struct swgi_policies *policies = swgi_policies_of(binding->map, binding->cell);
    if (swgi_unlikely(policies == NULL || duration < 0 ||
                      permit->opaque[6] & SWGI_MASK(SWGI_ASKED_KEY_BITS) << SWGI_ASKED_KEY_SHIFT))
        return false;
    uint64_t last = swgi_load_relaxed(&policies->sample_stamp, STAMP);
    if (swgi_passed(now, (int64_t)last) >= swgi_load_relaxed(&policies->sample_ns, FAST_SETTING))
        return false;
    swgi_column_add(&swgi_column(binding->index)->time_ns, (uint64_t)duration);
    return true;
}
/*
 * May the call be tried again? The delay before it, or -1. Pays the budget. turn: of this call's
 * outcome, its policies loaded.
 */
int64_t swgi_completion_retry(struct swgi_turn *turn, const struct swgi_asked *asked,
                              enum swgi_class class);
/* A delay in 16 bits and back: at most two thousandths longer, and no shorter. */
uint16_t swgi_delay_pack(int64_t delay_ns);
int64_t swgi_delay_unpack(uint16_t packed);

#endif
