/* The public face of panels: options in, events and figures out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "circuit/circuit.h"
#include "circuit/declared.h"
#include "circuit/extras.h"
#include "circuit/look.h"
#include "circuit/sized.h"

extern const struct swgi_panel_hooks swgi_circuit_hooks;

/* A shorter struct is an older caller's; a longer one is taken if it asks for nothing we do not
 * know. */
static int read_options(const struct swg_panel_options *options, struct swg_panel_options *out,
                        struct swg_error *error) {
    *out = (struct swg_panel_options)SWG_PANEL_OPTIONS_INIT;
    if (options == NULL)
        return 0;
    int rc = swgi_sized_in(out, options);
    if (rc == -EINVAL)
        return swgi_fail(error, rc, "size", "begin with SWG_PANEL_OPTIONS_INIT");
    return rc == 0 ? 0
                   : swgi_fail(error, rc, "size",
                               "these options ask for something a newer library knows");
}

int swg_panel_open(struct swg_panel **out, const struct swg_panel_options *options,
                   struct swg_error *error) {
    struct swg_panel_options known;
    if (out == NULL)
        return swgi_fail(error, -EINVAL, "out", "out must not be NULL");
    int rc = read_options(options, &known, error);
    return rc < 0 ? rc : swgi_panel_new(out, &known, &swgi_circuit_hooks, error);
}

struct swg_panel *swg_panel_ref(struct swg_panel *panel) {
    if (panel != NULL)
        swgi_add(&panel->references, 1);
    return panel;
}

static void free_circuit(struct swg_circuit *circuit) {
    struct swgi_binding *binding = swgi_load(&circuit->binding);
    while (binding != NULL) {
        struct swgi_binding *older = binding->older;
        free(binding);
        binding = older;
    }
    swgi_extras_free(circuit);
    free(circuit->if_new.policies);
    free(circuit);
}

static void free_handles(struct swg_panel *panel) {
    for (unsigned i = 0; i < SWGI_HANDLE_BUCKETS; i++) {
        struct swg_circuit *circuit = swgi_load(&panel->handles[i]);
        while (circuit != NULL) {
            struct swg_circuit *next = circuit->next;
            free_circuit(circuit);
            circuit = next;
        }
    }
}

struct swg_panel *swg_panel_unref(struct swg_panel *panel) {
    if (panel != NULL && swgi_add(&panel->references, UINT32_MAX) == 1) {
        free_handles(panel);
        swgi_declared_unref(panel->declared);
        swgi_panel_free(panel);
    }
    return NULL;
}

static struct swgi_map *newest(const struct swg_panel *panel) {
    return atomic_load((_Atomic(struct swgi_map *) *)&panel->map);
}

/* What is to be told next and to whom; 0 when there is nothing or nobody. */
static int next_to_tell(struct swg_panel *panel, swg_log_fn **fn, void **arg,
                        struct swg_event *event) {
    struct swgi_event_data data;
    uint64_t id;
    swgi_process_lock();
    *fn = panel->log;
    *arg = panel->log_arg;
    int rc = *fn == NULL ? 0 : swgi_event_following(newest(panel), &panel->log_cursor, &id, &data);
    swgi_process_unlock();
    if (rc == 1)
        swgi_event_public(&data, id, event);
    return rc;
}

/* At most what both rings hold, so that busy writers do not keep us. */
static int tell_all(struct swg_panel *panel) {
    struct swg_event event;
    swg_log_fn *fn;
    void *arg;
    int told = 0, rc = 1;
    for (uint32_t i = 0; i < 2 * newest(panel)->geometry.events && rc != 0; i++) {
        rc = next_to_tell(panel, &fn, &arg, &event);
        if (rc == 1) {
            fn(arg, &event);
            told++;
        }
    }
    return told;
}

int swg_panel_poll(struct swg_panel *panel) {
    if (panel == NULL)
        return -EINVAL;
    int rc = swgi_panel_keep(panel);
    if (rc < 0)
        return rc;
    if (rc > 0)
        swgi_circuits_follow(panel);
    return tell_all(panel);
}

int swg_panel_log(struct swg_panel *panel, swg_log_fn *fn, void *arg) {
    if (panel == NULL)
        return -EINVAL;
    swgi_process_lock();
    panel->log = fn;
    panel->log_arg = arg;
    panel->log_cursor = swgi_event_cursor_end(newest(panel));
    swgi_process_unlock();
    return 0;
}

int swg_panel_advance(struct swg_panel *panel, swg_ns by) {
    if (panel == NULL || by < 0)
        return -EINVAL;
    struct swgi_map *map = newest(panel);
    if (!map->virtual_on)
        return -EPERM;
    if (!map->writable)
        return -EROFS;
    swgi_add(&map->header->virtual_clock, (uint64_t)by);
    return 0;
}

swg_ns swg_panel_now(const struct swg_panel *panel) {
    if (panel == NULL)
        return 0;
    const struct swgi_map *map = newest(panel);
    if (map->virtual_on)
        return swgi_map_clock(map);
    return swgi_clock_fast() + panel->time_shift;
}

int swg_panel_next_event(struct swg_panel *panel, uint64_t *cursor, struct swg_event *out) {
    struct swgi_event_data data;
    struct swg_event event;
    uint64_t id;
    if (panel == NULL || cursor == NULL || out == NULL || out->size < sizeof(out->size))
        return -EINVAL;
    int rc = swgi_event_following(newest(panel), cursor, &id, &data);
    if (rc != 1)
        return rc;
    swgi_event_public(&data, id, &event);
    rc = swgi_sized_out(out, &event);
    return rc < 0 ? rc : 1;
}

static void describe_use(struct swgi_map *map, struct swg_panel_info *status) {
    uint64_t live = swgi_load(&map->header->circuits_live);
    status->circuits =
        live < map->geometry.circuits ? (uint32_t)(live - (live != 0)) : map->geometry.circuits - 1;
    status->columns = swgi_columns_leased(map);
    status->histograms = swgi_pool_histograms_used(map);
    status->slots = swgi_pool_slot_chunks_used(map) * SWGI_SLOT_CHUNK;
    status->policies = swgi_pool_policies_used(map);
    status->processes = swgi_processes_alive(map);
    status->beyond = swgi_load(&map->header->beyond);
    status->evicted = swgi_load(&map->header->evicted);
    status->clocks_replaced = swgi_load(&map->header->clocks_replaced);
    status->events_lost = swgi_load(&map->header->events_lost);
    status->created_wall_ms = (int64_t)map->header->created_wall_ms;
}

static void describe_geometry(const struct swgi_geometry *geometry, struct swg_panel_info *status) {
    status->bytes = geometry->size;
    status->circuits_max = geometry->circuits - 1;
    status->columns_max = geometry->columns - 1;
    status->histograms_max = geometry->histograms;
    status->slots_max = geometry->slots;
    status->policies_max = geometry->policies;
    status->processes_max = SWGI_PROCESSES_MAX;
    status->events_max = geometry->events;
    status->bytes_per_circuit =
        sizeof(struct swgi_cell) + (uint64_t)geometry->columns * sizeof(struct swgi_column);
    status->bytes_per_histogram =
        (uint64_t)geometry->columns * SWGI_HISTOGRAM_BINS * sizeof(swgi_word);
}

int swg_panel_status(struct swg_panel *panel, struct swg_panel_info *out) {
    struct swg_panel_info status = SWG_PANEL_INFO_INIT;
    if (panel == NULL || out == NULL)
        return -EINVAL;
    struct swgi_map *map = newest(panel);
    status.is_private = panel->is_private;
    status.is_virtual = map->virtual_on != 0;
    swgi_copy_text(status.path, sizeof(status.path), panel->path);
    describe_geometry(&map->geometry, &status);
    describe_use(map, &status);
    return swgi_sized_out(out, &status);
}
