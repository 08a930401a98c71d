/* The presets of tables/presets.h, by name. */
#ifndef SWGI_CIRCUIT_PRESETS_H
#define SWGI_CIRCUIT_PRESETS_H

#include "switchgear/switchgear.h"

struct swgi_preset {
    const char *name;
    const char *const *rows; /* "key=value", NULL at the end */
};

#define SWGI_PRESETS_MAX 32u
extern const struct swgi_preset swgi_presets[];
extern const unsigned swgi_presets_count;
extern const char *const swgi_preset_names; /* "default|read|..." */

/* *out is of swgi_presets; -EINVAL and an error that tells what was meant, if anything near is known. */
int swgi_preset_find(const char *name, const struct swgi_preset **out, struct swg_error *error);

#endif
