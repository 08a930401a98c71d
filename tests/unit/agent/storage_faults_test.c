/*
 * What is wrong with the disk: the loop never waits, rows wait for their bound, the fault is told once
 * and again when it ends, and then all of it is there.
 */
#include "storage_story.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>

#define ROWS "SELECT count(*) FROM circuit_breaker_audit"

static uint64_t note(void) {
    return swgi_storage_note(storage, SWGI_ACTION_ALERT, "a", "why", "system", "rule", NULL);
}

static void wait_for_log(const char *text) {
    int64_t until = swgi_clock_of(CLOCK_MONOTONIC) + S(20);
    while (!log_says(text)) {
        if (swgi_clock_of(CLOCK_MONOTONIC) > until)
            fail_msg("the log never said '%s', but: %s", text, logged);
        usleep(1000);
    }
}

static unsigned times_logged(const char *text) {
    unsigned count = 0;
    for (const char *at = logged; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

/* ---- at the start */

static void assert_not_opened(int rc, const char *text) {
    struct swg_error error = SWG_ERROR_INIT;
    assert_int_equal(try_open(&error), rc);
    assert_null(storage);
    if (strstr(error.text, text) == NULL)
        fail_msg("'%s' says nothing of '%s'", error.text, text);
    assert_non_null(strstr(error.text, folder));
    /* Who only asks is told the same, but of what others may have ended by then. */
    if (rc != -EBUSY)
        assert_int_equal(swgi_storage_check(&file, &error), rc);
}

static void test_no_folder(void **state) {
    (void)state;
    snprintf(file.agent.database, sizeof(file.agent.database), "%s/none/agent.db", folder);
    assert_not_opened(-ENOENT, "No such file or directory");
}

static void test_a_folder_that_is_a_file(void **state) {
    (void)state;
    fclose(fopen(database, "w"));
    snprintf(file.agent.database, sizeof(file.agent.database), "%s/x", database);
    assert_not_opened(-ENOTDIR, "Not a directory");
}

static void test_a_folder_that_may_only_be_read(void **state) {
    (void)state;
    bool is_root = geteuid() == 0;
    chmod(folder, 0555);
    if (is_root) /* who may write everywhere */
        assert_int_equal(seteuid(65534), 0);
    assert_not_opened(-EACCES, "Permission denied");
    if (is_root)
        assert_int_equal(seteuid(0), 0);
}

static void test_another_program_s_database(void **state) {
    sqlite3 *sqlite;
    (void)state;
    assert_int_equal(sqlite3_open(database, &sqlite), SQLITE_OK);
    sqlite3_exec(sqlite, "CREATE TABLE theirs(x)", NULL, NULL, NULL);
    sqlite3_close(sqlite);
    assert_not_opened(-EPROTO, "another program's database");
    assert_answer("SELECT count(*) FROM theirs", "0");
}

static void test_a_newer_schema(void **state) {
    (void)state;
    open_storage();
    close_storage();
    ask("PRAGMA user_version=2");
    assert_not_opened(-EPROTO, "schema 2, written by a newer switchgear");
}

static void test_two_agents(void **state) {
    struct swgi_storage *first;
    (void)state;
    open_storage();
    first = storage;
    assert_not_opened(-EBUSY, "another agent writes to");
    storage = first;
    note();
    flush();
    assert_answer(ROWS, "1");
}

static void test_its_permissions(void **state) {
    struct stat status;
    mode_t before = umask(0);
    (void)state;
    open_storage();
    umask(before);
    note();
    flush();
    assert_int_equal(stat(database, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    strcat(database, "-wal");
    assert_int_equal(stat(database, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
}

static void test_an_empty_file_becomes_a_database(void **state) {
    (void)state;
    fclose(fopen(database, "w"));
    open_storage();
    note();
    flush();
    assert_answer(ROWS, "1");
}

static bool is_aside(char out[256]) {
    char command[256] = "";
    snprintf(command, sizeof(command), "ls %s | grep '^agent.db.corrupt-20[0-9TZ]*$'", folder);
    FILE *list = popen(command, "r");
    bool found = list != NULL && fgets(out, 256, list) != NULL;
    pclose(list);
    return found;
}

static void write_rubbish(long at, int count) {
    FILE *out = fopen(database, "r+");
    assert_non_null(out);
    fseek(out, at, SEEK_SET);
    for (int i = 0; i < count; i++)
        fputs("rubbish!", out);
    fclose(out);
}

static void test_rubbish_is_moved_aside(void **state) {
    char aside[256];
    (void)state;
    FILE *out = fopen(database, "w");
    fwrite("SQLite format 3", 1, 16, out);
    fclose(out);
    write_rubbish(16, 2000);
    open_storage();
    assert_true(is_aside(aside));
    assert_true(log_says("is damaged; it was moved to"));
    assert_int_equal(counts().faults, 1);
    note();
    flush();
    assert_answer(ROWS, "1");
}

static void test_somebody_else_s_file_is_left_alone(void **state) {
    char aside[256];
    (void)state;
    fclose(fopen(database, "w"));
    write_rubbish(0, 2000);
    assert_not_opened(-EPROTO, "is no SQLite database");
    assert_false(is_aside(aside));
}

static void test_damage_found_by_reading(void **state) {
    char aside[256];
    (void)state;
    make();
    open_storage();
    tick();
    close_storage();
    ask("PRAGMA wal_checkpoint(TRUNCATE)");
    write_rubbish(4096, 1024); /* behind the header: tables that cannot be */
    open_storage();
    assert_true(is_aside(aside));
    tick();
    assert_answer("SELECT count(*) FROM circuit_breaker_state", "2");
}

/* ---- while it runs */

static void test_who_waits_for_a_row(void **state) {
    sqlite3 *other;
    (void)state;
    open_storage();
    assert_true(swgi_storage_wait(storage, note(), 20000));
    assert_answer(ROWS, "1");
    assert_int_equal(sqlite3_open(database, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    uint64_t first = note(), second = note();
    assert_false(swgi_storage_wait(storage, first, 10));
    sqlite3_exec(other, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(other);
    assert_true(swgi_storage_wait(storage, second, 20000));
    assert_true(swgi_storage_wait(storage, first, 0));
    assert_answer(ROWS, "3");
    assert_false(swgi_storage_wait(storage, 0, 0)); /* for which there was no room */
    assert_false(swgi_storage_wait(storage, second + 1, 10));
}

static void test_locked_by_another_process(void **state) {
    sqlite3 *other;
    (void)state;
    open_storage();
    note();
    flush();
    assert_int_equal(sqlite3_open(database, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    int64_t from = swgi_clock_of(CLOCK_MONOTONIC);
    for (int i = 0; i < 100; i++)
        note();
    int64_t took = swgi_clock_of(CLOCK_MONOTONIC) - from;
    wait_for_log("another process keeps it locked");
    print_message("100 rows were handed over in %.2f ms\n", (double)took / 1e6);
    assert_int_equal(counts().audit_queued, 100);
    assert_int_equal(counts().faults, 1);
    sqlite3_exec(other, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(other);
    flush();
    wait_for_log("can be written again");
    assert_answer(ROWS, "101");
    assert_int_equal(counts().faults, 1);
    assert_int_equal(counts().audit_dropped, 0);
    assert_int_equal(times_logged("another process keeps it locked"), 1);
}

/* A disk that is full: no file of this process may grow further. */
static void limit_files(rlim_t most) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = most < limit.rlim_max ? most : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_a_full_disk(void **state) {
    struct stat status;
    char wal[128];
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    make();
    open_storage();
    note();
    flush();
    snprintf(wal, sizeof(wal), "%s-wal", database);
    assert_int_equal(stat(wal, &status), 0);
    limit_files((rlim_t)status.st_size);
    for (int i = 0; i < 12000; i++)
        note();
    wait_for_log("no room");
    assert_int_equal(counts().audit_queued, 10000);
    assert_int_equal(counts().audit_dropped, 2000);
    hand(swg_circuit_trip, 0, 0);
    follow();
    limit_files(RLIM_INFINITY);
    flush();
    measure();
    swgi_storage_tick(storage, &measures);
    flush();
    wait_for_log("2000 audit rows had to be dropped");
    assert_answer(ROWS, "10003"); /* one before, the one that tells of the gap, and the trip */
    assert_answer("SELECT evidence ->> 'dropped' FROM circuit_breaker_audit WHERE action = 'GAP'",
                  "2000");
    assert_answer("SELECT action FROM circuit_breaker_audit ORDER BY id DESC LIMIT 1", "TRIP");
    assert_answer("SELECT state FROM circuit_breaker_state WHERE circuit = 'dependency'", "OPEN");
    assert_answer("PRAGMA integrity_check", "ok");
    assert_int_equal(counts().faults, 1);
}

/* Ten thousand rows wait, and the reset after them found no room. */
static void fill_up_and_reset(void) {
    struct stat status;
    char wal[128];
    signal(SIGXFSZ, SIG_IGN);
    make();
    open_storage();
    hand(swg_circuit_trip, 0, 0);
    follow();
    flush();
    snprintf(wal, sizeof(wal), "%s-wal", database);
    assert_int_equal(stat(wal, &status), 0);
    limit_files((rlim_t)status.st_size);
    for (int i = 0; i < 10000; i++)
        note();
    wait_for_log("no room");
    hand(swg_circuit_reset, 0, 1);
    follow();
    assert_int_equal(counts().audit_dropped, 0);
    storage->close_ns = MS(100);
}

/* What had no room is still in the ring, for this agent or the next. */
static void test_a_kill_while_the_disk_is_full(void **state) {
    (void)state;
    fill_up_and_reset();
    close_storage();
    limit_files(RLIM_INFINITY);
    open_storage();
    follow();
    flush();
    assert_answer("SELECT group_concat(action) FROM circuit_breaker_audit", "TRIP,RESET");
}

/* More acts than may wait for the disk: none is dropped, and none comes twice. */
static void test_the_ring_is_the_queue_when_all_else_is_full(void **state) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    sqlite3 *other;
    (void)state;
    options.virtual_clock = 1;
    options.circuits_max = 8;
    options.events_max = 32768;
    panel = swg_panel_unref(panel);
    assert_int_equal(swg_panel_open(&panel, &options, NULL), 0);
    make();
    for (int i = 0; i < 25000; i++)
        hand(i % 2 == 0 ? swg_circuit_trip : swg_circuit_reset, 0, 1);
    open_storage();
    /* So that nothing is written meanwhile, however fast the disk. */
    assert_int_equal(sqlite3_open(database, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    follow();
    assert_true(storage->lags);
    sqlite3_exec(other, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(other);
    flush();
    hand(swg_circuit_trip, 0, 0);
    follow();
    flush();
    assert_false(storage->lags);
    hand(swg_circuit_reset, 0, 1);
    follow();
    flush();
    assert_answer(ROWS, "25002");
    assert_answer("SELECT count(DISTINCT evidence ->> 'event') FROM circuit_breaker_audit",
                  "25002");
    assert_answer("SELECT count(*) FROM circuit_breaker_audit WHERE action = 'GAP'", "0");
    assert_int_equal(counts().audit_dropped, 0);
}

static void test_the_file_is_deleted(void **state) {
    (void)state;
    make();
    open_storage();
    hand(swg_circuit_trip, 0, 0);
    tick();
    assert_int_equal(remove(database), 0);
    note();
    flush();
    assert_true(log_says("was moved or deleted; a new one is made"));
    flush();
    assert_answer(ROWS, "1");
    assert_answer("SELECT state FROM circuit_breaker_state WHERE circuit = 'dependency'", "OPEN");
    close_storage();
    open_storage();
    follow(); /* where it was in the ring is known to the new one, too */
    flush();
    assert_answer(ROWS, "1");
}

static void test_the_folder_is_deleted_and_comes_back(void **state) {
    char away[80];
    (void)state;
    make();
    open_storage();
    hand(swg_circuit_trip, 0, 0);
    tick();
    snprintf(away, sizeof(away), "%s.away", folder);
    assert_int_equal(rename(folder, away), 0);
    note();
    wait_for_log("No such file or directory");
    assert_int_equal(counts().audit_queued, 1);
    assert_int_equal(rename(away, folder), 0);
    flush();
    wait_for_log("can be written again");
    assert_answer(ROWS, "2");
}

static void test_damage_while_it_runs(void **state) {
    char aside[256];
    (void)state;
    make();
    open_storage();
    hand(swg_circuit_trip, 0, 0);
    tick();
    ask("PRAGMA wal_checkpoint(TRUNCATE)");
    write_rubbish(0, 512 * 8); /* the first pages */
    note();
    flush();
    assert_true(is_aside(aside));
    assert_true(log_says("is damaged; it was moved to"));
    assert_answer("PRAGMA integrity_check", "ok");
    assert_answer(ROWS, "1");
    assert_answer("SELECT state FROM circuit_breaker_state WHERE circuit = 'dependency'", "OPEN");
}

static void test_closing_does_not_wait_for_ever(void **state) {
    sqlite3 *other;
    (void)state;
    open_storage();
    assert_int_equal(sqlite3_open(database, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    note();
    storage->close_ns = MS(100);
    close_storage();
    assert_null(storage);
    sqlite3_close(other);
}

static void test_a_row_is_written_soon(void **state) {
    int64_t worst = 0, sum = 0;
    (void)state;
    make();
    open_storage();
    for (int i = 0; i < 50; i++) {
        int64_t from = swgi_clock_of(CLOCK_MONOTONIC);
        hand(swg_circuit_trip, 0, 0);
        follow();
        flush();
        int64_t took = swgi_clock_of(CLOCK_MONOTONIC) - from;
        sum += took;
        worst = took > worst ? took : worst;
    }
    print_message("from the act to the row on disk: %.1f ms on average, %.1f ms at worst\n",
                  (double)sum / 50e6, (double)worst / 1e6);
    assert_answer(ROWS, "50");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORED(test_no_folder),
        STORED(test_a_folder_that_is_a_file),
        STORED(test_a_folder_that_may_only_be_read),
        STORED(test_another_program_s_database),
        STORED(test_a_newer_schema),
        STORED(test_two_agents),
        STORED(test_its_permissions),
        STORED(test_an_empty_file_becomes_a_database),
        STORED(test_rubbish_is_moved_aside),
        STORED(test_somebody_else_s_file_is_left_alone),
        STORED(test_damage_found_by_reading),
        STORED(test_who_waits_for_a_row),
        STORED(test_locked_by_another_process),
        STORED(test_a_full_disk),
        STORED(test_a_kill_while_the_disk_is_full),
        STORED(test_the_ring_is_the_queue_when_all_else_is_full),
        STORED(test_the_file_is_deleted),
        STORED(test_the_folder_is_deleted_and_comes_back),
        STORED(test_damage_while_it_runs),
        STORED(test_closing_does_not_wait_for_ever),
        STORED(test_a_row_is_written_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
