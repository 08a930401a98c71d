/* What is queued, as rows: made on the loop, written by the writer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/storage_inside.h"
#include "base/text.h"

/* ---- on the loop */

/* Room for a text of that bound, and where it goes. */
static size_t room_for(const char *text, size_t most) {
    size_t length = text != NULL ? strnlen(text, most) : 0;
    return length + 1;
}

static const char *put_text(char **at, size_t room, const char *text) {
    const char *start = *at;
    swgi_copy_text(*at, room, text);
    *at += room;
    return start;
}

struct swgi_row *swgi_row_new(int64_t wall_ms, const char *circuit, enum swgi_audit_action action,
                              const char *reason, const char *evidence, const char *user,
                              const char *source) {
    const char *texts[] = { circuit, swgi_action_name(action), reason, user, source };
    static const size_t most[] = { SWGI_NAME_MAX, 31, SWGI_STORAGE_REASON_MAX, 63, 31 };
    size_t rooms[5], sum = 0;
    if (evidence == NULL || strlen(evidence) > SWGI_EVIDENCE_MAX)
        evidence = "{}";
    for (unsigned i = 0; i < 5; i++)
        sum += rooms[i] = room_for(texts[i], most[i]);
    struct swgi_row *row = calloc(1, sizeof(*row) + sum + strlen(evidence) + 1);
    if (row == NULL)
        return NULL;
    char *at = row->text;
    const char **fields[] = { &row->circuit, &row->action, &row->reason, &row->user, &row->source };
    for (unsigned i = 0; i < 5; i++)
        *fields[i] = put_text(&at, rooms[i], texts[i]);
    row->evidence = strcpy(at, evidence);
    row->wall_ms = wall_ms;
    return row;
}

void swgi_rows_free(struct swgi_row *rows) {
    while (rows != NULL) {
        struct swgi_row *next = rows->next;
        free(rows);
        rows = next;
    }
}

/* ---- by the writer */

static void bind_text(sqlite3_stmt *statement, int at, const char *text) {
    if (text != NULL)
        sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(statement, at);
}

/* NULL for no instant and for one that never comes. */
static void bind_instant(sqlite3_stmt *statement, int at, int64_t wall_ms) {
    char text[SWGI_ISO_MAX];
    bind_text(statement, at,
              wall_ms == 0 || wall_ms == INT64_MAX ? NULL : swgi_iso_text(wall_ms, text));
}

static void bind_number(sqlite3_stmt *statement, int at, uint64_t number) {
    sqlite3_bind_int64(statement, at, number < INT64_MAX ? (int64_t)number : INT64_MAX);
}

static int write_audit(struct swgi_database *database, const struct swgi_row *row,
                       struct swg_error *error) {
    sqlite3_stmt *statement = database->statements[SWGI_SQL_AUDIT];
    bind_text(statement, 1, row->circuit);
    bind_text(statement, 2, row->action);
    bind_text(statement, 3, row->reason);
    bind_text(statement, 4, row->evidence);
    bind_text(statement, 5, row->user);
    bind_text(statement, 6, row->source);
    bind_instant(statement, 7, row->wall_ms != 0 ? row->wall_ms : 1);
    return swgi_database_do(database, SWGI_SQL_AUDIT, error);
}

static void bind_state_words(sqlite3_stmt *statement, const struct swgi_state *state) {
    bind_text(statement, 1, state->circuit);
    bind_text(statement, 2, swg_state_name(state->state));
    bind_text(statement, 3, swg_mode_name(state->mode));
    bind_text(statement, 4, state->rule != 0 ? swg_rule_name(state->rule) : NULL);
    bind_number(statement, 5, state->generation);
    bind_instant(statement, 6, state->since_ms);
    bind_instant(statement, 7, state->open_until_ms);
    sqlite3_bind_int(statement, 8, state->open_until_ms == INT64_MAX);
    bind_instant(statement, 9, state->mode_until_ms);
    sqlite3_bind_int(statement, 10, state->mode_until_ms == INT64_MAX);
    bind_instant(statement, 11, state->mode_set_ms);
    bind_text(statement, 12, state->mode_user);
    bind_text(statement, 13, state->mode_reason);
    bind_instant(statement, 14, state->last_trip_ms);
    bind_text(statement, 15, state->trip_rule != 0 ? swg_rule_name(state->trip_rule) : NULL);
}

static int write_state(struct swgi_database *database, const struct swgi_state *state,
                       struct swg_error *error) {
    sqlite3_stmt *statement = database->statements[SWGI_SQL_STATE];
    const uint64_t numbers[] = { state->trip_calls,     state->transitions, state->trips,
                                 state->trips_in_a_row, state->calls,       state->successes,
                                 state->failures,       state->timeouts,    state->slow,
                                 state->rejected };
    bind_state_words(statement, state);
    sqlite3_bind_double(statement, 16, state->trip_value);
    sqlite3_bind_double(statement, 17, state->trip_threshold);
    for (int i = 0; i < 10; i++)
        bind_number(statement, 18 + i, numbers[i]);
    sqlite3_bind_int64(statement, 28, state->panel_birth_ms);
    bind_instant(statement, 29, state->updated_ms != 0 ? state->updated_ms : 1);
    return swgi_database_do(database, SWGI_SQL_STATE, error);
}

static void bind_seconds(sqlite3_stmt *statement, int at, double seconds) {
    if (seconds >= 0)
        sqlite3_bind_double(statement, at, seconds);
    else
        sqlite3_bind_null(statement, at);
}

static int write_minute(struct swgi_database *database, const struct swgi_minute *minute,
                        struct swg_error *error) {
    sqlite3_stmt *statement = database->statements[SWGI_SQL_MINUTE];
    bind_text(statement, 1, minute->circuit);
    bind_instant(statement, 2, minute->start_ms);
    sqlite3_bind_double(statement, 3, minute->seconds);
    bind_number(statement, 4, minute->calls);
    bind_number(statement, 5, minute->failures);
    bind_number(statement, 6, minute->slow);
    bind_number(statement, 7, minute->rejected);
    bind_seconds(statement, 8, minute->p50);
    bind_seconds(statement, 9, minute->p99);
    for (int i = 0; i < 3; i++)
        sqlite3_bind_double(statement, 10 + i, minute->share[i]);
    return swgi_database_do(database, SWGI_SQL_MINUTE, error);
}

static int write_position(struct swgi_database *database, const struct swgi_position *position,
                          struct swg_error *error) {
    sqlite3_stmt *statement = database->statements[SWGI_SQL_POSITION];
    bind_text(statement, 1, position->path);
    sqlite3_bind_int64(statement, 2, position->birth_ms);
    sqlite3_bind_int64(statement, 3, (int64_t)position->cursor);
    sqlite3_bind_int64(statement, 4, (int64_t)position->next_act);
    return swgi_database_do(database, SWGI_SQL_POSITION, error);
}

static int write_all(struct swgi_database *database, const struct swgi_batch *batch,
                     struct swg_error *error) {
    int rc = 0;
    for (const struct swgi_row *row = batch->rows; row != NULL && rc == 0; row = row->next)
        rc = write_audit(database, row, error);
    for (size_t i = 0; i < batch->states_count && rc == 0; i++)
        rc = write_state(database, &batch->states[i], error);
    for (size_t i = 0; i < batch->minutes_count && rc == 0; i++)
        rc = write_minute(database, &batch->minutes[i], error);
    if (rc == 0 && batch->moves)
        rc = write_position(database, &batch->position, error);
    return rc;
}

int swgi_batch_write(struct swgi_database *database, const struct swgi_batch *batch,
                     struct swg_error *error) {
    int rc = swgi_database_begin(database, batch->rows != NULL, error);
    if (rc == 0)
        rc = write_all(database, batch, error);
    if (rc == 0)
        rc = swgi_database_do(database, SWGI_SQL_COMMIT, error);
    if (rc != 0)
        swgi_database_rollback(database);
    return rc;
}

/* ---- at the start */

static void read_text(sqlite3_stmt *statement, int at, char *out, size_t size) {
    swgi_copy_text(out, size, (const char *)sqlite3_column_text(statement, at));
}

int swgi_position_read(struct swgi_database *database, struct swgi_position *out,
                       struct swg_error *error) {
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(database->sqlite,
                                "SELECT path, created_ms, cursor, next_act FROM switchgear_panel",
                                -1, &statement, NULL);
    *out = (struct swgi_position){ 0 };
    rc = rc == SQLITE_OK ? swgi_database_step(database, statement, error)
                         : swgi_database_fault(database, error);
    if (rc == 1) {
        read_text(statement, 0, out->path, sizeof(out->path));
        out->birth_ms = sqlite3_column_int64(statement, 1);
        out->cursor = (uint64_t)sqlite3_column_int64(statement, 2);
        out->next_act = (uint64_t)sqlite3_column_int64(statement, 3);
    }
    sqlite3_finalize(statement);
    return rc < 0 ? rc : 0;
}

static int64_t read_instant(sqlite3_stmt *statement, int at) {
    const char *text = (const char *)sqlite3_column_text(statement, at);
    int64_t wall_ms = 0;
    return text != NULL && swgi_iso_parse(text, &wall_ms) == 0 ? wall_ms : 0;
}

static int64_t read_bound(sqlite3_stmt *statement, int at, int unbounded_at) {
    return sqlite3_column_int(statement, unbounded_at) != 0 ? INT64_MAX
                                                            : read_instant(statement, at);
}

/* The number a name has; what is not known is 0. */
static int read_name(sqlite3_stmt *statement, int at, const char *(*name)(int), int most) {
    const char *text = (const char *)sqlite3_column_text(statement, at);
    int found = 0;
    for (int i = 0; i <= most && text != NULL; i++)
        if (strcmp(name(i), text) == 0)
            found = i;
    return found;
}

static uint64_t read_number(sqlite3_stmt *statement, int at) {
    int64_t number = sqlite3_column_int64(statement, at);
    return number > 0 ? (uint64_t)number : 0;
}

static const char states[] =
    "SELECT circuit, state, mode, rule, generation, since, open_until, by_hand_only, mode_until,"
    " mode_unbounded, mode_set, mode_user, mode_reason, last_trip, trip_rule, trip_value,"
    " trip_threshold, trip_calls, transitions, trips, trips_in_a_row, panel_created_ms, updated_at"
    " FROM circuit_breaker_state ORDER BY updated_at DESC LIMIT 65535";

static void read_state(sqlite3_stmt *statement, struct swgi_state *out) {
    *out = (struct swgi_state){ 0 };
    read_text(statement, 0, out->circuit, sizeof(out->circuit));
    out->state = read_name(statement, 1, swg_state_name, SWG_STATE_HALF_OPEN);
    out->mode = read_name(statement, 2, swg_mode_name, SWG_MODE_SHADOW);
    out->rule = read_name(statement, 3, swg_rule_name, SWG_RULE_HAND);
    out->generation = (uint32_t)read_number(statement, 4);
    out->since_ms = read_instant(statement, 5);
    out->open_until_ms = read_bound(statement, 6, 7);
    out->mode_until_ms = read_bound(statement, 8, 9);
    out->mode_set_ms = read_instant(statement, 10);
    read_text(statement, 11, out->mode_user, sizeof(out->mode_user));
    read_text(statement, 12, out->mode_reason, sizeof(out->mode_reason));
    out->last_trip_ms = read_instant(statement, 13);
    out->trip_rule = read_name(statement, 14, swg_rule_name, SWG_RULE_HAND);
    out->trip_value = sqlite3_column_double(statement, 15);
    out->trip_threshold = sqlite3_column_double(statement, 16);
    out->trip_calls = read_number(statement, 17);
    out->transitions = read_number(statement, 18);
    out->trips = read_number(statement, 19);
    uint64_t row = read_number(statement, 20);
    out->trips_in_a_row = row < UINT32_MAX ? (uint32_t)row : UINT32_MAX;
    out->panel_birth_ms = sqlite3_column_int64(statement, 21);
    out->updated_ms = read_instant(statement, 22);
}

int swgi_states_read(struct swgi_database *database, swgi_state_fn *fn, void *arg,
                     struct swg_error *error) {
    sqlite3_stmt *statement = NULL;
    struct swgi_state state;
    int rc = sqlite3_prepare_v2(database->sqlite, states, -1, &statement, NULL);
    rc = rc == SQLITE_OK ? 1 : swgi_database_fault(database, error);
    while (rc == 1 && (rc = swgi_database_step(database, statement, error)) == 1) {
        read_state(statement, &state);
        int answer = fn(arg, &state);
        rc = answer < 0 ? answer : 1;
    }
    sqlite3_finalize(statement);
    return rc;
}
