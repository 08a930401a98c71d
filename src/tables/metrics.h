/*
 * Every metric that is exported, written once: from here come what /metrics says of itself, docs/metrics.md, and the check that
 * rules and dashboards ask for nothing else.
 *
 * SWGI_METRIC(id, scope, type, name, unit, labels, help)
 *   scope    CIRCUIT (once for each, with the label breaker), PANEL, AGENT, or SEED (a circuit's, with the label bookmaker; text
 *            format only, and only where metrics.seed_names says yes)
 *   type     COUNTER (samples end in _total), GAUGE, HISTOGRAM, INFO (samples end in _info), PLAIN (a counter without the ending)
 *   unit     as OpenMetrics has it: what the name ends in, or ""
 *   labels   beside breaker, for people
 *
 * Neither names nor helps hold a character that an exposition would have to escape.
 */
#ifdef SWGI_METRIC
/* clang-format off */
SWGI_METRIC(CALLS, CIRCUIT, COUNTER, "switchgear_calls", "", "outcome",
            "Calls that ended, by outcome: success, failure, timeout, ignored; cancelled and late (of an older generation) once there were any.")
SWGI_METRIC(CALLS_SLOW, CIRCUIT, COUNTER, "switchgear_calls_slow", "", "",
            "Calls that took longer than the slow threshold, whatever their outcome.")
SWGI_METRIC(REJECTED, CIRCUIT, COUNTER, "switchgear_calls_rejected", "", "reason",
            "Calls not made, by verdict: open; full, saturated and limited where the circuit has a bulkhead or limiter; shed and expired once there were any.")
SWGI_METRIC(WOULD_REJECT, CIRCUIT, COUNTER, "switchgear_calls_would_reject", "", "",
            "Calls that mode shadow let through and that would have been rejected.")
SWGI_METRIC(IN_FLIGHT, CIRCUIT, GAUGE, "switchgear_calls_in_flight", "", "",
            "Calls admitted and not ended; calls of killed processes stay in it.")
SWGI_METRIC(DURATION, CIRCUIT, HISTOGRAM, "switchgear_call_duration_seconds", "seconds", "le",
            "Durations of calls. Bounds are those of the panel's own bins that lie nearest to the usual steps; the sum is worked out from the middles of the bins and right within an eighth.")
SWGI_METRIC(PERCENTILE, CIRCUIT, GAUGE, "switchgear_call_duration_percentile_seconds", "seconds", "percentile",
            "Percentiles of all durations since the circuit was made, from bins a fifth apart; for those of a window, histogram_quantile() of the histogram.")
SWGI_METRIC(ERRORS, CIRCUIT, COUNTER, "switchgear_error_samples", "", "kind",
            "Errors that were told with their kind, at most one a second and circuit; eight kinds are told apart, the rest is other. Since the agent began.")

SWGI_METRIC(STATE, CIRCUIT, GAUGE, "switchgear_breaker_state", "", "state",
            "1 for the state the breaker is in, 0 for the others; of _other, how many are in it.")
SWGI_METRIC(MODE, CIRCUIT, GAUGE, "switchgear_breaker_mode", "", "mode",
            "1 for the mode the breaker is in: normal, forced_open, forced_closed, shadow; of _other, how many are in it.")
SWGI_METRIC(TRIPS, CIRCUIT, COUNTER, "switchgear_breaker_trips", "", "",
            "How often it opened, by rule or hand.")
SWGI_METRIC(TRANSITIONS, CIRCUIT, COUNTER, "switchgear_breaker_transitions", "", "from, to",
            "Changes of state. Those by rule and time as the panel counts them; those by hand as events told the agent, since it began.")
SWGI_METRIC(STATE_SECONDS, CIRCUIT, COUNTER, "switchgear_breaker_state_seconds", "seconds", "state",
            "Time spent in each state since the agent knows the circuit.")
SWGI_METRIC(LAST_TRIP, CIRCUIT, GAUGE, "switchgear_breaker_last_trip_timestamp_seconds", "seconds", "",
            "When it opened last, as seconds since 1970; absent if never.")
SWGI_METRIC(RECOVERY, CIRCUIT, GAUGE, "switchgear_breaker_last_recovery_seconds", "seconds", "",
            "From trip to CLOSED, the last time; absent if the agent saw none.")
SWGI_METRIC(OPEN_SECONDS, CIRCUIT, GAUGE, "switchgear_breaker_open_period_seconds", "seconds", "",
            "How long the present open period (from trip to CLOSED) lasts, else how long the last one did; absent if the agent saw none.")
SWGI_METRIC(OPEN_REJECTED, CIRCUIT, GAUGE, "switchgear_breaker_open_period_rejected", "", "",
            "Calls rejected in the present open period, else in the last one; absent if the agent saw none.")
SWGI_METRIC(RAMP, CIRCUIT, GAUGE, "switchgear_breaker_ramp_ratio", "ratio", "",
            "Share of calls admitted while it ramps up; absent otherwise.")
SWGI_METRIC(SCORE, CIRCUIT, GAUGE, "switchgear_breaker_score", "", "",
            "Score of the rule that judges call by call: failures in a row, or the change detector's; absent without one.")
SWGI_METRIC(SCORE_LIMIT, CIRCUIT, GAUGE, "switchgear_breaker_score_limit", "", "",
            "Where that score trips.")
SWGI_METRIC(NEAR, CIRCUIT, GAUGE, "switchgear_breaker_threshold_ratio", "ratio", "",
            "The rule nearest to its threshold: value / threshold, and not above calls / calls_min.")
SWGI_METRIC(FAILURE_RATIO, CIRCUIT, GAUGE, "switchgear_breaker_failure_ratio", "ratio", "",
            "Failures and timeouts of the last minute as a share of the calls with an outcome; absent without calls.")
SWGI_METRIC(FLAPPING, CIRCUIT, GAUGE, "switchgear_breaker_recent_transitions", "", "",
            "Changes of state in the last ten minutes.")
SWGI_METRIC(TREND, CIRCUIT, GAUGE, "switchgear_breaker_failure_trend", "", "",
            "Change of the failure share per minute: slope of a least-squares line through the last ten minutes; 0 of too few calls.")
SWGI_METRIC(ANOMALY, CIRCUIT, GAUGE, "switchgear_breaker_anomaly_score", "", "",
            "Robust z-score of the last minute's failure share against the minutes of the circuit's own last hour; 3.5 and more is unusual, 0 of fewer than ten calls.")

SWGI_METRIC(PERMITS_HELD, CIRCUIT, GAUGE, "switchgear_bulkhead_permits_held", "", "",
            "Permits of the bulkhead that are held.")
SWGI_METRIC(PERMITS_LIMIT, CIRCUIT, GAUGE, "switchgear_bulkhead_permits_limit", "", "",
            "Calls that may be in flight now; it moves where the limit adapts.")
SWGI_METRIC(OLDEST_CALL, CIRCUIT, GAUGE, "switchgear_bulkhead_oldest_call_seconds", "seconds", "",
            "How long the oldest call in flight has taken so far.")
SWGI_METRIC(QUEUE_LENGTH, CIRCUIT, GAUGE, "switchgear_queue_length", "", "",
            "Calls that wait for a permit.")
SWGI_METRIC(QUEUE_LIMIT, CIRCUIT, GAUGE, "switchgear_queue_limit", "", "",
            "How many may wait.")
SWGI_METRIC(QUEUE_WAIT, CIRCUIT, GAUGE, "switchgear_queue_oldest_wait_seconds", "seconds", "",
            "How long the call that waits longest has waited so far.")
SWGI_METRIC(LIMITER_RATE, CIRCUIT, GAUGE, "switchgear_limiter_rate", "", "",
            "Calls a second that the limiter lets through now.")
SWGI_METRIC(LIMITER_LEFT, CIRCUIT, GAUGE, "switchgear_limiter_available", "", "",
            "Calls that it would let through at once.")
SWGI_METRIC(LIMITER_SHARE, CIRCUIT, GAUGE, "switchgear_limiter_share_ratio", "ratio", "",
            "Share of its configured rate that adapting leaves.")
SWGI_METRIC(RETRIES, CIRCUIT, COUNTER, "switchgear_retries", "", "",
            "Attempts that were not the first.")
SWGI_METRIC(RETRIES_REFUSED, CIRCUIT, COUNTER, "switchgear_retries_refused", "", "",
            "Retries that the budget did not allow.")
SWGI_METRIC(RETRY_BUDGET, CIRCUIT, GAUGE, "switchgear_retry_budget_available", "", "",
            "Retries that the budget would allow now.")
SWGI_METRIC(ATTEMPT_TIMEOUT, CIRCUIT, GAUGE, "switchgear_attempt_timeout_seconds", "seconds", "",
            "Timeout of one attempt now; absent without one.")
SWGI_METRIC(FEATURES, CIRCUIT, GAUGE, "switchgear_features", "", "state",
            "Features that are not critical, by whether they are on.")

SWGI_METRIC(SLO_OBJECTIVE, CIRCUIT, GAUGE, "switchgear_slo_objective_ratio", "ratio", "",
            "Availability that the configuration promises.")
SWGI_METRIC(SLO_BUDGET, CIRCUIT, GAUGE, "switchgear_slo_budget_left_ratio", "ratio", "",
            "Share of the error budget that is left of the objective's window, as far as the agent has seen it.")
SWGI_METRIC(SLO_BURN, CIRCUIT, GAUGE, "switchgear_slo_burn_rate", "", "",
            "Failure share of the last hour by what the objective allows; at 1 the budget lasts as long as its window.")
SWGI_METRIC(SLO_LATENCY, CIRCUIT, GAUGE, "switchgear_slo_latency_objective_seconds", "seconds", "",
            "The 99th percentile of durations that the configuration promises.")

SWGI_METRIC(SEED_TRIPPED, SEED, GAUGE, "circuit_breaker_tripped", "", "",
            "1 while it rejects calls, 0 otherwise.")
SWGI_METRIC(SEED_FAILURES, SEED, GAUGE, "circuit_breaker_failures_1m", "", "",
            "Failures of the last minute, a timeout by its weight.")
SWGI_METRIC(SEED_TRIPS, SEED, GAUGE, "circuit_breaker_trip_count", "", "",
            "How often it opened.")
SWGI_METRIC(SEED_LATENCY, SEED, GAUGE, "circuit_breaker_latency_ms", "", "",
            "Mean duration of calls in milliseconds: of the last minute, or of all if there was none in it.")
SWGI_METRIC(SEED_REJECTED, SEED, PLAIN, "circuit_breaker_rejected", "", "reason",
            "Calls rejected because it was open (tripped) or because of load (load_shed).")

SWGI_METRIC(PANEL_CIRCUITS, PANEL, GAUGE, "switchgear_panel_circuits", "", "",
            "Circuits in the panel.")
SWGI_METRIC(PANEL_CIRCUITS_LIMIT, PANEL, GAUGE, "switchgear_panel_circuits_limit", "", "",
            "Circuits it has room for.")
SWGI_METRIC(PANEL_COLUMNS, PANEL, GAUGE, "switchgear_panel_columns", "", "",
            "Threads that have counters of their own.")
SWGI_METRIC(PANEL_COLUMNS_LIMIT, PANEL, GAUGE, "switchgear_panel_columns_limit", "", "",
            "Threads it has such counters for; the rest share one set.")
SWGI_METRIC(PANEL_HISTOGRAMS, PANEL, GAUGE, "switchgear_panel_histograms", "", "",
            "Circuits with a histogram.")
SWGI_METRIC(PANEL_HISTOGRAMS_LIMIT, PANEL, GAUGE, "switchgear_panel_histograms_limit", "", "",
            "Histograms it has room for.")
SWGI_METRIC(PANEL_POLICIES, PANEL, GAUGE, "switchgear_panel_policies", "", "",
            "Circuits with policies of their own.")
SWGI_METRIC(PANEL_POLICIES_LIMIT, PANEL, GAUGE, "switchgear_panel_policies_limit", "", "",
            "Circuits it has room for policies of.")
SWGI_METRIC(PANEL_SLOTS, PANEL, GAUGE, "switchgear_panel_slots", "", "",
            "Words in use of those for windows, permits, queues and logs.")
SWGI_METRIC(PANEL_SLOTS_LIMIT, PANEL, GAUGE, "switchgear_panel_slots_limit", "", "",
            "How many of them there are.")
SWGI_METRIC(PANEL_PROCESSES, PANEL, GAUGE, "switchgear_panel_processes", "", "",
            "Processes that take part and are alive.")
SWGI_METRIC(PANEL_BYTES, PANEL, GAUGE, "switchgear_panel_size_bytes", "bytes", "",
            "Size of the panel.")
SWGI_METRIC(PANEL_EVICTED, PANEL, COUNTER, "switchgear_panel_circuits_evicted", "", "",
            "Idle circuits that gave their place up.")
SWGI_METRIC(PANEL_BEYOND, PANEL, COUNTER, "switchgear_panel_circuits_beyond", "", "",
            "Circuits that found no place.")
SWGI_METRIC(PANEL_CLOCKS, PANEL, COUNTER, "switchgear_panel_clocks_replaced", "", "",
            "Times of callers that were more than a second off.")
SWGI_METRIC(PANEL_EVENTS_LOST, PANEL, COUNTER, "switchgear_panel_events_lost", "", "",
            "Events that could not be written into the panel.")
SWGI_METRIC(PANEL_CREATED, PANEL, GAUGE, "switchgear_panel_created_timestamp_seconds", "seconds", "",
            "When the panel was made, as seconds since 1970.")

SWGI_METRIC(BUILD, AGENT, INFO, "switchgear_build", "", "version",
            "The version that runs; always 1.")
SWGI_METRIC(AGENT_START, AGENT, GAUGE, "switchgear_agent_start_time_seconds", "seconds", "",
            "When the agent began, as seconds since 1970.")
SWGI_METRIC(AGENT_FOLDED, AGENT, GAUGE, "switchgear_agent_circuits_folded", "", "",
            "Circuits without series of their own: beyond metrics.breakers_max, summed up as _other.")
SWGI_METRIC(AGENT_EVENTS_LOST, AGENT, COUNTER, "switchgear_agent_events_lost", "", "",
            "How often the ring of events overran the agent.")
SWGI_METRIC(AGENT_AUDIT_ROWS, AGENT, COUNTER, "switchgear_agent_audit_rows", "", "",
            "Rows written to the audit.")
SWGI_METRIC(AGENT_AUDIT_DROPPED, AGENT, COUNTER, "switchgear_agent_audit_rows_dropped", "", "",
            "Rows that found the queue to the database full.")
SWGI_METRIC(AGENT_AUDIT_QUEUED, AGENT, GAUGE, "switchgear_agent_audit_rows_queued", "", "",
            "Rows that wait to be written.")
SWGI_METRIC(AGENT_ALERTS, AGENT, GAUGE, "switchgear_agent_alerts_firing", "", "",
            "Alerts of the agent's own rules that fire.")
SWGI_METRIC(AGENT_NOTIFICATIONS, AGENT, COUNTER, "switchgear_agent_notifications", "", "result",
            "Notifications to receivers: sent, failed, dropped.")
SWGI_METRIC(AGENT_REQUESTS, AGENT, COUNTER, "switchgear_agent_http_requests", "", "code",
            "Requests answered, by class of status.")
SWGI_METRIC(AGENT_REFUSED, AGENT, COUNTER, "switchgear_agent_http_requests_refused", "", "",
            "Connections and requests refused before they were read whole.")
SWGI_METRIC(AGENT_CONNECTIONS, AGENT, GAUGE, "switchgear_agent_http_connections", "", "",
            "Connections that are open.")
SWGI_METRIC(AGENT_STREAMS, AGENT, GAUGE, "switchgear_agent_http_streams", "", "",
            "Streams of events that are open.")
SWGI_METRIC(AGENT_RELOADS, AGENT, COUNTER, "switchgear_agent_config_reloads", "", "result",
            "Reloads of the configuration: done, refused.")
SWGI_METRIC(AGENT_RELOAD_OK, AGENT, GAUGE, "switchgear_agent_config_last_reload_successful", "", "",
            "1 if the last reload was taken, 0 if it was refused.")
SWGI_METRIC(AGENT_RELOAD_TIME, AGENT, GAUGE, "switchgear_agent_config_last_reload_timestamp_seconds", "seconds", "",
            "When the configuration was last taken, as seconds since 1970.")
SWGI_METRIC(AGENT_LOG_LOST, AGENT, COUNTER, "switchgear_agent_log_lines_lost", "", "",
            "Log lines that could not be written.")
/* clang-format on */
#endif
