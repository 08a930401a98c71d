/* The agent from the command line: what is said beside its file, and what is wrong with either. */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/tokens.h"
#include "cli/commands.h"
#include "cli/message.h"
#include "cli/panel.h"

#define LARGE_BYTES (256 * 1024)

/* Large, and needed once. */
static struct swgi_file_errors errors;

/* The token alone goes to stdout; its line goes where it can be appended to the file. */
static int make_token(const struct swgi_options *options) {
    char token[SWGI_TOKEN_TEXT_MAX], line[SWGI_TOKEN_LINE_MAX];
    struct swg_error error = SWG_ERROR_INIT;

    if (options->arguments_count != 1) {
        swgi_say("--make-token NAME ROLE: say a role: viewer, operator or admin");
        return EX_USAGE;
    }
    if (swgi_token_make(options->make_token, options->arguments[0], token, line, &error) != 0) {
        swgi_say("--make-token: '%s': %s", error.key, error.text);
        return EX_USAGE;
    }
    printf("%s\n", token);
    fflush(stdout);
    fprintf(stderr, "%s\n", line);
    explicit_bzero(token, sizeof(token));
    return 0;
}

static void say_errors(const char *path) {
    for (unsigned i = 0; i < errors.count && i < SWGI_FILE_ERRORS_MAX; i++) {
        const struct swg_error *error = &errors.errors[i];

        if (error->line > 0)
            swgi_say("%s:%d:%d: %s%s%s", path, error->line, error->column, error->key,
                     error->key[0] ? ": " : "", error->text);
        else
            swgi_say("%s%s%s", error->key, error->key[0] ? ": " : "", error->text);
    }
    if (errors.count > SWGI_FILE_ERRORS_MAX)
        swgi_say("and %u more", errors.count - SWGI_FILE_ERRORS_MAX);
}

static const char *said(const char *option, const char *variable) {
    const char *value = option ? option : getenv(variable);

    return value && value[0] ? value : NULL;
}

static struct swgi_agent_options read_words(const struct swgi_options *options) {
    return (struct swgi_agent_options){
        .config = options->config_is_default ? NULL : options->config,
        .environment = options->environment,
        .panel = options->panel_is_default ? NULL : options->panel,
        .panel_default = options->panel,
        .listen = said(options->listen, "SWITCHGEAR_LISTEN"),
        .socket = said(options->socket, "SWITCHGEAR_SOCKET"),
        .database = said(options->database, "SWITCHGEAR_DATABASE"),
        .tokens = said(options->tokens, "SWITCHGEAR_TOKENS_FILE"),
        .log_level = options->quiet     ? 2
                     : options->verbose ? 0
                                        : -1,
    };
}

/* As the agent does: a file in the default place need not be there. "": all defaults. */
static const char *config_path(const struct swgi_agent_options *words, char *out, size_t size) {
    if (words->config)
        return words->config;
    swgi_file_default_path(out, size);
    if (access(out, F_OK) != 0 && errno == ENOENT)
        out[0] = '\0';
    return out;
}

/* What is refused is refused with the same status whether it is only checked or meant. */
static int status_of(int rc) {
    switch (rc) {
    case 0:
        return 0;
    case -EBUSY:
    case -EADDRINUSE:
        return EX_TEMPFAIL;
    case -EINVAL:
    case -ENOENT:
    case -ENOTDIR:
    case -EISDIR:
    case -EEXIST:
    case -EFBIG:
    case -ENAMETOOLONG:
    case -EADDRNOTAVAIL:
        return EX_CONFIG;
    default:
        return swgi_fault_status(rc);
    }
}

static int check(const struct swgi_agent_options *words, const char *path, bool quiet) {
    struct swgi_file *file = NULL;
    struct swg_error error = SWG_ERROR_INIT;
    size_t tokens = 0;
    int rc = swgi_agent_read_file(words, path, &file, &errors);

    if (rc != 0) {
        say_errors(path);
        return EX_CONFIG;
    }
    rc = swgi_agent_check(file, &tokens, &error);
    if (rc != 0)
        swgi_say("%s: %s", error.key, error.text);
    else if (!quiet)
        printf("%s is good: %u circuits and patterns, %u alerts, %zu tokens\n",
               path[0] ? path : "no file, which", file->circuits_count, file->alerts_count, tokens);
    swgi_file_unref(file);
    return status_of(rc);
}

static int explain(const char *path, int rc, const struct swg_error *error) {
    say_errors(path);
    swgi_say("%s%s%s", error->key, error->key[0] ? ": " : "", swgi_fault_text(rc, error));
    return errors.count > 0 ? EX_CONFIG : status_of(rc);
}

/* Whole answers of many circuits take megabytes for a moment: they go back to the system, and one heap is enough for two threads. */
static void keep_little_memory(void) {
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
    mallopt(M_ARENA_MAX, 1);
}

int swgi_agent_command_run(const struct swgi_options *options) {
    struct swgi_agent_options words = read_words(options);
    struct swg_error error = SWG_ERROR_INIT;
    struct swgi_agent *agent = NULL;
    char default_path[4096] = "";
    const char *path = config_path(&words, default_path, sizeof(default_path));
    int rc;

    if (options->make_token)
        return make_token(options);
    if (options->arguments_count > 0) {
        swgi_say("agent takes no argument but with --make-token");
        return EX_USAGE;
    }
    if (options->check || options->dry_run)
        return check(&words, path, options->quiet);
    keep_little_memory();
    rc = swgi_agent_new(&agent, &words, NULL, &errors, &error);
    if (rc != 0)
        return explain(path, rc, &error);
    swgi_agent_run(agent);
    swgi_agent_free(agent);
    return 0;
}
