/* One key's text to its field and back, by the key's type. */
#include "circuit/keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "circuit/presets.h"

static const char *type_words(const struct swgi_key *key) {
    switch (key->type) {
    case SWGI_TYPE_INTEGER:
        return "a whole number";
    case SWGI_TYPE_DURATION:
        return "a duration such as 250ms, 30s or 5m";
    case SWGI_TYPE_DECIMAL:
        return "a decimal number";
    case SWGI_TYPE_PERCENT:
        return "a percentage";
    case SWGI_TYPE_WEIGHT:
        return "a number in steps of 0.5";
    case SWGI_TYPE_RAMP:
        return "an ascending list of percentages such as 5, 25, 50";
    case SWGI_TYPE_COUNT:
        return "a whole number or off";
    case SWGI_TYPE_PRIORITY:
        return "a priority";
    default:
        return swgi_key_is_list(key) ? swgi_list_words(key) : "one of its words";
    }
}

/* The position of a word in "first|second|third". */
static int word_parse(const char *words, const char *value, uint64_t *out) {
    size_t length = strlen(value);

    for (uint64_t at = 0;; at++) {
        size_t word = strcspn(words, "|");

        if (word == length && memcmp(words, value, length) == 0) {
            *out = at;
            return 0;
        }
        if (words[word] == '\0')
            return -EINVAL;
        words += word + 1;
    }
}

static int word_print(const char *words, uint64_t at, char *out, size_t size) {
    size_t length;

    for (; at > 0; at--) {
        words += strcspn(words, "|");
        if (*words++ == '\0')
            return -EINVAL;
    }
    length = strcspn(words, "|");
    if (length >= size)
        return -ERANGE;
    memcpy(out, words, length);
    out[length] = '\0';
    return 0;
}

static int weight_parse(const char *value, uint64_t *out_half_units) {
    uint64_t tenths;
    int rc = swgi_fixed_parse(value, 1, &tenths);

    if (rc < 0)
        return rc;
    if (tenths % 5 != 0)
        return -EINVAL;
    *out_half_units = tenths / 5;
    return 0;
}

static int percent_parse(const char *value, uint64_t *out) {
    uint32_t ppm = 0;
    int rc = swgi_percent_parse(value, &ppm);

    *out = ppm;
    return rc;
}

int swgi_priority_parse(const char *value, uint64_t *out) {
    uint64_t magnitude;
    bool negative = *value == '-';
    int rc = swgi_integer_parse(value + negative, &magnitude);

    if (rc < 0)
        return rc;
    if (negative && magnitude == 0)
        return -EINVAL;
    if (magnitude > SWGI_PRIORITY_ZERO || (!negative && magnitude >= SWGI_PRIORITY_ZERO))
        return -ERANGE;
    *out = negative ? SWGI_PRIORITY_ZERO - magnitude : SWGI_PRIORITY_ZERO + magnitude;
    return 0;
}

static int priority_print(uint64_t value, char *out, size_t size) {
    int length = snprintf(out, size, "%d", (int)(uint8_t)value - SWGI_PRIORITY_ZERO);

    return length < (int)size ? 0 : -ERANGE;
}

static int whole_parse(const struct swgi_key *key, const char *value, uint64_t *out) {
    switch (key->type) {
    case SWGI_TYPE_CHOICE:
        return word_parse(key->unit, value, out);
    case SWGI_TYPE_INTEGER:
    case SWGI_TYPE_COUNT:
        return swgi_integer_parse(value, out);
    case SWGI_TYPE_PRIORITY:
        return swgi_priority_parse(value, out);
    case SWGI_TYPE_DURATION:
        return swgi_duration_parse(value, out);
    case SWGI_TYPE_PERCENT:
        return percent_parse(value, out);
    case SWGI_TYPE_WEIGHT:
        return weight_parse(value, out);
    default:
        return -EINVAL;
    }
}

static int whole_print(const struct swgi_key *key, uint64_t value, char *out, size_t size) {
    switch (key->type) {
    case SWGI_TYPE_CHOICE:
        return word_print(key->unit, value, out, size);
    case SWGI_TYPE_INTEGER:
    case SWGI_TYPE_COUNT:
        return swgi_integer_print(value, out, size);
    case SWGI_TYPE_PRIORITY:
        return priority_print(value, out, size);
    case SWGI_TYPE_DURATION:
        return swgi_duration_print(value, out, size);
    case SWGI_TYPE_PERCENT:
        return swgi_fixed_print(value, 4, out, size);
    case SWGI_TYPE_WEIGHT:
        return value > UINT32_MAX ? -EINVAL : swgi_fixed_print(value * 5, 1, out, size);
    default:
        return -EINVAL;
    }
}

/* Fields are of four widths; the table says which. */
static void store(const struct swgi_key *key, void *object, uint64_t value) {
    char *field = (char *)object + key->offset;

    if (key->width == sizeof(uint8_t))
        memcpy(field, &(uint8_t){ (uint8_t)value }, sizeof(uint8_t));
    else if (key->width == sizeof(uint32_t))
        memcpy(field, &(uint32_t){ (uint32_t)value }, sizeof(uint32_t));
    else
        memcpy(field, &value, sizeof(uint64_t));
}

static uint64_t load(const struct swgi_key *key, const void *object) {
    const char *field = (const char *)object + key->offset;
    uint64_t whole = 0;
    uint32_t word = 0;
    uint8_t byte = 0;

    if (key->width == sizeof(uint8_t))
        memcpy(&byte, field, sizeof(byte));
    else if (key->width == sizeof(uint32_t))
        memcpy(&word, field, sizeof(word));
    else
        memcpy(&whole, field, sizeof(whole));
    return byte | word | whole;
}

static bool has_off(const struct swgi_key *key) {
    return key->off != 0 || key->type == SWGI_TYPE_COUNT;
}

static bool is_off(const struct swgi_key *key, const char *value) {
    return has_off(key) && strcmp(value, "off") == 0;
}

static int whole_field(const struct swgi_key *key, const char *value, void *object) {
    uint64_t whole = key->off;
    int rc = is_off(key, value) ? 0 : whole_parse(key, value, &whole);

    if (rc < 0)
        return rc;
    if (!is_off(key, value) && (whole < key->least || whole > key->most))
        return -ERANGE;
    store(key, object, whole);
    return 0;
}

static int real_field(const struct swgi_key *key, const char *value, void *object) {
    double real;
    int rc = swgi_decimal_parse(value, &real);

    if (rc < 0)
        return rc;
    if (!(real >= key->real_least && real <= key->real_most))
        return -ERANGE;
    memcpy((char *)object + key->offset, &real, sizeof(real));
    return 0;
}

/* One number of a list, with the spaces around it. *text moves behind it. */
static int ramp_item(const char **text, uint64_t *out) {
    char item[SWGI_NUMBER_TEXT];
    const char *start = *text + strspn(*text, " ");
    size_t length = strspn(start, "0123456789.");

    if (length >= sizeof(item))
        return -ERANGE;
    memcpy(item, start, length);
    item[length] = '\0';
    *text = start + length + strspn(start + length, " ");
    return swgi_integer_parse(item, out);
}

/* "5, 25, 50" as a YAML list is written in a line, with or without its brackets. */
static int ramp_parse(const struct swgi_key *key, const char *value, struct swgi_settings *out) {
    const char *at = value + (*value == '['), *end = *value == '[' ? "]" : "";
    uint64_t percent, before = 0;
    unsigned steps = 0;

    do {
        int rc = ramp_item(&at, &percent);

        if (rc < 0)
            return rc;
        if (percent < key->least || percent > key->most || steps == SWGI_RAMP_STEPS_MAX)
            return -ERANGE;
        if (percent <= before)
            return -EINVAL; /* each alone would do: they do not ascend */
        out->ramp_percent[steps++] = (uint8_t)percent;
        before = percent;
    } while (*at++ == ',');
    if (strcmp(at - 1, end) != 0)
        return -EINVAL;
    out->ramp_steps = (uint8_t)steps;
    return 0;
}

static int ramp_field(const struct swgi_key *key, const char *value, struct swgi_settings *object) {
    struct swgi_settings read = { 0 };
    int rc = strcmp(value, "off") == 0 ? 0 : ramp_parse(key, value, &read);

    if (rc == 0)
        swgi_key_copy(key, object, &read);
    return rc;
}

static int refuse_value(const struct swgi_key_place *place, const char *value, int rc,
                        struct swg_error *error) {
    char name[SWGI_KEY_NAME_MAX], range[SWGI_KEY_RANGE_MAX];

    swgi_key_name(place, name);
    swgi_key_range(place->key, range);
    if (rc == -ERANGE)
        return swgi_fail(error, -EINVAL, name, "%.40s is out of range; allowed: %s", value, range);
    return swgi_fail(error, -EINVAL, name, "\"%.40s\" is not %s; allowed: %s", value,
                     type_words(place->key), range);
}

int swgi_key_parse(const struct swgi_key_place *place, const char *value, void *object,
                   struct swg_error *error) {
    const struct swgi_key *key = place->key;
    int rc;

    if (key->type == SWGI_TYPE_DECIMAL)
        rc = real_field(key, value, object);
    else if (key->type == SWGI_TYPE_RAMP)
        rc = ramp_field(key, value, object);
    else if (swgi_key_is_list(key))
        rc = swgi_list_parse(key, value, object);
    else
        rc = whole_field(key, value, object);
    return rc < 0 ? refuse_value(place, value, rc, error) : 0;
}

static int text_print(const char *text, char *out, size_t size) {
    return snprintf(out, size, "%s", text) < (int)size ? 0 : -ERANGE;
}

static int ramp_print(const struct swgi_settings *settings, char *out, size_t size) {
    char list[SWGI_RAMP_STEPS_MAX * 8] = "off";
    int used = 0;

    for (unsigned i = 0; i < settings->ramp_steps && i < SWGI_RAMP_STEPS_MAX; i++)
        used += snprintf(list + used, sizeof(list) - (size_t)used, "%s%u", i > 0 ? ", " : "",
                         settings->ramp_percent[i]);
    return text_print(list, out, size);
}

int swgi_key_print(const struct swgi_key *key, const void *object, char *out, size_t size) {
    double real;
    uint64_t whole;

    if (key->type == SWGI_TYPE_RAMP)
        return ramp_print(object, out, size);
    if (key->type == SWGI_TYPE_DECIMAL) {
        memcpy(&real, (const char *)object + key->offset, sizeof(real));
        return swgi_decimal_print(real, out, size);
    }
    if (swgi_key_is_list(key))
        return swgi_list_print(key, object, out, size);
    whole = load(key, object);
    if (has_off(key) && whole == key->off)
        return text_print("off", out, size);
    return whole_print(key, whole, out, size);
}

void swgi_key_range(const struct swgi_key *key, char out[SWGI_KEY_RANGE_MAX]) {
    char least[SWGI_NUMBER_TEXT] = "", most[SWGI_NUMBER_TEXT] = "";

    if (key->type == SWGI_TYPE_DECIMAL) {
        (void)swgi_decimal_print(key->real_least, least, sizeof(least));
        (void)swgi_decimal_print(key->real_most, most, sizeof(most));
    } else {
        (void)whole_print(key, key->least, least, sizeof(least));
        (void)whole_print(key, key->most, most, sizeof(most));
    }
    if (key->type == SWGI_TYPE_CHOICE)
        swgi_copy_text(out, SWGI_KEY_RANGE_MAX, key->unit);
    else if (key->type == SWGI_TYPE_PRESET)
        swgi_copy_text(out, SWGI_KEY_RANGE_MAX, swgi_preset_names);
    else if (key->type == SWGI_TYPE_TRIP)
        swgi_copy_text(out, SWGI_KEY_RANGE_MAX, "none");
    else if (key->type == SWGI_TYPE_RAMP)
        snprintf(out, SWGI_KEY_RANGE_MAX, "at most %u of %u..%u, or off", SWGI_RAMP_STEPS_MAX,
                 (unsigned)key->least, (unsigned)key->most);
    else if (swgi_key_is_list(key))
        swgi_list_range(key, out);
    else
        snprintf(out, SWGI_KEY_RANGE_MAX, "%s..%s%s", least, most, has_off(key) ? " or off" : "");
}

void swgi_key_copy(const struct swgi_key *key, void *to, const void *from) {
    memcpy((char *)to + key->offset, (const char *)from + key->offset, key->width);
    if (swgi_key_is_list(key))
        swgi_list_copy(key, to, from);
    if (key->type == SWGI_TYPE_RAMP)
        ((struct swgi_settings *)to)->ramp_steps = ((const struct swgi_settings *)from)->ramp_steps;
}

void swgi_key_set_initial(const struct swgi_key *key, void *object) {
    if (key->type == SWGI_TYPE_DECIMAL)
        memcpy((char *)object + key->offset, &key->real_initial, sizeof(double));
    else
        store(key, object, key->initial);
}
