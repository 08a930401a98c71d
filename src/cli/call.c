/* `call`: an HTTP GET under a circuit, by way of the HTTP adapter. call-fallback.c stands in where that was left out of the build. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <switchgear/http.h>

#include "cli/commands.h"
#include "cli/json.h"
#include "cli/message.h"
#include "cli/panel.h"
#include "cli/protect.h"
#include "cli/text.h"

#define REDIRECTS_MAX 10L
/* What --json shows of a body at most. */
#define BODY_MAX (1u << 20)

struct fetch {
    const struct swgi_options *options;
    char *body; /* with --json; else it goes to stdout as it comes */
    size_t body_length;
    uint64_t received;
    struct swg_http_result result;
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
        return fwrite(bytes, 1, length, stdout);
    memcpy(fetch->body + fetch->body_length, bytes, length < room ? length : room);
    fetch->body_length += length < room ? length : room;
    return length;
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

static void print_json(const struct fetch *fetch, swg_ns duration) {
    const struct swg_http_result *result = &fetch->result;

    swgi_json_print(stdout,
                    json_pack("{s:s, s:b, s:s, s:i, s:o, s:o, s:o, s:I, s:o}", "circuit",
                              result->circuit, "admitted", 1, "outcome",
                              swg_outcome_name(result->outcome), "http_status", result->status,
                              "error_kind",
                              result->kind[0] ? swgi_json_text(result->kind) : json_null(), "error",
                              result->text[0] ? swgi_json_text(result->text) : json_null(),
                              "duration_seconds", swgi_json_seconds(duration), "body_bytes",
                              (json_int_t)fetch->received, "body", body_json(fetch)),
                    false);
}

/* The call was made: what did it come to? */
static int tell_answer(const struct fetch *fetch, int rc, swg_ns duration) {
    const struct swg_http_result *result = &fetch->result;
    char took[SWGI_TEXT_MAX];

    if (fetch->options->json)
        print_json(fetch, duration);
    if (interrupted_by)
        return 1;
    if (rc == SWG_FAILED || result->outcome != SWG_SUCCESS)
        swgi_tell(fetch->options, "%s: %s: %s", result->circuit, swg_outcome_name(result->outcome),
                  result->text[0] ? result->text : "no success");
    else if (fetch->options->verbose)
        swgi_tell(fetch->options, "%s: HTTP %d after %s", result->circuit, result->status,
                  swgi_latency_text(duration, took));
    return rc == SWG_FAILED ? EX_UNAVAILABLE : result->outcome == SWG_SUCCESS ? 0 : 1;
}

static int perform(struct fetch *fetch, struct swg_http_client *client, CURL *easy,
                   struct swg_circuit *circuit) {
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    struct swg_request request = SWG_REQUEST_INIT;
    swg_ns started = swg_now();
    int rc;

    request.load = fetch->options->load;
    request.operation = fetch->options->operation;
    call.url = fetch->options->arguments[1];
    call.circuit = circuit;
    call.request = &request;
    call.timeout = fetch->options->timeout_ns;
    rc = swg_http_perform(client, easy, &call, &fetch->result);
    if (swg_is_rejection(rc))
        return swgi_tell_refused(fetch->options, circuit, rc, fetch->result.retry_in, "not called");
    if (rc >= 0)
        return tell_answer(fetch, rc, swg_now() - started);
    swgi_say("%s", fetch->result.text[0] ? fetch->result.text : swg_strerror(rc));
    return rc == -EINVAL ? EX_USAGE : swgi_fault_status(rc);
}

static int call_under(const struct swgi_options *options, struct swg_panel *panel,
                      struct swg_circuit *circuit) {
    struct fetch fetch = { .options = options, .result = SWG_HTTP_RESULT_INIT };
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_http_client *client = NULL;
    int rc = swg_http_client_new(&client, panel, NULL, &error), status = EX_OSERR;
    CURL *easy = rc == 0 ? curl_easy_init() : NULL;

    fetch.body = options->json ? malloc(BODY_MAX) : NULL;
    if (rc < 0) {
        swgi_say("%s", swgi_fault_text(rc, &error));
    } else if (easy && (fetch.body || !options->json)) {
        catch_signals();
        prepare(easy, &fetch);
        status = perform(&fetch, client, easy, circuit);
    }
    curl_easy_cleanup(easy);
    swg_http_client_unref(client);
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
