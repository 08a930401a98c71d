/* The file, read when the agent starts and whenever it changed: as a whole, or not at all. */
#include "agent/agent.h"

#include <errno.h>
#include <libgen.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "agent/admin.h"
#include "agent/log.h"
#include "agent/notify.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

/* Editors write, rename and touch: once they have been quiet for so long, they are done. */
#define QUIET_MS 200u

static const struct swgi_log_fields fields = { .context = "config" };

static bool put_over(char *out, size_t size, const char *said) {
    if (!said)
        return true;
    return (size_t)snprintf(out, size, "%s", said) < size;
}

static void add_error(struct swgi_file_errors *errors, int code, const char *key,
                      const char *text) {
    if (!errors)
        return;
    if (errors->count < SWGI_FILE_ERRORS_MAX) {
        errors->errors[errors->count] = (struct swg_error)SWG_ERROR_INIT;
        swgi_fail(&errors->errors[errors->count], code, key, "%s", text);
    }
    errors->count++;
}

/* A program that has an agent inside asks for what it wants of it. */
static void embed(const struct swgi_agent_options *options, struct swgi_file *file) {
    if (!options->config && !options->listen)
        strcpy(file->agent.listen, "off");
    if (!file->agent.socket[0])
        strcpy(file->agent.socket, "off");
    if (!file->agent.database[0])
        strcpy(file->agent.database, "off");
}

int swgi_agent_read_file(const struct swgi_agent_options *options, const char *path,
                         struct swgi_file **out, struct swgi_file_errors *errors) {
    struct swgi_file *file = NULL;
    int rc = path[0] ? swgi_file_read(&file, path, options->environment, errors)
                     : swgi_file_empty(&file);
    struct swgi_file_agent *agent;

    if (rc != 0)
        return rc;
    agent = &file->agent;
    if (!put_over(agent->listen, sizeof(agent->listen), options->listen) ||
        !put_over(agent->socket, sizeof(agent->socket), options->socket) ||
        !put_over(agent->database, sizeof(agent->database), options->database) ||
        !put_over(agent->tokens_file, sizeof(agent->tokens_file), options->tokens)) {
        add_error(errors, -ENAMETOOLONG, "",
                  "an address or path on the command line is longer than 255 bytes");
        swgi_file_unref(file);
        return -ENAMETOOLONG;
    }
    agent->public_reads |= options->public_reads;
    if (options->is_embedded)
        embed(options, file);
    *out = file;
    return 0;
}

int swgi_agent_read_tokens(const struct swgi_file *file, struct swgi_tokens **out,
                           struct swg_error *error) {
    *out = NULL;
    return file->agent.tokens_file[0] ? swgi_tokens_read(out, file->agent.tokens_file, error) : 0;
}

void swgi_agent_setup_log(const struct swgi_agent *agent) {
    static const char *const names[] = { "debug", "info", "warning", "error" };
    int level = SWGI_LOG_INFO;

    for (int i = SWGI_LOG_DEBUG; i <= SWGI_LOG_ERROR; i++) {
        if (strcmp(agent->file->agent.log_level, names[i]) == 0)
            level = i;
    }
    if (agent->options.log_level >= 0)
        level = agent->options.log_level;
    swgi_log_setup(level, strcmp(agent->file->agent.log, "text") != 0);
}

void swgi_agent_log_errors(const char *path, const struct swgi_file_errors *errors) {
    for (unsigned i = 0; i < errors->count && i < SWGI_FILE_ERRORS_MAX; i++) {
        const struct swg_error *error = &errors->errors[i];

        if (error->line > 0)
            swgi_log(SWGI_LOG_ERROR, &fields, "%s:%d:%d: %s: %s", path, error->line, error->column,
                     error->key, error->text);
        else
            swgi_log(SWGI_LOG_ERROR, &fields, "%s%s%s", error->key, error->key[0] ? ": " : "",
                     error->text);
    }
    if (errors->count > SWGI_FILE_ERRORS_MAX)
        swgi_log(SWGI_LOG_ERROR, &fields, "and %u more errors",
                 errors->count - SWGI_FILE_ERRORS_MAX);
}

/* What only a start can change. */
static void warn_of_restart(const struct swgi_file *old, const struct swgi_file *new) {
    const struct {
        const char *key, *before, *after;
    } words[] = { { "agent.listen", old->agent.listen, new->agent.listen },
                  { "agent.socket", old->agent.socket, new->agent.socket },
                  { "agent.database", old->agent.database, new->agent.database },
                  { "panel.path", old->panel.path, new->panel.path } };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].before, words[i].after) != 0)
            swgi_log(SWGI_LOG_WARNING, &fields, "%s changed: that needs a restart", words[i].key);
    }
}

/* The parts that look into the file get the new one before the old one goes. */
static void swap(struct swgi_agent *agent, struct swgi_file *file, struct swgi_tokens *tokens) {
    struct swgi_file *old = agent->file;

    warn_of_restart(old, file);
    agent->file = file;
    swgi_tokens_free(agent->tokens);
    agent->tokens = tokens;
    (void)swgi_measures_tick(agent->measures, file);
    swgi_file_unref(old);
    if (!agent->options.is_embedded)
        malloc_trim(0); /* two files were there for a moment */
    swgi_agent_setup_log(agent);
}

/* Everything that can be refused, before anything changes. */
static int reload(struct swgi_agent *agent, struct swgi_file_errors *errors) {
    struct swgi_file *file = NULL;
    struct swgi_tokens *tokens = NULL;
    struct swg_error error = SWG_ERROR_INIT;
    int rc = swgi_agent_read_file(&agent->options, agent->config, &file, errors);

    if (rc != 0)
        return rc;
    rc = swgi_agent_read_tokens(file, &tokens, &error);
    if (rc == 0)
        rc = swgi_alerts_check(file, &error);
    if (rc == 0)
        rc = swgi_file_apply(file, agent->panel, &error);
    if (rc == 0)
        rc = swgi_alerts_reload(agent->alerts, file, &error);
    if (rc == 0) {
        swap(agent, file, tokens);
        return 0;
    }
    add_error(errors, rc, error.key, error.text[0] ? error.text : strerror(-rc));
    swgi_tokens_free(tokens);
    swgi_file_unref(file);
    return rc;
}

static void remember_file(struct swgi_agent *agent) {
    struct stat status;

    if (!agent->config[0] || stat(agent->config, &status) != 0)
        return;
    agent->file_time = status.st_mtim;
    agent->file_inode = status.st_ino;
    agent->file_size = (uint64_t)status.st_size;
}

int swgi_agent_reload(struct swgi_agent *agent, const char *user, const char *source,
                      struct swgi_file_errors *errors) {
    int rc;

    errors->count = 0;
    if (!agent->options.is_embedded)
        swgi_notify_reloading();
    remember_file(agent);
    rc = reload(agent, errors);
    agent->reloads += rc == 0;
    agent->reloads_failed += rc != 0;
    agent->reload_last_ok = rc == 0;
    if (rc == 0)
        agent->reload_last_unix_s = (double)swgi_clock_wall_ms() / 1e3;
    if (rc == 0)
        swgi_log(SWGI_LOG_INFO, &fields, "configuration reloaded by %s: %u circuits and patterns",
                 user, agent->file->circuits_count);
    else
        swgi_log(SWGI_LOG_ERROR, &fields,
                 "configuration refused, nothing of it is in force: %u errors", errors->count);
    swgi_agent_log_errors(agent->config, errors);
    agent->reload_row = swgi_storage_note(agent->storage, SWGI_ACTION_CONFIG, "",
                                          rc == 0 ? "reloaded" : "refused", user, source, NULL);
    if (!agent->options.is_embedded)
        (void)swgi_notify("READY=1");
    return rc;
}

/* ---- when the file changes */

static bool has_changed(const struct swgi_agent *agent) {
    struct stat status;

    return stat(agent->config, &status) == 0 &&
           (status.st_ino != agent->file_inode || (uint64_t)status.st_size != agent->file_size ||
            status.st_mtim.tv_sec != agent->file_time.tv_sec ||
            status.st_mtim.tv_nsec != agent->file_time.tv_nsec);
}

static void on_quiet(uv_timer_t *timer) {
    static struct swgi_file_errors errors;
    struct swgi_agent *agent = timer->data;

    if (!agent->is_draining && has_changed(agent))
        (void)swgi_agent_reload(agent, "system", "file", &errors);
}

/* Anything in the folder: a file is often replaced by a rename, or by one of the symbolic links that lead to it. */
static void on_change(uv_fs_event_t *watch, const char *name, int events, int status) {
    struct swgi_agent *agent = watch->data;

    (void)name;
    (void)events;
    (void)status;
    uv_timer_start(&agent->changed, on_quiet, QUIET_MS, 0);
}

void swgi_agent_watch(struct swgi_agent *agent) {
    char path[sizeof(agent->config)];

    if (!agent->config[0])
        return;
    remember_file(agent);
    snprintf(path, sizeof(path), "%s", agent->config);
    agent->watch.data = agent->changed.data = agent;
    if (uv_fs_event_start(&agent->watch, on_change, dirname(path), 0) != 0)
        swgi_log(SWGI_LOG_WARNING, &fields,
                 "changes of the file cannot be watched; SIGHUP or POST /-/reload reloads it");
}

void swgi_agent_unwatch(struct swgi_agent *agent) {
    uv_fs_event_stop(&agent->watch);
    uv_timer_stop(&agent->changed);
}
