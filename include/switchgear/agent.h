/*
 * Switchgear's agent inside a program: the loop of `switchgear agent` on a thread of its own, with the program's own panel. It
 * serves health, metrics, events and acts by hand over HTTP, keeps an audit, and tells alerts, as its configuration file says
 * (switchgear.yaml(5)); without one it does what the options ask for and no more.
 *
 *     struct swg_agent_options options = SWG_AGENT_OPTIONS_INIT;
 *     options.listen = "127.0.0.1:0";
 *     options.public_reads = 1;
 *     swg_agent_start(&agent, panel, &options, &error);
 *     ... http://127.0.0.1:<swg_agent_port(agent)>/health ...
 *     agent = swg_agent_stop(agent);
 *
 * Its thread takes no signals, and calls of the program never wait for it. A forked child has no agent, and must not use its
 * parent's.
 */
#ifndef SWITCHGEAR_AGENT_H
#define SWITCHGEAR_AGENT_H

#include <switchgear/switchgear.h>

#ifdef __cplusplus
extern "C" {
#endif

struct swg_agent;

/* What is said here wins over the file. NULL: the file's word, and without one none. */
struct swg_agent_options {
    uint32_t size;
    const char *config; /* the configuration file; NULL: none */
    const char
        *environment;   /* which of its environments; NULL: SWITCHGEAR_ENVIRONMENT, else its own */
    const char *listen; /* TCP: "127.0.0.1:9190", "[::1]:0" (any free port), "off" */
    const char *socket; /* a Unix socket's path, "off" */
    const char *database;    /* the SQLite database's path, "off" */
    const char *tokens_file; /* who may do what over TCP: lines of name:role:sha256 */
    int public_reads;        /* 1: reads over TCP need no token. Writes always do */
    int log; /* lines on stderr: 0 warnings and errors, 1 all that happens, -1 none */
};
#define SWG_AGENT_OPTIONS_INIT SWG_SIZED(swg_agent_options)

/*
 * Start it. The panel is used until the agent stops; a panel that is a file may have one agent. *out is written on success only.
 * - -EINVAL an option or the file is wrong: *error tells what and where; -EBUSY another agent has the panel
 * - -EADDRINUSE, -EACCES, -ENOENT, ... listening, tokens or database; -EAGAIN no thread; -ENOMEM
 */
SWG_API int swg_agent_start(struct swg_agent **out, struct swg_panel *panel,
                            const struct swg_agent_options *options, struct swg_error *error);
/* The TCP port it answers on; 0: none. */
SWG_API int swg_agent_port(const struct swg_agent *agent);
/* End it: requests under way are finished, for at most 5 s, and what is queued is written. NULL is fine; returns NULL. */
SWG_API struct swg_agent *swg_agent_stop(struct swg_agent *agent);

#ifdef __cplusplus
}
#endif

#endif
