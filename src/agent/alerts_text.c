/*
 * Redaction errs on the side of taking too much: who reads the alert can ask `switchgear why` on the host, where everything
 * still stands; what went to a chat cannot be called back.
 */
#include "agent/alerts_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/text.h"

#define TEXT_MAX          512
#define DIGITS_MIN        9
#define DIGITS_GROUPS_MIN 12
#define TOKEN_MIN         20

/* What a matcher found: so many bytes stay, so many are replaced. */
struct match {
    size_t keep, drop;
};

static bool is_word(char byte) {
    return isalnum((unsigned char)byte) || byte == '_' || byte == '-';
}

static size_t span_of(const char *at, bool (*of)(char)) {
    size_t length = 0;

    while (at[length] != '\0' && of(at[length]))
        length++;
    return length;
}

static bool has_prefix(const char *at, const char *prefix) {
    return strncasecmp(at, prefix, strlen(prefix)) == 0;
}

/* ---- matchers: text begins at start, and is looked at from `at` on */

static struct match match_credentials(const char *start, const char *at) {
    size_t length = strcspn(at, "@/?# \t\"'<>");

    if (at - start < 3 || memcmp(at - 3, "://", 3) != 0 || at[length] != '@')
        return (struct match){ 0, 0 };
    return (struct match){ 0, length };
}

static bool names_a_secret(const char *word, size_t length) {
    static const char *const secrets[] = {
        "passw",   "pwd",     "secret",        "token",       "api_key",
        "apikey",  "api-key", "authorization", "credential",  "signature",
        "session", "cookie",  "access_key",    "private_key", "routing_key",
    };

    for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
        for (size_t at = 0; at + strlen(secrets[i]) <= length; at++)
            if (has_prefix(word + at, secrets[i]))
                return true;
    return false;
}

static size_t scheme_length(const char *at) {
    static const char *const schemes[] = { "Bearer ", "Basic ", "Digest " };

    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
        if (has_prefix(at, schemes[i]))
            return strlen(schemes[i]);
    return 0;
}

/* name=value, name: value, "name": "value" */
static struct match match_secret(const char *start, const char *at) {
    size_t word = span_of(at, is_word), keep = word;

    (void)start;
    if (!names_a_secret(at, word))
        return (struct match){ 0, 0 };
    keep += strspn(at + keep, "\"' ");
    if (at[keep] != '=' && at[keep] != ':')
        return (struct match){ 0, 0 };
    keep += 1 + strspn(at + keep + 1, "\"' ");
    size_t scheme = scheme_length(at + keep);
    return (struct match){ keep, scheme + strcspn(at + keep + scheme, " \t\"'&,;)}") };
}

static struct match match_scheme(const char *start, const char *at) {
    size_t scheme = scheme_length(at), length = strcspn(at + scheme, " \t\"',;)");

    (void)start;
    return scheme == 0 || length < 8 ? (struct match){ 0, 0 } : (struct match){ scheme, length };
}

static bool is_local(char byte) {
    return isalnum((unsigned char)byte) || (byte != '\0' && strchr("._%+-", byte) != NULL);
}

static bool is_host(char byte) {
    return isalnum((unsigned char)byte) || byte == '.' || byte == '-';
}

static struct match match_mail(const char *start, const char *at) {
    size_t local = span_of(at, is_local), host;

    (void)start;
    if (local == 0 || at[local] != '@')
        return (struct match){ 0, 0 };
    host = span_of(at + local + 1, is_host);
    if (memchr(at + local + 1, '.', host) == NULL)
        return (struct match){ 0, 0 };
    return (struct match){ 0, local + 1 + host };
}

static struct match match_digits(const char *start, const char *at) {
    size_t length = 0, digits = 0;
    bool grouped = false;

    (void)start;
    for (; isdigit((unsigned char)at[length]); digits++) {
        length++;
        if ((at[length] == ' ' || at[length] == '-') && isdigit((unsigned char)at[length + 1])) {
            grouped = true;
            length++;
        }
    }
    if (digits < (grouped ? DIGITS_GROUPS_MIN : DIGITS_MIN))
        return (struct match){ 0, 0 };
    return (struct match){ 0, length };
}

static bool is_token(char byte) {
    return is_word(byte) || byte == '+' || byte == '=';
}

static struct match match_token(const char *start, const char *at) {
    size_t length = span_of(at, is_token), letters = 0, digits = 0;

    (void)start;
    for (size_t i = 0; i < length; i++) {
        letters += isalpha((unsigned char)at[i]) != 0;
        digits += isdigit((unsigned char)at[i]) != 0;
    }
    if (length < TOKEN_MIN || letters == 0 || digits == 0)
        return (struct match){ 0, 0 };
    return (struct match){ 0, length };
}

static const struct {
    struct match (*find)(const char *start, const char *at);
    const char *instead;
} matchers[] = {
    { match_credentials, "[redacted]" }, { match_secret, "[redacted]" },
    { match_scheme, "[redacted]" },      { match_mail, "[email]" },
    { match_digits, "[digits]" },        { match_token, "[token]" },
};

/* ---- putting together */

struct sink {
    char *out;
    size_t size, length;
};

static void put(struct sink *sink, const char *bytes, size_t length) {
    for (size_t i = 0; i < length && sink->length + 1 < sink->size; i++)
        sink->out[sink->length++] = bytes[i];
    sink->out[sink->length] = '\0';
}

/* How much of the text was dealt with; 0: nothing to hide begins here. */
static size_t hide(struct sink *sink, const char *start, const char *at) {
    if (at > start && is_word(at[-1]))
        return 0;
    for (size_t i = 0; i < sizeof(matchers) / sizeof(*matchers); i++) {
        struct match match = matchers[i].find(start, at);

        if (match.drop == 0)
            continue;
        put(sink, at, match.keep);
        put(sink, matchers[i].instead, strlen(matchers[i].instead));
        return match.keep + match.drop;
    }
    return 0;
}

const char *swgi_redact(const char *text, char *out, size_t size) {
    struct sink sink = { .out = out, .size = size };
    char clean[TEXT_MAX], cut[TEXT_MAX];
    size_t done;

    out[0] = '\0';
    swgi_copy_text(clean, sizeof(clean), text);
    for (const char *at = clean; *at != '\0'; at += done) {
        done = hide(&sink, clean, at);
        if (done == 0) {
            put(&sink, at, 1);
            done = 1;
        }
    }
    /* A character that was cut in two at the end is none. */
    if (swgi_copy_bytes(cut, sizeof(cut), out, sink.length) < size)
        memcpy(out, cut, strlen(cut) + 1);
    return out;
}

static const char *entity_of(char byte) {
    return byte == '&' ? "&amp;" : byte == '<' ? "&lt;" : byte == '>' ? "&gt;" : NULL;
}

/* Of clean UTF-8. */
static size_t character_length(const char *at) {
    size_t length = 1;

    while (((unsigned char)at[length] & 0xc0) == 0x80)
        length++;
    return length;
}

const char *swgi_slack_escape(const char *text, char *out, size_t size) {
    struct sink sink = { .out = out, .size = size };
    size_t length;

    out[0] = '\0';
    for (; *text != '\0'; text += length) {
        const char *entity = entity_of(*text), *bytes = entity != NULL ? entity : text;
        size_t wanted = entity != NULL ? strlen(entity) : character_length(text);

        if (sink.length + wanted >= size)
            break;
        length = entity != NULL ? 1 : wanted;
        put(&sink, bytes, wanted);
    }
    return out;
}

const char *swgi_utc_text(int64_t wall_ms, char out[SWGI_UTC_TEXT]) {
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    size_t length = 0;

    if (gmtime_r(&seconds, &tm) != NULL)
        length = strftime(out, SWGI_UTC_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + length, SWGI_UTC_TEXT - length, ".%03uZ", (unsigned)(wall_ms % 1000) % 1000);
    return out;
}
