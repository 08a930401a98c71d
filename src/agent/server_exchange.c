/* A request is collected, bounded in every direction, dispatched once it is whole, and its answer handed back. */
#include "agent/server_exchange.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "agent/log.h"
#include "base/text.h"

/* So much more than the most is read, to be able to say that it is too much; then the line is cut. */
#define OVERFLOW_MAX (4u * SWGI_BODY_MAX)
#define CSP                                                                                        \
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src " \
    "'none'"

struct exchange {
    struct swgi_link *link;
    struct MHD_Connection *handle;
    struct swgi_connection *client;
    uint64_t begun;
    char uri[SWGI_URI_MAX + 1];
    int refused;
    const char *refused_why;
    bool is_begun, is_dispatched;
    char method[16];
    char *body;
    size_t body_size, body_room, received;
    struct swgi_request request;
    struct swgi_answer answer;
    uv_work_t work;
    bool is_working, is_done, is_gone;
};

/* ---- who */

static void read_unix_peer(struct swgi_peer *peer, int fd, const struct swgi_listener *listener) {
    struct swgi_peer_credentials credentials;
    char buffer[2048];
    struct passwd entry, *found = NULL;

    peer->is_unix = true;
    snprintf(peer->text, sizeof(peer->text), "unix");
    if (swgi_listen_peer(fd, listener->group, &credentials) != 0)
        return;
    snprintf(peer->text, sizeof(peer->text), "uid %u", (unsigned)credentials.uid);
    if (getpwuid_r(credentials.uid, &entry, buffer, sizeof(buffer), &found) == 0 && found)
        swgi_copy_text(peer->user, sizeof(peer->user), found->pw_name);
    else
        swgi_copy_text(peer->user, sizeof(peer->user), peer->text);
    if (credentials.uid == 0 || credentials.uid == geteuid())
        peer->role = SWGI_ROLE_ADMIN;
    else
        peer->role = credentials.in_group ? SWGI_ROLE_OPERATOR : SWGI_ROLE_NONE;
}

void swgi_peer_read(struct swgi_peer *peer, struct MHD_Connection *handle, int fd,
                    const struct swgi_listener *listener) {
    const union MHD_ConnectionInfo *info;

    if (listener->is_unix) {
        read_unix_peer(peer, fd, listener);
        return;
    }
    info = MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info && info->client_addr->sa_family == AF_INET6)
        inet_ntop(AF_INET6,
                  &((const struct sockaddr_in6 *)(const void *)info->client_addr)->sin6_addr,
                  peer->text, sizeof(peer->text));
    else if (info && info->client_addr->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)info->client_addr)->sin_addr,
                  peer->text, sizeof(peer->text));
}

/* ---- reading */

static struct swgi_connection *client_of(struct MHD_Connection *handle) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(handle, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

void *swgi_exchange_begin(void *arg, const char *uri, struct MHD_Connection *handle) {
    struct exchange *exchange = calloc(1, sizeof(*exchange));

    if (!exchange)
        return NULL;
    exchange->link = arg;
    exchange->handle = handle;
    exchange->client = client_of(handle);
    exchange->begun = uv_hrtime();
    exchange->refused = -1;
    if (strlen(uri) > SWGI_URI_MAX)
        exchange->refused = SWGI_PROBLEM_URI_TOO_LONG;
    snprintf(exchange->uri, sizeof(exchange->uri), "%s", uri);
    if (exchange->client)
        exchange->client->is_busy = true;
    return exchange;
}

static enum MHD_Result add_length(void *arg, enum MHD_ValueKind kind, const char *key,
                                  const char *value) {
    (void)kind;
    *(size_t *)arg += strlen(key) + (value ? strlen(value) : 0) + 4;
    return MHD_YES;
}

/* Who is who, and from where, is said once, or not at all where that may be: two who read the first and the last would not agree. */
struct once {
    unsigned times[SWGI_HEADERS];
};

static enum MHD_Result count_header(void *arg, enum MHD_ValueKind kind, const char *key,
                                    const char *value) {
    (void)kind;
    (void)value;
    for (int i = 0; i < SWGI_HEADERS; i++)
        ((struct once *)arg)->times[i] += strcasecmp(key, swgi_header_name(i)) == 0;
    return MHD_YES;
}

static const char *said_wrongly(struct exchange *exchange, const char *version) {
    struct once once = { { 0 } };

    MHD_get_connection_values(exchange->handle, MHD_HEADER_KIND, count_header, &once);
    if (once.times[SWGI_HEADER_HOST] == 0 && strcmp(version, MHD_HTTP_VERSION_1_0) != 0)
        return "Host is missing, which only HTTP/1.0 may leave out"; /* RFC 9112, 3.2 */
    return once.times[SWGI_HEADER_HOST] > 1            ? "Host is there twice"
           : once.times[SWGI_HEADER_ORIGIN] > 1        ? "Origin is there twice"
           : once.times[SWGI_HEADER_AUTHORIZATION] > 1 ? "Authorization is there twice"
                                                       : NULL;
}

static const char *header(struct exchange *exchange, const char *name) {
    return MHD_lookup_connection_value(exchange->handle, MHD_HEADER_KIND, name);
}

/* What can be refused before the body has come. */
static void look_at_headers(struct exchange *exchange, const char *version) {
    const char *length = header(exchange, "Content-Length");
    size_t headers = 0;
    uint64_t number = 0;

    MHD_get_connection_values(exchange->handle, MHD_HEADER_KIND, add_length, &headers);
    if (headers > SWGI_HEADERS_MAX)
        exchange->refused = SWGI_PROBLEM_HEADERS_TOO_LARGE;
    if (length && (swgi_integer_parse(length, &number) != 0 || number > SWGI_BODY_MAX))
        exchange->refused = SWGI_PROBLEM_TOO_LARGE;
    if (exchange->refused >= 0)
        return;
    exchange->refused_why = said_wrongly(exchange, version);
    if (exchange->refused_why)
        exchange->refused = SWGI_PROBLEM_BAD_REQUEST;
}

/* false: it sends more than anybody wants to throw away. */
static bool add_body(struct exchange *exchange, const char *data, size_t size) {
    exchange->received += size;
    if (exchange->received > SWGI_BODY_MAX) {
        exchange->refused = SWGI_PROBLEM_TOO_LARGE;
        return exchange->received <= OVERFLOW_MAX;
    }
    if (exchange->received > exchange->body_room) {
        size_t room = exchange->received < 1024 ? 1024 : SWGI_BODY_MAX;
        char *more = realloc(exchange->body, room);

        if (!more)
            return false;
        exchange->body = more;
        exchange->body_room = room;
    }
    memcpy(exchange->body + exchange->body_size, data, size);
    exchange->body_size += size;
    return true;
}

/* ---- answering */

static void free_text(void *text) {
    swgi_text_unref(text);
}

static struct MHD_Response *plain_response(struct swgi_answer *answer) {
    struct swgi_text *text = answer->text;
    union {
        const char *in;
        void *out;
    } bytes = { text ? text->at : "" };

    if (!text)
        return MHD_create_response_from_buffer(0, bytes.out, MHD_RESPMEM_PERSISTENT);
    return MHD_create_response_from_buffer_with_free_callback_cls(text->size, bytes.out, free_text,
                                                                  swgi_text_ref(text));
}

static void add_headers(struct MHD_Response *response, const struct exchange *exchange) {
    const struct swgi_answer *answer = &exchange->answer;
    bool says_cache = false;

    for (unsigned i = 0; i < answer->headers_count; i++) {
        says_cache |= strcmp(answer->headers[i].name, "Cache-Control") == 0;
        MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
    }
    if (answer->type)
        MHD_add_response_header(response, "Content-Type", answer->type);
    if (!says_cache)
        MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "Content-Security-Policy", CSP);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    if (exchange->link->server->is_draining)
        MHD_add_response_header(response, "Connection", "close");
}

/* The access log: every request, and nothing of its query or headers. */
static void log_access(const struct exchange *exchange) {
    const struct swgi_answer *answer = &exchange->answer;
    char path[512];
    struct swgi_log_fields fields = { .context = "access",
                                      .path = path,
                                      .user = exchange->request.user,
                                      .remote = exchange->client->peer.text,
                                      .status = answer->status };

    snprintf(path, sizeof(path), "%.*s", (int)strcspn(exchange->uri, "?"), exchange->uri);
    swgi_log(SWGI_LOG_INFO, &fields, "%s %d, %zu bytes, %.2f ms, trace %s", exchange->method,
             answer->status, answer->text ? answer->text->size : 0,
             (double)(uv_hrtime() - exchange->begun) / 1e6, exchange->request.trace_id);
}

static void count(struct swgi_server *server, int status) {
    int class = status / 100;

    server->counts.requests[class >= 1 && class <= 5 ? class : 5]++;
}

static struct MHD_Response *stream_response(struct exchange *exchange) {
    struct MHD_Response *response = swgi_stream_open(exchange->link->server, exchange->handle,
                                                     exchange->client, &exchange->answer.stream);

    if (response)
        return response;
    swgi_answer_header(&exchange->answer, "Retry-After", "5");
    swgi_answer_problem(&exchange->answer, &exchange->request, SWGI_PROBLEM_BUSY,
                        "there are %u streams already", SWGI_STREAMS_MAX);
    exchange->answer.stream.wanted = false;
    return plain_response(&exchange->answer);
}

static enum MHD_Result give(struct exchange *exchange) {
    struct swgi_answer *answer = &exchange->answer;
    struct MHD_Response *response = answer->stream.wanted && strcmp(exchange->method, "HEAD") != 0
                                        ? stream_response(exchange)
                                        : plain_response(answer);
    enum MHD_Result result;

    if (!response)
        return MHD_NO;
    add_headers(response, exchange);
    count(exchange->link->server, answer->status);
    log_access(exchange);
    swgi_connection_expect(exchange->client, !answer->stream.wanted);
    result = MHD_queue_response(exchange->handle, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    swgi_answer_deinit(answer);
    return result;
}

/* ---- work on another thread */

static void free_exchange(struct exchange *exchange) {
    free(exchange->body);
    free(exchange);
}

static void do_work(uv_work_t *work) {
    struct exchange *exchange = work->data;

    exchange->answer.job->work(exchange->answer.job);
}

static void after_work(uv_work_t *work, int status) {
    struct exchange *exchange = work->data;

    (void)status;
    exchange->link->server->jobs--;
    exchange->is_working = false;
    exchange->is_done = true;
    exchange->answer.job->finish(exchange->answer.job, &exchange->request, &exchange->answer);
    exchange->answer.job = NULL;
    if (exchange->is_gone) {
        swgi_answer_deinit(&exchange->answer);
        free_exchange(exchange);
        return;
    }
    MHD_resume_connection(exchange->handle);
    swgi_link_run(exchange->link);
}

static enum MHD_Result begin_work(struct exchange *exchange) {
    struct swgi_job *job = exchange->answer.job;

    exchange->work.data = exchange;
    if (uv_queue_work(&exchange->link->server->agent->loop, &exchange->work, do_work, after_work) !=
        0) {
        job->work(job);
        job->finish(job, &exchange->request, &exchange->answer);
        exchange->answer.job = NULL;
        return give(exchange);
    }
    exchange->link->server->jobs++;
    exchange->is_working = true;
    swgi_connection_expect(exchange->client, false);
    MHD_suspend_connection(exchange->handle);
    return MHD_YES;
}

/* ---- the request as a whole */

static enum MHD_Result dispatch(struct exchange *exchange) {
    struct swgi_request *request = &exchange->request;
    char *question = strchr(exchange->uri, '?');

    exchange->is_dispatched = true;
    exchange->client->requests++;
    if (question)
        *question = '\0';
    *request = (struct swgi_request){ .method = exchange->method,
                                      .path = exchange->uri,
                                      .query = question ? question + 1 : "",
                                      .body = exchange->body,
                                      .body_size = exchange->body_size,
                                      .peer = &exchange->client->peer,
                                      .refused = exchange->refused,
                                      .refused_why = exchange->refused_why };
    for (int i = 0; i < SWGI_HEADERS; i++)
        request->headers[i] = header(exchange, swgi_header_name(i));
    swgi_admin_answer(exchange->link->server->agent, request, &exchange->answer);
    return exchange->answer.job ? begin_work(exchange) : give(exchange);
}

enum MHD_Result swgi_exchange_handle(void *arg, struct MHD_Connection *handle, const char *url,
                                     const char *method, const char *version, const char *data,
                                     size_t *size, void **context) {
    struct exchange *exchange = *context;

    (void)arg;
    (void)handle;
    (void)url;
    if (!exchange || !exchange->client)
        return MHD_NO;
    if (exchange->is_done)
        return give(exchange);
    if (!exchange->is_begun) {
        exchange->is_begun = true;
        snprintf(exchange->method, sizeof(exchange->method), "%s", method);
        look_at_headers(exchange, version);
        return exchange->refused >= 0 ? dispatch(exchange) : MHD_YES;
    }
    if (*size > 0) {
        size_t length = *size;

        *size = 0;
        return add_body(exchange, data, length) ? MHD_YES : MHD_NO;
    }
    return exchange->is_dispatched ? MHD_YES : dispatch(exchange);
}

void swgi_exchange_completed(void *arg, struct MHD_Connection *handle, void **context,
                             enum MHD_RequestTerminationCode code) {
    struct exchange *exchange = *context;

    (void)arg;
    (void)handle;
    (void)code;
    *context = NULL;
    if (!exchange)
        return;
    if (exchange->client) {
        exchange->client->is_busy = false;
        swgi_connection_expect(exchange->client, true);
    }
    if (exchange->is_working)
        exchange->is_gone = true;
    else
        free_exchange(exchange);
}
