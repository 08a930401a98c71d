/* Every bound of the panel, in one place, related to each other by assertions. */
#ifndef SWGI_PANEL_LIMITS_H
#define SWGI_PANEL_LIMITS_H

#include <assert.h>

#define SWGI_PROCESSES_MAX    1023u  /* an owner is 10 bits, 0 means nobody */
#define SWGI_CIRCUITS_MAX     65535u /* made by users; circuit 0 is the panel's own */
#define SWGI_COLUMNS_MAX      256u   /* column 0 is shared by threads without one of their own */
#define SWGI_EVENTS_MAX       65536u
#define SWGI_EVENTS_MIN       64u
#define SWGI_SLOTS_MAX        4194304u /* words of all count windows, permits, queues and logs */
#define SWGI_SLOT_CHUNK       32u      /* slots are given out in chunks */
#define SWGI_SLOT_CHUNKS_MAX  (SWGI_SLOTS_MAX / SWGI_SLOT_CHUNK)
#define SWGI_NAME_MAX         127u /* bytes of a name, without the final NUL */
#define SWGI_USER_MAX         31u
#define SWGI_SOURCES_MAX      8u  /* configuration files a panel can name */
#define SWGI_SOURCE_WORDS     16u /* bytes of such a name / 8, with its NUL */
#define SWGI_REASON_MAX       127u
#define SWGI_SOURCE_MAX       15u
#define SWGI_SAMPLE_MAX       127u /* bytes of an error's text */
#define SWGI_PROBES_MAX       16u
#define SWGI_SUCCESSES_MAX    255u /* of half-open, together */
#define SWGI_SNAPSHOTS        16u  /* the ring of time slices */
#define SWGI_SLICES_MAX       15u  /* one slot of the ring is being written */
#define SWGI_TIME_RULES_MAX   4u
#define SWGI_COUNT_CALLS_MAX  1023u
#define SWGI_RAMP_STEPS_MAX   16u
#define SWGI_CONSECUTIVE_MAX  1000000u
#define SWGI_HISTOGRAM_BINS   128u
#define SWGI_PERMITS_MAX      4096u  /* of one bulkhead */
#define SWGI_PLACES_MAX       16384u /* of one queue */
#define SWGI_LOG_MAX          4096u  /* calls a sliding log remembers */
#define SWGI_RATE_MAX         1000000u
#define SWGI_ATTEMPTS_MAX     63u
#define SWGI_PARTITIONS_MAX   4u
#define SWGI_FALLBACKS_MAX    5u
#define SWGI_FEATURES_MAX     16u
#define SWGI_FEATURE_NAME_MAX 23u
#define SWGI_ANSWER_MAX       127u
#define SWGI_PRIORITY_ZERO    32 /* added to a priority where it is kept without a sign */

/* Widths of the fields of the panel's words. */
#define SWGI_GENERATION_BITS  20
#define SWGI_TICK_BITS        28
#define SWGI_DEADLINE_BITS    36
#define SWGI_DEADLINE_SHIFT   22 /* a deadline counts units of 2^22 ns */
#define SWGI_OWNER_BITS       10
#define SWGI_INCARNATION_BITS 14
#define SWGI_SNAPSHOT_BITS    36
#define SWGI_BASE_BITS        44

static_assert(SWGI_PROCESSES_MAX == (1u << SWGI_OWNER_BITS) - 1, "an owner must fit its bits");
static_assert(SWGI_SLICES_MAX < SWGI_SNAPSHOTS, "one slot is always being written");
static_assert((1u << SWGI_TICK_BITS) % SWGI_SNAPSHOTS == 0, "the ring divides the circle of ticks");
static_assert(SWGI_TICK_BITS + SWGI_SNAPSHOT_BITS == 64, "a snapshot is one word");
static_assert(SWGI_GENERATION_BITS + SWGI_BASE_BITS == 64, "a base is one word");

#endif
