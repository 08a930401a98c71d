/* What a person needs beside the figures: whom to ask, where it is written what to do, and what else may be the cause. */
#include <stdio.h>
#include <string.h>

#include "cli/report.h"
#include "report/describe.h"
#include "report/text.h"

static void text_line(const struct swgi_screen *screen, const char *name, const char *text) {
    char clean[SWGI_CLEAN_MAX];

    swgi_report_line(screen, name, swgi_clean_text(text, screen->utf8, clean, sizeof(clean)));
}

/* A dependency that is in trouble is told with its state. */
static int one_dependency(const struct swgi_screen *screen, struct swg_panel *panel,
                          const char *name, char *out, size_t out_size) {
    struct swg_status status = SWG_STATUS_INIT;
    struct swg_circuit *circuit;
    char clean[SWGI_CLEAN_MAX];
    bool is_well = true;

    if (panel && swg_circuit_find(panel, name, &circuit) == 0 &&
        swg_circuit_status(circuit, &status) == 0)
        is_well = status.mode == SWG_MODE_NORMAL && status.state == SWG_STATE_CLOSED;
    return snprintf(out, out_size, "%s%s%s%s",
                    swgi_clean_text(name, screen->utf8, clean, sizeof(clean)), is_well ? "" : " (",
                    is_well ? "" : swgi_state_word(&status), is_well ? "" : ")");
}

static void dependencies_line(const struct swgi_screen *screen, struct swg_panel *panel,
                              const struct swgi_file_words *names) {
    char text[1024] = "";
    size_t used = 0;

    for (unsigned i = 0; i < names->count && used + 200 < sizeof(text); i++) {
        if (i > 0)
            used += (size_t)snprintf(text + used, sizeof(text) - used, ", ");
        used +=
            (size_t)one_dependency(screen, panel, names->at[i], text + used, sizeof(text) - used);
    }
    swgi_report_line(screen, "depends on", text);
}

static void promise_line(const struct swgi_screen *screen, const struct swgi_file_circuit *entry) {
    char value[SWGI_TEXT_MAX], duration[SWGI_TEXT_MAX], text[160];
    int length = 0;

    if (!entry->has_slo)
        return;
    if (entry->slo_availability > 0)
        length = snprintf(text, sizeof(text), "%g %% of calls in %s", entry->slo_availability,
                          swgi_duration_text(entry->slo_window, duration));
    if (entry->slo_p99 > 0)
        snprintf(text + length, sizeof(text) - (size_t)length, "%sp99 %s", length ? ", " : "",
                 swgi_latency_text(entry->slo_p99, value));
    swgi_report_line(screen, "promised", text);
}

void swgi_report_entry(const struct swgi_screen *screen, const struct swgi_file_circuit *entry,
                       struct swg_panel *panel) {
    if (!entry)
        return;
    text_line(screen, "alias", entry->alias);
    text_line(screen, "group", entry->group);
    text_line(screen, "owner", entry->owner);
    text_line(screen, "runbook", entry->runbook);
    dependencies_line(screen, panel, &entry->depends_on);
    promise_line(screen, entry);
}
