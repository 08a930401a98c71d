/*
 * Who asks, and may they? On TCP a bearer token says who, on the Unix socket the kernel does. A page of another origin cannot use
 * what a browser knows: what changes anything needs our own Origin or one that the file allows, and what is read without a token
 * needs a name in Host that is ours (admin_host.c).
 */
#include "agent/admin.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agent/agent.h"
#include "base/text.h"

static bool refuse(const struct swgi_request *request, struct swgi_answer *answer,
                   const char *challenge, const char *message) {
    swgi_answer_header(answer, "WWW-Authenticate", "Bearer realm=\"switchgear\"%s", challenge);
    swgi_answer_problem(answer, request, SWGI_PROBLEM_UNAUTHORIZED, "%s", message);
    return false;
}

/* "Bearer TOKEN": the token; NULL for anything else. */
static const char *bearer(const char *header, size_t *length) {
    if (!header || strncasecmp(header, "Bearer ", 7) != 0)
        return NULL;
    header += 7 + strspn(header + 7, " ");
    *length = strcspn(header, " ");
    return *length > 0 && header[*length + strspn(header + *length, " ")] == '\0' ? header : NULL;
}

static bool identify_public(struct swgi_agent *agent, struct swgi_request *request,
                            struct swgi_answer *answer) {
    char host[128];

    request->role = SWGI_ROLE_VIEWER;
    request->source = "public";
    if (swgi_admin_knows_host(agent, request))
        return true;
    swgi_copy_text(host, sizeof(host), request->headers[SWGI_HEADER_HOST]);
    swgi_answer_problem(answer, request, SWGI_PROBLEM_HOST_REFUSED,
                        "the agent does not go by the name '%s': put it into agent.hosts, send a "
                        "token, or ask by address or as localhost",
                        host);
    return false;
}

static bool identify_by_token(struct swgi_agent *agent, struct swgi_request *request,
                              struct swgi_answer *answer) {
    const char *header = request->headers[SWGI_HEADER_AUTHORIZATION], *token;
    size_t length = 0;

    token = bearer(header, &length);
    if (!header && request->route->role == SWGI_ROLE_VIEWER && agent->file->agent.public_reads)
        return identify_public(agent, request, answer);
    if (!token)
        return refuse(
            request, answer, "",
            "send a token: Authorization: Bearer TOKEN (`switchgear agent --make-token`)");
    request->role = swgi_tokens_check(agent->tokens, token, length, request->user);
    request->source = "token";
    return request->role != SWGI_ROLE_NONE ||
           refuse(request, answer, ", error=\"invalid_token\"", "nobody has this token");
}

static bool identify_by_peer(struct swgi_request *request) {
    request->role = request->peer->role;
    request->source = "peer";
    swgi_copy_text(request->user, sizeof(request->user), request->peer->user);
    return true;
}

/* Whether that host is ours or not. */
static bool is_of_host(const struct swgi_request *request) {
    const char *host = request->headers[SWGI_HEADER_HOST];

    return host && swgi_admin_is_origin_of(request->headers[SWGI_HEADER_ORIGIN], host);
}

static bool origin_allowed(const struct swgi_agent *agent, const struct swgi_request *request) {
    const char *origin = request->headers[SWGI_HEADER_ORIGIN];
    const struct swgi_file_words *allowed = &agent->file->agent.origins;

    if (!origin || (is_of_host(request) && swgi_admin_knows_host(agent, request)))
        return true;
    for (unsigned i = 0; i < allowed->count; i++) {
        if (strcasecmp(allowed->at[i], origin) == 0)
            return true;
    }
    return false;
}

static bool may(const struct swgi_request *request, struct swgi_answer *answer) {
    if (request->role >= request->route->role)
        return true;
    swgi_answer_problem(answer, request, SWGI_PROBLEM_FORBIDDEN, "this needs the role %s; %s is %s",
                        swgi_role_name(request->route->role),
                        request->user[0] ? request->user : "everybody",
                        swgi_role_name(request->role));
    return false;
}

bool swgi_admin_authorize(struct swgi_agent *agent, struct swgi_request *request,
                          struct swgi_answer *answer) {
    bool is_read = strcmp(request->route->method, "GET") == 0;

    if (request->peer->is_unix ? !identify_by_peer(request)
                               : !identify_by_token(agent, request, answer))
        return false;
    if (!may(request, answer))
        return false;
    if (is_read || origin_allowed(agent, request))
        return true;
    swgi_answer_problem(answer, request, SWGI_PROBLEM_ORIGIN_REFUSED,
                        is_of_host(request) ? "the agent does not go by the name of this Origin: "
                                              "put it into agent.hosts"
                                            : "this Origin is neither our own nor in "
                                              "agent.origins");
    return false;
}
