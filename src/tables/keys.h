/*
 * Every configuration key of a circuit, written once: from here come the C defaults, the checks of what is read from a panel, what
 * swg_config_set() takes and tells, and every list of keys for people.
 *
 * SWGI_KEY(type, field, name, alias, least, most, off, initial, unit, what)      a field of struct swgi_settings
 * SWGI_RULE_KEY(rule, type, field, name, least, most, off, initial, unit, what)  a field of struct swgi_trip_rule; its
 *                                                               full name is breaker.trip.N.name, N counting from 0
 *   type     CHOICE   one of the words of unit, "first|second"; the field is its number
 *            INTEGER, DURATION (ns), DECIMAL (double), PERCENT (parts per million), WEIGHT (half-units of failure)
 *            RAMP, PRESET, TRIP   each its own
 *   alias    a shorter name for the same key, "" for none
 *   off      the value that the word "off" stands for; NEVER where that word is none of the key's
 *   initial  the default; 0 for rules: there is none, or another key tells
 *
 * A reader defines the two macros before it includes this file, which undefines them.
 */
#define NEVER 0
#define US(n) (UINT64_C(1000) * (n))
#define MS(n) (UINT64_C(1000000) * (n))
#define S(n)  (UINT64_C(1000000000) * (n))
#define M(n)  S(60 * (n))
#define H(n)  M(60 * (n))
#define D(n)  H(24 * (n))

#ifdef SWGI_KEY
/* clang-format off */
SWGI_KEY(PRESET, preset, "preset", "breaker.preset", 0, 0, NEVER, 0, "",
         "a named set of values to start from")
SWGI_KEY(TRIP, score.consecutive, "breaker.trip", "", 0, 0, NEVER, 5, "consecutive failures",
         "the word none empties the list of trip rules; setting an entry replaces the inherited list")
SWGI_KEY(CHOICE, compare, "breaker.compare", "", SWGI_AT_OR_ABOVE, SWGI_ABOVE, NEVER, SWGI_AT_OR_ABOVE, "at_or_above|above",
         "whether a rule trips when its threshold is reached, or only when it is exceeded")
SWGI_KEY(CHOICE, ignored, "breaker.ignored", "", SWGI_IGNORED_NEUTRAL, SWGI_IGNORED_SUCCESS, NEVER, SWGI_IGNORED_NEUTRAL,
         "neutral|success",
         "whether an ignored outcome enters no window, or counts as a success")
SWGI_KEY(CHOICE, judge_on_success, "breaker.judge_on_success", "", 0, 1, NEVER, 1, "no|yes",
         "whether a success may trip too, when it completes the calls a rule waits for")
SWGI_KEY(CHOICE, on_close, "breaker.window_on_close", "", SWGI_WINDOW_CLEARED, SWGI_WINDOW_KEPT, NEVER, SWGI_WINDOW_CLEARED,
         "cleared|kept",
         "whether the time window starts empty when the breaker closes")
SWGI_KEY(DURATION, min_interval_ns, "breaker.min_state_transition_interval", "", 0, H(24), NEVER, S(1), "",
         "a rule may trip no sooner than this after the last transition; its evidence is kept")
SWGI_KEY(DURATION, slow_ns, "breaker.slow_call_duration", "", US(1), H(24), SWGI_OFF, SWGI_OFF, "",
         "a call longer than this is slow, whatever its outcome")
SWGI_KEY(CHOICE, timeout_half_units, "breaker.weights.timeout", "", 0, 2, NEVER, 2, "0|0.5|1",
         "how much of a failure a timeout is")
SWGI_KEY(CHOICE, histogram, "breaker.histogram", "", 0, 1, NEVER, 1, "no|yes",
         "whether durations are kept in a histogram, for percentiles")

SWGI_KEY(DURATION, open_for_ns, "breaker.open.for", "", MS(1), D(30), NEVER, S(30), "",
         "how long it stays open after the first trip")
SWGI_KEY(DECIMAL, open_multiplier, "breaker.open.multiplier", "", 1.0, 100.0, NEVER, 1.0, "",
         "how much longer it stays open after each further trip in a row")
SWGI_KEY(DURATION, open_max_ns, "breaker.open.max", "", MS(1), D(30), NEVER, S(30), "",
         "the longest it stays open, before jitter; as long as breaker.open.for unless set")
SWGI_KEY(DECIMAL, open_jitter, "breaker.open.jitter", "", 0.0, 1.0, NEVER, 0.1, "",
         "the largest share by which chance lengthens the open time, so that not all callers come back at once")
SWGI_KEY(DURATION, backoff_reset_ns, "breaker.open.backoff_reset", "", 0, D(365), NEVER, S(300), "",
         "closed for so long, it has forgotten its trips in a row; ten times breaker.open.for unless set")
SWGI_KEY(DURATION, retry_after_max_ns, "breaker.open.retry_after_max", "", 0, D(30), NEVER, M(10), "",
         "the longest Retry-After of a dependency that is obeyed")
SWGI_KEY(CHOICE, recovery, "breaker.open.recovery", "breaker.recovery", SWGI_RECOVERY_AUTOMATIC, SWGI_RECOVERY_MANUAL, NEVER,
         SWGI_RECOVERY_AUTOMATIC, "automatic|manual",
         "whether it leaves OPEN when its time has passed, or by hand only")
SWGI_KEY(DURATION, cooldown_ns, "breaker.open.cooldown", "breaker.cooldown", 0, D(30), NEVER, 0, "",
         "a reset by hand so soon after the last trip is refused unless forced")
SWGI_KEY(CHOICE, open_from, "breaker.open.from", "", SWGI_OPEN_FROM_TRIP, SWGI_OPEN_FROM_LAST_FAILURE, NEVER,
         SWGI_OPEN_FROM_TRIP, "trip|last_failure",
         "whether late failures push the end of the open time")

SWGI_KEY(CHOICE, half_permits, "breaker.half_open.permits", "", SWGI_PERMITS_CONCURRENT, SWGI_PERMITS_TOTAL, NEVER,
         SWGI_PERMITS_CONCURRENT, "concurrent|total",
         "whether probes are so many at a time until enough succeeded, or so many calls that decide")
SWGI_KEY(CHOICE, half_verdict, "breaker.half_open.verdict", "", SWGI_VERDICT_ANY_FAILURE, SWGI_VERDICT_RATE, NEVER,
         SWGI_VERDICT_ANY_FAILURE, "any_failure|rate",
         "whether one failed probe opens it again, or the rate rules judge all probes (with permits total)")
SWGI_KEY(INTEGER, probes, "breaker.half_open.probes", "breaker.probes", 1, SWGI_PROBES_MAX, NEVER, 1, "",
         "how many calls are let through to probe")
SWGI_KEY(INTEGER, success_threshold, "breaker.half_open.success_threshold", "breaker.success_threshold", 1,
         SWGI_SUCCESSES_MAX, NEVER, 2, "",
         "how many probes must succeed; at most probes with permits total")
SWGI_KEY(DURATION, half_open_max_ns, "breaker.half_open.max", "breaker.half_open_max", MS(1), H(24), NEVER, S(60), "",
         "after so long without a probe granted or answered, held probes are freed")
SWGI_KEY(RAMP, ramp_percent, "breaker.half_open.ramp", "breaker.ramp", 1, 99, 0, 0, "",
         "shares of calls admitted one after the other before it closes, in ascending percent, as 5, 25, 50")
SWGI_KEY(DURATION, ramp_step_ns, "breaker.half_open.ramp_step", "breaker.ramp_step", MS(1), H(24), NEVER, S(10), "",
         "how long each step of the ramp lasts")

SWGI_KEY(DECIMAL, system_load_above, "shed.system_load_above", "", 0.01, 100.0, NEVER, 0.85, "",
         "system load, as a share of all cores, above which heavy calls are shed")
SWGI_KEY(INTEGER, call_load_above, "shed.call_load_above", "", 0, UINT32_MAX - 1, UINT32_MAX, UINT32_MAX, "",
         "a call whose declared load is above this is heavy; off: nothing is shed")
/* clang-format on */
#undef SWGI_KEY
#endif

#ifdef SWGI_RULE_KEY
/* clang-format off */
SWGI_RULE_KEY(CONSECUTIVE, INTEGER, consecutive, "consecutive", 1, SWGI_CONSECUTIVE_MAX, NEVER, 0, "failures",
              "trips after so many failures in a row")

SWGI_RULE_KEY(CHANGE, DECIMAL, healthy, "change.healthy", 0.000001, 0.9, NEVER, 0, "",
              "change detector: the share of failures that is normal")
SWGI_RULE_KEY(CHANGE, DECIMAL, unhealthy, "change.unhealthy", 0.00001, 0.99, NEVER, 0, "",
              "change detector: the share of failures that must be noticed")
SWGI_RULE_KEY(CHANGE, DECIMAL, false_trip_once_in, "change.false_trip_once_in", 100.0, 1e12, NEVER, 1000000.0, "calls",
              "change detector: healthy calls to a false trip, at least, on average")

SWGI_RULE_KEY(FAILURES, WEIGHT, threshold, "failures.weight", 1, 2 * SWGI_CONSECUTIVE_MAX, NEVER, 0, "failures",
              "trips at so many failures in the window, timeouts by their weight; in steps of 0.5")
SWGI_RULE_KEY(FAILURES, DURATION, window_ns, "failures.window", SWGI_WINDOW_MIN_NS, SWGI_WINDOW_MAX_NS, NEVER, S(30), "",
              "over how long they are counted")
SWGI_RULE_KEY(FAILURES, INTEGER, calls_min, "failures.calls_min", 1, SWGI_CALLS_MIN_MAX, NEVER, 1, "calls",
              "judged from so many calls in the window on")

SWGI_RULE_KEY(FAILURE_RATE, PERCENT, threshold, "failure_rate.percent", 1, SWGI_PPM, SWGI_THRESHOLD_OFF, 0, "%",
              "trips at this share of failed calls; off: the window is kept, for people to see, and judges nothing")
SWGI_RULE_KEY(FAILURE_RATE, DURATION, window_ns, "failure_rate.window", SWGI_WINDOW_MIN_NS, SWGI_WINDOW_MAX_NS, NEVER, S(30), "",
              "of the calls of so long a time")
SWGI_RULE_KEY(FAILURE_RATE, INTEGER, calls, "failure_rate.calls", 1, SWGI_COUNT_CALLS_MAX, NEVER, 0, "calls",
              "of so many calls, instead of a window; one number for failure and slow rate")
SWGI_RULE_KEY(FAILURE_RATE, INTEGER, calls_min, "failure_rate.calls_min", 1, SWGI_CALLS_MIN_MAX, NEVER, 10, "calls",
              "judged from so many calls in the window on")

SWGI_RULE_KEY(SLOW_RATE, PERCENT, threshold, "slow_rate.percent", 1, SWGI_PPM, SWGI_THRESHOLD_OFF, 0, "%",
              "trips at this share of slow calls; off: the window is kept, for people to see, and judges nothing")
SWGI_RULE_KEY(SLOW_RATE, DURATION, window_ns, "slow_rate.window", SWGI_WINDOW_MIN_NS, SWGI_WINDOW_MAX_NS, NEVER, S(30), "",
              "of the calls of so long a time")
SWGI_RULE_KEY(SLOW_RATE, INTEGER, calls, "slow_rate.calls", 1, SWGI_COUNT_CALLS_MAX, NEVER, 0, "calls",
              "of so many calls, instead of a window; one number for failure and slow rate")
SWGI_RULE_KEY(SLOW_RATE, INTEGER, calls_min, "slow_rate.calls_min", 1, SWGI_CALLS_MIN_MAX, NEVER, 10, "calls",
              "judged from so many calls in the window on")
/* clang-format on */
#undef SWGI_RULE_KEY
#endif

#undef NEVER
#undef US
#undef MS
#undef S
#undef M
#undef H
#undef D
