/* Which boot of the machine a panel's times belong to. Between the files of this folder. */
#ifndef SWGI_PANEL_BOOT_H
#define SWGI_PANEL_BOOT_H

#include "panel/panel.h"

/* Fills panel->boot_id from the option, or from the kernel when it is NULL. */
void swgi_boot_identify(struct swg_panel *panel, const char *option);
/* Into a panel that is being formatted: its times belong to this boot. */
void swgi_boot_write(struct swgi_map *map);
/*
 * After an attach: if the machine was booted since, one re-bases the times and the rest wait. 0,
 * or -EAGAIN.
 */
int swgi_boot_settle(struct swgi_map *map, struct swg_error *error);
/* An inspector's copy of a panel of an earlier boot, re-based for itself alone. */
void swgi_boot_settle_copy(struct swgi_map *map);

#endif
