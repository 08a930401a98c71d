/*
 * The words of the panel, field by field. Each is changed as a whole by compare-and-swap, and
 * carries the generation (or tick) it belongs to, so that a word written by someone who stalled is
 * recognised and changes nothing.
 */
#ifndef SWGI_PANEL_WORDS_H
#define SWGI_PANEL_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "panel/limits.h"

#define SWGI_MASK(bits) ((UINT64_C(1) << (bits)) - 1)

static inline uint64_t swgi_field(uint64_t word, unsigned shift, unsigned bits) {
    return (word >> shift) & SWGI_MASK(bits);
}

/* ---- ctl: state:2 | mode:2 | generation:20 | payload:40
 * Payload by state: CLOSED score:32 armed:1 · RAMP score:32 armed:1 step:7 · OPEN, HALF deadline:36
 * rule:4 · a forced mode: its own deadline:36. The fast path is (ctl & 15) == 0. */
enum { SWGI_CLOSED, SWGI_OPEN, SWGI_HALF, SWGI_RAMP };
enum { SWGI_NORMAL, SWGI_FORCED_OPEN, SWGI_FORCED_CLOSED, SWGI_SHADOW };

#define SWGI_NEVER SWGI_MASK(SWGI_DEADLINE_BITS) /* a deadline that only a hand ends */

static inline uint64_t swgi_ctl(unsigned state, unsigned mode, uint64_t generation,
                                uint64_t payload) {
    return (uint64_t)state | (uint64_t)mode << 2 | (generation & SWGI_MASK(20)) << 4 |
           payload << 24;
}
static inline unsigned swgi_ctl_state(uint64_t ctl) {
    return (unsigned)(ctl & 3);
}
/* The states whose calls are judged by rules, and whose payload is a score. */
static inline bool swgi_state_judges(unsigned state) {
    return state == SWGI_CLOSED || state == SWGI_RAMP;
}
static inline unsigned swgi_ctl_mode(uint64_t ctl) {
    return (unsigned)(ctl >> 2 & 3);
}
static inline uint64_t swgi_ctl_generation(uint64_t ctl) {
    return swgi_field(ctl, 4, 20);
}
static inline uint64_t swgi_ctl_payload(uint64_t ctl) {
    return ctl >> 24;
}
static inline uint32_t swgi_ctl_score(uint64_t ctl) {
    return (uint32_t)(ctl >> 24);
}
static inline bool swgi_ctl_armed(uint64_t ctl) {
    return ctl >> 56 & 1;
}
static inline unsigned swgi_ctl_step(uint64_t ctl) {
    return (unsigned)(ctl >> 57);
}
static inline uint64_t swgi_ctl_deadline(uint64_t ctl) {
    return swgi_field(ctl, 24, 36);
}
static inline unsigned swgi_ctl_rule(uint64_t ctl) {
    return (unsigned)(ctl >> 60);
}
static inline bool swgi_ctl_forced(uint64_t ctl) {
    return swgi_ctl_mode(ctl) == SWGI_FORCED_OPEN || swgi_ctl_mode(ctl) == SWGI_FORCED_CLOSED;
}
static inline uint64_t swgi_generation_next(uint64_t generation) {
    return (generation + 1) & SWGI_MASK(SWGI_GENERATION_BITS);
}
static inline uint64_t swgi_payload_score(uint32_t score, bool armed, unsigned step) {
    return (uint64_t)score | (uint64_t)armed << 32 | (uint64_t)step << 33;
}
static inline uint64_t swgi_payload_deadline(uint64_t deadline, unsigned rule) {
    return deadline | (uint64_t)rule << 36;
}

/* Panel time to deadline units, rounded up, and back. */
static inline uint64_t swgi_deadline_from(int64_t at) {
    if (at <= 0)
        return 0;
    uint64_t units = ((uint64_t)at + SWGI_MASK(SWGI_DEADLINE_SHIFT)) >> SWGI_DEADLINE_SHIFT;
    return units < SWGI_NEVER ? units : SWGI_NEVER;
}
static inline int64_t swgi_deadline_time(uint64_t deadline) {
    return deadline == SWGI_NEVER ? INT64_MAX : (int64_t)(deadline << SWGI_DEADLINE_SHIFT);
}

/* ---- epoch: generation:20 | tick:28 */
static inline uint64_t swgi_epoch(uint64_t generation, uint64_t tick) {
    return generation | (tick & SWGI_MASK(SWGI_TICK_BITS)) << SWGI_GENERATION_BITS;
}
static inline uint64_t swgi_epoch_generation(uint64_t epoch) {
    return swgi_field(epoch, 0, 20);
}
static inline uint32_t swgi_epoch_tick(uint64_t epoch) {
    return (uint32_t)swgi_field(epoch, 20, 28);
}

/* Is tick a before tick b on the circle of 2^28? */
static inline bool swgi_tick_before(uint32_t a, uint32_t b) {
    uint32_t distance = (b - a) & (uint32_t)SWGI_MASK(SWGI_TICK_BITS);
    return distance != 0 && distance < 1u << (SWGI_TICK_BITS - 1);
}

/* ---- snapshot: sum:36 | tick:28, and base: sum:44 | generation:20; sums are cumulative,
 * differences modulo their width */
static inline uint64_t swgi_snapshot(uint32_t tick, uint64_t sum) {
    return (sum & SWGI_MASK(36)) | (uint64_t)tick << 36;
}
static inline uint32_t swgi_snapshot_tick(uint64_t word) {
    return (uint32_t)(word >> 36);
}
static inline uint64_t swgi_base(uint64_t generation, uint64_t sum) {
    return (sum & SWGI_MASK(44)) | generation << 44;
}
static inline uint64_t swgi_base_generation(uint64_t word) {
    return word >> 44;
}

/* sum - earlier within a field of that many bits; what would be negative is 0. */
static inline uint64_t swgi_sum_since(uint64_t sum, uint64_t earlier, unsigned bits) {
    uint64_t difference = (sum - earlier) & SWGI_MASK(bits);
    return difference >> (bits - 1) ? 0 : difference;
}

/* ---- since: generation:20 | step:7 | time:36 (deadline units, rounded down) */
static inline uint64_t swgi_since(uint64_t generation, unsigned step, int64_t at) {
    uint64_t time = (uint64_t)at >> SWGI_DEADLINE_SHIFT & SWGI_MASK(36);
    return generation | (uint64_t)step << 20 | time << 27;
}
static inline uint64_t swgi_since_generation(uint64_t since) {
    return swgi_field(since, 0, 20);
}
static inline unsigned swgi_since_step(uint64_t since) {
    return (unsigned)swgi_field(since, 20, 7);
}
static inline int64_t swgi_since_time(uint64_t since) {
    return (int64_t)(swgi_field(since, 27, 36) << SWGI_DEADLINE_SHIFT);
}

/* ---- streak: generation:20 | n:32;  shadow's bound: generation:20 | deadline:36 */
static inline uint64_t swgi_tagged(uint64_t generation, uint64_t value) {
    return generation | value << 20;
}
static inline uint64_t swgi_tagged_generation(uint64_t word) {
    return swgi_field(word, 0, 20);
}
static inline uint64_t swgi_tagged_value(uint64_t word) {
    return word >> 20;
}

/* ---- probe: generation:20 | state:3 | owner:10 | incarnation:14 | sequence:9 | successes:8 */
enum {
    SWGI_PROBE_FREE,
    SWGI_PROBE_HELD,
    SWGI_PROBE_PASSED, /* the four that end a slot are told apart for a verdict by rate */
    SWGI_PROBE_FAILED,
    SWGI_PROBE_PASSED_SLOW,
    SWGI_PROBE_FAILED_SLOW,
    SWGI_PROBE_TIMEOUT,
    SWGI_PROBE_TIMEOUT_SLOW
};
static inline uint64_t swgi_probe(uint64_t generation, unsigned state, unsigned owner,
                                  unsigned incarnation, unsigned sequence, unsigned successes) {
    return generation | (uint64_t)state << 20 | (uint64_t)owner << 23 |
           (uint64_t)(incarnation & 0x3fff) << 33 | (uint64_t)(sequence & 0x1ff) << 47 |
           (uint64_t)successes << 56;
}
static inline uint64_t swgi_probe_generation(uint64_t probe) {
    return swgi_field(probe, 0, 20);
}
static inline unsigned swgi_probe_state(uint64_t probe) {
    return (unsigned)swgi_field(probe, 20, 3);
}
static inline unsigned swgi_probe_owner(uint64_t probe) {
    return (unsigned)swgi_field(probe, 23, 10);
}
static inline unsigned swgi_probe_incarnation(uint64_t probe) {
    return (unsigned)swgi_field(probe, 33, 14);
}
static inline unsigned swgi_probe_sequence(uint64_t probe) {
    return (unsigned)swgi_field(probe, 47, 9);
}
static inline unsigned swgi_probe_successes(uint64_t probe) {
    return (unsigned)(probe >> 56);
}

/* ---- lease of a column: owner:10 | incarnation:22 | thread:32; 0 free */
static inline uint64_t swgi_lease(unsigned owner, uint32_t incarnation, uint32_t thread) {
    return (uint64_t)owner | (uint64_t)(incarnation & 0x3fffff) << 10 | (uint64_t)thread << 32;
}
static inline unsigned swgi_lease_owner(uint64_t lease) {
    return (unsigned)(lease & 0x3ff);
}
static inline uint32_t swgi_lease_incarnation(uint64_t lease) {
    return (uint32_t)(lease >> 10 & 0x3fffff);
}

#endif
