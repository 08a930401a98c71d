/* What a configuration changes: lists of rules, merging, printing, differences. */
#include "config_story.h"

static void test_an_entry_replaces_the_inherited_list(void **state) {
    struct swgi_settings settings;

    (void)state;
    preset("read");
    set("breaker.trip.0.failure_rate.percent", "50");
    settings = applied(NULL);
    assert_int_equal(settings.score.kind, SWGI_SCORE_NONE);
    assert_prints(&settings, "breaker.trip.0.failure_rate.percent", "50");
    assert_prints(&settings, "breaker.trip.0.failure_rate.window", "30s");
    assert_prints(&settings, "breaker.trip.0.failure_rate.calls_min", "10");
    assert_no_such(&settings, "breaker.trip.0.consecutive");
    assert_no_such(&settings, "breaker.trip.0.failure_rate.calls");
    assert_no_such(&settings, "breaker.trip.1.failure_rate.percent");
    assert_prints(&settings, "breaker.open.for", "3s");
}

static void test_none_empties_the_list(void **state) {
    struct swgi_settings settings;

    (void)state;
    set("breaker.trip.0.consecutive", "4");
    set("breaker.trip", "none");
    settings = applied(NULL);
    assert_int_equal(settings.score.kind, SWGI_SCORE_NONE);
    assert_prints(&settings, "breaker.trip", "none");
    assert_no_such(&settings, "breaker.trip.0.consecutive");
    set("breaker.trip.0.consecutive", "6");
    settings = applied(NULL);
    assert_prints(&settings, "breaker.trip.0.consecutive", "6");
    assert_no_such(&settings, "breaker.trip");
    assert_refused("breaker.trip", "5", "allowed: none");
    assert_refused("breaker.trip", "", "allowed: none");
}

static void test_an_entry_is_of_one_kind(void **state) {
    (void)state;
    set("breaker.trip.0.consecutive", "4");
    assert_refused("breaker.trip.0.failure_rate.percent", "50", "another kind");
    set("breaker.trip.0.consecutive", "5");
    set("breaker.trip.1.failure_rate.percent", "50");
    assert_int_equal(applied(NULL).score.consecutive, 5);
}

static void test_a_full_list(void **state) {
    struct swgi_settings settings;

    (void)state;
    set("breaker.slow_call_duration", "500ms");
    set("breaker.trip.0.change.healthy", "0.01");
    set("breaker.trip.0.change.unhealthy", "0.2");
    set("breaker.trip.1.failure_rate.percent", "50%");
    set("breaker.trip.1.failure_rate.calls", "100");
    set("breaker.trip.2.slow_rate.percent", "80");
    set("breaker.trip.2.slow_rate.calls", "100");
    set("breaker.trip.3.failure_rate.percent", "50");
    set("breaker.trip.4.slow_rate.percent", "12.5");
    set("breaker.trip.4.slow_rate.window", "1m");
    set("breaker.trip.5.failures.weight", "10.5");
    set("breaker.trip.5.failures.window", "60s");
    set("breaker.trip.6.failure_rate.percent", "off");
    set("breaker.trip.6.failure_rate.window", "20s");
    settings = applied(NULL);
    assert_prints(&settings, "breaker.trip.0.change.false_trip_once_in", "1000000");
    assert_int_equal(settings.count.calls, 100);
    assert_int_equal(settings.count.calls_min, 10);
    assert_int_equal(settings.count.slow_ppm, 800000);
    assert_int_equal(settings.time[1].threshold, 125000);
    assert_int_equal(settings.time[2].threshold, 21);
    assert_int_equal(settings.time[2].calls_min, 1);
    assert_prints(&settings, "breaker.trip.5.failures.weight", "10.5");
    assert_int_equal(settings.slice_ns, UINT64_C(5000000000));
}

/* Each list below breaks one limit. */
static const struct list {
    const char *keys[8], *at, *part;
} lists[] = {
    { { "breaker.trip.0.failure_rate.window=30s" },
      "breaker.trip.0.failure_rate.percent",
      "not set" },
    { { "breaker.trip.0.slow_rate.calls=30" }, "breaker.trip.0.slow_rate.percent", "not set" },
    { { "breaker.trip.0.failures.window=30s" }, "breaker.trip.0.failures.weight", "not set" },
    { { "breaker.trip.0.change.healthy=0.1" }, "breaker.trip.0.change.unhealthy", "not set" },
    { { "breaker.trip.0.change.unhealthy=0.1" }, "breaker.trip.0.change.healthy", "not set" },
    { { "breaker.trip.1.consecutive=3" }, "breaker.trip.0", "without a gap" },
    { { "breaker.trip.0.consecutive=3", "breaker.trip.2.failures.weight=3" },
      "breaker.trip.1",
      "gap" },
    { { "breaker.trip.0.consecutive=3", "breaker.trip.1.consecutive=4" },
      "breaker.trip.1",
      "second" },
    { { "breaker.trip.0.consecutive=3", "breaker.trip.1.change.healthy=0.1",
        "breaker.trip.1.change.unhealthy=0.2" },
      "breaker.trip.1",
      "second score rule" },
    { { "breaker.trip.0.failure_rate.percent=5", "breaker.trip.0.failure_rate.calls=5",
        "breaker.trip.0.failure_rate.window=5s" },
      "breaker.trip.0",
      "both window and calls" },
    { { "breaker.trip.0.failure_rate.percent=5", "breaker.trip.0.failure_rate.calls=50",
        "breaker.trip.1.failure_rate.percent=6", "breaker.trip.1.failure_rate.calls=50" },
      "breaker.trip.1",
      "second rate" },
    { { "breaker.trip.0.failure_rate.percent=5", "breaker.trip.0.failure_rate.calls=50",
        "breaker.trip.1.slow_rate.percent=6", "breaker.trip.1.slow_rate.calls=51" },
      "breaker.trip.1.slow_rate.calls",
      "51, and another rule has 50" },
    { { "breaker.trip.0.failure_rate.percent=5", "breaker.trip.0.failure_rate.calls=50",
        "breaker.trip.0.failure_rate.calls_min=51" },
      "breaker.trip.0.failure_rate.calls_min",
      "1..50" },
    { { "breaker.trip.0.failure_rate.percent=5", "breaker.trip.0.failure_rate.calls=50",
        "breaker.trip.0.failure_rate.calls_min=20", "breaker.trip.1.slow_rate.percent=6",
        "breaker.trip.1.slow_rate.calls=50", "breaker.trip.1.slow_rate.calls_min=30" },
      "breaker.trip.1.slow_rate.calls_min",
      "the same" },
    { { "breaker.trip.0.failures.weight=1", "breaker.trip.1.failures.weight=2",
        "breaker.trip.2.failures.weight=3", "breaker.trip.3.failures.weight=4",
        "breaker.trip.4.failures.weight=5" },
      "breaker.trip.4",
      "fifth rule over time" },
    { { "breaker.trip.0.failures.weight=1", "breaker.trip.1.failures.weight=2",
        "breaker.trip.1.failures.window=7s" },
      "breaker.trip",
      "nearest that fits is 7.5s" },
    { { "breaker.trip.0.slow_rate.percent=5" }, "breaker.slow_call_duration", "what is slow" },
    { { "breaker.open.multiplier=2" }, "breaker.open.max", "not set" },
    { { "breaker.open.max=29s" }, "breaker.open.max", "shorter" },
    { { "breaker.half_open.permits=total" }, "breaker.half_open.success_threshold", "1..1" },
    { { "breaker.half_open.verdict=rate" }, "breaker.half_open.verdict", "permits total" },
    { { "breaker.half_open.verdict=rate", "breaker.half_open.permits=total", "breaker.probes=2" },
      "breaker.half_open.verdict",
      "failure_rate or slow_rate" },
    { { "breaker.trip.0.failure_rate.percent=100", "breaker.compare=above" },
      "breaker.compare",
      "100" },
    { { "breaker.trip.0.change.healthy=0.2", "breaker.trip.0.change.unhealthy=0.1" },
      "breaker.trip.change.unhealthy",
      "0.1 cannot be told from healthy 0.2" },
};

static void test_lists_that_do_not_fit_together(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        free_config(NULL);
        make_config(NULL);
        for (unsigned k = 0; k < 8 && lists[i].keys[k] != NULL; k++) {
            char key[SWGI_KEY_NAME_MAX];

            snprintf(key, sizeof(key), "%s", lists[i].keys[k]);
            *strchr(key, '=') = '\0';
            set(key, strchr(lists[i].keys[k], '=') + 1);
        }
        assert_not_applied(lists[i].at, lists[i].part);
    }
}

static void test_calls_min_of_a_short_count_window(void **state) {
    struct swgi_settings settings;

    (void)state;
    set("breaker.slow_call_duration", "1s");
    set("breaker.trip.0.failure_rate.percent", "50");
    set("breaker.trip.0.failure_rate.calls", "5");
    settings = applied(NULL);
    assert_int_equal(settings.count.calls_min, 5);
    set("breaker.trip.1.slow_rate.percent", "50");
    set("breaker.trip.1.slow_rate.calls", "5");
    set("breaker.trip.1.slow_rate.calls_min", "3");
    settings = applied(NULL);
    assert_int_equal(settings.count.calls_min, 3);
}

static void test_unset_is_not_zero(void **state) {
    struct swgi_settings base = preset("api"), merged;

    (void)state;
    free_config(NULL);
    make_config(NULL);
    merged = applied(&base);
    assert_memory_equal(&merged, &base, sizeof(base));
    set("breaker.open.for", "2m");
    merged = applied(&base);
    assert_prints(&merged, "breaker.open.for", "2m");
    assert_prints(&base, "breaker.open.for", "1m");
    assert_prints(&merged, "preset", "api");
    assert_prints(&merged, "breaker.open.recovery", "manual");
    assert_prints(&merged, "breaker.trip.0.failures.weight", "10");
    set("breaker.open.cooldown", "0");
    set("shed.call_load_above", "0");
    merged = applied(&base);
    assert_int_equal(merged.cooldown_ns, 0);
    assert_int_equal(merged.call_load_above, 0);
}

static void test_what_follows_the_open_time_goes_on_following(void **state) {
    struct swgi_settings settings;

    (void)state;
    set("breaker.open.for", "1m");
    settings = applied(NULL);
    assert_prints(&settings, "breaker.open.max", "1m");
    assert_prints(&settings, "breaker.open.backoff_reset", "10m");
    set("breaker.open.for", "20s");
    settings = applied(&settings);
    assert_prints(&settings, "breaker.open.max", "20s");
    assert_prints(&settings, "breaker.open.backoff_reset", "200s");
    set("breaker.open.max", "40s");
    set("breaker.open.backoff_reset", "0");
    settings = applied(&settings);
    free_config(NULL);
    make_config(NULL);
    set("breaker.open.for", "30s");
    settings = applied(&settings);
    assert_prints(&settings, "breaker.open.max", "40s");
    assert_prints(&settings, "breaker.open.backoff_reset", "0");
}

static void test_a_preset_starts_anew_whatever_was_there(void **state) {
    struct swgi_settings base = preset("api"), fresh = preset("read"), merged;

    (void)state;
    merged = applied(&base);
    assert_memory_equal(&merged, &fresh, sizeof(fresh));
}

static void test_out_may_be_the_base(void **state) {
    struct swgi_settings settings = preset("read");

    (void)state;
    free_config(NULL);
    make_config(NULL);
    set("breaker.half_open.probes", "4");
    assert_int_equal(swgi_config_apply(config, &settings, &settings, NULL), 0);
    assert_prints(&settings, "breaker.half_open.probes", "4");
    assert_prints(&settings, "breaker.trip.0.consecutive", "3");
    assert_int_equal(swgi_config_apply(NULL, &settings, &settings, NULL), 0);
    assert_prints(&settings, "breaker.half_open.probes", "4");
}

static void set_if_printed(const struct swgi_settings *settings, const char *key) {
    char text[SWGI_KEY_VALUE_MAX];

    if (swgi_setting_print(settings, key, text, sizeof(text)) == 0)
        set(key, text);
}

/* Sets every key to what is printed of it. */
static void set_all(const struct swgi_settings *settings) {
    const char *key;
    uint32_t cursor = 0;

    while (swg_config_next_key(&cursor, &key, NULL, NULL) == 0) {
        char name[SWGI_KEY_NAME_MAX], *number;

        snprintf(name, sizeof(name), "%s", key);
        number = strstr(name, ".N.");
        for (char entry = '0'; number != NULL && entry <= '6'; entry++) {
            number[1] = entry;
            set_if_printed(settings, name);
        }
        if (number == NULL && strcmp(name, "preset") != 0)
            set_if_printed(settings, name);
    }
}

static void assert_round_trip(struct swgi_settings settings) {
    struct swgi_settings again;

    free_config(NULL);
    make_config(NULL);
    set_all(&settings);
    again = applied(NULL);
    settings.open_max_follows = settings.backoff_reset_follows = 0;
    settings.policies.bulkhead.max_queue_follows = settings.policies.limiter.burst_follows = 0;
    memset(settings.preset, 0, sizeof(settings.preset));
    assert_memory_equal(&again, &settings, sizeof(again));
}

static void test_every_preset_survives_the_round_trip(void **state) {
    char names[SWGI_KEY_RANGE_MAX], *rest = names;
    const char *name;
    unsigned count = 0;

    (void)state;
    snprintf(names, sizeof(names), "%s", swgi_preset_names);
    while ((name = strsep(&rest, "|")) != NULL) {
        assert_round_trip(preset(name));
        count++;
    }
    assert_int_equal(count, 14);
}

static void test_all_rules_survive_the_round_trip(void **state) {
    (void)state;
    test_a_full_list(NULL);
    assert_round_trip(applied(NULL));
    set("breaker.trip", "none");
    assert_round_trip(applied(NULL));
    free_config(NULL);
    make_config(NULL);
    set("breaker.trip.0.failure_rate.percent", "off");
    set("breaker.trip.0.failure_rate.calls", "77");
    assert_round_trip(applied(NULL));
}

static void test_printing_into_too_little_room(void **state) {
    struct swgi_settings settings = preset("read");
    char room[4];

    (void)state;
    assert_int_equal(swgi_setting_print(&settings, "breaker.open.max", room, 4), 0);
    assert_int_equal(swgi_setting_print(&settings, "breaker.open.max", room, 3), -ERANGE);
    assert_int_equal(swgi_setting_print(&settings, "breaker.compare", room, 4), -ERANGE);
    assert_int_equal(swgi_setting_print(&settings, "preset", room, 4), -ERANGE);
    assert_int_equal(swgi_setting_print(&settings, "breaker.open.max", room, 0), -EINVAL);
    assert_int_equal(swgi_setting_print(&settings, "breaker.open.maxx", room, 4), -ENOENT);
    assert_int_equal(swgi_setting_print(&settings, "breaker.trip.N.consecutive", room, 4), -ENOENT);
    assert_int_equal(swgi_setting_print(&settings, NULL, room, 4), -EINVAL);
}

static void assert_differs(const struct swgi_settings *present, const char *key, const char *text) {
    struct swg_error error = SWG_ERROR_INIT;

    assert_int_equal(swgi_config_differs(config, present, &error), key != NULL);
    assert_string_equal(error.key, key != NULL ? key : "");
    assert_string_equal(error.text, key != NULL ? text : "");
}

static void test_differences_are_named(void **state) {
    struct swgi_settings present = preset("read");

    (void)state;
    assert_differs(&present, NULL, NULL);
    set("breaker.open.for", "3000ms");
    assert_differs(&present, NULL, NULL);
    set("breaker.open.for", "4s");
    assert_differs(&present, "breaker.open.for", "is 3s, would be 4s");
    set("breaker.open.for", "3s");
    set("breaker.trip.0.consecutive", "3");
    assert_differs(&present, "breaker.trip.1.failure_rate.percent", "is off, would be not set");
    set("breaker.trip.0.consecutive", "4");
    assert_differs(&present, "breaker.trip.0.consecutive", "is 3, would be 4");
    set("breaker.open.multiplier", "1");
    assert_differs(&present, "breaker.open.multiplier", "is 2, would be 1");
    assert_int_equal(swgi_config_differs(NULL, &present, NULL), 0);
    assert_int_equal(swgi_config_differs(config, &present, NULL), 1);
}

static void test_a_difference_that_cannot_be(void **state) {
    struct swgi_settings present = preset("queue");
    struct swg_error error = SWG_ERROR_INIT;

    (void)state;
    set("breaker.open.multiplier", "2");
    assert_int_equal(swgi_config_differs(config, &present, &error), -EINVAL);
    assert_string_equal(error.key, "breaker.open.max");
}

/* write and default_db are two names for the same. */
static void test_the_name_alone_is_no_difference(void **state) {
    struct swgi_settings present = preset("write");

    (void)state;
    preset("default_db");
    assert_differs(&present, NULL, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_an_entry_replaces_the_inherited_list),
        STORY(test_none_empties_the_list),
        STORY(test_an_entry_is_of_one_kind),
        STORY(test_a_full_list),
        STORY(test_lists_that_do_not_fit_together),
        STORY(test_calls_min_of_a_short_count_window),
        STORY(test_unset_is_not_zero),
        STORY(test_what_follows_the_open_time_goes_on_following),
        STORY(test_a_preset_starts_anew_whatever_was_there),
        STORY(test_out_may_be_the_base),
        STORY(test_every_preset_survives_the_round_trip),
        STORY(test_all_rules_survive_the_round_trip),
        STORY(test_printing_into_too_little_room),
        STORY(test_differences_are_named),
        STORY(test_a_difference_that_cannot_be),
        STORY(test_the_name_alone_is_no_difference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
