/* Pages of the audit: who may ask for what, and what comes first. */
#include "storage_story.h"

#include "base/error.h"

struct page {
    unsigned count;
    int64_t ids[1000];
    char circuits[1000][32];
    int64_t wall_ms;
    char evidence[128];
};
static struct page page;
static struct swg_error fault;

static void take(void *arg, const struct swgi_audit_row *row) {
    struct page *into = arg;
    snprintf(into->circuits[into->count], 32, "%s", row->circuit);
    snprintf(into->evidence, sizeof(into->evidence), "%s", row->evidence);
    into->wall_ms = row->wall_ms;
    into->ids[into->count++] = row->id;
}

static int ask_for(struct swgi_audit_query query) {
    memset(&page, 0, sizeof(page));
    fault = (struct swg_error)SWG_ERROR_INIT;
    if (query.limit == 0)
        query.limit = 1000;
    return swgi_audit_read(database, &query, take, &page, &fault);
}

static void note(const char *circuit_name, enum swgi_audit_action action) {
    swgi_storage_note(storage, action, circuit_name, "why", "ann", "admin", "{\"n\":1}");
    wall += 1000;
}

static void fill(void) {
    open_storage();
    note("db-1", SWGI_ACTION_TRIP);
    note("db-2", SWGI_ACTION_TRIP);
    note("db-1", SWGI_ACTION_RESET);
    note("a[bc]d", SWGI_ACTION_TRIP);
    note("abd", SWGI_ACTION_MODE);
    flush();
}

static void test_newest_first(void **state) {
    (void)state;
    fill();
    assert_int_equal(ask_for((struct swgi_audit_query){ 0 }), 0);
    assert_int_equal(page.count, 5);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(page.ids[i], 5 - i);
    assert_int_equal(page.wall_ms, MONDAY);
    assert_string_equal(page.evidence, "{\"n\":1}");
}

static void test_names_and_globs(void **state) {
    static const struct {
        const char *circuit;
        unsigned count;
    } asked[] = { { "db-1", 2 }, { "db-*", 3 },   { "db-?", 3 },      { "*", 5 },
                  { "db", 0 },   { "a[bc]d", 1 }, { "a[bc]*", 1 },    { "?*[*", 1 },
                  { "", 0 },     { "%", 0 },      { "*' OR 1 --", 0 } };
    (void)state;
    fill();
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        assert_int_equal(ask_for((struct swgi_audit_query){ .circuit = asked[i].circuit }), 0);
        if (page.count != asked[i].count)
            fail_msg("%s: %u rows", asked[i].circuit, page.count);
    }
}

static void test_actions_and_times(void **state) {
    (void)state;
    fill();
    assert_int_equal(ask_for((struct swgi_audit_query){ .action = "TRIP" }), 0);
    assert_int_equal(page.count, 3);
    assert_int_equal(ask_for((struct swgi_audit_query){ .since_ms = MONDAY + 3000 }), 0);
    assert_int_equal(page.count, 2);
    assert_int_equal(
        ask_for((struct swgi_audit_query){ .circuit = "db-*", .since_ms = MONDAY + 1000 }), 0);
    assert_int_equal(page.count, 2);
}

static void test_page_after_page(void **state) {
    (void)state;
    fill();
    assert_int_equal(ask_for((struct swgi_audit_query){ .limit = 2 }), 0);
    assert_int_equal(page.ids[1], 4);
    assert_int_equal(ask_for((struct swgi_audit_query){ .limit = 2, .before_id = 4 }), 0);
    assert_int_equal(page.ids[0], 3);
    assert_int_equal(page.ids[1], 2);
    assert_int_equal(ask_for((struct swgi_audit_query){ .limit = 2, .before_id = 2 }), 0);
    assert_int_equal(page.count, 1);
}

static void test_a_page_has_a_thousand_rows_at_most(void **state) {
    (void)state;
    open_storage();
    for (int i = 0; i < 1200; i++)
        note("a", SWGI_ACTION_TRIP);
    flush();
    assert_int_equal(ask_for((struct swgi_audit_query){ .limit = 4000000 }), 0);
    assert_int_equal(page.count, 1000);
}

static void test_without_an_agent_and_beside_a_writer(void **state) {
    (void)state;
    fill();
    close_storage();
    assert_int_equal(ask_for((struct swgi_audit_query){ 0 }), 0);
    assert_int_equal(page.count, 5);
    ask("BEGIN IMMEDIATE");
    assert_int_equal(ask_for((struct swgi_audit_query){ 0 }), 0);
}

static void test_no_database(void **state) {
    (void)state;
    assert_int_equal(ask_for((struct swgi_audit_query){ 0 }), -ENOENT);
    assert_non_null(strstr(fault.text, "there is no database"));
    assert_non_null(strstr(fault.text, database));
}

static void test_no_database_of_ours(void **state) {
    FILE *out = fopen(database, "w");
    (void)state;
    assert_non_null(out);
    fputs("this is a text that is longer than the header of a database, and none of it is one",
          out);
    for (int i = 0; i < 1000; i++)
        fputs("0123456789", out);
    fclose(out);
    assert_int_equal(ask_for((struct swgi_audit_query){ 0 }), -EBADMSG);
    remove(database);
    sqlite3 *sqlite;
    assert_int_equal(sqlite3_open(database, &sqlite), SQLITE_OK);
    sqlite3_exec(sqlite, "CREATE TABLE t(x)", NULL, NULL, NULL);
    sqlite3_close(sqlite);
    assert_int_equal(ask_for((struct swgi_audit_query){ 0 }), -EPROTO);
    assert_non_null(strstr(fault.text, "no database of an agent"));
}

static void test_a_newer_schema(void **state) {
    (void)state;
    fill();
    close_storage();
    ask("PRAGMA user_version=7");
    assert_int_equal(ask_for((struct swgi_audit_query){ 0 }), -EPROTO);
    assert_non_null(strstr(fault.text, "schema 7"));
}

static void test_reading_changes_nothing(void **state) {
    struct swgi_audit_query query = { .circuit = "'; DELETE FROM circuit_breaker_audit; --",
                                      .action = "'; DROP TABLE circuit_breaker_audit; --" };
    (void)state;
    fill();
    assert_int_equal(ask_for(query), 0);
    assert_int_equal(page.count, 0);
    assert_answer("SELECT count(*) FROM circuit_breaker_audit", "5");
}

static void *read_often(void *arg) {
    struct page *own = arg;
    struct swgi_audit_query query = { .limit = 1000 };
    for (int i = 0; i < 30; i++) {
        own->count = 0;
        if (swgi_audit_read(database, &query, take, own, NULL) != 0)
            return (void *)1;
    }
    return NULL;
}

static void test_from_many_threads_while_rows_are_written(void **state) {
    static struct page pages[3];
    pthread_t threads[3];
    void *failed;
    (void)state;
    fill();
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_often, &pages[i]), 0);
    for (int i = 0; i < 500; i++)
        note("db-1", SWGI_ACTION_TRIP);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    flush();
    assert_answer("SELECT count(*) FROM circuit_breaker_audit", "505");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORED(test_newest_first),
        STORED(test_names_and_globs),
        STORED(test_actions_and_times),
        STORED(test_page_after_page),
        STORED(test_a_page_has_a_thousand_rows_at_most),
        STORED(test_without_an_agent_and_beside_a_writer),
        STORED(test_no_database),
        STORED(test_no_database_of_ours),
        STORED(test_a_newer_schema),
        STORED(test_reading_changes_nothing),
        STORED(test_from_many_threads_while_rows_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
