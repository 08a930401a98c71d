/*
 * A mean of timings tells how often something else ran on the machine. A median of ratios, each taken from two runs that stood
 * side by side, tells what was asked; its interval needs no assumption on how the noise is distributed.
 */
#include "statistics.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

unsigned bench_rank(unsigned count, double *coverage) {
    double term = pow(0.5, count), tail = term;
    unsigned rank = 1;
    for (unsigned k = 1; 2 * (rank + 1) <= count + 1; k++) {
        term *= (double)(count - k + 1) / k;
        if (2 * (tail + term) > 0.05)
            break;
        tail += term;
        rank++;
    }
    if (coverage != NULL)
        *coverage = count > 1 ? 1 - 2 * tail : 0;
    return rank;
}

static double middle(const double *sorted, unsigned count) {
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

double bench_median(double *values, unsigned count) {
    assert(count > 0);
    qsort(values, count, sizeof *values, ascending);
    return middle(values, count);
}

void bench_interval(struct bench_interval *out, double *values, unsigned count) {
    out->median = bench_median(values, count);
    unsigned rank = bench_rank(count, &out->coverage);
    out->low = values[rank - 1];
    out->high = values[count - rank];
}

enum bench_verdict bench_judge(const struct bench_interval *interval, double target) {
    if (interval->low > target)
        return BENCH_MISSED;
    return interval->high <= target ? BENCH_MET : BENCH_WITHIN_NOISE;
}

const char *bench_verdict_name(enum bench_verdict verdict) {
    static const char *const names[] = { "met", "met within noise", "MISSED" };
    return names[verdict];
}
