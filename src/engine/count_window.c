/*
 * The count window: the last N calls, exactly.
 *
 * Its counts are one word, changed by one compare-and-swap per call, so the word after it is a snapshot that can be judged. The
 * outcomes themselves lie in a ring; the newest is still pending in the word, and whoever comes next writes it to the ring
 * first. So a caller killed at any point has either counted or not.
 *
 *   word   position:19 | full:1 | half-units:11 | slow:10 | pending:3 | generation:20
 *   slot   position:19 | code:3 | generation:20      position = lap and index, split by N
 */
#include "engine/engine.h"

#include <errno.h>
#include <string.h>

#define POSITION SWGI_MASK(19)
#define FULL (UINT64_C(1) << 19)
#define HALF_UNITS_SHIFT 20
#define SLOW_SHIFT 31
#define COUNTS (SWGI_MASK(41) & ~SWGI_MASK(20))
#define PENDING_SHIFT 41
#define GENERATION_SHIFT 44
#define GENERATION (~SWGI_MASK(GENERATION_SHIFT))
#define CODE_SHIFT 19
#define BOUND 1000 /* turns of help before a window is taken for damaged and started anew */

#define COUNT_WORD (offsetof(struct swgi_settings, count) / sizeof(uint64_t))
static_assert(offsetof(struct swgi_settings, count) % sizeof(uint64_t) == 0, "count settings begin a word");
static_assert(offsetof(struct swgi_settings, compare) == 0, "compare is the first byte");

/* A ring of n slots; a position's low bits are the index, the rest the lap. */
struct ring {
    swgi_word *slots;
    uint32_t n, lap; /* lap: what a position grows by from one lap to the next */
};

/* Codes of outcomes, 1 to 6; 0 is none. */
static uint64_t code_of(unsigned weight, bool slow) { return 1 + weight * 2 + slow; }

/* What a code adds to the counts. */
static uint64_t counts_of(uint64_t code) {
    return (code - 1) >> 1 << HALF_UNITS_SHIFT | ((code - 1) & 1) << SLOW_SHIFT;
}

static uint64_t slot_of(uint64_t word, uint64_t position, uint64_t code) {
    return (word & GENERATION) | code << CODE_SHIFT | (position & POSITION);
}

static uint32_t lap_of(unsigned n) {
    return n <= 2 ? 2 : UINT32_C(1) << (32 - __builtin_clz(n - 1));
}

static uint32_t index_of(const struct ring *ring, uint64_t word) {
    return (uint32_t)(word & POSITION) & (ring->lap - 1);
}

/* Starts past lap 0, whatever N splits off as index, so that a slot never written is never taken for written. */
uint64_t swgi_count_empty(uint64_t generation) {
    return UINT64_C(1) << 10 | generation << GENERATION_SHIFT;
}

static bool find_ring(const struct swgi_map *map, const struct swgi_cell *cell, unsigned n, struct ring *out) {
    uint32_t first = swgi_load_relaxed(&cell->ring, FAST_SETTING);
    uint64_t slots = (uint64_t)map->geometry.count_chunks * SWGI_COUNT_CHUNK;
    if (n == 0 || first == 0 || (uint64_t)first - 1 + n > slots)
        return false;
    *out = (struct ring){map->counts + (first - 1), n, lap_of(n)};
    return true;
}

/* Write the pending outcome to its slot, the one before index. false: the word moved meanwhile, look again. */
static bool help(const struct swgi_cell *cell, const struct ring *ring, uint64_t seen, uint32_t index) {
    uint64_t pending = swgi_field(seen, PENDING_SHIFT, 3), position = seen & POSITION;
    if (pending == 0)
        return true;
    uint32_t before = index != 0 ? index - 1 : ring->n - 1;
    uint64_t wanted = slot_of(seen, index != 0 ? position - 1 : position - ring->lap + before, pending);
    uint64_t present = swgi_load(&ring->slots[before]);
    if (present == wanted)
        return true;
    if (swgi_load(&cell->window) != seen)
        return false;
    swgi_cas(&ring->slots[before], present, wanted);
    return true;
}

/* What the new outcome pushes out of a full window. false: not there, the word moved meanwhile. */
static bool fall_out(const struct ring *ring, uint64_t seen, uint32_t index, uint64_t *counts) {
    uint64_t slot = swgi_load(&ring->slots[index]);
    uint64_t code = swgi_field(slot, CODE_SHIFT, 3);
    if (code == 0 || code > 6 || slot != slot_of(seen, (seen & POSITION) - ring->lap, code))
        return false;
    *counts -= counts_of(code);
    return true;
}

static void tell(const struct ring *ring, uint64_t word, struct swgi_count *out) {
    out->calls = word & FULL ? ring->n : index_of(ring, word);
    out->half_units = (uint32_t)swgi_field(word, HALF_UNITS_SHIFT, 11);
    out->slow = (uint32_t)swgi_field(word, SLOW_SHIFT, 10);
}

/* One attempt: the word after it, or 0 when it moved meanwhile. */
static uint64_t add_once(struct swgi_cell *cell, const struct ring *ring, uint64_t seen, uint64_t code) {
    uint32_t index = index_of(ring, seen);
    uint64_t counts = seen & COUNTS, position = seen & POSITION;
    if (index >= ring->n || !help(cell, ring, seen, index) ||
        ((seen & FULL) != 0 && !fall_out(ring, seen, index, &counts)))
        return 0;
    bool wraps = index + 1 == ring->n;
    position = wraps ? position - index + ring->lap : position + 1;
    uint64_t next = (seen & (GENERATION | FULL)) | code << PENDING_SHIFT | ((counts + counts_of(code)) & COUNTS) |
                    (position & POSITION) | (wraps ? FULL : 0);
    return swgi_cas(&cell->window, seen, next) ? next : 0;
}

/* 1 added, 0 look again, -ESTALE the generation had moved on. A window nobody can make sense of is started anew. */
static int try_add(struct swgi_cell *cell, const struct ring *ring, uint64_t generation, uint64_t code, bool damaged,
                   struct swgi_count *out) {
    uint64_t seen = swgi_load(&cell->window);
    if (swgi_likely(seen >> GENERATION_SHIFT == generation && !damaged)) {
        uint64_t next = add_once(cell, ring, seen, code);
        if (next != 0)
            tell(ring, next, out);
        return next != 0;
    }
    /* Another generation's: start anew, but only while the breaker still is in ours. */
    if (swgi_ctl_generation(swgi_load(&cell->ctl)) != generation)
        return -ESTALE;
    swgi_cas(&cell->window, seen, swgi_count_empty(generation));
    return 0;
}

static __attribute__((noinline)) int keep_adding(struct swgi_cell *cell, const struct ring *ring, uint64_t generation,
                                                 uint64_t code, struct swgi_count *out) {
    for (unsigned turns = 1;; turns++) {
        int rc = try_add(cell, ring, generation, code, turns % BOUND == 0, out);
        if (rc != 0)
            return rc > 0 ? 0 : rc;
    }
}

int swgi_count_add(const struct swgi_map *map, struct swgi_cell *cell, unsigned n, uint64_t generation, unsigned weight,
                   bool slow, struct swgi_count *out) {
    struct ring ring;
    if (swgi_unlikely(!find_ring(map, cell, n, &ring)))
        return -ESTALE;
    int rc = try_add(cell, &ring, generation, code_of(weight, slow), false, out);
    if (swgi_likely(rc > 0))
        return 0;
    return rc < 0 ? rc : keep_adding(cell, &ring, generation, code_of(weight, slow), out);
}

bool swgi_count_read(const struct swgi_cell *cell, const struct swgi_settings *settings, struct swgi_count *out) {
    struct ring ring = {NULL, settings->count.calls, lap_of(settings->count.calls)};
    uint64_t word = swgi_load(&cell->window);
    *out = (struct swgi_count){0};
    if (ring.n == 0)
        return false;
    if (word >> GENERATION_SHIFT == swgi_ctl_generation(swgi_load(&cell->ctl)))
        tell(&ring, word, out);
    return true;
}

static bool reaches(unsigned compare, uint64_t share_of, uint64_t calls, uint32_t ppm) {
    return compare == SWGI_ABOVE ? share_of * SWGI_PPM > calls * ppm : share_of * SWGI_PPM >= calls * ppm;
}

static bool fails(unsigned compare, const struct swgi_count_settings *rule, const struct swgi_count *count) {
    return rule->failure_ppm != SWGI_THRESHOLD_OFF && count->half_units != 0 &&
           reaches(compare, count->half_units, 2 * (uint64_t)count->calls, rule->failure_ppm);
}

static bool is_slow(unsigned compare, const struct swgi_count_settings *rule, const struct swgi_count *count) {
    return rule->slow_ppm != SWGI_THRESHOLD_OFF && count->slow != 0 &&
           reaches(compare, count->slow, count->calls, rule->slow_ppm);
}

/* Three words of the settings, each valid alone: nothing is decided here but whether to look closer. */
bool swgi_count_is_calm(const struct swgi_cell *cell, const struct swgi_count *count) {
    if ((count->half_units | count->slow) == 0)
        return true;
    uint32_t sequence = swgi_load_relaxed(&cell->settings_sequence, SETTING);
    const swgi_word *words = cell->settings[sequence & 1];
    uint64_t first = swgi_load_relaxed(&words[0], SETTING);
    uint64_t rule_words[2] = {swgi_load_relaxed(&words[COUNT_WORD], SETTING),
                              swgi_load_relaxed(&words[COUNT_WORD + 1], SETTING)};
    struct swgi_count_settings rule;
    memcpy(&rule, rule_words, sizeof(rule));
    unsigned compare = (unsigned)(first & 0xff);
    return !fails(compare, &rule, count) && !is_slow(compare, &rule, count);
}

/* Which rule the window meets, if any. */
static bool find(const struct swgi_settings *settings, const struct swgi_count *count, struct swgi_finding *finding) {
    const struct swgi_count_settings *rule = &settings->count;
    if (count->calls == 0 || count->calls < rule->calls_min)
        return false;
    finding->calls = count->calls;
    if (fails(settings->compare, rule, count)) {
        finding->rule = SWG_RULE_COUNT_FAILURE;
        finding->value = count->half_units / 2.0 / count->calls;
        finding->threshold = (double)rule->failure_ppm / SWGI_PPM;
        return true;
    }
    if (!is_slow(settings->compare, rule, count))
        return false;
    finding->rule = SWG_RULE_COUNT_SLOW;
    finding->value = (double)count->slow / count->calls;
    finding->threshold = (double)rule->slow_ppm / SWGI_PPM;
    return true;
}

void swgi_count_judge(struct swgi_turn *turn, uint64_t generation, const struct swgi_count *count, bool may_trip) {
    struct swgi_finding finding = {0};
    if (!may_trip || !find(&turn->settings, count, &finding))
        return;
    for (;;) {
        uint64_t ctl = swgi_load(&turn->cell->ctl);
        if (swgi_ctl_generation(ctl) != generation || !swgi_trip_allowed(turn, ctl) || swgi_trip(turn, ctl, &finding))
            return;
    }
}
