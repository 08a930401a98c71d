/* What each kind looks at, where it begins to hold, and what it says then. */
#include "alerts_story.h"

static struct swgi_measure *db;

static int begin_rules(void **state) {
    int rc = begin_story(state);

    db = circuit("db");
    db->at = 10000 * SECOND;
    return rc;
}

static void assert_holds(int when, double above, enum swgi_holds expected, const char *summary) {
    struct swgi_file_alert one = { .when = when, .above = above };
    char text[SWGI_SUMMARY_MAX];
    double value;

    assert_int_equal(swgi_rule_holds(&one, db, &value), expected);
    swgi_rule_summary(&one, "db", value, db, "", text);
    if (summary != NULL)
        assert_string_equal(text, summary);
}

static void failure_rates(void **state) {
    (void)state;
    db->judged_lately = 10;
    db->failure_rate_lately = 0.1;
    assert_holds(SWGI_ALERT_FAILURE_RATE, 0.1, SWGI_HOLDS_NOT, NULL);
    db->failure_rate_lately = 0.2;
    assert_holds(SWGI_ALERT_FAILURE_RATE, 0.1, SWGI_HOLDS,
                 "db: 20 % of the last minute's calls failed");
    db->judged_lately--;
    assert_holds(SWGI_ALERT_FAILURE_RATE, 0.1, SWGI_HOLDS_NOT, NULL);
    db->judged_lately = 0;
    db->failure_rate_lately = -1;
    assert_holds(SWGI_ALERT_FAILURE_RATE, 0.1, SWGI_HOLDS_NOT, NULL);
}

static void thresholds_that_are_near(void **state) {
    (void)state;
    db->near = 0.79;
    assert_holds(SWGI_ALERT_NEAR_THRESHOLD, 0.8, SWGI_HOLDS_NOT, NULL);
    db->near = 0.8;
    assert_holds(SWGI_ALERT_NEAR_THRESHOLD, 0.8, SWGI_HOLDS,
                 "db is at 80 % of the threshold that trips it");
    db->status.state = SWG_STATE_OPEN;
    assert_holds(SWGI_ALERT_NEAR_THRESHOLD, 0.8, SWGI_HOLDS_NOT, NULL);
}

static void states_and_modes(void **state) {
    (void)state;
    assert_holds(SWGI_ALERT_OPEN, 0, SWGI_HOLDS_NOT, NULL);
    db->status.state = SWG_STATE_OPEN;
    assert_holds(SWGI_ALERT_OPEN, 0, SWGI_HOLDS, "db circuit is OPEN");
    db->status.state = SWG_STATE_HALF_OPEN;
    assert_holds(SWGI_ALERT_OPEN, 0, SWGI_HOLDS_ON, NULL);
    assert_holds(SWGI_ALERT_MODE, 0, SWGI_HOLDS_NOT, NULL);
    db->status.mode = SWG_MODE_FORCED_OPEN;
    assert_holds(SWGI_ALERT_MODE, 0, SWGI_HOLDS, "db is in mode forced_open");
    db->status.state = SWG_STATE_OPEN;
    db->status.mode = SWG_MODE_SHADOW;
    assert_holds(SWGI_ALERT_OPEN, 0, SWGI_HOLDS_NOT, NULL);
}

static void slow_recoveries_are_shown_for_a_while(void **state) {
    (void)state;
    assert_holds(SWGI_ALERT_SLOW_RECOVERY, 300, SWGI_HOLDS_NOT, NULL);
    db->last_recovery = 720 * SECOND;
    db->status.since = db->at - 10 * SECOND;
    assert_holds(SWGI_ALERT_SLOW_RECOVERY, 300, SWGI_HOLDS, "db took 12 min to recover");
    assert_holds(SWGI_ALERT_SLOW_RECOVERY, 720, SWGI_HOLDS_NOT, NULL);
    db->status.since = db->at - SWGI_ALERT_HOLD_NS;
    assert_holds(SWGI_ALERT_SLOW_RECOVERY, 300, SWGI_HOLDS_NOT, NULL);
}

static void other_measures(void **state) {
    (void)state;
    db->transitions_10m = 7;
    assert_holds(SWGI_ALERT_FLAPPING, 7, SWGI_HOLDS_NOT, NULL);
    assert_holds(SWGI_ALERT_FLAPPING, 6, SWGI_HOLDS, "db changed its state 7 times in 10 minutes");
    db->rejected_per_s = 12.5;
    assert_holds(SWGI_ALERT_REJECTED, 1, SWGI_HOLDS, "db rejects 12.5 calls a second");
    db->anomaly = 6;
    assert_holds(SWGI_ALERT_ANOMALY, 6, SWGI_HOLDS_NOT, NULL);
    assert_holds(SWGI_ALERT_ANOMALY, 5, SWGI_HOLDS, "db is unlike its last hour: score 6");
    assert_holds(SWGI_ALERT_BUDGET, 10, SWGI_HOLDS_NOT, NULL);
    db->slo_burn_rate = 14;
    assert_holds(SWGI_ALERT_BUDGET, 14, SWGI_HOLDS,
                 "db burns its error budget 14 times as fast as it may");
    assert_holds(SWGI_ALERT_BUDGET, 15, SWGI_HOLDS_NOT, NULL);
}

static void every_kind_has_its_words(void **state) {
    (void)state;
    for (int when = SWGI_ALERT_OPEN; when <= SWGI_ALERT_AGENT_DOWN; when++) {
        struct swgi_file_alert one = { .when = when };
        char text[SWGI_SUMMARY_MAX];

        assert_string_not_equal(swgi_alert_word(when), "?");
        assert_string_not_equal(swgi_alert_anchor(when), "");
        swgi_rule_summary(&one, "db", 1, NULL, "because", text);
        assert_int_not_equal(strlen(text), 0);
    }
    assert_string_equal(swgi_alert_word(99), "?");
    assert_string_equal(swgi_severity_word(SWGI_SEVERITY_CRITICAL), "critical");
    assert_string_equal(swgi_severity_word(-1), "?");
}

static void long_names_and_reasons_fit(void **state) {
    struct swgi_file_alert one = { .when = SWGI_ALERT_OPEN };
    char name[128], reason[SWGI_TOLD_MAX], text[SWGI_SUMMARY_MAX];

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    memset(reason, 0xfc, sizeof(reason) - 1); /* no UTF-8 */
    reason[sizeof(reason) - 1] = '\0';
    swgi_rule_summary(&one, name, 1, NULL, reason, text);
    assert_int_equal(strlen(text), 127 + strlen(" circuit is OPEN: ") + SWGI_TOLD_MAX - 1);
    assert_non_null(strstr(text, "OPEN: ????"));
}

int main(void) {
#define RULE(name) cmocka_unit_test_setup_teardown(name, begin_rules, end_story)
    const struct CMUnitTest tests[] = {
        RULE(failure_rates),
        RULE(thresholds_that_are_near),
        RULE(states_and_modes),
        RULE(slow_recoveries_are_shown_for_a_while),
        RULE(other_measures),
        RULE(every_kind_has_its_words),
        RULE(long_names_and_reasons_fit),
    };

    return cmocka_run_group_tests_name("agent/alerts_rules", tests, NULL, NULL);
}
