/* Making circuits in a panel, and giving up idle ones for their place. */
#ifndef SWGI_CIRCUIT_MAKE_H
#define SWGI_CIRCUIT_MAKE_H

#include "engine/engine.h"

/*
 * Find or make a cell of that name: 0; -ENOSPC without a place, -ENOBUFS without an extent (a
 * histogram only if it was asked for by name), -EAGAIN when the
 * registry's lock was not to be had within 10 ms. Evicts idle circuits when the panel is full.
 */
int swgi_circuit_make(struct swgi_map *map, const char *name, uint64_t hash,
                      const struct swgi_settings *settings, bool histogram_asked, uint32_t *index,
                      uint32_t *life, struct swg_error *error);
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
