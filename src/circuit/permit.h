/*
 * What lies in a permit's eight opaque words.
 *
 *   0  the binding it was taken on; 0: ended, or never admitted
 *   1  generation:20 | judged:1 | probe:1 | slot:4 | - | life:32
 *   2  panel time of admission
 *   3  the probe slot's word, if it holds one
 *   4  after a rejection: how long to wait
 *   7  word 0 ^ word 1 ^ the map's tag: what is not ours, or was taken before a fork, is told
 * without following a pointer
 */
#ifndef SWGI_CIRCUIT_PERMIT_H
#define SWGI_CIRCUIT_PERMIT_H

#include "engine/engine.h"

#define SWGI_PERMIT_UNJUDGED   (UINT64_C(1) << 20)
#define SWGI_PERMIT_PROBE      (UINT64_C(1) << 21)
#define SWGI_PERMIT_SLOT_SHIFT 22

static inline void swgi_permit_fill(struct swg_permit *permit, const struct swgi_binding *binding,
                                    uint64_t word, int64_t now) {
    permit->opaque[0] = (uint64_t)(uintptr_t)binding;
    permit->opaque[1] = word | (uint64_t)binding->life << 32;
    permit->opaque[2] = (uint64_t)now;
    permit->opaque[4] = 0;
    permit->opaque[7] = permit->opaque[0] ^ permit->opaque[1] ^ swgi_thread.tag;
}

static inline void swgi_permit_refuse(struct swg_permit *permit, int64_t retry_in) {
    permit->opaque[0] = 0;
    permit->opaque[4] = (uint64_t)retry_in;
}

static inline const struct swgi_binding *swgi_permit_binding(const struct swg_permit *permit) {
    return (const struct swgi_binding *)(uintptr_t)permit->opaque[0];
}

/* What a permit's words say, as the engine wants it. */
static inline struct swgi_ticket swgi_permit_ticket(const struct swg_permit *permit) {
    uint64_t word = permit->opaque[1];
    return (struct swgi_ticket){
        .generation = word & SWGI_MASK(SWGI_GENERATION_BITS),
        .probe = permit->opaque[3],
        .slot = (unsigned)(word >> SWGI_PERMIT_SLOT_SHIFT & 15),
        .has_probe = word & SWGI_PERMIT_PROBE,
        .judged = !(word & SWGI_PERMIT_UNJUDGED),
    };
}

#endif
