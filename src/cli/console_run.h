/* What a line of the console does, whoever read it: a person at a terminal, or a pipe. */
#ifndef SWGI_CLI_CONSOLE_RUN_H
#define SWGI_CLI_CONSOLE_RUN_H

#include <stdbool.h>

#include "cli/options.h"

struct swgi_console {
    const struct swgi_options *options;
    bool is_interactive;
    unsigned line;    /* its number, where nobody typed it */
    int prompt_width; /* columns before the line, where somebody did */
    int status;       /* of the last failure */
    bool wants_out;
};

/* Runs it, and says what was wrong. Returns its exit status, which console->status remembers unless it is 0. */
int swgi_console_do(struct swgi_console *console, const char *line);
/* Every line of stdin; the exit status of the last failure. */
int swgi_console_batch(const struct swgi_options *options);

#endif
