/*
 * Adaptive limits beside a server whose capacity is known: each settles within 20 % of it and
 * follows a step up and down, and ours does what the published ones do not.
 *
 * Two of the three cannot do it with all of their published constants, so one is set for each:
 * - aimd, as published, sees overload in a mean of over 5 s: this server would have to hold 10,000
 *   calls. adaptive.timeout must be near the latency that is wanted.
 * - gradient2, as published, takes a mean of up to 1.5 times the long-term one for no load, so it
 *   settles at half as much again: adaptive.tolerance 1.
 * vegas lets 3 to 6 calls queue up to a limit of 99, which is within 20 % from 30 workers on.
 */
#include "adaptive_world.h"

#define WORKERS    40u
#define SERVICE_NS 1e7 /* mean, without load */
#define CAPACITY   (WORKERS * 100.0)
#define TALLIED    30u
#define NEAR       0.2
#define TIMEOUT_NS 11500000u /* aimd: 15 % over the service time */

static struct world world;

/* Windows it takes to settle from 10, after the step up, after the step down. */
struct contender {
    uint8_t algorithm;
    const char *name;
    unsigned settle, up, down;
};

static const struct contender contenders[] = {
    { SWGI_ADAPTIVE_AIMD, "aimd", 40, 45, 15 },
    { SWGI_ADAPTIVE_VEGAS, "vegas", 15, 30, 45 },
    { SWGI_ADAPTIVE_GRADIENT2, "gradient2", 45, 50, 25 },
    { SWGI_ADAPTIVE_SWITCHGEAR, "switchgear", 15, 12, 12 },
};
#define CONTENDERS (sizeof(contenders) / sizeof(contenders[0]))

static void begin_at(const struct contender *contender, uint64_t seed, uint32_t initial) {
    begin_world(&world, contender->algorithm, WORKERS, seed);
    world.settings.initial = initial;
    if (contender->algorithm == SWGI_ADAPTIVE_AIMD)
        world.settings.timeout_ns = TIMEOUT_NS;
    if (contender->algorithm == SWGI_ADAPTIVE_GRADIENT2)
        world.settings.tolerance = 1;
    world.limit = swgi_adaptive_limit(&world.words, &world.settings);
}

static void begin(const struct contender *contender, uint64_t seed) {
    begin_at(contender, seed, 10);
}

static void assert_near(const struct contender *contender, const char *when) {
    double limit = mean_limit(&world), capacity = world.workers;

    if (!(fabs(limit - capacity) <= NEAR * capacity))
        fail_msg("%s, %s: %.1f for %.0f", contender->name, when, limit, capacity);
}

static void assert_uses(const struct contender *contender, const char *when, double share) {
    double rate = (double)world.tally.calls / TALLIED;
    double most = world.workers * 1e9 / world.service_ns;

    if (!(rate >= share * most))
        fail_msg("%s, %s: %.0f calls of %.0f a second", contender->name, when, rate, most);
}

static void resize(unsigned workers) {
    world.calls_per_s = world.calls_per_s * workers / world.workers;
    world.workers = workers;
}

static void settles_and_follows(const struct contender *contender) {
    settle_and_tally(&world, contender->settle, TALLIED);
    assert_near(contender, "settling");
    assert_uses(contender, "settling", 0.9);
    resize(2 * WORKERS);
    settle_and_tally(&world, contender->up, TALLIED);
    assert_near(contender, "after a step up");
    assert_uses(contender, "after a step up", 0.9);
    resize(WORKERS);
    settle_and_tally(&world, contender->down, TALLIED);
    assert_near(contender, "after a step down");
    assert_uses(contender, "after a step down", 0.9);
}

static void test_a_crowd(void **state) {
    (void)state;
    for (unsigned i = 0; i < CONTENDERS; i++) {
        for (uint64_t seed = 1; seed <= 2; seed++) {
            begin(&contenders[i], seed);
            settles_and_follows(&contenders[i]);
        }
    }
}

static void test_a_stream_of_twice_the_capacity(void **state) {
    (void)state;
    for (unsigned i = 0; i < CONTENDERS; i++) {
        for (uint64_t seed = 1; seed <= 2; seed++) {
            begin(&contenders[i], seed);
            world.calls_per_s = 2 * CAPACITY;
            settles_and_follows(&contenders[i]);
        }
    }
}

static void test_nobody_grows_without_use(void **state) {
    (void)state;
    for (unsigned i = 0; i < CONTENDERS; i++) {
        begin_at(&contenders[i], 3, 50);
        world.callers = 10;
        live(&world, S(300));
        assert_in_range(world.limit, 1, 50);
        /* A call now and then: windows are prolonged until they hold ten. */
        begin_at(&contenders[i], 3, 50);
        world.calls_per_s = 3;
        live(&world, S(3000));
        assert_in_range(world.limit, 1, 50);
    }
}

/* ---- ours alone */

static const struct contender *const ours = &contenders[3];

static void assert_near_no_load(double share) {
    double slower = mean_ns(&world) / world.service_ns;

    if (!(slower <= share))
        fail_msg("%.2f times the time without load", slower);
}

static void test_ours_keeps_latency_low_and_the_server_busy(void **state) {
    static const unsigned sizes[] = { 2, 5, 20, 100, 200 };

    (void)state;
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        begin(ours, i);
        world.workers = sizes[i];
        settle_and_tally(&world, 30, TALLIED);
        assert_uses(ours, "small and large", 0.9);
        /* One call may always queue, so that a server of two is told from one of one. */
        assert_near_no_load(sizes[i] < 10 ? 1.6 : 1.15);
    }
}

static void test_ours_begins_amid_overload(void **state) {
    (void)state;
    begin_at(ours, 4, 600); /* never saw the server without a queue of 560 */
    settle_and_tally(&world, 25, TALLIED);
    assert_near(ours, "begun amid overload");
    assert_near_no_load(1.15);
}

/* Slower for all calls alike: what was the time without load is so no more. */
static void test_ours_follows_the_server_s_speed(void **state) {
    (void)state;
    begin(ours, 5);
    settle_and_tally(&world, 15, TALLIED);
    world.service_ns = 2 * SERVICE_NS;
    settle_and_tally(&world, 20, TALLIED);
    assert_near(ours, "slower");
    assert_uses(ours, "slower", 0.9);
    world.service_ns = SERVICE_NS;
    settle_and_tally(&world, 20, TALLIED);
    assert_near(ours, "faster");
    assert_near_no_load(1.15);
}

static void test_ours_does_not_drift(void **state) {
    (void)state;
    begin(ours, 6);
    live(&world, S(15));
    for (int minute = 0; minute < 40; minute++) {
        settle_and_tally(&world, TALLIED, TALLIED);
        assert_near(ours, "for long");
        assert_near_no_load(1.2);
        assert_uses(ours, "for long", 0.9);
    }
}

/* Calls of a second, fifteen in a window: it takes as many windows as it needs for one. */
static void test_ours_has_patience_with_slow_calls(void **state) {
    (void)state;
    begin(ours, 7);
    world.workers = 20;
    world.service_ns = 1e9;
    settle_and_tally(&world, 100, 600);
    assert_near(ours, "slow");
    assert_true((double)world.tally.calls >= 0.8 * 20 * 600);
}

static void test_ours_ends_timeouts_within_seconds(void **state) {
    (void)state;
    begin_at(ours, 8, 800);
    world.calls_per_s = 3 * CAPACITY;
    world.patience_ns = MS(50);
    live(&world, S(2));
    assert_true(world.tally.failed * 2 > world.tally.calls);
    settle_and_tally(&world, 10, TALLIED);
    assert_true(world.tally.failed * 200 < world.tally.calls);
    assert_uses(ours, "after timeouts", 0.9);
}

/* Half a per cent of calls takes too long whatever the load: no reason to starve. */
static void test_ours_lives_with_a_few_timeouts(void **state) {
    (void)state;
    begin(ours, 9);
    world.patience_ns = MS(32);
    settle_and_tally(&world, 30, TALLIED);
    assert_true(world.tally.failed * 1000 > world.tally.calls);
    assert_uses(ours, "with a few timeouts", 0.9);
}

/* ---- side by side */

struct score {
    double limit, slower, used;
};

static struct score score_now(void) {
    return (struct score){ mean_limit(&world) / world.workers, mean_ns(&world) / world.service_ns,
                           (double)world.tally.calls / TALLIED * world.service_ns / 1e9 /
                               world.workers };
}

static void print_score(const char *what, const struct contender *contender, struct score score) {
    print_message("%-24s %-10s limit %.2f x capacity, mean %.2f x no-load, throughput %.2f\n", what,
                  contender->name, score.limit, score.slower, score.used);
}

/* aimd is told the latency to keep, and keeps it. Of those that learn it, the published ones take
 * the queue they stand in for the server's own time, a little more with each measurement. */
static void test_in_a_lasting_overload_ours_learns_best(void **state) {
    struct score scores[CONTENDERS];

    (void)state;
    for (unsigned i = 0; i < CONTENDERS; i++) {
        begin(&contenders[i], 10);
        settle_and_tally(&world, 1800, TALLIED);
        scores[i] = score_now();
        print_score("half an hour of overload", &contenders[i], scores[i]);
    }
    assert_true(fabs(scores[3].limit - 1) <= NEAR && scores[3].used >= 0.95);
    assert_true(scores[3].slower < scores[1].slower && scores[3].slower < scores[2].slower);
}

static void test_a_slower_server_is_still_used_by_ours(void **state) {
    struct score scores[CONTENDERS];

    (void)state;
    for (unsigned i = 0; i < CONTENDERS; i++) {
        begin(&contenders[i], 11);
        live(&world, S(60));
        world.service_ns = 1.5 * SERVICE_NS;
        settle_and_tally(&world, 60, TALLIED);
        scores[i] = score_now();
        print_score("each call slower by half", &contenders[i], scores[i]);
    }
    for (unsigned i = 0; i + 1 < CONTENDERS; i++)
        assert_true(scores[3].used >= scores[i].used);
    assert_true(scores[3].used >= 0.95);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_crowd),
        cmocka_unit_test(test_a_stream_of_twice_the_capacity),
        cmocka_unit_test(test_nobody_grows_without_use),
        cmocka_unit_test(test_ours_keeps_latency_low_and_the_server_busy),
        cmocka_unit_test(test_ours_begins_amid_overload),
        cmocka_unit_test(test_ours_follows_the_server_s_speed),
        cmocka_unit_test(test_ours_does_not_drift),
        cmocka_unit_test(test_ours_has_patience_with_slow_calls),
        cmocka_unit_test(test_ours_ends_timeouts_within_seconds),
        cmocka_unit_test(test_ours_lives_with_a_few_timeouts),
        cmocka_unit_test(test_in_a_lasting_overload_ours_learns_best),
        cmocka_unit_test(test_a_slower_server_is_still_used_by_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
