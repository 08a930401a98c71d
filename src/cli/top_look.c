/* Reading is all that watching needs: one who may only read the panel may watch. Only an act takes part in it, as briefly as it can. */
#include "cli/top_look.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>

#include "cli/act.h"
#include "cli/commands.h"
#include "cli/message.h"
#include "cli/panel.h"
#include "cli/report.h"
#include "cli/settings_file.h"
#include "cli/top_layout.h"
#include "report/describe.h"
#include "report/json.h"
#include "report/text.h"

/* Which file stands under the name now. */
static bool identify(const struct swgi_watch *watch, struct stat *out) {
    char path[SWGI_PANEL_PATH_MAX + sizeof(SWGI_PANEL_SUFFIX)];

    snprintf(path, sizeof(path), "%s" SWGI_PANEL_SUFFIX, watch->options->panel);
    return lstat(path, out) == 0;
}

/* A number of a file may come again with another file, so a panel is told by when it was made, too. */
static void remember(struct swgi_watch *watch) {
    struct swg_panel_info info = SWG_PANEL_INFO_INIT;
    struct stat status;

    if (identify(watch, &status)) {
        watch->device = status.st_dev;
        watch->inode = status.st_ino;
    }
    if (swg_panel_status(watch->panel, &info) < 0)
        return;
    watch->was_replaced |= watch->made != 0 && watch->made != info.created_wall_ms;
    watch->made = info.created_wall_ms;
}

int swgi_watch_open(struct swgi_watch *watch, const struct swgi_options *options) {
    int status;

    *watch = (struct swgi_watch){ .options = options };
    status = swgi_panel_attach(options, SWG_PANEL_INSPECT, &watch->panel);
    if (status == 0)
        remember(watch);
    return status;
}

void swgi_watch_close(struct swgi_watch *watch) {
    watch->panel = swg_panel_unref(watch->panel);
}

static bool lost(struct swgi_watch *watch, int rc, const struct swg_error *error) {
    watch->panel = swg_panel_unref(watch->panel);
    snprintf(watch->fault, sizeof(watch->fault), "%s",
             rc == -ENOENT ? "the panel is gone; waiting for it" : swgi_fault_text(rc, error));
    return false;
}

/* Attaches again to a panel that came back. */
static bool reopen(struct swgi_watch *watch) {
    struct swg_panel_options wanted = SWG_PANEL_OPTIONS_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    int rc;

    wanted.path = watch->options->panel;
    wanted.access = SWG_PANEL_INSPECT;
    rc = swg_panel_open(&watch->panel, &wanted, &error);
    if (rc < 0)
        return lost(watch, rc, &error);
    remember(watch);
    return true;
}

/* Another file under the name is another panel, and is opened as one. */
static bool refresh(struct swgi_watch *watch) {
    struct swg_error none = SWG_ERROR_INIT;
    struct stat status;
    int rc;

    if (!watch->panel)
        return reopen(watch);
    if (identify(watch, &status) &&
        (status.st_ino != watch->inode || status.st_dev != watch->device)) {
        watch->panel = swg_panel_unref(watch->panel);
        return reopen(watch);
    }
    rc = swg_panel_poll(watch->panel);
    if (rc < 0)
        return lost(watch, rc, &none);
    remember(watch);
    return true;
}

static size_t read_all(struct swg_panel *panel, struct swg_status **out) {
    struct swg_circuit *circuit;
    size_t count = 0, room = 0;

    *out = NULL;
    for (uint32_t cursor = 0; swg_panel_next_circuit(panel, &cursor, &circuit) == 0;) {
        struct swg_status status = SWG_STATUS_INIT;

        if (swg_circuit_status(circuit, &status) != 0 || swgi_is_idle_beyond(&status))
            continue;
        if (count == room) {
            struct swg_status *more;

            room = room ? 2 * room : 64;
            more = reallocarray(*out, room, sizeof(status));
            if (!more)
                break;
            *out = more;
        }
        (*out)[count++] = status;
    }
    return count;
}

bool swgi_watch_look(struct swgi_watch *watch, struct swgi_top_rows *rows) {
    struct swg_status *statuses;
    size_t count;
    int rc;

    if (!refresh(watch))
        return false;
    count = read_all(watch->panel, &statuses);
    rc = swgi_top_take(rows, statuses, count, swg_panel_now(watch->panel));
    free(statuses);
    snprintf(watch->fault, sizeof(watch->fault), "%s", rc < 0 ? swg_strerror(rc) : "");
    return rc == 0;
}

bool swgi_watch_circuit(const struct swgi_watch *watch, const char *name, struct swg_why *out) {
    struct swg_circuit *circuit;

    *out = (struct swg_why)SWG_WHY_INIT;
    return watch->panel && swg_circuit_find(watch->panel, name, &circuit) == 0 &&
           swg_circuit_why(circuit, out) == 0;
}

char *swgi_watch_why(struct swgi_watch *watch, const struct swgi_screen *screen, const char *name) {
    struct swgi_screen into = *screen;
    struct swg_why why;
    char *text = NULL;
    size_t size;

    if (!swgi_watch_circuit(watch, name, &why)) {
        if (watch->panel)
            snprintf(watch->fault, sizeof(watch->fault), "%s: there is no such circuit any more",
                     name);
        return NULL;
    }
    into.out = open_memstream(&text, &size);
    if (!into.out)
        return NULL;
    swgi_report_why(&into, &why, swgi_entry_of(watch->options->file, name), watch->panel,
                    swg_panel_now(watch->panel));
    fclose(into.out);
    return text;
}

static void tell_dry_run(const struct swgi_ask *ask, const struct swg_status *before, char *out,
                         size_t out_size) {
    snprintf(out, out_size, "%s: would %s (now %s)", ask->circuit, ask->act,
             swgi_state_word(before));
}

static void tell_act(struct swg_circuit *circuit, struct swg_panel *panel,
                     const struct swg_status *before, char *out, size_t out_size) {
    struct swg_status after = SWG_STATUS_INIT;
    char next[80];

    if (swg_circuit_status(circuit, &after) < 0)
        return;
    swgi_next_text(&after, swg_panel_now(panel), next, sizeof(next));
    snprintf(out, out_size, "%s: %s (was %s)%s%s", after.name, swgi_state_word(&after),
             swgi_state_word(before), next[0] ? ", " : "", next);
}

int swgi_watch_act(const struct swgi_watch *watch, const struct swgi_ask *ask, bool force,
                   char *out, size_t out_size) {
    struct swg_panel_options wanted = SWG_PANEL_OPTIONS_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_status before = SWG_STATUS_INIT;
    struct swg_act act = SWG_ACT_INIT;
    struct swg_circuit *circuit;
    struct swg_panel *panel = NULL;
    bool is_dry = watch->options->dry_run;
    char login[256];
    int rc;

    act.user = swgi_login_name(login, sizeof(login));
    act.source = watch->options->source;
    act.reason = ask->reason;
    act.for_ns = ask->for_ns;
    act.force = force;
    wanted.path = watch->options->panel;
    wanted.access = is_dry ? SWG_PANEL_INSPECT : SWG_PANEL_ATTACH;
    rc = swg_panel_open(&panel, &wanted, &error);
    if (rc == 0)
        rc = swg_circuit_find(panel, ask->circuit, &circuit);
    if (rc == 0)
        rc = swg_circuit_status(circuit, &before);
    if (rc == 0 && !is_dry)
        rc = swgi_act_perform(ask->act, circuit, &act, &error);
    if (rc == 0 && is_dry)
        tell_dry_run(ask, &before, out, out_size);
    else if (rc == 0)
        tell_act(circuit, panel, &before, out, out_size);
    else
        snprintf(out, out_size, "%s: not done: %s", ask->circuit, swgi_fault_text(rc, &error));
    swg_panel_unref(panel);
    return rc;
}

static void print_table(const struct swgi_options *options, const struct swgi_top_rows *rows,
                        const struct swgi_top_row **shown) {
    struct swgi_top_look look = { .screen = &options->screen, .now = rows->now };
    struct swgi_column columns[SWGI_TOP_COLUMNS];
    struct swgi_top_layout layout;
    struct swgi_table table;
    size_t count = swgi_top_arrange(rows, "", SWGI_SORT_WORST, shown);

    swgi_top_layout(options->screen.width, rows->has_permits, 0, &layout);
    for (unsigned i = 0; i < layout.count; i++)
        columns[i] = (struct swgi_column){
            .heading = swgi_top_heading(layout.column[i], SWGI_TREND_CALLS),
            .to_right = swgi_top_to_right(layout.column[i]),
        };
    swgi_table_init(&table, columns, layout.count);
    for (size_t i = 0; i < count; i++) {
        for (unsigned j = 0; j < layout.count; j++) {
            char text[SWGI_TOP_CELL_MAX];
            enum swgi_tone tone =
                swgi_top_cell(&look, shown[i], layout.column[j],
                              layout.column[j] == SWGI_TOP_NAME ? 127 : layout.width[j], text);

            swgi_table_add(&table, tone, text);
        }
    }
    swgi_table_print(&table, &options->screen, !options->quiet);
    swgi_table_deinit(&table);
}

static void print_json(const struct swgi_options *options, const struct swgi_top_rows *rows) {
    struct swgi_writer writer = swgi_writer_ascii(false);

    swgi_put_object(&writer, NULL);
    swgi_put_text(&writer, "panel", options->panel);
    swgi_put_array(&writer, "circuits");
    for (size_t i = 0; i < rows->count; i++) {
        const struct swg_status *status = &rows->at[i]->status;

        swgi_put_object(&writer, NULL);
        swgi_put_status(&writer, status, rows->now);
        swgi_put_entry(&writer, swgi_entry_of(options->file, status->name));
        swgi_put_real(&writer, "calls_per_s", rows->at[i]->calls_per_s);
        swgi_put_real(&writer, "rejected_per_s", rows->at[i]->rejected_per_s);
        swgi_put_object_end(&writer);
    }
    swgi_put_array_end(&writer);
    swgi_put_object_end(&writer);
    swgi_writer_print(&writer, stdout);
}

static int print_rows(const struct swgi_options *options, const struct swgi_top_rows *rows) {
    const struct swgi_top_row **shown = calloc(rows->count + 1, sizeof(struct swgi_top_row *));

    if (!shown) {
        swgi_say("out of memory");
        return EX_OSERR;
    }
    if (options->json)
        print_json(options, rows);
    else if (rows->count == 0)
        swgi_tell(options, "the panel has no circuits yet");
    else
        print_table(options, rows, shown);
    free(shown);
    return 0;
}

static void pause_for(swg_ns pause) {
    struct timespec left = { .tv_sec = pause / 1000000000, .tv_nsec = pause % 1000000000 };

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

int swgi_top_print(const struct swgi_options *options) {
    struct swgi_top_rows rows = { 0 };
    struct swgi_watch watch;
    int status = swgi_watch_open(&watch, options);
    bool seen;

    if (status)
        return status;
    seen = swgi_watch_look(&watch, &rows);
    if (seen) {
        pause_for(options->interval_ns);
        seen = swgi_watch_look(&watch, &rows);
    }
    if (seen)
        status = print_rows(options, &rows);
    else
        swgi_say("panel %s: %s", options->panel, watch.fault);
    swgi_top_rows_deinit(&rows);
    swgi_watch_close(&watch);
    return seen ? status : EX_UNAVAILABLE;
}
