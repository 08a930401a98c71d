/* Between the two pages of delivery. */
#ifndef SWGI_AGENT_ALERTS_SEND_INSIDE_H
#define SWGI_AGENT_ALERTS_SEND_INSIDE_H

#include "agent/alerts_send.h"
#include "agent/alerts_wires.h"
#include "base/random.h"
#include "switchgear/http.h"

struct swgi_send {
    struct swgi_wires wires;
    uv_timer_t pace; /* when the next receiver is due */
    struct swg_panel *panel;
    struct swg_http_client *client; /* NULL until something is delivered */
    struct swg_config *config;      /* of their circuits */
    struct swgi_receiver *receivers;
    struct swgi_alerts_counts counts;
    struct swgi_random random;
    bool stopping;
};

/* Before the first delivery. 0, or -errno: it may be tried again. */
int swgi_send_open(struct swgi_send *send);
/* Starts what is due, and sets pace to what is due next. */
void swgi_send_arm(struct swgi_send *send);
/* Transfers may have ended. */
void swgi_send_on_wires(void *send);

#endif
