/*
 * The agent beside the outage: it watches the panel, keeps state and audit in an SQLite file, and shows it all on a page. No call
 * waits for it, so that it may be missing, or killed to see that.
 */
#include "outage.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LISTEN_FD 3 /* where socket activation hands over the first descriptor */

static const char settings[] = "panel: { path: \"%s\", circuits_max: %d, columns_max: %d }\n"
                               "agent:\n"
                               "  socket: off\n"
                               "  database: \"%s/state.db\"\n"
                               "  tokens_file: \"%s/tokens\"\n"
                               "  public_reads: true\n";

static bool write_settings(const struct outage *outage, const char *path) {
    FILE *file = fopen(path, "we");

    if (file == NULL)
        return complain(path);
    fprintf(file, settings, outage->panel_path, PANEL_CIRCUITS, PANEL_COLUMNS, outage->folder,
            outage->folder);
    return fclose(file) == 0 || complain(path);
}

/* Any free port, found by having it: the agent is handed the socket. */
static int listen_anywhere(int *port) {
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t length = sizeof(here);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&here, length) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&here, &length) != 0) {
        close(fd);
        return -1;
    }
    *port = ntohs(here.sin_port);
    return fd;
}

static void become(const char *file, int fd) {
    int out = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (out < 0 || dup2(out, fd) < 0)
        _exit(1);
}

/* The program prints a new token, and on stderr the line of the tokens' file that knows it. */
static bool make_token(struct outage *outage, const char *program) {
    char token[300], tokens[300];
    pid_t parent = getpid(), pid;
    int status = -1;
    FILE *file;

    snprintf(token, sizeof(token), "%s/token", outage->folder);
    snprintf(tokens, sizeof(tokens), "%s/tokens", outage->folder);
    pid = fork();
    if (pid == 0) {
        become_child(parent);
        become(token, STDOUT_FILENO);
        become(tokens, STDERR_FILENO);
        execl(program, "switchgear", "agent", "--make-token", "you", "admin", (char *)NULL);
        _exit(1);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        return false;
    file = fopen(token, "re");
    if (file == NULL)
        return false;
    status = fscanf(file, "%127s", outage->token);
    fclose(file);
    return status == 1 && unlink(token) == 0;
}

static _Noreturn void run_agent(const struct outage *outage, const char *program,
                                const char *config, int socket_fd, pid_t parent) {
    char log[300], pid[16];

    become_child(parent);
    snprintf(log, sizeof(log), "%s/agent.log", outage->folder);
    become(log, STDERR_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "1", 1);
    if (socket_fd == LISTEN_FD)
        fcntl(socket_fd, F_SETFD, 0);
    else
        dup2(socket_fd, LISTEN_FD);
    execl(program, "switchgear", "agent", "--config", config, (char *)NULL);
    _exit(1);
}

bool start_agent(struct outage *outage) {
    char program[600], config[300];
    pid_t parent = getpid();
    int fd;

    snprintf(config, sizeof(config), "%s/switchgear.yaml", outage->folder);
    if (!program_path(outage, program, sizeof(program)) || !make_token(outage, program)) {
        printf(" (No agent, and no page: the program is missing here, or was built without.)\n\n");
        return true;
    }
    fd = write_settings(outage, config) ? listen_anywhere(&outage->agent_port) : -1;
    if (fd < 0)
        return complain("a socket for the agent");
    outage->agent = fork();
    if (outage->agent == 0)
        run_agent(outage, program, config, fd, parent);
    close(fd);
    return outage->agent > 0 || complain("the agent");
}

void print_addresses(const struct outage *outage) {
    if (outage->agent <= 0)
        return;
    printf(" An agent watches, while this runs:\n\n"
           "    http://127.0.0.1:%d/          the dashboard\n"
           "    http://127.0.0.1:%d/metrics   for Prometheus\n"
           "    http://127.0.0.1:%d/health    for people and load balancers\n\n"
           " The token for the dashboard's buttons:\n\n    %s\n\n",
           outage->agent_port, outage->agent_port, outage->agent_port, outage->token);
    fflush(stdout);
}

/* Told to, it writes what it still has to write. */
void stop_agent(struct outage *outage) {
    if (outage->agent <= 0)
        return;
    kill(outage->agent, SIGTERM);
    kill(outage->agent, SIGCONT);
    waitpid(outage->agent, NULL, 0);
    outage->agent = 0;
}
