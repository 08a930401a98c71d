/* Settings of a circuit that exists: merged, shown, compared. */
#include <errno.h>
#include <stdio.h>

#include "base/error.h"
#include "circuit/circuit.h"
#include "circuit/config.h"
#include "circuit/make.h"

static int configure_locked(const struct swgi_binding *binding, const struct swg_config *config,
                            struct swg_error *error) {
    struct swgi_turn turn;
    struct swgi_settings merged;
    swgi_turn_begin(&turn, binding->map, binding->index, swgi_map_clock(binding->map));
    /* Before we had the lock, its cell may have been given to another circuit. */
    if (swgi_load(&turn.cell->life) != binding->life)
        return swgi_fail(error, -EAGAIN, binding->circuit->name,
                         "the circuit was evicted meanwhile; try again");
    swgi_turn_policies(&turn);
    int rc = swgi_config_apply(config, &turn.settings, &merged, error);
    if (rc == 0)
        rc = swgi_circuit_settle(&turn, &merged, false, error);
    if (rc == 0) {
        turn.hand = &(struct swgi_hand){ .source = config->source };
        swgi_act_tell(&turn, SWG_EVENT_CONFIG);
    }
    return rc;
}

int swg_circuit_configure(struct swg_circuit *circuit, const struct swg_config *config,
                          struct swg_error *error) {
    if (circuit == NULL || config == NULL)
        return swgi_fail(error, -EINVAL, "circuit", "circuit and config must not be NULL");
    const struct swgi_binding *binding = swgi_circuit_bind(circuit);
    /* Another circuit's: it found no place, and its calls go to the shared one. */
    if (binding == NULL || binding->circuit != circuit)
        return swgi_fail(error, -ENOENT, circuit->name,
                         "there is no such circuit in the panel now");
    if (!binding->map->writable)
        return swgi_fail(error, -EROFS, circuit->name, "the panel was opened to inspect only");
    int rc = swgi_thread_enter(binding->map);
    if (rc >= 0)
        rc = swgi_registry_lock(binding->map);
    if (rc != 0)
        return swgi_fail(error, rc, circuit->name,
                         "the panel's registry is held by another process; try again");
    rc = configure_locked(binding, config, error);
    swgi_registry_unlock(binding->map);
    if (rc == 0)
        swgi_circuit_remember(circuit);
    return rc;
}

static int present_settings(const struct swg_circuit *circuit, struct swgi_settings *out) {
    const struct swgi_binding *binding = circuit != NULL ? swgi_circuit_look(circuit) : NULL;
    if (binding == NULL)
        return -ENOENT;
    swgi_settings_load_all(binding->map, binding->cell, out);
    return 0;
}

int swg_circuit_setting(const struct swg_circuit *circuit, const char *key, char *out,
                        size_t out_size) {
    struct swgi_settings settings;
    if (key == NULL || out == NULL)
        return -EINVAL;
    int rc = present_settings(circuit, &settings);
    return rc != 0 ? rc : swgi_setting_print(&settings, key, out, out_size);
}

int swg_circuit_differs(struct swg_circuit *circuit, const struct swg_config *config,
                        struct swg_error *error) {
    struct swgi_settings settings;
    int rc = present_settings(circuit, &settings);
    if (rc != 0)
        return swgi_fail(error, rc, "circuit", "there is no such circuit in the panel now");
    return config == NULL ? 0 : swgi_config_differs(config, &settings, error);
}
