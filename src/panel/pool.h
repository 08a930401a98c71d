/*
 * What the registry needs of the pools, and repair. Between the files of this folder; all under
 * the registry's lock.
 */
#ifndef SWGI_PANEL_POOL_H
#define SWGI_PANEL_POOL_H

#include "panel/panel.h"

/* Owners' tables made to agree with what the cells point to. */
void swgi_pool_reconcile(struct swgi_map *map);
/* After a holder was killed: cells counted, index rebuilt, pools reconciled. */
void swgi_registry_repair(struct swgi_map *map);

#endif
