/*
 * From a request to its handler. What is refused is refused in this order: what cannot be read, what is not there, who may not,
 * what is not understood; so that nobody learns more than they may from an error.
 */
#include "agent/admin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "base/text.h"

#define ROLE_OPEN     SWGI_ROLE_NONE
#define ROLE_VIEWER   SWGI_ROLE_VIEWER
#define ROLE_OPERATOR SWGI_ROLE_OPERATOR
#define ROLE_ADMIN    SWGI_ROLE_ADMIN

static const struct swgi_route routes[] = {
#define SWGI_ROUTE(method, path, role, handler, body, parameters, type, summary) \
    { #method,                                                                   \
      path,                                                                      \
      ROLE_##role,                                                               \
      swgi_admin_##handler,                                                      \
      #handler,                                                                  \
      SWGI_BODY_##body,                                                          \
      SWGI_ANSWER_##type,                                                        \
      parameters,                                                                \
      summary },
#include "tables/routes.h"
#undef SWGI_ROUTE
};
#define ROUTES (sizeof(routes) / sizeof(routes[0]))

const struct swgi_route *swgi_routes(size_t *count) {
    *count = ROUTES;
    return routes;
}

const char *swgi_header_name(int header) {
    static const char *const names[SWGI_HEADERS] = {
        [SWGI_HEADER_AUTHORIZATION] = "Authorization",
        [SWGI_HEADER_ORIGIN] = "Origin",
        [SWGI_HEADER_HOST] = "Host",
        [SWGI_HEADER_CONTENT_TYPE] = "Content-Type",
        [SWGI_HEADER_ACCEPT] = "Accept",
        [SWGI_HEADER_IF_NONE_MATCH] = "If-None-Match",
        [SWGI_HEADER_LAST_EVENT_ID] = "Last-Event-ID",
        [SWGI_HEADER_TRACEPARENT] = "traceparent",
    };

    return names[header];
}

/* Does the path match? {name} stands for one piece that is not empty; *name and *length are that piece, as it came. */
static bool matches(const char *pattern, const char *path, const char **name, size_t *length) {
    *length = 0;
    while (*pattern && *path) {
        if (*pattern == '{') {
            *name = path;
            *length = strcspn(path, "/");
            path += *length;
            pattern += strcspn(pattern, "}") + 1;
            if (*length == 0)
                return false;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *pattern == '\0' && *path == '\0';
}

/* HEAD is a GET whose body the server leaves out. */
static bool is_method(const struct swgi_route *route, const char *method) {
    return strcmp(route->method, method) == 0 ||
           (strcmp(route->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

/* The route, NULL for none; allow tells what the path takes. */
static const struct swgi_route *find(struct swgi_request *request, const char **name,
                                     size_t *length, char allow[64]) {
    const struct swgi_route *found = NULL;

    allow[0] = '\0';
    for (size_t i = 0; i < ROUTES; i++) {
        const char *piece = NULL;
        size_t piece_length;

        if (!matches(routes[i].path, request->path, &piece, &piece_length))
            continue;
        snprintf(allow + strlen(allow), 64 - strlen(allow), "%s%s", allow[0] ? ", " : "",
                 strcmp(routes[i].method, "GET") == 0 ? "GET, HEAD" : routes[i].method);
        if (found == NULL && is_method(&routes[i], request->method)) {
            found = &routes[i];
            *name = piece;
            *length = piece_length;
        }
    }
    return found;
}

/* W3C's trace-id where the client brought one, else a new one: it ties the answer to a line of the log. */
static void take_trace(struct swgi_request *request) {
    const char *given = request->headers[SWGI_HEADER_TRACEPARENT];
    uint32_t random[4];

    if (given && strlen(given) == 55 && strspn(given + 3, "0123456789abcdef") == 32 &&
        strspn(given + 3, "0") < 32) {
        snprintf(request->trace_id, sizeof(request->trace_id), "%.32s", given + 3);
        return;
    }
    arc4random_buf(random, sizeof(random));
    snprintf(request->trace_id, sizeof(request->trace_id), "%08x%08x%08x%08x", random[0], random[1],
             random[2], random[3]);
}

static void refuse_method(struct swgi_request *request, struct swgi_answer *answer,
                          const char *allow) {
    swgi_answer_header(answer, "Allow", "%s", allow);
    swgi_answer_problem(answer, request, SWGI_PROBLEM_METHOD_NOT_ALLOWED,
                        "it takes %s, not this method", allow);
}

/* A page, or what is wrong. */
static void no_route(struct swgi_request *request, struct swgi_answer *answer, const char *allow) {
    bool is_read = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;

    if (allow[0])
        refuse_method(request, answer, allow);
    else if (!swgi_admin_page(request, is_read ? answer : NULL))
        swgi_answer_problem(answer, request, SWGI_PROBLEM_NOT_FOUND,
                            "there is nothing at this path; /openapi.json lists what there is");
    else if (!is_read)
        refuse_method(request, answer, "GET, HEAD");
}

/*
 * "http://host:port/path" is asked as "/path" of that host, whatever Host says (RFC 9112, 3.2.2). false: there is no such host.
 */
static bool take_authority(struct swgi_request *request) {
    const char *path = request->path, *end;
    size_t scheme = strncasecmp(path, "http://", 7) == 0    ? 7
                    : strncasecmp(path, "https://", 8) == 0 ? 8
                                                            : 0,
           length = strcspn(path + scheme, "/");

    if (scheme == 0)
        return true;
    if (length == 0 || length >= sizeof(request->authority))
        return false;
    end = path + scheme + length;
    snprintf(request->authority, sizeof(request->authority), "%.*s", (int)length, path + scheme);
    request->headers[SWGI_HEADER_HOST] = request->authority;
    request->path = *end ? end : "/";
    return true;
}

static bool is_mutation(const struct swgi_route *route) {
    return strcmp(route->method, "GET") != 0;
}

/* A body where none belongs, or of another type than what is read. */
static bool body_allowed(const struct swgi_request *request, struct swgi_answer *answer) {
    const char *type = request->headers[SWGI_HEADER_CONTENT_TYPE];

    if (request->body_size == 0)
        return true;
    if (type && strncasecmp(type, "application/json", 16) == 0 &&
        (type[16] == '\0' || type[16] == ';' || type[16] == ' '))
        return true;
    swgi_answer_problem(answer, request, SWGI_PROBLEM_UNSUPPORTED_MEDIA_TYPE,
                        "send a body as Content-Type: application/json");
    return false;
}

static void dispatch(struct swgi_agent *agent, struct swgi_request *request,
                     struct swgi_answer *answer) {
    const char *name = NULL;
    size_t length = 0;
    char allow[64];

    if (request->refused >= 0) {
        swgi_answer_problem(answer, request, request->refused, "%s",
                            request->refused_why ? request->refused_why : "");
        return;
    }
    if (!take_authority(request)) {
        swgi_answer_problem(answer, request, SWGI_PROBLEM_BAD_REQUEST,
                            "the host in the request's target is missing or too long");
        return;
    }
    request->route = find(request, &name, &length, allow);
    if (!request->route) {
        no_route(request, answer, allow);
        return;
    }
    if (request->route->role != SWGI_ROLE_NONE && !swgi_admin_authorize(agent, request, answer))
        return;
    if (length > 0 && !swgi_unescape(name, length, request->name, sizeof(request->name))) {
        swgi_answer_problem(answer, request, SWGI_PROBLEM_BAD_REQUEST,
                            "the name in the path is broken or too long");
        return;
    }
    if (!swgi_admin_query(request, answer))
        return;
    if (is_mutation(request->route) && !body_allowed(request, answer))
        return;
    request->route->handler(agent, request, answer);
}

void swgi_admin_answer(struct swgi_agent *agent, struct swgi_request *request,
                       struct swgi_answer *answer) {
    *answer = (struct swgi_answer){ 0 };
    request->route = NULL;
    request->name[0] = request->user[0] = '\0';
    request->role = SWGI_ROLE_NONE;
    request->source = "";
    take_trace(request);
    dispatch(agent, request, answer);
}
