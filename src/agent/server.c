/*
 * libmicrohttpd on the agent's loop. A client has agent.request_timeout from connecting, or from its last answer, until its request
 * is whole, and as long again to take the answer; however slowly bytes trickle, the sum counts.
 */
#include "agent/server_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/log.h"
#include "agent/server_exchange.h"
#include "base/error.h"

#define CONNECTION_MEMORY 24576u
/* What the kernel holds for a client: so much goes stale when it does not read. */
#define SEND_BUFFER 131072

int swgi_server_new(struct swgi_server **out, struct swgi_agent *agent) {
    struct swgi_server *server = calloc(1, sizeof(*server));

    if (!server)
        return -ENOMEM;
    server->agent = agent;
    *out = server;
    return 0;
}

unsigned swgi_server_listeners(const struct swgi_server *server) {
    return server->links_count;
}

const struct swgi_listener *swgi_server_listener(const struct swgi_server *server, unsigned index) {
    return &server->links[index].listener;
}

void swgi_server_counts(const struct swgi_server *server, struct swgi_server_counts *out) {
    *out = server->counts;
}

/* ---- the loop */

static void on_timer(uv_timer_t *timer) {
    swgi_link_run(timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    swgi_link_run(poll->data);
}

void swgi_link_run(struct swgi_link *link) {
    MHD_UNSIGNED_LONG_LONG timeout;

    if (!link->daemon)
        return;
    MHD_run(link->daemon);
    if (MHD_get_timeout(link->daemon, &timeout) == MHD_YES)
        uv_timer_start(&link->timer, on_timer, timeout, 0);
    else
        uv_timer_stop(&link->timer);
}

/* ---- clients */

static uint64_t patience_ms(const struct swgi_server *server) {
    return (uint64_t)server->agent->file->agent.request_timeout / 1000000;
}

void swgi_connection_expect(struct swgi_connection *connection, bool something) {
    struct swgi_server *server = connection->link->server;

    connection->deadline_ms = something ? uv_now(&server->agent->loop) + patience_ms(server) : 0;
}

static void bound_buffer(int fd) {
    int size = SEND_BUFFER;

    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static void add_connection(struct swgi_link *link, struct MHD_Connection *handle, void **context) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct swgi_connection *connection = calloc(1, sizeof(*connection));

    *context = connection;
    if (!connection)
        return;
    connection->link = link;
    connection->fd = info ? info->connect_fd : -1;
    bound_buffer(connection->fd);
    connection->next = link->server->connections;
    if (connection->next)
        connection->next->previous = connection;
    link->server->connections = connection;
    link->server->counts.connections++;
    swgi_connection_expect(connection, true);
    swgi_peer_read(&connection->peer, handle, connection->fd, &link->listener);
}

static void remove_connection(struct swgi_connection *connection) {
    struct swgi_server *server = connection->link->server;

    if (connection->requests == 0)
        server->counts.refused++;
    *(connection->previous ? &connection->previous->next : &server->connections) = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    server->counts.connections--;
    free(connection);
}

static void on_connection(void *arg, struct MHD_Connection *handle, void **context,
                          enum MHD_ConnectionNotificationCode code) {
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        add_connection(arg, handle, context);
    else if (*context)
        remove_connection(*context);
}

/* The library sees the end of a connection that we shut down, and cleans up after it. */
static void cut(struct swgi_connection *connection) {
    connection->was_cut = true;
    shutdown(connection->fd, SHUT_RDWR);
}

static void cut_slow(struct swgi_server *server) {
    uint64_t now = uv_now(&server->agent->loop);

    for (struct swgi_connection *c = server->connections; c; c = c->next) {
        struct swgi_log_fields fields = { .context = "admin", .remote = c->peer.text };

        if (c->was_cut || c->deadline_ms == 0 || now < c->deadline_ms)
            continue;
        if (c->requests == 0 || c->is_busy)
            swgi_log(SWGI_LOG_WARNING, &fields, "a client is cut off: %s within %llu ms",
                     c->is_busy ? "it did not finish" : "it asked for nothing",
                     (unsigned long long)patience_ms(server));
        cut(c);
    }
}

void swgi_server_tick(struct swgi_server *server) {
    cut_slow(server);
    swgi_streams_tick(server);
    for (unsigned i = 0; i < server->links_count; i++)
        swgi_link_run(&server->links[i]);
}

/* ---- listeners */

static void on_message(void *arg, const char *format, va_list arguments) {
    struct swgi_log_fields fields = { .context = "admin" };
    char text[256];

    (void)arg;
    vsnprintf(text, sizeof(text), format, arguments);
    text[strcspn(text, "\n")] = '\0';
    swgi_log(SWGI_LOG_DEBUG, &fields, "%s", text);
}

/* Paths are taken apart before escapes are undone, or %2F would be a slash. */
static size_t leave_escaped(void *arg, struct MHD_Connection *connection, char *text) {
    (void)arg;
    (void)connection;
    return strlen(text);
}

static struct MHD_Daemon *start(struct swgi_link *link) {
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;

    return MHD_start_daemon(
        flags, 0, NULL, NULL, swgi_exchange_handle, link, MHD_OPTION_EXTERNAL_LOGGER, on_message,
        NULL, MHD_OPTION_LISTEN_SOCKET, link->listener.fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)link->server->agent->file->agent.connections_max,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_NOTIFY_CONNECTION, on_connection, link,
        MHD_OPTION_NOTIFY_COMPLETED, swgi_exchange_completed, link, MHD_OPTION_URI_LOG_CALLBACK,
        swgi_exchange_begin, link, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
        MHD_OPTION_END);
}

static int attach(struct swgi_link *link, struct swg_error *error) {
    const union MHD_DaemonInfo *info;
    uv_loop_t *loop = &link->server->agent->loop;

    info = MHD_get_daemon_info(link->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info || uv_poll_init(loop, &link->poll, info->listen_fd) != 0)
        return swgi_fail(error, -EIO, link->listener.name, "cannot watch the HTTP server");
    uv_timer_init(loop, &link->timer);
    link->poll.data = link->timer.data = link;
    uv_poll_start(&link->poll, UV_READABLE, on_poll);
    return 0;
}

int swgi_server_listen(struct swgi_server *server, struct swgi_listener *listener,
                       struct swg_error *error) {
    struct swgi_link *link = &server->links[server->links_count];
    int rc = 0;

    if (server->links_count == SWGI_LISTENERS_MAX) {
        swgi_listen_close(listener);
        return swgi_fail(error, -ENOSPC, listener->name, "more than %u sockets to listen on",
                         SWGI_LISTENERS_MAX);
    }
    *link = (struct swgi_link){ .server = server, .listener = *listener };
    link->daemon = start(link);
    if (!link->daemon) {
        swgi_listen_close(&link->listener);
        return swgi_fail(error, -EIO, listener->name, "cannot start an HTTP server on it");
    }
    rc = attach(link, error);
    if (rc != 0) {
        MHD_stop_daemon(link->daemon);
        return rc;
    }
    server->links_count++;
    swgi_link_run(link);
    return 0;
}

/* ---- the end */

void swgi_server_drain(struct swgi_server *server) {
    if (server->is_draining)
        return;
    server->is_draining = true;
    for (unsigned i = 0; i < server->links_count; i++) {
        MHD_quiesce_daemon(server->links[i].daemon);
        swgi_listen_close(&server->links[i].listener);
    }
    swgi_streams_end(server);
    (void)swgi_server_is_idle(server);
}

/* Those who have their answer and only stay connected are not waited for. */
bool swgi_server_is_idle(struct swgi_server *server) {
    for (struct swgi_connection *c = server->connections; c; c = c->next) {
        if (!c->is_busy && !c->was_cut)
            cut(c);
    }
    for (unsigned i = 0; i < server->links_count; i++)
        swgi_link_run(&server->links[i]);
    return server->connections == NULL;
}

bool swgi_server_has_jobs(const struct swgi_server *server) {
    return server->jobs > 0;
}

/* What is suspended must go on before the daemon stops, or it aborts the process. */
void swgi_server_stop(struct swgi_server *server) {
    swgi_server_drain(server);
    for (struct swgi_connection *c = server->connections; c; c = c->next)
        cut(c);
    for (unsigned i = 0; i < server->links_count; i++) {
        struct swgi_link *link = &server->links[i];

        swgi_link_run(link);
        uv_poll_stop(&link->poll);
        uv_close((uv_handle_t *)&link->poll, NULL);
        uv_close((uv_handle_t *)&link->timer, NULL);
        MHD_stop_daemon(link->daemon);
        link->daemon = NULL;
    }
}

struct swgi_server *swgi_server_free(struct swgi_server *server) {
    if (server)
        swgi_text_unref(server->tick);
    free(server);
    return NULL;
}
