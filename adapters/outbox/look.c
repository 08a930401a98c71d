/* What people look at and act upon: how full it is, what waits first, and the dead letters. */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int read_counters(struct swg_outbox *outbox, struct swg_outbox_info *info) {
    sqlite3_stmt *statement = swgi_outbox_statement(outbox, SWGI_STATUS);
    int rc = swgi_outbox_step(outbox, statement, NULL);

    if (rc <= 0)
        return rc == 0 ? -EBADMSG : rc;
    info->pending = (uint64_t)sqlite3_column_int64(statement, 0);
    info->dead = (uint64_t)sqlite3_column_int64(statement, 1);
    info->bytes = (uint64_t)sqlite3_column_int64(statement, 2);
    info->remembered = (uint64_t)sqlite3_column_int64(statement, 3);
    info->delivered = (uint64_t)sqlite3_column_int64(statement, 4);
    return swgi_outbox_do(outbox, statement, NULL);
}

static int read_oldest(struct swg_outbox *outbox, struct swg_outbox_info *info) {
    struct swgi_outbox_first first;
    int rc = swgi_outbox_first(outbox, &first, false, NULL);

    if (rc <= 0)
        return rc;
    info->oldest = swgi_outbox_age(first.put_ms);
    info->oldest += info->oldest == 0; /* put this very millisecond is not none */
    info->attempts = first.attempts;
    memcpy(info->key, first.key, sizeof(info->key));
    memcpy(info->text, first.text, sizeof(info->text));
    return 0;
}

int swg_outbox_status(struct swg_outbox *outbox, struct swg_outbox_info *out) {
    struct swg_outbox_info info = SWG_OUTBOX_INFO_INIT;
    int rc = swgi_outbox_enter(outbox, NULL);

    if (rc != 0)
        return rc;
    rc = read_counters(outbox, &info);
    if (rc == 0)
        rc = read_oldest(outbox, &info);
    info.running = outbox->running || swgi_outbox_byte_is_locked(outbox, outbox->queue);
    swgi_outbox_leave(outbox);
    if (rc == 0)
        swgi_outbox_give(out, &info, sizeof(info));
    return rc;
}

static void copy_text(sqlite3_stmt *statement, int column, char *out, size_t out_size) {
    const char *text = (const char *)sqlite3_column_text(statement, column);

    snprintf(out, out_size, "%s", text != NULL ? text : "");
}

static void read_dead(sqlite3_stmt *statement, struct swg_outbox_dead *dead) {
    copy_text(statement, 1, dead->key, sizeof(dead->key));
    dead->length = (uint64_t)sqlite3_column_int64(statement, 2);
    dead->attempts = (uint32_t)sqlite3_column_int64(statement, 3);
    dead->outcome = sqlite3_column_int(statement, 4);
    dead->code = sqlite3_column_int(statement, 5);
    copy_text(statement, 6, dead->kind, sizeof(dead->kind));
    copy_text(statement, 7, dead->text, sizeof(dead->text));
    dead->put_wall_ms = sqlite3_column_int64(statement, 8);
    dead->died_wall_ms = sqlite3_column_int64(statement, 9);
}

int swg_outbox_dead_next(struct swg_outbox *outbox, uint64_t *cursor, struct swg_outbox_dead *out) {
    struct swg_outbox_dead dead = SWG_OUTBOX_DEAD_INIT;
    sqlite3_stmt *statement;
    int rc = swgi_outbox_enter(outbox, NULL);

    if (rc != 0)
        return rc;
    statement = swgi_outbox_statement(outbox, SWGI_DEAD_NEXT);
    sqlite3_bind_int64(statement, 2, (int64_t)*cursor);
    rc = swgi_outbox_step(outbox, statement, NULL);
    if (rc > 0) {
        *cursor = (uint64_t)sqlite3_column_int64(statement, 0);
        read_dead(statement, &dead);
        swgi_outbox_give(out, &dead, sizeof(dead));
        sqlite3_reset(statement);
    }
    swgi_outbox_leave(outbox);
    if (rc == 0)
        return -ENOENT;
    return rc > 0 ? 0 : rc;
}

int64_t swg_outbox_dead_bytes(struct swg_outbox *outbox, const char *key, void *out,
                              size_t out_size) {
    sqlite3_stmt *statement;
    int64_t length = swgi_outbox_enter(outbox, NULL);
    int rc;

    if (length != 0)
        return length;
    statement = swgi_outbox_statement(outbox, SWGI_DEAD_BYTES);
    sqlite3_bind_text(statement, 2, key, -1, SQLITE_STATIC);
    rc = swgi_outbox_step(outbox, statement, NULL);
    length = rc == 0 ? -ENOENT : rc;
    if (rc > 0) {
        const void *bytes = sqlite3_column_blob(statement, 0);

        length = sqlite3_column_bytes(statement, 0);
        if (bytes != NULL && length > 0 && out_size > 0)
            memcpy(out, bytes, out_size < (size_t)length ? out_size : (size_t)length);
        sqlite3_reset(statement);
    }
    swgi_outbox_leave(outbox);
    return length;
}

/* How many there are and what they hold, so that the counters can follow. */
static int sum_dead(struct swg_outbox *outbox, const char *key, int64_t *rows, int64_t *bytes,
                    struct swg_error *error) {
    sqlite3_stmt *statement = swgi_outbox_statement(outbox, SWGI_DEAD_SUM);
    int rc;

    sqlite3_bind_text(statement, 2, key, -1, SQLITE_STATIC);
    rc = swgi_outbox_step(outbox, statement, error);
    if (rc <= 0)
        return rc;
    *rows = sqlite3_column_int64(statement, 0);
    *bytes = sqlite3_column_int64(statement, 1);
    sqlite3_reset(statement);
    return 0;
}

static int act(struct swg_outbox *outbox, enum swgi_outbox_statement which, const char *key,
               int64_t *rows, struct swg_error *error) {
    struct swgi_outbox_change change = { 0 };
    sqlite3_stmt *statement;
    int64_t bytes = 0;
    int rc = sum_dead(outbox, key, rows, &bytes, error);

    if (rc == 0 && *rows == 0 && key != NULL)
        return swgi_outbox_fault(error, -ENOENT, key, "there is no such dead letter");
    if (rc != 0 || *rows == 0)
        return rc;
    statement = swgi_outbox_statement(outbox, which);
    sqlite3_bind_text(statement, 2, key, -1, SQLITE_STATIC);
    rc = swgi_outbox_do(outbox, statement, error);
    change.dead = -*rows;
    change.pending = which == SWGI_REQUEUE ? *rows : 0;
    change.bytes = which == SWGI_REQUEUE ? 0 : -bytes;
    return rc == 0 ? swgi_outbox_count(outbox, &change, NULL, NULL, error) : rc;
}

static int64_t act_alone(struct swg_outbox *outbox, enum swgi_outbox_statement which,
                         const char *key, struct swg_error *error) {
    int64_t rows = 0;
    int rc = swgi_outbox_enter(outbox, error);

    if (rc != 0)
        return rc;
    rc = swgi_outbox_begin(outbox, true, error);
    if (rc == 0)
        rc = swgi_outbox_end(outbox, act(outbox, which, key, &rows, error), error);
    swgi_outbox_leave(outbox);
    return rc == 0 ? rows : rc;
}

int64_t swg_outbox_dead_requeue(struct swg_outbox *outbox, const char *key,
                                struct swg_error *error) {
    return act_alone(outbox, SWGI_REQUEUE, key, error);
}

int64_t swg_outbox_dead_drop(struct swg_outbox *outbox, const char *key, struct swg_error *error) {
    return act_alone(outbox, SWGI_DROP, key, error);
}
