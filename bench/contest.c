/*
 * What disturbs a machine lasts longer than a repetition, so it falls on neighbours alike: each repetition measures every side
 * once, one right after the other, and only ratios within a repetition are compared. Who goes first changes every time.
 */
#include "contest.h"

#include <string.h>

#include "report.h"
#include "statistics.h"

#define WARM_UP_NS      3000000
#define RUN_NS          2500000
#define RUNS_MAX_FACTOR 8u

bool bench_wants(const struct bench *bench, const char *name) {
    return bench->only == NULL || strstr(name, bench->only) != NULL;
}

static bool wanted(const struct bench *bench, const struct bench_contest *contest) {
    for (unsigned i = 0; i < BENCH_SIDES_MAX && contest->claims[i].name != NULL; i++)
        if (bench_wants(bench, contest->claims[i].name))
            return true;
    return false;
}

static unsigned count_sides(const struct bench_contest *contest) {
    unsigned count = 0;
    while (count < BENCH_SIDES_MAX && contest->sides[count].block != NULL)
        count++;
    return count;
}

static void add(struct bench_tally *sum, const struct bench_tally *more) {
    sum->calls += more->calls;
    sum->unexpected += more->unexpected;
    sum->elapsed_ns += more->elapsed_ns;
}

/*
 * Whose processor is taken away does not contend meanwhile, and two threads that run in turn say nothing about two that run at
 * once. So a repetition is put together from short runs, and one in which a worker was made to let something else run is
 * left out, as long as there are others.
 */
static struct bench_tally run_quietly(struct bench *bench, const struct bench_contest *contest,
                                      const struct bench_side *side, swg_ns duration) {
    struct bench_tally quiet = { 0 }, loud = { 0 };
    unsigned workers = contest->hands == BENCH_ALONE ? 1 : 2;
    unsigned tries = RUNS_MAX_FACTOR * (unsigned)(duration / RUN_NS + 1);
    while (tries-- > 0 && quiet.elapsed_ns < duration * workers) {
        struct bench_tally tally;
        bench_crew_run(&bench->crew, contest->hands, side->block, side->subject,
                       side->helper ? side->helper : side->subject, RUN_NS, &tally);
        add(tally.interruptions == 0 ? &quiet : &loud, &tally);
    }
    bench->repetitions_run++;
    if (quiet.elapsed_ns >= duration * workers)
        return quiet;
    bench->repetitions_loud++;
    add(&quiet, &loud);
    return quiet;
}

static double run_side(struct bench *bench, const struct bench_contest *contest, unsigned number,
                       swg_ns duration, uint64_t *unexpected) {
    struct bench_tally tally = run_quietly(bench, contest, &contest->sides[number], duration);
    unexpected[number] += tally.unexpected;
    return (double)tally.elapsed_ns / (double)tally.calls;
}

static double own_ns(const struct bench_contest *contest, unsigned claim,
                     double ns[][BENCH_REPETITIONS_MAX], unsigned repetition) {
    double own = ns[contest->claims[claim].side][repetition];
    unsigned beyond = contest->beyond[claim];
    return beyond != 0 ? own - ns[beyond - 1][repetition] : own;
}

static void report_claim(const struct bench_contest *contest, unsigned number,
                         double ns[][BENCH_REPETITIONS_MAX], unsigned repetitions) {
    const struct bench_claim *claim = &contest->claims[number];
    double budget = contest->budget_ns[number];
    double ratios[BENCH_REPETITIONS_MAX], own[BENCH_REPETITIONS_MAX], base[BENCH_REPETITIONS_MAX];
    for (unsigned r = 0; r < repetitions; r++) {
        own[r] = own_ns(contest, number, ns, r);
        base[r] = budget > 0 ? budget : ns[claim->against][r];
        ratios[r] = own[r] / base[r];
    }
    struct bench_result result = { .name = claim->name,
                                   .unit = "ns",
                                   .against =
                                       budget > 0 ? "budget" : contest->sides[claim->against].name,
                                   .value = bench_median(own, repetitions),
                                   .baseline = bench_median(base, repetitions),
                                   .target = claim->target };
    bench_interval(&result.ratio, ratios, repetitions);
    bench_report(&result);
}

void bench_contest_run(struct bench *bench, const struct bench_contest *contest) {
    double ns[BENCH_SIDES_MAX][BENCH_REPETITIONS_MAX];
    uint64_t unexpected[BENCH_SIDES_MAX] = { 0 };
    unsigned sides = count_sides(contest);
    if (!wanted(bench, contest))
        return;
    for (unsigned i = 0; i < sides; i++)
        run_side(bench, contest, i, WARM_UP_NS, unexpected);
    for (unsigned r = 0; r < bench->repetitions; r++)
        for (unsigned i = 0; i < sides; i++) {
            unsigned turn = (r + i) % sides;
            ns[turn][r] = run_side(bench, contest, turn, bench->duration_ns, unexpected);
        }
    for (unsigned i = 0; i < BENCH_SIDES_MAX && contest->claims[i].name != NULL; i++)
        report_claim(contest, i, ns, bench->repetitions);
    for (unsigned i = 0; i < sides; i++)
        if (unexpected[i] != 0)
            bench_report_failure("%s: %llu answers of \"%s\" were other than expected",
                                 contest->claims[0].name, (unsigned long long)unexpected[i],
                                 contest->sides[i].name);
}
