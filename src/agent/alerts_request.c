/* One request to a receiver: what libcurl is told, and what is kept of the answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/alerts_receiver.h"
#include "base/clock.h"

#define RECEIVED_MAX 65536u /* of an answer with its headers */

/* ---- bytes from receivers, who may be anybody */

/* More than that of an answer is not listened to: the transfer ends, and its status counts. */
static bool is_too_much(struct swgi_receiver *receiver, size_t length) {
    receiver->received += length;
    return receiver->received > RECEIVED_MAX;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg) {
    struct swgi_receiver *receiver = arg;
    size_t length = size * count, room = SWGI_SAID_MAX - 1 - receiver->answer_length;

    if (is_too_much(receiver, length))
        return 0;
    if (room > length)
        room = length;
    memcpy(receiver->answer + receiver->answer_length, bytes, room);
    receiver->answer_length += room;
    return length;
}

static size_t on_header(const char *bytes, size_t size, size_t count, void *arg) {
    (void)bytes;
    return is_too_much(arg, size * count) ? 0 : size * count;
}

void swgi_request_restart(void *arg) {
    struct swgi_receiver *receiver = arg;

    receiver->answer_length = receiver->received = 0;
    memset(receiver->answer, 0, sizeof(receiver->answer));
}

/* ---- what is sent */

static void equip(struct swgi_receiver *receiver) {
    const char *proxy = getenv("SWITCHGEAR_PROXY");
    CURL *easy = receiver->easy;

    curl_easy_setopt(easy, CURLOPT_URL, receiver->url);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, receiver->body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(receiver->body));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, receiver);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, receiver);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, receiver);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "switchgear/" SWGI_VERSION);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, receiver->fault);
    if (receiver->says.ca_file[0] != '\0') { /* these, and not the system's beside them */
        curl_easy_setopt(easy, CURLOPT_CAINFO, receiver->says.ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_PROXY,
                     proxy != NULL ? proxy : "");   /* not the environment's own */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* never wait for a resolver's thread */
}

static bool add_header(struct swgi_receiver *receiver, const char *header) {
    struct curl_slist *list = curl_slist_append(receiver->headers, header);

    if (list != NULL)
        receiver->headers = list;
    return list != NULL;
}

/* The routing key goes into PagerDuty's body; everybody else's secret is a bearer token. */
static bool make_headers(struct swgi_receiver *receiver) {
    char bearer[SWGI_SECRET_MAX + 32];

    if (receiver->headers != NULL)
        return true;
    snprintf(bearer, sizeof(bearer), "Authorization: Bearer %s", receiver->secret);
    return add_header(receiver, "Content-Type: application/json") &&
           add_header(receiver, "Expect:") &&
           (receiver->secret[0] == '\0' || receiver->says.kind == SWGI_RECEIVER_PAGERDUTY ||
            add_header(receiver, bearer));
}

bool swgi_request_prepare(struct swgi_receiver *receiver) {
    if (receiver->easy == NULL)
        receiver->easy = curl_easy_init();
    receiver->body = swgi_receiver_body(receiver, swgi_clock_wall_ms());
    if (receiver->easy == NULL || receiver->body == NULL || !make_headers(receiver))
        return false;
    swgi_request_restart(receiver);
    receiver->fault[0] = '\0';
    equip(receiver);
    return true;
}
