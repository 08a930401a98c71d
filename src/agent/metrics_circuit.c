/* The samples of one circuit, metric by metric. What does not apply to it is left out. */
#include "agent/metrics_text.h"
#include "report/meaning.h"

#define END "} "

static const struct swg_status *status_of(const struct swgi_measured *of) {
    return &of->seen.status;
}

/* A share, score or time of one circuit, which cannot be summed up. */
static bool is_one(const struct swgi_measured *of) {
    return !of->is_sum;
}

static void integer_if(struct swgi_exposition *out, const struct swgi_measured *of, bool applies,
                       const char *rest, uint64_t value) {
    if (applies)
        swgi_sample_integer(out, of, rest, value);
}

/* ---- calls */

void swgi_metric_CALLS(struct swgi_exposition *out, const struct swgi_measured *of) {
    const struct swg_status *status = status_of(of);
    swgi_sample_integer(out, of, ",outcome=\"success\"} ", status->successes);
    swgi_sample_integer(out, of, ",outcome=\"failure\"} ", status->failures);
    swgi_sample_integer(out, of, ",outcome=\"timeout\"} ", status->timeouts);
    swgi_sample_integer(out, of, ",outcome=\"ignored\"} ", status->ignored);
    integer_if(out, of, status->cancelled != 0, ",outcome=\"cancelled\"} ", status->cancelled);
    integer_if(out, of, status->late != 0, ",outcome=\"late\"} ", status->late);
}

void swgi_metric_CALLS_SLOW(struct swgi_exposition *out, const struct swgi_measured *of) {
    swgi_sample_integer(out, of, END, status_of(of)->slow);
}

void swgi_metric_REJECTED(struct swgi_exposition *out, const struct swgi_measured *of) {
    const struct swg_status *status = status_of(of);
    swgi_sample_integer(out, of, ",reason=\"open\"} ", status->rejected_open);
    integer_if(out, of, status->has_bulkhead || status->rejected_full != 0, ",reason=\"full\"} ",
               status->rejected_full);
    integer_if(out, of, status->has_bulkhead || status->rejected_saturated != 0,
               ",reason=\"saturated\"} ", status->rejected_saturated);
    integer_if(out, of, status->has_limiter || status->rejected_limited != 0,
               ",reason=\"limited\"} ", status->rejected_limited);
    integer_if(out, of, status->rejected_shed != 0, ",reason=\"shed\"} ", status->rejected_shed);
    integer_if(out, of, status->rejected_expired != 0, ",reason=\"expired\"} ",
               status->rejected_expired);
}

void swgi_metric_WOULD_REJECT(struct swgi_exposition *out, const struct swgi_measured *of) {
    const struct swg_status *status = status_of(of);
    integer_if(out, of, status->would_reject != 0 || status->mode == SWG_MODE_SHADOW, END,
               status->would_reject);
}

void swgi_metric_IN_FLIGHT(struct swgi_exposition *out, const struct swgi_measured *of) {
    int64_t in_flight = status_of(of)->in_flight;
    swgi_sample_integer(out, of, END, in_flight > 0 ? (uint64_t)in_flight : 0);
}

static void sample_of_histogram(struct swgi_exposition *out, const struct swgi_measured *of,
                                const char *suffix) {
    swgi_write_bytes(out, out->name, out->name_length);
    swgi_write_text(out, suffix);
    swgi_write_bytes(out, of->label, of->label_length);
}

/* Behind a number: a call that is among those counted, by its trace. Only OpenMetrics has it. */
static void exemplar(struct swgi_exposition *out, const struct swgi_kinds *kinds, double value) {
    if (out->format != SWGI_METRICS_OPENMETRICS)
        return;
    swgi_write_text(out, " # {trace_id=\"");
    swgi_write_text(out, kinds->traced.trace_id);
    swgi_write_text(out, "\"} ");
    swgi_write_real(out, value);
    *out->at++ = ' ';
    swgi_write_seconds(out, kinds->traced.wall_ms * 1000000);
}

static bool is_traced(const struct swgi_measured *of) {
    return of->kinds != NULL && of->kinds->traced.wall_ms != 0;
}

/* Does the traced call stand in the bucket that ends there and begins at the one before? */
static bool is_in_bucket(const struct swgi_measured *of, unsigned i) {
    if (!is_traced(of))
        return false;
    double seconds = of->kinds->traced.seconds;
    bool above = i == 0 || seconds > (double)swgi_measure_bucket(i - 1) / 1e9;
    return above && (i == SWGI_BUCKETS || seconds <= (double)swgi_measure_bucket(i) / 1e9);
}

void swgi_metric_DURATION(struct swgi_exposition *out, const struct swgi_measured *of) {
    uint64_t below = 0;
    if (!status_of(of)->has_latency)
        return;
    for (unsigned i = 0; i < SWGI_BUCKETS; i++) {
        below += of->totals.buckets[i];
        sample_of_histogram(out, of, "_bucket");
        swgi_write_bytes(out, out->bounds[i].text, out->bounds[i].length);
        swgi_write_integer(out, below);
        if (is_in_bucket(of, i))
            exemplar(out, of->kinds, of->kinds->traced.seconds);
        swgi_sample_end(out);
    }
    sample_of_histogram(out, of, "_bucket");
    swgi_write_text(out, ",le=\"+Inf\"} ");
    swgi_write_integer(out, of->totals.timed);
    if (is_in_bucket(of, SWGI_BUCKETS))
        exemplar(out, of->kinds, of->kinds->traced.seconds);
    swgi_sample_end(out);
    sample_of_histogram(out, of, "_sum");
    swgi_write_text(out, END);
    swgi_write_real(out, of->totals.timed_s);
    swgi_sample_end(out);
    sample_of_histogram(out, of, "_count");
    swgi_write_text(out, END);
    swgi_write_integer(out, of->totals.timed);
    swgi_sample_end(out);
}

void swgi_metric_PERCENTILE(struct swgi_exposition *out, const struct swgi_measured *of) {
    const struct swg_latency *latency = &status_of(of)->latency;
    if (!is_one(of) || latency->count == 0)
        return;
    swgi_sample_seconds(out, of, ",percentile=\"50\"} ", latency->p50);
    swgi_sample_seconds(out, of, ",percentile=\"90\"} ", latency->p90);
    swgi_sample_seconds(out, of, ",percentile=\"99\"} ", latency->p99);
    swgi_sample_seconds(out, of, ",percentile=\"99.9\"} ", latency->p999);
}

static void sample_of_kind(struct swgi_exposition *out, const struct swgi_measured *of,
                           uint32_t kind, const char *name) {
    swgi_sample_begin(out, of);
    swgi_write_text(out, ",kind=\"");
    swgi_write_escaped(out, name);
    swgi_write_text(out, "\"} ");
    swgi_write_integer(out, of->kinds->samples[kind]);
    if (is_traced(of) && of->kinds->traced.kind == kind)
        exemplar(out, of->kinds, 1);
    swgi_sample_end(out);
}

void swgi_metric_ERRORS(struct swgi_exposition *out, const struct swgi_measured *of) {
    const struct swgi_kinds *kinds = of->kinds;
    if (kinds == NULL)
        return;
    for (uint32_t i = 0; i < kinds->count; i++)
        sample_of_kind(out, of, i, kinds->names[i]);
    if (kinds->samples[SWGI_KINDS_MAX] != 0)
        sample_of_kind(out, of, SWGI_KINDS_MAX, "other");
}

/* ---- the breaker */

static uint64_t is_in(const struct swgi_measured *of, int state) {
    return of->is_sum ? of->states[state] : status_of(of)->state == state;
}

void swgi_metric_STATE(struct swgi_exposition *out, const struct swgi_measured *of) {
    swgi_sample_integer(out, of, ",state=\"closed\"} ", is_in(of, SWG_STATE_CLOSED));
    swgi_sample_integer(out, of, ",state=\"open\"} ", is_in(of, SWG_STATE_OPEN));
    swgi_sample_integer(out, of, ",state=\"half_open\"} ", is_in(of, SWG_STATE_HALF_OPEN));
}

/* The present one alone: four lines of which three are 0 tell no more. */
void swgi_metric_MODE(struct swgi_exposition *out, const struct swgi_measured *of) {
    static const char *const rests[] = { ",mode=\"normal\"} ", ",mode=\"forced_open\"} ",
                                         ",mode=\"forced_closed\"} ", ",mode=\"shadow\"} " };
    for (int i = 0; i < 4; i++) {
        uint64_t value = of->is_sum ? of->modes[i] : status_of(of)->mode == i;
        integer_if(out, of, value != 0, rests[i], value);
    }
}

void swgi_metric_TRIPS(struct swgi_exposition *out, const struct swgi_measured *of) {
    swgi_sample_integer(out, of, END, status_of(of)->trips);
}

/* A ramp is the second half of HALF_OPEN, so its beginning is no change of state. */
void swgi_metric_TRANSITIONS(struct swgi_exposition *out, const struct swgi_measured *of) {
    static const char *const rests[3][3] = {
        { ",from=\"closed\",to=\"closed\"} ", ",from=\"closed\",to=\"open\"} ",
          ",from=\"closed\",to=\"half_open\"} " },
        { ",from=\"open\",to=\"closed\"} ", ",from=\"open\",to=\"open\"} ",
          ",from=\"open\",to=\"half_open\"} " },
        { ",from=\"half_open\",to=\"closed\"} ", ",from=\"half_open\",to=\"open\"} ",
          ",from=\"half_open\",to=\"half_open\"} " },
    };
    const uint64_t *by_rule = of->totals.transitions;
    uint64_t sums[3][3];
    memcpy(sums, of->totals.by_hand, sizeof(sums));
    sums[SWG_STATE_CLOSED][SWG_STATE_OPEN] += by_rule[SWGI_CLOSED_TO_OPEN];
    sums[SWG_STATE_OPEN][SWG_STATE_HALF_OPEN] += by_rule[SWGI_OPEN_TO_HALF];
    sums[SWG_STATE_HALF_OPEN][SWG_STATE_OPEN] +=
        by_rule[SWGI_HALF_TO_OPEN] + by_rule[SWGI_RAMP_TO_OPEN];
    sums[SWG_STATE_HALF_OPEN][SWG_STATE_CLOSED] +=
        by_rule[SWGI_HALF_TO_CLOSED] + by_rule[SWGI_RAMP_TO_CLOSED];
    for (unsigned i = 0; i < 9; i++) {
        unsigned from = i / 3, to = i % 3;
        bool by_rules = (from == SWG_STATE_CLOSED && to == SWG_STATE_OPEN) ||
                        (from == SWG_STATE_OPEN && to == SWG_STATE_HALF_OPEN) ||
                        (from == SWG_STATE_HALF_OPEN && to != SWG_STATE_HALF_OPEN);
        integer_if(out, of, from != to && (by_rules || sums[from][to] != 0), rests[from][to],
                   sums[from][to]);
    }
}

void swgi_metric_STATE_SECONDS(struct swgi_exposition *out, const struct swgi_measured *of) {
    const swg_ns *in_state = of->seen.in_state;
    swgi_sample_seconds(out, of, ",state=\"closed\"} ", in_state[SWG_STATE_CLOSED]);
    swgi_sample_seconds(out, of, ",state=\"open\"} ", in_state[SWG_STATE_OPEN]);
    swgi_sample_seconds(out, of, ",state=\"half_open\"} ", in_state[SWG_STATE_HALF_OPEN]);
}

void swgi_metric_LAST_TRIP(struct swgi_exposition *out, const struct swgi_measured *of) {
    swg_ns at = status_of(of)->last_trip;
    if (is_one(of) && at > 0 && at <= out->now)
        swgi_sample_instant(out, of, END, out->wall_ms - (out->now - at) / 1000000);
}

void swgi_metric_RECOVERY(struct swgi_exposition *out, const struct swgi_measured *of) {
    if (is_one(of) && of->seen.last_recovery >= 0)
        swgi_sample_seconds(out, of, END, of->seen.last_recovery);
}

static bool had_open_period(const struct swgi_measured *of) {
    return is_one(of) && (of->seen.open_since != 0 || of->seen.last_recovery >= 0);
}

static swg_ns open_for(const struct swgi_measured *of) {
    if (of->seen.open_since == 0)
        return of->seen.last_recovery;
    return of->seen.at > of->seen.open_since ? of->seen.at - of->seen.open_since : 0;
}

void swgi_metric_OPEN_SECONDS(struct swgi_exposition *out, const struct swgi_measured *of) {
    if (had_open_period(of))
        swgi_sample_seconds(out, of, END, open_for(of));
}

void swgi_metric_OPEN_REJECTED(struct swgi_exposition *out, const struct swgi_measured *of) {
    integer_if(out, of, had_open_period(of), END, of->seen.open_rejected);
}

void swgi_metric_RAMP(struct swgi_exposition *out, const struct swgi_measured *of) {
    if (is_one(of) && status_of(of)->ramp_percent > 0)
        swgi_sample_real(out, of, END, status_of(of)->ramp_percent / 100.0);
}

void swgi_metric_SCORE(struct swgi_exposition *out, const struct swgi_measured *of) {
    if (is_one(of) && status_of(of)->score_limit > 0)
        swgi_sample_real(out, of, END, status_of(of)->score);
}

void swgi_metric_SCORE_LIMIT(struct swgi_exposition *out, const struct swgi_measured *of) {
    if (is_one(of) && status_of(of)->score_limit > 0)
        swgi_sample_real(out, of, END, status_of(of)->score_limit);
}

void swgi_metric_NEAR(struct swgi_exposition *out, const struct swgi_measured *of) {
    if (is_one(of))
        swgi_sample_real(out, of, END, of->seen.near);
}

void swgi_metric_FAILURE_RATIO(struct swgi_exposition *out, const struct swgi_measured *of) {
    if (is_one(of) && of->seen.failure_rate_1m >= 0)
        swgi_sample_real(out, of, END, of->seen.failure_rate_1m);
}

void swgi_metric_FLAPPING(struct swgi_exposition *out, const struct swgi_measured *of) {
    swgi_sample_integer(out, of, END, of->seen.transitions_10m);
}

void swgi_metric_TREND(struct swgi_exposition *out, const struct swgi_measured *of) {
    if (is_one(of))
        swgi_sample_real(out, of, END, of->seen.failure_trend);
}

void swgi_metric_ANOMALY(struct swgi_exposition *out, const struct swgi_measured *of) {
    if (is_one(of))
        swgi_sample_real(out, of, END, of->seen.anomaly);
}

/* ---- policies */

void swgi_metric_PERMITS_HELD(struct swgi_exposition *out, const struct swgi_measured *of) {
    integer_if(out, of, status_of(of)->has_bulkhead, END, status_of(of)->permits_held);
}

void swgi_metric_PERMITS_LIMIT(struct swgi_exposition *out, const struct swgi_measured *of) {
    integer_if(out, of, status_of(of)->permits_limit != 0, END, status_of(of)->permits_limit);
}

void swgi_metric_OLDEST_CALL(struct swgi_exposition *out, const struct swgi_measured *of) {
    if (is_one(of) && status_of(of)->has_bulkhead)
        swgi_sample_seconds(out, of, END, status_of(of)->held_longest);
}

void swgi_metric_QUEUE_LENGTH(struct swgi_exposition *out, const struct swgi_measured *of) {
    integer_if(out, of, status_of(of)->queue_max != 0, END, status_of(of)->queue_length);
}

void swgi_metric_QUEUE_LIMIT(struct swgi_exposition *out, const struct swgi_measured *of) {
    integer_if(out, of, status_of(of)->queue_max != 0, END, status_of(of)->queue_max);
}

void swgi_metric_QUEUE_WAIT(struct swgi_exposition *out, const struct swgi_measured *of) {
    if (is_one(of) && status_of(of)->queue_max != 0)
        swgi_sample_seconds(out, of, END, of->waited);
}

void swgi_metric_LIMITER_RATE(struct swgi_exposition *out, const struct swgi_measured *of) {
    const struct swg_status *status = status_of(of);
    if (is_one(of) && status->has_limiter && status->limiter_per > 0)
        swgi_sample_real(out, of, END, status->limiter_rate * 1e9 / (double)status->limiter_per);
}

void swgi_metric_LIMITER_LEFT(struct swgi_exposition *out, const struct swgi_measured *of) {
    integer_if(out, of, status_of(of)->has_limiter, END, status_of(of)->limiter_left);
}

void swgi_metric_LIMITER_SHARE(struct swgi_exposition *out, const struct swgi_measured *of) {
    if (is_one(of) && status_of(of)->has_limiter)
        swgi_sample_real(out, of, END, status_of(of)->limiter_share);
}

static bool retries(const struct swgi_measured *of) {
    return status_of(of)->has_retry || status_of(of)->retries != 0;
}

void swgi_metric_RETRIES(struct swgi_exposition *out, const struct swgi_measured *of) {
    integer_if(out, of, retries(of), END, status_of(of)->retries);
}

void swgi_metric_RETRIES_REFUSED(struct swgi_exposition *out, const struct swgi_measured *of) {
    integer_if(out, of, retries(of), END, status_of(of)->retries_refused);
}

void swgi_metric_RETRY_BUDGET(struct swgi_exposition *out, const struct swgi_measured *of) {
    const struct swg_status *status = status_of(of);
    if (is_one(of) && status->has_retry && status->retry_budget_left >= 0)
        swgi_sample_real(out, of, END, status->retry_budget_left);
}

void swgi_metric_ATTEMPT_TIMEOUT(struct swgi_exposition *out, const struct swgi_measured *of) {
    if (is_one(of) && status_of(of)->attempt_timeout > 0)
        swgi_sample_seconds(out, of, END, status_of(of)->attempt_timeout);
}

void swgi_metric_FEATURES(struct swgi_exposition *out, const struct swgi_measured *of) {
    const struct swg_status *status = status_of(of);
    if (!is_one(of) || status->features_all == 0)
        return;
    swgi_sample_integer(out, of, ",state=\"on\"} ", status->features_on);
    swgi_sample_integer(out, of, ",state=\"off\"} ", status->features_all - status->features_on);
}

/* ---- objectives */

void swgi_metric_SLO_OBJECTIVE(struct swgi_exposition *out, const struct swgi_measured *of) {
    const struct swgi_file_circuit *entry = of->seen.entry;
    if (is_one(of) && entry != NULL && entry->has_slo && entry->slo_availability > 0)
        swgi_sample_real(out, of, END, entry->slo_availability / 100);
}

void swgi_metric_SLO_BUDGET(struct swgi_exposition *out, const struct swgi_measured *of) {
    if (is_one(of) && of->seen.slo_budget_left >= 0)
        swgi_sample_real(out, of, END, of->seen.slo_budget_left);
}

void swgi_metric_SLO_BURN(struct swgi_exposition *out, const struct swgi_measured *of) {
    if (is_one(of) && of->seen.slo_burn_rate >= 0)
        swgi_sample_real(out, of, END, of->seen.slo_burn_rate);
}

void swgi_metric_SLO_LATENCY(struct swgi_exposition *out, const struct swgi_measured *of) {
    const struct swgi_file_circuit *entry = of->seen.entry;
    if (is_one(of) && entry != NULL && entry->has_slo && entry->slo_p99 > 0)
        swgi_sample_seconds(out, of, END, entry->slo_p99);
}

/* ---- the seed's names, whose label is bookmaker */

#define OWN_LABEL "{breaker="

static void begin_seed(struct swgi_exposition *out, const struct swgi_measured *of) {
    size_t skip = sizeof(OWN_LABEL) - 1;
    swgi_write_bytes(out, out->name, out->name_length);
    swgi_write_text(out, "{bookmaker=");
    swgi_write_bytes(out, of->label + skip, of->label_length - skip);
}

static void seed_integer(struct swgi_exposition *out, const struct swgi_measured *of,
                         const char *rest, uint64_t value) {
    begin_seed(out, of);
    swgi_write_text(out, rest);
    swgi_write_integer(out, value);
    swgi_sample_end(out);
}

static void seed_real(struct swgi_exposition *out, const struct swgi_measured *of, double value) {
    begin_seed(out, of);
    swgi_write_text(out, END);
    swgi_write_real(out, value);
    swgi_sample_end(out);
}

void swgi_metric_SEED_TRIPPED(struct swgi_exposition *out, const struct swgi_measured *of) {
    if (is_one(of))
        seed_integer(out, of, END, swgi_is_tripped(status_of(of)));
}

void swgi_metric_SEED_FAILURES(struct swgi_exposition *out, const struct swgi_measured *of) {
    seed_real(out, of, of->seen.failures_weighted_1m);
}

void swgi_metric_SEED_TRIPS(struct swgi_exposition *out, const struct swgi_measured *of) {
    seed_integer(out, of, END, status_of(of)->trips);
}

void swgi_metric_SEED_LATENCY(struct swgi_exposition *out, const struct swgi_measured *of) {
    double mean = of->seen.latency_mean_1m;
    if (!is_one(of))
        return;
    if (mean < 0)
        mean = of->totals.timed != 0 ? of->totals.timed_s / (double)of->totals.timed : 0;
    seed_real(out, of, mean * 1000);
}

void swgi_metric_SEED_REJECTED(struct swgi_exposition *out, const struct swgi_measured *of) {
    seed_integer(out, of, ",reason=\"tripped\"} ", status_of(of)->rejected_open);
    seed_integer(out, of, ",reason=\"load_shed\"} ", status_of(of)->rejected_shed);
}
