/* Handles of circuits: how a name becomes what a call uses, and stays right when circuits are
 * evicted or files replaced. */
#ifndef SWGI_CIRCUIT_CIRCUIT_H
#define SWGI_CIRCUIT_CIRCUIT_H

#include "base/shared.h"
#include "base/clock.h"
#include "engine/engine.h"

/* The circuit's present binding, made anew if the old one's cell or file is gone. NULL:
 * unprotected, or nothing could be made. */
const struct swgi_binding *swgi_circuit_bind(struct swg_circuit *circuit);
/* For readers: never makes a circuit. NULL: there is none now. */
SWGI_SHARED const struct swgi_binding *swgi_circuit_look(const struct swg_circuit *circuit);
/* Note in the handle how the circuit is configured now, for when it must be made again. */
void swgi_circuit_remember(struct swg_circuit *circuit);
/* The same of all handles, after a file changed what circuits are. */
void swgi_circuits_remember(struct swg_panel *panel);
/* After the panel followed to another file: all handles to the new one. */
void swgi_circuits_follow(struct swg_panel *panel);

/* Panel time for a binding: the caller's clock is ours. */
static inline int64_t swgi_binding_now(const struct swgi_binding *binding) {
    if (swgi_unlikely(binding->map->virtual_on))
        return swgi_map_clock(binding->map);
    return swgi_clock_fast() + binding->time_shift;
}

/* An instant of one clock in another; what cannot be told is never. */
static inline int64_t swgi_shifted(int64_t instant, int64_t shift) {
    int64_t there;
    if (instant == SWG_NS_MAX || __builtin_add_overflow(instant, shift, &there))
        return SWG_NS_MAX;
    return there;
}

/* Bring a system-load figure of at most a second ago into the cell, sampling if need be (load.c).
 */
double swgi_system_load(struct swgi_turn *turn);

#endif
