/* What goes wrong with databases, by real means: garbage, damage, a full disk, no permission, files taken away, others at work. */
#include "outbox_fixture.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

static void write_at(const char *path, const char *text, size_t length, off_t at) {
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, text, length, at), length);
    close(fd);
}

static void garbage_is_no_database(void **state) {
    struct fixture *f = *state;
    char garbage[9000];

    memset(garbage, 'g', sizeof(garbage));
    write_at(f->path, garbage, sizeof(garbage), 0);
    assert_int_equal(open_outbox(f), -EBADMSG);
    assert_non_null(strstr(f->error.text, "no database"));
    assert_string_equal(f->error.key, f->path);
}

static void damage_is_told(void **state) {
    struct fixture *f = *state;
    char garbage[4096], key[16];
    struct stat status;
    int rc = 0;

    assert_int_equal(open_outbox(f), 0);
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof(key), "%d", i);
        assert_int_equal(put(f, key, "something to fill pages with, something to fill pages"), 0);
    }
    close_outbox(f);
    memset(garbage, 0xA5, sizeof(garbage));
    assert_int_equal(stat(f->path, &status), 0);
    for (off_t at = 4096; at < status.st_size; at += 4096)
        write_at(f->path, garbage, sizeof(garbage), at);
    rc = open_outbox(f);
    if (rc == 0)
        rc = put(f, "new", "x");
    assert_int_equal(rc, -EBADMSG);
    assert_non_null(strstr(f->error.text, "damaged"));
}

static void a_truncated_one_is_told(void **state) {
    struct fixture *f = *state;

    assert_int_equal(open_outbox(f), 0);
    assert_int_equal(put(f, "a", "1"), 0);
    close_outbox(f);
    assert_int_equal(truncate(f->path, 4096 + 100), 0);
    assert_int_equal(open_outbox(f), -EBADMSG);
}

/* A child's story: how it exits is how it went. It prints what it could not have. */
static int child(struct fixture *f, int (*story)(struct fixture *)) {
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(story(f));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define WANT(condition)                                                             \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            return 1;                                                               \
        }                                                                           \
    } while (0)

static int opens_without_permission(struct fixture *f) {
    if (geteuid() == 0)
        WANT(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    WANT(open_outbox(f) == -EACCES);
    WANT(strcmp(f->error.key, f->path) == 0);
    return 0;
}

static void without_permission_it_says_so(void **state) {
    struct fixture *f = *state;

    assert_int_equal(open_outbox(f), 0);
    close_outbox(f);
    assert_int_equal(chmod(f->folder, 0777), 0);
    assert_int_equal(chmod(f->path, 0400), 0);
    char lock[128];
    snprintf(lock, sizeof(lock), "%s-lock", f->path);
    assert_int_equal(chmod(lock, 0666), 0);
    assert_int_equal(child(f, opens_without_permission), 0);
}

/* ---- a disk that is full */

static int fill(struct fixture *f, int from, int *stored) {
    static char body[2000];
    char key[16];
    int rc = 0;

    memset(body, 'b', sizeof(body));
    for (*stored = 0; rc == 0 && *stored < 4000; *stored += rc == 0) {
        snprintf(key, sizeof(key), "%d", from + *stored);
        f->error = (struct swg_error)SWG_ERROR_INIT;
        rc = swg_outbox_put(f->outbox, key, body, sizeof(body), &f->error);
    }
    return rc;
}

/* Refused by the disk's name, nothing acknowledged is lost, and all goes on when there is room again. */
static int lives_through_a_full_disk(struct fixture *f, void (*make_room)(struct fixture *)) {
    struct swg_outbox_info info = SWG_OUTBOX_INFO_INIT;
    int stored = 0, more = 0;

    WANT(fill(f, 0, &stored) == -ENOSPC);
    WANT(strcmp(f->error.key, f->path) == 0);
    WANT(stored > 0);
    WANT(swg_outbox_status(f->outbox, &info) == 0 && info.pending == (uint64_t)stored);
    make_room(f);
    WANT(fill(f, stored, &more) == -ENOSPC && more > 0);
    WANT(swg_outbox_status(f->outbox, &info) == 0 && info.pending == (uint64_t)(stored + more));
    return 0;
}

static void raise_limit(struct fixture *f) {
    struct rlimit limit = { .rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY };

    (void)f;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static int fills_up_to_its_limit(struct fixture *f) {
    struct rlimit limit = { .rlim_cur = 1 << 18, .rlim_max = RLIM_INFINITY };

    signal(SIGXFSZ, SIG_IGN);
    WANT(open_outbox(f) == 0);
    WANT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    return lives_through_a_full_disk(f, raise_limit);
}

static void a_limit_of_file_size_is_a_full_disk(void **state) {
    assert_int_equal(child(*state, fills_up_to_its_limit), 0);
}

static void grow_disk(struct fixture *f) {
    mount(NULL, f->folder, NULL, MS_REMOUNT, "size=2m");
}

static int mount_small(struct fixture *f) {
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return 77;
    return mount("tmpfs", f->folder, "tmpfs", 0, "size=1m") == 0 ? 0 : 77;
}

static int fills_a_small_disk(struct fixture *f) {
    int rc = mount_small(f);

    if (rc != 0)
        return rc;
    WANT(open_outbox(f) == 0);
    return lives_through_a_full_disk(f, grow_disk);
}

static void skip_if_77(int status) {
    if (status == 77) {
        printf("no file system may be mounted here\n");
        skip();
    }
    assert_int_equal(status, 0);
}

static void a_full_disk_is_told(void **state) {
    skip_if_77(child(*state, fills_a_small_disk));
}

static int opens_on_a_read_only_disk(struct fixture *f) {
    int rc = mount_small(f);

    if (rc != 0)
        return rc;
    WANT(open_outbox(f) == 0);
    WANT(put(f, "a", "1") == 0);
    close_outbox(f);
    WANT(mount(NULL, f->folder, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0);
    WANT(open_outbox(f) == -EROFS);
    return 0;
}

static void a_read_only_disk_is_told(void **state) {
    skip_if_77(child(*state, opens_on_a_read_only_disk));
}

/* ---- files taken away, others at work */

static void a_file_that_was_taken_away_takes_nothing_in(void **state) {
    struct fixture *f = *state;
    char aside[128];

    assert_int_equal(open_outbox(f), 0);
    assert_int_equal(put(f, "a", "1"), 0);
    snprintf(aside, sizeof(aside), "%s/aside", f->folder);
    assert_int_equal(rename(f->path, aside), 0);
    assert_int_equal(put(f, "b", "2"), -ESTALE);
    assert_int_equal(run(f, 0), -ESTALE);
    assert_int_equal(rename(aside, f->path), 0);
    assert_int_equal(put(f, "b", "2"), 0);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "a=1#1 b=2#1 ");
}

static void without_the_file_for_locks_nobody_runs(void **state) {
    struct fixture *f = *state;
    char lock[128];

    assert_int_equal(open_outbox(f), 0);
    assert_int_equal(put(f, "a", "1"), 0);
    snprintf(lock, sizeof(lock), "%s-lock", f->path);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(run(f, 0), -ESTALE);
    assert_string_equal(f->error.key, lock);
    reopen(f);
    assert_int_equal(run(f, 0), SWG_GO);
}

static void waiting_for_others_is_bounded(void **state) {
    struct fixture *f = *state;
    sqlite3 *other;

    f->options.busy_max = 1000000;
    assert_int_equal(open_outbox(f), 0);
    assert_int_equal(put(f, "a", "1"), 0);
    assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(put(f, "b", "2"), -EAGAIN);
    assert_string_equal(f->error.key, f->path);
    assert_int_equal(run(f, 0), -EAGAIN);
    assert_string_equal(f->got, "");
    assert_int_equal(look(f).pending, 1);
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    assert_int_equal(put(f, "b", "2"), 0);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "a=1#1 b=2#1 ");
}

static sqlite3 *in_the_way;

static int somebody_begins(struct swg_outbox_item *item, void *arg) {
    assert_int_equal(sqlite3_exec(in_the_way, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return receive(item, arg);
}

/* Delivered, and could not be noted: told as a fault, and the next attempt says that it is the second. */
static void what_cannot_be_noted_is_delivered_again(void **state) {
    struct fixture *f = *state;

    f->options.busy_max = 1000000;
    assert_int_equal(open_outbox(f), 0);
    assert_int_equal(put(f, "a", "1"), 0);
    assert_int_equal(sqlite3_open(f->path, &in_the_way), SQLITE_OK);
    assert_int_equal(
        swg_outbox_run(f->outbox, f->circuit, somebody_begins, f, 0, &f->result, &f->error),
        -EAGAIN);
    assert_int_equal(f->result.outcome, SWG_SUCCESS);
    assert_int_equal(f->result.delivered, 0);
    sqlite3_close(in_the_way);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "a=1#2 ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BARE_STORY(garbage_is_no_database),
        BARE_STORY(damage_is_told),
        BARE_STORY(a_truncated_one_is_told),
        BARE_STORY(without_permission_it_says_so),
        BARE_STORY(a_limit_of_file_size_is_a_full_disk),
        BARE_STORY(a_full_disk_is_told),
        BARE_STORY(a_read_only_disk_is_told),
        BARE_STORY(a_file_that_was_taken_away_takes_nothing_in),
        BARE_STORY(without_the_file_for_locks_nobody_runs),
        BARE_STORY(waiting_for_others_is_bounded),
        BARE_STORY(what_cannot_be_noted_is_delivered_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
