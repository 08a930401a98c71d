/* What only the whole file tells: settings that do not fit together, names that nobody has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/parse.h"

static struct swgi_place place_of(const struct swgi_file_circuit *circuit) {
    return (struct swgi_place){ .line = (uint32_t)circuit->line,
                                .column = (uint16_t)circuit->column };
}

/* ---- a circuit's settings together */

/* "breaker.trip.2.failure_rate.calls" is the place of that key, else of its entry, else of the list. */
static struct swgi_place place_of_rule(const struct swgi_file_circuit *circuit, const char *key) {
    struct swgi_origins *origins = circuit->origins;
    size_t prefix = strlen(SWGI_TRIP_PREFIX);
    struct swgi_key_place found;

    if (swgi_key_find(key, &found, NULL) == 0 && found.key->kind != SWGI_KIND_NONE &&
        swgi_origins_rule_key(origins, &found)->line != 0)
        return *swgi_origins_rule_key(origins, &found);
    if (strncmp(key, SWGI_TRIP_PREFIX, prefix) != 0)
        return origins->trip;
    unsigned entry = (unsigned)(key[prefix] - '0'); /* of a single digit */
    bool is_entry = entry < SWGI_TRIP_RULES_MAX && origins->rules[entry].line != 0;
    return is_entry ? origins->rules[entry] : origins->trip;
}

static struct swgi_place place_of_key(const struct swgi_file_circuit *circuit, const char *key) {
    struct swgi_place place = place_of(circuit);
    struct swgi_key_place found;

    if (strncmp(key, "breaker.trip", strlen("breaker.trip")) == 0 &&
        circuit->origins->trip.line != 0)
        return place_of_rule(circuit, key);
    if (swgi_key_find(key, &found, NULL) == 0 && found.key->kind == SWGI_KIND_NONE &&
        circuit->origins->keys[found.key - swgi_keys].line != 0)
        return circuit->origins->keys[found.key - swgi_keys];
    return place;
}

static void check_settings(struct swgi_reader *reader, const struct swgi_file_circuit *circuit) {
    struct swgi_settings settings;
    struct swg_error error = SWG_ERROR_INIT;

    if (circuit->origins->is_broken || (reader->hidden & SWGI_HIDES_SETTINGS) != 0)
        return;
    /* A pattern's own name is none that a circuit has. */
    if (swgi_config_apply_to(circuit->name, circuit->config, NULL, &settings, &error) != 0)
        swgi_complain_at(reader, place_of_key(circuit, error.key), error.key, "%s", error.text);
}

/* ---- names */

static int by_name(const void *a, const void *b) {
    const struct swgi_file_circuit *one = *(const struct swgi_file_circuit *const *)a;
    const struct swgi_file_circuit *other = *(const struct swgi_file_circuit *const *)b;
    int order = strcmp(one->name, other->name);

    return order != 0 ? order : (one < other ? -1 : 1);
}

static int by_alias(const void *a, const void *b) {
    const struct swgi_file_circuit *one = *(const struct swgi_file_circuit *const *)a;
    const struct swgi_file_circuit *other = *(const struct swgi_file_circuit *const *)b;
    int order = strcmp(one->alias, other->alias);

    return order != 0 ? order : (one < other ? -1 : 1);
}

/* Two forms of a file may name one circuit; keys of one mapping were compared before. */
static void check_names(struct swgi_reader *reader, const struct swgi_file_circuit **sorted,
                        unsigned count) {
    qsort(sorted, count, sizeof(const struct swgi_file_circuit *), by_name);
    for (unsigned i = 1; i < count; i++)
        if (strcmp(sorted[i]->name, sorted[i - 1]->name) == 0 && !sorted[i]->origins->is_misnamed)
            swgi_complain_at(reader, place_of(sorted[i]), sorted[i]->name,
                             "a circuit of that name is in line %d already", sorted[i - 1]->line);
}

static void check_aliases(struct swgi_reader *reader, const struct swgi_file *file,
                          const struct swgi_file_circuit **sorted, unsigned count) {
    qsort(sorted, count, sizeof(const struct swgi_file_circuit *), by_alias);
    for (unsigned i = 0; i < count; i++) {
        const struct swgi_file_circuit *circuit = sorted[i];
        const struct swgi_file_circuit *other = i > 0 ? sorted[i - 1] : NULL;

        if (circuit->alias[0] == '\0')
            continue;
        if (other == NULL || strcmp(other->alias, circuit->alias) != 0)
            other = swgi_file_circuit(file, circuit->alias);
        if (other != NULL && other != circuit && !other->is_pattern)
            swgi_complain_at(reader, swgi_circuit_field_place(circuit, "alias"), circuit->name,
                             "the alias \"%.60s\" is another circuit's, in line %d", circuit->alias,
                             other->line);
    }
}

/* What is wrong elsewhere may be the circuit that is asked for. */
static bool is_nobody(const struct swgi_reader *reader, const struct swgi_file *file,
                      const char *name) {
    return (reader->hidden & SWGI_HIDES_CIRCUITS) == 0 && swgi_file_circuit(file, name) == NULL;
}

/* One word of a list: "depends_on.1". */
struct word_key {
    char text[32];
};
static struct word_key key_of_word(const char *list, struct swgi_place place) {
    struct word_key key;

    snprintf(key.text, sizeof(key.text), "%s.%u", list, (unsigned)place.number);
    return key;
}

static void refuse_circuit(struct swgi_reader *reader, const struct swgi_file_words *words,
                           const char *list, unsigned number) {
    struct swgi_place place = words->places[number];

    swgi_complain_at(reader, place, key_of_word(list, place).text,
                     "\"%.60s\" is no circuit of this file, and under no pattern of it",
                     words->at[number]);
}

static void check_depends(struct swgi_reader *reader, const struct swgi_file *file,
                          const struct swgi_file_circuit *circuit) {
    const struct swgi_file_words *words = &circuit->depends_on;

    for (unsigned i = 0; i < words->count; i++) {
        struct swgi_place place = words->places[i];

        if (strcmp(words->at[i], circuit->name) == 0)
            swgi_complain_at(reader, place, key_of_word("depends_on", place).text,
                             "a circuit does not depend on itself");
        else if (is_nobody(reader, file, words->at[i]))
            refuse_circuit(reader, words, "depends_on", i);
    }
}

static void check_circuits(struct swgi_reader *reader, const struct swgi_file *file) {
    const struct swgi_file_circuit **sorted = calloc(file->circuits_count + 1u, sizeof(*sorted));
    size_t before = swgi_path_down(reader, "circuits");

    if (sorted == NULL)
        reader->no_memory = true;
    for (unsigned i = 0; i < file->circuits_count && sorted != NULL; i++) {
        const struct swgi_file_circuit *circuit = &file->circuits[i];
        size_t inside = swgi_path_down(reader, circuit->name);

        check_settings(reader, circuit);
        check_depends(reader, file, circuit);
        swgi_path_up(reader, inside);
        sorted[i] = circuit;
    }
    if (sorted != NULL) {
        check_names(reader, sorted, file->circuits_count);
        check_aliases(reader, file, sorted, file->circuits_count);
        swgi_circles_check(reader, file);
    }
    free(sorted);
    swgi_path_up(reader, before);
}

/* ---- numbers */

static void check_limits(struct swgi_reader *reader, const struct swgi_file *file) {
    unsigned declared = 0;
    const struct swgi_file_circuit *first = NULL;

    for (unsigned i = 0; i < file->circuits_count; i++) {
        if (file->circuits[i].is_pattern)
            continue;
        if (++declared == file->limits.circuits_max + 1)
            first = &file->circuits[i];
    }
    if (file->limits.circuits_max != 0 && first != NULL &&
        (reader->hidden & SWGI_HIDES_LIMITS) == 0)
        swgi_complain_at(reader, place_of(first), "circuits",
                         "%u circuits are declared; allowed: %u, by limits.circuits_max", declared,
                         file->limits.circuits_max);
}

/* ---- alerts */

static bool is_receiver(const struct swgi_reader *reader, const struct swgi_file *file,
                        const char *name) {
    if ((reader->hidden & SWGI_HIDES_RECEIVERS) != 0)
        return true;
    for (unsigned i = 0; i < file->receivers_count; i++)
        if (strcmp(file->receivers[i].name, name) == 0)
            return true;
    return false;
}

static void refuse_receiver(struct swgi_reader *reader, const struct swgi_file *file,
                            const struct swgi_file_words *words, unsigned number) {
    struct swgi_nearest nearest = SWGI_NEAREST(words->at[number]);
    struct swgi_place place = words->places[number];
    char hint[SWGI_HINT_MAX];

    for (unsigned i = 0; i < file->receivers_count; i++)
        swgi_nearest_offer(&nearest, file->receivers[i].name);
    swgi_hint(nearest.name != NULL ? nearest.name : "", hint);
    swgi_complain_at(reader, place, key_of_word("to", place).text,
                     "\"%.60s\" is no receiver of this file%s", words->at[number], hint);
}

/* A glob may match circuits to come; a name that nothing declares is a slip of the pen. */
static void check_alert(struct swgi_reader *reader, const struct swgi_file *file,
                        const struct swgi_file_alert *alert) {
    const struct swgi_file_words *circuits = &alert->circuits;

    for (unsigned i = 0; i < alert->to.count; i++)
        if (!is_receiver(reader, file, alert->to.at[i]))
            refuse_receiver(reader, file, &alert->to, i);
    for (unsigned i = 0; i < circuits->count && file->circuits_count > 0; i++)
        if (strpbrk(circuits->at[i], "*?") == NULL && is_nobody(reader, file, circuits->at[i]))
            refuse_circuit(reader, circuits, "circuits", i);
}

static void check_alerts(struct swgi_reader *reader, const struct swgi_file *file) {
    size_t before = swgi_path_down(reader, "alerts");

    for (unsigned i = 0; i < file->alerts_count; i++) {
        char number[16];

        snprintf(number, sizeof(number), "%u", i);
        size_t inside = swgi_path_down(reader, number);
        check_alert(reader, file, &file->alerts[i]);
        swgi_path_up(reader, inside);
    }
    swgi_path_up(reader, before);
}

/* Errors found before are no reason to keep quiet about these: only about what they may have hidden. */
void swgi_parse_check(struct swgi_parse *parse) {
    struct swgi_reader *reader = &parse->reader;
    const struct swgi_file *file = parse->file;

    swgi_hides_only(reader, SWGI_HIDES_NOTHING);
    check_circuits(reader, file);
    check_limits(reader, file);
    check_alerts(reader, file);
}
