/* Names, text from outside, and guessing what was meant. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/text.h"

static void test_names(void **state) {
    char longest[SWGI_TEXT_NAME_MAX + 2];

    (void)state;
    assert_true(swgi_name_valid("a"));
    assert_true(swgi_name_valid("AZaz09._:@/-"));
    assert_true(swgi_name_valid("read-database"));
    assert_false(swgi_name_valid(NULL));
    assert_false(swgi_name_valid(""));
    memset(longest, 'n', sizeof(longest));
    longest[SWGI_TEXT_NAME_MAX + 1] = '\0';
    assert_false(swgi_name_valid(longest));
    longest[SWGI_TEXT_NAME_MAX] = '\0';
    assert_true(swgi_name_valid(longest));
}

static void test_every_other_byte_is_no_part_of_a_name(void **state) {
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@/-";

    (void)state;
    for (int byte = 1; byte < 256; byte++) {
        char name[] = { 'a', (char)byte, 'b', '\0' };

        assert_int_equal(swgi_name_valid(name), strchr(allowed, byte) != NULL);
    }
}

static void assert_copied(const char *text, size_t size, const char *expected) {
    char out[64];

    memset(out, 'x', sizeof(out));
    assert_int_equal(swgi_copy_text(out, size, text), strlen(expected));
    assert_string_equal(out, expected);
    for (size_t i = size; i < sizeof(out); i++)
        assert_int_equal(out[i], 'x');
}

static void test_text_is_copied_and_bounded(void **state) {
    char nothing[1] = { 'x' };

    (void)state;
    assert_copied("plain text", 64, "plain text");
    assert_copied("plain text", 6, "plain");
    assert_copied(NULL, 64, "");
    assert_copied("x", 1, "");
    assert_int_equal(swgi_copy_text(nothing, 0, "text"), 0);
    assert_int_equal(nothing[0], 'x');
    assert_int_equal(swgi_copy_bytes((char[4]){ 0 }, 4, "ab\0cd", 5), 2);
}

static void test_a_character_is_not_cut(void **state) {
    (void)state;
    assert_copied("Zürich", 64, "Zürich");
    assert_copied("Zürich", 3, "Z");
    assert_copied("Zürich", 4, "Zü");
    assert_copied("€", 3, "");
    assert_copied("😀", 5, "😀");
    assert_copied("😀", 4, "");
}

static void test_what_disturbs_is_replaced(void **state) {
    (void)state;
    assert_copied("\033[31mred", 64, "?[31mred");
    assert_copied("two\nlines\r\ttab\177", 64, "two?lines??tab?");
    assert_copied("c1 \xc2\x9b", 64, "c1 ?");
    /* NOLINTNEXTLINE(misc-misleading-bidirectional) */
    assert_copied("turn \xe2\x80\xae over", 64, "turn ? over");
    assert_copied("line \xe2\x80\xa8 end", 64, "line ? end");
    assert_copied("zero \xe2\x80\x8b width", 64, "zero ? width");
    assert_copied("\xef\xbb\xbf"
                  "bom",
                  64, "?bom");
}

static void test_what_is_not_utf8_is_replaced(void **state) {
    (void)state;
    assert_copied("\xff\xfe", 64, "??");
    assert_copied("alone \x80", 64, "alone ?");
    assert_copied("cut \xe2\x82", 64, "cut ??");
    assert_copied("long \xc0\xaf", 64, "long ??");
    assert_copied("long \xe0\x80\xaf", 64, "long ???");
    assert_copied("half \xed\xa0\x80", 64, "half ???");
    assert_copied("far \xf4\x90\x80\x80", 64, "far ????");
    assert_copied("broken \xe2(\xa1", 64, "broken ?(?");
}

/* Whatever goes in, what comes out goes through unchanged a second time. */
static void test_copying_twice_changes_nothing(void **state) {
    struct swgi_random random;

    (void)state;
    swgi_random_init(&random, 3);
    for (unsigned i = 0; i < 100000; i++) {
        char bytes[24], once[32], twice[32];

        for (size_t at = 0; at < sizeof(bytes); at++)
            bytes[at] = (char)(swgi_random_next(&random) >> (swgi_random_below(&random, 2) * 57));
        size_t length =
            swgi_copy_bytes(once, 1 + swgi_random_below(&random, 32), bytes, sizeof(bytes));

        assert_int_equal(length, strlen(once));
        assert_int_equal(swgi_copy_text(twice, sizeof(twice), once), length);
        assert_string_equal(once, twice);
    }
}

static void test_blanks_say_nothing(void **state) {
    (void)state;
    assert_true(swgi_text_is_blank(NULL));
    assert_true(swgi_text_is_blank(""));
    assert_true(swgi_text_is_blank(" \t\r\n\x01\x7f "));
    assert_false(swgi_text_is_blank("  x"));
    assert_false(swgi_text_is_blank("\xc3\xa9"));
}

static void test_distances(void **state) {
    char longest[200];

    (void)state;
    assert_int_equal(swgi_edit_distance("", ""), 0);
    assert_int_equal(swgi_edit_distance("abc", "abc"), 0);
    assert_int_equal(swgi_edit_distance("", "abc"), 3);
    assert_int_equal(swgi_edit_distance("abc", ""), 3);
    assert_int_equal(swgi_edit_distance("kitten", "sitting"), 3);
    assert_int_equal(swgi_edit_distance("proeb", "probe"), 1);
    assert_int_equal(swgi_edit_distance("abcd", "badc"), 2);
    assert_int_equal(swgi_edit_distance("ca", "abc"), 3);
    memset(longest, 'a', sizeof(longest));
    longest[128] = '\0';
    assert_int_equal(swgi_edit_distance(longest, "a"), UINT_MAX);
    longest[127] = '\0';
    assert_int_equal(swgi_edit_distance(longest, "a"), 126);
}

static const char *nearest_of(const char *wanted, const char *const *candidates) {
    struct swgi_nearest nearest = SWGI_NEAREST(wanted);

    for (; *candidates != NULL; candidates++)
        swgi_nearest_offer(&nearest, *candidates);
    return nearest.name;
}

static void test_what_was_meant(void **state) {
    static const char *const candidates[] = { "", "read", "write", "default", "queue", NULL };

    (void)state;
    assert_string_equal(nearest_of("reda", candidates), "read");
    assert_string_equal(nearest_of("defualt", candidates), "default");
    assert_string_equal(nearest_of("read", candidates), "read");
    assert_null(nearest_of("resilience4j", candidates));
    assert_null(nearest_of("x", candidates));
    assert_null(nearest_of("", candidates));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_every_other_byte_is_no_part_of_a_name),
        cmocka_unit_test(test_text_is_copied_and_bounded),
        cmocka_unit_test(test_a_character_is_not_cut),
        cmocka_unit_test(test_what_disturbs_is_replaced),
        cmocka_unit_test(test_what_is_not_utf8_is_replaced),
        cmocka_unit_test(test_copying_twice_changes_nothing),
        cmocka_unit_test(test_blanks_say_nothing),
        cmocka_unit_test(test_distances),
        cmocka_unit_test(test_what_was_meant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
