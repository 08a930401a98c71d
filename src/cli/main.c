/* Finds the command and runs it. What the commands are is a table (commands.c), how they read their options another (options.c). */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/message.h"

/*
 * Started with a closed stdin, stdout or stderr, the next file opened would take its number, and what is printed would land in
 * the panel. Fill the gaps with something that fails, and that a command we run does not inherit.
 */
static void fill_standard_descriptors(void) {
    int fd;

    do {
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* What could not be written was not said: a program that reads us must learn of it. A reader that left knows. */
static int finish(int status) {
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

int main(int argc, char **argv) {
    struct swgi_options options;
    bool done = false;
    int status;

    fill_standard_descriptors();
    setlocale(LC_CTYPE, "");
    status = swgi_options_parse(argc, argv, &options, &done);
    if (status == 0 && !done)
        status = options.command->run(&options);
    swgi_options_deinit(&options);
    return finish(status);
}
