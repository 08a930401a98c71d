/* A line is one write(), so that lines of several threads never mix; and none is waited for: a reader that stopped costs lines. */
#include "agent/log.h"

#include <jansson.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/alerts_text.h"
#include "base/text.h"
#include "report/describe.h"

/* What a pipe takes in one piece (PIPE_BUF); poll() tells when it has room for that. */
#define LINE_MAX_BYTES 4096u
/* A message and a field: both doubled by escapes, and the rest, are less than a line. */
#define TEXT_MAX_BYTES  1024u
#define FIELD_MAX_BYTES 512u

static _Atomic int level_min = SWGI_LOG_INFO;
static _Atomic bool as_json = true;
static _Atomic uint64_t lost;

static const char *const level_names[] = { "debug", "info", "warning", "error" };

void swgi_log_setup(int level, bool json) {
    atomic_store(&level_min, level);
    atomic_store(&as_json, json);
}

uint64_t swgi_log_lost(void) {
    return atomic_load(&lost);
}

static void time_text(char out[32]) {
    struct timespec now;
    struct tm tm;
    char seconds[24];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, 32, "%s.%03dZ", seconds, (int)(now.tv_nsec / 1000000));
}

static void write_line(const char *line, size_t length) {
    struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };

    if (poll(&out, 1, 0) != 1 || (out.revents & POLLOUT) == 0 ||
        write(STDERR_FILENO, line, length) != (ssize_t)length)
        atomic_fetch_add(&lost, 1);
}

static void put(json_t *object, const char *key, const char *text) {
    char clean[TEXT_MAX_BYTES];

    if (text && text[0]) {
        swgi_copy_text(clean, strcmp(key, "message") == 0 ? sizeof(clean) : FIELD_MAX_BYTES, text);
        json_object_set_new(object, key, json_string(clean));
    }
}

static void write_json(int level, const struct swgi_log_fields *fields, const char *message) {
    char line[LINE_MAX_BYTES], at[32];
    json_t *object = json_object();
    size_t length;

    time_text(at);
    put(object, "timestamp", at);
    put(object, "level", level_names[level]);
    put(object, "message", message);
    put(object, "context", fields->context);
    put(object, "circuit", fields->circuit);
    put(object, "state", fields->state);
    put(object, "path", fields->path);
    put(object, "user", fields->user);
    put(object, "remote", fields->remote);
    if (fields->status)
        json_object_set_new(object, "status", json_integer(fields->status));
    length = json_dumpb(object, line, sizeof(line) - 1, JSON_COMPACT);
    json_decref(object);
    if (length > 0 && length < sizeof(line)) {
        line[length++] = '\n';
        write_line(line, length);
    } else {
        atomic_fetch_add(&lost, 1);
    }
}

/* " name=value", where there is a value. */
static size_t add_field(char *line, size_t used, const char *name, const char *text) {
    char clean[FIELD_MAX_BYTES];
    int length;

    if (!text || !text[0])
        return used;
    swgi_copy_text(clean, sizeof(clean), text);
    length = snprintf(line + used, LINE_MAX_BYTES - 1 - used, " %s=%s", name, clean);
    return length > 0 && used + (size_t)length < LINE_MAX_BYTES - 1 ? used + (size_t)length : used;
}

static void write_text(int level, const struct swgi_log_fields *fields, const char *message) {
    char line[LINE_MAX_BYTES], at[32], clean[TEXT_MAX_BYTES], status[16] = "";
    size_t used;

    time_text(at);
    swgi_copy_text(clean, sizeof(clean), message);
    used = (size_t)snprintf(line, sizeof(line), "%s %-7s %s", at, level_names[level], clean);
    if (fields->status)
        snprintf(status, sizeof(status), "%d", fields->status);
    used = add_field(line, used, "context", fields->context);
    used = add_field(line, used, "circuit", fields->circuit);
    used = add_field(line, used, "state", fields->state);
    used = add_field(line, used, "path", fields->path);
    used = add_field(line, used, "user", fields->user);
    used = add_field(line, used, "remote", fields->remote);
    used = add_field(line, used, "status", status);
    line[used++] = '\n';
    write_line(line, used);
}

void swgi_log(int level, const struct swgi_log_fields *fields, const char *format, ...) {
    static const struct swgi_log_fields none;
    char message[TEXT_MAX_BYTES];
    va_list arguments;

    if (level < atomic_load(&level_min) || level < SWGI_LOG_DEBUG || level > SWGI_LOG_ERROR)
        return;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if (atomic_load(&as_json))
        write_json(level, fields ? fields : &none, message);
    else
        write_text(level, fields ? fields : &none, message);
}

/* The seed's words for why it opened, and the like for what the seed does not have. */
static void cause_of(const struct swg_event *event, char *out, size_t out_size) {
    char evidence[SWGI_SENTENCE_MAX];

    if (event->to == SWG_STATE_OPEN && event->rule == SWG_RULE_CONSECUTIVE)
        snprintf(out, out_size, "Circuit opened due to %.0f consecutive failures", event->value);
    else if (event->to == SWG_STATE_OPEN)
        snprintf(out, out_size, "Circuit opened due to %s: %s", swgi_rule_words(event->rule),
                 swgi_evidence_text(event, evidence, sizeof(evidence)));
    else if (event->to == SWG_STATE_HALF_OPEN)
        snprintf(out, out_size, "Circuit is probing");
    else
        snprintf(out, out_size, "Circuit recovered");
}

static void log_transition(const struct swg_event *event, const struct swgi_log_fields *fields) {
    char cause[SWGI_SENTENCE_MAX + 64];

    cause_of(event, cause, sizeof(cause));
    swgi_log(event->to == SWG_STATE_OPEN ? SWGI_LOG_WARNING : SWGI_LOG_INFO, fields,
             "[CIRCUIT_BREAKER][%s] State changed to %s: %s", event->circuit,
             swg_state_name(event->to), cause);
}

static void log_act(const struct swg_event *event, const struct swgi_log_fields *fields) {
    bool is_mode = event->kind == SWG_EVENT_MODE;
    char user[sizeof(event->user)], text[sizeof(event->text)];

    /* A log leaves the host as alerts do. */
    swgi_redact(event->user, user, sizeof(user));
    swgi_redact(event->text, text, sizeof(text));
    swgi_log(event->kind == SWG_EVENT_RESET ? SWGI_LOG_INFO : SWGI_LOG_WARNING, fields,
             "[CIRCUIT_BREAKER][%s] %s changed to %s: %s by %s%s%s", event->circuit,
             is_mode ? "Mode" : "State",
             is_mode ? swg_mode_name(event->to) : swg_state_name(event->to),
             swg_event_name(event->kind), user, text[0] ? ": " : "", text);
}

void swgi_log_event(const struct swg_event *event) {
    struct swgi_log_fields fields = { .context = "circuit-breaker", .circuit = event->circuit };

    switch (event->kind) {
    case SWG_EVENT_TRANSITION:
        fields.state = swg_state_name(event->to);
        log_transition(event, &fields);
        break;
    case SWG_EVENT_TRIP:
    case SWG_EVENT_RESET:
    case SWG_EVENT_PROBE:
        fields.state = swg_state_name(event->to);
        fields.user = event->user;
        log_act(event, &fields);
        break;
    case SWG_EVENT_MODE:
        fields.user = event->user;
        log_act(event, &fields);
        break;
    case SWG_EVENT_REJECTED:
        swgi_log(SWGI_LOG_WARNING, &fields,
                 "[CIRCUIT_BREAKER][%s] Circuit breaker active for calls: %s, %llu rejected so far",
                 event->circuit, swgi_verdict_word(event->code), (unsigned long long)event->calls);
        break;
    case SWG_EVENT_BEYOND:
        swgi_log(SWGI_LOG_WARNING, &fields,
                 "[CIRCUIT_BREAKER][%s] No circuit could be made: the panel or the limit is full",
                 event->circuit);
        break;
    case SWG_EVENT_SAMPLE:
        swgi_log(SWGI_LOG_DEBUG, &fields, "[CIRCUIT_BREAKER][%s] Error sample: %s %d: %s",
                 event->circuit, event->error_kind, event->code, event->text);
        break;
    default:
        swgi_log(SWGI_LOG_DEBUG, &fields, "[CIRCUIT_BREAKER][%s] %s by %s%s%s", event->circuit,
                 swg_event_name(event->kind), event->user, event->text[0] ? ": " : "", event->text);
        break;
    }
}
