/* A file brought to a panel: what circuits become, what they keep, and what a refused file leaves alone. */
#include "file_story.h"

#include <sys/stat.h>
#include <unistd.h>

#define MS(n) ((n)*INT64_C(1000000))
#define S(n)  ((n)*INT64_C(1000000000))

static struct swg_panel *panel;
static char directory[] = "/tmp/switchgear-apply-XXXXXX";
static char path[64];

static int open_panel(void **state) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;

    options.virtual_clock = 1;
    options.circuits_max = 16;
    options.columns_max = 2;
    options.slots_max = 4096;
    options.policies_max = 4;
    snprintf(path, sizeof(path), "%s/switchgear.yaml", directory);
    return begin_story(state) != 0 || swg_panel_open(&panel, &options, NULL) != 0 ? -1 : 0;
}

static int close_panel(void **state) {
    panel = swg_panel_unref(panel);
    unlink(path);
    return end_story(state);
}

#define APPLY(name) cmocka_unit_test_setup_teardown(name, open_panel, close_panel)

static void write_file(const char *text) {
    FILE *out = fopen(path, "we");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void load(const char *text) {
    struct swg_error error = SWG_ERROR_INIT;

    write_file(text);
    int rc = swg_panel_load(panel, path, &error);
    if (rc != 0)
        fail_msg("%d: %d:%d: %s: %s", rc, error.line, error.column, error.key, error.text);
}

static struct swg_error refused(const char *text, int rc) {
    struct swg_error error = SWG_ERROR_INIT;

    write_file(text);
    assert_int_equal(swg_panel_load(panel, path, &error), rc);
    assert_int_equal(error.code, rc);
    return error;
}

static struct swg_circuit *find(const char *name) {
    struct swg_circuit *circuit = NULL;

    if (swg_circuit_find(panel, name, &circuit) != 0)
        fail_msg("there is no %s", name);
    return circuit;
}

static struct swg_circuit *get(const char *name) {
    struct swg_circuit *circuit = NULL;
    struct swg_error error = SWG_ERROR_INIT;

    if (swg_circuit_get(panel, name, NULL, &circuit, &error) != 0)
        fail_msg("%s: %s", name, error.text);
    return circuit;
}

static int try_get(const char *name, struct swg_error *error) {
    struct swg_circuit *circuit = NULL;

    *error = (struct swg_error)SWG_ERROR_INIT;
    return swg_circuit_get(panel, name, NULL, &circuit, error);
}

static void assert_is(struct swg_circuit *circuit, const char *key, const char *value) {
    char text[640];

    assert_int_equal(swg_circuit_setting(circuit, key, text, sizeof(text)), 0);
    assert_string_equal(text, value);
}

static const char *origin(struct swg_circuit *circuit) {
    static struct swg_why why;

    why = (struct swg_why)SWG_WHY_INIT;
    assert_int_equal(swg_circuit_why(circuit, &why), 0);
    return why.origin;
}

static struct swg_status status(struct swg_circuit *circuit) {
    struct swg_status out = SWG_STATUS_INIT;

    assert_int_equal(swg_circuit_status(circuit, &out), 0);
    return out;
}

static void call(struct swg_circuit *circuit, int outcome) {
    struct swg_permit permit;

    assert_int_equal(swg_acquire_at(circuit, NULL, swg_panel_now(panel), &permit), SWG_GO);
    assert_int_equal(swg_record_at(&permit, outcome, NULL, swg_panel_now(panel), 0), 0);
}

static unsigned count_events(uint64_t *cursor, int kind) {
    struct swg_event event = SWG_EVENT_INIT;
    unsigned count = 0;

    while (swg_panel_next_event(panel, cursor, &event) == 1)
        count += event.kind == kind;
    return count;
}

/* ---- */

static void test_circuits_are_made(void **state) {
    char wanted[128];

    (void)state;
    load("circuits: { db: { preset: read }, api: { breaker: { open: { for: 7s } } } }\n");
    assert_is(find("db"), "breaker.trip.0.consecutive", "3");
    assert_is(find("api"), "breaker.open.for", "7s");
    snprintf(wanted, sizeof(wanted), "file %s, preset read", path);
    assert_string_equal(origin(find("db")), wanted);
    snprintf(wanted, sizeof(wanted), "file %s", path);
    assert_string_equal(origin(find("api")), wanted);
}

static void test_a_reload_keeps_state_and_windows(void **state) {
    (void)state;
    load("circuits: { db: { breaker: { trip: [ { failure_rate: { percent: 60, window: 30s, "
         "calls_min: 10 } } ], open: { for: 5s, jitter: 0 }, min_state_transition_interval: 0 } } "
         "}\n");
    struct swg_circuit *db = find("db");
    swg_panel_advance(panel, S(1));
    for (unsigned i = 0; i < 5; i++)
        call(db, SWG_FAILURE);
    assert_int_equal(status(db).window_calls, 5);
    /* Another threshold over the same window: the calls of before count on. */
    load("circuits: { db: { breaker: { trip: [ { failure_rate: { percent: 50, window: 30s, "
         "calls_min: 6 } } ], open: { for: 5s, jitter: 0 }, min_state_transition_interval: 0 } } "
         "}\n");
    assert_int_equal(status(db).window_calls, 5);
    call(db, SWG_FAILURE);
    assert_int_equal(status(db).state, SWG_STATE_OPEN);
    assert_int_equal(status(db).trips, 1);
    load("circuits: { db: { preset: read } }\n");
    assert_int_equal(status(db).state, SWG_STATE_OPEN);
    assert_int_equal(status(db).trips, 1);
    assert_is(db, "breaker.open.for", "3s");
    /* What is no longer in the file goes back to the default: the file is all there is to say. */
    load("circuits: { db: { breaker: { open: { cooldown: 1s } } } }\n");
    assert_is(db, "breaker.open.for", "30s");
    assert_is(db, "breaker.open.cooldown", "1s");
}

static void test_only_what_changed_is_touched(void **state) {
    uint64_t cursor = SWG_CURSOR_END;

    (void)state;
    load("circuits: { a: { retry: { attempts: 2 } }, b: { bulkhead: { max_concurrent: 3 } }, c: { "
         "preset: api } }\n");
    swg_panel_next_event(panel, &cursor, &(struct swg_event)SWG_EVENT_INIT);
    load("circuits: { a: { retry: { attempts: 2 } }, b: { bulkhead: { max_concurrent: 3 } }, c: { "
         "preset: api } }\n");
    assert_int_equal(count_events(&cursor, SWG_EVENT_CONFIG), 0);
    load("circuits: { a: { retry: { attempts: 2 } }, b: { bulkhead: { max_concurrent: 4 } }, c: { "
         "preset: api } }\n");
    assert_int_equal(count_events(&cursor, SWG_EVENT_CONFIG), 1);
}

static void test_a_refused_reload_changes_nothing(void **state) {
    (void)state;
    load("circuits: { a: { breaker: { open: { for: 7s } } }, 'p-*': {} }\n");
    struct swg_error error = refused("circuits:\n  a: { breaker: { open: { for: 8s } } }\n  b: { "
                                     "retry: { attempts: 0 }, zzz: 1 }\n",
                                     -EINVAL);
    assert_int_equal(error.line, 3);
    assert_int_equal(error.column, 27);
    assert_string_equal(error.key, "circuits.b.retry.attempts");
    assert_string_equal(
        error.text, "0 is out of range; allowed: 1..63 (and 1 more; see switchgear check-config)");
    assert_is(find("a"), "breaker.open.for", "7s");
    get("p-1"); /* the former file's patterns hold */
    unlink(path);
    assert_int_equal(swg_panel_load(panel, path, &error), -ENOENT);
    assert_is(find("a"), "breaker.open.for", "7s");
}

/* There are extents for four circuits' policies; the fifth finds none. */
static void test_no_room_for_all_undoes_all(void **state) {
    struct swg_circuit *unwanted;
    struct swg_panel_info before = SWG_PANEL_INFO_INIT, after = SWG_PANEL_INFO_INIT;

    (void)state;
    load("circuits: { a: { bulkhead: { max_concurrent: 3 } }, b: {} }\n");
    assert_int_equal(swg_panel_status(panel, &before), 0);
    struct swg_error error = refused("circuits:\n"
                                     "  a: { bulkhead: { max_concurrent: 9 } }\n"
                                     "  b: { bulkhead: { max_concurrent: 9 } }\n"
                                     "  c: { bulkhead: { max_concurrent: 9 } }\n"
                                     "  d: { bulkhead: { max_concurrent: 9 } }\n"
                                     "  e: { bulkhead: { max_concurrent: 9 } }\n",
                                     -ENOSPC);
    assert_int_equal(error.line, 6);
    assert_string_equal(error.key, "e");
    assert_non_null(strstr(error.text, "policies_max"));
    assert_is(find("a"), "bulkhead.max_concurrent", "3");
    assert_is(find("b"), "bulkhead.max_concurrent", "off");
    assert_int_equal(swg_circuit_find(panel, "c", &unwanted), -ENOENT);
    assert_int_equal(swg_panel_status(panel, &after), 0);
    assert_int_equal(after.circuits, before.circuits);
}

static void test_more_circuits_than_the_panel_has(void **state) {
    char text[1024] = "circuits:\n";

    (void)state;
    for (unsigned i = 0; i < 17; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "  c%u: {}\n", i);
    struct swg_error error = refused(text, -ENOSPC);
    assert_non_null(
        strstr(error.text, "17 circuits are to be made, and the panel has room for 16"));
    struct swg_circuit *unwanted;
    assert_int_equal(swg_circuit_find(panel, "c0", &unwanted), -ENOENT);
}

static void test_patterns_make_circuits_by_use(void **state) {
    struct swg_error error;

    (void)state;
    load("circuits: { 'b-*': { max: 2, breaker: { open: { for: 9s } } }, db: {} }\nlimits: { "
         "beyond: error }\n");
    assert_is(get("b-1"), "breaker.open.for", "9s");
    assert_non_null(strstr(origin(get("b-1")), "file /tmp/"));
    get("b-2");
    get("b-1");
    assert_int_equal(try_get("b-3", &error), -ENOSPC);
    assert_non_null(strstr(error.text, "there are 2 circuits under b-*"));
    assert_int_equal(try_get("other", &error), -ENOENT);
    assert_non_null(strstr(error.text, path));
    get("db");
}

static void test_beyond_as_the_file_says(void **state) {
    struct swg_circuit *one, *other;

    (void)state;
    load("circuits: { 'b-*': { max: 1 } }\nlimits: { beyond: shared }\n");
    get("b-1");
    one = get("b-2");
    other = get("b-3");
    assert_ptr_equal(one, other);
    assert_string_equal(swg_circuit_name(one), "_beyond");
    load("circuits: { 'b-*': { max: 1 } }\nlimits: { beyond: unprotected }\n");
    assert_string_equal(swg_circuit_name(get("b-4")), "(unprotected)");
}

static void test_circuits_max_of_all_patterns(void **state) {
    struct swg_error error;

    (void)state;
    load("circuits: { '*': {}, db: {} }\nlimits: { beyond: error, circuits_max: 3 }\n");
    get("x");
    get("y");
    assert_int_equal(try_get("z", &error), -ENOSPC);
    assert_non_null(strstr(error.text, "limits.circuits_max"));
}

static void test_no_auto_create(void **state) {
    struct swg_error error;

    (void)state;
    load("circuits: { '*': {}, db: {} }\nlimits: { auto_create: no }\n");
    get("db");
    assert_int_equal(try_get("z", &error), -ENOENT);
    assert_non_null(strstr(error.text, "limits.auto_create is no"));
}

/* Idle ones make room, as they do in a full panel. */
static void test_a_full_pattern_gives_up_idle_circuits(void **state) {
    struct swg_error error;

    (void)state;
    load("circuits: { 'b-*': { max: 1 }, db: {} }\nlimits: { beyond: error }\n");
    get("b-1");
    assert_int_equal(try_get("b-2", &error), -ENOSPC);
    swg_panel_advance(panel, S(11));
    get("b-2");
    struct swg_circuit *gone;
    assert_int_equal(swg_circuit_find(panel, "b-1", &gone), -ENOENT);
    find("db");
}

static void test_the_file_goes_before_the_program(void **state) {
    struct swg_config *config = NULL;
    struct swg_circuit *circuit = NULL;

    (void)state;
    assert_int_equal(swg_config_new(&config), 0);
    assert_int_equal(swg_config_set(config, "breaker.open.for", "1s", NULL), 0);
    assert_int_equal(swg_circuit_get(panel, "p-1", config, &circuit, NULL), 0);
    assert_int_equal(swg_circuit_get(panel, "db", config, &circuit, NULL), 0);
    assert_string_equal(origin(circuit), "code");
    /* What was there is configured, by its name or by its pattern. */
    load("circuits: { db: { breaker: { open: { for: 7s } } }, 'p-*': { breaker: { open: { for: 8s "
         "} } } }\n");
    assert_is(find("db"), "breaker.open.for", "7s");
    assert_is(find("p-1"), "breaker.open.for", "8s");
    assert_int_equal(swg_circuit_get(panel, "p-2", config, &circuit, NULL), 0);
    assert_is(circuit, "breaker.open.for", "8s");
    /* A hand may change one; the next get, or reload, has the file's word again. */
    assert_int_equal(swg_circuit_configure(find("db"), config, NULL), 0);
    assert_is(find("db"), "breaker.open.for", "1s");
    assert_string_equal(origin(find("db")), "code");
    assert_is(get("db"), "breaker.open.for", "7s");
    assert_non_null(strstr(origin(find("db")), "file /tmp/"));
    swg_config_unref(config);
}

/* What it is configured to stays, but not by that file's word. */
static void test_what_the_file_drops_is_no_more_the_file_s(void **state) {
    char wanted[128];

    (void)state;
    load("circuits: { db: { preset: read }, api: { preset: write }, 'p-*': { max: 2 } }\n");
    assert_non_null(strstr(origin(get("p-1")), path));
    load("circuits: { api: { preset: write } }\n");
    assert_string_equal(origin(find("db")), "no file any more, preset read");
    assert_null(strstr(origin(find("p-1")), path));
    snprintf(wanted, sizeof(wanted), "file %s, preset write", path);
    assert_string_equal(origin(find("api")), wanted);
    assert_is(find("db"), "preset", "read");
    load("circuits: { db: { preset: queue } }\n");
    snprintf(wanted, sizeof(wanted), "file %s, preset queue", path);
    assert_string_equal(origin(find("db")), wanted);
    assert_string_equal(origin(find("api")), "no file any more, preset write");
}

/* What another file declares is that file's, still. */
static void test_another_file_keeps_its_own(void **state) {
    char own[sizeof(path)], wanted[128];

    (void)state;
    load("circuits: { db: { preset: read } }\n");
    snprintf(wanted, sizeof(wanted), "file %s, preset read", path);
    memcpy(own, path, sizeof(path));
    strcat(path, "2");
    load("circuits: { api: { preset: write } }\n");
    unlink(path);
    memcpy(path, own, sizeof(path));
    assert_string_equal(origin(find("db")), wanted);
}

static void test_without_a_file_all_is_as_it_was(void **state) {
    (void)state;
    assert_is(get("anything"), "preset", "default");
    assert_string_equal(origin(get("anything")), "code, preset default");
}

static void test_bad_arguments(void **state) {
    struct swg_error error = SWG_ERROR_INIT;

    (void)state;
    assert_int_equal(swg_panel_load(NULL, "x", &error), -EINVAL);
    assert_int_equal(swg_panel_load(panel, NULL, NULL), -EINVAL);
    assert_int_equal(swgi_file_apply(NULL, panel, &error), -EINVAL);
}

static void test_one_load_at_a_time(void **state) {
    (void)state;
    assert_true(swgi_declared_begin(panel));
    refused("circuits: { a: {} }\n", -EAGAIN);
    swgi_declared_end(panel);
    load("circuits: { a: {} }\n");
}

/* ---- a panel that is a file, and two who have it open */

static struct swg_panel *open_shared(int access) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_panel *shared = NULL;
    char place[64];

    snprintf(place, sizeof(place), "%s/main", directory);
    options.path = place;
    options.access = access;
    options.circuits_max = 8;
    if (swg_panel_open(&shared, &options, &error) != 0)
        fail_msg("%s", error.text);
    return shared;
}

static void test_a_shared_panel(void **state) {
    struct swg_panel *mine = open_shared(SWG_PANEL_CREATE), *looking;
    struct swg_circuit *circuit = NULL;
    struct swg_error error = SWG_ERROR_INIT;

    (void)state;
    write_file("circuits: { db: { preset: read } }\n");
    assert_int_equal(swg_panel_load(mine, path, &error), 0);
    looking = open_shared(SWG_PANEL_INSPECT);
    assert_int_equal(swg_circuit_find(looking, "db", &circuit), 0);
    assert_non_null(strstr(origin(circuit), "preset read"));
    assert_int_equal(swg_panel_load(looking, path, &error), -EROFS);
    assert_int_equal(swg_circuit_find(mine, "db", &circuit), 0);
    struct swg_act act = SWG_ACT_INIT;
    act.user = "ann";
    act.reason = "a story";
    assert_int_equal(swg_circuit_trip(circuit, &act, NULL), 0);
    write_file("circuits: { db: { preset: write } }\n");
    assert_int_equal(swg_panel_load(mine, path, &error), 0);
    assert_int_equal(status(circuit).state, SWG_STATE_OPEN);
    assert_is(circuit, "breaker.open.for", "10s");
    swg_panel_unref(looking);
    swg_panel_unref(mine);
    char name[80];
    snprintf(name, sizeof(name), "%s/main.v1.panel", directory);
    unlink(name);
    snprintf(name, sizeof(name), "%s/main.v1.lock", directory);
    unlink(name);
}

/* A path longer than there is room for is told by its end. */
static void test_a_long_path(void **state) {
    char folder[200], name[240];

    (void)state;
    snprintf(folder, sizeof(folder), "%s/%0120d", directory, 7);
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(name, sizeof(name), "%s/s.yaml", folder);
    write_file("circuits: { db: { preset: read } }\n");
    assert_int_equal(rename(path, name), 0);
    assert_int_equal(swg_panel_load(panel, name, NULL), 0);
    assert_int_equal(strlen(origin(find("db"))), 63);
    assert_non_null(strstr(origin(find("db")), "7/s.yaml, preset read"));
    unlink(name);
    rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        APPLY(test_circuits_are_made),
        APPLY(test_a_reload_keeps_state_and_windows),
        APPLY(test_only_what_changed_is_touched),
        APPLY(test_a_refused_reload_changes_nothing),
        APPLY(test_no_room_for_all_undoes_all),
        APPLY(test_more_circuits_than_the_panel_has),
        APPLY(test_patterns_make_circuits_by_use),
        APPLY(test_beyond_as_the_file_says),
        APPLY(test_circuits_max_of_all_patterns),
        APPLY(test_no_auto_create),
        APPLY(test_a_full_pattern_gives_up_idle_circuits),
        APPLY(test_the_file_goes_before_the_program),
        APPLY(test_what_the_file_drops_is_no_more_the_file_s),
        APPLY(test_another_file_keeps_its_own),
        APPLY(test_without_a_file_all_is_as_it_was),
        APPLY(test_bad_arguments),
        APPLY(test_one_load_at_a_time),
        APPLY(test_a_shared_panel),
        APPLY(test_a_long_path),
    };

    if (mkdtemp(directory) == NULL)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(directory);
    return failed;
}
