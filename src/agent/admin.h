/*
 * The admin interface, without sockets: a request in, an answer out. Routes, roles, errors and the description of all that come
 * from tables/routes.h; admin_server.c brings requests from the network.
 */
#ifndef SWGI_AGENT_ADMIN_H
#define SWGI_AGENT_ADMIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/tokens.h"
#include "report/writer.h"
#include "switchgear/switchgear.h"

struct swgi_agent;
struct swgi_file_circuit;

#define SWGI_BODY_MAX    (16u * 1024u)
#define SWGI_URI_MAX     2048u
#define SWGI_NAME_ROOM   128u
#define SWGI_HOST_ROOM   264u /* DNS allows 254 with the root's dot; a port, brackets */
#define SWGI_HEADERS_MAX (8u * 1024u)

/* Headers that anybody looks at. */
enum swgi_header {
    SWGI_HEADER_AUTHORIZATION,
    SWGI_HEADER_ORIGIN,
    SWGI_HEADER_HOST,
    SWGI_HEADER_CONTENT_TYPE,
    SWGI_HEADER_ACCEPT,
    SWGI_HEADER_IF_NONE_MATCH,
    SWGI_HEADER_LAST_EVENT_ID,
    SWGI_HEADER_TRACEPARENT,
    SWGI_HEADERS
};
const char *swgi_header_name(int header);

enum swgi_problem {
#define SWGI_PROBLEM(name, status, code, title) SWGI_PROBLEM_##name,
#include "tables/problems.h"
#undef SWGI_PROBLEM
    SWGI_PROBLEMS
};

/* Who is at the other end, as far as the connection tells. */
struct swgi_peer {
    bool is_unix;
    int role;                       /* Unix: by its credentials */
    char user[SWGI_TOKEN_USER_MAX]; /* Unix */
    char text[80];                  /* "127.0.0.1", "uid 1000" */
};

struct swgi_route;

struct swgi_request {
    /* As they came; never NULL. path is without the query, both with their %-escapes. */
    const char *method, *path, *query;
    const char *headers[SWGI_HEADERS]; /* NULL: not there */
    const char *body;                  /* NULL: none */
    size_t body_size;
    const struct swgi_peer *peer;
    int refused;             /* a problem the server found while it read the request; -1: none */
    const char *refused_why; /* NULL: as the problem's title */

    /* What the dispatcher finds out. */
    const struct swgi_route *route;
    char authority[SWGI_HOST_ROOM]; /* of a path that came with one, in the place of Host */
    char name[SWGI_NAME_ROOM];      /* {name} of the path, without escapes */
    char user[SWGI_TOKEN_USER_MAX]; /* "": nobody */
    int role;
    const char *source; /* "token", "peer", "public" */
    char trace_id[33];
};

/* Bytes of an answer, shared by counting; on the loop's thread only. */
struct swgi_text {
    unsigned references;
    size_t size;
    char *bytes; /* malloc()ed, or NULL: they are elsewhere and stay there */
    const char *at;
};
struct swgi_text *swgi_text_new(char *bytes, size_t size);
struct swgi_text *swgi_text_static(const void *bytes, size_t size);
struct swgi_text *swgi_text_ref(struct swgi_text *text), *swgi_text_unref(struct swgi_text *text);

/* Work that may take long: work() runs on another thread and touches the job alone, finish() gives the answer and frees it. */
struct swgi_answer;
struct swgi_job {
    void (*work)(struct swgi_job *job);
    void (*finish)(struct swgi_job *job, const struct swgi_request *request,
                   struct swgi_answer *answer);
};

/* An answer that goes on for as long as the client listens. */
struct swgi_stream_wish {
    bool wanted, ticks;
    uint64_t cursor;
    char glob[SWGI_NAME_ROOM]; /* "": all */
    bool is_resumed, is_other_panel;
};

#define SWGI_ANSWER_HEADERS_MAX 4u
struct swgi_answer {
    int status;
    const char *type;
    struct swgi_text *text;
    struct {
        const char *name;
        char value[200];
    } headers[SWGI_ANSWER_HEADERS_MAX];
    unsigned headers_count;
    struct swgi_job *job;
    struct swgi_stream_wish stream;
};

typedef void swgi_handler(struct swgi_agent *agent, struct swgi_request *request,
                          struct swgi_answer *answer);

enum swgi_body { SWGI_BODY_NONE, SWGI_BODY_TRIP, SWGI_BODY_RESET, SWGI_BODY_PROBE, SWGI_BODY_MODE };

enum swgi_input_type {
    SWGI_INPUT_STRING,
    SWGI_INPUT_DURATION,
    SWGI_INPUT_BOOLEAN,
    SWGI_INPUT_MODE_NAME,
    SWGI_INPUT_ACTION,
    SWGI_INPUT_INTEGER
};

enum swgi_answer_type { SWGI_ANSWER_JSON, SWGI_ANSWER_TEXT, SWGI_ANSWER_STREAM };

struct swgi_route {
    const char *method, *path;
    int role; /* SWGI_ROLE_NONE: nobody asks */
    swgi_handler *handler;
    const char *handler_name;
    int body, type; /* enum swgi_body, swgi_answer_type */
    const char *parameters, *summary;
};
const struct swgi_route *swgi_routes(size_t *count);

/* The whole of it but the job, which is the caller's to run. Fills *answer; give it back with swgi_answer_deinit(). */
void swgi_admin_answer(struct swgi_agent *agent, struct swgi_request *request,
                       struct swgi_answer *answer);
void swgi_answer_deinit(struct swgi_answer *answer);

/* ---- for handlers */

void swgi_answer_header(struct swgi_answer *answer, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Takes bytes; NULL: no memory. */
void swgi_answer_bytes(struct swgi_answer *answer, int status, const char *type, char *bytes,
                       size_t size);
/* Takes what was written. */
void swgi_answer_writer(struct swgi_answer *answer, int status, struct swgi_writer *writer);
/* Takes the object. */
void swgi_answer_json(struct swgi_answer *answer, int status, json_t *object);
/* A new problem object for request, for a handler that has more to add; swgi_answer_problem_json() takes it. */
json_t *swgi_problem_new(const struct swgi_request *request, int problem, const char *message);
void swgi_answer_problem_json(struct swgi_answer *answer, int problem, json_t *object);
void swgi_answer_problem(struct swgi_answer *answer, const struct swgi_request *request,
                         int problem, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same with circuitState and metrics of a circuit. */
void swgi_answer_circuit_problem(struct swgi_answer *answer, const struct swgi_request *request,
                                 struct swgi_agent *agent, struct swg_circuit *circuit, int problem,
                                 const char *message);
/* 304 when the client has it already, and true: there is no more to do. */
bool swgi_answer_unchanged(struct swgi_answer *answer, const struct swgi_request *request,
                           const char *etag);
/* The name of the circuit whose alias that is, unless a circuit is called so; else that name. Valid until a reload. */
const char *swgi_admin_meant(struct swgi_agent *agent, const char *name);
/* The circuit of that name or alias, or NULL and the answer says so. */
struct swg_circuit *swgi_admin_circuit(struct swgi_agent *agent, const struct swgi_request *request,
                                       struct swgi_answer *answer);

/* %-escapes away. false: a broken one, or what no path or value should hold (control characters, NUL), or too long. */
bool swgi_unescape(const char *text, size_t length, char *out, size_t out_size);
/* A value of the query: 1 and *out, 0 when it is not there, -EINVAL when it is broken, too long or twice. */
int swgi_query_get(const struct swgi_request *request, const char *key, char *out, size_t out_size);

/* Of a route that takes any. */
#define SWGI_ANY_PARAMETERS "*"
/* Is every key of the query one that the route takes, and there once? false: answered already. */
bool swgi_admin_query(const struct swgi_request *request, struct swgi_answer *answer);

/* The body of a route, read by its rows of SWGI_FIELD. false: answered already. */
struct swgi_act_body {
    bool force;
    swg_ns for_ns;
    int mode;
    char reason[128];
};
bool swgi_admin_body(const struct swgi_request *request, struct swgi_answer *answer,
                     struct swgi_act_body *out);

/*
 * Is a page of this Origin ("http://host:port") from this Host ("host:port")? The port of the scheme may be said or left out.
 * Anything but http and https, or a port that no browser writes (":", ":080", ":99999"), is of no host.
 */
bool swgi_admin_is_origin_of(const char *origin, const char *host);

/* Does the agent go by the name in Host, so that a page of that name is its own? */
bool swgi_admin_knows_host(const struct swgi_agent *agent, const struct swgi_request *request);

/* Who asks, and may they? false: answered already. */
bool swgi_admin_authorize(struct swgi_agent *agent, struct swgi_request *request,
                          struct swgi_answer *answer);

/* GET / and the files below it. false: there is none of that path. answer NULL: only asked. */
bool swgi_admin_page(const struct swgi_request *request, struct swgi_answer *answer);

/* Lets go of answers that were kept for those who ask at once, and are old by now. */
void swgi_admin_forget(struct swgi_agent *agent);

/* A circuit as GET /v1/circuits tells it. */
void swgi_put_circuit(struct swgi_writer *to, struct swgi_agent *agent,
                      const struct swg_status *status, swg_ns now);
/* One circuit of the seed's metrics. */
json_t *swgi_json_seed_circuit(struct swgi_agent *agent, struct swg_circuit *circuit,
                               const struct swg_status *status);
/* All circuits, by name, but an idle "_beyond"; free() it. */
struct swg_circuit **swgi_admin_circuits(struct swgi_agent *agent, size_t *count);
/* The description of all routes; the agent keeps it. */
json_t *swgi_openapi(void);
/* One tick as a stream says it: {"now_unix_ms", "circuits": [...]}; glob "": all. */
char *swgi_admin_tick_text(struct swgi_agent *agent, const char *glob, size_t *size);

#define SWGI_ROUTE(method, path, role, handler, body, parameters, type, summary) \
    swgi_handler swgi_admin_##handler;

#include "tables/routes.h"

#undef SWGI_ROUTE

#endif
