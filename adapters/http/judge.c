/* From a handle that has been performed to the numbers classify.c decides on, and to what people are told. */
#include "internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "classify.h"
#include "retry_after.h"

static long info_long(CURL *easy, CURLINFO info) {
    long value = 0;

    return curl_easy_getinfo(easy, info, &value) == CURLE_OK ? value : 0;
}

/* Of the last answer, where redirects made several. */
static const char *header(CURL *easy, const char *name) {
    struct curl_header *found;

    return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? found->value
                                                                                  : NULL;
}

static swg_ns named_wait(CURL *easy, int status, swg_ns most) {
    const char *value = swgi_http_status_names_wait(status) ? header(easy, "Retry-After") : NULL;

    return value == NULL ? -1
                         : swgi_http_retry_after(value, header(easy, "Date"), time(NULL), most);
}

/* The error's words are libcurl's fixed ones: the error buffer may quote the URL. */
static void tell(const struct swgi_http_class *class, CURL *easy, struct swg_http_result *result) {
    char origin[72] = "?";
    const char *url = NULL;

    if (curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url) != CURLE_OK ||
        !swgi_http_origin(url, origin, sizeof(origin)))
        snprintf(origin, sizeof(origin), "?");
    if (!class->by_status)
        snprintf(result->text, sizeof(result->text), "%s: %s", origin,
                 curl_easy_strerror((CURLcode)result->curl_code));
    else if (result->retry_after > 0)
        snprintf(result->text, sizeof(result->text), "%s: status %d, retry after %lld s", origin,
                 result->status, (long long)(result->retry_after / SWGI_NS_PER_S));
    else
        snprintf(result->text, sizeof(result->text), "%s: status %d", origin, result->status);
}

static void judge(CURL *easy, CURLcode code, swg_ns retry_after_max,
                  struct swg_http_result *result) {
    struct swgi_http_facts facts = { .curl_code = (int)code };
    struct swgi_http_class class;
    swg_ns wait;

    facts.status = (int)info_long(easy, CURLINFO_RESPONSE_CODE);
    facts.os_errno = (int)info_long(easy, CURLINFO_OS_ERRNO);
    facts.sent = info_long(easy, CURLINFO_REQUEST_SIZE) > 0;
    wait = named_wait(easy, facts.status, retry_after_max);
    facts.names_wait = wait >= 0;
    class = swgi_http_classify(&facts);
    result->called = 1;
    result->outcome = class.outcome;
    result->curl_code = (int)code;
    result->status = facts.status;
    result->retry_after = class.outcome == SWG_TIMEOUT && class.by_status && wait > 0 ? wait : 0;
    snprintf(result->kind, sizeof(result->kind), "%s", class.kind);
    if (class.outcome != SWG_SUCCESS)
        tell(&class, easy, result);
}

int swg_http_classify(CURL *easy, CURLcode code, swg_ns retry_after_max,
                      struct swg_http_result *result) {
    struct swg_http_result mine = SWG_HTTP_RESULT_INIT;

    judge(easy, code, retry_after_max, &mine);
    mine.rc = mine.outcome == SWG_FAILURE || mine.outcome == SWG_TIMEOUT ? SWG_FAILED : SWG_GO;
    swgi_http_give(result, &mine);
    return mine.outcome;
}
