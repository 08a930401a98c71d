/* Records: whole or not at all, whoever writes and whoever is killed while writing. */
#include "inside.h"

#include <pthread.h>

#define WORDS 21u
struct record SWGI_RECORD(WORDS);

static void fill(uint64_t *data, uint64_t number) {
    for (unsigned i = 0; i < WORDS; i++)
        data[i] = number * (i + 1);
}

/* Every word belongs to the same write. */
static bool is_whole(const uint64_t *data) {
    for (unsigned i = 0; i < WORDS; i++)
        if (data[i] != data[0] * (i + 1))
            return false;
    return true;
}

static void write_number(struct record *record, uint64_t number) {
    uint64_t data[WORDS];
    fill(data, number);
    SWGI_RECORD_WRITE(record, data, WORDS);
}

static void test_never_written(void **state) {
    static struct record record;
    uint64_t data[WORDS];
    (void)state;
    assert_false(SWGI_RECORD_READ(&record, data, WORDS));
}

static void test_read_what_was_written(void **state) {
    static struct record record;
    uint64_t data[WORDS];
    (void)state;
    for (uint64_t number = 0; number < 100; number++) {
        write_number(&record, number);
        assert_true(SWGI_RECORD_READ(&record, data, WORDS));
        assert_int_equal(data[1], number * 2);
        assert_true(is_whole(data));
    }
}

static void test_a_killed_writer_is_taken_over(void **state) {
    static struct record record;
    uint64_t data[WORDS];
    (void)state;
    write_number(&record, 1);
    swgi_add(&record.sequence, 1); /* claimed, a word written, killed */
    swgi_store(&record.words[3], 77);
    assert_false(SWGI_RECORD_READ(&record, data, WORDS));
    write_number(&record, 2);
    assert_true(SWGI_RECORD_READ(&record, data, WORDS));
    assert_int_equal(data[0], 2);
}

/*
 * A writer that only slept goes on after another one took over: told as lost, never as something
 * mixed.
 */
static void test_a_torn_record_is_not_believed(void **state) {
    static struct record record;
    uint64_t data[WORDS];
    (void)state;
    write_number(&record, 1);
    for (unsigned i = 0; i < WORDS; i++) {
        write_number(&record, 2);
        swgi_store(&record.words[i], 12345);
        assert_false(SWGI_RECORD_READ(&record, data, WORDS));
    }
    write_number(&record, 3);
    swgi_add(&record.check, 1);
    assert_false(SWGI_RECORD_READ(&record, data, WORDS));
}

static struct record contended;
static _Atomic uint32_t stop;

static void *writes(void *number) {
    for (uint64_t n = (uint64_t)(uintptr_t)number; swgi_load(&stop) == 0; n += 2)
        write_number(&contended, n);
    return NULL;
}

/*
 * How much is read while they write is chance; that it is whole is not, and that the last write
 * is there.
 */
static void test_two_writers_and_a_reader(void **state) {
    pthread_t writers[2];
    uint64_t data[WORDS];
    (void)state;
    write_number(&contended, 1);
    for (uintptr_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, writes, (void *)i), 0);
    for (unsigned tries = 0; tries < 200000; tries++)
        if (SWGI_RECORD_READ(&contended, data, WORDS))
            assert_true(is_whole(data));
    swgi_store(&stop, 1);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(writers[i], NULL);
    write_number(&contended, 99);
    assert_true(SWGI_RECORD_READ(&contended, data, WORDS));
    assert_int_equal(data[0], 99);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never_written),
        cmocka_unit_test(test_read_what_was_written),
        cmocka_unit_test(test_a_killed_writer_is_taken_over),
        cmocka_unit_test(test_a_torn_record_is_not_believed),
        cmocka_unit_test(test_two_writers_and_a_reader),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
