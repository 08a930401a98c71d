/*
 * An outage to watch: `make run` starts this.
 *
 * Two instances of one HTTP server suffer the same fate at the same time. Four processes call the first through a circuit that
 * they share, four call the second without. Both are healthy, then hung (SIGSTOP: a connection, and no answer), dead
 * (SIGKILL: refused), back but slow, and healthy again.
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

enum ending { GOES_ON, STOPPED, BROKEN };

static const char usage[] =
    "usage: outage [--hold] [--phase SECONDS]\n"
    "  --hold    goes on until Ctrl-C, and says what to try from another terminal\n"
    "  --phase   how long each of the five phases lasts, 1 to 60; default 5, with --hold 10\n";

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
                                           { "phase", 1, NULL, 'p' },
                                           { NULL, 0, NULL, 0 } };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'h')
            outage->hold = true;
        else if (option == 'p')
            outage->phase_seconds = atoi(optarg);
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

/* Servers are killed and reaped by us; what else ends by itself has no business to. Being stopped is no end. */
static enum ending look_after_children(struct outage *outage) {
    siginfo_t info = { .si_pid = 0 };
    pid_t *worker;

    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
        return GOES_ON;
    worker = find_worker(outage, info.si_pid);
    if (worker != NULL && info.si_code == CLD_KILLED && info.si_status == SIGKILL)
        return replace_worker(outage, worker);
    fprintf(stderr, "outage: a %s ended unexpectedly\n", worker != NULL ? "worker" : "server");
    return BROKEN;
}

static enum ending wait_until(struct outage *outage, swg_ns at) {
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

static bool enter(struct outage *outage, int phase) {
    if (phase == HUNG)
        signal_servers(outage, SIGSTOP);
    if (phase == DEAD)
        kill_servers(outage);
    if (phase == SLOW &&
        !(start_server(outage, PROTECTED, "slow") && start_server(outage, UNPROTECTED, "slow")))
        return false;
    if (phase == RECOVERED)
        signal_servers(outage, SIGUSR2);
    outage->phase_at[phase] = now_ns();
    outage->shared->phase = phase;
    return true;
}

static enum ending run_phase(struct outage *outage, int phase, swg_ns start) {
    enum ending ending = GOES_ON;
    swg_ns tick = now_ns();

    if (!enter(outage, phase))
        return BROKEN;
    for (int ticks = outage->phase_seconds * 1000 / TICK_MS; ticks > 0 && ending == GOES_ON;
         ticks--) {
        tick += TICK_MS * NS_PER_MS;
        ending = wait_until(outage, tick);
        if (ending == GOES_ON)
            timeline_tick(outage, start);
    }
    return ending;
}

static enum ending run_cycle(struct outage *outage) {
    enum ending ending = GOES_ON;
    swg_ns start = now_ns();

    memset(outage->phase_at, 0, sizeof(outage->phase_at));
    timeline_reset(outage);
    timeline_head(outage);
    for (int phase = HEALTHY; phase < PHASES && ending == GOES_ON; phase++)
        ending = run_phase(outage, phase, start);
    if (ending == GOES_ON)
        timeline_table(outage);
    return ending;
}

static enum ending start_everything(struct outage *outage) {
    enum ending ending = GOES_ON;

    if (!start_server(outage, PROTECTED, "healthy") ||
        !start_server(outage, UNPROTECTED, "healthy"))
        return BROKEN;
    for (int i = 0; i < SIDES * WORKERS; i++)
        if (!start_worker(outage, i / WORKERS, i % WORKERS))
            return BROKEN;
    while (outage->shared->ready < SIDES * WORKERS && ending == GOES_ON)
        ending = wait_until(outage, now_ns() + 10 * NS_PER_MS);
    if (ending == GOES_ON && !timeline_open(outage))
        return BROKEN;
    return ending;
}

/* The program beside us in the build folder, as short as it can be written from here. */
static void print_commands(const struct outage *outage) {
    char path[600], here[512] = "";
    const char *shown = path;

    snprintf(path, sizeof(path), "%.*s/src/switchgear",
             (int)(strlen(outage->server_path) - strlen("/examples/server")), outage->server_path);
    if (access(path, X_OK) != 0)
        shown = "switchgear";
    else if (getcwd(here, sizeof(here)) != NULL && strncmp(path, here, strlen(here)) == 0 &&
             path[strlen(here)] == '/')
        shown = path + strlen(here) + 1;
    printf("\n From another terminal, in the same folder:\n\n"
           "   export SWITCHGEAR_PANEL=%s\n"
           "   %s status\n"
           "   %s why " CIRCUIT "\n"
           "   %s trip " CIRCUIT " --reason trying\n"
           "   %s reset " CIRCUIT " --reason tried\n\n"
           " Ctrl-C ends it and leaves nothing behind.\n",
           outage->panel_path, shown, shown, shown, shown);
}

static void print_story(const struct outage *outage) {
    printf(" One HTTP server, twice. Four processes call each of them, every %d ms, and\n"
           " wait up to %d s for an answer. The first four share a breaker, which opens after\n"
           " three failures in a row, or when half of ten calls take over %d ms. Both\n"
           " servers are healthy, then hung, killed, back but slow, and healthy again.\n",
           INTERVAL_MS, CALL_TIMEOUT_MS / 1000, SLOW_MS);
    if (outage->hold)
        print_commands(outage);
    fflush(stdout);
}

static enum ending run(struct outage *outage) {
    enum ending ending = start_everything(outage);

    if (ending != GOES_ON)
        return ending;
    print_story(outage);
    do
        ending = run_cycle(outage);
    while (outage->hold && ending == GOES_ON);
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
    if (outage.shared != MAP_FAILED && start_janitor(&outage))
        ending = run(&outage);
    stop_everything(&outage);
    if (ending == STOPPED)
        fprintf(stderr, "\noutage: stopped\n");
    return ending == BROKEN ? 1 : ending == STOPPED && !outage.hold ? 130 : 0;
}
