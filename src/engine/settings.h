/*
 * What a circuit is configured to do, as plain numbers: the form in which it lies in the panel.
 *
 * Text (keys, presets, YAML) becomes this in circuit/config; the engine reads nothing else. It
 * holds no pointer. The panel is memory others can write: what could lead out of bounds is clamped
 * whenever settings are loaded, and swgi_settings_check() looks at every field before a circuit is
 * made of them again.
 */
#ifndef SWGI_ENGINE_SETTINGS_H
#define SWGI_ENGINE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/policy_settings.h"
#include "panel/limits.h"

struct swg_error;

#define SWGI_OFF UINT64_MAX /* a duration that is switched off */
#define SWGI_PPM 1000000u   /* a share of 1 */
#define SWGI_THRESHOLD_OFF \
    UINT32_MAX /* a rate rule that judges nothing: its window is kept for people to see */
#define SWGI_WINDOW_MIN_NS UINT64_C(10000000)
#define SWGI_WINDOW_MAX_NS UINT64_C(86400000000000)
#define SWGI_CALLS_MIN_MAX 1000000000u

enum swgi_compare { SWGI_AT_OR_ABOVE, SWGI_ABOVE };
enum swgi_ignored { SWGI_IGNORED_NEUTRAL, SWGI_IGNORED_SUCCESS };
enum swgi_open_from { SWGI_OPEN_FROM_TRIP, SWGI_OPEN_FROM_LAST_FAILURE };
enum swgi_half_permits { SWGI_PERMITS_CONCURRENT, SWGI_PERMITS_TOTAL };
enum swgi_half_verdict { SWGI_VERDICT_ANY_FAILURE, SWGI_VERDICT_RATE };
enum swgi_recovery { SWGI_RECOVERY_AUTOMATIC, SWGI_RECOVERY_MANUAL };
enum swgi_on_close { SWGI_WINDOW_CLEARED, SWGI_WINDOW_KEPT };

enum swgi_score_kind { SWGI_SCORE_NONE, SWGI_SCORE_CONSECUTIVE, SWGI_SCORE_CHANGE };
enum swgi_time_kind {
    SWGI_TIME_NONE,
    SWGI_TIME_FAILURE_RATE,
    SWGI_TIME_SLOW_RATE,
    SWGI_TIME_FAILURES
};

struct swgi_score_settings {
    uint8_t kind; /* enum swgi_score_kind */
    uint8_t spare[3];
    uint32_t consecutive;      /* SWGI_SCORE_CONSECUTIVE: how many, in whole failures */
    double healthy, unhealthy; /* SWGI_SCORE_CHANGE: failure shares p0 < p1 */
    double false_trip_once_in; /* calls */
    uint32_t up_half, up_full, down,
        limit; /* compiled by swgi_score_compile(); down UINT32_MAX: to zero */
};

struct swgi_count_settings {
    uint16_t calls; /* N of the window, 0: no count window, and the rest means nothing */
    uint16_t calls_min;
    uint32_t failure_ppm, slow_ppm; /* thresholds, SWGI_THRESHOLD_OFF: no such rule */
};

struct swgi_time_rule {
    uint8_t kind;   /* enum swgi_time_kind */
    uint8_t slices; /* window / slice, 1..15; compiled by swgi_time_compile() */
    uint16_t spare;
    uint32_t calls_min;
    uint32_t threshold; /* ppm of calls or SWGI_THRESHOLD_OFF; half-units for SWGI_TIME_FAILURES */
    uint32_t spare2;
    uint64_t window_ns;
};

struct swgi_settings {
    uint8_t compare, ignored, judge_on_success, open_from;
    uint8_t half_permits, half_verdict, on_close, recovery;
    uint8_t timeout_half_units; /* weight of a timeout: 0, 1 or 2 */
    uint8_t weights_set;        /* a timeout weighs other than a failure; compiled */
    uint8_t histogram;          /* 1: keep a latency histogram */
    uint8_t probes;             /* 1..16 */
    uint8_t success_threshold;  /* 1..255 */
    uint8_t ramp_steps;         /* 0: no ramp */
    uint8_t ramp_percent[SWGI_RAMP_STEPS_MAX];
    uint8_t open_max_follows;      /* 1: not set; open_for_ns, taken anew by each compilation */
    uint8_t backoff_reset_follows; /* 1: not set; ten times open_for_ns */
    struct swgi_score_settings score;
    struct swgi_count_settings count;
    uint32_t call_load_above; /* shedding: UINT32_MAX: off */
    struct swgi_time_rule time[SWGI_TIME_RULES_MAX];
    uint64_t slice_ns; /* 0: no time window; compiled */
    uint64_t slow_ns;  /* SWGI_OFF: nothing is slow */
    uint64_t open_for_ns, open_max_ns, backoff_reset_ns, retry_after_max_ns;
    uint64_t half_open_max_ns, ramp_step_ns, min_interval_ns, cooldown_ns;
    double open_multiplier, open_jitter;
    double system_load_above; /* share of all cores, e.g. 0.85 */
    char preset[16];          /* what it started from, for people; NUL-terminated */
    struct swgi_policy_settings
        policies; /* lies apart in the panel; see swgi_settings_load_all() */
};
/* What every circuit has, and every turn a copy of. */
#define SWGI_BREAKER_SETTINGS_SIZE offsetof(struct swgi_settings, policies)

/* The defaults of tables/keys.h, compiled. */
void swgi_settings_default(struct swgi_settings *settings);

/*
 * Works out every field that says "compiled" from the others, after checking what only several of
 * them together can break. -EINVAL names the key, its value and what is allowed; *settings is then
 * good for nothing.
 */
int swgi_settings_compile(struct swgi_settings *settings, struct swg_error *error);
/* Parts of it: the integers of the score rule; the slice that all time windows share. */
int swgi_score_compile(struct swgi_settings *settings, struct swg_error *error);
int swgi_time_compile(struct swgi_settings *settings, struct swg_error *error);

/*
 * May these settings be acted upon? For what was read from memory that others can write: every
 * value in its range, every compiled field in keeping with what it was compiled from. A few dozen
 * comparisons.
 */
bool swgi_settings_check(const struct swgi_settings *settings);

/* Do both count alike, so that windows and score gathered under one may be judged under the other?
 */
bool swgi_settings_same_windows(const struct swgi_settings *a, const struct swgi_settings *b);

#endif
