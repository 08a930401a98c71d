/* What the stories about the outbox start from: a folder, an outbox in it, a circuit whose time stands still, a receiver. */
#ifndef OUTBOX_FIXTURE_H
#define OUTBOX_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <switchgear/outbox.h>

#define SECOND INT64_C(1000000000)

struct fixture {
    char folder[64], path[96];
    struct swg_outbox_options options;
    struct swg_outbox *outbox;
    struct swg_panel *panel;
    struct swg_circuit *circuit; /* opens at the third failure in a row, for 30 s */
    struct swg_error error;
    struct swg_outbox_result result;
    /* The receiver: what it got, "key=bytes#attempt ", and what it answers. */
    char got[65536];
    int outcome;
    const char *bad_key; /* NULL: outcome holds for all */
    struct swg_failure why;
};

static inline void make_circuit(struct fixture *f) {
    struct swg_panel_options place = SWG_PANEL_OPTIONS_INIT;
    struct swg_config *config;

    place.virtual_clock = 1;
    assert_int_equal(swg_panel_open(&f->panel, &place, NULL), 0);
    assert_int_equal(swg_config_new(&config), 0);
    assert_int_equal(swg_config_preset(config, "default", NULL), 0);
    assert_int_equal(swg_config_set(config, "breaker.trip.0.consecutive", "3", NULL), 0);
    assert_int_equal(swg_config_set(config, "breaker.open.for", "30s", NULL), 0);
    assert_int_equal(swg_config_set(config, "breaker.open.jitter", "0", NULL), 0);
    assert_int_equal(swg_circuit_get(f->panel, "shop", config, &f->circuit, NULL), 0);
    swg_config_unref(config);
}

/* All but the outbox itself: that is opened after the story forked, if it does. */
static inline int fixture_begin(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    snprintf(f->folder, sizeof(f->folder), "/tmp/swg-outbox-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof(f->path), "%s/box.db", f->folder);
    f->options = (struct swg_outbox_options)SWG_OUTBOX_OPTIONS_INIT;
    f->options.path = f->path;
    f->error = (struct swg_error)SWG_ERROR_INIT;
    f->result = (struct swg_outbox_result)SWG_OUTBOX_RESULT_INIT;
    f->why = (struct swg_failure)SWG_FAILURE_INIT;
    f->outcome = SWG_SUCCESS;
    make_circuit(f);
    *state = f;
    return 0;
}

static inline int open_outbox(struct fixture *f) {
    f->error = (struct swg_error)SWG_ERROR_INIT;
    return swg_outbox_open(&f->outbox, &f->options, &f->error);
}

static inline int fixture_start(void **state) {
    struct fixture *f;

    fixture_begin(state);
    f = *state;
    assert_int_equal(open_outbox(f), 0);
    return 0;
}

static inline void close_outbox(struct fixture *f) {
    f->outbox = swg_outbox_close(f->outbox);
}

static inline void reopen(struct fixture *f) {
    close_outbox(f);
    assert_int_equal(open_outbox(f), 0);
}

static inline void empty_folder(const char *folder) {
    DIR *directory = opendir(folder);
    char name[400];

    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            remove(name);
    }
    if (directory != NULL)
        closedir(directory);
}

static inline int fixture_stop(void **state) {
    struct fixture *f = *state;

    close_outbox(f);
    swg_panel_unref(f->panel);
    empty_folder(f->folder);
    rmdir(f->folder);
    free(f);
    return 0;
}

static inline int put(struct fixture *f, const char *key, const char *text) {
    f->error = (struct swg_error)SWG_ERROR_INIT;
    return swg_outbox_put(f->outbox, key, text, strlen(text), &f->error);
}

static inline int receive(struct swg_outbox_item *item, void *arg) {
    struct fixture *f = arg;
    size_t length = strlen(f->got);

    snprintf(f->got + length, sizeof(f->got) - length, "%s=%.*s#%u ", item->key, (int)item->length,
             (const char *)item->bytes, item->attempt);
    if (f->bad_key != NULL && strcmp(f->bad_key, item->key) != 0)
        return SWG_SUCCESS;
    if (f->outcome != SWG_SUCCESS)
        swg_outbox_failure(item, &f->why);
    return f->outcome;
}

static inline int run(struct fixture *f, uint64_t limit) {
    f->error = (struct swg_error)SWG_ERROR_INIT;
    f->got[0] = '\0';
    return swg_outbox_run(f->outbox, f->circuit, receive, f, limit, &f->result, &f->error);
}

static inline struct swg_outbox_info look(struct fixture *f) {
    struct swg_outbox_info info = SWG_OUTBOX_INFO_INIT;

    assert_int_equal(swg_outbox_status(f->outbox, &info), 0);
    return info;
}

/* What somebody else does to the database, with a connection of its own; the first number it answers. */
static inline int64_t sql(struct fixture *f, const char *text) {
    sqlite3 *database;
    sqlite3_stmt *statement;
    int64_t answer = 0;

    assert_int_equal(sqlite3_open(f->path, &database), SQLITE_OK);
    if (sqlite3_prepare_v2(database, text, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", text, sqlite3_errmsg(database));
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        answer = sqlite3_column_int64(statement, 0);
    else if (rc != SQLITE_DONE)
        fail_msg("%s: %s", text, sqlite3_errmsg(database));
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return answer;
}

/* The counters are kept beside the entries, so they could be wrong. */
static inline void check_counters(struct fixture *f) {
    struct swg_outbox_info info = look(f);

    assert_int_equal(sql(f, "SELECT count(*) FROM outbox WHERE state = 0"), (int64_t)info.pending);
    assert_int_equal(sql(f, "SELECT count(*) FROM outbox WHERE state = 1"),
                     (int64_t)info.remembered);
    assert_int_equal(sql(f, "SELECT count(*) FROM outbox WHERE state = 2"), (int64_t)info.dead);
    assert_int_equal(sql(f, "SELECT ifnull(sum(length(bytes)), 0) FROM outbox"),
                     (int64_t)info.bytes);
}

#define STORY(name)      cmocka_unit_test_setup_teardown(name, fixture_start, fixture_stop)
#define BARE_STORY(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_stop)

#endif
