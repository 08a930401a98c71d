/* The second act, as it is shown: a line every half a second, the table at its end, and what must be seen in it. */
#include "outage.h"

#include <stdio.h>
#include <string.h>

static struct burst_tally read_tally(const struct outage *outage, int side) {
    const struct burst_counts *counts = &outage->shared->burst.sides[side];
    struct burst_tally tally = { .failed = counts->failed,
                                 .full = counts->rejected[SWG_FULL],
                                 .shed = counts->rejected[SWG_SHED],
                                 .attempts = counts->attempts,
                                 .timeouts = counts->timeouts,
                                 .retries = counts->retries };

    for (int phase = 0; phase < BURST_PHASES; phase++) {
        tally.offered += counts->offered[phase];
        tally.answered += counts->answered[phase];
    }
    for (int verdict = 0; verdict < VERDICTS; verdict++)
        if (verdict != SWG_FULL && verdict != SWG_SHED)
            tally.other += counts->rejected[verdict];
    return tally;
}

/* ---- the timeline */

void burst_head(const struct outage *outage) {
    (void)outage;
    printf("\n                |   protected: four, one panel     | unprotected: four\n"
           "   time  calls  | answered   full  shed timed out  | answered timed out retries\n"
           " ---------------+----------------------------------+---------------------------\n");
}

static unsigned long long since(uint64_t now, uint64_t before) {
    return (unsigned long long)(now - before);
}

void burst_tick(struct outage *outage) {
    struct burst_tally now[SIDES], *p = &now[PROTECTED], *u = &now[UNPROTECTED];
    const struct burst_tally *q = &outage->burst_tick[PROTECTED];
    const struct burst_tally *v = &outage->burst_tick[UNPROTECTED];

    for (int side = 0; side < SIDES; side++)
        now[side] = read_tally(outage, side);
    printf(" %5.1fs %6llu  | %8llu %6llu %5llu %9llu  | %8llu %9llu %7llu\n",
           (double)(now_ns() - outage->began) / 1e9, since(p->offered, q->offered),
           since(p->answered, q->answered), since(p->full, q->full), since(p->shed, q->shed),
           since(p->timeouts, q->timeouts), since(u->answered, v->answered),
           since(u->timeouts, v->timeouts), since(u->retries, v->retries));
    fflush(stdout);
    swg_panel_poll(outage->panel);
    memcpy(outage->burst_tick, now, sizeof(now));
}

/* ---- the table */

static double rate(const struct outage *outage, int side, int phase) {
    return (double)outage->shared->burst.sides[side].answered[phase] * 1000 / burst_phase_ms[phase];
}

/* The time that so large a share of the answers took at most; -1: nothing was answered. */
static double answered_within(const struct outage *outage, int side, double share) {
    const atomic_ullong *bins = outage->shared->burst.sides[side].latency;
    uint64_t all = 0, seen = 0;
    int bin = 0;

    for (int i = 0; i < LATENCY_BINS; i++)
        all += bins[i];
    if (all == 0)
        return -1;
    while (bin < LATENCY_BINS && (double)(seen += bins[bin]) < share * (double)all)
        bin++;
    return (bin + 1) * LATENCY_BIN_MS / 1000.0;
}

static double urgent_percent(const struct outage *outage, int side) {
    const struct burst_counts *counts = &outage->shared->burst.sides[side];

    return counts->urgent_offered == 0
               ? -1
               : 100.0 * (double)counts->urgent_answered / (double)counts->urgent_offered;
}

static double amplification(const struct burst_tally *tally) {
    uint64_t calls = tally->attempts - tally->retries;

    return calls == 0 ? -1 : (double)tally->attempts / (double)calls;
}

static uint64_t on_the_way(const struct burst_tally *tally) {
    uint64_t ended = tally->answered + tally->failed + tally->full + tally->shed + tally->other;

    return tally->offered > ended ? tally->offered - ended : 0;
}

static void print_calls(const struct burst_tally *p, const struct burst_tally *u) {
    table_row("offered", p->offered, u->offered);
    table_row("answered", p->answered, u->answered);
    table_row("rejected, the bulkhead and its queue being full", p->full, u->full);
    table_row("rejected, being heavy: shed", p->shed, u->shed);
    table_row("rejected otherwise", p->other, u->other);
    table_row("called, and failed in the end", p->failed, u->failed);
    table_row("still on their way", on_the_way(p), on_the_way(u));
}

static void print_rates(const struct outage *outage) {
    static const char *const names[BURST_PHASES] = { "answered a second: before the burst",
                                                     "                   in the burst",
                                                     "                   after it" };

    for (int phase = 0; phase < BURST_PHASES; phase++)
        table_row_of(names[phase], rate(outage, PROTECTED, phase), rate(outage, UNPROTECTED, phase),
                     "");
}

void burst_table(const struct outage *outage) {
    struct burst_tally p = read_tally(outage, PROTECTED), u = read_tally(outage, UNPROTECTED);

    table_head();
    print_calls(&p, &u);
    print_rates(outage);
    table_row_of("of the burst: urgent calls answered, percent", urgent_percent(outage, PROTECTED),
                 urgent_percent(outage, UNPROTECTED), "none");
    table_row_of("seconds within which half of its answers came",
                 answered_within(outage, PROTECTED, 0.5), answered_within(outage, UNPROTECTED, 0.5),
                 "none");
    table_row_of("seconds within which 99 of 100 came", answered_within(outage, PROTECTED, 0.99),
                 answered_within(outage, UNPROTECTED, 0.99), "none");
    table_row("attempts that timed out", p.timeouts, u.timeouts);
    table_row("retries", p.retries, u.retries);
    table_row_of("attempts to a call that was made", amplification(&p), amplification(&u), "none");
    fflush(stdout);
}

/* ---- what it is all for */

static const int least = CAPACITY * 7 / 10;

static void print_lesson(const struct outage *outage) {
    printf("\n The server can answer %d calls a second. In the burst it answered %.0f for the\n"
           " protected, and no call they admitted timed out; for the unprotected, %.0f.\n",
           CAPACITY, rate(outage, PROTECTED, DURING), rate(outage, UNPROTECTED, DURING));
    if (rate(outage, UNPROTECTED, AFTER) < CALLS_PER_SECOND / 2.0)
        printf(" After it they stay down: %d calls a second, tried %d times each, are more than\n"
               " the server can answer, and it answers calls that were given up long ago.\n",
               CALLS_PER_SECOND, ATTEMPTS);
    fflush(stdout);
}

static bool expect(bool seen, const char *what, double figure) {
    if (!seen)
        fprintf(stderr, "outage: the rush did not go as it should: %s: %.1f\n", what, figure);
    return seen;
}

bool burst_held(const struct outage *outage) {
    double kept = rate(outage, PROTECTED, DURING), left = rate(outage, UNPROTECTED, DURING);
    double timeouts = (double)outage->shared->burst.sides[PROTECTED].timeouts;
    bool held = expect(kept >= least,
                       "too few calls of the protected were answered a second in the burst", kept);

    held &= expect(timeouts == 0, "admitted calls of the protected timed out", timeouts);
    held &= expect(left <= kept / 2,
                   "too many calls of the unprotected were answered a second in the burst", left);
    if (held)
        print_lesson(outage);
    return held;
}
