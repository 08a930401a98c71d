/* The table of the file's own keys: what each takes, and in what words it is refused. */
#include "config/file_keys.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/alert_kinds.h"

static const char barred_alert_words[] =
#define SWGI_ALERT_KIND(kind, word, unit, above, for_ns, severity, what) "|" word
#include "tables/alerts.h"
    ;
#define SWGI_ALERT_WORDS (barred_alert_words + 1)
const char *const swgi_alert_words = SWGI_ALERT_WORDS;

#define OF_TOP      swgi_file_top
#define OF_PANEL    swgi_file_panel
#define OF_AGENT    swgi_file_agent
#define OF_LIMITS   swgi_file_limits
#define OF_METRICS  swgi_file_metrics
#define OF_CIRCUIT  swgi_file_circuit
#define OF_ALERT    swgi_file_alert
#define OF_RECEIVER swgi_file_receiver

const struct swgi_file_key swgi_file_keys[] = {
#define SWGI_FILE_KEY(of, kind, field, full, lo, hi, start, unit_of, prose) \
    { .name = (full),                                                       \
      .initial = (start),                                                   \
      .unit = (unit_of),                                                    \
      .what = (prose),                                                      \
      .section = SWGI_SECTION_##of##_KEYS,                                  \
      .type = SWGI_FILE_##kind,                                             \
      .width = sizeof(((struct OF_##of *)NULL)->field),                     \
      .offset = offsetof(struct OF_##of, field),                            \
      .least = (lo),                                                        \
      .most = (hi) },
#include "tables/file_keys.h"
};
const unsigned swgi_file_keys_count = sizeof(swgi_file_keys) / sizeof(swgi_file_keys[0]);

const struct swgi_file_section swgi_file_sections[SWGI_FILE_SECTIONS] = {
#define SWGI_FILE_SECTION(id, of, name, what) { name, what },
#include "tables/file_keys.h"
};

/* ---- values */

static int bytes_parse(const char *text, uint64_t *out) {
    static const struct {
        const char *name;
        unsigned shift;
    } units[] = { { "KiB", 10 }, { "MiB", 20 }, { "GiB", 30 } };
    char digits[SWGI_NUMBER_TEXT];
    size_t length = strspn(text, "0123456789");
    unsigned shift = 0;

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(text + length, units[i].name) == 0)
            shift = units[i].shift;
    if ((shift == 0 && text[length] != '\0') || length >= sizeof(digits))
        return -EINVAL;
    memcpy(digits, text, length);
    digits[length] = '\0';
    int rc = swgi_integer_parse(digits, out);
    if (rc == 0 && *out > UINT64_MAX >> shift)
        return -ERANGE;
    if (rc == 0)
        *out <<= shift;
    return rc;
}

static bool is_printable(const char *text) {
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            return false;
    return true;
}

static bool is_url(const char *text) {
    size_t scheme = strncmp(text, "https://", 8) == 0  ? 8
                    : strncmp(text, "http://", 7) == 0 ? 7
                                                       : 0;

    return scheme != 0 && text[scheme] != '\0' && strpbrk(text, " \"<>\\^`{|}") == NULL;
}

static bool is_glob(const char *text) {
    char name[SWGI_FILE_WORD_MAX];

    if (snprintf(name, sizeof(name), "%s", text) >= (int)sizeof(name))
        return false;
    for (char *at = name; (at = strpbrk(at, "*?")) != NULL;)
        *at = '-';
    return swgi_name_valid(name);
}

/* "127.0.0.1:9190", "[::1]:9190", "localhost:9190", "off". What it comes to is the agent's to see. */
static bool is_address(const char *text) {
    const char *colon = strrchr(text, ':');
    uint64_t port;

    if (text[0] == '\0' || strcmp(text, "off") == 0)
        return true;
    if (colon == NULL || colon == text || swgi_integer_parse(colon + 1, &port) != 0 || port > 65535)
        return false;
    if (text[0] == '[')
        return colon[-1] == ']' &&
               strspn(text + 1, "0123456789abcdefABCDEF:.%") + 2 == (size_t)(colon - text);
    return memchr(text, ':', (size_t)(colon - text)) == NULL && strpbrk(text, " /[]") == NULL;
}

static bool text_fits(const struct swgi_file_key *key, const char *text) {
    if (!is_printable(text))
        return false;
    switch (key->type) {
    case SWGI_FILE_URL:
    case SWGI_FILE_URLS:
        return is_url(text);
    case SWGI_FILE_ADDRESS:
        return is_address(text);
    case SWGI_FILE_NAME:
    case SWGI_FILE_NAMES:
        return swgi_name_valid(text);
    case SWGI_FILE_GLOBS:
        return is_glob(text);
    case SWGI_FILE_PATH:
        return text[0] != '\0';
    case SWGI_FILE_WORD:
        return key->unit[0] == '\0' || swgi_word_find(key->unit, text) >= 0;
    default:
        return true;
    }
}

/* 0, -EINVAL, -ERANGE. */
static int store_text(const struct swgi_file_key *key, const char *text, char *field) {
    size_t length = strlen(text), most = key->width - 1u;

    if (key->most != 0 && key->most < most)
        most = key->most;
    if (!text_fits(key, text))
        return -EINVAL;
    if (length > most || length < key->least)
        return -ERANGE;
    memset(field, 0, key->width);
    memcpy(field, text, length + 1);
    return 0;
}

static int yes_no_parse(const char *text, bool *out) {
    static const char words[] = "no|yes|false|true";
    int at = swgi_word_find(words, text);

    if (at >= 0)
        *out = at % 2 == 1;
    return at >= 0 ? 0 : -EINVAL;
}

static int choice_parse(const struct swgi_file_key *key, const char *text, int *out) {
    int at = swgi_word_find(key->unit, text);

    if (at >= 0)
        *out = at;
    return at >= 0 ? 0 : -EINVAL;
}

static int availability_parse(const char *text, double *out) {
    double real;
    int rc = swgi_decimal_parse(text, &real);

    if (rc == 0 && !(real > 0.0 && real < 100.0))
        rc = -ERANGE;
    if (rc == 0)
        *out = real;
    return rc;
}

static int whole_parse(const struct swgi_file_key *key, const char *text, void *field) {
    uint64_t whole;
    int rc = key->type == SWGI_FILE_DURATION ? swgi_duration_parse(text, &whole)
             : key->type == SWGI_FILE_BYTES  ? bytes_parse(text, &whole)
                                             : swgi_integer_parse(text, &whole);

    if (rc == 0 && (whole < key->least || whole > key->most))
        rc = -ERANGE;
    if (rc == 0 && key->width == sizeof(uint32_t))
        memcpy(field, &(uint32_t){ (uint32_t)whole }, sizeof(uint32_t));
    else if (rc == 0)
        memcpy(field, &whole, sizeof(whole));
    return rc;
}

static int parse(const struct swgi_file_key *key, const char *text, void *object) {
    void *field = (char *)object + key->offset;

    switch (key->type) {
    case SWGI_FILE_CHOICE:
        return choice_parse(key, text, field);
    case SWGI_FILE_YES_NO:
        return yes_no_parse(text, field);
    case SWGI_FILE_AVAILABILITY:
        return availability_parse(text, field);
    case SWGI_FILE_INTEGER:
    case SWGI_FILE_BYTES:
    case SWGI_FILE_DURATION:
        return whole_parse(key, text, field);
    default:
        return store_text(key, text, field);
    }
}

void swgi_file_defaults(unsigned section, void *object) {
    for (unsigned i = 0; i < swgi_file_keys_count; i++) {
        const struct swgi_file_key *key = &swgi_file_keys[i];
        int rc = 0;

        if (key->section == section && key->initial[0] != '\0')
            rc = parse(key, key->initial, object);
        assert(rc == 0); /* every default of the table is within its range */
        (void)rc;
    }
}

/* ---- nodes */

bool swgi_is_bare(struct swgi_reader *reader, const yaml_node_t *node, const char *wanted) {
    if (node->type != YAML_SCALAR_NODE || swgi_node_is_bare(node))
        return true;
    swgi_complain(reader, node, NULL, "in quotes it is text; allowed: %s, without quotes", wanted);
    return false;
}

static bool is_number(const struct swgi_file_key *key) {
    return key->type == SWGI_FILE_INTEGER || key->type == SWGI_FILE_AVAILABILITY;
}

static void refuse(struct swgi_reader *reader, const struct swgi_file_key *key,
                   const yaml_node_t *node, const char *text, int rc) {
    char range[SWGI_FILE_RANGE_MAX], like[64] = "", hint[SWGI_HINT_MAX];

    swgi_file_key_range(key, range);
    if (key->type == SWGI_FILE_WORD || key->type == SWGI_FILE_CHOICE)
        swgi_word_like(key->unit, text, like, sizeof(like));
    swgi_hint(like, hint);
    if (rc == -ERANGE)
        swgi_complain(reader, node, NULL, "%.40s is out of range; allowed: %s", text, range);
    else if (strcmp(swgi_file_key_words(key), range) == 0)
        swgi_complain(reader, node, NULL, "\"%.40s\" is not allowed; allowed: %s", text, range);
    else
        swgi_complain(reader, node, NULL, "\"%.40s\" is not %s%s; allowed: %s", text,
                      swgi_file_key_words(key), hint, range);
}

struct list {
    const struct swgi_file_key *key;
    struct swgi_file_words *words;
};

static void read_item(struct swgi_reader *reader, void *arg, unsigned number,
                      const yaml_node_t *item) {
    struct list *list = arg;
    const char *text = swgi_node_text(reader, item, swgi_file_key_words(list->key));
    struct swgi_place place = swgi_place_of(item);

    if (text == NULL)
        return;
    place.number = (uint16_t)number;
    if (number >= list->key->most)
        refuse(reader, list->key, item, text, -ERANGE);
    else if (!text_fits(list->key, text))
        refuse(reader, list->key, item, text, -EINVAL);
    else if (swgi_words_add(list->words, text, place) != 0)
        reader->no_memory = true;
}

static bool read_list(struct swgi_reader *reader, const struct swgi_file_key *key,
                      const yaml_node_t *node, void *object) {
    struct list list = { key, (void *)((char *)object + key->offset) };
    unsigned before = reader->errors->count;

    swgi_words_free(list.words);
    swgi_each_item(reader, node, read_item, &list);
    return reader->errors->count == before;
}

static bool is_list(const struct swgi_file_key *key) {
    return key->type == SWGI_FILE_NAMES || key->type == SWGI_FILE_GLOBS ||
           key->type == SWGI_FILE_URLS;
}

bool swgi_file_key_read(struct swgi_reader *reader, const struct swgi_file_key *key,
                        const yaml_node_t *node, void *object) {
    char range[SWGI_FILE_RANGE_MAX];

    if (is_list(key))
        return read_list(reader, key, node, object);
    if (!swgi_node_is_text(node) || (is_number(key) && !swgi_node_is_bare(node))) {
        swgi_file_key_range(key, range);
        if (swgi_node_text(reader, node, range) != NULL)
            swgi_is_bare(reader, node, range);
        return false;
    }
    const char *text = (const char *)node->data.scalar.value;
    int rc = parse(key, text, object);
    if (rc != 0)
        refuse(reader, key, node, text, rc);
    return rc == 0;
}
