/*
 * After a reboot CLOCK_MONOTONIC begins anew, and every instant in a panel that survived on disk
 * is of another clock. The last housekeeping stamped both clocks; by the calendar we know what
 * the old one would show now, and all instants are moved by the difference. One process does it,
 * under a byte lock, and tells the rest by writing which boot the panel belongs to.
 */
#include "panel/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "panel/liveness.h"
#include "panel/process.h"

#define WAIT_NS 1000000000
#define POLL_NS 5000000

void swgi_boot_identify(struct swg_panel *panel, const char *option) {
    char text[64] = "";
    int fd = option != NULL ? -1 : open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t length = read(fd, text, sizeof(text) - 1);
        text[length < 0 ? 0 : length] = '\0';
        close(fd);
    }
    const char *id = option != NULL ? option : text;
    panel->boot_id[0] = swgi_hash(id, strlen(id), 1);
    panel->boot_id[1] = swgi_hash(id, strlen(id), 2);
}

static bool same_boot(const struct swgi_map *map) {
    const struct swg_panel *panel = map->panel;
    return swgi_load(&map->header->boot_id[0]) == panel->boot_id[0] &&
           swgi_load(&map->header->boot_id[1]) == panel->boot_id[1];
}

void swgi_boot_write(struct swgi_map *map) {
    swgi_store(&map->header->boot_id[0], map->panel->boot_id[0]);
    swgi_store(&map->header->boot_id[1], map->panel->boot_id[1]);
}

/*
 * New time minus what the old clock would show by the calendar. A calendar that went back counts
 * as no time passed.
 */
static int64_t shift_of(const struct swgi_map *map, int64_t now) {
    uint64_t wall_now = (uint64_t)swgi_clock_wall_ms() * 1000000u;
    uint64_t wall_then = swgi_load(&map->header->stamp_wall);
    uint64_t passed = wall_now > wall_then ? wall_now - wall_then : 0;
    return (int64_t)((uint64_t)now - (swgi_load(&map->header->stamp_monotonic) + passed));
}

static void rebase(struct swgi_map *map) {
    int64_t now = swgi_map_clock(map);
    int64_t shift = shift_of(map, now);
    swgi_store(&map->header->boot_state, swgi_load(&map->header->boot_state) | 1);
    map->panel->hooks->rebase(map, shift, now);
    swgi_store(&map->header->swept_at, 0);
    swgi_store(&map->header->stamp_monotonic, (uint64_t)now);
    swgi_store(&map->header->stamp_wall, (uint64_t)swgi_clock_wall_ms() * 1000000u);
    swgi_store(&map->header->boot_state, (swgi_load(&map->header->boot_state) | 1) + 1);
}

/* Virtual time knows no boots. */
static void settle_locked(struct swgi_map *map) {
    if (same_boot(map))
        return;
    if (!map->virtual_on)
        rebase(map);
    swgi_boot_write(map);
}

static int settle_once(struct swgi_map *map) {
    swgi_process_lock();
    int rc = swgi_lock_byte(map->panel, SWGI_LOCK_BOOT);
    swgi_process_unlock();
    if (rc < 0)
        return rc;
    settle_locked(map);
    swgi_process_lock();
    swgi_lock_release(map->panel, SWGI_LOCK_BOOT);
    swgi_process_unlock();
    return 0;
}

int swgi_boot_settle(struct swgi_map *map, struct swg_error *error) {
    int64_t deadline = swgi_clock_of(CLOCK_MONOTONIC) + WAIT_NS;
    while (!same_boot(map)) {
        int rc = settle_once(map);
        if (rc == 0)
            break;
        if (rc != -EAGAIN || swgi_clock_of(CLOCK_MONOTONIC) > deadline)
            return swgi_fail(error, rc, map->panel->path,
                             "%s is being brought to this boot's clock by another process, which "
                             "does not finish",
                             map->panel->path);
        nanosleep(&(struct timespec){ .tv_nsec = POLL_NS }, NULL);
    }
    return 0;
}

void swgi_boot_settle_copy(struct swgi_map *map) {
    settle_locked(map);
}
