/* Mappings of a panel: made, filled, taken apart. Between the files of this folder. */
#ifndef SWGI_PANEL_MAP_H
#define SWGI_PANEL_MAP_H

#include "panel/geometry.h"

/* Zeroed memory of this process alone, or NULL. */
unsigned char *swgi_memory_new(uint64_t size);
/*
 * A view of bytes laid out by sections[id - 1]. Takes the bytes over, also when it fails (NULL:
 * no memory). Not in the panel's list yet, and without an identity.
 */
struct swgi_map *swgi_map_new(struct swg_panel *panel, unsigned char *bytes,
                              const struct swgi_geometry *geometry,
                              const struct swgi_section *sections);
void swgi_map_free(struct swgi_map *map);
/*
 * Writes header and cell 0 into zeroed bytes that nobody else sees yet. What hooks->first sees
 * has neither tag nor identity.
 */
void swgi_map_format(struct swg_panel *panel, unsigned char *bytes,
                     const struct swgi_geometry *geometry);
/* The header's checksum as it must be. */
uint32_t swgi_header_crc(const struct swgi_header *header);
/* Puts a map with an identity in front of the panel's list. */
void swgi_map_publish(struct swgi_map *map);
/* Note when this is, for whoever comes after a reboot. Seldom (once a second at most). */
void swgi_map_stamp(struct swgi_map *map);

#endif
