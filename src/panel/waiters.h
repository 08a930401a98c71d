/*
 * The queue before a bulkhead: places that name who waits, each with a futex of its own.
 *
 * There is no list to be left half linked: a place is taken by one compare-and-swap of its owner's
 * word and is seen by others once that word is whole, so who dies leaves a place that names the
 * dead. Who is served next is whoever has the least key among those that answer. Nothing here
 * decides on permits; engine/bulkhead.h does.
 */
#ifndef SWGI_PANEL_WAITERS_H
#define SWGI_PANEL_WAITERS_H

#include "base/shared.h"
#include "panel/permits.h"

/* ---- waiting: high:24 | version:40. No place at or above high is in use; each arrival raises the
 * version, so that whoever finds fewer in use lowers high only if nobody came meanwhile. */
#define SWGI_WAITING_BITS 24
static inline uint32_t swgi_waiting_high(uint64_t waiting) {
    return (uint32_t)swgi_field(waiting, 0, SWGI_WAITING_BITS);
}

/* A place taken. By value, used by one thread at a time, and to be left once. */
struct swgi_waiter {
    uint64_t word;  /* of the place, like a permit's; 0: none */
    int64_t key;    /* panel time + priority * ageing */
    uint32_t queue; /* first slot + 1 of the run it is in */
    uint16_t place;
    int8_t priority;
    uint8_t asked; /* for the descriptor */
};
static_assert(sizeof(struct swgi_waiter) == 24, "three words of a caller's permit");

/* How long a waiter sleeps at a time; since when one that was told, or that has not looked, is
 * silent and holds nobody up. */
#define SWGI_WAIT_SLICE_NS  INT64_C(5000000)
#define SWGI_WAIT_TOLD_NS   INT64_C(10000000)
#define SWGI_WAIT_SILENT_NS INT64_C(20000000)
/* The clock that keys and silence are told by: ours, never a caller's. */
int64_t swgi_waiters_clock(const struct swgi_map *map);

/*
 * Take a place: waiter->key and waiter->priority say for whom. When all are taken, a place of somebody of
 * less urgent priority and greater key is taken over, who is woken and finds out. false: the queue
 * is full (or there is none).
 */
bool swgi_waiters_enter(struct swgi_map *map, struct swgi_bulkhead_words *words, int64_t now,
                        int64_t deadline, struct swgi_waiter *waiter);
/*
 * The waiter looks: its place says that it answers, and that it wants to be told anew. To be called
 * before looking at permits. false: the place is another's; *waiter is empty.
 */
bool swgi_waiters_look(struct swgi_map *map, struct swgi_bulkhead_words *words, int64_t now,
                       struct swgi_waiter *waiter);
/* Give the place up, if it is still ours. Wakes nobody. */
void swgi_waiters_leave(struct swgi_map *map, struct swgi_bulkhead_words *words,
                        struct swgi_waiter *waiter);
/* Who waits and answers, of those who may use permit number `slot`. */
struct swgi_waiters_ahead {
    uint32_t before; /* with a key below that */
    uint32_t told;   /* of all, those who were told that one is free */
};
struct swgi_waiters_ahead swgi_waiters_ahead(const struct swgi_map *map,
                                             const struct swgi_bulkhead_words *words, int64_t key,
                                             uint32_t slot, int64_t now);
/*
 * Tell whoever is served next of those who may use that permit and have not been told: the least
 * key among those who answer, or else among the silent. false: nobody. Lowers `waiting` when nobody
 * is there at all.
 */
bool swgi_waiters_wake(struct swgi_map *map, struct swgi_bulkhead_words *words, uint32_t slot,
                       int64_t now);
/* As many as permits are free. */
void swgi_waiters_wake_free(struct swgi_map *map, struct swgi_bulkhead_words *words, int64_t now);
/* Everybody, to ask again (a trip). */
void swgi_waiters_wake_all(struct swgi_map *map, struct swgi_bulkhead_words *words);
/* Sleep until woken, at most that long and at most one slice. Returns at once if told before. */
void swgi_waiters_sleep(const struct swgi_map *map, const struct swgi_waiter *waiter, int64_t ns);

/* Under the registry's lock. Use that zeroed run (0: none) from now on; who waits in the present
 * one is woken and changes over. */
void swgi_waiters_move(struct swgi_map *map, struct swgi_bulkhead_words *words, uint64_t run);
/* Places of the dead; NULL: of any incarnation. How many. */
unsigned swgi_waiters_reap(struct swgi_map *map, struct swgi_bulkhead_words *words, unsigned owner,
                           const uint32_t *incarnation);
/* Whose the places are, one after the other, 0 at the end; *cursor begins at 0. */
uint64_t swgi_waiters_owner(const struct swgi_map *map, const struct swgi_bulkhead_words *words,
                            uint32_t *cursor);
/* How many wait: only read. */
uint32_t swgi_waiters_count(const struct swgi_map *map, const struct swgi_bulkhead_words *words);
/* Since when whoever waits longest does; INT64_MAX: nobody waits. ageing_ns: what a step of priority
 * moved the keys by. */
SWGI_SHARED int64_t swgi_waiters_oldest(const struct swgi_map *map,
                                        const struct swgi_bulkhead_words *words,
                                        uint64_t ageing_ns);

/* ---- permits and places of the dead (bulkhead_reap.c) */
/* Of all circuits of a map; whoever waits is told. */
void swgi_bulkheads_reap(struct swgi_map *map, unsigned owner, const uint32_t *incarnation);
/* Give back what the dead hold in one bulkhead, at most once per SWGI_LIVENESS_NS: one question an
 * owner. true: something was given back, and whoever waits was told. */
#define SWGI_LIVENESS_NS UINT64_C(10000000)
static inline bool swgi_bulkhead_liveness_due(const struct swgi_bulkhead_words *words,
                                              int64_t now) {
    uint64_t last = swgi_load_relaxed(&words->liveness_stamp, STAMP);
    /* As unsigned: a stamp that others wrote may be farther away than int64_t can tell. */
    return last == 0 || (uint64_t)now - last >= SWGI_LIVENESS_NS;
}
bool swgi_bulkhead_liveness(struct swgi_map *map, struct swgi_bulkhead_words *words, int64_t now);

/*
 * A descriptor that turns readable when a queued permit of this process should be polled: one for
 * all of a map, a timer of 2 ms, fired at once by a release in this process. Owned by the map. To
 * be polled, not read: swgi_waiters_look() empties it. -errno.
 */
int swgi_wait_descriptor(struct swgi_map *map, struct swgi_waiter *waiter);
/* The map goes. */
void swgi_wait_descriptor_close(struct swgi_map *map);

#endif
