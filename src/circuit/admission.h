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
    int64_t retry_in; /* after a rejection */
    unsigned counter; /* enum swgi_verdict of a rejection */
};

/*
 * SWG_GO: nothing stands in the way, admission->held is to be released. SWG_QUEUED: *out is the
 * place. SWG_LIMITED, SWG_FULL, SWG_QUEUE_SATURATED: rejected, nothing is held.
 */
int swgi_admission_ask(struct swgi_admission *admission, struct swg_permit *out);
/* A queued permit's next step: as above. Never blocks; sleep_ns > 0: may sleep that long, once. */
int swgi_admission_continue(struct swgi_admission *admission, struct swg_permit *permit,
                            int64_t sleep_ns);
/* Waits no more. */
void swgi_admission_leave(const struct swgi_admission *admission, struct swg_permit *permit);
/* When a queued permit is rejected at the latest; panel time. */
int64_t swgi_admission_until(const struct swgi_admission *admission,
                             const struct swg_permit *permit);

#endif
