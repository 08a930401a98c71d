/* The program's answers for programs: snake_case, units in the names, numbers as numbers, null where there is nothing. */
#ifndef SWGI_REPORT_JSON_H
#define SWGI_REPORT_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "config/file.h"
#include "report/writer.h"
#include "switchgear/switchgear.h"

/* Each writes its members into the object that is open. */
void swgi_put_status(struct swgi_writer *to, const struct swg_status *status, swg_ns now);
void swgi_put_why(struct swgi_writer *to, const struct swg_why *why, swg_ns now);
void swgi_put_event(struct swgi_writer *to, const struct swg_event *event, swg_ns now);
void swgi_put_panel(struct swgi_writer *to, const struct swg_panel_info *status);
/* What the file says of a circuit beside its settings: group, alias, owner, runbook, depends_on, slo; NULL: nulls. */
void swgi_put_entry(struct swgi_writer *to, const struct swgi_file_circuit *entry);

/* For what is short enough to be put together first. Text from a panel may be no UTF-8, which JSON must be. */
json_t *swgi_json_text(const char *text);
/* A duration in seconds; null if negative or unbounded. */
json_t *swgi_json_seconds(swg_ns duration);

/* One line (compact) or many; frees the object. */
void swgi_json_print(FILE *out, json_t *object, bool compact);

#endif
