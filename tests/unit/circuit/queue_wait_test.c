/* Waiting for real: threads that block, loops that poll a descriptor, and processes that end in the middle of it. */
#include "bad_input.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#define MS(n)   ((n)*INT64_C(1000000))
#define WAITERS 8
#define ENOUGH  S(60) /* for whatever must come in the end */

static struct swg_panel *panel;
static struct swg_config *config;
static struct swg_circuit *circuit;

static void set(const char *key, const char *value) {
    struct swg_error error = SWG_ERROR_INIT;
    if (swg_config_set(config, key, value, &error) != 0)
        fail_msg("%s=%s: %s", key, value, error.text);
}

static int begin(void **state) {
    if (begin_folder(state) != 0 || swg_config_new(&config) != 0)
        return -1;
    set("bulkhead.max_concurrent", "1");
    set("bulkhead.when_busy", "wait");
    set("bulkhead.max_wait", "5m");
    panel = open_small(path);
    return 0;
}

static int end(void **state) {
    config = swg_config_unref(config);
    panel = swg_panel_unref(panel);
    return end_folder(state);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)

static void make(void) {
    struct swg_error error = SWG_ERROR_INIT;
    if (swg_circuit_get(panel, "dependency", config, &circuit, &error) != 0)
        fail_msg("%s: %s", error.key, error.text);
}

static void end_ok(struct swg_permit *permit) {
    assert_int_equal(swg_record(permit, SWG_SUCCESS), 0);
}

static void wait_a_moment(void) {
    nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static void until_queued(unsigned count) {
    for (unsigned patience = 0; patience < 60000; patience++) {
        assert_true(swg_panel_poll(panel) >= 0); /* gives back what the dead hold */
        if (status_of(circuit).queue_length == count)
            return;
        wait_a_moment();
    }
    fail_msg("%u wait, not %u", status_of(circuit).queue_length, count);
}

static void assert_all_over(void) {
    struct swg_status seen = status_of(circuit);
    assert_int_equal(seen.in_flight, 0);
    assert_int_equal(seen.permits_held, 0);
    assert_int_equal(seen.queue_length, 0);
}

/* ---- threads that block */

struct waiter {
    pthread_t thread;
    int rc, priority;
    unsigned turn; /* which of them it was */
};

static _Atomic unsigned turns, at_once, most;

static void work(void) {
    unsigned here = atomic_fetch_add(&at_once, 1) + 1, seen = most;
    while (here > seen && !atomic_compare_exchange_weak(&most, &seen, here))
        continue;
    atomic_fetch_sub(&at_once, 1);
}

static void *wait_and_work(void *arg) {
    struct waiter *waiter = arg;
    struct swg_request request = SWG_REQUEST_INIT;
    struct swg_permit permit;
    request.priority = waiter->priority;
    waiter->rc = swg_acquire(circuit, &request, &permit);
    if (waiter->rc == SWG_QUEUED)
        waiter->rc = swg_wait(&permit, SWG_NS_MAX);
    if (waiter->rc != SWG_GO)
        return NULL;
    waiter->turn = atomic_fetch_add(&turns, 1);
    work();
    swg_record(&permit, SWG_SUCCESS);
    return NULL;
}

static void start(struct waiter *waiter, int priority) {
    unsigned before = status_of(circuit).queue_length;
    waiter->priority = priority;
    assert_int_equal(pthread_create(&waiter->thread, NULL, wait_and_work, waiter), 0);
    until_queued(before + 1);
}

static void test_threads_take_turns(void **state) {
    struct waiter waiters[WAITERS] = { 0 };
    struct swg_permit held;
    (void)state;
    turns = at_once = most = 0;
    make();
    held = admitted(circuit);
    for (unsigned i = 0; i < WAITERS; i++)
        start(&waiters[i], 0);
    end_ok(&held);
    for (unsigned i = 0; i < WAITERS; i++) {
        pthread_join(waiters[i].thread, NULL);
        assert_int_equal(waiters[i].rc, SWG_GO);
    }
    assert_int_equal(turns, WAITERS);
    assert_int_equal(most, 1);
    assert_all_over();
}

static void test_a_trip_wakes_all(void **state) {
    struct waiter waiters[WAITERS] = { 0 };
    struct swg_permit held;
    (void)state;
    make();
    held = admitted(circuit);
    for (unsigned i = 0; i < WAITERS; i++)
        start(&waiters[i], (int)i - 4);
    assert_int_equal(swg_circuit_trip(circuit, NULL, NULL), 0);
    for (unsigned i = 0; i < WAITERS; i++) {
        pthread_join(waiters[i].thread, NULL);
        assert_int_equal(waiters[i].rc, SWG_OPEN);
    }
    assert_int_equal(status_of(circuit).rejected_open, WAITERS);
    end_ok(&held);
    assert_all_over();
}

/* Until then, and no longer; and the place is still there. */
static void test_waits_until_an_instant(void **state) {
    struct swg_permit held, waits;
    (void)state;
    make();
    held = admitted(circuit);
    assert_int_equal(swg_acquire(circuit, NULL, &waits), SWG_QUEUED);
    swg_ns until = swg_now() + MS(30);
    assert_int_equal(swg_wait(&waits, until), SWG_QUEUED);
    assert_true(swg_now() >= until);
    assert_int_equal(swg_wait(&waits, 0), SWG_QUEUED);
    end_ok(&held);
    assert_int_equal(swg_wait(&waits, swg_now() + ENOUGH), SWG_GO);
    end_ok(&waits);
    assert_all_over();
}

static void test_waits_no_longer_than_it_may(void **state) {
    struct swg_request request = SWG_REQUEST_INIT;
    struct swg_permit held, waits;
    (void)state;
    set("bulkhead.max_wait", "20ms");
    make();
    held = admitted(circuit);
    assert_int_equal(swg_acquire(circuit, NULL, &waits), SWG_QUEUED);
    assert_int_equal(swg_wait(&waits, SWG_NS_MAX), SWG_FULL);
    request.deadline = swg_now() + MS(10);
    assert_int_equal(swg_acquire(circuit, &request, &waits), SWG_QUEUED);
    assert_int_equal(swg_wait(&waits, SWG_NS_MAX), SWG_EXPIRED);
    assert_true(swg_now() >= request.deadline);
    end_ok(&held);
    assert_all_over();
}

/* Without a place in the queue one waits all the same. */
static void test_waits_outside(void **state) {
    struct waiter inside = { 0 };
    struct swg_permit held, outside;
    (void)state;
    set("bulkhead.max_queue", "1");
    set("bulkhead.when_queue_full", "wait");
    make();
    held = admitted(circuit);
    start(&inside, 0);
    assert_int_equal(swg_acquire(circuit, NULL, &outside), SWG_QUEUED);
    assert_int_equal(status_of(circuit).queue_length, 1);
    end_ok(&held);
    assert_int_equal(swg_wait(&outside, swg_now() + ENOUGH), SWG_GO);
    end_ok(&outside);
    pthread_join(inside.thread, NULL);
    assert_int_equal(inside.rc, SWG_GO);
    assert_all_over();
}

static void test_waits_for_its_time(void **state) {
    struct swg_permit first, second;
    (void)state;
    set("bulkhead.max_concurrent", "off");
    set("bulkhead.when_busy", "reject");
    set("limiter.rate", "50");
    set("limiter.algorithm", "leaky_bucket");
    set("limiter.when_limited", "wait");
    make();
    swg_ns began = swg_now();
    first = admitted(circuit);
    assert_int_equal(swg_acquire(circuit, NULL, &second), SWG_QUEUED);
    assert_int_equal(swg_wait(&second, SWG_NS_MAX), SWG_GO);
    assert_true(swg_now() - began >= MS(19));
    end_ok(&first);
    end_ok(&second);
}

/* ---- event loops */

static bool is_readable(int fd, int timeout_ms) {
    struct pollfd watched = { .fd = fd, .events = POLLIN };
    return poll(&watched, 1, timeout_ms) == 1;
}

/* Polls all of them whenever the descriptor says so, until they are served; how often it was woken. */
static unsigned loop(int fd, struct swg_permit *permits, unsigned count, int wanted) {
    unsigned woken = 0;
    for (unsigned served = 0; served < count;) {
        assert_true(is_readable(fd, 60000));
        woken++;
        for (unsigned i = 0; i < count; i++) {
            int rc = permits[i].opaque[0] != 0 ? swg_poll(&permits[i]) : SWG_QUEUED;
            if (rc == SWG_QUEUED)
                continue;
            assert_int_equal(rc, wanted);
            if (rc == SWG_GO)
                end_ok(&permits[i]);
            permits[i].opaque[0] = 0;
            served++;
        }
    }
    return woken;
}

static int listen_to(struct swg_permit *permits, unsigned count) {
    int fd = -1;
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(swg_acquire(circuit, NULL, &permits[i]), SWG_QUEUED);
        int same = swg_wait_fd(&permits[i]);
        assert_true(same >= 0 && (fd < 0 || same == fd));
        fd = same;
        assert_int_equal(swg_wait_fd(&permits[i]), fd);
    }
    return fd;
}

/* Nobody waits any more: what is not read does not wake the loop for ever. */
static void assert_silent(int fd) {
    for (unsigned patience = 0; is_readable(fd, 0); patience++)
        assert_true(patience < 10);
    assert_false(is_readable(fd, 30));
}

static void test_a_loop_is_woken(void **state) {
    struct swg_permit held, permits[4];
    (void)state;
    make();
    held = admitted(circuit);
    int fd = listen_to(permits, 4);
    end_ok(&held);
    loop(fd, permits, 4, SWG_GO);
    assert_silent(fd);
    assert_all_over();
}

static void test_a_loop_hears_of_a_trip(void **state) {
    struct swg_permit held, permits[4];
    (void)state;
    make();
    held = admitted(circuit);
    int fd = listen_to(permits, 4);
    assert_int_equal(swg_circuit_trip(circuit, NULL, NULL), 0);
    loop(fd, permits, 4, SWG_OPEN);
    assert_silent(fd);
    end_ok(&held);
    assert_all_over();
}

static void test_a_loop_gives_up(void **state) {
    struct swg_permit held, permits[4];
    (void)state;
    make();
    held = admitted(circuit);
    int fd = listen_to(permits, 4);
    for (unsigned i = 0; i < 4; i++)
        swg_cancel(&permits[i]);
    assert_silent(fd);
    end_ok(&held);
    assert_all_over();
}

/* It is emptied by polling: between two wake-ups the loop sleeps. */
static void assert_sleeps_between(int fd, struct swg_permit *permits, unsigned count) {
    unsigned woken = 0;
    for (swg_ns until = swg_now() + MS(200); swg_now() < until; woken++) {
        if (!is_readable(fd, 1000))
            break;
        for (unsigned i = 0; i < count; i++)
            assert_int_equal(swg_poll(&permits[i]), SWG_QUEUED);
    }
    assert_in_range(woken, 1, 400);
}

static void test_a_loop_sleeps_in_between(void **state) {
    struct swg_permit held, permits[2];
    (void)state;
    set("bulkhead.max_queue", "1");
    set("bulkhead.when_queue_full", "wait");
    make();
    held = admitted(circuit);
    int fd = listen_to(permits, 2); /* one inside, one outside */
    assert_sleeps_between(fd, permits, 2);
    swg_cancel(&permits[0]);
    assert_sleeps_between(fd, permits + 1, 1);
    end_ok(&held);
    loop(fd, permits + 1, 1, SWG_GO);
    assert_silent(fd);
    assert_all_over();
}

static void test_a_loop_that_is_paced(void **state) {
    struct swg_permit first, permits[2];
    (void)state;
    set("limiter.rate", "3");
    set("limiter.algorithm", "leaky_bucket");
    set("limiter.when_limited", "wait");
    make();
    first = admitted(circuit);
    int fd = listen_to(permits, 2);
    assert_sleeps_between(fd, permits, 2);
    swg_cancel(&permits[1]);
    while (status_of(circuit).queue_length == 0) { /* until its time has come; its permit has not */
        assert_true(is_readable(fd, 60000));
        assert_int_equal(swg_poll(&permits[0]), SWG_QUEUED);
    }
    assert_sleeps_between(fd, permits, 1);
    end_ok(&first);
    loop(fd, permits, 1, SWG_GO);
    assert_silent(fd);
    assert_all_over();
}

/* ---- other processes */

static struct shared { _Atomic int ready, go; } * shared;

static void share(void) {
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
}

static pid_t child(void (*story)(void)) {
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        story();
        _exit(0);
    }
    return pid;
}

static int join(pid_t pid) {
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* One that is stopped when others see it in the queue, but not back from asking, may find a permit. */
static void wait_in_child(void) {
    struct swg_permit permit;
    int rc = swg_acquire(circuit, NULL, &permit);
    CHILD_ASSERT(rc == SWG_QUEUED || rc == SWG_GO);
    CHILD_ASSERT(rc == SWG_GO || swg_wait(&permit, SWG_NS_MAX) == SWG_GO);
    CHILD_ASSERT(swg_record(&permit, SWG_SUCCESS) == 0);
}

static void test_processes_take_turns(void **state) {
    pid_t children[3];
    struct swg_permit held;
    (void)state;
    make();
    held = admitted(circuit);
    for (unsigned i = 0; i < 3; i++) {
        children[i] = child(wait_in_child);
        until_queued(i + 1);
    }
    end_ok(&held);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(join(children[i]), 0);
    assert_all_over();
}

static void hold_and_hang(void) {
    struct swg_permit permit;
    CHILD_ASSERT(swg_acquire(circuit, NULL, &permit) == SWG_GO);
    shared->ready = 1;
    for (;;)
        pause();
}

/* The permit of the killed goes to whoever waits for it. */
static void test_a_killed_holder_gives_way(void **state) {
    struct swg_permit waits;
    (void)state;
    share();
    make();
    pid_t holder = child(hold_and_hang);
    while (shared->ready == 0)
        wait_a_moment();
    assert_int_equal(swg_acquire(circuit, NULL, &waits), SWG_QUEUED);
    assert_int_equal(kill(holder, SIGKILL), 0);
    assert_int_equal(join(holder), 128 + SIGKILL);
    assert_int_equal(swg_wait(&waits, swg_now() + ENOUGH), SWG_GO);
    end_ok(&waits);
    assert_int_equal(status_of(circuit).permits_held, 0);
    munmap(shared, sizeof(*shared));
}

static void test_a_killed_waiter_gives_way(void **state) {
    struct swg_permit held, waits;
    (void)state;
    make();
    held = admitted(circuit);
    pid_t first = child(wait_in_child);
    until_queued(1);
    assert_int_equal(swg_acquire(circuit, NULL, &waits), SWG_QUEUED);
    assert_int_equal(kill(first, SIGKILL), 0);
    assert_int_equal(join(first), 128 + SIGKILL);
    end_ok(&held);
    assert_int_equal(swg_wait(&waits, swg_now() + ENOUGH), SWG_GO);
    end_ok(&waits);
    until_queued(0); /* its place, too */
    assert_all_over();
}

/* Who was stopped holds nobody up, and has its turn once it goes on. */
static void test_a_stopped_waiter_is_passed(void **state) {
    struct swg_permit held, waits;
    (void)state;
    make();
    held = admitted(circuit);
    pid_t first = child(wait_in_child);
    until_queued(1);
    assert_int_equal(kill(first, SIGSTOP), 0);
    assert_int_equal(swg_acquire(circuit, NULL, &waits), SWG_QUEUED);
    end_ok(&held);
    assert_int_equal(swg_wait(&waits, swg_now() + ENOUGH), SWG_GO);
    end_ok(&waits);
    assert_int_equal(kill(first, SIGCONT), 0);
    assert_int_equal(join(first), 0);
    assert_all_over();
}

/* A place, and a permit, of before a fork are the parent's. */
static struct swg_permit of_before[2];

static void use_the_parents(void) {
    CHILD_ASSERT(swg_poll(&of_before[1]) == -EINVAL);
    CHILD_ASSERT(swg_wait(&of_before[1], SWG_NS_MAX) == -EINVAL);
    CHILD_ASSERT(swg_wait_fd(&of_before[1]) == -EINVAL);
    CHILD_ASSERT(swg_record(&of_before[0], SWG_FAILURE) == 0);
    CHILD_ASSERT(swg_record(&of_before[0], SWG_FAILURE) == 0);
}

static void test_of_before_a_fork(void **state) {
    (void)state;
    make();
    of_before[0] = admitted(circuit);
    assert_int_equal(swg_acquire(circuit, NULL, &of_before[1]), SWG_QUEUED);
    assert_int_equal(join(child(use_the_parents)), 0);
    assert_int_equal(status_of(circuit).permits_held, 1);
    assert_int_equal(status_of(circuit).queue_length, 1);
    assert_int_equal(status_of(circuit).failures, 0);
    end_ok(&of_before[0]);
    assert_int_equal(swg_wait(&of_before[1], swg_now() + ENOUGH), SWG_GO);
    end_ok(&of_before[1]);
    assert_all_over();
}

static void loop_in_child(void) {
    struct swg_permit permit;
    CHILD_ASSERT(swg_acquire(circuit, NULL, &permit) == SWG_QUEUED);
    int fd = swg_wait_fd(&permit), rc = SWG_QUEUED;
    CHILD_ASSERT(fd >= 0);
    while (rc == SWG_QUEUED) {
        CHILD_ASSERT(is_readable(fd, 60000));
        rc = swg_poll(&permit);
    }
    CHILD_ASSERT(rc == SWG_GO && swg_record(&permit, SWG_SUCCESS) == 0);
}

/* A forked child asks anew, and has a descriptor of its own. */
static void test_loops_of_two_processes(void **state) {
    struct swg_permit held, permits[2];
    (void)state;
    make();
    held = admitted(circuit);
    int fd = listen_to(permits, 2);
    pid_t other = child(loop_in_child);
    until_queued(3);
    end_ok(&held);
    loop(fd, permits, 2, SWG_GO);
    assert_int_equal(join(other), 0);
    assert_silent(fd);
    assert_all_over();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_threads_take_turns),
        STORY(test_a_trip_wakes_all),
        STORY(test_waits_until_an_instant),
        STORY(test_waits_no_longer_than_it_may),
        STORY(test_waits_outside),
        STORY(test_waits_for_its_time),
        STORY(test_a_loop_is_woken),
        STORY(test_a_loop_hears_of_a_trip),
        STORY(test_a_loop_gives_up),
        STORY(test_a_loop_sleeps_in_between),
        STORY(test_a_loop_that_is_paced),
        STORY(test_processes_take_turns),
        STORY(test_a_killed_holder_gives_way),
        STORY(test_a_killed_waiter_gives_way),
        STORY(test_a_stopped_waiter_is_passed),
        STORY(test_of_before_a_fork),
        STORY(test_loops_of_two_processes),
    };
    return cmocka_run_group_tests_name("waiting for real", tests, NULL, NULL);
}
