/*
 * Liveness passes: what calls in HALF_OPEN ask the kernel, how seldom, and what they find: the dead, a file that was replaced, a
 * descriptor that was lost.
 *
 * System calls are counted by standing in for libc's functions; time is virtual.
 */
#include "inside.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

#include "circuit/circuit.h"
#include "panel/liveness.h"

#define MS INT64_C(1000000)
#define S  INT64_C(1000000000)

/* ---- what the library asks of the kernel */

static unsigned asked[3]; /* about locks, about descriptors, about paths */
enum { LOCKS, DESCRIPTORS, PATHS };

/* NOLINTNEXTLINE: libc's own declaration */
int fcntl(int fd, int command, ...) {
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    asked[LOCKS]++;
    return (int)syscall(SYS_fcntl, fd, command, argument);
}

int fstat(int fd, struct stat *status) {
    asked[DESCRIPTORS]++;
    return fstatat(fd, "", status, AT_EMPTY_PATH);
}

int lstat(const char *name, struct stat *status) {
    asked[PATHS]++;
    return fstatat(AT_FDCWD, name, status, AT_SYMLINK_NOFOLLOW);
}

static unsigned asked_in_all(void) {
    return asked[LOCKS] + asked[DESCRIPTORS] + asked[PATHS];
}

/* ---- a circuit in HALF_OPEN, and others who hold its probes */

static struct swg_panel *open_virtual(void) {
    struct swg_panel_options options = small_options();
    options.virtual_clock = 1;
    return open_with(&options);
}

static struct swg_circuit *circuit_in(struct swg_panel *panel, const char *name,
                                      const char *probes) {
    struct swg_circuit *circuit = NULL;
    struct swg_config *config = NULL;
    assert_int_equal(swg_config_new(&config), 0);
    assert_int_equal(swg_config_set(config, "breaker.half_open.probes", probes, NULL), 0);
    assert_int_equal(swg_config_set(config, "breaker.half_open.success_threshold", "200", NULL), 0);
    assert_int_equal(swg_circuit_get(panel, name, config, &circuit, NULL), 0);
    swg_config_unref(config);
    return circuit;
}

static struct swg_circuit *half_open(struct swg_panel *panel, const char *probes) {
    struct swg_circuit *circuit = circuit_in(panel, "payments", probes);
    assert_int_equal(swg_circuit_trip(circuit, NULL, NULL), 0);
    assert_int_equal(swg_circuit_probe(circuit, NULL, NULL), 0);
    return circuit;
}

static int call(struct swg_circuit *circuit) {
    struct swg_permit permit;
    return swg_acquire(circuit, NULL, &permit);
}

static _Atomic uint32_t *ready;

static void holds_probes(void *count) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct swg_panel *panel = open_virtual();
    struct swg_circuit *circuit = NULL;
    CHILD_ASSERT(swg_circuit_find(panel, "payments", &circuit) == 0);
    for (unsigned i = 0; i < *(unsigned *)count; i++)
        CHILD_ASSERT(call(circuit) == SWG_GO);
    swgi_add(ready, 1);
    for (;;)
        pause();
}

static pid_t start_prober(unsigned count) {
    ready = shared_words(1);
    pid_t child = start_child(holds_probes, &count);
    WAIT_FOR(swgi_load(ready) == 1);
    return child;
}

static void advance(struct swg_panel *panel, int64_t by) {
    assert_int_equal(swg_panel_advance(panel, by), 0);
}

/* One call each 10 ms, at most so many, until one is let through: how many it took; 0: none was. */
static unsigned calls_until_granted(struct swg_panel *panel, struct swg_circuit *circuit,
                                    unsigned most) {
    for (unsigned i = 1; i <= most; i++) {
        advance(panel, 10 * MS + 16);
        if (call(circuit) == SWG_GO)
            return i;
    }
    return 0;
}

/* ---- how seldom */

static void test_one_system_call_in_ten_milliseconds(void **state) {
    struct swg_panel *panel = open_virtual();
    struct swg_circuit *circuit = half_open(panel, "4");
    pid_t children[4];
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        children[i] = start_prober(1);
    memset(asked, 0, sizeof(asked));
    for (unsigned i = 0; i < 4000; i++) { /* 4 s, in steps of 1 ms */
        for (unsigned j = 0; j < 5; j++)
            assert_int_equal(call(circuit), SWG_OPEN);
        assert_true(asked_in_all() <= 1 + i / 10);
        advance(panel, MS);
    }
    /* A step late each, where the stamp was rounded up; once a second about something else. */
    assert_true(asked[LOCKS] >= 4000 / 11 - 5);
    assert_true(asked[PATHS] >= 2 && asked[PATHS] <= 3);
    assert_true(asked[DESCRIPTORS] >= 1 && asked[DESCRIPTORS] <= 2);
    for (unsigned i = 0; i < 4; i++)
        kill_child(children[i]);
    swg_panel_unref(panel);
}

static void test_all_processes_together(void **state) {
    struct swg_panel *panels[3];
    struct swg_circuit *circuits[3];
    (void)state;
    panels[0] = open_virtual();
    circuits[0] = half_open(panels[0], "2");
    for (unsigned i = 1; i < 3; i++) {
        panels[i] = open_virtual();
        assert_int_equal(swg_circuit_find(panels[i], "payments", &circuits[i]), 0);
        assert_int_equal(call(circuits[i]), SWG_GO);
    }
    memset(asked, 0, sizeof(asked));
    for (unsigned i = 0; i < 90; i++) {
        assert_int_equal(call(circuits[i % 3]), SWG_OPEN);
        assert_true(asked_in_all() <= 1 + i / 10);
        advance(panels[0], MS);
    }
    assert_true(asked[LOCKS] >= 7);
    for (unsigned i = 0; i < 3; i++)
        swg_panel_unref(panels[i]);
}

static void test_nothing_is_asked_where_nobody_else_holds(void **state) {
    struct swg_panel *panel = open_virtual();
    struct swg_circuit *circuit = half_open(panel, "2");
    (void)state;
    assert_int_equal(call(circuit), SWG_GO);
    assert_int_equal(call(circuit), SWG_GO);
    memset(asked, 0, sizeof(asked));
    for (unsigned i = 0; i < 100; i++) {
        advance(panel, 50 * MS);
        assert_int_equal(call(circuit), SWG_OPEN);
    }
    assert_int_equal(asked_in_all(), 0);
    swg_panel_unref(panel);
}

/* ---- the dead */

static void test_the_only_holder_is_replaced_at_once(void **state) {
    struct swg_panel *panel = open_virtual();
    struct swg_circuit *circuit = half_open(panel, "1");
    (void)state;
    pid_t child = start_prober(1);
    assert_int_equal(call(circuit), SWG_OPEN);
    kill_child(child);
    assert_int_equal(call(circuit), SWG_OPEN); /* asked just now */
    assert_int_equal(calls_until_granted(panel, circuit, 1), 1);
    swg_panel_unref(panel);
}

/* Whichever of them it is: passes go round. */
static void test_each_holder_is_asked_about_in_turn(void **state) {
    struct swg_panel *panel = open_virtual();
    struct swg_circuit *circuit = half_open(panel, "5");
    pid_t children[5];
    (void)state;
    for (unsigned i = 0; i < 5; i++)
        children[i] = start_prober(1);
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned j = 0; j < 3; j++) {
            advance(panel, 10 * MS + 16);
            assert_int_equal(call(circuit), SWG_OPEN);
        }
        kill_child(children[(i * 2) % 5]);
        assert_in_range(calls_until_granted(panel, circuit, 5), 1, 5);
    }
    assert_int_equal(call(circuit), SWG_OPEN);
    swg_panel_unref(panel);
}

static void test_all_that_the_dead_held_is_free_at_once(void **state) {
    struct swg_panel *panel = open_virtual();
    struct swg_circuit *circuit = half_open(panel, "8");
    (void)state;
    pid_t lives = start_prober(2), dies = start_prober(6);
    kill_child(dies);
    assert_in_range(calls_until_granted(panel, circuit, 3), 1, 3);
    for (unsigned i = 1; i < 6; i++)
        assert_int_equal(call(circuit), SWG_GO);
    assert_int_equal(call(circuit), SWG_OPEN);
    kill_child(lives);
    swg_panel_unref(panel);
}

/* ---- columns */

/* As often as it takes for a thread without a column to ask again, the 10 ms being over. */
static unsigned asked_by_entering(struct swgi_map *map) {
    memset(asked, 0, sizeof(asked));
    swgi_store(&map->lease_stamp, 0);
    for (unsigned i = 0; i < 1024; i++)
        CHILD_ASSERT(swgi_thread_enter(map) == 0);
    return asked_in_all();
}

static void comes_when_all_are_taken(void *arg) {
    const struct swgi_identity *others = arg;
    struct swg_panel *panel = open_virtual();
    struct swgi_map *map = map_of(panel);
    for (uint32_t c = 1; c < map->geometry.columns; c++) {
        const struct swgi_identity *holder = &others[c == map->geometry.columns - 1];
        swgi_store(&map->leases[c], swgi_lease(holder->owner, holder->incarnation, 1));
    }
    CHILD_ASSERT(swgi_thread_enter(map) == 0 && swgi_thread.shared);
    for (unsigned i = 0; i < 6; i++)
        CHILD_ASSERT(asked_by_entering(map) == 1);
    kill((pid_t)swgi_load(&map->processes[others[1].owner - 1].pid), SIGKILL);
    WAIT_FOR(!swgi_owner_alive(map, others[1].owner, others[1].incarnation, 32));
    for (uint32_t i = 1; i < map->geometry.columns && swgi_thread.shared; i++)
        CHILD_ASSERT(asked_by_entering(map) <= 3); /* a no is made sure of */
    CHILD_ASSERT(swgi_thread.column == map->geometry.columns - 1);
    swg_panel_unref(panel);
}

static void test_a_thread_without_a_column_asks_about_one_holder(void **state) {
    struct swg_panel *panel = open_virtual();
    struct swgi_map *map = map_of(panel);
    struct swgi_identity others[2];
    pid_t children[2];
    (void)state;
    (void)half_open(panel, "3");
    for (unsigned i = 0; i < 2; i++) {
        children[i] = start_prober(1);
        uint64_t probe = swgi_load(&map->cells[1].probes[i]);
        others[i] = (struct swgi_identity){ .owner = swgi_probe_owner(probe),
                                            .incarnation = swgi_probe_incarnation(probe) };
    }
    in_child(comes_when_all_are_taken, others);
    for (unsigned i = 0; i < 2; i++)
        kill_child(children[i]);
    swg_panel_unref(panel);
}

/* ---- files and descriptors that are not what they were */

/* Calls for four seconds: each thing is looked at once in three. */
static void call_on(struct swg_panel *panel, struct swg_circuit *circuit) {
    for (unsigned i = 0; i < 4000 / 11; i++) {
        advance(panel, 11 * MS);
        (void)call(circuit);
    }
}

static void test_calls_follow_a_replaced_file(void **state) {
    struct swg_panel *panel = open_virtual();
    struct swg_circuit *circuit = half_open(panel, "1"), *calm = circuit_in(panel, "calm", "1");
    struct swg_circuit *theirs;
    (void)state;
    assert_int_equal(call(calm), SWG_GO);
    pid_t child = start_prober(1);
    assert_int_equal(unlink(panel_file()), 0);
    struct swg_panel *other = open_virtual();
    assert_int_not_equal(map_of(panel)->inode, map_of(other)->inode);
    call_on(panel, circuit);
    assert_int_equal(map_of(panel)->inode, map_of(other)->inode);
    assert_int_equal(call(circuit), SWG_GO); /* made anew there */
    assert_int_equal(swg_circuit_find(other, "calm", &theirs), 0);
    assert_int_equal(swg_circuit_trip(theirs, NULL, NULL), 0);
    assert_int_equal(call(calm), SWG_OPEN);
    kill_child(child);
    swg_panel_unref(other);
    swg_panel_unref(panel);
}

/* Who may not create goes on with what it has, and looks again. */
static void test_calls_follow_when_there_is_a_file_again(void **state) {
    struct swg_panel_options options = small_options();
    (void)state;
    struct swg_panel *maker = open_virtual(), *panel;
    struct swg_circuit *circuit = half_open(maker, "1");
    options.access = SWG_PANEL_ATTACH;
    panel = open_with(&options);
    assert_int_equal(swg_circuit_find(panel, "payments", &circuit), 0);
    pid_t child = start_prober(1);
    assert_int_equal(unlink(panel_file()), 0);
    call_on(panel, circuit);
    assert_int_equal(call(circuit), SWG_OPEN);
    struct swg_panel *other = open_virtual();
    call_on(panel, circuit);
    assert_int_equal(map_of(panel)->inode, map_of(other)->inode);
    kill_child(child);
    swg_panel_unref(other);
    swg_panel_unref(maker);
    swg_panel_unref(panel);
}

static void test_calls_follow_a_replaced_lock_file(void **state) {
    struct swg_panel *panel = open_virtual();
    struct swg_circuit *circuit = half_open(panel, "1");
    struct stat status;
    (void)state;
    pid_t child = start_prober(1);
    assert_int_equal(unlink(lock_file()), 0);
    call_on(panel, circuit);
    assert_int_equal(stat(lock_file(), &status), 0);
    assert_int_equal(panel->lock_inode, status.st_ino);
    kill_child(child);
    swg_panel_unref(panel);
}

/* As closefrom() and an open() after it do: the number is that of another file, here one that somebody else has locked. */
static void lose_descriptor(int number) {
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    int theirs = open(path, O_RDWR | O_CREAT, 0600), other = open(path, O_RDWR);
    assert_true(theirs >= 0 && other >= 0);
    assert_int_equal(fcntl(theirs, F_OFD_SETLK, &whole), 0);
    assert_int_equal(dup2(other, number), number);
    close(other);
}

static void test_a_lost_descriptor_accuses_nobody(void **state) {
    struct swg_panel *panel = open_virtual();
    struct swg_circuit *circuit = half_open(panel, "2");
    (void)state;
    pid_t children[2] = { start_prober(1), start_prober(1) };
    for (unsigned i = 0; i < 3; i++) {
        int lost = panel->lock_fd, null = open("/dev/null", O_RDWR);
        if (i == 0)
            close(lost);
        else if (i == 1)
            assert_int_equal(dup2(null, lost), lost);
        else
            lose_descriptor(lost);
        close(null);
        for (unsigned j = 0; j < 4000 / 11; j++) {
            advance(panel, 11 * MS);
            assert_int_equal(call(circuit), SWG_OPEN);
        }
        assert_true(swgi_lock_valid(panel) && panel->slot >= 0);
    }
    kill_child(children[0]);
    assert_in_range(calls_until_granted(panel, circuit, 3), 1, 3);
    kill_child(children[1]);
    swg_panel_unref(panel);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_one_system_call_in_ten_milliseconds),
        IN_FOLDER(test_all_processes_together),
        IN_FOLDER(test_nothing_is_asked_where_nobody_else_holds),
        IN_FOLDER(test_the_only_holder_is_replaced_at_once),
        IN_FOLDER(test_each_holder_is_asked_about_in_turn),
        IN_FOLDER(test_all_that_the_dead_held_is_free_at_once),
        IN_FOLDER(test_a_thread_without_a_column_asks_about_one_holder),
        IN_FOLDER(test_calls_follow_a_replaced_file),
        IN_FOLDER(test_calls_follow_when_there_is_a_file_again),
        IN_FOLDER(test_calls_follow_a_replaced_lock_file),
        IN_FOLDER(test_a_lost_descriptor_accuses_nobody),
    };
    return cmocka_run_group_tests_name("passes", tests, NULL, NULL);
}
