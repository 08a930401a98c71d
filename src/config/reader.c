/* Where we are in a document, and all that was wrong with it. */
#include "config/reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

size_t swgi_path_down(struct swgi_reader *reader, const char *word) {
    size_t before = reader->path_length, room = sizeof(reader->path) - 1 - before;
    char *end = reader->path + before;

    if (before > 0 && room > 0) {
        *end++ = '.';
        room--;
    }
    end = memccpy(end, word, '\0', room);
    reader->path_length = end != NULL ? (size_t)(end - reader->path) - 1 : sizeof(reader->path) - 1;
    reader->path[reader->path_length] = '\0';
    return before;
}

void swgi_path_up(struct swgi_reader *reader, size_t before) {
    reader->path_length = before;
    reader->path[before] = '\0';
}

struct swgi_place swgi_place_of(const yaml_node_t *node) {
    size_t column = node->start_mark.column + 1;

    return (struct swgi_place){ .line = (uint32_t)node->start_mark.line + 1,
                                .column = (uint16_t)(column < UINT16_MAX ? column : UINT16_MAX) };
}

/* The end of a long path tells more than its beginning. */
static const char *shortened(const char *path, size_t room) {
    size_t length = strlen(path);

    return length < room ? path : path + (length - room + 1);
}

#define SENTENCE_MAX 512

static void note(struct swgi_reader *reader, struct swgi_place place, const char *key,
                 const char *text) {
    struct swgi_file_errors *errors = reader->errors;
    size_t before = reader->path_length;

    reader->hidden |= reader->hiding;
    if (errors->count++ >= SWGI_FILE_ERRORS_MAX)
        return;
    struct swg_error *error = &errors->errors[errors->count - 1];
    *error = (struct swg_error)SWG_ERROR_INIT;
    if (key != NULL)
        swgi_path_down(reader, key);
    swgi_fail(error, -EINVAL, shortened(reader->path, sizeof(error->key)), "%s", text);
    error->line = (int)place.line;
    error->column = place.column;
    swgi_path_up(reader, before);
}

void swgi_complain(struct swgi_reader *reader, const yaml_node_t *node, const char *key,
                   const char *format, ...) {
    char text[SENTENCE_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    note(reader, swgi_place_of(node), key, text);
}

void swgi_complain_at(struct swgi_reader *reader, struct swgi_place place, const char *key,
                      const char *format, ...) {
    char text[SENTENCE_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    note(reader, place, key, text);
}

unsigned swgi_hiding_of(const struct swgi_hiding *rows, size_t count, const char *name,
                        unsigned otherwise) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].what;
    return otherwise;
}

unsigned swgi_hides_only(struct swgi_reader *reader, unsigned what) {
    unsigned before = reader->hiding;

    reader->hiding &= what;
    return before;
}

/* Few, and nearly in order. */
void swgi_errors_sort(struct swgi_file_errors *errors) {
    unsigned kept =
        errors->count < SWGI_FILE_ERRORS_MAX ? errors->count : (unsigned)SWGI_FILE_ERRORS_MAX;

    for (unsigned i = 1; i < kept; i++) {
        struct swg_error moving = errors->errors[i];
        unsigned at = i;

        for (; at > 0; at--) {
            const struct swg_error *before = &errors->errors[at - 1];

            if (before->line < moving.line ||
                (before->line == moving.line && before->column <= moving.column))
                break;
            errors->errors[at] = *before;
        }
        errors->errors[at] = moving;
    }
}

/* ---- nodes */

const yaml_node_t *swgi_node(const struct swgi_reader *reader, int index) {
    return reader->document.nodes.start + (index - 1);
}

const char *swgi_node_words(const yaml_node_t *node) {
    if (swgi_node_empty(node))
        return "nothing";
    switch (node->type) {
    case YAML_MAPPING_NODE:
        return "a mapping";
    case YAML_SEQUENCE_NODE:
        return "a list";
    default:
        return "a single value";
    }
}

bool swgi_node_empty(const yaml_node_t *node) {
    if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    const char *text = (const char *)node->data.scalar.value;
    return text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

bool swgi_node_is_text(const yaml_node_t *node) {
    return node->type == YAML_SCALAR_NODE && !swgi_node_empty(node) &&
           strlen((const char *)node->data.scalar.value) == node->data.scalar.length;
}

const char *swgi_node_text(struct swgi_reader *reader, const yaml_node_t *node,
                           const char *wanted) {
    if (node->type != YAML_SCALAR_NODE || swgi_node_empty(node)) {
        swgi_complain(reader, node, NULL, "%s stands here; allowed: %s", swgi_node_words(node),
                      wanted);
        return NULL;
    }
    if (strlen((const char *)node->data.scalar.value) != node->data.scalar.length) {
        swgi_complain(reader, node, NULL, "a NUL stands in the value; allowed: %s", wanted);
        return NULL;
    }
    return (const char *)node->data.scalar.value;
}

/* ---- mappings */

struct pair {
    yaml_node_pair_t *at;
    const yaml_node_t *key;
    const char *text;
};

static int by_text(const void *a, const void *b) {
    const struct pair *one = a, *other = b;
    int order = strcmp(one->text, other->text);

    return order != 0 ? order : (one->at < other->at ? -1 : 1);
}

/* A key's text, NULL after a complaint. */
static const char *key_text(struct swgi_reader *reader, const yaml_node_t *key) {
    const char *text = (const char *)key->data.scalar.value;

    if (key->type != YAML_SCALAR_NODE)
        swgi_complain(reader, key, NULL, "%s is no key; allowed: words", swgi_node_words(key));
    else if (text[0] == '\0' || strlen(text) != key->data.scalar.length)
        swgi_complain(reader, key, NULL, "a key is empty; allowed: words");
    else if (strcmp(text, "<<") == 0)
        swgi_complain(reader, key, text,
                      "merging is not known here; write the keys out, or under defaults");
    else
        return text;
    return NULL;
}

/* What was told to be wrong is not read: its value becomes node 0, which is none. */
static size_t gather(struct swgi_reader *reader, const yaml_node_t *mapping, struct pair *out) {
    size_t count = 0;

    for (yaml_node_pair_t *at = mapping->data.mapping.pairs.start;
         at < mapping->data.mapping.pairs.top; at++) {
        const yaml_node_t *key = swgi_node(reader, at->key);
        const char *text = at->value != 0 ? key_text(reader, key) : NULL;

        if (text != NULL)
            out[count++] = (struct pair){ .at = at, .key = key, .text = text };
        else
            at->value = 0;
    }
    return count;
}

/* Of two entries of one name, that name is there. */
static bool is_among_entries(const struct swgi_reader *reader) {
    return reader->hiding == SWGI_HIDES_CIRCUITS || reader->hiding == SWGI_HIDES_RECEIVERS;
}

static void refuse_twins(struct swgi_reader *reader, struct pair *pairs, size_t count) {
    unsigned before = reader->hiding;

    if (is_among_entries(reader))
        swgi_hides_only(reader, SWGI_HIDES_NOTHING);
    qsort(pairs, count, sizeof(*pairs), by_text);
    for (size_t i = 1, first = 0; i < count; i++) {
        if (strcmp(pairs[first].text, pairs[i].text) != 0) {
            first = i;
            continue;
        }
        swgi_complain(reader, pairs[i].key, pairs[i].text,
                      "the key comes twice; the first is in line %u",
                      swgi_place_of(pairs[first].key).line);
        pairs[i].at->value = 0;
    }
    reader->hiding = before;
}

static void check_keys(struct swgi_reader *reader, const yaml_node_t *mapping, size_t count) {
    struct pair few[32], *pairs = few;

    if (count > sizeof(few) / sizeof(few[0]))
        pairs = malloc(count * sizeof(*pairs));
    if (pairs == NULL) {
        reader->no_memory = true;
        return;
    }
    refuse_twins(reader, pairs, gather(reader, mapping, pairs));
    if (pairs != few)
        free(pairs);
}

static bool is_mapping(struct swgi_reader *reader, const yaml_node_t *node) {
    if (node->type != YAML_MAPPING_NODE) {
        swgi_complain(reader, node, NULL, "%s stands here; allowed: a mapping, key: value",
                      swgi_node_words(node));
        return false;
    }
    size_t count = (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
    if (count > SWGI_YAML_PAIRS_MAX) {
        swgi_complain(reader, node, NULL, "%zu keys stand here; allowed: at most %u", count,
                      SWGI_YAML_PAIRS_MAX);
        return false;
    }
    check_keys(reader, node, count);
    return true;
}

bool swgi_each_pair(struct swgi_reader *reader, const yaml_node_t *mapping, swgi_pair_fn *fn,
                    void *arg) {
    if (swgi_node_empty(mapping))
        return true;
    if (!is_mapping(reader, mapping))
        return false;
    for (yaml_node_pair_t *at = mapping->data.mapping.pairs.start;
         at < mapping->data.mapping.pairs.top && !reader->no_memory; at++) {
        if (at->value == 0)
            continue;
        const yaml_node_t *key = swgi_node(reader, at->key);
        const char *text = (const char *)key->data.scalar.value;
        size_t before = swgi_path_down(reader, text);

        fn(reader, arg, key, text, swgi_node(reader, at->value));
        swgi_path_up(reader, before);
    }
    return true;
}

bool swgi_each_item(struct swgi_reader *reader, const yaml_node_t *list, swgi_item_fn *fn,
                    void *arg) {
    unsigned number = 0;

    if (list->type != YAML_SEQUENCE_NODE) {
        swgi_complain(reader, list, NULL, "%s stands here; allowed: a list, [one, two]",
                      swgi_node_words(list));
        return false;
    }
    if (list->data.sequence.items.top - list->data.sequence.items.start > SWGI_YAML_ITEMS_MAX) {
        swgi_complain(reader, list, NULL, "the list is too long; allowed: at most %u items",
                      SWGI_YAML_ITEMS_MAX);
        return false;
    }
    for (yaml_node_item_t *at = list->data.sequence.items.start;
         at < list->data.sequence.items.top && !reader->no_memory; at++, number++) {
        char word[16];
        snprintf(word, sizeof(word), "%u", number);
        size_t before = swgi_path_down(reader, word);

        fn(reader, arg, number, swgi_node(reader, *at));
        swgi_path_up(reader, before);
    }
    return true;
}
