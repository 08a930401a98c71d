/* What the tests of alerts share: a file and measures filled in by hand, time as an integer, and a list of what was told. */
#ifndef ALERTS_STORY_H
#define ALERTS_STORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/alerts_notice.h"

#define SECOND   INT64_C(1000000000)
#define RULES    4
#define CIRCUITS 8
#define TOLD     256

static struct swgi_file_alert rules[RULES];
static struct swgi_file file;
static struct swgi_file_circuit entries[CIRCUITS];
static struct swgi_measure measures[CIRCUITS];
static const struct swgi_measure *by_name[CIRCUITS];
static size_t circuits;
static struct swgi_alert_clock now;
static struct swgi_pairs *pairs;
/* "fired open/db", "ended ...", "moment ...", "released ..."; " (for nobody)" where receivers are not told, " by X" where X silences. */
static char told[TOLD][448];
static unsigned told_count, read_count;

static void note(void *arg, const struct swgi_file_alert *rule, const struct swgi_pair *pair,
                 const struct swgi_measure *measure, enum swgi_pair_news news) {
    static const char *const words[] = { "fired", "released", "recalled", "ended", "moment" };

    (void)arg;
    (void)measure;
    assert_true(told_count < TOLD);
    snprintf(told[told_count++], sizeof(told[0]), "%s %s/%s%s%s%s", words[news], rule->name,
             pair->circuit, pair->told ? "" : " (for nobody)",
             pair->inhibited_by[0] != '\0' ? " by " : "", pair->inhibited_by);
}

/* The next thing that was told; "" when that was all. */
static inline const char *next(void) {
    return read_count < told_count ? told[read_count++] : "";
}

#define assert_told(text) assert_string_equal(next(), text)
#define assert_silence()  assert_told("")

static inline struct swgi_file_alert *rule(const char *name, int when, double above, swg_ns for_ns,
                                           int severity) {
    struct swgi_file_alert *out = &rules[file.alerts_count++];

    assert_true(file.alerts_count <= RULES);
    memset(out, 0, sizeof(*out));
    snprintf(out->name, sizeof(out->name), "%s", name);
    out->when = when;
    out->above = above;
    out->for_ns = for_ns;
    out->severity = severity;
    return out;
}

/* In the order of their names. */
static inline struct swgi_measure *circuit(const char *name) {
    struct swgi_measure *out = &measures[circuits];

    assert_true(circuits < CIRCUITS);
    memset(out, 0, sizeof(*out));
    snprintf(out->status.name, sizeof(out->status.name), "%s", name);
    snprintf(entries[circuits].name, sizeof(entries[0].name), "%s", name);
    out->entry = &entries[circuits];
    out->failure_rate_1m = out->failure_rate_lately = out->latency_mean_1m = out->slo_burn_rate =
        out->slo_budget_left = -1;
    out->status.failure_rate = -1;
    out->last_recovery = -1;
    by_name[circuits++] = out;
    return out;
}

static inline void depends(struct swgi_measure *measure, char *on) {
    struct swgi_file_words *words = &entries[measure - measures].depends_on;

    words->at = realloc(words->at, (words->count + 1) * sizeof(*words->at));
    words->at[words->count++] = on;
}

static inline void tick(swg_ns later) {
    now.now += later;
    now.wall_ms += later / 1000000;
    for (size_t i = 0; i < circuits; i++)
        measures[i].at = now.now;
    swgi_pairs_tick(pairs, by_name, circuits, now);
}

static inline struct swg_event change(const char *name, int from, int to) {
    struct swg_event event = SWG_EVENT_INIT;

    event.kind = SWG_EVENT_TRANSITION;
    event.from = from;
    event.to = to;
    event.rule = SWG_RULE_CONSECUTIVE;
    event.value = event.threshold = 5;
    event.calls = 5;
    event.wall_ms = now.wall_ms;
    snprintf(event.circuit, sizeof(event.circuit), "%s", name);
    snprintf(event.user, sizeof(event.user), "system");
    return event;
}

static inline int begin_story(void **state) {
    (void)state;
    memset(&file, 0, sizeof(file));
    file.alerts = rules;
    circuits = 0;
    told_count = read_count = 0;
    now = (struct swgi_alert_clock){ .now = 1000 * SECOND, .wall_ms = INT64_C(1763690000000) };
    pairs = swgi_pairs_new(&file, note, NULL);
    return pairs == NULL;
}

static inline int end_story(void **state) {
    (void)state;
    pairs = swgi_pairs_free(pairs);
    for (size_t i = 0; i < CIRCUITS; i++)
        free(entries[i].depends_on.at);
    memset(entries, 0, sizeof(entries));
    return 0;
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, begin_story, end_story)

#endif
