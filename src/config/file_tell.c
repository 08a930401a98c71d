/* The file's own keys in words: what each takes, and what it is set to. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/file_keys.h"

/* ---- what is allowed */

const char *swgi_file_key_words(const struct swgi_file_key *key) {
    switch (key->type) {
    case SWGI_FILE_TEXT:
        return "text";
    case SWGI_FILE_PATH:
        return "a path";
    case SWGI_FILE_URL:
    case SWGI_FILE_URLS:
        return "a URL that begins with http:// or https://";
    case SWGI_FILE_ADDRESS:
        return "an address and port such as 127.0.0.1:9190";
    case SWGI_FILE_NAME:
    case SWGI_FILE_NAMES:
        return "a name of A-Z a-z 0-9 . _ : @ / -";
    case SWGI_FILE_GLOBS:
        return "a name, with * and ? for what may vary";
    case SWGI_FILE_INTEGER:
        return "a whole number";
    case SWGI_FILE_BYTES:
        return "a size such as 256MiB";
    case SWGI_FILE_DURATION:
        return "a duration such as 250ms, 30s or 5m";
    case SWGI_FILE_AVAILABILITY:
        return "a percentage such as 99.9";
    case SWGI_FILE_ABOVE:
        return "a number, percentage or duration, by what `when` counts in";
    default:
        return "one of its words";
    }
}

static void bytes_print(uint64_t bytes, char *out, size_t size) {
    static const char units[] = "KMG";
    unsigned unit = 0;

    while (unit < 3 && bytes != 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    if (unit == 0)
        snprintf(out, size, "%llu", (unsigned long long)bytes);
    else
        snprintf(out, size, "%llu%ciB", (unsigned long long)bytes, units[unit - 1]);
}

static void bound_print(const struct swgi_file_key *key, uint64_t bound, char *out, size_t size) {
    if (key->type == SWGI_FILE_DURATION)
        (void)swgi_duration_print(bound, out, size);
    else if (key->type == SWGI_FILE_BYTES)
        bytes_print(bound, out, size);
    else
        (void)swgi_integer_print(bound, out, size);
}

void swgi_file_key_range(const struct swgi_file_key *key, char out[SWGI_FILE_RANGE_MAX]) {
    char least[SWGI_NUMBER_TEXT] = "", most[SWGI_NUMBER_TEXT] = "";

    bound_print(key, key->least, least, sizeof(least));
    bound_print(key, key->most, most, sizeof(most));
    switch (key->type) {
    case SWGI_FILE_WORD:
        snprintf(out, SWGI_FILE_RANGE_MAX, "%s",
                 key->unit[0] != '\0' ? key->unit : "the name of one of environments");
        break;
    case SWGI_FILE_CHOICE:
    case SWGI_FILE_YES_NO:
        snprintf(out, SWGI_FILE_RANGE_MAX, "%s", key->unit);
        break;
    case SWGI_FILE_INTEGER:
    case SWGI_FILE_BYTES:
    case SWGI_FILE_DURATION:
        snprintf(out, SWGI_FILE_RANGE_MAX, "%s..%s", least, most);
        break;
    case SWGI_FILE_AVAILABILITY:
        snprintf(out, SWGI_FILE_RANGE_MAX, "above %s and below %s percent", least, most);
        break;
    case SWGI_FILE_NAMES:
    case SWGI_FILE_GLOBS:
    case SWGI_FILE_URLS:
        snprintf(out, SWGI_FILE_RANGE_MAX, "a list of at most %s, each %s", most,
                 swgi_file_key_words(key));
        break;
    case SWGI_FILE_TEXT:
        snprintf(out, SWGI_FILE_RANGE_MAX, "text of %s to %s bytes", least, most);
        break;
    default:
        snprintf(out, SWGI_FILE_RANGE_MAX, "%s", swgi_file_key_words(key));
    }
}

/* ---- printing */

static void print_words(const struct swgi_file_words *words, char *out, size_t size) {
    size_t used = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < words->count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i > 0 ? ", " : "", words->at[i]);
}

static void print_whole(const struct swgi_file_key *key, const void *field, char *out,
                        size_t size) {
    uint64_t whole = 0;

    if (key->width == sizeof(uint32_t))
        whole = *(const uint32_t *)field;
    else
        memcpy(&whole, field, sizeof(whole));
    if (whole != 0 || key->least == 0)
        bound_print(key, whole, out, size);
}

void swgi_file_key_print(const struct swgi_file_key *key, const void *object, char *out,
                         size_t size) {
    const void *field = (const char *)object + key->offset;
    double real;

    out[0] = '\0';
    switch (key->type) {
    case SWGI_FILE_CHOICE:
        swgi_word_at(key->unit, *(const int *)field, out, size);
        break;
    case SWGI_FILE_YES_NO:
        snprintf(out, size, "%s", *(const bool *)field ? "yes" : "no");
        break;
    case SWGI_FILE_AVAILABILITY:
    case SWGI_FILE_ABOVE:
        memcpy(&real, field, sizeof(real));
        if (real > 0.0)
            (void)swgi_decimal_print(real, out, size);
        break;
    case SWGI_FILE_INTEGER:
    case SWGI_FILE_BYTES:
    case SWGI_FILE_DURATION:
        print_whole(key, field, out, size);
        break;
    case SWGI_FILE_NAMES:
    case SWGI_FILE_GLOBS:
    case SWGI_FILE_URLS:
        print_words(field, out, size);
        break;
    default:
        snprintf(out, size, "%.*s", (int)key->width, (const char *)field);
    }
}
