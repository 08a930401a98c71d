/* One place decides how a state is called, so that a table, a sentence and an exit status never disagree. */
#include "report/describe.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "report/text.h"

const char *swgi_state_word(const struct swg_status *status) {
    if (status->mode == SWG_MODE_FORCED_OPEN)
        return "ISOLATED";
    if (status->mode == SWG_MODE_FORCED_CLOSED)
        return "DISABLED";
    if (status->mode == SWG_MODE_SHADOW)
        return "SHADOW";
    return swg_state_name(status->state);
}

enum swgi_tone swgi_plain_state_tone(int state) {
    switch (state) {
    case SWG_STATE_CLOSED:
        return SWGI_GOOD;
    case SWG_STATE_OPEN:
        return SWGI_BAD;
    default:
        return SWGI_WARN;
    }
}

enum swgi_tone swgi_state_tone(const struct swg_status *status) {
    switch (status->mode) {
    case SWG_MODE_FORCED_OPEN:
        return SWGI_BAD;
    case SWG_MODE_FORCED_CLOSED:
    case SWG_MODE_SHADOW:
        return SWGI_ODD;
    default:
        return swgi_plain_state_tone(status->state);
    }
}

bool swgi_is_tripped(const struct swg_status *status) {
    if (status->mode == SWG_MODE_NORMAL)
        return status->state == SWG_STATE_OPEN;
    return status->mode == SWG_MODE_FORCED_OPEN;
}

int swgi_state_rank(const struct swg_status *status) {
    if (swgi_is_tripped(status))
        return 0;
    if (status->mode != SWG_MODE_NORMAL)
        return 2;
    return status->state == SWG_STATE_HALF_OPEN ? 1 : 3;
}

uint64_t swgi_rejected(const struct swg_status *status) {
    return status->rejected_open + status->rejected_full + status->rejected_limited +
           status->rejected_shed + status->rejected_expired + status->rejected_saturated;
}

static const char *until_text(swg_ns until, swg_ns now, const char *what, char *out,
                              size_t out_size) {
    char duration[SWGI_TEXT_MAX];

    if (until == SWG_NS_MAX)
        return NULL;
    if (until <= now)
        snprintf(out, out_size, "%s due now", what);
    else
        snprintf(out, out_size, "%s in %s", what, swgi_duration_text(until - now, duration));
    return out;
}

/* What shadow hides is told here: what the breaker would be without it. */
static const char *mode_next(const struct swg_status *status, swg_ns now, char *out,
                             size_t out_size) {
    swg_ns until = status->mode_until ? status->mode_until : SWG_NS_MAX;
    int length = 0;

    if (status->mode == SWG_MODE_SHADOW)
        length = snprintf(out, out_size, "as if %s%s", swg_state_name(status->state),
                          until == SWG_NS_MAX ? "" : "; ");
    if (!until_text(until, now, "ends", out + length, out_size - (size_t)length) && !length)
        snprintf(out, out_size, "until undone");
    return out;
}

const char *swgi_next_text(const struct swg_status *status, swg_ns now, char *out,
                           size_t out_size) {
    snprintf(out, out_size, "%s", "");
    if (status->mode != SWG_MODE_NORMAL)
        return mode_next(status, now, out, out_size);
    if (status->state == SWG_STATE_OPEN &&
        !until_text(status->open_until, now, "probes", out, out_size))
        snprintf(out, out_size, "by hand only");
    if (status->state == SWG_STATE_HALF_OPEN && status->ramp_percent)
        snprintf(out, out_size, "ramp: %d %% of calls", status->ramp_percent);
    else if (status->state == SWG_STATE_HALF_OPEN)
        snprintf(out, out_size, "%u of %u probes good", status->probe_successes,
                 status->success_threshold);
    return out;
}

const char *swgi_rule_words(int rule) {
    static const char *const words[] = {
        [SWG_RULE_NONE] = "no rule",
        [SWG_RULE_CONSECUTIVE] = "failures in a row",
        [SWG_RULE_CHANGE] = "change detector",
        [SWG_RULE_COUNT_FAILURE] = "failure rate of the last calls",
        [SWG_RULE_COUNT_SLOW] = "slow rate of the last calls",
        [SWG_RULE_TIME_1] = "first rule on a time window",
        [SWG_RULE_TIME_2] = "second rule on a time window",
        [SWG_RULE_TIME_3] = "third rule on a time window",
        [SWG_RULE_TIME_4] = "fourth rule on a time window",
        [SWG_RULE_PROBE] = "its probes failed",
        [SWG_RULE_HAND] = "by hand",
    };
    bool is_known = rule >= 0 && (size_t)rule < sizeof(words) / sizeof(words[0]);

    return is_known ? words[rule] : "a rule of another version";
}

const char *swgi_measure_text(int rule, double value, double threshold, char *out) {
    bool is_share = rule == SWG_RULE_COUNT_FAILURE || rule == SWG_RULE_COUNT_SLOW || threshold < 1;

    return is_share ? swgi_share_text(value, out) : swgi_value_text(value, out);
}

const char *swgi_evidence_text(const struct swg_event *event, char *out, size_t out_size) {
    char value[SWGI_TEXT_MAX], threshold[SWGI_TEXT_MAX], calls[SWGI_TEXT_MAX];
    int length = 0;

    out[0] = '\0';
    if (event->threshold > 0)
        length =
            snprintf(out, out_size, "measured %s, limit %s",
                     swgi_measure_text(event->rule, event->value, event->threshold, value),
                     swgi_measure_text(event->rule, event->threshold, event->threshold, threshold));
    if (event->calls > 0 && length < (int)out_size)
        snprintf(out + length, out_size - (size_t)length, "%s over %s call%s",
                 length ? "" : "judged", swgi_count_text(event->calls, calls),
                 event->calls == 1 ? "" : "s");
    return out;
}

/* Text that grows by printing to its end; what does not fit is cut. */
struct sentence {
    char *text;
    size_t size, used;
};

static void __attribute__((format(printf, 2, 3)))
append(struct sentence *sentence, const char *format, ...) {
    size_t room = sentence->size - sentence->used;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(sentence->text + sentence->used, room, format, arguments);
    va_end(arguments);
    if (length > 0)
        sentence->used += (size_t)length < room ? (size_t)length : room - 1;
}

static void append_arrow(struct sentence *sentence, const struct swgi_screen *screen,
                         const char *from, const char *to) {
    append(sentence, "%s %s %s", from, swgi_screen_sign(screen, "→", "->"), to);
}

static void append_hand(struct sentence *sentence, const struct swgi_screen *screen,
                        const struct swg_event *event) {
    char user[SWGI_CLEAN_MAX], reason[SWGI_CLEAN_MAX];

    if (event->user[0])
        append(sentence, " by %s", swgi_clean_text(event->user, screen->utf8, user, sizeof(user)));
    /* The command line is how it is done mostly, and needs no word. */
    if (event->source[0] && strcmp(event->source, "cli") != 0 && strcmp(event->source, "rule") != 0)
        append(sentence, " via %s",
               swgi_clean_text(event->source, screen->utf8, user, sizeof(user)));
    if (event->text[0])
        append(sentence, ": %s",
               swgi_clean_text(event->text, screen->utf8, reason, sizeof(reason)));
}

/* How long it was meant to last when it happened: the event's own times, whatever the time is now. */
static void append_bound(struct sentence *sentence, const struct swg_event *event,
                         const char *what) {
    char duration[SWGI_TEXT_MAX];

    if (event->until == SWG_NS_MAX)
        append(sentence, ", until undone");
    else if (event->until > event->at)
        append(sentence, ", %s %s", what, swgi_duration_text(event->until - event->at, duration));
}

static const char *way_back_words(const struct swg_event *event) {
    if (event->to == SWG_STATE_CLOSED)
        return "recovered";
    return event->from == SWG_STATE_HALF_OPEN ? "its probes succeeded, ramping up"
                                              : "its open time is over";
}

/* A ramp ends by what did not trip it. Of probes it is known that they were good. */
static bool tells_evidence(const struct swg_event *event) {
    return event->to == SWG_STATE_OPEN ||
           (event->to == SWG_STATE_CLOSED && event->rule != SWG_RULE_PROBE);
}

static void append_evidence(struct sentence *sentence, const struct swg_event *event) {
    char evidence[160];

    swgi_evidence_text(event, evidence, sizeof(evidence));
    if (evidence[0] && tells_evidence(event))
        append(sentence, " (%s)", evidence);
}

static void append_transition(struct sentence *sentence, const struct swgi_screen *screen,
                              const struct swg_event *event) {
    append_arrow(sentence, screen, swg_state_name(event->from), swg_state_name(event->to));
    if (event->to != SWG_STATE_OPEN) {
        append(sentence, ", %s", way_back_words(event));
        append_evidence(sentence, event);
        return;
    }
    if (strcmp(event->source, "restore") == 0)
        append(sentence, ", restored");
    if (event->rule != SWG_RULE_NONE)
        append(sentence, ", %s", swgi_rule_words(event->rule));
    append_evidence(sentence, event);
    append_bound(sentence, event, "for");
}

static void append_sample(struct sentence *sentence, const struct swgi_screen *screen,
                          const struct swg_event *event) {
    char text[SWGI_CLEAN_MAX];

    append(sentence, "error");
    if (event->error_kind[0])
        append(sentence, " %s",
               swgi_clean_text(event->error_kind, screen->utf8, text, sizeof(text)));
    if (event->code)
        append(sentence, " (%d)", event->code);
    if (event->text[0])
        append(sentence, ": %s", swgi_clean_text(event->text, screen->utf8, text, sizeof(text)));
    if (event->trace_id[0])
        append(sentence, " trace=%s", event->trace_id);
}

static void append_act(struct sentence *sentence, const struct swgi_screen *screen,
                       const struct swg_event *event) {
    static const char *const words[] = {
        [SWG_EVENT_TRIP] = "tripped", [SWG_EVENT_RESET] = "reset", [SWG_EVENT_PROBE] = "probed"
    };

    append(sentence, "%s", words[event->kind]);
    append_hand(sentence, screen, event);
    append(sentence, " (");
    append_arrow(sentence, screen, swg_state_name(event->from), swg_state_name(event->to));
    append(sentence, ")");
    if (event->kind == SWG_EVENT_TRIP)
        append_bound(sentence, event, "for");
}

static void append_mode(struct sentence *sentence, const struct swgi_screen *screen,
                        const struct swg_event *event) {
    append(sentence, "mode ");
    append_arrow(sentence, screen, swg_mode_name(event->from), swg_mode_name(event->to));
    append_hand(sentence, screen, event);
    if (event->to != SWG_MODE_NORMAL)
        append_bound(sentence, event, "for");
}

static void append_notice(struct sentence *sentence, const struct swgi_screen *screen,
                          const struct swg_event *event) {
    char count[SWGI_TEXT_MAX], text[SWGI_CLEAN_MAX];

    switch (event->kind) {
    case SWG_EVENT_REJECTED:
        append(sentence, "rejecting calls: %s (%s so far)", swgi_verdict_word(event->code),
               swgi_count_text(event->calls, count));
        return;
    case SWG_EVENT_BEYOND:
        append(sentence, "no room for a circuit of this name");
        return;
    case SWG_EVENT_CLOCK:
        append(sentence, "a caller's clock was wrong and was replaced");
        return;
    default:
        append(sentence, "%s", swg_event_name(event->kind));
        if (event->user[0] && strcmp(event->user, "system") != 0)
            append(sentence, " by %s",
                   swgi_clean_text(event->user, screen->utf8, text, sizeof(text)));
        if (event->text[0])
            append(sentence, ": %s",
                   swgi_clean_text(event->text, screen->utf8, text, sizeof(text)));
    }
}

const char *swgi_event_text(const struct swgi_screen *screen, const struct swg_event *event,
                            char *out, size_t out_size) {
    struct sentence sentence = { out, out_size, 0 };

    out[0] = '\0';
    switch (event->kind) {
    case SWG_EVENT_TRANSITION:
        append_transition(&sentence, screen, event);
        break;
    case SWG_EVENT_TRIP:
    case SWG_EVENT_RESET:
    case SWG_EVENT_PROBE:
        append_act(&sentence, screen, event);
        break;
    case SWG_EVENT_MODE:
        append_mode(&sentence, screen, event);
        break;
    case SWG_EVENT_SAMPLE:
        append_sample(&sentence, screen, event);
        break;
    default:
        append_notice(&sentence, screen, event);
    }
    return out;
}

enum swgi_tone swgi_event_tone(const struct swg_event *event) {
    switch (event->kind) {
    case SWG_EVENT_TRANSITION:
    case SWG_EVENT_TRIP:
    case SWG_EVENT_RESET:
    case SWG_EVENT_PROBE:
        return swgi_plain_state_tone(event->to);
    case SWG_EVENT_MODE:
        return SWGI_ODD;
    case SWG_EVENT_BEYOND:
    case SWG_EVENT_CLOCK:
        return SWGI_WARN;
    default:
        return SWGI_FAINT;
    }
}

const char *swgi_verdict_word(int rc) {
    static const char *const words[] = {
        [SWG_OPEN] = "open", [SWG_FULL] = "full",       [SWG_LIMITED] = "limited",
        [SWG_SHED] = "shed", [SWG_EXPIRED] = "expired", [SWG_QUEUE_SATURATED] = "queue_saturated"
    };

    return swg_is_rejection(rc) ? words[rc] : "none";
}
