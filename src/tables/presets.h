/*
 * Every preset, as the keys it sets: SWGI_PRESET(name, "key=value", ...). What a preset does not set has the default of
 * tables/keys.h. The seeds' presets carry the figures of the projects they came from, exactly, hence without jitter.
 *
 * A peer's preset carries that library's documented defaults and its habits, in the order of the table of axes: compare, ignored
 * outcome, judging on success, open time from, permits and verdict of half-open, window on close. All of them open for a fixed
 * time without jitter and damp nothing. Where the peer's default cannot be said with our keys, the comment tells.
 */
/* clang-format off */
SWGI_PRESET(default, "breaker.trip.0.consecutive=5", "breaker.open.for=30s", "breaker.open.jitter=0",
            "breaker.half_open.success_threshold=2")

/* The rate window judges nothing: it feeds the failure rate that people see. */
SWGI_PRESET(read, "breaker.trip.0.consecutive=3", "breaker.trip.1.failure_rate.percent=off",
            "breaker.trip.1.failure_rate.window=30s", "breaker.open.for=3s", "breaker.open.multiplier=2",
            "breaker.open.max=15s", "breaker.open.jitter=0", "breaker.half_open.success_threshold=2")
#define SWGI_PRESET_WRITE \
    "breaker.trip.0.consecutive=5", "breaker.trip.1.failure_rate.percent=off", "breaker.trip.1.failure_rate.window=60s", \
    "breaker.open.for=10s", "breaker.open.multiplier=2", "breaker.open.max=60s", "breaker.open.jitter=0", \
    "breaker.half_open.success_threshold=3"
SWGI_PRESET(write, SWGI_PRESET_WRITE)
SWGI_PRESET(default_db, SWGI_PRESET_WRITE)
#undef SWGI_PRESET_WRITE
SWGI_PRESET(auth, "breaker.trip.0.consecutive=10", "breaker.trip.1.failure_rate.percent=off",
            "breaker.trip.1.failure_rate.window=30s", "breaker.open.for=5s", "breaker.open.multiplier=2",
            "breaker.open.max=30s", "breaker.open.jitter=0", "breaker.half_open.success_threshold=2")

SWGI_PRESET(queue, "breaker.trip.0.consecutive=3", "breaker.open.for=15s", "breaker.open.jitter=0",
            "breaker.half_open.success_threshold=2")

#define SWGI_PRESET_API \
    "breaker.trip.0.failures.weight=10", "breaker.trip.0.failures.window=60s", "breaker.weights.timeout=0.5", \
    "breaker.open.for=60s", "breaker.open.jitter=0", "breaker.open.cooldown=60s", \
    "breaker.half_open.success_threshold=2", "shed.system_load_above=0.85", "shed.call_load_above=100"
SWGI_PRESET(api, SWGI_PRESET_API, "breaker.open.recovery=manual")
SWGI_PRESET(api-retry, SWGI_PRESET_API, "breaker.open.recovery=automatic")
#undef SWGI_PRESET_API

SWGI_PRESET(alternator, "breaker.compare=above", "breaker.trip.0.failure_rate.percent=50",
            "breaker.trip.0.failure_rate.window=10s", "breaker.trip.0.failure_rate.calls_min=10", "breaker.open.for=30s",
            "breaker.open.jitter=0", "breaker.half_open.probes=1", "breaker.half_open.success_threshold=1",
            "timeout.attempt=10s", "bulkhead.max_concurrent=20", "retry.attempts=3", "retry.inside=yes")

/*
 * https://resilience4j.readme.io/docs/circuitbreaker (table "Create and configure a CircuitBreaker").
 * Not said: maxWaitDurationInHalfOpenState 0 waits for ever where our probes are leases of a minute.
 */
SWGI_PRESET(resilience4j, "breaker.compare=at_or_above", "breaker.ignored=neutral", "breaker.judge_on_success=yes",
            "breaker.open.from=trip", "breaker.half_open.permits=total", "breaker.half_open.verdict=rate",
            "breaker.window_on_close=cleared",
            "breaker.trip.0.failure_rate.percent=50", "breaker.trip.0.failure_rate.calls=100",
            "breaker.trip.0.failure_rate.calls_min=100",
            "breaker.trip.1.slow_rate.percent=100", "breaker.trip.1.slow_rate.calls=100",
            "breaker.trip.1.slow_rate.calls_min=100", "breaker.slow_call_duration=60s",
            "breaker.open.for=60s", "breaker.open.jitter=0", "breaker.half_open.probes=10",
            "breaker.half_open.success_threshold=10", "breaker.min_state_transition_interval=0")

/*
 * Version 8: https://www.pollydocs.org/strategies/circuit-breaker#defaults. What ShouldHandle does not name is a success.
 * Not said: nothing; its sampling duration is cut into ten windows, ours into fifteen.
 */
SWGI_PRESET(polly, "breaker.compare=at_or_above", "breaker.ignored=success", "breaker.judge_on_success=no",
            "breaker.open.from=trip", "breaker.half_open.permits=total", "breaker.half_open.verdict=any_failure",
            "breaker.window_on_close=cleared",
            "breaker.trip.0.failure_rate.percent=10", "breaker.trip.0.failure_rate.window=30s",
            "breaker.trip.0.failure_rate.calls_min=100",
            "breaker.open.for=5s", "breaker.open.jitter=0", "breaker.half_open.probes=1",
            "breaker.half_open.success_threshold=1", "breaker.min_state_transition_interval=0")

/*
 * https://nodeshift.dev/opossum/ (CircuitBreaker, options). What errorFilter lets pass is a success; the statistics run on
 * through every state. Its semaphore counts calls and limits none unless capacity is set.
 * Not said: its rate divides by calls fired, rejected ones included.
 */
SWGI_PRESET(opossum, "breaker.compare=above", "breaker.ignored=success", "breaker.judge_on_success=no",
            "breaker.open.from=trip", "breaker.half_open.permits=total", "breaker.half_open.verdict=any_failure",
            "breaker.window_on_close=kept",
            "breaker.trip.0.failure_rate.percent=50", "breaker.trip.0.failure_rate.window=10s",
            "breaker.trip.0.failure_rate.calls_min=1",
            "breaker.open.for=30s", "breaker.open.jitter=0", "breaker.half_open.probes=1",
            "breaker.half_open.success_threshold=1", "breaker.min_state_transition_interval=0",
            "timeout.attempt=10s")

/* https://pkg.go.dev/github.com/sony/gobreaker/v2#Settings: trips when consecutive failures are more than five. Not said: nothing. */
SWGI_PRESET(gobreaker, "breaker.compare=above", "breaker.ignored=neutral", "breaker.judge_on_success=no",
            "breaker.open.from=trip", "breaker.half_open.permits=total", "breaker.half_open.verdict=any_failure",
            "breaker.window_on_close=cleared",
            "breaker.trip.0.consecutive=5",
            "breaker.open.for=60s", "breaker.open.jitter=0", "breaker.half_open.probes=1",
            "breaker.half_open.success_threshold=1", "breaker.min_state_transition_interval=0")

/*
 * https://github.com/Netflix/Hystrix/wiki/Configuration. A HystrixBadRequestException counts as nothing.
 * Ten calls at once, and one too many counts as an error; so does one that takes over a second.
 * Not said: it judges snapshots taken every 500 ms, we judge at each outcome.
 */
SWGI_PRESET(hystrix, "breaker.compare=at_or_above", "breaker.ignored=neutral", "breaker.judge_on_success=yes",
            "breaker.open.from=trip", "breaker.half_open.permits=total", "breaker.half_open.verdict=any_failure",
            "breaker.window_on_close=cleared",
            "breaker.trip.0.failure_rate.percent=50", "breaker.trip.0.failure_rate.window=10s",
            "breaker.trip.0.failure_rate.calls_min=20",
            "breaker.open.for=5s", "breaker.open.jitter=0", "breaker.half_open.probes=1",
            "breaker.half_open.success_threshold=1", "breaker.min_state_transition_interval=0",
            "timeout.attempt=1s", "bulkhead.max_concurrent=10", "bulkhead.counts_as_failure=yes")
/* clang-format on */
#undef SWGI_PRESET
