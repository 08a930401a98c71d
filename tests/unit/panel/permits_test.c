/* Permits: what a bulkhead grants, gives back, moves and reclaims. */
#include "inside.h"

#include <pthread.h>

#include "panel/permits.h"

#define NOW INT64_C(3600000000000)

static struct swg_panel *panel;
static struct swgi_map *map;
static struct swgi_bulkhead_words *words;

static uint64_t run_at(uint32_t first, uint32_t permits) {
    return swgi_run(first + 1, 2 * permits);
}

static void begin(uint32_t permits, uint32_t limit) {
    panel = open_small();
    map = map_of(panel);
    words = &map->policies[0].bulkhead;
    swgi_store(&map->policy_owners[0], 1);
    assert_int_equal(swgi_permits_move(map, words, run_at(0, permits)), 0);
    swgi_permits_limit(words, limit);
    swgi_permit_thread.hint = 0;
}
static void end(void) {
    swg_panel_unref(panel);
}

static bool take_as(int priority, struct swgi_held *out) {
    return swgi_permits_take(map, words, priority, NOW, out);
}
static struct swgi_held taken(void) {
    struct swgi_held held;
    assert_true(take_as(0, &held));
    return held;
}
static int release(struct swgi_held held) {
    return swgi_permits_release(map, words, held);
}
static uint32_t held(void) {
    return swgi_permits_held(map, words);
}

static void test_as_many_as_the_limit(void **state) {
    struct swgi_held all[5], more;
    (void)state;
    begin(8, 5);
    for (unsigned i = 0; i < 5; i++) {
        all[i] = taken();
        for (unsigned j = 0; j < i; j++)
            assert_true(all[i].slot != all[j].slot && all[i].word != all[j].word);
        assert_true(all[i].slot < 5);
    }
    assert_int_equal(held(), 5);
    assert_false(take_as(0, &more));
    assert_int_equal(more.word, 0);
    assert_int_equal(release(all[3]), 0);
    assert_int_equal(taken().slot, 3);
    assert_false(take_as(0, &more));
    end();
}

static void test_a_copy_ends_nothing(void **state) {
    (void)state;
    begin(4, 1);
    struct swgi_held first = taken(), copy = first;
    assert_int_equal(release(first), 0);
    assert_int_equal(release(copy), -EINVAL);
    struct swgi_held second = taken();
    assert_int_equal(second.slot, first.slot);
    assert_int_equal(release(copy), -EINVAL);
    assert_int_equal(held(), 1);
    assert_int_equal(release(second), 0);
    assert_int_equal(held(), 0);
    end();
}

static void test_one_given_back_for_us_is_told(void **state) {
    (void)state;
    begin(4, 4);
    struct swgi_held held_before = taken();
    held_before.word ^= UINT64_C(1) << SWGI_OWNER_BITS; /* another incarnation */
    assert_int_equal(release(held_before), -ESTALE);
    end();
}

static void test_words_are_of_this_process(void **state) {
    (void)state;
    begin(4, 4);
    struct swgi_identity me = swgi_map_identity(map);
    uint64_t word = taken().word;
    assert_int_equal(swgi_permit_owner(word), me.owner);
    assert_int_equal(swgi_permit_incarnation(word), me.incarnation);
    assert_int_equal(word & SWGI_PERMIT_FROZEN, 0);
    swgi_permit_thread.identity = 0; /* a new block of numbers */
    uint64_t next = taken().word;
    assert_int_not_equal(next >> 32, word >> 32);
    end();
}

/* ---- bounds */

static uint32_t ceiling(int priority) {
    return swgi_permits_ceiling(words, swgi_load(&words->limit), priority);
}

static void test_a_reserve_is_for_the_urgent(void **state) {
    struct swgi_held more;
    (void)state;
    begin(8, 5);
    swgi_store(&words->rule, swgi_rule(2, SWGI_PRIORITY_ZERO - 1, 0));
    assert_int_equal(ceiling(-1), 5);
    assert_int_equal(ceiling(-32), 5);
    assert_int_equal(ceiling(0), 3);
    for (unsigned i = 0; i < 3; i++)
        taken();
    assert_false(take_as(0, &more));
    assert_true(take_as(-1, &more));
    assert_true(take_as(-32, &more));
    assert_false(take_as(-32, &more));
    swgi_permits_limit(words, 2); /* a limit that adapts may fall below it: one is left to all */
    assert_int_equal(ceiling(0), 1);
    end();
}

static void test_partitions_share_the_limit(void **state) {
    uint64_t word = 0;
    static const unsigned parts[][2] = { { 31, 100 }, { 42, 50 }, { 37, 75 } }; /* -1, 10, 5 */
    (void)state;
    begin(16, 10);
    for (unsigned i = 0; i < 3; i++)
        word |= ((uint64_t)parts[i][0] | (uint64_t)parts[i][1] << 8) << (16 * i);
    swgi_store(&words->partitions, word);
    swgi_store(&words->rule, SWGI_RULE_PARTITIONED);
    assert_int_equal(ceiling(-32), 10);
    assert_int_equal(ceiling(-1), 10);
    assert_int_equal(ceiling(0), 8); /* 7.5, rounded up */
    assert_int_equal(ceiling(5), 8);
    assert_int_equal(ceiling(10), 5);
    assert_int_equal(ceiling(31), 5); /* less urgent than all: as the last */
    swgi_permits_limit(words, 1);
    assert_int_equal(ceiling(31), 1);
    end();
}

static void test_a_limit_that_shrinks_counts_what_is_held(void **state) {
    struct swgi_held all[8], more;
    (void)state;
    begin(8, 8);
    for (unsigned i = 0; i < 8; i++)
        all[i] = taken();
    swgi_permits_limit(words, 3);
    for (unsigned i = 0; i < 3; i++) /* below the limit, but five are held above it */
        assert_int_equal(release(all[i]), 0);
    assert_false(take_as(0, &more));
    for (unsigned i = 3; i < 6; i++)
        assert_int_equal(release(all[i]), 0);
    assert_int_equal(held(), 2);
    uint32_t lowest;
    assert_int_equal(swgi_permits_open(map, words, 0, &lowest), 1);
    assert_true(take_as(0, &more)); /* two of old, and one */
    assert_int_equal(swgi_permits_open(map, words, 0, &lowest), 0);
    struct swgi_held none;
    assert_false(take_as(0, &none));
    assert_int_equal(release(all[6]), 0);
    assert_int_equal(release(all[7]), 0);
    assert_true(take_as(0, &none));
    assert_int_equal(swgi_limit_high(swgi_load(&words->limit)), 0); /* it was noticed */
    assert_true(swgi_permits_limit(words, 8));
    assert_int_equal(swgi_permits_open(map, words, 0, &lowest), 6);
    assert_false(swgi_permits_limit(words, 8));
    end();
}

/* ---- another run */

static void test_holders_keep_their_slots(void **state) {
    struct swgi_held all[4], more;
    (void)state;
    begin(4, 4);
    for (unsigned i = 0; i < 4; i++)
        all[i] = taken();
    assert_int_equal(release(all[1]), 0);
    assert_int_equal(swgi_permits_move(map, words, run_at(64, 6)), 0);
    swgi_permits_limit(words, 6);
    assert_int_equal(held(), 3);
    for (unsigned i = 0; i < 3; i++)
        assert_true(take_as(0, &more));
    assert_false(take_as(0, &more));
    assert_int_equal(release(all[0]), 0);
    assert_int_equal(release(all[0]), -EINVAL);
    assert_int_equal(release(all[2]), 0);
    assert_int_equal(release(all[3]), 0);
    assert_int_equal(held(), 3);
    struct swgi_permit_seen seen;
    uint32_t cursor = 0;
    while (swgi_permits_next(map, words, &cursor, &seen))
        assert_int_not_equal(seen.since, INT64_MAX);
    assert_int_equal(swgi_permits_move(map, words, run_at(96, 5)), -EINVAL); /* shorter */
    assert_int_equal(swgi_permits_move(map, words, 0), -EINVAL);
    end();
}

/* A mover that was killed right after it announced the new run. */
static void stop_half_way(uint64_t run, uint32_t moved) {
    struct swgi_permit_run to = swgi_permit_run(map, run);
    struct swgi_permit_run from = swgi_permit_run(map, swgi_load(&words->run));
    for (uint32_t i = 0; i < from.count; i++)
        swgi_store(&to.permits[i], SWGI_PERMIT_IN_FORMER);
    swgi_store(&words->former, swgi_load(&words->run));
    swgi_store(&words->run, run);
    for (uint32_t i = 0; i < moved; i++) {
        swgi_store(&from.permits[i], swgi_load(&from.permits[i]) | SWGI_PERMIT_FROZEN);
        if (i % 2 != 0)
            continue;
        swgi_store(&to.permits[to.count + i], swgi_load(&from.permits[from.count + i]));
        swgi_store(&to.permits[i], swgi_load(&from.permits[i]) & ~SWGI_PERMIT_FROZEN);
    }
}

static void test_a_move_half_done_is_finished_by_whoever_comes(void **state) {
    struct swgi_held all[4], more;
    (void)state;
    begin(4, 4);
    for (unsigned i = 0; i < 4; i++)
        all[i] = taken();
    assert_int_equal(release(all[2]), 0);
    stop_half_way(run_at(64, 6), 2);
    struct swgi_permit_seen oldest;
    assert_int_equal(held(), 3);
    assert_true(swgi_permits_oldest(map, words, &oldest));
    assert_int_equal(swgi_permits_older(map, words, NOW + 1000000, 500000), 3);
    assert_int_equal(release(all[3]), 0);
    assert_int_equal(release(all[3]), -EINVAL);
    assert_true(take_as(0, &more));
    assert_true(take_as(0, &more));
    assert_false(take_as(0, &more));
    assert_int_equal(release(all[0]), 0);
    assert_int_equal(release(all[1]), 0);
    assert_int_equal(held(), 2);
    assert_int_equal(swgi_permits_move(map, words, run_at(64, 6)), 0); /* again: nothing lost */
    assert_int_equal(held(), 2);
    assert_int_equal(swgi_permits_move(map, words, run_at(96, 8)), 0);
    assert_int_equal(held(), 2);
    end();
}

/* ---- the dead */

static void test_all_of_an_incarnation(void **state) {
    (void)state;
    begin(8, 8);
    struct swgi_permit_run run = swgi_permit_run(map, swgi_load(&words->run));
    struct swgi_identity other = { .owner = 77, .incarnation = 5 };
    swgi_store(&run.permits[2], swgi_permit_word(other, 1));
    swgi_store(&run.permits[4], swgi_permit_word(other, 2));
    other.incarnation = 6;
    swgi_store(&run.permits[5], swgi_permit_word(other, 3));
    taken();
    assert_int_equal(held(), 4);
    uint32_t incarnation = 5;
    assert_int_equal(swgi_permits_reap(map, words, 78, &incarnation), 0);
    assert_int_equal(swgi_permits_reap(map, words, 77, &incarnation), 2);
    assert_int_equal(held(), 2);
    assert_int_equal(swgi_permits_reap(map, words, 77, NULL), 1);
    assert_int_equal(held(), 1);
    end();
}

/* Out of the run it was taken in, though that is the bulkhead's no more. */
static void test_dropped_from_where_it_was_taken(void **state) {
    (void)state;
    begin(8, 8);
    uint64_t before = swgi_load(&words->run);
    struct swgi_held mine = taken(), other = { .word = mine.word + 1, .slot = mine.slot };
    swgi_store(&words->run, 0);
    swgi_permits_drop(map, before, other); /* not that one */
    assert_int_equal(swgi_load(&swgi_permit_run(map, before).permits[mine.slot]), mine.word);
    swgi_permits_drop(map, before, mine);
    assert_int_equal(swgi_load(&swgi_permit_run(map, before).permits[mine.slot]), 0);
    mine.slot = 99;
    swgi_permits_drop(map, before, mine); /* no permit of it */
    swgi_permits_drop(map, UINT64_MAX, mine);
    swgi_store(&words->run, before);
    end();
}

/* ---- how long */

static void test_how_long_they_are_held(void **state) {
    struct swgi_held young, old;
    struct swgi_permit_seen seen;
    (void)state;
    begin(4, 4);
    assert_false(swgi_permits_oldest(map, words, &seen));
    assert_true(swgi_permits_take(map, words, 0, NOW + 5000000, &young));
    assert_true(swgi_permits_take(map, words, 0, NOW, &old));
    assert_true(swgi_permits_oldest(map, words, &seen));
    assert_int_equal(seen.word, old.word);
    assert_int_equal(seen.owner, swgi_map_identity(map).owner);
    assert_true(seen.since <= NOW && seen.since > NOW - 256);
    assert_int_equal(swgi_permits_older(map, words, NOW + 5500000, 1000000), 1);
    assert_int_equal(swgi_permits_older(map, words, NOW + 5500000, 100000), 2);
    assert_int_equal(swgi_permits_older(map, words, NOW - 5, 0), 0);
    /* Taken, but not noted yet: the stamp there is another permit's. */
    struct swgi_permit_run run = swgi_permit_run(map, swgi_load(&words->run));
    swgi_store(&run.permits[run.count + old.slot], swgi_permit_stamp(young.word, 256));
    assert_int_equal(swgi_permits_older(map, words, NOW + 5500000, 1000000), 0);
    end();
}

/* ---- what others may have written there */

static void test_nothing_in_memory_is_trusted(void **state) {
    struct swgi_held more = { .word = 0x1234, .slot = 0 };
    static const uint64_t runs[] = { 0,
                                     1,
                                     UINT64_MAX,
                                     UINT64_C(0xffffffff00000001),
                                     UINT64_C(0x00000100ffffffff),
                                     UINT64_C(0x0000ffff000000ff) };
    (void)state;
    begin(4, 4);
    for (unsigned i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        swgi_store(&words->run, runs[i]);
        swgi_store(&words->former, runs[5 - i]);
        more = (struct swgi_held){ .word = 0x1234, .slot = UINT32_MAX - i };
        assert_int_not_equal(release(more), 0);
        assert_int_equal(held(), 0);
        assert_false(take_as(0, &more));
    }
    swgi_store(&words->run, run_at(0, 4));
    struct swgi_permit_run run = swgi_permit_run(map, run_at(0, 4));
    swgi_store(&words->limit, UINT64_MAX);
    swgi_store(&words->rule, UINT64_MAX);
    swgi_store(&words->partitions, UINT64_MAX);
    for (uint32_t i = 0; i < 4; i++)
        swgi_store(&run.permits[i], i % 2 ? UINT64_MAX : SWGI_PERMIT_IN_FORMER);
    assert_false(take_as(0, &more));
    uint32_t lowest;
    (void)swgi_permits_open(map, words, 0, &lowest);
    swgi_store(&words->former, run_at(0, 4));
    assert_false(take_as(0, &more));
    assert_int_not_equal(release((struct swgi_held){ .word = 0x1234, .slot = 1 }), 0);
    end();
}

/* ---- at once */

#define THREADS 4
#define ROUNDS  40000

static _Atomic uint32_t inside, most;

static void *take_and_release(void *unused) {
    (void)unused;
    struct swgi_held mine;
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (!swgi_permits_take(map, words, 0, NOW, &mine))
            continue;
        uint32_t now = atomic_fetch_add(&inside, 1) + 1;
        for (uint32_t seen = atomic_load(&most);
             now > seen && !atomic_compare_exchange_weak(&most, &seen, now);)
            ;
        atomic_fetch_sub(&inside, 1);
        if (swgi_permits_release(map, words, mine) != 0)
            abort();
    }
    return NULL;
}

static void test_threads_beside_moves(void **state) {
    pthread_t threads[THREADS];
    (void)state;
    begin(3, 3);
    atomic_store(&inside, 0);
    atomic_store(&most, 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_release, NULL), 0);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(swgi_permits_move(map, words, run_at(16 * (i + 1), 4 + i)), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_in_range(atomic_load(&most), 1, 3);
    assert_int_equal(held(), 0);
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_as_many_as_the_limit),
        IN_FOLDER(test_a_copy_ends_nothing),
        IN_FOLDER(test_one_given_back_for_us_is_told),
        IN_FOLDER(test_words_are_of_this_process),
        IN_FOLDER(test_a_reserve_is_for_the_urgent),
        IN_FOLDER(test_partitions_share_the_limit),
        IN_FOLDER(test_a_limit_that_shrinks_counts_what_is_held),
        IN_FOLDER(test_holders_keep_their_slots),
        IN_FOLDER(test_a_move_half_done_is_finished_by_whoever_comes),
        IN_FOLDER(test_all_of_an_incarnation),
        IN_FOLDER(test_dropped_from_where_it_was_taken),
        IN_FOLDER(test_how_long_they_are_held),
        IN_FOLDER(test_nothing_in_memory_is_trusted),
        IN_FOLDER(test_threads_beside_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
