/* A configuration file of a thousand circuits, read and brought to a panel that other processes may have mapped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"
#include "measurements.h"
#include "report.h"
#include "subjects.h"

#define CIRCUITS 1000

/* Rules, policies and whom to ask: as people write them. */
static bool write_file(const char *path, int open_for_seconds) {
    static const char *const presets[] = { "read", "write", "api", "queue" };
    FILE *out = fopen(path, "we");
    if (out == NULL)
        return false;
    fputs("environment: production\ndefaults:\n  breaker: { preset: default }\ncircuits:\n", out);
    for (int i = 0; i < CIRCUITS; i++)
        fprintf(out,
                "  service-%d:\n"
                "    preset: %s\n"
                "    owner: team-%d\n"
                "    runbook: https://wiki.example/services\n"
                "    breaker: { open: { for: %ds, max: 5m } }\n"
                "    bulkhead: { max_concurrent: 20 }\n"
                "    retry: { attempts: 3, delay: 50ms }\n"
                "    timeout: { attempt: 3s }\n",
                i, presets[i % 4], i % 7, open_for_seconds);
    return fclose(out) == 0;
}

/* Milliseconds of one load; negative when it did not work. */
static double load_once(struct swg_panel *panel, const char *path) {
    struct swg_error error = SWG_ERROR_INIT;
    swg_ns start = bench_clock_read();
    int rc = swg_panel_load(panel, path, &error);
    double ms = (double)(bench_clock_read() - start) / 1e6;
    if (rc == 0)
        return ms;
    bench_report_failure("the file was refused: %d:%d: %s: %s", error.line, error.column, error.key,
                         error.text);
    return -1;
}

static void report(const char *name, double ms[], unsigned count, double most) {
    double value = bench_median(ms, count), ratio = most > 0 ? value / most : 0;
    struct bench_result result = { .name = name, .unit = "ms", .value = value };
    if (most > 0) {
        result.against = "the limit";
        result.baseline = most;
        result.ratio = (struct bench_interval){ ratio, ratio, ratio, 1 };
        result.target = 1;
        result.exact = true;
    }
    bench_report(&result);
}

/* The same file again, then one by which every circuit changes. */
static void measure(struct bench *bench, struct swg_panel *panel, const char *path) {
    double same[BENCH_REPETITIONS_MAX], changed[BENCH_REPETITIONS_MAX];
    for (unsigned r = 0; r < bench->repetitions; r++) {
        if (!write_file(path, 60 + (int)r % 2) || (changed[r] = load_once(panel, path)) < 0 ||
            (same[r] = load_once(panel, path)) < 0)
            return;
    }
    report("reload_1000_circuits", changed, bench->repetitions, 100);
    report("reload_1000_circuits_same", same, bench->repetitions, 0);
}

void bench_measure_loading(struct bench *bench) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    char path[sizeof(bench->directory) + 16];
    if (!bench_wants(bench, "reload_1000_circuits") &&
        !bench_wants(bench, "reload_1000_circuits_same"))
        return;
    bench_report_group("files: time to load a configuration");
    snprintf(path, sizeof(path), "%s/switchgear.yaml", bench->directory);
    options.path = bench->panel;
    options.circuits_max = CIRCUITS + 24;
    struct swg_panel *panel = bench_panel_open(&options);
    if (panel != NULL && write_file(path, 59) && load_once(panel, path) >= 0)
        measure(bench, panel, path);
    swg_panel_unref(panel);
    unlink(path);
    bench_remove_files(bench);
}
