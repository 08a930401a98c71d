/* What the call came to: the few-nanosecond path for a success, and below it everything else. */
#include "circuit/circuit.h"
#include "circuit/permit.h"
#include "circuit/sized.h"

#include <errno.h>

static inline void count_latency(const struct swgi_binding *binding, int64_t duration) {
    uint32_t extent = swgi_load_relaxed(&binding->cell->histogram, FAST_SETTING);
    swgi_word *bins = swgi_histogram_bins(binding->map, extent, swgi_thread.column);
    if (bins != NULL)
        swgi_column_add(&bins[swgi_histogram_bin(duration)], 1);
}

/* The count window takes every outcome; after one compare-and-swap it is known whether it must be
 * judged. */
static bool count_calmly(const struct swgi_binding *binding, unsigned calls, uint64_t generation,
                         uint64_t *window) {
    if (swgi_unlikely(calls > SWGI_COUNT_CALLS_MAX))
        return true;
    *window = swgi_count_add(binding->map, binding->cell, calls, generation, 0, false);
    return *window == 0 || swgi_count_is_calm(binding->cell, *window, calls);
}

/* What is judged is the window right after our own outcome: the next one may already have pushed
 * out what is decisive. */
static __attribute__((noinline)) void judge_count(const struct swgi_binding *binding,
                                                  unsigned calls, uint64_t generation, int64_t now,
                                                  uint64_t window) {
    struct swgi_turn turn;
    struct swgi_count count = swgi_count_of(window, calls);
    swgi_turn_begin(&turn, binding->map, binding->index, now);
    swgi_settings_mend(&turn);
    swgi_count_judge(&turn, generation, &count, turn.settings.judge_on_success);
}

/*
 * A success within the slow threshold, of a CLOSED breaker whose score is zero and unarmed, in the
 * running slice: nothing to judge, one counter to move.
 */
static inline __attribute__((always_inline)) bool record_fast(struct swg_permit *permit,
                                                              const struct swgi_binding *binding,
                                                              int64_t now, int64_t duration) {
    struct swgi_cell *cell = binding->cell;
    uint64_t word = permit->opaque[1];
    uint64_t ctl = swgi_load_acquire(&cell->ctl);
    uint32_t traits = swgi_load_acquire(&cell->traits);
    bool calm = ctl == (uint64_t)(uint32_t)word << 4 &&
                swgi_load_relaxed(&cell->life, FAST_SETTING) == (uint32_t)(word >> 32) &&
                (uint64_t)duration <= swgi_load_relaxed(&cell->slow_ns, FAST_SETTING) &&
                duration >= 0;
    if (swgi_unlikely(!calm))
        return false;
    if (traits & SWGI_TRAIT_TIME) {
        uint32_t tick = swgi_tick(swgi_load_relaxed(&cell->tick_base, FAST_SETTING),
                                  swgi_load_relaxed(&cell->time_base, FAST_SETTING),
                                  swgi_load_relaxed(&cell->reciprocal, FAST_SETTING), now);
        if (swgi_unlikely(swgi_load_relaxed(&cell->epoch, FAST_SETTING) !=
                          swgi_epoch(word & SWGI_MASK(SWGI_GENERATION_BITS), tick)))
            return false;
    }
    struct swgi_column *column = swgi_column(binding->index);
    swgi_column_add(&column->successes, 1);
    swgi_store_relaxed(&column->last_success, (uint64_t)now, COLUMN);
    if (traits & SWGI_TRAIT_HISTOGRAM)
        count_latency(binding, duration);
    permit->opaque[0] = 0;
    uint64_t generation = word & SWGI_MASK(SWGI_GENERATION_BITS), window;
    unsigned calls = traits >> SWGI_TRAITS_CALLS_SHIFT;
    if (traits & SWGI_TRAIT_COUNT && !count_calmly(binding, calls, generation, &window))
        judge_count(binding, calls, generation, now, window);
    return true;
}

/* As unsigned: a virtual clock stands in memory that others can write. */
static inline int64_t since_admission(const struct swg_permit *permit, int64_t now) {
    return (int64_t)((uint64_t)now - permit->opaque[2]);
}

static inline bool is_current(const struct swg_permit *permit) {
    return permit->opaque[0] != 0 &&
           permit->opaque[7] == (permit->opaque[0] ^ permit->opaque[1] ^ swgi_thread.tag);
}

/* ---- everything else */

static bool matches_tag(uint64_t tag, void *arg) {
    const struct swg_permit *permit = arg;
    return permit->opaque[7] == (permit->opaque[0] ^ permit->opaque[1] ^ tag);
}

/* 0: usable now, the thread's row is current. 1: was ours once and ends without effect. -EINVAL:
 * never was. */
static int validate(struct swg_permit *permit) {
    if (is_current(permit) && swgi_thread_ready(swgi_permit_binding(permit)->tag))
        return 0;
    bool current = false;
    struct swgi_map *map = swgi_map_of_tag(matches_tag, permit, &current);
    if (map == NULL)
        return -EINVAL;
    if (!current || swgi_thread_enter(map) < 0)
        return 1;
    return matches_tag(swgi_load(map->tag), permit) ? 0 : 1;
}

static bool still_there(const struct swg_permit *permit, const struct swgi_binding *binding) {
    return swgi_load(&binding->cell->life) == (uint32_t)(permit->opaque[1] >> 32);
}

static int record_outcome(struct swgi_turn *turn, const struct swgi_binding *binding,
                          const struct swgi_ticket *ticket, int outcome,
                          const struct swg_failure *why, int64_t duration) {
    struct swgi_outcome what = { .class = (enum swgi_class)(outcome - SWG_SUCCESS) };
    if (duration < 0)
        duration = 0;
    what.slow = outcome != SWG_IGNORED && turn->settings.slow_ns != SWGI_OFF &&
                (uint64_t)duration > turn->settings.slow_ns;
    turn->retry_after = why->retry_after > 0 ? why->retry_after : 0;
    bool of_now = ticket->generation == swgi_ctl_generation(swgi_load(&turn->cell->ctl));
    int rc = swgi_breaker_record(turn, ticket, &what);
    if (rc == 0 && of_now && outcome != SWG_IGNORED)
        count_latency(binding, duration);
    bool told = why->kind != NULL || why->text != NULL;
    if (rc == 0 && (outcome == SWG_FAILURE || outcome == SWG_TIMEOUT) && told)
        swgi_note_sample(turn, why->kind, why->code, why->text);
    return rc;
}

static __attribute__((noinline)) int record_slow(struct swg_permit *permit, int outcome,
                                                 const struct swg_failure *why, swg_ns now,
                                                 swg_ns duration, bool given) {
    if (permit == NULL)
        return -EINVAL;
    if (permit->opaque[0] == 0)
        return 0;
    int rc = validate(permit);
    if (rc != 0) {
        if (rc == 1)
            permit->opaque[0] = 0;
        return rc < 0 ? rc : 0;
    }
    if (outcome < SWG_SUCCESS || outcome > SWG_IGNORED) {
        swg_cancel(permit);
        return -EINVAL;
    }
    struct swg_failure known = SWG_FAILURE_INIT;
    int told = why != NULL ? swgi_sized_in(&known, why) : 0;
    const struct swgi_binding *binding = swgi_permit_binding(permit);
    struct swgi_ticket ticket = swgi_permit_ticket(permit);
    int64_t at = given ? now + binding->time_shift : swgi_binding_now(binding);
    if (!given)
        duration = since_admission(permit, at);
    bool there = still_there(permit, binding);
    permit->opaque[0] = 0;
    if (!there)
        return 0;
    struct swgi_turn turn;
    swgi_turn_begin(&turn, binding->map, binding->index, at);
    rc = record_outcome(&turn, binding, &ticket, outcome, &known, duration);
    return rc != 0 ? rc : told;
}

int swg_record_at(struct swg_permit *permit, int outcome, const struct swg_failure *why, swg_ns now,
                  swg_ns duration) {
    if (swgi_likely(permit != NULL && outcome == SWG_SUCCESS && is_current(permit))) {
        const struct swgi_binding *binding = swgi_permit_binding(permit);
        if (swgi_likely(swgi_thread_ready(binding->tag)) &&
            record_fast(permit, binding, now + binding->time_shift, duration))
            return 0;
    }
    return record_slow(permit, outcome, why, now, duration, true);
}

int swg_record_error(struct swg_permit *permit, int outcome, const struct swg_failure *why) {
    if (swgi_likely(permit != NULL && outcome == SWG_SUCCESS && is_current(permit))) {
        const struct swgi_binding *binding = swgi_permit_binding(permit);
        if (swgi_likely(swgi_thread_ready(binding->tag))) {
            int64_t now = swgi_binding_now(binding);
            if (record_fast(permit, binding, now, since_admission(permit, now)))
                return 0;
        }
    }
    return record_slow(permit, outcome, why, 0, 0, false);
}

int swg_record(struct swg_permit *permit, int outcome) {
    return swg_record_error(permit, outcome, NULL);
}

void swg_cancel(struct swg_permit *permit) {
    if (permit == NULL || permit->opaque[0] == 0)
        return;
    int rc = validate(permit);
    const struct swgi_binding *binding = swgi_permit_binding(permit);
    struct swgi_ticket ticket = swgi_permit_ticket(permit);
    if (rc == 0 && still_there(permit, binding)) {
        struct swgi_turn turn;
        swgi_turn_begin(&turn, binding->map, binding->index, swgi_binding_now(binding));
        swgi_breaker_cancel(&turn, &ticket);
    }
    if (rc >= 0)
        permit->opaque[0] = 0;
}

swg_ns swg_retry_in(const struct swg_permit *permit) {
    return permit != NULL && permit->opaque[0] == 0 ? (swg_ns)permit->opaque[4] : 0;
}
