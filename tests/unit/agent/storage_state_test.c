/* Checkpoints, and what becomes of them in a panel that knows nothing. */
#include "storage_story.h"

#define STATE(column) "SELECT " column " FROM circuit_breaker_state WHERE circuit = 'dependency'"

static void restart_in_another_panel(void) {
    close_storage();
    another_panel();
}

static int restore(void) {
    struct swg_error error = SWG_ERROR_INIT;
    int rc;
    open_storage();
    rc = swgi_storage_restore(storage, &error);
    flush();
    return rc;
}

/* ---- checkpoints */

static void test_a_circuit_is_seen_by_the_first_tick(void **state) {
    (void)state;
    make();
    open_storage();
    tick();
    assert_answer(STATE("state"), "CLOSED");
    assert_answer(STATE("bookmaker"), "dependency");
    assert_answer(STATE("mode"), "normal");
    assert_answer(STATE("open_until"), "NULL");
    assert_answer(STATE("updated_at"), "2025-12-01T00:00:00.000Z");
    assert_answer("SELECT count(*) FROM circuit_breaker_state", "2"); /* with _beyond */
}

static void test_only_what_changed_is_written(void **state) {
    uint64_t before;
    (void)state;
    make();
    open_storage();
    tick();
    before = counts().checkpoints;
    pass(S(1));
    tick();
    assert_int_equal(counts().checkpoints, before);
    call(SWG_SUCCESS);
    tick();
    assert_int_equal(counts().checkpoints, before + 1);
    assert_answer(STATE("calls"), "1");
}

static void test_a_transition_does_not_wait_for_the_tick(void **state) {
    (void)state;
    make();
    open_storage();
    calls(5, SWG_FAILURE);
    follow();
    flush();
    assert_answer(STATE("state"), "OPEN");
    assert_answer(STATE("rule"), "consecutive");
    assert_answer(STATE("trips"), "1");
    assert_answer(STATE("open_until GLOB '2025-12-01T00:00:30.00[0-9]Z'"), "1");
    assert_answer(STATE("trip_value"), "5.0");
    assert_int_equal(atoi(ask(STATE("generation"))), swgi_circuit_generation(circuit));
}

static void test_an_unbounded_trip_and_mode(void **state) {
    (void)state;
    make();
    open_storage();
    hand(swg_circuit_trip, 0, 0);
    mode(SWG_MODE_SHADOW, 0);
    follow();
    flush();
    assert_answer(STATE("by_hand_only"), "1");
    assert_answer(STATE("open_until"), "NULL");
    assert_answer(STATE("mode_unbounded"), "1");
    assert_answer(STATE("mode_user || ': ' || mode_reason"), "ann: a story");
}

/* ---- another panel */

static void test_open_comes_back_for_what_is_left(void **state) {
    (void)state;
    make();
    open_storage();
    calls(5, SWG_FAILURE);
    pass(S(10));
    tick();
    restart_in_another_panel();
    make();
    wall += 5000; /* the machine was booted */
    assert_int_equal(restore(), 1);
    assert_open_by("consecutive");
    assert_in_range(status().open_until, now() + S(15) - MS(10), now() + S(15) + MS(10));
    assert_int_equal(status().trips, 1);
    assert_int_equal(status().trips_in_a_row, 1);
    assert_int_equal(why().evidence, 1);
    assert_int_equal((int)why().trip.value, 5);
    follow();
    flush();
    assert_answer("SELECT group_concat(action || '/' || source) FROM circuit_breaker_audit",
                  "TRIP/rule,RESTORE/restore");
    assert_answer(STATE("state"), "OPEN");
}

static void test_a_calendar_set_back_does_not_keep_it_open(void **state) {
    (void)state;
    make();
    open_storage();
    calls(5, SWG_FAILURE);
    tick();
    restart_in_another_panel();
    make();
    wall -= 3600000;
    assert_int_equal(restore(), 1);
    assert_in_range(status().open_until, now(), now() + S(30) + MS(10));
}

static void test_time_that_is_over_is_due_for_probes(void **state) {
    (void)state;
    make();
    open_storage();
    calls(5, SWG_FAILURE);
    tick();
    restart_in_another_panel();
    make();
    wall += 86400000;
    assert_int_equal(restore(), 1);
    advance(ROUNDING);
    assert_state(HALF_OPEN);
    calls(2, SWG_SUCCESS);
    assert_state(CLOSED);
}

/* One database for two places: a trip of the one is none of the other. */
static void test_another_place_is_not_restored(void **state) {
    (void)state;
    make();
    open_storage();
    calls(5, SWG_FAILURE);
    tick();
    restart_in_another_panel();
    make();
    ask("UPDATE switchgear_panel SET path = '/run/switchgear/other'");
    assert_int_equal(restore(), 0);
    assert_int_equal(status().state, SWG_STATE_CLOSED);
    assert_true(log_says("knows the panel /run/switchgear/other"));
}

static void test_manual_recovery_stays_open(void **state) {
    (void)state;
    set("breaker.open.recovery", "manual");
    make();
    open_storage();
    calls(5, SWG_FAILURE);
    follow();
    restart_in_another_panel();
    make();
    wall += 86400000;
    assert_int_equal(restore(), 1);
    assert_open_by("consecutive");
    assert_int_equal(status().open_until, SWG_NS_MAX);
}

static void test_modes_keep_their_bound_and_their_name(void **state) {
    (void)state;
    make();
    open_storage();
    mode(SWG_MODE_FORCED_OPEN, S(60));
    tick();
    restart_in_another_panel();
    make();
    wall += 20000;
    assert_int_equal(restore(), 1);
    assert_int_equal(status().mode, SWG_MODE_FORCED_OPEN);
    assert_in_range(status().mode_until, now() + S(40) - MS(10), now() + S(40) + MS(10));
    assert_string_equal(why().mode_user, "ann");
    assert_string_equal(why().mode_reason, "a story");
}

static void test_trips_of_a_life(void **state) {
    (void)state;
    make();
    open_storage();
    for (int i = 0; i < 3; i++) {
        calls(5, SWG_FAILURE);
        hand(swg_circuit_reset, 0, 1);
    }
    tick();
    restart_in_another_panel();
    make();
    assert_int_equal(restore(), 1);
    assert_state(CLOSED);
    assert_int_equal(status().trips, 3);
    calls(5, SWG_FAILURE);
    follow();
    flush();
    restart_in_another_panel();
    make();
    assert_int_equal(restore(), 1);
    assert_int_equal(status().trips, 4);
}

static void test_a_circuit_made_later_follows_by_itself(void **state) {
    (void)state;
    make();
    open_storage();
    calls(5, SWG_FAILURE);
    tick();
    restart_in_another_panel();
    assert_int_equal(restore(), 0);
    tick();
    assert_answer(STATE("state"), "OPEN"); /* not forgotten */
    make();
    assert_state(CLOSED);
    follow();
    assert_state(OPEN);
}

static void test_a_circuit_made_after_the_last_event_follows_with_the_tick(void **state) {
    (void)state;
    make();
    open_storage();
    calls(5, SWG_FAILURE);
    tick();
    restart_in_another_panel();
    assert_int_equal(restore(), 0);
    make();
    measure();
    swgi_storage_tick(storage, &measures);
    flush();
    assert_state(OPEN);
    assert_answer(STATE("state"), "OPEN");
}

static void test_who_has_lived_here_already_is_left_alone(void **state) {
    (void)state;
    make();
    open_storage();
    hand(swg_circuit_trip, 0, 0);
    hand(swg_circuit_reset, 0, 1);
    hand(swg_circuit_trip, 0, 0);
    tick();
    restart_in_another_panel();
    make();
    hand(swg_circuit_trip, 0, 0);
    hand(swg_circuit_reset, 0, 1);
    assert_int_equal(status().trips, 1);
    assert_int_equal(restore(), 0);
    assert_state(CLOSED);
    assert_int_equal(status().trips, 3); /* those of its life */
    tick();
    assert_answer(STATE("state"), "CLOSED");
}

static void test_the_same_panel_is_not_restored(void **state) {
    (void)state;
    make();
    open_storage();
    calls(5, SWG_FAILURE);
    tick();
    hand(swg_circuit_reset, 0, 1);
    close_storage();
    assert_int_equal(restore(), 0);
    assert_state(CLOSED);
}

/* Killed after it restored one: the other is still to do, the first is not done twice. */
static void test_a_kill_on_the_way(void **state) {
    struct swg_circuit *other;
    (void)state;
    make_named("other");
    other = circuit;
    calls(5, SWG_FAILURE);
    make();
    calls(5, SWG_FAILURE);
    open_storage();
    tick();
    restart_in_another_panel();
    make_named("other");
    other = circuit;
    open_storage();
    assert_int_equal(swgi_kept_restore(storage, swgi_kept_find(storage, "other"), other), 1);
    close_storage(); /* nothing of it was written */
    make();
    assert_int_equal(restore(), 1);
    assert_state(OPEN);
    assert_int_equal(status().trips, 1);
    circuit = other;
    assert_int_equal(status().trips, 1);
}

/* A panel that was kept on a disk brings its own times to the new clock. */
static void test_a_boot_with_the_panel_kept(void **state) {
    static const char *const boots[] = { "monday", "tuesday" };
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swg_panel *story_s = panel;
    char path[96];
    (void)state;
    snprintf(path, sizeof(path), "%s/main", folder);
    options.path = path;
    options.circuits_max = 8;
    for (int i = 0; i < 2; i++) {
        options.boot_id = boots[i];
        assert_int_equal(swg_panel_open(&panel, &options, NULL), 0);
        make();
        if (i == 0)
            hand(swg_circuit_trip, S(3600), 0);
        assert_int_equal(restore(), 0);
        tick();
        assert_state(OPEN);
        assert_in_range(status().open_until - now(), S(3500), S(3601));
        assert_int_equal(status().trips, 1);
        close_storage();
        panel = swg_panel_unref(panel);
    }
    assert_answer("SELECT group_concat(action) FROM circuit_breaker_audit", "TRIP");
    panel = story_s;
}

/* A file of another boot that was lost with it. */
static void test_a_boot_with_the_panel_lost(void **state) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swg_panel *story_s = panel;
    char path[96], file_path[112];
    int64_t birth = 0;
    (void)state;
    snprintf(path, sizeof(path), "%s/main", folder);
    snprintf(file_path, sizeof(file_path), "%s.v1.panel", path);
    options.path = path;
    options.circuits_max = 8;
    options.boot_id = "monday";
    assert_int_equal(swg_panel_open(&panel, &options, NULL), 0);
    make();
    open_storage();
    hand(swg_circuit_trip, S(3600), 0);
    tick();
    close_storage();
    birth = swgi_panel_birth_ms(panel);
    options.boot_id = "tuesday";
    do {
        panel = swg_panel_unref(panel);
        remove(file_path);
        assert_int_equal(swg_panel_open(&panel, &options, NULL), 0);
    } while (swgi_panel_birth_ms(panel) == birth);
    make();
    wall += 600000;
    assert_int_equal(restore(), 1);
    assert_open_by("hand");
    assert_in_range(status().open_until - now(), S(2990), S(3001));
    close_storage();
    panel = swg_panel_unref(panel);
    panel = story_s;
}

/* The panel's file was replaced while the agent ran. */
static void test_a_replaced_panel(void **state) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    struct swg_panel *before = panel;
    char path[96], file_path[112], moved[128];
    (void)state;
    snprintf(path, sizeof(path), "%s/main", folder);
    snprintf(file_path, sizeof(file_path), "%s.v1.panel", path);
    snprintf(moved, sizeof(moved), "%s.old", file_path);
    options.path = path;
    options.circuits_max = 8;
    assert_int_equal(swg_panel_open(&panel, &options, NULL), 0);
    make();
    open_storage();
    calls(5, SWG_FAILURE);
    tick();
    int64_t birth = swgi_panel_birth_ms(panel);
    do {
        rename(file_path, moved);
        assert_true(swg_panel_poll(panel) >= 0);
        make();
    } while (swgi_panel_birth_ms(panel) == birth);
    cursor = 0;
    assert_int_equal(swgi_storage_restore(storage, NULL), 1);
    assert_open_by("consecutive");
    hand(swg_circuit_reset, 0, 1);
    follow();
    flush();
    assert_answer("SELECT group_concat(action) FROM circuit_breaker_audit", "TRIP,RESTORE,RESET");
    close_storage();
    panel = swg_panel_unref(panel);
    panel = before;
}

static void call_all(void) {
    struct swg_circuit *each;
    uint32_t at = 0;
    while (swg_panel_next_circuit(panel, &at, &each) == 0) {
        circuit = each;
        call(SWG_SUCCESS);
    }
}

/* All of them had calls in the second before. */
static void test_checkpoints_of_a_thousand_circuits(void **state) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    int64_t on_loop = 0, by_writer = 0;
    char name[32];
    (void)state;
    options.virtual_clock = 1;
    options.circuits_max = 1000;
    panel = swg_panel_unref(panel);
    assert_int_equal(swg_panel_open(&panel, &options, NULL), 0);
    advance(S(1));
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "circuit-%d", i);
        make_named(name);
    }
    open_storage();
    tick();
    for (int i = 0; i < 10; i++) {
        pass(S(1));
        call_all();
        measure();
        int64_t from = swgi_clock_of(CLOCK_THREAD_CPUTIME_ID);
        swgi_storage_tick(storage, &measures);
        on_loop += swgi_clock_of(CLOCK_THREAD_CPUTIME_ID) - from;
        int64_t told = swgi_clock_of(CLOCK_MONOTONIC);
        flush();
        by_writer += swgi_clock_of(CLOCK_MONOTONIC) - told;
    }
    print_message("1000 changed circuits: %.2f ms on the loop, written %.1f ms later\n",
                  (double)on_loop / 1e7, (double)by_writer / 1e7);
    int64_t from = swgi_clock_of(CLOCK_THREAD_CPUTIME_ID);
    swgi_storage_tick(storage, &measures);
    print_message("1000 unchanged ones: %.2f ms\n",
                  (double)(swgi_clock_of(CLOCK_THREAD_CPUTIME_ID) - from) / 1e6);
    assert_answer("SELECT sum(calls) FROM circuit_breaker_state", "10010");
}

static void test_a_thousand_circuits(void **state) {
    struct swg_panel_options options = SWG_PANEL_OPTIONS_INIT;
    char name[32];
    (void)state;
    options.virtual_clock = 1;
    options.circuits_max = 1000;
    options.events_max = 4096;
    for (int turn = 0; turn < 2; turn++) {
        int64_t birth = swgi_panel_birth_ms(panel);
        do {
            panel = swg_panel_unref(panel);
            assert_int_equal(swg_panel_open(&panel, &options, NULL), 0);
        } while (swgi_panel_birth_ms(panel) == birth);
        advance(S(1));
        for (int i = 0; i < 1000; i++) {
            snprintf(name, sizeof(name), "circuit-%d", i);
            make_named(name);
            if (turn == 0)
                hand(swg_circuit_trip, S(60), 0);
        }
        int64_t from = swgi_clock_of(CLOCK_MONOTONIC);
        open_storage();
        int64_t opened = swgi_clock_of(CLOCK_MONOTONIC);
        assert_int_equal(swgi_storage_restore(storage, NULL), turn == 0 ? 0 : 1000);
        int64_t restored = swgi_clock_of(CLOCK_MONOTONIC);
        follow();
        int64_t followed = swgi_clock_of(CLOCK_MONOTONIC);
        flush();
        int64_t flushed = swgi_clock_of(CLOCK_MONOTONIC);
        print_message("opened in %.1f ms, restored in %.1f ms, events taken in %.1f ms, "
                      "1000 rows and checkpoints written %.1f ms later\n",
                      (double)(opened - from) / 1e6, (double)(restored - opened) / 1e6,
                      (double)(followed - restored) / 1e6, (double)(flushed - followed) / 1e6);
        assert_int_equal(status().state, SWG_STATE_OPEN);
        close_storage();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORED(test_a_circuit_is_seen_by_the_first_tick),
        STORED(test_only_what_changed_is_written),
        STORED(test_a_transition_does_not_wait_for_the_tick),
        STORED(test_an_unbounded_trip_and_mode),
        STORED(test_open_comes_back_for_what_is_left),
        STORED(test_a_calendar_set_back_does_not_keep_it_open),
        STORED(test_time_that_is_over_is_due_for_probes),
        STORED(test_another_place_is_not_restored),
        STORED(test_manual_recovery_stays_open),
        STORED(test_modes_keep_their_bound_and_their_name),
        STORED(test_trips_of_a_life),
        STORED(test_a_circuit_made_later_follows_by_itself),
        STORED(test_a_circuit_made_after_the_last_event_follows_with_the_tick),
        STORED(test_who_has_lived_here_already_is_left_alone),
        STORED(test_the_same_panel_is_not_restored),
        STORED(test_a_kill_on_the_way),
        STORED(test_a_boot_with_the_panel_kept),
        STORED(test_a_boot_with_the_panel_lost),
        STORED(test_a_replaced_panel),
        STORED(test_checkpoints_of_a_thousand_circuits),
        STORED(test_a_thousand_circuits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
