/* The agent needs libraries that this build was made without. */
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/message.h"

int swgi_agent_command_run(const struct swgi_options *options) {
    (void)options;
    swgi_say("built without the agent: it needs libuv, libmicrohttpd, nettle, SQLite and libcurl");
    return EX_UNAVAILABLE;
}
