/* Opening: options refused by name, files that are nobody else's, and databases that are not ours left alone. */
#include "outbox_fixture.h"

#define REFUSED(member, value, name)                    \
    do {                                                \
        struct swg_outbox_options before = f->options;  \
                                                        \
        f->options.member = value;                      \
        assert_int_equal(open_outbox(f), -EINVAL);      \
        assert_string_equal(f->error.key, name);        \
        assert_int_equal(f->error.code, -EINVAL);       \
        assert_true(strlen(f->error.text) > 10);        \
        assert_null(f->outbox);                         \
        assert_int_not_equal(access(f->path, F_OK), 0); \
        f->options = before;                            \
    } while (0)

static void bad_options_are_refused_by_name(void **state) {
    struct fixture *f = *state;
    char name[130];

    memset(name, 'q', sizeof(name));
    name[128] = '\0';
    REFUSED(path, NULL, "path");
    REFUSED(path, "", "path");
    REFUSED(queue, "", "queue");
    REFUSED(queue, "two words", "queue");
    REFUSED(queue, name, "queue");
    REFUSED(rows_max, 1000000001, "rows_max");
    REFUSED(bytes_max, (UINT64_C(1) << 40) + 1, "bytes_max");
    REFUSED(attempts_max, 1000001, "attempts_max");
    REFUSED(priority, -33, "priority");
    REFUSED(priority, 32, "priority");
    REFUSED(age_max, -1, "age_max");
    REFUSED(age_max, 999999, "age_max");
    REFUSED(remember_max, 1000000001, "remember_max");
    REFUSED(remember, SECOND - 1, "remember");
    REFUSED(remember, -SECOND, "remember");
    REFUSED(busy_max, 999999, "busy_max");
    REFUSED(busy_max, 60 * SECOND + 1, "busy_max");
    REFUSED(size, 3, "size");
    assert_int_equal(swg_outbox_open(&f->outbox, NULL, &f->error), -EINVAL);
    assert_string_equal(f->error.key, "path");
}

static void the_edges_are_allowed(void **state) {
    struct fixture *f = *state;

    f->options.rows_max = 1000000000;
    f->options.bytes_max = UINT64_C(1) << 40;
    f->options.attempts_max = 1000000;
    f->options.priority = -32;
    f->options.age_max = 1000000;
    f->options.remember_max = 1000000000;
    f->options.remember = SWG_NS_MAX;
    f->options.busy_max = 60 * SECOND;
    reopen(f);
    f->options.age_max = SWG_NS_MAX;
    f->options.priority = 31;
    f->options.busy_max = 1000000;
    reopen(f);
    assert_int_equal(put(f, "a", "1"), 0);
    assert_int_equal(run(f, 0), SWG_GO);
}

struct newer {
    struct swg_outbox_options options;
    uint64_t more;
};

static void structs_of_other_versions(void **state) {
    struct fixture *f = *state;
    struct newer newer = { .options = f->options };

    newer.options.size = sizeof(newer);
    assert_int_equal(swg_outbox_open(&f->outbox, &newer.options, NULL), 0);
    close_outbox(f);
    newer.more = 1;
    assert_int_equal(swg_outbox_open(&f->outbox, &newer.options, &f->error), -E2BIG);
    assert_string_equal(f->error.key, "size");
    f->options.size = offsetof(struct swg_outbox_options, priority);
    f->options.priority = 1000; /* not there, for such a caller */
    assert_int_equal(open_outbox(f), 0);
}

static mode_t mode_of(struct fixture *f, const char *suffix) {
    char name[128];
    struct stat status;

    snprintf(name, sizeof(name), "%s%s", f->path, suffix);
    assert_int_equal(stat(name, &status), 0);
    return status.st_mode & 0777;
}

static void its_files_are_its_owners(void **state) {
    struct fixture *f = *state;
    mode_t before = umask(0);

    assert_int_equal(open_outbox(f), 0);
    assert_int_equal(put(f, "a", "1"), 0);
    umask(before);
    assert_int_equal(mode_of(f, ""), 0600);
    assert_int_equal(mode_of(f, "-wal"), 0600);
    assert_int_equal(mode_of(f, "-shm"), 0600);
    assert_int_equal(mode_of(f, "-lock"), 0600);
}

static void opens_as(struct fixture *f, const char *path, int rc) {
    f->options.path = path;
    assert_int_equal(open_outbox(f), rc);
    assert_int_equal(f->error.code, rc);
    assert_true(strlen(f->error.text) > 10);
}

static void odd_places_are_refused(void **state) {
    struct fixture *f = *state;
    char name[128], longest[600];

    snprintf(name, sizeof(name), "%s/link", f->folder);
    assert_int_equal(symlink(f->path, name), 0);
    opens_as(f, name, -ELOOP);
    assert_int_not_equal(access(f->path, F_OK), 0);
    snprintf(name, sizeof(name), "%s/none/box.db", f->folder);
    opens_as(f, name, -ENOENT);
    opens_as(f, f->folder, -EISDIR);
    snprintf(name, sizeof(name), "%s-lock", f->folder);
    unlink(name);
    snprintf(name, sizeof(name), "%s/pipe", f->folder);
    assert_int_equal(mkfifo(name, 0600), 0);
    opens_as(f, name, -EINVAL);
    memset(longest, 'l', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    opens_as(f, longest, -ENAMETOOLONG);
}

/* SQLite would take both for something else. */
static void a_name_is_a_name(void **state) {
    struct fixture *f = *state;
    int here = open(".", O_RDONLY | O_DIRECTORY);

    assert_int_equal(chdir(f->folder), 0);
    f->options.path = ":memory:";
    assert_int_equal(open_outbox(f), 0);
    assert_int_equal(access(":memory:", F_OK), 0);
    close_outbox(f);
    f->options.path = "file:x?mode=memory";
    assert_int_equal(open_outbox(f), 0);
    assert_int_equal(access("file:x?mode=memory", F_OK), 0);
    assert_int_equal(fchdir(here), 0);
    close(here);
}

/* ---- whose database it is */

static void another_programs_database_is_left_alone(void **state) {
    struct fixture *f = *state;

    sql(f, "CREATE TABLE theirs(x)");
    assert_int_equal(open_outbox(f), -EPROTO);
    assert_non_null(strstr(f->error.text, "another program's"));
    assert_string_equal(f->error.key, f->path);
    assert_int_equal(sql(f, "SELECT count(*) FROM sqlite_schema"), 1);
    assert_int_equal(sql(f, "SELECT count(*) FROM pragma_journal_mode"
                            " WHERE journal_mode = 'delete'"),
                     1);
}

static void an_empty_database_with_a_name_is_not_ours_either(void **state) {
    struct fixture *f = *state;

    sql(f, "PRAGMA application_id=77");
    assert_int_equal(open_outbox(f), -EPROTO);
}

static void another_versions_is_refused(void **state) {
    struct fixture *f = *state;

    assert_int_equal(open_outbox(f), 0);
    close_outbox(f);
    sql(f, "PRAGMA user_version=2");
    assert_int_equal(open_outbox(f), -EPROTO);
    assert_non_null(strstr(f->error.text, "schema 2"));
    sql(f, "PRAGMA user_version=1");
    assert_int_equal(open_outbox(f), 0);
}

static void one_without_its_tables_is_damaged(void **state) {
    struct fixture *f = *state;

    assert_int_equal(open_outbox(f), 0);
    close_outbox(f);
    sql(f, "DROP INDEX outbox_key");
    sql(f, "ALTER TABLE outbox DROP COLUMN kind");
    assert_int_equal(open_outbox(f), -EBADMSG);
}

static void entries_are_on_the_disk_before_they_are_acknowledged(void **state) {
    struct fixture *f = *state;

    assert_int_equal(open_outbox(f), 0);
    assert_int_equal(put(f, "a", "1"), 0);
    assert_int_equal(sql(f, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"),
                     1);
    assert_int_equal(sql(f, "SELECT count(*) FROM pragma_table_list WHERE name IN"
                            " ('outbox', 'outbox_queue') AND strict = 1"),
                     2);
}

static void closing_nothing_is_fine(void **state) {
    (void)state;
    assert_null(swg_outbox_close(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BARE_STORY(bad_options_are_refused_by_name),
        BARE_STORY(the_edges_are_allowed),
        BARE_STORY(structs_of_other_versions),
        BARE_STORY(its_files_are_its_owners),
        BARE_STORY(odd_places_are_refused),
        BARE_STORY(a_name_is_a_name),
        BARE_STORY(another_programs_database_is_left_alone),
        BARE_STORY(an_empty_database_with_a_name_is_not_ours_either),
        BARE_STORY(another_versions_is_refused),
        BARE_STORY(one_without_its_tables_is_damaged),
        BARE_STORY(entries_are_on_the_disk_before_they_are_acknowledged),
        BARE_STORY(closing_nothing_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
