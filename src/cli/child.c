/*
 * Running a command for somebody else must not be noticed: it gets the signals we get and the terminal we have, and its end is ours. A
 * group of its own makes a timeout reach all it started; on a terminal that makes it a background job, so the terminal is handed
 * over when it asks for it, as a shell would.
 */
#include "cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* While a group dies there is no signal to wait for: its members are not our children. */
#define LOOK_EVERY INT64_C(20000000)

struct child {
    pid_t pid;
    int terminal;      /* -1: none */
    bool has_terminal; /* the command's group is the terminal's foreground */
    sigset_t watched;
    swg_ns deadline; /* of the present phase */
    swg_ns kill_after;
    enum { RUNNING, TERMINATING, KILLED } phase;
    bool ended;
    int forwarded; /* the last of our signals that asks a program to end */
    struct swgi_child_end *end;
};

static const int forwarded_signals[] = { SIGINT,  SIGTERM, SIGHUP,   SIGQUIT, SIGUSR1,
                                         SIGUSR2, SIGTSTP, SIGWINCH, SIGCONT, SIGALRM };
#define FORWARDED (sizeof(forwarded_signals) / sizeof(forwarded_signals[0]))

static void watched_signals(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGCHLD);
    for (size_t i = 0; i < FORWARDED; i++)
        sigaddset(set, forwarded_signals[i]);
}

void swgi_child_hold_signals(sigset_t *before) {
    sigset_t set;

    /* Where SIGCHLD is ignored nobody could tell us the exit status; SIGTTOU would stop us taking our terminal back. */
    signal(SIGCHLD, SIG_DFL);
    watched_signals(&set);
    sigaddset(&set, SIGTTOU);
    sigprocmask(SIG_BLOCK, &set, before);
}

static swg_ns monotonic_now(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* In the new process. Tells the parent why by the pipe, which a successful exec closes. */
static void __attribute__((noreturn))
become(char *const *argv, const sigset_t *mask, pid_t parent, int report) {
    int error;

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(argv[0], argv);
    error = errno;
    if (write(report, &error, sizeof(error)) < 0)
        _exit(126);
    _exit(127);
}

static int read_report(int report) {
    int error = 0;
    ssize_t length;

    do {
        length = read(report, &error, sizeof(error));
    } while (length < 0 && errno == EINTR);
    return length == (ssize_t)sizeof(error) ? error : 0;
}

static int start(struct child *child, char *const *argv, const sigset_t *mask) {
    pid_t parent = getpid();
    int report[2];

    if (pipe2(report, O_CLOEXEC) != 0)
        return -errno;
    child->pid = fork();
    if (child->pid == 0)
        become(argv, mask, parent, report[1]);
    close(report[1]);
    if (child->pid > 0) {
        setpgid(child->pid, child->pid);
        child->end->failed_to_start = read_report(report[0]);
    }
    close(report[0]);
    return child->pid < 0 ? -EAGAIN : 0;
}

static void send_group(const struct child *child, int number) {
    kill(-child->pid, number);
}

static bool group_lives(const struct child *child) {
    return kill(-child->pid, 0) == 0 || errno == EPERM;
}

static bool we_are_in_front(const struct child *child) {
    return child->terminal >= 0 && tcgetpgrp(child->terminal) == getpgrp();
}

static void hand_terminal_over(struct child *child) {
    if (we_are_in_front(child) && tcsetpgrp(child->terminal, child->pid) == 0)
        child->has_terminal = true;
}

static void take_terminal_back(struct child *child) {
    if (child->has_terminal)
        tcsetpgrp(child->terminal, getpgrp());
    child->has_terminal = false;
}

/* It was stopped: because it wants the terminal, which it may have if we have it; else by the person, who means us, too. */
static void on_stop(struct child *child, int number) {
    bool had_terminal = child->has_terminal;
    swg_ns stopped_at = monotonic_now();

    if ((number == SIGTTIN || number == SIGTTOU) && we_are_in_front(child)) {
        hand_terminal_over(child);
        send_group(child, SIGCONT);
        return;
    }
    take_terminal_back(child);
    raise(SIGSTOP);
    if (had_terminal)
        hand_terminal_over(child);
    if (child->deadline != SWG_NS_MAX)
        child->deadline += monotonic_now() - stopped_at;
    send_group(child, SIGCONT);
}

static void reap(struct child *child) {
    int status;

    while (!child->ended && waitpid(child->pid, &status, WNOHANG | WUNTRACED) == child->pid) {
        if (WIFSTOPPED(status)) {
            on_stop(child, WSTOPSIG(status));
            continue;
        }
        child->ended = true;
        child->end->status = status;
    }
}

/* What a terminal or a supervisor sends is meant for all; the rest for the one process whose number was known. */
static void forward(struct child *child, int number) {
    bool is_for_one = number == SIGUSR1 || number == SIGUSR2 || number == SIGALRM;

    kill(is_for_one ? child->pid : -child->pid, number);
    if (number != SIGINT && number != SIGTERM && number != SIGHUP && number != SIGQUIT)
        return;
    child->forwarded = number;
    /* A stopped process takes note of a signal only when it goes on. */
    send_group(child, SIGCONT);
}

static void on_deadline(struct child *child) {
    if (child->phase == RUNNING) {
        child->end->timed_out = true;
        child->phase = TERMINATING;
        child->deadline = monotonic_now() + child->kill_after;
        send_group(child, SIGTERM);
        send_group(child, SIGCONT);
    } else {
        child->phase = KILLED;
        child->deadline = SWG_NS_MAX;
        send_group(child, SIGKILL);
    }
}

/* The next signal, or 0 when it is time to look at the clock. */
static int next_signal(const struct child *child) {
    swg_ns wait = child->deadline == SWG_NS_MAX ? SWG_NS_MAX : child->deadline - monotonic_now();
    struct timespec bound;
    int number;

    if (child->ended && wait > LOOK_EVERY)
        wait = LOOK_EVERY;
    if (wait < 0)
        wait = 0;
    bound = (struct timespec){ .tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000 };
    number = sigtimedwait(&child->watched, NULL, wait == SWG_NS_MAX ? NULL : &bound);
    return number > 0 ? number : 0;
}

/* The command itself is enough, but after a timeout nothing it started may stay. */
static bool is_over(const struct child *child) {
    return child->ended && (child->phase != TERMINATING || !group_lives(child));
}

static void watch(struct child *child) {
    reap(child);
    while (!is_over(child)) {
        int number = next_signal(child);

        if (number == SIGCHLD)
            reap(child);
        else if (number > 0)
            forward(child, number);
        else if (child->deadline != SWG_NS_MAX && monotonic_now() >= child->deadline)
            on_deadline(child);
    }
}

/* Ended because somebody wanted it to: by a signal we passed on, or one typed while it had the terminal. */
static bool was_interrupted(const struct child *child) {
    int status = child->end->status;
    bool typed = WIFSIGNALED(status) && (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGQUIT);

    return !child->end->timed_out && (child->forwarded || typed);
}

int swgi_child_run(char *const *argv, const sigset_t *mask, swg_ns timeout, swg_ns kill_after,
                   struct swgi_child_end *out) {
    struct child child = { .end = out, .kill_after = kill_after, .deadline = SWG_NS_MAX };
    int rc;

    *out = (struct swgi_child_end){ 0 };
    watched_signals(&child.watched);
    child.terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (timeout > 0)
        child.deadline = monotonic_now() + timeout;
    rc = start(&child, argv, mask);
    if (rc == 0) {
        watch(&child);
        take_terminal_back(&child);
        out->interrupted = was_interrupted(&child);
    }
    if (child.terminal >= 0)
        close(child.terminal);
    return rc;
}
