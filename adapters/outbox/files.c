/*
 * The files: a database that only its owner may read, and beside it one whose bytes are locked.
 *
 * The locks belong to an open file (F_OFD_SETLK, fcntl(2)), so two handles of one process exclude each other too, and the kernel
 * frees them at a death, whatever its cause. They lie in a file of their own because SQLite's own locks on the database are the
 * process's: closing any descriptor of it would drop them all (sqlite.org/howtocorrupt.html, 2.2).
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MODE 0600

static int file_fault(const char *path, int code, const char *what, struct swg_error *error) {
    return swgi_outbox_fault(error, -code, path, "%s: %s", what,
                             code == ELOOP ? "it is a symbolic link" : strerror(code));
}

int swgi_outbox_open_lock(struct swg_outbox *outbox, struct swg_error *error) {
    outbox->lock_fd = open(outbox->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, MODE);
    return outbox->lock_fd >= 0
               ? 0
               : file_fault(outbox->lock_path, errno, "the file for locks cannot be opened", error);
}

/*
 * SQLite would make it readable for everybody. Byte 0 is held, so no other handle has this file open yet, and closing it here
 * drops nobody's locks.
 */
int swgi_outbox_make_file(struct swg_outbox *outbox, struct swg_error *error) {
    static const char what[] = "the database cannot be opened";
    struct stat status;
    int fd = open(outbox->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, MODE);

    if (fd >= 0) {
        close(fd);
        return 0;
    }
    if (errno != EEXIST)
        return file_fault(outbox->path, errno, "the database cannot be made", error);
    if (lstat(outbox->path, &status) != 0)
        return file_fault(outbox->path, errno, what, error);
    if (S_ISLNK(status.st_mode))
        return file_fault(outbox->path, ELOOP, what, error);
    if (!S_ISREG(status.st_mode))
        return file_fault(outbox->path, S_ISDIR(status.st_mode) ? EISDIR : EINVAL, what, error);
    if (access(outbox->path, R_OK | W_OK) != 0)
        return file_fault(outbox->path, errno, what, error);
    return 0;
}

static int lock(struct swg_outbox *outbox, int command, short type, int64_t byte,
                struct flock *out) {
    *out =
        (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1 };
    return fcntl(outbox->lock_fd, command, out) == 0 ? 0 : -errno;
}

int swgi_outbox_lock_byte(struct swg_outbox *outbox, int64_t byte, swg_ns wait) {
    const struct timespec step = { .tv_nsec = SWGI_NS_PER_MS };
    swg_ns end = swg_now() + wait;
    struct flock where;

    for (;;) {
        int rc = lock(outbox, F_OFD_SETLK, F_WRLCK, byte, &where);

        if (rc != -EAGAIN && rc != -EACCES)
            return rc;
        if (swg_now() >= end)
            return -EBUSY;
        nanosleep(&step, NULL);
    }
}

void swgi_outbox_unlock_byte(struct swg_outbox *outbox, int64_t byte) {
    struct flock where;

    lock(outbox, F_OFD_SETLK, F_UNLCK, byte, &where);
}

bool swgi_outbox_byte_is_locked(struct swg_outbox *outbox, int64_t byte) {
    struct flock where;

    return lock(outbox, F_OFD_GETLK, F_WRLCK, byte, &where) == 0 && where.l_type != F_UNLCK;
}

int swgi_outbox_check_lock(struct swg_outbox *outbox, struct swg_error *error) {
    struct stat mine, theirs;

    if (fstat(outbox->lock_fd, &mine) == 0 && stat(outbox->lock_path, &theirs) == 0 &&
        mine.st_ino == theirs.st_ino && mine.st_dev == theirs.st_dev)
        return 0;
    return swgi_outbox_fault(error, -ESTALE, outbox->lock_path,
                             "the file for locks was moved or deleted: open the outbox again");
}
