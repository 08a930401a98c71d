/* In the place of elsewhere.c, in a program that has all commands inside. */
#include "cli/commands.h"

bool swgi_runs_elsewhere(const struct swgi_command *command) {
    (void)command;
    return false;
}
