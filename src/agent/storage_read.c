/* Reading the audit: a connection of its own, which may only read, for one page. From any thread and any program. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/storage_inside.h"
#include "base/clock.h"
#include "base/error.h"

#define BUSY_MS     1000
#define PATIENCE_NS INT64_C(3000000000) /* a page that takes longer is given up */
#define LIMIT_MOST  1000u

/*
 * An exact name finds its rows by index. Rows of the last hours are found by theirs, and in any other
 * case they are looked through from the newest on.
 */
static const char sql_start[] =
    "SELECT id, circuit, action, reason, evidence, user, source, timestamp"
    " FROM circuit_breaker_audit WHERE 1";

struct reader {
    struct swgi_database database; /* for its faults; the lock is not ours to take */
    int64_t until;
};

static int is_out_of_time(void *arg) {
    const struct reader *reader = arg;
    return swgi_clock_of(CLOCK_MONOTONIC) > reader->until;
}

static int connect_reader(struct reader *reader, struct swg_error *error) {
    struct swgi_database *database = &reader->database;
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                      SQLITE_OPEN_EXRESCODE;
    if (access(database->path, F_OK) != 0)
        return swgi_fail(error, -errno, database->path, "there is no database %s: %s",
                         database->path, strerror(errno));
    int rc = sqlite3_open_v2(database->path, &database->sqlite, flags, NULL);
    if (database->sqlite == NULL)
        return swgi_fail(error, -ENOMEM, database->path, "no memory for SQLite");
    if (rc != SQLITE_OK)
        return swgi_database_fault(database, error);
    sqlite3_db_config(database->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_busy_timeout(database->sqlite, BUSY_MS);
    sqlite3_progress_handler(database->sqlite, 10000, is_out_of_time, reader);
    return 0;
}

static int check_schema(struct reader *reader, struct swg_error *error) {
    struct swgi_database *database = &reader->database;
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(database->sqlite,
                                "SELECT application_id, user_version FROM pragma_application_id,"
                                " pragma_user_version",
                                -1, &statement, NULL);
    rc = rc == SQLITE_OK ? swgi_database_step(database, statement, error)
                         : swgi_database_fault(database, error);
    int application = rc == 1 ? sqlite3_column_int(statement, 0) : 0;
    int version = rc == 1 ? sqlite3_column_int(statement, 1) : 0;
    sqlite3_finalize(statement);
    if (rc < 0)
        return rc;
    if (application != SWGI_STORAGE_APPLICATION)
        return swgi_fail(error, -EPROTO, database->path, "%s is no database of an agent",
                         database->path);
    if (version > SWGI_STORAGE_VERSION)
        return swgi_fail(error, -EPROTO, database->path,
                         "%s has schema %d, written by a newer switchgear; this one knows up to %d",
                         database->path, version, SWGI_STORAGE_VERSION);
    return 0;
}

/* ---- the query */

/* In the configuration's language only '*' and '?' are special; in SQLite's '[' is, too. */
static void escape_glob(const char *glob, char *out, size_t size) {
    size_t used = 0;
    for (; *glob != '\0' && used + 4 < size; glob++) {
        if (*glob == '[') {
            memcpy(out + used, "[[]", 3);
            used += 3;
        } else {
            out[used++] = *glob;
        }
    }
    out[used] = '\0';
}

static bool is_glob(const char *text) {
    return strpbrk(text, "*?") != NULL;
}

static void write_sql(const struct swgi_audit_query *query, char *out, size_t size) {
    const char *circuit = query->circuit == NULL    ? ""
                          : is_glob(query->circuit) ? " AND circuit GLOB ?1"
                                                    : " AND circuit = ?1";
    snprintf(out, size, "%s%s%s%s%s ORDER BY id DESC LIMIT ?5", sql_start, circuit,
             query->action != NULL ? " AND action = ?2" : "",
             query->since_ms > 0 ? " AND timestamp >= ?3" : "",
             query->before_id > 0 ? " AND id < ?4" : "");
}

static void bind_query(sqlite3_stmt *statement, const struct swgi_audit_query *query) {
    char glob[4 * SWGI_NAME_MAX + 8], since[SWGI_ISO_MAX];
    if (query->circuit != NULL && is_glob(query->circuit)) {
        escape_glob(query->circuit, glob, sizeof(glob));
        sqlite3_bind_text(statement, 1, glob, -1, SQLITE_TRANSIENT);
    } else if (query->circuit != NULL) {
        sqlite3_bind_text(statement, 1, query->circuit, -1, SQLITE_TRANSIENT);
    }
    sqlite3_bind_text(statement, 2, query->action, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(statement, 3, swgi_iso_text(query->since_ms, since), -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 4, query->before_id);
    sqlite3_bind_int64(statement, 5, query->limit < LIMIT_MOST ? query->limit : LIMIT_MOST);
}

/* Nothing of it is believed: another program may have written what it liked. */
static const char *text_at(sqlite3_stmt *statement, int at) {
    const char *text = (const char *)sqlite3_column_text(statement, at);
    return text != NULL ? text : "";
}

static void hand_out(sqlite3_stmt *statement, swgi_audit_fn *fn, void *arg) {
    struct swgi_audit_row row = { .id = sqlite3_column_int64(statement, 0),
                                  .circuit = text_at(statement, 1),
                                  .action = text_at(statement, 2),
                                  .reason = text_at(statement, 3),
                                  .evidence = text_at(statement, 4),
                                  .user = text_at(statement, 5),
                                  .source = text_at(statement, 6) };
    swgi_iso_parse(text_at(statement, 7), &row.wall_ms);
    fn(arg, &row);
}

static int run_query(struct reader *reader, const struct swgi_audit_query *query, swgi_audit_fn *fn,
                     void *arg, struct swg_error *error) {
    struct swgi_database *database = &reader->database;
    sqlite3_stmt *statement = NULL;
    char sql[512];
    write_sql(query, sql, sizeof(sql));
    int rc = sqlite3_prepare_v2(database->sqlite, sql, -1, &statement, NULL);
    rc = rc == SQLITE_OK ? 1 : swgi_database_fault(database, error);
    if (rc == 1)
        bind_query(statement, query);
    while (rc == 1 && (rc = swgi_database_step(database, statement, error)) == 1)
        hand_out(statement, fn, arg);
    sqlite3_finalize(statement);
    return rc;
}

int swgi_audit_read(const char *database, const struct swgi_audit_query *query, swgi_audit_fn *fn,
                    void *arg, struct swg_error *error) {
    struct reader reader = { .database.lock_fd = -1,
                             .until = swgi_clock_of(CLOCK_MONOTONIC) + PATIENCE_NS };
    int length = snprintf(reader.database.path, sizeof(reader.database.path), "%s%s",
                          strchr("/.", database[0]) != NULL ? "" : "./", database);
    if (length < 0 || (size_t)length >= sizeof(reader.database.path))
        return swgi_fail(error, -ENAMETOOLONG, "database", "the database's path is too long");
    if (query->limit == 0)
        return swgi_fail(error, -EINVAL, "limit", "a page has 1 to %u rows", LIMIT_MOST);
    int rc = connect_reader(&reader, error);
    if (rc == 0)
        rc = check_schema(&reader, error);
    if (rc == 0)
        rc = run_query(&reader, query, fn, arg, error);
    sqlite3_close(reader.database.sqlite);
    return rc;
}
