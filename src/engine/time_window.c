/*
 * The time window: what happened in the last W seconds, without a write that threads share on the
 * good path.
 *
 * Successes are counted in each thread's own column, failures and slow calls in shared words; all
 * only grow. Time is cut into slices, and at the start of each slice somebody notes the sums in a
 * ring of snapshots. A window is the difference between the sums now and the snapshot at its edge,
 * or the sums at the last transition, whichever is later.
 *
 * epoch = {generation, tick} says up to where the notes are complete. Who finds it stale sums, and
 * installs what is missing word by word; the first to install each word wins, all help, and the
 * epoch moves last. So a caller may be killed anywhere.
 */
#include "engine/engine.h"

enum { CALLS, HALF_UNITS, SLOW };

struct slices {
    uint64_t reciprocal, time_base;
    uint32_t tick_base;
};

struct sums {
    uint64_t of[3];
};

/* Three words that a reload changes one after another, the reciprocal last; equal before and after
 * is consistent. */
static bool read_slices(const struct swgi_cell *cell, struct slices *out) {
    for (unsigned attempt = 0; attempt < 4; attempt++) {
        out->reciprocal = swgi_load(&cell->reciprocal);
        out->tick_base = swgi_load(&cell->tick_base);
        out->time_base = swgi_load(&cell->time_base);
        if (out->reciprocal == 0)
            return false;
        if (swgi_load(&cell->tick_base) == out->tick_base &&
            swgi_load(&cell->reciprocal) == out->reciprocal)
            return true;
    }
    return false;
}

/* floor(2^64 / slice): mulhi then rounds an instant down, by at most one tick in 2^64 / slice of
 * them. */
static uint64_t reciprocal_of(uint64_t slice_ns) {
    return slice_ns == 1 ? UINT64_MAX : (uint64_t)(((swgi_wide)1 << 64) / slice_ns);
}

/* Ticks are counted from before any instant that is believed: one before time_base would be taken
 * for one far ahead. */
#define TIME_BEFORE_NS INT64_C(2000000000)

void swgi_time_restart(struct swgi_cell *cell, uint64_t slice_ns, int64_t now) {
    /* Past every tick in the ring, so that all snapshots are older; a ring of zeros (a new circuit)
     * is older too. */
    uint32_t last = swgi_epoch_tick(swgi_load(&cell->epoch));
    swgi_store(&cell->reciprocal, 0);
    if (slice_ns == 0)
        return;
    swgi_store(&cell->time_base, (uint64_t)(now - TIME_BEFORE_NS));
    swgi_store(&cell->tick_base, (last + SWGI_SNAPSHOTS + 1) & (uint32_t)SWGI_MASK(SWGI_TICK_BITS));
    swgi_store(&cell->reciprocal, reciprocal_of(slice_ns));
}

/* Is time cut into slices of that length? A configurer killed half way leaves the old ones. */
static bool is_cut(uint64_t reciprocal, uint64_t slice_ns) {
    return slice_ns != 0 && reciprocal == reciprocal_of(slice_ns);
}

/* Only from the settings in force: else two who disagree would restart the slices for ever. */
static void mend_slices(struct swgi_turn *turn) {
    if (swgi_load(&turn->cell->settings_sequence) == turn->settings_sequence)
        swgi_time_restart(turn->cell, turn->settings.slice_ns, swgi_turn_now(turn));
}

static void sum_bad(const struct swgi_turn *turn, struct sums *out) {
    const struct swgi_cell *cell = turn->cell;
    uint64_t failures = swgi_load(&cell->failures), timeouts = swgi_load(&cell->timeouts);
    out->of[CALLS] = failures + timeouts;
    out->of[HALF_UNITS] = 2 * failures + turn->settings.timeout_half_units * timeouts;
    out->of[SLOW] = swgi_load(&cell->slow);
}

static void sum_all(const struct swgi_turn *turn, struct sums *out) {
    uint64_t good = swgi_column_sum(turn->map, turn->index, SWGI_COUNTER(successes));
    if (turn->settings.ignored == SWGI_IGNORED_SUCCESS)
        good += swgi_column_sum(turn->map, turn->index, SWGI_COUNTER(ignored));
    sum_bad(turn, out);
    out->of[CALLS] += good;
}

static void install_snapshots(struct swgi_cell *cell, uint32_t from, uint32_t tick,
                              const struct sums *sums) {
    uint32_t missed = (tick - from) & (uint32_t)SWGI_MASK(SWGI_TICK_BITS);
    uint32_t count = missed < SWGI_SNAPSHOTS ? missed : SWGI_SNAPSHOTS;
    for (uint32_t back = count; back-- > 0;) {
        uint32_t of = (tick - back) & (uint32_t)SWGI_MASK(SWGI_TICK_BITS);
        for (unsigned j = 0; j < 3; j++) {
            swgi_word *slot = &cell->snapshots[of % SWGI_SNAPSHOTS][j];
            uint64_t present = swgi_load(slot);
            /* Older ticks only, on the circle: a caller who stalled must not put its old sums over
             * newer ones. */
#ifdef SWGI_MUTANT_ZEROED_TAGS
            if (swgi_snapshot_tick(present) == 0)
                continue;
#endif
            while (swgi_tick_before(swgi_snapshot_tick(present), of) &&
                   !swgi_cas(slot, present, swgi_snapshot(of, sums->of[j])))
                present = swgi_load(slot);
        }
    }
}

/* false: the generation moved on. */
static bool install_base(struct swgi_turn *turn, uint64_t generation, const struct sums *sums) {
    for (unsigned j = 0; j < 3; j++) {
        swgi_word *word = &turn->cell->base[j];
        for (;;) {
            uint64_t present = swgi_load(word);
            if (swgi_base_generation(present) == generation)
                break;
            /* Re-read after the load: who stalled since an older generation stops here. */
            if (swgi_ctl_generation(swgi_load(&turn->cell->ctl)) != generation)
                return false;
            if (swgi_cas(word, present, swgi_base(generation, sums->of[j])))
                break;
        }
    }
    return true;
}

/*
 * An epoch farther ahead than two callers may be apart, each a second off our clock: a bad clock
 * set it, or half the circle of ticks has passed.
 */
static bool out_of_step(const struct slices *slices, uint32_t tick, uint32_t present) {
    uint64_t two_seconds = 2 * (slices->reciprocal / (UINT64_MAX / UINT64_C(1000000000)) + 2);
    return swgi_tick_before(tick, present) &&
           ((present - tick) & SWGI_MASK(SWGI_TICK_BITS)) > two_seconds;
}

/* The tick to be in. Time that runs backward is the same tick; an epoch ahead of the clock is
 * cured. */
static uint32_t tick_for(struct swgi_turn *turn, const struct slices *slices, uint32_t present) {
    uint32_t tick = swgi_tick(slices->tick_base, slices->time_base, slices->reciprocal, turn->now);
    if (tick == present)
        return tick;
    tick = swgi_tick(slices->tick_base, slices->time_base, slices->reciprocal, swgi_turn_now(turn));
    /* We may have been stopped between clock and epoch: only a later look at the clock accuses it. */
#ifdef SWGI_MUTANT_ACCUSED_EPOCH
    if (false) {
#else
    if (out_of_step(slices, tick, present)) {
#endif
        turn->now = swgi_map_clock(turn->map);
        tick = swgi_tick(slices->tick_base, slices->time_base, slices->reciprocal, turn->now);
    }
    if (!swgi_tick_before(tick, present))
        return tick;
    if (!out_of_step(slices, tick, present))
        return present;
    /* What its slices hold is of no known time: go on past all of them. */
    uint32_t fresh = (present + SWGI_SNAPSHOTS + 1) & (uint32_t)SWGI_MASK(SWGI_TICK_BITS);
    uint32_t base = (slices->tick_base + (fresh - tick)) & (uint32_t)SWGI_MASK(SWGI_TICK_BITS);
    return swgi_cas32(&turn->cell->tick_base, slices->tick_base, base) ? fresh : present;
}

/* Complete the notes up to a tick and move the epoch there: 1; 0 look again; -1 the generation moved on. */
static int rotate(struct swgi_turn *turn, uint64_t generation, uint64_t epoch, uint32_t tick) {
    struct swgi_cell *cell = turn->cell;
    uint32_t present = swgi_epoch_tick(epoch);
    struct sums sums;
    sum_all(turn, &sums);
    if (swgi_ctl_generation(swgi_load(&cell->ctl)) != generation)
        return -1;
    install_snapshots(cell, present, tick, &sums);
    bool restarts = swgi_epoch_generation(epoch) != generation;
    /* Other weights make other sums: after a reload, a window that is kept starts anew as well. */
    bool all_new = ((tick - present) & SWGI_MASK(SWGI_TICK_BITS)) >= SWGI_SNAPSHOTS;
    bool cleared = restarts && turn->settings.on_close == SWGI_WINDOW_CLEARED;
    if ((all_new || cleared) && !install_base(turn, generation, &sums))
        return -1;
    return swgi_cas(&cell->epoch, epoch, swgi_epoch(generation, tick));
}

bool swgi_time_enter(struct swgi_turn *turn, uint64_t generation) {
    struct swgi_cell *cell = turn->cell;
    struct slices slices;
    for (unsigned attempt = 0; attempt < 64; attempt++) {
        if (!read_slices(cell, &slices)) {
            /* Who configures may be killed before time is cut, or in the middle of it. */
            mend_slices(turn);
            continue;
        }
        uint64_t epoch = swgi_load(&cell->epoch);
        uint32_t tick = tick_for(turn, &slices, swgi_epoch_tick(epoch));
        if (epoch == swgi_epoch(generation, tick))
            return false;
        if (!is_cut(slices.reciprocal, turn->settings.slice_ns)) {
            mend_slices(turn);
            continue;
        }
        int rc = rotate(turn, generation, epoch, tick);
        if (rc != 0)
            return rc > 0;
    }
    return false;
}

/*
 * Somebody with a later clock noted slices past the epoch and stalled before moving it, over the edge of our window: finish
 * for him. The newest note tells how far he went.
 */
static void catch_up(struct swgi_turn *turn, uint64_t generation) {
    uint64_t epoch = swgi_load(&turn->cell->epoch);
    uint32_t newest = swgi_epoch_tick(epoch);
    for (unsigned i = 0; i < SWGI_SNAPSHOTS * 3; i++) {
        uint32_t tick = swgi_snapshot_tick(swgi_load(&turn->cell->snapshots[i / 3][i % 3]));
        if (swgi_tick_before(newest, tick))
            newest = tick;
    }
    rotate(turn, generation, epoch, newest);
}

/* false: the slot of the edge already holds a later slice. */
static bool window_of(const struct swgi_turn *turn, unsigned j, uint64_t sum, uint32_t edge,
                      uint64_t *out) {
    const struct swgi_cell *cell = turn->cell;
    uint64_t base = swgi_load(&cell->base[j]);
    uint64_t since_base = swgi_sum_since(sum, base, SWGI_BASE_BITS);
    uint64_t snapshot = swgi_load(&cell->snapshots[edge % SWGI_SNAPSHOTS][j]);
    uint64_t since_edge = swgi_sum_since(sum, snapshot, SWGI_SNAPSHOT_BITS);
    /* A slot never written since the edge: nothing was noted yet, all there is lies after the base. */
    bool noted = !swgi_tick_before(swgi_snapshot_tick(snapshot), edge);
    *out = noted && since_edge < since_base ? since_edge : since_base;
    return !noted || swgi_snapshot_tick(snapshot) == edge;
}

/* The tick at whose start a window of that many slices begins. */
static uint32_t edge_of(const struct swgi_cell *cell, unsigned slices) {
    uint32_t tick = swgi_epoch_tick(swgi_load(&cell->epoch));
    return (tick - (slices - 1)) & (uint32_t)SWGI_MASK(SWGI_TICK_BITS);
}

/* An edge that moved while we read means the window belongs to no one instant: read again. false: notes lie past the epoch. */
static bool read_window(const struct swgi_turn *turn, unsigned slices, const struct sums *sums,
                        struct swgi_window *out) {
    bool whole = false;
    for (unsigned attempt = 0; attempt < 4; attempt++) {
        uint32_t edge = edge_of(turn->cell, slices);
        whole = window_of(turn, CALLS, sums->of[CALLS], edge, &out->calls);
        whole = window_of(turn, HALF_UNITS, sums->of[HALF_UNITS], edge, &out->half_units) && whole;
        whole = window_of(turn, SLOW, sums->of[SLOW], edge, &out->slow) && whole;
        if (edge_of(turn->cell, slices) == edge)
            return whole;
    }
    return whole;
}

/* A state that judges, in which nothing was recorded yet. Where nothing is judged, what led there is worth seeing. */
static bool is_restarted(const struct swgi_turn *turn, uint64_t epoch) {
    uint64_t ctl = swgi_load(&turn->cell->ctl);
    return swgi_state_judges(swgi_ctl_state(ctl)) &&
           turn->settings.on_close == SWGI_WINDOW_CLEARED &&
           swgi_epoch_generation(epoch) != swgi_ctl_generation(ctl);
}

/* For a reader: nobody may have moved the epoch since the last call, so slices that passed since
 * count as empty. */
void swgi_time_read(const struct swgi_turn *turn, unsigned slices, struct swgi_window *out) {
    struct slices clock;
    struct sums sums;
    *out = (struct swgi_window){ 0 };
    if (slices == 0 || !read_slices(turn->cell, &clock))
        return;
    uint64_t epoch = swgi_load(&turn->cell->epoch);
    uint32_t last = swgi_epoch_tick(epoch);
    uint32_t tick = swgi_tick(clock.tick_base, clock.time_base, clock.reciprocal, turn->now);
    uint32_t passed =
        swgi_tick_before(last, tick) ? (tick - last) & (uint32_t)SWGI_MASK(SWGI_TICK_BITS) : 0;
    if (passed >= slices || out_of_step(&clock, tick, last) || is_restarted(turn, epoch))
        return;
    sum_all(turn, &sums);
    read_window(turn, slices - passed, &sums, out);
}

/* ---- judging */

/* A lower bound of a count in 16 bits: 10 of mantissa, 6 of exponent, rounded down. */
static uint64_t floor_pack(uint64_t n) {
    if (n < 1024)
        return n;
    unsigned exponent = 63u - (unsigned)__builtin_clzll(n) - 9;
    return (uint64_t)exponent << 10 | n >> exponent;
}
static uint64_t floor_unpack(uint64_t packed) {
    unsigned exponent = (unsigned)(packed >> 10 & 63);
    return exponent < 54 ? (packed & 1023) << exponent : 0;
}

static void note_floor(struct swgi_cell *cell, unsigned rule, uint64_t epoch, uint64_t calls) {
    swgi_store_relaxed(&cell->calls_floor[rule], epoch | floor_pack(calls) << 48, COUNTER);
}

static uint64_t floor_of(const struct swgi_cell *cell, unsigned rule, uint64_t epoch) {
    uint64_t word = swgi_load_relaxed(&cell->calls_floor[rule], COUNTER);
    return (word & SWGI_MASK(48)) == epoch ? floor_unpack(word >> 48) : 0;
}

/* A rule may only keep a window that is shown. */
static bool is_judged(const struct swgi_time_rule *rule) {
    return rule->kind != SWGI_TIME_NONE && rule->slices != 0 &&
           rule->threshold != SWGI_THRESHOLD_OFF;
}

static uint64_t measured(const struct swgi_time_rule *rule, const struct swgi_window *window) {
    return rule->kind == SWGI_TIME_SLOW_RATE ? window->slow : window->half_units;
}

/* Does the rule's number reach its threshold in that many calls? */
static bool meets(const struct swgi_settings *settings, const struct swgi_time_rule *rule,
                  const struct swgi_window *window) {
    swgi_wide left = measured(rule, window), right = rule->threshold;
    if (left == 0)
        return false;
    if (rule->kind != SWGI_TIME_FAILURES) {
        left *= SWGI_PPM;
        right *= (swgi_wide)window->calls * (rule->kind == SWGI_TIME_FAILURE_RATE ? 2 : 1);
    }
    return settings->compare == SWGI_ABOVE ? left > right : left >= right;
}

static struct swgi_finding finding_of(const struct swgi_turn *turn, unsigned i,
                                      const struct swgi_window *window) {
    const struct swgi_time_rule *rule = &turn->settings.time[i];
    struct swgi_finding finding = { .rule = SWG_RULE_TIME_1 + i, .calls = window->calls };
    double half = rule->kind == SWGI_TIME_SLOW_RATE ? 1 : 0.5;
    finding.value = (double)measured(rule, window) * half;
    if (rule->kind == SWGI_TIME_FAILURES) {
        finding.threshold = rule->threshold / 2.0;
    } else {
        finding.value /= window->calls != 0 ? (double)window->calls : 1;
        finding.threshold = (double)rule->threshold / SWGI_PPM;
    }
    return finding;
}

/* Calls that are slow already and have not ended are calls of the window that runs. */
static void add_overdue(const struct swgi_turn *turn, const struct swgi_time_rule *rule,
                        struct swgi_window *window) {
    if (rule->kind != SWGI_TIME_SLOW_RATE)
        return;
    window->slow += turn->overdue;
    window->calls += turn->overdue;
}

/* Could any rule be met? From the shared words alone: calls can only be more than at the last sum
 * of this slice. */
static bool worth_summing(const struct swgi_turn *turn, uint64_t epoch) {
    struct sums sums;
    sum_bad(turn, &sums);
    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX; i++) {
        const struct swgi_time_rule *rule = &turn->settings.time[i];
        if (!is_judged(rule))
            continue;
        struct swgi_window window;
        bool whole = read_window(turn, rule->slices, &sums, &window);
        window.calls = floor_of(turn->cell, i, epoch);
        add_overdue(turn, rule, &window);
        if (!whole || meets(&turn->settings, rule, &window))
            return true;
    }
    return false;
}

enum verdict { CALM, TOO_FEW, MET, BEHIND };

static enum verdict look(struct swgi_turn *turn, uint64_t epoch, struct swgi_finding *finding) {
    struct sums sums;
    enum verdict verdict = CALM;
    sum_all(turn, &sums);
    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX; i++) {
        const struct swgi_time_rule *rule = &turn->settings.time[i];
        if (!is_judged(rule))
            continue;
        struct swgi_window window;
        if (!read_window(turn, rule->slices, &sums, &window))
            return BEHIND;
        note_floor(turn->cell, i, epoch, window.calls);
        add_overdue(turn, rule, &window);
        if (!meets(&turn->settings, rule, &window))
            continue;
        if (window.calls < rule->calls_min) {
            verdict = TOO_FEW;
            continue;
        }
        *finding = finding_of(turn, i, &window);
        return MET;
    }
    return verdict;
}

/*
 * Armed means: a success may be what trips, because a rate is met and waits for calls or for the
 * minimum interval. After the bit was set or cleared, look again: what came in between saw the old
 * bit and did not look.
 */
void swgi_time_judge(struct swgi_turn *turn, uint64_t generation, bool may_trip) {
    struct swgi_cell *cell = turn->cell;
    bool looked_again = false;
    for (unsigned attempt = 0; attempt < 64; attempt++) {
        uint64_t epoch = swgi_load(&cell->epoch);
        uint64_t ctl = swgi_load(&cell->ctl);
        unsigned state = swgi_ctl_state(ctl);
        if (!swgi_state_judges(state) || swgi_ctl_generation(ctl) != generation ||
            swgi_epoch_generation(epoch) != generation)
            return;
        if (!swgi_ctl_armed(ctl) && !looked_again && !worth_summing(turn, epoch))
            return;
        struct swgi_finding finding;
        enum verdict verdict = look(turn, epoch, &finding);
        if (verdict == BEHIND) {
            catch_up(turn, generation);
            continue;
        }
        bool withheld = verdict == MET && !swgi_trip_allowed(turn, ctl);
        if (verdict == MET && !withheld) {
            if (!may_trip || swgi_trip(turn, ctl, &finding))
                return;
            continue;
        }
        bool armed = (verdict == TOO_FEW || withheld) && turn->settings.judge_on_success;
        if (armed == swgi_ctl_armed(ctl))
            return;
        looked_again = swgi_arm(turn, ctl, armed);
    }
}

bool swgi_time_finding(const struct swgi_turn *turn, struct swgi_finding *out) {
    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX; i++) {
        struct swgi_window window;
        if (!is_judged(&turn->settings.time[i]))
            continue;
        swgi_time_read(turn, turn->settings.time[i].slices, &window);
        *out = finding_of(turn, i, &window);
        return true;
    }
    return false;
}
