/*
 * Taking from a limiter, giving back to it, and looking at it: limiter.h says what each algorithm
 * promises.
 *
 * All of them read the word they will move before the words that say how, so that settings which
 * change meanwhile cost one call at most. A loop goes round again only when another call went, or
 * somebody was helped.
 */
#include "engine/limiter_inside.h"

static const struct swgi_limiter_answer go = { 0, 0 };

static struct swgi_limiter_answer rejected(uint64_t wait) {
    return (struct swgi_limiter_answer){
        .wait_ns = -(int64_t)(wait < (uint64_t)INT64_MAX ? wait : (uint64_t)INT64_MAX)
    };
}

/* ---- buckets */

/* What no honest caller can have put there becomes a bucket whose last token has just gone. */
static void bucket_heal(struct swgi_limiter_words *words, uint64_t tat, uint64_t now,
                        uint64_t tolerance) {
    swgi_cas(&words->tat, tat, now + tolerance + swgi_limiter_interval(words));
}

static struct swgi_limiter_answer take_bucket(struct swgi_limiter_words *words, uint64_t now,
                                              uint64_t may_wait) {
    for (;;) {
        uint64_t tat = swgi_load(&words->tat), ahead = swgi_limiter_ahead(tat, now);
        uint64_t tolerance = swgi_load_relaxed(&words->tolerance_ns, FAST_SETTING);
        uint64_t wait = swgi_limiter_ahead(ahead, tolerance);
        if (wait > swgi_load_relaxed(&words->horizon_ns, FAST_SETTING)) {
            bucket_heal(words, tat, now, tolerance);
            continue;
        }
        if (wait > may_wait)
            return rejected(wait - may_wait);
        uint64_t next = (ahead != 0 ? tat : now) + swgi_limiter_interval(words);
        if (swgi_cas(&words->tat, tat, next))
            return (struct swgi_limiter_answer){ (int64_t)wait, next };
    }
}

/* Only the last place there is, and only by the interval it cost at least. */
static void give_back_bucket(struct swgi_limiter_words *words, uint64_t place) {
    uint64_t rate = swgi_load_relaxed(&words->rates, FAST_SETTING) >> 32;
    uint64_t per = swgi_load_relaxed(&words->per_ns, FAST_SETTING);
    uint64_t interval = swgi_limiter_interval_of(per, rate);
    if (place < interval)
        return;
#ifdef SWGI_MUTANT_LIMITER_GIVE_BACK_PASSED
    place = swgi_load(&words->tat);
#endif
    swgi_cas(&words->tat, place, place - interval);
}

/* ---- windows */

/* Farther ahead than clocks differ: the time is not believed, the counts are. */
struct swgi_limiter_window swgi_limiter_window_at(uint64_t word, uint64_t now, uint64_t per_ns) {
    struct swgi_limiter_window window = {
        .index = now / per_ns,
        .before = swgi_field(word, SWGI_WINDOW_COUNT_BITS, SWGI_WINDOW_COUNT_BITS),
        .running = swgi_field(word, 0, SWGI_WINDOW_COUNT_BITS),
    };
    int64_t later =
        swgi_limiter_apart(word >> SWGI_WINDOW_INDEX_SHIFT, window.index, SWGI_WINDOW_INDEX_BITS);
    uint64_t start = (window.index + (uint64_t)later) * per_ns;
    if (later > 0) {
        window.strayed = start - now > (uint64_t)SWGI_LIMITER_SKEW_NS;
        window.index += window.strayed ? 0 : (uint64_t)later;
    } else if (later < 0) {
        window.before = later == -1 ? window.running : 0;
        window.running = 0;
    }
    window.elapsed_ns = swgi_limiter_ahead(now, window.index * per_ns);
    return window;
}

struct window_rule {
    uint64_t per_ns, limit;
    bool sliding;
};

/* false: nobody can make sense of it, so nothing is limited by it. */
static bool window_rule(const struct swgi_limiter_words *words, uint64_t rule,
                        struct window_rule *out) {
    uint64_t limit = swgi_load_relaxed(&words->limit, FAST_SETTING);
    out->per_ns = swgi_load_relaxed(&words->per_ns, FAST_SETTING);
    out->limit = limit == 0 ? 1 : limit < SWGI_RATE_MAX ? limit : SWGI_RATE_MAX;
    out->sliding = (rule & SWGI_LIMITER_ALGORITHM) == SWGI_SLIDING_WINDOW + 1;
    return out->per_ns >= SWGI_LIMITER_PER_MIN_NS && out->per_ns <= SWGI_LIMITER_PER_MAX_NS;
}

/* Into a window with less than its limit: how long after its start the one before leaves room. */
static uint64_t room_after(const struct window_rule *rule, uint64_t before, uint64_t running) {
    swgi_wide left = (swgi_wide)(rule->limit - running - 1) * rule->per_ns;
    if (!rule->sliding || (swgi_wide)before * rule->per_ns <= left)
        return 0;
    return rule->per_ns - (uint64_t)(left / before);
}

/* Until one more fits: in this window, or in the next, before which this one then lies. */
static uint64_t window_wait(const struct swgi_limiter_window *window,
                            const struct window_rule *rule, uint64_t now) {
    uint64_t start = window->index * rule->per_ns;
    uint64_t at = window->running < rule->limit
                      ? start + room_after(rule, window->before, window->running)
                      : start + rule->per_ns + room_after(rule, window->running, 0);
    return swgi_limiter_ahead(at, now);
}

static bool window_fits(const struct swgi_limiter_window *window, const struct window_rule *rule) {
    if (window->running >= rule->limit)
        return false;
    return !rule->sliding || (swgi_wide)window->before * (rule->per_ns - window->elapsed_ns) <=
                                 (swgi_wide)(rule->limit - window->running - 1) * rule->per_ns;
}

/* Written even when nobody goes: seen from each later now, such a word would be as full as ever. */
static void window_heal(struct swgi_limiter_words *words, uint64_t word,
                        const struct swgi_limiter_window *window) {
    swgi_cas(&words->window, word,
             swgi_limiter_window_word(window->index, window->before, window->running));
}

static struct swgi_limiter_answer take_window(struct swgi_limiter_words *words, uint64_t rule_word,
                                              uint64_t now) {
    for (;;) {
        uint64_t word = swgi_load(&words->window);
        struct window_rule rule;
        if (!window_rule(words, rule_word, &rule))
            return go;
        struct swgi_limiter_window window = swgi_limiter_window_at(word, now, rule.per_ns);
        if (window.strayed) {
            window_heal(words, word, &window);
            continue;
        }
        if (!window_fits(&window, &rule))
            return rejected(window_wait(&window, &rule, now));
        uint64_t next = swgi_limiter_window_word(window.index, window.before, window.running + 1);
#ifdef SWGI_MUTANT_LIMITER_PLAIN_STORE
        swgi_store(&words->window, next);
        word = next;
#endif
        if (swgi_cas(&words->window, word, next))
            return (struct swgi_limiter_answer){ 0, next };
    }
}

static void give_back_window(struct swgi_limiter_words *words, uint64_t place) {
    for (;;) {
        uint64_t word = swgi_load(&words->window);
        if ((word ^ place) >> SWGI_WINDOW_INDEX_SHIFT != 0 ||
            swgi_field(word, 0, SWGI_WINDOW_COUNT_BITS) == 0 ||
            swgi_cas(&words->window, word, word - 1))
            return;
    }
}

static uint32_t left_in_window(const struct swgi_limiter_window *window,
                               const struct window_rule *rule) {
    uint64_t taken = window->running, covered = rule->per_ns - window->elapsed_ns;
    if (rule->sliding)
        taken +=
            (uint64_t)(((swgi_wide)window->before * covered + rule->per_ns - 1) / rule->per_ns);
    return (uint32_t)swgi_limiter_ahead(rule->limit, taken);
}

/* ---- log */

struct log_rule {
    struct swgi_limiter_ring ring;
    uint64_t per_ns, limit;
};

static bool log_rule(const struct swgi_limiter_words *words, swgi_word *slots, uint32_t slots_count,
                     struct log_rule *out) {
    uint64_t limit = swgi_load_relaxed(&words->limit, FAST_SETTING);
    if (!swgi_limiter_ring_find(swgi_load(&words->log), slots, slots_count, &out->ring))
        return false;
    out->per_ns = swgi_load_relaxed(&words->per_ns, FAST_SETTING);
    out->limit = limit == 0 ? 1 : limit < out->ring.length ? limit : out->ring.length;
    return out->per_ns <= SWGI_LIMITER_PER_MAX_NS;
}

static uint64_t log_unit(uint64_t now) {
    return now == 0 ? 1 : (now - 1) / SWGI_LOG_UNIT_NS + 1;
}

/* How many units a word's time lies ahead of now. */
static int64_t log_later(uint64_t word, uint64_t now) {
    return swgi_limiter_apart(word, now / SWGI_LOG_UNIT_NS, SWGI_LOG_TIME_BITS);
}

static bool log_is_honest(int64_t later) {
    return later <= SWGI_LIMITER_SKEW_NS / SWGI_LOG_UNIT_NS;
}

/* Until the call that stands there is per_ns ago; 0 when it is, or when no call of that position
 * stands there. */
static uint64_t log_wait(const struct log_rule *rule, uint64_t slot, uint64_t position,
                         uint64_t now) {
    int64_t later = log_later(slot, now);
    if (!swgi_log_is(slot, position) || !log_is_honest(later))
        return 0;
    uint64_t at = (now / SWGI_LOG_UNIT_NS + (uint64_t)later) * SWGI_LOG_UNIT_NS;
    int64_t wait = (int64_t)(at + rule->per_ns - now);
    return wait > 0 ? (uint64_t)wait : 0;
}

/* The last call may stand in the head alone: its slot is written before anybody moves on. false:
 * look again. */
static bool log_help(const struct swgi_limiter_words *words, const struct swgi_limiter_ring *ring,
                     uint64_t head) {
    swgi_word *slot = swgi_log_slot(ring, swgi_log_position(head));
    uint64_t present = swgi_load(slot);
#ifdef SWGI_MUTANT_LIMITER_NO_HELP
    return true;
#endif
    if (present == head)
        return true;
#ifndef SWGI_MUTANT_LIMITER_STALE_HELP
    if (swgi_load(&words->head) != head)
        return false;
#endif
    return swgi_cas(slot, present, head);
}

/* The next head. Instants do not go back: whose clock is behind is taken for as late as the last. */
static uint64_t log_next(uint64_t head, uint64_t now) {
    int64_t later = log_later(head, now);
    uint64_t unit = log_unit(now), last = now / SWGI_LOG_UNIT_NS + (uint64_t)later;
    if (later > 0 && log_is_honest(later) && last > unit)
        unit = last;
    return (swgi_log_position(head) + 1) << SWGI_LOG_TIME_BITS |
           (unit & SWGI_MASK(SWGI_LOG_TIME_BITS));
}

static struct swgi_limiter_answer take_log(struct swgi_limiter_words *words, swgi_word *slots,
                                           uint32_t slots_count, uint64_t now) {
    for (;;) {
        uint64_t head = swgi_load(&words->head);
        struct log_rule rule;
        if (!log_rule(words, slots, slots_count, &rule))
            return go;
        if (!log_help(words, &rule.ring, head))
            continue;
        uint64_t next = log_next(head, now);
        uint64_t before = swgi_log_before(swgi_log_position(next), rule.limit);
        uint64_t slot = swgi_load(swgi_log_slot(&rule.ring, before));
        uint64_t wait = log_wait(&rule, slot, before, now);
        /* What was found in that place stood there when head was loaded: positions do not come back. */
        if (wait != 0)
            return rejected(wait);
        if (swgi_cas(&words->head, head, next))
            return (struct swgi_limiter_answer){ 0, next };
    }
}

/* From the newest back to the first that no longer counts. */
static uint32_t left_in_log(const struct swgi_limiter_words *words, const struct log_rule *rule,
                            uint64_t now) {
    uint64_t head = swgi_load(&words->head), taken = 0;
    for (; taken < rule->limit; taken++) {
        uint64_t position = swgi_log_before(swgi_log_position(head), taken);
        uint64_t slot = taken == 0 ? head : swgi_load(swgi_log_slot(&rule->ring, position));
        if (log_wait(rule, slot, position, now) == 0)
            break;
    }
    return (uint32_t)(rule->limit - taken);
}

static uint64_t wait_for_log(const struct swgi_limiter_words *words, const struct log_rule *rule,
                             uint64_t now) {
    uint64_t head = swgi_load(&words->head);
    uint64_t position = swgi_log_before(swgi_log_position(head), rule->limit - 1);
    uint64_t slot = rule->limit == 1 ? head : swgi_load(swgi_log_slot(&rule->ring, position));
    return log_wait(rule, slot, position, now);
}

/* ---- all */

struct swgi_limiter_answer swgi_limiter_take_any(struct swgi_limiter_words *words, swgi_word *slots,
                                                 uint32_t slots_count, int64_t now,
                                                 int64_t may_wait_ns) {
    uint64_t rule = swgi_load_relaxed(&words->rule, FAST_SETTING);
    switch (rule & SWGI_LIMITER_ALGORITHM) {
    case SWGI_TOKEN_BUCKET + 1:
    case SWGI_LEAKY_BUCKET + 1:
        return take_bucket(words, (uint64_t)now, may_wait_ns > 0 ? (uint64_t)may_wait_ns : 0);
    case SWGI_FIXED_WINDOW + 1:
    case SWGI_SLIDING_WINDOW + 1:
        return take_window(words, rule, (uint64_t)now);
    case SWGI_SLIDING_LOG + 1:
        return take_log(words, slots, slots_count, (uint64_t)now);
    default:
        return go;
    }
}

void swgi_limiter_give_back(struct swgi_limiter_words *words, uint64_t place) {
    uint64_t algorithm = swgi_load_relaxed(&words->rule, FAST_SETTING) & SWGI_LIMITER_ALGORITHM;
    if (algorithm == SWGI_TOKEN_BUCKET + 1 || algorithm == SWGI_LEAKY_BUCKET + 1)
        give_back_bucket(words, place);
    else if (algorithm == SWGI_FIXED_WINDOW + 1 || algorithm == SWGI_SLIDING_WINDOW + 1)
        give_back_window(words, place);
}

/* ---- for people */

static void look_at_bucket(const struct swgi_limiter_words *words, uint64_t now,
                           struct swgi_limiter_view *out) {
    uint64_t tolerance = swgi_load_relaxed(&words->tolerance_ns, FAST_SETTING);
    uint64_t ahead = swgi_limiter_ahead(swgi_load(&words->tat), now);
    uint64_t interval = swgi_limiter_interval(words);
    if (interval == 0)
        return;
    out->rate = (uint32_t)swgi_load_relaxed(&words->limit, FAST_SETTING);
    out->retry_in = -rejected(swgi_limiter_ahead(ahead, tolerance)).wait_ns;
    out->left = ahead > tolerance ? 0 : (uint32_t)((tolerance - ahead) / interval + 1);
}

static void look_at_window(const struct swgi_limiter_words *words, uint64_t rule_word, uint64_t now,
                           struct swgi_limiter_view *out) {
    struct window_rule rule;
    if (!window_rule(words, rule_word, &rule))
        return;
    uint64_t word = swgi_load(&words->window);
    struct swgi_limiter_window window = swgi_limiter_window_at(word, now, rule.per_ns);
    out->rate = (uint32_t)rule.limit;
    out->left = left_in_window(&window, &rule);
    if (!window_fits(&window, &rule))
        out->retry_in = (int64_t)window_wait(&window, &rule, now);
}

static void look_at_log(const struct swgi_limiter_words *words, swgi_word *slots,
                        uint32_t slots_count, uint64_t now, struct swgi_limiter_view *out) {
    struct log_rule rule;
    if (!log_rule(words, slots, slots_count, &rule))
        return;
    out->rate = (uint32_t)rule.limit;
    out->left = left_in_log(words, &rule, now);
    if (out->left == 0)
        out->retry_in = (int64_t)wait_for_log(words, &rule, now);
}

void swgi_limiter_look(const struct swgi_limiter_words *words, swgi_word *slots,
                       uint32_t slots_count, int64_t now, struct swgi_limiter_view *out) {
    uint64_t rule = swgi_load_relaxed(&words->rule, FAST_SETTING);
    uint64_t algorithm = rule & SWGI_LIMITER_ALGORITHM;
    *out = (struct swgi_limiter_view){ .on = algorithm != 0 && algorithm <= SWGI_SLIDING_LOG + 1 };
    if (!out->on)
        return;
    out->algorithm = (uint8_t)(algorithm - 1);
    out->per_ns = swgi_load_relaxed(&words->per_ns, FAST_SETTING);
    out->share = (double)swgi_limiter_share(words) / (double)SWGI_LIMITER_WHOLE;
    if (algorithm <= SWGI_LEAKY_BUCKET + 1)
        look_at_bucket(words, (uint64_t)now, out);
    else if (algorithm <= SWGI_SLIDING_WINDOW + 1)
        look_at_window(words, rule, (uint64_t)now, out);
    else
        look_at_log(words, slots, slots_count, (uint64_t)now, out);
}

uint32_t swgi_limiter_left(const struct swgi_limiter_words *words, swgi_word *slots,
                           uint32_t slots_count, int64_t now) {
    struct swgi_limiter_view view;
    swgi_limiter_look(words, slots, slots_count, now, &view);
    return view.on ? view.left : UINT32_MAX;
}
