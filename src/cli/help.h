/* Help that teaches: what a command does, its options, examples. */
#ifndef SWGI_CLI_HELP_H
#define SWGI_CLI_HELP_H

#include <stdio.h>

#include "cli/options.h"

struct argp_option;

/* Help for a command; NULL: for the program. On stdout. */
void swgi_help_print(const struct swgi_command *command, const struct swgi_options *options);
/* Every key of --set, with range and meaning. */
void swgi_help_print_settings(const struct swgi_options *options);
/* Three lines for somebody who typed the name alone. */
void swgi_help_print_short(FILE *out);

/* The options of a command, in argp's form, for its help. Ends with an empty one. */
void swgi_options_collect(unsigned takes, struct argp_option *out);
#define SWGI_OPTIONS_MAX 40

#endif
