/* What the call came to: the few-nanosecond path for a success, and below it everything else. */
#include "circuit/admission.h"
#include "circuit/circuit.h"
#include "circuit/completion.h"
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

static __attribute__((noinline)) int count_window(const struct swgi_binding *binding,
                                                  uint32_t traits, uint64_t generation,
                                                  int64_t now) {
    uint64_t window;
    unsigned calls = traits >> SWGI_TRAITS_CALLS_SHIFT;
    if (swgi_likely(swgi_count_pass(binding->cell, calls, generation) != 0))
        return 0;
    if (!count_calmly(binding, calls, generation, &window))
        judge_count(binding, calls, generation, now, window);
    return 0;
}

/* Of a CLOSED breaker whose score is zero and unarmed its generation, and nothing else. */
static inline uint64_t rotated(uint64_t ctl) {
    return ctl >> 4 | ctl << 60;
}

/* What can be read again from the permit is, so that a register is free and no frame needed. */
static inline __attribute__((always_inline)) bool is_within(const struct swg_permit *permit,
                                                            int64_t duration) {
    const struct swgi_cell *cell = swgi_permit_binding(permit)->cell;
    return swgi_likely(swgi_permit_still_there(permit, swgi_permit_binding(permit)) &&
                       (uint64_t)duration <= swgi_load_relaxed(&cell->slow_ns, FAST_SETTING) &&
                       duration >= 0);
}

static inline bool is_of_this_slice(const struct swg_permit *permit, int64_t now) {
    const struct swgi_cell *cell = swgi_permit_binding(permit)->cell;
    uint32_t tick = swgi_tick(swgi_load_relaxed(&cell->tick_base, FAST_SETTING),
                              swgi_load_relaxed(&cell->time_base, FAST_SETTING),
                              swgi_load_relaxed(&cell->reciprocal, FAST_SETTING), now);
    return swgi_load_relaxed(&cell->epoch, FAST_SETTING) ==
           swgi_epoch(permit->opaque[1] & SWGI_MASK(SWGI_GENERATION_BITS), tick);
}

static inline __attribute__((always_inline)) int count_calm(struct swg_permit *permit,
                                                            uint32_t traits, int64_t now,
                                                            int64_t duration) {
    const struct swgi_binding *binding = swgi_permit_binding(permit);
    struct swgi_column *column = swgi_column(binding->index);
    swgi_column_add(&column->successes, 1);
    swgi_store_relaxed(&column->last_success, (uint64_t)now, COLUMN);
    if (traits & SWGI_TRAIT_HISTOGRAM)
        count_latency(binding, duration);
    permit->opaque[0] = 0;
    if (traits & SWGI_TRAIT_COUNT)
        return count_window(binding, traits, permit->opaque[1] & SWGI_MASK(SWGI_GENERATION_BITS),
                            now);
    return 0;
}

/* As unsigned: a virtual clock stands in memory that others can write. */
static inline int64_t since_admission(const struct swg_permit *permit, int64_t now) {
    return (int64_t)((uint64_t)now - permit->opaque[2]);
}

/* ---- everything else */

static bool matches_tag(uint64_t tag, void *arg) {
    const struct swg_permit *permit = arg;
    return permit->opaque[7] == (permit->opaque[0] ^ permit->opaque[1] ^ tag);
}

int swgi_permit_validate(const struct swg_permit *permit) {
    if (swgi_permit_is_current(permit) && swgi_thread_ready(swgi_permit_binding(permit)->tag))
        return 0;
    bool current = false;
    struct swgi_map *map = swgi_map_of_tag(matches_tag, (void *)(uintptr_t)permit, &current);
    if (map == NULL)
        return -EINVAL;
    if (!current || swgi_thread_enter(map) < 0)
        return 1;
    return matches_tag(swgi_load(map->tag), (void *)(uintptr_t)permit) ? 0 : 1;
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
        swgi_note_sample(turn, &(struct swgi_call_error){ .kind = why->kind,
                                                          .text = why->text,
                                                          .traceparent = why->traceparent,
                                                          .code = why->code,
                                                          .duration_ns = duration });
    return rc;
}

/* What stays of a permit whose call may be tried again: nothing held, and what was asked. */
static void make_ticket(struct swg_permit *permit, const struct swgi_asked *asked, int64_t delay) {
    struct swgi_asked next = *asked;
    uint64_t binding = permit->opaque[0];
    next.attempt++;
    next.slot = 0;
    next.previous = swgi_delay_pack(delay);
    swgi_permit_ask(permit, &next);
    permit->opaque[5] = permit->opaque[4];
    permit->opaque[4] = (uint64_t)delay;
    permit->opaque[3] = binding;
    permit->opaque[0] = 0;
    permit->opaque[7] = binding ^ permit->opaque[1] ^ swgi_thread.tag ^ SWGI_PERMIT_TICKET;
}

/* All attempts of a call under one permit: it lives on. */
static void go_on(struct swg_permit *permit, const struct swgi_asked *asked, int64_t delay) {
    struct swgi_asked next = *asked;
    next.attempt++;
    next.previous = swgi_delay_pack(delay);
    permit->opaque[6] = swgi_asked_word(&next);
}

static void end(struct swg_permit *permit) {
    permit->opaque[0] = 0;
    permit->opaque[3] = 0;
    permit->opaque[4] = 0;
}

/* Not admitted yet, so there is no outcome: the place is given up. */
static int record_waiting(struct swg_permit *permit) {
    swg_cancel(permit);
    return -EINVAL;
}

struct ended {
    int outcome;
    const struct swg_failure *why;
    int64_t at, duration;
    bool there;
};

static bool may_retry(const struct swgi_binding *binding, const struct swg_permit *permit,
                      const struct ended *call) {
    return (permit->opaque[1] & SWGI_PERMIT_POLICIES) && call->there && !call->why->no_retry &&
           (call->outcome == SWG_FAILURE || call->outcome == SWG_TIMEOUT) &&
           swgi_load(&binding->cell->traits) & SWGI_TRAIT_RETRY;
}

static int64_t retry_delay(struct swgi_turn *turn, const struct swgi_asked *asked,
                           const struct ended *call) {
    turn->retry_after = call->why->retry_after > 0 ? call->why->retry_after : 0;
    return swgi_completion_retry(turn, asked, (enum swgi_class)(call->outcome - SWG_SUCCESS));
}

/* Everything but a calm success: the outcome is judged, what is held is freed. */
static int record_ended(struct swg_permit *permit, const struct swgi_binding *binding,
                        const struct ended *call) {
    struct swgi_turn turn;
    struct swgi_ticket ticket = swgi_permit_ticket(permit);
    struct swgi_asked asked = swgi_permit_asked(permit);
    bool policies = permit->opaque[1] & SWGI_PERMIT_POLICIES, again;
    int64_t delay = -1;
    swgi_turn_begin(&turn, binding->map, binding->index, call->at);
    again = may_retry(binding, permit, call);
    if (again)
        swgi_turn_policies(&turn);
    if (again && turn.settings.policies.retry.inside) {
        if (swgi_completion_holds(permit, binding))
            delay = retry_delay(&turn, &asked, call);
        if (delay >= 0) {
            go_on(permit, &asked, delay);
            return SWG_RETRY;
        }
        again = false;
    }
    int rc = policies ? swgi_completion_release(permit, binding) : 0;
    if (rc == 0 && call->there) {
        turn.overdue = swgi_completion_overdue(&turn);
        rc = record_outcome(&turn, binding, &ticket, call->outcome, call->why, call->duration);
        if (policies)
            swgi_completion_sample(permit, binding, call->at, call->duration,
                                   (enum swgi_class)(call->outcome - SWG_SUCCESS));
    }
    if (rc == 0 && again)
        delay = retry_delay(&turn, &asked, call);
    if (delay < 0) {
        end(permit);
        return rc;
    }
    make_ticket(permit, &asked, delay);
    return SWG_RETRY;
}

static __attribute__((noinline)) int record_slow(struct swg_permit *permit, int outcome,
                                                 const struct swg_failure *why, swg_ns now,
                                                 swg_ns duration, bool given) {
    if (permit == NULL)
        return -EINVAL;
    if (permit->opaque[0] == 0)
        return 0;
    int rc = swgi_permit_validate(permit);
    if (rc != 0) {
        if (rc == 1)
            end(permit);
        return rc < 0 ? rc : 0;
    }
    if (outcome < SWG_SUCCESS || outcome > SWG_IGNORED) {
        swg_cancel(permit);
        return -EINVAL;
    }
    if (permit->opaque[1] & SWGI_PERMIT_WAITS)
        return record_waiting(permit);
    struct swg_failure known = SWG_FAILURE_INIT;
    int told = why != NULL ? swgi_sized_in(&known, why) : 0;
    const struct swgi_binding *binding = swgi_permit_binding(permit);
    struct ended call = { .outcome = outcome, .why = &known, .duration = duration };
    call.at = given ? now + binding->time_shift : swgi_binding_now(binding);
    if (!given)
        call.duration = since_admission(permit, call.at);
    call.there = swgi_permit_still_there(permit, binding);
    rc = record_ended(permit, binding, &call);
    return rc != 0 ? rc : told;
}

/*
 * ---- A success. With a calm breaker there is nothing to judge and one counter to move; with policies
 * what is held is given back before. What is not as usual goes on by itself.
 */

static __attribute__((noinline)) int record_at_length(struct swg_permit *permit, int64_t at,
                                                      const struct swg_failure *why,
                                                      int64_t duration) {
    int64_t shift = swgi_permit_binding(permit)->time_shift;
    return record_slow(permit, SWG_SUCCESS, why, at - shift, duration, true);
}

/* Holds nothing of policies any more. */
static __attribute__((noinline)) int record_freed(struct swg_permit *permit, int64_t at,
                                                  const struct swg_failure *why, int64_t duration) {
    permit->opaque[1] &= ~SWGI_PERMIT_POLICIES;
    permit->opaque[7] = permit->opaque[0] ^ permit->opaque[1] ^ swgi_thread.tag;
    permit->opaque[4] = 0;
    return record_at_length(permit, at, why, duration);
}

static __attribute__((noinline)) int record_in_slice(struct swg_permit *permit, int64_t at,
                                                     const struct swg_failure *why, uint32_t traits,
                                                     int64_t duration) {
    if (swgi_likely(is_of_this_slice(permit, at)))
        return count_calm(permit, traits, at, duration);
    return record_freed(permit, at, why, duration);
}

static inline __attribute__((always_inline)) int record_calm(struct swg_permit *permit, int64_t at,
                                                             const struct swg_failure *why,
                                                             uint32_t traits, int64_t duration) {
    if (traits & SWGI_TRAIT_TIME)
        return record_in_slice(permit, at, why, traits, duration);
    return count_calm(permit, traits, at, duration);
}

/* Something adapts now, or costs are counted. */
static __attribute__((noinline)) int record_sampling(struct swg_permit *permit, int64_t at,
                                                     const struct swg_failure *why,
                                                     int64_t duration) {
    const struct swgi_binding *binding = swgi_permit_binding(permit);
    swgi_completion_sampled(permit, binding, at, duration, SWGI_CLASS_SUCCESS);
    permit->opaque[4] = 0;
    return record_calm(permit, at, why, swgi_load_acquire(&binding->cell->traits), duration);
}

static inline __attribute__((always_inline)) int record_released(struct swg_permit *permit,
                                                                 int64_t at,
                                                                 const struct swg_failure *why,
                                                                 int64_t duration) {
    const struct swgi_binding *binding = swgi_permit_binding(permit);
    uint32_t traits = swgi_load_acquire(&binding->cell->traits);
    if (traits & SWGI_TRAIT_SAMPLED &&
        swgi_unlikely(!swgi_completion_sample_calmly(permit, binding, at, duration)))
        return record_sampling(permit, at, why, duration);
    if (permit->opaque[4] != 0) /* a store costs more than to look */
        permit->opaque[4] = 0;
    return record_calm(permit, at, why, traits, duration);
}

/* Somebody may wait for what was given back. */
static __attribute__((noinline)) int record_waking(struct swg_permit *permit, int64_t at,
                                                   const struct swg_failure *why,
                                                   int64_t duration) {
    const struct swgi_binding *binding = swgi_permit_binding(permit);
    struct swgi_policies *policies = swgi_policies_of(binding->map, binding->cell);
    if (policies != NULL)
        swgi_bulkhead_released(binding->map, &policies->bulkhead);
    return record_released(permit, at, why, duration);
}

/* A calm breaker with policies. Where a permit is not where it should be (moved, reclaimed, ended
 * before) it is looked for at length. */
static __attribute__((noinline)) int record_policed(struct swg_permit *permit, int64_t at,
                                                    const struct swg_failure *why,
                                                    int64_t duration) {
    const struct swgi_binding *binding = swgi_permit_binding(permit);
    struct swgi_policies *policies = swgi_policies_of(binding->map, binding->cell);
    if (swgi_unlikely(policies == NULL || !is_within(permit, duration)))
        return record_at_length(permit, at, why, duration);
    if (permit->opaque[5] != 0) {
        if (swgi_unlikely(!swgi_bulkhead_give_back(binding->map, &policies->bulkhead,
                                                   swgi_permit_held(permit))))
            return record_at_length(permit, at, why, duration);
        if (swgi_bulkhead_is_watched(&policies->bulkhead))
            return record_waking(permit, at, why, duration);
    }
    return record_released(permit, at, why, duration);
}

static inline __attribute__((always_inline)) int record_success(struct swg_permit *permit,
                                                                int64_t at,
                                                                const struct swg_failure *why,
                                                                int64_t duration) {
    struct swgi_cell *cell = swgi_permit_binding(permit)->cell;
    uint64_t generation = rotated(swgi_load_acquire(&cell->ctl));
    uint32_t traits = swgi_load_acquire(&cell->traits);
    uint64_t more = generation ^ (uint32_t)permit->opaque[1];
    /* What a permit's word says beside its generation lies where ctl has its score. */
    if (swgi_likely(generation <= SWGI_MASK(SWGI_GENERATION_BITS))) {
        if (swgi_likely(more == 0) && is_within(permit, duration))
            return record_calm(permit, at, why, traits, duration);
        if (more == SWGI_PERMIT_POLICIES)
            return record_policed(permit, at, why, duration);
    }
    return record_at_length(permit, at, why, duration);
}

int swg_record_at(struct swg_permit *permit, int outcome, const struct swg_failure *why, swg_ns now,
                  swg_ns duration) {
    if (swgi_likely(permit != NULL && outcome == SWG_SUCCESS && swgi_permit_is_current(permit))) {
        const struct swgi_binding *binding = swgi_permit_binding(permit);
        if (swgi_likely(swgi_thread_ready(binding->tag)))
            return record_success(permit, now + binding->time_shift, why, duration);
    }
    return record_slow(permit, outcome, why, now, duration, true);
}

int swg_record_error(struct swg_permit *permit, int outcome, const struct swg_failure *why) {
    if (swgi_likely(permit != NULL && outcome == SWG_SUCCESS && swgi_permit_is_current(permit))) {
        const struct swgi_binding *binding = swgi_permit_binding(permit);
        if (swgi_likely(swgi_thread_ready(binding->tag))) {
            int64_t now = swgi_binding_now(binding);
            return record_success(permit, now, why, since_admission(permit, now));
        }
    }
    return record_slow(permit, outcome, why, 0, 0, false);
}

int swg_record(struct swg_permit *permit, int outcome) {
    return swg_record_error(permit, outcome, NULL);
}

/* Give back all that a permit holds but the breaker's own. 0; -EINVAL: a copy of a permit that was
 * ended before. */
static int cancel_policies(struct swg_permit *permit, const struct swgi_binding *binding,
                           int64_t now) {
    struct swgi_admission admission = { .binding = binding,
                                        .policies = swgi_policies_of(binding->map, binding->cell),
                                        .now = now };
    if (admission.policies == NULL)
        return 0;
    if ((permit->opaque[1] & SWGI_PERMIT_WAITS) == 0)
        return swgi_completion_release(permit, binding);
    swgi_admission_leave(&admission, permit);
    return 0;
}

static void cancel_current(struct swg_permit *permit) {
    const struct swgi_binding *binding = swgi_permit_binding(permit);
    struct swgi_ticket ticket = swgi_permit_ticket(permit);
    int64_t now = swgi_binding_now(binding);
    int rc = 0;
    if (permit->opaque[1] & SWGI_PERMIT_POLICIES)
        rc = cancel_policies(permit, binding, now);
    if (rc != 0 || permit->opaque[1] & SWGI_PERMIT_WAITS ||
        !swgi_permit_still_there(permit, binding))
        return;
    struct swgi_turn turn;
    swgi_turn_begin(&turn, binding->map, binding->index, now);
    swgi_breaker_cancel(&turn, &ticket);
}

void swg_cancel(struct swg_permit *permit) {
    if (permit == NULL)
        return;
    if (permit->opaque[0] == 0) {
        permit->opaque[3] = 0; /* a ticket is dropped */
        return;
    }
    int rc = swgi_permit_validate(permit);
    if (rc == 0)
        cancel_current(permit);
    if (rc >= 0)
        end(permit);
}

swg_ns swg_retry_in(const struct swg_permit *permit) {
    if (permit == NULL)
        return 0;
    if (permit->opaque[0] == 0)
        return (swg_ns)permit->opaque[4];
    return swgi_permit_validate(permit) == 0 ? swgi_wait_left(permit) : 0;
}
