/*
 * The command line by way of argp: one list of options for the program, and for each command its own plus those. argp knows no -h
 * and exits by itself on bad usage, with 64 as sysexits.h has it; help is ours to print so that it teaches by examples.
 */
#include "cli/options.h"

#include <argp.h>
#include <argz.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/message.h"
#include "cli/panel.h"

enum {
    KEY_PANEL = 0x100,
    KEY_JSON,
    KEY_NO_COLOR,
    KEY_DRY_RUN,
    KEY_USAGE,
    KEY_PANEL_INFO,
    KEY_NAMES,
    KEY_USER,
    KEY_FOR,
    KEY_FORCE,
    KEY_ALL,
    KEY_PRESET,
    KEY_SET,
    KEY_RECONFIGURE,
    KEY_TIMEOUT,
    KEY_LOAD,
    KEY_OPERATION,
    KEY_PRIORITY,
    KEY_IGNORE,
    KEY_ENVIRONMENT,
    KEY_LISTEN,
    KEY_SOCKET,
    KEY_DATABASE,
    KEY_TOKENS,
    KEY_CHECK,
    KEY_MAKE_TOKEN,
    KEY_INTERVAL,
    KEY_ONCE,
    KEY_SINCE,
    KEY_LIMIT,
    KEY_ACTION,
    KEY_PRINT,
    KEY_EXPLAIN,
    KEY_SCHEMA,
    KEY_MANUAL,
};

static const struct argp_option common_options[] = {
    { .doc = "Everywhere:", .group = 10 },
    { "config", 'c', "FILE", 0, "The configuration file (environment: SWITCHGEAR_CONFIG)", 10 },
    { "panel", KEY_PANEL, "PATH", 0, "The panel: PATH.v1.panel (environment: SWITCHGEAR_PANEL)",
      10 },
    { "json", KEY_JSON, NULL, 0, "Print JSON, for programs", 10 },
    { "quiet", 'q', NULL, 0, "Say only what went wrong", 10 },
    { "verbose", 'v', NULL, 0, "Say more", 10 },
    { "no-color", KEY_NO_COLOR, NULL, 0, "No colours (so do NO_COLOR and TERM=dumb)", 10 },
    { "yes", 'y', NULL, 0, "Do not ask", 10 },
    { "dry-run", KEY_DRY_RUN, NULL, 0, "Say what would be done, and do nothing", 10 },
    { "help", 'h', NULL, 0, "Help, also: switchgear help COMMAND", 11 },
    { "usage", KEY_USAGE, NULL, OPTION_HIDDEN, "A short reminder", 11 },
    { "version", 'V', NULL, 0, "The version", 11 },
};
static const struct argp_option status_options[] = {
    { "panel-info", KEY_PANEL_INFO, NULL, 0, "The panel itself: what it holds, costs, and has left",
      0 },
    { "names", KEY_NAMES, NULL, 0, "Names only, one a line", 0 },
};
static const struct argp_option events_options[] = {
    { "follow", 'f', NULL, 0, "Go on with whatever happens, until interrupted", 0 },
    { "lines", 'n', "N", 0, "Only the last N", 0 },
};
static const char actions_help[] = "Only rows of one of"
#define SWGI_AUDIT_ACTION(name, what) " " #name
#include "tables/actions.h"
#undef SWGI_AUDIT_ACTION
    ;
static const struct argp_option audit_options[] = {
    { "since", KEY_SINCE, "WHEN", 0,
      "From then on: how long ago (2h, 7d), a date, '2026-01-31' or '2026-01-31 08:00', UTC with a "
      "Z, or milliseconds since 1970",
      0 },
    { "limit", KEY_LIMIT, "N", 0, "The last N of them (default 100, at most 100000)", 0 },
    { "action", KEY_ACTION, "ACTION", 0, actions_help, 0 },
    { "follow", 'f', NULL, 0, "Go on with whatever comes, until interrupted", 0 },
    { "database", KEY_DATABASE, "PATH", 0,
      "The agent's database (default: the configuration's agent.database)", 0 },
};
static const struct argp_option top_options[] = {
    { "interval", KEY_INTERVAL, "DURATION", 0, "Look this often: 100ms to 1h (default 1s)", 0 },
    { "once", KEY_ONCE, NULL, 0, "Look twice, an interval apart, and print one plain table", 0 },
};
static const struct argp_option act_options[] = {
    { "reason", 'r', "TEXT", 0, "Why; kept with the act, at most 127 bytes", 0 },
    { "user", KEY_USER, "NAME", 0, "On whose account (default: your login name)", 0 },
    { "all", KEY_ALL, NULL, 0, "Every circuit; like globs, it needs --yes and goes one a second",
      0 },
};
static const struct argp_option bound_options[] = {
    { "for", KEY_FOR, "DURATION", 0, "End it by itself after this time: 90s, 15m, 2h", 0 },
};
/* Refused, but known: else an abbreviation of --force would be found in it, and `reset --for 5m` would force. */
static const struct argp_option no_bound_options[] = {
    { "for", KEY_FOR, "DURATION", OPTION_HIDDEN, NULL, 0 },
};
static const struct argp_option force_options[] = {
    { "force", KEY_FORCE, NULL, 0, "Even within the cooldown", 0 },
};
static const struct argp_option call_options[] = {
    { "preset", KEY_PRESET, "NAME", 0,
      "Settings to start from, if the circuit is made: default, read, write, api, ...", 0 },
    { "set", KEY_SET, "KEY=VALUE", 0, "One setting, may be repeated ('switchgear help settings')",
      0 },
    { "reconfigure", KEY_RECONFIGURE, NULL, 0, "Change a circuit that exists with other settings",
      0 },
    { "timeout", KEY_TIMEOUT, "DURATION", 0, "Give an attempt up after this time", 0 },
    { "priority", KEY_PRIORITY, "N", 0,
      "Who goes first where calls wait: -32 urgent ... 31 least (default 0)", 0 },
    { "load", KEY_LOAD, "N", 0, "What this costs, for load shedding", 0 },
    { "operation", KEY_OPERATION, "N", 0, "Your own number for what this does", 0 },
};
static const struct argp_option exec_options[] = {
    { "kill-after", 'k', "DURATION", 0, "From SIGTERM to SIGKILL (default 10s)", 0 },
    { "ignore-status", KEY_IGNORE, "N,...", 0,
      "Exit statuses that say nothing about the circuit: 1,3,10-19", 0 },
};

static const struct argp_option agent_options[] = {
    { "environment", KEY_ENVIRONMENT, "NAME", 0, "Which of the file's environments is in force",
      0 },
    { "listen", KEY_LISTEN, "ADDRESS", 0, "127.0.0.1:9190, [::1]:9190, a port of 0 for any, or off",
      0 },
    { "socket", KEY_SOCKET, "PATH", 0,
      "The Unix socket, or off (default: agent.sock beside the panel)", 0 },
    { "database", KEY_DATABASE, "PATH", 0, "The SQLite database, or off", 0 },
    { "tokens", KEY_TOKENS, "FILE", 0, "Lines of name:role:sha256", 0 },
    { "check", KEY_CHECK, NULL, 0, "Say whether file and tokens are good, and do nothing", 0 },
    { "make-token", KEY_MAKE_TOKEN, "NAME", 0,
      "Print a new token, and on stderr the line for the tokens file; the argument is its role",
      0 },
};
static const struct argp_option check_options[] = {
    { "print", KEY_PRINT, NULL, 0,
      "What each circuit becomes, and where each value came from; with --verbose defaults, too",
      0 },
    { "environment", KEY_ENVIRONMENT, "NAME", 0, "In this environment, whatever the file says", 0 },
    { "explain", KEY_EXPLAIN, NULL, 0, "What may stand in a file: all of it, or the KEY given", 0 },
    { "schema", KEY_SCHEMA, NULL, 0, "The JSON Schema of a file, for editors", 0 },
    { "manual", KEY_MANUAL, NULL, OPTION_HIDDEN, "The tables of switchgear.yaml(5)", 0 },
};

struct group {
    unsigned takes;
    const struct argp_option *options;
    size_t count;
};
#define GROUP(takes, list) \
    { takes, list, sizeof(list) / sizeof((list)[0]) }

static const struct group groups[] = {
    GROUP(SWGI_TAKES_STATUS, status_options),
    GROUP(SWGI_TAKES_EVENTS, events_options),
    GROUP(SWGI_TAKES_AUDIT, audit_options),
    GROUP(SWGI_TAKES_TOP, top_options),
    GROUP(SWGI_TAKES_ACT, act_options),
    GROUP(SWGI_TAKES_BOUND, bound_options),
    GROUP(SWGI_TAKES_FORCE, force_options),
    GROUP(SWGI_TAKES_NO_BOUND, no_bound_options),
    GROUP(SWGI_TAKES_CALL, call_options),
    GROUP(SWGI_TAKES_EXEC, exec_options),
    GROUP(SWGI_TAKES_AGENT, agent_options),
    GROUP(SWGI_TAKES_CHECK, check_options),
    GROUP(0, common_options),
};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

/* What one parse needs beside the options themselves. */
struct parse {
    struct swgi_options *options;
    bool done;
    int command_at; /* the program's own parse stops here */
};

void swgi_options_collect(unsigned takes, struct argp_option *out) {
    size_t used = 0;

    for (size_t i = 0; i < GROUPS; i++) {
        if (groups[i].takes && !(groups[i].takes & takes))
            continue;
        memcpy(out + used, groups[i].options, groups[i].count * sizeof(out[0]));
        used += groups[i].count;
    }
    out[used] = (struct argp_option){ 0 };
}

static swg_ns parse_duration(struct argp_state *state, const char *option, const char *text) {
    uint64_t ns = 0;

    if (swgi_duration_parse(text, &ns) < 0 || ns == 0)
        argp_error(state, "--%s '%s': not a duration; write 250ms, 30s, 5m, 2h or 1d", option,
                   text);
    return (swg_ns)ns;
}

#define INTERVAL_LEAST INT64_C(100000000)
#define INTERVAL_MOST  INT64_C(3600000000000)

static swg_ns parse_interval(struct argp_state *state, const char *text) {
    swg_ns interval = parse_duration(state, "interval", text);

    if (interval < INTERVAL_LEAST || interval > INTERVAL_MOST)
        argp_error(state, "--interval '%s': not from 100ms to 1h", text);
    return interval;
}

static uint64_t parse_number(struct argp_state *state, const char *option, const char *text,
                             uint64_t most) {
    uint64_t number = 0;

    if (swgi_integer_parse(text, &number) < 0 || number > most)
        argp_error(state, "--%s '%s': not a whole number from 0 to %llu", option, text,
                   (unsigned long long)most);
    return number;
}

static int32_t parse_priority(struct argp_state *state, const char *text) {
    bool negative = *text == '-';
    uint64_t number = 0;

    if (swgi_integer_parse(text + negative, &number) < 0 || number > 31u + negative)
        argp_error(state, "--priority '%s': not a whole number from -32 to 31", text);
    return negative ? -(int32_t)number : (int32_t)number;
}

static void add_set(struct argp_state *state, struct swgi_options *options, char *text) {
    char *equals = strchr(text, '=');

    if (!equals || equals == text) {
        argp_error(state, "--set '%s': write KEY=VALUE, for example breaker.open.for=30s", text);
    } else if (options->sets_count == SWGI_SETS_MAX) {
        argp_error(state, "more than %d times --set", SWGI_SETS_MAX);
    } else {
        *equals = '\0';
        options->sets[options->sets_count++] = (struct swgi_set){ text, equals + 1 };
    }
}

/* "1,3,10-19" */
static void parse_statuses(struct argp_state *state, struct swgi_options *options, char *text) {
    char *rest = NULL;

    for (char *item = strtok_r(text, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
        char *dash = strchr(item, '-');
        uint64_t first, last;

        if (dash)
            *dash = '\0';
        first = parse_number(state, "ignore-status", item, 255);
        last = dash ? parse_number(state, "ignore-status", dash + 1, 255) : first;
        if (last < first)
            argp_error(state, "--ignore-status '%s-%s': write the smaller one first", item,
                       dash + 1);
        for (uint64_t status = first; status <= last; status++)
            options->ignored_statuses[status / 64] |= UINT64_C(1) << (status % 64);
    }
}

static error_t parse_agent_option(int key, const char *value, struct swgi_options *options) {
    switch (key) {
    case KEY_ENVIRONMENT:
        options->environment = value;
        return 0;
    case KEY_LISTEN:
        options->listen = value;
        return 0;
    case KEY_SOCKET:
        options->socket = value;
        return 0;
    case KEY_DATABASE:
        options->database = value;
        return 0;
    case KEY_TOKENS:
        options->tokens = value;
        return 0;
    case KEY_CHECK:
        options->check = true;
        return 0;
    case KEY_MAKE_TOKEN:
        options->make_token = value;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_check_option(int key, char *value, struct swgi_options *options) {
    switch (key) {
    case KEY_PRINT:
        options->print = true;
        return 0;
    case KEY_EXPLAIN:
        options->explain = true;
        return 0;
    case KEY_SCHEMA:
        options->schema = true;
        return 0;
    case KEY_MANUAL:
        options->manual = true;
        return 0;
    default:
        return parse_agent_option(key, value, options);
    }
}

static error_t parse_call_option(int key, char *value, struct argp_state *state,
                                 struct swgi_options *options) {
    switch (key) {
    case KEY_PRESET:
        options->preset = value;
        return 0;
    case KEY_SET:
        add_set(state, options, value);
        return 0;
    case KEY_RECONFIGURE:
        options->reconfigure = true;
        return 0;
    case KEY_TIMEOUT:
        options->timeout_ns = parse_duration(state, "timeout", value);
        return 0;
    case 'k':
        options->kill_after_ns = parse_duration(state, "kill-after", value);
        return 0;
    case KEY_LOAD:
        options->load = (uint32_t)parse_number(state, "load", value, UINT32_MAX);
        return 0;
    case KEY_OPERATION:
        options->operation = (uint32_t)parse_number(state, "operation", value, UINT32_MAX);
        return 0;
    case KEY_PRIORITY:
        options->priority = parse_priority(state, value);
        return 0;
    case KEY_IGNORE:
        parse_statuses(state, options, value);
        return 0;
    default:
        return parse_check_option(key, value, options);
    }
}

static error_t parse_audit_option(int key, char *value, struct argp_state *state,
                                  struct swgi_options *options) {
    switch (key) {
    case KEY_SINCE:
        options->since = value;
        return 0;
    case KEY_LIMIT:
        options->lines = (long)parse_number(state, "limit", value, 100000);
        return 0;
    case KEY_ACTION:
        options->action = value;
        return 0;
    default:
        return parse_call_option(key, value, state, options);
    }
}

static error_t parse_own_option(int key, char *value, struct argp_state *state,
                                struct swgi_options *options) {
    switch (key) {
    case KEY_INTERVAL:
        options->interval_ns = parse_interval(state, value);
        return 0;
    case KEY_ONCE:
        options->once = true;
        return 0;
    case KEY_PANEL_INFO:
        options->panel_info = true;
        return 0;
    case KEY_NAMES:
        options->names_only = true;
        return 0;
    case 'f':
        options->follow = true;
        return 0;
    case 'n':
        options->lines = (long)parse_number(state, "lines", value, INT32_MAX);
        return 0;
    case 'r':
        options->reason = value;
        return 0;
    case KEY_USER:
        options->user = value;
        return 0;
    case KEY_FOR:
        if (options->command->takes & SWGI_TAKES_NO_BOUND)
            argp_error(state, "--for bounds a trip or a mode; %s has no end to set",
                       options->command->name);
        options->for_ns = parse_duration(state, "for", value);
        return 0;
    case KEY_FORCE:
        options->force = true;
        return 0;
    case KEY_ALL:
        options->all = true;
        return 0;
    default:
        return parse_audit_option(key, value, state, options);
    }
}

/* A shell completes the whole name of the file: that is understood, or exec would make a panel of a panel's name. */
bool swgi_options_take_panel(struct swgi_options *options, const char *path) {
    size_t length = strlen(path), suffix = strlen(SWGI_PANEL_SUFFIX);

    if (length == 0 || length >= sizeof(options->panel) - 64)
        return false;
    strcpy(options->panel, path);
    if (length > suffix && path[length - suffix - 1] != '/' &&
        strcmp(path + length - suffix, SWGI_PANEL_SUFFIX) == 0)
        options->panel[length - suffix] = '\0';
    options->panel_is_default = false;
    return true;
}

static bool take_config(struct swgi_options *options, const char *path) {
    size_t length = strlen(path);

    if (length == 0 || length >= sizeof(options->config))
        return false;
    memcpy(options->config, path, length + 1);
    options->config_is_default = false;
    return true;
}

static void set_config(struct argp_state *state, struct swgi_options *options, const char *path) {
    if (!take_config(options, path))
        argp_error(state, "--config: 1 to %zu bytes", sizeof(options->config) - 1);
}

static void set_panel(struct argp_state *state, struct swgi_options *options, const char *path) {
    if (!swgi_options_take_panel(options, path))
        argp_error(state, "--panel: 1 to %zu bytes", sizeof(options->panel) - 65);
}

static error_t parse_common_option(int key, char *value, struct argp_state *state,
                                   struct swgi_options *options) {
    switch (key) {
    case 'c':
        set_config(state, options, value);
        return 0;
    case KEY_PANEL:
        set_panel(state, options, value);
        return 0;
    case KEY_JSON:
        options->json = true;
        return 0;
    case 'q':
        options->quiet = true;
        return 0;
    case 'v':
        options->verbose = true;
        return 0;
    case KEY_NO_COLOR:
        options->no_color = true;
        return 0;
    case 'y':
        options->yes = true;
        return 0;
    case KEY_DRY_RUN:
        options->dry_run = true;
        return 0;
    default:
        return parse_own_option(key, value, state, options);
    }
}

/* Asked for, so it goes to stdout and ends the program well. */
static error_t answer(int key, struct argp_state *state, struct parse *parse) {
    parse->done = true;
    if (key == KEY_USAGE)
        argp_state_help(state, stdout, ARGP_HELP_USAGE);
    else if (key == 'V')
        printf("switchgear %s\n", swg_version());
    else
        swgi_help_print(parse->options->command, parse->options);
    state->next = state->argc;
    return 0;
}

static error_t parse_argument(struct argp_state *state, struct parse *parse) {
    struct swgi_options *options = parse->options;

    if (!options->command) {
        parse->command_at = state->next - 1;
        state->next = state->argc;
        return 0;
    }
    if (options->arguments_count == 0)
        options->arguments = calloc((size_t)state->argc + 1, sizeof(options->arguments[0]));
    if (!options->arguments)
        return ENOMEM;
    options->arguments[options->arguments_count++] = state->argv[state->next - 1];
    if (!(options->command->takes & SWGI_TAKES_REST) || options->arguments_count < 2)
        return 0;
    for (; state->next < state->argc; state->next++)
        options->arguments[options->arguments_count++] = state->argv[state->next];
    return 0;
}

/* Too few or too many. --all stands for a name, and what an act needs a name for it cannot guess. */
static void check_count(struct argp_state *state, const struct swgi_options *options) {
    const struct swgi_command *command = options->command;
    bool names_none = options->arguments_count == 0 && !options->all;

    if (options->arguments_count < command->least ||
        ((command->takes & SWGI_TAKES_ACT) && names_none))
        argp_error(state, "missing: %s", command->arguments);
    if (options->arguments_count > command->most)
        argp_error(state, "too many arguments: %s %s", command->name, command->arguments);
    if (options->all && options->arguments_count > 0)
        argp_error(state, "--all and a name: say one or the other");
}

static error_t parse_option(int key, char *value, struct argp_state *state) {
    struct parse *parse = state->input;

    switch (key) {
    case 'h':
    case 'V':
    case KEY_USAGE:
        return answer(key, state, parse);
    case ARGP_KEY_ARG:
        return parse->done ? 0 : parse_argument(state, parse);
    case ARGP_KEY_END:
        if (parse->options->command && !parse->done)
            check_count(state, parse->options);
        return 0;
    default:
        return parse_common_option(key, value, state, parse->options);
    }
}

static error_t run_argp(const struct swgi_command *command, int argc, char **argv,
                        struct parse *parse) {
    struct argp_option list[SWGI_OPTIONS_MAX];
    struct argp argp = { .options = list, .parser = parse_option };
    unsigned flags = ARGP_NO_HELP;

    swgi_options_collect(command ? command->takes : 0, list);
    argp.args_doc = command ? command->arguments : "COMMAND [ARGUMENT...]";
    if (!command || (command->takes & SWGI_TAKES_REST))
        flags |= ARGP_IN_ORDER;
    return argp_parse(&argp, argc, argv, flags, NULL, parse);
}

static int unknown_command(const char *name) {
    const struct swgi_command *like = swgi_command_like(name);
    char clean[SWGI_CLEAN_MAX];

    swgi_clean_text(name, true, clean, sizeof(clean));
    if (like)
        swgi_say("there is no command '%s'; did you mean '%s'?", clean, like->name);
    else
        swgi_say("there is no command '%s'; 'switchgear help' lists them", clean);
    return EX_USAGE;
}

static int help_command(int argc, char **argv, struct swgi_options *options) {
    const struct swgi_command *command = NULL;

    if (argc > 1 && strcmp(argv[1], "settings") == 0) {
        swgi_help_print_settings(options);
        return 0;
    }
    if (argc > 1 && argv[1][0] != '-') {
        command = swgi_command_find(argv[1]);
        if (!command)
            return unknown_command(argv[1]);
    }
    swgi_help_print(command, options);
    return 0;
}

static int parse_command(int argc, char **argv, struct parse *parse) {
    char title[64];

    parse->options->command = swgi_command_find(argv[0]);
    if (!parse->options->command) {
        if (strcmp(argv[0], "help") != 0)
            return unknown_command(argv[0]);
        parse->done = true;
        return help_command(argc, argv, parse->options);
    }
    snprintf(title, sizeof(title), "switchgear %s", parse->options->command->name);
    argv[0] = title;
    return run_argp(parse->options->command, argc, argv, parse) ? EX_OSERR : 0;
}

static void init(struct swgi_options *options) {
    const char *path = getenv("SWITCHGEAR_PANEL"), *config = getenv("SWITCHGEAR_CONFIG");

    *options = (struct swgi_options){
        .lines = -1,
        .kill_after_ns = INT64_C(10000000000),
        .interval_ns = INT64_C(1000000000),
        .source = "cli",
        .config_is_default = true,
    };
    swgi_panel_default_path(options->panel, sizeof(options->panel));
    options->panel_is_default = true;
    if (path)
        swgi_options_take_panel(options, path);
    if (config)
        take_config(options, config);
}

/* argp puts the words in another order, and we cut KEY=VALUE in two. The first word begins the text of them all. */
static char **copy_words(int argc, char **argv) {
    char **words = calloc((size_t)argc + 1, sizeof(*words)), *text = NULL;
    size_t length;

    if (words && argz_create(argv, &text, &length) == 0)
        argz_extract(text, length, words);
    return words;
}

int swgi_options_parse(int argc, char **argv, struct swgi_options *out, bool *done) {
    struct parse parse = { .options = out };
    int status = 0;

    init(out);
    out->words = copy_words(argc, argv);
    if (!out->words || !out->words[0]) {
        swgi_say("out of memory");
        return EX_OSERR;
    }
    swgi_screen_init(&out->screen, stdout, false);
    if (run_argp(NULL, argc, argv, &parse))
        return EX_OSERR;
    if (!parse.done && parse.command_at == 0) {
        swgi_help_print_short(stderr);
        return EX_USAGE;
    }
    if (!parse.done)
        status = parse_command(argc - parse.command_at, argv + parse.command_at, &parse);
    swgi_screen_init(&out->screen, stdout, out->no_color);
    *done = parse.done;
    return status;
}

void swgi_options_deinit(struct swgi_options *options) {
    free(options->arguments);
    if (options->words)
        free(options->words[0]);
    free(options->words);
    options->arguments = options->words = NULL;
}
