/* Entries come in: all of a batch in one transaction, its counters with it, acknowledged when it is on the disk. */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_key(const char *key, struct swg_error *error) {
    size_t length = 0;

    for (; key[length] != '\0'; length++) {
        unsigned char byte = (unsigned char)key[length];

        if (length >= SWG_OUTBOX_KEY_MAX || byte < 0x20 || byte == 0x7f)
            break;
    }
    if (length > 0 && key[length] == '\0')
        return 0;
    return swgi_outbox_fault(error, -EINVAL, "key",
                             "a key is 1 to %d bytes without control characters",
                             SWG_OUTBOX_KEY_MAX);
}

static int check_entry(const struct swg_outbox *outbox, const struct swg_outbox_entry *entry,
                       struct swg_error *error) {
    uint64_t most = outbox->options.bytes_max;

    if (most > SWG_OUTBOX_ENTRY_MAX)
        most = SWG_OUTBOX_ENTRY_MAX;
    if (entry->key != NULL && check_key(entry->key, error) != 0)
        return -EINVAL;
    if (entry->bytes == NULL && entry->length > 0)
        return swgi_outbox_fault(error, -EINVAL, "bytes", "there are none, but a length");
    if (entry->length > most)
        return swgi_outbox_fault(error, -EMSGSIZE, "length",
                                 "an entry of %zu bytes can never be stored: at most %llu",
                                 entry->length, (unsigned long long)most);
    return 0;
}

static void make_key(char key[33]) {
    uint64_t random[2];

    arc4random_buf(random, sizeof(random));
    snprintf(key, 33, "%016llx%016llx", (unsigned long long)random[0],
             (unsigned long long)random[1]);
}

static int insert(struct swg_outbox *outbox, const struct swg_outbox_entry *entry, int64_t now_ms,
                  struct swgi_outbox_change *change, struct swg_error *error) {
    sqlite3_stmt *statement = swgi_outbox_statement(outbox, SWGI_INSERT);
    const char *key = entry->key;
    char made[33];
    int rc;

    if (key == NULL) {
        make_key(made);
        key = made;
    }
    sqlite3_bind_text(statement, 2, key, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, now_ms);
    /* No bytes are bytes of length 0, not NULL. */
    sqlite3_bind_blob64(statement, 4, entry->length > 0 ? entry->bytes : "", entry->length,
                        SQLITE_STATIC);
    rc = swgi_outbox_do(outbox, statement, error);
    if (rc == 0 && sqlite3_changes(outbox->database) > 0) {
        change->pending++;
        change->bytes += (int64_t)entry->length;
    }
    return rc;
}

static int check_bounds(const struct swg_outbox *outbox, int64_t rows, int64_t bytes,
                        struct swg_error *error) {
    const struct swg_outbox_options *options = &outbox->options;

    if ((uint64_t)rows > options->rows_max)
        return swgi_outbox_fault(error, -ENOSPC, "rows_max",
                                 "the outbox is full: it may hold %llu entries, dead letters "
                                 "included",
                                 (unsigned long long)options->rows_max);
    if ((uint64_t)bytes > options->bytes_max)
        return swgi_outbox_fault(error, -ENOSPC, "bytes_max",
                                 "the outbox is full: it may hold %llu bytes, dead letters "
                                 "included",
                                 (unsigned long long)options->bytes_max);
    return 0;
}

/* Entries are `stride` bytes apart, which is the size of the struct as the caller knows it. */
static int insert_all(struct swg_outbox *outbox, const char *entries, size_t stride, size_t count,
                      struct swgi_outbox_change *change, struct swg_error *error) {
    int64_t now_ms = swgi_outbox_wall_ms();

    for (size_t i = 0; i < count; i++) {
        struct swg_outbox_entry entry = SWG_OUTBOX_ENTRY_INIT;
        int rc = swgi_outbox_take(&entry, sizeof(entry), entries + i * stride);

        if (rc != 0 || entry.size != stride)
            return swgi_outbox_fault(error, rc != 0 ? rc : -EINVAL, "size",
                                     "set each entry with SWG_OUTBOX_ENTRY_INIT");
        rc = check_entry(outbox, &entry, error);
        if (rc == 0)
            rc = insert(outbox, &entry, now_ms, change, error);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int put_all(struct swg_outbox *outbox, const void *entries, size_t stride, size_t count,
                   struct swgi_outbox_change *change, struct swg_error *error) {
    int64_t rows = 0, bytes = 0;
    int rc = swgi_outbox_begin(outbox, true, error);

    if (rc != 0)
        return rc;
    rc = insert_all(outbox, entries, stride, count, change, error);
    /* What was there already may be there in a full outbox too. */
    if (rc == 0 && change->pending > 0) {
        rc = swgi_outbox_count(outbox, change, &rows, &bytes, error);
        if (rc == 0)
            rc = check_bounds(outbox, rows, bytes, error);
    }
    return swgi_outbox_end(outbox, rc, error);
}

int swg_outbox_put_many(struct swg_outbox *outbox, const struct swg_outbox_entry *entries,
                        size_t count, size_t *stored, struct swg_error *error) {
    struct swgi_outbox_change change = { 0 };
    int rc = swgi_outbox_enter(outbox, error);

    if (rc != 0)
        return rc;
    if (count > 0)
        rc = put_all(outbox, entries, entries->size, count, &change, error);
    swgi_outbox_leave(outbox);
    if (rc == 0 && stored != NULL)
        *stored = (size_t)change.pending;
    return rc;
}

int swg_outbox_put(struct swg_outbox *outbox, const char *key, const void *bytes, size_t length,
                   struct swg_error *error) {
    struct swg_outbox_entry entry = SWG_OUTBOX_ENTRY_INIT;
    size_t stored = 0;
    int rc;

    entry.key = key;
    entry.bytes = bytes;
    entry.length = length;
    rc = swg_outbox_put_many(outbox, &entry, 1, &stored, error);
    return rc == 0 && stored == 0 ? 1 : rc;
}

int swg_outbox_enqueue(void *outbox, uint64_t key, const void *bytes, size_t length) {
    char text[24];
    int rc;

    snprintf(text, sizeof(text), "%llu", (unsigned long long)key);
    rc = swg_outbox_put(outbox, key == 0 ? NULL : text, bytes, length, NULL);
    return rc < 0 ? rc : 0;
}
