/*
 * What is old goes: audit rows by age and number, minutes into hours, hours by age, history by size.
 * In transactions short enough that no audit row waits for one.
 */
#include <string.h>

#include "agent/storage_inside.h"
#include "base/clock.h"

#define STEP_NS          INT64_C(50000000)
#define ROLL_UP_AFTER_MS (2 * SWGI_DAY_MS)
#define ROWS_AT_A_TIME   1000

static void bind_iso(struct swgi_database *database, enum swgi_storage_statement which, int at,
                     int64_t wall_ms) {
    char text[SWGI_ISO_MAX];
    sqlite3_bind_text(database->statements[which], at, swgi_iso_text(wall_ms, text), -1,
                      SQLITE_TRANSIENT);
}

/* One row of whole numbers, the statement reset. */
static int read_numbers(struct swgi_database *database, enum swgi_storage_statement which,
                        int64_t *numbers, int count, struct swg_error *error) {
    sqlite3_stmt *statement = database->statements[which];
    int rc = swgi_database_step(database, statement, error);
    for (int i = 0; i < count && rc == 1; i++)
        numbers[i] = sqlite3_column_int64(statement, i);
    sqlite3_reset(statement);
    return rc < 0 ? rc : 0;
}

/* ---- the audit */

/* Ids below *floor are to go, at most a thousand of them now. */
static int find_floor(struct swgi_database *database, const struct swgi_retention *retention,
                      int64_t wall_ms, int64_t *first, int64_t *floor, struct swg_error *error) {
    int64_t ends[2] = { 0, 0 }, young = 0, most = (int64_t)retention->audit_rows_max;
    int rc = read_numbers(database, SWGI_SQL_AUDIT_ENDS, ends, 2, error);
    bind_iso(database, SWGI_SQL_AUDIT_FIRST, 1, wall_ms - retention->audit_keep_ms);
    if (rc == 0)
        rc = read_numbers(database, SWGI_SQL_AUDIT_FIRST, &young, 1, error);
    int64_t by_count = ends[1] - most + 1;
    *first = ends[0];
    *floor = young > by_count ? young : by_count;
    if (*floor > ends[0] + ROWS_AT_A_TIME)
        *floor = ends[0] + ROWS_AT_A_TIME;
    return rc;
}

static int tidy_audit(struct swgi_database *database, const struct swgi_retention *retention,
                      int64_t wall_ms, struct swg_error *error) {
    int64_t first = 0, floor = 0;
    int rc = find_floor(database, retention, wall_ms, &first, &floor, error);
    if (rc != 0 || floor <= first || first == 0)
        return rc;
    sqlite3_bind_int64(database->statements[SWGI_SQL_AUDIT_FLOOR], 1, floor - 1);
    sqlite3_bind_int64(database->statements[SWGI_SQL_AUDIT_DELETE], 1, floor - 1);
    rc = swgi_database_do(database, SWGI_SQL_AUDIT_FLOOR, error);
    if (rc == 0)
        rc = swgi_database_do(database, SWGI_SQL_AUDIT_DELETE, error);
    return rc == 0 ? 1 : rc;
}

/* ---- history */

static int roll_up(struct swgi_database *database, const char *hour, const char *circuit,
                   struct swg_error *error) {
    static const enum swgi_storage_statement steps[] = { SWGI_SQL_ROLL_UP, SWGI_SQL_ROLL_DELETE };
    int rc = 0;
    for (unsigned i = 0; i < 2 && rc == 0; i++) {
        sqlite3_stmt *statement = database->statements[steps[i]];
        sqlite3_bind_text(statement, 1, hour, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(statement, 2, circuit, -1, SQLITE_TRANSIENT);
        rc = swgi_database_do(database, steps[i], error);
    }
    return rc;
}

/* The oldest minutes of one circuit and hour; 0: none are old enough. */
static int roll_up_next(struct swgi_database *database, int64_t before_ms,
                        struct swg_error *error) {
    sqlite3_stmt *statement = database->statements[SWGI_SQL_ROLL_NEXT];
    char hour[SWGI_ISO_MAX] = "", circuit[SWGI_NAME_MAX + 1] = "";
    bind_iso(database, SWGI_SQL_ROLL_NEXT, 1, before_ms);
    int rc = swgi_database_step(database, statement, error);
    if (rc != 1)
        return rc;
    strncpy(hour, (const char *)sqlite3_column_text(statement, 0), sizeof(hour) - 1);
    strncpy(circuit, (const char *)sqlite3_column_text(statement, 1), sizeof(circuit) - 1);
    sqlite3_reset(statement);
    rc = roll_up(database, hour, circuit, error);
    return rc == 0 ? 1 : rc;
}

/* Only whole hours, so that each is rolled up once. */
static int roll_up_some(struct swgi_database *database, int64_t wall_ms, struct swg_error *error) {
    int64_t end = swgi_clock_of(CLOCK_MONOTONIC) + STEP_NS;
    int64_t before_ms = (wall_ms - ROLL_UP_AFTER_MS) / SWGI_HOUR_MS * SWGI_HOUR_MS;
    int rc = 1;
    while (rc == 1 && swgi_clock_of(CLOCK_MONOTONIC) < end)
        rc = roll_up_next(database, before_ms, error);
    return rc;
}

static int drop_old(struct swgi_database *database, const char *span, int64_t before_ms,
                    struct swg_error *error) {
    sqlite3_stmt *statement = database->statements[SWGI_SQL_HISTORY_OLD];
    sqlite3_bind_text(statement, 1, span, -1, SQLITE_STATIC);
    bind_iso(database, SWGI_SQL_HISTORY_OLD, 2, before_ms);
    int rc = swgi_database_do(database, SWGI_SQL_HISTORY_OLD, error);
    return rc == 0 ? sqlite3_changes(database->sqlite) == ROWS_AT_A_TIME : rc;
}

/* The oldest: hours, and minutes where hours are not enough. */
static int drop_surplus(struct swgi_database *database, int64_t rows_max, struct swg_error *error) {
    static const char *const spans[] = { "hour", "minute" };
    sqlite3_stmt *statement = database->statements[SWGI_SQL_HISTORY_FIRST];
    int64_t rows = 0;
    int rc = read_numbers(database, SWGI_SQL_HISTORY_COUNT, &rows, 1, error);
    for (unsigned i = 0; i < 2 && rc == 0 && rows > rows_max; i++) {
        int64_t surplus = rows - rows_max;
        sqlite3_bind_text(statement, 1, spans[i], -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 2, surplus < ROWS_AT_A_TIME ? surplus : ROWS_AT_A_TIME);
        rc = swgi_database_do(database, SWGI_SQL_HISTORY_FIRST, error);
        if (rc == 0 && sqlite3_changes(database->sqlite) > 0)
            return 1;
    }
    return rc;
}

static int tidy_history(struct swgi_database *database, const struct swgi_retention *retention,
                        int64_t wall_ms, struct swg_error *error) {
    int rc = drop_old(database, "hour", wall_ms - retention->history_keep_ms, error);
    if (rc == 0)
        rc = drop_old(database, "minute", wall_ms - retention->history_keep_ms, error);
    if (rc == 0)
        rc = roll_up_some(database, wall_ms, error);
    if (rc == 0)
        rc = drop_surplus(database, (int64_t)retention->history_rows_max, error);
    return rc;
}

/* Circuits that nobody has had for as long as the audit is kept. */
static int tidy_states(struct swgi_database *database, int64_t before_ms, struct swg_error *error) {
    bind_iso(database, SWGI_SQL_STATE_DELETE, 1, before_ms);
    return swgi_database_do(database, SWGI_SQL_STATE_DELETE, error);
}

int swgi_retention_step(struct swgi_database *database, const struct swgi_retention *retention,
                        int64_t wall_ms, struct swg_error *error) {
    int rc = swgi_database_begin(database, false, error), more;
    if (rc == 0)
        rc = tidy_audit(database, retention, wall_ms, error);
    if (rc == 0)
        rc = tidy_history(database, retention, wall_ms, error);
    if (rc == 0)
        rc = tidy_states(database, wall_ms - retention->audit_keep_ms, error);
    more = rc;
    if (rc >= 0)
        rc = swgi_database_do(database, SWGI_SQL_COMMIT, error);
    if (rc < 0) {
        swgi_database_rollback(database);
        return rc;
    }
    if (more == 0)
        sqlite3_exec(database->sqlite, "PRAGMA incremental_vacuum(1000)", NULL, NULL, NULL);
    return more;
}
