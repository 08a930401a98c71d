/* How faults are told: to nobody, to an older caller, and without letting hostile text through. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void test_fills_everything_and_returns_the_code(void **state) {
    struct swg_error error = SWG_ERROR_INIT;

    (void)state;
    error.line = 7;
    error.column = 8;
    assert_int_equal(swgi_fail(&error, -EINVAL, "breaker.open.for", "%s is no %d", "x", 5),
                     -EINVAL);
    assert_int_equal(error.code, -EINVAL);
    assert_int_equal(error.line, 0);
    assert_int_equal(error.column, 0);
    assert_string_equal(error.key, "breaker.open.for");
    assert_string_equal(error.text, "x is no 5");
    assert_int_equal(error.size, sizeof(error));
}

static void test_nobody_wants_to_know(void **state) {
    (void)state;
    assert_int_equal(swgi_fail(NULL, -ENOSPC, "key", "text"), -ENOSPC);
}

static void test_no_key(void **state) {
    struct swg_error error = SWG_ERROR_INIT;

    (void)state;
    memset(error.key, 'x', sizeof(error.key));
    swgi_fail(&error, -EIO, NULL, "text");
    assert_string_equal(error.key, "");
}

/* Whatever size an older caller's struct has, not a byte behind it is touched, and what text there is ends. */
static void test_an_older_struct_is_shorter(void **state) {
    (void)state;
    for (uint32_t size = 0; size <= sizeof(struct swg_error); size++) {
        union {
            struct swg_error error;
            char bytes[sizeof(struct swg_error) + 4];
        } caller;

        memset(&caller, 0x5a, sizeof(caller));
        caller.error.size = size;
        swgi_fail(&caller.error, -EINVAL, "a.key", "a sentence");
        assert_int_equal(caller.error.size, size);
        for (size_t i = size < 4 ? 4 : size; i < sizeof(caller); i++)
            assert_int_equal(caller.bytes[i], 0x5a);
        if (size > offsetof(struct swg_error, key))
            assert_int_equal(caller.bytes[size - 1], '\0');
        if (size >= 8)
            assert_int_equal(caller.error.code, -EINVAL);
    }
}

static void test_a_newer_struct_is_longer(void **state) {
    struct {
        struct swg_error error;
        char tail[8];
    } caller = { .error = { .size = sizeof(caller) } };

    (void)state;
    swgi_fail(&caller.error, -EINVAL, "key", "text");
    assert_string_equal(caller.error.text, "text");
    assert_int_equal(caller.error.size, sizeof(caller));
    assert_memory_equal(caller.tail, "\0\0\0\0\0\0\0\0", 8);
}

static void test_long_and_hostile_text(void **state) {
    struct swg_error error = SWG_ERROR_INIT;
    char longest[2000];

    (void)state;
    memset(longest, 'k', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    swgi_fail(&error, -EINVAL, longest, "%s", longest);
    assert_int_equal(strlen(error.key), sizeof(error.key) - 1);
    assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
    swgi_fail(&error, -EINVAL, "\033[2J", "\"%s\"", "\a\xff\033]0;owned\a");
    assert_string_equal(error.key, "?[2J");
    assert_string_equal(error.text, "\"???]0;owned?\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_everything_and_returns_the_code),
        cmocka_unit_test(test_nobody_wants_to_know),
        cmocka_unit_test(test_no_key),
        cmocka_unit_test(test_an_older_struct_is_shorter),
        cmocka_unit_test(test_a_newer_struct_is_longer),
        cmocka_unit_test(test_long_and_hostile_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
