/*
 * The lock file: who is alive, and who we are. Between the files of this folder; what follows is
 * called under the process lock.
 */
#ifndef SWGI_PANEL_LIVENESS_H
#define SWGI_PANEL_LIVENESS_H

#include "panel/panel.h"

#define SWGI_LOCK_REGISTRY  1 /* bytes of the lock file */
#define SWGI_LOCK_BOOT      2
#define SWGI_LOCK_PROCESSES 4096

/* ---- the descriptor (lock.c) */
/*
 * In a forked child: exchange the parent's descriptor for one of our own, without unlocking what
 * the parent holds.
 */
void swgi_lock_part(struct swg_panel *panel);
/* Is the descriptor still the lock file we opened in this process? */
bool swgi_lock_valid(const struct swg_panel *panel);
/* Opens the lock file anew, making it if it is missing. Locks nothing. */
int swgi_lock_open(struct swg_panel *panel, struct swg_error *error);
void swgi_lock_close(struct swg_panel *panel);
/* Lock one byte through the descriptor as it is: 0, -EAGAIN, or another -errno. */
int swgi_lock_byte(struct swg_panel *panel, int byte);
void swgi_lock_release(struct swg_panel *panel, int byte);
/* Is the lock file that we opened still the one at its path? */
bool swgi_lock_in_place(const struct swg_panel *panel);
/* Is the byte locked through another descriptor? 1, 0 or -errno. */
int swgi_lock_held(const struct swg_panel *panel, int byte);

/* ---- who we are (identity.c) */
/*
 * Become a process of this map: claim a slot if we have none, give back what its dead former
 * owner held, raise its incarnation. 0, -EBUSY when all slots are taken, or another -errno.
 */
int swgi_identity_claim(struct swgi_map *map, struct swg_error *error);
/*
 * The same for all maps of a panel, with new tags: after a fork, or when the descriptor was lost.
 */
int swgi_panel_reclaim(struct swg_panel *panel, struct swg_error *error);
/* swgi_lock_byte(), after making sure of descriptor and slot. */
int swgi_lock_try(struct swg_panel *panel, int byte);
/* swgi_lock_held(), likewise; an inspector has no slot and may have no descriptor. */
int swgi_lock_ask(struct swg_panel *panel, int byte);
/*
 * Is the byte locked, asked through the descriptor as we know it: one system call. What it says is locked is so, or the
 * descriptor was lost, which swgi_lock_keep() finds; anything else proves nothing.
 */
bool swgi_lock_glance(const struct swg_panel *panel, int byte);
/* Make sure of descriptor and slot: 0 or -errno. One system call as long as they are ours. */
int swgi_lock_keep(struct swg_panel *panel);
/* Nothing of ours is left in the panel, and its slot is free. */
void swgi_identity_release(struct swg_panel *panel);
/* Tells people when we last kept house. */
void swgi_process_seen(struct swgi_map *map);

#endif
