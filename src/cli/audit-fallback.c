/* `audit` where the agent was left out of the build: it says so. Stands in for audit.c. */
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/message.h"

int swgi_audit_run(const struct swgi_options *options) {
    (void)options;
    swgi_say("audit: built without the agent (SQLite); sqlite3 shows the same: "
             "SELECT * FROM circuit_breaker_audit");
    return EX_UNAVAILABLE;
}
