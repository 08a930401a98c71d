/* Reasons and samples, redacted where they come in: no later place can forget to. */
#include "agent/alerts_memo.h"

#include <stdio.h>
#include <string.h>

#include "agent/alerts_text.h"
#include "base/hash.h"
#include "report/describe.h"
#include "report/text.h"

static size_t place_of(const char *circuit) {
    return swgi_hash(circuit, strlen(circuit), 0) % SWGI_MEMOS;
}

const struct swgi_memo *swgi_memo_of(const struct swgi_memo *memos, const char *circuit) {
    const struct swgi_memo *memo = &memos[place_of(circuit)];

    return circuit[0] != '\0' && strcmp(memo->circuit, circuit) == 0 ? memo : NULL;
}

bool swgi_event_is_change(const struct swg_event *event) {
    return event->kind >= SWG_EVENT_TRANSITION && event->kind <= SWG_EVENT_PROBE &&
           event->from != event->to;
}

static void by_hand(const struct swg_event *event, char *out) {
    char text[sizeof(event->text) * 2], user[64];

    swgi_redact(event->text, text, sizeof(text));
    swgi_redact(event->user, user, sizeof(user));
    snprintf(out, SWGI_TOLD_MAX, "by hand, %.40s%s%.120s", user, text[0] != '\0' ? ": " : "", text);
}

const char *swgi_event_reason(const struct swg_event *event, char *out) {
    char evidence[96], text[SWGI_TEXT_MAX];

    if (event->kind != SWG_EVENT_TRANSITION) {
        by_hand(event, out);
    } else if (event->rule == SWG_RULE_CONSECUTIVE) {
        snprintf(out, SWGI_TOLD_MAX, "%s consecutive failures",
                 swgi_value_text(event->value, text));
    } else {
        swgi_evidence_text(event, evidence, sizeof(evidence));
        snprintf(out, SWGI_TOLD_MAX, "%s%s%s", swgi_rule_words(event->rule),
                 evidence[0] != '\0' ? ", " : "", evidence);
    }
    return out;
}

/* What a hand did may come back as a rule's: restored into a new panel. */
static bool is_by_hand(const struct swg_event *event) {
    return event->kind != SWG_EVENT_TRANSITION || event->rule == SWG_RULE_HAND;
}

const char *swgi_event_change(const struct swg_event *event, char *out) {
    static const char *const done[] = { "Circuit closed", "Circuit opened", "Circuit is probing" };
    bool is_known = event->to >= SWG_STATE_CLOSED && event->to <= SWG_STATE_HALF_OPEN;
    const char *what = is_known ? done[event->to] : "?";
    char reason[SWGI_TOLD_MAX];

    swgi_event_reason(event, reason);
    if (event->to != SWG_STATE_OPEN && !is_by_hand(event))
        snprintf(out, SWGI_TOLD_MAX, "State changed to %s: %s", swg_state_name(event->to), what);
    else
        snprintf(out, SWGI_TOLD_MAX, "State changed to %s: %s%s%.128s", swg_state_name(event->to),
                 what, is_by_hand(event) ? " " : " due to ", reason);
    return out;
}

static struct swgi_memo *claim(struct swgi_memo *memos, const char *circuit) {
    struct swgi_memo *memo = &memos[place_of(circuit)];

    if (strcmp(memo->circuit, circuit) != 0) {
        memset(memo, 0, sizeof(*memo));
        snprintf(memo->circuit, sizeof(memo->circuit), "%s", circuit);
    }
    return memo;
}

static void keep_sample(struct swgi_memo *memo, const struct swg_event *event) {
    char text[SWGI_TOLD_MAX], kind[sizeof(event->error_kind)];

    swgi_redact(event->text, text, sizeof(text));
    swgi_redact(event->error_kind, kind, sizeof(kind));
    snprintf(memo->sample, sizeof(memo->sample), "%s%s%.160s", kind,
             kind[0] != '\0' && text[0] != '\0' ? ": " : "", text);
}

void swgi_memo_event(struct swgi_memo *memos, const struct swg_event *event) {
    if (swgi_event_is_change(event) && event->to == SWG_STATE_OPEN)
        swgi_event_reason(event, claim(memos, event->circuit)->reason);
    else if (event->kind == SWG_EVENT_MODE)
        by_hand(event, claim(memos, event->circuit)->mode);
    else if (event->kind == SWG_EVENT_SAMPLE)
        keep_sample(claim(memos, event->circuit), event);
}
