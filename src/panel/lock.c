/*
 * The lock file's descriptor.
 *
 * Locks are of the open file description: they belong to this descriptor and its copies, not to
 * the process or a thread, and end when the last copy is closed, which the kernel does for the
 * killed. Two things endanger them: a child inherits a copy, and closefrom() closes ours behind
 * our back, after which its number may be anybody's.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "panel/file.h"
#include "panel/liveness.h"
#include "panel/process.h"

static bool is_lock_file(const struct swg_panel *panel, int fd) {
    struct stat status;
    return fd >= 0 && fstat(fd, &status) == 0 && status.st_dev == panel->lock_device &&
           status.st_ino == panel->lock_inode;
}

bool swgi_lock_valid(const struct swg_panel *panel) {
    return panel->lock_token == swgi_process_token() && is_lock_file(panel, panel->lock_fd);
}

bool swgi_lock_in_place(const struct swg_panel *panel) {
    return swgi_file_in_place(panel->lock_path, panel->lock_device, panel->lock_inode);
}

/*
 * Opened while the child still has its parent's rights: it may give them up before it first uses
 * the panel.
 */
void swgi_lock_part(struct swg_panel *panel) {
    int parents = panel->lock_fd;
    panel->slot = -1;
    if (!is_lock_file(panel, parents)) {
        panel->lock_fd = -1;
        return;
    }
    int fd = open(panel->lock_path, (panel->access == SWG_PANEL_INSPECT ? O_RDONLY : O_RDWR) |
                                        O_NOFOLLOW | O_CLOEXEC);
    if (is_lock_file(panel, fd)) {
        panel->lock_fd = fd;
        panel->lock_token = swgi_process_token();
    } else {
        panel->lock_fd = -1;
        if (fd >= 0)
            close(fd);
    }
    close(parents);
}

int swgi_lock_open(struct swg_panel *panel, struct swg_error *error) {
    struct stat status;
    int fd = swgi_file_lock(panel, &status, error);
    if (fd < 0)
        return fd;
    swgi_process_own_fd(panel, fd);
    panel->lock_fd = fd;
    panel->lock_device = status.st_dev;
    panel->lock_inode = status.st_ino;
    panel->lock_token = swgi_process_token();
    panel->slot = -1;
    return 0;
}

/*
 * A child that never became a process of its own has a copy of the parent's descriptor: closing
 * it unlocks nothing.
 */
void swgi_lock_close(struct swg_panel *panel) {
    if (is_lock_file(panel, panel->lock_fd))
        close(panel->lock_fd);
    panel->lock_fd = -1;
    panel->slot = -1;
}

static int lock_call(const struct swg_panel *panel, int command, short type, int byte,
                     short *found) {
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
    if (fcntl(panel->lock_fd, command, &lock) != 0)
        return errno == EACCES ? -EAGAIN : -errno;
    if (found != NULL)
        *found = lock.l_type;
    return 0;
}

int swgi_lock_byte(struct swg_panel *panel, int byte) {
    return lock_call(panel, F_OFD_SETLK, F_WRLCK, byte, NULL);
}

void swgi_lock_release(struct swg_panel *panel, int byte) {
    if (swgi_lock_valid(panel))
        lock_call(panel, F_OFD_SETLK, F_UNLCK, byte, NULL);
}

int swgi_lock_held(const struct swg_panel *panel, int byte) {
    short found = F_UNLCK;
    int rc = lock_call(panel, F_OFD_GETLK, F_WRLCK, byte, &found);
    return rc < 0 ? rc : found != F_UNLCK;
}
