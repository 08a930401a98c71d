/* One request of a client and its answer, between libmicrohttpd's callbacks and the dispatcher. */
#ifndef SWGI_AGENT_SERVER_EXCHANGE_H
#define SWGI_AGENT_SERVER_EXCHANGE_H

#include "agent/server_inside.h"

/* The request line is there. */
void *swgi_exchange_begin(void *arg, const char *uri, struct MHD_Connection *handle);
enum MHD_Result swgi_exchange_handle(void *arg, struct MHD_Connection *handle, const char *url,
                                     const char *method, const char *version, const char *data,
                                     size_t *size, void **context);
void swgi_exchange_completed(void *arg, struct MHD_Connection *handle, void **context,
                             enum MHD_RequestTerminationCode code);
/* Who is at the other end. */
void swgi_peer_read(struct swgi_peer *peer, struct MHD_Connection *handle, int fd,
                    const struct swgi_listener *listener);
/* From now on it has so long for what comes next; or for as long as it takes. */
void swgi_connection_expect(struct swgi_connection *connection, bool something);

#endif
