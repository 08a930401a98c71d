/* Sockets the admin interface listens on: made here, or handed over by a supervisor. */
#ifndef SWGI_AGENT_LISTEN_H
#define SWGI_AGENT_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>

#include "switchgear/switchgear.h"

struct swgi_listener {
    int fd;
    bool is_unix;
    bool is_loopback; /* a Unix socket is, too */
    bool ours;        /* made here: a Unix socket's path goes with it */
    gid_t group;      /* of a Unix socket: its members are operators */
    int port;         /* of TCP */
    char name[256];   /* "127.0.0.1:9190", "/run/switchgear/agent.sock" */
};

/* "127.0.0.1:9190", "[::1]:9190", "localhost:0". -EINVAL for what is none, -EADDRINUSE, ... */
int swgi_listen_tcp(struct swgi_listener *out, const char *address, struct swg_error *error);
/* Could it be listened on, whoever has the port? As swgi_listen_tcp() answers. */
int swgi_listen_check(const char *address, struct swg_error *error);
/*
 * A socket of mode 0660 at that path, of the group `switchgear` where root makes it and there is one. One that nobody listens on
 * any more is replaced: -EADDRINUSE when somebody does.
 */
int swgi_listen_unix(struct swgi_listener *out, const char *path, struct swg_error *error);
/* Could there be a socket at that path, whoever listens there? As swgi_listen_unix() answers. */
int swgi_listen_check_unix(const char *path, struct swg_error *error);
/* Descriptor `fd` that a supervisor made. -EINVAL when it is no listening stream socket. */
int swgi_listen_given(struct swgi_listener *out, int fd, struct swg_error *error);
void swgi_listen_close(struct swgi_listener *listener);

/* Who is at the other end of a Unix socket's connection. */
struct swgi_peer_credentials {
    uid_t uid;
    bool in_group; /* is of the group, by its own one or any other it has */
};
int swgi_listen_peer(int fd, gid_t group, struct swgi_peer_credentials *out);

#endif
