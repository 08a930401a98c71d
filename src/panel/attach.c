/*
 * Attaching to a file, or making it. Any number of processes may do this at once: each tries to
 * open, and who finds nothing makes a whole panel out of sight and tries to give it the name; one
 * succeeds, and the others open that one.
 */
#include "panel/attach.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fcntl.h>

#include "base/error.h"
#include "panel/boot.h"
#include "panel/file.h"
#include "panel/liveness.h"
#include "panel/map.h"
#include "panel/process.h"
#include "panel/validate.h"

#define ATTACH_TRIES 100u

int swgi_header_read(const struct swg_panel *panel, int fd, uint64_t file_size,
                     const struct swg_panel_options *asked, struct swgi_geometry *geometry,
                     struct swgi_section *sections, struct swg_error *error) {
    struct swgi_header header;
    ssize_t length = pread(fd, &header, sizeof(header), 0);
    if (length < 0)
        return swgi_fail(error, -errno, panel->panel_path, "cannot read %s: %s", panel->panel_path,
                         strerror(errno));
    if ((size_t)length < sizeof(header))
        return swgi_fail(
            error, -EBADMSG, panel->panel_path,
            "%s has %zd bytes, too few for a header; remove it when no process uses it",
            panel->panel_path, length);
    int rc = swgi_header_check(&header, file_size, panel->panel_path, geometry, sections, error);
    if (rc == 0)
        rc = swgi_geometry_agree(asked, geometry, panel->panel_path, error);
    return rc;
}

/* A file system's answer may come as a signal; asking the limit first keeps it an answer. */
static int check_limit(const struct swg_panel *panel, uint64_t size, struct swg_error *error) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur >= size)
        return 0;
    return swgi_fail(error, -ENOSPC, panel->panel_path,
                     "%s needs %" PRIu64 " bytes and this process may write files of %" PRIu64
                     "; raise the limit (ulimit -f) or make the panel smaller",
                     panel->panel_path, size, (uint64_t)limit.rlim_cur);
}

static int reserve(const struct swg_panel *panel, int fd, uint64_t size, struct swg_error *error) {
    int rc = check_limit(panel, size, error);
    if (rc < 0)
        return rc;
    do
        rc = posix_fallocate(fd, 0, (off_t)size);
    while (rc == EINTR);
    if (rc == 0)
        return 0;
    return swgi_fail(error, rc == EFBIG || rc == EDQUOT ? -ENOSPC : -rc, panel->panel_path,
                     "no room for the %" PRIu64
                     " bytes of %s: %s; free some, or make the panel smaller",
                     size, panel->panel_path, strerror(rc));
}

/* What is not in use lies between what is: nothing is gained by reading it as well. */
static unsigned char *map_file(int fd, uint64_t size) {
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        return NULL;
    (void)madvise(bytes, size, MADV_RANDOM);
    return bytes;
}

static int no_memory(const struct swg_panel *panel, uint64_t size, struct swg_error *error) {
    return swgi_fail(error, -ENOMEM, panel->panel_path,
                     "no memory to map the %" PRIu64 " bytes of %s", size, panel->panel_path);
}

static int fill(struct swg_panel *panel, int fd, const struct swgi_geometry *geometry,
                struct swg_error *error) {
    int rc = reserve(panel, fd, geometry->size, error);
    if (rc < 0)
        return rc;
    unsigned char *bytes = map_file(fd, geometry->size);
    if (bytes == NULL)
        return no_memory(panel, geometry->size, error);
    swgi_map_format(panel, bytes, geometry);
    munmap(bytes, geometry->size);
    return 0;
}

/* 0 also when somebody else was first. */
static int create(struct swg_panel *panel, struct swg_error *error) {
    struct swgi_geometry geometry = { 0 };
    struct swgi_draft draft = { .fd = -1 };
    int rc = swgi_geometry_resolve(&panel->options, &geometry, error);
    if (rc == 0)
        rc = swgi_draft_open(&draft, panel, panel->panel_path, error);
    if (rc < 0)
        return rc;
    rc = fill(panel, draft.fd, &geometry, error);
    if (rc == 0) {
        rc = swgi_draft_publish(&draft, panel, panel->panel_path);
        if (rc < 0 && rc != -EEXIST)
            swgi_fail(error, rc, panel->panel_path, "cannot name %s: %s", panel->panel_path,
                      strerror(-rc));
    }
    swgi_draft_close(&draft);
    return rc == -EEXIST ? 0 : rc;
}

/* Becomes a process of the map and publishes it, or gives it up. */
static int settle(struct swgi_map *map, struct swg_error *error) {
    struct swg_panel *panel = map->panel;
    int rc = 0;
    swgi_process_lock();
    if (!swgi_lock_valid(panel))
        rc = swgi_lock_open(panel, error);
    swgi_process_unlock();
    if (rc == 0)
        rc = swgi_boot_settle(map, error);
    swgi_process_lock();
    if (rc == 0)
        rc = swgi_identity_claim(map, error);
    if (rc == 0) {
        swgi_map_retag(map);
        swgi_map_publish(map);
    }
    swgi_process_unlock();
    if (rc < 0)
        swgi_map_free(map);
    return rc;
}

static int map_checked(struct swg_panel *panel, int fd, const struct stat *status,
                       const struct swg_panel_options *asked, struct swg_error *error) {
    struct swgi_geometry geometry = { 0 };
    struct swgi_section sections[SWGI_SECTIONS] = { { 0 } };
    int rc =
        swgi_header_read(panel, fd, (uint64_t)status->st_size, asked, &geometry, sections, error);
    if (rc < 0)
        return rc;
    unsigned char *bytes = map_file(fd, geometry.size);
    struct swgi_map *map = bytes == NULL ? NULL : swgi_map_new(panel, bytes, &geometry, sections);
    if (map == NULL)
        return no_memory(panel, geometry.size, error);
    map->device = status->st_dev;
    map->inode = status->st_ino;
    rc = settle(map, error);
    if (rc == 0)
        swgi_map_stamp(map);
    return rc;
}

static int open_or_create(struct swg_panel *panel, struct stat *status, struct swg_error *error) {
    for (unsigned tries = 0; tries < ATTACH_TRIES; tries++) {
        int fd = swgi_file_open(panel, status, error);
        if (fd != -ENOENT)
            return fd;
        if (panel->access != SWG_PANEL_CREATE)
            return swgi_fail(error, -ENOENT, panel->panel_path,
                             "there is no panel %s; start what makes it, or create it",
                             panel->panel_path);
        int rc = create(panel, error);
        if (rc < 0)
            return rc;
    }
    return swgi_fail(error, -EAGAIN, panel->panel_path, "%s is being removed over and over",
                     panel->panel_path);
}

int swgi_attach(struct swg_panel *panel, const struct swg_panel_options *asked,
                struct swg_error *error) {
    struct stat status = { 0 };
    int fd = swgi_file_directory(panel, error);
    if (fd == 0)
        fd = open_or_create(panel, &status, error);
    if (fd < 0)
        return fd;
    int rc = map_checked(panel, fd, &status, asked, error);
    close(fd);
    return rc;
}
