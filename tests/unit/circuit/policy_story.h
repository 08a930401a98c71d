/*
 * For stories about policies: calls that ask for something, what a circuit's books say, and the notices it wrote.
 *
 * On the clock of story.h, which stands still until it is moved; what needs threads or processes has a panel of its own.
 */
#ifndef TESTS_CIRCUIT_POLICY_STORY_H
#define TESTS_CIRCUIT_POLICY_STORY_H

#include <stdbool.h>

#include "story.h"

/* ---- asking */

static inline int ask(struct swg_permit *out) {
    return swg_acquire_at(circuit, NULL, now(), out);
}

static inline int ask_as(int priority, uint64_t key, struct swg_permit *out) {
    struct swg_request request = SWG_REQUEST_INIT;

    request.priority = priority;
    request.key = key;
    return swg_acquire_at(circuit, &request, now(), out);
}

static inline int ask_until(swg_ns deadline, struct swg_permit *out) {
    struct swg_request request = SWG_REQUEST_INIT;

    request.deadline = deadline;
    return swg_acquire_at(circuit, &request, now(), out);
}

static inline struct swg_permit taken(void) {
    struct swg_permit permit;

    assert_int_equal(ask(&permit), SWG_GO);
    return permit;
}

static inline struct swg_permit queued(int priority) {
    struct swg_permit permit;

    assert_int_equal(ask_as(priority, 0, &permit), SWG_QUEUED);
    return permit;
}

static inline void take_all(struct swg_permit *permits, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        permits[i] = taken();
}

static inline void end_all(struct swg_permit *permits, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        record_permit(&permits[i], SWG_SUCCESS, 0);
}

/* ---- the books */

static inline uint64_t ended_of(const struct swg_status *seen) {
    return seen->successes + seen->failures + seen->timeouts + seen->ignored + seen->cancelled +
           seen->late;
}

static inline uint64_t rejected_of(const struct swg_status *seen) {
    return seen->rejected_open + seen->rejected_full + seen->rejected_limited +
           seen->rejected_shed + seen->rejected_expired + seen->rejected_saturated;
}

/* Every permit ends exactly once: so many are out, and the bulkhead holds as many. */
static inline void assert_out(unsigned out) {
    struct swg_status seen = status();

    assert_int_equal(seen.calls - ended_of(&seen), out);
    assert_int_equal(seen.permits_held, out);
}

/* Notices of rejections with that verdict. */
static inline unsigned told(int verdict) {
    struct swg_event event = SWG_EVENT_INIT;
    uint64_t cursor = 0;
    unsigned count = 0;

    while (swg_panel_next_event(panel, &cursor, &event) == 1)
        count += event.kind == SWG_EVENT_REJECTED && event.code == verdict;
    return count;
}

#endif
