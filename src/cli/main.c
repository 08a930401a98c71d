/* Puts the process in order, and leaves the rest to run.c. */
#include <fcntl.h>
#include <locale.h>
#include <unistd.h>

#include "cli/run.h"

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

int main(int argc, char **argv) {
    fill_standard_descriptors();
    setlocale(LC_CTYPE, "");
    return swgi_program_finish(swgi_program_run(argc, argv, "cli"));
}
