/*
 * Wrong files, each with all that is told about it: LINE:COLUMN: KEY: TEXT, a line each, in the order of the file.
 */
#ifndef TESTS_CONFIG_WRONG_FILES_H
#define TESTS_CONFIG_WRONG_FILES_H

/* clang-format off */
static const struct wrong_file {
    const char *name, *text, *told;
} wrong_files[] = {
    { "an unknown key of a circuit",
      "circuits:\n"
      "  a:\n"
      "    presett: read\n",
      "3:5: circuits.a.presett: unknown key, did you mean preset?; allowed here: adaptive, alias, breaker, bulkhead, cache, cache_bypass, depends_on, fallback, features, group, limiter, max, owner, preset, retry, runbook, shed, slo, timeout\n" },
    { "an unknown key, nested",
      "circuits:\n"
      "  a:\n"
      "    breaker: { opne: { for: 60s } }\n",
      "3:16: circuits.a.breaker.opne: unknown key, did you mean open?; allowed here: compare, cooldown, half_open, half_open_max, histogram, ignored, judge_on_success, min_state_transition_interval, open, preset, probes, ramp, ramp_step, recovery, slow_call_dur...\n" },
    { "a key that belongs elsewhere",
      "circuits:\n"
      "  a:\n"
      "    attempts: 3\n",
      "3:5: circuits.a.attempts: unknown key, did you mean retry.attempts?; allowed here: adaptive, alias, breaker, bulkhead, cache, cache_bypass, depends_on, fallback, features, group, limiter, max, owner, preset, retry, runbook, shed, slo, timeout\n" },
    { "an unknown section",
      "circuit:\n"
      "  a: {}\n",
      "1:1: circuit: unknown key, did you mean circuits?; allowed here: agent, alerts, circuit_breakers, circuits, defaults, environment, environments, limits, metrics, panel, receivers\n" },
    { "a section like none",
      "zzz: 2\n",
      "1:1: zzz: unknown key; allowed here: agent, alerts, circuit_breakers, circuits, defaults, environment, environments, limits, metrics, panel, receivers\n" },
    { "an unknown preset",
      "circuits:\n"
      "  a: { preset: raed }\n",
      "2:16: circuits.a.preset: \"raed\" is no preset, did you mean read?; allowed: default|read|write|default_db|auth|queue|api|api-retry|alternator|resilience4j|polly|opossum|gobreaker|hystrix\n" },
    { "a circuit twice",
      "circuits:\n"
      "  a: { preset: read }\n"
      "  a: { preset: write }\n",
      "3:3: circuits.a: the key comes twice; the first is in line 2\n" },
    { "a key twice",
      "circuits:\n"
      "  a:\n"
      "    timeout: 1s\n"
      "    timeout: 2s\n",
      "4:5: circuits.a.timeout: the key comes twice; the first is in line 3\n" },
    { "a key by two names",
      "circuits:\n"
      "  a: { breaker: { probes: 2, half_open: { probes: 3 } } }\n",
      "2:51: circuits.a.breaker.half_open.probes: this is said already, in line 2\n" },
    { "a duration without unit",
      "circuits:\n"
      "  a: { timeout: 3 }\n",
      "2:17: circuits.a.timeout: \"3\" is not a duration such as 250ms, 30s or 5m; allowed: 1us..1d or off\n" },
    { "a duration out of range",
      "circuits:\n"
      "  a: { breaker: { open: { for: 40d } } }\n",
      "2:32: circuits.a.breaker.open.for: 40d is out of range; allowed: 1ms..30d\n" },
    { "a number out of range",
      "circuits:\n"
      "  a: { retry: { attempts: 0 } }\n",
      "2:27: circuits.a.retry.attempts: 0 is out of range; allowed: 1..63\n" },
    { "a number in quotes",
      "circuits:\n"
      "  a: { retry: { attempts: \"3\" } }\n",
      "2:27: circuits.a.retry.attempts: in quotes it is text; allowed: 1..63, without quotes\n" },
    { "a word for a number",
      "circuits:\n"
      "  a: { retry: { attempts: three } }\n",
      "2:27: circuits.a.retry.attempts: \"three\" is not a whole number; allowed: 1..63\n" },
    { "nothing for a number",
      "circuits:\n"
      "  a: { retry: { attempts: } }\n",
      "2:27: circuits.a.retry.attempts: nothing stands here; allowed: 1..63\n" },
    { "a value for a mapping",
      "circuits:\n"
      "  a: { retry: 3 }\n",
      "2:15: circuits.a.retry: a single value stands here; allowed: a mapping, key: value\n" },
    { "a list for a value",
      "circuits:\n"
      "  a: { breaker: { open: { for: [1s] } } }\n",
      "2:32: circuits.a.breaker.open.for: a list stands here; allowed: 1ms..30d\n" },
    { "a list for a mapping",
      "circuits: [a, b]\n",
      "1:11: circuits: a list stands here; allowed: a mapping, key: value\n" },
    { "a mapping for the rules",
      "circuits:\n"
      "  a: { breaker: { trip: { consecutive: 3 } } }\n",
      "2:25: circuits.a.breaker.trip: a mapping stands here; allowed: none, or a list of rules such as [{consecutive: 5}]\n" },
    { "two kinds in one rule",
      "circuits:\n"
      "  a: { breaker: { trip: [ { consecutive: 3, failures: { weight: 3 } } ] } }\n",
      "2:65: circuits.a.breaker.trip.0.failures.weight: is already a rule of another kind; allowed: one rule an entry\n" },
    { "an empty rule",
      "circuits:\n"
      "  a: { breaker: { trip: [ {} ] } }\n",
      "2:27: circuits.a.breaker.trip.0: the rule is empty; allowed: consecutive, change, failures, failure_rate or slow_rate\n" },
    { "an unknown rule",
      "circuits:\n"
      "  a: { breaker: { trip: [ { consecutiv: 3 } ] } }\n",
      "2:29: circuits.a.breaker.trip.0.consecutiv: unknown key, did you mean consecutive?; allowed here: change, consecutive, failure_rate, failures, slow_rate\n" },
    { "a share over all",
      "circuits:\n"
      "  a: { breaker: { trip: [ { failure_rate: { percent: 120 } } ] } }\n",
      "2:54: circuits.a.breaker.trip.0.failure_rate.percent: 120 is out of range; allowed: 0.0001..100 or off\n" },
    { "a rule without its threshold",
      "circuits:\n"
      "  a: { breaker: { trip: [ { failure_rate: { window: 10s } } ] } }\n",
      "2:27: circuits.a.breaker.trip.0.failure_rate.percent: not set; allowed: 0.0001..100 or off\n" },
    { "too many rules",
      "circuits:\n"
      "  a:\n"
      "    breaker:\n"
      "      trip: [ {consecutive: 1}, {failures: {weight: 1}}, {failures: {weight: 2}}, {failures: {weight: 3}}, {failures: {weight: 4}}, {failures: {weight: 5}}, {failures: {weight: 6}}, {failures: {weight: 7}} ]\n",
      "4:183: circuits.a.breaker.trip.7: one rule too many; allowed: 7\n" },
    { "settings that do not fit together",
      "circuits:\n"
      "  a: { preset: read, breaker: { open: { max: 1s } } }\n",
      "2:46: circuits.a.breaker.open.max: 1s is shorter than breaker.open.for; allowed: 3s or longer\n" },
    { "a ramp that descends",
      "circuits:\n"
      "  a: { breaker: { half_open: { ramp: [5, 3] } } }\n",
      "2:38: circuits.a.breaker.half_open.ramp: \"5, 3\" is not an ascending list of percentages such as 5, 25, 50; allowed: at most 16 of 1..99, or off\n" },
    { "partitions that grow",
      "circuits:\n"
      "  a: { bulkhead: { partitions: [ \"0:50\", \"10:80\" ] } }\n",
      "2:32: circuits.a.bulkhead.partitions: \"0:50, 10:80\" is not a list of priority:percent such as -1:100, 31:50; allowed: none, or at most 4 of -32..31:1..100, priorities ascending, shares descending\n" },
    { "a fallback that is none",
      "circuits:\n"
      "  a: { fallback: [ cache, cash ] }\n",
      "2:18: circuits.a.fallback: \"cache, cash\" is not a list of its words; allowed: none, or each once of cache|alternative|static|queue|function\n" },
    { "a circuit that is its own alternative",
      "defaults: { fallback: { chain: alternative, alternative: b } }\n"
      "circuits:\n"
      "  a: { fallback: { alternative: a } }\n"
      "  b: {}\n",
      "3:33: circuits.a.fallback.alternative: \"a\" is the circuit itself, so it would do nothing; it needs the name of another circuit\n" },
    { "no circuit's name",
      "circuits:\n"
      "  \"a b\": {}\n",
      "2:3: circuits.a b: \"a b\" is no circuit's name; allowed: 1 to 127 of A-Z a-z 0-9 . _ : @ / -, and * and ? for a pattern\n" },
    { "the panel's own name",
      "circuits:\n"
      "  _beyond: {}\n",
      "2:3: circuits._beyond: \"_beyond\" is no circuit's name; allowed: 1 to 127 of A-Z a-z 0-9 . _ : @ / -, and * and ? for a pattern; _beyond is the panel's own\n" },
    { "a max of one",
      "circuits:\n"
      "  a: { max: 5 }\n",
      "2:3: circuits.a.max: only a pattern, with * or ?, has a max\n" },
    { "an alias of many",
      "circuits:\n"
      "  a-*: { alias: a }\n",
      "2:3: circuits.a-*.alias: a pattern has no alias: it stands for many circuits\n" },
    { "an alias taken",
      "circuits:\n"
      "  a: { alias: x }\n"
      "  b: { alias: x }\n",
      "3:15: circuits.b: the alias \"x\" is another circuit's, in line 2\n" },
    { "an alias that is a name",
      "circuits:\n"
      "  a: { alias: b }\n"
      "  b: {}\n",
      "2:15: circuits.a: the alias \"b\" is another circuit's, in line 3\n" },
    { "depends on nobody",
      "circuits:\n"
      "  a: { depends_on: [ b ] }\n",
      "2:22: circuits.a.depends_on.0: \"b\" is no circuit of this file, and under no pattern of it\n" },
    { "depends on itself",
      "circuits:\n"
      "  a: { depends_on: [ a ] }\n",
      "2:22: circuits.a.depends_on.0: a circuit does not depend on itself\n" },
    { "depends on each other",
      "circuits:\n"
      "  a: { depends_on: [ b ] }\n"
      "  b: { depends_on: [ a ] }\n",
      "2:22: circuits.a.depends_on.0: depends_on goes round in a circle of 2: a, b, a\n" },
    { "two circles, and what leads to them",
      "circuits:\n"
      "  start: { depends_on: [ b, d ] }\n"
      "  a: { depends_on: [ b ] }\n"
      "  b: { depends_on: [ c ] }\n"
      "  c: { depends_on: [ a, c ] }\n"
      "  d: { depends_on: [ e ] }\n"
      "  e: { depends_on: [ start-less, d, d ] }\n",
      "4:22: circuits.b.depends_on.0: depends_on goes round in a circle of 3: b, c, a, b\n"
      "5:25: circuits.c.depends_on.1: a circuit does not depend on itself\n"
      "6:22: circuits.d.depends_on.0: depends_on goes round in a circle of 2: d, e, d\n"
      "7:22: circuits.e.depends_on.0: \"start-less\" is no circuit of this file, and under no pattern of it\n" },
    { "two circles through one circuit, which names it in two ways",
      "circuits:\n"
      "  a: { depends_on: [ b, c-1 ] }\n"
      "  b: { depends_on: [ a ] }\n"
      "  c-*: { max: 2, depends_on: [ d-1, a, d-2, e ] }\n"
      "  d-*: { max: 2, depends_on: [ c-1, e, c-2 ] }\n"
      "  e: { depends_on: [ c-3 ] }\n",
      "2:22: circuits.a.depends_on.0: depends_on goes round in a circle of 2: a, b, a\n"
      "2:25: circuits.a.depends_on.1: depends_on goes round in a circle of 2: a, c-*, a\n"
      "4:32: circuits.c-*.depends_on.0: depends_on goes round in a circle of 2: c-*, d-*, c-*\n"
      "4:32: circuits.c-*.depends_on.0: depends_on goes round in a circle of 3: c-*, d-*, e, c-*\n" },
    { "an SLO of all",
      "circuits:\n"
      "  a: { slo: { availability: 100 } }\n",
      "2:29: circuits.a.slo.availability: 100 is out of range; allowed: above 0 and below 100 percent\n" },
    { "a runbook without a scheme",
      "circuits:\n"
      "  a: { runbook: wiki/x }\n",
      "2:17: circuits.a.runbook: \"wiki/x\" is not allowed; allowed: a URL that begins with http:// or https://\n" },
    { "a NUL",
      "circuits:\n"
      "  a: { owner: \"x\\0y\" }\n",
      "2:15: circuits.a.owner: a NUL stands in the value; allowed: text of 0 to 127 bytes\n" },
    { "an alias of YAML's",
      "circuits:\n"
      "  a: &x { preset: read }\n"
      "  b: *x\n",
      "2:6: : an anchor, &..., is not known here; write the value without it\n"
      "3:6: : an alias, *x, is not known here; write the value out, or under defaults\n" },
    { "a merge key",
      "circuits:\n"
      "  a: { <<: { preset: read } }\n",
      "2:8: circuits.a.<<: merging is not known here; write the keys out, or under defaults\n" },
    { "a tag",
      "circuits:\n"
      "  a: { timeout: !!str 3s }\n",
      "2:17: : a tag, !..., is not known here; write the value without it\n" },
    { "two documents",
      "circuits: {}\n"
      "---\n"
      "circuits: {}\n",
      "2:1: : a second document begins; allowed: one a file\n" },
    { "a tab",
      "circuits:\n"
      "\ta: {}\n",
      "2:1: : a tab stands here; allowed: spaces to indent with\n" },
    { "an open brace",
      "circuits: { a: {}\n",
      "2:1: : this is no YAML: did not find expected ',' or '}', while parsing a flow mapping that began in line 1\n" },
    { "an open quote",
      "circuits:\n"
      "  a: \"x\n",
      "3:1: : this is no YAML: found unexpected end of stream, while scanning a quoted scalar that began in line 2\n" },
    { "one word",
      "a\n",
      "1:1: : a single value stands here; allowed: a mapping, key: value\n" },
    { "a list",
      "[1]\n",
      "1:1: : a list stands here; allowed: a mapping, key: value\n" },
    { "a list for a key",
      "circuits:\n"
      "  ? [a]\n"
      "  : {}\n",
      "2:5: circuits: a list is no key; allowed: words\n" },
    { "too deep",
      "x: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n",
      "1:19: : nested too deep; allowed: 16 levels\n" },
    { "no UTF-8",
      "a: x\n"
      "b: \x80\n",
      "2:4: : invalid leading UTF-8 octet; allowed: UTF-8 text\n" },
    { "more circuits than allowed",
      "limits: { circuits_max: 1 }\n"
      "circuits:\n"
      "  a: {}\n"
      "  b: {}\n",
      "4:3: circuits: 2 circuits are declared; allowed: 1, by limits.circuits_max\n" },
    { "a choice that is none",
      "limits: { beyond: shred }\n",
      "1:19: limits.beyond: \"shred\" is not one of its words, did you mean shared?; allowed: shared|unprotected|error\n" },
    { "neither yes nor no",
      "limits: { auto_create: maybe }\n",
      "1:24: limits.auto_create: \"maybe\" is not one of its words; allowed: no|yes\n" },
    { "a negative number",
      "limits: { circuits_max: -1 }\n",
      "1:25: limits.circuits_max: \"-1\" is not a whole number; allowed: 1..65535\n" },
    { "a port alone",
      "agent: { listen: 9190 }\n",
      "1:18: agent.listen: \"9190\" is not allowed; allowed: an address and port such as 127.0.0.1:9190\n" },
    { "a port too high",
      "agent: { listen: \"127.0.0.1:99999\" }\n",
      "1:18: agent.listen: \"127.0.0.1:99999\" is not allowed; allowed: an address and port such as 127.0.0.1:9190\n" },
    { "a size of another unit",
      "agent: { history_bytes_max: 1GB }\n",
      "1:29: agent.history_bytes_max: \"1GB\" is not a size such as 256MiB; allowed: 1MiB..4095MiB\n" },
    { "a level of another program",
      "agent: { log_level: warn }\n",
      "1:21: agent.log_level: \"warn\" is not one of its words; allowed: debug|info|warning|error\n" },
    { "an origin without a scheme",
      "agent: { origins: [\"example.com\"] }\n",
      "1:20: agent.origins.0: \"example.com\" is not a URL that begins with http:// or https://; allowed: a list of at most 16, each a URL that begins with http:// or https://\n" },
    { "a secret in the file",
      "agent: { token: secret }\n",
      "1:10: agent.token: unknown key; allowed here: audit_keep, audit_rows_max, connections_max, database, history_bytes_max, history_keep, hosts, listen, log, log_level, origins, public_reads, request_timeout, socket, tokens_file\n" },
    { "seconds without a unit",
      "metrics: { collection_interval: 0.5 }\n",
      "1:33: metrics.collection_interval: \"0.5\" is not a duration such as 250ms, 30s or 5m; allowed: 1s..1h\n" },
    { "a value for a list",
      "metrics: { select: switchgear_* }\n",
      "1:20: metrics.select: a single value stands here; allowed: a list, [one, two]\n" },
    { "alerts that are no list",
      "alerts: {}\n",
      "1:9: alerts: a mapping stands here; allowed: a list, [one, two]\n" },
    { "an alert on nothing known",
      "alerts:\n"
      "  - { name: x, when: opne }\n",
      "2:22: alerts.0.when: \"opne\" is not one of its words, did you mean open?; allowed: open|failure_rate|open_count|near_threshold|flapping|transition|mode|slow_recovery|rejected|anomaly|budget|events_lost|agent_down\n" },
    { "an alert without a name",
      "alerts:\n"
      "  - { when: open }\n",
      "2:5: alerts.0.name: an alert must have a name\n" },
    { "an alert without when",
      "alerts:\n"
      "  - { name: x }\n",
      "2:5: alerts.0.when: what does it watch? allowed: open|failure_rate|open_count|near_threshold|flapping|transition|mode|slow_recovery|rejected|anomaly|budget|events_lost|agent_down\n" },
    { "above what is not measured",
      "alerts:\n"
      "  - { name: x, when: open, above: 3 }\n",
      "2:35: alerts.0.above: `when: open` measures nothing that could be above it\n" },
    { "above all",
      "alerts:\n"
      "  - { name: x, when: failure_rate, above: 120 }\n",
      "2:43: alerts.0.above: \"120\" is not allowed; allowed: a percentage, 0..100\n" },
    { "to nobody",
      "alerts:\n"
      "  - { name: x, when: open, to: [samebody] }\n"
      "receivers: { somebody: { kind: log } }\n",
      "2:33: alerts.0.to.0: \"samebody\" is no receiver of this file, did you mean somebody?\n" },
    { "two alerts of one name",
      "alerts:\n"
      "  - { name: x, when: open }\n"
      "  - { name: x, when: mode }\n",
      "3:13: alerts.1.name: \"x\" is the name of an alert in line 2 already\n" },
    { "an alert for no circuit",
      "circuits: { a: {} }\n"
      "alerts:\n"
      "  - { name: x, when: open, circuits: [b] }\n",
      "3:39: alerts.0.circuits.0: \"b\" is no circuit of this file, and under no pattern of it\n" },
    { "a receiver of no kind",
      "receivers: { a: {} }\n",
      "1:14: receivers.a.kind: missing; allowed: log|slack|pagerduty|alertmanager|webhook\n" },
    { "a receiver that is nowhere",
      "receivers: { a: { kind: slack } }\n",
      "1:14: receivers.a: where is it? allowed: url or url_file\n" },
    { "a receiver without its key",
      "receivers: { a: { kind: pagerduty } }\n",
      "1:14: receivers.a.token_file: missing: the file whose first line is the routing key\n" },
    { "a URL of another scheme",
      "receivers: { a: { kind: slack, url: \"ftp://x\" } }\n",
      "1:37: receivers.a.url: \"ftp://x\" is not allowed; allowed: a URL that begins with http:// or https://\n" },
    { "a template for the log",
      "receivers: { a: { kind: log, template_file: x } }\n",
      "1:14: receivers.a.template_file: only a webhook has a template\n" },
    { "authorities for the log",
      "receivers: { a: { kind: log, ca_file: x } }\n",
      "1:14: receivers.a.ca_file: the log needs no certificate\n" },
    { "an environment unknown",
      "environment: prodction\n",
      "1:14: environment: \"prodction\" is no environment, did you mean production?; allowed: development|testing|production, or one of environments\n" },
    { "an environment that is another's",
      "environment: stagin\n"
      "environments: { staging: {} }\n",
      "1:14: environment: \"stagin\" is no environment, did you mean staging?; allowed: development|testing|production, or one of environments\n" },
    { "an error in an environment not in force",
      "environments: { testing: { circuts: {} } }\n",
      "1:28: environments.testing.circuts: unknown key, did you mean circuits?; allowed here: agent, alerts, circuits, defaults, limits, metrics, panel, receivers\n" },
    { "002: a threshold of none",
      "circuit_breakers:\n"
      "  default_config: { failure_threshold: 0 }\n",
      "2:40: circuit_breakers.default_config.failure_threshold: \"0\" is not allowed; allowed: a number, 1..1000000\n" },
    { "002: a word for a number",
      "circuit_breakers:\n"
      "  global_settings: { max_circuit_breakers: many }\n",
      "2:44: circuit_breakers.global_settings.max_circuit_breakers: \"many\" is not allowed; allowed: a number, 1..65535\n" },
    { "002: an unknown setting",
      "circuit_breakers:\n"
      "  global_setings: { max_circuit_breakers: 5 }\n",
      "2:3: circuit_breakers.global_setings: unknown key, did you mean global_settings?; allowed here: component_configs, default_config, enabled, global_settings\n" },
    { "000: an unknown key",
      "circuitBreaker: { errorThreshold: 50 }\n",
      "1:19: circuitBreaker.errorThreshold: unknown key; allowed here: enabled, errorThresholdPercentage, resetTimeout, timeout, volumeThreshold\n" },
    { "000: a unit where milliseconds are",
      "circuitBreaker: { resetTimeout: 30s }\n",
      "1:33: circuitBreaker.resetTimeout: \"30s\" is not allowed; allowed: a number, 1..2592000000 milliseconds\n" },
    { "000: a word that is none",
      "queuePolicy: { onSaturated: drop }\n",
      "1:29: queuePolicy.onSaturated: \"drop\" is not allowed; allowed: reject|wait|error\n" },
    { "001: of no circuit",
      "failureThreshold: 3\n",
      "1:1: : which circuit is this of? allowed: name or service_id beside it, or an entry of circuits around it\n" },
    { "001: said twice",
      "circuits:\n"
      "  a:\n"
      "    failureThreshold: 3\n"
      "    breaker: { trip: [ { consecutive: 4 } ] }\n",
      "3:23: circuits.a: when it trips is said already, in line 4\n" },
    { "004: a strategy unknown",
      "circuits: { a: { strategy_type: clever } }\n",
      "1:33: circuits.a.strategy_type: \"clever\" is not allowed; allowed: basic|adaptive\n" },
    { "several at once",
      "circuits:\n"
      "  a: { timeout: 1s, timeout: 2s, retry: { attempts: x }, zzz: 1 }\n"
      "  b: { preset: zzz }\n"
      "yyy: 2\n",
      "2:21: circuits.a.timeout: the key comes twice; the first is in line 2\n"
      "2:53: circuits.a.retry.attempts: \"x\" is not a whole number; allowed: 1..63\n"
      "2:58: circuits.a.zzz: unknown key; allowed here: adaptive, alias, breaker, bulkhead, cache, cache_bypass, depends_on, fallback, features, group, limiter, max, owner, preset, retry, runbook, shed, slo, timeout\n"
      "3:16: circuits.b.preset: \"zzz\" is no preset; allowed: default|read|write|default_db|auth|queue|api|api-retry|alternator|resilience4j|polly|opossum|gobreaker|hystrix\n"
      "4:1: yyy: unknown key; allowed here: agent, alerts, circuit_breakers, circuits, defaults, environment, environments, limits, metrics, panel, receivers\n" },
    { "a key for what is off",
      "defaults: { retry: { max_delay: 5s } }\ncircuits:\n  a: { retry: { delay: 50ms } }\n  b: { owner: x }\n",
      "3:24: circuits.a.retry.delay: \"50ms\" would do nothing; it needs retry.attempts 2 or more\n" },
    { "names that nobody has, beside a number out of range",
      "limits: { circuits_max: 0 }\n"
      "circuits:\n"
      "  a: { depends_on: [zzz, a] }\n"
      "  d: { depends_on: [e] }\n"
      "  e: { depends_on: [d] }\n"
      "alerts:\n"
      "  - { name: x, when: open, to: [nobody] }\n",
      "1:25: limits.circuits_max: 0 is out of range; allowed: 1..65535\n"
      "3:21: circuits.a.depends_on.0: \"zzz\" is no circuit of this file, and under no pattern of it\n"
      "3:26: circuits.a.depends_on.1: a circuit does not depend on itself\n"
      "4:21: circuits.d.depends_on.0: depends_on goes round in a circle of 2: d, e, d\n"
      "7:33: alerts.0.to.0: \"nobody\" is no receiver of this file\n" },
    { "what is wrong with one circuit or receiver is no fault of those who name it",
      "circuits:\n"
      "  a: { depends_on: [b, c, d, zzz] }\n"
      "  b: { breaker: { open: { for: 9 } }, retry: { delay: 50ms } }\n"
      "  c: 3\n"
      "  d: { depends_on: [\"x y\", yyy] }\n"
      "  d: { timeout: 1 }\n"
      "  e: { retry: { delay: 50ms } }\n"
      "alerts:\n"
      "  - { name: x, when: opne, to: [r, s, t], circuits: [b, xxx] }\n"
      "receivers:\n"
      "  r: { kind: lgo }\n"
      "  s: { kind: slack }\n",
      "2:30: circuits.a.depends_on.3: \"zzz\" is no circuit of this file, and under no pattern of it\n"
      "3:32: circuits.b.breaker.open.for: \"9\" is not a duration such as 250ms, 30s or 5m; allowed: 1ms..30d\n"
      "4:6: circuits.c: a single value stands here; allowed: a mapping, key: value\n"
      "5:21: circuits.d.depends_on.0: \"x y\" is not a name of A-Z a-z 0-9 . _ : @ / -; allowed: a list of at most 32, each a name of A-Z a-z 0-9 . _ : @ / -\n"
      "5:28: circuits.d.depends_on.1: \"yyy\" is no circuit of this file, and under no pattern of it\n"
      "6:3: circuits.d: the key comes twice; the first is in line 5\n"
      "7:24: circuits.e.retry.delay: \"50ms\" would do nothing; it needs retry.attempts 2 or more\n"
      "9:22: alerts.0.when: \"opne\" is not one of its words, did you mean open?; allowed: open|failure_rate|open_count|near_threshold|flapping|transition|mode|slow_recovery|rejected|anomaly|budget|events_lost|agent_down\n"
      "9:39: alerts.0.to.2: \"t\" is no receiver of this file\n"
      "9:57: alerts.0.circuits.1: \"xxx\" is no circuit of this file, and under no pattern of it\n"
      "11:14: receivers.r.kind: \"lgo\" is not one of its words, did you mean log?; allowed: log|slack|pagerduty|alertmanager|webhook\n"
      "12:3: receivers.s: where is it? allowed: url or url_file\n" },
    { "names under a section that is misspelt",
      "circuit: { b: {} }\n"
      "circuits: { a: { depends_on: [b, a] } }\n"
      "alerts: [ { name: x, when: open, to: [r] } ]\n"
      "recievers: { r: { kind: log } }\n",
      "1:1: circuit: unknown key, did you mean circuits?; allowed here: agent, alerts, circuit_breakers, circuits, defaults, environment, environments, limits, metrics, panel, receivers\n"
      "2:34: circuits.a.depends_on.1: a circuit does not depend on itself\n"
      "4:1: recievers: unknown key, did you mean receivers?; allowed here: agent, alerts, circuit_breakers, circuits, defaults, environment, environments, limits, metrics, panel, receivers\n" },
    { "a word that is no section hides no names",
      "zzz: 2\n"
      "circuits: { a: { depends_on: [b] } }\n",
      "1:1: zzz: unknown key; allowed here: agent, alerts, circuit_breakers, circuits, defaults, environment, environments, limits, metrics, panel, receivers\n"
      "2:31: circuits.a.depends_on.0: \"b\" is no circuit of this file, and under no pattern of it\n" },
    { "circuits and receivers that are no mapping",
      "circuits: [a, b]\n"
      "alerts: [ { name: x, when: open, to: [r] }, { name: y, when: failure_rate, above: 120, fro: 1 } ]\n"
      "receivers: [r]\n",
      "1:11: circuits: a list stands here; allowed: a mapping, key: value\n"
      "2:83: alerts.1.above: \"120\" is not allowed; allowed: a percentage, 0..100\n"
      "2:88: alerts.1.fro: unknown key, did you mean for?; allowed here: above, circuits, for, name, runbook, severity, to, when\n"
      "3:12: receivers: a list stands here; allowed: a mapping, key: value\n" },
    { "a circuit under a name that is none",
      "circuits:\n"
      "  a: { depends_on: [b, a] }\n"
      "  \"b!\": {}\n"
      "receivers: { s: { kind: log } }\n"
      "alerts: [ { name: x, when: open, to: [r] } ]\n",
      "2:24: circuits.a.depends_on.1: a circuit does not depend on itself\n"
      "3:3: circuits.b!: \"b!\" is no circuit's name; allowed: 1 to 127 of A-Z a-z 0-9 . _ : @ / -, and * and ? for a pattern\n"
      "5:39: alerts.0.to.0: \"r\" is no receiver of this file\n" },
    { "defaults that are wrong, and what would not fit together without them",
      "defaults: { retry: { attempts: three } }\n"
      "circuits:\n"
      "  a: { retry: { delay: 50ms }, depends_on: [b] }\n",
      "1:32: defaults.retry.attempts: \"three\" is not a whole number; allowed: 1..63\n"
      "3:45: circuits.a.depends_on.0: \"b\" is no circuit of this file, and under no pattern of it\n" },
    { "limits that an environment gets wrong",
      "environment: staging\n"
      "limits: { circuits_max: 1 }\n"
      "circuits: { a: {}, b: { depends_on: [c] } }\n"
      "environments:\n"
      "  staging: { limits: { circuits_max: many } }\n"
      "  other: { circuits: { \"x y\": {} } }\n",
      "3:38: circuits.b.depends_on.0: \"c\" is no circuit of this file, and under no pattern of it\n"
      "5:38: environments.staging.limits.circuits_max: \"many\" is not a whole number; allowed: 1..65535\n"
      "6:24: environments.other.circuits.x y: \"x y\" is no circuit's name; allowed: 1 to 127 of A-Z a-z 0-9 . _ : @ / -, and * and ? for a pattern\n" },
    { "001: a name that is none",
      "failureThreshold: 3\n"
      "name: \"a b\"\n"
      "circuits: { b: { depends_on: [a-b, b] } }\n",
      "2:7: name: \"a b\" is not allowed; allowed: a name of A-Z a-z 0-9 . _ : @ / -\n"
      "3:36: circuits.b.depends_on.1: a circuit does not depend on itself\n" },
    { "002: a pattern that is not known to be there",
      "circuit_breakers:\n"
      "  global_settings: { auto_create_enabled: maybe, max_circuit_breakers: 1 }\n"
      "  component_configs: { a: { depends_on: [ b, a ] }, c: {} }\n",
      "2:43: circuit_breakers.global_settings.auto_create_enabled: \"maybe\" is not allowed; allowed: true|false\n"
      "3:46: circuits.a.depends_on.1: a circuit does not depend on itself\n"
      "3:53: circuits: 2 circuits are declared; allowed: 1, by limits.circuits_max\n" },
    { "000: names too long for three of them",
      "circuits:\n"
      "  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: { breakerMode: perOperation }\n",
      "2:3: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: the name is too long for -read behind it\n"
      "2:3: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: the name is too long for -write behind it\n"
      "2:3: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: the name is too long for -batch behind it\n" },
    { "words of lists, each in its own line",
      "circuits:\n"
      "  a:\n"
      "    depends_on:\n"
      "      - b\n"
      "      - zzz\n"
      "      - a\n"
      "  b: { depends_on: [c-1, a] }\n"
      "alerts:\n"
      "  - name: x\n"
      "    when: open\n"
      "  - when: open\n"
      "    name: x\n"
      "    circuits: [\"a*\", b,\n"
      "               yyy]\n"
      "    to: [ops, nobody]\n"
      "receivers: { ops: { kind: log } }\n",
      "4:9: circuits.a.depends_on.0: depends_on goes round in a circle of 2: a, b, a\n"
      "5:9: circuits.a.depends_on.1: \"zzz\" is no circuit of this file, and under no pattern of it\n"
      "6:9: circuits.a.depends_on.2: a circuit does not depend on itself\n"
      "7:21: circuits.b.depends_on.0: \"c-1\" is no circuit of this file, and under no pattern of it\n"
      "12:11: alerts.1.name: \"x\" is the name of an alert in line 9 already\n"
      "14:16: alerts.1.circuits.2: \"yyy\" is no circuit of this file, and under no pattern of it\n"
      "15:15: alerts.1.to.1: \"nobody\" is no receiver of this file\n" },
    { "environments under a word that is misspelt",
      "environment: staging\n"
      "circuits: { a: { depends_on: [extra, a] } }\n"
      "enviroments: { staging: { circuits: { extra: {} } } }\n",
      "2:38: circuits.a.depends_on.1: a circuit does not depend on itself\n"
      "3:1: enviroments: unknown key, did you mean environments?; allowed here: agent, alerts, circuit_breakers, circuits, defaults, environment, environments, limits, metrics, panel, receivers\n" },
    { "an environment under a word that is misspelt",
      "enviroment: staging\n"
      "circuits: { a: { depends_on: [extra] } }\n"
      "environments: { staging: { circuits: { extra: {} } } }\n",
      "1:1: enviroment: unknown key, did you mean environment?; allowed here: agent, alerts, circuit_breakers, circuits, defaults, environment, environments, limits, metrics, panel, receivers\n" },
    { "an environment that is none, beside circuits under a word that is misspelt",
      "environment: stagin\n"
      "circuit: { a: {} }\n"
      "limit: { circuits_max: 3 }\n"
      "environments: { staging: { receiver: { a: { kind: fax } } } }\n",
      "1:14: environment: \"stagin\" is no environment, did you mean staging?; allowed: development|testing|production, or one of environments\n"
      "2:1: circuit: unknown key, did you mean circuits?; allowed here: agent, alerts, circuit_breakers, circuits, defaults, environment, environments, limits, metrics, panel, receivers\n"
      "3:1: limit: unknown key, did you mean limits?; allowed here: agent, alerts, circuit_breakers, circuits, defaults, environment, environments, limits, metrics, panel, receivers\n"
      "4:28: environments.staging.receiver: unknown key, did you mean receivers?; allowed here: agent, alerts, circuits, defaults, limits, metrics, panel, receivers\n" },
};
/* clang-format on */

#endif
