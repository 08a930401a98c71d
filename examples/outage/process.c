/*
 * The processes of the outage, and that none of them outlives it. Children are killed by the kernel when their parent dies,
 * however it dies; the panel's folder is removed by a janitor that waits for the same.
 */
#include "outage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

bool complain(const char *what) {
    fprintf(stderr, "outage: %s: %s\n", what, strerror(errno));
    return false;
}

void become_child(pid_t parent) {
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void remove_files(int folder) {
    DIR *files = fdopendir(dup(folder));
    struct dirent *file;

    if (files == NULL)
        return;
    rewinddir(files);
    while ((file = readdir(files)) != NULL)
        if (strcmp(file->d_name, ".") != 0 && strcmp(file->d_name, "..") != 0)
            unlinkat(folder, file->d_name, 0);
    closedir(files);
}

/* A worker that is being killed may just have made a file: once more, then. */
static void remove_folder(const char *path) {
    const struct timespec pause = { .tv_nsec = 10 * NS_PER_MS };
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (int i = 0; folder >= 0 && i < 100; i++) {
        remove_files(folder);
        if (rmdir(path) == 0)
            break;
        nanosleep(&pause, NULL);
    }
}

static _Noreturn void run_janitor(const struct outage *outage, int parent_lives) {
    sigset_t all;
    char byte;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    setsid();
    while (read(parent_lives, &byte, 1) < 0 && errno == EINTR)
        continue;
    remove_folder(outage->folder);
    _exit(0);
}

bool start_janitor(struct outage *outage) {
    const char *base = getenv("XDG_RUNTIME_DIR");
    int ends[2];

    if (base == NULL || access(base, W_OK) != 0)
        base = "/tmp";
    snprintf(outage->folder, sizeof(outage->folder), "%s/switchgear-outage-XXXXXX", base);
    if (pipe2(ends, O_CLOEXEC) != 0 || mkdtemp(outage->folder) == NULL)
        return complain(outage->folder);
    snprintf(outage->panel_path, sizeof(outage->panel_path), "%s/panel", outage->folder);
    outage->janitor_pid = fork();
    if (outage->janitor_pid == 0) {
        close(ends[1]);
        run_janitor(outage, ends[0]);
    }
    close(ends[0]);
    outage->janitor = ends[1];
    if (outage->janitor_pid > 0)
        return true;
    rmdir(outage->folder);
    return complain("fork");
}

#define ARGUMENTS_MAX 16

static _Noreturn void run_server(const struct outage *outage, int side,
                                 const char *const *arguments, int out, pid_t parent) {
    char port[16], *all[ARGUMENTS_MAX] = { "server", "--port", port };

    become_child(parent);
    snprintf(port, sizeof(port), "%d", outage->ports[side]);
    for (int i = 0; arguments[i] != NULL && i + 4 < ARGUMENTS_MAX; i++)
        all[i + 3] = (char *)(uintptr_t)arguments[i];
    dup2(out, STDOUT_FILENO);
    execv(outage->server_path, all);
    complain(outage->server_path);
    _exit(1);
}

/* The server says where it listens once it does. */
static bool read_port(int from, int *port) {
    FILE *file = fdopen(from, "r");
    bool found = file != NULL && fscanf(file, "http://127.0.0.1:%d/", port) == 1;

    if (file != NULL)
        fclose(file);
    return found;
}

bool start_server(struct outage *outage, int side, const char *const *arguments) {
    pid_t parent = getpid();
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return complain("pipe");
    outage->servers[side] = fork();
    if (outage->servers[side] == 0)
        run_server(outage, side, arguments, ends[1], parent);
    close(ends[1]);
    return (outage->servers[side] > 0 && read_port(ends[0], &outage->ports[side])) ||
           complain("the server");
}

bool start_worker(struct outage *outage, int side, int number) {
    pid_t parent = getpid(), pid = fork();

    if (pid == 0) {
        become_child(parent);
        close(outage->janitor);
        if (outage->act == SECOND_ACT)
            run_burst_worker(outage, side, number);
        run_worker(outage, side, number);
    }
    outage->workers[side][number] = pid;
    return pid > 0 || complain("fork");
}

void signal_servers(const struct outage *outage, int number) {
    for (int side = 0; side < SIDES; side++)
        if (outage->servers[side] > 0)
            kill(outage->servers[side], number);
}

void kill_servers(struct outage *outage) {
    signal_servers(outage, SIGKILL);
    for (int side = 0; side < SIDES; side++) {
        if (outage->servers[side] > 0)
            waitpid(outage->servers[side], NULL, 0);
        outage->servers[side] = 0;
    }
}

static void kill_workers(struct outage *outage) {
    for (int i = 0; i < SIDES * WORKERS; i++) {
        pid_t *worker = &outage->workers[i / WORKERS][i % WORKERS];

        if (*worker <= 0)
            continue;
        kill(*worker, SIGKILL);
        waitpid(*worker, NULL, 0);
        *worker = 0;
    }
}

void drop_curtain(struct outage *outage) {
    kill_workers(outage);
    kill_servers(outage);
    outage->circuit = NULL;
    outage->panel = swg_panel_unref(outage->panel);
}

void stop_everything(struct outage *outage) {
    drop_curtain(outage);
    stop_agent(outage);
    if (outage->janitor_pid <= 0)
        return;
    close(outage->janitor);
    waitpid(outage->janitor_pid, NULL, 0);
}
