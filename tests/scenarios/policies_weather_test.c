/*
 * Callers of all sorts, by chance: they wait, poll, give up, fail, try again, come too late, and somebody changes settings,
 * modes and states under them. After each step what is always so is checked, through the public interface alone.
 */
#include "story.h"

#include <stdbool.h>

#include "bound.h"

#define STEP      MS(10)
#define CALLS_MAX 300

enum phase { WAITS, RUNS, TICKET };

struct caller {
    struct swg_permit permit;
    enum phase phase;
    swg_ns ends, deadline;
    int outcome;
};

static struct caller callers[CALLS_MAX];
static unsigned count;
static uint64_t seed, lot;
static uint64_t verdicts[SWG_QUEUE_SATURATED + 1]; /* that callers were told */
static uint64_t granted_late, tickets, displaced;
static uint32_t allowed; /* permits that may be held, where the limit shrank under them */
static bool reserves, inside, bulkhead, failing;

static uint64_t roll(uint64_t below) {
    lot ^= lot << 13;
    lot ^= lot >> 7;
    lot ^= lot << 17;
    return (lot >> 11) % below;
}

#define hold(what)                                                              \
    do {                                                                        \
        if (!(what))                                                            \
            fail_msg("seed %llu: not so: %s", (unsigned long long)seed, #what); \
    } while (0)

/* ---- what is always so */

static unsigned of_phase(enum phase phase) {
    unsigned found = 0;

    for (unsigned i = 0; i < count; i++)
        found += callers[i].phase == phase;
    return found;
}

static void check_books(const struct swg_status *seen) {
    uint64_t ended = seen->successes + seen->failures + seen->timeouts + seen->ignored +
                     seen->cancelled + seen->late;

    hold(seen->calls - ended == of_phase(RUNS));
    hold(seen->in_flight == (int64_t)of_phase(RUNS));
    hold(seen->rejected_open == verdicts[SWG_OPEN]);
    hold(seen->rejected_full == verdicts[SWG_FULL]);
    hold(seen->rejected_limited == verdicts[SWG_LIMITED]);
    hold(seen->rejected_expired == verdicts[SWG_EXPIRED]);
    hold(seen->rejected_saturated == verdicts[SWG_QUEUE_SATURATED]);
    hold(seen->rejected_shed == 0);
    hold(inside || seen->retries <= tickets);
    hold(seen->probes_held <= seen->probes_max);
}

static void check_permits(const struct swg_status *seen) {
    hold(seen->permits_held <= of_phase(RUNS));
    if (!seen->has_bulkhead || seen->permits_limit == 0)
        return;
    if (allowed > seen->permits_held)
        allowed = seen->permits_held;
    if (allowed < seen->permits_limit)
        allowed = seen->permits_limit;
    hold(seen->permits_held <= allowed);
    hold(seen->queue_length <= of_phase(WAITS));
    hold(seen->queue_max == 0 || seen->queue_length <= seen->queue_max);
}

static void check(void) {
    struct swg_status seen = status();

    check_books(&seen);
    check_permits(&seen);
}

/* ---- callers */

static void leave(unsigned i) {
    callers[i] = callers[--count];
}

/* What asking, polling or asking again came to. false: it is gone. */
static bool take_answer(unsigned i, int rc) {
    struct caller *caller = &callers[i];

    hold(rc == SWG_GO || rc == SWG_QUEUED || swg_is_rejection(rc));
    if (swg_is_rejection(rc)) {
        verdicts[rc]++;
        hold(caller->permit.opaque[0] == 0);
        leave(i);
        return false;
    }
    caller->phase = rc == SWG_GO ? RUNS : WAITS;
    /* Under one permit, the attempt finds out by itself, so that the call has an outcome. */
    hold(inside || rc != SWG_GO || caller->deadline == 0 || now() < caller->deadline);
    if (rc == SWG_GO)
        caller->ends = now() + MS(5) + (int64_t)roll((uint64_t)MS(200));
    return true;
}

static void ask(void) {
    struct swg_request request = SWG_REQUEST_INIT;
    struct caller *caller = &callers[count];
    struct swg_status before = status();
    int rc;

    if (count == CALLS_MAX)
        return;
    request.priority = (int)roll(64) - 32;
    request.key = roll(10);
    if (roll(4) == 0)
        request.deadline = now() + (int64_t)roll((uint64_t)MS(600));
    if (roll(3) == 0)
        request = (struct swg_request)SWG_REQUEST_INIT;
    *caller = (struct caller){ .deadline = request.deadline };
    rc = swg_acquire_at(circuit, roll(5) == 0 && request.deadline == 0 ? NULL : &request, now(),
                        &caller->permit);
    hold(before.mode != SWG_MODE_NORMAL || before.state != SWG_STATE_OPEN || rc == SWG_OPEN);
    hold(before.mode != SWG_MODE_FORCED_OPEN || rc == SWG_OPEN);
    hold(before.mode != SWG_MODE_FORCED_CLOSED || rc == SWG_GO || rc == SWG_EXPIRED);
    hold(before.mode != SWG_MODE_SHADOW || rc == SWG_GO || rc == SWG_EXPIRED);
    count++;
    take_answer(count - 1, rc);
}

static void finish(unsigned i) {
    struct caller *caller = &callers[i];
    struct swg_permit copy;
    int rc;

    caller->outcome = SWG_SUCCESS;
    if (roll(failing ? 2 : 30) == 0)
        caller->outcome = roll(3) == 0 ? SWG_TIMEOUT : SWG_FAILURE;
    else if (roll(30) == 0)
        caller->outcome = SWG_IGNORED;
    if (roll(20) == 0) {
        swg_cancel(&caller->permit);
        leave(i);
        return;
    }
    rc = swg_record_at(&caller->permit, caller->outcome, NULL, now(), MS(10));
    hold(rc == 0 || rc == SWG_RETRY);
    hold(rc == 0 || caller->outcome == SWG_FAILURE || caller->outcome == SWG_TIMEOUT);
    if (rc == SWG_RETRY) {
        tickets++;
        caller->phase = inside ? RUNS : TICKET;
        caller->ends = now() + swg_retry_in(&caller->permit);
        caller->outcome = SWG_RETRY;
        return;
    }
    copy = caller->permit;
    hold(swg_record(&copy, SWG_FAILURE) == 0); /* ended twice: nothing */
    leave(i);
}

static void go_on(unsigned i) {
    struct caller *caller = &callers[i];

    if (caller->outcome != SWG_RETRY) {
        finish(i);
        return;
    }
    if (roll(10) == 0) { /* dropped; of all under one permit that is giving it up */
        swg_cancel(&caller->permit);
        leave(i);
        return;
    }
    caller->outcome = 0;
    take_answer(i, swg_acquire_again(&caller->permit));
}

static void poll_one(unsigned i) {
    int rc = swg_poll(&callers[i].permit);

    granted_late += rc == SWG_GO;
    displaced += rc == SWG_FULL;
    take_answer(i, rc);
}

static void poll_all(void) {
    for (unsigned i = count; i-- > 0;)
        if (callers[i].phase == WAITS)
            poll_one(i);
}

/* All have looked: where a permit is free, nobody waits for one. While it recovers, whoever got one
 * may have been turned away after that. */
static void check_wakers(void) {
    struct swg_status seen;
    unsigned waiting = 0;

    poll_all();
    poll_all();
    seen = status();
    for (unsigned i = 0; i < count; i++)
        waiting += callers[i].phase == WAITS && swg_retry_in(&callers[i].permit) == 0;
    hold(waiting == 0 || seen.has_bulkhead);
    hold(waiting == 0 || reserves || seen.state != SWG_STATE_CLOSED ||
         seen.permits_held >= seen.permits_limit);
}

static void step(void) {
    for (uint64_t asked = roll(5); asked > 0; asked--)
        ask();
    check();
    advance(STEP);
    for (unsigned i = count; i-- > 0;) {
        if (callers[i].phase == WAITS && roll(60) == 0) {
            swg_cancel(&callers[i].permit);
            leave(i);
        } else if (callers[i].phase == WAITS && roll(3) == 0) {
            poll_one(i);
        } else if (callers[i].phase != WAITS && callers[i].ends <= now()) {
            go_on(i);
        }
    }
    check();
    if (roll(4) == 0) {
        check_wakers();
        check();
    }
}

/* ---- hands */

static const char *const changes[][2] = {
    { "bulkhead.max_concurrent", "2" },
    { "bulkhead.max_concurrent", "9" },
    { "bulkhead.max_concurrent", "4" },
    { "bulkhead.max_queue", "3" },
    { "bulkhead.max_queue", "50" },
    { "bulkhead.when_queue_full", "error" },
    { "bulkhead.when_queue_full", "wait" },
    { "bulkhead.when_queue_full", "reject" },
    { "bulkhead.ageing", "10ms" },
    { "limiter.rate", "off" },
    { "limiter.rate", "20" },
    { "limiter.rate", "200" },
    { "limiter.when_limited", "wait" },
    { "limiter.when_limited", "reject" },
    { "retry.attempts", "4" },
    { "retry.attempts", "1" },
    { "timeout.total", "1s" },
    { "timeout.total", "off" },
};

/* What is set for a policy that is off just then is refused. */
static void change_one(const char *const row[2]) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_config *one = NULL;

    assert_int_equal(swg_config_new(&one), 0);
    assert_int_equal(swg_config_set(one, row[0], row[1], NULL), 0);
    if (swg_circuit_configure(circuit, one, &error) != 0 &&
        strstr(error.text, "would do nothing") == NULL)
        fail_msg("%s=%s: %s", row[0], row[1], error.text);
    swg_config_unref(one);
}

static void meddle(void) {
    uint64_t what = roll(12);

    if (what == 0)
        hand(swg_circuit_trip, (swg_ns)roll((uint64_t)S(2)) + 1, 0);
    else if (what == 1)
        hand(swg_circuit_reset, 0, 1);
    else if (what == 2)
        hand(swg_circuit_probe, 0, 1);
    else if (what == 3)
        mode((int)roll(4), (swg_ns)roll((uint64_t)S(1)) + 1);
    else if (what < 8)
        failing = !failing;
    else if (bulkhead) {
        uint64_t i = roll(sizeof(changes) / sizeof(changes[0]));
        allowed = status().permits_held > allowed ? status().permits_held : allowed;
        change_one(changes[i]);
    }
    check();
}

/* ---- scenarios */

static const char *const circuits[][10][2] = {
    { { "bulkhead.max_concurrent", "4" } },
    { { "bulkhead.max_concurrent", "4" }, { "bulkhead.when_busy", "wait" } },
    { { "bulkhead.max_concurrent", "4" },
      { "bulkhead.when_busy", "wait" },
      { "bulkhead.max_queue", "5" },
      { "bulkhead.when_queue_full", "wait" },
      { "bulkhead.max_wait", "300ms" } },
    { { "bulkhead.max_concurrent", "5" },
      { "bulkhead.when_busy", "wait" },
      { "bulkhead.max_queue", "5" },
      { "bulkhead.when_queue_full", "error" },
      { "bulkhead.reserve.permits", "1" },
      { "bulkhead.partitions", "0:100, 31:60" } },
    { { "limiter.rate", "50" },
      { "limiter.algorithm", "leaky_bucket" },
      { "limiter.when_limited", "wait" },
      { "bulkhead.max_concurrent", "4" },
      { "bulkhead.when_busy", "wait" } },
    { { "limiter.rate", "50" }, { "bulkhead.track", "yes" }, { "timeout.total", "500ms" } },
    { { "bulkhead.max_concurrent", "4" },
      { "bulkhead.when_busy", "wait" },
      { "retry.attempts", "3" },
      { "retry.delay", "20ms" },
      { "retry.budget.percent", "50" },
      { "bulkhead.dynamic_priority", "yes" } },
    { { "bulkhead.max_concurrent", "4" },
      { "bulkhead.when_busy", "wait" },
      { "retry.attempts", "3" },
      { "retry.delay", "20ms" },
      { "retry.inside", "yes" } },
    { { "adaptive.algorithm", "aimd" },
      { "adaptive.max", "12" },
      { "adaptive.window", "100ms" },
      { "bulkhead.when_busy", "wait" },
      { "limiter.rate", "100" },
      { "limiter.adaptive", "yes" } },
};
#define CIRCUITS (sizeof(circuits) / sizeof(circuits[0]))

static void begin_weather(uint64_t number) {
    unsigned kind = (unsigned)(number % CIRCUITS);

    seed = number;
    lot = number * UINT64_C(0x9e3779b97f4a7c15) + 1;
    count = 0;
    allowed = 0;
    memset(verdicts, 0, sizeof(verdicts));
    tickets = 0;
    failing = false;
    reserves = kind == 3;
    inside = kind == 7;
    bulkhead = kind != 3 && kind != 5 && kind != 8;
    set("breaker.trip.0.failure_rate.percent", "50");
    set("breaker.trip.0.failure_rate.window", "2s");
    set("breaker.open.for", "700ms");
    set("breaker.half_open.probes", "2");
    set("breaker.slow_call_duration", "150ms");
    if (roll(2) == 0)
        set("breaker.half_open.ramp", "20, 60");
    for (unsigned i = 0; i < 10 && circuits[kind][i][0] != NULL; i++)
        set(circuits[kind][i][0], circuits[kind][i][1]);
    make();
}

/* All go home: nothing is left behind. */
static void end_weather(void) {
    mode(SWG_MODE_NORMAL, 0);
    while (count > 0) {
        if (callers[0].phase == WAITS && roll(2) == 0)
            poll_one(0);
        else {
            swg_cancel(&callers[0].permit);
            leave(0);
        }
        check();
    }
    struct swg_status seen = status();
    hold(seen.in_flight == 0 && seen.permits_held == 0 && seen.queue_length == 0);
}

static uint64_t sums[SWG_QUEUE_SATURATED + 1], all_tickets;

static void test_in_all_weathers(void **state) {
    const char *again = getenv("SWITCHGEAR_SEED");

    (void)state;
    for (uint64_t i = 1; i <= 10 + bounded(80); i++) {
        assert_int_equal(begin_story(NULL), 0);
        begin_weather(again != NULL ? strtoull(again, NULL, 10) : i);
        for (unsigned steps = 0; steps < 1200; steps++) {
            step();
            if (roll(40) == 0)
                meddle();
        }
        end_weather();
        for (unsigned v = 0; v <= SWG_QUEUE_SATURATED; v++)
            sums[v] += verdicts[v];
        all_tickets += tickets;
        assert_int_equal(end_story(NULL), 0);
    }
    print_message("open %llu, full %llu, limited %llu, expired %llu, saturated %llu, granted after "
                  "waiting %llu, tickets %llu\n",
                  (unsigned long long)sums[SWG_OPEN], (unsigned long long)sums[SWG_FULL],
                  (unsigned long long)sums[SWG_LIMITED], (unsigned long long)sums[SWG_EXPIRED],
                  (unsigned long long)sums[SWG_QUEUE_SATURATED], (unsigned long long)granted_late,
                  (unsigned long long)all_tickets);
    assert_true(sums[SWG_OPEN] > bounded(1000) && sums[SWG_FULL] > bounded(1000) &&
                sums[SWG_LIMITED] > bounded(1000));
    assert_true(sums[SWG_EXPIRED] > bounded(1000) && sums[SWG_QUEUE_SATURATED] > bounded(100));
    assert_true(granted_late > bounded(1000) && all_tickets > bounded(1000) &&
                displaced > bounded(100));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_all_weathers),
    };

    return cmocka_run_group_tests_name("scenarios: weather around policies", tests, NULL, NULL);
}
