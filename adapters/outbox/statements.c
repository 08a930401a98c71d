/* All SQL that is used after opening, transactions, and what SQLite's errors are called here. */
#include "internal.h"

#include <errno.h>
#include <string.h>

/* ?1 is the queue wherever there is one. */
static const char *const texts[SWGI_STATEMENTS] = {
    [SWGI_BEGIN] = "BEGIN IMMEDIATE",
    [SWGI_COMMIT] = "COMMIT",
    [SWGI_ROLLBACK] = "ROLLBACK",
    [SWGI_COUNT] = "UPDATE outbox_queue SET pending = pending + ?2, dead = dead + ?3,"
                   " bytes = bytes + ?4, remembered = remembered + ?5, delivered = delivered + ?6"
                   " WHERE id = ?1",
    [SWGI_STATUS] = "SELECT pending, dead, bytes, remembered, delivered FROM outbox_queue"
                    " WHERE id = ?1",
    [SWGI_INSERT] = "INSERT INTO outbox(queue, key, put_ms, bytes) VALUES(?1, ?2, ?3, ?4)"
                    " ON CONFLICT DO NOTHING",
    [SWGI_FIRST] = "SELECT outbox.id, key, attempts, put_ms, outbox.bytes, trying, tried, text"
                   " FROM outbox_queue CROSS JOIN outbox ON queue = outbox_queue.id"
                   " WHERE outbox_queue.id = ?1 AND state = 0 ORDER BY outbox.id LIMIT 1",
    [SWGI_MARK] = "UPDATE outbox_queue SET trying = ?2, tried = ?3 WHERE id = ?1",
    [SWGI_KEEP_MARK] = "UPDATE outbox SET attempts ="
                       " (SELECT tried FROM outbox_queue WHERE outbox_queue.id = ?1)"
                       " WHERE id = ?2 AND queue = ?1 AND state = 0",
    [SWGI_UNMARK] = "UPDATE outbox_queue SET trying = 0, tried = 0 WHERE id = ?1 AND trying = ?2",
    [SWGI_DELIVER] = "UPDATE outbox SET state = 1, attempts = ?3, ended_ms = ?4, outcome = 0,"
                     " code = 0, kind = '', text = '', bytes = x'' WHERE id = ?2 AND queue = ?1",
    [SWGI_FAIL] = "UPDATE outbox SET attempts = ?3, outcome = ?5, code = ?6, kind = ?7, text = ?8"
                  " WHERE id = ?2 AND queue = ?1",
    [SWGI_BURY] = "UPDATE outbox SET state = 2, attempts = ?3, ended_ms = ?4, outcome = ?5,"
                  " code = ?6, kind = ?7, text = ?8 WHERE id = ?2 AND queue = ?1",
    [SWGI_FORGET] = "DELETE FROM outbox WHERE id IN (SELECT id FROM (SELECT id, ended_ms"
                    " FROM outbox WHERE queue = ?1 AND state = 1 ORDER BY id LIMIT ?2)"
                    " WHERE ended_ms < ?3)",
    [SWGI_DEAD_NEXT] = "SELECT id, key, length(bytes), attempts, outcome, code, kind, text,"
                       " put_ms, ended_ms FROM outbox WHERE queue = ?1 AND state = 2 AND id > ?2"
                       " ORDER BY id LIMIT 1",
    [SWGI_DEAD_BYTES] = "SELECT bytes FROM outbox WHERE queue = ?1 AND key = ?2 AND state = 2",
    [SWGI_DEAD_SUM] = "SELECT count(*), ifnull(sum(length(bytes)), 0) FROM outbox"
                      " WHERE queue = ?1 AND state = 2 AND (?2 IS NULL OR key = ?2)",
    [SWGI_REQUEUE] = "UPDATE outbox SET state = 0, attempts = 0"
                     " WHERE queue = ?1 AND state = 2 AND (?2 IS NULL OR key = ?2)",
    [SWGI_DROP] = "DELETE FROM outbox"
                  " WHERE queue = ?1 AND state = 2 AND (?2 IS NULL OR key = ?2)",
};

int swgi_outbox_prepare(struct swg_outbox *outbox, struct swg_error *error) {
    for (int i = 0; i < SWGI_STATEMENTS; i++) {
        int rc = sqlite3_prepare_v3(outbox->database, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &outbox->statements[i], NULL);

        /* A table or a column is missing that this schema has. */
        if (rc == SQLITE_ERROR)
            return swgi_outbox_fault(error, -EBADMSG, outbox->path, "it is damaged: %s",
                                     sqlite3_errmsg(outbox->database));
        if (rc != SQLITE_OK)
            return swgi_outbox_sqlite_fault(outbox, error);
    }
    return 0;
}

void swgi_outbox_finalize(struct swg_outbox *outbox) {
    for (int i = 0; i < SWGI_STATEMENTS; i++)
        sqlite3_finalize(outbox->statements[i]);
}

sqlite3_stmt *swgi_outbox_statement(struct swg_outbox *outbox, enum swgi_outbox_statement which) {
    sqlite3_stmt *statement = outbox->statements[which];

    if (sqlite3_bind_parameter_count(statement) > 0)
        sqlite3_bind_int64(statement, 1, outbox->queue);
    return statement;
}

struct meaning {
    int primary; /* https://www.sqlite.org/rescode.html */
    int code;
    const char *text;
};

static const struct meaning meanings[] = {
    { SQLITE_BUSY, -EAGAIN, "other processes kept the database busy for too long" },
    { SQLITE_LOCKED, -EAGAIN, "other processes kept the database busy for too long" },
    { SQLITE_NOMEM, -ENOMEM, "no memory for SQLite" },
    { SQLITE_READONLY, -EROFS, "it may be read only" },
    { SQLITE_FULL, -ENOSPC, "the disk is full" },
    { SQLITE_CORRUPT, -EBADMSG, "it is damaged" },
    { SQLITE_NOTADB, -EBADMSG, "it is no database" },
    { SQLITE_PERM, -EACCES, "no permission" },
    { SQLITE_TOOBIG, -EMSGSIZE, "too long for SQLite" },
};

int swgi_outbox_sqlite_fault(struct swg_outbox *outbox, struct swg_error *error) {
    int extended = sqlite3_extended_errcode(outbox->database), primary = extended & 0xff;
    int system = sqlite3_system_errno(outbox->database);

    /* SQLite does not keep it when a commit fails. */
    if (system == 0 && primary == SQLITE_IOERR)
        system = errno;
    if (extended == SQLITE_IOERR_NOMEM || extended == SQLITE_IOERR_SHMMAP)
        return swgi_outbox_fault(error, extended == SQLITE_IOERR_NOMEM ? -ENOMEM : -EIO,
                                 outbox->path, "no memory to share: %s", strerror(system));
    if (primary == SQLITE_IOERR && (system == EFBIG || system == EDQUOT))
        return swgi_outbox_fault(error, -ENOSPC, outbox->path, "no room: %s", strerror(system));
    for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
        if (meanings[i].primary == primary)
            return swgi_outbox_fault(error, meanings[i].code, outbox->path, "%s", meanings[i].text);
    if (primary == SQLITE_CANTOPEN && system != 0)
        return swgi_outbox_fault(error, -system, outbox->path, "it cannot be opened: %s",
                                 strerror(system));
    return swgi_outbox_fault(error, -EIO, outbox->path, "%s (SQLite %d)%s%s",
                             sqlite3_errmsg(outbox->database), extended, system != 0 ? ": " : "",
                             system != 0 ? strerror(system) : "");
}

int swgi_outbox_step(struct swg_outbox *outbox, sqlite3_stmt *statement, struct swg_error *error) {
    int rc;

    errno = 0;
    rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return 1;
    rc = rc == SQLITE_DONE ? 0 : swgi_outbox_sqlite_fault(outbox, error);
    sqlite3_reset(statement);
    return rc;
}

int swgi_outbox_do(struct swg_outbox *outbox, sqlite3_stmt *statement, struct swg_error *error) {
    int rc = swgi_outbox_step(outbox, statement, error);

    if (rc > 0)
        sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

/* Entries put into a file that no longer has its name would be gone with the process. */
static int check_file(struct swg_outbox *outbox, struct swg_error *error) {
    int moved = 0;

    sqlite3_file_control(outbox->database, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (moved == 0)
        return 0;
    return swgi_outbox_fault(error, -ESTALE, outbox->path,
                             "it was moved or deleted: open the outbox again");
}

static int set_synced(struct swg_outbox *outbox, bool synced, struct swg_error *error) {
    const char *sql = synced ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL";

    if (outbox->synced == synced)
        return 0;
    if (sqlite3_exec(outbox->database, sql, NULL, NULL, NULL) != SQLITE_OK)
        return swgi_outbox_sqlite_fault(outbox, error);
    /* What does not wait for the disk should not have to write all of the WAL into the database either. */
    sqlite3_wal_autocheckpoint(outbox->database, synced ? 1000 : 0);
    outbox->synced = synced;
    return 0;
}

int swgi_outbox_begin(struct swg_outbox *outbox, bool synced, struct swg_error *error) {
    int rc = check_file(outbox, error);

    if (rc == 0)
        rc = set_synced(outbox, synced, error);
    if (rc == 0)
        rc = swgi_outbox_do(outbox, outbox->statements[SWGI_BEGIN], error);
    return rc;
}

int swgi_outbox_end(struct swg_outbox *outbox, int rc, struct swg_error *error) {
    if (rc == 0)
        rc = swgi_outbox_do(outbox, outbox->statements[SWGI_COMMIT], error);
    /* After some errors SQLite has rolled back by itself. */
    if (rc != 0 && !sqlite3_get_autocommit(outbox->database))
        swgi_outbox_do(outbox, outbox->statements[SWGI_ROLLBACK], NULL);
    return rc;
}

/* Not by RETURNING, for which SQLite makes a table on the side: that doubles what a single put costs. */
static int read_sums(struct swg_outbox *outbox, int64_t *rows, int64_t *bytes,
                     struct swg_error *error) {
    sqlite3_stmt *statement = swgi_outbox_statement(outbox, SWGI_STATUS);
    int rc = swgi_outbox_step(outbox, statement, error);

    if (rc <= 0)
        return rc;
    *rows = sqlite3_column_int64(statement, 0) + sqlite3_column_int64(statement, 1);
    *bytes = sqlite3_column_int64(statement, 2);
    sqlite3_reset(statement);
    return 0;
}

int swgi_outbox_count(struct swg_outbox *outbox, const struct swgi_outbox_change *change,
                      int64_t *rows, int64_t *bytes, struct swg_error *error) {
    sqlite3_stmt *statement = swgi_outbox_statement(outbox, SWGI_COUNT);
    int rc;

    sqlite3_bind_int64(statement, 2, change->pending);
    sqlite3_bind_int64(statement, 3, change->dead);
    sqlite3_bind_int64(statement, 4, change->bytes);
    sqlite3_bind_int64(statement, 5, change->remembered);
    sqlite3_bind_int64(statement, 6, change->delivered);
    rc = swgi_outbox_do(outbox, statement, error);
    if (rc == 0 && sqlite3_changes(outbox->database) != 1)
        return swgi_outbox_fault(error, -EBADMSG, outbox->path, "it is damaged: the queue is gone");
    return rc == 0 && rows != NULL ? read_sums(outbox, rows, bytes, error) : rc;
}
