/*
 * One receiver: where it is, its secrets, what waits for it, and what goes to it next. No I/O but reading its files once.
 *
 * What is taken out of the queue is the batch; it stays until it is delivered or given up. Waiting notices are bounded: the least
 * severe of them, and of those the oldest, makes room.
 */
#ifndef SWGI_AGENT_ALERTS_RECEIVER_H
#define SWGI_AGENT_ALERTS_RECEIVER_H

#include <curl/curl.h>

#include "agent/alerts_body.h"

#define SWGI_QUEUE_MAX      512u
#define SWGI_URL_MAX        1024u
#define SWGI_SECRET_MAX     512u
#define SWGI_SAID_MAX       200u
#define SWGI_REPOST_NS      (INT64_C(60) * 1000000000)
#define SWGI_SLACK_SPACE_NS (INT64_C(1) * 1000000000) /* at most one message a second */

struct swgi_waiting {
    struct swgi_notice *notice;
    swg_ns since;
};

struct swgi_receiver {
    struct swgi_receiver *next;
    struct swgi_file_receiver says; /* the file's entry, but for its lists */
    char url[SWGI_URL_MAX], secret[SWGI_SECRET_MAX], source[SWGI_FILE_WORD_MAX];
    char console[SWGI_FILE_TEXT_MAX + 16];
    struct swgi_template *form;
    size_t waiting_count, batch_count;
    struct swgi_waiting waiting[SWGI_QUEUE_MAX];
    struct swgi_notice *batch[SWGI_ALERTMANAGER_MAX];
    swg_ns batch_since; /* of the notice in it that waited longest */
    bool is_repost;     /* the batch is what was told before */
    /* Alertmanager: what fires, to be posted again from posted_count on. */
    struct swgi_notice **active;
    size_t active_count, active_room, posted_count;
    swg_ns repost_due;
    /* alerts_send.c */
    struct swg_circuit *circuit;
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    bool busy;
    unsigned setbacks; /* in a row */
    swg_ns due, started;
    char fault[CURL_ERROR_SIZE]; /* what libcurl said last of what failed */
    char answer[SWGI_SAID_MAX];  /* the first of what it answered, as it came */
    size_t answer_length, received;
};

/*
 * Reads its secrets and its template. -EINVAL: the entry lacks something, or a file of it may be read by everybody; -ENOENT, -EACCES,
 * ...: a file; *error names entry and key, and quotes no secret. listen: the agent's address, for links to it.
 */
int swgi_receiver_new(struct swgi_receiver **out, const struct swgi_file_receiver *says,
                      const char *listen, struct swg_error *error);
struct swgi_receiver *swgi_receiver_free(struct swgi_receiver *receiver);
/* What waits for the other goes on here; the other is empty then. */
void swgi_receiver_inherit(struct swgi_receiver *receiver, struct swgi_receiver *other);

/* Is it for this receiver? */
bool swgi_receiver_wants(const struct swgi_receiver *receiver, const struct swgi_file_alert *rule,
                         const struct swgi_notice *notice);
/* Lets it wait. Returns how many notices had to go for it. */
unsigned swgi_receiver_put(struct swgi_receiver *receiver, struct swgi_notice *notice, swg_ns now);
/* It fires or has ended, wanted or not: for receivers that must be told again. */
void swgi_receiver_follow(struct swgi_receiver *receiver, struct swgi_notice *notice, swg_ns now);
/* It fires since long; where it is not known, it is told at once. */
void swgi_receiver_recall(struct swgi_receiver *receiver, struct swgi_notice *notice, swg_ns now);
/* Fills the batch if it is empty. false: there is nothing to be sent now. */
bool swgi_receiver_take(struct swgi_receiver *receiver, swg_ns now);
void swgi_receiver_clear(struct swgi_receiver *receiver);
/* When there will be something to be sent; SWG_NS_MAX: nobody knows. */
swg_ns swgi_receiver_due(const struct swgi_receiver *receiver);
/* The batch's body for free(); NULL: out of memory. */
char *swgi_receiver_body(const struct swgi_receiver *receiver, int64_t wall_ms);

/* alerts_request.c: makes handle, headers and body ready for the batch. false: out of memory. */
bool swgi_request_prepare(struct swgi_receiver *receiver);
/* Forgets what a receiver answered so far, as struct swg_http_call wants it. */
void swgi_request_restart(void *receiver);

/*
 * alerts_secrets.c: a receiver's secret from the file at path, whose first line it is, or, path being empty, from the environment:
 * SWITCHGEAR_NAME_WHAT, NAME in capitals with '_' for what is no letter or digit. Leaves out[size] alone if there is neither.
 */
int swgi_secret_read(const char *path, const char *name, const char *what, char *out, size_t size,
                     struct swg_error *error);

/* alerts_ca.c: is there a certificate in the file? -EINVAL, -ENOENT, ...; *error names the key. */
int swgi_ca_check(const char *path, const char *key, struct swg_error *error);

#endif
