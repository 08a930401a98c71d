/*
 * Going on with a permit that was not admitted at once: queued ones, and tickets for another
 * attempt.
 */
#include <errno.h>
#include <time.h>

#include "circuit/acquire.h"
#include "circuit/completion.h"
#include "panel/waiters.h"

int64_t swgi_wait_left(const struct swg_permit *permit) {
    if ((permit->opaque[1] & SWGI_PERMIT_PACED) == 0) {
        bool inside = (permit->opaque[1] & SWGI_PERMIT_POLICIES) &&
                      (permit->opaque[1] & SWGI_PERMIT_WAITS) == 0;
        return inside ? swgi_delay_unpack(swgi_permit_asked(permit).previous) : 0;
    }
    int64_t left = (int64_t)permit->opaque[2] - swgi_binding_now(swgi_permit_binding(permit));
    return left > 0 ? left : 0;
}

/* ---- queued */

/* A panel's virtual clock stands still: sleeping would never end. */
static int64_t sleep_for(const struct swgi_admission *admission, const struct swg_permit *permit,
                         int64_t until) {
    int64_t least = swgi_admission_until(admission, permit);
    if (admission->binding->map->virtual_on)
        return 0;
    if (permit->opaque[1] & SWGI_PERMIT_PACED && (int64_t)permit->opaque[2] < least)
        least = (int64_t)permit->opaque[2];
    if (until < least)
        least = until;
    return least > admission->now ? least - admission->now : 0;
}

static void nap(int64_t ns) {
    struct timespec pause = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
    nanosleep(&pause, NULL);
}

/* Who has no place of its own sleeps without a futex; all look at the breaker now and then, because
 * a trip rejects whoever waits. */
static int step(struct swgi_admission *admission, struct swg_permit *permit, int64_t sleep_ns) {
    bool placed =
        (permit->opaque[1] & SWGI_PERMIT_PACED) == 0 && swgi_permit_waiter(permit).word != 0;
    if (sleep_ns > SWGI_WAIT_SLICE_NS)
        sleep_ns = SWGI_WAIT_SLICE_NS;
    if (sleep_ns > 0 && !placed) {
        nap(sleep_ns);
        admission->now = swgi_binding_now(admission->binding);
        sleep_ns = 0;
    }
    return swgi_admit_queued(admission, permit, sleep_ns);
}

static int prepare(struct swg_permit *permit, struct swgi_admission *admission) {
    if (permit == NULL)
        return -EINVAL;
    int rc = permit->opaque[0] != 0 ? swgi_permit_validate(permit) : -EINVAL;
    if (rc < 0)
        return -EINVAL;
    const struct swgi_binding *binding = swgi_permit_binding(permit);
    if (rc > 0) {
        swg_cancel(permit);
        return -EINVAL;
    }
    *admission = (struct swgi_admission){
        .binding = binding,
        .policies = swgi_policies_of(binding->map, binding->cell),
        .now = swgi_binding_now(binding),
        .asked = swgi_permit_asked(permit),
    };
    return (permit->opaque[1] & SWGI_PERMIT_WAITS) == 0 ? SWG_GO : SWG_QUEUED;
}

int swg_poll(struct swg_permit *permit) {
    struct swgi_admission admission;
    int rc = prepare(permit, &admission);
    return rc == SWG_QUEUED ? step(&admission, permit, 0) : rc;
}

int swg_wait(struct swg_permit *permit, swg_ns until) {
    struct swgi_admission admission;
    int rc = prepare(permit, &admission);
    if (rc != SWG_QUEUED)
        return rc;
    int64_t last = swgi_shifted(until, admission.binding->time_shift);
    for (;;) {
        rc = step(&admission, permit, sleep_for(&admission, permit, last));
        admission.now = swgi_binding_now(admission.binding);
        if (rc != SWG_QUEUED || admission.now >= last || admission.binding->map->virtual_on)
            return rc;
    }
}

int swg_wait_fd(struct swg_permit *permit) {
    struct swgi_admission admission;
    int rc = prepare(permit, &admission);
    if (rc != SWG_QUEUED)
        return rc < 0 ? rc : -EALREADY;
    struct swgi_waiter waiter = { .asked = swgi_permit_listens(permit) };
    rc = swgi_wait_descriptor(admission.binding->map, &waiter);
    swgi_permit_listen(permit, waiter.asked);
    return rc;
}

swg_ns swg_deadline(const struct swg_permit *permit) {
    if (permit == NULL || permit->opaque[0] == 0 || swgi_permit_validate(permit) != 0)
        return SWG_NS_MAX;
    const struct swgi_binding *binding = swgi_permit_binding(permit);
    const struct swgi_policies *policies = swgi_policies_of(binding->map, binding->cell);
    int64_t deadline = (int64_t)permit->opaque[4] != 0 ? (int64_t)permit->opaque[4] : SWG_NS_MAX;
    bool began = (permit->opaque[1] & SWGI_PERMIT_WAITS) == 0;
    uint64_t attempt = SWGI_OFF;
    if (began && policies != NULL)
        attempt = swgi_timeout_attempt(&policies->timeout);
    int64_t since = (int64_t)permit->opaque[2];
    if (attempt != SWGI_OFF && swgi_after(since, attempt) < deadline)
        deadline = swgi_after(since, attempt);
    return deadline == SWG_NS_MAX ? SWG_NS_MAX : deadline - binding->time_shift;
}

/* ---- another attempt */

static bool is_ticket_of(uint64_t tag, void *arg) {
    const struct swg_permit *permit = arg;
    return permit->opaque[7] == (permit->opaque[3] ^ permit->opaque[1] ^ tag ^ SWGI_PERMIT_TICKET);
}

static const struct swgi_binding *ticket_binding(struct swg_permit *permit) {
    bool current = false;
    if (permit->opaque[0] != 0 || permit->opaque[3] == 0)
        return NULL;
    /* One of before a fork is the parent's: the retry was paid for once. */
    if (swgi_map_of_tag(is_ticket_of, permit, &current) == NULL || !current)
        return NULL;
    return (const struct swgi_binding *)(uintptr_t)permit->opaque[3];
}

/* All its attempts failed, and there is no other: that is what the call came to. -EINVAL: a copy of a permit that was ended. */
static int give_up(struct swg_permit *permit) {
    struct swg_failure why = SWG_FAILURE_INIT;
    why.no_retry = 1;
    return swg_record_error(permit, SWG_FAILURE, &why);
}

/* All attempts are under one permit, unless it opened meanwhile, or another took its probe over: then that one is over. */
static int go_on_inside(struct swg_permit *permit) {
    struct swgi_admission admission;
    int rc = prepare(permit, &admission);
    if (rc != SWG_GO || admission.asked.attempt < 2)
        return -EINVAL;
    const struct swgi_binding *binding = admission.binding;
    permit->opaque[2] = (uint64_t)admission.now;
    if (swgi_permit_still_there(permit, binding) && swgi_completion_holds(permit, binding) &&
        !swgi_breaker_is_open(binding->cell, admission.now))
        return SWG_GO;
    if (give_up(permit) == -EINVAL)
        return -EINVAL;
    return swgi_acquire_attempt(binding->circuit, &admission.asked, permit);
}

int swg_acquire_again(struct swg_permit *permit) {
    if (permit == NULL)
        return -EINVAL;
    if (permit->opaque[0] != 0)
        return go_on_inside(permit);
    const struct swgi_binding *binding = ticket_binding(permit);
    if (binding == NULL)
        return -EINVAL;
    struct swgi_asked asked = swgi_permit_asked(permit);
    asked.deadline = (int64_t)permit->opaque[5];
    return swgi_acquire_attempt(binding->circuit, &asked, permit);
}
