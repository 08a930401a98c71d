/* How a panel's file becomes a map. Between the files of this folder. */
#ifndef SWGI_PANEL_ATTACH_H
#define SWGI_PANEL_ATTACH_H

#include "panel/geometry.h"

/*
 * Attach to panel's path, making the file if it is missing and may be made; asked: the geometry
 * it must have.
 */
int swgi_attach(struct swg_panel *panel, const struct swg_panel_options *asked,
                struct swg_error *error);
/* The same to look only (inspect.c). */
int swgi_inspect(struct swg_panel *panel, const struct swg_panel_options *asked,
                 struct swg_error *error);
/* Reads a file's header, and checks it and the geometry. */
int swgi_header_read(const struct swg_panel *panel, int fd, uint64_t file_size,
                     const struct swg_panel_options *asked, struct swgi_geometry *geometry,
                     struct swgi_section *sections, struct swg_error *error);
/* Read an inspector's copy anew. 0 or -errno. */
int swgi_inspect_again(struct swgi_map *map);

#endif
