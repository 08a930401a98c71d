/*
 * A small HTTP/1.1 server to break. It answers every GET with "ok" after a while, on a port of 127.0.0.1 that it prints.
 *
 *     server [--port N] [--mode healthy|slow|errors] [--threads N]
 *     kill -USR1 (slow)   kill -USR2 (healthy)   kill -HUP (errors)   kill -STOP (hung)   kill -KILL (dead)
 *
 * A few threads share one epoll: as many requests are served at a time as there are threads, however many connections wait.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEALTHY, SLOW, ERRORS, MODES };
static const char *const mode_names[MODES] = { "healthy", "slow", "errors" };
static const long service_ms[MODES] = { 3, 400, 1 };
static atomic_int mode = HEALTHY; /* lock-free, so a signal's handler may set it */

struct connection {
    int fd;
    size_t length;
    char request[4096];
};

static struct { int epoll, listener; } server;

static void on_signal(int number) {
    mode = number == SIGUSR1 ? SLOW : number == SIGUSR2 ? HEALTHY : ERRORS;
}

static void rearm(int operation, int fd, struct connection *connection) {
    struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT, .data.ptr = connection };

    epoll_ctl(server.epoll, operation, fd, &event);
}

static void disconnect(struct connection *connection) {
    close(connection->fd);
    free(connection);
}

static void work(int as) {
    struct timespec left = { .tv_sec = service_ms[as] / 1000,
                             .tv_nsec = service_ms[as] % 1000 * 1000000 };

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

static bool answer(struct connection *connection, const char *status, bool last) {
    char text[160];
    int length =
        snprintf(text, sizeof(text),
                 "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n%s\r\nok\n",
                 status, last ? "Connection: close\r\n" : "");

    return send(connection->fd, text, (size_t)length, MSG_NOSIGNAL) == length && !last;
}

/* One request out of the buffer; false when the connection is at its end. */
static bool serve(struct connection *connection, char *end) {
    bool last = strstr(connection->request, "HTTP/1.0\r\n") != NULL ||
                strcasestr(connection->request, "\r\nConnection: close") != NULL;
    int as = mode;

    if (strncmp(connection->request, "GET ", 4) != 0)
        return answer(connection, "405 Method Not Allowed", true);
    work(as);
    connection->length -= (size_t)(end - connection->request);
    memmove(connection->request, end, connection->length + 1);
    return answer(connection, as == ERRORS ? "500 Internal Server Error" : "200 OK", last);
}

static bool receive(struct connection *connection) {
    size_t room = sizeof(connection->request) - 1 - connection->length;
    ssize_t count =
        recv(connection->fd, connection->request + connection->length, room, MSG_DONTWAIT);
    char *end;

    if (count < 0)
        return errno == EAGAIN || errno == EINTR;
    if (count == 0)
        return false;
    connection->length += (size_t)count;
    connection->request[connection->length] = '\0';
    while ((end = strstr(connection->request, "\r\n\r\n")) != NULL) {
        end[2] = '\0';
        if (!serve(connection, end + 4))
            return false;
    }
    return connection->length < sizeof(connection->request) - 1;
}

static void welcome(void) {
    struct connection *connection = calloc(1, sizeof(*connection));
    int fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC), on = 1;

    rearm(EPOLL_CTL_MOD, server.listener, NULL);
    if (connection == NULL || fd < 0) {
        free(connection);
        if (fd >= 0)
            close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    connection->fd = fd;
    rearm(EPOLL_CTL_ADD, fd, connection);
}

static void *run(void *unused) {
    struct epoll_event event;

    for (;;) {
        if (epoll_wait(server.epoll, &event, 1, -1) != 1)
            continue;
        if (event.data.ptr == NULL)
            welcome();
        else if (receive(event.data.ptr))
            rearm(EPOLL_CTL_MOD, ((struct connection *)event.data.ptr)->fd, event.data.ptr);
        else
            disconnect(event.data.ptr);
    }
    return unused;
}

static int listen_on(int port) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    socklen_t length = sizeof(address);
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(server.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(server.listener, (struct sockaddr *)&address, length) != 0 ||
        listen(server.listener, 128) != 0 ||
        getsockname(server.listener, (struct sockaddr *)&address, &length) != 0)
        return -1;
    return ntohs(address.sin_port);
}

static void handle_signals(void) {
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static int usage(void) {
    fputs("usage: server [--port N] [--mode healthy|slow|errors] [--threads N]\n", stderr);
    return 64;
}

static bool set_mode(const char *name) {
    for (int i = 0; i < MODES; i++)
        if (strcmp(name, mode_names[i]) == 0) {
            mode = i;
            return true;
        }
    return false;
}

int main(int argc, char **argv) {
    static const struct option options[] = { { "port", 1, NULL, 'p' },
                                             { "mode", 1, NULL, 'm' },
                                             { "threads", 1, NULL, 't' },
                                             { NULL, 0, NULL, 0 } };
    int port = 0, threads = 4, option;
    pthread_t thread;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'p')
            port = atoi(optarg);
        else if (option == 't')
            threads = atoi(optarg);
        else if (option != 'm' || !set_mode(optarg))
            return usage();
    }
    if (optind != argc || port < 0 || port > 65535 || threads < 1 || threads > 64)
        return usage();
    handle_signals();
    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    port = listen_on(port);
    if (server.epoll < 0 || port < 0) {
        perror("server");
        return 1;
    }
    rearm(EPOLL_CTL_ADD, server.listener, NULL);
    printf("http://127.0.0.1:%d/\n", port);
    fflush(stdout);
    for (int i = 1; i < threads; i++)
        if (pthread_create(&thread, NULL, run, NULL) != 0)
            return 1;
    run(NULL);
    return 0;
}
