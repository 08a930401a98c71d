/*
 * What lies in a permit's eight opaque words.
 *
 *   0  the binding it was taken on; 0: ended, never admitted, or a ticket for another attempt
 *   1  generation:20 | judged:1 | probe:1 | slot:4 | policies:1 | queued:1 | paced:1 | listens:1 |
 *      life:32
 *   2  panel time of admission
 *   3  the probe slot's word, if it holds one; of a ticket the binding
 *   4  panel time of the call's deadline, 0 none; after a rejection or for a ticket: how long to wait
 *   5  the bulkhead's permit, if it holds one; of a ticket the deadline
 *   6  what was asked: slot of the bulkhead:13 | attempt:6 | priority:6 | heavy:1 | key:22 |
 *      previous delay:16
 *   7  word 0 ^ word 1 ^ the map's tag: what is not ours, or was taken before a fork, is told
 *      without following a pointer
 *
 * Queued, words 2, 3 and 5 are the place in the queue; paced, word 2 is when to begin.
 */
#ifndef SWGI_CIRCUIT_PERMIT_H
#define SWGI_CIRCUIT_PERMIT_H

#include <string.h>

#include "engine/bulkhead.h"
#include "engine/engine.h"

#define SWGI_PERMIT_UNJUDGED   (UINT64_C(1) << 20)
#define SWGI_PERMIT_PROBE      (UINT64_C(1) << 21)
#define SWGI_PERMIT_SLOT_SHIFT 22
#define SWGI_PERMIT_POLICIES   (UINT64_C(1) << 26) /* words 4 to 6 mean something */
#define SWGI_PERMIT_QUEUED     (UINT64_C(1) << 27)
#define SWGI_PERMIT_PACED      (UINT64_C(1) << 28)
#define SWGI_PERMIT_LISTENS    (UINT64_C(1) << 29)
#define SWGI_PERMIT_WAITS      (SWGI_PERMIT_QUEUED | SWGI_PERMIT_PACED)
/* Of a ticket's check, so that it is never taken for a permit's. */
#define SWGI_PERMIT_TICKET UINT64_C(0x7469636b6574)

/* What a call asks for, as its permit keeps it from attempt to attempt. */
struct swgi_asked {
    int64_t deadline;  /* panel time; 0: none */
    uint32_t key;      /* 22 bits, 0: none */
    uint32_t slot;     /* of the bulkhead */
    uint16_t previous; /* the delay before this attempt, compressed */
    uint8_t attempt;   /* 1 for the first */
    uint8_t priority;  /* + SWGI_PRIORITY_ZERO */
    bool heavy;        /* its load was declared above what may be shed */
};

#define SWGI_ASKED_KEY_BITS  22
#define SWGI_ASKED_KEY_SHIFT 26

/* The first attempt of a call that asks for nothing in particular. */
#define SWGI_ASKED_NOTHING (UINT64_C(1) << 13 | (uint64_t)SWGI_PRIORITY_ZERO << 19)

static inline uint64_t swgi_asked_word(const struct swgi_asked *asked) {
    return (uint64_t)asked->slot | (uint64_t)asked->attempt << 13 |
           (uint64_t)asked->priority << 19 | (uint64_t)asked->heavy << 25 |
           (uint64_t)asked->key << SWGI_ASKED_KEY_SHIFT | (uint64_t)asked->previous << 48;
}

static inline struct swgi_asked swgi_permit_asked(const struct swg_permit *permit) {
    uint64_t word = permit->opaque[6];
    return (struct swgi_asked){
        .deadline = (int64_t)permit->opaque[4],
        .key = (uint32_t)swgi_field(word, SWGI_ASKED_KEY_SHIFT, SWGI_ASKED_KEY_BITS),
        .slot = (uint32_t)swgi_field(word, 0, 13),
        .previous = (uint16_t)swgi_field(word, 48, 16),
        .attempt = (uint8_t)swgi_field(word, 13, 6),
        .priority = (uint8_t)swgi_field(word, 19, 6),
        .heavy = swgi_field(word, 25, 1) != 0,
    };
}

static inline void swgi_permit_ask(struct swg_permit *permit, const struct swgi_asked *asked) {
    permit->opaque[4] = (uint64_t)asked->deadline;
    permit->opaque[6] = swgi_asked_word(asked);
}

static inline void swgi_permit_fill(struct swg_permit *permit, const struct swgi_binding *binding,
                                    uint64_t word, int64_t now) {
    permit->opaque[0] = (uint64_t)(uintptr_t)binding;
    permit->opaque[1] = word | (uint64_t)binding->life << 32;
    permit->opaque[2] = (uint64_t)now;
    permit->opaque[7] = permit->opaque[0] ^ permit->opaque[1] ^ swgi_thread.tag;
}

static inline void swgi_permit_refuse(struct swg_permit *permit, int64_t retry_in) {
    permit->opaque[0] = 0;
    permit->opaque[3] = 0;
    permit->opaque[4] = (uint64_t)retry_in;
}

static inline const struct swgi_binding *swgi_permit_binding(const struct swg_permit *permit) {
    return (const struct swgi_binding *)(uintptr_t)permit->opaque[0];
}

static inline bool swgi_permit_is_current(const struct swg_permit *permit) {
    return permit->opaque[0] != 0 &&
           permit->opaque[7] == (permit->opaque[0] ^ permit->opaque[1] ^ swgi_thread.tag);
}

/*
 * What of policies a call must look at. What this question costs the circuits that have none is told by a build to which there
 * are none (bench/steps).
 */
static inline uint32_t swgi_policy_traits(const struct swgi_cell *cell) {
#ifdef SWGI_WITHOUT_POLICIES
    (void)cell;
    return 0;
#else
    return swgi_load_relaxed(&cell->traits, FAST_SETTING) & SWGI_TRAITS_POLICIES;
#endif
}

/* A permit without policies: no deadline. */
static inline void swgi_permit_plain(struct swg_permit *permit) {
#ifdef SWGI_WITHOUT_POLICIES
    (void)permit;
#else
    permit->opaque[4] = 0;
#endif
}

/* What a permit's words say, as the engine wants it. */
static inline struct swgi_ticket swgi_permit_ticket(const struct swg_permit *permit) {
    uint64_t word = permit->opaque[1];
    return (struct swgi_ticket){
        .generation = word & SWGI_MASK(SWGI_GENERATION_BITS),
        .probe = permit->opaque[3],
        .slot = (unsigned)(word >> SWGI_PERMIT_SLOT_SHIFT & 15),
        .has_probe = word & SWGI_PERMIT_PROBE,
        .judged = !(word & SWGI_PERMIT_UNJUDGED),
    };
}

static inline struct swgi_held swgi_permit_held(const struct swg_permit *permit) {
    return (struct swgi_held){ .word = permit->opaque[5],
                               .slot = (uint32_t)swgi_field(permit->opaque[6], 0, 13) };
}

static inline struct swgi_waiter swgi_permit_waiter(const struct swg_permit *permit) {
    uint64_t words[3] = { permit->opaque[2], permit->opaque[3], permit->opaque[5] };
    struct swgi_waiter waiter;
    memcpy(&waiter, words, sizeof(waiter));
    return waiter;
}

/* Whether an event loop was given the descriptor for it: a place says so itself. */
static inline bool swgi_permit_listens(const struct swg_permit *permit) {
    if (permit->opaque[1] & SWGI_PERMIT_PACED)
        return permit->opaque[1] & SWGI_PERMIT_LISTENS;
    return swgi_permit_waiter(permit).asked != 0;
}

static inline void swgi_permit_wait(struct swg_permit *permit, const struct swgi_waiter *waiter) {
    uint64_t words[3];
    memcpy(words, waiter, sizeof(words));
    permit->opaque[2] = words[0];
    permit->opaque[3] = words[1];
    permit->opaque[5] = words[2];
}

static inline void swgi_permit_listen(struct swg_permit *permit, bool listens) {
    struct swgi_waiter waiter = swgi_permit_waiter(permit);
    uint64_t flag = listens ? SWGI_PERMIT_LISTENS : 0, former = permit->opaque[1];
    waiter.asked = listens;
    if ((former & SWGI_PERMIT_PACED) == 0) {
        swgi_permit_wait(permit, &waiter);
        return;
    }
    permit->opaque[1] = (former & ~SWGI_PERMIT_LISTENS) | flag;
    permit->opaque[7] ^= former ^ permit->opaque[1];
}

/*
 * 0: usable now, the thread's row is current. 1: was ours once and ends without effect. -EINVAL:
 * never was (record.c).
 */
int swgi_permit_validate(const struct swg_permit *permit);
/* How long until polling a queued permit may help: 0, nobody knows, or it may help now (wait.c);
 * of one that goes on inside, the delay before the next attempt. */
int64_t swgi_wait_left(const struct swg_permit *permit);
/* Is the circuit it was taken on still there? */
static inline bool swgi_permit_still_there(const struct swg_permit *permit,
                                           const struct swgi_binding *binding) {
    return swgi_load(&binding->cell->life) == (uint32_t)(permit->opaque[1] >> 32);
}

#endif
