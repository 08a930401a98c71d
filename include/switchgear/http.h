/*
 * Switchgear for HTTP: calls made with libcurl, under a circuit.
 *
 *     struct swg_http_client *client;
 *     swg_http_client_new(&client, panel, NULL, NULL);                   a circuit per scheme, host and port
 *
 *     CURL *easy = curl_easy_init();                                      the handle stays yours: callbacks, body, TLS, ...
 *     struct swg_http_call call = SWG_HTTP_CALL_INIT;
 *     struct swg_http_result result = SWG_HTTP_RESULT_INIT;
 *     call.url = "https://payments.example/charge";
 *     int rc = swg_http_perform(client, easy, &call, &result);
 *
 *     if (rc == SWG_GO)                 answered: result.status (404 too: the caller's own), or result.curl_code;
 *                                       result.degraded: something stood in for the answer, in result.body
 *     else if (rc == SWG_FAILED)        called, and it failed: result.status, result.curl_code, result.text
 *     else if (swg_is_rejection(rc))    not called: result.state, result.retry_in
 *     else                              -errno: a fault, result.text
 *
 * What an answer or an error of libcurl counts as (switchgear-http(3) has the whole table):
 *   success   1xx, 2xx, 3xx
 *   failure   5xx; refused, reset, unresolved, TLS, an empty, partial or corrupt answer
 *   timeout   no answer in time; 429; 503 with Retry-After. The wait a 429 or 503 names becomes the open time if it trips
 *   ignored   other 4xx; aborted by the caller's callback; a URL, option or file of the caller's that is wrong
 * With redirects followed, what counts is the last answer, for the circuit of the first URL.
 *
 * Time: every attempt is bounded by timeout, by the circuit's timeout.attempt and timeout.total, and by request->deadline,
 * enforced by libcurl: CURLOPT_TIMEOUT_MS, CURLOPT_CONNECTTIMEOUT_MS and CURLOPT_NOSIGNAL of the handle are overwritten and
 * stay so.
 * Attempts: a call is tried again as the circuit's retry settings say, and never when that could do harm: see repeat and restart.
 * Texts for people hold scheme, host and port at most: never a path, a query or credentials.
 */
#ifndef SWITCHGEAR_HTTP_H
#define SWITCHGEAR_HTTP_H

#include <curl/curl.h>
#include <switchgear/switchgear.h>

#ifdef __cplusplus
extern "C" {
#endif

struct swg_http_client;
struct swg_http_session;

struct swg_http_options {
    uint32_t size;
    /* For circuits this client makes; NULL: preset "default". Kept, not copied: lives as long as the client. */
    const struct swg_config *config;
    /*
     * How circuits are named: text with {scheme} {host} {port} {operation}, the last being request->operation. No braces: one
     * circuit for all. NULL: SWG_HTTP_CIRCUIT. Copied. A byte of the URL that no name may hold becomes @ and two hex digits,
     * the brackets of an IPv6 address go, and a name of over 127 bytes ends in a hash instead of its tail.
     */
    const char *circuit;
    /* Of one attempt, 1 ms .. 1 h, if the circuit's own is not shorter; 0: the circuit's, or 10 s where it has none. */
    swg_ns timeout;
    swg_ns connect_timeout;  /* of its connection, 1 ms .. 1 h; 0: 3 s */
    swg_ns retry_after_max;  /* the longest wait a server may name, 1 s .. 24 h; 0: 1 h */
    swg_ns idle_close_after; /* see sessions; 0: 10 s; SWG_NS_MAX: never */
};
#define SWG_HTTP_OPTIONS_INIT SWG_SIZED(swg_http_options)
#define SWG_HTTP_CIRCUIT      "http-{scheme}://{host}:{port}"

/*
 * Make a client for a panel, of which it holds a reference; options NULL: all defaults. *out is written on success only and
 * is released by swg_http_client_unref(). May be shared by threads. Calls curl_global_init().
 *   -EINVAL an option out of range, error names it   -ENOMEM   -EIO libcurl would not start
 */
SWG_API int swg_http_client_new(struct swg_http_client **out, struct swg_panel *panel,
                                const struct swg_http_options *options, struct swg_error *error);
SWG_API struct swg_http_client *swg_http_client_ref(struct swg_http_client *client);
/* NULL is fine; returns NULL. Sessions and running transfers hold references of their own. */
SWG_API struct swg_http_client *swg_http_client_unref(struct swg_http_client *client);

/* May a call be made twice? */
enum {
    /* As its method says (RFC 9110 9.2.2): GET, HEAD, OPTIONS, TRACE, PUT and DELETE may; POST, PATCH and others may not, and
       neither may what was redirected, whose first method libcurl does not tell. */
    SWG_HTTP_BY_METHOD,
    SWG_HTTP_ONCE, /* no */
    SWG_HTTP_REPEATABLE, /* yes, whatever the method: the server knows a request it has had (an idempotency key, for one) */
    /* Yes, and its answer depends on URL and headers alone, so that any caller may get it from the circuit's cache. Sets
       CURLOPT_HTTPGET. Not for handles that carry cookies or credentials in options of their own. */
    SWG_HTTP_READ
};

/* One call. Everything but size may stay unset. */
struct swg_http_call {
    uint32_t size;
    const char *url; /* NULL: the handle has one, and the circuit does not depend on it */
    struct swg_circuit *circuit; /* NULL: by the client's naming */
    /* The request's headers, if any. Replace CURLOPT_HTTPHEADER; must live until the call has ended. */
    struct curl_slist *headers;
    /*
     * NULL: nothing special. The deadline bounds the call. A valid traceparent is sent as a header, before the ones above;
     * those set with CURLOPT_HTTPHEADER are replaced.
     */
    const struct swg_request *request;
    swg_ns timeout;                   /* 0: the client's */
    swg_ns connect_timeout;           /* 0: the client's */
    struct swg_http_session *session; /* NULL: the handle's own connections. Uses CURLOPT_SHARE */
    int repeat;                       /* SWG_HTTP_BY_METHOD ... */
    /*
     * 0: the body goes to the handle's CURLOPT_WRITEFUNCTION. Else it is collected in result.body, up to so many bytes; a longer
     * one ends the transfer as if the caller had (CURLE_WRITE_ERROR). Overwrites CURLOPT_WRITEFUNCTION and CURLOPT_WRITEDATA,
     * which are libcurl's defaults afterwards. The cache keeps collected bodies only.
     */
    size_t body_max;
    /*
     * Called before every attempt but the first: forget what was received, rewind what is sent. NULL: where an attempt has begun to
     * deliver a body to CURLOPT_WRITEFUNCTION, or (SWG_HTTP_BY_METHOD) has sent one, there is no other attempt.
     */
    void (*restart)(void *arg);
    void *restart_arg;
    /* What is fetched, by swg_http_perform(), for the circuit of fallback.alternative. NULL, or url is: it is passed over. */
    const char *alternative_url;
};
#define SWG_HTTP_CALL_INIT SWG_SIZED(swg_http_call)

struct swg_http_result {
    uint32_t size;
    int rc;             /* what the function returned */
    int called;         /* 1: the call was made. 0: rejected, or a fault before it */
    int outcome;        /* called: SWG_SUCCESS ... SWG_IGNORED; else 0 */
    int status;         /* the HTTP status; 0: no answer */
    int curl_code;      /* CURLcode; CURLE_OK when not called */
    int state;          /* not called: the breaker's state, SWG_STATE_...; -1: not known */
    swg_ns retry_in;    /* not called: when asking again may help, as swg_retry_in() */
    swg_ns retry_after; /* called: the wait the server named with a 429 or 503, bounded; 0: none */
    char kind[24];     /* a word: "", "refused", "http_5xx", ...; rejections: "open", "full", ... */
    char text[256];    /* one line for people; empty after a success */
    char circuit[128]; /* the circuit's name */
    uint32_t attempts; /* how often it was called */
    int source;        /* SWG_GO: where the answer came from, SWG_SOURCE_...; else 0 */
    int degraded; /* 1: a fallback stood in. outcome, status, kind and text are those of the call that failed, if there was one */
    int verdict;  /* degraded: what it stood in for, a rejection or SWG_FAILED; else 0 */
    /* Collected (body_max), from the cache, or a fallback's: with a NUL behind its last byte, the caller's to free(). NULL: none. */
    char *body;
    size_t body_length;
};
#define SWG_HTTP_RESULT_INIT SWG_SIZED(swg_http_result)

/*
 * One call in one piece, as swg_call(): cache, queue, attempts with their timeouts and pauses, and fallbacks as the circuit is
 * configured to; each attempt is curl_easy_perform(), classified and recorded. Blocks as long as all that takes.
 *   SWG_GO        made, and the dependency is not to blame: outcome is success or ignored; or source tells what stood in
 *   SWG_FAILED    made, and it failed: outcome is failure or timeout
 *   a rejection   not made; the handle was not touched
 *   -EINVAL       no URL, one that cannot be parsed (curl_code says so), a size; nothing was asked and nothing recorded
 *   -errno        of swg_circuit_get() and swg_call(), -ENOMEM, -EBUSY: the handle has a transfer running (swg_http_start)
 * result may be NULL. The cache serves calls with SWG_HTTP_READ and body_max, by their URL, headers, request->key and
 * request->operation, and keeps answers of status 200 that are not marked no-store or private.
 */
SWG_API int swg_http_perform(struct swg_http_client *client, CURL *easy,
                             const struct swg_http_call *call, struct swg_http_result *result);

/*
 * The same for the multi interface, curl_multi_socket_action() included; nothing of it blocks. start asks the circuit:
 *   SWG_GO        the handle was added to multi
 *   SWG_QUEUED    it waits for its turn, and will be added by swg_http_poll(). Until then leave the handle alone
 *   else          as swg_http_perform(): nothing was added, and that was all
 * From then on the transfer ends in exactly one way:
 *   swg_http_done(client, message, &result)   for every CURLMSG_DONE of curl_multi_info_read(): removes the handle and records;
 *                                             SWG_GO or SWG_FAILED. SWG_RETRY: result tells of this attempt, the next is for
 *                                             swg_http_poll(). -ENOENT: not one of ours, nothing was done
 *   swg_http_poll(client, multi, &easy, ...)  adds what may go on by now. 0: that is all; else *easy ended, without being called
 *                                             (again): a rejection, SWG_FAILED or -errno as swg_http_perform(). Call it until 0
 *   swg_http_cancel(client, easy)             takes it out before it is done; counts neither way. -ENOENT as above
 * Not from inside a callback of libcurl. A client may serve several multi handles, each on its own thread. Cache and fallbacks
 * are swg_http_perform()'s alone. headers, restart_arg and session must live until the end, all else of the call until start returns.
 */
SWG_API int swg_http_start(struct swg_http_client *client, CURLM *multi, CURL *easy,
                           const struct swg_http_call *call, struct swg_http_result *result);
SWG_API int swg_http_done(struct swg_http_client *client, const CURLMsg *message,
                          struct swg_http_result *result);
SWG_API int swg_http_poll(struct swg_http_client *client, CURLM *multi, CURL **easy,
                          struct swg_http_result *result);
SWG_API int swg_http_cancel(struct swg_http_client *client, CURL *easy);
/*
 * When swg_http_poll() is due: when the descriptor turns readable (swg_wait_fd(); -1: nothing waits for it), for a loop to watch
 * beside libcurl's, and after so many milliseconds (0: now; at most 60,000, which is also the answer when nothing waits).
 */
SWG_API int swg_http_wait_fd(struct swg_http_client *client, CURLM *multi);
SWG_API int swg_http_wait_ms(struct swg_http_client *client, CURLM *multi);

/*
 * A session keeps connections between calls, whichever handle makes them: one pool per circuit, for the 64 circuits used
 * last. A circuit that stays OPEN for idle_close_after has its pool closed: at the next call that is rejected, or by
 * swg_http_session_poll(), which returns how many pools it closed.
 * For one thread at a time (libcurl does not share connections between threads). All its calls must have ended before
 * swg_http_session_end(), which closes everything, takes NULL, and returns NULL.
 */
SWG_API int swg_http_session_begin(struct swg_http_client *client, struct swg_http_session **out);
SWG_API int swg_http_session_poll(struct swg_http_session *session);
SWG_API struct swg_http_session *swg_http_session_end(struct swg_http_session *session);

/*
 * For callers with a machinery of their own (swg_call(), another event loop): what did this transfer come to? Fills in outcome,
 * status, retry_after (at most retry_after_max), kind and text, and returns the outcome. Records nothing. The handle must be
 * the one that was performed, its headers not yet forgotten. result may be NULL.
 */
SWG_API int swg_http_classify(CURL *easy, CURLcode code, swg_ns retry_after_max,
                              struct swg_http_result *result);
/* The name a template gives for a URL. 0; -EINVAL: template or URL; -ERANGE: out_size under 128. */
SWG_API int swg_http_circuit_name(const char *name_template, const char *url, uint32_t operation,
                                  char *out, size_t out_size);

#ifdef __cplusplus
}
#endif

#endif
