/* What the program says beside its data, on stderr, and the exit status that goes with it. */
#ifndef SWGI_CLI_MESSAGE_H
#define SWGI_CLI_MESSAGE_H

#include "cli/options.h"
#include "switchgear/switchgear.h"

/* "switchgear: ..." */
void swgi_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same unless --quiet: news, not trouble. */
void swgi_tell(const struct swgi_options *options, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The sentence of a fault, or the library's for its code when it has none. Points into error. */
const char *swgi_fault_text(int rc, const struct swg_error *error);
/* The exit status for a fault of the library (sysexits.h). */
int swgi_fault_status(int rc);

#endif
