/* The program's answers for programs: snake_case, units in the names, numbers as numbers, null where there is nothing. */
#ifndef SWGI_REPORT_JSON_H
#define SWGI_REPORT_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "config/file.h"
#include "switchgear/switchgear.h"

/* Each returns a new object that the caller prints or puts into another. */
json_t *swgi_json_status(const struct swg_status *status, swg_ns now);
json_t *swgi_json_why(const struct swg_why *why, swg_ns now);
json_t *swgi_json_event(const struct swg_event *event, swg_ns now);
json_t *swgi_json_panel(const struct swg_panel_info *status);
/* What the file says of a circuit beside its settings: group, alias, owner, runbook, depends_on, slo; NULL: nulls. */
void swgi_json_put_entry(json_t *object, const struct swgi_file_circuit *entry);
/* Text from a panel may be no UTF-8, which JSON must be. */
json_t *swgi_json_text(const char *text);
/* A duration in seconds; null if negative or unbounded. */
json_t *swgi_json_seconds(swg_ns duration);

/* One line (compact) or many; frees the object. */
void swgi_json_print(FILE *out, json_t *object, bool compact);

#endif
