/* What an agent is made of, opened in the order in which it is needed: panel, database, file, measures, alerts, tokens, sockets. */
#include "agent/agent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/listen.h"
#include "agent/log.h"
#include "agent/notify.h"
#include "agent/server.h"
#include "base/error.h"
#include "base/text.h"

#define SYSTEM_FOLDER    "/run/switchgear/"
#define PANEL_SUFFIX     ".v1.panel"
#define SHARED_FILE_MODE 0660u

static const struct swgi_log_fields fields = { .context = "agent" };

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

static void beside_panel(const struct swgi_agent *agent, const char *name, char *out,
                         size_t out_size) {
    const char *slash = strrchr(agent->panel_path, '/');

    snprintf(out, out_size, "%.*s%s", slash ? (int)(slash - agent->panel_path + 1) : 0,
             agent->panel_path, name);
}

/* *was_killed: the last agent of this panel did not say that it ends. */
int swgi_agent_take_panel(struct swgi_agent *agent, struct swg_panel *panel, bool *was_killed,
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

int swgi_agent_open_parts(struct swgi_agent *agent, struct swg_error *error) {
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

int swgi_agent_listen(struct swgi_agent *agent, struct swg_error *error) {
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
        beside_panel(agent, "agent.sock", path, sizeof(path));
        rc = swgi_listen_unix(&listener, file->socket[0] ? file->socket : path, error);
        rc = answer_on(agent, rc, &listener, error);
    }
    return rc;
}

int swgi_agent_check(const struct swgi_file *file, size_t *count, struct swg_error *error) {
    struct swgi_tokens *tokens = NULL;
    int rc = swgi_storage_check(file, error);

    if (rc == 0)
        rc = swgi_alerts_check(file, error);
    if (rc == 0)
        rc = swgi_agent_read_tokens(file, &tokens, error);
    if (rc == 0 && is_on(file->agent.listen))
        rc = swgi_listen_check(file->agent.listen, error);
    if (rc == 0 && is_on(file->agent.socket))
        rc = swgi_listen_check_unix(file->agent.socket, error);
    *count = swgi_tokens_count(tokens);
    swgi_tokens_free(tokens);
    return rc;
}
