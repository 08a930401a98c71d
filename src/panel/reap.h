/* Giving back what the dead held. Between the files of this folder. */
#ifndef SWGI_PANEL_REAP_H
#define SWGI_PANEL_REAP_H

#include "panel/panel.h"

/*
 * Columns and probes of an owner that is gone; incarnation NULL: of any, which only the holder of
 * its lock may say. Otherwise a new process may own the slot meanwhile, and keeps what it has.
 */
void swgi_owner_reap(struct swgi_map *map, unsigned owner, const uint32_t *incarnation);

#endif
