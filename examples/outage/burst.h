/* The second act: what its files share. The server can take so many calls at once, each so long; then fifty times as many come. */
#ifndef BURST_H
#define BURST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <switchgear/switchgear.h>

#define BURST_CIRCUIT    "rush"
#define AT_ONCE          20
#define TAKES_MS         400
#define CAPACITY         (AT_ONCE * 1000 / TAKES_MS) /* calls a second */
#define CALLS_PER_SECOND 20                          /* of each side, before and after */
#define BURST_TIMES      50
#define BURST_TIMEOUT_MS 1000
#define ATTEMPTS         3
#define RETRY_DELAY_MS   100
#define HEAVY_LOAD       200 /* of a report, in the unit of shed.call_load_above */
#define LATENCY_BINS     600
#define LATENCY_BIN_MS   10
#define SECOND_NS        INT64_C(1000000000)

enum { BEFORE, DURING, AFTER, BURST_PHASES };
enum { PLAIN, URGENT, REPORT, KINDS };
#define VERDICTS (SWG_QUEUE_SATURATED + 1)

/* Counted by the workers of one side. */
struct burst_counts {
    atomic_ullong offered[BURST_PHASES];  /* calls, by when they came */
    atomic_ullong answered[BURST_PHASES]; /* calls, by when the answer came */
    atomic_ullong failed;                 /* calls whose last attempt failed, or was none in time */
    atomic_ullong rejected[VERDICTS];     /* calls that were never made */
    atomic_ullong attempts, timeouts, retries; /* what the server was asked */
    /* Of the calls that came during the burst. */
    atomic_ullong urgent_offered, urgent_answered;
    atomic_ullong latency[LATENCY_BINS];
};

struct burst {
    atomic_llong began; /* 0: not yet */
    struct burst_counts sides[2];
};

/* The same numbers, at one moment, phases taken together. */
struct burst_tally {
    uint64_t offered, answered, failed, full, shed, other, attempts, timeouts, retries;
};

struct outage;

extern const int burst_phase_ms[BURST_PHASES];
/* Which phase an instant of the act belongs to; BURST_PHASES: it is over. */
int burst_phase(swg_ns began, swg_ns at);

/* burst_worker.c: never returns. */
_Noreturn void run_burst_worker(const struct outage *outage, int side, int number);

/* burst_table.c: what is shown, and what must be seen. */
void burst_head(const struct outage *outage);
void burst_tick(struct outage *outage);
void burst_table(const struct outage *outage);
bool burst_held(const struct outage *outage);

#endif
