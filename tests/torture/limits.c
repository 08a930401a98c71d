/*
 * Limiters and the retry budget under torture: eight processes that call as fast as they can while they are killed, stopped
 * and started again, and from outside it is counted what was let through.
 *
 * Limiters are asked at instants in the callers' hand, which are noted before; what a killed caller had not noted is not
 * counted, so there may only have been more. Then over any interval whatever: a bucket let through no more than its burst and
 * its rate, a log no more than its rate. The budget is shared by all under total failure: no more than its share of retries,
 * what was saved up, and for each killed process one first call and one attempt that it had not noted.
 *
 * Usage: limits. BOUND=small is short, BOUND=none goes round and round until stopped.
 */
#include "bulkhead_crowd.h"

#define LONGEST_NS  (120 * SECOND)
#define PATIENCE_NS (20 * SECOND)
#define GONE_MAX    1048576u /* calls let through, of one place and limiter */
#define LIMITERS    3u
#define BUDGET_MAX  10u
#define SETTINGS    7u

static const struct limiter {
    const char *name;
    uint64_t burst; /* of a log: how many in a window */
    int64_t ns;     /* from one to the next; of a log: the window */
    bool log;
    const char *settings[SETTINGS][2];
} limiters[LIMITERS] = {
    { "token-bucket",
      50,
      50000,
      false,
      { { "limiter.rate", "20000" },
        { "limiter.burst", "50" },
        { "limiter.algorithm", "token_bucket" } } },
    { "leaky-bucket",
      1,
      200000,
      false,
      { { "limiter.rate", "5000" }, { "limiter.algorithm", "leaky_bucket" } } },
    { "sliding-log",
      300,
      100 * MS,
      true,
      { { "limiter.rate", "300" },
        { "limiter.per", "100ms" },
        { "limiter.algorithm", "sliding_log" } } },
};

static const char *const budget_settings[][2] = {
    { "retry.attempts", "4" },
    { "retry.delay", "1us" },
    { "retry.max_delay", "1us" },
    { "retry.budget.percent", "20" },
    { "retry.budget.per_second", "0" },
    { "retry.budget.max", "10" },
    { NULL, NULL },
};

struct calls {
    _Alignas(64) _Atomic uint64_t operations;
    _Atomic uint64_t firsts, retries;
    _Atomic uint32_t gone[LIMITERS];
    _Atomic uint32_t held_up; /* let through, but too long after the instant that was told */
};

static struct notes {
    struct board board;
    _Atomic uint32_t retries; /* what is done: calls that fail, or limiters */
    struct calls calls[CROWD];
    _Atomic int64_t at[LIMITERS][CROWD][GONE_MAX];
} * notes;

static struct {
    struct swg_panel *panel;
    struct swg_circuit *circuits[LIMITERS], *budget;
    uint64_t wanted_operations;
    unsigned wanted_kills, wanted_stops;
} storm;

static void count(_Atomic uint64_t *counter) {
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_release);
}

/* ---- a process */

/* A caller that was stopped for over half a second may not have been believed. */
static void ask_limiter(struct calls *calls, unsigned place, unsigned which) {
    struct swg_permit permit;
    uint32_t gone = atomic_load_explicit(&calls->gone[which], memory_order_relaxed);
    int64_t now = clock_now();
    if (gone == GONE_MAX)
        return;
    atomic_store_explicit(&notes->at[which][place][gone], now, memory_order_relaxed);
    int rc = swg_acquire_at(storm.circuits[which], NULL, now, &permit);
    if (rc == SWG_GO && clock_now() - now < SECOND / 2)
        atomic_store_explicit(&calls->gone[which], gone + 1, memory_order_release);
    else if (rc == SWG_GO)
        atomic_fetch_add(&calls->held_up, 1);
    else if (rc != SWG_LIMITED)
        complain("%s answered %d, %s", limiters[which].name, rc, swg_strerror(rc));
    if (rc == SWG_GO)
        swg_record_at(&permit, SWG_SUCCESS, NULL, now, 0);
}

/* Each attempt fails. */
static void call_in_vain(struct calls *calls) {
    struct swg_permit permit;
    int rc = swg_acquire(storm.budget, NULL, &permit);
    if (rc == SWG_GO)
        count(&calls->firsts);
    while (rc == SWG_GO) {
        rc = swg_record(&permit, SWG_FAILURE);
        if (rc != SWG_RETRY)
            break;
        rc = swg_acquire_again(&permit);
        if (rc == SWG_GO)
            count(&calls->retries);
        count(&calls->operations);
    }
    if (rc != SWG_GO)
        complain("a call in vain was answered %d, %s", rc, swg_strerror(rc));
}

static void open_all(const char *name) {
    storm.panel = crowd_panel(name);
    for (unsigned i = 0; i < LIMITERS; i++)
        storm.circuits[i] = crowd_circuit(storm.panel, limiters[i].name, limiters[i].settings);
    storm.budget = crowd_circuit(storm.panel, "budget", budget_settings);
}

static int run_worker(void *shared, unsigned place) {
    notes = shared;
    struct calls *calls = &notes->calls[place];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    open_all("caller");
    for (unsigned which = 0; !atomic_load_explicit(&board->stop, memory_order_relaxed); which++) {
        if (atomic_load_explicit(&notes->retries, memory_order_relaxed))
            call_in_vain(calls);
        else
            ask_limiter(calls, place, which % LIMITERS);
        count(&calls->operations);
    }
    swg_panel_unref(storm.panel);
    return 0;
}

/* ---- the storm */

static uint64_t sum_of(size_t counter) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < CROWD; i++)
        sum += atomic_load((_Atomic uint64_t *)(void *)((char *)&notes->calls[i] + counter));
    return sum;
}
#define SUM(counter) sum_of(offsetof(struct calls, counter))

static bool is_over(int64_t begin) {
    bool enough = crowd.kills >= storm.wanted_kills && crowd.stops_count >= storm.wanted_stops &&
                  SUM(operations) >= storm.wanted_operations;
    return enough || atomic_load(&board->complaints) != 0 || clock_now() - begin > LONGEST_NS;
}

static int64_t rage(bool retries) {
    int64_t begin = clock_now();
    atomic_store(&notes->retries, retries);
    for (unsigned i = 0; i < CROWD; i++)
        crowd_start(i);
    while (!is_over(begin)) {
        poll(NULL, 0, 1);
        crowd_step(clock_now(), 100 * MS);
    }
    crowd_end(PATIENCE_NS);
    if (clock_now() - begin > LONGEST_NS)
        complain("too slow for its bound");
    return clock_now() - begin;
}

/* ---- limiters */

static int by_instant(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static size_t gather(unsigned which, int64_t *all) {
    size_t n = 0;
    for (unsigned place = 0; place < CROWD; place++)
        for (uint32_t i = 0; i < atomic_load(&notes->calls[place].gone[which]); i++)
            all[n++] = atomic_load_explicit(&notes->at[which][place][i], memory_order_relaxed);
    qsort(all, n, sizeof(*all), by_instant);
    return n;
}

/*
 * From the i-th to the j-th, j - i + 1 <= burst + (t[j] - t[i]) / ns: that is, j x ns - t[j] is nowhere more than (burst - 1) x
 * ns above what it was at any i before.
 */
static void check_bucket(const struct limiter *limiter, const int64_t *at, size_t n) {
    int64_t least = INT64_MAX, most = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t level = (int64_t)i * limiter->ns - at[i];
        least = level < least ? level : least;
        most = level - least > most ? level - least : most;
    }
    if (most > ((int64_t)limiter->burst - 1) * limiter->ns)
        complain("%s let %.3f calls too many through", limiter->name,
                 (double)most / (double)limiter->ns - (double)(limiter->burst - 1));
}

static void check_log(const struct limiter *limiter, const int64_t *at, size_t n) {
    for (size_t i = limiter->burst; i < n; i++)
        if (at[i] - at[i - limiter->burst] < limiter->ns) {
            complain("%s let %llu calls through in %.6f ms", limiter->name,
                     (unsigned long long)limiter->burst + 1,
                     (double)(at[i] - at[i - limiter->burst]) / 1e6);
            return;
        }
}

/* None of it was lost for good: a hundredth of the rate, on a machine however busy, and one more call now. */
static void check_flow(unsigned which, size_t n, int64_t took) {
    const struct limiter *limiter = &limiters[which];
    struct swg_permit permit;
    double rate =
        limiter->log ? (double)limiter->burst / (double)limiter->ns : 1.0 / (double)limiter->ns;
    int64_t end = clock_now() + PATIENCE_NS;
    int rc;
    while ((rc = swg_acquire(storm.circuits[which], NULL, &permit)) == SWG_LIMITED &&
           clock_now() < end)
        poll(NULL, 0, 1);
    if (rc != SWG_GO || (double)n < rate * (double)took / 100)
        complain("%s let only %zu calls through, and then answered %d", limiter->name, n, rc);
    if (rc == SWG_GO)
        swg_record(&permit, SWG_SUCCESS);
    printf("  %-12s %8zu calls let through, %.1f %% of its rate\n", limiter->name, n,
           (double)n / (rate * (double)took) * 100);
}

static void check_limiters(int64_t took) {
    int64_t *all = calloc((size_t)CROWD * GONE_MAX, sizeof(*all));
    require(all == NULL ? -ENOMEM : 0, "calls", NULL);
    for (unsigned which = 0; which < LIMITERS; which++) {
        size_t n = gather(which, all);
        if (limiters[which].log)
            check_log(&limiters[which], all, n);
        else
            check_bucket(&limiters[which], all, n);
        check_flow(which, n, took);
    }
    free(all);
}

/* ---- the budget */

static void check_budget(void) {
    uint64_t firsts = SUM(firsts), retries = SUM(retries), unnoted = 2 * crowd.kills + CROWD;
    double allowed = 0.2 * (double)(firsts + unnoted) + BUDGET_MAX;
    struct swg_status status = SWG_STATUS_INIT;
    require(swg_circuit_status(storm.budget, &status), "status", NULL);
    if ((double)retries > allowed)
        complain("%llu retries of %llu calls, allowed are %.0f", (unsigned long long)retries,
                 (unsigned long long)firsts, allowed);
    if ((double)retries < 0.1 * (double)firsts)
        complain("only %llu retries of %llu calls", (unsigned long long)retries,
                 (unsigned long long)firsts);
    if (status.retries < retries || status.retries > retries + crowd.kills ||
        status.calls - status.retries < firsts ||
        status.calls - status.retries > firsts + 2 * crowd.kills)
        complain("noted are %llu calls and %llu retries, counted %llu and %llu",
                 (unsigned long long)firsts, (unsigned long long)retries,
                 (unsigned long long)(status.calls - status.retries),
                 (unsigned long long)status.retries);
    printf("  %llu first calls, %llu retries: %.6f attempts a call\n", (unsigned long long)firsts,
           (unsigned long long)retries, 1 + (double)retries / (double)firsts);
}

/* ---- all */

static bool round_of(const char *name, bool retries, bool small) {
    struct swg_act act = SWG_ACT_INIT;
    notes = board_new(sizeof(*notes), "limits");
    storm.wanted_operations = small ? 50000 : 2000000;
    storm.wanted_kills = small ? 10 : 80;
    storm.wanted_stops = small ? 5 : 40;
    open_all("observer");
    act.user = "storm";
    require(swg_circuit_mode(storm.budget, SWG_MODE_FORCED_CLOSED, &act, NULL), "mode", NULL);
    int64_t took = rage(retries);
    printf("%s: %llu operations, %u killed, %u stopped\n", name,
           (unsigned long long)SUM(operations), crowd.kills, crowd.stops_count);
    if (retries)
        check_budget();
    else
        check_limiters(took);
    swg_panel_unref(storm.panel);
    return board_end(sizeof(*notes), "limits") == 0;
}

static bool rounds(bool small) {
    bool right = round_of("limiters", false, small);
    return round_of("budget", true, small) && right;
}

int main(int argc, char **argv) {
    return crowd_main(argc, argv, sizeof(*notes), run_worker, rounds);
}
