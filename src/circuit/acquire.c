/*
 * May I call? The few-nanosecond path, and below it everything else.
 *
 * The order is api.md's: is it open (one load, consumes nothing), expired, shed, then the breaker
 * itself.
 */
#include "circuit/acquire.h"
#include "circuit/admission.h"
#include "circuit/circuit.h"
#include "circuit/completion.h"
#include "circuit/permit.h"
#include "circuit/sized.h"

#include <errno.h>

static int reject(struct swgi_turn *turn, unsigned counter, int verdict, int64_t retry_in,
                  struct swg_permit *out) {
    struct swgi_column *column = swgi_column(turn->index);
    swgi_column_add(&column->rejected[counter], 1);
    swgi_permit_refuse(out, retry_in);
    swgi_note_rejections(turn, verdict, SWGI_COUNTER(rejected) + counter);
    return verdict;
}

#define SHED_RETRY_NS INT64_C(1000000000) /* load is sampled once a second */

static bool sheds(struct swgi_turn *turn, bool heavy) {
    if (!heavy)
        return false;
    uint64_t ctl = swgi_load(&turn->cell->ctl);
    if (swgi_ctl_mode(ctl) == SWGI_FORCED_CLOSED ||
        swgi_system_load(turn) <= turn->settings.system_load_above)
        return false;
    if (swgi_ctl_mode(ctl) != SWGI_SHADOW)
        return true;
    swgi_column_add(&swgi_column(turn->index)->would_reject, 1);
    return false;
}

/* The permit of a call that is let through. */
static void grant(const struct swgi_admission *admission, uint64_t word, struct swg_permit *out) {
    const struct swgi_binding *binding = admission->binding;
    struct swgi_column *column = swgi_column(binding->index);
    if (admission->policies != NULL)
        word |= SWGI_PERMIT_POLICIES;
    swgi_permit_fill(out, binding, word, admission->now);
    struct swgi_asked asked = admission->asked;
    asked.slot = admission->held.slot;
    swgi_permit_ask(out, &asked);
    out->opaque[5] = admission->held.word;
    swgi_column_add(&column->calls, 1);
    if (asked.attempt > 1)
        swgi_column_add(&column->retries, 1);
}

static uint64_t ticket_word(const struct swgi_ticket *ticket) {
    uint64_t word = ticket->generation;
    if (!ticket->judged)
        word |= SWGI_PERMIT_UNJUDGED;
    if (ticket->has_probe)
        word |= SWGI_PERMIT_PROBE | (uint64_t)ticket->slot << SWGI_PERMIT_SLOT_SHIFT;
    return word;
}

/* The call is not made after all: neither its permit nor its share of the rate is spent. */
static void release(const struct swgi_admission *admission) {
    if (admission->held.word != 0)
        swgi_bulkhead_release(admission->binding->map, &admission->policies->bulkhead,
                              admission->held);
    if (admission->paid != 0)
        swgi_limiter_give_back(&admission->policies->limiter, admission->paid);
}

/* A probe slot is given back, and no call was made. */
static void give_up(struct swgi_turn *turn, const struct swgi_ticket *ticket) {
    if (ticket->has_probe)
        (void)swgi_probe_end(turn, ticket, NULL);
}

/*
 * The last step: the breaker is asked. limits: bulkhead and limiter were asked before; they were not
 * if the breaker was open, and if it is not any more, all is asked anew.
 */
static int enter(struct swgi_turn *turn, struct swgi_admission *admission, bool limits,
                 struct swg_permit *out) {
    const struct swgi_binding *binding = admission->binding;
    struct swgi_ticket ticket;
    int64_t retry_in = 0;
    int rc = swgi_breaker_admit(turn, admission->asked.key, &ticket, &retry_in);
    /* Evicted since we bound: a probe taken would be the next circuit's, and never ended. */
    bool unasked = rc == SWG_GO && !limits && admission->policies != NULL;
    if (unasked || swgi_load(&turn->cell->life) != binding->life) {
        if (rc == SWG_GO)
            give_up(turn, &ticket);
        rc = -EAGAIN;
    }
    if (rc == SWG_GO) {
        out->opaque[3] = ticket.probe;
        grant(admission, ticket_word(&ticket), out);
        return rc;
    }
    release(admission);
    swgi_permit_refuse(out, retry_in);
    return rc;
}

/* A full bulkhead that counts as a failure of the dependency: a call that was made and failed. */
static void count_as_failure(struct swgi_turn *turn) {
    uint64_t ctl = swgi_load(&turn->cell->ctl);
    struct swgi_ticket ticket = { .generation = swgi_ctl_generation(ctl), .judged = true };
    struct swgi_outcome failed = { .class = SWGI_CLASS_FAILURE };
    if (swgi_ctl_state(ctl) != SWGI_CLOSED)
        return;
    swgi_column_add(&swgi_column(turn->index)->calls, 1);
    swgi_breaker_record(turn, &ticket, &failed);
}

static bool is_of_the_bulkhead(unsigned counter) {
    return counter == SWGI_REJECTED_FULL || counter == SWGI_REJECTED_SATURATED;
}

/* What limiter or bulkhead said, as the circuit's mode takes it: SWG_GO, SWG_QUEUED or a rejection
 * that is told. */
static int heed(struct swgi_turn *turn, struct swgi_admission *admission, int rc,
                struct swg_permit *out) {
    unsigned mode = swgi_ctl_mode(swgi_load(&turn->cell->ctl));
    if (rc == SWG_GO || (mode != SWGI_FORCED_CLOSED && mode != SWGI_SHADOW && rc == SWG_QUEUED))
        return rc;
    if (mode == SWGI_FORCED_CLOSED || mode == SWGI_SHADOW) {
        if (rc == SWG_QUEUED)
            swgi_admission_leave(admission, out);
        if (mode == SWGI_SHADOW)
            swgi_column_add(&swgi_column(turn->index)->would_reject, 1);
        return SWG_GO;
    }
    bool fails = swgi_load(&admission->policies->habits) & SWGI_HABIT_FULL_FAILS;
    if (fails && is_of_the_bulkhead(admission->counter))
        count_as_failure(turn);
    release(admission);
    return reject(turn, admission->counter, rc, admission->retry_in, out);
}

/* ---- calls in flight */

#define WATCH_EVERY_NS UINT64_C(100000000)

/* Calls that hang record nothing: whoever comes next, now and then, judges those in flight. */
static __attribute__((noinline)) void watch(const struct swgi_admission *admission) {
    const struct swgi_binding *binding = admission->binding;
    struct swgi_policies *policies = admission->policies;
    struct swgi_turn turn;
    uint64_t last = swgi_load(&policies->watch_stamp);
    if (!swgi_cas(&policies->watch_stamp, last, (uint64_t)admission->now))
        return;
    swgi_turn_begin(&turn, binding->map, binding->index, admission->now);
    turn.overdue = swgi_completion_overdue(&turn);
    if (turn.overdue != 0)
        swgi_breaker_watch(&turn);
}

static inline bool watch_is_due(const struct swgi_policies *policies, uint32_t habits,
                                int64_t now) {
    if (swgi_likely((habits & SWGI_HABIT_WATCHES) == 0))
        return false;
    uint64_t last = swgi_load_relaxed(&policies->watch_stamp, STAMP);
    return swgi_passed(now, (int64_t)last) >= WATCH_EVERY_NS;
}

static void watch_now_and_then(const struct swgi_admission *admission) {
    uint32_t habits = swgi_load_relaxed(&admission->policies->habits, FAST_SETTING);
    if (swgi_unlikely(watch_is_due(admission->policies, habits, admission->now)))
        watch(admission);
}

/* ---- the long way */

static bool is_late(const struct swgi_admission *admission, int64_t now) {
    return admission->asked.deadline != 0 && now >= admission->asked.deadline;
}

static int acquire_bound(struct swgi_admission *admission, uint32_t load, struct swg_permit *out) {
    const struct swgi_binding *binding = admission->binding;
    struct swgi_turn turn;
    swgi_turn_begin(&turn, binding->map, binding->index, admission->now);
    admission->now = swgi_turn_now(&turn);
    if (admission->policies != NULL)
        watch_now_and_then(admission);
    if (load != 0 && turn.settings.call_load_above != UINT32_MAX)
        admission->asked.heavy = load > turn.settings.call_load_above;
    bool open = swgi_breaker_is_open(turn.cell, turn.now); /* before anything is consumed */
    if (!open) {
        if (is_late(admission, turn.now))
            return reject(&turn, SWGI_REJECTED_EXPIRED, SWG_EXPIRED, 0, out);
        if (sheds(&turn, admission->asked.heavy))
            return reject(&turn, SWGI_REJECTED_SHED, SWG_SHED, SHED_RETRY_NS, out);
        if (admission->policies != NULL) {
            uint32_t traits = swgi_load(&turn.cell->traits);
            int rc = heed(&turn, admission, swgi_admission_ask(admission, traits, out), out);
            if (rc != SWG_GO)
                return rc;
        }
    }
    return enter(&turn, admission, !open, out);
}

/* Without a circuit: let through, holding nothing, or refused, as the panel's options say. */
static int let_through(struct swg_circuit *circuit, struct swg_permit *out) {
    struct swgi_map *map = atomic_load(&circuit->panel->map);
    swgi_permit_refuse(out, 0);
    if (!map->writable)
        return -EROFS;
    if (swgi_load(&circuit->panel->beyond) == SWG_BEYOND_ERROR)
        return -ENOSPC;
    swgi_add_relaxed(&map->header->unprotected, 1, COUNTER);
    return SWG_GO;
}

/* ---- what is asked */

/* Twenty-two bits tell callers apart well enough; 0 is nobody. */
static uint32_t short_key(uint64_t key) {
    if (key == 0)
        return 0;
    uint64_t mixed = (key ^ key >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(mixed >> (64 - SWGI_ASKED_KEY_BITS)) | 1;
}

static int64_t call_deadline(const struct swgi_policies *policies, int64_t asked, int64_t now) {
    uint64_t total = swgi_load_relaxed(&policies->total_ns, FAST_SETTING);
    if (swgi_likely(total == SWGI_OFF))
        return asked;
    int64_t until = swgi_after(now, total);
    return asked != 0 && asked < until ? asked : until;
}

static inline void begin(struct swgi_admission *admission, const struct swgi_binding *binding,
                         int64_t now) {
    admission->binding = binding;
    admission->policies = swgi_policies_of(binding->map, binding->cell);
    admission->now = now;
    admission->asked = (struct swgi_asked){ .attempt = 1, .priority = SWGI_PRIORITY_ZERO };
    admission->held = (struct swgi_held){ 0 };
    admission->paid = 0;
    admission->retry_in = 0;
    admission->counter = 0;
}

/* A request's deadline is in the caller's time. */
static void ask_for(struct swgi_admission *admission, const struct swg_request *request) {
    struct swgi_asked *asked = &admission->asked;
    asked->priority = (uint8_t)(request->priority + SWGI_PRIORITY_ZERO);
    asked->key = short_key(request->key);
    if (request->deadline != 0)
        asked->deadline = swgi_shifted(request->deadline, admission->binding->time_shift);
}

/* A rejection on the short way needs no settings, unless it counts as a failure. */
static int refuse_policed(struct swgi_admission *admission, int rc, struct swg_permit *out) {
    const struct swgi_binding *binding = admission->binding;
    struct swgi_turn turn;
    if (swgi_load(&admission->policies->habits) & SWGI_HABIT_FULL_FAILS)
        swgi_turn_begin(&turn, binding->map, binding->index, admission->now);
    else
        swgi_turn_look(&turn, binding->map, binding->index, admission->now);
    return heed(&turn, admission, rc, out);
}

/*
 * A CLOSED circuit with policies, and nothing heavy asked for: no settings are copied and no clock
 * is read but now and then. -EAGAIN: the long way.
 */
static int acquire_closed(struct swgi_admission *admission, struct swg_permit *out) {
    const struct swgi_binding *binding = admission->binding;
    uint64_t ctl = swgi_load(&binding->cell->ctl);
    if (admission->policies == NULL || (ctl & 15) != 0)
        return -EAGAIN;
    int64_t now = admission->now = swgi_thread_believe(binding->map, admission->now);
    if (is_late(admission, now))
        return -EAGAIN;
    watch_now_and_then(admission);
    if (swgi_unlikely(swgi_load(&binding->cell->ctl) != ctl))
        return -EAGAIN;
    admission->asked.deadline = call_deadline(admission->policies, admission->asked.deadline, now);
    uint32_t traits = swgi_load_relaxed(&binding->cell->traits, FAST_SETTING);
    int rc = swgi_admission_ask(admission, traits, out);
    if (swgi_unlikely(swgi_load(&binding->cell->life) != binding->life)) {
        if (rc == SWG_QUEUED)
            swgi_admission_leave(admission, out);
        release(admission);
        return -EAGAIN;
    }
    if (swgi_likely(rc == SWG_GO)) {
        grant(admission, swgi_ctl_generation(ctl), out);
        return rc;
    }
    return rc == SWG_QUEUED ? rc : refuse_policed(admission, rc, out);
}

static int acquire_asked(struct swgi_admission *admission, uint32_t load, struct swg_permit *out) {
    int rc = -EAGAIN;
    if (load == 0 && !admission->asked.heavy)
        rc = acquire_closed(admission, out);
    if (rc != -EAGAIN)
        return rc;
    if (admission->policies != NULL)
        admission->asked.deadline =
            call_deadline(admission->policies, admission->asked.deadline, admission->now);
    return acquire_bound(admission, load, out);
}

/* A circuit evicted under our hands is bound anew, which happens once where it happens at all. */
static int acquire_any(struct swg_circuit *circuit, const struct swg_request *request,
                       const struct swgi_asked *again, const swg_ns *now, struct swg_permit *out) {
    int rc = -EAGAIN;
    for (unsigned attempt = 0; attempt < 4 && rc == -EAGAIN; attempt++) {
        const struct swgi_binding *binding = swgi_circuit_bind(circuit);
        struct swgi_admission admission;
        if (binding == NULL)
            return let_through(circuit, out);
        rc = swgi_thread_enter(binding->map);
        if (rc < 0)
            return rc;
        begin(&admission, binding,
              now != NULL ? *now + binding->time_shift : swgi_binding_now(binding));
        if (again != NULL)
            admission.asked = *again;
        else
            ask_for(&admission, request);
        rc = acquire_asked(&admission, again != NULL ? 0 : request->load, out);
    }
    return rc;
}

static __attribute__((noinline)) int acquire_slow(struct swg_circuit *circuit,
                                                  const struct swg_request *request,
                                                  const swg_ns *now, struct swg_permit *out) {
    if (out == NULL)
        return -EINVAL;
    swgi_permit_refuse(out, 0);
    if (circuit == NULL)
        return -EINVAL;
    struct swg_request known = SWG_REQUEST_INIT;
    int rc = request != NULL ? swgi_sized_in(&known, request) : 0;
    if (rc == 0 && (known.priority < -32 || known.priority > 31))
        rc = -EINVAL;
    return rc != 0 ? rc : acquire_any(circuit, &known, NULL, now, out);
}

int swgi_acquire_attempt(struct swg_circuit *circuit, const struct swgi_asked *asked,
                         struct swg_permit *out) {
    swgi_permit_refuse(out, 0);
    return acquire_any(circuit, NULL, asked, NULL, out);
}

int swgi_admit_queued(struct swgi_admission *admission, struct swg_permit *permit,
                      int64_t sleep_ns) {
    const struct swgi_binding *binding = admission->binding;
    struct swgi_turn turn;
    bool there = admission->policies != NULL && swgi_permit_still_there(permit, binding);
    if (there)
        swgi_turn_begin(&turn, binding->map, binding->index, admission->now);
    if (there)
        watch_now_and_then(admission);
    /* A trip rejects whoever waits; asking anew counts and tells that. */
    if (!there || swgi_breaker_is_open(turn.cell, turn.now)) {
        if (admission->policies != NULL)
            swgi_admission_leave(admission, permit);
        return swgi_acquire_attempt(binding->circuit, &admission->asked, permit);
    }
    int rc = swgi_admission_continue(admission, permit, sleep_ns);
    if (sleep_ns > 0) {
        admission->now = swgi_binding_now(binding);
        swgi_turn_begin(&turn, binding->map, binding->index, admission->now);
    }
    rc = heed(&turn, admission, rc, permit);
    if (rc != SWG_GO)
        return rc;
    if (is_late(admission, admission->now)) {
        release(admission);
        return reject(&turn, SWGI_REJECTED_EXPIRED, SWG_EXPIRED, 0, permit);
    }
    rc = enter(&turn, admission, true, permit);
    return rc != -EAGAIN ? rc : swgi_acquire_attempt(binding->circuit, &admission->asked, permit);
}

/*
 * ---- The short way. What it knows is written into the permit, where whoever goes on at length finds
 * it: so there is always a register, and no frame.
 */

/* All is asked, with what was looked at given back. *out: as acquire_policed() filled it. */
static __attribute__((noinline)) int acquire_at_length(struct swg_permit *out) {
    const struct swgi_binding *binding = swgi_permit_binding(out);
    swg_ns told = (int64_t)out->opaque[2] - binding->time_shift;
    struct swgi_admission admission;
    begin(&admission, binding, (int64_t)out->opaque[2]);
    int rc = acquire_closed(&admission, out);
    return rc != -EAGAIN ? rc : acquire_slow(binding->circuit, NULL, &told, out);
}

/* The circuit is another's, or what it admits has changed: the permit, taken in that run, is given
 * back. Of a circuit that is gone nobody else knows it. */
static __attribute__((noinline)) int acquire_anew(struct swg_permit *out, uint64_t run) {
    const struct swgi_binding *binding = swgi_permit_binding(out);
    struct swgi_policies *policies = swgi_policies_of(binding->map, binding->cell);
    struct swgi_held held = swgi_permit_held(out);
    if (held.word != 0 &&
        (policies == NULL || swgi_bulkhead_release(binding->map, &policies->bulkhead, held) != 0))
        swgi_permits_drop(binding->map, run, held);
    return acquire_at_length(out);
}

/* While that permit was taken in that run, limit or run changed. The limiter's place is in *out. */
static __attribute__((noinline)) int acquire_unsettled(struct swg_permit *out, uint64_t run,
                                                       uint64_t word) {
    const struct swgi_binding *binding = swgi_permit_binding(out);
    struct swgi_policies *policies = swgi_policies_of(binding->map, binding->cell);
    if (policies != NULL && out->opaque[5] != 0)
        swgi_limiter_give_back(&policies->limiter, out->opaque[5]);
    out->opaque[5] = word;
    if (policies != NULL &&
        !swgi_permits_confirm(binding->map, &policies->bulkhead, run, 0, swgi_permit_held(out))) {
        out->opaque[5] = 0;
        swgi_bulkhead_released(binding->map, &policies->bulkhead);
    }
    return acquire_anew(out, run);
}

static __attribute__((noinline)) int tell_rejection(const struct swgi_binding *binding,
                                                    int64_t now) {
    struct swgi_turn turn;
    swgi_turn_look(&turn, binding->map, binding->index, now);
    swgi_note_rejections(&turn, SWG_FULL, SWGI_COUNTER(rejected) + SWGI_REJECTED_FULL);
    return SWG_FULL;
}

#define SPECIAL_WHEN_FULL (SWGI_HABIT_WAITS | SWGI_HABIT_FULL_FAILS)

static __attribute__((noinline)) int acquire_after_limiter(struct swg_permit *out,
                                                           struct swgi_policies *policies);

/* All are held. No permit is ours, and the limiter's place stands where one would. */
static __attribute__((noinline)) int acquire_full(struct swg_permit *out,
                                                  struct swgi_policies *policies) {
    const struct swgi_binding *binding = swgi_permit_binding(out);
    int64_t now = (int64_t)out->opaque[2];
    if (swgi_unlikely(out->opaque[5] != 0))
        return acquire_after_limiter(out, policies);
    if (swgi_unlikely((swgi_load_relaxed(&policies->habits, FAST_SETTING) & SPECIAL_WHEN_FULL) !=
                          0 ||
                      swgi_load(&binding->cell->life) != binding->life))
        return acquire_at_length(out);
    swgi_column_add(&swgi_column(binding->index)->rejected[SWGI_REJECTED_FULL], 1);
    swgi_permit_refuse(out, SWGI_FULL_RETRY_NS);
    if (swgi_likely(swgi_rejections_noted(binding->cell, SWG_FULL, now)))
        return SWG_FULL;
    return tell_rejection(binding, now);
}

static int acquire_after_limiter(struct swg_permit *out, struct swgi_policies *policies) {
    swgi_limiter_give_back(&policies->limiter, out->opaque[5]);
    out->opaque[5] = 0;
    return acquire_full(out, policies);
}

/* The first permit looked at is none for us. */
static __attribute__((noinline)) int acquire_crowded(struct swg_permit *out,
                                                     struct swgi_policies *policies) {
    const struct swgi_binding *binding = swgi_permit_binding(out);
    if (swgi_bulkhead_is_full(binding->map, &policies->bulkhead, (int64_t)out->opaque[2]))
        return acquire_full(out, policies);
    if (out->opaque[5] != 0)
        swgi_limiter_give_back(&policies->limiter, out->opaque[5]);
    return acquire_at_length(out);
}

/* Nothing more stands in the way: it is this circuit's call. */
static inline __attribute__((always_inline)) int acquire_counted(struct swg_permit *out,
                                                                 uint64_t run) {
    const struct swgi_binding *binding = swgi_permit_binding(out);
    if (swgi_unlikely(swgi_load(&binding->cell->life) != binding->life))
        return acquire_anew(out, run);
    swgi_column_add(&swgi_column(binding->index)->calls, 1);
    return SWG_GO;
}

static __attribute__((noinline)) int acquire_held(struct swg_permit *out,
                                                  struct swgi_policies *policies) {
    struct swgi_bulkhead_words *words = &policies->bulkhead;
    struct swgi_bulkhead_try try = { .limit = swgi_load(&words->limit) };
    uint32_t slot = swgi_permit_thread.hint;
    if (swgi_permits_full(words, try.limit, (int64_t)out->opaque[2]))
        return acquire_full(out, policies);
    if (swgi_unlikely(!swgi_bulkhead_is_plain(words, try.limit, slot)))
        return acquire_crowded(out, policies);
    out->opaque[6] = SWGI_ASKED_NOTHING | slot;
    if (swgi_unlikely(!swgi_bulkhead_try(swgi_permit_binding(out)->map, words, slot, &try)))
        return acquire_crowded(out, policies);
    if (swgi_unlikely(!swgi_bulkhead_keep(words, &try, (int64_t)out->opaque[2])))
        return acquire_unsettled(out, try.run, try.word);
    out->opaque[5] = try.word;
    return acquire_counted(out, try.run);
}

#define SPECIAL_TO_ASK (SWGI_HABIT_LIMITER_WAITS | SWGI_HABIT_DYNAMIC)

/* A CLOSED circuit with policies: a token of the limiter, a permit of the bulkhead. Arguments stand
 * where the caller has them. */
static __attribute__((noinline)) int acquire_policed(uint32_t traits, uint64_t ctl, int64_t now,
                                                     struct swg_permit *out,
                                                     const struct swgi_binding *binding) {
    swgi_permit_fill(out, binding, swgi_ctl_generation(ctl) | SWGI_PERMIT_POLICIES, now);
    struct swgi_policies *policies = swgi_policies_of(binding->map, binding->cell);
    if (swgi_unlikely(policies == NULL || !swgi_thread_believes(now)))
        return acquire_at_length(out);
    uint32_t habits = swgi_load_relaxed(&policies->habits, FAST_SETTING);
    if (habits & (SPECIAL_TO_ASK | SWGI_HABIT_WATCHES) &&
        swgi_unlikely(habits & SPECIAL_TO_ASK || watch_is_due(policies, habits, now)))
        return acquire_at_length(out);
    out->opaque[4] = 0;
    out->opaque[5] = 0;
    uint64_t total = swgi_load_relaxed(&policies->total_ns, FAST_SETTING);
    if (swgi_unlikely(total != SWGI_OFF))
        out->opaque[4] = (uint64_t)swgi_after(now, total);
    if (traits & SWGI_TRAIT_LIMITER &&
        swgi_unlikely(!swgi_limiter_try(&policies->limiter, now, &out->opaque[5])))
        return acquire_at_length(out);
    if (swgi_likely(traits & SWGI_TRAIT_BULKHEAD))
        return acquire_held(out, policies);
    out->opaque[5] = 0;
    out->opaque[6] = SWGI_ASKED_NOTHING;
    return acquire_counted(out, 0);
}

static __attribute__((noinline)) int acquire_other(struct swg_circuit *circuit,
                                                   const struct swg_request *request, swg_ns now,
                                                   struct swg_permit *out) {
    return acquire_slow(circuit, request, &now, out);
}

static inline __attribute__((always_inline)) int acquire_fast(const struct swgi_binding *binding,
                                                              int64_t now, struct swg_permit *out) {
    struct swgi_cell *cell = binding->cell;
    uint64_t ctl = swgi_load_acquire(&cell->ctl);
    if (swgi_unlikely(swgi_load_relaxed(&cell->life, FAST_SETTING) != binding->life))
        return acquire_other(binding->circuit, NULL, now - binding->time_shift, out);
    if (swgi_likely((ctl & 15) == 0)) {
        uint32_t traits = swgi_policy_traits(cell);
        if (swgi_unlikely(traits != 0))
            return acquire_policed(traits, ctl, now, out, binding);
        swgi_column_add(&swgi_column(binding->index)->calls, 1);
        swgi_permit_fill(out, binding, swgi_ctl_generation(ctl), now);
        swgi_permit_plain(out);
        return SWG_GO;
    }
    int64_t until = (int64_t)(swgi_ctl_deadline(ctl) << SWGI_DEADLINE_SHIFT);
    /* Unsigned: a negative now is nobody's, and goes the way on which it is not believed. */
    if ((ctl & 15) == SWGI_OPEN && (uint64_t)now < (uint64_t)until) {
        swgi_column_add(&swgi_column(binding->index)->rejected[SWGI_REJECTED_OPEN], 1);
        swgi_permit_refuse(out, swgi_ctl_deadline(ctl) == SWGI_NEVER ? INT64_MAX : until - now);
        return SWG_OPEN;
    }
    return acquire_other(binding->circuit, NULL, now - binding->time_shift, out);
}

int swg_acquire_at(struct swg_circuit *circuit, const struct swg_request *request, swg_ns now,
                   struct swg_permit *out) {
    if (swgi_likely(circuit != NULL) && swgi_likely(request == NULL) && swgi_likely(out != NULL)) {
        const struct swgi_binding *binding = swgi_load_acquire(&circuit->binding);
        if (swgi_likely(binding != NULL && swgi_thread_ready(binding->tag)))
            return acquire_fast(binding, now + binding->time_shift, out);
    }
    return acquire_other(circuit, request, now, out);
}

int swg_acquire(struct swg_circuit *circuit, const struct swg_request *request,
                struct swg_permit *out) {
    if (swgi_likely(circuit != NULL) && swgi_likely(request == NULL) && swgi_likely(out != NULL)) {
        const struct swgi_binding *binding = swgi_load_acquire(&circuit->binding);
        if (swgi_likely(binding != NULL && swgi_thread_ready(binding->tag)))
            return acquire_fast(binding, swgi_binding_now(binding), out);
    }
    return acquire_slow(circuit, request, NULL, out);
}
