/* Everything the panel says about a circuit. Instants are told as ages: nobody else shares our clock. */
#include "report/json.h"

#include <stdbool.h>

#include "base/text.h"
#include "report/describe.h"

json_t *swgi_json_text(const char *text) {
    char clean[512];

    swgi_copy_text(clean, sizeof(clean), text);
    return json_string(clean);
}

json_t *swgi_json_seconds(swg_ns duration) {
    return duration < 0 || duration == SWG_NS_MAX ? json_null() : json_real((double)duration / 1e9);
}

/* How long ago; null for never. */
static void write_age(struct swgi_writer *to, const char *key, swg_ns now, swg_ns at) {
    swgi_put_seconds(to, key, at == 0 ? -1 : now > at ? now - at : 0);
}

/* How long still; null for never and for "does not apply". */
static void write_left(struct swgi_writer *to, const char *key, swg_ns now, swg_ns until) {
    bool is_bound = until != 0 && until != SWG_NS_MAX;

    swgi_put_seconds(to, key, !is_bound ? -1 : until > now ? until - now : 0);
}

static void write_integer_if(struct swgi_writer *to, const char *key, bool is_known,
                             int64_t value) {
    if (is_known)
        swgi_put_integer(to, key, value);
    else
        swgi_put_null(to, key);
}

static void write_state(struct swgi_writer *to, const struct swg_status *status, swg_ns now) {
    swgi_put_text(to, "state", swg_state_name(status->state));
    swgi_put_text(to, "mode", swg_mode_name(status->mode));
    swgi_put_boolean(to, "tripped", swgi_is_tripped(status));
    swgi_put_text(to, "rule", status->rule ? swg_rule_name(status->rule) : NULL);
    write_age(to, "state_age_seconds", now, status->since);
    write_left(to, "open_remaining_seconds", now, status->open_until);
    swgi_put_boolean(to, "by_hand_only", status->open_until == SWG_NS_MAX);
    write_left(to, "mode_remaining_seconds", now, status->mode_until);
    swgi_put_integer(to, "ramp_percent", status->ramp_percent);
    write_age(to, "last_trip_age_seconds", now, status->last_trip);
    write_age(to, "last_success_age_seconds", now, status->last_success);
    write_age(to, "last_failure_age_seconds", now, status->last_failure);
    swgi_put_number(to, "transitions", status->transitions);
    swgi_put_number(to, "trips", status->trips);
    swgi_put_number(to, "trips_in_a_row", status->trips_in_a_row);
}

static void write_rejected(struct swgi_writer *to, const struct swg_status *status) {
    swgi_put_object(to, "rejected");
    swgi_put_number(to, "open", status->rejected_open);
    swgi_put_number(to, "full", status->rejected_full);
    swgi_put_number(to, "limited", status->rejected_limited);
    swgi_put_number(to, "shed", status->rejected_shed);
    swgi_put_number(to, "expired", status->rejected_expired);
    swgi_put_number(to, "queue_saturated", status->rejected_saturated);
    swgi_put_number(to, "total", swgi_rejected(status));
    swgi_put_object_end(to);
}

static void write_calls(struct swgi_writer *to, const struct swg_status *status) {
    swgi_put_number(to, "calls", status->calls);
    swgi_put_number(to, "successes", status->successes);
    swgi_put_number(to, "failures", status->failures);
    swgi_put_number(to, "timeouts", status->timeouts);
    swgi_put_number(to, "ignored", status->ignored);
    swgi_put_number(to, "cancelled", status->cancelled);
    swgi_put_number(to, "late", status->late);
    swgi_put_number(to, "slow", status->slow);
    swgi_put_integer(to, "in_flight", status->in_flight);
    swgi_put_number(to, "would_reject", status->would_reject);
    swgi_put_number(to, "retries", status->retries);
    write_rejected(to, status);
}

static void write_judgement(struct swgi_writer *to, const struct swg_status *status) {
    swgi_put_known(to, "failure_rate", status->failure_rate);
    swgi_put_known(to, "slow_rate", status->slow_rate);
    swgi_put_number(to, "window_calls", status->window_calls);
    swgi_put_known(to, "score", status->score_limit > 0 ? status->score : -1);
    swgi_put_known(to, "score_limit", status->score_limit > 0 ? status->score_limit : -1);
    swgi_put_number(to, "probes_held", status->probes_held);
    swgi_put_number(to, "probes_max", status->probes_max);
    swgi_put_number(to, "probe_successes", status->probe_successes);
    swgi_put_number(to, "success_threshold", status->success_threshold);
}

static void write_bulkhead(struct swgi_writer *to, const struct swg_status *status) {
    swgi_put_object(to, "bulkhead");
    swgi_put_number(to, "held", status->permits_held);
    write_integer_if(to, "limit", status->permits_limit != 0, status->permits_limit);
    swgi_put_boolean(to, "adaptive", status->adaptive);
    swgi_put_number(to, "queue", status->queue_length);
    swgi_put_number(to, "queue_max", status->queue_max);
    swgi_put_seconds(to, "oldest_call_seconds",
                     status->held_longest > 0 ? status->held_longest : -1);
    swgi_put_object_end(to);
}

static void write_limiter(struct swgi_writer *to, const struct swg_status *status) {
    swgi_put_object(to, "limiter");
    swgi_put_number(to, "rate", status->limiter_rate);
    swgi_put_seconds(to, "per_seconds", status->limiter_per);
    swgi_put_number(to, "left", status->limiter_left);
    swgi_put_real(to, "share", status->limiter_share);
    swgi_put_object_end(to);
}

static void write_retry(struct swgi_writer *to, const struct swg_status *status) {
    swgi_put_object(to, "retry");
    swgi_put_number(to, "retries", status->retries);
    swgi_put_number(to, "refused", status->retries_refused);
    swgi_put_known(to, "budget_left", status->retry_budget_left);
    swgi_put_object_end(to);
}

static void write_features(struct swgi_writer *to, const struct swg_status *status) {
    swgi_put_object(to, "features");
    swgi_put_number(to, "on", status->features_on);
    swgi_put_number(to, "all", status->features_all);
    swgi_put_object_end(to);
}

/* null where the circuit has none of the kind. */
static void write_policies(struct swgi_writer *to, const struct swg_status *status) {
    if (status->has_bulkhead)
        write_bulkhead(to, status);
    else
        swgi_put_null(to, "bulkhead");
    if (status->has_limiter)
        write_limiter(to, status);
    else
        swgi_put_null(to, "limiter");
    if (status->has_retry)
        write_retry(to, status);
    else
        swgi_put_null(to, "retry");
    swgi_put_seconds(to, "attempt_timeout_seconds",
                     status->attempt_timeout ? status->attempt_timeout : -1);
    if (status->features_all)
        write_features(to, status);
    else
        swgi_put_null(to, "features");
}

static void write_latency(struct swgi_writer *to, const struct swg_status *status) {
    const struct swg_latency *measured = &status->latency;

    if (!status->has_latency) {
        swgi_put_null(to, "latency");
        return;
    }
    swgi_put_object(to, "latency");
    swgi_put_number(to, "count", measured->count);
    swgi_put_seconds(to, "p50_seconds", measured->p50);
    swgi_put_seconds(to, "p90_seconds", measured->p90);
    swgi_put_seconds(to, "p99_seconds", measured->p99);
    swgi_put_seconds(to, "p999_seconds", measured->p999);
    swgi_put_seconds(to, "max_seconds", measured->max);
    swgi_put_object_end(to);
}

void swgi_put_status(struct swgi_writer *to, const struct swg_status *status, swg_ns now) {
    swgi_put_text(to, "name", status->name);
    write_state(to, status, now);
    write_calls(to, status);
    write_judgement(to, status);
    write_policies(to, status);
    write_latency(to, status);
    swgi_put_filled(to, "preset", status->preset);
}

static void write_ends(struct swgi_writer *to, const struct swg_event *event) {
    const char *(*name)(int) = event->kind == SWG_EVENT_MODE ? swg_mode_name : swg_state_name;
    bool moves = event->kind >= SWG_EVENT_TRANSITION && event->kind <= SWG_EVENT_MODE;

    swgi_put_text(to, "from", moves ? name(event->from) : NULL);
    swgi_put_text(to, "to", moves ? name(event->to) : NULL);
}

void swgi_put_event(struct swgi_writer *to, const struct swg_event *event, swg_ns now) {
    swgi_put_number(to, "id", event->id);
    swgi_put_text(to, "kind", swg_event_name(event->kind));
    swgi_put_text(to, "circuit", event->circuit);
    swgi_put_integer(to, "wall_ms", event->wall_ms);
    write_age(to, "age_seconds", now, event->at);
    write_ends(to, event);
    swgi_put_text(to, "rule", event->rule ? swg_rule_name(event->rule) : NULL);
    swgi_put_real(to, "value", event->value);
    swgi_put_real(to, "threshold", event->threshold);
    swgi_put_number(to, "calls", event->calls);
    write_left(to, "duration_seconds", event->at, event->until);
    swgi_put_boolean(to, "by_hand_only", event->until == SWG_NS_MAX);
    swgi_put_text(to, "verdict",
                  event->kind == SWG_EVENT_REJECTED ? swgi_verdict_word(event->code) : NULL);
    swgi_put_filled(to, "error_kind", event->error_kind);
    write_integer_if(to, "error_code", event->kind == SWG_EVENT_SAMPLE, event->code);
    swgi_put_filled(to, "trace_id", event->trace_id);
    swgi_put_text(to, "user", event->user);
    swgi_put_filled(to, "source", event->source);
    swgi_put_text(to, "text", event->text);
}

static void write_events(struct swgi_writer *to, const char *key, const struct swg_event *list,
                         uint32_t count, swg_ns now) {
    swgi_put_array(to, key);
    for (uint32_t i = 0; i < count; i++) {
        swgi_put_object(to, NULL);
        swgi_put_event(to, &list[i], now);
        swgi_put_object_end(to);
    }
    swgi_put_array_end(to);
}

static void write_rule(struct swgi_writer *to, const struct swg_rule *rule) {
    swgi_put_object(to, NULL);
    swgi_put_text(to, "rule", swg_rule_name(rule->rule));
    swgi_put_text(to, "text", rule->text);
    swgi_put_real(to, "value", rule->value);
    swgi_put_real(to, "threshold", rule->threshold);
    swgi_put_number(to, "calls", rule->calls);
    swgi_put_number(to, "calls_min", rule->calls_min);
    swgi_put_boolean(to, "met", rule->met);
    swgi_put_object_end(to);
}

static void write_rules(struct swgi_writer *to, const struct swg_why *why) {
    swgi_put_array(to, "rules");
    for (uint32_t i = 0; i < why->rules_count; i++)
        write_rule(to, &why->rules[i]);
    swgi_put_array_end(to);
}

static void write_holders(struct swgi_writer *to, const struct swg_why *why) {
    swgi_put_array(to, "probe_holders");
    for (uint32_t i = 0; i < why->holders_count; i++) {
        const struct swg_holder *holder = &why->holders[i];

        swgi_put_object(to, NULL);
        swgi_put_number(to, "probe", holder->probe);
        swgi_put_integer(to, "pid", holder->pid);
        swgi_put_text(to, "process", holder->process);
        swgi_put_boolean(to, "alive", holder->alive);
        swgi_put_object_end(to);
    }
    swgi_put_array_end(to);
}

static void write_permits(struct swgi_writer *to, const struct swg_why *why, swg_ns now) {
    swgi_put_array(to, "permit_holders");
    for (uint32_t i = 0; i < why->permits_count; i++) {
        const struct swg_permit_holder *holder = &why->permits[i];

        swgi_put_object(to, NULL);
        swgi_put_integer(to, "pid", holder->pid);
        swgi_put_text(to, "process", holder->process);
        swgi_put_boolean(to, "alive", holder->alive);
        write_age(to, "age_seconds", now, holder->since);
        swgi_put_object_end(to);
    }
    swgi_put_array_end(to);
}

static void write_slo(struct swgi_writer *to, const struct swgi_file_circuit *entry) {
    swgi_put_object(to, "slo");
    swgi_put_known(to, "availability", entry->slo_availability > 0 ? entry->slo_availability : -1);
    swgi_put_seconds(to, "p99_seconds", entry->slo_p99 > 0 ? entry->slo_p99 : -1);
    swgi_put_seconds(to, "window_seconds", entry->slo_window);
    swgi_put_object_end(to);
}

static void write_words(struct swgi_writer *to, const char *key,
                        const struct swgi_file_words *list) {
    swgi_put_array(to, key);
    for (unsigned i = 0; i < list->count; i++)
        swgi_put_text(to, NULL, list->at[i]);
    swgi_put_array_end(to);
}

void swgi_put_entry(struct swgi_writer *to, const struct swgi_file_circuit *entry) {
    static const struct swgi_file_circuit none;

    entry = entry ? entry : &none;
    swgi_put_filled(to, "group", entry->group);
    swgi_put_filled(to, "alias", entry->alias);
    swgi_put_filled(to, "owner", entry->owner);
    swgi_put_filled(to, "runbook", entry->runbook);
    write_words(to, "depends_on", &entry->depends_on);
    if (entry->has_slo)
        write_slo(to, entry);
    else
        swgi_put_null(to, "slo");
}

/* The evidence, and what had been counted by then. */
static void write_trip(struct swgi_writer *to, const struct swg_why *why, swg_ns now) {
    if (why->evidence != 1) {
        swgi_put_null(to, "trip");
        return;
    }
    swgi_put_object(to, "trip");
    swgi_put_event(to, &why->trip, now);
    swgi_put_number(to, "failures_by_then", why->trip_failures);
    swgi_put_number(to, "timeouts_by_then", why->trip_timeouts);
    swgi_put_number(to, "slow_by_then", why->trip_slow);
    swgi_put_object_end(to);
}

void swgi_put_why(struct swgi_writer *to, const struct swg_why *why, swg_ns now) {
    bool has_mode = why->status.mode != SWG_MODE_NORMAL;

    swgi_put_status(to, &why->status, now);
    write_rules(to, why);
    write_trip(to, why, now);
    swgi_put_boolean(to, "trip_evidence_lost", why->evidence == 2);
    write_events(to, "last_transitions", why->transitions, why->transitions_count, now);
    write_events(to, "last_errors", why->samples, why->samples_count, now);
    write_holders(to, why);
    write_permits(to, why, now);
    swgi_put_text(to, "mode_user", has_mode ? why->mode_user : NULL);
    swgi_put_text(to, "mode_reason", has_mode ? why->mode_reason : NULL);
    write_integer_if(to, "mode_wall_ms", has_mode, why->mode_wall_ms);
    swgi_put_text(to, "origin", why->origin);
}

void swgi_put_panel(struct swgi_writer *to, const struct swg_panel_info *status) {
    swgi_put_text(to, "path", status->path);
    swgi_put_number(to, "bytes", status->bytes);
    swgi_put_number(to, "circuits", status->circuits);
    swgi_put_number(to, "circuits_max", status->circuits_max);
    swgi_put_number(to, "columns", status->columns);
    swgi_put_number(to, "columns_max", status->columns_max);
    swgi_put_number(to, "histograms", status->histograms);
    swgi_put_number(to, "histograms_max", status->histograms_max);
    swgi_put_number(to, "policies", status->policies);
    swgi_put_number(to, "policies_max", status->policies_max);
    swgi_put_number(to, "slots", status->slots);
    swgi_put_number(to, "slots_max", status->slots_max);
    swgi_put_number(to, "processes", status->processes);
    swgi_put_number(to, "processes_max", status->processes_max);
    swgi_put_number(to, "events_max", status->events_max);
    swgi_put_number(to, "bytes_per_circuit", status->bytes_per_circuit);
    swgi_put_number(to, "bytes_per_histogram", status->bytes_per_histogram);
    swgi_put_number(to, "beyond", status->beyond);
    swgi_put_number(to, "evicted", status->evicted);
    swgi_put_number(to, "clocks_replaced", status->clocks_replaced);
    swgi_put_number(to, "events_lost", status->events_lost);
    swgi_put_boolean(to, "virtual_clock", status->is_virtual);
    swgi_put_integer(to, "created_wall_ms", status->created_wall_ms);
}

void swgi_json_print(FILE *out, json_t *object, bool compact) {
    size_t flags =
        JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15) | (compact ? JSON_COMPACT : JSON_INDENT(2));

    json_dumpf(object, out, flags);
    fputc('\n', out);
    json_decref(object);
}
