/* The database: opened, known as ours or refused, and made if it is empty. Held meanwhile: byte 0 of the lock file. */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define APPLICATION 0x53774F62 /* "SwOb" */
#define VERSION     1
#define TEXT(x)     TEXT_(x)
#define TEXT_(x)    #x

/*
 * The counters spare a count of all entries at each put. `trying` and `tried` note the attempt under way beside the entry, whose
 * bytes would have to be written anew. Of a delivered entry the key stays and the bytes go. Entries of one state lie in the index
 * in the order of their id, which grows with each commit.
 */
static const char schema[] =
    "CREATE TABLE outbox_queue(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " pending INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0,"
    " bytes INTEGER NOT NULL DEFAULT 0, remembered INTEGER NOT NULL DEFAULT 0,"
    " delivered INTEGER NOT NULL DEFAULT 0, trying INTEGER NOT NULL DEFAULT 0,"
    " tried INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE TABLE outbox(id INTEGER PRIMARY KEY, queue INTEGER NOT NULL, key TEXT NOT NULL,"
    " state INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,"
    " put_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL DEFAULT 0,"
    " outcome INTEGER NOT NULL DEFAULT 0, code INTEGER NOT NULL DEFAULT 0,"
    " kind TEXT NOT NULL DEFAULT '', text TEXT NOT NULL DEFAULT '', bytes BLOB NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX outbox_key ON outbox(queue, key);"
    "CREATE INDEX outbox_state ON outbox(queue, state);"
    "PRAGMA application_id=" TEXT(APPLICATION) ";"
                                               "PRAGMA user_version=" TEXT(VERSION) ";";

static int query(struct swg_outbox *outbox, const char *sql, int64_t *number,
                 struct swg_error *error) {
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(outbox->database, sql, -1, &statement, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        *number = sqlite3_column_int64(statement, 0);
    rc = rc == SQLITE_ROW ? 0 : swgi_outbox_sqlite_fault(outbox, error);
    sqlite3_finalize(statement);
    return rc;
}

static int execute(struct swg_outbox *outbox, const char *sql, struct swg_error *error) {
    if (sqlite3_exec(outbox->database, sql, NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return swgi_outbox_sqlite_fault(outbox, error);
}

/* 0: ours; 1: empty; or what it is instead. */
static int whose(struct swg_outbox *outbox, struct swg_error *error) {
    int64_t application = 0, version = 0, tables = 0;
    int rc = query(outbox, "PRAGMA application_id", &application, error);

    if (rc == 0)
        rc = query(outbox, "PRAGMA user_version", &version, error);
    if (rc == 0)
        rc = query(outbox, "SELECT count(*) FROM sqlite_schema", &tables, error);
    if (rc != 0)
        return rc;
    if (application == 0 && version == 0 && tables == 0)
        return 1;
    if (application != APPLICATION)
        return swgi_outbox_fault(error, -EPROTO, outbox->path, "it is another program's database");
    if (version != VERSION)
        return swgi_outbox_fault(error, -EPROTO, outbox->path,
                                 "it is an outbox of schema %lld; this library knows %d",
                                 (long long)version, VERSION);
    return 0;
}

static int use_wal(struct swg_outbox *outbox, struct swg_error *error) {
    sqlite3_stmt *statement = NULL;
    const unsigned char *mode = NULL;
    int rc = sqlite3_prepare_v2(outbox->database, "PRAGMA journal_mode=WAL", -1, &statement, NULL);

    if (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW)
        mode = sqlite3_column_text(statement, 0);
    if (rc != SQLITE_ROW)
        rc = swgi_outbox_sqlite_fault(outbox, error);
    else if (mode == NULL || strcmp((const char *)mode, "wal") != 0)
        rc = swgi_outbox_fault(error, -ENOTSUP, outbox->path,
                               "this file system has no shared memory for SQLite's WAL");
    else
        rc = 0;
    sqlite3_finalize(statement);
    return rc;
}

/* A kill on the way leaves an empty database, or a whole one. */
static int make(struct swg_outbox *outbox, struct swg_error *error) {
    int rc = execute(outbox, "BEGIN IMMEDIATE", error);

    if (rc == 0)
        rc = execute(outbox, schema, error);
    if (rc == 0)
        rc = execute(outbox, "COMMIT", error);
    if (rc != 0)
        sqlite3_exec(outbox->database, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

static int find_queue(struct swg_outbox *outbox, struct swg_error *error) {
    static const char insert[] = "INSERT INTO outbox_queue(name) VALUES(?1)"
                                 " ON CONFLICT DO UPDATE SET id = id RETURNING id";
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(outbox->database, insert, -1, &statement, NULL);

    if (rc == SQLITE_OK)
        sqlite3_bind_text(statement, 1, outbox->options.queue, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        outbox->queue = sqlite3_column_int64(statement, 0);
        rc = sqlite3_step(statement);
    }
    rc = rc == SQLITE_DONE ? 0 : swgi_outbox_sqlite_fault(outbox, error);
    sqlite3_finalize(statement);
    return rc;
}

/* "./" and the like: SQLite gives "file:" and ":memory:" a meaning of their own. */
static int connect(struct swg_outbox *outbox, struct swg_error *error) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                      SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(outbox->path, &outbox->database, flags, NULL);

    if (outbox->database == NULL)
        return swgi_outbox_fault(error, -ENOMEM, outbox->path, "no memory for SQLite");
    if (rc != SQLITE_OK)
        return swgi_outbox_sqlite_fault(outbox, error);
    sqlite3_db_config(outbox->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(outbox->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_busy_timeout(outbox->database, (int)(outbox->options.busy_max / SWGI_NS_PER_MS));
    /* SQLite opens what it may not write for reading, and says nothing. */
    if (sqlite3_db_readonly(outbox->database, "main") == 1)
        return swgi_outbox_fault(error, -EROFS, outbox->path, "it may be read only");
    return 0;
}

int swgi_outbox_open_database(struct swg_outbox *outbox, struct swg_error *error) {
    int rc = connect(outbox, error), is_new = 0;

    if (rc == 0)
        rc = is_new = whose(outbox, error);
    if (rc >= 0)
        rc = use_wal(outbox, error);
    if (rc == 0)
        rc = execute(outbox, "PRAGMA synchronous=FULL", error);
    if (rc == 0 && is_new == 1)
        rc = make(outbox, error);
    if (rc == 0)
        rc = find_queue(outbox, error);
    if (rc == 0)
        rc = swgi_outbox_prepare(outbox, error);
    outbox->synced = true;
    return rc;
}
