/* What the files of the outbox share. Nothing here is part of the promise, which is switchgear/outbox.h. */
#ifndef SWITCHGEAR_OUTBOX_INTERNAL_H
#define SWITCHGEAR_OUTBOX_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <sys/types.h>

#include <switchgear/outbox.h>

#define SWGI_OUTBOX_NAME_MAX 127 /* of a queue: as a circuit's */
#define SWGI_NS_PER_MS       INT64_C(1000000)
#define SWGI_NS_PER_S        INT64_C(1000000000)

/* What an entry is, in column `state`. */
enum { SWGI_PENDING, SWGI_DELIVERED, SWGI_DEAD };

/* Statements that are prepared once; their texts stand in statements.c. */
enum swgi_outbox_statement {
    SWGI_BEGIN,
    SWGI_COMMIT,
    SWGI_ROLLBACK,
    SWGI_COUNT,
    SWGI_STATUS,
    SWGI_INSERT,
    SWGI_FIRST,
    SWGI_MARK,
    SWGI_KEEP_MARK,
    SWGI_UNMARK,
    SWGI_DELIVER,
    SWGI_FAIL,
    SWGI_BURY,
    SWGI_FORGET,
    SWGI_DEAD_NEXT,
    SWGI_DEAD_BYTES,
    SWGI_DEAD_SUM,
    SWGI_REQUEUE,
    SWGI_DROP,
    SWGI_STATEMENTS
};

struct swg_outbox {
    pthread_mutex_t lock; /* of everything below but what only the run under way touches */
    sqlite3 *database;
    sqlite3_stmt *statements[SWGI_STATEMENTS];
    char *path;
    char *lock_path;
    int lock_fd;
    pid_t pid;
    int64_t queue; /* its number in the database */
    bool synced;   /* commits wait for the disk */
    bool running;
    struct swg_outbox_options options; /* with defaults filled in; its texts are not kept */
    void *bytes;                       /* of the entry being delivered */
    size_t bytes_room;
};

/* By how much a transaction changes the queue's counters. */
struct swgi_outbox_change {
    int64_t pending, dead, bytes, remembered, delivered;
};

/* ---- structs.c: structs of callers built against another version; errors; the clock of ages */
int swgi_outbox_take(void *to, size_t to_size, const void *from);
void swgi_outbox_give(void *to, const void *from, size_t from_size);
int swgi_outbox_fault(struct swg_error *error, int code, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
int64_t swgi_outbox_wall_ms(void);
swg_ns swgi_outbox_age(int64_t put_ms);

/* ---- options.c: 0 and all defaults filled in, or which one is out of range. */
int swgi_outbox_options(struct swg_outbox_options *mine, const struct swg_outbox_options *options,
                        struct swg_error *error);

/* ---- files.c: the database's file and the bytes that are locked beside it */
int swgi_outbox_open_lock(struct swg_outbox *outbox, struct swg_error *error);
int swgi_outbox_make_file(struct swg_outbox *outbox, struct swg_error *error);
/* Byte 0 is held while a database is opened; that of a queue's number while it is run. 0, or -EBUSY after `wait`. */
int swgi_outbox_lock_byte(struct swg_outbox *outbox, int64_t byte, swg_ns wait);
void swgi_outbox_unlock_byte(struct swg_outbox *outbox, int64_t byte);
bool swgi_outbox_byte_is_locked(struct swg_outbox *outbox, int64_t byte);
/* -ESTALE once the lock file is not the one that others would find. */
int swgi_outbox_check_lock(struct swg_outbox *outbox, struct swg_error *error);

/* ---- schema.c: a database is ours, new, or nobody's business */
int swgi_outbox_open_database(struct swg_outbox *outbox, struct swg_error *error);

/* ---- statements.c */
int swgi_outbox_prepare(struct swg_outbox *outbox, struct swg_error *error);
void swgi_outbox_finalize(struct swg_outbox *outbox);
/* A statement ready to be bound, its first parameter the queue. */
sqlite3_stmt *swgi_outbox_statement(struct swg_outbox *outbox, enum swgi_outbox_statement which);
/* 1: a row, to be read before sqlite3_reset(); 0: done, and reset; or a fault, and reset. */
int swgi_outbox_step(struct swg_outbox *outbox, sqlite3_stmt *statement, struct swg_error *error);
/* For statements without rows. */
int swgi_outbox_do(struct swg_outbox *outbox, sqlite3_stmt *statement, struct swg_error *error);
/* What SQLite said last, as our fault. */
int swgi_outbox_sqlite_fault(struct swg_outbox *outbox, struct swg_error *error);
/* A transaction that writes. synced: its commit waits for the disk. */
int swgi_outbox_begin(struct swg_outbox *outbox, bool synced, struct swg_error *error);
/* Ends it: commits if rc is 0, rolls back otherwise. Returns rc, or why the commit failed. */
int swgi_outbox_end(struct swg_outbox *outbox, int rc, struct swg_error *error);
/* Changes the counters; rows and bytes (both, or rows NULL): pending and dead ones, afterwards. */
int swgi_outbox_count(struct swg_outbox *outbox, const struct swgi_outbox_change *change,
                      int64_t *rows, int64_t *bytes, struct swg_error *error);

/* ---- handle.c: a turn with the handle, or -EPERM in a forked child. */
int swgi_outbox_enter(struct swg_outbox *outbox, struct swg_error *error);
void swgi_outbox_leave(struct swg_outbox *outbox);

/* ---- moves.c: an entry's way from pending to its end, for the run under way */
struct swgi_outbox_first {
    int64_t id, put_ms;
    uint32_t attempts; /* so far, broken-off ones included */
    int64_t marked;    /* the entry whose attempt was noted last, if it did not end; else 0 */
    size_t length;
    char key[SWG_OUTBOX_KEY_MAX + 1];
    char text[128]; /* of its last failure */
};
struct swgi_outbox_end {
    uint32_t attempts;
    int outcome, code;
    const char *kind, *text;
};
/* 1: the first pending entry, and its bytes in outbox->bytes if asked for; 0: none; or a fault. */
int swgi_outbox_first(struct swg_outbox *outbox, struct swgi_outbox_first *first, bool with_bytes,
                      struct swg_error *error);
/* Inside a transaction: this attempt begins. */
int swgi_outbox_mark(struct swg_outbox *outbox, const struct swgi_outbox_first *first,
                     struct swg_error *error);
int swgi_outbox_deliver(struct swg_outbox *outbox, const struct swgi_outbox_first *first,
                        struct swg_error *error);
int swgi_outbox_fail(struct swg_outbox *outbox, const struct swgi_outbox_first *first,
                     const struct swgi_outbox_end *end, struct swg_error *error);
int swgi_outbox_bury(struct swg_outbox *outbox, const struct swgi_outbox_first *first,
                     const struct swgi_outbox_end *end, struct swg_error *error);

#endif
