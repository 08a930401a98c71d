/*
 * What may be done twice, and what may be served twice.
 *
 * libcurl tells the method of a request only once it was made, so the question is asked after a failure and not before the call.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* RFC 9110 9.2.2: what a client may repeat without knowing more. */
static bool is_idempotent(const char *method) {
    static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE" };

    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
        if (strcmp(method, methods[i]) == 0)
            return true;
    return false;
}

static bool moved_bytes(CURL *easy, CURLINFO which) {
    curl_off_t bytes = 0;

    return curl_easy_getinfo(easy, which, &bytes) == CURLE_OK && bytes > 0;
}

static bool method_forbids(CURL *easy) {
    const char *method = NULL;
    long redirects = 0;

    /* A POST that was answered with 303 looks like the GET that followed it. */
    if (curl_easy_getinfo(easy, CURLINFO_REDIRECT_COUNT, &redirects) != CURLE_OK || redirects > 0)
        return true;
    return curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_METHOD, &method) != CURLE_OK ||
           method == NULL || !is_idempotent(method);
}

bool swgi_http_is_last(const struct swgi_http_transfer *transfer) {
    CURL *easy = transfer->easy;
    bool delivers = transfer->body.most == 0 && transfer->restart == NULL;

    if (transfer->repeat == SWG_HTTP_ONCE ||
        (delivers && moved_bytes(easy, CURLINFO_SIZE_DOWNLOAD_T)))
        return true;
    if (transfer->repeat != SWG_HTTP_BY_METHOD)
        return false;
    return method_forbids(easy) ||
           (transfer->restart == NULL && moved_bytes(easy, CURLINFO_SIZE_UPLOAD_T));
}

static bool has_cache(const struct swg_circuit *circuit) {
    char value[32];

    return swg_circuit_setting(circuit, "cache.bytes", value, sizeof(value)) == 0 &&
           isdigit((unsigned char)*value);
}

static uint64_t hash(const struct swg_http_call *call, uint64_t key) {
    key = XXH64(call->url, strlen(call->url), key);
    for (const struct curl_slist *line = call->headers; line != NULL; line = line->next)
        key = XXH64(line->data, strlen(line->data) + 1, key);
    return key != 0 ? key : 1;
}

/*
 * A request's key stands for its user where the circuit has no cache, and for its answer where it has one. Two requests of one
 * user must not get each other's answers, so what cannot be told by its answer goes without.
 */
uint64_t swgi_http_key(const struct swg_circuit *circuit, const struct swg_http_call *call) {
    uint64_t key = call->request != NULL ? call->request->key : 0;
    bool is_kept = call->repeat == SWG_HTTP_READ && call->body_max > 0 && call->url != NULL;

    if ((key == 0 && !is_kept) || !has_cache(circuit))
        return key;
    return is_kept ? hash(call, key) : 0;
}

/* RFC 9111 5.2.2: directives are words, in any case, between commas. */
static bool forbids_keeping(const char *value) {
    while (*value != '\0') {
        size_t length = strcspn(value, ",= \t");

        if ((length == 8 && strncasecmp(value, "no-store", 8) == 0) ||
            (length == 7 && strncasecmp(value, "private", 7) == 0))
            return true;
        value += strcspn(value, ",");
        value += strspn(value, ", \t");
    }
    return false;
}

bool swgi_http_may_keep(const struct swgi_http_transfer *transfer,
                        const struct swg_http_result *result) {
    struct curl_header *found;

    if (transfer->repeat != SWG_HTTP_READ || transfer->body.most == 0 || result->status != 200 ||
        result->curl_code != CURLE_OK)
        return false;
    for (size_t i = 0; curl_easy_header(transfer->easy, "Cache-Control", i, CURLH_HEADER, -1,
                                        &found) == CURLHE_OK;
         i++)
        if (forbids_keeping(found->value))
            return false;
    return true;
}
