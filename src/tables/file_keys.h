/*
 * The configuration file's keys beside those of circuits (tables/keys.h), written once: from here come the defaults, the checks,
 * `check-config --explain`, the manual page and the JSON Schema.
 *
 * SWGI_FILE_SECTION(SECTION, struct, name, what)   a group of keys that fill one struct
 * SWGI_FILE_KEY(SECTION, type, field, name, least, most, initial, unit, what)   a field of that struct
 *   type     TEXT (its length), PATH, URL, ADDRESS, NAME (of a circuit or receiver, as circuits may be called)
 *            NAMES, GLOBS, URLS   lists; most is how many
 *            WORD     a text that is one of the words of unit, "first|second"
 *            CHOICE   the number of such a word, in an int; YES_NO, a bool
 *            INTEGER, BYTES (uint32_t), DURATION (swg_ns), AVAILABILITY (a double, percent)
 *            ABOVE    what it counts in is told by `when`; tables/alerts.h knows
 *   initial  the default as it would be written in the file; "" for none, or that something else decides, as the prose tells
 *
 * A reader defines the two macros before it includes this file, which undefines them.
 */
#define MS(n) (UINT64_C(1000000) * (n))
#define S(n)  (UINT64_C(1000000000) * (n))
#define D(n)  S(86400 * UINT64_C(n))

/* clang-format off */
#ifdef SWGI_FILE_SECTION
SWGI_FILE_SECTION(TOP, swgi_file_top, "",
                  "the file itself")
SWGI_FILE_SECTION(PANEL, swgi_file_panel, "panel",
                  "the memory in which circuits live: where it is, and how large it is made")
SWGI_FILE_SECTION(AGENT, swgi_file_agent, "agent",
                  "the agent: where it listens, what it keeps")
SWGI_FILE_SECTION(LIMITS, swgi_file_limits, "limits",
                  "how many circuits there may be, and what is beyond")
SWGI_FILE_SECTION(METRICS, swgi_file_metrics, "metrics",
                  "what is exported")
SWGI_FILE_SECTION(CIRCUIT, swgi_file_circuit, "circuits.NAME",
                  "a circuit, beside its settings; NAME with * or ? is a pattern, under which circuits are made by use")
SWGI_FILE_SECTION(ALERT, swgi_file_alert, "alerts",
                  "the list of alert rules; given, it takes the place of the shipped ones")
SWGI_FILE_SECTION(RECEIVER, swgi_file_receiver, "receivers.NAME",
                  "where alerts go")
#undef SWGI_FILE_SECTION
#endif

#ifdef SWGI_FILE_KEY
SWGI_FILE_KEY(TOP, WORD, environment, "environment", 0, 31, "", "",
              "which of environments is merged over the rest; development, testing and production are known without being written; SWITCHGEAR_ENVIRONMENT goes before it")

SWGI_FILE_KEY(PANEL, PATH, path, "path", 0, 0, "", "",
              "the panel's path without its suffix; unset: /run/switchgear/main, or the user's own place")
SWGI_FILE_KEY(PANEL, INTEGER, circuits_max, "circuits_max", 1, 65535, "", "circuits",
              "how many circuits a panel that is made has room for; unset: 1024")
SWGI_FILE_KEY(PANEL, INTEGER, columns_max, "columns_max", 1, 256, "", "threads",
              "how many threads have counters of their own; unset: 16")
SWGI_FILE_KEY(PANEL, INTEGER, histograms_max, "histograms_max", 1, 65535, "", "circuits",
              "how many circuits have a latency histogram; unset: as circuits_max, at most 1024")
SWGI_FILE_KEY(PANEL, INTEGER, policies_max, "policies_max", 1, 65535, "", "circuits",
              "how many circuits have policies; unset: as circuits_max, at most 1024")
SWGI_FILE_KEY(PANEL, INTEGER, slots_max, "slots_max", 1, 4194304, "", "words",
              "room for count windows, permits and queues of all circuits; unset: the panel's own default")

SWGI_FILE_KEY(AGENT, ADDRESS, listen, "listen", 0, 0, "127.0.0.1:9190", "",
              "address and port of the admin API and the dashboard, such as 127.0.0.1:9190 or [::1]:9190; off: no TCP")
SWGI_FILE_KEY(AGENT, PATH, socket, "socket", 0, 0, "", "",
              "the admin API's Unix socket; unset: /run/switchgear/agent.sock, or the user's own place; off: none")
SWGI_FILE_KEY(AGENT, PATH, tokens_file, "tokens_file", 0, 0, "", "",
              "the file of tokens, a line each: name:role:sha256; unset: no token is known, and TCP can only be read")
SWGI_FILE_KEY(AGENT, PATH, database, "database", 0, 0, "", "",
              "the SQLite database of state, audit and history; unset: /var/lib/switchgear/switchgear.db, or the user's own place; off: none")
SWGI_FILE_KEY(AGENT, YES_NO, public_reads, "public_reads", 0, 1, "no", "no|yes",
              "whether reading over TCP needs no token; writing always does")
SWGI_FILE_KEY(AGENT, URLS, origins, "origins", 0, 16, "", "",
              "web origins, beside its own, whose pages may act through the admin API")
SWGI_FILE_KEY(AGENT, GLOBS, hosts, "hosts", 0, 16, "", "",
              "names by which it is asked over TCP, beside addresses, localhost and the host's own name: those of a proxy or a service, such as switchgear.monitoring.svc or *.example")
SWGI_FILE_KEY(AGENT, INTEGER, connections_max, "connections_max", 1, 65535, "256", "connections",
              "how many connections the admin API takes at a time")
SWGI_FILE_KEY(AGENT, DURATION, request_timeout, "request_timeout", MS(100), S(600), "10s", "",
              "a client slower than this is turned away")
SWGI_FILE_KEY(AGENT, WORD, log, "log", 0, 0, "json", "json|text",
              "the form of log lines, on standard error")
SWGI_FILE_KEY(AGENT, WORD, log_level, "log_level", 0, 0, "info", "debug|info|warning|error",
              "the least important lines that are written")
SWGI_FILE_KEY(AGENT, DURATION, audit_keep, "audit_keep", D(1), D(3650), "400d", "",
              "how long rows of the audit are kept")
SWGI_FILE_KEY(AGENT, INTEGER, audit_rows_max, "audit_rows_max", 1000, 100000000, "1000000", "rows",
              "and how many at most")
SWGI_FILE_KEY(AGENT, DURATION, history_keep, "history_keep", D(1), D(3650), "30d", "",
              "how long the history is kept")
SWGI_FILE_KEY(AGENT, BYTES, history_bytes_max, "history_bytes_max", 1048576, 4293918720, "256MiB", "",
              "and how large it may grow")

SWGI_FILE_KEY(LIMITS, INTEGER, circuits_max, "circuits_max", 1, 65535, "", "circuits",
              "no circuit is made by use while there are so many; unset: as many as the panel has room for")
SWGI_FILE_KEY(LIMITS, YES_NO, auto_create, "auto_create", 0, 1, "yes", "no|yes",
              "whether use makes circuits under the file's patterns")
SWGI_FILE_KEY(LIMITS, CHOICE, beyond, "beyond", 0, 2, "", "shared|unprotected|error",
              "what a call gets that finds no place: the circuit that all such calls share, no protection, or an error; unset: as the program says, shared if it says nothing")

SWGI_FILE_KEY(METRICS, DURATION, collection_interval, "collection_interval", S(1), S(3600), "30s", "",
              "how often rates, trends and scores are worked out anew")
SWGI_FILE_KEY(METRICS, GLOBS, select, "select", 0, 64, "", "",
              "names or globs of the series that are exported; unset: all")
SWGI_FILE_KEY(METRICS, YES_NO, seed_names, "seed_names", 0, 1, "yes", "no|yes",
              "whether the names of circuit_breaker_... are exported beside ours")
SWGI_FILE_KEY(METRICS, INTEGER, breakers_max, "breakers_max", 1, 65535, "1000", "circuits",
              "how many circuits have series of their own; the rest are folded into _other")

SWGI_FILE_KEY(CIRCUIT, INTEGER, max, "max", 1, 65535, "", "circuits",
              "of a pattern: how many circuits there may be under it; unset: limits.circuits_max")
SWGI_FILE_KEY(CIRCUIT, TEXT, group, "group", 0, 127, "", "",
              "what belongs together in /health and on the dashboard")
SWGI_FILE_KEY(CIRCUIT, NAME, alias, "alias", 0, 0, "", "",
              "a shorter name for URLs; of one circuit, never of a pattern")
SWGI_FILE_KEY(CIRCUIT, TEXT, owner, "owner", 0, 127, "", "",
              "who answers for it")
SWGI_FILE_KEY(CIRCUIT, URL, runbook, "runbook", 0, 0, "", "",
              "where it is written what to do")
SWGI_FILE_KEY(CIRCUIT, NAMES, depends_on, "depends_on", 0, 32, "", "",
              "circuits whose trouble is this one's, too: their alerts silence its own")
SWGI_FILE_KEY(CIRCUIT, AVAILABILITY, slo_availability, "slo.availability", 0, 100, "", "%",
              "the share of calls that are to succeed, such as 99.9")
SWGI_FILE_KEY(CIRCUIT, DURATION, slo_p99, "slo.p99", MS(1), S(3600), "", "",
              "99 of 100 calls are to take no longer")
SWGI_FILE_KEY(CIRCUIT, DURATION, slo_window, "slo.window", S(3600), D(90), "30d", "",
              "over how long that is counted")

SWGI_FILE_KEY(ALERT, TEXT, name, "name", 1, 127, "", "",
              "what it is called; no two are called the same")
SWGI_FILE_KEY(ALERT, CHOICE, when, "when", 0, 0, "", SWGI_ALERT_WORDS,
              "what is watched")
SWGI_FILE_KEY(ALERT, GLOBS, circuits, "circuits", 0, 64, "", "",
              "names or globs of the circuits it is for; unset: all")
SWGI_FILE_KEY(ALERT, ABOVE, above, "above", 0, 0, "", "",
              "where it begins, in what `when` counts in")
SWGI_FILE_KEY(ALERT, DURATION, for_ns, "for", 0, D(7), "", "",
              "how long it must hold before it is told; unset: as `when` has it")
SWGI_FILE_KEY(ALERT, CHOICE, severity, "severity", 0, 2, "", "info|warning|critical",
              "unset: as `when` has it")
SWGI_FILE_KEY(ALERT, NAMES, to, "to", 0, 16, "", "",
              "receivers; unset: every one")
SWGI_FILE_KEY(ALERT, URL, runbook, "runbook", 0, 0, "", "",
              "where it is written what to do; unset: the circuit's, or the shipped runbook")

SWGI_FILE_KEY(RECEIVER, CHOICE, kind, "kind", 0, 4, "", "log|slack|pagerduty|alertmanager|webhook",
              "what it speaks")
SWGI_FILE_KEY(RECEIVER, URL, url, "url", 0, 0, "", "",
              "where it is; of slack this is a secret: use url_file")
SWGI_FILE_KEY(RECEIVER, PATH, url_file, "url_file", 0, 0, "", "",
              "a file whose first line is the URL")
SWGI_FILE_KEY(RECEIVER, PATH, token_file, "token_file", 0, 0, "", "",
              "a file whose first line is pagerduty's routing key, or a webhook's bearer token")
SWGI_FILE_KEY(RECEIVER, PATH, ca_file, "ca_file", 0, 0, "", "",
              "a file of certificates, in PEM, of the authorities that may vouch for an https receiver; unset: those that the system trusts")
SWGI_FILE_KEY(RECEIVER, PATH, template_file, "template_file", 0, 0, "", "",
              "of a webhook: JSON with {{circuit}}, {{state}} and such")
SWGI_FILE_KEY(RECEIVER, TEXT, source, "source", 0, 127, "", "",
              "who tells, in what is told and in pagerduty's key; unset: the host's name")
SWGI_FILE_KEY(RECEIVER, CHOICE, severity_min, "severity_min", 0, 2, "info", "info|warning|critical",
              "nothing less is told")
SWGI_FILE_KEY(RECEIVER, YES_NO, resolved, "resolved", 0, 1, "yes", "no|yes",
              "whether the end is told, too")
SWGI_FILE_KEY(RECEIVER, DURATION, timeout, "timeout", MS(100), S(120), "10s", "",
              "of one delivery")
#undef SWGI_FILE_KEY
#endif
/* clang-format on */

#undef MS
#undef S
#undef D
