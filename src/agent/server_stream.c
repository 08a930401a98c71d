/*
 * Streams of events. Nothing is buffered for them but the piece that is being sent: the panel's ring is the buffer, and each stream
 * has a cursor of its own in it. A client that falls behind the ring, or takes nothing for as long as a request may take, is let
 * go; it comes back with the id of what it saw last, and is told that there is a gap if there is one.
 */
#include "agent/server_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/log.h"
#include "base/text.h"
#include "report/json.h"

#define HEARTBEAT_MS 15000u
#define BLOCK_SIZE   16384u

static uint64_t now_ms(const struct swgi_stream *stream) {
    return uv_now(&stream->server->agent->loop);
}

/* Makes it the piece to send, and takes it. */
static void say(struct swgi_stream *stream, struct swgi_text *text) {
    swgi_text_unref(stream->pending);
    stream->pending = text;
    stream->offset = 0;
    stream->spoke_ms = now_ms(stream);
}

static void say_plain(struct swgi_stream *stream, const char *text) {
    say(stream, swgi_text_static(text, strlen(text)));
}

static void say_event(struct swgi_stream *stream, const struct swg_event *event) {
    struct swgi_agent *agent = stream->server->agent;
    struct swgi_writer writer = { 0 };
    char head[128], *bytes;
    size_t size;
    int length = snprintf(head, sizeof(head),
                          "id: %llu-%lld\nevent: %s\ndata: ", (unsigned long long)stream->cursor,
                          (long long)agent->panel_created_ms, swg_event_name(event->kind));

    swgi_bytes_add(&writer.bytes, head, (size_t)length);
    swgi_put_object(&writer, NULL);
    swgi_put_event(&writer, event, swg_panel_now(agent->panel));
    swgi_put_object_end(&writer);
    swgi_bytes_add(&writer.bytes, "\n\n", 2);
    bytes = swgi_bytes_end(&writer.bytes, &size);
    say(stream, bytes ? swgi_text_new(bytes, size) : NULL);
}

/* The next event for this stream; false: there is none now. */
static bool next_event(struct swgi_stream *stream) {
    struct swg_event event = SWG_EVENT_INIT;
    int rc;

    while ((rc = swg_panel_next_event(stream->server->agent->panel, &stream->cursor, &event)) ==
           1) {
        if (stream->glob[0] == '\0' || swgi_file_glob(stream->glob, event.circuit)) {
            say_event(stream, &event);
            return stream->pending != NULL;
        }
    }
    if (rc == -EOVERFLOW)
        stream->must_tell_gap = true;
    return false;
}

static struct swgi_text *tick_text(struct swgi_agent *agent, const char *glob) {
    size_t size;
    char *bytes = swgi_admin_tick_text(agent, glob, &size);

    return bytes ? swgi_text_new(bytes, size) : NULL;
}

static void say_tick(struct swgi_stream *stream) {
    struct swgi_server *server = stream->server;

    stream->tick_due = false;
    if (stream->glob[0]) {
        say(stream, tick_text(server->agent, stream->glob));
        return;
    }
    if (!server->tick)
        server->tick = tick_text(server->agent, "");
    say(stream, swgi_text_ref(server->tick));
}

/* false: there is nothing to say now. */
static bool find_words(struct swgi_stream *stream) {
    if (stream->must_tell_gap) {
        stream->must_tell_gap = false;
        say_plain(stream, "event: gap\ndata: {}\n\n");
        return true;
    }
    if (next_event(stream))
        return true;
    if (stream->must_tell_gap)
        return find_words(stream);
    if (stream->tick_due) {
        say_tick(stream);
        return stream->pending != NULL;
    }
    if (now_ms(stream) - stream->spoke_ms >= HEARTBEAT_MS) {
        say_plain(stream, ": heartbeat\n\n");
        return true;
    }
    return false;
}

static ssize_t read_stream(void *arg, uint64_t position, char *out, size_t room) {
    struct swgi_stream *stream = arg;
    size_t length;

    (void)position;
    stream->progress_ms = now_ms(stream);
    if (stream->is_ended)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (!stream->pending && !find_words(stream)) {
        stream->is_suspended = true;
        MHD_suspend_connection(stream->connection);
        return 0;
    }
    length = stream->pending->size - stream->offset;
    if (length > room)
        length = room;
    memcpy(out, stream->pending->at + stream->offset, length);
    stream->offset += length;
    if (stream->offset == stream->pending->size)
        stream->pending = swgi_text_unref(stream->pending);
    return (ssize_t)length;
}

static void free_stream(void *arg) {
    struct swgi_stream *stream = arg;

    *(stream->previous ? &stream->previous->next : &stream->server->streams) = stream->next;
    if (stream->next)
        stream->next->previous = stream->previous;
    stream->server->counts.streams--;
    swgi_text_unref(stream->pending);
    free(stream);
}

struct MHD_Response *swgi_stream_open(struct swgi_server *server, struct MHD_Connection *connection,
                                      struct swgi_connection *client,
                                      const struct swgi_stream_wish *wish) {
    struct swgi_stream *stream =
        server->counts.streams < SWGI_STREAMS_MAX ? calloc(1, sizeof(*stream)) : NULL;
    struct MHD_Response *response;

    if (!stream)
        return NULL;
    *stream = (struct swgi_stream){ .server = server,
                                    .connection = connection,
                                    .client = client,
                                    .next = server->streams,
                                    .cursor = wish->cursor,
                                    .wants_ticks = wish->ticks,
                                    .tick_due = wish->ticks,
                                    .must_tell_gap = wish->is_other_panel };
    swgi_copy_text(stream->glob, sizeof(stream->glob), wish->glob);
    if (stream->next)
        stream->next->previous = stream;
    server->streams = stream;
    server->counts.streams++;
    /* From now on means from before the client can know that it is on. */
    if (wish->cursor != SWG_CURSOR_END || !next_event(stream))
        say_plain(stream, "retry: 2000\n\n");
    response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, read_stream, stream,
                                                 free_stream);
    if (!response)
        free_stream(stream);
    return response;
}

static void wake(struct swgi_stream *stream) {
    if (stream->is_suspended) {
        stream->is_suspended = false;
        stream->progress_ms = now_ms(stream);
        MHD_resume_connection(stream->connection);
    }
}

static void run_links(struct swgi_server *server) {
    for (unsigned i = 0; i < server->links_count; i++)
        swgi_link_run(&server->links[i]);
}

void swgi_server_events(struct swgi_server *server) {
    if (!server->streams)
        return;
    for (struct swgi_stream *stream = server->streams; stream; stream = stream->next)
        wake(stream);
    run_links(server);
}

/* A client that takes nothing holds a place, and would be told of old things. */
static void drop_if_stuck(struct swgi_stream *stream) {
    uint64_t patience = (uint64_t)stream->server->agent->file->agent.request_timeout / 1000000;
    struct swgi_log_fields fields = { .context = "admin", .remote = stream->client->peer.text };

    if (stream->is_suspended || now_ms(stream) - stream->progress_ms < patience ||
        stream->client->was_cut)
        return;
    stream->server->counts.streams_dropped++;
    stream->client->was_cut = true;
    swgi_log(SWGI_LOG_WARNING, &fields, "a stream is dropped: its client takes nothing");
    shutdown(stream->client->fd, SHUT_RDWR);
}

/* A connection that is suspended does not notice that its client left. */
static void end_if_left(struct swgi_stream *stream) {
    char byte;

    if (recv(stream->client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0)
        return;
    stream->is_ended = true;
    wake(stream);
}

void swgi_streams_tick(struct swgi_server *server) {
    server->tick = swgi_text_unref(server->tick);
    for (struct swgi_stream *stream = server->streams; stream; stream = stream->next) {
        stream->tick_due |= stream->wants_ticks;
        drop_if_stuck(stream);
        end_if_left(stream);
        if (stream->tick_due || now_ms(stream) - stream->spoke_ms >= HEARTBEAT_MS)
            wake(stream);
    }
}

void swgi_streams_end(struct swgi_server *server) {
    for (struct swgi_stream *stream = server->streams; stream; stream = stream->next) {
        stream->is_ended = true;
        wake(stream);
    }
}
