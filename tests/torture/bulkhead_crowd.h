/*
 * A crowd: processes that are killed and stopped at random and started again, and a board in memory that outlives them.
 *
 * When somebody died or was stopped is known from outside only as between two instants; both are kept, so that a check can take
 * the one that accuses nobody wrongly. All instants are CLOCK_MONOTONIC as the kernel tells it, which is one order for all
 * processes.
 */
#ifndef TESTS_TORTURE_BULKHEAD_CROWD_H
#define TESTS_TORTURE_BULKHEAD_CROWD_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"
#include "switchgear/switchgear.h"

#define CROWD     8u
#define LIVES_MAX 4096u /* of one place */
#define STOPS_MAX 8192u
#define MESSAGES  8u
#define MS        INT64_C(1000000)
#define SECOND    INT64_C(1000000000)

struct board {
    char panel[128];
    _Atomic uint32_t stop;
    _Atomic uint32_t complaints;
    char complaint[MESSAGES][256];
    _Atomic uint32_t life[CROWD]; /* which one runs in that place, or is about to */
};
static struct board *board;

struct life {
    int64_t killed, gone; /* before it was killed; after it was seen to be gone. 0: it was not */
};
struct stop {
    unsigned place;
    int64_t from, to; /* before it was stopped; when it could go on. 0: not yet */
    unsigned hidden;  /* permits it holds without having noted them */
};

enum crowd_act { CROWD_NOTHING, CROWD_KILLED, CROWD_STOPPED };

static struct {
    const char *program;
    int board;
    struct swgi_random random;
    pid_t pid[CROWD];
    struct life lives[CROWD][LIVES_MAX];
    struct stop stops[STOPS_MAX];
    unsigned kills, stops_count;
    int stopped;   /* place, or -1 */
    int preferred; /* who is to be hit every other time, or -1: everybody alike */
    int64_t next_kill, next_stop, next_continue;
} crowd;

static inline int64_t clock_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

static inline void pause_for(int64_t ns) {
    struct timespec pause = { .tv_sec = ns / SECOND, .tv_nsec = ns % SECOND };
    nanosleep(&pause, NULL);
}

static __attribute__((format(printf, 1, 2))) void complain(const char *format, ...) {
    uint32_t number = atomic_fetch_add(&board->complaints, 1);
    va_list arguments;
    va_start(arguments, format);
    if (number < MESSAGES)
        vsnprintf(board->complaint[number], sizeof(board->complaint[number]), format, arguments);
    va_end(arguments);
}

/* A test's own mistakes and a panel that cannot be used end it at once. */
static void require(int rc, const char *what, const struct swg_error *error) {
    if (rc >= 0)
        return;
    fprintf(stderr, "%s: %s %s\n", what, swg_strerror(rc), error != NULL ? error->text : "");
    exit(2);
}

/* ---- the board, and the panel beside it */

static void *board_map(int fd, size_t size) {
    board = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    require(board == MAP_FAILED ? -errno : 0, "the board", NULL);
    return board;
}

/* Of memory alone, and inherited by its number. */
static void *board_new(size_t size, const char *program) {
    char folder[] = "/dev/shm/switchgear-crowd-XXXXXX";
    memset(&crowd, 0, sizeof(crowd));
    crowd.program = program;
    crowd.stopped = crowd.preferred = -1;
    swgi_random_init(&crowd.random, swgi_random_seed());
    crowd.board = memfd_create("crowd", 0);
    if (crowd.board < 0 || ftruncate(crowd.board, (off_t)size) != 0 || mkdtemp(folder) == NULL)
        require(-errno, "the board", NULL);
    board_map(crowd.board, size);
    snprintf(board->panel, sizeof(board->panel), "%s/crowd", folder);
    return board;
}

/* How many complaints there were, told. */
static uint32_t board_end(size_t size, const char *name) {
    uint32_t complaints = atomic_load(&board->complaints);
    char path[160];
    for (uint32_t i = 0; i < complaints && i < MESSAGES; i++)
        printf("FAIL %s: %s\n", name, board->complaint[i]);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s.v1.%s", board->panel, i == 0 ? "panel" : "lock");
        unlink(path);
    }
    *strrchr(board->panel, '/') = '\0';
    rmdir(board->panel);
    munmap(board, size);
    close(crowd.board);
    return complaints;
}

static struct swg_panel *crowd_panel(const char *name) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_panel *panel;
    options.path = board->panel;
    options.circuits_max = 8;
    options.columns_max = 32;
    options.slots_max = 8192;
    options.beyond = SWG_BEYOND_ERROR;
    options.process_name = name;
    require(swg_panel_open(&panel, &options, &error), "open", &error);
    return panel;
}

/* Pairs of key and value, until a key that is NULL. */
static struct swg_config *config_of(const char *const (*settings)[2]) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_config *config;
    require(swg_config_new(&config), "config", NULL);
    for (; (*settings)[0] != NULL; settings++)
        require(swg_config_set(config, (*settings)[0], (*settings)[1], &error), (*settings)[0],
                &error);
    return config;
}

/* A panel busy for over 10 ms (its lock's holder is stopped) is asked again. */
static struct swg_circuit *crowd_circuit(struct swg_panel *panel, const char *name,
                                         const char *const (*settings)[2]) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_config *config = config_of(settings);
    struct swg_circuit *circuit;
    int rc;
    do
        rc = swg_circuit_get(panel, name, config, &circuit, &error);
    while (rc == -EAGAIN);
    require(rc, name, &error);
    swg_config_unref(config);
    return circuit;
}

/* ---- processes */

static void crowd_start(unsigned place) {
    char fd[16], number[16];
    snprintf(fd, sizeof(fd), "%d", crowd.board);
    snprintf(number, sizeof(number), "%u", place);
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", crowd.program, "worker", fd, number, (char *)NULL);
        _exit(2);
    }
    require(child < 0 ? -errno : 0, "fork", NULL);
    crowd.pid[place] = child;
}

static void crowd_kill(unsigned place) {
    struct life *life = &crowd.lives[place][atomic_load(&board->life[place])];
    int status = 0;
    life->killed = clock_now();
    kill(crowd.pid[place], SIGKILL);
    if (waitpid(crowd.pid[place], &status, 0) != crowd.pid[place] || !WIFSIGNALED(status) ||
        WTERMSIG(status) != SIGKILL)
        complain("process %u ended by itself with status %x", place, (unsigned)status);
    life->gone = clock_now();
    if ((unsigned)crowd.stopped == place) {
        crowd.stops[crowd.stops_count - 1].to = life->gone;
        crowd.stopped = -1;
    }
    crowd.kills++;
    atomic_fetch_add(&board->life[place], 1);
    crowd_start(place);
}

static void crowd_continue(void) {
    kill(crowd.pid[crowd.stopped], SIGCONT);
    crowd.stops[crowd.stops_count - 1].to = clock_now();
    crowd.stopped = -1;
}

static void crowd_stop(unsigned place) {
    struct stop *stop = &crowd.stops[crowd.stops_count++];
    int status = 0;
    *stop = (struct stop){ .place = place, .from = clock_now() };
    kill(crowd.pid[place], SIGSTOP);
    if (waitpid(crowd.pid[place], &status, WUNTRACED) != crowd.pid[place] || !WIFSTOPPED(status))
        complain("process %u ended by itself with status %x", place, (unsigned)status);
    crowd.stopped = (int)place;
}

static int64_t crowd_soon(int64_t now, int64_t most) {
    return now + 5 * MS + (int64_t)swgi_random_below(&crowd.random, (uint64_t)most);
}

static unsigned crowd_victim(void) {
    if (crowd.preferred >= 0 && swgi_random_below(&crowd.random, 2) == 0)
        return (unsigned)crowd.preferred;
    return (unsigned)swgi_random_below(&crowd.random, CROWD);
}

/* To be called every few milliseconds: what was done to somebody just now. */
static enum crowd_act crowd_step(int64_t now, int64_t apart) {
    unsigned place = crowd_victim();
    if (crowd.stopped >= 0 && now >= crowd.next_continue) {
        crowd_continue();
        crowd.next_stop = crowd_soon(now, apart);
    }
    if (now >= crowd.next_kill && atomic_load(&board->life[place]) + 1 < LIVES_MAX) {
        crowd_kill(place);
        crowd.next_kill = crowd_soon(clock_now(), apart);
        return CROWD_KILLED;
    }
    if (crowd.stopped >= 0 || now < crowd.next_stop || crowd.stops_count == STOPS_MAX)
        return CROWD_NOTHING;
    crowd_stop(place);
    crowd.next_continue = crowd_soon(clock_now(), 120 * MS);
    return CROWD_STOPPED;
}

/* All of them come to their end by themselves, or it is told who does not. */
static void crowd_end(int64_t patience) {
    int64_t end = clock_now() + patience;
    if (crowd.stopped >= 0)
        crowd_continue();
    atomic_store(&board->stop, 1);
    for (unsigned i = 0; i < CROWD; i++) {
        int status = 0;
        pid_t ended;
        while ((ended = waitpid(crowd.pid[i], &status, WNOHANG)) == 0 && clock_now() < end)
            poll(NULL, 0, 1);
        if (ended == 0) {
            complain("process %u does not come to its end", i);
            kill(crowd.pid[i], SIGKILL);
            waitpid(crowd.pid[i], NULL, 0);
        } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            complain("process %u ended with status %x", i, (unsigned)status);
        }
    }
}

/* Of each program of a crowd: a process of it, or the rounds, as BOUND says. */
static int crowd_main(int argc, char **argv, size_t size, int (*run)(void *board, unsigned place),
                      bool (*rounds)(bool small)) {
    const char *bound = getenv("BOUND");
    bool right;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 4 && strcmp(argv[1], "worker") == 0)
        return run(board_map(atoi(argv[2]), size), (unsigned)atoi(argv[3]));
    do
        right = rounds(bound != NULL && strcmp(bound, "small") == 0);
    while (right && bound != NULL && strcmp(bound, "none") == 0);
    return !right;
}

#endif
