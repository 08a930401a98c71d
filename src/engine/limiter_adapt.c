/*
 * Rates that follow what the calls come to and how busy the machine is. Two factors of the
 * configured rate, each moved by whoever finds it due; their product is written into the words that
 * calls read, so that a call pays nothing for it.
 */
#include "engine/limiter_inside.h"

static uint64_t rate_of(uint64_t rates) {
    return rates >> 32;
}

/* The share below which nothing goes: rate_min of rate, rounded up. */
static uint64_t least_share(uint64_t rates) {
    uint64_t rate = rate_of(rates), least = rates & SWGI_MASK(32);
    if (least == 0)
        least = 1;
    if (least >= rate)
        return SWGI_LIMITER_WHOLE;
    return (least * SWGI_LIMITER_WHOLE + rate - 1) / rate;
}

static uint64_t clamp_share(uint64_t share, uint64_t least) {
    if (share > SWGI_LIMITER_WHOLE)
        share = SWGI_LIMITER_WHOLE;
    return share < least ? least : share;
}

uint64_t swgi_limiter_share(const struct swgi_limiter_words *words) {
    uint64_t least = least_share(swgi_load_relaxed(&words->rates, FAST_SETTING));
    uint64_t factor = clamp_share(swgi_load(&words->factor), least);
    uint64_t load_factor = clamp_share(swgi_load(&words->load_factor), least);
    return clamp_share((uint64_t)((swgi_wide)factor * load_factor >> 32), least);
}

/* ceil(per / (rate x share)): rounding never lets more through. */
static uint64_t interval_at(uint64_t per_ns, uint64_t rate, uint64_t share) {
    uint64_t scaled = rate * share;
    swgi_wide per = (swgi_wide)per_ns << 32;
    return scaled == 0 ? per_ns : (uint64_t)((per + scaled - 1) / scaled);
}

/* Whoever writes looks again whether it still is right: a stalled writer undoes nobody. */
void swgi_limiter_apply(struct swgi_limiter_words *words) {
    uint64_t rule, share;
    do {
        rule = swgi_load(&words->rule);
        share = swgi_limiter_share(words);
        uint64_t rate = rate_of(swgi_load(&words->rates)), limit = rate * share >> 32;
        swgi_store(&words->limit, limit == 0 ? 1 : limit);
        swgi_store(&words->interval_ns, interval_at(swgi_load(&words->per_ns), rate, share));
    } while (swgi_load(&words->rule) != rule || swgi_limiter_share(words) != share);
}

static uint64_t share_from(double share) {
    if (!(share > 0))
        return 0;
    return share < 1 ? (uint64_t)(share * (double)SWGI_LIMITER_WHOLE) : SWGI_LIMITER_WHOLE;
}

/* A stamp from farther ahead than clocks differ is none. */
static bool is_due(uint64_t judged, uint64_t per_ns, uint64_t now) {
    if (judged > now)
        return judged - now > (uint64_t)SWGI_LIMITER_SKEW_NS;
    return now - judged >= swgi_limiter_period_ns(per_ns);
}

bool swgi_limiter_adapt_due(const struct swgi_limiter_words *words, int64_t now) {
    uint64_t rule = swgi_load_relaxed(&words->rule, FAST_SETTING);
    return (rule & SWGI_LIMITER_ADAPTIVE) != 0 &&
           is_due(swgi_load_relaxed(&words->judged, STAMP),
                  swgi_load_relaxed(&words->per_ns, FAST_SETTING), (uint64_t)now);
}

/* The sum since it was last asked for; what went back counts as nothing. */
static uint64_t since(swgi_word *word, uint64_t sum) {
    uint64_t before = swgi_exchange(word, sum);
    return sum > before ? sum - before : 0;
}

static uint64_t factor_after(const struct swgi_limiter_settings *settings, uint64_t factor,
                             uint64_t calls, uint64_t bad) {
    if ((swgi_wide)bad * 1000000u > (swgi_wide)calls * SWGI_LIMITER_BAD_PPM)
        return (uint64_t)((swgi_wide)factor * share_from(settings->decrease) >> 32);
    return factor + share_from(settings->increase);
}

bool swgi_limiter_adapt(struct swgi_limiter_words *words,
                        const struct swgi_limiter_settings *settings, uint64_t calls_sum,
                        uint64_t bad_sum, int64_t now) {
    uint64_t judged = swgi_load(&words->judged);
    if (!settings->adaptive || !is_due(judged, settings->per_ns, (uint64_t)now) ||
        !swgi_cas(&words->judged, judged, (uint64_t)now))
        return false;
    uint64_t calls = since(&words->outcomes[0], calls_sum);
    uint64_t bad = since(&words->outcomes[1], bad_sum);
    /* The first look finds all that ever was: it only begins the first period. */
    if (judged == 0 || calls == 0)
        return true;
    uint64_t least = least_share(swgi_load(&words->rates)), factor = swgi_load(&words->factor);
    uint64_t next = factor_after(settings, clamp_share(factor, least), calls, bad);
    swgi_cas(&words->factor, factor, clamp_share(next, least));
    swgi_limiter_apply(words);
    return true;
}

void swgi_limiter_load(struct swgi_limiter_words *words,
                       const struct swgi_limiter_settings *settings, double load) {
    bool above = load > settings->system_load_above;
    uint64_t share = above ? share_from(settings->system_load_above / load) : SWGI_LIMITER_WHOLE;
    if (!settings->resource_aware || swgi_load(&words->load_factor) == share)
        return;
    swgi_store(&words->load_factor, share);
    swgi_limiter_apply(words);
}
