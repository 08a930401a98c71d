/* By whose word a circuit is configured: a program's, or a file's, which the panel keeps the path of. */
#ifndef SWGI_CIRCUIT_SOURCE_H
#define SWGI_CIRCUIT_SOURCE_H

#include "circuit/declared.h"
#include "panel/panel.h"

/* Under the registry's lock: from now on this file's word; NULL: the program's. */
void swgi_source_note(struct swgi_map *map, uint32_t index, const struct swgi_declared *declared);
/* The number a cell bears whose file is that; 0: none has it. */
uint32_t swgi_source_number(const struct swgi_map *map, const struct swgi_declared *declared);
/* That file no longer has the circuit of that life, which stays as it is: 0, or -EAGAIN when the registry's lock was not to be
 * had. */
int swgi_source_leave(struct swgi_map *map, uint32_t index, uint32_t life, uint32_t number);
/* Has no file a word in it? */
bool swgi_source_is_free(const struct swgi_cell *cell);
/* "code", "no file any more", "file /etc/switchgear/switchgear.yaml, preset read": the path's end where there is no room
 * for all of it. */
void swgi_source_tell(const struct swgi_map *map, const struct swgi_cell *cell, const char *preset,
                      char *out, size_t size);

#endif
