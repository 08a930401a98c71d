/* What a file answers when a circuit is made by use. */
#include "config/answer.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "config/file.h"

static const struct swgi_file *file_of(const struct swgi_declared *declared) {
    return (const struct swgi_file *)declared; /* its first member */
}

static int refuse(const struct swgi_file *file, const char *name, bool matches,
                  struct swg_error *error) {
    if (matches)
        return swgi_fail(error, -ENOENT, name,
                         "there is no such circuit, and %.120s makes none by use"
                         " (limits.auto_create is no); declare it there",
                         file->path);
    return swgi_fail(error, -ENOENT, name,
                     "there is no such circuit in %.120s, and no pattern that it is under; declare"
                     " it there",
                     file->path);
}

int swgi_file_answer(const struct swgi_declared *declared, const char *name,
                     struct swgi_declaration *out, struct swg_error *error) {
    const struct swgi_file *file = file_of(declared);
    const struct swgi_file_circuit *circuit = swgi_file_circuit(file, name);

    if (circuit == NULL || (circuit->is_pattern && !file->limits.auto_create))
        return refuse(file, name, circuit != NULL, error);
    *out = (struct swgi_declaration){ .pattern = circuit->is_pattern ? circuit->name : NULL,
                                      .pattern_max = circuit->max,
                                      .circuits_max =
                                          circuit->is_pattern ? file->limits.circuits_max : 0 };
    out->histogram_asked = swgi_config_sets(circuit->config, "breaker.histogram");
    return swgi_config_apply(circuit->config, NULL, &out->settings, error);
}

bool swgi_file_under(const struct swgi_declared *declared, const char *pattern, const char *name) {
    const struct swgi_file_circuit *circuit = swgi_file_circuit(file_of(declared), name);

    return circuit != NULL && strcmp(circuit->name, pattern) == 0;
}
