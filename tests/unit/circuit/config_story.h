/* Shared by the stories about configurations: one of them, made anew for each test, and ways to look at what it comes to. */
#ifndef TESTS_CIRCUIT_CONFIG_STORY_H
#define TESTS_CIRCUIT_CONFIG_STORY_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "circuit/config.h"
#include "circuit/trip_rules.h"
#include "engine/policies.h"

static struct swg_config *config; /* made anew for each test */

static inline int make_config(void **state) {
    (void)state;
    return swg_config_new(&config);
}

static inline int free_config(void **state) {
    (void)state;
    config = swg_config_unref(config);
    return config == NULL ? 0 : -1;
}

static inline void set(const char *key, const char *value) {
    struct swg_error error = SWG_ERROR_INIT;

    if (swg_config_set(config, key, value, &error) != 0)
        fail_msg("%s=%s: %s: %s", key, value, error.key, error.text);
}

static inline void assert_refused(const char *key, const char *value, const char *part) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swg_config before = *config;

    if (swg_config_set(config, key, value, &error) != -EINVAL)
        fail_msg("%s=%s was taken", key, value);
    assert_int_equal(error.code, -EINVAL);
    if (strstr(error.text, part) == NULL)
        fail_msg("%s=%s: \"%s\" is not in \"%s\"", key, value, part, error.text);
    assert_memory_equal(config, &before, sizeof(before));
}

static inline struct swgi_settings applied(const struct swgi_settings *base) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swgi_settings settings;

    if (swgi_config_apply(config, base, &settings, &error) != 0)
        fail_msg("%s: %s", error.key, error.text);
    assert_true(swgi_settings_check(&settings));
    return settings;
}

static inline void assert_not_applied(const char *key, const char *part) {
    struct swg_error error = SWG_ERROR_INIT;
    struct swgi_settings out, before;

    memset(&out, 0x5a, sizeof(out));
    before = out;
    assert_int_equal(swgi_config_apply(config, NULL, &out, &error), -EINVAL);
    assert_string_equal(error.key, key);
    if (strstr(error.text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, error.text);
    assert_memory_equal(&out, &before, sizeof(out));
}

static inline void assert_prints(const struct swgi_settings *settings, const char *key,
                                 const char *value) {
    char text[SWGI_KEY_VALUE_MAX];
    int rc = swgi_setting_print(settings, key, text, sizeof(text));

    if (rc != 0)
        fail_msg("%s does not print: %d", key, rc);
    if (strcmp(text, value) != 0)
        fail_msg("%s is %s, not %s", key, text, value);
}

static inline void assert_no_such(const struct swgi_settings *settings, const char *key) {
    char text[SWGI_KEY_VALUE_MAX];

    assert_int_equal(swgi_setting_print(settings, key, text, sizeof(text)), -ENOENT);
}

static inline struct swgi_settings preset(const char *name) {
    struct swg_error error = SWG_ERROR_INIT;

    if (swg_config_preset(config, name, &error) != 0)
        fail_msg("%s: %s", name, error.text);
    return applied(NULL);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, make_config, free_config)

#endif
