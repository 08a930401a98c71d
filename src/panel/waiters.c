/*
 * Places in a queue.
 *
 * What makes "no wake-up is lost" true. Who waits first says that it wants to be told (its place's
 * state, and `waiting`), then looks at the permits; who frees a permit first does so, then looks
 * whether somebody wants to be told. Both in sequentially consistent order, so at least one sees
 * the other. Killed between the two, the one who freed tells nobody: whoever waits looks by itself
 * every 5 ms. Who was told and is stopped holds up the others for 10 ms, then it is silent.
 */
#include "panel/waiters.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "panel/wait_timer.h"

#define RETRIES_MAX 64u
#define CLAIMED     SWGI_PERMIT_FROZEN /* an owner's word: the place is not whole yet */
#define TIME_SHIFT  20                 /* a state tells time in units of 2^20 ns */
#define EVERYBODY   INT32_MAX
#define VERSION(w)  ((w) >> SWGI_WAITING_BITS)

enum phase { NOTHING, WAITING, TOLD };

struct place {
    swgi_word owner, key, state, deadline;
};
static_assert(sizeof(struct place) == SWGI_PLACE_WORDS * sizeof(swgi_word), "a place is so long");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a futex is the lower half of its word");

struct queue {
    struct place *places;
    uint32_t count, first;
};

static struct queue queue_of(const struct swgi_map *map, const struct swgi_bulkhead_words *words) {
    uint64_t run = swgi_load(&words->queue);
    uint32_t first = swgi_run_first(run), slots = swgi_run_count(run);
    if (first == 0 || first - 1 >= map->geometry.slots || slots > map->geometry.slots - first + 1)
        return (struct queue){ 0 };
    return (struct queue){ .places = (struct place *)(void *)(map->slots + first - 1),
                           .count = slots / SWGI_PLACE_WORDS,
                           .first = first };
}

/* How many of them may be in use. */
static uint32_t high_of(const struct swgi_bulkhead_words *words, struct queue queue) {
    uint32_t high = swgi_waiting_high(swgi_load(&words->waiting));
    return high < queue.count ? high : queue.count;
}

int64_t swgi_waiters_clock(const struct swgi_map *map) {
    return map->virtual_on ? swgi_map_clock(map) : swgi_clock_fast() + map->panel->time_shift;
}

/* ---- state: futex:32 = phase:2 priority:6 tag:24 | time:32. The tag is of the owner's word, so
 * that nobody changes the state of who came after */

static uint64_t state_of(uint64_t owner, int priority, enum phase phase, int64_t now) {
    uint64_t tag = ((owner >> 32) ^ (owner << 14)) & SWGI_MASK(24);
    return (uint64_t)phase | (uint64_t)(priority + SWGI_PRIORITY_ZERO) << 2 | tag << 8 |
           (uint64_t)(uint32_t)((uint64_t)now >> TIME_SHIFT) << 32;
}
static enum phase phase_of(uint64_t state) {
    return (enum phase)(state & 3);
}
static int priority_of(uint64_t state) {
    return (int)swgi_field(state, 2, 6) - SWGI_PRIORITY_ZERO;
}
static uint64_t told(uint64_t state, int64_t now) {
    return (state & SWGI_MASK(32) & ~UINT64_C(3)) | TOLD |
           (uint64_t)(uint32_t)((uint64_t)now >> TIME_SHIFT) << 32;
}

static bool answers(uint64_t state, int64_t now) {
#ifdef SWGI_MUTANT_WAITER_NEVER_SILENT
    return now != (int64_t)state;
#endif
    int32_t passed = (int32_t)((uint32_t)((uint64_t)now >> TIME_SHIFT) - (uint32_t)(state >> 32));
    int64_t most = phase_of(state) == TOLD ? SWGI_WAIT_TOLD_NS : SWGI_WAIT_SILENT_NS;
    return passed <= (int32_t)(most >> TIME_SHIFT) + 1;
}

static void futex_wake(struct place *place) {
    syscall(SYS_futex, &place->state, FUTEX_WAKE, EVERYBODY, NULL, NULL, 0);
}

/* Wakes the thread that sleeps there, or the loop that polls. */
static void rouse(struct swgi_map *map, struct place *place, uint64_t owner) {
    futex_wake(place);
    if (swgi_permit_owner(owner) == swgi_map_identity(map).owner)
        swgi_wait_timer_fire(map);
}

/* ---- who waits, as others see it */

struct seen {
    uint64_t owner, state;
    int64_t key;
};

/* false: free, or not whole yet. */
static bool see(const struct place *place, struct seen *seen) {
    seen->owner = swgi_load(&place->owner);
    if (seen->owner == 0 || (seen->owner & CLAIMED) != 0)
        return false;
    seen->key = (int64_t)swgi_load(&place->key);
    seen->state = swgi_load(&place->state);
    return true;
}

struct swgi_waiters_ahead swgi_waiters_ahead(const struct swgi_map *map,
                                             const struct swgi_bulkhead_words *words, int64_t key,
                                             uint32_t slot, int64_t now) {
    struct queue queue = queue_of(map, words);
    struct swgi_waiters_ahead ahead = { 0 };
    uint64_t limit = swgi_load(&words->limit);
    uint32_t high = high_of(words, queue);
    struct seen seen;
    for (uint32_t i = 0; i < high; i++) {
        if (!see(&queue.places[i], &seen) || !answers(seen.state, now) ||
            swgi_permits_ceiling(words, limit, priority_of(seen.state)) <= slot)
            continue;
        ahead.before += seen.key < key;
        ahead.told += phase_of(seen.state) == TOLD;
    }
    return ahead;
}

/* Nobody came since `waiting` was read: no place from `used` on is in use. */
static void lower(struct swgi_bulkhead_words *words, uint64_t waiting, uint32_t used) {
#ifdef SWGI_MUTANT_WAITING_NO_VERSION
    swgi_store(&words->waiting, used);
    return;
#endif
    if (used < swgi_waiting_high(waiting))
        swgi_cas(&words->waiting, waiting, (uint64_t)used | VERSION(waiting) << SWGI_WAITING_BITS);
}

struct best {
    uint32_t place, used; /* the last place in use, + 1 */
    struct seen seen;
    bool any, answers;
};

static struct best best_of(const struct swgi_bulkhead_words *words, struct queue queue,
                           uint32_t slot, int64_t now) {
    uint64_t limit = swgi_load(&words->limit);
    uint32_t high = high_of(words, queue);
    struct best best = { 0 };
    struct seen seen;
    for (uint32_t i = 0; i < high; i++) {
        best.used = swgi_load(&queue.places[i].owner) != 0 ? i + 1 : best.used;
        if (!see(&queue.places[i], &seen) || phase_of(seen.state) != WAITING ||
            swgi_permits_ceiling(words, limit, priority_of(seen.state)) <= slot)
            continue;
        bool responsive = answers(seen.state, now);
        if (best.any && (best.answers > responsive ||
                         (best.answers == responsive && best.seen.key <= seen.key)))
            continue;
        best = (struct best){
            .place = i, .used = best.used, .seen = seen, .any = true, .answers = responsive
        };
    }
    return best;
}

bool swgi_waiters_wake(struct swgi_map *map, struct swgi_bulkhead_words *words, uint32_t slot,
                       int64_t now) {
    struct queue queue = queue_of(map, words);
    for (unsigned tries = 0; tries < RETRIES_MAX; tries++) {
        uint64_t waiting = swgi_load(&words->waiting);
        struct best best = best_of(words, queue, slot, now);
        lower(words, waiting, best.used);
        if (!best.any)
            return false;
        struct place *place = &queue.places[best.place];
        if (!swgi_cas(&place->state, best.seen.state, told(best.seen.state, now)))
            continue;
        rouse(map, place, best.seen.owner);
        return true;
    }
    return false;
}

void swgi_waiters_wake_free(struct swgi_map *map, struct swgi_bulkhead_words *words, int64_t now) {
    uint32_t lowest, open;
    if (swgi_waiting_high(swgi_load(&words->waiting)) == 0)
        return;
    open = swgi_permits_open(map, words, -SWGI_PRIORITY_ZERO, &lowest);
    if (open == 0)
        return;
    uint32_t on_the_way = swgi_waiters_ahead(map, words, INT64_MIN, lowest, now).told;
    while (on_the_way++ < open)
        if (!swgi_waiters_wake(map, words, lowest, now))
            return;
}

void swgi_waiters_wake_all(struct swgi_map *map, struct swgi_bulkhead_words *words) {
    struct queue queue = queue_of(map, words);
    uint32_t high = high_of(words, queue);
    int64_t now = swgi_waiters_clock(map);
    struct seen seen;
    for (uint32_t i = 0; i < high; i++) {
        if (!see(&queue.places[i], &seen))
            continue;
        swgi_cas(&queue.places[i].state, seen.state, told(seen.state, now));
        rouse(map, &queue.places[i], seen.owner);
    }
}

/* ---- a place of one's own */

static void arrive(struct swgi_bulkhead_words *words, uint32_t place) {
    for (;;) {
        uint64_t waiting = swgi_load(&words->waiting);
        uint32_t high = swgi_waiting_high(waiting);
        uint64_t used = high > place + 1 ? high : place + 1;
        if (swgi_cas(&words->waiting, waiting, used | (VERSION(waiting) + 1) << SWGI_WAITING_BITS))
            return;
    }
}

static bool take_free(struct queue queue, uint64_t claim, uint32_t *place) {
    for (uint32_t i = 0; i < queue.count; i++)
        if (swgi_load(&queue.places[i].owner) == 0 && swgi_cas(&queue.places[i].owner, 0, claim)) {
            *place = i;
            return true;
        }
    return false;
}

/* Of those less urgent than the waiter and behind it, the last. */
static bool find_last(struct queue queue, const struct swgi_waiter *waiter, uint32_t *place,
                      uint64_t *owner) {
    int64_t last = waiter->key;
    struct seen seen;
    bool any = false;
    for (uint32_t i = 0; i < queue.count; i++) {
        if (!see(&queue.places[i], &seen) || priority_of(seen.state) <= waiter->priority ||
            seen.key <= last)
            continue;
        *place = i;
        *owner = seen.owner;
        last = seen.key;
        any = true;
    }
    return any;
}

/* *former: who had it. */
static bool take_over(struct queue queue, const struct swgi_waiter *waiter, uint64_t claim,
                      uint32_t *place, uint64_t *former) {
    for (unsigned tries = 0; tries < RETRIES_MAX; tries++) {
        if (!find_last(queue, waiter, place, former))
            return false;
        if (swgi_cas(&queue.places[*place].owner, *former, claim))
            return true;
    }
    return false;
}

bool swgi_waiters_enter(struct swgi_map *map, struct swgi_bulkhead_words *words, int64_t now,
                        int64_t deadline, struct swgi_waiter *waiter) {
    struct queue queue = queue_of(map, words);
    uint64_t mine = swgi_permit_mine(map), former = 0;
    uint32_t i = 0;
    if (!take_free(queue, mine | CLAIMED, &i) &&
        !take_over(queue, waiter, mine | CLAIMED, &i, &former)) {
        waiter->word = 0;
        return false;
    }
    struct place *place = &queue.places[i];
    swgi_store(&place->key, (uint64_t)waiter->key);
    swgi_store(&place->state, state_of(mine, waiter->priority, WAITING, now));
    swgi_store(&place->deadline, (uint64_t)deadline);
    swgi_cas(&place->owner, mine | CLAIMED, mine);
    arrive(words, i);
    if (former != 0)
        rouse(map, place, former);
    waiter->word = mine;
    waiter->queue = queue.first;
    waiter->place = (uint16_t)i;
    return true;
}

/* The place as it was taken, also when the circuit has another queue by now; NULL: out of bounds. */
static struct place *place_of(const struct swgi_map *map, const struct swgi_waiter *waiter) {
    uint64_t first = (uint64_t)waiter->queue - 1 + (uint64_t)waiter->place * SWGI_PLACE_WORDS;
    if (waiter->word == 0 || waiter->queue == 0 || first + SWGI_PLACE_WORDS > map->geometry.slots)
        return NULL;
    return (struct place *)(void *)(map->slots + first);
}

static bool is_ours(const struct place *place, const struct swgi_waiter *waiter) {
    return place != NULL && swgi_load(&place->owner) == waiter->word;
}

/* Says that it waits, and when it was last seen; also over that it was told: it looks now. */
static bool show(struct place *place, const struct swgi_waiter *waiter, int64_t now) {
    uint64_t wanted = state_of(waiter->word, waiter->priority, WAITING, now);
    for (unsigned tries = 0; tries < RETRIES_MAX && is_ours(place, waiter); tries++) {
        uint64_t state = swgi_load(&place->state);
        if (state == wanted)
            return true;
        if (((state ^ wanted) & SWGI_MASK(32) & ~UINT64_C(3)) != 0)
            return is_ours(place, waiter) && swgi_cas(&place->state, state, wanted);
        if (swgi_cas(&place->state, state, wanted))
            return true;
    }
    return false;
}

bool swgi_waiters_look(struct swgi_map *map, struct swgi_bulkhead_words *words, int64_t now,
                       struct swgi_waiter *waiter) {
    struct place *place = place_of(map, waiter);
    if (waiter->asked)
        swgi_wait_timer_drain(map);
    if (waiter->queue != swgi_run_first(swgi_load(&words->queue)) && is_ours(place, waiter)) {
        int64_t deadline = (int64_t)swgi_load(&place->deadline);
        swgi_cas(&place->owner, waiter->word, 0);
        if (swgi_waiters_enter(map, words, now, deadline, waiter))
            return true;
    } else if (show(place, waiter, now)) {
        if (swgi_waiting_high(swgi_load(&words->waiting)) <= waiter->place)
            arrive(words, waiter->place);
        return true;
    }
    swgi_waiters_leave(map, words, waiter);
    return false;
}

void swgi_waiters_leave(struct swgi_map *map, struct swgi_bulkhead_words *words,
                        struct swgi_waiter *waiter) {
    struct place *place = place_of(map, waiter);
    uint64_t waiting = swgi_load(&words->waiting);
    uint32_t used = waiter->place;
    struct queue queue = queue_of(map, words);
    /* Not when it was displaced: the place is in use. */
    bool left = place != NULL && swgi_cas(&place->owner, waiter->word, 0);
    bool last = left && waiter->queue == queue.first && used < queue.count &&
                used + 1 == swgi_waiting_high(waiting);
    while (last && used > 0 && swgi_load(&queue.places[used - 1].owner) == 0)
        used--;
    if (last)
        lower(words, waiting, used);
    if (waiter->asked)
        swgi_wait_timer_leave(map);
    waiter->word = 0;
    waiter->asked = 0;
}

void swgi_waiters_sleep(const struct swgi_map *map, const struct swgi_waiter *waiter, int64_t ns) {
    struct place *place = place_of(map, waiter);
    if (place == NULL || ns <= 0)
        return;
    ns = ns < SWGI_WAIT_SLICE_NS ? ns : SWGI_WAIT_SLICE_NS;
    const struct timespec most = { .tv_nsec = (long)ns };
    uint32_t wanted = (uint32_t)state_of(waiter->word, waiter->priority, WAITING, 0);
    syscall(SYS_futex, &place->state, FUTEX_WAIT, wanted, &most, NULL, 0);
}

/* ---- all places */

static bool same_incarnation(uint64_t owner, const uint32_t *incarnation) {
    return incarnation == NULL || ((swgi_permit_incarnation(owner) ^ *incarnation) &
                                   (uint32_t)SWGI_MASK(SWGI_PERMIT_INCARNATION)) == 0;
}

unsigned swgi_waiters_reap(struct swgi_map *map, struct swgi_bulkhead_words *words, unsigned owner,
                           const uint32_t *incarnation) {
    struct queue queue = queue_of(map, words);
    unsigned freed = 0;
    for (uint32_t i = 0; i < queue.count; i++) {
        uint64_t held = swgi_load(&queue.places[i].owner);
        if (held != 0 && swgi_permit_owner(held) == owner && same_incarnation(held, incarnation))
            freed += swgi_cas(&queue.places[i].owner, held, 0);
    }
    return freed;
}

uint64_t swgi_waiters_owner(const struct swgi_map *map, const struct swgi_bulkhead_words *words,
                            uint32_t *cursor) {
    struct queue queue = queue_of(map, words);
    while (*cursor < queue.count) {
        uint64_t owner = swgi_load(&queue.places[(*cursor)++].owner);
        if (owner != 0)
            return owner;
    }
    return 0;
}

void swgi_waiters_move(struct swgi_map *map, struct swgi_bulkhead_words *words, uint64_t run) {
    struct queue before = queue_of(map, words);
    struct seen seen;
    if (swgi_load(&words->queue) == run)
        return;
    swgi_store(&words->former_queue, swgi_load(&words->queue));
    swgi_store(&words->queue, run);
    for (uint32_t i = 0; i < before.count; i++)
        if (see(&before.places[i], &seen)) {
            swgi_cas(&before.places[i].state, seen.state,
                     told(seen.state, swgi_waiters_clock(map)));
            rouse(map, &before.places[i], seen.owner);
        }
}

uint32_t swgi_waiters_count(const struct swgi_map *map, const struct swgi_bulkhead_words *words) {
    struct queue queue = queue_of(map, words);
    uint32_t high = high_of(words, queue), waiters = 0;
    struct seen seen;
    for (uint32_t i = 0; i < high; i++)
        waiters += see(&queue.places[i], &seen);
    return waiters;
}

int64_t swgi_waiters_oldest(const struct swgi_map *map, const struct swgi_bulkhead_words *words,
                            uint64_t ageing_ns) {
    struct queue queue = queue_of(map, words);
    uint32_t high = high_of(words, queue);
    int64_t oldest = INT64_MAX;
    struct seen seen;
    for (uint32_t i = 0; i < high; i++) {
        if (!see(&queue.places[i], &seen))
            continue;
        /* As unsigned: others can write the key. */
        int64_t since =
            (int64_t)((uint64_t)seen.key - ageing_ns * (uint64_t)priority_of(seen.state));
        oldest = since < oldest ? since : oldest;
    }
    return oldest;
}
