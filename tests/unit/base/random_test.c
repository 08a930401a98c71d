/* Random numbers: the published sequences, and no bias where none was promised. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"

/* splitmix64 from seed 1234567, as published with the algorithm (https://prng.di.unimi.it/splitmix64.c). */
static void test_splitmix_is_splitmix(void **state) {
    static const uint64_t published[] = {
        UINT64_C(6457827717110365317),
        UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),
        UINT64_C(4593380528125082431),
    };
    struct swgi_random random;

    (void)state;
    swgi_random_init(&random, 1234567);
    for (unsigned i = 0; i < 4; i++)
        assert_true(random.state[i] == published[i]);
}

/* xoshiro256** from the state 1, 2, 3, 4: the first numbers follow by hand from its definition. */
static void test_xoshiro_is_xoshiro(void **state) {
    struct swgi_random random = { .state = { 1, 2, 3, 4 } };

    (void)state;
    assert_true(swgi_random_next(&random) == 11520);
    assert_true(swgi_random_next(&random) == 0);
    assert_true(swgi_random_next(&random) == 1509978240);
    assert_true(swgi_random_next(&random) == 1215971899390074240);
}

static void test_a_seed_can_be_replayed(void **state) {
    struct swgi_random one, two, other;

    (void)state;
    swgi_random_init(&one, 42);
    swgi_random_init(&two, 42);
    swgi_random_init(&other, 43);
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t number = swgi_random_next(&one);

        assert_true(number == swgi_random_next(&two));
        assert_false(number == swgi_random_next(&other));
    }
}

static void test_shares_are_uniform(void **state) {
    struct swgi_random random;
    unsigned bins[16] = { 0 };

    (void)state;
    swgi_random_init(&random, 5);
    for (unsigned i = 0; i < 160000; i++) {
        double share = swgi_random_share(&random);

        assert_true(share >= 0 && share < 1);
        bins[(unsigned)(share * 16)]++;
    }
    for (unsigned i = 0; i < 16; i++)
        assert_in_range(bins[i], 9500, 10500);
}

/* 3 x 2^62 is where taking a remainder would be most unfair: the lower third would come twice as often. */
static void test_bounds_are_kept_without_bias(void **state) {
    const uint64_t bound = UINT64_C(3) << 62;
    struct swgi_random random;
    unsigned lower = 0;

    (void)state;
    swgi_random_init(&random, 6);
    assert_true(swgi_random_below(&random, 0) == 0);
    assert_true(swgi_random_below(&random, 1) == 0);
    for (unsigned i = 0; i < 30000; i++) {
        uint64_t number = swgi_random_below(&random, bound);

        assert_true(number < bound);
        lower += number < bound / 3;
        assert_in_range(swgi_random_below(&random, 6), 0, 5);
    }
    assert_in_range(lower, 9500, 10500);
}

static void test_seeds_differ(void **state) {
    (void)state;
    assert_false(swgi_random_seed() == swgi_random_seed());
    assert_false(swgi_random_mix(1) == swgi_random_mix(2));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splitmix_is_splitmix),
        cmocka_unit_test(test_xoshiro_is_xoshiro),
        cmocka_unit_test(test_a_seed_can_be_replayed),
        cmocka_unit_test(test_shares_are_uniform),
        cmocka_unit_test(test_bounds_are_kept_without_bias),
        cmocka_unit_test(test_seeds_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
