/*
 * What a supervisor is told and hands over: systemd's protocols, spoken directly, since they are a datagram and three
 * environment variables (sd_notify(3), sd_listen_fds(3)).
 */
#ifndef SWGI_AGENT_NOTIFY_H
#define SWGI_AGENT_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* Sends the text to NOTIFY_SOCKET. false: nobody asked for it, or it could not be sent. */
bool swgi_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "RELOADING=1" with the time that belongs to it; "READY=1" ends it. */
void swgi_notify_reloading(void);
/* How often WATCHDOG=1 is due, in ms: half of WATCHDOG_USEC; 0: nobody watches this process. */
uint64_t swgi_notify_watchdog_ms(void);
/* Sockets that were handed over: descriptors 3, 4, ... Marks them close-on-exec and forgets who said so. */
unsigned swgi_notify_listen_fds(void);
#define SWGI_LISTEN_FDS_START 3

#endif
