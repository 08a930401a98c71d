/* A circuit's policies as a whole: their settings in the panel, and the words calls read. */
#ifndef SWGI_ENGINE_POLICIES_H
#define SWGI_ENGINE_POLICIES_H

#include "engine/adaptive.h"
#include "engine/auto_timeout.h"
#include "engine/bulkhead.h"
#include "engine/engine.h"
#include "engine/limiter.h"

/* Permits of a circuit that only counts its calls in flight; more are not told apart. */
#define SWGI_TRACK_PERMITS 256u

/* What to do when there is no room, as bits of one word. */
#define SWGI_HABIT_WAITS         1u /* for a permit */
#define SWGI_HABIT_QUEUE_WAITS   2u /* for a place, too */
#define SWGI_HABIT_QUEUE_ERROR   4u /* a full queue is an error of its own */
#define SWGI_HABIT_FULL_FAILS    8u /* a full bulkhead counts as a failure */
#define SWGI_HABIT_LIMITER_WAITS 16u
#define SWGI_HABIT_DYNAMIC       32u /* priority follows cost */
#define SWGI_HABIT_WATCHES       64u /* calls in flight are judged before they end */
#define SWGI_HABIT_CACHE         128u
#define SWGI_HABIT_CACHE_BYPASS  256u
#define SWGI_HABIT_FALLBACK      512u

void swgi_policies_default(struct swgi_policy_settings *out);
/* Is anything set, so that the circuit needs an extent? */
bool swgi_policies_wanted(const struct swgi_policy_settings *settings);
/* Works out what follows other settings, after checking what only several together can break.
 * -EINVAL names the key, its value and what is allowed. */
int swgi_policies_compile(struct swgi_policy_settings *settings, struct swg_error *error);
/* For what was read from memory that others can write. */
bool swgi_policies_check(const struct swgi_policy_settings *settings);
/* The largest limit the bulkhead may come to; 0: it has none. */
uint32_t swgi_policies_permits(const struct swgi_policy_settings *settings);
/* So many may wait where nobody said how many, 1..SWGI_PLACES_MAX. */
uint32_t swgi_policies_queue(const struct swgi_policy_settings *settings);
/* Returns the sequence they were read at. */
uint32_t swgi_policies_load(const struct swgi_policies *policies, struct swgi_policy_settings *out);
/* Under the registry lock, runs being long enough: publishes settings and the words derived from
 * them. State stays. log: the limiter's run. */
void swgi_policies_install(struct swgi_turn *turn, struct swgi_policies *policies,
                           const struct swgi_settings *settings, uint64_t log);

#endif
