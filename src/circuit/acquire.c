/*
 * May I call? The few-nanosecond path, and below it everything else.
 *
 * The order is api.md's: is it open (one load, consumes nothing), expired, shed, then the breaker
 * itself.
 */
#include "circuit/circuit.h"
#include "circuit/permit.h"
#include "circuit/sized.h"

#include <errno.h>

enum { REJECTED_OPEN, REJECTED_FULL, REJECTED_LIMITED, REJECTED_SHED, REJECTED_EXPIRED };

static int reject(struct swgi_turn *turn, unsigned counter, int verdict, int64_t retry_in,
                  struct swg_permit *out) {
    struct swgi_column *column = swgi_column(turn->index);
    swgi_column_add(&column->rejected[counter], 1);
    swgi_permit_refuse(out, retry_in);
    swgi_note_rejections(turn, verdict, SWGI_COUNTER(rejected) + counter);
    return verdict;
}

/* Would the breaker reject now, whatever else? Then that is the answer, before anything is
 * consumed. */
static bool is_open(const struct swgi_turn *turn) {
    uint64_t ctl = swgi_effective_ctl(turn->cell, swgi_load(&turn->cell->ctl), turn->now);
    unsigned mode = swgi_ctl_mode(ctl);
    return mode == SWGI_FORCED_OPEN || (mode == SWGI_NORMAL && swgi_ctl_state(ctl) == SWGI_OPEN);
}

#define SHED_RETRY_NS INT64_C(1000000000) /* load is sampled once a second */

static bool sheds(struct swgi_turn *turn, const struct swg_request *request) {
    const struct swgi_settings *settings = &turn->settings;
    if (settings->call_load_above == UINT32_MAX || request->load <= settings->call_load_above)
        return false;
    uint64_t ctl = swgi_load(&turn->cell->ctl);
    if (swgi_ctl_mode(ctl) == SWGI_FORCED_CLOSED ||
        swgi_system_load(turn) <= settings->system_load_above)
        return false;
    if (swgi_ctl_mode(ctl) != SWGI_SHADOW)
        return true;
    swgi_column_add(&swgi_column(turn->index)->would_reject, 1);
    return false;
}

static void admit(struct swgi_turn *turn, const struct swgi_binding *binding,
                  const struct swgi_ticket *ticket, struct swg_permit *out) {
    uint64_t word = ticket->generation;
    if (!ticket->judged)
        word |= SWGI_PERMIT_UNJUDGED;
    if (ticket->has_probe)
        word |= SWGI_PERMIT_PROBE | (uint64_t)ticket->slot << SWGI_PERMIT_SLOT_SHIFT;
    out->opaque[3] = ticket->probe;
    swgi_permit_fill(out, binding, word, turn->now);
    swgi_column_add(&swgi_column(turn->index)->calls, 1);
}

static int acquire_bound(const struct swgi_binding *binding, const struct swg_request *request,
                         int64_t now, struct swg_permit *out) {
    struct swgi_turn turn;
    struct swgi_ticket ticket;
    int64_t retry_in = 0;
    swgi_turn_begin(&turn, binding->map, binding->index, now);
    swgi_turn_now(&turn);
    if (!is_open(&turn)) {
        if (request->deadline != 0 && turn.now >= request->deadline + binding->time_shift)
            return reject(&turn, REJECTED_EXPIRED, SWG_EXPIRED, 0, out);
        if (sheds(&turn, request))
            return reject(&turn, REJECTED_SHED, SWG_SHED, SHED_RETRY_NS, out);
    }
    int rc = swgi_breaker_admit(&turn, request->key, &ticket, &retry_in);
    /* Evicted since we bound: a probe taken would be the next circuit's, and never ended. */
    if (swgi_load(&turn.cell->life) != binding->life) {
        if (rc == SWG_GO)
            swgi_breaker_cancel(&turn, &ticket);
        return -EAGAIN;
    }
    if (rc == SWG_GO)
        admit(&turn, binding, &ticket, out);
    else
        swgi_permit_refuse(out, retry_in);
    return rc;
}

/* Without a circuit: let through, holding nothing, or refused, as the panel's options say. */
static int let_through(struct swg_circuit *circuit, struct swg_permit *out) {
    struct swgi_map *map = atomic_load(&circuit->panel->map);
    swgi_permit_refuse(out, 0);
    if (!map->writable)
        return -EROFS;
    if (circuit->panel->beyond == SWG_BEYOND_ERROR)
        return -ENOSPC;
    swgi_add_relaxed(&map->header->unprotected, 1, COUNTER);
    return SWG_GO;
}

static __attribute__((noinline)) int acquire_slow(struct swg_circuit *circuit,
                                                  const struct swg_request *request, swg_ns now,
                                                  struct swg_permit *out, bool given) {
    if (out == NULL)
        return -EINVAL;
    swgi_permit_refuse(out, 0);
    if (circuit == NULL)
        return -EINVAL;
    struct swg_request known = SWG_REQUEST_INIT;
    int rc = request != NULL ? swgi_sized_in(&known, request) : 0;
    if (rc == 0 && (known.priority < -32 || known.priority > 31))
        rc = -EINVAL;
    if (rc != 0)
        return rc;
    /* A circuit evicted under our hands is bound anew, which happens once where it happens at all. */
    for (unsigned attempt = 0; attempt < 4; attempt++) {
        const struct swgi_binding *binding = swgi_circuit_bind(circuit);
        if (binding == NULL)
            return let_through(circuit, out);
        rc = swgi_thread_enter(binding->map);
        if (rc < 0)
            return rc;
        int64_t at = given ? now + binding->time_shift : swgi_binding_now(binding);
        rc = acquire_bound(binding, &known, at, out);
        if (rc != -EAGAIN)
            return rc;
    }
    return rc;
}

static inline __attribute__((always_inline)) int acquire_fast(const struct swgi_binding *binding,
                                                              int64_t now, struct swg_permit *out) {
    struct swgi_cell *cell = binding->cell;
    uint64_t ctl = swgi_load_acquire(&cell->ctl);
    if (swgi_unlikely(swgi_load_relaxed(&cell->life, FAST_SETTING) != binding->life))
        return -EAGAIN;
    if (swgi_likely((ctl & 15) == 0)) {
        swgi_column_add(&swgi_column(binding->index)->calls, 1);
        swgi_permit_fill(out, binding, swgi_ctl_generation(ctl), now);
        return SWG_GO;
    }
    int64_t until = (int64_t)(swgi_ctl_deadline(ctl) << SWGI_DEADLINE_SHIFT);
    /* Unsigned: a negative now is nobody's, and goes the way on which it is not believed. */
    if ((ctl & 15) == SWGI_OPEN && (uint64_t)now < (uint64_t)until) {
        swgi_column_add(&swgi_column(binding->index)->rejected[REJECTED_OPEN], 1);
        swgi_permit_refuse(out, swgi_ctl_deadline(ctl) == SWGI_NEVER ? INT64_MAX : until - now);
        return SWG_OPEN;
    }
    return -EAGAIN;
}

int swg_acquire_at(struct swg_circuit *circuit, const struct swg_request *request, swg_ns now,
                   struct swg_permit *out) {
    if (swgi_likely(circuit != NULL && request == NULL && out != NULL)) {
        const struct swgi_binding *binding = swgi_load_acquire(&circuit->binding);
        if (swgi_likely(binding != NULL && swgi_thread_ready(binding->tag))) {
            int rc = acquire_fast(binding, now + binding->time_shift, out);
            if (swgi_likely(rc >= 0))
                return rc;
        }
    }
    return acquire_slow(circuit, request, now, out, true);
}

int swg_acquire(struct swg_circuit *circuit, const struct swg_request *request,
                struct swg_permit *out) {
    if (swgi_likely(circuit != NULL && request == NULL && out != NULL)) {
        const struct swgi_binding *binding = swgi_load_acquire(&circuit->binding);
        if (swgi_likely(binding != NULL && swgi_thread_ready(binding->tag))) {
            int rc = acquire_fast(binding, swgi_binding_now(binding), out);
            if (swgi_likely(rc >= 0))
                return rc;
        }
    }
    return acquire_slow(circuit, request, 0, out, false);
}
