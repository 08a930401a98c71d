/* Looking without taking part, and going after a file that was replaced. */
#include "inside.h"

static void become_open(struct swg_panel *panel, const char *name) {
    struct swg_circuit *circuit = NULL;
    assert_int_equal(swg_circuit_get(panel, name, NULL, &circuit, NULL), 0);
    assert_int_equal(swg_circuit_trip(circuit, NULL, NULL), 0);
}

static int state_of(struct swg_panel *panel, const char *name) {
    struct swg_circuit *circuit = NULL;
    struct swg_status status = SWG_STATUS_INIT;
    int rc = swg_circuit_find(panel, name, &circuit);
    if (rc == 0)
        rc = swg_circuit_status(circuit, &status);
    return rc < 0 ? rc : status.state;
}

static struct swg_panel *inspect(void) {
    struct swg_panel_options options = small_options();
    options.access = SWG_PANEL_INSPECT;
    return open_with(&options);
}

/* ---- inspectors */

static void test_an_inspector_sees_what_is_there(void **state) {
    struct swg_panel *panel = open_small();
    struct swg_event event = SWG_EVENT_INIT;
    uint64_t cursor = 0;
    unsigned trips = 0;
    (void)state;
    become_open(panel, "payments");
    struct swg_panel *inspector = inspect();
    assert_int_equal(state_of(inspector, "payments"), SWG_STATE_OPEN);
    assert_int_equal(state_of(inspector, "other"), -ENOENT);
    while (swg_panel_next_event(inspector, &cursor, &event) == 1)
        trips += event.kind == SWG_EVENT_TRIP && strcmp(event.circuit, "payments") == 0;
    assert_int_equal(trips, 1);
    swg_panel_unref(inspector);
    swg_panel_unref(panel);
}

static void test_an_inspector_looks_again(void **state) {
    struct swg_panel *panel = open_small(), *inspector = inspect();
    struct swg_panel_info status = SWG_PANEL_INFO_INIT;
    (void)state;
    become_open(panel, "payments");
    assert_int_equal(state_of(inspector, "payments"), -ENOENT);
    assert_int_equal(swg_panel_poll(inspector), 0);
    assert_int_equal(state_of(inspector, "payments"), SWG_STATE_OPEN);
    assert_int_equal(swg_panel_status(inspector, &status), 0);
    assert_int_equal(status.processes, 1);
    assert_int_equal(status.circuits, 1);
    swg_panel_unref(panel);
    assert_int_equal(swg_panel_poll(inspector), 0);
    assert_int_equal(swg_panel_status(inspector, &status), 0);
    assert_int_equal(status.processes, 0);
    swg_panel_unref(inspector);
}

static void test_an_inspector_takes_no_part(void **state) {
    struct swg_panel *panel = open_small();
    struct swg_circuit *circuit = NULL;
    struct swg_permit permit;
    (void)state;
    become_open(panel, "payments");
    struct swg_panel *inspector = inspect();
    assert_int_equal(swg_circuit_find(inspector, "payments", &circuit), 0);
    assert_int_equal(swg_acquire(circuit, NULL, &permit), -EROFS);
    assert_int_equal(swg_circuit_reset(circuit, NULL, NULL), -EROFS);
    assert_int_equal(swg_circuit_get(inspector, "new", NULL, &circuit, NULL), -EROFS);
    assert_int_equal(swgi_thread_enter(map_of(inspector)), -EROFS);
    assert_int_equal(swgi_registry_lock(map_of(inspector)), -EROFS);
    assert_int_equal(swg_panel_advance(inspector, 1), -EPERM);
    assert_int_equal(swgi_panel_reap(inspector), 0);
    assert_int_equal(swgi_map_identity(map_of(inspector)).owner, 0);
    swg_panel_unref(inspector);
    assert_int_equal(state_of(panel, "payments"), SWG_STATE_OPEN);
    swg_panel_unref(panel);
}

static void test_an_inspector_makes_no_files(void **state) {
    (void)state;
    swg_panel_unref(open_small());
    assert_int_equal(unlink(lock_file()), 0);
    struct swg_panel *inspector = inspect();
    assert_int_not_equal(access(lock_file(), F_OK), 0);
    swg_panel_unref(inspector);
}

static void test_columns_and_histograms_are_copied(void **state) {
    struct swg_panel *panel = open_small();
    struct swgi_map *map = map_of(panel);
    uint32_t extent, first;
    (void)state;
    assert_int_equal(swgi_thread_enter(map), 0);
    assert_int_equal(swgi_registry_lock(map), 0);
    assert_int_equal(swgi_pool_histogram(map, 0, &extent), 0);
    assert_int_equal(swgi_pool_slots(map, 0, 32, &first), 0);
    swgi_store(&map->cells[0].histogram, extent);
    swgi_store(&map->cells[0].ring, first);
    swgi_registry_unlock(map);
    swgi_column_add(&swgi_column(0)->calls, 11);
    swgi_store(&swgi_histogram_bins(map, extent, swgi_thread.column)[5], 12);
    swgi_store(&map->slots[first - 1 + 31], 13);
    struct swg_panel *inspector = inspect();
    const struct swgi_map *copy = map_of(inspector);
    assert_int_equal(swgi_column_sum(copy, 0, SWGI_COUNTER(calls)), 11);
    assert_int_equal(swgi_load(&swgi_histogram_bins(copy, extent, swgi_thread.column)[5]), 12);
    assert_int_equal(swgi_load(&copy->slots[first - 1 + 31]), 13);
    swg_panel_unref(inspector);
    swg_panel_unref(panel);
}

/* A file cut short under an inspector is an error, not a signal. */
static void test_a_file_cut_short(void **state) {
    struct swg_panel *inspector;
    (void)state;
    swg_panel_unref(open_small());
    inspector = inspect();
    assert_int_equal(truncate(panel_file(), 5000), 0);
    assert_int_equal(swg_panel_poll(inspector), -EBADMSG);
    assert_int_equal(state_of(inspector, "_beyond"), SWG_STATE_CLOSED); /* the last look stays */
    swg_panel_unref(inspector);
}

/* ---- replaced files */

static void test_a_removed_file_is_made_anew(void **state) {
    struct swg_panel *panel = open_small();
    (void)state;
    become_open(panel, "payments");
    uint64_t before = map_of(panel)->inode;
    assert_int_equal(unlink(panel_file()), 0);
    assert_true(swg_panel_poll(panel) >= 0);
    assert_int_not_equal(map_of(panel)->inode, before);
    assert_int_equal(access(panel_file(), F_OK), 0);
    struct swg_panel *other = open_small();
    assert_int_equal(map_of(other)->inode, map_of(panel)->inode);
    assert_int_equal(swgi_processes_alive(map_of(other)), 2);
    swg_panel_unref(other);
    swg_panel_unref(panel);
}

static void test_handles_go_along(void **state) {
    struct swg_panel *panel = open_small(), *other;
    struct swg_circuit *circuit = NULL, *theirs = NULL;
    struct swg_permit permit, old;
    struct swg_status status = SWG_STATUS_INIT;
    (void)state;
    assert_int_equal(swg_circuit_get(panel, "payments", NULL, &circuit, NULL), 0);
    assert_int_equal(swg_acquire(circuit, NULL, &old), SWG_GO);
    assert_int_equal(unlink(panel_file()), 0);
    other = open_small();
    assert_int_equal(swg_circuit_get(other, "payments", NULL, &theirs, NULL), 0);
    assert_true(swg_panel_poll(panel) >= 0);
    assert_int_equal(swg_record(&old, SWG_FAILURE),
                     0); /* of the former file: no fault, no effect here */
    assert_int_equal(swg_circuit_trip(theirs, NULL, NULL), 0);
    assert_int_equal(swg_acquire(circuit, NULL, &permit), SWG_OPEN);
    assert_int_equal(swg_circuit_status(circuit, &status), 0);
    assert_int_equal(status.failures, 0);
    swg_panel_unref(other);
    swg_panel_unref(panel);
}

static void test_who_may_not_create_waits_for_the_new_one(void **state) {
    struct swg_panel_options options = small_options();
    (void)state;
    swg_panel_unref(open_small());
    options.access = SWG_PANEL_ATTACH;
    struct swg_panel *panel = open_with(&options), *inspector = inspect();
    assert_int_equal(unlink(panel_file()), 0);
    assert_int_equal(swg_panel_poll(panel), -ENOENT);
    assert_int_equal(swg_panel_poll(inspector), -ENOENT);
    assert_int_equal(swgi_thread_enter(map_of(panel)), 0); /* calls go on meanwhile */
    struct swg_panel *creator = open_small();
    assert_true(swg_panel_poll(panel) >= 0 && swg_panel_poll(inspector) >= 0);
    assert_int_equal(map_of(panel)->inode, map_of(creator)->inode);
    assert_int_equal(map_of(inspector)->inode, map_of(creator)->inode);
    swg_panel_unref(creator);
    swg_panel_unref(inspector);
    swg_panel_unref(panel);
}

static void test_another_geometry_is_followed(void **state) {
    struct swg_panel *panel = open_small();
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    (void)state;
    assert_int_equal(unlink(panel_file()), 0);
    options.path = path;
    options.circuits_max = 100;
    struct swg_panel *other = open_with(&options);
    assert_true(swg_panel_poll(panel) >= 0);
    assert_int_equal(map_of(panel)->geometry.circuits, 101);
    swg_panel_unref(other);
    swg_panel_unref(panel);
}

static void test_many_replacements(void **state) {
    struct swg_panel *panel = open_small();
    struct swg_circuit *circuit = NULL;
    struct swg_permit permit;
    (void)state;
    assert_int_equal(swg_circuit_get(panel, "payments", NULL, &circuit, NULL), 0);
    for (unsigned i = 0; i < 30; i++) {
        assert_int_equal(unlink(panel_file()), 0);
        assert_true(swg_panel_poll(panel) >= 0);
        assert_int_equal(swg_acquire(circuit, NULL, &permit), SWG_GO);
        assert_int_equal(swg_record(&permit, SWG_SUCCESS), 0);
    }
    swg_panel_unref(panel);
}

/* Others look for the living at the lock file's path. */
static void test_a_removed_lock_file(void **state) {
    struct swg_panel *panel = open_small(), *other = open_small();
    (void)state;
    assert_int_equal(unlink(lock_file()), 0);
    assert_true(swg_panel_poll(panel) >= 0);
    assert_true(swg_panel_poll(other) >= 0);
    assert_int_equal(access(lock_file(), F_OK), 0);
    assert_int_equal(swgi_processes_alive(map_of(panel)), 2);
    struct swgi_identity theirs = swgi_map_identity(map_of(other));
    assert_true(swgi_owner_alive(map_of(panel), theirs.owner, theirs.incarnation, 32));
    assert_int_not_equal(theirs.owner, swgi_map_identity(map_of(panel)).owner);
    swg_panel_unref(other);
    swg_panel_unref(panel);
}

static void uses_after_replacement(void *arg) {
    struct swg_panel *panel = arg;
    CHILD_ASSERT(swgi_thread_enter(map_of(panel)) == 0);
    CHILD_ASSERT(swgi_thread_enter(map_of(panel)->older) ==
                 0); /* for permits taken on the former file */
    CHILD_ASSERT(swg_panel_poll(panel) >= 0);
    swg_panel_unref(panel);
}

static void test_a_child_after_a_replacement(void **state) {
    struct swg_panel *panel = open_small();
    (void)state;
    assert_int_equal(unlink(panel_file()), 0);
    assert_true(swg_panel_poll(panel) >= 0);
    in_child(uses_after_replacement, panel);
    swg_panel_unref(panel);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_an_inspector_sees_what_is_there),
        IN_FOLDER(test_an_inspector_looks_again),
        IN_FOLDER(test_an_inspector_takes_no_part),
        IN_FOLDER(test_an_inspector_makes_no_files),
        IN_FOLDER(test_columns_and_histograms_are_copied),
        IN_FOLDER(test_a_file_cut_short),
        IN_FOLDER(test_a_removed_file_is_made_anew),
        IN_FOLDER(test_handles_go_along),
        IN_FOLDER(test_who_may_not_create_waits_for_the_new_one),
        IN_FOLDER(test_another_geometry_is_followed),
        IN_FOLDER(test_many_replacements),
        IN_FOLDER(test_a_removed_lock_file),
        IN_FOLDER(test_a_child_after_a_replacement),
    };
    return cmocka_run_group_tests_name("follow", tests, NULL, NULL);
}
