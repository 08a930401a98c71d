/* The tables as the part of switchgear.yaml(5) that nobody writes by hand, for scdoc. */
#include "cli/check_config.h"

#include <string.h>

#include "base/text.h"
#include "config/alert_kinds.h"
#include "config/seeds.h"

/* scdoc takes these for marks. */
static void escaped(FILE *out, const char *text) {
    for (const char *at = text; *at != '\0'; at++) {
        if (strchr("_*\\`#[<~|", *at) != NULL)
            fputc('\\', out);
        fputc(*at, out);
    }
}

static void heading(FILE *out, const char *title) {
    fprintf(out, "## %s\n\n", title);
}

static void entry(FILE *out, const char *name, const char *allowed, const char *initial,
                  const char *what) {
    fputc('*', out);
    escaped(out, name);
    fprintf(out, "*\n\t");
    escaped(out, what);
    fprintf(out, ".++\n");
    escaped(out, allowed);
    if (initial[0] != '\0') {
        fprintf(out, "; default ");
        escaped(out, initial);
    }
    fprintf(out, "\n\n");
}

/* ---- the file's own keys */

static void section(FILE *out, unsigned id) {
    char range[SWGI_FILE_RANGE_MAX];

    if (id != SWGI_SECTION_TOP_KEYS) {
        heading(out, swgi_file_sections[id].name);
        escaped(out, swgi_file_sections[id].what);
        fprintf(out, ".\n\n");
    }
    for (unsigned i = 0; i < swgi_file_keys_count; i++) {
        if (swgi_file_keys[i].section != id)
            continue;
        swgi_file_key_range(&swgi_file_keys[i], range);
        entry(out, swgi_file_keys[i].name, range, swgi_file_keys[i].initial,
              swgi_file_keys[i].what);
    }
}

/* ---- settings */

static void setting(FILE *out, const struct swgi_key *key, const char *name) {
    char range[SWGI_KEY_RANGE_MAX], initial[SWGI_KEY_VALUE_MAX], both[2 * SWGI_KEY_NAME_MAX];

    swgi_key_range(key, range);
    swgi_check_initial(key, initial, sizeof(initial));
    snprintf(both, sizeof(both), "%s%s%s", name, key->alias[0] != '\0' ? ", " : "", key->alias);
    entry(out, both, key->type == SWGI_TYPE_TRIP ? "none, or a list of rules" : range, initial,
          key->what);
}

static void settings(FILE *out) {
    for (unsigned i = 0; i < swgi_keys_count; i++)
        setting(out, &swgi_keys[i], swgi_keys[i].name);
    heading(out, "Rules, the entries of breaker.trip");
    for (unsigned i = 0; i < swgi_rule_keys_count; i++)
        setting(out, &swgi_rule_keys[i], swgi_rule_keys[i].name + strlen(SWGI_TRIP_PREFIX "N."));
}

static void presets(FILE *out) {
    heading(out, "Presets");
    for (unsigned i = 0; i < swgi_presets_count; i++) {
        fprintf(out, "*");
        escaped(out, swgi_presets[i].name);
        fprintf(out, "*\n\t");
        for (const char *const *row = swgi_presets[i].rows; *row != NULL; row++) {
            fprintf(out, "%s", row != swgi_presets[i].rows ? ", " : "");
            escaped(out, *row);
        }
        fprintf(out, "\n\n");
    }
}

/* ---- alerts */

static const char *severity(int number) {
    static const char *const words[] = { "info", "warning", "critical" };

    return words[number];
}

static void kinds(FILE *out) {
    heading(out, "What alerts watch");
    for (unsigned i = 0; i < swgi_alert_kinds_count; i++) {
        const struct swgi_alert_kind_facts *kind = &swgi_alert_kinds[i];
        char allowed[192];

        snprintf(allowed, sizeof(allowed), "%s%s%s%s; for %s; %s",
                 kind->above[0] != '\0' ? "above " : "no above", kind->above,
                 kind->above[0] != '\0' ? ", " : "",
                 kind->above[0] != '\0' ? swgi_alert_above_words(kind->unit) : "", kind->for_ns,
                 severity(kind->severity));
        entry(out, kind->word, allowed, "", kind->what);
    }
    heading(out, "The shipped rules");
    for (unsigned i = 0; i < swgi_shipped_alerts_count; i++) {
        const struct swgi_shipped_alert *alert = &swgi_shipped_alerts[i];
        char what[192];

        snprintf(what, sizeof(what), "when %s%s%s, for %s", swgi_alert_kinds[alert->when].word,
                 alert->above[0] != '\0' ? " above " : "", alert->above, alert->for_ns);
        entry(out, alert->name, severity(alert->severity), "", what);
    }
}

/* ---- other breakers' keys */

static void seed(FILE *out, const char *prefix, const struct swgi_seed_key *key) {
    char range[SWGI_KEY_RANGE_MAX], name[2 * SWGI_KEY_NAME_MAX], what[256];

    snprintf(name, sizeof(name), "%s%s", prefix, key->name);
    snprintf(what, sizeof(what), "becomes %s", key->target);
    entry(out, name, swgi_seed_range(key, range), "", what);
}

static void seeds(FILE *out) {
    heading(out, "Configurations of other breakers");
    for (unsigned i = 0; i < swgi_breakers_keys_count; i++)
        seed(out, "circuit_breakers.", &swgi_breakers_keys[i]);
    for (unsigned i = 0; i < swgi_seed_keys_count; i++)
        seed(out, "", &swgi_seed_keys[i]);
}

void swgi_check_manual(FILE *out) {
    section(out, SWGI_SECTION_TOP_KEYS);
    section(out, SWGI_SECTION_PANEL_KEYS);
    section(out, SWGI_SECTION_AGENT_KEYS);
    section(out, SWGI_SECTION_LIMITS_KEYS);
    section(out, SWGI_SECTION_METRICS_KEYS);
    section(out, SWGI_SECTION_CIRCUIT_KEYS);
    heading(out, "Settings of circuits, and of defaults");
    settings(out);
    presets(out);
    section(out, SWGI_SECTION_ALERT_KEYS);
    kinds(out);
    section(out, SWGI_SECTION_RECEIVER_KEYS);
    seeds(out);
}
