/* Making circuits in a panel, and giving up idle ones for their place. */
#ifndef SWGI_CIRCUIT_MAKE_H
#define SWGI_CIRCUIT_MAKE_H

#include "circuit/declared.h"
#include "engine/engine.h"

/* How a circuit is to be, and by whose word. */
struct swgi_making {
    const struct swgi_settings *settings;
    bool histogram_asked;                       /* breaker.histogram was set by name */
    const struct swgi_declared *declared;       /* the configuration file; NULL: the program */
    const struct swgi_declaration *declaration; /* its bounds; NULL: none */
};

/*
 * Find or make a cell of that name: 0; -ENOSPC without a place, or where the file's bounds allow no
 * more, -ENOBUFS without an extent (a histogram only if it was asked for by name), -EAGAIN when the
 * registry's lock was not to be had within 10 ms. Evicts idle circuits when there is no place.
 */
int swgi_circuit_make(struct swgi_map *map, const char *name, uint64_t hash,
                      const struct swgi_making *making, uint32_t *index, uint32_t *life,
                      struct swg_error *error);
/*
 * Bring a circuit that exists to settings, whatever it was configured to before; state, counters
 * and, where they fit, windows stay. 1; 0 if it was so already; -EAGAIN as above, or when the cell is another
 * circuit's now; -ENOSPC without an extent, and nothing changed.
 */
int swgi_circuit_install(struct swgi_map *map, uint32_t index, uint32_t life,
                         const struct swgi_making *making, struct swg_error *error);
/* Take back what was made and not used. */
void swgi_circuit_unmake(struct swgi_map *map, uint32_t index, uint32_t life);
/* Under the registry's lock: extents for new settings, the settings themselves, old extents given
 * back. */
int swgi_circuit_settle(struct swgi_turn *turn, const struct swgi_settings *settings, bool fresh,
                        struct swg_error *error);
/* Part of it: the policies (settle.c). */
int swgi_policies_settle(struct swgi_turn *turn, const struct swgi_settings *settings,
                         struct swg_error *error);
/* The name of a live cell, and its life; 0 for a cell that is free or being written. */
uint32_t swgi_circuit_read_name(const struct swgi_map *map, uint32_t index,
                                char name[SWGI_NAME_MAX + 1]);

#endif
