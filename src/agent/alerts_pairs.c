/* What a tick does to pairs of rules and circuits. */
#include "agent/alerts_pairs.h"

#include <string.h>

#include "agent/alerts_text.h"
#include "base/text.h"

static const struct swgi_file_alert *rule_of(const struct swgi_pairs *pairs,
                                             const struct swgi_pair *pair) {
    return &pairs->file->alerts[pair->rule];
}

/* ---- telling */

static const char *reason_of(const struct swgi_pairs *pairs, const struct swgi_pair *pair) {
    const struct swgi_memo *memo = swgi_memo_of(pairs->memos, pair->circuit);

    if (memo == NULL)
        return "";
    return rule_of(pairs, pair)->when == SWGI_ALERT_MODE ? memo->mode : memo->reason;
}

static void summarize(const struct swgi_pairs *pairs, struct swgi_pair *pair) {
    if (swgi_rule_about(rule_of(pairs, pair)->when) != SWGI_ABOUT_AGENT)
        swgi_rule_summary(rule_of(pairs, pair), pair->circuit, pair->value,
                          swgi_pairs_measure(pairs, pair->circuit), reason_of(pairs, pair),
                          pair->summary);
}

static void tell(struct swgi_pairs *pairs, struct swgi_pair *pair, enum swgi_pair_news news) {
    pairs->fn(pairs->arg, rule_of(pairs, pair), pair, swgi_pairs_measure(pairs, pair->circuit),
              news);
}

/* ---- one tick */

static void begin(struct swgi_pair *pair, struct swgi_alert_clock clock) {
    pair->since = clock.now;
    pair->since_wall_ms = clock.wall_ms;
}

/* It holds. */
static struct swgi_pair *touch(struct swgi_pairs *pairs, unsigned rule, const char *circuit,
                               double value) {
    struct swgi_pair *pair = swgi_pairs_find(pairs, rule, circuit);

    if (pair == NULL) {
        pair = swgi_pairs_add(pairs, rule, circuit);
        if (pair == NULL)
            return NULL;
        begin(pair, pairs->clock);
    }
    pair->seen = pairs->tick;
    pair->value = value;
    return pair;
}

static void judge(struct swgi_pairs *pairs, unsigned index, const struct swgi_measure *measure) {
    const struct swgi_file_alert *rule = &pairs->file->alerts[index];
    double value;
    enum swgi_holds holds = swgi_rule_holds(rule, measure, &value);

    if (holds == SWGI_HOLDS_NOT || !swgi_rule_covers(rule, measure->status.name))
        return;
    if (holds == SWGI_HOLDS || swgi_pairs_find(pairs, index, measure->status.name) != NULL)
        touch(pairs, index, measure->status.name, value);
}

/* More circuits than that are open; while it fires, those that probe are still counted. */
static void judge_all(struct swgi_pairs *pairs, unsigned index) {
    const struct swgi_file_alert *rule = &pairs->file->alerts[index];
    bool goes_on = swgi_pairs_find(pairs, index, "") != NULL;
    double open = 0;

    for (size_t i = 0; i < pairs->measures_count; i++) {
        enum swgi_holds holds = swgi_is_open(&pairs->measures[i]->status);

        if (holds == SWGI_HOLDS || (goes_on && holds == SWGI_HOLDS_ON))
            open += swgi_rule_covers(rule, pairs->measures[i]->status.name);
    }
    if (open > rule->above)
        touch(pairs, index, "", open);
}

static bool is_in_a_mode(const struct swgi_pairs *pairs, const char *circuit) {
    const struct swgi_measure *measure = swgi_pairs_measure(pairs, circuit);

    return measure != NULL && measure->status.mode != SWG_MODE_NORMAL;
}

/* One that opened and closed again between two ticks is told nevertheless. */
static void judge_moments(struct swgi_pairs *pairs, unsigned index) {
    const struct swgi_file_alert *rule = &pairs->file->alerts[index];

    for (unsigned i = 0; i < pairs->moments_count; i++) {
        const struct swg_event *moment = &pairs->moments[i];

        if (moment->to == SWG_STATE_OPEN && !is_in_a_mode(pairs, moment->circuit) &&
            swgi_rule_covers(rule, moment->circuit))
            touch(pairs, index, moment->circuit, 1);
    }
}

static void judge_rule(struct swgi_pairs *pairs, unsigned index) {
    int when = pairs->file->alerts[index].when;

    if (swgi_rule_about(when) == SWGI_ABOUT_ALL)
        judge_all(pairs, index);
    if (swgi_rule_about(when) == SWGI_ABOUT_CIRCUIT)
        for (size_t i = 0; i < pairs->measures_count; i++)
            judge(pairs, index, pairs->measures[i]);
    if (when == SWGI_ALERT_OPEN)
        judge_moments(pairs, index);
}

static bool is_ripe(const struct swgi_pairs *pairs, const struct swgi_pair *pair) {
    bool is_noticed = swgi_rule_about(rule_of(pairs, pair)->when) == SWGI_ABOUT_AGENT;

    return is_noticed || pairs->clock.now - pair->since >= rule_of(pairs, pair)->for_ns;
}

/* All of them before any is told, so that a cause silences what begins with it. */
static void ripen(struct swgi_pairs *pairs) {
    for (size_t i = 0; i < pairs->count; i++) {
        struct swgi_pair *pair = pairs->at[i];

        if (pair->firing || !is_ripe(pairs, pair))
            continue;
        pair->firing = pair->fresh = true;
        pairs->firing++;
        begin(pair, pairs->clock);
    }
}

static void look_upstream(struct swgi_pairs *pairs, struct swgi_pair *pair) {
    const char *cause = swgi_pairs_cause(pairs, pair->circuit, rule_of(pairs, pair)->severity);

    swgi_copy_text(pair->inhibited_by, sizeof(pair->inhibited_by), cause);
    if (cause != NULL)
        pair->inhibited_at = pairs->clock.now;
}

static bool is_free(const struct swgi_pairs *pairs, const struct swgi_pair *pair) {
    if (pair->inhibited_by[0] != '\0')
        return false;
    return pair->inhibited_at == 0 || pairs->clock.now - pair->inhibited_at >= SWGI_ALERT_GRACE_NS;
}

/* Its cause may be on its way. */
static bool must_settle(const struct swgi_pairs *pairs, const struct swgi_pair *pair) {
    return pair->inhibited_by[0] == '\0' && pairs->clock.now - pair->since < SWGI_ALERT_SETTLE_NS &&
           swgi_pairs_depends(pairs, pair->circuit);
}

static void announce(struct swgi_pairs *pairs, struct swgi_pair *pair) {
    pair->fresh = false;
    pair->told = pair->inhibited_by[0] == '\0';
    tell(pairs, pair, SWGI_PAIR_FIRED);
}

static void tell_firing(struct swgi_pairs *pairs, struct swgi_pair *pair) {
    look_upstream(pairs, pair);
    summarize(pairs, pair);
    if (pair->fresh) {
        if (!must_settle(pairs, pair))
            announce(pairs, pair);
    } else if ((!pair->told || pair->unsure) && is_free(pairs, pair)) {
        pair->told = true;
        pair->unsure = false;
        tell(pairs, pair, SWGI_PAIR_RELEASED);
    } else if (pair->told && pair->recall) {
        tell(pairs, pair, SWGI_PAIR_RECALLED);
    }
    pair->recall = false;
}

static bool is_over(const struct swgi_pairs *pairs, const struct swgi_pair *pair) {
    return pair->seen != pairs->tick && pairs->clock.now >= pair->held_until;
}

static void end(struct swgi_pairs *pairs, struct swgi_pair *pair) {
    if (pair->fresh)
        announce(pairs, pair);
    tell(pairs, pair, SWGI_PAIR_ENDED);
}

static void sweep(struct swgi_pairs *pairs) {
    for (size_t i = pairs->count; i-- > 0;) {
        if (!is_over(pairs, pairs->at[i]))
            continue;
        if (pairs->at[i]->firing)
            end(pairs, pairs->at[i]);
        swgi_pairs_remove(pairs, i);
    }
}

/* ---- changes of state */

static void tell_moment(struct swgi_pairs *pairs, unsigned index, const struct swg_event *moment) {
    const struct swgi_file_alert *rule = &pairs->file->alerts[index];
    struct swgi_pair pair = {
        .rule = index, .firing = true, .since = pairs->clock.now, .since_wall_ms = moment->wall_ms
    };
    char change[SWGI_TOLD_MAX];

    swgi_copy_text(pair.circuit, sizeof(pair.circuit), moment->circuit);
    pair.value = moment->to;
    look_upstream(pairs, &pair);
    pair.told = pair.inhibited_by[0] == '\0';
    swgi_rule_summary(rule, pair.circuit, pair.value, NULL, swgi_event_change(moment, change),
                      pair.summary);
    tell(pairs, &pair, SWGI_PAIR_MOMENT);
}

static void tell_moments(struct swgi_pairs *pairs) {
    for (unsigned i = 0; i < pairs->moments_count; i++)
        for (unsigned rule = 0; rule < pairs->file->alerts_count; rule++)
            if (pairs->file->alerts[rule].when == SWGI_ALERT_TRANSITION &&
                swgi_rule_covers(&pairs->file->alerts[rule], pairs->moments[i].circuit))
                tell_moment(pairs, rule, &pairs->moments[i]);
    pairs->moments_count = 0;
}

void swgi_pairs_tick(struct swgi_pairs *pairs, const struct swgi_measure *const *measures,
                     size_t count, struct swgi_alert_clock clock) {
    pairs->tick++;
    pairs->clock = clock;
    pairs->measures = measures;
    pairs->measures_count = count;
    for (unsigned rule = 0; rule < pairs->file->alerts_count; rule++)
        judge_rule(pairs, rule);
    sweep(pairs);
    ripen(pairs);
    for (size_t i = 0; i < pairs->count; i++)
        if (pairs->at[i]->firing)
            tell_firing(pairs, pairs->at[i]);
    tell_moments(pairs);
    pairs->measures = NULL;
    pairs->measures_count = 0;
}

/* ---- what is told from outside */

void swgi_pairs_event(struct swgi_pairs *pairs, const struct swg_event *event) {
    swgi_memo_event(pairs->memos, event);
    if (!swgi_event_is_change(event))
        return;
    if (pairs->moments_count == SWGI_MOMENTS_MAX)
        pairs->dropped++;
    else
        pairs->moments[pairs->moments_count++] = *event;
}

void swgi_pairs_agent(struct swgi_pairs *pairs, int when, double value, const char *text,
                      struct swgi_alert_clock clock) {
    char clean[SWGI_TOLD_MAX];

    pairs->clock = clock;
    swgi_redact(text, clean, sizeof(clean));
    for (unsigned i = 0; i < pairs->file->alerts_count; i++) {
        const struct swgi_file_alert *rule = &pairs->file->alerts[i];
        struct swgi_pair *pair = rule->when == when ? touch(pairs, i, "", value) : NULL;

        if (pair == NULL)
            continue;
        pair->held_until = clock.now + SWGI_ALERT_HOLD_NS;
        swgi_rule_summary(rule, "", value, NULL, clean, pair->summary);
    }
}

/* ---- another file */

static int rule_named(const struct swgi_file *file, const char *name) {
    for (unsigned i = 0; i < file->alerts_count; i++)
        if (strcmp(file->alerts[i].name, name) == 0)
            return (int)i;
    return -1;
}

static int same_rule(const struct swgi_file *file, const struct swgi_file_alert *old) {
    int index = rule_named(file, old->name);

    return index >= 0 && file->alerts[index].when == old->when ? index : -1;
}

void swgi_pairs_reload(struct swgi_pairs *pairs, struct swgi_file *file,
                       struct swgi_alert_clock clock) {
    pairs->clock = clock;
    for (size_t i = pairs->count; i-- > 0;) {
        if (same_rule(file, rule_of(pairs, pairs->at[i])) >= 0)
            continue;
        if (pairs->at[i]->firing)
            end(pairs, pairs->at[i]);
        swgi_pairs_remove(pairs, i);
    }
    for (size_t i = 0; i < pairs->count; i++) {
        pairs->at[i]->rule = (unsigned)same_rule(file, rule_of(pairs, pairs->at[i]));
        pairs->at[i]->recall = true;
    }
    swgi_pairs_sort(pairs);
    pairs->file = file;
}

static bool is_known_at_once(int when) {
    return when == SWGI_ALERT_OPEN || when == SWGI_ALERT_OPEN_COUNT || when == SWGI_ALERT_MODE;
}

bool swgi_pairs_restore(struct swgi_pairs *pairs, const char *rule, const char *circuit,
                        int64_t since_wall_ms, struct swgi_alert_clock clock) {
    int index = rule_named(pairs->file, rule);
    struct swgi_pair *pair = NULL;

    if (index >= 0 && swgi_rule_about(pairs->file->alerts[index].when) <= SWGI_ABOUT_ALL &&
        swgi_pairs_find(pairs, (unsigned)index, circuit) == NULL)
        pair = swgi_pairs_add(pairs, (unsigned)index, circuit);
    if (pair == NULL)
        return false;
    begin(pair, (struct swgi_alert_clock){ .now = clock.now, .wall_ms = since_wall_ms });
    if (!is_known_at_once(pairs->file->alerts[index].when))
        pair->held_until = clock.now + SWGI_ALERT_RESTORED_NS;
    pair->firing = pair->told = pair->recall = true;
    pair->unsure = clock.wall_ms - since_wall_ms < SWGI_ALERT_UNSURE_MS;
    pairs->firing++;
    summarize(pairs, pair);
    return true;
}
