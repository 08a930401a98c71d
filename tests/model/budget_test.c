/*
 * The retry budget beside a bucket that is filled by hand, and its promise: retries <= share of first calls + floor per
 * second + what may be saved up, whoever interleaves, is stopped, is killed, or lies about the time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bound.h"
#include "base/random.h"
#include "base/wide.h"
#include "engine/budget.h"

#define US(n) (INT64_C(1000) * (n))
#define MS(n) US(INT64_C(1000) * (n))
#define S(n)  MS(INT64_C(1000) * (n))
#define RETRY UINT64_C(1000000) /* the bucket counts millionths */

static struct swgi_random chance;

static uint64_t roll(uint64_t below) {
    return swgi_random_below(&chance, below);
}

static struct swgi_retry_settings rates(uint32_t ppm, uint32_t per_second, uint32_t most) {
    return (struct swgi_retry_settings){ .budget_ppm = ppm,
                                         .budget_per_second = per_second,
                                         .budget_max = most };
}

static struct swgi_retry_settings any_rates(void) {
    static const uint32_t ppms[] = { 0, 1, 150, 1500, 10000, 100000, 200000, 333333, 1000000 };
    static const uint32_t seconds[] = { 0, 1, 3, 10, 1000, SWGI_BUDGET_MAX };
    static const uint32_t mosts[] = { 1, 2, 10, 100, SWGI_BUDGET_MAX };

    return rates(ppms[roll(9)], seconds[roll(6)], mosts[roll(5)]);
}

/* ---- one caller, whole microseconds: the same answer each time */

struct bucket {
    swgi_wide left, earned; /* earned: since the beginning, without a cut */
    uint64_t calls;
    int64_t now;
    bool used;
};

static struct swgi_budget_words words;

static void fill(struct bucket *bucket, const struct swgi_retry_settings *settings, uint64_t calls,
                 int64_t passed) {
    swgi_wide most = settings->budget_max * RETRY;
    swgi_wide more = (swgi_wide)calls * settings->budget_ppm +
                     (swgi_wide)passed * settings->budget_per_second / 1000;

    bucket->calls += calls;
    bucket->now += passed;
    bucket->earned += more;
    bucket->left = bucket->left + more < most && bucket->used ? bucket->left + more : most;
}

static bool take_by_hand(struct bucket *bucket) {
    bool taken = bucket->left >= RETRY;

    bucket->used |= taken;
    bucket->left -= taken ? RETRY : 0;
    return taken;
}

static void compare_left(const struct bucket *bucket, const struct swgi_retry_settings *settings) {
    double left = swgi_budget_left(&words, settings, bucket->calls, bucket->now);

    assert_true(fabs(left * 1e6 - (double)bucket->left) < 0.5);
}

static void step_alone(struct bucket *bucket, const struct swgi_retry_settings *settings,
                       uint64_t *taken) {
    switch (roll(8)) {
    case 0:
        fill(bucket, settings, roll(2) ? roll(10) : roll(1u << roll(24)), 0);
        break;
    case 1:
        fill(bucket, settings, 0, US((int64_t)roll(UINT64_C(1) << roll(34))));
        break;
    default:
        fill(bucket, settings, roll(2), 0);
    }
    compare_left(bucket, settings);
    bool real = swgi_budget_take(&words, settings, bucket->calls, bucket->now);
    if (real != take_by_hand(bucket))
        fail_msg("%u ppm, %u a second, at most %u: it says %d", settings->budget_ppm,
                 settings->budget_per_second, settings->budget_max, real);
    *taken += real;
    assert_true(*taken * RETRY <= bucket->earned + settings->budget_max * RETRY);
}

static void test_it_answers_as_a_bucket_filled_by_hand(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < bounded(3000); seed++) {
        swgi_random_init(&chance, seed);
        struct swgi_retry_settings settings = any_rates();
        struct bucket bucket = { .calls = roll(UINT64_C(1) << roll(45)),
                                 .now = US((int64_t)roll(UINT64_C(1) << roll(48))),
                                 .left = settings.budget_max * RETRY };
        uint64_t taken = 0;

        memset((void *)&words, 0, sizeof(words));
        for (unsigned i = 0; i < 500; i++)
            step_alone(&bucket, &settings, &taken);
        assert_int_equal(swgi_load(&words.spent), taken);
        assert_int_equal(swgi_load(&words.refused), 500 - taken);
    }
}

/* ---- all calls fail, and each asks for as many retries as it may */

static uint64_t retries_of_a_call(const struct swgi_retry_settings *settings, unsigned attempts,
                                  uint64_t calls, int64_t now) {
    uint64_t retries = 0;

    while (retries + 1 < attempts && swgi_budget_take(&words, settings, calls, now))
        retries++;
    return retries;
}

static void outage(uint32_t ppm, uint32_t per_second, uint32_t most, unsigned attempts) {
    struct swgi_retry_settings settings = rates(ppm, per_second, most);
    uint64_t calls = 0, retries = 0;
    int64_t began = S(1000), now = began;

    memset((void *)&words, 0, sizeof(words));
    while (calls < 50000) {
        now += (int64_t)roll((uint64_t)MS(roll(20) == 0 ? 400 : 4));
        for (uint64_t burst = roll(20) == 0 ? roll(300) : 1; burst > 0; burst--)
            retries += retries_of_a_call(&settings, attempts, ++calls, now);
        double bound = (double)calls * ppm / 1e6 + (double)per_second * (double)(now - began) / 1e9;
        assert_true((double)retries <= bound + most);
        /* And it is no less: what is refused was not there. What a burst does not use, it saves. */
        assert_true(attempts < 3 || calls < 2 || (double)retries > bound - 1 - ppm / 1e6);
    }
}

static void test_retries_do_not_multiply_an_outage(void **state) {
    (void)state;
    swgi_random_init(&chance, 7);
    for (unsigned attempts = 2; attempts <= 63; attempts += attempts < 8 ? 1 : 11) {
        outage(200000, 0, 10, attempts);
        outage(100000, 10, 20, attempts);
        outage(1500, 0, 1, attempts);
        outage(1, 0, 5, attempts);
        outage(0, 3, 2, attempts);
        outage(1000000, 0, 100, attempts);
    }
}

static void test_without_a_budget_all_are_granted(void **state) {
    struct swgi_retry_settings settings = rates(UINT32_MAX, 0, 1);

    (void)state;
    memset((void *)&words, 0, sizeof(words));
    for (unsigned i = 0; i < 100; i++)
        assert_true(swgi_budget_take(&words, &settings, 0, 0));
    assert_int_equal(swgi_load(&words.spent), 100);
    assert_true(isinf(swgi_budget_left(&words, &settings, 0, 0)));
}

/* ---- callers who know too little, clocks that differ */

/* Any sum and any clock that is not ahead of the truth, as of callers that were stopped in between. */
static void test_who_was_stopped_gets_no_more(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < bounded(2000); seed++) {
        swgi_random_init(&chance, seed);
        struct swgi_retry_settings settings = any_rates();
        uint64_t begun = roll(1000000), calls = begun, taken = 0;
        int64_t began = S(5000), now = began;

        memset((void *)&words, 0, sizeof(words));
        for (unsigned i = 0; i < 500; i++) {
            calls += roll(8);
            now += US((int64_t)roll(10000));
            bool fresh = roll(2) == 0;
            uint64_t known = fresh ? calls : calls - roll(calls - begun + 1);
            int64_t clock = fresh ? now : now - (int64_t)roll((uint64_t)(now - began + 1));

            taken += swgi_budget_take(&words, &settings, known, clock);
            swgi_wide bound = (swgi_wide)(calls - begun) * settings.budget_ppm +
                              (swgi_wide)(now - began) * settings.budget_per_second / 1000 + 1 +
                              settings.budget_max * RETRY;
            assert_true(taken * RETRY <= bound);
        }
    }
}

static void test_a_jump_adds_at_most_what_may_be_saved(void **state) {
    struct swgi_retry_settings settings = rates(100000, 50, 20);
    uint64_t calls = 0, taken = 0, jumps = 0;
    int64_t now = S(100000);
    double passed = 0;

    (void)state;
    swgi_random_init(&chance, 3);
    memset((void *)&words, 0, sizeof(words));
    for (unsigned i = 0; i < 200000; i++) {
        int64_t step = US((int64_t)roll(2000));

        calls += roll(3);
        now += step;
        passed += (double)step;
        if (roll(1000) == 0) {
            now += roll(2) ? S(30000) : -S((int64_t)roll(30000));
            now = now < 0 ? 0 : now;
            jumps++;
        }
        taken += swgi_budget_take(&words, &settings, calls, now);
        double bound = (double)calls * 0.1 + passed * 50 / 1e9 + 20.0 * (1 + (double)jumps);
        assert_true((double)taken <= bound);
    }
    assert_true(jumps > 100);
    /* A jump back costs ten seconds at most. */
    assert_true((double)taken > (double)calls * 0.1 * 0.5);
}

/* ---- a word that says anything */

static uint64_t any_word(uint64_t present) {
    switch (roll(4)) {
    case 0:
        return swgi_random_next(&chance);
    case 1:
        return present + (roll(UINT64_C(1) << roll(56)));
    case 2:
        return present - (roll(UINT64_C(1) << roll(56)));
    default:
        return present ^ UINT64_C(1) << roll(64);
    }
}

static void test_any_word_adds_at_most_what_may_be_saved_and_is_got_over(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < bounded(3000); seed++) {
        swgi_random_init(&chance, seed);
        struct swgi_retry_settings settings = rates(250000, 0, (uint32_t)roll(20) + 1);
        uint64_t calls = roll(1000000);
        int64_t now = S(1000);

        memset((void *)&words, 0, sizeof(words));
        swgi_budget_take(&words, &settings, calls, now);
        swgi_store(&words.credit, any_word(swgi_load(&words.credit)));
        if (roll(4) == 0)
            swgi_store(&words.spare[0], swgi_random_next(&chance));
        uint64_t taken = 0;
        for (unsigned i = 1; i <= 400; i++) {
            now += MS(100);
            taken += swgi_budget_take(&words, &settings, ++calls, now);
            assert_true(taken * 4 <= i + 4 * settings.budget_max);
        }
        /* Ten seconds of disbelief are a hundred of these calls; in the others it earns a quarter. */
        assert_true(taken >= (400 - 102) / 4 - settings.budget_max);
    }
}

/* ---- other rates */

static void test_other_rates_keep_what_is_saved(void **state) {
    struct swgi_retry_settings few = rates(100000, 0, 10), many = rates(500000, 7, 8);

    (void)state;
    memset((void *)&words, 0, sizeof(words));
    for (unsigned i = 0; i < 4; i++)
        assert_true(swgi_budget_take(&words, &few, 1000, S(50)));
    swgi_budget_settle(&words, &few, &many, 1005, S(50));
    assert_true(fabs(swgi_budget_left(&words, &many, 1005, S(50)) - 6.5) < 1e-5);
    assert_true(fabs(swgi_budget_left(&words, &many, 1006, S(50)) - 7) < 1e-5);
    assert_true(fabs(swgi_budget_left(&words, &many, 1100, S(90)) - 8) < 1e-5);
    swgi_budget_settle(&words, &many, &few, 1100, S(90));
    assert_true(fabs(swgi_budget_left(&words, &few, 1100, S(900)) - 8) < 1e-5);
}

static void test_a_lower_most_cuts_what_is_saved(void **state) {
    struct swgi_retry_settings settings = rates(100000, 0, 10);

    (void)state;
    memset((void *)&words, 0, sizeof(words));
    assert_true(swgi_budget_take(&words, &settings, 1000, 0));
    settings.budget_max = 3;
    assert_true(swgi_budget_left(&words, &settings, 1000, 0) == 3);
    settings.budget_max = 100;
    assert_true(swgi_budget_left(&words, &settings, 1000, 0) == 9);
}

static void test_rates_nobody_settled_begin_empty(void **state) {
    struct swgi_retry_settings few = rates(100000, 0, 10), many = rates(200000, 0, 10);

    (void)state;
    memset((void *)&words, 0, sizeof(words));
    assert_true(swgi_budget_take(&words, &few, 1000, 0));
    assert_true(swgi_budget_left(&words, &many, 5000, 0) == 0);
    assert_false(swgi_budget_take(&words, &many, 5000, 0));
    assert_false(swgi_budget_take(&words, &many, 5004, 0));
    assert_true(swgi_budget_take(&words, &many, 5005, 0));
    assert_false(swgi_budget_take(&words, &many, 5009, 0));
}

static void test_settings_that_come_and_go_grant_nothing_of_their_own(void **state) {
    struct swgi_retry_settings both[] = { rates(100000, 0, 10), rates(200000, 0, 10) };
    uint64_t taken = 0;

    (void)state;
    swgi_random_init(&chance, 1);
    memset((void *)&words, 0, sizeof(words));
    for (uint64_t calls = 1; calls <= 100000; calls++) {
        taken += swgi_budget_take(&words, &both[roll(30) == 0], calls, 0);
        assert_true((double)taken <= (double)calls * 0.2 + 10);
    }
    assert_true(taken > 100);
}

/* ---- many at once */

#define CALLERS 4u

static struct shared {
    struct swgi_budget_words words;
    swgi_word calls[CALLERS], taken[CALLERS]; /* each caller its own */
    swgi_word now, stop, done[CALLERS];
} * shared;

/* Their clock is so slow that nobody is stopped for the ten seconds after which a mark ahead of him is disbelieved. */
static const uint32_t busy_ppm = 900000, busy_per_second = 5000, busy_most = 50;

static uint64_t sum(const swgi_word *of_callers) {
    uint64_t all = 0;

    for (unsigned i = 0; i < CALLERS; i++)
        all += swgi_load(&of_callers[i]);
    return all;
}

/* One failing call: its thread counts it, sums what all have counted, and asks. */
static void fail_once(unsigned caller, const struct swgi_retry_settings *settings) {
    swgi_add(&shared->calls[caller], 1);
    int64_t now = (int64_t)swgi_load(&shared->now);
    if (swgi_budget_take(&shared->words, settings, sum(shared->calls), now))
        swgi_add(&shared->taken[caller], 1);
    if (caller == 0)
        swgi_add(&shared->now, (uint64_t)US(1));
}

static void *fail_often(void *caller) {
    struct swgi_retry_settings settings = rates(busy_ppm, busy_per_second, busy_most);
    unsigned me = (unsigned)(uintptr_t)caller;

    while (!swgi_load(&shared->stop)) {
        fail_once(me, &settings);
        swgi_add(&shared->done[me], 1);
    }
    return NULL;
}

static void share(void) {
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    swgi_store(&shared->now, (uint64_t)S(1));
}

static uint64_t earned(void) {
    uint64_t passed_us = (swgi_load(&shared->now) - (uint64_t)S(1)) / 1000;

    return sum(shared->calls) * busy_ppm + passed_us * busy_per_second;
}

/* What is gone was granted: to a caller who noted it, or to one killed before it could. */
static void check_all(uint64_t kills) {
    struct swgi_retry_settings settings = rates(busy_ppm, busy_per_second, busy_most);
    uint64_t taken = sum(shared->taken);
    double left = swgi_budget_left(&shared->words, &settings, sum(shared->calls),
                                   (int64_t)swgi_load(&shared->now));
    double all = (double)earned() / RETRY + busy_most;

    assert_true((double)taken <= all);
    /* The very first take forgets what was earned before it, by each caller. */
    if (fabs((double)taken + left - all) > 2 + (double)kills)
        fail_msg("%llu taken and %f left of %f, %llu killed", (unsigned long long)taken, left, all,
                 (unsigned long long)kills);
}

static void test_threads_share_it_exactly(void **state) {
    pthread_t threads[CALLERS];

    (void)state;
    share();
    for (uintptr_t i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fail_often, (void *)i), 0);
    while (sum(shared->done) < 2000000)
        sched_yield();
    swgi_store(&shared->stop, 1);
    for (unsigned i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    check_all(0);
    assert_true(sum(shared->taken) > sum(shared->calls) / 2);
    munmap(shared, sizeof(*shared));
}

static pid_t start(unsigned caller) {
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        fail_often((void *)(uintptr_t)caller);
        _exit(0);
    }
    return pid;
}

static void end(pid_t pid, int with) {
    if (with != 0)
        assert_int_equal(kill(pid, with), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_the_killed_take_at_most_their_own(void **state) {
    pid_t pids[CALLERS];
    uint64_t kills = 0;

    (void)state;
    swgi_random_init(&chance, 11);
    share();
    for (unsigned i = 0; i < CALLERS; i++)
        pids[i] = start(i);
    while (kills < 200) {
        unsigned victim = (unsigned)roll(CALLERS);
        uint64_t until = sum(shared->done) + 500 + roll(2000);

        while (sum(shared->done) < until)
            sched_yield();
        end(pids[victim], SIGKILL);
        pids[victim] = start(victim);
        kills++;
    }
    swgi_store(&shared->stop, 1);
    for (unsigned i = 0; i < CALLERS; i++)
        end(pids[i], 0);
    check_all(kills);
    munmap(shared, sizeof(*shared));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_answers_as_a_bucket_filled_by_hand),
        cmocka_unit_test(test_retries_do_not_multiply_an_outage),
        cmocka_unit_test(test_without_a_budget_all_are_granted),
        cmocka_unit_test(test_who_was_stopped_gets_no_more),
        cmocka_unit_test(test_a_jump_adds_at_most_what_may_be_saved),
        cmocka_unit_test(test_any_word_adds_at_most_what_may_be_saved_and_is_got_over),
        cmocka_unit_test(test_other_rates_keep_what_is_saved),
        cmocka_unit_test(test_a_lower_most_cuts_what_is_saved),
        cmocka_unit_test(test_rates_nobody_settled_begin_empty),
        cmocka_unit_test(test_settings_that_come_and_go_grant_nothing_of_their_own),
        cmocka_unit_test(test_threads_share_it_exactly),
        cmocka_unit_test(test_the_killed_take_at_most_their_own),
    };

    return cmocka_run_group_tests_name("model: retry budget", tests, NULL, NULL);
}
