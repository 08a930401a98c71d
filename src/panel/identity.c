/*
 * Who we are in a panel: a slot whose byte we hold locked, and an incarnation that tells us from
 * its former owners.
 *
 * Holding the lock proves the former owner gone, so what it left is given back first and the
 * incarnation raised after: if we are killed in between, the next one finds the same work still
 * to do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "panel/liveness.h"
#include "panel/process.h"
#include "panel/reap.h"

/*
 * Field 22 of /proc/self/stat: clock ticks after boot; with the pid it names a process for good.
 * 0 where it cannot be read.
 */
static uint64_t start_time(void) {
    char text[1024];
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    text[length < 0 ? 0 : length] = '\0';
    char *at = strrchr(text, ')'); /* the name may hold anything, but it ends here */
    for (unsigned field = 2; at != NULL && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtoull(at, NULL, 10);
}

static uint64_t pid_namespace(void) {
    struct stat status;
    return stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

static void introduce(struct swgi_map *map, struct swgi_process *process) {
    uint64_t name[4];
    static_assert(sizeof(name) == sizeof(map->panel->process_name),
                  "a process's name fills its words");
    memcpy(name, map->panel->process_name, sizeof(name));
    for (unsigned i = 0; i < 4; i++)
        swgi_store(&process->name[i], name[i]);
    swgi_store(&process->pid_namespace, pid_namespace());
    swgi_store(&process->start_time, start_time());
    swgi_store(&process->last_seen, (uint64_t)swgi_map_clock(map));
    swgi_store(&process->pid, (uint64_t)getpid());
}

static void take_slot(struct swgi_map *map, unsigned slot) {
    struct swgi_process *process = &map->processes[slot];
    unsigned owner = slot + 1;
    swgi_owner_reap(map, owner, NULL);
    uint64_t incarnation = (swgi_load(&process->incarnation) + 1) & UINT32_MAX;
    swgi_store(&process->incarnation, incarnation);
    introduce(map, process);
    swgi_store(&map->identity, (uint64_t)owner << 32 | incarnation);
}

static int lock_a_slot(struct swg_panel *panel, struct swg_error *error) {
    for (int slot = 0; slot < (int)SWGI_PROCESSES_MAX; slot++) {
        int rc = swgi_lock_byte(panel, SWGI_LOCK_PROCESSES + slot);
        if (rc == 0)
            return panel->slot = slot;
        if (rc != -EAGAIN)
            return swgi_fail(error, rc, panel->lock_path, "cannot lock a byte of %s: %s",
                             panel->lock_path, strerror(-rc));
    }
    return swgi_fail(error, -EBUSY, panel->path,
                     "%u processes use this panel, which is the most there can be; end one",
                     SWGI_PROCESSES_MAX);
}

int swgi_identity_claim(struct swgi_map *map, struct swg_error *error) {
    struct swg_panel *panel = map->panel;
    int rc = 0;
    if (panel->is_private)
        panel->slot = 0;
    else if (panel->slot < 0)
        rc = lock_a_slot(panel, error);
    if (rc < 0)
        return rc;
    take_slot(map, (unsigned)panel->slot);
    return 0;
}

/* A child made by clone() itself comes here with its parent's descriptor. */
static int make_sure_of_lock(struct swg_panel *panel, struct swg_error *error) {
    if (panel->lock_fd >= 0 && panel->lock_token != swgi_process_token())
        swgi_lock_part(panel);
    if (swgi_lock_valid(panel))
        return 0;
    return swgi_lock_open(panel, error);
}

int swgi_panel_reclaim(struct swg_panel *panel, struct swg_error *error) {
    int rc = panel->is_private ? 0 : make_sure_of_lock(panel, error);
    for (struct swgi_map *map = swgi_load(&panel->map); map != NULL && rc == 0; map = map->older) {
        rc = swgi_identity_claim(map, error);
        if (rc == 0)
            swgi_map_retag(map);
    }
    return rc;
}

int swgi_lock_keep(struct swg_panel *panel) {
    if (swgi_lock_valid(panel) && panel->slot >= 0)
        return 0;
    return swgi_panel_reclaim(panel, NULL);
}

int swgi_lock_ask(struct swg_panel *panel, int byte) {
    int rc = 0;
    if (panel->access != SWG_PANEL_INSPECT)
        rc = swgi_lock_keep(panel);
    else if (!swgi_lock_valid(panel))
        rc = -EBADF;
    return rc < 0 ? rc : swgi_lock_held(panel, byte);
}

bool swgi_lock_glance(const struct swg_panel *panel, int byte) {
    return panel->lock_fd >= 0 && panel->slot >= 0 && panel->lock_token == swgi_process_token() &&
           swgi_lock_held(panel, byte) == 1;
}

int swgi_lock_try(struct swg_panel *panel, int byte) {
    int rc = swgi_lock_keep(panel);
    return rc < 0 ? rc : swgi_lock_byte(panel, byte);
}

static void leave(struct swgi_map *map) {
    struct swgi_identity me = swgi_map_identity(map);
    if (me.owner == 0 || swgi_load(map->tag) == 0)
        return;
    swgi_owner_reap(map, me.owner, &me.incarnation);
    swgi_store(&map->processes[me.owner - 1].pid, 0);
    swgi_store(&map->identity, 0);
}

void swgi_identity_release(struct swg_panel *panel) {
    bool ours = !panel->is_private && panel->slot >= 0 && swgi_lock_valid(panel);
    if (panel->is_private || ours)
        for (struct swgi_map *map = swgi_load(&panel->map); map != NULL; map = map->older)
            leave(map);
    if (ours)
        swgi_lock_release(panel, SWGI_LOCK_PROCESSES + panel->slot);
}

void swgi_process_seen(struct swgi_map *map) {
    struct swgi_identity me = swgi_map_identity(map);
    if (me.owner != 0)
        swgi_store(&map->processes[me.owner - 1].last_seen, (uint64_t)swgi_map_clock(map));
}
