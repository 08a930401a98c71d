/* Who is alive, who is dead, and what children, lost locks and killed processes leave to others. */
#include "inside.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "panel/liveness.h"
#include "panel/reap.h"
#include "wiped.h"

static _Atomic uint32_t *words; /* between parent and children */

static struct swgi_identity me_in(struct swg_panel *panel) {
    return swgi_map_identity(map_of(panel));
}

static bool alive(struct swg_panel *panel, struct swgi_identity who) {
    return swgi_owner_alive(map_of(panel), who.owner, who.incarnation, 32);
}

static void test_alone_in_private_memory(void **state) {
    struct swg_panel *panel = open_private();
    struct swgi_identity me = me_in(panel);
    (void)state;
    assert_int_equal(me.owner, 1);
    assert_true(alive(panel, me));
    me.incarnation++;
    assert_false(alive(panel, me));
    assert_false(swgi_owner_alive(map_of(panel), 2, 0, 14));
    assert_false(swgi_owner_alive(map_of(panel), 0, 0, 14));
    assert_false(swgi_owner_alive(map_of(panel), 1024, 0, 14));
    assert_false(swgi_owner_alive(map_of(panel), UINT32_MAX, 0, 14));
    swg_panel_unref(panel);
}

static void test_each_has_a_slot_of_its_own(void **state) {
    struct swg_panel *one = open_small(), *two = open_small();
    struct swgi_identity first = me_in(one), second = me_in(two);
    (void)state;
    assert_int_not_equal(first.owner, second.owner);
    assert_true(alive(one, second) && alive(two, first));
    swg_panel_unref(two);
    assert_false(alive(one, second));
    two = open_small();
    assert_int_equal(me_in(two).owner, second.owner); /* the slot again, by another */
    assert_int_equal(me_in(two).incarnation, second.incarnation + 1);
    assert_false(alive(one, second));
    assert_true(alive(one, me_in(two)));
    swg_panel_unref(one);
    swg_panel_unref(two);
}

static void test_a_process_says_who_it_is(void **state) {
    struct swg_panel_options options = small_options();
    char name[33] = "";
    (void)state;
    options.process_name = "a worker of some kind with a long name";
    struct swg_panel *panel = open_with(&options);
    const struct swgi_process *process = &map_of(panel)->processes[me_in(panel).owner - 1];
    for (unsigned i = 0; i < 4; i++) {
        uint64_t word = swgi_load(&process->name[i]);
        memcpy(name + 8 * i, &word, 8);
    }
    assert_string_equal(name, "a worker of some kind with a lo");
    assert_int_equal(swgi_load(&process->pid), getpid());
    assert_int_not_equal(swgi_load(&process->start_time), 0);
    assert_int_not_equal(swgi_load(&process->pid_namespace), 0);
    swg_panel_unref(panel);
}

/* ---- killed processes */

static void holds_things(void *unused) {
    struct swg_panel *panel = open_small();
    struct swgi_map *map = map_of(panel);
    struct swgi_identity me = me_in(panel);
    (void)unused;
    CHILD_ASSERT(swgi_thread_enter(map) == 0 && !swgi_thread.shared);
    swgi_column_add(&swgi_column(0)->calls, 7);
    swgi_store(&map->cells[0].probes[3],
               swgi_probe(9, SWGI_PROBE_HELD, me.owner, me.incarnation, 5, 2));
    swgi_store(&words[1], me.owner);
    swgi_store(&words[2], me.incarnation);
    swgi_store(&words[0], 1);
    for (;;)
        pause();
}

static pid_t start_holder(struct swgi_identity *who) {
    words = shared_words(3);
    pid_t child = start_child(holds_things, NULL);
    WAIT_FOR(swgi_load(&words[0]) == 1);
    *who = (struct swgi_identity){ .owner = swgi_load(&words[1]),
                                   .incarnation = swgi_load(&words[2]) };
    return child;
}

static void assert_reaped(struct swgi_map *map) {
    uint64_t probe = swgi_load(&map->cells[0].probes[3]);
    assert_int_equal(swgi_probe_state(probe), SWGI_PROBE_FREE);
    assert_int_equal(swgi_probe_generation(probe), 9);
    assert_int_equal(swgi_probe_successes(probe), 2);
    assert_int_equal(swgi_columns_leased(map), 0);
    assert_int_equal(swgi_column_sum(map, 0, SWGI_COUNTER(calls)), 7);
}

static void test_the_dead_are_reaped_once(void **state) {
    struct swg_panel *panel = open_small();
    struct swgi_identity holder;
    pid_t child = start_holder(&holder);
    (void)state;
    assert_true(alive(panel, holder));
    assert_int_equal(swgi_panel_reap(panel), 0);
    assert_int_equal(swgi_processes_alive(map_of(panel)), 2);
    kill_child(child);
    assert_false(alive(panel, holder));
    assert_int_equal(swgi_processes_alive(map_of(panel)), 1);
    assert_int_equal(swgi_panel_reap(panel), 1);
    assert_reaped(map_of(panel));
    assert_int_equal(swgi_panel_reap(panel), 0);
    swg_panel_unref(panel);
}

static void test_the_next_owner_reaps(void **state) {
    struct swg_panel *panel = open_small(), *next;
    struct swgi_identity holder;
    (void)state;
    kill_child(start_holder(&holder));
    next = open_small();
    assert_int_equal(me_in(next).owner, holder.owner);
    assert_int_equal(me_in(next).incarnation, holder.incarnation + 1);
    assert_reaped(map_of(panel));
    swg_panel_unref(next);
    swg_panel_unref(panel);
}

/* Who finds the dead must not take from the one who has the slot since. */
static void test_a_late_reaper_spares_the_next_owner(void **state) {
    struct swg_panel *panel = open_small(), *next;
    struct swgi_identity holder;
    (void)state;
    kill_child(start_holder(&holder));
    next = open_small();
    assert_int_equal(swgi_thread_enter(map_of(next)), 0);
    assert_int_equal(swgi_columns_leased(map_of(panel)), 1);
    swgi_owner_reap(map_of(panel), holder.owner, &holder.incarnation);
    assert_int_equal(swgi_columns_leased(map_of(panel)), 1);
    swg_panel_unref(next);
    assert_int_equal(swgi_columns_leased(map_of(panel)), 0);
    swg_panel_unref(panel);
}

static void test_a_dead_threads_column_is_taken_over(void **state) {
    struct swg_panel *panel = open_small();
    struct swgi_map *map = map_of(panel);
    struct swgi_identity holder;
    (void)state;
    pid_t child = start_holder(&holder);
    for (uint32_t c = 2; c < map->geometry.columns; c++)
        swgi_store(&map->leases[c], swgi_lease(me_in(panel).owner, me_in(panel).incarnation, 1));
    kill_child(child);
    assert_int_equal(swgi_thread_enter(map), 0);
    assert_int_equal(swgi_thread.column, 1);
    swg_panel_unref(panel);
}

static void test_a_stopped_process_is_alive(void **state) {
    struct swg_panel *panel = open_small();
    struct swgi_identity holder;
    pid_t child = start_holder(&holder);
    (void)state;
    kill(child, SIGSTOP);
    assert_true(alive(panel, holder));
    assert_int_equal(swgi_panel_reap(panel), 0);
    kill_child(child);
    swg_panel_unref(panel);
}

/* ---- 1,023 processes, by as many descriptors */

static int lock_slot(int slot) {
    struct flock lock = { .l_type = F_WRLCK, .l_start = SWGI_LOCK_PROCESSES + slot, .l_len = 1 };
    int fd = open(lock_file(), O_RDWR);
    if (fd < 0 || fcntl(fd, F_OFD_SETLK, &lock) != 0)
        abort();
    return fd;
}

static void test_process_1024_is_refused(void **state) {
    static int fds[SWGI_PROCESSES_MAX];
    struct swg_panel_options options = small_options();
    struct rlimit limit;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < SWGI_PROCESSES_MAX + 64) {
        print_message("this needs more descriptors than are allowed here\n");
        skip();
    }
    swg_panel_unref(open_small());
    for (int i = 0; i < (int)SWGI_PROCESSES_MAX; i++)
        fds[i] = lock_slot(i);
    assert_open_fails(&options, -EBUSY, "1023 processes");
    close(fds[1000]);
    struct swg_panel *panel = open_small();
    assert_int_equal(me_in(panel).owner, 1001);
    fds[1000] = fds[0];
    for (int i = 1; i < (int)SWGI_PROCESSES_MAX; i++)
        close(fds[i]);
    swg_panel_unref(panel);
}

/* ---- children */

static void uses_parents_panel(void *arg) {
    struct swg_panel *panel = arg;
    struct swgi_map *map = map_of(panel);
    struct swgi_identity parent = me_in(panel);
    uint64_t parents_lease = swgi_load(&map->leases[1]);
    CHILD_ASSERT(!swgi_thread_ready(map->tag));
    CHILD_ASSERT(swgi_thread_enter(map) == 0);
    CHILD_ASSERT(swgi_thread_ready(map->tag));
    CHILD_ASSERT(panel->is_private || me_in(panel).owner != parent.owner);
    CHILD_ASSERT(me_in(panel).owner != parent.owner ||
                 me_in(panel).incarnation != parent.incarnation);
    if (!panel->is_private) {
        CHILD_ASSERT(alive(panel, parent) && alive(panel, me_in(panel)));
        CHILD_ASSERT(swgi_load(&map->leases[1]) == parents_lease);
        CHILD_ASSERT(swgi_thread.column == 2);
    }
    swgi_column_add(&swgi_column(1)->calls, 1);
    CHILD_ASSERT(swgi_registry_lock(map) == 0);
    swgi_registry_unlock(map);
    CHILD_ASSERT(swg_panel_poll(panel) == 0);
    swg_panel_unref(panel);
}

static void test_a_child_is_a_process_of_its_own(void **state) {
    struct swg_panel *panel = open_small();
    struct swgi_map *map = map_of(panel);
    (void)state;
    assert_int_equal(swgi_thread_enter(map), 0);
    struct swgi_identity me = me_in(panel);
    in_child(uses_parents_panel, panel);
    assert_int_equal(me_in(panel).owner, me.owner);
    assert_int_equal(me_in(panel).incarnation, me.incarnation);
    assert_true(swgi_thread_ready(map->tag));
    assert_int_equal(swgi_column_sum(map, 1, SWGI_COUNTER(calls)), 1);
    struct swg_panel *other = open_small();
    assert_true(alive(other, me)); /* the child's end unlocked nothing */
    swg_panel_unref(other);
    swg_panel_unref(panel);
}

static void test_a_child_of_a_private_panel(void **state) {
    struct swg_panel *panel = open_private();
    (void)state;
    assert_int_equal(swgi_thread_enter(map_of(panel)), 0);
    in_child(uses_parents_panel, panel);
    assert_int_equal(swgi_column_sum(map_of(panel), 1, SWGI_COUNTER(calls)), 0);
    swg_panel_unref(panel);
}

static void closes_only(void *panel) {
    swg_panel_unref(panel);
}

static void test_a_child_that_only_closes(void **state) {
    struct swg_panel *panel = open_small(), *other = open_small();
    struct swgi_identity me = me_in(panel);
    (void)state;
    in_child(closes_only, panel);
    assert_true(alive(other, me));
    assert_int_not_equal(swgi_load(&map_of(other)->processes[me.owner - 1].pid), 0);
    swg_panel_unref(other);
    swg_panel_unref(panel);
}

static void waits(void *unused) {
    (void)unused;
    swgi_store(&words[0], 1);
    for (;;)
        pause();
}

static void opens_and_forks(void *unused) {
    struct swg_panel *panel = open_small();
    (void)unused;
    swgi_store(&words[3], me_in(panel).owner);
    swgi_store(&words[4], me_in(panel).incarnation);
    pid_t grandchild = fork();
    if (grandchild == 0)
        waits(NULL);
    swgi_store(&words[1], (uint32_t)grandchild);
    WAIT_FOR(swgi_load(&words[0]) == 1);
    swgi_store(&words[2], 1);
    for (;;)
        pause();
}

/* A child that never uses the panel does not keep its dead parent alive. */
static void test_a_parent_is_dead_though_its_child_lives(void **state) {
    struct swg_panel *panel = open_small();
    (void)state;
    words = shared_words(5);
    pid_t child = start_child(opens_and_forks, NULL);
    WAIT_FOR(swgi_load(&words[2]) == 1);
    struct swgi_identity parent = { .owner = swgi_load(&words[3]),
                                    .incarnation = swgi_load(&words[4]) };
    assert_true(alive(panel, parent));
    kill_child(child);
    assert_false(alive(panel, parent));
    kill((pid_t)swgi_load(&words[1]), SIGKILL);
    swg_panel_unref(panel);
}

static void gives_up_rights(void *arg) {
    struct swg_panel *panel = arg;
    CHILD_ASSERT(setgid(65534) == 0 && setuid(65534) == 0);
    CHILD_ASSERT(swgi_thread_enter(map_of(panel)) == 0);
    CHILD_ASSERT(swgi_registry_lock(map_of(panel)) == 0);
    swgi_registry_unlock(map_of(panel));
    swg_panel_unref(panel);
}

static void test_a_child_that_gives_up_its_rights(void **state) {
    (void)state;
    if (geteuid() != 0) {
        print_message("this needs root\n");
        skip();
    }
    struct swg_panel *panel = open_small();
    in_child(gives_up_rights, panel);
    swg_panel_unref(panel);
}

static pid_t raw_clone(void) {
    fflush(NULL);
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

/* fork() and pthread_atfork() know nothing of this one. */
static void test_a_raw_clone(void **state) {
    (void)state;
    if (!pages_are_wiped()) {
        print_message(NOT_WIPED);
        skip();
    }
    struct swg_panel *panel = open_small(), *other = open_small();
    struct swgi_identity me = me_in(panel);
    assert_int_equal(swgi_thread_enter(map_of(panel)), 0);
    pid_t child = raw_clone();
    assert_true(child >= 0);
    if (child == 0) {
        uses_parents_panel(panel);
        _exit(0);
    }
    child_ended_well(child);
    assert_true(alive(other, me));
    swg_panel_unref(other);
    swg_panel_unref(panel);
}

static void has_child_too(void *arg) {
    uses_parents_panel(swg_panel_ref(arg));
    in_child(uses_parents_panel, arg);
}

static void test_children_of_children(void **state) {
    struct swg_panel *panel = open_private();
    (void)state;
    swg_panel_ref(panel);
    assert_int_equal(swgi_thread_enter(map_of(panel)), 0);
    in_child(has_child_too, panel);
    swg_panel_unref(panel);
    swg_panel_unref(panel);
}

/* ---- children of a process whose threads are at work, holding whatever there is to hold */

struct work {
    struct swgi_map *map;
    _Atomic uint32_t stop;
};

static void *works(void *arg) {
    struct work *work = arg;
    char name[32];
    uint32_t index;
    for (unsigned i = 0; swgi_load(&work->stop) == 0; i++) {
        if (swgi_thread_enter(work->map) != 0 || swgi_registry_lock(work->map) != 0)
            continue;
        snprintf(name, sizeof(name), "n-%u-%u", i, swgi_thread.column);
        if (swgi_registry_claim(work->map, name, swgi_name_hash(name), &index) == 0) {
            swgi_registry_publish(work->map, index);
            swgi_registry_remove(work->map, index);
        }
        swgi_registry_unlock(work->map);
        swgi_owner_alive(work->map, 3, 1, 14);
    }
    return NULL;
}

static void finds_it_usable(void *arg) {
    struct swg_panel *panel = arg;
    struct swgi_map *map = map_of(panel);
    uint32_t index;
    CHILD_ASSERT(swgi_thread_enter(map) == 0);
    if (panel->is_private) {
        CHILD_ASSERT(swgi_registry_lock(map) == 0); /* whoever held it is not here */
        CHILD_ASSERT(swgi_registry_claim(map, "child", swgi_name_hash("child"), &index) == 0);
        swgi_registry_publish(map, index);
        swgi_registry_unlock(map);
        CHILD_ASSERT(swgi_registry_find(map, "child", swgi_name_hash("child"), &index, &index));
    }
    CHILD_ASSERT(swg_panel_poll(panel) >= 0);
}

static void fork_among_threads(struct swg_panel *panel) {
    struct work work = { .map = map_of(panel), .stop = 0 };
    pthread_t threads[3];
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, works, &work), 0);
    for (unsigned i = 0; i < 60; i++)
        in_child(finds_it_usable, panel);
    swgi_store(&work.stop, 1);
    for (unsigned i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    swg_panel_unref(panel);
}

static void test_forks_among_threads(void **state) {
    (void)state;
    fork_among_threads(open_private());
    fork_among_threads(open_small());
}

/* ---- descriptors closed behind our back */

static void loses_its_lock(void *unused) {
    struct swg_panel *panel = open_small();
    struct swgi_map *map = map_of(panel);
    struct swgi_identity before = me_in(panel);
    (void)unused;
    CHILD_ASSERT(swgi_thread_enter(map) == 0);
    int taken = panel->lock_fd;
    closefrom(3);
    CHILD_ASSERT(dup2(0, taken) == taken); /* the number is somebody else's now */
    struct swg_panel *other = open_small();
    CHILD_ASSERT(me_in(other).owner == before.owner); /* its lock is gone, so its slot is free */
    CHILD_ASSERT(swgi_registry_lock(map) == 0);
    swgi_registry_unlock(map);
    CHILD_ASSERT(me_in(panel).owner != before.owner);
    CHILD_ASSERT(alive(other, me_in(panel)));
    CHILD_ASSERT(!swgi_thread_ready(map->tag)); /* columns were of the old name */
    CHILD_ASSERT(swgi_thread_enter(map) == 0);
    swg_panel_unref(other);
    swg_panel_unref(panel);
    CHILD_ASSERT(fcntl(taken, F_GETFD) != -1); /* not ours to close */
}

static void test_closefrom(void **state) {
    (void)state;
    in_child(loses_its_lock, NULL);
}

static void loses_its_number_to_another_panel(void *unused) {
    struct swg_panel *panel = open_small();
    struct swgi_identity before = me_in(panel);
    int number = panel->lock_fd;
    (void)unused;
    closefrom(3);
    struct swg_panel *other = open_small(); /* the very same file, under the very same number */
    CHILD_ASSERT(other->lock_fd == number);
    CHILD_ASSERT(swgi_registry_lock(map_of(panel)) == 0);
    swgi_registry_unlock(map_of(panel));
    CHILD_ASSERT(panel->lock_fd != number);
    CHILD_ASSERT(me_in(panel).owner != before.owner && me_in(other).owner == before.owner);
    CHILD_ASSERT(alive(panel, me_in(other)) && alive(other, me_in(panel)));
    swg_panel_unref(panel);
    swg_panel_unref(other);
}

static void test_the_same_number_again(void **state) {
    (void)state;
    in_child(loses_its_number_to_another_panel, NULL);
}

/* ---- tags */

struct wanted {
    uint64_t tag;
};

static bool is_wanted(uint64_t tag, void *wanted) {
    return tag == ((struct wanted *)wanted)->tag;
}

static void knows_its_parents_tag(void *arg) {
    struct swg_panel *panel = arg;
    struct wanted parents = { .tag = map_of(panel)->tag_value };
    bool current = true;
    CHILD_ASSERT(swgi_map_of_tag(is_wanted, &parents, &current) == map_of(panel) && !current);
    CHILD_ASSERT(swgi_thread_enter(map_of(panel)) == 0);
    CHILD_ASSERT(swgi_map_of_tag(is_wanted, &parents, &current) == map_of(panel) && !current);
    struct wanted own = { .tag = map_of(panel)->tag_value };
    CHILD_ASSERT(swgi_map_of_tag(is_wanted, &own, &current) == map_of(panel) && current);
}

static void test_tags_of_before_a_fork(void **state) {
    struct swg_panel *panel = open_private(), *other = open_small();
    struct wanted tag = { .tag = map_of(panel)->tag_value }, none = { .tag = 2 };
    bool current = false;
    (void)state;
    assert_ptr_equal(swgi_map_of_tag(is_wanted, &tag, &current), map_of(panel));
    assert_true(current);
    assert_null(swgi_map_of_tag(is_wanted, &none, &current));
    in_child(knows_its_parents_tag, panel);
    in_child(knows_its_parents_tag, other);
    swg_panel_unref(panel);
    assert_null(swgi_map_of_tag(is_wanted, &tag, &current));
    swg_panel_unref(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_alone_in_private_memory),
        IN_FOLDER(test_each_has_a_slot_of_its_own),
        IN_FOLDER(test_a_process_says_who_it_is),
        IN_FOLDER(test_the_dead_are_reaped_once),
        IN_FOLDER(test_the_next_owner_reaps),
        IN_FOLDER(test_a_late_reaper_spares_the_next_owner),
        IN_FOLDER(test_a_dead_threads_column_is_taken_over),
        IN_FOLDER(test_a_stopped_process_is_alive),
        IN_FOLDER(test_process_1024_is_refused),
        IN_FOLDER(test_a_child_is_a_process_of_its_own),
        IN_FOLDER(test_a_child_of_a_private_panel),
        IN_FOLDER(test_a_child_that_only_closes),
        IN_FOLDER(test_a_parent_is_dead_though_its_child_lives),
        IN_FOLDER(test_a_child_that_gives_up_its_rights),
        IN_FOLDER(test_a_raw_clone),
        IN_FOLDER(test_children_of_children),
        IN_FOLDER(test_forks_among_threads),
        IN_FOLDER(test_closefrom),
        IN_FOLDER(test_the_same_number_again),
        IN_FOLDER(test_tags_of_before_a_fork),
    };
    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
