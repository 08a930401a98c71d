/* `why`: everything that bears on the question, on one page. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/commands.h"
#include "report/json.h"
#include "cli/message.h"
#include "cli/panel.h"
#include "cli/report.h"
#include "cli/settings_file.h"
#include "config/tell.h"
#include "report/text.h"

#define SETTING_MAX 256

/* Calls visit with every setting that has a value. */
static void each_setting(const struct swg_circuit *circuit,
                         void (*visit)(void *arg, const char *key, const char *value), void *arg) {
    const char *key;

    for (uint32_t cursor = 0; swg_config_next_key(&cursor, &key, NULL, NULL) == 0;) {
        char value[SETTING_MAX];

        if (swg_circuit_setting(circuit, key, value, sizeof(value)) == 0)
            visit(arg, key, value);
    }
}

/* Where the file has a value from: "line 9", "preset read"; "" where it says nothing, or another value than the circuit has. */
static const char *origin_of(const struct swgi_file *file, const struct swgi_file_circuit *entry,
                             const char *key, const char *value, char out[SWGI_FROM_MAX]) {
    struct swgi_telling telling;
    struct swgi_told told;

    out[0] = '\0';
    if (!entry || swgi_telling_begin(&telling, file, entry) != 0)
        return out;
    while (swgi_telling_next(&telling, &told)) {
        if (strcmp(told.name, key) == 0 && strcmp(told.value, value) == 0)
            return strcpy(out, told.from);
    }
    return out;
}

#define ORIGIN_COLUMN 48

struct settings {
    const struct swgi_screen *screen;
    const struct swgi_file *file;
    const struct swgi_file_circuit *entry;
    struct swgi_writer *to;
};

static void print_setting(void *arg, const char *key, const char *value) {
    const struct settings *settings = arg;
    const struct swgi_screen *screen = settings->screen;
    char clean[SWGI_CLEAN_MAX], from[SWGI_FROM_MAX], line[SWGI_CLEAN_MAX + 128];

    snprintf(line, sizeof(line), "  %s=%s", key,
             swgi_clean_text(value, screen->utf8, clean, sizeof(clean)));
    origin_of(settings->file, settings->entry, key, value, from);
    if (from[0]) {
        swgi_screen_put(screen, SWGI_PLAIN, ORIGIN_COLUMN, line);
        swgi_screen_printf(screen, SWGI_FAINT, "  %s", from);
    } else {
        fputs(line, screen->out);
    }
    fputc('\n', screen->out);
}

static void write_setting(void *arg, const char *key, const char *value) {
    const struct settings *settings = arg;

    swgi_put_text(settings->to, key, value);
}

static void write_origin(void *arg, const char *key, const char *value) {
    const struct settings *settings = arg;
    char from[SWGI_FROM_MAX];

    if (origin_of(settings->file, settings->entry, key, value, from)[0])
        swgi_put_text(settings->to, key, from);
}

static void print_text(const struct swgi_options *options, struct swg_panel *panel,
                       const struct swg_circuit *circuit, const struct swg_why *why, swg_ns now) {
    struct settings settings = { .screen = &options->screen,
                                 .file = options->file,
                                 .entry = swgi_entry_of(options->file, why->status.name) };

    swgi_report_why(&options->screen, why, settings.entry, panel, now);
    if (!options->verbose)
        return;
    swgi_report_heading(&options->screen, "Settings");
    each_setting(circuit, print_setting, &settings);
}

static void print_json(const struct swgi_options *options, const struct swg_circuit *circuit,
                       const struct swg_why *why, swg_ns now, bool compact) {
    struct swgi_writer writer = swgi_writer_ascii(compact);
    struct settings settings = { .file = options->file,
                                 .entry = swgi_entry_of(options->file, why->status.name),
                                 .to = &writer };

    swgi_put_object(&writer, NULL);
    swgi_put_why(&writer, why, now);
    swgi_put_entry(&writer, settings.entry);
    swgi_put_object(&writer, "settings");
    each_setting(circuit, write_setting, &settings);
    swgi_put_object_end(&writer);
    swgi_put_object(&writer, "settings_from");
    each_setting(circuit, write_origin, &settings);
    swgi_put_object_end(&writer);
    swgi_put_object_end(&writer);
    swgi_writer_print(&writer, stdout);
}

static int show(const struct swgi_options *options, struct swg_panel *panel,
                const struct swg_circuit *circuit, bool is_one_of_many) {
    swg_ns now = swg_panel_now(panel);
    struct swg_why why = SWG_WHY_INIT;
    int rc = swg_circuit_why(circuit, &why);

    if (rc < 0) {
        swgi_say("%s: %s", swg_circuit_name(circuit), swg_strerror(rc));
        return swgi_fault_status(rc);
    }
    if (options->json)
        print_json(options, circuit, &why, now, is_one_of_many);
    else
        print_text(options, panel, circuit, &why, now);
    return 0;
}

int swgi_why_run(const struct swgi_options *options) {
    __attribute__((cleanup(swgi_panel_release))) struct swg_panel *panel = NULL;
    struct swgi_circuits circuits;
    int status = swgi_panel_attach(options, SWG_PANEL_INSPECT, &panel);

    if (status == 0)
        status = swgi_circuits_select(panel, options->file, options->arguments,
                                      options->arguments_count, false, &circuits);
    if (status)
        return status;
    for (size_t i = 0; i < circuits.count; i++) {
        int shown = show(options, panel, circuits.at[i], circuits.count > 1);

        status = status ? status : shown;
        if (!options->json && i + 1 < circuits.count)
            fputc('\n', stdout);
    }
    swgi_circuits_deinit(&circuits);
    return status;
}
