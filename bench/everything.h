/* A circuit with all policies at once, as bench and steps measure it. */
#ifndef BENCH_EVERYTHING_H
#define BENCH_EVERYTHING_H

static const char *const bench_everything_settings[] = { "breaker.trip.0.failure_rate.percent=50",
                                                         "breaker.trip.0.failure_rate.window=30s",
                                                         "breaker.trip.1.slow_rate.percent=50",
                                                         "breaker.trip.1.slow_rate.window=30s",
                                                         "breaker.trip.2.failure_rate.percent=50",
                                                         "breaker.trip.2.failure_rate.calls=100",
                                                         "breaker.slow_call_duration=100ms",
                                                         "breaker.histogram=yes",
                                                         "bulkhead.max_concurrent=20",
                                                         "bulkhead.when_busy=wait",
                                                         "limiter.rate=10000",
                                                         "limiter.per=1ms",
                                                         "limiter.burst=1000000",
                                                         "adaptive.algorithm=aimd",
                                                         "retry.attempts=3",
                                                         "timeout.attempt=1s",
                                                         "timeout.total=5s",
                                                         "features.list=checkout:100, search:50",
                                                         0 };

#endif
