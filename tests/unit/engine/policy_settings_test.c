/* Settings of policies as numbers: defaults, and what must not be acted upon when it is read from the panel. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bound.h"
#include "base/random.h"
#include "engine/backoff.h"
#include "engine/features.h"
#include "engine/policies.h"
#include "engine/settings.h"
#include "switchgear/switchgear.h"

#define MS(n) ((n)*UINT64_C(1000000))
#define S(n)  ((n)*UINT64_C(1000000000))
#define H(n)  S(3600 * (n))

static struct swgi_settings defaults(void) {
    struct swgi_settings settings;

    swgi_settings_default(&settings);
    return settings;
}

static struct swgi_settings everything(void) {
    struct swgi_settings settings = defaults();
    struct swgi_policy_settings *p = &settings.policies;
    struct swg_error error = SWG_ERROR_INIT;

    p->bulkhead.max_concurrent = 20;
    p->bulkhead.when_busy = SWGI_BUSY_WAIT;
    p->bulkhead.reserve_permits = 4;
    p->bulkhead.partitions_count = 2;
    p->bulkhead.partitions[0] = (struct swgi_partition){ .priority = 31, .percent = 100 };
    p->bulkhead.partitions[1] = (struct swgi_partition){ .priority = 63, .percent = 50 };
    p->limiter.rate = 100;
    p->limiter.adaptive = 1;
    p->adaptive.algorithm = SWGI_ADAPTIVE_GRADIENT2;
    p->adaptive.most = 18;
    p->retry.attempts = 4;
    p->timeout.attempt_ns = S(2);
    p->timeout.auto_ppm = 1000;
    p->cache.bytes_max = 1048576;
    p->fallback.chain[0] = SWGI_FALLBACK_ALTERNATIVE;
    p->fallback.chain[1] = SWGI_FALLBACK_STATIC;
    memcpy(p->fallback.alternative, "region-b", 9);
    memcpy(p->fallback.answer, "closed for today", 17);
    assert_int_equal(swgi_features_parse("checkout:100, search:50", &p->features, NULL), 0);
    if (swgi_settings_compile(&settings, &error) != 0)
        fail_msg("%s: %s", error.key, error.text);
    assert_true(swgi_settings_check(&settings));
    return settings;
}

/* The figures of the design that are not off. */
static void test_policies_are_off_by_default(void **state) {
    struct swgi_settings settings = defaults();
    const struct swgi_policy_settings *p = &settings.policies;

    (void)state;
    assert_false(swgi_policies_wanted(p));
    assert_true(swgi_policies_check(p));
    assert_int_equal(swgi_policies_permits(p), 0);
    assert_int_equal(p->bulkhead.max_concurrent, 0);
    assert_int_equal(p->bulkhead.when_busy, SWGI_BUSY_REJECT);
    assert_int_equal(p->bulkhead.max_wait_ns, S(5));
    assert_int_equal(p->bulkhead.ageing_ns, MS(100));
    assert_int_equal(p->bulkhead.reserve_priority, SWGI_PRIORITY_ZERO - 1);
    assert_int_equal(p->limiter.rate, 0);
    assert_int_equal(p->limiter.per_ns, S(1));
    assert_int_equal(p->adaptive.algorithm, SWGI_ADAPTIVE_OFF);
    assert_int_equal(p->retry.attempts, 1);
    assert_int_equal(p->retry.budget_ppm, 200000);
    assert_int_equal(p->retry.budget_per_second, 1);
    assert_true(p->timeout.attempt_ns == SWGI_OFF && p->timeout.total_ns == SWGI_OFF);
    assert_int_equal(p->timeout.auto_ppm, UINT32_MAX);
    assert_int_equal(p->cache.bytes_max, 0);
    assert_int_equal(p->fallback.chain[0], SWGI_FALLBACK_NONE);
    assert_int_equal(p->fallback.cache_bypass, 1);
    assert_int_equal(p->features.count, 0);
}

/* They are compared and copied byte by byte. */
static void test_settings_have_no_padding(void **state) {
    struct swgi_policy_settings *p = NULL;

    (void)state;
    assert_int_equal(sizeof(*p), sizeof(p->bulkhead) + sizeof(p->limiter) + sizeof(p->adaptive) +
                                     sizeof(p->retry) + sizeof(p->timeout) + sizeof(p->cache) +
                                     sizeof(p->fallback) + sizeof(p->features));
    assert_int_equal(sizeof(p->bulkhead) % 8 + sizeof(p->limiter) % 8 + sizeof(p->retry) % 8, 0);
}

#define ASSERT_BAD(change)                                             \
    do {                                                               \
        struct swgi_settings all = everything();                       \
        struct swgi_policy_settings *p = &all.policies;                \
        change;                                                        \
        if (swgi_settings_check(&all))                                 \
            fail_msg("%s:%d: taken: %s", __FILE__, __LINE__, #change); \
    } while (0)

static void test_numbers_out_of_range_are_not_acted_upon(void **state) {
    (void)state;
    ASSERT_BAD(p->bulkhead.max_concurrent = SWGI_PERMITS_MAX + 1);
    ASSERT_BAD(p->bulkhead.max_queue = 0);
    ASSERT_BAD(p->bulkhead.max_queue = SWGI_PLACES_MAX + 1);
    ASSERT_BAD(p->bulkhead.max_queue_follows = 2);
    ASSERT_BAD(p->bulkhead.when_busy = 2);
    ASSERT_BAD(p->bulkhead.when_queue_full = 3);
    ASSERT_BAD(p->bulkhead.max_wait_ns = 0);
    ASSERT_BAD(p->bulkhead.max_wait_ns = UINT64_MAX);
    ASSERT_BAD(p->bulkhead.track = 2);
    ASSERT_BAD(p->bulkhead.reserve_priority = 64);
    ASSERT_BAD(p->bulkhead.partitions_count = SWGI_PARTITIONS_MAX + 1);
    ASSERT_BAD(p->bulkhead.partitions[1].priority = 64);
    ASSERT_BAD(p->bulkhead.partitions[0].percent = 101);
    ASSERT_BAD(p->bulkhead.partitions[1].percent = 0);
    ASSERT_BAD(p->bulkhead.ageing_ns = H(1) + 1);
    ASSERT_BAD(p->limiter.rate = SWGI_RATE_MAX + 1);
    ASSERT_BAD(p->limiter.per_ns = 0);
    ASSERT_BAD(p->limiter.algorithm = SWGI_SLIDING_LOG + 1);
    ASSERT_BAD(p->limiter.burst = 0);
    ASSERT_BAD(p->limiter.max_wait_ns = UINT64_MAX);
    ASSERT_BAD(p->limiter.adaptive = 2);
    ASSERT_BAD(p->adaptive.algorithm = SWGI_ADAPTIVE_SWITCHGEAR + 1);
    ASSERT_BAD(p->adaptive.window_ns = 0);
    ASSERT_BAD(p->retry.attempts = 0);
    ASSERT_BAD(p->retry.attempts = SWGI_ATTEMPTS_MAX + 1);
    ASSERT_BAD(p->retry.backoff = SWGI_BACKOFF_ADAPTIVE + 1);
    ASSERT_BAD(p->retry.delay_ns = 0);
    ASSERT_BAD(p->retry.max_delay_ns = UINT64_MAX);
    ASSERT_BAD(p->retry.budget_ppm = SWGI_PPM + 1);
    ASSERT_BAD(p->timeout.attempt_ns = 0);
    ASSERT_BAD(p->timeout.auto_ppm = 0);
    ASSERT_BAD(p->timeout.auto_most_ns = UINT64_MAX);
    ASSERT_BAD(p->cache.bytes_max = 65535);
    ASSERT_BAD(p->cache.fresh_for_ns = 0);
    ASSERT_BAD(p->fallback.chain[4] = SWGI_FALLBACK_FUNCTION + 1);
    ASSERT_BAD(memset(p->fallback.answer, 'x', sizeof(p->fallback.answer)));
    ASSERT_BAD(memset(p->fallback.alternative, 'x', sizeof(p->fallback.alternative)));
    ASSERT_BAD(p->features.count = SWGI_FEATURES_MAX + 1);
    ASSERT_BAD(p->features.hold_ns = 0);
    ASSERT_BAD(memset(p->features.list[0].name, 'x', sizeof(p->features.list[0].name)));
}

static void test_numbers_that_are_none_are_not_acted_upon(void **state) {
    static const double none[] = { NAN, -NAN, INFINITY, -INFINITY, -1, 1e300 };

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        ASSERT_BAD(p->limiter.increase = none[i]);
        ASSERT_BAD(p->limiter.decrease = none[i]);
        ASSERT_BAD(p->limiter.system_load_above = none[i]);
        ASSERT_BAD(p->adaptive.backoff = none[i]);
        ASSERT_BAD(p->adaptive.smoothing = none[i]);
        ASSERT_BAD(p->adaptive.tolerance = none[i]);
        ASSERT_BAD(p->retry.multiplier = none[i]);
    }
}

static void test_fields_that_contradict_are_not_acted_upon(void **state) {
    (void)state;
    ASSERT_BAD(p->bulkhead.reserve_permits = 18); /* of as many as adapting allows */
    ASSERT_BAD(p->bulkhead.max_queue = 199);      /* it follows: ten times 18 */
    ASSERT_BAD(p->bulkhead.max_concurrent = 21);  /* and what adapts was compiled for 20 */
    ASSERT_BAD(p->bulkhead.partitions[1].priority = 31);
    ASSERT_BAD(p->bulkhead.partitions[0].percent = 49);
    ASSERT_BAD(p->adaptive.most = 21);
    ASSERT_BAD(p->adaptive.least = 19);
    ASSERT_BAD(p->adaptive.ceiling = 30);
    ASSERT_BAD(p->limiter.rate_min = 101);
    ASSERT_BAD(p->limiter.algorithm = SWGI_LEAKY_BUCKET); /* with a burst of 100 */
    ASSERT_BAD(p->retry.max_delay_ns = p->retry.delay_ns - 1);
    ASSERT_BAD(p->timeout.total_ns = S(1));
    ASSERT_BAD(p->timeout.auto_least_ns = p->timeout.auto_most_ns + 1);
    ASSERT_BAD(p->fallback.alternative[0] = '\0');
    ASSERT_BAD(p->features.list[1] = p->features.list[0]);
    ASSERT_BAD(p->features.list[1].importance = 200); /* most important first */
}

/* What the engine divides by, indexes with, shifts by and hands out as text. */
static void assert_safe(const struct swgi_policy_settings *p) {
    assert_true(swgi_policies_permits(p) <= SWGI_PERMITS_MAX);
    assert_true(swgi_bulkhead_permit_slots(&p->bulkhead, swgi_policies_permits(p)) <=
                2 * SWGI_PERMITS_MAX);
    assert_true(swgi_bulkhead_place_slots(&p->bulkhead, swgi_policies_permits(p)) <=
                SWGI_PLACES_MAX * SWGI_PLACE_WORDS);
    assert_true(p->bulkhead.reserve_permits == 0 ||
                p->bulkhead.reserve_permits < swgi_policies_permits(p));
    assert_true(p->bulkhead.partitions_count <= SWGI_PARTITIONS_MAX);
    assert_true(p->limiter.rate <= SWGI_RATE_MAX && p->limiter.per_ns >= MS(1));
    assert_true(p->limiter.rate == 0 || p->limiter.burst >= 1);
    assert_in_range(p->retry.attempts, 1, SWGI_ATTEMPTS_MAX);
    assert_true(p->retry.delay_ns <= p->retry.max_delay_ns && p->retry.max_delay_ns <= H(24));
    assert_true(p->retry.multiplier >= 1 && p->retry.multiplier <= 100);
    assert_true(p->timeout.attempt_ns > 0 && p->timeout.total_ns > 0);
    assert_true(p->cache.bytes_max <= UINT64_C(1) << 36);
    assert_true(p->features.count <= SWGI_FEATURES_MAX);
    assert_true(strnlen(p->fallback.alternative, SWGI_NAME_MAX + 1) <= SWGI_NAME_MAX);
    assert_true(strnlen(p->fallback.answer, SWGI_ANSWER_MAX + 1) <= SWGI_ANSWER_MAX);
    for (unsigned i = 0; i < SWGI_FALLBACKS_MAX; i++)
        assert_true(p->fallback.chain[i] <= SWGI_FALLBACK_FUNCTION);
    for (unsigned i = 0; i < p->features.count; i++)
        assert_in_range(strnlen(p->features.list[i].name, SWGI_FEATURE_NAME_MAX + 1), 1,
                        SWGI_FEATURE_NAME_MAX);
}

static void assert_delays_end(const struct swgi_retry_settings *retry) {
    for (unsigned attempt = 1; attempt <= SWGI_ATTEMPTS_MAX; attempt += 31) {
        int64_t delay = swgi_backoff_delay(retry, attempt, INT64_MAX, 0.999, 1, 100);

        assert_true(delay >= 0 && (uint64_t)delay <= retry->max_delay_ns);
    }
}

/* Numbers are few beside texts, so each is damaged as often as all texts. */
static void damage(struct swgi_policy_settings *settings, struct swgi_random *random) {
    const size_t numbers = offsetof(struct swgi_policy_settings, fallback);
    unsigned damages = 1 + (unsigned)swgi_random_below(random, 3);

    for (unsigned k = 0; k < damages; k++) {
        size_t below = swgi_random_below(random, 2) == 0 ? numbers : sizeof(*settings);
        unsigned char *bytes = (unsigned char *)settings;

        bytes[swgi_random_below(random, below)] = (unsigned char)swgi_random_next(random);
    }
}

static void test_damaged_bytes_are_found_or_harmless(void **state) {
    struct swgi_random random;
    unsigned accepted = 0, refused = 0;

    (void)state;
    swgi_random_init(&random, 10);
    for (unsigned i = 0; i < bounded(300000); i++) {
        struct swgi_settings settings = i % 3 == 0 ? defaults() : everything();

        damage(&settings.policies, &random);
        if (!swgi_settings_check(&settings)) {
            refused++;
            continue;
        }
        accepted++;
        assert_safe(&settings.policies);
        assert_delays_end(&settings.policies.retry);
    }
    assert_true(accepted > bounded(10000) && refused > bounded(100000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policies_are_off_by_default),
        cmocka_unit_test(test_settings_have_no_padding),
        cmocka_unit_test(test_numbers_out_of_range_are_not_acted_upon),
        cmocka_unit_test(test_numbers_that_are_none_are_not_acted_upon),
        cmocka_unit_test(test_fields_that_contradict_are_not_acted_upon),
        cmocka_unit_test(test_damaged_bytes_are_found_or_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
