/* `status` and `is-tripped`: how the circuits are. Only reads: works with nothing but permission to read the panel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "cli/commands.h"
#include "report/describe.h"
#include "report/json.h"
#include "cli/message.h"
#include "cli/panel.h"
#include "cli/report.h"
#include "cli/settings_file.h"
#include "report/text.h"

#define WIDE 100 /* columns from which there is room for latencies */

struct statuses {
    struct swg_status *at;
    size_t count;
};

/* A circuit that was evicted since it was found is no longer one. */
static int read_statuses(const struct swgi_circuits *circuits, struct statuses *out) {
    *out = (struct statuses){ .at = calloc(circuits->count + 1, sizeof(out->at[0])) };
    if (!out->at) {
        swgi_say("out of memory");
        return EX_OSERR;
    }
    for (size_t i = 0; i < circuits->count; i++) {
        struct swg_status status = SWG_STATUS_INIT;

        if (swg_circuit_status(circuits->at[i], &status) == 0)
            out->at[out->count++] = status;
    }
    return 0;
}

static int worst_first(const void *a, const void *b) {
    const struct swg_status *left = a, *right = b;
    int ranks = swgi_state_rank(left) - swgi_state_rank(right);

    return ranks ? ranks : strcmp(left->name, right->name);
}

/* What there is no room for, or nothing to say of, is no column. */
struct shown {
    bool permits, latencies;
    struct swgi_column columns[9];
    size_t count;
};

static void show_words(struct shown *shown, const char *heading) {
    shown->columns[shown->count++] = (struct swgi_column){ .heading = heading };
}

static void show_number(struct shown *shown, bool is_shown, const char *heading, unsigned rank) {
    if (is_shown)
        shown->columns[shown->count++] =
            (struct swgi_column){ .heading = heading, .to_right = true, .rank = rank };
}

static void choose_columns(struct shown *shown, const struct statuses *statuses, int width) {
    *shown = (struct shown){ .latencies = width >= WIDE };
    for (size_t i = 0; i < statuses->count; i++)
        shown->permits |= statuses->at[i].has_bulkhead != 0;
    show_words(shown, "CIRCUIT");
    show_words(shown, "STATE");
    show_number(shown, true, "FAILING", 1);
    show_number(shown, true, "CALLS", 4);
    show_number(shown, true, "REJECTED", 3);
    show_number(shown, shown->permits, "IN USE", 2);
    show_number(shown, shown->latencies, "P50", 6);
    show_number(shown, shown->latencies, "P99", 5);
    show_words(shown, "NEXT");
}

/* "18/20", and "20/20 +4" where four wait. */
static void add_permits(struct swgi_table *table, const struct swg_status *status) {
    bool full = status->permits_limit && status->permits_held >= status->permits_limit;
    char text[SWGI_TEXT_MAX] = "-";
    int length = 0;

    if (status->has_bulkhead)
        length = snprintf(text, sizeof(text), "%u", status->permits_held);
    if (status->has_bulkhead && status->permits_limit)
        length +=
            snprintf(text + length, sizeof(text) - (size_t)length, "/%u", status->permits_limit);
    if (status->queue_length)
        snprintf(text + length, sizeof(text) - (size_t)length, " +%u", status->queue_length);
    swgi_table_add(table, full ? SWGI_WARN : SWGI_PLAIN, text);
}

static void add_latencies(struct swgi_table *table, const struct swg_status *status) {
    bool known = status->has_latency && status->latency.count > 0;
    char text[SWGI_TEXT_MAX];

    swgi_table_add(table, SWGI_PLAIN, known ? swgi_latency_text(status->latency.p50, text) : "-");
    swgi_table_add(table, SWGI_PLAIN, known ? swgi_latency_text(status->latency.p99, text) : "-");
}

static void add_row(struct swgi_table *table, const struct swgi_screen *screen,
                    const struct shown *shown, const struct swg_status *status, swg_ns now) {
    char text[SWGI_CLEAN_MAX];
    uint64_t rejected = swgi_rejected(status);

    swgi_table_add(table, SWGI_PLAIN,
                   swgi_clean_text(status->name, screen->utf8, text, sizeof(text)));
    swgi_table_add(table, swgi_state_tone(status), swgi_state_word(status));
    swgi_table_add(table, status->failure_rate > 0 ? SWGI_WARN : SWGI_PLAIN,
                   swgi_share_text(status->failure_rate, text));
    swgi_table_add(table, SWGI_PLAIN, swgi_short_count_text(status->calls, text));
    swgi_table_add(table, rejected ? SWGI_WARN : SWGI_PLAIN, swgi_short_count_text(rejected, text));
    if (shown->permits)
        add_permits(table, status);
    if (shown->latencies)
        add_latencies(table, status);
    swgi_table_add(table, SWGI_PLAIN, swgi_next_text(status, now, text, sizeof(text)));
}

static void print_sum(const struct swgi_screen *screen, const struct statuses *statuses) {
    static const char *const names[] = { "tripped", "probing", "in another mode", "closed" };
    size_t sums[4] = { 0 };
    char text[256];
    int used;

    for (size_t i = 0; i < statuses->count; i++)
        sums[swgi_state_rank(&statuses->at[i])]++;
    used = snprintf(text, sizeof(text), "%zu circuit%s:", statuses->count,
                    statuses->count == 1 ? "" : "s");
    for (size_t i = 0, kinds = 0; i < 4; i++)
        if (sums[i] != 0)
            used += snprintf(text + used, sizeof(text) - (size_t)used, "%s %zu %s",
                             kinds++ > 0 ? "," : "", sums[i], names[i]);
    fputc('\n', screen->out);
    swgi_screen_wrap(screen, SWGI_PLAIN, 0, 2, text);
}

static void print_table(const struct swgi_options *options, struct statuses *statuses, swg_ns now) {
    struct swgi_table table;
    struct shown shown;

    if (statuses->count == 0) {
        swgi_tell(options, "the panel has no circuits yet");
        return;
    }
    qsort(statuses->at, statuses->count, sizeof(statuses->at[0]), worst_first);
    choose_columns(&shown, statuses, options->screen.width);
    swgi_table_init(&table, shown.columns, shown.count);
    for (size_t i = 0; i < statuses->count; i++)
        add_row(&table, &options->screen, &shown, &statuses->at[i], now);
    swgi_table_print(&table, &options->screen, !options->quiet);
    swgi_table_deinit(&table);
    if (!options->quiet)
        print_sum(&options->screen, statuses);
}

static void print_names(const struct swgi_options *options, const struct statuses *statuses) {
    char clean[SWGI_CLEAN_MAX];

    for (size_t i = 0; i < statuses->count; i++)
        puts(swgi_clean_text(statuses->at[i].name, options->screen.utf8, clean, sizeof(clean)));
}

static void write_circuit(struct swgi_writer *to, const struct swgi_options *options,
                          const struct swg_status *status, swg_ns now) {
    swgi_put_object(to, NULL);
    swgi_put_status(to, status, now);
    swgi_put_entry(to, swgi_entry_of(options->file, status->name));
    swgi_put_object_end(to);
}

static void print_json(const struct swgi_options *options, const struct statuses *statuses,
                       swg_ns now) {
    struct swgi_writer writer = swgi_writer_ascii(false);

    swgi_put_object(&writer, NULL);
    swgi_put_text(&writer, "panel", options->panel);
    swgi_put_array(&writer, "circuits");
    for (size_t i = 0; i < statuses->count; i++)
        write_circuit(&writer, options, &statuses->at[i], now);
    swgi_put_array_end(&writer);
    swgi_put_object_end(&writer);
    swgi_writer_print(&writer, stdout);
}

static void print_details(const struct swgi_options *options, struct swg_panel *panel,
                          const struct statuses *statuses, swg_ns now) {
    for (size_t i = 0; i < statuses->count; i++) {
        if (i > 0)
            fputc('\n', stdout);
        swgi_report_status(&options->screen, &statuses->at[i], now);
        swgi_report_entry(&options->screen, swgi_entry_of(options->file, statuses->at[i].name),
                          panel);
    }
}

static void print_panel_json(const struct swg_panel_info *status) {
    struct swgi_writer writer = swgi_writer_ascii(false);

    swgi_put_object(&writer, NULL);
    swgi_put_panel(&writer, status);
    swgi_put_object_end(&writer);
    swgi_writer_print(&writer, stdout);
}

static int show_panel(const struct swgi_options *options, struct swg_panel *panel) {
    struct swg_panel_info status = SWG_PANEL_INFO_INIT;
    int rc = swg_panel_status(panel, &status);

    if (rc < 0) {
        swgi_say("the panel cannot be read: %s", swg_strerror(rc));
        return swgi_fault_status(rc);
    }
    if (options->json)
        print_panel_json(&status);
    else
        swgi_report_panel(&options->screen, &status);
    return 0;
}

static int show_circuits(const struct swgi_options *options, struct swg_panel *panel) {
    struct swgi_circuits circuits;
    struct statuses statuses;
    bool by_name = options->arguments_count > 0;
    swg_ns now = swg_panel_now(panel);
    int status = swgi_circuits_select(panel, options->file, options->arguments,
                                      options->arguments_count, false, &circuits);

    if (status)
        return status;
    status = read_statuses(&circuits, &statuses);
    if (status == 0 && options->json)
        print_json(options, &statuses, now);
    else if (status == 0 && options->names_only)
        print_names(options, &statuses);
    else if (status == 0 && by_name && !circuits.by_pattern)
        print_details(options, panel, &statuses, now);
    else if (status == 0)
        print_table(options, &statuses, now);
    free(statuses.at);
    swgi_circuits_deinit(&circuits);
    return status;
}

int swgi_status_run(const struct swgi_options *options) {
    __attribute__((cleanup(swgi_panel_release))) struct swg_panel *panel = NULL;
    int status = swgi_panel_attach(options, SWG_PANEL_INSPECT, &panel);

    if (status)
        return status;
    return options->panel_info ? show_panel(options, panel) : show_circuits(options, panel);
}

static void tell_tripped(const struct swgi_options *options, const struct swg_status *status,
                         swg_ns now) {
    struct swgi_writer writer = swgi_writer_ascii(false);
    char next[80];

    if (options->json) {
        write_circuit(&writer, options, status, now);
        swgi_writer_print(&writer, stdout);
        return;
    }
    if (options->verbose)
        printf("%s %s %s\n", options->arguments[0], swgi_state_word(status),
               swgi_next_text(status, now, next, sizeof(next)));
}

int swgi_is_tripped_run(const struct swgi_options *options) {
    __attribute__((cleanup(swgi_panel_release))) struct swg_panel *panel = NULL;
    struct swg_status status = SWG_STATUS_INIT;
    struct swgi_circuits circuits;
    int exit_status = swgi_panel_attach(options, SWG_PANEL_INSPECT, &panel);

    if (exit_status == 0 && swgi_is_glob(options->arguments[0])) {
        swgi_say("is-tripped takes one name, not a glob");
        return EX_USAGE;
    }
    if (exit_status == 0)
        exit_status =
            swgi_circuits_select(panel, options->file, options->arguments, 1, false, &circuits);
    if (exit_status)
        return exit_status;
    exit_status = swg_circuit_status(circuits.at[0], &status) == 0 ? !swgi_is_tripped(&status)
                                                                   : EX_UNAVAILABLE;
    if (exit_status != EX_UNAVAILABLE)
        tell_tripped(options, &status, swg_panel_now(panel));
    swgi_circuits_deinit(&circuits);
    return exit_status;
}
