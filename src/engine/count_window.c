/*
 * The count window: the last N calls, exactly.
 *
 * Its counts are one word, changed by one compare-and-swap per call, so the word after it is a
 * snapshot that can be judged. The outcomes themselves lie in a ring; the newest is still pending
 * in the word, and whoever comes next brings the ring up to it first. So a caller killed at any
 * point has either counted or not.
 *
 * - word: engine.h
 * - slot: code:3 | version:41 | generation:20
 *
 * In a full window, a slot that already says what is pending is left alone: where all is well
 * nobody writes the ring. Every write raises the slot's version, and nobody moves the word on who
 * has not seen the slot say what is pending, so a helper who stalled finds another version, or
 * writes what stands there; so does one who stalled since before the window began anew, for its
 * first lap writes every slot.
 *
 * A good outcome that pushes a good one out will find its own slot saying so. It is pending as
 * SWGI_COUNT_STANDS, and who comes next need not look.
 */
#include "engine/engine.h"

#include <string.h>

#define HALF_UNITS_SHIFT 20
#define SLOW_SHIFT       31
#define COUNTS           (SWGI_MASK(41) & ~SWGI_MASK(20))
#define GENERATION       (~SWGI_MASK(SWGI_COUNT_GENERATION_SHIFT))
#define VERSION          (GENERATION ^ ~SWGI_MASK(3))
#define VERSION_ONE      UINT64_C(8)
#define BOUND            1000 /* turns of help before a window is taken for damaged and started anew */

#define COUNT_WORD (offsetof(struct swgi_settings, count) / sizeof(uint64_t))
static_assert(offsetof(struct swgi_settings, count) % sizeof(uint64_t) == 0,
              "count settings begin a word");
static_assert(offsetof(struct swgi_settings, compare) == 0, "compare is the first byte");

/* A ring of n slots; a position's low bits are the index, the rest the lap. */
struct ring {
    swgi_word *slots;
    uint32_t n, lap; /* lap: what a position grows by from one lap to the next */
};

/* Codes of outcomes, 1 to 6; 0 is none. */
#define GOOD 1u
static uint64_t code_of(unsigned weight, bool slow) {
    return GOOD + weight * 2 + slow;
}

/* What a code adds to the counts; none adds nothing. */
static uint64_t counts_of(uint64_t code) {
    uint64_t bad = code != 0 ? code - GOOD : 0;
    return bad >> 1 << HALF_UNITS_SHIFT | (bad & 1) << SLOW_SHIFT;
}

static uint64_t code_in(uint64_t slot) {
    return slot & 7;
}

static uint32_t index_of(const struct ring *ring, uint64_t word) {
    return (uint32_t)(word & SWGI_COUNT_POSITION) & (ring->lap - 1);
}

uint64_t swgi_count_empty(uint64_t generation) {
    return generation << SWGI_COUNT_GENERATION_SHIFT;
}

static bool find_ring(const struct swgi_map *map, const struct swgi_cell *cell, unsigned n,
                      struct ring *out) {
    uint32_t first = swgi_load_relaxed(&cell->ring, FAST_SETTING);
    uint64_t slots = (uint64_t)map->geometry.slot_chunks * SWGI_SLOT_CHUNK;
    if (n == 0 || first == 0 || (uint64_t)first - 1 + n > slots)
        return false;
    *out = (struct ring){ map->slots + (first - 1), n, swgi_count_lap(n) };
    return true;
}

/* Bring the slot before index up to what is pending for it. false: the word moved meanwhile, look
 * again. */
static bool help(const struct swgi_cell *cell, const struct ring *ring, uint64_t seen,
                 uint32_t index) {
    uint64_t pending = swgi_field(seen, SWGI_COUNT_PENDING_SHIFT, 3);
#ifdef SWGI_MUTANT_NO_HELP
    pending = 0;
#endif
    if (pending == SWGI_COUNT_STANDS || pending == 0)
        return true;
    swgi_word *slot = &ring->slots[index != 0 ? index - 1 : ring->n - 1];
    uint64_t present = swgi_load(slot);
    if ((seen & SWGI_COUNT_FULL) != 0 && code_in(present) == pending &&
        ((present ^ seen) & GENERATION) == 0)
        return true;
    if (swgi_load(&cell->window) != seen)
        return false;
    /* Who fails looks again: a stalled helper's old code may have come in between. */
    return swgi_cas(slot, present,
                    (seen & GENERATION) | ((present + VERSION_ONE) & VERSION) | pending);
}

/* What the new outcome pushes out of a full window. 0: not there, the word moved meanwhile. */
static uint64_t fallen_out(const struct ring *ring, uint64_t seen, uint32_t index) {
    uint64_t slot = swgi_load(&ring->slots[index]);
    uint64_t code = code_in(slot);
    return code > 6 || ((slot ^ seen) & GENERATION) != 0 ? 0 : code;
}

/* As what an outcome is pending that pushes that one out, 0 none. */
static uint64_t pending_as(uint64_t code, uint64_t fallen) {
#ifdef SWGI_MUTANT_STANDS_UNSEEN
    fallen = fallen != 0 ? GOOD : 0;
#endif
    return code == GOOD && fallen == GOOD ? SWGI_COUNT_STANDS : code;
}

struct swgi_count swgi_count_of(uint64_t word, unsigned n) {
    struct ring ring = { NULL, n, swgi_count_lap(n) };
    return (struct swgi_count){
        .calls = word & SWGI_COUNT_FULL ? n : index_of(&ring, word),
        .half_units = (uint32_t)swgi_field(word, HALF_UNITS_SHIFT, 11),
        .slow = (uint32_t)swgi_field(word, SLOW_SHIFT, 10),
    };
}

/* One attempt: the word after it, or 0 when it moved meanwhile. */
static uint64_t add_once(struct swgi_cell *cell, const struct ring *ring, uint64_t seen,
                         uint64_t code) {
    uint32_t index = index_of(ring, seen);
    uint64_t position = seen & SWGI_COUNT_POSITION, full = seen & SWGI_COUNT_FULL, fallen = 0;
    if (index >= ring->n || !help(cell, ring, seen, index))
        return 0;
    if (full != 0 && (fallen = fallen_out(ring, seen, index)) == 0)
        return 0;
    bool wraps = index + 1 == ring->n;
    position = wraps ? position - index + ring->lap : position + 1;
    uint64_t counts = (seen & COUNTS) - counts_of(fallen) + counts_of(code);
    uint64_t next = (seen & GENERATION) | pending_as(code, fallen) << SWGI_COUNT_PENDING_SHIFT |
                    (counts & COUNTS) | (wraps ? SWGI_COUNT_FULL : full) |
                    (position & SWGI_COUNT_POSITION);
    return swgi_cas(&cell->window, seen, next) ? next : 0;
}

/* Another generation's, or nobody can make sense of it: start anew, but only while the breaker
 * still is in ours. */
static bool start_anew(struct swgi_cell *cell, uint64_t seen, uint64_t generation) {
    if (swgi_ctl_generation(swgi_load(&cell->ctl)) != generation)
        return false;
    swgi_cas(&cell->window, seen, swgi_count_empty(generation));
    return true;
}

static __attribute__((noinline)) uint64_t keep_adding(struct swgi_cell *cell, struct ring ring,
                                                      uint64_t generation, uint64_t code) {
    for (unsigned turns = 1;; turns++) {
        uint64_t next = code == GOOD ? swgi_count_pass(cell, ring.n, generation) : 0;
        if (next != 0)
            return next;
        uint64_t seen = swgi_load(&cell->window);
        if (swgi_count_generation(seen) == generation && turns % BOUND != 0)
            next = add_once(cell, &ring, seen, code);
        else if (!start_anew(cell, seen, generation))
            return 0;
        if (next != 0)
            return next;
    }
}

uint64_t swgi_count_add(const struct swgi_map *map, struct swgi_cell *cell, unsigned n,
                        uint64_t generation, unsigned weight, bool slow) {
    struct ring ring;
    uint64_t code = code_of(weight, slow);
    if (swgi_unlikely(!find_ring(map, cell, n, &ring)))
        return 0;
    uint64_t seen = swgi_load(&cell->window), next = 0;
    if (swgi_likely(swgi_count_generation(seen) == generation))
        next = add_once(cell, &ring, seen, code);
    return swgi_likely(next != 0) ? next : keep_adding(cell, ring, generation, code);
}

bool swgi_count_read(const struct swgi_cell *cell, const struct swgi_settings *settings,
                     struct swgi_count *out) {
    uint64_t word = swgi_load(&cell->window);
    *out = (struct swgi_count){ 0 };
    if (settings->count.calls == 0)
        return false;
    if (word >> SWGI_COUNT_GENERATION_SHIFT == swgi_ctl_generation(swgi_load(&cell->ctl)))
        *out = swgi_count_of(word, settings->count.calls);
    return true;
}

static bool reaches(unsigned compare, uint64_t share_of, uint64_t calls, uint32_t ppm) {
    return compare == SWGI_ABOVE ? share_of * SWGI_PPM > calls * ppm
                                 : share_of * SWGI_PPM >= calls * ppm;
}

static bool fails(unsigned compare, const struct swgi_count_settings *rule,
                  const struct swgi_count *count) {
    return rule->failure_ppm != SWGI_THRESHOLD_OFF && count->half_units != 0 &&
           reaches(compare, count->half_units, 2 * (uint64_t)count->calls, rule->failure_ppm);
}

static bool is_slow(unsigned compare, const struct swgi_count_settings *rule,
                    const struct swgi_count *count) {
    return rule->slow_ppm != SWGI_THRESHOLD_OFF && count->slow != 0 &&
           reaches(compare, count->slow, count->calls, rule->slow_ppm);
}

/* Three words of the settings, each valid alone: nothing is decided here but whether to look
 * closer. */
static bool is_calm(const struct swgi_cell *cell, const struct swgi_count *count) {
    uint32_t sequence = swgi_load_relaxed(&cell->settings_sequence, SETTING);
    const swgi_word *words = cell->settings[sequence & 1];
    uint64_t first = swgi_load_relaxed(&words[0], SETTING);
    uint64_t rule_words[2] = { swgi_load_relaxed(&words[COUNT_WORD], SETTING),
                               swgi_load_relaxed(&words[COUNT_WORD + 1], SETTING) };
    struct swgi_count_settings rule;
    memcpy(&rule, rule_words, sizeof(rule));
    unsigned compare = (unsigned)(first & 0xff);
    return !fails(compare, &rule, count) && !is_slow(compare, &rule, count);
}

bool swgi_count_is_calm(const struct swgi_cell *cell, uint64_t word, unsigned n) {
    if (swgi_likely((word & COUNTS) == 0))
        return true;
    struct swgi_count count = swgi_count_of(word, n);
    return is_calm(cell, &count);
}

static struct swgi_finding share_of(unsigned rule, double bad, uint32_t calls, uint32_t ppm) {
    return (struct swgi_finding){ .rule = rule,
                                  .value = calls != 0 ? bad / calls : 0,
                                  .threshold = (double)ppm / SWGI_PPM,
                                  .calls = calls };
}

/* Which rule the window meets, if any. */
static bool find(const struct swgi_turn *turn, const struct swgi_count *count,
                 struct swgi_finding *finding) {
    const struct swgi_settings *settings = &turn->settings;
    const struct swgi_count_settings *rule = &settings->count;
    struct swgi_count with_overdue = *count;
    with_overdue.calls += turn->overdue;
    with_overdue.slow += turn->overdue;
    if (with_overdue.calls == 0 || with_overdue.calls < rule->calls_min)
        return false;
    if (count->calls >= rule->calls_min && fails(settings->compare, rule, count)) {
        *finding = share_of(SWG_RULE_COUNT_FAILURE, count->half_units / 2.0, count->calls,
                            rule->failure_ppm);
        return true;
    }
    if (!is_slow(settings->compare, rule, &with_overdue))
        return false;
    *finding = share_of(SWG_RULE_COUNT_SLOW, with_overdue.slow, with_overdue.calls, rule->slow_ppm);
    return true;
}

bool swgi_count_finding(const struct swgi_turn *turn, struct swgi_finding *out) {
    const struct swgi_count_settings *rule = &turn->settings.count;
    struct swgi_count count;
    if (!swgi_count_read(turn->cell, &turn->settings, &count))
        return false;
    bool on_failures = rule->failure_ppm != SWGI_THRESHOLD_OFF;
    *out = on_failures ? share_of(SWG_RULE_COUNT_FAILURE, count.half_units / 2.0, count.calls,
                                  rule->failure_ppm)
                       : share_of(SWG_RULE_COUNT_SLOW, count.slow, count.calls, rule->slow_ppm);
    return on_failures || rule->slow_ppm != SWGI_THRESHOLD_OFF;
}

void swgi_count_judge(struct swgi_turn *turn, uint64_t generation, const struct swgi_count *count,
                      bool may_trip) {
    struct swgi_finding finding = { 0 };
    if (!may_trip || !find(turn, count, &finding))
        return;
    for (;;) {
        uint64_t ctl = swgi_load(&turn->cell->ctl);
        unsigned state = swgi_ctl_state(ctl);
        if (!swgi_state_judges(state) || swgi_ctl_generation(ctl) != generation ||
            !swgi_trip_allowed(turn, ctl) || swgi_trip(turn, ctl, &finding))
            return;
    }
}
