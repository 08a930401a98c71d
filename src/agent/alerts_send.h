/*
 * Delivery: every receiver has a queue, one transfer at a time, and a circuit of its own in a panel of our own, whose settings say
 * when it is tried again and when it is left alone. Nothing of it blocks the loop.
 */
#ifndef SWGI_AGENT_ALERTS_SEND_H
#define SWGI_AGENT_ALERTS_SEND_H

#include <uv.h>

#include "agent/alerts.h"
#include "agent/alerts_receiver.h"

/* Given up after so long. */
#define SWGI_NOTICE_LASTS_NS (INT64_C(3600) * 1000000000)

struct swgi_send;

int swgi_send_new(struct swgi_send **out, uv_loop_t *loop, const struct swgi_file *file,
                  struct swg_error *error);
/* The receivers of another file; what waits for those of the same name and kind goes on waiting. On an error nothing changes. */
int swgi_send_reload(struct swgi_send *send, const struct swgi_file *file, struct swg_error *error);
/* To every receiver that wants it. Takes references of its own. */
void swgi_send_notice(struct swgi_send *send, const struct swgi_file_alert *rule,
                      struct swgi_notice *notice);
/* To receivers that are told again and again what fires, and do not know of it. */
void swgi_send_recall(struct swgi_send *send, const struct swgi_file_alert *rule,
                      struct swgi_notice *notice);
/* All but firing. */
void swgi_send_counts(const struct swgi_send *send, struct swgi_alerts_counts *out);
/* Does nothing wait but for receivers that did not take the last one? */
bool swgi_send_is_idle(const struct swgi_send *send);
/* Then run the loop until it is idle, then free. */
void swgi_send_stop(struct swgi_send *send);
struct swgi_send *swgi_send_free(struct swgi_send *send);

#endif
