/*
 * The loop's side: notes and ticks become rows and checkpoints that wait for the writer (events:
 * storage_follow.c). Nothing here waits for the disk, but opening and closing.
 */
#include "agent/storage.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/log.h"
#include "agent/storage_inside.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

#define CLOSE_NS          INT64_C(3000000000)
#define AUDIT_KEEP_MS     (400 * SWGI_DAY_MS)
#define AUDIT_ROWS        1000000u
#define HISTORY_KEEP_MS   (30 * SWGI_DAY_MS)
#define HISTORY_BYTES     (256u << 20)
#define HISTORY_ROW_BYTES 200u /* with its index: 128 bytes, and a long name twice */

static const struct swgi_log_fields fields = { .context = "storage" };

/* ---- what waits; under the mutex */

static void append(struct swgi_storage *storage, struct swgi_row *row) {
    *storage->rows_end = row;
    storage->rows_end = &row->next;
    storage->rows_count++;
}

/* As soon as there is room again, in the place of the rows that had none. */
static void tell_dropped(struct swgi_storage *storage, int64_t wall_ms) {
    char evidence[64];
    if (storage->dropped_untold == 0 || storage->rows_count >= SWGI_STORAGE_ROWS_MAX)
        return;
    snprintf(evidence, sizeof(evidence), "{\"dropped\":%llu}",
             (unsigned long long)storage->dropped_untold);
    struct swgi_row *row = swgi_row_new(wall_ms, "", SWGI_ACTION_GAP,
                                        "rows were dropped while the database could not be written",
                                        evidence, "system", "rule");
    if (row == NULL)
        return;
    append(storage, row);
    storage->dropped_untold = 0;
    storage->counts.gaps++;
}

bool swgi_storage_add_row(struct swgi_storage *storage, struct swgi_row *row) {
    if (row != NULL)
        tell_dropped(storage, row->wall_ms);
    if (row == NULL || storage->dropped_untold != 0 ||
        storage->rows_count >= SWGI_STORAGE_ROWS_MAX) {
        storage->counts.audit_dropped++;
        storage->dropped_untold++;
        free(row);
        return false;
    }
    append(storage, row);
    return true;
}

/* Rows are written in the order in which they came, so the number of those before it tells when it is. */
static uint64_t hand_over(struct swgi_storage *storage, struct swgi_row *row) {
    uint64_t number = 0;
    pthread_mutex_lock(&storage->mutex);
    if (swgi_storage_add_row(storage, row)) {
        number = storage->counts.audit_rows + storage->rows_count;
        pthread_cond_signal(&storage->wake);
    }
    pthread_mutex_unlock(&storage->mutex);
    return number;
}

/* ---- notes */

/* What is no JSON would spoil every answer it is put into. */
static bool is_json_object(const char *text) {
    json_t *object = text != NULL ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    bool is = json_is_object(object);
    json_decref(object);
    return is;
}

uint64_t swgi_storage_note(struct swgi_storage *storage, enum swgi_audit_action action,
                           const char *circuit, const char *reason, const char *user,
                           const char *source, const char *evidence_json) {
    if (storage == NULL)
        return 0;
    return hand_over(storage, swgi_row_new(swgi_storage_wall(storage), circuit, action, reason,
                                           is_json_object(evidence_json) ? evidence_json : NULL,
                                           user, source));
}

bool swgi_storage_wait(struct swgi_storage *storage, uint64_t row, int64_t most_ms) {
    int64_t until = swgi_clock_of(CLOCK_MONOTONIC) + most_ms * 1000000;
    struct timespec at = { .tv_sec = until / 1000000000, .tv_nsec = until % 1000000000 };
    int rc = 0;
    pthread_mutex_lock(&storage->mutex);
    while (row != 0 && storage->counts.audit_rows < row && rc == 0)
        rc = pthread_cond_timedwait(&storage->settled, &storage->mutex, &at);
    bool is_written = row != 0 && storage->counts.audit_rows >= row;
    pthread_mutex_unlock(&storage->mutex);
    return is_written;
}

/* ---- ticks */

static void see_circuit(struct swgi_storage *storage, const struct swgi_measure *measure) {
    struct swgi_kept *kept = swgi_kept_get(storage, measure->status.name);
    struct swg_status now = SWG_STATUS_INIT;
    if (kept == NULL)
        return;
    const struct swg_status *status = &measure->status;
    if (swgi_kept_restore(storage, kept, measure->circuit) == 1 &&
        swg_circuit_status(measure->circuit, &now) == 0)
        status = &now;
    swgi_kept_see(storage, kept, measure->circuit, status);
}

static void ask_for_tidying(struct swgi_storage *storage, int64_t wall_ms) {
    if (wall_ms < storage->retention_due && storage->retention_due - wall_ms <= SWGI_HOUR_MS)
        return;
    storage->retention_due = wall_ms + SWGI_HOUR_MS;
    pthread_mutex_lock(&storage->mutex);
    storage->tidy_wall_ms = wall_ms > 0 ? wall_ms : 1;
    pthread_mutex_unlock(&storage->mutex);
}

/* Else the states of circuits that just stand still would look like those of circuits long gone. */
static void touch_daily(struct swgi_storage *storage, const struct swgi_measures *measures,
                        int64_t wall_ms) {
    if (storage->touched_day == wall_ms / SWGI_DAY_MS)
        return;
    storage->touched_day = wall_ms / SWGI_DAY_MS;
    for (size_t i = 0; i < swgi_measures_count(measures); i++) {
        struct swgi_kept *kept =
            swgi_kept_find(storage, swgi_measures_at(measures, i)->status.name);
        if (kept == NULL)
            continue;
        pthread_mutex_lock(&storage->mutex);
        kept->state.updated_ms = wall_ms;
        pthread_mutex_unlock(&storage->mutex);
        swgi_kept_mark_dirty(storage, kept);
    }
}

void swgi_storage_tick(struct swgi_storage *storage, const struct swgi_measures *measures) {
    if (storage == NULL)
        return;
    int64_t wall_ms = swgi_storage_wall(storage);
    swgi_storage_look_at_panel(storage);
    for (size_t i = 0; i < swgi_measures_count(measures); i++)
        see_circuit(storage, swgi_measures_at(measures, i));
    touch_daily(storage, measures, wall_ms);
    swgi_history_tick(storage, measures, wall_ms);
    ask_for_tidying(storage, wall_ms);
    swgi_storage_catch_up(storage);
    pthread_mutex_lock(&storage->mutex);
    tell_dropped(storage, wall_ms);
    pthread_cond_signal(&storage->wake);
    pthread_mutex_unlock(&storage->mutex);
}

void swgi_storage_counts(const struct swgi_storage *storage, struct swgi_storage_counts *out) {
    pthread_mutex_t *mutex;
    *out = (struct swgi_storage_counts){ 0 };
    if (storage == NULL)
        return;
    mutex = (pthread_mutex_t *)&storage->mutex;
    pthread_mutex_lock(mutex);
    *out = storage->counts;
    out->audit_queued = storage->rows_count;
    pthread_mutex_unlock(mutex);
}

uint64_t swgi_storage_cursor(const struct swgi_storage *storage) {
    return storage != NULL ? storage->opened_cursor : SWG_CURSOR_END;
}

/* ---- life */

static int64_t calendar(void *arg) {
    (void)arg;
    return swgi_clock_wall_ms();
}

void swgi_storage_set_wall(struct swgi_storage *storage, int64_t (*wall_ms)(void *), void *arg) {
    storage->wall_ms = wall_ms;
    storage->wall_arg = arg;
}

/* The default place's own folders; where somebody named a place, it is theirs to make. */
static void make_folders(const char *path) {
    char folder[SWGI_FILE_TEXT_MAX];
    snprintf(folder, sizeof(folder), "%s", path);
    for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(folder, 0750);
        *slash = '/';
    }
}

static void set_retention(struct swgi_storage *storage, const struct swgi_file_agent *agent) {
    struct swgi_retention *retention = &storage->retention;
    uint64_t bytes = agent->history_bytes_max != 0 ? agent->history_bytes_max : HISTORY_BYTES;
    retention->audit_keep_ms = agent->audit_keep > 0 ? agent->audit_keep / 1000000 : AUDIT_KEEP_MS;
    retention->history_keep_ms =
        agent->history_keep > 0 ? agent->history_keep / 1000000 : HISTORY_KEEP_MS;
    retention->audit_rows_max = agent->audit_rows_max != 0 ? agent->audit_rows_max : AUDIT_ROWS;
    retention->history_rows_max = bytes / HISTORY_ROW_BYTES + 1;
}

/* A damaged database costs its past, not the agent's future; it is kept beside the new one. */
static int replace(struct swgi_storage *storage, struct swg_error *error) {
    int rc = swgi_database_move_aside(&storage->database, swgi_storage_wall(storage), error);
    if (rc != 0)
        return rc;
    storage->counts.faults++;
    snprintf(storage->counts.last_fault, sizeof(storage->counts.last_fault),
             "the database was damaged and was replaced");
    return swgi_database_reopen(&storage->database, error);
}

static int remember(void *arg, const struct swgi_state *state) {
    struct swgi_storage *storage = arg;
    struct swgi_kept *kept = swgi_kept_get(storage, state->circuit);
    if (kept == NULL)
        return -ENOMEM;
    kept->state = *state;
    kept->is_restorable = storage->is_our_past && state->panel_birth_ms != storage->birth_ms;
    return 0;
}

/* Of another panel, the place in its ring means nothing here. */
static int read_past(struct swgi_storage *storage, struct swg_error *error) {
    struct swg_panel_info info = SWG_PANEL_INFO_INIT;
    struct swgi_position position;
    int rc = swgi_position_read(&storage->database, &position, error);
    if (rc == 0)
        rc = swg_panel_status(storage->panel, &info);
    if (rc != 0)
        return rc;
    /* The same place: an earlier life of this panel. Another's states are nothing to this one. */
    storage->is_our_past = position.birth_ms == 0 || strcmp(position.path, info.path) == 0;
    if (!storage->is_our_past)
        swgi_log(SWGI_LOG_WARNING, &fields,
                 "%s knows the panel %s; its states are not restored into %s, and its rows go on"
                 " with this one's: give every panel a database of its own",
                 storage->database.path, position.path, info.path);
    rc = swgi_states_read(&storage->database, remember, storage, error);
    if (rc != 0)
        return rc;
    swgi_copy_text(storage->position.path, sizeof(storage->position.path), info.path);
    storage->position.birth_ms = storage->birth_ms;
    bool is_same = position.birth_ms == storage->birth_ms &&
                   strcmp(position.path, storage->position.path) == 0;
    storage->is_first = !is_same;
    if (is_same) {
        storage->position = position;
        storage->next_act = position.next_act;
    }
    storage->opened_cursor = storage->position.cursor;
    storage->database.is_new = false;
    return 0;
}

static int open_all(struct swgi_storage *storage, struct swg_error *error) {
    int rc = swgi_database_open(&storage->database, error);
    if (rc == 0)
        rc = read_past(storage, error);
    if (rc != -EBADMSG)
        return rc;
    swgi_kept_free(storage);
    /* A slip of the hand in a path must not cost somebody that file. */
    rc = swgi_database_is_one(storage->database.path, error);
    if (rc == 0)
        rc = replace(storage, error);
    return rc == 0 ? read_past(storage, error) : rc;
}

static void init(struct swgi_storage *storage, struct swg_panel *panel) {
    pthread_condattr_t monotonic;
    storage->panel = swg_panel_ref(panel);
    storage->birth_ms = swgi_panel_birth_ms(panel);
    storage->wall_ms = calendar;
    storage->close_ns = CLOSE_NS;
    storage->rows_end = &storage->rows;
    storage->database.lock_fd = -1;
    pthread_mutex_init(&storage->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&storage->wake, &monotonic);
    pthread_cond_init(&storage->over, &monotonic);
    pthread_cond_init(&storage->settled, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static void deinit(struct swgi_storage *storage) {
    swgi_database_close(&storage->database);
    swgi_kept_free(storage);
    swgi_rows_free(storage->rows);
    free(storage->minutes);
    pthread_cond_destroy(&storage->wake);
    pthread_cond_destroy(&storage->over);
    pthread_cond_destroy(&storage->settled);
    pthread_mutex_destroy(&storage->mutex);
    swg_panel_unref(storage->panel);
    free(storage);
}

int swgi_storage_open(struct swgi_storage **out, const struct swgi_file *file,
                      struct swg_panel *panel, struct swg_error *error) {
    *out = NULL;
    if (strcmp(file->agent.database, "off") == 0)
        return 0;
    struct swgi_storage *storage = calloc(1, sizeof(*storage));
    if (storage == NULL)
        return swgi_fail(error, -ENOMEM, "agent.database", "no memory");
    init(storage, panel);
    set_retention(storage, &file->agent);
    struct swgi_database *database = &storage->database;
    int rc = swgi_storage_path(file, database->path, sizeof(database->path), error);
    if (rc == 0 && file->agent.database[0] == '\0')
        make_folders(database->path);
    if (rc == 0)
        rc = open_all(storage, error);
    if (rc == 0)
        rc = swgi_writer_start(storage, error);
    if (rc != 0)
        deinit(storage);
    else
        *out = storage;
    return rc;
}

struct swgi_storage *swgi_storage_close(struct swgi_storage *storage) {
    if (storage == NULL)
        return NULL;
    swgi_history_end(storage, swgi_storage_wall(storage));
    pthread_mutex_lock(&storage->mutex);
    storage->stop_at_ns = swgi_clock_of(CLOCK_MONOTONIC) + storage->close_ns;
    pthread_mutex_unlock(&storage->mutex);
    if (!swgi_writer_stop(storage)) {
        swgi_log(SWGI_LOG_ERROR, &fields, "%s hangs; what was not written is lost",
                 storage->database.path);
        return NULL;
    }
    deinit(storage);
    return NULL;
}

bool swgi_storage_flush(struct swgi_storage *storage, int64_t most_ms) {
    int64_t until = swgi_clock_of(CLOCK_MONOTONIC) + most_ms * 1000000;
    for (;;) {
        swgi_storage_catch_up(storage);
        pthread_mutex_lock(&storage->mutex);
        bool is_done = !storage->lags && storage->rows_count == 0 && storage->dirty == NULL &&
                       storage->minutes_count == 0 && storage->in_hand == 0 &&
                       storage->tidy_wall_ms == 0;
        pthread_cond_signal(&storage->wake);
        pthread_mutex_unlock(&storage->mutex);
        if (is_done || swgi_clock_of(CLOCK_MONOTONIC) > until)
            return is_done;
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
}
