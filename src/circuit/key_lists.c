/* Keys whose value is a list or a text: to their fields and back. */
#include "circuit/keys.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "engine/features.h"

bool swgi_key_is_list(const struct swgi_key *key) {
    return key->type == SWGI_TYPE_PARTITIONS || key->type == SWGI_TYPE_CHAIN ||
           key->type == SWGI_TYPE_TEXT || key->type == SWGI_TYPE_FEATURES;
}

/* Of the texts, the one that names a circuit. */
static bool is_name(const struct swgi_key *key) {
    return key->offset == offsetof(struct swgi_settings, policies.fallback.alternative);
}

const char *swgi_list_words(const struct swgi_key *key) {
    switch (key->type) {
    case SWGI_TYPE_PARTITIONS:
        return "a list of priority:percent such as -1:100, 31:50";
    case SWGI_TYPE_CHAIN:
        return "a list of its words";
    case SWGI_TYPE_FEATURES:
        return "a list of name:importance such as checkout:100, search:50";
    default:
        return is_name(key) ? "a circuit's name" : "text without control characters";
    }
}

/* One item of "a, b, c", without the spaces around it; *text moves behind its comma. 0: an item; 1:
 * it was the last. */
static int next_item(const char **text, char *item, size_t size) {
    const char *start = *text + strspn(*text, " ");
    size_t length = strcspn(start, ",");
    bool last = start[length] == '\0';

    *text = start + length + !last;
    while (length > 0 && start[length - 1] == ' ')
        length--;
    if (length == 0)
        return -EINVAL;
    if (length >= size)
        return -ERANGE;
    memcpy(item, start, length);
    item[length] = '\0';
    return last;
}

static int partition_item(const struct swgi_key *key, char *item, struct swgi_partition *out) {
    char *colon = strchr(item, ':');
    uint64_t priority, percent;
    int rc;

    if (colon == NULL)
        return -EINVAL;
    *colon = '\0';
    rc = swgi_priority_parse(item, &priority);
    if (rc == 0)
        rc = swgi_integer_parse(colon + 1, &percent);
    if (rc < 0)
        return rc;
    if (percent < key->least || percent > key->most)
        return -ERANGE;
    out->priority = (uint8_t)priority;
    out->percent = (uint8_t)percent;
    return 0;
}

/* From urgent to less urgent, with ever smaller shares. */
static bool in_order(const struct swgi_partition *list, unsigned at) {
    return at == 0 ||
           (list[at].priority > list[at - 1].priority && list[at].percent <= list[at - 1].percent);
}

static int partitions_parse(const struct swgi_key *key, const char *value,
                            struct swgi_bulkhead_settings *out) {
    struct swgi_partition list[SWGI_PARTITIONS_MAX] = { 0 };
    unsigned count = 0;
    char item[16];
    int rc = strcmp(value, "none") == 0 ? 1 : 0;

    while (rc == 0) {
        int last = next_item(&value, item, sizeof(item));

        if (count == SWGI_PARTITIONS_MAX)
            return -ERANGE;
        rc = last < 0 ? last : partition_item(key, item, &list[count]);
        if (rc == 0 && !in_order(list, count))
            rc = -EINVAL;
        if (rc < 0)
            return rc;
        count++;
        rc = last;
    }
    memcpy(out->partitions, list, sizeof(list)); /* and nothing of a longer one */
    out->partitions_count = (uint8_t)count;
    return 0;
}

/* Appends; -ERANGE when it does not fit. */
static __attribute__((format(printf, 3, 4))) int add_text(char *out, size_t size,
                                                          const char *format, ...) {
    size_t used = strlen(out);
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(out + used, size - used, format, arguments);
    va_end(arguments);
    return length < (int)(size - used) ? 0 : -ERANGE;
}

static int partitions_print(const struct swgi_bulkhead_settings *from, char *out, size_t size) {
    int rc = 0;

    if (from->partitions_count == 0)
        return add_text(out, size, "none");
    for (unsigned i = 0; i < from->partitions_count && i < SWGI_PARTITIONS_MAX && rc == 0; i++)
        rc = add_text(out, size, "%s%d:%u", i > 0 ? ", " : "",
                      (int)from->partitions[i].priority - SWGI_PRIORITY_ZERO,
                      from->partitions[i].percent);
    return rc;
}

/* In the order of enum swgi_fallback. */
static const char *const links[] = {
    "none", "cache", "alternative", "static", "queue", "function"
};
#define LINKS (sizeof(links) / sizeof(links[0]))

static int link_of(const char *word) {
    for (unsigned i = 1; i < LINKS; i++) {
        if (strcmp(word, links[i]) == 0)
            return (int)i;
    }
    return -EINVAL;
}

static int chain_parse(const char *value, uint8_t *chain) {
    uint8_t read[SWGI_FALLBACKS_MAX] = { 0 };
    unsigned count = 0;
    char item[16];
    int last = strcmp(value, "none") == 0 ? 1 : 0;

    while (last == 0) {
        last = next_item(&value, item, sizeof(item));
        int link = last < 0 ? last : link_of(item);

        if (link < 0)
            return link;
        if (count == SWGI_FALLBACKS_MAX || memchr(read, link, count) != NULL)
            return -EINVAL;
        read[count++] = (uint8_t)link;
    }
    memcpy(chain, read, sizeof(read));
    return 0;
}

static int chain_print(const uint8_t *chain, char *out, size_t size) {
    int rc = 0;

    if (chain[0] == SWGI_FALLBACK_NONE)
        return add_text(out, size, "none");
    for (unsigned i = 0; i < SWGI_FALLBACKS_MAX && chain[i] != 0 && rc == 0; i++)
        rc = add_text(out, size, "%s%s", i > 0 ? ", " : "",
                      chain[i] < LINKS ? links[chain[i]] : "?");
    return rc;
}

static int text_parse(const struct swgi_key *key, const char *value, char *field) {
    size_t length = strlen(value);

    if (length > key->most)
        return -ERANGE;
    if (is_name(key) && length > 0 && !swgi_name_valid(value))
        return -EINVAL;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)value[i] < ' ' || value[i] == 127)
            return -EINVAL;
    }
    memset(field, 0, key->width);
    memcpy(field, value, length);
    return 0;
}

int swgi_list_parse(const struct swgi_key *key, const char *value, void *object) {
    struct swgi_settings *settings = object;

    switch (key->type) {
    case SWGI_TYPE_PARTITIONS:
        return partitions_parse(key, value, &settings->policies.bulkhead);
    case SWGI_TYPE_CHAIN:
        return chain_parse(value, settings->policies.fallback.chain);
    case SWGI_TYPE_FEATURES:
        return swgi_features_parse(value, &settings->policies.features, NULL);
    default:
        return text_parse(key, value, (char *)object + key->offset);
    }
}

int swgi_list_print(const struct swgi_key *key, const void *object, char *out, size_t size) {
    const struct swgi_settings *settings = object;

    out[0] = '\0';
    switch (key->type) {
    case SWGI_TYPE_PARTITIONS:
        return partitions_print(&settings->policies.bulkhead, out, size);
    case SWGI_TYPE_CHAIN:
        return chain_print(settings->policies.fallback.chain, out, size);
    case SWGI_TYPE_FEATURES:
        return swgi_features_print(&settings->policies.features, out, size);
    default:
        return add_text(out, size, "%.*s", (int)key->most, (const char *)object + key->offset);
    }
}

void swgi_list_range(const struct swgi_key *key, char out[SWGI_KEY_RANGE_MAX]) {
    switch (key->type) {
    case SWGI_TYPE_PARTITIONS:
        snprintf(out, SWGI_KEY_RANGE_MAX,
                 "none, or at most %u of -32..31:%u..%u, priorities ascending, shares descending",
                 SWGI_PARTITIONS_MAX, (unsigned)key->least, (unsigned)key->most);
        break;
    case SWGI_TYPE_CHAIN:
        snprintf(out, SWGI_KEY_RANGE_MAX, "none, or each once of %s", key->unit + strlen("none|"));
        break;
    case SWGI_TYPE_FEATURES:
        snprintf(out, SWGI_KEY_RANGE_MAX, "none, or at most %u of name:importance, each name once",
                 SWGI_FEATURES_MAX);
        break;
    default:
        snprintf(out, SWGI_KEY_RANGE_MAX,
                 is_name(key) ? "empty, or 1..%u of A-Z a-z 0-9 . _ : @ / -"
                              : "at most %u bytes of text",
                 (unsigned)key->most);
    }
}

void swgi_list_copy(const struct swgi_key *key, void *to, const void *from) {
    struct swgi_policy_settings *into = &((struct swgi_settings *)to)->policies;
    const struct swgi_policy_settings *of = &((const struct swgi_settings *)from)->policies;

    if (key->type == SWGI_TYPE_PARTITIONS)
        memcpy(into->bulkhead.partitions, of->bulkhead.partitions,
               sizeof(into->bulkhead.partitions));
    if (key->type == SWGI_TYPE_FEATURES)
        memcpy(into->features.list, of->features.list, sizeof(into->features.list));
}
