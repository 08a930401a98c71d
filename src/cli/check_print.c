/* What a file comes to: a file again, in our own keys, environment and presets resolved, each value with where it came from. */
#include "cli/check_config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "config/alert_kinds.h"
#include "config/tell.h"
#include "report/json.h"

#define COMMENT_COLUMN 52
#define DEPTH_MAX      8u

/* ---- values */

static bool is_list(const struct swgi_key *key) {
    return key->type == SWGI_TYPE_RAMP || key->type == SWGI_TYPE_PARTITIONS ||
           key->type == SWGI_TYPE_CHAIN || key->type == SWGI_TYPE_FEATURES;
}

static bool is_plain(const char *text) {
    if (!isalnum((unsigned char)text[0]))
        return false;
    for (; *text != '\0'; text++)
        if (!isalnum((unsigned char)*text) && strchr("._-/*?", *text) == NULL)
            return false;
    return true;
}

static void quote(const char *text, char *out, size_t size) {
    size_t used = 0;

    out[used++] = '"';
    for (; *text != '\0' && used + 4 < size; text++) {
        if (*text == '"' || *text == '\\')
            out[used++] = '\\';
        out[used++] = *text;
    }
    out[used++] = '"';
    out[used] = '\0';
}

static void word(const char *text, char *out, size_t size) {
    if (is_plain(text))
        snprintf(out, size, "%s", text);
    else
        quote(text, out, size);
}

/* "a, b" as [a, b]. */
static void list(const char *text, char *out, size_t size) {
    char item[SWGI_KEY_VALUE_MAX], written[SWGI_KEY_VALUE_MAX];
    size_t used = 0;

    used += (size_t)snprintf(out, size, "[");
    while (*text != '\0' && used < size) {
        size_t length = strcspn(text, ",");

        snprintf(item, sizeof(item), "%.*s", (int)length, text);
        word(item, written, sizeof(written));
        used += (size_t)snprintf(out + used, size - used, "%s%s", used > 1 ? ", " : "", written);
        text += length + (text[length] == ',');
        text += strspn(text, " ");
    }
    if (used < size)
        snprintf(out + used, size - used, "]");
}

static void value(const struct swgi_told *told, char *out, size_t size) {
    bool none = strcmp(told->value, "none") == 0 || strcmp(told->value, "off") == 0;

    if (is_list(told->key) && !none)
        list(told->value, out, size);
    else if (told->key->type == SWGI_TYPE_TEXT)
        quote(told->value, out, size);
    else
        snprintf(out, size, "%s", told->value);
}

/* ---- nesting: breaker.trip.0.failures.weight, component by component */

struct writer {
    FILE *out;
    unsigned base; /* indentation of the first component */
    char path[SWGI_KEY_NAME_MAX];
};

static unsigned split(const char *path, char parts[DEPTH_MAX][SWGI_KEY_NAME_MAX]) {
    unsigned count = 0;

    while (*path != '\0' && count < DEPTH_MAX) {
        size_t length = strcspn(path, ".");

        snprintf(parts[count++], SWGI_KEY_NAME_MAX, "%.*s", (int)length, path);
        path += length + (path[length] == '.');
    }
    return count;
}

static void finish_line(FILE *out, int column, const char *comment) {
    if (comment[0] != '\0')
        fprintf(out, "%*s# %s", column < COMMENT_COLUMN ? COMMENT_COLUMN - column : 1, "", comment);
    fputc('\n', out);
}

/* A number is an entry of a list: it stands as a dash before what follows it. */
static void write_key(struct writer *writer, const char *path, const char *text,
                      const char *comment) {
    char parts[DEPTH_MAX][SWGI_KEY_NAME_MAX], before[DEPTH_MAX][SWGI_KEY_NAME_MAX];
    unsigned count = split(path, parts), count_before = split(writer->path, before), same = 0;

    while (same < count && same < count_before && strcmp(parts[same], before[same]) == 0)
        same++;
    for (unsigned i = same; i < count; i++) {
        bool dash = i > 0 && i > same && isdigit((unsigned char)parts[i - 1][0]);
        int column;

        if (isdigit((unsigned char)parts[i][0]))
            continue;
        column = fprintf(writer->out, "%*s%s%s:", (int)(writer->base + 2 * (i - dash)), "",
                         dash ? "- " : "", parts[i]);
        if (i == count - 1)
            column += fprintf(writer->out, " %s", text);
        finish_line(writer->out, column, i == count - 1 ? comment : "");
    }
    snprintf(writer->path, sizeof(writer->path), "%s", path);
}

/* ---- circuits */

static void print_fields(struct writer *writer, const struct swgi_file_circuit *circuit) {
    for (unsigned i = 0; i < swgi_file_keys_count; i++) {
        const struct swgi_file_key *key = &swgi_file_keys[i];
        char text[1024], written[1024], comment[32];

        if (key->section != SWGI_SECTION_CIRCUIT_KEYS)
            continue;
        bool given = (circuit->origins->given & 1u << swgi_circuit_field(key)) != 0;
        if (!given && !(strcmp(key->name, "alias") == 0 && circuit->alias[0] != '\0'))
            continue;
        swgi_file_key_print(key, circuit, text, sizeof(text));
        if (key->type == SWGI_FILE_NAMES)
            list(text, written, sizeof(written));
        else
            word(text, written, sizeof(written));
        snprintf(comment, sizeof(comment), "line %u",
                 swgi_circuit_field_place(circuit, key->name).line);
        write_key(writer, key->name, written, comment);
    }
}

/* What does nothing is left out: as the circuit's own it would be refused. */
static void print_circuit(FILE *out, const struct swgi_file *file,
                          const struct swgi_file_circuit *circuit, bool all) {
    struct swgi_telling telling;
    struct writer writer = { .out = out, .base = 4 };
    struct swgi_told told;
    char text[SWGI_KEY_VALUE_MAX * 2], comment[32];

    word(circuit->name, text, sizeof(text));
    snprintf(comment, sizeof(comment), "line %d", circuit->line);
    finish_line(out, fprintf(out, "  %s:", text), comment);
    print_fields(&writer, circuit);
    if (swgi_telling_begin(&telling, file, circuit) != 0)
        return;
    while (swgi_telling_next(&telling, &told)) {
        if (told.idle || (told.layer == SWGI_LAYER_NONE && !all))
            continue;
        value(&told, text, sizeof(text));
        write_key(&writer, told.name, text, told.from);
    }
}

/* ---- sections: what differs from the defaults */

static void print_section(FILE *out, unsigned section, const void *object, const void *defaults,
                          bool all, bool keep_choice) {
    bool headed = false;

    for (unsigned i = 0; i < swgi_file_keys_count; i++) {
        const struct swgi_file_key *key = &swgi_file_keys[i];
        char text[1024], initial[1024], written[1024];

        if (key->section != section)
            continue;
        swgi_file_key_print(key, object, text, sizeof(text));
        swgi_file_key_print(key, defaults, initial, sizeof(initial));
        bool same = strcmp(text, initial) == 0 && !(keep_choice && key->type == SWGI_FILE_CHOICE);
        if (text[0] == '\0' || (same && !all))
            continue;
        if (!headed)
            fprintf(out, "%s:\n", swgi_file_sections[section].name);
        headed = true;
        if (key->type == SWGI_FILE_GLOBS || key->type == SWGI_FILE_URLS)
            list(text, written, sizeof(written));
        else
            word(text, written, sizeof(written));
        finish_line(out, fprintf(out, "  %s: %s", key->name, written), same ? "default" : "");
    }
}

static void print_sections(FILE *out, const struct swgi_file *file, bool all) {
    struct swgi_file *empty = NULL;

    if (swgi_file_empty(&empty) != 0)
        return;
    print_section(out, SWGI_SECTION_PANEL_KEYS, &file->panel, &empty->panel, all, false);
    print_section(out, SWGI_SECTION_AGENT_KEYS, &file->agent, &empty->agent, all, false);
    print_section(out, SWGI_SECTION_LIMITS_KEYS, &file->limits, &empty->limits, all,
                  file->limits.has_beyond);
    print_section(out, SWGI_SECTION_METRICS_KEYS, &file->metrics, &empty->metrics, all, false);
    swgi_file_unref(empty);
}

/* ---- alerts and receivers */

static void print_above(FILE *out, const struct swgi_file_alert *alert) {
    char text[SWGI_NUMBER_TEXT] = "";

    switch (swgi_alert_kinds[alert->when].unit) {
    case SWGI_ALERT_IN_NOTHING:
        return;
    case SWGI_ALERT_IN_PERCENT:
        (void)swgi_percent_print((uint32_t)(alert->above * 1e6 + 0.5), text, sizeof(text));
        break;
    case SWGI_ALERT_IN_DURATION:
        (void)swgi_duration_print((uint64_t)(alert->above * 1e9 + 0.5), text, sizeof(text));
        break;
    default:
        (void)swgi_decimal_print(alert->above, text, sizeof(text));
    }
    fprintf(out, "    above: %s\n", text);
}

static void print_alert_key(FILE *out, const struct swgi_file_key *key,
                            const struct swgi_file_alert *alert) {
    char text[1024], written[1024];

    if (key->type == SWGI_FILE_ABOVE) {
        print_above(out, alert);
        return;
    }
    swgi_file_key_print(key, alert, text, sizeof(text));
    if (text[0] == '\0')
        return;
    if (key->type == SWGI_FILE_GLOBS || key->type == SWGI_FILE_NAMES)
        list(text, written, sizeof(written));
    else
        word(text, written, sizeof(written));
    fprintf(out, "  %c %s: %s\n", strcmp(key->name, "name") == 0 ? '-' : ' ', key->name, written);
}

static void print_alerts(FILE *out, const struct swgi_file *file) {
    fprintf(out, file->alerts_count > 0 ? "alerts:%s\n" : "alerts: []%s\n",
            file->alerts_shipped ? " # as they are shipped" : "");
    for (unsigned i = 0; i < file->alerts_count; i++)
        for (unsigned k = 0; k < swgi_file_keys_count; k++) {
            const struct swgi_file_key *key = &swgi_file_keys[k];

            /* The shipped runbook is no URL, and a section of the manual. */
            bool ours = strcmp(key->name, "runbook") == 0 && file->alerts_shipped;
            if (key->section == SWGI_SECTION_ALERT_KEYS && !ours)
                print_alert_key(out, key, &file->alerts[i]);
        }
}

static void print_receiver(FILE *out, const struct swgi_file_receiver *receiver) {
    char text[1024], written[1024];

    word(receiver->name, written, sizeof(written));
    finish_line(out, fprintf(out, "  %s:", written), "");
    for (unsigned k = 0; k < swgi_file_keys_count; k++) {
        const struct swgi_file_key *key = &swgi_file_keys[k];

        if (key->section != SWGI_SECTION_RECEIVER_KEYS)
            continue;
        swgi_file_key_print(key, receiver, text, sizeof(text));
        word(text, written, sizeof(written));
        if (text[0] != '\0')
            fprintf(out, "    %s: %s\n", key->name, written);
    }
}

void swgi_check_print(FILE *out, const struct swgi_file *file, bool all) {
    if (file->environment[0] != '\0')
        fprintf(out, "# environment %s, merged in\n", file->environment);
    print_sections(out, file, all);
    if (file->circuits_count > 0)
        fprintf(out, "circuits:\n");
    for (unsigned i = 0; i < file->circuits_count; i++)
        print_circuit(out, file, &file->circuits[i], all);
    if (!file->alerts_shipped || all)
        print_alerts(out, file);
    if (file->receivers_count > 0)
        fprintf(out, "receivers:\n");
    for (unsigned i = 0; i < file->receivers_count; i++)
        print_receiver(out, &file->receivers[i]);
}

/* ---- for programs */

static json_t *settings_json(const struct swgi_file *file,
                             const struct swgi_file_circuit *circuit) {
    json_t *settings = json_object();
    struct swgi_telling telling;
    struct swgi_told told;

    if (swgi_telling_begin(&telling, file, circuit) != 0)
        return settings;
    while (swgi_telling_next(&telling, &told)) {
        json_t *one = json_pack("{s:o, s:o}", "value", swgi_json_text(told.value), "from",
                                swgi_json_text(told.from));

        if (told.place.line != 0)
            json_object_set_new(one, "line", json_integer(told.place.line));
        if (told.idle)
            json_object_set_new(one, "idle", json_true());
        json_object_set_new(settings, told.name, one);
    }
    return settings;
}

static json_t *circuit_json(const struct swgi_file *file, const struct swgi_file_circuit *circuit) {
    json_t *depends = json_array();

    for (unsigned i = 0; i < circuit->depends_on.count; i++)
        json_array_append_new(depends, json_string(circuit->depends_on.at[i]));
    return json_pack("{s:s, s:i, s:b, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "name", circuit->name,
                     "line", circuit->line, "pattern", (int)circuit->is_pattern, "max",
                     (int)circuit->max, "group", swgi_json_text(circuit->group), "alias",
                     swgi_json_text(circuit->alias), "owner", swgi_json_text(circuit->owner),
                     "runbook", swgi_json_text(circuit->runbook), "depends_on", depends, "settings",
                     settings_json(file, circuit));
}

void swgi_check_print_json(FILE *out, const struct swgi_file *file) {
    json_t *circuits = json_array();

    for (unsigned i = 0; i < file->circuits_count; i++)
        json_array_append_new(circuits, circuit_json(file, &file->circuits[i]));
    json_t *root = json_pack("{s:o, s:s, s:o}", "file", swgi_json_text(file->path), "environment",
                             file->environment, "circuits", circuits);
    json_dumpf(root, out, JSON_INDENT(2));
    fputc('\n', out);
    json_decref(root);
}
