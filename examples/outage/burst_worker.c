/*
 * A worker of the second act: calls that come by chance, whether earlier ones were answered or not, as users' requests come. The
 * same seed on both sides makes the same calls at the same moments. The two kinds of worker differ in who says whether a call
 * may be made, and whether it may be made again; and in nothing else.
 */
#include "outage.h"
#include "transfers.h"

#include <math.h>
#include <stdlib.h>
#include <sys/resource.h>

#define LOOK_NS (5 * NS_PER_MS) /* at calls that wait */

struct call {
    struct call *next;
    swg_ns came, again_at;
    int kind, phase;
    unsigned attempts;
    struct swg_permit permit;
};

struct worker {
    struct burst_counts *counts;
    struct transfers transfers;
    struct swg_circuit *circuit; /* unprotected: NULL */
    swg_ns began, next_at;
    uint64_t lot;
    struct call *queued, *paused; /* wait for their turn; for their next attempt */
};

/* ---- chance */

/* splitmix64: https://prng.di.unimi.it/splitmix64.c */
static uint64_t draw(struct worker *worker) {
    uint64_t z = (worker->lot += 0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/* Exponential gaps know nothing of the past, so each phase may draw anew from its beginning. */
static swg_ns next_arrival(struct worker *worker, swg_ns from) {
    swg_ns ends = worker->began;

    for (int phase = 0; phase < BURST_PHASES; phase++) {
        double rate = (double)CALLS_PER_SECOND / WORKERS * (phase == DURING ? BURST_TIMES : 1);

        ends += burst_phase_ms[phase] * NS_PER_MS;
        if (from >= ends)
            continue;
        from += (swg_ns)(-log(((double)(draw(worker) >> 11) + 1) * 0x1p-53) / rate * 1e9);
        if (from < ends)
            return from;
        from = ends;
    }
    return SWG_NS_MAX;
}

/* Of fifty calls one is urgent, five are reports that can wait until tomorrow. */
static int draw_kind(struct worker *worker) {
    uint64_t lot = draw(worker) % 50;

    return lot == 0 ? URGENT : lot <= 5 ? REPORT : PLAIN;
}

/* ---- a call and what becomes of it */

static void add(atomic_ullong *count) {
    atomic_fetch_add(count, 1);
}

static void count_answer(const struct worker *worker, const struct call *call) {
    struct burst_counts *counts = worker->counts;
    swg_ns now = now_ns();
    int phase = burst_phase(worker->began, now);
    swg_ns bin = (now - call->came) / (LATENCY_BIN_MS * NS_PER_MS);

    if (phase < BURST_PHASES)
        add(&counts->answered[phase]);
    if (call->phase != DURING)
        return;
    add(&counts->latency[bin < LATENCY_BINS ? bin : LATENCY_BINS - 1]);
    if (call->kind == URGENT)
        add(&counts->urgent_answered);
}

static void attempt(struct worker *worker, struct call *call) {
    swg_ns left = BURST_TIMEOUT_MS * NS_PER_MS;

    if (worker->circuit != NULL)
        left = swg_deadline(&call->permit) - now_ns();
    add(&worker->counts->attempts);
    if (call->attempts++ > 0)
        add(&worker->counts->retries);
    transfers_start(&worker->transfers, call, left > NS_PER_MS ? (long)(left / NS_PER_MS) : 1);
}

static void pause_call(struct worker *worker, struct call *call, swg_ns pause) {
    call->again_at = now_ns() + pause;
    call->next = worker->paused;
    worker->paused = call;
}

/* A retry that is not let through leaves the failure of the attempt before it. */
static void turn_away(struct worker *worker, struct call *call, int verdict) {
    if (!swg_is_rejection(verdict))
        give_up("ask the circuit", swg_strerror(verdict));
    add(call->attempts > 0 ? &worker->counts->failed : &worker->counts->rejected[verdict]);
    free(call);
}

static void proceed(struct worker *worker, struct call *call, int verdict) {
    struct call **last = &worker->queued;

    if (verdict == SWG_GO) {
        attempt(worker, call);
        return;
    }
    if (verdict != SWG_QUEUED) {
        turn_away(worker, call, verdict);
        return;
    }
    while (*last != NULL)
        last = &(*last)->next;
    call->next = NULL;
    *last = call;
}

/* May it be made once more? Then how long to wait before, else -1. */
static swg_ns ask_again(struct worker *worker, struct call *call, int outcome,
                        const struct swg_failure *why) {
    if (worker->circuit ==
        NULL) /* a plain retry: whatever the circumstances, up to so many attempts */
        return outcome == SWG_SUCCESS || call->attempts == ATTEMPTS ? -1
                                                                    : RETRY_DELAY_MS * NS_PER_MS;
    if (swg_record_error(&call->permit, outcome, why) != SWG_RETRY)
        return -1;
    return swg_retry_in(&call->permit);
}

static void on_done(void *arg, void *what_for, int outcome, const struct swg_failure *why) {
    struct worker *worker = arg;
    struct call *call = what_for;
    swg_ns pause = ask_again(worker, call, outcome, why);

    if (outcome == SWG_TIMEOUT)
        add(&worker->counts->timeouts);
    if (pause >= 0) {
        pause_call(worker, call, pause);
        return;
    }
    if (outcome == SWG_SUCCESS)
        count_answer(worker, call);
    else
        add(&worker->counts->failed);
    free(call);
}

/* ---- what comes due */

static void ask_first(struct worker *worker, struct call *call) {
    static const int priorities[KINDS] = { [PLAIN] = 0, [URGENT] = -10, [REPORT] = 10 };
    struct swg_request request = SWG_REQUEST_INIT;

    request.priority = priorities[call->kind];
    request.load = call->kind == REPORT ? HEAVY_LOAD : 1;
    proceed(worker, call,
            worker->circuit != NULL ? swg_acquire(worker->circuit, &request, &call->permit)
                                    : SWG_GO);
}

static void begin_calls(struct worker *worker) {
    for (; worker->next_at <= now_ns(); worker->next_at = next_arrival(worker, worker->next_at)) {
        struct call *call = calloc(1, sizeof(*call));

        if (call == NULL)
            give_up("call", "no memory");
        call->came = worker->next_at;
        call->kind = draw_kind(worker);
        call->phase = burst_phase(worker->began, call->came);
        add(&worker->counts->offered[call->phase]);
        if (call->phase == DURING && call->kind == URGENT)
            add(&worker->counts->urgent_offered);
        ask_first(worker, call);
    }
}

static void look_at_queued(struct worker *worker) {
    struct call *call = worker->queued, *next;

    for (worker->queued = NULL; call != NULL; call = next) {
        next = call->next;
        proceed(worker, call, swg_poll(&call->permit));
    }
}

static void resume_paused(struct worker *worker) {
    struct call *call = worker->paused, *next;
    swg_ns now = now_ns();

    for (worker->paused = NULL; call != NULL; call = next) {
        next = call->next;
        if (call->again_at > now) {
            call->next = worker->paused;
            worker->paused = call;
        } else {
            proceed(worker, call,
                    worker->circuit != NULL ? swg_acquire_again(&call->permit) : SWG_GO);
        }
    }
}

/* ---- setting up */

/*
 * Twenty calls at once and ten more waiting, urgent ones first; retries are a tenth of the calls at most. Should the server fail
 * for good, the breaker opens as ever.
 */
static const char *const settings[][2] = {
    { "breaker.trip.0.consecutive", "5" },
    { "breaker.open.for", "1s" },
    { "bulkhead.max_concurrent", "20" },
    { "bulkhead.when_busy", "wait" },
    { "bulkhead.max_queue", "10" },
    { "bulkhead.max_wait", "500ms" },
    { "timeout.attempt", "1s" },
    { "retry.attempts", "3" },
    { "retry.backoff", "constant" },
    { "retry.delay", "100ms" },
    { "retry.jitter", "none" },
    { "retry.budget.percent", "10" },
};

static void protect(struct worker *worker, const struct outage *outage) {
    struct swg_config *config = configure(settings, sizeof(settings) / sizeof(*settings));
    struct swg_error error = SWG_ERROR_INIT;

    if (swg_circuit_get(open_panel(outage), BURST_CIRCUIT, config, &worker->circuit, &error) != 0)
        give_up("make the circuit", error.text);
    swg_config_unref(config);
}

/* Who does not limit itself needs a descriptor for each call it waits for. */
static void allow_connections(void) {
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static void wait_for_begin(struct worker *worker, const struct outage *outage) {
    atomic_fetch_add(&outage->shared->ready, 1);
    while ((worker->began = outage->shared->burst.began) == 0)
        sleep_until(now_ns() + NS_PER_MS);
    worker->next_at = next_arrival(worker, worker->began);
    while (worker->next_at < now_ns()) /* in another's place: what came before is lost */
        worker->next_at = next_arrival(worker, worker->next_at);
}

_Noreturn void run_burst_worker(const struct outage *outage, int side, int number) {
    struct worker worker = { .counts = &outage->shared->burst.sides[side],
                             .lot = (uint64_t)number + 1 };

    allow_connections();
    transfers_open(&worker.transfers, outage, side, on_done, &worker);
    if (side == PROTECTED)
        protect(&worker, outage);
    wait_for_begin(&worker, outage);
    for (;;) {
        swg_ns look = now_ns() + LOOK_NS;

        begin_calls(&worker);
        look_at_queued(&worker);
        resume_paused(&worker);
        transfers_run(&worker.transfers, worker.next_at < look ? worker.next_at : look);
    }
}
