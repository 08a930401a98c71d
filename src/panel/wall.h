/* The wall clock as a panel sees it: the calendar's, or for a virtual panel a reckoning from its virtual clock. */
#ifndef SWGI_PANEL_WALL_H
#define SWGI_PANEL_WALL_H

#include "base/clock.h"
#include "panel/panel.h"

static inline int64_t swgi_map_wall_ms(const struct swgi_map *map) {
    if (map->virtual_on)
        return (int64_t)(swgi_load(&map->header->virtual_clock) / 1000000u);
    return swgi_clock_wall_ms();
}

#endif
