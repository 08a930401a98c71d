/* Questions of `top`, key by key: nothing is done that was not typed, bounded and meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/top_ask.h"

static struct swgi_ask ask;

static int type(const char *text) {
    int answer = SWGI_ANSWER_NONE;

    for (; *text; text++)
        answer = swgi_ask_key(&ask, (unsigned char)*text);
    return answer;
}

static const char *question(void) {
    static char out[256];

    return swgi_ask_question(&ask, out, sizeof(out));
}

static void test_a_bounded_act(void **state) {
    (void)state;
    swgi_ask_act(&ask, "trip", "payments", true);
    assert_string_equal(question(), "trip payments, why? ");
    type("double charges");
    assert_int_equal(swgi_ask_key(&ask, SWGI_KEY_ENTER), SWGI_ANSWER_NONE);
    assert_string_equal(question(), "trip payments, for how long? ");
    type("15m");
    assert_int_equal(swgi_ask_key(&ask, SWGI_KEY_ENTER), SWGI_ANSWER_NONE);
    assert_string_equal(question(), "trip payments for 15 min: sure? [y/N] ");
    assert_int_equal(type("y"), SWGI_ANSWER_ACT);
    assert_string_equal(ask.reason, "double charges");
    assert_int_equal(ask.for_ns, INT64_C(900000000000));
    assert_int_equal(ask.step, SWGI_ASK_NOTHING);
    assert_string_equal(question(), "");
}

static void test_one_without_end(void **state) {
    (void)state;
    swgi_ask_act(&ask, "reset", "payments", false);
    type("fixed");
    swgi_ask_key(&ask, SWGI_KEY_ENTER);
    assert_string_equal(question(), "reset payments: sure? [y/N] ");
    assert_int_equal(type("Y"), SWGI_ANSWER_ACT);
    assert_int_equal(ask.for_ns, 0);
    swgi_ask_force(&ask);
    assert_string_equal(question(), "force reset payments? [y/N] ");
    assert_int_equal(type("y"), SWGI_ANSWER_FORCED);
    assert_string_equal(ask.reason, "fixed");
}

/* Every key but y is no. */
static void test_no(void **state) {
    static const int keys[] = { 'n', ' ', SWGI_KEY_ENTER, SWGI_KEY_LEAVE, SWGI_KEY_DOWN, 'j' };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        swgi_ask_act(&ask, "probe", "payments", false);
        type("why");
        swgi_ask_key(&ask, SWGI_KEY_ENTER);
        assert_int_equal(swgi_ask_key(&ask, keys[i]), SWGI_ANSWER_LEFT);
        assert_int_equal(ask.step, SWGI_ASK_NOTHING);
    }
    swgi_ask_act(&ask, "probe", "payments", false);
    assert_int_equal(swgi_ask_key(&ask, SWGI_KEY_LEAVE), SWGI_ANSWER_LEFT);
}

static void test_a_reason_is_needed(void **state) {
    (void)state;
    swgi_ask_act(&ask, "trip", "payments", true);
    swgi_ask_key(&ask, SWGI_KEY_ENTER);
    assert_int_equal(ask.step, SWGI_ASK_REASON);
    assert_string_not_equal(ask.wrong, "");
    type("   ");
    assert_string_equal(ask.wrong, "");
    swgi_ask_key(&ask, SWGI_KEY_ENTER);
    assert_int_equal(ask.step, SWGI_ASK_REASON);
}

static void test_a_bound_that_is_none(void **state) {
    static const char *const wrong[] = { "5", "x", "0s", "-5m", "1.5", "5 m", "99999999d" };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        swgi_ask_act(&ask, "trip", "payments", true);
        type("why");
        swgi_ask_key(&ask, SWGI_KEY_ENTER);
        type(wrong[i]);
        swgi_ask_key(&ask, SWGI_KEY_ENTER);
        assert_int_equal(ask.step, SWGI_ASK_FOR);
        assert_string_not_equal(ask.wrong, "");
        swgi_ask_key(&ask, SWGI_KEY_CLEAR);
        swgi_ask_key(&ask, SWGI_KEY_ENTER);
        assert_int_equal(ask.step, SWGI_ASK_CONFIRM);
        assert_int_equal(ask.for_ns, 0);
    }
}

static void test_editing(void **state) {
    (void)state;
    swgi_ask_act(&ask, "trip", "payments", true);
    type("gr\xc3\xbc");
    swgi_ask_key(&ask, SWGI_KEY_BACK);
    assert_string_equal(ask.line, "gr");
    swgi_ask_key(&ask, SWGI_KEY_BACK);
    swgi_ask_key(&ask, SWGI_KEY_BACK);
    swgi_ask_key(&ask, SWGI_KEY_BACK);
    assert_string_equal(ask.line, "");
    type("a\001\033\177b");
    swgi_ask_key(&ask, SWGI_KEY_UP);
    swgi_ask_key(&ask, SWGI_KEY_OTHER);
    assert_string_equal(ask.line, "ab");
    for (int i = 0; i < 300; i++)
        type("x");
    assert_int_equal(strlen(ask.line), sizeof(ask.line) - 1);
    assert_string_not_equal(ask.wrong, "");
}

/* A filter holds while it is typed, and its first one comes back when it is given up. */
static void test_a_filter(void **state) {
    (void)state;
    swgi_ask_filter(&ask, "pay");
    assert_string_equal(question(), "Show only: ");
    assert_int_equal(type("m"), SWGI_ANSWER_FILTER);
    assert_string_equal(ask.line, "paym");
    assert_int_equal(swgi_ask_key(&ask, SWGI_KEY_ENTER), SWGI_ANSWER_FILTER);
    assert_string_equal(ask.line, "paym");
    assert_int_equal(ask.step, SWGI_ASK_NOTHING);
    swgi_ask_filter(&ask, "pay");
    assert_int_equal(swgi_ask_key(&ask, SWGI_KEY_LEAVE), SWGI_ANSWER_FILTER);
    assert_int_equal(ask.step, SWGI_ASK_NOTHING);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bounded_act),
        cmocka_unit_test(test_one_without_end),
        cmocka_unit_test(test_no),
        cmocka_unit_test(test_a_reason_is_needed),
        cmocka_unit_test(test_a_bound_that_is_none),
        cmocka_unit_test(test_editing),
        cmocka_unit_test(test_a_filter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
