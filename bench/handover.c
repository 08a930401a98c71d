/*
 * From the end of a call to the beginning of the next one that waited for its permit: two hands pass the only permit of a bulkhead
 * to each other. Whoever holds it waits until the other sleeps in the queue, notes the time and gives back; the other notes it when
 * it has been let through. A bare futex is handed over in the same way, to tell how much of that is the kernel's.
 */
#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "machine.h"
#include "measurements.h"
#include "report.h"
#include "statistics.h"
#include "subjects.h"

#define TURNS       16u /* of a block */
#define RUN_NS      60000000
#define GONE_NS     10000000 /* the other does not come any more: its run has ended */
#define ASLEEP_NS   50000    /* between being in the queue and being asleep */
#define SAMPLES_MAX 16384u

static const char *const settings[] = { "breaker.trip.0.consecutive=5", "breaker.histogram=no",
                                        "bulkhead.max_concurrent=1",    "bulkhead.when_busy=wait",
                                        "bulkhead.max_wait=1h",         NULL };

struct hand {
    struct swg_circuit *circuit; /* as its own process knows it */
    unsigned number;
};

/* Of both, in memory that the helper process has too. */
static struct board {
    _Alignas(128) _Atomic swg_ns given_back;
    _Atomic unsigned giver;
    _Alignas(128) _Atomic unsigned count;
    _Alignas(128) _Atomic uint32_t turn; /* of the bare futex: whose it is */
    _Atomic uint32_t sleeping;           /* who is about to sleep on it, + 1 */
    struct hand hands[2];
    double samples[SAMPLES_MAX];
} * board;

bool bench_handover_init(void) {
    board = bench_crew_shared(sizeof *board);
    return board != NULL;
}

static void wait_until_other_sleeps(const struct hand *hand) {
    struct swg_status status = SWG_STATUS_INIT;
    swg_ns began = bench_clock_read(), seen = 0;
    while (bench_clock_read() - began < GONE_NS && seen == 0)
        if (swg_circuit_status(hand->circuit, &status) != 0 || status.queue_length != 0)
            seen = bench_clock_read();
    while (seen != 0 && bench_clock_read() - seen < ASLEEP_NS)
        ;
}

static bool take_turn(struct hand *hand) {
    struct swg_permit permit;
    int rc = swg_acquire(hand->circuit, NULL, &permit);
    bool waited = rc == SWG_QUEUED;
    if (waited)
        rc = swg_wait(&permit, SWG_NS_MAX);
    swg_ns now = bench_clock_read();
    if (rc != SWG_GO)
        return false;
    if (waited && board->giver != hand->number && board->count < SAMPLES_MAX)
        board->samples[board->count++] = (double)(now - board->given_back) / 1000;
    wait_until_other_sleeps(hand);
    board->giver = hand->number;
    board->given_back = bench_clock_read();
    return swg_record(&permit, SWG_SUCCESS) == 0;
}

static long futex(int operation, uint32_t value, const struct timespec *limit) {
    return syscall(SYS_futex, &board->turn, operation, value, limit, NULL, 0);
}

/* false: the other does not come any more. */
static bool sleep_for_turn(const struct hand *hand) {
    static const struct timespec limit = { .tv_nsec = GONE_NS };
    uint32_t turn;
    while ((turn = board->turn) != hand->number) {
        board->sleeping = hand->number + 1;
        if (futex(FUTEX_WAIT, turn, &limit) != 0 && errno == ETIMEDOUT)
            return false;
    }
    return true;
}

/* As take_turn(), with nothing but the kernel between the two. */
static bool take_bare_turn(struct hand *hand) {
    bool waits = board->turn != hand->number;
    if (sleep_for_turn(hand) && waits && board->count < SAMPLES_MAX)
        board->samples[board->count++] = (double)(bench_clock_read() - board->given_back) / 1000;
    swg_ns began = bench_clock_read(), seen = 0;
    while (bench_clock_read() - began < GONE_NS && seen == 0)
        if (board->sleeping == 2 - hand->number)
            seen = bench_clock_read();
    while (seen != 0 && bench_clock_read() - seen < ASLEEP_NS)
        ;
    board->sleeping = 0;
    board->given_back = bench_clock_read();
    board->turn = 1 - hand->number;
    futex(FUTEX_WAKE, 1, NULL);
    return true;
}

/* How long the kernel lets who was woken wait for other programs is not asked. */
static unsigned take_turns(struct hand *hand, bool (*take)(struct hand *hand)) {
    unsigned unexpected = 0;
    bench_go_first(true);
    for (unsigned i = 0; i < TURNS; i++)
        unexpected += !take(hand);
    bench_go_first(false);
    return unexpected;
}

static unsigned pass_on(void *subject, swg_ns now, uint32_t dice) {
    (void)now;
    (void)dice;
    return take_turns(subject, take_turn);
}

static unsigned pass_bare(void *subject, swg_ns now, uint32_t dice) {
    (void)now;
    (void)dice;
    return take_turns(subject, take_bare_turn);
}

static void report_budget(const char *name, double *values, unsigned count, double budget_us) {
    struct bench_result result = { .name = name, .unit = "us", .against = "budget", .target = 1 };
    double budgets[BENCH_REPETITIONS_MAX];
    for (unsigned r = 0; r < count; r++)
        budgets[r] = budget_us;
    bench_report_pairs(&result, values, budgets, count);
}

struct passes {
    double middle[BENCH_REPETITIONS_MAX], late[BENCH_REPETITIONS_MAX];
};

/* One repetition has a median and a 99th percentile of its own. false: nothing was handed over. */
static bool repeat(struct bench *bench, enum bench_hands hands, bench_block *block, unsigned r,
                   struct passes *out) {
    struct bench_tally tally;
    board->count = 0;
    bench_crew_run(&bench->crew, hands, block, &board->hands[0], &board->hands[1], RUN_NS, &tally);
    if (tally.unexpected != 0 || board->count < 10)
        return false;
    out->middle[r] = bench_median(board->samples, board->count);
    out->late[r] = board->samples[board->count * 99 / 100]; /* sorted by now */
    return true;
}

static void measure(struct bench *bench, enum bench_hands hands, const char *names[3]) {
    static struct passes ours, bare;
    bool passed = true;
    for (unsigned r = 0; r <= bench->repetitions && passed; r++) {
        unsigned kept = r == 0 ? 0 : r - 1; /* the first is to get warm */
        passed = repeat(bench, hands, pass_on, kept, &ours) &&
                 repeat(bench, hands, pass_bare, kept, &bare);
    }
    if (!passed) {
        bench_report_failure("%s: nothing was handed over", names[0]);
        return;
    }
    double middle[BENCH_REPETITIONS_MAX]; /* a median sorts what it is given */
    memcpy(middle, ours.middle, sizeof middle);
    report_budget(names[0], middle, bench->repetitions, 20);
    report_budget(names[1], ours.late, bench->repetitions, 2000);
    struct bench_result result = { .name = names[2], .unit = "us", .against = "bare futex" };
    bench_report_pairs(&result, ours.middle, bare.middle, bench->repetitions);
}

static void between_threads(struct bench *bench) {
    struct swg_panel *panel = bench_panel_open(NULL);
    struct swg_circuit *circuit = bench_circuit(panel, "bench", settings);
    for (unsigned i = 0; i < 2; i++)
        board->hands[i] = (struct hand){ circuit, i };
    if (circuit != NULL)
        measure(bench, BENCH_TWO_THREADS,
                (const char *[]){ "hand_over_threads_p50", "hand_over_threads_p99",
                                  "hand_over_threads_vs_futex" });
    swg_panel_unref(panel);
}

static void between_processes(struct bench *bench) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    options.path = bench->panel;
    struct swg_panel *panel = bench_panel_open(&options);
    struct swg_circuit *circuit = bench_circuit(panel, "bench", settings);
    board->hands[0] = (struct hand){ circuit, 0 };
    board->hands[1] = (struct hand){ NULL, 1 };
    if (circuit != NULL)
        board->hands[1].circuit = bench_crew_attach(&bench->crew, bench->panel, "bench");
    if (board->hands[1].circuit != NULL)
        measure(bench, BENCH_TWO_PROCESSES,
                (const char *[]){ "hand_over_processes_p50", "hand_over_processes_p99",
                                  "hand_over_processes_vs_futex" });
    else
        bench_report_failure("hand_over_processes: the second process found no circuit");
    bench_crew_attach(&bench->crew, NULL, NULL);
    swg_panel_unref(panel);
    bench_remove_files(bench);
}

void bench_measure_handover(struct bench *bench) {
    static const char *const names[] = {
        "hand_over_threads_p50",   "hand_over_threads_p99",   "hand_over_threads_vs_futex",
        "hand_over_processes_p50", "hand_over_processes_p99", "hand_over_processes_vs_futex"
    };
    unsigned wanted = 0;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        wanted += bench_wants(bench, names[i]);
    if (wanted == 0)
        return;
    bench_report_group("a permit handed over to who waits for it");
    if (bench_processors() < 2) {
        bench_report_note("SKIPPED: whoever waits could not run: there is one processor");
        return;
    }
    between_threads(bench);
    between_processes(bench);
}
