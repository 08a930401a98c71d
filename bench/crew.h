/*
 * Who runs blocks: this thread alone, with a second thread, or with a second process. The helpers sleep while they are not needed,
 * and start together with us when they are.
 *
 * The process is forked before any thread exists and never executes anything else, so a block is at the same address in it; what
 * it measures comes back through shared memory.
 */
#ifndef BENCH_CREW_H
#define BENCH_CREW_H

#include <pthread.h>
#include <sys/types.h>

#include "blocks.h"

enum bench_hands { BENCH_ALONE, BENCH_TWO_THREADS, BENCH_TWO_PROCESSES };

struct bench_tally {
    uint64_t calls, unexpected;
    swg_ns elapsed_ns;  /* of all workers together */
    swg_ns started;     /* the earlier of them */
    long interruptions; /* how often a worker had to let something else run, or came late */
};

struct bench_board; /* what is said between us and one helper */

struct bench_crew {
    struct bench_board *boards[2]; /* of the thread, of the process */
    pthread_t thread;
    pid_t process;
};

/* To be called while the process has one thread. 0 or -errno. */
int bench_crew_init(struct bench_crew *crew);
void bench_crew_deinit(struct bench_crew *crew);

/* Blocks on each worker until so much time has passed there. helper: the subject as the helper knows it. */
void bench_crew_run(struct bench_crew *crew, enum bench_hands hands, bench_block *block,
                    void *subject, void *helper, swg_ns duration, struct bench_tally *out);

/*
 * The helper process opens the panel of that path and finds a circuit in it. What it returns means something there alone; NULL
 * when it could not. It closes the panel when it is asked for another path, or for NULL.
 */
void *bench_crew_attach(struct bench_crew *crew, const char *path, const char *circuit);

/* Memory that this and the helper process share, zeroed, never given back. */
void *bench_crew_shared(size_t size);

#endif
