/*
 * Drives a circuit and the naive machine with the same random steps, and compares everything people can see after each.
 *
 * A run is many lives: each on a panel of its own, with settings drawn from a list, near the wrap of generations or slices as
 * often as not. A difference prints the seed of the life, the step and the steps before it; life(seed) plays it again.
 */
#ifndef TESTS_MODEL_DRIVE_H
#define TESTS_MODEL_DRIVE_H

#include "../unit/engine/inside.h"
#include "base/random.h"
#include "bound.h"
#include "naive.h"

#define IN_FLIGHT_MAX 24
#define TOLD          20
#define YEAR          (S(86400) * 365)
#define LAST_INSTANT  (INT64_C(1) << 58) /* where deadlines of 36 bits end */

enum step_kind {
    STEP_CALL,
    STEP_ACQUIRE,
    STEP_RECORD,
    STEP_CANCEL,
    STEP_ADVANCE,
    STEP_TRIP,
    STEP_RESET,
    STEP_PROBE,
    STEP_MODE,
    STEP_CONFIGURE,
    STEP_KINDS
};
static const char *const step_names[STEP_KINDS] = { "call",    "acquire",  "record", "cancel",
                                                    "advance", "trip",     "reset",  "probe",
                                                    "mode",    "configure" };

struct step {
    enum step_kind kind;
    int outcome, rc;
    int64_t clock, offset, number;
};

/* What a life is made of: settings to choose from, and how often each kind of step is taken. */
struct plan {
    const char *const (
        *settings)[2]; /* keys and values; a NULL key ends one circuit's, two end the list */
    unsigned weights[STEP_KINDS];
    unsigned failures_of_100;
    int64_t duration_most;
    bool bad_clocks, long_gaps;
};

static struct naive naive;
static struct swgi_random chance;
static struct step told[TOLD];
static uint64_t steps_taken, life_seed;
static const struct plan *plan;
static uint64_t keys_in[8],
    keys_out
        [8]; /* of a ramp: the largest share each key was turned away at, plus one; smallest let in */

static struct {
    struct swg_permit real;
    struct naive_permit naive;
} flight[IN_FLIGHT_MAX];
static unsigned in_flight;

static uint64_t roll(uint64_t below) {
    return swgi_random_below(&chance, below);
}

static void tell_steps(void) {
    print_error("seed %llu, step %llu; the steps before:\n", (unsigned long long)life_seed,
                (unsigned long long)steps_taken);
    for (unsigned i = 0; i < TOLD; i++) {
        const struct step *step = &told[(steps_taken + 1 + i) % TOLD];

        print_error("  at %lld%+lld ns: %s %s, %lld: %d\n", (long long)step->clock,
                    (long long)step->offset, step_names[step->kind],
                    step->outcome != 0 ? swg_outcome_name(step->outcome) : "",
                    (long long)step->number, step->rc);
    }
}

#define same(what, real, modelled)                                               \
    do {                                                                         \
        if ((int64_t)(real) != (int64_t)(modelled)) {                            \
            tell_steps();                                                        \
            fail_msg("%s is %lld, the model says %lld", what, (long long)(real), \
                     (long long)(modelled));                                     \
        }                                                                        \
    } while (0)

/* ---- comparing */

struct seen {
    int state, mode, rule;
    int64_t open_until, mode_until, since;
};

/* What is shown at an instant: an OPEN that is due is HALF_OPEN, a mode past its bound is normal. */
static struct seen naive_seen(int64_t at) {
    struct seen seen = { naive.state, naive.mode, 0, 0, 0, naive.since };
    int64_t open_until = naive.open_until;

    if (naive.mode != SWG_MODE_NORMAL && at >= naive.mode_until) {
        if (naive_forced(&naive) && naive.state != NAIVE_CLOSED) {
            seen.state = NAIVE_OPEN;
            open_until = naive.mode_until;
        }
        seen.mode = SWG_MODE_NORMAL;
    }
    bool forced = seen.mode == SWG_MODE_FORCED_OPEN || seen.mode == SWG_MODE_FORCED_CLOSED;

    if (seen.state == NAIVE_OPEN && !forced && at >= open_until) {
        seen.state = NAIVE_HALF;
        seen.since = open_until > seen.since ? open_until : seen.since;
    }
    if (seen.state == NAIVE_OPEN && !forced)
        seen.open_until = open_until;
    if (seen.state == NAIVE_OPEN || seen.state == NAIVE_HALF)
        seen.rule = naive.rule;
    if (seen.mode != SWG_MODE_NORMAL)
        seen.mode_until = naive.mode_until;
    if (seen.state == NAIVE_RAMP)
        seen.state = SWG_STATE_HALF_OPEN;
    return seen;
}

static void compare_machine(const struct swg_status *real) {
    struct seen seen = naive_seen(now());
    bool shown_half = naive.state == NAIVE_HALF && !naive_forced(&naive);
    struct naive_tally tally = naive_tally(&naive);

    same("ctl's state", swgi_ctl_state(ctl()), naive.state);
    same("ctl's generation", generation(), naive.generation);
    same("state", real->state, seen.state);
    same("mode", real->mode, seen.mode);
    same("rule", real->rule, seen.rule);
    same("open_until", real->open_until, seen.open_until);
    same("mode_until", real->mode_until, seen.mode_until);
    same("since", real->since, seen.since);
    same("transitions", real->transitions, naive.transitions);
    same("trips", real->trips, naive.trips);
    same("trips in a row", real->trips_in_a_row, naive.streak);
    same("last trip", real->last_trip, naive.last_trip);
    same("probes held", real->probes_held, shown_half ? tally.held : 0);
    same("probe successes", real->probe_successes, shown_half ? tally.passed : 0);
    if (naive.state == NAIVE_RAMP && seen.mode == naive.mode && !naive_forced(&naive))
        same("ramp", real->ramp_percent, naive_percent(&naive));
}

static void compare_counters(const struct swg_status *real) {
    same("calls", real->calls, naive.calls);
    same("successes", real->successes, naive.successes);
    same("failures", real->failures, naive.failures);
    same("timeouts", real->timeouts, naive.timeouts);
    same("ignored", real->ignored, naive.ignored);
    same("cancelled", real->cancelled, naive.cancelled);
    same("late", real->late, naive.late);
    same("slow", real->slow, naive.slow);
    same("rejected", real->rejected_open, naive.rejected);
    same("would reject", real->would_reject, naive.would_reject);
    same("in flight", real->in_flight, in_flight);
}

static void compare_windows(const struct swg_status *real) {
    const struct swgi_settings *settings = &naive.settings;
    struct naive_sums sums = { 0 };
    unsigned slices = 0;

    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX; i++)
        if (settings->time[i].kind != SWGI_TIME_NONE && settings->time[i].slices > slices)
            slices = settings->time[i].slices;
    if (slices != 0)
        sums = naive_window(&naive, slices, now());
    else if (settings->count.calls != 0)
        sums = naive_sum(&naive.last, -1);
    same("calls in the window", real->window_calls, sums.calls);
    if (sums.calls != 0) {
        same("half-units in the window", llround(real->failure_rate * 2 * (double)sums.calls),
             sums.half_units);
        same("slow calls in the window", llround(real->slow_rate * (double)sums.calls), sums.slow);
    }
    if (settings->count.calls != 0 && !naive_forced(&naive) && naive.state != NAIVE_HALF &&
        naive.state != NAIVE_OPEN) {
        struct swgi_settings present = *settings;
        struct swgi_count count;

        sums = naive_sum(&naive.last, -1);
        assert_true(swgi_count_read(cell(), &present, &count));
        same("calls in the count window", count.calls, sums.calls);
        same("half-units in the count window", count.half_units, sums.half_units);
        same("slow calls in the count window", count.slow, sums.slow);
    }
    if (naive.state == NAIVE_CLOSED && !naive_forced(&naive))
        same("score", swgi_ctl_score(ctl()), naive.score);
}

static void compare(void) {
    struct swg_status real = status();

    compare_machine(&real);
    compare_counters(&real);
    compare_windows(&real);
}

/* ---- clocks */

/* Then the clock decides where the slices go on, not the caller who comes first. */
static bool half_the_circle_passed(void) {
    int64_t half = INT64_C(1) << (SWGI_TICK_BITS - 1);

    return naive.settings.slice_ns != 0 &&
           naive_slice_at(&naive, now()) - naive.slice > half - 10000;
}

/* What a caller says the time is. */
static int64_t said_now(struct step *step) {
    static const int64_t bad[] = { 0, -1, INT64_MIN, INT64_MAX, INT64_C(1790000000000000000), 1 };

    if (!plan->bad_clocks || half_the_circle_passed())
        return now();
    switch (roll(16)) {
    case 0: /* a little behind */
        step->offset = -(int64_t)roll((uint64_t)S(1));
        return now() + step->offset;
    case 1: /* a little ahead */
        step->offset = (int64_t)roll((uint64_t)MS(300));
        return now() + step->offset;
    case 2:
        return step->offset = bad[roll(sizeof(bad) / sizeof(bad[0]))];
    default:
        return now();
    }
}

static int64_t believed(int64_t said) {
    return said < now() - S(1) || said > now() + S(1) ? now() : said;
}

/* ---- steps */

struct lot {
    uint64_t key;
    bool admitted;
};

/* Who is let in at a share is let in at every larger one. */
static bool in_share(struct naive *n, void *arg) {
    const struct lot *lot = arg;
    unsigned percent = naive_percent(n);

    if (lot->key == 0)
        return lot->admitted;
    if (lot->admitted && percent < keys_in[lot->key - 1])
        keys_in[lot->key - 1] = percent;
    if (!lot->admitted && percent >= keys_out[lot->key - 1])
        keys_out[lot->key - 1] = percent + 1;
    same("a key's share", keys_out[lot->key - 1] > keys_in[lot->key - 1], false);
    return lot->admitted;
}

static int take(struct step *step) {
    struct swg_request request = SWG_REQUEST_INIT;
    bool asks = roll(4) == 0;
    int64_t said = said_now(step), at = believed(said);
    struct lot lot = { 0 };
    uint64_t would_reject = status().would_reject;
    int rc, modelled;

    lot.key = request.key = asks ? roll(9) : 0;
    rc = swg_acquire_at(circuit, asks ? &request : NULL, said, &flight[in_flight].real);
    lot.admitted = rc == SWG_GO && status().would_reject == would_reject;
    /* A caller whose clock stands far back is believed by nobody but himself: an OPEN that he thinks is not due. */
    if (rc == SWG_OPEN && !asks && said >= 0 && naive.state == NAIVE_OPEN &&
        naive.mode == SWG_MODE_NORMAL && said < naive.open_until) {
        naive.rejected++;
        step->rc = rc;
        return rc;
    }
    modelled = naive_acquire(&naive, at, in_share, &lot, &flight[in_flight].naive);
    step->rc = rc;
    same("acquire", rc, modelled);
    if (rc == SWG_OPEN && naive.state == NAIVE_OPEN && naive.mode == SWG_MODE_NORMAL)
        same("retry_in", swg_retry_in(&flight[in_flight].real),
             naive.open_until == INT64_MAX ? INT64_MAX : naive.open_until - at);
    in_flight += rc == SWG_GO;
    return rc;
}

static int some_outcome(void) {
    if (roll(100) >= plan->failures_of_100)
        return roll(12) == 0 ? SWG_IGNORED : SWG_SUCCESS;
    return roll(3) == 0 ? SWG_TIMEOUT : SWG_FAILURE;
}

static void drop(unsigned which) {
    flight[which] = flight[--in_flight];
}

static void end(struct step *step, unsigned which) {
    struct swg_failure failure = SWG_FAILURE_INIT;
    int outcome = step->outcome = some_outcome();
    int64_t said = said_now(step), duration = (int64_t)roll((uint64_t)plan->duration_most);
    bool slow = outcome != SWG_IGNORED && (uint64_t)duration > naive.settings.slow_ns;
    struct naive_permit permit_of = flight[which].naive;

    if (outcome != SWG_SUCCESS && roll(4) == 0)
        failure.retry_after = (int64_t)roll((uint64_t)S(1000));
    step->number = (int64_t)permit_of.number;
    uint64_t trips = status().trips;
    step->rc = swg_record_at(&flight[which].real, outcome, &failure, said, duration);
    bool tripped = status().trips != trips;
    drop(which);
    naive_record(&naive, &permit_of, outcome, slow, believed(said), failure.retry_after, tripped);
    same("record", step->rc, 0);
}

static void cancel(struct step *step, unsigned which) {
    step->number = (int64_t)flight[which].naive.number;
    swg_cancel(&flight[which].real);
    naive_cancel(&naive, &flight[which].naive, now());
    drop(which);
}

static int64_t some_time(void) {
    int64_t slice = naive.settings.slice_ns != 0 ? (int64_t)naive.settings.slice_ns : MS(10);

    uint64_t lot = roll(plan->long_gaps ? 40 : 32);

    if (lot < 18)
        return (int64_t)roll((uint64_t)slice);
    if (lot < 26)
        return (int64_t)roll((uint64_t)slice * 4);
    if (lot < 29)
        return (int64_t)roll((uint64_t)naive.settings.open_for_ns * 2);
    if (lot == 29)
        return slice * (int64_t)roll(20);
    if (lot == 30)
        return (int64_t)roll((uint64_t)naive.settings.backoff_reset_ns + 2);
    if (lot == 31)
        return (int64_t)roll((uint64_t)naive.settings.half_open_max_ns * 2);
    return (int64_t)roll(lot < 38 ? (uint64_t)S(3600) * 30 : (uint64_t)YEAR / 8);
}

static void pass_time(struct step *step) {
    int64_t by = some_time();

    if (now() + by > LAST_INSTANT - YEAR / 2)
        by = 1;
    step->number = by;
    advance(by);
}

static void act(struct step *step) {
    struct swg_act by = SWG_ACT_INIT;
    int modelled = 0;

    by.user = "ann";
    by.for_ns = roll(2) == 0 ? 0 : 1 + (int64_t)roll((uint64_t)naive.settings.open_for_ns * 3);
    by.force = roll(2) == 0;
    struct naive_hand hand = { by.for_ns, by.force };

    switch (step->kind) {
    case STEP_TRIP:
        step->rc = swg_circuit_trip(circuit, &by, NULL);
        modelled = naive_trip(&naive, &hand, now());
        break;
    case STEP_RESET:
        step->rc = swg_circuit_reset(circuit, &by, NULL);
        modelled = naive_reset(&naive, &hand, now());
        break;
    case STEP_PROBE:
        step->rc = swg_circuit_probe(circuit, &by, NULL);
        modelled = naive_probe_now(&naive, &hand, now());
        break;
    default:
        step->number = (int64_t)roll(6) % 4; /* normal and isolated more often */
        step->rc = swg_circuit_mode(circuit, (int)step->number, &by, NULL);
        naive_mode(&naive, (int)step->number, &hand, now());
    }
    same("a hand's act", step->rc, modelled);
}

/* ---- settings */

static unsigned settings_count(void) {
    unsigned count = 0;

    for (unsigned i = 0; plan->settings[i][0] != NULL; i++)
        if (plan->settings[i + 1][0] == NULL) {
            count++;
            i++;
        }
    return count;
}

static void choose_settings(unsigned number) {
    unsigned i = 0;

    for (; number > 0; i++)
        if (plan->settings[i][0] == NULL)
            number--;
    for (; plan->settings[i][0] != NULL; i++)
        set(plan->settings[i][0], plan->settings[i][1]);
}

static void configure(struct step *step) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swgi_settings present;

    config = swg_config_unref(config);
    assert_int_equal(swg_config_new(&config), 0);
    assert_int_equal(swg_config_preset(config, "default", NULL), 0);
    set("breaker.open.jitter", "0");
    step->number = (int64_t)roll(settings_count());
    choose_settings((unsigned)step->number);
    if (swg_circuit_configure(circuit, config, &error) != 0)
        fail_msg("%s: %s", error.key, error.text);
    present = settings();
    /* Other thresholds over the same windows are judged at the next call that is bad, which is not what lives compare. */
    naive_configure(&naive, &present, swgi_load(&cell()->time_base));
    naive.unjudged_in_window = true;
}

static enum step_kind some_kind(void) {
    unsigned sum = 0, lot;

    for (unsigned i = 0; i < STEP_KINDS; i++)
        sum += plan->weights[i];
    lot = (unsigned)roll(sum);
    for (unsigned i = 0;; i++) {
        if (lot < plan->weights[i])
            return (enum step_kind)i;
        lot -= plan->weights[i];
    }
}

static inline void take_step(void) {
    struct step *step = &told[++steps_taken % TOLD];

    *step = (struct step){ .kind = some_kind(), .clock = now() };
    switch (step->kind) {
    case STEP_CALL:
        if (in_flight < IN_FLIGHT_MAX && take(step) == SWG_GO)
            end(step, in_flight - 1);
        break;
    case STEP_ACQUIRE:
        if (in_flight < IN_FLIGHT_MAX)
            take(step);
        break;
    case STEP_RECORD:
        if (in_flight > 0)
            end(step, (unsigned)roll(in_flight));
        break;
    case STEP_CANCEL:
        if (in_flight > 0)
            cancel(step, (unsigned)roll(in_flight));
        break;
    case STEP_ADVANCE:
        pass_time(step);
        break;
    case STEP_CONFIGURE:
        configure(step);
        break;
    default:
        act(step);
    }
    compare();
}

/* What all lives of a run went through, so that a story cannot pass by never getting there. */
static uint64_t lived[SWGI_TRANSITIONS], wraps;

static void remember_life(uint64_t first) {
    for (unsigned i = 0; i < SWGI_TRANSITIONS; i++)
        lived[i] += swgi_load(&cell()->transitions[i]);
    wraps += generation() < first;
}

/* With a tenth of the lives chance weighs more: a quarter of a tenth will do. */
static inline void assert_lived(unsigned usual, unsigned from, unsigned to) {
    unsigned least = bounded(usual) < usual ? bounded(usual) / 4 : usual;

    for (unsigned i = from; i <= to; i++)
        if (lived[i] < least)
            fail_msg("only %llu transitions of kind %u", (unsigned long long)lived[i], i);
}

static void life(const struct plan *of, uint64_t seed, unsigned steps) {
    struct swgi_settings present;
    uint64_t first = 1;

    plan = of;
    life_seed = seed;
    swgi_random_init(&chance, seed);
    in_flight = 0;
    steps_taken = 0;
    memset(keys_in, 0xff, sizeof(keys_in));
    memset(keys_out, 0, sizeof(keys_out));
    assert_int_equal(begin_story(NULL), 0);
    set("breaker.trip", "none");
    choose_settings((unsigned)roll(settings_count()));
    make();
    if (roll(2) == 0) {
        first = SWGI_MASK(SWGI_GENERATION_BITS) - roll(steps / 8 + 1);
        age_generation(first);
    }
    if (roll(2) == 0)
        age_ticks((uint32_t)SWGI_MASK(SWGI_TICK_BITS) - (uint32_t)roll(steps));
    present = settings();
    naive_begin(&naive, &present, first, swgi_load(&cell()->time_base));
    for (unsigned i = 0; i < steps; i++)
        take_step();
    remember_life(first);
    assert_int_equal(end_story(NULL), 0);
}

/* So many steps, in lives of a few thousand. SWITCHGEAR_SEED plays one life again. */
static inline void live(const struct plan *of, unsigned lives, unsigned steps) {
    const char *again = getenv("SWITCHGEAR_SEED");

    memset(lived, 0, sizeof(lived));
    wraps = 0;
    if (again != NULL) {
        life(of, strtoull(again, NULL, 10), steps);
        return;
    }
    for (unsigned i = 0; i < bounded(lives); i++)
        life(of, 1 + i, steps);
}

#endif
