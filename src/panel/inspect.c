/*
 * Looking without taking part: a copy of what is used, read with pread(), so that the right to
 * read is enough, and a file cut short while we look is an error and no signal. The copy is
 * written word by word, for other threads may be reading it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "panel/attach.h"
#include "panel/boot.h"
#include "panel/file.h"
#include "panel/liveness.h"
#include "panel/map.h"
#include "panel/process.h"

#define BOUNCE_BYTES 65536u

struct copy {
    int fd;
    struct swgi_map *map;
    uint64_t *bounce;
    int rc; /* of the first read that failed */
};

static void copy_some(struct copy *copy, uint64_t offset, size_t size) {
    ssize_t length = pread(copy->fd, copy->bounce, size, (off_t)offset);
    if (length != (ssize_t)size)
        copy->rc = length < 0 ? -errno : -EBADMSG;
    swgi_word *words = (swgi_word *)(void *)(copy->map->bytes + offset);
    for (size_t i = 0; i < size / sizeof(*words) && copy->rc == 0; i++)
        swgi_store_release(&words[i], copy->bounce[i]);
}

/* What lies at that address of the map, from the same place of the file. */
static void copy_range(struct copy *copy, const void *from, uint64_t size) {
    uint64_t offset = (uint64_t)((const unsigned char *)from - copy->map->bytes);
    uint64_t end = (offset + size + 7) & ~UINT64_C(7);
    for (; offset < end && copy->rc == 0; offset += BOUNCE_BYTES)
        copy_some(copy, offset, end - offset < BOUNCE_BYTES ? end - offset : BOUNCE_BYTES);
}

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static void copy_columns(struct copy *copy, uint64_t columns, uint64_t circuits) {
    struct swgi_map *map = copy->map;
    for (uint64_t c = 0; c < columns; c++)
        copy_range(copy, map->columns + c * map->geometry.circuits,
                   circuits * sizeof(*map->columns));
}

static void copy_histograms(struct copy *copy, uint64_t columns) {
    struct swgi_map *map = copy->map;
    uint64_t bins = (uint64_t)map->geometry.columns * SWGI_HISTOGRAM_BINS;
    copy_range(copy, map->histogram_owners, map->geometry.histograms * sizeof(uint32_t));
    for (uint32_t i = 0; i < map->geometry.histograms; i++)
        if (swgi_load(&map->histogram_owners[i]) != 0)
            copy_range(copy, map->histograms + i * bins,
                       columns * SWGI_HISTOGRAM_BINS * sizeof(swgi_word));
}

static void copy_slots(struct copy *copy) {
    struct swgi_map *map = copy->map;
    copy_range(copy, map->slot_owners, map->geometry.slot_chunks * sizeof(uint32_t));
    for (uint32_t i = 0; i < map->geometry.slot_chunks; i++)
        if (swgi_load(&map->slot_owners[i]) != 0)
            copy_range(copy, map->slots + i * SWGI_SLOT_CHUNK, SWGI_SLOT_CHUNK * sizeof(swgi_word));
}

static void copy_policies(struct copy *copy) {
    struct swgi_map *map = copy->map;
    copy_range(copy, map->policy_owners, map->geometry.policies * sizeof(uint32_t));
    for (uint32_t i = 0; i < map->geometry.policies; i++)
        if (swgi_load(&map->policy_owners[i]) != 0)
            copy_range(copy, &map->policies[i], sizeof(map->policies[i]));
}

static void copy_ring(struct copy *copy, unsigned ring) {
    uint64_t used = least(swgi_event_next(copy->map, ring), copy->map->geometry.events);
    copy_range(copy, copy->map->rings[ring], used * sizeof(struct swgi_event_slot));
}

static void copy_all(struct copy *copy) {
    struct swgi_map *map = copy->map;
    copy_range(copy, map->header, sizeof(*map->header));
    uint64_t circuits = least(swgi_load(&map->header->circuits_high), map->geometry.circuits);
    uint64_t columns = least(swgi_load(&map->header->columns_high), map->geometry.columns);
    copy_range(copy, map->processes, SWGI_PROCESSES_MAX * sizeof(*map->processes));
    copy_range(copy, map->index[0], 2 * (uint64_t)map->geometry.index_buckets * sizeof(uint32_t));
    copy_range(copy, map->leases, map->geometry.columns * sizeof(*map->leases));
    copy_range(copy, map->cells, circuits * sizeof(*map->cells));
    copy_columns(copy, columns, circuits);
    copy_histograms(copy, columns);
    copy_slots(copy);
    copy_policies(copy);
    copy_ring(copy, SWGI_RING_ACTS);
    copy_ring(copy, SWGI_RING_NOTICES);
}

static int read_into(struct swgi_map *map, int fd) {
    struct copy copy = { .fd = fd, .map = map, .bounce = malloc(BOUNCE_BYTES) };
    if (copy.bounce == NULL)
        return -ENOMEM;
    copy_all(&copy);
    free(copy.bounce);
    if (copy.rc < 0)
        return copy.rc;
    map->virtual_on = map->header->virtual_clock_on;
    swgi_boot_settle_copy(map);
    return 0;
}

/* Without the right to read the lock file nobody is known to be dead. */
static void open_lock(struct swg_panel *panel) {
    swgi_process_lock();
    if (!swgi_lock_valid(panel))
        (void)swgi_lock_open(panel, NULL);
    swgi_process_unlock();
}

static struct swgi_map *empty_copy(struct swg_panel *panel, const struct swgi_geometry *geometry,
                                   const struct swgi_section *sections, const struct stat *status) {
    unsigned char *bytes = swgi_memory_new(geometry->size);
    struct swgi_map *map = bytes == NULL ? NULL : swgi_map_new(panel, bytes, geometry, sections);
    if (map == NULL)
        return NULL;
    map->device = status->st_dev;
    map->inode = status->st_ino;
    map->writable = false;
    return map;
}

static void publish(struct swgi_map *map) {
    swgi_process_lock();
    swgi_map_retag(map);
    swgi_map_publish(map);
    swgi_process_unlock();
}

static int copy_file(struct swg_panel *panel, int fd, const struct stat *status,
                     const struct swg_panel_options *asked, struct swg_error *error) {
    struct swgi_geometry geometry = { 0 };
    struct swgi_section sections[SWGI_SECTIONS] = { { 0 } };
    int rc =
        swgi_header_read(panel, fd, (uint64_t)status->st_size, asked, &geometry, sections, error);
    if (rc < 0)
        return rc;
    struct swgi_map *map = empty_copy(panel, &geometry, sections, status);
    rc = map == NULL ? -ENOMEM : read_into(map, fd);
    if (rc == 0) {
        publish(map);
        return 0;
    }
    if (map != NULL)
        swgi_map_free(map);
    return swgi_fail(error, rc, panel->panel_path, "cannot read %s: %s", panel->panel_path,
                     strerror(-rc));
}

int swgi_inspect(struct swg_panel *panel, const struct swg_panel_options *asked,
                 struct swg_error *error) {
    struct stat status = { 0 };
    int fd = swgi_file_directory(panel, error);
    if (fd == 0)
        fd = swgi_file_open(panel, &status, error);
    if (fd == -ENOENT)
        return swgi_fail(error, -ENOENT, panel->panel_path, "there is no panel %s",
                         panel->panel_path);
    if (fd < 0)
        return fd;
    open_lock(panel);
    int rc = copy_file(panel, fd, &status, asked, error);
    close(fd);
    return rc;
}

int swgi_inspect_again(struct swgi_map *map) {
    struct stat status = { 0 };
    int fd = swgi_file_open(map->panel, &status, NULL);
    if (fd < 0)
        return fd;
    int rc = 0;
    if (status.st_dev == map->device && status.st_ino == map->inode)
        rc = read_into(map, fd);
    close(fd);
    return rc;
}
