/* Finds the command and runs it. What the commands are is a table (commands.c), how they read their options another (options.c). */
#include "cli/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/message.h"
#include "cli/settings_file.h"

/* What could not be written was not said: a program that reads us must learn of it. A reader that left knows. */
int swgi_program_finish(int status) {
    bool failed = ferror(stdout) != 0;
    int error = errno;

    if (fclose(stdout) != 0) {
        failed = true;
        error = errno;
    }
    if (!failed)
        return status;
    if (error != EPIPE)
        swgi_say("cannot write the output: %s", strerror(error));
    return status ? status : 1;
}

int swgi_program_run(int argc, char **argv, const char *source) {
    struct swgi_options options;
    bool done = false;
    int status = swgi_options_parse(argc, argv, &options, &done);

    options.source = source;
    if (status == 0 && !done)
        status = swgi_settings_file_load(&options);
    if (status == 0 && !done)
        status = options.command->run(&options);
    swgi_settings_file_unload(&options);
    swgi_options_deinit(&options);
    return status;
}
