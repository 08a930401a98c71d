/*
 * After a reboot CLOCK_MONOTONIC begins anew, and every instant in a panel that survived on disk
 * is of another clock. The last housekeeping stamped both clocks; by the calendar we know what
 * the old one would show now, and all instants are moved by the difference. One process does it,
 * under a byte lock, and tells the rest by writing which boot the panel belongs to.
 *
 * It may be killed at any instruction, and an instant moved twice is wrong by weeks. So what it
 * began with and how far it is stand in the header, and the next one ends it with that shift, even
 * in yet another boot, to which it then goes on.
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

/* Killed before `begun` names this word, we find it as it was; after, what it becomes is known. */
void swgi_rebase_move(struct swgi_map *map, uint64_t number, swgi_word *word, uint64_t value) {
    struct swgi_header *header = map->header;
    if (number <= swgi_load(&header->rebase.done))
        return;
    if (number != swgi_load(&header->rebase.begun)) {
        swgi_store_release(&header->rebase.value, value);
        swgi_store_release(&header->rebase.begun, number);
    }
    swgi_store_release(word, swgi_load(&header->rebase.value));
    swgi_store_release(&header->rebase.done, number);
}

/* The last store makes it one that is under way: killed before, it has not begun. */
static void begin_rebase(struct swgi_map *map) {
    struct swgi_header *header = map->header;
    int64_t now = swgi_map_clock(map);
    swgi_store(&header->rebase.shift, (uint64_t)shift_of(map, now));
    swgi_store(&header->rebase.now, (uint64_t)now);
    swgi_store(&header->rebase.boot_id[0], map->panel->boot_id[0]);
    swgi_store(&header->rebase.boot_id[1], map->panel->boot_id[1]);
    swgi_store(&header->rebase.begun, 0);
    swgi_store(&header->rebase.done, 0);
    swgi_store(&header->boot_state, swgi_load(&header->boot_state) | 1);
}

/* An instant of ours is in the first half of what can be told. */
static int64_t begun_at(const struct swgi_map *map) {
    uint64_t now = swgi_load(&map->header->rebase.now);
    return now <= INT64_MAX / 2 ? (int64_t)now : swgi_map_clock(map);
}

/*
 * The stamp is moved last and its calendar stays: together they say what they said before, on the
 * new clock.
 */
static void end_rebase(struct swgi_map *map) {
    struct swgi_header *header = map->header;
    uint64_t shift = swgi_load(&header->rebase.shift);
    map->panel->hooks->rebase(map, (int64_t)shift, begun_at(map));
    swgi_store(&header->swept_at, 0);
    swgi_rebase_move(map, UINT64_MAX, &header->stamp_monotonic,
                     swgi_load(&header->stamp_monotonic) + shift);
    swgi_store(&header->boot_id[0], swgi_load(&header->rebase.boot_id[0]));
    swgi_store(&header->boot_id[1], swgi_load(&header->rebase.boot_id[1]));
    swgi_store(&header->boot_state, (swgi_load(&header->boot_state) | 1) + 1);
}

static bool under_way(const struct swgi_map *map) {
    return swgi_load(&map->header->boot_state) & 1;
}

/* Virtual time knows no boots. */
static bool settled(const struct swgi_map *map) {
    return same_boot(map) && (map->virtual_on || !under_way(map));
}

static void settle_locked(struct swgi_map *map) {
    if (map->virtual_on)
        swgi_boot_write(map);
    else if (under_way(map))
        end_rebase(map);
    if (!settled(map)) {
        begin_rebase(map);
        end_rebase(map);
    }
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
    while (!settled(map)) {
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
    if (!settled(map))
        settle_locked(map);
}
