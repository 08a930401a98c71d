/* Names, and text from outside that is to be shown to people. */
#include "base/text.h"

#include <limits.h>
#include <string.h>

#define COMPARED_MAX 127u

static bool is_name_byte(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("._:@/-", c) != NULL);
}

bool swgi_name_valid(const char *name) {
    size_t length = 0;

    if (name == NULL)
        return false;
    while (is_name_byte(name[length])) {
        if (++length > SWGI_TEXT_NAME_MAX)
            return false;
    }
    return length > 0 && name[length] == '\0';
}

/* How many bytes the first one promises, and the smallest code point that may be written with so many (RFC 3629). */
static unsigned utf8_length(unsigned char first, uint32_t *bits, uint32_t *least) {
    static const uint32_t least_of[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned length = first < 0x80   ? 1
                      : first < 0xc2 ? 0
                      : first < 0xe0 ? 2
                      : first < 0xf0 ? 3
                      : first < 0xf5 ? 4
                                     : 0;

    *bits = length == 1 ? first : first & (0x7fu >> length);
    *least = least_of[length];
    return length;
}

/* Decodes one character of at most `left` bytes; 0 for what is not UTF-8. */
static unsigned utf8_decode(const char *bytes, size_t left, uint32_t *out) {
    uint32_t least;
    unsigned length = utf8_length((unsigned char)bytes[0], out, &least);

    if (length == 0 || length > left)
        return 0;
    for (unsigned i = 1; i < length; i++) {
        unsigned char next = (unsigned char)bytes[i];

        if ((next & 0xc0) != 0x80)
            return 0;
        *out = *out << 6 | (next & 0x3f);
    }
    return *out < least || *out > 0x10ffff || (*out >= 0xd800 && *out <= 0xdfff) ? 0 : length;
}

/* Controls, separators of lines and paragraphs, marks and overrides of direction ("Trojan Source", CVE-2021-42574). */
static bool is_printable(uint32_t c) {
    return c >= 0x20 && !(c >= 0x7f && c <= 0x9f) && c != 0x61c && !(c >= 0x200b && c <= 0x200f) &&
           !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff &&
           !(c >= 0xfff0 && c <= 0xfffb) && c < 0xe0000;
}

size_t swgi_copy_bytes(char *out, size_t size, const char *bytes, size_t length) {
    size_t used = 0;

    if (size == 0)
        return 0;
    for (size_t at = 0; at < length && bytes[at] != '\0';) {
        uint32_t character;
        unsigned taken = utf8_decode(bytes + at, length - at, &character);
        bool shown = taken > 0 && is_printable(character);
        size_t needed = shown ? taken : 1;

        if (size - used <= needed)
            break;
        memcpy(out + used, shown ? bytes + at : "?", needed);
        used += needed;
        at += taken > 0 ? taken : 1;
    }
    out[used] = '\0';
    return used;
}

size_t swgi_copy_text(char *out, size_t size, const char *text) {
    return swgi_copy_bytes(out, size, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

bool swgi_text_is_blank(const char *text) {
    for (; text != NULL && *text != '\0'; text++)
        if ((unsigned char)*text > ' ' && *text != 0x7f)
            return false;
    return true;
}

static unsigned least(unsigned a, unsigned b) {
    return a < b ? a : b;
}

/* One row of the table of distances; before[0] is the row above, before[1] the one above that. */
static void distance_row(const char *a, size_t i, const char *b, size_t b_length,
                         unsigned *const before[2], unsigned *row) {
    row[0] = (unsigned)i;
    for (size_t j = 1; j <= b_length; j++) {
        unsigned replaced = before[0][j - 1] + (a[i - 1] != b[j - 1]);

        row[j] = least(replaced, least(before[0][j], row[j - 1]) + 1);
        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
            row[j] = least(row[j], before[1][j - 2] + 1);
    }
}

/* Optimal string alignment: Damerau-Levenshtein without editing a place twice. */
unsigned swgi_edit_distance(const char *a, const char *b) {
    unsigned rows[3][COMPARED_MAX + 1];
    size_t a_length = strnlen(a, COMPARED_MAX + 1), b_length = strnlen(b, COMPARED_MAX + 1);

    if (a_length > COMPARED_MAX || b_length > COMPARED_MAX)
        return UINT_MAX;
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        unsigned *const before[2] = { rows[(i - 1) % 3], rows[(i + 1) % 3] };

        distance_row(a, i, b, b_length, before, rows[i % 3]);
    }
    return rows[a_length % 3][b_length];
}

/* Near enough: a third of what was written, and never more than its half when it is short. */
void swgi_nearest_offer(struct swgi_nearest *nearest, const char *candidate) {
    unsigned distance = swgi_edit_distance(nearest->wanted, candidate);
    size_t near = strlen(nearest->wanted) / 3 + 1;

    if (distance > near || distance >= strlen(nearest->wanted))
        return;
    if (nearest->name != NULL && distance >= nearest->distance)
        return;
    nearest->name = candidate;
    nearest->distance = distance;
}
