/*
 * The words of permits: taken, given back, moved, reclaimed.
 *
 * What makes "never more than the limit" true. While the limit stands, an index below it is a
 * permit, so there are not more. When it shrinks, permits above it are still held, so whoever took
 * one then counts all of them, its own among them, and gives its own back when they are too many:
 * of those held at any instant, the last to be taken saw all others. A caller that stalled under an
 * older limit finds the new one when it looks again after its compare-and-swap, and gives back.
 */
#include "panel/permits.h"

#include <errno.h>

#define RETRIES_MAX 64u /* each stands for a move or a limit changed meanwhile */
#define INDEX_BITS  20

__thread struct swgi_permit_thread swgi_permit_thread __attribute__((tls_model("initial-exec")));

/* Number 0 of a block is given at once; a thread that finds it again has used the block up. */
uint64_t swgi_permit_refill(const struct swgi_map *map) {
    static swgi_word blocks;
    uint32_t first = (uint32_t)swgi_add(&blocks, 1) * SWGI_PERMIT_BLOCK;
    swgi_permit_thread.identity = swgi_load(&map->identity);
    swgi_permit_thread.word = swgi_permit_word(swgi_map_identity(map), first + 1);
    return swgi_permit_word(swgi_map_identity(map), first);
}

static bool is_settled(uint64_t word) {
    return (word & SWGI_PERMIT_FROZEN) == 0;
}

/* ---- moving: the former word is frozen before it is copied, so all who copy it copy the same */

static uint64_t freeze(const struct swgi_bulkhead_words *words, uint64_t run, swgi_word *former) {
    for (;;) {
        uint64_t word = swgi_load(former);
        if (!is_settled(word) || swgi_load(&words->run) != run)
            return word | SWGI_PERMIT_FROZEN;
#ifdef SWGI_MUTANT_PERMIT_COPIED_LIVE
        return word | SWGI_PERMIT_FROZEN;
#endif
        if (swgi_cas(former, word, word | SWGI_PERMIT_FROZEN))
            return word | SWGI_PERMIT_FROZEN;
    }
}

/* Bring a word that the former run still decides over to the present one. */
static void settle(const struct swgi_map *map, const struct swgi_bulkhead_words *words,
                   uint64_t run, uint32_t i) {
    struct swgi_permit_run to = swgi_permit_run(map, run);
    struct swgi_permit_run from = swgi_permit_run(map, swgi_load(&words->former));
    if (i >= from.count || i >= to.count || swgi_load(&words->run) != run)
        return;
    uint64_t word = freeze(words, run, &from.permits[i]);
    /* Not over the stamp of whoever has taken it since. */
    swgi_cas(&to.permits[to.count + i], 0, swgi_load(&from.permits[from.count + i]));
    swgi_cas(&to.permits[i], SWGI_PERMIT_IN_FORMER, word & ~SWGI_PERMIT_FROZEN);
}

/* What that permit's word is in the present run; not settled when the run changed meanwhile. */
static uint64_t word_at(const struct swgi_map *map, const struct swgi_bulkhead_words *words,
                        uint64_t run, uint32_t i) {
    swgi_word *word = &swgi_permit_run(map, run).permits[i];
    uint64_t found = swgi_load(word);
    if (swgi_likely(found != SWGI_PERMIT_IN_FORMER))
        return found;
    settle(map, words, run, i);
    return swgi_load(word);
}

struct seen {
    uint64_t word, stamp;
};

static struct seen seen_in(struct swgi_permit_run run, uint32_t i) {
    if (i >= run.count)
        return (struct seen){ 0 };
    uint64_t word = swgi_load(&run.permits[i]);
    return (struct seen){ .word = word, .stamp = swgi_load(&run.permits[run.count + i]) };
}

/* The same without writing, for who may only read. What is frozen is as it was when it froze. */
static struct seen look(const struct swgi_map *map, const struct swgi_bulkhead_words *words,
                        uint32_t i) {
    struct seen seen = { 0 };
    for (unsigned tries = 0; tries < RETRIES_MAX; tries++) {
        struct swgi_permit_run run = swgi_permit_run(map, swgi_load(&words->run));
        seen = seen_in(run, i);
        if (seen.word != SWGI_PERMIT_IN_FORMER)
            break;
        seen = seen_in(swgi_permit_run(map, swgi_load(&words->former)), i);
        if (swgi_load(&run.permits[i]) == SWGI_PERMIT_IN_FORMER)
            break;
    }
    seen.word &= ~SWGI_PERMIT_FROZEN;
    return seen;
}

static void settle_all(const struct swgi_map *map, const struct swgi_bulkhead_words *words,
                       uint64_t run) {
    uint32_t count = swgi_permit_run(map, run).count;
    for (uint32_t i = 0; i < count; i++)
        word_at(map, words, run, i);
}

int swgi_permits_move(struct swgi_map *map, struct swgi_bulkhead_words *words, uint64_t run) {
    uint64_t present = swgi_load(&words->run);
    struct swgi_permit_run from = swgi_permit_run(map, present), to = swgi_permit_run(map, run);
    if (to.count == 0 || to.count < from.count)
        return -EINVAL;
    settle_all(map, words, present);
    if (run == present)
        return 0;
    for (uint32_t i = 0; i < from.count; i++)
        swgi_store(&to.permits[i], SWGI_PERMIT_IN_FORMER);
    swgi_store(&words->former, present);
    swgi_store(&words->run, run);
    settle_all(map, words, run);
    return 0;
}

/* ---- bounds */

static uint64_t limit_word(uint32_t limit, uint32_t high, uint64_t version) {
    return (uint64_t)limit | (uint64_t)high << INDEX_BITS | version << (2 * INDEX_BITS);
}

bool swgi_permits_limit(struct swgi_bulkhead_words *words, uint32_t limit) {
    limit = limit < SWGI_PERMITS_MAX ? limit : SWGI_PERMITS_MAX;
    for (;;) {
        uint64_t word = swgi_load(&words->limit), version = (word >> (2 * INDEX_BITS)) + 1;
        uint32_t before = swgi_limit_of(word), high = swgi_limit_high(word);
        if (before == limit)
            return false;
        high = high > before ? high : before;
        high = high > limit ? high : 0;
#ifdef SWGI_MUTANT_LIMIT_FORGETS_HIGH
        high = 0;
#endif
        if (swgi_cas(&words->limit, word, limit_word(limit, high, version)))
            return limit > before;
    }
}

/* The share of the partition a priority falls in: the most urgent that it is not too late for, or
 * else the last. */
static uint32_t percent_of(uint64_t partitions, int priority) {
    uint32_t percent = 100, least_urgent = 100;
    int best = INT32_MAX, last = INT32_MIN;
    for (unsigned i = 0; i < SWGI_PARTITIONS_MAX; i++) {
        int bound = (int)swgi_field(partitions, 16 * i, 8) - SWGI_PRIORITY_ZERO;
        uint32_t share = (uint32_t)swgi_field(partitions, 16 * i + 8, 8);
        if (share == 0 || share > 100)
            continue;
        if (bound >= priority && bound < best)
            best = bound, percent = share;
        if (bound > last)
            last = bound, least_urgent = share;
    }
    return best != INT32_MAX ? percent : least_urgent;
}

uint32_t swgi_permits_ceiling(const struct swgi_bulkhead_words *words, uint64_t limit,
                              int priority) {
    uint64_t rule = swgi_load(&words->rule);
    uint32_t all = swgi_limit_of(limit), ceiling = all;
    uint32_t reserve = (uint32_t)swgi_field(rule, 0, 16);
    if (rule == 0 || all == 0)
        return all;
    if (reserve != 0 && priority > (int)swgi_field(rule, 16, 8) - SWGI_PRIORITY_ZERO)
        ceiling = reserve < all ? all - reserve : 1;
    if ((rule & SWGI_RULE_PARTITIONED) != 0) {
        uint64_t share = (uint64_t)all * percent_of(swgi_load(&words->partitions), priority);
        uint32_t part = (uint32_t)((share + 99) / 100);
        ceiling = part < ceiling ? part : ceiling;
    }
    return ceiling;
}

/* ---- taking */

/* After the limit shrank: with mine among them, are more held than it? Notes when none is above it
 * any more. */
static bool too_many(const struct swgi_map *map, struct swgi_bulkhead_words *words,
                     uint64_t limit) {
    uint32_t held = 0, top = 0, high = swgi_limit_high(limit);
    if (swgi_likely(high == 0))
        return false;
    for (uint32_t i = 0; i < high && i < SWGI_PERMITS_MAX; i++) {
        bool taken = look(map, words, i).word != 0;
        held += taken;
        top = taken ? i + 1 : top;
    }
    top = top > swgi_limit_of(limit) ? top : 0;
    if (top < high)
        swgi_cas(&words->limit, limit,
                 limit_word(swgi_limit_of(limit), top, limit >> (2 * INDEX_BITS)));
#ifdef SWGI_MUTANT_PERMIT_NO_COUNT
    return false;
#endif
    return held > swgi_limit_of(limit);
}

/* Taken in a run that was neither the present nor the former one any more: its slots may be
 * somebody else's. */
static bool is_lost(const struct swgi_bulkhead_words *words, uint64_t run) {
    return swgi_load(&words->run) != run && swgi_load(&words->former) != run;
}

enum attempt { TAKEN, AGAIN, NONE };

/* Permits were counted under that limit: is it another by now, under which fewer may be held? Where
 * none was held above it nobody counts. */
static bool has_sunk(const struct swgi_bulkhead_words *words, uint64_t limit) {
#ifdef SWGI_MUTANT_PERMIT_COUNTED_ONCE
    return false;
#endif
    return swgi_limit_high(limit) != 0 &&
           ((swgi_load(&words->limit) ^ limit) & ~SWGI_LIMIT_HIGH) != 0;
}

/* Mine stands in the slot: may it stay? */
static enum attempt confirm(struct swgi_map *map, struct swgi_bulkhead_words *words, uint64_t run,
                            int priority, struct swgi_held mine) {
    uint64_t limit;
#ifdef SWGI_MUTANT_PERMIT_NO_LIMIT_RELOAD
    (void)limit, (void)priority;
    return TAKEN;
#endif
    do {
        limit = swgi_load(&words->limit);
        if (is_lost(words, run) &&
            swgi_cas(&swgi_permit_run(map, run).permits[mine.slot], mine.word, 0))
            return AGAIN;
        bool within = mine.slot < swgi_permits_ceiling(words, limit, priority);
        if (!within || is_lost(words, run) || too_many(map, words, limit)) {
            swgi_permits_release(map, words, mine);
            return within ? NONE : AGAIN;
        }
    } while (has_sunk(words, limit));
    return TAKEN;
}

bool swgi_permits_confirm(struct swgi_map *map, struct swgi_bulkhead_words *words, uint64_t run,
                          int priority, struct swgi_held mine) {
    return confirm(map, words, run, priority, mine) == TAKEN;
}

static enum attempt take_at(struct swgi_map *map, struct swgi_bulkhead_words *words, uint64_t run,
                            int priority, int64_t now, struct swgi_held *out) {
    struct swgi_permit_run permits = swgi_permit_run(map, run);
    uint64_t found = word_at(map, words, run, out->slot);
    /* Frozen although its run is the present one: nobody's doing of ours, passed over. */
    if (!is_settled(found))
        return swgi_load(&words->run) == run ? NONE : AGAIN;
    uint64_t mine = found == 0 ? swgi_permit_mine(map) : 0;
#ifdef SWGI_MUTANT_PERMIT_ABA
    mine &= SWGI_MASK(32);
#endif
    if (mine == 0 || !swgi_cas(&permits.permits[out->slot], 0, mine))
        return NONE;
    swgi_store_release(&permits.permits[permits.count + out->slot], swgi_permit_stamp(mine, now));
    out->word = mine;
    return confirm(map, words, run, priority, *out);
}

/* The permits of [from, to), each once. NONE: all are held. */
static enum attempt take_within(struct swgi_map *map, struct swgi_bulkhead_words *words,
                                uint64_t run, uint32_t from, uint32_t to, int priority, int64_t now,
                                struct swgi_held *out) {
    const swgi_word *permits = swgi_permit_run(map, run).permits;
    for (uint32_t i = from; (i = swgi_permits_first_open(permits, i, to)) < to; i++) {
        out->slot = i;
        enum attempt attempt = take_at(map, words, run, priority, now, out);
        if (attempt != NONE)
            return attempt;
    }
    return NONE;
}

bool swgi_permits_take(struct swgi_map *map, struct swgi_bulkhead_words *words, int priority,
                       int64_t now, struct swgi_held *out) {
    for (unsigned tries = 0; tries < RETRIES_MAX; tries++) {
        uint64_t run = swgi_load(&words->run), limit = swgi_load(&words->limit);
        uint32_t count = swgi_permit_run(map, run).count;
        uint32_t top = swgi_permits_ceiling(words, limit, priority);
        top = top < count ? top : count;
        uint32_t hint = swgi_permit_thread.hint < top ? swgi_permit_thread.hint : 0;
        enum attempt attempt = take_within(map, words, run, hint, top, priority, now, out);
        if (attempt == NONE)
            attempt = take_within(map, words, run, 0, hint, priority, now, out);
        if (attempt == TAKEN) {
            swgi_permit_thread.hint = out->slot;
            return true;
        }
        if (attempt == NONE)
            break;
    }
    out->word = 0;
    return false;
}

/* ---- full */

/* The count grows with each change, so that who looks is told from who looked before. */
static uint64_t full_word(uint64_t state, uint64_t version, uint64_t count, uint64_t time) {
    return state | (version & SWGI_MASK(SWGI_FULL_VERSION)) << 2 |
           (count & SWGI_MASK(SWGI_FULL_COUNT)) << (2 + SWGI_FULL_VERSION) |
           time << (64 - SWGI_FULL_TIME);
}
static uint64_t full_count(uint64_t full) {
    return full >> (2 + SWGI_FULL_VERSION);
}

uint64_t swgi_permits_full_look(struct swgi_bulkhead_words *words, int64_t now) {
    uint64_t full = swgi_load(&words->full), limit = swgi_load(&words->limit);
    if ((full & SWGI_FULL_STATE) != 0 && swgi_full_holds(full, limit, now))
        return 0;
    uint64_t looking =
        full_word(SWGI_FULL_LOOKING, limit >> 40, full_count(full) + 1, (uint64_t)now >> 10);
    return swgi_cas(&words->full, full, looking) ? looking : 0;
}

void swgi_permits_full_forget(struct swgi_bulkhead_words *words) {
#ifdef SWGI_MUTANT_FULL_KEPT
    return;
#endif
    /* Once is enough: whoever looks after that sees what was given back. */
    for (;;) {
        uint64_t full = swgi_load(&words->full);
        if ((full & SWGI_FULL_STATE) == 0 ||
            swgi_cas(&words->full, full, full_word(0, 0, full_count(full) + 1, 0)))
            return;
    }
}

/* ---- giving back */

/* Not there: it was ended before by a copy, or given back because we seemed dead. */
static int missing(const struct swgi_map *map, uint64_t word) {
    uint64_t me = swgi_permit_word(swgi_map_identity(map), 0);
    return (uint32_t)word == (uint32_t)me ? -EINVAL : -ESTALE;
}

int swgi_permits_release(struct swgi_map *map, struct swgi_bulkhead_words *words,
                         struct swgi_held held) {
    for (unsigned tries = 0; tries < RETRIES_MAX; tries++) {
        uint64_t run = swgi_load(&words->run);
        struct swgi_permit_run permits = swgi_permit_run(map, run);
        if (held.slot >= permits.count)
            break;
        uint64_t found = word_at(map, words, run, held.slot);
#ifdef SWGI_MUTANT_PERMIT_PLAIN_RELEASE
        if (found == held.word) {
            swgi_store(&permits.permits[held.slot], 0);
            return 0;
        }
#endif
        if (found == held.word && swgi_cas(&permits.permits[held.slot], held.word, 0)) {
            swgi_permits_full_forget(words);
            return 0;
        }
        if (found != held.word && is_settled(found))
            break;
    }
    return missing(map, held.word);
}

bool swgi_permits_is_held(const struct swgi_map *map, const struct swgi_bulkhead_words *words,
                          struct swgi_held held) {
    for (unsigned tries = 0; tries < RETRIES_MAX; tries++) {
        uint64_t run = swgi_load(&words->run);
        if (held.slot >= swgi_permit_run(map, run).count)
            break;
        uint64_t found = word_at(map, words, run, held.slot);
        if (found == held.word || is_settled(found))
            return found == held.word;
    }
    return false;
}

unsigned swgi_permits_reap(struct swgi_map *map, struct swgi_bulkhead_words *words, unsigned owner,
                           const uint32_t *incarnation) {
    uint32_t count = swgi_permit_run(map, swgi_load(&words->run)).count;
    unsigned freed = 0;
#ifdef SWGI_MUTANT_PERMIT_KEPT_ON_DEATH
    return 0;
#endif
    for (uint32_t i = 0; i < count; i++) {
        struct swgi_held held = { .word = look(map, words, i).word, .slot = i };
        if (held.word == 0 || swgi_permit_owner(held.word) != owner)
            continue;
        if (incarnation == NULL || ((swgi_permit_incarnation(held.word) ^ *incarnation) &
                                    (uint32_t)SWGI_MASK(SWGI_PERMIT_INCARNATION)) == 0)
            freed += swgi_permits_release(map, words, held) == 0;
    }
    swgi_permits_full_forget(words); /* he may have died between giving back and that */
    return freed;
}

/* ---- looking */

static int64_t taken_at(struct seen seen) {
    uint64_t differs = seen.stamp ^ swgi_permit_stamp(seen.word, 0);
    return (differs & SWGI_MASK(SWGI_STAMP_TAG_BITS)) != 0
               ? INT64_MAX
               : (int64_t)(seen.stamp >> SWGI_STAMP_TAG_BITS << 8);
}

uint32_t swgi_permits_open(const struct swgi_map *map, const struct swgi_bulkhead_words *words,
                           int priority, uint32_t *lowest) {
    uint64_t limit = swgi_load(&words->limit);
    uint32_t count = swgi_permit_run(map, swgi_load(&words->run)).count;
    uint32_t all = swgi_limit_of(limit), high = swgi_limit_high(limit);
    uint32_t ceiling = swgi_permits_ceiling(words, limit, priority), open = 0, held = 0;
    ceiling = ceiling < count ? ceiling : count;
    *lowest = UINT32_MAX;
    for (uint32_t i = 0; i < (high != 0 ? high : ceiling) && i < count; i++) {
        bool taken = look(map, words, i).word != 0;
        held += taken;
        if (taken || i >= ceiling)
            continue;
        *lowest = open == 0 ? i : *lowest;
        open++;
    }
    if (high == 0)
        return open;
    uint32_t left = held < all ? all - held : 0;
    return open < left ? open : left;
}

bool swgi_permits_next(const struct swgi_map *map, const struct swgi_bulkhead_words *words,
                       uint32_t *cursor, struct swgi_permit_seen *out) {
    uint32_t count = swgi_permit_run(map, swgi_load(&words->run)).count;
    while (*cursor < count) {
        uint32_t i = (*cursor)++;
        struct seen seen = look(map, words, i);
        if (seen.word == 0)
            continue;
        *out = (struct swgi_permit_seen){ .word = seen.word,
                                          .owner = swgi_permit_owner(seen.word),
                                          .incarnation = swgi_permit_incarnation(seen.word),
                                          .slot = i,
                                          .since = taken_at(seen) };
        return true;
    }
    return false;
}

uint32_t swgi_permits_held(const struct swgi_map *map, const struct swgi_bulkhead_words *words) {
    struct swgi_permit_seen seen;
    uint32_t cursor = 0, held = 0;
    while (swgi_permits_next(map, words, &cursor, &seen))
        held++;
    return held;
}

uint32_t swgi_permits_older(const struct swgi_map *map, const struct swgi_bulkhead_words *words,
                            int64_t now, uint64_t ns) {
    struct swgi_permit_seen seen;
    uint32_t cursor = 0, older = 0;
    while (swgi_permits_next(map, words, &cursor, &seen))
        older += seen.since < now && (uint64_t)(now - seen.since) > ns;
    return older;
}

bool swgi_permits_oldest(const struct swgi_map *map, const struct swgi_bulkhead_words *words,
                         struct swgi_permit_seen *out) {
    struct swgi_permit_seen seen;
    uint32_t cursor = 0;
    bool any = false;
    while (swgi_permits_next(map, words, &cursor, &seen)) {
        if (!any || seen.since < out->since)
            *out = seen;
        any = true;
    }
    return any;
}
