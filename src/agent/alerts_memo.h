/*
 * What events said lately of circuits, in words that may leave the house: why one opened, and its last error. A fixed room for
 * all circuits: where two fall on one place, the later event stays.
 */
#ifndef SWGI_AGENT_ALERTS_MEMO_H
#define SWGI_AGENT_ALERTS_MEMO_H

#include <stdbool.h>

#include "switchgear/switchgear.h"

#define SWGI_MEMOS    256u
#define SWGI_TOLD_MAX 192

struct swgi_memo {
    char circuit[128];
    char reason[SWGI_TOLD_MAX]; /* of the last trip */
    char mode[SWGI_TOLD_MAX];   /* who set the mode, and why */
    char sample[SWGI_TOLD_MAX]; /* the last error */
};

/* memos: SWGI_MEMOS of them, zeroed at first. */
void swgi_memo_event(struct swgi_memo *memos, const struct swg_event *event);
/* NULL: nothing is known. */
const struct swgi_memo *swgi_memo_of(const struct swgi_memo *memos, const char *circuit);

/* Did the state change by it? */
bool swgi_event_is_change(const struct swg_event *event);
/* Why it changed, in SWGI_TOLD_MAX bytes: "5 consecutive failures"; "by hand, ann: INC-4711". */
const char *swgi_event_reason(const struct swg_event *event, char *out);
/* The sentence of the log: "State changed to OPEN: Circuit opened due to 5 consecutive failures". */
const char *swgi_event_change(const struct swg_event *event, char *out);

#endif
