/*
 * A server on a free port of 127.0.0.1 that answers every request with the bytes it was told, and then does what it was told:
 * the faults a client must live through, one at a time. It runs on a thread of its own until it is stopped.
 */
#ifndef FAULT_SERVER_H
#define FAULT_SERVER_H

struct fault_server;

enum {
    FAULT_KEEP,  /* await the next request on the same connection */
    FAULT_CLOSE, /* FIN */
    FAULT_RESET, /* RST */
    FAULT_HANG,  /* await nothing, keep the connection */
    FAULT_DEAF,  /* RST at once, without waiting for a request */
    FAULT_GREET  /* say it at once, without waiting for a request, and keep the connection */
};

/* NULL: no server; errno says why. */
struct fault_server *fault_server_start(void);
void fault_server_stop(struct fault_server *server);
int fault_server_port(const struct fault_server *server);

/* From now on; bytes are copied. */
void fault_server_answer(struct fault_server *server, const char *bytes, int then);

/* So far: requests that were complete, and connections that were made. */
int fault_server_requests(struct fault_server *server);
int fault_server_connections(struct fault_server *server);
/* The last complete request, up to 4 KiB. The text is the caller's to free. */
char *fault_server_request(struct fault_server *server);
/* Waits until so many connections are open; 0, or -1 after ten seconds. */
int fault_server_wait_open(struct fault_server *server, int open);

#endif
