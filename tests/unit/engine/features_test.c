/* Features that go off at a trip and come back one by one, and their list as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "engine/features.h"
#include "switchgear/switchgear.h"

#define UNIT    (INT64_C(1) << 22) /* of the time in the word */
#define HOLD_NS (1000 * UNIT)

static struct swgi_feature_words words;
static struct swgi_feature_settings settings;
static struct swgi_feature_look look;

static void list(const char *text) {
    assert_int_equal(swgi_features_parse(text, &settings, NULL), 0);
}

static int begin(void **state) {
    (void)state;
    memset((void *)&words, 0, sizeof(words));
    settings = (struct swgi_feature_settings){ .hold_ns = HOLD_NS };
    list("pay:100, login:250, search:50, reviews:20, adverts:1");
    look = (struct swgi_feature_look){
        .closed = true, .healthy = true, .trips = 3, .now = 5000 * UNIT
    };
    return 0;
}

#define STORY(story) cmocka_unit_test_setup(story, begin)

static void wait_for(int64_t ns) {
    look.now += ns;
}

static void trip(void) {
    look.closed = false;
    look.trips++;
}

static struct swgi_feature_view view(void) {
    struct swgi_feature_view seen;

    swgi_features_view(&words, &settings, &look, &seen);
    return seen;
}

static bool is_on(const char *name) {
    int on = swgi_feature_enabled(&words, &settings, name, &look);

    assert_in_range(on, 0, 1);
    return on;
}

/* How many of the three that are not critical are on. Each look may move the word; the view never does. */
static unsigned back(void) {
    static const char *const names[] = { "search", "reviews", "adverts" };
    uint32_t shown = view().on;
    unsigned count = 0;

    assert_true(is_on("login") && is_on("pay"));
    for (unsigned i = 0; i < 3; i++) {
        bool on = is_on(names[i]);

        assert_int_equal(on, shown >> (2 + i) & 1);
        assert_true(!on || count == i); /* the most important first */
        count += on;
    }
    return count;
}

static void close_after_trip(void) {
    trip();
    assert_int_equal(back(), 0);
    look.closed = true;
}

/* ---- stories */

static void test_a_circuit_that_never_tripped_has_all(void **state) {
    (void)state;
    assert_int_equal(back(), 3);
    look.healthy = false;
    wait_for(100 * HOLD_NS);
    assert_int_equal(back(), 3);
    assert_int_equal(view().phase, SWGI_FEATURES_ALL);
}

static void test_a_trip_leaves_the_critical(void **state) {
    (void)state;
    assert_int_equal(back(), 3);
    trip();
    assert_int_equal(back(), 0);
    wait_for(100 * HOLD_NS);
    assert_int_equal(back(), 0);
    assert_int_equal(view().phase, SWGI_FEATURES_OFF);
    assert_true(view().next_at == INT64_MAX);
}

static void test_they_return_one_by_one_and_are_held(void **state) {
    (void)state;
    close_after_trip();
    for (unsigned stage = 1; stage <= 3; stage++) {
        assert_int_equal(back(), stage);
        assert_true(view().next_at == look.now + HOLD_NS);
        wait_for(HOLD_NS - 1);
        assert_int_equal(back(), stage);
        wait_for(1);
    }
    assert_int_equal(view().phase, SWGI_FEATURES_ALL);
    assert_int_equal(back(), 3);
    look.healthy = false;
    wait_for(HOLD_NS);
    assert_int_equal(back(), 3); /* the recovery is over */
}

static void test_a_hold_between_two_units_is_never_shorter(void **state) {
    (void)state;
    for (int64_t odd = 0; odd < UNIT; odd += UNIT / 7) {
        begin(state);
        settings.hold_ns = (uint64_t)(HOLD_NS + odd / 3);
        wait_for(odd);
        close_after_trip();
        assert_int_equal(back(), 1);
        wait_for((int64_t)settings.hold_ns - 1);
        assert_int_equal(back(), 1);
        wait_for(1 + UNIT);
        assert_int_equal(back(), 2);
    }
}

static void test_nobody_skips_a_stage_by_being_late(void **state) {
    (void)state;
    close_after_trip();
    for (unsigned stage = 1; stage <= 3; stage++) {
        wait_for(50 * HOLD_NS);
        assert_int_equal(back(), stage);
    }
}

static void test_falling_health_takes_one_back_at_once(void **state) {
    (void)state;
    close_after_trip();
    back();
    wait_for(HOLD_NS);
    assert_int_equal(back(), 2);
    look.healthy = false;
    assert_int_equal(back(), 1);
    assert_true(view().unwell);
    assert_int_equal(back(), 1); /* once */
    wait_for(HOLD_NS - 1);
    assert_int_equal(back(), 1);
    wait_for(1);
    assert_int_equal(back(), 0); /* and another while it stays bad */
    wait_for(10 * HOLD_NS);
    assert_int_equal(back(), 0);
}

static void test_health_must_last_before_the_next(void **state) {
    (void)state;
    close_after_trip();
    back();
    wait_for(HOLD_NS);
    back();
    look.healthy = false;
    assert_int_equal(back(), 1);
    wait_for(HOLD_NS / 2);
    look.healthy = true;
    assert_int_equal(back(), 1);
    wait_for(HOLD_NS - 1);
    assert_int_equal(back(), 1);
    wait_for(1);
    assert_int_equal(back(), 2);
}

static void test_nothing_returns_to_a_bad_circuit(void **state) {
    (void)state;
    look.healthy = false;
    close_after_trip();
    assert_int_equal(back(), 0);
    uint64_t word = swgi_load(&words.state);
    wait_for(20 * HOLD_NS);
    assert_int_equal(back(), 0);
    assert_true(swgi_load(&words.state) == word); /* nothing to write */
    assert_true(view().next_at == INT64_MAX);
    look.healthy = true;
    assert_int_equal(back(), 0);
    wait_for(HOLD_NS);
    assert_int_equal(back(), 1);
}

static void test_a_trip_on_the_way_back(void **state) {
    (void)state;
    close_after_trip();
    back();
    wait_for(HOLD_NS);
    assert_int_equal(back(), 2);
    close_after_trip();
    assert_int_equal(back(), 1);
}

static void test_a_trip_nobody_looked_at(void **state) {
    (void)state;
    assert_int_equal(back(), 3);
    look.trips += 2; /* open and closed again since */
    assert_int_equal(back(), 1);
    wait_for(HOLD_NS);
    assert_int_equal(back(), 2);
    look.trips--; /* somebody who was stopped for long */
    assert_int_equal(back(), 2);
}

static void test_what_tripped_before_there_were_features(void **state) {
    (void)state;
    look.trips = 70000;
    assert_int_equal(back(), 3);
    look.trips++;
    assert_int_equal(back(), 1);
}

static void test_isolated_by_hand_is_not_closed(void **state) {
    (void)state;
    assert_int_equal(back(), 3);
    look.closed = false; /* no trip */
    assert_int_equal(back(), 0);
    look.closed = true;
    assert_int_equal(back(), 1);
}

static void test_only_critical_features(void **state) {
    (void)state;
    list("pay:100, login:250");
    trip();
    assert_true(is_on("pay"));
    look.closed = true;
    look.healthy = false;
    assert_true(is_on("login"));
    assert_int_equal(view().phase, SWGI_FEATURES_ALL);
    assert_false(view().unwell);
    assert_int_equal(view().all, 0);
    assert_int_equal(view().back, 0);
}

static void test_another_list_on_the_way_back(void **state) {
    (void)state;
    close_after_trip();
    for (unsigned stage = 1; stage <= 3; stage++) {
        assert_int_equal(back(), stage);
        wait_for(stage < 3 ? HOLD_NS : 0);
    }
    list("pay:100, search:50");
    assert_true(is_on("search"));
    assert_int_equal(view().back, 1);
    list("pay:100, a:9, b:8, c:7, d:6");
    assert_true(is_on("a"));
    assert_false(is_on("b"));
}

static void test_names_nobody_listed(void **state) {
    (void)state;
    assert_int_equal(swgi_feature_enabled(&words, &settings, "sear", &look), -ENOENT);
    assert_int_equal(swgi_feature_enabled(&words, &settings, "searching", &look), -ENOENT);
    assert_int_equal(swgi_feature_enabled(&words, &settings, "", &look), -ENOENT);
    assert_int_equal(swgi_feature_enabled(&words, &settings, NULL, &look), -ENOENT);
    list("none");
    assert_int_equal(swgi_feature_enabled(&words, &settings, "search", &look), -ENOENT);
}

/* ---- beside a naive one */

struct naive {
    bool recovering, unwell;
    unsigned count; /* of three */
    int64_t since;
    bool was_closed;
};

static void naive_look(struct naive *naive) {
    bool held = look.now - naive->since >= HOLD_NS;

    if (!look.closed) {
        *naive = (struct naive){ .recovering = true };
        return;
    }
    if (!naive->was_closed) {
        *naive = (struct naive){ true, !look.healthy, look.healthy, look.now, true };
    } else if (naive->recovering && !look.healthy && (!naive->unwell || held)) {
        if (!naive->unwell || naive->count > 0)
            naive->since = look.now;
        naive->count -= naive->count > 0;
        naive->unwell = true;
    } else if (naive->recovering && look.healthy && naive->unwell) {
        naive->unwell = false;
        naive->since = look.now;
    } else if (naive->recovering && look.healthy && held) {
        naive->since = look.now;
        naive->recovering = ++naive->count <= 3;
        naive->count = naive->count > 3 ? 3 : naive->count;
    }
}

static void test_it_goes_as_the_naive_one(void **state) {
    struct swgi_random random;
    unsigned seen[4] = { 0 };

    (void)state;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        struct naive naive = { .count = 3, .was_closed = true };

        begin(state);
        swgi_random_init(&random, seed);
        for (unsigned i = 0; i < 300; i++) {
            look.now +=
                UNIT * (int64_t)swgi_random_below(&random, 1 << swgi_random_below(&random, 12));
            if (swgi_random_below(&random, 60) == 0 && look.closed)
                trip();
            else if (swgi_random_below(&random, 4) == 0)
                look.closed = true;
            if (swgi_random_below(&random, 12) == 0)
                look.healthy = !look.healthy;
            naive_look(&naive);
            assert_int_equal(view().back, naive.count);
            seen[naive.count]++;
            assert_int_equal(is_on("adverts"), naive.count == 3);
            assert_int_equal(view().back, naive.count);
        }
    }
    assert_true(seen[0] > 1000 && seen[1] > 1000 && seen[2] > 1000 && seen[3] > 1000);
}

/* ---- memory others can write */

static void test_any_word_is_got_over(void **state) {
    struct swgi_random random;

    (void)state;
    swgi_random_init(&random, 5);
    for (unsigned i = 0; i < 20000; i++) {
        begin(state);
        settings.count = i % 3 == 0 ? UINT32_MAX : settings.count;
        swgi_store(&words.state, swgi_random_next(&random) >> swgi_random_below(&random, 64));
        look.trips = swgi_random_next(&random);
        look.closed = i % 2 == 0;
        assert_true(is_on("pay"));
        assert_true(look.closed || !is_on("search"));
        assert_int_equal(swgi_feature_enabled(&words, &settings, "who", &look), -ENOENT);
        assert_int_equal(view().on & 3, 3);
        look.closed = true;
        look.healthy = true;
        settings.count = settings.count == UINT32_MAX ? 5 : settings.count;
        for (unsigned stage = 0; stage < 6; stage++) {
            back();
            wait_for(HOLD_NS);
        }
        assert_int_equal(back(), 3);
        assert_int_equal(view().phase, SWGI_FEATURES_ALL);
    }
}

/* ---- the list as text */

static void assert_list(const char *text, const char *printed) {
    struct swgi_feature_settings again = { .hold_ns = HOLD_NS };
    char out[SWGI_FEATURES_TEXT];

    list(text);
    assert_int_equal(swgi_features_print(&settings, out, sizeof(out)), 0);
    assert_string_equal(out, printed);
    assert_int_equal(swgi_features_parse(out, &again, NULL), 0);
    assert_memory_equal(&again, &settings, sizeof(again));
    assert_true(swgi_features_settings_check(&settings));
    assert_int_equal(swgi_features_compile(&settings, NULL), 0);
    assert_memory_equal(&again, &settings, sizeof(again));
}

static void test_lists_are_sorted_and_read_back(void **state) {
    (void)state;
    assert_list("checkout:100, search:50", "checkout:100, search:50");
    assert_list("optional_feature:50,critical_feature:100",
                "critical_feature:100, optional_feature:50");
    assert_list(" b:7 ,\ta:7,c:1000000 , d.e-f_9:0 ", "c:1000000, a:7, b:7, d.e-f_9:0");
    assert_list("none:1", "none:1");
    assert_list("none", "none");
    assert_list("a2345678901234567890123:1", "a2345678901234567890123:1");
    assert_list(
        "a:16,b:15,c:14,d:13,e:12,f:11,g:10,h:9,i:8,j:7,k:6,l:5,m:4,n:3,o:2,p:1",
        "a:16, b:15, c:14, d:13, e:12, f:11, g:10, h:9, i:8, j:7, k:6, l:5, m:4, n:3, o:2, p:1");
}

static void test_the_longest_list_has_room(void **state) {
    char text[SWGI_FEATURES_TEXT] = "", out[SWGI_FEATURES_TEXT];
    size_t used = 0;

    (void)state;
    for (unsigned i = 0; i < SWGI_FEATURES_MAX; i++)
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used, "%sa234567890123456789012%c:1000000",
                             i > 0 ? ", " : "", (char)('a' + i));
    assert_list(text, text);
    assert_int_equal(swgi_features_print(&settings, out, used + 1), 0);
    for (size_t size = 1; size <= used; size++)
        assert_int_equal(swgi_features_print(&settings, out, size), -ERANGE);
    settings.count = 0;
    assert_int_equal(swgi_features_print(&settings, out, 4), -ERANGE);
}

static void assert_refused(const char *text, const char *told) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swgi_feature_settings before = settings;

    assert_int_equal(swgi_features_parse(text, &settings, &error), -EINVAL);
    assert_string_equal(error.key, "features.list");
    if (strstr(error.text, told) == NULL)
        fail_msg("%s: \"%s\" does not tell \"%s\"", text, error.text, told);
    assert_memory_equal(&before, &settings, sizeof(before));
}

static void test_bad_lists_are_refused(void **state) {
    (void)state;
    assert_refused("", "\"\" is no feature");
    assert_refused("a:1,", "\"\" is no feature");
    assert_refused("a:1,,b:2", "\"\" is no feature");
    assert_refused("a", "\"a\" is no feature");
    assert_refused(":5", "\":5\" is no feature");
    assert_refused("A:5", "\"A:5\" is no feature");
    assert_refused("a b:5", "\"a b:5\" is no feature");
    assert_refused("a :5", "\"a :5\" is no feature");
    assert_refused("a23456789012345678901234:1", "1..23");
    assert_refused("a:1000000000000000000000000000000000000000000000000000000000000000", "a:1000");
    assert_refused("a:", "\"\" is no importance of a; allowed: 0..1000000");
    assert_refused("a:-1", "\"-1\" is no importance of a");
    assert_refused("a:1000001", "allowed: 0..1000000");
    assert_refused("a: 1", "\" 1\" is no importance of a");
    assert_refused("a:1:2", "\"1:2\" is no importance of a");
    assert_refused("a:1, b:2, a:3", "a is there twice");
    assert_refused("a:1,b:1,c:1,d:1,e:1,f:1,g:1,h:1,i:1,j:1,k:1,l:1,m:1,n:1,o:1,p:1,q:1",
                   "at most 16");
}

static void assert_odd(void) {
    assert_false(swgi_features_settings_check(&settings));
}

static void test_nonsense_in_memory_is_noticed(void **state) {
    assert_true(swgi_features_settings_check(&settings));
    settings.count = 17;
    assert_odd();
    assert_int_equal(swgi_features_compile(&settings, NULL), -EINVAL);
    begin(state);
    settings.hold_ns = UINT64_MAX;
    assert_odd();
    begin(state);
    memset(settings.list[1].name, 'x', sizeof(settings.list[1].name));
    assert_odd();
    assert_int_equal(swgi_feature_enabled(&words, &settings, "x", &look), -ENOENT);
    begin(state);
    settings.list[2].name[0] = '\0';
    assert_odd();
    begin(state);
    settings.list[0].importance = 1000001;
    assert_odd();
    begin(state);
    settings.list[3].importance = 60; /* out of order */
    assert_odd();
    assert_int_equal(swgi_features_compile(&settings, NULL), 0);
    assert_string_equal(settings.list[2].name, "reviews");
    settings.list[3] = settings.list[4];
    assert_odd();
    settings.list[3].importance++; /* the same name, in order */
    assert_odd();
    assert_int_equal(swgi_features_compile(&settings, NULL), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_a_circuit_that_never_tripped_has_all),
        STORY(test_a_trip_leaves_the_critical),
        STORY(test_they_return_one_by_one_and_are_held),
        STORY(test_a_hold_between_two_units_is_never_shorter),
        STORY(test_nobody_skips_a_stage_by_being_late),
        STORY(test_falling_health_takes_one_back_at_once),
        STORY(test_health_must_last_before_the_next),
        STORY(test_nothing_returns_to_a_bad_circuit),
        STORY(test_a_trip_on_the_way_back),
        STORY(test_a_trip_nobody_looked_at),
        STORY(test_what_tripped_before_there_were_features),
        STORY(test_isolated_by_hand_is_not_closed),
        STORY(test_only_critical_features),
        STORY(test_another_list_on_the_way_back),
        STORY(test_names_nobody_listed),
        STORY(test_it_goes_as_the_naive_one),
        STORY(test_any_word_is_got_over),
        STORY(test_lists_are_sorted_and_read_back),
        STORY(test_the_longest_list_has_room),
        STORY(test_bad_lists_are_refused),
        STORY(test_nonsense_in_memory_is_noticed),
    };

    return cmocka_run_group_tests_name("engine: features", tests, NULL, NULL);
}
