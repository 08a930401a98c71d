/* Every command begins by finding its panel and its circuits; most of what goes wrong for people goes wrong here. */
#include "cli/panel.h"

#include <err.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/message.h"
#include "cli/settings_file.h"

#define SYSTEM_PANEL "/run/switchgear/main"

void swgi_panel_default_path(char *out, size_t out_size) {
    const char *runtime = getenv("XDG_RUNTIME_DIR");

    if (geteuid() == 0 || access(SYSTEM_PANEL SWGI_PANEL_SUFFIX, F_OK) == 0)
        snprintf(out, out_size, "%s", SYSTEM_PANEL);
    else if (runtime && runtime[0] == '/')
        snprintf(out, out_size, "%s/switchgear/main", runtime);
    else
        snprintf(out, out_size, "/run/user/%u/switchgear/main", (unsigned)geteuid());
}

/* A first call finds no folder yet. Only the last part of the default path is made: any other one is somebody's own. */
static void make_default_folder(const char *path) {
    char folder[SWGI_PANEL_PATH_MAX];
    char *slash;

    snprintf(folder, sizeof(folder), "%s", path);
    slash = strrchr(folder, '/');
    if (!slash)
        return;
    *slash = '\0';
    if (mkdir(folder, 0750) != 0 && errno != EEXIST)
        swgi_say("cannot make the folder %s: %s", folder, strerror(errno));
}

static int explain(const struct swgi_options *options, int access, int rc,
                   const struct swg_error *error) {
    bool may_make = access == SWG_PANEL_CREATE;

    if (rc != -ENOENT) {
        swgi_say("panel %s: %s", options->panel, swgi_fault_text(rc, error));
        return rc == -EBUSY ? EX_TEMPFAIL : rc == -EINVAL ? EX_USAGE : swgi_fault_status(rc);
    }
    if (may_make)
        swgi_say("panel %s: %s", options->panel, swgi_fault_text(rc, error));
    else
        swgi_say("there is no panel %s" SWGI_PANEL_SUFFIX, options->panel);
    if (options->panel_is_default)
        swgi_say("%sanother place: --panel PATH or SWITCHGEAR_PANEL",
                 may_make ? "" : "a program that uses one makes it; ");
    return EX_UNAVAILABLE;
}

/* Who holds a permit is told by name, and "switchgear" would be everybody's: "exec rsync". */
static void name_process(const struct swgi_options *options, char *out, size_t out_size) {
    const char *command = options->arguments_count > 1 ? options->arguments[1] : "";
    const char *slash = strrchr(command, '/');

    snprintf(out, out_size, "exec %s", slash ? slash + 1 : command);
}

/* A panel that is made by this is as large as the file says; one that is there is as it is. */
static int open_or_make(const struct swgi_options *options, struct swg_panel_options *wanted,
                        struct swg_panel **out, struct swg_error *error) {
    const struct swgi_file_panel *asked = options->file ? &options->file->panel : NULL;
    struct swg_panel_options there = *wanted;
    int rc;

    if (wanted->access != SWG_PANEL_CREATE || !asked)
        return swg_panel_open(out, wanted, error);
    there.access = SWG_PANEL_ATTACH;
    rc = swg_panel_open(out, &there, error);
    if (rc != -ENOENT)
        return rc;
    wanted->circuits_max = asked->circuits_max;
    wanted->columns_max = asked->columns_max;
    wanted->histograms_max = asked->histograms_max;
    wanted->policies_max = asked->policies_max;
    wanted->slots_max = asked->slots_max;
    rc = swg_panel_open(out, wanted, error);
    return rc == -ERANGE ? swg_panel_open(out, &there, error) : rc; /* somebody was faster */
}

int swgi_panel_attach(const struct swgi_options *options, int access, struct swg_panel **out) {
    struct swg_panel_options wanted = SWG_PANEL_OPTIONS_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    char process[32];
    int rc;

    if (options->command->takes & SWGI_TAKES_EXEC) {
        name_process(options, process, sizeof(process));
        wanted.process_name = process;
    }
    if (access == SWG_PANEL_CREATE && options->panel_is_default)
        make_default_folder(options->panel);
    wanted.path = options->panel;
    wanted.access = access;
    rc = open_or_make(options, &wanted, out, &error);
    return rc < 0 ? explain(options, access, rc, &error) : 0;
}

void swgi_panel_release(struct swg_panel **panel) {
    *panel = swg_panel_unref(*panel);
}

bool swgi_is_glob(const char *name) {
    return strpbrk(name, "*?[") != NULL;
}

static void add(struct swgi_circuits *circuits, struct swg_circuit *circuit) {
    if ((circuits->count & (circuits->count - 1)) == 0) {
        size_t room = circuits->count ? 2 * circuits->count : 1;

        circuits->at = reallocarray(circuits->at, room, sizeof(circuits->at[0]));
        if (!circuits->at)
            errx(EX_OSERR, "out of memory");
    }
    circuits->at[circuits->count++] = circuit;
}

static void offer_aliases(const struct swgi_file *file, struct swgi_nearest *nearest) {
    for (unsigned i = 0; file && i < file->circuits_count; i++)
        if (file->circuits[i].alias[0])
            swgi_nearest_offer(nearest, file->circuits[i].alias);
}

/* Declared, but nobody made it yet. */
static int not_yet(const struct swgi_file *file, const char *name) {
    const char *target = swgi_alias_target(file, name);

    swgi_say("there is no circuit '%s' yet, for which '%s' stands in %s", target, name, file->path);
    return EX_UNAVAILABLE;
}

static int unknown(struct swg_panel *panel, const struct swgi_file *file, const char *name) {
    struct swgi_nearest nearest = SWGI_NEAREST(name);
    struct swg_circuit *circuit;
    char clean[SWGI_CLEAN_MAX];

    if (!swgi_is_glob(name) && !swgi_name_valid(name)) {
        swgi_say("'%s' is no name of a circuit: 1 to 127 of A-Z a-z 0-9 . _ : @ / -",
                 swgi_clean_text(name, true, clean, sizeof(clean)));
        return EX_USAGE;
    }
    if (swgi_alias_target(file, name))
        return not_yet(file, name);
    for (uint32_t cursor = 0; swg_panel_next_circuit(panel, &cursor, &circuit) == 0;)
        swgi_nearest_offer(&nearest, swg_circuit_name(circuit));
    offer_aliases(file, &nearest);
    if (swgi_is_glob(name))
        swgi_say("no circuit matches '%s'", swgi_clean_text(name, true, clean, sizeof(clean)));
    else if (nearest.name)
        swgi_say("there is no circuit '%s'; did you mean '%s'?", name,
                 swgi_clean_text(nearest.name, true, clean, sizeof(clean)));
    else
        swgi_say("there is no circuit '%s'; 'switchgear status' lists them", name);
    return EX_UNAVAILABLE;
}

bool swgi_is_idle_beyond(const struct swg_status *status) {
    return strcmp(status->name, "_beyond") == 0 && status->calls == 0 &&
           status->state == SWG_STATE_CLOSED && status->mode == SWG_MODE_NORMAL;
}

static bool is_idle_beyond(const struct swg_circuit *circuit) {
    struct swg_status status = SWG_STATUS_INIT;

    return swg_circuit_status(circuit, &status) == 0 && swgi_is_idle_beyond(&status);
}

static int select_glob(struct swg_panel *panel, const char *glob, struct swgi_circuits *out) {
    struct swg_circuit *circuit;
    size_t matches = 0;

    for (uint32_t cursor = 0; swg_panel_next_circuit(panel, &cursor, &circuit) == 0;) {
        if (fnmatch(glob, swg_circuit_name(circuit), 0) == 0 && !is_idle_beyond(circuit)) {
            add(out, circuit);
            matches++;
        }
    }
    out->by_pattern = true;
    return matches ? 0 : unknown(panel, NULL, glob);
}

int swgi_circuit_named(struct swg_panel *panel, const struct swgi_file *file, const char *name,
                       struct swg_circuit **out) {
    const char *target = swgi_alias_target(file, name);

    if (swgi_name_valid(name) && swg_circuit_find(panel, name, out) == 0)
        return 0;
    return target ? swg_circuit_find(panel, target, out) : -ENOENT;
}

static int select_one(struct swg_panel *panel, const struct swgi_file *file, const char *name,
                      struct swgi_circuits *out) {
    struct swg_circuit *circuit;

    if (swgi_is_glob(name))
        return select_glob(panel, name, out);
    if (swgi_circuit_named(panel, file, name, &circuit) < 0)
        return unknown(panel, file, name);
    add(out, circuit);
    return 0;
}

static void select_all(struct swg_panel *panel, struct swgi_circuits *out) {
    struct swg_circuit *circuit;

    for (uint32_t cursor = 0; swg_panel_next_circuit(panel, &cursor, &circuit) == 0;) {
        if (!is_idle_beyond(circuit))
            add(out, circuit);
    }
}

static int by_name(const void *a, const void *b) {
    struct swg_circuit *const *left = a, *const *right = b;

    return strcmp(swg_circuit_name(*left), swg_circuit_name(*right));
}

/* A circuit that two globs chose is one circuit: handles are the same for the same name. */
static void sort(struct swgi_circuits *circuits) {
    size_t kept = 0;

    if (circuits->count == 0)
        return;
    qsort(circuits->at, circuits->count, sizeof(circuits->at[0]), by_name);
    for (size_t i = 1; i < circuits->count; i++) {
        if (circuits->at[i] != circuits->at[kept])
            circuits->at[++kept] = circuits->at[i];
    }
    circuits->count = kept + 1;
}

int swgi_circuits_select(struct swg_panel *panel, const struct swgi_file *file, char *const *names,
                         size_t names_count, bool all, struct swgi_circuits *out) {
    int status = 0;

    *out = (struct swgi_circuits){ .by_pattern = all || names_count == 0 };
    for (size_t i = 0; status == 0 && i < names_count; i++)
        status = select_one(panel, file, names[i], out);
    if (status == 0 && (all || names_count == 0))
        select_all(panel, out);
    if (status)
        swgi_circuits_deinit(out);
    else
        sort(out);
    return status;
}

void swgi_circuits_deinit(struct swgi_circuits *circuits) {
    free(circuits->at);
    *circuits = (struct swgi_circuits){ 0 };
}
