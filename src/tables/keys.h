/*
 * Every configuration key of a circuit, written once: from here come the C defaults, the checks of what is read from a panel, what
 * swg_config_set() takes and tells, and every list of keys for people.
 *
 * SWGI_KEY(type, field, name, alias, least, most, off, initial, unit, what)      a field of struct swgi_settings
 * SWGI_RULE_KEY(rule, type, field, name, least, most, off, initial, unit, what)  a field of struct swgi_trip_rule; its
 *                                                               full name is breaker.trip.N.name, N counting from 0
 *   type     CHOICE   one of the words of unit, "first|second"; the field is its number
 *            INTEGER, DURATION (ns), DECIMAL (double), PERCENT (parts per million), WEIGHT (half-units of failure)
 *            COUNT    an INTEGER that may be off, which is 0
 *            PRIORITY -32..31, kept as 0..63; TEXT, least and most its length in bytes
 *            RAMP, PRESET, TRIP, PARTITIONS, CHAIN, FEATURES   each its own
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

SWGI_KEY(COUNT, policies.bulkhead.max_concurrent, "bulkhead.max_concurrent", "", 1, SWGI_PERMITS_MAX, NEVER, 0, "calls",
         "so many calls may be in flight at once, of all processes together; off: no bulkhead")
SWGI_KEY(CHOICE, policies.bulkhead.when_busy, "bulkhead.when_busy", "", SWGI_BUSY_REJECT, SWGI_BUSY_WAIT, NEVER,
         SWGI_BUSY_REJECT, "reject|wait",
         "whether a call that finds the bulkhead full is rejected, or waits in the queue")
SWGI_KEY(INTEGER, policies.bulkhead.max_queue, "bulkhead.max_queue", "", 1, SWGI_PLACES_MAX, NEVER, 1, "calls",
         "so many calls may wait; ten times bulkhead.max_concurrent unless set")
SWGI_KEY(CHOICE, policies.bulkhead.when_queue_full, "bulkhead.when_queue_full", "", SWGI_QUEUE_FULL_REJECT,
         SWGI_QUEUE_FULL_ERROR, NEVER, SWGI_QUEUE_FULL_REJECT, "reject|wait|error",
         "a call that finds the queue full is rejected, waits for a place as long as bulkhead.max_wait, or fails with QUEUE_SATURATED and no fallback")
SWGI_KEY(DURATION, policies.bulkhead.max_wait_ns, "bulkhead.max_wait", "", MS(1), H(1), NEVER, S(5), "",
         "the longest a call waits for a permit")
SWGI_KEY(CHOICE, policies.bulkhead.track, "bulkhead.track", "", 0, 1, NEVER, 0, "no|yes",
         "whether calls in flight are followed even without a limit; those past breaker.slow_call_duration count as slow before they end")
SWGI_KEY(INTEGER, policies.bulkhead.reserve_permits, "bulkhead.reserve.permits", "", 0, SWGI_PERMITS_MAX - 1, NEVER, 0, "permits",
         "kept for urgent calls")
SWGI_KEY(PRIORITY, policies.bulkhead.reserve_priority, "bulkhead.reserve.priority_at_most", "", 0, 63, NEVER,
         SWGI_PRIORITY_ZERO - 1, "",
         "calls of this priority, or more urgent, may use the reserve; -32 is the most urgent, 31 the least")
SWGI_KEY(PARTITIONS, policies.bulkhead.partitions_count, "bulkhead.partitions", "", 1, 100, NEVER, 0, "",
         "shares of the limit by priority: -1:100, 10:80, 31:50 gives calls of priority 11 to 31 half of it")
SWGI_KEY(DURATION, policies.bulkhead.ageing_ns, "bulkhead.ageing", "", 0, H(1), NEVER, MS(100), "",
         "how much waiting makes up for one step of priority")
SWGI_KEY(CHOICE, policies.bulkhead.dynamic, "bulkhead.dynamic_priority", "", 0, 1, NEVER, 0, "no|yes",
         "whether callers (by the key of their requests) that cost much lately become less urgent, and cheap ones more")
SWGI_KEY(CHOICE, policies.bulkhead.full_is_failure, "bulkhead.counts_as_failure", "", 0, 1, NEVER, 0, "no|yes",
         "whether a call rejected by the full bulkhead counts as a failure of the circuit")

SWGI_KEY(COUNT, policies.limiter.rate, "limiter.rate", "", 1, SWGI_RATE_MAX, NEVER, 0, "calls",
         "so many calls per limiter.per, of all processes together; off: no limit")
SWGI_KEY(DURATION, policies.limiter.per_ns, "limiter.per", "", MS(1), D(1), NEVER, S(1), "",
         "the time limiter.rate is counted over")
SWGI_KEY(CHOICE, policies.limiter.algorithm, "limiter.algorithm", "", SWGI_TOKEN_BUCKET, SWGI_SLIDING_LOG, NEVER,
         SWGI_TOKEN_BUCKET, "token_bucket|leaky_bucket|fixed_window|sliding_window|sliding_log",
         "how the rate is kept: bursts, an even pace, or a count over a window; sliding_window estimates: it takes the calls of "
         "the window before as spread evenly, so at times more go (8 at a rate of 7); sliding_log counts exactly")
SWGI_KEY(INTEGER, policies.limiter.burst, "limiter.burst", "", 1, SWGI_RATE_MAX, NEVER, 1, "calls",
         "token_bucket: so many calls at once after a pause; as limiter.rate unless set")
SWGI_KEY(CHOICE, policies.limiter.when_limited, "limiter.when_limited", "", SWGI_BUSY_REJECT, SWGI_BUSY_WAIT, NEVER,
         SWGI_BUSY_REJECT, "reject|wait",
         "whether a call over the rate is rejected, or waits for its time")
SWGI_KEY(DURATION, policies.limiter.max_wait_ns, "limiter.max_wait", "", MS(1), H(1), NEVER, S(1), "",
         "the longest a call waits for its time")
SWGI_KEY(CHOICE, policies.limiter.adaptive, "limiter.adaptive", "", 0, 1, NEVER, 0, "no|yes",
         "whether the rate falls when calls fail and grows back when they succeed")
SWGI_KEY(INTEGER, policies.limiter.rate_min, "limiter.rate_min", "", 1, SWGI_RATE_MAX, NEVER, 1, "calls",
         "adapting goes no lower than this")
SWGI_KEY(DECIMAL, policies.limiter.increase, "limiter.increase", "", 0.001, 1.0, NEVER, 0.1, "",
         "adaptive: the share of limiter.rate added after each good limiter.per")
SWGI_KEY(DECIMAL, policies.limiter.decrease, "limiter.decrease", "", 0.1, 0.99, NEVER, 0.5, "",
         "adaptive: the share of the rate that is left after a bad limiter.per")
SWGI_KEY(CHOICE, policies.limiter.resource_aware, "limiter.resource_aware", "", 0, 1, NEVER, 0, "no|yes",
         "whether the rate shrinks while system load is above limiter.system_load_above")
SWGI_KEY(DECIMAL, policies.limiter.system_load_above, "limiter.system_load_above", "", 0.01, 100.0, NEVER, 0.85, "",
         "system load, as a share of all cores, from which a resource-aware limiter shrinks")

SWGI_KEY(CHOICE, policies.adaptive.algorithm, "adaptive.algorithm", "", SWGI_ADAPTIVE_OFF, SWGI_ADAPTIVE_SWITCHGEAR, NEVER,
         SWGI_ADAPTIVE_OFF, "off|aimd|vegas|gradient2|switchgear",
         "how the bulkhead's limit follows what the dependency can take")
SWGI_KEY(INTEGER, policies.adaptive.least, "adaptive.min", "", 0, SWGI_PERMITS_MAX, NEVER, 0, "calls",
         "the limit goes no lower; 0: 1")
SWGI_KEY(INTEGER, policies.adaptive.most, "adaptive.max", "", 0, SWGI_PERMITS_MAX, NEVER, 0, "calls",
         "the limit goes no higher; 0: as bulkhead.max_concurrent, or else the algorithm's own: 200, vegas 1000")
SWGI_KEY(INTEGER, policies.adaptive.initial, "adaptive.initial", "", 0, SWGI_PERMITS_MAX, NEVER, 0, "calls",
         "the limit to begin with; 0: 20, or adaptive.max if that is less")
SWGI_KEY(DURATION, policies.adaptive.window_ns, "adaptive.window", "", MS(10), M(10), NEVER, S(1), "",
         "the limit is looked at once in this time, when enough calls ended in it")
SWGI_KEY(DURATION, policies.adaptive.timeout_ns, "adaptive.timeout", "", 0, H(1), NEVER, 0, "",
         "aimd: a mean longer than this is overload; 0: 5s as published, which few services ever reach: set it near the latency wanted")
SWGI_KEY(DECIMAL, policies.adaptive.backoff, "adaptive.backoff", "", 0.0, 0.99, NEVER, 0.0, "",
         "aimd, switchgear: the share of the limit that is left after overload, from 0.5 on; 0: 0.9")
SWGI_KEY(DECIMAL, policies.adaptive.smoothing, "adaptive.smoothing", "", 0.0, 1.0, NEVER, 0.0, "",
         "how far the limit moves toward each new estimate; 0: the algorithm's own")
SWGI_KEY(DECIMAL, policies.adaptive.tolerance, "adaptive.tolerance", "", 0.0, 10.0, NEVER, 0.0, "",
         "gradient2, switchgear: how many times the time without load counts as none; 0: 1.5 and 1; gradient2 at 1.5 settles at half as much again as the capacity")
SWGI_KEY(INTEGER, policies.adaptive.queue, "adaptive.queue", "", 0, 1000, NEVER, 0, "calls",
         "gradient2: so many calls may queue at the dependency; 0: 4")

SWGI_KEY(INTEGER, policies.retry.attempts, "retry.attempts", "", 1, SWGI_ATTEMPTS_MAX, NEVER, 1, "attempts",
         "how often a call is tried in all; 1: no retries")
SWGI_KEY(CHOICE, policies.retry.backoff, "retry.backoff", "", SWGI_BACKOFF_CONSTANT, SWGI_BACKOFF_ADAPTIVE, NEVER,
         SWGI_BACKOFF_EXPONENTIAL, "constant|linear|exponential|fibonacci|decorrelated_jitter|adaptive",
         "how the delay grows from attempt to attempt")
SWGI_KEY(CHOICE, policies.retry.jitter, "retry.jitter", "", SWGI_JITTER_NONE, SWGI_JITTER_EQUAL, NEVER, SWGI_JITTER_FULL,
         "none|full|equal",
         "how chance spreads the delay: not, all of it, or its second half")
SWGI_KEY(DURATION, policies.retry.delay_ns, "retry.delay", "", US(1), H(1), NEVER, MS(100), "",
         "the delay before the second attempt")
SWGI_KEY(DURATION, policies.retry.max_delay_ns, "retry.max_delay", "", US(1), H(24), NEVER, S(30), "",
         "no delay is longer, but for a Retry-After")
SWGI_KEY(DECIMAL, policies.retry.multiplier, "retry.multiplier", "", 1.0, 100.0, NEVER, 2.0, "",
         "exponential, adaptive: how much longer each delay is than the last")
SWGI_KEY(CHOICE, policies.retry.on, "retry.on", "", SWGI_RETRY_ON_BOTH, SWGI_RETRY_ON_TIMEOUT, NEVER, SWGI_RETRY_ON_BOTH,
         "failure_or_timeout|failure|timeout",
         "which outcomes are tried again; rejections and ignored ones never are")
SWGI_KEY(CHOICE, policies.retry.inside, "retry.inside", "", 0, 1, NEVER, 0, "no|yes",
         "whether all attempts of a call run under one permit and come to one outcome")
SWGI_KEY(DURATION, policies.retry.retry_after_max_ns, "retry.retry_after_max", "", 0, D(1), NEVER, M(1), "",
         "a dependency that asks for a longer pause is not tried again")
SWGI_KEY(PERCENT, policies.retry.budget_ppm, "retry.budget.percent", "", 0, SWGI_PPM, UINT32_MAX, 200000, "%",
         "retries may be so many percent of the circuit's calls, of all processes together; off: no budget")
SWGI_KEY(INTEGER, policies.retry.budget_per_second, "retry.budget.per_second", "", 0, 100000, NEVER, 1, "retries",
         "and so many a second besides")
SWGI_KEY(INTEGER, policies.retry.budget_max, "retry.budget.max", "", 1, 100000, NEVER, 100, "retries",
         "so many may be saved up")

SWGI_KEY(DURATION, policies.timeout.attempt_ns, "timeout.attempt", "timeout", US(1), H(24), SWGI_OFF, SWGI_OFF, "",
         "an attempt is given up after this")
SWGI_KEY(DURATION, policies.timeout.total_ns, "timeout.total", "", US(1), H(24), SWGI_OFF, SWGI_OFF, "",
         "a call is given up after this, waiting and retries included")
SWGI_KEY(PERCENT, policies.timeout.auto_ppm, "timeout.auto", "", 1, 100000, UINT32_MAX, UINT32_MAX, "%",
         "give an attempt up after a time that only so many percent of good calls exceed, worked out from the histogram")
SWGI_KEY(DURATION, policies.timeout.auto_least_ns, "timeout.auto_min", "", US(1), H(24), NEVER, MS(10), "",
         "the shortest timeout.auto comes to")
SWGI_KEY(DURATION, policies.timeout.auto_most_ns, "timeout.auto_max", "", US(1), H(24), NEVER, S(30), "",
         "the longest, and the first")

SWGI_KEY(COUNT, policies.cache.bytes_max, "cache.bytes", "", 65536, UINT64_C(1) << 36, NEVER, 0, "bytes",
         "room for answers in each process, of calls whose request has a key; off: no cache")
SWGI_KEY(DURATION, policies.cache.fresh_for_ns, "cache.fresh_for", "", MS(1), D(30), NEVER, S(1), "",
         "an answer is served instead of a call for so long")
SWGI_KEY(DURATION, policies.cache.stale_for_ns, "cache.stale_for", "", MS(1), D(30), NEVER, M(5), "",
         "and as a fallback for so long")
SWGI_KEY(CHOICE, policies.fallback.cache_bypass, "cache.bypass", "cache_bypass", 0, 1, NEVER, 1, "no|yes",
         "whether a fresh answer is served without asking breaker and limits")

SWGI_KEY(CHAIN, policies.fallback.chain, "fallback.chain", "fallback", 0, SWGI_FALLBACKS_MAX, NEVER, 0,
         "none|cache|alternative|static|queue|function",
         "what stands in for an answer that could not be had: the first of the list that works")
SWGI_KEY(TEXT, policies.fallback.alternative, "fallback.alternative", "", 0, SWGI_NAME_MAX, NEVER, 0, "",
         "the circuit that alternative tries: another region, another service")
SWGI_KEY(TEXT, policies.fallback.answer, "fallback.static", "", 0, SWGI_ANSWER_MAX, NEVER, 0, "",
         "the answer that static gives")

SWGI_KEY(FEATURES, policies.features.count, "features.list", "", 0, SWGI_FEATURES_MAX, NEVER, 0, "",
         "name:importance, ...; on a trip all below 100 go off, and come back one by one, most important first")
SWGI_KEY(DURATION, policies.features.hold_ns, "features.hold", "", MS(1), H(24), NEVER, S(10), "",
         "how long the circuit must be well before the next feature comes back")
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
