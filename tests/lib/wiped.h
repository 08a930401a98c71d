/* Whether children find pages zeroed that were to be wiped: not under every emulator, and not under an old kernel. */
#ifndef TESTS_LIB_WIPED_H
#define TESTS_LIB_WIPED_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_WIPED "children's pages are not wiped here (emulator or old kernel)\n"

static inline bool pages_are_wiped(void) {
    int status = 1;
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return false;
    if (madvise(page, 4096, MADV_WIPEONFORK) == 0) {
        *page = 1;
        pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (child == 0)
            _exit(*page);
        if (waitpid(child, &status, 0) != child)
            status = 1;
    }
    munmap(page, 4096);
    return status == 0;
}

#endif
