/*
 * Bulkhead: whether a call may be made now, has to wait, or is one too many.
 *
 * Who may have which permits: all of them those of priority <= the reserve's, the first limit -
 * reserve everybody; under partitions a priority's share of the limit. Who is served first: the
 * least key, which is the instant of asking plus priority times ageing, so that nobody starves. A
 * free permit is taken by a newcomer only if enough are left for those who wait before it and
 * answer; whoever has been silent (stopped, or asleep beyond its turn) is passed over and keeps its
 * place.
 *
 * words is &policies->bulkhead of the circuit's extent. now: panel time as the caller has it; for
 * those who wait the panel's own clock is read.
 */
#ifndef SWGI_ENGINE_BULKHEAD_H
#define SWGI_ENGINE_BULKHEAD_H

#include "engine/policy_settings.h"
#include "panel/permits.h"
#include "panel/waiters.h"

/* Compile settings into the words that calls read. limit: what is to hold now (the setting, or what
 * adapts). Under the registry's lock; run and queue are moved before. Wakes whoever gains. */
void swgi_bulkhead_install(struct swgi_map *map, struct swgi_bulkhead_words *words,
                           const struct swgi_bulkhead_settings *settings, uint32_t limit);
/* Slots that the settings' permits and places need; most: the largest limit there may be. */
uint32_t swgi_bulkhead_permit_slots(const struct swgi_bulkhead_settings *settings, uint32_t most);
uint32_t swgi_bulkhead_place_slots(const struct swgi_bulkhead_settings *settings, uint32_t most);
/* The limit adapts. Wakes whoever gains. */
void swgi_bulkhead_limit(struct swgi_map *map, struct swgi_bulkhead_words *words, uint32_t limit);

/* SWG_GO or SWG_FULL. Out of line: priorities, waiters, a limit that shrank, a move, the dead. */
int swgi_bulkhead_take_slowly(struct swgi_map *map, struct swgi_bulkhead_words *words, int priority,
                              int64_t now, struct swgi_held *out);
/* *out was taken in that run while limit or run changed. */
int swgi_bulkhead_take_again(struct swgi_map *map, struct swgi_bulkhead_words *words, uint64_t run,
                             int priority, int64_t now, struct swgi_held *out);
int swgi_bulkhead_release_slowly(struct swgi_map *map, struct swgi_bulkhead_words *words,
                                 struct swgi_held held);
/* A permit is free: wakes whoever is next. */
void swgi_bulkhead_released(struct swgi_map *map, struct swgi_bulkhead_words *words);

/* A permit and the words it was taken under: it may be kept if they are the same still. */
struct swgi_bulkhead_try {
    swgi_word *permit;
    uint64_t word, limit, run;
};

/* Is there nothing to consider but whether that permit is free: no rule, nobody who waits, no
 * limit that shrank? */
static inline __attribute__((always_inline)) bool swgi_bulkhead_is_plain(
    const struct swgi_bulkhead_words *words, uint64_t limit, uint32_t slot) {
    uint64_t bounds = swgi_field(limit, 0, 40); /* the limit alone, or high above it */
    return swgi_likely(bounds <= SWGI_PERMITS_MAX && slot < bounds &&
                       (swgi_load(&words->rule) & ~SWGI_RULE_TRACK) == 0 &&
                       swgi_waiting_high(swgi_load(&words->waiting)) == 0);
}

/* That permit, under out->limit, which was found plain. false: nothing was taken. */
static inline __attribute__((always_inline)) bool swgi_bulkhead_try(
    struct swgi_map *map, const struct swgi_bulkhead_words *words, uint32_t slot,
    struct swgi_bulkhead_try *out) {
    if (swgi_unlikely(!swgi_permit_ready(map)))
        return false;
    out->run = swgi_load(&words->run);
    uint64_t count = swgi_run_count(out->run) / 2;
    uint32_t at = swgi_run_first(out->run) - 1 + slot; /* its stamp lies farther on */
    if (swgi_unlikely(slot >= count || at + count >= map->geometry.slots))
        return false;
    out->permit = &map->slots[at];
    if (swgi_unlikely(swgi_load(out->permit) != 0))
        return false;
    out->word = swgi_permit_thread.word;
    if (swgi_unlikely(!swgi_cas(out->permit, 0, out->word)))
        return false;
    swgi_permit_thread.word = out->word + (UINT64_C(1) << 32);
    return true;
}

/* May it be kept? Then it says since when. */
static inline __attribute__((always_inline)) bool swgi_bulkhead_keep(
    const struct swgi_bulkhead_words *words, const struct swgi_bulkhead_try *try, int64_t now) {
    uint64_t run = swgi_load(&words->run);
    if (swgi_unlikely(((swgi_load(&words->limit) ^ try->limit) | (run ^ try->run)) != 0))
        return false;
    swgi_store_release(try->permit + swgi_run_count(run) / 2, swgi_permit_stamp(try->word, now));
    return true;
}

/* Are all permits held, as far as one look at each tells, and is there nothing to be done about it?
 * Else the long way knows. Who asks in the next moment is told by swgi_permits_full(). */
bool swgi_bulkhead_is_full(const struct swgi_map *map, struct swgi_bulkhead_words *words,
                           int64_t now);

/* SWG_GO with *out (whose word is 0 where there is no limit: none is configured, or calls are only
 * tracked and the run is full), or SWG_FULL. priority: -32 urgent .. 31. */
static inline int swgi_bulkhead_take(struct swgi_map *map, struct swgi_bulkhead_words *words,
                                     int priority, int64_t now, struct swgi_held *out) {
    struct swgi_bulkhead_try try = { .limit = swgi_load(&words->limit) };
    uint32_t slot = swgi_permit_thread.hint;
    *out = (struct swgi_held){ 0 };
    if (swgi_permits_full(words, try.limit, now))
        return SWG_FULL;
    if (swgi_unlikely(!swgi_bulkhead_is_plain(words, try.limit, slot) ||
                      !swgi_bulkhead_try(map, words, slot, &try)))
        return swgi_bulkhead_take_slowly(map, words, priority, now, out);
    *out = (struct swgi_held){ .word = try.word, .slot = slot };
    if (swgi_likely(swgi_bulkhead_keep(words, &try, now)))
        return SWG_GO;
    return swgi_bulkhead_take_again(map, words, try.run, priority, now, out);
}

/* Does whoever gives a permit back have to tell somebody? */
static inline bool swgi_bulkhead_is_watched(const struct swgi_bulkhead_words *words) {
    return swgi_unlikely(((swgi_load(&words->waiting) & SWGI_MASK(SWGI_WAITING_BITS)) |
                          (swgi_load(&words->full) & SWGI_FULL_STATE)) != 0);
}

/* Give back where it should be; nobody is told. false: it is not there, nothing was done. */
static inline __attribute__((always_inline)) bool swgi_bulkhead_give_back(
    struct swgi_map *map, struct swgi_bulkhead_words *words, struct swgi_held held) {
    uint32_t at = swgi_run_first(swgi_load(&words->run)) - 1 + held.slot;
    /* Where the run changes meanwhile, that word is frozen, or not copied yet. */
    if (swgi_unlikely(at >= map->geometry.slots || !swgi_cas(&map->slots[at], held.word, 0)))
        return false;
    if (swgi_permit_thread.hint != held.slot)
        swgi_permit_thread.hint = held.slot;
    return true;
}

/*
 * Give back, and wake whoever is next. 0; -EINVAL: a copy of a permit that was ended; -ESTALE: it
 * had been given back, because this process was taken for dead. held.word 0: 0.
 */
static inline int swgi_bulkhead_release(struct swgi_map *map, struct swgi_bulkhead_words *words,
                                        struct swgi_held held) {
    if (swgi_unlikely(held.word == 0 || !swgi_bulkhead_give_back(map, words, held)))
        return swgi_bulkhead_release_slowly(map, words, held);
    if (swgi_bulkhead_is_watched(words))
        swgi_bulkhead_released(map, words);
    return 0;
}

/* ---- waiting. A system call is made only to wake somebody, to ask at most once per 10 ms who is
 * dead, and by swgi_bulkhead_wait(). */
/*
 * After SWG_FULL: SWG_QUEUED with a place, SWG_GO (a permit had become free), or SWG_FULL: the queue
 * is full, and nobody in it is less urgent. deadline: when the caller gives up, panel time; for
 * people.
 */
int swgi_bulkhead_enqueue(struct swgi_map *map, struct swgi_bulkhead_words *words, int priority,
                          int64_t deadline, struct swgi_waiter *out, struct swgi_held *held);
/* SWG_GO: granted, and the place is left; SWG_QUEUED: not yet; SWG_FULL: displaced by somebody more
 * urgent, and the place is gone. Whoever waits polls at least every 10 ms, or others are served
 * before. */
int swgi_bulkhead_poll(struct swgi_map *map, struct swgi_bulkhead_words *words,
                       struct swgi_waiter *waiter, struct swgi_held *held);
/*
 * Sleeps until woken, for 5 ms or for ns, whatever is least, then polls. As poll; on SWG_QUEUED the
 * caller looks whether the circuit still admits and whether its time is up, and comes again. Only
 * this blocks.
 */
int swgi_bulkhead_wait(struct swgi_map *map, struct swgi_bulkhead_words *words,
                       struct swgi_waiter *waiter, int64_t ns, struct swgi_held *held);
/* Waits no more: timed out, cancelled, tripped. Whoever is next is woken if a permit is free. A
 * waiter without a place: nothing. */
void swgi_bulkhead_leave(struct swgi_map *map, struct swgi_bulkhead_words *words,
                         struct swgi_waiter *waiter);

#endif
