/* The table of commands: facts, written once. */
#include "cli/commands.h"

#include <string.h>

#include "base/text.h"

#define ACT  (SWGI_TAKES_ACT)
#define MANY ((size_t)-1)

static const struct swgi_command commands[] = {
    { "status", "[NAME...]", "how the circuits are",
      "Shows every circuit, the troubled ones first, or more of the named ones. NAME may be a glob "
      "like 'db-*'. Works "
      "without any program running, and needs only to read the panel."
      "\v"
      "Examples:\n"
      "  switchgear status                    every circuit, one a line\n"
      "  switchgear status payments           all about one\n"
      "  switchgear status --json | jq '.circuits[] | select(.tripped)'\n"
      "  switchgear status --panel-info       what the panel holds, and what is left\n"
      "\n"
      "FAILING is the share of failed calls in the longest window, '-' where there is none. "
      "REJECTED "
      "counts the calls that were not made. IN USE, where a circuit has a bulkhead, is permits "
      "held of those there are, and how many calls wait (18/20 +4). The last column says what "
      "happens next.",
      SWGI_TAKES_STATUS, 0, MANY, swgi_status_run },
    { "top", "", "the circuits, live",
      "Shows every circuit, the troubled ones first, and goes on: rates, latencies, what happens "
      "next. Trips, resets and more at a key, with a reason and a confirmation; '?' explains the "
      "keys. Without a terminal, and with --once, it prints one plain table."
      "\v"
      "Examples:\n"
      "  switchgear top\n"
      "  switchgear top --interval 250ms\n"
      "  switchgear top --once --json | jq '.circuits[] | {name, calls_per_s}'",
      SWGI_TAKES_TOP, 0, 0, swgi_top_run },
    { "why", "NAME...", "why a circuit is as it is",
      "Shows what each rule measures now and where it trips, what tripped last and on what "
      "evidence, rejections, who "
      "holds permits and probes and for how long, the last transitions and errors, who set a mode, "
      "and where the configuration "
      "came from. With "
      "--verbose also every setting."
      "\v"
      "Examples:\n"
      "  switchgear why payments\n"
      "  switchgear why payments --verbose    and how it is configured\n"
      "  switchgear why 'db-*' --json",
      0, 1, MANY, swgi_why_run },
    { "is-tripped", "NAME", "for scripts: 0 tripped, 1 not, 69 unknown",
      "Tells by its exit status alone whether calls of the circuit are being turned away: 0 if it "
      "is OPEN or isolated, 1 if "
      "it admits calls, probing included, 69 if there is no such circuit or panel. With --verbose "
      "it says so, too."
      "\v"
      "Examples:\n"
      "  switchgear is-tripped payments && echo 'leave payments alone'\n"
      "  if switchgear is-tripped search; then use_the_cache; fi",
      0, 1, 1, swgi_is_tripped_run },
    { "events", "[NAME...]", "what happened, and by whom",
      "Shows the events the panel still keeps, oldest first: transitions with their evidence, acts "
      "by hand with user and "
      "reason, samples of errors, rejections. With NAME (or a glob) those of some circuits only."
      "\v"
      "Examples:\n"
      "  switchgear events payments\n"
      "  switchgear events --lines 20 --follow    the last 20, then whatever happens\n"
      "  switchgear events --follow --json | jq -c 'select(.kind == \"transition\")'",
      SWGI_TAKES_EVENTS, 0, MANY, swgi_events_run },
    { "audit", "[NAME...]", "who did what and when, from the agent's database",
      "Shows what the agent has written down, oldest first: trips and recoveries with their "
      "evidence, acts by hand with user, means and reason, changes of mode and configuration, "
      "alerts, and gaps where something could not be written. With NAME (or a glob) that of some "
      "circuits only. Needs to read the database, neither the agent nor the panel."
      "\v"
      "Examples:\n"
      "  switchgear audit payments --since 2h\n"
      "  switchgear audit --action TRIP --since 2026-01-31 --limit 1000\n"
      "  switchgear audit 'db-*' --follow --json | jq -c '{user, action}'",
      SWGI_TAKES_AUDIT, 0, MANY, swgi_audit_run },
    { "trip", "NAME...", "open: no calls until a reset, a probe, or --for ends",
      "Opens the circuit by hand. It holds until somebody resets or probes it; with --for it "
      "begins to probe by itself after "
      "that time. Use isolate to keep a circuit closed off whatever resets come."
      "\v"
      "Examples:\n"
      "  switchgear trip payments --reason 'INC-4711: double charges'\n"
      "  switchgear trip 'db-*' --reason 'failover drill' --for 5m --yes\n"
      "  switchgear trip --all --reason 'drill' --dry-run",
      ACT | SWGI_TAKES_BOUND, 0, MANY, swgi_act_run },
    { "reset", "NAME...", "close: calls go through again",
      "Closes the circuit by hand and forgets what its windows held. Refused within the cooldown "
      "after the last trip (exit "
      "status 75), unless with --force, and while the circuit is isolated or disabled: it says by "
      "whom then."
      "\v"
      "Examples:\n"
      "  switchgear reset payments --reason 'provider confirmed the fix'\n"
      "  switchgear reset payments --reason 'as above' --force",
      ACT | SWGI_TAKES_FORCE | SWGI_TAKES_NO_BOUND, 0, MANY, swgi_act_run },
    { "probe", "NAME...", "let a few calls through to see",
      "Makes an OPEN circuit HALF_OPEN now: the next calls are probes, and their outcomes decide. "
      "Gentler than a reset."
      "\v"
      "Examples:\n"
      "  switchgear probe payments --reason 'provider says it is back'",
      ACT | SWGI_TAKES_FORCE | SWGI_TAKES_NO_BOUND, 0, MANY, swgi_act_run },
    { "isolate", "NAME...", "mode forced_open: admit nothing",
      "Turns every call away until 'switchgear normal', or for --for. No reset and no recovery "
      "opens it before."
      "\v"
      "Examples:\n"
      "  switchgear isolate search --reason 'migration' --for 30m\n"
      "  switchgear normal search --reason 'migration done'",
      ACT | SWGI_TAKES_BOUND, 0, MANY, swgi_act_run },
    { "disable", "NAME...", "mode forced_closed: admit and count, never trip",
      "Lets every call through, whatever the outcomes, until 'switchgear normal', or for --for. "
      "Calls are still counted. Try "
      "shadow first if you only want to know what the breaker would do."
      "\v"
      "Examples:\n"
      "  switchgear disable search --reason 'threshold too tight, INC-4712' --for 2h",
      ACT | SWGI_TAKES_BOUND, 0, MANY, swgi_act_run },
    { "shadow", "NAME...", "mode shadow: admit, and tell what it would have done",
      "Admits every call and runs the breaker beside it: status shows the state it would be in and "
      "how many calls it would "
      "have rejected. For trying a new circuit or new settings on live traffic."
      "\v"
      "Examples:\n"
      "  switchgear shadow payments --reason 'trial of the new thresholds' --for 1d",
      ACT | SWGI_TAKES_BOUND, 0, MANY, swgi_act_run },
    { "normal", "NAME...", "mode normal: end isolate, disable or shadow",
      "Hands the circuit back to its rules. What was isolated or disabled comes back CLOSED, or, "
      "if it was open before, OPEN and due for probes."
      "\v"
      "Examples:\n"
      "  switchgear normal search --reason 'migration done'",
      ACT | SWGI_TAKES_NO_BOUND, 0, MANY, swgi_act_run },
    { "exec", "NAME -- COMMAND [ARGUMENT...]", "run a command under a circuit",
      "Asks the circuit, runs the command if it may, and records what it came to: exit status 0 is "
      "a success, a timeout a "
      "timeout, any other a failure. The circuit and the panel are made if need be. It waits for "
      "its turn, and is tried again, as the circuit's settings say."
      "\v"
      "Examples:\n"
      "  switchgear exec backup --timeout 10m -- rsync -a /srv/ vault:/srv/\n"
      "  switchgear exec api --preset read --ignore-status 22 -- curl -sf $URL\n"
      "  switchgear exec mail --set breaker.open.for=5m -- sendmail -q\n"
      "  switchgear exec vault --set bulkhead.max_concurrent=2 --set bulkhead.when_busy=wait -- "
      "./copy\n"
      "  switchgear exec sync --set retry.attempts=3 --set timeout.attempt=30s -- ./sync\n"
      "\n"
      "Exit status: that of the last attempt; 128 + N if signal N killed it; 124 after a timeout; "
      "126 and "
      "127 if it could not be run or "
      "found; 75 if the circuit did not admit it: stderr says until when; 78 if the circuit exists "
      "with other settings than "
      "asked for (--reconfigure changes them); 0 if fallback.static stood in, and was printed.\n"
      "\n"
      "A timeout sends SIGTERM to the command and all it started, and SIGKILL to what is left "
      "after --kill-after. Signals sent to "
      "switchgear go on to the command; a command ended that way counts as nothing. 'switchgear "
      "help settings' lists the keys of "
      "--set.",
      SWGI_TAKES_CALL | SWGI_TAKES_EXEC | SWGI_TAKES_REST, 2, MANY, swgi_exec_run },
    { "call", "NAME URL", "HTTP GET under a circuit",
      "Asks the circuit, fetches the URL if it may, prints the body, and records what it came to: "
      "5xx, refused and broken "
      "connections are failures; no answer in time, 429, and 503 with Retry-After are timeouts; "
      "other 4xx count as nothing. It waits for its turn, and tries again, as the circuit's "
      "settings say."
      "\v"
      "Examples:\n"
      "  switchgear call payments https://payments.example/health\n"
      "  switchgear call payments https://payments.example/health --timeout 2s --json\n"
      "  switchgear call quotes --set retry.attempts=3 --set fallback=static \\\n"
      "      --set fallback.static='no quotes now' https://quotes.example/\n"
      "\n"
      "Exit status: 0 answered, by fallback.static, too; 1 answered 4xx; 69 called and failed, or "
      "built without the HTTP "
      "adapter; 75 if the circuit did not "
      "admit it; 78 as for exec.",
      SWGI_TAKES_CALL | SWGI_TAKES_NET, 2, 2, swgi_fetch_run },
    { "check-config", "[FILE|KEY]", "is a configuration file good, and what comes of it",
      "Reads a configuration file as swg_panel_load() and the agent do, and tells everything that "
      "is "
      "wrong with it, each with file, line and column; what is allowed but seldom meant it warns "
      "of. "
      "The files that it names (tokens_file, url_file, token_file, template_file, ca_file) are not "
      "looked at, for they may be elsewhere: `switchgear agent --check` does that. "
      "Nothing is changed. Without FILE it is the one that all commands read: --config, "
      "SWITCHGEAR_CONFIG, or /etc/switchgear/switchgear.yaml."
      "\v"
      "Examples:\n"
      "  switchgear check-config ./switchgear.yaml && systemctl reload switchgear\n"
      "  switchgear check-config --print --environment testing\n"
      "  switchgear check-config --explain breaker.open\n"
      "  switchgear check-config --schema > switchgear.schema.json\n"
      "\n"
      "Exit status: 0 if it is good, with warnings, too; 78 if not.",
      SWGI_TAKES_CHECK | SWGI_TAKES_FILE, 0, 1, swgi_check_config_run },
    { "agent", "[ROLE]", "watch the panel: HTTP interface, metrics, audit, alerts",
      "Runs in the foreground until SIGTERM. It configures the panel as the file says and again "
      "whenever the file changes or on SIGHUP, keeps an audit and history in SQLite, tells alerts, "
      "and serves health, metrics, events and acts by hand over HTTP: on TCP to those who have a "
      "token, on a Unix socket to its group. Calls never wait for it: stop it, and they go on."
      "\v"
      "Examples:\n"
      "  switchgear agent -c /etc/switchgear/switchgear.yaml\n"
      "  switchgear agent --listen 127.0.0.1:9190 --tokens tokens --database audit.db\n"
      "  switchgear agent --check && systemctl reload switchgear\n"
      "  switchgear agent --make-token alice operator 2>> tokens\n"
      "  curl --unix-socket /run/switchgear/agent.sock http://localhost/health\n"
      "\n"
      "Exit status: 0 stopped as it was told to; 75 another agent has the panel; 78 the file or "
      "the "
      "tokens were refused; 69 built without the agent.",
      SWGI_TAKES_AGENT | SWGI_TAKES_FILE | SWGI_TAKES_NET, 0, 1, swgi_agent_command_run },
    { "console", "", "all commands at a prompt, with history and completion",
      "Reads commands, at a terminal with editing, history and completion, else one a line, and "
      "runs each as the shell would have, with the options it has there. It also knows these, "
      "where texts stand in quotes:\n"
      "  breaker.statusAll()\n"
      "  breaker.status('x')\n"
      "  breaker.isTripped('x')\n"
      "  breaker.trip('x', 'why')\n"
      "  breaker.reset('x', 'why', true)\n"
      "  breaker.callApi('x', 'URL', 'operation', load)\n"
      "A reset needs no reason there; true forces it. callApi fetches a URL, or runs '!command'. "
      "'help' lists it all."
      "\v"
      "Examples:\n"
      "  switchgear console\n"
      "  echo \"breaker.reset('payments', 'cleared')\" | switchgear console\n"
      "\n"
      "Exit status: from a pipe, that of the last line that failed, 0 if none did; of exit N, N.",
      0, 0, 0, swgi_console_run },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

const struct swgi_command *swgi_commands(size_t *count) {
    *count = COMMANDS;
    return commands;
}

const struct swgi_command *swgi_command_find(const char *name) {
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

const struct swgi_command *swgi_command_like(const char *name) {
    struct swgi_nearest nearest = SWGI_NEAREST(name);

    for (size_t i = 0; i < COMMANDS; i++)
        swgi_nearest_offer(&nearest, commands[i].name);
    return nearest.name ? swgi_command_find(nearest.name) : NULL;
}
