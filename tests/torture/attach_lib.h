/*
 * What the tortures of attaching share: a folder, children, rounds, and giving up with a
 * sentence.
 */
#ifndef TESTS_TORTURE_ATTACH_LIB_H
#define TESTS_TORTURE_ATTACH_LIB_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"
#include "panel/panel.h"

static char folder[64], path[96], panel_file[112], lock_file[112];
static struct swgi_random chance;

static inline int remove_one(const char *name, const struct stat *status, int kind,
                             struct FTW *where) {
    (void)status;
    (void)kind;
    (void)where;
    return remove(name);
}

static inline void remove_folder(void) {
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline __attribute__((noreturn, format(printf, 1, 2))) void give_up(const char *format,
                                                                           ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

#define MUST(condition)                                                   \
    do {                                                                  \
        if (!(condition))                                                 \
            give_up("%s:%d: not so: %s", __FILE__, __LINE__, #condition); \
    } while (0)

/* The seed is told, so that a failure can be tried again: SEED=... */
static inline void begin(void) {
    const char *given = getenv("SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : swgi_random_seed() % 1000000;
    printf("SEED=%llu\n", (unsigned long long)seed);
    fflush(stdout);
    swgi_random_init(&chance, seed);
    snprintf(folder, sizeof(folder), "%s/swg-torture.XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    MUST(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/main", folder);
    snprintf(panel_file, sizeof(panel_file), "%s.v1.panel", path);
    snprintf(lock_file, sizeof(lock_file), "%s.v1.lock", path);
}

/* How many rounds BOUND asks for; none: until stopped. */
static inline uint64_t rounds(uint64_t usual, uint64_t small) {
    const char *bound = getenv("BOUND");
    if (bound == NULL)
        return usual;
    return strcmp(bound, "none") == 0 ? UINT64_MAX : small;
}

static inline struct swg_panel_options options_for(uint32_t circuits) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    options.path = path;
    options.circuits_max = circuits;
    options.columns_max = 4;
    options.events_max = 64;
    options.histograms_max = SWG_GEOMETRY_NONE;
    options.slots_max = 256;
    return options;
}

static inline struct swg_panel *open_panel(const struct swg_panel_options *options) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_panel *panel = NULL;
    if (swg_panel_open(&panel, options, &error) != 0)
        give_up("%s: %s", error.key, error.text);
    return panel;
}

static inline void *shared_memory(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(memory != MAP_FAILED);
    return memory;
}

static inline pid_t start(void (*story)(void *), void *arg) {
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        story(arg);
        _exit(0);
    }
    return child;
}

/* Ended by itself and well, or by our SIGKILL. */
static inline void judge(int status, bool may_be_killed) {
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (!(WIFEXITED(status) && WEXITSTATUS(status) == 0) && !(may_be_killed && killed))
        give_up("a child ended with status %#x", (unsigned)status);
}

static inline void join(pid_t child, bool may_be_killed) {
    int status = 0;
    MUST(waitpid(child, &status, 0) == child);
    judge(status, may_be_killed);
}

/* In whatever order they end: one that fails must not leave the rest waiting for it. */
static inline void join_all(unsigned count) {
    for (int status = 0; count > 0; count--) {
        MUST(waitpid(-1, &status, 0) > 0);
        judge(status, false);
    }
}

/* Let a child run for a while that chance decides: spinning, so that short whiles are short. */
static inline void some_time(uint64_t at_most_ns) {
    int64_t until = 0;
    struct timespec t;
    for (uint64_t wait = swgi_random_below(&chance, at_most_ns);;) {
        clock_gettime(CLOCK_MONOTONIC, &t);
        int64_t now = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
        if (until == 0)
            until = now + (int64_t)wait;
        if (now >= until)
            return;
        sched_yield();
    }
}

#endif
