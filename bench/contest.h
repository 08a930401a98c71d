/* Contestants measured turn by turn, and what is claimed of them. */
#ifndef BENCH_CONTEST_H
#define BENCH_CONTEST_H

#include <stdbool.h>

#include "crew.h"

#define BENCH_SIDES_MAX 4u

struct bench {
    struct bench_crew crew;
    unsigned repetitions;
    swg_ns duration_ns; /* of one repetition of one contestant */
    const char *only;   /* NULL, or a part of the names wanted */
    unsigned repetitions_run;
    unsigned repetitions_loud; /* had not enough time without interruption */
    char directory[64];        /* ours, for panel files */
    char panel[80];            /* a panel's path in it */
    char files[2][96];         /* what that panel is made of */
};

struct bench_side {
    const char *name; /* as a baseline */
    bench_block *block;
    void *subject;
    void *helper; /* the subject as the second process knows it; NULL: the same */
};

/* Time per call of one side, as a multiple of another's. */
struct bench_claim {
    const char *name;
    unsigned side, against;
    double target; /* at most; 0: reported only */
};

struct bench_contest {
    enum bench_hands hands;
    struct bench_side sides[BENCH_SIDES_MAX];   /* up to the first without a block */
    struct bench_claim claims[BENCH_SIDES_MAX]; /* up to the first without a name */
    /* Of claim i: what its side takes more than another, 1 + whose number; 0: all it takes. */
    unsigned beyond[BENCH_SIDES_MAX];
    /* Of claim i: measured by so many nanoseconds rather than by a side; 0: by a side. */
    double budget_ns[BENCH_SIDES_MAX];
};

/* Is anything of that name wanted? */
bool bench_wants(const struct bench *bench, const char *name);

/* Takes away the files of bench->panel. May be called from a signal's handler. */
void bench_remove_files(const struct bench *bench);

void bench_contest_run(struct bench *bench, const struct bench_contest *contest);

#endif
