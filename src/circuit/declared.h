/*
 * What a configuration file says of circuits, as the floor below the file sees it: one question,
 * asked when a circuit is made by use. The file answers (config/apply.c).
 */
#ifndef SWGI_CIRCUIT_DECLARED_H
#define SWGI_CIRCUIT_DECLARED_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/settings.h"
#include "switchgear/switchgear.h"

struct swgi_declared;

/* What a circuit is to be, by the file. */
struct swgi_declaration {
    struct swgi_settings settings;
    bool histogram_asked;  /* breaker.histogram was set by name */
    const char *pattern;   /* NULL: it is declared by its own name */
    uint32_t pattern_max;  /* so many circuits under that pattern; 0: no such bound */
    uint32_t circuits_max; /* so many circuits made by use in all; 0: no such bound */
};

struct swgi_declared {
    _Atomic uint32_t references;
    const char *path; /* told in `why` and in errors */
    int beyond;       /* SWG_BEYOND_..., -1: as the panel's options say */
    void (*free)(struct swgi_declared *declared);
    /* 0 and *out; -ENOENT and *error, which names the file: no circuit of that name may be. */
    int (*find)(const struct swgi_declared *declared, const char *name,
                struct swgi_declaration *out, struct swg_error *error);
    /* Does the name belong to the pattern (and to no circuit or longer pattern)? */
    bool (*under)(const struct swgi_declared *declared, const char *pattern, const char *name);
};

/* The panel's file, with a reference; NULL: none is loaded. */
struct swgi_declared *swgi_declared_of(struct swg_panel *panel);
/* One thread of a process loads at a time; a forked child does not wait for its parent's. false:
 * another one does. */
bool swgi_declared_begin(struct swg_panel *panel);
void swgi_declared_end(struct swg_panel *panel);
/* From now on it is this one. */
void swgi_declared_set(struct swg_panel *panel, struct swgi_declared *declared);
struct swgi_declared *swgi_declared_ref(struct swgi_declared *declared);
struct swgi_declared *swgi_declared_unref(struct swgi_declared *declared);

#endif
