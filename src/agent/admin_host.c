/*
 * By which name was the agent asked? A page whose own name is made to lead here (DNS rebinding) is, for the browser, of the agent's
 * origin; what gives it away is that name in Host. Addresses cannot be made to lead anywhere, so each of them will do.
 */
#include "agent/admin.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>
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

/* ---- the origin of a page */

struct authority {
    const char *host;
    size_t length;
    unsigned port; /* 0: not one */
};

static unsigned port_of(const char *digits) {
    unsigned port = 0;

    if (*digits == '0')
        return 0;
    for (; *digits >= '0' && *digits <= '9' && port <= UINT16_MAX; digits++)
        port = port * 10 + (unsigned)(*digits - '0');
    return *digits == '\0' && port <= UINT16_MAX ? port : 0;
}

/* "host", "host:port", "[::1]:port" */
static struct authority authority_of(const char *text, unsigned usual_port) {
    size_t bracketed = text[0] == '[' ? strcspn(text, "]") : 0;
    struct authority out = { text, bracketed + strcspn(text + bracketed, ":"), usual_port };

    if (text[out.length] == ':')
        out.port = port_of(text + out.length + 1);
    return out;
}

bool swgi_admin_is_origin_of(const char *origin, const char *host) {
    bool is_plain = strncasecmp(origin, "http://", 7) == 0;
    struct authority page, here;
    unsigned usual_port = is_plain ? 80 : 443;

    if (!is_plain && strncasecmp(origin, "https://", 8) != 0)
        return false;
    page = authority_of(origin + (is_plain ? 7 : 8), usual_port);
    here = authority_of(host, usual_port);
    return page.length == here.length && strncasecmp(page.host, here.host, here.length) == 0 &&
           page.port != 0 && page.port == here.port;
}
