/* Counters only grow, and people ask how fast: every look is compared with the one before. */
#include "cli/top_rows.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "report/describe.h"

#define SECOND    INT64_C(1000000000)
#define RATE_OVER (5 * SECOND) /* short enough to see a change, long enough to read a number */

static int by_name(const void *a, const void *b) {
    struct swgi_top_row *const *left = a, *const *right = b;

    return strcmp((*left)->status.name, (*right)->status.name);
}

static struct swgi_top_row *find(const struct swgi_top_rows *rows, size_t count, const char *name) {
    size_t from = 0, to = count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = strcmp(rows->at[middle]->status.name, name);

        if (order == 0)
            return rows->at[middle];
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

static uint64_t failed(const struct swg_status *status) {
    return status->failures + status->timeouts;
}

/* A circuit that was evicted and made anew begins at zero, and so does one of a panel that was replaced. */
static bool is_another(const struct swg_status *before, const struct swg_status *after) {
    return after->calls < before->calls || failed(after) < failed(before) ||
           swgi_rejected(after) < swgi_rejected(before);
}

static void add_step(struct swgi_top_row *row, const struct swg_status *status, swg_ns took) {
    if (is_another(&row->status, status)) {
        row->steps_count = row->steps_next = 0;
        return;
    }
    if (took <= 0)
        return;
    row->steps[row->steps_next] = (struct swgi_top_step){
        .calls = status->calls - row->status.calls,
        .failed = failed(status) - failed(&row->status),
        .rejected = swgi_rejected(status) - swgi_rejected(&row->status),
        .took = took,
    };
    row->steps_next = (row->steps_next + 1) % SWGI_TOP_HISTORY;
    row->steps_count += row->steps_count < SWGI_TOP_HISTORY;
}

const struct swgi_top_step *swgi_top_step(const struct swgi_top_row *row, unsigned back) {
    if (back >= row->steps_count)
        return NULL;
    return &row->steps[(row->steps_next + SWGI_TOP_HISTORY - 1 - back) % SWGI_TOP_HISTORY];
}

/* The steps of the last `over`, one at least. */
static struct swgi_top_step sum_steps(const struct swgi_top_row *row, swg_ns over) {
    struct swgi_top_step sum = { 0 };
    const struct swgi_top_step *step;

    for (unsigned back = 0; sum.took < over && (step = swgi_top_step(row, back)) != NULL; back++) {
        sum.calls += step->calls;
        sum.failed += step->failed;
        sum.rejected += step->rejected;
        sum.took += step->took;
    }
    return sum;
}

static double share(uint64_t part, uint64_t whole) {
    double value = whole > 0 ? (double)part / (double)whole : -1;

    return value > 1 ? 1 : value;
}

static double per_second(uint64_t count, swg_ns took) {
    return took > 0 ? (double)count * 1e9 / (double)took : -1;
}

static void measure(struct swgi_top_row *row) {
    struct swgi_top_step recent = sum_steps(row, RATE_OVER), all = sum_steps(row, SWG_NS_MAX);

    row->calls_per_s = per_second(recent.calls, recent.took);
    row->rejected_per_s = per_second(recent.rejected, recent.took);
    row->failing =
        row->status.failure_rate >= 0 ? row->status.failure_rate : share(all.failed, all.calls);
}

/* The row of that name, among the first `known`, or a new one behind them. */
static struct swgi_top_row *row_for(struct swgi_top_rows *rows, size_t known,
                                    const struct swg_status *status, swg_ns now) {
    struct swgi_top_row *row = find(rows, known, status->name);

    if (row) {
        add_step(row, status, now - rows->now);
        return row;
    }
    row = calloc(1, sizeof(*row));
    if (row)
        rows->at[rows->count++] = row;
    return row;
}

/* Gives up those that were not seen this time. */
static void keep_seen(struct swgi_top_rows *rows) {
    size_t kept = 0;

    for (size_t i = 0; i < rows->count; i++) {
        if (rows->at[i]->was_seen)
            rows->at[kept++] = rows->at[i];
        else
            free(rows->at[i]);
    }
    rows->count = kept;
    for (size_t i = 0; i < kept; i++)
        rows->at[i]->was_seen = false;
    if (kept > 0)
        qsort(rows->at, kept, sizeof(rows->at[0]), by_name);
}

static void sum_up(struct swgi_top_rows *rows) {
    struct swgi_top_sums *sums = &rows->sums;
    struct swgi_top_step all = { 0 };

    *sums = (struct swgi_top_sums){ .circuits = rows->count };
    rows->has_permits = false;
    for (size_t i = 0; i < rows->count; i++) {
        const struct swgi_top_row *row = rows->at[i];
        struct swgi_top_step recent = sum_steps(row, RATE_OVER);

        sums->by_rank[swgi_state_rank(&row->status)]++;
        sums->calls_per_s += row->calls_per_s > 0 ? row->calls_per_s : 0;
        sums->rejected_per_s += row->rejected_per_s > 0 ? row->rejected_per_s : 0;
        sums->in_flight += row->status.in_flight > 0 ? row->status.in_flight : 0;
        all.calls += recent.calls;
        all.failed += recent.failed;
        rows->has_permits |= row->status.has_bulkhead != 0;
    }
    sums->failing = share(all.failed, all.calls);
}

int swgi_top_take(struct swgi_top_rows *rows, const struct swg_status *statuses, size_t count,
                  swg_ns now) {
    size_t known = rows->count;
    struct swgi_top_row **more =
        reallocarray(rows->at, known + count + 1, sizeof(struct swgi_top_row *));

    if (!more)
        return -ENOMEM;
    rows->at = more;
    for (size_t i = 0; i < count; i++) {
        struct swgi_top_row *row = row_for(rows, known, &statuses[i], now);

        if (!row)
            return -ENOMEM;
        row->status = statuses[i];
        row->was_seen = true;
        measure(row);
    }
    rows->now = now;
    keep_seen(rows);
    sum_up(rows);
    return 0;
}

void swgi_top_rows_deinit(struct swgi_top_rows *rows) {
    for (size_t i = 0; i < rows->count; i++)
        free(rows->at[i]);
    free(rows->at);
    *rows = (struct swgi_top_rows){ 0 };
}

bool swgi_top_matches(const char *filter, const char *name) {
    if (strpbrk(filter, "*?["))
        return fnmatch(filter, name, FNM_CASEFOLD) == 0;
    return strcasestr(name, filter) != NULL;
}

static int larger_first(double left, double right) {
    return (left < right) - (left > right);
}

/* In steps of a tenth: rows that change places at every look cannot be read. */
static int trouble(const struct swgi_top_row *left, const struct swgi_top_row *right) {
    int ranks = swgi_state_rank(&left->status) - swgi_state_rank(&right->status);

    return ranks ? ranks
                 : larger_first((int)(left->failing * 10 + 0.999),
                                (int)(right->failing * 10 + 0.999));
}

static double latency(const struct swgi_top_row *row) {
    return row->status.has_latency && row->status.latency.count > 0
               ? (double)row->status.latency.p99
               : -1;
}

static int compare(const void *a, const void *b, void *arg) {
    const struct swgi_top_row *left = *(struct swgi_top_row *const *)a;
    const struct swgi_top_row *right = *(struct swgi_top_row *const *)b;
    int order = 0;

    switch (*(const int *)arg) {
    case SWGI_SORT_WORST:
        order = trouble(left, right);
        break;
    case SWGI_SORT_CALLS:
        order = larger_first(left->calls_per_s, right->calls_per_s);
        break;
    case SWGI_SORT_FAILING:
        order = larger_first(left->failing, right->failing);
        break;
    case SWGI_SORT_REJECTED:
        order = larger_first(left->rejected_per_s, right->rejected_per_s);
        break;
    case SWGI_SORT_SLOW:
        order = larger_first(latency(left), latency(right));
        break;
    default:
        break;
    }
    return order ? order : strcmp(left->status.name, right->status.name);
}

size_t swgi_top_arrange(const struct swgi_top_rows *rows, const char *filter, int sort,
                        const struct swgi_top_row **out) {
    size_t count = 0;

    for (size_t i = 0; i < rows->count; i++) {
        if (swgi_top_matches(filter, rows->at[i]->status.name))
            out[count++] = rows->at[i];
    }
    if (count > 0)
        qsort_r(out, count, sizeof(struct swgi_top_row *), compare, &sort);
    return count;
}

const char *swgi_top_sort_word(int sort) {
    static const char *const words[SWGI_SORTS] = { "trouble", "name",     "calls",
                                                   "failing", "rejected", "p99" };

    return sort >= 0 && sort < SWGI_SORTS ? words[sort] : "?";
}
