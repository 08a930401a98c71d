/* What server.c and server_stream.c share. */
#ifndef SWGI_AGENT_SERVER_INSIDE_H
#define SWGI_AGENT_SERVER_INSIDE_H

#include <microhttpd.h>
#include <uv.h>

#include "agent/admin.h"
#include "agent/agent.h"
#include "agent/server.h"

#define SWGI_LISTENERS_MAX 8u
#define SWGI_STREAMS_MAX   64u

struct swgi_server;

/* A listener and the daemon that answers on it. */
struct swgi_link {
    struct swgi_server *server;
    struct swgi_listener listener;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer;
};

/* A client, from accept to close. */
struct swgi_connection {
    struct swgi_link *link;
    struct swgi_connection *next, *previous;
    int fd;
    uint64_t deadline_ms; /* of the loop's clock, for what it is doing; 0: none */
    bool is_busy, was_cut;
    unsigned requests;
    struct swgi_peer peer;
};

struct swgi_stream {
    struct swgi_server *server;
    struct MHD_Connection *connection;
    struct swgi_connection *client;
    struct swgi_stream *next, *previous;
    uint64_t cursor;
    char glob[SWGI_NAME_ROOM];
    bool wants_ticks, is_suspended, is_ended, must_tell_gap, tick_due;
    uint64_t progress_ms, spoke_ms;
    struct swgi_text *pending; /* being sent, from `offset` on */
    size_t offset;
};

struct swgi_server {
    struct swgi_agent *agent;
    struct swgi_link links[SWGI_LISTENERS_MAX];
    unsigned links_count;
    struct swgi_connection *connections;
    struct swgi_stream *streams;
    struct swgi_text *tick; /* this second's, for streams of all circuits */
    unsigned jobs;
    bool is_draining;
    struct swgi_server_counts counts;
};

/* Lets the daemon go on with what it has. */
void swgi_link_run(struct swgi_link *link);
/* The response of a stream; NULL: there are too many, or no memory. */
struct MHD_Response *swgi_stream_open(struct swgi_server *server, struct MHD_Connection *connection,
                                      struct swgi_connection *client,
                                      const struct swgi_stream_wish *wish);
/* A second has passed: ticks, heartbeats, and who takes nothing. */
void swgi_streams_tick(struct swgi_server *server);
void swgi_streams_end(struct swgi_server *server);

#endif
