/* The samples of no single circuit: the panel's, and the agent's own health. */
#include <math.h>

#include "agent/metrics_text.h"

#define PANEL_METRIC(id, field)                                                          \
    void swgi_metric_##id(struct swgi_exposition *out, const struct swgi_measured *of) { \
        swgi_sample_integer(out, of, " ", out->panel->field);                            \
    }
#define AGENT_METRIC(id, field)                                                          \
    void swgi_metric_##id(struct swgi_exposition *out, const struct swgi_measured *of) { \
        if (out->health != NULL)                                                         \
            swgi_sample_integer(out, of, " ", out->health->field);                       \
    }

PANEL_METRIC(PANEL_CIRCUITS, circuits)
PANEL_METRIC(PANEL_CIRCUITS_LIMIT, circuits_max)
PANEL_METRIC(PANEL_COLUMNS, columns)
PANEL_METRIC(PANEL_COLUMNS_LIMIT, columns_max)
PANEL_METRIC(PANEL_HISTOGRAMS, histograms)
PANEL_METRIC(PANEL_HISTOGRAMS_LIMIT, histograms_max)
PANEL_METRIC(PANEL_POLICIES, policies)
PANEL_METRIC(PANEL_POLICIES_LIMIT, policies_max)
PANEL_METRIC(PANEL_SLOTS, slots)
PANEL_METRIC(PANEL_SLOTS_LIMIT, slots_max)
PANEL_METRIC(PANEL_PROCESSES, processes)
PANEL_METRIC(PANEL_BYTES, bytes)
PANEL_METRIC(PANEL_EVICTED, evicted)
PANEL_METRIC(PANEL_BEYOND, beyond)
PANEL_METRIC(PANEL_CLOCKS, clocks_replaced)
PANEL_METRIC(PANEL_EVENTS_LOST, events_lost)

AGENT_METRIC(AGENT_EVENTS_LOST, events_lost)
AGENT_METRIC(AGENT_AUDIT_ROWS, audit_rows)
AGENT_METRIC(AGENT_AUDIT_DROPPED, audit_dropped)
AGENT_METRIC(AGENT_AUDIT_QUEUED, audit_queued)
AGENT_METRIC(AGENT_ALERTS, alerts_firing)
AGENT_METRIC(AGENT_REFUSED, requests_refused)
AGENT_METRIC(AGENT_CONNECTIONS, connections)
AGENT_METRIC(AGENT_STREAMS, streams)
AGENT_METRIC(AGENT_RELOAD_OK, reload_last_ok != 0)
AGENT_METRIC(AGENT_LOG_LOST, log_lost)

void swgi_metric_PANEL_CREATED(struct swgi_exposition *out, const struct swgi_measured *of) {
    swgi_sample_instant(out, of, " ", out->panel->created_wall_ms);
}

void swgi_metric_BUILD(struct swgi_exposition *out, const struct swgi_measured *of) {
    swgi_sample_begin(out, of);
    swgi_write_text(out, "{version=\"");
    swgi_write_escaped(out, swg_version());
    swgi_write_text(out, "\"} 1\n");
}

/* Seconds since 1970, to the millisecond. */
static void instant(struct swgi_exposition *out, double unix_s) {
    if (unix_s > 0 && unix_s < 1e12)
        swgi_sample_instant(out, NULL, " ", (int64_t)round(unix_s * 1e3));
}

void swgi_metric_AGENT_START(struct swgi_exposition *out, const struct swgi_measured *of) {
    (void)of;
    if (out->health != NULL)
        instant(out, out->health->started_unix_s);
}

void swgi_metric_AGENT_RELOAD_TIME(struct swgi_exposition *out, const struct swgi_measured *of) {
    (void)of;
    if (out->health != NULL)
        instant(out, out->health->reload_last_unix_s);
}

void swgi_metric_AGENT_FOLDED(struct swgi_exposition *out, const struct swgi_measured *of) {
    swgi_sample_integer(out, of, " ", out->measures->folded);
}

void swgi_metric_AGENT_NOTIFICATIONS(struct swgi_exposition *out, const struct swgi_measured *of) {
    const struct swgi_agent_health *health = out->health;
    if (health == NULL)
        return;
    swgi_sample_integer(out, of, "{result=\"sent\"} ", health->notifications_sent);
    swgi_sample_integer(out, of, "{result=\"failed\"} ", health->notifications_failed);
    swgi_sample_integer(out, of, "{result=\"dropped\"} ", health->notifications_dropped);
}

void swgi_metric_AGENT_REQUESTS(struct swgi_exposition *out, const struct swgi_measured *of) {
    static const char *const rests[6] = { "",
                                          "{code=\"1xx\"} ",
                                          "{code=\"2xx\"} ",
                                          "{code=\"3xx\"} ",
                                          "{code=\"4xx\"} ",
                                          "{code=\"5xx\"} " };
    for (unsigned i = 2; i < 6 && out->health != NULL; i++)
        swgi_sample_integer(out, of, rests[i], out->health->requests[i]);
}

void swgi_metric_AGENT_RELOADS(struct swgi_exposition *out, const struct swgi_measured *of) {
    if (out->health == NULL)
        return;
    swgi_sample_integer(out, of, "{result=\"done\"} ", out->health->reloads);
    swgi_sample_integer(out, of, "{result=\"refused\"} ", out->health->reloads_failed);
}
