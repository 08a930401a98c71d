/*
 * What stands before the breaker: limiter and bulkhead, in this order. A call that may wait for
 * either is a queued permit, and goes on from there when it is polled.
 */
#ifndef SWGI_CIRCUIT_ADMISSION_H
#define SWGI_CIRCUIT_ADMISSION_H

#include "circuit/circuit.h"
#include "circuit/permit.h"
#include "engine/policies.h"

struct swgi_admission {
    const struct swgi_binding *binding;
    struct swgi_policies *policies;
    int64_t now; /* panel time, believed */
    struct swgi_asked asked;
    struct swgi_held held;
    uint64_t paid;    /* the limiter's place; 0: none */
    int64_t retry_in; /* after a rejection */
    unsigned counter; /* enum swgi_verdict of a rejection */
};

static inline bool swgi_admission_has(const struct swgi_admission *admission, uint32_t habit) {
    return (swgi_load_relaxed(&admission->policies->habits, FAST_SETTING) & habit) != 0;
}

/* How soon asking a full bulkhead again may help: nobody knows. */
#define SWGI_FULL_RETRY_NS INT64_C(1000000)

/* One after the other, at length. */
int swgi_admission_limiter(struct swgi_admission *admission, struct swg_permit *out);
int swgi_admission_bulkhead(struct swgi_admission *admission, struct swg_permit *out);
/* No permit was free. */
int swgi_admission_full(struct swgi_admission *admission, int priority, struct swg_permit *out);

/*
 * SWG_GO: nothing stands in the way, admission->held is to be released. SWG_QUEUED: *out is the
 * place. SWG_LIMITED, SWG_FULL, SWG_QUEUE_SATURATED: rejected, nothing is held.
 */
static inline int swgi_admission_ask(struct swgi_admission *admission, uint32_t traits,
                                     struct swg_permit *out) {
    struct swgi_policies *policies = admission->policies;
    struct swgi_map *map = admission->binding->map;
    int rc = SWG_GO;
    admission->held.word = 0;
    admission->held.slot = 0;
    admission->paid = 0;
    if (traits & SWGI_TRAIT_LIMITER) {
        struct swgi_limiter_answer answer = { .wait_ns = 1 };
        if (!swgi_admission_has(admission, SWGI_HABIT_LIMITER_WAITS))
            answer = swgi_limiter_take(&policies->limiter, map->slots, map->geometry.slots,
                                       admission->now, 0);
        admission->paid = answer.place;
        if (answer.wait_ns != 0)
            rc = swgi_admission_limiter(admission, out);
        if (rc != SWG_GO)
            return rc;
    }
    if ((traits & SWGI_TRAIT_BULKHEAD) == 0)
        return SWG_GO;
    if (swgi_admission_has(admission, SWGI_HABIT_DYNAMIC))
        return swgi_admission_bulkhead(admission, out);
    int priority = (int)admission->asked.priority - SWGI_PRIORITY_ZERO;
    rc = swgi_bulkhead_take(map, &policies->bulkhead, priority, admission->now, &admission->held);
    return swgi_likely(rc == SWG_GO) ? rc : swgi_admission_full(admission, priority, out);
}
/* A queued permit's next step: as above. Never blocks; sleep_ns > 0: may sleep that long, once. */
int swgi_admission_continue(struct swgi_admission *admission, struct swg_permit *permit,
                            int64_t sleep_ns);
/* Waits no more. */
void swgi_admission_leave(const struct swgi_admission *admission, struct swg_permit *permit);
/* When a queued permit is rejected at the latest; panel time. */
int64_t swgi_admission_until(const struct swgi_admission *admission,
                             const struct swg_permit *permit);

#endif
