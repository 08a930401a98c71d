/* The public side: a file for a panel, a few keys for a configuration. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "circuit/trip_rules.h"
#include "config/layer.h"

/* The first of all errors, and how many more there are. */
static int hand_out(struct swg_error *error, int rc, const struct swgi_file_errors *errors) {
    const struct swg_error *first = &errors->errors[0];

    if (errors->count == 0)
        return swgi_fail(error, rc, "", "%s", swg_strerror(rc));
    if (errors->count == 1)
        swgi_fail(error, rc, first->key, "%s", first->text);
    else
        swgi_fail(error, rc, first->key, "%.190s (and %u more; see switchgear check-config)",
                  first->text, errors->count - 1);
    if (error != NULL && error->size >= sizeof(*error)) {
        error->line = first->line;
        error->column = first->column;
    }
    return rc;
}

/* In `why` and in errors the file is named so that it can be found from anywhere. */
static char *whole_path(const char *path) {
    char *whole = realpath(path, NULL);

    return whole != NULL ? whole : strdup(path);
}

int swg_panel_load(struct swg_panel *panel, const char *yaml_path, struct swg_error *error) {
    struct swgi_file *file = NULL;

    if (panel == NULL || yaml_path == NULL)
        return swgi_fail(error, -EINVAL, "yaml_path", "no panel or no path was given");
    struct swgi_file_errors *errors = calloc(1, sizeof(*errors));
    char *path = whole_path(yaml_path);
    int rc = -ENOMEM;
    if (errors != NULL && path != NULL)
        rc = swgi_file_read(&file, path, NULL, errors);
    if (rc == 0)
        rc = swgi_file_apply(file, panel, error);
    else if (errors != NULL)
        hand_out(error, rc, errors);
    else
        swgi_fail(error, rc, "", "no memory to read the configuration");
    swgi_file_unref(file);
    free(errors);
    free(path);
    return rc;
}

/* ---- a few keys */

/* As swg_config_set() would, one after the other; a list of rules replaces the one there was. */
static void lay_over(struct swg_config *config, const struct swg_config *read) {
    if (read->preset != NULL)
        config->preset = read->preset;
    for (unsigned i = 0; i < swgi_keys_count; i++) {
        if (!read->set[i])
            continue;
        swgi_key_copy(&swgi_keys[i], &config->values, &read->values);
        config->set[i] = true;
    }
    if (!read->trip_set)
        return;
    memcpy(config->trip, read->trip, sizeof(config->trip));
    config->trip_set = true;
}

static int read_keys(const char *text, struct swgi_file_circuit *circuit,
                     struct swgi_file_errors *errors) {
    struct swgi_layer layer = { .circuit = circuit, .id = SWGI_LAYER_CIRCUIT };
    struct swgi_reader reader;
    int rc = swgi_circuit_alloc(circuit);

    if (rc != 0)
        return rc;
    rc = swgi_reader_open(&reader, text, strlen(text), errors);
    const yaml_node_t *root = rc == 0 ? yaml_document_get_root_node(&reader.document) : NULL;
    if (root != NULL) {
        swgi_layer_read(&reader, &layer, SWGI_SCOPE_CONFIG, root);
        if (layer.named[0] != '\0' || layer.per_operation)
            swgi_complain(&reader, root, NULL,
                          "name, service_id and breakerMode belong to a file's circuits");
    }
    swgi_reader_close(&reader);
    swgi_errors_sort(errors);
    if (rc == 0 && reader.no_memory)
        rc = -ENOMEM;
    return rc == 0 && errors->count > 0 ? -EINVAL : rc;
}

int swg_config_yaml(struct swg_config *config, const char *text, struct swg_error *error) {
    struct swgi_file_circuit circuit = { 0 };

    if (config == NULL || text == NULL)
        return swgi_fail(error, -EINVAL, "", "no configuration or no text was given");
    struct swgi_file_errors *errors = calloc(1, sizeof(*errors));
    int rc = errors != NULL ? read_keys(text, &circuit, errors) : -ENOMEM;
    if (rc == 0)
        lay_over(config, circuit.config);
    else if (rc == -ENOMEM)
        swgi_fail(error, rc, "", "no memory to read the keys");
    else
        hand_out(error, rc, errors);
    swgi_circuit_free(&circuit);
    free(errors);
    return rc;
}
