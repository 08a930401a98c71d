/* Keys as text: what each takes, what it refuses, and what it says then. */
#include "config_story.h"

/* Every key's edges, typed anew from the design: the two ends, and the next value beyond each. NULL: no such value. */
static const struct edges {
    const char *key, *below, *least, *most, *above;
} edges[] = {
    { "breaker.min_state_transition_interval", "-1s", "0", "1d", "86400000000001ns" },
    { "breaker.slow_call_duration", "999ns", "1us", "1d", "86400000000001ns" },
    { "breaker.open.for", "999999ns", "1ms", "30d", "2592000000000001ns" },
    { "breaker.open.multiplier", "0.99", "1", "100", "100.01" },
    { "breaker.open.max", "999999ns", "1ms", "30d", "2592000000000001ns" },
    { "breaker.open.jitter", "-0.1", "0", "1", "1.01" },
    { "breaker.open.backoff_reset", "-1s", "0", "365d", "31536000000000001ns" },
    { "breaker.open.retry_after_max", "-1s", "0", "30d", "2592000000000001ns" },
    { "breaker.open.cooldown", "-1s", "0", "30d", "2592000000000001ns" },
    { "breaker.half_open.probes", "0", "1", "16", "17" },
    { "breaker.half_open.success_threshold", "0", "1", "255", "256" },
    { "breaker.half_open.max", "999999ns", "1ms", "1d", "86400000000001ns" },
    { "breaker.half_open.ramp_step", "999999ns", "1ms", "1d", "86400000000001ns" },
    { "shed.system_load_above", "0.009", "0.01", "100", "100.01" },
    { "shed.call_load_above", "-1", "0", "4294967294", "4294967295" },
    { "bulkhead.max_concurrent", "0", "1", "4096", "4097" },
    { "bulkhead.max_queue", "0", "1", "16384", "16385" },
    { "bulkhead.max_wait", "999999ns", "1ms", "1h", "3600000000001ns" },
    { "bulkhead.reserve.permits", "-1", "0", "4095", "4096" },
    { "bulkhead.reserve.priority_at_most", "-33", "-32", "31", "32" },
    { "bulkhead.ageing", "-1s", "0", "1h", "3600000000001ns" },
    { "limiter.rate", "0", "1", "1000000", "1000001" },
    { "limiter.per", "999999ns", "1ms", "1d", "86400000000001ns" },
    { "limiter.burst", "0", "1", "1000000", "1000001" },
    { "limiter.max_wait", "999999ns", "1ms", "1h", "3600000000001ns" },
    { "limiter.rate_min", "0", "1", "1000000", "1000001" },
    { "limiter.increase", "0.0009", "0.001", "1", "1.01" },
    { "limiter.decrease", "0.09", "0.1", "0.99", "1" },
    { "limiter.system_load_above", "0.009", "0.01", "100", "100.01" },
    { "adaptive.min", "-1", "0", "4096", "4097" },
    { "adaptive.max", "-1", "0", "4096", "4097" },
    { "adaptive.initial", "-1", "0", "4096", "4097" },
    { "adaptive.window", "9999999ns", "10ms", "10m", "600000000001ns" },
    { "adaptive.timeout", "-1s", "0", "1h", "3600000000001ns" },
    { "adaptive.backoff", "-0.1", "0", "0.99", "1" },
    { "adaptive.smoothing", "-0.1", "0", "1", "1.01" },
    { "adaptive.tolerance", "-0.1", "0", "10", "10.01" },
    { "adaptive.queue", "-1", "0", "1000", "1001" },
    { "retry.attempts", "0", "1", "63", "64" },
    { "retry.delay", "999ns", "1us", "1h", "3600000000001ns" },
    { "retry.max_delay", "999ns", "1us", "1d", "86400000000001ns" },
    { "retry.multiplier", "0.99", "1", "100", "100.01" },
    { "retry.retry_after_max", "-1s", "0", "1d", "86400000000001ns" },
    { "retry.budget.percent", "-1", "0", "100", "100.0001" },
    { "retry.budget.per_second", "-1", "0", "100000", "100001" },
    { "retry.budget.max", "0", "1", "100000", "100001" },
    { "timeout.attempt", "999ns", "1us", "1d", "86400000000001ns" },
    { "timeout.total", "999ns", "1us", "1d", "86400000000001ns" },
    { "timeout.auto", "0", "0.0001", "10", "10.0001" },
    { "timeout.auto_min", "999ns", "1us", "1d", "86400000000001ns" },
    { "timeout.auto_max", "999ns", "1us", "1d", "86400000000001ns" },
    { "cache.bytes", "65535", "65536", "68719476736", "68719476737" },
    { "cache.fresh_for", "999999ns", "1ms", "30d", "2592000000000001ns" },
    { "cache.stale_for", "999999ns", "1ms", "30d", "2592000000000001ns" },
    { "features.hold", "999999ns", "1ms", "1d", "86400000000001ns" },
    { "breaker.trip.0.consecutive", "0", "1", "1000000", "1000001" },
    { "breaker.trip.1.change.healthy", "0.0000009", "0.000001", "0.9", "0.91" },
    { "breaker.trip.1.change.unhealthy", "0.000009", "0.00001", "0.99", "0.991" },
    { "breaker.trip.1.change.false_trip_once_in", "99", "100", "1000000000000", "1000000000001" },
    { "breaker.trip.2.failures.weight", "0", "0.5", "1000000", "1000000.5" },
    { "breaker.trip.2.failures.window", "9999999ns", "10ms", "1d", "86400000000001ns" },
    { "breaker.trip.2.failures.calls_min", "0", "1", "1000000000", "1000000001" },
    { "breaker.trip.3.failure_rate.percent", "0", "0.0001", "100", "100.0001" },
    { "breaker.trip.3.failure_rate.window", "9999999ns", "10ms", "1d", "86400000000001ns" },
    { "breaker.trip.3.failure_rate.calls", "0", "1", "1023", "1024" },
    { "breaker.trip.3.failure_rate.calls_min", "0", "1", "1000000000", "1000000001" },
    { "breaker.trip.6.slow_rate.percent", "0", "0.0001", "100", "100.0001" },
    { "breaker.trip.6.slow_rate.window", "9999999ns", "10ms", "1d", "86400000000001ns" },
    { "breaker.trip.6.slow_rate.calls", "0", "1", "1023", "1024" },
    { "breaker.trip.6.slow_rate.calls_min", "0", "1", "1000000000", "1000000001" },
};

static void test_every_number_has_its_edges(void **state) {
    static const char *const junk[] = { "",    " ",    "x",   "1 ", "nan",
                                        "inf", "0x10", "1e3", "-0", "none" };

    (void)state;
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        set(edges[i].key, edges[i].least);
        set(edges[i].key, edges[i].most);
        assert_refused(edges[i].key, edges[i].below, "allowed: ");
        assert_refused(edges[i].key, edges[i].above, "allowed: ");
        for (size_t k = 0; k < sizeof(junk) / sizeof(junk[0]); k++)
            assert_refused(edges[i].key, junk[k], "allowed: ");
    }
}

static const struct words {
    const char *key, *words[7];
} words[] = {
    { "breaker.compare", { "at_or_above", "above" } },
    { "breaker.ignored", { "neutral", "success" } },
    { "breaker.judge_on_success", { "yes", "no" } },
    { "breaker.window_on_close", { "cleared", "kept" } },
    { "breaker.weights.timeout", { "0", "0.5", "1" } },
    { "breaker.histogram", { "yes", "no" } },
    { "breaker.open.recovery", { "automatic", "manual" } },
    { "breaker.open.from", { "trip", "last_failure" } },
    { "breaker.half_open.permits", { "concurrent", "total" } },
    { "breaker.half_open.verdict", { "any_failure", "rate" } },
    { "bulkhead.when_busy", { "reject", "wait" } },
    { "bulkhead.when_queue_full", { "reject", "wait", "error" } },
    { "bulkhead.track", { "no", "yes" } },
    { "bulkhead.dynamic_priority", { "no", "yes" } },
    { "bulkhead.counts_as_failure", { "no", "yes" } },
    { "limiter.algorithm",
      { "token_bucket", "leaky_bucket", "fixed_window", "sliding_window", "sliding_log" } },
    { "limiter.when_limited", { "reject", "wait" } },
    { "limiter.adaptive", { "no", "yes" } },
    { "limiter.resource_aware", { "no", "yes" } },
    { "adaptive.algorithm", { "off", "aimd", "vegas", "gradient2", "switchgear" } },
    { "retry.backoff",
      { "constant", "linear", "exponential", "fibonacci", "decorrelated_jitter", "adaptive" } },
    { "retry.jitter", { "none", "full", "equal" } },
    { "retry.on", { "failure_or_timeout", "failure", "timeout" } },
    { "retry.inside", { "no", "yes" } },
    { "cache.bypass", { "no", "yes" } },
};

static void test_every_word_is_taken_and_no_other(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        for (unsigned k = 0; words[i].words[k] != NULL; k++) {
            set(words[i].key, words[i].words[k]);
            assert_refused(words[i].key, "", words[i].words[k]);
        }
        assert_refused(words[i].key, "neither", "allowed: ");
        assert_refused(words[i].key, "|", "allowed: ");
        assert_refused(words[i].key, words[i].words[0][1] == '\0' ? "00" : "YES", "allowed: ");
    }
}

/* No key is without a test above or its own below. */
static void test_every_key_is_tried(void **state) {
    static const char *const apart[] = {
        "preset",         "breaker.trip",         "breaker.half_open.ramp", "bulkhead.partitions",
        "fallback.chain", "fallback.alternative", "fallback.static",        "features.list"
    };
    const char *key, *range, *what;
    uint32_t cursor = 0, count = 0;

    (void)state;
    for (; swg_config_next_key(&cursor, &key, &range, &what) == 0; count++) {
        bool tried = false;

        for (size_t i = 0; i < sizeof(apart) / sizeof(apart[0]); i++)
            tried |= strcmp(key, apart[i]) == 0;
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
            tried |= strcmp(key, words[i].key) == 0;
        for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
            char general[SWGI_KEY_NAME_MAX];

            snprintf(general, sizeof(general), "%s", edges[i].key);
            if (strncmp(general, "breaker.trip.", 13) == 0)
                general[13] = 'N';
            tried |= strcmp(key, general) == 0;
        }
        if (!tried)
            fail_msg("%s is not tried", key);
        assert_true(strlen(range) > 0 && strlen(what) > 10);
    }
    assert_int_equal(count, swgi_keys_count + swgi_rule_keys_count);
    assert_int_equal(count, sizeof(apart) / sizeof(apart[0]) + sizeof(words) / sizeof(words[0]) +
                                sizeof(edges) / sizeof(edges[0]));
}

static void test_ranges_are_told_in_words(void **state) {
    static const char *const told[][2] = {
        { "breaker.open.for", "1ms..30d" },
        { "breaker.slow_call_duration", "1us..1d or off" },
        { "breaker.open.jitter", "0..1" },
        { "breaker.half_open.probes", "1..16" },
        { "breaker.ignored", "neutral|success" },
        { "breaker.trip", "none" },
        { "breaker.half_open.ramp", "at most 16 of 1..99, or off" },
        { "breaker.trip.N.failure_rate.percent", "0.0001..100 or off" },
        { "breaker.trip.N.failures.weight", "0.5..1000000" },
        { "breaker.trip.N.change.healthy", "0.000001..0.9" },
        { "bulkhead.max_concurrent", "1..4096 or off" },
        { "bulkhead.max_queue", "1..16384" },
        { "bulkhead.reserve.priority_at_most", "-32..31" },
        { "bulkhead.partitions",
          "none, or at most 4 of -32..31:1..100, priorities ascending, shares descending" },
        { "timeout.auto", "0.0001..10 or off" },
        { "cache.bytes", "65536..68719476736 or off" },
        { "fallback.chain", "none, or each once of cache|alternative|static|queue|function" },
        { "fallback.alternative", "empty, or 1..127 of A-Z a-z 0-9 . _ : @ / -" },
        { "fallback.static", "at most 127 bytes of text" },
        { "features.list", "none, or at most 16 of name:importance, each name once" },
    };
    const char *key, *range;
    unsigned found = 0;
    uint32_t cursor = 0;

    (void)state;
    while (swg_config_next_key(&cursor, &key, &range, NULL) == 0) {
        for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
            if (strcmp(key, told[i][0]) != 0)
                continue;
            assert_string_equal(range, told[i][1]);
            found++;
        }
    }
    assert_int_equal(found, sizeof(told) / sizeof(told[0]));
    assert_int_equal(swg_config_next_key(&cursor, NULL, NULL, NULL), -ENOENT);
    assert_int_equal(swg_config_next_key(NULL, NULL, NULL, NULL), -EINVAL);
}

static void test_off_is_a_word_of_some_keys(void **state) {
    static const char *const switches[] = {
        "bulkhead.max_concurrent", "limiter.rate", "cache.bytes",          "timeout.attempt",
        "timeout.total",           "timeout.auto", "retry.budget.percent", "adaptive.algorithm"
    };
    struct swgi_settings settings;

    (void)state;
    set("breaker.slow_call_duration", "off");
    set("shed.call_load_above", "off");
    set("breaker.ramp", "off");
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
        set(switches[i], "off");
    set("retry.attempts", "2"); /* it has a budget */
    settings = applied(NULL);
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
        assert_prints(&settings, switches[i], "off");
    assert_int_equal(settings.policies.bulkhead.max_concurrent, 0);
    assert_int_equal(settings.policies.limiter.rate, 0);
    assert_int_equal(settings.policies.cache.bytes_max, 0);
    assert_true(settings.policies.timeout.attempt_ns == SWGI_OFF);
    assert_true(settings.policies.timeout.total_ns == SWGI_OFF);
    assert_int_equal(settings.policies.timeout.auto_ppm, UINT32_MAX);
    assert_int_equal(settings.policies.retry.budget_ppm, UINT32_MAX);
    assert_int_equal(settings.policies.adaptive.algorithm, SWGI_ADAPTIVE_OFF);
    assert_true(settings.slow_ns == SWGI_OFF);
    assert_int_equal(settings.call_load_above, UINT32_MAX);
    assert_refused("breaker.open.for", "off", "allowed: 1ms..30d");
    assert_refused("breaker.half_open.max", "off", "allowed");
    assert_refused("breaker.open.cooldown", "off", "allowed");
    /* A queue has a bound, and a wait an end. */
    assert_refused("bulkhead.max_queue", "off", "allowed: 1..16384");
    assert_refused("bulkhead.max_wait", "off", "allowed: 1ms..1h");
    assert_refused("limiter.max_wait", "off", "allowed: 1ms..1h");
    assert_refused("retry.attempts", "off", "allowed: 1..63");
}

static void test_ramps(void **state) {
    static const char *const good[] = { "5, 25, 50", "[5, 25, 50]", "5,25,50", "[ 5 , 25,50 ]" };
    static const char *const bad[] = { "",
                                       "[]",
                                       "5,",
                                       ",5",
                                       "5 25",
                                       "[5, 25",
                                       "5, 25]",
                                       "25, 5",
                                       "5, 5",
                                       "0, 5",
                                       "5, 100",
                                       "5.5",
                                       "5;25",
                                       "[5]x",
                                       "5, x",
                                       "-5",
                                       "[[5]]",
                                       "5%",
                                       "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
                                       "99999999999999999999" };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct swgi_settings settings;

        set("breaker.half_open.ramp", good[i]);
        settings = applied(NULL);
        assert_int_equal(settings.ramp_steps, 3);
        assert_memory_equal(settings.ramp_percent, ((uint8_t[]){ 5, 25, 50, 0 }), 4);
        assert_prints(&settings, "breaker.half_open.ramp", "5, 25, 50");
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_refused("breaker.half_open.ramp", bad[i], "allowed: at most 16 of 1..99, or off");
    set("breaker.ramp", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16");
    assert_int_equal(applied(NULL).ramp_steps, 16);
    /* Which of the two it is: the numbers, or their order. */
    assert_refused("breaker.half_open.ramp", "50, 5", "\"50, 5\" is not an ascending list");
    assert_refused("breaker.half_open.ramp", "5, 5", "\"5, 5\" is not an ascending list");
    assert_refused("breaker.half_open.ramp", "5, 100", "5, 100 is out of range");
    assert_refused("breaker.half_open.ramp", "0, 5", "0, 5 is out of range");
}

static void test_aliases_are_the_same_keys(void **state) {
    static const char *const pairs[][3] = {
        { "breaker.probes", "breaker.half_open.probes", "7" },
        { "breaker.success_threshold", "breaker.half_open.success_threshold", "9" },
        { "breaker.half_open_max", "breaker.half_open.max", "90s" },
        { "breaker.ramp", "breaker.half_open.ramp", "10, 20" },
        { "breaker.ramp_step", "breaker.half_open.ramp_step", "15s" },
        { "breaker.cooldown", "breaker.open.cooldown", "5s" },
        { "breaker.recovery", "breaker.open.recovery", "manual" },
        { "breaker.preset", "preset", "queue" },
        { "timeout", "timeout.attempt", "2s" },
        { "fallback", "fallback.chain", "queue, function" },
        { "cache_bypass", "cache.bypass", "no" },
    };

    (void)state;
    set("cache.bytes", "65536");
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct swgi_settings settings;

        set(pairs[i][0], pairs[i][2]);
        settings = applied(NULL);
        assert_prints(&settings, pairs[i][0], pairs[i][2]);
        assert_prints(&settings, pairs[i][1], pairs[i][2]);
    }
}

static void test_unknown_keys_are_told_what_was_meant(void **state) {
    (void)state;
    assert_refused("breaker.open.fro", "30s", "did you mean breaker.open.for?");
    assert_refused("breaker.probe", "3", "did you mean breaker.probes?");
    assert_refused("preste", "read", "did you mean preset?");
    assert_refused("breaker.trip.2.consecutve", "3", "did you mean breaker.trip.2.consecutive?");
    assert_refused("breaker.trip.0.failure_rate.percnet", "3",
                   "did you mean breaker.trip.0.failure_rate.percent?");
    assert_refused("retry.atempts", "3", "did you mean retry.attempts?");
    assert_refused("bulkhead.max_concurent", "20", "did you mean bulkhead.max_concurrent?");
    assert_refused("outbox.path", "3", "unknown key");
    assert_refused("", "3", "unknown key; allowed: ");
    assert_refused("breaker.trip.", "3", "allowed: ");
    assert_refused("breaker.trip.0", "3", "allowed: ");
    assert_refused("breaker.trip.0.", "3", "unknown key");
    assert_refused("breaker.Open.for", "30s", "unknown key");
    assert_refused("breaker.open.for ", "30s", "unknown key");
}

static void test_entries_are_counted(void **state) {
    (void)state;
    assert_refused("breaker.trip.7.consecutive", "3", "allowed: 0..6");
    assert_refused("breaker.trip.-1.consecutive", "3", "allowed: 0..6");
    assert_refused("breaker.trip.N.consecutive", "3", "allowed: 0..6");
    assert_refused("breaker.trip..consecutive", "3", "allowed: 0..6");
    assert_refused("breaker.trip.99999999999999999999.consecutive", "3", "allowed: 0..6");
}

static void test_hostile_text_does_not_reach_the_terminal(void **state) {
    struct swg_error error = SWG_ERROR_INIT;
    char longest[5000];

    (void)state;
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_refused(longest, longest, "unknown key");
    assert_refused("breaker.open.for", longest, "allowed: 1ms..30d");
    assert_refused("preset", longest, "allowed: default|read");
    assert_int_equal(swg_config_set(config, "\033[2J", "\a", &error), -EINVAL);
    assert_null(strchr(error.key, '\033'));
    assert_int_equal(swg_config_set(config, "breaker.open.for", "\033]0;\a", &error), -EINVAL);
    assert_null(strchr(error.text, '\033'));
    assert_null(strchr(error.text, '\a'));
}

static void test_nothing_given(void **state) {
    struct swg_error error = SWG_ERROR_INIT;

    (void)state;
    assert_int_equal(swg_config_new(NULL), -EINVAL);
    assert_int_equal(swg_config_set(NULL, "preset", "read", &error), -EINVAL);
    assert_int_equal(swg_config_set(config, NULL, "read", &error), -EINVAL);
    assert_int_equal(swg_config_set(config, "preset", NULL, &error), -EINVAL);
    assert_int_equal(swg_config_preset(config, NULL, &error), -EINVAL);
    assert_int_equal(swg_config_preset(NULL, "read", &error), -EINVAL);
    assert_int_equal(swg_config_set(config, "breaker.open.for", "x", NULL), -EINVAL);
    assert_null(swg_config_unref(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_every_number_has_its_edges),
        STORY(test_every_word_is_taken_and_no_other),
        STORY(test_every_key_is_tried),
        STORY(test_ranges_are_told_in_words),
        STORY(test_off_is_a_word_of_some_keys),
        STORY(test_ramps),
        STORY(test_aliases_are_the_same_keys),
        STORY(test_unknown_keys_are_told_what_was_meant),
        STORY(test_entries_are_counted),
        STORY(test_hostile_text_does_not_reach_the_terminal),
        STORY(test_nothing_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
