/* What policies add to a call: each as the difference between a call with it and the same call without, in the same repetition. */
#include <stdio.h>

#include "everything.h"
#include "measurements.h"
#include "report.h"
#include "subjects.h"

#define PERMITS 20u

static const char *const bulkhead_settings[] = { "breaker.trip.0.consecutive=5",
                                                 "breaker.histogram=no",
                                                 "bulkhead.max_concurrent=20", NULL };
/* The most a bucket can let through, and a burst for what is more. */
static const char *const limiter_settings[] = {
    "breaker.trip.0.consecutive=5", "breaker.histogram=no",
    "limiter.rate=10000",           "limiter.per=1ms",
    "limiter.burst=1000000",        NULL
};
static const char *const cache_settings[] = { "breaker.histogram=no", "cache.bytes=1000000",
                                              "cache.fresh_for=1h", NULL };

/* false, and a failure was reported, when one cannot be made. */
static bool make_ring(struct bench_ring *ring, struct swg_panel *panel, const char *kind,
                      const char *const *settings) {
    for (unsigned i = 0; i < BENCH_RING; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s-%u", kind, i);
        ring->members[i] = bench_circuit(panel, name, settings);
        if (ring->members[i] == NULL)
            return false;
    }
    return true;
}

static struct bench_side locked_cas(void) {
    static _Alignas(128) _Atomic uint64_t word[16]; /* the first of a line of its own */
    return (struct bench_side){ "locked CAS", bench_block_cas, (void *)word, NULL };
}

void bench_measure_permit(struct bench *bench) {
    struct swg_panel *panel = bench_panel_open(NULL);
    struct swg_circuit *ours = bench_circuit(panel, "ours", bulkhead_settings);
    struct swg_circuit *plain = bench_circuit(panel, "plain", bench_consecutive_settings);
    struct bench_contest contest = { .hands = BENCH_ALONE,
                                     .sides = { { "ours", bench_block_ours, ours, NULL },
                                                { "no bulkhead", bench_block_ours, plain, NULL },
                                                locked_cas() },
                                     .claims = { { "permit", 0, 2, 2.5 } },
                                     .beyond = { 1 + 1 } };
    bench_report_group("what a permit of a bulkhead adds to a call");
    if (ours != NULL && plain != NULL)
        bench_contest_run(bench, &contest);
    swg_panel_unref(panel);
}

void bench_measure_full(struct bench *bench) {
    struct swg_panel *panel = bench_panel_open(NULL);
    struct swg_circuit *ours = bench_circuit(panel, "ours", bulkhead_settings);
    struct swg_circuit *plain = bench_circuit(panel, "plain", bench_consecutive_settings);
    struct swg_permit held[PERMITS];
    struct bench_contest contest = {
        .hands = BENCH_ALONE,
        .sides = { { "ours", bench_block_ours_full, ours, NULL },
                   { "an acquire of no bulkhead", bench_block_ours_acquires, plain, NULL },
                   locked_cas() },
        .claims = { { "full_reject", 0, 2, 3 }, { "full_reject_beyond_acquire", 0, 2, 0 } },
        .beyond = { 0, 1 + 1 }
    };
    unsigned taken = 0;
    while (ours != NULL && taken < PERMITS && swg_acquire(ours, NULL, &held[taken]) == SWG_GO)
        taken++;
    bench_report_group("rejected: all of 20 permits are held");
    if (taken == PERMITS && plain != NULL)
        bench_contest_run(bench, &contest);
    else
        bench_report_failure("full_reject: only %u of %u permits were to be had", taken, PERMITS);
    while (taken > 0)
        swg_cancel(&held[--taken]);
    swg_panel_unref(panel);
}

void bench_measure_limiter(struct bench *bench) {
    struct swg_panel *panel = bench_panel_open(NULL);
    struct bench_ring ours, plain;
    struct bench_contest contest = { .hands = BENCH_ALONE,
                                     .sides = { { "ours", bench_block_ours_ring, &ours, NULL },
                                                { "no limiter", bench_block_ours_ring, &plain,
                                                  NULL },
                                                locked_cas() },
                                     .claims = { { "gcra", 0, 2, 2 } },
                                     .beyond = { 1 + 1 } };
    bench_report_group("what a token of a limiter adds to a call");
    if (make_ring(&ours, panel, "ours", limiter_settings) &&
        make_ring(&plain, panel, "plain", bench_consecutive_settings))
        bench_contest_run(bench, &contest);
    swg_panel_unref(panel);
}

void bench_measure_everything(struct bench *bench) {
    struct swg_panel *panel = bench_panel_open(NULL);
    struct bench_ring ours;
    struct bench_contest contest = {
        .hands = BENCH_ALONE,
        .sides = { { "ours", bench_block_ours_ring, &ours, NULL }, locked_cas() },
        .claims = { { "everything_on", 0, 0, 1 }, { "everything_on_vs_cas", 0, 1, 0 } },
        .budget_ns = { 60 }
    };
    bench_report_group("a call with everything on, time given");
    if (make_ring(&ours, panel, "ours", bench_everything_settings))
        bench_contest_run(bench, &contest);
    swg_panel_unref(panel);
}

static int answer(struct swg_attempt *attempt, void *arg) {
    (void)arg;
    return swg_attempt_keep(attempt, "an answer of a few bytes", 24) == 0 ? SWG_SUCCESS
                                                                          : SWG_FAILURE;
}

void bench_measure_cache(struct bench *bench) {
    struct swg_panel *panel = bench_panel_open(NULL);
    struct swg_circuit *ours = bench_circuit(panel, "ours", cache_settings);
    struct swg_request request = SWG_REQUEST_INIT;
    struct bench_contest contest = { .hands = BENCH_ALONE,
                                     .sides = { { "ours", bench_block_ours_cached, ours, NULL } },
                                     .claims = { { "cache_hit", 0, 0, 1 } },
                                     .budget_ns = { 150 } };
    request.key = BENCH_CACHED_KEY;
    bench_report_group("swg_call() answered by the cache");
    if (ours != NULL && swg_call(ours, &request, answer, NULL, NULL) == SWG_GO)
        bench_contest_run(bench, &contest);
    else
        bench_report_failure("cache_hit: nothing was kept");
    swg_panel_unref(panel);
}
