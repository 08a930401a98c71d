/*
 * What is counted, not timed. Nothing is allocated and the kernel is not asked on the call path: a program that makes a thousand
 * calls and one that makes a million must show the same counts. And what a call executes, instruction by instruction.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measurements.h"
#include "report.h"

struct counts {
    unsigned long allocations, system_calls;
    bool allocations_known, system_calls_known;
};

/* The program built beside this one. */
static bool beside(const char *name, char *out, size_t size) {
    ssize_t length = readlink("/proc/self/exe", out, size - 1);
    if (length <= 0)
        return false;
    out[length] = '\0';
    char *slash = strrchr(out, '/');
    size_t room = size - (size_t)(slash + 1 - out);
    return (size_t)snprintf(slash + 1, room, "%s", name) < room && access(out, X_OK) == 0;
}

/* strace's summary ends with a line of totals, whose fourth column is the number of calls. */
static void read_summary(const char *path, struct counts *out) {
    FILE *file = fopen(path, "re");
    char line[256];
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strstr(line, " total") != NULL)
            out->system_calls_known = sscanf(line, "%*s %*s %*s %lu", &out->system_calls) == 1;
    if (file != NULL)
        fclose(file);
    unlink(path);
}

static void count(const struct bench *bench, const char *program, const char *calls,
                  struct counts *out) {
    char command[768], summary[128];
    memset(out, 0, sizeof *out);
    snprintf(summary, sizeof summary, "%s/summary", bench->directory);
    snprintf(
        command, sizeof command,
        "if strace -o /dev/null true 2>/dev/null; then exec strace -f -c -o '%s' '%s' %s '%s'; "
        "else exec '%s' %s '%s'; fi",
        summary, program, calls, bench->directory, program, calls, bench->directory);
    FILE *pipe = popen(command, "re");
    if (pipe == NULL)
        return;
    out->allocations_known = fscanf(pipe, "allocations %lu", &out->allocations) == 1;
    out->allocations_known &= pclose(pipe) == 0;
    read_summary(summary, out);
}

static void report_counts(const char *name, const char *unit, unsigned long few,
                          unsigned long many) {
    double ratio = (double)many / (double)few;
    struct bench_result result = { .name = name,
                                   .unit = unit,
                                   .value = (double)many,
                                   .against = "at a thousandth of the calls",
                                   .baseline = (double)few,
                                   .ratio = { ratio, ratio, ratio, 1 },
                                   .target = 1,
                                   .exact = true };
    bench_report(&result);
}

void bench_measure_callpath(struct bench *bench) {
    struct counts few, many;
    char program[256];
    if (!bench_wants(bench, "callpath_allocations") && !bench_wants(bench, "callpath_system_calls"))
        return;
    bench_report_group("a whole program of 10^3 and of 10^6 calls");
    if (!beside("callpath", program, sizeof program)) {
        bench_report_note("skipped: the program callpath is not built beside bench");
        return;
    }
    count(bench, program, "1000", &few);
    count(bench, program, "1000000", &many);
    if (!few.allocations_known || !many.allocations_known)
        bench_report_failure("callpath did not end as it should");
    else
        report_counts("callpath_allocations", "count", few.allocations, many.allocations);
    if (few.system_calls_known && many.system_calls_known)
        report_counts("callpath_system_calls", "count", few.system_calls, many.system_calls);
    else
        bench_report_note("SKIPPED: system calls were not counted: strace is missing or may not "
                          "trace here");
}

struct steps {
    double instructions, locked;
};

/* false: it cannot be told here. */
static bool count_steps(const char *program, const char *kind, struct steps *out) {
    char path[256], command[320];
    if (!beside(program, path, sizeof path))
        return false;
    snprintf(command, sizeof command, "exec '%s' %s", path, kind);
    FILE *pipe = popen(command, "re");
    if (pipe == NULL)
        return false;
    bool known = fscanf(pipe, "instructions %lf locked %lf", &out->instructions, &out->locked) == 2;
    int status = pclose(pipe);
    if (status != 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 77))
        bench_report_failure("%s %s did not end as it should", program, kind);
    return known && status == 0;
}

static void report_budget(const char *name, double counted, double budget) {
    double ratio = counted / budget;
    struct bench_result result = { .name = name,
                                   .unit = "count",
                                   .value = counted,
                                   .against = "budget",
                                   .baseline = budget,
                                   .ratio = { ratio, ratio, ratio, 1 },
                                   .target = 1,
                                   .exact = true };
    bench_report(&result);
}

void bench_measure_steps(struct bench *bench) {
    struct steps plain, without, everything;
    if (!bench_wants(bench, "policies_off_instructions") &&
        !bench_wants(bench, "everything_on_locked_operations"))
        return;
    bench_report_group("instructions of a call, counted");
    if (!count_steps("steps", "plain", &plain) ||
        !count_steps("steps-without-policies", "plain", &without) ||
        !count_steps("steps", "everything", &everything)) {
        bench_report_note("SKIPPED: not counted: this needs ptrace(), x86-64 and no sanitizer");
        return;
    }
    report_budget("policies_off_instructions", plain.instructions - without.instructions, 4);
    report_budget("everything_on_locked_operations", everything.locked, 5);
    bench_report_note("a call without policies %.0f instructions, in a library that knows none "
                      "%.0f; with everything on %.0f, %.0f of them locked",
                      plain.instructions, without.instructions, everything.instructions,
                      everything.locked);
}
