/* Entries come in: once per key, within bounds, all of a batch or none, and are there after the process. */
#include "outbox_fixture.h"

static void what_was_put_is_there_after_closing(void **state) {
    struct fixture *f = *state;

    assert_int_equal(put(f, "a", "one"), 0);
    reopen(f);
    assert_int_equal(look(f).pending, 1);
    assert_int_equal(look(f).bytes, 3);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "a=one#1 ");
}

static void a_key_is_stored_once(void **state) {
    struct fixture *f = *state;

    assert_int_equal(put(f, "a", "one"), 0);
    assert_int_equal(put(f, "a", "two"), 1);
    assert_int_equal(look(f).pending, 1);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "a=one#1 ");
    check_counters(f);
}

static void a_delivered_key_is_refused(void **state) {
    struct fixture *f = *state;

    assert_int_equal(put(f, "a", "one"), 0);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_int_equal(put(f, "a", "one"), 1);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "");
    assert_int_equal(look(f).remembered, 1);
    assert_int_equal(look(f).delivered, 1);
    check_counters(f);
}

static void deliver_numbered(struct fixture *f, int from, int to) {
    char key[16];

    for (int i = from; i < to; i++) {
        snprintf(key, sizeof(key), "%d", i);
        assert_int_equal(put(f, key, "x"), 0);
    }
    assert_int_equal(run(f, 0), SWG_GO);
}

static void so_many_delivered_keys_are_remembered(void **state) {
    struct fixture *f = *state;

    f->options.remember_max = 5;
    reopen(f);
    deliver_numbered(f, 0, 20);
    assert_int_equal(look(f).remembered, 5);
    assert_int_equal(look(f).delivered, 20);
    assert_int_equal(put(f, "15", "x"), 1);
    assert_int_equal(put(f, "14", "x"), 0);
    check_counters(f);
}

static void for_so_long_delivered_keys_are_remembered(void **state) {
    struct fixture *f = *state;

    f->options.remember = 3600 * SECOND;
    reopen(f);
    deliver_numbered(f, 0, 4);
    sql(f, "UPDATE outbox SET ended_ms = ended_ms - 3590000 WHERE key = '2'");
    sql(f, "UPDATE outbox SET ended_ms = ended_ms - 3601000 WHERE key < '2'");
    deliver_numbered(f, 4, 6);
    assert_int_equal(look(f).remembered, 4);
    assert_int_equal(put(f, "2", "x"), 1);
    assert_int_equal(put(f, "1", "x"), 0);
    check_counters(f);
}

static void rows_are_bounded(void **state) {
    struct fixture *f = *state;

    f->options.rows_max = 2;
    reopen(f);
    assert_int_equal(put(f, "a", "1"), 0);
    assert_int_equal(put(f, "b", "2"), 0);
    assert_int_equal(put(f, "c", "3"), -ENOSPC);
    assert_string_equal(f->error.key, "rows_max");
    assert_int_equal(put(f, "b", "2"), 1);
    assert_int_equal(run(f, 1), SWG_GO);
    assert_int_equal(put(f, "c", "3"), 0);
    check_counters(f);
}

static void bytes_are_bounded(void **state) {
    struct fixture *f = *state;

    f->options.bytes_max = 10;
    reopen(f);
    assert_int_equal(put(f, "a", "12345"), 0);
    assert_int_equal(put(f, "b", "123456"), -ENOSPC);
    assert_string_equal(f->error.key, "bytes_max");
    assert_int_equal(put(f, "b", "12345"), 0);
    assert_int_equal(put(f, "c", ""), 0);
    assert_int_equal(put(f, "d", "12345678901"), -EMSGSIZE);
    check_counters(f);
}

static void dead_letters_count(void **state) {
    struct fixture *f = *state;

    f->options.rows_max = 1;
    reopen(f);
    assert_int_equal(put(f, "a", "1"), 0);
    f->outcome = SWG_IGNORED;
    assert_int_equal(run(f, 0), SWG_GO);
    assert_int_equal(look(f).dead, 1);
    assert_int_equal(put(f, "b", "2"), -ENOSPC);
    assert_int_equal(swg_outbox_dead_drop(f->outbox, NULL, NULL), 1);
    assert_int_equal(put(f, "b", "2"), 0);
    check_counters(f);
}

static struct swg_outbox_entry entry_of(const char *key, const char *text) {
    struct swg_outbox_entry entry = SWG_OUTBOX_ENTRY_INIT;

    entry.key = key;
    entry.bytes = text;
    entry.length = strlen(text);
    return entry;
}

static void a_batch_is_stored_in_its_order(void **state) {
    struct fixture *f = *state;
    struct swg_outbox_entry batch[] = { entry_of("c", "1"), entry_of("a", "2"), entry_of("c", "3"),
                                        entry_of("b", "") };
    size_t stored = 99;

    assert_int_equal(swg_outbox_put_many(f->outbox, batch, 4, &stored, NULL), 0);
    assert_int_equal(stored, 3);
    assert_int_equal(swg_outbox_put_many(f->outbox, batch, 4, &stored, NULL), 0);
    assert_int_equal(stored, 0);
    assert_int_equal(swg_outbox_put_many(f->outbox, NULL, 0, NULL, NULL), 0);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "c=1#1 a=2#1 b=#1 ");
}

static void a_batch_that_does_not_fit_is_not_stored(void **state) {
    struct fixture *f = *state;
    struct swg_outbox_entry batch[] = { entry_of("a", "1"), entry_of("b", "2"), entry_of("c", "3"),
                                        entry_of("", "4") };
    size_t stored = 99;

    f->options.rows_max = 2;
    reopen(f);
    assert_int_equal(swg_outbox_put_many(f->outbox, batch, 3, &stored, NULL), -ENOSPC);
    assert_int_equal(swg_outbox_put_many(f->outbox, batch, 4, &stored, NULL), -EINVAL);
    assert_int_equal(stored, 99);
    assert_int_equal(look(f).pending, 0);
    batch[1].size = 4;
    assert_int_equal(swg_outbox_put_many(f->outbox, batch, 2, NULL, &f->error), -EINVAL);
    assert_string_equal(f->error.key, "size");
    check_counters(f);
}

static void bad_keys_are_refused(void **state) {
    struct fixture *f = *state;
    char longest[SWG_OUTBOX_KEY_MAX + 2];

    memset(longest, 'k', sizeof(longest));
    longest[SWG_OUTBOX_KEY_MAX + 1] = '\0';
    assert_int_equal(put(f, longest, "x"), -EINVAL);
    assert_string_equal(f->error.key, "key");
    longest[SWG_OUTBOX_KEY_MAX] = '\0';
    assert_int_equal(put(f, longest, "x"), 0);
    assert_int_equal(put(f, "", "x"), -EINVAL);
    assert_int_equal(put(f, "a\nb", "x"), -EINVAL);
    assert_int_equal(put(f, "a\x7f", "x"), -EINVAL);
    assert_int_equal(put(f, "Grüße, 'quoted'; --", "x"), 0);
    assert_int_equal(swg_outbox_put(f->outbox, "n", NULL, 3, &f->error), -EINVAL);
    assert_string_equal(f->error.key, "bytes");
    assert_int_equal(look(f).pending, 2);
    assert_string_equal(look(f).key, longest);
}

static void without_a_key_each_is_another(void **state) {
    struct fixture *f = *state;

    assert_int_equal(put(f, NULL, "x"), 0);
    assert_int_equal(put(f, NULL, "x"), 0);
    assert_int_equal(look(f).pending, 2);
    assert_int_equal(strlen(look(f).key), 32);
}

static void the_hook_puts_under_a_number(void **state) {
    struct fixture *f = *state;
    int (*hook)(void *, uint64_t, const void *, size_t) = swg_outbox_enqueue;

    f->options.rows_max = 2;
    reopen(f);
    assert_int_equal(hook(f->outbox, UINT64_MAX, "x", 1), 0);
    assert_int_equal(hook(f->outbox, UINT64_MAX, "y", 1), 0);
    assert_int_equal(hook(f->outbox, 0, "z", 1), 0);
    assert_int_equal(hook(f->outbox, 0, "z", 1), -ENOSPC);
    assert_int_equal(look(f).pending, 2);
    assert_string_equal(look(f).key, "18446744073709551615");
}

static void bytes_are_bytes(void **state) {
    struct fixture *f = *state;
    size_t length = 3 << 20;
    char *bytes = malloc(length), *back = malloc(length);

    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)(i * 7 >> 3);
    assert_int_equal(swg_outbox_put(f->outbox, "big", bytes, length, NULL), 0);
    f->outcome = SWG_IGNORED;
    assert_int_equal(run(f, 0), SWG_GO);
    assert_int_equal(swg_outbox_dead_bytes(f->outbox, "big", back, length), length);
    assert_memory_equal(bytes, back, length);
    memset(back, 0, length);
    assert_int_equal(swg_outbox_dead_bytes(f->outbox, "big", back, 10), length);
    assert_memory_equal(bytes, back, 10);
    assert_int_equal(back[10], 0);
    free(bytes);
    free(back);
}

static void queues_of_one_database_are_apart(void **state) {
    struct fixture *f = *state;
    struct swg_outbox *first = f->outbox;

    assert_int_equal(put(f, "a", "1"), 0);
    f->options.queue = "http-https://shop:443";
    f->options.rows_max = 1;
    assert_int_equal(open_outbox(f), 0);
    assert_int_equal(put(f, "a", "2"), 0);
    assert_int_equal(put(f, "b", "2"), -ENOSPC);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "a=2#1 ");
    close_outbox(f);
    f->outbox = first;
    assert_int_equal(look(f).pending, 1);
    assert_int_equal(run(f, 0), SWG_GO);
    assert_string_equal(f->got, "a=1#1 ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(what_was_put_is_there_after_closing),
        STORY(a_key_is_stored_once),
        STORY(a_delivered_key_is_refused),
        STORY(so_many_delivered_keys_are_remembered),
        STORY(for_so_long_delivered_keys_are_remembered),
        STORY(rows_are_bounded),
        STORY(bytes_are_bounded),
        STORY(dead_letters_count),
        STORY(a_batch_is_stored_in_its_order),
        STORY(a_batch_that_does_not_fit_is_not_stored),
        STORY(bad_keys_are_refused),
        STORY(without_a_key_each_is_another),
        STORY(the_hook_puts_under_a_number),
        STORY(bytes_are_bytes),
        STORY(queues_of_one_database_are_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
