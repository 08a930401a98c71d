/* What is a W3C trace context, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/trace.h"

#define ID     "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"
#define ZEROS  "00000000000000000000000000000000"

static void test_valid(void **state) {
    static const char *const valid[] = {
        "00-" ID "-" PARENT "-01",
        "00-" ID "-" PARENT "-00",
        "01-" ID "-" PARENT "-01",
        "cc-" ID "-" PARENT "-01-what-comes-later",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(valid) / sizeof(*valid); i++) {
        char id[SWGI_TRACE_ID_LENGTH + 1] = "";
        assert_true(swgi_trace_id(valid[i], id));
        assert_string_equal(id, ID);
    }
}

static void test_invalid(void **state) {
    static const char *const invalid[] = {
        NULL,
        "",
        "00",
        "00-" ID "-" PARENT,
        "00-" ID "-" PARENT "-0",
        "00-" ID "-" PARENT "-01-later",
        "00-" ID "-" PARENT "-01\n",
        "01-" ID "-" PARENT "-01later",
        "ff-" ID "-" PARENT "-01",
        "00-" ZEROS "-" PARENT "-01",
        "00-" ID "-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01",
        "00_" ID "-" PARENT "-01",
        "0g-" ID "-" PARENT "-01",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(invalid) / sizeof(*invalid); i++) {
        char id[SWGI_TRACE_ID_LENGTH + 1] = "as it was";
        assert_false(swgi_trace_id(invalid[i], id));
        assert_string_equal(id, "as it was");
    }
}

static void test_ids(void **state) {
    (void)state;
    assert_true(swgi_trace_id_is_valid(ID));
    assert_false(swgi_trace_id_is_valid(""));
    assert_false(swgi_trace_id_is_valid(ZEROS));
    assert_false(swgi_trace_id_is_valid(ID "0"));
    assert_false(swgi_trace_id_is_valid("0af7651916cd43dd8448eb211c80319"));
    assert_false(swgi_trace_id_is_valid("0af7651916cd43dd8448eb211c80319\""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_ids),
    };
    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
