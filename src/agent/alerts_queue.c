/* What waits for a receiver, and what it has been told. */
#include <stdlib.h>
#include <string.h>

#include "agent/alerts_receiver.h"

/* An incident that nothing will end is for PagerDuty only where the rule names it. */
static bool is_no_incident(const struct swgi_receiver *receiver, const struct swgi_file_alert *rule,
                           const struct swgi_notice *notice) {
    return notice->is_moment && receiver->says.kind == SWGI_RECEIVER_PAGERDUTY &&
           rule->to.count == 0;
}

bool swgi_receiver_wants(const struct swgi_receiver *receiver, const struct swgi_file_alert *rule,
                         const struct swgi_notice *notice) {
    bool is_named = rule->to.count == 0;

    for (unsigned i = 0; i < rule->to.count; i++)
        is_named |= strcmp(rule->to.at[i], receiver->says.name) == 0;
    return is_named && !is_no_incident(receiver, rule, notice) &&
           notice->severity >= receiver->says.severity_min &&
           (notice->firing || receiver->says.resolved);
}

/* ---- waiting */

static void remove_waiting(struct swgi_receiver *receiver, size_t index) {
    struct swgi_waiting *at = &receiver->waiting[index];

    receiver->waiting_count--;
    memmove(at, at + 1, (receiver->waiting_count - index) * sizeof(*at));
}

static size_t least(const struct swgi_receiver *receiver) {
    size_t least = 0;

    for (size_t i = 1; i < receiver->waiting_count; i++)
        if (receiver->waiting[i].notice->severity < receiver->waiting[least].notice->severity)
            least = i;
    return least;
}

unsigned swgi_receiver_put(struct swgi_receiver *receiver, struct swgi_notice *notice, swg_ns now) {
    unsigned gone = 0;

    if (receiver->waiting_count == SWGI_QUEUE_MAX) {
        size_t index = least(receiver);

        gone = 1;
        if (receiver->waiting[index].notice->severity > notice->severity)
            return gone;
        swgi_notice_unref(receiver->waiting[index].notice);
        remove_waiting(receiver, index);
    }
    receiver->waiting[receiver->waiting_count++] =
        (struct swgi_waiting){ swgi_notice_ref(notice), now };
    return gone;
}

/* ---- what is to be told again */

static void forget(struct swgi_receiver *receiver, const struct swgi_notice *notice) {
    for (size_t i = 0; i < receiver->active_count; i++) {
        if (strcmp(receiver->active[i]->key, notice->key) != 0)
            continue;
        swgi_notice_unref(receiver->active[i]);
        receiver->active[i] = receiver->active[--receiver->active_count];
        return;
    }
}

static bool has_room(struct swgi_receiver *receiver) {
    size_t room = receiver->active_room > 0 ? receiver->active_room * 2 : 16;
    struct swgi_notice **active;

    if (receiver->active_count < receiver->active_room)
        return true;
    active = receiver->active_count < SWGI_PAIRS_MAX
                 ? realloc(receiver->active, room * sizeof(*active))
                 : NULL;
    if (active == NULL)
        return false;
    receiver->active = active;
    receiver->active_room = room;
    return true;
}

void swgi_receiver_follow(struct swgi_receiver *receiver, struct swgi_notice *notice, swg_ns now) {
    if (receiver->says.kind != SWGI_RECEIVER_ALERTMANAGER || notice->is_moment)
        return;
    forget(receiver, notice);
    if (!notice->firing || !has_room(receiver))
        return;
    if (receiver->active_count == 0)
        receiver->repost_due = now + SWGI_REPOST_NS;
    receiver->active[receiver->active_count++] = swgi_notice_ref(notice);
}

void swgi_receiver_recall(struct swgi_receiver *receiver, struct swgi_notice *notice, swg_ns now) {
    for (size_t i = 0; i < receiver->active_count; i++)
        if (strcmp(receiver->active[i]->key, notice->key) == 0)
            return;
    swgi_receiver_follow(receiver, notice, now);
    receiver->repost_due = now;
}

/* The next so many of them; once all are through, in a minute again. */
static void take_active(struct swgi_receiver *receiver, swg_ns now) {
    while (receiver->posted_count < receiver->active_count &&
           receiver->batch_count < SWGI_ALERTMANAGER_MAX)
        receiver->batch[receiver->batch_count++] =
            swgi_notice_ref(receiver->active[receiver->posted_count++]);
    receiver->is_repost = true;
    if (receiver->posted_count < receiver->active_count)
        return;
    receiver->posted_count = 0;
    receiver->repost_due = now + SWGI_REPOST_NS;
}

/* ---- the batch */

static size_t batch_max(int kind) {
    if (kind == SWGI_RECEIVER_SLACK)
        return SWGI_SLACK_MESSAGE_MAX;
    return kind == SWGI_RECEIVER_ALERTMANAGER ? SWGI_ALERTMANAGER_MAX : 1;
}

static void take_waiting(struct swgi_receiver *receiver) {
    size_t most = batch_max(receiver->says.kind);

    receiver->is_repost = false;
    receiver->batch_since = receiver->waiting[0].since;
    while (receiver->waiting_count > 0 && receiver->batch_count < most) {
        receiver->batch[receiver->batch_count++] = receiver->waiting[0].notice;
        remove_waiting(receiver, 0);
    }
}

bool swgi_receiver_take(struct swgi_receiver *receiver, swg_ns now) {
    if (receiver->batch_count > 0)
        return true;
    if (receiver->waiting_count > 0)
        take_waiting(receiver);
    else if (receiver->active_count > 0 && receiver->repost_due <= now)
        take_active(receiver, now);
    return receiver->batch_count > 0;
}

void swgi_receiver_clear(struct swgi_receiver *receiver) {
    while (receiver->batch_count > 0)
        swgi_notice_unref(receiver->batch[--receiver->batch_count]);
}

swg_ns swgi_receiver_due(const struct swgi_receiver *receiver) {
    if (receiver->batch_count > 0 || receiver->waiting_count > 0)
        return receiver->due;
    if (receiver->active_count == 0)
        return SWG_NS_MAX;
    return receiver->repost_due > receiver->due ? receiver->repost_due : receiver->due;
}

char *swgi_receiver_body(const struct swgi_receiver *receiver, int64_t wall_ms) {
    static char *(*const make[])(const struct swgi_body *) = {
        [SWGI_RECEIVER_SLACK] = swgi_slack_body,
        [SWGI_RECEIVER_PAGERDUTY] = swgi_pagerduty_body,
        [SWGI_RECEIVER_ALERTMANAGER] = swgi_alertmanager_body,
        [SWGI_RECEIVER_WEBHOOK] = swgi_webhook_body,
    };
    struct swgi_body body = {
        .notices = (const struct swgi_notice *const *)receiver->batch,
        .count = receiver->batch_count,
        .source = receiver->source,
        .secret = receiver->secret,
        .console = receiver->console,
        .form = receiver->form,
        .wall_ms = wall_ms,
    };

    return make[receiver->says.kind](&body);
}

void swgi_receiver_inherit(struct swgi_receiver *receiver, struct swgi_receiver *other) {
    memcpy(receiver->waiting, other->waiting, sizeof(receiver->waiting));
    memcpy(receiver->batch, other->batch, sizeof(receiver->batch));
    receiver->waiting_count = other->waiting_count;
    receiver->batch_count = other->batch_count;
    receiver->batch_since = other->batch_since;
    receiver->is_repost = other->is_repost;
    receiver->active = other->active;
    receiver->active_count = other->active_count;
    receiver->active_room = other->active_room;
    receiver->repost_due = other->repost_due;
    receiver->due = other->due;
    receiver->setbacks = other->setbacks;
    other->waiting_count = other->batch_count = other->active_count = 0;
    other->active = NULL;
}
