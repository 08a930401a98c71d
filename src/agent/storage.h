/*
 * SQLite (WAL): checkpoints of state, the audit, history. Writes are queued, bounded, and made by a
 * thread of their own; nobody waits for them but who asks to. Reads have a connection of their own
 * and may come from any thread.
 */
#ifndef SWGI_AGENT_STORAGE_H
#define SWGI_AGENT_STORAGE_H

#include "agent/measure.h"

struct swgi_storage;

enum swgi_audit_action {
#define SWGI_AUDIT_ACTION(name, what) SWGI_ACTION_##name,
#include "tables/actions.h"
#undef SWGI_AUDIT_ACTION
    SWGI_ACTIONS
};
/* "TRIP"; static storage. */
const char *swgi_action_name(enum swgi_audit_action action);
/* The action of that name in whatever case; SWGI_ACTIONS: none. */
enum swgi_audit_action swgi_action_parse(const char *text);
/* All of them, for who wrote something else. */
#define SWGI_ACTION_WORDS_MAX 128u
const char *swgi_action_words(char out[SWGI_ACTION_WORDS_MAX]);

/* Where the database is: what the file says, else /var/lib/switchgear/switchgear.db for root and a place
 * below $XDG_STATE_HOME for others. file may be NULL. -ENAMETOOLONG. */
int swgi_storage_path(const struct swgi_file *file, char *out, size_t out_size,
                      struct swg_error *error);

/* Could the database be there? As swgi_storage_open() answers, as far as that can be seen without opening it. */
int swgi_storage_check(const struct swgi_file *file, struct swg_error *error);

struct swgi_storage_counts {
    uint64_t audit_rows, audit_queued, audit_dropped, checkpoints, gaps, faults, history_dropped;
    char last_fault[128];
};

/*
 * Opens or makes the database and goes on where a killed agent ended. A damaged one is moved aside, to
 * NAME.corrupt-TIME, told in the log, and a new one is made. -EBUSY: another agent has it; -EPROTO:
 * another program's, or of a newer schema; -EAGAIN: locked; -EROFS, -EACCES, -ENOENT, -ENOSPC, ... In the
 * file, database "off" gives 0 and *out NULL, with which every function here does nothing.
 */
int swgi_storage_open(struct swgi_storage **out, const struct swgi_file *file,
                      struct swg_panel *panel, struct swg_error *error);
/* Writes what is queued, for at most a few seconds, and closes. NULL is fine. */
struct swgi_storage *swgi_storage_close(struct swgi_storage *storage);
/* Where to go on reading the panel's events: after what is in the audit already. */
uint64_t swgi_storage_cursor(const struct swgi_storage *storage);
/*
 * A fresh panel (another boot, or made anew) gets what the database knew, deadlines re-based: circuits
 * that are there now and have not tripped yet, how many is returned; those made later follow when they
 * are, by themselves. Before the first tick.
 */
int swgi_storage_restore(struct swgi_storage *storage, struct swg_error *error);
/* An event of the panel and the cursor after it: becomes an audit row where it is an act or a
 * transition. Never blocks; the cursor is stored with the rows. */
void swgi_storage_event(struct swgi_storage *storage, const struct swg_event *event,
                        uint64_t cursor);
/* The ring overran us (-EOVERFLOW): the next event tells how many acts that cost, and if any, the audit
 * notes it as a row GAP. */
void swgi_storage_gap(struct swgi_storage *storage);
/*
 * An alert that fired or ended, and other rows that are no events of the panel. Returns what swgi_storage_wait() knows the row by; 0:
 * there was no room for it, or no storage.
 */
uint64_t swgi_storage_note(struct swgi_storage *storage, enum swgi_audit_action action,
                           const char *circuit, const char *reason, const char *user,
                           const char *source, const char *evidence_json);
/* Is that row on disk? Waits for it for at most so long. From any thread, until the storage is closed. */
bool swgi_storage_wait(struct swgi_storage *storage, uint64_t row, int64_t most_ms);
/* Once a second: checkpoints of what changed, history when a minute is over, retention. */
void swgi_storage_tick(struct swgi_storage *storage, const struct swgi_measures *measures);
void swgi_storage_counts(const struct swgi_storage *storage, struct swgi_storage_counts *out);

struct swgi_audit_row {
    int64_t id, wall_ms;
    const char *circuit, *action, *reason, *evidence, *user, *source; /* never NULL */
};
struct swgi_audit_query {
    const char *circuit, *action; /* NULL: any; circuit may be a glob */
    int64_t since_ms, before_id;  /* 0: any; rows come newest first */
    uint32_t limit;               /* 1..1000 */
};
typedef void swgi_audit_fn(void *arg, const struct swgi_audit_row *row);
/* From any thread, also without an agent: opens the database read-only. -errno and *error. */
int swgi_audit_read(const char *database, const struct swgi_audit_query *query, swgi_audit_fn *fn,
                    void *arg, struct swg_error *error);

#endif
