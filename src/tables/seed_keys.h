/*
 * The keys of configurations written for other breakers, and what of ours they become.
 *
 * SWGI_SEED_KEY(form, name, type, least, most, words, becomes, target)
 *   form     000 camelCase objects of a client of Alternator; 001 of a protected database, in milliseconds;
 *            002 `circuit_breakers`, in seconds; 004 a strategy with features
 *   type     COUNT a whole number; PERCENT; MS, SECONDS a number of them; YES_NO; ONE_OF of words; FEATURES a mapping;
 *            NAME of a circuit
 *   becomes  KEY: target gets the value. The rest is worked out together (config/seeds.c), and target says how:
 *            ENABLED, RATE, MODE, CONSECUTIVE, WINDOW, STRATEGY, NAMED
 *
 * SWGI_BREAKERS_KEY(name, type, least, most, target)   what stands under `circuit_breakers` beside circuits
 * SWGI_SEED_START(form, preset)   what a circuit of that form starts from: without jitter, as all of them do
 * A reader defines some of the macros before it includes this file, which undefines them.
 */
/* clang-format off */
#ifdef SWGI_SEED_START
SWGI_SEED_START(000, "alternator")
SWGI_SEED_START(001, "default")
SWGI_SEED_START(002, "default")
SWGI_SEED_START(004, "default")
#undef SWGI_SEED_START
#endif

#ifdef SWGI_BREAKERS_KEY
SWGI_BREAKERS_KEY("enabled", YES_NO, 0, 1, "breaker.trip: none everywhere, if false")
SWGI_BREAKERS_KEY("global_settings.max_circuit_breakers", COUNT, 1, 65535, "limits.circuits_max")
SWGI_BREAKERS_KEY("global_settings.metrics_collection_interval_seconds", SECONDS, 1, 3600, "metrics.collection_interval")
SWGI_BREAKERS_KEY("global_settings.auto_create_enabled", YES_NO, 0, 1, "limits.auto_create, and a pattern for all names")
SWGI_BREAKERS_KEY("global_settings.min_state_transition_interval_seconds", SECONDS, 0, 86400, "breaker.min_state_transition_interval of defaults")
#undef SWGI_BREAKERS_KEY
#endif

#ifdef SWGI_SEED_KEY
SWGI_SEED_KEY(000, "circuitBreaker.enabled", YES_NO, 0, 1, "", ENABLED, "breaker.trip: none, if false")
SWGI_SEED_KEY(000, "circuitBreaker.errorThresholdPercentage", PERCENT, 0, 100, "", RATE, "breaker.trip.0.failure_rate.percent")
SWGI_SEED_KEY(000, "circuitBreaker.volumeThreshold", COUNT, 1, 1000000, "", RATE, "breaker.trip.0.failure_rate.calls_min")
SWGI_SEED_KEY(000, "circuitBreaker.resetTimeout", MS, 1, 2592000000, "", KEY, "breaker.open.for")
SWGI_SEED_KEY(000, "circuitBreaker.timeout", MS, 1, 86400000, "", KEY, "timeout.attempt")
SWGI_SEED_KEY(000, "concurrency.maxConcurrent", COUNT, 1, 4096, "", KEY, "bulkhead.max_concurrent")
SWGI_SEED_KEY(000, "concurrency.maxQueue", COUNT, 1, 16384, "", KEY, "bulkhead.max_queue")
SWGI_SEED_KEY(000, "concurrency.queueBehavior", ONE_OF, 0, 0, "reject|wait", KEY, "bulkhead.when_busy")
SWGI_SEED_KEY(000, "cacheBypass.enabledForGetItemCacheHits", YES_NO, 0, 1, "", KEY, "cache.bypass")
SWGI_SEED_KEY(000, "breakerMode", ONE_OF, 0, 0, "global|perOperation", MODE, "perOperation: three circuits, NAME-read, NAME-write and NAME-batch")
SWGI_SEED_KEY(000, "queuePolicy.onSaturated", ONE_OF, 0, 0, "reject|wait|error", KEY, "bulkhead.when_queue_full")

SWGI_SEED_KEY(001, "failureThreshold", COUNT, 1, 1000000, "", CONSECUTIVE, "breaker.trip.0.consecutive")
SWGI_SEED_KEY(001, "timeout", MS, 1, 2592000000, "", KEY, "breaker.open.for")
SWGI_SEED_KEY(001, "maxTimeout", MS, 1, 2592000000, "", KEY, "breaker.open.max")
SWGI_SEED_KEY(001, "successThreshold", COUNT, 1, 255, "", KEY, "breaker.half_open.success_threshold")
SWGI_SEED_KEY(001, "monitoringWindow", MS, 10, 86400000, "", WINDOW, "breaker.trip.1.failure_rate.window, of a rule that judges nothing")
SWGI_SEED_KEY(001, "name", NAME, 0, 0, "", NAMED, "the circuit's name; what it stands under becomes its alias")

SWGI_SEED_KEY(002, "failure_threshold", COUNT, 1, 1000000, "", CONSECUTIVE, "breaker.trip.0.consecutive")
SWGI_SEED_KEY(002, "timeout_seconds", SECONDS, 1, 2592000, "", KEY, "breaker.open.for")
SWGI_SEED_KEY(002, "success_threshold", COUNT, 1, 255, "", KEY, "breaker.half_open.success_threshold")

SWGI_SEED_KEY(004, "strategy_type", ONE_OF, 0, 0, "basic|adaptive", STRATEGY, "adaptive: adaptive.algorithm: switchgear")
SWGI_SEED_KEY(004, "feature_priorities", FEATURES, 0, 0, "", KEY, "features.list")
SWGI_SEED_KEY(004, "service_id", NAME, 0, 0, "", NAMED, "the circuit's name")
#undef SWGI_SEED_KEY
#endif
/* clang-format on */
