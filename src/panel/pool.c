/*
 * Extents: histograms, the words of policies, and chunks of slots for count windows, permits,
 * queues and logs. Only some circuits need any.
 *
 * A table names each extent's owner; the circuit's own word says which of them it uses. The word
 * is the truth: an extent its owner does not point to is free to be given back, which is how a
 * reload takes a new one before it drops the old, and how a repair finds what a killed process
 * took and never used.
 */
#include "panel/pool.h"

#include <errno.h>

/*
 * An owner is circuit + 1; the first chunk of a run is marked, so that two runs side by side stay
 * two.
 */
#define RUN_START    UINT32_C(0x80000000)
#define OWNER(entry) ((entry) & ~RUN_START)

/* Columns beyond those ever in use hold nothing: there, zeros would only cost the memory they lie in. */
int swgi_pool_histogram(struct swgi_map *map, uint32_t circuit, uint32_t *extent_plus_1) {
    uint64_t bins = (uint64_t)swgi_columns_high(map) * SWGI_HISTOGRAM_BINS;
    for (uint32_t i = 0; i < map->geometry.histograms; i++) {
        if (swgi_load(&map->histogram_owners[i]) != 0)
            continue;
        swgi_store(&map->histogram_owners[i], circuit + 1);
        swgi_word *of = swgi_histogram_bins(map, i + 1, 0);
        for (uint64_t bin = 0; bin < bins; bin++)
            swgi_store_release(&of[bin], 0);
        *extent_plus_1 = i + 1;
        return 0;
    }
    return -ENOSPC;
}

/* First of so many free chunks in a row, or the number of chunks. */
static uint32_t find_run(const struct swgi_map *map, uint32_t chunks) {
    uint32_t length = 0;
    for (uint32_t i = 0; i < map->geometry.slot_chunks; i++) {
        length = swgi_load(&map->slot_owners[i]) == 0 ? length + 1 : 0;
        if (length == chunks)
            return i + 1 - chunks;
    }
    return map->geometry.slot_chunks;
}

int swgi_pool_slots(struct swgi_map *map, uint32_t circuit, uint32_t slots,
                    uint32_t *first_plus_1) {
    uint32_t chunks = (slots + SWGI_SLOT_CHUNK - 1) / SWGI_SLOT_CHUNK;
    assert(slots > 0);
    uint32_t first = find_run(map, chunks);
    if (first == map->geometry.slot_chunks)
        return -ENOSPC;
    for (uint32_t i = 0; i < chunks; i++)
        swgi_store(&map->slot_owners[first + i], (circuit + 1) | (i == 0 ? RUN_START : 0));
    for (uint32_t i = 0; i < chunks * SWGI_SLOT_CHUNK; i++)
        swgi_store_release(&map->slots[first * SWGI_SLOT_CHUNK + i], 0);
    *first_plus_1 = first * SWGI_SLOT_CHUNK + 1;
    return 0;
}

uint32_t swgi_pool_slots_held(const struct swgi_map *map, uint32_t circuit, uint32_t first_plus_1) {
    uint32_t chunk = (first_plus_1 - 1) / SWGI_SLOT_CHUNK, held = 0;
    if (first_plus_1 == 0 || chunk >= map->geometry.slot_chunks ||
        swgi_load(&map->slot_owners[chunk]) != ((circuit + 1) | RUN_START))
        return 0;
    do
        held++;
    while (chunk + held < map->geometry.slot_chunks &&
           swgi_load(&map->slot_owners[chunk + held]) == circuit + 1);
    return held * SWGI_SLOT_CHUNK;
}

int swgi_pool_policies(struct swgi_map *map, uint32_t circuit, uint32_t *extent_plus_1) {
    for (uint32_t i = 0; i < map->geometry.policies; i++) {
        if (swgi_load(&map->policy_owners[i]) != 0)
            continue;
        swgi_store(&map->policy_owners[i], circuit + 1);
        swgi_word *words = (swgi_word *)(void *)&map->policies[i];
        for (size_t word = 0; word < sizeof(map->policies[i]) / sizeof(*words); word++)
            swgi_store_release(&words[word], 0);
        *extent_plus_1 = i + 1;
        return 0;
    }
    return -ENOSPC;
}

/* An owner's cell, NULL if it is none that lives. */
static const struct swgi_cell *living(const struct swgi_map *map, uint32_t owner) {
    if (owner == 0 || owner > map->geometry.circuits)
        return NULL;
    const struct swgi_cell *cell = &map->cells[owner - 1];
    uint32_t life = swgi_load(&cell->life);
    return life != 0 && (life & 1) == 0 ? cell : NULL;
}

static bool uses_run(const struct swgi_map *map, const struct swgi_cell *cell,
                     uint32_t first_plus_1) {
    if (swgi_load(&cell->ring) == first_plus_1)
        return true;
    const struct swgi_policies *policies = swgi_policies_of(map, cell);
    if (policies == NULL)
        return false;
    return swgi_run_first(swgi_load(&policies->bulkhead.run)) == first_plus_1 ||
           swgi_run_first(swgi_load(&policies->bulkhead.former)) == first_plus_1 ||
           swgi_run_first(swgi_load(&policies->bulkhead.queue)) == first_plus_1 ||
           swgi_run_first(swgi_load(&policies->bulkhead.former_queue)) == first_plus_1 ||
           swgi_run_first(swgi_load(&policies->limiter.log)) == first_plus_1;
}

/* only: the owner whose extents are looked at, 0 for all. */
static void release_histograms(struct swgi_map *map, uint32_t only) {
    for (uint32_t i = 0; i < map->geometry.histograms; i++) {
        uint32_t owner = swgi_load(&map->histogram_owners[i]);
        const struct swgi_cell *cell = living(map, owner);
        bool used = cell != NULL && swgi_load(&cell->histogram) == i + 1;
        if (owner != 0 && (only == 0 || owner == only) && !used)
            swgi_store(&map->histogram_owners[i], 0);
    }
}

static void release_policies(struct swgi_map *map, uint32_t only) {
    for (uint32_t i = 0; i < map->geometry.policies; i++) {
        uint32_t owner = swgi_load(&map->policy_owners[i]);
        const struct swgi_cell *cell = living(map, owner);
        bool used = cell != NULL && swgi_load(&cell->policies) == i + 1;
        if (owner != 0 && (only == 0 || owner == only) && !used)
            swgi_store(&map->policy_owners[i], 0);
    }
}

static void release_slots(struct swgi_map *map, uint32_t only) {
    uint32_t run = 0, run_owner = 0; /* first chunk of the run we are in, and whose it is */
    for (uint32_t i = 0; i < map->geometry.slot_chunks; i++) {
        uint32_t entry = swgi_load(&map->slot_owners[i]);
        uint32_t owner = OWNER(entry);
        if ((entry & RUN_START) != 0 || owner != run_owner)
            run = i;
        run_owner = owner;
        if (owner == 0 || (only != 0 && owner != only))
            continue;
        const struct swgi_cell *cell = living(map, owner);
        if (cell == NULL || !uses_run(map, cell, run * SWGI_SLOT_CHUNK + 1))
            swgi_store(&map->slot_owners[i], 0);
    }
}

void swgi_pool_release(struct swgi_map *map, uint32_t circuit) {
    release_histograms(map, circuit + 1);
    release_slots(map, circuit + 1);
    release_policies(map, circuit + 1);
}

static bool owns_run(const struct swgi_map *map, uint32_t circuit, uint32_t first_plus_1) {
    uint32_t chunk = (first_plus_1 - 1) / SWGI_SLOT_CHUNK;
    return (first_plus_1 - 1) % SWGI_SLOT_CHUNK == 0 && chunk < map->geometry.slot_chunks &&
           swgi_load(&map->slot_owners[chunk]) == ((circuit + 1) | RUN_START);
}

static void drop_foreign_run(struct swgi_map *map, uint32_t circuit, swgi_word *run) {
    uint32_t first = swgi_run_first(swgi_load(run));
    if (first != 0 && !owns_run(map, circuit, first))
        swgi_store(run, 0);
}

/* A cell must not point to what another one owns. */
static void drop_foreign(struct swgi_map *map, uint32_t circuit) {
    struct swgi_cell *cell = &map->cells[circuit];
    uint32_t extent = swgi_load(&cell->histogram);
    uint32_t slot = swgi_load(&cell->ring);
    uint32_t policies = swgi_load(&cell->policies);
    if (extent != 0 && (extent > map->geometry.histograms ||
                        swgi_load(&map->histogram_owners[extent - 1]) != circuit + 1))
        swgi_store(&cell->histogram, 0);
    if (slot != 0 && !owns_run(map, circuit, slot))
        swgi_store(&cell->ring, 0);
    if (policies == 0)
        return;
    if (policies > map->geometry.policies ||
        swgi_load(&map->policy_owners[policies - 1]) != circuit + 1) {
        swgi_store(&cell->policies, 0);
        return;
    }
    struct swgi_policies *own = &map->policies[policies - 1];
    drop_foreign_run(map, circuit, &own->bulkhead.run);
    drop_foreign_run(map, circuit, &own->bulkhead.former);
    drop_foreign_run(map, circuit, &own->bulkhead.queue);
    drop_foreign_run(map, circuit, &own->bulkhead.former_queue);
    drop_foreign_run(map, circuit, &own->limiter.log);
}

void swgi_pool_reconcile(struct swgi_map *map) {
    release_histograms(map, 0);
    release_slots(map, 0);
    release_policies(map, 0);
    uint64_t high = swgi_load(&map->header->circuits_high);
    for (uint32_t c = 0; c < map->geometry.circuits && c < high; c++)
        drop_foreign(map, c);
}

uint32_t swgi_pool_histograms_used(const struct swgi_map *map) {
    uint32_t used = 0;
    for (uint32_t i = 0; i < map->geometry.histograms; i++)
        used += swgi_load(&map->histogram_owners[i]) != 0;
    return used;
}

uint32_t swgi_pool_policies_used(const struct swgi_map *map) {
    uint32_t used = 0;
    for (uint32_t i = 0; i < map->geometry.policies; i++)
        used += swgi_load(&map->policy_owners[i]) != 0;
    return used;
}

uint32_t swgi_pool_slot_chunks_used(const struct swgi_map *map) {
    uint32_t used = 0;
    for (uint32_t i = 0; i < map->geometry.slot_chunks; i++)
        used += swgi_load(&map->slot_owners[i]) != 0;
    return used;
}
