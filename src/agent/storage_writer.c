/*
 * The thread that writes: it takes all that waits in one transaction, and keeps it until the disk has
 * it. Whatever is wrong with the disk is told once, tried again with backoff, and told when it is over.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/log.h"
#include "agent/storage_inside.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

#define BACKOFF_FIRST_MS 50
#define BACKOFF_MOST_MS  5000
#define STOP_PATIENCE_NS INT64_C(2000000000) /* beyond the time the writer was given */

static const struct swgi_log_fields fields = { .context = "storage" };

/* ---- taking what waits; under the mutex */

/* A position alone can wait for the next row, or for the end: what made none is only read again. */
static bool has_work(const struct swgi_storage *storage) {
    return storage->rows != NULL || storage->dirty != NULL || storage->minutes_count != 0 ||
           storage->batch.rows != NULL || storage->batch.minutes_count != 0 ||
           storage->tidy_wall_ms != 0 || (storage->stops && storage->moved);
}

static void take_rows(struct swgi_storage *storage) {
    struct swgi_batch *batch = &storage->batch;
    struct swgi_row **end = &storage->rows;
    bool is_bound = false;
    while (*end != NULL && (is_bound || batch->rows_count < SWGI_STORAGE_BATCH_ROWS)) {
        is_bound = (*end)->goes_with_next;
        if ((*end)->has_position) {
            batch->position = storage->position;
            batch->position.cursor = (*end)->cursor;
            batch->position.next_act = (*end)->next_act;
            batch->moves = true;
        }
        end = &(*end)->next;
        batch->rows_count++;
    }
    batch->rows = storage->rows;
    storage->rows = *end;
    *end = NULL;
    if (storage->rows == NULL)
        storage->rows_end = &storage->rows;
}

/* All that came before it is in this batch or written. */
static void take_position(struct swgi_storage *storage) {
    if (!storage->moved || storage->rows != NULL)
        return;
    storage->batch.position = storage->position;
    storage->batch.moves = true;
    storage->moved = false;
}

static bool has_room(struct swgi_batch *batch) {
    if (batch->states_count < batch->states_room)
        return true;
    size_t room = batch->states_room != 0 ? 2 * batch->states_room : 64;
    struct swgi_state *states = realloc(batch->states, room * sizeof(states[0]));
    if (states != NULL)
        batch->states = states;
    struct swgi_kept **kept = realloc(batch->kept, room * sizeof(struct swgi_kept *));
    if (kept != NULL)
        batch->kept = kept;
    if (states == NULL || kept == NULL)
        return false;
    batch->states_room = room;
    return true;
}

static void take_states(struct swgi_storage *storage) {
    struct swgi_batch *batch = &storage->batch;
    while (storage->dirty != NULL && has_room(batch)) {
        struct swgi_kept *kept = storage->dirty;
        storage->dirty = kept->next_dirty;
        kept->is_dirty = false;
        batch->states[batch->states_count] = kept->state;
        batch->kept[batch->states_count++] = kept;
    }
}

static void take_minutes(struct swgi_storage *storage) {
    if (storage->batch.minutes_count != 0)
        return;
    free(storage->batch.minutes);
    storage->batch.minutes = storage->minutes;
    storage->batch.minutes_count = storage->minutes_count;
    storage->minutes = NULL;
    storage->minutes_count = storage->minutes_room = 0;
}

/* What could not be written last time is taken again, states as they are by now. */
static void take(struct swgi_storage *storage) {
    if (storage->batch.rows == NULL)
        take_rows(storage);
    take_position(storage);
    take_states(storage);
    take_minutes(storage);
    storage->in_hand = storage->batch.states_count + storage->batch.minutes_count;
}

/* ---- giving back */

static void keep_for_later(struct swgi_storage *storage) {
    struct swgi_batch *batch = &storage->batch;
    pthread_mutex_lock(&storage->mutex);
    for (size_t i = 0; i < batch->states_count; i++) {
        struct swgi_kept *kept = batch->kept[i];
        if (kept->is_dirty)
            continue;
        kept->is_dirty = true;
        kept->next_dirty = storage->dirty;
        storage->dirty = kept;
    }
    batch->states_count = 0;
    pthread_mutex_unlock(&storage->mutex);
}

static void written(struct swgi_storage *storage) {
    struct swgi_batch *batch = &storage->batch;
    swgi_rows_free(batch->rows);
    pthread_mutex_lock(&storage->mutex);
    storage->rows_count -= batch->rows_count;
    storage->counts.audit_rows += batch->rows_count;
    storage->counts.checkpoints += batch->states_count;
    storage->in_hand = 0;
    pthread_cond_broadcast(&storage->settled);
    pthread_mutex_unlock(&storage->mutex);
    batch->rows = NULL;
    batch->rows_count = batch->states_count = batch->minutes_count = 0;
    batch->moves = false;
}

/* ---- faults */

static void begin_fault(struct swgi_storage *storage, const struct swg_error *error) {
    pthread_mutex_lock(&storage->mutex);
    bool is_new = storage->fault_since_ns == 0;
    storage->counts.faults += is_new;
    swgi_copy_text(storage->counts.last_fault, sizeof(storage->counts.last_fault), error->text);
    pthread_mutex_unlock(&storage->mutex);
    if (!is_new)
        return;
    storage->fault_since_ns = swgi_clock_of(CLOCK_MONOTONIC);
    swgi_log(SWGI_LOG_ERROR, &fields,
             "%s; up to %u audit rows wait for it, and it is tried again until it works",
             error->text, SWGI_STORAGE_ROWS_MAX);
}

static void end_fault(struct swgi_storage *storage) {
    storage->backoff_ms = 0;
    pthread_mutex_lock(&storage->mutex);
    uint64_t dropped = storage->counts.audit_dropped - storage->dropped_before;
    storage->dropped_before += dropped;
    pthread_mutex_unlock(&storage->mutex);
    if (storage->fault_since_ns == 0)
        return;
    double seconds = (double)(swgi_clock_of(CLOCK_MONOTONIC) - storage->fault_since_ns) / 1e9;
    storage->fault_since_ns = 0;
    swgi_log(SWGI_LOG_INFO, &fields,
             "%s can be written again after %.1f s; %llu audit rows had to be dropped",
             storage->database.path, seconds, (unsigned long long)dropped);
}

/* The state of every circuit, and where in the ring we are, go into a database that knows nothing. */
static void begin_anew(struct swgi_storage *storage) {
    pthread_mutex_lock(&storage->mutex);
    for (struct swgi_kept *kept = storage->all; kept != NULL; kept = kept->next) {
        if (kept->is_dirty || kept->state.panel_birth_ms == 0)
            continue;
        kept->is_dirty = true;
        kept->next_dirty = storage->dirty;
        storage->dirty = kept;
    }
    storage->moved = true;
    pthread_mutex_unlock(&storage->mutex);
}

/* Also where somebody took the file away: what it had is theirs to find. */
static int connect_again(struct swgi_storage *storage, struct swg_error *error) {
    struct swgi_database *database = &storage->database;
    if (database->sqlite != NULL && !swgi_database_has_moved(database))
        return 0;
    if (database->sqlite != NULL)
        swgi_log(SWGI_LOG_ERROR, &fields, "%s was moved or deleted; a new one is made",
                 database->path);
    int rc = swgi_database_reopen(database, error);
    if (rc == 0 && database->is_new) {
        database->is_new = false;
        begin_anew(storage);
    }
    return rc;
}

/* It stays connected where a new connection would help nothing. */
static bool needs_reopening(int rc) {
    return rc != -EAGAIN && rc != -ENOSPC && rc != -ENOMEM;
}

static int write_once(struct swgi_storage *storage, struct swg_error *error) {
    int rc = connect_again(storage, error);
    if (rc == 0)
        rc = swgi_batch_write(&storage->database, &storage->batch, error);
    if (rc == -EBADMSG) {
        begin_fault(storage, error);
        rc = swgi_database_move_aside(&storage->database, swgi_storage_wall(storage), error);
        if (rc == 0)
            rc = connect_again(storage, error);
        if (rc == 0)
            rc = swgi_batch_write(&storage->database, &storage->batch, error);
    }
    if (rc != 0 && needs_reopening(rc))
        swgi_database_disconnect(&storage->database);
    return rc;
}

static bool batch_is_empty(const struct swgi_batch *batch) {
    return batch->rows == NULL && batch->states_count == 0 && batch->minutes_count == 0 &&
           !batch->moves;
}

static void write_batch(struct swgi_storage *storage) {
    struct swg_error error = SWG_ERROR_INIT;
    if (batch_is_empty(&storage->batch))
        return;
    if (write_once(storage, &error) == 0) {
        written(storage);
        end_fault(storage);
        return;
    }
    begin_fault(storage, &error);
    keep_for_later(storage);
    storage->backoff_ms = storage->backoff_ms == 0 ? BACKOFF_FIRST_MS : 2 * storage->backoff_ms;
    if (storage->backoff_ms > BACKOFF_MOST_MS)
        storage->backoff_ms = BACKOFF_MOST_MS;
}

/* A bit at a time, so that no row waits for it. What fails is tried again in an hour. */
static void tidy(struct swgi_storage *storage, int64_t wall_ms) {
    struct swg_error error = SWG_ERROR_INIT;
    int rc = storage->database.sqlite == NULL || storage->fault_since_ns != 0
                 ? 0
                 : swgi_retention_step(&storage->database, &storage->retention, wall_ms, &error);
    if (rc < 0)
        swgi_log(SWGI_LOG_WARNING, &fields, "old rows were not removed: %s", error.text);
    if (rc == 1)
        return;
    pthread_mutex_lock(&storage->mutex);
    if (storage->tidy_wall_ms == wall_ms)
        storage->tidy_wall_ms = 0;
    pthread_mutex_unlock(&storage->mutex);
}

/* ---- the thread */

static int wait_until(struct swgi_storage *storage, pthread_cond_t *sign, int64_t at_ns) {
    struct timespec at = { .tv_sec = at_ns / 1000000000, .tv_nsec = at_ns % 1000000000 };
    return pthread_cond_timedwait(sign, &storage->mutex, &at);
}

/* Backing off is cut short by the end alone. */
static void wait_for_work(struct swgi_storage *storage) {
    if (storage->backoff_ms == 0) {
        while (!has_work(storage) && !storage->stops)
            pthread_cond_wait(&storage->wake, &storage->mutex);
        return;
    }
    int64_t until = swgi_clock_of(CLOCK_MONOTONIC) + storage->backoff_ms * 1000000;
    while (!storage->stops && swgi_clock_of(CLOCK_MONOTONIC) < until)
        wait_until(storage, &storage->wake, until);
    if (storage->stops && storage->fault_since_ns != 0)
        wait_until(storage, &storage->wake,
                   swgi_clock_of(CLOCK_MONOTONIC) + BACKOFF_FIRST_MS * 1000000);
}

static bool is_over(const struct swgi_storage *storage) {
    return storage->stops &&
           (!has_work(storage) || swgi_clock_of(CLOCK_MONOTONIC) >= storage->stop_at_ns);
}

static void *writes(void *arg) {
    struct swgi_storage *storage = arg;
    pthread_mutex_lock(&storage->mutex);
    while (!is_over(storage)) {
        wait_for_work(storage);
        take(storage);
        int64_t tidy_ms = storage->stops ? 0 : storage->tidy_wall_ms;
        if (storage->stops)
            storage->tidy_wall_ms = 0;
        pthread_mutex_unlock(&storage->mutex);
        write_batch(storage);
        if (tidy_ms != 0)
            tidy(storage, tidy_ms);
        pthread_mutex_lock(&storage->mutex);
    }
    storage->is_over = true;
    pthread_cond_signal(&storage->over);
    pthread_mutex_unlock(&storage->mutex);
    return NULL;
}

/* Signals are the loop's. */
int swgi_writer_start(struct swgi_storage *storage, struct swg_error *error) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int rc = pthread_create(&storage->writer, NULL, writes, storage);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        return swgi_fail(error, -rc, "thread", "no thread for the database: %s", strerror(rc));
    pthread_setname_np(storage->writer, "swg-storage");
    return 0;
}

bool swgi_writer_stop(struct swgi_storage *storage) {
    pthread_mutex_lock(&storage->mutex);
    int64_t until = storage->stop_at_ns + STOP_PATIENCE_NS;
    storage->stops = true;
    pthread_cond_signal(&storage->wake);
    while (!storage->is_over && wait_until(storage, &storage->over, until) == 0)
        continue;
    bool is_over = storage->is_over;
    pthread_mutex_unlock(&storage->mutex);
    if (!is_over)
        return false;
    pthread_join(storage->writer, NULL);
    swgi_rows_free(storage->batch.rows);
    free(storage->batch.states);
    free(storage->batch.kept);
    free(storage->batch.minutes);
    return true;
}
