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
#define DRAIN_MS         5000u
#define SYSTEM_FOLDER    "/run/switchgear/"
#define PANEL_SUFFIX     ".v1.panel"
#define SHARED_FILE_MODE 0660u

static const struct swgi_log_fields fields = { .context = "agent" };

/* ---- the panel */

static int open_panel(struct swgi_agent *agent, struct swg_error *error) {
    struct swg_panel_options wanted = SWG_PANEL_OPTIONS_INIT;
    const struct swgi_file_panel *file = &agent->file->panel;

    wanted.access = SWG_PANEL_CREATE;
    wanted.path = agent->panel_path;
    wanted.circuits_max = file->circuits_max;
    wanted.columns_max = file->columns_max;
    wanted.histograms_max = file->histograms_max;
    wanted.policies_max = file->policies_max;
    wanted.slots_max = file->slots_max;
    wanted.process_name = "switchgear agent";
    if (strncmp(agent->panel_path, SYSTEM_FOLDER, strlen(SYSTEM_FOLDER)) == 0)
        wanted.file_mode = SHARED_FILE_MODE;
    return swg_panel_open(&agent->panel, &wanted, error);
}

/* Said on the command line or in the environment, else in the file, else the default place. */
static int choose_panel(struct swgi_agent *agent, struct swg_error *error) {
    const char *path = agent->options.panel;
    size_t length, suffix = strlen(PANEL_SUFFIX);

    if (!path)
        path = agent->file->panel.path[0] ? agent->file->panel.path : agent->options.panel_default;
    if (!path)
        return swgi_fail(error, -EINVAL, "panel.path", "nobody says which panel");
    length = strlen(path);
    if (length + 32 > sizeof(agent->panel_path))
        return swgi_fail(error, -ENAMETOOLONG, "panel.path", "the path is too long");
    if (length > suffix && strcmp(path + length - suffix, PANEL_SUFFIX) == 0)
        length -= suffix;
    memcpy(agent->panel_path, path, length);
    return 0;
}

/* The last part of the path is made where it is missing, as a first call would. */
static void make_folder(const char *path) {
    char folder[4096];
    char *slash;

    snprintf(folder, sizeof(folder), "%s", path);
    slash = strrchr(folder, '/');
    if (!slash || slash == folder)
        return;
    *slash = '\0';
    (void)mkdir(folder, 0750);
}

void swgi_agent_beside_panel(const struct swgi_agent *agent, const char *name, char *out,
                             size_t out_size) {
    const char *slash = strrchr(agent->panel_path, '/');

    snprintf(out, out_size, "%.*s%s", slash ? (int)(slash - agent->panel_path + 1) : 0,
             agent->panel_path, name);
}

/* *was_killed: the last agent of this panel did not say that it ends. */
static int take_panel(struct swgi_agent *agent, struct swg_panel *panel, bool *was_killed,
                      struct swg_error *error) {
    struct swg_panel_info info = SWG_PANEL_INFO_INIT;
    int rc = 0;

    if (panel) {
        agent->panel = swg_panel_ref(panel);
        rc = swg_panel_status(panel, &info);
        if (rc == 0 && !info.is_private)
            swgi_copy_text(agent->panel_path, sizeof(agent->panel_path), info.path);
    } else {
        rc = choose_panel(agent, error);
        if (rc == 0)
            make_folder(agent->panel_path);
    }
    if (rc == 0 && agent->panel_path[0])
        rc = swgi_agent_lock_take(&agent->lock, agent->panel_path, was_killed, error);
    if (rc == 0 && !panel)
        rc = open_panel(agent, error);
    if (rc == 0)
        rc = swg_panel_status(agent->panel, &info);
    agent->panel_created_ms = info.created_wall_ms;
    return rc;
}

/* ---- the parts */

static int open_storage(struct swgi_agent *agent, struct swg_error *error) {
    int rc;

    agent->cursor = SWG_CURSOR_END;
    if (strcmp(agent->file->agent.database, "off") == 0)
        return 0;
    rc = swgi_storage_open(&agent->storage, agent->file, agent->panel, error);
    if (rc == 0)
        agent->cursor = swgi_storage_cursor(agent->storage);
    return rc;
}

/* The file makes its circuits, and then the database knows how they were. */
static int restore(struct swgi_agent *agent, struct swg_error *error) {
    int count = agent->storage ? swgi_storage_restore(agent->storage, error) : 0;

    if (count > 0)
        swgi_log(SWGI_LOG_INFO, &fields, "%d circuits restored from the database", count);
    return count < 0 ? count : 0;
}

static int open_parts(struct swgi_agent *agent, struct swg_error *error) {
    int rc = open_storage(agent, error);

    if (rc == 0)
        rc = swgi_file_apply(agent->file, agent->panel, error);
    if (rc == 0)
        rc = restore(agent, error);
    if (rc == 0)
        rc = swgi_measures_new(&agent->measures, agent->panel);
    if (rc == 0)
        rc = swgi_measures_tick(agent->measures, agent->file);
    if (rc == 0)
        rc = swgi_alerts_new(&agent->alerts, &agent->loop, agent->file, swgi_agent_on_alert, agent,
                             error);
    if (rc == 0)
        swgi_agent_recall_alerts(agent);
    if (rc == 0)
        rc = swgi_agent_read_tokens(agent->file, &agent->tokens, error);
    return rc;
}

static void tell_listener(const struct swgi_agent *agent, const struct swgi_listener *listener) {
    if (listener->is_unix)
        swgi_log(SWGI_LOG_INFO, &fields, "listening on %s", listener->name);
    else
        swgi_log(SWGI_LOG_INFO, &fields, "listening on http://%s/", listener->name);
    if (!listener->is_loopback)
        swgi_log(SWGI_LOG_WARNING, &fields,
                 "%s is not loopback: tokens travel unencrypted; put a proxy with TLS before it",
                 listener->name);
    if (!listener->is_unix && swgi_tokens_count(agent->tokens) == 0)
        swgi_log(
            SWGI_LOG_WARNING, &fields,
            "there are no tokens (agent.tokens_file): on TCP only what needs none is answered%s",
            agent->file->agent.public_reads ? ", reads among it" : "");
}

static int answer_on(struct swgi_agent *agent, int rc, struct swgi_listener *listener,
                     struct swg_error *error) {
    if (rc == 0)
        rc = swgi_server_listen(agent->server, listener, error);
    if (rc == 0)
        tell_listener(
            agent, swgi_server_listener(agent->server, swgi_server_listeners(agent->server) - 1));
    return rc;
}

/* Sockets that a supervisor hands over stand for those of the file. */
static int listen_on_given(struct swgi_agent *agent, unsigned count, struct swg_error *error) {
    struct swgi_listener listener;
    int rc = 0;

    for (unsigned i = 0; i < count && rc == 0; i++) {
        rc = swgi_listen_given(&listener, SWGI_LISTEN_FDS_START + (int)i, error);
        rc = answer_on(agent, rc, &listener, error);
    }
    return rc;
}

static bool is_on(const char *word) {
    return word[0] && strcmp(word, "off") != 0;
}

static int listen_on(struct swgi_agent *agent, struct swg_error *error) {
    const struct swgi_file_agent *file = &agent->file->agent;
    unsigned given = agent->options.is_embedded ? 0 : swgi_notify_listen_fds();
    struct swgi_listener listener;
    char path[4096 + 16];
    int rc = 0;

    if (given > 0)
        return listen_on_given(agent, given, error);
    if (is_on(file->listen)) {
        rc = swgi_listen_tcp(&listener, file->listen, error);
        rc = answer_on(agent, rc, &listener, error);
    }
    if (rc == 0 && strcmp(file->socket, "off") != 0) {
        swgi_agent_beside_panel(agent, "agent.sock", path, sizeof(path));
        rc = swgi_listen_unix(&listener, file->socket[0] ? file->socket : path, error);
        rc = answer_on(agent, rc, &listener, error);
    }
    return rc;
}

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
    rc = take_panel(agent, panel, &was_killed, error);
    if (rc == 0)
        rc = open_parts(agent, error);
    if (rc == 0)
        rc = listen_on(agent, error);
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
