/*
 * Which files are trusted. Whoever can write the panel can do anything to the breakers of this
 * process, and whoever can replace it can be anybody; so links, devices, strangers' files and
 * files anyone can write are refused, each by name and with what to do about it.
 */
#include "panel/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define LINK_WAIT_NS 1000000000
#define OPEN_TRIES   100u

static char *absolute(const char *path) {
    char here[4096];
    char *result = NULL;
    if (path[0] == '/')
        return strdup(path);
    if (getcwd(here, sizeof(here)) == NULL || asprintf(&result, "%s/%s", here, path) < 0)
        return NULL;
    return result;
}

int swgi_file_name(struct swg_panel *panel, const char *path, struct swg_error *error) {
    size_t length = strlen(path);
    if (length == 0 || path[length - 1] == '/' || length > 4000)
        return swgi_fail(
            error, -EINVAL, "path",
            "path is \"%.64s\"; it must name a file without its suffix, as in /run/switchgear/main",
            path);
    panel->path = absolute(path);
    if (panel->path == NULL)
        return swgi_fail(error, -ENOMEM, "path", "no memory for the path");
    size_t slash = (size_t)(strrchr(panel->path, '/') - panel->path);
    panel->directory = strndup(panel->path, slash == 0 ? 1 : slash);
    if (panel->directory == NULL ||
        asprintf(&panel->panel_path, "%s.v%u.panel", panel->path, SWGI_MAJOR) < 0 ||
        asprintf(&panel->lock_path, "%s.v%u.lock", panel->path, SWGI_MAJOR) < 0)
        return swgi_fail(error, -ENOMEM, "path", "no memory for the path");
    return 0;
}

/*
 * Memory of a file that two machines map is two memories, and their locks know nothing of each
 * other. FUSE and 9p cannot be told from a network behind them, and being wrong would be silent:
 * they are refused as well.
 */
static const char *network_file_system(unsigned type) {
    static const struct {
        unsigned type;
        const char *name;
    } table[] = {
        { 0x6969, "NFS" },        { 0x517b, "SMB" },        { 0xff534d42, "CIFS" },
        { 0xfe534d42, "SMB2" },   { 0x5346414f, "AFS" },    { 0x6b414653, "AFS" },
        { 0x73757245, "Coda" },   { 0x01021997, "9p" },     { 0x00c36400, "Ceph" },
        { 0x0bd00bd0, "Lustre" }, { 0x01161970, "GFS2" },   { 0x7461636f, "OCFS2" },
        { 0x65735546, "FUSE" },   { 0x19830326, "BeeGFS" }, { 0x47504653, "GPFS" },
        { 0xaad7aaea, "PanFS" },  { 0x786f4256, "vboxsf" }, { 0x564c, "NCP" },
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].type == type)
            return table[i].name;
    return NULL;
}

int swgi_file_directory(const struct swg_panel *panel, struct swg_error *error) {
    const char *directory = panel->directory;
    struct stat status;
    struct statfs system;
    if (stat(directory, &status) != 0 || statfs(directory, &system) != 0)
        return swgi_fail(error, -errno, directory, "directory %s: %s; make it, or name another one",
                         directory, strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return swgi_fail(error, -ENOTDIR, directory, "%s is no directory", directory);
    if ((status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0)
        return swgi_fail(error, -EPERM, directory,
                         "anyone may replace files in %s (mode %04o); take the right to write from "
                         "others: chmod o-w",
                         directory, status.st_mode & 07777u);
    const char *network = network_file_system((unsigned)system.f_type);
    if (network != NULL)
        return swgi_fail(error, -EPERM, directory,
                         "%s is on %s, where processes do not share memory; use tmpfs (/run, "
                         "/dev/shm) or a local disk",
                         directory, network);
    return 0;
}

static const char *kind_of(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return "a directory";
    case S_IFIFO:
        return "a FIFO";
    case S_IFSOCK:
        return "a socket";
    default:
        return "a device";
    }
}

static bool owner_trusted(const struct swg_panel *panel, uid_t owner) {
    struct stat directory;
    if (owner == 0 || owner == geteuid())
        return true;
    return stat(panel->directory, &directory) == 0 && directory.st_uid == owner;
}

static int refuse(const struct swg_panel *panel, const char *path, const struct stat *s,
                  struct swg_error *error) {
    if (S_ISLNK(s->st_mode))
        return swgi_fail(error, -ELOOP, path,
                         "%s is a symbolic link; name the file itself, or remove the link", path);
    if (!S_ISREG(s->st_mode))
        return swgi_fail(error, -EPERM, path, "%s is %s; remove it, or name another path", path,
                         kind_of(s->st_mode));
    if (!owner_trusted(panel, s->st_uid))
        return swgi_fail(
            error, -EPERM, path,
            "%s belongs to user %u, who is neither you (%u), root, nor the owner of the directory",
            path, s->st_uid, geteuid());
    if ((s->st_mode & S_IWOTH) != 0)
        return swgi_fail(error, -EPERM, path,
                         "anyone may write %s (mode %04o); chmod o-w, if you trust what it holds",
                         path, s->st_mode & 07777u);
    if (s->st_nlink > 1)
        return swgi_fail(error, -EPERM, path, "%s has %lu names; remove the others, or remove it",
                         path, (unsigned long)s->st_nlink);
    return 0;
}

static int no_access(const char *path, const struct stat *s, int code, struct swg_error *error) {
    if (code == -EACCES || code == -EPERM)
        return swgi_fail(error, -EACCES, path,
                         "no permission to open %s (mode %04o, user %u, group %u); join the group, "
                         "or only inspect",
                         path, s->st_mode & 07777u, s->st_uid, s->st_gid);
    if (code == -EROFS)
        return swgi_fail(error, code, path,
                         "%s is on a read-only file system; it can only be inspected", path);
    return swgi_fail(error, code, path, "%s: %s", path, strerror(-code));
}

/*
 * -EAGAIN: it was exchanged between our looks. Looking before opening leaves devices and FIFOs
 * alone.
 */
static int open_once(const struct swg_panel *panel, const char *path, struct stat *status,
                     struct swg_error *error) {
    struct stat before;
    int flags = panel->access == SWG_PANEL_INSPECT ? O_RDONLY : O_RDWR;
    if (lstat(path, &before) != 0)
        return errno == ENOENT ? -ENOENT : no_access(path, &before, -errno, error);
    int rc = refuse(panel, path, &before, error);
    if (rc < 0)
        return rc;
    int fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -EAGAIN : no_access(path, &before, -errno, error);
    if (fstat(fd, status) == 0 && status->st_dev == before.st_dev &&
        status->st_ino == before.st_ino)
        return fd;
    close(fd);
    return -EAGAIN;
}

static bool has_two_names(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 2;
}

/* Where files cannot be made without a name, a new one has two for a moment. */
static void wait_for_one_name(const char *path) {
    int64_t deadline = swgi_clock_of(CLOCK_MONOTONIC) + LINK_WAIT_NS;
    while (has_two_names(path) && swgi_clock_of(CLOCK_MONOTONIC) < deadline)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static int open_safely(const struct swg_panel *panel, const char *path, struct stat *status,
                       struct swg_error *error) {
    int fd = -EAGAIN;
    wait_for_one_name(path);
    for (unsigned tries = 0; tries < OPEN_TRIES && fd == -EAGAIN; tries++)
        fd = open_once(panel, path, status, error);
    if (fd == -EAGAIN)
        return swgi_fail(error, -EAGAIN, path, "%s is being replaced over and over", path);
    return fd;
}

int swgi_file_open(const struct swg_panel *panel, struct stat *status, struct swg_error *error) {
    return open_safely(panel, panel->panel_path, status, error);
}

bool swgi_file_in_place(const char *path, uint64_t device, uint64_t inode) {
    struct stat status;
    return lstat(path, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

static int make_lock(const struct swg_panel *panel, struct swg_error *error) {
    struct swgi_draft draft;
    int rc = swgi_draft_open(&draft, panel, panel->lock_path, error);
    if (rc < 0)
        return rc;
    rc = swgi_draft_publish(&draft, panel, panel->lock_path);
    swgi_draft_close(&draft);
    if (rc == 0 || rc == -EEXIST)
        return 0;
    return swgi_fail(error, rc, panel->lock_path, "cannot make %s: %s", panel->lock_path,
                     strerror(-rc));
}

int swgi_file_lock(const struct swg_panel *panel, struct stat *status, struct swg_error *error) {
    for (unsigned tries = 0; tries < OPEN_TRIES; tries++) {
        int fd = open_safely(panel, panel->lock_path, status, error);
        if (fd != -ENOENT || panel->access == SWG_PANEL_INSPECT)
            return fd;
        int rc = make_lock(panel, error);
        if (rc < 0)
            return rc;
    }
    return swgi_fail(error, -EAGAIN, panel->lock_path, "%s is being removed over and over",
                     panel->lock_path);
}
