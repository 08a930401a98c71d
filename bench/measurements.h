/* The measurements, in the order of the report. Each reports by itself, and skips what is not wanted. */
#ifndef BENCH_MEASUREMENTS_H
#define BENCH_MEASUREMENTS_H

#include "contest.h"

/* calls.c: the price of a call. */
void bench_measure_crossing(struct bench *bench);
void bench_measure_success(struct bench *bench);
void bench_measure_consecutive(struct bench *bench);
void bench_measure_count_window(struct bench *bench);
void bench_measure_open(struct bench *bench);
void bench_measure_clocks(struct bench *bench);
/* crowds.c: the price of a call where there are failures, many threads, many circuits. */
void bench_measure_failures(struct bench *bench);
void bench_measure_change_detector(struct bench *bench);
void bench_measure_shared_column(struct bench *bench);
void bench_measure_circuits(struct bench *bench);
/* policies.c: what policies add to a call. */
void bench_measure_permit(struct bench *bench);
void bench_measure_full(struct bench *bench);
void bench_measure_limiter(struct bench *bench);
void bench_measure_everything(struct bench *bench);
void bench_measure_cache(struct bench *bench);
/* handover.c: how soon a freed permit is its next holder's. init: before the crew, for what processes share. */
bool bench_handover_init(void);
void bench_measure_handover(struct bench *bench);
/* footprint.c: what is paid once. */
void bench_measure_memory(struct bench *bench);
void bench_measure_attach(struct bench *bench);
/* loading.c: a configuration file. */
void bench_measure_loading(struct bench *bench);
/* outbox.c: entries against SQLite alone. remove: its files, from a signal's handler too; outbox-fallback.c does nothing. */
void bench_measure_outbox(struct bench *bench);
void bench_outbox_remove(void);
/* counts.c: allocations and system calls; instructions of a call. */
void bench_measure_steps(struct bench *bench);
void bench_measure_callpath(struct bench *bench);

#endif
