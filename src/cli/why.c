/* `why`: everything that bears on the question, on one page. */
#include <stdio.h>
#include <sysexits.h>

#include "cli/commands.h"
#include "report/json.h"
#include "cli/message.h"
#include "cli/panel.h"
#include "cli/report.h"
#include "cli/settings_file.h"
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

static void print_setting(void *arg, const char *key, const char *value) {
    const struct swgi_screen *screen = arg;
    char clean[SWGI_CLEAN_MAX];

    fprintf(screen->out, "  %s=%s\n", key,
            swgi_clean_text(value, screen->utf8, clean, sizeof(clean)));
}

static void put_setting(void *arg, const char *key, const char *value) {
    json_object_set_new(arg, key, swgi_json_text(value));
}

static void print_text(const struct swgi_options *options, struct swg_panel *panel,
                       const struct swg_circuit *circuit, const struct swg_why *why, swg_ns now) {
    struct swgi_screen screen = options->screen;

    swgi_report_why(&screen, why, swgi_entry_of(options->file, why->status.name), panel, now);
    if (!options->verbose)
        return;
    fputc('\n', screen.out);
    swgi_screen_put(&screen, SWGI_STRONG, 0, "Settings");
    fputc('\n', screen.out);
    each_setting(circuit, print_setting, &screen);
}

static void print_json(const struct swgi_options *options, const struct swg_circuit *circuit,
                       const struct swg_why *why, swg_ns now, bool compact) {
    json_t *object = swgi_json_why(why, now), *settings = json_object();

    swgi_json_put_entry(object, swgi_entry_of(options->file, why->status.name));
    each_setting(circuit, put_setting, settings);
    json_object_set_new(object, "settings", settings);
    swgi_json_print(stdout, object, compact);
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
