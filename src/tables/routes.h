/*
 * SWGI_ROUTE(METHOD, "path", ROLE, handler, BODY, "parameters", TYPE, "summary"): the admin interface. Dispatch, 405 and Allow,
 * and the OpenAPI description come from here. {name} is one piece of the path. ROLE is the least that is needed (OPEN: nobody
 * asks); BODY names a row of SWGI_BODY; parameters are names of SWGI_PARAMETER, or SWGI_ANY_PARAMETERS
 * for what monitors ask, who add what they like and must not be told that the agent is not well; TYPE is what a good answer is.
 */
#ifdef SWGI_ROUTE
SWGI_ROUTE(GET, "/livez", OPEN, alive, NONE, SWGI_ANY_PARAMETERS, JSON,
           "Is the agent alive? Whatever the circuits are")
SWGI_ROUTE(GET, "/readyz", OPEN, ready, NONE, SWGI_ANY_PARAMETERS, JSON,
           "Is the agent ready? Whatever the circuits are")
SWGI_ROUTE(GET, "/-/healthy", OPEN, alive, NONE, SWGI_ANY_PARAMETERS, JSON, "As /livez")
SWGI_ROUTE(GET, "/-/ready", OPEN, ready, NONE, SWGI_ANY_PARAMETERS, JSON, "As /readyz")
SWGI_ROUTE(GET, "/openapi.json", OPEN, openapi, NONE, "", JSON, "This description")
SWGI_ROUTE(GET, "/health", VIEWER, health, NONE, SWGI_ANY_PARAMETERS, JSON,
           "Health of the groups of circuits; 200 and `degraded` while one is open")
SWGI_ROUTE(GET, "/metrics", VIEWER, metrics, NONE, SWGI_ANY_PARAMETERS, TEXT,
           "Metrics, as Prometheus text or as OpenMetrics")
SWGI_ROUTE(GET, "/api/metrics", VIEWER, metrics, NONE, SWGI_ANY_PARAMETERS, TEXT, "As /metrics")
SWGI_ROUTE(GET, "/v1/circuit-breaker/metrics", VIEWER, seed_metrics, NONE, "", JSON,
           "Figures of every circuit by its alias, and their summary")
SWGI_ROUTE(POST, "/v1/circuit-breaker/reset/{name}", OPERATOR, seed_reset, RESET, "", JSON,
           "Close a circuit by hand, by alias or name")
SWGI_ROUTE(GET, "/v1/circuits", VIEWER, circuits_get, NONE, "", JSON,
           "All that is known of every circuit")
SWGI_ROUTE(GET, "/v1/circuits/{name}", VIEWER, circuit_get, NONE, "", JSON,
           "All that is known of a circuit")
SWGI_ROUTE(GET, "/v1/circuits/{name}/why", VIEWER, why, NONE, "", JSON,
           "Why a circuit is as it is: rules, evidence, holders, last errors")
SWGI_ROUTE(POST, "/v1/circuits/{name}/trip", OPERATOR, trip, TRIP, "", JSON,
           "Open a circuit by hand")
SWGI_ROUTE(POST, "/v1/circuits/{name}/reset", OPERATOR, reset, RESET, "", JSON,
           "Close a circuit by hand")
SWGI_ROUTE(POST, "/v1/circuits/{name}/probe", OPERATOR, probe, PROBE, "", JSON,
           "Let a few calls through an open circuit")
SWGI_ROUTE(POST, "/v1/circuits/{name}/mode", OPERATOR, mode, MODE, "", JSON,
           "Isolate, disable or shadow a circuit, or hand it back to its rules")
SWGI_ROUTE(GET, "/v1/audit", VIEWER, audit, NONE, "circuit action since limit before", JSON,
           "Who did what, and what tripped, newest first")
SWGI_ROUTE(GET, "/v1/alerts", VIEWER, alerts, NONE, "", JSON, "Alerts that fire or are about to")
SWGI_ROUTE(GET, "/v1/events", VIEWER, events, NONE, "circuit_glob ticks last_event_id", STREAM,
           "Events as they happen (server-sent events)")
SWGI_ROUTE(GET, "/v1/whoami", VIEWER, whoami, NONE, "", JSON, "As whom the agent takes you")
SWGI_ROUTE(POST, "/-/reload", ADMIN, reload, NONE, "", JSON,
           "Read the configuration and tokens again")
#endif

/* SWGI_PARAMETER(id, "name", query|header, TYPE, "what") */
#ifdef SWGI_PARAMETER
SWGI_PARAMETER(circuit, "circuit", query, STRING, "Only this circuit; may be a glob")
SWGI_PARAMETER(action, "action", query, ACTION, "Only this action, in whatever case")
SWGI_PARAMETER(since, "since", query, STRING,
               "Only rows of this instant or later: how long ago (`15m`, `2h`, `7d`), a date "
               "(`2026-01-31`, `2026-01-31T08:00`; with a `Z` in UTC, else by the clock of the "
               "agent's host), or milliseconds since 1970")
SWGI_PARAMETER(limit, "limit", query, INTEGER, "At most so many rows, 1 to 1000 (default 100)")
SWGI_PARAMETER(before, "before", query, INTEGER,
               "Only rows before this id: the `next_before` of the page before")
SWGI_PARAMETER(circuit_glob, "circuit", query, STRING, "Only circuits whose name matches this glob")
SWGI_PARAMETER(ticks, "ticks", query, INTEGER,
               "1: also `event: tick` with all circuits, once a second")
SWGI_PARAMETER(last_event_id, "Last-Event-ID", header, STRING,
               "Go on after this event; without one, with what happens from now")
#endif

/* SWGI_FIELD(BODY, "name", TYPE, required, "what"): what a body may hold; anything else in one is refused. */
#ifdef SWGI_FIELD
SWGI_FIELD(TRIP, "reason", STRING, 1, "Why; at most 127 bytes, kept with the act")
SWGI_FIELD(TRIP, "for", DURATION, 0,
           "Let it probe by itself after this time; without, it stays open until somebody acts")
SWGI_FIELD(RESET, "reason", STRING, 0, "Why; at most 127 bytes, kept with the act")
SWGI_FIELD(RESET, "force", BOOLEAN, 0, "Even within the cooldown")
SWGI_FIELD(PROBE, "reason", STRING, 1, "Why; at most 127 bytes, kept with the act")
SWGI_FIELD(PROBE, "force", BOOLEAN, 0, "Even before it has been open for its time")
SWGI_FIELD(MODE, "mode", MODE_NAME, 1, "The mode")
SWGI_FIELD(MODE, "reason", STRING, 1, "Why; at most 127 bytes, kept with the act")
SWGI_FIELD(MODE, "for", DURATION, 0, "Back to normal after this time; without, until somebody acts")
#endif
