/* The configuration file, as the commands use it: where the panel is, what its circuits are also called and whom to ask about them. */
#ifndef SWGI_CLI_SETTINGS_FILE_H
#define SWGI_CLI_SETTINGS_FILE_H

#include "cli/options.h"
#include "config/file.h"

/*
 * Reads options->config, or the file in the default place if nobody named one, into options->file; takes the panel's path from it
 * where nobody said another. 0, or the exit status: all refuse a file that was named and is not there (78), and commands that would
 * make circuits by a broken one refuse that; the others go on without it, with a warning.
 */
int swgi_settings_file_load(struct swgi_options *options);
void swgi_settings_file_unload(struct swgi_options *options);

/* Is that the alias of that circuit? */
bool swgi_is_alias_of(const struct swgi_file *file, const char *alias, const char *circuit);
/* The name of the circuit whose alias that is; NULL: nobody's. file may be NULL. */
const char *swgi_alias_target(const struct swgi_file *file, const char *alias);
/* What the file says of that circuit; NULL: nothing, or there is no file. */
const struct swgi_file_circuit *swgi_entry_of(const struct swgi_file *file, const char *name);
/* All that is wrong with a file, a line each, at most that many. */
void swgi_say_file_errors(const char *path, const struct swgi_file_errors *errors, unsigned most);

#endif
