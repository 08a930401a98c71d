/* Presets as a list that can be searched. */
#include "circuit/presets.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "engine/settings.h"

static const struct swgi_preset presets[] = {
#define SWGI_PRESET(name, ...) { #name, (const char *const[]){ __VA_ARGS__, NULL } },
#include "tables/presets.h"
};
#define PRESETS (sizeof(presets) / sizeof(presets[0]))

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
        if (strcmp(name, presets[i].name) == 0) {
            *out = &presets[i];
            return 0;
        }
        swgi_nearest_offer(&nearest, presets[i].name);
    }
    return swgi_fail(error, -EINVAL, "preset", "\"%.40s\" is no preset%s%s%s; allowed: %s", name,
                     nearest.name != NULL ? ", did you mean " : "",
                     nearest.name != NULL ? nearest.name : "", nearest.name != NULL ? "?" : "",
                     swgi_preset_names);
}
