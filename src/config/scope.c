/* The keys of each place, gathered once from the tables, and the walk down a mapping. */
#include "config/scope.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "circuit/keys.h"
#include "config/file_keys.h"
#include "config/seeds.h"

static struct swgi_scope scopes[SWGI_SCOPES];

static void add(struct swgi_scope *scope, const char *name, const void *what, int kind,
                bool takes_mapping) {
    assert(scope->count < SWGI_SCOPE_MAX);
    scope->words[scope->count++] = (struct swgi_word){
        .name = name, .what = what, .kind = kind, .takes_mapping = takes_mapping
    };
}

static void add_settings(struct swgi_scope *scope) {
    for (unsigned i = 0; i < swgi_keys_count; i++) {
        const struct swgi_key *key = &swgi_keys[i];
        bool pairs = key->type == SWGI_TYPE_PARTITIONS || key->type == SWGI_TYPE_FEATURES;

        add(scope, key->name, key, SWGI_WORD_SETTING, pairs);
        if (key->alias[0] != '\0')
            add(scope, key->alias, key, SWGI_WORD_SETTING, pairs);
    }
}

static void add_rules(struct swgi_scope *scope) {
    for (unsigned i = 0; i < swgi_rule_keys_count; i++)
        add(scope, swgi_rule_keys[i].name + strlen(SWGI_TRIP_PREFIX "N."), &swgi_rule_keys[i],
            SWGI_WORD_RULE, false);
}

static void add_section(struct swgi_scope *scope, unsigned section) {
    for (unsigned i = 0; i < swgi_file_keys_count; i++)
        if (swgi_file_keys[i].section == section)
            add(scope, swgi_file_keys[i].name, &swgi_file_keys[i], SWGI_WORD_FILE, false);
}

/* `timeout` is ours as well: whose it is, the mapping as a whole tells (swgi_seed_001()). */
static void add_seeds(struct swgi_scope *scope, bool timeout) {
    for (unsigned i = 0; i < swgi_seed_keys_count; i++) {
        const struct swgi_seed_key *key = &swgi_seed_keys[i];

        if (timeout || strcmp(key->name, "timeout") != 0)
            add(scope, key->name, key, SWGI_WORD_SEED, key->type == SWGI_SEED_FEATURES);
    }
}

static void add_sections(struct swgi_scope *scope, bool environment) {
    static const char *const names[] = { "panel",    "agent",    "limits", "metrics",
                                         "defaults", "circuits", "alerts", "receivers" };

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        add(scope, names[i], NULL, SWGI_WORD_TOP, true);
    if (environment)
        return;
    add(scope, "environment", NULL, SWGI_WORD_TOP, true);
    add(scope, "environments", NULL, SWGI_WORD_TOP, true);
    add(scope, "circuit_breakers", NULL, SWGI_WORD_TOP, true);
    add(scope, "*_CIRCUIT_CONFIG", NULL, SWGI_WORD_TOP, true);
}

/* What an entry of circuits has for itself alone. */
static void add_defaults(struct swgi_scope *scope) {
    for (unsigned i = 0; i < swgi_file_keys_count; i++) {
        const struct swgi_file_key *key = &swgi_file_keys[i];

        if (key->section == SWGI_SECTION_CIRCUIT_KEYS && strcmp(key->name, "max") != 0 &&
            strcmp(key->name, "alias") != 0 && strcmp(key->name, "depends_on") != 0)
            add(scope, key->name, key, SWGI_WORD_FILE, false);
    }
}

static void add_breakers(struct swgi_scope *scope) {
    for (unsigned i = 0; i < swgi_breakers_keys_count; i++)
        add(scope, swgi_breakers_keys[i].name, &swgi_breakers_keys[i], SWGI_WORD_SEED, false);
    add(scope, "default_config", NULL, SWGI_WORD_TOP, true);
    add(scope, "component_configs", NULL, SWGI_WORD_TOP, true);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct swgi_word *)a)->name, ((const struct swgi_word *)b)->name);
}

static void make_scopes(void) {
    add_settings(&scopes[SWGI_SCOPE_CONFIG]);
    add_settings(&scopes[SWGI_SCOPE_CIRCUIT]);
    add_settings(&scopes[SWGI_SCOPE_DEFAULTS]);
    add_seeds(&scopes[SWGI_SCOPE_CONFIG], false);
    add_seeds(&scopes[SWGI_SCOPE_CIRCUIT], false);
    add_seeds(&scopes[SWGI_SCOPE_DEFAULTS], false);
    add_seeds(&scopes[SWGI_SCOPE_TOP], true);
    add_section(&scopes[SWGI_SCOPE_CIRCUIT], SWGI_SECTION_CIRCUIT_KEYS);
    add_defaults(&scopes[SWGI_SCOPE_DEFAULTS]);
    add_rules(&scopes[SWGI_SCOPE_RULE]);
    add_sections(&scopes[SWGI_SCOPE_TOP], false);
    add_sections(&scopes[SWGI_SCOPE_ENVIRONMENT], true);
    add_section(&scopes[SWGI_SCOPE_PANEL], SWGI_SECTION_PANEL_KEYS);
    add_section(&scopes[SWGI_SCOPE_AGENT], SWGI_SECTION_AGENT_KEYS);
    add_section(&scopes[SWGI_SCOPE_LIMITS], SWGI_SECTION_LIMITS_KEYS);
    add_section(&scopes[SWGI_SCOPE_METRICS], SWGI_SECTION_METRICS_KEYS);
    add_section(&scopes[SWGI_SCOPE_ALERT], SWGI_SECTION_ALERT_KEYS);
    add_section(&scopes[SWGI_SCOPE_RECEIVER], SWGI_SECTION_RECEIVER_KEYS);
    add_breakers(&scopes[SWGI_SCOPE_BREAKERS]);
    for (unsigned i = 0; i < SWGI_SCOPES; i++)
        qsort(scopes[i].words, scopes[i].count, sizeof(scopes[i].words[0]), by_name);
}

const struct swgi_scope *swgi_scope(enum swgi_scope_id id) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_scopes);
    return &scopes[id];
}

/* ---- finding */

/* The first word that is not before name. */
static unsigned lower_bound(const struct swgi_scope *scope, const char *name) {
    unsigned low = 0, high = scope->count;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (strcmp(scope->words[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);

    return length > tail && strcmp(text + length - tail, end) == 0;
}

static const struct swgi_word *find(const struct swgi_scope *scope, const char *name) {
    unsigned at = lower_bound(scope, name);

    if (at < scope->count && strcmp(scope->words[at].name, name) == 0)
        return &scope->words[at];
    for (unsigned i = 0; i < scope->count && scope->words[i].name[0] == '*'; i++)
        if (ends_with(name, scope->words[i].name + 1))
            return &scope->words[i];
    return NULL;
}

/* Do words begin with "name."? */
static bool is_prefix(const struct swgi_scope *scope, const char *name) {
    char prefix[SWGI_KEY_NAME_MAX + 1];
    size_t length = (size_t)snprintf(prefix, sizeof(prefix), "%s.", name);
    unsigned at = lower_bound(scope, prefix);

    return length < sizeof(prefix) && at < scope->count &&
           strncmp(scope->words[at].name, prefix, length) == 0;
}

/* ---- the unknown */

/* The words that may stand under prefix ("" or "breaker."), each once, in the table's order of letters. */
static unsigned children(const struct swgi_scope *scope, const char *prefix, bool seeds,
                         char out[][SWGI_KEY_NAME_MAX], unsigned most) {
    size_t length = strlen(prefix);
    unsigned count = 0;

    for (unsigned i = lower_bound(scope, prefix); i < scope->count; i++) {
        const char *name = scope->words[i].name;

        if (strncmp(name, prefix, length) != 0)
            break;
        if (scope->words[i].kind == SWGI_WORD_SEED && !seeds)
            continue;
        size_t word = strcspn(name + length, ".");
        bool same = count > 0 && strlen(out[count - 1]) == word &&
                    memcmp(out[count - 1], name + length, word) == 0;
        if (!same && count < most)
            snprintf(out[count++], SWGI_KEY_NAME_MAX, "%.*s", (int)word, name + length);
    }
    return count;
}

/* A word known elsewhere: "attempts" is "retry.attempts". NULL if none or several are. */
static const char *elsewhere(const struct swgi_scope *scope, const char *key) {
    const char *found = NULL;

    for (unsigned i = 0; i < scope->count; i++) {
        const char *name = scope->words[i].name;
        size_t length = strlen(name), tail = strlen(key);

        if (scope->words[i].kind == SWGI_WORD_SEED || length <= tail + 1 ||
            name[length - tail - 1] != '.' || strcmp(name + length - tail, key) != 0)
            continue;
        if (found != NULL)
            return NULL;
        found = name;
    }
    return found;
}

unsigned swgi_section_hides(const char *name) {
    static const struct swgi_hiding rows[] = {
        { "panel", SWGI_HIDES_NOTHING },     { "agent", SWGI_HIDES_NOTHING },
        { "metrics", SWGI_HIDES_NOTHING },   { "alerts", SWGI_HIDES_NOTHING },
        { "limits", SWGI_HIDES_LIMITS },     { "defaults", SWGI_HIDES_SETTINGS },
        { "circuits", SWGI_HIDES_CIRCUITS }, { "receivers", SWGI_HIDES_RECEIVERS },
    };

    return swgi_hiding_of(rows, sizeof(rows) / sizeof(rows[0]), name, SWGI_HIDES_ALL);
}

/* Under a name that is wrong any section may be meant, or the one it is like. A single value is none
 * of them, but may be the environment in force. */
static unsigned section_hides(const char *like, const yaml_node_t *value) {
    unsigned what = like != NULL ? swgi_section_hides(like) : SWGI_HIDES_ALL;
    bool is_value = value->type != YAML_MAPPING_NODE;

    if (is_value && (like == NULL || strcmp(like, "environment") != 0))
        return SWGI_HIDES_NOTHING;
    return what;
}

/* Whose name is told wrongly is not called as its key says, either. */
static void note_hidden(struct swgi_reader *reader, const struct swgi_scope *scope,
                        const char *like, const yaml_node_t *value) {
    bool is_top = scope == &scopes[SWGI_SCOPE_TOP];

    if (is_top || scope == &scopes[SWGI_SCOPE_ENVIRONMENT])
        swgi_hides_only(reader, section_hides(like, value));
    if (like != NULL && swgi_word_find("name|service_id|breakerMode", like) >= 0 &&
        (is_top || scope == &scopes[SWGI_SCOPE_CIRCUIT]))
        reader->hidden |= SWGI_HIDES_CIRCUITS | SWGI_HIDES_A_NAME;
}

#define CHILDREN_MAX 64u

static void list_words(char words[][SWGI_KEY_NAME_MAX], unsigned count, char *out, size_t size) {
    size_t used = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < count && used < size; i++)
        if (words[i][0] != '*')
            used +=
                (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", words[i]);
    if (used >= size)
        memcpy(out + size - 4, "...", 4);
}

static void refuse_unknown(struct swgi_reader *reader, const struct swgi_scope *scope,
                           const char *prefix, const char *key, const yaml_node_t *node,
                           const yaml_node_t *value) {
    char words[CHILDREN_MAX][SWGI_KEY_NAME_MAX], ours[CHILDREN_MAX][SWGI_KEY_NAME_MAX];
    char allowed[180], hint[SWGI_HINT_MAX];
    struct swgi_nearest nearest = SWGI_NEAREST(key);
    unsigned count = children(scope, prefix, true, words, CHILDREN_MAX);
    bool theirs = scope == &scopes[SWGI_SCOPE_BREAKERS];
    unsigned ours_count = children(scope, prefix, theirs, ours, CHILDREN_MAX);
    unsigned before = reader->hiding;

    for (unsigned i = 0; i < count; i++)
        swgi_nearest_offer(&nearest, words[i]);
    const char *like = nearest.name != NULL ? nearest.name : elsewhere(scope, key);
    swgi_hint(like != NULL ? like : "", hint);
    /* Other breakers' keys are understood, not advertised: but where no others may stand. */
    if (strchr(key, '.') != NULL && hint[0] == '\0')
        snprintf(hint, sizeof(hint), " with dots; write it nested, breaker: {open: {for: 30s}}");
    list_words(ours_count > 0 ? ours : words, ours_count > 0 ? ours_count : count, allowed,
               sizeof(allowed));
    note_hidden(reader, scope, like, value);
    swgi_complain(reader, node, NULL, "unknown key%s; allowed here: %s", hint, allowed);
    reader->hiding = before;
}

/* ---- the walk */

struct walk {
    const struct swgi_scope *scope;
    char prefix[SWGI_KEY_NAME_MAX + 1]; /* "" or "breaker." */
    swgi_leaf_fn *leaf;
    void *arg;
};

static void walk_pair(struct swgi_reader *reader, void *arg, const yaml_node_t *key_node,
                      const char *key, const yaml_node_t *value) {
    const struct walk *walk = arg;
    struct walk below = *walk;
    char name[SWGI_KEY_NAME_MAX];
    int length = snprintf(name, sizeof(name), "%s%s", walk->prefix, key);
    bool fits = length > 0 && length < (int)sizeof(name) && strchr(key, '.') == NULL;
    const struct swgi_word *word = fits ? find(walk->scope, name) : NULL;
    bool nests = fits && is_prefix(walk->scope, name);
    bool is_group = value->type == YAML_MAPPING_NODE || (swgi_node_empty(value) && word == NULL);

    if (word != NULL && (!nests || !is_group || word->takes_mapping)) {
        walk->leaf(reader, walk->arg, word, key_node, value);
    } else if (nests) {
        snprintf(below.prefix, sizeof(below.prefix), "%s.", name);
        swgi_each_pair(reader, value, walk_pair, &below);
    } else {
        refuse_unknown(reader, walk->scope, walk->prefix, key, key_node, value);
    }
}

bool swgi_walk(struct swgi_reader *reader, enum swgi_scope_id id, const yaml_node_t *mapping,
               swgi_leaf_fn *leaf, void *arg) {
    struct walk walk = { .scope = swgi_scope(id), .leaf = leaf, .arg = arg };

    return swgi_each_pair(reader, mapping, walk_pair, &walk);
}
