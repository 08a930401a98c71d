/* What the agent does while nobody asks: hands every event on, in order, and once a second looks at everything. */
#include "agent/agent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/admin.h"
#include "agent/log.h"
#include "agent/notify.h"
#include "agent/server.h"

/* At most so many before the loop looks at its sockets again. */
#define EVENTS_AT_ONCE 512u

static const struct swgi_log_fields fields = { .context = "agent" };

static void hand_on(struct swgi_agent *agent, const struct swg_event *event) {
    swgi_measures_event(agent->measures, event);
    if (agent->storage)
        swgi_storage_event(agent->storage, event, agent->cursor);
    swgi_alerts_event(agent->alerts, event);
    swgi_log_event(event);
}

static void note_gap(struct swgi_agent *agent) {
    agent->events_lost++;
    swgi_log(SWGI_LOG_ERROR, &fields,
             "events were lost: the panel's ring was overwritten before they were read");
    if (agent->storage)
        swgi_storage_gap(agent->storage);
    swgi_alerts_agent(agent->alerts, SWGI_ALERT_EVENTS_LOST, 1,
                      "the panel's ring was overwritten before its events were read");
}

/* Nobody waits for the second to end to learn that a circuit opened. */
static void judge(struct swgi_agent *agent) {
    uint64_t now = uv_now(&agent->loop);

    if (now - agent->judged_ms < SWGI_JUDGE_MS)
        return;
    agent->judged_ms = now;
    (void)swgi_measures_tick(agent->measures, agent->file);
    swgi_alerts_tick(agent->alerts, agent->measures);
}

void swgi_agent_follow(struct swgi_agent *agent) {
    struct swg_event event = SWG_EVENT_INIT;
    unsigned count = 0;
    bool has_moved = false;
    int rc = 1;

    while (count < EVENTS_AT_ONCE && rc != 0) {
        rc = swg_panel_next_event(agent->panel, &agent->cursor, &event);
        if (rc == 1)
            hand_on(agent, &event);
        else if (rc == -EOVERFLOW)
            note_gap(agent);
        else if (rc < 0)
            break;
        has_moved |= rc == 1 && event.kind <= SWG_EVENT_MODE;
        count += rc != 0;
    }
    if (has_moved)
        judge(agent);
    if (count > 0)
        swgi_server_events(agent->server);
}

static int64_t created_ms(struct swgi_agent *agent) {
    struct swg_panel_info info = SWG_PANEL_INFO_INIT;

    return swg_panel_status(agent->panel, &info) == 0 ? info.created_wall_ms
                                                      : agent->panel_created_ms;
}

/* Another file lies at the panel's path now: it is to be as the old one was. */
static void take_over(struct swgi_agent *agent) {
    struct swg_error error = SWG_ERROR_INIT;

    swgi_log(SWGI_LOG_WARNING, &fields, "the panel was replaced");
    agent->cursor = 0;
    if (swgi_file_apply(agent->file, agent->panel, &error) != 0)
        swgi_log(SWGI_LOG_ERROR, &fields, "cannot configure the new panel: %s: %s", error.key,
                 error.text);
    if (agent->storage && swgi_storage_restore(agent->storage, &error) < 0)
        swgi_log(SWGI_LOG_ERROR, &fields, "cannot restore the new panel: %s", error.text);
}

static void keep_panel(struct swgi_agent *agent) {
    int64_t created;
    int rc = swg_panel_poll(agent->panel);

    if (rc < 0 && agent->ticks % 60 == 0)
        swgi_log(SWGI_LOG_ERROR, &fields, "housekeeping of the panel: %s", swg_strerror(rc));
    created = created_ms(agent);
    if (created == agent->panel_created_ms)
        return;
    agent->panel_created_ms = created;
    take_over(agent);
}

static void tell_status(const struct swgi_agent *agent) {
    size_t count = swgi_measures_count(agent->measures), open = 0;

    for (size_t i = 0; i < count; i++)
        open += swgi_measures_at(agent->measures, i)->status.state == SWG_STATE_OPEN;
    (void)swgi_notify("STATUS=%zu circuits, %zu open", count, open);
}

void swgi_agent_tick(struct swgi_agent *agent) {
    keep_panel(agent);
    swgi_agent_follow(agent);
    (void)swgi_measures_tick(agent->measures, agent->file);
    if (agent->storage)
        swgi_storage_tick(agent->storage, agent->measures);
    swgi_alerts_tick(agent->alerts, agent->measures);
    swgi_server_tick(agent->server);
    swgi_admin_forget(agent);
    if (!agent->options.is_embedded && agent->ticks % 10 == 0)
        tell_status(agent);
    agent->ticks++;
}

static void add_storage(const struct swgi_agent *agent, struct swgi_agent_health *out) {
    struct swgi_storage_counts counts = { 0 };

    if (agent->storage)
        swgi_storage_counts(agent->storage, &counts);
    out->audit_rows = counts.audit_rows;
    out->audit_dropped = counts.audit_dropped;
    out->audit_queued = counts.audit_queued;
}

static void add_server(const struct swgi_agent *agent, struct swgi_agent_health *out) {
    struct swgi_server_counts counts = { 0 };

    swgi_server_counts(agent->server, &counts);
    memcpy(out->requests, counts.requests, sizeof(out->requests));
    out->requests_refused = counts.refused;
    out->connections = counts.connections;
    out->streams = counts.streams;
}

void swgi_agent_health(const struct swgi_agent *agent, struct swgi_agent_health *out) {
    struct swgi_alerts_counts alerts = { 0 };

    swgi_alerts_counts(agent->alerts, &alerts);
    *out = (struct swgi_agent_health){ .started_unix_s = (double)agent->started_wall_ms / 1e3,
                                       .events_lost = agent->events_lost,
                                       .alerts_firing = alerts.firing,
                                       .notifications_sent = alerts.sent,
                                       .notifications_failed = alerts.failed,
                                       .notifications_dropped = alerts.dropped,
                                       .reloads = agent->reloads,
                                       .reloads_failed = agent->reloads_failed,
                                       .reload_last_unix_s = agent->reload_last_unix_s,
                                       .reload_last_ok = agent->reload_last_ok,
                                       .log_lost = swgi_log_lost() };
    add_storage(agent, out);
    add_server(agent, out);
}
