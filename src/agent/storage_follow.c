/*
 * Events of the panel become rows. When so many wait for the disk that there is no room for more, the
 * ring itself is the queue: we remember where we are, and read on from there once there is room. So an
 * act lacks only when the ring was overwritten meanwhile, and then the next one tells how many do.
 */
#include <errno.h>
#include <stdio.h>

#include "agent/storage_inside.h"

#define EVENTS_AT_ONCE 512u /* that are caught up with before the loop goes on */

/* Another file may have taken the panel's place, with numbers of its own. */
void swgi_storage_look_at_panel(struct swgi_storage *storage) {
    int64_t birth_ms = swgi_panel_birth_ms(storage->panel);
    if (birth_ms == storage->birth_ms)
        return;
    storage->birth_ms = birth_ms;
    storage->next_act = 0;
    storage->is_overrun = storage->lags = false;
    storage->is_first = true;
    for (struct swgi_kept *kept = storage->all; kept != NULL; kept = kept->next)
        kept->is_restorable = kept->state.panel_birth_ms != 0;
    pthread_mutex_lock(&storage->mutex);
    storage->position.birth_ms = birth_ms;
    storage->position.cursor = 0;
    pthread_mutex_unlock(&storage->mutex);
}

/* Acts are numbered, so the next one tells how many were overwritten. NULL: none were. */
static struct swgi_row *gap_before(const struct swgi_storage *storage, uint64_t act) {
    char evidence[64];
    bool may_lack = storage->is_overrun || storage->is_first;
    if (!may_lack || act <= storage->next_act)
        return NULL;
    snprintf(evidence, sizeof(evidence), "{\"lost\":%llu}",
             (unsigned long long)(act - storage->next_act));
    return swgi_row_new(swgi_storage_wall(storage), "", SWGI_ACTION_GAP,
                        "the panel's ring was overwritten before it was read", evidence, "system",
                        "rule");
}

static void set_position(struct swgi_row *row, uint64_t cursor, uint64_t next_act) {
    row->has_position = true;
    row->cursor = cursor;
    row->next_act = next_act;
}

/* Both or none, and the gap never without what came after it. */
static void add_rows(struct swgi_storage *storage, struct swgi_row *gap, struct swgi_row *row,
                     uint64_t cursor) {
    if (gap != NULL && row != NULL)
        gap->goes_with_next = true;
    if (gap != NULL || row != NULL)
        set_position(row != NULL ? row : gap, cursor, storage->next_act);
    if (gap != NULL && swgi_storage_add_row(storage, gap))
        storage->counts.gaps++;
    if (row != NULL)
        swgi_storage_add_row(storage, row);
    storage->position.cursor = cursor;
    storage->position.next_act = storage->next_act;
    storage->moved = true;
}

/* Room for the gap that may be told, for the one of notes, and for the row. */
static bool has_room(struct swgi_storage *storage) {
    pthread_mutex_lock(&storage->mutex);
    bool has = storage->rows_count + 3 <= SWGI_STORAGE_ROWS_MAX;
    pthread_mutex_unlock(&storage->mutex);
    return has;
}

/* false: it stays in the ring. What is known already is taken and makes no row. */
static bool take(struct swgi_storage *storage, const struct swg_event *event, uint64_t cursor) {
    struct swgi_row *row = NULL;
    uint64_t act = event->id >> 1;
    if (act < storage->next_act)
        return true;
    if (!has_room(storage) || swgi_row_of_event(event, &row) != 0)
        return false;
    struct swgi_row *gap = gap_before(storage, act);
    storage->next_act = act + 1;
    storage->is_overrun = storage->is_first = false;
    pthread_mutex_lock(&storage->mutex);
    add_rows(storage, gap, row, cursor);
    pthread_mutex_unlock(&storage->mutex);
    if (gap != NULL || row != NULL)
        pthread_cond_signal(&storage->wake);
    return true;
}

static bool is_act(const struct swg_event *event) {
    return (event->id & 1) == 0;
}

/* 1 an event, 0 none left, or no room: it is read again. */
static int take_next(struct swgi_storage *storage, uint64_t *cursor) {
    struct swg_event event = SWG_EVENT_INIT;
    uint64_t after = *cursor;
    int rc = swg_panel_next_event(storage->panel, &after, &event);
    if (rc == -EOVERFLOW)
        storage->is_overrun = true;
    else if (rc == 1 && is_act(&event) && !take(storage, &event, after))
        return -EAGAIN;
    *cursor = after;
    return rc;
}

void swgi_storage_catch_up(struct swgi_storage *storage) {
    int rc = 1;
    for (unsigned i = 0; i < EVENTS_AT_ONCE && storage->lags && (rc == 1 || rc == -EOVERFLOW); i++)
        rc = take_next(storage, &storage->lag_cursor);
    if (rc == 0)
        storage->lags = false;
}

/* Makes no row, but need not be read again, if all acts before it are taken. */
static void pass_notice(struct swgi_storage *storage, uint64_t cursor) {
    if (storage->lags || !swgi_event_cursor_is_at(cursor, storage->next_act))
        return;
    pthread_mutex_lock(&storage->mutex);
    storage->position.cursor = cursor;
    storage->moved = true;
    pthread_mutex_unlock(&storage->mutex);
}

void swgi_storage_event(struct swgi_storage *storage, const struct swg_event *event,
                        uint64_t cursor) {
    if (storage == NULL)
        return;
    swgi_storage_look_at_panel(storage);
    if (is_act(event) && !storage->lags && !take(storage, event, cursor)) {
        storage->lags = true;
        storage->lag_cursor = storage->position.cursor;
    } else {
        swgi_storage_catch_up(storage);
    }
    if (!is_act(event))
        pass_notice(storage, cursor);
    swgi_kept_event(storage, event);
}

void swgi_storage_gap(struct swgi_storage *storage) {
    if (storage != NULL)
        storage->is_overrun = true;
}
