/* `audit`: what the agent has written down. Read from its database, page by page, newest first; shown oldest first. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "agent/storage.h"
#include "agent/storage_time.h"
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/message.h"
#include "cli/settings_file.h"
#include "config/file.h"
#include "report/json.h"
#include "report/text.h"

#define USUAL_ROWS    100
#define PAGE_ROWS     1000
#define NEW_ROWS      20 /* of a follower's look: more are fetched where there are more */
#define LOOK_EVERY_MS 200
#define NAME_COLUMNS  24

struct row {
    int64_t id, wall_ms;
    char *circuit, *action, *reason, *evidence, *user, *source;
};

struct rows {
    struct row *at;
    size_t count, room, most;
    int64_t after_id, last_id; /* nothing up to the one; where the page ended */
    size_t seen;               /* in this page */
    bool is_complete;
    const struct swgi_options *options;
};

/* ---- what is asked for */

static bool is_wanted(const struct swgi_options *options, const char *circuit) {
    for (size_t i = 0; i < options->arguments_count; i++)
        if (swgi_file_glob(options->arguments[i], circuit) ||
            swgi_is_alias_of(options->file, options->arguments[i], circuit))
            return true;
    return options->arguments_count == 0;
}

static int read_since(const char *text, int64_t *since_ms) {
    *since_ms = 0;
    if (!text || swgi_since_parse(text, swgi_clock_wall_ms(), since_ms) == 0)
        return 0;
    swgi_say("--since '%s': " SWGI_SINCE_FORMS, text);
    return EX_USAGE;
}

static int read_action(const char *text, const char **action) {
    char words[SWGI_ACTION_WORDS_MAX];
    enum swgi_audit_action found = text ? swgi_action_parse(text) : SWGI_ACTIONS;

    *action = NULL;
    if (text && found == SWGI_ACTIONS) {
        swgi_say("--action '%s': it is one of %s", text, swgi_action_words(words));
        return EX_USAGE;
    }
    if (text)
        *action = swgi_action_name(found);
    return 0;
}

static int find_database(const struct swgi_options *options, char *out, size_t out_size) {
    struct swg_error error = SWG_ERROR_INIT;
    const char *named = options->database ? options->database : getenv("SWITCHGEAR_DATABASE");
    int rc;

    if (named && named[0]) {
        snprintf(out, out_size, "%s", named);
        return 0;
    }
    if (options->file && strcmp(options->file->agent.database, "off") == 0) {
        swgi_say("the configuration says agent.database: off, so there is no audit");
        return EX_UNAVAILABLE;
    }
    rc = swgi_storage_path(options->file, out, out_size, &error);
    if (rc < 0)
        swgi_say("%s", error.text);
    return rc < 0 ? swgi_fault_status(rc) : 0;
}

/* ---- rows */

static char *copy(const char *text) {
    char *own = strdup(text);

    if (!own) {
        swgi_say("out of memory");
        exit(EX_OSERR);
    }
    return own;
}

static struct row *next_row(struct rows *rows) {
    if (rows->count == rows->room) {
        rows->room = rows->room ? 2 * rows->room : 128;
        rows->at = reallocarray(rows->at, rows->room, sizeof(rows->at[0]));
    }
    if (!rows->at) {
        swgi_say("out of memory");
        exit(EX_OSERR);
    }
    return &rows->at[rows->count++];
}

static void take(void *arg, const struct swgi_audit_row *row) {
    struct rows *rows = arg;

    rows->seen++;
    rows->last_id = row->id;
    if (row->id <= rows->after_id || rows->count == rows->most)
        rows->is_complete = true;
    if (rows->is_complete || !is_wanted(rows->options, row->circuit))
        return;
    *next_row(rows) = (struct row){ .id = row->id,
                                    .wall_ms = row->wall_ms,
                                    .circuit = copy(row->circuit),
                                    .action = copy(row->action),
                                    .reason = copy(row->reason),
                                    .evidence = copy(row->evidence),
                                    .user = copy(row->user),
                                    .source = copy(row->source) };
}

static void clear(struct rows *rows) {
    for (size_t i = 0; i < rows->count; i++) {
        struct row *row = &rows->at[i];

        free(row->circuit), free(row->action), free(row->reason);
        free(row->evidence), free(row->user), free(row->source);
    }
    rows->count = 0;
}

/* One circuit is the database's to find; of several, and of an alias, each row is looked at. */
static int read_rows(const char *database, struct swgi_audit_query query, struct rows *rows,
                     struct swg_error *error) {
    const struct swgi_options *options = rows->options;
    int rc;

    if (options->arguments_count == 1 && !swgi_alias_target(options->file, options->arguments[0]))
        query.circuit = options->arguments[0];
    if ((query.circuit || options->arguments_count == 0) && rows->most < query.limit)
        query.limit = (uint32_t)rows->most;
    rows->is_complete = rows->most == 0;
    rows->last_id = 0;
    do {
        rows->seen = 0;
        rc = rows->is_complete ? 0 : swgi_audit_read(database, &query, take, rows, error);
        query.before_id = rows->last_id;
    } while (rc == 0 && !rows->is_complete && rows->seen == query.limit);
    return rc;
}

/* ---- showing them */

static json_t *evidence_json(const char *text) {
    json_t *object = json_loads(text, 0, NULL);

    return object ? object : json_null();
}

static void print_json(const struct row *row) {
    char text[SWGI_ISO_MAX];
    json_t *object = json_object();

    json_object_set_new(object, "id", json_integer(row->id));
    json_object_set_new(object, "timestamp", json_string(swgi_iso_text(row->wall_ms, text)));
    json_object_set_new(object, "circuit", swgi_json_text(row->circuit));
    json_object_set_new(object, "action", swgi_json_text(row->action));
    json_object_set_new(object, "reason", swgi_json_text(row->reason));
    json_object_set_new(object, "evidence", evidence_json(row->evidence));
    json_object_set_new(object, "user", swgi_json_text(row->user));
    json_object_set_new(object, "source", swgi_json_text(row->source));
    swgi_json_print(stdout, object, true);
}

static enum swgi_tone tone_of(const char *action) {
    static const struct {
        const char *action;
        enum swgi_tone tone;
    } tones[] = { { "TRIP", SWGI_BAD },   { "RESTORE", SWGI_BAD }, { "GAP", SWGI_BAD },
                  { "ALERT", SWGI_WARN }, { "PROBE", SWGI_WARN },  { "RAMP", SWGI_WARN },
                  { "MODE", SWGI_ODD },   { "RESET", SWGI_GOOD },  { "RECOVER", SWGI_GOOD } };

    for (size_t i = 0; i < sizeof(tones) / sizeof(tones[0]); i++)
        if (strcmp(tones[i].action, action) == 0)
            return tones[i].tone;
    return SWGI_PLAIN;
}

/* A database is what somebody left there: any number may stand in it. */
static swg_ns ns_of(double seconds) {
    return seconds > 0 && seconds < 9e9 ? (swg_ns)(seconds * 1e9) : 0;
}

/* What of the evidence the reason does not say: which mode or alert, and until when an act by hand holds. */
static void print_detail(const struct row *row, bool utf8, char *out, size_t size) {
    json_t *evidence = json_loads(row->evidence, 0, NULL), *duration;
    const char *key = strcmp(row->action, "MODE") == 0 ? "to" : "alert", *word;
    char clean[SWGI_CLEAN_MAX] = "", text[SWGI_TEXT_MAX] = "";

    word = json_string_value(json_object_get(evidence, key));
    duration = json_object_get(evidence, "duration_seconds");
    if (word)
        swgi_clean_text(word, utf8, clean, sizeof(clean));
    if (json_is_number(duration) && strcmp(row->source, "rule") != 0)
        swgi_duration_text(ns_of(json_number_value(duration)), text);
    snprintf(out, size, "%s%s%s%s%s", clean, word ? " " : "", text[0] ? "for " : "", text,
             text[0] ? " " : "");
    json_decref(evidence);
}

/* A row is a line, for grep; on a terminal it is broken where the words are. */
static void print_text(const struct swgi_screen *on, const struct row *row, int name_columns) {
    struct swgi_screen wide = *on, *screen = &wide;
    char clean[SWGI_CLEAN_MAX], who[3 * SWGI_CLEAN_MAX], detail[SWGI_CLEAN_MAX + SWGI_TEXT_MAX],
        wall[SWGI_TEXT_MAX];
    int column;

    wide.width = on->is_terminal ? on->width : INT_MAX;
    swgi_screen_put(screen, SWGI_FAINT, 0, swgi_wall_text(row->wall_ms, wall));
    fputs("  ", screen->out);
    swgi_clean_text(row->circuit[0] ? row->circuit : "-", screen->utf8, clean, sizeof(clean));
    column = (int)strlen(wall) + 2;
    swgi_screen_put(screen, SWGI_STRONG, name_columns, clean);
    column += swgi_screen_columns(screen, clean) > name_columns ? swgi_screen_columns(screen, clean)
                                                                : name_columns;
    fputs("  ", screen->out);
    swgi_screen_put(screen, tone_of(row->action), 7,
                    swgi_clean_text(row->action, screen->utf8, clean, sizeof(clean)));
    print_detail(row, screen->utf8, detail, sizeof(detail));
    snprintf(who, sizeof(who), "  %sby %s", detail,
             swgi_clean_text(row->user, screen->utf8, clean, sizeof(clean)));
    if (row->source[0] && strcmp(row->source, "rule") != 0)
        snprintf(who + strlen(who), sizeof(who) - strlen(who), " via %s",
                 swgi_clean_text(row->source, screen->utf8, clean, sizeof(clean)));
    if (row->reason[0])
        snprintf(who + strlen(who), sizeof(who) - strlen(who), ": %s",
                 swgi_clean_text(row->reason, screen->utf8, clean, sizeof(clean)));
    fputs("  ", screen->out);
    swgi_screen_wrap(screen, SWGI_PLAIN, column + 11, (int)strlen(wall) + 4, who + 2);
}

static int name_columns(const struct swgi_screen *screen, const struct rows *rows) {
    char clean[SWGI_CLEAN_MAX];
    int columns = 1;

    for (size_t i = 0; i < rows->count; i++) {
        swgi_clean_text(rows->at[i].circuit, screen->utf8, clean, sizeof(clean));
        if (swgi_screen_columns(screen, clean) > columns)
            columns = swgi_screen_columns(screen, clean);
    }
    return columns < NAME_COLUMNS ? columns : NAME_COLUMNS;
}

static void print_rows(const struct rows *rows) {
    const struct swgi_screen *screen = &rows->options->screen;
    int columns = rows->options->json ? 0 : name_columns(screen, rows);

    for (size_t i = rows->count; i-- > 0;) {
        if (rows->options->json)
            print_json(&rows->at[i]);
        else
            print_text(screen, &rows->at[i], columns);
    }
    fflush(stdout);
}

/* ---- following */

/* The reader left, or the disk is full: there is nobody to follow for. */
static bool can_print(void) {
    struct pollfd out = { .fd = STDOUT_FILENO, .events = 0 };

    return !ferror(stdout) &&
           (poll(&out, 1, LOOK_EVERY_MS) <= 0 || !(out.revents & (POLLERR | POLLHUP | POLLNVAL)));
}

static int64_t newest_id(const char *database) {
    struct swgi_audit_query query = { .limit = 1 };
    struct rows rows = { .options = NULL };

    rows.is_complete = true;
    return swgi_audit_read(database, &query, take, &rows, NULL) == 0 ? rows.last_id : -1;
}

static int look(const char *database, const struct swgi_audit_query *query, struct rows *rows,
                struct swg_error *error) {
    int64_t newest = newest_id(database);
    int rc;

    if (newest < 0 || newest == rows->after_id)
        return 0;
    if (newest < rows->after_id) /* another database took its place, and its numbers begin anew */
        rows->after_id = 0;
    rc = read_rows(database, *query, rows, error);
    if (rc == 0) {
        print_rows(rows);
        rows->after_id = rows->count > 0 && rows->at[0].id > newest ? rows->at[0].id : newest;
    }
    clear(rows);
    return rc;
}

/* A database that is not there, or locked, for a moment is there again in the next. */
static int follow(const char *database, struct swgi_audit_query query, struct rows *rows,
                  struct swg_error *error) {
    int rc = 0;

    rows->most = SIZE_MAX;
    query.limit = NEW_ROWS;
    query.since_ms = 0;
    while ((rc == 0 || rc == -EAGAIN || rc == -ENOENT) && can_print())
        rc = look(database, &query, rows, error);
    return rc == -EAGAIN || rc == -ENOENT ? 0 : rc;
}

static int show(const struct swgi_options *options, const char *database,
                struct swgi_audit_query *query) {
    struct swg_error error = SWG_ERROR_INIT;
    struct rows rows = { .most = options->lines >= 0 ? (size_t)options->lines : USUAL_ROWS,
                         .options = options };
    int64_t newest = options->follow ? newest_id(database) : 0;
    int rc = read_rows(database, *query, &rows, &error);

    if (rc == 0)
        print_rows(&rows);
    if (rc == 0 && rows.count == 0 && rows.most > 0 && !options->follow)
        swgi_say("the audit has no such rows");
    if (rc == 0 && options->follow) {
        rows.after_id = rows.count > 0 && rows.at[0].id > newest ? rows.at[0].id : newest;
        clear(&rows);
        rc = follow(database, *query, &rows, &error);
    }
    if (rc < 0)
        swgi_say("%s", swgi_fault_text(rc, &error));
    clear(&rows);
    free(rows.at);
    return rc < 0 ? swgi_fault_status(rc) : 0;
}

int swgi_audit_run(const struct swgi_options *options) {
    struct swgi_audit_query query = { .limit = PAGE_ROWS };
    char database[SWGI_FILE_TEXT_MAX];
    int status = read_since(options->since, &query.since_ms);

    if (status == 0)
        status = read_action(options->action, &query.action);
    if (status == 0)
        status = find_database(options, database, sizeof(database));
    return status ? status : show(options, database, &query);
}
