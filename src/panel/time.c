/*
 * Panel time: this process's CLOCK_MONOTONIC brought to the host's, or a virtual clock that moves
 * when told.
 */
#include "panel/time.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/error.h"
#include "panel/map.h"

#define BELIEVED_NS            1000000000
#define STAMP_EVERY_NS         1000000000
#define INITIAL_TIME_NAMESPACE UINT64_C(0xeffffffa) /* PROC_TIME_INIT_INO */

/* A virtual clock stands in memory that others can write; up to here no sum overflows. */
#define VIRTUAL_CLOCK_MOST (INT64_C(1) << 62)

int64_t swgi_map_clock(const struct swgi_map *map) {
    uint64_t told;
    if (map->virtual_on) {
        told = swgi_load(&map->header->virtual_clock);
        return told < VIRTUAL_CLOCK_MOST ? (int64_t)told : VIRTUAL_CLOCK_MOST;
    }
    return swgi_clock_coarse() + map->panel->time_shift;
}

int64_t swgi_map_believe(struct swgi_map *map, int64_t now) {
    int64_t own = swgi_map_clock(map);
    /* As unsigned, because a hostile now may be farther away than int64_t can tell. */
    if ((uint64_t)now - (uint64_t)own + BELIEVED_NS <= 2 * (uint64_t)BELIEVED_NS)
        return now;
    swgi_add_relaxed(&map->header->clocks_replaced, 1, COUNTER);
    return own;
}

void swgi_map_stamp(struct swgi_map *map) {
    uint64_t now = (uint64_t)swgi_map_clock(map);
    uint64_t last = swgi_load_relaxed(&map->header->stamp_monotonic, STAMP);
    if (last != 0 && now - last < STAMP_EVERY_NS)
        return;
    if (swgi_cas(&map->header->stamp_monotonic, last, now))
        swgi_store(&map->header->stamp_wall, (uint64_t)swgi_clock_wall_ms() * 1000000u);
}

static uint64_t namespace_inode(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 ? status.st_ino : 0;
}

static int64_t read_offset(void) {
    long long seconds = 0, ns = 0;
    FILE *file = fopen("/proc/self/timens_offsets", "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "monotonic %lld %lld", &seconds, &ns) != 2)
        seconds = ns = 0;
    fclose(file);
    return (int64_t)(seconds * 1000000000 + ns);
}

/*
 * The file of offsets tells those of the namespace our children will be in, which is ours unless
 * somebody called unshare().
 */
int swgi_time_shift(int64_t *shift_ns, struct swg_error *error) {
    uint64_t ours = namespace_inode("/proc/self/ns/time");
    if (ours == 0 || ours == INITIAL_TIME_NAMESPACE) {
        *shift_ns = 0;
        return 0;
    }
    if (ours != namespace_inode("/proc/self/ns/time_for_children"))
        return swgi_fail(error, -EPERM, "path",
                         "this process called unshare(CLONE_NEWTIME), so that its own clock's "
                         "offset cannot be read; open the panel "
                         "before that, or in a child");
    *shift_ns = -read_offset();
    return 0;
}
