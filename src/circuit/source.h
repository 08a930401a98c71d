/* By whose word a circuit is configured: a program's, or a file's, which the panel keeps the path of. */
#ifndef SWGI_CIRCUIT_SOURCE_H
#define SWGI_CIRCUIT_SOURCE_H

#include "circuit/declared.h"
#include "panel/panel.h"

/* Under the registry's lock: from now on this file's word; NULL: the program's. */
void swgi_source_note(struct swgi_map *map, uint32_t index, const struct swgi_declared *declared);
/* "code", "file /etc/switchgear/switchgear.yaml, preset read": the path's end where there is no room
 * for all of it. */
void swgi_source_tell(const struct swgi_map *map, const struct swgi_cell *cell, const char *preset,
                      char *out, size_t size);

#endif
