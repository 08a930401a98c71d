/*
 * Who is dead, and what it held. Never judged by time: only by the kernel's answer to whether a
 * byte is locked.
 */
#include "panel/reap.h"

#include "panel/file.h"
#include "panel/liveness.h"
#include "panel/process.h"
#include "panel/waiters.h"
#include "panel/words.h"

#define LEASE_BITS 22

static bool same(uint32_t a, uint32_t b, unsigned bits) {
    return ((a ^ b) & (uint32_t)SWGI_MASK(bits)) == 0;
}

/*
 * On a map whose file was replaced nobody is declared dead: the lock file may be another one by
 * now.
 */
static bool locked(struct swgi_map *map, unsigned owner, bool glance) {
    int byte = SWGI_LOCK_PROCESSES + (int)owner - 1;
    if (map != swgi_load(&map->panel->map))
        return true;
    swgi_process_lock();
    bool held =
        (glance && swgi_lock_glance(map->panel, byte)) || swgi_lock_ask(map->panel, byte) != 0;
    swgi_process_unlock();
#ifdef SWGI_MUTANT_ALIVE_IS_DEAD
    return !held;
#endif
    return held;
}

enum life { DEAD, ALIVE, ASK };

/* What is known without asking the kernel. */
static enum life known(const struct swgi_map *map, unsigned owner, uint32_t incarnation,
                       unsigned bits) {
    struct swgi_identity me = swgi_map_identity(map);
    if (owner == 0 || owner > SWGI_PROCESSES_MAX)
        return DEAD;
    if (owner == me.owner)
        return same(incarnation, me.incarnation, bits) ? ALIVE : DEAD;
    if (map->panel->is_private ||
        !same(incarnation, (uint32_t)swgi_load(&map->processes[owner - 1].incarnation), bits))
        return DEAD;
    return ASK;
}

bool swgi_owner_alive(struct swgi_map *map, unsigned owner, uint32_t incarnation, unsigned bits) {
    enum life life = known(map, owner, incarnation, bits);
    return life == ASK ? locked(map, owner, false) : life == ALIVE;
}

/*
 * Files and descriptor in turn, so that each look is one system call: the panel's file, the lock
 * file, and whether our descriptor is still open on it, which mends itself.
 */
static void look(struct swgi_map *map) {
    struct swg_panel *panel = map->panel;
    bool there = true;
    swgi_process_lock();
    switch (swgi_add_relaxed(&map->looks, 1, COUNTER) % 3) {
    case 0:
        there = swgi_file_in_place(panel->panel_path, map->device, map->inode);
        break;
    case 1:
        there = swgi_lock_in_place(panel);
        break;
    default:
        (void)swgi_lock_keep(panel);
    }
    if (!there)
        swgi_store(&panel->replaced, 1);
    swgi_process_unlock();
}

#define LOOK_EVERY_NS UINT64_C(1000000000)

/* Not at the very first pass: attaching has just looked. */
static bool may_look(struct swgi_map *map) {
    uint64_t now = (uint64_t)swgi_map_clock(map);
    uint64_t last = swgi_load_relaxed(&map->look_stamp, STAMP);
    bool due = now - last >= LOOK_EVERY_NS || last == 0;
    return due && swgi_cas(&map->look_stamp, last, now) && last != 0;
}

bool swgi_owner_passes(struct swgi_map *map, unsigned owner, uint32_t incarnation, unsigned bits) {
    enum life life = known(map, owner, incarnation, bits);
    if (life != ASK)
        return life == ALIVE;
    if (map == swgi_load(&map->panel->map) && may_look(map)) {
        look(map);
        return true;
    }
    return locked(map, owner, true);
}

static void reap_leases(struct swgi_map *map, unsigned owner, const uint32_t *incarnation) {
    for (uint32_t c = 1; c < map->geometry.columns; c++) {
        uint64_t lease = swgi_load(&map->leases[c]);
        if (lease != 0 && swgi_lease_owner(lease) == owner &&
            (incarnation == NULL || same(swgi_lease_incarnation(lease), *incarnation, LEASE_BITS)))
            swgi_cas(&map->leases[c], lease, 0);
    }
}

/* Its recorded successes stay: the slot is free for another prober of the same generation. */
static void reap_probe(swgi_word *slot, unsigned owner, const uint32_t *incarnation) {
    uint64_t probe = swgi_load(slot);
    if (swgi_probe_state(probe) != SWGI_PROBE_HELD || swgi_probe_owner(probe) != owner)
        return;
    if (incarnation != NULL &&
        !same(swgi_probe_incarnation(probe), *incarnation, SWGI_INCARNATION_BITS))
        return;
    swgi_cas(slot, probe,
             swgi_probe(swgi_probe_generation(probe), SWGI_PROBE_FREE, 0, 0,
                        swgi_probe_sequence(probe), swgi_probe_successes(probe)));
}

void swgi_owner_reap(struct swgi_map *map, unsigned owner, const uint32_t *incarnation) {
    uint64_t high = swgi_load(&map->header->circuits_high);
    reap_leases(map, owner, incarnation);
    swgi_bulkheads_reap(map, owner, incarnation);
    for (uint32_t c = 0; c < map->geometry.circuits && c < high; c++)
        for (unsigned i = 0; i < SWGI_PROBES_MAX; i++)
            reap_probe(&map->cells[c].probes[i], owner, incarnation);
}

/* Dead and not given back yet? */
static bool to_be_reaped(struct swgi_map *map, unsigned owner, uint32_t incarnation) {
    struct swgi_process *process = &map->processes[owner - 1];
    return incarnation != 0 && swgi_load(&process->pid) != 0 &&
           swgi_load(&process->reaped) != incarnation &&
           !swgi_owner_alive(map, owner, incarnation, 32);
}

unsigned swgi_panel_reap(struct swg_panel *panel) {
    struct swgi_map *map = swgi_load(&panel->map);
    unsigned dead = 0;
    if (!map->writable || swgi_map_refresh(map) < 0)
        return 0;
    for (unsigned owner = 1; owner <= SWGI_PROCESSES_MAX && !panel->is_private; owner++) {
        uint32_t incarnation = (uint32_t)swgi_load(&map->processes[owner - 1].incarnation);
        if (!to_be_reaped(map, owner, incarnation))
            continue;
        swgi_owner_reap(map, owner, &incarnation);
        swgi_store(&map->processes[owner - 1].reaped, incarnation);
        dead++;
    }
    return dead;
}

uint32_t swgi_processes_alive(struct swgi_map *map) {
    uint32_t alive = 0;
    for (unsigned owner = 1; owner <= SWGI_PROCESSES_MAX; owner++) {
        uint32_t incarnation = (uint32_t)swgi_load(&map->processes[owner - 1].incarnation);
        alive += incarnation != 0 && swgi_load(&map->processes[owner - 1].pid) != 0 &&
                 swgi_owner_alive(map, owner, incarnation, 32);
    }
    return alive;
}
