/* The list of features as people write it: "checkout:100, search:50". */
#include "engine/features.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789_.-"
#define BLANKS       " \t\n"
#define KEY          "features.list"
#define QUOTED_MOST  60u

static int by_importance(const void *a, const void *b) {
    const struct swgi_feature *left = a, *right = b;

    if (left->importance != right->importance)
        return left->importance < right->importance ? 1 : -1;
    return strncmp(left->name, right->name, sizeof(left->name));
}

static bool name_fits(const char *name, size_t length) {
    return length >= 1 && length <= SWGI_FEATURE_NAME_MAX && strspn(name, NAME_LETTERS) >= length;
}

static bool feature_fits(const struct swgi_feature *feature) {
    return name_fits(feature->name, strnlen(feature->name, sizeof(feature->name))) &&
           feature->importance <= SWGI_FEATURE_IMPORTANCE_MAX;
}

static bool has_name(const struct swgi_feature_settings *settings, const char *name) {
    for (unsigned i = 0; i < settings->count; i++)
        if (strcmp(settings->list[i].name, name) == 0)
            return true;
    return false;
}

static int refuse_entry(const char *entry, size_t length, struct swg_error *error) {
    return swgi_fail(error, -EINVAL, KEY,
                     "\"%.*s\" is no feature; allowed: a name of 1..%u of a-z 0-9 _ . -, a colon"
                     " and its importance, as search:50",
                     (int)(length < QUOTED_MOST ? length : QUOTED_MOST), entry,
                     SWGI_FEATURE_NAME_MAX);
}

static int add(struct swgi_feature_settings *out, const char *name, const char *importance,
               struct swg_error *error) {
    struct swgi_feature feature = { .importance = 0 };
    uint64_t parsed = 0;

    if (swgi_integer_parse(importance, &parsed) != 0 || parsed > SWGI_FEATURE_IMPORTANCE_MAX)
        return swgi_fail(error, -EINVAL, KEY, "\"%s\" is no importance of %s; allowed: 0..%u",
                         importance, name, SWGI_FEATURE_IMPORTANCE_MAX);
    if (has_name(out, name))
        return swgi_fail(error, -EINVAL, KEY, "%s is there twice; allowed: each name once", name);
    if (out->count == SWGI_FEATURES_MAX)
        return swgi_fail(error, -EINVAL, KEY, "more than %u features; allowed: at most %u",
                         SWGI_FEATURES_MAX, SWGI_FEATURES_MAX);
    feature.importance = (uint32_t)parsed;
    memcpy(feature.name, name, strlen(name));
    out->list[out->count++] = feature;
    return 0;
}

/* One entry, without the blanks around it. */
static int parse_entry(const char *entry, size_t length, struct swgi_feature_settings *out,
                       struct swg_error *error) {
    char text[SWGI_NUMBER_TEXT + SWGI_FEATURE_NAME_MAX] = "";

    if (length < sizeof(text))
        memcpy(text, entry, length);
    size_t name = strcspn(text, ":");
    if (text[name] != ':' || !name_fits(text, name))
        return refuse_entry(entry, length, error);
    text[name] = '\0';
    return add(out, text, text + name + 1, error);
}

static int parse_entries(const char *text, struct swgi_feature_settings *out,
                         struct swg_error *error) {
    for (;;) {
        text += strspn(text, BLANKS);
        size_t whole = strcspn(text, ","), length = whole;
        while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL)
            length--;
        int rc = parse_entry(text, length, out, error);
        if (rc != 0 || text[whole] == '\0')
            return rc;
        text += whole + 1;
    }
}

int swgi_features_parse(const char *text, struct swgi_feature_settings *out,
                        struct swg_error *error) {
    struct swgi_feature_settings parsed = { .hold_ns = out->hold_ns };
    int rc = strcmp(text, "none") == 0 ? 0 : parse_entries(text, &parsed, error);

    if (rc != 0)
        return rc;
    qsort(parsed.list, parsed.count, sizeof(parsed.list[0]), by_importance);
    *out = parsed;
    return 0;
}

int swgi_features_print(const struct swgi_feature_settings *settings, char *out, size_t size) {
    unsigned count = settings->count < SWGI_FEATURES_MAX ? settings->count : SWGI_FEATURES_MAX;
    size_t used = 0;

    if (count == 0)
        return (size_t)snprintf(out, size, "none") < size ? 0 : -ERANGE;
    for (unsigned i = 0; i < count; i++) {
        const struct swgi_feature *feature = &settings->list[i];
        int length = snprintf(out + used, size - used, "%s%.*s:%u", i > 0 ? ", " : "",
                              (int)SWGI_FEATURE_NAME_MAX, feature->name, feature->importance);
        if (length < 0 || (size_t)length >= size - used)
            return -ERANGE;
        used += (size_t)length;
    }
    return 0;
}

int swgi_features_compile(struct swgi_feature_settings *settings, struct swg_error *error) {
    if (settings->count > SWGI_FEATURES_MAX)
        return swgi_fail(error, -EINVAL, KEY, "%u features; allowed: at most %u", settings->count,
                         SWGI_FEATURES_MAX);
    qsort(settings->list, settings->count, sizeof(settings->list[0]), by_importance);
    if (!swgi_features_settings_check(settings))
        return swgi_fail(error, -EINVAL, KEY,
                         "a name is there twice, or a setting is out of its range");
    return 0;
}

bool swgi_features_settings_check(const struct swgi_feature_settings *settings) {
    bool fits = settings->count <= SWGI_FEATURES_MAX && settings->hold_ns <= (uint64_t)INT64_MAX;

    for (unsigned i = 0; fits && i < settings->count; i++) {
        fits = feature_fits(&settings->list[i]);
        for (unsigned j = 0; fits && j < i; j++)
            fits = strcmp(settings->list[i].name, settings->list[j].name) != 0;
        if (fits && i > 0)
            fits = by_importance(&settings->list[i - 1], &settings->list[i]) < 0;
    }
    return fits;
}
