/*
 * The network's side of the admin interface: libmicrohttpd on the agent's loop, by the epoll descriptor it lends. Slow clients,
 * large requests and too many of either are dealt with here.
 */
#ifndef SWGI_AGENT_SERVER_H
#define SWGI_AGENT_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/listen.h"
#include "switchgear/switchgear.h"

struct swgi_agent;
struct swgi_server;

struct swgi_server_counts {
    uint64_t requests[6]; /* by class of status */
    uint64_t
        refused; /* connections closed before there was a whole request: too slow, too much, no HTTP */
    uint64_t connections, streams, streams_dropped;
};

int swgi_server_new(struct swgi_server **out, struct swgi_agent *agent);
/* Answer on it; takes the listener, also when it fails. */
int swgi_server_listen(struct swgi_server *server, struct swgi_listener *listener,
                       struct swg_error *error);
unsigned swgi_server_listeners(const struct swgi_server *server);
const struct swgi_listener *swgi_server_listener(const struct swgi_server *server, unsigned index);
/* There are new events; a second has passed. */
void swgi_server_events(struct swgi_server *server);
void swgi_server_tick(struct swgi_server *server);
void swgi_server_counts(const struct swgi_server *server, struct swgi_server_counts *out);
/* Take no more connections, end streams, finish what was asked; swgi_server_is_idle(), asked again and again, tells when that is done. */
void swgi_server_drain(struct swgi_server *server);
bool swgi_server_is_idle(struct swgi_server *server);
/* Let go of the loop: whatever is left is cut off. Run the loop until it is idle, then free. */
void swgi_server_stop(struct swgi_server *server);
bool swgi_server_has_jobs(const struct swgi_server *server);
struct swgi_server *swgi_server_free(struct swgi_server *server);

#endif
