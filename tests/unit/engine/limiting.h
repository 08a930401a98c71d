/*
 * What stories about limiters share: words and slots of their own, a clock that stands still until they move it, and short
 * words for asking.
 */
#ifndef TESTS_UNIT_ENGINE_LIMITING_H
#define TESTS_UNIT_ENGINE_LIMITING_H
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "engine/limiter.h"
#include "switchgear/switchgear.h"

#define MS(n) (INT64_C(1000000) * (n))
#define S(n)  (INT64_C(1000000000) * (n))

#define SLOTS 16384u

static struct swgi_limiter_words words;
static swgi_word slots[SLOTS];
static struct swgi_limiter_settings settings;
static int64_t now;

static inline struct swgi_limiter_settings plain(unsigned algorithm, uint32_t rate, int64_t per) {
    return (struct swgi_limiter_settings){ .rate = rate,
                                           .burst_follows = 1,
                                           .algorithm = (uint8_t)algorithm,
                                           .per_ns = (uint64_t)per,
                                           .increase = 0.1,
                                           .decrease = 0.5,
                                           .system_load_above = 0.8 };
}

static inline void compile(void) {
    struct swg_error error = SWG_ERROR_INIT;
    if (swgi_limiter_compile(&settings, &error) != 0)
        fail_msg("%s: %s", error.key, error.text);
    assert_true(swgi_limiter_settings_check(&settings));
}

/* Runs of the log alternate between the halves of the pool. */
static inline void install_unchecked(void) {
    uint32_t needed = swgi_limiter_slots(&words, SLOTS, &settings);
    uint32_t first = swgi_run_first(words.log) == 1 ? 1 + SLOTS / 2 : 1;
    swgi_limiter_install(&words, &settings, slots, SLOTS, needed != 0 ? swgi_run(first, needed) : 0,
                         now);
}

static inline void install(void) {
    compile();
    install_unchecked();
}

static inline void begin(unsigned algorithm, uint32_t rate, int64_t per) {
    memset(&words, 0, sizeof(words));
    memset(slots, 0, sizeof(slots));
    now = S(1000000);
    settings = plain(algorithm, rate, per);
    install();
}

static inline void begin_bucket(uint32_t rate, int64_t per, uint32_t burst) {
    begin(SWGI_TOKEN_BUCKET, rate, per);
    settings.burst = burst;
    settings.burst_follows = 0;
    install();
}

static inline struct swgi_limiter_answer ask(int64_t may_wait) {
    return swgi_limiter_take(&words, slots, SLOTS, now, may_wait);
}

static inline int64_t take(void) {
    return ask(0).wait_ns;
}

static inline unsigned take_all(void) {
    unsigned taken = 0;
    while (taken < 5000 && take() == 0)
        taken++;
    return taken;
}

static inline uint32_t left(void) {
    return swgi_limiter_left(&words, slots, SLOTS, now);
}

static inline struct swgi_limiter_view look(void) {
    struct swgi_limiter_view view;
    swgi_limiter_look(&words, slots, SLOTS, now, &view);
    return view;
}

/* Rejected; one ns before the time it was told still is; then goes. */
static inline void assert_retry(int64_t wait) {
    assert_int_equal(take(), -wait);
    assert_int_equal(look().retry_in, wait);
    now += wait - 1;
    assert_int_equal(take(), -1);
    now += 1;
    assert_int_equal(look().retry_in, 0);
    assert_int_equal(take(), 0);
}

#endif
