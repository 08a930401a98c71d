/*
 * Extents: histograms, and chunks of slots for count windows, of which only some circuits need
 * any.
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

int swgi_pool_histogram(struct swgi_map *map, uint32_t circuit, uint32_t *extent_plus_1) {
    uint64_t bins = (uint64_t)map->geometry.columns * SWGI_HISTOGRAM_BINS;
    for (uint32_t i = 0; i < map->geometry.histograms; i++) {
        if (swgi_load(&map->histogram_owners[i]) != 0)
            continue;
        swgi_store(&map->histogram_owners[i], circuit + 1);
        for (uint64_t bin = 0; bin < bins; bin++)
            swgi_store_release(&map->histograms[i * bins + bin], 0);
        *extent_plus_1 = i + 1;
        return 0;
    }
    return -ENOSPC;
}

/* First of so many free chunks in a row, or the number of chunks. */
static uint32_t find_run(const struct swgi_map *map, uint32_t chunks) {
    uint32_t length = 0;
    for (uint32_t i = 0; i < map->geometry.count_chunks; i++) {
        length = swgi_load(&map->count_owners[i]) == 0 ? length + 1 : 0;
        if (length == chunks)
            return i + 1 - chunks;
    }
    return map->geometry.count_chunks;
}

int swgi_pool_counts(struct swgi_map *map, uint32_t circuit, uint32_t slots,
                     uint32_t *first_plus_1) {
    uint32_t chunks = (slots + SWGI_COUNT_CHUNK - 1) / SWGI_COUNT_CHUNK;
    assert(slots > 0 && slots <= SWGI_COUNT_CALLS_MAX);
    uint32_t first = find_run(map, chunks);
    if (first == map->geometry.count_chunks)
        return -ENOSPC;
    for (uint32_t i = 0; i < chunks; i++)
        swgi_store(&map->count_owners[first + i], (circuit + 1) | (i == 0 ? RUN_START : 0));
    for (uint32_t i = 0; i < chunks * SWGI_COUNT_CHUNK; i++)
        swgi_store_release(&map->counts[first * SWGI_COUNT_CHUNK + i], 0);
    *first_plus_1 = first * SWGI_COUNT_CHUNK + 1;
    return 0;
}

uint32_t swgi_pool_counts_held(const struct swgi_map *map, uint32_t circuit,
                               uint32_t first_plus_1) {
    uint32_t chunk = (first_plus_1 - 1) / SWGI_COUNT_CHUNK, held = 0;
    if (first_plus_1 == 0 || chunk >= map->geometry.count_chunks ||
        swgi_load(&map->count_owners[chunk]) != ((circuit + 1) | RUN_START))
        return 0;
    do
        held++;
    while (chunk + held < map->geometry.count_chunks &&
           swgi_load(&map->count_owners[chunk + held]) == circuit + 1);
    return held * SWGI_COUNT_CHUNK;
}

/* What a circuit points to, 0 if it is none that lives. */
static uint32_t points_to(const struct swgi_map *map, uint32_t owner, bool histogram) {
    if (owner == 0 || owner > map->geometry.circuits)
        return 0;
    const struct swgi_cell *cell = &map->cells[owner - 1];
    uint32_t life = swgi_load(&cell->life);
    if (life == 0 || (life & 1) != 0)
        return 0;
    return swgi_load(histogram ? &cell->histogram : &cell->ring);
}

/* only: the owner whose extents are looked at, 0 for all. */
static void release_histograms(struct swgi_map *map, uint32_t only) {
    for (uint32_t i = 0; i < map->geometry.histograms; i++) {
        uint32_t owner = swgi_load(&map->histogram_owners[i]);
        if (owner != 0 && (only == 0 || owner == only) && points_to(map, owner, true) != i + 1)
            swgi_store(&map->histogram_owners[i], 0);
    }
}

static void release_counts(struct swgi_map *map, uint32_t only) {
    uint32_t run = 0, run_owner = 0; /* first chunk of the run we are in, and whose it is */
    for (uint32_t i = 0; i < map->geometry.count_chunks; i++) {
        uint32_t entry = swgi_load(&map->count_owners[i]);
        uint32_t owner = OWNER(entry);
        if ((entry & RUN_START) != 0 || owner != run_owner)
            run = i;
        run_owner = owner;
        if (owner != 0 && (only == 0 || owner == only) &&
            points_to(map, owner, false) != run * SWGI_COUNT_CHUNK + 1)
            swgi_store(&map->count_owners[i], 0);
    }
}

void swgi_pool_release(struct swgi_map *map, uint32_t circuit, bool histogram, bool counts) {
    if (histogram)
        release_histograms(map, circuit + 1);
    if (counts)
        release_counts(map, circuit + 1);
}

/* A cell must not point to what another one owns. */
static void drop_foreign(struct swgi_map *map, uint32_t circuit) {
    struct swgi_cell *cell = &map->cells[circuit];
    uint32_t extent = swgi_load(&cell->histogram);
    uint32_t slot = swgi_load(&cell->ring);
    uint32_t chunk = (slot - 1) / SWGI_COUNT_CHUNK;
    if (extent != 0 && (extent > map->geometry.histograms ||
                        swgi_load(&map->histogram_owners[extent - 1]) != circuit + 1))
        swgi_store(&cell->histogram, 0);
    if (slot != 0 && ((slot - 1) % SWGI_COUNT_CHUNK != 0 || chunk >= map->geometry.count_chunks ||
                      swgi_load(&map->count_owners[chunk]) != ((circuit + 1) | RUN_START)))
        swgi_store(&cell->ring, 0);
}

void swgi_pool_reconcile(struct swgi_map *map) {
    release_histograms(map, 0);
    release_counts(map, 0);
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

uint32_t swgi_pool_count_chunks_used(const struct swgi_map *map) {
    uint32_t used = 0;
    for (uint32_t i = 0; i < map->geometry.count_chunks; i++)
        used += swgi_load(&map->count_owners[i]) != 0;
    return used;
}
