/* What may be said of a handful of noisy ratios: their median, and how far it can be trusted. */
#ifndef BENCH_STATISTICS_H
#define BENCH_STATISTICS_H

struct bench_interval {
    double median, low, high;
    double coverage; /* how likely low..high holds the true median, 0..1 */
};

/* How a target of "at most" was kept. It is missed only when the whole interval lies above it. */
enum bench_verdict { BENCH_MET, BENCH_WITHIN_NOISE, BENCH_MISSED };

/*
 * The r-th smallest and r-th largest of count independent values enclose the true median with probability
 *     1 - 2 P(B <= r - 1),  B binomial(count, 1/2),
 * whatever their distribution (J.-Y. Le Boudec, Performance Evaluation of Computer and Communication Systems, theorem 2.1).
 * Returns the greatest r for which that is at least 0.95; 1 when none is (count < 6). *coverage may be NULL.
 */
unsigned bench_rank(unsigned count, double *coverage);

/* Sorts values. count is at least 1. */
void bench_interval(struct bench_interval *out, double *values, unsigned count);

double bench_median(double *values, unsigned count);

enum bench_verdict bench_judge(const struct bench_interval *interval, double target);
const char *bench_verdict_name(enum bench_verdict verdict);

#endif
