/* The exposition: what is measured, as Prometheus text or OpenMetrics. */
#ifndef SWGI_AGENT_METRICS_H
#define SWGI_AGENT_METRICS_H

#include <stddef.h>

#include "agent/measure.h"

enum swgi_metrics_format { SWGI_METRICS_TEXT, SWGI_METRICS_OPENMETRICS };

/* The agent's own health. */
struct swgi_agent_health {
    double started_unix_s;
    uint64_t events_lost, audit_rows, audit_dropped, audit_queued;
    uint64_t alerts_firing, notifications_sent, notifications_failed, notifications_dropped;
    uint64_t requests[6]; /* by class of status: [2] is 2xx */
    uint64_t requests_refused, reloads, reloads_failed;
    uint64_t connections, streams;
    double reload_last_unix_s;
    int reload_last_ok;
    uint64_t log_lost;
};

/*
 * *out is a new NUL-terminated text (free() it), *out_size its length. Content type:
 * swgi_metrics_type(). -ENOMEM.
 */
int swgi_metrics_write(struct swg_panel *panel, const struct swgi_measures *measures,
                       const struct swgi_file *file, const struct swgi_agent_health *health,
                       int format, char **out, size_t *out_size);
const char *swgi_metrics_type(int format);

#endif
