/* Looking at a circuit without taking part. */
#ifndef SWGI_CIRCUIT_LOOK_H
#define SWGI_CIRCUIT_LOOK_H

#include "circuit/circuit.h"

/* A turn for reading: -ENOENT when the circuit is not in the panel. */
int swgi_look(const struct swg_circuit *circuit, struct swgi_turn *turn);
void swgi_status_read(const struct swgi_turn *turn, struct swg_status *out);
/* The longest window the circuit has; false: none. */
bool swgi_longest_window(const struct swgi_turn *turn, struct swgi_window *out);
/* An event of a ring as the public struct; its id is (ticket << 1) | ring. */
void swgi_event_public(const struct swgi_event_data *data, uint64_t id, struct swg_event *out);

#endif
