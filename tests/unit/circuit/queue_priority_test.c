/* Who is served first: urgency, time waited, what was reserved, and what a caller has cost lately. */
#include "policy_story.h"

static struct swg_permit held[16];

/* One at a time; a step of priority is worth 100 ms of waiting. */
static void make_queue(const char *places) {
    set("bulkhead.max_concurrent", "1");
    set("bulkhead.when_busy", "wait");
    set("bulkhead.max_queue", places);
    set("bulkhead.max_wait", "1h");
    make();
    held[0] = taken();
}

static struct swg_permit permits[32];

/* All that wait poll, over and over; the order in which they are served. */
static void serve_all(unsigned count, unsigned *order) {
    record_permit(&held[0], SWG_SUCCESS, 0);
    for (unsigned served = 0; served < count;) {
        unsigned before = served;
        for (unsigned i = 0; i < count; i++) {
            if (permits[i].opaque[0] == 0 || swg_poll(&permits[i]) != SWG_GO)
                continue;
            order[served++] = i;
            record_permit(&permits[i], SWG_SUCCESS, 0);
        }
        assert_true(served > before); /* somebody always is */
    }
    assert_out(0);
}

static void assert_order(const unsigned *wanted, unsigned count) {
    unsigned order[32];

    serve_all(count, order);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(order[i], wanted[i]);
}

static void test_the_urgent_first(void **state) {
    static const int priorities[] = { 5, 0, -3, 31, -32, 0 };
    static const unsigned wanted[] = { 4, 2, 1, 5, 0, 3 };
    (void)state;
    make_queue("8");
    for (unsigned i = 0; i < 6; i++) {
        permits[i] = queued(priorities[i]);
        advance(MS(1));
    }
    assert_order(wanted, 6);
}

static void test_equals_in_the_order_they_came(void **state) {
    static const unsigned wanted[] = { 0, 1, 2, 3, 4, 5 };
    (void)state;
    make_queue("8");
    for (unsigned i = 0; i < 6; i++) {
        permits[i] = queued(0);
        advance(1);
    }
    assert_order(wanted, 6);
}

static void test_waiting_makes_up_for_it(void **state) {
    static const unsigned wanted[] = { 0, 2, 1, 3 };
    (void)state;
    make_queue("8");
    permits[0] = queued(10);
    advance(MS(500));
    permits[1] = queued(10);
    advance(MS(501));
    permits[2] = queued(0); /* ten steps, and one second later: after the first */
    advance(MS(1));
    permits[3] = queued(31);
    assert_order(wanted, 4);
}

/* A stream of urgent calls holds the least urgent up for as long as it is worth, not for ever. */
static void test_nobody_starves(void **state) {
    struct swg_permit least;
    unsigned passed = 0;
    (void)state;
    make_queue("8");
    least = queued(31);
    permits[0] = queued(-32);
    for (unsigned i = 0; i < 2000; i++) {
        advance(MS(10));
        permits[(i + 1) % 2] = queued(-32);
        record_permit(&held[0], SWG_SUCCESS, 0);
        if (swg_poll(&least) == SWG_GO)
            break;
        assert_int_equal(swg_poll(&permits[i % 2]), SWG_GO);
        held[0] = permits[i % 2];
        passed++;
    }
    assert_in_range(passed, 629, 632); /* 63 steps of 100 ms */
}

/* Someone new does not pass those who wait, unless it is more urgent. */
static void test_newcomers(void **state) {
    struct swg_permit newcomer;
    (void)state;
    make_queue("8");
    permits[0] = queued(0);
    advance(MS(1));
    record_permit(&held[0], SWG_SUCCESS, 0);
    assert_int_equal(ask_as(1, 0, &newcomer), SWG_QUEUED);
    swg_cancel(&newcomer);
    assert_int_equal(ask_as(-1, 0, &newcomer), SWG_GO);
    record_permit(&newcomer, SWG_SUCCESS, 0);
    assert_int_equal(swg_poll(&permits[0]), SWG_GO);
    record_permit(&permits[0], SWG_SUCCESS, 0);
    assert_out(0);
}

/* ---- a full queue: the least urgent goes first */

static void test_displaced_by_the_more_urgent(void **state) {
    (void)state;
    make_queue("3");
    for (unsigned i = 0; i < 3; i++) {
        permits[i] = queued((int)i);
        advance(MS(1));
    }
    permits[3] = queued(-1);
    assert_int_equal(status().queue_length, 3);
    assert_int_equal(swg_poll(&permits[2]), SWG_FULL);
    assert_int_equal(permits[2].opaque[0], 0);
    assert_int_equal(status().rejected_full, 1);
    struct swg_permit one;
    assert_int_equal(ask_as(1, 0, &one), SWG_FULL); /* an equal displaces nobody */
    permits[2] = permits[3];
    static const unsigned wanted[] = { 2, 0, 1 };
    assert_order(wanted, 3);
}

static void test_displaced_as_a_full_queue_says(void **state) {
    (void)state;
    set("bulkhead.when_queue_full", "error");
    make_queue("1");
    permits[0] = queued(5);
    permits[1] = queued(0);
    assert_int_equal(swg_poll(&permits[0]), SWG_QUEUE_SATURATED);
    assert_int_equal(status().rejected_saturated, 1);
    change("bulkhead.when_queue_full", "wait");
    permits[0] = queued(-5);
    assert_int_equal(swg_poll(&permits[1]), SWG_QUEUED); /* without a place, but not forgotten */
    assert_int_equal(status().queue_length, 1);
    record_permit(&held[0], SWG_SUCCESS, 0);
    assert_int_equal(swg_poll(&permits[1]), SWG_QUEUED);
    assert_int_equal(swg_poll(&permits[0]), SWG_GO);
    record_permit(&permits[0], SWG_SUCCESS, 0);
    assert_int_equal(swg_poll(&permits[1]), SWG_GO);
    record_permit(&permits[1], SWG_SUCCESS, 0);
    assert_out(0);
}

/* ---- who may use which permit */

static void test_the_reserve_is_not_waited_for(void **state) {
    (void)state;
    set("bulkhead.reserve.permits", "1");
    set("bulkhead.max_concurrent", "2");
    set("bulkhead.when_busy", "wait");
    make();
    held[0] = taken();
    permits[0] = queued(0); /* one permit is free, and not for it */
    assert_int_equal(swg_poll(&permits[0]), SWG_QUEUED);
    assert_int_equal(ask_as(-1, 0, &held[1]), SWG_GO);
    permits[1] = queued(-1);
    record_permit(&held[1], SWG_SUCCESS, 0);
    assert_int_equal(swg_poll(&permits[0]), SWG_QUEUED);
    assert_int_equal(swg_poll(&permits[1]), SWG_GO);
    record_permit(&held[0], SWG_SUCCESS, 0);
    assert_int_equal(swg_poll(&permits[0]), SWG_GO);
    record_permit(&permits[0], SWG_SUCCESS, 0);
    record_permit(&permits[1], SWG_SUCCESS, 0);
    assert_out(0);
}

static void test_shares_are_waited_for(void **state) {
    (void)state;
    set("bulkhead.max_concurrent", "4");
    set("bulkhead.when_busy", "wait");
    set("bulkhead.partitions", "0:100, 31:50");
    make();
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(ask_as(9, 0, &held[i]), SWG_GO);
    permits[0] = queued(9);
    assert_int_equal(ask_as(0, 0, &held[2]), SWG_GO); /* past one who may not have it */
    assert_int_equal(swg_poll(&permits[0]), SWG_QUEUED);
    record_permit(&held[0], SWG_SUCCESS, 0);
    assert_int_equal(swg_poll(&permits[0]), SWG_GO);
    record_permit(&permits[0], SWG_SUCCESS, 0);
    record_permit(&held[1], SWG_SUCCESS, 0);
    record_permit(&held[2], SWG_SUCCESS, 0);
    assert_out(0);
}

/* ---- priority that follows cost */

static void cost(uint64_t key, unsigned count, swg_ns duration) {
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(ask_as(0, key, &held[1]), SWG_GO);
        record_permit(&held[1], SWG_SUCCESS, duration);
        advance(MS(1));
    }
}

static void test_who_costs_much_stands_back(void **state) {
    (void)state;
    set("bulkhead.dynamic_priority", "yes");
    set("bulkhead.max_concurrent", "1");
    set("bulkhead.when_busy", "wait");
    make();
    cost(1, 100, MS(500));
    for (uint64_t key = 2; key < 10; key++)
        cost(key, 100, MS(1));
    held[0] = taken();
    assert_int_equal(ask_as(0, 1, &permits[0]), SWG_QUEUED);
    advance(MS(1));
    assert_int_equal(ask_as(0, 5, &permits[1]), SWG_QUEUED);
    static const unsigned wanted[] = { 1, 0 };
    assert_order(wanted, 2);
}

static void test_all_alike_unless_asked(void **state) {
    (void)state;
    set("bulkhead.max_concurrent", "1");
    set("bulkhead.when_busy", "wait");
    make();
    cost(1, 100, MS(500));
    for (uint64_t key = 2; key < 10; key++)
        cost(key, 100, MS(1));
    held[0] = taken();
    assert_int_equal(ask_as(0, 1, &permits[0]), SWG_QUEUED);
    advance(MS(1));
    assert_int_equal(ask_as(0, 5, &permits[1]), SWG_QUEUED);
    static const unsigned wanted[] = { 0, 1 };
    assert_order(wanted, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_the_urgent_first),
        STORY(test_equals_in_the_order_they_came),
        STORY(test_waiting_makes_up_for_it),
        STORY(test_nobody_starves),
        STORY(test_newcomers),
        STORY(test_displaced_by_the_more_urgent),
        STORY(test_displaced_as_a_full_queue_says),
        STORY(test_the_reserve_is_not_waited_for),
        STORY(test_shares_are_waited_for),
        STORY(test_who_costs_much_stands_back),
        STORY(test_all_alike_unless_asked),
    };
    return cmocka_run_group_tests_name("who is served first", tests, NULL, NULL);
}
