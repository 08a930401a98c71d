/*
 * A server in virtual time, and callers that keep to an adaptive limit.
 *
 * So many workers, one queue, service times of a fixed part and an exponential one: throughput
 * saturates at exactly as many calls in flight as there are workers, which is the capacity that a
 * limit should find. Callers are a Poisson stream whose calls are dropped when the limit is
 * reached, or a crowd that comes back at once. Same seed, same run.
 */
#ifndef TESTS_MODEL_ADAPTIVE_WORLD_H
#define TESTS_MODEL_ADAPTIVE_WORLD_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "engine/adaptive.h"

#define WORKERS_MAX 256u
#define LINE_MAX    4096u
#define MS(n)       ((n)*INT64_C(1000000))
#define S(n)        ((n)*INT64_C(1000000000))

/* What was seen since the tally was emptied. */
struct tally {
    uint64_t windows, calls, time_ns, failed;
    double limits; /* summed, one a window */
};

struct world {
    struct swgi_adaptive_words words;
    struct swgi_adaptive_settings settings;
    struct swgi_adaptive_sample sample;
    struct swgi_random random;
    int64_t now, next_call;
    unsigned workers; /* never below what is busy: a server that shrinks finishes first */
    double service_ns;
    double calls_per_s;  /* of the Poisson stream; 0: a crowd instead */
    uint32_t callers;    /* the crowd */
    int64_t patience_ns; /* a call that takes longer is a timeout; 0: they wait for ever */
    uint32_t limit;
    struct {
        int64_t end, began;
    } busy[WORKERS_MAX];
    unsigned busy_count;
    int64_t line[LINE_MAX]; /* when they were sent; a ring */
    unsigned line_head, line_count;
    struct tally tally;
};

static inline double exponential(struct world *world) {
    return -log1p(-swgi_random_share(&world->random));
}

static inline void start_work(struct world *world, int64_t began) {
    double ns = world->service_ns * (0.5 + 0.5 * exponential(world));

    world->busy[world->busy_count].began = began;
    world->busy[world->busy_count].end = world->now + (int64_t)ns;
    world->busy_count++;
}

static inline void send_call(struct world *world) {
    assert_true(world->line_count < LINE_MAX);
    world->sample.in_flight++;
    world->line[(world->line_head + world->line_count++) % LINE_MAX] = world->now;
}

static inline void serve_line(struct world *world) {
    while (world->line_count > 0 && world->busy_count < world->workers) {
        start_work(world, world->line[world->line_head]);
        world->line_head = (world->line_head + 1) % LINE_MAX;
        world->line_count--;
    }
}

/* Whoever ends a call looks whether the window is over. */
static inline void look(struct world *world) {
    uint64_t window_ns = swgi_adaptive_resolved(&world->settings).window_ns;

    if (!swgi_adaptive_due(&world->words, window_ns, world->now) ||
        !swgi_adaptive_begin(&world->words, window_ns, world->now))
        return;
    world->limit =
        swgi_adaptive_update(&world->words, &world->settings, &world->sample, world->now);
    if (swgi_adaptive_began(&world->words) == world->now)
        world->sample.limited = false;
    world->tally.windows++;
    world->tally.limits += world->limit;
}

static inline void end_call(struct world *world, unsigned worker) {
    uint64_t took = (uint64_t)(world->now - world->busy[worker].began);
    bool failed = world->patience_ns != 0 && took > (uint64_t)world->patience_ns;

    world->busy[worker] = world->busy[--world->busy_count];
    world->sample.in_flight--;
    world->sample.calls++;
    world->sample.time_ns += took;
    world->sample.failed += failed;
    world->tally.calls++;
    world->tally.time_ns += took;
    world->tally.failed += failed;
    look(world);
}

static inline void crowd(struct world *world) {
    while (world->sample.in_flight < world->limit && world->sample.in_flight < world->callers)
        send_call(world);
    world->sample.limited |= world->sample.in_flight < world->callers;
}

static inline void stream(struct world *world) {
    while (world->now >= world->next_call) {
        if (world->sample.in_flight < world->limit)
            send_call(world);
        else
            world->sample.limited = true;
        world->next_call += (int64_t)(exponential(world) * 1e9 / world->calls_per_s);
    }
}

static inline void arrive(struct world *world) {
    if (world->calls_per_s > 0)
        stream(world);
    else
        crowd(world);
    serve_line(world);
}

static inline unsigned first_to_end(const struct world *world) {
    unsigned first = 0;

    for (unsigned i = 1; i < world->busy_count; i++) {
        if (world->busy[i].end < world->busy[first].end)
            first = i;
    }
    return first;
}

static inline void live(struct world *world, int64_t for_ns) {
    int64_t end = world->now + for_ns;

    arrive(world);
    while (world->now < end) {
        unsigned worker = first_to_end(world);
        int64_t next = world->busy_count != 0 ? world->busy[worker].end : end;

        if (world->calls_per_s > 0 && world->next_call < next)
            next = world->next_call;
        world->now = next;
        if (world->busy_count != 0 && world->busy[worker].end == next)
            end_call(world, worker);
        arrive(world);
    }
}

static inline void settle_and_tally(struct world *world, unsigned windows, unsigned tallied) {
    live(world, S((int64_t)windows));
    memset(&world->tally, 0, sizeof(world->tally));
    live(world, S((int64_t)tallied));
}

static inline double mean_limit(const struct world *world) {
    return world->tally.limits / (double)world->tally.windows;
}
static inline double mean_ns(const struct world *world) {
    return (double)world->tally.time_ns / (double)world->tally.calls;
}

static inline void begin_world(struct world *world, uint8_t algorithm, unsigned workers,
                               uint64_t seed) {
    memset(world, 0, sizeof(*world));
    swgi_random_init(&world->random, seed);
    world->settings.algorithm = algorithm;
    world->now = S(1000);
    world->next_call = world->now;
    world->workers = workers;
    world->service_ns = 1e7;
    world->callers = 1000;
    world->limit = swgi_adaptive_limit(&world->words, &world->settings);
}

#endif
