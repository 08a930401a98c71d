/* In the place of top.c where ncurses was left out of the build: the plain table is still to be had. */
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/message.h"
#include "cli/top_look.h"

int swgi_top_run(const struct swgi_options *options) {
    if (options->once || !options->screen.is_terminal)
        return swgi_top_print(options);
    swgi_say("top: built without ncurses; 'switchgear top --once' prints one table");
    return EX_UNAVAILABLE;
}
