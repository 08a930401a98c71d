/*
 * What disturbs a machine lasts longer than a repetition, so it falls on neighbours alike: each repetition measures every side
 * once, one right after the other, and only ratios within a repetition are compared. Who goes first changes every time.
 */
#include "contest.h"

#include <string.h>

#include "report.h"
#include "statistics.h"

#define WARM_UP_NS 3000000

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

static double run_side(struct bench *bench, const struct bench_contest *contest, unsigned number,
                       swg_ns duration, uint64_t *unexpected) {
    const struct bench_side *side = &contest->sides[number];
    struct bench_tally tally;
    bench_crew_run(&bench->crew, contest->hands, side->block, side->subject,
                   side->helper ? side->helper : side->subject, duration, &tally);
    unexpected[number] += tally.unexpected;
    return (double)tally.elapsed_ns / (double)tally.calls;
}

static void report_claim(const struct bench_contest *contest, const struct bench_claim *claim,
                         double ns[][BENCH_REPETITIONS_MAX], unsigned repetitions) {
    double ratios[BENCH_REPETITIONS_MAX], own[BENCH_REPETITIONS_MAX], base[BENCH_REPETITIONS_MAX];
    for (unsigned r = 0; r < repetitions; r++) {
        own[r] = ns[claim->side][r];
        base[r] = ns[claim->against][r];
        ratios[r] = own[r] / base[r];
    }
    struct bench_result result = { .name = claim->name,
                                   .unit = "ns",
                                   .against = contest->sides[claim->against].name,
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
        report_claim(contest, &contest->claims[i], ns, bench->repetitions);
    for (unsigned i = 0; i < sides; i++)
        if (unexpected[i] != 0)
            bench_report_failure("%s: %llu answers of \"%s\" were other than expected",
                                 contest->claims[0].name, (unsigned long long)unexpected[i],
                                 contest->sides[i].name);
}
