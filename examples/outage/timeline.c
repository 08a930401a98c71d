/* What is shown: a line every half a second, and the table at the end. Every number is measured in this run. */
#include "outage.h"

#include <stdio.h>
#include <string.h>

static const char *const phase_names[PHASES] = { "healthy", "HUNG", "DEAD", "slow", "healthy" };

/* Who takes part can also change settings while the workers call. */
bool timeline_open(struct outage *outage, const char *circuit) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swg_error error = SWG_ERROR_INIT;

    options.path = outage->panel_path;
    options.access = outage->act == SECOND_ACT ? SWG_PANEL_ATTACH : SWG_PANEL_INSPECT;
    outage->cursor = SWG_CURSOR_END;
    if (swg_panel_open(&outage->panel, &options, &error) == 0 &&
        swg_circuit_find(outage->panel, circuit, &outage->circuit) == 0)
        return true;
    fprintf(stderr, "outage: the panel cannot be read: %s\n", error.text);
    return false;
}

static struct tally read_tally(const struct outage *outage, int side) {
    const struct counts *counts = &outage->shared->sides[side];

    return (struct tally){ .answered = counts->answered,
                           .failed = counts->failed,
                           .rejected = counts->rejected,
                           .skipped = counts->skipped,
                           .waited_s = (double)counts->waited_ns / 1e9 };
}

void timeline_reset(struct outage *outage) {
    for (int side = 0; side < SIDES; side++) {
        outage->start[side] = outage->tick[side] = read_tally(outage, side);
        for (int i = 0; i < WORKERS; i++)
            outage->shared->sides[side].served_at[i] = 0;
    }
    outage->detected_at = 0;
}

/* A CLOSED breaker that opened since the server stopped answering. */
static void look_for_detection(struct outage *outage) {
    struct swg_event event = SWG_EVENT_INIT;
    int rc;

    while ((rc = swg_panel_next_event(outage->panel, &outage->cursor, &event)) != 0) {
        if (rc < 0 || event.kind != SWG_EVENT_TRANSITION || event.to != SWG_STATE_OPEN)
            continue;
        if (outage->detected_at == 0 && outage->phase_at[HUNG] != 0 &&
            event.at >= outage->phase_at[HUNG])
            outage->detected_at = event.at;
    }
}

static void print_state(const struct outage *outage) {
    static const char *const colours[] = { "\033[32m", "\033[31m", "\033[33m" };
    struct swg_status status = SWG_STATUS_INIT;
    int known = swg_circuit_status(outage->circuit, &status) == 0;

    printf("%s%-9s%s", outage->colour && known ? colours[status.state] : "",
           known ? swg_state_name(status.state) : "?", outage->colour && known ? "\033[0m" : "");
}

void timeline_head(const struct outage *outage) {
    (void)outage;
    printf("\n                 |  protected: four processes, one panel  | unprotected: four\n"
           "   time  server  | answered failed rejected   breaker     | answered failed\n"
           " ----------------+----------------------------------------+----------------\n");
}

void timeline_tick(struct outage *outage) {
    struct tally now[SIDES];

    swg_panel_poll(outage->panel);
    look_for_detection(outage);
    for (int side = 0; side < SIDES; side++)
        now[side] = read_tally(outage, side);
    printf(" %5.1fs  %-7s | %8llu %6llu %8llu   ", (double)(now_ns() - outage->began) / 1e9,
           phase_names[outage->shared->phase],
           (unsigned long long)(now[PROTECTED].answered - outage->tick[PROTECTED].answered),
           (unsigned long long)(now[PROTECTED].failed - outage->tick[PROTECTED].failed),
           (unsigned long long)(now[PROTECTED].rejected - outage->tick[PROTECTED].rejected));
    print_state(outage);
    printf("   | %8llu %6llu\n",
           (unsigned long long)(now[UNPROTECTED].answered - outage->tick[UNPROTECTED].answered),
           (unsigned long long)(now[UNPROTECTED].failed - outage->tick[UNPROTECTED].failed));
    fflush(stdout);
    memcpy(outage->tick, now, sizeof(now));
}

void table_head(void) {
    printf("\n %-46s %12s %14s\n", "calls", "protected", "unprotected");
}

void table_row(const char *what, uint64_t of_protected, uint64_t of_unprotected) {
    printf(" %-46s %12llu %14llu\n", what, (unsigned long long)of_protected,
           (unsigned long long)of_unprotected);
}

void table_row_of(const char *what, double of_protected, double of_unprotected,
                  const char *without) {
    double values[] = { of_protected, of_unprotected };

    printf(" %-46s", what);
    for (int side = 0; side < SIDES; side++)
        if (values[side] < 0)
            printf(" %*s", side == PROTECTED ? 12 : 14, without);
        else
            printf(" %*.2f", side == PROTECTED ? 12 : 14, values[side]);
    printf("\n");
}

/* Until the last of its workers was served again. */
static double recovered_after(const struct outage *outage, int side) {
    swg_ns last = 0;

    for (int i = 0; i < WORKERS; i++) {
        swg_ns at = outage->shared->sides[side].served_at[i];

        if (at == 0)
            return -1;
        if (at > last)
            last = at;
    }
    return (double)(last - outage->phase_at[RECOVERED]) / 1e9;
}

void timeline_table(const struct outage *outage) {
    const struct tally *a = &outage->start[PROTECTED], *b = &outage->start[UNPROTECTED];
    struct tally p = read_tally(outage, PROTECTED), u = read_tally(outage, UNPROTECTED);
    double detected = (double)(outage->detected_at - outage->phase_at[HUNG]) / 1e9;

    table_head();
    table_row("answered", p.answered - a->answered, u.answered - b->answered);
    table_row("failed", p.failed - a->failed, u.failed - b->failed);
    table_row("rejected: told at once, free for other work", p.rejected - a->rejected,
              u.rejected - b->rejected);
    table_row("not begun: the worker was still waiting", p.skipped - a->skipped,
              u.skipped - b->skipped);
    table_row_of("seconds spent waiting on a dead server", p.waited_s - a->waited_s,
                 u.waited_s - b->waited_s, "never");
    table_row_of("seconds to detect the outage", outage->detected_at == 0 ? -1 : detected, -1,
                 "never");
    table_row_of("seconds to recover, once it was healthy", recovered_after(outage, PROTECTED),
                 recovered_after(outage, UNPROTECTED), "never");
    fflush(stdout);
}
