/*
 * A dependency's weather, by chance: outages, slowness, flapping, recovery, and callers who only know the public interface.
 * After each step what engine.md promises always is checked.
 */
#include "story.h"

#include <stdbool.h>

#include "bound.h"

#define STEP      MS(20)
#define CALLS_MAX 400

enum weather { FAIR, OUTAGE, SLOW, FLAPPING, DRIZZLE, WEATHERS };

struct on_the_way {
    struct swg_permit permit;
    swg_ns started, ends;
    uint64_t transitions; /* how many there were when it was let in */
    int outcome;
};

static struct on_the_way calls_out[CALLS_MAX];
static unsigned out;
static uint64_t seed, cursor, told, lot;
static int shown; /* the state that events led to */
static uint64_t half_opens, recoveries, trips, lates;
static uint64_t full, limited, all_full, all_limited; /* rejections of this circuit, and of all */

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

static void check_event(const struct swg_event *event) {
    static const bool legal[3][3] = {
        [SWG_STATE_CLOSED] = { [SWG_STATE_OPEN] = true },
        [SWG_STATE_OPEN] = { [SWG_STATE_HALF_OPEN] = true },
        [SWG_STATE_HALF_OPEN] = { true, true, true }, /* to the ramp it stays HALF_OPEN */
    };

    if (event->kind < SWG_EVENT_TRANSITION || event->kind > SWG_EVENT_PROBE)
        return;
    told++;
    hold(event->from == shown);
    hold(event->kind != SWG_EVENT_TRANSITION || legal[event->from][event->to]);
    hold(event->kind != SWG_EVENT_TRIP || event->to == SWG_STATE_OPEN);
    hold(event->kind != SWG_EVENT_RESET || event->to == SWG_STATE_CLOSED);
    hold(event->kind != SWG_EVENT_PROBE ||
         (event->from == SWG_STATE_OPEN && event->to == SWG_STATE_HALF_OPEN));
    trips += event->to == SWG_STATE_OPEN;
    half_opens += event->from == SWG_STATE_OPEN && event->to == SWG_STATE_HALF_OPEN;
    recoveries += event->to == SWG_STATE_CLOSED;
    shown = event->to;
}

static void check(void) {
    struct swg_event event = SWG_EVENT_INIT;
    struct swg_status seen = status();
    uint64_t ended =
        seen.successes + seen.failures + seen.timeouts + seen.ignored + seen.cancelled + seen.late;
    int rc;

    while ((rc = swg_panel_next_event(panel, &cursor, &event)) == 1)
        check_event(&event);
    hold(rc == 0);
    hold(told == seen.transitions);
    hold(seen.in_flight == (int64_t)out);
    hold(ended == seen.calls - out);
    hold(seen.probes_held <= seen.probes_max);
    hold(seen.state == shown || (shown == SWG_STATE_OPEN && seen.state == SWG_STATE_HALF_OPEN));
    hold(seen.rejected_full == full && seen.rejected_limited == limited);
    hold(!seen.has_bulkhead || seen.permits_held == out);
}

/* ---- the dependency */

static bool fails(enum weather weather) {
    switch (weather) {
    case FAIR:
        return roll(200) == 0;
    case OUTAGE:
        return roll(50) != 0;
    case FLAPPING:
        return now() / S(4) % 2 == 0;
    case DRIZZLE:
        return roll(3) == 0;
    default:
        return roll(20) == 0;
    }
}

static void prepare(struct on_the_way *call_out, enum weather weather) {
    bool failed = fails(weather);

    call_out->outcome = !failed ? SWG_SUCCESS : roll(3) == 0 ? SWG_TIMEOUT : SWG_FAILURE;
    if (roll(40) == 0)
        call_out->outcome = SWG_IGNORED;
    call_out->started = now();
    call_out->ends = now() + MS(5) + (int64_t)roll((uint64_t)(weather == SLOW ? S(6) : MS(300)));
}

/* ---- callers */

/* A lease older than the shortest half_open.max may have been taken over. */
static unsigned probing(uint64_t transitions) {
    unsigned count = 0;

    for (unsigned i = 0; i < out; i++)
        count += calls_out[i].transitions == transitions && now() - calls_out[i].started < S(2);
    return count;
}

/* Rejected by whom: each only where there is such a policy, and for a reason that can be seen. */
static void rejected(int rc, const struct swg_status *before, const struct swg_permit *permit) {
    hold(rc == SWG_OPEN || rc == SWG_FULL || rc == SWG_LIMITED);
    hold(rc != SWG_OPEN || before->state != SWG_STATE_CLOSED);
    hold(rc == SWG_OPEN || before->state != SWG_STATE_OPEN);
    hold(rc != SWG_FULL ||
         (before->permits_limit != 0 && before->permits_held >= before->permits_limit));
    hold(rc != SWG_LIMITED || (before->has_limiter && before->limiter_left == 0));
    hold(swg_retry_in(permit) > 0);
    full += rc == SWG_FULL;
    limited += rc == SWG_LIMITED;
}

static void ask(enum weather weather) {
    struct on_the_way *next = &calls_out[out];
    struct swg_request request = SWG_REQUEST_INIT;
    struct swg_status before = status();
    int rc;

    if (out == CALLS_MAX)
        return;
    request.key = roll(20);
    rc = swg_acquire_at(circuit, roll(2) == 0 ? &request : NULL, now(), &next->permit);
    if (rc != SWG_GO) {
        rejected(rc, &before, &next->permit);
        return;
    }
    hold(before.state != SWG_STATE_OPEN);
    hold(before.permits_limit == 0 || before.permits_held < before.permits_limit);
    hold(!before.has_limiter || before.limiter_left > 0);
    prepare(next, weather);
    next->transitions = status().transitions;
    out++;
    if (status().state == SWG_STATE_HALF_OPEN && status().ramp_percent == 0)
        hold(probing(next->transitions) <= before.probes_max);
}

static void finish(unsigned i) {
    struct swg_status before = status(), after;
    bool old = calls_out[i].transitions != before.transitions;
    struct swg_permit copy = calls_out[i].permit;

    if (roll(50) == 0)
        swg_cancel(&calls_out[i].permit);
    else
        record_permit(&calls_out[i].permit, calls_out[i].outcome, now() - calls_out[i].started);
    after = status();
    hold(!old || (after.transitions == before.transitions && after.state == before.state &&
                  after.score == before.score));
    lates += after.late - before.late;
    hold(calls_out[i].permit.opaque[0] == 0 && copy.opaque[0] != 0);
    record_permit(&calls_out[i].permit, SWG_FAILURE, 0); /* ended twice: nothing */
    hold(status().calls == after.calls && status().failures == after.failures &&
         status().late == after.late);
    calls_out[i] = calls_out[--out];
}

static void step(enum weather weather) {
    for (uint64_t asked = roll(3); asked > 0; asked--)
        ask(weather);
    advance(STEP);
    for (unsigned i = out; i-- > 0;)
        if (calls_out[i].ends <= now())
            finish(i);
    check();
}

static void meddle(void) {
    switch (roll(4)) {
    case 0:
        hand(swg_circuit_trip, (swg_ns)roll((uint64_t)S(10)) + 1, 0);
        break;
    case 1:
        hand(swg_circuit_reset, 0, (int)roll(2));
        break;
    default:
        hand(swg_circuit_probe, 0, (int)roll(2));
    }
    check();
}

/* ---- scenarios */

static const char *const circuits[][8][2] = {
    { { "preset", "read" } },
    { { "preset", "resilience4j" }, { "breaker.open.for", "5s" } },
    { { "preset", "polly" } },
    { { "preset", "opossum" }, { "breaker.open.for", "3s" } },
    { { "preset", "hystrix" } },
    { { "preset", "gobreaker" }, { "breaker.open.for", "4s" } },
    { { "preset", "api-retry" }, { "breaker.open.for", "6s" }, { "breaker.open.cooldown", "2s" } },
    { { "breaker.trip.0.change.healthy", "0.02" },
      { "breaker.trip.0.change.unhealthy", "0.3" },
      { "breaker.half_open.ramp", "10,50" },
      { "breaker.half_open.ramp_step", "2s" },
      { "breaker.half_open.probes", "4" },
      { "breaker.open.for", "2s" },
      { "breaker.open.from", "last_failure" } },
    { { "breaker.trip.0.failure_rate.percent", "30" },
      { "breaker.trip.0.failure_rate.window", "5s" },
      { "breaker.trip.1.slow_rate.percent", "50" },
      { "breaker.trip.1.slow_rate.window", "5s" },
      { "breaker.slow_call_duration", "1s" },
      { "breaker.open.for", "1s" },
      { "breaker.half_open.max", "2s" } },
    { { "preset", "queue" },
      { "bulkhead.max_concurrent", "6" },
      { "bulkhead.counts_as_failure", "yes" } },
    { { "preset", "read" },
      { "limiter.rate", "40" },
      { "limiter.burst", "5" },
      { "bulkhead.max_concurrent", "12" } },
    { { "preset", "write" },
      { "limiter.rate", "90" },
      { "limiter.per", "2s" },
      { "limiter.algorithm", "sliding_log" },
      { "adaptive.algorithm", "aimd" },
      { "adaptive.timeout", "400ms" } },
};
#define CIRCUITS (sizeof(circuits) / sizeof(circuits[0]))

static void live_through(uint64_t number) {
    seed = number;
    lot = number * UINT64_C(0x9e3779b97f4a7c15) + 1;
    out = 0;
    cursor = told = full = limited = 0;
    shown = SWG_STATE_CLOSED;
    for (unsigned i = 0; i < 8 && circuits[number % CIRCUITS][i][0] != NULL; i++)
        set(circuits[number % CIRCUITS][i][0], circuits[number % CIRCUITS][i][1]);
    make();
    for (unsigned spell = 0; spell < 8; spell++) {
        enum weather weather = (enum weather)roll(WEATHERS);

        for (uint64_t steps = 50 + roll(600); steps > 0; steps--)
            step(weather);
        if (roll(3) == 0)
            meddle();
    }
    /* The sun comes out: whatever was, it closes in the end. */
    for (unsigned i = 0; i < 6000 && !(i > 1000 && status().state == SWG_STATE_CLOSED); i++)
        step(FAIR);
    hold(status().state == SWG_STATE_CLOSED);
    all_full += full;
    all_limited += limited;
}

static void test_in_all_weathers(void **state) {
    const char *again = getenv("SWITCHGEAR_SEED");

    (void)state;
    for (uint64_t i = 1; i <= 12 + bounded(48); i++) {
        assert_int_equal(begin_story(NULL), 0);
        live_through(again != NULL ? strtoull(again, NULL, 10) : i);
        assert_int_equal(end_story(NULL), 0);
    }
    assert_true(trips > bounded(100) && half_opens > bounded(100) && recoveries > bounded(50) &&
                lates > bounded(100));
    assert_true(all_full > bounded(100) && all_limited > bounded(100));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_all_weathers),
    };

    return cmocka_run_group_tests_name("scenarios: weather", tests, NULL, NULL);
}
