/* Lines of the console: what each becomes, and where each wrong one is wrong. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/console_parse.h"

static struct swgi_line line;
static struct swgi_line_error error;

/* The words, each in brackets; the kind before them where it is no command. */
static const char *words(const char *text) {
    static char out[2 * SWGI_LINE_MAX];
    static const char *const kinds[] = { "nothing", "", "help ", "leave " };
    int used;

    memset(&error, 0, sizeof(error));
    if (swgi_line_parse(text, &line, &error) != 0) {
        snprintf(out, sizeof(out), "%zu: %s", error.column, error.text);
        return out;
    }
    used = snprintf(out, sizeof(out), "%s%s", kinds[line.kind], line.is_question ? "? " : "");
    for (int i = 0; i < line.argc; i++)
        used += snprintf(out + used, sizeof(out) - (size_t)used, "[%s]", line.argv[i]);
    assert_null(line.argv[line.argc]);
    return out;
}

static void test_words(void **state) {
    (void)state;
    assert_string_equal(words(""), "nothing");
    assert_string_equal(words("  \t "), "nothing");
    assert_string_equal(words("# status"), "nothing");
    assert_string_equal(words("status"), "[status]");
    assert_string_equal(words("  trip  a\t--reason 'b  c'"), "[trip][a][--reason][b  c]");
    assert_string_equal(words("a \"b \\\" \\\\ \\n\" c"), "[a][b \" \\ \\n][c]");
    assert_string_equal(words("a'b'\"c\"d\\ e"), "[abcd e]");
    assert_string_equal(words("a '' b"), "[a][][b]");
    assert_string_equal(words("a '\\' b"), "[a][\\][b]");
    assert_string_equal(words("a #b"), "[a][#b]");
    assert_string_equal(words("switchgear why x"), "[why][x]");
    assert_string_equal(words("switchgear"), "[switchgear]");
    assert_string_equal(words("help"), "help [help]");
    assert_string_equal(words("help why"), "[help][why]");
    assert_string_equal(words("exit 3"), "leave [exit][3]");
    assert_string_equal(words(" quit "), "leave [quit]");
    assert_string_equal(words("breakers"), "[breakers]");
    assert_string_equal(words("breaker"), "[breaker]");
}

static void test_wrong_words(void **state) {
    (void)state;
    assert_string_equal(words("a 'b"), "3: this quote is never closed");
    assert_string_equal(words("a \"b\\\""), "3: this quote is never closed");
    assert_string_equal(words("a b\\"), "4: nothing follows this backslash");
    assert_string_equal(words("a\001b"), "2: a control character (1)");
    assert_string_equal(words("\xc3\xbc\x7f"), "2: a control character (127)");
}

/* Seed 003's words, as they stand there. */
static void test_calls(void **state) {
    (void)state;
    assert_string_equal(words("breaker.statusAll()"), "[status]");
    assert_string_equal(words("breaker.status('draftkings')"), "[status][--][draftkings]");
    assert_string_equal(words("breaker.reset('draftkings', 'API team cleared incident')"),
                        "[reset][--reason=API team cleared incident][--][draftkings]");
    assert_string_equal(words("breaker.reset('draftkings', 'Emergency override', true)"),
                        "[reset][--reason=Emergency override][--force][--][draftkings]");
    assert_string_equal(words("breaker.reset('draftkings')"), "[reset][--][draftkings]");
    assert_string_equal(words("breaker.reset('x', '', false)"), "[reset][--][x]");
    assert_string_equal(words("breaker.trip('draftkings', 'Scheduled maintenance window')"),
                        "[trip][--reason=Scheduled maintenance window][--][draftkings]");
    assert_string_equal(words("breaker.isTripped('x')"), "? [is-tripped][--][x]");
    assert_string_equal(words("breaker.callApi('x', 'http://h/')"), "[call][--][x][http://h/]");
    assert_string_equal(words("breaker.callApi('x', '!ls -l', 7, 50)"),
                        "[exec][--verbose][--operation=7][--load=50][--][x][sh][-c][ls -l]");
    assert_string_equal(words("breaker.callApi('x', '!a', '12')"),
                        "[exec][--verbose][--operation=12][--][x][sh][-c][a]");
    assert_string_equal(words(" breaker . status ( \"x\" ) ; "), "[status][--][x]");
    assert_string_equal(words("breaker.status('--json')"), "[status][--][--json]");
}

/* A word for an operation is always the same number, and another than another's. */
static void test_operations(void **state) {
    char first[200];

    (void)state;
    snprintf(first, sizeof(first), "%s", words("breaker.callApi('x', '!a', 'deep_probe')"));
    assert_non_null(strstr(first, "[--operation="));
    assert_string_equal(words("breaker.callApi('x','!a',\"deep_probe\")"), first);
    assert_string_not_equal(words("breaker.callApi('x', '!a', 'deep_probes')"), first);
    assert_string_equal(words("breaker.callApi('x', '!a', '')"),
                        "[exec][--verbose][--operation=0][--][x][sh][-c][a]");
}

static void test_escapes(void **state) {
    (void)state;
    assert_string_equal(words("breaker.status('a\\'b\\\"c\\\\d')"), "[status][--][a'b\"c\\d]");
    assert_string_equal(words("breaker.status('a\\tb\\nc')"), "[status][--][a\tb\nc]");
    assert_string_equal(words("breaker.status('\\u0041\\u00fc\\u20AC')"),
                        "[status][--][A\xc3\xbc\xe2\x82\xac]");
    assert_string_equal(words("breaker.status(\"it's\")"), "[status][--][it's]");
}

struct wrong {
    const char *line, *told;
};

static void test_wrong_calls(void **state) {
    static const struct wrong wrongs[] = {
        { "breaker.", "9: a name belongs here: statusAll, status, reset, trip, ..." },
        { "breaker.foo()", "9: there is no breaker.foo(); 'help' lists what there is" },
        { "breaker.sttus('x')", "9: there is no breaker.sttus(); did you mean status?" },
        { "breaker.status", "15: '(' belongs here: breaker.status('x')" },
        { "breaker.status(", "16: missing: breaker.status('x')" },
        { "breaker.status()", "16: missing: breaker.status('x')" },
        { "breaker.status('x'", "19: a comma or ')' belongs here" },
        { "breaker.status('x' 'y')", "20: a comma or ')' belongs here" },
        { "breaker.status('x',)", "20: too many: breaker.status('x')" },
        { "breaker.trip('x',)", "18: a text in quotes, a number, true or false belongs here" },
        { "breaker.status(x)", "16: texts stand in quotes: 'x'" },
        { "breaker.status(7)", "16: a text in quotes belongs here: breaker.status('x')" },
        { "breaker.status(-7)", "16: texts stand in quotes: '-7'" },
        { "breaker.status('x)", "16: this quote is never closed" },
        { "breaker.status('x\\')", "16: this quote is never closed" },
        { "breaker.status('x\\",
          "18: after a backslash: ' \" \\ n t, or u and four digits of a character" },
        { "breaker.status('\\x')",
          "17: after a backslash: ' \" \\ n t, or u and four digits of a character" },
        { "breaker.status('\\u00')",
          "17: after a backslash: ' \" \\ n t, or u and four digits of a character" },
        { "breaker.status('\\u0000')",
          "17: after a backslash: ' \" \\ n t, or u and four digits of a character" },
        { "breaker.status('\\ud800')",
          "17: after a backslash: ' \" \\ n t, or u and four digits of a character" },
        { "breaker.statusAll('x')", "19: too many: breaker.statusAll()" },
        { "breaker.reset('x', true)",
          "20: a text in quotes belongs here: breaker.reset('x', 'why', true)" },
        { "breaker.reset('x', 'y', 'true')",
          "25: true or false belongs here: breaker.reset('x', 'why', true)" },
        { "breaker.reset('x', 'y', True)", "25: texts stand in quotes: 'True'" },
        { "breaker.trip('x', '')", "19: a trip needs a reason, for those who come after" },
        { "breaker.callApi('x', '')", "22: a URL, or '!' and a command, belongs here" },
        { "breaker.callApi('x', '!')", "22: a URL, or '!' and a command, belongs here" },
        { "breaker.callApi('x', '!a', true)", "28: a text in quotes or a number belongs here: "
                                              "breaker.callApi('x', 'URL', 'operation', load)" },
        { "breaker.callApi('x', '!a', 1, 'b')",
          "31: a number belongs here: breaker.callApi('x', 'URL', 'operation', load)" },
        { "breaker.callApi('x', '!a', 1, 1e3)", "31: not a whole number from 0 to 4294967295" },
        { "breaker.callApi('x', '!a', 1, 4294967296)",
          "31: not a whole number from 0 to 4294967295" },
        { "breaker.status('x') status", "21: nothing may follow the call" },
        { "breaker.status('x');;", "21: nothing may follow the call" },
        { "breaker.status('\xc3\xa4\xc3\xb6', 1)", "22: too many: breaker.status('x')" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++)
        assert_string_equal(words(wrongs[i].line), wrongs[i].told);
}

/* Bounds: of a line, of its words, of a text. */
static void test_bounds(void **state) {
    static char text[3 * SWGI_LINE_MAX];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    assert_string_equal(words(text), "1: the line is longer than 4095 bytes");
    text[SWGI_LINE_MAX - 1] = '\0';
    assert_int_equal(swgi_line_parse(text, &line, &error), 0);
    assert_int_equal(strlen(line.argv[0]), SWGI_LINE_MAX - 1);
    for (int i = 0; i < SWGI_LINE_WORDS_MAX; i++)
        memcpy(text + 2 * i, "a ", 3);
    assert_int_equal(swgi_line_parse(text, &line, &error), 0);
    assert_int_equal(line.argc, SWGI_LINE_WORDS_MAX);
    memcpy(text + 2 * SWGI_LINE_WORDS_MAX, "a", 2);
    assert_string_equal(words(text), "129: more than 64 words");
    memset(text, 'x', sizeof(text));
    memcpy(text, "breaker.status('", 16);
    strcpy(text + 16 + 1023, "')");
    assert_int_equal(swgi_line_parse(text, &line, &error), 0);
    strcpy(text + 16 + 1024 - 1, "x')");
    assert_string_equal(words(text), "16: this text is longer than 1023 bytes");
}

static void test_calls_can_be_listed(void **state) {
    const char *shape, *what;
    size_t count = 0;

    (void)state;
    while (swgi_line_call(count, &shape, &what) != NULL) {
        assert_memory_equal(shape, "breaker.", 8);
        assert_int_equal(swgi_line_parse(shape, &line, &error),
                         strstr(shape, "load") ? -EINVAL : 0);
        count++;
    }
    assert_int_equal(count, 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),   cmocka_unit_test(test_wrong_words),
        cmocka_unit_test(test_calls),   cmocka_unit_test(test_operations),
        cmocka_unit_test(test_escapes), cmocka_unit_test(test_wrong_calls),
        cmocka_unit_test(test_bounds),  cmocka_unit_test(test_calls_can_be_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
