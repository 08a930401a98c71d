/* Layers to circuits: the file's defaults, each entry, the environment over both. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/parse.h"

/* The environment's entry of that name, by a scan: an environment has few. */
static struct swgi_file_circuit *entry_of(struct swgi_circuits *circuits, const char *name) {
    for (unsigned i = 0; i < circuits->count; i++)
        if (strcmp(circuits->at[i].name, name) == 0)
            return &circuits->at[i];
    return NULL;
}

/* named is the entry that out is called after; own and over may be NULL. An alias may come from an
 * entry's key, without being given. */
static int combine(struct swgi_parse *parse, const struct swgi_file_circuit *named,
                   const struct swgi_file_circuit *own, const struct swgi_file_circuit *over,
                   struct swgi_file_circuit *out) {
    int rc = swgi_circuit_copy(out, &parse->own.defaults);

    memcpy(out->name, named->name, sizeof(out->name));
    out->line = named->line;
    out->column = named->column;
    out->is_pattern = named->is_pattern;
    if (rc == 0)
        out->origins->is_misnamed = named->origins->is_misnamed;
    if (rc == 0 && own != NULL)
        rc = swgi_layer_merge(out, own);
    if (rc == 0)
        rc = swgi_layer_merge(out, &parse->environment.defaults);
    if (rc == 0 && over != NULL)
        rc = swgi_layer_merge(out, over);
    if (rc == 0 && !parse->environment_found)
        swgi_environment_ship(parse->file->environment, out);
    if (out->alias[0] == '\0')
        memcpy(out->alias, named->alias, sizeof(out->alias));
    return rc;
}

static int add_own(struct swgi_parse *parse, struct swgi_file *file) {
    int rc = 0;

    for (unsigned i = 0; i < parse->own.circuits.count && rc == 0; i++) {
        const struct swgi_file_circuit *own = &parse->own.circuits.at[i];
        struct swgi_file_circuit *out = &file->circuits[file->circuits_count++];

        rc = combine(parse, own, own, entry_of(&parse->environment.circuits, own->name), out);
    }
    return rc;
}

static int add_new(struct swgi_parse *parse, struct swgi_file *file) {
    int rc = 0;

    for (unsigned i = 0; i < parse->environment.circuits.count && rc == 0; i++) {
        const struct swgi_file_circuit *over = &parse->environment.circuits.at[i];

        if (entry_of(&parse->own.circuits, over->name) == NULL) {
            struct swgi_file_circuit *out = &file->circuits[file->circuits_count++];

            rc = combine(parse, over, NULL, over, out);
        }
    }
    return rc;
}

static int combine_alerts(struct swgi_parse *parse, struct swgi_file *file) {
    struct swgi_alerts *alerts =
        parse->environment.alerts.given ? &parse->environment.alerts : &parse->own.alerts;

    file->alerts_shipped = !alerts->given;
    if (!alerts->given && swgi_alerts_ship(alerts) != 0)
        return -ENOMEM;
    file->alerts = alerts->at;
    file->alerts_count = alerts->count;
    *alerts = (struct swgi_alerts){ .given = true };
    return 0;
}

static void combine_receivers(struct swgi_parse *parse, struct swgi_file *file) {
    struct swgi_receivers *receivers =
        parse->environment.receivers.given ? &parse->environment.receivers : &parse->own.receivers;

    file->receivers = receivers->at;
    file->receivers_count = receivers->count;
    *receivers = (struct swgi_receivers){ .given = true };
}

int swgi_parse_combine(struct swgi_parse *parse) {
    struct swgi_file *file = parse->file;
    size_t most = (size_t)parse->own.circuits.count + parse->environment.circuits.count;
    int rc = 0;

    file->circuits = calloc(most + 1, sizeof(*file->circuits));
    if (file->circuits == NULL)
        return -ENOMEM;
    rc = add_own(parse, file);
    if (rc == 0)
        rc = add_new(parse, file);
    if (rc == 0)
        rc = combine_alerts(parse, file);
    if (rc == 0)
        combine_receivers(parse, file);
    return rc == 0 ? swgi_file_index_make(file) : rc;
}
