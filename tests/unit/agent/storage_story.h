/*
 * A story about a storage: a folder with its database, the story's panel, a calendar that stands still
 * until it is moved, and what the log was told.
 */
#ifndef TESTS_AGENT_STORAGE_STORY_H
#define TESTS_AGENT_STORAGE_STORY_H

#include <ftw.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/storage_inside.h"
#include "story.h"

#define MONDAY      INT64_C(1764547200000) /* 2025-12-01T00:00:00Z */
#define PATIENCE_MS 20000

static char folder[64], database[96];
static struct swgi_file file;
static struct swgi_storage *storage;
static int64_t wall = MONDAY;
static uint64_t cursor;

/* ---- the log */

static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;
static char logged[8192];

void swgi_log(int level, const struct swgi_log_fields *fields, const char *format, ...) {
    va_list arguments;

    (void)level, (void)fields;
    pthread_mutex_lock(&log_mutex);
    size_t used = strlen(logged);
    va_start(arguments, format);
    vsnprintf(logged + used, sizeof(logged) - used, format, arguments);
    va_end(arguments);
    strncat(logged, "\n", sizeof(logged) - strlen(logged) - 1);
    pthread_mutex_unlock(&log_mutex);
}

static inline bool log_says(const char *text) {
    pthread_mutex_lock(&log_mutex);
    bool says = strstr(logged, text) != NULL;
    pthread_mutex_unlock(&log_mutex);
    return says;
}

/* ---- measures, as a story wants them */

struct swgi_measures {
    size_t count;
    struct swgi_measure at[1100];
};
static struct swgi_measures measures;

size_t swgi_measures_count(const struct swgi_measures *of) {
    return of->count;
}

const struct swgi_measure *swgi_measures_at(const struct swgi_measures *of, size_t index) {
    return &of->at[index];
}

/* What the panel has now; times spent in states stay what the story made them. */
static inline void measure(void) {
    struct swg_circuit *found;
    uint32_t at = 0;

    measures.count = 0;
    while (swg_panel_next_circuit(panel, &at, &found) == 0 && measures.count < 1100) {
        struct swgi_measure *one = &measures.at[measures.count++];

        one->circuit = found;
        one->status = (struct swg_status)SWG_STATUS_INIT;
        assert_int_equal(swg_circuit_status(found, &one->status), 0);
    }
}

/* ---- life */

static int64_t calendar(void *arg) {
    (void)arg;
    return wall;
}

static inline int try_open(struct swg_error *error) {
    int rc = swgi_storage_open(&storage, &file, panel, error);

    if (rc == 0 && storage != NULL)
        swgi_storage_set_wall(storage, calendar, NULL);
    return rc;
}

static inline void open_storage(void) {
    struct swg_error error = SWG_ERROR_INIT;

    if (try_open(&error) != 0)
        fail_msg("%s: %s", error.key, error.text);
    cursor = swgi_storage_cursor(storage);
}

static inline void close_storage(void) {
    storage = swgi_storage_close(storage);
}

/* As the agent does. */
static inline void follow(void) {
    struct swg_event event = SWG_EVENT_INIT;
    int rc;

    while ((rc = swg_panel_next_event(panel, &cursor, &event)) != 0) {
        if (rc == -EOVERFLOW)
            swgi_storage_gap(storage);
        else
            swgi_storage_event(storage, &event, cursor);
    }
}

static inline void flush(void) {
    assert_true(swgi_storage_flush(storage, PATIENCE_MS));
}

static inline void tick(void) {
    follow();
    measure();
    swgi_storage_tick(storage, &measures);
    flush();
}

/* Time passes in the panel and outside. */
static inline void pass(swg_ns by) {
    advance(by);
    wall += by / 1000000;
}

/* Another panel takes the place of the story's, as after a boot; its clock begins anew. */
static inline void another_panel(void) {
    int64_t birth = swgi_panel_birth_ms(panel);
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;

    options.virtual_clock = 1;
    options.circuits_max = 8;
    options.columns_max = 2;
    options.slots_max = 4096;
    do {
        panel = swg_panel_unref(panel);
        assert_int_equal(swg_panel_open(&panel, &options, NULL), 0);
    } while (swgi_panel_birth_ms(panel) == birth);
    advance(S(50));
}

static inline int remove_file(const char *path, const struct stat *status, int type,
                              struct FTW *where) {
    (void)status, (void)type, (void)where;
    return remove(path);
}

static inline int begin_storage_story(void **state) {
    strcpy(folder, "/tmp/swg-storage-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(database, sizeof(database), "%s/agent.db", folder);
    memset(&file, 0, sizeof(file));
    memset(&measures, 0, sizeof(measures));
    strcpy(file.agent.database, database);
    file.agent.audit_keep = S(86400) * 36500; /* a virtual clock's calendar begins in 1970 */
    wall = MONDAY;
    cursor = 0;
    logged[0] = '\0';
    storage = NULL;
    if (begin_story(state) != 0)
        return -1;
    advance(S(1000));
    return 0;
}

static inline int end_storage_story(void **state) {
    storage = swgi_storage_close(storage);
    chmod(folder, 0700);
    nftw(folder, remove_file, 8, FTW_DEPTH | FTW_PHYS);
    return end_story(state);
}

#define STORED(name) cmocka_unit_test_setup_teardown(name, begin_storage_story, end_storage_story)

/* ---- looking into the database */

/* What a query finds first, as text; "" for nothing. Static storage. */
static inline const char *ask(const char *sql) {
    static char answers[8][1024];
    static unsigned turn;
    char *answer = answers[turn++ % 8];
    sqlite3 *sqlite = NULL;
    sqlite3_stmt *statement = NULL;

    answer[0] = '\0';
    assert_int_equal(sqlite3_open_v2(database, &sqlite, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(sqlite, PATIENCE_MS);
    if (sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite));
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        snprintf(answer, 1024, "%s",
                 sqlite3_column_type(statement, 0) == SQLITE_NULL
                     ? "NULL"
                     : (const char *)sqlite3_column_text(statement, 0));
    else if (rc != SQLITE_DONE)
        snprintf(answer, 1024, "%s", sqlite3_errmsg(sqlite));
    sqlite3_finalize(statement);
    sqlite3_close(sqlite);
    return answer;
}

#define assert_answer(sql, wanted) assert_string_equal(ask(sql), wanted)

static inline struct swgi_storage_counts counts(void) {
    struct swgi_storage_counts out;

    swgi_storage_counts(storage, &out);
    return out;
}

#endif
