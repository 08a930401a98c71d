/*
 * A small HTTP/1.1 server to break. It answers every GET with "ok" after a while, on a port of 127.0.0.1 that it prints.
 *
 *     server [--port N] [--mode healthy|slow|errors] [--takes MS] [--threads N] [--queue N] [--errors-every N]
 *     kill -USR1 (slow)   kill -USR2 (healthy)   kill -HUP (errors)   kill -STOP (hung)   kill -KILL (dead)
 *
 * It serves as many requests at a time as it has threads. The others wait in a queue, in the order in which they came; when
 * that is full, nothing is read or accepted any more, and the kernel's backlog is the next queue. As in most servers, nobody
 * notices that a caller has given up: its request costs as much as any other.
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEALTHY, SLOW, ERRORS, MODES };
static const char *const mode_names[MODES] = { "healthy", "slow", "errors" };
static long service_ms[MODES] = { 3, 400, 1 };
static atomic_int mode = HEALTHY; /* lock-free, so a signal's handler may set it */

#define QUEUE_MAX 4096
#define BACKLOG   128

struct connection {
    int fd;
    size_t length;
    char request[4096];
};

static struct { int epoll, listener; } server;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    struct connection *waiting[QUEUE_MAX];
    unsigned first, count, most;
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER,
            .filled = PTHREAD_COND_INITIALIZER,
            .emptied = PTHREAD_COND_INITIALIZER,
            .most = BACKLOG };

/* Of every so many requests one is answered 500; 0: none. */
static unsigned errors_every;
static atomic_uint requests;

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

/* Waits for room: who calls it reads nothing meanwhile. */
static void enqueue(struct connection *connection) {
    pthread_mutex_lock(&queue.lock);
    while (queue.count == queue.most)
        pthread_cond_wait(&queue.emptied, &queue.lock);
    queue.waiting[(queue.first + queue.count++) % QUEUE_MAX] = connection;
    pthread_cond_signal(&queue.filled);
    pthread_mutex_unlock(&queue.lock);
}

static struct connection *dequeue(void) {
    struct connection *connection;

    pthread_mutex_lock(&queue.lock);
    while (queue.count == 0)
        pthread_cond_wait(&queue.filled, &queue.lock);
    connection = queue.waiting[queue.first];
    queue.first = (queue.first + 1) % QUEUE_MAX;
    queue.count--;
    pthread_cond_signal(&queue.emptied);
    pthread_mutex_unlock(&queue.lock);
    return connection;
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

static bool fails(int as) {
    return as == ERRORS || (errors_every != 0 && ++requests % errors_every == 0);
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
    return answer(connection, fails(as) ? "500 Internal Server Error" : "200 OK", last);
}

static bool serve_all(struct connection *connection) {
    char *end;

    while ((end = strstr(connection->request, "\r\n\r\n")) != NULL) {
        end[2] = '\0';
        if (!serve(connection, end + 4))
            return false;
    }
    return true;
}

static void *work_off(void *unused) {
    for (;;) {
        struct connection *connection = dequeue();

        if (serve_all(connection))
            rearm(EPOLL_CTL_MOD, connection->fd, connection);
        else
            disconnect(connection);
    }
    return unused;
}

/* What has come; false when nothing more will, or it is no request. */
static bool receive(struct connection *connection) {
    size_t room = sizeof(connection->request) - 1 - connection->length;
    ssize_t count =
        recv(connection->fd, connection->request + connection->length, room, MSG_DONTWAIT);

    if (count < 0)
        return errno == EAGAIN || errno == EINTR;
    connection->length += (size_t)count;
    connection->request[connection->length] = '\0';
    return count > 0 && connection->length < sizeof(connection->request) - 1;
}

static void hear(struct connection *connection) {
    if (!receive(connection))
        disconnect(connection);
    else if (strstr(connection->request, "\r\n\r\n") != NULL)
        enqueue(connection);
    else
        rearm(EPOLL_CTL_MOD, connection->fd, connection);
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
} /* NOLINT(clang-analyzer-unix.Malloc): epoll keeps it, until it is disconnected */

static _Noreturn void listen_for_ever(void) {
    struct epoll_event event;

    for (;;) {
        if (epoll_wait(server.epoll, &event, 1, -1) != 1)
            continue;
        if (event.data.ptr == NULL)
            welcome();
        else
            hear(event.data.ptr);
    }
}

static int listen_on(int port) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    socklen_t length = sizeof(address);
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(server.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(server.listener, (struct sockaddr *)&address, length) != 0 ||
        listen(server.listener, BACKLOG) != 0 ||
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

/* A crowd needs many descriptors. */
static void allow_connections(void) {
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static int usage(void) {
    fputs("usage: server [--port N] [--mode healthy|slow|errors] [--takes MS] [--threads N]\n"
          "              [--queue N] [--errors-every N]\n"
          "  --takes         how long a healthy answer takes, 0 to 60000; default 3\n"
          "  --threads       so many requests are served at a time, 1 to 64; default 4\n"
          "  --queue         so many more wait for a thread, 1 to 4096; default 128\n"
          "  --errors-every  of so many requests one is answered 500; default 0, none\n",
          stderr);
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

static bool set_number(const char *text, long least, long most, long *out) {
    char *end;
    long number = strtol(text, &end, 10);

    *out = number;
    return *text != '\0' && *end == '\0' && number >= least && number <= most;
}

struct numbers {
    long port, threads, queue, errors_every;
};

static bool set_option(int option, const char *value, struct numbers *numbers) {
    switch (option) {
    case 'p':
        return set_number(value, 0, 65535, &numbers->port);
    case 'm':
        return set_mode(value);
    case 'd':
        return set_number(value, 0, 60000, &service_ms[HEALTHY]);
    case 't':
        return set_number(value, 1, 64, &numbers->threads);
    case 'q':
        return set_number(value, 1, QUEUE_MAX, &numbers->queue);
    case 'e':
        return set_number(value, 0, 1000000, &numbers->errors_every);
    default:
        return false;
    }
}

static bool read_options(int argc, char **argv, struct numbers *numbers) {
    static const struct option options[] = {
        { "port", 1, NULL, 'p' },    { "mode", 1, NULL, 'm' },  { "takes", 1, NULL, 'd' },
        { "threads", 1, NULL, 't' }, { "queue", 1, NULL, 'q' }, { "errors-every", 1, NULL, 'e' },
        { NULL, 0, NULL, 0 }
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!set_option(option, optarg, numbers))
            return false;
    queue.most = (unsigned)numbers->queue;
    errors_every = (unsigned)numbers->errors_every;
    return optind == argc;
}

int main(int argc, char **argv) {
    struct numbers numbers = { .threads = 4, .queue = BACKLOG };
    pthread_t thread;
    int port;

    if (!read_options(argc, argv, &numbers))
        return usage();
    handle_signals();
    allow_connections();
    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    port = listen_on((int)numbers.port);
    if (server.epoll < 0 || port < 0) {
        perror("server");
        return 1;
    }
    rearm(EPOLL_CTL_ADD, server.listener, NULL);
    printf("http://127.0.0.1:%d/\n", port);
    fflush(stdout);
    for (long i = 0; i < numbers.threads; i++)
        if (pthread_create(&thread, NULL, work_off, NULL) != 0)
            return 1;
    listen_for_ever();
}
