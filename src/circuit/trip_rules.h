/* The list of trip rules: as people write it, entry by entry, and as the engine has it, by kind of
 * window. */
#ifndef SWGI_CIRCUIT_TRIP_RULES_H
#define SWGI_CIRCUIT_TRIP_RULES_H

#include "circuit/keys.h"

/*
 * Replaces all trip rules of *settings by the list; what an entry does not set has its default.
 * Does not compile. -EINVAL names the entry and what is allowed; *settings is then good for
 * nothing.
 */
int swgi_trip_rules_install(struct swgi_settings *settings, const struct swgi_trip_rule *rules,
                            unsigned count, struct swg_error *error);
/* The rules of *settings as a list that installs to the same: score first, then the windows.
 * Returns how many. */
unsigned swgi_trip_rules_list(const struct swgi_settings *settings,
                              struct swgi_trip_rule out[SWGI_TRIP_RULES_MAX]);

/*
 * Which entry of a list that was installed became this entry of swgi_trip_rules_list(), which counts
 * the score first. -1: none of them.
 */
int swgi_trip_rules_source(const struct swgi_settings *settings, const struct swgi_trip_rule *rules,
                           unsigned count, unsigned entry);

/* Is this key of swgi_rule_keys one that the entry has? */
bool swgi_trip_rule_has(const struct swgi_trip_rule *rule, const struct swgi_key *key);
/* Reads one key of an entry; an entry is of one kind. -EINVAL as swgi_key_parse(). */
int swgi_trip_rule_set(struct swgi_trip_rule *rule, const struct swgi_key_place *place,
                       const char *value, struct swg_error *error);

#endif
