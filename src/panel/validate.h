/* The header of a file somebody else wrote. Between the files of this folder. */
#ifndef SWGI_PANEL_VALIDATE_H
#define SWGI_PANEL_VALIDATE_H

#include "panel/geometry.h"

/*
 * 0 and what it says, in private memory that is believed from then on; -EPROTO: another version;
 * -EBADMSG: damaged or truncated. Sections this version does not know are skipped.
 */
int swgi_header_check(const struct swgi_header *header, uint64_t file_size, const char *path,
                      struct swgi_geometry *geometry, struct swgi_section *sections,
                      struct swg_error *error);

#endif
