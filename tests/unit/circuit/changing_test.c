/* A bulkhead whose limit changes while callers pass it: whatever a call saw, nothing stays taken and no call is lost. */
#include "policy_story.h"

#include <pthread.h>
#include <stdatomic.h>

#define CALLERS 2u
#define CHANGES 3000u

static _Atomic bool stop;

struct caller {
    pthread_t thread;
    uint64_t calls, rejected, odd;
};

static void *call_on(void *argument) {
    struct caller *caller = argument;
    while (!atomic_load(&stop)) {
        struct swg_permit permit;
        int rc = ask(&permit);
        caller->calls += rc == SWG_GO;
        caller->rejected += rc == SWG_FULL;
        caller->odd += rc != SWG_GO && rc != SWG_FULL;
        caller->odd += rc == SWG_GO && swg_record(&permit, SWG_SUCCESS) != 0;
    }
    return NULL;
}

/* From 1 to 7 and back, so that it shrinks below what is held and grows over what there is. */
static void change_the_limit(void) {
    char limit[8];
    for (unsigned i = 0; i < CHANGES && !atomic_load(&stop); i++) {
        snprintf(limit, sizeof(limit), "%u", 1 + i % 7);
        change("bulkhead.max_concurrent", limit);
    }
}

static void test_nothing_stays_taken(void **state) {
    struct caller callers[CALLERS] = { 0 };
    uint64_t calls = 0, rejected = 0;
    (void)state;
    set("bulkhead.max_concurrent", "4");
    make();
    atomic_store(&stop, false);
    for (unsigned i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call_on, &callers[i]), 0);
    change_the_limit();
    atomic_store(&stop, true);
    for (unsigned i = 0; i < CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].odd, 0);
        calls += callers[i].calls;
        rejected += callers[i].rejected;
    }
    assert_out(0);
    assert_int_equal(status().calls, calls);
    assert_int_equal(status().successes, calls);
    assert_int_equal(status().rejected_full, rejected);
}

#define TOKENS 1000000u

static void *call_until_limited(void *argument) {
    struct caller *caller = argument;
    struct swg_permit permit;
    int rc;
    while ((rc = ask(&permit)) != SWG_LIMITED) {
        caller->calls += rc == SWG_GO;
        caller->odd += rc != SWG_GO && rc != SWG_FULL;
        caller->odd += rc == SWG_GO && swg_record(&permit, SWG_SUCCESS) != 0;
    }
    atomic_store(&stop, true);
    return NULL;
}

/* The limit changes between a call's token and its permit: the token is paid once. */
static void test_no_token_is_lost(void **state) {
    struct caller caller = { 0 };
    char number[16];
    (void)state;
    snprintf(number, sizeof(number), "%u", TOKENS);
    set("limiter.burst", number); /* the clock stands still: no more come */
    set("limiter.rate", number);
    set("limiter.per", "1d");
    set("bulkhead.max_concurrent", "4");
    make();
    atomic_store(&stop, false);
    assert_int_equal(pthread_create(&caller.thread, NULL, call_until_limited, &caller), 0);
    while (!atomic_load(&stop))
        change_the_limit();
    pthread_join(caller.thread, NULL);
    assert_int_equal(caller.odd, 0);
    assert_int_equal(caller.calls, TOKENS);
    assert_out(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_nothing_stays_taken),
        STORY(test_no_token_is_lost),
    };
    return cmocka_run_group_tests_name("a changing bulkhead", tests, NULL, NULL);
}
