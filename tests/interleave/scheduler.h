/*
 * Chosen interleavings: a few simulated callers on one thread, and a seed that says who goes on at each access to shared memory.
 *
 * The code under test is built with SWGI_INTERLEAVE, so that it comes here before every shared access. The same seed gives the
 * same run. Three ways of choosing take turns: a fair coin at every access; long stretches; and priorities with a few points of
 * change (Burckhardt and others, "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010).
 */
#ifndef TESTS_INTERLEAVE_SCHEDULER_H
#define TESTS_INTERLEAVE_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

#define CALLERS_MAX 4u

struct scheduler_hooks {
    void (*run)(void *world, unsigned caller);        /* the caller's whole script */
    void (*enter)(void *world, unsigned caller);      /* it goes on: its thread-local words */
    void (*leave)(void *world, unsigned caller);      /* another goes on */
    void (*killed)(void *world, unsigned caller);     /* it never goes on */
    bool (*dull)(void *world, const volatile void *); /* an access nobody needs to come between */
    void (*look)(void *world);                        /* before every access that is not dull */
    uint64_t accesses;                                /* about how many a run has */
};

/* Run all callers to their end, or to where they are killed. kills: how many may be. */
void scheduler_run(const struct scheduler_hooks *hooks, void *world, unsigned callers,
                   uint64_t seed, unsigned kills);
/* Accesses so far: a clock for histories. */
uint64_t scheduler_now(void);
/* Only one caller is at work: what it finds is the case. */
unsigned scheduler_running(void);
/* The number the seed gives next, below a bound. */
uint64_t scheduler_draw(uint64_t bound);

#endif
