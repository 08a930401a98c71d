/*
 * A notice: one alert at one moment, as receivers are told of it. Everything is copied, cleaned and redacted, so that it can wait in
 * queues; immutable and shared by them, on one thread.
 */
#ifndef SWGI_AGENT_ALERTS_NOTICE_H
#define SWGI_AGENT_ALERTS_NOTICE_H

#include "agent/alerts_pairs.h"

#define SWGI_NOTICE_KEY_MAX 256 /* PagerDuty's bound, with the NUL */

struct swgi_notice {
    unsigned references;
    bool firing;    /* else it has ended */
    bool is_moment; /* fired, and there is no end to be told */
    int severity, when;
    int64_t since_wall_ms, ended_wall_ms; /* ended: 0 while firing */
    double value;
    double failure_rate; /* of the last minute, else of the circuit's window; -1: not known */
    char key
        [SWGI_NOTICE_KEY_MAX]; /* the same for the same rule and circuit, whatever is restarted */
    char name[SWGI_FILE_WORD_MAX], circuit[SWGI_FILE_WORD_MAX], group[SWGI_FILE_WORD_MAX],
        owner[SWGI_FILE_WORD_MAX];
    char state[16]; /* "OPEN", ...; "": of no single circuit, or it is gone */
    char summary[SWGI_SUMMARY_MAX], reason[SWGI_TOLD_MAX], sample[SWGI_TOLD_MAX];
    char runbook[SWGI_FILE_TEXT_MAX];         /* the rule's; "" */
    char circuit_runbook[SWGI_FILE_TEXT_MAX]; /* the circuit's; "" */
};

/* entry, measure and memo may be NULL. With one reference; NULL: out of memory. */
struct swgi_notice *swgi_notice_new(const struct swgi_file_alert *rule,
                                    const struct swgi_pair *pair,
                                    const struct swgi_measure *measure,
                                    const struct swgi_file_circuit *entry,
                                    const struct swgi_memo *memo, enum swgi_pair_news news,
                                    int64_t wall_ms);
struct swgi_notice *swgi_notice_ref(struct swgi_notice *notice),
    *swgi_notice_unref(struct swgi_notice *notice);
/* "switchgear/RULE/CIRCUIT": what tells notices of one agent apart. A hash of it where that would be too long. */
void swgi_notice_key(const char *rule, const char *circuit, char out[SWGI_NOTICE_KEY_MAX]);
/* "switchgear/SOURCE/RULE/CIRCUIT", likewise: what tells those of all hosts apart, for receivers that many of them tell. */
void swgi_notice_key_of(const struct swgi_notice *notice, const char *source,
                        char out[SWGI_NOTICE_KEY_MAX]);

#endif
