/* JSON written as it is told. */
#include "report/writer.h"

#include <err.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/text.h"

#define NUMBER_MAX 40 /* bytes that any number takes at most */
#define INDENT     2u
#define NANO       1e9
#define EXACT_MAX  999999999999999.0 /* fifteen digits, all of which a double keeps */

/* ---- bytes */

static bool grow(struct swgi_bytes *bytes, size_t size) {
    size_t room = 2 * (bytes->used + size) + 4096;
    char *more = bytes->failed ? NULL : realloc(bytes->at, room);

    if (!more) {
        bytes->failed = true;
        return false;
    }
    bytes->at = more;
    bytes->room = room;
    return true;
}

/* Where so many bytes may be put, or NULL. */
static char *room_for(struct swgi_bytes *bytes, size_t size) {
    if (bytes->used + size > bytes->room && !grow(bytes, size))
        return NULL;
    return bytes->at + bytes->used;
}

void swgi_bytes_add(struct swgi_bytes *bytes, const char *text, size_t size) {
    char *at = room_for(bytes, size);

    if (!at)
        return;
    memcpy(at, text, size);
    bytes->used += size;
}

char *swgi_bytes_end(struct swgi_bytes *bytes, size_t *size) {
    *size = bytes->used;
    if (!bytes->failed)
        return bytes->at;
    free(bytes->at);
    return NULL;
}

/* ---- members */

static char *put_line(char *at, const struct swgi_writer *to) {
    *at++ = '\n';
    memset(at, ' ', (size_t)to->depth * INDENT);
    return at + (size_t)to->depth * INDENT;
}

static char *put_key(char *at, const struct swgi_writer *to, const char *key, size_t length) {
    *at++ = '"';
    memcpy(at, key, length);
    at += length;
    *at++ = '"';
    *at++ = ':';
    if (to->in_lines)
        *at++ = ' ';
    return at;
}

/* What stands before a value, and room for `size` bytes of it; NULL without memory. */
static char *begin(struct swgi_writer *to, const char *key, size_t size) {
    size_t length = key ? strlen(key) : 0;
    char *at = room_for(&to->bytes, length + (size_t)to->depth * INDENT + 8 + size);

    if (!at)
        return NULL;
    if (to->has_members)
        *at++ = ',';
    if (to->in_lines && to->depth > 0)
        at = put_line(at, to);
    if (key)
        at = put_key(at, to, key, length);
    to->has_members = to->depth > 0;
    return at;
}

static void end(struct swgi_writer *to, const char *at) {
    to->bytes.used = (size_t)(at - to->bytes.at);
}

static void put_word(struct swgi_writer *to, const char *key, const char *word) {
    size_t length = strlen(word);
    char *at = begin(to, key, length);

    if (!at)
        return;
    memcpy(at, word, length);
    end(to, at + length);
}

static void open_with(struct swgi_writer *to, const char *key, const char *bracket) {
    put_word(to, key, bracket);
    to->depth++;
    to->has_members = false;
}

static void close_with(struct swgi_writer *to, char bracket) {
    char *at = room_for(&to->bytes, (size_t)to->depth * INDENT + 2);

    to->depth--;
    if (at) {
        if (to->in_lines && to->has_members)
            at = put_line(at, to);
        *at++ = bracket;
        end(to, at);
    }
    to->has_members = to->depth > 0;
}

void swgi_put_object(struct swgi_writer *to, const char *key) {
    open_with(to, key, "{");
}

void swgi_put_object_end(struct swgi_writer *to) {
    close_with(to, '}');
}

void swgi_put_array(struct swgi_writer *to, const char *key) {
    open_with(to, key, "[");
}

void swgi_put_array_end(struct swgi_writer *to) {
    close_with(to, ']');
}

void swgi_put_null(struct swgi_writer *to, const char *key) {
    put_word(to, key, "null");
}

void swgi_put_boolean(struct swgi_writer *to, const char *key, bool value) {
    put_word(to, key, value ? "true" : "false");
}

/* ---- numbers */

static char *put_digits(char *at, uint64_t value) {
    char digits[20];
    size_t first = sizeof(digits);

    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    memcpy(at, digits + first, sizeof(digits) - first);
    return at + sizeof(digits) - first;
}

static char *put_integer(char *at, int64_t value) {
    if (value < 0)
        *at++ = '-';
    return put_digits(at, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void swgi_put_integer(struct swgi_writer *to, const char *key, int64_t value) {
    char *at = begin(to, key, NUMBER_MAX);

    if (at)
        end(to, put_integer(at, value));
}

void swgi_put_number(struct swgi_writer *to, const char *key, uint64_t value) {
    swgi_put_integer(to, key, (int64_t)value);
}

/* Nine places, less the zeros at their end, but one at least. */
static char *put_places(char *at, uint64_t nanos) {
    unsigned places = 9;

    while (places > 1 && nanos % 10 == 0) {
        nanos /= 10;
        places--;
    }
    for (unsigned i = places; i > 0; i--, nanos /= 10)
        at[i - 1] = (char)('0' + nanos % 10);
    return at + places;
}

/*
 * "%.15g" as JSON wants it: a point or an exponent, and no zeros or plus in the latter.
 */
static char *put_any_real(char *at, double value) {
    int length = snprintf(at, NUMBER_MAX, "%.15g", value);
    char *exponent = memchr(at, 'e', (size_t)length), *from;

    for (char *c = at; c < at + length; c++)
        *c = *c == ',' ? '.' : *c; /* the locale's */
    if (!exponent && !memchr(at, '.', (size_t)length)) {
        memcpy(at + length, ".0", 2);
        return at + length + 2;
    }
    if (!exponent)
        return at + length;
    from = ++exponent;
    exponent += *from == '-';
    while (*from == '-' || *from == '+' || *from == '0')
        from++;
    length -= (int)(from - exponent);
    memmove(exponent, from, (size_t)(at + length - exponent));
    return at + length;
}

/*
 * Most are whole, or a count of nanoseconds: a double that is the nearest to a decimal of at most fifteen digits is printed as
 * that, which is what "%.15g" comes to. Below a ten-thousandth that takes an exponent.
 */
static char *put_real(char *at, double value) {
    double nanos = nearbyint(value * NANO);
    uint64_t whole;

    if (value == 0 && !signbit(value))
        nanos = 0;
    else if (value < 1e-4 || nanos > EXACT_MAX || nanos / NANO != value)
        return put_any_real(at, value);
    whole = (uint64_t)nanos;
    at = put_digits(at, whole / 1000000000);
    *at++ = '.';
    return put_places(at, whole % 1000000000);
}

void swgi_put_real(struct swgi_writer *to, const char *key, double value) {
    char *at;

    if (!isfinite(value)) {
        swgi_put_null(to, key);
        return;
    }
    at = begin(to, key, NUMBER_MAX);
    if (at)
        end(to, put_real(at, value));
}

void swgi_put_known(struct swgi_writer *to, const char *key, double value) {
    swgi_put_real(to, key, value >= 0 ? value : (double)INFINITY);
}

void swgi_put_seconds(struct swgi_writer *to, const char *key, swg_ns duration) {
    bool is_known = duration >= 0 && duration != SWG_NS_MAX;

    swgi_put_known(to, key, is_known ? (double)duration / 1e9 : -1);
}

/* ---- text */

static char *put_unit(char *at, unsigned unit) {
    static const char digits[] = "0123456789ABCDEF";

    *at++ = '\\';
    *at++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4)
        *at++ = digits[unit >> shift & 15];
    return at;
}

/* One character of well-formed UTF-8, of two bytes or more, as UTF-16. */
static const char *put_escaped(char **at, const char *text) {
    unsigned char first = (unsigned char)*text++;
    uint32_t c = first & (first < 0xe0 ? 0x1fu : first < 0xf0 ? 0xfu : 7u);

    while (((unsigned char)*text & 0xc0) == 0x80)
        c = c << 6 | ((unsigned char)*text++ & 0x3f);
    if (c > 0xffff) {
        c -= 0x10000;
        *at = put_unit(*at, 0xd800 | c >> 10);
        c = 0xdc00 | (c & 0x3ff);
    }
    *at = put_unit(*at, c);
    return text;
}

/* Of text that has no control characters. */
static char *put_text(char *at, const char *text, bool is_ascii) {
    *at++ = '"';
    while (*text) {
        if (is_ascii && (unsigned char)*text >= 0x80) {
            text = put_escaped(&at, text);
            continue;
        }
        if (*text == '"' || *text == '\\')
            *at++ = '\\';
        *at++ = *text++;
    }
    *at++ = '"';
    return at;
}

void swgi_put_text(struct swgi_writer *to, const char *key, const char *text) {
    char clean[512], *at;
    size_t length;

    if (!text) {
        swgi_put_null(to, key);
        return;
    }
    length = swgi_copy_text(clean, sizeof(clean), text);
    at = begin(to, key, 6 * length + 2);
    if (at)
        end(to, put_text(at, clean, to->is_ascii));
}

void swgi_put_filled(struct swgi_writer *to, const char *key, const char *text) {
    swgi_put_text(to, key, text && text[0] ? text : NULL);
}

/* ---- the end */

void swgi_writer_print(struct swgi_writer *writer, FILE *out) {
    size_t size;
    char *text;

    swgi_bytes_add(&writer->bytes, "\n", 1);
    text = swgi_bytes_end(&writer->bytes, &size);
    if (!text)
        errx(EX_OSERR, "out of memory");
    fwrite(text, 1, size, out);
    free(text);
}
