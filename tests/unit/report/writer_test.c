/* What is written as it is told is the text that jansson makes of the same values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/json.h"

static void assert_written(struct swgi_writer *writer, json_t *expected, size_t flags) {
    size_t size;
    char *text, *wanted = json_dumps(expected, flags | JSON_REAL_PRECISION(15));

    swgi_bytes_add(&writer->bytes, "", 1);
    text = swgi_bytes_end(&writer->bytes, &size);
    assert_non_null(text);
    assert_string_equal(text, wanted);
    free(wanted);
    free(text);
    json_decref(expected);
}

static void assert_real(double value) {
    struct swgi_writer writer = { 0 };

    swgi_put_array(&writer, NULL);
    swgi_put_real(&writer, NULL, value);
    swgi_put_array_end(&writer);
    assert_written(&writer, json_pack("[f]", value), JSON_COMPACT);
}

static void reals_of_every_kind(void **state) {
    static const double odd[] = { 0,
                                  -0.0,
                                  1,
                                  -1,
                                  10,
                                  0.5,
                                  -0.5,
                                  1e-4,
                                  9.99999999e-5,
                                  1e-5,
                                  1e-9,
                                  -1e-9,
                                  1e-10,
                                  0.1 + 0.2,
                                  1.0 / 3,
                                  999999.999999999,
                                  1e6,
                                  1e14,
                                  999999999999999,
                                  1e15,
                                  1e16,
                                  1e100,
                                  1.5e300,
                                  5e-324,
                                  -123.456,
                                  0.000123456789,
                                  123456.000000001,
                                  4503599627370497.5 };

    (void)state;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        assert_real(odd[i]);
}

/* Counts of nanoseconds of any size, shares of small counts, and any bits at all. */
static void reals_by_the_thousand(void **state) {
    uint64_t seed = 42;

    (void)state;
    for (unsigned i = 0; i < 30000; i++) {
        double any;

        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        assert_real((double)(seed >> (1 + seed % 63)) / 1e9);
        assert_real((double)(seed >> 50) / (double)(1 + (seed >> 20 & 0x3fff)));
        memcpy(&any, &seed, sizeof(any));
        if (isfinite(any))
            assert_real(any);
    }
}

static void whole_numbers(void **state) {
    static const int64_t values[] = { 0, 9, 10, -1, 1234567890123456789, INT64_MAX, INT64_MIN };

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct swgi_writer writer = { 0 };

        swgi_put_array(&writer, NULL);
        swgi_put_integer(&writer, NULL, values[i]);
        swgi_put_array_end(&writer);
        assert_written(&writer, json_pack("[I]", (json_int_t)values[i]), JSON_COMPACT);
    }
}

/* All that a list can hold, nested and empty. */
static void put_tree(struct swgi_writer *to) {
    swgi_put_object(to, NULL);
    swgi_put_text(to, "text", "a \"word\" \\ Überlänge € \xf0\x9f\x94\x8c");
    swgi_put_object(to, "none");
    swgi_put_object_end(to);
    swgi_put_array(to, "list");
    swgi_put_object(to, NULL);
    swgi_put_boolean(to, "yes", true);
    swgi_put_boolean(to, "no", false);
    swgi_put_object_end(to);
    swgi_put_array(to, NULL);
    swgi_put_array_end(to);
    swgi_put_number(to, NULL, 7);
    swgi_put_array_end(to);
    swgi_put_null(to, "null");
    swgi_put_object_end(to);
}

static json_t *tree(void) {
    return json_pack("{s:s, s:{}, s:[{s:b, s:b}, [], i], s:n}", "text",
                     "a \"word\" \\ Überlänge € \xf0\x9f\x94\x8c", "none", "list", "yes", 1, "no",
                     0, 7, "null");
}

static void trees_in_every_style(void **state) {
    struct swgi_writer plain = { 0 }, ascii = swgi_writer_ascii(true),
                       lines = swgi_writer_ascii(false);

    (void)state;
    put_tree(&plain);
    assert_written(&plain, tree(), JSON_COMPACT);
    put_tree(&ascii);
    assert_written(&ascii, tree(), JSON_COMPACT | JSON_ENSURE_ASCII);
    put_tree(&lines);
    assert_written(&lines, tree(), JSON_INDENT(2) | JSON_ENSURE_ASCII);
}

static void what_is_not_known_is_null(void **state) {
    struct swgi_writer writer = { 0 };

    (void)state;
    swgi_put_array(&writer, NULL);
    swgi_put_real(&writer, NULL, (double)NAN);
    swgi_put_real(&writer, NULL, (double)INFINITY);
    swgi_put_known(&writer, NULL, -1);
    swgi_put_seconds(&writer, NULL, -1);
    swgi_put_seconds(&writer, NULL, SWG_NS_MAX);
    swgi_put_text(&writer, NULL, NULL);
    swgi_put_filled(&writer, NULL, "");
    swgi_put_array_end(&writer);
    assert_written(&writer, json_pack("[n,n,n,n,n,n,n]"), JSON_COMPACT);
}

/* Control characters, half a character, an overlong one: nothing of it gets through. */
static void hostile_text(void **state) {
    struct swgi_writer writer = { 0 };

    (void)state;
    swgi_put_array(&writer, NULL);
    swgi_put_text(&writer, NULL, "a\x1b[2J\n\xff\xc0\xaf\xe2\x82");
    swgi_put_text(&writer, NULL, "\xf4\x8f\xbf\xbf");
    swgi_put_array_end(&writer);
    assert_written(&writer, json_pack("[s, s]", "a?[2J??????", "?"), JSON_COMPACT);
}

static void long_text_is_cut(void **state) {
    struct swgi_writer writer = swgi_writer_ascii(true);
    char text[2000];

    (void)state;
    memset(text, '\\', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    swgi_put_array(&writer, NULL);
    swgi_put_text(&writer, NULL, text);
    swgi_put_array_end(&writer);
    text[511] = '\0';
    assert_written(&writer, json_pack("[s]", text), JSON_COMPACT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reals_of_every_kind),
        cmocka_unit_test(reals_by_the_thousand),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(trees_in_every_style),
        cmocka_unit_test(what_is_not_known_is_null),
        cmocka_unit_test(hostile_text),
        cmocka_unit_test(long_text_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
