/* The table from names to cells. Between the files of this folder. */
#ifndef SWGI_PANEL_INDEX_H
#define SWGI_PANEL_INDEX_H

#include "panel/panel.h"

/* Under the registry's lock. */
void swgi_index_insert(struct swgi_map *map, uint32_t circuit, uint64_t hash);
void swgi_index_remove(struct swgi_map *map, uint32_t circuit, uint64_t hash);
/* All live cells into the other copy, which then is the one that is read. */
void swgi_index_rebuild(struct swgi_map *map);

#endif
