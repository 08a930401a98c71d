/* Limiter, then bulkhead; and waiting for either. */
#include "circuit/admission.h"

#include <errno.h>

#include "engine/cost.h"
#include "panel/wait_timer.h"

static int rejected(struct swgi_admission *admission, unsigned counter, int verdict,
                    int64_t retry_in) {
    admission->counter = counter;
    admission->retry_in = retry_in;
    return verdict;
}

static int queue(struct swgi_admission *admission, uint64_t how, struct swg_permit *out) {
    swgi_permit_fill(out, admission->binding, SWGI_PERMIT_POLICIES | how, 0);
    swgi_permit_ask(out, &admission->asked);
    return SWG_QUEUED;
}

/* Who cost the circuit much lately stands back. */
static int priority_of(const struct swgi_admission *admission) {
    int priority = (int)admission->asked.priority - SWGI_PRIORITY_ZERO;
    if (swgi_admission_has(admission, SWGI_HABIT_DYNAMIC))
        priority +=
            swgi_cost_priority(admission->policies->costs, admission->asked.key, admission->now);
    return priority < -32 ? -32 : priority > 31 ? 31 : priority;
}

static int64_t latest(const struct swgi_admission *admission, int64_t since, uint64_t wait_ns) {
    int64_t until = swgi_after(since, wait_ns), deadline = admission->asked.deadline;
    return deadline != 0 && deadline < until ? deadline : until;
}

/* A queue without room for us: the place is one to be asked for again, until our time is up. */
static int wait_outside(struct swgi_admission *admission, int priority, struct swg_permit *out) {
    uint64_t ageing = swgi_load(&admission->policies->ageing_ns);
    struct swgi_waiter nowhere = { .key = admission->now + (int64_t)ageing * priority,
                                   .priority = (int8_t)priority };
    queue(admission, SWGI_PERMIT_QUEUED, out);
    swgi_permit_wait(out, &nowhere);
    return SWG_QUEUED;
}

/* The queue has no place for it. SWG_QUEUED: it waits for one. */
static int queue_is_full(struct swgi_admission *admission) {
    if (swgi_admission_has(admission, SWGI_HABIT_QUEUE_WAITS))
        return SWG_QUEUED;
    if (swgi_admission_has(admission, SWGI_HABIT_QUEUE_ERROR))
        return rejected(admission, SWGI_REJECTED_SATURATED, SWG_QUEUE_SATURATED,
                        SWGI_FULL_RETRY_NS);
    return rejected(admission, SWGI_REJECTED_FULL, SWG_FULL, SWGI_FULL_RETRY_NS);
}

static int enqueue(struct swgi_admission *admission, int priority, struct swg_permit *out) {
    struct swgi_waiter waiter;
    struct swgi_policies *policies = admission->policies;
    int64_t until = latest(admission, admission->now, swgi_load(&policies->max_wait_ns));
    int rc = swgi_bulkhead_enqueue(admission->binding->map, &policies->bulkhead, priority, until,
                                   &waiter, &admission->held);
    if (rc == SWG_QUEUED) {
        queue(admission, SWGI_PERMIT_QUEUED, out);
        swgi_permit_wait(out, &waiter);
    }
    if (rc != SWG_FULL)
        return rc;
    rc = queue_is_full(admission);
    return rc == SWG_QUEUED ? wait_outside(admission, priority, out) : rc;
}

int swgi_admission_full(struct swgi_admission *admission, int priority, struct swg_permit *out) {
    if (swgi_admission_has(admission, SWGI_HABIT_WAITS))
        return enqueue(admission, priority, out);
    return rejected(admission, SWGI_REJECTED_FULL, SWG_FULL, SWGI_FULL_RETRY_NS);
}

int swgi_admission_bulkhead(struct swgi_admission *admission, struct swg_permit *out) {
    int priority = priority_of(admission);
    int rc = swgi_bulkhead_take(admission->binding->map, &admission->policies->bulkhead, priority,
                                admission->now, &admission->held);
    return rc == SWG_GO ? rc : swgi_admission_full(admission, priority, out);
}

static int64_t limiter_patience(const struct swgi_admission *admission) {
    if (!swgi_admission_has(admission, SWGI_HABIT_LIMITER_WAITS))
        return 0;
    uint64_t wait = swgi_load(&admission->policies->limiter_wait_ns);
    return latest(admission, admission->now, wait) - admission->now;
}

/* Reserved: begin then. Without a reservation (windows, log): ask again then. */
static int pace(struct swgi_admission *admission, int64_t begin, uint64_t place, int64_t until,
                struct swg_permit *out) {
    queue(admission, SWGI_PERMIT_PACED, out);
    out->opaque[2] = (uint64_t)begin;
    out->opaque[3] = place;
    out->opaque[5] = (uint64_t)until;
    return SWG_QUEUED;
}

/* A bucket that would not reserve has no turn for us within our patience. */
static bool asks_again(const struct swgi_admission *admission) {
    return !(swgi_load_relaxed(&admission->policies->limiter.rule, FAST_SETTING) &
             SWGI_LIMITER_BUCKET);
}

static int ask_limiter(struct swgi_admission *admission, int64_t patience, struct swg_permit *out) {
    struct swgi_map *map = admission->binding->map;
    int64_t now = admission->now;
    struct swgi_limiter_answer answer = swgi_limiter_take(&admission->policies->limiter, map->slots,
                                                          map->geometry.slots, now, patience);
    admission->paid = 0;
    if (swgi_likely(answer.wait_ns == 0)) {
        admission->paid = answer.place;
        return SWG_GO;
    }
    if (answer.wait_ns > 0)
        return pace(admission, now + answer.wait_ns, answer.place, now + patience, out);
    if (asks_again(admission) && -answer.wait_ns <= patience)
        return pace(admission, now - answer.wait_ns, 0, now + patience, out);
    return rejected(admission, SWGI_REJECTED_LIMITED, SWG_LIMITED, -answer.wait_ns);
}

int swgi_admission_limiter(struct swgi_admission *admission, struct swg_permit *out) {
    return ask_limiter(admission, limiter_patience(admission), out);
}

/* ---- going on */

int64_t swgi_admission_until(const struct swgi_admission *admission,
                             const struct swg_permit *permit) {
    if (permit->opaque[1] & SWGI_PERMIT_PACED)
        return (int64_t)permit->opaque[5];
    struct swgi_waiter waiter = swgi_permit_waiter(permit);
    int64_t ageing = (int64_t)swgi_load(&admission->policies->ageing_ns);
    int64_t since = (int64_t)((uint64_t)waiter.key - (uint64_t)ageing * (uint64_t)waiter.priority);
    return latest(admission, since, swgi_load(&admission->policies->max_wait_ns));
}

static int continue_limited(struct swgi_admission *admission, struct swg_permit *permit) {
    int64_t begin = (int64_t)permit->opaque[2], until = (int64_t)permit->opaque[5];
    if (admission->now < begin)
        return SWG_QUEUED;
    admission->paid = permit->opaque[3];
    if (admission->paid != 0)
        return SWG_GO;
    return ask_limiter(admission, until > admission->now ? until - admission->now : 0, permit);
}

/* A limiter that was switched off lets go whoever it paced. */
static int continue_pacing(struct swgi_admission *admission, struct swg_permit *permit) {
    uint32_t traits = swgi_load(&admission->binding->cell->traits);
    int rc = traits & SWGI_TRAIT_LIMITER ? continue_limited(admission, permit) : SWG_GO;
    if (rc != SWG_GO)
        return rc;
    return traits & SWGI_TRAIT_BULKHEAD ? swgi_admission_bulkhead(admission, permit) : SWG_GO;
}

/* It had found no place until now; the key it came with keeps its age. A permit freed before it had
 * one told nobody, so it looks again once it has. */
static int enter_late(struct swgi_admission *admission, int64_t until, struct swgi_waiter *waiter) {
    struct swgi_map *map = admission->binding->map;
    struct swgi_bulkhead_words *words = &admission->policies->bulkhead;
    int rc = swgi_bulkhead_take(map, words, waiter->priority, admission->now, &admission->held);
    if (rc == SWG_GO || !swgi_waiters_enter(map, words, admission->now, until, waiter))
        return rc == SWG_GO ? rc : SWG_QUEUED;
    return swgi_bulkhead_poll(map, words, waiter, &admission->held);
}

static int continue_queueing(struct swgi_admission *admission, struct swg_permit *permit,
                             int64_t sleep_ns) {
    struct swgi_map *map = admission->binding->map;
    struct swgi_bulkhead_words *words = &admission->policies->bulkhead;
    struct swgi_waiter waiter = swgi_permit_waiter(permit);
    int rc;
    if (swgi_permits_limit_now(words) == 0) { /* switched off: there is nothing to wait for */
        swgi_bulkhead_leave(map, words, &waiter);
        return SWG_GO;
    }
    if (waiter.word == 0)
        rc = enter_late(admission, swgi_admission_until(admission, permit), &waiter);
    else if (sleep_ns > 0)
        rc = swgi_bulkhead_wait(map, words, &waiter, sleep_ns, &admission->held);
    else
        rc = swgi_bulkhead_poll(map, words, &waiter, &admission->held);
    swgi_permit_wait(permit, &waiter);
    return rc == SWG_FULL ? queue_is_full(admission) : rc; /* displaced by somebody more urgent */
}

/* Its time is up: what it waited for tells the verdict. */
static int expire(struct swgi_admission *admission, struct swg_permit *permit) {
    bool paced = permit->opaque[1] & SWGI_PERMIT_PACED;
    int64_t deadline = admission->asked.deadline;
    swgi_admission_leave(admission, permit);
    if (deadline != 0 && admission->now >= deadline)
        return rejected(admission, SWGI_REJECTED_EXPIRED, SWG_EXPIRED, 0);
    if (paced)
        return rejected(admission, SWGI_REJECTED_LIMITED, SWG_LIMITED, SWGI_FULL_RETRY_NS);
    return rejected(admission, SWGI_REJECTED_FULL, SWG_FULL, SWGI_FULL_RETRY_NS);
}

/* Whatever it waits for next, and with or without a place: the loop that asked to be told is told,
 * until it waits no more. */
int swgi_admission_continue(struct swgi_admission *admission, struct swg_permit *permit,
                            int64_t sleep_ns) {
    bool listens = swgi_permit_listens(permit);
    if (listens) {
        swgi_permit_listen(permit, false);
        swgi_wait_timer_drain(admission->binding->map);
    }
    admission->held = (struct swgi_held){ 0 };
    int rc = permit->opaque[1] & SWGI_PERMIT_PACED ? continue_pacing(admission, permit)
                                                   : continue_queueing(admission, permit, sleep_ns);
    if (rc == SWG_QUEUED && admission->now >= swgi_admission_until(admission, permit))
        rc = expire(admission, permit);
    if (listens && rc == SWG_QUEUED)
        swgi_permit_listen(permit, true);
    else if (listens)
        swgi_wait_timer_leave(admission->binding->map);
    return rc;
}

void swgi_admission_leave(const struct swgi_admission *admission, struct swg_permit *permit) {
    struct swgi_map *map = admission->binding->map;
    struct swgi_waiter waiter = swgi_permit_waiter(permit);
    if (swgi_permit_listens(permit))
        swgi_wait_timer_leave(map);
    if ((permit->opaque[1] & SWGI_PERMIT_PACED) == 0) {
        waiter.asked = 0;
        swgi_bulkhead_leave(map, &admission->policies->bulkhead, &waiter);
    } else if (permit->opaque[3] != 0) {
        swgi_limiter_give_back(&admission->policies->limiter, permit->opaque[3]);
    }
}
