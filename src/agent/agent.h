/*
 * The agent: one loop that watches one panel. Whatever it does, calls go on without it: it reads the panel, hands events on, and
 * answers the person on call.
 */
#ifndef SWGI_AGENT_AGENT_H
#define SWGI_AGENT_AGENT_H

#include <stdbool.h>
#include <uv.h>

#include "agent/alerts.h"
#include "agent/measure.h"
#include "agent/metrics.h"
#include "agent/storage.h"
#include "agent/tokens.h"
#include "config/file.h"

/* How often the event rings are looked at: half of it, on average, is how late the agent is. */
#define SWGI_FOLLOW_MS 40u
#define SWGI_TICK_MS   1000u
/* Transitions are judged at once, but in a storm of them not oftener than so. */
#define SWGI_JUDGE_MS 200u

struct swgi_server;
struct swgi_agent_lock;
struct swgi_text;

/* What is said beside the file; NULL: the file's, else the default. What is said wins over the file. */
struct swgi_agent_options {
    const char *config, *environment, *panel, *listen, *socket, *database, *tokens;
    const char *panel_default; /* where nobody says */
    bool public_reads;         /* even if the file does not say so */
    bool is_embedded; /* no signals, no supervisor, no socket or database unless asked for */
    int log_level;    /* -1: the file's */
};

struct swgi_agent {
    struct swgi_agent_options options;
    uv_loop_t loop;
    uv_timer_t follow, tick, watchdog, changed;
    uv_signal_t on_hup, on_term, on_int;
    uv_fs_event_t watch;
    uv_async_t wake;

    struct swg_panel *panel;
    struct swgi_agent_lock *lock;
    struct swgi_file *file;
    char config[4096], panel_path[4096];
    struct swgi_measures *measures;
    struct swgi_storage *storage; /* NULL: none */
    struct swgi_alerts *alerts;
    struct swgi_tokens *tokens; /* NULL: none */
    struct swgi_server *server;

    uint64_t cursor;
    int64_t panel_created_ms;
    uint64_t ticks;
    uint64_t judged_ms; /* when alerts last looked at a transition before its second was over */
    bool is_ready, is_draining;
    uint64_t drain_until_ms;
    int64_t started_wall_ms;

    uint64_t reload_row; /* of the audit, for swgi_storage_wait(): the last reload's */
    uint64_t events_lost, reloads, reloads_failed;
    bool reload_last_ok;
    double reload_last_unix_s;
    struct timespec file_time; /* of the file that was read last, to tell changes */
    uint64_t file_inode, file_size;

    struct swgi_text *metrics[2]; /* rendered not long ago, by format */
    uint64_t metrics_at_ms[2];
    struct swgi_text *openapi;
};

/*
 * Everything up to listening. 0, or -errno and *error; -EBUSY: another agent has the panel. panel NULL: the file's or the options'
 * is opened, and made if there is none; else it is used as it is. *errors (may be NULL) holds what is wrong with the file.
 */
int swgi_agent_new(struct swgi_agent **out, const struct swgi_agent_options *options,
                   struct swg_panel *panel, struct swgi_file_errors *errors,
                   struct swg_error *error);
/* Until it is told to stop. */
void swgi_agent_run(struct swgi_agent *agent);
/*
 * What of a file that was read would stop swgi_agent_new(), without doing anything: its database, secrets, tokens, addresses. As
 * that one answers; *tokens is how many there are.
 */
int swgi_agent_check(const struct swgi_file *file, size_t *tokens, struct swg_error *error);
/* From any thread. */
void swgi_agent_stop(struct swgi_agent *agent);
struct swgi_agent *swgi_agent_free(struct swgi_agent *agent);
/* The first TCP port it listens on; 0: none. */
int swgi_agent_port(const struct swgi_agent *agent);

/* ---- between the parts */

/* Read the file with the options' words over it. */
int swgi_agent_read_file(const struct swgi_agent_options *options, const char *path,
                         struct swgi_file **out, struct swgi_file_errors *errors);
/* Read file and tokens again: 0, or -errno, everything left as it was, and errors tell why. */
int swgi_agent_reload(struct swgi_agent *agent, const char *user, const char *source,
                      struct swgi_file_errors *errors);
/* Reload when the file changes; quietly not where that cannot be watched. */
void swgi_agent_watch(struct swgi_agent *agent);
void swgi_agent_unwatch(struct swgi_agent *agent);
/* path: of the file they are of. */
void swgi_agent_log_errors(const char *path, const struct swgi_file_errors *errors);
void swgi_agent_setup_log(const struct swgi_agent *agent);
int swgi_agent_read_tokens(const struct swgi_file *file, struct swgi_tokens **out,
                           struct swg_error *error);
void swgi_agent_follow(struct swgi_agent *agent);
void swgi_agent_on_alert(void *arg, const struct swgi_alert_state *alert, int fired);
/* What the agent before this one told receivers and did not end, by its audit. */
void swgi_agent_recall_alerts(struct swgi_agent *agent);
void swgi_agent_tick(struct swgi_agent *agent);
void swgi_agent_health(const struct swgi_agent *agent, struct swgi_agent_health *out);
/* The panel and its lock; panel NULL: it is opened, and made if there is none. was_killed: as swgi_agent_lock_take(). */
int swgi_agent_take_panel(struct swgi_agent *agent, struct swg_panel *panel, bool *was_killed,
                          struct swg_error *error);
int swgi_agent_open_parts(struct swgi_agent *agent, struct swg_error *error);
int swgi_agent_listen(struct swgi_agent *agent, struct swg_error *error);

/*
 * One agent a panel: a lock on PATH.v1.agent, which also says whether the last one ended well. -EBUSY and *error tells who has
 * it. was_killed: the last one did not say that it ends.
 */
int swgi_agent_lock_take(struct swgi_agent_lock **out, const char *panel_path, bool *was_killed,
                         struct swg_error *error);
/* clean: it says that it ends. */
struct swgi_agent_lock *swgi_agent_lock_release(struct swgi_agent_lock *lock, bool clean);

#endif
