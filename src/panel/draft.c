/*
 * Files that appear whole. A file without a name is filled and then given one, which fails if
 * there is one already: never is something replaced, and a maker that is killed leaves nothing
 * behind. File systems that know no nameless files get one with a name nobody else uses, which is
 * then changed, again only if the new one is free.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/random.h"
#include "panel/file.h"

static bool no_nameless_files(int code) {
    return code == EOPNOTSUPP || code == EISDIR || code == EINVAL || code == ENOENT;
}

static int open_named(struct swgi_draft *draft, const char *path) {
    if (asprintf(&draft->name, "%s.%016llx.new", path, (unsigned long long)swgi_random_seed()) <
        0) {
        draft->name = NULL;
        return -ENOMEM;
    }
    draft->fd = open(draft->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return draft->fd < 0 ? -errno : 0;
}

int swgi_draft_open(struct swgi_draft *draft, const struct swg_panel *panel, const char *path,
                    struct swg_error *error) {
    int rc = 0;
    *draft =
        (struct swgi_draft){ .fd = open(panel->directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) };
    if (draft->fd < 0)
        rc = no_nameless_files(errno) ? open_named(draft, path) : -errno;
    if (rc < 0) {
        free(draft->name);
        return swgi_fail(error, rc, path, "cannot make a file in %s: %s", panel->directory,
                         strerror(-rc));
    }
    return 0;
}

/* The first way needs a privilege on older kernels, the second needs /proc. */
static int name_it(int fd, const char *path) {
    char self[40];
    if (linkat(fd, "", AT_FDCWD, path, AT_EMPTY_PATH) == 0)
        return 0;
    if (errno != ENOENT && errno != EPERM)
        return -errno;
    snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 ? 0 : -errno;
}

static int rename_it(const char *name, const char *path) {
    if (renameat2(AT_FDCWD, name, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    return link(name, path) == 0 ? 0 : -errno; /* closing the draft takes the first name away */
}

int swgi_draft_publish(struct swgi_draft *draft, const struct swg_panel *panel, const char *path) {
    /* What was asked for, whatever the umask. */
    if (fchmod(draft->fd, panel->file_mode) != 0 || fsync(draft->fd) != 0)
        return -errno;
    return draft->name == NULL ? name_it(draft->fd, path) : rename_it(draft->name, path);
}

void swgi_draft_close(struct swgi_draft *draft) {
    if (draft->name != NULL)
        unlink(draft->name);
    free(draft->name);
    close(draft->fd);
}
