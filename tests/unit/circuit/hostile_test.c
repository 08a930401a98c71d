/* What the fuzzers found, as stories: words in the panel that no honest process writes. */
#include "bad_input.h"

#include "engine/engine.h"
#include "engine/policies.h"

static struct swg_panel *panel;
static struct swg_circuit *circuit;
static struct swgi_cell *cell;

static int begin(void **state) {
    struct swg_panel_options options = small_options(NULL);
    (void)state;
    options.virtual_clock = 1;
    panel = open_with(&options);
    circuit = get(panel, "dependency");
    cell = atomic_load(&circuit->binding)->cell;
    return 0;
}

static int end(void **state) {
    (void)state;
    panel = swg_panel_unref(panel);
    return 0;
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)

/* The settings in force, as somebody else may write them. */
static void write_settings(const struct swgi_settings *settings) {
    uint64_t words[SWGI_SETTINGS_WORDS] = { 0 };
    memcpy(words, settings, SWGI_BREAKER_SETTINGS_SIZE);
    for (unsigned i = 0; i < SWGI_SETTINGS_WORDS; i++)
        swgi_store(&cell->settings[swgi_load(&cell->settings_sequence) & 1][i], words[i]);
}

static void test_a_ramp_admits_at_most_all(void **state) {
    struct swgi_settings settings;
    (void)state;
    swgi_settings_load(cell, &settings);
    settings.ramp_steps = 2;
    settings.ramp_percent[0] = settings.ramp_percent[1] = 255;
    settings.success_threshold = 1;
    write_settings(&settings);
    assert_int_equal(swg_circuit_trip(circuit, NULL, NULL), 0);
    assert_int_equal(swg_circuit_probe(circuit, NULL, NULL), 0);
    struct swg_permit probe = admitted(circuit);
    assert_int_equal(swg_record(&probe, SWG_SUCCESS), 0);
    assert_int_equal(status_of(circuit).ramp_percent, 100);
}

/* A virtual clock that nobody advanced to there. */
static void test_a_clock_beyond_all_times(void **state) {
    static const uint64_t times[] = { INT64_MAX, UINT64_C(1) << 63, UINT64_MAX, UINT64_MAX - 1, 0 };
    struct swgi_header *header = atomic_load(&panel->map)->header;
    struct swg_permit permit;
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        swgi_store(&header->virtual_clock, times[i]);
        assert_true(swg_panel_now(panel) >= 0);
        assert_int_equal(swg_circuit_trip(circuit, NULL, NULL), 0);
        assert_int_equal(swg_circuit_probe(circuit, NULL, NULL), 0);
        swgi_store(&cell->liveness_stamp, ~times[i]);
        assert_int_equal(swg_acquire(circuit, NULL, &permit), SWG_GO);
        struct swg_permit second;
        assert_int_equal(swg_acquire(circuit, NULL, &second), SWG_OPEN);
        assert_int_equal(swg_record(&permit, SWG_FAILURE), 0);
        assert_true(status_of(circuit).in_flight == 0);
    }
}

/* Times as far from each other as 64 bits allow, and a boot in between. */
static void test_a_reboot_with_impossible_times(void **state) {
    struct swg_panel_options options = small_options(path);
    static const int64_t times[] = { 1, INT64_MAX, INT64_MIN, INT64_MIN + 1, -1 };
    static const char *const boots[] = { "first", "second", "third", "fourth", "fifth", "sixth" };
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        options.boot_id = boots[i];
        struct swg_panel *before = open_with(&options);
        struct swg_circuit *trips = get(before, "trips");
        assert_int_equal(swg_circuit_trip(trips, NULL, NULL), 0);
        struct swgi_map *map = atomic_load(&before->map);
        struct swgi_cell *of = atomic_load(&trips->binding)->cell;
        swgi_store(&of->last_trip, (uint64_t)times[i]);
        swgi_store(&of->since, ~UINT64_C(0) << 20 | swgi_since_generation(swgi_load(&of->since)));
        swgi_store(&of->shadow_until, (uint64_t)times[i]);
        swgi_store(&map->header->stamp_monotonic, (uint64_t)times[4 - i]);
        options.boot_id = boots[i + 1];
        struct swg_panel *after = open_with(&options);
        assert_int_equal(status_of(get(after, "trips")).state, SWG_STATE_OPEN);
        assert_true(status_of(get(after, "trips")).last_trip >= 0);
        swg_panel_unref(after);
        swg_panel_unref(before);
    }
}

/* ---- the extent of policies */

static struct swgi_policies *policies; /* of the circuit, with all of them on */

static void set(struct swg_config *config, const char *key, const char *value) {
    struct swg_error error = SWG_ERROR_INIT;
    if (swg_config_set(config, key, value, &error) != 0)
        fail_msg("%s=%s: %s", key, value, error.text);
}

static int begin_policed(void **state) {
    static const char *const rows[][2] = {
        { "bulkhead.max_concurrent", "4" },
        { "bulkhead.when_busy", "wait" },
        { "bulkhead.max_queue", "8" },
        { "bulkhead.partitions", "-1:100, 31:75" },
        { "bulkhead.dynamic_priority", "yes" },
        { "limiter.rate", "16" },
        { "limiter.algorithm", "sliding_log" },
        { "limiter.adaptive", "yes" },
        { "adaptive.algorithm", "gradient2" },
        { "retry.attempts", "3" },
        { "timeout.attempt", "1s" },
        { "timeout.auto", "0.1" },
        { "fallback.chain", "alternative, static" },
        { "fallback.alternative", "region-b" },
        { "fallback.static", "sorry" },
        { "features.list", "checkout:100, search:50" },
        { "breaker.slow_call_duration", "10ms" },
    };
    struct swg_config *config = NULL;
    begin(state);
    assert_int_equal(swg_config_new(&config), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        set(config, rows[i][0], rows[i][1]);
    assert_int_equal(swg_circuit_configure(circuit, config, NULL), 0);
    swg_config_unref(config);
    policies = swgi_policies_of(atomic_load(&panel->map), cell);
    return policies == NULL ? -1 : 0;
}

#define POLICED(name) cmocka_unit_test_setup_teardown(name, begin_policed, end)

static void write_policies(const struct swgi_policy_settings *settings) {
    uint64_t words[SWGI_POLICY_SETTINGS_WORDS] = { 0 };
    memcpy(words, settings, sizeof(*settings));
    for (unsigned i = 0; i < SWGI_POLICY_SETTINGS_WORDS; i++)
        swgi_store(&policies->settings[swgi_load(&policies->settings_sequence) & 1][i], words[i]);
}

static int succeed(struct swg_attempt *attempt, void *arg) {
    (void)attempt;
    return *(const int *)arg;
}

/* Every function that looks at policies. What it answers does not matter here, that it does. */
static void use_all(void) {
    static const int outcomes[] = { SWG_SUCCESS, SWG_FAILURE, SWG_TIMEOUT, SWG_IGNORED };
    struct swg_request request = SWG_REQUEST_INIT;
    struct swg_permit permits[6] = { 0 };
    struct swg_why why = SWG_WHY_INIT;
    struct swg_status status = SWG_STATUS_INIT;
    char value[640];
    const char *key;
    for (unsigned i = 0; i < 6; i++) {
        request.priority = (int32_t)i * 10 - 32;
        request.key = i;
        request.deadline = swg_panel_now(panel) + S(1);
        (void)swg_acquire(circuit, &request, &permits[i]);
        (void)swg_deadline(&permits[i]);
        (void)swg_poll(&permits[i]);
    }
    assert_int_equal(swg_circuit_status(circuit, &status), 0);
    assert_true(memchr(status.name, 0, sizeof(status.name)) != NULL);
    assert_int_equal(swg_circuit_why(circuit, &why), 0);
    assert_true(why.permits_count <= sizeof(why.permits) / sizeof(why.permits[0]));
    for (unsigned i = 0; i < 6; i++) {
        if (swg_record(&permits[i], outcomes[i % 4]) == SWG_RETRY)
            (void)swg_acquire_again(&permits[i]);
        swg_cancel(&permits[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        int outcome = outcomes[i];
        struct swg_result result = SWG_RESULT_INIT;
        request.deadline = swg_panel_now(panel) + S(1);
        (void)swg_call(circuit, &request, succeed, &outcome, &result);
        swg_buffer_release(&result.value);
    }
    (void)swg_feature_enabled(circuit, "search");
    for (uint32_t cursor = 0; swg_config_next_key(&cursor, &key, NULL, NULL) == 0;)
        if (swg_circuit_setting(circuit, key, value, sizeof(value)) == 0)
            assert_non_null(memchr(value, 0, sizeof(value)));
    assert_int_equal(swg_panel_advance(panel, S(2)), 0);
}

/* Rooms of every kind are looked at, and some taken. It may be refused: what it merges is not sound. */
static void configure_anew(void) {
    struct swg_config *config = NULL;
    assert_int_equal(swg_config_new(&config), 0);
    set(config, "bulkhead.max_concurrent", "9");
    set(config, "bulkhead.when_busy", "wait");
    set(config, "bulkhead.max_queue", "12");
    set(config, "limiter.rate", "100");
    set(config, "retry.attempts", "2");
    (void)swg_circuit_configure(circuit, config, NULL);
    swg_config_unref(config);
}

/* As the panel was, so that each damage is the only one. */
static void restart(void) {
    end(NULL);
    assert_int_equal(begin_policed(NULL), 0);
}

static const uint64_t telling[] = { 0,
                                    1,
                                    UINT32_MAX,
                                    UINT64_C(1) << 32,
                                    UINT64_C(0xffffffff00000001),
                                    INT64_MAX,
                                    UINT64_C(1) << 63,
                                    UINT64_MAX - 1,
                                    UINT64_MAX,
                                    UINT64_C(0x7ff8000000000000), /* not a number */
                                    UINT64_C(0x7ff0000000000000) };
#define TELLING (sizeof(telling) / sizeof(telling[0]))

/* Text that has no end, counts beyond their lists, links that are none. */
static void test_policies_that_overflow_their_lists(void **state) {
    struct swgi_policy_settings settings;
    (void)state;
    memset(&settings, 0xff, sizeof(settings));
    write_policies(&settings);
    use_all();
    swgi_policies_load(policies, &settings);
    assert_true(settings.bulkhead.partitions_count <= SWGI_PARTITIONS_MAX);
    assert_true(settings.features.count <= SWGI_FEATURES_MAX);
    assert_true(settings.retry.attempts <= SWGI_ATTEMPTS_MAX);
    assert_true(strlen(settings.fallback.alternative) <= SWGI_NAME_MAX);
    assert_true(strlen(settings.fallback.answer) <= SWGI_ANSWER_MAX);
    for (unsigned i = 0; i < SWGI_FEATURES_MAX; i++)
        assert_true(strlen(settings.features.list[i].name) <= SWGI_FEATURE_NAME_MAX);
    for (unsigned i = 0; i < SWGI_FALLBACKS_MAX; i++)
        assert_true(settings.fallback.chain[i] <= SWGI_FALLBACK_FUNCTION);
}

/* Such settings are none to configure from: told, and nothing is made of them. */
static void test_policies_that_are_none_are_not_merged(void **state) {
    struct swgi_policy_settings settings;
    struct swg_config *config = NULL;
    struct swg_error error = SWG_ERROR_INIT;
    (void)state;
    swgi_policies_load(policies, &settings);
    settings.bulkhead.reserve_permits = 4000;
    write_policies(&settings);
    assert_int_equal(swg_config_new(&config), 0);
    set(config, "breaker.open.for", "7s");
    assert_int_equal(swg_circuit_configure(circuit, config, &error), -EINVAL);
    assert_string_equal(error.key, "bulkhead.reserve.permits");
    set(config, "bulkhead.reserve.permits", "1"); /* set anew, it is good again */
    assert_int_equal(swg_circuit_configure(circuit, config, &error), 0);
    swg_config_unref(config);
    use_all();
}

/* Each word of the settings, one after the other. */
static void test_any_word_of_the_settings(void **state) {
    (void)state;
    for (unsigned word = 0; word < SWGI_POLICY_SETTINGS_WORDS; word++) {
        for (unsigned k = 0; k < TELLING; k += 2) {
            unsigned sequence = swgi_load(&policies->settings_sequence) & 1;
            uint64_t good = swgi_load(&policies->settings[sequence][word]);
            swgi_store(&policies->settings[sequence][word], telling[(k + word) % TELLING]);
            use_all();
            swgi_store(&policies->settings[sequence][word], good);
        }
    }
}

/* Runs, limits, rules, stamps, budgets, estimates: every word that calls read or move. */
static void test_any_word_that_calls_read(void **state) {
    const size_t words = offsetof(struct swgi_policies, settings) / sizeof(swgi_word);
    (void)state;
    for (size_t word = 0; word < words; word++) {
        for (unsigned k = 0; k < TELLING; k++) {
            swgi_store((swgi_word *)(void *)policies + word, telling[k]);
            use_all();
            if (k % 4 == 3)
                restart();
        }
        restart();
    }
}

/* Two runs in one place, in a neighbour's, at the very end, of one slot, of all. */
static void test_runs_out_of_bounds(void **state) {
    struct swgi_map *map = atomic_load(&panel->map);
    uint32_t slots = map->geometry.slots;
    const uint64_t runs[] = {
        swgi_run(slots, 1),      swgi_run(slots, 2),      swgi_run(slots + 1, 1),
        swgi_run(1, slots),      swgi_run(1, slots + 1),  swgi_run(2, slots),
        swgi_run(UINT32_MAX, 2), swgi_run(2, UINT32_MAX), swgi_run(UINT32_MAX, UINT32_MAX),
        swgi_run(slots - 1, 3),  swgi_run(1, 1),          swgi_run(1, 3),
        swgi_run(0, 64),         swgi_run(7, 64),
    };
    (void)state;
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        for (unsigned k = 0; k < 5; k++) {
            swgi_word *const words[] = { &policies->bulkhead.run, &policies->bulkhead.former,
                                         &policies->bulkhead.queue, &policies->limiter.log };
            for (unsigned w = 0; w < 4; w++)
                if (k == 4 || k == w)
                    swgi_store(words[w], runs[i]);
            use_all();
            configure_anew();
            use_all();
            restart();
        }
    }
}

/* A cell may name an extent that is none, or traits and habits that nobody gave it. */
static void test_extents_and_traits_that_are_none(void **state) {
    static const uint32_t extents[] = { 0, 2, 9, 10, INT32_MAX, UINT32_MAX };
    (void)state;
    for (size_t i = 0; i < sizeof(extents) / sizeof(extents[0]); i++) {
        swgi_store(&cell->policies, extents[i]);
        use_all();
        swgi_store(&cell->traits, UINT32_MAX);
        use_all();
        configure_anew();
        assert_in_range(swgi_load(&cell->policies), 1, 8);
        use_all();
        restart();
    }
    for (unsigned bit = 0; bit < 32; bit++) {
        swgi_store(&policies->traits, UINT32_C(1) << bit);
        swgi_store(&policies->habits, ~(UINT32_C(1) << bit));
        use_all();
        swgi_store(&cell->traits, swgi_load(&cell->traits) ^ UINT32_C(1) << bit);
        use_all();
        restart();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_a_ramp_admits_at_most_all),
        STORY(test_a_clock_beyond_all_times),
        IN_FOLDER(test_a_reboot_with_impossible_times),
        POLICED(test_policies_that_overflow_their_lists),
        POLICED(test_policies_that_are_none_are_not_merged),
        POLICED(test_any_word_of_the_settings),
        POLICED(test_any_word_that_calls_read),
        POLICED(test_runs_out_of_bounds),
        POLICED(test_extents_and_traits_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
