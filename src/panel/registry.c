/*
 * Making and evicting circuits.
 *
 * Both are rare and take a lock, a mutex among threads and a byte lock among processes, polled
 * for 10 ms in all: a holder that was stopped must not block anybody's calls. What a killed
 * holder left half done is found by registry_dirty and repaired from the cells, which alone are
 * the truth; index, counts of cells and owners of extents follow from them.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "panel/index.h"
#include "panel/liveness.h"
#include "panel/pool.h"
#include "panel/process.h"
#include "panel/words.h"

#define WAIT_NS 10000000
#define POLL_NS 100000

/* One of the two locks, tried until the deadline. */
static int mutex_try(struct swgi_map *map) {
    return -pthread_mutex_trylock(map->registry_mutex);
}

static int byte_try(struct swgi_map *map) {
    swgi_process_lock();
    int rc = swgi_lock_try(map->panel, SWGI_LOCK_REGISTRY);
    swgi_process_unlock();
    return rc;
}

static int poll_until(struct swgi_map *map, int (*try_lock)(struct swgi_map *), int64_t deadline) {
    for (;;) {
        int rc = try_lock(map);
        if (rc != -EAGAIN && rc != -EBUSY)
            return rc;
        if (swgi_clock_of(CLOCK_MONOTONIC) >= deadline)
            return -EAGAIN;
        nanosleep(&(struct timespec){ .tv_nsec = POLL_NS }, NULL);
    }
}

static int lock_both(struct swgi_map *map) {
    int64_t deadline = swgi_clock_of(CLOCK_MONOTONIC) + WAIT_NS;
    int rc = poll_until(map, mutex_try, deadline);
    if (rc < 0)
        return rc;
    if (!map->panel->is_private)
        rc = poll_until(map, byte_try, deadline);
    if (rc < 0)
        pthread_mutex_unlock(map->registry_mutex);
    return rc;
}

int swgi_registry_lock(struct swgi_map *map) {
    if (!map->writable)
        return -EROFS;
    int rc = swgi_map_refresh(map);
    if (rc == 0)
        rc = lock_both(map);
    if (rc < 0)
        return rc;
#ifndef SWGI_MUTANT_NO_REPAIR
    if (swgi_load(&map->header->registry_dirty) != 0)
        swgi_registry_repair(map);
#endif
    swgi_store(&map->header->registry_dirty, 1);
    return 0;
}

void swgi_registry_unlock(struct swgi_map *map) {
    swgi_store(&map->header->registry_dirty, 0);
    if (!map->panel->is_private) {
        swgi_process_lock();
        swgi_lock_release(map->panel, SWGI_LOCK_REGISTRY);
        swgi_process_unlock();
    }
    pthread_mutex_unlock(map->registry_mutex);
}

static uint32_t circuits_high(const struct swgi_map *map) {
    uint64_t high = swgi_load(&map->header->circuits_high);
    return high < map->geometry.circuits ? (uint32_t)high : map->geometry.circuits;
}

static bool cell_free(const struct swgi_map *map, uint32_t circuit) {
    uint32_t life = swgi_load(&map->cells[circuit].life);
    return life == 0 || (life & 1) != 0;
}

static bool cell_live(const struct swgi_map *map, uint32_t circuit) {
    return !cell_free(map, circuit);
}

/* A cell that was given up, if there is one, before one that was never used: scans stay short. */
static int find_free(struct swgi_map *map, uint32_t *circuit) {
    uint32_t high = circuits_high(map);
    if (swgi_load(&map->header->circuits_live) < high) {
        uint32_t hint = swgi_load_relaxed(&map->claim_hint, HINT);
        for (uint32_t i = 0; i < high; i++) {
            *circuit = (hint + i) % high;
            if (cell_free(map, *circuit))
                return 0;
        }
    }
    *circuit = high;
    return high < map->geometry.circuits ? 0 : -ENOSPC;
}

/*
 * All words to zero but life, and the generation goes on from the former circuit's, so that a
 * word somebody still compares against is never there again.
 */
static void clear_cell(struct swgi_cell *cell, bool fresh) {
    uint64_t generation = swgi_ctl_generation(swgi_load(&cell->ctl));
    uint64_t ctl =
        fresh ? 0 : swgi_ctl(SWGI_CLOSED, SWGI_NORMAL, swgi_generation_next(generation), 0);
    swgi_word *words = (swgi_word *)(void *)cell;
    swgi_store(&cell->traits, 0);
    swgi_store(&cell->ctl, ctl);
    for (size_t i = offsetof(struct swgi_cell, epoch) / 8; i < sizeof(*cell) / 8; i++)
        swgi_store_release(&words[i], 0);
}

static void write_name(struct swgi_cell *cell, const char *name, uint64_t hash) {
    uint64_t words[16] = { 0 };
    memcpy(words, name, strnlen(name, SWGI_NAME_MAX));
    for (unsigned i = 0; i < 16; i++)
        swgi_store(&cell->name[i], words[i]);
    swgi_store(&cell->name_hash, hash);
}

/* Odd and larger; the largest odd number is passed over, for what follows it is 0: never used. */
static uint32_t claimed_life(uint32_t life) {
    uint32_t next = (life | 1) + (life & 1) * 2;
    return next == UINT32_MAX ? 1 : next;
}

static void count_live(struct swgi_map *map, int64_t change) {
    swgi_word *live = &map->header->circuits_live;
    swgi_store(live, swgi_load(live) + (uint64_t)change);
}

int swgi_registry_claim(struct swgi_map *map, const char *name, uint64_t hash, uint32_t *index) {
    uint32_t circuit;
    int rc = find_free(map, &circuit);
    if (rc < 0)
        return rc;
    struct swgi_cell *cell = &map->cells[circuit];
    uint32_t life = swgi_load(&cell->life);
    swgi_store(&cell->life, claimed_life(life));
    clear_cell(cell, life == 0);
    swgi_columns_clear(map, circuit);
    write_name(cell, name, hash);
    if (circuit >= circuits_high(map))
        swgi_store(&map->header->circuits_high, circuit + 1);
    count_live(map, 1);
    *index = circuit;
    return 0;
}

void swgi_registry_publish(struct swgi_map *map, uint32_t index) {
    struct swgi_cell *cell = &map->cells[index];
    swgi_store(&cell->life, swgi_load(&cell->life) + 1);
    swgi_index_insert(map, index, swgi_load(&cell->name_hash));
}

/* Also takes back a claim that was not published. */
void swgi_registry_remove(struct swgi_map *map, uint32_t index) {
    struct swgi_cell *cell = &map->cells[index];
    if (cell_live(map, index)) {
        swgi_store(&cell->life, swgi_load(&cell->life) + 1);
        swgi_index_remove(map, index, swgi_load(&cell->name_hash));
    }
    swgi_pool_release(map, index);
    count_live(map, -1);
    swgi_store_relaxed(&map->claim_hint, index, HINT);
}

void swgi_registry_repair(struct swgi_map *map) {
    uint64_t live = 0;
    for (uint32_t c = 0, high = circuits_high(map); c < high; c++)
        live += cell_live(map, c);
    swgi_store(&map->header->circuits_live, live);
    swgi_index_rebuild(map);
    swgi_pool_reconcile(map);
}
