/* An entry's way: the first of its queue is tried, and is then delivered, still the first, or dead. */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORGET_MOST 8 /* at each delivery, so that it stays cheap where remember_max was lowered */

static int keep_bytes(struct swg_outbox *outbox, sqlite3_stmt *statement, int column) {
    const void *bytes = sqlite3_column_blob(statement, column);
    size_t length = (size_t)sqlite3_column_bytes(statement, column);

    if (length > outbox->bytes_room) {
        void *room = realloc(outbox->bytes, length);

        if (room == NULL)
            return -ENOMEM;
        outbox->bytes = room;
        outbox->bytes_room = length;
    }
    if (length > 0 && bytes == NULL)
        return -ENOMEM;
    if (length > 0)
        memcpy(outbox->bytes, bytes, length);
    return 0;
}

static void read_first(sqlite3_stmt *statement, struct swgi_outbox_first *first) {
    const char *key = (const char *)sqlite3_column_text(statement, 1);
    const char *text = (const char *)sqlite3_column_text(statement, 7);
    int64_t tried = sqlite3_column_int64(statement, 6);

    first->id = sqlite3_column_int64(statement, 0);
    snprintf(first->key, sizeof(first->key), "%s", key != NULL ? key : "");
    first->attempts = (uint32_t)sqlite3_column_int64(statement, 2);
    first->put_ms = sqlite3_column_int64(statement, 3);
    first->length = (size_t)sqlite3_column_bytes(statement, 4);
    first->marked = sqlite3_column_int64(statement, 5);
    snprintf(first->text, sizeof(first->text), "%s", text != NULL ? text : "");
    if (first->marked == first->id && tried > first->attempts)
        first->attempts = (uint32_t)tried;
}

int swgi_outbox_first(struct swg_outbox *outbox, struct swgi_outbox_first *first, bool with_bytes,
                      struct swg_error *error) {
    sqlite3_stmt *statement = swgi_outbox_statement(outbox, SWGI_FIRST);
    int rc = swgi_outbox_step(outbox, statement, error);

    if (rc <= 0)
        return rc;
    read_first(statement, first);
    if (with_bytes)
        rc = keep_bytes(outbox, statement, 4);
    sqlite3_reset(statement);
    if (rc == -ENOMEM || first->key[0] == '\0')
        return swgi_outbox_fault(error, -ENOMEM, first->key, "no memory for %zu bytes",
                                 first->length);
    return 1;
}

int swgi_outbox_mark(struct swg_outbox *outbox, const struct swgi_outbox_first *first,
                     struct swg_error *error) {
    sqlite3_stmt *statement;
    int rc = 0;

    /* A dead letter was requeued in front of an entry whose attempt broke off: that is noted with the entry now. */
    if (first->marked != 0 && first->marked != first->id) {
        statement = swgi_outbox_statement(outbox, SWGI_KEEP_MARK);
        sqlite3_bind_int64(statement, 2, first->marked);
        rc = swgi_outbox_do(outbox, statement, error);
    }
    if (rc != 0)
        return rc;
    statement = swgi_outbox_statement(outbox, SWGI_MARK);
    sqlite3_bind_int64(statement, 2, first->id);
    sqlite3_bind_int64(statement, 3, (int64_t)first->attempts + 1);
    return swgi_outbox_do(outbox, statement, error);
}

static int unmark(struct swg_outbox *outbox, int64_t id, struct swg_error *error) {
    sqlite3_stmt *statement = swgi_outbox_statement(outbox, SWGI_UNMARK);

    sqlite3_bind_int64(statement, 2, id);
    return swgi_outbox_do(outbox, statement, error);
}

static int remembered(struct swg_outbox *outbox, int64_t *count, struct swg_error *error) {
    sqlite3_stmt *statement = swgi_outbox_statement(outbox, SWGI_STATUS);
    int rc = swgi_outbox_step(outbox, statement, error);

    *count = rc > 0 ? sqlite3_column_int64(statement, 3) : 0;
    return swgi_outbox_do(outbox, statement, rc < 0 ? NULL : error) < 0 || rc < 0 ? rc : 0;
}

/* Delivered keys that are too many or too old go, the oldest first; *forgotten: how many. */
static int forget(struct swg_outbox *outbox, int64_t *forgotten, struct swg_error *error) {
    sqlite3_stmt *statement = swgi_outbox_statement(outbox, SWGI_FORGET);
    int64_t count, most = (int64_t)outbox->options.remember_max;
    int64_t before_ms = swgi_outbox_wall_ms() - outbox->options.remember / SWGI_NS_PER_MS;
    int rc = remembered(outbox, &count, error);

    if (rc != 0)
        return rc;
    count = count + 1 - most;
    if (count > 0)
        before_ms = INT64_MAX;
    else
        count = 2;
    sqlite3_bind_int64(statement, 2, count < FORGET_MOST ? count : FORGET_MOST);
    sqlite3_bind_int64(statement, 3, before_ms);
    rc = swgi_outbox_do(outbox, statement, error);
    *forgotten = sqlite3_changes(outbox->database);
    return rc;
}

static int end_entry(struct swg_outbox *outbox, enum swgi_outbox_statement which,
                     const struct swgi_outbox_first *first, const struct swgi_outbox_end *end,
                     struct swg_error *error) {
    sqlite3_stmt *statement = swgi_outbox_statement(outbox, which);
    int rc;

    sqlite3_bind_int64(statement, 2, first->id);
    sqlite3_bind_int64(statement, 3, end->attempts);
    if (which != SWGI_FAIL)
        sqlite3_bind_int64(statement, 4, swgi_outbox_wall_ms());
    if (which != SWGI_DELIVER) {
        sqlite3_bind_int(statement, 5, end->outcome);
        sqlite3_bind_int(statement, 6, end->code);
        sqlite3_bind_text(statement, 7, end->kind, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 8, end->text, -1, SQLITE_STATIC);
    }
    rc = swgi_outbox_do(outbox, statement, error);
    return rc == 0 ? unmark(outbox, first->id, error) : rc;
}

int swgi_outbox_deliver(struct swg_outbox *outbox, const struct swgi_outbox_first *first,
                        struct swg_error *error) {
    const struct swgi_outbox_end end = { .attempts = first->attempts + 1 };
    struct swgi_outbox_change change = { .pending = -1, .delivered = 1 };
    int64_t forgotten = 0;
    int rc = swgi_outbox_begin(outbox, true, error);

    if (rc != 0)
        return rc;
    rc = forget(outbox, &forgotten, error);
    if (rc == 0)
        rc = end_entry(outbox, SWGI_DELIVER, first, &end, error);
    change.bytes = -(int64_t)first->length;
    change.remembered = 1 - forgotten;
    if (rc == 0)
        rc = swgi_outbox_count(outbox, &change, NULL, NULL, error);
    return swgi_outbox_end(outbox, rc, error);
}

int swgi_outbox_fail(struct swg_outbox *outbox, const struct swgi_outbox_first *first,
                     const struct swgi_outbox_end *end, struct swg_error *error) {
    int rc = swgi_outbox_begin(outbox, true, error);

    if (rc != 0)
        return rc;
    return swgi_outbox_end(outbox, end_entry(outbox, SWGI_FAIL, first, end, error), error);
}

int swgi_outbox_bury(struct swg_outbox *outbox, const struct swgi_outbox_first *first,
                     const struct swgi_outbox_end *end, struct swg_error *error) {
    const struct swgi_outbox_change change = { .pending = -1, .dead = 1 };
    int rc = swgi_outbox_begin(outbox, true, error);

    if (rc != 0)
        return rc;
    rc = end_entry(outbox, SWGI_BURY, first, end, error);
    if (rc == 0)
        rc = swgi_outbox_count(outbox, &change, NULL, NULL, error);
    return swgi_outbox_end(outbox, rc, error);
}
