/* What presets come to, against figures typed anew from the design and from what the peers document. */
#include "config_story.h"

static void assert_api(const struct swgi_settings *settings) {
    assert_int_equal(settings->score.kind, SWGI_SCORE_NONE);
    assert_int_equal(settings->time[0].kind, SWGI_TIME_FAILURES);
    assert_int_equal(settings->time[0].threshold, 20);
    assert_prints(settings, "breaker.trip.0.failures.weight", "10");
    assert_prints(settings, "breaker.trip.0.failures.window", "1m");
    assert_prints(settings, "breaker.trip.0.failures.calls_min", "1");
    assert_prints(settings, "breaker.weights.timeout", "0.5");
    assert_int_equal(settings->weights_set, 1);
    assert_prints(settings, "breaker.open.for", "1m");
    assert_prints(settings, "breaker.open.jitter", "0");
    assert_prints(settings, "breaker.open.cooldown", "1m");
    assert_prints(settings, "shed.system_load_above", "0.85");
    assert_prints(settings, "shed.call_load_above", "100");
}

/* The table of the design's configuration page, row by row. */
static const struct row {
    const char *preset, *consecutive, *open_for, *multiplier, *open_max, *successes, *window;
} rows[] = {
    { "default", "5", "30s", "1", "30s", "2", NULL },
    { "read", "3", "3s", "2", "15s", "2", "30s" },
    { "write", "5", "10s", "2", "1m", "3", "1m" },
    { "default_db", "5", "10s", "2", "1m", "3", "1m" },
    { "auth", "10", "5s", "2", "30s", "2", "30s" },
    { "queue", "3", "15s", "1", "15s", "2", NULL },
};

static void test_the_seeds_presets_carry_their_figures(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct swgi_settings settings = preset(rows[i].preset);

        assert_prints(&settings, "preset", rows[i].preset);
        assert_prints(&settings, "breaker.trip.0.consecutive", rows[i].consecutive);
        assert_prints(&settings, "breaker.open.for", rows[i].open_for);
        assert_prints(&settings, "breaker.open.multiplier", rows[i].multiplier);
        assert_prints(&settings, "breaker.open.max", rows[i].open_max);
        assert_prints(&settings, "breaker.success_threshold", rows[i].successes);
        assert_prints(&settings, "breaker.open.jitter", "0");
        assert_prints(&settings, "breaker.open.recovery", "automatic");
        assert_prints(&settings, "breaker.open.cooldown", "0");
        assert_prints(&settings, "breaker.weights.timeout", "1");
        assert_prints(&settings, "breaker.min_state_transition_interval", "1s");
        if (rows[i].window == NULL) {
            assert_no_such(&settings, "breaker.trip.1.failure_rate.window");
            continue;
        }
        assert_prints(&settings, "breaker.trip.1.failure_rate.window", rows[i].window);
        assert_prints(&settings, "breaker.trip.1.failure_rate.percent", "off");
        assert_true(settings.time[0].threshold == SWGI_THRESHOLD_OFF);
    }
}

static void test_the_api_presets(void **state) {
    struct swgi_settings settings = preset("api");

    (void)state;
    assert_api(&settings);
    assert_prints(&settings, "breaker.open.recovery", "manual");
    settings = preset("api-retry");
    assert_api(&settings);
    assert_prints(&settings, "breaker.open.recovery", "automatic");
    assert_prints(&settings, "breaker.success_threshold", "2");
}

static void test_the_alternator_preset(void **state) {
    struct swgi_settings settings = preset("alternator");

    (void)state;
    assert_prints(&settings, "breaker.compare", "above");
    assert_prints(&settings, "breaker.trip.0.failure_rate.percent", "50");
    assert_prints(&settings, "breaker.trip.0.failure_rate.window", "10s");
    assert_prints(&settings, "breaker.trip.0.failure_rate.calls_min", "10");
    assert_prints(&settings, "breaker.open.for", "30s");
    assert_prints(&settings, "breaker.open.jitter", "0");
    assert_prints(&settings, "breaker.probes", "1");
    assert_prints(&settings, "breaker.success_threshold", "1");
    assert_prints(&settings, "timeout.attempt", "10s");
    assert_prints(&settings, "bulkhead.max_concurrent", "20");
    assert_prints(&settings, "retry.inside", "yes");
    assert_int_equal(settings.policies.retry.attempts, 3);
}

/* What a circuit of them costs: no room for policies where the preset has none. */
static void test_presets_that_have_policies(void **state) {
    static const char *const with[] = { "alternator", "opossum", "hystrix" };
    char names[SWGI_KEY_RANGE_MAX], *rest = names;
    const char *name;

    (void)state;
    snprintf(names, sizeof(names), "%s", swgi_preset_names);
    while ((name = strsep(&rest, "|")) != NULL) {
        struct swgi_settings settings = preset(name);
        bool wanted = false;

        for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++)
            wanted |= strcmp(name, with[i]) == 0;
        assert_int_equal(swgi_policies_wanted(&settings.policies), wanted);
    }
}

static const struct peer {
    const char *preset, *compare, *ignored, *judge_on_success, *verdict, *on_close;
    const char *probes, *successes, *open_for;
} peers[] = {
    { "resilience4j", "at_or_above", "neutral", "yes", "rate", "cleared", "10", "10", "1m" },
    { "polly", "at_or_above", "success", "no", "any_failure", "cleared", "1", "1", "5s" },
    { "opossum", "above", "success", "no", "any_failure", "kept", "1", "1", "30s" },
    { "gobreaker", "above", "neutral", "no", "any_failure", "cleared", "1", "1", "1m" },
    { "hystrix", "at_or_above", "neutral", "yes", "any_failure", "cleared", "1", "1", "5s" },
};

static void test_the_peers_presets_set_every_axis(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
        struct swgi_settings settings = preset(peers[i].preset);

        assert_prints(&settings, "breaker.compare", peers[i].compare);
        assert_prints(&settings, "breaker.ignored", peers[i].ignored);
        assert_prints(&settings, "breaker.judge_on_success", peers[i].judge_on_success);
        assert_prints(&settings, "breaker.half_open.permits", "total");
        assert_prints(&settings, "breaker.half_open.verdict", peers[i].verdict);
        assert_prints(&settings, "breaker.window_on_close", peers[i].on_close);
        assert_prints(&settings, "breaker.half_open.probes", peers[i].probes);
        assert_prints(&settings, "breaker.half_open.success_threshold", peers[i].successes);
        assert_prints(&settings, "breaker.open.for", peers[i].open_for);
        assert_prints(&settings, "breaker.open.max", peers[i].open_for);
        assert_prints(&settings, "breaker.open.from", "trip");
        assert_prints(&settings, "breaker.open.jitter", "0");
        assert_prints(&settings, "breaker.min_state_transition_interval", "0");
    }
}

static void test_the_peers_presets_trip_as_documented(void **state) {
    struct swgi_settings settings = preset("resilience4j");

    (void)state;
    assert_int_equal(settings.count.calls, 100);
    assert_int_equal(settings.count.calls_min, 100);
    assert_int_equal(settings.count.failure_ppm, 500000);
    assert_int_equal(settings.count.slow_ppm, 1000000);
    assert_prints(&settings, "breaker.slow_call_duration", "1m");
    settings = preset("polly");
    assert_prints(&settings, "breaker.trip.0.failure_rate.percent", "10");
    assert_prints(&settings, "breaker.trip.0.failure_rate.window", "30s");
    assert_prints(&settings, "breaker.trip.0.failure_rate.calls_min", "100");
    settings = preset("opossum");
    assert_prints(&settings, "breaker.trip.0.failure_rate.percent", "50");
    assert_prints(&settings, "breaker.trip.0.failure_rate.window", "10s");
    assert_prints(&settings, "breaker.trip.0.failure_rate.calls_min", "1");
    settings = preset("gobreaker");
    assert_prints(&settings, "breaker.trip.0.consecutive", "5");
    assert_int_equal(settings.score.limit, 11);
    settings = preset("hystrix");
    assert_prints(&settings, "breaker.trip.0.failure_rate.percent", "50");
    assert_prints(&settings, "breaker.trip.0.failure_rate.window", "10s");
    assert_prints(&settings, "breaker.trip.0.failure_rate.calls_min", "20");
    assert_prints(&settings, "timeout.attempt", "1s");
    assert_prints(&settings, "bulkhead.max_concurrent", "10");
    assert_prints(&settings, "bulkhead.counts_as_failure", "yes");
    assert_prints(&settings, "bulkhead.when_busy", "reject");
    settings = preset("opossum");
    assert_prints(&settings, "timeout.attempt", "10s");
    assert_prints(&settings, "bulkhead.max_concurrent", "off");
}

static void test_a_preset_that_is_none(void **state) {
    struct swg_error error = SWG_ERROR_INIT;

    (void)state;
    assert_int_equal(swg_config_preset(config, "reda", &error), -EINVAL);
    assert_string_equal(error.key, "preset");
    assert_non_null(strstr(error.text, "did you mean read?"));
    assert_non_null(strstr(error.text, "allowed: default|read|write|default_db|auth|queue|api|"));
    assert_non_null(strstr(error.text, "|hystrix"));
    assert_refused("preset", "nothing-like-it", "is no preset; allowed: default|");
    assert_refused("preset", "", "is no preset");
}

static void test_a_preset_forgets_keys_but_its_key_does_not(void **state) {
    struct swgi_settings settings;

    (void)state;
    set("breaker.open.for", "4s");
    set("preset", "queue");
    settings = applied(NULL);
    assert_prints(&settings, "breaker.open.for", "4s");
    assert_prints(&settings, "breaker.trip.0.consecutive", "3");
    settings = preset("queue");
    assert_prints(&settings, "breaker.open.for", "15s");
}

static void test_no_configuration_is_preset_default(void **state) {
    struct swgi_settings none, named = preset("default"), empty;

    (void)state;
    assert_int_equal(swgi_config_apply(NULL, NULL, &none, NULL), 0);
    assert_memory_equal(&none, &named, sizeof(none));
    assert_prints(&none, "breaker.open.jitter", "0");
    free_config(NULL);
    make_config(NULL);
    empty = applied(NULL);
    assert_prints(&empty, "breaker.open.jitter", "0.1");
    assert_no_such(&empty, "preset");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_the_seeds_presets_carry_their_figures),
        STORY(test_the_api_presets),
        STORY(test_the_alternator_preset),
        STORY(test_presets_that_have_policies),
        STORY(test_the_peers_presets_set_every_axis),
        STORY(test_the_peers_presets_trip_as_documented),
        STORY(test_a_preset_that_is_none),
        STORY(test_a_preset_forgets_keys_but_its_key_does_not),
        STORY(test_no_configuration_is_preset_default),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
