/* What was found: one line for people, one entry for build/bench.json. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>

#include "statistics.h"

#define BENCH_REPETITIONS_MAX 101u

struct bench_result {
    const char *name; /* the key in bench.json */
    const char *unit;
    const char *against; /* NULL: there is no baseline */
    double value, baseline;
    struct bench_interval
        ratio;     /* value / baseline, pair by pair; meaningless without a baseline */
    double target; /* of the ratio, at most; 0: reported only */
    bool exact;    /* counted, not timed: the ratio has no interval */
};

/* The heading of what follows: printed before the first result, so that there is none without. */
void bench_report_group(const char *title);
/* Prints one result and keeps it. */
void bench_report(const struct bench_result *result);
/* The same of pairs, each a value and its baseline, of which *result says all but the numbers. Sorts both. */
void bench_report_pairs(const struct bench_result *result, double *values, double *baselines,
                        unsigned count);
/* Prints a line that stands in no JSON. */
void bench_report_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A measurement could not be made, or a contestant gave a wrong answer: the run ends with a failure. */
void bench_report_failure(const char *format, ...) __attribute__((format(printf, 1, 2)));

unsigned bench_report_missed(void);
unsigned bench_report_failures(void);
/* Writes build/bench.json; bench/README.md says what is in it. false: it could not be written. */
bool bench_report_json(const char *path);

#endif
