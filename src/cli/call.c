/* `call`: an HTTP GET under a circuit, by way of the HTTP adapter. call-fallback.c stands in where that was left out of the build. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <switchgear/http.h>

#include "cli/commands.h"
#include "report/json.h"
#include "cli/message.h"
#include "cli/panel.h"
#include "cli/protect.h"
#include "report/text.h"

#define REDIRECTS_MAX 10L
#define LOOK_EVERY_MS 500 /* whether somebody wants us to end */
/* What --json shows of a body at most. */
#define BODY_MAX (1u << 20)

struct fetch {
    const struct swgi_options *options;
    struct swg_circuit *circuit;
    struct swg_http_client *client;
    CURLM *multi;
    CURL *easy;
    char *body; /* with --json; else it goes to out as it comes */
    size_t body_length;
    FILE *out; /* stdout, or a file where it may turn out not to be the answer yet */
    uint64_t received;
    struct swg_http_result result;
    int rc;
    swg_ns started;
};

static volatile sig_atomic_t interrupted_by;

static void on_interrupt(int number) {
    interrupted_by = number;
}

/* The permit must be ended before we are: a signal ends the transfer, and that ends the call. */
static void catch_signals(void) {
    struct sigaction action = { .sa_handler = on_interrupt };

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int may_go_on(void *arg, curl_off_t to_receive, curl_off_t received, curl_off_t to_send,
                     curl_off_t sent) {
    (void)arg, (void)to_receive, (void)received, (void)to_send, (void)sent;
    return interrupted_by != 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg) {
    struct fetch *fetch = arg;
    size_t length = size * count, room = BODY_MAX - fetch->body_length;

    fetch->received += length;
    if (!fetch->options->json)
        return fwrite(bytes, 1, length, fetch->out);
    memcpy(fetch->body + fetch->body_length, bytes, length < room ? length : room);
    fetch->body_length += length < room ? length : room;
    return length;
}

/* Another attempt is made: what the last one brought was not the answer. */
static void forget_body(void *arg) {
    struct fetch *fetch = arg;

    fetch->received = fetch->body_length = 0;
    if (fetch->out != stdout && fseek(fetch->out, 0, SEEK_SET) == 0)
        (void)!ftruncate(fileno(fetch->out), 0);
}

static void print_body(struct fetch *fetch) {
    char bytes[65536];
    size_t length;

    if (fetch->options->json || fetch->out == stdout)
        return;
    rewind(fetch->out);
    while ((length = fread(bytes, 1, sizeof(bytes), fetch->out)) > 0)
        fwrite(bytes, 1, length, stdout);
}

static void prepare(CURL *easy, struct fetch *fetch) {
    char agent[64];

    snprintf(agent, sizeof(agent), "switchgear/%s", swg_version());
    curl_easy_setopt(easy, CURLOPT_USERAGENT, agent);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, may_go_on);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
}

/* Text if it is text and was kept whole, else null. */
static json_t *body_json(const struct fetch *fetch) {
    json_t *text = fetch->received == fetch->body_length
                       ? json_stringn(fetch->body, fetch->body_length)
                       : NULL;

    return text ? text : json_null();
}

static json_t *text_or_null(const char *text) {
    return text[0] ? swgi_json_text(text) : json_null();
}

/* answer: what stood in for one; NULL: nothing. */
static void print_json(const struct fetch *fetch, const char *answer) {
    const struct swg_http_result *result = &fetch->result;
    const char *outcome = result->called ? swg_outcome_name(result->outcome) : NULL;

    swgi_json_print(stdout,
                    json_pack("{s:s, s:b, s:s?, s:i, s:i, s:o, s:o, s:o, s:b, s:I, s:o}", "circuit",
                              result->circuit, "admitted", result->called, "outcome", outcome,
                              "http_status", result->status, "attempts", (int)result->attempts,
                              "error_kind", text_or_null(result->kind), "error",
                              text_or_null(result->text), "duration_seconds",
                              swgi_json_seconds(swg_now() - fetch->started), "degraded",
                              answer != NULL, "body_bytes",
                              (json_int_t)(answer ? strlen(answer) : fetch->received), "body",
                              answer ? swgi_json_text(answer) : body_json(fetch)),
                    false);
}

/* The call was made: what did it come to? */
static int tell_answer(struct fetch *fetch) {
    const struct swg_http_result *result = &fetch->result;
    char took[SWGI_TEXT_MAX];

    if (fetch->options->json)
        print_json(fetch, NULL);
    print_body(fetch);
    if (interrupted_by)
        return 1;
    if (fetch->rc == SWG_FAILED || result->outcome != SWG_SUCCESS)
        swgi_tell(fetch->options, "%s: %s: %s", result->circuit, swg_outcome_name(result->outcome),
                  result->text[0] ? result->text : "no success");
    else if (fetch->options->verbose)
        swgi_tell(fetch->options, "%s: HTTP %d after %s", result->circuit, result->status,
                  swgi_latency_text(swg_now() - fetch->started, took));
    return fetch->rc == SWG_FAILED ? EX_UNAVAILABLE : result->outcome == SWG_SUCCESS ? 0 : 1;
}

static int stand_in(const struct fetch *fetch, const char *answer) {
    const char *what = fetch->result.called ? "called" : "not called";

    if (fetch->options->json)
        print_json(fetch, answer);
    else if (*answer)
        puts(answer);
    swgi_tell_degraded(fetch->options, fetch->circuit, fetch->rc, what);
    return 0;
}

static int tell(struct fetch *fetch) {
    char answer[SWGI_STAND_IN_MAX];

    if (fetch->rc != SWG_GO && !interrupted_by && swgi_stand_in(fetch->circuit, fetch->rc, answer))
        return stand_in(fetch, answer);
    if (swg_is_rejection(fetch->rc))
        return swgi_tell_refused(fetch->options, fetch->circuit, fetch->rc, fetch->result.retry_in,
                                 "not called");
    if (fetch->rc >= 0)
        return tell_answer(fetch);
    swgi_say("%s", fetch->result.text[0] ? fetch->result.text : swg_strerror(fetch->rc));
    return fetch->rc == -EINVAL ? EX_USAGE : swgi_fault_status(fetch->rc);
}

static void tell_retry(const struct fetch *fetch) {
    char pause[SWGI_TEXT_MAX];

    if (fetch->options->verbose && !fetch->options->json)
        swgi_tell(fetch->options, "%s: attempt %u: %s; again in %s", fetch->result.circuit,
                  fetch->result.attempts, fetch->result.text,
                  swgi_duration_text(fetch->result.retry_in, pause));
}

/* What libcurl has to tell, and who waits. true: the call is over, as fetch->rc says. */
static bool is_over(struct fetch *fetch, int running) {
    CURLMsg *message;
    CURL *ended;
    int left;

    while ((message = curl_multi_info_read(fetch->multi, &left)) != NULL) {
        fetch->rc = swg_http_done(fetch->client, message, &fetch->result);
        if (fetch->rc != SWG_RETRY)
            return true;
        tell_retry(fetch);
    }
    if (interrupted_by && running == 0)
        return swg_http_cancel(fetch->client, fetch->easy) == 0;
    fetch->rc = swg_http_poll(fetch->client, fetch->multi, &ended, &fetch->result);
    return fetch->rc != 0;
}

/* By way of the event loop, though there is one transfer only: whatever it waits for, a signal ends it. */
static void run(struct fetch *fetch) {
    struct curl_waitfd turn = { .events = CURL_WAIT_POLLIN };
    int running, wait;

    while (fetch->rc == SWG_GO || fetch->rc == SWG_QUEUED) {
        curl_multi_perform(fetch->multi, &running);
        if (is_over(fetch, running))
            return;
        turn.fd = swg_http_wait_fd(fetch->client, fetch->multi);
        wait = swg_http_wait_ms(fetch->client, fetch->multi);
        curl_multi_poll(fetch->multi, &turn, turn.fd >= 0,
                        wait < LOOK_EVERY_MS ? wait : LOOK_EVERY_MS, NULL);
    }
}

static void start(struct fetch *fetch) {
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    struct swg_request request = SWG_REQUEST_INIT;

    request.load = fetch->options->load;
    request.operation = fetch->options->operation;
    request.priority = fetch->options->priority;
    request.traceparent = getenv("TRACEPARENT");
    call.url = fetch->options->arguments[1];
    call.circuit = fetch->circuit;
    call.request = &request;
    call.timeout = fetch->options->timeout_ns;
    call.repeat = SWG_HTTP_REPEATABLE; /* a GET, redirected or not */
    call.restart = fetch->options->json || fetch->out != stdout ? forget_body : NULL;
    call.restart_arg = fetch;
    fetch->started = swg_now();
    fetch->rc = swg_http_start(fetch->client, fetch->multi, fetch->easy, &call, &fetch->result);
}

/* A body that may not be the answer yet is not printed before that is known. */
static FILE *open_out(const struct swg_circuit *circuit) {
    struct swg_status status = SWG_STATUS_INIT;
    char answer[SWGI_STAND_IN_MAX];
    bool may_change = swg_circuit_status(circuit, &status) == 0 &&
                      (status.has_retry || swgi_stand_in(circuit, SWG_FAILED, answer));
    FILE *out = may_change ? tmpfile() : NULL;

    return out ? out : stdout;
}

static bool make_ready(struct fetch *fetch) {
    fetch->easy = curl_easy_init();
    fetch->multi = curl_multi_init();
    fetch->body = fetch->options->json ? malloc(BODY_MAX) : NULL;
    fetch->out = open_out(fetch->circuit);
    return fetch->easy && fetch->multi && (fetch->body || !fetch->options->json);
}

static int call_under(const struct swgi_options *options, struct swg_panel *panel,
                      struct swg_circuit *circuit) {
    struct fetch fetch = {
        .options = options, .circuit = circuit, .out = stdout, .result = SWG_HTTP_RESULT_INIT
    };
    struct swg_error error = SWG_ERROR_INIT;
    int rc = swg_http_client_new(&fetch.client, panel, NULL, &error), status = EX_OSERR;

    if (rc < 0) {
        swgi_say("%s", swgi_fault_text(rc, &error));
    } else if (make_ready(&fetch)) {
        catch_signals();
        prepare(fetch.easy, &fetch);
        start(&fetch);
        run(&fetch);
        status = tell(&fetch);
    }
    if (fetch.out != stdout)
        fclose(fetch.out);
    curl_easy_cleanup(fetch.easy);
    curl_multi_cleanup(fetch.multi);
    swg_http_client_unref(fetch.client);
    free(fetch.body);
    return status;
}

static void end_as_told(void) {
    if (!interrupted_by)
        return;
    signal(interrupted_by, SIG_DFL);
    raise(interrupted_by);
}

/* Before anybody is asked: a typing mistake says nothing about the dependency. */
static bool is_url(const char *text) {
    CURLU *url = curl_url();
    char *scheme = NULL;
    bool good = url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

    curl_free(scheme);
    curl_url_cleanup(url);
    return good;
}

int swgi_fetch_run(const struct swgi_options *options) {
    struct swg_panel *panel = NULL;
    struct swg_circuit *circuit = NULL;
    int status;

    if (!is_url(options->arguments[1])) {
        swgi_say("not a URL this can fetch; write http://HOST/... or https://HOST/...");
        return EX_USAGE;
    }
    if (options->dry_run) {
        printf("would fetch under the circuit %s of the panel %s\n", options->arguments[0],
               options->panel);
        return 0;
    }
    status = swgi_protect(options, options->arguments[0], &panel, &circuit);
    if (status == 0)
        status = call_under(options, panel, circuit);
    swg_panel_unref(panel);
    end_as_told();
    return status;
}
