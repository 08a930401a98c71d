/*
 * Names to cells: open addressing with linear probing, read without a lock.
 *
 * A bucket is a hint and the cell decides: a hit is proved by the cell's name and life. Removal
 * leaves a tombstone, so that what was put behind it stays findable. When tombstones are a
 * quarter of the table, all names go into the other copy and the version moves; a reader that
 * misses looks whether it moved, because the copy it read may have been written over.
 */
#include "panel/index.h"

#include <string.h>

#include "base/hash.h"

/* Bucket: circuit + 1 in 17 bits, 15 bits of the hash above. 0 is empty. */
#define CIRCUIT_BITS 17
#define CIRCUIT_MASK ((1u << CIRCUIT_BITS) - 1)
#define TOMBSTONE    CIRCUIT_MASK /* no panel has that many circuits */
#define NAME_WORDS   16u
static_assert(SWGI_CIRCUITS_MAX + 1 < TOMBSTONE, "a circuit is no tombstone");
static_assert(NAME_WORDS * 8 == SWGI_NAME_MAX + 1, "a name fills its words");

uint64_t swgi_name_hash(const char *name) {
    return swgi_hash(name, strlen(name), 0);
}

static uint32_t bucket_of(uint32_t circuit, uint64_t hash) {
    return (circuit + 1) | (uint32_t)(hash >> (64 - (32 - CIRCUIT_BITS))) << CIRCUIT_BITS;
}

/*
 * The loads between the two of life are acquiring, so that the second one is not moved before
 * them.
 */
static bool cell_is(const struct swgi_map *map, uint32_t circuit, const uint64_t *name,
                    uint64_t hash, uint32_t *life) {
    const struct swgi_cell *cell = &map->cells[circuit];
    *life = swgi_load(&cell->life);
    if (*life == 0 || (*life & 1) != 0 || swgi_load_acquire(&cell->name_hash) != hash)
        return false;
    for (unsigned i = 0; i < NAME_WORDS; i++)
        if (swgi_load_acquire(&cell->name[i]) != name[i])
            return false;
    return swgi_load(&cell->life) == *life;
}

static bool search(const struct swgi_map *map, _Atomic uint32_t *copy, const uint64_t *name,
                   uint64_t hash, uint32_t *circuit, uint32_t *life) {
    uint32_t mask = map->geometry.index_buckets - 1;
    for (uint32_t probe = 0; probe <= mask; probe++) {
        uint32_t bucket = swgi_load(&copy[((uint32_t)hash + probe) & mask]);
        uint32_t found = (bucket & CIRCUIT_MASK) - 1;
        if (bucket == 0)
            return false;
        if (found < map->geometry.circuits && bucket == bucket_of(found, hash) &&
            cell_is(map, found, name, hash, life)) {
            *circuit = found;
            return true;
        }
    }
    return false;
}

bool swgi_registry_find(const struct swgi_map *map, const char *name, uint64_t hash,
                        uint32_t *index, uint32_t *life) {
    uint64_t words[NAME_WORDS] = { 0 };
    size_t length = strlen(name);
    if (length == 0 || length > SWGI_NAME_MAX)
        return false;
    memcpy(words, name, length);
    /*
     * The version moves once in a quarter of the table's evictions; a hostile one must not hold
     * us.
     */
    for (unsigned tries = 0; tries < 8; tries++) {
        uint64_t version = swgi_load(&map->header->index_version);
        if (search(map, map->index[version & 1], words, hash, index, life))
            return true;
        if (swgi_load(&map->header->index_version) == version)
            return false;
    }
    return false;
}

static _Atomic uint32_t *current_copy(struct swgi_map *map) {
    return map->index[swgi_load(&map->header->index_version) & 1];
}

static bool usable(uint32_t bucket) {
    return bucket == 0 || (bucket & CIRCUIT_MASK) == TOMBSTONE;
}

/*
 * Returns what stood in the bucket before. A table that damage has filled is rebuilt by the next
 * repair.
 */
static uint32_t put(struct swgi_map *map, _Atomic uint32_t *copy, uint32_t circuit, uint64_t hash) {
    uint32_t mask = map->geometry.index_buckets - 1;
    for (uint32_t probe = 0; probe <= mask; probe++) {
        _Atomic uint32_t *bucket = &copy[((uint32_t)hash + probe) & mask];
        uint32_t before = swgi_load(bucket);
        if (usable(before)) {
            swgi_store(bucket, bucket_of(circuit, hash));
            return before;
        }
    }
    return 0;
}

void swgi_index_insert(struct swgi_map *map, uint32_t circuit, uint64_t hash) {
    swgi_word *tombstones = &map->header->index_tombstones;
    uint64_t count = swgi_load(tombstones);
    if (put(map, current_copy(map), circuit, hash) != 0 && count > 0)
        swgi_store(tombstones, count - 1);
}

static bool bury(struct swgi_map *map, uint32_t circuit, uint64_t hash) {
    _Atomic uint32_t *copy = current_copy(map);
    uint32_t mask = map->geometry.index_buckets - 1;
    for (uint32_t probe = 0; probe <= mask; probe++) {
        _Atomic uint32_t *bucket = &copy[((uint32_t)hash + probe) & mask];
        uint32_t seen = swgi_load(bucket);
        if (seen == bucket_of(circuit, hash))
            swgi_store(bucket, TOMBSTONE);
        if (seen == 0 || seen == bucket_of(circuit, hash))
            return seen != 0;
    }
    return false;
}

void swgi_index_remove(struct swgi_map *map, uint32_t circuit, uint64_t hash) {
    swgi_word *tombstones = &map->header->index_tombstones;
    if (!bury(map, circuit, hash))
        return;
    uint64_t count = swgi_load(tombstones) + 1;
    swgi_store(tombstones, count);
    if (count > map->geometry.index_buckets / 4)
        swgi_index_rebuild(map);
}

static uint32_t circuits_high(const struct swgi_map *map) {
    uint64_t high = swgi_load(&map->header->circuits_high);
    return high < map->geometry.circuits ? (uint32_t)high : map->geometry.circuits;
}

void swgi_index_rebuild(struct swgi_map *map) {
    uint64_t version = swgi_load(&map->header->index_version);
    _Atomic uint32_t *copy = map->index[(version + 1) & 1];
    for (uint32_t i = 0; i < map->geometry.index_buckets; i++)
        swgi_store_relaxed(&copy[i], 0, HINT);
    for (uint32_t c = 0, high = circuits_high(map); c < high; c++) {
        uint32_t life = swgi_load(&map->cells[c].life);
        if (life != 0 && (life & 1) == 0)
            put(map, copy, c, swgi_load(&map->cells[c].name_hash));
    }
    swgi_store(&map->header->index_tombstones, 0);
    swgi_store(&map->header->index_version, version + 1);
}
