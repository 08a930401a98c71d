/* A whole command line, from its words to its exit status. */
#ifndef SWGI_CLI_RUN_H
#define SWGI_CLI_RUN_H

/*
 * What main() does once the process is in order; also what the console does in a process of its own for each line. source is where
 * acts come from: "cli", "console". Bad usage ends the process (argp).
 */
int swgi_program_run(int argc, char **argv, const char *source);
/* Last of all: closes stdout, and turns what could not be written into the exit status. */
int swgi_program_finish(int status);

#endif
