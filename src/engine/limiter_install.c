/*
 * Settings become words, while calls go on. No word needs another to be right, so what is left to
 * see to is the order: at no moment do an old and a new one together let through more than either
 * limiter would. And what was counted is kept: in the new unit of time, in a longer or shorter log,
 * or by another algorithm.
 */
#include "engine/limiter_inside.h"

struct plan {
    struct swgi_limiter_words *words;
    const struct swgi_limiter_settings *settings;
    swgi_word *slots;
    uint32_t slots_count;
    uint64_t log, now;
};

static uint64_t tolerance_of(const struct swgi_limiter_settings *settings) {
    return swgi_limiter_is_bucket(settings->algorithm)
               ? (settings->burst - 1) * swgi_limiter_interval_of(settings->per_ns, settings->rate)
               : 0;
}

/* ---- log */

/* What the new ring lacks of what the old one has. */
static void log_copy(const struct plan *plan, const struct swgi_limiter_ring *from,
                     const struct swgi_limiter_ring *to) {
    uint64_t head = swgi_load(&plan->words->head);
    uint64_t most = from->length < to->length ? from->length : to->length;
    for (uint64_t back = 0; back < most; back++) {
        uint64_t position = swgi_log_before(swgi_log_position(head), back);
        uint64_t value = back == 0 ? head : swgi_load(swgi_log_slot(from, position));
        swgi_word *slot = swgi_log_slot(to, position);
        uint64_t present = swgi_load(slot);
        if (swgi_log_is(value, position) && !swgi_log_is(present, position))
            swgi_cas(slot, present, value);
    }
}

/* Once before anybody uses the new ring, and once for what went into the old one meanwhile. */
static void log_move(const struct plan *plan) {
    uint64_t present = swgi_load(&plan->words->log);
    struct swgi_limiter_ring from, to;
    bool had = swgi_limiter_ring_find(present, plan->slots, plan->slots_count, &from);
    if (present == plan->log)
        return;
    if (!swgi_limiter_ring_find(plan->log, plan->slots, plan->slots_count, &to)) {
        swgi_store(&plan->words->log, 0);
        return;
    }
    for (uint64_t i = 0; i < to.length; i++)
        swgi_store(&to.slots[i], SWGI_LOG_NONE);
    if (had)
        log_copy(plan, &from, &to);
    swgi_store(&plan->words->log, plan->log);
    if (had)
        log_copy(plan, &from, &to);
}

/* ---- windows */

static bool is_near(uint64_t word, uint64_t now, uint64_t per_ns) {
    int64_t later =
        swgi_limiter_apart(word >> SWGI_WINDOW_INDEX_SHIFT, now / per_ns, SWGI_WINDOW_INDEX_BITS);
    return later >= -1 && later <= 1;
}

static uint64_t at_most(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* The window that ran is the window that runs, though longer or shorter. Whoever came between has written the new index. */
static void window_move(const struct plan *plan, uint64_t former_per) {
    struct swgi_limiter_words *words = plan->words;
    uint64_t per = plan->settings->per_ns, most = plan->settings->rate;
    for (;;) {
        uint64_t word = swgi_load(&words->window);
        if (former_per == 0 || former_per == per || is_near(word, plan->now, per))
            return;
        struct swgi_limiter_window window = swgi_limiter_window_at(word, plan->now, former_per);
        uint64_t index = (plan->now / per) & SWGI_MASK(SWGI_WINDOW_INDEX_BITS);
        uint64_t next = swgi_limiter_window_word(index, at_most(window.before, most),
                                                 at_most(window.running, most));
        if (swgi_cas(&words->window, word, next))
            return;
    }
}

/* ---- buckets */

/* No farther ahead than the new settings could have put it. */
static void bucket_clamp(const struct plan *plan) {
    struct swgi_limiter_words *words = plan->words;
    uint64_t most = plan->now + tolerance_of(plan->settings) + swgi_limiter_interval(words) +
                    plan->settings->max_wait_ns;
    for (;;) {
        uint64_t tat = swgi_load(&words->tat);
        if (tat <= most || swgi_cas(&words->tat, tat, most))
            return;
    }
}

/* ---- from one algorithm to another */

static bool same_word(unsigned a, unsigned b) {
    bool windows = !swgi_limiter_is_bucket(a) && !swgi_limiter_is_bucket(b) &&
                   a != SWGI_SLIDING_LOG && b != SWGI_SLIDING_LOG;
    return a == b || windows || (swgi_limiter_is_bucket(a) && swgi_limiter_is_bucket(b));
}

static void bucket_seed(const struct plan *plan, uint64_t calls) {
    const struct swgi_limiter_settings *settings = plan->settings;
    uint64_t interval = swgi_limiter_interval_of(settings->per_ns, settings->rate);
    swgi_store(&plan->words->tat, plan->now + at_most(calls, settings->burst) * interval);
}

static void window_seed(const struct plan *plan, uint64_t calls) {
    uint64_t index = (plan->now / plan->settings->per_ns) & SWGI_MASK(SWGI_WINDOW_INDEX_BITS);
    swgi_store(&plan->words->window,
               swgi_limiter_window_word(index, 0, at_most(calls, plan->settings->rate)));
}

/* As if all of them had come now. */
static void log_seed(const struct plan *plan, uint64_t calls) {
    uint64_t time = (plan->now / SWGI_LOG_UNIT_NS + 1) & SWGI_MASK(SWGI_LOG_TIME_BITS);
    uint64_t position = 0;
    struct swgi_limiter_ring ring;
    if (!swgi_limiter_ring_find(plan->log, plan->slots, plan->slots_count, &ring))
        return;
    for (; position < at_most(calls, ring.length); position++)
        swgi_store(swgi_log_slot(&ring, position), position << SWGI_LOG_TIME_BITS | time);
    swgi_store(&plan->words->head, calls == 0 ? 0 : (position - 1) << SWGI_LOG_TIME_BITS | time);
}

static void seed(const struct plan *plan, uint64_t calls) {
    if (swgi_limiter_is_bucket(plan->settings->algorithm))
        bucket_seed(plan, calls);
    else if (plan->settings->algorithm == SWGI_SLIDING_LOG)
        log_seed(plan, calls);
    else
        window_seed(plan, calls);
}

/* How many calls the former algorithm still counts. */
static uint64_t counted(const struct plan *plan, const struct swgi_limiter_view *former) {
    uint64_t most = former->rate, interval = swgi_limiter_interval(plan->words);
    if (swgi_limiter_is_bucket(former->algorithm))
        most = interval == 0 ? 0 : swgi_load(&plan->words->tolerance_ns) / interval + 1;
    return swgi_limiter_ahead(most, former->left);
}

/* ---- all */

static uint64_t rule_of(const struct swgi_limiter_settings *settings, uint64_t former) {
    uint64_t version = (former >> SWGI_LIMITER_VERSION) + 1;
    return version << SWGI_LIMITER_VERSION | ((uint64_t)settings->algorithm + 1) |
           (swgi_limiter_is_bucket(settings->algorithm) ? SWGI_LIMITER_BUCKET : 0) |
           (settings->adaptive ? SWGI_LIMITER_ADAPTIVE : 0) |
           (settings->resource_aware ? SWGI_LIMITER_RESOURCE : 0);
}

/* Factors nobody moves any more, or nobody has moved yet, are 1; outcomes are looked at anew. */
static void install_factors(const struct plan *plan, uint64_t former_rule) {
    struct swgi_limiter_words *words = plan->words;
    if (!plan->settings->adaptive || (former_rule & SWGI_LIMITER_ADAPTIVE) == 0) {
        swgi_store(&words->judged, 0);
        swgi_store(&words->factor, SWGI_LIMITER_WHOLE);
    }
    if (!plan->settings->resource_aware || (former_rule & SWGI_LIMITER_RESOURCE) == 0)
        swgi_store(&words->load_factor, SWGI_LIMITER_WHOLE);
}

/* What allows less comes first, what allows more last. */
static void install_rate(const struct plan *plan) {
    struct swgi_limiter_words *words = plan->words;
    const struct swgi_limiter_settings *settings = plan->settings;
    uint64_t tolerance = tolerance_of(settings);
    swgi_store(&words->horizon_ns,
               settings->per_ns + settings->max_wait_ns + (uint64_t)SWGI_LIMITER_SKEW_NS);
    if (tolerance < swgi_load(&words->tolerance_ns))
        swgi_store(&words->tolerance_ns, tolerance);
    if (settings->rate < swgi_load(&words->limit))
        swgi_store(&words->limit, settings->rate);
    swgi_store(&words->rates, (uint64_t)settings->rate << 32 | settings->rate_min);
    swgi_store(&words->per_ns, settings->per_ns);
    swgi_limiter_apply(words);
    swgi_store(&words->tolerance_ns, tolerance);
}

static void install(const struct plan *plan) {
    struct swgi_limiter_words *words = plan->words;
    struct swgi_limiter_view former;
    uint64_t former_rule = swgi_load(&words->rule), former_per = swgi_load(&words->per_ns);
    swgi_limiter_look(words, plan->slots, plan->slots_count, (int64_t)plan->now, &former);
    uint64_t calls = counted(plan, &former);
    install_factors(plan, former_rule);
    install_rate(plan);
    log_move(plan);
    window_move(plan, former_per);
    if (former.on && !same_word(former.algorithm, plan->settings->algorithm))
        seed(plan, calls);
    bucket_clamp(plan);
    swgi_store(&words->rule, rule_of(plan->settings, former_rule));
    swgi_limiter_apply(words);
}

void swgi_limiter_install(struct swgi_limiter_words *words,
                          const struct swgi_limiter_settings *settings, swgi_word *slots,
                          uint32_t slots_count, uint64_t log, int64_t now) {
    struct plan plan = { words, settings, slots, slots_count, log, (uint64_t)now };
    if (settings->algorithm != SWGI_SLIDING_LOG)
        plan.log = 0;
    else if (log == 0)
        plan.log = swgi_load(&words->log);
    if (settings->rate != 0) {
        install(&plan);
        return;
    }
    swgi_store(&words->rule,
               swgi_load(&words->rule) >> SWGI_LIMITER_VERSION << SWGI_LIMITER_VERSION);
    swgi_store(&words->log, 0);
}
