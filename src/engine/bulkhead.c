/*
 * A bulkhead away from the fast path: who may pass whom, and what follows from a permit given back.
 */
#include "engine/bulkhead.h"

#include "engine/engine.h"

#define TRACKED_PERMITS 256u
#define PLAIN_QUEUE     10u /* times max_concurrent */

/* ---- settings */

static uint32_t limit_most(const struct swgi_bulkhead_settings *settings, uint32_t most) {
    uint32_t needed = settings->max_concurrent > most ? settings->max_concurrent : most;
    if (needed == 0 && settings->track)
        needed = TRACKED_PERMITS;
    return needed < SWGI_PERMITS_MAX ? needed : SWGI_PERMITS_MAX;
}

uint32_t swgi_bulkhead_permit_slots(const struct swgi_bulkhead_settings *settings, uint32_t most) {
    return 2 * limit_most(settings, most);
}

uint32_t swgi_bulkhead_place_slots(const struct swgi_bulkhead_settings *settings, uint32_t most) {
    uint64_t places = settings->max_queue;
    if (settings->max_queue_follows)
        places = (uint64_t)PLAIN_QUEUE * limit_most(settings, most);
    places = places < SWGI_PLACES_MAX ? places : SWGI_PLACES_MAX;
    return settings->when_busy == SWGI_BUSY_WAIT ? (uint32_t)places * SWGI_PLACE_WORDS : 0;
}

static uint64_t partitions_word(const struct swgi_bulkhead_settings *settings) {
    uint64_t word = 0;
    for (unsigned i = 0; i < settings->partitions_count && i < SWGI_PARTITIONS_MAX; i++)
        word |= ((uint64_t)settings->partitions[i].priority |
                 (uint64_t)settings->partitions[i].percent << 8)
                << (16 * i);
    return word;
}

void swgi_bulkhead_install(struct swgi_map *map, struct swgi_bulkhead_words *words,
                           const struct swgi_bulkhead_settings *settings, uint32_t limit) {
    bool tracks = limit == 0 && settings->track;
    uint64_t flags = tracks ? SWGI_RULE_TRACK : 0;
    uint64_t partitions = tracks ? 0 : partitions_word(settings);
    uint32_t reserve = tracks ? 0 : settings->reserve_permits;
    flags |= partitions != 0 ? SWGI_RULE_PARTITIONED : 0;
    swgi_store(&words->ageing_ns, settings->ageing_ns);
    swgi_store(&words->partitions, partitions);
    swgi_store(&words->rule,
               swgi_rule(reserve, reserve != 0 ? settings->reserve_priority : 0, flags));
    swgi_permits_full_forget(words); /* who looks from here on sees that rule */
    if (tracks)
        limit = swgi_permit_run(map, swgi_load(&words->run)).count;
    swgi_bulkhead_limit(map, words, limit);
}

void swgi_bulkhead_limit(struct swgi_map *map, struct swgi_bulkhead_words *words, uint32_t limit) {
    swgi_permits_limit(words, limit);
    /* Also when it did not grow: a reserve may have become smaller. */
    swgi_waiters_wake_free(map, words, swgi_waiters_clock(map));
}

/* ---- taking */

static int64_t key_of(const struct swgi_bulkhead_words *words, int priority, int64_t now) {
    int64_t ageing, key;
    uint64_t told = swgi_load(&words->ageing_ns);
    ageing = told < INT64_MAX ? (int64_t)told : INT64_MAX;
    if (__builtin_mul_overflow(ageing, (int64_t)priority, &key) ||
        __builtin_add_overflow(key, now, &key))
        return priority < 0 ? INT64_MIN : INT64_MAX;
    return key;
}

/*
 * Are enough free for those who are before it, and one more? If not, they are told: who freed one
 * may be dead, or have counted on somebody who is not first any more.
 */
static bool may_pass(struct swgi_map *map, struct swgi_bulkhead_words *words, int priority,
                     int64_t key, int64_t now) {
    uint32_t lowest, open = swgi_permits_open(map, words, priority, &lowest);
    if (open == 0)
        return false;
    if (swgi_waiters_ahead(map, words, key, lowest, now).before < open)
        return true;
#ifndef SWGI_MUTANT_QUEUE_NO_NUDGE
    swgi_waiters_wake_free(map, words, now);
#endif
    return false;
}

static void tell_who_waits(struct swgi_map *map, struct swgi_bulkhead_words *words) {
#ifdef SWGI_MUTANT_WAKE_LOST
    return;
#endif
    if (swgi_waiting_high(swgi_load(&words->waiting)) != 0)
        swgi_waiters_wake_free(map, words, swgi_waiters_clock(map));
}

/* As take, without asking who is dead. */
static bool take(struct swgi_map *map, struct swgi_bulkhead_words *words, int priority, int64_t now,
                 struct swgi_held *out) {
    if (swgi_unlikely(swgi_waiting_high(swgi_load(&words->waiting)) != 0)) {
        int64_t clock = swgi_waiters_clock(map);
        if (!may_pass(map, words, priority, key_of(words, priority, clock), clock))
            return false;
    }
    bool taken = swgi_permits_take(map, words, priority, now, out);
    /* It may have held one for a moment, which somebody saw who then went to sleep. */
    tell_who_waits(map, words);
    return taken;
}

static bool looks_full(const struct swgi_map *map, const struct swgi_bulkhead_words *words,
                       int64_t now) {
    uint64_t limit = swgi_load(&words->limit), run = swgi_load(&words->run);
    struct swgi_permit_run permits = swgi_permit_run(map, run);
    uint64_t special = swgi_load(&words->rule) | (limit & SWGI_LIMIT_HIGH) |
                       (swgi_load(&words->waiting) & SWGI_MASK(SWGI_WAITING_BITS));
    return special == 0 && swgi_limit_of(limit) != 0 && swgi_limit_of(limit) <= permits.count &&
           !swgi_bulkhead_liveness_due(words, now) &&
           swgi_permits_first_open(permits.permits, 0, swgi_limit_of(limit)) ==
               swgi_limit_of(limit) &&
           swgi_load(&words->run) == run;
}

bool swgi_bulkhead_is_full(const struct swgi_map *map, struct swgi_bulkhead_words *words,
                           int64_t now) {
    if (!looks_full(map, words, now))
        return false;
    uint64_t looking = swgi_permits_full_look(words, now);
#ifdef SWGI_MUTANT_FULL_UNPROVEN
    if (looking != 0)
#else
    if (looking != 0 && looks_full(map, words, now))
#endif
        swgi_permits_full_prove(words, looking);
    return true;
}

int swgi_bulkhead_take_slowly(struct swgi_map *map, struct swgi_bulkhead_words *words, int priority,
                              int64_t now, struct swgi_held *out) {
    *out = (struct swgi_held){ 0 };
    if (swgi_permits_limit_now(words) == 0)
        return SWG_GO;
    if (take(map, words, priority, now, out))
        return SWG_GO;
    if (swgi_bulkhead_liveness(map, words, now) && take(map, words, priority, now, out))
        return SWG_GO;
    out->word = 0;
    if ((swgi_load(&words->rule) & SWGI_RULE_TRACK) == 0) {
        swgi_bulkhead_is_full(map, words, now); /* the next ones need not look at each */
        return SWG_FULL;
    }
    swgi_add_relaxed(&words->untracked, 1, COUNTER);
    return SWG_GO;
}

int swgi_bulkhead_take_again(struct swgi_map *map, struct swgi_bulkhead_words *words, uint64_t run,
                             int priority, int64_t now, struct swgi_held *out) {
    if (swgi_permits_confirm(map, words, run, priority, *out))
        return SWG_GO;
    swgi_bulkhead_released(map, words);
    return swgi_bulkhead_take_slowly(map, words, priority, now, out);
}

/* ---- giving back */

int swgi_bulkhead_release_slowly(struct swgi_map *map, struct swgi_bulkhead_words *words,
                                 struct swgi_held held) {
    int rc = held.word == 0 ? 0 : swgi_permits_release(map, words, held);
    if (held.word != 0 && rc == 0) {
        swgi_permit_thread.hint = held.slot;
        swgi_bulkhead_released(map, words);
    }
    return rc;
}

void swgi_bulkhead_released(struct swgi_map *map, struct swgi_bulkhead_words *words) {
    swgi_permits_full_forget(words);
    tell_who_waits(map, words);
}

/* ---- waiting */

/* Its place says that it waits: now a permit that is free is seen, or its release sees us. */
static bool served(struct swgi_map *map, struct swgi_bulkhead_words *words, int64_t now,
                   struct swgi_waiter *waiter, struct swgi_held *held) {
    if (!may_pass(map, words, waiter->priority, waiter->key, now))
        return false;
    bool taken = swgi_permits_take(map, words, waiter->priority, now, held);
    if (taken)
        swgi_waiters_leave(map, words, waiter);
    swgi_waiters_wake_free(map, words, now);
    return taken;
}

int swgi_bulkhead_poll(struct swgi_map *map, struct swgi_bulkhead_words *words,
                       struct swgi_waiter *waiter, struct swgi_held *held) {
    int64_t now = swgi_waiters_clock(map);
    *held = (struct swgi_held){ 0 };
    if (!swgi_waiters_look(map, words, now, waiter)) {
        swgi_waiters_wake_free(map, words, now);
        return SWG_FULL;
    }
    if (served(map, words, now, waiter, held))
        return SWG_GO;
    if (swgi_bulkhead_liveness(map, words, now) && served(map, words, now, waiter, held))
        return SWG_GO;
    return SWG_QUEUED;
}

int swgi_bulkhead_enqueue(struct swgi_map *map, struct swgi_bulkhead_words *words, int priority,
                          int64_t deadline, struct swgi_waiter *out, struct swgi_held *held) {
    int64_t now = swgi_waiters_clock(map);
    *held = (struct swgi_held){ 0 };
    *out =
        (struct swgi_waiter){ .key = key_of(words, priority, now), .priority = (int8_t)priority };
    if (!swgi_waiters_enter(map, words, now, deadline, out))
        return SWG_FULL;
#ifdef SWGI_MUTANT_QUEUE_NO_LOOK
    return SWG_QUEUED;
#endif
    return swgi_bulkhead_poll(map, words, out, held);
}

int swgi_bulkhead_wait(struct swgi_map *map, struct swgi_bulkhead_words *words,
                       struct swgi_waiter *waiter, int64_t ns, struct swgi_held *held) {
    swgi_waiters_sleep(map, waiter, ns);
    return swgi_bulkhead_poll(map, words, waiter, held);
}

void swgi_bulkhead_leave(struct swgi_map *map, struct swgi_bulkhead_words *words,
                         struct swgi_waiter *waiter) {
    if (waiter->word == 0)
        return;
    swgi_waiters_leave(map, words, waiter);
    swgi_bulkhead_released(map, words);
}
