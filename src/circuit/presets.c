/* Presets as a list that can be searched. */
#include "circuit/presets.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "engine/settings.h"

const struct swgi_preset swgi_presets[] = {
#define SWGI_PRESET(name, ...) { #name, (const char *const[]){ __VA_ARGS__, NULL } },
#include "tables/presets.h"
};
#define PRESETS (sizeof(swgi_presets) / sizeof(swgi_presets[0]))
const unsigned swgi_presets_count = PRESETS;
static_assert(PRESETS <= SWGI_PRESETS_MAX, "each has its settings worked out");

/* A name must fit where the panel keeps it. */
#define SWGI_PRESET(name, ...) \
    static_assert(sizeof(#name) <= sizeof(((struct swgi_settings *)NULL)->preset), #name);
#include "tables/presets.h"

static const char barred_names[] =
#define SWGI_PRESET(name, ...) "|" #name
#include "tables/presets.h"
    ;
const char *const swgi_preset_names = barred_names + 1;

int swgi_preset_find(const char *name, const struct swgi_preset **out, struct swg_error *error) {
    struct swgi_nearest nearest = SWGI_NEAREST(name);

    for (size_t i = 0; i < PRESETS; i++) {
        if (strcmp(name, swgi_presets[i].name) == 0) {
            *out = &swgi_presets[i];
            return 0;
        }
        swgi_nearest_offer(&nearest, swgi_presets[i].name);
    }
    return swgi_fail(error, -EINVAL, "preset", "\"%.40s\" is no preset%s%s%s; allowed: %s", name,
                     nearest.name != NULL ? ", did you mean " : "",
                     nearest.name != NULL ? nearest.name : "", nearest.name != NULL ? "?" : "",
                     swgi_preset_names);
}
