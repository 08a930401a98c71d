/* The tables, and all SQL that is used once they are there. */
#include "agent/storage_inside.h"

#include <errno.h>
#include <stdio.h>

#include "base/error.h"

/*
 * Instants are text, so that people and any tool read them. `bookmaker` is what another generation
 * of programs calls a circuit. Audit rows are never changed, and go only when retention has raised
 * the floor over them, which any reader of the floor can see; an id is never used twice.
 */
static const char tables[] =
    "CREATE TABLE circuit_breaker_state("
    " circuit TEXT PRIMARY KEY, bookmaker TEXT GENERATED ALWAYS AS (circuit) VIRTUAL,"
    " state TEXT NOT NULL, mode TEXT NOT NULL, rule TEXT, generation INTEGER NOT NULL,"
    " since TEXT, open_until TEXT, by_hand_only INTEGER NOT NULL,"
    " mode_until TEXT, mode_unbounded INTEGER NOT NULL, mode_set TEXT,"
    " mode_user TEXT NOT NULL, mode_reason TEXT NOT NULL,"
    " last_trip TEXT, trip_rule TEXT, trip_value REAL NOT NULL, trip_threshold REAL NOT NULL,"
    " trip_calls INTEGER NOT NULL, transitions INTEGER NOT NULL, trips INTEGER NOT NULL,"
    " trips_in_a_row INTEGER NOT NULL, calls INTEGER NOT NULL, successes INTEGER NOT NULL,"
    " failures INTEGER NOT NULL, timeouts INTEGER NOT NULL, slow INTEGER NOT NULL,"
    " rejected INTEGER NOT NULL, panel_created_ms INTEGER NOT NULL, updated_at TEXT NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE circuit_breaker_audit("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, circuit TEXT NOT NULL,"
    " bookmaker TEXT GENERATED ALWAYS AS (circuit) VIRTUAL,"
    " action TEXT NOT NULL, reason TEXT NOT NULL, evidence TEXT NOT NULL, user TEXT NOT NULL,"
    " source TEXT NOT NULL, timestamp TEXT NOT NULL) STRICT;"
    "CREATE INDEX circuit_breaker_audit_circuit ON circuit_breaker_audit(circuit);"
    "CREATE INDEX circuit_breaker_audit_timestamp ON circuit_breaker_audit(timestamp);"
    "CREATE TABLE circuit_breaker_history("
    " circuit TEXT NOT NULL, span TEXT NOT NULL, started_at TEXT NOT NULL, seconds REAL NOT NULL,"
    " calls INTEGER NOT NULL, failures INTEGER NOT NULL, slow INTEGER NOT NULL,"
    " rejected INTEGER NOT NULL, p50 REAL, p99 REAL, closed_share REAL NOT NULL,"
    " open_share REAL NOT NULL, half_open_share REAL NOT NULL,"
    " PRIMARY KEY(circuit, span, started_at)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX circuit_breaker_history_started ON circuit_breaker_history(span, started_at);"
    "CREATE TABLE switchgear_panel("
    " id INTEGER PRIMARY KEY CHECK(id = 1), path TEXT NOT NULL, created_ms INTEGER NOT NULL,"
    " cursor INTEGER NOT NULL, next_act INTEGER NOT NULL, audit_floor INTEGER NOT NULL) STRICT;"
    "INSERT INTO switchgear_panel VALUES(1, '', 0, 0, 0, 0);";

static const char guards[] =
    "CREATE TRIGGER circuit_breaker_audit_keeps BEFORE UPDATE ON circuit_breaker_audit"
    " BEGIN SELECT RAISE(ABORT, 'circuit_breaker_audit is append-only'); END;"
    "CREATE TRIGGER circuit_breaker_audit_replaces_none BEFORE INSERT ON circuit_breaker_audit"
    " WHEN EXISTS(SELECT 1 FROM circuit_breaker_audit WHERE id = NEW.id)"
    " BEGIN SELECT RAISE(ABORT, 'circuit_breaker_audit is append-only'); END;"
    "CREATE TRIGGER circuit_breaker_audit_ages BEFORE DELETE ON circuit_breaker_audit"
    " WHEN OLD.id > (SELECT audit_floor FROM switchgear_panel)"
    " BEGIN SELECT RAISE(ABORT, 'circuit_breaker_audit is append-only'); END;";

static const char *const texts[SWGI_SQLS] = {
    [SWGI_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SWGI_SQL_COMMIT] = "COMMIT",
    [SWGI_SQL_AUDIT] =
        "INSERT INTO circuit_breaker_audit(circuit, action, reason, evidence, user, source,"
        " timestamp) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [SWGI_SQL_STATE] =
        "INSERT OR REPLACE INTO circuit_breaker_state(circuit, state, mode, rule, generation,"
        " since, open_until, by_hand_only, mode_until, mode_unbounded, mode_set, mode_user,"
        " mode_reason, last_trip, trip_rule, trip_value, trip_threshold, trip_calls, transitions,"
        " trips, trips_in_a_row, calls, successes, failures, timeouts, slow, rejected,"
        " panel_created_ms, updated_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
        " ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28,"
        " ?29)",
    [SWGI_SQL_POSITION] = "UPDATE switchgear_panel SET path = ?1, created_ms = ?2, cursor = ?3,"
                          " next_act = ?4",
    /* An agent that was started again within the minute adds to it. */
    [SWGI_SQL_MINUTE] =
        "INSERT INTO circuit_breaker_history VALUES(?1, 'minute', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
        " ?10, ?11, ?12) ON CONFLICT DO UPDATE SET"
        " closed_share = (closed_share * seconds + excluded.closed_share * excluded.seconds)"
        " / (seconds + excluded.seconds),"
        " open_share = (open_share * seconds + excluded.open_share * excluded.seconds)"
        " / (seconds + excluded.seconds),"
        " half_open_share = (half_open_share * seconds"
        " + excluded.half_open_share * excluded.seconds) / (seconds + excluded.seconds),"
        " seconds = seconds + excluded.seconds, calls = calls + excluded.calls,"
        " failures = failures + excluded.failures, slow = slow + excluded.slow,"
        " rejected = rejected + excluded.rejected, p50 = ifnull(max(p50, excluded.p50),"
        " ifnull(p50, excluded.p50)), p99 = ifnull(max(p99, excluded.p99),"
        " ifnull(p99, excluded.p99))",
    [SWGI_SQL_AUDIT_ENDS] = "SELECT ifnull((SELECT min(id) FROM circuit_breaker_audit), 0),"
                            " ifnull((SELECT max(id) FROM circuit_breaker_audit), 0)",
    /* The oldest that is not too old, among the next thousand. */
    [SWGI_SQL_AUDIT_FIRST] =
        "SELECT ifnull(min(id) FILTER (WHERE timestamp >= ?1), ifnull(max(id), 0) + 1) FROM"
        " (SELECT id, timestamp FROM circuit_breaker_audit ORDER BY id LIMIT 1000)",
    [SWGI_SQL_AUDIT_FLOOR] = "UPDATE switchgear_panel SET audit_floor = max(audit_floor, ?1)",
    [SWGI_SQL_AUDIT_DELETE] = "DELETE FROM circuit_breaker_audit WHERE id <= ?1",
    [SWGI_SQL_STATE_DELETE] = "DELETE FROM circuit_breaker_state WHERE updated_at < ?1",
    [SWGI_SQL_ROLL_NEXT] = "SELECT substr(started_at, 1, 13), circuit FROM circuit_breaker_history"
                           " WHERE span = 'minute' AND started_at < ?1 ORDER BY started_at LIMIT 1",
    [SWGI_SQL_ROLL_UP] =
        "INSERT OR REPLACE INTO circuit_breaker_history SELECT circuit, 'hour',"
        " ?1 || ':00:00.000Z', sum(seconds), sum(calls), sum(failures), sum(slow), sum(rejected),"
        " sum(p50 * calls) / nullif(sum(calls) FILTER (WHERE p50 IS NOT NULL), 0), max(p99),"
        " sum(closed_share * seconds) / sum(seconds), sum(open_share * seconds) / sum(seconds),"
        " sum(half_open_share * seconds) / sum(seconds) FROM circuit_breaker_history"
        " WHERE span IN ('minute', 'hour') AND started_at >= ?1 || ':00:00.000Z'"
        " AND started_at < ?1 || ':99' AND circuit = ?2 GROUP BY circuit",
    [SWGI_SQL_ROLL_DELETE] =
        "DELETE FROM circuit_breaker_history WHERE span = 'minute' AND circuit = ?2"
        " AND started_at >= ?1 || ':00:00.000Z' AND started_at < ?1 || ':99'",
    [SWGI_SQL_HISTORY_COUNT] = "SELECT count(*) FROM circuit_breaker_history",
    [SWGI_SQL_HISTORY_OLD] =
        "DELETE FROM circuit_breaker_history WHERE (span, started_at, circuit) IN"
        " (SELECT span, started_at, circuit FROM circuit_breaker_history"
        "  WHERE span = ?1 AND started_at < ?2 ORDER BY started_at LIMIT 1000)",
    [SWGI_SQL_HISTORY_FIRST] =
        "DELETE FROM circuit_breaker_history WHERE (span, started_at, circuit) IN"
        " (SELECT span, started_at, circuit FROM circuit_breaker_history"
        "  WHERE span = ?1 ORDER BY started_at LIMIT ?2)",
};

static int execute(struct swgi_database *database, const char *sql, struct swg_error *error) {
    if (sqlite3_exec(database->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return swgi_database_fault(database, error);
}

static int query(struct swgi_database *database, const char *sql, int64_t *number,
                 struct swg_error *error) {
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(database->sqlite, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        *number = sqlite3_column_int64(statement, 0);
    rc = rc == SQLITE_ROW ? 0 : swgi_database_fault(database, error);
    sqlite3_finalize(statement);
    return rc;
}

int swgi_schema_whose(const char *path, int64_t application, int64_t version, bool is_empty,
                      struct swg_error *error) {
    if (application == 0 && version == 0 && is_empty)
        return 1;
    if (application != SWGI_STORAGE_APPLICATION)
        return swgi_fail(error, -EPROTO, path,
                         "%s is another program's database; give the agent one of its own", path);
    if (version > SWGI_STORAGE_VERSION)
        return swgi_fail(error, -EPROTO, path,
                         "%s has schema %lld, written by a newer switchgear; this one knows up "
                         "to %d: install that one again, or move the file away",
                         path, (long long)version, SWGI_STORAGE_VERSION);
    return 0;
}

/* 0: ours; 1: empty; or what it is instead. */
static int whose(struct swgi_database *database, struct swg_error *error) {
    int64_t application = 0, version = 0, tables_count = 0;
    int rc = query(database, "PRAGMA application_id", &application, error);
    if (rc == 0)
        rc = query(database, "PRAGMA user_version", &version, error);
    if (rc == 0)
        rc = query(database, "SELECT count(*) FROM sqlite_schema", &tables_count, error);
    return rc != 0
               ? rc
               : swgi_schema_whose(database->path, application, version, tables_count == 0, error);
}

static int make(struct swgi_database *database, struct swg_error *error) {
    char versions[96];
    snprintf(versions, sizeof(versions), "PRAGMA application_id=%d; PRAGMA user_version=%d;",
             SWGI_STORAGE_APPLICATION, SWGI_STORAGE_VERSION);
    int rc = execute(database, "BEGIN IMMEDIATE", error);
    if (rc == 0)
        rc = execute(database, tables, error);
    if (rc == 0)
        rc = execute(database, guards, error);
    if (rc == 0)
        rc = execute(database, versions, error);
    if (rc == 0)
        rc = execute(database, "COMMIT", error);
    if (rc != 0)
        swgi_database_rollback(database);
    database->is_new = rc == 0;
    return rc;
}

/* A kill on the way leaves an empty database, or a whole one. */
int swgi_schema_settle(struct swgi_database *database, struct swg_error *error) {
    int64_t is_wal = 0;
    int rc = whose(database, error), is_new = rc;
    if (rc == 1)
        rc = execute(database, "PRAGMA auto_vacuum=INCREMENTAL", error);
    if (rc >= 0)
        rc = execute(
            database,
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=8388608;",
            error);
    if (rc == 0)
        rc =
            query(database, "SELECT journal_mode = 'wal' FROM pragma_journal_mode", &is_wal, error);
    if (rc == 0 && is_wal != 1)
        rc =
            swgi_fail(error, -ENOTSUP, database->path,
                      "%s: this file system has no shared memory for SQLite's WAL", database->path);
    if (rc == 0 && is_new == 1)
        rc = make(database, error);
    return rc;
}

int swgi_schema_prepare(struct swgi_database *database, struct swg_error *error) {
    for (int i = 0; i < SWGI_SQLS; i++) {
        int rc = sqlite3_prepare_v3(database->sqlite, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &database->statements[i], NULL);
        /* A table or a column is missing that this schema has. */
        if (rc == SQLITE_ERROR)
            return swgi_fail(error, -EBADMSG, database->path, "%s is damaged: %s", database->path,
                             sqlite3_errmsg(database->sqlite));
        if (rc != SQLITE_OK)
            return swgi_database_fault(database, error);
    }
    return 0;
}
