/* Rules that hold, and for how long; causes that silence; what a reload and a restart leave. */
#include "alerts_story.h"

/* ---- pending, firing, ended */

static void what_holds_long_enough_fires_and_ends(void **state) {
    struct swgi_measure *db = circuit("db");

    (void)state;
    rule("rate", SWGI_ALERT_FAILURE_RATE, 0.1, 60 * SECOND, SWGI_SEVERITY_WARNING);
    db->judged_lately = 100;
    db->failure_rate_lately = 0.2;
    tick(SECOND);
    assert_int_equal(pairs->count, 1);
    assert_false(pairs->at[0]->firing);
    tick(59 * SECOND);
    assert_silence();
    tick(SECOND);
    assert_told("fired rate/db");
    assert_int_equal(pairs->firing, 1);
    assert_string_equal(pairs->at[0]->summary, "db: 20 % of the last minute's calls failed");
    tick(SECOND);
    assert_silence();
    db->failure_rate_lately = 0.1;
    tick(SECOND);
    assert_told("ended rate/db");
    assert_silence();
    assert_int_equal(pairs->count, 0);
    assert_int_equal(pairs->firing, 0);
}

static void what_stops_holding_before_its_time_is_never_told(void **state) {
    struct swgi_measure *db = circuit("db");

    (void)state;
    rule("rate", SWGI_ALERT_FAILURE_RATE, 0.1, 60 * SECOND, SWGI_SEVERITY_WARNING);
    db->judged_lately = 100;
    db->failure_rate_lately = 0.2;
    tick(SECOND);
    db->failure_rate_lately = 0;
    tick(30 * SECOND);
    db->failure_rate_lately = 0.2;
    tick(SECOND);
    tick(59 * SECOND);
    assert_silence();
    tick(SECOND);
    assert_told("fired rate/db");
}

static void a_circuit_that_probes_is_not_well_yet(void **state) {
    struct swgi_measure *db = circuit("db");

    (void)state;
    rule("open", SWGI_ALERT_OPEN, 0, 0, SWGI_SEVERITY_CRITICAL);
    db->status.state = SWG_STATE_HALF_OPEN;
    tick(SECOND);
    assert_silence();
    db->status.state = SWG_STATE_OPEN;
    tick(SECOND);
    assert_told("fired open/db");
    db->status.state = SWG_STATE_HALF_OPEN;
    tick(SECOND);
    db->status.state = SWG_STATE_OPEN;
    tick(SECOND);
    assert_silence();
    db->status.state = SWG_STATE_CLOSED;
    tick(SECOND);
    assert_told("ended open/db");
}

static void one_that_opened_between_two_ticks_is_told(void **state) {
    struct swg_event opened = change("db", SWG_STATE_CLOSED, SWG_STATE_OPEN);

    (void)state;
    circuit("db");
    rule("open", SWGI_ALERT_OPEN, 0, 0, SWGI_SEVERITY_CRITICAL);
    swgi_pairs_event(pairs, &opened);
    tick(SECOND);
    assert_told("fired open/db");
    tick(SECOND);
    assert_told("ended open/db");
    measures[0].status.mode = SWG_MODE_SHADOW;
    swgi_pairs_event(pairs, &opened);
    tick(SECOND);
    assert_silence();
}

static void rules_have_their_circuits(void **state) {
    char *globs[] = { (char *)"pay*", (char *)"mail" };
    struct swgi_file_alert *open = rule("open", SWGI_ALERT_OPEN, 0, 0, SWGI_SEVERITY_CRITICAL);

    (void)state;
    open->circuits = (struct swgi_file_words){ .count = 2, .at = globs };
    circuit("db")->status.state = SWG_STATE_OPEN;
    circuit("mail")->status.state = SWG_STATE_OPEN;
    circuit("payments")->status.state = SWG_STATE_OPEN;
    tick(SECOND);
    assert_told("fired open/mail");
    assert_told("fired open/payments");
    assert_silence();
}

static void a_circuit_that_is_gone_ends_its_alert(void **state) {
    (void)state;
    circuit("db")->status.state = SWG_STATE_OPEN;
    rule("open", SWGI_ALERT_OPEN, 0, 0, SWGI_SEVERITY_CRITICAL);
    tick(SECOND);
    assert_told("fired open/db");
    circuits = 0;
    tick(SECOND);
    assert_told("ended open/db");
}

static void several_open_circuits_are_one_alert(void **state) {
    struct swgi_measure *a = circuit("a"), *b = circuit("b");

    (void)state;
    rule("several", SWGI_ALERT_OPEN_COUNT, 1, 0, SWGI_SEVERITY_CRITICAL);
    a->status.state = SWG_STATE_OPEN;
    tick(SECOND);
    assert_silence();
    b->status.state = SWG_STATE_OPEN;
    tick(SECOND);
    assert_told("fired several/");
    assert_string_equal(pairs->at[0]->summary, "2 circuits are OPEN");
    b->status.state = SWG_STATE_HALF_OPEN;
    tick(SECOND);
    assert_silence();
    b->status.state = SWG_STATE_CLOSED;
    tick(SECOND);
    assert_told("ended several/");
}

/* ---- changes of state */

static void every_change_is_told_once_and_never_ends(void **state) {
    struct swg_event opened = change("db", SWG_STATE_CLOSED, SWG_STATE_OPEN), closed;

    (void)state;
    circuit("db");
    rule("change", SWGI_ALERT_TRANSITION, 0, 0, SWGI_SEVERITY_INFO);
    swgi_pairs_event(pairs, &opened);
    closed = change("db", SWG_STATE_OPEN, SWG_STATE_CLOSED);
    swgi_pairs_event(pairs, &closed);
    tick(SECOND);
    assert_told("moment change/db");
    assert_told("moment change/db");
    tick(SECOND);
    assert_silence();
    assert_int_equal(pairs->count, 0);
}

static void reasons_come_from_events(void **state) {
    struct swg_event event = change("db", SWG_STATE_CLOSED, SWG_STATE_OPEN);
    char text[SWGI_TOLD_MAX];

    (void)state;
    assert_string_equal(swgi_event_change(&event, text),
                        "State changed to OPEN: Circuit opened due to 5 consecutive failures");
    event.rule = SWG_RULE_HAND;
    event.value = event.threshold = 0;
    event.calls = 0;
    assert_string_equal(swgi_event_change(&event, text),
                        "State changed to OPEN: Circuit opened by hand");
    event.kind = SWG_EVENT_RESET;
    event.from = SWG_STATE_OPEN;
    event.to = SWG_STATE_CLOSED;
    snprintf(event.user, sizeof(event.user), "ann");
    snprintf(event.text, sizeof(event.text), "fixed, password=hunter2");
    assert_string_equal(
        swgi_event_change(&event, text),
        "State changed to CLOSED: Circuit closed by hand, ann: fixed, password=[redacted]");
    event.kind = SWG_EVENT_TRIP;
    event.to = SWG_STATE_OPEN;
    event.from = SWG_STATE_CLOSED;
    snprintf(event.text, sizeof(event.text), "INC-4711");
    swgi_pairs_event(pairs, &event);
    rule("open", SWGI_ALERT_OPEN, 0, 0, SWGI_SEVERITY_CRITICAL);
    circuit("db")->status.state = SWG_STATE_OPEN;
    tick(SECOND);
    assert_string_equal(pairs->at[0]->summary, "db circuit is OPEN: by hand, ann: INC-4711");
}

static void a_storm_of_changes_is_bounded_and_counted(void **state) {
    struct swg_event opened = change("db", SWG_STATE_CLOSED, SWG_STATE_OPEN);

    (void)state;
    circuit("db");
    for (unsigned i = 0; i < SWGI_MOMENTS_MAX + 7; i++)
        swgi_pairs_event(pairs, &opened);
    rule("change", SWGI_ALERT_TRANSITION, 0, 0, SWGI_SEVERITY_INFO);
    tick(SECOND);
    assert_int_equal(told_count, SWGI_MOMENTS_MAX);
    assert_int_equal(pairs->dropped, 7);
}

/* ---- causes */

static void a_cause_silences_all_that_depend_on_it(void **state) {
    struct swgi_measure *api = circuit("api"), *db = circuit("db"), *web = circuit("web");

    (void)state;
    rule("open", SWGI_ALERT_OPEN, 0, 0, SWGI_SEVERITY_CRITICAL);
    depends(web, (char *)"api");
    depends(api, (char *)"db");
    db->status.state = web->status.state = SWG_STATE_OPEN;
    tick(SECOND);
    assert_told("fired open/db");
    assert_told("fired open/web (for nobody) by db");
    api->status.state = SWG_STATE_OPEN;
    tick(SECOND);
    assert_told("fired open/api (for nobody) by db");
    assert_silence();
    assert_string_equal(swgi_pairs_find(pairs, 0, "web")->inhibited_by, "db");
}

static void what_outlives_its_cause_is_told_after_a_while(void **state) {
    struct swgi_measure *api = circuit("api"), *db = circuit("db");

    (void)state;
    rule("open", SWGI_ALERT_OPEN, 0, 0, SWGI_SEVERITY_CRITICAL);
    depends(api, (char *)"db");
    db->status.state = api->status.state = SWG_STATE_OPEN;
    tick(SECOND);
    next();
    next();
    db->status.state = SWG_STATE_CLOSED;
    tick(SECOND);
    assert_told("ended open/db");
    tick(SWGI_ALERT_GRACE_NS - 2 * SECOND);
    assert_silence();
    tick(SECOND);
    assert_told("released open/api");
    api->status.state = SWG_STATE_CLOSED;
    tick(SECOND);
    assert_told("ended open/api");
}

static void what_ends_soon_after_its_cause_bothers_nobody(void **state) {
    struct swgi_measure *api = circuit("api"), *db = circuit("db");

    (void)state;
    rule("open", SWGI_ALERT_OPEN, 0, 0, SWGI_SEVERITY_CRITICAL);
    depends(api, (char *)"db");
    db->status.state = api->status.state = SWG_STATE_OPEN;
    tick(SECOND);
    next();
    next();
    db->status.state = SWG_STATE_CLOSED;
    tick(SECOND);
    assert_told("ended open/db");
    api->status.state = SWG_STATE_CLOSED;
    tick(10 * SECOND);
    assert_told("ended open/api (for nobody)");
}

static void what_was_told_before_its_cause_is_told_to_end(void **state) {
    struct swgi_measure *api = circuit("api"), *db = circuit("db");

    (void)state;
    rule("open", SWGI_ALERT_OPEN, 0, 0, SWGI_SEVERITY_CRITICAL);
    depends(api, (char *)"db");
    api->status.state = SWG_STATE_OPEN;
    tick(SECOND);
    assert_silence();
    tick(SWGI_ALERT_SETTLE_NS);
    assert_told("fired open/api");
    db->status.state = SWG_STATE_OPEN;
    tick(SECOND);
    assert_told("fired open/db");
    api->status.state = SWG_STATE_CLOSED;
    tick(SECOND);
    assert_told("ended open/api by db");
}

static void an_effect_that_comes_first_waits_for_its_cause(void **state) {
    struct swgi_measure *api = circuit("api"), *db = circuit("db");

    (void)state;
    rule("open", SWGI_ALERT_OPEN, 0, 0, SWGI_SEVERITY_CRITICAL);
    depends(api, (char *)"db");
    api->status.state = SWG_STATE_OPEN;
    tick(SECOND);
    assert_silence();
    assert_int_equal(pairs->firing, 1);
    db->status.state = SWG_STATE_OPEN;
    tick(SECOND);
    assert_told("fired open/api (for nobody) by db");
    assert_told("fired open/db");
}

static void an_effect_that_is_over_at_once_is_told_all_the_same(void **state) {
    struct swgi_measure *api = circuit("api");

    (void)state;
    circuit("db");
    rule("open", SWGI_ALERT_OPEN, 0, 0, SWGI_SEVERITY_CRITICAL);
    depends(api, (char *)"db");
    api->status.state = SWG_STATE_OPEN;
    tick(SECOND);
    api->status.state = SWG_STATE_CLOSED;
    tick(SECOND);
    assert_told("fired open/api");
    assert_told("ended open/api");
}

static void a_lesser_alert_is_no_cause_of_a_greater(void **state) {
    struct swgi_measure *api = circuit("api"), *db = circuit("db");

    (void)state;
    rule("open", SWGI_ALERT_OPEN, 0, 0, SWGI_SEVERITY_CRITICAL);
    rule("rate", SWGI_ALERT_FAILURE_RATE, 0.1, 0, SWGI_SEVERITY_WARNING);
    rule("mode", SWGI_ALERT_MODE, 0, 0, SWGI_SEVERITY_CRITICAL);
    depends(api, (char *)"db");
    db->judged_lately = 100;
    db->failure_rate_lately = 0.2;
    db->status.mode = SWG_MODE_SHADOW;
    api->status.state = SWG_STATE_OPEN;
    tick(SECOND);
    assert_told("fired rate/db");
    assert_told("fired mode/db");
    tick(SWGI_ALERT_SETTLE_NS);
    assert_told("fired open/api");
}

static void circles_silence_nobody_in_them(void **state) {
    struct swgi_measure *a = circuit("a"), *b = circuit("b"), *c = circuit("c");

    (void)state;
    rule("open", SWGI_ALERT_OPEN, 0, 0, SWGI_SEVERITY_CRITICAL);
    depends(a, (char *)"b");
    depends(b, (char *)"a");
    depends(b, (char *)"b");
    depends(c, (char *)"a");
    a->status.state = b->status.state = c->status.state = SWG_STATE_OPEN;
    tick(SECOND);
    assert_told("fired open/c (for nobody) by b");
    tick(SWGI_ALERT_SETTLE_NS);
    assert_told("fired open/a");
    assert_told("fired open/b");
}

/* ---- the agent itself, reload, restart */

static void the_agent_tells_of_itself_for_a_while(void **state) {
    (void)state;
    rule("lost", SWGI_ALERT_EVENTS_LOST, 0, 60 * SECOND, SWGI_SEVERITY_WARNING);
    swgi_pairs_agent(pairs, SWGI_ALERT_EVENTS_LOST, 12, "the ring overran the agent", now);
    tick(SECOND);
    assert_told("fired lost/");
    assert_string_equal(pairs->at[0]->summary,
                        "the agent lost 12 events: the ring overran the agent");
    tick(SWGI_ALERT_HOLD_NS - 2 * SECOND);
    swgi_pairs_agent(pairs, SWGI_ALERT_EVENTS_LOST, 1, "again", now);
    tick(10 * SECOND);
    assert_silence();
    tick(SWGI_ALERT_HOLD_NS);
    assert_told("ended lost/");
}

static void a_reload_keeps_what_is_still_defined(void **state) {
    struct swgi_file_alert others[2];
    struct swgi_file other = { .alerts_count = 2, .alerts = others };

    (void)state;
    circuit("db")->status.state = SWG_STATE_OPEN;
    circuit("mail")->status.mode = SWG_MODE_SHADOW;
    rule("open", SWGI_ALERT_OPEN, 0, 0, SWGI_SEVERITY_CRITICAL);
    rule("mode", SWGI_ALERT_MODE, 0, 0, SWGI_SEVERITY_WARNING);
    rule("other", SWGI_ALERT_OPEN, 0, 0, SWGI_SEVERITY_WARNING);
    tick(SECOND);
    next();
    next();
    next();
    memcpy(others, rules, sizeof(others));
    memcpy(&others[1], &rules[0], sizeof(others[1]));
    snprintf(others[0].name, sizeof(others[0].name), "mode");
    others[0].when = SWGI_ALERT_FLAPPING;
    swgi_pairs_reload(pairs, &other, now);
    assert_told("ended other/db");
    assert_told("ended mode/mail");
    assert_silence();
    assert_int_equal(pairs->count, 1);
    tick(SECOND);
    assert_told("recalled open/db");
    tick(SECOND);
    assert_silence();
    assert_int_equal(pairs->at[0]->rule, 1);
}

static bool restore(const char *of, const char *circuit_name, int64_t ago_ms) {
    return swgi_pairs_restore(pairs, of, circuit_name, now.wall_ms - ago_ms, now);
}

static void what_an_earlier_agent_may_not_have_told_is_told_again(void **state) {
    struct swgi_measure *db = circuit("db");

    (void)state;
    rule("open", SWGI_ALERT_OPEN, 0, 0, SWGI_SEVERITY_CRITICAL);
    db->status.state = SWG_STATE_OPEN;
    assert_true(restore("open", "db", SWGI_ALERT_UNSURE_MS - 1));
    assert_true(restore("open", "mail", 0));
    tick(SECOND);
    assert_told("ended open/mail");
    assert_told("released open/db");
    tick(SECOND);
    assert_silence();
}

static void what_an_earlier_agent_told_goes_on_or_ends(void **state) {
    struct swgi_measure *db = circuit("db"), *mail = circuit("mail");

    (void)state;
    rule("open", SWGI_ALERT_OPEN, 0, 0, SWGI_SEVERITY_CRITICAL);
    rule("rate", SWGI_ALERT_FAILURE_RATE, 0.1, 0, SWGI_SEVERITY_WARNING);
    db->status.state = SWG_STATE_OPEN;
    assert_true(restore("open", "db", SWGI_ALERT_UNSURE_MS));
    assert_true(restore("open", "mail", SWGI_ALERT_UNSURE_MS));
    assert_true(restore("rate", "mail", SWGI_ALERT_UNSURE_MS));
    assert_false(restore("gone", "mail", SWGI_ALERT_UNSURE_MS));
    tick(SECOND);
    assert_told("ended open/mail");
    assert_told("recalled open/db");
    assert_told("recalled rate/mail");
    assert_silence();
    tick(SWGI_ALERT_RESTORED_NS);
    assert_told("ended rate/mail");
    assert_silence();
    assert_int_equal(mail->status.state, SWG_STATE_CLOSED);
    assert_int_equal(pairs->firing, 1);
}

static void pairs_are_bounded(void **state) {
    char name[32];

    (void)state;
    rule("open", SWGI_ALERT_OPEN, 0, 0, SWGI_SEVERITY_CRITICAL);
    for (unsigned i = 0; i < SWGI_PAIRS_MAX; i++) {
        snprintf(name, sizeof(name), "c%u", i);
        assert_true(restore("open", name, SWGI_ALERT_UNSURE_MS));
    }
    assert_false(restore("open", "one more", SWGI_ALERT_UNSURE_MS));
    assert_int_equal(pairs->count, SWGI_PAIRS_MAX);
    assert_int_equal(pairs->dropped, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(what_holds_long_enough_fires_and_ends),
        STORY(what_stops_holding_before_its_time_is_never_told),
        STORY(a_circuit_that_probes_is_not_well_yet),
        STORY(one_that_opened_between_two_ticks_is_told),
        STORY(rules_have_their_circuits),
        STORY(a_circuit_that_is_gone_ends_its_alert),
        STORY(several_open_circuits_are_one_alert),
        STORY(every_change_is_told_once_and_never_ends),
        STORY(reasons_come_from_events),
        STORY(a_storm_of_changes_is_bounded_and_counted),
        STORY(a_cause_silences_all_that_depend_on_it),
        STORY(what_outlives_its_cause_is_told_after_a_while),
        STORY(what_ends_soon_after_its_cause_bothers_nobody),
        STORY(what_was_told_before_its_cause_is_told_to_end),
        STORY(an_effect_that_comes_first_waits_for_its_cause),
        STORY(an_effect_that_is_over_at_once_is_told_all_the_same),
        STORY(a_lesser_alert_is_no_cause_of_a_greater),
        STORY(circles_silence_nobody_in_them),
        STORY(the_agent_tells_of_itself_for_a_while),
        STORY(a_reload_keeps_what_is_still_defined),
        STORY(what_an_earlier_agent_may_not_have_told_is_told_again),
        STORY(what_an_earlier_agent_told_goes_on_or_ends),
        STORY(pairs_are_bounded),
    };

    return cmocka_run_group_tests_name("agent/alerts_pairs", tests, NULL, NULL);
}
