/* `call` where libcurl was missing when this was built: it says so, and what does the same. Stands in for call.c. */
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/message.h"

int swgi_fetch_run(const struct swgi_options *options) {
    swgi_say("this build has no HTTP adapter (libcurl); this does nearly the same:");
    swgi_say("switchgear exec %s -- curl -sf URL", options->arguments[0]);
    return EX_UNAVAILABLE;
}
