/* The tables: what stands in them fits together, so that no reader of theirs need look. */
#include "file_story.h"

#include "config/alert_kinds.h"
#include "config/seeds.h"

/* Each default is within its key's range, and prints as it is written. */
static void test_defaults(void **state) {
    char text[256];

    (void)state;
    read_text("");
    for (unsigned i = 0; i < swgi_file_keys_count; i++) {
        const struct swgi_file_key *key = &swgi_file_keys[i];
        const void *object = key->section == SWGI_SECTION_PANEL_KEYS     ? (void *)&file->panel
                             : key->section == SWGI_SECTION_AGENT_KEYS   ? (void *)&file->agent
                             : key->section == SWGI_SECTION_LIMITS_KEYS  ? (void *)&file->limits
                             : key->section == SWGI_SECTION_METRICS_KEYS ? (void *)&file->metrics
                                                                         : NULL;

        assert_true(key->name[0] != '\0' && key->what[0] != '\0');
        if (object == NULL || key->initial[0] == '\0')
            continue;
        swgi_file_key_print(key, object, text, sizeof(text));
        if (strcmp(text, key->initial) != 0 && strcmp(text, "1m") != 0)
            fail_msg("%s is %s, not %s", key->name, text, key->initial);
    }
}

static void test_alert_kinds(void **state) {
    double above;
    uint64_t ns;

    (void)state;
    assert_int_equal(swgi_alert_kinds_count, SWGI_ALERT_AGENT_DOWN + 1);
    for (unsigned i = 0; i < swgi_alert_kinds_count; i++) {
        const struct swgi_alert_kind_facts *kind = &swgi_alert_kinds[i];

        assert_int_equal(swgi_duration_parse(kind->for_ns, &ns), 0);
        assert_int_equal(kind->above[0] == '\0', kind->unit == SWGI_ALERT_IN_NOTHING);
        if (kind->above[0] != '\0')
            assert_int_equal(swgi_alert_above_parse(kind->unit, kind->above, &above), 0);
    }
    assert_string_equal(swgi_alert_kinds[SWGI_ALERT_OPEN].word, "open");
    assert_string_equal(swgi_alert_kinds[SWGI_ALERT_BUDGET].word, "budget");
    assert_string_equal(swgi_alert_kinds[SWGI_ALERT_AGENT_DOWN].word, "agent_down");
}

static void test_shipped_alerts(void **state) {
    double above;

    (void)state;
    read_text("");
    assert_int_equal(file->alerts_count, swgi_shipped_alerts_count);
    assert_true(file->alerts_shipped);
    for (unsigned i = 0; i < swgi_shipped_alerts_count; i++) {
        const struct swgi_shipped_alert *alert = &swgi_shipped_alerts[i];

        if (alert->above[0] != '\0')
            assert_int_equal(
                swgi_alert_above_parse(swgi_alert_kinds[alert->when].unit, alert->above, &above),
                0);
        assert_non_null(strstr(file->alerts[i].runbook, alert->section));
    }
}

/* What a form's keys become are keys of ours. */
static void test_seed_keys(void **state) {
    struct swgi_key_place place;

    (void)state;
    for (unsigned i = 0; i < swgi_seed_keys_count; i++)
        if (swgi_seed_keys[i].becomes == SWGI_BECOMES_KEY ||
            swgi_seed_keys[i].becomes == SWGI_BECOMES_RATE)
            assert_int_equal(swgi_key_find(swgi_seed_keys[i].target, &place, NULL), 0);
}

/* Every setting may be written in a file as --set takes it. */
static void test_every_key_of_a_circuit(void **state) {
    const struct swgi_scope *scope = swgi_scope(SWGI_SCOPE_CIRCUIT);
    unsigned found = 0;

    (void)state;
    for (unsigned i = 0; i < swgi_keys_count; i++)
        for (unsigned k = 0; k < scope->count; k++)
            found += strcmp(scope->words[k].name, swgi_keys[i].name) == 0;
    assert_int_equal(found, swgi_keys_count);
}

static void test_words(void **state) {
    char text[64];

    (void)state;
    assert_int_equal(swgi_word_find("a|bc|d", "bc"), 1);
    assert_int_equal(swgi_word_find("a|bc|d", "b"), -1);
    assert_int_equal(swgi_word_find("a|bc|d", ""), -1);
    swgi_word_at("a|bc|d", 2, text, sizeof(text));
    assert_string_equal(text, "d");
    swgi_word_at("a|bc|d", 3, text, sizeof(text));
    assert_string_equal(text, "");
    swgi_word_like("shared|unprotected|error", "eror", text, sizeof(text));
    assert_string_equal(text, "error");
    swgi_word_like("shared|unprotected|error", "zzzzz", text, sizeof(text));
    assert_string_equal(text, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_defaults),
        STORY(test_alert_kinds),
        STORY(test_shipped_alerts),
        STORY(test_seed_keys),
        STORY(test_every_key_of_a_circuit),
        STORY(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
