/* Settings of a circuit that exists: merged, shown, compared. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "circuit/circuit.h"
#include "circuit/config.h"
#include "circuit/make.h"
#include "circuit/source.h"

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
    int rc = swgi_config_apply_to(binding->circuit->name, config, &turn.settings, &merged, error);
    if (rc == 0)
        rc = swgi_circuit_settle(&turn, &merged, false, error);
    if (rc == 0) {
        swgi_source_note(turn.map, turn.index, NULL);
        turn.hand = &(struct swgi_hand){ .source = config->source };
        swgi_act_tell(&turn, SWG_EVENT_CONFIG);
    }
    return rc;
}

/* ---- by a file */

/* A histogram nobody asked for by name is had if there is one left. */
static int settle_as_asked(struct swgi_turn *turn, const struct swgi_making *making,
                           struct swg_error *error) {
    struct swgi_settings without = *making->settings;
    int rc = swgi_circuit_settle(turn, making->settings, false, error);
    if (rc != -ENOSPC || !without.histogram || making->histogram_asked || turn->settings.histogram)
        return rc;
    without.histogram = 0;
    return swgi_circuit_settle(turn, &without, false, error);
}

/* Alike, but for a histogram that was not to be had? */
static bool is_so(const struct swgi_turn *turn, const struct swgi_making *making) {
    struct swgi_settings wanted = *making->settings;
    if (!making->histogram_asked && !turn->settings.histogram)
        wanted.histogram = 0;
    /* Both were zeroed before they were filled in, so their gaps are alike. */
    const void *one = &wanted, *other = &turn->settings;
    return memcmp(one, other, sizeof(wanted)) == 0;
}

static int install_locked(struct swgi_turn *turn, const struct swgi_making *making,
                          struct swg_error *error) {
    static const struct swgi_hand by_file = { .source = "file" };
    swgi_turn_policies(turn);
    int rc = is_so(turn, making) ? 0 : 1;
    if (rc == 1) {
        int settled = settle_as_asked(turn, making, error);
        if (settled != 0)
            return settled;
        turn->hand = &by_file;
        swgi_act_tell(turn, SWG_EVENT_CONFIG);
        turn->hand = NULL;
    }
    swgi_source_note(turn->map, turn->index, making->declared);
    return rc;
}

int swgi_circuit_install(struct swgi_map *map, uint32_t index, uint32_t life,
                         const struct swgi_making *making, struct swg_error *error) {
    struct swgi_turn turn;
    int rc = swgi_thread_enter(map);
    if (rc >= 0)
        rc = swgi_registry_lock(map);
    if (rc != 0)
        return swgi_fail(error, rc, "panel",
                         "the panel's registry is held by another process; try again");
    swgi_turn_begin(&turn, map, index, swgi_map_clock(map));
    if (swgi_load(&turn.cell->life) == life)
        rc = install_locked(&turn, making, error);
    else
        rc = swgi_fail(error, -EAGAIN, "panel", "the circuit was evicted meanwhile; try again");
    swgi_registry_unlock(map);
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
