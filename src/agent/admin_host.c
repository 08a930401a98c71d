/*
 * By which name was the agent asked? A page whose own name is made to lead here (DNS rebinding) is, for the browser, of the agent's
 * origin; what gives it away is that name in Host. Addresses cannot be made to lead anywhere, so each of them will do.
 */
#include "agent/admin.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "agent/agent.h"

#define HOST_MAX 256u

static bool is_port_or_end(const char *text) {
    return text[0] == '\0' || (text[0] == ':' && text[1 + strspn(text + 1, "0123456789")] == '\0');
}

/* "name." is "name": the root's own name may be said. */
static void drop_root(char *name) {
    size_t length = strlen(name);

    if (length > 1 && name[length - 1] == '.')
        name[length - 1] = '\0';
}

/* "host:port", "[::1]:port" or either without a port: the host in small letters. false: it is none of these. */
static bool split(const char *text, char host[HOST_MAX], bool *is_bracketed) {
    size_t length;

    *is_bracketed = text[0] == '[';
    text += *is_bracketed;
    length = strcspn(text, *is_bracketed ? "]" : ":");
    if (length >= HOST_MAX || (*is_bracketed && text[length] != ']') ||
        !is_port_or_end(text + length + *is_bracketed))
        return false;
    for (size_t i = 0; i < length; i++)
        host[i] = (char)tolower((unsigned char)text[i]);
    host[length] = '\0';
    drop_root(host);
    return true;
}

static bool is_configured(const struct swgi_file_words *hosts, const char *host) {
    char glob[HOST_MAX];

    for (unsigned i = 0; i < hosts->count; i++) {
        size_t at = 0;

        for (; hosts->at[i][at] && at + 1 < sizeof(glob); at++)
            glob[at] = (char)tolower((unsigned char)hosts->at[i][at]);
        glob[at] = '\0';
        drop_root(glob);
        if (swgi_file_glob(glob, host))
            return true;
    }
    return false;
}

/* The name that was given to listen on, and this machine's own: nobody else has either in his hands. */
static bool is_listened_on(const struct swgi_agent *agent, const char *host) {
    char name[HOST_MAX] = "";
    bool is_bracketed;

    if (strchr(agent->file->agent.listen, ':') &&
        split(agent->file->agent.listen, name, &is_bracketed) && strcmp(name, host) == 0)
        return true;
    return gethostname(name, sizeof(name) - 1) == 0 && name[0] && strcasecmp(name, host) == 0;
}

/* Only browsers can be misled, and they always say Host. Nobody misleads them to a Unix socket. */
bool swgi_admin_knows_host(const struct swgi_agent *agent, const struct swgi_request *request) {
    const char *text = request->headers[SWGI_HEADER_HOST];
    char host[HOST_MAX], address[sizeof(struct in6_addr)];
    bool is_bracketed;

    if (!text || request->peer->is_unix)
        return true;
    if (!split(text, host, &is_bracketed))
        return false;
    if (is_bracketed)
        return inet_pton(AF_INET6, host, address) == 1;
    return inet_pton(AF_INET, host, address) == 1 || strcmp(host, "localhost") == 0 ||
           is_configured(&agent->file->agent.hosts, host) || is_listened_on(agent, host);
}
