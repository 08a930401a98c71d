/* The agent's life: everything is opened in the order in which it is needed, and let go in the other one. */
#include "agent/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/admin.h"
#include "agent/listen.h"
#include "agent/log.h"
#include "agent/notify.h"
#include "agent/server.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

/* How long requests that are under way may take once it was told to stop. */
#define DRAIN_MS 5000u

static const struct swgi_log_fields fields = { .context = "agent" };

/* ---- the loop */

static void begin_to_stop(struct swgi_agent *agent) {
    if (agent->is_draining)
        return;
    agent->is_draining = true;
    swgi_log(SWGI_LOG_INFO, &fields, "stopping");
    if (!agent->options.is_embedded)
        (void)swgi_notify("STOPPING=1\nSTATUS=stopping");
    swgi_agent_unwatch(agent);
    swgi_server_drain(agent->server);
    agent->drain_until_ms = uv_now(&agent->loop) + DRAIN_MS;
}

static bool has_drained(struct swgi_agent *agent) {
    bool is_served = swgi_server_is_idle(agent->server);

    return (is_served && swgi_alerts_is_idle(agent->alerts)) ||
           uv_now(&agent->loop) >= agent->drain_until_ms;
}

static void on_follow(uv_timer_t *timer) {
    struct swgi_agent *agent = timer->data;

    swgi_agent_follow(agent);
    if (agent->is_draining && has_drained(agent))
        uv_stop(&agent->loop);
}

static void on_tick(uv_timer_t *timer) {
    swgi_agent_tick(timer->data);
}

static void on_watchdog(uv_timer_t *timer) {
    (void)timer;
    (void)swgi_notify("WATCHDOG=1");
}

static void on_stop_signal(uv_signal_t *signal, int number) {
    (void)number;
    begin_to_stop(signal->data);
}

static void on_wake(uv_async_t *wake) {
    begin_to_stop(wake->data);
}

static void on_hup(uv_signal_t *signal, int number) {
    static struct swgi_file_errors errors;
    struct swgi_agent *agent = signal->data;

    (void)number;
    if (!agent->is_draining)
        (void)swgi_agent_reload(agent, "system", "signal", &errors);
}

/* All of them, before anything can fail, so that there is one way to let them go. */
static int init_loop(struct swgi_agent *agent) {
    uv_timer_t *const timers[] = { &agent->follow, &agent->tick, &agent->watchdog,
                                   &agent->changed };
    uv_signal_t *const signals[] = { &agent->on_hup, &agent->on_term, &agent->on_int };

    if (uv_loop_init(&agent->loop) != 0)
        return -ENOMEM;
    for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
        uv_timer_init(&agent->loop, timers[i]);
        timers[i]->data = agent;
    }
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        uv_signal_init(&agent->loop, signals[i]);
        signals[i]->data = agent;
    }
    uv_fs_event_init(&agent->loop, &agent->watch);
    uv_async_init(&agent->loop, &agent->wake, on_wake);
    agent->watch.data = agent->wake.data = agent;
    return 0;
}

static void start_timers(struct swgi_agent *agent) {
    uint64_t watchdog = agent->options.is_embedded ? 0 : swgi_notify_watchdog_ms();

    uv_timer_start(&agent->follow, on_follow, 0, SWGI_FOLLOW_MS);
    uv_timer_start(&agent->tick, on_tick, SWGI_TICK_MS, SWGI_TICK_MS);
    if (watchdog)
        uv_timer_start(&agent->watchdog, on_watchdog, watchdog, watchdog);
    if (agent->options.is_embedded)
        return;
    signal(SIGPIPE, SIG_IGN);
    uv_signal_start(&agent->on_hup, on_hup, SIGHUP);
    uv_signal_start(&agent->on_term, on_stop_signal, SIGTERM);
    uv_signal_start(&agent->on_int, on_stop_signal, SIGINT);
}

/* ---- start and end */

static void copy_config(struct swgi_agent *agent) {
    const char *path = agent->options.config;
    char default_path[sizeof(agent->config)] = "";
    struct stat status;

    if (!path && !agent->options.is_embedded) {
        swgi_file_default_path(default_path, sizeof(default_path));
        path = stat(default_path, &status) == 0 ? default_path : NULL;
    }
    snprintf(agent->config, sizeof(agent->config), "%s", path ? path : "");
}

static int start(struct swgi_agent *agent, struct swg_panel *panel, struct swgi_file_errors *errors,
                 struct swg_error *error) {
    bool was_killed = false;
    int rc = swgi_agent_read_file(&agent->options, agent->config, &agent->file, errors);

    if (rc != 0)
        return swgi_fail(error, rc, agent->config, "the configuration file was refused");
    swgi_agent_setup_log(agent);
    rc = swgi_agent_take_panel(agent, panel, &was_killed, error);
    if (rc == 0)
        rc = swgi_agent_open_parts(agent, error);
    if (rc == 0)
        rc = swgi_agent_listen(agent, error);
    if (rc != 0)
        return rc;
    if (was_killed)
        swgi_alerts_agent(agent->alerts, SWGI_ALERT_AGENT_DOWN, 1,
                          "the last agent of this panel ended without saying so");
    swgi_agent_watch(agent);
    start_timers(agent);
    agent->is_ready = true;
    return 0;
}

int swgi_agent_new(struct swgi_agent **out, const struct swgi_agent_options *options,
                   struct swg_panel *panel, struct swgi_file_errors *errors,
                   struct swg_error *error) {
    struct swgi_agent *agent = calloc(1, sizeof(*agent));
    int rc;

    if (!agent || init_loop(agent) != 0) {
        free(agent);
        return swgi_fail(error, -ENOMEM, "", "no memory");
    }
    agent->options = *options;
    agent->started_wall_ms = swgi_clock_wall_ms();
    agent->reload_last_ok = true;
    agent->reload_last_unix_s = (double)agent->started_wall_ms / 1e3;
    copy_config(agent);
    rc = swgi_server_new(&agent->server, agent);
    if (rc == 0)
        rc = start(agent, panel, errors, error);
    if (rc == 0)
        *out = agent;
    else
        swgi_agent_free(agent);
    return rc;
}

void swgi_agent_run(struct swgi_agent *agent) {
    if (!agent->options.is_embedded)
        (void)swgi_notify("READY=1\nSTATUS=watching %s", agent->panel_path);
    uv_run(&agent->loop, UV_RUN_DEFAULT);
}

void swgi_agent_stop(struct swgi_agent *agent) {
    uv_async_send(&agent->wake);
}

int swgi_agent_port(const struct swgi_agent *agent) {
    for (unsigned i = 0; i < swgi_server_listeners(agent->server); i++) {
        const struct swgi_listener *listener = swgi_server_listener(agent->server, i);

        if (!listener->is_unix)
            return listener->port;
    }
    return 0;
}

static void close_handle(uv_handle_t *handle, void *arg) {
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* What still runs is let end; then nothing is left on the loop. */
static void close_loop(struct swgi_agent *agent) {
    uv_timer_stop(&agent->follow);
    uv_timer_stop(&agent->tick);
    while (swgi_server_has_jobs(agent->server))
        uv_run(&agent->loop, UV_RUN_ONCE);
    swgi_server_stop(agent->server);
    uv_close((uv_handle_t *)&agent->follow, NULL);
    uv_close((uv_handle_t *)&agent->tick, NULL);
    uv_close((uv_handle_t *)&agent->watchdog, NULL);
    uv_close((uv_handle_t *)&agent->changed, NULL);
    uv_close((uv_handle_t *)&agent->on_hup, NULL);
    uv_close((uv_handle_t *)&agent->on_term, NULL);
    uv_close((uv_handle_t *)&agent->on_int, NULL);
    uv_close((uv_handle_t *)&agent->watch, NULL);
    uv_close((uv_handle_t *)&agent->wake, NULL);
    if (agent->alerts)
        swgi_alerts_stop(agent->alerts);
    uv_run(&agent->loop, UV_RUN_DEFAULT);
    uv_walk(&agent->loop, close_handle, NULL);
    uv_run(&agent->loop, UV_RUN_DEFAULT);
    uv_loop_close(&agent->loop);
}

struct swgi_agent *swgi_agent_free(struct swgi_agent *agent) {
    if (!agent)
        return NULL;
    if (agent->is_ready)
        swgi_agent_follow(agent);
    if (agent->server)
        close_loop(agent);
    swgi_server_free(agent->server);
    swgi_storage_close(agent->storage);
    swgi_alerts_unref(agent->alerts);
    swgi_measures_unref(agent->measures);
    swgi_tokens_free(agent->tokens);
    swgi_text_unref(agent->metrics[0]);
    swgi_text_unref(agent->metrics[1]);
    swgi_text_unref(agent->openapi);
    swgi_file_unref(agent->file);
    swg_panel_unref(agent->panel);
    swgi_agent_lock_release(agent->lock, true);
    free(agent);
    return NULL;
}
