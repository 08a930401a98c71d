/*
 * What a process has once, however many panels it opens: a lock, the list of its open panels, and
 * what must happen in a forked child. Between the files of this folder.
 */
#ifndef SWGI_PANEL_PROCESS_H
#define SWGI_PANEL_PROCESS_H

#include "panel/panel.h"

/*
 * Memory that is zero in a child, however it was made. A zeroed mutex is an unlocked one with
 * this C library, so what another thread of the parent held at the fork is free in the child.
 */
struct swgi_wiped {
    swgi_word tag;
    pthread_mutex_t mutex;
};
struct swgi_wiped *swgi_wiped_new(void); /* NULL: no memory */
void swgi_wiped_free(struct swgi_wiped *wiped);

/* Once before anything else here. 0 or -errno. */
int swgi_process_init(void);
/*
 * The process lock (panel.h) guards the list, descriptors of lock files and who we are in each
 * map.
 */
void swgi_process_add(struct swg_panel *panel);
void swgi_process_remove(struct swg_panel *panel);
/* Under the lock: the current map of that tag, NULL if there is none (any more). */
struct swgi_map *swgi_process_map(uint64_t tag);
/*
 * Under the lock: a panel just got this descriptor, so any other that believes it to be its own
 * has lost it to a close it did not make; the file may be the very same.
 */
void swgi_process_own_fd(const struct swg_panel *owner, int fd);
/* Under the lock: a number that no parent and no child of ours has. */
uint64_t swgi_process_token(void);

/* Under the lock: a new tag, so that every thread enters anew. The old one is remembered. */
void swgi_map_retag(struct swgi_map *map);
/* In a forked child, once: become a process of its own. Else nothing. 0 or -errno. */
int swgi_map_refresh(struct swgi_map *map);

#endif
