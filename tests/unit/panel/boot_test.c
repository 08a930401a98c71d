/* Reboots, told by a boot id, and time namespaces: instants keep their meaning. */
#include "inside.h"

#include <pthread.h>
#include <sched.h>

#include "panel/boot.h"
#include "panel/liveness.h"
#include "panel/time.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#define S INT64_C(1000000000)

static struct swg_panel *open_in_boot(const char *boot_id) {
    struct swg_panel_options options = small_options();
    options.boot_id = boot_id;
    return open_with(&options);
}

/* As if the machine had been up for so long, and down for so long since. */
static void pretend(struct swgi_map *map, int64_t up_ns, int64_t down_ns) {
    swgi_store(&map->header->stamp_monotonic, (uint64_t)up_ns);
    swgi_store(&map->header->stamp_wall, (uint64_t)(swgi_clock_wall_ms() * 1000000 - down_ns));
}

static bool about(int64_t value, int64_t wanted) {
    return value > wanted - 2 * S && value < wanted + 2 * S;
}

static void test_the_same_boot_changes_nothing(void **state) {
    struct swg_panel *panel = open_in_boot("monday");
    (void)state;
    swgi_store(&map_of(panel)->cells[0].last_trip, 12345);
    swg_panel_unref(panel);
    panel = open_in_boot("monday");
    assert_int_equal(swgi_load(&map_of(panel)->cells[0].last_trip), 12345);
    swg_panel_unref(panel);
}

static void test_after_a_reboot_instants_are_moved(void **state) {
    const int64_t up = 1000000 * S, down = 100 * S;
    struct swg_panel *panel = open_in_boot("monday");
    struct swgi_map *map = map_of(panel);
    (void)state;
    swgi_store(&map->cells[0].last_trip, (uint64_t)(up - 50 * S));
    swgi_store(&map->columns[0].last_failure, (uint64_t)(up - 60 * S));
    pretend(map, up, down);
    swg_panel_unref(panel);
    panel = open_in_boot("tuesday");
    map = map_of(panel);
    int64_t now = swgi_map_clock(map);
    if (now > 200 * S) { /* a machine that is up for less has no such instants */
        assert_true(about((int64_t)swgi_load(&map->cells[0].last_trip), now - down - 50 * S));
        assert_true(about((int64_t)swgi_load(&map->columns[0].last_failure), now - down - 60 * S));
    }
    assert_true(about((int64_t)swgi_load(&map->header->stamp_monotonic), now));
    assert_int_equal(swgi_load(&map->header->boot_state) & 1, 0);
    uint64_t moved = swgi_load(&map->cells[0].last_trip);
    swg_panel_unref(panel);
    panel = open_in_boot("tuesday"); /* once is enough */
    assert_int_equal(swgi_load(&map_of(panel)->cells[0].last_trip), moved);
    swg_panel_unref(panel);
}

static void test_an_open_breaker_closes_in_time(void **state) {
    struct swg_panel *panel = open_in_boot("monday");
    struct swg_circuit *circuit = NULL;
    struct swg_config *config = NULL;
    struct swg_status status = SWG_STATUS_INIT;
    struct swg_permit permit;
    (void)state;
    assert_int_equal(swg_config_new(&config), 0);
    assert_int_equal(swg_config_set(config, "breaker.trip.0.consecutive", "1", NULL), 0);
    assert_int_equal(swg_circuit_get(panel, "payments", config, &circuit, NULL), 0);
    assert_int_equal(swg_acquire(circuit, NULL, &permit), SWG_GO);
    assert_int_equal(swg_record(&permit, SWG_FAILURE), 0);
    assert_int_equal(swg_acquire(circuit, NULL, &permit), SWG_OPEN);
    pretend(map_of(panel), swgi_map_clock(map_of(panel)), 10 * S);
    swg_panel_unref(panel);
    panel = open_in_boot("tuesday");
    assert_int_equal(swg_circuit_find(panel, "payments", &circuit), 0);
    assert_int_equal(swg_circuit_status(circuit, &status), 0);
    assert_int_equal(status.state, SWG_STATE_OPEN);
    /*
     * 30 s and at most a tenth more were asked for, and ten have passed while the machine was
     * down
     */
    assert_true(status.open_until - swg_panel_now(panel) <= 24 * S);
    assert_true(status.open_until - swg_panel_now(panel) >= 18 * S);
    swg_config_unref(config);
    swg_panel_unref(panel);
}

static void test_a_calendar_that_went_back(void **state) {
    struct swg_panel *panel = open_in_boot("monday");
    (void)state;
    swgi_store(&map_of(panel)->cells[0].last_trip, (uint64_t)(1000000 * S));
    pretend(map_of(panel), 1000000 * S, -365 * 86400 * S);
    swg_panel_unref(panel);
    panel = open_in_boot("tuesday");
    assert_true(about((int64_t)swgi_load(&map_of(panel)->cells[0].last_trip),
                      swgi_map_clock(map_of(panel))));
    swg_panel_unref(panel);
}

static void test_virtual_time_knows_no_boots(void **state) {
    struct swg_panel_options options = small_options();
    (void)state;
    options.virtual_clock = 1;
    options.boot_id = "monday";
    struct swg_panel *panel = open_with(&options);
    swgi_store(&map_of(panel)->cells[0].last_trip, 777);
    assert_int_equal(swg_panel_now(panel), 3600 * S);
    assert_int_equal(swg_panel_advance(panel, 5), 0);
    swg_panel_unref(panel);
    options.boot_id = "tuesday";
    panel = open_with(&options);
    assert_int_equal(swgi_load(&map_of(panel)->cells[0].last_trip), 777);
    assert_int_equal(swg_panel_now(panel), 3600 * S + 5);
    swg_panel_unref(panel);
    options.access = SWG_PANEL_INSPECT;
    options.boot_id = "wednesday";
    panel = open_with(&options);
    assert_int_equal(swgi_load(&map_of(panel)->cells[0].last_trip), 777);
    assert_int_equal(swg_panel_now(panel), 3600 * S + 5);
    swg_panel_unref(panel);
}

/* Whoever brings the panel to the new clock may be stopped: the rest wait, but not for ever. */
static void test_a_stopped_rebaser(void **state) {
    struct swg_panel_options options = small_options();
    struct swg_panel *panel = open_in_boot("monday");
    struct flock lock = { .l_type = F_WRLCK, .l_start = SWGI_LOCK_BOOT, .l_len = 1 };
    (void)state;
    int holder = open(lock_file(), O_RDWR);
    assert_int_equal(fcntl(holder, F_OFD_SETLK, &lock), 0);
    options.boot_id = "tuesday";
    assert_open_fails(&options, -EAGAIN, "which does not finish");
    close(holder);
    swg_panel_unref(open_with(&options));
    swg_panel_unref(panel);
}

static void opens_on_tuesday(void *unused) {
    (void)unused;
    struct swg_panel *panel = open_in_boot("tuesday");
    uint64_t at = swgi_load(&map_of(panel)->cells[0].last_trip);
    CHILD_ASSERT(about((int64_t)at, swgi_map_clock(map_of(panel)) - 100 * S));
    swg_panel_unref(panel);
}

static void test_many_come_after_a_reboot(void **state) {
    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        struct swg_panel *panel = open_in_boot("monday");
        pid_t children[4];
        swgi_store(&map_of(panel)->cells[0].last_trip, (uint64_t)(5000000 * S));
        pretend(map_of(panel), 5000000 * S, 100 * S);
        swg_panel_unref(panel);
        for (unsigned i = 0; i < 4; i++)
            children[i] = start_child(opens_on_tuesday, NULL);
        for (unsigned i = 0; i < 4; i++)
            child_ended_well(children[i]);
        unlink(panel_file());
    }
}

static void test_an_inspector_moves_its_own_copy(void **state) {
    struct swg_panel_options options = small_options();
    struct swg_panel *panel = open_in_boot("monday");
    (void)state;
    swgi_store(&map_of(panel)->cells[0].last_trip, (uint64_t)(5000000 * S));
    pretend(map_of(panel), 5000000 * S, 100 * S);
    options.access = SWG_PANEL_INSPECT;
    options.boot_id = "tuesday";
    struct swg_panel *inspector = open_with(&options);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t at = swgi_load(&map_of(inspector)->cells[0].last_trip);
        assert_true(about((int64_t)at, swgi_map_clock(map_of(inspector)) - 100 * S));
        assert_int_equal(swg_panel_poll(inspector), 0);
    }
    assert_int_equal(swgi_load(&map_of(panel)->cells[0].last_trip), 5000000 * S);
    swg_panel_unref(inspector);
    swg_panel_unref(panel);
}

/* ---- clocks that are wrong */

static void test_a_bad_clock_is_replaced(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_map *map = map_of(panel);
    int64_t own = swgi_map_clock(map);
    (void)state;
    assert_int_equal(swgi_map_believe(map, own), own);
    assert_int_equal(swgi_map_believe(map, own - S / 2), own - S / 2);
    assert_int_equal(swgi_load(&map->header->clocks_replaced), 0);
    const int64_t bad[] = { 0, -1, INT64_MIN, INT64_MAX, own + 5 * S, own - 5 * S };
    for (unsigned i = 0; i < 6; i++)
        assert_true(about(swgi_map_believe(map, bad[i]), own));
    assert_int_equal(swgi_load(&map->header->clocks_replaced), 6);
    swg_panel_unref(panel);
}

static void test_advancing(void **state) {
    struct swg_panel_options options = small_options();
    struct swg_panel *panel = open_private();
    (void)state;
    assert_int_equal(swg_panel_advance(panel, 1), -EPERM);
    assert_int_equal(swg_panel_advance(NULL, 1), -EINVAL);
    swg_panel_unref(panel);
    options.path = NULL;
    options.virtual_clock = 1;
    panel = open_with(&options);
    assert_int_equal(swg_panel_advance(panel, -1), -EINVAL);
    assert_int_equal(swgi_map_believe(map_of(panel), 5), 3600 * S);
    swg_panel_unref(panel);
}

/* ---- time namespaces */

static void offset_is(const char *text) {
    int fd = open("/proc/self/timens_offsets", O_WRONLY);
    CHILD_ASSERT(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static void sees_the_hosts_time(void *arg) {
    struct swg_panel *parents = arg;
    struct swg_panel *panel = open_small();
    int64_t host = (int64_t)swgi_load(&map_of(parents)->cells[0].last_trip);
    CHILD_ASSERT(panel->time_shift == -1000 * S);
    CHILD_ASSERT(about(swg_panel_now(panel), host) && about(swgi_map_clock(map_of(panel)), host));
    CHILD_ASSERT(about(swgi_clock_of(CLOCK_MONOTONIC), host + 1000 * S));
    CHILD_ASSERT(swgi_thread_enter(map_of(parents)) == 0); /* also a panel of before */
    CHILD_ASSERT(about(swgi_map_clock(map_of(parents)), host));
}

static void lives_elsewhere(void *arg) {
    struct swg_panel_options options = small_options();
    struct swg_panel *none;
    CHILD_ASSERT(unshare(CLONE_NEWTIME) == 0);
    offset_is("monotonic 1000 0");
    CHILD_ASSERT(swg_panel_open(&none, &options, &error) == 0); /* only its children live there */
    swg_panel_unref(none);
    pid_t child = fork();
    if (child == 0) {
        sees_the_hosts_time(arg);
        _exit(0);
    }
    int status = 1;
    CHILD_ASSERT(waitpid(child, &status, 0) == child && status == 0);
}

static void may_unshare(void *unused) {
    (void)unused;
    if (unshare(CLONE_NEWTIME) != 0)
        _exit(77);
}

static void test_a_time_namespace(void **state) {
    int status = 0;
    pid_t child = start_child(may_unshare, NULL);
    (void)state;
    waitpid(child, &status, 0);
    if (status != 0) {
        print_message("time namespaces are not permitted here\n");
        skip();
    }
    struct swg_panel *panel = open_small();
    swgi_store(&map_of(panel)->cells[0].last_trip, (uint64_t)swg_panel_now(panel));
    in_child(lives_elsewhere, panel);
    swg_panel_unref(panel);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_the_same_boot_changes_nothing),
        IN_FOLDER(test_after_a_reboot_instants_are_moved),
        IN_FOLDER(test_an_open_breaker_closes_in_time),
        IN_FOLDER(test_a_calendar_that_went_back),
        IN_FOLDER(test_virtual_time_knows_no_boots),
        IN_FOLDER(test_a_stopped_rebaser),
        IN_FOLDER(test_many_come_after_a_reboot),
        IN_FOLDER(test_an_inspector_moves_its_own_copy),
        IN_FOLDER(test_a_bad_clock_is_replaced),
        IN_FOLDER(test_advancing),
        IN_FOLDER(test_a_time_namespace),
    };
    return cmocka_run_group_tests_name("boot", tests, NULL, NULL);
}
