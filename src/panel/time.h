/* This process's place in time. Between the files of this folder. */
#ifndef SWGI_PANEL_TIME_H
#define SWGI_PANEL_TIME_H

#include "panel/panel.h"

/* What to add to this process's CLOCK_MONOTONIC to get the host's: 0 but in a time namespace. */
int swgi_time_shift(int64_t *shift_ns, struct swg_error *error);

#endif
