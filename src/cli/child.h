/* A command run to its end: in a process group of its own, bounded in time, with our signals and our terminal. */
#ifndef SWGI_CLI_CHILD_H
#define SWGI_CLI_CHILD_H

#include <signal.h>
#include <stdbool.h>

#include "switchgear/switchgear.h"

struct swgi_child_end {
    int failed_to_start; /* errno of the exec; 0: it ran */
    int status;          /* as of waitpid() */
    bool timed_out;
    bool interrupted; /* a signal of ours, or typed at the terminal, ended it */
};

/*
 * From here on signals wait for swgi_child_run(), so that none ends us between an admission and its record. Returns the mask to
 * give back to the command.
 */
void swgi_child_hold_signals(sigset_t *before);
/*
 * Run argv to its end. timeout 0: none. When it is over: SIGTERM to all of the group, and after kill_after SIGKILL to what is left
 * of it. If we are killed, so is the command. 0, or -errno if no process could be made.
 */
int swgi_child_run(char *const *argv, const sigset_t *mask, swg_ns timeout, swg_ns kill_after,
                   struct swgi_child_end *out);

#endif
