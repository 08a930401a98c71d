/* Tab: what is offered in each place of a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/console_complete.h"

static void names(void *arg, void (*offer)(void *to, const char *name), void *to) {
    (void)arg;
    offer(to, "payments");
    offer(to, "db-write");
    offer(to, "db-read");
    offer(to, "http-https://api:443");
    offer(to, "db-read"); /* an alias may be a name, too */
}

/* "FROM COMMON: word word ..." */
static const char *offers(const char *line) {
    static char out[4096];
    struct swgi_completion completion;
    int used;

    assert_int_equal(swgi_console_complete(line, names, NULL, &completion), 0);
    used = snprintf(out, sizeof(out), "%zu %zu:", completion.from,
                    swgi_completion_common(&completion));
    for (size_t i = 0; i < completion.count; i++)
        used += snprintf(out + used, sizeof(out) - (size_t)used, " %s", completion.words[i]);
    swgi_completion_deinit(&completion);
    return out;
}

static void test_commands(void **state) {
    (void)state;
    assert_non_null(strstr(offers(""), " breaker. "));
    assert_non_null(strstr(offers(""), " exit "));
    assert_null(strstr(offers(""), " console "));
    assert_string_equal(offers("is"), "0 2: is-tripped isolate");
    assert_string_equal(offers("  rese"), "2 5: reset");
    assert_string_equal(offers("xyz"), "0 0:");
}

static void test_names(void **state) {
    (void)state;
    assert_string_equal(offers("why d"), "4 3: db-read db-write");
    assert_string_equal(offers("why payments "),
                        "13 0: db-read db-write http-https://api:443 payments");
    assert_string_equal(offers("trip --reason x p"), "16 8: payments");
    assert_string_equal(offers("trip --reason 'x y' p"), "20 8: payments");
    assert_string_equal(offers("trip --reason p"), "14 0:");
    assert_string_equal(offers("trip -r p"), "8 0:");
    assert_string_equal(offers("is-tripped "),
                        "11 0: db-read db-write http-https://api:443 payments");
    assert_string_equal(offers("is-tripped payments "), "20 0:");
    assert_string_equal(offers("exec db"), "5 3: db-read db-write");
    assert_string_equal(offers("exec db-read -- db"), "16 0:");
    assert_string_equal(offers("call payments "), "14 0:");
    assert_string_equal(offers("why http"), "4 20: http-https://api:443");
    assert_string_equal(offers("top "), "4 0:");
    assert_string_equal(offers("nonsense p"), "9 0:");
    assert_string_equal(offers("why 'half a quo"), "12 0:");
}

static void test_options(void **state) {
    (void)state;
    assert_string_equal(offers("trip --fo"), "5 6: --for=");
    assert_string_equal(offers("reset --fo"), "6 7: --force");
    assert_string_equal(offers("events --fol"), "7 8: --follow");
    assert_string_equal(offers("status payments --panel-"), "16 12: --panel-info");
    assert_string_equal(offers("help sett"), "5 8: settings");
}

static void test_calls(void **state) {
    (void)state;
    assert_string_equal(offers("breaker.re"), "0 15: breaker.reset('");
    assert_string_equal(offers("breaker.statusA"), "0 19: breaker.statusAll()");
    assert_string_equal(offers("breaker.status"), "0 14: breaker.status(' breaker.statusAll()");
    assert_string_equal(offers("breaker.trip('p"), "14 9: payments'");
    assert_string_equal(offers("  breaker.trip(\"db-r"), "16 8: db-read\"");
    assert_string_equal(offers("breaker.trip('payments', 'p"), "25 0:");
    assert_string_equal(offers("breaker.trip(p"), "0 0:");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
