/* One thread, one poll; what other threads ask for and what they are told goes through one lock. */
#include "fault_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 100

struct connection {
    size_t length;
    char request[4096];
    bool hung;
};

struct fault_server {
    pthread_t thread;
    int port, count;
    struct pollfd polled[CONNECTIONS_MAX + 2]; /* the listener, the order to stop, connections */
    struct connection connections[CONNECTIONS_MAX + 2];
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    char *answer;
    int then, requests, connected, open;
    char last[4096];
};

enum { LISTENER, STOP, FIRST };

static void reset(int fd) {
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static void disconnect(struct fault_server *server, int index) {
    close(server->polled[index].fd);
    server->count--;
    server->polled[index] = server->polled[server->count];
    server->connections[index] = server->connections[server->count];
    server->open--;
    pthread_cond_broadcast(&server->changed);
}

static void welcome(struct fault_server *server) {
    int fd = accept4(server->polled[LISTENER].fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return;
    server->connected++;
    if (server->then == FAULT_DEAF || server->count == CONNECTIONS_MAX + FIRST) {
        reset(fd);
        close(fd);
        return;
    }
    server->polled[server->count] = (struct pollfd){ .fd = fd, .events = POLLIN };
    server->connections[server->count] = (struct connection){ .hung = server->then == FAULT_GREET };
    if (server->then == FAULT_GREET)
        send(fd, server->answer, strlen(server->answer), MSG_NOSIGNAL);
    server->count++;
    server->open++;
    pthread_cond_broadcast(&server->changed);
}

/* true: the connection goes on. */
static bool answer(struct fault_server *server, int index) {
    struct connection *connection = &server->connections[index];
    size_t length = strlen(server->answer);

    memcpy(server->last, connection->request, sizeof(server->last));
    server->requests++;
    connection->length = 0;
    connection->hung = server->then == FAULT_HANG;
    if (send(server->polled[index].fd, server->answer, length, MSG_NOSIGNAL) != (ssize_t)length)
        return false;
    if (server->then == FAULT_RESET)
        reset(server->polled[index].fd);
    return server->then == FAULT_KEEP || server->then == FAULT_HANG;
}

static bool receive(struct fault_server *server, int index) {
    struct connection *connection = &server->connections[index];
    size_t room = sizeof(connection->request) - 1 - connection->length;
    ssize_t count = recv(server->polled[index].fd, connection->request + connection->length, room,
                         MSG_DONTWAIT);

    if (count <= 0)
        return false;
    connection->length += (size_t)count;
    connection->request[connection->length] = '\0';
    if (connection->hung)
        connection->length = 0;
    if (connection->hung || strstr(connection->request, "\r\n\r\n") == NULL)
        return connection->length < sizeof(connection->request) - 1;
    return answer(server, index);
}

static void *run(void *arg) {
    struct fault_server *server = arg;

    while (poll(server->polled, (nfds_t)server->count, -1) > 0 &&
           server->polled[STOP].revents == 0) {
        pthread_mutex_lock(&server->lock);
        for (int i = server->count - 1; i >= FIRST; i--)
            if (server->polled[i].revents != 0 && !receive(server, i))
                disconnect(server, i);
        if (server->polled[LISTENER].revents != 0)
            welcome(server);
        pthread_mutex_unlock(&server->lock);
    }
    return NULL;
}

static int listen_somewhere(int *port) {
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        return -1;
    *port = ntohs(address.sin_port);
    return fd;
}

struct fault_server *fault_server_start(void) {
    struct fault_server *server = calloc(1, sizeof(*server));

    if (server == NULL)
        return NULL;
    server->answer = strdup("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n");
    server->count = FIRST;
    server->polled[LISTENER] =
        (struct pollfd){ .fd = listen_somewhere(&server->port), .events = POLLIN };
    server->polled[STOP] = (struct pollfd){ .fd = eventfd(0, EFD_CLOEXEC), .events = POLLIN };
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    if (server->polled[LISTENER].fd >= 0 && pthread_create(&server->thread, NULL, run, server) == 0)
        return server;
    free(server->answer);
    free(server);
    return NULL;
}

void fault_server_stop(struct fault_server *server) {
    eventfd_write(server->polled[STOP].fd, 1);
    pthread_join(server->thread, NULL);
    for (int i = 0; i < server->count; i++)
        close(server->polled[i].fd);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server->answer);
    free(server);
}

int fault_server_port(const struct fault_server *server) {
    return server->port;
}

void fault_server_answer(struct fault_server *server, const char *bytes, int then) {
    pthread_mutex_lock(&server->lock);
    free(server->answer);
    server->answer = strdup(bytes); /* the story may end before the thread is done with it */
    server->then = then;
    pthread_mutex_unlock(&server->lock);
}

static int read_locked(struct fault_server *server, const int *value) {
    int copy;

    pthread_mutex_lock(&server->lock);
    copy = *value;
    pthread_mutex_unlock(&server->lock);
    return copy;
}

int fault_server_requests(struct fault_server *server) {
    return read_locked(server, &server->requests);
}

int fault_server_connections(struct fault_server *server) {
    return read_locked(server, &server->connected);
}

char *fault_server_request(struct fault_server *server) {
    char *copy;

    pthread_mutex_lock(&server->lock);
    copy = strdup(server->last);
    pthread_mutex_unlock(&server->lock);
    return copy;
}

int fault_server_wait_open(struct fault_server *server, int open) {
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_lock(&server->lock);
    while (server->open != open && rc == 0)
        rc = pthread_cond_timedwait(&server->changed, &server->lock, &until);
    pthread_mutex_unlock(&server->lock);
    return rc == 0 ? 0 : -1;
}
