/* What stands around a breaker, in the words of a person who asks why calls wait or are turned away. */
#include <stdio.h>
#include <string.h>

#include "cli/report.h"
#include "report/text.h"

struct words {
    char text[256];
    size_t used;
};

static void grow(struct words *words, int length) {
    size_t room = sizeof(words->text) - words->used;

    if (length > 0)
        words->used += (size_t)length < room ? (size_t)length : room - 1;
}
#define add(words, ...)                                                                          \
    grow((words), snprintf((words)->text + (words)->used, sizeof((words)->text) - (words)->used, \
                           __VA_ARGS__))

static void bulkhead_line(const struct swgi_screen *screen, const struct swg_status *status) {
    struct words words = { .used = 0 };
    char first[SWGI_TEXT_MAX], second[SWGI_TEXT_MAX];

    if (!status->has_bulkhead)
        return;
    add(&words, "%s", swgi_count_text(status->permits_held, first));
    if (status->permits_limit)
        add(&words, " of %s", swgi_count_text(status->permits_limit, second));
    add(&words, " in use%s", status->adaptive ? " (the limit adapts)" : "");
    if (status->queue_max)
        add(&words, ", %s of %s waiting", swgi_count_text(status->queue_length, first),
            swgi_count_text(status->queue_max, second));
    if (status->held_longest > 0)
        add(&words, "; the oldest call for %s", swgi_duration_text(status->held_longest, first));
    swgi_report_line(screen, "bulkhead", words.text);
}

static void limiter_line(const struct swgi_screen *screen, const struct swg_status *status) {
    struct words words = { .used = 0 };
    char first[SWGI_TEXT_MAX], second[SWGI_TEXT_MAX];

    if (!status->has_limiter)
        return;
    add(&words, "%s per %s", swgi_count_text(status->limiter_rate, first),
        swgi_duration_text(status->limiter_per, second));
    if (status->limiter_share < 1)
        add(&words, " (adapted to %s)", swgi_share_text(status->limiter_share, first));
    add(&words, "; %s could go at once", swgi_count_text(status->limiter_left, first));
    swgi_report_line(screen, "limiter", words.text);
}

static void retry_line(const struct swgi_screen *screen, const struct swg_status *status) {
    struct words words = { .used = 0 };
    char text[SWGI_TEXT_MAX];

    if (!status->has_retry)
        return;
    add(&words, "%s made", swgi_count_text(status->retries, text));
    if (status->retries_refused)
        add(&words, ", %s refused by the budget", swgi_count_text(status->retries_refused, text));
    if (status->retry_budget_left >= 0)
        add(&words, "; %s left to spend",
            swgi_count_text((uint64_t)status->retry_budget_left, text));
    swgi_report_line(screen, "retries", words.text);
}

static void timeout_line(const struct swgi_screen *screen, const struct swg_status *status) {
    char duration[SWGI_TEXT_MAX], text[80];

    if (!status->attempt_timeout)
        return;
    snprintf(text, sizeof(text), "%s an attempt",
             swgi_latency_text(status->attempt_timeout, duration));
    swgi_report_line(screen, "timeout", text);
}

static void features_line(const struct swgi_screen *screen, const struct swg_status *status) {
    char text[80];

    if (!status->features_all)
        return;
    snprintf(text, sizeof(text), "%u of %u on, beside the critical", status->features_on,
             status->features_all);
    swgi_report_line(screen, "features", text);
}

void swgi_report_policies(const struct swgi_screen *screen, const struct swg_status *status) {
    bulkhead_line(screen, status);
    limiter_line(screen, status);
    retry_line(screen, status);
    timeout_line(screen, status);
    features_line(screen, status);
}

/* The calls of one process, from the first of them on. */
static void process_line(const struct swgi_screen *screen, const struct swg_why *why,
                         uint32_t first, swg_ns now) {
    const struct swg_permit_holder *holder = &why->permits[first];
    char process[SWGI_CLEAN_MAX], age[SWGI_TEXT_MAX] = "no time";
    swg_ns since = 0;
    unsigned calls = 0;

    for (uint32_t i = first; i < why->permits_count; i++) {
        if (why->permits[i].pid != holder->pid)
            continue;
        calls++;
        if (why->permits[i].since != 0 && (since == 0 || why->permits[i].since < since))
            since = why->permits[i].since;
    }
    if (since != 0)
        swgi_duration_text(now - since, age);
    fprintf(screen->out, "  %2u %s  pid %lld  %s  for %s%s  ", calls,
            calls == 1 ? "call " : "calls", (long long)holder->pid,
            swgi_clean_text(holder->process, screen->utf8, process, sizeof(process)), age,
            calls > 1 ? " at most" : "");
    swgi_screen_put(screen, holder->alive ? SWGI_GOOD : SWGI_BAD, 0,
                    holder->alive ? "alive" : "dead, given back soon");
    fputc('\n', screen->out);
}

static bool was_told(const struct swg_why *why, uint32_t at) {
    for (uint32_t i = 0; i < at; i++)
        if (why->permits[i].pid == why->permits[at].pid)
            return true;
    return false;
}

void swgi_report_permits(const struct swgi_screen *screen, const struct swg_why *why, swg_ns now) {
    if (why->permits_count == 0)
        return;
    swgi_report_heading(screen, "Permits are held by");
    for (uint32_t i = 0; i < why->permits_count; i++)
        if (!was_told(why, i))
            process_line(screen, why, i, now);
    if (why->status.permits_held > why->permits_count)
        fprintf(screen->out, "  and %u more calls\n",
                why->status.permits_held - why->permits_count);
}
