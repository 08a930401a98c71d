/* The price of one call that goes well or is turned away, rule by rule. */
#include <stdlib.h>
#include <unistd.h>

#include "measurements.h"
#include "report.h"
#include "subjects.h"

#define HOUR_NS INT64_C(3600000000000)

#define CROSSINGS 25u

void bench_measure_crossing(struct bench *bench) {
    static _Alignas(128) _Atomic uint64_t word[16];
    static struct bench_ball ours = { word, 0 }, theirs = { word, 1 };
    struct bench_result result = { .name = "cache_line_there_and_back", .unit = "ns" };
    for (unsigned r = 0; r < CROSSINGS; r++) {
        struct bench_tally tally;
        uint64_t before = word[0];
        bench_crew_run(&bench->crew, BENCH_TWO_THREADS, bench_block_ping, &ours, &theirs, 2000000,
                       &tally);
        double ns = (double)tally.elapsed_ns / (double)(word[0] - before);
        if (r == 0 || ns < result.value)
            result.value = ns; /* the least of them: what disturbs can only add */
    }
    bench_report_group("how far apart the two processors are");
    bench_report(&result);
}

static void success_in_one_process(struct bench *bench, struct swg_circuit *circuit) {
    struct bench_contest contest = {
        .hands = BENCH_ALONE,
        .sides = { { "ours", bench_block_ours, circuit, NULL },
                   { "mutex breaker", bench_block_mutex, bench_mutex(&bench_window_rules), NULL },
                   { "empty pair", bench_block_empty, circuit, NULL } },
        .claims = { { "success_one_thread", 0, 1, 0.3 }, { "empty_pair_vs_mutex", 2, 1, 0 } }
    };
    bench_contest_run(bench, &contest);
    contest.sides[2] = (struct bench_side){ 0 };
    contest.claims[1] = (struct bench_claim){ 0 };
    contest.hands = BENCH_TWO_THREADS;
    contest.claims[0] = (struct bench_claim){ "success_two_threads", 0, 1, 0.15 };
    bench_contest_run(bench, &contest);
}

static void success_in_two_processes(struct bench *bench) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    options.path = bench->panel;
    struct swg_panel *panel = bench_panel_open(&options);
    struct swg_circuit *circuit = bench_circuit(panel, "bench", bench_window_settings);
    void *theirs = circuit ? bench_crew_attach(&bench->crew, bench->panel, "bench") : NULL;
    struct bench_contest contest = { .hands = BENCH_TWO_PROCESSES,
                                     .sides = { { "ours", bench_block_ours, circuit, theirs },
                                                { "mutex breaker", bench_block_mutex,
                                                  bench_mutex(&bench_window_rules), NULL } },
                                     .claims = { { "success_two_processes", 0, 1, 0.15 } } };
    if (theirs != NULL)
        bench_contest_run(bench, &contest);
    else
        bench_report_failure("success_two_processes: the second process found no circuit");
    bench_crew_attach(&bench->crew, NULL, NULL);
    swg_panel_unref(panel);
    bench_remove_files(bench);
}

void bench_measure_success(struct bench *bench) {
    struct swg_panel *panel = bench_panel_open(NULL);
    struct swg_circuit *circuit = bench_circuit(panel, "bench", bench_window_settings);
    bench_report_group("success: two time windows and histogram");
    if (circuit != NULL)
        success_in_one_process(bench, circuit);
    swg_panel_unref(panel);
    if (bench_wants(bench, "success_two_processes"))
        success_in_two_processes(bench);
    bench_mutex_forget();
}

void bench_measure_consecutive(struct bench *bench) {
    struct swg_panel *panel = bench_panel_open(NULL);
    struct swg_circuit *circuit = bench_circuit(panel, "bench", bench_consecutive_settings);
    struct mutex_breaker *mutex = bench_mutex(&bench_consecutive_rules);
    struct bench_contest contest = {
        .hands = BENCH_ALONE,
        .sides = { { "ours", bench_block_ours, circuit, NULL },
                   { "empty pair", bench_block_empty, circuit, NULL },
                   { "mutex breaker", bench_block_mutex, mutex, NULL } },
        .claims = { { "consecutive", 0, 1, 3 }, { "consecutive_vs_mutex", 0, 2, 0 } }
    };
    bench_report_group("success: five consecutive failures would trip");
    if (circuit != NULL)
        bench_contest_run(bench, &contest);
    contest.hands = BENCH_TWO_THREADS;
    contest.claims[0] = (struct bench_claim){ "consecutive_two_threads", 0, 1, 0 };
    contest.claims[1] = (struct bench_claim){ "consecutive_two_threads_vs_mutex", 0, 2, 0 };
    if (circuit != NULL)
        bench_contest_run(bench, &contest);
    swg_panel_unref(panel);
    bench_mutex_forget();
}

void bench_measure_count_window(struct bench *bench) {
    static _Alignas(128) _Atomic uint64_t word[16]; /* the first of a line of its own */
    struct swg_panel *panel = bench_panel_open(NULL);
    struct swg_circuit *circuit = bench_circuit(panel, "bench", bench_count_settings);
    struct mutex_breaker *mutex = bench_mutex(&bench_count_rules);
    struct bench_contest contest = { .hands = BENCH_ALONE,
                                     .sides = { { "ours", bench_block_ours, circuit, NULL },
                                                { "mutex breaker", bench_block_mutex, mutex,
                                                  NULL } },
                                     .claims = { { "count_window_one_thread", 0, 1, 0.6 } } };
    bench_report_group("success: failure rate of the last 100 calls");
    if (circuit != NULL)
        bench_contest_run(bench, &contest);
    contest.hands = BENCH_TWO_THREADS;
    contest.sides[2] = (struct bench_side){ "contended CAS", bench_block_cas, (void *)word, NULL };
    contest.claims[0] = (struct bench_claim){ "count_window_two_threads", 0, 2, 1.7 };
    contest.claims[1] = (struct bench_claim){ "count_window_two_threads_vs_mutex", 0, 1, 0 };
    if (circuit != NULL)
        bench_contest_run(bench, &contest);
    swg_panel_unref(panel);
    bench_mutex_forget();
}

static struct mutex_breaker *open_mutex(void) {
    struct mutex_breaker_rules rules = bench_consecutive_rules;
    rules.open_ns = HOUR_NS;
    struct mutex_breaker *mutex = bench_mutex(&rules);
    for (unsigned i = 0; i < rules.consecutive; i++) {
        struct swg_permit permit;
        swg_ns now = swg_now();
        if (mutex_breaker_acquire(mutex, NULL, now, &permit) == SWG_GO)
            mutex_breaker_record(&permit, SWG_FAILURE, NULL, now, 0);
    }
    return mutex;
}

void bench_measure_open(struct bench *bench) {
    struct swg_act act = SWG_ACT_INIT;
    struct swg_panel *panel = bench_panel_open(NULL);
    struct swg_circuit *circuit = bench_circuit(panel, "bench", bench_window_settings);
    struct bench_contest contest = {
        .hands = BENCH_ALONE,
        .sides = { { "ours", bench_block_ours_rejects, circuit, NULL },
                   { "empty acquire", bench_block_empty_acquire, circuit, NULL },
                   { "mutex breaker", bench_block_mutex_rejects, open_mutex(), NULL } },
        .claims = { { "open_reject", 0, 1, 2 }, { "open_reject_vs_mutex", 0, 2, 0 } }
    };
    act.user = "bench";
    bench_report_group("rejected: the breaker is open");
    if (circuit != NULL && swg_circuit_trip(circuit, &act, NULL) == 0)
        bench_contest_run(bench, &contest);
    else
        bench_report_failure("open_reject: the circuit could not be tripped");
    swg_panel_unref(panel);
    bench_mutex_forget();
}

void bench_measure_clocks(struct bench *bench) {
    struct swg_panel *panel = bench_panel_open(NULL);
    struct swg_circuit *circuit = bench_circuit(panel, "bench", bench_window_settings);
    struct bench_contest contest = {
        .hands = BENCH_ALONE,
        .sides = { { "ours", bench_block_ours_own_clock, circuit, NULL },
                   { "time given and two swg_now", bench_block_ours_two_clocks, circuit, NULL } },
        .claims = { { "own_clock", 0, 1, 1.2 } }
    };
    static const struct bench_contest clocks = {
        .hands = BENCH_ALONE,
        .sides = { { "ours", bench_block_swg_now, NULL, NULL },
                   { "clock_gettime", bench_block_clock_gettime, NULL, NULL } },
        .claims = { { "swg_now", 0, 1, 0 } }
    };
    bench_report_group("the clock read by the library");
    if (circuit != NULL)
        bench_contest_run(bench, &contest);
    bench_contest_run(bench, &clocks);
    swg_panel_unref(panel);
}
