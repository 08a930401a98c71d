/* Alert rules and receivers: lists of the file, and the rules that are shipped. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/alert_kinds.h"
#include "config/parse.h"

#define SWGI_SEVERITY_OF(word) SWGI_SEVERITY_##word

const struct swgi_alert_kind_facts swgi_alert_kinds[] = {
#define SWGI_ALERT_KIND(kind, of_word, of_unit, limit, hold, urgency, prose) \
    { .word = (of_word),                                                     \
      .above = (limit),                                                      \
      .for_ns = (hold),                                                      \
      .what = (prose),                                                       \
      .unit = SWGI_ALERT_IN_##of_unit,                                       \
      .severity = SWGI_SEVERITY_OF(urgency) },
#include "tables/alerts.h"
};
const unsigned swgi_alert_kinds_count = sizeof(swgi_alert_kinds) / sizeof(swgi_alert_kinds[0]);

const struct swgi_shipped_alert swgi_shipped_alerts[] = {
#define SWGI_ALERT(of_name, kind, limit, hold, urgency, of_section) \
    { .name = (of_name),                                            \
      .above = (limit),                                             \
      .for_ns = (hold),                                             \
      .section = (of_section),                                      \
      .when = SWGI_ALERT_##kind,                                    \
      .severity = SWGI_SEVERITY_OF(urgency) },
#include "tables/alerts.h"
};
const unsigned swgi_shipped_alerts_count =
    sizeof(swgi_shipped_alerts) / sizeof(swgi_shipped_alerts[0]);

/* ---- where an alert begins */

const char *swgi_alert_above_words(int unit) {
    switch (unit) {
    case SWGI_ALERT_IN_PERCENT:
        return "a percentage, 0..100";
    case SWGI_ALERT_IN_COUNT:
        return "a whole number";
    case SWGI_ALERT_IN_DURATION:
        return "a duration such as 5m";
    case SWGI_ALERT_IN_NUMBER:
        return "a number";
    default:
        return "nothing: `when` knows no measure";
    }
}

int swgi_alert_above_parse(int unit, const char *text, double *out) {
    uint32_t ppm = 0;
    uint64_t whole = 0;
    int rc = -EINVAL;

    switch (unit) {
    case SWGI_ALERT_IN_PERCENT:
        rc = swgi_percent_parse(text, &ppm);
        *out = (double)ppm / 1e6;
        break;
    case SWGI_ALERT_IN_COUNT:
        rc = swgi_integer_parse(text, &whole);
        *out = (double)whole;
        break;
    case SWGI_ALERT_IN_DURATION:
        rc = swgi_duration_parse(text, &whole);
        *out = (double)whole / 1e9;
        break;
    case SWGI_ALERT_IN_NUMBER:
        rc = swgi_decimal_parse(text, out);
        break;
    default:
        break;
    }
    return rc;
}

/* The table's own: known to be good, tests look at each. */
static double above_of(int unit, const char *text) {
    double above = 0;

    if (text[0] != '\0')
        (void)swgi_alert_above_parse(unit, text, &above);
    return above;
}

static swg_ns duration_of(const char *text) {
    uint64_t ns = 0;

    (void)swgi_duration_parse(text, &ns);
    return (swg_ns)ns;
}

/* ---- the list of rules */

static struct swgi_file_alert *add(struct swgi_alerts *alerts) {
    if (alerts->count == alerts->room) {
        unsigned room = alerts->room != 0 ? 2 * alerts->room : 16;
        struct swgi_file_alert *larger = realloc(alerts->at, room * sizeof(*larger));

        if (larger == NULL)
            return NULL;
        alerts->at = larger;
        alerts->room = room;
    }
    memset(&alerts->at[alerts->count], 0, sizeof(alerts->at[0]));
    return &alerts->at[alerts->count++];
}

void swgi_alerts_free(struct swgi_alerts *alerts) {
    for (unsigned i = 0; i < alerts->count; i++) {
        swgi_words_free(&alerts->at[i].circuits);
        swgi_words_free(&alerts->at[i].to);
    }
    free(alerts->at);
    *alerts = (struct swgi_alerts){ 0 };
}

int swgi_alerts_ship(struct swgi_alerts *alerts) {
    for (unsigned i = 0; i < swgi_shipped_alerts_count; i++) {
        const struct swgi_shipped_alert *shipped = &swgi_shipped_alerts[i];
        struct swgi_file_alert *alert = add(alerts);

        if (alert == NULL)
            return -ENOMEM;
        snprintf(alert->name, sizeof(alert->name), "%s", shipped->name);
        snprintf(alert->runbook, sizeof(alert->runbook), "%s#%s", SWGI_RUNBOOK, shipped->section);
        alert->when = shipped->when;
        alert->above = above_of(swgi_alert_kinds[shipped->when].unit, shipped->above);
        alert->for_ns = duration_of(shipped->for_ns);
        alert->severity = shipped->severity;
    }
    return 0;
}

/* What is counted in depends on `when`, which may stand after `above`. */
struct rule {
    struct swgi_file_alert *alert;
    const yaml_node_t *when, *above, *for_ns, *severity;
};

static void read_key(struct swgi_reader *reader, void *arg, const struct swgi_word *word,
                     const yaml_node_t *key_node, const yaml_node_t *value) {
    struct rule *rule = arg;

    (void)key_node;
    if (strcmp(word->name, "above") == 0) {
        rule->above = value;
        return;
    }
    if (!swgi_file_key_read(reader, word->what, value, rule->alert))
        return;
    if (strcmp(word->name, "name") == 0)
        rule->alert->name_place = swgi_place_of(value);
    else if (strcmp(word->name, "when") == 0)
        rule->when = value;
    else if (strcmp(word->name, "for") == 0)
        rule->for_ns = value;
    else if (strcmp(word->name, "severity") == 0)
        rule->severity = value;
}

static void read_above(struct swgi_reader *reader, const struct rule *rule, int unit) {
    const char *words = swgi_alert_above_words(unit);

    if (unit == SWGI_ALERT_IN_NOTHING) {
        swgi_complain(reader, rule->above, "above",
                      "`when: %s` measures nothing that could be above it",
                      swgi_alert_kinds[rule->alert->when].word);
        return;
    }
    size_t before = swgi_path_down(reader, "above");
    const char *text = swgi_node_text(reader, rule->above, words);

    if (text != NULL && swgi_alert_above_parse(unit, text, &rule->alert->above) != 0)
        swgi_complain(reader, rule->above, NULL, "\"%.40s\" is not allowed; allowed: %s", text,
                      words);
    swgi_path_up(reader, before);
}

static void read_alert(struct swgi_reader *reader, void *arg, unsigned number,
                       const yaml_node_t *item) {
    struct swgi_alerts *alerts = arg;
    struct rule rule = { .alert = add(alerts) };
    unsigned before = reader->errors->count;

    (void)number;
    if (rule.alert == NULL) {
        reader->no_memory = true;
        return;
    }
    rule.alert->line = (int)swgi_place_of(item).line;
    rule.alert->column = swgi_place_of(item).column;
    swgi_walk(reader, SWGI_SCOPE_ALERT, item, read_key, &rule);
    /* What is missing may be one of the keys that are wrong. */
    bool good = reader->errors->count == before;
    if (good && rule.alert->name[0] == '\0')
        swgi_complain(reader, item, "name", "an alert must have a name");
    if (good && rule.when == NULL)
        swgi_complain(reader, item, "when", "what does it watch? allowed: %s", swgi_alert_words);
    if (rule.when == NULL)
        return;
    const struct swgi_alert_kind_facts *kind = &swgi_alert_kinds[rule.alert->when];
    if (rule.above != NULL)
        read_above(reader, &rule, kind->unit);
    else
        rule.alert->above = above_of(kind->unit, kind->above);
    if (rule.for_ns == NULL)
        rule.alert->for_ns = duration_of(kind->for_ns);
    if (rule.severity == NULL)
        rule.alert->severity = kind->severity;
}

static void refuse_name(struct swgi_reader *reader, const struct swgi_alerts *alerts,
                        unsigned number, int line) {
    char key[32];

    snprintf(key, sizeof(key), "%u.name", number);
    swgi_complain_at(reader, alerts->at[number].name_place, key,
                     "\"%.60s\" is the name of an alert in line %d already",
                     alerts->at[number].name, line);
}

static void refuse_same_names(struct swgi_reader *reader, const struct swgi_alerts *alerts) {
    for (unsigned i = 1; i < alerts->count; i++)
        for (unsigned k = 0; k < i; k++)
            if (alerts->at[i].name[0] != '\0' &&
                strcmp(alerts->at[i].name, alerts->at[k].name) == 0) {
                refuse_name(reader, alerts, i, alerts->at[k].line);
                break;
            }
}

void swgi_alerts_read(struct swgi_reader *reader, struct swgi_alerts *alerts,
                      const yaml_node_t *node) {
    swgi_alerts_free(alerts);
    alerts->given = true;
    if (swgi_each_item(reader, node, read_alert, alerts))
        refuse_same_names(reader, alerts);
}

/* ---- receivers */

struct receiver {
    struct swgi_file_receiver *to;
    bool has_kind;
};

static void read_receiver_key(struct swgi_reader *reader, void *arg, const struct swgi_word *word,
                              const yaml_node_t *key_node, const yaml_node_t *value) {
    struct receiver *receiver = arg;

    (void)key_node;
    if (swgi_file_key_read(reader, word->what, value, receiver->to) &&
        strcmp(word->name, "kind") == 0)
        receiver->has_kind = true;
}

/* What each kind cannot do without. */
static void check_receiver(struct swgi_reader *reader, const struct swgi_file_receiver *receiver,
                           const yaml_node_t *node) {
    bool has_url = receiver->url[0] != '\0' || receiver->url_file[0] != '\0';

    if (receiver->url[0] != '\0' && receiver->url_file[0] != '\0')
        swgi_complain(reader, node, "url_file", "url and url_file: say one or the other");
    if (receiver->kind != SWGI_RECEIVER_LOG && receiver->kind != SWGI_RECEIVER_PAGERDUTY &&
        !has_url)
        swgi_complain(reader, node, NULL, "where is it? allowed: url or url_file");
    if (receiver->kind == SWGI_RECEIVER_PAGERDUTY && receiver->token_file[0] == '\0')
        swgi_complain(reader, node, "token_file",
                      "missing: the file whose first line is the routing key");
    if (receiver->kind == SWGI_RECEIVER_LOG && receiver->ca_file[0] != '\0')
        swgi_complain(reader, node, "ca_file", "the log needs no certificate");
    if (receiver->kind != SWGI_RECEIVER_WEBHOOK && receiver->template_file[0] != '\0')
        swgi_complain(reader, node, "template_file", "only a webhook has a template");
}

static struct swgi_file_receiver *add_receiver(struct swgi_receivers *receivers) {
    if (receivers->count == receivers->room) {
        unsigned room = receivers->room != 0 ? 2 * receivers->room : 8;
        struct swgi_file_receiver *larger = realloc(receivers->at, room * sizeof(*larger));

        if (larger == NULL)
            return NULL;
        receivers->at = larger;
        receivers->room = room;
    }
    memset(&receivers->at[receivers->count], 0, sizeof(receivers->at[0]));
    return &receivers->at[receivers->count++];
}

#define RECEIVERS_MAX 64u

static void read_receiver(struct swgi_reader *reader, void *arg, const yaml_node_t *key_node,
                          const char *key, const yaml_node_t *value) {
    struct swgi_receivers *receivers = arg;
    struct receiver receiver = { 0 };
    unsigned before = reader->errors->count, hiding;

    if (!swgi_name_valid(key) || receivers->count == RECEIVERS_MAX) {
        swgi_complain(
            reader, key_node, NULL,
            "no receiver can be called so; allowed: at most %u, each a name of A-Z a-z 0-9"
            " . _ : @ / -",
            RECEIVERS_MAX);
        return;
    }
    receiver.to = add_receiver(receivers);
    if (receiver.to == NULL) {
        reader->no_memory = true;
        return;
    }
    swgi_file_defaults(SWGI_SECTION_RECEIVER_KEYS, receiver.to);
    snprintf(receiver.to->name, sizeof(receiver.to->name), "%s", key);
    receiver.to->line = (int)swgi_place_of(key_node).line;
    receiver.to->column = swgi_place_of(key_node).column;
    hiding = swgi_hides_only(reader, SWGI_HIDES_NOTHING);
    swgi_walk(reader, SWGI_SCOPE_RECEIVER, value, read_receiver_key, &receiver);
    if (reader->errors->count == before && !receiver.has_kind)
        swgi_complain(reader, key_node, "kind",
                      "missing; allowed: log|slack|pagerduty|alertmanager|webhook");
    else if (reader->errors->count == before)
        check_receiver(reader, receiver.to, key_node);
    reader->hiding = hiding;
}

void swgi_receivers_read(struct swgi_reader *reader, struct swgi_receivers *receivers,
                         const yaml_node_t *node) {
    receivers->count = 0;
    receivers->given = true;
    swgi_each_pair(reader, node, read_receiver, receivers);
}
