/* What exec and call share: the circuit they run under, made or checked as the command line says, and how a refusal is told. */
#ifndef SWGI_CLI_PROTECT_H
#define SWGI_CLI_PROTECT_H

#include "cli/options.h"
#include "switchgear/switchgear.h"

/* Opens (makes) the panel and the circuit `name`, with --preset and --set. 0, or the exit status after saying why. */
int swgi_protect(const struct swgi_options *options, const char *name, struct swg_panel **panel,
                 struct swg_circuit **circuit);
/* Tell on stderr that the call was not made, until when, and return the exit status: 75. */
int swgi_tell_refused(const struct swgi_options *options, const struct swg_circuit *circuit,
                      int verdict, swg_ns retry_in, const char *what);

/* Room for any answer of fallback.static. */
#define SWGI_STAND_IN_MAX 512
/*
 * Has the circuit an answer of its own (fallback.chain with static) for this verdict, a rejection or SWG_FAILED? The other
 * fallbacks are for programs: a command's output is not kept, and no other command is known.
 */
bool swgi_stand_in(const struct swg_circuit *circuit, int verdict, char out[SWGI_STAND_IN_MAX]);
/* Say on stderr what it stood in for. */
void swgi_tell_degraded(const struct swgi_options *options, const struct swg_circuit *circuit,
                        int verdict, const char *what);

#endif
