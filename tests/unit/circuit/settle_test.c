/*
 * Room for policies: what a dry panel refuses, by name and with nothing changed; what is held while settings change; and
 * policies switched off and on, evicted, made again, and taken over a reboot.
 */
#include "bad_input.h"

#include <stdbool.h>

#include "circuit/circuit.h"
#include "engine/policies.h"

static struct swg_panel *panel;
static struct swg_circuit *circuit;
static struct swg_error error;

/* Slots are given out in chunks of 32; a circuit without windows takes none. */
static int begin_with(uint32_t policies_max, uint32_t slots_max) {
    struct swg_panel_options options = small_options(NULL);
    options.virtual_clock = 1;
    options.policies_max = policies_max;
    options.slots_max = slots_max;
    options.beyond = SWG_BEYOND_ERROR;
    error = (struct swg_error)SWG_ERROR_INIT;
    panel = open_with(&options);
    circuit = get(panel, "dependency");
    struct swg_permit first = admitted(circuit); /* from now on this thread has its column */
    swg_cancel(&first);
    return 0;
}

static int begin(void **state) {
    (void)state;
    return begin_with(2, 256);
}

static int end(void **state) {
    (void)state;
    panel = swg_panel_unref(panel);
    return 0;
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)

/* "key=value, key=value": rows end with NULL. */
static struct swg_config *config_of(const char *const *rows) {
    struct swg_config *config = NULL;
    assert_int_equal(swg_config_new(&config), 0);
    for (; *rows != NULL; rows++) {
        char key[96];
        snprintf(key, sizeof(key), "%.*s", (int)strcspn(*rows, "="), *rows);
        if (swg_config_set(config, key, strchr(*rows, '=') + 1, &error) != 0)
            fail_msg("%s: %s", *rows, error.text);
    }
    return config;
}

static int try_to_configure(const char *const *rows) {
    struct swg_config *config = config_of(rows);
    error = (struct swg_error)SWG_ERROR_INIT;
    int rc = swg_circuit_configure(circuit, config, &error);
    swg_config_unref(config);
    return rc;
}

#define CONFIGURE(...)                                                            \
    do {                                                                          \
        if (try_to_configure((const char *const[]){ __VA_ARGS__, NULL }) != 0)    \
            fail_msg("%s:%d: %s: %s", __FILE__, __LINE__, error.key, error.text); \
    } while (0)

static struct swg_panel_info info(void) {
    struct swg_panel_info out = SWG_PANEL_INFO_INIT;
    assert_int_equal(swg_panel_status(panel, &out), 0);
    return out;
}

static void assert_setting(const char *key, const char *wanted) {
    char value[640];
    assert_int_equal(swg_circuit_setting(circuit, key, value, sizeof(value)), 0);
    assert_string_equal(value, wanted);
}

static struct swgi_policies *policies_of(const struct swg_circuit *of) {
    const struct swgi_binding *binding = swgi_circuit_look(of);
    return swgi_policies_of(binding->map, binding->cell);
}

/* Everything that configuring may touch, to the byte. */
struct snapshot {
    struct swgi_settings settings;
    struct swgi_policies policies;
    struct swg_panel_info info;
    uint32_t sequence;
};

static void take_snapshot(struct snapshot *out) {
    const struct swgi_binding *binding = swgi_circuit_look(circuit);
    const struct swgi_policies *policies = policies_of(circuit);
    memset(out, 0, sizeof(*out));
    out->sequence = swgi_settings_load_all(binding->map, binding->cell, &out->settings);
    if (policies != NULL)
        memcpy(&out->policies, policies, sizeof(out->policies));
    out->info = info();
}

static void assert_refused_unchanged(const char *const *rows, const char *key, const char *part) {
    struct snapshot before, after;
    take_snapshot(&before);
    assert_int_equal(try_to_configure(rows), -ENOSPC);
    assert_int_equal(error.code, -ENOSPC);
    assert_string_equal(error.key, key);
    if (strstr(error.text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, error.text);
    take_snapshot(&after);
    assert_memory_equal(&after, &before, sizeof(before));
}

#define REFUSED(key, part, ...) \
    assert_refused_unchanged((const char *const[]){ __VA_ARGS__, NULL }, (key), (part))

/* ---- a panel that is dry */

static void test_no_extent_left(void **state) {
    struct swg_circuit *other = get(panel, "other");
    (void)state;
    CONFIGURE("bulkhead.max_concurrent=2");
    struct swg_circuit *first = circuit;
    circuit = other;
    CONFIGURE("retry.attempts=3");
    assert_int_equal(info().policies, 2);
    assert_int_equal(info().policies_max, 2);
    circuit = get(panel, "third");
    REFUSED("policies_max", "the panel's 2 are taken; make the panel with a larger policies_max",
            "limiter.rate=10");
    CONFIGURE("breaker.open.for=7s"); /* what needs none is taken */
    assert_setting("breaker.open.for", "7s");
    circuit = first;
    CONFIGURE("bulkhead.max_concurrent=3", "limiter.rate=5"); /* who has one needs no other */
    assert_int_equal(status_of(circuit).permits_limit, 3);
}

/* Nobody finds a circuit half made. */
static void test_no_extent_left_for_a_new_circuit(void **state) {
    struct swg_config *config = config_of((const char *const[]){ "limiter.rate=10", NULL });
    struct swg_circuit *made = NULL;
    (void)state;
    assert_int_equal(swg_circuit_get(panel, "one", config, &made, &error), 0);
    assert_int_equal(swg_circuit_get(panel, "two", config, &made, &error), 0);
    uint32_t circuits = info().circuits;
    made = NULL;
    assert_int_equal(swg_circuit_get(panel, "three", config, &made, &error), -ENOSPC);
    assert_string_equal(error.key, "policies_max");
    assert_null(made);
    assert_int_equal(swg_circuit_find(panel, "three", &made), -ENOENT);
    assert_int_equal(info().circuits, circuits);
    assert_int_equal(info().policies, 2);
    assert_int_equal(swg_circuit_get(panel, "three", NULL, &made, &error), 0);
    swg_config_unref(config);
}

static void test_a_panel_without_policies(void **state) {
    (void)state;
    end(NULL);
    begin_with(SWG_GEOMETRY_NONE, 256);
    REFUSED("policies_max", "the panel's 0 are taken", "timeout.attempt=1s");
    assert_int_equal(info().policies_max, 0);
    struct swg_permit permit = admitted(circuit);
    assert_int_equal(swg_record(&permit, SWG_SUCCESS), 0);
}

/* 256 slots: two a permit, four a place, a power of two of a log. */
static void test_no_slots_left(void **state) {
    (void)state;
    REFUSED("bulkhead.max_concurrent", "no room for its 258 slots: the panel's 256",
            "bulkhead.max_concurrent=129");
    REFUSED("limiter.rate", "no room for its 512 slots", "limiter.algorithm=sliding_log",
            "limiter.rate=257");
    CONFIGURE("bulkhead.max_concurrent=48"); /* 96 of them */
    assert_int_equal(info().slots, 96);
    REFUSED("bulkhead.max_queue", "no room for its 164 slots", "bulkhead.when_busy=wait",
            "bulkhead.max_queue=41");
    /* What was found for the first run is given back when there is none for the second. */
    REFUSED("bulkhead.max_queue", "no room for its 200 slots", "bulkhead.max_concurrent=64",
            "bulkhead.when_busy=wait", "bulkhead.max_queue=50");
    REFUSED("limiter.rate", "no room for its 256 slots", "bulkhead.when_busy=wait",
            "bulkhead.max_queue=8", "limiter.algorithm=sliding_log", "limiter.rate=200");
    REFUSED("breaker.trip", "no room for a window of 161 calls",
            "breaker.trip.0.failure_rate.percent=50", "breaker.trip.0.failure_rate.calls=161");
    CONFIGURE("bulkhead.when_busy=wait", "bulkhead.max_queue=40");
    assert_int_equal(info().slots, 256);
}

/* The new run is taken before the old one is let go: there must be room for both. */
static void test_a_reload_takes_before_it_swaps(void **state) {
    struct swg_permit held[2];
    (void)state;
    CONFIGURE("bulkhead.max_concurrent=64"); /* 128 of 256 */
    held[0] = admitted(circuit);
    held[1] = admitted(circuit);
    REFUSED("bulkhead.max_concurrent", "no room for its 192 slots", "bulkhead.max_concurrent=96");
    assert_int_equal(status_of(circuit).permits_held, 2);
    assert_int_equal(swg_record(&held[0], SWG_SUCCESS), 0);
    assert_int_equal(swg_record(&held[1], SWG_SUCCESS), 0);
    assert_int_equal(status_of(circuit).permits_held, 0);
}

/* ---- what is held meanwhile */

static unsigned admitted_until_full(struct swg_permit *permits, unsigned most) {
    unsigned count = 0;
    int rc = SWG_GO;
    while (count < most && (rc = swg_acquire(circuit, NULL, &permits[count])) == SWG_GO)
        count++;
    assert_true(count == most || rc == SWG_FULL);
    return count;
}

static void record_all(struct swg_permit *permits, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(swg_record(&permits[i], SWG_SUCCESS), 0);
}

static void test_growth_keeps_what_is_held(void **state) {
    struct swg_permit permits[64];
    unsigned held = 0;
    static const struct {
        const char *row;
        unsigned limit;
    } steps[] = { { "bulkhead.max_concurrent=2", 2 },
                  { "bulkhead.max_concurrent=5", 5 },
                  { "bulkhead.max_concurrent=17", 17 },
                  { "bulkhead.max_concurrent=40", 40 } };
    (void)state;
    for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        CONFIGURE(steps[i].row);
        assert_int_equal(status_of(circuit).permits_held, held);
        held += admitted_until_full(permits + held, 64 - held);
        assert_int_equal(held, steps[i].limit);
    }
    record_all(permits, held);
    assert_int_equal(status_of(circuit).permits_held, 0);
    assert_int_equal(status_of(circuit).successes, 40);
    /* The last move's former run stays until the next: at most both are taken. */
    assert_true(info().slots <= 96 + 64);
    assert_int_equal(admitted_until_full(permits, 64), 40);
}

static void test_a_smaller_limit_waits_for_those_above_it(void **state) {
    struct swg_permit permits[8], more;
    (void)state;
    CONFIGURE("bulkhead.max_concurrent=4");
    assert_int_equal(admitted_until_full(permits, 8), 4);
    CONFIGURE("bulkhead.max_concurrent=2");
    assert_int_equal(status_of(circuit).permits_held, 4);
    record_all(permits, 2);
    assert_int_equal(swg_acquire(circuit, NULL, &more), SWG_FULL);
    record_all(permits + 2, 1);
    more = admitted(circuit);
    assert_int_equal(swg_acquire(circuit, NULL, &permits[0]), SWG_FULL);
    record_all(&more, 1);
    record_all(permits + 3, 1);
    assert_int_equal(admitted_until_full(permits, 8), 2);
}

static int queue_up(struct swg_permit *out) {
    return swg_acquire(circuit, NULL, out);
}

/* A queue's bound is its run: it follows at once, up and down. */
static void test_a_queue_keeps_its_bound(void **state) {
    struct swg_permit holder, waiting[4], more;
    unsigned left = 0;
    (void)state;
    CONFIGURE("bulkhead.max_concurrent=1", "bulkhead.when_busy=wait", "bulkhead.max_queue=2");
    holder = admitted(circuit);
    assert_int_equal(queue_up(&waiting[0]), SWG_QUEUED);
    assert_int_equal(queue_up(&waiting[1]), SWG_QUEUED);
    assert_int_equal(queue_up(&more), SWG_FULL);
    CONFIGURE("bulkhead.max_queue=4");
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(swg_poll(&waiting[i]), SWG_QUEUED);
    assert_int_equal(queue_up(&waiting[2]), SWG_QUEUED);
    assert_int_equal(queue_up(&waiting[3]), SWG_QUEUED);
    assert_int_equal(queue_up(&more), SWG_FULL);
    assert_int_equal(status_of(circuit).queue_length, 4);
    CONFIGURE("bulkhead.max_queue=1");
    for (unsigned i = 0; i < 4; i++)
        left += swg_poll(&waiting[i]) == SWG_QUEUED;
    assert_int_equal(left, 1);
    assert_int_equal(status_of(circuit).queue_length, 1);
    assert_int_equal(status_of(circuit).queue_max, 1);
    assert_int_equal(queue_up(&more), SWG_FULL);
    assert_int_equal(swg_record(&holder, SWG_SUCCESS), 0);
    for (unsigned i = 0; i < 4; i++)
        if (waiting[i].opaque[0] != 0)
            assert_int_equal(swg_poll(&waiting[i]), SWG_GO);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(swg_record(&waiting[i], SWG_SUCCESS), 0);
    assert_int_equal(status_of(circuit).permits_held, 0);
}

/* Waiting is switched off under somebody who waits: he is served all the same. */
static void test_who_waits_is_served_though_nobody_else_may(void **state) {
    struct swg_permit holder, waiting, more;
    (void)state;
    CONFIGURE("bulkhead.max_concurrent=1", "bulkhead.when_busy=wait");
    holder = admitted(circuit);
    assert_int_equal(queue_up(&waiting), SWG_QUEUED);
    CONFIGURE("bulkhead.when_busy=reject");
    assert_int_equal(queue_up(&more), SWG_FULL);
    assert_int_equal(swg_poll(&waiting), SWG_QUEUED);
    assert_int_equal(swg_record(&holder, SWG_SUCCESS), 0);
    assert_int_equal(swg_poll(&waiting), SWG_GO);
    assert_int_equal(swg_record(&waiting, SWG_SUCCESS), 0);
}

/* ---- off and on again */

static void test_a_bulkhead_off_and_on(void **state) {
    struct swg_permit permits[8], free_ones[8];
    (void)state;
    CONFIGURE("bulkhead.max_concurrent=2");
    assert_int_equal(admitted_until_full(permits, 8), 2);
    CONFIGURE("bulkhead.max_concurrent=off");
    assert_int_equal(status_of(circuit).has_bulkhead, 0);
    for (unsigned i = 0; i < 8; i++)
        free_ones[i] = admitted(circuit);
    CONFIGURE("bulkhead.max_concurrent=2"); /* who was let in before holds what he held */
    assert_int_equal(status_of(circuit).permits_held, 2);
    assert_int_equal(swg_acquire(circuit, NULL, &permits[2]), SWG_FULL);
    record_all(free_ones, 8);
    assert_int_equal(status_of(circuit).permits_held, 2);
    record_all(permits, 2);
    assert_int_equal(admitted_until_full(permits, 8), 2);
    assert_int_equal(status_of(circuit).rejected_full, 3);
}

static unsigned let_through(unsigned most) {
    unsigned count = 0;
    struct swg_permit permit;
    while (count < most && swg_acquire(circuit, NULL, &permit) == SWG_GO) {
        assert_int_equal(swg_record(&permit, SWG_SUCCESS), 0);
        count++;
    }
    return count;
}

/* Each algorithm remembers what it let through while it was off. */
static void test_a_limiter_off_and_on(void **state) {
    static const char *const algorithms[] = { "limiter.algorithm=token_bucket",
                                              "limiter.algorithm=fixed_window",
                                              "limiter.algorithm=sliding_window",
                                              "limiter.algorithm=leaky_bucket" };
    (void)state;
    for (unsigned i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        assert_int_equal(swg_panel_advance(panel, S(100)), 0);
        CONFIGURE("limiter.rate=10", "limiter.per=10s", algorithms[i]);
        unsigned most = i == 3 ? 1 : 10; /* the leaky one paces: one at a time */
        assert_int_equal(let_through(20), most);
        uint64_t limited = status_of(circuit).rejected_limited;
        CONFIGURE("limiter.rate=off");
        assert_int_equal(status_of(circuit).has_limiter, 0);
        assert_int_equal(let_through(20), 20);
        CONFIGURE("limiter.rate=10");
        assert_int_equal(let_through(20), 0);
        assert_int_equal(status_of(circuit).rejected_limited, limited + 1);
        assert_int_equal(swg_panel_advance(panel, S(100)), 0);
        assert_int_equal(let_through(20), most);
    }
}

static void test_a_limit_that_adapts_off_and_on(void **state) {
    struct swg_permit permits[64];
    (void)state;
    CONFIGURE("bulkhead.max_concurrent=40", "adaptive.algorithm=aimd", "adaptive.initial=6");
    assert_int_equal(admitted_until_full(permits, 64), 6);
    CONFIGURE("adaptive.algorithm=off");
    assert_int_equal(status_of(circuit).adaptive, 0);
    assert_int_equal(status_of(circuit).permits_held, 6);
    assert_int_equal(admitted_until_full(permits + 6, 58), 34);
    CONFIGURE("adaptive.algorithm=aimd");
    assert_int_equal(status_of(circuit).permits_limit, 6);
    assert_int_equal(status_of(circuit).permits_held, 40);
    record_all(permits, 40);
    assert_int_equal(admitted_until_full(permits, 64), 6);
}

static int attempt(void) {
    struct swg_permit permit;
    if (swg_acquire(circuit, NULL, &permit) != SWG_GO)
        return -1;
    int rc = swg_record(&permit, SWG_FAILURE);
    swg_cancel(&permit);
    return rc;
}

/* The budget is what was saved up: switching retries off and on is no way to a new one. */
static void test_retries_off_and_on(void **state) {
    (void)state;
    CONFIGURE("breaker.trip=none", "retry.attempts=2", "retry.budget.max=3",
              "retry.budget.percent=0", "retry.delay=1ms");
    assert_int_equal(swg_panel_advance(panel, S(10)), 0);
    unsigned retries = 0;
    while (attempt() == SWG_RETRY)
        retries++;
    assert_in_range(retries, 0, 3);
    uint64_t refused = status_of(circuit).retries_refused;
    assert_true(refused > 0);
    CONFIGURE("retry.attempts=1");
    assert_int_equal(attempt(), 0);
    assert_int_equal(status_of(circuit).has_retry, 0);
    CONFIGURE("retry.attempts=2");
    assert_int_equal(attempt(), 0);
    assert_int_equal(status_of(circuit).retries_refused, refused + 1);
    assert_int_equal(swg_panel_advance(panel, S(2)), 0);
    assert_int_equal(attempt(), SWG_RETRY);
}

static void test_timeouts_off_and_on(void **state) {
    (void)state;
    CONFIGURE("timeout.attempt=2s");
    struct swg_permit permit = admitted(circuit);
    assert_int_equal(swg_deadline(&permit), swg_panel_now(panel) + S(2));
    assert_int_equal(swg_record(&permit, SWG_SUCCESS), 0);
    CONFIGURE("timeout.attempt=off");
    permit = admitted(circuit);
    assert_true(swg_deadline(&permit) == SWG_NS_MAX);
    assert_int_equal(swg_record(&permit, SWG_SUCCESS), 0);
    assert_int_equal(status_of(circuit).attempt_timeout, 0);
    CONFIGURE("timeout.attempt=2s");
    assert_int_equal(status_of(circuit).attempt_timeout, S(2));
}

/* What tripped while there was a list is not forgotten with it. */
static void test_features_off_and_on(void **state) {
    (void)state;
    CONFIGURE("features.list=checkout:100, search:50");
    assert_int_equal(swg_feature_enabled(circuit, "search"), 1);
    assert_int_equal(swg_circuit_trip(circuit, NULL, NULL), 0);
    assert_int_equal(swg_feature_enabled(circuit, "search"), 0);
    assert_int_equal(swg_feature_enabled(circuit, "checkout"), 1);
    CONFIGURE("features.list=none");
    assert_int_equal(swg_feature_enabled(circuit, "search"), 1); /* none that is named is off */
    CONFIGURE("features.list=checkout:100, search:50");
    assert_int_equal(swg_feature_enabled(circuit, "search"), 0);
}

/* The breaker's own evidence and counters are none of the policies' business. */
static void test_the_breaker_keeps_its_state(void **state) {
    struct swg_permit permit;
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        permit = admitted(circuit);
        assert_int_equal(swg_record(&permit, SWG_FAILURE), 0);
    }
    struct swg_status before = status_of(circuit);
    CONFIGURE("bulkhead.max_concurrent=2", "limiter.rate=10", "timeout.attempt=1s",
              "fallback.chain=static", "fallback.static=sorry", "cache.bytes=65536");
    CONFIGURE("bulkhead.max_concurrent=off", "limiter.rate=off", "timeout.attempt=off",
              "fallback.chain=none", "cache.bytes=off");
    struct swg_status after = status_of(circuit);
    assert_int_equal(after.failures, 4);
    assert_int_equal(after.calls, before.calls);
    assert_true(after.score == before.score);
    assert_int_equal(after.transitions, before.transitions);
    permit = admitted(circuit);
    assert_int_equal(swg_record(&permit, SWG_FAILURE), 0);
    assert_int_equal(status_of(circuit).state, SWG_STATE_OPEN);
}

/* Over and over, nothing is used up. */
static void test_changes_leak_nothing(void **state) {
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        CONFIGURE("bulkhead.max_concurrent=20", "bulkhead.when_busy=wait", "bulkhead.max_queue=3");
        CONFIGURE("bulkhead.max_queue=8");
        CONFIGURE("limiter.rate=16", "limiter.algorithm=sliding_log");
        CONFIGURE("limiter.rate=off", "bulkhead.when_busy=reject", "bulkhead.max_concurrent=off");
        assert_int_equal(info().policies, 1);
        assert_true(info().slots <= 160);
    }
}

/* ---- evicted, and made again */

static void make_others(unsigned round) {
    for (unsigned i = 0; i < 8; i++) {
        struct swg_circuit *other = NULL;
        char name[32];
        snprintf(name, sizeof(name), "round%u-%u", round, i);
        (void)swg_circuit_get(panel, name, NULL, &other, NULL);
    }
}

static bool is_there(void) {
    struct swg_status seen = SWG_STATUS_INIT;
    return swg_circuit_status(circuit, &seen) == 0;
}

static void let_it_be_evicted(void) {
    for (unsigned round = 0; round < 6 && is_there(); round++) {
        make_others(round);
        assert_int_equal(swg_panel_advance(panel, S(11)), 0);
    }
}

static void test_an_evicted_circuit_keeps_its_policies(void **state) {
    struct swg_permit permits[8];
    (void)state;
    CONFIGURE("bulkhead.max_concurrent=2", "bulkhead.partitions=-1:100, 31:50", "retry.attempts=3",
              "fallback.chain=static", "fallback.static=sorry", "features.list=search:50");
    assert_int_equal(info().policies, 1);
    let_it_be_evicted();
    assert_false(is_there());
    assert_int_equal(info().policies, 0); /* its extent and slots went with it */
    assert_int_equal(info().slots, 0);
    permits[0] = admitted(circuit);
    assert_int_equal(info().policies, 1);
    assert_setting("bulkhead.max_concurrent", "2");
    assert_setting("bulkhead.partitions", "-1:100, 31:50");
    assert_setting("retry.attempts", "3");
    assert_setting("fallback.static", "sorry");
    assert_setting("features.list", "search:50");
    assert_int_equal(swg_acquire(circuit, NULL, &permits[1]),
                     SWG_FULL); /* half of 2 at priority 0 */
    assert_int_equal(swg_record(&permits[0], SWG_SUCCESS), 0);
}

static void test_who_holds_a_permit_keeps_the_circuit(void **state) {
    (void)state;
    CONFIGURE("bulkhead.max_concurrent=2");
    struct swg_permit permit = admitted(circuit);
    let_it_be_evicted();
    assert_true(is_there());
    assert_int_equal(status_of(circuit).permits_held, 1);
    assert_int_equal(swg_record(&permit, SWG_SUCCESS), 0);
}

/* ---- a reboot */

static struct swg_panel *open_in_boot(const char *boot) {
    struct swg_panel_options options = small_options(path);
    options.boot_id = boot;
    return open_with(&options);
}

#define FAR ((uint64_t)S(100000000)) /* three years: an instant of the former boot */

/* Each word that holds an instant, as a machine leaves it that was up for years. */
static void age(struct swgi_policies *policies) {
    swgi_word *const stamps[] = { &policies->watch_stamp,
                                  &policies->sample_stamp,
                                  &policies->bulkhead.liveness_stamp,
                                  &policies->bulkhead.full,
                                  &policies->limiter.tat,
                                  &policies->limiter.judged,
                                  &policies->adaptive.stamp,
                                  &policies->adaptive.began,
                                  &policies->timeout.stamp,
                                  &policies->timeout.rotated };
    for (unsigned i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++)
        swgi_store(stamps[i], swgi_load(stamps[i]) + FAR);
}

static void test_after_a_reboot_policies_go_on(void **state) {
    struct swg_permit permits[3];
    (void)state;
    panel = open_in_boot("monday");
    circuit = get(panel, "dependency");
    CONFIGURE("bulkhead.max_concurrent=2", "limiter.rate=3", "limiter.per=1h",
              "adaptive.algorithm=aimd", "adaptive.initial=2", "limiter.adaptive=yes",
              "retry.attempts=2");
    permits[0] = admitted(circuit);
    permits[1] = admitted(circuit); /* held by a process that is gone with the boot */
    age(policies_of(circuit));
    struct swgi_map *map = atomic_load(&panel->map);
    swgi_store(&map->header->stamp_monotonic, swgi_load(&map->header->stamp_monotonic) + FAR);
    panel = swg_panel_unref(panel);
    panel = open_in_boot("tuesday");
    circuit = get(panel, "dependency");
    assert_setting("bulkhead.max_concurrent", "2");
    assert_int_equal(status_of(circuit).permits_held, 0);
    /* What cannot be known is as if the rate had just been used up; not as if for three years. */
    assert_int_equal(swg_acquire(circuit, NULL, &permits[0]), SWG_LIMITED);
    assert_in_range(swg_retry_in(&permits[0]), 1, S(1201));
    CONFIGURE("limiter.rate=off");
    permits[0] = admitted(circuit);
    permits[1] = admitted(circuit);
    assert_int_equal(swg_acquire(circuit, NULL, &permits[2]), SWG_FULL);
    assert_int_equal(swg_record(&permits[0], SWG_SUCCESS), 0);
    assert_int_equal(swg_record(&permits[1], SWG_SUCCESS), 0);
    panel = swg_panel_unref(panel);
}

static void test_after_a_reboot_limits_adapt(void **state) {
    struct swg_permit permit;
    (void)state;
    panel = open_in_boot("monday");
    circuit = get(panel, "dependency");
    CONFIGURE("bulkhead.max_concurrent=20", "adaptive.algorithm=aimd", "adaptive.initial=9",
              "adaptive.window=10ms");
    permit = admitted(circuit);
    assert_int_equal(swg_record(&permit, SWG_SUCCESS), 0);
    age(policies_of(circuit));
    panel = swg_panel_unref(panel);
    panel = open_in_boot("tuesday");
    circuit = get(panel, "dependency");
    struct swgi_policies *policies = policies_of(circuit);
    uint64_t stale = swgi_load(&policies->adaptive.stamp);
    assert_true(stale > FAR);
    for (unsigned i = 0; i < 10000 && swgi_load(&policies->adaptive.stamp) == stale; i++) {
        permit = admitted(circuit);
        assert_int_equal(swg_record_at(&permit, SWG_SUCCESS, NULL, swg_panel_now(panel), 1000), 0);
    }
    assert_true(swgi_load(&policies->adaptive.stamp) < FAR);
    panel = swg_panel_unref(panel);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_no_extent_left),
        STORY(test_no_extent_left_for_a_new_circuit),
        STORY(test_a_panel_without_policies),
        STORY(test_no_slots_left),
        STORY(test_a_reload_takes_before_it_swaps),
        STORY(test_growth_keeps_what_is_held),
        STORY(test_a_smaller_limit_waits_for_those_above_it),
        STORY(test_a_queue_keeps_its_bound),
        STORY(test_who_waits_is_served_though_nobody_else_may),
        STORY(test_a_bulkhead_off_and_on),
        STORY(test_a_limiter_off_and_on),
        STORY(test_a_limit_that_adapts_off_and_on),
        STORY(test_retries_off_and_on),
        STORY(test_timeouts_off_and_on),
        STORY(test_features_off_and_on),
        STORY(test_the_breaker_keeps_its_state),
        STORY(test_changes_leak_nothing),
        STORY(test_an_evicted_circuit_keeps_its_policies),
        STORY(test_who_holds_a_permit_keeps_the_circuit),
        IN_FOLDER(test_after_a_reboot_policies_go_on),
        IN_FOLDER(test_after_a_reboot_limits_adapt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
