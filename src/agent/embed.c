/* The agent as a guest of a program: a thread of its own, and nothing of the process that it changes. */
#include "switchgear/agent.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/log.h"
#include "base/error.h"

struct swg_agent {
    struct swgi_agent *agent;
    pthread_t thread;
    struct swgi_file_errors errors;
};

/* Options of an older caller are shorter, of a newer one longer: then what we do not know must be zero. */
static int read_options(const struct swg_agent_options *given, struct swg_agent_options *out,
                        struct swg_error *error) {
    const unsigned char *bytes = (const unsigned char *)given;
    uint32_t size = given->size;

    if (size < sizeof(given->size))
        return swgi_fail(error, -EINVAL, "size", "begin with SWG_AGENT_OPTIONS_INIT");
    for (size_t i = sizeof(*out); i < size; i++) {
        if (bytes[i] != 0)
            return swgi_fail(error, -E2BIG, "size",
                             "these options ask for something a newer library knows");
    }
    memcpy(out, given, size < sizeof(*out) ? size : sizeof(*out));
    return 0;
}

static struct swgi_agent_options inside(const struct swg_agent_options *options) {
    return (struct swgi_agent_options){
        .config = options->config,
        .environment = options->environment,
        .listen = options->listen,
        .socket = options->socket,
        .database = options->database,
        .tokens = options->tokens_file,
        .public_reads = options->public_reads != 0,
        .is_embedded = true,
        .log_level = options->log > 0    ? SWGI_LOG_INFO
                     : options->log == 0 ? SWGI_LOG_WARNING
                                         : SWGI_LOG_ERROR + 1,
    };
}

static void *run(void *arg) {
    swgi_agent_run(arg);
    return NULL;
}

/* Signals are the program's: none is delivered to our thread. */
static int start_thread(struct swg_agent *agent) {
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&agent->thread, NULL, run, agent->agent);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -rc;
}

static void tell(const struct swgi_file_errors *errors, struct swg_error *error) {
    const struct swg_error *first = &errors->errors[0];

    if (errors->count == 0 || !error)
        return;
    swgi_fail(error, first->code, first->key, "%s", first->text);
    if (error->size >= offsetof(struct swg_error, key)) {
        error->line = first->line;
        error->column = first->column;
    }
}

int swg_agent_start(struct swg_agent **out, struct swg_panel *panel,
                    const struct swg_agent_options *options, struct swg_error *error) {
    struct swg_agent_options known = SWG_AGENT_OPTIONS_INIT;
    struct swgi_agent_options words;
    struct swg_agent *agent;
    int rc = 0;

    if (!out || !panel)
        return swgi_fail(error, -EINVAL, out ? "panel" : "out", "it must not be NULL");
    if (options)
        rc = read_options(options, &known, error);
    if (rc != 0)
        return rc;
    agent = calloc(1, sizeof(*agent));
    if (!agent)
        return swgi_fail(error, -ENOMEM, "", "no memory");
    words = inside(&known);
    rc = swgi_agent_new(&agent->agent, &words, panel, &agent->errors, error);
    if (rc != 0)
        tell(&agent->errors, error);
    if (rc == 0) {
        rc = start_thread(agent);
        if (rc != 0) {
            swgi_agent_free(agent->agent);
            swgi_fail(error, rc, "", "no thread for the agent: %s", strerror(-rc));
        }
    }
    if (rc == 0)
        *out = agent;
    else
        free(agent);
    return rc;
}

int swg_agent_port(const struct swg_agent *agent) {
    return agent ? swgi_agent_port(agent->agent) : -EINVAL;
}

struct swg_agent *swg_agent_stop(struct swg_agent *agent) {
    if (!agent)
        return NULL;
    swgi_agent_stop(agent->agent);
    pthread_join(agent->thread, NULL);
    swgi_agent_free(agent->agent);
    free(agent);
    return NULL;
}
