/*
 * Permits: how many calls of a circuit are under way, as words that each name their holder.
 *
 * There is no count anywhere: a word that grants something names its owner, so that what the killed
 * held can be given back, and only that. A permit is taken by one compare-and-swap 0 -> mine and
 * given back by mine -> 0; the word's sequence tells a copy of an ended permit from a living one.
 * Order is that of the loads below: the limit is looked at again after a word was taken.
 *
 * A longer run takes over from a shorter one without anybody stopping: each word of the former run
 * is frozen (it can never change again), then copied to the same index. Until it is copied the new
 * word says that the former one counts. Everybody who meets one half-way finishes it, so that a
 * killed mover is no matter.
 */
#ifndef SWGI_PANEL_PERMITS_H
#define SWGI_PANEL_PERMITS_H

#include "panel/panel.h"
#include "panel/words.h"

/* ---- a permit's word: owner:10 | incarnation:22 | sequence:31 | frozen:1; 0 is free */
#define SWGI_PERMIT_FROZEN      (UINT64_C(1) << 63)
#define SWGI_PERMIT_IN_FORMER   (SWGI_PERMIT_FROZEN | 1u << SWGI_OWNER_BITS) /* of no owner */
#define SWGI_PERMIT_INCARNATION 22

static inline uint64_t swgi_permit_word(struct swgi_identity who, uint32_t sequence) {
    return (uint64_t)who.owner | (uint64_t)(who.incarnation & 0x3fffff) << SWGI_OWNER_BITS |
           (uint64_t)(sequence & 0x7fffffff) << 32;
}
static inline unsigned swgi_permit_owner(uint64_t word) {
    return (unsigned)swgi_field(word, 0, SWGI_OWNER_BITS);
}
static inline uint32_t swgi_permit_incarnation(uint64_t word) {
    return (uint32_t)swgi_field(word, SWGI_OWNER_BITS, SWGI_PERMIT_INCARNATION);
}

/* ---- the limit: limit:20 | high:20 | version:24. high: 0, or above the limit, because permits of a
 * time of a larger one may be held below that. The version grows with each change of the limit. */
#define SWGI_LIMIT_HIGH (SWGI_MASK(20) << 20)
static inline uint32_t swgi_limit_of(uint64_t word) {
    return (uint32_t)swgi_field(word, 0, 20);
}
static inline uint32_t swgi_limit_high(uint64_t word) {
    return (uint32_t)swgi_field(word, 20, 20);
}

/* ---- the rule: reserve:16 | least urgent that has it:8 (+ 32) | flags; 0: all may have all */
#define SWGI_RULE_PARTITIONED (UINT64_C(1) << 24)
#define SWGI_RULE_TRACK       (UINT64_C(1) << 25) /* there is no limit: beyond the run uncounted */
static inline uint64_t swgi_rule(uint32_t reserve, unsigned priority, uint64_t flags) {
    return (uint64_t)(reserve & 0xffff) | (uint64_t)(priority & 0xff) << 16 | flags;
}

/* What a caller holds. By value, and to be ended once. */
struct swgi_held {
    uint64_t word; /* 0: none */
    uint32_t slot; /* its number, for good */
};

/* Of this thread: where a free permit may be, and the next word to take one with. Numbers come in
 * blocks, so that threads of a process never give the same. */
struct swgi_permit_thread {
    uint64_t word;     /* of that identity, as the map has it */
    uint64_t identity; /* 0: none yet */
    uint32_t hint;
};
extern __thread struct swgi_permit_thread swgi_permit_thread
    __attribute__((tls_model("initial-exec")));
#define SWGI_PERMIT_BLOCK 4096u
uint64_t swgi_permit_refill(const struct swgi_map *map);

/* Is the next word this process's in that map, and of a block not used up? */
static inline bool swgi_permit_ready(const struct swgi_map *map) {
    const struct swgi_permit_thread *here = &swgi_permit_thread;
    return swgi_likely(here->identity == swgi_load(&map->identity) &&
                       (here->word >> 32) % SWGI_PERMIT_BLOCK != 0);
}
static inline uint64_t swgi_permit_mine(const struct swgi_map *map) {
    uint64_t word = swgi_permit_thread.word;
    if (swgi_unlikely(!swgi_permit_ready(map)))
        return swgi_permit_refill(map);
    swgi_permit_thread.word = word + (UINT64_C(1) << 32);
    return word;
}

/* A run as read from shared memory, bounded: NULL and 0 when it lies outside. */
struct swgi_permit_run {
    swgi_word *permits; /* count of them, then as many stamps */
    uint32_t count;
};
static inline struct swgi_permit_run swgi_permit_run(const struct swgi_map *map, uint64_t run) {
    uint32_t first = swgi_run_first(run) - 1, slots = swgi_run_count(run);
    if (swgi_unlikely((uint64_t)first + slots > map->geometry.slots))
        return (struct swgi_permit_run){ 0 };
    return (struct swgi_permit_run){ .permits = map->slots + first, .count = slots / 2 };
}

/* When it was taken, in units of 256 ns, with the end of its word's sequence: a stamp of another
 * permit is told. */
#define SWGI_STAMP_TAG_BITS 12
static inline uint64_t swgi_permit_stamp(uint64_t word, int64_t now) {
    return (uint64_t)now >> 8 << SWGI_STAMP_TAG_BITS | swgi_field(word, 32, SWGI_STAMP_TAG_BITS);
}

/* ---- taking and giving back */
/*
 * One of the permits that a call of that priority may use: true, and *out. false: none is free, or
 * as many as the limit are held. Helps a move along.
 */
bool swgi_permits_take(struct swgi_map *map, struct swgi_bulkhead_words *words, int priority,
                       int64_t now, struct swgi_held *out);
/* A permit just taken in that run, by other means than swgi_permits_take(): may it be kept? false:
 * it was given back, the limit or the run have changed. */
bool swgi_permits_confirm(struct swgi_map *map, struct swgi_bulkhead_words *words, uint64_t run,
                          int priority, struct swgi_held mine);
/* 0; -EINVAL: ended before, the caller has a copy; -ESTALE: given back for us, because this process
 * was taken for dead. Wakes nobody. */
int swgi_permits_release(struct swgi_map *map, struct swgi_bulkhead_words *words,
                         struct swgi_held held);

/* Is it held still? Not if it was ended by a copy, or given back because we seemed dead. */
bool swgi_permits_is_held(const struct swgi_map *map, const struct swgi_bulkhead_words *words,
                          struct swgi_held held);

/* ---- bounds */
/* How many of the first permits a call of that priority (-32..31) may use under that limit word. */
uint32_t swgi_permits_ceiling(const struct swgi_bulkhead_words *words, uint64_t limit,
                              int priority);
/* Change how many may be held. What is held stays; nobody is woken. true: it became more. */
bool swgi_permits_limit(struct swgi_bulkhead_words *words, uint32_t limit);
static inline uint32_t swgi_permits_limit_now(const struct swgi_bulkhead_words *words) {
    return swgi_limit_of(swgi_load(&words->limit));
}

/* The first of [from, to) that is not held by anybody in that run (free, frozen, or still in the former one); else `to`. */
static inline uint32_t swgi_permits_first_open(const swgi_word *permits, uint32_t from,
                                               uint32_t to) {
    uint32_t i = from;
    /* Held is greater than 0 as a signed number, which frozen is not. */
    for (; i + 4 <= to; i += 4)
        if ((int64_t)swgi_load(&permits[i]) <= 0 || (int64_t)swgi_load(&permits[i + 1]) <= 0 ||
            (int64_t)swgi_load(&permits[i + 2]) <= 0 || (int64_t)swgi_load(&permits[i + 3]) <= 0)
            break;
    while (i < to && (int64_t)swgi_load(&permits[i]) > 0)
        i++;
    return i;
}
/* How many a call of that priority could take now, and the number of the first. */
uint32_t swgi_permits_open(const struct swgi_map *map, const struct swgi_bulkhead_words *words,
                           int priority, uint32_t *lowest);

/* ---- all are held, so that a call that is one too many need not look at each
 *
 * full: proven:1 | looking:1 | end of the limit's version:10 | count:14 | panel time:38, in 1024 ns.
 * Whoever finds all held says so in three steps: that it looks, a look at each, that they are.
 * Whoever gives a permit back does so first and then takes that word away, so one of the two sees
 * the other; another limit is another version. One killed before it took the word away, or one that
 * stalled over two moves and gave back what had become another's permit, is why it is believed for a
 * millisecond only: of the clock that the caller gives, so that one who lets it stand still believes
 * it until his process reads its own (SWGI_ANCHOR_CALLS), or the dead one's is reaped. */
#define SWGI_FULL_PROVEN  UINT64_C(1)
#define SWGI_FULL_LOOKING UINT64_C(2)
#define SWGI_FULL_STATE   (SWGI_FULL_PROVEN | SWGI_FULL_LOOKING) /* 0: nobody says so */
#define SWGI_FULL_FOR     1000u                                  /* of its units of time */
#define SWGI_FULL_VERSION 10
#define SWGI_FULL_COUNT   14
#define SWGI_FULL_TIME    38
/* Was it written under that limit word, at most so long before that time? */
static inline bool swgi_full_holds(uint64_t full, uint64_t limit, int64_t now) {
    uint64_t since = full >> (64 - SWGI_FULL_TIME);
    uint64_t age = (((uint64_t)now >> 10) - since) & SWGI_MASK(SWGI_FULL_TIME);
    return ((full >> 2 ^ limit >> 40) & SWGI_MASK(SWGI_FULL_VERSION)) == 0 && age < SWGI_FULL_FOR;
}
/* At that time of the panel, as its reader has it: is none to be had? */
static inline bool swgi_permits_full(const struct swgi_bulkhead_words *words, uint64_t limit,
                                     int64_t now) {
    uint64_t full = swgi_load(&words->full);
    return swgi_unlikely((full & SWGI_FULL_PROVEN) != 0) && swgi_full_holds(full, limit, now);
}
/* Before looking at each. 0: somebody looks, or has; else what to prove when all were held. */
uint64_t swgi_permits_full_look(struct swgi_bulkhead_words *words, int64_t now);
static inline void swgi_permits_full_prove(struct swgi_bulkhead_words *words, uint64_t looking) {
    swgi_cas(&words->full, looking, looking ^ SWGI_FULL_STATE);
}
/* Out of the run it was taken in, whosever that is by now; nothing where it is not there. */
static inline void swgi_permits_drop(struct swgi_map *map, uint64_t run, struct swgi_held held) {
    struct swgi_permit_run permits = swgi_permit_run(map, run);
    if (held.slot < permits.count)
        swgi_cas(&permits.permits[held.slot], held.word, 0);
}
/* After a permit was given back otherwise than by swgi_permits_release(). */
void swgi_permits_full_forget(struct swgi_bulkhead_words *words);

/* ---- other runs */
/*
 * Under the registry's lock. Use that zeroed run from now on; what is held in the present one is
 * moved there, holders keep their slots. -EINVAL: shorter than the present one, or none. What
 * `former` pointed to before may be given back afterwards, what it points to now must not: callers
 * that stalled may still write there.
 */
int swgi_permits_move(struct swgi_map *map, struct swgi_bulkhead_words *words, uint64_t run);

/* ---- the dead */
/* Give back all permits of that owner; NULL: of any incarnation. How many. */
unsigned swgi_permits_reap(struct swgi_map *map, struct swgi_bulkhead_words *words, unsigned owner,
                           const uint32_t *incarnation);

/* ---- how many, and how long: only read, also from an inspector's copy */
struct swgi_permit_seen {
    uint64_t word;
    unsigned owner;
    uint32_t incarnation;
    uint32_t slot;
    int64_t since; /* panel time; INT64_MAX: just taken, not noted yet */
};
/* Those held, one after the other; *cursor begins at 0. */
bool swgi_permits_next(const struct swgi_map *map, const struct swgi_bulkhead_words *words,
                       uint32_t *cursor, struct swgi_permit_seen *out);
uint32_t swgi_permits_held(const struct swgi_map *map, const struct swgi_bulkhead_words *words);
/* Held for longer than ns. */
uint32_t swgi_permits_older(const struct swgi_map *map, const struct swgi_bulkhead_words *words,
                            int64_t now, uint64_t ns);
/* The one held longest: false when none is. */
bool swgi_permits_oldest(const struct swgi_map *map, const struct swgi_bulkhead_words *words,
                         struct swgi_permit_seen *out);

#endif
