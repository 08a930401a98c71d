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

#define POSITION_BITS 19
#define COUNT_WORD (offsetof(struct swgi_settings, count) / sizeof(uint64_t))
static_assert(offsetof(struct swgi_settings, count) % sizeof(uint64_t) == 0, "count settings begin a word");
static_assert(offsetof(struct swgi_settings, compare) == 0, "compare is the first byte");
#define BOUND 1000 /* turns of help before a window is taken for damaged and started anew */

struct word {
    uint32_t position;
    bool full;
    uint32_t half_units, slow;
    unsigned pending; /* 0: none */
    uint64_t generation;
};

static struct word unpack(uint64_t w) {
    return (struct word){
        .position = (uint32_t)swgi_field(w, 0, 19),
        .full = swgi_field(w, 19, 1),
        .half_units = (uint32_t)swgi_field(w, 20, 11),
        .slow = (uint32_t)swgi_field(w, 31, 10),
        .pending = (unsigned)swgi_field(w, 41, 3),
        .generation = swgi_field(w, 44, 20),
    };
}

static uint64_t pack(const struct word *w) {
    return (uint64_t)(w->position & SWGI_MASK(POSITION_BITS)) | (uint64_t)w->full << 19 |
           (uint64_t)(w->half_units & 0x7ff) << 20 | (uint64_t)(w->slow & 0x3ff) << 31 | (uint64_t)w->pending << 41 |
           w->generation << 44;
}

static unsigned code_of(unsigned weight, bool slow) { return 1 + weight * 2 + slow; }
static unsigned code_weight(unsigned code) { return (code - 1) >> 1; }
static unsigned code_slow(unsigned code) { return (code - 1) & 1; }

static uint64_t slot_of(uint64_t generation, uint32_t position, unsigned code) {
    return (uint64_t)position | (uint64_t)code << 19 | generation << 44;
}

static unsigned index_bits(unsigned n) { return n <= 1 ? 1 : 32u - (unsigned)__builtin_clz(n - 1); }

/* Positions count up by index, and skip to the next lap after N - 1. */
static uint32_t next_position(uint32_t position, unsigned n, unsigned bits) {
    uint32_t index = position & ((1u << bits) - 1);
    uint32_t next = index + 1 < n ? position + 1 : ((position >> bits) + 1) << bits;
    return next & (uint32_t)SWGI_MASK(POSITION_BITS);
}

static uint32_t previous_position(uint32_t position, unsigned n, unsigned bits) {
    uint32_t index = position & ((1u << bits) - 1);
    uint32_t previous = index != 0 ? position - 1 : (((position >> bits) - 1) << bits) | (n - 1);
    return previous & (uint32_t)SWGI_MASK(POSITION_BITS);
}

static uint32_t lap_before(uint32_t position, unsigned bits) {
    return (position - (1u << bits)) & (uint32_t)SWGI_MASK(POSITION_BITS);
}

/* Starts past lap 0, whatever N splits off as index, so that a slot never written is never taken for written. */
uint64_t swgi_count_empty(uint64_t generation) {
    struct word w = {.position = 1u << 10, .generation = generation};
    return pack(&w);
}

static swgi_word *ring_of(const struct swgi_map *map, const struct swgi_cell *cell, unsigned n) {
    uint32_t first = swgi_load_relaxed(&cell->ring, FAST_SETTING);
    uint64_t slots = (uint64_t)map->geometry.count_chunks * SWGI_COUNT_CHUNK;
    if (n == 0 || first == 0 || (uint64_t)first - 1 + n > slots)
        return NULL;
    return map->counts + (first - 1);
}

/* Write the pending outcome to its slot. false: the word moved meanwhile, look again. */
static bool help(const struct swgi_cell *cell, swgi_word *ring, uint64_t seen, const struct word *w, unsigned n,
                 unsigned bits) {
    if (w->pending == 0)
        return true;
    uint32_t position = previous_position(w->position, n, bits);
    swgi_word *slot = &ring[(position & ((1u << bits) - 1)) % n];
    uint64_t present = swgi_load(slot);
    uint64_t wanted = slot_of(w->generation, position, w->pending);
    if (present == wanted)
        return true;
    if (swgi_load(&cell->window) != seen)
        return false;
    swgi_cas(slot, present, wanted);
    return true;
}

/* What the new outcome pushes out of a full window. false: not there, the word moved meanwhile. */
static bool fall_out(swgi_word *ring, struct word *w, unsigned n, unsigned bits) {
    uint64_t slot = swgi_load(&ring[(w->position & ((1u << bits) - 1)) % n]);
    unsigned code = (unsigned)swgi_field(slot, 19, 3);
    if (code == 0 || code > 6 || slot != slot_of(w->generation, lap_before(w->position, bits), code))
        return false;
    w->half_units -= code_weight(code) <= w->half_units ? code_weight(code) : w->half_units;
    w->slow -= code_slow(code) <= w->slow ? code_slow(code) : w->slow;
    return true;
}

static uint32_t calls_in(const struct word *w, unsigned n, unsigned bits) {
    return w->full ? n : w->position & ((1u << bits) - 1);
}

static void tell(const struct word *w, unsigned n, unsigned bits, struct swgi_count *out) {
    *out = (struct swgi_count){calls_in(w, n, bits), w->half_units, w->slow};
}

/* One attempt. false: the word moved meanwhile, look again. */
static bool add_once(struct swgi_cell *cell, swgi_word *ring, unsigned n, uint64_t seen, unsigned weight, bool slow,
                     struct swgi_count *out) {
    unsigned bits = index_bits(n);
    struct word w = unpack(seen);
    if (!help(cell, ring, seen, &w, n, bits) || (w.full && !fall_out(ring, &w, n, bits)))
        return false;
    w.half_units += weight;
    w.slow += slow;
    w.pending = code_of(weight, slow);
    w.position = next_position(w.position, n, bits);
    w.full = w.full || (w.position & ((1u << bits) - 1)) == 0;
    if (!swgi_cas(&cell->window, seen, pack(&w)))
        return false;
    tell(&w, n, bits, out);
    return true;
}

int swgi_count_add(const struct swgi_map *map, struct swgi_cell *cell, unsigned n, uint64_t generation, unsigned weight,
                   bool slow, struct swgi_count *out) {
    swgi_word *ring = ring_of(map, cell, n);
    if (ring == NULL)
        return -ESTALE;
    for (unsigned turns = 0;; turns++) {
        uint64_t seen = swgi_load(&cell->window);
        uint64_t of = unpack(seen).generation;
        if (of == generation && turns % BOUND != BOUND - 1) {
            if (add_once(cell, ring, n, seen, weight, slow, out))
                return 0;
            continue;
        }
        /* Another generation's: start anew, but only while the breaker still is in ours. */
        if (swgi_ctl_generation(swgi_load(&cell->ctl)) != generation)
            return -ESTALE;
        swgi_cas(&cell->window, seen, swgi_count_empty(generation));
    }
}

bool swgi_count_read(const struct swgi_cell *cell, const struct swgi_settings *settings, struct swgi_count *out) {
    unsigned n = settings->count.calls;
    struct word w = unpack(swgi_load(&cell->window));
    *out = (struct swgi_count){0};
    if (n == 0)
        return false;
    if (w.generation == swgi_ctl_generation(swgi_load(&cell->ctl)))
        tell(&w, n, index_bits(n), out);
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
