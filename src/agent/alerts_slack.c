/*
 * Slack's incoming webhook, https://api.slack.com/messaging/webhooks: the text and the section are the ones operators know, with a
 * line of context under them. Many alerts become one message.
 */
#include <stdio.h>
#include <string.h>

#include "agent/alerts_body.h"
#include "agent/alerts_text.h"

#define TEXT_MAX 1024

static const char *sign_of(const struct swgi_notice *notice) {
    if (!notice->firing)
        return "\xe2\x9c\x85"; /* a check mark */
    return notice->severity == SWGI_SEVERITY_INFO ? "\xe2\x84\xb9\xef\xb8\x8f"
                                                  : "\xf0\x9f\x9a\xa8"; /* (i); a siren */
}

static bool is_about_state(const struct swgi_notice *notice) {
    return (notice->when == SWGI_ALERT_OPEN || notice->when == SWGI_ALERT_TRANSITION) &&
           notice->state[0] != '\0';
}

/* What was OPEN and is told as such stays so in the sentence, even if it is probing by now. */
static const char *state_of(const struct swgi_notice *notice) {
    if (notice->when == SWGI_ALERT_OPEN && notice->firing)
        return "OPEN";
    return notice->state[0] != '\0' ? notice->state : "n/a";
}

static void headline(const struct swgi_notice *notice, char out[TEXT_MAX]) {
    char what[TEXT_MAX];

    if (notice->is_moment || !is_about_state(notice))
        swgi_slack_escape(notice->summary, what, sizeof(what) / 2);
    else
        snprintf(what, sizeof(what), "%s circuit is %s", notice->circuit, state_of(notice));
    snprintf(out, TEXT_MAX, "%s Circuit Breaker Alert%s: %.800s", sign_of(notice),
             notice->firing || is_about_state(notice) ? "" : " ended", what);
}

static json_t *field(const char *name, const char *value) {
    char clean[TEXT_MAX / 2], text[TEXT_MAX];

    snprintf(text, sizeof(text), "*%s:* %s", name, swgi_slack_escape(value, clean, sizeof(clean)));
    return json_pack("{ss ss}", "type", "mrkdwn", "text", text);
}

static json_t *section(const struct swgi_notice *notice) {
    char rate[32] = "n/a";

    if (notice->circuit[0] == '\0')
        return json_pack("{ss s[o o]}", "type", "section", "fields", field("Alert", notice->name),
                         field("Severity", swgi_severity_word(notice->severity)));
    if (notice->failure_rate >= 0)
        snprintf(rate, sizeof(rate), "%.2f%%", notice->failure_rate * 100);
    return json_pack("{ss s[o o o]}", "type", "section", "fields",
                     field("Circuit", notice->circuit), field("State", state_of(notice)),
                     field("Failure Rate", rate));
}

static void add_part(char *text, const char *name, const char *value) {
    char clean[TEXT_MAX / 2];
    size_t length = strlen(text);

    if (value[0] != '\0')
        snprintf(text + length, 4 * TEXT_MAX - length, " \xc2\xb7 %s%s", name,
                 swgi_slack_escape(value, clean, sizeof(clean)));
}

/* name ends in ": ", which a link goes without. */
/* As a link, whose name goes without its ": ", or as it stands. */
static void add_link(char *text, const char *name, const char *url) {
    char clean[5 * SWGI_FILE_TEXT_MAX];
    size_t length = strlen(text);

    if (!swgi_is_link(url))
        add_part(text, name, url);
    else
        snprintf(text + length, 4 * TEXT_MAX - length, " \xc2\xb7 <%s|%.*s>",
                 swgi_slack_escape(url, clean, sizeof(clean)), (int)strlen(name) - 2, name);
}

static json_t *context(const struct swgi_notice *notice) {
    char text[4 * TEXT_MAX], clean[TEXT_MAX];

    snprintf(text, sizeof(text), "%s%s: %s", notice->firing ? "" : "ended, was ",
             swgi_severity_word(notice->severity),
             swgi_slack_escape(notice->summary, clean, sizeof(clean)));
    add_part(text, "last error: ", notice->sample);
    add_part(text, "owner: ", notice->owner);
    add_link(text, "runbook: ", notice->runbook);
    add_link(text, "circuit's runbook: ", notice->circuit_runbook);
    return json_pack("{ss s[{ss ss}]}", "type", "context", "elements", "type", "mrkdwn", "text",
                     text);
}

char *swgi_slack_body(const struct swgi_body *body) {
    json_t *blocks = json_array();
    char text[TEXT_MAX];
    size_t length;

    headline(body->notices[0], text);
    length = strlen(text);
    if (body->count > 1)
        snprintf(text + length, sizeof(text) - length, " (and %zu more)", body->count - 1);
    for (size_t i = 0; i < body->count && i < SWGI_SLACK_MESSAGE_MAX; i++) {
        json_array_append_new(blocks, section(body->notices[i]));
        json_array_append_new(blocks, context(body->notices[i]));
    }
    return swgi_body_text(json_pack("{ss so}", "text", text, "blocks", blocks));
}
