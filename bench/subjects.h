/* What calls are made through: panels, circuits, mutex breakers, threads that hold columns. */
#ifndef BENCH_SUBJECTS_H
#define BENCH_SUBJECTS_H

#include <pthread.h>
#include <stdbool.h>

#include "mutexbreaker/mutexbreaker.h"
#include "switchgear/switchgear.h"

/* Must be called before the crew: what processes share is made before the fork. */
bool bench_subjects_init(void);

/* NULL, and a failure reported, when it cannot be. options may be NULL. */
struct swg_panel *bench_panel_open(const struct swg_panel_options *options);
/* A circuit with preset "default" and these settings, "key=value", up to the first NULL. NULL when panel is. */
struct swg_circuit *bench_circuit(struct swg_panel *panel, const char *name,
                                  const char *const *settings);

/* The two windows of the targets: failures and slow calls, 30 s in 15 slices, and a histogram. */
extern const char *const bench_window_settings[];
extern const struct mutex_breaker_rules bench_window_rules;
/* Failure rate of the last 100 calls, nothing else. */
extern const char *const bench_count_settings[];
extern const struct mutex_breaker_rules bench_count_rules;
/* Five failures in a row, nothing else. */
extern const char *const bench_consecutive_settings[];
extern const struct mutex_breaker_rules bench_consecutive_rules;

/* In memory shared with the helper process; all are given back at once by bench_mutex_forget(). */
struct mutex_breaker *bench_mutex(const struct mutex_breaker_rules *rules);
void bench_mutex_forget(void);

/* Threads that have made one call each, and now stand still: each holds a column. */
struct bench_holders {
    struct swg_circuit *circuit;
    pthread_barrier_t called, leave;
    pthread_t *threads;
    unsigned count;
};
void bench_holders_init(struct bench_holders *holders, struct swg_circuit *circuit, unsigned count);
void bench_holders_deinit(struct bench_holders *holders);

#endif
