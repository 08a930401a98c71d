/* What `top` knows of each circuit: its status now, and how its counters moved. Nothing here looks at a panel or a terminal. */
#ifndef SWGI_CLI_TOP_ROWS_H
#define SWGI_CLI_TOP_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "switchgear/switchgear.h"

#define SWGI_TOP_HISTORY 64u

/* What happened from one look to the next. */
struct swgi_top_step {
    uint64_t calls, failed, rejected;
    swg_ns took;
};

struct swgi_top_row {
    struct swg_status status;
    double calls_per_s, rejected_per_s; /* over the last 5 s of looks; -1: not known yet */
    double
        failing; /* share of calls, 0..1: of the circuit's longest window, else of what was seen; -1: no call */
    struct swgi_top_step steps[SWGI_TOP_HISTORY]; /* a ring */
    unsigned steps_count, steps_next;
    bool was_seen;
};

struct swgi_top_sums {
    size_t circuits, by_rank[4]; /* as swgi_state_rank() */
    double calls_per_s, rejected_per_s;
    double failing; /* share of the calls seen in the last 5 s; -1: none */
    int64_t in_flight;
};

/* Starts as zero. */
struct swgi_top_rows {
    struct swgi_top_row **at; /* by name */
    size_t count;
    struct swgi_top_sums sums;
    swg_ns now; /* panel time of the last look */
    bool has_permits;
};

enum swgi_top_sort {
    SWGI_SORT_WORST,
    SWGI_SORT_NAME,
    SWGI_SORT_CALLS,
    SWGI_SORT_FAILING,
    SWGI_SORT_REJECTED,
    SWGI_SORT_SLOW,
    SWGI_SORTS
};

/* Take over a look at all circuits: statuses in any order, at panel time now. Circuits that are not among them leave. -ENOMEM. */
int swgi_top_take(struct swgi_top_rows *rows, const struct swg_status *statuses, size_t count,
                  swg_ns now);
void swgi_top_rows_deinit(struct swgi_top_rows *rows);

/* The step `back` looks ago (0: the last one); NULL beyond what is known. */
const struct swgi_top_step *swgi_top_step(const struct swgi_top_row *row, unsigned back);

/*
 * The rows to show, in order, into out[rows->count]; returns how many. filter: part of a name, or a glob of one, in any case of
 * letters; "": all.
 */
size_t swgi_top_arrange(const struct swgi_top_rows *rows, const char *filter, int sort,
                        const struct swgi_top_row **out);
bool swgi_top_matches(const char *filter, const char *name);
/* "trouble", "name", "calls", ... */
const char *swgi_top_sort_word(int sort);

#endif
