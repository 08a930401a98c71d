/*
 * What `make run` starts: an outage to watch, and then a rush. Options, signals, and what the two acts have in common: two
 * instances of one HTTP server; four processes call the first through a circuit that they share, four call the second without.
 */
#include "outage.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: outage [--hold] [--act 1|2] [--phase SECONDS]\n"
    "  --hold    goes on until Ctrl-C, and says what to try from another terminal\n"
    "  --act     only the first act, an outage, or only the second, a rush\n"
    "  --phase   how long each of the first act's five phases lasts, 1 to 60; default 5,\n"
    "            with --hold 10\n";

static bool find_server(struct outage *outage) {
    const size_t room = sizeof(outage->server_path) - sizeof("/server");
    ssize_t length = readlink("/proc/self/exe", outage->server_path, room);
    char *slash;

    outage->server_path[length < 0 ? 0 : length] = '\0';
    slash = strrchr(outage->server_path, '/');
    if (slash == NULL)
        return false;
    strcpy(slash, "/server");
    return access(outage->server_path, X_OK) == 0;
}

static bool options(struct outage *outage, int argc, char **argv) {
    static const struct option known[] = { { "hold", 0, NULL, 'h' },
                                           { "act", 1, NULL, 'a' },
                                           { "phase", 1, NULL, 'p' },
                                           { NULL, 0, NULL, 0 } };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'h')
            outage->hold = true;
        else if (option == 'p')
            outage->phase_seconds = atoi(optarg);
        else if (option == 'a' && (strcmp(optarg, "1") == 0 || strcmp(optarg, "2") == 0))
            outage->only = atoi(optarg);
        else
            return false;
    }
    if (outage->phase_seconds == 0)
        outage->phase_seconds = outage->hold ? 10 : 5;
    return optind == argc && outage->phase_seconds >= 1 && outage->phase_seconds <= 60;
}

static sigset_t watched_signals(void) {
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD };
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        sigaddset(&set, numbers[i]);
    return set;
}

/* The slot of a worker, or NULL. */
static pid_t *find_worker(struct outage *outage, pid_t pid) {
    for (int i = 0; i < SIDES * WORKERS; i++)
        if (outage->workers[i / WORKERS][i % WORKERS] == pid)
            return &outage->workers[i / WORKERS][i % WORKERS];
    return NULL;
}

/* Whoever kills a worker to see what its circuit makes of that may do so. */
static enum ending replace_worker(struct outage *outage, pid_t *worker) {
    int number = (int)(worker - &outage->workers[0][0]);

    waitpid(*worker, NULL, 0);
    *worker = 0;
    printf(" worker %d was killed; another takes its place\n", number + 1);
    return start_worker(outage, number / WORKERS, number % WORKERS) ? GOES_ON : BROKEN;
}

/* Nobody waits for the agent: without it all goes on. */
static enum ending miss_agent(struct outage *outage) {
    waitpid(outage->agent, NULL, 0);
    outage->agent = 0;
    printf(" the agent is gone; the calls go on without it\n");
    return GOES_ON;
}

/* Servers are killed and reaped by us; what else ends by itself has no business to. Being stopped is no end. */
static enum ending look_after_children(struct outage *outage) {
    siginfo_t info = { .si_pid = 0 };
    pid_t *worker;

    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
        return GOES_ON;
    if (info.si_pid == outage->agent)
        return miss_agent(outage);
    worker = find_worker(outage, info.si_pid);
    if (worker != NULL && info.si_code == CLD_KILLED && info.si_status == SIGKILL)
        return replace_worker(outage, worker);
    fprintf(stderr, "outage: a %s ended unexpectedly\n", worker != NULL ? "worker" : "server");
    return BROKEN;
}

enum ending wait_until(struct outage *outage, swg_ns at) {
    const sigset_t set = watched_signals();
    enum ending ending = GOES_ON;

    for (swg_ns left = at - now_ns(); left > 0 && ending == GOES_ON; left = at - now_ns()) {
        struct timespec timeout = { .tv_sec = left / (1000 * NS_PER_MS),
                                    .tv_nsec = left % (1000 * NS_PER_MS) };
        int number = sigtimedwait(&set, NULL, &timeout);

        if (number == SIGCHLD)
            ending = look_after_children(outage);
        else if (number > 0)
            ending = STOPPED;
    }
    return ending;
}

enum ending show(struct outage *outage, swg_ns until, void (*tick)(struct outage *)) {
    enum ending ending = GOES_ON;
    swg_ns left;

    while (ending == GOES_ON && (left = until - now_ns()) > 0) {
        /* Whole ticks to the end; a late one is made up for. */
        swg_ns ahead = (left - 1) / (TICK_MS * NS_PER_MS) * (TICK_MS * NS_PER_MS);

        ending = wait_until(outage, until - ahead);
        if (ending == GOES_ON)
            tick(outage);
    }
    return ending;
}

static bool start_side(struct outage *outage, int side, const char *const *arguments) {
    outage->ports[side] = 0;
    if (!start_server(outage, side, arguments))
        return false;
    for (int i = 0; i < WORKERS; i++)
        if (!start_worker(outage, side, i))
            return false;
    return true;
}

enum ending raise_curtain(struct outage *outage, const char *const *arguments,
                          const char *circuit) {
    enum ending ending = GOES_ON;

    outage->shared->ready = 0;
    for (int side = 0; side < SIDES; side++)
        if (!start_side(outage, side, arguments))
            return BROKEN;
    while (outage->shared->ready < SIDES * WORKERS && ending == GOES_ON)
        ending = wait_until(outage, now_ns() + 10 * NS_PER_MS);
    if (ending == GOES_ON && !timeline_open(outage, circuit))
        return BROKEN;
    return ending;
}

bool program_path(const struct outage *outage, char *path, size_t size) {
    snprintf(path, size, "%.*s/src/switchgear",
             (int)(strlen(outage->server_path) - strlen("/examples/server")), outage->server_path);
    return access(path, X_OK) == 0;
}

/* As short as it can be written from here. */
static void find_program(const struct outage *outage, char *path, size_t size) {
    char here[512] = "";
    size_t length;

    if (!program_path(outage, path, size))
        snprintf(path, size, "switchgear");
    if (getcwd(here, sizeof(here)) == NULL)
        return;
    length = strlen(here);
    if (strncmp(path, here, length) == 0 && path[length] == '/')
        memmove(path, path + length + 1, strlen(path) - length);
}

void print_commands(const struct outage *outage, const char *circuit) {
    char program[600];

    find_program(outage, program, sizeof(program));
    printf("\n From another terminal, in the same folder:\n\n"
           "   export SWITCHGEAR_PANEL=%s\n"
           "   %s status\n"
           "   %s why %s\n"
           "   %s trip %s --reason trying\n"
           "   %s reset %s --reason tried\n\n"
           " Ctrl-C ends it and leaves nothing behind.\n",
           outage->panel_path, program, program, circuit, program, circuit, program, circuit);
}

static enum ending run_act(struct outage *outage, int act) {
    enum ending ending;

    if (outage->only != BOTH_ACTS && outage->only != act)
        return GOES_ON;
    outage->act = act;
    ending = act == FIRST_ACT ? run_first_act(outage) : run_second_act(outage);
    drop_curtain(outage);
    return ending;
}

static enum ending run(struct outage *outage) {
    enum ending ending;

    do {
        ending = run_act(outage, FIRST_ACT);
        if (ending == GOES_ON)
            ending = run_act(outage, SECOND_ACT);
        outage->introduced = true;
    } while (outage->hold && ending == GOES_ON);
    return ending;
}

int main(int argc, char **argv) {
    const sigset_t set = watched_signals();
    struct outage outage = { .janitor = -1 };
    enum ending ending = BROKEN;

    if (!options(&outage, argc, argv)) {
        fputs(usage, stderr);
        return 64;
    }
    if (!find_server(&outage)) {
        fprintf(stderr, "outage: no program \"server\" beside this one\n");
        return 69;
    }
    outage.colour = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
    outage.shared = mmap(NULL, sizeof(*outage.shared), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (outage.shared != MAP_FAILED && start_janitor(&outage) && start_agent(&outage)) {
        print_addresses(&outage);
        ending = run(&outage);
    }
    stop_everything(&outage);
    if (ending == STOPPED)
        fprintf(stderr, "\noutage: stopped\n");
    return ending == BROKEN ? 1 : ending == STOPPED && !outage.hold ? 130 : 0;
}
