/*
 * Files of a panel: found safe or refused, made whole or not at all. Between the files of this
 * folder.
 */
#ifndef SWGI_PANEL_FILE_H
#define SWGI_PANEL_FILE_H

#include <sys/stat.h>

#include "panel/panel.h"

/* Path, directory, and names of both files from the option. 0, -EINVAL or -ENOMEM. */
int swgi_file_name(struct swg_panel *panel, const char *path, struct swg_error *error);
/* Directory and file system are fit to hold a panel: 0, or -ENOENT, -ENOTDIR, -EPERM. */
int swgi_file_directory(const struct swg_panel *panel, struct swg_error *error);
/*
 * A descriptor of the panel's file, writable unless we inspect; -ENOENT if there is none (*error
 * unset then), -ELOOP, -EPERM, -EACCES.
 */
int swgi_file_open(const struct swg_panel *panel, struct stat *status, struct swg_error *error);
/* The same for the lock file, which is made when it is missing and we do not inspect. */
int swgi_file_lock(const struct swg_panel *panel, struct stat *status, struct swg_error *error);
/* Is that file, and no other, still at the path? */
bool swgi_file_in_place(const char *path, uint64_t device, uint64_t inode);

/*
 * A file that has no name yet, so that nobody sees it half made and a killed maker leaves
 * nothing.
 */
struct swgi_draft {
    int fd;
    char *name; /* where the file system wants one */
};
int swgi_draft_open(struct swgi_draft *draft, const struct swg_panel *panel, const char *path,
                    struct swg_error *error);
/* Permissions, then the name: 0, -EEXIST when somebody else was first, or another -errno. */
int swgi_draft_publish(struct swgi_draft *draft, const struct swg_panel *panel, const char *path);
void swgi_draft_close(struct swgi_draft *draft);

#endif
