/*
 * People write a list, because which rule fired is told by its place in it; the engine has room for
 * one score, one count window and one ring of time windows, because those are what its words hold.
 * The limits between the two are told here.
 */
#include "circuit/trip_rules.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* A list on its way into settings. */
struct installing {
    struct swgi_settings *settings;
    struct swg_error *error;
    unsigned entry;
    bool has_failure_count, has_slow_count, has_calls_min;
};

static bool is_given(const struct swgi_trip_rule *rule, size_t offset) {
    for (unsigned i = 0; i < swgi_rule_keys_count; i++) {
        const struct swgi_key *key = &swgi_rule_keys[i];

        if (key->kind == rule->kind && key->offset == offset)
            return (rule->set >> i & 1) != 0;
    }
    return false;
}
#define GIVEN(rule, field) is_given((rule), offsetof(struct swgi_trip_rule, field))

bool swgi_trip_rule_has(const struct swgi_trip_rule *rule, const struct swgi_key *key) {
    return key->kind == rule->kind && is_given(rule, key->offset);
}

/* Names the entry at fault: "breaker.trip.2", or a key of it. */
static int refuse(const struct installing *at, const char *rest, const char *sentence) {
    char key[SWGI_KEY_NAME_MAX];

    snprintf(key, sizeof(key), SWGI_TRIP_PREFIX "%u%s%s", at->entry, rest[0] != '\0' ? "." : "",
             rest);
    return swgi_fail(at->error, -EINVAL, key, "%s", sentence);
}

int swgi_trip_rule_set(struct swgi_trip_rule *rule, const struct swgi_key_place *place,
                       const char *value, struct swg_error *error) {
    struct installing at = { .error = error, .entry = place->entry };
    int rc;

    if (rule->kind != SWGI_KIND_NONE && rule->kind != place->key->kind)
        return refuse(&at, "", "is already a rule of another kind; allowed: one rule an entry");
    rc = swgi_key_parse(place, value, rule, error);
    if (rc < 0)
        return rc;
    rule->kind = place->key->kind;
    rule->set |= UINT32_C(1) << (place->key - swgi_rule_keys);
    return 0;
}

/* A rate over calls has no window in time, so none comes to it by default. */
static bool takes_initial(const struct swgi_trip_rule *rule, const struct swgi_key *key) {
    bool has_initial = key->initial != 0 || key->real_initial > 0;
    bool is_window = key->offset == offsetof(struct swgi_trip_rule, window_ns);

    return key->kind == rule->kind && has_initial && !is_given(rule, key->offset) &&
           !(is_window && GIVEN(rule, calls));
}

static bool is_required(const struct swgi_trip_rule *rule, const struct swgi_key *key) {
    bool has_initial = key->initial != 0 || key->real_initial > 0;

    return key->kind == rule->kind && !has_initial &&
           key->offset != offsetof(struct swgi_trip_rule, calls);
}

static int complete(const struct installing *at, struct swgi_trip_rule *rule) {
    char name[SWGI_KEY_NAME_MAX], range[SWGI_KEY_RANGE_MAX];

    for (unsigned i = 0; i < swgi_rule_keys_count; i++) {
        struct swgi_key_place place = { .key = &swgi_rule_keys[i], .entry = at->entry };

        if (takes_initial(rule, place.key))
            swgi_key_set_initial(place.key, rule);
        if (!is_required(rule, place.key) || is_given(rule, place.key->offset))
            continue;
        swgi_key_name(&place, name);
        swgi_key_range(place.key, range);
        return swgi_fail(at->error, -EINVAL, name, "not set; allowed: %s", range);
    }
    return 0;
}

static int install_score(struct installing *at, const struct swgi_trip_rule *rule) {
    struct swgi_score_settings *score = &at->settings->score;

    if (score->kind != SWGI_SCORE_NONE)
        return refuse(at, "",
                      "is a second score rule; allowed: one of consecutive and change in the list");
    score->kind = rule->kind == SWGI_KIND_CONSECUTIVE ? SWGI_SCORE_CONSECUTIVE : SWGI_SCORE_CHANGE;
    score->consecutive = rule->consecutive;
    score->healthy = rule->healthy;
    score->unhealthy = rule->unhealthy;
    score->false_trip_once_in = rule->false_trip_once_in;
    return 0;
}

static int install_time(struct installing *at, const struct swgi_trip_rule *rule) {
    static const uint8_t kinds[] = {
        [SWGI_KIND_FAILURES] = SWGI_TIME_FAILURES,
        [SWGI_KIND_FAILURE_RATE] = SWGI_TIME_FAILURE_RATE,
        [SWGI_KIND_SLOW_RATE] = SWGI_TIME_SLOW_RATE,
    };
    struct swgi_time_rule *time = at->settings->time;
    unsigned used = 0;

    while (used < SWGI_TIME_RULES_MAX && time[used].kind != SWGI_TIME_NONE)
        used++;
    if (used == SWGI_TIME_RULES_MAX)
        return refuse(at, "", "is a fifth rule over time; allowed: 4 in the list");
    time[used] = (struct swgi_time_rule){ .kind = kinds[rule->kind],
                                          .calls_min = rule->calls_min,
                                          .threshold = rule->threshold,
                                          .window_ns = rule->window_ns };
    return 0;
}

/* Failure and slow rate look at one and the same window of calls. */
static int count_window(struct installing *at, const char *rest,
                        const struct swgi_trip_rule *rule) {
    struct swgi_count_settings *count = &at->settings->count;
    char sentence[128];

    if (count->calls != 0 && count->calls != rule->calls) {
        snprintf(sentence, sizeof(sentence),
                 "%u, and another rule has %u; allowed: the same for both", rule->calls,
                 count->calls);
        return refuse(at, rest, sentence);
    }
    count->calls = (uint16_t)rule->calls;
    return 0;
}

/* One window has one least number of calls: the one that was given, else the default, cut to what
 * the window holds. */
static int count_calls_min(struct installing *at, const char *rest,
                           const struct swgi_trip_rule *rule) {
    struct swgi_count_settings *count = &at->settings->count;
    bool given = GIVEN(rule, calls_min);
    uint32_t cut = rule->calls_min < rule->calls ? rule->calls_min : rule->calls;
    char sentence[128];

    if (given && (cut != rule->calls_min || (at->has_calls_min && count->calls_min != cut))) {
        snprintf(sentence, sizeof(sentence),
                 "%u; allowed: 1..%u, the same for failure and slow rate", rule->calls_min,
                 rule->calls);
        return refuse(at, rest, sentence);
    }
    if (given || !at->has_calls_min)
        count->calls_min = (uint16_t)cut;
    at->has_calls_min |= given;
    return 0;
}

static int install_count(struct installing *at, const struct swgi_trip_rule *rule) {
    bool slow = rule->kind == SWGI_KIND_SLOW_RATE;
    bool *has = slow ? &at->has_slow_count : &at->has_failure_count;
    int rc;

    if (*has)
        return refuse(at, "", "is a second rate of its kind over calls; allowed: one in the list");
    *has = true;
    rc = count_window(at, slow ? "slow_rate.calls" : "failure_rate.calls", rule);
    if (rc == 0)
        rc = count_calls_min(at, slow ? "slow_rate.calls_min" : "failure_rate.calls_min", rule);
    *(slow ? &at->settings->count.slow_ppm : &at->settings->count.failure_ppm) = rule->threshold;
    return rc;
}

static int install_rate(struct installing *at, const struct swgi_trip_rule *rule) {
    if (GIVEN(rule, calls) && GIVEN(rule, window_ns))
        return refuse(at, "", "has both window and calls; allowed: one of them");
    return GIVEN(rule, calls) ? install_count(at, rule) : install_time(at, rule);
}

static int install_rule(struct installing *at, const struct swgi_trip_rule *given) {
    struct swgi_trip_rule rule = *given;
    int rc = complete(at, &rule);

    if (rc < 0)
        return rc;
    switch (rule.kind) {
    case SWGI_KIND_CONSECUTIVE:
    case SWGI_KIND_CHANGE:
        return install_score(at, &rule);
    case SWGI_KIND_FAILURES:
        return install_time(at, &rule);
    case SWGI_KIND_FAILURE_RATE:
    case SWGI_KIND_SLOW_RATE:
        return install_rate(at, &rule);
    default:
        return refuse(at, "", "not set; allowed: entries counted from 0 without a gap");
    }
}

int swgi_trip_rules_install(struct swgi_settings *settings, const struct swgi_trip_rule *rules,
                            unsigned count, struct swg_error *error) {
    struct installing at = { .settings = settings, .error = error };
    int rc = 0;

    memset(&settings->score, 0, sizeof(settings->score));
    memset(settings->time, 0, sizeof(settings->time));
    settings->count = (struct swgi_count_settings){ .failure_ppm = SWGI_THRESHOLD_OFF,
                                                    .slow_ppm = SWGI_THRESHOLD_OFF };
    for (; at.entry < count && rc == 0; at.entry++)
        rc = install_rule(&at, &rules[at.entry]);
    return rc;
}

/* Marks all keys of the entry's kind as given, but one that does not go with the others. */
static void mark_all(struct swgi_trip_rule *rule, size_t but) {
    for (unsigned i = 0; i < swgi_rule_keys_count; i++) {
        if (swgi_rule_keys[i].kind == rule->kind && swgi_rule_keys[i].offset != but)
            rule->set |= UINT32_C(1) << i;
    }
}

static unsigned list_score(const struct swgi_score_settings *score, struct swgi_trip_rule *out) {
    if (score->kind == SWGI_SCORE_NONE)
        return 0;
    *out = (struct swgi_trip_rule){
        .kind = score->kind == SWGI_SCORE_CHANGE ? SWGI_KIND_CHANGE : SWGI_KIND_CONSECUTIVE,
        .consecutive = score->consecutive,
        .healthy = score->healthy,
        .unhealthy = score->unhealthy,
        .false_trip_once_in = score->false_trip_once_in,
    };
    mark_all(out, SIZE_MAX);
    return 1;
}

static void list_rate(const struct swgi_count_settings *count, uint32_t kind, uint32_t threshold,
                      struct swgi_trip_rule *out) {
    *out = (struct swgi_trip_rule){
        .kind = kind, .threshold = threshold, .calls = count->calls, .calls_min = count->calls_min
    };
    mark_all(out, offsetof(struct swgi_trip_rule, window_ns));
}

/* A window that judges nothing is written as a failure rate that is off. */
static unsigned list_count(const struct swgi_count_settings *count, struct swgi_trip_rule *out) {
    unsigned used = 0;

    if (count->calls == 0)
        return 0;
    if (count->failure_ppm != SWGI_THRESHOLD_OFF || count->slow_ppm == SWGI_THRESHOLD_OFF)
        list_rate(count, SWGI_KIND_FAILURE_RATE, count->failure_ppm, &out[used++]);
    if (count->slow_ppm != SWGI_THRESHOLD_OFF)
        list_rate(count, SWGI_KIND_SLOW_RATE, count->slow_ppm, &out[used++]);
    return used;
}

static unsigned list_time(const struct swgi_time_rule *time, struct swgi_trip_rule *out) {
    static const uint32_t kinds[] = {
        [SWGI_TIME_FAILURE_RATE] = SWGI_KIND_FAILURE_RATE,
        [SWGI_TIME_SLOW_RATE] = SWGI_KIND_SLOW_RATE,
        [SWGI_TIME_FAILURES] = SWGI_KIND_FAILURES,
    };

    if (time->kind == SWGI_TIME_NONE || time->kind > SWGI_TIME_FAILURES)
        return 0;
    *out = (struct swgi_trip_rule){ .kind = kinds[time->kind],
                                    .threshold = time->threshold,
                                    .calls_min = time->calls_min,
                                    .window_ns = time->window_ns };
    mark_all(out, offsetof(struct swgi_trip_rule, calls));
    return 1;
}

unsigned swgi_trip_rules_list(const struct swgi_settings *settings,
                              struct swgi_trip_rule out[SWGI_TRIP_RULES_MAX]) {
    unsigned used = list_score(&settings->score, out);

    used += list_count(&settings->count, out + used);
    for (unsigned i = 0; i < SWGI_TIME_RULES_MAX; i++)
        used += list_time(&settings->time[i], out + used);
    return used;
}

/* ---- back from what the engine has */

static bool counts_calls(const struct swgi_trip_rule *rule) {
    bool is_rate = rule->kind == SWGI_KIND_FAILURE_RATE || rule->kind == SWGI_KIND_SLOW_RATE;

    return is_rate && GIVEN(rule, calls);
}

static bool is_score(const struct swgi_trip_rule *rule) {
    return rule->kind == SWGI_KIND_CONSECUTIVE || rule->kind == SWGI_KIND_CHANGE;
}

/* Rules of one such class keep their order. */
static bool is_alike(const struct swgi_trip_rule *one, const struct swgi_trip_rule *other) {
    if (is_score(one) || is_score(other))
        return is_score(one) && is_score(other);
    if (counts_calls(one) || counts_calls(other))
        return counts_calls(one) && counts_calls(other) && one->kind == other->kind;
    return true;
}

int swgi_trip_rules_source(const struct swgi_settings *settings, const struct swgi_trip_rule *rules,
                           unsigned count, unsigned entry) {
    struct swgi_trip_rule list[SWGI_TRIP_RULES_MAX] = { 0 };
    unsigned listed = swgi_trip_rules_list(settings, list), before = 0;

    if (entry >= listed)
        return -1;
    for (unsigned i = 0; i < entry; i++)
        before += is_alike(&list[i], &list[entry]);
    for (unsigned i = 0; i < count; i++)
        if (rules[i].kind != SWGI_KIND_NONE && is_alike(&rules[i], &list[entry]) && before-- == 0)
            return (int)i;
    return -1;
}
