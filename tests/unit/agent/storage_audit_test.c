/* What happens in the panel stands in the audit: once, in order, with who, by what means, and why. */
#include "storage_story.h"

#define NEWEST(column) "SELECT " column " FROM circuit_breaker_audit ORDER BY id DESC LIMIT 1"

static void test_a_rule_s_trip(void **state) {
    (void)state;
    make();
    open_storage();
    calls(5, SWG_FAILURE);
    follow();
    flush();
    assert_answer("SELECT count(*) FROM circuit_breaker_audit", "1");
    assert_answer(NEWEST("action"), "TRIP");
    assert_answer(NEWEST("circuit"), "dependency");
    assert_answer(NEWEST("bookmaker"), "dependency");
    assert_answer(NEWEST("user"), "system");
    assert_answer(NEWEST("source"), "rule");
    assert_non_null(strstr(ask(NEWEST("reason")), "CLOSED -> OPEN, failures in a row"));
    assert_answer(NEWEST("evidence ->> 'rule'"), "consecutive");
    assert_answer(NEWEST("evidence ->> 'value'"), "5.0");
    assert_answer(NEWEST("evidence ->> 'threshold'"), "5.0");
    assert_answer(NEWEST("evidence ->> 'duration_seconds' BETWEEN 30 AND 30.01"), "1");
    assert_answer(NEWEST("evidence ->> 'from'"), "CLOSED");
    assert_answer(NEWEST("timestamp GLOB '19[0-9][0-9]-*T*Z'"), "1"); /* a virtual panel's */
}

static void test_recovery(void **state) {
    (void)state;
    make();
    open_storage();
    calls(5, SWG_FAILURE);
    advance(S(31));
    calls(2, SWG_SUCCESS);
    follow();
    flush();
    assert_answer("SELECT group_concat(action) FROM circuit_breaker_audit", "TRIP,PROBE,RECOVER");
    assert_answer("SELECT group_concat(DISTINCT user || source) FROM circuit_breaker_audit",
                  "systemrule");
}

static void test_hands(void **state) {
    struct swg_act act = SWG_ACT_INIT;
    (void)state;
    make();
    open_storage();
    act.user = "ann";
    act.reason = "INC-1: \"double\" charges";
    act.source = "admin";
    act.force = 1;
    assert_int_equal(swg_circuit_trip(circuit, &act, NULL), 0);
    assert_int_equal(swg_circuit_probe(circuit, &act, NULL), 0);
    assert_int_equal(swg_circuit_reset(circuit, &act, NULL), 0);
    assert_int_equal(swg_circuit_mode(circuit, SWG_MODE_SHADOW, &act, NULL), 0);
    change("breaker.open.for", "7s");
    follow();
    flush();
    assert_answer("SELECT group_concat(action) FROM circuit_breaker_audit",
                  "TRIP,PROBE,RESET,MODE,CONFIG");
    assert_answer("SELECT group_concat(DISTINCT user || source || reason)"
                  " FROM circuit_breaker_audit WHERE action <> 'CONFIG'",
                  "annadminINC-1: \"double\" charges");
    assert_answer("SELECT evidence ->> 'to' FROM circuit_breaker_audit WHERE action = 'MODE'",
                  "shadow");
    assert_answer("SELECT evidence ->> 'by_hand_only' FROM circuit_breaker_audit WHERE id = 1",
                  "1");
}

static void test_notices_are_no_acts(void **state) {
    struct swg_failure failure = SWG_FAILURE_INIT;
    (void)state;
    make();
    open_storage();
    failure.kind = "refused";
    assert_int_equal(acquire(), SWG_GO);
    assert_int_equal(swg_record_at(&latest, SWG_FAILURE, &failure, now(), 0), 0);
    follow();
    flush();
    assert_answer("SELECT count(*) FROM circuit_breaker_audit", "0");
}

static void test_notes(void **state) {
    (void)state;
    open_storage();
    swgi_storage_note(storage, SWGI_ACTION_ALERT, "dependency", "circuit open", "system", "rule",
                      "{\"severity\":\"critical\"}");
    swgi_storage_note(storage, SWGI_ACTION_CONFIG, NULL, NULL, NULL, NULL, "no JSON");
    flush();
    assert_answer("SELECT evidence ->> 'severity' FROM circuit_breaker_audit WHERE id = 1",
                  "critical");
    assert_answer("SELECT timestamp FROM circuit_breaker_audit WHERE id = 1",
                  "2025-12-01T00:00:00.000Z");
    assert_answer(NEWEST("circuit || reason || user || source || evidence"), "{}");
    assert_int_equal(counts().audit_rows, 2);
}

static void test_hostile_texts_stay_texts(void **state) {
    struct swg_event event = SWG_EVENT_INIT;
    (void)state;
    open_storage();
    event.kind = SWG_EVENT_TRIP;
    event.to = 77;
    event.rule = -5;
    event.value = 0.0 / 0.0;
    memset(event.circuit, '\xff', sizeof(event.circuit) - 1);
    strcpy(event.user, "'; DROP TABLE x; --");
    strcpy(event.text, "\x1b[31m\"}");
    swgi_storage_event(storage, &event, 1);
    flush();
    assert_answer(NEWEST("user"), "'; DROP TABLE x; --");
    assert_answer(NEWEST("reason"), "?[31m\"}");
    assert_answer(NEWEST("json_valid(evidence)"), "1");
}

/* ---- once, and in order */

static void test_a_second_agent_goes_on_where_the_first_ended(void **state) {
    (void)state;
    make();
    open_storage();
    hand(swg_circuit_trip, 0, 0);
    follow();
    close_storage();
    hand(swg_circuit_reset, 0, 1);
    open_storage();
    follow();
    flush();
    hand(swg_circuit_trip, 0, 0);
    follow();
    flush();
    assert_answer("SELECT group_concat(action) FROM circuit_breaker_audit", "TRIP,RESET,TRIP");
    assert_answer("SELECT cursor < 0 FROM switchgear_panel", "1"); /* its mark is the highest bit */
}

static void test_what_happened_before_the_first_agent(void **state) {
    (void)state;
    make();
    hand(swg_circuit_trip, 0, 0);
    open_storage();
    follow();
    flush();
    assert_answer("SELECT group_concat(action) FROM circuit_breaker_audit", "TRIP");
}

static void test_another_panel_is_read_from_its_beginning(void **state) {
    (void)state;
    make();
    open_storage();
    for (int i = 0; i < 10; i++)
        hand(swg_circuit_trip, 0, 0);
    follow();
    close_storage();
    another_panel();
    make();
    hand(swg_circuit_trip, 0, 0);
    open_storage();
    follow();
    flush();
    assert_answer("SELECT count(*) FROM circuit_breaker_audit WHERE action = 'TRIP'", "11");
    assert_answer("SELECT count(*) FROM circuit_breaker_audit WHERE action = 'GAP'", "0");
}

static void test_an_overrun_ring_is_a_gap_that_knows_its_size(void **state) {
    (void)state;
    make();
    open_storage();
    hand(swg_circuit_trip, 0, 0);
    follow();
    for (int i = 0; i < 1034; i++)
        hand(swg_circuit_trip, 0, 0);
    follow();
    flush();
    assert_answer("SELECT count(*) FROM circuit_breaker_audit WHERE action = 'TRIP'", "1025");
    assert_answer("SELECT evidence ->> 'lost' FROM circuit_breaker_audit WHERE action = 'GAP'",
                  "10");
    assert_answer("SELECT id FROM circuit_breaker_audit WHERE action = 'GAP'", "2");
    assert_int_equal(counts().gaps, 1);
}

static void test_a_gap_while_no_agent_ran(void **state) {
    (void)state;
    make();
    open_storage();
    hand(swg_circuit_trip, 0, 0);
    follow();
    close_storage();
    for (int i = 0; i < 1030; i++)
        hand(swg_circuit_trip, 0, 0);
    open_storage();
    follow();
    close_storage();
    open_storage();
    follow();
    flush();
    assert_answer("SELECT evidence ->> 'lost' FROM circuit_breaker_audit WHERE action = 'GAP'",
                  "6");
    assert_answer("SELECT count(*) FROM circuit_breaker_audit WHERE action = 'TRIP'", "1025");
}

/* The ring of samples overruns, and no act is lost by it. */
static void test_overrun_notices_are_no_gap(void **state) {
    struct swg_failure failure = SWG_FAILURE_INIT;
    (void)state;
    set("breaker.trip", "none");
    make();
    open_storage();
    failure.kind = "refused";
    for (int i = 0; i < 1100; i++) {
        assert_int_equal(acquire(), SWG_GO);
        assert_int_equal(swg_record_at(&latest, SWG_FAILURE, &failure, now(), 0), 0);
        advance(S(1));
    }
    hand(swg_circuit_trip, 0, 0);
    follow();
    flush();
    assert_answer("SELECT group_concat(action) FROM circuit_breaker_audit", "TRIP");
}

/* Told once, an error is not told again by the next agent. */
static void test_notices_are_not_read_again(void **state) {
    struct swg_failure failure = SWG_FAILURE_INIT;
    struct swg_event event = SWG_EVENT_INIT;
    (void)state;
    make();
    open_storage();
    hand(swg_circuit_trip, 0, 0);
    hand(swg_circuit_reset, 0, 1);
    failure.kind = "refused";
    assert_int_equal(acquire(), SWG_GO);
    assert_int_equal(swg_record_at(&latest, SWG_FAILURE, &failure, now(), 0), 0);
    follow();
    close_storage();
    open_storage();
    assert_int_equal(swg_panel_next_event(panel, &cursor, &event), 0);
}

/* ---- append-only */

static void test_nobody_changes_or_deletes_a_row(void **state) {
    static const char *const tries[] = {
        "UPDATE circuit_breaker_audit SET user = 'nobody'",
        "DELETE FROM circuit_breaker_audit",
        ("INSERT OR REPLACE INTO circuit_breaker_audit(id, circuit, action, reason, evidence,"
         " user, source, timestamp) VALUES(1, '', '', '', '', '', '', '')"),
    };
    (void)state;
    open_storage();
    swgi_storage_note(storage, SWGI_ACTION_ALERT, "a", "b", "ann", "admin", NULL);
    flush();
    for (size_t i = 0; i < 3; i++)
        assert_answer(tries[i], "circuit_breaker_audit is append-only");
    assert_answer("SELECT user FROM circuit_breaker_audit", "ann");
}

static void test_a_null_storage_does_nothing(void **state) {
    struct swg_event event = SWG_EVENT_INIT;
    struct swg_error error = SWG_ERROR_INIT;
    struct swgi_storage_counts none;
    (void)state;
    strcpy(file.agent.database, "off");
    assert_int_equal(try_open(&error), 0);
    assert_null(storage);
    swgi_storage_event(NULL, &event, 1);
    swgi_storage_gap(NULL);
    swgi_storage_note(NULL, SWGI_ACTION_CONFIG, "b", "c", "d", "e", "f");
    swgi_storage_tick(NULL, &measures);
    swgi_storage_counts(NULL, &none);
    assert_true(swgi_storage_cursor(NULL) == SWG_CURSOR_END);
    assert_int_equal(swgi_storage_restore(NULL, &error), 0);
    assert_null(swgi_storage_close(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORED(test_a_rule_s_trip),
        STORED(test_recovery),
        STORED(test_hands),
        STORED(test_notices_are_no_acts),
        STORED(test_notes),
        STORED(test_hostile_texts_stay_texts),
        STORED(test_a_second_agent_goes_on_where_the_first_ended),
        STORED(test_what_happened_before_the_first_agent),
        STORED(test_another_panel_is_read_from_its_beginning),
        STORED(test_an_overrun_ring_is_a_gap_that_knows_its_size),
        STORED(test_a_gap_while_no_agent_ran),
        STORED(test_overrun_notices_are_no_gap),
        STORED(test_notices_are_not_read_again),
        STORED(test_nobody_changes_or_deletes_a_row),
        STORED(test_a_null_storage_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
