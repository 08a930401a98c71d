/* What may stand in a configuration file, from the tables that read it. */
#include "cli/check_config.h"

#include <string.h>

#include "base/text.h"
#include "cli/message.h"
#include "config/alert_kinds.h"
#include "config/seeds.h"
#include "report/screen.h"

/* ---- one key */

static void say_key(const struct swgi_screen *screen, const char *name, const char *allowed,
                    const char *initial, const char *what) {
    swgi_screen_put(screen, SWGI_STRONG, 0, name);
    fprintf(screen->out, "\n    allowed: ");
    swgi_screen_wrap(screen, SWGI_PLAIN, 13, 13, allowed);
    if (initial[0] != '\0')
        fprintf(screen->out, "    default: %s\n", initial);
    fprintf(screen->out, "    ");
    swgi_screen_wrap(screen, SWGI_FAINT, 4, 4, what);
}

void swgi_check_initial(const struct swgi_key *key, char *out, size_t size) {
    struct swgi_settings settings;
    struct swgi_trip_rule rule = { 0 };

    out[0] = '\0';
    swgi_settings_default(&settings);
    if (key->type == SWGI_TYPE_PRESET || key->type == SWGI_TYPE_TRIP)
        return;
    if (key->kind == SWGI_KIND_NONE) {
        (void)swgi_key_print(key, &settings, out, size);
        return;
    }
    swgi_key_set_initial(key, &rule);
    if (key->type == SWGI_TYPE_DECIMAL ? key->real_initial > 0 : key->initial != 0)
        (void)swgi_key_print(key, &rule, out, size);
}

static void say_setting(const struct swgi_screen *screen, const struct swgi_key *key) {
    char range[SWGI_KEY_RANGE_MAX], initial[SWGI_KEY_VALUE_MAX], name[2 * SWGI_KEY_NAME_MAX];

    swgi_key_range(key, range);
    swgi_check_initial(key, initial, sizeof(initial));
    snprintf(name, sizeof(name), "%s%s%s%s", key->name, key->alias[0] != '\0' ? " (or " : "",
             key->alias, key->alias[0] != '\0' ? ")" : "");
    say_key(screen, name,
            key->type == SWGI_TYPE_TRIP ? "none, or a list of rules, each of one kind" : range,
            initial, key->what);
}

static void full_name(const struct swgi_file_key *key, char out[SWGI_KEY_NAME_MAX]) {
    const char *section = swgi_file_sections[key->section].name;

    snprintf(out, SWGI_KEY_NAME_MAX, "%s%s%s", section, section[0] != '\0' ? "." : "", key->name);
}

static void say_file_key(const struct swgi_screen *screen, const struct swgi_file_key *key) {
    char range[SWGI_FILE_RANGE_MAX], name[SWGI_KEY_NAME_MAX];

    swgi_file_key_range(key, range);
    full_name(key, name);
    say_key(screen, name, range, key->initial, key->what);
}

static void say_seed(const struct swgi_screen *screen, const char *name,
                     const struct swgi_seed_key *key) {
    char range[SWGI_KEY_RANGE_MAX], what[256];

    snprintf(what, sizeof(what), "of another breaker's configuration; becomes %s", key->target);
    say_key(screen, name, swgi_seed_range(key, range), "", what);
}

/* ---- which ones */

/* "breaker.open" is above "breaker.open.for"; circuits.NAME may be left out. */
static bool is_at_or_below(const char *name, const char *wanted) {
    size_t length = strlen(wanted);

    return strncmp(name, wanted, length) == 0 && (name[length] == '\0' || name[length] == '.');
}

static bool matches(const char *name, const char *wanted) {
    static const char circuit[] = "circuits.NAME.";

    if (wanted == NULL || is_at_or_below(name, wanted))
        return true;
    return strncmp(name, circuit, strlen(circuit)) == 0 &&
           is_at_or_below(name + strlen(circuit), wanted);
}

/* A rule's key is sought without its number, too. */
static bool matches_setting(const struct swgi_key *key, const char *wanted) {
    static const char circuit[] = "circuits.NAME.";
    char without[SWGI_KEY_NAME_MAX];

    if (wanted != NULL && strncmp(wanted, circuit, strlen(circuit)) == 0)
        wanted += strlen(circuit);
    snprintf(without, sizeof(without), "%s%s", "breaker.trip.",
             key->kind != SWGI_KIND_NONE ? key->name + strlen(SWGI_TRIP_PREFIX "N.") : "?");
    return matches(key->name, wanted) || matches(without, wanted) ||
           (key->alias[0] != '\0' && matches(key->alias, wanted));
}

static unsigned say_file_keys(const struct swgi_screen *screen, const char *wanted) {
    char name[SWGI_KEY_NAME_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < swgi_file_keys_count; i++) {
        full_name(&swgi_file_keys[i], name);
        if (!matches(name, wanted))
            continue;
        say_file_key(screen, &swgi_file_keys[i]);
        count++;
    }
    return count;
}

static unsigned say_settings(const struct swgi_screen *screen, const char *wanted) {
    unsigned count = 0;

    for (unsigned i = 0; i < swgi_keys_count + swgi_rule_keys_count; i++) {
        const struct swgi_key *key =
            i < swgi_keys_count ? &swgi_keys[i] : &swgi_rule_keys[i - swgi_keys_count];

        if (!matches_setting(key, wanted))
            continue;
        say_setting(screen, key);
        count++;
    }
    return count;
}

static unsigned say_seeds(const struct swgi_screen *screen, const char *prefix,
                          const struct swgi_seed_key *keys, unsigned keys_count,
                          const char *wanted) {
    char name[SWGI_KEY_NAME_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < keys_count; i++) {
        snprintf(name, sizeof(name), "%s%s", prefix, keys[i].name);
        if (!matches(name, wanted))
            continue;
        say_seed(screen, name, &keys[i]);
        count++;
    }
    return count;
}

static unsigned say_all(const struct swgi_screen *screen, const char *wanted) {
    return say_file_keys(screen, wanted) + say_settings(screen, wanted) +
           say_seeds(screen, "circuit_breakers.", swgi_breakers_keys, swgi_breakers_keys_count,
                     wanted) +
           say_seeds(screen, "", swgi_seed_keys, swgi_seed_keys_count, wanted);
}

static void refuse(const char *wanted) {
    struct swgi_nearest nearest = SWGI_NEAREST(wanted);
    char names[64][SWGI_KEY_NAME_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < swgi_file_keys_count && count < 64; i++)
        full_name(&swgi_file_keys[i], names[count++]);
    for (unsigned i = 0; i < count; i++)
        swgi_nearest_offer(&nearest, names[i]);
    for (unsigned i = 0; i < swgi_keys_count; i++)
        swgi_nearest_offer(&nearest, swgi_keys[i].name);
    if (nearest.name != NULL)
        swgi_say("there is no key '%s'; did you mean '%s'?", wanted, nearest.name);
    else
        swgi_say("there is no key '%s'; 'switchgear check-config --explain' tells all", wanted);
}

bool swgi_check_explain(FILE *out, const char *key) {
    struct swgi_screen screen;

    swgi_screen_init(&screen, out, false);
    if (say_all(&screen, key) > 0)
        return true;
    refuse(key);
    return false;
}
