/*
 * What the dead hold of bulkheads, permits and places, and who is told that it is free.
 *
 * Death is the kernel's word (reap.c), asked once for each owner found, and at most once per 10 ms
 * and circuit, because it costs system calls.
 */
#include "panel/waiters.h"

#define OWNER_WORDS ((SWGI_PROCESSES_MAX + 64) / 64)
#define INCARNATION ((uint32_t)SWGI_MASK(SWGI_PERMIT_INCARNATION))

static unsigned reap(struct swgi_map *map, struct swgi_bulkhead_words *words, unsigned owner,
                     const uint32_t *incarnation) {
    return swgi_waiters_reap(map, words, owner, incarnation) +
           swgi_permits_reap(map, words, owner, incarnation);
}

void swgi_bulkheads_reap(struct swgi_map *map, unsigned owner, const uint32_t *incarnation) {
    for (uint32_t i = 0; i < map->geometry.policies; i++) {
        struct swgi_bulkhead_words *words = &map->policies[i].bulkhead;
        if (swgi_load(&map->policy_owners[i]) != 0 && reap(map, words, owner, incarnation) != 0)
            swgi_waiters_wake_free(map, words, swgi_waiters_clock(map));
    }
}

/* An owner of the present incarnation that answered once need not be asked again. */
struct pass {
    struct swgi_map *map;
    struct swgi_bulkhead_words *words;
    uint64_t alive[OWNER_WORDS];
    unsigned freed;
};

static bool known_alive(struct pass *pass, unsigned owner, uint32_t incarnation) {
    uint64_t bit = UINT64_C(1) << (owner % 64);
    if (owner == 0 || owner > SWGI_PROCESSES_MAX)
        return false;
    uint64_t present = swgi_load(&pass->map->processes[owner - 1].incarnation);
    bool is_present = ((uint32_t)present & INCARNATION) == (incarnation & INCARNATION);
    if (is_present && (pass->alive[owner / 64] & bit) != 0)
        return true;
    if (!swgi_owner_alive(pass->map, owner, incarnation, SWGI_PERMIT_INCARNATION))
        return false;
    if (is_present)
        pass->alive[owner / 64] |= bit;
    return true;
}

static void look_at(struct pass *pass, uint64_t word) {
    uint32_t incarnation = swgi_permit_incarnation(word);
    if (!known_alive(pass, swgi_permit_owner(word), incarnation))
        pass->freed += reap(pass->map, pass->words, swgi_permit_owner(word), &incarnation);
}

static bool is_mine(struct swgi_bulkhead_words *words, int64_t now) {
    uint64_t last = swgi_load_relaxed(&words->liveness_stamp, STAMP);
    return swgi_bulkhead_liveness_due(words, now) &&
           swgi_cas(&words->liveness_stamp, last, (uint64_t)now);
}

bool swgi_bulkhead_liveness(struct swgi_map *map, struct swgi_bulkhead_words *words, int64_t now) {
    struct swgi_permit_seen seen;
    uint32_t cursor = 0;
    if (!is_mine(words, now))
        return false;
    struct pass pass = { .map = map, .words = words };
    while (swgi_permits_next(map, words, &cursor, &seen))
        look_at(&pass, seen.word);
    cursor = 0;
    for (uint64_t owner; (owner = swgi_waiters_owner(map, words, &cursor)) != 0;)
        look_at(&pass, owner);
    if (pass.freed != 0)
        swgi_waiters_wake_free(map, words, swgi_waiters_clock(map));
    return pass.freed != 0;
}
