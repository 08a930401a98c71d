/*
 * Checkpoints: of each circuit what the database says or is about to, and whether that is still so.
 * Only what changed is written, and of several changes only the last.
 */
#include <errno.h>
#include <math.h>
#include <search.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "agent/storage_inside.h"
#include "base/text.h"

static int by_name(const void *a, const void *b) {
    const struct swgi_kept *left = a, *right = b;
    return strcmp(left->state.circuit, right->state.circuit);
}

static struct swgi_kept *search(const struct swgi_storage *storage, const char *circuit) {
    struct swgi_kept wanted;
    swgi_copy_text(wanted.state.circuit, sizeof(wanted.state.circuit), circuit);
    struct swgi_kept **found = tfind(&wanted, &storage->tree, by_name);
    return found != NULL ? *found : NULL;
}

/* Every tick asks for all in one order, so most often for who came next the last time, too. */
struct swgi_kept *swgi_kept_find(struct swgi_storage *storage, const char *circuit) {
    struct swgi_kept *before = storage->found, *kept = before != NULL ? before->after : NULL;
    if (kept == NULL || strcmp(kept->state.circuit, circuit) != 0)
        kept = search(storage, circuit);
    if (kept == NULL)
        return NULL;
    if (before != NULL)
        before->after = kept;
    return storage->found = kept;
}

struct swgi_kept *swgi_kept_get(struct swgi_storage *storage, const char *circuit) {
    struct swgi_kept *kept = swgi_kept_find(storage, circuit);
    if (kept != NULL)
        return kept;
    kept = calloc(1, sizeof(*kept));
    if (kept == NULL)
        return NULL;
    swgi_copy_text(kept->state.circuit, sizeof(kept->state.circuit), circuit);
    if (tsearch(kept, &storage->tree, by_name) == NULL) {
        free(kept);
        return NULL;
    }
    pthread_mutex_lock(&storage->mutex);
    kept->next = storage->all;
    storage->all = kept;
    pthread_mutex_unlock(&storage->mutex);
    return kept;
}

static void leave(void *kept) {
    (void)kept;
}

void swgi_kept_free(struct swgi_storage *storage) {
    tdestroy(storage->tree, leave);
    storage->tree = NULL;
    storage->found = NULL;
    while (storage->all != NULL) {
        struct swgi_kept *kept = storage->all;
        storage->all = kept->next;
        free(kept->bins);
        free(kept);
    }
    storage->dirty = NULL;
}

void swgi_kept_mark_dirty(struct swgi_storage *storage, struct swgi_kept *kept) {
    pthread_mutex_lock(&storage->mutex);
    if (!kept->is_dirty) {
        kept->is_dirty = true;
        kept->next_dirty = storage->dirty;
        storage->dirty = kept;
    }
    pthread_mutex_unlock(&storage->mutex);
}

/* ---- from the panel's clock to the calendar */

struct clocks {
    int64_t now, wall_ms;
};

static int64_t past_ms(const struct clocks *clocks, int64_t at) {
    if (at <= 0)
        return 0;
    int64_t ago_ms = at < clocks->now ? (clocks->now - at) / 1000000 : 0;
    return ago_ms < clocks->wall_ms ? clocks->wall_ms - ago_ms : 1;
}

static int64_t coming_ms(const struct clocks *clocks, int64_t until) {
    if (until == SWG_NS_MAX)
        return INT64_MAX;
    if (until <= 0)
        return 0;
    return clocks->wall_ms + (until > clocks->now ? (until - clocks->now) / 1000000 : 0);
}

static uint64_t rejected(const struct swg_status *status) {
    return status->rejected_open + status->rejected_full + status->rejected_limited +
           status->rejected_shed + status->rejected_expired + status->rejected_saturated;
}

static struct swgi_mark mark_of(const struct swg_status *status, uint32_t generation) {
    return (struct swgi_mark){ .state = status->state,
                               .mode = status->mode,
                               .rule = status->rule,
                               .since = status->since,
                               .open_until = status->open_until,
                               .mode_until = status->mode_until,
                               .last_trip = status->last_trip,
                               .generation = generation,
                               .transitions = status->transitions,
                               .trips = status->trips,
                               .trips_in_a_row = status->trips_in_a_row,
                               .calls = status->calls,
                               .successes = status->successes,
                               .failures = status->failures,
                               .timeouts = status->timeouts,
                               .slow = status->slow,
                               .rejected = rejected(status) };
}

static void fill_counters(struct swgi_state *state, const struct swg_status *status) {
    state->transitions = status->transitions;
    state->trips = status->trips;
    state->trips_in_a_row = status->trips_in_a_row;
    state->calls = status->calls;
    state->successes = status->successes;
    state->failures = status->failures;
    state->timeouts = status->timeouts;
    state->slow = status->slow;
    state->rejected = rejected(status);
}

static void fill(struct swgi_storage *storage, struct swgi_state *state,
                 const struct swg_status *status, uint32_t generation) {
    const struct clocks clocks = { swg_panel_now(storage->panel), swgi_storage_wall(storage) };
    state->state = status->state;
    state->mode = status->mode;
    state->rule = status->rule;
    state->generation = generation;
    state->since_ms = past_ms(&clocks, status->since);
    state->open_until_ms = coming_ms(&clocks, status->open_until);
    state->mode_until_ms = coming_ms(&clocks, status->mode_until);
    state->last_trip_ms = past_ms(&clocks, status->last_trip);
    fill_counters(state, status);
    state->panel_birth_ms = storage->birth_ms;
    state->updated_ms = clocks.wall_ms;
}

void swgi_kept_see(struct swgi_storage *storage, struct swgi_kept *kept,
                   const struct swg_circuit *circuit, const struct swg_status *status) {
    uint32_t generation = swgi_circuit_generation(circuit);
    struct swgi_mark mark = mark_of(status, generation);
    bool is_same = memcmp(&mark, &kept->mark, sizeof(mark)) == 0 &&
                   kept->state.panel_birth_ms == storage->birth_ms;
    if (is_same || kept->is_restorable)
        return;
    struct swgi_state state = kept->state;
    fill(storage, &state, status, generation);
    pthread_mutex_lock(&storage->mutex);
    kept->state = state;
    pthread_mutex_unlock(&storage->mutex);
    kept->mark = mark;
    swgi_kept_mark_dirty(storage, kept);
}

/* ---- what only events tell */

static double sound(double value) {
    return isfinite(value) ? value : 0;
}

static void note_event(struct swgi_state *state, const struct swg_event *event) {
    bool trips = (event->kind == SWG_EVENT_TRANSITION || event->kind == SWG_EVENT_TRIP) &&
                 event->to == SWG_STATE_OPEN;
    if (trips) {
        state->trip_rule = event->rule;
        state->trip_value = sound(event->value);
        state->trip_threshold = sound(event->threshold);
        state->trip_calls = event->calls;
    }
    if (event->kind == SWG_EVENT_MODE) {
        state->mode_set_ms = event->wall_ms;
        swgi_copy_text(state->mode_user, sizeof(state->mode_user), event->user);
        swgi_copy_text(state->mode_reason, sizeof(state->mode_reason), event->text);
    }
}

/* What a restore itself says is known better. */
static bool concerns_state(const struct swg_event *event) {
    return event->kind >= SWG_EVENT_TRANSITION && event->kind <= SWG_EVENT_MODE &&
           strcmp(event->source, "restore") != 0;
}

void swgi_kept_event(struct swgi_storage *storage, const struct swg_event *event) {
    struct swg_status status = SWG_STATUS_INIT;
    struct swg_circuit *circuit = NULL;
    bool is_created = event->kind == SWG_EVENT_CREATED;
    if (!is_created && !concerns_state(event))
        return;
    struct swgi_kept *kept = is_created ? swgi_kept_find(storage, event->circuit)
                                        : swgi_kept_get(storage, event->circuit);
    if (kept == NULL || swg_circuit_find(storage->panel, event->circuit, &circuit) != 0)
        return;
    swgi_kept_restore(storage, kept, circuit);
    if (!is_created) {
        pthread_mutex_lock(&storage->mutex);
        note_event(&kept->state, event);
        pthread_mutex_unlock(&storage->mutex);
        swgi_kept_mark_dirty(storage, kept);
    }
    if (swg_circuit_status(circuit, &status) == 0)
        swgi_kept_see(storage, kept, circuit, &status);
}
