/* swg_config_yaml(): keys of one circuit, as they would stand in a file. */
#include "file_story.h"

static struct swg_config *config;

static int begin(void **state) {
    (void)state;
    return swg_config_new(&config);
}

static int end(void **state) {
    (void)state;
    config = swg_config_unref(config);
    return 0;
}

#define KEYS(name) cmocka_unit_test_setup_teardown(name, begin, end)

static void take(const char *text) {
    struct swg_error error = SWG_ERROR_INIT;

    if (swg_config_yaml(config, text, &error) != 0)
        fail_msg("%d:%d: %s: %s", error.line, error.column, error.key, error.text);
}

static void refuse(const char *text, int line, int column, const char *key, const char *part) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_config before = *config;

    assert_int_equal(swg_config_yaml(config, text, &error), -EINVAL);
    assert_int_equal(error.code, -EINVAL);
    assert_int_equal(error.line, line);
    assert_int_equal(error.column, column);
    assert_string_equal(error.key, key);
    if (strstr(error.text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, error.text);
    assert_memory_equal(config, &before, sizeof(before));
}

static void assert_comes_to(const char *key, const char *value) {
    struct swgi_settings settings;
    char text[SWGI_KEY_VALUE_MAX];

    assert_int_equal(swgi_config_apply(config, NULL, &settings, NULL), 0);
    assert_int_equal(swgi_setting_print(&settings, key, text, sizeof(text)), 0);
    assert_string_equal(text, value);
}

static void test_the_page_s_example(void **state) {
    (void)state;
    take("{preset: read, retry: {attempts: 3}}");
    assert_comes_to("retry.attempts", "3");
    assert_comes_to("breaker.open.for", "3s");
}

static void test_what_was_set_before_stays(void **state) {
    (void)state;
    assert_int_equal(swg_config_set(config, "breaker.open.for", "9s", NULL), 0);
    assert_int_equal(swg_config_set(config, "breaker.trip.0.consecutive", "9", NULL), 0);
    take("retry: {attempts: 3}");
    assert_comes_to("breaker.open.for", "9s");
    assert_comes_to("breaker.trip.0.consecutive", "9");
    take("breaker: {trip: [{failure_rate: {percent: 50}}], open: {for: 8s}}");
    assert_comes_to("breaker.open.for", "8s");
    assert_comes_to("breaker.trip.0.failure_rate.percent", "50");
    take("");
    take("{}");
    assert_comes_to("breaker.open.for", "8s");
}

static void test_other_breakers_keys(void **state) {
    (void)state;
    take("{failureThreshold: 4, timeout: 2500, successThreshold: 3}");
    assert_comes_to("breaker.trip.0.consecutive", "4");
    assert_comes_to("breaker.open.for", "2.5s");
    assert_comes_to("breaker.half_open.success_threshold", "3");
}

static void test_wrong_keys(void **state) {
    (void)state;
    assert_int_equal(swg_config_set(config, "breaker.open.for", "9s", NULL), 0);
    refuse("{preset: read,\n retry: {attempts: 0}}", 2, 20, "retry.attempts", "0 is out of range");
    refuse("{retry: {attempts: 2}, owner: me}", 1, 24, "owner", "unknown key");
    refuse("{retry: {attempts: 0}, zzz: 1}", 1, 20, "retry.attempts", "and 1 more");
    refuse("{a: 1", 2, 1, "", "that began in line 1");
    refuse("x", 1, 1, "", "allowed: a mapping");
    refuse("{failureThreshold: 3, name: x}", 1, 1, "", "belong to a file's circuits");
}

static void test_bad_arguments(void **state) {
    struct swg_error error = SWG_ERROR_INIT;

    (void)state;
    assert_int_equal(swg_config_yaml(NULL, "{}", &error), -EINVAL);
    assert_int_equal(swg_config_yaml(config, NULL, NULL), -EINVAL);
}

/* An older caller's struct has no room for the text. */
static void test_an_older_error(void **state) {
    struct swg_error error = SWG_ERROR_INIT;

    (void)state;
    error.size = (uint32_t)offsetof(struct swg_error, line);
    assert_int_equal(swg_config_yaml(config, "{zzz: 1}", &error), -EINVAL);
    assert_int_equal(error.line, 0);
    assert_int_equal(error.code, -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        KEYS(test_the_page_s_example),  KEYS(test_what_was_set_before_stays),
        KEYS(test_other_breakers_keys), KEYS(test_wrong_keys),
        KEYS(test_bad_arguments),       KEYS(test_an_older_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
