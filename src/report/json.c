/* Everything the panel says about a circuit, as jansson objects. Instants are told as ages: nobody else shares our clock. */
#include "report/json.h"

#include <err.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>

#include "base/text.h"
#include "report/describe.h"

static void put(json_t *object, const char *key, json_t *value) {
    if (json_object_set_new_nocheck(object, key, value) != 0)
        errx(EX_OSERR, "out of memory");
}

json_t *swgi_json_text(const char *text) {
    char clean[512];

    swgi_copy_text(clean, sizeof(clean), text);
    return json_string(clean);
}

/* JSON knows no infinity; a damaged panel might. */
static json_t *real(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *swgi_json_seconds(swg_ns duration) {
    return duration < 0 || duration == SWG_NS_MAX ? json_null() : real((double)duration / 1e9);
}

static json_t *number(uint64_t value) {
    return json_integer((json_int_t)value);
}

/* How long ago; null for never. */
static json_t *age(swg_ns now, swg_ns at) {
    return at == 0 ? json_null() : swgi_json_seconds(now > at ? now - at : 0);
}

/* How long still; null for never and for "does not apply". */
static json_t *left(swg_ns now, swg_ns until) {
    if (until == 0 || until == SWG_NS_MAX)
        return json_null();
    return swgi_json_seconds(until > now ? until - now : 0);
}

static json_t *share(double value) {
    return value >= 0 ? real(value) : json_null();
}

static void put_state(json_t *object, const struct swg_status *status, swg_ns now) {
    put(object, "state", json_string(swg_state_name(status->state)));
    put(object, "mode", json_string(swg_mode_name(status->mode)));
    put(object, "tripped", json_boolean(swgi_is_tripped(status)));
    put(object, "rule", status->rule ? json_string(swg_rule_name(status->rule)) : json_null());
    put(object, "state_age_seconds", age(now, status->since));
    put(object, "open_remaining_seconds", left(now, status->open_until));
    put(object, "by_hand_only", json_boolean(status->open_until == SWG_NS_MAX));
    put(object, "mode_remaining_seconds", left(now, status->mode_until));
    put(object, "ramp_percent", json_integer(status->ramp_percent));
    put(object, "last_trip_age_seconds", age(now, status->last_trip));
    put(object, "last_success_age_seconds", age(now, status->last_success));
    put(object, "last_failure_age_seconds", age(now, status->last_failure));
    put(object, "transitions", number(status->transitions));
    put(object, "trips", number(status->trips));
    put(object, "trips_in_a_row", number(status->trips_in_a_row));
}

static json_t *rejected(const struct swg_status *status) {
    json_t *object = json_object();

    put(object, "open", number(status->rejected_open));
    put(object, "full", number(status->rejected_full));
    put(object, "limited", number(status->rejected_limited));
    put(object, "shed", number(status->rejected_shed));
    put(object, "expired", number(status->rejected_expired));
    put(object, "queue_saturated", number(status->rejected_saturated));
    put(object, "total", number(swgi_rejected(status)));
    return object;
}

static void put_calls(json_t *object, const struct swg_status *status) {
    put(object, "calls", number(status->calls));
    put(object, "successes", number(status->successes));
    put(object, "failures", number(status->failures));
    put(object, "timeouts", number(status->timeouts));
    put(object, "ignored", number(status->ignored));
    put(object, "cancelled", number(status->cancelled));
    put(object, "late", number(status->late));
    put(object, "slow", number(status->slow));
    put(object, "in_flight", json_integer(status->in_flight));
    put(object, "would_reject", number(status->would_reject));
    put(object, "retries", number(status->retries));
    put(object, "rejected", rejected(status));
}

static void put_judgement(json_t *object, const struct swg_status *status) {
    put(object, "failure_rate", share(status->failure_rate));
    put(object, "slow_rate", share(status->slow_rate));
    put(object, "window_calls", number(status->window_calls));
    put(object, "score", status->score_limit > 0 ? real(status->score) : json_null());
    put(object, "score_limit", status->score_limit > 0 ? real(status->score_limit) : json_null());
    put(object, "probes_held", number(status->probes_held));
    put(object, "probes_max", number(status->probes_max));
    put(object, "probe_successes", number(status->probe_successes));
    put(object, "success_threshold", number(status->success_threshold));
}

static json_t *bulkhead(const struct swg_status *status) {
    json_t *object = json_object();

    put(object, "held", number(status->permits_held));
    put(object, "limit", status->permits_limit ? number(status->permits_limit) : json_null());
    put(object, "adaptive", json_boolean(status->adaptive));
    put(object, "queue", number(status->queue_length));
    put(object, "queue_max", number(status->queue_max));
    put(object, "oldest_call_seconds",
        status->held_longest > 0 ? swgi_json_seconds(status->held_longest) : json_null());
    return object;
}

static json_t *limiter(const struct swg_status *status) {
    json_t *object = json_object();

    put(object, "rate", number(status->limiter_rate));
    put(object, "per_seconds", swgi_json_seconds(status->limiter_per));
    put(object, "left", number(status->limiter_left));
    put(object, "share", real(status->limiter_share));
    return object;
}

static json_t *retry(const struct swg_status *status) {
    json_t *object = json_object();

    put(object, "retries", number(status->retries));
    put(object, "refused", number(status->retries_refused));
    put(object, "budget_left", share(status->retry_budget_left));
    return object;
}

static json_t *features(const struct swg_status *status) {
    json_t *object = json_object();

    put(object, "on", number(status->features_on));
    put(object, "all", number(status->features_all));
    return object;
}

/* null where the circuit has none of the kind. */
static void put_policies(json_t *object, const struct swg_status *status) {
    put(object, "bulkhead", status->has_bulkhead ? bulkhead(status) : json_null());
    put(object, "limiter", status->has_limiter ? limiter(status) : json_null());
    put(object, "retry", status->has_retry ? retry(status) : json_null());
    put(object, "attempt_timeout_seconds",
        status->attempt_timeout ? swgi_json_seconds(status->attempt_timeout) : json_null());
    put(object, "features", status->features_all ? features(status) : json_null());
}

static json_t *latency(const struct swg_status *status) {
    const struct swg_latency *measured = &status->latency;
    json_t *object;

    if (!status->has_latency)
        return json_null();
    object = json_object();
    put(object, "count", number(measured->count));
    put(object, "p50_seconds", swgi_json_seconds(measured->p50));
    put(object, "p90_seconds", swgi_json_seconds(measured->p90));
    put(object, "p99_seconds", swgi_json_seconds(measured->p99));
    put(object, "p999_seconds", swgi_json_seconds(measured->p999));
    put(object, "max_seconds", swgi_json_seconds(measured->max));
    return object;
}

json_t *swgi_json_status(const struct swg_status *status, swg_ns now) {
    json_t *object = json_object();

    put(object, "name", swgi_json_text(status->name));
    put_state(object, status, now);
    put_calls(object, status);
    put_judgement(object, status);
    put_policies(object, status);
    put(object, "latency", latency(status));
    put(object, "preset", status->preset[0] ? swgi_json_text(status->preset) : json_null());
    return object;
}

static void put_ends(json_t *object, const struct swg_event *event) {
    const char *(*name)(int) = event->kind == SWG_EVENT_MODE ? swg_mode_name : swg_state_name;
    bool moves = event->kind >= SWG_EVENT_TRANSITION && event->kind <= SWG_EVENT_MODE;

    put(object, "from", moves ? json_string(name(event->from)) : json_null());
    put(object, "to", moves ? json_string(name(event->to)) : json_null());
}

json_t *swgi_json_event(const struct swg_event *event, swg_ns now) {
    json_t *object = json_object();

    put(object, "id", number(event->id));
    put(object, "kind", json_string(swg_event_name(event->kind)));
    put(object, "circuit", swgi_json_text(event->circuit));
    put(object, "wall_ms", json_integer(event->wall_ms));
    put(object, "age_seconds", age(now, event->at));
    put_ends(object, event);
    put(object, "rule", event->rule ? json_string(swg_rule_name(event->rule)) : json_null());
    put(object, "value", real(event->value));
    put(object, "threshold", real(event->threshold));
    put(object, "calls", number(event->calls));
    put(object, "duration_seconds", left(event->at, event->until));
    put(object, "by_hand_only", json_boolean(event->until == SWG_NS_MAX));
    put(object, "verdict",
        event->kind == SWG_EVENT_REJECTED ? json_string(swgi_verdict_word(event->code))
                                          : json_null());
    put(object, "error_kind",
        event->error_kind[0] ? swgi_json_text(event->error_kind) : json_null());
    put(object, "error_code",
        event->kind == SWG_EVENT_SAMPLE ? json_integer(event->code) : json_null());
    put(object, "user", swgi_json_text(event->user));
    put(object, "source", event->source[0] ? swgi_json_text(event->source) : json_null());
    put(object, "text", swgi_json_text(event->text));
    return object;
}

static json_t *events(const struct swg_event *list, uint32_t count, swg_ns now) {
    json_t *array = json_array();

    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(array, swgi_json_event(&list[i], now));
    return array;
}

static json_t *rules(const struct swg_why *why) {
    json_t *array = json_array();

    for (uint32_t i = 0; i < why->rules_count; i++) {
        const struct swg_rule *rule = &why->rules[i];
        json_t *object = json_object();

        put(object, "rule", json_string(swg_rule_name(rule->rule)));
        put(object, "text", swgi_json_text(rule->text));
        put(object, "value", real(rule->value));
        put(object, "threshold", real(rule->threshold));
        put(object, "calls", number(rule->calls));
        put(object, "calls_min", number(rule->calls_min));
        put(object, "met", json_boolean(rule->met));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *holders(const struct swg_why *why) {
    json_t *array = json_array();

    for (uint32_t i = 0; i < why->holders_count; i++) {
        const struct swg_holder *holder = &why->holders[i];
        json_t *object = json_object();

        put(object, "probe", number(holder->probe));
        put(object, "pid", json_integer(holder->pid));
        put(object, "process", swgi_json_text(holder->process));
        put(object, "alive", json_boolean(holder->alive));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *permits(const struct swg_why *why, swg_ns now) {
    json_t *array = json_array();

    for (uint32_t i = 0; i < why->permits_count; i++) {
        const struct swg_permit_holder *holder = &why->permits[i];
        json_t *object = json_object();

        put(object, "pid", json_integer(holder->pid));
        put(object, "process", swgi_json_text(holder->process));
        put(object, "alive", json_boolean(holder->alive));
        put(object, "age_seconds", age(now, holder->since));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *text_or_null(const char *text) {
    return text[0] ? swgi_json_text(text) : json_null();
}

static json_t *slo(const struct swgi_file_circuit *entry) {
    json_t *object = json_object();

    put(object, "availability",
        entry->slo_availability > 0 ? real(entry->slo_availability) : json_null());
    put(object, "p99_seconds",
        entry->slo_p99 > 0 ? swgi_json_seconds(entry->slo_p99) : json_null());
    put(object, "window_seconds", swgi_json_seconds(entry->slo_window));
    return object;
}

static json_t *words(const struct swgi_file_words *list) {
    json_t *array = json_array();

    for (unsigned i = 0; i < list->count; i++)
        json_array_append_new(array, swgi_json_text(list->at[i]));
    return array;
}

void swgi_json_put_entry(json_t *object, const struct swgi_file_circuit *entry) {
    static const struct swgi_file_circuit none;

    entry = entry ? entry : &none;
    put(object, "group", text_or_null(entry->group));
    put(object, "alias", text_or_null(entry->alias));
    put(object, "owner", text_or_null(entry->owner));
    put(object, "runbook", text_or_null(entry->runbook));
    put(object, "depends_on", words(&entry->depends_on));
    put(object, "slo", entry->has_slo ? slo(entry) : json_null());
}

/* The evidence, and what had been counted by then. */
static json_t *trip(const struct swg_why *why, swg_ns now) {
    json_t *object = why->evidence == 1 ? swgi_json_event(&why->trip, now) : json_null();

    if (why->evidence != 1)
        return object;
    put(object, "failures_by_then", number(why->trip_failures));
    put(object, "timeouts_by_then", number(why->trip_timeouts));
    put(object, "slow_by_then", number(why->trip_slow));
    return object;
}

json_t *swgi_json_why(const struct swg_why *why, swg_ns now) {
    json_t *object = swgi_json_status(&why->status, now);
    bool has_mode = why->status.mode != SWG_MODE_NORMAL;

    put(object, "rules", rules(why));
    put(object, "trip", trip(why, now));
    put(object, "trip_evidence_lost", json_boolean(why->evidence == 2));
    put(object, "last_transitions", events(why->transitions, why->transitions_count, now));
    put(object, "last_errors", events(why->samples, why->samples_count, now));
    put(object, "probe_holders", holders(why));
    put(object, "permit_holders", permits(why, now));
    put(object, "mode_user", has_mode ? swgi_json_text(why->mode_user) : json_null());
    put(object, "mode_reason", has_mode ? swgi_json_text(why->mode_reason) : json_null());
    put(object, "mode_wall_ms", has_mode ? json_integer(why->mode_wall_ms) : json_null());
    put(object, "origin", swgi_json_text(why->origin));
    return object;
}

json_t *swgi_json_panel(const struct swg_panel_info *status) {
    json_t *object = json_object();

    put(object, "path", swgi_json_text(status->path));
    put(object, "bytes", number(status->bytes));
    put(object, "circuits", number(status->circuits));
    put(object, "circuits_max", number(status->circuits_max));
    put(object, "columns", number(status->columns));
    put(object, "columns_max", number(status->columns_max));
    put(object, "histograms", number(status->histograms));
    put(object, "histograms_max", number(status->histograms_max));
    put(object, "policies", number(status->policies));
    put(object, "policies_max", number(status->policies_max));
    put(object, "slots", number(status->slots));
    put(object, "slots_max", number(status->slots_max));
    put(object, "processes", number(status->processes));
    put(object, "processes_max", number(status->processes_max));
    put(object, "events_max", number(status->events_max));
    put(object, "bytes_per_circuit", number(status->bytes_per_circuit));
    put(object, "bytes_per_histogram", number(status->bytes_per_histogram));
    put(object, "beyond", number(status->beyond));
    put(object, "evicted", number(status->evicted));
    put(object, "clocks_replaced", number(status->clocks_replaced));
    put(object, "events_lost", number(status->events_lost));
    put(object, "virtual_clock", json_boolean(status->is_virtual));
    put(object, "created_wall_ms", json_integer(status->created_wall_ms));
    return object;
}

void swgi_json_print(FILE *out, json_t *object, bool compact) {
    size_t flags =
        JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15) | (compact ? JSON_COMPACT : JSON_INDENT(2));

    json_dumpf(object, out, flags);
    fputc('\n', out);
    json_decref(object);
}
