/*
 * The storage's own: what the loop hands to the thread that writes, and what that thread works with.
 * The loop's side and the writer's meet under one mutex, which is never held while the disk works.
 */
#ifndef SWGI_AGENT_STORAGE_INSIDE_H
#define SWGI_AGENT_STORAGE_INSIDE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>

#include "agent/storage.h"
#include "agent/storage_time.h"
#include "circuit/past.h"

#define SWGI_STORAGE_VERSION     1
#define SWGI_STORAGE_APPLICATION 0x53774167 /* "SwAg" */

#define SWGI_STORAGE_ROWS_MAX    10000u /* audit rows that wait; more are dropped and counted */
#define SWGI_STORAGE_BATCH_ROWS  1000u
#define SWGI_STORAGE_MINUTES_MAX 20000u /* rows of history that wait */
#define SWGI_STORAGE_REASON_MAX  512u
#define SWGI_EVIDENCE_MAX        4096u

#define SWGI_HOUR_MS INT64_C(3600000)
#define SWGI_DAY_MS  (24 * SWGI_HOUR_MS)

/* ---- rows on their way */

struct swgi_row {
    struct swgi_row *next;
    int64_t wall_ms;
    bool has_position;   /* cursor and next_act are what is read once this is written */
    bool goes_with_next; /* in one transaction */
    uint64_t cursor, next_act;
    const char *circuit, *action, *reason, *evidence, *user, *source; /* in text */
    char text[];
};

/* NULL: no memory. What is NULL becomes "", evidence "{}". Bytes are cleaned and cut to what is
 * allowed. */
struct swgi_row *swgi_row_new(int64_t wall_ms, const char *circuit, enum swgi_audit_action action,
                              const char *reason, const char *evidence, const char *user,
                              const char *source);
void swgi_rows_free(struct swgi_row *rows);
/* The row of an event; *row is NULL for those that make none. -ENOMEM. */
int swgi_row_of_event(const struct swg_event *event, struct swgi_row **row);

/* A circuit's state as the table has it: instants by the calendar, 0 none, INT64_MAX by hand only. */
struct swgi_state {
    char circuit[SWGI_NAME_MAX + 1];
    int state, mode, rule;
    uint32_t generation, trips_in_a_row;
    int64_t since_ms, open_until_ms, mode_until_ms, last_trip_ms;
    uint64_t transitions, trips, calls, successes, failures, timeouts, slow, rejected;
    /* Told by events, kept for a panel that knows nothing. */
    int trip_rule;
    double trip_value, trip_threshold;
    uint64_t trip_calls;
    int64_t mode_set_ms;
    char mode_user[32], mode_reason[128];
    int64_t panel_birth_ms, updated_ms; /* of the panel it was seen in, and when */
};

/* What makes a checkpoint due: as the panel tells it, before it is brought to the calendar. */
struct swgi_mark {
    int64_t state, mode, rule, since, open_until, mode_until, last_trip;
    uint64_t generation, transitions, trips, trips_in_a_row;
    uint64_t calls, successes, failures, timeouts, slow, rejected;
};

/* What a minute of history is counted from. */
struct swgi_sample {
    uint64_t calls, failures, timeouts, slow, rejected;
    int64_t in_state[3];
};

struct swgi_minute {
    char circuit[SWGI_NAME_MAX + 1];
    int64_t start_ms;
    double seconds;
    uint64_t calls, failures, slow, rejected;
    double p50, p99, share[3]; /* seconds, -1: unknown; CLOSED, OPEN, HALF_OPEN */
};

/* One circuit, from its first sight to the end: pointers to it stay good. */
struct swgi_kept {
    struct swgi_state state;
    struct swgi_mark mark;
    bool is_dirty;      /* state is to be written; in the list of those */
    bool is_restorable; /* state is of another panel, and was not put back yet */
    struct swgi_kept *next_dirty, *next;
    struct swgi_kept *after;           /* whom swgi_kept_find() found after it; the loop's alone */
    struct swgi_sample sample, latest; /* at the last minute, and at the last tick */
    uint32_t *bins;                    /* of the histogram at the last minute, NULL: none yet */
};

/* ---- the writer's side */

enum swgi_storage_statement {
    SWGI_SQL_BEGIN,
    SWGI_SQL_COMMIT,
    SWGI_SQL_AUDIT,
    SWGI_SQL_STATE,
    SWGI_SQL_POSITION,
    SWGI_SQL_MINUTE,
    SWGI_SQL_AUDIT_ENDS,
    SWGI_SQL_AUDIT_FIRST,
    SWGI_SQL_AUDIT_FLOOR,
    SWGI_SQL_AUDIT_DELETE,
    SWGI_SQL_STATE_DELETE,
    SWGI_SQL_ROLL_NEXT,
    SWGI_SQL_ROLL_UP,
    SWGI_SQL_ROLL_DELETE,
    SWGI_SQL_HISTORY_COUNT,
    SWGI_SQL_HISTORY_OLD,
    SWGI_SQL_HISTORY_FIRST,
    SWGI_SQLS
};

struct swgi_database {
    char path[SWGI_FILE_TEXT_MAX];
    int lock_fd;
    sqlite3 *sqlite; /* NULL: not open now */
    sqlite3_stmt *statements[SWGI_SQLS];
    bool is_synced;
    bool is_new; /* it was just made; whoever knows what belongs into it takes this down */
};

/* Where in which panel's ring the audit goes on. */
struct swgi_position {
    char path[256];
    int64_t birth_ms;
    uint64_t cursor, next_act;
};

struct swgi_batch {
    struct swgi_row *rows;
    size_t rows_count;
    struct swgi_state *states;
    struct swgi_kept **kept; /* whose states they are */
    size_t states_count, states_room;
    struct swgi_minute *minutes;
    size_t minutes_count;
    struct swgi_position position;
    bool moves; /* position is to be written */
};

struct swgi_retention {
    int64_t audit_keep_ms, history_keep_ms;
    uint64_t audit_rows_max, history_rows_max;
};

struct swgi_storage {
    struct swg_panel *panel;
    int64_t (*wall_ms)(void *arg);
    void *wall_arg;
    struct swgi_retention retention;
    int64_t close_ns; /* how long closing may try to write what is left */

    /* The loop's alone. */
    void *tree;              /* of struct swgi_kept, by name (tsearch) */
    struct swgi_kept *all;   /* the same, one after another */
    struct swgi_kept *found; /* last; NULL: none yet */
    uint64_t opened_cursor;  /* where the audit ended when it was opened */
    uint64_t next_act;       /* number of the act that comes next */
    bool is_first;           /* no act was seen yet */
    bool is_our_past;        /* what the database knows was in a panel of the same place */
    bool is_overrun;         /* the ring said so, and what came after is not known yet */
    bool lags; /* there was no room: the ring has what is to be read from lag_cursor on */
    uint64_t lag_cursor;
    int64_t birth_ms;
    int64_t minute;        /* whose history is being counted; 0: none */
    int64_t minute_began;  /* when counting began, ms */
    int64_t retention_due; /* ms */
    int64_t touched_day;

    /* Both sides', under the mutex. */
    pthread_mutex_t mutex;
    pthread_cond_t wake, over, settled; /* for the writer; of the writer: its end, rows written */
    struct swgi_row *rows, **rows_end;
    size_t rows_count; /* with those the writer has taken and not written */
    uint64_t dropped_untold;
    struct swgi_kept *dirty;
    struct swgi_minute *minutes;
    size_t minutes_count, minutes_room;
    struct swgi_position position; /* after the last event */
    bool moved;                    /* and not written yet */
    int64_t tidy_wall_ms;          /* retention is asked for, as of then; 0: not */
    size_t in_hand; /* checkpoints and minutes the writer has taken and not written */
    bool stops, is_over;
    int64_t stop_at_ns; /* CLOCK_MONOTONIC; by then the writer gives up */
    struct swgi_storage_counts counts;

    /* The writer's alone, once it runs. */
    pthread_t writer;
    struct swgi_database database;
    struct swgi_batch batch;
    int64_t fault_since_ns;  /* 0: all is well */
    uint64_t dropped_before; /* counts.audit_dropped when a batch was written last */
    int64_t backoff_ms;
};

/* ---- storage_database.c. Faults are -errno and *error: what and where. */
/* Also takes the lock that keeps a second agent out. */
int swgi_database_open(struct swgi_database *database, struct swg_error *error);
/* Again, after a fault: the lock is kept. */
int swgi_database_reopen(struct swgi_database *database, struct swg_error *error);
void swgi_database_disconnect(struct swgi_database *database);
void swgi_database_close(struct swgi_database *database);
/* -EBADMSG: damaged; -EAGAIN: locked; -ENOSPC: full; ... */
int swgi_database_fault(struct swgi_database *database, struct swg_error *error);
/* The file is no longer where it was. */
bool swgi_database_has_moved(struct swgi_database *database);
/* 0 if it begins as a database does, -EPROTO if not. Costs SQLite's locks on it, so only where it is given up. */
int swgi_database_is_one(const char *path, struct swg_error *error);
/* A damaged file and its WAL get names that tell when; the log is told. */
int swgi_database_move_aside(struct swgi_database *database, int64_t wall_ms,
                             struct swg_error *error);
int swgi_database_do(struct swgi_database *database, enum swgi_storage_statement which,
                     struct swg_error *error);
/* 1 a row (reset it afterwards), 0 none. */
int swgi_database_step(struct swgi_database *database, sqlite3_stmt *statement,
                       struct swg_error *error);
int swgi_database_begin(struct swgi_database *database, bool synced, struct swg_error *error);
void swgi_database_rollback(struct swgi_database *database);

/* ---- storage_schema.c */
/* By what its first page says: 0 ours, 1 a new one, -EPROTO another program's, or of a newer schema. */
int swgi_schema_whose(const char *path, int64_t application, int64_t version, bool is_empty,
                      struct swg_error *error);
int swgi_schema_settle(struct swgi_database *database, struct swg_error *error);
int swgi_schema_prepare(struct swgi_database *database, struct swg_error *error);

/* ---- storage_rows.c: within a transaction */
int swgi_batch_write(struct swgi_database *database, const struct swgi_batch *batch,
                     struct swg_error *error);
int swgi_position_read(struct swgi_database *database, struct swgi_position *out,
                       struct swg_error *error);
typedef int swgi_state_fn(void *arg, const struct swgi_state *state);
int swgi_states_read(struct swgi_database *database, swgi_state_fn *fn, void *arg,
                     struct swg_error *error);

/* ---- storage_retention.c: one short transaction. 1: there is more to do, 0: done. */
int swgi_retention_step(struct swgi_database *database, const struct swgi_retention *retention,
                        int64_t wall_ms, struct swg_error *error);

/* ---- storage_writer.c */
int swgi_writer_start(struct swgi_storage *storage, struct swg_error *error);
/* false: it hangs, and what it uses must be left to it. */
bool swgi_writer_stop(struct swgi_storage *storage);

/* ---- storage_state.c: the loop's side of checkpoints; the mutex is not held */
struct swgi_kept *swgi_kept_find(struct swgi_storage *storage, const char *circuit);
/* Makes it. NULL: no memory. */
struct swgi_kept *swgi_kept_get(struct swgi_storage *storage, const char *circuit);
void swgi_kept_free(struct swgi_storage *storage);
/* Note what is now, and have it written if it changed. */
void swgi_kept_see(struct swgi_storage *storage, struct swgi_kept *kept,
                   const struct swg_circuit *circuit, const struct swg_status *status);
/* What an event tells beside the status, and its circuit's state after it. */
void swgi_kept_event(struct swgi_storage *storage, const struct swg_event *event);
void swgi_kept_mark_dirty(struct swgi_storage *storage, struct swgi_kept *kept);

/* ---- storage_restore.c */
/* 1 restored, 0 it was not to be or could not yet be, -errno. */
int swgi_kept_restore(struct swgi_storage *storage, struct swgi_kept *kept,
                      struct swg_circuit *circuit);

/* ---- storage.c; the mutex is held. false: there was no room, and that will be told. Takes the row. */
bool swgi_storage_add_row(struct swgi_storage *storage, struct swgi_row *row);

/* ---- storage_follow.c */
/* Read on in the ring where there was no room, a bit at a time. */
void swgi_storage_catch_up(struct swgi_storage *storage);
/* Whether it is still the one it was; another has numbers and circuits of its own. */
void swgi_storage_look_at_panel(struct swgi_storage *storage);

/* ---- storage_history.c: the loop's side */
void swgi_history_tick(struct swgi_storage *storage, const struct swgi_measures *measures,
                       int64_t wall_ms);
/* The minute under way, as far as the last tick saw it. */
void swgi_history_end(struct swgi_storage *storage, int64_t wall_ms);

/* ---- tests */
void swgi_storage_set_wall(struct swgi_storage *storage, int64_t (*wall_ms)(void *), void *arg);
/* Waits until all that was handed over is written, or for that long. */
bool swgi_storage_flush(struct swgi_storage *storage, int64_t most_ms);

static inline int64_t swgi_storage_wall(const struct swgi_storage *storage) {
    return storage->wall_ms(storage->wall_arg);
}

#endif
