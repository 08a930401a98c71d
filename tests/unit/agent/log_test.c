/* The log: one line each, whatever is put into it, with the older interface's sentences. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "agent/log.h"

static int kept, ends[2];

static int catch_stderr(void **state) {
    (void)state;
    kept = dup(STDERR_FILENO);
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
        return -1;
    return dup2(ends[1], STDERR_FILENO) < 0;
}

static int free_stderr(void **state) {
    (void)state;
    swgi_log_setup(SWGI_LOG_INFO, true);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[0]);
    return close(ends[1]);
}

/* What was written since, without its last line end; "" for nothing. */
static const char *written(void) {
    static char text[8192];
    ssize_t length = read(ends[0], text, sizeof(text) - 1);

    text[length > 0 ? length : 0] = '\0';
    if (length > 0 && text[length - 1] == '\n')
        text[length - 1] = '\0';
    return text;
}

static json_t *written_json(void) {
    const char *text = written();

    assert_null(strchr(text, '\n'));
    return json_loads(text, JSON_REJECT_DUPLICATES, NULL);
}

static void assert_field(json_t *object, const char *key, const char *value) {
    assert_string_equal(json_string_value(json_object_get(object, key)), value);
}

static void test_a_line_of_json(void **state) {
    struct swgi_log_fields fields = {
        .context = "admin", .path = "/health", .user = "", .status = 200
    };
    json_t *object;

    (void)state;
    swgi_log_setup(SWGI_LOG_INFO, true);
    swgi_log(SWGI_LOG_INFO, &fields, "served %d", 7);
    object = written_json();
    assert_field(object, "message", "served 7");
    assert_field(object, "level", "info");
    assert_field(object, "context", "admin");
    assert_field(object, "path", "/health");
    assert_null(json_object_get(object, "user"));
    assert_int_equal(json_integer_value(json_object_get(object, "status")), 200);
    assert_int_equal(strlen(json_string_value(json_object_get(object, "timestamp"))), 24);
    json_decref(object);
}

static void test_hostile_text_stays_in_its_line(void **state) {
    struct swgi_log_fields fields = { .path = "/\"\n{\"level\":\"x\"}\x1b[31m\xff",
                                      .user = "\r\n" };
    json_t *object;

    (void)state;
    swgi_log_setup(SWGI_LOG_INFO, true);
    swgi_log(SWGI_LOG_WARNING, &fields, "%s", "a\nb\"c\\");
    object = written_json();
    assert_field(object, "message", "a?b\"c\\");
    assert_field(object, "path", "/\"?{\"level\":\"x\"}?[31m?");
    json_decref(object);
    swgi_log_setup(SWGI_LOG_INFO, false);
    swgi_log(SWGI_LOG_WARNING, &fields, "%s", "a\nb");
    assert_null(strpbrk(written(), "\n\r\x1b"));
}

static void test_long_text_is_cut_and_still_json(void **state) {
    char quotes[4000];
    struct swgi_log_fields fields = { .path = quotes, .circuit = quotes, .user = "u" };
    uint64_t lost = swgi_log_lost();
    json_t *object;

    (void)state;
    memset(quotes, '"', sizeof(quotes) - 1);
    quotes[sizeof(quotes) - 1] = '\0';
    swgi_log_setup(SWGI_LOG_INFO, true);
    swgi_log(SWGI_LOG_ERROR, &fields, "%s", "short");
    object = written_json();
    assert_non_null(object);
    assert_field(object, "user", "u");
    json_decref(object);
    swgi_log(SWGI_LOG_ERROR, NULL, "%s", quotes);
    object = written_json();
    assert_non_null(object);
    json_decref(object);
    assert_int_equal(swgi_log_lost(), lost);
}

static void test_levels(void **state) {
    (void)state;
    swgi_log_setup(SWGI_LOG_WARNING, true);
    swgi_log(SWGI_LOG_INFO, NULL, "no");
    assert_string_equal(written(), "");
    swgi_log(SWGI_LOG_WARNING, NULL, "yes");
    assert_non_null(strstr(written(), "yes"));
    swgi_log_setup(SWGI_LOG_ERROR + 1, true);
    swgi_log(SWGI_LOG_ERROR, NULL, "no");
    assert_string_equal(written(), "");
}

static void test_the_sentence_of_a_transition(void **state) {
    struct swg_event event = SWG_EVENT_INIT;
    json_t *object;

    (void)state;
    swgi_log_setup(SWGI_LOG_INFO, true);
    event.kind = SWG_EVENT_TRANSITION;
    event.from = SWG_STATE_CLOSED;
    event.to = SWG_STATE_OPEN;
    event.rule = SWG_RULE_CONSECUTIVE;
    event.value = event.threshold = 5;
    strcpy(event.circuit, "database");
    swgi_log_event(&event);
    object = written_json();
    assert_field(object, "message",
                 "[CIRCUIT_BREAKER][database] State changed to OPEN: Circuit opened due to 5 "
                 "consecutive failures");
    assert_field(object, "level", "warning");
    assert_field(object, "circuit", "database");
    assert_field(object, "state", "OPEN");
    json_decref(object);
}

static void test_every_kind_of_event_has_a_line(void **state) {
    struct swg_event event = SWG_EVENT_INIT;

    (void)state;
    swgi_log_setup(SWGI_LOG_DEBUG, true);
    strcpy(event.circuit, "x");
    for (event.kind = SWG_EVENT_TRANSITION; event.kind <= SWG_EVENT_CLOCK + 1; event.kind++) {
        json_t *object;

        swgi_log_event(&event);
        object = written_json();
        assert_non_null(object);
        assert_non_null(strstr(json_string_value(json_object_get(object, "message")), "[x]"));
        json_decref(object);
    }
}

/* A log is sent elsewhere, too. */
static void test_secrets_in_reasons_are_not_told(void **state) {
    struct swg_event event = SWG_EVENT_INIT;

    (void)state;
    swgi_log_setup(SWGI_LOG_INFO, true);
    event.kind = SWG_EVENT_TRIP;
    event.to = SWG_STATE_OPEN;
    strcpy(event.circuit, "x");
    strcpy(event.user, "ann");
    strcpy(event.text, "drill, password=hunter2");
    swgi_log_event(&event);
    json_t *object = written_json();
    assert_field(object, "message",
                 "[CIRCUIT_BREAKER][x] State changed to OPEN: trip by ann: drill, "
                 "password=[redacted]");
    json_decref(object);
}

/* Nobody reads: lines are lost and counted, and nobody waits. */
static void test_a_full_pipe_is_not_waited_for(void **state) {
    uint64_t lost = swgi_log_lost();

    (void)state;
    swgi_log_setup(SWGI_LOG_INFO, false);
    for (int i = 0; i < 100000 && swgi_log_lost() == lost; i++)
        swgi_log(SWGI_LOG_INFO, NULL, "into the pipe");
    assert_true(swgi_log_lost() > lost);
    while (written()[0])
        continue;
    lost = swgi_log_lost();
    swgi_log(SWGI_LOG_INFO, NULL, "again");
    assert_non_null(strstr(written(), "again"));
    assert_int_equal(swgi_log_lost(), lost);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_of_json),
        cmocka_unit_test(test_hostile_text_stays_in_its_line),
        cmocka_unit_test(test_long_text_is_cut_and_still_json),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_the_sentence_of_a_transition),
        cmocka_unit_test(test_every_kind_of_event_has_a_line),
        cmocka_unit_test(test_secrets_in_reasons_are_not_told),
        cmocka_unit_test(test_a_full_pipe_is_not_waited_for),
    };

    return cmocka_run_group_tests(tests, catch_stderr, free_stderr);
}
