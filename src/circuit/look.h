/* Looking at a circuit without taking part. */
#ifndef SWGI_CIRCUIT_LOOK_H
#define SWGI_CIRCUIT_LOOK_H

#include "base/shared.h"
#include "circuit/circuit.h"

/* A turn for reading: -ENOENT when the circuit is not in the panel. */
SWGI_SHARED int swgi_look(const struct swg_circuit *circuit, struct swgi_turn *turn);
SWGI_SHARED void swgi_status_read(struct swgi_turn *turn, struct swg_status *out);
/* The part of policies, after the counters (policies.c). */
void swgi_status_policies(struct swgi_turn *turn, struct swg_status *out);
void swgi_why_permits(const struct swgi_turn *turn, struct swg_why *why);
/* Each rule's value against its threshold; status is of the same turn. Returns how many. */
#define SWGI_RULES_MAX 8u
SWGI_SHARED uint32_t swgi_why_rules(const struct swgi_turn *turn, const struct swg_status *status,
                                    struct swg_rule out[SWGI_RULES_MAX]);
/* A process as people know it. owner: 1..SWGI_PROCESSES_MAX. */
void swgi_process_tell(const struct swgi_map *map, unsigned owner, int64_t *pid, char name[32]);
/* The longest window the circuit has; false: none. */
bool swgi_longest_window(const struct swgi_turn *turn, struct swgi_window *out);
/* An event of a ring as the public struct; its id is (ticket << 1) | ring. */
void swgi_event_public(const struct swgi_event_data *data, uint64_t id, struct swg_event *out);

#endif
