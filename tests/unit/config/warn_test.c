/* What is allowed and yet seldom meant: each is told, where it is written, and nothing else is. */
#include "file_story.h"

#include "config/tell.h"

static struct swgi_file_errors warnings;

static void told(const char *text, const char *wanted) {
    char lines[4096] = "";
    size_t used = 0;

    read_text(text);
    swgi_file_warn(file, &warnings);
    for (unsigned i = 0; i < warnings.count && i < SWGI_FILE_ERRORS_MAX; i++)
        used += (size_t)snprintf(lines + used, sizeof(lines) - used, "%d:%d: %s: %s\n",
                                 warnings.errors[i].line, warnings.errors[i].column,
                                 warnings.errors[i].key, warnings.errors[i].text);
    assert_string_equal(lines, wanted);
}

#define FALLBACK "fallback: { chain: [static], static: x }"

static void test_a_good_circuit(void **state) {
    (void)state;
    told("circuits: { a: { " FALLBACK " } }\n", "");
}

static void test_no_fallback(void **state) {
    (void)state;
    told("circuits:\n  a: {}\n",
         "2:3: circuits.a.fallback: nothing stands in for an answer while it is open\n");
}

static void test_a_single_failure(void **state) {
    (void)state;
    told("circuits:\n  a:\n    " FALLBACK "\n    breaker: { trip: [ { consecutive: 1 } ] }\n",
         "4:22: circuits.a.breaker.trip: a single failure opens it\n");
    told("circuits:\n  a:\n    " FALLBACK
         "\n    breaker: { trip: [ { failures: { weight: 1.5 } } ] }\n",
         "4:22: circuits.a.breaker.trip: a single failure opens it\n");
    told("circuits:\n  a:\n    " FALLBACK
         "\n    breaker: { trip: [ { failure_rate: { percent: 50, calls_min: 1 } } ] }\n",
         "4:22: circuits.a.breaker.trip: a single failure opens it\n");
}

static void test_a_short_open_time(void **state) {
    (void)state;
    told("circuits:\n  a:\n    " FALLBACK "\n    breaker: { open: { for: 999ms } }\n",
         "4:29: circuits.a.breaker.open.for: open for less than a second, it spares the dependency "
         "little\n");
}

/* In testing both are meant. */
static void test_a_shipped_environment(void **state) {
    (void)state;
    told("environment: testing\ncircuits: { a: { " FALLBACK " } }\n", "");
}

static void test_waiting_without_a_bound(void **state) {
    (void)state;
    told("circuits:\n  a:\n    " FALLBACK "\n    bulkhead: { max_concurrent: 5, when_busy: wait }\n"
         "    limiter: { rate: 5, when_limited: wait }\n",
         "4:47: circuits.a.bulkhead.max_wait: calls wait for a permit, and nobody said how long: "
         "5s\n"
         "5:39: circuits.a.limiter.max_wait: calls wait for their time, and nobody said how long: "
         "1s\n");
    told("circuits:\n  a:\n    " FALLBACK
         "\n    bulkhead: { max_concurrent: 5, when_busy: wait, max_wait: 5s }\n",
         "");
}

static void test_a_pattern_without_a_max(void **state) {
    (void)state;
    told("circuits:\n  'a-*': { " FALLBACK " }\n",
         "2:3: circuits.a-*.max: use may fill the panel with circuits under this pattern\n");
    told("limits: { circuits_max: 9 }\ncircuits:\n  'a-*': { " FALLBACK " }\n", "");
}

/* It is allowed there, because another breaker's words come together; that it is in vain is told. */
static void test_what_another_form_says_in_vain(void **state) {
    (void)state;
    told("circuits:\n  a:\n    " FALLBACK
         "\n    concurrency: { maxConcurrent: 20, maxQueue: 100, queueBehavior: reject }\n",
         "4:49: circuits.a.bulkhead.max_queue: concurrency.maxQueue \"100\" does nothing; it needs "
         "bulkhead.when_busy wait (concurrency.queueBehavior)\n");
    told("circuits:\n  a:\n    " FALLBACK "\n    concurrency: { maxQueue: 7 }\n",
         "4:30: circuits.a.bulkhead.max_queue: concurrency.maxQueue \"7\" does nothing; it needs "
         "bulkhead.when_busy wait (concurrency.queueBehavior)\n");
    told("circuits:\n  a:\n    " FALLBACK
         "\n    concurrency: { maxQueue: 100, queueBehavior: wait }\n"
         "    bulkhead: { max_wait: 1s }\n",
         "");
}

static void test_a_secret(void **state) {
    (void)state;
    told("receivers:\n  chat: { kind: slack, url: 'https://hooks.example/T0/B0/x' }\n",
         "2:3: receivers.chat.url: this is a secret, and whoever reads the file has it; use "
         "url_file\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORY(test_a_good_circuit),
        STORY(test_no_fallback),
        STORY(test_a_single_failure),
        STORY(test_a_short_open_time),
        STORY(test_a_shipped_environment),
        STORY(test_waiting_without_a_bound),
        STORY(test_a_pattern_without_a_max),
        STORY(test_a_secret),
        STORY(test_what_another_form_says_in_vain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
