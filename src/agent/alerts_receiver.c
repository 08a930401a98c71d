/* Where a receiver is, and what it needs. */
#include "agent/alerts_receiver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"

#define PAGERDUTY_URL     "https://events.pagerduty.com/v2/enqueue"
#define ALERTMANAGER_PATH "/api/v2/alerts"

static int fail(const struct swgi_receiver *receiver, const char *key, const char *what,
                struct swg_error *error) {
    char whole[SWGI_FILE_WORD_MAX + 32];

    snprintf(whole, sizeof(whole), "receivers.%.70s.%s", receiver->says.name, key);
    return swgi_fail(error, -EINVAL, whole, "%s", what);
}

/* ---- URL and secret */

static bool is_web_url(const char *text) {
    CURLU *url = curl_url();
    char *scheme = NULL;
    bool is_web = url != NULL && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                  curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                  (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

    curl_free(scheme);
    curl_url_cleanup(url);
    return is_web;
}

/* An Alertmanager is named by its address; everything else by the whole URL. */
static void complete(struct swgi_receiver *receiver) {
    size_t length = strlen(receiver->url), path = strlen(ALERTMANAGER_PATH);

    if (receiver->says.kind == SWGI_RECEIVER_PAGERDUTY && length == 0)
        snprintf(receiver->url, sizeof(receiver->url), "%s", PAGERDUTY_URL);
    if (receiver->says.kind != SWGI_RECEIVER_ALERTMANAGER || length == 0)
        return;
    if (length >= path && strcmp(receiver->url + length - path, ALERTMANAGER_PATH) == 0)
        return;
    while (length > 0 && receiver->url[length - 1] == '/')
        length--;
    snprintf(receiver->url + length, sizeof(receiver->url) - length, "%s", ALERTMANAGER_PATH);
}

static int find_url(struct swgi_receiver *receiver, struct swg_error *error) {
    int rc = 0;

    swgi_copy_text(receiver->url, sizeof(receiver->url), receiver->says.url);
    if (receiver->url[0] == '\0')
        rc = swgi_secret_read(receiver->says.url_file, receiver->says.name, "URL", receiver->url,
                              sizeof(receiver->url) - sizeof(ALERTMANAGER_PATH), error);
    complete(receiver);
    if (rc == 0 && receiver->url[0] == '\0')
        rc = fail(receiver, "url",
                  "is missing: give url, url_file, or SWITCHGEAR_NAME_URL in the environment",
                  error);
    if (rc == 0 && !is_web_url(receiver->url))
        rc = fail(receiver, "url", "is no URL of http or https", error);
    return rc;
}

static int find_secret(struct swgi_receiver *receiver, struct swg_error *error) {
    int rc = swgi_secret_read(receiver->says.token_file, receiver->says.name, "TOKEN",
                              receiver->secret, sizeof(receiver->secret), error);

    if (rc == 0 && receiver->says.kind == SWGI_RECEIVER_PAGERDUTY && receiver->secret[0] == '\0')
        rc =
            fail(receiver, "token_file",
                 "is missing: PagerDuty's routing key, or SWITCHGEAR_NAME_TOKEN in the environment",
                 error);
    return rc;
}

static int find_authorities(const struct swgi_receiver *receiver, struct swg_error *error) {
    char key[SWGI_FILE_WORD_MAX + 32];

    if (receiver->says.ca_file[0] == '\0')
        return 0;
    if (strncasecmp(receiver->url, "https://", 8) != 0)
        return fail(receiver, "ca_file", "does nothing: the URL does not begin with https://",
                    error);
    snprintf(key, sizeof(key), "receivers.%.70s.ca_file", receiver->says.name);
    return swgi_ca_check(receiver->says.ca_file, key, error);
}

/* ---- template */

static int parse_template(struct swgi_receiver *receiver, char *text, ssize_t length,
                          struct swg_error *error) {
    const char *path = receiver->says.template_file;
    int rc;

    if (length < 0)
        return swgi_fail(error, -errno, "template_file", "%s: %s", path, strerror(errno));
    if (length > (ssize_t)SWGI_TEMPLATE_MAX || memchr(text, '\0', (size_t)length) != NULL)
        return fail(receiver, "template_file", "is longer than 64 KiB, or no text", error);
    text[length] = '\0';
    rc = swgi_template_new(&receiver->form, text, error);
    return rc;
}

static int read_template(struct swgi_receiver *receiver, struct swg_error *error) {
    const char *path = receiver->says.template_file;
    char *text;
    int fd, rc;

    if (receiver->says.kind != SWGI_RECEIVER_WEBHOOK || path[0] == '\0')
        return 0;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return swgi_fail(error, -errno, "template_file", "%s: %s", path, strerror(errno));
    text = malloc(SWGI_TEMPLATE_MAX + 2);
    rc = text == NULL
             ? -ENOMEM
             : parse_template(receiver, text, read(fd, text, SWGI_TEMPLATE_MAX + 1), error);
    free(text);
    close(fd);
    return rc;
}

/* ---- who and where we are */

static void find_source(struct swgi_receiver *receiver) {
    char host[SWGI_FILE_WORD_MAX] = "";

    gethostname(host, sizeof(host) - 1);
    swgi_copy_text(receiver->source, sizeof(receiver->source),
                   receiver->says.source[0] != '\0' ? receiver->says.source
                   : host[0] != '\0'                ? host
                                                    : "switchgear");
}

/* An address that stands for all of them is no link. */
static void find_console(struct swgi_receiver *receiver, const char *listen) {
    const char *port = strrchr(listen, ':');
    bool is_any = strncmp(listen, "0.0.0.0:", 8) == 0 || strncmp(listen, "[::]:", 5) == 0;
    char host[SWGI_FILE_WORD_MAX] = "";

    if (port == NULL || strncmp(listen, "unix:", 5) == 0)
        return;
    gethostname(host, sizeof(host) - 1);
    if (is_any)
        snprintf(receiver->console, sizeof(receiver->console), "http://%s%s/", host, port);
    else
        snprintf(receiver->console, sizeof(receiver->console), "http://%s/", listen);
}

static int find_all(struct swgi_receiver *receiver, const char *listen, struct swg_error *error) {
    int rc = 0;

    find_source(receiver);
    find_console(receiver, listen);
    if (receiver->says.kind == SWGI_RECEIVER_LOG)
        return 0;
    rc = find_url(receiver, error);
    if (rc == 0)
        rc = find_secret(receiver, error);
    if (rc == 0)
        rc = find_authorities(receiver, error);
    return rc != 0 ? rc : read_template(receiver, error);
}

int swgi_receiver_new(struct swgi_receiver **out, const struct swgi_file_receiver *says,
                      const char *listen, struct swg_error *error) {
    struct swgi_receiver *receiver = calloc(1, sizeof(*receiver));
    int rc;

    if (receiver == NULL)
        return swgi_fail(error, -ENOMEM, "receivers", "out of memory");
    receiver->says = *says;
    rc = find_all(receiver, listen, error);
    if (rc != 0)
        swgi_receiver_free(receiver);
    else
        *out = receiver;
    return rc;
}

struct swgi_receiver *swgi_receiver_free(struct swgi_receiver *receiver) {
    if (receiver == NULL)
        return NULL;
    swgi_receiver_clear(receiver);
    for (size_t i = 0; i < receiver->waiting_count; i++)
        swgi_notice_unref(receiver->waiting[i].notice);
    for (size_t i = 0; i < receiver->active_count; i++)
        swgi_notice_unref(receiver->active[i]);
    curl_easy_cleanup(receiver->easy);
    curl_slist_free_all(receiver->headers);
    swgi_template_free(receiver->form);
    free(receiver->active);
    free(receiver->body);
    explicit_bzero(receiver->secret, sizeof(receiver->secret));
    free(receiver);
    return NULL;
}
