/* Calls of a circuit that keeps answers: served, missed, asked for once for all, and stale for want of another. */
#include "call_story.h"

#include <ctype.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct swg_permit one;

static void make_caching(void) {
    set("cache.bytes", "1000000");
    set("cache.fresh_for", "10s");
    set("cache.stale_for", "1m");
    make();
}

static void assert_served(const char *answer) {
    assert_int_equal(call_server(), SWG_GO);
    assert_string_equal(swg_source_name(result.source), swg_source_name(SWG_SOURCE_CACHE));
    assert_int_equal(result.degraded, 0);
    assert_int_equal(result.attempts, 0);
    assert_int_equal(result.outcome, 0);
    assert_value(answer);
}

static void assert_called(void) {
    unsigned before = server.calls;

    assert_int_equal(call_server(), SWG_GO);
    assert_int_equal(server.calls, before + 1);
    assert_int_equal(result.source, SWG_SOURCE_CALL);
}

static void test_served_from_the_cache(void **state) {
    (void)state;
    set("limiter.rate", "5");
    make_caching();
    assert_called();
    assert_value("hello");
    server.answer = "other";
    for (unsigned i = 0; i < 100; i++)
        assert_served("hello");
    assert_int_equal(server.calls, 1);
    assert_int_equal(status().calls, 1);        /* neither the breaker */
    assert_int_equal(status().limiter_left, 4); /* nor the limiter was touched */
    advance(S(10));
    assert_called();
    assert_served("other");
}

static void test_other_questions_are_asked(void **state) {
    (void)state;
    make_caching();
    assert_called();
    request.key = 8;
    assert_called();
    request.operation = 1;
    assert_called();
    assert_served("hello");
    request.key = 0; /* no question that could be asked again */
    request.operation = 0;
    assert_called();
    assert_called();
}

static void test_what_is_not_kept(void **state) {
    (void)state;
    make_caching();
    server.answer = NULL;
    assert_called();
    assert_called();
    server.answer = "not found";
    server.outcome = SWG_IGNORED;
    assert_called();
    server.outcome = SWG_SUCCESS;
    assert_called();
    assert_served("not found");
}

static void test_an_answer_of_no_bytes(void **state) {
    (void)state;
    make_caching();
    server.answer = "";
    assert_called();
    assert_served("");
}

static void test_an_open_circuit_still_serves(void **state) {
    (void)state;
    make_caching();
    assert_called();
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    assert_served("hello");
    assert_int_equal(status().rejected_open, 0);
    request.key = 8;
    assert_int_equal(call_server(), SWG_OPEN);
}

static void test_bypass_off_asks_first(void **state) {
    (void)state;
    set("cache.bypass", "no");
    set("limiter.rate", "3");
    set("bulkhead.max_concurrent", "1");
    make_caching();
    assert_called();
    assert_served("hello");
    assert_int_equal(status().calls, 2);
    assert_int_equal(status().cancelled, 1); /* let in, and not made */
    one = taken();
    assert_int_equal(call_server(), SWG_LIMITED);
    assert_nothing_stood_in(SWG_LIMITED);
    advance(S(1));
    assert_int_equal(call_server(), SWG_FULL);
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    assert_int_equal(call_server(), SWG_OPEN);
    assert_nothing_stood_in(SWG_OPEN);
    change("cache.bypass", "yes");
    assert_served("hello");
    swg_cancel(&one);
    assert_int_equal(server.calls, 1);
}

/* ---- stale */

static void test_stale_for_want_of_another(void **state) {
    (void)state;
    set("fallback.chain", "cache");
    make_caching();
    assert_called();
    advance(S(20));
    server.outcome = SWG_FAILURE;
    call_server();
    assert_stood_in(SWG_SOURCE_STALE, SWG_FAILED);
    assert_value("hello");
    assert_int_equal(result.outcome, SWG_FAILURE);
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    call_server();
    assert_stood_in(SWG_SOURCE_STALE, SWG_OPEN);
    assert_int_equal(server.calls, 2);
    advance(S(41));
    assert_int_equal(call_server(), SWG_OPEN); /* too old */
    assert_nothing_stood_in(SWG_OPEN);
}

static void test_no_stale_unless_asked(void **state) {
    (void)state;
    make_caching();
    assert_called();
    advance(S(20));
    server.outcome = SWG_FAILURE;
    assert_int_equal(call_server(), SWG_FAILED);
    assert_nothing_stood_in(SWG_FAILED);
}

/* What stood in for an answer is not taken for one. */
static void test_a_degraded_answer_is_not_kept(void **state) {
    (void)state;
    set("fallback.chain", "static");
    set("fallback.static", "-");
    make_caching();
    server.outcome = SWG_FAILURE;
    call_server();
    assert_stood_in(SWG_SOURCE_STATIC, SWG_FAILED);
    server.outcome = SWG_SUCCESS;
    assert_called();
    assert_served("hello");
}

static void test_switched_off_and_on(void **state) {
    (void)state;
    make_caching();
    assert_called();
    change("cache.bytes", "off");
    assert_called();
    change("cache.bytes", "1000000");
    assert_int_equal(call_server(), SWG_GO);
    assert_served("hello");
}

/* The answer is the caller's until it is given back, whatever becomes of the cache. */
static void test_an_answer_outlives_its_place(void **state) {
    struct swg_buffer kept;
    (void)state;
    make_caching();
    assert_called();
    assert_served("hello");
    kept = result.value;
    result.value = (struct swg_buffer)SWG_BUFFER_INIT;
    change("cache.bytes", "off");
    server.answer = "other";
    assert_called();
    assert_memory_equal(kept.bytes, "hello", 5);
    swg_buffer_release(&kept);
    assert_null(kept.bytes);
    swg_buffer_release(&kept);
}

/* Callers of before there were answers get none, and leave none behind. */
static void test_a_result_without_a_place_for_it(void **state) {
    struct swg_result shorter = SWG_RESULT_INIT;
    (void)state;
    make_caching();
    shorter.size = offsetof(struct swg_result, source);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(swg_call(circuit, &request, serve, NULL, &shorter), SWG_GO);
    assert_int_equal(swg_call(circuit, &request, serve, NULL, NULL), SWG_GO);
    assert_int_equal(server.calls, 1);
}

/* ---- one call for all */

struct follower {
    pthread_t thread;
    _Atomic long id;
    struct swg_request request;
    struct swg_result result;
};

static struct {
    struct follower followers[3];
    int outcome;
    bool expire; /* while they wait */
} flight;

static void wait_a_moment(void) {
    const struct timespec moment = { .tv_nsec = 1000000 };

    nanosleep(&moment, NULL);
}

static bool is_asleep(long id) {
    char path[64], line[128] = "";
    snprintf(path, sizeof(path), "/proc/self/task/%ld/stat", id);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    char *end = fgets(line, sizeof(line), file) != NULL ? strrchr(line, ')') : NULL;
    fclose(file);
    return end != NULL && end[2] == 'S';
}

static int never(struct swg_attempt *attempt, void *arg) {
    (void)attempt;
    (void)arg;
    abort();
}

static void *follow(void *arg) {
    struct follower *follower = arg;

    follower->id = syscall(SYS_gettid);
    swg_call(circuit, &follower->request, never, NULL, &follower->result);
    return NULL;
}

/* It comes, and waits. */
static void come(struct follower *follower) {
    follower->id = 0;
    follower->request = request;
    follower->result = (struct swg_result)SWG_RESULT_INIT;
    follower->request.deadline = flight.expire ? swg_panel_now(panel) + MS(50) : 0;
    assert_int_equal(pthread_create(&follower->thread, NULL, follow, follower), 0);
    for (unsigned patience = 0; patience < 10000 && !flight.expire; patience++) {
        if (follower->id != 0 && is_asleep(follower->id))
            return;
        wait_a_moment();
    }
    assert_true(flight.expire);
}

/* While the call is made. */
static void gather(void) {
    for (unsigned i = 0; i < 3; i++)
        come(&flight.followers[i]);
}

static void join(void) {
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pthread_join(flight.followers[i].thread, NULL), 0);
}

static int lead(struct swg_attempt *attempt, void *arg) {
    (void)arg;
    server.calls++;
    gather();
    if (flight.expire)
        join();
    assert_int_equal(swg_attempt_keep(attempt, "for all", 7), 0);
    return flight.outcome;
}

static void fly(int outcome, bool expire) {
    flight.outcome = outcome;
    flight.expire = expire;
    swg_call(circuit, &request, lead, NULL, &result);
    if (!expire)
        join();
}

static void test_asked_for_once(void **state) {
    (void)state;
    make_caching();
    fly(SWG_SUCCESS, false);
    assert_int_equal(server.calls, 1);
    assert_int_equal(status().calls, 1);
    for (unsigned i = 0; i < 3; i++) {
        struct swg_result *their = &flight.followers[i].result;
        assert_int_equal(their->rc, SWG_GO);
        assert_int_equal(their->source, SWG_SOURCE_CACHE);
        assert_int_equal(their->value.length, 7);
        assert_memory_equal(their->value.bytes, "for all", 7);
        swg_buffer_release(&their->value);
    }
}

static void test_a_failure_for_all(void **state) {
    (void)state;
    set("fallback.chain", "static");
    set("fallback.static", "-");
    make_caching();
    fly(SWG_FAILURE, false);
    assert_int_equal(server.calls, 1);
    assert_int_equal(status().failures, 1); /* a failing dependency is not asked once for each */
    for (unsigned i = 0; i < 3; i++) {
        struct swg_result *their = &flight.followers[i].result;
        assert_int_equal(their->verdict, SWG_FAILED);
        assert_int_equal(their->source, SWG_SOURCE_STATIC);
        swg_buffer_release(&their->value);
    }
}

/* Each waits no longer than it can use the answer. */
static void test_too_late_for_a_follower(void **state) {
    (void)state;
    make_caching();
    fly(SWG_SUCCESS, true);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(flight.followers[i].result.rc, SWG_EXPIRED);
    assert_int_equal(status().rejected_expired, 3);
    assert_int_equal(status().calls, 1);
}

/* Nobody was called for those who follow: theirs is the verdict, not a failure. */
static int lead_into_trip(struct swg_attempt *attempt, void *arg) {
    (void)attempt;
    (void)arg;
    server.calls++;
    gather();
    assert_int_equal(hand(swg_circuit_trip, S(9), 0), 0);
    return 1; /* no outcome */
}

static void test_a_leader_that_came_to_nothing(void **state) {
    (void)state;
    make_caching();
    flight.expire = false;
    assert_int_equal(swg_call(circuit, &request, lead_into_trip, NULL, &result), -EINVAL);
    join();
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(flight.followers[i].result.rc, SWG_OPEN);
    assert_true(status().rejected_open >= 1);
    assert_int_equal(server.calls, 1);
}

/* On a clock that runs, because the first of them waits for its turn. */
static void test_a_verdict_for_all(void **state) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    (void)state;
    panel = swg_panel_unref(panel);
    options.circuits_max = 2;
    assert_int_equal(swg_panel_open(&panel, &options, NULL), 0);
    set("bulkhead.max_concurrent", "1");
    set("bulkhead.when_busy", "wait");
    set("bulkhead.max_wait", "5m");
    make_caching();
    flight.expire = false;
    assert_int_equal(swg_acquire(circuit, NULL, &one), SWG_GO);
    gather();
    assert_int_equal(status().queue_length, 1); /* one for all */
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    join();
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(flight.followers[i].result.rc, SWG_OPEN);
    assert_int_equal(status().rejected_open, 3);
    swg_cancel(&one);
    assert_out(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CALLS(test_served_from_the_cache),
        CALLS(test_other_questions_are_asked),
        CALLS(test_what_is_not_kept),
        CALLS(test_an_answer_of_no_bytes),
        CALLS(test_an_open_circuit_still_serves),
        CALLS(test_bypass_off_asks_first),
        CALLS(test_stale_for_want_of_another),
        CALLS(test_no_stale_unless_asked),
        CALLS(test_a_degraded_answer_is_not_kept),
        CALLS(test_switched_off_and_on),
        CALLS(test_an_answer_outlives_its_place),
        CALLS(test_a_result_without_a_place_for_it),
        CALLS(test_asked_for_once),
        CALLS(test_a_failure_for_all),
        CALLS(test_too_late_for_a_follower),
        CALLS(test_a_leader_that_came_to_nothing),
        CALLS(test_a_verdict_for_all),
    };
    return cmocka_run_group_tests_name("calls of a circuit that keeps answers", tests, NULL, NULL);
}
