/* Where each value of a circuit is said to come from. */
#include "file_story.h"

#include "config/tell.h"

/* Fails where a setting is told with another value, place or line than wanted. */
static void assert_told(const char *circuit, const char *key, const char *value, const char *from) {
    struct swgi_telling telling;
    struct swgi_told told;

    assert_int_equal(swgi_telling_begin(&telling, file, entry(circuit)), 0);
    while (swgi_telling_next(&telling, &told)) {
        if (strcmp(told.name, key) != 0)
            continue;
        assert_string_equal(told.value, value);
        if (strcmp(told.from, from) != 0)
            fail_msg("%s is of %s, not of %s", key, told.from, from);
        return;
    }
    fail_msg("%s is not told", key);
}

#define RULE "breaker.trip."

static void test_each_rule_in_its_line(void **state) {
    (void)state;
    read_text("circuits:\n"
              "  a:\n"
              "    breaker:\n"
              "      trip:\n"
              "        - { consecutive: 4 }\n"
              "        - failure_rate:\n"
              "            percent: 40\n"
              "            calls_min: 12\n"
              "        - { failures: { weight: 9, window: 20s } }\n");
    assert_told("a", RULE "0.consecutive", "4", "line 5");
    assert_told("a", RULE "1.failure_rate.percent", "40", "line 7");
    assert_told("a", RULE "1.failure_rate.calls_min", "12", "line 8");
    assert_told("a", RULE "2.failures.weight", "9", "line 9");
    assert_told("a", RULE "2.failures.window", "20s", "line 9");
}

/* They are told in the engine's order: the score, windows of calls, windows of time. */
static void test_rules_in_another_order(void **state) {
    (void)state;
    read_text("circuits:\n"
              "  a:\n"
              "    breaker:\n"
              "      trip:\n"
              "        - { failures: { weight: 9, window: 20s } }\n"
              "        - { slow_rate: { percent: 40, calls: 50 } }\n"
              "        - { failure_rate: { percent: 30, calls: 50 } }\n"
              "        - { slow_rate: { percent: 70, window: 10s } }\n"
              "        - { change: { healthy: 0.01, unhealthy: 0.3 } }\n"
              "      slow_call_duration: 1s\n");
    assert_told("a", RULE "0.change.unhealthy", "0.3", "line 9");
    assert_told("a", RULE "1.failure_rate.percent", "30", "line 7");
    assert_told("a", RULE "2.slow_rate.percent", "40", "line 6");
    assert_told("a", RULE "3.failures.weight", "9", "line 5");
    assert_told("a", RULE "4.slow_rate.percent", "70", "line 8");
}

static void test_what_a_rule_leaves_out(void **state) {
    (void)state;
    read_text("circuits:\n"
              "  a: { breaker: { trip: [ { failure_rate: { percent: 40 } } ] } }\n");
    assert_told("a", RULE "0.failure_rate.percent", "40", "line 2");
    assert_told("a", RULE "0.failure_rate.window", "30s", "default");
}

static void test_rules_of_other_layers(void **state) {
    static const char text[] = "defaults:\n"
                               "  breaker: { trip: [ { consecutive: 4 } ] }\n"
                               "circuits:\n"
                               "  a: {}\n"
                               "  b: { preset: read }\n"
                               "  c: { breaker: { trip: [ { failures: { weight: 9 } } ] } }\n"
                               "  d: { failureThreshold: 7,\n"
                               "       monitoringWindow: 30000 }\n"
                               "environments:\n"
                               "  staging:\n"
                               "    circuits:\n"
                               "      c: { breaker: { trip: [ { consecutive: 6 } ] } }\n";

    (void)state;
    read_text(text);
    assert_told("a", RULE "0.consecutive", "4", "defaults, line 2");
    assert_told("b", RULE "0.consecutive", "3", "preset read");
    assert_told("c", RULE "0.failures.weight", "9", "line 6");
    assert_told("d", RULE "0.consecutive", "7", "line 8");
    read_in(text, "staging");
    assert_told("c", RULE "0.consecutive", "6", "environment staging, line 12");
    read_in(text, "testing");
    assert_told("a", RULE "0.consecutive", "2", "environment testing");
    assert_told("c", RULE "0.failures.weight", "2", "environment testing");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_each_rule_in_its_line),
        STORY(test_rules_in_another_order),
        STORY(test_what_a_rule_leaves_out),
        STORY(test_rules_of_other_layers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
