/* What policies must not be configured to do, told by key and range; and what follows what. */
#include "config_story.h"

/* "key=value" of a NULL-terminated list. */
static void set_rows(const char *const *rows) {
    for (; *rows != NULL; rows++) {
        char key[SWGI_KEY_NAME_MAX];

        snprintf(key, sizeof(key), "%.*s", (int)strcspn(*rows, "="), *rows);
        set(key, strchr(*rows, '=') + 1);
    }
}

static void begin_anew(void) {
    free_config(NULL);
    make_config(NULL);
}

/* ---- one value that no policy has */

static const struct value {
    const char *key, *value, *part;
} values[] = {
    { "bulkhead.max_concurrent", "0", "0 is out of range; allowed: 1..4096 or off" },
    { "bulkhead.max_concurrent", "-1", "allowed: 1..4096 or off" },
    { "bulkhead.max_concurrent", "4097", "allowed: 1..4096 or off" },
    { "bulkhead.max_concurrent", "20.5", "is not a whole number or off; allowed: 1..4096" },
    { "bulkhead.max_queue", "0", "0 is out of range; allowed: 1..16384" },
    { "bulkhead.max_queue", "16385", "16385 is out of range; allowed: 1..16384" },
    { "bulkhead.max_queue", "-1", "allowed: 1..16384" },
    { "bulkhead.max_queue", "unbounded", "is not a whole number; allowed: 1..16384" },
    { "bulkhead.max_queue", "18446744073709551616", "allowed: 1..16384" },
    { "bulkhead.max_wait", "0", "allowed: 1ms..1h" },
    { "bulkhead.when_busy", "queue", "allowed: reject|wait" },
    { "bulkhead.when_queue_full", "drop", "allowed: reject|wait|error" },
    { "bulkhead.partitions", "10:80, -1:100", "priorities ascending" },
    { "bulkhead.partitions", "-1:50, 10:80", "shares descending" },
    { "bulkhead.partitions", "-1:0", "-32..31:1..100" },
    { "limiter.rate", "0", "0 is out of range; allowed: 1..1000000 or off" },
    { "limiter.rate", "-5", "allowed: 1..1000000 or off" },
    { "limiter.per", "0", "allowed: 1ms..1d" },
    { "limiter.burst", "0", "allowed: 1..1000000" },
    { "limiter.max_wait", "0", "allowed: 1ms..1h" },
    { "limiter.algorithm", "gcra", "allowed: token_bucket|leaky_bucket|fixed_window" },
    { "retry.attempts", "0", "allowed: 1..63" },
    { "retry.attempts", "-3", "allowed: 1..63" },
    { "retry.delay", "-1ms", "allowed: 1us..1h" },
    { "retry.budget.percent", "101", "allowed: 0..100 or off" },
    { "timeout.attempt", "0", "allowed: 1us..1d or off" },
    { "timeout.attempt", "-1s", "allowed: 1us..1d or off" },
    { "timeout.auto", "100", "allowed: 0.0001..10 or off" },
    { "cache.bytes", "0", "allowed: 65536..68719476736 or off" },
    { "cache.bytes", "65535", "65535 is out of range; allowed: 65536..68719476736 or off" },
    { "cache.bytes", "-1", "allowed: 65536.." },
    { "cache.fresh_for", "0", "allowed: 1ms..30d" },
    { "fallback.chain", "static, static", "each once of cache|alternative|static|queue|function" },
    { "fallback.chain", "static, outbox", "each once of cache|alternative|static|queue|function" },
    { "features.list", "search:50, search:40", "each name once" },
    { "features.hold", "0", "allowed: 1ms..1d" },
};

static void test_bad_values_are_refused_by_range(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct swg_error error = SWG_ERROR_INIT;

        assert_refused(values[i].key, values[i].value, values[i].part);
        assert_int_equal(swg_config_set(config, values[i].key, values[i].value, &error), -EINVAL);
        assert_string_equal(error.key, values[i].key);
    }
}

/* ---- values that contradict each other */

static const struct contradiction {
    const char *rows[6], *key, *part;
} contradictions[] = {
    { { "bulkhead.max_concurrent=4", "bulkhead.reserve.permits=4" },
      "bulkhead.reserve.permits",
      "4 of 4 permits leaves none for other calls; allowed: 0..3" },
    { { "bulkhead.max_concurrent=4", "bulkhead.reserve.permits=4095" },
      "bulkhead.reserve.permits",
      "allowed: 0..3" },
    { { "bulkhead.reserve.permits=1" }, "bulkhead.reserve.permits", "allowed: 0..0" },
    { { "adaptive.algorithm=vegas", "adaptive.max=8", "bulkhead.reserve.permits=8" },
      "bulkhead.reserve.permits",
      "8 of 8 permits leaves none for other calls; allowed: 0..7" },
    { { "bulkhead.when_busy=wait" },
      "bulkhead.when_busy",
      "wait, but there is nothing to wait for; set bulkhead.max_concurrent or adaptive.algorithm" },
    { { "bulkhead.when_busy=wait", "bulkhead.track=yes" },
      "bulkhead.when_busy",
      "nothing to wait for" },
    { { "adaptive.algorithm=aimd", "adaptive.max=21", "bulkhead.max_concurrent=20" },
      "adaptive.max",
      "21 is more than bulkhead.max_concurrent; allowed: 1..20" },
    { { "adaptive.algorithm=aimd", "adaptive.min=21", "bulkhead.max_concurrent=20" },
      "adaptive.min",
      "21 is more than the limit may become; allowed: 1..20" },
    { { "adaptive.algorithm=aimd", "adaptive.min=30", "adaptive.max=20" },
      "adaptive.min",
      "allowed: 1..20" },
    { { "adaptive.algorithm=aimd", "adaptive.initial=5", "adaptive.min=6" },
      "adaptive.initial",
      "5 lies outside adaptive.min and adaptive.max; allowed: 6..200" },
    { { "adaptive.algorithm=gradient2", "adaptive.initial=201" },
      "adaptive.initial",
      "allowed: 1..200" },
    { { "adaptive.algorithm=aimd", "adaptive.backoff=0.4" },
      "adaptive.backoff",
      "0.4; allowed: 0.5..0.99, or 0 for the algorithm's own" },
    { { "adaptive.algorithm=aimd", "adaptive.timeout=1us" },
      "adaptive.timeout",
      "1us; allowed: 1ms..1h, or 0 for the algorithm's own" },
    { { "adaptive.algorithm=gradient2", "adaptive.tolerance=0.5" },
      "adaptive.tolerance",
      "0.5; allowed: 1..10, or 0" },
    { { "adaptive.algorithm=gradient2", "adaptive.smoothing=0.001" },
      "adaptive.smoothing",
      "allowed: 0.01..1, or 0" },
    { { "limiter.rate=10", "limiter.algorithm=leaky_bucket", "limiter.burst=5" },
      "limiter.burst",
      "5 goes with limiter.algorithm token_bucket alone, not with leaky_bucket" },
    { { "limiter.rate=10", "limiter.algorithm=sliding_log", "limiter.burst=2" },
      "limiter.burst",
      "not with sliding_log" },
    { { "limiter.rate=4097", "limiter.algorithm=sliding_log" },
      "limiter.rate",
      "4097 in 1s is more than a sliding_log can count; allowed: 1..4096" },
    { { "limiter.rate=1000000", "limiter.per=1ms" }, "limiter.rate", "allowed: 1.." },
    { { "limiter.rate=1", "limiter.per=1d", "limiter.burst=31" },
      "limiter.burst",
      "31; allowed at that rate: 1..30" },
    { { "limiter.rate=10", "limiter.rate_min=11" },
      "limiter.rate_min",
      "11 is more than limiter.rate; allowed: 1..10" },
    { { "retry.delay=2s", "retry.max_delay=1s" },
      "retry.max_delay",
      "1s is shorter than retry.delay; allowed: 2s or longer" },
    { { "retry.attempts=3", "retry.budget.percent=0", "retry.budget.per_second=0" },
      "retry.budget.percent",
      "allows no retry ever" },
    { { "timeout.attempt=2s", "timeout.total=1s" },
      "timeout.attempt",
      "2s is longer than timeout.total; allowed: 1s or shorter" },
    { { "timeout.auto=0.1", "timeout.auto_min=2s", "timeout.auto_max=1s" },
      "timeout.auto_min",
      "2s is longer than timeout.auto_max; allowed: 1s or shorter" },
    { { "timeout.auto_min=2s", "timeout.auto_max=1s" }, /* also while it is off */
      "timeout.auto_min",
      "2s is longer than timeout.auto_max; allowed: 1s or shorter" },
    { { "timeout.auto=0.1", "timeout.auto_min=2s", "timeout.total=1s" },
      "timeout.auto_min",
      "2s is longer than timeout.total; allowed: 1s or shorter" },
    { { "fallback.chain=static, alternative" },
      "fallback.alternative",
      "not set; fallback.chain alternative needs the name of a circuit" },
    { { "fallback.chain=static" },
      "fallback.static",
      "not set; fallback.chain static needs an answer; allowed: 1..127 bytes" },
    /* What is set for something that is off. */
    { { "fallback.chain=cache" },
      "fallback.chain",
      "\"cache\" would do nothing; it needs cache.bytes" },
    { { "fallback.chain=cache", "cache.bytes=off" }, "fallback.chain", "it needs cache.bytes" },
    { { "fallback.static=sorry" }, "fallback.static", "it needs fallback.chain with static" },
    { { "fallback.alternative=b" }, "fallback.alternative", "fallback.chain with alternative" },
    { { "timeout.auto=0.1", "breaker.histogram=no" },
      "timeout.auto",
      "\"0.1\" would do nothing; it needs breaker.histogram yes" },
    { { "timeout.auto_min=2s" },
      "timeout.auto_min",
      "\"2s\" would do nothing; it needs timeout.auto" },
    { { "bulkhead.partitions=-1:100, 31:50" },
      "bulkhead.partitions",
      "it needs bulkhead.max_concurrent or adaptive.algorithm" },
    { { "bulkhead.track=yes", "bulkhead.dynamic_priority=yes" },
      "bulkhead.dynamic_priority",
      "it needs bulkhead.max_concurrent or adaptive.algorithm" },
    { { "bulkhead.counts_as_failure=yes" }, "bulkhead.counts_as_failure", "it needs" },
    { { "bulkhead.max_concurrent=4", "bulkhead.max_queue=9" },
      "bulkhead.max_queue",
      "\"9\" would do nothing; it needs bulkhead.when_busy wait" },
    { { "bulkhead.max_concurrent=4", "bulkhead.max_queue=9", "bulkhead.when_busy=reject" },
      "bulkhead.max_queue",
      "it needs bulkhead.when_busy wait" },
    { { "bulkhead.max_wait=1s" }, "bulkhead.max_wait", "it needs" },
    { { "adaptive.max=30" },
      "adaptive.max",
      "\"30\" would do nothing; it needs adaptive.algorithm" },
    { { "limiter.per=2s" }, "limiter.per", "\"2s\" would do nothing; it needs limiter.rate" },
    { { "retry.delay=1s" }, "retry.delay", "it needs retry.attempts 2 or more" },
    { { "cache.fresh_for=7s" }, "cache.fresh_for", "it needs cache.bytes" },
    { { "features.hold=9s" }, "features.hold", "it needs features.list" },
};

static void test_contradictions_are_refused_by_key_and_range(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(contradictions) / sizeof(contradictions[0]); i++) {
        begin_anew();
        set_rows(contradictions[i].rows);
        assert_not_applied(contradictions[i].key, contradictions[i].part);
    }
}

/* The nearest that does fit is taken: the table above is not about something else. */
static void test_what_is_just_right(void **state) {
    static const char *const right[][6] = {
        { "bulkhead.max_concurrent=4", "bulkhead.reserve.permits=3" },
        { "bulkhead.max_concurrent=4", "bulkhead.when_busy=wait", "bulkhead.max_queue=16384" },
        { "adaptive.algorithm=vegas", "bulkhead.when_busy=wait" },
        { "adaptive.algorithm=aimd", "adaptive.max=20", "bulkhead.max_concurrent=20" },
        { "adaptive.algorithm=aimd", "adaptive.min=20", "bulkhead.max_concurrent=20" },
        { "adaptive.algorithm=off", "adaptive.max=30", "bulkhead.max_concurrent=20" },
        { "limiter.rate=10", "limiter.algorithm=leaky_bucket", "limiter.burst=1" },
        { "limiter.rate=4096", "limiter.algorithm=sliding_log" },
        { "limiter.rate=1", "limiter.per=1d", "limiter.burst=30" },
        { "retry.attempts=2", "retry.delay=2s", "retry.max_delay=2s" },
        { "retry.attempts=3", "retry.budget.percent=0", "retry.budget.per_second=1" },
        { "retry.attempts=3", "retry.budget.percent=off", "retry.budget.per_second=0" },
        { "timeout.attempt=2s", "timeout.total=2s" },
        { "fallback.chain=static, alternative", "fallback.alternative=region-b",
          "fallback.static=-" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        begin_anew();
        set_rows(right[i]);
        (void)applied(NULL);
    }
}

/* A policy is switched off by its one key, and one that is off by its own key may be got ready. */
static void test_what_is_off_keeps_its_settings(void **state) {
    static const char *const on[][6] = {
        { "bulkhead.max_concurrent=4", "bulkhead.counts_as_failure=yes", "bulkhead.max_wait=1s" },
        { "limiter.rate=10", "limiter.per=2s" },
        { "retry.attempts=3", "retry.delay=1s" },
        { "cache.bytes=65536", "cache.fresh_for=7s", "fallback.chain=cache" },
        { "timeout.auto=0.1", "timeout.auto_min=2s" },
        { "timeout.auto=0.1", "breaker.histogram=yes" },
        { "bulkhead.max_concurrent=4", "bulkhead.when_busy=wait", "bulkhead.max_queue=9" },
    };
    static const char *const off[][6] = {
        { "bulkhead.max_concurrent=off" },
        { "limiter.rate=off" },
        { "retry.attempts=1" },
        { "cache.bytes=off" },
        { "timeout.auto=off" },
        { "breaker.histogram=no" },
        { "bulkhead.when_busy=reject" },
    };
    static const char *const ready[][6] = {
        { "bulkhead.max_concurrent=off", "bulkhead.counts_as_failure=yes" },
        { "limiter.rate=off", "limiter.per=2s" },
        { "retry.attempts=1", "retry.delay=1s" },
        { "cache.bytes=off", "cache.fresh_for=7s" },
        { "bulkhead.dynamic_priority=no", "retry.inside=no", "cache.bypass=yes" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
        begin_anew();
        set_rows(on[i]);
        struct swgi_settings settings = applied(NULL);
        begin_anew();
        set_rows(off[i]);
        (void)applied(&settings);
    }
    for (size_t i = 0; i < sizeof(ready) / sizeof(ready[0]); i++) {
        begin_anew();
        set_rows(ready[i]);
        (void)applied(NULL);
    }
}

/* ---- what follows what */

static void test_a_queue_follows_its_bulkhead_until_it_is_set(void **state) {
    struct swgi_settings settings;

    (void)state;
    set("bulkhead.max_concurrent", "20");
    settings = applied(NULL);
    assert_prints(&settings, "bulkhead.max_queue", "200");
    set("bulkhead.max_concurrent", "7");
    settings = applied(&settings);
    assert_prints(&settings, "bulkhead.max_queue", "70");
    set("bulkhead.max_concurrent", "4096");
    settings = applied(&settings);
    assert_prints(&settings, "bulkhead.max_queue", "16384"); /* and no farther */
    set("bulkhead.max_concurrent", "off");
    set("adaptive.algorithm", "vegas");
    set("adaptive.max", "30");
    settings = applied(&settings);
    assert_prints(&settings, "bulkhead.max_queue", "300");
    set("bulkhead.when_busy", "wait");
    set("bulkhead.max_queue", "5");
    settings = applied(&settings);
    begin_anew();
    set("adaptive.max", "50");
    settings = applied(&settings);
    assert_prints(&settings, "bulkhead.max_queue", "5");
}

static void test_a_burst_follows_its_rate_until_it_is_set(void **state) {
    struct swgi_settings settings;

    (void)state;
    set("limiter.rate", "100");
    settings = applied(NULL);
    assert_prints(&settings, "limiter.burst", "100");
    set("limiter.rate", "50");
    settings = applied(&settings);
    assert_prints(&settings, "limiter.burst", "50");
    set("limiter.algorithm", "sliding_window");
    settings = applied(&settings);
    assert_prints(&settings, "limiter.burst", "1");
    set("limiter.algorithm", "token_bucket");
    settings = applied(&settings);
    assert_prints(&settings, "limiter.burst", "50");
    set("limiter.burst", "10");
    settings = applied(&settings);
    begin_anew();
    set("limiter.rate", "80");
    settings = applied(&settings);
    assert_prints(&settings, "limiter.burst", "10");
}

/* An algorithm's own constants are those of the one that is set now. */
static void test_zero_is_the_algorithm_s_own(void **state) {
    struct swgi_settings settings;

    (void)state;
    set("adaptive.algorithm", "vegas");
    settings = applied(NULL);
    assert_int_equal(swgi_policies_permits(&settings.policies), 1000);
    set("adaptive.algorithm", "gradient2");
    settings = applied(&settings);
    assert_int_equal(swgi_policies_permits(&settings.policies), 200);
    set("bulkhead.max_concurrent", "30");
    settings = applied(&settings);
    assert_int_equal(swgi_policies_permits(&settings.policies), 30);
    assert_prints(&settings, "adaptive.max", "0");
}

/* ---- what is set stays, reads back, and is told apart */

static const char *const everything[] = { "bulkhead.max_concurrent=20",
                                          "bulkhead.when_busy=wait",
                                          "bulkhead.max_queue=150",
                                          "bulkhead.when_queue_full=error",
                                          "bulkhead.max_wait=250ms",
                                          "bulkhead.track=yes",
                                          "bulkhead.reserve.permits=4",
                                          "bulkhead.reserve.priority_at_most=-5",
                                          "bulkhead.partitions=-1:100, 10:80, 31:50",
                                          "bulkhead.ageing=10ms",
                                          "bulkhead.dynamic_priority=yes",
                                          "bulkhead.counts_as_failure=yes",
                                          "limiter.rate=100",
                                          "limiter.per=2s",
                                          "limiter.algorithm=leaky_bucket",
                                          "limiter.when_limited=wait",
                                          "limiter.max_wait=3s",
                                          "limiter.adaptive=yes",
                                          "limiter.rate_min=10",
                                          "limiter.increase=0.05",
                                          "limiter.decrease=0.75",
                                          "limiter.resource_aware=yes",
                                          "limiter.system_load_above=0.5",
                                          "adaptive.algorithm=gradient2",
                                          "adaptive.min=2",
                                          "adaptive.max=18",
                                          "adaptive.initial=9",
                                          "adaptive.window=500ms",
                                          "adaptive.timeout=1s",
                                          "adaptive.backoff=0.8",
                                          "adaptive.smoothing=0.3",
                                          "adaptive.tolerance=2",
                                          "adaptive.queue=6",
                                          "retry.attempts=4",
                                          "retry.backoff=decorrelated_jitter",
                                          "retry.jitter=equal",
                                          "retry.delay=50ms",
                                          "retry.max_delay=5s",
                                          "retry.multiplier=3",
                                          "retry.on=timeout",
                                          "retry.inside=yes",
                                          "retry.retry_after_max=30s",
                                          "retry.budget.percent=12.5",
                                          "retry.budget.per_second=5",
                                          "retry.budget.max=50",
                                          "timeout.attempt=2s",
                                          "timeout.total=9s",
                                          "timeout.auto=0.1",
                                          "timeout.auto_min=20ms",
                                          "timeout.auto_max=10s",
                                          "cache.bytes=1048576",
                                          "cache.fresh_for=2s",
                                          "cache.stale_for=1h",
                                          "cache.bypass=no",
                                          "fallback.chain=cache, alternative, static",
                                          "fallback.alternative=region-b",
                                          "fallback.static=closed for today",
                                          "features.list=checkout:100, search:50, reviews:10",
                                          "features.hold=20s",
                                          NULL };

static void assert_prints_rows(const struct swgi_settings *settings, const char *const *rows) {
    for (; *rows != NULL; rows++) {
        char key[SWGI_KEY_NAME_MAX];

        snprintf(key, sizeof(key), "%.*s", (int)strcspn(*rows, "="), *rows);
        assert_prints(settings, key, strchr(*rows, '=') + 1);
    }
}

static void test_every_key_reaches_a_field_of_its_own(void **state) {
    struct swgi_settings all;

    (void)state;
    set_rows(everything);
    all = applied(NULL);
    assert_prints_rows(&all, everything);
    begin_anew();
    struct swgi_settings merged = applied(&all); /* what is not set stays */
    assert_memory_equal(&merged, &all, sizeof(all));
    set("breaker.open.for", "20s");
    merged = applied(&all);
    assert_memory_equal(&merged.policies, &all.policies, sizeof(all.policies));
}

/* Each row alone is a difference with the defaults, named by its key, and none to itself. */
static void test_each_key_is_a_difference(void **state) {
    struct swgi_settings plain, all;

    (void)state;
    plain = applied(NULL);
    set_rows(everything);
    all = applied(NULL);
    assert_int_equal(swgi_config_differs(config, &all, NULL), 0);
    for (const char *const *row = everything; *row != NULL; row++) {
        struct swg_error error = SWG_ERROR_INIT;
        char key[SWGI_KEY_NAME_MAX], was[SWGI_KEY_VALUE_MAX];

        snprintf(key, sizeof(key), "%.*s", (int)strcspn(*row, "="), *row);
        assert_int_equal(swgi_setting_print(&plain, key, was, sizeof(was)), 0);
        assert_string_not_equal(was, strchr(*row, '=') + 1);
        begin_anew();
        set(key, was);
        int rc = swgi_config_differs(config, &all, &error);
        if (rc != 1 && rc != -EINVAL) /* alone it may contradict the rest */
            fail_msg("%s: %d", *row, rc);
        if (rc == 1)
            assert_string_equal(error.key, key);
    }
}

/* Printed and read back, it is the same to the last byte: what runs is what is shown. */
static void test_all_policies_survive_the_round_trip(void **state) {
    struct swgi_settings all, again;
    const char *key;
    uint32_t cursor = 0;

    (void)state;
    set_rows(everything);
    all = applied(NULL);
    begin_anew();
    while (swg_config_next_key(&cursor, &key, NULL, NULL) == 0) {
        char text[SWGI_KEY_VALUE_MAX];

        if (strncmp(key, "breaker.", 8) != 0 && strcmp(key, "preset") != 0) {
            assert_int_equal(swgi_setting_print(&all, key, text, sizeof(text)), 0);
            set(key, text);
        }
    }
    again = applied(NULL);
    all.policies.bulkhead.max_queue_follows = all.policies.limiter.burst_follows = 0;
    assert_memory_equal(&again.policies, &all.policies, sizeof(all.policies));
}

static void test_nothing_set_is_nothing_wanted(void **state) {
    struct swgi_settings settings = applied(NULL);

    (void)state;
    assert_false(swgi_policies_wanted(&settings.policies));
    for (const char *const *row = everything; *row != NULL; row++) {
        begin_anew();
        set_rows((const char *const[]){ *row, NULL });
        if (swgi_config_apply(config, NULL, &settings, NULL) == 0)
            assert_true(swgi_policies_wanted(&settings.policies));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_bad_values_are_refused_by_range),
        STORY(test_contradictions_are_refused_by_key_and_range),
        STORY(test_what_is_just_right),
        STORY(test_what_is_off_keeps_its_settings),
        STORY(test_a_queue_follows_its_bulkhead_until_it_is_set),
        STORY(test_a_burst_follows_its_rate_until_it_is_set),
        STORY(test_zero_is_the_algorithm_s_own),
        STORY(test_every_key_reaches_a_field_of_its_own),
        STORY(test_each_key_is_a_difference),
        STORY(test_all_policies_survive_the_round_trip),
        STORY(test_nothing_set_is_nothing_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
