/*
 * A protected client of a database: its test matrix, line by line.
 *
 * Settings are those of its plan: 20 calls at once, a breaker that opens when half of at least ten calls in ten seconds fail,
 * and tries again after 30 s; all that leaves the process goes through both, what comes from its cache through neither.
 */
#include "story.h"

#include <malloc.h>
#include <stdbool.h>
#include <unistd.h>

#define AT_ONCE 20
#define PENDING 100000

static struct swg_permit held[AT_ONCE];
static struct swg_permit *pending;

static void plan(void) {
    set("bulkhead.max_concurrent", "20");
    set("breaker.trip.0.failure_rate.percent", "50");
    set("breaker.trip.0.failure_rate.window", "10s");
    set("breaker.trip.0.failure_rate.calls_min", "10");
    set("breaker.open.for", "30s");
    set("breaker.half_open.success_threshold", "2");
}

static void take_all(void) {
    for (unsigned i = 0; i < AT_ONCE; i++)
        assert_int_equal(swg_acquire_at(circuit, NULL, now(), &held[i]), SWG_GO);
}

static void end_all(void) {
    for (unsigned i = 0; i < AT_ONCE; i++)
        record_permit(&held[i], SWG_SUCCESS, MS(5));
}

/* ---- healthy downstream */

static void test_healthy_path(void **state) {
    (void)state;
    plan();
    make();
    for (unsigned i = 0; i < 500; i++) {
        take_all();
        end_all();
        advance(MS(10));
    }
    assert_state(CLOSED);
    assert_int_equal(status().calls, 10000);
    assert_int_equal(status().successes, 10000);
    assert_int_equal(status().rejected_full + status().rejected_open, 0);
    assert_int_equal(status().permits_held, 0);
    assert_int_equal(status().transitions, 0);
}

/* ---- forced failures */

static unsigned events(int from, int to) {
    struct swg_event event = SWG_EVENT_INIT;
    uint64_t cursor = 0;
    unsigned count = 0;

    while (swg_panel_next_event(panel, &cursor, &event) == 1)
        count += event.kind == SWG_EVENT_TRANSITION && event.from == from && event.to == to;
    return count;
}

static void test_forced_failures_open_half_open_close(void **state) {
    (void)state;
    plan();
    make();
    calls(9, SWG_FAILURE);
    assert_state(CLOSED); /* too few to judge */
    call(SWG_FAILURE);
    assert_open_by("time_1");
    assert_int_equal(events(SWG_STATE_CLOSED, SWG_STATE_OPEN), 1);
    for (unsigned i = 0; i < 1000; i++) {
        assert_rejected(); /* at once */
        advance(MS(29));
    }
    assert_int_equal(status().rejected_open, 1000);
    assert_int_equal(status().failures, 10);
    advance(S(1) + ROUNDING);
    assert_state(HALF_OPEN);
    call(SWG_SUCCESS);
    assert_state(HALF_OPEN);
    assert_int_equal(events(SWG_STATE_OPEN, SWG_STATE_HALF_OPEN), 1);
    call(SWG_SUCCESS);
    assert_state(CLOSED);
    assert_int_equal(events(SWG_STATE_HALF_OPEN, SWG_STATE_CLOSED), 1);
    take_all();
    end_all();
    assert_int_equal(status().permits_held, 0);
}

static void test_forced_failures_while_half_open(void **state) {
    (void)state;
    plan();
    make();
    calls(10, SWG_FAILURE);
    for (unsigned i = 0; i < 5; i++) {
        advance(S(30) + ROUNDING);
        assert_state(HALF_OPEN);
        call(SWG_FAILURE);
        assert_state(OPEN);
        assert_rejected();
    }
    assert_int_equal(status().failures, 15);
    assert_int_equal(status().permits_held, 0);
}

/* An open breaker answers before the cap is asked: nothing waits for what will not be made. */
static void test_fast_fail_while_open(void **state) {
    (void)state;
    plan();
    set("bulkhead.when_busy", "wait");
    make();
    take_all();
    struct swg_permit waits;
    assert_int_equal(swg_acquire_at(circuit, NULL, now(), &waits), SWG_QUEUED);
    for (unsigned i = 0; i < AT_ONCE; i++)
        record_permit(&held[i], SWG_FAILURE, MS(5));
    assert_state(OPEN);
    assert_int_equal(swg_poll(&waits), SWG_OPEN);
    assert_rejected();
    assert_int_equal(status().queue_length, 0);
    assert_int_equal(status().permits_held, 0);
}

/* ---- concurrency cap hit, as the configuration says */

static void test_cap_hit_rejects(void **state) {
    (void)state;
    plan(); /* rejects unless told otherwise */
    make();
    take_all();
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(acquire(), SWG_FULL);
    assert_int_equal(status().permits_held, AT_ONCE);
    assert_int_equal(status().rejected_full, 50);
    end_all();
    call(SWG_SUCCESS);
    assert_state(CLOSED);
}

static void test_cap_hit_queues(void **state) {
    struct swg_permit line[200];
    (void)state;
    plan();
    set("bulkhead.when_busy", "wait"); /* ten times twenty may, unless told otherwise */
    make();
    take_all();
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(swg_acquire_at(circuit, NULL, now(), &line[i]), SWG_QUEUED);
        advance(1);
    }
    assert_int_equal(status().queue_length, 200);
    assert_int_equal(acquire(), SWG_FULL);
    end_all();
    for (unsigned i = 0; i < 200; i++) { /* in the order they came */
        assert_int_equal(swg_poll(&line[i]), SWG_GO);
        assert_true(status().permits_held <= AT_ONCE);
        record_permit(&line[i], SWG_SUCCESS, MS(5));
    }
    assert_int_equal(status().queue_length, 0);
    assert_int_equal(status().permits_held, 0);
}

static void full_queue(const char *on_saturated, int answer) {
    struct swg_permit waits;

    plan();
    set("bulkhead.when_busy", "wait");
    set("bulkhead.max_queue", "1");
    set("bulkhead.when_queue_full", on_saturated);
    set("bulkhead.max_wait", "3s");
    set("fallback.chain", "static");
    set("fallback.static", "-");
    make();
    take_all();
    assert_int_equal(swg_acquire_at(circuit, NULL, now(), &waits), SWG_QUEUED);
    advance(1);
    assert_int_equal(acquire(), answer);
    if (answer == SWG_QUEUED) {
        advance(S(3));
        assert_int_equal(swg_poll(&latest), SWG_FULL);
    }
    swg_cancel(&waits);
    end_all();
}

static void test_saturated_queue_rejects(void **state) {
    (void)state;
    full_queue("reject", SWG_FULL);
    assert_int_equal(status().rejected_full, 1);
}

static void test_saturated_queue_waits(void **state) {
    (void)state;
    full_queue("wait", SWG_QUEUED);
    assert_int_equal(status().rejected_full, 1);
}

static void test_saturated_queue_is_an_error(void **state) {
    (void)state;
    full_queue("error", SWG_QUEUE_SATURATED);
    assert_int_equal(status().rejected_saturated, 1);
    assert_int_equal(status().rejected_full, 0);
}

/* ---- no unbounded growth */

static long resident_pages(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    long size = 0, resident = 0;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &size, &resident), 2);
    fclose(file);
    return resident;
}

static size_t allocated(void) {
    return mallinfo2().uordblks;
}

/* All permits that are pending lie in the caller's own memory; nothing is kept for them elsewhere. */
static void pile_up(unsigned count, unsigned *queued, unsigned *rejected) {
    *queued = *rejected = 0;
    for (unsigned i = 0; i < count; i++) {
        int rc = swg_acquire_at(circuit, NULL, now(), &pending[i]);
        *queued += rc == SWG_QUEUED;
        *rejected += rc == SWG_FULL;
    }
}

static void cancel_all(unsigned count) {
    for (unsigned i = 0; i < count; i++)
        swg_cancel(&pending[i]);
}

static void pend(const char *when_full, unsigned queued_of_all) {
    unsigned queued, rejected;

    plan();
    set("bulkhead.when_busy", "wait");
    set("bulkhead.when_queue_full", when_full);
    set("bulkhead.max_wait", "1h");
    make();
    take_all();
    pending = calloc(PENDING, sizeof(*pending));
    assert_non_null(pending);
    memset(pending, 0xff, PENDING * sizeof(*pending)); /* resident before it is measured */
    pile_up(500, &queued, &rejected);                  /* and so is all that is used once */
    cancel_all(500);
    resident_pages();
    size_t before = allocated();
    long pages = resident_pages();
    pile_up(PENDING, &queued, &rejected);
    assert_int_equal(queued + rejected, PENDING);
    assert_int_equal(queued, queued_of_all);
    assert_int_equal(allocated(), before);
    /* Less than sixteen bytes a call: sanitizers keep some of their own. */
    assert_in_range(resident_pages(), 0, pages + PENDING * 16 / 4096);
    print_message(
        "%u queued, %u rejected; %zu bytes allocated, and %zu before; %ld pages, and %ld\n", queued,
        rejected, allocated(), before, resident_pages(), pages);
    cancel_all(PENDING);
    end_all();
    assert_int_equal(status().queue_length, 0);
    assert_int_equal(status().permits_held, 0);
    assert_int_equal(allocated(), before);
    free(pending);
}

static void test_no_growth_under_100000_rejected(void **state) {
    (void)state;
    pend("reject", 200);
}

static void test_no_growth_under_100000_waiting(void **state) {
    (void)state;
    pend("wait", PENDING);
}

/* ---- served from memory */

static int serve(struct swg_attempt *attempt, void *arg) {
    unsigned *served = arg;

    (*served)++;
    assert_int_equal(swg_attempt_keep(attempt, "item", 4), 0);
    return SWG_SUCCESS;
}

static int get_item(unsigned *served) {
    struct swg_request request = SWG_REQUEST_INIT;
    struct swg_result result = SWG_RESULT_INIT;
    int rc;

    request.key = 42;
    rc = swg_call(circuit, &request, serve, served, &result);
    assert_true(rc != SWG_GO || result.value.length == 4);
    swg_buffer_release(&result.value);
    return rc;
}

static void cache_hits(const char *bypass, int while_full, int while_open) {
    unsigned served = 0;

    plan();
    set("cache.bytes", "1000000");
    set("cache.fresh_for", "1m");
    set("cache.bypass", bypass);
    make();
    assert_int_equal(get_item(&served), SWG_GO);
    take_all();
    assert_int_equal(get_item(&served), while_full);
    assert_int_equal(hand(swg_circuit_trip, 0, 0), 0);
    assert_int_equal(get_item(&served), while_open);
    assert_int_equal(served, 1);
    end_all();
}

static void test_cache_hits_pass_by(void **state) {
    (void)state;
    cache_hits("yes", SWG_GO, SWG_GO);
    assert_int_equal(status().calls, 1 + AT_ONCE);
    assert_int_equal(status().rejected_open + status().rejected_full, 0);
}

static void test_cache_hits_may_have_to_ask(void **state) {
    (void)state;
    cache_hits("no", SWG_FULL, SWG_OPEN);
    assert_int_equal(status().rejected_full, 1);
    assert_int_equal(status().rejected_open, 1);
}

/* ---- one breaker for all operations, or one for each */

static void test_one_breaker_for_each_operation(void **state) {
    struct swg_circuit *read, *write;
    (void)state;
    plan();
    make_named("database/read");
    read = circuit;
    make_named("database/write");
    write = circuit;
    calls(10, SWG_FAILURE);
    assert_state(OPEN);
    assert_int_equal(swg_circuit_state(write), SWG_STATE_OPEN);
    assert_int_equal(swg_circuit_state(read), SWG_STATE_CLOSED);
    circuit = read;
    take_all();
    end_all();
}

/* ---- retries stay inside the breaker's action */

static void test_retries_run_inside(void **state) {
    struct swg_permit one;
    (void)state;
    plan();
    set("retry.attempts", "3");
    set("retry.inside", "yes");
    make();
    assert_int_equal(swg_acquire_at(circuit, NULL, now(), &one), SWG_GO);
    assert_int_equal(swg_record(&one, SWG_FAILURE), SWG_RETRY);
    assert_int_equal(swg_acquire_again(&one), SWG_GO);
    assert_int_equal(swg_record(&one, SWG_FAILURE), SWG_RETRY);
    assert_int_equal(swg_acquire_again(&one), SWG_GO);
    assert_int_equal(status().permits_held, 1);
    assert_int_equal(swg_record(&one, SWG_FAILURE), 0);
    assert_int_equal(status().failures, 1);
    assert_int_equal(status().window_calls, 1);
    calls(9, SWG_SUCCESS);
    assert_state(CLOSED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_healthy_path),
        STORY(test_forced_failures_open_half_open_close),
        STORY(test_forced_failures_while_half_open),
        STORY(test_fast_fail_while_open),
        STORY(test_cap_hit_rejects),
        STORY(test_cap_hit_queues),
        STORY(test_saturated_queue_rejects),
        STORY(test_saturated_queue_waits),
        STORY(test_saturated_queue_is_an_error),
        STORY(test_no_growth_under_100000_rejected),
        STORY(test_no_growth_under_100000_waiting),
        STORY(test_cache_hits_pass_by),
        STORY(test_cache_hits_may_have_to_ask),
        STORY(test_one_breaker_for_each_operation),
        STORY(test_retries_run_inside),
    };

    return cmocka_run_group_tests_name("scenarios: seed 000", tests, NULL, NULL);
}
