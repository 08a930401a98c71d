/*
 * The table of errors to outcomes.
 *
 * Three questions decide a row. Did the dependency, or the way to it, let the caller down? Failure. Was it too slow, or does it
 * ask to be left alone? Timeout. Is the cause on the caller's side (its URL, options, files, callbacks, memory)? Ignored: a
 * breaker that opens over its own callers' mistakes is worse than none.
 *
 * The names CURLE_... are explained in libcurl-errors(3), https://curl.se/libcurl/c/libcurl-errors.html; the codes of other
 * protocols (FTP, LDAP, TFTP, SSH, ...) have no row and fall under "any other code".
 */
#include "classify.h"

#include <errno.h>
#include <stddef.h>

#include <curl/curl.h>
#include <switchgear/switchgear.h>

struct row {
    int code;
    int outcome;
    const char *kind;
};

static const struct row curl_rows[] = {
    /* libcurl-errors(3): the connection was not to be had. */
    { CURLE_COULDNT_RESOLVE_PROXY, SWG_FAILURE, "resolve" },
    { CURLE_COULDNT_RESOLVE_HOST, SWG_FAILURE, "resolve" },
    { CURLE_COULDNT_CONNECT, SWG_FAILURE, "connect" }, /* refined by errno below */
    { CURLE_PROXY, SWG_FAILURE, "proxy" },
    { CURLE_QUIC_CONNECT_ERROR, SWG_FAILURE, "connect" },

    /* libcurl-errors(3): no TLS with that server. */
    { CURLE_SSL_CONNECT_ERROR, SWG_FAILURE, "tls" },
    { CURLE_PEER_FAILED_VERIFICATION, SWG_FAILURE, "tls" },
    { CURLE_USE_SSL_FAILED, SWG_FAILURE, "tls" },
    { CURLE_SSL_SHUTDOWN_FAILED, SWG_FAILURE, "tls" },
    { CURLE_SSL_ISSUER_ERROR, SWG_FAILURE, "tls" },
    { CURLE_SSL_PINNEDPUBKEYNOTMATCH, SWG_FAILURE, "tls" },
    { CURLE_SSL_INVALIDCERTSTATUS, SWG_FAILURE, "tls" },

    /* libcurl-errors(3): it broke on the way. */
    { CURLE_SEND_ERROR, SWG_FAILURE, "reset" },
    { CURLE_RECV_ERROR, SWG_FAILURE, "reset" },
    { CURLE_GOT_NOTHING, SWG_FAILURE, "empty" },
    { CURLE_PARTIAL_FILE, SWG_FAILURE, "partial" },
    { CURLE_WEIRD_SERVER_REPLY, SWG_FAILURE, "protocol" },
    { CURLE_BAD_CONTENT_ENCODING, SWG_FAILURE, "corrupt" },
    { CURLE_HTTP2, SWG_FAILURE, "protocol" },
    { CURLE_HTTP2_STREAM, SWG_FAILURE, "protocol" },
    { CURLE_HTTP3, SWG_FAILURE, "protocol" },

    /* libcurl-errors(3): connecting, resolving and transferring alike. */
    { CURLE_OPERATION_TIMEDOUT, SWG_TIMEOUT, "timeout" },

    /* libcurl-errors(3): the caller stopped it. */
    { CURLE_WRITE_ERROR, SWG_IGNORED, "caller" },
    { CURLE_READ_ERROR, SWG_IGNORED, "caller" },
    { CURLE_ABORTED_BY_CALLBACK, SWG_IGNORED, "caller" },
    { CURLE_SEND_FAIL_REWIND, SWG_IGNORED, "caller" },
    { CURLE_FILESIZE_EXCEEDED, SWG_IGNORED, "caller" }, /* a limit the caller set */
    { CURLE_TOO_MANY_REDIRECTS, SWG_IGNORED,
      "caller" },                                 /* likewise; each single answer was a good one */
    { CURLE_RANGE_ERROR, SWG_IGNORED, "caller" }, /* it asked for what this server does not offer */
    { CURLE_BAD_DOWNLOAD_RESUME, SWG_IGNORED, "caller" }, /* likewise */

    /* libcurl-errors(3): what the caller asked for cannot be. */
    { CURLE_UNSUPPORTED_PROTOCOL, SWG_IGNORED, "url" },
    { CURLE_URL_MALFORMAT, SWG_IGNORED, "url" },
    { CURLE_NOT_BUILT_IN, SWG_IGNORED, "option" },
    { CURLE_UNKNOWN_OPTION, SWG_IGNORED, "option" },
    { CURLE_SETOPT_OPTION_SYNTAX, SWG_IGNORED, "option" },
    { CURLE_BAD_FUNCTION_ARGUMENT, SWG_IGNORED, "option" },
    { CURLE_LOGIN_DENIED, SWG_IGNORED, "credentials" },
    { CURLE_AUTH_ERROR, SWG_IGNORED, "credentials" },
    { CURLE_SSL_CERTPROBLEM, SWG_IGNORED, "credentials" }, /* the caller's own certificate */
    { CURLE_SSL_CLIENTCERT, SWG_IGNORED, "credentials" },

    /* libcurl-errors(3): something is wrong here, on this host. */
    { CURLE_FAILED_INIT, SWG_IGNORED, "local" },
    { CURLE_OUT_OF_MEMORY, SWG_IGNORED, "local" },
    { CURLE_FILE_COULDNT_READ_FILE, SWG_IGNORED, "local" },
    { CURLE_FUNCTION_NOT_FOUND, SWG_IGNORED, "local" },
    { CURLE_HTTP_POST_ERROR, SWG_IGNORED, "local" },
    { CURLE_INTERFACE_FAILED, SWG_IGNORED, "local" },
    { CURLE_SSL_ENGINE_NOTFOUND, SWG_IGNORED, "local" },
    { CURLE_SSL_ENGINE_SETFAILED, SWG_IGNORED, "local" },
    { CURLE_SSL_ENGINE_INITFAILED, SWG_IGNORED, "local" },
    { CURLE_SSL_CIPHER, SWG_IGNORED, "local" },
    { CURLE_SSL_CACERT_BADFILE, SWG_IGNORED, "local" },
    { CURLE_SSL_CRL_BADFILE, SWG_IGNORED, "local" },
    { CURLE_AGAIN, SWG_IGNORED, "local" },
    { CURLE_NO_CONNECTION_AVAILABLE, SWG_IGNORED, "local" },
    { CURLE_RECURSIVE_API_CALL, SWG_IGNORED, "local" },
    { CURLE_UNRECOVERABLE_POLL, SWG_IGNORED, "local" },
};

struct range {
    int first, last;
    bool with_wait; /* only when it names a wait */
    int outcome;
    const char *kind;
};

/* The first that fits. */
static const struct range status_rows[] = {
    { 429, 429, false, SWG_TIMEOUT, "http_429" }, /* RFC 6585 4: too many requests */
    { 503, 503, true, SWG_TIMEOUT,
      "http_5xx" }, /* RFC 9110 15.6.4 and 10.2.3: overloaded, "likely to be alleviated after" */
    { 100, 199, false, SWG_SUCCESS, "" }, /* RFC 9110 15.2; 101 ends an exchange */
    { 200, 299, false, SWG_SUCCESS, "" }, /* RFC 9110 15.3 */
    { 300, 399, false, SWG_SUCCESS, "" }, /* RFC 9110 15.4 */
    { 400, 499, false, SWG_IGNORED,
      "http_4xx" }, /* RFC 9110 15.5: "the client seems to have erred", 408 included: it was too slow */
    { 500, 599, false, SWG_FAILURE, "http_5xx" }, /* RFC 9110 15.6 */
    { 1, 999, false, SWG_FAILURE,
      "http_odd" }, /* RFC 9110 15: an invalid status is to be treated as a 5xx */
};

static struct swgi_http_class classify_status(const struct swgi_http_facts *facts) {
    for (size_t i = 0; i < sizeof(status_rows) / sizeof(*status_rows); i++) {
        const struct range *row = &status_rows[i];

        if (facts->status >= row->first && facts->status <= row->last &&
            (!row->with_wait || facts->names_wait))
            return (struct swgi_http_class){ row->outcome, row->kind, true };
    }
    return (struct swgi_http_class){
        SWG_SUCCESS, "", true
    }; /* a protocol without a status, and libcurl is content */
}

/* connect(2): the same CURLcode stands for a port nobody listens on, a host gone silent and an unplugged cable. */
static struct swgi_http_class classify_connect(int os_errno) {
    switch (os_errno) {
    case ECONNREFUSED:
        return (struct swgi_http_class){ SWG_FAILURE, "refused", false };
    case ETIMEDOUT:
        return (struct swgi_http_class){ SWG_TIMEOUT, "timeout", false };
    case EHOSTUNREACH:
    case ENETUNREACH:
        return (struct swgi_http_class){ SWG_FAILURE, "unreachable", false };
    case EADDRNOTAVAIL: /* no local port left */
    case EMFILE:
    case ENFILE:
        return (struct swgi_http_class){ SWG_IGNORED, "local", false };
    default:
        return (struct swgi_http_class){ SWG_FAILURE, "connect", false };
    }
}

static struct swgi_http_class classify_curl(const struct swgi_http_facts *facts) {
    /* CURLOPT_HTTP09_ALLOWED(3): an answer that is no HTTP fails with the code of a wrong scheme. */
    if (facts->curl_code == CURLE_UNSUPPORTED_PROTOCOL && facts->sent && facts->status == 0)
        return (struct swgi_http_class){ SWG_FAILURE, "protocol", false };
    if (facts->curl_code == CURLE_COULDNT_CONNECT)
        return classify_connect(facts->os_errno);
    for (size_t i = 0; i < sizeof(curl_rows) / sizeof(*curl_rows); i++)
        if (curl_rows[i].code == facts->curl_code)
            return (struct swgi_http_class){ curl_rows[i].outcome, curl_rows[i].kind, false };
    return (struct swgi_http_class){ SWG_FAILURE, "other",
                                     false }; /* any other code: nobody says it is the caller's */
}

struct swgi_http_class swgi_http_classify(const struct swgi_http_facts *facts) {
    struct swgi_http_class class;

    if (facts->curl_code == CURLE_OK ||
        facts->curl_code == CURLE_HTTP_RETURNED_ERROR) /* CURLOPT_FAILONERROR */
        return classify_status(facts);
    class = classify_curl(facts);
    if (class.outcome == SWG_IGNORED && (facts->status == 429 || facts->status >= 500))
        return classify_status(facts); /* it hung up on an answer that had said enough */
    return class;
}

bool swgi_http_status_names_wait(int status) {
    return status == 429 ||
           status == 503; /* RFC 6585 4, RFC 9110 10.2.3; with a 3xx it means something else */
}
