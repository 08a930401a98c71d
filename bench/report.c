/* Ratios first: nanoseconds belong to the machine, ratios to the program. */
#include "report.h"

#include <assert.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#define RESULTS_MAX 64u

static struct bench_result results[RESULTS_MAX];
static unsigned results_count, missed_count, failures_count;
static const char *group; /* not printed yet */

void bench_report_group(const char *title) {
    group = title;
}

static void print_group(void) {
    if (group != NULL)
        printf("\n%-44s %9s %9s %7s  %-15s %6s\n", group, "value", "baseline", "ratio",
               "95 % interval", "target");
    group = NULL;
}

static void print_ratio(const struct bench_result *result) {
    printf(" %9.4g %7.3f", result->baseline, result->ratio.median);
    if (result->exact)
        printf("  %-15s", "exact");
    else
        printf("  %6.3f .. %5.3f", result->ratio.low, result->ratio.high);
    if (result->target > 0)
        printf(" %6.2f  %s", result->target,
               bench_verdict_name(bench_judge(&result->ratio, result->target)));
    else
        printf(" %6s", "");
    printf("  (%s)", result->against);
}

void bench_report(const struct bench_result *result) {
    assert(results_count < RESULTS_MAX);
    results[results_count++] = *result;
    print_group();
    printf("%-38s %5s %9.4g", result->name, result->unit, result->value);
    if (result->against != NULL)
        print_ratio(result);
    printf("\n");
    fflush(stdout);
    if (result->target > 0)
        missed_count += bench_judge(&result->ratio, result->target) == BENCH_MISSED;
}

void bench_report_pairs(const struct bench_result *result, double *values, double *baselines,
                        unsigned count) {
    struct bench_result whole = *result;
    double ratios[BENCH_REPETITIONS_MAX];
    assert(count <= BENCH_REPETITIONS_MAX);
    for (unsigned r = 0; r < count; r++)
        ratios[r] = values[r] / baselines[r];
    whole.value = bench_median(values, count);
    whole.baseline = bench_median(baselines, count);
    bench_interval(&whole.ratio, ratios, count);
    bench_report(&whole);
}

void bench_report_note(const char *format, ...) {
    va_list arguments;
    print_group();
    va_start(arguments, format);
    printf("  ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    fflush(stdout);
}

void bench_report_failure(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fprintf(stderr, "bench: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    failures_count++;
}

unsigned bench_report_missed(void) {
    return missed_count;
}

unsigned bench_report_failures(void) {
    return failures_count;
}

static json_t *real_or_null(bool known, double value) {
    return known ? json_real(value) : json_null();
}

static json_t *json_of(const struct bench_result *result) {
    bool compared = result->against != NULL, aimed = result->target > 0;
    bool met = aimed && bench_judge(&result->ratio, result->target) != BENCH_MISSED;
    return json_pack(
        "{s:f, s:s, s:o, s:s?, s:o, s:o, s:o, s:o, s:o}", "value", result->value, "unit",
        result->unit, "baseline", real_or_null(compared, result->baseline), "against",
        result->against, "ratio", real_or_null(compared, result->ratio.median), "low",
        real_or_null(compared, result->ratio.low), "high",
        real_or_null(compared, result->ratio.high), "target", real_or_null(aimed, result->target),
        "met", aimed ? json_boolean(met) : json_null());
}

bool bench_report_json(const char *path) {
    json_t *all = json_object();
    bool good = all != NULL;
    for (unsigned i = 0; i < results_count; i++)
        good = json_object_set_new(all, results[i].name, json_of(&results[i])) == 0 && good;
    good = json_dump_file(all, path, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0 && good;
    json_decref(all);
    return good;
}
