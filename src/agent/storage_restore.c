/*
 * What circuits were comes back into a panel that knows nothing of it: one of another boot, or whose
 * file was lost. Each row says in which panel its circuit was seen, so that a kill on the way leaves
 * those to do that were not done.
 */
#include <errno.h>
#include <string.h>

#include "agent/storage_inside.h"
#include "base/text.h"

static int64_t to_ns(int64_t ms) {
    return ms < INT64_MAX / 1000000 ? ms * 1000000 : INT64_MAX;
}

static int64_t ago_ns(int64_t wall_ms, int64_t at_ms) {
    return wall_ms > at_ms ? to_ns(wall_ms - at_ms) : 0;
}

/* By the calendar, but never longer than it was to be from the beginning: a calendar may be set back. */
static int64_t left_ns(int64_t wall_ms, int64_t from_ms, int64_t until_ms) {
    if (until_ms == INT64_MAX)
        return INT64_MAX;
    int64_t left_ms = until_ms - wall_ms, whole_ms = until_ms - from_ms;
    if (from_ms != 0 && left_ms > whole_ms)
        left_ms = whole_ms;
    return left_ms > 0 ? to_ns(left_ms) : 0;
}

/* Who probed is gone, and so are the probes: an open time that was over is due. */
static void past_of(const struct swgi_state *state, int64_t wall_ms, struct swgi_past *past) {
    *past = (struct swgi_past){ .is_open = state->state != SWG_STATE_CLOSED,
                                .mode = (unsigned)state->mode,
                                .rule = (unsigned)state->rule,
                                .since_ago_ns = ago_ns(wall_ms, state->since_ms),
                                .trip_ago_ns = -1,
                                .trips = state->trips,
                                .trips_in_a_row = state->trips_in_a_row,
                                .value = state->trip_value,
                                .threshold = state->trip_threshold,
                                .calls = state->trip_calls,
                                .trip_wall_ms = state->last_trip_ms,
                                .mode_wall_ms = state->mode_set_ms };
    if (state->state == SWG_STATE_OPEN)
        past->open_for_ns = left_ns(wall_ms, state->since_ms, state->open_until_ms);
    if (state->mode != SWG_MODE_NORMAL)
        past->mode_for_ns = left_ns(wall_ms, state->mode_set_ms, state->mode_until_ms);
    if (state->last_trip_ms != 0)
        past->trip_ago_ns = ago_ns(wall_ms, state->last_trip_ms);
    swgi_copy_text(past->mode_user, sizeof(past->mode_user), state->mode_user);
    swgi_copy_text(past->mode_reason, sizeof(past->mode_reason), state->mode_reason);
}

static bool is_nothing(const struct swgi_past *past) {
    return !past->is_open && past->mode == SWGI_NORMAL && past->trips == 0;
}

int swgi_kept_restore(struct swgi_storage *storage, struct swgi_kept *kept,
                      struct swg_circuit *circuit) {
    struct swgi_past past;
    if (!kept->is_restorable)
        return 0;
    past_of(&kept->state, swgi_storage_wall(storage), &past);
    int rc = is_nothing(&past) ? -EALREADY : swgi_circuit_restore(circuit, &past);
    if (rc == -ENOENT)
        return rc;
    kept->is_restorable = false;
    return rc == 0 ? 1 : rc;
}

/* Restored circuits are seen at once, so that their rows become this panel's. */
int swgi_storage_restore(struct swgi_storage *storage, struct swg_error *error) {
    struct swg_status status = SWG_STATUS_INIT;
    int restored = 0;
    (void)error;
    if (storage == NULL)
        return 0;
    swgi_storage_look_at_panel(storage);
    for (struct swgi_kept *kept = storage->all; kept != NULL; kept = kept->next) {
        struct swg_circuit *circuit;
        if (!kept->is_restorable ||
            swg_circuit_find(storage->panel, kept->state.circuit, &circuit) != 0)
            continue;
        restored += swgi_kept_restore(storage, kept, circuit) == 1;
        if (swg_circuit_status(circuit, &status) == 0)
            swgi_kept_see(storage, kept, circuit, &status);
    }
    pthread_cond_signal(&storage->wake);
    return restored;
}
