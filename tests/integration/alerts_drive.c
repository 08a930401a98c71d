/*
 * Delivery of notices without an agent: lines of standard input become receivers and notices, on a loop as the agent has one.
 *
 *   receiver KIND NAME KEY=VALUE ...    url, url_file, token_file, ca_file, template_file, source, timeout_ms, severity_min, resolved
 *   open                                all receivers there are; "ok", or "fault KEY: TEXT"
 *   reload                              the receivers named since open
 *   fire|end|moment RULE CIRCUIT [SEVERITY]
 *   count                               "sent N failed N dropped N queued N"
 *   tick                                "tick": the loop turns
 *   stop                                "stopped" once the loop is idle; so does the end of input
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/alerts_send.h"
#include "agent/log.h"
#include "base/clock.h"

#define RECEIVERS 16

static uv_loop_t loop;
static uv_pipe_t input;
static struct swgi_send *sender;
static struct swgi_file_receiver receivers[RECEIVERS];
static struct swgi_file file = { .receivers = receivers };
static char line[4096];
static size_t line_length;

static void answer(const char *text) {
    puts(text);
    fflush(stdout);
}

static void set(struct swgi_file_receiver *receiver, const char *key, const char *value) {
    struct {
        const char *key;
        char *out;
        size_t size;
    } texts[] = {
        { "url", receiver->url, sizeof(receiver->url) },
        { "url_file", receiver->url_file, sizeof(receiver->url_file) },
        { "token_file", receiver->token_file, sizeof(receiver->token_file) },
        { "template_file", receiver->template_file, sizeof(receiver->template_file) },
        { "ca_file", receiver->ca_file, sizeof(receiver->ca_file) },
        { "source", receiver->source, sizeof(receiver->source) },
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (strcmp(texts[i].key, key) == 0)
            snprintf(texts[i].out, texts[i].size, "%s", value);
    if (strcmp(key, "timeout_ms") == 0)
        receiver->timeout = strtoll(value, NULL, 10) * 1000000;
    if (strcmp(key, "severity_min") == 0)
        receiver->severity_min = atoi(value);
    if (strcmp(key, "resolved") == 0)
        receiver->resolved = atoi(value) != 0;
}

static int kind_of(const char *word) {
    static const char *const words[] = { "log", "slack", "pagerduty", "alertmanager", "webhook" };

    for (int i = 0; i < 5; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    fprintf(stderr, "no kind of receiver: %s\n", word);
    exit(64);
}

static void add_receiver(char *rest) {
    struct swgi_file_receiver *receiver = &receivers[file.receivers_count++];
    char *word = strtok(rest, " ");

    memset(receiver, 0, sizeof(*receiver));
    receiver->resolved = true;
    receiver->kind = kind_of(word);
    snprintf(receiver->name, sizeof(receiver->name), "%s", strtok(NULL, " "));
    while ((word = strtok(NULL, " ")) != NULL) {
        char *value = strchr(word, '=');

        *value = '\0';
        set(receiver, word, value + 1);
    }
}

static void open_or_reload(int is_open) {
    struct swg_error error = SWG_ERROR_INIT;
    char text[512];
    int rc = is_open ? swgi_send_new(&sender, &loop, &file, &error)
                     : swgi_send_reload(sender, &file, &error);

    snprintf(text, sizeof(text), "fault %s: %s", error.key, error.text);
    answer(rc == 0 ? "ok" : text);
    file.receivers_count = 0;
}

static void put_words(struct swgi_notice *notice, const char *name, const char *circuit) {
    snprintf(notice->name, sizeof(notice->name), "%s", name);
    snprintf(notice->circuit, sizeof(notice->circuit), "%s", circuit);
    snprintf(notice->state, sizeof(notice->state), "%s", notice->firing ? "OPEN" : "CLOSED");
    snprintf(notice->summary, sizeof(notice->summary), "%s circuit is OPEN", circuit);
    swgi_notice_key(name, circuit, notice->key);
}

static void give(const char *what, char *rest) {
    struct swgi_notice *notice = calloc(1, sizeof(*notice));
    const char *name = strtok(rest, " "), *circuit = strtok(NULL, " "),
               *severity = strtok(NULL, " ");
    struct swgi_file_alert rule = { .when = SWGI_ALERT_OPEN };

    if (notice == NULL)
        exit(71);
    notice->references = 1;
    notice->when = SWGI_ALERT_OPEN;
    notice->firing = strcmp(what, "end") != 0;
    notice->is_moment = strcmp(what, "moment") == 0;
    notice->severity = severity != NULL ? atoi(severity) : SWGI_SEVERITY_CRITICAL;
    notice->since_wall_ms = swgi_clock_wall_ms();
    notice->ended_wall_ms = notice->firing ? 0 : notice->since_wall_ms;
    notice->failure_rate = -1;
    put_words(notice, name, circuit);
    swgi_send_notice(sender, &rule, notice);
    swgi_notice_unref(notice);
}

static void count(void) {
    struct swgi_alerts_counts counts = { 0 };
    char text[128];

    swgi_send_counts(sender, &counts);
    snprintf(text, sizeof(text), "sent %llu failed %llu dropped %llu queued %llu",
             (unsigned long long)counts.sent, (unsigned long long)counts.failed,
             (unsigned long long)counts.dropped, (unsigned long long)counts.queued);
    answer(text);
}

static void stop(void) {
    if (uv_is_closing((uv_handle_t *)&input))
        return;
    uv_close((uv_handle_t *)&input, NULL);
    if (sender != NULL)
        swgi_send_stop(sender);
}

static void obey(char *text) {
    char *rest = strchr(text, ' ');

    if (rest != NULL)
        *rest++ = '\0';
    if (strcmp(text, "receiver") == 0)
        add_receiver(rest);
    else if (strcmp(text, "open") == 0 || strcmp(text, "reload") == 0)
        open_or_reload(text[0] == 'o');
    else if (strcmp(text, "count") == 0)
        count();
    else if (strcmp(text, "tick") == 0)
        answer("tick");
    else if (strcmp(text, "stop") == 0)
        stop();
    else
        give(text, rest);
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out) {
    (void)handle;
    (void)wanted;
    *out = uv_buf_init(line + line_length, (unsigned)(sizeof(line) - 1 - line_length));
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *bytes) {
    char *at = line, *end;

    (void)stream;
    (void)bytes;
    if (length < 0) {
        stop();
        return;
    }
    line_length += (size_t)length;
    line[line_length] = '\0';
    for (; (end = strchr(at, '\n')) != NULL; at = end + 1) {
        *end = '\0';
        obey(at);
    }
    line_length = strlen(at);
    memmove(line, at, line_length + 1);
}

int main(void) {
    swgi_log_setup(SWGI_LOG_DEBUG, false);
    uv_loop_init(&loop);
    uv_pipe_init(&loop, &input, 0);
    uv_pipe_open(&input, 0);
    uv_read_start((uv_stream_t *)&input, on_alloc, on_read);
    uv_run(&loop, UV_RUN_DEFAULT);
    sender = swgi_send_free(sender);
    answer("stopped");
    return uv_loop_close(&loop) == 0 ? 0 : 1;
}
