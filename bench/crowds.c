/* The price of a call where failures are many, threads outnumber columns, or circuits outnumber the caches. */
#include <stdio.h>
#include <stdlib.h>

#include "measurements.h"
#include "report.h"
#include "subjects.h"

#define CIRCUITS_MAX 10000u

/* A panel whose columns have all been used, so that a sum must visit every one. */
static struct swg_circuit *circuit_with_columns(struct swg_panel **panel, unsigned columns) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct bench_holders holders;
    options.columns_max = columns;
    *panel = bench_panel_open(&options);
    struct swg_circuit *circuit = bench_circuit(*panel, "bench", bench_window_settings);
    if (circuit == NULL)
        return NULL;
    bench_holders_init(&holders, circuit, columns);
    bench_holders_deinit(&holders);
    return circuit;
}

static void failures_with_columns(struct bench *bench, unsigned columns, const char *name) {
    static struct bench_mix ours, theirs;
    struct swg_panel *panel;
    if (!bench_wants(bench, name))
        return;
    struct swg_circuit *circuit = circuit_with_columns(&panel, columns);
    bench_mix_init(&ours, circuit, 0.3);
    bench_mix_init(&theirs, bench_mutex(&bench_window_rules), 0.3);
    struct bench_contest contest = { .hands = BENCH_TWO_THREADS,
                                     .sides = { { "ours", bench_block_ours_mixed, &ours, NULL },
                                                { "mutex breaker", bench_block_mutex_mixed, &theirs,
                                                  NULL } },
                                     .claims = { { name, 0, 1, 0.7 } } };
    /* Successes first: of the very first ten calls, five might fail. */
    if (circuit != NULL && bench_block_ours(circuit, swg_now(), 0) == 0 &&
        bench_block_mutex(theirs.subject, swg_now(), 0) == 0)
        bench_contest_run(bench, &contest);
    swg_panel_unref(panel);
    bench_mutex_forget();
}

void bench_measure_failures(struct bench *bench) {
    bench_report_group("30 % fail: two threads, 2 to 256 columns");
    failures_with_columns(bench, 2, "failures_30_percent_2_columns");
    failures_with_columns(bench, 32, "failures_30_percent_32_columns");
    failures_with_columns(bench, 256, "failures_30_percent_256_columns");
}

void bench_measure_change_detector(struct bench *bench) {
    static const char *const settings[] = {
        "breaker.trip.0.change.healthy=0.01", "breaker.trip.0.change.unhealthy=0.2",
        "breaker.trip.0.change.false_trip_once_in=1000000000000", "breaker.histogram=no", NULL
    };
    static struct bench_mix ours, theirs;
    struct swg_panel *panel = bench_panel_open(NULL);
    struct swg_circuit *circuit = bench_circuit(panel, "bench", settings);
    bench_mix_init(&ours, circuit, 0.01);
    bench_mix_init(&theirs, bench_mutex(&bench_consecutive_rules), 0.01);
    struct bench_contest contest = { .hands = BENCH_TWO_THREADS,
                                     .sides = { { "ours", bench_block_ours_mixed, &ours, NULL },
                                                { "mutex breaker", bench_block_mutex_mixed, &theirs,
                                                  NULL } },
                                     .claims = { { "change_detector_1_percent", 0, 1, 0 } } };
    bench_report_group("1 % fail: change detector, two threads");
    if (circuit != NULL)
        bench_contest_run(bench, &contest);
    swg_panel_unref(panel);
    bench_mutex_forget();
}

void bench_measure_shared_column(struct bench *bench) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    options.columns_max = 1;
    struct swg_panel *narrow = bench_panel_open(&options), *wide = bench_panel_open(NULL);
    struct swg_circuit *shared = bench_circuit(narrow, "bench", bench_window_settings);
    struct swg_circuit *own = bench_circuit(wide, "bench", bench_window_settings);
    struct bench_contest contest = {
        .hands = BENCH_TWO_THREADS,
        .sides = { { "ours", bench_block_ours, shared, NULL },
                   { "columns of their own", bench_block_ours, own, NULL },
                   { "mutex breaker", bench_block_mutex, bench_mutex(&bench_window_rules), NULL } },
        .claims = { { "shared_column", 0, 1, 0 }, { "shared_column_vs_mutex", 0, 2, 0 } }
    };
    bench_report_group("more threads than columns: two threads");
    if (shared != NULL && own != NULL) {
        struct bench_holders holder;
        bench_holders_init(&holder, shared, 1);
        bench_contest_run(bench, &contest);
        bench_holders_deinit(&holder);
    }
    swg_panel_unref(narrow);
    swg_panel_unref(wide);
    bench_mutex_forget();
}

static unsigned make_crowd(struct swg_panel *panel, void **ours, void **theirs,
                           struct mutex_breaker *mutexes) {
    unsigned count = 0;
    for (; panel != NULL && count < CIRCUITS_MAX; count++) {
        char name[32];
        snprintf(name, sizeof name, "bench-%u", count);
        ours[count] = bench_circuit(panel, name, bench_window_settings);
        if (ours[count] == NULL)
            break;
        theirs[count] = &mutexes[count];
        mutex_breaker_init(&mutexes[count], &bench_window_rules, swg_now());
    }
    return count;
}

static void measure_crowd(struct bench *bench, void **ours, void **theirs) {
    static struct bench_crowd us, them;
    static const struct {
        const char *name;
        unsigned count;
    } rows[] = { { "circuits_1", 1 }, { "circuits_100", 100 }, { "circuits_10000", CIRCUITS_MAX } };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        bench_crowd_init(&us, ours, rows[i].count);
        bench_crowd_init(&them, theirs, rows[i].count);
        struct bench_contest contest = { .hands = BENCH_ALONE,
                                         .sides = { { "ours", bench_block_ours_crowd, &us, NULL },
                                                    { "mutex breaker", bench_block_mutex_crowd,
                                                      &them, NULL } },
                                         .claims = { { rows[i].name, 0, 1, 0 } } };
        bench_contest_run(bench, &contest);
    }
}

void bench_measure_circuits(struct bench *bench) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    options.circuits_max = CIRCUITS_MAX;
    options.histograms_max = CIRCUITS_MAX;
    options.columns_max = 2;
    if (!bench_wants(bench, "circuits_1") && !bench_wants(bench, "circuits_100") &&
        !bench_wants(bench, "circuits_10000"))
        return;
    void **ours = calloc(CIRCUITS_MAX, sizeof *ours), **theirs = calloc(CIRCUITS_MAX, sizeof *ours);
    struct mutex_breaker *mutexes = calloc(CIRCUITS_MAX, sizeof *mutexes);
    struct swg_panel *panel = bench_panel_open(&options);
    bench_report_group("one thread, circuits called at random");
    if (ours && theirs && mutexes && make_crowd(panel, ours, theirs, mutexes) == CIRCUITS_MAX)
        measure_crowd(bench, ours, theirs);
    swg_panel_unref(panel);
    free(mutexes);
    free(theirs);
    free(ours);
}
