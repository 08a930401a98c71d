/* Pages about one thing: a circuit's status, why it is so, the panel. They only print. */
#ifndef SWGI_CLI_REPORT_H
#define SWGI_CLI_REPORT_H

#include "config/file.h"
#include "report/screen.h"
#include "switchgear/switchgear.h"

void swgi_report_status(const struct swgi_screen *screen, const struct swg_status *status,
                        swg_ns now);
/* entry, panel: as for swgi_report_entry(). */
void swgi_report_why(const struct swgi_screen *screen, const struct swg_why *why,
                     const struct swgi_file_circuit *entry, struct swg_panel *panel, swg_ns now);
/* Beside its settings, what the file says of a circuit; nothing for NULL. */
void swgi_report_entry(const struct swgi_screen *screen, const struct swgi_file_circuit *entry,
                       struct swg_panel *panel);
void swgi_report_panel(const struct swgi_screen *screen, const struct swg_panel_info *status);
/* What an event says, in its colour, from `column` on; further lines are indented. Ends the line. */
void swgi_report_event_text(const struct swgi_screen *screen, const struct swg_event *event,
                            int column, int indent);
/* The first line of a page: what it is about, and how that is. */
void swgi_report_title(const struct swgi_screen *screen, const struct swg_status *status,
                       swg_ns now);

/* Parts of a page: "  label  text", wrapped, nothing for an empty text; and a heading of its own. */
void swgi_report_line(const struct swgi_screen *screen, const char *name, const char *text);
void swgi_report_heading(const struct swgi_screen *screen, const char *text);
/* Lines about the policies the circuit has. */
void swgi_report_policies(const struct swgi_screen *screen, const struct swg_status *status);
/* Who holds its permits, a line for each process. */
void swgi_report_permits(const struct swgi_screen *screen, const struct swg_why *why, swg_ns now);

#endif
