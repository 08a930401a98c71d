/* Durable before acknowledged: this program's fsync() stands in front of libc's, counts, and fails when a story wants it to. */
#include "outbox_fixture.h"

#include <sys/syscall.h>

static unsigned synced;
static int failing;

static int sync_by(long number, int fd) {
    synced++;
    if (failing) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(number, fd);
}

int fsync(int fd) {
    return sync_by(SYS_fsync, fd);
}

int fdatasync(int fd) {
    return sync_by(SYS_fdatasync, fd);
}

static void every_put_waits_for_the_disk(void **state) {
    struct fixture *f = *state;
    char key[16];

    for (int i = 0; i < 10; i++) {
        unsigned before = synced;

        snprintf(key, sizeof(key), "%d", i);
        assert_int_equal(put(f, key, "x"), 0);
        assert_true(synced > before);
    }
}

static void a_batch_waits_once(void **state) {
    struct fixture *f = *state;
    struct swg_outbox_entry batch[50];

    for (int i = 0; i < 50; i++)
        batch[i] = (struct swg_outbox_entry)SWG_OUTBOX_ENTRY_INIT;
    assert_int_equal(put(f, "first", "x"), 0);
    unsigned before = synced;
    assert_int_equal(swg_outbox_put_many(f->outbox, batch, 50, NULL, NULL), 0);
    assert_int_equal(synced, before + 1);
}

static int counts_syncs(struct swg_outbox_item *item, void *arg) {
    unsigned *last = arg;

    (void)item;
    if (*last != 0)
        assert_true(synced > *last);
    *last = synced;
    return SWG_SUCCESS;
}

/* The note that an attempt begins is not worth a wait, the note of its end is, puts between them too. */
static void every_delivery_is_noted_before_the_next(void **state) {
    struct fixture *f = *state;
    unsigned last = 0;

    for (int i = 0; i < 5; i++)
        assert_int_equal(put(f, NULL, "x"), 0);
    assert_int_equal(swg_outbox_run(f->outbox, f->circuit, counts_syncs, &last, 0, NULL, NULL),
                     SWG_GO);
    assert_true(synced > last);
    last = synced;
    assert_int_equal(put(f, NULL, "x"), 0);
    assert_true(synced > last);
}

static int puts_inside(struct swg_outbox_item *item, void *arg) {
    struct fixture *f = arg;
    unsigned before = synced;

    if (strcmp(item->key, "inside") != 0) {
        assert_int_equal(put(f, "inside", "x"), 0);
        assert_true(synced > before);
    }
    return SWG_SUCCESS;
}

static void a_put_from_the_callback_waits_too(void **state) {
    struct fixture *f = *state;

    assert_int_equal(put(f, "a", "x"), 0);
    assert_int_equal(swg_outbox_run(f->outbox, f->circuit, puts_inside, f, 0, NULL, NULL), SWG_GO);
    assert_int_equal(look(f).delivered, 2);
}

static void an_open_circuit_costs_no_wait(void **state) {
    struct fixture *f = *state;

    assert_int_equal(put(f, "a", "x"), 0);
    assert_int_equal(swg_circuit_trip(f->circuit, NULL, NULL), 0);
    unsigned before = synced;
    for (int i = 0; i < 100; i++)
        assert_int_equal(run(f, 0), SWG_OPEN);
    assert_int_equal(synced, before);
}

static void what_the_disk_did_not_take_is_not_acknowledged(void **state) {
    struct fixture *f = *state;
    int rc;

    assert_int_equal(put(f, "a", "1"), 0);
    failing = 1;
    rc = put(f, "b", "2");
    failing = 0;
    assert_int_equal(rc, -EIO);
    assert_string_equal(f->error.key, f->path);
    assert_non_null(strstr(f->error.text, "I/O"));
    assert_int_equal(look(f).pending, 1);
    rc = put(f, "b", "2");
    assert_true(rc == 0 || rc == 1);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "a=1#1 b=2#1 ");
    check_counters(f);
}

static int disk_breaks(struct swg_outbox_item *item, void *arg) {
    failing = 1;
    return receive(item, arg);
}

static void a_delivery_the_disk_did_not_take_is_made_again(void **state) {
    struct fixture *f = *state;
    int rc;

    assert_int_equal(put(f, "a", "1"), 0);
    rc = swg_outbox_run(f->outbox, f->circuit, disk_breaks, f, 0, &f->result, &f->error);
    failing = 0;
    assert_int_equal(rc, -EIO);
    assert_int_equal(f->result.outcome, SWG_SUCCESS);
    assert_int_equal(f->result.delivered, 0);
    assert_int_equal(look(f).attempts, 1);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "a=1#2 ");
    check_counters(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(every_put_waits_for_the_disk),
        STORY(a_batch_waits_once),
        STORY(every_delivery_is_noted_before_the_next),
        STORY(a_put_from_the_callback_waits_too),
        STORY(an_open_circuit_costs_no_wait),
        STORY(what_the_disk_did_not_take_is_not_acknowledged),
        STORY(a_delivery_the_disk_did_not_take_is_made_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
