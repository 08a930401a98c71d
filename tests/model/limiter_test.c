/*
 * Each limiter beside a naive one, over random lives: gaps, bursts, equal instants, clocks that differ, other settings, rates
 * that adapt.
 *
 * The naive one keeps every call it let through and asks of an instant only whether one more fits; when to ask again follows
 * from that: the real one's answer must fit, and one ns earlier must not. Beside that, what let through how much is counted
 * from outside, against the promises of engine/limiter.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bound.h"
#include "base/random.h"
#include "engine/limiter.h"
#include "switchgear/switchgear.h"

#define MS(n) (INT64_C(1000000) * (n))
#define S(n)  (INT64_C(1000000000) * (n))

#define SLOTS    512u
#define RATE     24u /* at most, so that every life is full of rejections */
#define KEPT     (4 * RATE)
#define UNIT     ((int64_t)SWGI_LOG_UNIT_NS)
#define LATENESS MS(900) /* how far a caller's clock may be off */

__extension__ typedef __int128 exact;

static struct swgi_limiter_words words;
static swgi_word slots[SLOTS];
static struct swgi_limiter_settings settings;
static struct swgi_random chance;
static int64_t clock_now; /* what all clocks are near */
static bool clocks_differ;
static uint64_t life, gone, rejected, reserved;

static struct {
    /* Bucket: the continuous-state leaky bucket, the other of the two equal algorithms in ITU-T I.371: what was poured in
     * drains with time. */
    exact level, poured_at;
    int64_t interval, tolerance;
    /* Windows: the number of each call's; log: its instant, rounded up. The oldest first. */
    int64_t calls[KEPT];
    unsigned count;
    int64_t window; /* the latest there was */
    int64_t limit, per;
} naive;

/* What went, as told to the callers, since the settings last changed. */
static int64_t starts[KEPT];
static unsigned starts_count;

static uint64_t roll(uint64_t bound) {
    return swgi_random_below(&chance, bound);
}

static bool is_bucket(void) {
    return settings.algorithm <= SWGI_LEAKY_BUCKET;
}

static void push(int64_t *list, unsigned *count, int64_t value) {
    if (*count == KEPT) {
        memmove(list, list + 1, (KEPT - 1) * sizeof(*list));
        --*count;
    }
    list[(*count)++] = value;
}

/* ---- the naive one */

static exact level_at(int64_t at) {
    exact level = naive.level - (at - naive.poured_at);
    return level > 0 ? level : 0;
}

static int64_t newest(void) {
    return naive.count != 0 ? naive.calls[naive.count - 1] : INT64_MIN;
}

static int64_t window_of(int64_t at) {
    int64_t index = at / naive.per;
    return naive.window > index ? naive.window : index;
}

static exact calls_in(int64_t window) {
    exact calls = 0;
    for (unsigned i = 0; i < naive.count; i++)
        calls += naive.calls[i] == window;
    return calls;
}

static bool fits_window(int64_t at) {
    int64_t window = window_of(at), start = window * naive.per;
    exact covered = naive.per - (at > start ? at - start : 0);
    exact taken = (calls_in(window) + 1) * naive.per;
    if (settings.algorithm == SWGI_SLIDING_WINDOW)
        taken += calls_in(window - 1) * covered;
    return taken <= (exact)naive.limit * naive.per;
}

static bool fits_log(int64_t at) {
    int64_t within = 0;
    for (unsigned i = 0; i < naive.count; i++)
        within += naive.calls[i] + naive.per > at;
    return within < naive.limit;
}

static bool fits(int64_t at, int64_t may_wait) {
    if (is_bucket())
        return level_at(at) <= naive.tolerance + may_wait;
    return settings.algorithm == SWGI_SLIDING_LOG ? fits_log(at) : fits_window(at);
}

/* It went: how long it has to wait. */
static int64_t let_through(int64_t at) {
    int64_t wait = 0;
    if (is_bucket()) {
        exact level = level_at(at);
        wait = level > naive.tolerance ? (int64_t)(level - naive.tolerance) : 0;
        naive.level = level + naive.interval;
        naive.poured_at = at;
    } else if (settings.algorithm == SWGI_SLIDING_LOG) {
        int64_t unit = (at + UNIT - 1) / UNIT * UNIT;
        push(naive.calls, &naive.count, unit > newest() ? unit : newest());
    } else {
        naive.window = window_of(at);
        push(naive.calls, &naive.count, naive.window);
    }
    return wait;
}

/* The rate that adapting leaves is taken from the words; that it never is above the configured one is looked at here. */
static void follow_rate(void) {
    int64_t least = (int64_t)((settings.per_ns + settings.rate - 1) / settings.rate);
    naive.limit = (int64_t)words.limit;
    naive.interval = (int64_t)words.interval_ns;
    naive.tolerance = is_bucket() ? (settings.burst - 1) * least : 0;
    assert_in_range(naive.limit, settings.rate_min, settings.rate);
    assert_true(naive.interval >= least);
    assert_true((exact)naive.interval * settings.rate_min < (exact)settings.per_ns + settings.rate);
}

/* Calls of the window that ran, and of the one before it, as calls of other windows. */
static void other_windows(int64_t at) {
    int64_t window = window_of(at), per = (int64_t)settings.per_ns;
    unsigned running = (unsigned)calls_in(window), before = (unsigned)calls_in(window - 1);
    naive.count = 0;
    naive.window = at / per;
    for (unsigned i = 0; i < before && i < settings.rate; i++)
        push(naive.calls, &naive.count, at / per - 1);
    for (unsigned i = 0; i < running && i < settings.rate; i++)
        push(naive.calls, &naive.count, at / per);
}

/* A log remembers as many calls as its ring was long, even when more would count in a longer window. */
static void forget(unsigned length) {
    unsigned dropped = naive.count > length ? naive.count - length : 0;
    naive.count -= dropped;
    memmove(naive.calls, naive.calls + dropped, naive.count * sizeof(*naive.calls));
}

static void follow_settings(int64_t at) {
    bool windows = !is_bucket() && settings.algorithm != SWGI_SLIDING_LOG;
    if (windows && naive.per != 0 && naive.per != (int64_t)settings.per_ns)
        other_windows(at);
    naive.per = (int64_t)settings.per_ns;
    follow_rate();
    exact most = (exact)naive.tolerance + naive.interval + (exact)settings.max_wait_ns;
    if (is_bucket() && naive.level - (at - naive.poured_at) > most) {
        naive.level = most;
        naive.poured_at = at;
    }
}

/* ---- the promises, from outside */

/* Not more than burst + rate x d / per in any time of length d, whichever calls it begins and ends with. */
static void check_bucket(void) {
    for (unsigned i = 0; i < starts_count; i++) {
        exact calls = starts_count - i, length = starts[starts_count - 1] - starts[i];
        if (length >= 0 &&
            (calls - (exact)settings.burst) * (exact)settings.per_ns > length * settings.rate)
            fail_msg("life %lu: %u calls in %ld ns", life, (unsigned)calls, (long)length);
    }
}

static void check_window(void) {
    unsigned calls = 0;
    int64_t per = (int64_t)settings.per_ns, last = starts[starts_count - 1] / per;
    for (unsigned i = 0; i < starts_count; i++)
        calls += starts[i] / per == last;
    if (calls > settings.rate)
        fail_msg("life %lu: %u calls in a window", life, calls);
}

static void check_log(void) {
    int64_t last = starts[starts_count - 1];
    if (starts_count > settings.rate &&
        last - starts[starts_count - 1 - settings.rate] < (int64_t)settings.per_ns)
        fail_msg("life %lu: more than %u calls in a window", life, settings.rate);
}

static void check_promise(int64_t start) {
    push(starts, &starts_count, start);
    if (is_bucket())
        check_bucket();
    else if (!clocks_differ && settings.algorithm == SWGI_SLIDING_LOG)
        check_log();
    else if (!clocks_differ)
        check_window();
}

/* ---- what happens */

static void some_settings(unsigned algorithm) {
    static const int64_t pers[] = { MS(1), MS(7), MS(100), S(1), S(1), 1234567891, S(60) };
    int64_t per = pers[roll(sizeof(pers) / sizeof(*pers))];
    settings = (struct swgi_limiter_settings){ .rate = 1 + (uint32_t)roll(RATE),
                                               .burst_follows = 1,
                                               .algorithm = (uint8_t)algorithm,
                                               .when_limited = SWGI_BUSY_WAIT,
                                               .adaptive = roll(2) == 0,
                                               .per_ns = (uint64_t)per,
                                               .max_wait_ns = (uint64_t)per * 2,
                                               .increase = 0.13,
                                               .decrease = 0.6 };
    if (algorithm == SWGI_TOKEN_BUCKET && roll(2) == 0) {
        settings.burst = 1 + (uint32_t)roll(RATE);
        settings.burst_follows = 0;
    }
    settings.rate_min = 1 + (uint32_t)roll(settings.rate);
}

static void install(int64_t at) {
    uint32_t first = swgi_run_first(words.log) == 1 ? 1 + SLOTS / 2 : 1;
    assert_int_equal(swgi_limiter_compile(&settings, NULL), 0);
    uint32_t needed = swgi_limiter_slots(&words, SLOTS, &settings);
    if (settings.algorithm == SWGI_SLIDING_LOG)
        forget(swgi_run_count(words.log));
    swgi_limiter_install(&words, &settings, slots, SLOTS, needed != 0 ? swgi_run(first, needed) : 0,
                         at);
    follow_settings(at);
    starts_count = 0;
}

/* Asks beside: the words are put back. */
static int64_t beside(int64_t at, int64_t may_wait) {
    static unsigned char kept_words[sizeof(words)], kept_slots[sizeof(slots)];
    memcpy(kept_words, &words, sizeof(words));
    memcpy(kept_slots, slots, sizeof(slots));
    int64_t wait = swgi_limiter_take(&words, slots, SLOTS, at, may_wait).wait_ns;
    memcpy(&words, kept_words, sizeof(words));
    memcpy(slots, kept_slots, sizeof(slots));
    return wait;
}

static void check_rejection(int64_t at, int64_t may_wait, int64_t wait) {
    rejected++;
    if (wait <= 0 || fits(at, may_wait))
        fail_msg("life %lu: rejected, for %ld", life, (long)wait);
    if (!fits(at + wait, may_wait) || fits(at + wait - 1, may_wait))
        fail_msg("life %lu: told to ask again in %ld", life, (long)wait);
    if (roll(8) == 0 && (beside(at + wait - 1, may_wait) != -1 || beside(at + wait, may_wait) < 0))
        fail_msg("life %lu: asked again in %ld", life, (long)wait);
}

static int64_t some_clock(void) {
    if (!clocks_differ || roll(3) != 0)
        return clock_now;
    return clock_now - LATENESS + (int64_t)roll(2 * LATENESS);
}

static void give_back(uint64_t place) {
    if (!is_bucket() || words.interval_ns != (settings.per_ns + settings.rate - 1) / settings.rate)
        return;
    swgi_limiter_give_back(&words, place);
    naive.level -= naive.interval;
    starts_count--;
}

static int64_t call(void) {
    int64_t at = some_clock(), may_wait = is_bucket() && roll(3) == 0 ? naive.per / 2 : 0;
    struct swgi_limiter_answer answer = swgi_limiter_take(&words, slots, SLOTS, at, may_wait);
    if (answer.wait_ns < 0) {
        check_rejection(at, may_wait, -answer.wait_ns);
        return -answer.wait_ns;
    }
    gone++;
    reserved += answer.wait_ns != 0;
    if (!fits(at, may_wait))
        fail_msg("life %lu: went", life);
    int64_t wait = let_through(at);
    if (wait != answer.wait_ns)
        fail_msg("life %lu: waits for %ld, not %ld", life, (long)answer.wait_ns, (long)wait);
    check_promise(at + wait);
    if (roll(10) == 0)
        give_back(answer.place);
    return 0;
}

static void pass(int64_t wait) {
    uint64_t per = (uint64_t)naive.per;
    switch (roll(12)) {
    case 0:
        clock_now += (int64_t)roll(per);
        break;
    case 1:
        clock_now += wait;
        break;
    case 2:
        clock_now += wait != 0 ? wait - 1 : 0;
        break;
    case 3:
        clock_now += naive.per - clock_now % naive.per - (int64_t)roll(2);
        break;
    case 4:
        clock_now += (int64_t)roll(20) == 0 ? (int64_t)roll(per * 40) : 0;
        break;
    case 5:
    case 6:
    case 7:
        clock_now += (int64_t)roll(per / settings.rate + 1);
        break;
    default:
        break;
    }
}

static void adapt(void) {
    static uint64_t calls, bad;
    calls += roll(100);
    bad += roll(8);
    swgi_limiter_adapt(&words, &settings, calls, bad, clock_now);
    follow_rate();
}

/* Once in a while a window of the new unit has by chance the number of one of the old: then nothing is moved. */
static bool unit_can_be_told(uint64_t from) {
    uint64_t old = (uint64_t)clock_now / from, new = (uint64_t)clock_now / settings.per_ns;
    int64_t apart = (int64_t)((old - new) << 40) >> 40;
    return from == settings.per_ns || apart < -5000 || apart > 5000;
}

static void configure(unsigned algorithm) {
    uint64_t per = settings.per_ns;
    some_settings(algorithm);
    if (!unit_can_be_told(per))
        settings.per_ns = per;
    if (settings.max_wait_ns < settings.per_ns * 2)
        settings.max_wait_ns = settings.per_ns * 2;
    install(clock_now);
}

static void live(unsigned algorithm, uint64_t number) {
    life = number;
    swgi_random_init(&chance, number * 8 + algorithm);
    memset(&words, 0, sizeof(words));
    memset(slots, 0, sizeof(slots));
    memset(&naive, 0, sizeof(naive));
    clock_now = S(1000) + (int64_t)roll((uint64_t)S(100000));
    clocks_differ = number % 2 == 1;
    some_settings(algorithm);
    install(clock_now);
    for (unsigned step = 0; step < 2500; step++) {
        pass(call());
        if (roll(40) == 0)
            adapt();
        if (roll(400) == 0)
            configure(algorithm);
    }
}

static void live_many(unsigned algorithm) {
    gone = rejected = reserved = 0;
    for (uint64_t number = 1; number <= bounded(500); number++)
        live(algorithm, number);
    assert_true(gone > bounded(200000) && rejected > bounded(200000));
    assert_true(reserved > bounded(20000) || algorithm > SWGI_LEAKY_BUCKET);
}

static void test_the_token_bucket(void **state) {
    (void)state;
    live_many(SWGI_TOKEN_BUCKET);
}

static void test_the_leaky_bucket(void **state) {
    (void)state;
    live_many(SWGI_LEAKY_BUCKET);
}

static void test_the_fixed_window(void **state) {
    (void)state;
    live_many(SWGI_FIXED_WINDOW);
}

static void test_the_sliding_window(void **state) {
    (void)state;
    live_many(SWGI_SLIDING_WINDOW);
}

static void test_the_sliding_log(void **state) {
    (void)state;
    live_many(SWGI_SLIDING_LOG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_token_bucket), cmocka_unit_test(test_the_leaky_bucket),
        cmocka_unit_test(test_the_fixed_window), cmocka_unit_test(test_the_sliding_window),
        cmocka_unit_test(test_the_sliding_log),
    };

    return cmocka_run_group_tests_name("model: limiter", tests, NULL, NULL);
}
