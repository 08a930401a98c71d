/* From what was typed to panels and circuits. Each function has said what was wrong when it does not return 0. */
#ifndef SWGI_CLI_PANEL_H
#define SWGI_CLI_PANEL_H

#include "cli/options.h"
#include "report/text.h"
#include "switchgear/switchgear.h"

/* access: SWG_PANEL_CREATE ...; returns 0 or the exit status. */
int swgi_panel_attach(const struct swgi_options *options, int access, struct swg_panel **out);
/* The library adds it: the major version of the layout is in the file's name. */
#define SWGI_PANEL_SUFFIX ".v1.panel"
/* The panel people mean when they name none. */
void swgi_panel_default_path(char *out, size_t out_size);
/* Scope cleanup. */
void swgi_panel_release(struct swg_panel **panel);

/* Circuits, sorted by name. */
struct swgi_circuits {
    struct swg_circuit **at;
    size_t count;
    bool by_pattern; /* a glob or --all chose some of them */
};

/*
 * The circuits of these names, aliases (of file; NULL: none) and globs; no name at all, or all: every circuit. 0, or 69 when a name or glob stands for nothing:
 * what it might have meant was said then.
 */
int swgi_circuits_select(struct swg_panel *panel, const struct swgi_file *file, char *const *names,
                         size_t names_count, bool all, struct swgi_circuits *out);
/* The circuit of that name, else the one whose alias that is in the file (NULL: none). 0 or -ENOENT. */
int swgi_circuit_named(struct swg_panel *panel, const struct swgi_file *file, const char *name,
                       struct swg_circuit **out);
void swgi_circuits_deinit(struct swgi_circuits *circuits);
bool swgi_is_glob(const char *name);
/* The panel's own circuit, for those that find no place, is news only when somebody found none. */
bool swgi_is_idle_beyond(const struct swg_status *status);

#endif
