/*
 * The panel's bytes: what lies where in memory that several processes share.
 *
 * Little-endian, pointer-free, every offset fixed by an assertion: programs of different ages map
 * the same file. What is an _Atomic here is shared; it is read and written only through
 * base/atomic.h. Nothing read from here is trusted: indices are clamped, sizes come from the
 * private copy made at attach.
 */
#ifndef SWGI_PANEL_LAYOUT_H
#define SWGI_PANEL_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "panel/limits.h"
#include "panel/policies.h"

#define SWGI_MAGIC        UINT64_C(0x4c454e4150475753) /* "SWGPANEL" */
#define SWGI_ENDIAN_MARK  0x01020304u
#define SWGI_MAJOR        1u
#define SWGI_MINOR        0u
#define SWGI_SECTIONS_MAX 24u
#define SWGI_CACHE_LINE   64u

/* A few words written by one at a time and read by anyone: claimed by sequence, proved whole by
 * checksum (record.c). */
#define SWGI_RECORD(words_count)                     \
    {                                                \
        swgi_word sequence; /* odd: being written */ \
        swgi_word check;                             \
        swgi_word words[words_count];                \
    }

enum swgi_section_id {
    SWGI_SECTION_PROCESSES = 1,    /* struct swgi_process */
    SWGI_SECTION_CIRCUITS,         /* struct swgi_cell; number 0 is the panel's own, "_beyond" */
    SWGI_SECTION_INDEX,            /* two copies of count/2 uint32_t buckets each */
    SWGI_SECTION_LEASES,           /* a word per column: owner */
    SWGI_SECTION_COLUMNS,          /* struct swgi_column [column][circuit] */
    SWGI_SECTION_HISTOGRAMS,       /* bins [extent][column][bin] */
    SWGI_SECTION_HISTOGRAM_OWNERS, /* uint32_t per extent: circuit + 1, 0 free */
    SWGI_SECTION_SLOTS,            /* words of count windows, permits, queues, logs; in chunks */
    SWGI_SECTION_SLOT_OWNERS,      /* uint32_t per chunk: circuit + 1, 0 free */
    SWGI_SECTION_ACTS,             /* struct swgi_event_slot: transitions and hand acts */
    SWGI_SECTION_NOTICES,          /* struct swgi_event_slot */
    SWGI_SECTION_POLICIES,         /* struct swgi_policies */
    SWGI_SECTION_POLICY_OWNERS     /* uint32_t per extent: circuit + 1, 0 free */
};

struct swgi_section {
    uint32_t id, stride; /* stride in bytes of one element */
    uint64_t offset, count;
};

struct swgi_header {
    /* Immutable once created; covered by crc. */
    uint64_t magic;
    uint32_t endian_mark;
    uint16_t major, minor;
    uint32_t features_incompatible, features_compatible;
    uint64_t size;
    uint32_t circuits, columns, histograms, slot_chunks, events, processes, policies; /* geometry */
    uint64_t created_wall_ms;
    uint64_t time_namespace; /* inode, for people */
    uint32_t virtual_clock_on;
    uint32_t sections_count;
    struct swgi_section sections[SWGI_SECTIONS_MAX];
    uint32_t crc; /* crc32c of all that stands above */
    uint32_t spare[16];

    /* Changing. Each group on a line of its own. */
    _Alignas(64) swgi_word virtual_clock;
    swgi_word stamp_monotonic,
        stamp_wall;       /* of the last housekeeping: where a reboot is re-based from */
    swgi_word boot_id[2]; /* changed by whoever re-bases after a reboot */
    swgi_word boot_state; /* odd: a re-base is under way */
    _Alignas(64) swgi_word registry_dirty; /* set while circuits are made or evicted: a killed
                                              holder is repaired after */
    swgi_word index_version;               /* lowest bit: which copy of the index is read */
    swgi_word circuits_high;               /* cells ever used: a bound for scans */
    swgi_word columns_high;
    swgi_word swept_at;
    swgi_word circuits_live;    /* cells in use, number 0 included; recounted by a repair */
    swgi_word index_tombstones; /* in the copy that is read */
    _Alignas(64) swgi_word beyond, evicted, clocks_replaced, events_lost;
    swgi_word unprotected; /* calls let through without a circuit */
    _Alignas(64) swgi_word acts_next;
    _Alignas(64) swgi_word notices_next;
    _Alignas(64) struct {
        swgi_word shift, now, boot_id[2]; /* what it began with, whoever ends it */
        swgi_word value, begun, done;     /* the instant being moved, and how many were */
    } rebase;                             /* the one under way (boot.c) */
    /* Paths of the files that circuits are configured by, written under the registry's lock; zero:
     * free. */
    _Alignas(64) swgi_word sources[SWGI_SOURCES_MAX][SWGI_SOURCE_WORDS];
};

/* Life is proved by a byte lock on the lock file, never by what stands here. */
struct swgi_process {
    swgi_word incarnation; /* grows each time the slot is claimed */
    swgi_word pid, pid_namespace, start_time, last_seen;
    swgi_word name[4];
    swgi_word reaped; /* the incarnation after whose death all was given back */
    swgi_word spare[6];
};

enum swgi_verdict {
    SWGI_REJECTED_OPEN,
    SWGI_REJECTED_FULL,
    SWGI_REJECTED_LIMITED,
    SWGI_REJECTED_SHED,
    SWGI_REJECTED_EXPIRED,
    SWGI_REJECTED_SATURATED,
    SWGI_VERDICTS
};

/*
 * A thread's own counters of one circuit: plain stores by the lease's holder. Column 0 is added to
 * atomically by threads without a lease. Never zeroed.
 */
struct swgi_column {
    swgi_word calls; /* admitted */
    swgi_word successes, ignored, cancelled, late;
    swgi_word last_success, last_failure; /* panel time */
    swgi_word would_reject;               /* shadow */
    swgi_word rejected[SWGI_VERDICTS];    /* enum swgi_verdict */
    swgi_word time_ns;                    /* of all calls that ended */
    swgi_word retries;                    /* admitted calls that were not the first attempt */
};

struct swgi_event_data {
    int64_t at, wall_ms;
    double value, threshold;
    uint64_t calls;
    int64_t until;
    uint8_t kind, from, to, rule;
    int32_t code;
    uint32_t circuit, life;
    char name[128], user[32], text[128], error_kind[24], source[16], trace_id[32];
};
#define SWGI_EVENT_WORDS 53
static_assert(sizeof(struct swgi_event_data) == SWGI_EVENT_WORDS * 8, "an event fills its words");

struct swgi_event_slot SWGI_RECORD(62);

/* What tripped it last. */
struct swgi_evidence {
    int64_t at, wall_ms;
    double value, threshold;
    uint64_t calls, failures, timeouts, slow;
    int64_t until;
    uint8_t rule, from, spare[2];
    uint32_t generation; /* that the trip began */
    uint64_t trips;
    uint64_t spare2[3];
};
#define SWGI_EVIDENCE_WORDS 14
static_assert(sizeof(struct swgi_evidence) == SWGI_EVIDENCE_WORDS * 8, "evidence fills its words");

/* Who set the mode. */
struct swgi_mode_act {
    int64_t wall_ms;
    char user[32], reason[128];
};
#define SWGI_MODE_ACT_WORDS 21
static_assert(sizeof(struct swgi_mode_act) == SWGI_MODE_ACT_WORDS * 8,
              "a mode's act fills its words");

#define SWGI_SETTINGS_WORDS 42

/* What each legal transition is counted as. */
enum swgi_transition {
    SWGI_CLOSED_TO_OPEN,
    SWGI_OPEN_TO_HALF,
    SWGI_HALF_TO_RAMP,
    SWGI_HALF_TO_CLOSED,
    SWGI_RAMP_TO_CLOSED,
    SWGI_HALF_TO_OPEN,
    SWGI_RAMP_TO_OPEN,
    SWGI_BY_HAND,
    SWGI_TRANSITIONS
};

/* Traits: which slow work a circuit's calls have, as bits of one word the fast path reads. */
#define SWGI_TRAIT_TIME         1u /* has a time window */
#define SWGI_TRAIT_COUNT        2u /* has a count window */
#define SWGI_TRAIT_HISTOGRAM    8u
#define SWGI_TRAIT_BULKHEAD     0x10u /* a permit for each call */
#define SWGI_TRAIT_LIMITER      0x20u
#define SWGI_TRAIT_RETRY        0x40u
#define SWGI_TRAIT_TIMEOUT      0x80u
#define SWGI_TRAIT_SAMPLED      0x100u /* something adapts to durations and outcomes */
#define SWGI_TRAITS_POLICIES    0x1f0u
#define SWGI_TRAITS_CALLS_SHIFT 16 /* above: how many calls the count window holds */

struct swgi_cell {
    /* Line 0: read by every call, written seldom. */
    _Atomic uint32_t life; /* 0 never used, odd being written, even in use; grows */
    _Atomic uint32_t traits;
    swgi_word ctl;        /* panel/words.h */
    swgi_word epoch;      /* generation and tick of the running slice */
    swgi_word time_base;  /* panel time of tick_base */
    swgi_word reciprocal; /* 2^64 / slice */
    swgi_word slow_ns;    /* UINT64_MAX: nothing is slow */
    _Atomic uint32_t tick_base;
    _Atomic uint32_t histogram;         /* extent + 1, 0 none */
    _Atomic uint32_t ring;              /* first slot of the count window + 1, 0 none */
    _Atomic uint32_t settings_sequence; /* settings[sequence & 1] is valid */

    /* Line 1: only the bad path writes here. */
    swgi_word failures, timeouts, slow;
    swgi_word calls_floor[SWGI_TIME_RULES_MAX]; /* tick, generation and a lower bound of each
                                                   window's calls */
    swgi_word sample_stamp;                     /* panel second of the last sample */

    /* Line 2: the count window, written by every call of a circuit that has one. */
    swgi_word window;
    swgi_word spare_window[7];

    /* Line 3: side line, tagged with generations; installed by the winner of a transition or
     * whoever finds it stale. */
    swgi_word since;        /* generation, ramp step, time */
    swgi_word last_trip;    /* panel time, 0 never */
    swgi_word streak;       /* generation, trips in a row */
    swgi_word shadow_until; /* deadline of mode shadow, 0 none; a forced mode's is in ctl */
    swgi_word liveness_stamp, shed_stamp, shed_load;
    swgi_word trips;

    /* Line 4 */
    swgi_word transitions[SWGI_TRANSITIONS];

    /* Line 5 */
    swgi_word base[3]; /* generation and sum: calls, half-units of failure, slow */
    swgi_word swept;   /* sum of counters at the last sweep for idle circuits */
    swgi_word settled; /* sequence of the settings whose changes are all made */
    swgi_word name_hash;
    swgi_word reject_stamp; /* panel second of the last notices of rejections:48 | verdicts:16 */
    swgi_word clock_stamp;  /* panel second of the last notice of a bad clock */

    swgi_word snapshots[SWGI_SNAPSHOTS][3]; /* tick and sum at the start of the slice */
    swgi_word probes[SWGI_PROBES_MAX];
    struct SWGI_RECORD(SWGI_EVIDENCE_WORDS) evidence;
    struct SWGI_RECORD(22) mode_act;
    swgi_word settings[2][SWGI_SETTINGS_WORDS]; /* engine/settings.h */
    swgi_word name[16];
    _Atomic uint32_t policies; /* extent + 1, 0 none */
    _Atomic uint32_t source;   /* number in header.sources + 1; 0: a program's word */
    swgi_word spare[3];
};

static_assert(sizeof(struct swgi_section) == 24, "part of the file format");
static_assert(sizeof(struct swgi_process) == 128, "part of the file format");
static_assert(sizeof(struct swgi_column) == 128, "part of the file format");
static_assert(sizeof(struct swgi_event_slot) == 512, "part of the file format");
static_assert(offsetof(struct swgi_event_data, kind) == 48, "part of the file format");
static_assert(offsetof(struct swgi_event_data, name) == 64, "part of the file format");
static_assert(offsetof(struct swgi_event_data, user) == 192, "part of the file format");
static_assert(offsetof(struct swgi_event_data, text) == 224, "part of the file format");
static_assert(offsetof(struct swgi_event_data, error_kind) == 352, "part of the file format");
static_assert(offsetof(struct swgi_event_data, source) == 376, "part of the file format");
static_assert(offsetof(struct swgi_header, virtual_clock) == 768, "part of the file format");
static_assert(offsetof(struct swgi_header, beyond) == 896, "part of the file format");
static_assert(offsetof(struct swgi_header, rebase) == 1280, "part of the file format");
static_assert(offsetof(struct swgi_header, sources) == 1344, "part of the file format");
static_assert(offsetof(struct swgi_cell, policies) == 2016, "part of the file format");
static_assert(offsetof(struct swgi_cell, source) == 2020, "part of the file format");
static_assert(sizeof(struct swgi_header) <= 4096, "the header is one page");
static_assert(offsetof(struct swgi_cell, failures) == 64, "line 1");
static_assert(offsetof(struct swgi_cell, window) == 128, "line 2");
static_assert(offsetof(struct swgi_cell, since) == 192, "line 3");
static_assert(offsetof(struct swgi_cell, transitions) == 256, "line 4");
static_assert(offsetof(struct swgi_cell, base) == 320, "line 5");
static_assert(offsetof(struct swgi_cell, snapshots) == 384, "part of the file format");
static_assert(offsetof(struct swgi_cell, probes) == 768, "part of the file format");
static_assert(offsetof(struct swgi_cell, evidence) == 896, "part of the file format");
static_assert(offsetof(struct swgi_cell, mode_act) == 1024, "part of the file format");
static_assert(offsetof(struct swgi_cell, settings) == 1216, "part of the file format");
static_assert(offsetof(struct swgi_cell, name) == 1888, "part of the file format");
static_assert(sizeof(struct swgi_cell) == 2048, "at most 2 KiB a circuit");

#endif
