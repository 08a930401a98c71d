/* `events`: what the panel's rings still know, and what they learn while we watch. */
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/commands.h"
#include "report/json.h"
#include "cli/message.h"
#include "cli/panel.h"
#include "cli/report.h"
#include "cli/settings_file.h"
#include "report/text.h"

/* How often a follower looks: soon enough for a person, and nothing for the machine. */
#define LOOK_EVERY_MS 200

struct batch {
    struct swg_event *at;
    size_t count, room;
};

static void add(struct batch *batch, const struct swg_event *event) {
    if (batch->count == batch->room) {
        batch->room = batch->room ? 2 * batch->room : 256;
        batch->at = reallocarray(batch->at, batch->room, sizeof(batch->at[0]));
    }
    if (!batch->at) {
        swgi_say("out of memory");
        exit(EX_OSERR);
    }
    batch->at[batch->count++] = *event;
}

static bool is_wanted(const struct swgi_options *options, const struct swg_event *event) {
    for (size_t i = 0; i < options->arguments_count; i++)
        if (fnmatch(options->arguments[i], event->circuit, 0) == 0 ||
            swgi_is_alias_of(options->file, options->arguments[i], event->circuit))
            return true;
    return options->arguments_count == 0;
}

/* One cursor reads both rings in turn, so order in time is ours to make. */
static int by_time(const void *a, const void *b) {
    const struct swg_event *left = a, *right = b;

    if (left->at != right->at)
        return left->at < right->at ? -1 : 1;
    return left->id < right->id ? -1 : left->id > right->id;
}

static int read_new(const struct swgi_options *options, struct swg_panel *panel, uint64_t *cursor,
                    struct batch *out) {
    struct swg_event event = SWG_EVENT_INIT;
    int rc;

    out->count = 0;
    while ((rc = swg_panel_next_event(panel, cursor, &event)) != 0) {
        if (rc == -EOVERFLOW)
            swgi_say("some events were overwritten before they could be read");
        else if (rc < 0)
            return rc;
        else if (is_wanted(options, &event))
            add(out, &event);
        event = (struct swg_event)SWG_EVENT_INIT;
    }
    if (out->count > 0)
        qsort(out->at, out->count, sizeof(out->at[0]), by_time);
    return 0;
}

/* An event is a line, for grep; on a terminal it is broken where the words are. */
static void print_text(const struct swgi_screen *on, const struct swg_event *event) {
    struct swgi_screen wide = *on, *screen = &wide;
    char name[SWGI_CLEAN_MAX], wall[SWGI_TEXT_MAX], line[SWGI_CLEAN_MAX + 4];
    int column = 0;

    wide.width = on->is_terminal ? on->width : INT_MAX;
    swgi_screen_put(screen, SWGI_FAINT, 0, swgi_wall_text(event->wall_ms, wall));
    column += (int)strlen(wall) + 2;
    snprintf(line, sizeof(line), "%s",
             swgi_clean_text(event->circuit, screen->utf8, name, sizeof(name)));
    fputs("  ", screen->out);
    swgi_screen_put(screen, SWGI_STRONG, 0, line);
    fputs("  ", screen->out);
    column += swgi_screen_columns(screen, line) + 2;
    swgi_report_event_text(screen, event, column, (int)strlen(wall) + 4);
}

static void print_json(const struct swg_event *event, swg_ns now) {
    struct swgi_writer writer = swgi_writer_ascii(true);

    swgi_put_object(&writer, NULL);
    swgi_put_event(&writer, event, now);
    swgi_put_object_end(&writer);
    swgi_writer_print(&writer, stdout);
}

static void print_batch(const struct swgi_options *options, const struct batch *batch, size_t from,
                        swg_ns now) {
    for (size_t i = from; i < batch->count; i++) {
        if (options->json)
            print_json(&batch->at[i], now);
        else
            print_text(&options->screen, &batch->at[i]);
    }
    fflush(stdout);
}

/* The reader left, or the disk is full: there is nobody to follow for. A reader that left without a word more is seen by poll. */
static bool can_print(void) {
    struct pollfd out = { .fd = STDOUT_FILENO, .events = 0 };

    return !ferror(stdout) &&
           (poll(&out, 1, LOOK_EVERY_MS) <= 0 || !(out.revents & (POLLERR | POLLHUP | POLLNVAL)));
}

static int follow(const struct swgi_options *options, struct swg_panel *panel, uint64_t *cursor,
                  struct batch *batch) {
    int rc = 0;

    while (rc >= 0 && can_print()) {
        rc = swg_panel_poll(panel);
        if (rc >= 0)
            rc = read_new(options, panel, cursor, batch);
        if (rc >= 0)
            print_batch(options, batch, 0, swg_panel_now(panel));
    }
    return rc;
}

int swgi_events_run(const struct swgi_options *options) {
    __attribute__((cleanup(swgi_panel_release))) struct swg_panel *panel = NULL;
    struct batch batch = { 0 };
    uint64_t cursor = 0;
    int status = swgi_panel_attach(options, SWG_PANEL_INSPECT, &panel), rc;

    if (status)
        return status;
    rc = read_new(options, panel, &cursor, &batch);
    if (rc == 0) {
        size_t wanted = options->lines >= 0 ? (size_t)options->lines : batch.count;

        print_batch(options, &batch, batch.count > wanted ? batch.count - wanted : 0,
                    swg_panel_now(panel));
        rc = options->follow ? follow(options, panel, &cursor, &batch) : 0;
    }
    if (rc < 0)
        swgi_say("the panel cannot be read: %s", swg_strerror(rc));
    free(batch.at);
    return rc < 0 ? swgi_fault_status(rc) : 0;
}
