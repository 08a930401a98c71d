/*
 * The two halves of a record under a checksum, for rings, whose sequences mean more. Between the
 * files of this folder.
 */
#ifndef SWGI_PANEL_RECORD_H
#define SWGI_PANEL_RECORD_H

#include "panel/panel.h"

void swgi_record_fill(swgi_word *check, swgi_word *words, const uint64_t *copy, unsigned count,
                      uint64_t sequence);
/* false: not what was written under that sequence. */
bool swgi_record_copy(swgi_word *check, swgi_word *words, uint64_t *copy, unsigned count,
                      uint64_t sequence);

#endif
