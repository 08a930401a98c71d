/*
 * The agent's log: one line an entry on stderr, JSON or text, with the seed's sentence in it:
 * "[CIRCUIT_BREAKER][database] State changed to OPEN: ...". Whatever comes from outside is escaped.
 */
#ifndef SWGI_AGENT_LOG_H
#define SWGI_AGENT_LOG_H

#include <stdbool.h>

#include "switchgear/switchgear.h"

enum swgi_log_level { SWGI_LOG_DEBUG, SWGI_LOG_INFO, SWGI_LOG_WARNING, SWGI_LOG_ERROR };

/* Fields beside the message; NULL or "" leaves one out. */
struct swgi_log_fields {
    const char *context; /* which part of the agent: "admin", "storage", ... */
    const char *circuit, *state, *path, *user, *remote;
    int status; /* of an answer; 0: none */
};

void swgi_log_setup(int level, bool json);
/* From any thread. */
void swgi_log(int level, const struct swgi_log_fields *fields, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void swgi_log_event(const struct swg_event *event);
/* Lines that could not be written. */
uint64_t swgi_log_lost(void);

#endif
