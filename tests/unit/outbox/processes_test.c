/* Several processes and threads on one database: nothing twice, nothing out of order, one run at a time, no heir of a fork. */
#include "outbox_fixture.h"

#include <poll.h>
#include <pthread.h>

#define EACH 60

#define MUST(condition)                                                             \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            _exit(1);                                                               \
        }                                                                           \
    } while (0)

static pid_t start(void (*story)(struct fixture *, int), struct fixture *f, int number) {
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        alarm(120);
        story(f, number);
        _exit(0);
    }
    return pid;
}

static void join(pid_t pid) {
    int status = 0;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void puts_sixty(struct fixture *f, int number) {
    char key[16];

    MUST(open_outbox(f) == 0);
    for (int i = 0; i < EACH; i++) {
        snprintf(key, sizeof(key), "%d-%03d", number, i);
        MUST(put(f, key, "x") == 0);
    }
}

/* Both receivers append to one file, so it tells the order between them too. */
static int writes_down(struct swg_outbox_item *item, void *arg) {
    char line[64];
    int length = snprintf(line, sizeof(line), "%s#%u\n", item->key, item->attempt);

    MUST(write(*(int *)arg, line, (size_t)length) == length);
    return SWG_SUCCESS;
}

static void runs_until_all_came(struct fixture *f, int file) {
    struct swg_outbox_info info = SWG_OUTBOX_INFO_INIT;

    MUST(open_outbox(f) == 0);
    do {
        int rc = swg_outbox_run(f->outbox, f->circuit, writes_down, &file, 3, NULL, &f->error);

        MUST(rc == SWG_GO || rc == -EBUSY);
        MUST(swg_outbox_status(f->outbox, &info) == 0);
        if (rc == -EBUSY || info.pending == 0)
            poll(NULL, 0, 1);
    } while (info.delivered < 2 * EACH);
}

static void check_written(FILE *file) {
    int next[2] = { 0, 0 }, writer, number, lines = 0;
    unsigned attempt;

    rewind(file);
    for (; fscanf(file, "%d-%d#%u\n", &writer, &number, &attempt) == 3; lines++) {
        assert_true(writer == 0 || writer == 1);
        assert_int_equal(number, next[writer]++);
        assert_int_equal(attempt, 1);
    }
    assert_int_equal(lines, 2 * EACH);
}

static void two_put_and_two_run(void **state) {
    struct fixture *f = *state;
    char name[128];
    pid_t pids[4];

    snprintf(name, sizeof(name), "%s/written", f->folder);
    FILE *file = fopen(name, "a+");
    assert_non_null(file);
    for (int i = 0; i < 4; i++)
        pids[i] = i < 2 ? start(puts_sixty, f, i) : start(runs_until_all_came, f, fileno(file));
    for (int i = 0; i < 4; i++)
        join(pids[i]);
    check_written(file);
    fclose(file);
    assert_int_equal(open_outbox(f), 0);
    assert_int_equal(look(f).pending, 0);
    assert_int_equal(look(f).delivered, 2 * EACH);
    check_counters(f);
}

/* ---- a runner that dies */

static int says_so_and_hangs(struct swg_outbox_item *item, void *arg) {
    MUST(write(*(int *)arg, item->key, 1) == 1);
    for (;;)
        pause();
}

static void hangs_in_a_delivery(struct fixture *f, int pipe_end) {
    MUST(open_outbox(f) == 0);
    swg_outbox_run(f->outbox, f->circuit, says_so_and_hangs, &pipe_end, 0, NULL, NULL);
    _exit(1);
}

/* Returns once it is in the callback. */
static pid_t start_hanging(struct fixture *f) {
    int ends[2];
    char said = 0;

    assert_int_equal(pipe(ends), 0);
    pid_t pid = start(hangs_in_a_delivery, f, ends[1]);
    close(ends[1]);
    assert_int_equal(read(ends[0], &said, 1), 1);
    assert_int_equal(said, 'a');
    close(ends[0]);
    return pid;
}

static void kill_it(pid_t pid) {
    int status = 0;

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void put_ab(struct fixture *f) {
    assert_int_equal(open_outbox(f), 0);
    assert_int_equal(put(f, "a", "1"), 0);
    assert_int_equal(put(f, "b", "2"), 0);
    close_outbox(f);
}

static void a_killed_runner_is_in_nobodys_way_and_was_an_attempt(void **state) {
    struct fixture *f = *state;

    put_ab(f);
    pid_t pid = start_hanging(f);
    assert_int_equal(open_outbox(f), 0);
    assert_true(look(f).running);
    assert_int_equal(run(f, 0), -EBUSY);
    assert_int_equal(put(f, "c", "3"), 0);
    kill_it(pid);
    assert_false(look(f).running);
    assert_int_equal(look(f).attempts, 1);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "a=1#2 b=2#1 c=3#1 ");
    check_counters(f);
}

static void what_kills_its_runners_is_given_up(void **state) {
    struct fixture *f = *state;
    struct swg_outbox_dead dead = SWG_OUTBOX_DEAD_INIT;
    uint64_t cursor = 0;

    f->options.attempts_max = 2;
    put_ab(f);
    kill_it(start_hanging(f));
    kill_it(start_hanging(f));
    assert_int_equal(open_outbox(f), 0);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "b=2#1 ");
    assert_int_equal(swg_outbox_dead_next(f->outbox, &cursor, &dead), 0);
    assert_string_equal(dead.key, "a");
    assert_string_equal(dead.kind, "broken_off");
    assert_int_equal(dead.attempts, 2);
    check_counters(f);
}

/* ---- fork */

static void is_an_heir(struct fixture *f, int unused) {
    struct swg_outbox *mine = f->outbox;

    (void)unused;
    MUST(put(f, "x", "1") == -EPERM);
    MUST(strcmp(f->error.key, "fork") == 0);
    MUST(run(f, 0) == -EPERM);
    MUST(open_outbox(f) == -EPERM);
    MUST(swg_outbox_close(mine) == NULL);
    MUST(open_outbox(f) == -EPERM);
}

static void a_forked_child_leaves_its_parents_alone(void **state) {
    struct fixture *f = *state;

    assert_int_equal(open_outbox(f), 0);
    assert_int_equal(put(f, "a", "1"), 0);
    join(start(is_an_heir, f, 0));
    assert_int_equal(put(f, "b", "2"), 0);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "a=1#1 b=2#1 ");
}

/* A child that returns from the callback must not give its parent's lock away. */
static int forks(struct swg_outbox_item *item, void *arg) {
    struct fixture *f = arg;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        return SWG_SUCCESS;
    join(pid);
    assert_true(swg_outbox_run(f->outbox, f->circuit, receive, f, 0, NULL, NULL) == -EBUSY);
    struct swg_outbox *second, *first = f->outbox;
    assert_int_equal(open_outbox(f), 0);
    second = f->outbox;
    f->outbox = first;
    assert_int_equal(swg_outbox_run(second, f->circuit, receive, f, 0, NULL, NULL), -EBUSY);
    swg_outbox_close(second);
    return receive(item, arg);
}

static void a_callback_may_fork(void **state) {
    struct fixture *f = *state;
    pid_t me = getpid();

    assert_int_equal(open_outbox(f), 0);
    assert_int_equal(put(f, "a", "1"), 0);
    int rc = swg_outbox_run(f->outbox, f->circuit, forks, f, 0, NULL, NULL);
    if (getpid() != me)
        _exit(rc == -EPERM ? 0 : 1);
    assert_int_equal(rc, SWG_GO);
    assert_string_equal(f->got, "a=1#1 ");
}

/* ---- threads */

static void *thread_puts(void *arg) {
    struct fixture *f = arg;
    char text[24];

    for (int i = 0; i < EACH; i++) {
        snprintf(text, sizeof(text), "%lx-%d", (unsigned long)pthread_self(), i);
        if (swg_outbox_put(f->outbox, text, "x", 1, NULL) != 0)
            return f;
    }
    return NULL;
}

static int counts(struct swg_outbox_item *item, void *arg) {
    (void)item;
    ++*(int *)arg;
    return SWG_SUCCESS;
}

static void threads_share_a_handle(void **state) {
    struct fixture *f = *state;
    pthread_t threads[3];
    void *went_wrong;
    int came = 0;

    assert_int_equal(open_outbox(f), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, thread_puts, f), 0);
    while (look(f).delivered < 3 * EACH)
        assert_int_equal(swg_outbox_run(f->outbox, f->circuit, counts, &came, 0, NULL, NULL),
                         SWG_GO);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], &went_wrong), 0);
        assert_null(went_wrong);
    }
    assert_int_equal(came, 3 * EACH);
    check_counters(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BARE_STORY(two_put_and_two_run),
        BARE_STORY(a_killed_runner_is_in_nobodys_way_and_was_an_attempt),
        BARE_STORY(what_kills_its_runners_is_given_up),
        BARE_STORY(a_forked_child_leaves_its_parents_alone),
        BARE_STORY(a_callback_may_fork),
        BARE_STORY(threads_share_a_handle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
