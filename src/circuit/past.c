/* What outlives a panel: told to whoever keeps it, and put back into a panel that knows nothing of it. */
#include "circuit/past.h"

#include <errno.h>
#include <string.h>

#include "circuit/look.h"

int swgi_circuit_restore(struct swg_circuit *circuit, const struct swgi_past *past) {
    const struct swgi_hand hand = { .user = "system",
                                    .reason = "as it was before the panel was made anew",
                                    .source = "restore",
                                    .past = past };
    const struct swgi_binding *binding = swgi_circuit_look(circuit);
    struct swgi_turn turn;
    if (binding == NULL)
        return -ENOENT;
    int rc = swgi_thread_enter(binding->map);
    if (rc < 0)
        return rc;
    swgi_turn_begin(&turn, binding->map, binding->index, swgi_map_clock(binding->map));
    turn.hand = &hand;
    return swgi_act_restore(&turn);
}

uint32_t swgi_circuit_generation(const struct swg_circuit *circuit) {
    const struct swgi_binding *binding = swgi_circuit_look(circuit);
    return binding != NULL ? (uint32_t)swgi_ctl_generation(swgi_load(&binding->cell->ctl)) : 0;
}

bool swgi_circuit_bins(const struct swg_circuit *circuit, uint64_t bins[SWGI_HISTOGRAM_BINS]) {
    const struct swgi_binding *binding = swgi_circuit_look(circuit);
    memset(bins, 0, SWGI_HISTOGRAM_BINS * sizeof(bins[0]));
    return binding != NULL &&
           swgi_histogram_sum(binding->map, swgi_load(&binding->cell->histogram), bins);
}

int64_t swgi_panel_birth_ms(const struct swg_panel *panel) {
    const struct swgi_map *map = atomic_load((_Atomic(struct swgi_map *) *)&panel->map);
    return (int64_t)map->header->created_wall_ms;
}
