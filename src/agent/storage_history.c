/* A row per circuit and minute in which something happened: what was counted since the minute before. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/storage_inside.h"
#include "base/text.h"

#define MINUTE_MS INT64_C(60000)

static struct swgi_sample sample_of(const struct swgi_measure *measure) {
    const struct swg_status *status = &measure->status;
    struct swgi_sample sample = {
        .calls = status->calls,
        .failures = status->failures + status->timeouts,
        .slow = status->slow,
        .rejected = status->rejected_open + status->rejected_full + status->rejected_limited +
                    status->rejected_shed + status->rejected_expired + status->rejected_saturated,
    };
    for (unsigned i = 0; i < 3; i++)
        sample.in_state[i] = measure->in_state[i];
    return sample;
}

/* Counters that went down are another circuit's of the same name: it was evicted and made anew. */
static uint64_t since(uint64_t now, uint64_t before) {
    return now >= before ? now - before : now;
}

static void share_states(struct swgi_minute *minute, const struct swgi_sample *now,
                         const struct swgi_sample *before, int state) {
    double spent[3], sum = 0;
    for (unsigned i = 0; i < 3; i++) {
        int64_t ns = now->in_state[i] - before->in_state[i];
        sum += spent[i] = ns > 0 ? (double)ns : 0;
    }
    for (int i = 0; i < 3; i++)
        minute->share[i] = sum > 0 ? spent[i] / sum : i == state;
}

/* ---- percentiles of a minute: the histogram now less the histogram then */

static double quantile(const uint64_t *counts, uint64_t sum, double share) {
    uint64_t below = 0;
    for (unsigned i = 0; i < SWGI_HISTOGRAM_BINS; i++) {
        below += counts[i];
        if (below != 0 && (double)below >= share * (double)sum)
            return (double)swgi_histogram_bound(i) / 1e9;
    }
    return -1;
}

static bool is_empty(const uint64_t bins[SWGI_HISTOGRAM_BINS]) {
    unsigned i = 0;
    while (i < SWGI_HISTOGRAM_BINS && bins[i] == 0)
        i++;
    return i == SWGI_HISTOGRAM_BINS;
}

/* Low halves are enough to tell what a minute added. */
static void take_bins(struct swgi_kept *kept, const struct swg_circuit *circuit,
                      struct swgi_minute *minute) {
    uint64_t bins[SWGI_HISTOGRAM_BINS], added[SWGI_HISTOGRAM_BINS], sum = 0;
    if (!swgi_circuit_bins(circuit, bins) || (kept->bins == NULL && is_empty(bins)))
        return;
    if (kept->bins == NULL)
        kept->bins = calloc(SWGI_HISTOGRAM_BINS, sizeof(kept->bins[0]));
    if (kept->bins == NULL)
        return;
    for (unsigned i = 0; i < SWGI_HISTOGRAM_BINS; i++) {
        added[i] = (uint32_t)bins[i] - kept->bins[i];
        if (added[i] > UINT32_MAX / 2) /* less than before: made anew */
            added[i] = (uint32_t)bins[i];
        kept->bins[i] = (uint32_t)bins[i];
        sum += added[i];
    }
    if (minute == NULL || sum == 0)
        return;
    minute->p50 = quantile(added, sum, 0.5);
    minute->p99 = quantile(added, sum, 0.99);
}

/* ---- rows */

static bool was_active(const struct swgi_minute *minute) {
    return minute->calls != 0 || minute->failures != 0 || minute->rejected != 0 ||
           minute->share[SWG_STATE_CLOSED] < 1;
}

static bool has_room(struct swgi_storage *storage) {
    if (storage->minutes_count < storage->minutes_room)
        return true;
    size_t room = storage->minutes_room != 0 ? 2 * storage->minutes_room : 64;
    if (room > SWGI_STORAGE_MINUTES_MAX)
        room = SWGI_STORAGE_MINUTES_MAX;
    if (storage->minutes_count >= room)
        return false;
    struct swgi_minute *minutes = realloc(storage->minutes, room * sizeof(minutes[0]));
    if (minutes == NULL)
        return false;
    storage->minutes = minutes;
    storage->minutes_room = room;
    return true;
}

static void hand_over(struct swgi_storage *storage, const struct swgi_minute *minute) {
    pthread_mutex_lock(&storage->mutex);
    if (has_room(storage))
        storage->minutes[storage->minutes_count++] = *minute;
    else
        storage->counts.history_dropped++;
    pthread_mutex_unlock(&storage->mutex);
}

static void count_circuit(struct swgi_storage *storage, struct swgi_kept *kept,
                          struct swg_circuit *circuit, int64_t seconds_ms) {
    struct swgi_sample now = kept->latest, before = kept->sample;
    struct swgi_minute minute = { .start_ms = storage->minute * MINUTE_MS,
                                  .seconds = (double)seconds_ms / 1000,
                                  .p50 = -1,
                                  .p99 = -1 };
    minute.calls = since(now.calls, before.calls);
    minute.failures = since(now.failures, before.failures);
    minute.slow = since(now.slow, before.slow);
    minute.rejected = since(now.rejected, before.rejected);
    share_states(&minute, &now, &before, kept->state.state);
    kept->sample = now;
    if (!was_active(&minute))
        return;
    swgi_copy_text(minute.circuit, sizeof(minute.circuit), kept->state.circuit);
    if (circuit != NULL)
        take_bins(kept, circuit, &minute);
    hand_over(storage, &minute);
}

/* A circuit first seen in mid-life counts from here; one made while we looked, from its beginning. */
static void begin_circuit(struct swgi_kept *kept, const struct swgi_measure *measure) {
    kept->sample = kept->latest;
    take_bins(kept, measure->circuit, NULL);
}

void swgi_history_tick(struct swgi_storage *storage, const struct swgi_measures *measures,
                       int64_t wall_ms) {
    int64_t minute = wall_ms / MINUTE_MS;
    bool begins = storage->minute == 0, turns = minute != storage->minute;
    for (size_t i = 0; i < swgi_measures_count(measures); i++) {
        const struct swgi_measure *measure = swgi_measures_at(measures, i);
        struct swgi_kept *kept = swgi_kept_find(storage, measure->status.name);
        if (kept == NULL)
            continue;
        kept->latest = sample_of(measure);
        if (begins)
            begin_circuit(kept, measure);
        else if (turns)
            count_circuit(storage, kept, measure->circuit, wall_ms - storage->minute_began);
    }
    if (!turns)
        return;
    storage->minute = minute;
    storage->minute_began = wall_ms;
}

void swgi_history_end(struct swgi_storage *storage, int64_t wall_ms) {
    if (storage->minute == 0 || wall_ms <= storage->minute_began)
        return;
    for (struct swgi_kept *kept = storage->all; kept != NULL; kept = kept->next) {
        struct swg_circuit *circuit = NULL;
        swg_circuit_find(storage->panel, kept->state.circuit, &circuit);
        count_circuit(storage, kept, circuit, wall_ms - storage->minute_began);
    }
}
