/* `switchgear check-config`: is the file good, and what does it come to? */
#include "cli/check_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <jansson.h>

#include "cli/commands.h"
#include "cli/message.h"
#include "config/tell.h"
#include "report/json.h"
#include "report/text.h"

struct check {
    char path[4096];
    struct swgi_file *file; /* NULL: it is wrong */
    struct swgi_file_errors errors, warnings;
};

static unsigned kept(const struct swgi_file_errors *errors) {
    return errors->count < SWGI_FILE_ERRORS_MAX ? errors->count : SWGI_FILE_ERRORS_MAX;
}

/* As compilers tell theirs, so that editors find the place. */
static void tell_one(const struct check *check, const struct swg_error *error, const char *kind) {
    char place[sizeof(check->path) + 32], clean[sizeof(place) + 512], line[sizeof(clean)];

    if (error->line != 0)
        snprintf(place, sizeof(place), "%s:%d:%d: ", check->path, error->line, error->column);
    else
        place[0] = '\0';
    snprintf(line, sizeof(line), "%s%s%s%s%s", place, error->line != 0 ? error->key : "",
             error->line != 0 && error->key[0] != '\0' ? ": " : "", kind, error->text);
    fprintf(stderr, "%s\n", swgi_clean_text(line, true, clean, sizeof(clean)));
}

static void tell(const struct check *check, const struct swgi_file_errors *errors,
                 const char *kind) {
    for (unsigned i = 0; i < kept(errors); i++)
        tell_one(check, &errors->errors[i], kind);
    if (errors->count > kept(errors))
        fprintf(stderr, "... and %u more\n", errors->count - kept(errors));
}

static unsigned patterns(const struct swgi_file *file) {
    unsigned count = 0;

    for (unsigned i = 0; i < file->circuits_count; i++)
        count += file->circuits[i].is_pattern;
    return count;
}

static const char *plural(unsigned count) {
    return count == 1 ? "" : "s";
}

static void tell_good(const struct swgi_options *options, const struct check *check) {
    const struct swgi_file *file = check->file;
    unsigned pattern_count = patterns(file), circuits = file->circuits_count - pattern_count;
    char clean[sizeof(check->path)];

    if (options->quiet)
        return;
    printf("%s: good: %u circuit%s, %u pattern%s, %u alert%s, %u receiver%s",
           swgi_clean_text(check->path, true, clean, sizeof(clean)), circuits, plural(circuits),
           pattern_count, plural(pattern_count), file->alerts_count, plural(file->alerts_count),
           file->receivers_count, plural(file->receivers_count));
    if (file->environment[0] != '\0')
        printf("; environment %s", file->environment);
    if (check->warnings.count > 0)
        printf("; %u warning%s", check->warnings.count, plural(check->warnings.count));
    printf("\n");
}

/* ---- for programs */

static json_t *places(const struct swgi_file_errors *errors) {
    json_t *list = json_array();

    for (unsigned i = 0; i < kept(errors); i++) {
        const struct swg_error *error = &errors->errors[i];

        json_array_append_new(list, json_pack("{s:i, s:i, s:o, s:o}", "line", error->line, "column",
                                              error->column, "key", swgi_json_text(error->key),
                                              "text", swgi_json_text(error->text)));
    }
    return list;
}

static int tell_json(const struct check *check) {
    const struct swgi_file *file = check->file;
    json_t *root = json_pack("{s:o, s:b, s:i, s:o, s:i, s:o}", "file", swgi_json_text(check->path),
                             "good", file != NULL, "errors_count", (int)check->errors.count,
                             "errors", places(&check->errors), "warnings_count",
                             (int)check->warnings.count, "warnings", places(&check->warnings));

    if (file != NULL)
        json_object_update_new(
            root,
            json_pack("{s:s, s:i, s:i, s:i, s:i}", "environment", file->environment, "circuits",
                      (int)(file->circuits_count - patterns(file)), "patterns", (int)patterns(file),
                      "alerts", (int)file->alerts_count, "receivers", (int)file->receivers_count));
    json_dumpf(root, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(root);
    return file != NULL ? 0 : EX_CONFIG;
}

/* ---- the command */

static void find_path(const struct swgi_options *options, struct check *check) {
    if (options->arguments_count > 0)
        snprintf(check->path, sizeof(check->path), "%s", options->arguments[0]);
    else
        snprintf(check->path, sizeof(check->path), "%s", options->config);
}

static int report(const struct swgi_options *options, struct check *check) {
    bool good = check->file != NULL;

    if (options->json && !(good && options->print))
        return tell_json(check);
    if (!options->quiet)
        tell(check, &check->warnings, "warning: ");
    tell(check, &check->errors, "");
    if (good && options->print && options->json)
        swgi_check_print_json(stdout, check->file);
    else if (good && options->print)
        swgi_check_print(stdout, check->file, options->verbose);
    else if (good)
        tell_good(options, check);
    else
        swgi_say("%s: %u error%s, nothing of it can be used", check->path, check->errors.count,
                 plural(check->errors.count));
    return good ? 0 : EX_CONFIG;
}

static int check_file(const struct swgi_options *options) {
    struct check *check = calloc(1, sizeof(*check));

    if (check == NULL) {
        swgi_say("no memory");
        return EX_OSERR;
    }
    find_path(options, check);
    if (swgi_file_read(&check->file, check->path, options->environment, &check->errors) == 0)
        swgi_file_warn(check->file, &check->warnings);
    int status = report(options, check);
    swgi_file_unref(check->file);
    free(check);
    return status;
}

int swgi_check_config_run(const struct swgi_options *options) {
    if (options->schema) {
        swgi_check_schema(stdout);
        return 0;
    }
    if (options->manual) {
        swgi_check_manual(stdout);
        return 0;
    }
    if (options->explain)
        return swgi_check_explain(stdout,
                                  options->arguments_count > 0 ? options->arguments[0] : NULL)
                   ? 0
                   : EX_USAGE;
    return check_file(options);
}
