/* Geometry, and the sections that follow from it. Between the files of this folder. */
#ifndef SWGI_PANEL_GEOMETRY_H
#define SWGI_PANEL_GEOMETRY_H

#include "panel/panel.h"

#define SWGI_SECTIONS 13u /* of this version; their ids are 1..13 */

/*
 * Fills sections[id - 1] for every id, one after the other behind the header's page, and returns
 * the size of the whole.
 */
uint64_t swgi_sections_plan(const struct swgi_geometry *geometry, struct swgi_section *sections);
/* What an option left at 0 comes to. */
void swgi_geometry_defaults(struct swg_panel_options *options);
/* 0, or -ERANGE naming the first number that was asked for (not 0) and is another in the panel. */
int swgi_geometry_agree(const struct swg_panel_options *asked, const struct swgi_geometry *panel,
                        const char *path, struct swg_error *error);
/* Smallest power of two that leaves at least half of the buckets empty. */
uint32_t swgi_index_buckets(uint32_t circuits);

#endif
