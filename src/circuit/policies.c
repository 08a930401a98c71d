/* What people and programs may know of a circuit's policies: status, who holds permits, features. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "circuit/circuit.h"
#include "circuit/look.h"
#include "engine/budget.h"
#include "engine/features.h"
#include "engine/policies.h"

static void read_bulkhead(const struct swgi_turn *turn, const struct swgi_policies *policies,
                          struct swg_status *out) {
    const struct swgi_bulkhead_settings *settings = &turn->settings.policies.bulkhead;
    struct swgi_permit_seen oldest;
    uint32_t limit = swgi_policies_permits(&turn->settings.policies);
    out->has_bulkhead = limit != 0 || settings->track;
    if (!out->has_bulkhead)
        return;
    out->permits_limit = limit != 0 ? swgi_permits_limit_now(&policies->bulkhead) : 0;
    out->permits_held = swgi_permits_held(turn->map, &policies->bulkhead);
    out->adaptive = turn->settings.policies.adaptive.algorithm != SWGI_ADAPTIVE_OFF;
    if (settings->when_busy == SWGI_BUSY_WAIT) {
        out->queue_length = swgi_waiters_count(turn->map, &policies->bulkhead);
        out->queue_max = settings->max_queue;
    }
    if (swgi_permits_oldest(turn->map, &policies->bulkhead, &oldest) && oldest.since < turn->now)
        out->held_longest = turn->now - oldest.since;
}

static void read_limiter(const struct swgi_turn *turn, const struct swgi_policies *policies,
                         struct swg_status *out) {
    struct swgi_limiter_view view;
    swgi_limiter_look(&policies->limiter, turn->map->slots, turn->map->geometry.slots, turn->now,
                      &view);
    out->has_limiter = view.on;
    if (!view.on)
        return;
    out->limiter_rate = view.rate;
    out->limiter_left = view.left;
    out->limiter_per = (swg_ns)view.per_ns;
    out->limiter_share = view.share;
}

static void read_retry(const struct swgi_turn *turn, const struct swgi_policies *policies,
                       struct swg_status *out) {
    const struct swgi_retry_settings *settings = &turn->settings.policies.retry;
    out->has_retry = settings->attempts > 1;
    out->retries_refused = swgi_load(&policies->budget.refused);
    uint64_t first = out->calls > out->retries ? out->calls - out->retries : 0;
    out->retry_budget_left = settings->budget_ppm == UINT32_MAX
                                 ? -1
                                 : swgi_budget_left(&policies->budget, settings, first, turn->now);
}

#define FAILING_PPM 250000u /* without a rate rule: as if it tripped at this share */

/* Half of what would trip a rate rule, or the score half full, is not health. */
static bool is_well(const struct swgi_settings *settings, const struct swgi_window *window) {
    uint64_t failing = swgi_rate_threshold(settings, false);
    uint64_t slow = swgi_rate_threshold(settings, true);
    if (failing == SWGI_THRESHOLD_OFF)
        failing = FAILING_PPM;
    if (slow != SWGI_THRESHOLD_OFF && window->slow * 2 * SWGI_PPM > window->calls * slow)
        return false;
    return window->half_units * SWGI_PPM <= window->calls * failing;
}

static struct swgi_feature_look look_at(const struct swgi_turn *turn) {
    uint64_t ctl = swgi_effective_ctl(turn->cell, swgi_load(&turn->cell->ctl), turn->now);
    struct swgi_window window = { 0 };
    struct swgi_feature_look look = {
        .closed = swgi_ctl_state(ctl) == SWGI_CLOSED && swgi_ctl_mode(ctl) != SWGI_FORCED_OPEN,
        .healthy = true,
        .trips = swgi_load(&turn->cell->trips),
        .now = turn->now,
    };
    if (swgi_longest_window(turn, &window) && window.calls > 0)
        look.healthy = is_well(&turn->settings, &window);
    const struct swgi_score_settings *score = &turn->settings.score;
    if (look.healthy && look.closed && score->kind != SWGI_SCORE_NONE && !swgi_ctl_forced(ctl))
        look.healthy = (uint64_t)swgi_ctl_score(ctl) * 2 <= score->limit;
    return look;
}

static void read_features(const struct swgi_turn *turn, const struct swgi_policies *policies,
                          struct swg_status *out) {
    struct swgi_feature_look look = look_at(turn);
    struct swgi_feature_view view;
    if (turn->settings.policies.features.count == 0)
        return;
    swgi_features_view(&policies->features, &turn->settings.policies.features, &look, &view);
    out->features_on = view.back;
    out->features_all = view.all;
}

void swgi_status_policies(struct swgi_turn *turn, struct swg_status *out) {
    const struct swgi_policies *policies = swgi_policies_of(turn->map, turn->cell);
    if (policies == NULL)
        return;
    swgi_turn_policies(turn);
    read_bulkhead(turn, policies, out);
    read_limiter(turn, policies, out);
    read_retry(turn, policies, out);
    read_features(turn, policies, out);
    uint64_t attempt = swgi_timeout_attempt(&policies->timeout);
    out->attempt_timeout = attempt <= INT64_MAX ? (swg_ns)attempt : 0;
}

void swgi_process_tell(const struct swgi_map *map, unsigned owner, int64_t *pid, char name[32]) {
    const struct swgi_process *process = &map->processes[owner - 1];
    uint64_t words[4];
    for (unsigned i = 0; i < 4; i++)
        words[i] = swgi_load(&process->name[i]);
    swgi_copy_bytes(name, 32, (const char *)words, strnlen((const char *)words, 31));
    *pid = (int64_t)swgi_load(&process->pid);
}

void swgi_why_permits(const struct swgi_turn *turn, struct swg_why *why) {
    const struct swgi_policies *policies = swgi_policies_of(turn->map, turn->cell);
    const uint32_t room = sizeof(why->permits) / sizeof(why->permits[0]);
    struct swgi_permit_seen seen;
    uint32_t cursor = 0;
    while (policies != NULL && why->permits_count < room &&
           swgi_permits_next(turn->map, &policies->bulkhead, &cursor, &seen)) {
        struct swg_permit_holder *holder = &why->permits[why->permits_count];
        if (seen.owner == 0 || seen.owner > SWGI_PROCESSES_MAX)
            continue;
        why->permits_count++;
        swgi_process_tell(turn->map, seen.owner, &holder->pid, holder->process);
        holder->alive =
            swgi_owner_alive(turn->map, seen.owner, seen.incarnation, SWGI_PERMIT_INCARNATION);
        holder->since = seen.since != INT64_MAX ? seen.since : 0;
    }
}

int swg_feature_enabled(struct swg_circuit *circuit, const char *name) {
    struct swgi_turn turn;
    int rc = swgi_look(circuit, &turn);
    if (rc != 0 || name == NULL)
        return rc != 0 ? rc : -EINVAL;
    struct swgi_policies *policies = swgi_policies_of(turn.map, turn.cell);
    if (policies == NULL || !turn.map->writable)
        return policies == NULL ? 1 : -EROFS;
    swgi_turn_policies(&turn);
    struct swgi_feature_look look = look_at(&turn);
    rc = swgi_feature_enabled(&policies->features, &turn.settings.policies.features, name, &look);
    return rc == -ENOENT ? 1 : rc;
}
