/* What a person asked for: the command line, parsed once and never changed after. */
#ifndef SWGI_CLI_OPTIONS_H
#define SWGI_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/screen.h"
#include "switchgear/switchgear.h"

struct swgi_command;
struct swgi_file;

/* Which options a command takes, beside those that all take. */
enum swgi_option_group {
    SWGI_TAKES_STATUS = 1,
    SWGI_TAKES_EVENTS = 2,
    SWGI_TAKES_ACT = 4,
    SWGI_TAKES_BOUND = 8, /* --for: an act that can end by itself */
    SWGI_TAKES_CALL = 16,
    SWGI_TAKES_EXEC = 32,
    SWGI_TAKES_REST = 64, /* what follows the first argument is somebody else's command line */
    SWGI_TAKES_FORCE = 128,
    SWGI_TAKES_NO_BOUND = 256, /* an act that has no end */
    SWGI_TAKES_TOP = 512,
    SWGI_TAKES_FILE = 1024, /* reads the configuration file itself, so nobody does it beforehand */
    SWGI_TAKES_AGENT = 2048,
    SWGI_TAKES_AUDIT = 8192,
    SWGI_TAKES_CHECK = 4096, /* a configuration file */
    SWGI_TAKES_NET = 16384,  /* speaks HTTP: see elsewhere.c */
};

#define SWGI_SETS_MAX       64
#define SWGI_PANEL_PATH_MAX 4096
#define SWGI_FILE_PATH_MAX  4096

struct swgi_set {
    const char *key, *value;
};

struct swgi_options {
    const struct swgi_command *command;
    char **words;              /* the command line as it was */
    struct swgi_screen screen; /* stdout */
    char panel[SWGI_PANEL_PATH_MAX];
    bool panel_is_default;
    char config
        [SWGI_FILE_PATH_MAX]; /* the configuration file: -c, SWITCHGEAR_CONFIG, or where it is by default */
    bool config_is_default; /* nobody named it: it need not exist */
    struct swgi_file *file; /* what it says; NULL: there is none, or it is broken */
    const char *source;     /* of acts: "cli", "console" */
    bool json, quiet, verbose, no_color, yes, dry_run;

    char **arguments; /* of the command: names, or a name and somebody else's command line */
    size_t arguments_count;

    bool all;
    bool panel_info, names_only; /* status */
    bool follow;                 /* events */
    long lines;                  /* events, audit; -1: all, as many as is usual */
    const char *since, *action;  /* audit */
    swg_ns interval_ns;          /* top */
    bool once;                   /* top */
    const char *reason, *user;   /* acts */
    swg_ns for_ns;
    bool force;
    const char *preset; /* exec and call */
    struct swgi_set sets[SWGI_SETS_MAX];
    size_t sets_count;
    bool reconfigure;
    swg_ns timeout_ns; /* 0: none */
    swg_ns kill_after_ns;
    uint32_t load, operation;
    int32_t priority;
    uint64_t ignored_statuses[4];        /* one bit for each exit status */
    bool print, explain, schema, manual; /* check-config */
    /* agent, the environment of check-config, and the database of audit; NULL: not said */
    const char *environment, *listen, *socket, *database, *tokens, *make_token;
    bool check;
};

/*
 * Parse argv into *out, the part before the command and the command's own. Returns 0, or what main() is to return: help was asked
 * for and given (*done), or the line was wrong and that was said.
 */
int swgi_options_parse(int argc, char **argv, struct swgi_options *out, bool *done);
void swgi_options_deinit(struct swgi_options *options);
/* The panel at that path, with or without its suffix. false: it is empty or too long. */
bool swgi_options_take_panel(struct swgi_options *options, const char *path);

#endif
