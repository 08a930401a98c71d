/*
 * Room for a circuit's policies: an extent, and runs of slots for permits, places and a limiter's
 * log. New ones are taken before the settings change and old ones given back after, so a refusal
 * leaves all as it was. Under the registry's lock.
 */
#include <errno.h>

#include "base/error.h"
#include "circuit/make.h"
#include "engine/policies.h"

static int no_slots(const struct swgi_turn *turn, const char *key, uint32_t wanted,
                    struct swg_error *error) {
    return swgi_fail(error, -ENOSPC, key,
                     "no room for its %u slots: the panel's %u are taken; make the panel with a "
                     "larger slots_max",
                     wanted, turn->map->geometry.slots);
}

/* 0 and *out a new run; 1: the present one will do, or none is wanted. */
static int take_run(struct swgi_turn *turn, uint64_t present, uint32_t slots, bool exact,
                    const char *key, uint64_t *out, struct swg_error *error) {
    uint32_t first, count = swgi_run_first(present) != 0 ? swgi_run_count(present) : 0;
    *out = present;
    if (slots == 0 || (exact ? count == slots : count >= slots))
        return 1;
    if (swgi_pool_slots(turn->map, turn->index, slots, &first) != 0)
        return no_slots(turn, key, slots, error);
    *out = swgi_run(first, slots);
    return 0;
}

struct runs {
    uint64_t permits, places, log;
    bool new_permits, new_places;
};

/* Permits have a limit besides, so a long run may stay; a queue's run is its bound. */
static int take_runs(struct swgi_turn *turn, const struct swgi_policies *policies,
                     const struct swgi_policy_settings *settings, struct runs *out,
                     struct swg_error *error) {
    uint32_t most = swgi_policies_permits(settings);
    if (most == 0 && settings->bulkhead.track)
        most = SWGI_TRACK_PERMITS;
    int rc = take_run(turn, swgi_load(&policies->bulkhead.run),
                      swgi_bulkhead_permit_slots(&settings->bulkhead, most), false,
                      "bulkhead.max_concurrent", &out->permits, error);
    out->new_permits = rc == 0;
    if (rc >= 0)
        rc = take_run(turn, swgi_load(&policies->bulkhead.queue),
                      swgi_bulkhead_place_slots(&settings->bulkhead, most), true,
                      "bulkhead.max_queue", &out->places, error);
    out->new_places = rc == 0;
    uint32_t log =
        swgi_limiter_slots(&policies->limiter, turn->map->geometry.slots, &settings->limiter);
    out->log = 0;
    if (rc >= 0 && log != 0)
        rc = take_run(turn, 0, log, false, "limiter.rate", &out->log, error);
    return rc < 0 ? rc : 0;
}

static int take_extent(struct swgi_turn *turn, uint32_t *extent, struct swg_error *error) {
    if (swgi_pool_policies(turn->map, turn->index, extent) == 0)
        return 0;
    return swgi_fail(error, -ENOSPC, "policies_max",
                     "no room for policies of this circuit: the panel's %u are taken; make the "
                     "panel with a larger policies_max",
                     turn->map->geometry.policies);
}

int swgi_policies_settle(struct swgi_turn *turn, const struct swgi_settings *settings,
                         struct swg_error *error) {
    uint32_t extent = swgi_load(&turn->cell->policies);
    struct runs runs;
    if (extent > turn->map->geometry.policies)
        extent = 0; /* none of ours: memory that others can write */
    if (extent == 0 && !swgi_policies_wanted(&settings->policies))
        return 0;
    int rc = extent == 0 ? take_extent(turn, &extent, error) : 0;
    if (rc != 0)
        return rc;
    struct swgi_policies *policies = &turn->map->policies[extent - 1];
    rc = take_runs(turn, policies, &settings->policies, &runs, error);
    if (rc != 0)
        return rc;
    if (runs.new_permits)
        swgi_permits_move(turn->map, &policies->bulkhead, runs.permits);
    if (runs.new_places)
        swgi_waiters_move(turn->map, &policies->bulkhead, runs.places);
    swgi_policies_install(turn, policies, settings, runs.log);
    swgi_store(&turn->cell->policies, extent);
    return 0;
}
