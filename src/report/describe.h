/* What a circuit's numbers mean to a person: the words that status, why, events and the acts share. */
#ifndef SWGI_REPORT_DESCRIBE_H
#define SWGI_REPORT_DESCRIBE_H

#include "report/meaning.h"
#include "report/screen.h"
#include "switchgear/switchgear.h"

#define SWGI_SENTENCE_MAX 512

/* "OPEN", "HALF_OPEN", "CLOSED", "ISOLATED", "DISABLED", "SHADOW": what calls meet. */
const char *swgi_state_word(const struct swg_status *status);
enum swgi_tone swgi_state_tone(const struct swg_status *status);
enum swgi_tone swgi_plain_state_tone(int state);
/* 0 for the worst: the order of the table. */
int swgi_state_rank(const struct swg_status *status);

/* What happens next: "probes in 12 s", "by hand only", "1 of 2 probes good", "ends in 5 min", "until undone"; "" when nothing will. */
const char *swgi_next_text(const struct swg_status *status, swg_ns now, char *out, size_t out_size);
/* What tripped it: "5 failures in a row", "failure rate over the last calls", "by hand". */
const char *swgi_rule_words(int rule);
/* A rule's measure: "5", or "52 %" where its limit is a share of calls. */
const char *swgi_measure_text(int rule, double value, double threshold, char *out);
/* "measured 7, limit 5, over 37 calls"; "" where an event carries no evidence. */
const char *swgi_evidence_text(const struct swg_event *event, char *out, size_t out_size);
/* "CLOSED -> OPEN  ..." and all that is known, cleaned for this screen. */
const char *swgi_event_text(const struct swgi_screen *screen, const struct swg_event *event,
                            char *out, size_t out_size);
enum swgi_tone swgi_event_tone(const struct swg_event *event);
/* "open", "full", ... of a verdict, for programs. */
const char *swgi_verdict_word(int rc);

#endif
