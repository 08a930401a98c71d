/* What is paid once: memory, and the time to attach. Nothing here is compared to another breaker. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "measurements.h"
#include "report.h"
#include "subjects.h"

#define MIB (1024.0 * 1024.0)

static void report_value(const char *name, const char *unit, double value) {
    struct bench_result result = { .name = name, .unit = unit, .value = value };
    bench_report(&result);
}

static void report_at_most(const char *name, const char *unit, double value, double most) {
    double ratio = value / most;
    struct bench_result result = { .name = name,
                                   .unit = unit,
                                   .value = value,
                                   .against = "the limit",
                                   .baseline = most,
                                   .ratio = { ratio, ratio, ratio, 1 },
                                   .target = 1,
                                   .exact = true };
    bench_report(&result);
}

/* As many circuits as fit; each scored, with a time window, without a histogram. */
static struct swg_panel_options largest(void) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    options.circuits_max = 65535;
    options.columns_max = 8;
    options.histograms_max = SWG_GEOMETRY_NONE;
    options.slots_max = SWG_GEOMETRY_NONE;
    return options;
}

static void fill(struct swg_panel *panel, unsigned count) {
    static const char *const settings[] = { "breaker.trip.0.consecutive=5",
                                            "breaker.trip.1.failure_rate.percent=50",
                                            "breaker.histogram=no", NULL };
    for (unsigned i = 0; i < count; i++) {
        char name[32];
        struct swg_permit permit;
        snprintf(name, sizeof name, "bench-%u", i);
        struct swg_circuit *circuit = bench_circuit(panel, name, settings);
        if (circuit == NULL)
            return;
        if (swg_acquire(circuit, NULL, &permit) == SWG_GO)
            swg_record(&permit, SWG_SUCCESS);
    }
}

static void measure_largest(void) {
    struct swg_panel_options options = largest();
    struct swg_panel_info status = SWG_PANEL_INFO_INIT;
    uint64_t before = bench_resident_bytes();
    struct swg_panel *panel = bench_panel_open(&options);
    if (panel == NULL)
        return;
    swg_ns start = bench_clock_read();
    fill(panel, options.circuits_max);
    double each_us = (double)(bench_clock_read() - start) / 1e3 / options.circuits_max;
    swg_panel_status(panel, &status);
    if (status.circuits < options.circuits_max)
        bench_report_failure("the largest panel took %u circuits", status.circuits);
    report_at_most("panel_65535_circuits", "MiB", (double)status.bytes / MIB, 256);
    report_value("panel_65535_circuits_resident", "MiB",
                 (double)(bench_resident_bytes() - before) / MIB);
    report_value("circuit_made", "us", each_us);
    swg_panel_unref(panel);
}

void bench_measure_memory(struct bench *bench) {
    struct swg_panel_info status = SWG_PANEL_INFO_INIT;
    if (!bench_wants(bench, "memory") && !bench_wants(bench, "panel_65535_circuits"))
        return;
    bench_report_group("memory");
    struct swg_panel *panel = bench_panel_open(NULL);
    if (panel != NULL && swg_panel_status(panel, &status) == 0) {
        report_value("memory_per_circuit", "byte", (double)status.bytes_per_circuit);
        report_value("memory_per_histogram", "byte", (double)status.bytes_per_histogram);
        report_value("memory_default_panel", "MiB", (double)status.bytes / MIB);
    }
    swg_panel_unref(panel);
    measure_largest();
}

/* Microseconds from swg_panel_open() to its answer; negative when it did not work. */
static double attach_once(const char *path) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    options.access = SWG_PANEL_ATTACH;
    options.path = path;
    swg_ns start = bench_clock_read();
    struct swg_panel *panel = bench_panel_open(&options);
    swg_ns end = bench_clock_read();
    if (panel == NULL)
        return -1;
    swg_panel_unref(panel);
    return (double)(end - start) / 1e3;
}

static void measure_attach(struct bench *bench, struct swg_panel_options options,
                           const char *create, const char *attach) {
    double us[BENCH_REPETITIONS_MAX];
    if (!bench_wants(bench, create) && !bench_wants(bench, attach))
        return;
    options.path = bench->panel;
    swg_ns start = bench_clock_read();
    struct swg_panel *panel = bench_panel_open(&options);
    double create_us = (double)(bench_clock_read() - start) / 1e3;
    swg_panel_unref(panel);
    for (unsigned r = 0; panel != NULL && r < bench->repetitions; r++)
        us[r] = attach_once(bench->panel);
    if (panel != NULL) {
        report_value(create, "us", create_us);
        report_value(attach, "us", bench_median(us, bench->repetitions));
    }
    bench_remove_files(bench);
}

void bench_measure_attach(struct bench *bench) {
    bench_report_group("files: time to create and to attach");
    measure_attach(bench, (struct swg_panel_options)SWG_PANEL_OPTIONS_INIT, "create_default",
                   "attach_default");
    measure_attach(bench, largest(), "create_65535_circuits", "attach_65535_circuits");
}
