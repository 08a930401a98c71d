/* In the place of console.c where libedit was left out of the build: lines from a pipe need no editing. */
#include <sysexits.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/console_run.h"
#include "cli/message.h"

int swgi_console_run(const struct swgi_options *options) {
    if (!isatty(STDIN_FILENO))
        return swgi_console_batch(options);
    swgi_say("console: built without libedit; it reads commands from a pipe only");
    return EX_UNAVAILABLE;
}
