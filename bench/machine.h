/* Where the figures come from: processor, clock, and what else went on meanwhile. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "switchgear/switchgear.h"

/* CLOCK_MONOTONIC by the system: the measure must not be what is measured. */
swg_ns bench_clock_read(void);

void bench_machine_print(FILE *out);

/* Processor time of the whole machine since boot, in ticks. */
struct bench_usage {
    uint64_t all, busy, steal;
};
void bench_usage_read(struct bench_usage *out);
double bench_steal_percent(const struct bench_usage *before, const struct bench_usage *after);
double bench_busy_percent(const struct bench_usage *before, const struct bench_usage *after);

/* How often the calling thread was made to let something else run. */
long bench_interruptions(void);

/* Asks that others wait for us rather than we for them; where that is not allowed, nothing. Returns whether it was. */
bool bench_raise_priority(void);

/* The calling thread goes before all others that are ready, or no longer; where that is not allowed, nothing. */
void bench_go_first(bool first);

/* Puts the calling thread on the n-th processor it was given at the start; nothing where there is only one. */
void bench_pin(unsigned n);
unsigned bench_processors(void);

/* Memory of this process that is really there: VmRSS, in bytes. */
uint64_t bench_resident_bytes(void);

#endif
