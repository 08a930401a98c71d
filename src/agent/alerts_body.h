/* What is sent: notices as each kind of receiver wants them. No I/O. */
#ifndef SWGI_AGENT_ALERTS_BODY_H
#define SWGI_AGENT_ALERTS_BODY_H

#include <jansson.h>

#include "agent/alerts_notice.h"

#define SWGI_SLACK_MESSAGE_MAX 20u  /* alerts in one message: Slack takes 50 blocks */
#define SWGI_ALERTMANAGER_MAX  256u /* alerts in one request */
#define SWGI_ALERTMANAGER_LASTS \
    (INT64_C(240) * 1000) /* ms: so long it stands without being posted again */
#define SWGI_MOMENT_LASTS (INT64_C(60) * 1000) /* ms: a change of state, where alerts must end */
#define SWGI_TEMPLATE_MAX 65536u

struct swgi_template;

struct swgi_body {
    const struct swgi_notice *const *notices;
    size_t count;                     /* at least 1 */
    const char *source;               /* who tells: the host, or what the file says */
    const char *secret;               /* PagerDuty's routing key */
    const char *console;              /* where the agent can be visited; "": nowhere */
    const struct swgi_template *form; /* webhook; NULL: all that is known */
    int64_t wall_ms;
};

/* Each returns JSON for free(), or NULL: out of memory. */
char *swgi_slack_body(const struct swgi_body *body);
char *swgi_pagerduty_body(const struct swgi_body *body); /* of the first notice */
char *swgi_alertmanager_body(const struct swgi_body *body);
char *swgi_webhook_body(const struct swgi_body *body); /* of the first notice */

/*
 * A webhook's own JSON with {{alert}}, {{circuit}}, ... in it: inside strings, or alone for {{value}} and {{failure_rate}}, which
 * are numbers (or null). 0; -EINVAL: an unknown name, or no JSON once filled: *error with line and column. -ENOMEM.
 */
int swgi_template_new(struct swgi_template **out, const char *text, struct swg_error *error);
struct swgi_template *swgi_template_free(struct swgi_template *form);

/* All that is known of a notice, for webhooks and as details elsewhere: a new object, or NULL. */
json_t *swgi_notice_json(const struct swgi_notice *notice, const char *source);
/* Compact text of an object, which is freed; NULL for NULL. */
char *swgi_body_text(json_t *object);
/* May it be a link? http or https, and nothing in it that could end one. */
bool swgi_is_link(const char *url);

#endif
