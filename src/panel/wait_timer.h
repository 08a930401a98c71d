/* What event loops wait on. Between the files of this folder, and for calls that wait without a
 * place (circuit/admission.c); what else is public is in waiters.h. */
#ifndef SWGI_PANEL_WAIT_TIMER_H
#define SWGI_PANEL_WAIT_TIMER_H

#include "panel/panel.h"

/* Somebody of this process was told: the descriptor turns readable at once, if anybody asked. */
void swgi_wait_timer_fire(struct swgi_map *map);
/* Somebody who asked polls: not readable until the next. */
void swgi_wait_timer_drain(struct swgi_map *map);
/* Somebody who asked waits no more; the timer stops with the last. */
void swgi_wait_timer_leave(struct swgi_map *map);

#endif
