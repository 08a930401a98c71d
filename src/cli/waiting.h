/* Waiting before a command may run: for its turn, or for its next attempt. A person who gives up meanwhile is heard. */
#ifndef SWGI_CLI_WAITING_H
#define SWGI_CLI_WAITING_H

#include "switchgear/switchgear.h"

/* Both with signals held (swgi_child_hold_signals()). *interrupted_by is the one that asks us to end, 0: none came. */

/* As swg_wait(). Interrupted, it is still SWG_QUEUED. */
int swgi_wait_turn(struct swg_permit *permit, int *interrupted_by);
void swgi_wait_pause(swg_ns pause, int *interrupted_by);

#endif
