/*
 * The commands that speak HTTP run in a program beside this one, which alone loads libcurl and libmicrohttpd with all they bring:
 * loading them takes longer than looking at a thousand circuits. It is started in our place, with our words. here.c stands in where
 * those commands are inside.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/message.h"

#define OTHER "switchgear-net"

bool swgi_runs_elsewhere(const struct swgi_command *command) {
    return (command->takes & SWGI_TAKES_NET) != 0;
}

/* The folder we lie in, with a slash at its end. false: it is not known. */
static bool own_folder(char *out, size_t size) {
    ssize_t length = readlink("/proc/self/exe", out, size - 1);
    char *slash;

    if (length <= 0)
        return false;
    out[length] = '\0';
    slash = strrchr(out, '/');
    if (!slash)
        return false;
    slash[1] = '\0';
    return true;
}

/* Beside us as it was built, else where an installation has it, moved as a whole or not. */
static void try_all(char **words) {
    static const char *const places[] = { OTHER, "../libexec/switchgear/" OTHER };
    char folder[PATH_MAX], path[PATH_MAX + 64];

    if (own_folder(folder, sizeof(folder)))
        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
            snprintf(path, sizeof(path), "%s%s", folder, places[i]);
            execv(path, words);
            if (errno != ENOENT && errno != ENOTDIR)
                return;
        }
    execv(SWGI_LIBEXEC "/" OTHER, words);
}

static int start_other(const struct swgi_options *options) {
    fflush(stdout);
    try_all(options->words);
    swgi_say("%s: cannot start " SWGI_LIBEXEC "/" OTHER
             ": %s; it belongs to switchgear, so install that again",
             options->command->name, strerror(errno));
    return EX_UNAVAILABLE;
}

int swgi_fetch_run(const struct swgi_options *options) {
    return start_other(options);
}

int swgi_agent_command_run(const struct swgi_options *options) {
    return start_other(options);
}
