#include "agent/alerts_notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"

static void make_key(const char *whole, int length, char out[SWGI_NOTICE_KEY_MAX]) {
    if (length < SWGI_NOTICE_KEY_MAX)
        swgi_copy_text(out, SWGI_NOTICE_KEY_MAX, whole);
    else
        snprintf(out, SWGI_NOTICE_KEY_MAX, "switchgear/%016llx",
                 (unsigned long long)swgi_hash(whole, (size_t)length, 0));
}

void swgi_notice_key(const char *rule, const char *circuit, char out[SWGI_NOTICE_KEY_MAX]) {
    char whole[2 * SWGI_FILE_WORD_MAX + 16];
    int length = snprintf(whole, sizeof(whole), "switchgear/%.127s/%.127s", rule, circuit);

    make_key(whole, length, out);
}

void swgi_notice_key_of(const struct swgi_notice *notice, const char *source,
                        char out[SWGI_NOTICE_KEY_MAX]) {
    char whole[3 * SWGI_FILE_WORD_MAX + 16];
    int length = snprintf(whole, sizeof(whole), "switchgear/%.127s/%.127s/%.127s", source,
                          notice->name, notice->circuit);

    make_key(whole, length, out);
}

static double failure_rate(const struct swgi_measure *measure) {
    return measure->failure_rate_1m >= 0 ? measure->failure_rate_1m : measure->status.failure_rate;
}

static void put_circuit(struct swgi_notice *notice, const struct swgi_measure *measure,
                        const struct swgi_file_circuit *entry) {
    notice->failure_rate = measure != NULL ? failure_rate(measure) : -1;
    if (measure != NULL)
        swgi_copy_text(notice->state, sizeof(notice->state), swg_state_name(measure->status.state));
    if (entry == NULL)
        return;
    swgi_copy_text(notice->group, sizeof(notice->group), entry->group);
    swgi_copy_text(notice->owner, sizeof(notice->owner), entry->owner);
    swgi_copy_text(notice->circuit_runbook, sizeof(notice->circuit_runbook), entry->runbook);
}

static void put_pair(struct swgi_notice *notice, const struct swgi_file_alert *rule,
                     const struct swgi_pair *pair) {
    notice->severity = rule->severity;
    notice->when = rule->when;
    notice->since_wall_ms = pair->since_wall_ms;
    notice->value = pair->value;
    swgi_notice_key(rule->name, pair->circuit, notice->key);
    swgi_copy_text(notice->name, sizeof(notice->name), rule->name);
    swgi_copy_text(notice->circuit, sizeof(notice->circuit), pair->circuit);
    swgi_copy_text(notice->summary, sizeof(notice->summary), pair->summary);
    swgi_copy_text(notice->runbook, sizeof(notice->runbook), rule->runbook);
}

static void put_memo(struct swgi_notice *notice, const struct swgi_memo *memo) {
    swgi_copy_text(notice->reason, sizeof(notice->reason),
                   notice->when == SWGI_ALERT_MODE ? memo->mode : memo->reason);
    swgi_copy_text(notice->sample, sizeof(notice->sample), memo->sample);
}

struct swgi_notice *swgi_notice_new(const struct swgi_file_alert *rule,
                                    const struct swgi_pair *pair,
                                    const struct swgi_measure *measure,
                                    const struct swgi_file_circuit *entry,
                                    const struct swgi_memo *memo, enum swgi_pair_news news,
                                    int64_t wall_ms) {
    struct swgi_notice *notice = calloc(1, sizeof(*notice));

    if (notice == NULL)
        return NULL;
    notice->references = 1;
    notice->firing = news != SWGI_PAIR_ENDED;
    notice->is_moment = news == SWGI_PAIR_MOMENT;
    notice->ended_wall_ms = notice->firing ? 0 : wall_ms;
    put_pair(notice, rule, pair);
    put_circuit(notice, measure, entry);
    if (memo != NULL)
        put_memo(notice, memo);
    return notice;
}

struct swgi_notice *swgi_notice_ref(struct swgi_notice *notice) {
    notice->references++;
    return notice;
}

struct swgi_notice *swgi_notice_unref(struct swgi_notice *notice) {
    if (notice != NULL && --notice->references == 0)
        free(notice);
    return NULL;
}
