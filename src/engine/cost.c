/*
 * Each word is decayed when it is read, by the ticks since it was written: nothing runs when nobody
 * calls. 128 ticks halve a cost, and a part of them by the binary digits of their number, so that
 * integers do and every process gets the same.
 */
#include "engine/cost.h"

#include <math.h>

#include "base/random.h"
#include "base/wide.h"
#include "panel/words.h"

#define TICK_BITS       24
#define COST_BITS       40 /* in units of 1,024 ns, nearly 13 days */
#define TICKS_TO_HALVE  128
#define TICK_NS         (SWGI_COST_HALF_LIFE_NS / TICKS_TO_HALVE)
#define AHEAD_MOST      13u   /* ticks, a second: as far as two clocks may differ */
#define FORGOTTEN_AFTER 5120u /* ticks, 40 halvings: the largest cost is gone */
#define RACES           16u
#define STEPS_TO_DOUBLE 4.0

/* The first word is no caller's: the mean of the others at its tick. */
enum { MEAN, FIRST_CALLER };

static_assert(TICK_BITS + COST_BITS == 64, "a cost is one word");

struct cost {
    uint64_t tick, units;
};

static uint64_t tick_of(int64_t now) {
    return (uint64_t)(now > 0 ? now : 0) / TICK_NS & SWGI_MASK(TICK_BITS);
}

/* 2^32 x 2^(-1/2), x 2^(-1/4), ... x 2^(-1/128) */
static uint64_t decayed(uint64_t units, uint64_t ticks) {
    static const uint32_t factors[] = { 3037000499, 3611622602, 3938502375, 4112874773,
                                        4202935003, 4248701964, 4271771996 };

    if (ticks >= FORGOTTEN_AFTER)
        return 0;
    units >>= ticks / TICKS_TO_HALVE;
    for (unsigned i = 0; i < 7; i++)
        if ((ticks & (UINT64_C(64) >> i)) != 0)
            units = (uint64_t)((swgi_wide)units * factors[i] >> 32);
    return units;
}

/* What a word is worth at that tick. One of a little later comes from another clock; one of much
 * later is nonsense. */
static struct cost read(uint64_t word, uint64_t tick) {
    uint64_t written = swgi_field(word, COST_BITS, TICK_BITS);
    uint64_t passed = (tick - written) & SWGI_MASK(TICK_BITS);
    uint64_t ahead = (written - tick) & SWGI_MASK(TICK_BITS);
    uint64_t units = word & SWGI_MASK(COST_BITS);

    if (passed >> (TICK_BITS - 1) == 0)
        return (struct cost){ .tick = tick, .units = decayed(units, passed) };
    if (ahead <= AHEAD_MOST)
        return (struct cost){ .tick = written, .units = units };
    return (struct cost){ .tick = tick };
}

static uint64_t pack(struct cost cost) {
    return cost.tick << COST_BITS | cost.units;
}

static unsigned slot_of(uint64_t key) {
    return FIRST_CALLER + (unsigned)(swgi_random_mix(key) % (SWGI_COSTS - FIRST_CALLER));
}

/* Even the shortest call is one. */
static uint64_t units_of(int64_t duration_ns) {
    return duration_ns > 0 ? ((uint64_t)duration_ns >> 10) + 1 : 1;
}

void swgi_cost_add(swgi_word costs[SWGI_COSTS], uint64_t key, int64_t duration_ns, int64_t now) {
    swgi_word *slot = &costs[slot_of(key)];

    for (unsigned race = 0; key != 0 && race < RACES; race++) {
        uint64_t word = swgi_load(slot);
        struct cost cost = read(word, tick_of(now));
        uint64_t units = cost.units + units_of(duration_ns);
        cost.units = units < SWGI_MASK(COST_BITS) ? units : SWGI_MASK(COST_BITS);
        if (swgi_cas(slot, word, pack(cost)))
            return;
    }
}

/* An old word would look new again when ticks have gone round, in two weeks. */
static uint64_t read_or_clear(swgi_word *slot, uint64_t tick) {
    uint64_t word = swgi_load(slot);
    struct cost cost = read(word, tick);

    if (cost.units == 0 && word != 0)
        swgi_cas(slot, word, 0);
    return cost.units;
}

static uint64_t work_out_mean(swgi_word costs[SWGI_COSTS], uint64_t tick) {
    uint64_t sum = 0, callers = 0;

    for (unsigned i = FIRST_CALLER; i < SWGI_COSTS; i++) {
        uint64_t units = read_or_clear(&costs[i], tick);
        sum += units;
        callers += units != 0;
    }
    return callers > 0 ? sum / callers : 0;
}

/* Reading all words takes as long as many calls do, so it is done once a tick. */
static uint64_t mean_at(swgi_word costs[SWGI_COSTS], uint64_t tick) {
    uint64_t word = swgi_load(&costs[MEAN]);
    uint64_t ahead = (swgi_field(word, COST_BITS, TICK_BITS) - tick) & SWGI_MASK(TICK_BITS);

    if (word != 0 && ahead <= AHEAD_MOST)
        return word & SWGI_MASK(COST_BITS);
    uint64_t mean = work_out_mean(costs, tick);
    swgi_cas(&costs[MEAN], word, pack((struct cost){ .tick = tick, .units = mean }));
    return mean;
}

static int steps(double ratio) {
    double exact = STEPS_TO_DOUBLE * log2(ratio);

    if (exact >= SWGI_COST_STEPS_MAX)
        return SWGI_COST_STEPS_MAX;
    return exact > -SWGI_COST_STEPS_MAX ? (int)exact : -SWGI_COST_STEPS_MAX;
}

int swgi_cost_priority(swgi_word costs[SWGI_COSTS], uint64_t key, int64_t now) {
    uint64_t tick = tick_of(now);

    if (key == 0)
        return 0;
    uint64_t mean = mean_at(costs, tick);
    uint64_t mine = read(swgi_load(&costs[slot_of(key)]), tick).units;
    return mean == 0 ? 0 : steps((double)mine / (double)mean);
}
