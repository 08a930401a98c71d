/* Minutes, hours, and what becomes of old rows. */
#include "storage_story.h"

#define ROW(column) \
    "SELECT " column " FROM circuit_breaker_history ORDER BY started_at DESC LIMIT 1"
#define ROWS "SELECT count(*) FROM circuit_breaker_history"

/* To the beginning of the next minute, in steps of a second. */
static void next_minute(void) {
    do {
        pass(S(1));
        for (size_t i = 0; i < measures.count; i++)
            measures.at[i].in_state[measures.at[i].status.state] += S(1);
        tick();
    } while (wall % 60000 != 0);
}

static void begin(void) {
    make();
    open_storage();
    tick();
}

static void test_a_minute(void **state) {
    (void)state;
    begin();
    for (int i = 0; i < 98; i++)
        call_taking(SWG_SUCCESS, MS(10));
    call_taking(SWG_FAILURE, MS(900));
    call_taking(SWG_TIMEOUT, MS(900));
    next_minute();
    assert_answer(ROW("circuit"), "dependency");
    assert_answer(ROW("span"), "minute");
    assert_answer(ROW("started_at"), "2025-12-01T00:00:00.000Z");
    assert_answer(ROW("seconds"), "60.0");
    assert_answer(ROW("calls"), "100");
    assert_answer(ROW("failures"), "2");
    assert_answer(ROW("rejected"), "0");
    assert_answer(ROW("p50 BETWEEN 0.01 AND 0.0125"), "1");
    assert_answer(ROW("p99 BETWEEN 0.9 AND 1.2"), "1");
    assert_answer(ROW("closed_share"), "1.0");
}

static void test_a_minute_is_counted_from_the_one_before(void **state) {
    (void)state;
    begin();
    for (int i = 0; i < 50; i++)
        call_taking(SWG_SUCCESS, S(2));
    next_minute();
    for (int i = 0; i < 3; i++)
        call_taking(SWG_SUCCESS, MS(1));
    next_minute();
    assert_answer(ROW("calls"), "3");
    assert_answer(ROW("p99 < 0.002"), "1");
    assert_answer(ROWS, "2");
}

static void test_nothing_happened(void **state) {
    (void)state;
    begin();
    call(SWG_SUCCESS);
    next_minute();
    next_minute();
    next_minute();
    assert_answer(ROWS, "1");
}

static void test_calls_of_before_the_agent_are_not_of_its_minute(void **state) {
    (void)state;
    make();
    calls(40, SWG_SUCCESS);
    open_storage();
    tick();
    calls(2, SWG_SUCCESS);
    next_minute();
    assert_answer(ROW("calls"), "2");
}

static void test_a_circuit_made_in_mid_minute(void **state) {
    (void)state;
    open_storage();
    tick();
    make();
    calls(2, SWG_SUCCESS);
    next_minute();
    assert_answer(ROW("calls"), "2");
}

static void test_share_of_states(void **state) {
    (void)state;
    begin();
    for (int i = 0; i < 29; i++) {
        pass(S(1));
        tick();
    }
    calls(5, SWG_FAILURE); /* OPEN for the 30 s that are left */
    assert_rejected();
    measure();
    for (size_t i = 0; i < measures.count; i++)
        measures.at[i].in_state[SWG_STATE_CLOSED] += S(30);
    next_minute();
    assert_answer("SELECT rejected FROM circuit_breaker_history WHERE circuit = 'dependency'", "1");
    assert_answer("SELECT open_share BETWEEN 0.4 AND 0.6 FROM circuit_breaker_history"
                  " WHERE circuit = 'dependency'",
                  "1");
}

static void test_a_minute_in_two_parts(void **state) {
    (void)state;
    begin();
    calls(2, SWG_SUCCESS);
    pass(S(20));
    tick();
    close_storage();
    open_storage();
    tick();
    calls(3, SWG_SUCCESS);
    next_minute();
    assert_answer(ROWS, "1");
    assert_answer(ROW("calls"), "5");
    assert_answer(ROW("seconds"), "60.0");
}

/* ---- what is old */

static void fill_minutes(int days, int per_day) {
    char sql[600];
    for (int day = 0; day < days; day++) {
        snprintf(sql, sizeof(sql),
                 "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
                 " INSERT INTO circuit_breaker_history SELECT 'old', 'minute',"
                 " strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', '2025-11-30', '-%d days', '+' || i || ' "
                 "minutes'),"
                 " 60, 10, 1, 0, 0, 0.01, 0.1 + i * 0.001, 1, 0, 0 FROM n",
                 per_day - 1, day);
        assert_string_equal(ask(sql), "");
    }
}

/* Retention is asked for once an hour. */
static void an_hour_later(void) {
    wall += 3600000;
    tick();
}

static void test_minutes_become_hours_after_two_days(void **state) {
    (void)state;
    begin();
    fill_minutes(5, 120); /* two hours of each of 5 days */
    an_hour_later();
    assert_answer("SELECT count(*) FROM circuit_breaker_history WHERE span = 'minute'", "180");
    assert_answer("SELECT count(*) FROM circuit_breaker_history WHERE span = 'hour'", "7");
    assert_answer("SELECT sum(calls) FROM circuit_breaker_history", "6000");
    assert_answer("SELECT calls || ' ' || seconds || ' ' || failures FROM circuit_breaker_history"
                  " WHERE span = 'hour' LIMIT 1",
                  "600 3600.0 60");
    assert_answer("SELECT started_at FROM circuit_breaker_history WHERE span = 'hour'"
                  " ORDER BY started_at LIMIT 1",
                  "2025-11-26T00:00:00.000Z");
    assert_answer("SELECT p50 BETWEEN 0.0099 AND 0.0101 FROM circuit_breaker_history"
                  " WHERE span = 'hour' LIMIT 1",
                  "1");
    assert_answer("SELECT max(p99) < 0.23 FROM circuit_breaker_history WHERE span = 'hour'", "1");
}

static void test_history_ends_after_its_time(void **state) {
    (void)state;
    file.agent.history_keep = S(86400) * 3;
    begin();
    fill_minutes(6, 60);
    an_hour_later();
    assert_answer("SELECT min(started_at) >= '2025-11-28T00:30' FROM circuit_breaker_history", "1");
}

static void test_history_keeps_to_its_size(void **state) {
    (void)state;
    file.agent.history_bytes_max = 200 * 500;
    begin();
    fill_minutes(2, 1440);
    an_hour_later();
    assert_true(atoi(ask(ROWS)) <= 501);
    assert_answer("SELECT max(started_at) FROM circuit_breaker_history",
                  "2025-11-30T23:59:00.000Z");
}

static void fill_audit(int rows) {
    for (int i = 0; i < rows; i++)
        swgi_storage_note(storage, SWGI_ACTION_ALERT, "a", "b", "system", "rule", NULL);
    flush();
}

static void test_the_audit_ends_after_its_time(void **state) {
    (void)state;
    file.agent.audit_keep = S(86400);
    begin();
    fill_audit(2500);
    wall += 86400000 / 2;
    fill_audit(10);
    wall += 86400000 / 2 + 1000;
    tick();
    assert_answer("SELECT count(*) FROM circuit_breaker_audit", "10");
    assert_answer("SELECT min(id) FROM circuit_breaker_audit", "2501");
    assert_answer("SELECT audit_floor FROM switchgear_panel", "2500");
    assert_answer("DELETE FROM circuit_breaker_audit", "circuit_breaker_audit is append-only");
}

static void test_the_audit_keeps_to_its_rows(void **state) {
    (void)state;
    file.agent.audit_rows_max = 100;
    begin();
    fill_audit(3210);
    an_hour_later();
    assert_answer("SELECT count(*) FROM circuit_breaker_audit", "100");
    assert_answer("SELECT max(id) FROM circuit_breaker_audit", "3210");
    fill_audit(1);
    assert_answer("SELECT max(id) FROM circuit_breaker_audit", "3211"); /* never used twice */
}

static void test_circuits_long_gone_are_forgotten(void **state) {
    (void)state;
    file.agent.audit_keep = S(86400) * 30;
    make_named("gone");
    open_storage();
    tick();
    close_storage();
    another_panel();
    make();
    open_storage();
    for (int day = 0; day < 31; day++) {
        wall += 86400000;
        tick();
    }
    assert_answer("SELECT group_concat(circuit) FROM circuit_breaker_state", "_beyond,dependency");
}

static void test_size_of_a_row(void **state) {
    (void)state;
    begin();
    fill_minutes(1, 1440);
    fill_minutes(0, 0);
    ask("PRAGMA wal_checkpoint(TRUNCATE)");
    print_message("a row of history takes %s bytes\n",
                  ask("SELECT sum(pgsize) / 1440 FROM dbstat WHERE name IN"
                      " ('circuit_breaker_history', 'circuit_breaker_history_started')"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORED(test_a_minute),
        STORED(test_a_minute_is_counted_from_the_one_before),
        STORED(test_nothing_happened),
        STORED(test_calls_of_before_the_agent_are_not_of_its_minute),
        STORED(test_a_circuit_made_in_mid_minute),
        STORED(test_share_of_states),
        STORED(test_a_minute_in_two_parts),
        STORED(test_minutes_become_hours_after_two_days),
        STORED(test_history_ends_after_its_time),
        STORED(test_history_keeps_to_its_size),
        STORED(test_the_audit_ends_after_its_time),
        STORED(test_the_audit_keeps_to_its_rows),
        STORED(test_circuits_long_gone_are_forgotten),
        STORED(test_size_of_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
