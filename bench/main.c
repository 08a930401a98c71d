/* `make bench`: what protection costs, as ratios against baselines measured in the same run. bench/README.md explains. */
#include <argp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "machine.h"
#include "measurements.h"
#include "report.h"
#include "subjects.h"

#define ROOM_BYTES (UINT64_C(512) << 20) /* what the largest panel needs, and some more */

struct settings {
    struct bench bench;
    const char *json;
    bool strict;
};

static struct bench *cleaned_up_for;

static const struct argp_option known[] = {
    { "json", 'j', "FILE", 0, "write the results there too", 0 },
    { "quick", 'q', NULL, 0, "shorter repetitions: a look, not a verdict", 0 },
    { "only", 'o', "TEXT", 0, "only results whose name holds TEXT", 0 },
    { "repetitions", 'r', "N", 0, "repetitions of each contestant, 9 to 101 (default 15)", 0 },
    { "strict", 's', NULL, 0, "exit 1 when a target is missed", 0 },
    { 0 }
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct settings *settings = state->input;
    switch (key) {
    case 'j':
        settings->json = argument;
        return 0;
    case 'q':
        settings->bench.duration_ns = 5000000;
        settings->bench.repetitions = 9;
        return 0;
    case 'o':
        settings->bench.only = argument;
        return 0;
    case 'r':
        settings->bench.repetitions = (unsigned)strtoul(argument, NULL, 10);
        if (settings->bench.repetitions < 9 || settings->bench.repetitions > BENCH_REPETITIONS_MAX)
            argp_error(state, "--repetitions takes 9 to %u", BENCH_REPETITIONS_MAX);
        return 0;
    case 's':
        settings->strict = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void bench_remove_files(const struct bench *bench) {
    unlink(bench->files[0]);
    unlink(bench->files[1]);
}

static void name_files(struct bench *bench) {
    snprintf(bench->panel, sizeof bench->panel, "%s/panel", bench->directory);
    snprintf(bench->files[0], sizeof bench->files[0], "%s.v1.panel", bench->panel);
    snprintf(bench->files[1], sizeof bench->files[1], "%s.v1.lock", bench->panel);
}

static bool make_directory(struct bench *bench) {
    static const char *const parents[] = { "/dev/shm", "/tmp", "/var/tmp" };
    for (unsigned i = 0; i < sizeof parents / sizeof *parents; i++) {
        struct statvfs room;
        if (statvfs(parents[i], &room) != 0 || room.f_bavail * room.f_frsize < ROOM_BYTES)
            continue;
        snprintf(bench->directory, sizeof bench->directory, "%s/switchgear-bench-XXXXXX",
                 parents[i]);
        if (mkdtemp(bench->directory) != NULL)
            return true;
    }
    return false;
}

static void clean_up(void) {
    bench_outbox_remove();
    bench_remove_files(cleaned_up_for);
    rmdir(cleaned_up_for->directory);
}

static void clean_up_and_die(int signal_number) {
    clean_up();
    _exit(128 + signal_number);
}

static void measure(struct bench *bench) {
    if (bench_wants(bench, "cache_line_there_and_back"))
        bench_measure_crossing(bench);
    bench_measure_success(bench);
    bench_measure_consecutive(bench);
    bench_measure_count_window(bench);
    bench_measure_open(bench);
    bench_measure_clocks(bench);
    bench_measure_failures(bench);
    bench_measure_change_detector(bench);
    bench_measure_shared_column(bench);
    bench_measure_circuits(bench);
    bench_measure_permit(bench);
    bench_measure_full(bench);
    bench_measure_limiter(bench);
    bench_measure_everything(bench);
    bench_measure_steps(bench);
    bench_measure_cache(bench);
    bench_measure_handover(bench);
    bench_measure_memory(bench);
    bench_measure_attach(bench);
    bench_measure_loading(bench);
    bench_measure_outbox(bench);
    bench_measure_callpath(bench);
}

static void print_end(const struct bench *bench, const struct bench_usage *before) {
    struct bench_usage after;
    bench_usage_read(&after);
    printf("\nsteal time %.2f %% of all processors' (before the run %.2f %% since boot); busy "
           "%.0f %%\n",
           bench_steal_percent(before, &after),
           bench_steal_percent(&(struct bench_usage){ 0 }, before),
           bench_busy_percent(before, &after));
    printf("%u of %u repetitions had to count time in which other programs ran in between\n",
           bench->repetitions_loud, bench->repetitions_run);
    printf("%u targets missed, %u measurements failed\n", bench_report_missed(),
           bench_report_failures());
}

static bool begin(struct bench *bench) {
    if (!make_directory(bench)) {
        fprintf(stderr, "bench: no temporary directory with 512 MiB to spare\n");
        return false;
    }
    name_files(bench);
    cleaned_up_for = bench;
    atexit(clean_up);
    if (!bench_subjects_init() || !bench_handover_init() || bench_crew_init(&bench->crew) != 0) {
        fprintf(stderr, "bench: no second process or thread\n");
        return false;
    }
    signal(SIGINT, clean_up_and_die);
    signal(SIGTERM, clean_up_and_die);
    return true;
}

int main(int argc, char **argv) {
    static const struct argp argp = {
        known, parse,
        NULL,  "Measures what a protected call costs, against baselines of the same run.",
        NULL,  NULL,
        NULL
    };
    /* Static: what is done at exit needs it. */
    static struct settings settings = { .bench = { .repetitions = 15, .duration_ns = 25000000 } };
    struct bench_usage before;
    argp_parse(&argp, argc, argv, 0, NULL, &settings);
    bench_machine_print(stdout);
    bool raised = bench_raise_priority();
    printf("%u repetitions of %.0f ms a side, interleaved, at %s priority%s\n",
           settings.bench.repetitions, (double)settings.bench.duration_ns / 1e6,
           raised ? "raised" : "normal",
           bench_processors() < 2 ? "; only one processor: nothing is pinned" : "");
    if (!begin(&settings.bench))
        return EXIT_FAILURE;
    bench_usage_read(&before);
    measure(&settings.bench);
    print_end(&settings.bench, &before);
    if (settings.json != NULL && !bench_report_json(settings.json))
        bench_report_failure("%s could not be written", settings.json);
    bench_crew_deinit(&settings.bench.crew);
    return bench_report_failures() || (settings.strict && bench_report_missed()) ? EXIT_FAILURE
                                                                                 : EXIT_SUCCESS;
}
