/*
 * What an agent keeps of circuits beyond a panel's life, and how it comes back: beyond what the public
 * interface shows.
 */
#ifndef SWGI_CIRCUIT_PAST_H
#define SWGI_CIRCUIT_PAST_H

#include "base/shared.h"
#include "circuit/circuit.h"

/*
 * Makes a circuit that has no past be what it was: open, with its mode, its lifetime trips and those
 * in a row, and the evidence of the last one. The events say source "restore", a mode's its user. 0;
 * -EALREADY when it has tripped or was acted on in this panel, and only lifetime trips are added, once;
 * -ENOENT, -EROFS.
 */
SWGI_SHARED int swgi_circuit_restore(struct swg_circuit *circuit, const struct swgi_past *past);

/* 0..2^20 - 1, one more with each transition and change of mode; 0 where there is no such circuit. */
SWGI_SHARED uint32_t swgi_circuit_generation(const struct swg_circuit *circuit);

/* The sums of the latency histogram's bins; false: it has none. */
SWGI_SHARED bool swgi_circuit_bins(const struct swg_circuit *circuit,
                                   uint64_t bins[SWGI_HISTOGRAM_BINS]);

/* Which panel this is: when it was made, by the calendar. Another file that took its place has another
 * one. */
SWGI_SHARED int64_t swgi_panel_birth_ms(const struct swg_panel *panel);

#endif
