/* Who looks for trouble at night must not be stopped by somebody's typing mistake; who makes circuits must not guess their settings. */
#include "cli/settings_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "cli/commands.h"
#include "cli/message.h"
#include "cli/panel.h"

#define WARNINGS_MAX 3u

void swgi_say_file_errors(const char *path, const struct swgi_file_errors *errors, unsigned most) {
    unsigned kept = errors->count < SWGI_FILE_ERRORS_MAX ? errors->count : SWGI_FILE_ERRORS_MAX;

    for (unsigned i = 0; i < kept && i < most; i++) {
        const struct swg_error *error = &errors->errors[i];
        const char *separator = error->key[0] ? ": " : "";

        if (error->line > 0)
            swgi_say("%s:%d:%d: %s%s%s", path, error->line, error->column, error->key, separator,
                     error->text);
        else
            swgi_say("%s%s%s", error->key, separator, error->text);
    }
    if (errors->count > most)
        swgi_say("and %u more", errors->count - most);
}

/* Makes circuits, or changes them: by the file, or not at all. */
static bool depends_on_it(const struct swgi_options *options) {
    return (options->command->takes & SWGI_TAKES_CALL) != 0;
}

/* A name mistyped is no broken file: whoever goes on would look at another panel, or act on it. */
static bool is_missing(int rc) {
    return rc == -ENOENT || rc == -ENOTDIR;
}

static int complain(const struct swgi_options *options, int rc,
                    const struct swgi_file_errors *errors) {
    bool refuses = depends_on_it(options) || is_missing(rc);

    swgi_say_file_errors(options->config, errors, refuses ? SWGI_FILE_ERRORS_MAX : WARNINGS_MAX);
    if (refuses)
        return EX_CONFIG;
    swgi_tell(options, "going on without %s", options->config);
    return 0;
}

/* The last part of a path, and the folder it is in. */
static const char *split(const char *path, char *folder, size_t size, struct stat *status) {
    const char *slash = strrchr(path, '/');

    snprintf(folder, size, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    if (stat(folder[0] ? folder : "/", status) != 0)
        *status = (struct stat){ 0 };
    return slash ? slash + 1 : path;
}

/* However they are written. */
static bool is_same_panel(const char *a, const char *b) {
    char folder[SWGI_PANEL_PATH_MAX];
    struct stat of_a, of_b;
    const char *name_a = split(a, folder, sizeof(folder), &of_a);
    const char *name_b = split(b, folder, sizeof(folder), &of_b);

    if (strcmp(a, b) == 0)
        return true;
    return strcmp(name_a, name_b) == 0 && of_a.st_ino != 0 && of_a.st_ino == of_b.st_ino &&
           of_a.st_dev == of_b.st_dev;
}

/* A file that nobody named speaks for its own panel, and of no other. */
static void settle_panel(struct swgi_options *options) {
    struct swgi_options its = *options;

    if (options->panel_is_default) {
        if (options->file->panel.path[0])
            swgi_options_take_panel(options, options->file->panel.path);
        return;
    }
    if (options->file->panel.path[0])
        swgi_options_take_panel(&its, options->file->panel.path);
    else
        swgi_panel_default_path(its.panel, sizeof(its.panel));
    if (options->config_is_default && !is_same_panel(its.panel, options->panel))
        swgi_settings_file_unload(options);
}

static int read_file(struct swgi_options *options, struct swgi_file_errors *errors) {
    /* A panel keeps the path of its file, for people who look at it from elsewhere. */
    char *whole = realpath(options->config, NULL);
    int rc = swgi_file_read(&options->file, whole ? whole : options->config, NULL, errors);

    free(whole);
    if (rc == 0)
        settle_panel(options);
    else
        options->file = NULL;
    if (rc == 0 || (rc == -ENOENT && options->config_is_default))
        return 0;
    return complain(options, rc, errors);
}

int swgi_settings_file_load(struct swgi_options *options) {
    struct swgi_file_errors *errors;
    int status;

    if (options->config_is_default)
        swgi_file_default_path(options->config, sizeof(options->config));
    if ((options->command->takes & SWGI_TAKES_FILE) || swgi_runs_elsewhere(options->command))
        return 0;
    errors = calloc(1, sizeof(*errors));
    if (!errors) {
        swgi_say("out of memory");
        return EX_OSERR;
    }
    status = read_file(options, errors);
    free(errors);
    return status;
}

void swgi_settings_file_unload(struct swgi_options *options) {
    options->file = options->file ? swgi_file_unref(options->file) : NULL;
}

const char *swgi_alias_target(const struct swgi_file *file, const char *alias) {
    const struct swgi_file_circuit *entry = file ? swgi_file_alias(file, alias) : NULL;

    return entry && !entry->is_pattern && strcmp(entry->name, alias) != 0 ? entry->name : NULL;
}

bool swgi_is_alias_of(const struct swgi_file *file, const char *alias, const char *circuit) {
    const char *target = swgi_alias_target(file, alias);

    return target && strcmp(target, circuit) == 0;
}

const struct swgi_file_circuit *swgi_entry_of(const struct swgi_file *file, const char *name) {
    return file ? swgi_file_circuit(file, name) : NULL;
}
