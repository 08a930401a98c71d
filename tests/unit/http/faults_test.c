/* Every kind of fault against a real socket, through the easy, the multi and the multi-socket interface. */
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_fixture.h"

/* How a call is made; one and the same table must hold for all. */
typedef int perform_fn(struct fixture *f, CURL *easy, const struct swg_http_call *call,
                       struct swg_http_result *result);

struct fault {
    const char *name, *answer; /* the name is for whoever reads a failure in a debugger */
    int then;
    int outcome, status;
    CURLcode code;
    const char *kind;
};

static const struct fault faults[] = {
    { "200", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n", FAULT_KEEP, SWG_SUCCESS, 200,
      CURLE_OK, "" },
    { "204", "HTTP/1.1 204 No Content\r\n\r\n", FAULT_KEEP, SWG_SUCCESS, 204, CURLE_OK, "" },
    { "redirect", "HTTP/1.1 302 Found\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n", FAULT_KEEP,
      SWG_SUCCESS, 302, CURLE_OK, "" },
    { "404", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", FAULT_KEEP, SWG_IGNORED, 404,
      CURLE_OK, "http_4xx" },
    { "408", "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", FAULT_CLOSE, SWG_IGNORED,
      408, CURLE_OK, "http_4xx" },
    { "429", "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n", FAULT_KEEP, SWG_TIMEOUT,
      429, CURLE_OK, "http_429" },
    { "500", "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", FAULT_KEEP,
      SWG_FAILURE, 500, CURLE_OK, "http_5xx" },
    { "503", "HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n", FAULT_KEEP, SWG_FAILURE, 503,
      CURLE_OK, "http_5xx" },
    { "503 with a wait", "HTTP/1.1 503 Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n",
      FAULT_KEEP, SWG_TIMEOUT, 503, CURLE_OK, "http_5xx" },
    { "503 with junk", "HTTP/1.1 503 Unavailable\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n",
      FAULT_KEEP, SWG_FAILURE, 503, CURLE_OK, "http_5xx" },
    { "no answer", "", FAULT_HANG, SWG_TIMEOUT, 0, CURLE_OPERATION_TIMEDOUT, "timeout" },
    { "slow headers", "HTTP/1.1 200 OK\r\nX-Half: ", FAULT_HANG, SWG_TIMEOUT, 200,
      CURLE_OPERATION_TIMEDOUT, "timeout" },
    { "slow body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", FAULT_HANG, SWG_TIMEOUT, 200,
      CURLE_OPERATION_TIMEDOUT, "timeout" },
    { "empty answer", "", FAULT_CLOSE, SWG_FAILURE, 0, CURLE_GOT_NOTHING, "empty" },
    { "partial body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", FAULT_CLOSE, SWG_FAILURE,
      200, CURLE_PARTIAL_FILE, "partial" },
    { "reset", "", FAULT_RESET, SWG_FAILURE, 0, CURLE_RECV_ERROR, "reset" },
    { "no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", FAULT_CLOSE, SWG_FAILURE, 0, CURLE_UNSUPPORTED_PROTOCOL,
      "protocol" },
    { "corrupt", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\njunk",
      FAULT_KEEP, SWG_FAILURE, 200, CURLE_BAD_CONTENT_ENCODING, "corrupt" },
};

static int by_easy(struct fixture *f, CURL *easy, const struct swg_http_call *call,
                   struct swg_http_result *result) {
    return swg_http_perform(f->client, easy, call, result);
}

static int take_done(struct fixture *f, CURLM *multi, struct swg_http_result *result) {
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(multi, &left)) != NULL)
        if (message->msg == CURLMSG_DONE)
            return swg_http_done(f->client, message, result);
    return -EAGAIN;
}

static int by_multi(struct fixture *f, CURL *easy, const struct swg_http_call *call,
                    struct swg_http_result *result) {
    CURLM *multi = curl_multi_init();
    int rc = swg_http_start(f->client, multi, easy, call, result), running;

    if (rc == SWG_GO)
        for (rc = -EAGAIN; rc == -EAGAIN; rc = take_done(f, multi, result)) {
            curl_multi_perform(multi, &running);
            curl_multi_poll(multi, NULL, 0, running > 0 ? 1000 : 0, NULL);
        }
    curl_multi_cleanup(multi);
    return rc;
}

/* The smallest event loop: one transfer, at most a few sockets (libcurl has its own for resolving). */
struct loop {
    struct pollfd polled[8];
    nfds_t count;
    long timeout_ms;
};

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused) {
    struct loop *loop = arg;
    nfds_t i = 0;

    (void)easy, (void)unused;
    while (i < loop->count && loop->polled[i].fd != fd)
        i++;
    if (what == CURL_POLL_REMOVE) {
        loop->polled[i] = loop->polled[--loop->count];
        return 0;
    }
    if (i == loop->count)
        loop->count++;
    loop->polled[i] = (struct pollfd){ .fd = fd };
    loop->polled[i].events =
        (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg) {
    (void)multi;
    ((struct loop *)arg)->timeout_ms = timeout_ms;
    return 0;
}

static void turn(CURLM *multi, struct loop *loop) {
    struct pollfd ready[8];
    nfds_t count = loop->count;
    int running;

    if (poll(loop->polled, count, (int)loop->timeout_ms) == 0) {
        curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
        return;
    }
    memcpy(ready, loop->polled, sizeof(ready));
    for (nfds_t i = 0; i < count; i++)
        if (ready[i].revents != 0)
            curl_multi_socket_action(
                multi, ready[i].fd,
                (ready[i].revents & POLLIN ? CURL_CSELECT_IN : 0) |
                    (ready[i].revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
                    (ready[i].revents & (POLLERR | POLLHUP) ? CURL_CSELECT_ERR : 0),
                &running);
}

static int by_multi_socket(struct fixture *f, CURL *easy, const struct swg_http_call *call,
                           struct swg_http_result *result) {
    struct loop loop = { .timeout_ms = -1 };
    CURLM *multi = curl_multi_init();
    int rc;

    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, &loop);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, &loop);
    rc = swg_http_start(f->client, multi, easy, call, result);
    if (rc == SWG_GO)
        for (rc = -EAGAIN; rc == -EAGAIN; rc = take_done(f, multi, result))
            turn(multi, &loop);
    curl_multi_cleanup(multi);
    return rc;
}

static perform_fn *const ways[] = { by_easy, by_multi, by_multi_socket };
#define WAYS (sizeof(ways) / sizeof(*ways))

static uint64_t counted(const struct swg_status *status, int outcome) {
    return outcome == SWG_SUCCESS   ? status->successes
           : outcome == SWG_FAILURE ? status->failures
           : outcome == SWG_TIMEOUT ? status->timeouts
                                    : status->ignored;
}

static void assert_nothing_leaks(const struct swg_http_result *result) {
    assert_null(strstr(result->text, "secret"));
    assert_null(strstr(result->text, "token"));
    assert_null(strstr(result->text, "password"));
    assert_null(strstr(result->text, "user"));
}

/* One call on a closed circuit: judged, counted once, and told without a word too many. Returns the status. */
static int expect(struct fixture *f, perform_fn *perform, CURL *easy,
                  const struct swg_http_call *call, int outcome, CURLcode code, const char *kind) {
    struct swg_http_result result = SWG_HTTP_RESULT_INIT;
    struct swg_circuit *circuit;
    struct swg_act act = SWG_ACT_INIT;
    struct swg_status before, after;
    int failed = outcome == SWG_FAILURE || outcome == SWG_TIMEOUT;

    assert_int_equal(swg_circuit_find(f->panel, "shop", &circuit), 0);
    act.force = 1;
    assert_int_equal(swg_circuit_reset(circuit, &act, NULL), 0);
    assert_int_equal(swg_panel_advance(f->panel, 2 * SECOND), 0);
    before = status_of(f);
    assert_int_equal(perform(f, easy, call, &result), failed ? SWG_FAILED : SWG_GO);
    after = status_of(f);
    if (result.curl_code != (int)code)
        print_error("libcurl: %d, %s\n", result.curl_code, result.text);
    assert_int_equal(result.called, 1);
    assert_int_equal(result.outcome, outcome);
    assert_int_equal(result.curl_code, code);
    assert_string_equal(result.kind, kind);
    assert_string_equal(result.circuit, "shop");
    assert_int_equal(strlen(result.text) > 0, outcome != SWG_SUCCESS);
    assert_nothing_leaks(&result);
    assert_int_equal(counted(&after, outcome), counted(&before, outcome) + 1);
    assert_int_equal(after.calls, before.calls + 1);
    assert_int_equal(after.in_flight, 0);
    return result.status;
}

static void every_answer_has_its_row(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = SWG_HTTP_CALL_INIT;

    call.url = f->url;
    for (size_t i = 0; i < WAYS * sizeof(faults) / sizeof(*faults); i++) {
        const struct fault *fault = &faults[i / WAYS];
        CURL *easy = new_easy();
        int status;

        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
        call.timeout = fault->then == FAULT_HANG ? SECOND / 20 : 0;
        fault_server_answer(f->server, fault->answer, fault->then);
        status = expect(f, ways[i % WAYS], easy, &call, fault->outcome, fault->code, fault->kind);
        assert_int_equal(status, fault->status);
        curl_easy_cleanup(easy);
    }
}

static void no_connection_is_a_failure(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(address);
    int deaf =
        socket(AF_INET, SOCK_STREAM, 0); /* bound, so that nobody else is, and never listening */
    char url[64];

    assert_int_equal(bind(deaf, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(deaf, (struct sockaddr *)&address, &length), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
    call.url = url;
    for (size_t i = 0; i < WAYS; i++) {
        CURL *easy = new_easy();

        expect(f, ways[i], easy, &call, SWG_FAILURE, CURLE_COULDNT_CONNECT, "refused");
        curl_easy_cleanup(easy);
    }
    close(deaf);
}

/* A listener whose queue is full drops the handshake of further connections. */
static void a_silent_host_is_a_timeout(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0), full[4];
    char url[64];

    assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    for (int i = 0; i < 4; i++) {
        full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(full[i], (struct sockaddr *)&address, length);
    }
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
    call.url = url;
    call.connect_timeout = SECOND / 20;
    for (size_t i = 0; i < WAYS; i++) {
        CURL *easy = new_easy();

        expect(f, ways[i], easy, &call, SWG_TIMEOUT, CURLE_OPERATION_TIMEDOUT, "timeout");
        curl_easy_cleanup(easy);
    }
    for (int i = 0; i < 4; i++)
        close(full[i]);
    close(listener);
}

/* A label of over 63 bytes is refused by the resolver itself, whatever network there is. */
static void an_unknown_host_is_a_failure(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    char url[128] = "http://";

    memset(url + 7, 'a', 70);
    strcat(url, ".invalid/");
    call.url = url;
    for (size_t i = 0; i < WAYS; i++) {
        CURL *easy = new_easy();

        expect(f, ways[i], easy, &call, SWG_FAILURE, CURLE_COULDNT_RESOLVE_HOST, "resolve");
        curl_easy_cleanup(easy);
    }
}

static void a_plain_port_is_no_tls(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    char url[64];

    snprintf(url, sizeof(url), "https://127.0.0.1:%d/", fault_server_port(f->server));
    call.url = url;
    fault_server_answer(f->server, "HTTP/1.1 400 Bad Request\r\n\r\n", FAULT_GREET);
    for (size_t i = 0; i < WAYS; i++) {
        CURL *easy = new_easy();

        /* A machine without certificates would fail before it speaks, and by its own fault. */
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        expect(f, ways[i], easy, &call, SWG_FAILURE, CURLE_SSL_CONNECT_ERROR, "tls");
        curl_easy_cleanup(easy);
    }
}

static size_t refuse(const void *bytes, size_t size, size_t count, void *unused) {
    (void)bytes, (void)size, (void)count, (void)unused;
    return 0;
}

static int stop(void *unused, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    (void)unused, (void)a, (void)b, (void)c, (void)d;
    return 1;
}

static void what_the_caller_stops_is_ignored(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = SWG_HTTP_CALL_INIT;

    call.url = f->url;
    for (size_t i = 0; i < WAYS; i++) {
        CURL *easy = new_easy();

        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, refuse);
        expect(f, ways[i], easy, &call, SWG_IGNORED, CURLE_WRITE_ERROR, "caller");
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
        curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, stop);
        expect(f, ways[i], easy, &call, SWG_IGNORED, CURLE_ABORTED_BY_CALLBACK, "caller");
        curl_easy_cleanup(easy);
    }
}

static void hanging_up_on_a_500_is_no_excuse(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    CURL *easy = new_easy();

    call.url = f->url;
    fault_server_answer(f->server, "HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nno\n",
                        FAULT_KEEP);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, refuse);
    expect(f, by_easy, easy, &call, SWG_FAILURE, CURLE_WRITE_ERROR, "http_5xx");
    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
    expect(f, by_easy, easy, &call, SWG_FAILURE, CURLE_HTTP_RETURNED_ERROR, "http_5xx");
    curl_easy_cleanup(easy);
}

/* A URL that cannot be called leaves no trace of the status the handle got before. */
static void a_wrong_url_is_the_callers(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    CURL *easy = new_easy();

    call.url = f->url;
    fault_server_answer(f->server, "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", FAULT_KEEP);
    expect(f, by_easy, easy, &call, SWG_FAILURE, CURLE_OK, "http_5xx");
    call.url = "http://a b/";
    expect(f, by_easy, easy, &call, SWG_IGNORED, CURLE_URL_MALFORMAT, "url");
    call.url = "nonsense://127.0.0.1/";
    expect(f, by_easy, easy, &call, SWG_IGNORED, CURLE_UNSUPPORTED_PROTOCOL, "url");
    curl_easy_cleanup(easy);
}

static void redirects_without_end_are_the_callers_limit(void **state) {
    struct fixture *f = *state;
    struct swg_http_call call = SWG_HTTP_CALL_INIT;
    CURL *easy = new_easy();

    call.url = f->url;
    fault_server_answer(f->server, "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
                        FAULT_KEEP);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 3L);
    expect(f, by_easy, easy, &call, SWG_IGNORED, CURLE_TOO_MANY_REDIRECTS, "caller");
    curl_easy_cleanup(easy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(every_answer_has_its_row),
        STORY(no_connection_is_a_failure),
        STORY(a_silent_host_is_a_timeout),
        STORY(an_unknown_host_is_a_failure),
        STORY(a_plain_port_is_no_tls),
        STORY(what_the_caller_stops_is_ignored),
        STORY(hanging_up_on_a_500_is_no_excuse),
        STORY(a_wrong_url_is_the_callers),
        STORY(redirects_without_end_are_the_callers_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
