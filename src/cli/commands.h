/*
 * The commands of the program, as one table: what a command is called, what it takes, how it explains itself, what runs it.
 * Help, completion and dispatch all read it.
 */
#ifndef SWGI_CLI_COMMANDS_H
#define SWGI_CLI_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/options.h"

struct swgi_command {
    const char *name;
    const char *arguments;                          /* as shown in the usage line */
    const char *brief;                              /* one line, for the list of commands */
    const char *help;                               /* what it does; after a \v: examples */
    unsigned takes;                                 /* enum swgi_option_group, or-ed */
    size_t least, most;                             /* arguments */
    int (*run)(const struct swgi_options *options); /* returns the exit status */
};

const struct swgi_command *swgi_commands(size_t *count);
const struct swgi_command *swgi_command_find(const char *name);
/* The command that looks most like it, or NULL when none does. */
const struct swgi_command *swgi_command_like(const char *name);

/* Is it started as a program of its own, that then does everything? */
bool swgi_runs_elsewhere(const struct swgi_command *command);

int swgi_status_run(const struct swgi_options *options);
int swgi_is_tripped_run(const struct swgi_options *options);
int swgi_why_run(const struct swgi_options *options);
int swgi_events_run(const struct swgi_options *options);
int swgi_audit_run(const struct swgi_options *options);
int swgi_act_run(const struct swgi_options *options);
int swgi_exec_run(const struct swgi_options *options);
int swgi_fetch_run(const struct swgi_options *options);
int swgi_agent_command_run(const struct swgi_options *options);
int swgi_top_run(const struct swgi_options *options);
int swgi_console_run(const struct swgi_options *options);
int swgi_check_config_run(const struct swgi_options *options);

#endif
