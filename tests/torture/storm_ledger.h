/*
 * What workers of the storm note in memory that outlives them, apart from the panel: how much they did, which probes they hold
 * at this instant, and in which generations of which circuit calls were let through.
 *
 * A permit is noted after it was granted and struck out before it is ended, so what stands here is a part of the time it was
 * really held: two notes that exclude each other are two permits that should have.
 */
#ifndef TESTS_TORTURE_STORM_LEDGER_H
#define TESTS_TORTURE_STORM_LEDGER_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS     4u
#define THREADS     2u
#define HELD        4u /* permits a thread may hold at once */
#define CIRCUITS    8u /* the first of them, which no hand touches */
#define GENERATIONS (1u << 20)
#define MESSAGES    8u

struct note {
    _Atomic uint64_t probe; /* circuit:8 | slot:8 | generation:20 | number:28; 0: none */
};

struct tally {
    _Alignas(64) _Atomic uint64_t operations;
    _Atomic uint64_t calls[CIRCUITS], ended[CIRCUITS], failures[CIRCUITS], rejected[CIRCUITS];
    struct note held[HELD];
};

struct place {
    _Atomic int pid;
    _Atomic uint64_t lives;
    struct tally threads[THREADS];
};

struct ledger {
    char panel[128];
    _Atomic uint32_t stop;
    _Atomic uint32_t
        failing[CIRCUITS + 4]; /* share of failures, in percent, of the dependency behind it */
    struct place places[WORKERS];
    _Atomic uint32_t complaints;
    char complaint[MESSAGES][256];
    _Atomic uint8_t
        admitted[CIRCUITS]
                [GENERATIONS]; /* bit 0: a call of CLOSED or of the ramp; bit 1: a probe */
};

static struct ledger *ledger;

static __attribute__((format(printf, 1, 2))) void complain(const char *format, ...) {
    uint32_t number = atomic_fetch_add(&ledger->complaints, 1);
    va_list arguments;
    va_start(arguments, format);
    if (number < MESSAGES)
        vsnprintf(ledger->complaint[number], sizeof(ledger->complaint[number]), format, arguments);
    va_end(arguments);
}

/* Killed means gone for the kernel: a zombie at the latest. Only then may another have its probe. */
static bool runs(int pid) {
    char path[64], text[256];
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    if (length <= 0)
        return false;
    text[length] = '\0';
    const char *end = strrchr(text, ')');
    return end != NULL && end[2] != 'Z' && end[2] != 'X';
}

#define SAME_PHASE(a, b) (((a) ^ (b)) >> 28 << 36 == 0 && ((a) ^ (b)) >> 56 == 0)
#define SAME_SLOT(a, b)  (((a) ^ (b)) >> 28 == 0)

/* Held by a process that runs, before and after it was seen to: at one instant together with ours. */
static bool still_held(struct place *place, struct note *note, uint64_t probe) {
    int pid = atomic_load(&place->pid);
    uint64_t lives = atomic_load(&place->lives);
    return pid != 0 && runs(pid) && atomic_load(&note->probe) == probe &&
           atomic_load(&place->lives) == lives;
}

/* Everybody's note of the same circuit and generation: no slot twice, and no more than there are slots. */
static void check_probe(uint64_t mine, unsigned probes) {
    unsigned together = 0;
    for (unsigned w = 0; w < WORKERS; w++)
        for (unsigned i = 0; i < THREADS * HELD; i++) {
            struct note *note = &ledger->places[w].threads[i / HELD].held[i % HELD];
            uint64_t probe = atomic_load(&note->probe);
            if (probe == 0 || !SAME_PHASE(probe, mine) ||
                (probe != mine && !still_held(&ledger->places[w], note, probe)))
                continue;
            together++;
            if (probe != mine && SAME_SLOT(probe, mine))
                complain("circuit %u, generation %u: two hold slot %u", (unsigned)(mine >> 56),
                         (unsigned)(mine >> 28 & 0xfffff), (unsigned)(mine >> 48 & 0xff));
        }
    if (together > probes)
        complain("circuit %u, generation %u: %u probes, %u slots", (unsigned)(mine >> 56),
                 (unsigned)(mine >> 28 & 0xfffff), together, probes);
}

/*
 * Between a generation of CLOSED and one of HALF_OPEN lies one of OPEN, which admits nothing; a generation is of one state.
 * A ramp is followed by CLOSED at once, HALF_OPEN by either.
 */
static void check_generations(unsigned circuit, bool has_ramp, uint64_t *phases) {
    for (uint32_t g = 0; g + 1 < GENERATIONS; g++) {
        unsigned here = atomic_load_explicit(&ledger->admitted[circuit][g], memory_order_relaxed);
        unsigned next =
            atomic_load_explicit(&ledger->admitted[circuit][g + 1], memory_order_relaxed);
        *phases += here != 0;
        if (here == 3)
            complain("circuit %u admitted calls and probes in generation %u", circuit, g);
        if ((here == 1 && next == 2) || (here == 2 && next == 2) ||
            (here == 1 && next == 1 && !has_ramp))
            complain("circuit %u admitted in generations %u and %u, nothing between: %u, %u",
                     circuit, g, g + 1, here, next);
    }
}

#endif
