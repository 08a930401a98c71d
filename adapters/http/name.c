/* Which circuit a URL belongs to, and how much of a URL may be shown. URLs are libcurl's to parse. */
#include "internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static const char legal[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@/-";
static const char *const placeholders[] = { "{scheme}", "{host}", "{port}", "{operation}" };
enum { SCHEME, HOST, PORT, OPERATION, PLACEHOLDERS };

/* Host names have at most 253 bytes, each of which may become three; longer ones than fit are hashed by the rest. */
struct name {
    char text[1024];
    size_t length;
};

struct parts {
    char *text[OPERATION]; /* as libcurl's, by placeholder */
    char operation[16];
};

static void parts_deinit(struct parts *parts) {
    for (int i = 0; i < OPERATION; i++)
        curl_free(parts->text[i]);
}

static CURLcode code_of(CURLUcode code) {
    if (code == CURLUE_UNSUPPORTED_SCHEME)
        return CURLE_UNSUPPORTED_PROTOCOL;
    return code == CURLUE_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_URL_MALFORMAT;
}

static CURLUcode parse(CURLU *url, const char *text, struct parts *parts) {
    CURLUcode code = curl_url_set(url, CURLUPART_URL, text, CURLU_GUESS_SCHEME);

    if (code == CURLUE_OK)
        code = curl_url_get(url, CURLUPART_SCHEME, &parts->text[SCHEME], 0);
    if (code == CURLUE_OK)
        code = curl_url_get(url, CURLUPART_HOST, &parts->text[HOST], 0);
    if (code == CURLUE_OK)
        code = curl_url_get(url, CURLUPART_PORT, &parts->text[PORT], CURLU_DEFAULT_PORT);
    return code;
}

/* CURLE_OK and parts to be freed, or what the URL amounts to. */
static CURLcode parts_init(struct parts *parts, const char *text) {
    CURLU *url = curl_url();
    CURLUcode code = CURLUE_OUT_OF_MEMORY;

    *parts = (struct parts){ 0 };
    if (url != NULL)
        code = parse(url, text, parts);
    curl_url_cleanup(url);
    if (code == CURLUE_OK)
        return CURLE_OK;
    parts_deinit(parts);
    return code_of(code);
}

static int placeholder_at(const char *text) {
    for (int i = 0; i < PLACEHOLDERS; i++)
        if (strncmp(text, placeholders[i], strlen(placeholders[i])) == 0)
            return i;
    return -1;
}

int swgi_http_template_check(const char *name_template, const char **wrong) {
    *wrong = "must have 1 to 255 bytes";
    if (*name_template == '\0' || strlen(name_template) > 255)
        return -EINVAL;
    while (*name_template != '\0') {
        int placeholder = placeholder_at(name_template);

        *wrong = "may hold {scheme} {host} {port} {operation} and A-Z a-z 0-9 . _ : @ / -";
        if (placeholder < 0 && strchr(legal, *name_template) == NULL)
            return -EINVAL;
        name_template += placeholder < 0 ? 1 : strlen(placeholders[placeholder]);
    }
    return 0;
}

bool swgi_http_template_needs_url(const char *name_template) {
    for (int i = 0; i < OPERATION; i++)
        if (strstr(name_template, placeholders[i]) != NULL)
            return true;
    return false;
}

static void name_append(struct name *name, const char *bytes, size_t count) {
    if (count >= sizeof(name->text) - name->length)
        count = sizeof(name->text) - name->length - 1;
    memcpy(name->text + name->length, bytes, count);
    name->length += count;
    name->text[name->length] = '\0';
}

/* One to one, so that two hosts never share a circuit: @ cannot occur in a host, and a port follows the last colon. */
static void name_append_part(struct name *name, const char *part) {
    for (; *part != '\0'; part++) {
        char byte = (char)tolower((unsigned char)*part), hex[8];

        if (byte == '[' || byte == ']')
            continue;
        if (strchr(legal, byte) != NULL) {
            name_append(name, &byte, 1);
        } else {
            snprintf(hex, sizeof(hex), "@%02x", (unsigned char)byte);
            name_append(name, hex, 3);
        }
    }
}

static void name_expand(struct name *name, const char *name_template, const struct parts *parts) {
    while (*name_template != '\0') {
        int placeholder = placeholder_at(name_template);

        if (placeholder < 0)
            name_append(name, name_template, 1);
        else
            name_append_part(name, placeholder == OPERATION ? parts->operation
                                                            : parts->text[placeholder]);
        name_template += placeholder < 0 ? 1 : strlen(placeholders[placeholder]);
    }
}

static void name_shorten(struct name *name) {
    char hash[20];

    if (name->length <= SWGI_HTTP_NAME_MAX)
        return;
    snprintf(hash, sizeof(hash), "-%016llx",
             (unsigned long long)XXH64(name->text, name->length, 0));
    memcpy(name->text + SWGI_HTTP_NAME_MAX - strlen(hash), hash, strlen(hash) + 1);
    name->length = SWGI_HTTP_NAME_MAX;
}

int swgi_http_name(const char *name_template, const char *url, uint32_t operation, char *out,
                   CURLcode *code) {
    struct name name = { .length = 0 };
    struct parts parts = { 0 };

    *code = CURLE_OK;
    if (swgi_http_template_needs_url(name_template))
        *code = url == NULL ? CURLE_URL_MALFORMAT : parts_init(&parts, url);
    if (*code != CURLE_OK)
        return *code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
    snprintf(parts.operation, sizeof(parts.operation), "%u", operation);
    name_expand(&name, name_template, &parts);
    parts_deinit(&parts);
    name_shorten(&name);
    memcpy(out, name.text, name.length + 1);
    return 0;
}

int swg_http_circuit_name(const char *name_template, const char *url, uint32_t operation, char *out,
                          size_t out_size) {
    const char *wrong;
    CURLcode code;

    if (out_size <= SWGI_HTTP_NAME_MAX)
        return -ERANGE;
    if (name_template == NULL)
        name_template = SWG_HTTP_CIRCUIT;
    if (swgi_http_template_check(name_template, &wrong) != 0)
        return -EINVAL;
    return swgi_http_name(name_template, url, operation, out, &code);
}

bool swgi_http_origin(const char *url, char *out, size_t out_size) {
    struct parts parts;

    if (url == NULL || parts_init(&parts, url) != CURLE_OK)
        return false;
    snprintf(out, out_size, "%s://%s:%s", parts.text[SCHEME], parts.text[HOST], parts.text[PORT]);
    parts_deinit(&parts);
    for (; *out != '\0'; out++)
        if (!isprint((unsigned char)*out))
            *out = '?';
    return true;
}
